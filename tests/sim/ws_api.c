/* SPDX-License-Identifier: MIT
 *
 * The WebSocket API over TLS: the engine's own codec against it, the envelope, sessions, who may ask for
 * what, and limits.
 */
#include "sim_api.h"

#include "binance_entry.h"
#include "decimal.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 10000
#define E8      INT64_C(100000000)

#define AN_ORDER                                                                                             \
    "\"symbol\":\"BTCUSDT\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\","                    \
    "\"price\":\"60000.00\",\"quantity\":\"0.01\""

static struct venue g_venue;
static struct api g_api;

static void open_api(void)
{
    api_venue_open(&g_venue, "");
    api_open(&g_api, &g_venue, "");
}

static void close_api(void)
{
    api_close(&g_api);
    venue_close(&g_venue);
}

/* The same with other limits or faults. */
static void open_other(const char *more)
{
    close_api();
    api_venue_open(&g_venue, more);
    api_open(&g_api, &g_venue, "");
}

TestSuite(ws_api, .init = open_api, .fini = close_api);

/* ---- by the engine's codec ---- */

/* Fills, signs and sends a request that was prepared with pw_binance_prepare. */
static void codec_send(const struct pw_entry_spec *spec, struct pw_entry_values values)
{
    struct pw_binance_request request;
    const struct pw_entry_request *head = &request.head;
    char text[PW_BINANCE_TEXT_BYTES], payload[1024], signature[89];
    size_t size;

    cr_assert_eq(pw_binance_prepare(&request.head, spec), 0);
    values.timestamp_ns = api_now_ms() * 1000000;
    cr_assert(pw_binance_write(head, &values, text));
    if (head->is_signed) {
        size = pw_binance_payload(head, text, payload, sizeof payload - 1);
        cr_assert(size);
        payload[size] = 0;
        api_sign(spec->signature_bytes == 64 ? &api_hmac : &api_ed25519, payload, signature);
        cr_assert(pw_binance_put_signature(head, signature, spec->signature_bytes, text));
    }
    peer_frame(&g_api.peer, 0x81, text, head->bytes);
}

/* The next message, taken apart; it lives until the next one. */
static struct pw_binance_response codec_hear(enum pw_decode expected)
{
    static struct pw_entry_message message;
    struct pw_binance_response told;

    cr_assert_eq(peer_hear_data(&g_api.peer, WAIT_MS), 1);
    cr_assert_eq(pw_binance_read_response(NULL, g_api.peer.text, g_api.peer.text_bytes, &message, &told),
                 expected, "%s", g_api.peer.text);
    return told;
}

static struct pw_entry_spec spec_of(enum pw_entry_kind kind)
{
    return (struct pw_entry_spec){
        .kind = kind, .symbol = "BTCUSDT", .tick_e8 = E8 / 100, .step_e8 = E8 / 100000, .window_ms = 5000};
}

static void codec_logon(void)
{
    struct pw_entry_spec spec = spec_of(PW_ENTRY_LOGIN);
    struct pw_binance_response told;

    spec.api_key = "simkey";
    spec.signature_bytes = 88;
    codec_send(&spec, (struct pw_entry_values){.number = 1});
    told = codec_hear(PW_DECODE_CONTROL);
    cr_assert_eq(told.message->kind, PW_ENTRY_SAYS_LOGGED_IN);
    cr_assert(told.message->is_ours && told.message->request == PW_ENTRY_LOGIN && told.message->number == 1);
    spec = spec_of(PW_ENTRY_SUBSCRIBE);
    codec_send(&spec, (struct pw_entry_values){.number = 2});
    cr_assert_eq(codec_hear(PW_DECODE_CONTROL).message->kind, PW_ENTRY_SAYS_SUBSCRIBED);
}

static const struct pw_entry_values g_order = {
    .order_id = 0x1234, .price_e8 = 60000 * E8, .qty_e8 = E8 / 100, .side = PW_BUY};

Test(ws_api, the_engine_s_codec_logs_on_places_hears_and_cancels)
{
    struct pw_entry_spec spec = spec_of(PW_ENTRY_PLACE);
    struct pw_binance_response told;
    struct pw_binance_execution execution;
    uint64_t venue_order_id;

    codec_logon();
    codec_send(&spec, g_order);
    told = codec_hear(PW_DECODE_CONTROL);
    cr_assert_eq(told.message->kind, PW_ENTRY_SAYS_ORDER);
    cr_assert(told.message->is_ours && told.message->request == PW_ENTRY_PLACE &&
              told.message->number == 0x1234);
    cr_assert_eq(told.body.order.client_order_id, 0x1234);
    venue_order_id = told.body.order.terms.venue_order_id;
    cr_expect_eq(told.message->limit_cnt, 3);
    told = codec_hear(PW_DECODE_OK);
    execution = told.body.execution;
    cr_assert_eq(told.message->kind, PW_ENTRY_SAYS_EXECUTION);
    cr_assert(execution.type == PW_BINANCE_EXEC_NEW && execution.status == PW_BINANCE_STATUS_NEW);
    cr_assert(execution.is_ours && execution.client_order_id == 0x1234 &&
              execution.terms.venue_order_id == venue_order_id);
    cr_assert(execution.terms.price_e8 == g_order.price_e8 && execution.terms.qty_e8 == g_order.qty_e8 &&
              execution.terms.side == PW_BUY && execution.executed_qty_e8 == 0 && !execution.has_trade_id);
    cr_assert_eq(codec_hear(PW_DECODE_IGNORED).message->kind, PW_ENTRY_SAYS_NOTHING); /* balances */

    spec = spec_of(PW_ENTRY_QUERY);
    codec_send(&spec, g_order);
    told = codec_hear(PW_DECODE_CONTROL);
    cr_assert(told.message->kind == PW_ENTRY_SAYS_ORDER && told.body.order.status == PW_BINANCE_STATUS_NEW);
    spec = spec_of(PW_ENTRY_OPEN_ORDERS);
    codec_send(&spec, (struct pw_entry_values){.number = 3});
    cr_assert_eq(codec_hear(PW_DECODE_CONTROL).message->kind, PW_ENTRY_SAYS_ORDERS);
    spec = spec_of(PW_ENTRY_ACCOUNT);
    codec_send(&spec, (struct pw_entry_values){.number = 4});
    cr_assert_eq(codec_hear(PW_DECODE_CONTROL).message->kind, PW_ENTRY_SAYS_ACCOUNT);
    spec = spec_of(PW_ENTRY_TIME);
    codec_send(&spec, (struct pw_entry_values){.number = 5});
    told = codec_hear(PW_DECODE_CONTROL);
    cr_assert(told.message->kind == PW_ENTRY_SAYS_TIME && told.message->server_ns / 1000000000 > 1600000000);

    spec = spec_of(PW_ENTRY_CANCEL);
    codec_send(&spec, g_order);
    told = codec_hear(PW_DECODE_CONTROL);
    cr_assert(told.message->kind == PW_ENTRY_SAYS_ORDER &&
              told.body.order.status == PW_BINANCE_STATUS_CANCELED);
    cr_assert_eq(told.body.order.client_order_id, 0x1234);
    told = codec_hear(PW_DECODE_OK);
    execution = told.body.execution;
    cr_assert(told.message->kind == PW_ENTRY_SAYS_EXECUTION && execution.type == PW_BINANCE_EXEC_CANCELED &&
              execution.client_order_id == 0x1234 && execution.cancel_id.size == PW_BINANCE_CLIENT_ID_BYTES);
    cr_assert_eq(codec_hear(PW_DECODE_IGNORED).message->kind, PW_ENTRY_SAYS_NOTHING); /* balances */
    spec = spec_of(PW_ENTRY_CANCEL);
    codec_send(&spec, g_order);
    told = codec_hear(PW_DECODE_ERROR_REPLY);
    cr_assert(told.error.code == -2011 && told.http_status == 400 && told.message->number == 0x1234);
}

Test(ws_api, every_form_that_the_codec_writes_is_taken)
{
    struct pw_entry_values values = g_order;

    codec_logon();
    for (unsigned form = 0; form < PW_BINANCE_FORMS; form++) {
        struct pw_entry_spec spec = spec_of(PW_ENTRY_TEST);
        struct pw_binance_response told;
        bool above = form == PW_BINANCE_STOP_LOSS || form == PW_BINANCE_STOP_LOSS_LIMIT;
        spec.form = form;
        values.order_id++;
        values.stop_price_e8 = (above ? 63000 : 60500) * E8;
        codec_send(&spec, values);
        told = codec_hear(PW_DECODE_CONTROL);
        cr_expect(told.message->kind == PW_ENTRY_SAYS_DONE && told.message->number == values.order_id,
                  "%u: %s", form, g_api.peer.text);
    }
}

static int64_t e8_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    int64_t value;

    cr_assert(text && pw_decimal_parse_e8(text, strlen(text), false, &value));
    return value;
}

Test(ws_api, what_takes_is_told_fill_by_fill_and_balances_follow_exactly)
{
    struct pw_entry_spec spec = spec_of(PW_ENTRY_PLACE);
    struct pw_entry_values values = {.order_id = 9, .qty_e8 = E8, .side = PW_SELL};
    int64_t filled_e8 = 0, quote_e8 = 0, fee_e8 = 0;
    struct pw_binance_response told;
    json_t *root, *event, *balance;
    size_t i;
    unsigned seen = 0;

    codec_logon();
    spec.form = PW_BINANCE_MARKET;
    codec_send(&spec, values);
    cr_assert_eq(codec_hear(PW_DECODE_CONTROL).message->kind, PW_ENTRY_SAYS_ORDER);
    cr_assert_eq(codec_hear(PW_DECODE_OK).body.execution.type, PW_BINANCE_EXEC_NEW);
    do {
        told = codec_hear(PW_DECODE_OK);
        cr_assert_eq(told.message->kind, PW_ENTRY_SAYS_EXECUTION);
        cr_assert_eq(told.body.execution.type, PW_BINANCE_EXEC_TRADE);
        cr_assert(told.body.execution.has_trade_id && !told.body.execution.is_maker);
        cr_assert_str_eq(told.body.execution.fee_asset, "USDT");
        filled_e8 += told.body.execution.last_qty_e8;
        quote_e8 +=
            (int64_t)((pw_i128)told.body.execution.last_qty_e8 * told.body.execution.last_price_e8 / E8);
        fee_e8 += (int64_t)(told.body.execution.fee_e16 / E8);
        cr_assert_eq(told.body.execution.executed_qty_e8, filled_e8);
    } while (told.body.execution.status == PW_BINANCE_STATUS_PARTIALLY_FILLED);
    cr_assert_eq(told.body.execution.status, PW_BINANCE_STATUS_FILLED);
    cr_assert(filled_e8 == E8 && fee_e8 > 0);
    codec_hear(PW_DECODE_IGNORED);
    root = json_loadb(g_api.peer.text, g_api.peer.text_bytes, 0, NULL);
    event = json_object_get(root, "event");
    cr_assert_str_eq(json_string_value(json_object_get(event, "e")), "outboundAccountPosition");
    json_array_foreach(json_object_get(event, "B"), i, balance)
    {
        bool usdt = strcmp(json_string_value(json_object_get(balance, "a")), "USDT") == 0;
        cr_expect_eq(e8_of(balance, "f"), usdt ? 100000 * E8 + quote_e8 - fee_e8 : 0);
        cr_expect_eq(e8_of(balance, "l"), 0);
        seen += usdt ? 1 : 10;
    }
    json_decref(root);
    cr_assert_eq(seen, 11);
}

/* ---- the envelope ---- */

Test(ws_api, ids_come_back_as_they_are)
{
    static const char *const ids[] = {"7", "-9223372036854775808", "null",
                                      "\"c174a2b1-3f51-4580-b200-8528bd237cb7\"", "\"a\\u0062\""};
    char text[256], expected[256];

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        snprintf(text, sizeof text, "{\"method\":\"v3/ping\",\"id\":%s}", ids[i]);
        snprintf(expected, sizeof expected, "{\"id\":%s,\"status\":200,\"result\":{}", ids[i]);
        cr_expect_eq(api_say(&g_api, text), 200);
        cr_expect_eq(strncmp(g_api.peer.text, expected, strlen(expected)), 0, "%s", g_api.peer.text);
    }
}

Test(ws_api, what_is_no_request_is_refused_and_the_connection_goes_on)
{
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "{\"id\":1}",
        "{\"id\":1,\"method\":\"ping\"} ",
        "{\"id\":1,\"method\":\"ping\"}x",
        "{\"id\":1.5,\"method\":\"ping\"}",
        "{\"id\":\"0123456789012345678901234567890123456\",\"method\":\"ping\"}",
        "{\"id\":1,\"method\":7}",
        "{\"id\":1,\"method\":\"ping\",\"params\":[]}"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bool good = i == 4;
        cr_expect_eq(api_say(&g_api, texts[i]), good ? 200 : 400, "%s", texts[i]);
        cr_expect_eq(api_code(&g_api), good ? 0 : -1135, "%s", texts[i]);
    }
    cr_expect_eq(api_call(&g_api, NULL, "order.nothing", ""), 400);
    cr_expect_eq(api_code(&g_api), -1020);
    cr_expect_eq(api_call(&g_api, NULL, "ping", ""), 200);
}

Test(ws_api, rate_limits_are_left_out_on_demand_and_times_are_in_the_unit_of_the_url)
{
    struct api other;

    cr_assert_eq(api_call(&g_api, NULL, "time", ""), 200);
    cr_expect_not_null(json_object_get(g_api.reply, "rateLimits"));
    cr_expect_lt(json_integer_value(json_object_get(api_result(&g_api), "serverTime")), 100000000000000);
    cr_assert_eq(api_call(&g_api, NULL, "time", "\"returnRateLimits\":false"), 200);
    cr_expect_null(json_object_get(g_api.reply, "rateLimits"));
    api_open(&other, &g_venue, "?returnRateLimits=false&timeUnit=MICROSECOND");
    cr_assert_eq(api_call(&other, NULL, "time", ""), 200);
    cr_expect_null(json_object_get(other.reply, "rateLimits"));
    cr_expect_gt(json_integer_value(json_object_get(api_result(&other), "serverTime")), 100000000000000);
    cr_assert_eq(api_call(&other, NULL, "time", "\"returnRateLimits\":true"), 200);
    cr_expect_not_null(json_object_get(other.reply, "rateLimits"));
    api_close(&other);
}

Test(ws_api, broken_requests_do_no_harm)
{
    json_t *params = json_loads("{" AN_ORDER "}", 0, NULL), *request;
    char *text, copy[2048];

    api_sign_params(&api_hmac, params);
    request = json_pack("{s:i,s:s,s:o}", "id", 1, "method", "order.test", "params", params);
    text = json_dumps(request, 0);
    for (size_t size = 0; text[size]; size++) {
        snprintf(copy, sizeof copy, "%.*s", (int)size, text);
        cr_assert_eq(api_say(&g_api, copy), 400, "%s", copy);
        cr_assert_eq(api_code(&g_api), -1135);
        snprintf(copy, sizeof copy, "%s", text);
        copy[size] ^= 1;
        cr_assert_geq(api_say(&g_api, copy), 200, "%s", copy);
        cr_assert(api_code(&g_api) != 0 || size < 40, "what was signed was changed: %s", copy);
    }
    cr_expect_eq(api_say(&g_api, text), 200);
    free(text);
    json_decref(request);
}

/* ---- who asks ---- */

Test(ws_api, requests_are_signed_by_either_kind_of_key_and_numbers_may_be_strings)
{
    char params[128];

    cr_expect_eq(api_call(&g_api, &api_hmac, "order.test", AN_ORDER), 200);
    cr_expect_eq(api_call(&g_api, &api_ed25519, "order.test", AN_ORDER), 200);
    cr_expect_eq(api_call(&g_api, &api_hmac, "order.test",
                          AN_ORDER ",\"recvWindow\":10000,\"returnRateLimits\":false"),
                 200);
    cr_assert_eq(api_call(&g_api, &api_hmac, "order.place", AN_ORDER), 200);
    snprintf(params, sizeof params, "\"symbol\":\"BTCUSDT\",\"orderId\":\"%lld\"",
             (long long)json_integer_value(json_object_get(api_result(&g_api), "orderId")));
    cr_expect_eq(api_call(&g_api, &api_hmac, "order.status", params), 200);
    cr_expect_eq(api_call(&g_api, &api_ed25519, "order.status", params), 400);
    cr_expect_eq(api_code(&g_api), -2013); /* another's */
    cr_expect_eq(api_call(&g_api, &api_hmac, "openOrders.cancelAll", "\"symbol\":\"BTCUSDT\""), 200);
    cr_expect_eq(json_array_size(api_result(&g_api)), 1);
}

/* An order.test with these params; the status, which must come with that code. */
static void expect_refused(json_t *params, int status, int code)
{
    json_t *request = json_pack("{s:i,s:s,s:o}", "id", 1, "method", "order.test", "params", params);
    char *text = json_dumps(request, 0);

    cr_expect_eq(api_say(&g_api, text), status, "%s", text);
    cr_expect_eq(api_code(&g_api), code, "%s: %s", text, g_api.peer.text);
    free(text);
    json_decref(request);
}

static json_t *order_params(void)
{
    return json_loads("{" AN_ORDER "}", 0, NULL);
}

Test(ws_api, keys_signatures_and_times_are_checked)
{
    static const struct {
        long long behind_ms;
        int code; /* 0: taken */
    } times[] = {{4000, 0}, {6000, -1021}, {-700, 0}, {-2000, -1021}};
    json_t *params;

    expect_refused(json_object(), 400, -1102); /* no key */
    params = order_params();
    json_object_set_new(params, "apiKey", json_string("not a key"));
    json_object_set_new(params, "signature", json_string("0"));
    expect_refused(params, 401, -2014);
    params = order_params();
    json_object_set_new(params, "apiKey", json_string("nobody"));
    json_object_set_new(params, "signature", json_string("0"));
    expect_refused(params, 401, -2015);
    params = order_params();
    json_object_set_new(params, "apiKey", json_string("hmackey"));
    expect_refused(params, 400, -1102); /* no signature */
    params = order_params();
    api_sign_params(&api_hmac, params);
    json_object_set_new(params, "quantity", json_string("0.02"));
    expect_refused(params, 400, -1022); /* changed after it was signed */
    params = order_params();
    json_object_set_new(params, "apiKey", json_string("hmackey"));
    api_sign_params(&api_ed25519, params);
    expect_refused(params, 400, -1022); /* by another's */
    params = order_params();
    json_object_set_new(params, "unheard", json_string("1"));
    api_sign_params(&api_hmac, params);
    expect_refused(params, 400, -1104);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        params = order_params();
        json_object_set_new(params, "timestamp", json_integer(api_now_ms() - times[i].behind_ms));
        api_sign_params(&api_hmac, params);
        expect_refused(params, times[i].code ? 400 : 200, times[i].code);
    }
    cr_expect_eq(api_say(&g_api, "{\"id\":1,\"method\":\"time\",\"params\":{\"a\":1,\"a\":2}}"), 400);
    cr_expect_eq(api_code(&g_api), -1101);
}

Test(ws_api, a_session_begins_with_ed25519_alone_and_ends)
{
    cr_expect_eq(api_call(&g_api, &api_hmac, "session.logon", ""), 400);
    cr_expect_eq(api_code(&g_api), -1022);
    cr_expect_eq(api_call(&g_api, NULL, "userDataStream.subscribe", ""), 401);
    cr_expect_eq(api_call(&g_api, NULL, "session.status", ""), 200);
    cr_expect(json_is_null(json_object_get(api_result(&g_api), "apiKey")));

    cr_assert_eq(api_call(&g_api, &api_ed25519, "session.logon", ""), 200);
    cr_expect_str_eq(api_text(api_result(&g_api), "apiKey"), "simkey");
    cr_expect_eq(api_call(&g_api, NULL, "order.test", AN_ORDER), 400);
    cr_expect_eq(api_code(&g_api), -1102, "the time is still needed");
    cr_expect_eq(api_call(&g_api, NULL, "account.status", "\"timestamp\":1"), 400);
    cr_expect_eq(api_code(&g_api), -1021);
    cr_expect_eq(api_call(&g_api, &api_hmac, "order.test", AN_ORDER), 200, "another's key for one request");

    cr_assert_eq(api_call(&g_api, NULL, "userDataStream.subscribe", ""), 200);
    cr_expect_eq(api_call(&g_api, NULL, "userDataStream.subscribe", ""), 400);
    cr_expect_eq(api_code(&g_api), -2035);
    cr_assert_eq(api_call(&g_api, &api_hmac, "userDataStream.subscribe.signature", ""), 200);
    cr_assert_eq(api_call(&g_api, NULL, "session.subscriptions", ""), 200);
    cr_expect_eq(json_array_size(api_result(&g_api)), 2);

    cr_assert_eq(api_call(&g_api, NULL, "session.logout", ""), 200);
    json_decref(api_event(&g_api, "eventStreamTerminated", WAIT_MS));
    cr_expect_eq(api_call(&g_api, NULL, "account.status", "\"timestamp\":1"), 400);
    cr_expect_eq(api_code(&g_api), -1102, "the key is needed again");
    cr_assert_eq(api_call(&g_api, NULL, "session.subscriptions", ""), 200);
    cr_expect_eq(json_array_size(api_result(&g_api)), 1, "the other subscription stays");
}

/* ---- limits ---- */

/* The count of that kind in the last reply's rateLimits; -1: not told. */
static long long told_count(const char *type, const char *interval)
{
    json_t *limit;
    size_t i;

    json_array_foreach(json_object_get(g_api.reply, "rateLimits"), i, limit)
    {
        if (strcmp(api_text(limit, "rateLimitType"), type) == 0 &&
            strcmp(api_text(limit, "interval"), interval) == 0) {
            return json_integer_value(json_object_get(limit, "count"));
        }
    }
    return -1;
}

Test(ws_api, weight_is_shared_with_rest_and_too_much_is_refused_then_banned)
{
    const json_t *data;
    long long before, now_ms;
    struct peer rest;
    int status = 200;

    open_other("limits: {weight_per_min: 200, ban_after: 3, ban_s: 100}\n");
    cr_assert_eq(api_call(&g_api, NULL, "ping", ""), 200);
    before = told_count("REQUEST_WEIGHT", "MINUTE");
    cr_assert(peer_open(&rest, venue_plain(&g_venue)));
    cr_assert_eq(peer_get(&rest, "/api/v3/time"), 200);
    peer_close(&rest);
    cr_assert_eq(api_call(&g_api, NULL, "ping", ""), 200);
    if (before < 190) { /* else a new minute began */
        cr_expect(told_count("REQUEST_WEIGHT", "MINUTE") == before + 2 ||
                  told_count("REQUEST_WEIGHT", "MINUTE") == 1 || told_count("REQUEST_WEIGHT", "MINUTE") == 2);
    }
    for (int i = 0; i < 100 && status == 200; i++) {
        status = api_call(&g_api, &api_hmac, "account.status", "");
    }
    cr_assert_eq(status, 429);
    cr_expect_eq(api_code(&g_api), -1003);
    now_ms = api_now_ms();
    data = json_object_get(json_object_get(g_api.reply, "error"), "data");
    cr_expect(json_integer_value(json_object_get(data, "retryAfter")) > now_ms - 1000 &&
              json_integer_value(json_object_get(data, "retryAfter")) <= now_ms + 61000);
    for (int i = 0; i < 100 && status != 418; i++) {
        status = api_call(&g_api, &api_hmac, "account.status", "");
    }
    cr_assert_eq(status, 418);
    data = json_object_get(json_object_get(g_api.reply, "error"), "data");
    cr_expect_geq(json_integer_value(json_object_get(data, "retryAfter")), now_ms + 90000);
    cr_assert(peer_open(&rest, venue_plain(&g_venue)));
    cr_expect_eq(peer_get(&rest, "/api/v3/time"), 418, "for REST alike");
    peer_close(&rest);
}

Test(ws_api, orders_are_counted_and_limited_by_account)
{
    int placed = 0;

    open_other("limits: {orders_per_day: 5}\n");
    while (placed < 20 && api_call(&g_api, &api_hmac, "order.place", AN_ORDER) == 200) {
        placed++;
        cr_expect_eq(told_count("ORDERS", "DAY"), placed);
    }
    cr_expect_eq(placed, 5);
    cr_expect_eq(json_integer_value(json_object_get(g_api.reply, "status")), 429);
    cr_expect_eq(api_code(&g_api), -1015);
    cr_expect_gt(json_integer_value(json_object_get(
                     json_object_get(json_object_get(g_api.reply, "error"), "data"), "retryAfter")),
                 api_now_ms());
    cr_expect_eq(api_call(&g_api, &api_hmac, "openOrders.cancelAll", "\"symbol\":\"BTCUSDT\""), 200,
                 "canceling goes on");
    cr_expect_eq(api_call(&g_api, &api_ed25519, "order.place", AN_ORDER), 200, "the other's are his own");
}

Test(ws_api, connections_are_limited)
{
    struct peer peer;
    int status = 101;

    open_other("limits: {connects_per_5min: 3}\n");
    for (int i = 0; i < 10 && status == 101; i++) {
        cr_assert(peer_open(&peer, venue_plain(&g_venue)));
        status = peer_upgrade(&peer, "/ws-api/v3");
        peer_close(&peer);
    }
    cr_expect_eq(status, 429);
    cr_assert(peer_open(&peer, venue_plain(&g_venue)));
    cr_expect_eq(peer_upgrade(&peer, "/ws/btcusdt@trade"), 101, "market data goes on");
    peer_close(&peer);
}

static long long clock_off_ms(void)
{
    cr_assert_eq(api_call(&g_api, NULL, "time", ""), 200);
    return json_integer_value(json_object_get(api_result(&g_api), "serverTime")) - api_now_ms();
}

/* A step is far above what a request takes, so it cannot be mistaken. */
Test(ws_api, the_clock_steps_on_demand)
{
    open_other("faults: [{kind: clock, match: ping, count: 2, ms: 3600000, back: true},\n"
               "         {kind: clock, match: avgPrice, ms: 1800000}]\n");
    cr_expect_lt(llabs(clock_off_ms()), 60000);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(api_call(&g_api, NULL, "ping", ""), 200);
    }
    cr_expect_lt(llabs(clock_off_ms() + 2 * 3600000), 60000);
    cr_expect_eq(api_call(&g_api, &api_hmac, "order.place", AN_ORDER), 400, "dated by our clock");
    cr_expect_eq(api_code(&g_api), -1021);
    cr_assert_eq(api_call(&g_api, NULL, "avgPrice", "\"symbol\":\"BTCUSDT\""), 200);
    cr_expect_lt(llabs(clock_off_ms() + 2 * 3600000 - 1800000), 60000);
}
