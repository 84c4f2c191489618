/* SPDX-License-Identifier: MIT
 *
 * Is one build's figure another's? Judged from pairs of runs made in turns: this build beside the other, and
 * this build beside itself. How far the pairs of one build differ is what the pairs of two are held against.
 */
#ifndef PW_BENCH_JUDGE_H
#define PW_BENCH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

/* A duration, or a count of what costs: less is better. */
struct judge_pair {
    double a, b;
};

enum judge_verdict {
    JUDGE_NOT_JUDGED = 0, /* too few pairs of one build to know what difference is visible */
    JUDGE_INDISTINGUISHABLE,
    JUDGE_FASTER,
    JUDGE_SLOWER
};

struct judgement {
    double a, b;                /* lower quartiles */
    double ratio_quartiles;     /* lower quartile of all a through that of all b: what quiet rounds say */
    double ratio_paired;        /* median of a / b: what neighbours in time say */
    double resolution;          /* how far from 1 either comes, 95 times in 100, when both are one build */
    enum judge_verdict verdict; /* for a; both ratios must be beyond the resolution, on the same side */
};

#define JUDGE_PAIRS_MAX 256u
#define JUDGE_SAME_MIN  3u /* fewer pairs of one build judge nothing */

/* pairs: a of this build, b of the other. same: both of this build. At least one of each, JUDGE_PAIRS_MAX at
 * most; all above 0. */
struct judgement judge(const struct judge_pair *pairs, size_t pair_cnt, const struct judge_pair *same,
                       size_t same_cnt);

/* Whether the ratio is above the limit, and by more than the resolution; never of what is not judged. */
bool judge_exceeds(const struct judgement *judgement, double ratio_max);

/* "met", "missed" or "not judged": what a limit has come to. */
const char *judge_limit_name(bool judged, bool exceeded);

const char *judge_verdict_name(enum judge_verdict verdict);

#endif
