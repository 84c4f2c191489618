/* SPDX-License-Identifier: MIT
 *
 * Public market data out of the symbols' tapes and books: see rest_market.h.
 */
#include "rest_market.h"

#include <pinwheel/units.h>
#include <stdio.h>

void pw_sim_rest_ping(struct pw_sim_call *call)
{
    pw_sim_call_answer(call, json_object());
}

void pw_sim_rest_nothing(struct pw_sim_call *call)
{
    pw_sim_call_answer(call, json_array());
}

void pw_sim_rest_time(struct pw_sim_call *call)
{
    pw_sim_call_answer(call, PW_SIM_OBJECT(pw_sim_call_time(call, "serverTime", call->wall_ns)));
}

/* ---- books and trades ---- */

static uint32_t depth_weight(uint32_t limit)
{
    return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

void pw_sim_rest_depth(struct pw_sim_call *call)
{
    struct pw_sim_source *source = call->rest->source;
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    uint32_t limit;

    if (!symbol || !pw_sim_call_limit(call, 100, PW_SIM_DEPTH_MAX, &limit) || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_weigh(call, depth_weight(limit));
    if (!source->ops->depth(source->state, symbol, limit, call->body)) {
        pw_sim_call_error(call, 500, -1000, PW_SIM_SERVER_ERROR);
    }
}

static json_t *trade_json(const struct pw_sim_call *call, const struct pw_sim_tape_trade *trade)
{
    return PW_SIM_OBJECT(pw_sim_int("id", (int64_t)trade->trade_id), pw_sim_e8("price", trade->price_e8),
                         pw_sim_e8("qty", trade->qty_e8),
                         pw_sim_e8("quoteQty", pw_sim_e8_of_e16((pw_i128)trade->price_e8 * trade->qty_e8)),
                         pw_sim_call_time(call, "time", trade->time_ns),
                         pw_sim_bool("isBuyerMaker", trade->buyer_maker), pw_sim_bool("isBestMatch", true));
}

void pw_sim_rest_trades(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    json_t *trades;
    uint32_t limit;

    if (!symbol || !pw_sim_call_limit(call, 500, 1000, &limit) || !pw_sim_call_all_read(call) ||
        !pw_sim_call_refresh(call, symbol)) {
        return;
    }
    trades = json_array();
    for (uint32_t back = limit; back-- > 0;) {
        const struct pw_sim_tape_trade *trade = pw_sim_tape_back(symbol->tape, back);
        if (trade) {
            trades = pw_sim_append(trades, trade_json(call, trade));
        }
    }
    pw_sim_call_answer(call, trades);
}

struct aggregate {
    struct pw_sim_tape_trade sum; /* trade_id: the last one's; agg_id 0: none */
    uint64_t first_trade_id;
};

static json_t *aggregate_append(const struct pw_sim_call *call, json_t *array,
                                const struct aggregate *aggregate)
{
    const struct pw_sim_tape_trade *sum = &aggregate->sum;

    if (!sum->agg_id) {
        return array;
    }
    return pw_sim_append(array, PW_SIM_OBJECT(pw_sim_int("a", (int64_t)sum->agg_id),
                                              pw_sim_e8("p", sum->price_e8), pw_sim_e8("q", sum->qty_e8),
                                              pw_sim_int("f", (int64_t)aggregate->first_trade_id),
                                              pw_sim_int("l", (int64_t)sum->trade_id),
                                              pw_sim_call_time(call, "T", sum->time_ns),
                                              pw_sim_bool("m", sum->buyer_maker), pw_sim_bool("M", true)));
}

void pw_sim_rest_agg_trades(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    const struct pw_sim_tape_trade *last;
    struct aggregate aggregate = {0};
    json_t *array;
    uint64_t oldest;
    uint32_t limit;

    if (!symbol || !pw_sim_call_limit(call, 500, 1000, &limit) || !pw_sim_call_all_read(call) ||
        !pw_sim_call_refresh(call, symbol)) {
        return;
    }
    last = pw_sim_tape_last(symbol->tape);
    oldest = last && last->agg_id >= limit ? last->agg_id - limit + 1 : 0;
    array = json_array();
    for (uint32_t back = PW_SIM_TAPE_TRADES; back-- > 0;) {
        const struct pw_sim_tape_trade *trade = pw_sim_tape_back(symbol->tape, back);
        if (!trade || trade->agg_id < oldest) {
            continue;
        }
        if (aggregate.sum.agg_id == trade->agg_id) {
            aggregate.sum.qty_e8 += trade->qty_e8;
            aggregate.sum.trade_id = trade->trade_id;
            continue;
        }
        array = aggregate_append(call, array, &aggregate);
        aggregate = (struct aggregate){*trade, trade->trade_id};
    }
    pw_sim_call_answer(call, aggregate_append(call, array, &aggregate));
}

/* ---- candles ---- */

static json_t *kline_json(const struct pw_sim_call *call, const struct pw_sim_tape_candle *candle)
{
    int64_t unit_ns = call->microsecond ? 1000 : 1000000;
    json_t *row = pw_sim_append(json_array(), json_integer(candle->open_ns / unit_ns));

    row = pw_sim_append(row, pw_sim_e8_item(candle->open_e8));
    row = pw_sim_append(row, pw_sim_e8_item(candle->high_e8));
    row = pw_sim_append(row, pw_sim_e8_item(candle->low_e8));
    row = pw_sim_append(row, pw_sim_e8_item(candle->close_e8));
    row = pw_sim_append(row, pw_sim_e8_item(candle->volume_e8));
    row = pw_sim_append(row, json_integer((candle->open_ns + candle->span_ns) / unit_ns - 1));
    row = pw_sim_append(row, pw_sim_e8_item(pw_sim_e8_of_e16(candle->quote_e16)));
    row = pw_sim_append(row, json_integer((json_int_t)candle->trade_cnt));
    row = pw_sim_append(row, pw_sim_e8_item(candle->taker_volume_e8));
    row = pw_sim_append(row, pw_sim_e8_item(pw_sim_e8_of_e16(candle->taker_quote_e16)));
    return pw_sim_append(row, json_string("0"));
}

/* Where the first bucket of the answer opens. */
static int64_t klines_begin(const struct pw_sim_tape *tape, const char *interval, int64_t start_ns,
                            int64_t end_ns, uint32_t limit)
{
    uint64_t first = tape->minute_cnt > PW_SIM_TAPE_MINUTES ? tape->minute_cnt - PW_SIM_TAPE_MINUTES : 0;
    int64_t oldest_ns = tape->minutes[first % PW_SIM_TAPE_MINUTES].open_ns, open_ns, span_ns;

    if (start_ns > oldest_ns) {
        pw_sim_tape_bucket(interval, start_ns, &open_ns, &span_ns);
        return open_ns < start_ns ? open_ns + span_ns : open_ns;
    }
    pw_sim_tape_bucket(interval, end_ns, &open_ns, &span_ns);
    for (uint32_t cnt = 1; cnt < limit && open_ns > oldest_ns; cnt++) {
        pw_sim_tape_bucket(interval, open_ns - 1, &open_ns, &span_ns);
    }
    return open_ns;
}

static json_t *klines_json(const struct pw_sim_call *call, const struct pw_sim_tape *tape,
                           const char *interval, struct pw_sim_span span, uint32_t limit)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(tape);
    int64_t open_ns, span_ns, end_ns = span.end_ns;
    json_t *array = json_array();

    if (last) {
        end_ns = end_ns < last->time_ns ? end_ns : last->time_ns;
        open_ns = klines_begin(tape, interval, span.begin_ns, end_ns, limit);
        for (uint32_t cnt = 0; cnt < limit && open_ns <= end_ns; cnt++, open_ns += span_ns) {
            struct pw_sim_tape_candle candle;
            pw_sim_tape_bucket(interval, open_ns, &open_ns, &span_ns);
            candle = pw_sim_tape_candle(tape, open_ns, span_ns);
            array = pw_sim_append(array, kline_json(call, &candle));
        }
    }
    return array;
}

void pw_sim_rest_klines(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    const char *interval = symbol ? pw_sim_call_text(call, "interval") : NULL;
    int64_t open_ns, span_ns;
    struct pw_sim_span span;
    uint32_t limit;

    if (!symbol) {
        return;
    }
    if (!interval || !*interval) {
        pw_sim_call_missing(call, "interval");
        return;
    }
    if (!pw_sim_tape_bucket(interval, 0, &open_ns, &span_ns)) {
        pw_sim_call_error(call, 400, -1120, "Invalid interval.");
        return;
    }
    if (pw_sim_call_span(call, 0, &span) && pw_sim_call_limit(call, 500, 1000, &limit) &&
        pw_sim_call_all_read(call) && pw_sim_call_refresh(call, symbol)) {
        pw_sim_call_answer(call, klines_json(call, symbol->tape, interval, span, limit));
    }
}

/* ---- tickers: of one symbol, of some, or of all ---- */

static json_t *day_json(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);
    int64_t now_ns = last ? last->time_ns : call->wall_ns;
    struct pw_sim_tape_candle day = pw_sim_tape_day(symbol->tape, now_ns);
    int64_t change_e8 = day.close_e8 - day.open_e8;
    char percent[32];

    snprintf(percent, sizeof percent, "%.3f",
             day.open_e8 ? 100.0 * (double)change_e8 / (double)day.open_e8 : 0.0);
    return PW_SIM_OBJECT(
        pw_sim_text("symbol", symbol->name), pw_sim_e8("priceChange", change_e8),
        pw_sim_text("priceChangePercent", percent),
        pw_sim_e8("weightedAvgPrice", pw_sim_candle_average_e8(&day)),
        pw_sim_e8("prevClosePrice", day.open_e8), pw_sim_e8("lastPrice", day.close_e8),
        pw_sim_e8("lastQty", last ? last->qty_e8 : 0), pw_sim_e8("bidPrice", symbol->top.bid_price_e8),
        pw_sim_e8("bidQty", symbol->top.bid_qty_e8), pw_sim_e8("askPrice", symbol->top.ask_price_e8),
        pw_sim_e8("askQty", symbol->top.ask_qty_e8), pw_sim_e8("openPrice", day.open_e8),
        pw_sim_e8("highPrice", day.high_e8), pw_sim_e8("lowPrice", day.low_e8),
        pw_sim_e8("volume", day.volume_e8), pw_sim_e8("quoteVolume", pw_sim_e8_of_e16(day.quote_e16)),
        pw_sim_call_time(call, "openTime", now_ns - 86400 * PW_NS_PER_S),
        pw_sim_call_time(call, "closeTime", now_ns), pw_sim_int("firstId", day.first_trade_id),
        pw_sim_int("lastId", day.last_trade_id), pw_sim_int("count", (int64_t)day.trade_cnt));
}

static json_t *price_json(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);

    (void)call;
    return PW_SIM_OBJECT(pw_sim_text("symbol", symbol->name), pw_sim_e8("price", last ? last->price_e8 : 0));
}

static json_t *book_ticker_json(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    const struct pw_quote *top = &symbol->top;

    (void)call;
    return PW_SIM_OBJECT(pw_sim_text("symbol", symbol->name), pw_sim_e8("bidPrice", top->bid_price_e8),
                         pw_sim_e8("bidQty", top->bid_qty_e8), pw_sim_e8("askPrice", top->ask_price_e8),
                         pw_sim_e8("askQty", top->ask_qty_e8));
}

static json_t *average_json(const struct pw_sim_call *call, const struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);
    int64_t now_ns = last ? last->time_ns : call->wall_ns;
    uint32_t mins = symbol->rules.avg_price_mins ? symbol->rules.avg_price_mins : 5;
    int64_t span_ns = mins * 60 * PW_NS_PER_S;
    struct pw_sim_tape_candle candle = pw_sim_tape_candle(symbol->tape, now_ns - span_ns, span_ns + 1);

    return PW_SIM_OBJECT(pw_sim_int("mins", mins), pw_sim_e8("price", pw_sim_candle_average_e8(&candle)),
                         pw_sim_call_time(call, "closeTime", now_ns));
}

/* False: error. */
static bool tickers_of(struct pw_sim_call *call, const char *some, json_t **array,
                       json_t *(*use)(struct pw_sim_call *, struct pw_sim_symbol *))
{
    struct pw_sim_source *source = call->rest->source;

    if (some) {
        return pw_sim_call_symbols(call, some, array, use);
    }
    for (uint32_t i = 0; i < source->symbol_cnt; i++) {
        if (!pw_sim_call_refresh(call, &source->symbols[i])) {
            return false;
        }
        *array = pw_sim_append(*array, use(call, &source->symbols[i]));
    }
    return true;
}

struct ticker_weights {
    uint32_t one, all;
};

static void tickers(struct pw_sim_call *call, struct ticker_weights weights,
                    json_t *(*use)(struct pw_sim_call *, struct pw_sim_symbol *))
{
    const char *one = pw_sim_call_text(call, "symbol"), *some = pw_sim_call_text(call, "symbols");
    struct pw_sim_symbol *symbol;
    json_t *array;

    pw_sim_call_weigh(call, one ? weights.one : weights.all);
    if (!pw_sim_call_all_read(call)) {
        return;
    }
    if (one && some) {
        pw_sim_call_error(call, 400, -1128, "Combination of optional parameters invalid.");
        return;
    }
    if (one) {
        symbol = pw_sim_call_symbol_named(call, one);
        if (symbol && pw_sim_call_refresh(call, symbol)) {
            pw_sim_call_answer(call, use(call, symbol));
        }
        return;
    }
    array = json_array();
    if (tickers_of(call, some, &array, use)) {
        pw_sim_call_answer(call, array);
    } else {
        json_decref(array);
    }
}

void pw_sim_rest_day(struct pw_sim_call *call)
{
    tickers(call, (struct ticker_weights){2, 80}, day_json);
}

void pw_sim_rest_price(struct pw_sim_call *call)
{
    tickers(call, (struct ticker_weights){2, 4}, price_json);
}

void pw_sim_rest_book_ticker(struct pw_sim_call *call)
{
    tickers(call, (struct ticker_weights){2, 4}, book_ticker_json);
}

void pw_sim_rest_average(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);

    if (symbol && pw_sim_call_all_read(call) && pw_sim_call_refresh(call, symbol)) {
        pw_sim_call_answer(call, average_json(call, symbol));
    }
}

/* The symbol that is asked for, if it has a reference price; NULL: error. */
static const struct pw_sim_symbol *referred(struct pw_sim_call *call)
{
    const struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);

    pw_sim_call_text(call, "symbolStatus");
    if (!symbol || !pw_sim_call_all_read(call)) {
        return NULL;
    }
    if (!symbol->rules.reference_e8) {
        pw_sim_call_error(call, 400, -2043, "This symbol doesn't have a reference price.");
        return NULL;
    }
    return symbol;
}

void pw_sim_rest_reference(struct pw_sim_call *call)
{
    const struct pw_sim_symbol *symbol = referred(call);

    if (symbol) {
        pw_sim_call_answer(call, PW_SIM_OBJECT(pw_sim_text("symbol", symbol->name),
                                               pw_sim_e8("referencePrice", symbol->rules.reference_e8),
                                               pw_sim_call_time(call, "timestamp", call->wall_ns)));
    }
}

/* Ours was set by hand. */
void pw_sim_rest_reference_calculation(struct pw_sim_call *call)
{
    const struct pw_sim_symbol *symbol = referred(call);

    if (symbol) {
        pw_sim_call_answer(call, PW_SIM_OBJECT(pw_sim_text("symbol", symbol->name),
                                               pw_sim_text("calculationType", "EXTERNAL"),
                                               pw_sim_int("externalCalculationId", 0)));
    }
}
