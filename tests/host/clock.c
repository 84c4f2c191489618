/* SPDX-License-Identifier: MIT
 *
 * Clock and randomness. The host's clock calls are interposed: the code under test is the production code,
 * reading a wall clock that these tests step.
 */
#include "host.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

static _Atomic int64_t g_wall_step_ns;

int clock_gettime(clockid_t id, struct timespec *now)
{
    long rc = syscall(SYS_clock_gettime, id, now);
    if (rc == 0 && id == CLOCK_REALTIME) {
        int64_t ns = (int64_t)now->tv_sec * NS_PER_S + now->tv_nsec + atomic_load(&g_wall_step_ns);
        now->tv_sec = ns / NS_PER_S;
        now->tv_nsec = ns % NS_PER_S;
    }
    return (int)rc;
}

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

Test(clock, starts_at_the_wall_clock)
{
    struct pw_clock clock = pw_clock_host();
    int64_t before_ns = wall_ns();
    int64_t now_ns = pw_clock_now_ns(&clock);
    int64_t after_ns = wall_ns();
    /* A millisecond of grace: this test may be preempted between the two clocks. */
    cr_assert_geq(now_ns, before_ns - NS_PER_S / 1000);
    cr_assert_leq(now_ns, after_ns + NS_PER_S / 1000);
    cr_assert_lt(llabs(pw_clock_host_step_ns()), NS_PER_S / 1000);
}

Test(clock, wall_steps_of_hours_move_no_timer_and_are_told)
{
    struct pw_clock clock = pw_clock_host();
    int64_t last_ns = pw_clock_now_ns(&clock);
    const int64_t steps_s[] = {1, -1, 3600, -7200, 86400 * 365};
    int64_t total_ns = 0;
    for (size_t i = 0; i < sizeof steps_s / sizeof steps_s[0]; i++) {
        total_ns += steps_s[i] * NS_PER_S;
        atomic_store(&g_wall_step_ns, total_ns);
        int64_t now_ns = pw_clock_now_ns(&clock);
        cr_assert_geq(now_ns, last_ns, "backward by %ld ns after step %zu", last_ns - now_ns, i);
        cr_assert_lt(now_ns - last_ns, NS_PER_S, "forward by %ld ns after step %zu", now_ns - last_ns, i);
        cr_assert_lt(llabs(pw_clock_host_step_ns() - total_ns), NS_PER_S / 100, "step %zu is not told", i);
        last_ns = now_ns;
    }
}

/* cases/07-heartbeat-after-a-clock-step: each step once, and by how much; slewing never. */
Test(clock, each_step_of_the_wall_clock_is_told_once)
{
    int64_t seen_ns = 0, by_ns, total_ns = 0;
    pw_clock_host();
    cr_expect_not(pw_clock_was_set(&seen_ns, &by_ns));
    const int64_t steps_ms[] = {3600000, -7200000, 150, -150, 86400000};
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        total_ns += steps_ms[i] * NS_PER_S / 1000;
        atomic_store(&g_wall_step_ns, total_ns);
        cr_expect(pw_clock_was_set(&seen_ns, &by_ns), "step %zu", i);
        cr_expect_lt(llabs(by_ns - steps_ms[i] * NS_PER_S / 1000), NS_PER_S / 100);
        cr_expect_not(pw_clock_was_set(&seen_ns, &by_ns));
    }
    atomic_store(&g_wall_step_ns, total_ns + NS_PER_S / 50);
    cr_expect_not(pw_clock_was_set(&seen_ns, &by_ns), "as small as what is slewed");
}

static void *reader_main(void *result)
{
    struct pw_clock clock = pw_clock_host();
    int64_t last_ns = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t now_ns = pw_clock_now_ns(&clock);
        if (now_ns < last_ns) {
            return NULL;
        }
        last_ns = now_ns;
    }
    return result;
}

Test(clock, is_one_clock_for_all_threads)
{
    pthread_t threads[3];
    int mark;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, reader_main, &mark), 0);
    }
    for (int i = 0; i < 200; i++) {
        atomic_store(&g_wall_step_ns, (i % 7 - 3) * NS_PER_S);
    }
    for (int i = 0; i < 3; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        cr_assert_eq(result, &mark, "thread %d saw its clock go backward", i);
    }
}

Test(random, seeded_is_splitmix64)
{
    /* The first outputs for seed 1234567, as published with the algorithm (Rosetta Code, "Splitmix64"). */
    uint64_t seed = 1234567;
    struct pw_random random = pw_random_seeded(&seed);
    const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                 UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                 UINT64_C(16408922859458223821)};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cr_assert_eq(pw_random_next(&random), expected[i], "output %zu", i);
    }
}

Test(random, host_words_do_not_repeat_over_refills)
{
    struct pw_random random = pw_random_host();
    uint64_t words[200];
    uint64_t ones = 0;
    for (size_t i = 0; i < 200; i++) {
        words[i] = pw_random_next(&random);
        ones |= words[i];
        for (size_t k = 0; k < i; k++) {
            cr_assert_neq(words[i], words[k], "words %zu and %zu", k, i);
        }
    }
    cr_assert_eq(ones, UINT64_MAX, "a bit that is never set in 200 words");
}
