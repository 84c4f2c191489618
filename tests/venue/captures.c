/* SPDX-License-Identifier: MIT
 *
 * Whole recordings through decoder and book synchronisation, against the facts that another program computed
 * from them: counts, exact sums, ids, last quotes, and books level by level.
 */
#include "binance_events.h"
#include "binance_rest.h"
#include "booksync.h"

#include "shared.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX 16u
#define EVENTS_MAX  32768u
#define BOOK_SLOTS  (1u << 16)
#define TOP_LEVELS  10u

/* ---- a book of the tests' own: a hash table, sorted only at the end ---- */

struct side {
    struct pw_level slots[BOOK_SLOTS]; /* price 0: free; quantity 0: deleted */
};

struct book {
    struct side sides[2]; /* bids, asks */
};

static void side_set(struct side *side, struct pw_level level)
{
    uint32_t at = (uint32_t)((uint64_t)level.price_e8 * UINT64_C(0x9e3779b97f4a7c15) >> 48);
    while (side->slots[at].price_e8 != 0 && side->slots[at].price_e8 != level.price_e8) {
        at = (at + 1) % BOOK_SLOTS;
    }
    side->slots[at] = level;
}

static int higher_price_first(const void *a, const void *b)
{
    int64_t left = ((const struct pw_level *)a)->price_e8, right = ((const struct pw_level *)b)->price_e8;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Moves the levels in use to the front, best first; how many. */
static uint32_t side_sort(struct side *side, bool asks)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < BOOK_SLOTS; i++) {
        if (side->slots[i].qty_e8 != 0) {
            side->slots[cnt++] = side->slots[i];
        }
    }
    qsort(side->slots, cnt, sizeof side->slots[0], higher_price_first);
    for (uint32_t i = 0; asks && i < cnt / 2; i++) {
        struct pw_level level = side->slots[i];
        side->slots[i] = side->slots[cnt - 1 - i];
        side->slots[cnt - 1 - i] = level;
    }
    return cnt;
}

/* ---- what is reckoned up for each symbol ---- */

struct trades {
    uint64_t cnt, sell_cnt, first_id, last_id, missing_cnt;
    int64_t qty_e8, sell_qty_e8, min_e8, max_e8, first_e8, last_e8, first_ns, last_ns;
    pw_i128 value_e16;
};

struct seen {
    struct trades trades, agg_trades;
    uint64_t quote_cnt;
    struct pw_quote quote;
    uint64_t depth_cnt, level_cnt[2], zero_cnt[2], empty_cnt, first_first, first_last, last_last;
    uint64_t snapshot_cnt, snapshot_id, stale_cnt, applied_cnt, first_applied_first, first_applied_last;
    uint64_t synced_cnt, unsynced_cnt;
    uint64_t candle_cnt, closed_cnt;
    struct pw_event candle, candle_info;
    bool stale;                /* the update whose levels are coming is */
    struct book *joined, *all; /* the synchronised book; every update on an empty one */
};

struct run {
    const json_t *facts;
    uint32_t symbol_cnt;
    struct pw_instrument instruments[SYMBOLS_MAX];
    struct seen seen[SYMBOLS_MAX];
    struct pw_symbols symbols;
    struct pw_booksync *sync;
    uint64_t ignored_cnt, snapshot_used_cnt;
    struct pw_event *events, *snapshot;
};

static void see_trade(struct trades *trades, const struct pw_event *event, int64_t price_e8, int64_t qty_e8,
                      uint64_t id)
{
    bool sell = (event->flags & PW_FLAG_SELL) != 0;
    if (trades->cnt++ == 0) {
        trades->first_id = id;
        trades->first_e8 = trades->min_e8 = trades->max_e8 = price_e8;
    }
    trades->last_id = id;
    trades->last_e8 = price_e8;
    trades->min_e8 = price_e8 < trades->min_e8 ? price_e8 : trades->min_e8;
    trades->max_e8 = price_e8 > trades->max_e8 ? price_e8 : trades->max_e8;
    trades->qty_e8 += qty_e8;
    trades->value_e16 += (pw_i128)price_e8 * qty_e8;
    trades->sell_cnt += sell;
    trades->sell_qty_e8 += sell ? qty_e8 : 0;
}

static void see_depth(struct seen *seen, const struct pw_event *event)
{
    const struct pw_depth *depth = &event->body.depth;
    seen->stale = (event->flags & PW_FLAG_STALE) != 0;
    if (event->flags & PW_FLAG_SNAPSHOT) {
        seen->snapshot_cnt++;
        seen->snapshot_id = depth->last_update_id;
        memset(seen->joined, 0, sizeof *seen->joined);
        return;
    }
    if (seen->depth_cnt++ == 0) {
        seen->first_first = depth->first_update_id;
        seen->first_last = depth->last_update_id;
    }
    seen->last_last = depth->last_update_id;
    seen->empty_cnt += depth->bid_cnt + depth->ask_cnt == 0;
    seen->stale_cnt += seen->stale;
    if (!seen->stale && seen->applied_cnt++ == 0) {
        seen->first_applied_first = depth->first_update_id;
        seen->first_applied_last = depth->last_update_id;
    }
}

static void see_levels(struct seen *seen, const struct pw_event *event)
{
    int side = (event->flags & PW_FLAG_SELL) != 0;
    for (int i = 0; i < (event->flags & PW_FLAG_PAIR ? 2 : 1); i++) {
        struct pw_level level = event->body.levels.level[i];
        if ((event->flags & PW_FLAG_SNAPSHOT) == 0) {
            seen->level_cnt[side]++;
            seen->zero_cnt[side] += level.qty_e8 == 0;
            side_set(&seen->all->sides[side], level);
        }
        if (!seen->stale) {
            side_set(&seen->joined->sides[side], level);
        }
    }
}

static void see(struct run *run, const struct pw_event *event)
{
    struct seen *seen = &run->seen[event->instrument_idx];
    switch (event->kind) {
    case PW_EVENT_TRADE:
        see_trade(&seen->trades, event, event->body.trade.price_e8, event->body.trade.qty_e8,
                  event->body.trade.trade_id);
        seen->trades.first_ns = seen->trades.cnt == 1 ? event->body.trade.trade_ns : seen->trades.first_ns;
        seen->trades.last_ns = event->body.trade.trade_ns;
        break;
    case PW_EVENT_AGG_TRADE:
        see_trade(&seen->agg_trades, event, event->body.agg_trade.price_e8, event->body.agg_trade.qty_e8,
                  event->body.agg_trade.agg_id);
        break;
    case PW_EVENT_QUOTE:
        seen->quote_cnt++;
        seen->quote = event->body.quote;
        break;
    case PW_EVENT_DEPTH:
        see_depth(seen, event);
        break;
    case PW_EVENT_LEVELS:
        see_levels(seen, event);
        break;
    case PW_EVENT_CANDLE:
        seen->candle_cnt++;
        seen->closed_cnt += (event->flags & PW_FLAG_CLOSED) != 0;
        seen->candle = *event;
        break;
    case PW_EVENT_CANDLE_INFO:
        seen->candle_info = *event;
        break;
    case PW_EVENT_BOOK_STATE:
        seen->synced_cnt += event->body.state.state == PW_BOOK_SYNCED;
        seen->unsynced_cnt += event->body.state.state != PW_BOOK_SYNCED;
        break;
    default:
        cr_assert_eq(event->kind, PW_EVENT_GAP);
        seen->trades.missing_cnt++;
    }
}

/* ---- the recordings ---- */

static void see_pulled(struct run *run)
{
    struct pw_event out[64];
    for (uint32_t n; (n = pw_booksync_pull(run->sync, out, 64)) > 0;) {
        for (uint32_t i = 0; i < n; i++) {
            see(run, &out[i]);
        }
    }
}

static void take_message(struct run *run, const char *text, size_t size)
{
    struct pw_venue_out out = {.events = run->events, .cap = EVENTS_MAX, .recv_ns = 1};
    enum pw_decode result = pw_binance_events(&run->symbols, text, size, &out);
    if (result == PW_DECODE_IGNORED) {
        run->ignored_cnt++;
        return;
    }
    cr_assert_eq(result, PW_DECODE_OK, "%s: %.200s", pw_decode_name(result), text);
    bool passes = pw_booksync_take(run->sync, run->events, out.cnt);
    see_pulled(run);
    for (uint32_t i = 0; passes && i < out.cnt; i++) {
        see(run, &run->events[i]);
    }
}

static void take_snapshot(struct run *run, uint16_t instrument_idx, const char *text, size_t size)
{
    int cnt = pw_binance_depth_events(text, size, (struct pw_symbol){instrument_idx, 0}, 1, run->snapshot,
                                      EVENTS_MAX);
    cr_assert_gt(cnt, 0, "%s", pw_decode_name((enum pw_decode)cnt));
    run->snapshot_used_cnt += pw_booksync_snapshot(run->sync, run->snapshot, (uint32_t)cnt);
    see_pulled(run);
}

static struct run *run_start(const json_t *facts, bool futures)
{
    struct run *run = calloc(1, sizeof *run);
    const char *symbol;
    json_t *of_symbol;
    run->facts = facts;
    run->events = calloc(EVENTS_MAX, sizeof *run->events);
    run->snapshot = calloc(EVENTS_MAX, sizeof *run->snapshot);
    json_object_foreach(json_object_get(facts, "symbols"), symbol, of_symbol)
    {
        cr_assert_lt(run->symbol_cnt, SYMBOLS_MAX);
        struct seen *seen = &run->seen[run->symbol_cnt];
        snprintf(run->instruments[run->symbol_cnt++].symbol, PW_SYMBOL_BYTES, "%s", symbol);
        seen->joined = calloc(1, sizeof *seen->joined);
        seen->all = calloc(1, sizeof *seen->all);
    }
    cr_assert_eq(pw_symbols_init(&run->symbols, run->instruments, run->symbol_cnt, 0), 0);
    struct pw_booksync_config config = {.rule = futures ? PW_BOOK_PREV_ID : PW_BOOK_FIRST_ID,
                                        .instrument_cnt = run->symbol_cnt,
                                        .hold_events = PW_BOOKSYNC_HOLD_EVENTS};
    run->sync = pw_booksync_init(calloc(1, pw_booksync_bytes(&config)), &config);
    return run;
}

static void run_free(struct run *run)
{
    for (uint32_t i = 0; i < run->symbol_cnt; i++) {
        free(run->seen[i].joined);
        free(run->seen[i].all);
    }
    free(run->sync);
    free(run->events);
    free(run->snapshot);
    free(run);
}

/* One message a line, "<time> <json>"; a line without "stream" is the REST snapshot. It is given where it
 * came, or, as it came before the first update in one of the recordings, when it is asked for. */
static void read_plain(struct run *run, const char *name)
{
    struct shared_lines lines;
    char *snapshot = NULL;
    bool asked = false;
    shared_open(&lines, name);
    while (shared_next(&lines)) {
        const char *text = strchr(lines.line, '{');
        if (strncmp(text, "{\"stream\"", 9) == 0) {
            take_message(run, text, lines.size - (size_t)(text - lines.line));
        } else {
            snapshot = strdup(text);
        }
        asked = asked || pw_booksync_wanted(run->sync) == 0;
        if (asked && snapshot != NULL) {
            take_snapshot(run, 0, snapshot, strlen(snapshot));
            free(snapshot);
            snapshot = NULL;
        }
    }
    shared_close(&lines);
}

/* The recorded answer to a depth request for that symbol. */
static void answer_request(struct run *run, const char *http_name, uint16_t instrument_idx)
{
    struct shared_lines lines;
    char asked[PW_SYMBOL_BYTES + 16];
    snprintf(asked, sizeof asked, "symbol=%s&", run->instruments[instrument_idx].symbol);
    shared_open(&lines, http_name);
    while (shared_next(&lines)) {
        const char *text = strchr(lines.line, '{');
        if (text != NULL && strstr(lines.line, asked) != NULL && strstr(lines.line, asked) < text) {
            take_snapshot(run, instrument_idx, text, lines.size - (size_t)(text - lines.line));
        }
    }
    shared_close(&lines);
}

/* "<time>: <json>"; the snapshots are in a file of their own and come when they are asked for. */
static void read_with_http(struct run *run, const char *ws_name, const char *http_name)
{
    struct shared_lines lines;
    shared_open(&lines, ws_name);
    while (shared_next(&lines)) {
        const char *text = strstr(lines.line, ": {");
        if (text == NULL) {
            continue; /* the line that names the connection */
        }
        take_message(run, text + 2, lines.size - (size_t)(text + 2 - lines.line));
        for (uint16_t i; (i = pw_booksync_wanted(run->sync)) != PW_NO_INSTRUMENT;) {
            answer_request(run, http_name, i);
        }
    }
    shared_close(&lines);
}

/* ---- the facts ---- */

static json_int_t count_of(const json_t *facts, const char *name)
{
    const json_t *fact = json_object_get(facts, name);
    cr_assert(json_is_integer(fact), "%s is no count", name);
    return json_integer_value(fact);
}

static void assert_count(const json_t *facts, const char *name, uint64_t value)
{
    cr_assert_eq((json_int_t)value, count_of(facts, name), "%s is %llu, not %lld", name,
                 (unsigned long long)value, (long long)count_of(facts, name));
}

static void assert_e8(const json_t *fact, const char *name, int64_t value)
{
    cr_assert_eq(value, e8_of(fact), "%s is %s, not %s", name, text_e8(value), json_string_value(fact));
}

static void assert_trades(const json_t *facts, const struct trades *trades)
{
    if (facts == NULL) {
        cr_assert_eq(trades->cnt, 0);
        return;
    }
    assert_count(facts, "count", trades->cnt);
    assert_count(facts, "first_id", trades->first_id);
    assert_count(facts, "last_id", trades->last_id);
    assert_count(facts, "id_gaps", trades->missing_cnt);
    assert_count(facts, "buyer_maker_count", trades->sell_cnt);
    assert_e8(json_object_get(facts, "total_qty"), "total_qty", trades->qty_e8);
    assert_e8(json_object_get(facts, "min_price"), "min_price", trades->min_e8);
    assert_e8(json_object_get(facts, "max_price"), "max_price", trades->max_e8);
    assert_e8(json_object_get(facts, "first_price"), "first_price", trades->first_e8);
    assert_e8(json_object_get(facts, "last_price"), "last_price", trades->last_e8);
    cr_assert(trades->value_e16 == e16_of(json_object_get(facts, "sum_price_times_qty")));
    if (json_object_get(facts, "buyer_maker_qty") != NULL) {
        assert_e8(json_object_get(facts, "buyer_maker_qty"), "buyer_maker_qty", trades->sell_qty_e8);
        assert_count(facts, "first_T_ms", (uint64_t)trades->first_ns / 1000000);
        assert_count(facts, "last_T_ms", (uint64_t)trades->last_ns / 1000000);
    }
}

static void assert_quotes(const json_t *facts, const struct seen *seen)
{
    if (facts == NULL) {
        cr_assert_eq(seen->quote_cnt, 0);
        return;
    }
    const json_t *last = json_object_get(facts, "last");
    assert_count(facts, "count", seen->quote_cnt);
    assert_count(last, "update_id", seen->quote.update_id);
    assert_e8(json_object_get(last, "bid"), "bid", seen->quote.bid_price_e8);
    assert_e8(json_object_get(last, "bid_qty"), "bid_qty", seen->quote.bid_qty_e8);
    assert_e8(json_object_get(last, "ask"), "ask", seen->quote.ask_price_e8);
    assert_e8(json_object_get(last, "ask_qty"), "ask_qty", seen->quote.ask_qty_e8);
}

static void assert_updates(const json_t *facts, const struct seen *seen)
{
    assert_count(facts, "count", seen->depth_cnt);
    assert_count(facts, "bid_entries", seen->level_cnt[0]);
    assert_count(facts, "ask_entries", seen->level_cnt[1]);
    assert_count(facts, "zero_qty_bid_entries", seen->zero_cnt[0]);
    assert_count(facts, "zero_qty_ask_entries", seen->zero_cnt[1]);
    assert_count(facts, "empty_events", seen->empty_cnt);
    assert_count(facts, "first_U", seen->first_first);
    assert_count(facts, "first_u", seen->first_last);
    assert_count(facts, "last_u", seen->last_last);
}

static void assert_candles(const json_t *facts, const struct seen *seen)
{
    if (facts == NULL) {
        cr_assert_eq(seen->candle_cnt, 0);
        return;
    }
    const json_t *last = json_object_get(facts, "last");
    const struct pw_candle *candle = &seen->candle.body.candle;
    const struct pw_candle_info *info = &seen->candle_info.body.candle_info;
    assert_count(facts, "count", seen->candle_cnt);
    assert_count(facts, "closed", seen->closed_cnt);
    assert_count(last, "t", (uint64_t)info->open_ns / 1000000);
    assert_count(last, "n", info->trade_cnt);
    assert_count(last, "f", (uint64_t)info->first_trade_id);
    assert_count(last, "L", (uint64_t)info->last_trade_id);
    cr_assert_eq(info->interval_s, 60);
    cr_assert_str_eq(json_string_value(json_object_get(last, "i")), "1m");
    cr_assert_eq(json_is_true(json_object_get(last, "x")), (seen->candle.flags & PW_FLAG_CLOSED) != 0);
    assert_e8(json_object_get(last, "o"), "o", candle->open_e8);
    assert_e8(json_object_get(last, "h"), "h", candle->high_e8);
    assert_e8(json_object_get(last, "l"), "l", candle->low_e8);
    assert_e8(json_object_get(last, "c"), "c", candle->close_e8);
    assert_e8(json_object_get(last, "v"), "v", candle->volume_e8);
}

static void assert_side(const json_t *facts, struct side *side, bool asks)
{
    const json_t *top = json_object_get(facts, asks ? "top_asks" : "top_bids");
    uint32_t cnt = side_sort(side, asks);
    pw_i128 qty_e8 = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        qty_e8 += side->slots[i].qty_e8;
    }
    assert_count(facts, asks ? "ask_levels" : "bid_levels", cnt);
    cr_assert(qty_e8 * PW_E8 == e16_of(json_object_get(facts, asks ? "sum_ask_qty" : "sum_bid_qty")));
    cr_assert_eq(json_array_size(top), cnt < TOP_LEVELS ? cnt : TOP_LEVELS);
    for (uint32_t i = 0; i < json_array_size(top); i++) {
        assert_e8(json_array_get(json_array_get(top, i), 0), "price", side->slots[i].price_e8);
        assert_e8(json_array_get(json_array_get(top, i), 1), "qty", side->slots[i].qty_e8);
    }
}

static void assert_book(const json_t *facts, struct book *book)
{
    assert_side(facts, &book->sides[0], false);
    assert_side(facts, &book->sides[1], true);
    bool crossed = book->sides[0].slots[0].price_e8 >= book->sides[1].slots[0].price_e8 &&
                   count_of(facts, "bid_levels") > 0 && count_of(facts, "ask_levels") > 0;
    cr_assert_eq(crossed, json_is_true(json_object_get(facts, "crossed")));
}

static void assert_joined(const json_t *facts, const struct seen *seen)
{
    const json_t *first = json_object_get(facts, "first_applied");
    assert_count(facts, "lastUpdateId", seen->snapshot_id);
    assert_count(facts, "events_dropped", seen->stale_cnt);
    assert_count(facts, "events_applied", seen->applied_cnt);
    assert_count(first, "U", seen->first_applied_first);
    assert_count(first, "u", seen->first_applied_last);
    cr_assert(seen->snapshot_cnt == 1 && seen->synced_cnt == 1 && seen->unsynced_cnt == 0);
    assert_book(facts, seen->joined);
}

static json_int_t message_cnt(const json_t *facts, const char *type)
{
    return json_integer_value(json_object_get(json_object_get(facts, "message_types"), type));
}

static void assert_facts(struct run *run)
{
    uint64_t snapshot_cnt = 0;
    for (uint32_t i = 0; i < run->symbol_cnt; i++) {
        const json_t *facts =
            json_object_get(json_object_get(run->facts, "symbols"), run->instruments[i].symbol);
        struct seen *seen = &run->seen[i];
        assert_trades(json_object_get(facts, "trades"), &seen->trades);
        assert_trades(json_object_get(facts, "aggTrades"), &seen->agg_trades);
        assert_quotes(json_object_get(facts, "bookTicker"), seen);
        assert_candles(json_object_get(facts, "kline"), seen);
        assert_updates(json_object_get(facts, "depthUpdate"), seen);
        assert_book(json_object_get(facts, "book_empty_start"), seen->all);
        if (json_object_get(facts, "book_from_snapshot") != NULL) {
            assert_joined(json_object_get(facts, "book_from_snapshot"), seen);
        }
        snapshot_cnt += seen->snapshot_cnt;
    }
    cr_assert_eq((json_int_t)run->ignored_cnt, message_cnt(run->facts, "markPriceUpdate"));
    cr_assert_eq((json_int_t)snapshot_cnt, message_cnt(run->facts, "depthSnapshot(REST)"));
    cr_assert_eq(run->snapshot_used_cnt, snapshot_cnt);
}

/* data/captures/binance: `first` and perhaps the file that continues it. */
static void assert_binance(const char *expected, const char *first, const char *second, bool futures)
{
    char name[128];
    shared_need();
    snprintf(name, sizeof name, "data/expected/%s.json", expected);
    json_t *facts = shared_json(name);
    struct run *run = run_start(facts, futures);
    const char *const files[] = {first, second};
    for (int i = 0; i < 2 && files[i] != NULL; i++) {
        snprintf(name, sizeof name, "data/%s", files[i]);
        read_plain(run, name);
    }
    pw_booksync_stop(run->sync);
    see_pulled(run);
    assert_facts(run);
    run_free(run);
    json_decref(facts);
}

/* data/captures/cryptofeed: a recording of several symbols. */
static void assert_cryptofeed(const char *recording, bool futures)
{
    char name[128], ws_name[128], http_name[128];
    shared_need();
    snprintf(name, sizeof name, "data/expected/cryptofeed_%s.json", recording);
    snprintf(ws_name, sizeof ws_name, "data/captures/cryptofeed/%s.ws.1.0.gz", recording);
    snprintf(http_name, sizeof http_name, "data/captures/cryptofeed/%s.http.0.0.gz", recording);
    json_t *facts = shared_json(name);
    struct run *run = run_start(facts, futures);
    read_with_http(run, ws_name, http_name);
    assert_facts(run);
    run_free(run);
    json_decref(facts);
}

#define CAPTURE(file) "captures/binance/" file ".gz"

Test(captures, spot_first_messages)
{
    assert_binance("unit_spot_btcusdt_2000", "unit/spot_btcusdt_2000.txt", NULL, false);
}

Test(captures, spot_first_day)
{
    assert_binance("spot_btcusdt_20240808", CAPTURE("spot_btcusdt_20240808"), NULL, false);
}

/* Without a snapshot: all updates are held until the pool is full, again and again, and none is lost. */
Test(captures, spot_second_day_alone)
{
    assert_binance("spot_btcusdt_20240809", CAPTURE("spot_btcusdt_20240809"), NULL, false);
}

Test(captures, spot_both_days)
{
    assert_binance("spot_btcusdt_20240808+09", CAPTURE("spot_btcusdt_20240808"),
                   CAPTURE("spot_btcusdt_20240809"), false);
}

Test(captures, spot_of_several_symbols)
{
    assert_cryptofeed("BINANCE", false);
}

Test(captures, spot_of_several_symbols_in_the_us)
{
    assert_cryptofeed("BINANCE_US", false);
}

Test(captures, futures_of_2023)
{
    assert_binance("usdm_btcusdt_20230404", CAPTURE("usdm_btcusdt_20230404.dat"), NULL, true);
    assert_binance("usdm_btcusdt_20230405", CAPTURE("usdm_btcusdt_20230405.dat"), NULL, true);
    assert_binance("usdm_btcusdt_20230404+05", CAPTURE("usdm_btcusdt_20230404.dat"),
                   CAPTURE("usdm_btcusdt_20230405.dat"), true);
}

Test(captures, futures_of_2024)
{
    assert_binance("usdm_btcusdt_20240718", CAPTURE("usdm_btcusdt_20240718"), NULL, true);
    assert_binance("usdm_btcusdt_20240718+19", CAPTURE("usdm_btcusdt_20240718"),
                   CAPTURE("usdm_btcusdt_20240719"), true);
    assert_binance("usdm_btcusdt_20240808", CAPTURE("usdm_btcusdt_20240808"), NULL, true);
    assert_binance("usdm_ethusdt_20240808", CAPTURE("usdm_ethusdt_20240808"), NULL, true);
}

Test(captures, futures_in_coins)
{
    assert_binance("cm_btcusd_perp_20240808", CAPTURE("cm_btcusd_perp_20240808"), NULL, true);
}

Test(captures, futures_of_several_symbols)
{
    assert_cryptofeed("BINANCE_FUTURES", true);
    assert_cryptofeed("BINANCE_DELIVERY", true);
}
