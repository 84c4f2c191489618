/* SPDX-License-Identifier: MIT
 *
 * Probes at moments that are fixed beforehand: what is asked at each comes back later, or never.
 *
 * A probe is sent when its moment has come, whether or not the one before has been answered, so that a slow
 * answer cannot hide those that would have been slow behind it. Two durations are kept of each: from the
 * moment at which it left, and from the one at which it should have. One that did not come back counts with
 * the time for which the last ones are waited for: a figure of those alone that came would be of survivors.
 */
#ifndef PW_BENCH_PROBES_H
#define PW_BENCH_PROBES_H

#include "bench.h"

#define PROBES_PATIENCE_NS 500e6

/* What the probes go through. */
struct probe_path {
    void *arg;
    /* Sends one; the ticks at which it left, or 0: it could not. */
    uint64_t (*send)(void *arg, uint32_t probe);
    /* Looks once: true when a probe came back, with its number and the ticks at which it did. */
    bool (*poll)(void *arg, uint32_t *probe, uint64_t *arrived);
    /* Sends one more of the messages that load the path; NULL: none. */
    bool (*load)(void *arg, uint64_t message);
    /* Called between probes, when there is time. NULL: nothing to do. */
    void (*rest)(void *arg);
};

struct probes {
    uint32_t cnt;
    double
        interval_ns; /* on average; each pause is half of it to one and a half, by chance from a fixed seed */
    double load_per_s;                  /* messages between the probes */
    double *from_left_ns, *from_due_ns; /* samples, cnt each */
    uint32_t arrived_cnt;               /* found */
    double load_reached_per_s;
};

/* warm_cnt probes are sent before those that count, and are numbered before them. 0, -EIO: the path broke, or
 * -ENOMEM. */
int probes_run(const struct probe_path *path, uint32_t warm_cnt, struct probes *probes);

#endif
