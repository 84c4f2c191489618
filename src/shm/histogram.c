/* SPDX-License-Identifier: MIT
 *
 * Quantiles of a histogram, for those who read it.
 */
#include <pinwheel/histogram.h>

static uint64_t bucket_middle_ns(uint32_t bucket)
{
    if (bucket < PW_HIST_STEPS) {
        return bucket;
    }
    uint32_t shift = (bucket >> PW_HIST_STEP_BITS) - 1;
    uint64_t low = (uint64_t)(PW_HIST_STEPS + (bucket & (PW_HIST_STEPS - 1))) << shift;
    return low + (((uint64_t)1 << shift) - 1) / 2;
}

/* The buckets are counted here rather than `count` believed: the writer may be between the two. */
uint64_t pw_histogram_quantile_ns(const struct pw_histogram *hist, double quantile)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < PW_HIST_BUCKETS; i++) {
        total += atomic_load_explicit(&hist->buckets[i], memory_order_relaxed);
    }
    if (total == 0) {
        return 0;
    }
    uint64_t max_ns = atomic_load_explicit(&hist->max_ns, memory_order_relaxed);
    double wanted = quantile * (double)total;
    uint64_t below = 0;
    uint32_t i = 0;
    for (; i < PW_HIST_BUCKETS - 1; i++) {
        below += atomic_load_explicit(&hist->buckets[i], memory_order_relaxed);
        if (below > 0 && (double)below >= wanted) {
            break;
        }
    }
    if (i == PW_HIST_BUCKETS - 1 && max_ns >> PW_HIST_TOP_BIT != 0) {
        return max_ns; /* the last bucket also counts what lies beyond the range: its middle says nothing */
    }
    uint64_t ns = bucket_middle_ns(i);
    return ns < max_ns ? ns : max_ns;
}
