/* SPDX-License-Identifier: MIT
 *
 * The synthetic market tells one story: the book put together from a snapshot and the updates is the market's
 * own, quotes are its top, trades are at prices that were in it, ids have no gaps; and the seed decides all
 * of it.
 */
#include "synthetic.h"

#include "hub_listener.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define START_MS  INT64_C(1723161600000)

static struct pw_sim_synthetic_config g_config = {.seed = 42,
                                                  .epoch_ms = START_MS,
                                                  .instrument_cnt = 2,
                                                  .instruments = {{.symbol = "BTCUSDT",
                                                                   .price_e8 = INT64_C(6150000000000),
                                                                   .tick_e8 = 1000000,
                                                                   .step_e8 = 1000,
                                                                   .trades_per_s = 50,
                                                                   .quotes_per_s = 200,
                                                                   .volatility_ppm = 40,
                                                                   .levels = 400},
                                                                  {.symbol = "NKNUSDT",
                                                                   .price_e8 = 35210000,
                                                                   .tick_e8 = 10000,
                                                                   .step_e8 = 100000000,
                                                                   .trades_per_s = 30,
                                                                   .quotes_per_s = 120,
                                                                   .volatility_ppm = 200,
                                                                   .levels = 100}}};

struct venue {
    struct pw_sim_hub hub;
    struct pw_sim_source source;
    int64_t now_ns;
};

static void venue_open(struct venue *venue, const struct pw_sim_synthetic_config *config)
{
    char error[256];

    memset(venue, 0, sizeof *venue);
    cr_assert_eq(pw_sim_hub_init(&venue->hub, 8), 0);
    cr_assert_eq(pw_sim_synthetic_make(&venue->source, config, &venue->hub, 0, error, sizeof error), 0, "%s",
                 error);
}

/* One thing happens; returns false when the market's time has come to until_ns. */
static bool venue_step(struct venue *venue, int64_t until_ns)
{
    cr_assert_eq(venue->source.ops->next(venue->source.state, 0, &venue->now_ns), PW_SIM_NEXT_AT);
    if (venue->now_ns >= until_ns) {
        return false;
    }
    venue->source.ops->step(venue->source.state);
    return true;
}

static void venue_close(struct venue *venue)
{
    venue->source.ops->free(venue->source.state);
    pw_sim_hub_fini(&venue->hub);
}

static json_t *parse(struct pw_slice text)
{
    json_error_t error;
    json_t *json = json_loadb(text.text, text.size, JSON_REJECT_DUPLICATES, &error);

    cr_assert_not_null(json, "%s: %.*s", error.text, (int)text.size, text.text);
    return json;
}

static json_t *depth_of(struct venue *venue, const char *symbol)
{
    struct pw_buffer text = {0};
    struct pw_sim_symbol *found =
        pw_sim_source_symbol(&venue->source, (struct pw_slice){symbol, strlen(symbol)});
    json_t *json;

    cr_assert(venue->source.ops->depth(venue->source.state, found, 5000, &text));
    json = parse((struct pw_slice){text.data, text.size});
    pw_buffer_free(&text);
    return json;
}

/* ---- a client's own book: price text to quantity text, as the messages say them ---- */

struct client_book {
    json_t *sides[2]; /* objects */
    json_int_t update_id;
};

static void levels_apply(json_t *side, const json_t *levels)
{
    const json_t *level;
    size_t i;

    json_array_foreach(levels, i, level)
    {
        const char *price = json_string_value(json_array_get(level, 0));
        const char *qty = json_string_value(json_array_get(level, 1));
        if (strtod(qty, NULL) == 0) {
            json_object_del(side, price);
        } else {
            json_object_set_new(side, price, json_string(qty));
        }
    }
}

static void book_begin(struct client_book *book, const json_t *snapshot)
{
    book->update_id = json_integer_value(json_object_get(snapshot, "lastUpdateId"));
    book->sides[0] = json_object();
    book->sides[1] = json_object();
    levels_apply(book->sides[0], json_object_get(snapshot, "bids"));
    levels_apply(book->sides[1], json_object_get(snapshot, "asks"));
}

static void book_end(struct client_book *book)
{
    json_decref(book->sides[0]);
    json_decref(book->sides[1]);
}

/* The venue's rule for spot (binance.md 3.1). */
static void book_update(struct client_book *book, const json_t *update)
{
    json_int_t first = json_integer_value(json_object_get(update, "U"));
    json_int_t last = json_integer_value(json_object_get(update, "u"));

    cr_assert_leq(first, last);
    if (last <= book->update_id) {
        return;
    }
    cr_assert_leq(first, book->update_id + 1, "a gap: %lld after %lld", (long long)first,
                  (long long)book->update_id);
    levels_apply(book->sides[0], json_object_get(update, "b"));
    levels_apply(book->sides[1], json_object_get(update, "a"));
    book->update_id = last;
}

/* The best price of a side as text; "" if it is empty. */
static const char *book_best(const struct client_book *book, int side)
{
    const char *price, *best = "";
    json_t *qty;

    json_object_foreach(book->sides[side], price, qty)
    {
        if (!*best || (side == 0 ? strtod(price, NULL) > strtod(best, NULL)
                                 : strtod(price, NULL) < strtod(best, NULL))) {
            best = price;
        }
    }
    return best;
}

static void expect_quote_is_top(const struct client_book *book, const json_t *quote)
{
    const char *bid = book_best(book, 0), *ask = book_best(book, 1);

    cr_assert_str_eq(bid, json_string_value(json_object_get(quote, "b")));
    cr_assert_str_eq(ask, json_string_value(json_object_get(quote, "a")));
    cr_assert_str_eq(json_string_value(json_object_get(book->sides[0], bid)),
                     json_string_value(json_object_get(quote, "B")));
    cr_assert_str_eq(json_string_value(json_object_get(book->sides[1], ask)),
                     json_string_value(json_object_get(quote, "A")));
    cr_assert_lt(strtod(bid, NULL), strtod(ask, NULL));
    cr_assert_leq(json_integer_value(json_object_get(quote, "u")), book->update_id);
}

/* ---- one instrument, listened to ---- */

struct story {
    struct client_book book;
    json_t *quote; /* the last one */
    json_int_t trade_id;
    int trades, quotes, updates, takers;
    double last_price;
    bool quote_since; /* the last trade */
};

/* The first trade of a taker is at the price that was the best of the other side; more of it are no better.
 */
static void trade_check(struct story *story, const json_t *trade)
{
    json_int_t id = json_integer_value(json_object_get(trade, "t"));
    bool sold = json_is_true(json_object_get(trade, "m"));
    double price = strtod(json_string_value(json_object_get(trade, "p")), NULL);
    bool same_taker =
        !story->quote_since; /* each taker's order changes the top, and that is told after its trades */

    cr_assert_eq(id, story->trade_id + 1);
    if (story->quote && !same_taker) {
        cr_assert_str_eq(json_string_value(json_object_get(trade, "p")),
                         json_string_value(json_object_get(story->quote, sold ? "b" : "a")));
        story->takers++;
    } else if (story->trades) {
        cr_assert(sold ? price <= story->last_price : price >= story->last_price);
    }
    story->trade_id = id;
    story->quote_since = false;
    story->last_price = price;
    story->trades++;
}

static void story_hear(struct story *story, const json_t *message)
{
    const char *stream = json_string_value(json_object_get(message, "stream"));
    json_t *data = json_object_get(message, "data");

    if (strstr(stream, "@trade")) {
        trade_check(story, data);
    } else if (strstr(stream, "@bookTicker")) {
        json_decref(story->quote);
        story->quote = json_incref(data);
        story->quote_since = true;
        story->quotes++;
    } else {
        book_update(&story->book, data);
        if (story->quote) {
            expect_quote_is_top(&story->book, story->quote);
        }
        story->updates++;
    }
}

static void listen_to(struct venue *venue, const char *symbol, const char *lower, int seconds,
                      struct story *story)
{
    static const char *const kinds[] = {"trade", "bookTicker", "depth@100ms"};
    struct listener listener;
    struct pw_slice text;
    char stream[64];
    json_t *json;

    memset(story, 0, sizeof *story);
    listener_open(&listener, &venue->hub, 0, true, false);
    for (int i = 0; i < 3; i++) {
        snprintf(stream, sizeof stream, "%s@%s", lower, kinds[i]);
        listener_subscribe(&listener, stream);
    }
    json = depth_of(venue, symbol);
    book_begin(&story->book, json);
    json_decref(json);
    story->trade_id = 5000000000;
    while (venue_step(venue, START_MS * 1000000 + seconds * SECOND_NS)) {
        while (listener_next(&listener, &text)) {
            json = parse(text);
            story_hear(story, json);
            json_decref(json);
        }
    }
    listener_close(&listener);
}

static void story_end(struct story *story)
{
    book_end(&story->book);
    json_decref(story->quote);
}

/* What the client put together, and the market's own at the last update. */
static void expect_whole_book(struct venue *venue, const char *symbol, const struct story *story)
{
    json_t *snapshot = depth_of(venue, symbol);
    struct client_book own;

    book_begin(&own, snapshot);
    if (own.update_id == story->book.update_id) {
        cr_assert(json_equal(own.sides[0], story->book.sides[0]));
        cr_assert(json_equal(own.sides[1], story->book.sides[1]));
    }
    cr_assert_geq(own.update_id, story->book.update_id);
    book_end(&own);
    json_decref(snapshot);
}

Test(synthetic, a_minute_of_updates_trades_and_quotes_fits_together)
{
    struct venue venue;
    struct story story;

    venue_open(&venue, &g_config);
    listen_to(&venue, "BTCUSDT", "btcusdt", 60, &story);
    expect_whole_book(&venue, "BTCUSDT", &story);
    cr_expect_gt(story.takers, 500);
    cr_expect_gt(story.updates, 590);
    cr_expect_gt(story.quotes, 6000);
    story_end(&story);
    venue_close(&venue);
}

Test(synthetic, a_cheap_instrument_with_coarse_steps_fits_together_too)
{
    struct venue venue;
    struct story story;

    venue_open(&venue, &g_config);
    listen_to(&venue, "NKNUSDT", "nknusdt", 60, &story);
    cr_expect_gt(story.takers, 300);
    story_end(&story);
    venue_close(&venue);
}

Test(synthetic, the_book_at_every_tick_equals_the_snapshot_of_that_tick)
{
    struct venue venue;
    struct listener listener;
    struct client_book book;
    struct pw_slice text;
    json_t *json;
    int compared = 0;

    venue_open(&venue, &g_config);
    listener_open(&listener, &venue.hub, 0, false, false);
    listener_subscribe(&listener, "btcusdt@depth@100ms");
    json = depth_of(&venue, "BTCUSDT");
    book_begin(&book, json);
    json_decref(json);
    while (venue_step(&venue, START_MS * 1000000 + 5 * SECOND_NS)) {
        while (listener_next(&listener, &text)) {
            struct client_book whole;
            json = parse(text);
            book_update(&book, json);
            json_decref(json);
            json = depth_of(&venue, "BTCUSDT");
            book_begin(&whole, json);
            json_decref(json);
            cr_assert_eq(whole.update_id, book.update_id);
            cr_assert(json_equal(whole.sides[0], book.sides[0]));
            cr_assert(json_equal(whole.sides[1], book.sides[1]));
            book_end(&whole);
            compared++;
        }
    }
    cr_expect_gt(compared, 45);
    book_end(&book);
    listener_close(&listener);
    venue_close(&venue);
}

struct rates {
    int trades, quotes; /* a second */
};

static struct rates rates_of(const struct pw_sim_synthetic_config *config, const char *symbol, int seconds)
{
    struct venue venue;
    struct listener listener;
    struct pw_slice text;
    struct rates sum = {0};
    char stream[64];

    venue_open(&venue, config);
    listener_open(&listener, &venue.hub, 0, false, false);
    snprintf(stream, sizeof stream, "%s@trade", symbol);
    listener_subscribe(&listener, stream);
    snprintf(stream, sizeof stream, "%s@bookTicker", symbol);
    listener_subscribe(&listener, stream);
    while (venue_step(&venue, START_MS * 1000000 + seconds * SECOND_NS)) {
        while (listener_next(&listener, &text)) {
            sum.trades += text.text[2] == 'e';
            sum.quotes += text.text[2] == 'u';
        }
    }
    listener_close(&listener);
    venue_close(&venue);
    return (struct rates){sum.trades / seconds, sum.quotes / seconds};
}

Test(synthetic, rates_are_about_what_the_config_says)
{
    struct rates rates = rates_of(&g_config, "btcusdt", 120);

    cr_expect(rates.trades > 40 && rates.trades < 60, "%d trades", rates.trades);
    cr_expect(rates.quotes > 160 && rates.quotes < 240, "%d quotes", rates.quotes);
    rates = rates_of(&g_config, "nknusdt", 120);
    cr_expect(rates.trades > 24 && rates.trades < 40, "%d trades", rates.trades);
    cr_expect(rates.quotes > 96 && rates.quotes < 144, "%d quotes", rates.quotes);
}

Test(synthetic, a_steady_load_is_as_large_as_the_config_says)
{
    struct pw_sim_synthetic_config config = g_config;

    config.instruments[1].steady = true;
    config.instruments[1].trades_per_s = 25000;
    config.instruments[1].quotes_per_s = 75000;
    struct rates rates = rates_of(&config, "nknusdt", 2);
    cr_expect(rates.trades > 20000 && rates.trades < 32000, "%d trades", rates.trades);
    cr_expect(rates.quotes > 65000 && rates.quotes < 85000, "%d quotes", rates.quotes);
}

/* FNV-1a over all that is told in ten seconds. */
static uint64_t fingerprint(const struct pw_sim_synthetic_config *config, bool microsecond)
{
    static const char *const streams[] = {"btcusdt@trade",    "btcusdt@bookTicker", "btcusdt@depth@100ms",
                                          "nknusdt@aggTrade", "nknusdt@kline_1s",   "nknusdt@depth5",
                                          "!miniTicker@arr",  "btcusdt@ticker",     "btcusdt@avgPrice"};
    uint64_t hash = UINT64_C(14695981039346656037);
    struct venue venue;
    struct listener listener;
    struct pw_slice text;

    venue_open(&venue, config);
    listener_open(&listener, &venue.hub, 0, true, microsecond);
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        listener_subscribe(&listener, streams[i]);
    }
    while (venue_step(&venue, START_MS * 1000000 + 10 * SECOND_NS)) {
        while (listener_next(&listener, &text)) {
            for (size_t i = 0; i < text.size; i++) {
                hash = (hash ^ (unsigned char)text.text[i]) * UINT64_C(1099511628211);
            }
        }
    }
    listener_close(&listener);
    venue_close(&venue);
    return hash;
}

Test(synthetic, the_same_seed_tells_the_same_bytes_and_another_seed_others)
{
    struct pw_sim_synthetic_config other = g_config;

    other.seed = 43;
    cr_expect_eq(fingerprint(&g_config, false), fingerprint(&g_config, false));
    cr_expect_neq(fingerprint(&g_config, false), fingerprint(&other, false));
    cr_expect_neq(fingerprint(&g_config, false), fingerprint(&g_config, true));
}

Test(synthetic, a_leap_moves_the_market_in_time_and_nothing_else)
{
    const int64_t leap_ns = 3 * SECOND_NS + 1;
    struct venue still, leaping;

    venue_open(&still, &g_config);
    venue_open(&leaping, &g_config);
    for (int i = 0; i < 4000; i++) {
        cr_assert(venue_step(&still, INT64_MAX) && venue_step(&leaping, INT64_MAX));
        cr_assert_eq(leaping.now_ns - still.now_ns, i < 2000 ? 0 : leap_ns, "step %d", i);
        for (uint32_t k = 0; k < still.source.symbol_cnt; k++) {
            still.source.ops->refresh(still.source.state, &still.source.symbols[k]);
            leaping.source.ops->refresh(leaping.source.state, &leaping.source.symbols[k]);
            cr_assert(memcmp(&still.source.symbols[k].top, &leaping.source.symbols[k].top,
                             sizeof still.source.symbols[k].top) == 0,
                      "step %d", i);
        }
        if (i == 1999) {
            leaping.source.ops->leap(leaping.source.state, leap_ns);
        }
    }
    venue_close(&still);
    venue_close(&leaping);
}

Test(synthetic, an_instrument_s_market_does_not_depend_on_the_others)
{
    struct pw_sim_synthetic_config alone = g_config;
    struct venue venue;
    struct story together, by_itself;

    alone.instrument_cnt = 1;
    venue_open(&venue, &g_config);
    listen_to(&venue, "BTCUSDT", "btcusdt", 5, &together);
    venue_close(&venue);
    venue_open(&venue, &alone);
    listen_to(&venue, "BTCUSDT", "btcusdt", 5, &by_itself);
    venue_close(&venue);
    cr_expect(json_equal(together.book.sides[0], by_itself.book.sides[0]));
    cr_expect_eq(together.trade_id, by_itself.trade_id);
    story_end(&together);
    story_end(&by_itself);
}

Test(synthetic, microseconds_are_the_same_messages_with_finer_times)
{
    struct venue venue;
    struct listener coarse, fine;
    struct pw_slice a, b;
    int cnt = 0;

    venue_open(&venue, &g_config);
    listener_open(&coarse, &venue.hub, 0, false, false);
    listener_open(&fine, &venue.hub, 1, false, true);
    listener_subscribe(&coarse, "btcusdt@trade");
    listener_subscribe(&fine, "btcusdt@trade");
    while (venue_step(&venue, START_MS * 1000000 + 5 * SECOND_NS)) {
        while (listener_next(&coarse, &a)) {
            cr_assert(listener_next(&fine, &b));
            json_t *ms = parse(a), *us = parse(b);
            cr_assert_eq(json_integer_value(json_object_get(ms, "T")),
                         json_integer_value(json_object_get(us, "T")) / 1000);
            cr_assert_eq(json_integer_value(json_object_get(ms, "E")),
                         json_integer_value(json_object_get(us, "E")) / 1000);
            cr_assert(json_equal(json_object_get(ms, "p"), json_object_get(us, "p")));
            json_decref(ms);
            json_decref(us);
            cnt++;
        }
    }
    cr_expect_gt(cnt, 50);
    listener_close(&coarse);
    listener_close(&fine);
    venue_close(&venue);
}

/* The sum of a candle's trades is what the trade stream said, and it is closed once, with its final figures.
 */
Test(synthetic, candles_hold_the_trades_of_their_second)
{
    struct venue venue;
    struct listener listener;
    struct pw_slice text;
    json_int_t per_second[12] = {0};
    int closed = 0;

    venue_open(&venue, &g_config);
    listener_open(&listener, &venue.hub, 0, true, false);
    listener_subscribe(&listener, "btcusdt@trade");
    listener_subscribe(&listener, "btcusdt@kline_1s");
    while (venue_step(&venue, START_MS * 1000000 + 11 * SECOND_NS)) {
        while (listener_next(&listener, &text)) {
            json_t *json = parse(text), *data = json_object_get(json, "data"),
                   *k = json_object_get(data, "k");
            json_int_t time = json_integer_value(json_object_get(k ? k : data, k ? "t" : "T"));
            json_int_t second = (time - START_MS) / 1000;
            if (!k) {
                per_second[second]++;
            } else if (json_is_true(json_object_get(k, "x"))) {
                cr_assert_eq(second, closed + 1); /* the first was over before the first telling */
                cr_assert_eq(json_integer_value(json_object_get(k, "n")), per_second[second]);
                closed++;
            }
            json_decref(json);
        }
    }
    cr_expect_eq(closed, 9);
    listener_close(&listener);
    venue_close(&venue);
}
