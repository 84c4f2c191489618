/* SPDX-License-Identifier: MIT
 *
 * Both stages on their rings, polled in different orders: what happens must not depend on who is polled when,
 * nor on the rings' sizes; and over a recording it must be what an independent program computed.
 */
#include "capture.h"
#include "money.h"
#include "stage_trace.h"
#include "strategies_config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

/* Runs it with big rings in one core's pass, then in other orders with the smallest rings: all must be the
 * same. */
static struct trace run_all_ways(struct rig_options options, const struct pw_event *events, size_t cnt)
{
    options.market_slots = options.stream_slots = options.report_slots = 4096;
    options.journal_slots = 65536;
    struct trace first = trace_run(&options, events, cnt, 0);
    options.market_slots = options.stream_slots = options.report_slots = PW_RING_SLOTS_MIN;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct trace other = trace_run(&options, events, cnt, seed * UINT64_C(0x9e3779b97f4a7c15));
        trace_expect_same(&first, &other);
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
    struct pw_event *events = trace_random_walk(7);
    struct rig_options options = {.fast = "1", .slow = "2", .quantity = "0.5"};
    struct trace trace = run_all_ways(options, events, TRACE_WALK_CNT);
    cr_expect_gt(count(&trace, PW_EVENT_FILL), TRACE_WALK_CNT / 8);
    free(trace.events);
    free(events);
}

Test(pipeline, latency_is_the_streams_own_time)
{
    struct pw_event *events = trace_random_walk(11);
    struct rig_options options = {
        .fast = "2", .slow = "5", .quantity = "0.5", .latency_ns = 1500, .allow_short = true};
    struct trace trace = run_all_ways(options, events, TRACE_WALK_CNT);
    cr_expect_gt(count(&trace, PW_EVENT_FILL), TRACE_WALK_CNT / 16);
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
    struct trace trace = trace_run(&options, events, 5, 0);
    /* Signal, intent, what risk saw, order in flight; then a TIME that causes the fill. */
    cr_assert_eq(trace.cnt, 9);
    cr_expect_eq(trace.events[5].body.order.state, PW_ORDER_IN_FLIGHT);
    cr_expect_eq(trace.events[6].kind, PW_EVENT_TIME);
    cr_expect_geq(trace.events[6].recv_ns, 5000 + 15 * MS);
    cr_expect_eq(trace.events[7].body.order.state, PW_ORDER_FILLED);
    cr_expect_eq(trace.events[7].recv_ns, trace.events[6].recv_ns);
    cr_expect_eq(trace.events[8].body.fill.price_e8, 101);
    free(trace.events);
}

static void expect_fit(uint32_t strategy_cnt, uint32_t slots)
{
    struct pw_event *events = trace_random_walk(13);
    struct rig_options options = {.fast = "1",
                                  .slow = "2",
                                  .quantity = "0.1",
                                  .strategy_cnt = strategy_cnt,
                                  .cash_e8 = 1000000 * PW_E8, /* enough for all of their fees */
                                  .market_slots = slots,
                                  .stream_slots = slots,
                                  .report_slots = slots,
                                  .journal_slots = 65536};
    struct trace one = trace_run(&options, events, TRACE_WALK_CNT, 0);
    struct trace two = trace_run(&options, events, TRACE_WALK_CNT, 99);
    trace_expect_same(&one, &two);
    cr_expect_gt(count(&one, PW_EVENT_FILL), TRACE_WALK_CNT);
    free(one.events);
    free(two.events);
    free(events);
}

Test(pipeline, eight_strategies_fit_rings_of_512)
{
    expect_fit(8, 512);
}

Test(pipeline, as_many_strategies_as_the_config_takes_fit_rings_of_2048)
{
    expect_fit(PW_STRATEGIES_MAX, 2048);
}
