/* SPDX-License-Identifier: MIT
 *
 * Runs of both stages, by dice or one pass after the other.
 */
#include "stage_trace.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

static void trace_add(struct trace *trace, struct pw_event event)
{
    if (event.kind == PW_EVENT_CONSUMED) {
        trace->consumed_cnt++;
        return;
    }
    if (event.kind == PW_EVENT_STAMPS) {
        return; /* the clock's: no two runs have the same */
    }
    if (event.kind == PW_EVENT_SIGNAL || event.kind == PW_EVENT_INTENT || event.kind == PW_EVENT_TIME) {
        event.seq = 0;
    }
    if (trace->cnt == trace->room) {
        trace->room = trace->room ? trace->room * 2 : 1024;
        trace->events = realloc(trace->events, trace->room * sizeof *trace->events);
    }
    trace->events[trace->cnt++] = event;
}

void trace_drain_journal(struct rig *rig, struct trace *trace)
{
    struct pw_event event;
    while (rig_take(&rig->journal, &event)) {
        trace_add(trace, event);
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

size_t trace_feed(struct rig *rig, const struct pw_event *events, size_t cnt, size_t most)
{
    size_t put = 0;
    while (put < cnt && put < most && rig_put_market(rig, &rig->market, events[put])) {
        put++;
    }
    return put;
}

bool trace_is_pending(struct rig *rig)
{
    return pw_strategy_stage.pending(rig->strategy) || pw_execution_stage.pending(rig->execution);
}

/* seed 0: one core's pass over and over; else whoever the dice say. Fails when nothing moves any more. */
static void run_all(struct rig *rig, const struct pw_event *events, size_t cnt, uint64_t seed,
                    struct trace *trace)
{
    size_t at = 0;
    int idle = 0;
    bool dice = seed != 0;
    for (uint64_t step = 0; at < cnt || trace_is_pending(rig); step++) {
        uint64_t choice = dice ? next_random(&seed) : 0;
        size_t put = 0;
        uint32_t work = 0;
        if (!dice || choice % 3 == 0) {
            put = trace_feed(rig, events + at, cnt - at, 1 + choice / 3 % 40);
            at += put;
        }
        if (!dice || choice % 3 == 1) {
            work += rig_poll_strategy(rig).work;
        }
        if (!dice || choice % 3 == 2) {
            work += rig_poll_execution(rig).work;
        }
        if (!dice || step % 4 == 0) {
            trace_drain_journal(rig, trace);
        }
        if (at == cnt && !work && !dice) {
            rig->now_ns += 20 * MS; /* nothing is left but orders on their way */
        }
        idle = put || work ? 0 : idle + 1;
        cr_assert_lt(idle, 2000, "nothing moves: %zu of %zu fed", at, cnt);
    }
    trace_drain_journal(rig, trace);
}

/* Lets time pass, in the same steps whatever the schedule was, until no order is on its way. */
static void let_time_pass(struct rig *rig, struct trace *trace)
{
    for (int i = 0; i < 20; i++) {
        rig->now_ns += 20 * MS;
        rig_poll_strategy(rig);
        rig_poll_execution(rig);
        rig_poll_strategy(rig);
        trace_drain_journal(rig, trace);
    }
}

void trace_end(struct rig *rig, struct trace *trace)
{
    let_time_pass(rig, trace);
    pw_strategy_stage.fini(rig->strategy);
    pw_execution_stage.fini(rig->execution);
    trace->account = rig_account(rig);
    trace->position = rig_position(rig, 0);
    cr_expect_eq(rig_metric(rig, "execution", "reports_inconsistent"), 0);
    cr_expect_eq(rig_metric(rig, "strategy", "reports"), trace->consumed_cnt);
    rig_close(rig);
}

struct trace trace_run(const struct rig_options *options, const struct pw_event *events, size_t cnt,
                       uint64_t seed)
{
    struct trace trace = {0};
    struct rig *rig = rig_open(options);
    cr_assert_eq(rig_start_strategy(rig), 0);
    cr_assert_eq(rig_start_execution(rig), 0);
    run_all(rig, events, cnt, seed, &trace);
    trace_end(rig, &trace);
    return trace;
}

void trace_expect_same(const struct trace *a, const struct trace *b)
{
    cr_assert_eq(a->cnt, b->cnt);
    for (size_t i = 0; i < a->cnt; i++) {
        cr_assert_eq(memcmp(&a->events[i], &b->events[i], sizeof a->events[i]), 0, "event %zu of %zu", i,
                     a->cnt);
    }
    cr_expect_eq(memcmp(&a->account, &b->account, sizeof a->account), 0);
    cr_expect_eq(memcmp(&a->position, &b->position, sizeof a->position), 0);
}

/* Every second event a trade, every second a quote round it; a microsecond apart. */
struct pw_event *trace_random_walk(uint64_t seed)
{
    struct pw_event *events = malloc(TRACE_WALK_CNT * sizeof *events);
    int64_t price = 1000 * PW_E8;
    events[0] = rig_feed(PW_FEED_UP, 1000000);
    for (int i = 1; i < TRACE_WALK_CNT; i++) {
        int64_t recv_ns = 1000000 + i * 1000;
        price += (int64_t)(next_random(&seed) % 200001) - 100000;
        events[i] = i % 2 ? rig_quote(price - 1000, price + 1000, recv_ns) : rig_trade(price, recv_ns);
    }
    return events;
}
