/* SPDX-License-Identifier: MIT
 *
 * The histogram: its error is bounded over the whole range.
 */
#include <criterion/criterion.h>
#include <pinwheel/histogram.h>

static struct pw_histogram hist;

static void check_one_value(uint64_t ns)
{
    hist = (struct pw_histogram){0};
    pw_histogram_add(&hist, (int64_t)ns);
    atomic_store(&hist.max_ns, UINT64_MAX >> 1); /* else the exact maximum would hide the bucket's error */
    uint32_t bucket = pw_histogram_bucket(ns);
    if (bucket == PW_HIST_BUCKETS - 1) {
        atomic_store(&hist.max_ns, ns);
    }
    uint64_t told = pw_histogram_quantile_ns(&hist, 0.5);
    uint64_t error = told > ns ? told - ns : ns - told;
    cr_assert_leq(error * 100, ns, "%llu ns is told as %llu", (unsigned long long)ns,
                  (unsigned long long)told);
}

Test(histogram, error_is_at_most_one_percent_over_the_range)
{
    for (uint64_t ns = 0; ns < 100000; ns++) {
        check_one_value(ns);
    }
    for (uint32_t top = 16; top < PW_HIST_TOP_BIT; top++) {
        for (uint64_t i = 0; i < 200; i++) {
            uint64_t low = UINT64_C(1) << top;
            check_one_value(low + low / 200 * i);
            check_one_value(low * 2 - 1 - low / 200 * i);
        }
    }
}

Test(histogram, buckets_are_in_order_and_none_is_left_out)
{
    uint32_t last = 0;
    for (uint64_t ns = 0; ns < UINT64_C(1) << 41; ns += 1 + ns / 300) {
        uint32_t bucket = pw_histogram_bucket(ns);
        cr_assert(bucket == last || bucket == last + 1, "%llu ns", (unsigned long long)ns);
        last = bucket;
    }
    cr_assert_eq(last, PW_HIST_BUCKETS - 1);
}

Test(histogram, quantiles_of_a_known_distribution)
{
    for (int64_t i = 1; i <= 100000; i++) {
        pw_histogram_add(&hist, i);
    }
    double quantiles[] = {0.0, 0.5, 0.9, 0.99, 0.999, 1.0};
    double exact[] = {1, 50000, 90000, 99000, 99900, 100000};
    for (int i = 0; i < 6; i++) {
        double told = (double)pw_histogram_quantile_ns(&hist, quantiles[i]);
        cr_assert(told >= exact[i] * 0.99 && told <= exact[i] * 1.01, "quantile %f is %f", quantiles[i],
                  told);
    }
    cr_assert_eq(hist.count, 100000u);
    cr_assert_eq(hist.sum_ns, UINT64_C(100000) * 100001 / 2);
    cr_assert_eq(hist.max_ns, 100000u);
}

Test(histogram, empty_histogram_tells_zero)
{
    cr_assert_eq(pw_histogram_quantile_ns(&hist, 0.99), 0u);
}

Test(histogram, negative_durations_are_kept_apart)
{
    pw_histogram_add(&hist, -1);
    pw_histogram_add(&hist, INT64_MIN);
    cr_assert_eq(hist.negative_cnt, 2u);
    cr_assert_eq(hist.count, 0u);
}

Test(histogram, beyond_the_range_the_maximum_is_told)
{
    pw_histogram_add(&hist, INT64_MAX);
    pw_histogram_add(&hist, 10);
    cr_assert_eq(pw_histogram_quantile_ns(&hist, 0.99), (uint64_t)INT64_MAX);
    cr_assert_eq(pw_histogram_quantile_ns(&hist, 0.5), 10u);
}

Test(histogram, no_quantile_exceeds_the_maximum)
{
    pw_histogram_add(&hist, 1024); /* the bucket reaches to 1039 */
    cr_assert_eq(pw_histogram_quantile_ns(&hist, 0.999), 1024u);
}
