/* SPDX-License-Identifier: MIT
 *
 * The user data stream without sockets, in a market that stands still: what the background flow cannot
 * disturb.
 */
#include "sim_market.h"

#include <criterion/criterion.h>
#include <jansson.h>

static const struct pw_sim_synthetic_config g_market = {.seed = 11,
                                                        .epoch_ms = INT64_C(1723161600000),
                                                        .instrument_cnt = 1,
                                                        .instruments = {{.symbol = "BTCUSDT",
                                                                         .price_e8 = INT64_C(6150000000000),
                                                                         .tick_e8 = 1000000,
                                                                         .step_e8 = 1000,
                                                                         .trades_per_s = 50,
                                                                         .quotes_per_s = 200,
                                                                         .levels = 100}}};

static struct sim_market g_venue;

static void venue_open(void)
{
    sim_market_account(&g_venue, "one", (struct pw_sim_balance_config){"USDT", 100000 * PW_E8},
                       (struct pw_sim_balance_config){"BTC", 2 * PW_E8});
    sim_market_open(&g_venue, &g_market);
}

static void venue_close(void)
{
    sim_market_close(&g_venue);
}

TestSuite(reports, .init = venue_open, .fini = venue_close);

static void subscribe(uint32_t id)
{
    const struct pw_sim_subscription subscription = {.subscriber = &g_venue.listener.subscriber,
                                                     .account = &g_venue.accounts.accounts[0],
                                                     .subscription_id = id};

    cr_assert_eq(pw_sim_user_stream_subscribe(&g_venue.stream, &subscription), 0);
}

/* A buyer who takes the best ask and rests in its place, alone; or a seller who would take him. */
static void place(bool seller, enum pw_stp prevention, int64_t qty_e8)
{
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    struct pw_sim_order_request request = {.symbol = symbol,
                                           .side = seller ? PW_SELL : PW_BUY,
                                           .type = PW_LIMIT,
                                           .tif = seller ? PW_IOC : PW_GTC,
                                           .prevention = prevention};
    struct pw_sim_client_order *order;

    g_venue.source.ops->refresh(g_venue.source.state, symbol);
    request.price_e8 = seller ? symbol->top.bid_price_e8 : symbol->top.ask_price_e8;
    request.qty_e8 = qty_e8 + (seller ? 0 : symbol->top.ask_qty_e8);
    cr_assert_null(pw_sim_orders_place(&g_venue.orders, &g_venue.accounts.accounts[0], &request, 0, &order));
}

/* The next event, which must be of that type; given back by the next call. */
static json_t *heard(const char *type)
{
    static json_t *message;
    struct pw_slice text;
    json_t *event;

    json_decref(message);
    message = NULL;
    if (!listener_next(&g_venue.listener, &text)) {
        cr_assert_null(type, "nothing came instead of %s", type);
        return NULL;
    }
    message = json_loadb(text.text, text.size, JSON_REJECT_DUPLICATES, NULL);
    event = json_object_get(message, "event");
    cr_assert(type && event, "%.*s", (int)text.size, text.text);
    cr_assert_str_eq(json_string_value(json_object_get(event, "e")), type);
    return event;
}

static void expect(const json_t *event, const char *key, const char *value)
{
    cr_expect_str_eq(json_string_value(json_object_get(event, key)), value, "%s", key);
}

Test(reports, nothing_is_told_before_a_flush_and_balances_once_for_all_of_it)
{
    const json_t *event;

    place(false, PW_STP_NONE, PW_E8 / 10);
    subscribe(3);
    place(true, PW_STP_NONE, PW_E8 / 100);
    heard(NULL);
    pw_sim_user_stream_flush(&g_venue.stream, 0);
    expect(heard("executionReport"), "x", "NEW");
    event = heard("executionReport"); /* the maker is told first */
    expect(event, "x", "TRADE");
    expect(event, "X", "PARTIALLY_FILLED");
    cr_expect(json_is_true(json_object_get(event, "m")));
    event = heard("executionReport");
    expect(event, "X", "FILLED");
    cr_expect(json_is_false(json_object_get(event, "m")));
    event = heard("outboundAccountPosition");
    cr_expect_eq(json_array_size(json_object_get(event, "B")), 2);
    heard(NULL);
    pw_sim_user_stream_flush(&g_venue.stream, 0);
    heard(NULL);
}

Test(reports, an_order_that_would_meet_its_owner_s_is_told_as_prevented)
{
    const json_t *event;

    place(false, PW_STP_NONE, PW_E8 / 10);
    subscribe(0);
    place(true, PW_STP_EXPIRE_TAKER, PW_E8 / 100);
    pw_sim_user_stream_flush(&g_venue.stream, 0);
    expect(heard("executionReport"), "x", "NEW");
    event = heard("executionReport");
    expect(event, "x", "TRADE_PREVENTION");
    expect(event, "X", "EXPIRED_IN_MATCH");
    expect(event, "V", "EXPIRE_TAKER");
    expect(event, "A", "0.01000000");
    cr_expect_gt(json_integer_value(json_object_get(event, "v")), 0);
    heard("outboundAccountPosition");
    heard(NULL);
}

/* cases/20-prevented-quantity: the resting order goes on with less, by the mode of the one that it met. */
Test(reports, orders_that_decrement_each_other_are_told_what_is_left)
{
    static const char *const sides[][3] = {{"BUY", "PARTIALLY_FILLED", "NONE"},
                                           {"SELL", "EXPIRED_IN_MATCH", "DECREMENT"}};
    const json_t *event;
    int64_t match_ids[2];

    place(false, PW_STP_NONE, PW_E8 / 10);
    subscribe(0);
    place(true, PW_STP_DECREMENT, PW_E8 / 100);
    place(true, PW_STP_NONE, 9 * PW_E8 / 100);
    pw_sim_user_stream_flush(&g_venue.stream, 0);
    expect(heard("executionReport"), "x", "NEW");
    for (int i = 0; i < 2; i++) {
        event = heard("executionReport");
        expect(event, "x", "TRADE_PREVENTION");
        expect(event, "S", sides[i][0]);
        expect(event, "X", sides[i][1]);
        expect(event, "V", sides[i][2]);
        expect(event, "A", "0.01000000");
        expect(event, "B", "0.01000000");
        expect(event, "pl", "0.01000000");
        expect(event, "l", "0.00000000");
        cr_expect_eq(json_integer_value(json_object_get(event, "t")), -1);
        match_ids[i] = json_integer_value(json_object_get(event, "v"));
    }
    cr_expect(match_ids[0] > 0 && match_ids[0] == match_ids[1]);
    expect(heard("executionReport"), "x", "NEW");
    event = heard("executionReport");
    expect(event, "x", "TRADE");
    expect(event, "X", "FILLED"); /* of what was not prevented, all */
    expect(event, "A", "0.01000000");
    cr_expect_null(json_object_get(event, "B"));
    event = heard("executionReport");
    expect(event, "X", "FILLED");
    cr_expect_null(json_object_get(event, "A"));
    heard("outboundAccountPosition");
    heard(NULL);
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(g_venue.accounts.accounts[0].balances[i].locked_e8, 0);
    }
}

Test(reports, a_subscription_ends_with_a_word_and_a_connection_without)
{
    struct pw_sim_subscriber *subscriber = &g_venue.listener.subscriber;

    subscribe(7);
    pw_sim_user_stream_end(&g_venue.stream, pw_sim_user_stream_next(&g_venue.stream, subscriber, NULL));
    cr_expect_null(pw_sim_user_stream_next(&g_venue.stream, subscriber, NULL));
    pw_sim_user_stream_flush(&g_venue.stream, 5000000);
    cr_expect_eq(json_integer_value(json_object_get(heard("eventStreamTerminated"), "E")), 5);
    subscribe(8);
    pw_sim_user_stream_leave(&g_venue.stream, subscriber);
    place(false, PW_STP_NONE, PW_E8 / 10);
    pw_sim_user_stream_flush(&g_venue.stream, 0);
    heard(NULL);
}
