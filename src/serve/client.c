/* SPDX-License-Identifier: MIT
 *
 * One connection, and HTTP on it: see client.h.
 */
#include "client.h"

#include "client_ws.h"
#include "gzip.h"
#include "pw_assert.h"
#include "query.h"

#include <assert.h>
#include <errno.h>
#include <pinwheel/units.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_TIMEOUT_NS (2000 * PW_NS_PER_MS) /* for the peer's answer to our close frame, or its end */
#define SMALL_BYTES      1024u                 /* not worth compressing: a packet at most */

static void client_release(struct pw_serve_client *client)
{
    pw_serve_link_close(&client->link, client->reset);
    pw_serve_outlet_fini(&client->outlet);
    pw_buffer_free(&client->message);
    free(client->in);
    client->in = NULL;
    client->phase = PW_SERVE_FREE;
}

int pw_serve_client_open(struct pw_serve_client *client, struct pw_serve_shared *shared, int fd,
                         struct pw_serve_address address, struct WOLFSSL_CTX *context, int64_t now_ns)
{
    const struct pw_service *service = &shared->service;
    int result;

    pw_assert(client->phase == PW_SERVE_FREE);
    *client = (struct pw_serve_client){.shared = shared,
                                       .session = client->session,
                                       .client_idx = client->client_idx,
                                       .serial = client->serial + 1,
                                       .address = address,
                                       .last_request_ns = now_ns};
    result = pw_serve_link_open(&client->link, fd, context);
    if (result) {
        return result;
    }
    client->in = malloc(PW_SERVE_INPUT_BYTES);
    if (!client->in ||
        pw_serve_outlet_init(&client->outlet, &shared->outlets, shared->limits.output_bytes) != 0 ||
        (service->open && !service->open(service->state, client))) {
        client->reset = true;
        client_release(client);
        return -ENOMEM;
    }
    pw_serve_phase_set(client, context ? PW_SERVE_HANDSHAKE : PW_SERVE_HTTP, now_ns);
    return 0;
}

void pw_serve_client_free(struct pw_serve_client *client)
{
    const struct pw_service *service = &client->shared->service;

    pw_assert(client->phase != PW_SERVE_FREE);
    if (service->close) {
        service->close(service->state, client);
    }
    client_release(client);
}

/* ---- for the service ---- */

void *pw_serve_client_session(struct pw_serve_client *client)
{
    return client->session;
}

uint32_t pw_serve_client_index(const struct pw_serve_client *client)
{
    return client->client_idx;
}

struct pw_serve_outlet *pw_serve_client_outlet(struct pw_serve_client *client)
{
    return &client->outlet;
}

void pw_serve_client_hold(struct pw_serve_client *client, int64_t until_ns)
{
    client->hold_until_ns = until_ns;
}

void pw_serve_client_cut(struct pw_serve_client *client, uint32_t bytes)
{
    if (!client->cut) {
        client->cut = true;
        client->cut_bytes = bytes;
        client->cut_taken = 0;
    }
}

/* ---- HTTP: answers ---- */

static const char *status_text(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *text;
    } texts[] = {{200, "OK"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {409, "Conflict"},
                 {418, "I'm a teapot"},
                 {426, "Upgrade Required"},
                 {429, "Too Many Requests"},
                 {500, "Internal Server Error"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"},
                 {504, "Gateway Timeout"}};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status) {
            return texts[i].text;
        }
    }
    return "Error";
}

static struct pw_serve_answer answer_begin(struct pw_serve_client *client, uint32_t status)
{
    pw_buffer_clear(&client->shared->scratch);
    return (struct pw_serve_answer){.status = status,
                                    .content_type = "application/json;charset=UTF-8",
                                    .cache_control = "no-cache, no-store, must-revalidate",
                                    .body = &client->shared->scratch};
}

void pw_serve_answer_header(struct pw_serve_answer *answer, const char *format, ...)
{
    size_t used = strlen(answer->headers), room = sizeof answer->headers - used;
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(answer->headers + used, room, format, args);
    va_end(args);
    pw_assert(size > 0 && (size_t)size + sizeof "\r\n" <= room);
    memcpy(answer->headers + used + size, "\r\n", sizeof "\r\n");
}

static void http_send(struct pw_serve_client *client, const struct pw_http_head *request,
                      const struct pw_serve_answer *answer, bool keep_alive)
{
    char head[512 + PW_SERVE_HEADERS_BYTES];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %u %s\r\n"
                        "Server: %s\r\n"
                        "Content-Type: %s\r\n"
                        "Content-Length: %zu\r\n"
                        "Connection: %s\r\n"
                        "Cache-Control: %s\r\n"
                        "%s\r\n",
                        answer->status, status_text(answer->status), client->shared->service.name,
                        answer->content_type, answer->body->size, keep_alive ? "keep-alive" : "close",
                        answer->cache_control, answer->headers);

    pw_assert(size > 0 && (size_t)size < sizeof head);
    pw_serve_outlet_append(&client->outlet, head, (size_t)size);
    if (!request || !pw_slice_equal(request->method, "HEAD")) {
        pw_serve_outlet_append(&client->outlet, answer->body->data, answer->body->size);
    }
}

/* The last answer on this connection. */
static void http_send_last(struct pw_serve_client *client, const struct pw_http_head *request,
                           const struct pw_serve_answer *answer, int64_t now_ns)
{
    http_send(client, request, answer, false);
    pw_serve_silence(client);
    pw_serve_phase_set(client, PW_SERVE_CLOSING, now_ns);
}

static void rejection_write(struct pw_serve_client *client, const char *text, struct pw_serve_answer *answer)
{
    const struct pw_service *service = &client->shared->service;

    pw_buffer_clear(answer->body);
    if (service->refuse) {
        service->refuse(service->state, text, answer);
    } else {
        answer->content_type = "text/plain;charset=UTF-8";
        pw_buffer_format(answer->body, "%s\n", text);
    }
}

/* request NULL: it could not be read. */
static void http_refuse(struct pw_serve_client *client, const struct pw_http_head *request, uint32_t status,
                        const char *text, int64_t now_ns)
{
    struct pw_serve_answer answer = answer_begin(client, status);

    rejection_write(client, text, &answer);
    if (status == 426) {
        pw_serve_answer_header(&answer, "Upgrade: websocket");
        pw_serve_answer_header(&answer, "Sec-WebSocket-Version: 13");
    }
    http_send_last(client, request, &answer, now_ns);
}

/* ---- HTTP: routes ---- */

/* Whether the path is one of the pattern's; then `below` is what its "*" stands for. */
static bool path_fits(const char *pattern, struct pw_slice path, struct pw_slice *below)
{
    size_t size = pattern ? strlen(pattern) : 0;

    *below = (struct pw_slice){0};
    if (!pattern) {
        return true;
    }
    if (size < 2 || strcmp(pattern + size - 2, "/*") != 0) {
        return pw_slice_equal(path, pattern);
    }
    size -= 2;
    if (path.size < size || memcmp(path.text, pattern, size) != 0 ||
        (path.size > size && path.text[size] != '/')) {
        return false;
    }
    *below = (struct pw_slice){path.text + size, path.size - size};
    return true;
}

static bool method_fits(const char *method, struct pw_slice asked)
{
    return !method || pw_slice_equal(asked, method) ||
           (strcmp(method, "GET") == 0 && pw_slice_equal(asked, "HEAD"));
}

static const struct pw_serve_socket *socket_find(const struct pw_service *service,
                                                 struct pw_serve_request *request)
{
    for (uint32_t i = 0; i < service->route_cnt; i++) {
        if (service->routes[i].socket && path_fits(service->routes[i].path, request->path, &request->below)) {
            return service->routes[i].socket;
        }
    }
    return NULL;
}

static const struct pw_serve_route *route_find(const struct pw_service *service,
                                               struct pw_serve_request *request)
{
    for (uint32_t i = 0; i < service->route_cnt; i++) {
        const struct pw_serve_route *route = &service->routes[i];
        if (route->answer && path_fits(route->path, request->path, &request->below) &&
            method_fits(route->method, request->head->method)) {
            return route;
        }
    }
    return NULL;
}

/* There is no route: not at all (404), or not with this method (405, and what there is; RFC 9110, 15.5.6). */
static void route_missing(struct pw_serve_client *client, struct pw_serve_request *request,
                          struct pw_serve_answer *answer)
{
    const struct pw_service *service = &client->shared->service;
    char allowed[128] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < service->route_cnt; i++) {
        const struct pw_serve_route *route = &service->routes[i];
        if (route->answer && path_fits(route->path, request->path, &request->below) &&
            used + 24 < sizeof allowed) {
            used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%.16s", used ? ", " : "",
                                     route->method);
        }
    }
    answer->status = used ? 405 : 404;
    rejection_write(client, used ? "This method is not allowed here." : "There is nothing at this path.",
                    answer);
    if (used) {
        pw_serve_answer_header(answer, "Allow: %s", allowed);
    }
}

/* ---- HTTP: requests ---- */

/* RFC 6455, 4.2.1 and 4.2.2. Extensions and subprotocols are not taken up. */
static void http_upgrade(struct pw_serve_client *client, struct pw_serve_request *request)
{
    const struct pw_http_head *http = request->head;
    const struct pw_slice *key = pw_http_find_only(http, "Sec-WebSocket-Key");
    const struct pw_slice *version = pw_http_find_only(http, "Sec-WebSocket-Version");
    struct pw_serve_answer rejection;
    char accept[29], head[256];
    int size;

    if (!pw_slice_equal(http->method, "GET") || http->minor_version < 1 || !key || key->size != 24 ||
        !pw_http_has_token(http, "Connection", "upgrade")) {
        http_refuse(client, http, 400, "Not a WebSocket handshake.", request->now_ns);
        return;
    }
    if (!version || !pw_slice_equal(*version, "13")) {
        http_refuse(client, http, 426, "WebSocket version 13 only.", request->now_ns);
        return;
    }
    client->socket = socket_find(&client->shared->service, request);
    if (!client->socket) {
        http_refuse(client, http, 404, "There is no WebSocket at this path.", request->now_ns);
        return;
    }
    rejection = answer_begin(client, 404);
    if (client->socket->accept &&
        !client->socket->accept(client->shared->service.state, client, request, &rejection)) {
        http_send_last(client, http, &rejection, request->now_ns);
        return;
    }
    pw_ws_accept_key(key->text, key->size, accept);
    size = snprintf(head, sizeof head,
                    "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\n"
                    "Connection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: %s\r\n\r\n",
                    accept);
    pw_serve_outlet_append(&client->outlet, head, (size_t)size);
    pw_serve_ws_begin(client, request->now_ns);
}

static void answer_compress(struct pw_serve_client *client, const struct pw_http_head *request,
                            struct pw_serve_answer *answer)
{
    if (answer->body->size > SMALL_BYTES && pw_http_has_token(request, "Accept-Encoding", "gzip") &&
        pw_serve_gzip(answer->body, &client->shared->gzip)) {
        pw_serve_answer_header(answer, "Content-Encoding: gzip");
        answer->body = &client->shared->gzip;
    }
}

/* Of all connections of an address together. False: it was too much. */
static bool http_rate_ok(struct pw_serve_client *client, int64_t now_ns)
{
    uint32_t limit = client->shared->limits.requests_per_s;
    uint64_t hash = (client->address.network + client->address.version6) * UINT64_C(0x9e3779b97f4a7c15);
    struct pw_serve_rate *rate = &client->shared->rates[hash >> 56];

    static_assert(PW_SERVE_RATES == 256, "a byte is its index");
    if (now_ns - rate->from_ns >= PW_NS_PER_S) {
        *rate = (struct pw_serve_rate){.from_ns = now_ns};
    }
    return !limit || ++rate->cnt <= limit;
}

static void http_request(struct pw_serve_client *client, struct pw_serve_request *request)
{
    const struct pw_service *service = &client->shared->service;
    const struct pw_http_head *head = request->head;
    const struct pw_serve_route *route;
    struct pw_serve_answer answer;

    client->last_request_ns = request->now_ns;
    if (!http_rate_ok(client, request->now_ns)) {
        http_refuse(client, head, 429, "Too many requests.", request->now_ns);
        return;
    }
    if (pw_http_has_token(head, "Upgrade", "websocket")) {
        http_upgrade(client, request);
        return;
    }
    answer = answer_begin(client, 200);
    route = route_find(service, request);
    if (route) {
        route->answer(service->state, request, &answer);
    } else {
        route_missing(client, request, &answer);
    }
    if (answer.body->failed) {
        http_refuse(client, head, 500, "No memory for the answer.", request->now_ns);
        return;
    }
    answer_compress(client, head, &answer);
    http_send(client, head, &answer, head->keep_alive);
    if (answer.delay_ms) {
        pw_serve_client_hold(client, request->now_ns + answer.delay_ms * PW_NS_PER_MS);
    }
    if (!head->keep_alive) {
        pw_serve_phase_set(client, PW_SERVE_CLOSING, request->now_ns);
    }
}

/* One request at a time: the next one is looked at when the answer is gone. */
static void http_input(struct pw_serve_client *client, int64_t now_ns)
{
    while (client->phase == PW_SERVE_HTTP && pw_serve_outlet_backlog(&client->outlet) == 0) {
        struct pw_http_head head;
        struct pw_serve_request request = {.head = &head, .now_ns = now_ns};
        enum pw_http_result result = pw_http_parse_request((const char *)client->in, client->in_bytes, &head);
        uint64_t body_bytes;

        if (!client->part_ns && client->in_bytes) {
            client->part_ns = now_ns;
        }
        if (result == PW_HTTP_INCOMPLETE) {
            return;
        }
        if (result == PW_HTTP_INVALID || head.chunked) {
            http_refuse(client, NULL, 400, "Malformed request.", now_ns);
            return;
        }
        body_bytes = head.has_length ? head.content_length : 0;
        if (body_bytes > PW_SERVE_BODY_MAX) {
            http_refuse(client, &head, 400, "The request is too large.", now_ns);
            return;
        }
        if (client->in_bytes - head.head_bytes < body_bytes) {
            return;
        }
        request.body = (struct pw_slice){(const char *)client->in + head.head_bytes, (size_t)body_bytes};
        client->part_ns = 0;
        pw_target_split(head.target, &request.path, &request.query);
        http_request(client, &request);
        pw_serve_consume(client, head.head_bytes + (size_t)body_bytes);
        pw_serve_client_flush(client, now_ns);
    }
}

/* ---- the connection ---- */

static void client_input(struct pw_serve_client *client, int64_t now_ns)
{
    if (client->phase == PW_SERVE_HTTP) {
        http_input(client, now_ns);
    }
    if (client->phase == PW_SERVE_WEBSOCKET || client->close_sent) {
        pw_serve_ws_input(client, now_ns);
    }
    if (client->phase == PW_SERVE_CLOSING && (!client->close_sent || client->close_got)) {
        client->in_bytes = 0;
        pw_serve_client_flush(client, now_ns); /* it may be the end */
    }
}

/* False: there is nothing more to do now. */
static bool client_handshake(struct pw_serve_client *client, int64_t now_ns)
{
    switch (pw_serve_link_handshake(&client->link)) {
    case PW_SERVE_LINK_DONE:
        client->want_write = false;
        pw_serve_phase_set(client, PW_SERVE_HTTP, now_ns);
        return true;
    case PW_SERVE_LINK_WANT_WRITE:
        client->want_write = true;
        return false;
    case PW_SERVE_LINK_WANT_READ:
        client->want_write = false;
        return false;
    default:
        pw_serve_end(client, false);
        return false;
    }
}

void pw_serve_client_readable(struct pw_serve_client *client, int64_t now_ns)
{
    size_t taken = 0;

    if (client->phase == PW_SERVE_HANDSHAKE && !client_handshake(client, now_ns)) {
        return;
    }
    if (client->finished) {
        if (pw_serve_link_discard(&client->link) == PW_SERVE_LINK_ENDED) {
            pw_serve_end(client, false);
        }
        return;
    }
    if (client->in_bytes) {
        client_input(client, now_ns);
    }
    /* A turn is bounded, else one that floods would keep the others waiting. What TLS has decrypted is taken
     * in any case: the socket would not show it again. */
    while (!client->ended && !client->finished && client->in_bytes < PW_SERVE_INPUT_BYTES &&
           pw_serve_client_wants_read(client) &&
           (taken < PW_SERVE_INPUT_BYTES || pw_serve_link_pending(&client->link))) {
        size_t got = 0;
        enum pw_serve_link_result result = pw_serve_link_read(&client->link, client->in + client->in_bytes,
                                                              PW_SERVE_INPUT_BYTES - client->in_bytes, &got);
        if (result == PW_SERVE_LINK_ENDED) {
            pw_serve_end(client, false);
        }
        if (result != PW_SERVE_LINK_DONE) {
            return;
        }
        taken += got;
        client->in_bytes += got;
        client_input(client, now_ns);
    }
}

void pw_serve_client_flush(struct pw_serve_client *client, int64_t now_ns)
{
    struct pw_serve_outlet *outlet = &client->outlet;

    if (client->outlet.overrun) {
        pw_serve_end(client, true);
        return;
    }
    if (client->hold_until_ns && now_ns < client->hold_until_ns) {
        return;
    }
    client->hold_until_ns = 0;
    client->want_write = false;
    while (pw_serve_outlet_backlog(outlet) && !client->ended) {
        size_t sent = 0;
        enum pw_serve_link_result result = pw_serve_link_write(&client->link, outlet->data + outlet->head,
                                                               pw_serve_outlet_backlog(outlet), &sent);
        pw_serve_outlet_sent(outlet, sent);
        client->sent_ns = sent ? now_ns : client->sent_ns;
        if (result == PW_SERVE_LINK_ENDED) {
            pw_serve_end(client, true);
        }
        if (result == PW_SERVE_LINK_WANT_WRITE) {
            client->want_write = true;
        }
        if (result != PW_SERVE_LINK_DONE) {
            break;
        }
    }
    /* A WebSocket's end waits for the peer's close frame too. */
    if (client->phase == PW_SERVE_CLOSING && client->close_sent == client->close_got && !client->finished &&
        !pw_serve_outlet_backlog(outlet)) {
        pw_serve_link_finish(&client->link);
        client->finished = true;
        client->phase_ns = now_ns; /* from now on the peer's end is waited for */
    }
}

void pw_serve_client_writable(struct pw_serve_client *client, int64_t now_ns)
{
    if (client->phase != PW_SERVE_HANDSHAKE) {
        pw_serve_client_flush(client, now_ns);
    }
    if (!client->ended && !client->want_write) {
        pw_serve_client_readable(client, now_ns); /* what had to wait for the answer before */
    }
}

/* A last answer that is on its way has the time of a request. */
static int64_t closing_timeout_ns(const struct pw_serve_client *client)
{
    return client->finished || client->close_sent ? CLOSE_TIMEOUT_NS
                                                  : client->shared->limits.idle_timeout_ms * PW_NS_PER_MS;
}

int64_t pw_serve_client_idle_since_ns(const struct pw_serve_client *client)
{
    int64_t since_ns = client->phase == PW_SERVE_HTTP ? client->last_request_ns : client->phase_ns;

    if (client->phase == PW_SERVE_FREE || client->phase == PW_SERVE_WEBSOCKET || client->hold_until_ns) {
        return INT64_MAX;
    }
    return pw_serve_outlet_backlog(&client->outlet) && client->sent_ns > since_ns ? client->sent_ns
                                                                                  : since_ns;
}

/* A request or a message that is not whole in time. */
static bool part_is_late(const struct pw_serve_client *client, int64_t now_ns)
{
    return client->part_ns &&
           now_ns - client->part_ns >= client->shared->limits.request_timeout_ms * PW_NS_PER_MS;
}

void pw_serve_client_tick(struct pw_serve_client *client, int64_t now_ns)
{
    const struct pw_server_limits *limits = &client->shared->limits;
    int64_t age_ns = now_ns - client->phase_ns;

    if (client->phase == PW_SERVE_HANDSHAKE && age_ns >= limits->handshake_timeout_ms * PW_NS_PER_MS) {
        pw_serve_end(client, true);
    } else if (client->phase == PW_SERVE_HTTP && part_is_late(client, now_ns)) {
        http_refuse(client, NULL, 408, "Timeout: the request is incomplete.", now_ns);
        pw_serve_client_flush(client, now_ns);
    } else if (client->phase == PW_SERVE_WEBSOCKET && part_is_late(client, now_ns)) {
        pw_serve_client_close(client, 1008, "Timeout: the message is incomplete", now_ns);
        pw_serve_client_flush(client, now_ns);
    } else if (client->phase == PW_SERVE_HTTP &&
               now_ns - client->last_request_ns >= limits->idle_timeout_ms * PW_NS_PER_MS) {
        pw_serve_end(client, false);
    } else if (client->phase == PW_SERVE_CLOSING && age_ns >= closing_timeout_ns(client)) {
        pw_serve_end(client, false);
    } else if (client->phase == PW_SERVE_WEBSOCKET && pw_serve_ws_tick(client, now_ns)) {
        pw_serve_client_flush(client, now_ns);
    } else if (client->hold_until_ns && now_ns >= client->hold_until_ns) {
        pw_serve_client_writable(client, now_ns);
    }
}

void pw_serve_client_shutdown(struct pw_serve_client *client, int64_t now_ns)
{
    if (client->phase != PW_SERVE_WEBSOCKET) {
        pw_serve_end(client, false);
        return;
    }
    pw_serve_ws_goodbye(client, now_ns);
    pw_serve_client_flush(client, now_ns);
}
