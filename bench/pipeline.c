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
    const char *id, *name;
    enum pipeline_shape shape;
    bool two_cores;
};

static const struct shape_row shapes[] = {
    {"pipeline_fused", "fused", PIPELINE_FUSED, false},
    {"pipeline_fused_journal", "fused, journal on the second core", PIPELINE_FUSED_JOURNAL, true},
    {"pipeline_split", "split after parse", PIPELINE_SPLIT, true},
};
#define SHAPE_CNT (sizeof shapes / sizeof *shapes)

/* What a run of one shape gave. */
struct outcome {
    double block_mean_ns;
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
        double block_mean_ns = pw_bench_block_mean(samples_ns, volume->pings, MEAN_BLOCK);
        pw_bench_add_latency(report, row->id, row->name, block_mean_ns, samples_ns, volume->pings);
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
        char name[2 * PW_BENCH_NAME_BYTES], id[PW_BENCH_ID_BYTES];
        double events_per_s;
        pipeline_flood(&pipeline, volume->warm_cnt);
        outcome->messages_per_s = flood_rates(&pipeline, volume, &events_per_s);
        snprintf(name, sizeof name, "%s: messages", row->name);
        snprintf(id, sizeof id, "%s_messages", row->id);
        pw_bench_add_rate(report, id, name, outcome->messages_per_s);
        snprintf(name, sizeof name, "%s: events", row->name);
        snprintf(id, sizeof id, "%s_events", row->id);
        pw_bench_add_rate(report, id, name, events_per_s);
    }
    good = pipeline_close(&pipeline) && good;
    message_tape_free(&tape);
    return good;
}

static void add_ratios(struct pw_bench_report *report, const struct outcome outcomes[SHAPE_CNT])
{
    for (size_t i = 1; i < SHAPE_CNT; i++) {
        struct pw_bench_value ratio = {.value = outcomes[i].block_mean_ns / outcomes[0].block_mean_ns};
        if (outcomes[i].block_mean_ns == 0) {
            continue;
        }
        snprintf(ratio.id, sizeof ratio.id, "%s_latency_vs_fused", shapes[i].id);
        snprintf(ratio.name, sizeof ratio.name, "latency, %.50s", shapes[i].name);
        snprintf(ratio.of, sizeof ratio.of, "%s", shapes[0].name);
        pw_bench_add_ratio(report, &ratio);
        ratio.value = outcomes[i].messages_per_s / outcomes[0].messages_per_s;
        snprintf(ratio.id, sizeof ratio.id, "%s_rate_vs_fused", shapes[i].id);
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
                     "across cores: skipped, it needs two cores (--cores)");
            continue;
        }
        if (!ping_shape(&shapes[i], &volume, cores, report)) {
            snprintf(report->note, sizeof report->note, "%s: a stage failed", shapes[i].name);
            return -EIO;
        }
        outcomes[i].block_mean_ns = report->latencies[report->latency_cnt - 1].block_mean_ns;
        if (!flood_shape(&shapes[i], &volume, cores, report, &outcomes[i])) {
            snprintf(report->note, sizeof report->note, "%s: a stage failed", shapes[i].name);
            return -EIO;
        }
    }
    add_ratios(report, outcomes);
    return 0;
}

const struct pw_bench pw_bench_pipeline = {
    .name = "pipeline",
    .what = "venue messages through parse, strategy and execution, without sockets",
    .run = pipeline_run,
};
