/* SPDX-License-Identifier: MIT
 *
 * Strategy and execution on a thread each, with the smallest rings: the same as on one thread.
 */
#include "stage_trace.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct polled {
    struct rig *rig;
    const struct pw_stage_ops *ops;
    void *state;
    _Atomic int64_t *now_ns;
    _Atomic bool *stop;
};

static void *poll_on(void *argument)
{
    const struct polled *polled = argument;
    while (!atomic_load(polled->stop)) {
        if (!polled->ops->poll(polled->state, atomic_load(polled->now_ns)).work) {
            sched_yield();
        }
    }
    return NULL;
}

/* This thread is the market and the journal. */
static struct trace run_threads(const struct rig_options *options, const struct pw_event *events, size_t cnt)
{
    struct trace trace = {0};
    struct rig *rig = rig_open(options);
    cr_assert_eq(rig_start_strategy(rig), 0);
    cr_assert_eq(rig_start_execution(rig), 0);
    _Atomic int64_t now_ns = rig->now_ns;
    _Atomic bool stop = false;
    struct polled polled[2] = {{rig, &pw_strategy_stage, rig->strategy, &now_ns, &stop},
                               {rig, &pw_execution_stage, rig->execution, &now_ns, &stop}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, poll_on, &polled[i]), 0);
    }
    for (size_t at = 0; at < cnt;) {
        size_t put = trace_feed(rig, events + at, cnt - at, 16);
        at += put;
        /* After the events: no one sees a time before what happened in it. */
        atomic_store(&now_ns, rig->now_ns);
        trace_drain_journal(rig, &trace);
        if (!put) {
            sched_yield();
        }
    }
    /* Let them work until all rings have been empty for a while; what is left after it is done here. */
    const struct pw_ring *rings[] = {rig->market.ring, rig->stream.ring, rig->reports.ring,
                                     rig->journal.ring};
    for (int quiet = 0; quiet < 1000; quiet++) {
        for (int i = 0; i < 4; i++) {
            quiet = atomic_load(&rings[i]->head) == atomic_load(&rings[i]->tail) ? quiet : 0;
        }
        trace_drain_journal(rig, &trace);
        sched_yield();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    while (trace_is_pending(rig)) {
        rig_poll_strategy(rig);
        rig_poll_execution(rig);
        trace_drain_journal(rig, &trace);
    }
    trace_end(rig, &trace);
    return trace;
}

Test(threads, two_threads_give_the_same_as_one)
{
    struct pw_event *events = trace_random_walk(17);
    struct rig_options options = {.fast = "1", .slow = "2", .quantity = "0.5", .journal_slots = 65536};
    struct trace one = trace_run(&options, events, TRACE_WALK_CNT, 0);
    for (int i = 0; i < 3; i++) {
        struct trace two = run_threads(&options, events, TRACE_WALK_CNT);
        trace_expect_same(&one, &two);
        free(two.events);
    }
    free(one.events);
    free(events);
}
