/* SPDX-License-Identifier: MIT
 *
 * Trading over the venue's REST, by OpenSSL's client and OpenSSL's HMAC: what is answered, what is refused
 * and with which code, and that the public market shows it.
 */
#include "host.h"
#include "sim_program.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char g_secret[] = "simulatedsecret";
static const char g_yaml[] =
    "market:\n"
    "  seed: 7\n"
    "  instruments:\n"
    "    - {symbol: BTCUSDT, price: \"61500\", tick: \"0.01\", step: \"0.00001\", volatility_ppm: 0}\n"
    "accounts:\n"
    "  - api_key: simkey\n"
    "    secret: simulatedsecret\n"
    "    balances: [{asset: USDT, free: \"100000\"}, {asset: BTC, free: \"1\"}]\n"
    "limits: {weight_per_min: 0}\n";

static struct venue g_venue;
static struct peer g_peer;
static json_t *g_json;

/* The same with a reference price, of which the filters and a price range are. */
static const char g_yaml_referred[] =
    "market:\n"
    "  seed: 7\n"
    "  instruments:\n"
    "    - {symbol: BTCUSDT, price: \"61500\", tick: \"0.01\", step: \"0.00001\", volatility_ppm: 0,\n"
    "       reference_price: \"60000\", avg_price_mins: 1, bid_multiplier_up: \"1.1\",\n"
    "       ask_multiplier_down: \"0.95\", bid_limit_up: \"1.02\"}\n"
    "accounts:\n"
    "  - api_key: simkey\n"
    "    secret: simulatedsecret\n"
    "    balances: [{asset: USDT, free: \"100000\"}, {asset: BTC, free: \"1\"}]\n"
    "limits: {weight_per_min: 0}\n";

static void open_yaml(const char *yaml)
{
    venue_open(&g_venue, yaml);
    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
}

static void open_market(void)
{
    open_yaml(g_yaml);
}

static void open_referred(void)
{
    open_yaml(g_yaml_referred);
}

static void close_market(void)
{
    json_decref(g_json);
    peer_close(&g_peer);
    venue_close(&g_venue);
}

static long long now_ms(void)
{
    return pw_clock_read_ns(CLOCK_REALTIME) / 1000000;
}

static void sign(const char *payload, char *hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    cr_assert_not_null(HMAC(EVP_sha256(), g_secret, sizeof g_secret - 1, (const unsigned char *)payload,
                            strlen(payload), digest, &size));
    for (unsigned i = 0; i < size; i++) {
        sprintf(hex + 2 * i, "%02x", digest[i]);
    }
}

/* One request as it stands; the answer's status, its JSON in g_json. */
static int send_raw(const char *method, const char *target, const char *key, const char *form)
{
    char request[4096];
    int status,
        size = snprintf(request, sizeof request,
                        "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\nContent-Length: %zu\r\n\r\n%s", method,
                        target, key ? "X-MBX-APIKEY: " : "X-Nothing: ", key ? key : "-", strlen(form), form);

    peer_write(&g_peer, request, (size_t)size);
    status = peer_answer(&g_peer);
    json_decref(g_json);
    g_json = json_loadb(g_peer.text, g_peer.text_bytes, 0, NULL);
    cr_assert_not_null(g_json, "%s", g_peer.text);
    return status;
}

/* With time and signature: POST in the body, as ccxt does, the others in the query. */
static int call(const char *method, const char *path, const char *parameters)
{
    char payload[1024], hex[65], text[1200], target[1400];
    bool form = strcmp(method, "POST") == 0;

    snprintf(payload, sizeof payload, "%s%stimestamp=%lld", parameters, *parameters ? "&" : "", now_ms());
    sign(payload, hex);
    snprintf(text, sizeof text, "%s&signature=%s", payload, hex);
    snprintf(target, sizeof target, "/api/v3/%s%s%s", path, form ? "" : "?", form ? "" : text);
    return send_raw(method, target, "simkey", form ? text : "");
}

static const char *string_of(const char *name)
{
    const char *text = json_string_value(json_object_get(g_json, name));

    return text ? text : "";
}

static int code(void)
{
    return (int)json_integer_value(json_object_get(g_json, "code"));
}

static double balance(const char *asset, const char *kind)
{
    json_t *entry;
    size_t i;

    cr_assert_eq(call("GET", "account", ""), 200);
    json_array_foreach(json_object_get(g_json, "balances"), i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "asset")), asset) == 0) {
            return strtod(json_string_value(json_object_get(entry, kind)), NULL);
        }
    }
    return -1;
}

TestSuite(trading, .init = open_market, .fini = close_market);
TestSuite(referred, .init = open_referred, .fini = close_market);

#define BUY  "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
#define SELL "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC"

static const struct {
    const char *method, *path, *parameters;
    int status, code;
} g_refused[] = {
    {"POST", "order", BUY "&quantity=0.01&price=60000.001", 400, -1013},
    {"POST", "order", BUY "&quantity=0.000011&price=60000", 400, -1013},
    {"POST", "order", BUY "&quantity=0.00001&price=60000", 400, -1013},
    {"POST", "order", BUY "&quantity=0.01&price=600000", 400, -1013},
    {"POST", "order", BUY "&quantity=0.01&price=60000.000000001", 400, -1111},
    {"POST", "order", BUY "&quantity=1e-2&price=60000", 400, -1100},
    {"POST", "order", BUY "&quantity=-1&price=60000", 400, -1100},
    {"POST", "order", BUY "&quantity=0.01", 400, -1102},
    {"POST", "order", BUY "&quantity=0.01&price=60000&foo=1", 400, -1104},
    {"POST", "order", BUY "&quantity=0.01&price=60000&newClientOrderId=a%22b", 400, -1100},
    {"POST", "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&price=60000", 400, -1102},
    {"POST", "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=1", 400, -1115},
    {"POST", "order", "symbol=BTCUSDT&side=BUY&type=STOP_LOSS&quantity=0.01", 400, -1102},
    {"POST", "order", "symbol=BTCUSDT&side=BUY&type=STOP&quantity=0.01", 400, -1116},
    {"POST", "order", "symbol=BTCUSDT&side=HOLD&type=MARKET&quantity=0.01", 400, -1117},
    {"POST", "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&price=1", 400, -1106},
    {"POST", "order", "symbol=NOUSDT&side=BUY&type=MARKET&quantity=0.01", 400, -1121},
    {"POST", "order", "symbol=BTCUSDT&side=SELL&type=LIMIT_MAKER&quantity=0.01&price=50000", 400, -2010},
    {"POST", "order", BUY "&quantity=2&price=60000", 400, -2010},
    {"POST", "order", SELL "&quantity=1.1&price=62000", 400, -2010},
    {"POST", "order/test", SELL "&quantity=1.1&price=62000", 400, -2010},
    {"GET", "order", "symbol=BTCUSDT&orderId=1", 400, -2013},
    {"GET", "order", "symbol=BTCUSDT", 400, -1102},
    {"DELETE", "order", "symbol=BTCUSDT&origClientOrderId=never", 400, -2011},
    {"DELETE", "openOrders", "symbol=BTCUSDT", 400, -2011},
    {"PUT", "order", "symbol=BTCUSDT", 405, -1020},
};

Test(trading, what_cannot_be_done_is_refused_with_the_venue_s_code_and_changes_nothing)
{
    for (size_t i = 0; i < sizeof g_refused / sizeof g_refused[0]; i++) {
        cr_expect_eq(call(g_refused[i].method, g_refused[i].path, g_refused[i].parameters),
                     g_refused[i].status, "%s", g_refused[i].parameters);
        cr_expect_eq(code(), g_refused[i].code, "%s: %s", g_refused[i].parameters, g_peer.text);
    }
    cr_expect_eq(call("POST", "order/test", BUY "&quantity=0.01&price=60000"), 200);
    cr_expect_eq(json_object_size(g_json), 0);
    cr_expect_eq(balance("USDT", "free"), 100000);
    cr_expect_eq(balance("USDT", "locked"), 0);
    cr_expect_eq(balance("BTC", "free"), 1);
}

Test(trading, keys_signatures_and_times_are_checked)
{
    char target[512], payload[256], hex[65];
    static const struct {
        long long offset_ms, window_ms;
        int status, code;
    } times[] = {{0, 5000, 200, 0},        {-4000, 5000, 200, 0},   {-7000, 5000, 400, -1021},
                 {5000, 5000, 400, -1021}, {-20000, 30000, 200, 0}, {0, 60001, 400, -1131}};

    cr_expect_eq(send_raw("GET", "/api/v3/account?timestamp=1&signature=00", NULL, ""), 401);
    cr_expect_eq(code(), -2014);
    cr_expect_eq(send_raw("GET", "/api/v3/account?timestamp=1&signature=00", "other", ""), 401);
    cr_expect_eq(code(), -2015);
    cr_expect_eq(send_raw("GET", "/api/v3/account?timestamp=1", "simkey", ""), 400);
    cr_expect_eq(code(), -1102);
    snprintf(target, sizeof target, "/api/v3/account?timestamp=%lld&signature=%064d", now_ms(), 0);
    cr_expect_eq(send_raw("GET", target, "simkey", ""), 400);
    cr_expect_eq(code(), -1022);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        snprintf(payload, sizeof payload, "recvWindow=%lld&timestamp=%lld", times[i].window_ms,
                 now_ms() + times[i].offset_ms);
        sign(payload, hex);
        snprintf(target, sizeof target, "/api/v3/account?%s&signature=%s", payload, hex);
        cr_expect_eq(send_raw("GET", target, "simkey", ""), times[i].status, "%zu", i);
        cr_expect_eq(code(), times[i].code, "%zu: %s", i, g_peer.text);
    }
}

Test(trading, query_and_body_are_signed_as_one_text)
{
    char payload[512], hex[65], form[512];
    long long time_ms = now_ms();

    snprintf(payload, sizeof payload, BUY "quantity=0.01&price=60000&timestamp=%lld", time_ms);
    sign(payload, hex);
    snprintf(form, sizeof form, "quantity=0.01&price=60000&timestamp=%lld&signature=%s", time_ms, hex);
    cr_expect_eq(send_raw("POST", "/api/v3/order?" BUY, "simkey", form), 200, "%s", g_peer.text);
    cr_expect_str_eq(string_of("status"), "NEW");
}

Test(trading, a_resting_order_is_in_the_public_book_until_it_is_canceled)
{
    long long order_id;

    cr_assert_eq(call("POST", "order", BUY "&quantity=0.4321&price=61000.01&newClientOrderId=mine"), 200);
    cr_expect_str_eq(string_of("status"), "NEW");
    cr_expect_eq(json_array_size(json_object_get(g_json, "fills")), 0);
    order_id = json_integer_value(json_object_get(g_json, "orderId"));
    cr_expect_eq(balance("USDT", "locked"), 26358.104321);
    cr_expect_eq(peer_get(&g_peer, "/api/v3/depth?symbol=BTCUSDT&limit=5000"), 200);
    cr_expect_not_null(strstr(g_peer.text, "[\"61000.01000000\",\"0."));

    cr_expect_eq(call("POST", "order", BUY "&quantity=0.01&price=61000&newClientOrderId=mine"), 400);
    cr_expect_eq(code(), -2010);
    cr_expect_str_eq(string_of("msg"), "Duplicate order sent.");
    cr_expect_eq(call("GET", "openOrders", "symbol=BTCUSDT"), 200);
    cr_expect_eq(json_array_size(g_json), 1);
    cr_expect_eq(call("GET", "order", "symbol=BTCUSDT&origClientOrderId=mine"), 200);
    cr_expect_eq(json_integer_value(json_object_get(g_json, "orderId")), order_id);

    cr_expect_eq(call("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=mine&newClientOrderId=end"), 200);
    cr_expect_str_eq(string_of("status"), "CANCELED");
    cr_expect_str_eq(string_of("origClientOrderId"), "mine");
    cr_expect_str_eq(string_of("clientOrderId"), "end");
    cr_expect_eq(call("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=mine"), 400);
    cr_expect_eq(code(), -2011);
    cr_expect_eq(balance("USDT", "free"), 100000);
    cr_expect_eq(call("POST", "order", BUY "&quantity=0.01&price=61000&newClientOrderId=mine"), 200);
    cr_expect_eq(call("POST", "order", BUY "&quantity=0.01&price=61000"), 200);
    cr_expect_eq(call("DELETE", "openOrders", "symbol=BTCUSDT"), 200);
    cr_expect_eq(json_array_size(g_json), 2);
}

Test(trading, an_order_that_takes_is_filled_paid_and_seen_by_the_public)
{
    struct peer stream;
    double paid, got, fee;
    long long trade_id;
    char wanted[64];

    cr_assert(peer_open(&stream, venue_tls(&g_venue)));
    cr_assert_eq(peer_upgrade(&stream, "/ws/btcusdt@trade"), 101);
    cr_assert_eq(call("POST", "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1"), 200);
    cr_expect_str_eq(string_of("status"), "FILLED");
    cr_expect_str_eq(string_of("executedQty"), "0.10000000");
    paid = strtod(string_of("cummulativeQuoteQty"), NULL);
    json_t *fill = json_array_get(json_object_get(g_json, "fills"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(fill, "commissionAsset")), "BTC");
    trade_id = json_integer_value(json_object_get(fill, "tradeId"));
    snprintf(wanted, sizeof wanted, "\"t\":%lld,", trade_id);
    do {
        cr_assert_eq(peer_hear_data(&stream, 5000), 1);
    } while (!strstr(stream.text, wanted));
    peer_close(&stream);

    cr_expect_float_eq(balance("USDT", "free"), 100000 - paid, 1e-7);
    got = balance("BTC", "free") - 1;
    cr_expect_eq(call("GET", "myTrades", "symbol=BTCUSDT"), 200);
    fee = 0;
    for (size_t i = 0; i < json_array_size(g_json); i++) {
        json_t *trade = json_array_get(g_json, i);
        fee += strtod(json_string_value(json_object_get(trade, "commission")), NULL);
        cr_expect(json_is_true(json_object_get(trade, "isBuyer")));
        cr_expect(json_is_false(json_object_get(trade, "isMaker")));
    }
    cr_expect_float_eq(got, 0.1 - fee, 1e-10);
    cr_expect(fee > 0.0000999 && fee < 0.0001001);
}

Test(trading, what_ioc_and_fok_leave_over_expires)
{
    cr_assert_eq(
        call("POST", "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=FOK&quantity=0.1&price=50000"),
        200);
    cr_expect_str_eq(string_of("status"), "EXPIRED");
    cr_assert_eq(call("POST", "order",
                      "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.1&price=50000"
                      "&newOrderRespType=RESULT"),
                 200);
    cr_expect_str_eq(string_of("status"), "EXPIRED");
    cr_expect_null(json_object_get(g_json, "fills"));
    cr_assert_eq(call("POST", "order", SELL "&quantity=0.1&price=70000&newOrderRespType=ACK"), 200);
    cr_expect_null(json_object_get(g_json, "status"));
    cr_expect_eq(balance("USDT", "free"), 100000);
    cr_expect_float_eq(balance("BTC", "locked"), 0.1, 1e-10);
}

/* cases/21-reference-price-of-filters: what the venue says of its price is what it judges by; of the range,
 * too. */
Test(referred, the_reference_price_is_told_and_judged_by)
{
    json_t *rule;

    cr_assert_eq(send_raw("GET", "/api/v3/referencePrice?symbol=BTCUSDT", NULL, ""), 200);
    cr_expect_str_eq(string_of("symbol"), "BTCUSDT");
    cr_expect_str_eq(string_of("referencePrice"), "60000.00000000");
    cr_expect(json_is_integer(json_object_get(g_json, "timestamp")));
    cr_assert_eq(send_raw("GET", "/api/v3/referencePrice/calculation?symbol=BTCUSDT", NULL, ""), 200);
    cr_expect_str_eq(string_of("calculationType"), "EXTERNAL");
    cr_assert_eq(send_raw("GET", "/api/v3/avgPrice?symbol=BTCUSDT", NULL, ""), 200);
    cr_expect_eq(json_integer_value(json_object_get(g_json, "mins")), 1);
    cr_assert_eq(send_raw("GET", "/api/v3/executionRules", NULL, ""), 200);
    rule = json_array_get(json_object_get(json_array_get(json_object_get(g_json, "symbolRules"), 0), "rules"),
                          0);
    cr_expect_eq(json_object_size(rule), 2, "a multiplier that is not set is not there");
    cr_expect_str_eq(json_string_value(json_object_get(rule, "bidLimitMultUp")), "1.02000000");
    cr_assert_eq(call("POST", "order", BUY "&quantity=0.01&price=66000.01"), 400);
    cr_expect_str_eq(string_of("msg"), "Filter failure: PERCENT_PRICE_BY_SIDE");
    cr_assert_eq(call("POST", "order", SELL "&quantity=0.01&price=56999.99"), 400);
    cr_expect_str_eq(string_of("msg"), "Filter failure: PERCENT_PRICE_BY_SIDE");
    cr_assert_eq(call("POST", "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.00008"), 400);
    cr_expect_str_eq(string_of("msg"), "Filter failure: NOTIONAL", "4.8 by that price, 4.92 by the market");
    cr_assert_eq(call("POST", "order", BUY "&quantity=0.5&price=66000&newClientOrderId=far"), 200);
    cr_expect_str_eq(string_of("status"), "EXPIRED", "all asks are above 61200");
    cr_expect_str_eq(string_of("expiryReason"), "EXECUTION_RULE_PRICE_RANGE_EXCEEDED");
    cr_assert_eq(call("GET", "order", "symbol=BTCUSDT&origClientOrderId=far"), 200);
    cr_expect_str_eq(string_of("expiryReason"), "EXECUTION_RULE_PRICE_RANGE_EXCEEDED");
    cr_assert_eq(call("POST", "order", SELL "&quantity=0.01&price=57000"), 200);
    cr_expect_str_eq(string_of("status"), "FILLED", "sells have no range");
}

/* ---- orders that wait ---- */

/* A buyer who takes the best ask and rests in its place, and a seller of the same account who meets him
 * unless somebody else was faster. What was prevented. */
static double meet_oneself(void)
{
    char text[256];

    cr_assert_eq(send_raw("GET", "/api/v3/ticker/bookTicker?symbol=BTCUSDT", NULL, ""), 200);
    double price = strtod(string_of("askPrice"), NULL), qty = strtod(string_of("askQty"), NULL);
    snprintf(text, sizeof text, BUY "&quantity=%.5f&price=%.2f&newClientOrderId=rests", qty + 0.2, price);
    cr_assert_eq(call("POST", "order", text), 200, "%s", g_peer.text);
    snprintf(
        text, sizeof text,
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=IOC&quantity=0.01&price=%.2f&newClientOrderId=takes"
        "&selfTradePreventionMode=DECREMENT&newOrderRespType=RESULT",
        price);
    cr_assert_eq(call("POST", "order", text), 200, "%s", g_peer.text);
    cr_expect_str_eq(string_of("selfTradePreventionMode"), "DECREMENT");
    return strtod(string_of("preventedQuantity"), NULL);
}

/* cases/20-prevented-quantity: the order goes on with less, and holds less; who asks for it is told both. */
Test(trading, a_query_tells_what_was_prevented_of_an_order)
{
    double prevented = 0;

    for (int tries = 0; tries < 20 && prevented == 0; tries++) {
        prevented = meet_oneself();
        if (prevented == 0) {
            call("DELETE", "openOrders", "symbol=BTCUSDT");
        }
    }
    cr_assert_gt(prevented, 0);
    cr_expect_eq(call("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=rests"), 200, "%s", g_peer.text);
    cr_expect_float_eq(strtod(string_of("preventedQuantity"), NULL), prevented, 1e-9);
    cr_expect_eq(call("GET", "order", "symbol=BTCUSDT&origClientOrderId=rests"), 200);
    cr_expect_float_eq(strtod(string_of("preventedQuantity"), NULL), prevented, 1e-9);
    cr_expect_gt(json_integer_value(json_object_get(g_json, "preventedMatchId")), 0);
    cr_expect_lt(strtod(string_of("executedQty"), NULL) + prevented, strtod(string_of("origQty"), NULL));
    cr_expect_eq(balance("USDT", "locked"), 0);
}

#define STOP(side, type) "symbol=BTCUSDT&side=" side "&type=" type "&quantity=0.01"

/* Against a last price near 61500. */
static const struct {
    const char *parameters;
    int status, code;
} g_stops[] = {
    {STOP("SELL", "STOP_LOSS") "&stopPrice=63000", 400, -2010},
    {STOP("BUY", "STOP_LOSS") "&stopPrice=60000", 400, -2010},
    {STOP("SELL", "TAKE_PROFIT") "&stopPrice=60000", 400, -2010},
    {STOP("BUY", "TAKE_PROFIT") "&stopPrice=63000", 400, -2010},
    {STOP("SELL", "STOP_LOSS") "&stopPrice=60000", 200, 0},
    {STOP("BUY", "STOP_LOSS") "&stopPrice=63000", 200, 0},
    {STOP("SELL", "TAKE_PROFIT") "&stopPrice=63000", 200, 0},
    {STOP("BUY", "TAKE_PROFIT_LIMIT") "&stopPrice=60000&price=60000&timeInForce=GTC", 200, 0},
    {STOP("SELL", "STOP_LOSS_LIMIT") "&stopPrice=60000&price=59000&timeInForce=IOC", 200, 0},
    {STOP("SELL", "STOP_LOSS") "&stopPrice=60000.001", 400, -1013},
    {STOP("SELL", "STOP_LOSS") "&stopPrice=60000&price=1", 400, -1106},
    {STOP("SELL", "STOP_LOSS") "&trailingDelta=100", 400, -2010},
    {STOP("SELL", "STOP_LOSS_LIMIT") "&stopPrice=60000&price=59000", 400, -1102},
    {STOP("SELL", "LIMIT") "&price=62000&timeInForce=GTC&stopPrice=60000", 400, -1106},
    {STOP("SELL", "LIMIT") "&price=62000&timeInForce=GTC&trailingDelta=100", 400, -1106},
    {STOP("SELL", "LIMIT") "&price=62000&timeInForce=GTC&icebergQty=0.001", 400, -2010},
    {STOP("SELL", "MARKET") "&quoteOrderQty=100", 400, -1128},
    {STOP("SELL", "LIMIT") "&price=62000&timeInForce=GTC&quoteOrderQty=100", 400, -1106},
    {STOP("SELL", "MARKET") "&selfTradePreventionMode=EXPIRE_ALL", 400, -2010},
};

Test(trading, stops_wait_on_their_side_of_the_market_and_are_refused_on_the_other)
{
    cr_assert_eq(call("POST", "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001"), 200);
    for (size_t i = 0; i < sizeof g_stops / sizeof g_stops[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s&newOrderRespType=RESULT", g_stops[i].parameters);
        cr_expect_eq(call("POST", "order", text), g_stops[i].status, "%s: %s", text, g_peer.text);
        cr_expect_eq(code(), g_stops[i].code, "%s: %s", text, g_peer.text);
        if (g_stops[i].status == 200) {
            cr_expect_str_eq(string_of("status"), "NEW");
            cr_expect_eq(json_integer_value(json_object_get(g_json, "workingTime")), -1);
        }
    }
    cr_expect_eq(call("GET", "openOrders", ""), 200);
    cr_expect_eq(json_array_size(g_json), 5);
    cr_expect(json_is_false(json_object_get(json_array_get(g_json, 0), "isWorking")));
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(g_json, 0), "stopPrice")),
                     "60000.00000000");
    cr_expect_eq(call("POST", "order", STOP("SELL", "STOP_LOSS") "&stopPrice=60000"), 400);
    cr_expect_str_eq(string_of("msg"), "Filter failure: MAX_NUM_ALGO_ORDERS");
    cr_expect_eq(call("DELETE", "openOrders", "symbol=BTCUSDT"), 200);
    cr_expect_eq(json_array_size(g_json), 5);
    cr_expect_eq(balance("USDT", "locked"), 0);
    cr_expect_eq(balance("BTC", "locked"), 0);
}

Test(trading, a_value_is_spent_as_far_as_whole_steps_go)
{
    double value, qty;

    cr_assert_eq(call("POST", "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=1000"), 200);
    value = strtod(string_of("cummulativeQuoteQty"), NULL);
    qty = strtod(string_of("executedQty"), NULL);
    cr_expect_str_eq(string_of("origQuoteOrderQty"), "1000.00000000");
    cr_expect_str_eq(string_of("status"), "FILLED");
    cr_expect(value <= 1000 && value > 1000 - 2 * 0.00001 * 61500, "%f for %f", value, qty);
    cr_expect_eq(call("POST", "order", "symbol=BTCUSDT&side=SELL&type=MARKET&quoteOrderQty=4"), 400);
    cr_expect_str_eq(string_of("msg"), "Filter failure: NOTIONAL");
}

Test(trading, what_is_all_gone_can_be_left_out_of_the_account)
{
    cr_assert_eq(call("POST", "order", "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1"), 200);
    cr_expect_str_eq(string_of("status"), "FILLED");
    cr_expect_eq(call("GET", "account", ""), 200);
    cr_expect_eq(json_array_size(json_object_get(g_json, "balances")), 2);
    cr_expect_eq(call("GET", "account", "omitZeroBalances=true"), 200);
    cr_expect_eq(json_array_size(json_object_get(g_json, "balances")), 1);
}

/* ---- replacing ---- */

#define REPLACE(mode) BUY "&quantity=0.01&cancelReplaceMode=" mode
/* That would match. */
#define MAKER(mode)                                                                                          \
    "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.01&price=70000&cancelReplaceMode=" mode

static const struct {
    const char *parameters;
    int status, code;
    const char *canceled, *placed; /* NULL: refused before either was tried */
    int open_cnt;                  /* afterwards, of one order before */
} g_replacements[] = {
    {REPLACE("STOP_ON_FAILURE") "&price=60000&cancelOrigClientOrderId=first", 200, 0, "SUCCESS", "SUCCESS",
     1},
    {REPLACE("STOP_ON_FAILURE") "&price=60000&cancelOrigClientOrderId=never", 400, -2022, "FAILURE",
     "NOT_ATTEMPTED", 1},
    {REPLACE("ALLOW_FAILURE") "&price=60000&cancelOrigClientOrderId=never", 409, -2021, "FAILURE", "SUCCESS",
     2},
    {REPLACE("ALLOW_FAILURE") "&price=60000.001&cancelOrigClientOrderId=never", 400, -1013, NULL, NULL, 1},
    {REPLACE("STOP_ON_FAILURE") "&price=60000.001&cancelOrigClientOrderId=first", 400, -1013, NULL, NULL, 1},
    {MAKER("ALLOW_FAILURE") "&cancelOrigClientOrderId=never", 400, -2022, "FAILURE", "FAILURE", 1},
    {MAKER("STOP_ON_FAILURE") "&cancelOrigClientOrderId=first", 409, -2021, "SUCCESS", "FAILURE", 0},
    {REPLACE("STOP_ON_FAILURE") "&price=60000&cancelRestrictions=ONLY_PARTIALLY_FILLED"
                                "&cancelOrigClientOrderId=first",
     400, -2022, "FAILURE", "NOT_ATTEMPTED", 1},
};

static const char *half(json_t *data, const char *name)
{
    const char *text = json_string_value(json_object_get(data, name));

    return text ? text : "";
}

static void expect_open_and_cancel(int open_cnt)
{
    cr_expect_eq(call("GET", "openOrders", "symbol=BTCUSDT"), 200);
    cr_expect_eq((int)json_array_size(g_json), open_cnt);
    call("DELETE", "openOrders", "symbol=BTCUSDT");
}

Test(trading, a_replacement_tells_of_both_its_halves)
{
    for (size_t i = 0; i < sizeof g_replacements / sizeof g_replacements[0]; i++) {
        json_t *data;
        cr_assert_eq(call("POST", "order", BUY "&quantity=0.01&price=60000&newClientOrderId=first"), 200);
        cr_expect_eq(call("POST", "order/cancelReplace", g_replacements[i].parameters),
                     g_replacements[i].status, "%zu: %s", i, g_peer.text);
        cr_expect_eq(code(), g_replacements[i].code, "%zu: %s", i, g_peer.text);
        data = g_replacements[i].code ? json_object_get(g_json, "data") : g_json;
        if (!g_replacements[i].canceled) {
            cr_expect_null(data);
            expect_open_and_cancel(g_replacements[i].open_cnt);
            continue;
        }
        cr_expect_str_eq(half(data, "cancelResult"), g_replacements[i].canceled, "%zu", i);
        cr_expect_str_eq(half(data, "newOrderResult"), g_replacements[i].placed, "%zu", i);
        cr_expect(json_is_object(json_object_get(data, "cancelResponse")));
        cr_expect_eq(json_is_null(json_object_get(data, "newOrderResponse")),
                     strcmp(g_replacements[i].placed, "NOT_ATTEMPTED") == 0);
        expect_open_and_cancel(g_replacements[i].open_cnt);
    }
    cr_expect_eq(call("POST", "order/cancelReplace", REPLACE("STOP_ON_FAILURE") "&price=60000"), 400);
    cr_expect_eq(code(), -1102);
}

/* ---- looking back ---- */

Test(trading, all_orders_are_listed_from_an_id_on_or_the_last_ones)
{
    char text[128];
    long long third = 0;

    for (int i = 0; i < 5; i++) {
        cr_assert_eq(call("POST", "order", BUY "&quantity=0.01&price=60000"), 200);
        third = i == 2 ? json_integer_value(json_object_get(g_json, "orderId")) : third;
    }
    cr_assert_eq(call("DELETE", "openOrders", "symbol=BTCUSDT"), 200);
    cr_expect_eq(call("GET", "allOrders", "symbol=BTCUSDT"), 200);
    cr_expect_eq(json_array_size(g_json), 5);
    snprintf(text, sizeof text, "symbol=BTCUSDT&orderId=%lld&limit=2", third);
    cr_expect_eq(call("GET", "allOrders", text), 200);
    cr_expect_eq(json_array_size(g_json), 2);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(g_json, 0), "orderId")), third);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(g_json, 0), "status")), "CANCELED");
    cr_expect_eq(call("GET", "allOrders", "symbol=BTCUSDT&limit=1"), 200);
    cr_expect_gt(json_integer_value(json_object_get(json_array_get(g_json, 0), "orderId")), third);
    cr_expect_eq(call("GET", "allOrders", "symbol=BTCUSDT&startTime=1000&endTime=2000"), 200);
    cr_expect_eq(json_array_size(g_json), 0);
    cr_expect_eq(call("GET", "allOrders", "symbol=BTCUSDT&startTime=1000&endTime=99999999"), 400);
    cr_expect_eq(code(), -1127);
}

Test(trading, fees_are_told_as_they_are_taken)
{
    cr_expect_eq(call("GET", "account/commission", "symbol=BTCUSDT"), 200);
    cr_expect_str_eq(half(json_object_get(g_json, "standardCommission"), "maker"), "0.00100000");
    cr_expect_eq(call("POST", "order/test", BUY "&quantity=0.01&price=60000&computeCommissionRates=true"),
                 200);
    cr_expect_str_eq(half(json_object_get(g_json, "standardCommissionForOrder"), "taker"), "0.00100000");
}

/* ---- the limits on orders ---- */

static const char g_few[] =
    "market:\n"
    "  instruments:\n"
    "    - {symbol: BTCUSDT, price: \"61500\", volatility_ppm: 0}\n"
    "accounts:\n"
    "  - {api_key: simkey, secret: simulatedsecret, self_trade_prevention: DECREMENT,\n"
    "     balances: [{asset: USDT, free: \"100000\"}]}\n"
    "limits: {weight_per_min: 0, orders_per_day: 5}\n";

/* Places orders until one is refused; how many were taken. Midnight may come between, once. */
static int placed_until_refused(void)
{
    int placed = 0;

    while (placed < 11 && call("POST", "order", BUY "&quantity=0.01&price=60000") == 200) {
        placed++;
        cr_expect_geq(atoi(peer_header(&g_peer, "X-MBX-ORDER-COUNT-1D")), 1);
        cr_expect_geq(atoi(peer_header(&g_peer, "X-MBX-ORDER-COUNT-10S")), 1);
    }
    return placed;
}

Test(limits, orders_that_are_not_filled_are_counted_and_limited)
{
    int placed;

    venue_open(&g_venue, g_few);
    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    placed = placed_until_refused();
    call("GET", "openOrders", "");
    cr_expect_str_eq(half(json_array_get(g_json, 0), "selfTradePreventionMode"), "DECREMENT",
                     "the account's own, of an order that says none");
    cr_expect_eq(call("POST", "order", BUY "&quantity=0.01&price=60000"), 429);
    cr_expect(placed >= 5 && placed <= 10, "%d", placed);
    cr_expect_eq(code(), -1015);
    cr_expect_gt(atoi(peer_header(&g_peer, "Retry-After")), 0);
    cr_expect_eq(call("POST", "order/cancelReplace",
                      REPLACE("STOP_ON_FAILURE") "&price=60000&cancelOrigClientOrderId=never"
                                                 "&orderRateLimitExceededMode=CANCEL_ONLY"),
                 400);
    cr_expect_eq(code(), -2022, "%s", g_peer.text);
    cr_expect_eq(call("GET", "rateLimit/order", ""), 200);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(g_json, 1), "limit")), 5);
    cr_expect_leq(json_integer_value(json_object_get(json_array_get(g_json, 1), "count")), 6,
                  "the one that was not attempted counts, too");
    cr_expect_eq(call("DELETE", "openOrders", "symbol=BTCUSDT"), 200, "cancels are never counted");
    cr_expect_eq((int)json_array_size(g_json), placed);
    close_market();
}
