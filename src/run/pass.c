/* SPDX-License-Identifier: MIT
 *
 * A pass, and the booking of its time.
 *
 * Measured on the machine that this was written on (a shared EPYC virtual machine): the host's clock takes 25
 * ns to read, the processor's time-stamp counter 10. So a pass reads the clock once and stages are timed by
 * the counter; each is given the pass's time, moved on by what the stages before it took. Ticks are turned
 * into nanoseconds about each millisecond, by the ratio of that very interval between two readings of both:
 * no calibration, and what is booked adds up to the interval exactly.
 */
#include "pass.h"

#include "runner.h"
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static uint64_t ticks_read(const struct pw_core *core)
{
#if defined(__x86_64__)
    if (!core->by_hand) {
        return __rdtsc();
    }
#endif
    return (uint64_t)pw_clock_now_ns(&core->clock);
}

void pw_core_start(struct pw_core *core, int64_t now_ns)
{
    core->started_ns = now_ns;
    core->account_ns = now_ns;
    core->started_ticks = core->account_ticks = ticks_read(core);
    core->account_due = false;
    core->moment_ns = now_ns;
    core->ns_per_tick_q32 = core->by_hand ? UINT64_C(1) << 32 : 0;
    core->housekeep_ns = now_ns; /* the first pass publishes what start has made */
}

/* 0 where the counter went backward: a thread that is not bound, on a host whose processors' counters
 * disagree. */
static uint64_t ticks_since(uint64_t mark, uint64_t ticks)
{
    return (int64_t)(ticks - mark) > 0 ? ticks - mark : 0;
}

static void longest_take(struct pw_core_stage *stage, uint64_t ticks)
{
    if (ticks > stage->longest_ticks) {
        stage->longest_ticks = ticks;
    }
}

static void poll_book(struct pw_core_stage *stage, struct pw_poll done, uint64_t ticks)
{
    stage->work_cnt += done.work;
    if (done.work > 0) {
        stage->busy_ticks += ticks;
    } else {
        stage->stalled_ticks += ticks;
    }
    longest_take(stage, ticks);
}

__extension__ typedef unsigned __int128 u128; /* local: only this product needs it */

/* What ratio an interval had. */
struct span {
    uint64_t ns, ticks;
};

/* At most `*left_ns`, which it takes from: what is booked never exceeds the interval. */
static uint64_t ticks_take_ns(uint64_t ticks, struct span span, uint64_t *left_ns)
{
    uint64_t ns = span.ticks == 0 ? 0 : (uint64_t)((u128)ticks * span.ns / span.ticks);
    ns = ns < *left_ns ? ns : *left_ns;
    *left_ns -= ns;
    return ns;
}

/* Turns the ticks booked since the last time into nanoseconds. now_ns and now_ticks are of one moment, and
 * everything booked lies before it. */
static void ticks_account(struct pw_core *core, int64_t now_ns, uint64_t now_ticks)
{
    struct span span = {(uint64_t)(now_ns - core->account_ns), ticks_since(core->account_ticks, now_ticks)};
    uint64_t left_ns = span.ns;
    for (uint32_t i = 0; i < core->stage_cnt; i++) {
        struct pw_core_stage *stage = &core->stages[i];
        uint64_t any_ns = span.ns;
        uint64_t longest_ns = ticks_take_ns(stage->longest_ticks, span, &any_ns);
        stage->busy_ns += ticks_take_ns(stage->busy_ticks, span, &left_ns);
        stage->stalled_ns += ticks_take_ns(stage->stalled_ticks, span, &left_ns);
        stage->longest_ns = longest_ns > stage->longest_ns ? longest_ns : stage->longest_ns;
        stage->busy_ticks = stage->stalled_ticks = stage->longest_ticks = 0;
    }
    core->account_ns = now_ns;
    core->account_ticks = now_ticks;
    /* The counter's pace since the start, not of this interval alone: a preemption between the two readings
     * spoils the pace of a millisecond, but not that of minutes. */
    uint64_t life_ticks = ticks_since(core->started_ticks, now_ticks);
    if (life_ticks > 0 && !core->by_hand) {
        core->ns_per_tick_q32 = (uint64_t)(((u128)(now_ns - core->started_ns) << 32) / life_ticks);
    }
}

/* The pass's time, moved on by ticks; never back behind what a stage was given before. */
static int64_t moment(struct pw_core *core, int64_t pass_ns, uint64_t ticks)
{
    int64_t now_ns = pass_ns + (int64_t)((u128)ticks * core->ns_per_tick_q32 >> 32);
    core->moment_ns = now_ns > core->moment_ns ? now_ns : core->moment_ns;
    return core->moment_ns;
}

/* The views' words: relaxed stores, one writer; a reader takes each figure by itself. */
static void views_publish(const struct pw_core *core, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->stage_cnt; i++) {
        const struct pw_core_stage *stage = &core->stages[i];
        struct pw_stage_view *view = stage->view;
        uint64_t life_ns = (uint64_t)(now_ns - core->started_ns);
        atomic_store_explicit(&view->heartbeat_ns, now_ns, memory_order_relaxed);
        atomic_store_explicit(&view->pass_cnt, core->pass_cnt, memory_order_relaxed);
        atomic_store_explicit(&view->work_cnt, stage->work_cnt, memory_order_relaxed);
        atomic_store_explicit(&view->busy_ns, stage->busy_ns, memory_order_relaxed);
        atomic_store_explicit(&view->stalled_ns, stage->stalled_ns, memory_order_relaxed);
        atomic_store_explicit(&view->idle_ns, life_ns - stage->busy_ns - stage->stalled_ns,
                              memory_order_relaxed);
        atomic_store_explicit(&view->longest_pass_ns, stage->longest_ns, memory_order_relaxed);
    }
}

static void stages_housekeep(struct pw_core *core, int64_t now_ns)
{
    uint64_t mark = ticks_read(core);
    for (uint32_t i = 0; i < core->stage_cnt; i++) {
        struct pw_core_stage *stage = &core->stages[i];
        if (stage->ops->housekeep != NULL) {
            stage->ops->housekeep(stage->state, now_ns);
            uint64_t ticks = ticks_read(core);
            stage->busy_ticks += ticks_since(mark, ticks);
            longest_take(stage, ticks_since(mark, ticks));
            mark = ticks;
        }
    }
}

struct pw_poll pw_core_pass(struct pw_core *core, int64_t now_ns)
{
    struct pw_poll sum = {0};
    uint64_t mark = ticks_read(core);
    /* The moved-on time may be some nanoseconds ahead of the clock: no stage ever sees time go back. */
    now_ns = now_ns > core->moment_ns ? now_ns : core->moment_ns;
    if (core->account_due) {
        core->account_due = false;
        ticks_account(core, now_ns, mark);
        views_publish(core, now_ns);
    }
    core->pass_cnt++;
    const uint64_t began = mark;
    int64_t stage_ns = moment(core, now_ns, 0);
    for (uint32_t i = 0; i < core->stage_cnt; i++) {
        struct pw_core_stage *stage = &core->stages[i];
        struct pw_poll done = stage->ops->poll(stage->state, stage_ns);
        if (done.work > 0 || done.stalled || done.failed) {
            uint64_t ticks = ticks_read(core);
            poll_book(stage, done, ticks_since(mark, ticks));
            mark = ticks;
            stage_ns = moment(core, now_ns, ticks_since(began, ticks));
            sum.work += done.work;
            sum.stalled |= done.stalled;
            if (done.failed) {
                core->failed_idx = i;
                sum.failed = true;
                return sum;
            }
        }
    }
    if (now_ns >= core->housekeep_ns) {
        /* From now, not from when it was due: a core that lags behind does not housekeep more for it. */
        core->housekeep_ns = now_ns + PW_HOUSEKEEP_NS;
        stages_housekeep(core, stage_ns);
        core->account_due = true;
    }
    return sum;
}

void pw_core_settle(struct pw_core *core, int64_t now_ns)
{
    now_ns = now_ns > core->moment_ns ? now_ns : core->moment_ns;
    stages_housekeep(core, now_ns);
    int64_t settled_ns = pw_clock_now_ns(&core->clock);
    settled_ns = settled_ns > now_ns ? settled_ns : now_ns;
    ticks_account(core, settled_ns, ticks_read(core));
    views_publish(core, settled_ns);
}

int64_t pw_core_next_ns(const struct pw_core *core)
{
    int64_t next_ns = INT64_MAX;
    for (uint32_t i = 0; i < core->stage_cnt; i++) {
        const struct pw_core_stage *stage = &core->stages[i];
        int64_t stage_ns = stage->ops->next_ns != NULL ? stage->ops->next_ns(stage->state) : INT64_MAX;
        next_ns = stage_ns < next_ns ? stage_ns : next_ns;
    }
    return next_ns;
}

uint32_t pw_core_pending(const struct pw_core *core)
{
    uint32_t pending = 0;
    for (uint32_t i = 0; i < core->stage_cnt; i++) {
        const struct pw_core_stage *stage = &core->stages[i];
        if (stage->ops->pending != NULL && stage->ops->pending(stage->state)) {
            pending |= 1u << i;
        }
    }
    return pending;
}
