/* SPDX-License-Identifier: MIT
 *
 * Events as people and scripts read them: one line of text, or the members of a JSON object.
 */
#include "text.h"
#include <pinwheel/event.h>
#include <pinwheel/hops.h>
#include <pinwheel/workspace.h>
#include <string.h>

/* ---- fields: " key=value" in text, ","key":value" in JSON ---- */

struct out {
    struct pw_text text;
    bool json;
};

static void put_key(struct out *out, const char *key)
{
    pw_text_put(&out->text, out->json ? ",\"%s\":" : " %s=", key);
}

/* Decimals are strings in JSON: its numbers are binary fractions to most readers. */
static void put_e8(struct out *out, const char *key, int64_t value_e8)
{
    put_key(out, key);
    pw_text_put(&out->text, "%s", out->json ? "\"" : "");
    pw_text_put_e8(&out->text, value_e8);
    pw_text_put(&out->text, "%s", out->json ? "\"" : "");
}

static void put_e16(struct out *out, const char *key, pw_i128 value_e16)
{
    put_key(out, key);
    pw_text_put(&out->text, "%s", out->json ? "\"" : "");
    pw_text_put_e16(&out->text, value_e16);
    pw_text_put(&out->text, "%s", out->json ? "\"" : "");
}

/* Ids and nanoseconds are strings in JSON: they go beyond 2^53, where most readers' numbers lose digits. */
static const char *number_quote(const struct out *out, const char *key)
{
    size_t len = strlen(key);
    const char *end = len > 3 ? key + len - 3 : "";
    return out->json && (strcmp(end, "_id") == 0 || strcmp(end, "_ns") == 0) ? "\"" : "";
}

static void put_u64(struct out *out, const char *key, uint64_t value)
{
    const char *quote = number_quote(out, key);
    put_key(out, key);
    pw_text_put(&out->text, "%s%llu%s", quote, (unsigned long long)value, quote);
}

static void put_i64(struct out *out, const char *key, int64_t value)
{
    const char *quote = number_quote(out, key);
    put_key(out, key);
    pw_text_put(&out->text, "%s%lld%s", quote, (long long)value, quote);
}

/* A word without anything to escape. */
static void put_name(struct out *out, const char *key, const char *name)
{
    put_key(out, key);
    pw_text_put(&out->text, out->json ? "\"%s\"" : "%s", name);
}

static void put_flag(struct out *out, const char *key, bool is_set)
{
    if (is_set) {
        pw_text_put(&out->text, out->json ? ",\"%s\":true" : " %s", key);
    }
}

/* ---- bodies ---- */

static void put_side(struct out *out, const struct pw_event *event)
{
    put_name(out, "side", event->flags & PW_FLAG_SELL ? "sell" : "buy");
}

static void put_quote(struct out *out, const struct pw_event *event)
{
    const struct pw_quote *quote = &event->body.quote;
    put_e8(out, "bid", quote->bid_price_e8);
    put_e8(out, "bid_qty", quote->bid_qty_e8);
    put_e8(out, "ask", quote->ask_price_e8);
    put_e8(out, "ask_qty", quote->ask_qty_e8);
    put_u64(out, "update_id", quote->update_id);
}

static void put_trade(struct out *out, const struct pw_event *event)
{
    const struct pw_trade *trade = &event->body.trade;
    put_side(out, event);
    put_e8(out, "price", trade->price_e8);
    put_e8(out, "qty", trade->qty_e8);
    put_u64(out, "trade_id", trade->trade_id);
    put_i64(out, "trade_ns", trade->trade_ns);
}

static void put_agg_trade(struct out *out, const struct pw_event *event)
{
    const struct pw_agg_trade *trade = &event->body.agg_trade;
    put_side(out, event);
    put_e8(out, "price", trade->price_e8);
    put_e8(out, "qty", trade->qty_e8);
    put_u64(out, "agg_id", trade->agg_id);
    put_u64(out, "first_trade_id", trade->first_trade_id);
    put_u64(out, "trades", trade->trade_cnt);
    put_i64(out, "match_offset_us", trade->match_offset_us);
}

static void put_depth_flags(struct out *out, const struct pw_event *event)
{
    put_flag(out, "snapshot", event->flags & PW_FLAG_SNAPSHOT);
    put_flag(out, "last", event->flags & PW_FLAG_LAST);
    put_flag(out, "stale", event->flags & PW_FLAG_STALE);
}

static void put_depth(struct out *out, const struct pw_event *event)
{
    const struct pw_depth *depth = &event->body.depth;
    put_u64(out, "first_update_id", depth->first_update_id);
    put_u64(out, "last_update_id", depth->last_update_id);
    put_u64(out, "prev_update_id", depth->prev_update_id);
    put_u64(out, "bids", depth->bid_cnt);
    put_u64(out, "asks", depth->ask_cnt);
    put_depth_flags(out, event);
}

static void put_levels(struct out *out, const struct pw_event *event)
{
    const struct pw_levels *levels = &event->body.levels;
    put_name(out, "side", event->flags & PW_FLAG_SELL ? "ask" : "bid");
    put_e8(out, "price", levels->level[0].price_e8);
    put_e8(out, "qty", levels->level[0].qty_e8);
    if (event->flags & PW_FLAG_PAIR) {
        put_e8(out, "price2", levels->level[1].price_e8);
        put_e8(out, "qty2", levels->level[1].qty_e8);
    }
    put_u64(out, "update_id", levels->update_id);
    put_depth_flags(out, event);
}

static void put_candle(struct out *out, const struct pw_event *event)
{
    const struct pw_candle *candle = &event->body.candle;
    put_e8(out, "open", candle->open_e8);
    put_e8(out, "high", candle->high_e8);
    put_e8(out, "low", candle->low_e8);
    put_e8(out, "close", candle->close_e8);
    put_e8(out, "volume", candle->volume_e8);
    put_flag(out, "closed", event->flags & PW_FLAG_CLOSED);
}

static void put_candle_info(struct out *out, const struct pw_event *event)
{
    const struct pw_candle_info *info = &event->body.candle_info;
    put_i64(out, "open_ns", info->open_ns);
    put_u64(out, "interval_s", info->interval_s);
    put_e8(out, "quote_volume", info->quote_volume_e8);
    put_i64(out, "first_trade_id", info->first_trade_id);
    put_i64(out, "last_trade_id", info->last_trade_id);
    put_u64(out, "trades", info->trade_cnt);
}

static void put_state(struct out *out, const struct pw_event *event)
{
    const struct pw_state *state = &event->body.state;
    if (event->kind == PW_EVENT_BOOK_STATE) {
        put_name(out, "state", pw_book_state_name(state->state));
    } else if (event->kind == PW_EVENT_FEED_STATE) {
        put_name(out, "state", pw_feed_state_name(state->state));
    } else {
        put_name(out, "command", pw_command_name(state->state));
        put_u64(out, "market_seq", state->market_seq);
    }
    put_name(out, "reason", pw_reason_name(state->reason));
    put_u64(out, "feed", state->feed_idx);
    put_u64(out, "last_update_id", state->last_update_id);
}

static void put_gap(struct out *out, const struct pw_event *event)
{
    const struct pw_gap *gap = &event->body.gap;
    put_name(out, "reason", pw_reason_name(gap->reason));
    put_u64(out, "first", gap->first);
    put_u64(out, "last", gap->last);
    put_u64(out, "lost", gap->lost_cnt);
    put_u64(out, "feed", gap->feed_idx);
}

static void put_signal(struct out *out, const struct pw_event *event)
{
    const struct pw_signal *signal = &event->body.signal;
    put_i64(out, "direction", signal->direction);
    put_e8(out, "value_a", signal->value_a);
    put_e8(out, "value_b", signal->value_b);
    put_u64(out, "strategy", signal->strategy_idx);
    put_u64(out, "market_seq", signal->market_seq);
}

static void put_intent(struct out *out, const struct pw_event *event)
{
    const struct pw_intent *intent = &event->body.intent;
    put_name(out, "action", pw_intent_action_name(intent->action));
    put_side(out, event);
    put_name(out, "type", pw_order_type_name(intent->type));
    put_name(out, "tif", pw_tif_name(intent->tif));
    put_e8(out, "price", intent->price_e8);
    put_e8(out, "qty", intent->qty_e8);
    put_u64(out, "client_order_id", intent->client_order_id);
    put_u64(out, "strategy", intent->strategy_idx);
    put_u64(out, "tag", intent->tag);
    put_u64(out, "market_seq", intent->market_seq);
}

static void put_order(struct out *out, const struct pw_event *event)
{
    const struct pw_order *order = &event->body.order;
    put_name(out, "state", pw_order_state_name(order->state));
    put_name(out, "reason", pw_reason_name(order->reason));
    put_side(out, event);
    put_name(out, "type", pw_order_type_name(order->type));
    put_name(out, "tif", pw_tif_name(order->tif));
    put_e8(out, "price", order->price_e8);
    put_e8(out, "leaves_qty", order->leaves_qty_e8);
    put_u64(out, "client_order_id", order->client_order_id);
    put_u64(out, "strategy", order->strategy_idx);
    put_u64(out, "tag", order->tag);
    put_u64(out, "market_seq", order->market_seq);
}

static void put_fill(struct out *out, const struct pw_event *event)
{
    const struct pw_fill *fill = &event->body.fill;
    put_side(out, event);
    put_e8(out, "price", fill->price_e8);
    put_e8(out, "qty", fill->qty_e8);
    put_e16(out, "fee", pw_fill_fee_e16(fill));
    put_u64(out, "client_order_id", fill->client_order_id);
    put_flag(out, event->flags & PW_FLAG_MAKER ? "maker" : "taker", true);
}

static void put_fill_info(struct out *out, const struct pw_event *event)
{
    const struct pw_fill_info *info = &event->body.fill_info;
    put_u64(out, "trade_id", info->trade_id);
    put_key(out, "fee_asset");
    pw_text_put(&out->text, "%s", out->json ? "\"" : "");
    pw_text_put_escaped(&out->text, info->fee_asset, strnlen(info->fee_asset, sizeof info->fee_asset));
    pw_text_put(&out->text, "%s", out->json ? "\"" : "");
    put_e16(out, "fee", pw_fill_info_fee_e16(info));
}

static void put_stamp(struct out *out, const char *key, uint32_t ns)
{
    if (ns != PW_STAMP_NONE) {
        put_u64(out, key, ns);
    }
}

static void put_stamps(struct out *out, const struct pw_event *event)
{
    const struct pw_stamps *stamps = &event->body.stamps;
    put_u64(out, "client_order_id", stamps->client_order_id);
#define PUT_BEFORE(NAME, token, name, label, help) put_stamp(out, #token "_ago_ns", stamps->token##_ago_ns);
#define PUT_HOP(NAME, token, name, label, help)    put_stamp(out, #token "_ns", stamps->token##_ns);
#define PUT_NONE(NAME, token, name, label, help)
    PW_HOPS(PUT_BEFORE, PUT_NONE, PUT_HOP, PUT_NONE)
}

static pw_i128 i128_of(const uint64_t words[2])
{
    return (pw_i128)(int64_t)words[1] * ((pw_i128)1 << 64) + (pw_i128)words[0];
}

static void put_risk_market(struct out *out, const struct pw_event *event)
{
    const struct pw_risk_market *risk = &event->body.risk_market;
    put_e8(out, "bid", risk->bid_e8);
    put_e8(out, "ask", risk->ask_e8);
    put_e8(out, "position", risk->position_e8);
    put_e8(out, "open_buy", risk->open_buy_e8);
    put_e8(out, "open_sell", risk->open_sell_e8);
}

static void put_risk_cash(struct out *out, const struct pw_event *event)
{
    const struct pw_risk_cash *risk = &event->body.risk_cash;
    put_e16(out, "cash", i128_of(risk->cash_e16));
    put_e16(out, "hold", i128_of(risk->hold_e16));
    put_u64(out, "rate_credit", risk->rate_credit);
}

static void put_risk_limits(struct out *out, const struct pw_event *event)
{
    const struct pw_risk_limits_kept *risk = &event->body.risk_limits;
    put_e8(out, "max_order_notional", risk->max_order_notional_e8);
    put_e8(out, "max_position", risk->max_position_e8);
    put_u64(out, "max_orders_per_s", risk->max_orders_per_s);
    put_e16(out, "short_cost", i128_of(risk->short_cost_e16));
    put_e8(out, "fee_rate", (int32_t)risk->bits >> PW_RISK_FEE_SHIFT);
    put_flag(out, "feed_up", risk->bits & PW_RISK_BIT_FEED_UP);
    put_flag(out, "halted", risk->bits & PW_RISK_BIT_HALTED);
    put_flag(out, "room", risk->bits & PW_RISK_BIT_ROOM);
    put_flag(out, "allow_short", risk->bits & PW_RISK_BIT_ALLOW_SHORT);
}

static void put_consumed(struct out *out, const struct pw_event *event)
{
    put_u64(out, "report_seq", event->body.consumed.report_seq);
    put_u64(out, "market_seq", event->body.consumed.market_seq);
}

static void put_frame(struct out *out, const struct pw_event *event)
{
    const struct pw_frame *frame = &event->body.frame;
    put_u64(out, "feed", frame->feed_idx);
    put_u64(out, "bytes", frame->payload_bytes);
    put_flag(out, "sent", event->flags & PW_FLAG_SENT);
    if (frame->payload_bytes == 0) {
        put_name(out, "state", pw_feed_state_name(frame->state));
        put_name(out, "reason", pw_reason_name(frame->reason));
    }
}

static void put_conn(struct out *out, const struct pw_event *event)
{
    const struct pw_conn *conn = &event->body.conn;
    put_u64(out, "feed", conn->feed_idx);
    put_name(out, "state", pw_feed_state_name(conn->state));
    put_name(out, "reason", pw_reason_name(conn->reason));
    put_u64(out, "slot", conn->slot_idx);
}

static void (*const body_puts[])(struct out *out, const struct pw_event *event) = {
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
    [PW_EVENT_FILL_INFO] = put_fill_info,
    [PW_EVENT_STAMPS] = put_stamps,
    [PW_EVENT_RISK_MARKET] = put_risk_market,
    [PW_EVENT_RISK_CASH] = put_risk_cash,
    [PW_EVENT_RISK_LIMITS] = put_risk_limits,
    [PW_EVENT_CONSUMED] = put_consumed,
    [PW_EVENT_COMMAND] = put_state,
    [PW_EVENT_FRAME] = put_frame,
    [PW_EVENT_CONN] = put_conn,
};

static void put_body(struct out *out, const struct pw_event *event)
{
    if (event->kind < sizeof body_puts / sizeof body_puts[0] && body_puts[event->kind] != NULL) {
        body_puts[event->kind](out, event);
    }
}

int pw_event_print(const struct pw_event *event, const char *symbol, char *text, int text_bytes)
{
    if (text_bytes <= 0) {
        return 0;
    }
    struct out out = {.text = pw_text_start(text, (size_t)text_bytes)};
    pw_text_put(&out.text, "%u %s ", event->seq, pw_event_kind_name(event->kind));
    if (symbol != NULL) {
        pw_text_put_escaped(&out.text, symbol, strlen(symbol));
    } else if (event->instrument_idx == PW_NO_INSTRUMENT) {
        pw_text_put(&out.text, "-");
    } else {
        pw_text_put(&out.text, "#%u", event->instrument_idx);
    }
    put_i64(&out, "recv_ns", event->recv_ns);
    put_i64(&out, "venue_ns", event->venue_ns);
    put_body(&out, event);
    return (int)out.text.len;
}

void pw_event_put_json(struct pw_text *text, const struct pw_event *event, const char *symbol)
{
    struct out out = {.text = *text, .json = true};
    pw_text_put(&out.text, "\"seq\":%u,\"kind\":\"%s\"", event->seq, pw_event_kind_name(event->kind));
    if (symbol != NULL) {
        pw_text_put(&out.text, ",\"symbol\":\"");
        pw_text_put_escaped(&out.text, symbol, strlen(symbol));
        pw_text_put(&out.text, "\"");
    }
    if (event->instrument_idx != PW_NO_INSTRUMENT) {
        put_u64(&out, "instrument_idx", event->instrument_idx);
    }
    put_i64(&out, "recv_ns", event->recv_ns);
    put_i64(&out, "venue_ns", event->venue_ns);
    put_body(&out, event);
    *text = out.text;
}
