/* SPDX-License-Identifier: MIT
 *
 * Subscriptions, and the events in the venue's words: see user_stream.h.
 */
#include "user_stream.h"

#include "faults.h"
#include "websocket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An execution with what it points at, as that was then. */
struct pw_sim_told {
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
    struct pw_sim_told *told;

    if (!stream->subscription_cnt) {
        return;
    }
    told = room_make(stream->told, stream->told_cnt, &stream->told_capacity, sizeof *told);
    if (!told) {
        stream->lost = true;
        return;
    }
    stream->told = told;
    told = &stream->told[stream->told_cnt++];
    told->execution = *execution;
    told->order = *execution->order;
    told->fill = execution->fill ? *execution->fill : (struct pw_sim_fill){0};
    snprintf(told->cancel_id, sizeof told->cancel_id, "%s",
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
    free(stream->told);
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

/* ---- telling ---- */

struct telling {
    struct pw_sim_user_stream *stream;
    const struct pw_sim_subscription *to;
    struct pw_buffer *text;
    int64_t wall_ns;
};

static void put_text(const struct telling *telling, const char *name, const char *text)
{
    pw_buffer_string(telling->text, name);
    pw_buffer_string(telling->text, text);
    pw_buffer_string(telling->text, "\"");
}

static void put_int(const struct telling *telling, const char *name, uint64_t value)
{
    pw_buffer_string(telling->text, name);
    pw_buffer_int(telling->text, (int64_t)value);
}

static void put_e8(const struct telling *telling, const char *name, int64_t value_e8)
{
    pw_buffer_string(telling->text, name);
    pw_buffer_e8(telling->text, value_e8);
    pw_buffer_string(telling->text, "\"");
}

static void put_time(const struct telling *telling, const char *name, int64_t time_ns)
{
    pw_buffer_string(telling->text, name);
    pw_buffer_int(telling->text, time_ns / (telling->to->subscriber->microsecond ? 1000 : 1000000));
}

/* The envelope up to the event's time. */
static void event_begin(const struct telling *telling, const char *type)
{
    pw_buffer_clear(telling->text);
    put_int(telling, "{\"subscriptionId\":", telling->to->subscription_id);
    put_text(telling, ",\"event\":{\"e\":\"", type);
    put_time(telling, ",\"E\":", telling->wall_ns);
}

static void event_send(const struct telling *telling, const char *type)
{
    struct pw_sim_user_stream *stream = telling->stream;
    struct pw_sim_subscriber *subscriber = telling->to->subscriber;

    pw_buffer_string(telling->text, "}}");
    if (pw_sim_faults_hit(stream->faults, PW_SIM_DROP_EVENT, type)) {
        return;
    }
    if (telling->text->failed) {
        pw_serve_outlet_fail(subscriber->outlet);
    } else {
        pw_serve_outlet_send(subscriber->outlet, PW_WS_TEXT, telling->text->data, telling->text->size);
    }
}

static void put_terms(const struct telling *telling, const struct pw_sim_told *told)
{
    const struct pw_sim_client_order *order = &told->order;
    bool canceled = told->execution.type == PW_SIM_EXECUTION_CANCELED;

    put_text(telling, ",\"s\":\"", order->symbol->name);
    put_text(telling, ",\"c\":\"", canceled ? told->cancel_id : order->client_id);
    put_text(telling, ",\"S\":\"", order->side == PW_SELL ? "SELL" : "BUY");
    put_text(telling, ",\"o\":\"", pw_sim_order_type_texts[order->type]);
    put_text(telling, ",\"f\":\"", pw_sim_tif_texts[order->tif]);
    put_e8(telling, ",\"q\":\"", order->qty_e8);
    put_e8(telling, ",\"p\":\"", order->price_e8);
    put_e8(telling, ",\"P\":\"", order->stop_price_e8);
    put_e8(telling, ",\"F\":\"", 0);
    put_text(telling, ",\"g\":-1,\"C\":\"", canceled ? order->client_id : "");
}

static void put_fill(const struct telling *telling, const struct pw_sim_told *told)
{
    const struct pw_sim_fill *fill = &told->fill;
    bool traded = told->execution.type == PW_SIM_EXECUTION_TRADE;

    put_e8(telling, ",\"l\":\"", fill->qty_e8);
    put_e8(telling, ",\"z\":\"", told->order.filled_e8);
    put_e8(telling, ",\"L\":\"", fill->price_e8);
    if (traded) {
        put_e8(telling, ",\"n\":\"", fill->fee_e8);
        put_text(telling, ",\"N\":\"", fill->fee_asset);
    } else {
        pw_buffer_string(telling->text, ",\"n\":\"0\",\"N\":null");
    }
    put_time(telling, ",\"T\":", told->execution.market_ns);
    put_int(telling, ",\"t\":", traded ? fill->trade_id : (uint64_t)-1);
}

/* It ended, so all that was left of it. */
static void put_prevented(const struct telling *telling, const struct pw_sim_told *told)
{
    int64_t left_e8 = told->order.qty_e8 - told->order.filled_e8;

    put_int(telling, ",\"v\":", told->execution.execution_id);
    put_e8(telling, ",\"A\":\"", left_e8);
    put_e8(telling, ",\"B\":\"", left_e8);
}

static void tell_execution(const struct telling *telling, const struct pw_sim_told *told)
{
    const struct pw_sim_client_order *order = &told->order;
    static const char type[] = "executionReport";

    event_begin(telling, type);
    put_terms(telling, told);
    put_text(telling, ",\"x\":\"", g_types[told->execution.type]);
    put_text(telling, ",\"X\":\"", pw_sim_status_texts[order->status]);
    put_int(telling, ",\"r\":\"NONE\",\"i\":", order->order_id);
    put_fill(telling, told);
    if (told->execution.type == PW_SIM_EXECUTION_TRADE_PREVENTION) {
        put_prevented(telling, told);
    }
    put_int(telling, ",\"I\":", told->execution.execution_id);
    pw_buffer_string(telling->text, order->open && order->working ? ",\"w\":true" : ",\"w\":false");
    pw_buffer_string(telling->text, told->fill.maker ? ",\"m\":true" : ",\"m\":false");
    put_time(telling, ",\"M\":false,\"O\":", order->time_ns);
    put_e8(telling, ",\"Z\":\"", order->quote_e8);
    put_e8(telling, ",\"Y\":\"", told->fill.quote_e8);
    put_e8(telling, ",\"Q\":\"", order->quote_qty_e8);
    if (order->working_ns) {
        put_time(telling, ",\"W\":", order->working_ns);
    }
    put_text(telling, ",\"V\":\"", pw_sim_prevention_texts[order->prevention]);
    if (told->execution.expiry_reason) {
        put_text(telling, ",\"eR\":\"", told->execution.expiry_reason);
    }
    event_send(telling, type);
}

/* The account's balances that the executions have changed, each once. */
static uint32_t changed_collect(struct pw_sim_user_stream *stream, const struct pw_sim_account *account)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < stream->told_cnt; i++) {
        const struct pw_sim_client_order *order = &stream->told[i].order;
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

static void tell_balances(const struct telling *telling)
{
    struct pw_sim_user_stream *stream = telling->stream;
    uint32_t cnt = changed_collect(stream, telling->to->account);
    static const char type[] = "outboundAccountPosition";

    if (!cnt) {
        return;
    }
    event_begin(telling, type);
    put_time(telling, ",\"u\":", telling->to->account->update_ns);
    pw_buffer_string(telling->text, ",\"B\":[");
    for (uint32_t i = 0; i < cnt; i++) {
        put_text(telling, i ? ",{\"a\":\"" : "{\"a\":\"", stream->changed[i]->asset);
        put_e8(telling, ",\"f\":\"", stream->changed[i]->free_e8);
        put_e8(telling, ",\"l\":\"", stream->changed[i]->locked_e8);
        pw_buffer_string(telling->text, "}");
    }
    pw_buffer_string(telling->text, "]");
    event_send(telling, type);
}

void pw_sim_user_stream_flush(struct pw_sim_user_stream *stream, int64_t wall_ns)
{
    if (!stream->told_cnt && !stream->ending && !stream->lost) {
        return;
    }
    for (uint32_t i = 0; i < stream->subscription_cnt; i++) {
        struct telling telling = {stream, &stream->subscriptions[i], &stream->text, wall_ns};

        for (uint32_t k = 0; k < stream->told_cnt; k++) {
            if (stream->told[k].order.account == telling.to->account) {
                tell_execution(&telling, &stream->told[k]);
            }
        }
        tell_balances(&telling);
        if (telling.to->ending) {
            event_begin(&telling, "eventStreamTerminated");
            event_send(&telling, "eventStreamTerminated");
        }
        if (stream->lost) {
            pw_serve_outlet_fail(telling.to->subscriber->outlet);
        }
    }
    if (stream->ending) {
        subscriptions_remove(stream, NULL);
    }
    stream->told_cnt = 0;
    stream->ending = stream->lost = false;
}
