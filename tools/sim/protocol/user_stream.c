/* SPDX-License-Identifier: MIT
 *
 * Subscriptions, and the events in the venue's words: see user_stream.h.
 */
#include "user_stream.h"

#include "faults.h"
#include "json_fields.h"
#include "websocket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An execution with what it points at, as that was then. */
struct pw_sim_user_report {
    struct pw_sim_execution execution; /* its pointers are not to be used, but for expiry_reason */
    struct pw_sim_client_order order;
    struct pw_sim_fill fill;
    char cancel_id[PW_SIM_CLIENT_ID_BYTES];
};

/* The venue's words for enum pw_sim_execution_type. */
static const char *const g_types[PW_SIM_EXECUTION_TYPES] = {"NEW", "CANCELED", "TRADE", "EXPIRED",
                                                            "TRADE_PREVENTION"};

/* The rows, with room for one more; NULL: no memory, and they are as they were. */
static void *room_make(void *rows, uint32_t cnt, uint32_t *capacity, size_t row_bytes)
{
    uint32_t more = *capacity ? 2 * *capacity : 16;
    void *grown;

    if (cnt < *capacity) {
        return rows;
    }
    grown = realloc(rows, more * row_bytes);
    if (grown) {
        *capacity = more;
    }
    return grown;
}

/* ---- hearing ---- */

static void on_execution(void *state, const struct pw_sim_execution *execution)
{
    struct pw_sim_user_stream *stream = state;
    struct pw_sim_user_report *report;

    if (!stream->subscription_cnt) {
        return;
    }
    report = room_make(stream->report, stream->report_cnt, &stream->report_capacity, sizeof *report);
    if (!report) {
        stream->lost = true;
        return;
    }
    stream->report = report;
    report = &stream->report[stream->report_cnt++];
    report->execution = *execution;
    report->order = *execution->order;
    report->fill = execution->fill ? *execution->fill : (struct pw_sim_fill){0};
    snprintf(report->cancel_id, sizeof report->cancel_id, "%s",
             execution->cancel_id ? execution->cancel_id : execution->order->client_id);
}

int pw_sim_user_stream_init(struct pw_sim_user_stream *stream, struct pw_sim_faults *faults,
                            const struct pw_sim_accounts *accounts, struct pw_sim_orders *orders)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i < accounts->account_cnt; i++) {
        most = accounts->accounts[i].balance_cnt > most ? accounts->accounts[i].balance_cnt : most;
    }
    *stream = (struct pw_sim_user_stream){.faults = faults};
    stream->changed = calloc(most, sizeof *stream->changed);
    if (!stream->changed) {
        return -ENOMEM;
    }
    orders->listener = (struct pw_sim_order_listener){on_execution, stream};
    return 0;
}

void pw_sim_user_stream_fini(struct pw_sim_user_stream *stream)
{
    free(stream->subscriptions);
    free(stream->report);
    free(stream->changed);
    pw_buffer_free(&stream->text);
    *stream = (struct pw_sim_user_stream){0};
}

/* ---- subscriptions ---- */

int pw_sim_user_stream_subscribe(struct pw_sim_user_stream *stream,
                                 const struct pw_sim_subscription *subscription)
{
    const struct pw_sim_subscription *own = NULL;
    struct pw_sim_subscription *rows;

    while ((own = pw_sim_user_stream_next(stream, subscription->subscriber, own))) {
        if (own->account == subscription->account) {
            return -EALREADY;
        }
    }
    rows = room_make(stream->subscriptions, stream->subscription_cnt, &stream->subscription_capacity,
                     sizeof *rows);
    if (!rows) {
        return -ENOMEM;
    }
    stream->subscriptions = rows;
    stream->subscriptions[stream->subscription_cnt++] = *subscription;
    return 0;
}

struct pw_sim_subscription *pw_sim_user_stream_next(const struct pw_sim_user_stream *stream,
                                                    const struct pw_sim_subscriber *subscriber,
                                                    const struct pw_sim_subscription *after)
{
    uint32_t i = after ? (uint32_t)(after - stream->subscriptions) + 1 : 0;

    for (; i < stream->subscription_cnt; i++) {
        if (stream->subscriptions[i].subscriber == subscriber && !stream->subscriptions[i].ending) {
            return &stream->subscriptions[i];
        }
    }
    return NULL;
}

void pw_sim_user_stream_end(struct pw_sim_user_stream *stream, struct pw_sim_subscription *subscription)
{
    subscription->ending = stream->ending = true;
}

/* Takes away those of a connection, or (NULL) those that are ending. */
static void subscriptions_remove(struct pw_sim_user_stream *stream,
                                 const struct pw_sim_subscriber *subscriber)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < stream->subscription_cnt; i++) {
        const struct pw_sim_subscription *one = &stream->subscriptions[i];
        if (subscriber ? one->subscriber != subscriber : !one->ending) {
            stream->subscriptions[kept++] = *one;
        }
    }
    stream->subscription_cnt = kept;
}

void pw_sim_user_stream_leave(struct pw_sim_user_stream *stream, const struct pw_sim_subscriber *subscriber)
{
    subscriptions_remove(stream, subscriber);
}

/* ---- the events ---- */

/* One event's way to one subscription. */
struct delivery {
    struct pw_sim_user_stream *stream;
    const struct pw_sim_subscription *to;
    int64_t wall_ns;
};

static struct pw_sim_field time_of(const struct delivery *delivery, const char *name, int64_t time_ns)
{
    return pw_sim_time(name, time_ns, delivery->to->subscriber->microsecond);
}

static json_t *event_begin(const struct delivery *delivery, const char *type)
{
    return PW_SIM_OBJECT(pw_sim_text("e", type), time_of(delivery, "E", delivery->wall_ns));
}

/* In its envelope; the event is taken over. */
static void event_send(const struct delivery *delivery, const char *type, json_t *event)
{
    struct pw_sim_user_stream *stream = delivery->stream;
    struct pw_sim_subscriber *subscriber = delivery->to->subscriber;
    json_t *message = PW_SIM_OBJECT(pw_sim_int("subscriptionId", delivery->to->subscription_id),
                                    pw_sim_json("event", event));

    pw_buffer_clear(&stream->text);
    pw_sim_json_write(message, &stream->text);
    if (pw_sim_faults_hit(stream->faults, PW_SIM_DROP_EVENT, type)) {
        return;
    }
    if (stream->text.failed) {
        pw_serve_outlet_fail(subscriber->outlet);
    } else {
        pw_serve_outlet_send(subscriber->outlet, PW_WS_TEXT, stream->text.data, stream->text.size);
    }
}

static json_t *terms_extend(json_t *event, const struct pw_sim_user_report *report)
{
    const struct pw_sim_client_order *order = &report->order;
    bool canceled = report->execution.type == PW_SIM_EXECUTION_CANCELED;

    return PW_SIM_EXTEND(event, pw_sim_text("s", order->symbol->name),
                         pw_sim_text("c", canceled ? report->cancel_id : order->client_id),
                         pw_sim_text("S", order->side == PW_SELL ? "SELL" : "BUY"),
                         pw_sim_text("o", pw_sim_order_type_texts[order->type]),
                         pw_sim_text("f", pw_sim_tif_texts[order->tif]), pw_sim_e8("q", order->qty_e8),
                         pw_sim_e8("p", order->price_e8), pw_sim_e8("P", order->stop_price_e8),
                         pw_sim_e8("F", 0), pw_sim_int("g", -1),
                         pw_sim_text("C", canceled ? order->client_id : ""));
}

/* What traded, and what did not because it was prevented. */
static json_t *fill_extend(json_t *event, const struct delivery *delivery,
                           const struct pw_sim_user_report *report)
{
    const struct pw_sim_fill *fill = &report->fill;
    bool traded = report->execution.type == PW_SIM_EXECUTION_TRADE;

    return PW_SIM_EXTEND(
        event, pw_sim_e8("l", fill->qty_e8), pw_sim_e8("z", report->order.filled_e8),
        pw_sim_e8("L", fill->price_e8), traded ? pw_sim_e8("n", fill->fee_e8) : pw_sim_text("n", "0"),
        traded ? pw_sim_text("N", fill->fee_asset) : pw_sim_null("N"),
        time_of(delivery, "T", report->execution.market_ns),
        pw_sim_int("t", traded ? (int64_t)fill->trade_id : -1),
        pw_sim_if(report->order.prevented_e8 != 0, pw_sim_e8("A", report->order.prevented_e8)));
}

/* The match that was prevented: the account is of no trade group. */
static json_t *prevention_extend(json_t *event, const struct pw_sim_user_report *report)
{
    const struct pw_sim_prevention *prevention = &report->execution.prevention;
    bool both = prevention->counter_order_id != 0;

    if (report->execution.type != PW_SIM_EXECUTION_TRADE_PREVENTION) {
        return event;
    }
    return PW_SIM_EXTEND(event, pw_sim_int("v", (int64_t)prevention->match_id),
                         pw_sim_e8("B", prevention->qty_e8), pw_sim_if(both, pw_sim_int("u", -1)),
                         pw_sim_if(both, pw_sim_int("U", (int64_t)prevention->counter_order_id)),
                         pw_sim_if(both, pw_sim_text("Cs", report->order.symbol->name)),
                         pw_sim_if(both, pw_sim_e8("pl", prevention->qty_e8)),
                         pw_sim_if(both, pw_sim_e8("pL", prevention->price_e8)),
                         pw_sim_if(both, pw_sim_e8("pY", (int64_t)((pw_i128)prevention->price_e8 *
                                                                   prevention->qty_e8 / PW_E8))));
}

static void execution_send(const struct delivery *delivery, const struct pw_sim_user_report *report)
{
    const struct pw_sim_client_order *order = &report->order;
    const char *expiry = report->execution.expiry_reason;
    static const char type[] = "executionReport";
    json_t *event = terms_extend(event_begin(delivery, type), report);

    event = PW_SIM_EXTEND(event, pw_sim_text("x", g_types[report->execution.type]),
                          pw_sim_text("X", pw_sim_status_texts[order->status]), pw_sim_text("r", "NONE"),
                          pw_sim_int("i", (int64_t)order->order_id));
    event = prevention_extend(fill_extend(event, delivery, report), report);
    event = PW_SIM_EXTEND(event, pw_sim_int("I", (int64_t)report->execution.execution_id),
                          pw_sim_bool("w", order->open && order->working),
                          pw_sim_bool("m", report->fill.maker), pw_sim_bool("M", false),
                          time_of(delivery, "O", order->time_ns), pw_sim_e8("Z", order->quote_e8),
                          pw_sim_e8("Y", report->fill.quote_e8), pw_sim_e8("Q", order->quote_qty_e8),
                          pw_sim_if(order->working_ns != 0, time_of(delivery, "W", order->working_ns)),
                          pw_sim_text("V", pw_sim_prevention_texts[order->prevention]),
                          pw_sim_if(expiry != NULL, pw_sim_text("eR", expiry)));
    event_send(delivery, type, event);
}

/* The account's balances that the executions have changed, each once. */
static uint32_t changed_collect(struct pw_sim_user_stream *stream, const struct pw_sim_account *account)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < stream->report_cnt; i++) {
        const struct pw_sim_client_order *order = &stream->report[i].order;
        const struct pw_sim_balance *both[2] = {order->base, order->quote};
        for (uint32_t k = 0; k < 2 && order->account == account; k++) {
            uint32_t at = 0;
            while (at < cnt && stream->changed[at] != both[k]) {
                at++;
            }
            stream->changed[at] = both[k];
            cnt += at == cnt;
        }
    }
    return cnt;
}

static void balances_send(const struct delivery *delivery)
{
    struct pw_sim_user_stream *stream = delivery->stream;
    uint32_t cnt = changed_collect(stream, delivery->to->account);
    static const char type[] = "outboundAccountPosition";
    json_t *balances;

    if (!cnt) {
        return;
    }
    balances = json_array();
    for (uint32_t i = 0; i < cnt; i++) {
        const struct pw_sim_balance *balance = stream->changed[i];
        balances = pw_sim_append(balances, PW_SIM_OBJECT(pw_sim_text("a", balance->asset),
                                                         pw_sim_e8("f", balance->free_e8),
                                                         pw_sim_e8("l", balance->locked_e8)));
    }
    event_send(delivery, type,
               PW_SIM_EXTEND(event_begin(delivery, type),
                             time_of(delivery, "u", delivery->to->account->update_ns),
                             pw_sim_json("B", balances)));
}

void pw_sim_user_stream_flush(struct pw_sim_user_stream *stream, int64_t wall_ns)
{
    if (!stream->report_cnt && !stream->ending && !stream->lost) {
        return;
    }
    for (uint32_t i = 0; i < stream->subscription_cnt; i++) {
        struct delivery delivery = {stream, &stream->subscriptions[i], wall_ns};

        for (uint32_t k = 0; k < stream->report_cnt; k++) {
            if (stream->report[k].order.account == delivery.to->account) {
                execution_send(&delivery, &stream->report[k]);
            }
        }
        balances_send(&delivery);
        if (delivery.to->ending) {
            static const char type[] = "eventStreamTerminated";
            event_send(&delivery, type, event_begin(&delivery, type));
        }
        if (stream->lost) {
            pw_serve_outlet_fail(delivery.to->subscriber->outlet);
        }
    }
    if (stream->ending) {
        subscriptions_remove(stream, NULL);
    }
    stream->report_cnt = 0;
    stream->ending = stream->lost = false;
}
