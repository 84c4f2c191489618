/* SPDX-License-Identifier: MIT
 *
 * The paper gateway: when an order is filled, at which price, and that nothing but the stream's time decides
 * it.
 */
#include "paper.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define E8  PW_E8
#define E16 ((pw_i128)E8 * E8)

static const struct pw_instrument instruments[3] = {{.feed_idx = 0}, {.feed_idx = 0}, {.feed_idx = 1}};

struct venue {
    void *state;
    struct pw_reports out;
    uint64_t id;
};

static struct venue open_venue(int64_t latency_ns)
{
    struct venue v = {
        .state = aligned_alloc(64, pw_paper_gateway.bytes(&(struct pw_gateway_config){.instrument_cnt = 3}))};
    memset(v.state, 0, pw_paper_gateway.bytes(&(struct pw_gateway_config){.instrument_cnt = 3}));
    struct pw_gateway_config config = {
        .latency_ns = latency_ns, .fee_rate_e8 = 100000, .instruments = instruments, .instrument_cnt = 3};
    cr_assert_eq(pw_paper_gateway.init(v.state, &config), 0);
    return v;
}

static void tell(struct venue *v, struct pw_event event)
{
    v->out.cnt = 0;
    pw_paper_gateway.on_market(v->state, &event, &v->out);
}

static void quote_of(struct venue *v, uint16_t instrument_idx, int64_t now_ns, int64_t bid, int64_t ask)
{
    tell(v, (struct pw_event){.kind = PW_EVENT_QUOTE,
                              .instrument_idx = instrument_idx,
                              .recv_ns = now_ns,
                              .body.quote = {bid * E8, 1, ask * E8, 1, 1}});
}

static void quote(struct venue *v, int64_t now_ns, int64_t bid, int64_t ask)
{
    quote_of(v, 0, now_ns, bid, ask);
}

static void pass_time(struct venue *v, int64_t now_ns)
{
    tell(v, (struct pw_event){.kind = PW_EVENT_TIME, .instrument_idx = PW_NO_INSTRUMENT, .recv_ns = now_ns});
}

static void place(struct venue *v, struct pw_gateway_order order)
{
    v->out.cnt = 0;
    order.client_order_id = ++v->id;
    order.qty_e8 = order.qty_e8 ? order.qty_e8 : E8;
    pw_paper_gateway.place(v->state, &order, &v->out);
}

static struct pw_gateway_order market(enum pw_side side, int64_t now_ns)
{
    return (struct pw_gateway_order){.side = side, .type = PW_MARKET, .tif = PW_IOC, .recv_ns = now_ns};
}

static struct pw_gateway_order limit(enum pw_side side, int64_t price, enum pw_tif tif, int64_t now_ns)
{
    return (struct pw_gateway_order){
        .side = side, .type = PW_LIMIT, .tif = tif, .price_e8 = price * E8, .recv_ns = now_ns};
}

static void cancel(struct venue *v, uint64_t id, int64_t now_ns)
{
    v->out.cnt = 0;
    pw_paper_gateway.cancel(v->state, id, now_ns, &v->out);
}

static void expect_silence(const struct venue *v)
{
    cr_expect_eq(v->out.cnt, 0);
}

static void expect_fill(const struct venue *v, uint32_t i, int64_t price, bool maker)
{
    cr_assert_gt(v->out.cnt, i);
    const struct pw_report *row = &v->out.rows[i];
    cr_expect_eq(row->exec_type, PW_EXEC_FILL);
    cr_expect_eq(row->fill_price_e8, price * E8);
    cr_expect_eq(row->fill_qty_e8, E8);
    cr_expect(row->fee_e16 == price * E16 / 1000);
    cr_expect_eq(row->maker, maker);
}

static void expect_exec_type(const struct venue *v, uint32_t i, enum pw_exec_type exec_type,
                             enum pw_reason reason)
{
    cr_assert_gt(v->out.cnt, i);
    cr_expect_eq(v->out.rows[i].exec_type, exec_type);
    cr_expect_eq(v->out.rows[i].reason, reason);
    cr_expect_eq(v->out.rows[i].fill_qty_e8, 0);
}

static uint32_t open_cnt(const struct venue *v)
{
    return pw_paper_gateway.open_cnt(v->state);
}

/* ---- no latency ---- */

Test(paper, a_market_order_takes_the_opposite_quote_at_once)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, market(PW_BUY, 2));
    cr_expect_eq(v.out.cnt, 1);
    expect_fill(&v, 0, 101, false);
    cr_expect_eq(v.out.rows[0].recv_ns, 2);
    place(&v, market(PW_SELL, 3));
    expect_fill(&v, 0, 99, false);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, without_a_quote_a_market_order_is_rejected)
{
    struct venue v = open_venue(0);
    place(&v, market(PW_BUY, 2));
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_NO_QUOTE);
    quote(&v, 3, 99, 0);
    place(&v, market(PW_BUY, 4));
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_NO_QUOTE);
    place(&v, market(PW_SELL, 4));
    expect_fill(&v, 0, 99, false);
    free(v.state);
}

Test(paper, a_feed_that_is_not_up_has_no_quotes)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    tell(&v, (struct pw_event){.kind = PW_EVENT_FEED_STATE,
                               .body.state = {.state = PW_FEED_DOWN, .feed_idx = 1}});
    place(&v, market(PW_BUY, 2));
    expect_fill(&v, 0, 101, false);
    tell(&v, (struct pw_event){.kind = PW_EVENT_FEED_STATE, .body.state = {.state = PW_FEED_STALE}});
    place(&v, market(PW_BUY, 3));
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_NO_QUOTE);
    tell(&v, (struct pw_event){.kind = PW_EVENT_FEED_STATE, .body.state = {.state = PW_FEED_UP}});
    place(&v, market(PW_BUY, 4));
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_NO_QUOTE);
    quote(&v, 5, 99, 102);
    place(&v, market(PW_BUY, 6));
    expect_fill(&v, 0, 102, false);
    free(v.state);
}

Test(paper, a_limit_order_that_the_quote_satisfies_fills_at_the_quote)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 105, PW_GTC, 2));
    expect_fill(&v, 0, 101, false);
    place(&v, limit(PW_SELL, 99, PW_FOK, 2));
    expect_fill(&v, 0, 99, false);
    free(v.state);
}

Test(paper, an_immediate_order_that_cannot_fill_is_canceled)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 100, PW_IOC, 2));
    expect_exec_type(&v, 0, PW_EXEC_CANCELED, PW_REASON_NONE);
    place(&v, limit(PW_SELL, 100, PW_FOK, 2));
    expect_exec_type(&v, 0, PW_EXEC_CANCELED, PW_REASON_NONE);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, a_resting_order_fills_at_its_price_when_a_quote_reaches_it)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 100, PW_GTC, 2));
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    cr_expect_eq(open_cnt(&v), 1);
    quote_of(&v, 1, 3, 50, 51);
    expect_silence(&v);
    tell(&v, (struct pw_event){.kind = PW_EVENT_TRADE, .recv_ns = 4, .body.trade = {.price_e8 = 90 * E8}});
    expect_silence(&v);
    quote(&v, 5, 98, 99);
    cr_expect_eq(v.out.cnt, 1);
    expect_fill(&v, 0, 100, true);
    cr_expect_eq(v.out.rows[0].recv_ns, 5);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, a_resting_sell_fills_when_the_bid_touches_it)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_SELL, 100, PW_GTC, 2));
    quote(&v, 3, 100, 101);
    expect_fill(&v, 0, 100, true);
    free(v.state);
}

Test(paper, a_canceled_order_does_not_fill)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 100, PW_GTC, 2));
    cancel(&v, v.id, 3);
    cr_expect_eq(v.out.cnt, 1);
    expect_exec_type(&v, 0, PW_EXEC_CANCELED, PW_REASON_NONE);
    cancel(&v, v.id, 3);
    expect_silence(&v);
    quote(&v, 4, 90, 91);
    expect_silence(&v);
    free(v.state);
}

/* ---- latency ---- */

Test(paper, an_order_meets_the_quote_in_force_before_the_first_late_enough_event)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, market(PW_BUY, 5));
    expect_silence(&v);
    cr_expect_eq(open_cnt(&v), 1);
    quote(&v, 14, 99, 103); /* one nanosecond early */
    expect_silence(&v);
    quote(&v, 15, 99, 107);
    cr_expect_eq(v.out.cnt, 1);
    expect_fill(&v, 0, 103, false);
    cr_expect_eq(v.out.rows[0].recv_ns, 15);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, time_alone_lets_an_order_arrive)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, market(PW_SELL, 5));
    pass_time(&v, 14);
    expect_silence(&v);
    pass_time(&v, 100);
    expect_fill(&v, 0, 99, false);
    free(v.state);
}

Test(paper, orders_arrive_in_the_order_of_their_placing)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, market(PW_SELL, 5));
    place(&v, limit(PW_BUY, 50, PW_GTC, 6));
    place(&v, market(PW_BUY, 7));
    pass_time(&v, 100);
    cr_assert_eq(v.out.cnt, 3);
    cr_expect_eq(v.out.rows[0].client_order_id, 1);
    cr_expect_eq(v.out.rows[1].client_order_id, 2);
    expect_exec_type(&v, 1, PW_EXEC_ACK, PW_REASON_NONE);
    cr_expect_eq(v.out.rows[2].client_order_id, 3);
    free(v.state);
}

Test(paper, an_order_may_arrive_and_be_reached_by_one_event)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 100, PW_GTC, 5));
    quote(&v, 20, 97, 98);
    cr_expect_eq(v.out.cnt, 2);
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    expect_fill(&v, 1, 100, true);
    free(v.state);
}

Test(paper, a_cancellation_takes_the_latency_too)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 100, PW_GTC, 2));
    pass_time(&v, 12);
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    cancel(&v, v.id, 20);
    expect_silence(&v);
    cancel(&v, v.id, 25); /* again: the first one counts */
    pass_time(&v, 29);
    expect_silence(&v);
    quote(&v, 30, 90, 91); /* would reach it, but the cancellation was there first */
    cr_expect_eq(v.out.cnt, 1);
    expect_exec_type(&v, 0, PW_EXEC_CANCELED, PW_REASON_NONE);
    free(v.state);
}

Test(paper, a_fill_before_the_cancellation_arrives_stands)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 100, PW_GTC, 2));
    pass_time(&v, 12);
    cancel(&v, v.id, 20);
    quote(&v, 29, 90, 91);
    expect_fill(&v, 0, 100, true);
    pass_time(&v, 40);
    expect_silence(&v);
    free(v.state);
}

Test(paper, a_market_order_on_its_way_is_not_caught_by_its_cancellation)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, market(PW_BUY, 5));
    cancel(&v, v.id, 5);
    pass_time(&v, 1000);
    cr_expect_eq(v.out.cnt, 1);
    expect_fill(&v, 0, 101, false);
    free(v.state);
}

Test(paper, a_latency_beyond_all_time_never_arrives)
{
    struct venue v = open_venue(INT64_MAX);
    quote(&v, 1, 99, 101);
    place(&v, market(PW_BUY, 5));
    pass_time(&v, INT64_MAX - 1);
    expect_silence(&v);
    free(v.state);
}

/* ---- post-only, stops ---- */

static void trade(struct venue *v, int64_t now_ns, int64_t price)
{
    tell(v,
         (struct pw_event){.kind = PW_EVENT_TRADE, .recv_ns = now_ns, .body.trade = {price * E8, E8, 1, 1}});
}

static struct pw_gateway_order stop(enum pw_order_type type, enum pw_side side, int64_t stop_price,
                                    int64_t price, int64_t now_ns)
{
    return (struct pw_gateway_order){.side = (uint8_t)side,
                                     .type = (uint8_t)type,
                                     .price_e8 = price * E8,
                                     .stop_price_e8 = stop_price * E8,
                                     .recv_ns = now_ns};
}

Test(paper, a_post_only_order_never_takes)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    struct pw_gateway_order order = limit(PW_BUY, 101, PW_GTC, 2);
    order.type = PW_LIMIT_MAKER;
    place(&v, order);
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_VENUE_WOULD_TAKE);
    cr_expect_eq(open_cnt(&v), 0);
    order.price_e8 = 100 * E8;
    place(&v, order);
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    quote(&v, 3, 99, 100);
    expect_fill(&v, 0, 100, true);
    free(v.state);
}

/* Each kind of stop on each side: what triggers it already, what leaves it waiting, what triggers it then. */
Test(paper, a_stop_waits_for_a_trade_at_its_price_or_beyond)
{
    static const struct {
        enum pw_order_type type;
        enum pw_side side;
        int64_t passed, short_of, at; /* stop price 100 */
    } rows[] = {
        {PW_STOP_LOSS, PW_SELL, 99, 101, 100},
        {PW_STOP_LOSS, PW_BUY, 101, 99, 100},
        {PW_TAKE_PROFIT, PW_SELL, 101, 99, 100},
        {PW_TAKE_PROFIT, PW_BUY, 99, 101, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct venue v = open_venue(0);
        quote(&v, 1, 90, 110);
        trade(&v, 2, rows[i].passed);
        place(&v, stop(rows[i].type, rows[i].side, 100, 0, 3));
        expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_VENUE_WOULD_TRIGGER);
        trade(&v, 4, rows[i].short_of);
        place(&v, stop(rows[i].type, rows[i].side, 100, 0, 5));
        expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
        quote(&v, 6, 1, 2);
        quote(&v, 6, 400, 500);
        quote(&v, 6, 90, 110);
        expect_silence(&v); /* quotes do not trigger it */
        trade(&v, 7, rows[i].short_of);
        expect_silence(&v);
        trade(&v, 8, rows[i].at);
        expect_fill(&v, 0, rows[i].side == PW_BUY ? 110 : 90, false);
        cr_expect_eq(open_cnt(&v), 0, "row %zu", i);
        free(v.state);
    }
}

Test(paper, a_triggered_stop_is_the_limit_order_behind_it)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, stop(PW_STOP_LOSS_LIMIT, PW_SELL, 98, 97, 2)); /* no trade yet: it waits */
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    place(&v, stop(PW_STOP_LOSS_LIMIT, PW_SELL, 98, 100, 2));
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    tell(&v, (struct pw_event){
                 .kind = PW_EVENT_AGG_TRADE, .recv_ns = 3, .body.agg_trade = {98 * E8, E8, 1, 1, 1, 0}});
    cr_expect_eq(v.out.cnt, 1);
    expect_fill(&v, 0, 99, false);
    cr_expect_eq(open_cnt(&v), 1, "the other one rests at its limit, and says nothing of it");
    trade(&v, 4, 200);
    expect_silence(&v);
    quote(&v, 5, 100, 101);
    expect_fill(&v, 0, 100, true);
    free(v.state);
}

Test(paper, a_stop_that_finds_no_quote_expires)
{
    struct venue v = open_venue(0);
    place(&v, stop(PW_STOP_LOSS, PW_SELL, 98, 0, 2));
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    trade(&v, 3, 98);
    expect_exec_type(&v, 0, PW_EXEC_EXPIRED, PW_REASON_NO_QUOTE);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, trades_of_another_instrument_trigger_nothing)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, stop(PW_STOP_LOSS, PW_SELL, 98, 0, 2));
    tell(&v,
         (struct pw_event){
             .kind = PW_EVENT_TRADE, .instrument_idx = 1, .recv_ns = 3, .body.trade = {90 * E8, E8, 1, 1}});
    expect_silence(&v);
    cancel(&v, v.id, 4);
    expect_exec_type(&v, 0, PW_EXEC_CANCELED, PW_REASON_NONE);
    free(v.state);
}

Test(paper, a_stop_arrives_and_is_triggered_by_one_event)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, stop(PW_STOP_LOSS, PW_SELL, 98, 0, 2));
    trade(&v, 20, 97);
    cr_expect_eq(v.out.cnt, 2);
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    expect_fill(&v, 1, 99, false);
    free(v.state);
}

/* ---- replacements ---- */

static void replace(struct venue *v, uint64_t replaces_id, struct pw_gateway_order order)
{
    v->out.cnt = 0;
    order.client_order_id = ++v->id;
    order.qty_e8 = E8;
    cr_expect_eq(pw_paper_gateway.replace(v->state, &order, replaces_id, &v->out), 0);
}

Test(paper, a_replacement_cancels_and_places_at_once)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 90, PW_GTC, 2));
    replace(&v, 1, limit(PW_BUY, 95, PW_GTC, 3));
    cr_expect_eq(v.out.cnt, 2);
    expect_exec_type(&v, 0, PW_EXEC_REPLACED, PW_REASON_NONE);
    cr_expect_eq(v.out.rows[0].client_order_id, 1);
    expect_exec_type(&v, 1, PW_EXEC_ACK, PW_REASON_NONE);
    cr_expect_eq(v.out.rows[1].client_order_id, 2);
    cr_expect_eq(open_cnt(&v), 1);
    quote(&v, 4, 80, 85);
    cr_expect_eq(v.out.cnt, 1);
    expect_fill(&v, 0, 95, true);
    replace(&v, 2, limit(PW_BUY, 95, PW_GTC, 5));
    cr_expect_eq(v.out.cnt, 1, "of the order that is gone its end has told");
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_VENUE_NOT_FOUND);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, a_replacement_that_is_rejected_leaves_the_old_order_canceled)
{
    struct venue v = open_venue(0);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 90, PW_GTC, 2));
    struct pw_gateway_order order = limit(PW_BUY, 105, PW_GTC, 3);
    order.type = PW_LIMIT_MAKER;
    replace(&v, 1, order);
    expect_exec_type(&v, 0, PW_EXEC_REPLACED, PW_REASON_NONE);
    expect_exec_type(&v, 1, PW_EXEC_REJECT, PW_REASON_VENUE_WOULD_TAKE);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, replacements_arrive_in_order_after_the_latency)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    place(&v, limit(PW_BUY, 90, PW_GTC, 2));
    replace(&v, 1, limit(PW_BUY, 91, PW_GTC, 3));
    replace(&v, 2, limit(PW_BUY, 92, PW_GTC, 4));
    expect_silence(&v);
    pass_time(&v, 13);
    cr_expect_eq(v.out.cnt, 3);
    expect_exec_type(&v, 0, PW_EXEC_ACK, PW_REASON_NONE);
    expect_exec_type(&v, 1, PW_EXEC_REPLACED, PW_REASON_NONE);
    expect_exec_type(&v, 2, PW_EXEC_ACK, PW_REASON_NONE);
    pass_time(&v, 14);
    cr_expect_eq(v.out.cnt, 2);
    expect_exec_type(&v, 0, PW_EXEC_REPLACED, PW_REASON_NONE);
    cr_expect_eq(v.out.rows[0].client_order_id, 2);
    cr_expect_eq(open_cnt(&v), 1);
    replace(&v, 3, limit(PW_BUY, 93, PW_GTC, 20));
    cancel(&v, 3, 20); /* arrives with the replacement, but the old order stands before it */
    pass_time(&v, 30);
    cr_expect_eq(v.out.cnt, 2);
    expect_exec_type(&v, 0, PW_EXEC_CANCELED, PW_REASON_NONE);
    expect_exec_type(&v, 1, PW_EXEC_REJECT, PW_REASON_VENUE_NOT_FOUND);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

/* ---- bounds ---- */

Test(paper, no_event_causes_more_reports_than_there_is_room_for)
{
    struct venue v = open_venue(10);
    quote(&v, 1, 99, 101);
    for (uint32_t i = 0; i < PW_OPEN_ORDERS_MAX; i++) {
        place(&v, limit(PW_BUY, 100, PW_GTC, 5));
        expect_silence(&v);
    }
    place(&v, market(PW_BUY, 5));
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_NO_ROOM);
    quote(&v, 20, 90, 91);
    cr_expect_eq(v.out.cnt, PW_REPORTS_MAX);
    cr_expect_eq(open_cnt(&v), 0);
    free(v.state);
}

Test(paper, an_unknown_instrument_is_rejected_and_its_quotes_ignored)
{
    struct venue v = open_venue(0);
    quote_of(&v, 3, 1, 99, 101);
    struct pw_gateway_order order = market(PW_BUY, 2);
    order.instrument_idx = 3;
    place(&v, order);
    expect_exec_type(&v, 0, PW_EXEC_REJECT, PW_REASON_UNKNOWN_INSTRUMENT);
    free(v.state);
}

Test(paper, a_config_out_of_range_is_refused)
{
    void *state = calloc(1, pw_paper_gateway.bytes(&(struct pw_gateway_config){.instrument_cnt = 1}));
    struct pw_gateway_config config = {.latency_ns = -1, .instruments = instruments, .instrument_cnt = 1};
    cr_expect_eq(pw_paper_gateway.init(state, &config), -EINVAL);
    config.latency_ns = 0;
    config.fee_rate_e8 = PW_E8 + 1;
    cr_expect_eq(pw_paper_gateway.init(state, &config), -EINVAL);
    config.fee_rate_e8 = PW_E8;
    cr_expect_eq(pw_paper_gateway.init(state, &config), 0);
    free(state);
}
