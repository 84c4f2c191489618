/* SPDX-License-Identifier: MIT
 *
 * What the log tells of a running engine, so that a person finds in the morning what happened in the night:
 * feeds stale and back, connections lost, gaps, books out of sync, denials by kind, fills, halts, and
 * whatever else is counted and should not be. It sees no more than everybody: the workspace. What recurs is
 * folded (fold.h). docs/log.md has the list.
 */
#ifndef PW_NIGHT_H
#define PW_NIGHT_H

#include "conns.h"
#include "fold.h"
#include "stage.h"

#define PW_NIGHT_WATCHES 256u /* metrics that are told of, those of all lines and accounts */

struct pw_night_watch {
    const struct pw_metric_row *row;
    enum pw_log_level level;
    uint64_t told;
};

struct pw_night_conn {
    uint64_t state, told_lost, told_gaps;
    int64_t not_up_ns; /* since when it is not up; 0: it is, or has not been yet */
    int64_t max_age_ns; /* the most that its account accepts; 0: it does not ask */
    bool told_late, told_delayed;
};

struct pw_night {
    const struct pw_stage_env *env;
    const struct pw_conns *conns;
    const struct pw_feed_view *views;
    const struct pw_position_view *positions;
    struct pw_fold fold;
    uint32_t watch_cnt;
    struct pw_night_watch watches[PW_NIGHT_WATCHES];
    struct pw_night_conn of_conns[PW_CONNS_MAX];
    uint64_t told_fills[PW_INSTRUMENTS_MAX];
    uint64_t told_halts[PW_ACCOUNTS_MAX];
    int64_t next_ns;
    bool is_ending;
};

/* env and conns must outlive it. 0, or -ENOENT when the workspace lacks something. */
int pw_night_init(struct pw_night *night, const struct pw_stage_env *env, const struct pw_conns *conns);

/* Logs what is new; looks about ten times a second. */
void pw_night_poll(struct pw_night *night, int64_t now_ns);

/* A clean stop has begun: what it causes is no event of the night. */
void pw_night_stop(struct pw_night *night);

/* Looks once more, and writes what is owed. */
void pw_night_end(struct pw_night *night, int64_t now_ns);

/* Gaps in the feeds so far. Asked before the stop: that closes the connections, which is a gap in the
 * journal. */
uint64_t pw_night_gaps(const struct pw_workspace *ws);

/* The run in one line: orders, fills, denials by kind, P&L and fees by currency, gaps, what is left open.
 * Returns text. */
#define PW_NIGHT_SUMMARY_BYTES 800u
const char *pw_night_summary(const struct pw_workspace *ws, const struct pw_instrument *instruments,
                             uint32_t instrument_cnt, uint64_t gap_cnt, char text[PW_NIGHT_SUMMARY_BYTES]);

#endif
