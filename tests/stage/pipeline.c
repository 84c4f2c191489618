/* SPDX-License-Identifier: MIT
 *
 * Both stages on their rings, polled in different orders: what happens must not depend on who is polled when,
 * nor on the rings' sizes; and over a recording it must be what an independent program computed.
 */
#include "capture.h"
#include "money.h"
#include "rig.h"

#include <criterion/criterion.h>
#include <pinwheel/strategy.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

/* What came out of the journal's ring, but for CONSUMED events: when a report is consumed depends on who is
 * polled when, and shall. For the same reason the numbers of events made by strategy, which counts those too,
 * are blanked. */
struct trace {
    struct pw_event *events;
    size_t cnt, room;
    uint64_t consumed_cnt;
    struct pw_account account;
    struct pw_position position;
};

static void trace_add(struct trace *trace, struct pw_event event)
{
    if (event.kind == PW_EVENT_CONSUMED) {
        trace->consumed_cnt++;
        return;
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

static void drain_journal(struct rig *rig, struct trace *trace)
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

static size_t feed_some(struct rig *rig, const struct pw_event *events, size_t cnt, size_t most)
{
    size_t put = 0;
    while (put < cnt && put < most && rig_put_market(rig, &rig->market, events[put])) {
        put++;
    }
    return put;
}

static bool is_pending(struct rig *rig)
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
    for (uint64_t step = 0; at < cnt || is_pending(rig); step++) {
        uint64_t choice = dice ? next_random(&seed) : 0;
        size_t put = 0;
        uint32_t work = 0;
        if (!dice || choice % 3 == 0) {
            put = feed_some(rig, events + at, cnt - at, 1 + choice / 3 % 40);
            at += put;
        }
        if (!dice || choice % 3 == 1) {
            work += rig_poll_strategy(rig).work;
        }
        if (!dice || choice % 3 == 2) {
            work += rig_poll_execution(rig).work;
        }
        if (!dice || step % 4 == 0) {
            drain_journal(rig, trace);
        }
        if (at == cnt && !work && !dice) {
            rig->now_ns += 20 * MS; /* nothing is left but orders on their way */
        }
        idle = put || work ? 0 : idle + 1;
        cr_assert_lt(idle, 2000, "nothing moves: %zu of %zu fed", at, cnt);
    }
    drain_journal(rig, trace);
}

/* Lets time pass, in the same steps whatever the schedule was, until no order is on its way. */
static void let_time_pass(struct rig *rig, struct trace *trace)
{
    for (int i = 0; i < 20; i++) {
        rig->now_ns += 20 * MS;
        rig_poll_strategy(rig);
        rig_poll_execution(rig);
        rig_poll_strategy(rig);
        drain_journal(rig, trace);
    }
}

static struct trace run(const struct rig_options *options, const struct pw_event *events, size_t cnt,
                        uint64_t seed)
{
    struct trace trace = {0};
    struct rig *rig = rig_open(options);
    cr_assert_eq(rig_start_strategy(rig), 0);
    cr_assert_eq(rig_start_execution(rig), 0);
    run_all(rig, events, cnt, seed, &trace);
    let_time_pass(rig, &trace);
    pw_strategy_stage.fini(rig->strategy);
    pw_execution_stage.fini(rig->execution);
    trace.account = rig_account(rig);
    trace.position = rig_position(rig, 0);
    cr_expect_eq(rig_metric(rig, "execution", "reports_refused"), 0);
    cr_expect_eq(rig_metric(rig, "strategy", "reports"), trace.consumed_cnt);
    rig_close(rig);
    return trace;
}

static void expect_same(const struct trace *a, const struct trace *b)
{
    cr_assert_eq(a->cnt, b->cnt);
    for (size_t i = 0; i < a->cnt; i++) {
        cr_assert_eq(memcmp(&a->events[i], &b->events[i], sizeof a->events[i]), 0, "event %zu of %zu", i,
                     a->cnt);
    }
    cr_expect_eq(memcmp(&a->account, &b->account, sizeof a->account), 0);
    cr_expect_eq(memcmp(&a->position, &b->position, sizeof a->position), 0);
}

/* Runs it with big rings in one core's pass, then in other orders with the smallest rings: all must be the
 * same. */
static struct trace run_all_ways(struct rig_options options, const struct pw_event *events, size_t cnt)
{
    options.market_slots = options.stream_slots = options.report_slots = 4096;
    options.journal_slots = 65536;
    struct trace first = run(&options, events, cnt, 0);
    options.market_slots = options.stream_slots = options.report_slots = PW_RING_SLOTS_MIN;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct trace other = run(&options, events, cnt, seed * UINT64_C(0x9e3779b97f4a7c15));
        expect_same(&first, &other);
        free(other.events);
    }
    return first;
}

/* ---- the reference ---- */

static pw_i128 fill_check(const json_t *row, const struct pw_event *order, const struct pw_event *fill,
                          pw_i128 cash)
{
    bool sell = fill->flags & PW_FLAG_SELL;
    pw_i128 fee = pw_fill_fee_e16(&fill->body.fill);
    pw_i128 notional = pw_money_notional_e16(fill->body.fill.price_e8, fill->body.fill.qty_e8);
    cr_expect_eq(order->kind, PW_EVENT_ORDER);
    cr_expect_eq(order->body.order.state, PW_ORDER_FILLED);
    cr_expect_eq(order->body.order.client_order_id, fill->body.fill.client_order_id);
    cr_expect_str_eq(sell ? "SELL" : "BUY", json_string_value(json_object_get(row, "side")));
    cr_expect_eq(fill->recv_ns, json_integer_value(json_object_get(row, "local_ns")));
    cr_expect_eq(fill->body.fill.price_e8, e8_of(json_object_get(row, "price")));
    cr_expect_eq(fill->body.fill.qty_e8, e8_of(json_object_get(row, "qty")));
    cr_expect(fee == e16_of(json_object_get(row, "fee")));
    cash += (sell ? notional : -notional) - fee;
    cr_expect(cash == e16_of(json_object_get(row, "cash_after")));
    return cash;
}

static void check_reference(const struct trace *trace, const json_t *expected)
{
    const json_t *fills = json_object_get(expected, "fills");
    pw_i128 cash = e16_of(json_object_get(json_object_get(expected, "parameters"), "start_cash"));
    size_t fill_cnt = 0, signal_cnt = 0;
    for (size_t i = 0; i < trace->cnt; i++) {
        signal_cnt += trace->events[i].kind == PW_EVENT_SIGNAL;
        if (trace->events[i].kind == PW_EVENT_FILL) {
            cash =
                fill_check(json_array_get(fills, fill_cnt++), &trace->events[i - 1], &trace->events[i], cash);
        }
    }
    cr_expect_eq(fill_cnt, json_array_size(fills));
    cr_expect_eq(signal_cnt, json_integer_value(json_object_get(expected, "crosses_up")) +
                                 json_integer_value(json_object_get(expected, "crosses_down")));
    cr_expect(cash == e16_of(json_object_get(expected, "final_cash")));
    cr_expect(pw_money_of_words(trace->account.cash_e16) == cash);
    cr_expect(pw_money_of_words(trace->account.equity_e16) ==
              e16_of(json_object_get(expected, "final_equity_at_last_bid")));
    cr_expect_eq(trace->account.fill_cnt, fill_cnt);
    cr_expect_eq(trace->account.denied_cnt, 0);
    cr_expect(pw_money_of_words(trace->position.realized_e16) ==
              e16_of(json_object_get(expected, "realized_pnl")));
    cr_expect(pw_money_of_words(trace->position.fees_e16) == e16_of(json_object_get(expected, "total_fees")));
    cr_expect_eq(trace->position.qty_e8, e8_of(json_object_get(expected, "final_position")));
}

/* The recording behind the word that the feed is up. */
static struct pw_event *with_feed_up(const struct capture *capture)
{
    struct pw_event *events = malloc((capture->cnt + 1) * sizeof *events);
    events[0] = rig_feed(PW_FEED_UP, capture->events[0].recv_ns);
    memcpy(events + 1, capture->events, capture->cnt * sizeof *events);
    return events;
}

static void check(const char *recording, const char *expected_name, const char *fast, const char *slow)
{
    if (!shared_data()) {
        cr_skip_test();
    }
    struct capture capture = {0};
    cr_assert(capture_add(&capture, recording));
    json_t *expected = expected_load(expected_name);
    cr_assert(expected);
    struct pw_event *events = with_feed_up(&capture);
    struct rig_options options = {.fast = fast, .slow = slow, .quantity = "0.01"};
    struct trace trace = run_all_ways(options, events, capture.cnt + 1);
    check_reference(&trace, expected);
    free(trace.events);
    free(events);
    json_decref(expected);
    capture_free(&capture);
}

Test(pipeline, the_first_lines_give_their_six_fills_in_every_order_of_polls)
{
    check("unit/spot_btcusdt_2000.txt", "paper_ma_unit_spot_btcusdt_2000.json", "5", "20");
}

Test(pipeline, the_recording_gives_its_fifty_two_fills_in_every_order_of_polls)
{
    check("captures/binance/spot_btcusdt_20240809.gz", "paper_ma_spot_btcusdt_20240809.json", "50", "200");
}

/* ---- a market that makes the strategy trade all the time ---- */

enum { WALK_CNT = 20000 };

/* Every second event a trade, every second a quote round it; a microsecond apart. */
static struct pw_event *random_walk(uint64_t seed)
{
    struct pw_event *events = malloc(WALK_CNT * sizeof *events);
    int64_t price = 1000 * PW_E8;
    events[0] = rig_feed(PW_FEED_UP, 1000000);
    for (int i = 1; i < WALK_CNT; i++) {
        int64_t recv_ns = 1000000 + i * 1000;
        price += (int64_t)(next_random(&seed) % 200001) - 100000;
        events[i] = i % 2 ? rig_quote(price - 1000, price + 1000, recv_ns) : rig_trade(price, recv_ns);
    }
    return events;
}

static size_t count(const struct trace *trace, uint8_t kind)
{
    size_t cnt = 0;
    for (size_t i = 0; i < trace->cnt; i++) {
        cnt += trace->events[i].kind == kind;
    }
    return cnt;
}

Test(pipeline, a_busy_strategy_on_the_smallest_rings_neither_stops_nor_differs)
{
    struct pw_event *events = random_walk(7);
    struct rig_options options = {.fast = "1", .slow = "2", .quantity = "0.5"};
    struct trace trace = run_all_ways(options, events, WALK_CNT);
    cr_expect_gt(count(&trace, PW_EVENT_FILL), WALK_CNT / 8);
    free(trace.events);
    free(events);
}

Test(pipeline, latency_is_the_streams_own_time)
{
    struct pw_event *events = random_walk(11);
    struct rig_options options = {
        .fast = "2", .slow = "5", .quantity = "0.5", .latency_ns = 1500, .allow_short = true};
    struct trace trace = run_all_ways(options, events, WALK_CNT);
    cr_expect_gt(count(&trace, PW_EVENT_FILL), WALK_CNT / 16);
    size_t fills = 0;
    for (size_t i = 0; i < trace.cnt; i++) {
        if (trace.events[i].kind == PW_EVENT_FILL) {
            cr_expect_eq(trace.events[i].recv_ns % 1000, 0);
            fills++;
        }
    }
    cr_expect_eq(trace.account.fill_cnt, fills);
    free(trace.events);
    free(events);
}

Test(pipeline, an_order_on_its_way_at_the_end_arrives_by_time_alone)
{
    struct pw_event events[] = {
        rig_feed(PW_FEED_UP, 1000), rig_quote(99, 101, 2000), rig_trade(100, 3000),
        rig_trade(99, 4000),        rig_trade(103, 5000),
    };
    struct rig_options options = {.fast = "1", .slow = "2", .quantity = "1", .latency_ns = 15 * MS};
    struct trace trace = run(&options, events, 5, 0);
    /* Signal, intent, order in flight; then a TIME that causes the fill. */
    cr_assert_eq(trace.cnt, 6);
    cr_expect_eq(trace.events[2].body.order.state, PW_ORDER_IN_FLIGHT);
    cr_expect_eq(trace.events[3].kind, PW_EVENT_TIME);
    cr_expect_geq(trace.events[3].recv_ns, 5000 + 15 * MS);
    cr_expect_eq(trace.events[4].body.order.state, PW_ORDER_FILLED);
    cr_expect_eq(trace.events[4].recv_ns, trace.events[3].recv_ns);
    cr_expect_eq(trace.events[5].body.fill.price_e8, 101);
    free(trace.events);
}

Test(pipeline, eight_strategies_fit_rings_of_512)
{
    struct pw_event *events = random_walk(13);
    struct rig_options options = {.fast = "1",
                                  .slow = "2",
                                  .quantity = "0.1",
                                  .strategy_cnt = PW_STRATEGIES_MAX,
                                  .market_slots = 512,
                                  .stream_slots = 512,
                                  .report_slots = 512,
                                  .journal_slots = 65536};
    struct trace one = run(&options, events, WALK_CNT, 0);
    struct trace two = run(&options, events, WALK_CNT, 99);
    expect_same(&one, &two);
    cr_expect_gt(count(&one, PW_EVENT_FILL), WALK_CNT);
    free(one.events);
    free(two.events);
    free(events);
}
