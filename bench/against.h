/* SPDX-License-Identifier: MIT
 *
 * This build beside another one: runs of both in turns, judged figure by figure.
 */
#ifndef PW_BENCH_AGAINST_H
#define PW_BENCH_AGAINST_H

#include "bench.h"
#include "build.h"
#include "judge.h"
#include "judged.h"

#define AGAINST_LIMITS_MAX 16u
/* Of three rounds two have both builds, in this order and in the other, and one this build twice. */
#define AGAINST_ROUNDS       12u
#define AGAINST_ROUNDS_QUICK 3u

struct against_limit {
    char id[JUDGED_ID_BYTES];
    double ratio_max;
};

struct against {
    const struct pw_bench_env *env;
    char own[BUILD_PATH_BYTES], other[BUILD_PATH_BYTES]; /* folders of programs */
    uint32_t round_cnt;
    struct against_limit limits[AGAINST_LIMITS_MAX];
    uint32_t limit_cnt;
};

/* "ID=RATIO". False: not of that form, an unknown id, or too many. */
bool against_limit_add(struct against *against, const char *text);

/* 0: none. */
double against_limit_of(const struct against *against, const char *id);

struct against_figure {
    char id[JUDGED_ID_BYTES];
    bool missing; /* in either build: the judgement is then empty */
    struct judgement judgement;
    double ratio_max; /* 0: no limit */
    bool exceeded;    /* the limit, by more than the resolution */
};

struct against_result {
    size_t figure_cnt;
    struct against_figure figures[JUDGED_MAX];
    struct pw_bench_report report; /* its note alone */
};

/* Runs the bench of that name. 0, or -errno with the reason in the note. */
int against_run(const struct against *against, const char *bench, struct against_result *result);

void against_print(const struct against *against, const char *bench, const struct against_result *result);
/* A new reference. */
json_t *against_json(const struct against *against, const char *bench, const struct against_result *result);
bool against_exceeded(const struct against_result *result);
/* A limit was set for a figure that one of the builds does not have. */
bool against_unjudged(const struct against_result *result);

#endif
