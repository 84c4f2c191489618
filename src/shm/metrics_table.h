/* SPDX-License-Identifier: MIT
 *
 * Every metric of the engine, declared once. The row in shared memory, the struct in which a stage counts,
 * its publishing, the monitor's page, the tools' JSON and docs/metrics.md all come from these lists.
 *
 * To add one: add a row to the list of its group, and count it: `metrics.name++`. See docs/add-a-metric.md.
 * To rename one, add its old name to PW_METRIC_ALIASES.
 *
 *   COUNTER(name, unit, "help")   only grows; a uint64_t
 *   GAUGE(name, unit, "help")     a signed level; an int64_t
 *
 * name: at most 39 characters; unit: "1", "ns" or "bytes"; help: at most 55. What is too long does not
 * compile.
 *
 * A stage counts in a struct of its own memory (struct pw_parse_metrics, with a field a row) and publishes it
 * as a whole about each millisecond with pw_metrics_publish: plain increments on the hot path, relaxed stores
 * here.
 */
#ifndef PW_METRICS_TABLE_H
#define PW_METRICS_TABLE_H

#include <pinwheel/metrics.h>
#include <pinwheel/reasons.h>
#include <pinwheel/workspace.h>
#include <stddef.h>

/* clang-format off */

#define PW_METRICS_NET_RX(COUNTER, GAUGE, DENIED) \
    COUNTER(frames, "1", "WebSocket messages handed to parse and execution") \
    COUNTER(bytes, "bytes", "payload bytes of these messages") \
    COUNTER(frames_control, "1", "ping, pong and close frames received") \
    COUNTER(pings, "1", "pings answered") \
    COUNTER(stalls, "1", "socket left unread because a ring was full") \
    COUNTER(kernel_rx_inexact, "1", "messages read together or late: kernel time inexact") \
    COUNTER(invalid_frames, "1", "frames against RFC 6455; each ends its connection") \
    COUNTER(ignored, "1", "binary and empty messages") \
    COUNTER(disconnect_closed, "1", "disconnects: WebSocket close by the server") \
    COUNTER(disconnect_ended, "1", "disconnects: TCP end without a WebSocket close") \
    COUNTER(disconnect_truncated, "1", "disconnects: closed without TLS close_notify") \
    COUNTER(disconnect_reset, "1", "disconnects: connection reset") \
    COUNTER(disconnect_tls, "1", "disconnects: a TLS record could not be decrypted") \
    COUNTER(disconnect_protocol, "1", "disconnects: WebSocket protocol error by the server") \
    COUNTER(disconnect_bad_utf8, "1", "disconnects: text that is not UTF-8") \
    COUNTER(disconnect_too_big, "1", "disconnects: message larger than message_bytes_max") \
    COUNTER(disconnect_fragments, "1", "disconnects: a message of too many fragments") \
    COUNTER(disconnect_frame_timeout, "1", "disconnects: a message was incomplete after 10 s") \
    COUNTER(disconnect_idle_timeout, "1", "disconnects: no data for dead_after_ms") \
    COUNTER(disconnect_local, "1", "disconnects by us: reconnect or stop")

#define PW_METRICS_NET_TX(COUNTER, GAUGE, DENIED) \
    COUNTER(frames, "1", "frames sent") \
    COUNTER(bytes, "bytes", "bytes sent, without TLS") \
    COUNTER(dropped, "1", "requests dropped because their connection was gone") \
    COUNTER(dropped_halted, "1", "new orders dropped because trading was halted")

#define PW_METRICS_PARSE(COUNTER, GAUGE, DENIED) \
    COUNTER(frames, "1", "messages parsed") \
    COUNTER(events, "1", "market events published") \
    COUNTER(ignored, "1", "valid messages of a kind or symbol not subscribed") \
    COUNTER(control, "1", "responses to our requests") \
    COUNTER(shutdowns, "1", "the venue announced that it will close") \
    COUNTER(invalid_json, "1", "dropped: not JSON, truncated or too deep") \
    COUNTER(invalid_field, "1", "dropped: a field is missing or of the wrong type") \
    COUNTER(invalid_number, "1", "dropped: not a plain decimal, too precise, too large") \
    COUNTER(invalid_sequence, "1", "dropped: contradictory ids") \
    COUNTER(too_large, "1", "dropped: more events than one message may cause") \
    COUNTER(error_replies, "1", "requests of ours that the venue rejected") \
    COUNTER(gaps, "1", "gaps: data is known to be missing") \
    COUNTER(resyncs, "1", "order books that lost synchronization") \
    COUNTER(snapshots, "1", "depth snapshots applied to a book") \
    COUNTER(snapshots_ignored, "1", "depth snapshots too early or not requested") \
    COUNTER(frames_dropped, "1", "raw frames dropped: the journal's ring was full") \
    COUNTER(journal_dropped, "1", "market events dropped: the journal's ring was full") \
    COUNTER(stalls, "1", "polls that waited for room in a ring")

#define PW_METRICS_STRATEGY(COUNTER, GAUGE, DENIED) \
    COUNTER(events, "1", "market events consumed") \
    COUNTER(signals, "1", "signals published") \
    COUNTER(intents, "1", "intents published") \
    COUNTER(intents_dropped, "1", "orders never sent: too many unanswered") \
    COUNTER(reports, "1", "order and fill reports consumed") \
    COUNTER(book_overflow, "1", "levels beyond what a book holds") \
    COUNTER(books_crossed, "1", "depth messages after which a book was crossed") \
    COUNTER(journal_dropped, "1", "lines: events dropped, the journal's ring was full") \
    COUNTER(stalls, "1", "polls that waited for room in a ring")

#define PW_METRIC_NO_REASON_(NAME, number, name, help)

/* The denials are a row a reason: pinwheel/reasons.h. */
#define PW_METRICS_EXECUTION(COUNTER, GAUGE, DENIED) \
    COUNTER(events, "1", "events consumed") \
    COUNTER(intents, "1", "intents consumed") \
    COUNTER(orders, "1", "orders given to the gateway") \
    COUNTER(fills, "1", "fills") \
    COUNTER(cancels, "1", "cancels given to the gateway") \
    COUNTER(canceled, "1", "orders canceled") \
    COUNTER(rejected, "1", "orders rejected by the venue") \
    COUNTER(rejected_by_rules, "1", "orders rejected by a filter or a closed market") \
    COUNTER(expired_by_range, "1", "orders expired: beyond the venue's price range") \
    COUNTER(denied, "1", "intents denied by our own checks, all reasons") \
    PW_REASONS(PW_METRIC_NO_REASON_, DENIED, PW_METRIC_NO_REASON_) \
    COUNTER(reports_duplicate, "1", "reports of the gateway without anything new") \
    COUNTER(reports_inconsistent, "1", "reports that contradict their order") \
    COUNTER(cancels_ignored, "1", "cancels of orders not open or of another strategy") \
    GAUGE(unknown_orders, "1", "open orders of unknown outcome") \
    COUNTER(stalls, "1", "polls that waited for room in a ring")

/* Order entry: counted by the gateway, published by execution. */
#define PW_METRICS_GATEWAY(COUNTER, GAUGE, DENIED) \
    COUNTER(requests, "1", "requests sent to the venue") \
    COUNTER(responses, "1", "responses to them") \
    COUNTER(account_events, "1", "account events and other messages without request") \
    COUNTER(requests_rejected, "1", "responses: rejected, a retry would be, too") \
    COUNTER(outcome_unknown, "1", "responses: the request may have been executed") \
    COUNTER(rate_limited, "1", "responses: too many requests, or banned") \
    COUNTER(venue_overloaded, "1", "responses: not executed, back off") \
    COUNTER(timestamp_rejected, "1", "responses: our timestamp was rejected") \
    COUNTER(auth_rejected, "1", "responses: key or signature rejected") \
    COUNTER(cancel_unknown, "1", "responses: no such order to cancel") \
    COUNTER(order_not_found, "1", "responses: no such order (yet)") \
    COUNTER(cancel_replace_partial, "1", "responses: one half of a cancel-replace failed") \
    COUNTER(messages_invalid, "1", "messages that could not be decoded") \
    COUNTER(responses_unmatched, "1", "responses without a matching request") \
    COUNTER(orders_external, "1", "reports and open orders of other owners") \
    COUNTER(orphan_orders, "1", "open orders without an owner, reports of earlier runs") \
    COUNTER(request_timeouts, "1", "requests without a response") \
    COUNTER(queries, "1", "queries of orders and their trades") \
    COUNTER(reports, "1", "order reports given to execution") \
    COUNTER(resyncs, "1", "times that reports may have been lost") \
    COUNTER(journal_dropped, "1", "copies of messages dropped: the journal's ring was full") \
    GAUGE(last_error_code, "1", "code of the last error response") \
    GAUGE(weight_used, "1", "request weight used in the shortest window") \
    GAUGE(orders_used, "1", "order count used in the shortest window") \
    GAUGE(clock_offset_ns, "ns", "clock of the venue minus ours") \
    GAUGE(clock_error_ns, "ns", "largest error of the offset; -1: not known") \
    GAUGE(paused_until_ns, "ns", "no requests before this time; 0: no pause") \
    GAUGE(rejections, "1", "orders rejected by the venue in a row") \
    GAUGE(rejections_until_ns, "ns", "too many rejections: no orders before; 0: no pause") \
    GAUGE(orphan_orders_open, "1", "orphan orders that are still open") \
    GAUGE(step, "1", "enum pw_entry_step: what it waits for; 5: it is ready") \
    GAUGE(ready, "1", "1: order entry is ready") \
    GAUGE(not_ready_reason, "1", "enum pw_reason: why it cannot get ready; 0: none") \
    GAUGE(reconnect_wanted, "1", "1: order entry wants a new connection")

#define PW_METRICS_JOURNAL(COUNTER, GAUGE, DENIED) \
    COUNTER(events, "1", "events stored") \
    COUNTER(bytes_raw, "bytes", "these events at 64 bytes each, and raw frames") \
    COUNTER(bytes_stored, "bytes", "bytes of the records that hold them") \
    COUNTER(commits, "1", "transactions committed") \
    GAUGE(commit_max_ns, "ns", "longest commit") \
    COUNTER(sync_errors, "1", "commits or syncs that failed") \
    COUNTER(dropped, "1", "events lost: ring or storage full") \
    COUNTER(storage_full, "1", "times that a segment or the disk was full") \
    COUNTER(orders_unmatched, "1", "order events whose market event never arrived") \
    GAUGE(stopped, "1", "not writing: 1 the disk is full, 2 a commit failed") \
    GAUGE(lag_events, "1", "events waiting in its rings") \
    GAUGE(lag_ns, "ns", "age of the oldest event not yet durable") \
    GAUGE(lag_max_ns, "ns", "the most that lag_ns has been")

#define PW_METRICS_HOUSEKEEPING(COUNTER, GAUGE, DENIED) \
    COUNTER(fetches, "1", "REST requests made") \
    COUNTER(fetch_errors, "1", "REST requests that failed") \
    COUNTER(commands, "1", "commands received on the control socket") \
    GAUGE(clock_step_ns, "ns", "how far the wall clock has moved since start")

/* G(group, the kind of stage that writes it, rows). A stage with lines (parse.1, parse.2) has a group a line. */
#define PW_METRIC_GROUPS(G) \
    G(net_rx, net_rx, PW_METRICS_NET_RX) \
    G(net_tx, net_tx, PW_METRICS_NET_TX) \
    G(parse, parse, PW_METRICS_PARSE) \
    G(strategy, strategy, PW_METRICS_STRATEGY) \
    G(execution, execution, PW_METRICS_EXECUTION) \
    G(gateway, execution, PW_METRICS_GATEWAY) \
    G(journal, journal, PW_METRICS_JOURNAL) \
    G(housekeeping, housekeeping, PW_METRICS_HOUSEKEEPING)

/* Names of old that readers still know: A(old group, old name, group, name). */
#define PW_METRIC_ALIASES(A) \
    A(net_rx, lost_closed, net_rx, disconnect_closed) \
    A(net_rx, lost_ended, net_rx, disconnect_ended) \
    A(net_rx, lost_truncated, net_rx, disconnect_truncated) \
    A(net_rx, lost_reset, net_rx, disconnect_reset) \
    A(net_rx, lost_tls, net_rx, disconnect_tls) \
    A(net_rx, lost_protocol, net_rx, disconnect_protocol) \
    A(net_rx, lost_text, net_rx, disconnect_bad_utf8) \
    A(net_rx, lost_too_big, net_rx, disconnect_too_big) \
    A(net_rx, lost_slow, net_rx, disconnect_frame_timeout) \
    A(net_rx, lost_silent, net_rx, disconnect_idle_timeout) \
    A(net_rx, lost_asked, net_rx, disconnect_local) \
    A(execution, reports_repeated, execution, reports_duplicate) \
    A(execution, reports_refused, execution, reports_inconsistent) \
    A(execution, cancels_void, execution, cancels_ignored) \
    A(execution, live_requests, gateway, requests) \
    A(execution, live_answers, gateway, responses) \
    A(execution, live_events, gateway, account_events) \
    A(execution, live_refused, gateway, requests_rejected) \
    A(execution, live_outcome_unknown, gateway, outcome_unknown) \
    A(execution, live_limited, gateway, rate_limited) \
    A(execution, live_busy, gateway, venue_overloaded) \
    A(execution, live_clock_refused, gateway, timestamp_rejected) \
    A(execution, live_fatal, gateway, auth_rejected) \
    A(execution, live_cancel_unknown, gateway, cancel_unknown) \
    A(execution, live_not_found, gateway, order_not_found) \
    A(execution, live_halves, gateway, cancel_replace_partial) \
    A(execution, live_invalid, gateway, messages_invalid) \
    A(execution, live_unmatched, gateway, responses_unmatched) \
    A(execution, live_foreign, gateway, orders_external) \
    A(execution, live_leftovers, gateway, orphan_orders) \
    A(execution, live_time_outs, gateway, request_timeouts) \
    A(execution, live_queries, gateway, queries) \
    A(execution, live_reports, gateway, reports) \
    A(execution, live_resyncs, gateway, resyncs) \
    A(execution, live_journal_dropped, gateway, journal_dropped) \
    A(execution, live_last_error_code, gateway, last_error_code) \
    A(execution, live_weight_used, gateway, weight_used) \
    A(execution, live_orders_used, gateway, orders_used) \
    A(execution, live_clock_offset_ns, gateway, clock_offset_ns) \
    A(execution, live_clock_error_ns, gateway, clock_error_ns) \
    A(execution, paused_until_ns, gateway, paused_until_ns) \
    A(execution, live_leftovers_open, gateway, orphan_orders_open) \
    A(execution, live_ready, gateway, ready) \
    A(execution, live_refusal, gateway, not_ready_reason) \
    A(execution, live_wants_reconnect, gateway, reconnect_wanted) \
    A(parse, snapshots_refused, parse, snapshots_ignored) \
    A(journal, map_full, journal, storage_full)

/* clang-format on */

/* struct pw_parse_metrics, ...: a field a row, in their order. */
#define PW_METRIC_COUNTER_FIELD_(name, unit, help)        uint64_t name;
#define PW_METRIC_GAUGE_FIELD_(name, unit, help)          int64_t name;
#define PW_METRIC_DENIED_FIELD_(NAME, number, name, help) uint64_t denied_##name;
#define PW_METRIC_STRUCT_(group, stage, ROWS)                                                                \
    struct pw_##group##_metrics {                                                                            \
        ROWS(PW_METRIC_COUNTER_FIELD_, PW_METRIC_GAUGE_FIELD_, PW_METRIC_DENIED_FIELD_)                      \
    };
PW_METRIC_GROUPS(PW_METRIC_STRUCT_)

#define PW_METRIC_GROUP_(group, stage, ROWS) PW_METRIC_GROUP_##group,
enum pw_metric_group { PW_METRIC_GROUPS(PW_METRIC_GROUP_) PW_METRIC_GROUP_CNT };

/* Rows of one instance of each group. */
#define PW_METRIC_ROWS_(group, stage, ROWS) +sizeof(struct pw_##group##_metrics) / sizeof(uint64_t)
#define PW_METRIC_CNT                       ((uint32_t)(0 PW_METRIC_GROUPS(PW_METRIC_ROWS_)))

struct pw_metric_info {
    const char *name, *unit, *help;
    enum pw_metric_kind kind;
};

struct pw_metric_group_info {
    const char *name, *stage;
    const struct pw_metric_info *metrics;
    uint32_t cnt;
};

extern const struct pw_metric_group_info pw_metric_groups[PW_METRIC_GROUP_CNT];

struct pw_metric_alias {
    const char *old_group, *old_name, *group, *name;
};

extern const struct pw_metric_alias pw_metric_aliases[];
extern const uint32_t pw_metric_alias_cnt;

/* pw_parse_metrics_publish, ...: all fields of a stage's struct to its rows. Relaxed: figures for people. */
#define PW_METRIC_PUBLISH_(group, stage, ROWS)                                                               \
    static inline void pw_##group##_metrics_publish(struct pw_metric_row *rows,                              \
                                                    const struct pw_##group##_metrics *metrics)              \
    {                                                                                                        \
        const uint64_t *words = (const uint64_t *)metrics;                                                   \
        for (size_t i = 0; i < sizeof *metrics / sizeof *words; i++) {                                       \
            atomic_store_explicit(&rows[i].value, words[i], memory_order_relaxed);                           \
        }                                                                                                    \
    }
PW_METRIC_GROUPS(PW_METRIC_PUBLISH_)

/* Counts in the field at that offset of a stage's struct: for tables that say which field counts what. */
static inline void pw_metric_count_at(void *metrics, size_t offset)
{
    ++*(uint64_t *)((char *)metrics + offset);
}

/* The word of one metric among the rows of its group, for those who read another stage's. */
#define PW_METRIC_WORD(rows, group, name)                                                                    \
    (&(rows)[offsetof(struct pw_##group##_metrics, name) / sizeof(uint64_t)].value)

/* One group under that name; returns the row behind it. */
struct pw_metric_row *pw_metrics_put_group(struct pw_metric_row *rows, enum pw_metric_group group,
                                           const char *name);

/* Cold: how many rows a stage of that kind has; and writes them, with value 0, for a stage of that kind and
 * name ("parse", "parse.1"). Returns the row behind them. */
uint32_t pw_metrics_stage_cnt(const char *kind);
struct pw_metric_row *pw_metrics_put(struct pw_metric_row *rows, const char *kind, const char *stage);

/* Cold: those of one stage of each kind: rows[0..PW_METRIC_CNT). */
void pw_metrics_fill(struct pw_metric_row *rows);

/* The group's name for a stage: "parse" for "parse", "parse.2" for "parse.2". */
#define PW_METRIC_GROUP_BYTES sizeof(((struct pw_metric_row *)0)->group)
void pw_metrics_group_name(char name[PW_METRIC_GROUP_BYTES], enum pw_metric_group group, const char *stage);
/* For an account's gateway: "gateway", "gateway.2". Returns name. */
const char *pw_metrics_gateway_name(char name[PW_METRIC_GROUP_BYTES], uint32_t account_idx);

/* Cold: the rows of a group of that name ("parse", "parse.1") as this version has them; NULL: not there. */
struct pw_metric_row *pw_metrics_rows(const struct pw_workspace *ws, enum pw_metric_group group,
                                      const char *name);

/* Cold: the row of that name in any version's workspace, or NULL; old names find the new row, new names that
 * of an old engine. Writable only if the workspace is. */
struct pw_metric_row *pw_metrics_find(const struct pw_workspace *ws, const char *group, const char *name);

#endif
