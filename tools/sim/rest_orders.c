/* SPDX-License-Identifier: MIT
 *
 * Placing, replacing, canceling and looking up orders, in the venue's words: see rest_orders.h.
 */
#include "rest_orders.h"

#include "rest_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct pw_sim_refusal g_unknown = {400, -2011, "Unknown order sent."};
static const struct pw_sim_refusal g_no_such = {400, -2013, "Order does not exist."};
static const struct pw_sim_refusal g_mismatch = {400, -2039,
                                                 "Client order ID is not correct for this order ID."};
static const struct pw_sim_refusal g_restricted = {400, -2011,
                                                   "Order was not canceled due to cancel restrictions."};

static void refuse(struct pw_sim_call *call, const struct pw_sim_refusal *refusal)
{
    pw_sim_call_error(call, refusal->status, refusal->code, "%s", refusal->text);
}

/* ---- pieces of answers ---- */

static void put_time(struct pw_sim_call *call, const char *name, int64_t time_ns)
{
    pw_sim_call_put(call, name);
    pw_sim_call_put_time(call, time_ns);
}

static void put_working_time(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    if (order->working) {
        put_time(call, ",\"workingTime\":", order->working_ns);
    } else {
        pw_sim_call_put(call, ",\"workingTime\":-1");
    }
}

static void put_ids(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    pw_sim_call_put_text(call, "{\"symbol\":\"", order->symbol->name);
    pw_sim_call_put_int(call, ",\"orderId\":", order->order_id);
    pw_sim_call_put(call, ",\"orderListId\":-1");
}

static void put_state(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    pw_sim_call_put_e8(call, ",\"price\":\"", order->price_e8);
    pw_sim_call_put_e8(call, ",\"origQty\":\"", order->qty_e8);
    pw_sim_call_put_e8(call, ",\"executedQty\":\"", order->filled_e8);
    pw_sim_call_put_e8(call, ",\"origQuoteOrderQty\":\"", order->quote_qty_e8);
    pw_sim_call_put_e8(call, ",\"cummulativeQuoteQty\":\"", order->quote_e8);
    pw_sim_call_put_text(call, ",\"status\":\"", pw_sim_status_texts[order->status]);
    pw_sim_call_put_text(call, ",\"timeInForce\":\"", pw_sim_tif_texts[order->tif]);
    pw_sim_call_put_text(call, ",\"type\":\"", pw_sim_order_type_texts[order->type]);
    pw_sim_call_put_text(call, ",\"side\":\"", order->side == PW_SELL ? "SELL" : "BUY");
}

/* Of an order that has one. */
static void put_stop_price(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    if (order->stop_price_e8) {
        pw_sim_call_put_e8(call, ",\"stopPrice\":\"", order->stop_price_e8);
    }
}

static void put_prevention(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    pw_sim_call_put_text(call, ",\"selfTradePreventionMode\":\"", pw_sim_prevention_texts[order->prevention]);
}

/* The order as queries tell it. */
static void put_order(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    put_ids(call, order);
    pw_sim_call_put_text(call, ",\"clientOrderId\":\"", order->client_id);
    put_state(call, order);
    pw_sim_call_put_e8(call, ",\"stopPrice\":\"", order->stop_price_e8);
    pw_sim_call_put_e8(call, ",\"icebergQty\":\"", 0);
    put_time(call, ",\"time\":", order->time_ns);
    put_time(call, ",\"updateTime\":", order->update_ns);
    pw_sim_call_put_bool(call, ",\"isWorking\":", order->working);
    put_working_time(call, order);
    put_prevention(call, order);
    pw_sim_call_put(call, "}");
}

static void put_fills(struct pw_sim_call *call, const struct pw_sim_client_order *order, uint64_t since)
{
    const struct pw_sim_orders *orders = call->rest->orders;
    const char *comma = "{\"price\":\"";

    pw_sim_call_put(call, ",\"fills\":[");
    for (uint64_t i = since; i < orders->fill_cnt; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(orders, i);
        if (!fill || fill->symbol != order->symbol || fill->order_id != order->order_id) {
            continue; /* the other side, where somebody trades with another client or himself */
        }
        pw_sim_call_put_e8(call, comma, fill->price_e8);
        pw_sim_call_put_e8(call, ",\"qty\":\"", fill->qty_e8);
        pw_sim_call_put_e8(call, ",\"commission\":\"", fill->fee_e8);
        pw_sim_call_put_text(call, ",\"commissionAsset\":\"", fill->fee_asset);
        pw_sim_call_put_int(call, ",\"tradeId\":", fill->trade_id);
        pw_sim_call_put(call, "}");
        comma = ",{\"price\":\"";
    }
    pw_sim_call_put(call, "]");
}

static void put_placed(struct pw_sim_call *call, const struct pw_sim_client_order *order,
                       enum pw_sim_reply reply, uint64_t fills_since)
{
    put_ids(call, order);
    pw_sim_call_put_text(call, ",\"clientOrderId\":\"", order->client_id);
    put_time(call, ",\"transactTime\":", order->time_ns);
    if (reply >= PW_SIM_REPLY_RESULT) {
        put_state(call, order);
        put_stop_price(call, order);
        put_working_time(call, order);
        put_prevention(call, order);
    }
    if (reply == PW_SIM_REPLY_FULL) {
        put_fills(call, order, fills_since);
    }
    pw_sim_call_put(call, "}");
}

static void put_canceled(struct pw_sim_call *call, const struct pw_sim_client_order *order,
                         const char *cancel_id)
{
    put_ids(call, order);
    pw_sim_call_put_text(call, ",\"origClientOrderId\":\"", order->client_id);
    pw_sim_call_put_text(call, ",\"clientOrderId\":\"", cancel_id);
    put_time(call, ",\"transactTime\":", order->update_ns);
    put_state(call, order);
    put_stop_price(call, order);
    put_prevention(call, order);
    pw_sim_call_put(call, "}");
}

/* ---- the limit on orders ---- */

static const struct {
    const char *per, *header;
} g_windows[PW_SIM_ORDER_WINDOWS] = {{"10 SECOND", "10S"}, {"1 DAY", "1D"}};

/* False: the account placed too many that are not filled; told. */
static bool order_rate_ok(struct pw_sim_call *call)
{
    const struct pw_sim_limits_config *limits = call->rest->limits;
    uint32_t most[PW_SIM_ORDER_WINDOWS] = {limits->orders_per_10s, limits->orders_per_day};

    for (int i = 0; i < PW_SIM_ORDER_WINDOWS; i++) {
        int64_t end_ns = pw_sim_account_window_end(call->account, (enum pw_sim_order_window)i, call->wall_ns);
        if (most[i] && call->account->order_cnts[i] >= most[i]) {
            call->answer->retry_after_s = pw_sim_call_seconds_until(call, end_ns);
            pw_sim_call_error(call, 429, -1015, "Too many new orders; current limit is %u orders per %s.",
                              most[i], g_windows[i].per);
            return false;
        }
    }
    return true;
}

/* Tells the counts, as every answer about a new order does. */
static void order_counts_tell(struct pw_sim_call *call)
{
    char *at = call->answer->headers;

    for (int i = 0; i < PW_SIM_ORDER_WINDOWS; i++) {
        size_t room = (size_t)(call->answer->headers + sizeof call->answer->headers - at);
        at += snprintf(at, room, "X-MBX-ORDER-COUNT-%s: %u\r\n", g_windows[i].header,
                       call->account->order_cnts[i]);
    }
}

/* ---- placing ---- */

void pw_sim_rest_order_test(struct pw_sim_call *call)
{
    const char *rates = pw_sim_call_text(call, "computeCommissionRates");
    bool wanted = rates && strcmp(rates, "true") == 0;
    struct pw_sim_order_request request;
    const struct pw_sim_refusal *refusal;
    enum pw_sim_reply reply;

    pw_sim_call_weigh(call, wanted ? 20 : 1);
    if (!pw_sim_request_read(call, &request, &reply) || !order_rate_ok(call)) {
        return;
    }
    refusal = pw_sim_orders_judge(call->rest->orders, call->account, &request, call->wall_ns);
    if (refusal) {
        refuse(call, refusal);
    } else if (wanted) {
        pw_sim_rest_put_test_rates(call);
    } else {
        pw_sim_call_put(call, "{}");
    }
}

void pw_sim_rest_order_place(struct pw_sim_call *call)
{
    struct pw_sim_orders *orders = call->rest->orders;
    uint64_t since = orders->fill_cnt;
    struct pw_sim_order_request request;
    struct pw_sim_client_order *order;
    const struct pw_sim_refusal *refusal;
    enum pw_sim_reply reply;

    if (!pw_sim_request_read(call, &request, &reply) || !order_rate_ok(call)) {
        return;
    }
    refusal = pw_sim_orders_place(orders, call->account, &request, call->wall_ns, &order);
    if (refusal) {
        refuse(call, refusal);
        return;
    }
    put_placed(call, order, reply, since);
    order_counts_tell(call);
}

/* ---- looking up ---- */

/* NULL, and in *order the one that is meant; or why not: `none`, or that the two ids are of different ones.
 */
static const struct pw_sim_refusal *order_find(struct pw_sim_call *call, const struct pw_sim_symbol *symbol,
                                               const struct pw_sim_order_ids *ids,
                                               const struct pw_sim_refusal *none,
                                               struct pw_sim_client_order **order)
{
    *order = pw_sim_orders_find(call->rest->orders, call->account, symbol, (uint64_t)ids->order_id,
                                ids->client_id);
    if (!*order) {
        return none;
    }
    return ids->order_id && ids->client_id && strcmp((*order)->client_id, ids->client_id) != 0 ? &g_mismatch
                                                                                               : NULL;
}

void pw_sim_rest_order_query(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    struct pw_sim_client_order *order;
    const struct pw_sim_refusal *refusal;
    struct pw_sim_order_ids ids;

    if (!symbol || !pw_sim_request_ids(call, "orderId", "origClientOrderId", &ids) ||
        !pw_sim_call_all_read(call)) {
        return;
    }
    refusal = order_find(call, symbol, &ids, &g_no_such, &order);
    if (refusal) {
        refuse(call, refusal);
    } else {
        put_order(call, order);
    }
}

void pw_sim_rest_open_orders(struct pw_sim_call *call)
{
    bool one = pw_sim_call_text(call, "symbol") != NULL;
    struct pw_sim_symbol *symbol = one ? pw_sim_call_symbol(call) : NULL;
    const struct pw_sim_client_order *order = NULL;
    const char *comma = "";

    pw_sim_call_weigh(call, one ? 6 : 80);
    if ((one && !symbol) || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_put(call, "[");
    while ((order = pw_sim_orders_next_open(call->rest->orders, call->account, order))) {
        if (!one || order->symbol == symbol) {
            pw_sim_call_put(call, comma);
            put_order(call, order);
            comma = ",";
        }
    }
    pw_sim_call_put(call, "]");
}

/* Which of the account's orders are wanted: from an id on, or the last ones; of some time. */
struct order_filter {
    const struct pw_sim_symbol *symbol;
    int64_t order_id; /* 0: any */
    struct pw_sim_span span;
    uint32_t limit;
};

static bool filter_takes(const struct order_filter *filter, const struct pw_sim_client_order *order)
{
    return order->symbol == filter->symbol && order->order_id >= (uint64_t)filter->order_id &&
           order->time_ns >= filter->span.begin_ns && order->time_ns <= filter->span.end_ns;
}

void pw_sim_rest_all_orders(struct pw_sim_call *call)
{
    const struct pw_sim_order_table *table = &call->rest->orders->table;
    struct order_filter filter = {.symbol = pw_sim_call_symbol(call)};
    const struct pw_sim_client_order *order = NULL;
    uint32_t matching = 0, skipped, written = 0;

    if (!filter.symbol || !pw_sim_call_number(call, "orderId", 0, &filter.order_id) ||
        !pw_sim_call_span(call, PW_SIM_DAY_NS, &filter.span) ||
        !pw_sim_call_limit(call, 500, 1000, &filter.limit) || !pw_sim_call_all_read(call)) {
        return;
    }
    while ((order = pw_sim_order_list_next(table, &call->account->made, PW_SIM_LIST_MADE, order))) {
        matching += filter_takes(&filter, order);
    }
    skipped = !filter.order_id && matching > filter.limit ? matching - filter.limit : 0;
    pw_sim_call_put(call, "[");
    while (written < filter.limit &&
           (order = pw_sim_order_list_next(table, &call->account->made, PW_SIM_LIST_MADE, order))) {
        if (!filter_takes(&filter, order) || (skipped && skipped--)) {
            continue;
        }
        pw_sim_call_put(call, written++ ? "," : "");
        put_order(call, order);
    }
    pw_sim_call_put(call, "]");
}

/* ---- canceling ---- */

/* Whom to cancel, and how. */
struct cancellation {
    struct pw_sim_order_ids ids;
    enum pw_sim_restriction restriction;
    const char *cancel_id; /* its own name; NULL: one is made */
    char made_id[PW_SIM_CLIENT_ID_BYTES];
};

static void cancel(struct pw_sim_call *call, struct pw_sim_client_order *order,
                   struct cancellation *cancellation)
{
    if (!cancellation->cancel_id) {
        snprintf(cancellation->made_id, sizeof cancellation->made_id, "cxl%019" PRIu64, order->order_id);
        cancellation->cancel_id = cancellation->made_id;
    }
    pw_sim_orders_cancel(call->rest->orders, order, cancellation->cancel_id, call->wall_ns);
}

/* NULL: done, and *order is as it was left; or why not. */
static const struct pw_sim_refusal *cancel_try(struct pw_sim_call *call, const struct pw_sim_symbol *symbol,
                                               struct cancellation *cancellation,
                                               struct pw_sim_client_order **order)
{
    const struct pw_sim_refusal *refusal = order_find(call, symbol, &cancellation->ids, &g_unknown, order);
    bool only_new = cancellation->restriction == PW_SIM_ONLY_NEW;

    if (refusal) {
        return refusal;
    }
    if (!(*order)->open) {
        return &g_unknown;
    }
    if (cancellation->restriction != PW_SIM_CANCEL_ANY &&
        only_new != ((*order)->status == PW_SIM_STATUS_NEW)) {
        return &g_restricted;
    }
    cancel(call, *order, cancellation);
    return NULL;
}

void pw_sim_rest_order_cancel(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    struct cancellation cancellation = {0};
    const struct pw_sim_refusal *refusal;
    struct pw_sim_client_order *order;

    if (!symbol || !pw_sim_request_name(call, "newClientOrderId", &cancellation.cancel_id) ||
        !pw_sim_request_restriction(call, &cancellation.restriction) ||
        !pw_sim_request_ids(call, "orderId", "origClientOrderId", &cancellation.ids) ||
        !pw_sim_call_all_read(call)) {
        return;
    }
    refusal = cancel_try(call, symbol, &cancellation, &order);
    if (refusal) {
        refuse(call, refusal);
    } else {
        put_canceled(call, order, cancellation.cancel_id);
    }
}

void pw_sim_rest_open_cancel(struct pw_sim_call *call)
{
    struct pw_sim_orders *orders = call->rest->orders;
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    struct pw_sim_client_order *order, *next;
    uint32_t canceled_cnt = 0;

    if (!symbol || !pw_sim_call_all_read(call)) {
        return;
    }
    for (order = pw_sim_orders_next_open(orders, call->account, NULL); order; order = next) {
        struct cancellation cancellation = {0};
        next = pw_sim_orders_next_open(orders, call->account, order);
        if (order->symbol == symbol) {
            cancel(call, order, &cancellation);
            pw_sim_call_put(call, canceled_cnt++ ? "," : "[");
            put_canceled(call, order, cancellation.cancel_id);
        }
    }
    if (canceled_cnt) {
        pw_sim_call_put(call, "]");
    } else {
        refuse(call, &g_unknown);
    }
}

/* ---- replacing ---- */

static const char *const g_modes[] = {"STOP_ON_FAILURE", "ALLOW_FAILURE"};
static const struct pw_sim_choice g_mode_choice = {
    "cancelReplaceMode", g_modes, 2, -1100, "Illegal characters found in parameter 'cancelReplaceMode'."};
static const char *const g_over_modes[] = {"DO_NOTHING", "CANCEL_ONLY"};
static const struct pw_sim_choice g_over_choice = {
    "orderRateLimitExceededMode", g_over_modes, 2, -1100,
    "Illegal characters found in parameter 'orderRateLimitExceededMode'."};

/* A replacement and what came of its two halves. */
struct replacement {
    struct cancellation cancellation;
    struct pw_sim_order_request request;
    enum pw_sim_reply reply;
    uint32_t goes_on, cancels_anyway;    /* when the first half fails; when there were too many orders */
    struct pw_sim_client_order canceled; /* a copy: its slot may be the new order's */
    struct pw_sim_client_order *placed;
    const struct pw_sim_refusal *cancel_refusal, *place_refusal;
    bool attempted; /* to place */
    uint64_t fills_since;
};

static bool replacement_read(struct pw_sim_call *call, struct replacement *replacement)
{
    struct cancellation *cancellation = &replacement->cancellation;

    return pw_sim_call_choose(call, &g_mode_choice, &replacement->goes_on) &&
           pw_sim_request_name(call, "cancelNewClientOrderId", &cancellation->cancel_id) &&
           pw_sim_request_restriction(call, &cancellation->restriction) &&
           (!pw_sim_call_text(call, "orderRateLimitExceededMode") ||
            pw_sim_call_choose(call, &g_over_choice, &replacement->cancels_anyway)) &&
           pw_sim_request_ids(call, "cancelOrderId", "cancelOrigClientOrderId", &cancellation->ids) &&
           pw_sim_request_read(call, &replacement->request, &replacement->reply);
}

static void put_refusal(struct pw_sim_call *call, const struct pw_sim_refusal *refusal)
{
    pw_buffer_format(call->body, "{\"code\":%d,\"msg\":\"%s\"}", refusal->code, refusal->text);
}

static void put_halves(struct pw_sim_call *call, const struct replacement *replacement)
{
    bool placed = replacement->attempted && !replacement->place_refusal;

    pw_sim_call_put_text(call, "{\"cancelResult\":\"", replacement->cancel_refusal ? "FAILURE" : "SUCCESS");
    pw_sim_call_put_text(call, ",\"newOrderResult\":\"",
                         placed                   ? "SUCCESS"
                         : replacement->attempted ? "FAILURE"
                                                  : "NOT_ATTEMPTED");
    pw_sim_call_put(call, ",\"cancelResponse\":");
    if (replacement->cancel_refusal) {
        put_refusal(call, replacement->cancel_refusal);
    } else {
        put_canceled(call, &replacement->canceled, replacement->cancellation.cancel_id);
    }
    pw_sim_call_put(call, ",\"newOrderResponse\":");
    if (placed) {
        put_placed(call, replacement->placed, replacement->reply, replacement->fills_since);
    } else if (replacement->attempted) {
        put_refusal(call, replacement->place_refusal);
    } else {
        pw_sim_call_put(call, "null");
    }
    pw_sim_call_put(call, "}");
}

static void replacement_answer(struct pw_sim_call *call, const struct replacement *replacement)
{
    bool placed = replacement->attempted && !replacement->place_refusal;

    pw_buffer_clear(call->body);
    if (placed && !replacement->cancel_refusal) {
        call->answer->status = 200;
        put_halves(call, replacement);
        return;
    }
    call->answer->status = placed || !replacement->cancel_refusal ? 409 : 400;
    pw_sim_call_put(call, call->answer->status == 409
                              ? "{\"code\":-2021,\"msg\":\"Order cancel-replace partially failed.\",\"data\":"
                              : "{\"code\":-2022,\"msg\":\"Order cancel-replace failed.\",\"data\":");
    put_halves(call, replacement);
    pw_sim_call_put(call, "}");
}

static void replacement_carry_out(struct pw_sim_call *call, struct replacement *replacement, bool may_place)
{
    static const struct pw_sim_refusal too_many = {429, -1015, "Too many new orders."};
    struct pw_sim_orders *orders = call->rest->orders;
    struct pw_sim_client_order *order;

    replacement->cancel_refusal =
        cancel_try(call, replacement->request.symbol, &replacement->cancellation, &order);
    if (replacement->cancel_refusal && !replacement->goes_on) {
        pw_sim_account_count_order(call->account, call->wall_ns); /* the venue counts it all the same */
        return;
    }
    if (!replacement->cancel_refusal) {
        replacement->canceled = *order;
    }
    replacement->attempted = true;
    replacement->fills_since = orders->fill_cnt;
    replacement->place_refusal = may_place ? pw_sim_orders_place(orders, call->account, &replacement->request,
                                                                 call->wall_ns, &replacement->placed)
                                           : &too_many;
}

void pw_sim_rest_order_replace(struct pw_sim_call *call)
{
    struct replacement replacement = {0};
    const struct pw_sim_refusal *refusal;
    bool may_place;

    if (!replacement_read(call, &replacement)) {
        return;
    }
    may_place = order_rate_ok(call);
    if (!may_place && !replacement.cancels_anyway) {
        return;
    }
    refusal = pw_sim_orders_filter(call->rest->orders, call->account, &replacement.request, call->wall_ns);
    if (refusal) {
        refuse(call, refusal);
        return;
    }
    call->answer->retry_after_s = 0;
    replacement_carry_out(call, &replacement, may_place);
    replacement_answer(call, &replacement);
    order_counts_tell(call);
}
