/* SPDX-License-Identifier: MIT
 *
 * Probes on a schedule: what is counted, and that waiting does not hide.
 */
#include "probes.h"

#include <criterion/criterion.h>
#include <errno.h>

#define CNT 200u

/* A path that answers at once, but for what it is told to do. */
struct fake {
    uint32_t lost_each;  /* 0: none */
    uint32_t breaks_at;  /* UINT32_MAX: never */
    uint32_t slow_probe; /* this one's sending takes slow_ns */
    double slow_ns;
    uint32_t answers[CNT * 2], answer_cnt, sent_cnt;
    uint64_t load_cnt;
};

static void wait_ns(double ns)
{
    uint64_t start = pw_bench_ticks();
    while ((double)(pw_bench_ticks() - start) * pw_bench_tick_ns < ns) {
        pw_bench_relax();
    }
}

static uint64_t fake_send(void *arg, uint32_t probe)
{
    struct fake *fake = arg;
    cr_assert_eq(probe, fake->sent_cnt++, "each once, in order");
    if (probe == fake->slow_probe) {
        wait_ns(fake->slow_ns);
    }
    if (fake->lost_each == 0 || probe % fake->lost_each != 0) {
        fake->answers[fake->answer_cnt++] = probe;
    }
    return probe == fake->breaks_at ? 0 : pw_bench_ticks();
}

static bool fake_poll(void *arg, uint32_t *probe, uint64_t *arrived)
{
    struct fake *fake = arg;
    if (fake->answer_cnt == 0) {
        return false;
    }
    *probe = fake->answers[--fake->answer_cnt];
    *arrived = pw_bench_ticks();
    return true;
}

static bool fake_load(void *arg, uint64_t message)
{
    struct fake *fake = arg;
    cr_assert_eq(message, fake->load_cnt++);
    return true;
}

static int run(struct fake *fake, struct probes *probes)
{
    static double from_left[CNT], from_due[CNT];
    const struct probe_path path = {.arg = fake, .send = fake_send, .poll = fake_poll, .load = fake_load};
    pw_bench_ticks_calibrate();
    probes->cnt = CNT;
    probes->interval_ns = 20000;
    probes->from_left_ns = from_left;
    probes->from_due_ns = from_due;
    return probes_run(&path, 10, probes);
}

Test(probes, each_that_comes_back_is_one_sample)
{
    struct fake fake = {.breaks_at = UINT32_MAX, .slow_probe = UINT32_MAX};
    struct probes probes = {0};
    cr_assert_eq(run(&fake, &probes), 0);
    cr_expect_eq(probes.arrived_cnt, CNT, "those that warm up do not count");
    cr_expect_eq(fake.sent_cnt, CNT + 10);
    cr_expect_eq(fake.load_cnt, 0);
    for (uint32_t i = 0; i < CNT; i++) {
        cr_expect_geq(probes.from_due_ns[i], probes.from_left_ns[i], "never sent before it is due");
    }
}

Test(probes, lost_ones_are_waited_for_in_vain_and_count_with_that_time)
{
    struct fake fake = {.lost_each = 10, .breaks_at = UINT32_MAX, .slow_probe = UINT32_MAX};
    struct probes probes = {0};
    cr_assert_eq(run(&fake, &probes), 0);
    cr_expect_eq(probes.arrived_cnt, CNT - CNT / 10);
    for (uint32_t i = 0; i < CNT; i++) { /* the first ten are no samples */
        cr_expect((probes.from_left_ns[i] == PROBES_PATIENCE_NS) == (i % 10 == 0), "sample %u", i);
        cr_expect((probes.from_due_ns[i] == PROBES_PATIENCE_NS) == (i % 10 == 0), "sample %u", i);
    }
}

Test(probes, a_delay_shows_in_all_that_it_made_late)
{
    struct fake fake = {.breaks_at = UINT32_MAX, .slow_probe = 50, .slow_ns = 1e6};
    struct probes probes = {0};
    cr_assert_eq(run(&fake, &probes), 0);
    cr_assert_eq(probes.arrived_cnt, CNT);
    /* Probe 50 is sample 40. A millisecond is 50 probes on average, at least 33. */
    for (uint32_t i = 41; i < 41 + 20; i++) {
        cr_expect_gt(probes.from_due_ns[i], 1e5, "sample %u was due while nothing could be sent", i);
    }
}

Test(probes, load_comes_between_probes_and_no_faster_than_asked)
{
    struct fake fake = {0};
    struct probes probes = {.load_per_s = 100000};
    for (int i = 0; i < 100 && fake.load_cnt == 0; i++) { /* probes go first when this thread had to wait */
        fake = (struct fake){.breaks_at = UINT32_MAX, .slow_probe = UINT32_MAX};
        cr_assert_eq(run(&fake, &probes), 0);
        cr_expect_eq(probes.arrived_cnt, CNT);
    }
    cr_expect_gt(fake.load_cnt, 0);
    cr_expect_leq(probes.load_reached_per_s, 101000);
}

Test(probes, a_path_that_breaks_ends_the_run)
{
    struct fake fake = {.breaks_at = 20, .slow_probe = UINT32_MAX};
    struct probes probes = {0};
    cr_expect_eq(run(&fake, &probes), -EIO);
    cr_expect_eq(fake.sent_cnt, 21);
}
