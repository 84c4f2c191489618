/* SPDX-License-Identifier: MIT
 *
 * Requests to the venue: each is JSON with exactly the parameters that its method and form take, exact
 * numbers, sorted for signing; what cannot be said is refused.
 */
#include "binance_orders.h"

#include "shared.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct pw_binance_values g_values = {.number = 5,
                                                  .order_id = 0x0123456789abcdef,
                                                  .cancel_id = 0xfedcba9876543210,
                                                  .venue_order_id = 4293153,
                                                  .from_trade_id = 1234567,
                                                  .price_e8 = INT64_C(5200000000000),
                                                  .qty_e8 = 1000000,
                                                  .stop_price_e8 = INT64_C(5100050000000),
                                                  .timestamp_ms = INT64_C(1645423376532),
                                                  .side = PW_SELL};

static struct pw_binance_spec spec(enum pw_binance_method method, enum pw_binance_form form)
{
    return (struct pw_binance_spec){.method = method,
                                    .form = form,
                                    .symbol = "BTCUSDT",
                                    .tick_e8 = 1000000,
                                    .step_e8 = 1000,
                                    .instance_hash = 0x0badcafe,
                                    .recv_window_ms = 5000};
}

static void expect(enum pw_binance_method method, enum pw_binance_form form, const char *wanted)
{
    struct pw_binance_request request;
    struct pw_binance_spec for_it = spec(method, form);
    cr_assert_eq(pw_binance_prepare(&request, &for_it), 0);
    cr_assert(pw_binance_fill(&request, &g_values));
    json_t *said = json_loadb(request.text, request.bytes, 0, NULL), *want = json_loads(wanted, 0, NULL);
    cr_assert_not_null(said, "%.*s", (int)request.bytes, request.text);
    cr_assert_not_null(want);
    char copy[PW_BINANCE_REQUEST_BYTES];
    cr_assert(pw_binance_write(&request, &g_values, copy));
    cr_expect_eq(memcmp(copy, request.text, request.bytes), 0, "written or filled, it is the same text");
    cr_expect(json_equal(said, want), "%.*s\nwanted %s", (int)request.bytes, request.text, wanted);
    json_decref(said);
    json_decref(want);
}

#define ID "\"id\":\"p0123456789abcdef\",\"method\":\"order.place\""
#define COMMON                                                                                               \
    "\"symbol\":\"BTCUSDT\",\"side\":\"SELL\",\"quantity\":\"0.01000\",\"recvWindow\":5000,"                 \
    "\"timestamp\":1645423376532,\"newClientOrderId\":\"pw-0badcafe-0123456789abcdef\""
#define ACK  ",\"newOrderRespType\":\"ACK\""
#define AT   ",\"price\":\"52000.00\""
#define STOP ",\"stopPrice\":\"51000.50\""

Test(orders, every_form_takes_its_own_parameters)
{
    static const char *const rest[PW_BINANCE_FORMS] = {
        [PW_BINANCE_LIMIT_GTC] = ",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\"" AT,
        [PW_BINANCE_LIMIT_IOC] = ",\"type\":\"LIMIT\",\"timeInForce\":\"IOC\"" AT,
        [PW_BINANCE_LIMIT_FOK] = ",\"type\":\"LIMIT\",\"timeInForce\":\"FOK\"" AT,
        [PW_BINANCE_LIMIT_MAKER] = ",\"type\":\"LIMIT_MAKER\"" AT,
        [PW_BINANCE_MARKET] = ",\"type\":\"MARKET\"",
        [PW_BINANCE_STOP_LOSS] = ",\"type\":\"STOP_LOSS\"" STOP,
        [PW_BINANCE_STOP_LOSS_LIMIT] = ",\"type\":\"STOP_LOSS_LIMIT\",\"timeInForce\":\"GTC\"" AT STOP,
        [PW_BINANCE_TAKE_PROFIT] = ",\"type\":\"TAKE_PROFIT\"" STOP,
        [PW_BINANCE_TAKE_PROFIT_LIMIT] = ",\"type\":\"TAKE_PROFIT_LIMIT\",\"timeInForce\":\"GTC\"" AT STOP,
    };
    for (unsigned form = 0; form < PW_BINANCE_FORMS; form++) {
        char wanted[1024];
        snprintf(wanted, sizeof wanted, "{%s,\"params\":{%s%s%s}}", ID, COMMON, ACK, rest[form]);
        expect(PW_BINANCE_PLACE, (enum pw_binance_form)form, wanted);
    }
}

#define TIMED "\"recvWindow\":5000,\"timestamp\":1645423376532"

Test(orders, every_method_says_what_it_must)
{
    expect(PW_BINANCE_TEST, PW_BINANCE_MARKET,
           "{\"id\":\"t0123456789abcdef\",\"method\":\"order.test\",\"params\":{" COMMON
           ",\"type\":\"MARKET\"}}");
    expect(PW_BINANCE_CANCEL, 0,
           "{\"id\":\"c0123456789abcdef\",\"method\":\"order.cancel\",\"params\":{\"symbol\":\"BTCUSDT\","
           "\"origClientOrderId\":\"pw-0badcafe-0123456789abcdef\",\"newClientOrderId\":\"pc-0badcafe-"
           "0123456789abcdef\"," TIMED "}}");
    expect(PW_BINANCE_CANCEL_REPLACE, PW_BINANCE_LIMIT_MAKER,
           "{\"id\":\"r0123456789abcdef\",\"method\":\"order.cancelReplace\",\"params\":{" COMMON ACK AT
           ",\"type\":\"LIMIT_MAKER\",\"cancelReplaceMode\":\"STOP_ON_FAILURE\",\"cancelOrigClientOrderId\":"
           "\"pw-0badcafe-fedcba9876543210\",\"cancelNewClientOrderId\":\"pc-0badcafe-fedcba9876543210\"}}");
    expect(PW_BINANCE_CANCEL_ALL, 0,
           "{\"id\":\"a0000000000000005\",\"method\":\"openOrders.cancelAll\",\"params\":{\"symbol\":"
           "\"BTCUSDT\"," TIMED "}}");
    expect(PW_BINANCE_ORDER_STATUS, 0,
           "{\"id\":\"q0000000000000005\",\"method\":\"order.status\",\"params\":{\"symbol\":\"BTCUSDT\","
           "\"origClientOrderId\":\"pw-0badcafe-0123456789abcdef\"," TIMED "}}");
    expect(PW_BINANCE_OPEN_ORDERS, 0,
           "{\"id\":\"o0000000000000005\",\"method\":\"openOrders.status\",\"params\":{\"symbol\":"
           "\"BTCUSDT\"," TIMED "}}");
    expect(PW_BINANCE_ACCOUNT, 0,
           "{\"id\":\"b0000000000000005\",\"method\":\"account.status\",\"params\":{\"omitZeroBalances\":"
           "true," TIMED "}}");
    expect(PW_BINANCE_SUBSCRIBE, 0,
           "{\"id\":\"u0000000000000005\",\"method\":\"userDataStream.subscribe\",\"params\":{}}");
    expect(PW_BINANCE_TRADES, 0,
           "{\"id\":\"f0000000000000005\",\"method\":\"myTrades\",\"params\":{\"symbol\":\"BTCUSDT\","
           "\"fromId\":1234567,\"limit\":1000,\"orderId\":4293153," TIMED "}}");
    expect(PW_BINANCE_TIME, 0, "{\"id\":\"n0000000000000005\",\"method\":\"time\",\"params\":{}}");
}

static void expect_payload(struct pw_binance_spec for_it, const char *wanted)
{
    struct pw_binance_request request;
    char payload[1024];
    cr_assert_eq(pw_binance_prepare(&request, &for_it), 0);
    cr_assert(pw_binance_fill(&request, &g_values));
    size_t bytes = pw_binance_payload(&request, payload, sizeof payload);
    cr_expect_eq(bytes, strlen(wanted));
    cr_expect_eq(memcmp(payload, wanted, bytes), 0, "%.*s", (int)bytes, payload);
    for (size_t size = 0; size < bytes; size++) {
        cr_assert_eq(pw_binance_payload(&request, payload, size), 0);
    }
    char signature[88];
    memset(signature, 'x', sizeof signature);
    cr_expect(!pw_binance_put_signature(&request, signature, sizeof signature - 1));
    cr_assert(pw_binance_put_signature(&request, signature, sizeof signature));
    json_t *said = json_loadb(request.text, request.bytes, 0, NULL);
    const json_t *params = json_object_get(said, "params");
    cr_expect_eq(json_string_length(json_object_get(params, "signature")), 88);
    cr_expect_str_eq(json_string_value(json_object_get(params, "apiKey")), for_it.api_key);
    json_decref(said);
}

Test(orders, what_is_signed_is_sorted_and_unpadded)
{
    struct pw_binance_spec for_it = spec(PW_BINANCE_PLACE, PW_BINANCE_LIMIT_GTC);
    for_it.api_key = "simkey";
    for_it.signature_bytes = 88;
    expect_payload(
        for_it,
        "apiKey=simkey&newClientOrderId=pw-0badcafe-0123456789abcdef&newOrderRespType=ACK&price=52000.00&"
        "quantity=0.01000&recvWindow=5000&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp="
        "1645423376532&type=LIMIT");
    for_it.method = PW_BINANCE_LOGON;
    expect_payload(for_it, "apiKey=simkey&recvWindow=5000&timestamp=1645423376532");
    for_it.method = PW_BINANCE_SUBSCRIBE_SIGNED;
    expect_payload(for_it, "apiKey=simkey&recvWindow=5000&timestamp=1645423376532");
    for_it.method = PW_BINANCE_TRADES;
    expect_payload(for_it, "apiKey=simkey&fromId=1234567&limit=1000&orderId=4293153&recvWindow=5000&symbol="
                           "BTCUSDT&timestamp=1645423376532");
    for_it.method = PW_BINANCE_OPEN_ORDERS;
    for_it.symbol = NULL;
    expect_payload(for_it, "apiKey=simkey&recvWindow=5000&timestamp=1645423376532");
}

Test(orders, a_text_is_filled_again_and_again)
{
    struct pw_binance_request request;
    struct pw_binance_spec for_it = spec(PW_BINANCE_PLACE, PW_BINANCE_LIMIT_GTC);
    cr_assert_eq(pw_binance_prepare(&request, &for_it), 0);
    struct pw_binance_values values = g_values;
    values.side = PW_BUY;
    static const struct {
        int64_t price_e8;
        const char *text;
    } rows[] = {{INT64_C(9223372036854000000), "92233720368.54"},
                {1000000, "0.01"},
                {100000000, "1.00"},
                {INT64_C(12345678000000), "123456.78"},
                {99000000, "0.99"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        values.price_e8 = rows[i].price_e8;
        cr_assert(pw_binance_fill(&request, &values));
        json_t *said = json_loadb(request.text, request.bytes, 0, NULL);
        const json_t *params = json_object_get(said, "params");
        cr_expect_str_eq(json_string_value(json_object_get(params, "price")), rows[i].text);
        cr_expect_str_eq(json_string_value(json_object_get(params, "side")), "BUY");
        json_decref(said);
    }
}

Test(orders, numbers_have_as_many_decimals_as_their_unit)
{
    static const struct {
        int64_t unit_e8, value_e8;
        const char *text;
    } rows[] = {
        {100000000, 700000000, "7"},  {0, 638, "0.00000638"},         {1, INT64_MAX, "92233720368.54775807"},
        {50000000, 150000000, "1.5"}, {1000000000, 2000000000, "20"}, {1, 1, "0.00000001"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_binance_request request;
        struct pw_binance_spec for_it = spec(PW_BINANCE_PLACE, PW_BINANCE_MARKET);
        struct pw_binance_values values = g_values;
        for_it.step_e8 = rows[i].unit_e8;
        values.qty_e8 = rows[i].value_e8;
        cr_assert_eq(pw_binance_prepare(&request, &for_it), 0);
        cr_assert(pw_binance_fill(&request, &values));
        json_t *said = json_loadb(request.text, request.bytes, 0, NULL);
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(said, "params"), "quantity")),
                         rows[i].text);
        json_decref(said);
    }
}

Test(orders, values_that_cannot_be_said_are_refused)
{
    struct pw_binance_request request;
    struct pw_binance_spec for_it = spec(PW_BINANCE_PLACE, PW_BINANCE_STOP_LOSS_LIMIT);
    cr_assert_eq(pw_binance_prepare(&request, &for_it), 0);
    struct pw_binance_values bad[8];
    for (int i = 0; i < 8; i++) {
        bad[i] = g_values;
    }
    bad[0].price_e8 = 0;
    bad[1].price_e8 = -1000000;
    bad[2].price_e8 = 1000001; /* finer than the tick */
    bad[3].qty_e8 = 0;
    bad[4].qty_e8 = 999;
    bad[5].stop_price_e8 = 0;
    bad[6].timestamp_ms = INT64_C(999999999999);
    bad[7].timestamp_ms = INT64_C(10000000000000);
    for (int i = 0; i < 8; i++) {
        char text[PW_BINANCE_REQUEST_BYTES];
        cr_expect(!pw_binance_fill(&request, &bad[i]), "row %d", i);
        cr_expect(!pw_binance_write(&request, &bad[i], text), "row %d", i);
        cr_expect_eq(pw_binance_can_say(&request, &bad[i]), i >= 6, "row %d: the time is not asked", i);
    }
    cr_expect(pw_binance_fill(&request, &g_values));
    cr_expect(pw_binance_can_say(&request, &g_values));
}

Test(orders, specs_that_contradict_themselves_are_refused)
{
    struct pw_binance_request request;
    struct pw_binance_spec good = spec(PW_BINANCE_PLACE, PW_BINANCE_LIMIT_GTC), bad[9];
    for (int i = 0; i < 9; i++) {
        bad[i] = good;
    }
    bad[0].symbol = NULL;
    bad[1].symbol = "A\"B";
    bad[2].symbol = "A\\B";
    bad[3].symbol = "A\nB";
    bad[4].recv_window_ms = 0;
    bad[5].recv_window_ms = 60001;
    bad[6].api_key = "k";
    bad[7].method = PW_BINANCE_LOGON; /* without a key */
    bad[8].form = (enum pw_binance_form)PW_BINANCE_FORMS;
    for (int i = 0; i < 9; i++) {
        cr_expect_eq(pw_binance_prepare(&request, &bad[i]), -EINVAL, "row %d", i);
    }
    char long_symbol[2000];
    memset(long_symbol, 'A', sizeof long_symbol - 1);
    long_symbol[sizeof long_symbol - 1] = '\0';
    good.symbol = long_symbol;
    cr_expect_eq(pw_binance_prepare(&request, &good), -E2BIG);
    long_symbol[300] = '\0';
    cr_expect_eq(pw_binance_prepare(&request, &good), -E2BIG);
    good.symbol = "\xef\xbc\x91\xef\xbc\x92";
    cr_expect_eq(pw_binance_prepare(&request, &good), 0, "symbols are UTF-8");
}

/* The published vectors of FNV-1a. */
Test(orders, instances_have_hashes)
{
    cr_expect_eq(pw_binance_instance_hash(""), 0x811c9dc5);
    cr_expect_eq(pw_binance_instance_hash("a"), 0xe40c292c);
    cr_expect_eq(pw_binance_instance_hash("foobar"), 0xbf9cf968);
}

Test(orders, ids_come_back_as_what_they_were_made_of)
{
    uint64_t id = 0;
    struct pw_binance_client_id made;
    char text[PW_BINANCE_CLIENT_ID_BYTES + 1];
    cr_assert(pw_binance_client_id_read("pw-0badcafe-0123456789abcdef", 28, &made));
    cr_expect(made.client_order_id == 0x0123456789abcdef && made.instance_hash == 0x0badcafe &&
              !made.is_cancel);
    pw_binance_client_id_write(&made, text);
    cr_expect_str_eq(text, "pw-0badcafe-0123456789abcdef");
    cr_assert(pw_binance_client_id_read("pc-ffffffff-ffffffffffffffff", 28, &made));
    cr_expect(made.client_order_id == UINT64_MAX && made.instance_hash == UINT32_MAX && made.is_cancel);
    pw_binance_client_id_write(&made, text);
    cr_expect_str_eq(text, "pc-ffffffff-ffffffffffffffff");
    static const char *const foreign[] = {"",
                                          "pw-1",
                                          "pw-0123456789abcdef",
                                          "pw-0badcafe-0123456789abcdeF",
                                          "pw-0badcafE-0123456789abcdef",
                                          "px-0badcafe-0123456789abcdef",
                                          "qw-0badcafe-0123456789abcdef",
                                          "pw_0badcafe-0123456789abcdef",
                                          "pw-0badcafe_0123456789abcdef",
                                          "pw-0badcafe-0123456789abcdef0",
                                          "pw-0badcafe-0123456789abcde",
                                          "pw-0badcafe-0123456789abcde:"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        cr_expect(!pw_binance_client_id_read(foreign[i], strlen(foreign[i]), &made), "%s", foreign[i]);
    }
    for (unsigned method = 0; method < PW_BINANCE_METHODS; method++) {
        struct pw_binance_request request;
        struct pw_binance_spec for_it = spec((enum pw_binance_method)method, PW_BINANCE_MARKET);
        for_it.api_key = "simkey";
        for_it.signature_bytes = 64;
        enum pw_binance_method found = PW_BINANCE_METHODS;
        cr_assert_eq(pw_binance_prepare(&request, &for_it), 0);
        cr_assert(pw_binance_fill(&request, &g_values));
        cr_assert(pw_binance_request_id(request.text + 7, 17, &found, &id));
        cr_expect_eq(found, method);
        cr_expect(id == g_values.order_id || id == g_values.number);
    }
    enum pw_binance_method method;
    cr_expect(!pw_binance_request_id("z0123456789abcdef", 17, &method, &id));
    cr_expect(!pw_binance_request_id("p0123456789abcde", 16, &method, &id));
}

Test(orders, weights_are_the_venues)
{
    cr_expect_eq(pw_binance_method_weight(PW_BINANCE_OPEN_ORDERS, true), 6);
    cr_expect_eq(pw_binance_method_weight(PW_BINANCE_OPEN_ORDERS, false), 80);
    cr_expect_eq(pw_binance_method_weight(PW_BINANCE_PLACE, true), 1);
    cr_expect_eq(pw_binance_method_weight(PW_BINANCE_ORDER_STATUS, true), 4);
    cr_expect_eq(pw_binance_method_weight(PW_BINANCE_ACCOUNT, false), 20);
    cr_expect_eq(pw_binance_method_weight(PW_BINANCE_TRADES, true), 5);
}
