/* SPDX-License-Identifier: MIT
 *
 * The live gateway against the venue simulator, over TLS by OpenSSL's client and with its signatures: both
 * were written from the venue's documentation, neither from the other.
 */
#include "binance_entry.h"
#include "fills.h"
#include "host.h"
#include "metrics_table.h"
#include "orders.h"
#include "portfolio.h"
#include "session.h"
#include "sim_api.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_NS INT64_C(20000000000)

static const struct pw_instrument g_instrument = {
    .symbol = "BTCUSDT", .base = "BTC", .quote = "USDT", .tradable = 1, .tick_e8 = 1000000, .step_e8 = 1000};
static const bool g_trades[1] = {true};

/* What execution is to the gateway, and net to both. */
struct engine {
    struct venue venue;
    struct api api;
    bool connected;
    const struct api_key *key;
    struct pw_gateway_config config;
    struct pw_signing signing;
    struct pw_orders *orders;
    void *gateway, *ring;
    struct pw_producer producer;
    struct pw_consumer wire;
    struct pw_reports out;
    int64_t bought_e8, sold_e8;
    struct pw_instrument instrument;
    struct pw_portfolio *portfolio;
    pw_i128 dust_e16;
};

static void *zeroed(size_t bytes)
{
    bytes = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    cr_assert(memory);
    return memset(memory, 0, bytes);
}

static size_t sign(void *state, const char *payload, size_t bytes, char *signature)
{
    const struct engine *e = state;
    char text[2048], made[89] = {0};
    memcpy(text, payload, bytes);
    text[bytes] = '\0';
    api_sign(e->key, text, made);
    memcpy(signature, made, strlen(made));
    return strlen(made);
}

/* As execution does. */
static void book(struct engine *e, const struct pw_order_row *row, const struct pw_report *report)
{
    int64_t base_fee_e8;
    cr_assert(pw_fill_base_fee_e8(report, &e->instrument, &e->dust_e16, &base_fee_e8));
    cr_assert(pw_portfolio_fill(e->portfolio, 0, (enum pw_side)row->side, report->fill_price_e8,
                                report->fill_qty_e8, pw_fill_quote_fee_e16(report, &e->instrument)));
    cr_assert(base_fee_e8 == 0 || pw_portfolio_base_fee(e->portfolio, 0, report->fill_price_e8, base_fee_e8));
}

static void take_reports(struct engine *e)
{
    for (uint32_t i = 0; i < e->out.cnt; i++) {
        struct pw_order_row *row;
        const struct pw_report *report = &e->out.rows[i];
        enum pw_order_step step = pw_orders_apply(e->orders, report, &row);
        if (report->exec_type == PW_EXEC_FILL && step != PW_ORDER_STEP_SAME) {
            cr_assert_neq(step, PW_ORDER_STEP_ILLEGAL);
            *(row->side == PW_SELL ? &e->sold_e8 : &e->bought_e8) += report->fill_qty_e8;
            book(e, row, report);
        }
    }
    e->out.cnt = 0;
}

static void give(struct engine *e, const char *text, size_t bytes, enum pw_feed_state state)
{
    const struct pw_event frame = {
        .kind = PW_EVENT_FRAME,
        .recv_ns = pw_clock_read_ns(CLOCK_REALTIME),
        .body.frame = {.payload_bytes = (uint32_t)bytes, .feed_idx = 1, .state = (uint32_t)state}};
    pw_live_gateway.on_message(e->gateway, &frame, (const uint8_t *)text, &e->out);
    take_reports(e);
}

static void pass(struct engine *e)
{
    pw_live_gateway.poll(e->gateway, pw_clock_read_ns(CLOCK_REALTIME), &e->out);
    take_reports(e);
    pw_producer_publish(&e->producer);
    while (pw_consumer_peek(&e->wire, 1)) {
        const struct pw_event *frame = pw_consumer_at(&e->wire, 0);
        if (e->connected) {
            peer_frame(&e->api.peer, 0x81, pw_consumer_payload(&e->wire, frame),
                       frame->body.frame.payload_bytes);
        }
        pw_consumer_done(&e->wire, 1);
    }
    if (e->connected && peer_hear_data(&e->api.peer, 2) == 1) {
        give(e, e->api.peer.text, e->api.peer.text_bytes, PW_FEED_UP);
    }
}

static void join_venue(struct engine *e)
{
    api_open(&e->api, &e->venue, "");
    e->connected = true;
    give(e, NULL, 0, PW_FEED_UP);
}

static void leave_venue(struct engine *e)
{
    api_close(&e->api);
    e->connected = false;
    give(e, NULL, 0, PW_FEED_DOWN);
}

/* As at a start of the program: nothing is known of before. */
static void begin_run(struct engine *e, uint64_t run_id)
{
    memset(e->orders, 0, pw_orders_bytes(64, 1));
    memset(e->gateway, 0, pw_live_gateway.bytes(&e->config));
    cr_assert(pw_orders_init(e->orders, 64, 1, run_id));
    cr_assert_eq(pw_live_gateway.init(e->gateway, &e->config), 0);
}

static void open_engine_in(struct engine *e, const struct api_key *key, int unit_shift)
{
    *e = (struct engine){.key = key, .instrument = g_instrument};
    e->instrument.unit_shift = (int8_t)unit_shift;
    e->instrument.tick_e8 = pw_power10(pw_price_decimals(unit_shift) - 2);
    e->instrument.step_e8 = pw_power10(pw_qty_decimals(unit_shift) - 5);
    e->portfolio = pw_portfolio_init(zeroed(pw_portfolio_bytes(1)), 1, (pw_i128)1000000 * PW_E8 * PW_E8);
    api_venue_open(&e->venue, "");
    e->orders = zeroed(pw_orders_bytes(64, 1));
    e->ring = zeroed(pw_ring_bytes(64, 1 << 17));
    cr_assert_eq(pw_ring_format(e->ring, 64, 1 << 17, PW_RING_STALL), 0);
    pw_producer_attach(&e->producer, e->ring);
    pw_consumer_attach(&e->wire, e->ring);
    bool is_ed25519 = key == &api_ed25519;
    e->signing = (struct pw_signing){sign, e, is_ed25519 ? 88 : 64, is_ed25519};
    e->config = (struct pw_gateway_config){.instruments = &e->instrument,
                                           .instrument_cnt = 1,
                                           .trades = g_trades,
                                           .orders = e->orders,
                                           .api_key = key->name,
                                           .entry = &pw_binance_entry,
                                           .signing = &e->signing,
                                           .recv_window_ms = 5000,
                                           .ack_timeout_ns = 3 * INT64_C(1000000000),
                                           .cash_e8 = 1000 * PW_E8,
                                           .quote_asset = "USDT",
                                           .wire = &e->producer,
                                           .conn_idx = 1};
    e->gateway = zeroed(pw_live_gateway.bytes(&e->config));
    begin_run(e, 5);
}

static void open_engine(struct engine *e, const struct api_key *key)
{
    open_engine_in(e, key, 0);
}

static void close_engine(struct engine *e)
{
    free(e->portfolio);
    leave_venue(e);
    venue_close(&e->venue);
    free(e->orders);
    free(e->gateway);
    free(e->ring);
}

static struct pw_gateway_metrics counts_of(const struct engine *e)
{
    struct pw_gateway_metrics counts;
    pw_live_gateway.counts(e->gateway, &counts);
    return counts;
}

static void make_ready(struct engine *e)
{
    for (int64_t end_ns = pw_clock_read_ns(CLOCK_REALTIME) + WAIT_NS; !counts_of(e).ready;) {
        pass(e);
        cr_assert_lt(pw_clock_read_ns(CLOCK_REALTIME), end_ns, "phase fails with %lld",
                     (long long)counts_of(e).last_error_code);
    }
}

static void await(struct engine *e, uint64_t id, enum pw_order_state state)
{
    for (int64_t end_ns = pw_clock_read_ns(CLOCK_REALTIME) + WAIT_NS;
         pw_orders_find(e->orders, id)->state != state;) {
        pass(e);
        cr_assert_lt(pw_clock_read_ns(CLOCK_REALTIME), end_ns, "it is %s",
                     pw_order_state_name(pw_orders_find(e->orders, id)->state));
    }
}

static uint64_t place(struct engine *e, struct pw_gateway_order order, uint64_t replaces_id)
{
    order.client_order_id = pw_orders_take_id(e->orders);
    struct pw_order_row row = {.client_order_id = order.client_order_id,
                               .replaces_id = replaces_id,
                               .price_e8 = order.price_e8,
                               .qty_e8 = order.qty_e8,
                               .leaves_qty_e8 = order.qty_e8,
                               .side = order.side,
                               .type = order.type,
                               .tif = order.tif};
    cr_assert_eq(pw_live_gateway.check(e->gateway, &order, replaces_id), PW_REASON_NONE);
    struct pw_order_row *at =
        replaces_id ? pw_orders_replace(e->orders, &row) : pw_orders_add(e->orders, &row);
    cr_assert(at);
    at->valid_until_ns = replaces_id ? pw_live_gateway.replace(e->gateway, &order, replaces_id, &e->out)
                                     : pw_live_gateway.place(e->gateway, &order, &e->out);
    pw_live_gateway.settle(e->gateway);
    return order.client_order_id;
}

static void cancel(struct engine *e, uint64_t id)
{
    struct pw_order_row *row;
    const struct pw_report sent = {.client_order_id = id, .exec_type = PW_EXEC_CANCEL_SENT};
    pw_orders_apply(e->orders, &sent, &row);
    pw_live_gateway.cancel(e->gateway, id, pw_clock_read_ns(CLOCK_REALTIME), &e->out);
}

/* Well below the market. */
static const struct pw_gateway_order g_bid = {
    .price_e8 = 60000 * PW_E8, .qty_e8 = PW_E8 / 100, .side = PW_BUY, .type = PW_LIMIT, .tif = PW_GTC};

static void trade(const struct api_key *key)
{
    struct engine e;
    open_engine(&e, key);
    join_venue(&e);
    make_ready(&e);
    uint64_t bid = place(&e, g_bid, 0);
    await(&e, bid, PW_ORDER_OPEN);
    struct pw_gateway_order lower = g_bid;
    lower.price_e8 -= 100 * PW_E8;
    uint64_t replacing = place(&e, lower, bid);
    await(&e, replacing, PW_ORDER_OPEN);
    /* Its cancellation may be told by an event before the answer: then it is canceled, else replaced. */
    cr_expect(pw_order_is_closed(pw_orders_find(e.orders, bid)->state));
    uint64_t sale =
        place(&e, (struct pw_gateway_order){.qty_e8 = PW_E8 / 2, .side = PW_SELL, .type = PW_MARKET}, 0);
    await(&e, sale, PW_ORDER_FILLED);
    cr_expect_eq(e.sold_e8, PW_E8 / 2);
    cancel(&e, replacing);
    await(&e, replacing, PW_ORDER_CANCELED);
    struct pw_gateway_order none = g_bid;
    none.tif = PW_IOC;
    uint64_t expired = place(&e, none, 0);
    await(&e, expired, PW_ORDER_EXPIRED);
    cr_expect_eq(e.bought_e8, 0);
    struct pw_gateway_metrics counts = counts_of(&e);
    cr_expect_eq(counts.responses_unmatched, 0);
    cr_expect_eq(counts.messages_invalid, 0);
    cr_expect_eq(counts.request_timeouts, 0);
    cr_expect_eq(counts.last_error_code, 0);
    close_engine(&e);
}

Test(live_sim, a_session_trades)
{
    trade(&api_ed25519);
}

Test(live_sim, signed_requests_trade)
{
    trade(&api_hmac);
}

Test(live_sim, fills_behind_our_back_are_found_after_a_reconnect)
{
    struct engine e;
    open_engine(&e, &api_ed25519);
    join_venue(&e);
    make_ready(&e);
    uint64_t bid = place(&e, g_bid, 0);
    await(&e, bid, PW_ORDER_OPEN);
    uint64_t sale =
        place(&e, (struct pw_gateway_order){.qty_e8 = PW_E8 / 2, .side = PW_SELL, .type = PW_MARKET}, 0);
    pw_live_gateway.poll(e.gateway, pw_clock_read_ns(CLOCK_REALTIME), &e.out);
    pw_producer_publish(&e.producer);
    const struct pw_event *frame = pw_consumer_at(&e.wire, pw_consumer_peek(&e.wire, 1) - 1);
    peer_frame(&e.api.peer, 0x81, pw_consumer_payload(&e.wire, frame), frame->body.frame.payload_bytes);
    pw_consumer_done(&e.wire, 1);
    cr_assert_eq(peer_hear_data(&e.api.peer, 10000), 1); /* it is there, but nobody takes the answer */
    leave_venue(&e);
    cr_expect_eq(pw_orders_find(e.orders, sale)->state, PW_ORDER_UNKNOWN);
    cr_expect_eq(pw_orders_find(e.orders, bid)->state, PW_ORDER_UNKNOWN);
    join_venue(&e);
    await(&e, sale, PW_ORDER_FILLED);
    await(&e, bid, PW_ORDER_OPEN);
    cr_expect_eq(e.sold_e8, PW_E8 / 2);
    close_engine(&e);
}

Test(live_sim, an_order_of_an_earlier_run_is_canceled)
{
    struct engine e;
    open_engine(&e, &api_ed25519);
    join_venue(&e);
    make_ready(&e);
    await(&e, place(&e, g_bid, 0), PW_ORDER_OPEN);
    leave_venue(&e);
    begin_run(&e, 6);
    join_venue(&e);
    make_ready(&e);
    cr_expect_geq(counts_of(&e).orphan_orders, 1);
    leave_venue(&e);
    begin_run(&e, 7);
    join_venue(&e);
    make_ready(&e);
    cr_expect_eq(counts_of(&e).orphan_orders, 0, "there is none any more");
    close_engine(&e);
}

/* Half a coin is bought at market, for a fee of a thousandth in the coin, and what is left of it is sold. */
static void trade_in(int unit_shift)
{
    struct engine e;
    struct pw_position position;
    open_engine_in(&e, &api_ed25519, unit_shift);
    join_venue(&e);
    make_ready(&e);
    int64_t coin = pw_power10(pw_qty_decimals(unit_shift));
    struct pw_gateway_order low = g_bid;
    low.price_e8 = 60000 * pw_power10(pw_price_decimals(unit_shift));
    low.qty_e8 = coin / 100;
    uint64_t bid = place(&e, low, 0);
    await(&e, bid, PW_ORDER_OPEN);
    await(&e, place(&e, (struct pw_gateway_order){.qty_e8 = coin / 2, .type = PW_MARKET}, 0),
          PW_ORDER_FILLED);
    pw_portfolio_view(e.portfolio, 0, &position);
    cr_expect_eq(position.qty_e8, coin / 2 - coin / 2000, "0.4995 are there");
    pw_i128 price = position.avg_price_e8, cost = (pw_i128)1000000 * PW_E8 * PW_E8 - e.portfolio->cash_e16;
    cr_expect(price > 60000 * (pw_i128)pw_power10(pw_price_decimals(unit_shift)));
    cr_expect(cost > (pw_i128)30000 * PW_E8 * PW_E8 && cost < (pw_i128)1000000 * PW_E8 * PW_E8,
              "an amount has one unit, whatever those of price and quantity");
    await(&e,
          place(&e,
                (struct pw_gateway_order){.qty_e8 =
                                              position.qty_e8 / e.instrument.step_e8 * e.instrument.step_e8,
                                          .side = PW_SELL,
                                          .type = PW_MARKET},
                0),
          PW_ORDER_FILLED);
    pw_portfolio_view(e.portfolio, 0, &position);
    cr_expect_eq(position.qty_e8, 0, "flat again");
    cr_expect(pw_portfolio_equity_e16(e.portfolio) == e.portfolio->cash_e16);
    struct pw_gateway_metrics counts = counts_of(&e);
    cr_expect_eq(counts.messages_invalid, 0);
    cr_expect_eq(counts.last_error_code, 0);
    close_engine(&e);
}

/* cases/04-quantity-too-large */
Test(live_sim, an_instrument_in_other_units_is_traded_exactly)
{
    trade_in(3);
    trade_in(-3);
}
