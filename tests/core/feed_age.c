/* SPDX-License-Identifier: MIT
 *
 * How old a feed's data is taken to be: late passes, backlogs, the venue's times, clocks that are set.
 *
 * cases/01-freeze-then-stale-orders
 */
#include "feed_age.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MS      INT64_C(1000000)
#define SEC     (1000 * MS)
#define T0      (INT64_C(1700000000) * SEC)
#define MAX_AGE SEC
#define TRIP    (3 * MS)

/* One connection: messages that the venue sent at a moment of its clock, and we received at one of ours. */
struct feed {
    struct pw_feed_age age;
    int64_t now_ns, read_ns; /* ours; of the last pass that read to the end */
    int64_t offset_ns;       /* the venue's clock less ours */
    uint32_t told;
};

static struct feed open_feed(int64_t offset_ns)
{
    struct feed feed = {.now_ns = T0, .read_ns = T0, .offset_ns = offset_ns};
    pw_feed_age_init(&feed.age, MAX_AGE);
    return feed;
}

/* Received now, sent so long ago. */
static int64_t take(struct feed *feed, int64_t ago_ns, bool timed)
{
    int64_t venue_ns = timed ? feed->now_ns - ago_ns + feed->offset_ns : 0;
    feed->told += pw_feed_age_take(&feed->age, feed->now_ns, feed->read_ns, venue_ns);
    return feed->age.lag_ns;
}

/* Passes a millisecond apart, each with a message. */
static void run(struct feed *feed, int64_t time_ns, bool timed, int64_t ago_ns)
{
    for (int64_t end_ns = feed->now_ns + time_ns; feed->now_ns < end_ns;) {
        feed->read_ns = feed->now_ns;
        feed->now_ns += MS;
        take(feed, ago_ns, timed);
    }
}

static const int64_t offsets[] = {0, 2 * SEC, -2 * SEC, 3600 * SEC, -3600 * SEC};
#define OFFSETS (sizeof offsets / sizeof *offsets)

Test(feed_age, a_feed_in_time_says_nothing_whatever_the_venues_clock)
{
    for (size_t i = 0; i < OFFSETS; i++) {
        struct feed feed = open_feed(offsets[i]);
        srand(5);
        for (int k = 0; k < 100000; k++) {
            feed.read_ns = feed.now_ns;
            feed.now_ns += 1 + rand() % (2 * MS);
            cr_assert_eq(take(&feed, TRIP + rand() % (20 * MS), rand() % 3 != 0), 0, "message %d", k);
        }
        cr_expect_eq(feed.told, offsets[i] != 0, "but the delay, once, where it is not next to nothing");
        cr_expect(llabs(feed.age.delay_ns + offsets[i]) <= MAX_AGE / PW_FEED_AGE_STEPS);
    }
}

Test(feed_age, switched_off_it_says_nothing)
{
    struct feed feed = open_feed(0);
    pw_feed_age_init(&feed.age, 0);
    run(&feed, SEC, true, TRIP);
    feed.now_ns += 8 * SEC;
    cr_expect_eq(take(&feed, 8 * SEC, true), 0);
    cr_expect_eq(feed.told, 0);
}

/* What is read in a pass that comes late is as old as the pass before, with or without a time of the venue.
 */
Test(feed_age, what_a_late_pass_reads_is_as_old_as_the_pass_before)
{
    for (int timed = 0; timed < 2; timed++) {
        struct feed feed = open_feed(-2 * SEC);
        run(&feed, 5 * SEC, true, TRIP);
        feed.now_ns += 8 * SEC;
        for (int64_t ago_ns = 8 * SEC; ago_ns > 0; ago_ns -= 100 * MS) {
            cr_expect_geq(take(&feed, ago_ns, timed), 8 * SEC, "as the pass is not over");
        }
    }
}

/* The kernel's backlog is read, the venue's own comes behind it: each pass reads to the end. */
Test(feed_age, a_backlog_of_the_venue_is_as_old_as_its_times_say)
{
    struct feed feed = open_feed(2 * SEC);
    run(&feed, 5 * SEC, true, TRIP);
    feed.now_ns += 8 * SEC;
    take(&feed, 8 * SEC, true);
    for (int64_t ago_ns = 7 * SEC; ago_ns > SEC; ago_ns -= 10 * MS) {
        run(&feed, MS, true, ago_ns);
        cr_assert_geq(feed.age.lag_ns, ago_ns - TRIP, "%lld ms", (long long)(ago_ns / MS));
        cr_assert_leq(feed.age.lag_ns, ago_ns + 2 * MAX_AGE / PW_FEED_AGE_STEPS);
        run(&feed, MS, false, ago_ns); /* in the same stream: sent after the one before */
        cr_assert_geq(feed.age.lag_ns, ago_ns - TRIP);
    }
    run(&feed, 5 * MS, true, TRIP);
    cr_expect_eq(feed.age.lag_ns, 0, "the backlog is read");
    run(&feed, 5 * MS, false, TRIP);
    cr_expect_eq(feed.age.lag_ns, 0);
}

Test(feed_age, without_times_of_the_venue_a_late_pass_counts_for_a_while)
{
    struct feed feed = open_feed(0);
    run(&feed, 5 * SEC, false, TRIP);
    feed.now_ns += 8 * SEC;
    take(&feed, 0, false);
    int64_t woke_ns = feed.now_ns;
    while (feed.age.lag_ns && feed.now_ns < woke_ns + 60 * SEC) {
        run(&feed, MS, false, TRIP);
    }
    cr_expect_leq(feed.now_ns - woke_ns, 4 * SEC + 2 * MS, "half of the pause");
    cr_expect_geq(feed.now_ns - woke_ns, 4 * SEC);
    feed.now_ns += 900 * SEC;
    take(&feed, 0, false);
    woke_ns = feed.now_ns;
    while (feed.age.lag_ns && feed.now_ns < woke_ns + 60 * SEC) {
        run(&feed, MS, false, TRIP);
    }
    cr_expect_eq(feed.now_ns - woke_ns, PW_FEED_AGE_HOLD_NS, "at most that");
}

/* Messages that came 3 s late do so one by one, seldom, between others that are in time. */
Test(feed_age, a_slow_drip_of_old_data_is_old)
{
    struct feed feed = open_feed(0);
    run(&feed, 5 * SEC, true, TRIP);
    for (int i = 0; i < 100; i++) {
        feed.now_ns += 200 * MS;
        feed.read_ns = feed.now_ns - MS;
        cr_assert_geq(take(&feed, 3 * SEC, true), 3 * SEC - TRIP, "%d", i);
        cr_assert_geq(take(&feed, 3 * SEC, false), 3 * SEC - TRIP);
    }
    /* Lasting, it becomes the usual delay: whoever knows the clocks' offset sees that it is too much. */
    for (int i = 0; i < 200; i++) {
        feed.now_ns += 200 * MS;
        feed.read_ns = feed.now_ns - MS;
        int64_t lag_ns = take(&feed, 3 * SEC, true);
        cr_assert_geq(lag_ns + feed.age.delay_ns, 3 * SEC - MAX_AGE / PW_FEED_AGE_STEPS, "%d", i);
    }
    cr_expect_eq(feed.age.lag_ns, 0);
    cr_expect_eq(feed.age.delay_ns, 3 * SEC);
}

Test(feed_age, old_from_the_first_message_on_shows_in_the_delay)
{
    struct feed feed = open_feed(0);
    run(&feed, SEC, true, 5 * SEC);
    cr_expect_eq(feed.age.lag_ns, 0);
    cr_expect_eq(feed.age.delay_ns, 5 * SEC);
}

/* The venue's clock is set: backwards all looks late, for half a minute at most; forwards for some seconds.
 */
Test(feed_age, a_clock_that_is_set_does_not_stop_trading_for_ever)
{
    static const int64_t steps[] = {-3600 * SEC, -2 * SEC, 2 * SEC, 3600 * SEC};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct feed feed = open_feed(0);
        run(&feed, 20 * SEC, true, TRIP);
        feed.offset_ns += steps[i];
        run(&feed, MS, true, TRIP);
        cr_expect_geq(feed.age.lag_ns, llabs(steps[i]) - MAX_AGE / PW_FEED_AGE_STEPS);
        run(&feed, (steps[i] < 0 ? 2 * PW_FEED_AGE_WINDOW_NS : PW_FEED_AGE_HOLD_NS) + 10 * MS, true, TRIP);
        cr_expect_eq(feed.age.lag_ns, 0, "step %zu", i);
        cr_expect(llabs(feed.age.delay_ns + steps[i]) <= MAX_AGE / PW_FEED_AGE_STEPS);
        /* And what comes late then is seen. */
        run(&feed, MS, true, 4 * SEC);
        cr_expect_geq(feed.age.lag_ns, 4 * SEC - TRIP);
    }
}

/* A paused virtual machine: no pass was late by its clock, which stood still; the venue's went on. */
Test(feed_age, when_our_clock_stood_still_what_comes_of_that_time_is_late)
{
    struct feed feed = open_feed(0);
    run(&feed, 20 * SEC, true, TRIP);
    for (int64_t sent_ns = 0; sent_ns < 8 * SEC; sent_ns += 20 * MS) {
        /* Sent so long after the pause began. */
        feed.now_ns += 10000;
        feed.read_ns = feed.now_ns - 10000;
        feed.offset_ns = sent_ns;
        take(&feed, 0, true);
        if (sent_ns > 500 * MS) {
            cr_assert_geq(feed.age.lag_ns, sent_ns - 200 * MS);
        }
    }
    run(&feed, PW_FEED_AGE_HOLD_NS, true, TRIP);
    cr_expect_eq(feed.age.lag_ns, 0);
}

/* What is received is late by now or it is not: never less than it is by the venue's times, but for a step.
 */
Test(feed_age, never_too_young)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        struct feed feed = open_feed(offsets[seed % OFFSETS]);
        run(&feed, 2 * SEC, true, TRIP);
        int64_t ago_ns = TRIP;
        for (int i = 0; i < 20000; i++) {
            int64_t pause_ns = rand() % 500 == 0 ? rand() % 20 * SEC : rand() % (3 * MS);
            feed.read_ns = feed.now_ns;
            feed.now_ns += pause_ns;
            ago_ns += pause_ns > SEC ? pause_ns : 0;
            ago_ns = ago_ns > TRIP ? ago_ns - rand() % (60 * MS) : TRIP;
            ago_ns = ago_ns > TRIP ? ago_ns : TRIP;
            int64_t lag_ns = take(&feed, ago_ns, true);
            int64_t usual_ns = feed.age.delay_ns ? feed.age.delay_ns + feed.offset_ns : 0;
            cr_assert_geq(lag_ns + usual_ns + 2 * MAX_AGE / PW_FEED_AGE_STEPS, ago_ns, "seed %u, %d", seed,
                          i);
        }
    }
}

Test(feed_age, a_recordings_times_are_no_clock)
{
    struct feed feed = open_feed(-200 * 86400 * SEC);
    run(&feed, SEC, true, TRIP);
    run(&feed, SEC, true, 8 * SEC);
    cr_expect_eq(feed.age.lag_ns, 0);
    cr_expect_eq(feed.age.delay_ns, 0);
    cr_expect_eq(feed.told, 0);
    feed.now_ns += 8 * SEC;
    cr_expect_geq(take(&feed, TRIP, true), 8 * SEC, "a late pass is one all the same");
}

Test(feed_age, a_new_connection_begins_anew)
{
    struct feed feed = open_feed(0);
    run(&feed, SEC, true, TRIP);
    feed.now_ns += 8 * SEC;
    take(&feed, 8 * SEC, true);
    pw_feed_age_restart(&feed.age);
    cr_expect_eq(feed.age.lag_ns, 0);
    feed.offset_ns = -9 * SEC;
    run(&feed, SEC, true, TRIP);
    cr_expect_eq(feed.age.lag_ns, 0);
}
