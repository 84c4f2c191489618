/* SPDX-License-Identifier: MIT
 *
 * Paths, handshakes and messages of the venue: see service.h.
 */
#include "service.h"

#include "query.h"
#include "ws_methods.h"

#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a connection has of its own. */
struct connection {
    struct pw_sim_subscriber subscriber;
    struct pw_sim_session session; /* on the API */
};

/* ---- connections ---- */

static bool connection_open(void *state, struct pw_serve_client *client)
{
    struct pw_sim_service *service = state;
    struct connection *connection = pw_serve_client_session(client);

    connection->subscriber.subscriber_idx = pw_serve_client_index(client);
    connection->subscriber.outlet = pw_serve_client_outlet(client);
    connection->subscriber.streams = calloc(PW_SIM_SUBSCRIBES_MAX, sizeof *connection->subscriber.streams);
    if (!connection->subscriber.streams) {
        return false;
    }
    pw_sim_hub_enter(service->hub, &connection->subscriber);
    return true;
}

static void connection_close(void *state, struct pw_serve_client *client)
{
    struct pw_sim_service *service = state;
    struct connection *connection = pw_serve_client_session(client);

    pw_sim_user_stream_leave(service->api->stream, &connection->subscriber);
    pw_sim_hub_leave(service->hub, &connection->subscriber);
    free(connection->subscriber.streams);
}

/* No message may follow a close frame. */
static void connection_ended(void *state, struct pw_serve_client *client)
{
    struct pw_sim_service *service = state;
    struct connection *connection = pw_serve_client_session(client);

    pw_sim_hub_silence(service->hub, &connection->subscriber);
    pw_sim_user_stream_leave(service->api->stream, &connection->subscriber);
}

/* ---- REST ---- */

static void answer_weights(struct pw_serve_answer *answer, uint32_t used_weight)
{
    pw_serve_answer_header(answer, "X-MBX-USED-WEIGHT: %u", used_weight);
    pw_serve_answer_header(answer, "X-MBX-USED-WEIGHT-1M: %u", used_weight);
}

static void answer_copy(struct pw_serve_answer *answer, const struct pw_sim_rest_answer *from)
{
    answer->status = from->status;
    answer->content_type = from->content_type;
    answer->delay_ms = from->delay_ms;
    answer_weights(answer, from->used_weight);
    if (from->retry_after_s) {
        pw_serve_answer_header(answer, "Retry-After: %u", from->retry_after_s);
    }
    if (from->headers[0]) {
        pw_serve_answer_header(answer, "%.*s", (int)strlen(from->headers) - 2, from->headers);
    }
}

static void refuse(void *state, const char *text, struct pw_serve_answer *answer)
{
    (void)state;
    answer_weights(answer, 0);
    pw_buffer_format(answer->body, "{\"code\":-1000,\"msg\":\"%s\"}", text);
}

static void rest_answer(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer)
{
    struct pw_sim_service *service = state;
    struct pw_sim_rest_answer from = {.body = answer->body};

    pw_sim_rest_answer(service->rest,
                       &(struct pw_sim_rest_request){request->head, request->body, request->now_ns}, &from);
    answer_copy(answer, &from);
}

/* ---- WebSocket: handshakes ---- */

static bool socket_refuse(struct pw_serve_answer *reject, uint32_t status)
{
    reject->status = status;
    refuse(NULL, "There is no such stream.", reject);
    return false;
}

static bool subscribe_list(struct pw_sim_service *service, struct pw_sim_subscriber *subscriber, char *list)
{
    char *rest = list;

    for (char *name = strsep(&rest, "/"); name; name = strsep(&rest, "/")) {
        struct pw_slice slice = {name, strlen(name)};
        if (slice.size &&
            (!pw_sim_stream_name_ok(slice) || pw_sim_hub_subscribe(service->hub, subscriber, slice) != 0)) {
            return false;
        }
    }
    return true;
}

/* False: no unit that there is. */
static bool unit_read(struct pw_sim_subscriber *subscriber, struct pw_slice query)
{
    struct pw_slice value;

    if (!pw_query_find(query, "timeUnit", &value)) {
        return true;
    }
    subscriber->microsecond = pw_slice_equal(value, "MICROSECOND") || pw_slice_equal(value, "microsecond");
    return subscriber->microsecond || pw_slice_equal(value, "MILLISECOND") ||
           pw_slice_equal(value, "millisecond");
}

/* Streams as the path names them, and in the combined form as the query does. */
static bool streams_accept(struct pw_sim_service *service, struct pw_serve_client *client,
                           const struct pw_serve_request *request)
{
    struct connection *connection = pw_serve_client_session(client);
    struct pw_slice value = request->below;
    char list[PW_HTTP_HEAD_MAX];
    size_t size;

    if (!unit_read(&connection->subscriber, request->query) ||
        !pw_percent_decode(value, false, list, sizeof list, &size) ||
        !subscribe_list(service, &connection->subscriber, list)) {
        return false;
    }
    return !connection->subscriber.combined || !pw_query_find(request->query, "streams", &value) ||
           (pw_percent_decode(value, false, list, sizeof list, &size) &&
            subscribe_list(service, &connection->subscriber, list));
}

static bool combined_accept(void *state, struct pw_serve_client *client,
                            const struct pw_serve_request *request, struct pw_serve_answer *reject)
{
    struct connection *connection = pw_serve_client_session(client);

    connection->subscriber.combined = true;
    return streams_accept(state, client, request) || socket_refuse(reject, 400);
}

static bool raw_accept(void *state, struct pw_serve_client *client, const struct pw_serve_request *request,
                       struct pw_serve_answer *reject)
{
    return streams_accept(state, client, request) || socket_refuse(reject, 400);
}

/* The options of binance.md 5; of the formats there is JSON. */
static bool api_options(struct connection *connection, struct pw_slice query)
{
    struct pw_slice value;

    if (pw_query_find(query, "returnRateLimits", &value)) {
        connection->session.return_rate_limits = pw_slice_equal(value, "true");
        if (!connection->session.return_rate_limits && !pw_slice_equal(value, "false")) {
            return false;
        }
    }
    if (pw_query_find(query, "responseFormat", &value) && !pw_slice_equal(value, "json")) {
        return false;
    }
    return unit_read(&connection->subscriber, query);
}

static bool api_accept(void *state, struct pw_serve_client *client, const struct pw_serve_request *request,
                       struct pw_serve_answer *reject)
{
    struct pw_sim_service *service = state;
    struct connection *connection = pw_serve_client_session(client);
    struct pw_sim_rest_answer from = {.body = reject->body};

    connection->session =
        (struct pw_sim_session){.connected_ns = request->now_ns, .return_rate_limits = true};
    if (!api_options(connection, request->query)) {
        return socket_refuse(reject, 400);
    }
    if (!pw_sim_ws_api_connect(service->api, request->now_ns, &from)) {
        answer_copy(reject, &from);
        reject->body = from.body;
        return false;
    }
    return true;
}

static bool nothing_accept(void *state, struct pw_serve_client *client,
                           const struct pw_serve_request *request, struct pw_serve_answer *reject)
{
    (void)state;
    (void)client;
    (void)request;
    return socket_refuse(reject, 404);
}

/* ---- WebSocket: messages ---- */

static void control_message(void *state, struct pw_serve_client *client, struct pw_slice text, int64_t now_ns)
{
    struct pw_sim_service *service = state;
    struct connection *connection = pw_serve_client_session(client);
    struct pw_buffer *reply = &service->reply;

    pw_sim_control_message(service->hub, &connection->subscriber, text, reply);
    if (reply->failed) {
        pw_serve_client_close(client, 1011, "no memory", now_ns);
    } else {
        pw_serve_outlet_send(connection->subscriber.outlet, PW_WS_TEXT, reply->data, reply->size);
    }
}

/* A reply, and what the request caused, in the order that is usual or asked for. */
static void api_message(void *state, struct pw_serve_client *client, struct pw_slice text, int64_t now_ns)
{
    struct pw_sim_service *service = state;
    struct pw_sim_ws_api *api = service->api;
    struct connection *connection = pw_serve_client_session(client);
    struct pw_sim_ws_answer answer = {.reply = &service->reply};

    pw_sim_ws_api_request(api, &connection->session, &connection->subscriber, text, now_ns, &answer);
    if (answer.reply->failed) {
        pw_serve_client_close(client, 1011, "no memory", now_ns);
        return;
    }
    if (answer.report_first) {
        pw_sim_user_stream_flush(api->stream, now_ns + api->rest->clock_ns);
    }
    if (!answer.dropped) {
        pw_serve_outlet_send(connection->subscriber.outlet, PW_WS_TEXT, answer.reply->data,
                             answer.reply->size);
    }
    pw_sim_user_stream_flush(api->stream, now_ns + api->rest->clock_ns);
    if (answer.delay_ms) {
        pw_serve_client_hold(client, now_ns + answer.delay_ms * PW_NS_PER_MS);
    }
    if (answer.cut) {
        pw_serve_client_cut(client, answer.cut->bytes);
    }
}

static void farewell(struct pw_serve_client *client, const char *head, const char *tail, int64_t now_ns)
{
    struct connection *connection = pw_serve_client_session(client);
    char text[128];
    int size = snprintf(text, sizeof text, "%s{\"e\":\"serverShutdown\",\"E\":%" PRId64 "}%s", head,
                        connection->subscriber.microsecond ? now_ns / 1000 : now_ns / PW_NS_PER_MS, tail);

    pw_serve_outlet_send(connection->subscriber.outlet, PW_WS_TEXT, text, (size_t)size);
}

static void streams_farewell(void *state, struct pw_serve_client *client, int64_t now_ns)
{
    struct connection *connection = pw_serve_client_session(client);

    (void)state;
    if (connection->subscriber.combined) {
        farewell(client, "{\"stream\":\"!serverShutdown\",\"data\":", "}", now_ns);
    } else {
        farewell(client, "", "", now_ns);
    }
}

static void api_farewell(void *state, struct pw_serve_client *client, int64_t now_ns)
{
    (void)state;
    farewell(client, "{\"event\":", "}", now_ns);
}

/* ---- the table ---- */

static const struct pw_serve_socket g_api = {
    .accept = api_accept,
    .message = api_message,
    .farewell = api_farewell,
    .ended = connection_ended,
    .any_rate = true, /* its limits are weights */
};
static const struct pw_serve_socket g_combined = {.accept = combined_accept,
                                                  .message = control_message,
                                                  .farewell = streams_farewell,
                                                  .ended = connection_ended};
static const struct pw_serve_socket g_raw = {.accept = raw_accept,
                                             .message = control_message,
                                             .farewell = streams_farewell,
                                             .ended = connection_ended};
static const struct pw_serve_socket g_nothing = {
    .accept = nothing_accept, .message = control_message, .ended = connection_ended};

static const struct pw_serve_route g_routes[] = {
    {.path = PW_SIM_WS_API_PATH, .socket = &g_api}, {.path = "/stream/ws/*", .socket = &g_raw},
    {.path = "/stream/*", .socket = &g_combined},   {.path = "/ws/*", .socket = &g_raw},
    {.answer = rest_answer, .socket = &g_nothing}, /* which path is none, REST says by itself */
};

struct pw_service pw_sim_service_make(struct pw_sim_service *service)
{
    return (struct pw_service){.state = service,
                               .name = "pinwheel-sim",
                               .routes = g_routes,
                               .route_cnt = sizeof g_routes / sizeof g_routes[0],
                               .session_bytes = sizeof(struct connection),
                               .open = connection_open,
                               .close = connection_close,
                               .refuse = refuse};
}
