/* SPDX-License-Identifier: MIT
 *
 * The service: see echo_service.h.
 */
#include "echo_service.h"

#include "query.h"

struct session {
    uint32_t message_cnt;
};

static void hello(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer)
{
    (void)state;
    (void)request;
    answer->content_type = "text/plain";
    pw_buffer_string(answer->body, "hello");
}

static void slow(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer)
{
    hello(state, request, answer);
    answer->delay_ms = 300;
}

static void slower(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer)
{
    hello(state, request, answer);
    answer->delay_ms = 3000;
}

static void large(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer)
{
    (void)state;
    (void)request;
    for (int i = 0; i < 1000; i++) {
        pw_buffer_string(answer->body, "0123456789");
    }
}

/* What the page is called and how: "below|decoded value of x". */
static void files(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer)
{
    struct pw_slice value = {0};
    char text[64] = "";
    size_t size = 0;

    (void)state;
    if (pw_query_find(request->query, "x", &value) &&
        !pw_percent_decode(value, true, text, sizeof text, &size)) {
        answer->status = 400;
    }
    pw_serve_answer_header(answer, "X-Below: %zu", request->below.size);
    pw_buffer_slice(answer->body, request->below);
    pw_buffer_string(answer->body, "|");
    pw_buffer_bytes(answer->body, text, size);
}

static void echo(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer)
{
    (void)state;
    answer->status = 201;
    pw_buffer_slice(answer->body, request->body);
}

static void echo_message(void *state, struct pw_serve_client *client, struct pw_slice text, int64_t now_ns)
{
    struct echo_service *service = state;

    (void)now_ns;
    service->message_cnt++;
    service->last = client;
    pw_serve_outlet_send(pw_serve_client_outlet(client), PW_WS_TEXT, text.text, text.size);
}

static void count_message(void *state, struct pw_serve_client *client, struct pw_slice text, int64_t now_ns)
{
    struct echo_service *service = state;
    struct session *session = pw_serve_client_session(client);

    service->message_cnt++;
    if (pw_slice_equal(text, "bye")) {
        pw_serve_client_close(client, 4001, "as you wish", now_ns);
        return;
    }
    pw_buffer_clear(&service->text);
    pw_buffer_int(&service->text, ++session->message_cnt);
    pw_serve_outlet_send(pw_serve_client_outlet(client), PW_WS_TEXT, service->text.data, service->text.size);
}

static void farewell(void *state, struct pw_serve_client *client, int64_t now_ns)
{
    struct echo_service *service = state;

    (void)now_ns;
    service->farewell_cnt++;
    pw_serve_outlet_send(pw_serve_client_outlet(client), PW_WS_TEXT, "farewell", 8);
}

static void ended(void *state, struct pw_serve_client *client)
{
    struct echo_service *service = state;

    (void)client;
    service->ended_cnt++;
}

static bool nobody(void *state, struct pw_serve_client *client, const struct pw_serve_request *request,
                   struct pw_serve_answer *refusal)
{
    (void)state;
    (void)client;
    (void)request;
    refusal->status = 403;
    pw_buffer_string(refusal->body, "closed");
    return false;
}

static bool opened(void *state, struct pw_serve_client *client)
{
    struct echo_service *service = state;

    (void)client;
    service->opened_cnt++;
    return true;
}

static void closed(void *state, struct pw_serve_client *client)
{
    struct echo_service *service = state;

    (void)client;
    service->closed_cnt++;
}

static const struct pw_serve_socket g_echo = {.message = echo_message, .farewell = farewell, .ended = ended};
static const struct pw_serve_socket g_count = {.message = count_message, .any_rate = true};
static const struct pw_serve_socket g_closed = {.accept = nobody, .message = echo_message};

static const struct pw_serve_route g_routes[] = {
    {"GET", "/hello", hello, NULL},         {"GET", "/slow", slow, NULL},
    {"GET", "/slower", slower, NULL},       {"GET", "/large", large, NULL},
    {"GET", "/files/*", files, NULL},       {"POST", "/echo", echo, &g_echo},
    {.path = "/count", .socket = &g_count}, {.path = "/closed", .socket = &g_closed},
};

struct pw_service echo_service_make(struct echo_service *service)
{
    *service = (struct echo_service){0};
    return (struct pw_service){.state = service,
                               .name = "echo",
                               .routes = g_routes,
                               .route_cnt = sizeof g_routes / sizeof g_routes[0],
                               .session_bytes = sizeof(struct session),
                               .open = opened,
                               .close = closed};
}

void echo_service_free(struct echo_service *service)
{
    pw_buffer_free(&service->text);
}
