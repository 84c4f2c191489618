/* SPDX-License-Identifier: MIT
 *
 * Placing, replacing, canceling and looking up orders, in the venue's words: see rest_orders.h.
 */
#include "rest_orders.h"

#include "order_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct pw_sim_reject g_unknown = {400, -2011, "Unknown order sent."};
static const struct pw_sim_reject g_no_such = {400, -2013, "Order does not exist."};
static const struct pw_sim_reject g_mismatch = {400, -2039,
                                                "Client order ID is not correct for this order ID."};
static const struct pw_sim_reject g_restricted = {400, -2011,
                                                  "Order was not canceled due to cancel restrictions."};

static void refuse(struct pw_sim_call *call, const struct pw_sim_reject *reject)
{
    pw_sim_call_error(call, reject->status, reject->code, "%s", reject->text);
}

/* ---- the limit on orders ---- */

static const struct {
    const char *per, *header;
} g_windows[PW_SIM_ORDER_WINDOWS] = {{"10 SECOND", "10S"}, {"1 DAY", "1D"}};

/* False: the account placed too many that are not filled; error. */
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

/* Adds the counts, as every answer about a new order does. */
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
    const struct pw_sim_reject *reject;
    enum pw_sim_reply reply;

    pw_sim_call_weigh(call, wanted ? 20 : 1);
    if (!pw_sim_request_read(call, &request, &reply) || !order_rate_ok(call)) {
        return;
    }
    reject = pw_sim_orders_judge(call->rest->orders, call->account, &request, call->wall_ns);
    if (reject) {
        refuse(call, reject);
    } else if (wanted) {
        pw_sim_call_answer(call, pw_sim_test_rates_json(call->account->config));
    } else {
        pw_sim_call_answer(call, json_object());
    }
}

void pw_sim_rest_order_place(struct pw_sim_call *call)
{
    struct pw_sim_orders *orders = call->rest->orders;
    uint64_t since = orders->fill_cnt;
    struct pw_sim_order_request request;
    struct pw_sim_client_order *order;
    const struct pw_sim_reject *reject;
    enum pw_sim_reply reply;

    if (!pw_sim_request_read(call, &request, &reply) || !order_rate_ok(call)) {
        return;
    }
    reject = pw_sim_orders_place(orders, call->account, &request, call->wall_ns, &order);
    if (reject) {
        refuse(call, reject);
        return;
    }
    pw_sim_call_answer(call, pw_sim_placed_json(call, order, reply, since));
    order_counts_tell(call);
}

/* ---- looking up ---- */

/* NULL, and in *order the one that is meant; or why not: `none`, or that the two ids are of different ones.
 */
static const struct pw_sim_reject *order_find(struct pw_sim_call *call, const struct pw_sim_symbol *symbol,
                                              const struct pw_sim_order_ids *ids,
                                              const struct pw_sim_reject *none,
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
    const struct pw_sim_reject *reject;
    struct pw_sim_order_ids ids;

    if (!symbol || !pw_sim_request_ids(call, "orderId", "origClientOrderId", &ids) ||
        !pw_sim_call_all_read(call)) {
        return;
    }
    reject = order_find(call, symbol, &ids, &g_no_such, &order);
    if (reject) {
        refuse(call, reject);
    } else {
        pw_sim_call_answer(call, pw_sim_order_json(call, order));
    }
}

void pw_sim_rest_open_orders(struct pw_sim_call *call)
{
    bool one = pw_sim_call_text(call, "symbol") != NULL;
    struct pw_sim_symbol *symbol = one ? pw_sim_call_symbol(call) : NULL;
    const struct pw_sim_client_order *order = NULL;
    json_t *orders;

    pw_sim_call_weigh(call, one ? 6 : 80);
    if ((one && !symbol) || !pw_sim_call_all_read(call)) {
        return;
    }
    orders = json_array();
    while ((order = pw_sim_orders_next_open(call->rest->orders, call->account, order))) {
        if (!one || order->symbol == symbol) {
            orders = pw_sim_append(orders, pw_sim_order_json(call, order));
        }
    }
    pw_sim_call_answer(call, orders);
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
    uint32_t matching = 0, skipped;
    json_t *orders;

    if (!filter.symbol || !pw_sim_call_number(call, "orderId", 0, &filter.order_id) ||
        !pw_sim_call_span(call, PW_SIM_DAY_NS, &filter.span) ||
        !pw_sim_call_limit(call, 500, 1000, &filter.limit) || !pw_sim_call_all_read(call)) {
        return;
    }
    while ((order = pw_sim_order_list_next(table, &call->account->made, PW_SIM_LIST_MADE, order))) {
        matching += filter_takes(&filter, order);
    }
    skipped = !filter.order_id && matching > filter.limit ? matching - filter.limit : 0;
    orders = json_array();
    while (json_array_size(orders) < filter.limit &&
           (order = pw_sim_order_list_next(table, &call->account->made, PW_SIM_LIST_MADE, order))) {
        if (filter_takes(&filter, order) && !(skipped && skipped--)) {
            orders = pw_sim_append(orders, pw_sim_order_json(call, order));
        }
    }
    pw_sim_call_answer(call, orders);
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
static const struct pw_sim_reject *cancel_try(struct pw_sim_call *call, const struct pw_sim_symbol *symbol,
                                              struct cancellation *cancellation,
                                              struct pw_sim_client_order **order)
{
    const struct pw_sim_reject *reject = order_find(call, symbol, &cancellation->ids, &g_unknown, order);
    bool only_new = cancellation->restriction == PW_SIM_ONLY_NEW;

    if (reject) {
        return reject;
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
    const struct pw_sim_reject *reject;
    struct pw_sim_client_order *order;

    if (!symbol || !pw_sim_request_name(call, "newClientOrderId", &cancellation.cancel_id) ||
        !pw_sim_request_restriction(call, &cancellation.restriction) ||
        !pw_sim_request_ids(call, "orderId", "origClientOrderId", &cancellation.ids) ||
        !pw_sim_call_all_read(call)) {
        return;
    }
    reject = cancel_try(call, symbol, &cancellation, &order);
    if (reject) {
        refuse(call, reject);
    } else {
        pw_sim_call_answer(call, pw_sim_canceled_json(call, order, cancellation.cancel_id));
    }
}

void pw_sim_rest_open_cancel(struct pw_sim_call *call)
{
    struct pw_sim_orders *orders = call->rest->orders;
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    struct pw_sim_client_order *order, *next;
    uint32_t canceled_cnt = 0;
    json_t *canceled;

    if (!symbol || !pw_sim_call_all_read(call)) {
        return;
    }
    canceled = json_array();
    for (order = pw_sim_orders_next_open(orders, call->account, NULL); order; order = next) {
        struct cancellation cancellation = {0};
        next = pw_sim_orders_next_open(orders, call->account, order);
        if (order->symbol == symbol) {
            cancel(call, order, &cancellation);
            canceled = pw_sim_append(canceled, pw_sim_canceled_json(call, order, cancellation.cancel_id));
            canceled_cnt++;
        }
    }
    if (canceled_cnt) {
        pw_sim_call_answer(call, canceled);
    } else {
        json_decref(canceled);
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

/* A replacement and what came of its two parts. */
struct replacement {
    struct cancellation cancellation;
    struct pw_sim_order_request request;
    enum pw_sim_reply reply;
    uint32_t goes_on, cancels_anyway;    /* when the first half fails; when there were too many orders */
    struct pw_sim_client_order canceled; /* a copy: its slot may be the new order's */
    struct pw_sim_client_order *placed;
    const struct pw_sim_reject *cancel_reject, *place_reject;
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

static json_t *reject_json(const struct pw_sim_reject *reject)
{
    return pw_sim_error_json(reject->code, reject->text);
}

static json_t *new_order_json(const struct pw_sim_call *call, const struct replacement *replacement)
{
    if (!replacement->attempted) {
        return json_null();
    }
    return replacement->place_reject
               ? reject_json(replacement->place_reject)
               : pw_sim_placed_json(call, replacement->placed, replacement->reply, replacement->fills_since);
}

static json_t *parts_json(const struct pw_sim_call *call, const struct replacement *replacement)
{
    const struct pw_sim_reject *reject = replacement->cancel_reject;
    const char *placed = !replacement->attempted     ? "NOT_ATTEMPTED"
                         : replacement->place_reject ? "FAILURE"
                                                     : "SUCCESS";

    return PW_SIM_OBJECT(
        pw_sim_text("cancelResult", reject ? "FAILURE" : "SUCCESS"), pw_sim_text("newOrderResult", placed),
        pw_sim_json("cancelResponse", reject ? reject_json(reject)
                                             : pw_sim_canceled_json(call, &replacement->canceled,
                                                                    replacement->cancellation.cancel_id)),
        pw_sim_json("newOrderResponse", new_order_json(call, replacement)));
}

static void replacement_answer(struct pw_sim_call *call, const struct replacement *replacement)
{
    bool placed = replacement->attempted && !replacement->place_reject;
    bool canceled = !replacement->cancel_reject;
    json_t *parts = parts_json(call, replacement);

    pw_buffer_clear(call->body);
    call->answer->status = placed && canceled ? 200 : placed || canceled ? 409 : 400;
    if (call->answer->status != 200) {
        parts = PW_SIM_EXTEND(call->answer->status == 409
                                  ? pw_sim_error_json(-2021, "Order cancel-replace partially failed.")
                                  : pw_sim_error_json(-2022, "Order cancel-replace failed."),
                              pw_sim_json("data", parts));
    }
    pw_sim_call_answer(call, parts);
}

static void replacement_carry_out(struct pw_sim_call *call, struct replacement *replacement, bool may_place)
{
    static const struct pw_sim_reject too_many = {429, -1015, "Too many new orders."};
    struct pw_sim_orders *orders = call->rest->orders;
    struct pw_sim_client_order *order;

    replacement->cancel_reject =
        cancel_try(call, replacement->request.symbol, &replacement->cancellation, &order);
    if (replacement->cancel_reject && !replacement->goes_on) {
        pw_sim_account_count_order(call->account, call->wall_ns); /* the venue counts it all the same */
        return;
    }
    if (!replacement->cancel_reject) {
        replacement->canceled = *order;
    }
    replacement->attempted = true;
    replacement->fills_since = orders->fill_cnt;
    replacement->place_reject = may_place ? pw_sim_orders_place(orders, call->account, &replacement->request,
                                                                call->wall_ns, &replacement->placed)
                                          : &too_many;
}

void pw_sim_rest_order_replace(struct pw_sim_call *call)
{
    struct replacement replacement = {0};
    const struct pw_sim_reject *reject;
    bool may_place;

    if (!replacement_read(call, &replacement)) {
        return;
    }
    may_place = order_rate_ok(call);
    if (!may_place && !replacement.cancels_anyway) {
        return;
    }
    reject = pw_sim_orders_filter(call->rest->orders, call->account, &replacement.request, call->wall_ns);
    if (reject) {
        refuse(call, reject);
        return;
    }
    call->answer->retry_after_s = 0;
    replacement_carry_out(call, &replacement, may_place);
    replacement_answer(call, &replacement);
    order_counts_tell(call);
}
