/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal summary: per symbol the figures that can be computed from a recording of the same messages
 * by any other program, under the names and in the units of the venue's messages; and what the engine did.
 */
#include "book.h"
#include "cli.h"
#include "decimal.h"
#include "fills.h"
#include "journal_tool.h"
#include "money.h"
#include <pinwheel/units.h>
#include <stdlib.h>
#include <string.h>

#define BOOK_LEVELS (1u << 16) /* a side; more than any venue's snapshot */
#define TOP_LEVELS  10u

/* How a sequence of ids went. */
struct ids {
    uint64_t first, last; /* valid if cnt > 0 */
    uint64_t cnt, gaps, missing, duplicate, backward;
};

struct trades {
    struct ids ids, underlying; /* underlying: of aggregate trades */
    pw_i128 qty_e8, notional_e16, maker_qty_e8;
    int64_t min_e8, max_e8, first_e8, last_e8;
    int64_t first_ns, last_ns;
    uint64_t maker_cnt, earlier_cnt;
};

struct quotes {
    uint64_t cnt, backward, repeated, crossed;
    struct pw_quote last;
};

struct updates {
    uint64_t cnt, entries[2], zero_entries[2], empty, breaks;
    uint64_t first_first_id, first_last_id, last_id;
};

struct snapshots {
    struct pw_book *book; /* NULL until there is one */
    json_t *list;
    uint64_t id, dropped, applied;
    bool lost; /* events since the snapshot: the book need not be the venue's */
};

struct candles {
    uint64_t cnt, closed;
    bool last_closed;
    struct pw_candle last;
    struct pw_candle_info info;
};

struct symbol {
    bool used;
    struct trades trades, agg_trades;
    struct quotes quotes;
    struct updates updates;
    struct snapshots snapshots;
    struct candles candles;
    int64_t position_e8, fill_price_e8; /* of the last fill */
    int unit_shift;                     /* of its prices and quantities */
    pw_i128 dust_e16;                   /* of fees in the base asset: fills.h */
};

struct engine {
    pw_i128 cash_e16, fees_e16;
    json_t *fills, *orders, *denied, *gaps;
    uint64_t signals, intents, commands, consumed;
};

/* Numbers, as reference files have them; a string where readers of numbers would lose digits. */
static json_t *venue_number(uint64_t value)
{
    return value <= UINT64_C(1) << 53 ? json_integer((json_int_t)value) : journal_json_id(value);
}

static json_t *venue_signed(int64_t value)
{
    return value < 0 && value >= -(INT64_C(1) << 53) ? json_integer(value)
           : value < 0                               ? journal_json_ns(value)
                                                     : venue_number((uint64_t)value);
}

/* ---- decimals: with all the places that the instrument's unit has ---- */

static json_t *price_json(int unit_shift, pw_i128 price)
{
    return journal_json_fixed(price, pw_price_decimals(unit_shift));
}

static json_t *qty_json(int unit_shift, pw_i128 qty)
{
    return journal_json_fixed(qty, pw_qty_decimals(unit_shift));
}

/* ---- taking events ---- */

static void take_id(struct ids *ids, uint64_t first, uint64_t last)
{
    if (ids->cnt++ == 0) {
        ids->first = first;
    } else if (first == ids->last) {
        ids->duplicate++;
    } else if (first < ids->last) {
        ids->backward++;
    } else if (first != ids->last + 1) {
        ids->gaps++;
        ids->missing += first - ids->last - 1;
    }
    ids->last = last;
}

static void take_trade(struct trades *trades, int64_t price_e8, int64_t qty_e8, bool maker_bought,
                       int64_t trade_ns)
{
    bool first = trades->ids.cnt == 1;
    trades->min_e8 = first || price_e8 < trades->min_e8 ? price_e8 : trades->min_e8;
    trades->max_e8 = first || price_e8 > trades->max_e8 ? price_e8 : trades->max_e8;
    trades->first_e8 = first ? price_e8 : trades->first_e8;
    trades->last_e8 = price_e8;
    trades->earlier_cnt += !first && trade_ns < trades->last_ns;
    trades->first_ns = first ? trade_ns : trades->first_ns;
    trades->last_ns = trade_ns;
    trades->qty_e8 += qty_e8;
    trades->notional_e16 += (pw_i128)price_e8 * qty_e8;
    trades->maker_cnt += maker_bought;
    trades->maker_qty_e8 += maker_bought ? qty_e8 : 0;
}

static void take_quote(struct quotes *quotes, const struct pw_quote *quote)
{
    quotes->backward += quotes->cnt > 0 && quote->update_id < quotes->last.update_id;
    quotes->repeated += quotes->cnt > 0 && quote->update_id == quotes->last.update_id;
    quotes->crossed += quote->bid_price_e8 >= quote->ask_price_e8;
    quotes->last = *quote;
    quotes->cnt++;
}

static void take_update(struct updates *updates, const struct pw_depth *depth)
{
    if (updates->cnt++ == 0) {
        updates->first_first_id = depth->first_update_id;
        updates->first_last_id = depth->last_update_id;
    } else if (depth->prev_update_id ? depth->prev_update_id != updates->last_id
                                     : depth->first_update_id != updates->last_id + 1) {
        updates->breaks++;
    }
    updates->last_id = depth->last_update_id;
    updates->entries[PW_BUY] += depth->bid_cnt;
    updates->entries[PW_SELL] += depth->ask_cnt;
    updates->empty += depth->bid_cnt + depth->ask_cnt == 0;
}

static void take_levels(struct updates *updates, const struct pw_event *event)
{
    const struct pw_level *level = event->body.levels.level;
    unsigned side = event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY;
    updates->zero_entries[side] +=
        (level[0].qty_e8 == 0) + (event->flags & PW_FLAG_PAIR && level[1].qty_e8 == 0 ? 1u : 0u);
}

static bool take_book(struct snapshots *snapshots, const struct pw_event *event)
{
    if (!snapshots->book) {
        void *memory = aligned_alloc(64, pw_book_bytes(BOOK_LEVELS));
        if (!memory) {
            return false;
        }
        snapshots->book = pw_book_init(memory, BOOK_LEVELS);
        snapshots->list = json_array();
    }
    if (event->kind == PW_EVENT_DEPTH && event->flags & PW_FLAG_SNAPSHOT) {
        const struct pw_depth *depth = &event->body.depth;
        snapshots->id = depth->last_update_id;
        snapshots->applied = 0;
        snapshots->lost = false;
        json_array_append_new(snapshots->list, json_pack("{s:o, s:o, s:i, s:i}", "lastUpdateId",
                                                         venue_number(depth->last_update_id), "local_ns",
                                                         journal_json_ns(event->recv_ns), "bids",
                                                         (int)depth->bid_cnt, "asks", (int)depth->ask_cnt));
    } else if (event->kind == PW_EVENT_DEPTH) {
        snapshots->dropped += (event->flags & PW_FLAG_STALE) != 0;
        snapshots->applied += (event->flags & PW_FLAG_STALE) == 0;
    }
    pw_book_apply(snapshots->book, event);
    return true;
}

/* False: no memory. */
static bool take_market(struct symbol *symbol, const struct pw_event *event)
{
    bool sell = event->flags & PW_FLAG_SELL;
    switch (event->kind) {
    case PW_EVENT_QUOTE:
        take_quote(&symbol->quotes, &event->body.quote);
        break;
    case PW_EVENT_TRADE:
        take_id(&symbol->trades.ids, event->body.trade.trade_id, event->body.trade.trade_id);
        take_trade(&symbol->trades, event->body.trade.price_e8, event->body.trade.qty_e8, sell,
                   event->body.trade.trade_ns);
        break;
    case PW_EVENT_AGG_TRADE:
        take_id(&symbol->agg_trades.ids, event->body.agg_trade.agg_id, event->body.agg_trade.agg_id);
        take_id(&symbol->agg_trades.underlying, event->body.agg_trade.first_trade_id,
                event->body.agg_trade.first_trade_id + event->body.agg_trade.trade_cnt - 1);
        take_trade(&symbol->agg_trades, event->body.agg_trade.price_e8, event->body.agg_trade.qty_e8, sell,
                   event->venue_ns - (int64_t)event->body.agg_trade.match_offset_us * 1000);
        break;
    case PW_EVENT_DEPTH:
        if (!(event->flags & PW_FLAG_SNAPSHOT)) {
            take_update(&symbol->updates, &event->body.depth);
        }
        return take_book(&symbol->snapshots, event);
    case PW_EVENT_LEVELS:
        if (!(event->flags & PW_FLAG_SNAPSHOT)) {
            take_levels(&symbol->updates, event);
        }
        return take_book(&symbol->snapshots, event);
    case PW_EVENT_CANDLE:
        symbol->candles.cnt++;
        symbol->candles.last_closed = event->flags & PW_FLAG_CLOSED;
        symbol->candles.closed += symbol->candles.last_closed;
        symbol->candles.last = event->body.candle;
        break;
    case PW_EVENT_CANDLE_INFO:
        symbol->candles.info = event->body.candle_info;
        break;
    default:
        break;
    }
    return true;
}

static void count(json_t *counts, const char *name)
{
    json_int_t before = json_integer_value(json_object_get(counts, name));
    json_object_set_new(counts, name, json_integer(before + 1));
}

static void take_fill(const struct journal_session *session, struct engine *engine, struct symbol *symbol,
                      const struct pw_event *event)
{
    const struct pw_fill *fill = &event->body.fill;
    bool sell = event->flags & PW_FLAG_SELL;
    pw_i128 fee_e16 = pw_fill_fee_e16(fill),
            notional_e16 = pw_money_notional_e16(fill->price_e8, fill->qty_e8);
    const char *name = journal_symbol(session, event->instrument_idx);
    symbol->fill_price_e8 = fill->price_e8;
    engine->cash_e16 += (sell ? notional_e16 : -notional_e16) - fee_e16;
    engine->fees_e16 += fee_e16;
    symbol->position_e8 += sell ? -fill->qty_e8 : fill->qty_e8;
    json_t *row = json_pack("{s:i, s:o, s:s, s:s, s:o}", "n", (int)json_array_size(engine->fills) + 1,
                            "local_ns", journal_json_ns(event->recv_ns), "symbol", name ? name : "", "side",
                            sell ? "SELL" : "BUY", "client_order_id", journal_json_id(fill->client_order_id));
    json_object_set_new(row, "price", price_json(symbol->unit_shift, fill->price_e8));
    json_object_set_new(row, "qty", qty_json(symbol->unit_shift, fill->qty_e8));
    json_object_set_new(row, "fee", journal_json_fixed(fee_e16, 16));
    json_object_set_new(row, "cash_after", journal_json_fixed(engine->cash_e16, 16));
    json_object_set_new(row, "position_after", qty_json(symbol->unit_shift, symbol->position_e8));
    json_array_append_new(engine->fills, row);
}

/* A fee in the base asset leaves the position, and counts among the fees at its fill's price, as in the
 * engine.
 */
static void take_fill_info(const struct journal_session *session, struct engine *engine,
                           struct symbol *symbol, const struct pw_event *event)
{
    const struct pw_fill_info *info = &event->body.fill_info;
    json_t *row = json_array_get(engine->fills, json_array_size(engine->fills) - 1);
    int64_t fee_e8;
    if (!row || event->instrument_idx >= session->instrument_cnt ||
        !pw_fill_info_base_fee_e8(info, &session->instruments[event->instrument_idx], &symbol->dust_e16,
                                  &fee_e8) ||
        fee_e8 == 0) {
        return;
    }
    symbol->position_e8 -= fee_e8;
    engine->fees_e16 += (pw_i128)symbol->fill_price_e8 * fee_e8;
    json_object_set_new(row, "base_fee", qty_json(symbol->unit_shift, fee_e8));
    json_object_set_new(row, "position_after", qty_json(symbol->unit_shift, symbol->position_e8));
}

static void take_decision(const struct journal_session *session, struct engine *engine, struct symbol *symbol,
                          const struct pw_event *event)
{
    switch (event->kind) {
    case PW_EVENT_FILL:
        take_fill(session, engine, symbol, event);
        break;
    case PW_EVENT_FILL_INFO:
        take_fill_info(session, engine, symbol, event);
        break;
    case PW_EVENT_ORDER:
        count(engine->orders, pw_order_state_name(event->body.order.state));
        if (event->body.order.state == PW_ORDER_DENIED) {
            count(engine->denied, pw_reason_name(event->body.order.reason));
        }
        break;
    case PW_EVENT_GAP:
        count(engine->gaps, pw_reason_name(event->body.gap.reason));
        break;
    case PW_EVENT_SIGNAL:
        engine->signals++;
        break;
    case PW_EVENT_INTENT:
        engine->intents++;
        break;
    case PW_EVENT_COMMAND:
        engine->commands++;
        break;
    default:
        break;
    }
}

/* ---- telling ---- */

static void put_u64(json_t *json, const char *key, uint64_t value)
{
    json_object_set_new(json, key, venue_number(value));
}

static void put_ids(json_t *json, const struct ids *ids)
{
    put_u64(json, "first_id", ids->first);
    put_u64(json, "last_id", ids->last);
    put_u64(json, "id_gaps", ids->gaps);
    put_u64(json, "ids_missing", ids->missing);
    put_u64(json, "duplicate_ids", ids->duplicate);
    put_u64(json, "backward_ids", ids->backward);
}

static void put_trades(json_t *to, const char *key, int unit_shift, const struct trades *trades)
{
    if (trades->ids.cnt == 0) {
        return;
    }
    json_t *json = json_object();
    put_u64(json, "count", trades->ids.cnt);
    json_object_set_new(json, "total_qty", qty_json(unit_shift, trades->qty_e8));
    json_object_set_new(json, "sum_price_times_qty", journal_json_fixed(trades->notional_e16, 16));
    json_object_set_new(json, "min_price", price_json(unit_shift, trades->min_e8));
    json_object_set_new(json, "max_price", price_json(unit_shift, trades->max_e8));
    json_object_set_new(json, "first_price", price_json(unit_shift, trades->first_e8));
    json_object_set_new(json, "last_price", price_json(unit_shift, trades->last_e8));
    put_u64(json, "buyer_maker_count", trades->maker_cnt);
    json_object_set_new(json, "buyer_maker_qty", qty_json(unit_shift, trades->maker_qty_e8));
    put_u64(json, "first_T_ms", (uint64_t)(trades->first_ns / PW_NS_PER_MS));
    put_u64(json, "last_T_ms", (uint64_t)(trades->last_ns / PW_NS_PER_MS));
    put_u64(json, "T_earlier_than_previous", trades->earlier_cnt);
    put_ids(json, &trades->ids);
    if (trades->underlying.cnt > 0) {
        json_t *underlying = json_object();
        put_ids(underlying, &trades->underlying);
        json_object_set_new(json, "underlying_trade_ids", underlying);
    }
    json_object_set_new(to, key, json);
}

static void put_quotes(json_t *to, int unit_shift, const struct quotes *quotes)
{
    if (quotes->cnt == 0) {
        return;
    }
    json_t *json = json_object(), *last = json_object();
    put_u64(json, "count", quotes->cnt);
    put_u64(last, "update_id", quotes->last.update_id);
    json_object_set_new(last, "bid", price_json(unit_shift, quotes->last.bid_price_e8));
    json_object_set_new(last, "bid_qty", qty_json(unit_shift, quotes->last.bid_qty_e8));
    json_object_set_new(last, "ask", price_json(unit_shift, quotes->last.ask_price_e8));
    json_object_set_new(last, "ask_qty", qty_json(unit_shift, quotes->last.ask_qty_e8));
    json_object_set_new(json, "last", last);
    put_u64(json, "update_id_backward", quotes->backward);
    put_u64(json, "update_id_repeated", quotes->repeated);
    put_u64(json, "crossed_or_locked", quotes->crossed);
    json_object_set_new(to, "bookTicker", json);
}

static void put_updates(json_t *to, const struct updates *updates)
{
    if (updates->cnt == 0) {
        return;
    }
    json_t *json = json_object();
    put_u64(json, "count", updates->cnt);
    put_u64(json, "bid_entries", updates->entries[PW_BUY]);
    put_u64(json, "ask_entries", updates->entries[PW_SELL]);
    put_u64(json, "zero_qty_bid_entries", updates->zero_entries[PW_BUY]);
    put_u64(json, "zero_qty_ask_entries", updates->zero_entries[PW_SELL]);
    put_u64(json, "empty_events", updates->empty);
    put_u64(json, "first_U", updates->first_first_id);
    put_u64(json, "first_u", updates->first_last_id);
    put_u64(json, "last_u", updates->last_id);
    put_u64(json, "sequence_breaks", updates->breaks);
    json_object_set_new(to, "depthUpdate", json);
}

static json_t *top_levels(const struct pw_book *book, int unit_shift, enum pw_side side)
{
    json_t *json = json_array();
    for (uint32_t i = 0; i < TOP_LEVELS && i < pw_book_level_cnt(book, side); i++) {
        const struct pw_level *level = pw_book_at(book, side, i);
        json_array_append_new(json, json_pack("[o, o]", price_json(unit_shift, level->price_e8),
                                              qty_json(unit_shift, level->qty_e8)));
    }
    return json;
}

static void put_book(json_t *to, int unit_shift, const struct snapshots *snapshots)
{
    const struct pw_book *book = snapshots->book;
    if (!book || json_array_size(snapshots->list) == 0) {
        return;
    }
    json_t *json = json_object();
    put_u64(json, "lastUpdateId", snapshots->id);
    put_u64(json, "events_dropped", snapshots->dropped);
    put_u64(json, "events_applied", snapshots->applied);
    put_u64(json, "bid_levels", pw_book_level_cnt(book, PW_BUY));
    put_u64(json, "ask_levels", pw_book_level_cnt(book, PW_SELL));
    json_object_set_new(json, "complete", json_boolean(!snapshots->lost && pw_book_is_known(book)));
    json_object_set_new(json, "crossed", json_boolean(pw_book_crossed(book)));
    json_object_set_new(json, "top_bids", top_levels(book, unit_shift, PW_BUY));
    json_object_set_new(json, "top_asks", top_levels(book, unit_shift, PW_SELL));
    json_object_set_new(json, "sum_bid_qty", qty_json(unit_shift, pw_book_sum_qty_e8(book, PW_BUY)));
    json_object_set_new(json, "sum_ask_qty", qty_json(unit_shift, pw_book_sum_qty_e8(book, PW_SELL)));
    json_object_set_new(to, "book_from_snapshot", json);
    put_u64(to, "snapshot_count", json_array_size(snapshots->list));
    json_object_set(to, "snapshots", snapshots->list);
}

/* "1m", as the venue names it. */
static const char *interval_text(uint32_t interval_s, char text[16])
{
    static const struct {
        uint32_t s;
        char letter;
    } units[] = {{7 * 86400, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    for (size_t i = 0; i < 5; i++) {
        if (interval_s % units[i].s == 0) {
            snprintf(text, 16, "%u%c", interval_s / units[i].s, units[i].letter);
            break;
        }
    }
    return text;
}

static void put_candles(json_t *to, int unit_shift, const struct candles *candles)
{
    if (candles->cnt == 0) {
        return;
    }
    char interval[16];
    json_t *json = json_object(), *last = json_object();
    put_u64(json, "count", candles->cnt);
    put_u64(json, "closed", candles->closed);
    put_u64(last, "t", (uint64_t)(candles->info.open_ns / PW_NS_PER_MS));
    json_object_set_new(last, "i", json_string(interval_text(candles->info.interval_s, interval)));
    json_object_set_new(last, "o", price_json(unit_shift, candles->last.open_e8));
    json_object_set_new(last, "h", price_json(unit_shift, candles->last.high_e8));
    json_object_set_new(last, "l", price_json(unit_shift, candles->last.low_e8));
    json_object_set_new(last, "c", price_json(unit_shift, candles->last.close_e8));
    json_object_set_new(last, "v", qty_json(unit_shift, candles->last.volume_e8));
    put_u64(last, "n", candles->info.trade_cnt);
    json_object_set_new(last, "x", json_boolean(candles->last_closed));
    json_object_set_new(last, "f", venue_signed(candles->info.first_trade_id));
    json_object_set_new(last, "L", venue_signed(candles->info.last_trade_id));
    json_object_set_new(json, "last", last);
    json_object_set_new(to, "kline", json);
}

static json_t *symbol_facts(const struct symbol *symbol)
{
    json_t *json = json_object();
    put_trades(json, "trades", symbol->unit_shift, &symbol->trades);
    put_trades(json, "aggTrades", symbol->unit_shift, &symbol->agg_trades);
    put_quotes(json, symbol->unit_shift, &symbol->quotes);
    put_candles(json, symbol->unit_shift, &symbol->candles);
    put_updates(json, &symbol->updates);
    put_book(json, symbol->unit_shift, &symbol->snapshots);
    json_object_set_new(json, "final_position", qty_json(symbol->unit_shift, symbol->position_e8));
    return json;
}

static void put_engine(json_t *to, const struct engine *engine)
{
    put_u64(to, "signal_cnt", engine->signals);
    put_u64(to, "intent_cnt", engine->intents);
    put_u64(to, "command_cnt", engine->commands);
    json_object_set(to, "orders", engine->orders);
    json_object_set(to, "denied", engine->denied);
    json_object_set(to, "gaps", engine->gaps);
    put_u64(to, "fill_cnt", json_array_size(engine->fills));
    put_u64(to, "fills_count", json_array_size(engine->fills)); /* its old name, which reference files have */
    json_object_set_new(to, "total_fees", journal_json_fixed(engine->fees_e16, 16));
    json_object_set_new(to, "final_cash", journal_json_fixed(engine->cash_e16, 16));
    json_object_set(to, "fills", engine->fills);
}

/* ---- cash at the start ---- */

/* What a config without a word on it begins with, as the engine does. */
#define CASH_DEFAULT "10000"

static bool start_cash(struct journal_session *session, pw_i128 *cash_e16)
{
    char text[64];
    int64_t cash_e8;
    journal_config_word(session, "gateway", text, sizeof text);
    journal_config_word(session, *text == '\0' || strcmp(text, "paper") == 0 ? "paper/cash" : "live/cash",
                        text, sizeof text);
    const char *cash = session->cash ? session->cash : *text ? text : CASH_DEFAULT;
    if (!session->cash && journal_account_cnt(session) > 0) {
        pw_cli_warn(
            "the run has accounts, each with cash of its own: cash begins at 0 here; set it with --cash");
        cash = "0";
    }
    if (!pw_decimal_parse_e8(cash, strlen(cash), false, &cash_e8)) {
        pw_cli_error("the config's cash '%s' is not a plain amount; give one with --cash", cash);
        return false;
    }
    *cash_e16 = (pw_i128)cash_e8 * PW_E8;
    return true;
}

/* ---- the whole ---- */

/* Of which instruments is not stated. */
static void note_loss(struct symbol *symbols)
{
    for (uint32_t i = 0; i <= PW_INSTRUMENTS_MAX; i++) {
        symbols[i].snapshots.lost = true;
    }
}

static bool take_all(struct journal_session *session, struct pw_journal_cursor *cursor,
                     struct symbol *symbols, struct engine *engine)
{
    struct pw_journal_record record = {0};
    uint64_t damages_before = 0, event_cnt = 0;
    while (journal_read(session, cursor, &record)) {
        event_cnt++;
        const struct pw_event *event = &record.event;
        bool dropped = event->kind == PW_EVENT_GAP && event->body.gap.reason == PW_REASON_JOURNAL_FULL;
        if (dropped || session->damage_cnt != damages_before) {
            damages_before = session->damage_cnt;
            note_loss(symbols);
        }
        /* Events of no instrument, and of those that the run does not tell, go to the last row, which is not
         * shown. */
        uint32_t idx =
            event->instrument_idx < session->instrument_cnt ? event->instrument_idx : PW_INSTRUMENTS_MAX;
        symbols[idx].used |= event->kind <= PW_EVENT_CANDLE_INFO || event->kind == PW_EVENT_FILL;
        if (!take_market(&symbols[idx], event)) {
            pw_cli_error("no memory for the book");
            return false;
        }
        take_decision(session, engine, &symbols[idx], event);
    }
    if (event_cnt == 0) {
        journal_note_nothing(session);
    }
    return true;
}

static json_t *all_facts(const struct journal_session *session, const struct symbol *symbols,
                         const struct engine *engine)
{
    json_t *json = json_object(), *by_symbol = json_object();
    json_object_set_new(json, "run_id", journal_json_id(session->run.run_id));
    put_u64(json, "damage_cnt", session->damage_cnt);
    journal_put_loss(json, &session->run);
    for (uint32_t i = 0; i < session->instrument_cnt; i++) {
        if (symbols[i].used) {
            json_object_set_new(by_symbol, journal_symbol(session, i), symbol_facts(&symbols[i]));
        }
    }
    json_object_set_new(json, "symbols", by_symbol);
    put_engine(json, engine);
    return json;
}

int journal_summary(struct journal_session *session)
{
    static struct symbol symbols[PW_INSTRUMENTS_MAX + 1];
    pw_i128 cash_e16;
    if (!start_cash(session, &cash_e16)) {
        return JOURNAL_USAGE;
    }
    for (uint32_t i = 0; i < session->instrument_cnt; i++) {
        symbols[i].unit_shift = session->instruments[i].unit_shift;
    }
    struct engine engine = {.cash_e16 = cash_e16,
                            .fills = json_array(),
                            .orders = json_object(),
                            .denied = json_object(),
                            .gaps = json_object()};
    struct pw_journal_cursor *cursor = journal_cursor(session);
    bool good = cursor && take_all(session, cursor, symbols, &engine);
    if (good) {
        journal_print_json(all_facts(session, symbols, &engine));
    }
    pw_journal_cursor_free(cursor);
    for (uint32_t i = 0; i <= PW_INSTRUMENTS_MAX; i++) {
        free(symbols[i].snapshots.book);
        json_decref(symbols[i].snapshots.list);
    }
    json_decref(engine.fills);
    json_decref(engine.orders);
    json_decref(engine.denied);
    json_decref(engine.gaps);
    return !good ? JOURNAL_FAILED : session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_OK;
}
