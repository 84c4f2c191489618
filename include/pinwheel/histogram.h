/* SPDX-License-Identifier: MIT
 *
 * The histogram: log-linear counts of durations in shared memory, single writer, no allocation.
 *
 * Each power of two is cut into 64 equal steps, so a value is known to better than 1 % (1/128 to the middle
 * of its step). Range 0 to 2^40 ns (18 minutes); beyond it the last bucket counts.
 */
#ifndef PINWHEEL_HISTOGRAM_H
#define PINWHEEL_HISTOGRAM_H

#include <pinwheel/ring.h>
#include <stdatomic.h>
#include <stdint.h>

#define PW_HIST_STEP_BITS 6u
#define PW_HIST_STEPS     (1u << PW_HIST_STEP_BITS)
#define PW_HIST_TOP_BIT   40u
#define PW_HIST_BUCKETS   ((PW_HIST_TOP_BIT - PW_HIST_STEP_BITS + 1) * PW_HIST_STEPS)

struct pw_histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t max_ns;
    _Atomic uint64_t negative_cnt; /* durations below 0 (clocks of two machines): counted here, not below */
    _Atomic uint64_t buckets[PW_HIST_BUCKETS];
};

/* Values below 64 have a bucket each; from there 64 buckets an octave. */
static inline uint32_t pw_histogram_bucket(uint64_t ns)
{
    uint32_t top = 63u - (uint32_t)__builtin_clzll(ns | PW_HIST_STEPS);
    if (top >= PW_HIST_TOP_BIT) {
        return PW_HIST_BUCKETS - 1;
    }
    uint32_t shift = top - PW_HIST_STEP_BITS;
    return (shift << PW_HIST_STEP_BITS) + (uint32_t)(ns >> shift); /* the top bit is one octave more */
}

static inline void pw_histogram_add(struct pw_histogram *hist, int64_t ns)
{
    if (ns < 0) {
        pw_count(&hist->negative_cnt, 1);
        return;
    }
    pw_count(&hist->count, 1);
    pw_count(&hist->sum_ns, (uint64_t)ns);
    pw_count(&hist->buckets[pw_histogram_bucket((uint64_t)ns)], 1);
    if ((uint64_t)ns > atomic_load_explicit(&hist->max_ns, memory_order_relaxed)) {
        atomic_store_explicit(&hist->max_ns, (uint64_t)ns, memory_order_relaxed);
    }
}

/* Cold: the middle of the bucket in which the quantile (0 to 1) lies, at most max_ns; 0 when empty. Safe on a
 * histogram that is being written: the answer is then of some moment during the call. */
uint64_t pw_histogram_quantile_ns(const struct pw_histogram *hist, double quantile);

#endif
