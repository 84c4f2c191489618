/* SPDX-License-Identifier: MIT
 *
 * What happens in the markets, in the venue's words: see synthetic.h and binance.md 2.4.
 *
 * Nothing is written that nobody listens to, and nothing is written twice: once in milliseconds, once in
 * microseconds if somebody asked for those.
 */
#include "synthetic.h"

#include "matching.h"
#include "traders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS        INT64_C(100000000) /* the fastest periodic stream */
#define SECOND_TICKS   10u
#define CHANGES_MAX    8192u                /* levels told in one depth update; more are told in several */
#define FIRST_ID       UINT64_C(5000000000) /* ids beyond 32 bits, as the venue's are */
#define ORDERS_A_LEVEL 8u

/* Levels changed since the last depth update of one stream. */
struct change {
    int64_t price_e8;
    enum pw_side side;
};

struct changes {
    struct change *list;
    uint32_t cnt;
    uint64_t first_update_id;
};

enum { DEPTH_FAST = 0, DEPTH_SLOW = 1, DEPTH_STREAMS = 2 };
enum { STREAM_TRADE, STREAM_AGG_TRADE, STREAM_QUOTE, EVENT_STREAMS };
#define PERIODIC_MAX 32u
#define KLINES       16u

struct instrument {
    struct synthetic *owner;
    struct pw_sim_symbol *symbol;
    struct pw_matching *matching;
    struct pw_sim_traders traders;
    struct changes changes[DEPTH_STREAMS];
    uint32_t event_streams[EVENT_STREAMS];
    uint32_t periodic_streams[PERIODIC_MAX];
    int64_t kline_open_ns[KLINES]; /* of the candle told last; 0: none */
    int64_t next_tick_ns;
    uint64_t tick_cnt;
    int64_t now_ns;
    struct pw_quote quote;            /* told last */
    struct pw_sim_tape_trade pending; /* the aggregate under way; agg_id 0: none */
    uint64_t pending_first_id;
};

struct synthetic {
    struct pw_sim_hub *hub;
    struct instrument *instruments;
    struct pw_sim_symbol *symbols;
    uint32_t instrument_cnt;
    uint32_t next_idx; /* the instrument with the next thing to happen */
    uint32_t all_tickers_stream;
    struct pw_sim_match_listener listener; /* result NULL: nobody */
    struct pw_buffer millisecond, microsecond;
};

/* One message under way: of which instrument, and in which unit. */
struct telling {
    struct instrument *instrument;
    struct pw_buffer *out;
    bool microsecond;
    const void *subject; /* what it is about, as its teller knows */
};

/* ---- pieces ---- */

static void put(const struct telling *telling, const char *text)
{
    pw_buffer_string(telling->out, text);
}

static void put_int(const struct telling *telling, const char *name, int64_t value)
{
    pw_buffer_string(telling->out, name);
    pw_buffer_int(telling->out, value);
}

static void put_time(const struct telling *telling, const char *name, int64_t time_ns)
{
    put_int(telling, name, time_ns / (telling->microsecond ? 1000 : 1000000));
}

/* ,"name":"decimal" */
static void put_e8(const struct telling *telling, const char *name, int64_t value_e8)
{
    pw_buffer_string(telling->out, name);
    pw_buffer_e8(telling->out, value_e8);
    pw_buffer_string(telling->out, "\"");
}

static void put_head(const struct telling *telling, const char *event)
{
    put(telling, "{\"e\":\"");
    put(telling, event);
    put_time(telling, "\",\"E\":", telling->instrument->now_ns);
    put(telling, ",\"s\":\"");
    put(telling, telling->instrument->symbol->name);
    put(telling, "\"");
}

static int64_t e8_of_e16(pw_i128 value_e16)
{
    return (int64_t)(value_e16 / PW_E8);
}

/* Writes a message in the units that its subscribers want, and publishes it. */
static void tell(struct instrument *instrument, uint32_t stream_idx,
                 void (*teller)(const struct telling *telling), const void *subject)
{
    struct synthetic *owner = instrument->owner;
    const struct pw_sim_stream *stream = pw_sim_hub_stream(owner->hub, stream_idx);
    struct telling telling = {.instrument = instrument, .subject = subject};
    struct pw_sim_message message = {0};

    pw_buffer_clear(&owner->millisecond);
    pw_buffer_clear(&owner->microsecond);
    if (stream->subscriber_cnt > stream->microsecond_cnt) {
        telling.out = &owner->millisecond;
        teller(&telling);
    }
    if (stream->microsecond_cnt) {
        telling.out = &owner->microsecond;
        telling.microsecond = true;
        teller(&telling);
    }
    message.data = (struct pw_slice){owner->millisecond.data, owner->millisecond.size};
    message.data_microsecond = (struct pw_slice){owner->microsecond.data, owner->microsecond.size};
    if (!owner->millisecond.failed && !owner->microsecond.failed) {
        pw_sim_hub_publish(owner->hub, stream_idx, &message);
    }
}

static bool heard(const struct instrument *instrument, uint32_t stream_idx)
{
    return pw_sim_hub_stream(instrument->owner->hub, stream_idx)->subscriber_cnt > 0;
}

/* ---- trades and quotes: told as they happen ---- */

static void tell_trade(const struct telling *telling)
{
    const struct pw_sim_tape_trade *trade = telling->subject;

    put_head(telling, "trade");
    put_int(telling, ",\"t\":", (int64_t)trade->trade_id);
    put_e8(telling, ",\"p\":\"", trade->price_e8);
    put_e8(telling, ",\"q\":\"", trade->qty_e8);
    put_time(telling, ",\"T\":", trade->time_ns);
    put(telling, trade->buyer_maker ? ",\"m\":true,\"M\":true}" : ",\"m\":false,\"M\":true}");
}

static void tell_aggregate(const struct telling *telling)
{
    const struct pw_sim_tape_trade *sum = telling->subject;

    put_head(telling, "aggTrade");
    put_int(telling, ",\"a\":", (int64_t)sum->agg_id);
    put_e8(telling, ",\"p\":\"", sum->price_e8);
    put_e8(telling, ",\"q\":\"", sum->qty_e8);
    put_int(telling, ",\"f\":", (int64_t)telling->instrument->pending_first_id);
    put_int(telling, ",\"l\":", (int64_t)sum->trade_id);
    put_time(telling, ",\"T\":", sum->time_ns);
    put(telling, sum->buyer_maker ? ",\"m\":true,\"M\":true}" : ",\"m\":false,\"M\":true}");
}

static void tell_quote(const struct telling *telling)
{
    const struct pw_quote *quote = telling->subject;

    put_int(telling, "{\"u\":", (int64_t)quote->update_id);
    put(telling, ",\"s\":\"");
    put(telling, telling->instrument->symbol->name);
    put_e8(telling, "\",\"b\":\"", quote->bid_price_e8);
    put_e8(telling, ",\"B\":\"", quote->bid_qty_e8);
    put_e8(telling, ",\"a\":\"", quote->ask_price_e8);
    put_e8(telling, ",\"A\":\"", quote->ask_qty_e8);
    put(telling, "}");
}

static void aggregate_end(struct instrument *instrument)
{
    if (instrument->pending.agg_id && heard(instrument, instrument->event_streams[STREAM_AGG_TRADE])) {
        tell(instrument, instrument->event_streams[STREAM_AGG_TRADE], tell_aggregate, &instrument->pending);
    }
    instrument->pending.agg_id = 0;
}

static void on_trade(struct instrument *instrument, const struct pw_matching_result *matched)
{
    struct pw_sim_tape_trade trade = {.price_e8 = matched->trade.price_e8,
                                      .qty_e8 = matched->trade.qty_e8,
                                      .time_ns = instrument->now_ns,
                                      .trade_id = matched->trade.trade_id,
                                      .buyer_maker = matched->side == PW_SELL};

    pw_sim_tape_add(instrument->symbol->tape, trade);
    trade.agg_id = pw_sim_tape_last(instrument->symbol->tape)->agg_id;
    if (heard(instrument, instrument->event_streams[STREAM_TRADE])) {
        tell(instrument, instrument->event_streams[STREAM_TRADE], tell_trade, &trade);
    }
    if (instrument->pending.agg_id == trade.agg_id) {
        instrument->pending.qty_e8 += trade.qty_e8;
        instrument->pending.trade_id = trade.trade_id;
        return;
    }
    aggregate_end(instrument);
    instrument->pending = trade;
    instrument->pending_first_id = trade.trade_id;
}

static struct pw_quote quote_of(const struct instrument *instrument)
{
    const struct pw_matching_level *bid = pw_matching_best(instrument->matching, PW_BUY);
    const struct pw_matching_level *ask = pw_matching_best(instrument->matching, PW_SELL);

    return (struct pw_quote){.bid_price_e8 = bid ? bid->price_e8 : 0,
                             .bid_qty_e8 = bid ? bid->qty_e8 : 0,
                             .ask_price_e8 = ask ? ask->price_e8 : 0,
                             .ask_qty_e8 = ask ? ask->qty_e8 : 0,
                             .update_id = instrument->matching->last_update_id};
}

static void quote_check(struct instrument *instrument)
{
    struct pw_quote quote = quote_of(instrument), *told = &instrument->quote;

    if (quote.bid_price_e8 == told->bid_price_e8 && quote.bid_qty_e8 == told->bid_qty_e8 &&
        quote.ask_price_e8 == told->ask_price_e8 && quote.ask_qty_e8 == told->ask_qty_e8) {
        return;
    }
    *told = quote;
    if (heard(instrument, instrument->event_streams[STREAM_QUOTE])) {
        tell(instrument, instrument->event_streams[STREAM_QUOTE], tell_quote, told);
    }
}

/* ---- depth updates ---- */

static int change_order(const void *left, const void *right)
{
    const struct change *a = left, *b = right;

    if (a->side != b->side) {
        return a->side == PW_BUY ? -1 : 1;
    }
    if (a->price_e8 == b->price_e8) {
        return 0;
    }
    return (a->price_e8 > b->price_e8) == (a->side == PW_BUY) ? -1 : 1; /* best first */
}

/* One side's [["price","qty"],..] from list[*i] on. */
static void put_changes(const struct telling *telling, const struct changes *changes, uint32_t *i,
                        enum pw_side side)
{
    const char *comma = "[\"";

    put(telling, "[");
    for (; *i < changes->cnt && changes->list[*i].side == side; ++*i) {
        const struct change *change = &changes->list[*i];
        if (*i && change_order(change, change - 1) == 0) {
            continue; /* changed more than once */
        }
        put_e8(telling, comma, change->price_e8);
        put_e8(telling, ",\"", pw_matching_qty_e8(telling->instrument->matching, side, change->price_e8));
        put(telling, "]");
        comma = ",[\"";
    }
    put(telling, "]");
}

static void tell_changes(const struct telling *telling)
{
    const struct changes *changes = telling->subject;
    uint32_t i = 0;

    put_head(telling, "depthUpdate");
    put_int(telling, ",\"U\":", (int64_t)changes->first_update_id);
    put_int(telling, ",\"u\":", (int64_t)telling->instrument->matching->last_update_id);
    put(telling, ",\"b\":");
    put_changes(telling, changes, &i, PW_BUY);
    put(telling, ",\"a\":");
    put_changes(telling, changes, &i, PW_SELL);
    put(telling, "}");
}

static void changes_tell(struct instrument *instrument, struct changes *changes, uint32_t stream_idx)
{
    if (changes->cnt && heard(instrument, stream_idx)) {
        qsort(changes->list, changes->cnt, sizeof *changes->list, change_order);
        tell(instrument, stream_idx, tell_changes, changes);
    }
    changes->cnt = 0;
    changes->first_update_id = instrument->matching->last_update_id + 1;
}

/* ---- partial books, tickers, candles: told now and then ---- */

static void put_levels(const struct telling *telling, enum pw_side side, uint32_t limit)
{
    const struct pw_matching_side *levels = &telling->instrument->matching->sides[side];
    uint32_t cnt = levels->level_cnt < limit ? levels->level_cnt : limit;

    put(telling, "[");
    for (uint32_t i = 0; i < cnt; i++) {
        const struct pw_matching_level *level = &levels->levels[levels->level_cnt - 1 - i];
        put_e8(telling, i ? ",[\"" : "[\"", level->price_e8);
        put_e8(telling, ",\"", level->qty_e8);
        put(telling, "]");
    }
    put(telling, "]");
}

static void put_book(const struct telling *telling, uint32_t limit)
{
    put_int(telling, "{\"lastUpdateId\":", (int64_t)telling->instrument->matching->last_update_id);
    put(telling, ",\"bids\":");
    put_levels(telling, PW_BUY, limit);
    put(telling, ",\"asks\":");
    put_levels(telling, PW_SELL, limit);
    put(telling, "}");
}

static void put_mini_ticker(const struct telling *telling)
{
    struct pw_sim_tape_candle day =
        pw_sim_tape_day(telling->instrument->symbol->tape, telling->instrument->now_ns);

    put_head(telling, "24hrMiniTicker");
    put_e8(telling, ",\"c\":\"", day.close_e8);
    put_e8(telling, ",\"o\":\"", day.open_e8);
    put_e8(telling, ",\"h\":\"", day.high_e8);
    put_e8(telling, ",\"l\":\"", day.low_e8);
    put_e8(telling, ",\"v\":\"", day.volume_e8);
    put_e8(telling, ",\"q\":\"", e8_of_e16(day.quote_e16));
    put(telling, "}");
}

static void put_ticker(const struct telling *telling)
{
    const struct instrument *instrument = telling->instrument;
    struct pw_sim_tape_candle day = pw_sim_tape_day(instrument->symbol->tape, instrument->now_ns);
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(instrument->symbol->tape);
    int64_t change_e8 = day.close_e8 - day.open_e8;

    put_head(telling, "24hrTicker");
    put_e8(telling, ",\"p\":\"", change_e8);
    pw_buffer_format(telling->out, ",\"P\":\"%.3f\"",
                     day.open_e8 ? 100.0 * (double)change_e8 / (double)day.open_e8 : 0.0);
    put_e8(telling, ",\"w\":\"", day.volume_e8 ? (int64_t)(day.quote_e16 / day.volume_e8) : 0);
    put_e8(telling, ",\"x\":\"", day.open_e8);
    put_e8(telling, ",\"c\":\"", day.close_e8);
    put_e8(telling, ",\"Q\":\"", last ? last->qty_e8 : 0);
    put_e8(telling, ",\"b\":\"", instrument->quote.bid_price_e8);
    put_e8(telling, ",\"B\":\"", instrument->quote.bid_qty_e8);
    put_e8(telling, ",\"a\":\"", instrument->quote.ask_price_e8);
    put_e8(telling, ",\"A\":\"", instrument->quote.ask_qty_e8);
    put_e8(telling, ",\"o\":\"", day.open_e8);
    put_e8(telling, ",\"h\":\"", day.high_e8);
    put_e8(telling, ",\"l\":\"", day.low_e8);
    put_e8(telling, ",\"v\":\"", day.volume_e8);
    put_e8(telling, ",\"q\":\"", e8_of_e16(day.quote_e16));
    put_time(telling, ",\"O\":", instrument->now_ns - 864000 * TICK_NS);
    put_time(telling, ",\"C\":", instrument->now_ns);
    put_int(telling, ",\"F\":", day.first_trade_id);
    put_int(telling, ",\"L\":", day.last_trade_id);
    put_int(telling, ",\"n\":", (int64_t)day.trade_cnt);
    put(telling, "}");
}

static void put_average(const struct telling *telling)
{
    const struct instrument *instrument = telling->instrument;
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(instrument->symbol->tape);
    int64_t from_ns = instrument->now_ns - 3000 * TICK_NS;
    struct pw_sim_tape_candle sum = pw_sim_tape_candle(instrument->symbol->tape, from_ns, 3000 * TICK_NS + 1);

    put_head(telling, "avgPrice");
    put_e8(telling, ",\"i\":\"5m\",\"w\":\"", sum.volume_e8 ? (int64_t)(sum.quote_e16 / sum.volume_e8) : 0);
    put_time(telling, ",\"T\":", last ? last->time_ns : instrument->now_ns);
    put(telling, "}");
}

struct candle_telling {
    struct pw_sim_tape_candle candle;
    const char *interval;
    bool closed;
};

static void tell_candle(const struct telling *telling)
{
    const struct candle_telling *subject = telling->subject;
    const struct pw_sim_tape_candle *candle = &subject->candle;

    put_head(telling, "kline");
    put_time(telling, ",\"k\":{\"t\":", candle->open_ns);
    put_time(telling, ",\"T\":", candle->open_ns + candle->span_ns - (telling->microsecond ? 1000 : 1000000));
    pw_buffer_format(telling->out, ",\"s\":\"%s\",\"i\":\"%s\"", telling->instrument->symbol->name,
                     subject->interval);
    put_int(telling, ",\"f\":", candle->first_trade_id);
    put_int(telling, ",\"L\":", candle->last_trade_id);
    put_e8(telling, ",\"o\":\"", candle->open_e8);
    put_e8(telling, ",\"c\":\"", candle->close_e8);
    put_e8(telling, ",\"h\":\"", candle->high_e8);
    put_e8(telling, ",\"l\":\"", candle->low_e8);
    put_e8(telling, ",\"v\":\"", candle->volume_e8);
    put_int(telling, ",\"n\":", (int64_t)candle->trade_cnt);
    put(telling, subject->closed ? ",\"x\":true" : ",\"x\":false");
    put_e8(telling, ",\"q\":\"", e8_of_e16(candle->quote_e16));
    put_e8(telling, ",\"V\":\"", candle->taker_volume_e8);
    put_e8(telling, ",\"Q\":\"", e8_of_e16(candle->taker_quote_e16));
    put(telling, ",\"B\":\"0\"}}");
}

static const char *const g_intervals[KLINES] = {"1s", "1m", "3m", "5m",  "15m", "30m", "1h", "2h",
                                                "4h", "6h", "8h", "12h", "1d",  "3d",  "1w", "1M"};

/* The candle under way, and before it the one that has ended since. */
static void candle_tell(struct instrument *instrument, uint32_t stream_idx, uint32_t which)
{
    struct candle_telling subject = {.interval = g_intervals[which]};
    const struct pw_sim_tape *tape = instrument->symbol->tape;
    int64_t *told_ns = &instrument->kline_open_ns[which], open_ns, span_ns;

    pw_sim_tape_bucket(subject.interval, instrument->now_ns, &open_ns, &span_ns);
    if (*told_ns && *told_ns != open_ns) {
        int64_t ended_ns, ended_span_ns;
        pw_sim_tape_bucket(subject.interval, open_ns - 1, &ended_ns, &ended_span_ns);
        subject.candle = pw_sim_tape_candle(tape, ended_ns, ended_span_ns);
        subject.closed = true;
        tell(instrument, stream_idx, tell_candle, &subject);
    }
    subject.candle = pw_sim_tape_candle(tape, open_ns, span_ns);
    subject.closed = false;
    tell(instrument, stream_idx, tell_candle, &subject);
    *told_ns = open_ns;
}

static void tell_book_5(const struct telling *telling)
{
    put_book(telling, 5);
}

static void tell_book_10(const struct telling *telling)
{
    put_book(telling, 10);
}

static void tell_book_20(const struct telling *telling)
{
    put_book(telling, 20);
}

/* Streams that come every so many ticks. kline_* follow behind them, in the order of g_intervals. */
static const struct periodic {
    const char *name;
    uint32_t ticks;
    void (*teller)(
        const struct telling *telling); /* NULL: the depth updates, which have a function of their own */
    uint32_t depth;
} g_periodic[] = {
    {"depth@100ms", 1, NULL, DEPTH_FAST},
    {"depth", SECOND_TICKS, NULL, DEPTH_SLOW},
    {"depth5@100ms", 1, tell_book_5, 0},
    {"depth10@100ms", 1, tell_book_10, 0},
    {"depth20@100ms", 1, tell_book_20, 0},
    {"depth5", SECOND_TICKS, tell_book_5, 0},
    {"depth10", SECOND_TICKS, tell_book_10, 0},
    {"depth20", SECOND_TICKS, tell_book_20, 0},
    {"miniTicker", SECOND_TICKS, put_mini_ticker, 0},
    {"ticker", SECOND_TICKS, put_ticker, 0},
    {"avgPrice", SECOND_TICKS, put_average, 0},
};
#define PERIODIC_CNT (uint32_t)(sizeof g_periodic / sizeof *g_periodic)
static_assert(sizeof g_periodic / sizeof *g_periodic + KLINES <= PERIODIC_MAX,
              "room for all periodic streams");

static void on_level(struct instrument *instrument, enum pw_side side, int64_t price_e8)
{
    for (uint32_t i = 0; i < DEPTH_STREAMS; i++) {
        struct changes *changes = &instrument->changes[i];
        changes->list[changes->cnt++] = (struct change){price_e8, side};
        if (changes->cnt == CHANGES_MAX) {
            changes_tell(instrument, changes, instrument->periodic_streams[i]);
        }
    }
}

static void on_result(void *state, const struct pw_matching_result *result)
{
    struct instrument *instrument = state;
    const struct pw_sim_match_listener *listener = &instrument->owner->listener;

    if (result->kind == PW_MATCHING_LEVEL) {
        on_level(instrument, result->side, result->level.price_e8);
        return;
    }
    if (listener->result) {
        listener->result(listener->state, instrument->symbol, result, instrument->now_ns);
    }
    if (result->kind == PW_MATCHING_TRADE) {
        on_trade(instrument, result);
    }
}

static void tell_all_tickers(const struct telling *telling)
{
    struct synthetic *owner = telling->instrument->owner;

    put(telling, "[");
    for (uint32_t i = 0; i < owner->instrument_cnt; i++) {
        struct telling one = {&owner->instruments[i], telling->out, telling->microsecond, NULL};
        put(telling, i ? "," : "");
        put_mini_ticker(&one);
    }
    put(telling, "]");
}

static void periodic_tell(struct instrument *instrument, uint32_t i)
{
    uint32_t stream_idx = instrument->periodic_streams[i];

    if (!g_periodic[i].teller) {
        changes_tell(instrument, &instrument->changes[g_periodic[i].depth], stream_idx);
    } else if (heard(instrument, stream_idx)) {
        tell(instrument, stream_idx, g_periodic[i].teller, NULL);
    }
}

static void klines_tell(struct instrument *instrument)
{
    for (uint32_t i = 0; i < KLINES; i++) {
        uint32_t stream_idx = instrument->periodic_streams[PERIODIC_CNT + i];
        uint32_t ticks = i == 0 ? SECOND_TICKS : 2 * SECOND_TICKS;
        if (instrument->tick_cnt % ticks == 0 && heard(instrument, stream_idx)) {
            candle_tell(instrument, stream_idx, i);
        }
    }
}

static void instrument_tick(struct instrument *instrument)
{
    struct synthetic *owner = instrument->owner;

    instrument->now_ns = instrument->next_tick_ns;
    instrument->next_tick_ns += TICK_NS;
    instrument->tick_cnt++;
    for (uint32_t i = 0; i < PERIODIC_CNT; i++) {
        if (instrument->tick_cnt % g_periodic[i].ticks == 0) {
            periodic_tell(instrument, i);
        }
    }
    if (instrument->tick_cnt % SECOND_TICKS) {
        return;
    }
    klines_tell(instrument);
    if (instrument == owner->instruments && heard(instrument, owner->all_tickers_stream)) {
        tell(instrument, owner->all_tickers_stream, tell_all_tickers, NULL);
    }
}

/* ---- as a source ---- */

static int64_t instrument_next_ns(const struct instrument *instrument)
{
    return instrument->traders.next_ns < instrument->next_tick_ns ? instrument->traders.next_ns
                                                                  : instrument->next_tick_ns;
}

static enum pw_sim_next synthetic_next(void *state, int64_t wall_ns, int64_t *market_ns)
{
    struct synthetic *synthetic = state;

    (void)wall_ns;
    synthetic->next_idx = 0;
    for (uint32_t i = 1; i < synthetic->instrument_cnt; i++) {
        if (instrument_next_ns(&synthetic->instruments[i]) <
            instrument_next_ns(&synthetic->instruments[synthetic->next_idx])) {
            synthetic->next_idx = i;
        }
    }
    *market_ns = instrument_next_ns(&synthetic->instruments[synthetic->next_idx]);
    return PW_SIM_NEXT_AT;
}

static void synthetic_step(void *state)
{
    struct synthetic *synthetic = state;
    struct instrument *instrument = &synthetic->instruments[synthetic->next_idx];

    if (instrument->next_tick_ns <= instrument->traders.next_ns) {
        instrument_tick(instrument);
        return;
    }
    instrument->now_ns = instrument->traders.next_ns;
    pw_sim_traders_act(&instrument->traders);
    aggregate_end(instrument);
    quote_check(instrument);
    if (synthetic->listener.acted) {
        synthetic->listener.acted(synthetic->listener.state, instrument->symbol, instrument->matching);
    }
}

static bool synthetic_refresh(void *state, struct pw_sim_symbol *symbol)
{
    struct synthetic *synthetic = state;

    symbol->top = quote_of(&synthetic->instruments[symbol - synthetic->symbols]);
    return true; /* the tape is always up to date */
}

static bool synthetic_depth(void *state, struct pw_sim_symbol *symbol, uint32_t level_limit,
                            struct pw_buffer *out)
{
    struct synthetic *synthetic = state;
    struct telling telling = {&synthetic->instruments[symbol - synthetic->symbols], out, false, NULL};

    put_book(&telling, level_limit);
    return !out->failed;
}

/* A client acts between two moments of the crowd's: now, if the market's time is ours, else as soon as can be
 * after the former, so that no two actions share a time (and an aggregate). */
static struct pw_matching *synthetic_enter(void *state, const struct pw_sim_symbol *symbol, int64_t wall_ns,
                                           int64_t *market_ns)
{
    struct synthetic *synthetic = state;
    struct instrument *instrument = &synthetic->instruments[symbol - synthetic->symbols];
    int64_t soonest_ns = instrument->now_ns + 1, next_ns = instrument_next_ns(instrument);

    if (soonest_ns < next_ns) {
        instrument->now_ns = wall_ns > soonest_ns && wall_ns < next_ns ? wall_ns : soonest_ns;
    }
    *market_ns = instrument->now_ns;
    return instrument->matching;
}

static void synthetic_leave(void *state, const struct pw_sim_symbol *symbol)
{
    struct synthetic *synthetic = state;
    struct instrument *instrument = &synthetic->instruments[symbol - synthetic->symbols];

    aggregate_end(instrument);
    quote_check(instrument);
}

static void synthetic_listen(void *state, struct pw_sim_match_listener listener)
{
    struct synthetic *synthetic = state;

    synthetic->listener = listener;
}

static struct pw_slice synthetic_exchange_info(void *state)
{
    (void)state;
    return (struct pw_slice){0};
}

static void synthetic_free(void *state)
{
    struct synthetic *synthetic = state;

    for (uint32_t i = 0; synthetic->instruments && i < synthetic->instrument_cnt; i++) {
        free(synthetic->instruments[i].matching);
        for (uint32_t k = 0; k < DEPTH_STREAMS; k++) {
            free(synthetic->instruments[i].changes[k].list);
        }
    }
    pw_sim_symbols_free(synthetic->symbols, synthetic->instrument_cnt);
    pw_buffer_free(&synthetic->millisecond);
    pw_buffer_free(&synthetic->microsecond);
    free(synthetic->instruments);
    free(synthetic);
}

static const struct pw_sim_source_ops synthetic_ops = {.next = synthetic_next,
                                                       .step = synthetic_step,
                                                       .refresh = synthetic_refresh,
                                                       .depth = synthetic_depth,
                                                       .exchange_info = synthetic_exchange_info,
                                                       .enter = synthetic_enter,
                                                       .leave = synthetic_leave,
                                                       .listen = synthetic_listen,
                                                       .free = synthetic_free};

/* ---- making it ---- */

/* The stream "<symbol in lower case>@<name>"; false: no room for it. */
static bool stream_make(struct instrument *instrument, const char *name, uint32_t *stream_idx)
{
    char text[PW_SIM_STREAM_BYTES + PW_SIM_SYMBOL_BYTES];
    int size = snprintf(text, sizeof text, "%s@%s", instrument->symbol->name, name);

    for (char *c = text; *c != '@'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    *stream_idx = pw_sim_hub_add(instrument->owner->hub, (struct pw_slice){text, (size_t)size});
    return *stream_idx != PW_SIM_NO_STREAM;
}

static bool streams_make(struct instrument *instrument)
{
    static const char *const events[EVENT_STREAMS] = {"trade", "aggTrade", "bookTicker"};
    char name[16];
    bool good = true;

    for (uint32_t i = 0; i < EVENT_STREAMS; i++) {
        good &= stream_make(instrument, events[i], &instrument->event_streams[i]);
    }
    for (uint32_t i = 0; i < PERIODIC_CNT; i++) {
        good &= stream_make(instrument, g_periodic[i].name, &instrument->periodic_streams[i]);
    }
    for (uint32_t i = 0; i < KLINES; i++) {
        snprintf(name, sizeof name, "kline_%s", g_intervals[i]);
        good &= stream_make(instrument, name, &instrument->periodic_streams[PERIODIC_CNT + i]);
    }
    return good;
}

/* FNV-1a: so that an instrument's market does not hang on its place in the list. */
static uint64_t seed_of(uint64_t seed, const char *symbol)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ seed * UINT64_C(0x9e3779b97f4a7c15);

    for (const char *c = symbol; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    return hash;
}

static bool matching_make(struct instrument *instrument, uint32_t order_max)
{
    size_t bytes = pw_matching_bytes(order_max);
    void *memory = bytes ? aligned_alloc(64, bytes) : NULL;

    if (memory) {
        memset(memory, 0, bytes);
        instrument->matching = pw_matching_init(memory, order_max, FIRST_ID);
    }
    return memory != NULL;
}

static bool instrument_make(struct instrument *instrument, const struct pw_sim_instrument_config *config,
                            uint64_t seed, int64_t start_ns)
{
    struct pw_sim_symbol *symbol = instrument->symbol;
    uint64_t own_seed = seed_of(seed, config->symbol);

    snprintf(symbol->name, sizeof symbol->name, "%s", config->symbol);
    pw_sim_symbol_split(symbol);
    symbol->tick_e8 = config->tick_e8;
    symbol->step_e8 = config->step_e8;
    symbol->tape = calloc(1, sizeof *symbol->tape);
    for (uint32_t i = 0; i < DEPTH_STREAMS; i++) {
        instrument->changes[i].list = calloc(CHANGES_MAX, sizeof *instrument->changes[i].list);
        if (!instrument->changes[i].list) {
            return false;
        }
    }
    if (!symbol->tape || !streams_make(instrument) ||
        !matching_make(instrument, config->levels * 2 * ORDERS_A_LEVEL)) {
        return false;
    }
    instrument->now_ns = start_ns;
    pw_sim_traders_init(&instrument->traders, config, instrument->matching, own_seed, start_ns);
    instrument->matching->on_result = on_result; /* of the first orders nobody hears */
    instrument->matching->state = instrument;
    for (uint32_t i = 0; i < DEPTH_STREAMS; i++) {
        instrument->changes[i].first_update_id = instrument->matching->last_update_id + 1;
    }
    instrument->quote = quote_of(instrument);
    /* Instruments do not all speak at the same moment. */
    instrument->next_tick_ns = start_ns + TICK_NS + (int64_t)(own_seed % (uint64_t)TICK_NS);
    return true;
}

int pw_sim_synthetic_make(struct pw_sim_source *source, const struct pw_sim_synthetic_config *config,
                          struct pw_sim_hub *hub, int64_t now_ns, char *error, size_t error_bytes)
{
    static const char all[] = "!miniTicker@arr";
    int64_t start_ns = config->epoch_ms ? config->epoch_ms * 1000000 : now_ns;
    struct synthetic *synthetic = calloc(1, sizeof *synthetic);
    bool good = synthetic != NULL;

    if (good) {
        synthetic->hub = hub;
        synthetic->instrument_cnt = config->instrument_cnt;
        synthetic->instruments = calloc(config->instrument_cnt, sizeof *synthetic->instruments);
        synthetic->symbols = calloc(config->instrument_cnt, sizeof *synthetic->symbols);
        synthetic->all_tickers_stream = pw_sim_hub_add(hub, (struct pw_slice){all, sizeof all - 1});
        good =
            synthetic->instruments && synthetic->symbols && synthetic->all_tickers_stream != PW_SIM_NO_STREAM;
    }
    for (uint32_t i = 0; good && i < config->instrument_cnt; i++) {
        synthetic->instruments[i].owner = synthetic;
        synthetic->instruments[i].symbol = &synthetic->symbols[i];
        good = instrument_make(&synthetic->instruments[i], &config->instruments[i], config->seed, start_ns);
    }
    if (!good) {
        snprintf(error, error_bytes, "no memory for %u instruments", config->instrument_cnt);
        if (synthetic) {
            synthetic_free(synthetic);
        }
        return -ENOMEM;
    }
    *source = (struct pw_sim_source){&synthetic_ops, synthetic, synthetic->symbols, config->instrument_cnt};
    return 0;
}
