/* SPDX-License-Identifier: MIT
 *
 * The texts of the streams: see market_messages.h. Written piece by piece without a tree in between: some
 * hundred thousand a second.
 */
#include "market_messages.h"

/* ---- pieces ---- */

static void put(const struct pw_sim_draft *draft, const char *text)
{
    pw_buffer_string(draft->out, text);
}

static void put_int(const struct pw_sim_draft *draft, const char *name, int64_t value)
{
    pw_buffer_string(draft->out, name);
    pw_buffer_int(draft->out, value);
}

static void put_time(const struct pw_sim_draft *draft, const char *name, int64_t time_ns)
{
    put_int(draft, name, time_ns / (draft->microsecond ? 1000 : 1000000));
}

/* ,"name":"decimal" */
static void put_e8(const struct pw_sim_draft *draft, const char *name, int64_t value_e8)
{
    pw_buffer_string(draft->out, name);
    pw_buffer_e8(draft->out, value_e8);
    pw_buffer_string(draft->out, "\"");
}

static void put_head(const struct pw_sim_draft *draft, const char *event)
{
    put(draft, "{\"e\":\"");
    put(draft, event);
    put_time(draft, "\",\"E\":", draft->instrument->now_ns);
    put(draft, ",\"s\":\"");
    put(draft, draft->instrument->symbol->name);
    put(draft, "\"");
}

/* ---- trades and quotes ---- */

void pw_sim_write_trade(const struct pw_sim_draft *draft)
{
    const struct pw_sim_tape_trade *trade = draft->subject;

    put_head(draft, "trade");
    put_int(draft, ",\"t\":", (int64_t)trade->trade_id);
    put_e8(draft, ",\"p\":\"", trade->price_e8);
    put_e8(draft, ",\"q\":\"", trade->qty_e8);
    put_time(draft, ",\"T\":", trade->time_ns);
    put(draft, trade->buyer_maker ? ",\"m\":true,\"M\":true}" : ",\"m\":false,\"M\":true}");
}

void pw_sim_write_aggregate(const struct pw_sim_draft *draft)
{
    const struct pw_sim_tape_trade *sum = draft->subject;

    put_head(draft, "aggTrade");
    put_int(draft, ",\"a\":", (int64_t)sum->agg_id);
    put_e8(draft, ",\"p\":\"", sum->price_e8);
    put_e8(draft, ",\"q\":\"", sum->qty_e8);
    put_int(draft, ",\"f\":", (int64_t)draft->instrument->pending_first_id);
    put_int(draft, ",\"l\":", (int64_t)sum->trade_id);
    put_time(draft, ",\"T\":", sum->time_ns);
    put(draft, sum->buyer_maker ? ",\"m\":true,\"M\":true}" : ",\"m\":false,\"M\":true}");
}

void pw_sim_write_quote(const struct pw_sim_draft *draft)
{
    const struct pw_quote *quote = draft->subject;

    put_int(draft, "{\"u\":", (int64_t)quote->update_id);
    put(draft, ",\"s\":\"");
    put(draft, draft->instrument->symbol->name);
    put_e8(draft, "\",\"b\":\"", quote->bid_price_e8);
    put_e8(draft, ",\"B\":\"", quote->bid_qty_e8);
    put_e8(draft, ",\"a\":\"", quote->ask_price_e8);
    put_e8(draft, ",\"A\":\"", quote->ask_qty_e8);
    put(draft, "}");
}

/* ---- depth updates ---- */

int pw_sim_change_order(const void *left, const void *right)
{
    const struct pw_sim_change *a = left, *b = right;

    if (a->side != b->side) {
        return a->side == PW_BUY ? -1 : 1;
    }
    if (a->price_e8 == b->price_e8) {
        return 0;
    }
    return (a->price_e8 > b->price_e8) == (a->side == PW_BUY) ? -1 : 1; /* best first */
}

/* One side's [["price","qty"],..] from list[*i] on. */
static void put_changes(const struct pw_sim_draft *draft, const struct pw_sim_changes *changes, uint32_t *i,
                        enum pw_side side)
{
    const char *comma = "[\"";

    put(draft, "[");
    for (; *i < changes->cnt && changes->list[*i].side == side; ++*i) {
        const struct pw_sim_change *change = &changes->list[*i];
        if (*i && pw_sim_change_order(change, change - 1) == 0) {
            continue; /* changed more than once */
        }
        put_e8(draft, comma, change->price_e8);
        put_e8(draft, ",\"", pw_matching_qty_e8(draft->instrument->matching, side, change->price_e8));
        put(draft, "]");
        comma = ",[\"";
    }
    put(draft, "]");
}

void pw_sim_write_changes(const struct pw_sim_draft *draft)
{
    const struct pw_sim_changes *changes = draft->subject;
    uint32_t i = 0;

    put_head(draft, "depthUpdate");
    put_int(draft, ",\"U\":", (int64_t)changes->first_update_id);
    put_int(draft, ",\"u\":", (int64_t)draft->instrument->matching->last_update_id);
    put(draft, ",\"b\":");
    put_changes(draft, changes, &i, PW_BUY);
    put(draft, ",\"a\":");
    put_changes(draft, changes, &i, PW_SELL);
    put(draft, "}");
}

/* ---- books, tickers, candles ---- */

static void put_levels(const struct pw_sim_draft *draft, enum pw_side side, uint32_t limit)
{
    const struct pw_matching_side *levels = &draft->instrument->matching->sides[side];
    uint32_t cnt = levels->level_cnt < limit ? levels->level_cnt : limit;

    put(draft, "[");
    for (uint32_t i = 0; i < cnt; i++) {
        const struct pw_matching_level *level = &levels->levels[levels->level_cnt - 1 - i];
        put_e8(draft, i ? ",[\"" : "[\"", level->price_e8);
        put_e8(draft, ",\"", level->qty_e8);
        put(draft, "]");
    }
    put(draft, "]");
}

void pw_sim_write_book(const struct pw_sim_draft *draft, uint32_t limit)
{
    put_int(draft, "{\"lastUpdateId\":", (int64_t)draft->instrument->matching->last_update_id);
    put(draft, ",\"bids\":");
    put_levels(draft, PW_BUY, limit);
    put(draft, ",\"asks\":");
    put_levels(draft, PW_SELL, limit);
    put(draft, "}");
}

void pw_sim_write_mini_ticker(const struct pw_sim_draft *draft)
{
    struct pw_sim_tape_candle day =
        pw_sim_tape_day(draft->instrument->symbol->tape, draft->instrument->now_ns);

    put_head(draft, "24hrMiniTicker");
    put_e8(draft, ",\"c\":\"", day.close_e8);
    put_e8(draft, ",\"o\":\"", day.open_e8);
    put_e8(draft, ",\"h\":\"", day.high_e8);
    put_e8(draft, ",\"l\":\"", day.low_e8);
    put_e8(draft, ",\"v\":\"", day.volume_e8);
    put_e8(draft, ",\"q\":\"", pw_sim_e8_of_e16(day.quote_e16));
    put(draft, "}");
}

void pw_sim_write_ticker(const struct pw_sim_draft *draft)
{
    const struct pw_sim_instrument *instrument = draft->instrument;
    struct pw_sim_tape_candle day = pw_sim_tape_day(instrument->symbol->tape, instrument->now_ns);
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(instrument->symbol->tape);
    int64_t change_e8 = day.close_e8 - day.open_e8;

    put_head(draft, "24hrTicker");
    put_e8(draft, ",\"p\":\"", change_e8);
    pw_buffer_format(draft->out, ",\"P\":\"%.3f\"",
                     day.open_e8 ? 100.0 * (double)change_e8 / (double)day.open_e8 : 0.0);
    put_e8(draft, ",\"w\":\"", pw_sim_candle_average_e8(&day));
    put_e8(draft, ",\"x\":\"", day.open_e8);
    put_e8(draft, ",\"c\":\"", day.close_e8);
    put_e8(draft, ",\"Q\":\"", last ? last->qty_e8 : 0);
    put_e8(draft, ",\"b\":\"", instrument->quote.bid_price_e8);
    put_e8(draft, ",\"B\":\"", instrument->quote.bid_qty_e8);
    put_e8(draft, ",\"a\":\"", instrument->quote.ask_price_e8);
    put_e8(draft, ",\"A\":\"", instrument->quote.ask_qty_e8);
    put_e8(draft, ",\"o\":\"", day.open_e8);
    put_e8(draft, ",\"h\":\"", day.high_e8);
    put_e8(draft, ",\"l\":\"", day.low_e8);
    put_e8(draft, ",\"v\":\"", day.volume_e8);
    put_e8(draft, ",\"q\":\"", pw_sim_e8_of_e16(day.quote_e16));
    put_time(draft, ",\"O\":", instrument->now_ns - 864000 * PW_SIM_TICK_NS);
    put_time(draft, ",\"C\":", instrument->now_ns);
    put_int(draft, ",\"F\":", day.first_trade_id);
    put_int(draft, ",\"L\":", day.last_trade_id);
    put_int(draft, ",\"n\":", (int64_t)day.trade_cnt);
    put(draft, "}");
}

void pw_sim_write_average(const struct pw_sim_draft *draft)
{
    const struct pw_sim_instrument *instrument = draft->instrument;
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(instrument->symbol->tape);
    int64_t from_ns = instrument->now_ns - 3000 * PW_SIM_TICK_NS;
    struct pw_sim_tape_candle sum =
        pw_sim_tape_candle(instrument->symbol->tape, from_ns, 3000 * PW_SIM_TICK_NS + 1);

    put_head(draft, "avgPrice");
    put_e8(draft, ",\"i\":\"5m\",\"w\":\"", pw_sim_candle_average_e8(&sum));
    put_time(draft, ",\"T\":", last ? last->time_ns : instrument->now_ns);
    put(draft, "}");
}

void pw_sim_write_candle(const struct pw_sim_draft *draft)
{
    const struct pw_sim_draft_candle *subject = draft->subject;
    const struct pw_sim_tape_candle *candle = &subject->candle;

    put_head(draft, "kline");
    put_time(draft, ",\"k\":{\"t\":", candle->open_ns);
    put_time(draft, ",\"T\":", candle->open_ns + candle->span_ns - (draft->microsecond ? 1000 : 1000000));
    pw_buffer_format(draft->out, ",\"s\":\"%s\",\"i\":\"%s\"", draft->instrument->symbol->name,
                     subject->interval);
    put_int(draft, ",\"f\":", candle->first_trade_id);
    put_int(draft, ",\"L\":", candle->last_trade_id);
    put_e8(draft, ",\"o\":\"", candle->open_e8);
    put_e8(draft, ",\"c\":\"", candle->close_e8);
    put_e8(draft, ",\"h\":\"", candle->high_e8);
    put_e8(draft, ",\"l\":\"", candle->low_e8);
    put_e8(draft, ",\"v\":\"", candle->volume_e8);
    put_int(draft, ",\"n\":", (int64_t)candle->trade_cnt);
    put(draft, subject->closed ? ",\"x\":true" : ",\"x\":false");
    put_e8(draft, ",\"q\":\"", pw_sim_e8_of_e16(candle->quote_e16));
    put_e8(draft, ",\"V\":\"", candle->taker_volume_e8);
    put_e8(draft, ",\"Q\":\"", pw_sim_e8_of_e16(candle->taker_quote_e16));
    put(draft, ",\"B\":\"0\"}}");
}

void pw_sim_write_book_5(const struct pw_sim_draft *draft)
{
    pw_sim_write_book(draft, 5);
}

void pw_sim_write_book_10(const struct pw_sim_draft *draft)
{
    pw_sim_write_book(draft, 10);
}

void pw_sim_write_book_20(const struct pw_sim_draft *draft)
{
    pw_sim_write_book(draft, 20);
}

void pw_sim_write_all_tickers(const struct pw_sim_draft *draft)
{
    struct pw_sim_synthetic *owner = draft->instrument->owner;

    put(draft, "[");
    for (uint32_t i = 0; i < owner->instrument_cnt; i++) {
        struct pw_sim_draft one = {&owner->instruments[i], draft->out, draft->microsecond, NULL};
        put(draft, i ? "," : "");
        pw_sim_write_mini_ticker(&one);
    }
    put(draft, "]");
}
