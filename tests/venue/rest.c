/* SPDX-License-Identifier: MIT
 *
 * The REST interface: targets to the letter, recorded answers against facts that another program computed.
 */
#include "binance_rest.h"
#include "feeds.h"

#include "shared.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pw_config_feed feed_of(const char *const *symbols, const char *const *streams)
{
    struct pw_config_feed feed = {.name = "test"};
    for (; symbols[feed.instrument_cnt] != NULL; feed.instrument_cnt++) {
        snprintf(feed.instruments[feed.instrument_cnt], PW_SYMBOL_BYTES, "%s", symbols[feed.instrument_cnt]);
    }
    for (; streams != NULL && streams[feed.stream_cnt] != NULL; feed.stream_cnt++) {
        snprintf(feed.streams[feed.stream_cnt], sizeof feed.streams[0], "%s", streams[feed.stream_cnt]);
    }
    return feed;
}

Test(rest, all_streams_of_all_instruments_are_asked_for)
{
    struct pw_config_feed feed =
        feed_of((const char *const[]){"BTCUSDT", "这BNB", NULL},
                (const char *const[]){"trade", "depth@100ms", "kline_1d@+08:00", NULL});
    char target[512];
    cr_assert_eq(pw_binance_stream_target(pw_feed_wants(&feed), target, sizeof target), 0);
    cr_assert_str_eq(target, "/stream?streams=btcusdt@trade/btcusdt@depth@100ms/btcusdt@kline_1d@%2B08%3A00/"
                             "%E8%BF%99bnb@trade/%E8%BF%99bnb@depth@100ms/%E8%BF%99bnb@kline_1d@%2B08%3A00");
    size_t size = strlen(target) + 1;
    cr_assert_eq(pw_binance_stream_target(pw_feed_wants(&feed), target, size), 0);
    cr_assert_eq(pw_binance_stream_target(pw_feed_wants(&feed), target, size - 1), -E2BIG);
    feed.stream_cnt = 0;
    cr_assert_eq(pw_binance_stream_target(pw_feed_wants(&feed), target, sizeof target), -EINVAL);
}

/* cases/01-freeze-then-stale-orders */
Test(rest, a_feed_of_quotes_alone_tells_no_time)
{
    static const struct {
        const char *venue, *stream, *other;
        bool tells;
    } rows[] = {{"binance_spot", "bookTicker", NULL, false}, {"binance_spot", "bookTicker", "trade", true},
                {"binance_spot", "depth@100ms", NULL, true}, {"binance_spot", "kline_1m", NULL, true},
                {"binance_usdm", "bookTicker", NULL, true},  {"kraken", "ticker", NULL, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_config_feed feed = feed_of((const char *const[]){"A", NULL},
                                             (const char *const[]){rows[i].stream, rows[i].other, NULL});
        snprintf(feed.venue, sizeof feed.venue, "%s", rows[i].venue);
        cr_expect_eq(pw_feed_tells_time(&feed), rows[i].tells, "%s %s", rows[i].venue, rows[i].stream);
    }
}

Test(rest, more_streams_than_the_venue_takes_are_refused)
{
    static struct pw_config_feed feed;
    static char target[1 << 16];
    feed.stream_cnt = 8;
    for (uint32_t i = 0; i < 8; i++) {
        snprintf(feed.streams[i], sizeof feed.streams[i], "kline_%um", i);
    }
    for (feed.instrument_cnt = 0; feed.instrument_cnt < 129; feed.instrument_cnt++) {
        snprintf(feed.instruments[feed.instrument_cnt], PW_SYMBOL_BYTES, "C%uUSDT", feed.instrument_cnt);
    }
    cr_assert_eq(pw_binance_stream_target(pw_feed_wants(&feed), target, sizeof target), -E2BIG);
    feed.instrument_cnt = 128;
    cr_assert_eq(pw_binance_stream_target(pw_feed_wants(&feed), target, sizeof target), 0);
}

Test(rest, targets_of_instruments_and_books_are_encoded)
{
    struct pw_config_feed feed = feed_of((const char *const[]){"BTCUSDT", "BNBBTC", NULL}, NULL);
    char target[256];
    cr_assert_eq(pw_binance_exchange_info_target(pw_feed_wants(&feed), target, sizeof target), 0);
    cr_assert_str_eq(target, "/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22BNBBTC%22%5D");
    cr_assert_eq(pw_binance_exchange_info_target(pw_feed_wants(&feed), target, strlen(target)), -E2BIG);
    cr_assert_eq(pw_binance_depth_target("BTCUSDT", 5000, target, sizeof target), 0);
    cr_assert_str_eq(target, "/api/v3/depth?symbol=BTCUSDT&limit=5000");
    cr_assert_eq(pw_binance_depth_target("A&B", 5, target, sizeof target), 0);
    cr_assert_str_eq(target, "/api/v3/depth?symbol=A%26B&limit=5");
    cr_assert_eq(pw_binance_depth_target("BTCUSDT", 5000, target, 10), -E2BIG);
}

Test(rest, a_deeper_book_costs_more)
{
    static const uint32_t rows[][2] = {{5, 5},    {100, 5},   {101, 25},   {500, 25},
                                       {501, 50}, {1000, 50}, {1001, 250}, {5000, 250}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(pw_binance_depth_weight(rows[i][0]), rows[i][1]);
    }
}

/* The msg and the expect of the first example of that channel whose event is `event`. */
static json_t *example(const char *channel, const char *event)
{
    struct shared_lines lines;
    json_t *found = NULL;
    shared_open(&lines, "venues/messages.jsonl");
    while (found == NULL && shared_next(&lines)) {
        json_t *row = json_loads(lines.line, 0, NULL);
        const char *venue = json_string_value(json_object_get(row, "venue"));
        const char *row_event = json_string_value(json_object_get(json_object_get(row, "expect"), "event"));
        if (strcmp(venue, "binance_spot") == 0 && strcmp(row_event, event) == 0 &&
            strcmp(json_string_value(json_object_get(row, "channel")), channel) == 0) {
            found = json_incref(row);
        }
        json_decref(row);
    }
    shared_close(&lines);
    cr_assert_not_null(found);
    return found;
}

static const char *body_of(const json_t *row, size_t *size)
{
    *size = json_string_length(json_object_get(row, "msg"));
    return json_string_value(json_object_get(row, "msg"));
}

/* A filter that is switched off is null in the facts and zero in the table. */
static void assert_filter(const json_t *facts, const char *name, int64_t value)
{
    const json_t *fact = json_object_get(facts, name);
    cr_assert_eq(value, json_is_null(fact) || fact == NULL ? 0 : e8_of(fact), "%s is %s", name,
                 text_e8(value));
}

/* What an answer says of the feed's instruments; the first fault, of the answer or of an instrument, with its
 * text. */
static int read_list(const char *body, size_t size, const struct pw_config_feed *feed, uint32_t feed_idx,
                     struct pw_instrument *rows, char *error, size_t error_bytes)
{
    static struct pw_instrument_said said[16];
    struct pw_instrument_list list = {.feed_idx = feed_idx, .rows = rows, .said = said};
    int err = pw_binance_instruments(body, size, pw_feed_wants(feed), &list);
    snprintf(error, error_bytes, "%s", list.error);
    for (uint32_t i = 0; err == 0 && i < feed->instrument_cnt; i++) {
        err = said[i].fault;
        snprintf(error, error_bytes, "%s: %s", feed->instruments[i], said[i].text);
    }
    return err;
}

Test(rest, an_instrument_has_all_of_its_filters)
{
    shared_need();
    json_t *row = example("rest_exchangeInfo", "instruments");
    const json_t *expect = json_object_get(row, "expect"), *facts = json_object_get(expect, "instrument");
    struct pw_config_feed feed = feed_of((const char *const[]){"ETHBTC", NULL}, NULL);
    struct pw_instrument table[1];
    char error[128] = "";
    size_t size;
    const char *body = body_of(row, &size);
    cr_assert_eq(read_list(body, size, &feed, 3, table, error, sizeof error), 0, "%s", error);
    cr_assert_str_eq(table[0].symbol, "ETHBTC");
    cr_assert_str_eq(table[0].base, json_string_value(json_object_get(facts, "base")));
    cr_assert_str_eq(table[0].quote, json_string_value(json_object_get(facts, "quote")));
    cr_assert(table[0].tradable && table[0].feed_idx == 3);
    assert_filter(facts, "tick", table[0].tick_e8);
    assert_filter(facts, "min_price", table[0].min_price_e8);
    assert_filter(facts, "max_price", table[0].max_price_e8);
    assert_filter(facts, "step", table[0].step_e8);
    assert_filter(facts, "min_qty", table[0].min_qty_e8);
    assert_filter(facts, "max_qty", table[0].max_qty_e8);
    assert_filter(facts, "market_step", table[0].market_step_e8);
    assert_filter(facts, "market_max_qty", table[0].market_max_qty_e8);
    assert_filter(facts, "min_notional", table[0].min_notional_e8);
    assert_filter(facts, "max_notional", table[0].max_notional_e8);
    cr_assert(!table[0].min_notional_market && !table[0].max_notional_market);
    json_decref(row);
}

/* The body of the recorded exchangeInfo in <shared>/data/captures/cryptofeed/<file>. */
static char *recorded_info(const char *file)
{
    char path[128];
    struct shared_lines lines;
    snprintf(path, sizeof path, "data/captures/cryptofeed/%s", file);
    shared_open(&lines, path);
    cr_assert(shared_next(&lines));
    char *body = strdup(strchr(lines.line, '{'));
    shared_close(&lines);
    return body;
}

static void assert_picked(const struct pw_instrument *row, const json_t *facts)
{
    bool trading = strcmp(json_string_value(json_object_get(facts, "status")), "TRADING") == 0;
    cr_assert_eq(row->tradable, trading);
    cr_assert_str_eq(row->base, json_string_value(json_object_get(facts, "baseAsset")));
    cr_assert_str_eq(row->quote, json_string_value(json_object_get(facts, "quoteAsset")));
    assert_filter(facts, "tickSize", row->tick_e8);
    assert_filter(facts, "minPrice", row->min_price_e8);
    assert_filter(facts, "maxPrice", row->max_price_e8);
    assert_filter(facts, "stepSize", row->step_e8);
    assert_filter(facts, "minQty", row->min_qty_e8);
    assert_filter(facts, "maxQty", row->max_qty_e8);
    assert_filter(facts, "minNotional", row->min_notional_e8);
}

Test(rest, recorded_answers_give_the_facts_of_their_instruments)
{
    shared_need();
    json_t *expected = shared_json("data/expected/exchange_info.json"), *file;
    size_t i;
    int picked_cnt = 0;
    json_array_foreach(json_object_get(expected, "files"), i, file)
    {
        const char *name = json_string_value(json_object_get(file, "file"));
        if (strstr(name, "BINANCE") == NULL || strstr(name, "DELIVERY") != NULL) {
            continue; /* COIN-M says contractStatus for status */
        }
        char *body = recorded_info(name);
        const char *symbol;
        json_t *facts;
        struct pw_config_feed feed = {.name = "test"};
        struct pw_instrument table[16];
        char error[128] = "";
        json_object_foreach(json_object_get(file, "picked"), symbol, facts)
        {
            snprintf(feed.instruments[feed.instrument_cnt++], PW_SYMBOL_BYTES, "%s", symbol);
        }
        int result = read_list(body, strlen(body), &feed, 0, table, error, sizeof error);
        cr_assert_eq(result, 0, "%s: %s", name, error);
        for (uint32_t k = 0; k < feed.instrument_cnt; k++, picked_cnt++) {
            assert_picked(&table[k], json_object_get(json_object_get(file, "picked"), feed.instruments[k]));
        }
        free(body);
    }
    cr_assert_geq(picked_cnt, 14);
    json_decref(expected);
}

static int instruments(const char *body, const char *symbol, char *error)
{
    struct pw_config_feed feed = feed_of((const char *const[]){symbol, NULL}, NULL);
    struct pw_instrument table[1];
    return read_list(body, strlen(body), &feed, 0, table, error, 128);
}

#define INFO(symbol) "{\"timezone\":\"UTC\",\"symbols\":[{\"symbol\":\"A\"," symbol "}]}"
#define ASSETS       "\"baseAsset\":\"A\",\"quoteAsset\":\"B\",\"status\":\"TRADING\""

Test(rest, what_is_wrong_with_an_answer_is_told)
{
    static const struct {
        const char *body;
        int result;
        const char *says;
    } rows[] = {
        {"", -EBADMSG, "unexpected response"},
        {"<html>", -EBADMSG, "unexpected response"},
        {"[]", -EBADMSG, "unexpected response"},
        {"{\"symbols\":{}}", -EBADMSG, "unexpected response"},
        {"{\"code\":-1121,\"msg\":\"Invalid symbol.\"}", -EREMOTEIO, "Invalid symbol. (code -1121)"},
        {"{\"symbols\":[]}", -ENOENT, "A: the venue has no such symbol"},
        {"{\"symbols\":[{\"symbol\":\"AB\"},7,{}]}", -ENOENT, "A: the venue has no such symbol"},
        {INFO("\"filters\":[]"), -EBADMSG, "A: assets"},
        {INFO(ASSETS), -EBADMSG, "A: assets"},
        {INFO(ASSETS ",\"filters\":[{\"filterType\":\"LOT_SIZE\",\"minQty\":\"1\",\"maxQty\":\"2\"}]"),
         -EBADMSG, "A: a filter lacks stepSize"},
        {INFO(ASSETS
              ",\"filters\":[{\"filterType\":\"LOT_SIZE\",\"minQty\":\"1\",\"maxQty\":\"2\",\"stepSize\":"
              "\"0.00000000000000001\"}]"),
         -ERANGE, "quantities 17"},
        {INFO(ASSETS ",\"filters\":[{\"filterType\":\"LOT_SIZE\",\"minQty\":\"1\",\"maxQty\":\"x\","
                     "\"stepSize\":\"1\"}]"),
         -ERANGE, "A: maxQty is 'x'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char error[128] = "";
        cr_assert_eq(instruments(rows[i].body, "A", error), rows[i].result, "%s", rows[i].body);
        cr_assert_not_null(strstr(error, rows[i].says), "'%s' does not say '%s'", error, rows[i].says);
    }
}

#define LOT "{\"filterType\":\"LOT_SIZE\",\"minQty\":\"1\",\"maxQty\":\"2\",\"stepSize\":\"1\"}"

/* Symbols that are not ours, and what nobody uses of ours, may be anything:
 * cases/03-foreign-balance-too-large, cases/11-unknown-rate-limit-interval */
Test(rest, symbols_that_are_not_ours_are_not_judged)
{
    static const char *const foreign[] = {
        "null,7,\"A\",[],{},",
        "{\"symbol\":null},{\"symbol\":[\"A\"]},{\"symbol\":\"A\",\"symbol\":\"A\"},",
        "{\"symbol\":\"B\",\"filters\":null,\"status\":5,\"permissionSets\":[[\"MARGIN\",null]]},",
        "{\"symbol\":\"B\",\"orderTypes\":99999999999999999999,\"filters\":[{\"limit\":1e999,\"limit\":-1E+"
        "999}]},",
        "{\"symbol\":\"A-NAME-THAT-IS-LONGER-THAN-ANY-OTHER-0123456789-0123456789-0123456789\"},",
        "{\"symbol\":\"\\u0000\",\"baseAsset\":\"\\u0000\"},"};
    static const char *const unused[] = {
        "", ",\"permissionSets\":[[\"TRD_GRP_999\"],null,7],\"permissions\":[]",
        ",\"orderTypes\":[\"SIDEWAYS\"],\"new\":99999999999999999999,\"text\":\"\\\"1e999\""};
    static const char *const filters[] = {"", ",{\"filterType\":\"WEEKDAYS\",\"limit\":99999999999999999999}",
                                          ",null,7,{\"filterType\":null}"};
    char body[2048], error[256];
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        for (size_t k = 0; k < 3; k++) {
            snprintf(body, sizeof body,
                     "{\"serverTime\":1e999,\"rateLimits\":[{\"interval\":\"WEEK\",\"limit\":"
                     "99999999999999999999},null],"
                     "\"exchangeFilters\":{},\"symbols\":[%s{\"symbol\":\"A\"," ASSETS "%s,\"filters\":[" LOT
                     "%s]}]}",
                     foreign[i], unused[k], filters[k]);
            cr_expect_eq(instruments(body, "A", error), 0, "%s: %s", body, error);
        }
    }
}

Test(rest, an_upper_bound_beyond_all_numbers_bounds_nothing)
{
    static const char body[] =
        INFO(ASSETS ",\"filters\":[{\"filterType\":\"LOT_SIZE\",\"minQty\":\"1\",\"maxQty\":"
                    "\"1000000000000000000000.00000000\",\"stepSize\":\"1\"},{\"x\":1},7]");
    struct pw_config_feed feed = feed_of((const char *const[]){"A", NULL}, NULL);
    struct pw_instrument table[1];
    char error[128] = "";
    cr_assert_eq(read_list(body, sizeof body - 1, &feed, 0, table, error, sizeof error), 0, "%s", error);
    cr_assert(table[0].max_qty_e8 == INT64_MAX && table[0].min_qty_e8 == PW_E8 && table[0].tradable);
}

/* cases/21-reference-price-of-filters: what cannot be held bounds nothing, and is no fault of the instrument.
 */
Test(rest, a_price_band_is_read_in_both_forms)
{
    static const struct {
        const char *body;
        uint32_t bid_up_e6, bid_down_e6, ask_up_e6, ask_down_e6;
    } rows[] = {
        {INFO(ASSETS ",\"filters\":[{\"filterType\":\"PERCENT_PRICE_BY_SIDE\",\"bidMultiplierUp\":\"5\","
                     "\"bidMultiplierDown\":\"0.2\",\"askMultiplierUp\":\"1.3000\","
                     "\"askMultiplierDown\":\"0.00000199\",\"avgPriceMins\":5}]"),
         5000000, 200000, 1300000, 1},
        {INFO(ASSETS ",\"filters\":[{\"filterType\":\"PERCENT_PRICE\",\"multiplierUp\":\"1.00000001\","
                     "\"multiplierDown\":\"0.9\",\"avgPriceMins\":0}]"),
         1000001, 900000, 1000001, 900000},
        {INFO(ASSETS ",\"filters\":[{\"filterType\":\"PERCENT_PRICE\",\"multiplierUp\":\"5000\"}]"), 0, 0, 0,
         0},
        {INFO(ASSETS ",\"filters\":[{\"filterType\":\"PERCENT_PRICE\",\"multiplierUp\":5,"
                     "\"multiplierDown\":\"0.0000000001\"}]"),
         0, 0, 0, 0},
    };
    struct pw_config_feed feed = feed_of((const char *const[]){"A", NULL}, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_instrument row;
        char error[128] = "";
        cr_assert_eq(read_list(rows[i].body, strlen(rows[i].body), &feed, 0, &row, error, sizeof error), 0,
                     "%s", error);
        cr_expect_eq(row.band[PW_BUY].up_e6, rows[i].bid_up_e6, "row %zu", i);
        cr_expect_eq(row.band[PW_BUY].down_e6, rows[i].bid_down_e6, "row %zu", i);
        cr_expect_eq(row.band[PW_SELL].up_e6, rows[i].ask_up_e6, "row %zu", i);
        cr_expect_eq(row.band[PW_SELL].down_e6, rows[i].ask_down_e6, "row %zu", i);
        cr_expect(row.tradable);
    }
}

/* cases/21-reference-price-of-filters: which mean each filter is of; a number that is none is not known. */
Test(rest, the_minutes_of_a_filters_mean_are_read)
{
    static const struct {
        const char *mins;
        uint16_t value;
    } rows[] = {{",\"avgPriceMins\":5", 5},
                {",\"avgPriceMins\":0", 0},
                {",\"avgPriceMins\":65534", 65534},
                {",\"avgPriceMins\":65535", PW_MINS_UNKNOWN},
                {",\"avgPriceMins\":-1", PW_MINS_UNKNOWN},
                {",\"avgPriceMins\":9223372036854775807", PW_MINS_UNKNOWN},
                {",\"avgPriceMins\":5.5", PW_MINS_UNKNOWN},
                {",\"avgPriceMins\":\"5\"", PW_MINS_UNKNOWN},
                {",\"avgPriceMins\":null", PW_MINS_UNKNOWN},
                {"", PW_MINS_UNKNOWN}};
    static const char *const kinds[] = {
        "NOTIONAL\",\"minNotional\":\"1\",\"maxNotional\":\"2\",\"applyMinToMarket\":true",
        "MIN_NOTIONAL\",\"minNotional\":\"1\",\"applyToMarket\":true",
        "PERCENT_PRICE\",\"multiplierUp\":\"5\",\"multiplierDown\":\"0.2\"",
        "PERCENT_PRICE_BY_SIDE\",\"bidMultiplierUp\":\"5\",\"bidMultiplierDown\":\"0.2\","
        "\"askMultiplierUp\":\"5\",\"askMultiplierDown\":\"0.2\""};
    struct pw_config_feed feed = feed_of((const char *const[]){"A", NULL}, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct pw_instrument row;
            char error[128] = "", body[1024];
            snprintf(body, sizeof body, INFO(ASSETS ",\"filters\":[{\"filterType\":\"%s%s}]"), kinds[k],
                     rows[i].mins);
            cr_assert_eq(read_list(body, strlen(body), &feed, 0, &row, error, sizeof error), 0, "%s", error);
            cr_expect_eq(k < 2 ? row.notional_mins : row.band_mins, rows[i].value, "%s", body);
            cr_expect(row.tradable);
        }
    }
}

/* cases/21-reference-price-of-filters */
Test(rest, prices_by_which_filters_judge_are_asked_for_by_name)
{
    char target[64];
    cr_assert_eq(pw_binance_price_target(PW_PRICE_REFERENCE, "BTCUSDT", target, sizeof target), 0);
    cr_expect_str_eq(target, "/api/v3/referencePrice?symbol=BTCUSDT");
    cr_assert_eq(pw_binance_price_target(PW_PRICE_MEAN, "\xc3\xa4", target, sizeof target), 0);
    cr_expect_str_eq(target, "/api/v3/avgPrice?symbol=%C3%A4");
    cr_assert_eq(pw_binance_price_target(PW_PRICE_LAST, "A", target, sizeof target), 0);
    cr_expect_str_eq(target, "/api/v3/ticker/price?symbol=A");
    cr_expect_eq(pw_binance_price_target(PW_PRICE_REFERENCE, "BTCUSDT", target, 37), -E2BIG);
    cr_expect_eq(pw_binance_price_target(PW_PRICE_NONE, "A", target, sizeof target), -EINVAL);
}

/* cases/21-reference-price-of-filters: null, -2043, missing, of another type, too small, too large. */
Test(rest, prices_by_which_filters_judge_are_read)
{
    static const struct {
        enum pw_price_source source;
        const char *body;
        int result;
        int64_t price_e8, venue_ms;
        uint32_t mins;
    } rows[] = {
        {PW_PRICE_REFERENCE, "{\"symbol\":\"A\",\"referencePrice\":\"10.00\",\"timestamp\":1770736694138}", 0,
         10 * PW_E8, 1770736694138, 0},
        {PW_PRICE_REFERENCE, "{\"symbol\":\"A\",\"referencePrice\":null,\"timestamp\":1770736694138}",
         -ENODATA, 0, 1770736694138, 0},
        {PW_PRICE_REFERENCE, "{\"code\":-2043,\"msg\":\"This symbol doesn't have a reference price.\"}",
         -ENOENT, 0, 0, 0},
        {PW_PRICE_MEAN, "{\"code\":-2043,\"msg\":\"x\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"symbol\":\"A\",\"referencePrice\":\"10\"}", 0, 10 * PW_E8, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"10\",\"timestamp\":-1}", 0, 10 * PW_E8, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"10\",\"timestamp\":9223372036854775807}", 0, 10 * PW_E8,
         0, 0},
        {PW_PRICE_REFERENCE, "{\"symbol\":\"B\",\"referencePrice\":\"10\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"symbol\":1,\"referencePrice\":\"10\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"symbol\":\"A\",\"timestamp\":1}", -EBADMSG, 0, 1, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":10}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"1e3\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"-1\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"0.00000000\"}", -ENODATA, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"0.000000009\"}", -ENODATA, 0, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"1.000000019\"}", 0, PW_E8 + 1, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"92233720368.54775806\"}", 0, INT64_MAX - 1, 0, 0},
        {PW_PRICE_REFERENCE, "{\"referencePrice\":\"99999999999999999999999\"}", -EBADMSG, INT64_MAX, 0, 0},
        {PW_PRICE_MEAN, "{\"mins\":5,\"price\":\"9.35751834\",\"closeTime\":1694061154503}", 0, 935751834,
         1694061154503, 5},
        {PW_PRICE_MEAN, "{\"price\":\"9\"}", 0, 9 * PW_E8, 0, 0},
        {PW_PRICE_MEAN, "{\"mins\":-5,\"price\":\"9\"}", 0, 9 * PW_E8, 0, 0},
        {PW_PRICE_MEAN, "{\"mins\":4294967296,\"price\":\"9\"}", 0, 9 * PW_E8, 0, 0},
        {PW_PRICE_MEAN, "{\"mins\":5,\"price\":null}", -ENODATA, 0, 0, 5},
        {PW_PRICE_LAST, "{\"symbol\":\"A\",\"price\":\"4.5\"}", 0, 9 * PW_E8 / 2, 0, 0},
        {PW_PRICE_LAST, "[{\"symbol\":\"A\",\"price\":\"4.5\"}]", -EBADMSG, 0, 0, 0},
        {PW_PRICE_LAST, "{\"price\":\"1\",\"price\":\"2\"}", -EBADMSG, 0, 0, 0},
        {PW_PRICE_LAST, "", -EBADMSG, 0, 0, 0},
        {PW_PRICE_NONE, "{\"price\":\"1\"}", -EBADMSG, 0, 0, 0},
    };
    const struct pw_instrument a = {.symbol = "A"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_venue_price price;
        cr_expect_eq(pw_binance_price(rows[i].source, rows[i].body, strlen(rows[i].body), &a, &price),
                     rows[i].result, "%s", rows[i].body);
        cr_expect_eq(price.price_e8, rows[i].price_e8, "%s", rows[i].body);
        cr_expect_eq(price.venue_ns, rows[i].venue_ms * PW_NS_PER_MS, "%s", rows[i].body);
        cr_expect_eq(price.mins, rows[i].mins, "%s", rows[i].body);
    }
    static const char body[] = "{\"price\":\"0.000000000012\"}";
    struct pw_instrument fine = a;
    struct pw_venue_price price;
    fine.unit_shift = 4;
    cr_expect_eq(pw_binance_price(PW_PRICE_LAST, body, sizeof body - 1, &fine, &price), 0);
    cr_expect_eq(price.price_e8, 12, "in the instrument's units");
}

Test(rest, an_instrument_that_does_not_trade_is_not_tradable)
{
    struct pw_config_feed feed = feed_of((const char *const[]){"A", NULL}, NULL);
    struct pw_instrument table[1];
    char error[128];
    static const char *const statuses[] = {"HALT", "BREAK", "CANCEL_ONLY", "trading"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        char body[256];
        snprintf(body, sizeof body,
                 INFO("\"baseAsset\":\"LONGLONGLONGNAME\",\"quoteAsset\":\"测测测测测测\",\"status\":\"%s\","
                      "\"filters\":[]"),
                 statuses[i]);
        cr_assert_eq(read_list(body, strlen(body), &feed, 0, table, error, sizeof error), 0);
        cr_assert_not(table[0].tradable, "%s", statuses[i]);
        cr_assert_str_eq(table[0].base, "LONGLONGLONGNAME");
        cr_assert_str_eq(table[0].quote, "测测测测测测");
    }
}

/* cases/06-instrument-rules-change-while-running */
Test(rest, why_a_symbol_is_not_open_is_said)
{
    static const char body[] = INFO(ASSETS ",\"isSpotTradingAllowed\":false,\"filters\":[]");
    struct pw_config_feed feed = feed_of((const char *const[]){"A", NULL}, NULL);
    struct pw_instrument row;
    struct pw_instrument_said said;
    struct pw_instrument_list list = {.rows = &row, .said = &said};
    cr_assert_eq(pw_binance_instruments(body, sizeof body - 1, pw_feed_wants(&feed), &list), 0);
    cr_assert_not(row.tradable);
    cr_assert_str_eq(said.status, "no spot trading");
}

/* cases/02-asset-longer-than-11-bytes */
Test(rest, a_name_is_held_whole_or_refused_with_its_name)
{
    struct pw_config_feed feed = feed_of((const char *const[]){"A", NULL}, NULL);
    for (unsigned bytes = 0; bytes <= PW_ASSET_BYTES + 1; bytes++) {
        for (unsigned is_quote = 0; is_quote < 2; is_quote++) {
            struct pw_instrument table[1];
            char name[PW_ASSET_BYTES + 2] = "", body[512], error[256] = "";
            memset(name, 'N', bytes);
            snprintf(body, sizeof body,
                     INFO("\"baseAsset\":\"%s\",\"quoteAsset\":\"%s\",\"status\":\"TRADING\",\"filters\":[]"),
                     is_quote ? "B" : name, is_quote ? name : "B");
            int result = read_list(body, strlen(body), &feed, 0, table, error, sizeof error);
            if (bytes > 0 && bytes < PW_ASSET_BYTES) {
                cr_assert_eq(result, 0, "%s", error);
                cr_assert_str_eq(is_quote ? table[0].quote : table[0].base, name);
            } else {
                cr_assert_eq(result, -ERANGE);
                cr_assert_not_null(strstr(error, name), "%s", error);
            }
        }
    }
}

Test(rest, a_snapshot_is_a_run_of_events)
{
    shared_need();
    json_t *row = example("rest_depth", "depth_snapshot");
    size_t size;
    const char *body = body_of(row, &size);
    struct pw_event events[8];
    cr_assert_eq(pw_binance_depth_events(body, size, (struct pw_symbol){5, 0}, 77, events, 8), 3);
    cr_assert(events[0].kind == PW_EVENT_DEPTH && events[0].flags == PW_FLAG_SNAPSHOT);
    cr_assert(events[0].instrument_idx == 5 && events[0].recv_ns == 77 && events[0].venue_ns == 0);
    cr_assert(events[0].body.depth.last_update_id == 1027024 &&
              events[0].body.depth.first_update_id == 1027024);
    cr_assert(events[1].flags == PW_FLAG_SNAPSHOT && events[1].body.levels.level[0].price_e8 == 400000000);
    cr_assert(events[2].flags == (PW_FLAG_SNAPSHOT | PW_FLAG_SELL | PW_FLAG_LAST));
    cr_assert(events[2].body.levels.level[0].price_e8 == 400000200 &&
              events[2].body.levels.update_id == 1027024);
    cr_assert_eq(pw_binance_depth_events(body, size, (struct pw_symbol){5, 0}, 77, events, 2),
                 PW_DECODE_TOO_LARGE);
    for (size_t prefix = 0; prefix < size; prefix++) {
        cr_assert_lt(pw_binance_depth_events(body, prefix, (struct pw_symbol){5, 0}, 77, events, 8), 0);
    }
    json_decref(row);
}

Test(rest, what_is_no_snapshot_is_refused)
{
    struct pw_event events[8];
    static const char *const rows[] = {"",
                                       "{}",
                                       "[]",
                                       "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}",
                                       "{\"result\":null}",
                                       "{\"lastUpdateId\":1,\"bids\":[]}",
                                       "{\"e\":\"serverShutdown\",\"E\":1}",
                                       "{\"lastUpdateId\":1,\"bids\":[[\"1\"]],\"asks\":[]}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_lt(
            pw_binance_depth_events(rows[i], strlen(rows[i]), (struct pw_symbol){0, 0}, 0, events, 8), 0,
            "%s", rows[i]);
    }
    static const char empty[] = "{\"lastUpdateId\":1,\"bids\":[],\"asks\":[]}";
    cr_assert_eq(pw_binance_depth_events(empty, sizeof empty - 1, (struct pw_symbol){0, 0}, 0, events, 8), 1);
    cr_assert_eq(events[0].flags, PW_FLAG_SNAPSHOT | PW_FLAG_LAST);
}

Test(rest, errors_are_told_from_other_bodies)
{
    static const char body[] = "{\"code\":-1003,\"msg\":\"Way too much request weight used\"}";
    int64_t code;
    char text[64];
    cr_assert(pw_binance_error(body, sizeof body - 1, &code, text, sizeof text));
    cr_assert_eq(code, -1003);
    cr_assert_str_eq(text, "Way too much request weight used");
    cr_assert(pw_binance_error(body, sizeof body - 1, &code, text, 8));
    cr_assert_str_eq(text, "Way too");
    cr_assert_not(pw_binance_error("<html></html>", 13, &code, text, sizeof text));
    cr_assert_not(pw_binance_error("", 0, &code, text, sizeof text));
    cr_assert_not(pw_binance_error("{\"code\":\"x\",\"msg\":\"y\"}", 22, &code, text, sizeof text));
}
