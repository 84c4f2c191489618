/* SPDX-License-Identifier: MIT
 *
 * Instructions a hop: an engine under callgrind is fed a fixed tape of ticks and market data, and what its
 * functions cost is reported by hop, of this build alone or beside another one. Counts repeat where times do
 * not.
 */
#ifndef PW_BENCH_INSTRUCTIONS_H
#define PW_BENCH_INSTRUCTIONS_H

#include "against.h"

#define INSTRUCTIONS_HOPS_MAX 24u

struct instructions_hop {
    const char *id; /* it stays */
    const char *label;
};

struct instructions_row {
    const struct instructions_hop *hop;
    double own, other; /* NAN: the build has no such function */
    double again;      /* this build once more; NAN: not compared */
    double ratio;      /* this to the other */
    double resolution; /* how far this build is from itself */
    double ratio_max;  /* 0: no limit */
    bool missed;       /* the limit */
};

struct instructions_result {
    size_t row_cnt;
    struct instructions_row rows[INSTRUCTIONS_HOPS_MAX];
    struct pw_bench_report report; /* its note alone */
};

/* The id of hop i; NULL behind the last. */
const char *instructions_id(size_t i);

/* against->other: empty, or the folder of the other build. 0, or -errno with the reason in the note;
 * -ENOENT: there is no valgrind. */
int instructions_run(const struct against *against, struct instructions_result *result);
void instructions_print(const struct against *against, const struct instructions_result *result);
json_t *instructions_json(const struct against *against, const struct instructions_result *result);
bool instructions_missed(const struct instructions_result *result);
/* A limit was set for a hop that one of the builds does not have. */
bool instructions_unjudged(const struct instructions_result *result);

#endif
