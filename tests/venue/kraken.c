/* SPDX-License-Identifier: MIT
 *
 * Kraken, through its table alone: each message of the shared examples against facts that another program
 * wrote down, every prefix of one, numbers and times at their bounds, recorded pairs.
 */
#include "shared.h"
#include "symbols.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pinwheel/venue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char symbol_names[][PW_SYMBOL_BYTES] = {"BTC/USD", "ALGO/USD", "TRX/BTC"};
static struct pw_instrument g_instruments[3];
static struct pw_symbols g_symbols;
static struct pw_event g_events[8];
static struct pw_venue_out g_out;
static const struct pw_venue *g_venue;

static void setup(void)
{
    g_venue = pw_venue_find("kraken");
    cr_assert_not_null(g_venue);
    for (int i = 0; i < 3; i++) {
        memcpy(g_instruments[i].symbol, symbol_names[i], sizeof symbol_names[i]);
    }
    cr_assert_eq(pw_symbols_init(&g_symbols, g_instruments, 3, 0), 0);
}

TestSuite(kraken, .init = setup);

static enum pw_decode decode(const char *text, size_t size)
{
    char *copy = malloc(size + 1); /* an address of its own, so that a read beyond it is seen */
    memcpy(copy, text, size);
    g_out = (struct pw_venue_out){.events = g_events, .cap = 8, .recv_ns = 77};
    enum pw_decode result = g_venue->market->decode(&g_symbols, copy, size, &g_out);
    free(copy);
    cr_expect(result == PW_DECODE_OK || g_out.cnt == 0, "events of a message that is refused");
    return result;
}

static enum pw_decode decode_text(const char *text)
{
    return decode(text, strlen(text));
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void expect_trades(const json_t *facts)
{
    size_t i;
    const json_t *fact;
    cr_assert_eq(g_out.cnt, json_array_size(facts));
    json_array_foreach(facts, i, fact)
    {
        const struct pw_event *event = &g_events[i];
        cr_expect_eq(event->kind, PW_EVENT_TRADE);
        cr_expect_eq(event->recv_ns, 77);
        cr_expect_str_eq(g_instruments[event->instrument_idx].symbol, string_of(fact, "symbol"));
        cr_expect_eq(event->body.trade.trade_id,
                     (uint64_t)json_integer_value(json_object_get(fact, "trade_id")));
        cr_expect_eq(event->body.trade.price_e8, e8_of(json_object_get(fact, "price")));
        cr_expect_eq(event->body.trade.qty_e8, e8_of(json_object_get(fact, "qty")));
        cr_expect_eq((event->flags & PW_FLAG_SELL) != 0, strcmp(string_of(fact, "aggressor"), "sell") == 0);
        cr_expect_eq(event->venue_ns, json_integer_value(json_object_get(fact, "ts_trade_ns")));
    }
}

static void expect_quote(const json_t *expect)
{
    const struct pw_quote *quote = &g_events[0].body.quote;
    cr_assert_eq(g_out.cnt, 1);
    cr_expect_eq(g_events[0].kind, PW_EVENT_QUOTE);
    cr_expect_str_eq(g_instruments[g_events[0].instrument_idx].symbol, string_of(expect, "symbol"));
    cr_expect_eq(quote->bid_price_e8, e8_of(json_object_get(expect, "bid_price")));
    cr_expect_eq(quote->bid_qty_e8, e8_of(json_object_get(expect, "bid_qty")));
    cr_expect_eq(quote->ask_price_e8, e8_of(json_object_get(expect, "ask_price")));
    cr_expect_eq(quote->ask_qty_e8, e8_of(json_object_get(expect, "ask_qty")));
    cr_expect_eq(g_events[0].venue_ns, json_integer_value(json_object_get(expect, "ts_event_ns")));
}

/* What the facts say of a message of the venue's, as a result. Books are not subscribed to: whatever stands
 * in one, it is passed over as long as it is JSON. */
static enum pw_decode wanted_of(const json_t *row, const json_t *expect)
{
    const char *event = string_of(expect, "event"), *channel = string_of(row, "channel");
    bool is_snapshot = strcmp(string_of(expect, "type"), "snapshot") == 0;
    if (strcmp(event, "reply") == 0) {
        return json_is_true(json_object_get(expect, "ok")) ? PW_DECODE_CONTROL : PW_DECODE_ERROR_REPLY;
    }
    if (strcmp(event, "pong") == 0) {
        return PW_DECODE_CONTROL;
    }
    if (strcmp(event, "error") == 0) {
        return PW_DECODE_ERROR_REPLY;
    }
    if (strcmp(event, "parse_error") == 0) {
        return strcmp(channel, "any") == 0     ? PW_DECODE_BAD_JSON
               : strcmp(channel, "trade") == 0 ? PW_DECODE_BAD_FIELD
                                               : PW_DECODE_IGNORED;
    }
    bool ours = strcmp(event, "ticker") == 0 || (strcmp(event, "trades") == 0 && !is_snapshot);
    return ours ? PW_DECODE_OK : PW_DECODE_IGNORED;
}

Test(kraken, every_example_is_what_the_facts_say)
{
    struct shared_lines lines;
    int seen = 0, good = 0;
    shared_need();
    shared_open(&lines, "venues/messages-kraken.jsonl");
    while (shared_next(&lines)) {
        json_t *row = json_loads(lines.line, 0, NULL);
        row =
            row != NULL ? row : json_loads(lines.line, JSON_DECODE_INT_AS_REAL, NULL); /* ids beyond int64 */
        const json_t *expect = json_object_get(row, "expect"), *msg = json_object_get(row, "msg");
        if (strcmp(string_of(row, "venue"), "kraken_v2") == 0 &&
            strcmp(string_of(row, "direction"), "s2c") == 0) {
            enum pw_decode result = decode(json_string_value(msg), json_string_length(msg));
            cr_expect_eq(result, wanted_of(row, expect), "%s: %s", json_string_value(msg),
                         pw_decode_name(result));
            if (result == PW_DECODE_OK && strcmp(string_of(expect, "event"), "ticker") == 0) {
                expect_quote(expect);
            } else if (result == PW_DECODE_OK) {
                expect_trades(json_object_get(expect, "trades"));
            }
            seen++;
            good += result == PW_DECODE_OK;
        }
        json_decref(row);
    }
    shared_close(&lines);
    cr_expect_eq(seen, 40);
    cr_expect_eq(good, 3);
}

static const char trade_text[] = "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC\\/"
                                 "USD\",\"side\":\"sell\",\"price\":105944.2,"
                                 "\"qty\":2.7625E-4,\"ord_type\":\"market\",\"trade_id\":91234567,"
                                 "\"timestamp\":\"2026-11-02T09:30:07.440295Z\"}]}";

Test(kraken, every_prefix_of_a_message_is_refused)
{
    cr_assert_eq(decode_text(trade_text), PW_DECODE_OK);
    cr_expect_eq(g_events[0].body.trade.qty_e8, 27625);
    for (size_t size = 0; size < sizeof trade_text - 1; size++) {
        cr_expect_eq(decode(trade_text, size), PW_DECODE_BAD_JSON, "%zu bytes", size);
    }
}

Test(kraken, a_message_with_one_byte_wrong_is_never_taken_for_more)
{
    char text[sizeof trade_text];
    for (size_t at = 0; at < sizeof trade_text - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, trade_text, sizeof text);
            text[at] = (char)byte;
            if (decode(text, sizeof text - 1) == PW_DECODE_OK) {
                cr_expect_eq(g_out.cnt, 1);
                cr_expect_gt(g_events[0].body.trade.price_e8, 0);
                cr_expect_gt(g_events[0].body.trade.qty_e8, 0);
            }
        }
    }
}

static enum pw_decode decode_price(const char *price)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"data\":[{\"timestamp\":\"2026-11-02T09:30:07Z\",\"symbol\":\"BTC/"
             "USD\",\"side\":\"buy\",\"price\":%s,"
             "\"qty\":1,\"trade_id\":1}],\"type\":\"update\",\"channel\":\"trade\"}",
             price);
    return decode_text(text);
}

Test(kraken, numbers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        int64_t e8;
    } good[] = {{"1e-08", 1},
                {"1E-8", 1},
                {"0.00000001", 1},
                {"1.5e3", INT64_C(150000000000)},
                {"12.5e-1", 125000000},
                {"0.5e2", INT64_C(5000000000)},
                {"5.657E-1", 56570000},
                {"92233720368.54775807", INT64_MAX},
                {"9223372036854775807e-8", INT64_MAX},
                {"1e10", PW_E8 * INT64_C(10000000000)}};
    static const char *const bad[] = {
        "1e-9",        "1e-41", "1e11", "9223372036854775808e-8", "-1", "-1e2", "0",
        "0.000000001", "1e999", "0e0",  "92233720368.54775808"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect_eq(decode_price(good[i].text), PW_DECODE_OK, "%s", good[i].text);
        cr_expect_eq(g_events[0].body.trade.price_e8, good[i].e8, "%s is %s", good[i].text,
                     text_e8(g_events[0].body.trade.price_e8));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(decode_price(bad[i]), PW_DECODE_BAD_NUMBER, "%s", bad[i]);
    }
    cr_expect_eq(decode_price("\"1\""), PW_DECODE_BAD_FIELD, "numbers are not strings");
}

static enum pw_decode decode_time(const char *time)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"channel\":\"ticker\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/"
             "USD\",\"bid\":1,\"bid_qty\":1,"
             "\"ask\":2,\"ask_qty\":1,\"timestamp\":\"%s\"}]}",
             time);
    return decode_text(text);
}

Test(kraken, times_are_rfc_3339_in_utc)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2000-03-01T00:00:00Z", INT64_C(951868800000000000)},
                {"2024-02-29T23:59:59.999999999Z", INT64_C(1709251199999999999)},
                {"2026-11-02T09:30:06.1Z", INT64_C(1793611806100000000)}};
    static const char *const bad[] = {"2026-11-02 09:30:07Z",
                                      "2026-11-02T09:30:07",
                                      "2026-13-02T09:30:07Z",
                                      "2026-11-02T24:30:07Z",
                                      "2026-11-02T09:30:07.Z",
                                      "2026-11-02T09:30:07+01:00",
                                      "2026-11-02T09:30:07.1x Z",
                                      "2026-11-02T09:30:07.1234567890Z",
                                      "",
                                      "Z"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect_eq(decode_time(good[i].text), PW_DECODE_OK, "%s", good[i].text);
        cr_expect_eq(g_events[0].venue_ns, good[i].ns, "%s: %lld", good[i].text,
                     (long long)g_events[0].venue_ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(decode_time(bad[i]), PW_DECODE_BAD_FIELD, "%s", bad[i]);
    }
}

Test(kraken, foreign_symbols_missing_fields_and_floods_have_names)
{
    cr_expect_eq(
        decode_text("{\"channel\":\"ticker\",\"type\":\"update\",\"data\":[{\"symbol\":\"ETH/USD\",\"bid\":1,"
                    "\"bid_qty\":1,\"ask\":2,\"ask_qty\":1}]}"),
        PW_DECODE_IGNORED);
    cr_expect_eq(
        decode_text(
            "{\"channel\":\"ticker\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"bid\":1}]}"),
        PW_DECODE_BAD_FIELD);
    cr_expect_eq(decode_text("{\"channel\":\"ticker\",\"type\":\"update\"}"), PW_DECODE_BAD_FIELD);
    cr_expect_eq(decode_text("{\"channel\":\"ticker\",\"data\":[]}"), PW_DECODE_BAD_FIELD);
    cr_expect_eq(decode_text("{}"), PW_DECODE_BAD_FIELD);
    cr_expect_eq(decode_text("[]"), PW_DECODE_BAD_JSON);
    char text[4096] = "{\"channel\":\"ticker\",\"type\":\"update\",\"data\":[";
    for (int i = 0; i < 9; i++) {
        strcat(text, i > 0 ? "," : "");
        strcat(text, "{\"symbol\":\"BTC/USD\",\"bid\":1,\"bid_qty\":1,\"ask\":2,\"ask_qty\":1}");
    }
    strcat(text, "]}");
    cr_expect_eq(decode_text(text), PW_DECODE_TOO_LARGE);
}

#define OURS_TRADE                                                                                           \
    "{\"symbol\":\"BTC/USD\",\"side\":\"buy\",\"price\":2,\"qty\":1,\"trade_id\":9,\"timestamp\":"           \
    "\"2026-11-02T09:30:07Z\"%s}"
#define OURS_TICKER "{\"symbol\":\"BTC/USD\",\"bid\":1,\"bid_qty\":1,\"ask\":2,\"ask_qty\":1%s}"

static enum pw_decode decode_rows(bool trades, const char *before, const char *more)
{
    char row[512], text[2048];
    snprintf(row, sizeof row, trades ? OURS_TRADE : OURS_TICKER, more);
    snprintf(text, sizeof text,
             "{\"channel\":\"%s\",\"type\":\"update\",\"warnings\":[1e999],\"data\":[%s%s,{\"symbol\":\"ETH/"
             "USD\"}]}",
             trades ? "trade" : "ticker", before, row);
    return decode_text(text);
}

/* Rows of other pairs may be anything, and so may members that nobody uses:
 * cases/03-foreign-balance-too-large, cases/11-unknown-rate-limit-interval */
Test(kraken, what_is_not_ours_or_not_used_is_not_judged)
{
    static const char *const foreign[] = {
        "{\"symbol\":\"ETH/USD\"},",
        "{\"symbol\":\"ETH/"
        "USD\",\"bid\":null,\"bid_qty\":\"many\",\"ask\":[],\"ask_qty\":{\"a\":1},\"price\":null},",
        "{\"symbol\":\"ETH/"
        "USD\",\"bid\":1e999,\"price\":-1,\"qty\":99999999999999999999999999,\"trade_id\":-7},",
        "{\"symbol\":\"ETH/USD\",\"side\":\"sideways\",\"timestamp\":\"soon\",\"side\":5},",
        "{\"symbol\":\"A-NAME-THAT-IS-LONGER-THAN-ANY-OTHER-0123456789-0123456789-0123456789/"
        "USD\",\"price\":true},",
        "null,7,\"text\",[[]],"};
    static const char *const unused[] = {
        ",\"last\":null", ",\"vwap\":1e999,\"change\":\"none\"", ",\"ord_type\":17",
        ",\"new\":{\"symbol\":\"ETH/USD\",\"price\":[null]}", ",\"id\":99999999999999999999999999999"};
    for (int trades = 0; trades < 2; trades++) {
        for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
            cr_expect_eq(decode_rows(trades, foreign[i], ""), PW_DECODE_OK, "%d: %s", trades, foreign[i]);
            cr_expect_eq(g_out.cnt, 1);
        }
        for (size_t i = 0; i < sizeof unused / sizeof unused[0]; i++) {
            cr_expect_eq(decode_rows(trades, "", unused[i]), PW_DECODE_OK, "%d: %s", trades, unused[i]);
            cr_expect_eq(g_out.cnt, 1);
        }
    }
    cr_expect_eq(decode_rows(true, "", ",\"bid\":null,\"ask_qty\":\"x\""), PW_DECODE_OK, "a ticker's");
    cr_expect_eq(decode_rows(false, "", ",\"price\":null,\"trade_id\":\"x\",\"side\":1"), PW_DECODE_OK,
                 "a trade's");
}

/* What is used of ours is judged as before, also where foreign rows stand around it. */
Test(kraken, what_is_used_of_ours_is_judged)
{
    static const char *const trades[] = {",\"price\":3", ",\"side\":\"sell\"", ",\"trade_id\":10",
                                         ",\"timestamp\":\"2026-11-02T09:30:08Z\"",
                                         ",\"symbol\":\"BTC/USD\""};
    static const char *const tickers[] = {",\"bid\":3", ",\"ask_qty\":1", ",\"timestamp\":null",
                                          ",\"timestamp\":\"\""};
    for (size_t i = 0; i < sizeof trades / sizeof trades[0]; i++) {
        cr_expect_eq(decode_rows(true, "", trades[i]), PW_DECODE_BAD_FIELD, "twice: %s", trades[i]);
    }
    for (size_t i = 0; i < sizeof tickers / sizeof tickers[0]; i++) {
        cr_expect_eq(decode_rows(false, "", tickers[i]), PW_DECODE_BAD_FIELD, "%s", tickers[i]);
    }
    cr_expect_eq(decode_rows(true, "{\"side\":\"buy\"},", ""), PW_DECODE_BAD_FIELD, "whose?");
    cr_expect_eq(decode_rows(true, "{\"symbol\":null},", ""), PW_DECODE_BAD_FIELD, "whose?");
}

/* Answers and messages of other channels: members of unexpected types make none of them unreadable. */
Test(kraken, answers_are_judged_by_what_is_used_of_them)
{
    static const struct {
        const char *text;
        enum pw_decode result;
    } rows[] = {
        {"{\"method\":\"subscribe\",\"success\":true,\"error\":null,\"req_id\":99999999999999999999}",
         PW_DECODE_CONTROL},
        {"{\"method\":\"subscribe\",\"success\":null}", PW_DECODE_ERROR_REPLY},
        {"{\"method\":\"subscribe\",\"success\":\"yes\",\"error\":\"no such pair\"}", PW_DECODE_ERROR_REPLY},
        {"{\"error\":{\"code\":5}}", PW_DECODE_ERROR_REPLY},
        {"{\"method\":null,\"result\":[]}", PW_DECODE_CONTROL},
        {"{\"channel\":\"heartbeat\",\"type\":null,\"data\":7}", PW_DECODE_IGNORED},
        {"{\"channel\":\"status\",\"type\":\"update\",\"data\":[{\"connection_id\":13834774380200032777,"
         "\"system\":\"asleep\"}]}",
         PW_DECODE_IGNORED},
        {"{\"channel\":\"executions\",\"type\":\"snapshot\",\"sequence\":1e999,\"data\":{}}",
         PW_DECODE_IGNORED},
        {"{\"channel\":null}", PW_DECODE_BAD_FIELD},
        {"{\"channel\":\"ticker\",\"type\":7,\"data\":[]}", PW_DECODE_BAD_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(decode_text(rows[i].text), rows[i].result, "%s: %s", rows[i].text,
                     pw_decode_name(decode_text(rows[i].text)));
    }
}

static struct pw_venue_wants wants_of(const char (*streams)[PW_STREAM_NAME_BYTES], uint32_t stream_cnt)
{
    return (struct pw_venue_wants){symbol_names, streams, 3, stream_cnt};
}

Test(kraken, subscriptions_are_messages_one_a_line)
{
    static const char streams[][PW_STREAM_NAME_BYTES] = {"trade", "ticker"};
    static const char unknown[][PW_STREAM_NAME_BYTES] = {"book"};
    char lines[512], target[8] = "x";
    cr_assert_eq(g_venue->market->subscribe(wants_of(streams, 2), lines, sizeof lines), 0);
    cr_expect_str_eq(
        lines,
        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\",\"symbol\":[\"BTC/USD\",\"ALGO/USD\","
        "\"TRX/BTC\"],\"snapshot\":false}}\n{\"method\":\"subscribe\",\"params\":{\"channel\":\"ticker\","
        "\"symbol\":[\"BTC/USD\",\"ALGO/USD\",\"TRX/BTC\"],\"event_trigger\":\"bbo\"}}");
    size_t size = strlen(lines) + 1;
    cr_expect_eq(g_venue->market->subscribe(wants_of(streams, 2), lines, size), 0);
    for (size_t less = 1; less < size; less++) {
        cr_expect_eq(g_venue->market->subscribe(wants_of(streams, 2), lines, less), -E2BIG);
    }
    cr_expect_eq(g_venue->market->subscribe(wants_of(unknown, 1), lines, sizeof lines), -EINVAL);
    cr_expect_eq(g_venue->market->subscribe(wants_of(streams, 0), lines, sizeof lines), -EINVAL);
    cr_expect_eq(g_venue->market->target(wants_of(streams, 2), target, sizeof target), 0);
    cr_expect_str_eq(target, "", "its URL has all of it");
}

/* ---- instruments ---- */

static int read_instruments(const char *body, size_t size, const char *symbol, struct pw_instrument *row,
                            char *error, size_t error_bytes)
{
    char symbols[1][PW_SYMBOL_BYTES] = {""};
    snprintf(symbols[0], sizeof symbols[0], "%s", symbol);
    struct pw_venue_wants wants = {(const char(*)[PW_SYMBOL_BYTES])symbols, NULL, 1, 0};
    struct pw_instrument_said said = {0};
    struct pw_instrument_list list = {.feed_idx = 5, .rows = row, .said = &said};
    int err = g_venue->rest->instruments(body, size, wants, &list);
    snprintf(error, error_bytes, "%s", err != 0 ? list.error : said.text);
    return err != 0 ? err : said.fault;
}

/* The recorded answer stands behind " -> time: " in the first line. */
static char *recorded_pairs(void)
{
    struct shared_lines lines;
    shared_open(&lines, "data/captures/cryptofeed/KRAKEN.0.gz");
    cr_assert(shared_next(&lines));
    char *body = strstr(lines.line, ": {");
    cr_assert_not_null(body);
    body = strdup(body + 2);
    shared_close(&lines);
    return body;
}

Test(kraken, recorded_pairs_become_instruments)
{
    char error[256] = "";
    struct pw_instrument row;
    shared_need();
    char *body = recorded_pairs();
    json_t *root = json_loads(body, 0, NULL);
    const json_t *fact = json_object_get(json_object_get(root, "result"), "XXBTZUSD");
    cr_assert_eq(read_instruments(body, strlen(body), "BTC/USD", &row, error, sizeof error), 0, "%s", error);
    cr_expect_str_eq(row.symbol, "BTC/USD");
    cr_expect_str_eq(row.base, "BTC");
    cr_expect_str_eq(row.quote, "USD");
    cr_expect_eq(row.feed_idx, 5);
    cr_expect_eq(row.tradable, 1);
    cr_expect_eq(json_integer_value(json_object_get(fact, "pair_decimals")), 1);
    cr_expect_eq(row.tick_e8, PW_E8 / 10);
    cr_expect_eq(row.step_e8, 1);
    cr_expect_eq(row.min_qty_e8, e8_of(json_object_get(fact, "ordermin")));
    cr_expect_eq(read_instruments(body, strlen(body), "TRX/BTC", &row, error, sizeof error), -ERANGE);
    cr_expect_not_null(strstr(error, "prices have 10 decimals and quantities 8"), "%s", error);
    cr_expect_eq(read_instruments(body, strlen(body), "XBT/USD", &row, error, sizeof error), -ENOENT);
    cr_expect_eq(read_instruments(body, strlen(body) - 1, "BTC/USD", &row, error, sizeof error), -EBADMSG);
    json_decref(root);
    free(body);
}

Test(kraken, refusals_and_present_pairs_are_read)
{
    static const char refused[] = "{\"error\":[\"EGeneral:Too many requests\"]}";
    static const char present[] =
        "{\"error\":[],\"result\":{\"XDGUSD\":{\"wsname\":\"XDG/USD\",\"pair_decimals\":7,\"lot_decimals\":8,"
        "\"tick_size\":\"0.0000005\",\"ordermin\":\"13\",\"costmin\":\"0.5\",\"status\":\"cancel_only\"}}}";
    char error[256] = "", target[64];
    struct pw_instrument row;
    cr_expect_eq(read_instruments(refused, strlen(refused), "BTC/USD", &row, error, sizeof error),
                 -EREMOTEIO);
    cr_expect_not_null(strstr(error, "EGeneral:Too many requests"), "%s", error);
    cr_assert_eq(read_instruments(present, strlen(present), "DOGE/USD", &row, error, sizeof error), 0, "%s",
                 error);
    cr_expect_eq(row.tick_e8, 50, "not a power of ten");
    cr_expect_eq(row.tradable, 0);
    cr_expect_eq(row.min_notional_e8, PW_E8 / 2);
    cr_expect_eq(row.min_qty_e8, 13 * PW_E8);
    struct pw_venue_wants wants = {symbol_names, NULL, 3, 0};
    cr_expect_eq(g_venue->rest->instruments_target(wants, target, sizeof target), 0);
    cr_expect_str_eq(target, "/0/public/AssetPairs");
    cr_expect_eq(g_venue->rest->instruments_target(wants, target, 5), -E2BIG);
}

/* Pairs that are not ours, and members that nobody uses, may be anything: cases/03-foreign-balance-too-large
 */
Test(kraken, pairs_that_are_not_ours_are_not_judged)
{
    static const char *const foreign[] = {
        "\"A\":null,\"B\":7,\"C\":[],\"D\":\"x\",\"E\":{},",
        "\"A\":{\"wsname\":null,\"lot_decimals\":99999999999999999999999,\"fees\":[[1e999,-1E+400]]},",
        "\"A\":{\"wsname\":\"ETH/USD\",\"lot_decimals\":8,\"lot_decimals\":9,\"status\":null},",
        "\"A\":{\"wsname\":\"A-NAME-THAT-IS-LONGER-THAN-ANY-OTHER-0123456789-0123456789/USD\"},",
        "\"A\":{\"wsname\":\"NOPAIR\"},\"A\":{\"wsname\":\"\\u0000/\\u0000\"},"};
    static const char *const unused[] = {
        "", ",\"long_position_limit\":99999999999999999999999",
        ",\"fees\":[[0,1e999]],\"text\":\"[1e999, \\\"99999999999999999999\"",
        ",\"leverage_buy\":null,\"new\":{\"a\":[[[]]]}"};
    char body[2048], error[256];
    struct pw_instrument row;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        for (size_t k = 0; k < sizeof unused / sizeof unused[0]; k++) {
            snprintf(
                body, sizeof body,
                "{\"error\":[],\"new\":1e999,\"result\":{%s\"XXBTZUSD\":{\"wsname\":\"XBT/USD\","
                "\"pair_decimals\":1,\"lot_decimals\":8,\"ordermin\":\"0.0001\",\"status\":\"online\"%s}}}",
                foreign[i], unused[k]);
            cr_expect_eq(read_instruments(body, strlen(body), "BTC/USD", &row, error, sizeof error), 0,
                         "%s: %s", body, error);
            cr_expect_eq(row.tick_e8, PW_E8 / 10);
            cr_expect_eq(row.min_qty_e8, PW_E8 / 10000);
            cr_expect_eq(row.tradable, 1);
        }
    }
}

/* What is used of ours is no less strict for that. */
Test(kraken, our_pair_is_judged)
{
    static const struct {
        const char *members, *says;
    } rows[] = {{"\"pair_decimals\":1", "lot_decimals"},
                {"\"pair_decimals\":1,\"lot_decimals\":99999999999999999999", "lot_decimals"},
                {"\"pair_decimals\":1,\"lot_decimals\":8,\"lot_decimals\":8", "cannot be read"},
                {"\"pair_decimals\":1,\"lot_decimals\":8,\"ordermin\":5", "ordermin is no text"},
                {"\"pair_decimals\":1,\"lot_decimals\":8,\"tick_size\":0.5", "tick_size is no text"},
                {"\"pair_decimals\":1,\"lot_decimals\":8,\"costmin\":{}", "costmin is no text"}};
    char body[1024], error[256];
    struct pw_instrument row;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(body, sizeof body, "{\"error\":[],\"result\":{\"X\":{\"wsname\":\"XBT/USD\",%s}}}",
                 rows[i].members);
        cr_expect_neq(read_instruments(body, strlen(body), "BTC/USD", &row, error, sizeof error), 0);
        cr_expect_not_null(strstr(error, rows[i].says), "'%s' does not say '%s'", error, rows[i].says);
    }
    snprintf(
        body, sizeof body,
        "{\"result\":{\"X\":{\"wsname\":\"XBT/USD\",\"pair_decimals\":1,\"lot_decimals\":8,\"status\":7}}}");
    cr_expect_eq(read_instruments(body, strlen(body), "BTC/USD", &row, error, sizeof error), 0, "%s", error);
    cr_expect_eq(row.tradable, 0, "a status that is no word is not online");
}
