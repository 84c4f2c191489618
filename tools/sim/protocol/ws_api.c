/* SPDX-License-Identifier: MIT
 *
 * One table of methods, requests and replies: see ws_api.h.
 */
#include "ws_api.h"

#include "names.h"
#include "walk.h"
#include "ws_methods.h"
#include "ws_session.h"

#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_WINDOW_NS (300000 * PW_NS_PER_MS)

/* ---- parameters ---- */

static bool name_ok(struct pw_slice name)
{
    return pw_sim_name_plain(name) && name.size < sizeof((struct pw_sim_parameter *)0)->name;
}

/* A string's meaning; anything else as it is written, which is what is signed. False: it does not fit. */
static bool value_take(struct pw_sim_call *call, struct pw_slice value)
{
    char *to = call->values + call->value_bytes;
    size_t room = sizeof call->values - call->value_bytes, size = value.size;

    if (!room || (value.text[0] == '"' ? !pw_sim_walk_text(value, to, room, &size) : size >= room)) {
        return false;
    }
    if (value.text[0] != '"') {
        memcpy(to, value.text, size);
        to[size] = 0;
    }
    call->value_bytes += size + 1;
    return true;
}

/* Makes parameters of the request's params, as REST's are; null is as if it was not there. False: error. */
static bool params_take(struct pw_sim_ws_request *request)
{
    struct pw_sim_call *call = request->call;
    struct pw_sim_walk walk;

    if (!request->params.size) {
        return true;
    }
    if (!pw_sim_walk_begin(&walk, request->params) || !walk.object) {
        pw_sim_call_error(call, 400, -1135, "Invalid 'params' in JSON request; expected an object.");
        return false;
    }
    while (pw_sim_walk_next(&walk)) {
        struct pw_sim_parameter *parameter = &call->parameters[call->parameter_cnt];
        const char *value = call->values + call->value_bytes;

        if (pw_slice_equal(walk.value, "null")) {
            continue;
        }
        if (call->parameter_cnt == PW_SIM_PARAMETERS_MAX) {
            pw_sim_call_error(call, 400, -1101, "Too many parameters; expected '%u' and received more.",
                              PW_SIM_PARAMETERS_MAX);
            return false;
        }
        if (!name_ok(walk.key) || !value_take(call, walk.value)) {
            pw_sim_call_error(call, 400, -1100, "Illegal characters found in a parameter.");
            return false;
        }
        memcpy(parameter->name, walk.key.text, walk.key.size);
        parameter->name[walk.key.size] = 0;
        parameter->value = value;
        parameter->read = false;
        call->parameter_cnt++;
    }
    return true;
}

/* By their names, as they are signed. False: one is there twice; error. */
static bool params_sort(struct pw_sim_call *call)
{
    for (uint32_t i = 1; i < call->parameter_cnt; i++) {
        struct pw_sim_parameter one = call->parameters[i];
        uint32_t at = i;
        int order = 1;

        while (at > 0 && (order = strcmp(call->parameters[at - 1].name, one.name)) > 0) {
            call->parameters[at] = call->parameters[at - 1];
            at--;
        }
        if (order == 0) {
            pw_sim_call_error(call, 400, -1101, "Duplicate values for parameter '%s'.", one.name);
            return false;
        }
        call->parameters[at] = one;
    }
    return true;
}

/* ---- the table ---- */

#define SESSION_WEIGHT 2u /* of what REST does not have (binance.md 5) */

static const struct pw_sim_ws_method {
    const char *name;
    const char *rest_method, *rest_path; /* of the endpoint that does it; or else */
    void (*act)(struct pw_sim_ws_request *request);
    bool places; /* the account's order counts are in the answer */
} g_methods[] = {
    {"order.place", "POST", "/api/v3/order", NULL, true},
    {"order.cancel", "DELETE", "/api/v3/order", NULL, false},
    {"order.cancelReplace", "POST", "/api/v3/order/cancelReplace", NULL, true},
    {"order.status", "GET", "/api/v3/order", NULL, false},
    {"order.test", "POST", "/api/v3/order/test", NULL, false},
    {"openOrders.status", "GET", "/api/v3/openOrders", NULL, false},
    {"openOrders.cancelAll", "DELETE", "/api/v3/openOrders", NULL, false},
    {"allOrders", "GET", "/api/v3/allOrders", NULL, false},
    {"myTrades", "GET", "/api/v3/myTrades", NULL, false},
    {"account.status", "GET", "/api/v3/account", NULL, false},
    {"account.commission", "GET", "/api/v3/account/commission", NULL, false},
    {"account.rateLimits.orders", "GET", "/api/v3/rateLimit/order", NULL, false},
    {"ping", "GET", "/api/v3/ping", NULL, false},
    {"time", "GET", "/api/v3/time", NULL, false},
    {"exchangeInfo", "GET", "/api/v3/exchangeInfo", NULL, false},
    {"depth", "GET", "/api/v3/depth", NULL, false},
    {"trades.recent", "GET", "/api/v3/trades", NULL, false},
    {"trades.historical", "GET", "/api/v3/historicalTrades", NULL, false},
    {"trades.aggregate", "GET", "/api/v3/aggTrades", NULL, false},
    {"klines", "GET", "/api/v3/klines", NULL, false},
    {"uiKlines", "GET", "/api/v3/uiKlines", NULL, false},
    {"avgPrice", "GET", "/api/v3/avgPrice", NULL, false},
    {"referencePrice", "GET", "/api/v3/referencePrice", NULL, false},
    {"referencePrice.calculation", "GET", "/api/v3/referencePrice/calculation", NULL, false},
    {"executionRules", "GET", "/api/v3/executionRules", NULL, false},
    {"ticker.24hr", "GET", "/api/v3/ticker/24hr", NULL, false},
    {"ticker.price", "GET", "/api/v3/ticker/price", NULL, false},
    {"ticker.book", "GET", "/api/v3/ticker/bookTicker", NULL, false},
    {"session.logon", NULL, NULL, pw_sim_ws_logon, false},
    {"session.status", NULL, NULL, pw_sim_ws_status, false},
    {"session.logout", NULL, NULL, pw_sim_ws_logout, false},
    {"session.subscriptions", NULL, NULL, pw_sim_ws_subscriptions, false},
    {"userDataStream.subscribe", NULL, NULL, pw_sim_ws_subscribe, false},
    {"userDataStream.subscribe.signature", NULL, NULL, pw_sim_ws_subscribe_signed, false},
    {"userDataStream.unsubscribe", NULL, NULL, pw_sim_ws_unsubscribe, false},
};
#define METHOD_CNT (sizeof g_methods / sizeof g_methods[0])

static struct pw_slice slice_of(const char *text)
{
    return (struct pw_slice){text, strlen(text)};
}

int pw_sim_ws_api_init(struct pw_sim_ws_api *api, struct pw_sim_rest *rest, struct pw_sim_user_stream *stream)
{
    *api = (struct pw_sim_ws_api){.rest = rest, .stream = stream};
    api->endpoints = calloc(METHOD_CNT, sizeof *api->endpoints);
    for (size_t i = 0; api->endpoints && i < METHOD_CNT; i++) {
        if (g_methods[i].rest_path) {
            api->endpoints[i] =
                pw_sim_endpoint_find(slice_of(g_methods[i].rest_method), slice_of(g_methods[i].rest_path));
        }
    }
    return api->endpoints ? 0 : -ENOMEM;
}

void pw_sim_ws_api_fini(struct pw_sim_ws_api *api)
{
    free(api->endpoints);
    pw_buffer_free(&api->body);
    *api = (struct pw_sim_ws_api){0};
}

/* NULL: there is none of that name. */
static const struct pw_sim_ws_method *method_find(struct pw_slice name)
{
    static const char prefix[] = "v3/";

    if (name.size > sizeof prefix - 1 && memcmp(name.text, prefix, sizeof prefix - 1) == 0) {
        name.text += sizeof prefix - 1;
        name.size -= sizeof prefix - 1;
    }
    for (size_t i = 0; i < METHOD_CNT; i++) {
        if (pw_slice_equal(name, g_methods[i].name)) {
            return &g_methods[i];
        }
    }
    return NULL;
}

/* ---- one request ---- */

/* False: error. */
static bool request_parse(struct pw_sim_ws_request *request, struct pw_slice message)
{
    struct pw_slice method = {0};
    struct pw_sim_walk walk;
    struct pw_json json;

    pw_json_init(&json, message.text, message.size);
    if (!pw_json_skip(&json) || !pw_json_done(&json) || !pw_sim_walk_begin(&walk, message) || !walk.object) {
        pw_sim_call_error(request->call, 400, -1135, "Invalid JSON request.");
        return false;
    }
    while (pw_sim_walk_next(&walk)) {
        if (pw_slice_equal(walk.key, "id")) {
            request->id = walk.value;
        } else if (pw_slice_equal(walk.key, "method")) {
            request->method = walk.value;
        } else if (pw_slice_equal(walk.key, "params")) {
            request->params = walk.value;
        }
    }
    if (request->id.size && !pw_sim_request_id_ok(request->id)) {
        request->id.size = 0;
        pw_sim_call_error(request->call, 400, -1135,
                          "Invalid 'id' in JSON request; expected an integer, a string or null.");
        return false;
    }
    if (!pw_sim_walk_inside(request->method, &method)) {
        pw_sim_call_error(request->call, 400, -1135, "Invalid 'method' in JSON request; expected a string.");
        return false;
    }
    request->which = method_find(method);
    return params_take(request) && params_sort(request->call);
}

/* returnRateLimits: of this request alone. False: error. */
static bool rate_limits_choose(struct pw_sim_ws_request *request)
{
    const char *sent = pw_sim_call_text(request->call, "returnRateLimits");

    if (sent && strcmp(sent, "true") != 0 && strcmp(sent, "false") != 0) {
        pw_sim_call_error(request->call, 400, -1100,
                          "Illegal characters found in parameter 'returnRateLimits'.");
        return false;
    }
    if (sent) {
        request->return_rate_limits = strcmp(sent, "true") == 0;
    }
    return true;
}

static void request_do(struct pw_sim_ws_request *request)
{
    const struct pw_sim_endpoint *endpoint =
        request->which ? request->api->endpoints[request->which - g_methods] : NULL;
    struct pw_sim_call *call = request->call;

    if (!rate_limits_choose(request) ||
        !pw_sim_call_admit(call, request->which ? request->which->name : "unknown")) {
        return;
    }
    if (!request->which || (!endpoint && !request->which->act)) {
        pw_sim_call_error(call, 400, -1020, "This operation is not supported.");
        return;
    }
    pw_sim_call_weigh(call, endpoint ? endpoint->weight : SESSION_WEIGHT);
    if (!endpoint) {
        request->which->act(request);
    } else if (!endpoint->is_signed || pw_sim_ws_authorize(request)) {
        pw_sim_call_perform(call, endpoint, request->which->name);
    }
}

/* ---- the reply ---- */

static json_t *order_limit_json(const struct pw_sim_ws_request *request, enum pw_sim_order_window window,
                                uint32_t limit)
{
    struct pw_sim_account *account = request->call->account;

    pw_sim_account_window_end(account, window, request->call->wall_ns);
    return PW_SIM_EXTEND(pw_sim_order_limit_json(window, limit),
                         pw_sim_int("count", account->order_cnts[window]));
}

/* The limits that there are, and how much of them is used. */
static json_t *rate_limits_json(const struct pw_sim_ws_request *request)
{
    const struct pw_sim_rest *rest = request->call->rest;
    const struct pw_sim_limits_config *limits = rest->limits;
    uint32_t most[PW_SIM_ORDER_WINDOWS] = {limits->orders_per_10s, limits->orders_per_day};
    bool orders = request->which && request->which->places && request->call->account;
    json_t *array = json_array();

    for (int i = 0; orders && i < PW_SIM_ORDER_WINDOWS; i++) {
        if (most[i]) {
            array = pw_sim_append(array, order_limit_json(request, (enum pw_sim_order_window)i, most[i]));
        }
    }
    if (limits->weight_per_min) {
        array = pw_sim_append(array, PW_SIM_EXTEND(pw_sim_weight_limit_json(limits, limits->weight_per_min),
                                                   pw_sim_int("count", rest->used_weight)));
    }
    return array;
}

/* An error's object; to one that says wait, until when is added (binance.md 5). */
static void put_error(const struct pw_sim_ws_request *request, struct pw_buffer *reply)
{
    const struct pw_sim_call *call = request->call;
    int64_t now_ms = call->wall_ns / PW_NS_PER_MS;

    pw_buffer_bytes(reply, call->body->data, call->body->size - 1);
    if (call->answer->status == 429 || call->answer->status == 418) {
        pw_buffer_format(reply, ",\"data\":{\"serverTime\":%" PRId64 ",\"retryAfter\":%" PRId64 "}", now_ms,
                         now_ms + (int64_t)call->answer->retry_after_s * 1000);
    }
    pw_buffer_string(reply, "}");
}

static void reply_write(const struct pw_sim_ws_request *request, struct pw_buffer *reply)
{
    const struct pw_sim_call *call = request->call;

    pw_buffer_clear(reply);
    reply->failed = call->body->failed; /* not even an error could be written: nothing follows */
    pw_buffer_string(reply, "{\"id\":");
    pw_buffer_slice(reply, request->id.size ? request->id : (struct pw_slice){"null", 4});
    pw_buffer_string(reply, ",\"status\":");
    pw_buffer_int(reply, call->answer->status);
    if (call->answer->status < 400) {
        pw_buffer_string(reply, ",\"result\":");
        pw_buffer_bytes(reply, call->body->data, call->body->size);
    } else {
        pw_buffer_string(reply, ",\"error\":");
        put_error(request, reply);
    }
    if (request->return_rate_limits) {
        pw_buffer_string(reply, ",\"rateLimits\":");
        pw_sim_json_write(rate_limits_json(request), reply);
    }
    pw_buffer_string(reply, "}");
}

/* What REST would answer with a page, or could not answer at all. */
static void answer_repair(struct pw_sim_call *call)
{
    uint32_t status = call->body->failed ? 500 : call->answer->status;

    if (call->body->failed || strcmp(call->answer->content_type, "text/html") == 0) {
        pw_sim_call_error(call, status, -1000, PW_SIM_SERVER_ERROR);
    }
}

static void answer_faults(const struct pw_sim_ws_request *request, struct pw_sim_ws_answer *answer)
{
    struct pw_sim_faults *faults = request->call->rest->faults;
    const char *name = request->which ? request->which->name : "unknown";
    const struct pw_sim_fault *step;

    answer->delay_ms = request->call->answer->delay_ms;
    answer->dropped = pw_sim_faults_hit(faults, PW_SIM_DROP_REPLY, name) != NULL;
    answer->report_first = pw_sim_faults_hit(faults, PW_SIM_REPORT_FIRST, name) != NULL;
    answer->cut = request->call->answer->status < 400 ? pw_sim_faults_hit(faults, PW_SIM_CUT, name) : NULL;
    step = pw_sim_faults_hit(faults, PW_SIM_CLOCK, name);
    if (step) {
        request->call->rest->clock_ns += (step->back ? -PW_NS_PER_MS : PW_NS_PER_MS) * step->ms;
    }
}

static void call_begin(struct pw_sim_ws_api *api, struct pw_sim_rest_answer *answer, int64_t wall_ns)
{
    struct pw_sim_call *call = &api->call;

    *answer = (struct pw_sim_rest_answer){
        .status = 200, .content_type = "application/json;charset=UTF-8", .body = &api->body};
    pw_buffer_clear(&api->body);
    call->rest = api->rest;
    call->answer = answer;
    call->body = &api->body;
    call->wall_ns = wall_ns + api->rest->clock_ns;
    call->microsecond = false;
    call->account = NULL;
    call->parameter_cnt = 0;
    call->value_bytes = 0;
}

void pw_sim_ws_api_request(struct pw_sim_ws_api *api, struct pw_sim_session *session,
                           struct pw_sim_subscriber *subscriber, struct pw_slice message, int64_t wall_ns,
                           struct pw_sim_ws_answer *answer)
{
    struct pw_sim_rest_answer rest_answer;
    struct pw_sim_ws_request request = {.api = api,
                                        .session = session,
                                        .subscriber = subscriber,
                                        .call = &api->call,
                                        .return_rate_limits = session->return_rate_limits};

    call_begin(api, &rest_answer, wall_ns);
    api->call.microsecond = subscriber->microsecond;
    if (request_parse(&request, message)) {
        request_do(&request);
    }
    answer_repair(&api->call);
    answer_faults(&request, answer);
    reply_write(&request, answer->reply);
}

bool pw_sim_ws_api_connect(struct pw_sim_ws_api *api, int64_t wall_ns, struct pw_sim_rest_answer *reject)
{
    int64_t window = wall_ns / CONNECT_WINDOW_NS;
    uint32_t limit = api->rest->limits->connects_per_5min;
    struct pw_sim_call *call = &api->call;

    call_begin(api, reject, wall_ns);
    if (window != api->connect_window) {
        api->connect_window = window;
        api->connect_cnt = 0;
    }
    if (limit && ++api->connect_cnt > limit) {
        reject->retry_after_s =
            (uint32_t)(((window + 1) * CONNECT_WINDOW_NS - wall_ns) / (1000 * PW_NS_PER_MS)) + 1;
        pw_sim_call_error(call, 429, -1034, "Too many connection attempts from IP; current limit is %u.",
                          limit);
        return false;
    }
    if (!pw_sim_call_admit(call, PW_SIM_WS_API_PATH)) {
        return false;
    }
    pw_sim_call_weigh(call, SESSION_WEIGHT);
    return true;
}
