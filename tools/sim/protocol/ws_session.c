/* SPDX-License-Identifier: MIT
 *
 * Logon, logoff and subscriptions: see ws_session.h.
 */
#include "ws_session.h"

#include <errno.h>
#include <string.h>

/* ---- who asks ---- */

/* What is signed: all but the signature. */
static struct pw_slice payload(const struct pw_sim_call *call)
{
    struct pw_buffer *text = &call->rest->payload;

    pw_buffer_clear(text);
    for (uint32_t i = 0; i < call->parameter_cnt; i++) {
        if (strcmp(call->parameters[i].name, "signature") != 0) {
            pw_buffer_string(text, text->size ? "&" : "");
            pw_buffer_string(text, call->parameters[i].name);
            pw_buffer_string(text, "=");
            pw_buffer_string(text, call->parameters[i].value);
        }
    }
    return (struct pw_slice){text->data, text->failed ? 0 : text->size};
}

/* By a key and signature of the request's own. False: error. */
static bool authorize_signed(struct pw_sim_ws_request *request)
{
    const char *key = pw_sim_call_text(request->call, "apiKey");

    if (!key) {
        pw_sim_call_error(request->call, 400, -1102,
                          "Mandatory parameter 'apiKey' was not sent, was empty/null, or malformed.");
        return false;
    }
    return pw_sim_call_authorize(request->call, (struct pw_slice){key, strlen(key)}, payload(request->call));
}

/* The same, or by the session's logon if the request has neither. False: error. */
bool pw_sim_ws_authorize(struct pw_sim_ws_request *request)
{
    struct pw_sim_call *call = request->call;

    if (request->session->account && !pw_sim_call_text(call, "apiKey") &&
        !pw_sim_call_text(call, "signature")) {
        call->account = request->session->account;
        return pw_sim_call_fresh(call);
    }
    return authorize_signed(request);
}

/* ---- session ---- */

/* The subscription that came with the logon; NULL: none. */
static struct pw_sim_subscription *logon_subscription(const struct pw_sim_ws_request *request)
{
    struct pw_sim_subscription *one = NULL;

    while ((one = pw_sim_user_stream_next(request->api->stream, request->subscriber, one)) &&
           !one->by_logon) {
    }
    return one;
}

static void session_answer(struct pw_sim_ws_request *request)
{
    const struct pw_sim_session *session = request->session;
    struct pw_sim_call *call = request->call;
    const struct pw_sim_account *account = session->account;

    pw_sim_call_answer(
        call, PW_SIM_OBJECT(account ? pw_sim_text("apiKey", account->config->api_key) : pw_sim_null("apiKey"),
                            account ? pw_sim_call_time(call, "authorizedSince", session->authorized_ns)
                                    : pw_sim_null("authorizedSince"),
                            pw_sim_call_time(call, "connectedSince", session->connected_ns),
                            pw_sim_bool("returnRateLimits", session->return_rate_limits),
                            pw_sim_call_time(call, "serverTime", call->wall_ns),
                            account ? pw_sim_bool("userDataStream", logon_subscription(request) != NULL)
                                    : pw_sim_null("userDataStream")));
}

void pw_sim_ws_logon(struct pw_sim_ws_request *request)
{
    struct pw_sim_call *call = request->call;

    if (!authorize_signed(request) || !pw_sim_call_all_read(call)) {
        return;
    }
    if (!call->account->config->public_key_path[0]) { /* Ed25519 keys alone (binance.md 4.2) */
        pw_sim_call_error(call, 400, -1022, "Signature for this request is not valid.");
        return;
    }
    request->session->account = call->account;
    request->session->authorized_ns = call->wall_ns;
    session_answer(request);
}

void pw_sim_ws_status(struct pw_sim_ws_request *request)
{
    if (pw_sim_call_all_read(request->call)) {
        session_answer(request);
    }
}

void pw_sim_ws_logout(struct pw_sim_ws_request *request)
{
    struct pw_sim_subscription *subscription = logon_subscription(request);

    if (!pw_sim_call_all_read(request->call)) {
        return;
    }
    if (subscription) {
        pw_sim_user_stream_end(request->api->stream, subscription);
    }
    request->session->account = NULL;
    session_answer(request);
}

/* ---- subscriptions ---- */

static json_t *subscription_json(const struct pw_sim_subscription *subscription)
{
    return PW_SIM_OBJECT(pw_sim_int("subscriptionId", subscription->subscription_id));
}

static void subscribe(struct pw_sim_ws_request *request, struct pw_sim_account *account, bool by_logon)
{
    struct pw_sim_session *session = request->session;
    const struct pw_sim_subscription subscription = {.subscriber = request->subscriber,
                                                     .account = account,
                                                     .subscription_id = session->subscribed_cnt,
                                                     .by_logon = by_logon};
    int result;

    if (session->subscribed_cnt > UINT16_MAX) {
        pw_sim_call_error(request->call, 400, -2042, "No more subscription IDs are available.");
        return;
    }
    result = pw_sim_user_stream_subscribe(request->api->stream, &subscription);
    if (result == -EALREADY) {
        pw_sim_call_error(request->call, 400, -2035, "User Data Stream subscription already active.");
    } else if (result) {
        pw_sim_call_error(request->call, 500, -1000, PW_SIM_SERVER_ERROR);
    } else {
        session->subscribed_cnt++;
        pw_sim_call_answer(request->call, subscription_json(&subscription));
    }
}

void pw_sim_ws_subscribe(struct pw_sim_ws_request *request)
{
    if (!request->session->account) {
        pw_sim_call_error(request->call, 401, -1002, "You are not authorized to execute this request.");
    } else if (pw_sim_call_all_read(request->call)) {
        subscribe(request, request->session->account, true);
    }
}

void pw_sim_ws_subscribe_signed(struct pw_sim_ws_request *request)
{
    if (authorize_signed(request) && pw_sim_call_all_read(request->call)) {
        subscribe(request, request->call->account, false);
    }
}

void pw_sim_ws_unsubscribe(struct pw_sim_ws_request *request)
{
    struct pw_sim_user_stream *stream = request->api->stream;
    struct pw_sim_subscription *one = NULL;
    int64_t id;
    uint32_t ended_cnt = 0;

    if (!pw_sim_call_number(request->call, "subscriptionId", -1, &id) ||
        !pw_sim_call_all_read(request->call)) {
        return;
    }
    while ((one = pw_sim_user_stream_next(stream, request->subscriber, one))) {
        if (id < 0 || one->subscription_id == id) {
            pw_sim_user_stream_end(stream, one);
            ended_cnt++;
        }
    }
    if (ended_cnt) {
        pw_sim_call_answer(request->call, json_object());
    } else {
        pw_sim_call_error(request->call, 400, -2036, "User Data Stream subscription not active.");
    }
}

void pw_sim_ws_subscriptions(struct pw_sim_ws_request *request)
{
    const struct pw_sim_subscription *one = NULL;
    json_t *array;

    if (!pw_sim_call_all_read(request->call)) {
        return;
    }
    array = json_array();
    while ((one = pw_sim_user_stream_next(request->api->stream, request->subscriber, one))) {
        array = pw_sim_append(array, subscription_json(one));
    }
    pw_sim_call_answer(request->call, array);
}
