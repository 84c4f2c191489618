/* SPDX-License-Identifier: MIT
 *
 * From bytes to events: what the events say, and that the fast and the general reading never differ, whatever
 * is done to a message: its fields shuffled, blanks and unknown fields put in, bytes changed, cut short.
 */
#include "binance_events.h"

#include "guard.h"
#include "shared.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENTS_MAX 8192u
#define RECV_NS    INT64_C(1723161253937085768)

static struct pw_symbols g_symbols;
static struct pw_event g_events[EVENTS_MAX], g_others[EVENTS_MAX];

static void setup(void)
{
    static struct pw_instrument instruments[11] = {{.symbol = "BTCUSDT"},
                                                   {.symbol = "BNBBTC"},
                                                   {.symbol = "NKNUSDT"},
                                                   {.symbol = "LRCBTC"},
                                                   {.symbol = "这是测试币456"},
                                                   {.symbol = "BTCUSD_PERP"},
                                                   {.symbol = "ABCDEFGHIJKLMNOPQRSTUVW"},
                                                   /* cases/02-asset-longer-than-11-bytes */
                                                   {.symbol = "ABCDEFGHIJKLMNOPQRSTUVWX"},
                                                   {.symbol = "ABCDEFGHIJKLMNOPQRSTUVWXY"},
                                                   {.symbol = "我的刀盾币安人生我的刀盾币安人生USDT"},
                                                   {.symbol = "BTCUSDT", .feed_idx = 1}};
    cr_assert_eq(pw_symbols_init(&g_symbols, instruments, 11, 0), 0);
}

TestSuite(events, .init = setup);

static enum pw_decode events_of(const char *text, struct pw_venue_out *out)
{
    *out = (struct pw_venue_out){.events = g_events, .cap = EVENTS_MAX, .recv_ns = RECV_NS};
    memset(g_events, 0xee, sizeof g_events);
    return pw_binance_events(&g_symbols, text, strlen(text), out);
}

static void assert_head(const struct pw_event *event, enum pw_event_kind kind, uint16_t instrument_idx,
                        uint8_t flags, int64_t venue_ns)
{
    cr_assert_eq(event->kind, kind);
    cr_assert_eq(event->instrument_idx, instrument_idx);
    cr_assert_eq(event->flags, flags, "flags %x", event->flags);
    cr_assert_eq(event->recv_ns, RECV_NS);
    cr_assert_eq(event->venue_ns, venue_ns);
    cr_assert_eq(event->seq, 0);
}

Test(events, a_book_ticker_is_a_quote)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of("{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":50093239212,\"s\":\"BTCUSDT\",\"b\":"
                  "\"61837.63000000\",\"B\":\"3.78826000\",\"a\":\"61837.64000000\",\"A\":\"1.54698000\"}}",
                  &out),
        PW_DECODE_OK);
    cr_assert_eq(out.cnt, 1);
    assert_head(&g_events[0], PW_EVENT_QUOTE, 0, 0, 0);
    struct pw_quote expected = {6183763000000, 378826000, 6183764000000, 154698000, 50093239212};
    cr_assert_eq(memcmp(&g_events[0].body.quote, &expected, sizeof expected), 0);
}

Test(events, a_trade_is_a_trade)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of("{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"BTCUSDT\",\"t\":3735683259,\"p\":"
                  "\"61837.63000000\",\"q\":\"0.02000000\",\"T\":1723161255342,\"m\":true,\"M\":true}",
                  &out),
        PW_DECODE_OK);
    cr_assert_eq(out.cnt, 1);
    assert_head(&g_events[0], PW_EVENT_TRADE, 0, PW_FLAG_SELL, INT64_C(1723161255343000000));
    struct pw_trade expected = {6183763000000, 2000000, 3735683259, INT64_C(1723161255342000000), 0};
    cr_assert_eq(memcmp(&g_events[0].body.trade, &expected, sizeof expected), 0);
}

Test(events, an_aggregate_trade_counts_its_trades)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of(
            "{\"e\":\"aggTrade\",\"E\":1633998534486,\"s\":\"LRCBTC\",\"a\":9213679,\"p\":\"0.00000638\","
            "\"q\":\"177.00000000\",\"f\":100,\"l\":105,\"T\":1633998534480,\"m\":false,\"M\":true}",
            &out),
        PW_DECODE_OK);
    cr_assert_eq(out.cnt, 1);
    assert_head(&g_events[0], PW_EVENT_AGG_TRADE, 3, 0, INT64_C(1633998534486000000));
    struct pw_agg_trade expected = {638, 17700000000, 9213679, 100, 6, 6000};
    cr_assert_eq(memcmp(&g_events[0].body.agg_trade, &expected, sizeof expected), 0);
}

Test(events, what_an_aggregate_trade_cannot_hold_is_refused)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of("{\"e\":\"aggTrade\",\"E\":1633998534486,\"s\":\"LRCBTC\",\"a\":1,\"p\":\"1\",\"q\":\"1\","
                  "\"f\":1,\"l\":1,\"T\":1,\"m\":false}",
                  &out),
        PW_DECODE_BAD_NUMBER);
    cr_assert_eq(events_of("{\"e\":\"aggTrade\",\"E\":1,\"s\":\"LRCBTC\",\"a\":1,\"p\":\"1\",\"q\":\"1\","
                           "\"f\":1,\"l\":4294967296,\"T\":1,\"m\":false}",
                           &out),
                 PW_DECODE_BAD_NUMBER);
    cr_assert_eq(events_of("{\"e\":\"aggTrade\",\"E\":1,\"s\":\"LRCBTC\",\"a\":1,\"p\":\"1\",\"q\":\"1\","
                           "\"f\":0,\"l\":18446744073709551615,\"T\":1,\"m\":false}",
                           &out),
                 PW_DECODE_BAD_NUMBER);
}

static void assert_levels(const struct pw_event *event, uint8_t flags, struct pw_levels expected)
{
    assert_head(event, PW_EVENT_LEVELS, 1, flags, 1000000);
    cr_assert_eq(memcmp(&event->body.levels, &expected, sizeof expected), 0);
}

Test(events, a_book_update_is_its_head_and_two_levels_an_event)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of(
            "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BNBBTC\",\"U\":7,\"u\":9,\"b\":[[\"0.0024\",\"10\"],"
            "[\"0.0023\",\"0\"],[\"0.0022\",\"1\"]],\"a\":[[\"0.0026\",\"100\"]]}",
            &out),
        PW_DECODE_OK);
    cr_assert_eq(out.cnt, 4);
    assert_head(&g_events[0], PW_EVENT_DEPTH, 1, 0, 1000000);
    struct pw_depth depth = {7, 9, 0, 3, 1, 0};
    cr_assert_eq(memcmp(&g_events[0].body.depth, &depth, sizeof depth), 0);
    assert_levels(&g_events[1], PW_FLAG_PAIR, (struct pw_levels){{{240000, 1000000000}, {230000, 0}}, 9});
    assert_levels(&g_events[2], 0, (struct pw_levels){{{220000, 100000000}, {0, 0}}, 9});
    assert_levels(&g_events[3], PW_FLAG_SELL | PW_FLAG_LAST,
                  (struct pw_levels){{{260000, INT64_C(10000000000)}, {0, 0}}, 9});
}

Test(events, asks_before_bids_still_come_out_behind_them)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of("{\"a\":[[\"3\",\"1\"]],\"u\":9,\"b\":[[\"2\",\"1\"]],\"U\":7,\"s\":\"BNBBTC\",\"E\":1,"
                  "\"e\":\"depthUpdate\"}",
                  &out),
        PW_DECODE_OK);
    assert_levels(&g_events[1], 0, (struct pw_levels){{{200000000, 100000000}, {0, 0}}, 9});
    assert_levels(&g_events[2], PW_FLAG_SELL | PW_FLAG_LAST,
                  (struct pw_levels){{{300000000, 100000000}, {0, 0}}, 9});
}

Test(events, an_update_without_levels_is_its_head_alone)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of("{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\"s\":\"BNBBTC\",\"U\":7,\"u\":9,\"pu\":6,\"b\":[],"
                  "\"a\":[]}",
                  &out),
        PW_DECODE_OK);
    cr_assert_eq(out.cnt, 1);
    assert_head(&g_events[0], PW_EVENT_DEPTH, 1, PW_FLAG_LAST, 1000000);
    struct pw_depth depth = {7, 9, 6, 0, 0, 0};
    cr_assert_eq(memcmp(&g_events[0].body.depth, &depth, sizeof depth), 0);
}

Test(events, a_kline_is_a_candle_in_two_events)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of(
            "{\"e\":\"kline\",\"E\":1672515840000,\"s\":\"BNBBTC\",\"k\":{\"t\":1672515780000,\"T\":"
            "1672515839999,\"s\":\"BNBBTC\",\"i\":\"1m\",\"f\":-1,\"L\":-1,\"o\":\"0.0010\",\"c\":"
            "\"0.0020\",\"h\":\"0.0025\",\"l\":\"0.0015\",\"v\":\"1000\",\"n\":0,\"x\":true,\"q\":\"1\","
            "\"V\":\"500\",\"Q\":\"0.500\",\"B\":\"0\"}}",
            &out),
        PW_DECODE_OK);
    cr_assert_eq(out.cnt, 2);
    assert_head(&g_events[0], PW_EVENT_CANDLE, 1, PW_FLAG_CLOSED, INT64_C(1672515840000000000));
    struct pw_candle candle = {100000, 250000, 150000, 200000, INT64_C(100000000000)};
    cr_assert_eq(memcmp(&g_events[0].body.candle, &candle, sizeof candle), 0);
    assert_head(&g_events[1], PW_EVENT_CANDLE_INFO, 1, 0, INT64_C(1672515840000000000));
    struct pw_candle_info info = {INT64_C(1672515780000000000), 100000000, -1, -1, 0, 60};
    cr_assert_eq(memcmp(&g_events[1].body.candle_info, &info, sizeof info), 0);
}

Test(events, symbols_are_found_however_they_are_spelled)
{
    static const struct {
        const char *symbol;
        uint16_t idx;
    } rows[] = {{"BTCUSDT", 0},
                {"BTC\\u0055SDT", 0},
                {"\\u8fd9\\u662f\\u6d4b\\u8bd5\\u5e01456", 4},
                {"这是测试币456", 4},
                {"BTCUSD_PERP", 5},
                {"ABCDEFGHIJKLMNOPQRSTUVW", 6},
                {"btcusdt", PW_NO_INSTRUMENT},
                {"BTCUSD", PW_NO_INSTRUMENT},
                {"BTCUSDTX", PW_NO_INSTRUMENT},
                {"ABCDEFGHIJKLMNOPQRSTUVWX", 7},
                {"ABCDEFGHIJKLMNOPQRSTUVWXY", 8},
                {"ABCDEFGHIJKLMNOPQRSTUVWXZ", PW_NO_INSTRUMENT},
                {"我的刀盾币安人生我的刀盾币安人生USDT", 9},
                {"我的刀盾币安人生我的刀盾币安人生USDC", PW_NO_INSTRUMENT},
                {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ", PW_NO_INSTRUMENT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        struct pw_venue_out out;
        snprintf(text, sizeof text, "{\"u\":1,\"s\":\"%s\",\"b\":\"1\",\"B\":\"1\",\"a\":\"1\",\"A\":\"1\"}",
                 rows[i].symbol);
        enum pw_decode expected = rows[i].idx == PW_NO_INSTRUMENT ? PW_DECODE_IGNORED : PW_DECODE_OK;
        cr_assert_eq(events_of(text, &out), expected, "%s", rows[i].symbol);
        cr_assert(expected != PW_DECODE_OK || g_events[0].instrument_idx == rows[i].idx, "%s",
                  rows[i].symbol);
    }
}

Test(events, a_full_table_of_symbols_finds_each_and_no_other)
{
    static struct pw_instrument instruments[PW_INSTRUMENTS_MAX + 1];
    static struct pw_symbols symbols;
    for (unsigned i = 0; i < PW_INSTRUMENTS_MAX + 1; i++) {
        snprintf(instruments[i].symbol, sizeof instruments[i].symbol, "%uCOIN%uUSDT", i * 7919 % 1000, i);
    }
    cr_assert_eq(pw_symbols_init(&symbols, instruments, PW_INSTRUMENTS_MAX, 0), 0);
    for (unsigned i = 0; i <= PW_INSTRUMENTS_MAX; i++) {
        uint64_t words[PW_SYMBOL_WORDS];
        memcpy(words, instruments[i].symbol, sizeof words);
        uint16_t expected = i < PW_INSTRUMENTS_MAX ? (uint16_t)i : PW_NO_INSTRUMENT;
        cr_assert_eq(pw_symbols_find(&symbols, words).instrument_idx, expected);
    }
    cr_assert_eq(pw_symbols_find_text(&symbols, "", 0).instrument_idx, PW_NO_INSTRUMENT);
    cr_assert_lt(pw_symbols_init(&symbols, instruments, PW_INSTRUMENTS_MAX + 1, 0), 0);
    instruments[1] = instruments[0];
    cr_assert_lt(pw_symbols_init(&symbols, instruments, 2, 0), 0);
    instruments[1].symbol[0] = '\0';
    cr_assert_lt(pw_symbols_init(&symbols, instruments, 2, 0), 0);
}

Test(events, kinds_that_the_engine_does_not_take_are_ignored)
{
    struct pw_venue_out out;
    cr_assert_eq(
        events_of("{\"stream\":\"bnbbtc@depth5\",\"data\":{\"lastUpdateId\":1,\"bids\":[],\"asks\":[]}}",
                  &out),
        PW_DECODE_IGNORED);
    cr_assert_eq(events_of("[]", &out), PW_DECODE_IGNORED);
    cr_assert_eq(events_of("{\"result\":null,\"id\":1}", &out), PW_DECODE_CONTROL);
    cr_assert_eq(events_of("{\"e\":\"serverShutdown\",\"E\":1}", &out), PW_DECODE_SHUTDOWN);
    cr_assert_eq(events_of("{\"code\":2,\"msg\":\"x\"}", &out), PW_DECODE_ERROR_REPLY);
    cr_assert_eq(out.cnt, 0);
}

/* ---- the two readings ---- */

struct reading {
    enum pw_decode result;
    struct pw_venue_out out;
};

static struct reading read_general(const char *text, size_t size, struct pw_event *events)
{
    struct reading reading = {.out = {.events = events, .cap = EVENTS_MAX, .recv_ns = RECV_NS}};
    reading.result = pw_binance_events_general(&g_symbols, text, size, &reading.out);
    return reading;
}

static void assert_same(const struct pw_venue_out *a, const struct pw_venue_out *b, const char *text,
                        size_t size)
{
    cr_assert(a->cnt == b->cnt && memcmp(a->events, b->events, a->cnt * sizeof *a->events) == 0,
              "read in two ways: %.*s", (int)size, text);
}

/* Where the fast reading takes a message, the general one takes it too, as the same. True: it was taken. */
static bool readings_agree(const char *text, size_t size)
{
    struct pw_venue_out fast = {.events = g_events, .cap = EVENTS_MAX, .recv_ns = RECV_NS};
    if (!pw_binance_events_fast(&g_symbols, text, size, &fast)) {
        return false;
    }
    struct reading general = read_general(text, size, g_others);
    cr_assert_eq(general.result, PW_DECODE_OK, "only the fast reading takes %.*s", (int)size, text);
    assert_same(&fast, &general.out, text, size);
    return true;
}

/* The JSON of one line of a capture; NULL if it has none. */
static const char *json_of(const struct shared_lines *lines)
{
    return strstr(lines->line, "{\"stream\"");
}

static void assert_capture_agrees(const char *name, int least_taken)
{
    struct shared_lines lines;
    int cnt = 0, taken_cnt = 0;
    shared_open(&lines, name);
    while (shared_next(&lines)) {
        const char *text = json_of(&lines);
        if (text != NULL) {
            taken_cnt += readings_agree(text, strlen(text));
            cnt++;
        }
    }
    shared_close(&lines);
    cr_assert_geq(taken_cnt, least_taken, "the fast reading took %d of %d", taken_cnt, cnt);
}

Test(events, the_fast_reading_takes_whole_captures_as_the_general_one_does)
{
    shared_need();
    assert_capture_agrees("data/captures/binance/spot_btcusdt_20240808.gz", 41248);
    assert_capture_agrees("data/captures/binance/usdm_btcusdt_20240718.gz", 11413);
    assert_capture_agrees("data/captures/binance/cm_btcusd_perp_20240808.gz", 2000);
}

static const char *const g_samples[] = {
    "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":50093239212,\"s\":\"BTCUSDT\",\"b\":\"61837."
    "63000000\",\"B\":"
    "\"3.78826000\",\"a\":\"61837.64000000\",\"A\":\"1.54698000\"}}",
    "{\"u\":400900217,\"s\":\"BNBBTC\",\"b\":\"25.35190000\",\"B\":\"31\",\"a\":\"25.3\",\"A\":\"0\"}",
    "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"e\":\"bookTicker\",\"u\":5123107839020,\"s\":\"BTCUSDT\","
    "\"b\":"
    "\"61800.20\",\"B\":\"2.507\",\"a\":\"61800.30\",\"A\":\"2.510\",\"T\":1723161256313,\"E\":1723161256313}"
    "}",
    "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"BTCUSDT\",\"t\":"
    "3735683259,"
    "\"p\":\"61837.63000000\",\"q\":\"0.02000000\",\"T\":1723161255342,\"m\":true,\"M\":true}}",
    "{\"e\":\"trade\",\"E\":1735689600010901,\"s\":\"NKNUSDT\",\"t\":0,\"p\":\"0.35280000\",\"q\":\"58."
    "00000000\",\"b\":"
    "1234567890123,\"a\":12345678,\"T\":1735689600010866,\"m\":false,\"M\":true}",
    "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1723161256322,\"T\":1723161256322,\"s\":"
    "\"BTCUSDT\","
    "\"t\":5266583935,\"p\":\"61800.30\",\"q\":\"0.006\",\"X\":\"MARKET\",\"m\":false}}",
    "{\"stream\":\"nknusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1633998512068,\"s\":"
    "\"NKNUSDT\",\"U\":"
    "499869750,\"u\":499869752,\"b\":[[\"0.35130000\",\"6195.00000000\"],[\"0.34750000\",\"5548.00000000\"],["
    "\"0.3464\","
    "\"6222\"]],\"a\":[]}}",
    "{\"e\":\"depthUpdate\",\"E\":123456789,\"T\":123456788,\"s\":\"BTCUSDT\",\"U\":157,\"u\":160,\"pu\":149,"
    "\"b\":[],"
    "\"a\":[[\"61000.26000000\",\"100.00000000\"],[\"1000000.5\",\"0\"]]}",
    "{\"stream\":\"btcusdt@depth\",\"data\":{\"e\":\"depthUpdate\",\"E\":1723161253937,\"s\":\"BTCUSDT\","
    "\"U\":"
    "50093239212,\"u\":50093239219,\"b\":[[\"61837.63000000\",\"3.78826000\"],[\"61837.62000000\",\"0."
    "00000000\"],["
    "\"9837.60000000\",\"1234567.87654321\"],[\"0.00000001\",\"20.00000000\"]],\"a\":[[\"61837.64000000\","
    "\"1."
    "54698000\"],[\"161837.65000000\",\"0.00008000\"],[\"1000000.99999999\",\"150.00000000\"]]}}",
};

#define SAMPLES (sizeof g_samples / sizeof g_samples[0])

Test(events, the_fast_reading_takes_every_usual_form)
{
    struct guard guard = guard_make(1024);
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t size = strlen(g_samples[i]);
        cr_assert(readings_agree(guard_copy(&guard, g_samples[i], size), size), "%s", g_samples[i]);
    }
    guard_free(&guard);
}

Test(events, no_prefix_of_a_message_is_taken)
{
    struct guard guard = guard_make(1024);
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t prefix = 0; prefix < strlen(g_samples[i]); prefix++) {
            struct pw_venue_out out = {.events = g_events, .cap = EVENTS_MAX};
            const char *text = guard_copy(&guard, g_samples[i], prefix);
            cr_assert_lt(pw_binance_events(&g_symbols, text, prefix, &out), 0, "%.*s", (int)prefix, text);
        }
    }
    guard_free(&guard);
}

/* Every byte replaced by every other: what either reading makes of it, they agree. */
Test(events, changed_bytes_are_never_read_in_two_ways)
{
    struct guard guard = guard_make(1024);
    int taken_cnt = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t size = strlen(g_samples[i]);
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char *text = guard_copy(&guard, g_samples[i], size);
                text[at] = (char)byte;
                taken_cnt += readings_agree(text, size);
            }
        }
    }
    cr_assert_gt(taken_cnt, 1000);
    guard_free(&guard);
}

/* Bytes put in and left out: the numbers get longer, shorter, empty. */
Test(events, added_and_missing_bytes_are_never_read_in_two_ways)
{
    static const char added[] = "0123456789.-\"\\,:[]{} e\x80";
    struct guard guard = guard_make(1024);
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t size = strlen(g_samples[i]);
        for (size_t at = 0; at <= size; at++) {
            for (size_t k = 0; k < sizeof added; k++) {
                char text[1024];
                size_t new_size = k < sizeof added - 1 ? size + 1 : size - 1;
                memcpy(text, g_samples[i], at);
                text[at] = added[k];
                size_t from = k < sizeof added - 1 ? at : at + 1, to = k < sizeof added - 1 ? at + 1 : at;
                if (from <= size) {
                    memcpy(text + to, g_samples[i] + from, size - from);
                    readings_agree(guard_copy(&guard, text, new_size), new_size);
                }
            }
        }
    }
    guard_free(&guard);
}

Test(events, numbers_of_every_length_are_read_alike)
{
    for (int whole = 1; whole <= 12; whole++) {
        for (int decimals = 0; decimals <= 10; decimals++) {
            for (int id = 1; id <= 21; id++) {
                char text[256];
                snprintf(text, sizeof text,
                         "{\"u\":%.*s,\"s\":\"BTCUSDT\",\"b\":\"%.*s%s%.*s\",\"B\":\"1\",\"a\":\"2."
                         "50000000\",\"A\":\"1\"}",
                         id, "987654321098765432109", whole, "123456789012", decimals > 0 ? "." : "",
                         decimals, "9876543200");
                struct reading general = read_general(text, strlen(text), g_others);
                bool valid = id <= 19;
                cr_assert_eq(general.result, valid ? PW_DECODE_OK : PW_DECODE_BAD_NUMBER, "%s", text);
                cr_assert(!valid || (g_others[0].body.quote.bid_price_e8 == 0) == (whole == 12), "%s", text);
                cr_assert(!valid || (g_others[0].flags == PW_FLAG_CAPPED) == (whole == 12), "%s", text);
                bool fast = readings_agree(text, strlen(text));
                cr_assert_eq(fast, whole <= 7 && decimals <= 8 && id <= 16, "%s", text);
            }
        }
    }
}

/* Levels are read in pairs, so an odd number is put at each place of one. */
Test(events, levels_of_every_length_and_number_are_read_alike)
{
    for (int whole = 0; whole <= 9; whole++) {
        for (int decimals = 0; decimals <= 9; decimals++) {
            for (unsigned odd = 0; odd < 8; odd++) {
                static const char *const usual[] = {"\"61837.63000000\"", "\"0.02000000\""};
                char text[1024], number[32], *end = text;
                snprintf(number, sizeof number, "\"%.*s%s%.*s\"", whole, "123456789", decimals > 0 ? "." : "",
                         decimals, "987654321");
                end += sprintf(text, "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":7,\"u\":9,"
                                     "\"b\":[],\"a\":[");
                for (unsigned i = 0; i < 8; i++) {
                    end += sprintf(end, "%s%s", i % 2 == 0 ? "[" : ",", i == odd ? number : usual[i % 2]);
                    end += sprintf(end, i % 2 == 0 ? "" : i < 7 ? "]," : "]]}");
                }
                bool taken = readings_agree(text, (size_t)(end - text));
                bool usual_form = whole >= 1 && whole <= 7 && decimals <= 8;
                cr_assert_eq(taken, usual_form, "%s", text);
            }
        }
    }
}

Test(events, a_side_of_any_number_of_levels_is_read_alike)
{
    static char text[1 << 16];
    struct guard guard = guard_make(sizeof text);
    for (unsigned level_cnt = 1; level_cnt < 700; level_cnt += level_cnt < 150 ? 1 : 97) {
        int size = sprintf(text, "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":7,\"u\":9,\"b\":[");
        for (unsigned i = 0; i < 2 * level_cnt; i++) {
            size += sprintf(text + size, "%s[\"%u.%08u\",\"%u.%08u\"]%s", i == level_cnt ? "],\"a\":[" : "",
                            (i * 7919 + 1) % 100000, i, i * 31 % 1000, i * 7,
                            i + 1 == level_cnt       ? ""
                            : i + 1 == 2 * level_cnt ? "]}"
                                                     : ",");
        }
        cr_assert(readings_agree(guard_copy(&guard, text, (size_t)size), (size_t)size), "%s", text);
    }
    guard_free(&guard);
}

Test(events, too_many_levels_for_the_room_are_refused_by_both)
{
    const char *text = g_samples[6];
    for (uint32_t cap = 0; cap <= 4; cap++) {
        struct pw_venue_out out = {.events = g_events, .cap = cap};
        memset(g_events, 0xee, sizeof g_events);
        enum pw_decode result = pw_binance_events(&g_symbols, text, strlen(text), &out);
        cr_assert_eq(result, cap < 3 ? PW_DECODE_TOO_LARGE : PW_DECODE_OK);
        cr_assert_eq(g_events[cap].seq, 0xeeeeeeee, "written beyond the room");
    }
}

/* ---- the same message in other words ---- */

static void add(char *out, const char *text)
{
    strcat(out, text);
}

static void add_blanks(char *out, uint64_t *seed)
{
    static const char *const blanks[] = {"", "", "", " ", "\n", "\t", "\r\n", "  \t "};
    add(out, blanks[test_random(seed) % 8]);
}

static void rewrite(char *out, const json_t *value, uint64_t *seed);

static void rewrite_member(char *out, const char *key, const json_t *value, uint64_t *seed)
{
    add_blanks(out, seed);
    if (test_random(seed) % 8 == 0 && strlen(key) == 1) {
        sprintf(out + strlen(out), "\"\\u%04x\"", key[0]);
    } else {
        sprintf(out + strlen(out), "\"%s\"", key);
    }
    add_blanks(out, seed);
    add(out, ":");
    rewrite(out, value, seed);
}

static void add_unknown(char *out, uint64_t *seed)
{
    static const char *const members[] = {
        "\"zz\":{\"p\":\"9.9\",\"e\":\"bookTicker\",\"a\":[{\"q\":\"1\"},[[\"]\"]],null,-1.5e3]}",
        "\"yy\":null", "\"x1\":[[],{}]", "\"pp\":\"\\u8fd9\\\"}\"", "\"st\":1"};
    add_blanks(out, seed);
    add(out, members[test_random(seed) % 5]);
    add_blanks(out, seed);
    add(out, ",");
}

static void rewrite_object(char *out, const json_t *object, uint64_t *seed)
{
    const char *keys[32], *key;
    json_t *value;
    size_t cnt = 0;
    json_object_foreach((json_t *)object, key, value)
    {
        keys[cnt++] = key;
    }
    for (size_t i = cnt; i > 1; i--) {
        size_t other = test_random(seed) % i;
        const char *swapped = keys[i - 1];
        keys[i - 1] = keys[other];
        keys[other] = swapped;
    }
    add(out, "{");
    for (size_t i = 0; i < cnt; i++) {
        if (test_random(seed) % 6 == 0) {
            add_unknown(out, seed);
        }
        rewrite_member(out, keys[i], json_object_get(object, keys[i]), seed);
        add(out, i + 1 < cnt ? "," : "}");
    }
}

static void rewrite(char *out, const json_t *value, uint64_t *seed)
{
    char *end = out + strlen(out); /* so that what is long is not gone through again and again */
    add_blanks(end, seed);
    if (json_is_object(value)) {
        rewrite_object(end, value, seed);
    } else if (json_is_array(value)) {
        add(end, "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            end += strlen(end);
            add(end, i > 0 ? "," : "");
            rewrite(end, json_array_get(value, i), seed);
        }
        add(end, "]");
    } else if (json_is_string(value)) {
        sprintf(end + strlen(end), "\"%s\"", json_string_value(value));
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        add(end, text);
        free(text);
    }
    add_blanks(end, seed);
}

static int assert_rewritten_same(const char *name, int lines_max, uint64_t *seed)
{
    static char other[1 << 20];
    struct shared_lines lines;
    int cnt = 0;
    shared_open(&lines, name);
    while (cnt < lines_max && shared_next(&lines)) {
        const char *text = json_of(&lines);
        json_t *value = text != NULL ? json_loads(text, 0, NULL) : NULL;
        if (value == NULL) {
            continue;
        }
        struct pw_venue_out first = {.events = g_events, .cap = EVENTS_MAX, .recv_ns = RECV_NS};
        struct pw_venue_out second = {.events = g_others, .cap = EVENTS_MAX, .recv_ns = RECV_NS};
        enum pw_decode expected = pw_binance_events(&g_symbols, text, strlen(text), &first);
        other[0] = '\0';
        rewrite(other, value, seed);
        cr_assert_eq(pw_binance_events(&g_symbols, other, strlen(other), &second), expected, "%s", other);
        assert_same(&first, &second, other, strlen(other));
        cnt += expected == PW_DECODE_OK;
        json_decref(value);
    }
    shared_close(&lines);
    return cnt;
}

Test(events, order_blanks_and_unknown_fields_change_nothing)
{
    uint64_t seed = 3;
    shared_need();
    cr_assert_eq(assert_rewritten_same("data/unit/spot_btcusdt_2000.txt", 2000, &seed), 1999);
    cr_assert_eq(assert_rewritten_same("data/captures/binance/usdm_btcusdt_20230404.dat.gz", 1000, &seed),
                 1000);
    cr_assert_gt(assert_rewritten_same("data/captures/cryptofeed/BINANCE.ws.1.0.gz", 1000, &seed), 200);
}

/* ---- instruments in other units: cases/04-quantity-too-large ---- */

static enum pw_decode cheap_events_of(const char *text, struct pw_venue_out *out)
{
    static const struct pw_instrument instruments[3] = {{.symbol = "BTTCUSDT", .unit_shift = 3},
                                                        {.symbol = "BTCIDR", .unit_shift = -3},
                                                        {.symbol = "BTCUSDT"}};
    static struct pw_symbols symbols;
    cr_assert_eq(pw_symbols_init(&symbols, instruments, 3, 0), 0);
    *out = (struct pw_venue_out){.events = g_events, .cap = EVENTS_MAX, .recv_ns = RECV_NS};
    return pw_binance_events(&symbols, text, strlen(text), out);
}

Test(events, each_instrument_is_read_in_its_units)
{
    struct pw_venue_out out;
    cr_assert_eq(cheap_events_of("{\"u\":7,\"s\":\"BTTCUSDT\",\"b\":\"0.00000050\",\"B\":\"250000000000.00\","
                                 "\"a\":\"0.00000051\",\"A\":\"310000000000.00\"}",
                                 &out),
                 PW_DECODE_OK);
    const struct pw_quote *quote = &g_events[0].body.quote;
    cr_expect_eq(quote->bid_price_e8, 50000);
    cr_expect_eq(quote->bid_qty_e8, INT64_C(25000000000000000));
    cr_expect_eq(quote->ask_price_e8, 51000);
    cr_expect_eq(quote->ask_qty_e8, INT64_C(31000000000000000));
    cr_expect_eq(g_events[0].flags, 0);
    cr_assert_eq(cheap_events_of("{\"u\":7,\"s\":\"BTCIDR\",\"b\":\"1650000000000.00\",\"B\":\"0.00000001\","
                                 "\"a\":\"1650000001000\",\"A\":\"90000\"}",
                                 &out),
                 PW_DECODE_OK);
    cr_expect_eq(quote->bid_price_e8, INT64_C(165000000000000000));
    cr_expect_eq(quote->bid_qty_e8, 1000);
    cr_expect_eq(quote->ask_qty_e8, INT64_C(9000000000000000));
    cr_assert_eq(cheap_events_of("{\"e\":\"trade\",\"E\":1,\"s\":\"BTTCUSDT\",\"t\":5,\"p\":\"0.00000051\","
                                 "\"q\":\"40000000000.00\",\"T\":1,\"m\":false,\"M\":true}",
                                 &out),
                 PW_DECODE_OK);
    cr_expect_eq(g_events[0].body.trade.price_e8, 51000);
    cr_expect_eq(g_events[0].body.trade.qty_e8, INT64_C(4000000000000000));
    cr_assert_eq(
        cheap_events_of("{\"e\":\"kline\",\"E\":1,\"s\":\"BTTCUSDT\",\"k\":{\"t\":0,\"T\":59999,"
                        "\"s\":\"BTTCUSDT\",\"i\":\"1m\",\"f\":1,\"L\":2,\"o\":\"0.00000050\","
                        "\"c\":\"0.00000051\",\"h\":\"0.00000051\",\"l\":\"0.00000050\","
                        "\"v\":\"410000000000.00\",\"n\":2,\"x\":true,\"q\":\"205000.00\",\"V\":\"1\","
                        "\"Q\":\"99999999999999999999\",\"B\":\"0\"}}",
                        &out),
        PW_DECODE_OK);
    cr_expect_eq(g_events[0].body.candle.volume_e8, INT64_C(41000000000000000));
    cr_expect_eq(g_events[0].flags, PW_FLAG_CLOSED);
    cr_expect_eq(g_events[1].body.candle_info.quote_volume_e8, INT64_C(20500000000000));
    cr_expect_eq(g_events[1].flags, 0);
}

Test(events, a_quantity_that_cannot_be_held_is_capped_and_marked)
{
    struct pw_venue_out out;
    cr_assert_eq(cheap_events_of("{\"u\":7,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"250000000000.00\","
                                 "\"a\":\"2\",\"A\":\"1\"}",
                                 &out),
                 PW_DECODE_OK);
    cr_expect_eq(g_events[0].body.quote.bid_qty_e8, INT64_MAX);
    cr_expect_eq(g_events[0].flags, PW_FLAG_CAPPED);
    cr_assert_eq(cheap_events_of("{\"u\":7,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"1\","
                                 "\"a\":\"250000000000\",\"A\":\"1\"}",
                                 &out),
                 PW_DECODE_OK);
    const struct pw_quote *quote = &g_events[0].body.quote;
    cr_expect(quote->bid_price_e8 == PW_E8 && quote->ask_price_e8 == 0 && quote->ask_qty_e8 == 0);
    cr_expect_eq(g_events[0].flags, PW_FLAG_CAPPED);
    cr_assert_eq(cheap_events_of("{\"e\":\"aggTrade\",\"E\":1,\"s\":\"BTCUSDT\",\"a\":5,\"p\":\"1\","
                                 "\"q\":\"250000000000\",\"f\":1,\"l\":1,\"T\":1,\"m\":true,\"M\":true}",
                                 &out),
                 PW_DECODE_OK);
    cr_expect_eq(g_events[0].body.agg_trade.qty_e8, INT64_MAX);
    cr_expect_eq(g_events[0].flags, PW_FLAG_CAPPED | PW_FLAG_SELL);
}

Test(events, a_level_that_cannot_be_held_costs_no_update)
{
    struct pw_venue_out out;
    cr_assert_eq(
        cheap_events_of("{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":1,\"u\":2,"
                        "\"b\":[[\"1.5\",\"250000000000\"],[\"1.4\",\"0.0000000001\"],[\"1.3\",\"0\"]],"
                        "\"a\":[[\"250000000000\",\"1\"],[\"1.6\",\"2\"],[\"0.0000000001\",\"1\"]]}",
                        &out),
        PW_DECODE_OK);
    cr_assert_eq(out.cnt, 4);
    cr_expect_eq(g_events[0].flags, PW_FLAG_CAPPED, "a level is left out");
    cr_expect(g_events[0].body.depth.bid_cnt == 3 && g_events[0].body.depth.ask_cnt == 1);
    cr_expect_eq(g_events[1].flags, PW_FLAG_PAIR | PW_FLAG_CAPPED);
    cr_expect_eq(g_events[1].body.levels.level[0].qty_e8, INT64_MAX);
    cr_expect_eq(g_events[1].body.levels.level[1].qty_e8, 1, "not 0, which removes a level");
    cr_expect_eq(g_events[2].flags, 0);
    cr_expect_eq(g_events[2].body.levels.level[0].qty_e8, 0);
    cr_expect_eq(g_events[3].flags, PW_FLAG_SELL | PW_FLAG_LAST);
    cr_expect_eq(g_events[3].body.levels.level[0].price_e8, 160000000);
}
