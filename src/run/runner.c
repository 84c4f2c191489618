/* SPDX-License-Identifier: MIT
 *
 * The runner's threads: binding, idle strategies, start and the drained stop.
 *
 * The main thread writes one word, the phase; each core's thread writes its own words. That is all they
 * share.
 */
#include "runner.h"

#include "cpu.h"
#include "pass.h"
#include "pw_assert.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A thread that sleeps when idle first looks again a few times, since messages come in bursts, then sleeps
 * for steps that double: a short pause in the market costs little delay, a long one little power. The longest
 * step lets housekeeping keep its millisecond. */
#define SLEEP_PASSES   16u
#define SLEEP_MIN_NS   INT64_C(20000)
#define SLEEP_MAX_NS   PW_HOUSEKEEP_NS
#define SLEEP_SLACK_NS 5000ul /* how much later than asked the kernel may wake us; its default is 50 us */

/* Stages keep their state elsewhere; what they need of a stack is small, and it is locked in memory. */
#define STACK_BYTES (1u << 20)

#define MAIN_STEP_NS    INT64_C(500000)     /* between two looks of the main thread at the others */
#define JOIN_TIMEOUT_NS INT64_C(5000000000) /* a fini may flush to a slow disk */
#define FAILED_DRAIN_NS                                                                                      \
    INT64_C(1000000000) /* a stage has failed: what leads to it will not drain any more                      \
                         */

/* Written by the main thread. */
enum phase { PHASE_START, PHASE_RUN, PHASE_DRAIN, PHASE_END };

/* Written by the core's thread. */
enum thread_state { THREAD_STARTING, THREAD_READY, THREAD_FAILED, THREAD_ENDED };

/* What a core's thread reports to the main thread, on lines of its own. */
struct core_report {
    _Alignas(PW_CACHE_LINE) _Atomic uint32_t state; /* enum thread_state */
    _Atomic int32_t error;                          /* of a start or bind that failed */
    _Atomic uint32_t failed_stage;                  /* 1 + its place: its poll has said `failed` */
    _Atomic uint32_t pending;                       /* a bit a stage, while draining */
    _Atomic uint64_t drain_pass_cnt;                /* whole passes while draining ... */
    _Atomic uint64_t drain_busy_cnt; /* ... and those that did work or left something pending */
};

struct runner_core {
    struct core_report report;
    struct pw_core core;
    struct pw_runner *runner;
    const struct pw_config_core *config;
    uint32_t core_idx;
    uint32_t idle_pass_cnt; /* passes without work since the last with some */
    int64_t sleep_ns;       /* the next step */
    pthread_t thread;
    bool has_thread;
};

struct pw_runner {
    _Alignas(PW_CACHE_LINE) _Atomic uint32_t phase; /* enum phase; written by the main thread */
    _Atomic uint32_t hurry;                         /* written by a signal handler */
    _Alignas(PW_CACHE_LINE) struct pw_clock clock;
    uint32_t core_cnt;
    struct runner_core cores[];
};

/* ---- memory ---- */

void *pw_state_alloc(size_t bytes, bool *locked)
{
    void *state = mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (state == MAP_FAILED) {
        return NULL;
    }
    /* Requests are made in it, with key and signature. */
    madvise(state, bytes > 0 ? bytes : 1, MADV_DONTDUMP);
    *locked = mlock(state, bytes > 0 ? bytes : 1) == 0;
    return state;
}

void pw_state_free(void *state, size_t bytes)
{
    if (state != NULL) {
        munmap(state, bytes > 0 ? bytes : 1);
    }
}

/* Touches and, where the host allows, locks the calling thread's stack: no page fault later. */
static void stack_lock(void)
{
    pthread_attr_t attributes;
    void *stack;
    size_t stack_bytes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return;
    }
    if (pthread_attr_getstack(&attributes, &stack, &stack_bytes) == 0 && mlock(stack, stack_bytes) != 0) {
        /* Not allowed (RLIMIT_MEMLOCK): at least they are there now. Pages in use are only read and written
         * back. */
        for (size_t at = 0; at < stack_bytes; at += 4096) {
            volatile char *page = (volatile char *)stack + at;
            *page = *page;
        }
    }
    pthread_attr_destroy(&attributes);
}

/* ---- making ---- */

static const struct pw_stage_slot *slot_find(const struct pw_stage_slot *slots, uint32_t slot_cnt,
                                             const char *name)
{
    for (uint32_t i = 0; i < slot_cnt; i++) {
        if (strcmp(slots[i].name, name) == 0) {
            return &slots[i];
        }
    }
    return NULL;
}

/* The view's fixed fields: before the workspace is published, so that readers find them whole. */
static void view_fill(struct pw_stage_view *view, const char *name, int32_t cpu, uint32_t core_idx)
{
    snprintf(view->name, sizeof view->name, "%s", name);
    view->core = cpu >= 0 ? cpu : -1;
    view->core_idx = core_idx;
}

static int core_fill(struct runner_core *core, const struct pw_stage_slot *slots, uint32_t slot_cnt)
{
    const struct pw_config_core *config = core->config;
    pw_assert(config->stage_cnt <= PW_STAGES_MAX);
    for (uint32_t i = 0; i < config->stage_cnt; i++) {
        const struct pw_stage_slot *slot = slot_find(slots, slot_cnt, config->stages[i]);
        if (slot == NULL) {
            pw_log(PW_LOG_ERROR, "runner: core %u names stage '%s', which was not initialized",
                   core->core_idx, config->stages[i]);
            return -EINVAL;
        }
        core->core.stages[i] =
            (struct pw_core_stage){.ops = slot->ops, .state = slot->state, .view = slot->view};
        view_fill(slot->view, slot->name, config->core, core->core_idx);
    }
    core->core.stage_cnt = config->stage_cnt;
    core->core.clock = core->runner->clock;
    core->sleep_ns = SLEEP_MIN_NS;
    return 0;
}

int pw_runner_create(struct pw_runner **out, const struct pw_config_cores *cores,
                     const struct pw_stage_slot *slots, uint32_t slot_cnt, const struct pw_clock *clock)
{
    size_t bytes = sizeof(struct pw_runner) + cores->core_cnt * sizeof(struct runner_core);
    struct pw_runner *runner = aligned_alloc(PW_CACHE_LINE, bytes);
    *out = NULL;
    if (runner == NULL) {
        pw_log(PW_LOG_ERROR, "runner: no memory");
        return -ENOMEM;
    }
    memset(runner, 0, bytes);
    runner->clock = *clock;
    runner->core_cnt = cores->core_cnt;
    for (uint32_t i = 0; i < cores->core_cnt; i++) {
        struct runner_core *core = &runner->cores[i];
        core->runner = runner;
        core->config = &cores->cores[i];
        core->core_idx = i;
        core->core.by_hand = true;
        int rc = core_fill(core, slots, slot_cnt);
        if (rc != 0) {
            free(runner);
            return rc;
        }
    }
    *out = runner;
    return 0;
}

static_assert(sizeof(struct pw_runner) % PW_CACHE_LINE == 0 &&
                  sizeof(struct runner_core) % PW_CACHE_LINE == 0,
              "aligned_alloc wants whole lines");

void pw_runner_destroy(struct pw_runner *runner)
{
    free(runner);
}

/* ---- stages' cold calls, on the core's own thread ---- */

static int core_begin(struct runner_core *core)
{
    uint64_t tid = (uint64_t)syscall(SYS_gettid);
    for (uint32_t i = 0; i < core->core.stage_cnt; i++) {
        struct pw_core_stage *stage = &core->core.stages[i];
        int rc = stage->ops->start != NULL ? stage->ops->start(stage->state) : 0;
        if (rc != 0) {
            return rc;
        }
        atomic_store_explicit(&stage->view->tid, tid, memory_order_relaxed);
        atomic_store_explicit(&stage->view->alive, 1, memory_order_relaxed);
    }
    pw_core_start(&core->core, pw_clock_now_ns(&core->core.clock));
    return 0;
}

static void core_drain(struct runner_core *core)
{
    for (uint32_t i = 0; i < core->core.stage_cnt; i++) {
        struct pw_core_stage *stage = &core->core.stages[i];
        if (stage->ops->drain != NULL) {
            stage->ops->drain(stage->state);
        }
    }
}

static void core_end(struct runner_core *core)
{
    for (uint32_t i = 0; i < core->core.stage_cnt; i++) {
        struct pw_core_stage *stage = &core->core.stages[i];
        if (stage->ops->fini != NULL) {
            stage->ops->fini(stage->state);
        }
        atomic_store_explicit(&stage->view->alive, 0, memory_order_relaxed);
    }
}

/* Of stages that no core has taken over. */
static void slots_end(const struct pw_stage_slot *slots, uint32_t slot_cnt)
{
    for (uint32_t i = 0; i < slot_cnt; i++) {
        if (slots[i].ops->fini != NULL) {
            slots[i].ops->fini(slots[i].state);
        }
    }
}

/* ---- idle ---- */

static void cpu_pause(void)
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static void thread_sleep(int64_t ns)
{
    struct timespec span = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    nanosleep(&span, NULL); /* a signal may cut it short: then the next pass comes early */
}

/* Until a stage has work of its own or housekeeping is due, but no longer than the step. */
static void idle_sleep(struct runner_core *core, int64_t now_ns)
{
    if (core->idle_pass_cnt <= SLEEP_PASSES) {
        cpu_pause();
        return;
    }
    int64_t next_ns = pw_core_next_ns(&core->core);
    next_ns = next_ns < core->core.housekeep_ns ? next_ns : core->core.housekeep_ns;
    int64_t left_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    int64_t sleep_ns = left_ns < core->sleep_ns ? left_ns : core->sleep_ns;
    /* Never less than the least step: a stage that has its time always near must not keep the thread awake.
     */
    thread_sleep(sleep_ns > SLEEP_MIN_NS ? sleep_ns : SLEEP_MIN_NS);
    core->sleep_ns = 2 * core->sleep_ns < SLEEP_MAX_NS ? 2 * core->sleep_ns : SLEEP_MAX_NS;
}

static void core_idle(struct runner_core *core, struct pw_poll done, int64_t now_ns)
{
    if (done.work > 0) {
        core->idle_pass_cnt = 0;
        core->sleep_ns = SLEEP_MIN_NS;
        return;
    }
    if (done.stalled) {
        core->sleep_ns = SLEEP_MIN_NS; /* there is work: look again soon */
    }
    core->idle_pass_cnt++;
    switch (core->config->idle) {
    case PW_IDLE_SPIN:
        break;
    case PW_IDLE_PAUSE:
        cpu_pause();
        break;
    case PW_IDLE_YIELD:
        sched_yield();
        break;
    case PW_IDLE_SLEEP:
        idle_sleep(core, now_ns);
        break;
    }
}

/* ---- a core's thread ---- */

static enum phase phase_read(const struct pw_runner *runner)
{
    /* Acquire: what the main thread did before the phase is visible. Pairs with the release in phase_set. */
    return atomic_load_explicit(&runner->phase, memory_order_acquire);
}

static void phase_set(struct pw_runner *runner, enum phase phase)
{
    atomic_store_explicit(&runner->phase, phase, memory_order_release); /* pairs with phase_read */
}

static void state_set(struct runner_core *core, enum thread_state state)
{
    /* Release: error, failed_stage and all that the stages did is visible. Pairs with the acquire in
     * state_read. */
    atomic_store_explicit(&core->report.state, state, memory_order_release);
}

static enum thread_state state_read(const struct runner_core *core)
{
    return atomic_load_explicit(&core->report.state, memory_order_acquire); /* pairs with state_set */
}

/* "pw0 net_rx": the kernel keeps 15 bytes. */
static void thread_name(const struct runner_core *core)
{
    char name[16];
    snprintf(name, sizeof name, "pw%u %.11s", core->core_idx, core->config->stages[0]);
    pthread_setname_np(pthread_self(), name);
}

static int thread_prepare(struct runner_core *core)
{
    thread_name(core);
    prctl(PR_SET_TIMERSLACK, SLEEP_SLACK_NS);
    if (core->config->core >= 0) {
        int rc = pw_cpu_bind(core->config->core);
        if (rc != 0) {
            pw_log(PW_LOG_ERROR, "core %u: cannot bind to CPU %d: %s; choose another, or `core: none`",
                   core->core_idx, core->config->core, strerror(-rc));
            return rc;
        }
    }
    stack_lock();
    return core_begin(core);
}

/* One pass, and what it means for the drain. False: a stage has failed. */
static bool thread_pass(struct runner_core *core, bool draining)
{
    int64_t now_ns = pw_clock_now_ns(&core->core.clock);
    struct pw_poll done = pw_core_pass(&core->core, now_ns);
    if (done.failed) {
        return false;
    }
    if (draining) {
        uint32_t pending = pw_core_pending(&core->core);
        atomic_store_explicit(&core->report.pending, pending, memory_order_relaxed);
        if (done.work > 0 || done.stalled || pending != 0) {
            pw_count(&core->report.drain_busy_cnt, 1);
        }
        uint64_t pass_cnt = atomic_load_explicit(&core->report.drain_pass_cnt, memory_order_relaxed) + 1;
        /* Release: the busy count belongs to passes up to this one. Pairs with the acquire in drain_is_quiet.
         */
        atomic_store_explicit(&core->report.drain_pass_cnt, pass_cnt, memory_order_release);
    }
    core_idle(core, done, now_ns);
    return true;
}

/* Books which stage has failed: the one whose poll came last. */
static void failure_book(struct runner_core *core)
{
    uint32_t stage_idx = core->core.failed_idx;
    atomic_store_explicit(&core->report.failed_stage, stage_idx + 1, memory_order_relaxed);
    pw_log(PW_LOG_ERROR, "stage %s failed; stopping the engine", core->core.stages[stage_idx].view->name);
}

static void thread_run(struct runner_core *core)
{
    bool draining = false;
    for (;;) {
        enum phase phase = phase_read(core->runner);
        if (phase == PHASE_END) {
            break;
        }
        if (phase == PHASE_DRAIN && !draining) {
            draining = true;
            core_drain(core);
        }
        if (!thread_pass(core, draining)) {
            failure_book(core);
            break;
        }
    }
    pw_core_settle(&core->core, pw_clock_now_ns(&core->core.clock));
}

static void *thread_main(void *arg)
{
    struct runner_core *core = arg;
    int rc = thread_prepare(core);
    if (rc != 0) {
        atomic_store_explicit(&core->report.error, rc, memory_order_relaxed);
        state_set(core, THREAD_FAILED);
    } else {
        state_set(core, THREAD_READY);
    }
    while (phase_read(core->runner) == PHASE_START) {
        thread_sleep(MAIN_STEP_NS);
    }
    if (rc == 0) {
        thread_run(core);
    }
    core_end(core);
    state_set(core, THREAD_ENDED);
    return NULL;
}

/* ---- the main thread ---- */

/* All signals are the main thread's: a thread inherits the mask of the one that makes it. */
static int thread_create(struct runner_core *core)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int rc = pthread_create(&core->thread, &attributes, thread_main, core);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    core->has_thread = rc == 0;
    if (rc != 0) {
        pw_log(PW_LOG_ERROR, "core %u: cannot create a thread: %s", core->core_idx, strerror(rc));
    }
    return -rc;
}

/* Waits until each thread that was made is ready or has failed; 0 or the first failure. */
static int threads_await(struct pw_runner *runner)
{
    int rc = 0;
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        struct runner_core *core = &runner->cores[i];
        while (core->has_thread && state_read(core) == THREAD_STARTING) {
            thread_sleep(MAIN_STEP_NS);
        }
        if (state_read(core) == THREAD_FAILED && rc == 0) {
            rc = atomic_load_explicit(&core->report.error, memory_order_relaxed);
        }
    }
    return rc;
}

/* Joins all threads; -EDEADLK if one does not end in time. */
static int threads_join(struct pw_runner *runner)
{
    int64_t deadline_ns = pw_clock_now_ns(&runner->clock) + JOIN_TIMEOUT_NS;
    int rc = 0;
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        struct runner_core *core = &runner->cores[i];
        if (!core->has_thread) {
            core_end(core); /* it was never made: its stages' fini is due all the same */
            continue;
        }
        while (state_read(core) != THREAD_ENDED && pw_clock_now_ns(&runner->clock) < deadline_ns) {
            thread_sleep(MAIN_STEP_NS);
        }
        if (state_read(core) == THREAD_ENDED) {
            pthread_join(core->thread, NULL);
            core->has_thread = false;
        } else {
            pw_log(PW_LOG_ERROR, "core %u, whose first stage is %s: its thread did not end; abandoning it", i,
                   core->config->stages[0]);
            rc = -EDEADLK;
        }
    }
    return rc;
}

int pw_runner_start(struct pw_runner **out, const struct pw_config_cores *cores,
                    const struct pw_stage_slot *slots, uint32_t slot_cnt, const struct pw_clock *clock)
{
    struct pw_runner *runner;
    int rc = pw_runner_create(&runner, cores, slots, slot_cnt, clock);
    *out = NULL;
    if (rc != 0) {
        slots_end(slots, slot_cnt);
        return rc;
    }
    for (uint32_t i = 0; i < runner->core_cnt && rc == 0; i++) {
        runner->cores[i].core.by_hand = false;
        rc = thread_create(&runner->cores[i]);
    }
    int failed = threads_await(runner);
    rc = rc != 0 ? rc : failed;
    if (rc == 0) {
        phase_set(runner, PHASE_RUN);
        *out = runner;
        return 0;
    }
    phase_set(runner, PHASE_END);
    int joined = threads_join(runner);
    if (joined != 0) {
        return joined; /* the runner is left to the thread that still uses it */
    }
    pw_runner_destroy(runner);
    return rc;
}

const char *pw_runner_failed(const struct pw_runner *runner)
{
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        const struct runner_core *core = &runner->cores[i];
        uint32_t failed_stage = atomic_load_explicit(&core->report.failed_stage, memory_order_relaxed);
        if (failed_stage != 0) {
            return core->core.stages[failed_stage - 1].view->name;
        }
    }
    return NULL;
}

/* ---- the drained stop ---- */

/* What the cores had done at one moment. */
struct drain_look {
    uint64_t busy_cnt[PW_CORES_MAX];
    uint64_t pass_cnt[PW_CORES_MAX];
};

/* All busy counts are read before the first pass count: a pass that is counted later began after all of them.
 */
static void drain_look(const struct pw_runner *runner, struct drain_look *look)
{
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        look->busy_cnt[i] =
            atomic_load_explicit(&runner->cores[i].report.drain_busy_cnt, memory_order_acquire);
    }
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        look->pass_cnt[i] =
            atomic_load_explicit(&runner->cores[i].report.drain_pass_cnt, memory_order_acquire);
    }
}

/* Has each core since that look made a whole pass (the second that ended since) in which it found nothing,
 * and none in which it found something? Then nothing was in any ring at the time of the look, and nothing has
 * come since. `*moved` says that somebody did find something: look anew. A core whose thread has ended moves
 * nothing. */
static bool drain_is_quiet(const struct pw_runner *runner, const struct drain_look *look, bool *moved)
{
    bool quiet = true;
    *moved = false;
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        const struct runner_core *core = &runner->cores[i];
        if (state_read(core) == THREAD_ENDED) {
            continue;
        }
        /* Acquire: the busy count is at least as new as the pass. Pairs with the release in thread_pass. */
        uint64_t pass_cnt = atomic_load_explicit(&core->report.drain_pass_cnt, memory_order_acquire);
        uint64_t busy_cnt = atomic_load_explicit(&core->report.drain_busy_cnt, memory_order_relaxed);
        *moved |= busy_cnt != look->busy_cnt[i];
        quiet &= pass_cnt >= look->pass_cnt[i] + 2;
    }
    return quiet && !*moved;
}

static void pending_log(const struct pw_runner *runner)
{
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        const struct runner_core *core = &runner->cores[i];
        uint32_t pending = atomic_load_explicit(&core->report.pending, memory_order_relaxed);
        for (uint32_t s = 0; s < core->core.stage_cnt; s++) {
            if ((pending >> s & 1) != 0) {
                pw_log(PW_LOG_WARN, "stage %s: did not finish in time", core->core.stages[s].view->name);
            }
        }
    }
}

/* 0 or -ETIMEDOUT. */
static int drain_await(struct pw_runner *runner, int64_t drain_ns)
{
    struct drain_look look;
    int64_t deadline_ns = pw_clock_now_ns(&runner->clock) + drain_ns;
    drain_look(runner, &look);
    for (;;) {
        bool moved;
        if (drain_is_quiet(runner, &look, &moved)) {
            return 0;
        }
        if (moved) {
            drain_look(runner, &look);
        }
        if (pw_clock_now_ns(&runner->clock) >= deadline_ns ||
            atomic_load_explicit(&runner->hurry, memory_order_relaxed) != 0) {
            pending_log(runner);
            return -ETIMEDOUT;
        }
        thread_sleep(MAIN_STEP_NS);
    }
}

int pw_runner_stop(struct pw_runner *runner, int64_t drain_ns)
{
    bool failed = pw_runner_failed(runner) != NULL;
    phase_set(runner, PHASE_DRAIN);
    int drained = drain_await(runner, failed && drain_ns > FAILED_DRAIN_NS ? FAILED_DRAIN_NS : drain_ns);
    phase_set(runner, PHASE_END);
    int joined = threads_join(runner);
    if (joined != 0) {
        return joined;
    }
    return failed || pw_runner_failed(runner) != NULL ? -EIO : drained;
}

void pw_runner_hurry(struct pw_runner *runner)
{
    atomic_store_explicit(&runner->hurry, 1, memory_order_relaxed);
}

/* ---- by hand ---- */

int pw_runner_begin(struct pw_runner *runner)
{
    int rc = 0;
    for (uint32_t i = 0; i < runner->core_cnt && rc == 0; i++) {
        rc = core_begin(&runner->cores[i]);
    }
    return rc;
}

struct pw_poll pw_runner_pass(struct pw_runner *runner, uint32_t core_idx, int64_t now_ns)
{
    return pw_core_pass(&runner->cores[core_idx].core, now_ns);
}

int64_t pw_runner_next_ns(const struct pw_runner *runner, uint32_t core_idx)
{
    const struct pw_core *core = &runner->cores[core_idx].core;
    int64_t next_ns = pw_core_next_ns(core);
    return next_ns < core->housekeep_ns ? next_ns : core->housekeep_ns;
}

void pw_runner_drain(struct pw_runner *runner)
{
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        core_drain(&runner->cores[i]);
    }
}

bool pw_runner_pending(const struct pw_runner *runner)
{
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        if (pw_core_pending(&runner->cores[i].core) != 0) {
            return true;
        }
    }
    return false;
}

void pw_runner_end(struct pw_runner *runner)
{
    for (uint32_t i = 0; i < runner->core_cnt; i++) {
        struct runner_core *core = &runner->cores[i];
        pw_core_settle(&core->core, pw_clock_now_ns(&core->core.clock));
        core_end(core);
    }
}
