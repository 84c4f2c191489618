/* SPDX-License-Identifier: MIT
 *
 * Every example message of order entry and user data against its stated meaning, field by field; what the
 * answers are to an order; prefixes and changed bytes do no harm.
 */
#include "binance_entry.h"
#include "decimal.h"

#include "guard.h"
#include "shared.h"
#include "symbols.h"
#include <criterion/criterion.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <string.h>

/* ---- what a message says, in the words of the examples ---- */

static json_t *e8(int64_t value)
{
    return json_string(text_e8(value));
}

static json_t *e16(pw_i128 value)
{
    char text[PW_DECIMAL_TEXT_BYTES];
    pw_decimal_print_e16(value, text);
    return json_string(text);
}

static json_t *slice(const struct pw_json_text *text)
{
    return text->size ? json_stringn(text->text, text->size) : json_null();
}

static json_t *ns(int64_t value)
{
    return value ? json_integer(value) : json_null();
}

static const char *const g_statuses[] = {
    "none",           "new",      "pending_new", "partially_filled", "filled", "canceled",
    "pending_cancel", "rejected", "expired",     "expired_in_match"};
static const char *const g_halves[] = {"unknown", "success", "failure", "not_attempted"};
static const char *const g_types[] = {"none",     "new",   "canceled", "replaced",
                                      "rejected", "trade", "expired",  "trade_prevention"};

static void say_order(json_t *said, const struct pw_binance_order *order)
{
    json_object_set_new(
        said, "event",
        json_string(order->status == PW_BINANCE_STATUS_CANCELED ? "order_canceled" : "order_result"));
    json_object_set_new(said, "symbol", json_string(order->terms.symbol));
    json_object_set_new(said, "order_id", json_integer((json_int_t)order->terms.venue_order_id));
    json_object_set_new(said, "client_order_id", slice(&order->client_id));
    json_object_set_new(said, "cancel_client_id", slice(&order->cancel_id));
    json_object_set_new(said, "status", json_string(g_statuses[order->status]));
    json_object_set_new(said, "side", json_string(order->terms.side == PW_SELL ? "sell" : "buy"));
    json_object_set_new(said, "price", e8(order->terms.price_e8));
    json_object_set_new(said, "qty", e8(order->terms.qty_e8));
    json_object_set_new(said, "filled_qty", e8(order->executed_qty_e8));
    json_object_set_new(said, "remaining_qty", e8(order->terms.qty_e8 - order->executed_qty_e8));
    json_object_set_new(said, "ts_trade_ns", ns(order->venue_ns));
    json_object_set_new(said, "ts_updated_ns", ns(order->update_ns));
}

static void say_replace(json_t *said, const struct pw_binance_replace *replace)
{
    json_object_set_new(said, "event", json_string("cancel_replace"));
    json_object_set_new(said, "cancel", json_string(g_halves[replace->cancel]));
    json_object_set_new(said, "new", json_string(g_halves[replace->place]));
    json_object_set_new(said, "canceled_order_id",
                        json_integer((json_int_t)replace->canceled.terms.venue_order_id));
    json_object_set_new(said, "new_order_id", json_integer((json_int_t)replace->placed.terms.venue_order_id));
    json_object_set_new(said, "new_client_order_id", slice(&replace->placed.client_id));
    json_object_set_new(said, "new_error_code", json_integer(replace->place_error.code));
    json_object_set_new(said, "cancel_error_code", json_integer(replace->cancel_error.code));
    json_object_set_new(said, "ts_trade_ns", ns(replace->placed.venue_ns));
}

static const char *action(const struct pw_binance_response *response)
{
    struct pw_binance_verdict verdict = pw_binance_judge(response->http_status, &response->error);
    switch (verdict.error) {
    case PW_ENTRY_RATE_LIMITED:
        return response->http_status == 418 ? "stop_until" : "backoff";
    case PW_ENTRY_AUTH_REJECTED:
        return "fatal";
    case PW_ENTRY_CANCEL_UNKNOWN:
        return "cancel_failed_reconcile";
    default:
        return "other";
    }
}

static void say_error(json_t *said, const struct pw_binance_response *response)
{
    struct pw_binance_verdict verdict = pw_binance_judge(response->http_status, &response->error);
    json_object_set_new(said, "event", json_string("error"));
    json_object_set_new(said, "code", json_integer(response->error.code));
    json_object_set_new(said, "action", json_string(action(response)));
    json_object_set_new(said, "banned_until_ns", ns(response->retry_after_ns));
    json_object_set_new(said, "wait_ns", ns(response->retry_after_ns - response->message->server_ns));
    json_object_set_new(
        said, "reason",
        json_string(verdict.reason == PW_REASON_VENUE_FUNDS ? "insufficient_balance" : "other"));
}

static void say_execution(json_t *said, const struct pw_binance_execution *x)
{
    json_object_set_new(said, "event", json_string("order_update"));
    json_object_set_new(said, "exec_type", json_string(g_types[x->type]));
    json_object_set_new(said, "status", json_string(g_statuses[x->status]));
    json_object_set_new(said, "symbol", json_string(x->terms.symbol));
    json_object_set_new(said, "order_id", json_integer((json_int_t)x->terms.venue_order_id));
    json_object_set_new(said, "client_order_id", slice(&x->client_id));
    json_object_set_new(said, "cancel_client_id", slice(&x->cancel_id));
    json_object_set_new(said, "side", json_string(x->terms.side == PW_SELL ? "sell" : "buy"));
    json_object_set_new(said, "price", e8(x->terms.price_e8));
    json_object_set_new(said, "qty", e8(x->terms.qty_e8));
    json_object_set_new(said, "last_qty", e8(x->last_qty_e8));
    json_object_set_new(said, "last_price", e8(x->last_price_e8));
    json_object_set_new(said, "filled_qty", e8(x->executed_qty_e8));
    json_object_set_new(said, "remaining_qty", e8(x->terms.qty_e8 - x->executed_qty_e8));
    json_object_set_new(said, "fee", e16(x->fee_e16));
    json_object_set_new(said, "fee_asset", json_string(x->fee_asset));
    json_object_set_new(said, "trade_id",
                        x->has_trade_id ? json_integer((json_int_t)x->trade_id) : json_null());
    json_object_set_new(said, "liquidity", json_string(x->is_maker ? "maker" : "taker"));
    json_object_set_new(said, "reject_reason", slice(&x->reject_reason));
    json_object_set_new(said, "ts_trade_ns", ns(x->trade_ns));
}

static json_t *orders_of(const struct pw_entry_list *list)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_binance_order order;
    json_t *rows = json_array();
    while (pw_binance_order_next(&cursor, list, &order)) {
        json_t *row = json_object();
        say_order(row, &order);
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *balances_of(const struct pw_entry_list *list)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_binance_balance balance;
    json_t *rows = json_object();
    while (pw_binance_balance_next(&cursor, list, &balance)) {
        json_object_setn_new(rows, balance.asset.text, balance.asset.size, e8(balance.free_e8));
    }
    return rows;
}

static void say_limits(json_t *said, const struct pw_entry_message *message)
{
    for (uint32_t i = 0; i < message->limit_cnt; i++) {
        const struct pw_entry_limit *limit = &message->limits[i];
        const char *name = limit->kind == PW_BUDGET_WEIGHT              ? "weight_1m"
                           : limit->interval_ns == INT64_C(10000000000) ? "orders_10s"
                                                                        : "orders_1d";
        cr_expect(limit->limit >= limit->used);
        json_object_set_new(said, name, json_integer(limit->used));
    }
}

static void say_reply(json_t *said, const struct pw_binance_response *response)
{
    json_object_set_new(said, "status", json_integer(response->http_status));
    json_object_set_new(said, "req_id",
                        response->id_kind == PW_BINANCE_ID_TEXT ? slice(&response->id)
                        : response->id_kind == PW_BINANCE_ID_INTEGER
                            ? json_integer(strtoll(response->id.text, NULL, 10))
                            : json_null());
    say_limits(said, response->message);
}

static void say_body(json_t *said, const struct pw_binance_response *response)
{
    switch (response->message->kind) {
    case PW_ENTRY_SAYS_ERROR:
        say_error(said, response);
        break;
    case PW_ENTRY_SAYS_ORDER:
        say_order(said, &response->body.order);
        break;
    case PW_ENTRY_SAYS_REPLACE:
        say_replace(said, &response->body.replace);
        break;
    case PW_ENTRY_SAYS_ORDERS:
        json_object_set_new(said, "event", json_string("open_orders"));
        json_object_set_new(said, "orders", orders_of(&response->message->list));
        json_object_set_new(said, "count",
                            json_integer((json_int_t)json_array_size(json_object_get(said, "orders"))));
        break;
    case PW_ENTRY_SAYS_LOGGED_IN:
    case PW_ENTRY_SAYS_DONE: /* of a session: it is there, and not logged in */
        json_object_set_new(said, "event", json_string("session"));
        json_object_set_new(said, "authorized",
                            json_boolean(response->message->kind == PW_ENTRY_SAYS_LOGGED_IN));
        json_object_set_new(said, "user_stream", json_null());
        json_object_set_new(said, "ts_ns", ns(response->message->server_ns));
        break;
    case PW_ENTRY_SAYS_SUBSCRIBED:
        json_object_set_new(said, "event", json_string("user_stream_subscribed"));
        break;
    case PW_ENTRY_SAYS_EXECUTION:
        say_execution(said, &response->body.execution);
        break;
    case PW_ENTRY_SAYS_STREAM_ENDED:
        json_object_set_new(said, "event", json_string("user_stream_ended"));
        json_object_set_new(said, "action", json_string("resubscribe"));
        break;
    case PW_ENTRY_SAYS_SHUTDOWN:
        json_object_set_new(said, "event", json_string("server_shutdown"));
        json_object_set_new(said, "action", json_string("reconnect"));
        break;
    case PW_ENTRY_SAYS_NOTHING:
        json_object_set_new(said, "event", json_string("ignored"));
        json_object_set_new(said, "reason", json_string("unknown event type"));
        break;
    default:
        break;
    }
}

static json_t *say(const struct pw_binance_response *response)
{
    json_t *said = json_object();
    if (response->http_status) {
        say_reply(said, response);
    }
    say_body(said, response);
    return said;
}

/* ---- the examples ---- */

/* The engine keeps its own account and places no lists of orders: those events are ignored. Of the others it
 * reads what it has a use for. */
static bool is_left_out(const json_t *expected, const json_t *said, const char *key)
{
    static const char *const unread[] = {
        "subscription_id", "ts_event_ns",   "ts_created_ns", "quote_filled",      "avg_price", "type", "tif",
        "on_book",         "expiry_reason", "prevented_qty", "prevented_match_id"};
    static const char *const ignored[] = {"balances", "balance_delta", "balance_lock_delta",
                                          "order_list_update"};
    const char *event = json_string_value(json_object_get(expected, "event"));
    bool left_out = false;
    for (size_t i = 0; i < sizeof unread / sizeof unread[0]; i++) {
        left_out |= strcmp(key, unread[i]) == 0;
    }
    for (size_t i = 0; event && i < sizeof ignored / sizeof ignored[0]; i++) {
        if (strcmp(event, ignored[i]) == 0) {
            cr_expect_str_eq(json_string_value(json_object_get(said, "event")), "ignored");
            left_out = true;
        }
    }
    return left_out;
}

static void compare(const json_t *expected, const json_t *said, json_int_t id)
{
    const char *key;
    json_t *want;
    json_object_foreach((json_t *)expected, key, want)
    {
        const json_t *got = json_object_get(said, key);
        if (is_left_out(expected, said, key)) {
            continue;
        }
        if (json_is_array(want) && json_is_array(got) && json_is_object(json_array_get(want, 0))) {
            for (size_t i = 0; i < json_array_size(want); i++) {
                compare(json_array_get(want, i), json_array_get(got, i), id);
            }
            continue;
        }
        char *want_text = json_dumps(want, JSON_ENCODE_ANY);
        char *got_text = got ? json_dumps(got, JSON_ENCODE_ANY) : strdup("nothing");
        cr_expect(got && json_equal(want, got), "line %lld: %s is %s, not %s", (long long)id, key, got_text,
                  want_text);
        free(want_text);
        free(got_text);
    }
}

static bool is_channel(const json_t *line, const char *channel)
{
    return strcmp(json_string_value(json_object_get(line, "channel")), channel) == 0 &&
           strcmp(json_string_value(json_object_get(line, "venue")), "binance_spot") == 0;
}

/* Goes through the examples of order entry and user data. */
static void each_example(void (*visit)(const json_t *line, const char *msg, size_t size, bool from_us),
                         unsigned wanted)
{
    struct shared_lines lines;
    unsigned cnt = 0;
    shared_need();
    shared_open(&lines, "venues/messages.jsonl");
    while (shared_next(&lines)) {
        json_t *line = json_loadb(lines.line, lines.size, 0, NULL);
        if (is_channel(line, "wsapi") || is_channel(line, "user")) {
            const json_t *msg = json_object_get(line, "msg");
            bool from_us = strcmp(json_string_value(json_object_get(line, "direction")), "c2s") == 0;
            visit(line, json_string_value(msg), json_string_length(msg), from_us);
            cnt++;
        }
        json_decref(line);
    }
    shared_close(&lines);
    cr_assert_eq(cnt, wanted);
}

static void check_example(const json_t *line, const char *msg, size_t size, bool from_us)
{
    struct pw_entry_message message;
    struct pw_binance_response response;
    enum pw_decode result = pw_binance_read_response(NULL, msg, size, &message, &response);
    json_int_t id = json_integer_value(json_object_get(line, "id"));
    if (from_us) {
        cr_expect_eq(result, PW_DECODE_BAD_FIELD, "line %lld: a request is no answer", (long long)id);
        return;
    }
    cr_assert(result >= 0 || result == PW_DECODE_ERROR_REPLY, "line %lld: %s", (long long)id,
              pw_decode_name(result));
    json_t *said = say(&response);
    compare(json_object_get(line, "expect"), said, id);
    json_decref(said);
}

Test(responses, every_example_has_its_stated_meaning)
{
    each_example(check_example, 31);
}

/* ---- damage ---- */

static struct guard g_guard;

static void check_damage(const json_t *line, const char *msg, size_t size, bool from_us)
{
    struct pw_entry_message message;
    struct pw_binance_response response;
    (void)line;
    (void)from_us;
    for (size_t cut = 0; cut < size; cut++) {
        enum pw_decode result =
            pw_binance_read_response(NULL, guard_copy(&g_guard, msg, cut), cut, &message, &response);
        cr_assert(result == PW_DECODE_BAD_JSON ||
                  (result == PW_DECODE_ERROR_REPLY && pw_binance_status_is_enough(response.http_status)));
    }
    for (size_t i = 0; i < size; i++) {
        char *copy = guard_copy(&g_guard, msg, size);
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (char)(1 << bit);
            enum pw_decode result = pw_binance_read_response(NULL, copy, size, &message, &response);
            cr_assert(result >= -6 && result <= 3);
            if (result == PW_DECODE_OK && message.kind == PW_ENTRY_SAYS_EXECUTION) {
                const struct pw_binance_execution *x = &response.body.execution;
                cr_assert(x->executed_qty_e8 >= 0 && x->terms.qty_e8 >= 0 && x->last_qty_e8 >= 0 &&
                          x->fault.decode <= 0);
            }
            copy[i] ^= (char)(1 << bit);
        }
    }
}

Test(responses, damaged_messages_are_judged_without_harm)
{
    g_guard = guard_make(8192);
    each_example(check_damage, 31);
    guard_free(&g_guard);
}

/* ---- single cases ---- */

/* What needs no translation lives until the next one. */
static enum pw_decode decode(const char *msg, struct pw_binance_response *response)
{
    static struct pw_entry_message message;
    return pw_binance_read_response(NULL, msg, strlen(msg), &message, response);
}

/* In the terms of entry.h. */
static enum pw_decode translate(const char *msg, struct pw_entry_message *message)
{
    return pw_binance_entry.decode(NULL, msg, strlen(msg), message);
}

#define OURS       "pw-0badcafe-0000000001000007"
#define ID_OF_OURS UINT64_C(0x1000007)
#define EXECUTION(ids, type, status, rest)                                                                   \
    "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":1709654400500,\"s\":\"ETHUSDT\"," ids  \
    ",\"S\":\"BUY\",\"o\":\"LIMIT\",\"q\":\"1.0\",\"x\":\"" type "\",\"X\":\"" status                        \
    "\",\"i\":12,\"T\":1709654400499," rest "}}"
#define NO_FILL(z) "\"l\":\"0\",\"z\":\"" z "\",\"L\":\"0\",\"t\":-1"
#define FILL       "\"l\":\"0.4\",\"z\":\"0.4\",\"L\":\"2500\",\"n\":\"0.0004\",\"N\":\"ETH\",\"t\":98,\"m\":true"

#define REPLY(letter, status, rest) "{\"id\":\"" letter "0000000001000007\",\"status\":" status "," rest "}"
#define ORDER(id, status, executed)                                                                          \
    "{\"symbol\":\"ETHUSDT\",\"orderId\":12,\"clientOrderId\":\"" id                                         \
    "\",\"price\":\"2\",\"origQty\":\"10\","                                                                 \
    "\"executedQty\":\"" executed "\",\"cummulativeQuoteQty\":\"-1\",\"status\":\"" status                   \
    "\",\"side\":\"BUY\"}"

static struct pw_report report_of(const char *msg)
{
    struct pw_entry_message message;
    cr_assert_eq(translate(msg, &message), PW_DECODE_OK, "%s", msg);
    cr_assert_eq(message.kind, PW_ENTRY_SAYS_EXECUTION);
    cr_assert(message.order.is_ours && message.order.has_report, "%s", msg);
    const struct pw_report report = message.order.report;
    cr_expect_eq(report.client_order_id, ID_OF_OURS);
    cr_expect_eq(message.order.instance_hash, 0x0badcafe);
    cr_expect_eq(message.order.venue_order_id, 12);
    cr_expect_str_eq(message.order.symbol, "ETHUSDT");
    cr_expect_eq(report.venue_ns, INT64_C(1709654400499000000));
    return report;
}

Test(responses, an_execution_is_a_report)
{
    struct pw_report fill = report_of(EXECUTION("\"c\":\"" OURS "\"", "TRADE", "PARTIALLY_FILLED", FILL));
    cr_expect_eq(fill.exec_type, PW_EXEC_FILL);
    cr_expect_eq(fill.fill_qty_e8, 40000000);
    cr_expect_eq(fill.fill_price_e8, 2500 * PW_E8);
    cr_expect_eq(fill.executed_qty_e8, 40000000);
    cr_expect(fill.fee_e16 == (pw_i128)40000 * PW_E8);
    cr_expect_str_eq(fill.fee_asset, "ETH");
    cr_expect(fill.maker && fill.has_trade_id && fill.trade_id == 98);
    cr_expect_eq(report_of(EXECUTION("\"c\":\"" OURS "\"", "NEW", "NEW", NO_FILL("0"))).exec_type,
                 PW_EXEC_ACK);
    struct pw_report cancel = report_of(EXECUTION("\"c\":\"pc-0badcafe-0000000001000007\",\"C\":\"" OURS "\"",
                                                  "CANCELED", "CANCELED", NO_FILL("0.4")));
    cr_expect_eq(cancel.exec_type, PW_EXEC_CANCELED);
    cr_expect_eq(cancel.executed_qty_e8, 40000000);
    cr_expect_eq(report_of(EXECUTION("\"c\":\"" OURS "\"", "EXPIRED", "EXPIRED", NO_FILL("0"))).exec_type,
                 PW_EXEC_EXPIRED);
    cr_expect_eq(
        report_of(EXECUTION("\"c\":\"" OURS "\"", "TRADE_PREVENTION", "EXPIRED_IN_MATCH", NO_FILL("0")))
            .exec_type,
        PW_EXEC_EXPIRED);
    struct pw_report reject = report_of(EXECUTION("\"c\":\"" OURS "\"", "REJECTED", "REJECTED",
                                                  NO_FILL("0") ",\"r\":\"WOULD_MATCH_IMMEDIATELY\""));
    cr_expect_eq(reject.exec_type, PW_EXEC_REJECT);
    cr_expect_eq(reject.reason, PW_REASON_VENUE_WOULD_TAKE);
}

/* cases/21-reference-price-of-filters: in an event, and in the reply to a placing or a query. */
Test(responses, an_expiry_by_the_price_range_has_its_reason)
{
    struct pw_report report =
        report_of(EXECUTION("\"c\":\"" OURS "\"", "EXPIRED", "EXPIRED",
                            NO_FILL("0") ",\"eR\":\"EXECUTION_RULE_PRICE_RANGE_EXCEEDED\""));
    cr_expect_eq(report.exec_type, PW_EXEC_EXPIRED);
    cr_expect_eq(report.reason, PW_REASON_VENUE_PRICE_RANGE);
    report = report_of(EXECUTION("\"c\":\"" OURS "\"", "EXPIRED", "EXPIRED",
                                 NO_FILL("0") ",\"eR\":\"UNFILLED_IOC_QUANTITY_EXPIRED\""));
    cr_expect_eq(report.reason, PW_REASON_NONE, "its time in force says it");
    for (int i = 0; i < 2; i++) {
        char text[512];
        struct pw_entry_message message;
        snprintf(text, sizeof text,
                 "{\"id\":\"%c0000000001000007\",\"status\":200,\"result\":{\"symbol\":\"ETHUSDT\","
                 "\"orderId\":12,\"clientOrderId\":\"" OURS "\",\"price\":\"2\",\"origQty\":\"10\","
                 "\"executedQty\":\"1\",\"status\":\"EXPIRED\",\"side\":\"BUY\","
                 "\"expiryReason\":\"EXECUTION_RULE_PRICE_RANGE_EXCEEDED\"}}",
                 "pq"[i]);
        cr_assert_eq(translate(text, &message), PW_DECODE_CONTROL);
        cr_assert(message.order.has_report);
        cr_expect_eq(message.order.report.exec_type, PW_EXEC_EXPIRED);
        cr_expect_eq(message.order.report.reason, PW_REASON_VENUE_PRICE_RANGE);
    }
}

/* cases/21-reference-price-of-filters: the same of an order that was placed in another's stead. */
Test(responses, the_placed_half_of_a_replacement_has_the_reason_of_its_end)
{
    static const struct {
        const char *status, *more;
        enum pw_reason reason;
    } rows[] = {
        {"EXPIRED", ",\"expiryReason\":\"EXECUTION_RULE_PRICE_RANGE_EXCEEDED\"", PW_REASON_VENUE_PRICE_RANGE},
        {"EXPIRED", "", PW_REASON_NONE},
        {"REJECTED", "", PW_REASON_VENUE_REJECTED},
        {"NEW", "", PW_REASON_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        struct pw_entry_message message;
        snprintf(text, sizeof text,
                 "{\"id\":\"r0000000001000007\",\"status\":200,\"result\":{\"cancelResult\":\"SUCCESS\","
                 "\"newOrderResult\":\"SUCCESS\",\"cancelResponse\":{\"symbol\":\"ETHUSDT\",\"orderId\":11,"
                 "\"origClientOrderId\":\"" OURS "\",\"clientOrderId\":\"x\"},\"newOrderResponse\":{"
                 "\"symbol\":\"ETHUSDT\",\"orderId\":12,\"clientOrderId\":\"" OURS "\",\"price\":\"2\","
                 "\"origQty\":\"10\",\"executedQty\":\"0\",\"status\":\"%s\",\"side\":\"BUY\"%s}}}",
                 rows[i].status, rows[i].more);
        cr_assert_eq(translate(text, &message), PW_DECODE_CONTROL);
        cr_assert_eq(message.kind, PW_ENTRY_SAYS_REPLACE);
        cr_expect_eq(message.order.report.reason, rows[i].reason, "row %zu", i);
        cr_expect_eq(message.replaced.report.reason, PW_REASON_NONE, "row %zu", i);
    }
}

Test(responses, executions_of_others_and_of_unknown_kinds_are_no_report)
{
    static const char *const msgs[] = {
        EXECUTION("\"c\":\"web_123\"", "TRADE", "PARTIALLY_FILLED", FILL),
        EXECUTION("\"c\":\"pc-0badcafe-0000000001000007\"", "NEW", "NEW", NO_FILL("0")),
        EXECUTION("\"c\":\"" OURS "\"", "SOMETHING", "PARTIALLY_FILLED", NO_FILL("0")),
        EXECUTION("\"c\":\"" OURS "\"", "TRADE_PREVENTION", "SOMETHING", NO_FILL("0")),
    };
    for (size_t i = 0; i < sizeof msgs / sizeof msgs[0]; i++) {
        struct pw_entry_message message;
        cr_assert_eq(translate(msgs[i], &message), PW_DECODE_OK);
        cr_assert_eq(message.kind, PW_ENTRY_SAYS_EXECUTION);
        cr_expect(!message.order.has_report, "row %zu", i);
        cr_expect_eq(message.order.fault.decode, 0, "row %zu", i);
    }
}

/* cases/20-prevented-quantity */
Test(responses, a_prevention_that_leaves_an_order_open_says_how_much_it_took)
{
    struct pw_report report =
        report_of(EXECUTION("\"c\":\"" OURS "\"", "TRADE_PREVENTION", "PARTIALLY_FILLED",
                            NO_FILL("0.2") ",\"v\":3,\"A\":\"0.30000000\",\"B\":\"0.1\""));
    cr_expect_eq(report.exec_type, PW_EXEC_ACK);
    cr_expect_eq(report.reason, PW_REASON_VENUE_PREVENTED);
    cr_expect_eq(report.prevented_qty_e8, 30000000, "in all, not the last part");
    cr_expect_eq(report.executed_qty_e8, 20000000);
    struct pw_entry_message message;
    cr_assert_eq(translate("{\"id\":\"q0000000001000007\",\"status\":200,\"result\":{\"symbol\":\"ETHUSDT\","
                           "\"orderId\":12,\"clientOrderId\":\"" OURS
                           "\",\"price\":\"2\",\"origQty\":\"10\",\"executedQty\":\"1\",\"status\":\"NEW\","
                           "\"side\":\"BUY\",\"preventedQuantity\":\"4.5\"}}",
                           &message),
                 PW_DECODE_CONTROL);
    cr_expect_eq(message.order.report.prevented_qty_e8, 450000000, "and an order that is asked for");
}

Test(responses, executions_of_ours_that_cannot_be_read_are_refused)
{
    static const struct {
        const char *msg, *field;
    } rows[] = {
        {EXECUTION("\"c\":\"" OURS "\"", "TRADE", "FILLED", NO_FILL("0")), "t"},
        {EXECUTION("\"c\":\"" OURS "\"", "NEW", "NEW", NO_FILL("-0.1")), "z"},
        {EXECUTION("\"c\":\"" OURS "\"", "TRADE", "FILLED",
                   "\"l\":\"0.4\",\"z\":\"0.4\",\"L\":\"0\",\"t\":1"),
         "L"},
        {EXECUTION("\"c\":\"" OURS "\"", "TRADE", "FILLED", "\"l\":\"0\",\"z\":\"0.4\",\"L\":\"1\",\"t\":1"),
         "l"},
        {EXECUTION("\"c\":\"" OURS "\"", "TRADE", "FILLED",
                   "\"l\":\"0.4\",\"z\":\"0.4\",\"L\":\"1\",\"t\":-1"),
         "t"},
        {EXECUTION("\"c\":\"" OURS "\"", "TRADE", "FILLED",
                   "\"l\":\"0.4\",\"z\":\"0.4\",\"L\":\"1\",\"t\":1,\"n\":\"1\""),
         "N"},
        {EXECUTION("\"c\":\"" OURS "\"", "TRADE", "FILLED",
                   "\"l\":\"0.4\",\"z\":\"0.4\",\"L\":\"1\",\"t\":1,\"n\":\"1\",\"N\":"
                   "\"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUV\""),
         "N"},
        {EXECUTION("\"c\":\"" OURS "\",\"z\":\"0\"", "NEW", "NEW", NO_FILL("0")), "z"},
        {EXECUTION("\"c\":\"" OURS "\",\"c\":\"y\"", "NEW", "NEW", NO_FILL("0")), "c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_entry_message message;
        cr_assert_eq(translate(rows[i].msg, &message), PW_DECODE_OK);
        int8_t fault = message.order.fault.decode;
        cr_expect(fault == PW_DECODE_BAD_FIELD || fault == PW_DECODE_BAD_NUMBER, "row %zu: %d", i, fault);
        cr_expect_str_eq(message.order.fault.field, rows[i].field, "row %zu", i);
        cr_expect(!message.order.has_report, "row %zu", i);
    }
}

/* cases/03-foreign-balance-too-large, cases/11-unknown-rate-limit-interval:
 * what nobody uses may be anything. */
Test(responses, what_is_not_used_is_not_judged)
{
    static const char *const events[] = {
        EXECUTION("\"c\":\"web_1\"", "TRADE", "FILLED",
                  "\"l\":\"250000000000000\",\"z\":null,\"L\":[],\"t\":{}"),
        EXECUTION("\"c\":7", "NEW", "NEW", NO_FILL("x")),
        EXECUTION("\"c\":null", "SOMETHING", "SOMETHING", NO_FILL("0") ",\"q\":5,\"z\":\"0\""),
        EXECUTION("\"c\":\"" OURS "\"", "NEW", "SOMETHING",
                  NO_FILL("0") ",\"N\":5,\"n\":\"1e9\",\"r\":{},\"m\":2"),
        EXECUTION("\"c\":\"" OURS "\"", "NEW", "NEW",
                  "\"l\":null,\"z\":\"0\",\"L\":7,\"t\":[-1],\"E\":1,\"E\":2"),
        "{\"event\":{\"e\":\"outboundAccountPosition\",\"B\":[{\"a\":\"X\",\"f\":\"250000000000000\"}],\"B\":"
        "1}}",
        "{\"event\":{\"e\":\"outboundAccountPosition\",\"u\":null,\"B\":[null,7,{\"a\":[],\"f\":1e999,\"l\":"
        "\"-\"}]}}",
        "{\"event\":{\"e\":\"balanceUpdate\",\"a\":\"A-NAME-OF-AN-ASSET-THAT-IS-LONGER-THAN-ANY-OTHER\","
        "\"d\":"
        "\"-99999999999999999999999.5\",\"T\":99999999999999999999999}}",
        "{\"event\":{\"e\":\"externalLockUpdate\",\"a\":null,\"d\":{},\"T\":\"soon\"}}",
        "{\"event\":{\"e\":\"listStatus\",\"c\":\"OTOCO\",\"s\":5,\"l\":\"SIDEWAYS\",\"O\":[{\"s\":\"X\","
        "\"i\":-1,\"c\":"
        "\"" OURS "\"}],\"O\":null}}",
        "{\"event\":{\"e\":\"eventStreamTerminated\",\"E\":\"now\",\"E\":null,\"why\":[[]]},"
        "\"subscriptionId\":1e999}",
        "{\"event\":{\"e\":\"somethingNew\",\"z\":{\"z\":[null]}}}",
        "{\"notice\":\"something new\"}",
    };
    static const char *const replies[] = {
        REPLY("p", "200", "\"result\":" ORDER(OURS, "SOMETHING", "0") ",\"more\":{\"id\":[1,2]}"),
        REPLY("b", "200",
              "\"result\":{\"orderId\":[],\"balances\":[7,null,{\"asset\":\"A\",\"free\":\"1e9\"}]}"),
        REPLY("o", "200",
              "\"result\":[1,null,{\"orderId\":1},{\"orderId\":\"x\",\"clientOrderId\":\"web\"}]"),
        REPLY("n", "200", "\"result\":{\"serverTime\":1499827319559,\"balances\":7,\"orderId\":null}"),
        REPLY("u", "200", "\"result\":null"),
        REPLY("l", "200", "\"result\":{\"authorizedSince\":1,\"serverTime\":\"now\",\"subscriptionId\":{}}"),
        "{\"id\":9,\"status\":200,\"error\":null,\"result\":{\"orderId\":{}}}",
    };
    struct pw_entry_message message;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        enum pw_decode result = translate(events[i], &message);
        cr_expect(result == PW_DECODE_OK || result == PW_DECODE_IGNORED, "event %zu: %d", i, result);
        cr_expect_eq(message.order.fault.decode, 0, "event %zu: %s", i, message.order.fault.field);
    }
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        enum pw_decode result = translate(replies[i], &message);
        cr_expect(result == PW_DECODE_CONTROL || !message.is_ours, "reply %zu: %d %s", i, result,
                  message.fault.field);
        cr_expect(message.is_response);
    }
}

Test(responses, limits_of_kinds_that_are_not_known_are_passed_over)
{
    static const char *const others[] = {
        "{\"rateLimitType\":\"CONNECTION_SCORE\",\"interval\":\"WEEK\",\"intervalNum\":1,\"limit\":10,"
        "\"count\":1}",
        "{\"rateLimitType\":\"ORDERS\",\"interval\":\"WEEK\",\"intervalNum\":1,\"limit\":10,\"count\":1}",
        "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":0,\"limit\":10,\"count\":1}",
        "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,\"limit\":99999999999,"
        "\"count\":1}",
        "{\"rateLimitType\":null,\"interval\":[],\"limit\":\"x\"}",
        "{}",
        "1",
        "null"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct pw_entry_message message;
        char msg[512];
        snprintf(msg, sizeof msg,
                 "{\"id\":\"n0000000000000007\",\"status\":200,\"result\":{\"serverTime\":1499827319559},"
                 "\"rateLimits\":[%s,{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
                 "\"intervalNum\":1,"
                 "\"limit\":6000,\"count\":70}]}",
                 others[i]);
        cr_assert_eq(translate(msg, &message), PW_DECODE_CONTROL, "row %zu", i);
        cr_assert_eq(message.limit_cnt, 1, "row %zu", i);
        cr_expect_eq(message.limits[0].used, 70, "the row behind it counts");
    }
}

Test(responses, an_order_in_a_reply_is_a_report_by_what_was_asked)
{
    static const struct {
        const char *msg;
        enum pw_entry_kind kind;
        enum pw_exec_type exec_type;
        int64_t executed_e8;
    } rows[] = {
        {REPLY("p", "200",
               "\"result\":{\"symbol\":\"ETHUSDT\",\"orderId\":12,\"clientOrderId\":\"" OURS "\"}"),
         PW_ENTRY_PLACE, PW_EXEC_ACK, 0},
        {REPLY("p", "200", "\"result\":" ORDER(OURS, "PARTIALLY_FILLED", "4")), PW_ENTRY_PLACE, PW_EXEC_ACK,
         4 * PW_E8},
        {REPLY("p", "200", "\"result\":" ORDER(OURS, "FILLED", "10")), PW_ENTRY_PLACE, PW_EXEC_FOUND_FILLED,
         10 * PW_E8},
        {REPLY("p", "200", "\"result\":" ORDER(OURS, "EXPIRED", "0")), PW_ENTRY_PLACE, PW_EXEC_EXPIRED, 0},
        {REPLY("q", "200", "\"result\":" ORDER(OURS, "NEW", "0")), PW_ENTRY_QUERY, PW_EXEC_FOUND_OPEN, 0},
        {REPLY("q", "200", "\"result\":" ORDER(OURS, "CANCELED", "3")), PW_ENTRY_QUERY, PW_EXEC_CANCELED,
         3 * PW_E8},
        {REPLY("q", "200", "\"result\":" ORDER(OURS, "REJECTED", "0")), PW_ENTRY_QUERY, PW_EXEC_REJECT, 0},
        {REPLY("c", "200",
               "\"result\":{\"symbol\":\"ETHUSDT\",\"orderId\":12,\"origClientOrderId\":\"" OURS
               "\",\"clientOrderId\":\"pc-0badcafe-0000000001000007\"}"),
         PW_ENTRY_CANCEL, PW_EXEC_CANCELED, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_entry_message message;
        const struct pw_entry_order *order = &message.order;
        cr_assert_eq(translate(rows[i].msg, &message), PW_DECODE_CONTROL, "row %zu", i);
        cr_assert(message.is_response && message.is_ours && message.kind == PW_ENTRY_SAYS_ORDER);
        cr_expect_eq(message.request, rows[i].kind);
        cr_expect_eq(message.number, ID_OF_OURS);
        cr_expect_eq(order->instance_hash, 0x0badcafe);
        cr_assert(order->has_report, "row %zu", i);
        cr_expect_eq(order->report.exec_type, rows[i].exec_type, "row %zu", i);
        cr_expect_eq(order->report.executed_qty_e8, rows[i].executed_e8);
        cr_expect_eq(order->report.client_order_id, ID_OF_OURS);
    }
}

Test(responses, all_open_orders_are_gone_through)
{
    struct pw_entry_message message;
    cr_assert_eq(
        translate("{\"id\":1,\"status\":200,\"result\":[" ORDER(
                      OURS, "NEW", "0") ",{\"contingencyType\":\"OCO\"}," ORDER("web_1", "NEW", "0") "]}",
                  &message),
        PW_DECODE_CONTROL);
    cr_assert_eq(message.kind, PW_ENTRY_SAYS_ORDERS);
    struct pw_entry_cursor cursor = {{0}};
    struct pw_entry_order order;
    cr_assert(pw_binance_entry.next_order(&cursor, &message.list, &order));
    cr_expect(order.is_ours && order.has_report && order.report.exec_type == PW_EXEC_FOUND_OPEN);
    cr_assert(pw_binance_entry.next_order(&cursor, &message.list, &order));
    cr_expect(!order.is_ours && !order.has_report);
    cr_expect(!pw_binance_entry.next_order(&cursor, &message.list, &order));
    cr_assert_eq(translate("{\"id\":1,\"status\":200,\"result\":[7,{\"orderId\":1,\"clientOrderId\":\"" OURS
                           "\",\"status\":\"NEW\"}]}",
                           &message),
                 PW_DECODE_CONTROL);
    cursor = (struct pw_entry_cursor){{0}};
    cr_assert(pw_binance_entry.next_order(&cursor, &message.list, &order));
    cr_expect(order.is_ours && !order.has_report && order.fault.decode == PW_DECODE_BAD_FIELD, "one of ours");
    cr_expect_eq(translate("{\"id\":1,\"status\":200,\"result\":[]}", &message), PW_DECODE_CONTROL);
    cursor = (struct pw_entry_cursor){{0}};
    cr_expect(!pw_binance_entry.next_order(&cursor, &message.list, &order));
}

#define TRADE(qty, fee)                                                                                      \
    "{\"symbol\":\"BTCUSDT\",\"id\":28457,\"orderId\":100234,\"price\":\"4.00000100\",\"qty\":\"" qty        \
    "\",\"commission\":\"" fee "\",\"commissionAsset\":\"BNB\",\"time\":1499865549590,\"isBuyer\":true,"     \
    "\"isMaker\":true,\"isBestMatch\":true}"
#define TRADES(rows) "{\"id\":\"f0000000000000007\",\"status\":200,\"result\":[" rows "]}"

Test(responses, the_trades_of_an_order_are_its_fills)
{
    struct pw_entry_message message;
    cr_assert_eq(translate(TRADES(TRADE("12.5", "10.1")), &message), PW_DECODE_CONTROL);
    cr_assert_eq(message.kind, PW_ENTRY_SAYS_FILLS);
    cr_expect_eq(message.number, 7);
    struct pw_entry_cursor cursor = {{0}};
    struct pw_entry_fill fill;
    cr_assert(pw_binance_entry.next_fill(&cursor, &message.list, &fill));
    cr_expect_eq(fill.venue_order_id, 100234);
    const struct pw_report *report = &fill.report;
    cr_expect_eq(report->exec_type, PW_EXEC_FILL);
    cr_expect(report->has_trade_id && report->trade_id == 28457);
    cr_expect_eq(report->fill_price_e8, 400000100);
    cr_expect_eq(report->fill_qty_e8, 1250000000);
    cr_expect(report->fee_e16 == (pw_i128)1010000000 * PW_E8);
    cr_expect_str_eq(report->fee_asset, "BNB");
    cr_expect(report->maker && report->executed_qty_e8 == 0);
    cr_expect_eq(report->venue_ns, INT64_C(1499865549590000000));
    cr_expect(!pw_binance_entry.next_fill(&cursor, &message.list, &fill));
    cr_expect_eq(report->terms.said,
                 1u << PW_TERM_SYMBOL | 1u << PW_TERM_SIDE | 1u << PW_TERM_VENUE_ORDER_ID);
    cr_expect_str_eq(report->terms.symbol, "BTCUSDT");
    cr_expect_eq(report->terms.side, PW_BUY);
    static const struct {
        const char *msg, *field;
        enum pw_decode fault;
    } rows[] = {{TRADES("1," TRADE("0", "0")), "qty", PW_DECODE_BAD_FIELD},
                {TRADES(TRADE("1", "x")), "commission", PW_DECODE_BAD_NUMBER}};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(translate(rows[i].msg, &message), PW_DECODE_CONTROL);
        cursor = (struct pw_entry_cursor){{0}};
        cr_assert(pw_binance_entry.next_fill(&cursor, &message.list, &fill));
        cr_expect_eq(fill.fault.decode, rows[i].fault);
        cr_expect_str_eq(fill.fault.field, rows[i].field);
        cr_expect_eq(fill.venue_order_id, 100234);
    }
}

Test(responses, an_account_has_its_balances)
{
    struct pw_binance_response response;
    cr_assert_eq(decode("{\"id\":1,\"status\":200,\"result\":{\"updateTime\":1564034571073,\"balances\":[{"
                        "\"asset\":\"BTC\","
                        "\"free\":\"1.5\",\"locked\":\"0.25\"}],\"uid\":1}}",
                        &response),
                 PW_DECODE_CONTROL);
    cr_assert_eq(response.message->kind, PW_ENTRY_SAYS_ACCOUNT);
    json_t *rows = balances_of(&response.message->list), *want = json_pack("{ss}", "BTC", "1.5");
    cr_expect(json_equal(rows, want));
    json_decref(rows);
    json_decref(want);
}

Test(responses, the_venues_time_is_read_in_either_unit)
{
    struct pw_binance_response response;
    cr_expect_eq(decode("{\"id\":1,\"status\":200,\"result\":{\"serverTime\":1499827319559}}", &response),
                 PW_DECODE_CONTROL);
    cr_expect_eq(response.message->kind, PW_ENTRY_SAYS_TIME);
    cr_expect_eq(response.message->server_ns, INT64_C(1499827319559000000));
    cr_expect_eq(decode("{\"id\":1,\"status\":200,\"result\":{\"serverTime\":1499827319559123}}", &response),
                 PW_DECODE_CONTROL);
    cr_expect_eq(response.message->server_ns, INT64_C(1499827319559123000));
}

Test(responses, replies_that_contradict_themselves_are_refused)
{
    static const char *const msgs[] = {
        "{\"id\":1,\"status\":200}",
        "{\"id\":1,\"status\":200,\"error\":{\"code\":-1,\"msg\":\"\"}}",
        "{\"id\":1,\"status\":400,\"result\":{}}",
        "{\"id\":1,\"status\":400,\"result\":{},\"error\":{\"code\":-1,\"msg\":\"\"}}",
        "{\"id\":1,\"status\":400,\"error\":{\"msg\":\"\"}}",
        "{\"id\":[],\"status\":200,\"result\":{}}",
        "{\"status\":200,\"result\":{}}",
        "{\"id\":1,\"status\":\"200\",\"result\":{}}",
        "{\"id\":\"p0000000001000007\",\"status\":200,\"result\":{}}",
        "{\"id\":\"o0000000001000007\",\"status\":200,\"result\":{}}",
        "{\"id\":\"b0000000001000007\",\"status\":200,\"result\":{}}",
        "{\"id\":1,\"status\":200,\"result\":{\"cancelResult\":\"SUCCESS\"}}",
    };
    for (size_t i = 0; i < sizeof msgs / sizeof msgs[0]; i++) {
        struct pw_binance_response response;
        cr_expect_eq(decode(msgs[i], &response), PW_DECODE_BAD_FIELD, "row %zu", i);
    }
}

/* ---- meaning ---- */

static struct pw_binance_error error(int64_t code, const char *text)
{
    return (struct pw_binance_error){code, {text, strlen(text), false}};
}

Test(responses, errors_mean_what_the_venue_says_of_them)
{
    static const struct {
        uint32_t status;
        int64_t code;
        const char *text;
        enum pw_entry_error meaning;
        enum pw_reason reason;
    } rows[] = {
        {400, -1013, "Filter failure: LOT_SIZE", PW_ENTRY_REJECTED, PW_REASON_VENUE_FILTER},
        {400, -2010, "Account has insufficient balance for requested action.", PW_ENTRY_REJECTED,
         PW_REASON_VENUE_FUNDS},
        {400, -2010, "Duplicate order sent.", PW_ENTRY_REJECTED, PW_REASON_VENUE_DUPLICATE},
        {400, -2010, "Order would immediately match and take.", PW_ENTRY_REJECTED,
         PW_REASON_VENUE_WOULD_TAKE},
        {400, -2010, "Stop price would trigger immediately.", PW_ENTRY_REJECTED,
         PW_REASON_VENUE_WOULD_TRIGGER},
        {400, -2010, "This symbol is not permitted for this account.", PW_ENTRY_REJECTED,
         PW_REASON_VENUE_REJECTED},
        {400, -2011, "Unknown order sent.", PW_ENTRY_CANCEL_UNKNOWN, PW_REASON_VENUE_NOT_FOUND},
        {400, -2011, "Order was not canceled due to cancel restrictions.", PW_ENTRY_REJECTED,
         PW_REASON_VENUE_REJECTED},
        {400, -2013, "Order does not exist.", PW_ENTRY_NOT_FOUND, PW_REASON_VENUE_NOT_FOUND},
        {504, -1007, "Timeout waiting", PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN},
        {0, -1007, "Timeout waiting", PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN},
        {400, -1006, "", PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN},
        {500, -2010, "Duplicate order sent.", PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN},
        {502, 0, "", PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN},
        {503, -1008, "Server is currently overloaded", PW_ENTRY_OVERLOADED, PW_REASON_VENUE_OVERLOADED},
        {400, -1021, "Timestamp", PW_ENTRY_TIMESTAMP_REJECTED, PW_REASON_VENUE_TIMESTAMP},
        {400, -1022, "Signature", PW_ENTRY_AUTH_REJECTED, PW_REASON_VENUE_KEY},
        {401, -2015, "Invalid API-key", PW_ENTRY_AUTH_REJECTED, PW_REASON_VENUE_KEY},
        {429, -1015, "Too many new orders", PW_ENTRY_RATE_LIMITED, PW_REASON_VENUE_RATE},
        {418, -1003, "banned", PW_ENTRY_RATE_LIMITED, PW_REASON_VENUE_RATE},
        {403, 0, "<html>", PW_ENTRY_RATE_LIMITED, PW_REASON_VENUE_RATE},
        {409, -2021, "partially failed", PW_ENTRY_PARTIAL, PW_REASON_VENUE_REJECTED},
        {400, -1102, "Mandatory parameter", PW_ENTRY_REJECTED, PW_REASON_VENUE_MALFORMED},
        {400, -9999, "", PW_ENTRY_REJECTED, PW_REASON_VENUE_REJECTED},
        {0, -9999, "", PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_binance_error said = error(rows[i].code, rows[i].text);
        struct pw_binance_verdict verdict = pw_binance_judge(rows[i].status, &said);
        cr_expect_eq(verdict.error, rows[i].meaning, "row %zu", i);
        cr_expect_eq(verdict.reason, rows[i].reason, "row %zu", i);
    }
}

/* The failure of a request of ours, whose id begins with that letter. */
static struct pw_entry_message failed(const char *letter, unsigned status, int64_t code, const char *text,
                                      const char *data)
{
    static char msg[512];
    struct pw_entry_message message;
    snprintf(msg, sizeof msg,
             "{\"id\":\"%s0000000001000007\",\"status\":%u,\"error\":{\"code\":%lld,\"msg\":\"%s\"%s}}",
             letter, status, (long long)code, text, data);
    cr_assert_eq(translate(msg, &message), PW_DECODE_ERROR_REPLY, "%s", msg);
    cr_assert(message.is_response && message.is_ours && message.has_failed);
    cr_expect_eq(message.failure.code, code);
    return message;
}

Test(responses, one_refusal_of_a_cancellation_is_for_good)
{
    cr_expect(
        failed("c", 400, -2011, "Order was not canceled due to cancel restrictions.", "").failure.is_final);
    cr_expect_not(failed("c", 400, -2011, "Unknown order sent.", "").failure.is_final);
    cr_expect_not(failed("c", 400, -1013, "not canceled due to cancel restrictions", "").failure.is_final);
}

Test(responses, a_missing_key_says_that_the_login_is_lost)
{
    cr_expect(failed("c", 400, -1102, "Mandatory parameter 'apiKey' was not sent.", "").failure.session_lost);
    cr_expect(
        failed("c", 400, -1102, "Mandatory parameter 'signature' was not sent.", "").failure.session_lost);
    cr_expect_not(
        failed("c", 400, -1102, "Mandatory parameter 'symbol' was not sent.", "").failure.session_lost);
    cr_expect_not(failed("c", 400, -1101, "'apiKey'", "").failure.session_lost);
}

Test(responses, a_subscription_that_stands_is_one)
{
    struct pw_entry_message message =
        failed("u", 400, -2035, "User Data Stream subscription already exists.", "");
    cr_expect_eq(message.kind, PW_ENTRY_SAYS_SUBSCRIBED);
    cr_expect_eq(failed("s", 400, -2035, "", "").kind, PW_ENTRY_SAYS_SUBSCRIBED);
    cr_expect_eq(failed("l", 400, -2035, "", "").kind, PW_ENTRY_SAYS_ERROR);
    cr_expect_eq(failed("u", 400, -2036, "", "").kind, PW_ENTRY_SAYS_ERROR);
}

Test(responses, the_end_of_a_ban_is_read_from_its_text)
{
    static const struct {
        const char *text;
        int64_t end_ns;
    } rows[] = {
        {"Way too much request weight used; IP banned until 1659146400000. Please use WebSocket Streams.",
         INT64_C(1659146400000000000)},
        {"IP banned until 1659146400000", INT64_C(1659146400000000000)},
        {"IP banned until 1659146400000000.", INT64_C(1659146400000000000)},
        {"IP banned until 99999999999999999999", 0},
        {"IP banned until soon", 0},
        {"IP banned until ", 0},
        {"Too many requests", 0},
        {"", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_entry_message message = failed("p", 418, -1003, rows[i].text, "");
        cr_expect_eq(message.pause.scope, PW_ENTRY_PAUSE_ALL);
        cr_expect_eq(message.pause.until_ns, rows[i].end_ns, "row %zu", i);
    }
}

Test(responses, a_pause_is_for_orders_or_for_all)
{
    static const char data[] = ",\"data\":{\"serverTime\":1659146400000,\"retryAfter\":1659146460000}";
    struct pw_entry_pause orders = failed("p", 429, -1015, "Too many new orders", "").pause;
    cr_expect(orders.scope == PW_ENTRY_PAUSE_ORDERS && orders.least_ns == INT64_C(10000000000));
    struct pw_entry_pause all = failed("p", 429, -1003, "Too much request weight", data).pause;
    cr_expect(all.scope == PW_ENTRY_PAUSE_ALL && all.for_ns == INT64_C(60000000000));
    cr_expect_eq(failed("p", 418, -1015, "", "").pause.scope, PW_ENTRY_PAUSE_ALL, "a ban holds for all");
    cr_expect_eq(failed("p", 418, -1015, "", "").pause.least_ns, INT64_C(120000000000));
    cr_expect_eq(failed("p", 403, -1015, "", "").pause.scope, PW_ENTRY_PAUSE_ALL);
    cr_expect_eq(failed("p", 400, -2010, "", "").pause.scope, PW_ENTRY_PAUSE_NONE);
}

/* cases/33-a-ban-that-cannot-be-read: the status is enough, whatever stands beside it. */
Test(responses, a_ban_is_one_whatever_stands_beside_its_status)
{
    static const char *const rests[] = {
        "\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":{\"serverTime\":1659146400000,\"retryAfter\":-5}}}",
        "\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":{\"retryAfter\":9223372036854775807}}}",
        "\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":{\"retryAfter\":\"soon\"}}}",
        "\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":{\"retryAfter\":{}}}}",
        "\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":[]}}",
        "\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":{\"retryAfter\":1,\"retryAfter\":2}}}",
        "\"error\":{\"code\":\"-1003\",\"msg\":null}}",
        "\"error\":{}}",
        "\"error\":null}",
        "\"error\":\"<html>\"}",
        "\"result\":{\"orderId\":7},\"error\":{\"code\":-1003,\"msg\":\"\"}}",
        "\"result\":{}}",
        "\"rateLimits\":5}",
        "\"error\":{\"code\":-1003,\"msg\":\"cut o",
        "",
    };
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        for (int status = 0; status < 4; status++) {
            static const char *const statuses[] = {"418", "429", "\"418\"", " 418"};
            struct pw_entry_message message;
            char msg[512];
            bool cut = rests[i][0] == '\0' || rests[i][strlen(rests[i]) - 1] != '}';
            if (cut && status == 2) {
                continue;
            }
            snprintf(msg, sizeof msg, "{\"id\":\"p0000000001000007\",\"status\":%s,%s", statuses[status],
                     rests[i]);
            cr_expect_eq(translate(msg, &message), PW_DECODE_ERROR_REPLY, "%s", msg);
            cr_expect(message.is_response && message.is_ours && message.has_failed, "%s", msg);
            cr_expect_eq(message.number, ID_OF_OURS);
            cr_expect_eq(message.failure.error, PW_ENTRY_RATE_LIMITED, "%s", msg);
            cr_expect_eq(message.pause.scope, PW_ENTRY_PAUSE_ALL, "%s", msg);
            cr_expect_eq(message.pause.for_ns, 0, "%s", msg);
            cr_expect_eq(message.pause.least_ns, (status == 1 ? 60 : 120) * PW_NS_PER_S, "%s", msg);
        }
    }
    struct pw_entry_message message = failed("p", 418, -1003, "IP banned until 1659146460000",
                                             ",\"data\":{\"serverTime\":1659146400000,\"retryAfter\":-5}");
    cr_expect_eq(message.pause.for_ns, INT64_C(60000000000), "what can be read of it counts");
}

/* cases/33-a-ban-that-cannot-be-read: so is the code, where the status cannot be read or says otherwise. */
Test(responses, a_ban_is_one_by_its_code_without_a_status)
{
    static const char *const statuses[] = {"",
                                           "\"status\":null,",
                                           "\"status\":418.0,",
                                           "\"status\":200,\"status\":418,",
                                           "\"status\":{},",
                                           "\"status\":-1,",
                                           "\"status\":200,",
                                           "\"status\":400,"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct pw_entry_message message;
        char msg[512];
        snprintf(msg, sizeof msg,
                 "{\"id\":\"p0000000001000007\",%s\"error\":{\"code\":-1003,\"msg\":\"IP banned until "
                 "1659146460000\",\"data\":{\"serverTime\":1659146400000}}}",
                 statuses[i]);
        cr_expect_eq(translate(msg, &message), PW_DECODE_ERROR_REPLY, "%s", msg);
        cr_expect(message.is_ours && message.has_failed, "%s", msg);
        cr_expect_eq(message.failure.error, PW_ENTRY_RATE_LIMITED, "%s", msg);
        cr_expect_eq(message.pause.scope, PW_ENTRY_PAUSE_ALL, "%s", msg);
        cr_expect_eq(message.pause.for_ns, INT64_C(60000000000), "%s", msg);
    }
}

/* What the examples of REST errors want done, by the code in their bodies or, without one, their status. */
Test(responses, errors_of_rest_mean_the_same)
{
    static const struct {
        const char *action;
        enum pw_entry_error meaning;
    } actions[] = {{"backoff", PW_ENTRY_RATE_LIMITED},
                   {"stop_until", PW_ENTRY_RATE_LIMITED},
                   {"throttle_orders", PW_ENTRY_RATE_LIMITED},
                   {"backoff_long", PW_ENTRY_RATE_LIMITED},
                   {"reconcile_unknown", PW_ENTRY_UNKNOWN},
                   {"reject", PW_ENTRY_REJECTED},
                   {"bug", PW_ENTRY_REJECTED},
                   {"resync_clock_retry", PW_ENTRY_TIMESTAMP_REJECTED},
                   {"fatal", PW_ENTRY_AUTH_REJECTED},
                   {"cancel_failed_reconcile", PW_ENTRY_CANCEL_UNKNOWN},
                   {"not_found", PW_ENTRY_NOT_FOUND}};
    struct shared_lines lines;
    unsigned cnt = 0;
    shared_need();
    shared_open(&lines, "venues/messages.jsonl");
    while (shared_next(&lines)) {
        json_t *line = json_loadb(lines.line, lines.size, 0, NULL),
               *expected = json_object_get(line, "expect");
        if (is_channel(line, "rest_error")) {
            const char *action = json_string_value(json_object_get(expected, "action"));
            const char *text = json_string_value(json_object_get(expected, "text"));
            struct pw_binance_error said =
                error(json_integer_value(json_object_get(expected, "code")), text ? text : "");
            uint32_t status = (uint32_t)json_integer_value(json_object_get(expected, "http"));
            size_t i = 0;
            while (i < sizeof actions / sizeof actions[0] && strcmp(actions[i].action, action) != 0) {
                i++;
            }
            cr_assert_lt(i, sizeof actions / sizeof actions[0], "%s", action);
            cr_expect_eq(pw_binance_judge(status, &said).error, actions[i].meaning, "%s: %s", action,
                         said.text.text);
            cnt++;
        }
        json_decref(line);
    }
    shared_close(&lines);
    cr_expect_eq(cnt, 21);
}

Test(responses, only_an_unknown_outcome_leaves_a_placed_order_in_doubt)
{
    for (int error = 0; error <= PW_ENTRY_NOT_FOUND; error++) {
        enum pw_exec_type exec_type = PW_EXEC_SENT;
        cr_assert(pw_entry_error_exec_type(PW_ENTRY_PLACE, (enum pw_entry_error)error, false, &exec_type));
        cr_expect_eq(exec_type, error == PW_ENTRY_UNKNOWN ? PW_EXEC_TIME_OUT : PW_EXEC_REJECT);
        cr_assert(pw_entry_error_exec_type(PW_ENTRY_CANCEL, (enum pw_entry_error)error, false, &exec_type));
        bool unknown = error == PW_ENTRY_CANCEL_UNKNOWN || error == PW_ENTRY_NOT_FOUND;
        cr_expect_eq(exec_type, error == PW_ENTRY_UNKNOWN ? PW_EXEC_TIME_OUT
                                : unknown                 ? PW_EXEC_CANCEL_UNKNOWN
                                                          : PW_EXEC_CANCEL_REJECTED);
        bool asked = pw_entry_error_exec_type(PW_ENTRY_QUERY, (enum pw_entry_error)error, false, &exec_type);
        cr_expect_eq(asked, error == PW_ENTRY_NOT_FOUND, "a query that failed says nothing of the order");
    }
}

Test(responses, both_halves_of_a_replacement_are_reports)
{
    static const struct {
        const char *msg;
        enum pw_exec_type canceled, placed;
    } rows[] = {
        {REPLY("r", "200",
               "\"result\":{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"SUCCESS\","
               "\"cancelResponse\":" ORDER("a", "CANCELED", "3") ",\"newOrderResponse\":" ORDER("b", "NEW",
                                                                                                "0") "}"),
         PW_EXEC_REPLACED, PW_EXEC_ACK},
        {REPLY("r", "409",
               "\"error\":{\"code\":-2021,\"msg\":\"\",\"data\":{\"cancelResult\":\"SUCCESS\","
               "\"newOrderResult\":\"FAILURE\","
               "\"cancelResponse\":" ORDER("a", "CANCELED",
                                           "3") ",\"newOrderResponse\":{\"code\":-2010,\"msg\":\"x\"}}}"),
         PW_EXEC_REPLACED, PW_EXEC_REJECT},
        {REPLY("r", "400",
               "\"error\":{\"code\":-2022,\"msg\":\"\",\"data\":{\"cancelResult\":\"FAILURE\","
               "\"newOrderResult\":"
               "\"NOT_ATTEMPTED\",\"cancelResponse\":{\"code\":-2011,\"msg\":\"Unknown order sent.\"},"
               "\"newOrderResponse\":null}}"),
         PW_EXEC_CANCEL_UNKNOWN, PW_EXEC_REJECT},
        {REPLY("r", "400",
               "\"error\":{\"code\":-2022,\"msg\":\"\",\"data\":{\"cancelResult\":\"FAILURE\","
               "\"newOrderResult\":"
               "\"NOT_ATTEMPTED\",\"cancelResponse\":{\"code\":-1015,\"msg\":\"Too many\"},"
               "\"newOrderResponse\":null}}"),
         PW_EXEC_REPLACE_REJECTED, PW_EXEC_REJECT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_entry_message message;
        enum pw_decode result = translate(rows[i].msg, &message);
        cr_assert(result == PW_DECODE_CONTROL || result == PW_DECODE_ERROR_REPLY, "row %zu: %d", i, result);
        cr_assert_eq(message.kind, PW_ENTRY_SAYS_REPLACE);
        const struct pw_report *canceled = &message.replaced.report, *placed = &message.order.report;
        cr_assert(message.replaced.has_report && message.order.has_report);
        cr_expect_eq(canceled->exec_type, rows[i].canceled, "row %zu", i);
        cr_expect_eq(placed->exec_type, rows[i].placed, "row %zu", i);
        cr_expect_eq(canceled->executed_qty_e8, canceled->exec_type == PW_EXEC_REPLACED ? 3 * PW_E8 : 0);
    }
}

/* cases/04-quantity-too-large */
Test(responses, an_execution_is_read_in_the_units_of_its_instrument)
{
    static const struct pw_instrument instrument = {.symbol = "BTTCUSDT", .unit_shift = 3};
    static const bool chosen[1] = {true};
    static struct pw_symbols symbols;
    struct pw_entry_message message;
    pw_symbols_of(&symbols, &instrument, chosen, 1);
    static const char text[] =
        "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":1,\"s\":\"BTTCUSDT\","
        "\"c\":\"pw-0badcafe-0000000000000005\",\"S\":\"BUY\",\"o\":\"LIMIT\",\"f\":\"GTC\","
        "\"q\":\"250000000000.00\",\"p\":\"0.00000051\",\"C\":\"\",\"x\":\"TRADE\",\"X\":\"PARTIALLY_"
        "FILLED\","
        "\"r\":\"NONE\",\"i\":9,\"l\":\"200000000000.00\",\"z\":\"200000000000.00\",\"L\":\"0.00000050\","
        "\"n\":\"200000000.00012\",\"N\":\"BTTC\",\"T\":1,\"t\":77,\"m\":false}}";
    cr_assert_eq(pw_binance_entry.decode(&symbols, text, strlen(text), &message), PW_DECODE_OK);
    cr_assert(message.order.has_report);
    const struct pw_report *report = &message.order.report;
    cr_expect_eq(report->fill_price_e8, 50000);
    cr_expect_eq(report->fill_qty_e8, INT64_C(20000000000000000));
    cr_expect_eq(report->executed_qty_e8, INT64_C(20000000000000000));
    cr_expect(report->fee_e16 == (pw_i128)INT64_C(20000000000012) * 10000 * 1000 * 10000);
}
