/* SPDX-License-Identifier: MIT
 *
 * What both stages make of a stream of market events, and how it is compared.
 */
#ifndef PW_TESTS_TRACE_H
#define PW_TESTS_TRACE_H

#include "stage_rig.h"
#include <stddef.h>

/* What came out of the journal's ring, but for CONSUMED events: when a report is consumed depends on who is
 * polled when, and shall. For the same reason the numbers of events made by strategy, which counts those too,
 * are blanked. */
struct trace {
    struct pw_event *events;
    size_t cnt, room;
    uint64_t consumed_cnt;
    struct pw_account account;
    struct pw_position position;
};

/* Takes all that is in the journal's ring. */
void trace_drain_journal(struct rig *rig, struct trace *trace);

/* Feeds at most `most` of the events, as far as there is room; how many. */
size_t trace_feed(struct rig *rig, const struct pw_event *events, size_t cnt, size_t most);

bool trace_is_pending(struct rig *rig);

/* Lets time pass, in the same steps whatever came before, until no order is on its way; ends the stages,
 * reads what they show, and closes the rig. */
void trace_end(struct rig *rig, struct trace *trace);

/* All of it in this thread. seed 0: one core's pass over and over; else whoever the dice say. Fails when
 * nothing moves any more. */
struct trace trace_run(const struct rig_options *options, const struct pw_event *events, size_t cnt,
                       uint64_t seed);

void trace_expect_same(const struct trace *a, const struct trace *b);

/* A market that makes the strategy trade all the time: the feed comes up, then every second event is a trade,
 * every second a quote round it, a microsecond apart. */
enum { TRACE_WALK_CNT = 20000 };
struct pw_event *trace_random_walk(uint64_t seed);

#endif
