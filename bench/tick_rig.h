/* SPDX-License-Identifier: MIT
 *
 * What the benches of a whole engine share: the venue on this core, the engine on the other, echoes beside
 * it, and runs of probes through any of them.
 */
#ifndef PW_BENCH_TICK_RIG_H
#define PW_BENCH_TICK_RIG_H

#include "bench_venue.h"
#include "echo.h"
#include "engine_child.h"
#include "probes.h"

#define TICK_INTERVAL_NS 250000. /* between two probes, on average */
#define TICK_WARM        200u    /* probes before those that count */
#define MEAN_OF          10u     /* samples in a row: typical is the median of their means */

struct tick_rig {
    const struct pw_bench_env *env;
    struct pw_bench_report *report;
    char dir[256];
    struct venue venue;
    bool venue_open;
    struct engine_child engine;
    struct echo echo;
    uint32_t tick_base; /* number of the first tick of a run */
};

/* Makes the folder and the venue's identity, and binds this thread to the second core. 0, or -errno with the
 * reason in the report's note: the rig is then to be closed too. */
int tick_rig_open(struct tick_rig *rig, const struct pw_bench_env *env, struct pw_bench_report *report);
void tick_rig_close(struct tick_rig *rig);

/* A venue of so many instruments, and an engine that trades them all. */
int tick_rig_start(struct tick_rig *rig, uint32_t instrument_cnt);
void tick_rig_stop(struct tick_rig *rig);

/* Waits until the engine trades, as after it was held. 0, or noted: -EBUSY (its orders were too
 * late: others have its core), -EPROTO. */
int tick_rig_ready(struct tick_rig *rig);
/* One run of ticks through the engine, on all instruments in turns. 0: at least one order came. Else -errno,
 * noted. */
int tick_rig_run(struct tick_rig *rig, struct probes *probes);

/* Sends one message of a busy market that the strategy does not act upon. False: the connection broke. */
bool tick_rig_load(struct tick_rig *rig, uint64_t message);

/* Room for the samples of rounds of probes, one behind the other. */
struct tick_samples {
    double *from_left_ns, *from_due_ns;
    double *sorted_ns; /* for each run's own percentiles */
    size_t cnt, room;
    double load_per_s, load_reached_per_s; /* of the last run; asked for and reached */
    uint32_t lost_cnt;                     /* probes that did not come back; they have samples, too */
};

bool tick_samples_make(struct tick_samples *samples, size_t room);
void tick_samples_free(struct tick_samples *samples);
/* Where the next run puts its own. */
struct probes tick_samples_next(const struct tick_samples *samples, uint32_t cnt);
/* After it, if any came back: with the median and the 99th percentile of this run alone, from when they left.
 */
void tick_samples_add(struct tick_samples *samples, const struct probes *probes, double *p50_ns,
                      double *p99_ns);

/* Adds a row of all samples, from when they left. Lost ticks are noted, and nothing is judged if many are. */
void tick_samples_report(struct tick_samples *samples, struct pw_bench_report *report, const char *id,
                         const char *name);

#endif
