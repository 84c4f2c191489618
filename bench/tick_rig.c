/* SPDX-License-Identifier: MIT
 *
 * The rig of the whole-engine benches: see tick_rig.h.
 */
#include "tick_rig.h"
#include "folder.h"
#include "host.h"
#include "identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOST_MAX 0.001 /* of ticks: with more no target is judged */
#define TRIES    5     /* for an engine that others keep from its core until every tick is stale */

/* ---- life ---- */

int tick_rig_open(struct tick_rig *rig, const struct pw_bench_env *env, struct pw_bench_report *report)
{
    char error[512];
    rig->env = env;
    rig->report = report;
    rig->dir[0] = '\0';
    rig->venue_open = false;
    rig->engine = (struct engine_child){.core = env->cores[0], .cold_core = env->cores[1]};
    rig->echo.peer = 0;
    if (!build_own_find(rig->engine.programs)) {
        pw_bench_note(report, "no engine to start: pinwheel-run must be beside pinwheel-bench");
        return -ENOENT;
    }
    if (env->core_cnt < 2) {
        pw_bench_note(report, "needs two cores, one for the engine and one for the venue (--cores)");
        return -ENODEV;
    }
    int result = bench_folder_make(rig->dir, sizeof rig->dir, report);
    if (result == 0 &&
        pw_sim_identity_ensure(rig->dir, pw_clock_read_ns(CLOCK_REALTIME), error, sizeof error) != 0) {
        pw_bench_note(report, "%s", error);
        result = -EIO;
    }
    snprintf(rig->engine.dir, sizeof rig->engine.dir, "%s", rig->dir);
    return result == 0 ? pw_bench_core_bind(env->cores[1]) : result;
}

void tick_rig_close(struct tick_rig *rig)
{
    tick_rig_stop(rig);
    if (rig->echo.peer != 0) {
        echo_close(&rig->echo);
    }
    if (rig->dir[0] != '\0') {
        bench_folder_remove(rig->dir);
    }
}

int tick_rig_start(struct tick_rig *rig, uint32_t instrument_cnt)
{
    int result = venue_open(&rig->venue, instrument_cnt, rig->dir);
    if (result != 0) {
        pw_bench_note(rig->report, "the venue cannot listen: %s", strerror(-result));
        return result;
    }
    rig->venue_open = true;
    return engine_child_start(&rig->engine, &rig->venue, rig->report);
}

void tick_rig_stop(struct tick_rig *rig)
{
    if (rig->venue_open) {
        engine_child_stop(&rig->engine, &rig->venue);
        venue_close(&rig->venue);
        rig->venue_open = false;
    }
}

/* ---- runs ---- */

static uint64_t tick_send(void *arg, uint32_t probe)
{
    struct tick_rig *rig = arg;
    return venue_send(&rig->venue, probe % rig->venue.instrument_cnt, VENUE_TICK);
}

static bool tick_poll(void *arg, uint32_t *probe, uint64_t *arrived)
{
    struct tick_rig *rig = arg;
    struct venue_order order;
    if (!venue_order_poll(&rig->venue, &order)) {
        return false;
    }
    *probe = order.tick - rig->tick_base; /* of one of an earlier run: far beyond all of this one */
    *arrived = order.arrived;
    return true;
}

/* In the mix of a busy spot market: 7 of 10 quotes, 2 trades, 1 depth update of ten levels a side. */
bool tick_rig_load(struct tick_rig *rig, uint64_t message)
{
    uint32_t place = (uint32_t)(message / rig->venue.instrument_cnt % 10);
    enum venue_frame_kind kind = place < 7 ? VENUE_QUOTE : place < 9 ? VENUE_TRADE : VENUE_DEPTH;
    return venue_send(&rig->venue, (uint32_t)(message % rig->venue.instrument_cnt), kind) != 0;
}

static bool load_send(void *arg, uint64_t message)
{
    return tick_rig_load(arg, message);
}

static void tick_rest(void *arg)
{
    struct tick_rig *rig = arg;
    venue_serve(&rig->venue);
    (void)engine_child_screens_read(&rig->engine);
}

/* Adds what the engine denied. -EBUSY when others keep it from its core, else -EPROTO: something is wrong. */
static int no_orders(struct tick_rig *rig, const char *what)
{
    char denials[200];
    engine_child_denials(&rig->engine, denials, sizeof denials);
    pw_bench_note(rig->report, "%s; the engine denied: %s", what, denials);
    return engine_child_is_late(&rig->engine) ? -EBUSY : -EPROTO;
}

int tick_rig_ready(struct tick_rig *rig)
{
    return engine_child_trades(&rig->engine, &rig->venue) ? 0 : no_orders(rig, "trading stopped");
}

static int run_once(struct tick_rig *rig, struct probes *probes)
{
    const struct probe_path path = {
        .arg = rig, .send = tick_send, .poll = tick_poll, .load = load_send, .rest = tick_rest};
    venue_serve(&rig->venue);
    rig->venue.came_cnt = 0;
    rig->tick_base = rig->venue.tick_cnt;
    int result = probes_run(&path, TICK_WARM, probes);
    if (result != 0) {
        pw_bench_note(rig->report, "the engine closed a connection, or memory is short");
    }
    return result;
}

int tick_rig_run(struct tick_rig *rig, struct probes *probes)
{
    int result = 0;
    probes->arrived_cnt = 0;
    for (int i = 0; i < TRIES && result == 0 && probes->arrived_cnt == 0; i++) {
        if (i > 0) {
            pw_bench_note(rig->report, "a run of %u ticks without any order was discarded and repeated",
                          probes->cnt);
        }
        result = tick_rig_ready(rig);
        if (result == 0) {
            result = run_once(rig, probes);
        }
    }
    return result == 0 && probes->arrived_cnt == 0 ? no_orders(rig, "no order arrived") : result;
}

/* ---- samples ---- */

bool tick_samples_make(struct tick_samples *samples, size_t room)
{
    *samples = (struct tick_samples){.room = room};
    samples->from_left_ns = calloc(room, sizeof(double));
    samples->from_due_ns = calloc(room, sizeof(double));
    samples->sorted_ns = calloc(room, sizeof(double));
    return samples->from_left_ns != NULL && samples->from_due_ns != NULL && samples->sorted_ns != NULL;
}

void tick_samples_free(struct tick_samples *samples)
{
    free(samples->from_left_ns);
    free(samples->from_due_ns);
    free(samples->sorted_ns);
}

struct probes tick_samples_next(const struct tick_samples *samples, uint32_t cnt)
{
    return (struct probes){.cnt = cnt,
                           .interval_ns = TICK_INTERVAL_NS,
                           .load_per_s = samples->load_per_s,
                           .from_left_ns = samples->from_left_ns + samples->cnt,
                           .from_due_ns = samples->from_due_ns + samples->cnt};
}

void tick_samples_add(struct tick_samples *samples, const struct probes *probes, double *p50_ns,
                      double *p99_ns)
{
    memcpy(samples->sorted_ns, probes->from_left_ns, probes->cnt * sizeof(double));
    pw_bench_sort(samples->sorted_ns, probes->cnt);
    *p50_ns = pw_bench_quantile(samples->sorted_ns, probes->cnt, 0.5);
    *p99_ns = pw_bench_quantile(samples->sorted_ns, probes->cnt, 0.99);
    samples->cnt += probes->cnt;
    samples->lost_cnt += probes->cnt - probes->arrived_cnt;
    samples->load_reached_per_s = probes->load_reached_per_s;
}

void tick_samples_report(struct tick_samples *samples, struct pw_bench_report *report, const char *id,
                         const char *name)
{
    pw_bench_add_latency(report, id, name, pw_bench_block_mean(samples->from_left_ns, samples->cnt, MEAN_OF),
                         samples->from_left_ns, samples->cnt);
    if (samples->lost_cnt > 0) {
        pw_bench_note(report, "%s: %u of %zu ticks lost; each counts as %.0f ms", name, samples->lost_cnt,
                      samples->cnt, PROBES_PATIENCE_NS / 1e6);
    }
    if (samples->lost_cnt > LOST_MAX * (double)samples->cnt) {
        pw_bench_not_judged(report, "%u of %zu ticks lost", samples->lost_cnt, samples->cnt);
    }
}
