/* SPDX-License-Identifier: MIT
 *
 * Recorded traffic of a real exchange goes through the sockets, and the journal holds exactly the figures
 * that an independent program computed: in every placement, with the pauses of the recording and as fast as
 * it goes.
 */
#include "facts.h"
#include "harness.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define SECONDS 300

/* YAML of a simulator that serves these shared files (NULL-terminated), or NULL where they are absent. */
static const char *capture_yaml(const char *const *names, const char *pace, bool merge)
{
    static char yaml[4096];
    char files[3072] = "";
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *path = harness_shared(names[i]);
        if (path == NULL) {
            return NULL;
        }
        snprintf(files + strlen(files), sizeof files - strlen(files), "%s\"%s\"", i > 0 ? ", " : "", path);
    }
    snprintf(yaml, sizeof yaml, "pace: %s\ncapture: {files: [%s], merge: %s}\n", pace, files,
             merge ? "true" : "false");
    return yaml;
}

/* The engine has judged this many messages and worked through all that came of them: what is still in the
 * rings when it is told to stop would find new orders denied. */
struct wanted {
    long long frames;
};

static bool worked_through(struct harness *h, const void *arg)
{
    if (harness_metric(h, "parse", "frames") < ((const struct wanted *)arg)->frames) {
        return false;
    }
    json_t *top = harness_top(h);
    bool empty = json_number_at(top, "rings/parse.strategy/depth") == 0 &&
                 json_number_at(top, "rings/strategy.execution/depth") == 0;
    json_decref(top);
    return empty;
}

/* Serves, runs, waits for all of it, stops cleanly; the journal's facts. */
static json_t *through_the_engine(struct harness *h, const char *sim_yaml,
                                  const struct engine_options *options, long long frames)
{
    harness_sim_start(h, sim_yaml, 0);
    harness_engine_start(h, options);
    harness_sim_wait_text(h, "capture finished");
    struct wanted wanted = {frames};
    cr_assert(harness_wait(h, worked_through, &wanted, SECONDS),
              "not all of %lld messages were worked through", frames);
    cr_assert_eq(harness_stop(&h->engine, SIGTERM), 0, "the engine did not stop cleanly");
    return facts_of_journal(h);
}

static void compare_symbols(const json_t *expected, const json_t *facts, int symbols_wanted)
{
    const char *symbol;
    json_t *of_symbol;
    int symbols = 0;
    json_object_foreach(json_object_get(expected, "symbols"), symbol, of_symbol)
    {
        const json_t *actual = json_object_get(json_object_get(facts, "symbols"), symbol);
        cr_assert_not_null(actual, "the journal has nothing of %s", symbol);
        cr_assert_gt(facts_compare(symbol, of_symbol, actual), 10);
        symbols++;
    }
    cr_assert_eq(symbols, symbols_wanted);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void compare_fills(const json_t *expected, const json_t *facts)
{
    const json_t *want = json_object_get(expected, "fills");
    const json_t *have = json_object_get(facts, "fills");
    cr_assert_eq(json_array_size(have), json_array_size(want), "%zu fills instead of %zu",
                 json_array_size(have), json_array_size(want));
    static const char *const keys[] = {"price", "qty", "fee", "cash_after", "position_after"};
    for (size_t i = 0; i < json_array_size(want); i++) {
        const json_t *a = json_array_get(want, i), *b = json_array_get(have, i);
        cr_assert_str_eq(text_of(b, "side"), text_of(a, "side"));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            cr_assert(decimal_equal(text_of(a, keys[k]), text_of(b, keys[k])), "fill %zu: %s is %s, not %s",
                      i + 1, keys[k], text_of(b, keys[k]), text_of(a, keys[k]));
        }
    }
}

struct scenario {
    const char *name;
    const char *const *files;
    const char *pace;
    bool merge;           /* the files, by time */
    const char *expected; /* what an independent program found */
    long long frame_cnt;
    int symbol_cnt; /* whose figures are compared; 0: the fills are */
    struct engine_options options;
};

static void scenario_run(const struct scenario *scenario)
{
    json_t *expected = facts_expected(scenario->expected);
    const char *yaml = capture_yaml(scenario->files, scenario->pace, scenario->merge);
    if (expected == NULL || yaml == NULL) {
        cr_skip_test("no shared data here");
    }
    struct harness h;
    harness_begin(&h, scenario->name);
    json_t *facts = through_the_engine(&h, yaml, &scenario->options, scenario->frame_cnt);
    if (scenario->symbol_cnt > 0) {
        compare_symbols(expected, facts, scenario->symbol_cnt);
    } else {
        compare_fills(expected, facts);
    }
    json_decref(facts);
    json_decref(expected);
    harness_end(&h);
}

static const char *const two_days[] = {"captures/binance/spot_btcusdt_20240808.gz",
                                       "captures/binance/spot_btcusdt_20240809.gz", NULL};

static void two_days_in(enum placement placement, const char *name)
{
    scenario_run(&(struct scenario){.name = name,
                                    .files = two_days,
                                    .pace = "flood",
                                    .expected = "spot_btcusdt_20240808+09.json",
                                    .frame_cnt = 99573,
                                    .symbol_cnt = 1,
                                    .options = {.placement = placement,
                                                .symbols = "BTCUSDT",
                                                .streams = "trade, bookTicker, depth@100ms",
                                                .market_stall = true}});
}

Test(capture, two_days_flood_two_cores)
{
    two_days_in(TWO_CORES, "flood2");
}

Test(capture, two_days_flood_one_core)
{
    two_days_in(ONE_CORE, "flood1");
}

Test(capture, two_days_flood_stages_apart)
{
    two_days_in(ALL_APART, "flood6");
}

/* Its pauses and bursts, four times as fast: no figure depends on how long a second lasts. That a pace is
 * kept is in tests/sim/replay.c. */
#define FASTER "4"

Test(capture, with_its_pauses)
{
    static const char *const names[] = {"unit/spot_btcusdt_2000.txt", NULL};
    scenario_run(&(struct scenario){.name = "recorded",
                                    .files = names,
                                    .pace = FASTER,
                                    .expected = "unit_spot_btcusdt_2000.json",
                                    .frame_cnt = 1999,
                                    .symbol_cnt = 1,
                                    .options = {.placement = TWO_CORES,
                                                .symbols = "BTCUSDT",
                                                .streams = "trade, bookTicker, depth@100ms"}});
}

Test(capture, several_symbols)
{
    static const char *const names[] = {"captures/cryptofeed/BINANCE.0.gz",
                                        "captures/cryptofeed/BINANCE.http.0.0.gz",
                                        "captures/cryptofeed/BINANCE.ws.1.0.gz", NULL};
    scenario_run(&(struct scenario){.name = "several",
                                    .files = names,
                                    .pace = "flood",
                                    .merge = true,
                                    .expected = "cryptofeed_BINANCE.json",
                                    .frame_cnt = 265,
                                    .symbol_cnt = 4,
                                    .options = {.placement = TWO_CORES,
                                                .symbols = "NKNUSDT, BLZETH, LRCBTC, RUNEEUR",
                                                .streams = "aggTrade, bookTicker, depth@100ms, kline_1m"}});
}

/* ---- A minute with its pauses and bursts, in both shapes at once ---- */

/* What plain text search finds in the lines of the first minute. */
struct minute {
    long long trades, quotes, depths;
    long long first_trade_id, last_trade_id;
    char last_quote[512];
};

/* Copies the first minute's lines to `to`; false if the recording cannot be read. */
static bool cut_minute(const char *from, const char *to, struct minute *minute)
{
    gzFile in = gzopen(from, "rb");
    FILE *out = fopen(to, "w");
    static char line[1 << 20];
    long long first_ns = 0;
    *minute = (struct minute){0};
    while (in != NULL && out != NULL && gzgets(in, line, sizeof line) != NULL) {
        long long ns = strtoll(line, NULL, 10);
        first_ns = first_ns > 0 ? first_ns : ns;
        if (ns - first_ns >= 60 * 1000000000LL) {
            break;
        }
        fputs(line, out);
        const char *trade_id = strstr(line, "\"t\":");
        if (strstr(line, "@trade\"") != NULL && trade_id != NULL) {
            minute->last_trade_id = strtoll(trade_id + 4, NULL, 10);
            minute->first_trade_id = minute->trades++ > 0 ? minute->first_trade_id : minute->last_trade_id;
        } else if (strstr(line, "@bookTicker\"") != NULL) {
            minute->quotes++;
            snprintf(minute->last_quote, sizeof minute->last_quote, "%.500s", line);
        } else {
            minute->depths += strstr(line, "@depth") != NULL;
        }
    }
    bool good = in != NULL && out != NULL && first_ns > 0;
    if (in != NULL) {
        gzclose(in);
    }
    if (out != NULL) {
        fclose(out);
    }
    return good;
}

static void check_minute(struct harness *h, const struct minute *minute)
{
    struct wanted wanted = {minute->trades + minute->quotes + minute->depths};
    cr_assert(harness_wait(h, worked_through, &wanted, SECONDS));
    cr_assert_eq(harness_stop(&h->engine, SIGTERM), 0);
    json_t *facts = facts_of_journal(h);
    const json_t *btc = json_object_get(json_object_get(facts, "symbols"), "BTCUSDT");
    const json_t *trades = json_object_get(btc, "trades"), *quotes = json_object_get(btc, "bookTicker");
    cr_expect_eq(json_number_at(trades, "count"), minute->trades);
    cr_expect_eq(json_number_at(trades, "first_id"), minute->first_trade_id);
    cr_expect_eq(json_number_at(trades, "last_id"), minute->last_trade_id);
    cr_expect_eq(json_number_at(quotes, "count"), minute->quotes);
    cr_expect_eq(json_number_at(btc, "depthUpdate/count"), minute->depths);
    char bid[64];
    snprintf(bid, sizeof bid, "\"b\":\"%.40s\"",
             json_string_value(json_object_get(json_object_get(quotes, "last"), "bid")));
    cr_expect_not_null(strstr(minute->last_quote, bid), "last quote %s, journal has %s", minute->last_quote,
                       bid);
    json_decref(facts);
}

Test(capture, a_minute_with_its_pauses_in_both_shapes)
{
    const char *path = harness_shared(two_days[0]);
    if (path == NULL) {
        cr_skip_test("no shared data here");
    }
    struct harness two, one;
    struct minute minute;
    char cut[2 * HARNESS_PATH_BYTES], tls[2 * HARNESS_PATH_BYTES], yaml[4 * HARNESS_PATH_BYTES];
    harness_begin(&two, "minute2");
    harness_begin(&one, "minute1");
    snprintf(cut, sizeof cut, "%s/minute.txt", two.dir);
    cr_assert(cut_minute(path, cut, &minute));
    cr_assert_gt(minute.trades, 100);
    snprintf(yaml, sizeof yaml, "pace: " FASTER "\ncapture: {files: [\"%s\"], wait_clients: 2}\n", cut);
    harness_sim_start(&two, yaml, 0);
    one.port = two.port;
    snprintf(tls, sizeof tls, "%s/tls", two.dir);
    snprintf(cut, sizeof cut, "%s/tls", one.dir);
    cr_assert_eq(symlink(tls, cut), 0);
    struct engine_options options = {.symbols = "BTCUSDT", .streams = "trade, bookTicker, depth@100ms"};
    options.placement = TWO_CORES;
    harness_engine_start(&two, &options);
    options.placement = ONE_CORE;
    harness_engine_start(&one, &options);
    harness_sim_wait_text(&two, "capture finished");
    check_minute(&two, &minute);
    check_minute(&one, &minute);
    harness_end(&one);
    harness_end(&two);
}

/* ---- ma_cross on paper: every fill of the reference ---- */

static void paper_in(enum placement placement, const char *name)
{
    scenario_run(&(struct scenario){.name = name,
                                    .files = two_days + 1,
                                    .pace = "flood",
                                    .expected = "paper_ma_spot_btcusdt_20240809.json",
                                    .frame_cnt = 58325,
                                    .options = {.placement = placement,
                                                .symbols = "BTCUSDT",
                                                .streams = "trade, bookTicker, depth@100ms",
                                                .fast = 50,
                                                .slow = 200,
                                                .quantity = "0.01",
                                                .market_stall = true}});
}

Test(paper, fills_one_core)
{
    paper_in(ONE_CORE, "paper1");
}

Test(paper, fills_two_cores)
{
    paper_in(TWO_CORES, "paper2");
}

Test(paper, fills_stages_apart)
{
    paper_in(ALL_APART, "paper6");
}
