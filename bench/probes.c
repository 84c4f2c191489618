/* SPDX-License-Identifier: MIT
 *
 * The loop that sends probes on time and notes when they come back: see probes.h.
 */
#include "probes.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#define REST_NS 30000. /* a pause of at least so long is given to whoever else wants this processor */

/* One run: ticks by probe; 0: not yet. */
struct run {
    uint64_t *due, *left, *arrived;
    uint32_t cnt, sent_cnt, arrived_cnt;
    uint64_t load_cnt;
    uint64_t begin, end;
};

static uint32_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static bool run_make(struct run *run, uint32_t cnt, double interval_ns)
{
    uint64_t seed = 20261120;
    double at_ns = interval_ns;
    *run = (struct run){.cnt = cnt};
    run->due = calloc(cnt, sizeof *run->due);
    run->left = calloc(cnt, sizeof *run->left);
    run->arrived = calloc(cnt, sizeof *run->arrived);
    if (run->due == NULL || run->left == NULL || run->arrived == NULL) {
        return false;
    }
    run->begin = pw_bench_ticks();
    for (uint32_t i = 0; i < cnt; i++) {
        run->due[i] = run->begin + (uint64_t)(at_ns / pw_bench_tick_ns);
        at_ns += interval_ns * (0.5 + random_next(&seed) / 2147483648.);
    }
    return true;
}

static void run_free(struct run *run)
{
    free(run->due);
    free(run->left);
    free(run->arrived);
}

static void arrivals_take(const struct probe_path *path, struct run *run)
{
    uint32_t probe;
    uint64_t arrived;
    while (path->poll(path->arg, &probe, &arrived)) {
        if (probe < run->sent_cnt && run->arrived[probe] == 0) {
            run->arrived[probe] = arrived;
            run->arrived_cnt++;
        }
    }
}

/* Sends what is due: a probe before anything else, else one message of the load. False: the path broke. */
static bool due_send(const struct probe_path *path, struct run *run, uint64_t now, double load_per_tick)
{
    if (run->sent_cnt < run->cnt && now >= run->due[run->sent_cnt]) {
        uint32_t probe = run->sent_cnt++; /* before its answer can come */
        run->left[probe] = path->send(path->arg, probe);
        return run->left[probe] != 0;
    }
    if (load_per_tick > 0 && (double)run->load_cnt < (double)(now - run->begin) * load_per_tick) {
        return path->load(path->arg, run->load_cnt++);
    }
    return true;
}

static bool may_rest(const struct run *run, uint64_t now)
{
    return run->arrived_cnt == run->sent_cnt &&
           (run->sent_cnt == run->cnt ||
            (run->due[run->sent_cnt] > now &&
             (double)(run->due[run->sent_cnt] - now) * pw_bench_tick_ns > REST_NS));
}

static bool run_through(const struct probe_path *path, struct run *run, double load_per_s)
{
    double load_per_tick = load_per_s * pw_bench_tick_ns / 1e9;
    uint64_t end = run->due[run->cnt - 1] + (uint64_t)(PROBES_PATIENCE_NS / pw_bench_tick_ns);
    for (;;) {
        uint64_t now = run->end = pw_bench_ticks();
        if (run->arrived_cnt == run->cnt || now >= end) {
            return true;
        }
        if (!due_send(path, run, now, load_per_tick)) {
            return false;
        }
        arrivals_take(path, run);
        if (may_rest(run, now)) {
            if (path->rest != NULL) {
                path->rest(path->arg);
            }
            sched_yield();
        }
    }
}

static void samples_take(const struct run *run, uint32_t first, struct probes *probes)
{
    probes->arrived_cnt = 0;
    for (uint32_t i = first; i < run->cnt; i++) {
        bool arrived = run->arrived[i] != 0;
        double from_left_ns = (double)(run->arrived[i] - run->left[i]) * pw_bench_tick_ns;
        double from_due_ns = (double)(run->arrived[i] - run->due[i]) * pw_bench_tick_ns;
        probes->from_left_ns[i - first] = arrived ? from_left_ns : PROBES_PATIENCE_NS;
        probes->from_due_ns[i - first] = arrived ? from_due_ns : PROBES_PATIENCE_NS;
        probes->arrived_cnt += arrived;
    }
    probes->load_reached_per_s =
        (double)run->load_cnt * 1e9 / ((double)(run->end - run->begin) * pw_bench_tick_ns);
}

int probes_run(const struct probe_path *path, uint32_t warm_cnt, struct probes *probes)
{
    struct run run;
    int result = run_make(&run, warm_cnt + probes->cnt, probes->interval_ns) ? 0 : -ENOMEM;
    if (result == 0 && !run_through(path, &run, probes->load_per_s)) {
        result = -EIO;
    }
    if (result == 0) {
        samples_take(&run, warm_cnt, probes);
    }
    run_free(&run);
    return result;
}
