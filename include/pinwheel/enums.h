/* SPDX-License-Identifier: MIT
 *
 * The enums whose numbers are stored in events and shared memory, each declared once with its names.
 *
 * A row is R(constant, number, "name", "help"): the C constant, its number (part of the journal's format and
 * of the workspace: append, never renumber), the lower-case name that people and scripts read, and one line
 * on what it means. The enum, pw_<enum>_name, JSON, csv and docs/events.md come from the rows. Reasons have a
 * header of their own, reasons.h.
 */
#ifndef PINWHEEL_ENUMS_H
#define PINWHEEL_ENUMS_H

#include <stdint.h>

#define PW_ENUM_CONSTANT(constant, number, name, help) constant = number,
#define PW_ENUM_ONE(constant, number, name, help)      +1u

/* clang-format off */

/* What an event is. 1 to 14: market data, parse -> strategy and journal. 16 to 27: decisions and their outcome, strategy
 * -> execution -> journal. From 32 on: between net, parse and housekeeping. The body of each kind is in event.h. */
#define PW_EVENT_KIND_ROWS(R) \
    R(PW_EVENT_NONE, 0, "none", "no event") \
    R(PW_EVENT_QUOTE, 1, "quote", "best bid and offer") \
    R(PW_EVENT_TRADE, 2, "trade", "one trade of the market") \
    R(PW_EVENT_AGG_TRADE, 3, "agg_trade", "the fills of one taker order at one price") \
    R(PW_EVENT_DEPTH, 4, "depth", "begins a book update or snapshot; its levels follow at once") \
    R(PW_EVENT_LEVELS, 5, "levels", "one or two levels of the update begun by the depth event before it") \
    R(PW_EVENT_CANDLE, 6, "candle", "prices and volume of an interval") \
    R(PW_EVENT_CANDLE_INFO, 7, "candle_info", "further fields of the candle before it") \
    R(PW_EVENT_BOOK_STATE, 8, "book_state", "the order book of one instrument gained or lost synchronization") \
    R(PW_EVENT_FEED_STATE, 9, "feed_state", "a feed's connection changed its state") \
    R(PW_EVENT_GAP, 10, "gap", "market data is missing here") \
    R(PW_EVENT_RULES, 11, "rules", "an instrument's status and price filter from here on; rules_lot and rules_market follow") \
    R(PW_EVENT_RULES_LOT, 12, "rules_lot", "its filters of quantity and notional") \
    R(PW_EVENT_RULES_MARKET, 13, "rules_market", "its filters of market orders' quantity, and its price band") \
    R(PW_EVENT_REFERENCE_PRICE, 14, "reference_price", "the price by which the venue's filters judge an instrument's orders from here on") \
    R(PW_EVENT_TIME, 16, "time", "time passed without market data; recv_ns is the time") \
    R(PW_EVENT_SIGNAL, 17, "signal", "a strategy's signal, with its values") \
    R(PW_EVENT_INTENT, 18, "intent", "a strategy's order request") \
    R(PW_EVENT_ORDER, 19, "order", "an order's new state") \
    R(PW_EVENT_FILL, 20, "fill", "a fill; follows the order event that it caused") \
    R(PW_EVENT_CONSUMED, 21, "consumed", "strategy consumed a report, after the market event named") \
    R(PW_EVENT_COMMAND, 22, "command", "a command taken by execution") \
    R(PW_EVENT_FILL_INFO, 23, "fill_info", "trade id and fee asset of the fill before it") \
    R(PW_EVENT_STAMPS, 24, "stamps", "when an order passed each hop; recv_ns is the origin") \
    R(PW_EVENT_RISK_MARKET, 25, "risk_market", "market and position at the risk checks; follows the intent") \
    R(PW_EVENT_RISK_CASH, 26, "risk_cash", "cash and order rate at the risk checks") \
    R(PW_EVENT_RISK_LIMITS, 27, "risk_limits", "limits and switches that risk applied") \
    R(PW_EVENT_FRAME, 32, "frame", "a message in the ring's payload area, or a notice of the connection") \
    R(PW_EVENT_SNAPSHOT_REQUEST, 33, "snapshot_request", "the instrument needs a REST depth snapshot") \
    R(PW_EVENT_CONN, 34, "conn", "handover of a connection between stages")

#define PW_SIDE_ROWS(R) \
    R(PW_BUY, 0, "buy", "buy, bid") \
    R(PW_SELL, 1, "sell", "sell, ask")

#define PW_BOOK_STATE_ROWS(R) \
    R(PW_BOOK_UNSYNCED, 0, "unsynced", "the order book is not in sync; the reason says why") \
    R(PW_BOOK_SYNCED, 1, "synced", "the order book is in sync")

#define PW_FEED_STATE_ROWS(R) \
    R(PW_FEED_DOWN, 0, "down", "not connected") \
    R(PW_FEED_CONNECTING, 1, "connecting", "connecting") \
    R(PW_FEED_UP, 2, "up", "connected") \
    R(PW_FEED_STALE, 3, "stale", "connected, but no data for longer than the config allows")

/* What the venue's filters take for an instrument's price: the first of these that it has. */
#define PW_PRICE_SOURCE_ROWS(R) \
    R(PW_PRICE_NONE, 0, "none", "not known: the touch stands in for it") \
    R(PW_PRICE_REFERENCE, 1, "reference", "the venue's reference price") \
    R(PW_PRICE_MEAN, 2, "mean", "the mean price of some minutes") \
    R(PW_PRICE_LAST, 3, "last", "the last price")

#define PW_ORDER_TYPE_ROWS(R) \
    R(PW_MARKET, 0, "market", "market order") \
    R(PW_LIMIT, 1, "limit", "limit order") \
    R(PW_LIMIT_MAKER, 2, "limit_maker", "post-only: rejected if it would take") \
    R(PW_STOP_LOSS, 3, "stop_loss", "a market order once the last price falls (sell) or rises (buy) to the stop") \
    R(PW_STOP_LOSS_LIMIT, 4, "stop_loss_limit", "a limit order once the last price falls (sell) or rises (buy) to the stop") \
    R(PW_TAKE_PROFIT, 5, "take_profit", "a market order once the last price rises (sell) or falls (buy) to the stop") \
    R(PW_TAKE_PROFIT_LIMIT, 6, "take_profit_limit", "a limit order once the last price rises (sell) or falls (buy) to the stop")

#define PW_TIF_ROWS(R) \
    R(PW_GTC, 0, "gtc", "good till canceled") \
    R(PW_IOC, 1, "ioc", "immediate or cancel") \
    R(PW_FOK, 2, "fok", "fill or kill")

#define PW_INTENT_ACTION_ROWS(R) \
    R(PW_PLACE, 0, "place", "place a new order") \
    R(PW_CANCEL, 1, "cancel", "cancel an open order") \
    R(PW_REPLACE, 2, "replace", "cancel an open order; place another if and only if that succeeds")

#define PW_ORDER_STATE_ROWS(R) \
    R(PW_ORDER_NONE, 0, "none", "no order") \
    R(PW_ORDER_IN_FLIGHT, 1, "in_flight", "sent, not yet acknowledged") \
    R(PW_ORDER_OPEN, 2, "open", "acknowledged by the venue") \
    R(PW_ORDER_PARTIALLY_FILLED, 3, "partially_filled", "open, a part is filled") \
    R(PW_ORDER_FILLED, 4, "filled", "filled completely") \
    R(PW_ORDER_CANCELED, 5, "canceled", "canceled on request") \
    R(PW_ORDER_REJECTED, 6, "rejected", "rejected by the venue") \
    R(PW_ORDER_DENIED, 7, "denied", "denied by our own checks: nothing was sent") \
    R(PW_ORDER_PENDING_CANCEL, 8, "pending_cancel", "a cancel is in flight") \
    R(PW_ORDER_PENDING_REPLACE, 9, "pending_replace", "a cancel-replace is in flight") \
    R(PW_ORDER_REPLACED, 10, "replaced", "canceled by a cancel-replace; the new order is one of its own") \
    R(PW_ORDER_EXPIRED, 11, "expired", "ended by the venue's rules: immediate or cancel, self-trade prevention") \
    R(PW_ORDER_UNKNOWN, 12, "unknown", "outcome unknown: time-out, disconnect, or reported fills still missing")

/* What can happen to an order; what each means in each state is one table in src/core/orders_reports.c. */
#define PW_EXEC_TYPE_ROWS(R) \
    R(PW_EXEC_SENT, 0, "sent", "sent to the venue; at most once for an id") \
    R(PW_EXEC_ACK, 1, "ack", "acknowledged by the venue") \
    R(PW_EXEC_REJECT, 2, "reject", "rejected by the venue") \
    R(PW_EXEC_FILL, 3, "fill", "a part of it, or all, was filled") \
    R(PW_EXEC_CANCEL_SENT, 4, "cancel_sent", "a cancel was sent") \
    R(PW_EXEC_CANCELED, 5, "canceled", "canceled") \
    R(PW_EXEC_CANCEL_REJECTED, 6, "cancel_rejected", "the order stays, or the cancel was not carried out") \
    R(PW_EXEC_CANCEL_UNKNOWN, 7, "cancel_unknown", "the venue has no such open order; its last report is pending or lost") \
    R(PW_EXEC_REPLACE_SENT, 8, "replace_sent", "a cancel-replace was sent") \
    R(PW_EXEC_REPLACED, 9, "replaced", "canceled by the cancel-replace; the new order has reports of its own") \
    R(PW_EXEC_REPLACE_REJECTED, 10, "replace_rejected", "the order stays") \
    R(PW_EXEC_EXPIRED, 11, "expired", "ended by the venue's rules") \
    R(PW_EXEC_TIME_OUT, 12, "time_out", "no response to what was sent last") \
    R(PW_EXEC_DISCONNECT, 13, "disconnect", "reports may have been lost") \
    R(PW_EXEC_FOUND_OPEN, 14, "found_open", "a query found it open") \
    R(PW_EXEC_FOUND_FILLED, 15, "found_filled", "a query found it filled completely, without the fills") \
    R(PW_EXEC_NOT_FOUND, 16, "not_found", "a query did not find it; recv_ns is the time of the query")

/* PAUSE goes to the live gateway alone and is not journalled: venue_ns is until when the venue takes no requests. */
#define PW_COMMAND_ROWS(R) \
    R(PW_COMMAND_HALT, 1, "halt", "no new orders") \
    R(PW_COMMAND_RESUME, 2, "resume", "allow new orders again") \
    R(PW_COMMAND_STOP, 3, "stop", "stop the engine") \
    R(PW_COMMAND_PAUSE, 4, "pause", "rate-limit ban: no requests for a time")

/* What order entry waits for; its own steps come first, in their order. */
#define PW_ENTRY_STEP_ROWS(R) \
    R(PW_STEP_CONNECTION, 0, "connection", "a connection") \
    R(PW_STEP_LOGIN, 1, "login", "the login") \
    R(PW_STEP_SUBSCRIBE, 2, "subscribe", "the subscription to the account's events") \
    R(PW_STEP_OPEN_ORDERS, 3, "open_orders", "the list of open orders, and that orphan orders are gone") \
    R(PW_STEP_BALANCES, 4, "balances", "the account's balances, and that live.cash is among them") \
    R(PW_STEP_READY, 5, "ready", "nothing: it is ready") \
    R(PW_STEP_VENUE_TIME, 6, "venue_time", "the venue's time, to be known well enough") \
    R(PW_STEP_BAN, 7, "ban", "the end of a rate-limit ban")

#define PW_ENGINE_STATE_ROWS(R) \
    R(PW_ENGINE_STARTING, 1, "starting", "starting") \
    R(PW_ENGINE_RUNNING, 2, "running", "running") \
    R(PW_ENGINE_HALTED, 3, "halted", "runs, but sends no new orders") \
    R(PW_ENGINE_STOPPING, 4, "stopping", "stopping") \
    R(PW_ENGINE_STOPPED, 5, "stopped", "ended cleanly; the file may stay for readers")

/* clang-format on */

enum pw_event_kind { PW_EVENT_KIND_ROWS(PW_ENUM_CONSTANT) };
/* One kind in a set of kinds: PW_KIND_BIT(QUOTE) | PW_KIND_BIT(TRADE). */
#define PW_KIND_BIT(kind) (UINT64_C(1) << PW_EVENT_##kind)
enum pw_side { PW_SIDE_ROWS(PW_ENUM_CONSTANT) };
enum pw_book_state { PW_BOOK_STATE_ROWS(PW_ENUM_CONSTANT) };
enum pw_feed_state { PW_FEED_STATE_ROWS(PW_ENUM_CONSTANT) };
enum pw_price_source { PW_PRICE_SOURCE_ROWS(PW_ENUM_CONSTANT) };
enum pw_order_type { PW_ORDER_TYPE_ROWS(PW_ENUM_CONSTANT) };
enum pw_tif { PW_TIF_ROWS(PW_ENUM_CONSTANT) };
enum pw_intent_action { PW_INTENT_ACTION_ROWS(PW_ENUM_CONSTANT) };
enum pw_order_state { PW_ORDER_STATE_ROWS(PW_ENUM_CONSTANT) };
enum pw_exec_type { PW_EXEC_TYPE_ROWS(PW_ENUM_CONSTANT) };
enum pw_command { PW_COMMAND_ROWS(PW_ENUM_CONSTANT) };
enum pw_entry_step { PW_ENTRY_STEP_ROWS(PW_ENUM_CONSTANT) };
enum pw_engine_state { PW_ENGINE_STATE_ROWS(PW_ENUM_CONSTANT) };

/* How many there are of those that number from 0 without a gap. */
#define PW_ORDER_TYPES  (0u PW_ORDER_TYPE_ROWS(PW_ENUM_ONE))
#define PW_ORDER_STATES (0u PW_ORDER_STATE_ROWS(PW_ENUM_ONE))
#define PW_EXEC_TYPES   (0u PW_EXEC_TYPE_ROWS(PW_ENUM_ONE))

/* The enums by name: E(enum, rows). pw_<enum>_name is made for each. */
#define PW_ENUMS(E)                                                                                          \
    E(event_kind, PW_EVENT_KIND_ROWS)                                                                        \
    E(side, PW_SIDE_ROWS)                                                                                    \
    E(book_state, PW_BOOK_STATE_ROWS)                                                                        \
    E(feed_state, PW_FEED_STATE_ROWS)                                                                        \
    E(price_source, PW_PRICE_SOURCE_ROWS)                                                                    \
    E(order_type, PW_ORDER_TYPE_ROWS)                                                                        \
    E(tif, PW_TIF_ROWS)                                                                                      \
    E(intent_action, PW_INTENT_ACTION_ROWS)                                                                  \
    E(order_state, PW_ORDER_STATE_ROWS)                                                                      \
    E(exec_type, PW_EXEC_TYPE_ROWS)                                                                          \
    E(command, PW_COMMAND_ROWS)                                                                              \
    E(entry_step, PW_ENTRY_STEP_ROWS)                                                                        \
    E(engine_state, PW_ENGINE_STATE_ROWS)

/* Lower-case names for people and scripts ("quote", "open"); "?" for a number unknown here, never NULL. */
#define PW_ENUM_NAME_DECLARED(enum_, rows) const char *pw_##enum_##_name(uint64_t number);
PW_ENUMS(PW_ENUM_NAME_DECLARED)

#endif
