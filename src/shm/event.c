/* SPDX-License-Identifier: MIT
 *
 * Events as people read them: names of the enums, and one line of text for one event.
 */
#include "text.h"
#include <pinwheel/event.h>
#include <pinwheel/workspace.h>

#define NAME_IN(table, number)                                                                               \
    ((number) < sizeof(table) / sizeof(table)[0] && (table)[number] ? (table)[number] : "?")

static const char *const kind_names[] = {
    [PW_EVENT_NONE] = "none",
    [PW_EVENT_QUOTE] = "quote",
    [PW_EVENT_TRADE] = "trade",
    [PW_EVENT_AGG_TRADE] = "agg_trade",
    [PW_EVENT_DEPTH] = "depth",
    [PW_EVENT_LEVELS] = "levels",
    [PW_EVENT_CANDLE] = "candle",
    [PW_EVENT_CANDLE_INFO] = "candle_info",
    [PW_EVENT_BOOK_STATE] = "book_state",
    [PW_EVENT_FEED_STATE] = "feed_state",
    [PW_EVENT_GAP] = "gap",
    [PW_EVENT_TIME] = "time",
    [PW_EVENT_SIGNAL] = "signal",
    [PW_EVENT_INTENT] = "intent",
    [PW_EVENT_ORDER] = "order",
    [PW_EVENT_FILL] = "fill",
    [PW_EVENT_CONSUMED] = "consumed",
    [PW_EVENT_COMMAND] = "command",
    [PW_EVENT_FRAME] = "frame",
    [PW_EVENT_SNAPSHOT_REQUEST] = "snapshot_request",
    [PW_EVENT_CONN] = "conn",
};

static const char *const reason_names[] = {
    [PW_REASON_NONE] = "none",
    [PW_REASON_START] = "start",
    [PW_REASON_DISCONNECT] = "disconnect",
    [PW_REASON_SEQUENCE] = "sequence",
    [PW_REASON_JOURNAL_FULL] = "journal_full",
    [PW_REASON_FRAME_INVALID] = "frame_invalid",
    [PW_REASON_BUFFER_FULL] = "buffer_full",
    [PW_REASON_CROSSED] = "crossed",
    [PW_REASON_OVERFLOW] = "overflow",
    [PW_REASON_HALTED] = "halted",
    [PW_REASON_PRICE_FILTER] = "price_filter",
    [PW_REASON_LOT_SIZE] = "lot_size",
    [PW_REASON_MIN_NOTIONAL] = "min_notional",
    [PW_REASON_MAX_NOTIONAL] = "max_notional",
    [PW_REASON_MAX_POSITION] = "max_position",
    [PW_REASON_CASH] = "cash",
    [PW_REASON_ORDER_RATE] = "order_rate",
    [PW_REASON_NO_QUOTE] = "no_quote",
    [PW_REASON_NOT_TRADING] = "not_trading",
    [PW_REASON_UNKNOWN_INSTRUMENT] = "unknown_instrument",
    [PW_REASON_BAD_INTENT] = "bad_intent",
    [PW_REASON_NO_ROOM] = "no_room",
    [PW_REASON_NO_POSITION] = "no_position",
    [PW_REASON_STALE] = "stale",
};

static const char *const order_state_names[] = {
    [PW_ORDER_NONE] = "none",         [PW_ORDER_IN_FLIGHT] = "in_flight",
    [PW_ORDER_OPEN] = "open",         [PW_ORDER_PARTIALLY_FILLED] = "partially_filled",
    [PW_ORDER_FILLED] = "filled",     [PW_ORDER_CANCELED] = "canceled",
    [PW_ORDER_REJECTED] = "rejected", [PW_ORDER_DENIED] = "denied",
};

static const char *const feed_state_names[] = {
    [PW_FEED_DOWN] = "down",
    [PW_FEED_CONNECTING] = "connecting",
    [PW_FEED_UP] = "up",
    [PW_FEED_STALE] = "stale",
};

static const char *const book_state_names[] = {[PW_BOOK_UNSYNCED] = "unsynced", [PW_BOOK_SYNCED] = "synced"};

static const char *const engine_state_names[] = {
    [PW_ENGINE_STARTING] = "starting", [PW_ENGINE_RUNNING] = "running", [PW_ENGINE_HALTED] = "halted",
    [PW_ENGINE_STOPPING] = "stopping", [PW_ENGINE_STOPPED] = "stopped",
};

static const char *const command_names[] = {
    [PW_COMMAND_HALT] = "halt",
    [PW_COMMAND_RESUME] = "resume",
    [PW_COMMAND_STOP] = "stop",
};

static const char *const action_names[] = {[PW_PLACE] = "place", [PW_CANCEL] = "cancel"};
static const char *const type_names[] = {[PW_MARKET] = "market", [PW_LIMIT] = "limit"};
static const char *const tif_names[] = {[PW_GTC] = "gtc", [PW_IOC] = "ioc", [PW_FOK] = "fok"};

const char *pw_event_kind_name(unsigned kind)
{
    return NAME_IN(kind_names, kind);
}

const char *pw_reason_name(unsigned reason)
{
    return NAME_IN(reason_names, reason);
}

const char *pw_order_state_name(unsigned state)
{
    return NAME_IN(order_state_names, state);
}

const char *pw_feed_state_name(unsigned state)
{
    return NAME_IN(feed_state_names, state);
}

const char *pw_book_state_name(unsigned state)
{
    return NAME_IN(book_state_names, state);
}

const char *pw_engine_state_name(uint64_t state)
{
    return NAME_IN(engine_state_names, state);
}

/* ---- bodies, each as " key=value ..." ---- */

static void put_e8(struct pw_text *text, const char *key, int64_t value_e8)
{
    pw_text_put(text, " %s=", key);
    pw_text_put_e8(text, value_e8);
}

static void put_u64(struct pw_text *text, const char *key, uint64_t value)
{
    pw_text_put(text, " %s=%llu", key, (unsigned long long)value);
}

static void put_i64(struct pw_text *text, const char *key, int64_t value)
{
    pw_text_put(text, " %s=%lld", key, (long long)value);
}

static void put_name(struct pw_text *text, const char *key, const char *name)
{
    pw_text_put(text, " %s=%s", key, name);
}

static void put_side(struct pw_text *text, const struct pw_event *event)
{
    put_name(text, "side", event->flags & PW_FLAG_SELL ? "sell" : "buy");
}

static void put_quote(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_quote *quote = &event->body.quote;
    put_e8(text, "bid", quote->bid_price_e8);
    put_e8(text, "bid_qty", quote->bid_qty_e8);
    put_e8(text, "ask", quote->ask_price_e8);
    put_e8(text, "ask_qty", quote->ask_qty_e8);
    put_u64(text, "update_id", quote->update_id);
}

static void put_trade(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_trade *trade = &event->body.trade;
    put_side(text, event);
    put_e8(text, "price", trade->price_e8);
    put_e8(text, "qty", trade->qty_e8);
    put_u64(text, "trade_id", trade->trade_id);
    put_i64(text, "trade_ns", trade->trade_ns);
}

static void put_agg_trade(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_agg_trade *trade = &event->body.agg_trade;
    put_side(text, event);
    put_e8(text, "price", trade->price_e8);
    put_e8(text, "qty", trade->qty_e8);
    put_u64(text, "agg_id", trade->agg_id);
    put_u64(text, "first_trade_id", trade->first_trade_id);
    put_u64(text, "trades", trade->trade_cnt);
    put_i64(text, "match_offset_us", trade->match_offset_us);
}

static void put_depth_flags(struct pw_text *text, const struct pw_event *event)
{
    pw_text_put(text, "%s%s%s", event->flags & PW_FLAG_SNAPSHOT ? " snapshot" : "",
                event->flags & PW_FLAG_LAST ? " last" : "", event->flags & PW_FLAG_STALE ? " stale" : "");
}

static void put_depth(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_depth *depth = &event->body.depth;
    put_u64(text, "first_update_id", depth->first_update_id);
    put_u64(text, "last_update_id", depth->last_update_id);
    put_u64(text, "prev_update_id", depth->prev_update_id);
    put_u64(text, "bids", depth->bid_cnt);
    put_u64(text, "asks", depth->ask_cnt);
    put_depth_flags(text, event);
}

static void put_levels(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_levels *levels = &event->body.levels;
    put_name(text, "side", event->flags & PW_FLAG_SELL ? "ask" : "bid");
    for (int i = 0; i < (event->flags & PW_FLAG_PAIR ? 2 : 1); i++) {
        put_e8(text, "price", levels->level[i].price_e8);
        put_e8(text, "qty", levels->level[i].qty_e8);
    }
    put_u64(text, "update_id", levels->update_id);
    put_depth_flags(text, event);
}

static void put_candle(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_candle *candle = &event->body.candle;
    put_e8(text, "open", candle->open_e8);
    put_e8(text, "high", candle->high_e8);
    put_e8(text, "low", candle->low_e8);
    put_e8(text, "close", candle->close_e8);
    put_e8(text, "volume", candle->volume_e8);
    pw_text_put(text, "%s", event->flags & PW_FLAG_CLOSED ? " closed" : "");
}

static void put_candle_info(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_candle_info *info = &event->body.candle_info;
    put_i64(text, "open_ns", info->open_ns);
    put_u64(text, "interval_s", info->interval_s);
    put_e8(text, "quote_volume", info->quote_volume_e8);
    put_i64(text, "first_trade_id", info->first_trade_id);
    put_i64(text, "last_trade_id", info->last_trade_id);
    put_u64(text, "trades", info->trade_cnt);
}

static void put_state(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_state *state = &event->body.state;
    if (event->kind == PW_EVENT_BOOK_STATE) {
        put_name(text, "state", pw_book_state_name(state->state));
    } else if (event->kind == PW_EVENT_FEED_STATE) {
        put_name(text, "state", pw_feed_state_name(state->state));
    } else {
        put_name(text, "command", NAME_IN(command_names, state->state));
        put_u64(text, "market_seq", state->market_seq);
    }
    put_name(text, "reason", pw_reason_name(state->reason));
    put_u64(text, "feed", state->feed_idx);
    put_u64(text, "last_update_id", state->last_update_id);
}

static void put_gap(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_gap *gap = &event->body.gap;
    put_name(text, "reason", pw_reason_name(gap->reason));
    put_u64(text, "first", gap->first);
    put_u64(text, "last", gap->last);
    put_u64(text, "lost", gap->lost_cnt);
    put_u64(text, "feed", gap->feed_idx);
}

static void put_signal(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_signal *signal = &event->body.signal;
    put_i64(text, "direction", signal->direction);
    put_e8(text, "value_a", signal->value_a);
    put_e8(text, "value_b", signal->value_b);
    put_u64(text, "strategy", signal->strategy_idx);
    put_u64(text, "market_seq", signal->market_seq);
}

static void put_intent(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_intent *intent = &event->body.intent;
    put_name(text, "action", NAME_IN(action_names, intent->action));
    put_side(text, event);
    put_name(text, "type", NAME_IN(type_names, intent->type));
    put_name(text, "tif", NAME_IN(tif_names, intent->tif));
    put_e8(text, "price", intent->price_e8);
    put_e8(text, "qty", intent->qty_e8);
    put_u64(text, "client_order_id", intent->client_order_id);
    put_u64(text, "strategy", intent->strategy_idx);
    put_u64(text, "tag", intent->tag);
    put_u64(text, "market_seq", intent->market_seq);
}

static void put_order(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_order *order = &event->body.order;
    put_name(text, "state", pw_order_state_name(order->state));
    put_name(text, "reason", pw_reason_name(order->reason));
    put_side(text, event);
    put_name(text, "type", NAME_IN(type_names, order->type));
    put_name(text, "tif", NAME_IN(tif_names, order->tif));
    put_e8(text, "price", order->price_e8);
    put_e8(text, "leaves_qty", order->leaves_qty_e8);
    put_u64(text, "client_order_id", order->client_order_id);
    put_u64(text, "strategy", order->strategy_idx);
    put_u64(text, "tag", order->tag);
    put_u64(text, "market_seq", order->market_seq);
}

static void put_fill(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_fill *fill = &event->body.fill;
    put_side(text, event);
    put_e8(text, "price", fill->price_e8);
    put_e8(text, "qty", fill->qty_e8);
    pw_text_put(text, " fee=");
    pw_text_put_e16(text, pw_fill_fee_e16(fill));
    put_u64(text, "client_order_id", fill->client_order_id);
    pw_text_put(text, "%s", event->flags & PW_FLAG_MAKER ? " maker" : " taker");
}

static void put_consumed(struct pw_text *text, const struct pw_event *event)
{
    put_u64(text, "report_seq", event->body.consumed.report_seq);
    put_u64(text, "market_seq", event->body.consumed.market_seq);
}

static void put_frame(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_frame *frame = &event->body.frame;
    put_u64(text, "feed", frame->feed_idx);
    put_u64(text, "bytes", frame->payload_bytes);
    if (frame->payload_bytes == 0) {
        put_name(text, "state", pw_feed_state_name(frame->state));
        put_name(text, "reason", pw_reason_name(frame->reason));
    }
}

static void put_conn(struct pw_text *text, const struct pw_event *event)
{
    const struct pw_conn *conn = &event->body.conn;
    put_u64(text, "feed", conn->feed_idx);
    put_name(text, "state", pw_feed_state_name(conn->state));
    put_name(text, "reason", pw_reason_name(conn->reason));
    put_u64(text, "slot", conn->slot_idx);
}

static void (*const body_puts[])(struct pw_text *text, const struct pw_event *event) = {
    [PW_EVENT_QUOTE] = put_quote,
    [PW_EVENT_TRADE] = put_trade,
    [PW_EVENT_AGG_TRADE] = put_agg_trade,
    [PW_EVENT_DEPTH] = put_depth,
    [PW_EVENT_LEVELS] = put_levels,
    [PW_EVENT_CANDLE] = put_candle,
    [PW_EVENT_CANDLE_INFO] = put_candle_info,
    [PW_EVENT_BOOK_STATE] = put_state,
    [PW_EVENT_FEED_STATE] = put_state,
    [PW_EVENT_GAP] = put_gap,
    [PW_EVENT_SIGNAL] = put_signal,
    [PW_EVENT_INTENT] = put_intent,
    [PW_EVENT_ORDER] = put_order,
    [PW_EVENT_FILL] = put_fill,
    [PW_EVENT_CONSUMED] = put_consumed,
    [PW_EVENT_COMMAND] = put_state,
    [PW_EVENT_FRAME] = put_frame,
    [PW_EVENT_CONN] = put_conn,
};

int pw_event_print(const struct pw_event *event, const char *symbol, char *buffer, int buffer_bytes)
{
    if (buffer_bytes <= 0) {
        return 0;
    }
    struct pw_text text = pw_text_start(buffer, (size_t)buffer_bytes);
    pw_text_put(&text, "%u %s ", event->seq, pw_event_kind_name(event->kind));
    if (symbol != NULL) {
        pw_text_put(&text, "%s", symbol);
    } else if (event->instrument_idx == PW_NO_INSTRUMENT) {
        pw_text_put(&text, "-");
    } else {
        pw_text_put(&text, "#%u", event->instrument_idx);
    }
    put_i64(&text, "recv_ns", event->recv_ns);
    put_i64(&text, "venue_ns", event->venue_ns);
    if (event->kind < sizeof body_puts / sizeof body_puts[0] && body_puts[event->kind] != NULL) {
        body_puts[event->kind](&text, event);
    }
    return (int)text.len;
}
