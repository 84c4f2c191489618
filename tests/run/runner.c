/* SPDX-License-Identifier: MIT
 *
 * The runner, by hand in virtual time and with threads: order of calls, booking of time, housekeeping, the
 * drained stop, stages that fail, and what a sleeping core costs.
 */
#include "runner.h"

#include "cpu.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

/* ---- a stage that does as it is told, and keeps book ---- */

struct probe {
    const char *name;
    /* What it shall do. */
    int64_t *burn_clock; /* virtual time that each poll takes from `burn_ns` */
    int64_t burn_ns;
    struct pw_poll answer;
    int64_t next_ns;
    int start_rc;
    uint64_t fail_at_poll; /* 0: never */
    /* A queue to the next probe, as a ring of the least kind: the writer counts put, the reader counts taken.
     */
    _Atomic uint64_t *in_put, *out_put;
    uint64_t taken, put_left; /* put_left: what a source still has to send */
    _Atomic int stop_source;
    /* What has happened. */
    _Atomic uint64_t poll_cnt, housekeep_cnt, start_cnt, drain_cnt, fini_cnt;
    _Atomic uint64_t thread; /* on which all its calls must come */
    _Atomic bool strayed, stale;
    int64_t last_now_ns;
};

static uint64_t self(void)
{
    return (uint64_t)(uintptr_t)pthread_self();
}

static void check_thread(struct probe *probe)
{
    if (atomic_load(&probe->thread) != self()) {
        atomic_store(&probe->strayed, true);
    }
}

static int probe_start(void *state)
{
    struct probe *probe = state;
    atomic_store(&probe->thread, self());
    atomic_fetch_add(&probe->start_cnt, 1);
    return probe->start_rc;
}

static uint32_t probe_move(struct probe *probe)
{
    uint32_t work = 0;
    if (probe->in_put != NULL) {
        uint64_t put = atomic_load_explicit(probe->in_put, memory_order_acquire);
        work = (uint32_t)(put - probe->taken > 8 ? 8 : put - probe->taken);
        probe->taken += work;
    } else if (probe->put_left > 0) {
        work = 1;
        probe->put_left--;
    }
    if (probe->out_put != NULL && work > 0) {
        atomic_store_explicit(probe->out_put,
                              atomic_load_explicit(probe->out_put, memory_order_relaxed) + work,
                              memory_order_release);
    }
    return work;
}

static struct pw_poll probe_poll(void *state, int64_t now_ns)
{
    struct probe *probe = state;
    check_thread(probe);
    if (now_ns < probe->last_now_ns) {
        atomic_store(&probe->stale, true);
    }
    probe->last_now_ns = now_ns;
    if (probe->burn_clock != NULL) {
        *probe->burn_clock += probe->burn_ns;
    }
    struct pw_poll done = probe->answer;
    done.work += probe_move(probe);
    uint64_t poll_cnt = atomic_fetch_add(&probe->poll_cnt, 1) + 1;
    done.failed = probe->fail_at_poll != 0 && poll_cnt >= probe->fail_at_poll;
    return done;
}

static int64_t probe_next_ns(void *state)
{
    return ((struct probe *)state)->next_ns;
}

static void probe_housekeep(void *state, int64_t now_ns)
{
    struct probe *probe = state;
    check_thread(probe);
    if (now_ns < probe->last_now_ns) {
        atomic_store(&probe->stale, true);
    }
    atomic_fetch_add(&probe->housekeep_cnt, 1);
}

static void probe_drain(void *state)
{
    struct probe *probe = state;
    check_thread(probe);
    atomic_fetch_add(&probe->drain_cnt, 1);
}

static bool probe_pending(void *state)
{
    return ((struct probe *)state)->put_left > 0;
}

static void probe_fini(void *state)
{
    struct probe *probe = state;
    atomic_fetch_add(&probe->fini_cnt, 1);
}

#define PROBES_MAX 6

/* Probes a, b, c ... laid out on cores by a text such as "ab c". */
struct bench {
    struct pw_config_cores config;
    struct pw_stage_ops ops[PROBES_MAX];
    struct pw_stage_view views[PROBES_MAX];
    struct pw_stage_slot slots[PROBES_MAX];
    struct probe probes[PROBES_MAX];
    uint32_t probe_cnt;
    int64_t now_ns;
    struct pw_clock clock; /* virtual: now_ns */
    struct pw_runner *runner;
};

static int64_t bench_now_ns(void *state)
{
    return ((struct bench *)state)->now_ns;
}

static void bench_core_add(struct bench *bench, enum pw_idle idle, const char *letters, size_t letter_cnt)
{
    struct pw_config_core *core = &bench->config.cores[bench->config.core_cnt++];
    core->core = PW_CORE_NONE;
    core->idle = idle;
    for (size_t i = 0; i < letter_cnt; i++) {
        snprintf(core->stages[core->stage_cnt++], PW_STAGE_NAME_BYTES, "%c", letters[i]);
        bench->probe_cnt++;
    }
}

static struct bench *bench_new(const char *layout, enum pw_idle idle)
{
    static const char *const names[PROBES_MAX] = {"a", "b", "c", "d", "e", "f"};
    struct bench *bench = calloc(1, sizeof *bench);
    cr_assert_not_null(bench);
    bench->now_ns = 1000 * NS_PER_S;
    bench->clock = (struct pw_clock){.now_ns = bench_now_ns, .state = bench};
    while (*layout != '\0') {
        size_t letter_cnt = strcspn(layout, " ");
        bench_core_add(bench, idle, layout, letter_cnt);
        layout += letter_cnt + (layout[letter_cnt] == ' ');
    }
    for (uint32_t i = 0; i < bench->probe_cnt; i++) {
        bench->probes[i] = (struct probe){.name = names[i], .next_ns = INT64_MAX};
        bench->ops[i] = (struct pw_stage_ops){.name = names[i],
                                              .start = probe_start,
                                              .poll = probe_poll,
                                              .next_ns = probe_next_ns,
                                              .housekeep = probe_housekeep,
                                              .drain = probe_drain,
                                              .pending = probe_pending,
                                              .fini = probe_fini};
        bench->slots[i] =
            (struct pw_stage_slot){bench->ops[i].name, &bench->ops[i], &bench->probes[i], &bench->views[i]};
    }
    return bench;
}

static uint64_t view_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- memory ---- */

Test(runner, states_are_zeroed_aligned_and_their_own)
{
    bool locked;
    char *first = pw_state_alloc(100000, &locked);
    char *second = pw_state_alloc(0, &locked);
    cr_assert_not_null(first);
    cr_assert_not_null(second, "a stage without state has one all the same");
    cr_expect_eq((uintptr_t)first % PW_CACHE_LINE, 0);
    for (size_t i = 0; i < 100000; i++) {
        cr_assert_eq(first[i], 0);
    }
    memset(first, 1, 100000);
    cr_expect_eq(second[0], 0);
    pw_state_free(first, 100000);
    pw_state_free(second, 0);
    pw_state_free(NULL, 1);
}

/* ---- by hand, in virtual time ---- */

static struct bench *by_hand(const char *layout)
{
    struct bench *bench = bench_new(layout, PW_IDLE_SPIN);
    cr_assert_eq(
        pw_runner_create(&bench->runner, &bench->config, bench->slots, bench->probe_cnt, &bench->clock), 0);
    cr_assert_eq(pw_runner_begin(bench->runner), 0);
    return bench;
}

static void by_hand_end(struct bench *bench)
{
    pw_runner_end(bench->runner);
    pw_runner_destroy(bench->runner);
    free(bench);
}

Test(runner, pass_polls_only_the_stages_of_its_core)
{
    struct bench *bench = by_hand("ac b");
    for (int i = 0; i < 5; i++) {
        pw_runner_pass(bench->runner, 0, bench->now_ns);
    }
    pw_runner_pass(bench->runner, 1, bench->now_ns);
    cr_expect_eq(bench->probes[0].poll_cnt, 5);
    cr_expect_eq(bench->probes[1].poll_cnt, 1);
    cr_expect_eq(bench->probes[2].poll_cnt, 5);
    by_hand_end(bench);
}

Test(runner, views_name_stage_core_and_thread)
{
    struct bench *bench = bench_new("ab c", PW_IDLE_SPIN);
    bench->config.cores[1].core = 7; /* by hand nothing is bound: only told */
    cr_assert_eq(
        pw_runner_create(&bench->runner, &bench->config, bench->slots, bench->probe_cnt, &bench->clock), 0);
    cr_expect_str_eq(bench->views[2].name, "c");
    cr_expect_eq(bench->views[0].core, -1);
    cr_expect_eq(bench->views[2].core, 7);
    cr_expect_eq(bench->views[1].core_idx, 0);
    cr_expect_eq(bench->views[2].core_idx, 1);
    cr_expect_eq(view_word(&bench->views[0].alive), 0);
    cr_assert_eq(pw_runner_begin(bench->runner), 0);
    cr_expect_eq(view_word(&bench->views[0].alive), 1);
    cr_expect_eq(view_word(&bench->views[0].tid), (uint64_t)getpid(),
                 "the main thread's id is the process's");
    by_hand_end(bench);
}

Test(runner, unknown_stage_is_refused)
{
    struct bench *bench = bench_new("ab", PW_IDLE_SPIN);
    snprintf(bench->config.cores[0].stages[1], PW_STAGE_NAME_BYTES, "zzz");
    cr_expect_eq(
        pw_runner_create(&bench->runner, &bench->config, bench->slots, bench->probe_cnt, &bench->clock),
        -EINVAL);
    free(bench);
}

Test(runner, every_nanosecond_is_booked_once)
{
    /* a works 300 ns, b stalls for 200 ns, c idles for 100 ns, then the thread is away for 400 ns: 1000 ns a
     * pass. */
    struct bench *bench = by_hand("abc");
    int64_t started_ns = bench->now_ns;
    for (int i = 0; i < 3; i++) {
        bench->probes[i].burn_clock = &bench->now_ns;
        bench->probes[i].burn_ns = 300 - 100 * i;
    }
    bench->probes[0].answer.work = 2;
    bench->probes[1].answer.stalled = true;
    const uint64_t pass_cnt = 10000;
    for (uint64_t i = 0; i < pass_cnt; i++) {
        pw_runner_pass(bench->runner, 0, bench->now_ns);
        bench->now_ns += 400;
    }
    pw_runner_end(bench->runner);
    uint64_t life_ns = (uint64_t)(bench->now_ns - started_ns);
    cr_assert_eq(life_ns, pass_cnt * 1000);
    const uint64_t busy_ns[3] = {pass_cnt * 300, 0, 0}, stalled_ns[3] = {0, pass_cnt * 200, 0};
    for (int i = 0; i < 3; i++) {
        const struct pw_stage_view *view = &bench->views[i];
        cr_expect_eq(view_word(&view->busy_ns), busy_ns[i], "stage %d: busy %lu", i,
                     view_word(&view->busy_ns));
        cr_expect_eq(view_word(&view->stalled_ns), stalled_ns[i], "stage %d: stalled %lu", i,
                     view_word(&view->stalled_ns));
        cr_expect_eq(view_word(&view->busy_ns) + view_word(&view->stalled_ns) + view_word(&view->idle_ns),
                     life_ns);
        cr_expect_eq(view_word(&view->pass_cnt), pass_cnt);
    }
    cr_expect_eq(view_word(&bench->views[0].work_cnt), 2 * pass_cnt);
    cr_expect_eq(view_word(&bench->views[0].longest_pass_ns), 300);
    cr_expect_eq(view_word(&bench->views[0].alive), 0);
    pw_runner_destroy(bench->runner);
    free(bench);
}

Test(runner, idle_poll_is_booked_with_the_next_that_works)
{
    /* The documented error of the booking: b's 5 idle nanoseconds go to c, never anywhere else. */
    struct bench *bench = by_hand("abc");
    for (int i = 0; i < 3; i++) {
        bench->probes[i].burn_clock = &bench->now_ns;
        bench->probes[i].burn_ns = 5;
    }
    bench->probes[0].answer.work = bench->probes[2].answer.work = 1;
    for (int i = 0; i < 1000; i++) {
        pw_runner_pass(bench->runner, 0, bench->now_ns);
    }
    pw_runner_end(bench->runner);
    cr_expect_eq(view_word(&bench->views[0].busy_ns), 5000);
    cr_expect_eq(view_word(&bench->views[1].busy_ns), 0);
    cr_expect_eq(view_word(&bench->views[2].busy_ns), 10000);
    pw_runner_destroy(bench->runner);
    free(bench);
}

Test(runner, time_moves_on_within_a_pass_and_never_back)
{
    struct bench *bench = by_hand("abc");
    bench->probes[0].burn_clock = &bench->now_ns;
    bench->probes[0].burn_ns = 300;
    bench->probes[0].answer.work = 1;
    for (int i = 0; i < 1000; i++) {
        int64_t pass_ns = bench->now_ns;
        pw_runner_pass(bench->runner, 0, pass_ns);
        cr_assert_eq(bench->probes[0].last_now_ns, pass_ns);
        cr_assert_eq(bench->probes[1].last_now_ns, pass_ns + 300);
        cr_assert_eq(bench->probes[2].last_now_ns, pass_ns + 300, "b did nothing");
        bench->now_ns += i % 7 * 100000;
    }
    /* A pass that is said to be earlier than what stages have been given already. */
    pw_runner_pass(bench->runner, 0, bench->now_ns - 5000000);
    for (int i = 0; i < 3; i++) {
        cr_expect_not(bench->probes[i].stale, "stage %d saw time go backward", i);
    }
    by_hand_end(bench);
}

Test(runner, housekeeping_comes_each_millisecond_and_no_more_often)
{
    struct bench *bench = by_hand("a");
    for (int i = 0; i < 1000; i++) { /* 10 us a pass, 10 ms in all */
        pw_runner_pass(bench->runner, 0, bench->now_ns);
        bench->now_ns += 10000;
    }
    cr_expect_eq(bench->probes[0].housekeep_cnt, 10);
    for (int i = 0; i < 7; i++) { /* passes of 3 ms: one each, nothing is made up for */
        pw_runner_pass(bench->runner, 0, bench->now_ns);
        bench->now_ns += 3000000;
    }
    cr_expect_eq(bench->probes[0].housekeep_cnt, 17);
    cr_expect_geq(atomic_load(&bench->views[0].heartbeat_ns), bench->now_ns - 6000000);
    by_hand_end(bench);
}

Test(runner, next_time_is_the_nearest_of_stages_and_housekeeping)
{
    struct bench *bench = by_hand("ab");
    pw_runner_pass(bench->runner, 0, bench->now_ns);
    cr_expect_eq(pw_runner_next_ns(bench->runner, 0), bench->now_ns + PW_HOUSEKEEP_NS);
    bench->probes[1].next_ns = bench->now_ns + 77;
    cr_expect_eq(pw_runner_next_ns(bench->runner, 0), bench->now_ns + 77);
    by_hand_end(bench);
}

Test(runner, drain_is_told_once_and_pending_is_asked)
{
    struct bench *bench = by_hand("a b");
    bench->probes[1].put_left = 2;
    pw_runner_drain(bench->runner);
    int passes = 0;
    while (pw_runner_pending(bench->runner)) {
        pw_runner_pass(bench->runner, 0, bench->now_ns);
        pw_runner_pass(bench->runner, 1, bench->now_ns);
        passes++;
    }
    cr_expect_eq(passes, 2);
    cr_expect_eq(bench->probes[0].drain_cnt, 1);
    cr_expect_eq(bench->probes[1].drain_cnt, 1);
    struct probe *probes = bench->probes;
    pw_runner_end(bench->runner);
    cr_expect_eq(probes[0].fini_cnt, 1);
    cr_expect_eq(probes[1].fini_cnt, 1);
    pw_runner_destroy(bench->runner);
    free(bench);
}

/* ---- with threads ---- */

static void nap_ms(long ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

static struct bench *with_threads(const char *layout, enum pw_idle idle)
{
    struct bench *bench = bench_new(layout, idle);
    bench->clock = pw_clock_host();
    return bench;
}

static int threads_start(struct bench *bench)
{
    return pw_runner_start(&bench->runner, &bench->config, bench->slots, bench->probe_cnt, &bench->clock);
}

/* a -> b -> c -> d over counters: what the source has sent must all arrive before fini. */
static void chain(struct bench *bench, _Atomic uint64_t *counters, uint64_t event_cnt)
{
    for (uint32_t i = 0; i < bench->probe_cnt; i++) {
        bench->probes[i].out_put = i + 1 < bench->probe_cnt ? &counters[i] : NULL;
        bench->probes[i].in_put = i > 0 ? &counters[i - 1] : NULL;
    }
    bench->probes[0].put_left = event_cnt;
}

static void stop_loses_nothing(const char *layout, enum pw_idle idle, uint64_t event_cnt)
{
    struct bench *bench = with_threads(layout, idle);
    _Atomic uint64_t counters[PROBES_MAX] = {0};
    chain(bench, counters, event_cnt);
    cr_assert_eq(threads_start(bench), 0);
    nap_ms(5);
    cr_expect_eq(pw_runner_stop(bench->runner, 20 * NS_PER_S), 0, "layout '%s'", layout);
    for (uint32_t i = 0; i < bench->probe_cnt; i++) {
        struct probe *probe = &bench->probes[i];
        cr_expect_eq(i > 0 ? probe->taken : event_cnt, event_cnt, "stage %u of '%s' took %lu", i, layout,
                     probe->taken);
        cr_expect_eq(view_word(&bench->views[i].work_cnt), event_cnt, "the last figures are published");
        cr_expect_eq(probe->start_cnt, 1);
        cr_expect_eq(probe->drain_cnt, 1);
        cr_expect_eq(probe->fini_cnt, 1);
        cr_expect_not(probe->strayed, "a call of stage %u came on another thread", i);
        cr_expect_not(probe->stale, "stage %u saw time go backward", i);
    }
    pw_runner_destroy(bench->runner);
    free(bench);
}

Test(runner_threads, stop_drains_every_placement, .timeout = 300)
{
    stop_loses_nothing("abcd", PW_IDLE_SLEEP, 20000);
    stop_loses_nothing("abcd", PW_IDLE_YIELD, 20000);
    stop_loses_nothing("ab cd", PW_IDLE_YIELD, 20000);
    stop_loses_nothing("ab cd", PW_IDLE_SLEEP, 20000);
    stop_loses_nothing("a b c d", PW_IDLE_SLEEP, 5000);
    stop_loses_nothing("a b c d", PW_IDLE_YIELD, 5000);
}

Test(runner_threads, stop_gives_up_at_the_deadline_and_still_ends)
{
    struct bench *bench = with_threads("a b", PW_IDLE_SLEEP);
    bench->probes[1].put_left = UINT64_MAX; /* never done */
    cr_assert_eq(threads_start(bench), 0);
    cr_expect_eq(pw_runner_stop(bench->runner, NS_PER_S / 20), -ETIMEDOUT);
    cr_expect_eq(bench->probes[0].fini_cnt, 1);
    cr_expect_eq(bench->probes[1].fini_cnt, 1);
    pw_runner_destroy(bench->runner);
    free(bench);
}

static struct pw_runner *g_hurried;

static void on_alarm(int number)
{
    (void)number;
    pw_runner_hurry(g_hurried);
}

Test(runner_threads, second_signal_cuts_the_drain_short)
{
    struct bench *bench = with_threads("a", PW_IDLE_SLEEP);
    bench->probes[0].put_left = UINT64_MAX;
    cr_assert_eq(threads_start(bench), 0);
    g_hurried = bench->runner;
    signal(SIGUSR1, on_alarm);
    raise(SIGUSR1); /* as if it came early in the drain */
    int64_t before_ns = pw_clock_now_ns(&bench->clock);
    cr_expect_eq(pw_runner_stop(bench->runner, 3600 * NS_PER_S), -ETIMEDOUT);
    cr_expect_lt(pw_clock_now_ns(&bench->clock) - before_ns, 5 * NS_PER_S);
    cr_expect_eq(bench->probes[0].fini_cnt, 1);
    pw_runner_destroy(bench->runner);
    free(bench);
}

Test(runner_threads, start_that_fails_stops_all_before_any_poll)
{
    struct bench *bench = with_threads("a b c", PW_IDLE_SLEEP);
    bench->probes[1].start_rc = -ENODEV;
    cr_expect_eq(threads_start(bench), -ENODEV);
    cr_expect_null(bench->runner);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(bench->probes[i].poll_cnt, 0, "stage %d was polled", i);
        cr_expect_eq(bench->probes[i].fini_cnt, 1, "stage %d", i);
    }
    free(bench);
}

Test(runner_threads, processor_that_cannot_be_bound_fails_the_start)
{
    struct bench *bench = with_threads("a", PW_IDLE_SLEEP);
    bench->config.cores[0].core = (int32_t)PW_CPUS_MAX - 1; /* no machine of this test has so many */
    cr_expect_eq(threads_start(bench), -EINVAL);
    cr_expect_eq(bench->probes[0].fini_cnt, 1);
    free(bench);
}

Test(runner_threads, failed_stage_is_named_and_the_others_end)
{
    struct bench *bench = with_threads("a b", PW_IDLE_SLEEP);
    bench->probes[1].fail_at_poll = 3;
    cr_assert_eq(threads_start(bench), 0);
    for (int i = 0; i < 2000 && pw_runner_failed(bench->runner) == NULL; i++) {
        nap_ms(1);
    }
    cr_assert_not_null(pw_runner_failed(bench->runner));
    cr_expect_str_eq(pw_runner_failed(bench->runner), "b");
    cr_expect_eq(pw_runner_stop(bench->runner, 20 * NS_PER_S), -EIO);
    cr_expect_eq(bench->probes[1].poll_cnt, 3, "a failed stage is not polled again");
    cr_expect_eq(bench->probes[0].fini_cnt, 1);
    cr_expect_eq(bench->probes[1].fini_cnt, 1);
    pw_runner_destroy(bench->runner);
    free(bench);
}

static int64_t process_cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

Test(runner_sleep, idle_sleeping_core_takes_a_fraction_of_a_core)
{
    struct bench *bench = with_threads("abcdef", PW_IDLE_SLEEP);
    cr_assert_eq(threads_start(bench), 0);
    nap_ms(100);
    int64_t before_ns = pw_clock_now_ns(&bench->clock);
    int64_t before_cpu_ns = process_cpu_ns();
    nap_ms(1000);
    double share =
        (double)(process_cpu_ns() - before_cpu_ns) / (double)(pw_clock_now_ns(&bench->clock) - before_ns);
    uint64_t housekeep_cnt = atomic_load(&bench->probes[0].housekeep_cnt);
    cr_expect_eq(pw_runner_stop(bench->runner, NS_PER_S), 0);
    cr_expect_lt(share, 0.20, "%.2f %% of a core", 100 * share);
    cr_expect_gt(housekeep_cnt, 300, "yet housekeeping comes: %lu times in 1.1 s", housekeep_cnt);
    cr_expect_lt(housekeep_cnt, 1200);
    pw_runner_destroy(bench->runner);
    free(bench);
}

Test(runner_sleep, stage_that_is_always_due_cannot_keep_the_core_awake)
{
    struct bench *bench = with_threads("a", PW_IDLE_SLEEP);
    bench->probes[0].next_ns = 0; /* due since 1970 */
    cr_assert_eq(threads_start(bench), 0);
    nap_ms(20);
    int64_t before_ns = pw_clock_now_ns(&bench->clock);
    uint64_t poll_cnt = atomic_load(&bench->probes[0].poll_cnt);
    nap_ms(200);
    int64_t span_ns = pw_clock_now_ns(&bench->clock) - before_ns;
    poll_cnt = atomic_load(&bench->probes[0].poll_cnt) - poll_cnt;
    cr_expect_eq(pw_runner_stop(bench->runner, NS_PER_S), 0);
    cr_expect_leq(poll_cnt, (uint64_t)(span_ns / 20000), "%lu polls in %ld ns", poll_cnt, span_ns);
    pw_runner_destroy(bench->runner);
    free(bench);
}

Test(runner_sleep, real_time_is_booked_to_whom_it_belongs)
{
    /* The counter against the clock: what the processor's ticks say must be what the clock says. */
    struct bench *bench = with_threads("ab", PW_IDLE_YIELD);
    bench->probes[0].answer.work = 1;
    int64_t before_ns = pw_clock_now_ns(&bench->clock);
    cr_assert_eq(threads_start(bench), 0);
    nap_ms(100);
    cr_expect_eq(pw_runner_stop(bench->runner, NS_PER_S / 100), -ETIMEDOUT, "a is never done");
    int64_t span_ns = pw_clock_now_ns(&bench->clock) - before_ns;
    for (int i = 0; i < 2; i++) {
        struct pw_stage_view *view = &bench->views[i];
        uint64_t life_ns =
            view_word(&view->busy_ns) + view_word(&view->stalled_ns) + view_word(&view->idle_ns);
        cr_expect_leq(life_ns, (uint64_t)span_ns);
        cr_expect_geq(life_ns, UINT64_C(100000000));
    }
    /* a works in every pass, b never; what is neither is the loop itself and, on a shared machine, other
     * processes. */
    cr_expect_gt(view_word(&bench->views[0].busy_ns), view_word(&bench->views[1].busy_ns));
    cr_expect_gt(view_word(&bench->views[0].busy_ns), UINT64_C(5000000));
    pw_runner_destroy(bench->runner);
    free(bench);
}
