/* SPDX-License-Identifier: MIT
 *
 * Rounds: see rounds.h.
 */
#include "rounds.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* How the items are cut into blocks of about the same size. */
static size_t block_begin(size_t block, size_t item_cnt)
{
    size_t block_cnt = item_cnt < PW_BENCH_BLOCKS ? item_cnt : PW_BENCH_BLOCKS;
    return block < block_cnt ? block * item_cnt / block_cnt : item_cnt;
}

static void begin(const struct pw_bench_subject *subject)
{
    if (subject->begin != NULL) {
        subject->begin(subject->arg);
    }
}

static void blocks_take(const struct pw_bench_subject *subject, size_t item_cnt, double *blocks_ns)
{
    for (size_t block = 0; block_begin(block, item_cnt) < item_cnt; block++) {
        uint64_t start = pw_bench_ticks();
        subject->run(subject->arg, block_begin(block, item_cnt), block_begin(block + 1, item_cnt));
        blocks_ns[block] = (double)(pw_bench_ticks() - start) * pw_bench_tick_ns;
    }
}

/* rounds: each round's blocks. */
static double block_mean_of(double rounds[PW_BENCH_ROUNDS][PW_BENCH_BLOCKS], size_t item_cnt)
{
    double sum_ns = 0;
    for (size_t block = 0; block_begin(block, item_cnt) < item_cnt; block++) {
        double values[PW_BENCH_ROUNDS];
        for (size_t round = 0; round < PW_BENCH_ROUNDS; round++) {
            values[round] = rounds[round][block];
        }
        sum_ns += pw_bench_median(values, PW_BENCH_ROUNDS);
    }
    return sum_ns / (double)item_cnt;
}

static void samples_take(const struct pw_bench_subject *subject, size_t item_cnt, double *samples_ns)
{
    uint64_t last = pw_bench_ticks();
    for (size_t i = 0; i < item_cnt; i++) {
        subject->run(subject->arg, i, i + 1);
        uint64_t now = pw_bench_ticks();
        samples_ns[i] = (double)(now - last) * pw_bench_tick_ns;
        last = now;
    }
}

/* What the rounds of one subject gave. */
struct measured {
    double blocks_ns[PW_BENCH_ROUNDS][PW_BENCH_BLOCKS];
    double *samples_ns; /* of all rounds */
};

static bool measured_make(struct measured *measured, size_t subject_cnt, size_t sample_cnt)
{
    bool good = true;
    for (size_t k = 0; k < subject_cnt; k++) {
        measured[k].samples_ns = malloc(sample_cnt * sizeof(double));
        good = good && measured[k].samples_ns != NULL;
    }
    return good;
}

static void measure(const struct pw_bench_subject *subjects, size_t subject_cnt, size_t item_cnt,
                    struct measured *measured)
{
    for (size_t round = 0; round <= PW_BENCH_ROUNDS; round++) {
        size_t to = round == 0 ? 0 : round - 1; /* the first one warms up: the second overwrites it */
        for (size_t k = 0; k < subject_cnt; k++) {
            begin(&subjects[k]);
            blocks_take(&subjects[k], item_cnt, measured[k].blocks_ns[to]);
            begin(&subjects[k]);
            samples_take(&subjects[k], item_cnt, measured[k].samples_ns + to * item_cnt);
        }
    }
}

int pw_bench_rounds_run(struct pw_bench_subject *subjects, size_t subject_cnt, size_t item_cnt,
                        struct pw_bench_report *report)
{
    struct measured *measured = calloc(subject_cnt, sizeof *measured);
    bool good = measured != NULL && measured_make(measured, subject_cnt, PW_BENCH_ROUNDS * item_cnt);
    if (good) {
        measure(subjects, subject_cnt, item_cnt, measured);
    }
    for (size_t k = 0; k < subject_cnt && good; k++) {
        subjects[k].block_mean_ns = block_mean_of(measured[k].blocks_ns, item_cnt);
        pw_bench_add_latency(report, subjects[k].id, subjects[k].name, subjects[k].block_mean_ns,
                             measured[k].samples_ns, PW_BENCH_ROUNDS * item_cnt);
    }
    for (size_t k = 0; k < subject_cnt && measured != NULL; k++) {
        free(measured[k].samples_ns);
    }
    free(measured);
    return good ? 0 : -ENOMEM;
}

void pw_bench_rounds_add_ratio(struct pw_bench_report *report, const struct pw_bench_subject *subject,
                               const struct pw_bench_subject *baseline)
{
    struct pw_bench_value ratio = {.value = subject->block_mean_ns / baseline->block_mean_ns};
    snprintf(ratio.id, sizeof ratio.id, "%.40s_duration_vs_%.40s", subject->id, baseline->id);
    snprintf(ratio.name, sizeof ratio.name, "duration, %.50s", subject->name);
    snprintf(ratio.of, sizeof ratio.of, "%s", baseline->name);
    pw_bench_add_ratio(report, &ratio);
}

void pw_bench_rounds_add_speed(struct pw_bench_report *report, const struct pw_bench_subject *subject,
                               const struct pw_bench_subject *baseline, double target)
{
    struct pw_bench_value ratio = {
        .value = baseline->block_mean_ns / subject->block_mean_ns, .target = target, .at_least = true};
    snprintf(ratio.id, sizeof ratio.id, "%.40s_speed_vs_%.40s", subject->id, baseline->id);
    snprintf(ratio.name, sizeof ratio.name, "speed, %.50s", subject->name);
    snprintf(ratio.of, sizeof ratio.of, "%s", baseline->name);
    pw_bench_add_ratio(report, &ratio);
}
