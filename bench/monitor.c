/* SPDX-License-Identifier: MIT
 *
 * monitor: tick-to-order while ten monitors look at the engine, against the same engine without them, in
 * turns. They share the venue's core, as they would any core but the engine's own.
 */
#include "tick_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS       10u
#define ROUND_PROBES 1500u
#define SETTLE_NS    700e6 /* until each has looked at least once */

struct work {
    struct tick_rig rig;
    uint32_t round_cnt, round_probes;
    struct tick_samples samples[2]; /* without, with */
    double p50_ns[2][ROUNDS], p99_ns[2][ROUNDS];
};

static void settle(struct tick_rig *rig)
{
    uint64_t start = pw_bench_ticks();
    while ((double)(pw_bench_ticks() - start) * pw_bench_tick_ns < SETTLE_NS) {
        venue_serve(&rig->venue);
        (void)engine_child_screens_read(&rig->engine);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

static int one_run(struct work *w, int watched, uint32_t round)
{
    uint32_t monitor_cnt = watched ? ENGINE_MONITORS_MAX : 0;
    if (!engine_child_watch(&w->rig.engine, monitor_cnt)) {
        pw_bench_note(w->rig.report, "a monitor cannot be started");
        return -EIO;
    }
    settle(&w->rig);
    struct probes probes = tick_samples_next(&w->samples[watched], w->round_probes);
    int result = tick_rig_run(&w->rig, &probes);
    if (result == 0 && engine_child_watchers(&w->rig.engine) != monitor_cnt) {
        pw_bench_note(w->rig.report, "a monitor has ended");
        result = -EPROTO;
    }
    if (result == 0) {
        tick_samples_add(&w->samples[watched], &probes, &w->p50_ns[watched][round],
                         &w->p99_ns[watched][round]);
    }
    return result;
}

static void ratio_add(struct work *w, const char *id, const char *what, double values[2][ROUNDS],
                      double target)
{
    struct pw_bench_value row = {.value = pw_bench_median_ratio(values[1], values[0], w->round_cnt),
                                 .target = target};
    snprintf(row.id, sizeof row.id, "ten_monitors_vs_none_%s", id);
    snprintf(row.name, sizeof row.name, "ten monitors, %s", what);
    snprintf(row.of, sizeof row.of, "no monitor, %s", what);
    pw_bench_add_ratio(w->rig.report, &row);
}

static int work_run(struct work *w)
{
    static const char *const names[] = {"no monitor", "ten monitors"}, *const ids[] = {"no_monitor",
                                                                                       "ten_monitors"};
    int result = 0;
    for (int i = 0; i < 2; i++) {
        if (!tick_samples_make(&w->samples[i], (size_t)w->round_cnt * w->round_probes)) {
            return -ENOMEM;
        }
    }
    result = tick_rig_start(&w->rig, 1);
    for (uint32_t round = 0; round < w->round_cnt && result == 0; round++) {
        int first = round % 2 != 0; /* neither is always the later one */
        result = one_run(w, first, round);
        if (result == 0) {
            result = one_run(w, !first, round);
        }
    }
    if (result != 0) {
        return result;
    }
    for (int i = 0; i < 2; i++) {
        tick_samples_report(&w->samples[i], w->rig.report, ids[i], names[i]);
    }
    ratio_add(w, "p50", "median", w->p50_ns, 1.01);
    ratio_add(w, "p99", "p99", w->p99_ns, 1.01);
    return 0;
}

static int monitor_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    struct work *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return -ENOMEM;
    }
    w->round_cnt = env->quick ? 1 : ROUNDS;
    w->round_probes = env->quick ? 100 : ROUND_PROBES;
    int result = tick_rig_open(&w->rig, env, report);
    if (result == 0) {
        result = work_run(w);
    }
    tick_rig_close(&w->rig);
    tick_samples_free(&w->samples[0]);
    tick_samples_free(&w->samples[1]);
    free(w);
    return result;
}

const struct pw_bench pw_bench_monitor = {
    .name = "monitor",
    .what = "tick-to-order with ten monitors attached, and without",
    .run = monitor_run,
};
