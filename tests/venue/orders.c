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

static const struct pw_entry_values g_values = {.number = 5,
                                                .order_id = 0x0123456789abcdef,
                                                .replaces_id = 0xfedcba9876543210,
                                                .venue_order_id = 4293153,
                                                .from_trade_id = 1234567,
                                                .price_e8 = INT64_C(5200000000000),
                                                .qty_e8 = 1000000,
                                                .stop_price_e8 = INT64_C(5100050000000),
                                                .timestamp_ns = INT64_C(1645423376532999999),
                                                .side = PW_SELL};

static struct pw_entry_spec spec(enum pw_entry_kind kind, enum pw_binance_form form)
{
    return (struct pw_entry_spec){.kind = kind,
                                  .form = form,
                                  .symbol = "BTCUSDT",
                                  .tick_e8 = 1000000,
                                  .step_e8 = 1000,
                                  .instance_hash = 0x0badcafe,
                                  .window_ms = 5000};
}

/* A prepared request, and its text as it goes out. */
struct filled {
    struct pw_binance_request prepared;
    uint32_t bytes;
    char text[PW_BINANCE_TEXT_BYTES];
};

static int prepare(struct filled *to, const struct pw_entry_spec *for_it)
{
    int error = pw_binance_prepare(&to->prepared.head, for_it);
    to->bytes = to->prepared.head.bytes;
    return error;
}

static bool fill(struct filled *to, const struct pw_entry_values *values)
{
    return pw_binance_write(&to->prepared.head, values, to->text);
}

static size_t payload_of(const struct filled *from, char *payload, size_t size)
{
    return pw_binance_payload(&from->prepared.head, from->text, payload, size);
}

static bool put_signature(struct filled *to, const char *signature, size_t bytes)
{
    return pw_binance_put_signature(&to->prepared.head, signature, bytes, to->text);
}

static void expect(enum pw_entry_kind kind, enum pw_binance_form form, const char *wanted)
{
    struct filled request;
    struct pw_entry_spec for_it = spec(kind, form);
    cr_assert_eq(prepare(&request, &for_it), 0);
    cr_assert(fill(&request, &g_values));
    json_t *said = json_loadb(request.text, request.bytes, 0, NULL), *want = json_loads(wanted, 0, NULL);
    cr_assert_not_null(said, "%.*s", (int)request.bytes, request.text);
    cr_assert_not_null(want);
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
        expect(PW_ENTRY_PLACE, (enum pw_binance_form)form, wanted);
    }
}

#define TIMED "\"recvWindow\":5000,\"timestamp\":1645423376532"

Test(orders, every_method_says_what_it_must)
{
    expect(PW_ENTRY_TEST, PW_BINANCE_MARKET,
           "{\"id\":\"t0123456789abcdef\",\"method\":\"order.test\",\"params\":{" COMMON
           ",\"type\":\"MARKET\"}}");
    expect(PW_ENTRY_CANCEL, 0,
           "{\"id\":\"c0123456789abcdef\",\"method\":\"order.cancel\",\"params\":{\"symbol\":\"BTCUSDT\","
           "\"origClientOrderId\":\"pw-0badcafe-0123456789abcdef\",\"newClientOrderId\":\"pc-0badcafe-"
           "0123456789abcdef\"," TIMED "}}");
    expect(PW_ENTRY_REPLACE, PW_BINANCE_LIMIT_MAKER,
           "{\"id\":\"r0123456789abcdef\",\"method\":\"order.cancelReplace\",\"params\":{" COMMON ACK AT
           ",\"type\":\"LIMIT_MAKER\",\"cancelReplaceMode\":\"STOP_ON_FAILURE\",\"cancelOrigClientOrderId\":"
           "\"pw-0badcafe-fedcba9876543210\",\"cancelNewClientOrderId\":\"pc-0badcafe-fedcba9876543210\"}}");
    expect(PW_ENTRY_QUERY, 0,
           "{\"id\":\"q0000000000000005\",\"method\":\"order.status\",\"params\":{\"symbol\":\"BTCUSDT\","
           "\"origClientOrderId\":\"pw-0badcafe-0123456789abcdef\"," TIMED "}}");
    expect(PW_ENTRY_OPEN_ORDERS, 0,
           "{\"id\":\"o0000000000000005\",\"method\":\"openOrders.status\",\"params\":{\"symbol\":"
           "\"BTCUSDT\"," TIMED "}}");
    expect(PW_ENTRY_ACCOUNT, 0,
           "{\"id\":\"b0000000000000005\",\"method\":\"account.status\",\"params\":{\"omitZeroBalances\":"
           "true," TIMED "}}");
    expect(PW_ENTRY_SUBSCRIBE, 0,
           "{\"id\":\"u0000000000000005\",\"method\":\"userDataStream.subscribe\",\"params\":{}}");
    expect(PW_ENTRY_FILLS, 0,
           "{\"id\":\"f0000000000000005\",\"method\":\"myTrades\",\"params\":{\"symbol\":\"BTCUSDT\","
           "\"fromId\":1234567,\"limit\":1000,\"orderId\":4293153," TIMED "}}");
    expect(PW_ENTRY_TIME, 0, "{\"id\":\"n0000000000000005\",\"method\":\"time\",\"params\":{}}");
}

static void expect_payload(struct pw_entry_spec for_it, const char *wanted)
{
    struct filled request;
    char payload[1024];
    cr_assert_eq(prepare(&request, &for_it), 0);
    cr_assert(fill(&request, &g_values));
    size_t bytes = payload_of(&request, payload, sizeof payload);
    cr_expect_eq(bytes, strlen(wanted));
    cr_expect_eq(memcmp(payload, wanted, bytes), 0, "%.*s", (int)bytes, payload);
    for (size_t size = 0; size < bytes; size++) {
        cr_assert_eq(payload_of(&request, payload, size), 0);
    }
    char signature[88];
    memset(signature, 'x', sizeof signature);
    cr_expect(!put_signature(&request, signature, sizeof signature - 1));
    cr_assert(put_signature(&request, signature, sizeof signature));
    json_t *said = json_loadb(request.text, request.bytes, 0, NULL);
    const json_t *params = json_object_get(said, "params");
    cr_expect_eq(json_string_length(json_object_get(params, "signature")), 88);
    cr_expect_str_eq(json_string_value(json_object_get(params, "apiKey")), for_it.api_key);
    json_decref(said);
}

Test(orders, what_is_signed_is_sorted_and_unpadded)
{
    struct pw_entry_spec for_it = spec(PW_ENTRY_PLACE, PW_BINANCE_LIMIT_GTC);
    for_it.api_key = "simkey";
    for_it.signature_bytes = 88;
    expect_payload(
        for_it,
        "apiKey=simkey&newClientOrderId=pw-0badcafe-0123456789abcdef&newOrderRespType=ACK&price=52000.00&"
        "quantity=0.01000&recvWindow=5000&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp="
        "1645423376532&type=LIMIT");
    for_it.kind = PW_ENTRY_LOGIN;
    expect_payload(for_it, "apiKey=simkey&recvWindow=5000&timestamp=1645423376532");
    for_it.kind = PW_ENTRY_SUBSCRIBE; /* with a key, and so with a signature */
    expect_payload(for_it, "apiKey=simkey&recvWindow=5000&timestamp=1645423376532");
    for_it.kind = PW_ENTRY_FILLS;
    expect_payload(for_it, "apiKey=simkey&fromId=1234567&limit=1000&orderId=4293153&recvWindow=5000&symbol="
                           "BTCUSDT&timestamp=1645423376532");
    for_it.kind = PW_ENTRY_OPEN_ORDERS;
    for_it.symbol = NULL;
    expect_payload(for_it, "apiKey=simkey&recvWindow=5000&timestamp=1645423376532");
}

Test(orders, a_text_is_filled_again_and_again)
{
    struct filled request;
    struct pw_entry_spec for_it = spec(PW_ENTRY_PLACE, PW_BINANCE_LIMIT_GTC);
    cr_assert_eq(prepare(&request, &for_it), 0);
    struct pw_entry_values values = g_values;
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
        cr_assert(fill(&request, &values));
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
        struct filled request;
        struct pw_entry_spec for_it = spec(PW_ENTRY_PLACE, PW_BINANCE_MARKET);
        struct pw_entry_values values = g_values;
        for_it.step_e8 = rows[i].unit_e8;
        values.qty_e8 = rows[i].value_e8;
        cr_assert_eq(prepare(&request, &for_it), 0);
        cr_assert(fill(&request, &values));
        json_t *said = json_loadb(request.text, request.bytes, 0, NULL);
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(said, "params"), "quantity")),
                         rows[i].text);
        json_decref(said);
    }
}

/* cases/04-quantity-too-large */
Test(orders, numbers_are_written_from_the_units_of_their_instrument)
{
    static const struct {
        int unit_shift;
        int64_t step_e8, value_e8;
        const char *text;
        bool is_dropped;
    } rows[] = {{3, 100000, INT64_C(25000000000000000), "250000000000", true},
                {3, 1, INT64_MAX, "92233720368547.75807"},
                {8, 1, INT64_MAX, "9223372036854775807"},
                {8, 1000, 2000, "2000"},
                {-8, 1, INT64_MAX, "922.3372036854775807"},
                {-8, 1, 1, "0.0000000000000001"},
                {-8, INT64_C(100000000000000000), INT64_C(900000000000000000), "90", true},
                {-1, 0, 12, "0.000000012"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct filled request;
        struct pw_entry_spec for_it = spec(PW_ENTRY_PLACE, PW_BINANCE_MARKET);
        struct pw_entry_values values = g_values;
        for_it.unit_shift = rows[i].unit_shift;
        for_it.step_e8 = rows[i].step_e8;
        values.qty_e8 = rows[i].value_e8;
        cr_assert_eq(prepare(&request, &for_it), 0);
        cr_assert(fill(&request, &values));
        json_t *said = json_loadb(request.text, request.bytes, 0, NULL);
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(said, "params"), "quantity")),
                         rows[i].text);
        json_decref(said);
        values.qty_e8 += rows[i].is_dropped ? 1 : 0;
        cr_expect_eq(fill(&request, &values), !rows[i].is_dropped, "it has more decimals than are written");
    }
}

Test(orders, values_that_cannot_be_said_are_refused)
{
    struct filled request;
    struct pw_entry_spec for_it = spec(PW_ENTRY_PLACE, PW_BINANCE_STOP_LOSS_LIMIT);
    cr_assert_eq(prepare(&request, &for_it), 0);
    struct pw_entry_values bad[8];
    for (int i = 0; i < 8; i++) {
        bad[i] = g_values;
    }
    bad[0].price_e8 = 0;
    bad[1].price_e8 = -1000000;
    bad[2].price_e8 = 1000001; /* finer than the tick */
    bad[3].qty_e8 = 0;
    bad[4].qty_e8 = 999;
    bad[5].stop_price_e8 = 0;
    bad[6].timestamp_ns = INT64_C(999999999999999999);
    bad[7].timestamp_ns = INT64_C(-1);
    for (int i = 0; i < 8; i++) {
        cr_expect(!fill(&request, &bad[i]), "row %d", i);
        cr_expect_eq(pw_binance_can_write(&request.prepared.head, &bad[i]), i >= 6,
                     "row %d: the time is not asked", i);
    }
    cr_expect(fill(&request, &g_values));
    cr_expect(pw_binance_can_write(&request.prepared.head, &g_values));
}

Test(orders, specs_that_contradict_themselves_are_refused)
{
    struct filled request;
    struct pw_entry_spec good = spec(PW_ENTRY_PLACE, PW_BINANCE_LIMIT_GTC), bad[9];
    for (int i = 0; i < 9; i++) {
        bad[i] = good;
    }
    bad[0].symbol = NULL;
    bad[1].symbol = "A\"B";
    bad[2].symbol = "A\\B";
    bad[3].symbol = "A\nB";
    bad[4].window_ms = 0;
    bad[5].window_ms = 60001;
    bad[6].api_key = "k";
    bad[7].kind = PW_ENTRY_LOGIN; /* without a key */
    bad[8].form = PW_BINANCE_FORMS;
    for (int i = 0; i < 9; i++) {
        cr_expect_eq(prepare(&request, &bad[i]), -EINVAL, "row %d", i);
    }
    char long_symbol[2000];
    memset(long_symbol, 'A', sizeof long_symbol - 1);
    long_symbol[sizeof long_symbol - 1] = '\0';
    good.symbol = long_symbol;
    cr_expect_eq(prepare(&request, &good), -E2BIG);
    long_symbol[300] = '\0';
    cr_expect_eq(prepare(&request, &good), -E2BIG);
    good.symbol = "\xef\xbc\x91\xef\xbc\x92";
    cr_expect_eq(prepare(&request, &good), 0, "symbols are UTF-8");
}

/* The published vectors of FNV-1a. */
Test(orders, instances_have_hashes)
{
    cr_expect_eq(pw_entry_instance_hash(""), 0x811c9dc5);
    cr_expect_eq(pw_entry_instance_hash("a"), 0xe40c292c);
    cr_expect_eq(pw_entry_instance_hash("foobar"), 0xbf9cf968);
}

Test(orders, ids_come_back_as_what_they_were_made_of)
{
    uint64_t id = 0;
    struct pw_entry_client_id made;
    char text[PW_ENTRY_CLIENT_ID_BYTES_MAX];
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
    for (unsigned kind = 0; kind < 2 * PW_ENTRY_KINDS; kind++) { /* signed and not */
        struct filled request;
        struct pw_entry_spec for_it = spec((enum pw_entry_kind)(kind / 2), PW_BINANCE_MARKET);
        bool is_signed = kind % 2 || kind / 2 == PW_ENTRY_LOGIN;
        for_it.api_key = is_signed ? "simkey" : NULL;
        for_it.signature_bytes = 64;
        enum pw_entry_kind found = PW_ENTRY_KINDS;
        cr_assert_eq(prepare(&request, &for_it), 0);
        cr_assert(fill(&request, &g_values));
        cr_assert(pw_binance_request_of(request.text, request.bytes, &found, &id));
        cr_expect_eq(found, kind / 2);
        cr_expect_eq(id, pw_entry_names_order(kind / 2) ? g_values.order_id : g_values.number);
    }
    static const char response[] = "{\"id\":\"p0123456789abcdef\",\"status\":200}";
    enum pw_entry_kind found;
    cr_expect(pw_binance_request_of(response, sizeof response - 1, &found, &id));
    cr_expect(found == PW_ENTRY_PLACE && id == 0x0123456789abcdef);
    for (size_t bytes = 0; bytes < 25; bytes++) {
        cr_expect(!pw_binance_request_of(response, bytes, &found, &id), "%zu", bytes);
    }
    cr_expect(!pw_binance_request_of("{\"id\":\"p0123456789abcdef0\"}", 28, &found, &id));
    cr_expect(!pw_binance_request_id("z0123456789abcdef", 17, &found, &id));
    cr_expect(!pw_binance_request_id("p0123456789abcde", 16, &found, &id));
}

static uint32_t weight(enum pw_entry_kind kind, bool has_symbol)
{
    struct filled request;
    struct pw_entry_spec for_it = spec(kind, PW_BINANCE_MARKET);
    for_it.symbol = has_symbol ? for_it.symbol : NULL;
    cr_assert_eq(prepare(&request, &for_it), 0);
    cr_expect_eq(request.prepared.head.cost.of[PW_BUDGET_REQUESTS], 1);
    cr_expect_eq(request.prepared.head.cost.of[PW_BUDGET_ORDERS], kind == PW_ENTRY_PLACE);
    return request.prepared.head.cost.of[PW_BUDGET_WEIGHT];
}

Test(orders, weights_are_the_venues)
{
    cr_expect_eq(weight(PW_ENTRY_OPEN_ORDERS, true), 6);
    cr_expect_eq(weight(PW_ENTRY_OPEN_ORDERS, false), 80);
    cr_expect_eq(weight(PW_ENTRY_PLACE, true), 1);
    cr_expect_eq(weight(PW_ENTRY_QUERY, true), 4);
    cr_expect_eq(weight(PW_ENTRY_ACCOUNT, false), 20);
    cr_expect_eq(weight(PW_ENTRY_FILLS, true), 5);
}
