/* SPDX-License-Identifier: MIT
 *
 * The fields of events: the table, and a field's value as text.
 */
#include "fields.h"
#include "pw_assert.h"
#include <pinwheel/hops.h>
#include <pinwheel/workspace.h>
#include <stddef.h>
#include <string.h>

/* ---- the table ---- */

#define AT(member) offsetof(struct pw_event, body.member)
#define FLAGS_AT   offsetof(struct pw_event, flags)

/* clang-format off */
static const struct pw_field quote_fields[] = {
    {"bid", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(quote.bid_price_e8), 0, NULL, "best bid; 0: none"},
    {"bid_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(quote.bid_qty_e8), 0, NULL, "its quantity"},
    {"ask", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(quote.ask_price_e8), 0, NULL, "best ask; 0: none"},
    {"ask_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(quote.ask_qty_e8), 0, NULL, "its quantity"},
    {"update_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(quote.update_id), 0, NULL, "the venue's id of the update"},
    {"capped", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CAPPED, NULL, "a quantity, or a side, cannot be held exactly"},
};
static const struct pw_field trade_fields[] = {
    {"side", PW_FIELD_SIDE, PW_FIELD_ALWAYS, FLAGS_AT, 0, NULL, "of the aggressor"},
    {"price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(trade.price_e8), 0, NULL, "price"},
    {"qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(trade.qty_e8), 0, NULL, "quantity"},
    {"trade_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(trade.trade_id), 0, NULL, "the venue's id"},
    {"trade_ns", PW_FIELD_NS, PW_FIELD_ALWAYS, AT(trade.trade_ns), 0, NULL, "time of the match at the venue"},
    {"capped", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CAPPED, NULL, "the quantity cannot be held exactly"},
};
static const struct pw_field agg_trade_fields[] = {
    {"side", PW_FIELD_SIDE, PW_FIELD_ALWAYS, FLAGS_AT, 0, NULL, "of the aggressor"},
    {"price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(agg_trade.price_e8), 0, NULL, "price"},
    {"qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(agg_trade.qty_e8), 0, NULL, "quantity"},
    {"agg_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(agg_trade.agg_id), 0, NULL, "the venue's id"},
    {"first_trade_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(agg_trade.first_trade_id), 0, NULL, "of its first trade"},
    {"trade_cnt", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(agg_trade.trade_cnt), 0, NULL, "trades in it"},
    {"match_offset_us", PW_FIELD_I32, PW_FIELD_ALWAYS, AT(agg_trade.match_offset_us), 0, NULL, "exchange time minus the time of the match, in microseconds"},
    {"capped", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CAPPED, NULL, "the quantity cannot be held exactly"},
};
static const struct pw_field depth_fields[] = {
    {"first_update_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(depth.first_update_id), 0, NULL, "first update in it"},
    {"last_update_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(depth.last_update_id), 0, NULL, "last update in it"},
    {"prev_update_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(depth.prev_update_id), 0, NULL, "last update of the message before; 0: the venue does not say"},
    {"bid_cnt", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(depth.bid_cnt), 0, NULL, "bid levels that follow"},
    {"ask_cnt", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(depth.ask_cnt), 0, NULL, "ask levels that follow"},
    {"level_cnt_max", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(depth.level_cnt_max), 0, NULL, "levels a side that a snapshot could tell; 0: no limit known"},
    {"snapshot", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_SNAPSHOT, NULL, "a full snapshot, not an update"},
    {"last", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_LAST, NULL, "last event of a message"},
    {"stale", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_STALE, NULL, "for the record only: not part of a book in sync"},
    {"capped", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CAPPED, NULL, "a level whose price cannot be held is left out"},
};
static const struct pw_field levels_fields[] = {
    {"side", PW_FIELD_BOOK_SIDE, PW_FIELD_ALWAYS, FLAGS_AT, 0, NULL, "of the levels"},
    {"price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(levels.level[0].price_e8), 0, NULL, "price"},
    {"qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(levels.level[0].qty_e8), 0, NULL, "quantity; 0 removes the level"},
    {"price2", PW_FIELD_PRICE, PW_FIELD_IF_PAIR, AT(levels.level[1].price_e8), 0, NULL, "price of the second level"},
    {"qty2", PW_FIELD_QTY, PW_FIELD_IF_PAIR, AT(levels.level[1].qty_e8), 0, NULL, "its quantity"},
    {"update_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(levels.update_id), 0, NULL, "last_update_id of its depth event"},
    {"snapshot", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_SNAPSHOT, NULL, "a full snapshot, not an update"},
    {"last", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_LAST, NULL, "last event of a message"},
    {"stale", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_STALE, NULL, "for the record only: not part of a book in sync"},
    {"capped", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CAPPED, NULL, "a quantity cannot be held exactly"},
};
static const struct pw_field candle_fields[] = {
    {"open", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(candle.open_e8), 0, NULL, "first price"},
    {"high", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(candle.high_e8), 0, NULL, "highest price"},
    {"low", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(candle.low_e8), 0, NULL, "lowest price"},
    {"close", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(candle.close_e8), 0, NULL, "last price"},
    {"volume", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(candle.volume_e8), 0, NULL, "quantity traded"},
    {"closed", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CLOSED, NULL, "the interval is complete"},
    {"capped", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CAPPED, NULL, "the volume cannot be held exactly"},
};
static const struct pw_field candle_info_fields[] = {
    {"open_ns", PW_FIELD_NS, PW_FIELD_ALWAYS, AT(candle_info.open_ns), 0, NULL, "start of the interval"},
    {"interval_s", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(candle_info.interval_s), 0, NULL, "its length in seconds"},
    {"quote_volume", PW_FIELD_QUOTE_VOLUME, PW_FIELD_ALWAYS, AT(candle_info.quote_volume_e8), 0, NULL, "volume in the quote currency"},
    {"first_trade_id", PW_FIELD_SIGNED_ID, PW_FIELD_ALWAYS, AT(candle_info.first_trade_id), 0, NULL, "first trade; -1: none"},
    {"last_trade_id", PW_FIELD_SIGNED_ID, PW_FIELD_ALWAYS, AT(candle_info.last_trade_id), 0, NULL, "last trade; -1: none"},
    {"trade_cnt", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(candle_info.trade_cnt), 0, NULL, "trades in it"},
    {"capped", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_CAPPED, NULL, "the volume cannot be held exactly"},
};
static const struct pw_field book_state_fields[] = {
    {"state", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(state.state), 0, &pw_enum_book_state, "its new state"},
    {"reason", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(state.reason), 0, &pw_enum_reason, "why"},
    {"feed", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(state.feed_idx), 0, NULL, "index of the feed"},
    {"last_update_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(state.last_update_id), 0, NULL, "last update applied"},
};
static const struct pw_field feed_state_fields[] = {
    {"state", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(state.state), 0, &pw_enum_feed_state, "its new state"},
    {"reason", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(state.reason), 0, &pw_enum_reason, "why"},
    {"feed", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(state.feed_idx), 0, NULL, "index of the feed"},
    {"lag_ns", PW_FIELD_DURATION, PW_FIELD_ALWAYS, AT(state.lag_ns), 0, NULL, "how much later than usual its data comes in from here on; 0: in time"},
    {"delay_ns", PW_FIELD_DURATION, PW_FIELD_ALWAYS, AT(state.delay_ns), 0, NULL, "its usual delay, time of receipt less the venue's time; 0: none or unknown"},
};
static const struct pw_field gap_fields[] = {
    {"reason", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(gap.reason), 0, &pw_enum_reason, "why"},
    {"first", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(gap.first), 0, NULL, "first missing id or sequence number"},
    {"last", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(gap.last), 0, NULL, "last one; 0 and 0: unknown"},
    {"lost_cnt", PW_FIELD_CNT64, PW_FIELD_ALWAYS, AT(gap.lost_cnt), 0, NULL, "how many; 0: unknown"},
    {"feed", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(gap.feed_idx), 0, NULL, "index of the feed"},
};
static const struct pw_field rules_fields[] = {
    {"tradable", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(rules.tradable), 0, NULL, "1: open for trading"},
    {"tick", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(rules.tick_e8), 0, NULL, "price step; 0: none"},
    {"min_price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(rules.min_price_e8), 0, NULL, "lowest price; 0: none"},
    {"max_price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(rules.max_price_e8), 0, NULL, "highest price; 0: none"},
    {"min_notional_market", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(rules.min_notional_market), 0, NULL, "1: min_notional holds for market orders"},
    {"max_notional_market", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(rules.max_notional_market), 0, NULL, "1: max_notional holds for market orders"},
    {"band_mins", PW_FIELD_U16, PW_FIELD_ALWAYS, AT(rules.band_mins), 0, NULL, "minutes of the mean price that the price band is of; 0: the last price; 65535: unknown"},
    {"notional_mins", PW_FIELD_U16, PW_FIELD_ALWAYS, AT(rules.notional_mins), 0, NULL, "minutes of the mean price by which market orders' notional is judged; 0: the last price; 65535: unknown"},
};
static const struct pw_field rules_lot_fields[] = {
    {"step", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(rules_lot.step_e8), 0, NULL, "quantity step; 0: none"},
    {"min_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(rules_lot.min_qty_e8), 0, NULL, "least quantity; 0: none"},
    {"max_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(rules_lot.max_qty_e8), 0, NULL, "largest quantity; 0: none"},
    {"min_notional", PW_FIELD_E8, PW_FIELD_ALWAYS, AT(rules_lot.min_notional_e8), 0, NULL, "least notional; 0: none"},
    {"max_notional", PW_FIELD_E8, PW_FIELD_ALWAYS, AT(rules_lot.max_notional_e8), 0, NULL, "largest notional; 0: none"},
};
static const struct pw_field rules_market_fields[] = {
    {"market_step", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(rules_market.step_e8), 0, NULL, "quantity step of market orders; 0: none"},
    {"market_min_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(rules_market.min_qty_e8), 0, NULL, "their least quantity; 0: none"},
    {"market_max_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(rules_market.max_qty_e8), 0, NULL, "their largest quantity; 0: none"},
    {"bid_up_e6", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(rules_market.band[PW_BUY].up_e6), 0, NULL, "a buy's highest limit, in millionths of the reference price; 0: none"},
    {"bid_down_e6", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(rules_market.band[PW_BUY].down_e6), 0, NULL, "a buy's lowest limit, in millionths of the reference price; 0: none"},
    {"ask_up_e6", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(rules_market.band[PW_SELL].up_e6), 0, NULL, "a sell's highest limit, in millionths of the reference price; 0: none"},
    {"ask_down_e6", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(rules_market.band[PW_SELL].down_e6), 0, NULL, "a sell's lowest limit, in millionths of the reference price; 0: none"},
};
static const struct pw_field reference_price_fields[] = {
    {"price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(reference_price.price_e8), 0, NULL, "the price; 0: none is known"},
    {"source", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(reference_price.source), 0, &pw_enum_price_source, "what it is"},
    {"mins", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(reference_price.mins), 0, NULL, "minutes of a mean"},
    {"fresh_ns", PW_FIELD_DURATION, PW_FIELD_ALWAYS, AT(reference_price.fresh_ns), 0, NULL, "how long it is used, unless another follows"},
};
static const struct pw_field signal_fields[] = {
    {"direction", PW_FIELD_I32, PW_FIELD_ALWAYS, AT(signal.direction), 0, NULL, "1 up, -1 down, 0 none"},
    {"value_a", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(signal.value_a), 0, NULL, "the strategy's first value: of `ma_cross` the mean of `fast` trades, of `breakout` the price"},
    {"value_b", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(signal.value_b), 0, NULL, "its second value: the mean of `slow` trades; the bound that the price broke"},
    {"strategy", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(signal.strategy_idx), 0, NULL, "index of the strategy"},
    {"market_seq", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(signal.market_seq), 0, NULL, "last market event before it"},
};
static const struct pw_field intent_fields[] = {
    {"action", PW_FIELD_ENUM8, PW_FIELD_ALWAYS, AT(intent.action), 0, &pw_enum_intent_action, "the requested action"},
    {"side", PW_FIELD_SIDE, PW_FIELD_ALWAYS, FLAGS_AT, 0, NULL, "of the order"},
    {"type", PW_FIELD_ENUM8, PW_FIELD_ALWAYS, AT(intent.type), 0, &pw_enum_order_type, "order type"},
    {"tif", PW_FIELD_ENUM8, PW_FIELD_ALWAYS, AT(intent.tif), 0, &pw_enum_tif, "time in force"},
    {"price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(intent.price_e8), 0, NULL, "limit; 0: market order"},
    {"qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(intent.qty_e8), 0, NULL, "quantity"},
    {"stop_price", PW_FIELD_PRICE, PW_FIELD_IF_PLACE, AT(intent.stop_price_e8), 0, NULL, "stop price; 0: none"},
    {"client_order_id", PW_FIELD_ID, PW_FIELD_IF_NOT_PLACE, AT(intent.client_order_id), 0, NULL, "order to cancel or replace"},
    {"strategy", PW_FIELD_U16, PW_FIELD_ALWAYS, AT(intent.strategy_idx), 0, NULL, "index of the strategy"},
    {"tag", PW_FIELD_U16, PW_FIELD_ALWAYS, AT(intent.tag), 0, NULL, "set by the strategy"},
    {"market_seq", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(intent.market_seq), 0, NULL, "last market event before it"},
};
static const struct pw_field order_fields[] = {
    {"state", PW_FIELD_ENUM8, PW_FIELD_ALWAYS, AT(order.state), 0, &pw_enum_order_state, "its new state"},
    {"reason", PW_FIELD_ENUM8, PW_FIELD_ALWAYS, AT(order.reason), 0, &pw_enum_reason, "why"},
    {"side", PW_FIELD_SIDE, PW_FIELD_ALWAYS, FLAGS_AT, 0, NULL, "of the order"},
    {"type", PW_FIELD_ENUM8, PW_FIELD_ALWAYS, AT(order.type), 0, &pw_enum_order_type, "order type"},
    {"tif", PW_FIELD_ENUM8, PW_FIELD_ALWAYS, AT(order.tif), 0, &pw_enum_tif, "time in force"},
    {"price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(order.price_e8), 0, NULL, "limit; 0: market order"},
    {"leaves_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(order.leaves_qty_e8), 0, NULL, "remaining quantity"},
    {"client_order_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(order.client_order_id), 0, NULL, "client order id"},
    {"strategy", PW_FIELD_U16, PW_FIELD_ALWAYS, AT(order.strategy_idx), 0, NULL, "index of the strategy"},
    {"tag", PW_FIELD_U16, PW_FIELD_ALWAYS, AT(order.tag), 0, NULL, "set by the strategy"},
    {"market_seq", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(order.market_seq), 0, NULL, "last market event before it"},
};
static const struct pw_field fill_fields[] = {
    {"side", PW_FIELD_SIDE, PW_FIELD_ALWAYS, FLAGS_AT, 0, NULL, "of the order"},
    {"price", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(fill.price_e8), 0, NULL, "price"},
    {"qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(fill.qty_e8), 0, NULL, "quantity"},
    {"fee", PW_FIELD_E16, PW_FIELD_ALWAYS, AT(fill.fee_e16_lo), 0, NULL, "in the quote currency"},
    {"client_order_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(fill.client_order_id), 0, NULL, "client order id"},
    {"maker", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_MAKER, NULL, "our order was the maker"},
    {"taker", PW_FIELD_NO_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_MAKER, NULL, "our order was the taker"},
    {"strategy", PW_FIELD_OF_ORDER, PW_FIELD_ALWAYS, 0, 0, NULL, "index of the order's strategy; not in `tap`"},
};
static const struct pw_field fill_info_fields[] = {
    {"trade_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(fill_info.trade_id), 0, NULL, "the venue's id of the trade"},
    {"fee_asset", PW_FIELD_FEE_ASSET, PW_FIELD_ALWAYS, AT(fill_info.fee_asset), 0, NULL, "asset of the fee"},
    {"fee", PW_FIELD_E16, PW_FIELD_ALWAYS, AT(fill_info.fee_e16_lo), 0, NULL, "in that asset"},
};
static const struct pw_field stamps_fields[] = {
    {"client_order_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(stamps.client_order_id), 0, NULL, "client order id"},
#define BEFORE(NAME, token, name_, label, help_) \
    {.name = #token "_ago_ns", .type = PW_FIELD_HOP, .offset = AT(stamps.token##_ago_ns), .help = "how long before recv_ns " help_},
#define HOP(NAME, token, name_, label, help_) \
    {.name = #token "_ns", .type = PW_FIELD_HOP, .offset = AT(stamps.token##_ns), .help = "how long after recv_ns " help_},
#define NO_FIELD(NAME, token, name_, label, help_)
    PW_HOPS(BEFORE, NO_FIELD, HOP, NO_FIELD)
#undef BEFORE
#undef HOP
#undef NO_FIELD
};
static const struct pw_field risk_market_fields[] = {
    {"bid", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(risk_market.bid_e8), 0, NULL, "best bid"},
    {"ask", PW_FIELD_PRICE, PW_FIELD_ALWAYS, AT(risk_market.ask_e8), 0, NULL, "best ask"},
    {"position_qty", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(risk_market.position_e8), 0, NULL, "position"},
    {"open_buy", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(risk_market.open_buy_e8), 0, NULL, "open buy orders"},
    {"open_sell", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(risk_market.open_sell_e8), 0, NULL, "open sell orders"},
};
static const struct pw_field risk_cash_fields[] = {
    {"cash", PW_FIELD_E16, PW_FIELD_ALWAYS, AT(risk_cash.cash_e16), 0, NULL, "cash"},
    {"hold", PW_FIELD_E16, PW_FIELD_ALWAYS, AT(risk_cash.hold_e16), 0, NULL, "reserved for open orders"},
    {"rate_credit", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(risk_cash.rate_credit), 0, NULL, "order rate left, in billionths of an order"},
};
static const struct pw_field risk_limits_fields[] = {
    {"max_order_notional", PW_FIELD_E8, PW_FIELD_ALWAYS, AT(risk_limits.max_order_notional_e8), 0, NULL, "limit of an order; 0: none"},
    {"max_position", PW_FIELD_QTY, PW_FIELD_ALWAYS, AT(risk_limits.max_position_e8), 0, NULL, "limit of the position; 0: none"},
    {"max_orders_per_s", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(risk_limits.max_orders_per_s), 0, NULL, "limit of the order rate; 0: none"},
    {"short_cost", PW_FIELD_E16, PW_FIELD_ALWAYS, AT(risk_limits.short_cost_e16), 0, NULL, "cost to close short positions"},
    {"fee_rate", PW_FIELD_FEE_RATE, PW_FIELD_ALWAYS, AT(risk_limits.bits), 0, NULL, "taker fee rate"},
    {"feed_up", PW_FIELD_BIT, PW_FIELD_ALWAYS, AT(risk_limits.bits), PW_RISK_BIT_FEED_UP, NULL, "the feed is up"},
    {"halted", PW_FIELD_BIT, PW_FIELD_ALWAYS, AT(risk_limits.bits), PW_RISK_BIT_HALTED, NULL, "trading is halted"},
    {"room", PW_FIELD_BIT, PW_FIELD_ALWAYS, AT(risk_limits.bits), PW_RISK_BIT_ROOM, NULL, "the journal's ring has room"},
    {"allow_short", PW_FIELD_BIT, PW_FIELD_ALWAYS, AT(risk_limits.bits), PW_RISK_BIT_ALLOW_SHORT, NULL, "short positions are allowed"},
};
static const struct pw_field consumed_fields[] = {
    {"report_seq", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(consumed.report_seq), 0, NULL, "reports that strategy had consumed, this one included"},
    {"market_seq", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(consumed.market_seq), 0, NULL, "market events that it had consumed before"},
};
static const struct pw_field command_fields[] = {
    {"command", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(state.state), 0, &pw_enum_command, "the command"},
    {"market_seq", PW_FIELD_U64, PW_FIELD_ALWAYS, AT(state.market_seq), 0, NULL, "last market event before it"},
    {"reason", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(state.reason), 0, &pw_enum_reason, "why"},
    {"feed", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(state.feed_idx), 0, NULL, "index of the feed"},
    {"account", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(state.account_nth), 0, NULL, "of that account alone, from 1; 0: of all"},
    {"last_update_id", PW_FIELD_ID, PW_FIELD_ALWAYS, AT(state.last_update_id), 0, NULL, "not used"},
};
static const struct pw_field frame_fields[] = {
    {"feed", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(frame.feed_idx), 0, NULL, "index of the connection"},
    {"bytes", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(frame.payload_bytes), 0, NULL, "length; 0: a notice"},
    {"sent", PW_FIELD_FLAG, PW_FIELD_ALWAYS, FLAGS_AT, PW_FLAG_SENT, NULL, "by us"},
    {"state", PW_FIELD_ENUM32, PW_FIELD_IF_NOTICE, AT(frame.state), 0, &pw_enum_feed_state, "of the connection"},
    {"reason", PW_FIELD_ENUM32, PW_FIELD_IF_NOTICE, AT(frame.reason), 0, &pw_enum_reason, "why"},
};
static const struct pw_field conn_fields[] = {
    {"feed", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(conn.feed_idx), 0, NULL, "index of the connection"},
    {"state", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(conn.state), 0, &pw_enum_feed_state, "its state"},
    {"reason", PW_FIELD_ENUM32, PW_FIELD_ALWAYS, AT(conn.reason), 0, &pw_enum_reason, "why"},
    {"slot", PW_FIELD_U32, PW_FIELD_ALWAYS, AT(conn.slot_idx), 0, NULL, "its slot in the engine's pool"},
};

#define LIST(kind) {kind##_fields, sizeof kind##_fields / sizeof *kind##_fields}
static const struct pw_field_list lists[] = {
    [PW_EVENT_QUOTE] = LIST(quote),
    [PW_EVENT_TRADE] = LIST(trade),
    [PW_EVENT_AGG_TRADE] = LIST(agg_trade),
    [PW_EVENT_DEPTH] = LIST(depth),
    [PW_EVENT_LEVELS] = LIST(levels),
    [PW_EVENT_CANDLE] = LIST(candle),
    [PW_EVENT_CANDLE_INFO] = LIST(candle_info),
    [PW_EVENT_BOOK_STATE] = LIST(book_state),
    [PW_EVENT_FEED_STATE] = LIST(feed_state),
    [PW_EVENT_GAP] = LIST(gap),
    [PW_EVENT_RULES] = LIST(rules),
    [PW_EVENT_RULES_LOT] = LIST(rules_lot),
    [PW_EVENT_RULES_MARKET] = LIST(rules_market),
    [PW_EVENT_REFERENCE_PRICE] = LIST(reference_price),
    [PW_EVENT_SIGNAL] = LIST(signal),
    [PW_EVENT_INTENT] = LIST(intent),
    [PW_EVENT_ORDER] = LIST(order),
    [PW_EVENT_FILL] = LIST(fill),
    [PW_EVENT_FILL_INFO] = LIST(fill_info),
    [PW_EVENT_STAMPS] = LIST(stamps),
    [PW_EVENT_RISK_MARKET] = LIST(risk_market),
    [PW_EVENT_RISK_CASH] = LIST(risk_cash),
    [PW_EVENT_RISK_LIMITS] = LIST(risk_limits),
    [PW_EVENT_CONSUMED] = LIST(consumed),
    [PW_EVENT_COMMAND] = LIST(command),
    [PW_EVENT_FRAME] = LIST(frame),
    [PW_EVENT_CONN] = LIST(conn),
};
/* clang-format on */

struct pw_field_list pw_event_fields(unsigned kind)
{
    return kind < sizeof lists / sizeof *lists ? lists[kind] : (struct pw_field_list){0};
}

/* ---- values ---- */

#define READ(type, name)                                                                                     \
    static type name(const struct pw_event *event, uint32_t offset)                                          \
    {                                                                                                        \
        type value;                                                                                          \
        memcpy(&value, (const char *)event + offset, sizeof value);                                          \
        return value;                                                                                        \
    }
READ(uint8_t, read_u8)
READ(uint16_t, read_u16)
READ(uint32_t, read_u32)
READ(uint64_t, read_u64)

bool pw_field_present(const struct pw_field *field, const struct pw_event *event)
{
    switch (field->when) {
    case PW_FIELD_IF_PAIR:
        return event->flags & PW_FLAG_PAIR;
    case PW_FIELD_IF_NOTICE:
        return event->body.frame.payload_bytes == 0;
    case PW_FIELD_IF_PLACE:
        return event->body.intent.action == PW_PLACE;
    case PW_FIELD_IF_NOT_PLACE:
        return event->body.intent.action != PW_PLACE;
    default:
        break;
    }
    switch (field->type) {
    case PW_FIELD_FLAG:
        return event->flags & field->mask;
    case PW_FIELD_NO_FLAG:
        return !(event->flags & field->mask);
    case PW_FIELD_BIT:
        return read_u32(event, field->offset) & field->mask;
    case PW_FIELD_HOP:
        return read_u32(event, field->offset) != PW_STAMP_NONE;
    case PW_FIELD_OF_ORDER:
        return false;
    default:
        return true;
    }
}

static void put_integer(struct pw_text *text, const struct pw_field *field, const struct pw_event *event)
{
    switch (field->type) {
    case PW_FIELD_U16:
        pw_text_put(text, "%u", read_u16(event, field->offset));
        break;
    case PW_FIELD_U32:
    case PW_FIELD_HOP:
        pw_text_put(text, "%u", read_u32(event, field->offset));
        break;
    case PW_FIELD_I32:
        pw_text_put(text, "%d", (int32_t)read_u32(event, field->offset));
        break;
    case PW_FIELD_NS:
        pw_text_put_time(text, (int64_t)read_u64(event, field->offset));
        break;
    case PW_FIELD_DURATION:
    case PW_FIELD_SIGNED_ID:
        pw_text_put(text, "%lld", (long long)read_u64(event, field->offset));
        break;
    default:
        pw_text_put(text, "%llu", (unsigned long long)read_u64(event, field->offset));
        break;
    }
}

static void put_amount(struct pw_text *text, const struct pw_field *field, const struct pw_event *event)
{
    uint64_t words[2];
    memcpy(words, (const char *)event + field->offset, sizeof words);
    pw_text_put_e16(text, pw_e16_from_words(words));
}

void pw_text_put_fee_asset(struct pw_text *text, const struct pw_fill_info *info,
                           const struct pw_instrument *instrument)
{
    const char *name = info->fee_asset;
    switch (name[0]) {
    case PW_FEE_ASSET_BASE:
    case PW_FEE_ASSET_QUOTE:
        if (instrument != NULL) {
            name = name[0] == PW_FEE_ASSET_BASE ? instrument->base : instrument->quote;
            pw_text_put_escaped(text, name, strnlen(name, PW_ASSET_BYTES));
        } else {
            pw_text_put(text, name[0] == PW_FEE_ASSET_BASE ? "(base asset)" : "(quote currency)");
        }
        break;
    case PW_FEE_ASSET_OTHER:
        pw_text_put_escaped(text, name + 1, strnlen(name + 1, sizeof info->fee_asset - 1));
        pw_text_put(text, " (longer)");
        break;
    default:
        pw_text_put_escaped(text, name, strnlen(name, sizeof info->fee_asset));
        break;
    }
}

static void put_in_units(struct pw_text *text, const struct pw_field *field, int64_t value,
                         const struct pw_instrument *instrument)
{
    if (field->type == PW_FIELD_PRICE) {
        pw_text_put_price(text, instrument, value);
    } else if (field->type == PW_FIELD_QTY) {
        pw_text_put_qty(text, instrument, value);
    } else {
        pw_text_put_quote_volume(text, instrument, value);
    }
}

void pw_field_put(struct pw_text *text, const struct pw_field *field, const struct pw_event *event,
                  const struct pw_instrument *instrument)
{
    pw_assert(field->offset < sizeof *event);
    switch (field->type) {
    case PW_FIELD_PRICE:
    case PW_FIELD_QTY:
    case PW_FIELD_QUOTE_VOLUME:
        put_in_units(text, field, (int64_t)read_u64(event, field->offset), instrument);
        break;
    case PW_FIELD_E8:
        pw_text_put_e8(text, (int64_t)read_u64(event, field->offset));
        break;
    case PW_FIELD_E16:
        put_amount(text, field, event);
        break;
    case PW_FIELD_FEE_RATE:
        pw_text_put_e8(text, (int32_t)read_u32(event, field->offset) >> PW_RISK_FEE_SHIFT);
        break;
    case PW_FIELD_ENUM8:
        pw_text_put(text, "%s", pw_enum_name(field->names, read_u8(event, field->offset)));
        break;
    case PW_FIELD_ENUM32:
        pw_text_put(text, "%s", pw_enum_name(field->names, read_u32(event, field->offset)));
        break;
    case PW_FIELD_FEE_ASSET:
        pw_text_put_fee_asset(text, &event->body.fill_info, instrument);
        break;
    case PW_FIELD_SIDE:
        pw_text_put(text, "%s", event->flags & PW_FLAG_SELL ? "sell" : "buy");
        break;
    case PW_FIELD_BOOK_SIDE:
        pw_text_put(text, "%s", event->flags & PW_FLAG_SELL ? "ask" : "bid");
        break;
    case PW_FIELD_FLAG:
    case PW_FIELD_NO_FLAG:
    case PW_FIELD_BIT:
        pw_text_put(text, "true");
        break;
    default:
        put_integer(text, field, event);
        break;
    }
}

void pw_field_put_name(struct pw_text *text, const struct pw_field *field)
{
    size_t stem = strlen(field->name) - strlen("_ns");
    if (field->type == PW_FIELD_NS && text->iso_times) {
        pw_text_put(text, "%.*s_time", (int)stem, field->name);
    } else {
        pw_text_put(text, "%s", field->name);
    }
}

bool pw_field_is_flag(const struct pw_field *field)
{
    return field->type >= PW_FIELD_FLAG;
}

bool pw_field_is_string(const struct pw_field *field, const struct pw_event *event)
{
    switch (field->type) {
    case PW_FIELD_CNT64:
        return read_u64(event, field->offset) > UINT64_C(1) << 53;
    case PW_FIELD_OF_ORDER:
    case PW_FIELD_U32:
    case PW_FIELD_U16:
    case PW_FIELD_I32:
        return false;
    default:
        return !pw_field_is_flag(field);
    }
}

const char *pw_field_type_name(const struct pw_field *field)
{
    static const char *const names[] = {
        [PW_FIELD_PRICE] = "price",
        [PW_FIELD_QTY] = "quantity",
        [PW_FIELD_QUOTE_VOLUME] = "decimal, 8 places",
        [PW_FIELD_E8] = "decimal, 8 places",
        [PW_FIELD_E16] = "decimal, 16 places",
        [PW_FIELD_FEE_RATE] = "decimal, 8 places",
        [PW_FIELD_ID] = "id",
        [PW_FIELD_SIGNED_ID] = "id",
        [PW_FIELD_NS] = "nanoseconds",
        [PW_FIELD_DURATION] = "nanoseconds",
        [PW_FIELD_HOP] = "nanoseconds",
        [PW_FIELD_U64] = "64-bit integer",
        [PW_FIELD_CNT64] = "integer",
        [PW_FIELD_OF_ORDER] = "integer",
        [PW_FIELD_U32] = "integer",
        [PW_FIELD_U16] = "integer",
        [PW_FIELD_I32] = "integer",
        [PW_FIELD_FEE_ASSET] = "text",
        [PW_FIELD_SIDE] = "`buy` or `sell`",
        [PW_FIELD_BOOK_SIDE] = "`bid` or `ask`",
        [PW_FIELD_FLAG] = "flag",
        [PW_FIELD_NO_FLAG] = "flag",
        [PW_FIELD_BIT] = "flag",
    };
    return field->names ? field->names->name : names[field->type];
}
