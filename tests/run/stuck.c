/* SPDX-License-Identifier: MIT
 *
 * A stage that does not come back from a call: the stop ends in bounded time and says so.
 */
#include "runner.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

struct stuck {
    _Atomic bool entered, release;
    _Atomic int fini_cnt;
};

static struct pw_poll stuck_poll(void *state, int64_t now_ns)
{
    struct stuck *stuck = state;
    (void)now_ns;
    atomic_store(&stuck->entered, true);
    while (!atomic_load(&stuck->release)) {
        usleep(1000);
    }
    return (struct pw_poll){0};
}

static void stuck_fini(void *state)
{
    atomic_fetch_add(&((struct stuck *)state)->fini_cnt, 1);
}

Test(stuck, thread_that_hangs_is_left_behind_after_seconds, .timeout = 300)
{
    static const struct pw_stage_ops ops = {.name = "a", .poll = stuck_poll, .fini = stuck_fini};
    static struct pw_config_cores
        config; /* static: the thread outlives this function's frame if the test fails */
    static struct pw_stage_view view;
    static struct stuck stuck;
    const struct pw_stage_slot slot = {ops.name, &ops, &stuck, &view};
    const struct pw_clock clock = pw_clock_host();
    struct pw_runner *runner;
    config.core_cnt = 1;
    config.cores[0] = (struct pw_config_core){.core = PW_CORE_NONE, .idle = PW_IDLE_SLEEP, .stage_cnt = 1};
    snprintf(config.cores[0].stages[0], PW_STAGE_NAME_BYTES, "a");

    cr_assert_eq(pw_runner_start(&runner, &config, &slot, 1, &clock), 0);
    while (!atomic_load(&stuck.entered)) {
        usleep(1000);
    }
    int64_t before_ns = pw_clock_now_ns(&clock);
    cr_expect_eq(pw_runner_stop(runner, 100000000), -EDEADLK);
    cr_expect_lt(pw_clock_now_ns(&clock) - before_ns, INT64_C(15000000000));
    cr_expect_eq(atomic_load(&stuck.fini_cnt), 0, "its fini may not run beside its poll");

    /* Once it comes back, it ends as it should. */
    atomic_store(&stuck.release, true);
    cr_expect_eq(pw_runner_stop(runner, 100000000), 0);
    cr_expect_eq(atomic_load(&stuck.fini_cnt), 1);
    pw_runner_destroy(runner);
}
