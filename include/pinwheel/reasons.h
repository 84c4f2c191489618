/* SPDX-License-Identifier: MIT
 *
 * Why something is missing, a state was left, or an order was refused: each reason declared once.
 *
 * To add one, add a row. From it come the enum, its name, the counter execution.denied_<name> (DENIED rows),
 * the texts of `why`, JSON and docs/reasons.md. The numbers are part of the journal's format: append, never
 * renumber.
 *
 *   STATE(NAME, number, name, "help")    a gap, or why a feed or a book left its state
 *   DENIED(NAME, number, name, "help")   denied by us before anything was sent; help: at most 47 characters
 *   VENUE(NAME, number, name, "help")    said by the venue
 */
#ifndef PINWHEEL_REASONS_H
#define PINWHEEL_REASONS_H

#include <stdint.h>

/* clang-format off */
#define PW_REASONS(STATE, DENIED, VENUE) \
    STATE(NONE, 0, none, "no reason given") \
    STATE(START, 1, start, "at start: no data yet") \
    STATE(DISCONNECT, 2, disconnect, "the connection ended; it is unknown how much is missing") \
    STATE(SEQUENCE, 3, sequence, "the venue's ids jumped") \
    STATE(JOURNAL_FULL, 4, journal_full, "the journal's ring was full: market events were dropped") \
    STATE(FRAME_INVALID, 5, frame_invalid, "a message could not be decoded and was dropped") \
    STATE(BUFFER_FULL, 6, buffer_full, "too many updates while waiting for a snapshot") \
    STATE(CROSSED, 7, crossed, "bid and ask of the order book crossed") \
    STATE(OVERFLOW, 8, overflow, "more levels than the order book holds") \
    STATE(BOOK_RANGE, 9, book_range, "the best price nears the end of what the snapshot told") \
    STATE(TOO_LARGE, 10, too_large, "the connection ended: a message was larger than message_bytes_max") \
    DENIED(HALTED, 32, halted, "trading is halted") \
    DENIED(PRICE_FILTER, 33, price_filter, "price off the tick or out of bounds") \
    DENIED(LOT_SIZE, 34, lot_size, "quantity off the step or out of bounds") \
    DENIED(MIN_NOTIONAL, 35, min_notional, "notional below the venue's minimum") \
    DENIED(MAX_NOTIONAL, 36, max_notional, "notional above the limit") \
    DENIED(MAX_POSITION, 37, max_position, "the position could exceed its limit") \
    DENIED(CASH, 38, cash, "not enough cash") \
    DENIED(ORDER_RATE, 39, order_rate, "too many orders per second") \
    DENIED(NO_QUOTE, 40, no_quote, "no quote to value the order by") \
    DENIED(NOT_TRADING, 41, not_trading, "the venue does not trade the instrument now") \
    DENIED(UNKNOWN_INSTRUMENT, 42, unknown_instrument, "no such instrument") \
    DENIED(BAD_INTENT, 43, bad_intent, "zero quantity, unknown type or duplicate id") \
    DENIED(NO_ROOM, 44, no_room, "the journal is stopped or its ring nearly full") \
    DENIED(NO_POSITION, 45, no_position, "would go short, which the config forbids") \
    DENIED(STALE, 46, stale, "feed down or stale, or the event too old") \
    DENIED(NOT_CONNECTED, 47, not_connected, "order entry is down or not ready") \
    DENIED(REQUEST_LIMIT, 48, request_limit, "the venue's request limits, or a ban") \
    DENIED(VENUE_TIME, 49, venue_time, "the venue's clock is not known well enough") \
    DENIED(NOT_OPEN, 50, not_open, "the order to be replaced is not open") \
    DENIED(REPORT, 51, report, "halted: a report contradicts its order") \
    DENIED(ORPHAN_ORDERS, 52, orphan_orders, "order entry not ready: orphan orders stay open") \
    DENIED(REJECTIONS, 53, rejections, "the venue rejected too many orders in a row") \
    DENIED(PRICE_BAND, 54, price_band, "price outside the venue's band") \
    VENUE(VENUE_REJECTED, 64, venue_rejected, "rejected by the venue for another reason") \
    VENUE(VENUE_FUNDS, 65, venue_funds, "insufficient funds at the venue") \
    VENUE(VENUE_DUPLICATE, 66, venue_duplicate, "the client order id is in use") \
    VENUE(VENUE_WOULD_TAKE, 67, venue_would_take, "post-only order would have taken liquidity") \
    VENUE(VENUE_WOULD_TRIGGER, 68, venue_would_trigger, "the stop price is already passed") \
    VENUE(VENUE_FILTER, 69, venue_filter, "price, quantity or notional breaks the venue's rules; ours may be old") \
    VENUE(VENUE_RATE, 70, venue_rate, "the venue's rate limit") \
    VENUE(VENUE_TIMESTAMP, 71, venue_timestamp, "the venue rejected our timestamp") \
    VENUE(VENUE_KEY, 72, venue_key, "the venue rejected key, signature or permission") \
    VENUE(VENUE_OVERLOADED, 73, venue_overloaded, "the venue is overloaded") \
    VENUE(VENUE_UNKNOWN, 74, venue_unknown, "the venue does not know the outcome") \
    VENUE(VENUE_NOT_FOUND, 75, venue_not_found, "the venue knows no such order") \
    VENUE(VENUE_NOT_TRADING, 76, venue_not_trading, "the venue does not trade the instrument now") \
    VENUE(VENUE_MALFORMED, 77, venue_malformed, "the venue found the request malformed") \
    VENUE(VENUE_UNREADABLE, 78, venue_unreadable, "the venue's answer cannot be read") \
    VENUE(VENUE_SILENT, 79, venue_silent, "the venue does not answer") \
    VENUE(VENUE_PREVENTED, 80, venue_prevented, "self-trade prevention took of the order's quantity") \
    VENUE(VENUE_PRICE_RANGE, 81, venue_price_range, "expired: the market is beyond the venue's price range (its execution rules)")
/* clang-format on */

#define PW_REASON_CONSTANT_(NAME, number, name, help) PW_REASON_##NAME = number,
enum pw_reason { PW_REASONS(PW_REASON_CONSTANT_, PW_REASON_CONSTANT_, PW_REASON_CONSTANT_) };
#undef PW_REASON_CONSTANT_

enum pw_reason_kind { PW_REASON_KIND_STATE, PW_REASON_KIND_DENIED, PW_REASON_KIND_VENUE };

/* Never NULL; "?" and PW_REASON_KIND_STATE for a number unknown here. */
const char *pw_reason_name(uint64_t reason);
/* Why trading is halted, in one word: a fault's reason, or "command" where a person halted it, which denies
 * as `halted`. */
const char *pw_halt_name(uint64_t reason);
const char *pw_reason_help(uint64_t reason);
enum pw_reason_kind pw_reason_kind(uint64_t reason);

#endif
