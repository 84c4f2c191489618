/* SPDX-License-Identifier: MIT
 *
 * tick-to-order: a real engine on one core, the venue on the other. The venue sends a quote that makes the
 * strategy trade, over TLS and WebSocket, and stops the clock when the order's bytes are there.
 *
 * The clock runs from before the system call that sends the sealed quote until behind the one that brings the
 * sealed order: what the venue itself seals and opens is not in it, TLS of both records in the engine is. The
 * baselines run on the same schedule, on sockets of the same kind, between the same cores, in turns with it
 * (the engine is held meanwhile): an echo of 200 bytes without TLS, and one with it. Beside it stand the
 * engine's own histograms of the same orders.
 */
#include "tick_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS       5u
#define ROUND_PROBES 2000u
#define LOAD_PROBES  10000u

enum path { TCP_ECHO, TLS_ECHO, TICK, PATHS };

static const struct {
    const char *id, *name;
} path_rows[PATHS] = {
    [TCP_ECHO] = {"tcp_echo", "TCP echo, 200 B"},
    [TLS_ECHO] = {"tls_echo", "TLS echo, 200 B"},
    [TICK] = {"tick_to_order", "tick-to-order"},
};

struct work {
    struct tick_rig rig;
    uint32_t round_cnt, round_probes, load_probes;
    struct tick_samples samples[PATHS];
    double p50_ns[PATHS][ROUNDS], p99_ns[PATHS][ROUNDS];
    struct engine_histogram inside[ENGINE_HOPS];
    bool has_inside[ENGINE_HOPS];
};

/* ---- beside the baselines ---- */

static int path_run(struct work *w, enum path path, uint32_t round)
{
    struct probes probes = tick_samples_next(&w->samples[path], w->round_probes);
    int result = path == TICK
                     ? tick_rig_run(&w->rig, &probes)
                     : echo_run(&w->rig.echo, path == TCP_ECHO ? ECHO_PLAIN : ECHO_TLS, TICK_WARM, &probes);
    if (result == 0 && probes.arrived_cnt == 0) {
        pw_bench_note(w->rig.report, "%s: no answer", path_rows[path].name);
        result = -EBUSY; /* a tick's lack of an order is known by now */
    }
    if (result == 0) {
        tick_samples_add(&w->samples[path], &probes, &w->p50_ns[path][round], &w->p99_ns[path][round]);
    }
    return result;
}

static int round_run(struct work *w, uint32_t round)
{
    engine_child_hold(&w->rig.engine);
    int result = path_run(w, TCP_ECHO, round);
    if (result == 0) {
        result = path_run(w, TLS_ECHO, round);
    }
    engine_child_go_on(&w->rig.engine);
    result = result == 0 ? tick_rig_ready(&w->rig) : result; /* what it does for that is not counted */
    for (uint32_t i = 0; i < ENGINE_HOPS; i++) {
        if (w->has_inside[i]) {
            engine_histogram_skip(&w->inside[i]);
        }
    }
    if (result == 0) {
        result = path_run(w, TICK, round);
    }
    for (uint32_t i = 0; i < ENGINE_HOPS; i++) {
        if (w->has_inside[i]) {
            engine_histogram_take(&w->inside[i]);
        }
    }
    return result;
}

static void ratio_add(struct work *w, enum path path, const char *id, const char *what,
                      double values[PATHS][ROUNDS], double target)
{
    struct pw_bench_value row = {.value = pw_bench_median_ratio(values[path], values[TCP_ECHO], w->round_cnt),
                                 .target = target};
    snprintf(row.id, sizeof row.id, "%s_vs_tcp_echo_%s", path_rows[path].id, id);
    snprintf(row.name, sizeof row.name, "%s, %s", path_rows[path].name, what);
    snprintf(row.of, sizeof row.of, "%s, %s", path_rows[TCP_ECHO].name, what);
    pw_bench_add_ratio(w->rig.report, &row);
}

static void inside_add(struct work *w)
{
    struct pw_bench_report *report = w->rig.report;
    for (uint32_t i = 0; i < ENGINE_HOPS; i++) {
        if (w->has_inside[i]) {
            struct engine_hop hop = engine_hop(i);
            pw_bench_add_histogram(report, hop.id, hop.label, &w->inside[i].since);
        }
    }
    if (!w->has_inside[0] || w->inside[0].since.count == 0) {
        pw_bench_note(report, "the engine's histogram %s is empty", engine_hop(0).name);
        return;
    }
    struct pw_bench_value half = {
        .id = "inside_p50", .name = "internal tick-to-order, median", .of = "ns", .target = 1000};
    struct pw_bench_value tail = {
        .id = "inside_p99", .name = "internal tick-to-order, p99", .of = "ns", .target = 2000};
    half.value = (double)pw_histogram_quantile_ns(&w->inside[0].since, 0.5);
    tail.value = (double)pw_histogram_quantile_ns(&w->inside[0].since, 0.99);
    pw_bench_add_figure(report, &half);
    pw_bench_add_figure(report, &tail);
}

static void samples_add(struct pw_bench_report *report, const char *id, const char *name,
                        struct tick_samples *samples)
{
    char due[PW_BENCH_NAME_BYTES], due_id[PW_BENCH_ID_BYTES];
    tick_samples_report(samples, report, id, name);
    snprintf(due, sizeof due, "%.56s, from scheduled send", name);
    snprintf(due_id, sizeof due_id, "%.70s_from_schedule", id);
    pw_bench_add_latency(report, due_id, due,
                         pw_bench_block_mean(samples->from_due_ns, samples->cnt, MEAN_OF),
                         samples->from_due_ns, samples->cnt);
}

static int baselines_run(struct work *w)
{
    struct tick_rig *rig = &w->rig;
    int result = echo_open(&rig->echo, rig->env->cores[0], rig->dir);
    for (uint32_t i = 0; i < ENGINE_HOPS; i++) {
        w->has_inside[i] = engine_histogram_open(&w->inside[i], &rig->engine, i);
    }
    for (uint32_t round = 0; round < w->round_cnt && result == 0; round++) {
        result = round_run(w, round);
    }
    if (result != 0) {
        return result;
    }
    for (enum path path = TCP_ECHO; path < PATHS; path++) {
        samples_add(rig->report, path_rows[path].id, path_rows[path].name, &w->samples[path]);
    }
    inside_add(w);
    ratio_add(w, TLS_ECHO, "p50", "median", w->p50_ns, 0);
    ratio_add(w, TLS_ECHO, "p99", "p99", w->p99_ns, 0);
    ratio_add(w, TICK, "p50", "median", w->p50_ns, 1.5);
    ratio_add(w, TICK, "p99", "p99", w->p99_ns, 2);
    return 0;
}

/* ---- under load, and with more instruments ---- */

static int load_run(struct work *w, double load_per_s)
{
    char name[PW_BENCH_NAME_BYTES], id[PW_BENCH_ID_BYTES];
    struct tick_samples samples;
    if (!tick_samples_make(&samples, w->load_probes)) {
        tick_samples_free(&samples);
        return -ENOMEM;
    }
    samples.load_per_s = load_per_s;
    struct probes probes = tick_samples_next(&samples, w->load_probes);
    int result = tick_rig_run(&w->rig, &probes);
    snprintf(name, sizeof name, "%u instrument%s, %.0f background messages/s", w->rig.venue.instrument_cnt,
             w->rig.venue.instrument_cnt == 1 ? "" : "s", load_per_s);
    snprintf(id, sizeof id, "tick_to_order_%u_instruments_%.0f_per_s", w->rig.venue.instrument_cnt,
             load_per_s);
    if (result == 0) {
        double p50_ns, p99_ns; /* of the whole it is the same */
        tick_samples_add(&samples, &probes, &p50_ns, &p99_ns);
        samples_add(w->rig.report, id, name, &samples);
    }
    if (result == 0 && samples.load_reached_per_s < 0.99 * load_per_s) {
        pw_bench_note(w->rig.report, "%s: reached %.0f/s", name, samples.load_reached_per_s);
    }
    tick_samples_free(&samples);
    return result;
}

static int loads_run(struct work *w)
{
    static const double loads[] = {1000, 10000, 100000};
    int result = 0;
    for (size_t i = 0; i < sizeof loads / sizeof *loads && result == 0; i++) {
        result = load_run(w, loads[i]);
    }
    return result;
}

static int instruments_run(struct work *w)
{
    static const uint32_t cnts[] = {10, 100};
    int result = 0;
    for (size_t i = 0; i < sizeof cnts / sizeof *cnts && result == 0; i++) {
        tick_rig_stop(&w->rig);
        result = tick_rig_start(&w->rig, cnts[i]);
        if (result == 0) {
            result = load_run(w, 0);
        }
        if (result == 0) {
            result = load_run(w, 10000);
        }
    }
    return result;
}

/* ---- the bench ---- */

static int work_run(struct work *w)
{
    for (enum path path = TCP_ECHO; path < PATHS; path++) {
        if (!tick_samples_make(&w->samples[path], (size_t)w->round_cnt * w->round_probes)) {
            return -ENOMEM;
        }
    }
    int result = tick_rig_start(&w->rig, 1);
    if (result == 0) {
        result = baselines_run(w);
    }
    if (result == 0) {
        result = loads_run(w);
    }
    return result == 0 ? instruments_run(w) : result;
}

static int tick_to_order_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    struct work *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return -ENOMEM;
    }
    w->round_cnt = env->quick ? 1 : ROUNDS;
    w->round_probes = env->quick ? 100 : ROUND_PROBES;
    w->load_probes = env->quick ? 100 : LOAD_PROBES;
    int result = tick_rig_open(&w->rig, env, report);
    if (result == 0) {
        result = work_run(w);
    }
    tick_rig_close(&w->rig);
    for (enum path path = TCP_ECHO; path < PATHS; path++) {
        tick_samples_free(&w->samples[path]);
    }
    free(w);
    return result;
}

const struct pw_bench pw_bench_tick_to_order = {
    .name = "tick-to-order",
    .what = "from a quote at the engine's socket to the order at the venue's, both over TLS",
    .run = tick_to_order_run,
};
