/* SPDX-License-Identifier: MIT
 *
 * One table of endpoints, and whether a request may have one: see rest.h.
 */
#include "rest.h"

#include "rest_call.h"
#include "rest_info.h"
#include "rest_market.h"
#include "rest_orders.h"
#include "signature.h"

#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <string.h>

#define PARAMETERS_MAX 12u /* of public endpoints */
#define TOO_MUCH_WEIGHT                                                                                      \
    "Too much request weight used; current limit is %u request weight per 1 MINUTE. Please use "             \
    "WebSocket Streams for live updates to avoid polling the API."
#define BANNED                                                                                               \
    "Way too much request weight used; IP banned until %" PRId64 ". Please use WebSocket Streams "           \
    "for live updates to avoid bans."

/* ---- dispatch ---- */

static const struct pw_sim_endpoint endpoints[] = {
    {"GET", "/api/v3/ping", pw_sim_rest_ping, 1, false, false},
    {"GET", "/api/v3/time", pw_sim_rest_time, 1, false, false},
    {"GET", "/api/v3/exchangeInfo", pw_sim_rest_exchange_info, 20, false, false},
    {"GET", "/api/v3/depth", pw_sim_rest_depth, 0, false, false},
    {"GET", "/api/v3/trades", pw_sim_rest_trades, 25, false, false},
    {"GET", "/api/v3/historicalTrades", pw_sim_rest_trades, 25, false, false},
    {"GET", "/api/v3/aggTrades", pw_sim_rest_agg_trades, 4, false, false},
    {"GET", "/api/v3/klines", pw_sim_rest_klines, 2, false, false},
    {"GET", "/api/v3/uiKlines", pw_sim_rest_klines, 2, false, false},
    {"GET", "/api/v3/avgPrice", pw_sim_rest_average, 2, false, false},
    {"GET", "/api/v3/referencePrice", pw_sim_rest_reference, 2, false, false},
    {"GET", "/api/v3/referencePrice/calculation", pw_sim_rest_reference_calculation, 2, false, false},
    {"GET", "/api/v3/executionRules", pw_sim_rest_execution_rules, 0, false, false},
    {"GET", "/api/v3/ticker/24hr", pw_sim_rest_day, 0, false, false},
    {"GET", "/api/v3/ticker/price", pw_sim_rest_price, 0, false, false},
    {"GET", "/api/v3/ticker/bookTicker", pw_sim_rest_book_ticker, 0, false, false},
    {"POST", "/api/v3/order", pw_sim_rest_order_place, 1, true, true},
    {"DELETE", "/api/v3/order", pw_sim_rest_order_cancel, 1, true, true},
    {"GET", "/api/v3/order", pw_sim_rest_order_query, 4, true, false},
    {"POST", "/api/v3/order/cancelReplace", pw_sim_rest_order_replace, 1, true, true},
    {"POST", "/api/v3/order/test", pw_sim_rest_order_test, 0, true, false},
    {"GET", "/api/v3/openOrders", pw_sim_rest_open_orders, 0, true, false},
    {"DELETE", "/api/v3/openOrders", pw_sim_rest_open_cancel, 1, true, true},
    {"GET", "/api/v3/allOrders", pw_sim_rest_all_orders, 20, true, false},
    {"GET", "/api/v3/account", pw_sim_rest_account, 20, true, false},
    {"GET", "/api/v3/account/commission", pw_sim_rest_commission, 20, true, false},
    {"GET", "/api/v3/rateLimit/order", pw_sim_rest_order_rates, 40, true, false},
    {"GET", "/api/v3/myTrades", pw_sim_rest_my_trades, 0, true, false},
    {"GET", "/fapi/v1/exchangeInfo", pw_sim_rest_no_derivatives, 1, false, false},
    {"GET", "/dapi/v1/exchangeInfo", pw_sim_rest_no_derivatives, 1, false, false},
    {"GET", "/sapi/v1/asset/tradeFee", pw_sim_rest_trade_fee, 1, true, false},
    {"GET", "/sapi/v1/capital/config/getall", pw_sim_rest_nothing, 1, true, false},
    {"GET", "/sapi/v1/margin/allPairs", pw_sim_rest_nothing, 1, false, false},
    {"GET", "/sapi/v1/margin/isolated/allPairs", pw_sim_rest_nothing, 1, false, false},
};

const struct pw_sim_endpoint *pw_sim_endpoint_find(struct pw_slice method, struct pw_slice path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (pw_slice_equal(method, endpoints[i].method) && pw_slice_equal(path, endpoints[i].path)) {
            return &endpoints[i];
        }
    }
    return NULL;
}

static bool path_known(struct pw_slice path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (pw_slice_equal(path, endpoints[i].path)) {
            return true;
        }
    }
    return false;
}

/* True if the request is refused because there were too many. */
static bool over_limit(struct pw_sim_call *call)
{
    struct pw_sim_rest *rest = call->rest;
    int64_t window_ns = rest->limits->weight_window_s * PW_NS_PER_S;
    int64_t window = call->wall_ns / window_ns;
    int64_t window_end_ns = (window + 1) * window_ns;
    uint32_t limit = rest->limits->weight_per_min;

    if (window != rest->window) {
        rest->window = window;
        rest->used_weight = rest->refused_cnt = 0;
    }
    if (limit && rest->used_weight >= limit && ++rest->refused_cnt > rest->limits->ban_after &&
        rest->limits->ban_after && call->wall_ns >= rest->banned_until_ns) {
        rest->banned_until_ns = call->wall_ns + rest->limits->ban_s * PW_NS_PER_S;
    }
    if (call->wall_ns < rest->banned_until_ns) {
        call->answer->retry_after_s = pw_sim_call_seconds_until(call, rest->banned_until_ns);
        pw_sim_call_error(call, 418, -1003, BANNED, rest->banned_until_ns / 1000000);
        return true;
    }
    if (limit && rest->used_weight >= limit) {
        call->answer->retry_after_s = pw_sim_call_seconds_until(call, window_end_ns);
        pw_sim_call_error(call, 429, -1003, TOO_MUCH_WEIGHT, limit);
        return true;
    }
    return false;
}

static void answer_fault(struct pw_sim_call *call, const struct pw_sim_fault *fault)
{
    struct pw_sim_rest_answer *answer = call->answer;

    if (fault->html) {
        answer->status = fault->status;
        answer->content_type = "text/html";
        pw_buffer_format(call->body, "<html><head><title>%u</title></head><body><h1>%u</h1></body></html>",
                         fault->status, fault->status);
    } else if (fault->status == 429) {
        pw_sim_call_error(call, 429, -1003, TOO_MUCH_WEIGHT, call->rest->limits->weight_per_min);
    } else if (fault->status == 418) {
        pw_sim_call_error(call, 418, -1003, BANNED,
                          call->wall_ns / 1000000 + (int64_t)call->rest->limits->ban_s * 1000);
    } else {
        pw_sim_call_error(call, fault->status, -1000, PW_SIM_SERVER_ERROR);
    }
    if (fault->status == 429 || fault->status == 418) {
        answer->retry_after_s = fault->status == 418 ? call->rest->limits->ban_s : 1;
    }
}

bool pw_sim_call_admit(struct pw_sim_call *call, const char *subject)
{
    const struct pw_sim_fault *fault =
        pw_sim_faults_request(call->rest->faults, subject, &call->answer->delay_ms);

    if (over_limit(call)) {
        return false;
    }
    if (fault) {
        answer_fault(call, fault);
    }
    return !fault;
}

void pw_sim_call_perform(struct pw_sim_call *call, const struct pw_sim_endpoint *endpoint,
                         const char *subject)
{
    const struct pw_sim_fault *fault;

    endpoint->answer(call);
    if (endpoint->free_if_done && call->answer->status == 200) {
        call->rest->used_weight -=
            endpoint->weight < call->rest->used_weight ? endpoint->weight : call->rest->used_weight;
    }
    fault = pw_sim_faults_hit(call->rest->faults, PW_SIM_UNKNOWN, subject);
    if (fault) {
        pw_sim_call_error(call, fault->status, -1007,
                          "Timeout waiting for response from backend server. Send status unknown; execution "
                          "status unknown.");
    }
}

/* The key's owner, by query and body as sent. False: error. */
static bool call_authorize(struct pw_sim_call *call, const struct pw_sim_rest_request *request,
                           struct pw_slice query)
{
    const struct pw_slice *key = pw_http_find(request->head, "X-MBX-APIKEY");
    struct pw_buffer *payload = &call->rest->payload;

    pw_sim_signature_payload(payload, query, request->body);
    if (payload->failed) {
        pw_sim_call_error(call, 500, -1000, PW_SIM_SERVER_ERROR);
        return false;
    }
    return pw_sim_call_authorize(call, key ? *key : (struct pw_slice){0},
                                 (struct pw_slice){payload->data, payload->size});
}

static void call_endpoint(struct pw_sim_call *call, const struct pw_sim_endpoint *endpoint,
                          const struct pw_sim_rest_request *request, struct pw_slice query)
{
    pw_sim_call_weigh(call, endpoint->weight);
    if (!endpoint->is_signed) {
        if (pw_sim_call_parse(call, query, PARAMETERS_MAX)) {
            pw_sim_call_perform(call, endpoint, endpoint->path);
        }
    } else if (pw_sim_call_parse(call, query, PW_SIM_PARAMETERS_MAX) &&
               pw_sim_call_parse(call, request->body, PW_SIM_PARAMETERS_MAX) &&
               call_authorize(call, request, query)) {
        pw_sim_call_perform(call, endpoint, endpoint->path);
    }
}

static void call_dispatch(struct pw_sim_call *call, const struct pw_sim_rest_request *request)
{
    struct pw_slice target = request->head->target, query = {0};
    const char *mark = memchr(target.text, '?', target.size);
    struct pw_slice path = {target.text, mark ? (size_t)(mark - target.text) : target.size};
    const struct pw_sim_endpoint *endpoint = pw_sim_endpoint_find(request->head->method, path);
    char text[128];

    if (mark) {
        query = (struct pw_slice){mark + 1, target.size - path.size - 1};
    }
    snprintf(text, sizeof text, "%.*s", (int)path.size, path.text);
    if (!pw_sim_call_admit(call, text)) {
        return;
    }
    if (endpoint) {
        call_endpoint(call, endpoint, request, query);
    } else if (path_known(path)) {
        pw_sim_call_error(call, 405, -1020, "This operation is not supported.");
    } else {
        pw_sim_call_error(call, 404, -1000, "There is no such endpoint.");
    }
}

void pw_sim_rest_answer(struct pw_sim_rest *rest, const struct pw_sim_rest_request *request,
                        struct pw_sim_rest_answer *answer)
{
    const struct pw_slice *unit = pw_http_find(request->head, "X-MBX-TIME-UNIT");
    struct pw_sim_call call = {
        .rest = rest, .answer = answer, .body = answer->body, .wall_ns = request->wall_ns + rest->clock_ns};

    *answer = (struct pw_sim_rest_answer){
        .status = 200, .content_type = "application/json;charset=UTF-8", .body = answer->body};
    pw_buffer_clear(answer->body);
    call.microsecond = unit && (pw_slice_equal(*unit, "MICROSECOND") || pw_slice_equal(*unit, "microsecond"));
    call_dispatch(&call, request);
    if (answer->body->failed) {
        pw_sim_call_error(&call, 500, -1000, PW_SIM_SERVER_ERROR);
    }
    answer->used_weight = rest->used_weight;
}
