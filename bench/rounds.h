/* SPDX-License-Identifier: MIT
 *
 * Several ways to do the same work, measured in turns on one core.
 *
 * A round runs each subject over all items twice: once in blocks with nothing but the work between two clock
 * reads, for the mean, and once with a clock read behind each item, for raw samples (which contain that
 * read). The mean is made of each block's median over the rounds: a time slice that another process took
 * spoils a block of one round, not the figure.
 */
#ifndef PW_BENCH_ROUNDS_H
#define PW_BENCH_ROUNDS_H

#include "bench.h"

#define PW_BENCH_ROUNDS 9u
#define PW_BENCH_BLOCKS 100u /* of a round, at most */

struct pw_bench_subject {
    char id[PW_BENCH_ID_BYTES], name[PW_BENCH_NAME_BYTES];
    void (*run)(void *arg, size_t first, size_t end); /* items first to end - 1 */
    void (*begin)(void *arg); /* before each pass over the items, not timed; NULL: nothing to do */
    void *arg;
    double block_mean_ns; /* found: the mean of an item */
};

/* Measures all, after one round that does not count, and adds a row of each to the report's latencies. 0 or
 * -ENOMEM. */
int pw_bench_rounds_run(struct pw_bench_subject *subjects, size_t subject_cnt, size_t item_cnt,
                        struct pw_bench_report *report);

/* Add a ratio: of the durations (the subject's against the baseline's), and of the speeds (how many times as
 * fast as the baseline; target: at least, 0: none). */
void pw_bench_rounds_add_ratio(struct pw_bench_report *report, const struct pw_bench_subject *subject,
                               const struct pw_bench_subject *baseline);
void pw_bench_rounds_add_speed(struct pw_bench_report *report, const struct pw_bench_subject *subject,
                               const struct pw_bench_subject *baseline, double target);

/* Keeps the compiler from leaving out the making of what p points to. */
static inline void pw_bench_keep(const void *p)
{
    __asm__ volatile("" : : "g"(p) : "memory");
}

#endif
