/* SPDX-License-Identifier: MIT
 *
 * pinwheel bench pipeline: venue messages through all stages behind the socket, in the shapes that a config
 * may give them. One at a time for latency, as many as there is room for the rate.
 *
 * Latency is from the message's being put into net_rx.parse to execution's having taken the event that it
 * became, as the generator sees it: one pass of its own loop included. The baseline is the same path with the
 * shape that has nothing to cross: everything on one thread, and no journal.
 */
#include "bench.h"
#include "pipeline_stages.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PINGS      200000u
#define FLOODS     5u
#define FLOOD_CNT  200000u /* messages of each */
#define WARM_CNT   20000u
#define MEAN_BLOCK 100u

struct shape_row {
    const char *name;
    enum pipeline_shape shape;
    bool two_cores;
};

static const struct shape_row shapes[] = {
    {"fused", PIPELINE_FUSED, false},
    {"fused, journal on core two", PIPELINE_FUSED_JOURNAL, true},
    {"split behind parse", PIPELINE_SPLIT, true},
};
#define SHAPE_CNT (sizeof shapes / sizeof *shapes)

/* What a run of one shape gave. */
struct outcome {
    double typical_ns;
    double messages_per_s;
};

struct volume {
    uint64_t pings, floods, flood_cnt, warm_cnt;
};

static double flood_rates(struct pipeline *pipeline, const struct volume *volume, double *events_per_s)
{
    double messages[FLOODS], events[FLOODS];
    for (uint64_t i = 0; i < volume->floods; i++) {
        uint64_t before = pipeline_event_cnt(pipeline);
        double seconds = (double)pipeline_flood(pipeline, volume->flood_cnt) / 1e9;
        messages[i] = (double)volume->flood_cnt / seconds;
        events[i] = (double)(pipeline_event_cnt(pipeline) - before) / seconds;
    }
    *events_per_s = pw_bench_median(events, volume->floods);
    return pw_bench_median(messages, volume->floods);
}

static bool ping_shape(const struct shape_row *row, const struct volume *volume, const int32_t cores[2],
                       struct pw_bench_report *report)
{
    struct message_tape tape;
    struct pipeline pipeline;
    uint64_t *samples = calloc(volume->pings, sizeof *samples);
    double *samples_ns = calloc(volume->pings, sizeof *samples_ns);
    bool good = samples != NULL && samples_ns != NULL &&
                message_tape_make(&tape, volume->warm_cnt + volume->pings, true);
    if (good) {
        good = pipeline_open(&pipeline, row->shape, &tape, cores);
        if (good) {
            pipeline_flood(&pipeline, volume->warm_cnt);
            pipeline_ping(&pipeline, volume->pings, samples);
        }
        good = pipeline_close(&pipeline) && good;
        message_tape_free(&tape);
    }
    for (uint64_t i = 0; good && i < volume->pings; i++) {
        samples_ns[i] = (double)samples[i];
    }
    if (good) {
        double typical_ns = pw_bench_typical(samples_ns, volume->pings, MEAN_BLOCK);
        pw_bench_add_latency(report, row->name, typical_ns, samples_ns, volume->pings);
    }
    free(samples);
    free(samples_ns);
    return good;
}

static bool flood_shape(const struct shape_row *row, const struct volume *volume, const int32_t cores[2],
                        struct pw_bench_report *report, struct outcome *outcome)
{
    struct message_tape tape;
    struct pipeline pipeline;
    if (!message_tape_make(&tape, volume->warm_cnt + volume->floods * volume->flood_cnt, false)) {
        return false;
    }
    bool good = pipeline_open(&pipeline, row->shape, &tape, cores);
    if (good) {
        char name[2 * PW_BENCH_NAME_BYTES];
        double events_per_s;
        pipeline_flood(&pipeline, volume->warm_cnt);
        outcome->messages_per_s = flood_rates(&pipeline, volume, &events_per_s);
        snprintf(name, sizeof name, "%s: messages", row->name);
        pw_bench_add_rate(report, name, outcome->messages_per_s);
        snprintf(name, sizeof name, "%s: events", row->name);
        pw_bench_add_rate(report, name, events_per_s);
    }
    good = pipeline_close(&pipeline) && good;
    message_tape_free(&tape);
    return good;
}

static void add_ratios(struct pw_bench_report *report, const struct outcome outcomes[SHAPE_CNT])
{
    for (size_t i = 1; i < SHAPE_CNT; i++) {
        struct pw_bench_ratio ratio = {.ratio = outcomes[i].typical_ns / outcomes[0].typical_ns};
        if (outcomes[i].typical_ns == 0) {
            continue;
        }
        snprintf(ratio.name, sizeof ratio.name, "latency, %.50s", shapes[i].name);
        snprintf(ratio.baseline, sizeof ratio.baseline, "%s", shapes[0].name);
        pw_bench_add_ratio(report, &ratio);
        ratio.ratio = outcomes[i].messages_per_s / outcomes[0].messages_per_s;
        snprintf(ratio.name, sizeof ratio.name, "rate, %.50s", shapes[i].name);
        pw_bench_add_ratio(report, &ratio);
    }
}

static int pipeline_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    const struct volume volume = {.pings = env->quick ? PINGS / 100 : PINGS,
                                  .floods = env->quick ? 1 : FLOODS,
                                  .flood_cnt = env->quick ? FLOOD_CNT / 100 : FLOOD_CNT,
                                  .warm_cnt = env->quick ? WARM_CNT / 100 : WARM_CNT};
    const int32_t cores[2] = {env->cores[0], env->core_cnt > 1 ? env->cores[1] : env->cores[0]};
    struct outcome outcomes[SHAPE_CNT] = {0};
    for (size_t i = 0; i < SHAPE_CNT; i++) {
        if (shapes[i].two_cores && env->core_cnt < 2) {
            snprintf(report->note, sizeof report->note,
                     "on two cores: skipped, since there is but one to run on");
            continue;
        }
        if (!ping_shape(&shapes[i], &volume, cores, report)) {
            snprintf(report->note, sizeof report->note, "%s: the stages did not run", shapes[i].name);
            return -EIO;
        }
        outcomes[i].typical_ns = report->latencies[report->latency_cnt - 1].typical_ns;
        if (!flood_shape(&shapes[i], &volume, cores, report, &outcomes[i])) {
            snprintf(report->note, sizeof report->note, "%s: the stages did not run", shapes[i].name);
            return -EIO;
        }
    }
    add_ratios(report, outcomes);
    return 0;
}

const struct pw_bench pw_bench_pipeline = {
    .name = "pipeline",
    .what = "venue messages from net_rx's ring through parse, strategy and execution, no sockets",
    .run = pipeline_run,
};
