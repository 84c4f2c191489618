/* SPDX-License-Identifier: MIT
 *
 * The live engine's topology: which stages there are, and what talks to what. This is code; where a stage
 * runs is the user's config.
 *
 * The tables in live_topology.c are the whole of it. From them come the workspace's regions, the check that a
 * config places every stage once, and the order in which stages are started and stopped.
 */
#ifndef PW_LIVE_TOPOLOGY_H
#define PW_LIVE_TOPOLOGY_H

#include "feeds.h"
#include "stages.h"
#include "topology.h"

/* What the stages are given beside their env, a member a kind. */
struct pw_live_attachments {
    struct pw_net_attachment net[PW_LINES_MAX]; /* of net_rx and net_tx, by line */
    struct pw_execution_attachment execution;
    struct pw_journal_attachment journal;
    struct pw_housekeeping_attachment housekeeping;
};

/* That stage's; NULL: it needs none, as those that benches and rigs put in the place of others. */
const void *pw_live_attachment(const struct pw_live_attachments *all, const struct pw_topology_stage *stage);

/* Every stage and ring that this config needs. */
void pw_live_topology(struct pw_topology *topology, const struct pw_config *config);

/* The stages alone. */
void pw_live_stages(struct pw_topology *topology, const struct pw_config *config);

/* The rings alone, between stages that were added already: for rigs and benches that leave stages out, or put
 * others in their place. */
void pw_live_connect(struct pw_topology *topology, const struct pw_config *config);

/* What a config must place (config NULL: the simplest one); their number. 0: the numbers of the feeds' lines
 * have a gap. */
uint32_t pw_live_stage_names(const struct pw_config *config, char names[PW_STAGES_MAX][PW_STAGE_NAME_BYTES]);

/* Fills `want` (of at least PW_REGIONS_MAX rows) with every region that the topology and this config need;
 * returns how many. */
uint32_t pw_live_regions(const struct pw_topology *topology, const struct pw_config *config,
                         struct pw_region_want *want);

#endif
