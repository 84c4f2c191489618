/* SPDX-License-Identifier: MIT
 *
 * Every metric of the engine, declared once. The enum, the rows in shared memory, the monitor's page, the
 * tools' JSON and the reference page all come from this table.
 *
 * To add one: add a row, next to those of its group. Nothing else has to be touched. The stage finds its word
 * at start with pw_env_metric(env, "group", "name") and changes it with pw_count, or with a relaxed store for
 * a gauge; tools find the row by itself. To remove or rename one, search for its name: readers of other
 * versions just see other rows.
 *
 *   PW_COUNTER(group, name, unit, "help")   only grows
 *   PW_GAUGE(group, name, unit, "help")     a signed level
 *
 * group: the stage that writes it, and nobody else does (at most 15 characters); name: at most 39; unit: "1",
 * "ns" or "bytes" (at most 7); help: at most 55 characters. What is too long does not compile.
 */
#ifndef PW_METRICS_TABLE_H
#define PW_METRICS_TABLE_H

#include <pinwheel/metrics.h>
#include <pinwheel/workspace.h>

/* clang-format off */
#define PW_METRICS_TABLE(PW_COUNTER, PW_GAUGE) \
    PW_COUNTER(net_rx, frames, "1", "WebSocket messages handed to parse and execution") \
    PW_COUNTER(net_rx, bytes, "bytes", "payload bytes of these messages") \
    PW_COUNTER(net_rx, frames_control, "1", "ping, pong and close frames received") \
    PW_COUNTER(net_rx, pings, "1", "pings answered") \
    PW_COUNTER(net_rx, stalls, "1", "times that a socket was left unread for want of room") \
    PW_COUNTER(net_rx, invalid_frames, "1", "frames against RFC 6455; each ends its connection") \
    PW_COUNTER(net_rx, ignored, "1", "binary and empty messages") \
    PW_COUNTER(net_rx, lost_closed, "1", "lost: the server closed the WebSocket") \
    PW_COUNTER(net_rx, lost_ended, "1", "lost: the server ended without a WebSocket close") \
    PW_COUNTER(net_rx, lost_truncated, "1", "lost: cut, the TLS session has no end") \
    PW_COUNTER(net_rx, lost_reset, "1", "lost: the connection broke") \
    PW_COUNTER(net_rx, lost_tls, "1", "lost: a TLS record could not be read") \
    PW_COUNTER(net_rx, lost_protocol, "1", "lost: the server broke the WebSocket protocol") \
    PW_COUNTER(net_rx, lost_text, "1", "lost: text that is not UTF-8") \
    PW_COUNTER(net_rx, lost_too_big, "1", "lost: a message larger than message_bytes_max") \
    PW_COUNTER(net_rx, lost_slow, "1", "lost: a frame did not arrive whole within 10 s") \
    PW_COUNTER(net_rx, lost_silent, "1", "lost: nothing came for dead_after_ms") \
    PW_COUNTER(net_rx, lost_asked, "1", "closed by us: reconnect or stop") \
    PW_COUNTER(net_tx, frames, "1", "frames sent") \
    PW_COUNTER(net_tx, bytes, "bytes", "bytes sent, TLS not counted") \
    PW_COUNTER(net_tx, dropped, "1", "requests whose connection was gone") \
    PW_COUNTER(net_tx, dropped_halted, "1", "new orders that a halt kept from being sent") \
    PW_COUNTER(parse, frames, "1", "messages judged") \
    PW_COUNTER(parse, events, "1", "market events put") \
    PW_COUNTER(parse, ignored, "1", "valid messages of a kind or symbol not asked for") \
    PW_COUNTER(parse, control, "1", "replies to our requests") \
    PW_COUNTER(parse, shutdowns, "1", "the venue announced that it will close") \
    PW_COUNTER(parse, invalid_json, "1", "dropped: not JSON, truncated or too deep") \
    PW_COUNTER(parse, invalid_field, "1", "dropped: a field is missing or of the wrong type") \
    PW_COUNTER(parse, invalid_number, "1", "dropped: not a plain decimal, too precise, too large") \
    PW_COUNTER(parse, invalid_sequence, "1", "dropped: ids that contradict themselves") \
    PW_COUNTER(parse, too_large, "1", "dropped: more events than one message may cause") \
    PW_COUNTER(parse, error_replies, "1", "requests of ours that the venue refused") \
    PW_COUNTER(parse, gaps, "1", "times that something is known to be missing") \
    PW_COUNTER(parse, resyncs, "1", "books that lost their synchronisation") \
    PW_COUNTER(parse, snapshots, "1", "depth snapshots joined to a book") \
    PW_COUNTER(parse, snapshots_refused, "1", "depth snapshots that came too early or unasked") \
    PW_COUNTER(parse, frames_dropped, "1", "raw frames that the journal's ring had no room for") \
    PW_COUNTER(parse, journal_dropped, "1", "market events that the journal's ring had no room for") \
    PW_COUNTER(parse, stalls, "1", "times that input waited for room in a ring") \
    PW_COUNTER(strategy, events, "1", "market events taken") \
    PW_COUNTER(strategy, signals, "1", "signals given") \
    PW_COUNTER(strategy, intents, "1", "intents given") \
    PW_COUNTER(strategy, intents_dropped, "1", "orders beyond what may be unanswered: never sent") \
    PW_COUNTER(strategy, reports, "1", "order and fill reports taken") \
    PW_COUNTER(strategy, book_overflow, "1", "levels beyond what a book holds") \
    PW_COUNTER(strategy, books_crossed, "1", "depth messages after which a book was crossed") \
    PW_COUNTER(strategy, stalls, "1", "times that input waited for room in a ring") \
    PW_COUNTER(execution, events, "1", "events taken") \
    PW_COUNTER(execution, intents, "1", "intents taken") \
    PW_COUNTER(execution, orders, "1", "orders given to the gateway") \
    PW_COUNTER(execution, fills, "1", "fills") \
    PW_COUNTER(execution, canceled, "1", "orders canceled") \
    PW_COUNTER(execution, rejected, "1", "orders rejected by the venue") \
    PW_COUNTER(execution, denied, "1", "intents denied by our own checks, all reasons") \
    PW_COUNTER(execution, denied_halted, "1", "denied: trading is halted") \
    PW_COUNTER(execution, denied_price_filter, "1", "denied: price off the tick or out of bounds") \
    PW_COUNTER(execution, denied_lot_size, "1", "denied: quantity off the step or out of bounds") \
    PW_COUNTER(execution, denied_min_notional, "1", "denied: worth less than the venue takes") \
    PW_COUNTER(execution, denied_max_notional, "1", "denied: worth more than the limit") \
    PW_COUNTER(execution, denied_max_position, "1", "denied: the position could exceed its limit") \
    PW_COUNTER(execution, denied_cash, "1", "denied: not enough cash") \
    PW_COUNTER(execution, denied_order_rate, "1", "denied: too many orders a second") \
    PW_COUNTER(execution, denied_no_quote, "1", "denied: no quote to value it by") \
    PW_COUNTER(execution, denied_not_trading, "1", "denied: the venue does not trade it now") \
    PW_COUNTER(execution, denied_unknown_instrument, "1", "denied: no such instrument") \
    PW_COUNTER(execution, denied_bad_intent, "1", "denied: malformed intent") \
    PW_COUNTER(execution, denied_no_room, "1", "denied: the journal's ring is short of room") \
    PW_COUNTER(execution, denied_no_position, "1", "denied: would go short, which the config forbids") \
    PW_COUNTER(execution, denied_stale, "1", "denied: the feed is down or stale, or the event too old") \
    PW_COUNTER(execution, denied_not_connected, "1", "denied: order entry is down or not ready") \
    PW_COUNTER(execution, denied_request_limit, "1", "denied: the venue's limits, or a ban") \
    PW_COUNTER(execution, denied_venue_time, "1", "denied: the venue's clock is not known well enough") \
    PW_COUNTER(execution, denied_not_open, "1", "denied: the order to be replaced is not open") \
    PW_COUNTER(execution, reports_repeated, "1", "gateway's reports that say nothing new") \
    PW_COUNTER(execution, reports_refused, "1", "gateway's reports that contradict what is known") \
    PW_COUNTER(execution, cancels_void, "1", "cancels of orders that were not open, or not its own") \
    PW_COUNTER(execution, live_requests, "1", "requests to the venue") \
    PW_COUNTER(execution, live_answers, "1", "answers to them") \
    PW_COUNTER(execution, live_events, "1", "messages that answer nothing: events of the account") \
    PW_COUNTER(execution, live_refused, "1", "answers: refused, and would be again") \
    PW_COUNTER(execution, live_outcome_unknown, "1", "answers: may have been done") \
    PW_COUNTER(execution, live_limited, "1", "answers: too many requests, or banned") \
    PW_COUNTER(execution, live_busy, "1", "answers: not done, back off") \
    PW_COUNTER(execution, live_clock_refused, "1", "answers: our time was refused") \
    PW_COUNTER(execution, live_fatal, "1", "answers: key or signature refused") \
    PW_COUNTER(execution, live_cancel_unknown, "1", "answers: no such order to cancel") \
    PW_COUNTER(execution, live_not_found, "1", "answers: no such order (yet)") \
    PW_COUNTER(execution, live_halves, "1", "answers: one half of a replacement failed") \
    PW_COUNTER(execution, live_invalid, "1", "messages that could not be read") \
    PW_COUNTER(execution, live_unmatched, "1", "answers to nothing that was asked") \
    PW_COUNTER(execution, live_foreign, "1", "reports and open orders that are not this instance's") \
    PW_COUNTER(execution, live_leftovers, "1", "open orders that nobody works, reports of earlier runs") \
    PW_COUNTER(execution, live_time_outs, "1", "requests without an answer") \
    PW_COUNTER(execution, live_queries, "1", "questions about orders and their trades") \
    PW_COUNTER(execution, live_reports, "1", "reports of orders") \
    PW_COUNTER(execution, live_resyncs, "1", "times that reports may have been lost") \
    PW_COUNTER(execution, live_journal_dropped, "1", "copies of messages that the journal had no room for") \
    PW_GAUGE(execution, live_last_error_code, "1", "code of the last answer that was an error") \
    PW_GAUGE(execution, live_weight_used, "1", "request weight used of the shortest window") \
    PW_GAUGE(execution, live_orders_used, "1", "order count used of the shortest window") \
    PW_GAUGE(execution, live_clock_offset_ns, "ns", "venue's clock minus ours") \
    PW_GAUGE(execution, live_clock_error_ns, "ns", "the most that it may be wrong; -1: not known") \
    PW_GAUGE(execution, paused_until_ns, "ns", "until when the venue takes no requests; 0: it does") \
    PW_GAUGE(execution, live_leftovers_open, "1", "orders that nobody works and that are open still") \
    PW_GAUGE(execution, live_ready, "1", "1: orders can be sent") \
    PW_GAUGE(execution, live_refusal, "1", "enum pw_reason: why it will not get ready; 0: it may") \
    PW_GAUGE(execution, live_wants_reconnect, "1", "1: order entry wants a new connection") \
    PW_GAUGE(execution, unknown_orders, "1", "open orders of which it is not known what became") \
    PW_COUNTER(execution, stalls, "1", "times that input waited for room in a ring") \
    PW_COUNTER(journal, events, "1", "events stored") \
    PW_COUNTER(journal, bytes_raw, "bytes", "these events at 64 bytes each, and raw frames") \
    PW_COUNTER(journal, bytes_stored, "bytes", "bytes of the records that hold them") \
    PW_COUNTER(journal, commits, "1", "transactions committed") \
    PW_GAUGE(journal, commit_max_ns, "ns", "longest commit") \
    PW_COUNTER(journal, sync_errors, "1", "commits or syncs that failed") \
    PW_COUNTER(journal, dropped, "1", "events lost: ring or storage full") \
    PW_COUNTER(journal, map_full, "1", "times that a segment or the disk was full") \
    PW_COUNTER(journal, orders_unmatched, "1", "order events whose market event never came") \
    PW_GAUGE(journal, stopped, "1", "not stored: 1 the disk is full, 2 a commit failed") \
    PW_GAUGE(journal, lag_events, "1", "events waiting in its rings") \
    PW_COUNTER(housekeeping, fetches, "1", "REST requests made") \
    PW_COUNTER(housekeeping, fetch_errors, "1", "REST requests that failed") \
    PW_COUNTER(housekeeping, commands, "1", "commands taken from the control socket") \
    PW_GAUGE(housekeeping, clock_step_ns, "ns", "how far the wall clock has moved since start")
/* clang-format on */

/* PW_M_parse_frames, ...: the row's index, and their count. */
#define PW_METRIC_ENUM_(group, name, unit, help) PW_M_##group##_##name,
enum pw_metric_id { PW_METRICS_TABLE(PW_METRIC_ENUM_, PW_METRIC_ENUM_) PW_METRIC_CNT };
#undef PW_METRIC_ENUM_

/* Cold: writes descriptions into rows[0..PW_METRIC_CNT), in the table's order, and zero into their values. */
void pw_metrics_fill(struct pw_metric_row *rows);

/* Cold: the row of that name in any version's workspace, or NULL. Writable only if the workspace is. */
struct pw_metric_row *pw_metrics_find(const struct pw_workspace *ws, const char *group, const char *name);

#endif
