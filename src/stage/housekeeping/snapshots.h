/* SPDX-License-Identifier: MIT
 *
 * Book snapshots: asks the venue's REST service for the books that parse wants, and passes them on in pieces.
 *
 * Cold, part of housekeeping. One request at a time a feed; a failed one is tried again after a growing
 * pause; a venue that says to wait (429, 418) is obeyed; the weight of requests stays within a share of the
 * venue's limit, which feeds at one address share.
 */
#ifndef PW_SNAPSHOTS_H
#define PW_SNAPSHOTS_H

#include "fold.h"
#include "housekeeping.h"
#include "net.h"
#include <pinwheel/ring.h>

struct pw_snapshots;

/* NULL: no memory, or a ring is missing (logged). Counts its requests in `metrics`. */
struct pw_snapshots *pw_snapshots_create(const struct pw_stage_env *env,
                                         struct pw_housekeeping_metrics *metrics, struct pw_fold *fold);
void pw_snapshots_destroy(struct pw_snapshots *snapshots);

/* This instrument's book is wanted. Asking again while it is already wanted changes nothing. */
void pw_snapshots_want(struct pw_snapshots *snapshots, uint16_t instrument_idx);

/* Spends so much of the weight that requests to this feed's address share; false: there is too little now. */
bool pw_snapshots_spend(struct pw_snapshots *snapshots, uint32_t feed_idx, uint32_t weight, int64_t now_ns);

/* The one producer of the ring to the parse that serves this feed. */
struct pw_producer *pw_snapshots_to_parse(struct pw_snapshots *snapshots, uint32_t feed_idx);

/* Drives fetches, puts events; returns how much it did. */
uint32_t pw_snapshots_poll(struct pw_snapshots *snapshots, int64_t now_ns);
int64_t pw_snapshots_next_ns(const struct pw_snapshots *snapshots);

/* That host (host_idx of its connections) takes no requests before: none is made. Shorter than what is known
 * already changes nothing. */
void pw_snapshots_pause(struct pw_snapshots *snapshots, uint32_t host_idx, int64_t until_ns);
int64_t pw_snapshots_paused_until_ns(const struct pw_snapshots *snapshots, uint32_t host_idx);

#endif
