/* SPDX-License-Identifier: MIT
 *
 * The topology: which stages there are, and what talks to what. This is code; where a stage runs is the
 * user's config.
 *
 * The two tables in live_topology.c are the whole of it. From them come the workspace's regions, the check that a
 * config places every stage once, and the order in which stages are started and stopped.
 */
#ifndef PW_LIVE_TOPOLOGY_H
#define PW_LIVE_TOPOLOGY_H

#include "stage.h"
#include <pinwheel/workspace.h>

/* Every stage, in the order of one core's pass: data flows downwards. */
extern const struct pw_stage_ops *const pw_stage_table[];
extern const uint32_t pw_stage_table_cnt;

/* Their names, for pw_config_load. */
extern const char *const pw_stage_names[];

/* Fills `want` (of at least PW_REGIONS_MAX rows) with every region that this config needs; returns how many.
 */
uint32_t pw_topology_regions(const struct pw_config *config, struct pw_region_want *want);

#endif
