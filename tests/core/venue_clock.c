/* SPDX-License-Identifier: MIT
 *
 * The venue's clock: the true offset is always within the stated error, steps are noticed and need a second
 * witness, impossible times are refused.
 */
#include "venue_clock.h"

#include <criterion/criterion.h>

#define MS     INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define NOW    (INT64_C(1700000000) * SECOND)

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int64_t below(uint64_t *seed, int64_t end)
{
    return (int64_t)(next_random(seed) % (uint64_t)end);
}

/* One request whose ways take so long; the venue's clock is ahead by offset_ns, and told in whole ms. */
static void sample(struct pw_venue_clock *clock, int64_t sent_ns, int64_t there_ns, int64_t back_ns,
                   int64_t offset_ns)
{
    int64_t venue_ns = (sent_ns + there_ns + offset_ns) / MS * MS;
    cr_assert(pw_venue_clock_sample(clock, sent_ns, venue_ns, sent_ns + there_ns + back_ns));
}

Test(venue_clock, nothing_is_known_before_the_first_answer)
{
    struct pw_venue_clock clock;
    int64_t offset_ns, error_ns;
    pw_venue_clock_init(&clock, MS);
    cr_expect(!pw_venue_clock_offset(&clock, NOW, &offset_ns, &error_ns));
    sample(&clock, NOW, 10 * MS, 10 * MS, 300 * MS);
    cr_assert(pw_venue_clock_offset(&clock, NOW + 20 * MS, &offset_ns, &error_ns));
    cr_expect_leq(error_ns, 11 * MS);
}

/* Ways of any two lengths, a clock that runs up to 80 ppm wrong, from many seeds. */
Test(venue_clock, the_true_offset_is_always_within_the_error)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t random = seed * 977 + 1;
        struct pw_venue_clock clock;
        pw_venue_clock_init(&clock, MS);
        int64_t start_ns = below(&random, 20 * SECOND) - 10 * SECOND, ppm = below(&random, 161) - 80;
        int64_t now_ns = NOW, offset_ns, error_ns;
        for (int i = 0; i < 300; i++) {
            now_ns += below(&random, 3 * SECOND);
            int64_t there_ns = below(&random, 100 * MS), back_ns = below(&random, 100 * MS);
            int64_t drift_ns = (now_ns - NOW) / 1000000 * ppm;
            sample(&clock, now_ns, there_ns, back_ns, start_ns + drift_ns);
            now_ns += there_ns + back_ns + below(&random, SECOND);
            drift_ns = (now_ns - NOW) / 1000000 * ppm;
            cr_assert(pw_venue_clock_offset(&clock, now_ns, &offset_ns, &error_ns), "seed %d", (int)seed);
            int64_t wrong_ns = offset_ns - (start_ns + drift_ns);
            cr_assert(wrong_ns <= error_ns + 200 && -wrong_ns <= error_ns + 200, "seed %d", (int)seed);
        }
        cr_assert_lt(error_ns, 40 * MS, "many answers know more than one");
        cr_assert_eq(clock.step_cnt, 0);
    }
}

Test(venue_clock, a_quick_answer_outweighs_slow_ones)
{
    struct pw_venue_clock clock;
    int64_t offset_ns, error_ns;
    pw_venue_clock_init(&clock, MS);
    sample(&clock, NOW, 500 * MS, 10 * MS, 0);
    sample(&clock, NOW + SECOND, MS, MS, 0);
    sample(&clock, NOW + 2 * SECOND, 500 * MS, 10 * MS, 0);
    cr_assert(pw_venue_clock_offset(&clock, NOW + 3 * SECOND, &offset_ns, &error_ns));
    cr_expect_leq(error_ns, 3 * MS);
}

Test(venue_clock, a_step_needs_a_second_witness)
{
    struct pw_venue_clock clock;
    int64_t offset_ns, error_ns;
    pw_venue_clock_init(&clock, MS);
    sample(&clock, NOW, 5 * MS, 5 * MS, 0);
    sample(&clock, NOW + SECOND, 5 * MS, 5 * MS, 3600 * SECOND);
    cr_expect(!pw_venue_clock_offset(&clock, NOW + 2 * SECOND, &offset_ns, &error_ns), "no order on this");
    sample(&clock, NOW + 2 * SECOND, 5 * MS, 5 * MS, 3600 * SECOND);
    cr_assert(pw_venue_clock_offset(&clock, NOW + 3 * SECOND, &offset_ns, &error_ns));
    cr_expect(offset_ns > 3599 * SECOND && offset_ns < 3601 * SECOND);
    cr_expect_eq(clock.step_cnt, 1);
}

Test(venue_clock, one_answer_that_is_wrong_changes_nothing)
{
    struct pw_venue_clock clock;
    int64_t offset_ns, error_ns;
    pw_venue_clock_init(&clock, MS);
    sample(&clock, NOW, 5 * MS, 5 * MS, 0);
    sample(&clock, NOW + SECOND, 5 * MS, 5 * MS, -7 * SECOND);
    sample(&clock, NOW + 2 * SECOND, 5 * MS, 5 * MS, 0);
    cr_assert(pw_venue_clock_offset(&clock, NOW + 3 * SECOND, &offset_ns, &error_ns));
    cr_expect(offset_ns > -11 * MS && offset_ns < 11 * MS);
    cr_expect_eq(clock.step_cnt, 0);
}

Test(venue_clock, our_own_clocks_step_back_is_noticed)
{
    struct pw_venue_clock clock;
    int64_t offset_ns, error_ns;
    pw_venue_clock_init(&clock, MS);
    sample(&clock, NOW, 5 * MS, 5 * MS, 0);
    cr_expect(!pw_venue_clock_offset(&clock, NOW - 10 * SECOND, &offset_ns, &error_ns));
    sample(&clock, NOW - 10 * SECOND, 5 * MS, 5 * MS, 10 * SECOND);
    cr_expect(!pw_venue_clock_offset(&clock, NOW - 9 * SECOND, &offset_ns, &error_ns));
    sample(&clock, NOW - 9 * SECOND, 5 * MS, 5 * MS, 10 * SECOND);
    cr_assert(pw_venue_clock_offset(&clock, NOW - 8 * SECOND, &offset_ns, &error_ns));
    cr_expect(offset_ns > 9 * SECOND && offset_ns < 11 * SECOND);
}

Test(venue_clock, the_error_grows_while_no_answer_comes)
{
    struct pw_venue_clock clock;
    int64_t offset_ns, early_ns, late_ns;
    pw_venue_clock_init(&clock, MS);
    sample(&clock, NOW, 5 * MS, 5 * MS, 0);
    cr_assert(pw_venue_clock_offset(&clock, NOW + 10 * MS, &offset_ns, &early_ns));
    cr_assert(pw_venue_clock_offset(&clock, NOW + 3600 * SECOND, &offset_ns, &late_ns));
    cr_expect_geq(late_ns - early_ns, 359 * MS);
}

Test(venue_clock, impossible_times_are_refused)
{
    struct pw_venue_clock clock;
    pw_venue_clock_init(&clock, MS);
    cr_expect(!pw_venue_clock_sample(&clock, NOW, NOW, NOW - 1));
    cr_expect(!pw_venue_clock_sample(&clock, NOW, NOW, NOW + PW_VENUE_CLOCK_TRIP_MAX_NS + 1));
    cr_expect(!pw_venue_clock_sample(&clock, NOW, 0, NOW));
    cr_expect(!pw_venue_clock_sample(&clock, NOW, INT64_MAX, NOW));
    cr_expect(!pw_venue_clock_sample(&clock, -1, NOW, NOW));
    cr_expect(!pw_venue_clock_sample(&clock, INT64_MIN, NOW, INT64_MAX));
    cr_expect_eq(clock.refused_cnt, 6);
    cr_expect_eq(clock.sample_cnt, 0);
}
