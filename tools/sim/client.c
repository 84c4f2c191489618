/* SPDX-License-Identifier: MIT
 *
 * One connection, and HTTP on it: see client.h.
 */
#include "client.h"

#include "client_ws.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS            INT64_C(1000000)
#define CLOSE_TIMEOUT_NS (2000 * MS_NS) /* for the peer's answer to our close frame */

int pw_sim_client_open(struct pw_sim_client *client, struct pw_sim_client_shared *shared, uint32_t client_idx,
                       int fd, struct WOLFSSL_CTX *context, int64_t now_ns)
{
    int result;

    *client = (struct pw_sim_client){.shared = shared, .last_request_ns = now_ns};
    client->subscriber.subscriber_idx = client_idx;
    result = pw_serve_link_open(&client->link, fd, context);
    if (result) {
        return result;
    }
    client->in = malloc(PW_SIM_CLIENT_INPUT_BYTES);
    client->subscriber.streams = calloc(PW_SIM_SUBSCRIBES_MAX, sizeof *client->subscriber.streams);
    if (!client->in || !client->subscriber.streams ||
        pw_sim_out_init(&client->subscriber.out, (size_t)shared->limits->output_kib * 1024) != 0) {
        free(client->in);
        free(client->subscriber.streams);
        pw_serve_link_close(&client->link, true);
        return -ENOMEM;
    }
    pw_sim_hub_enter(shared->hub, &client->subscriber);
    pw_sim_client_phase_set(client, context ? PW_SIM_CLIENT_HANDSHAKE : PW_SIM_CLIENT_HTTP, now_ns);
    return 0;
}

void pw_sim_client_close(struct pw_sim_client *client)
{
    pw_sim_user_stream_leave(client->shared->api->stream, &client->subscriber);
    pw_sim_hub_leave(client->shared->hub, &client->subscriber);
    pw_serve_link_close(&client->link, client->reset);
    pw_sim_out_fini(&client->subscriber.out);
    pw_buffer_free(&client->message);
    free(client->in);
    free(client->subscriber.streams);
    client->phase = PW_SIM_CLIENT_FREE;
}

/* ---- HTTP ---- */

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

static void http_send(struct pw_sim_client *client, const struct pw_sim_rest_answer *answer, bool keep_alive)
{
    char head[768], retry[48] = "";
    struct pw_sim_out *out = &client->subscriber.out;
    int size;

    if (answer->retry_after_s) {
        snprintf(retry, sizeof retry, "Retry-After: %u\r\n", answer->retry_after_s);
    }
    size = snprintf(head, sizeof head,
                    "HTTP/1.1 %u %s\r\n"
                    "Server: pinwheel-sim\r\n"
                    "Content-Type: %s\r\n"
                    "Content-Length: %zu\r\n"
                    "Connection: %s\r\n"
                    "Cache-Control: no-cache, no-store, must-revalidate\r\n"
                    "X-MBX-USED-WEIGHT: %u\r\n"
                    "X-MBX-USED-WEIGHT-1M: %u\r\n"
                    "%s%s%s\r\n",
                    answer->status, status_text(answer->status), answer->content_type, answer->body->size,
                    keep_alive ? "keep-alive" : "close", answer->used_weight, answer->used_weight, retry,
                    answer->headers,
                    answer->status == 426 ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : "");
    if (!pw_sim_out_append(out, head, (size_t)size) ||
        !pw_sim_out_append(out, answer->body->data, answer->body->size)) {
        client->subscriber.overrun = true;
    }
    pw_sim_hub_touched(client->shared->hub, &client->subscriber);
}

static void http_refuse(struct pw_sim_client *client, uint32_t status, const char *text, int64_t now_ns)
{
    struct pw_sim_rest_answer answer = {
        .status = status, .content_type = "application/json;charset=UTF-8", .body = &client->shared->scratch};

    pw_buffer_clear(answer.body);
    pw_buffer_format(answer.body, "{\"code\":-1000,\"msg\":\"%s\"}", text);
    http_send(client, &answer, false);
    pw_sim_hub_silence(client->shared->hub, &client->subscriber);
    pw_sim_client_phase_set(client, PW_SIM_CLIENT_CLOSING, now_ns);
}

static bool subscribe_list(struct pw_sim_client *client, char *list)
{
    char *rest = list;

    for (char *name = strsep(&rest, "/"); name; name = strsep(&rest, "/")) {
        struct pw_slice slice = {name, strlen(name)};
        if (slice.size && (!pw_sim_stream_name_ok(slice) ||
                           pw_sim_hub_subscribe(client->shared->hub, &client->subscriber, slice) != 0)) {
            return false;
        }
    }
    return true;
}

/* The value of a query's parameter, still encoded. */
static bool query_find(struct pw_slice query, const char *name, struct pw_slice *value)
{
    size_t name_bytes = strlen(name);

    while (query.size) {
        const char *end = memchr(query.text, '&', query.size);
        size_t size = end ? (size_t)(end - query.text) : query.size;
        if (size > name_bytes && query.text[name_bytes] == '=' && memcmp(query.text, name, name_bytes) == 0) {
            *value = (struct pw_slice){query.text + name_bytes + 1, size - name_bytes - 1};
            return true;
        }
        query.text += size + (end != NULL);
        query.size -= size + (end != NULL);
    }
    return false;
}

enum { UPGRADE_NOT_FOUND = 404, UPGRADE_BAD = 400, UPGRADE_OK = 0 };

/* False: no unit that there is. */
static bool upgrade_unit(struct pw_sim_client *client, struct pw_slice query)
{
    struct pw_slice value;

    if (!query_find(query, "timeUnit", &value)) {
        return true;
    }
    client->subscriber.microsecond =
        pw_slice_equal(value, "MICROSECOND") || pw_slice_equal(value, "microsecond");
    return client->subscriber.microsecond || pw_slice_equal(value, "MILLISECOND") ||
           pw_slice_equal(value, "millisecond");
}

/* The options of binance.md 5; of the formats there is JSON. */
static int upgrade_api(struct pw_sim_client *client, struct pw_slice query, int64_t now_ns)
{
    struct pw_slice value;

    client->is_api = true;
    client->session = (struct pw_sim_session){.connected_ns = now_ns, .return_rate_limits = true};
    if (query_find(query, "returnRateLimits", &value)) {
        client->session.return_rate_limits = pw_slice_equal(value, "true");
        if (!client->session.return_rate_limits && !pw_slice_equal(value, "false")) {
            return UPGRADE_BAD;
        }
    }
    if (query_find(query, "responseFormat", &value) && !pw_slice_equal(value, "json")) {
        return UPGRADE_BAD;
    }
    return upgrade_unit(client, query) ? UPGRADE_OK : UPGRADE_BAD;
}

/* Takes the URL forms of binance.md 2.1 and 11.2 apart: envelope, time unit, streams. */
static int upgrade_target(struct pw_sim_client *client, struct pw_slice target, int64_t now_ns)
{
    static const struct {
        const char *prefix;
        bool combined;
    } roots[] = {{"/stream/ws", false}, {"/stream", true}, {"/ws", false}};
    const char *mark = memchr(target.text, '?', target.size);
    struct pw_slice path = {target.text, mark ? (size_t)(mark - target.text) : target.size}, query = {0},
                    value;
    char list[PW_HTTP_HEAD_MAX];
    size_t size, root, root_bytes = 0;

    if (mark) {
        query = (struct pw_slice){mark + 1, target.size - path.size - 1};
    }
    if (pw_slice_equal(path, PW_SIM_WS_API_PATH)) {
        return upgrade_api(client, query, now_ns);
    }
    for (root = 0; root < sizeof roots / sizeof roots[0]; root++) {
        root_bytes = strlen(roots[root].prefix);
        if (path.size >= root_bytes && memcmp(path.text, roots[root].prefix, root_bytes) == 0 &&
            (path.size == root_bytes || path.text[root_bytes] == '/')) {
            break;
        }
    }
    if (root == sizeof roots / sizeof roots[0]) {
        return UPGRADE_NOT_FOUND;
    }
    client->subscriber.combined = roots[root].combined;
    if (!upgrade_unit(client, query)) {
        return UPGRADE_BAD;
    }
    value = (struct pw_slice){path.text + root_bytes, path.size - root_bytes};
    if (!pw_sim_percent_decode(value, false, list, sizeof list, &size) || !subscribe_list(client, list)) {
        return UPGRADE_BAD;
    }
    if (roots[root].combined && query_find(query, "streams", &value) &&
        (!pw_sim_percent_decode(value, false, list, sizeof list, &size) || !subscribe_list(client, list))) {
        return UPGRADE_BAD;
    }
    return UPGRADE_OK;
}

/* RFC 6455, 4.2.1 and 4.2.2. Extensions and subprotocols are not taken up. */
static void http_upgrade(struct pw_sim_client *client, const struct pw_http_head *request, int64_t now_ns)
{
    const struct pw_slice *key = pw_http_find(request, "Sec-WebSocket-Key");
    const struct pw_slice *version = pw_http_find(request, "Sec-WebSocket-Version");
    struct pw_sim_rest_answer refusal;
    char accept[29], head[256];
    int result, size;

    if (!pw_slice_equal(request->method, "GET") || request->minor_version < 1 || !key || key->size != 24 ||
        !pw_http_has_token(request, "Connection", "upgrade")) {
        http_refuse(client, 400, "Not a WebSocket handshake.", now_ns);
        return;
    }
    if (!version || !pw_slice_equal(*version, "13")) {
        http_refuse(client, 426, "WebSocket version 13 only.", now_ns);
        return;
    }
    result = upgrade_target(client, request->target, now_ns);
    if (result != UPGRADE_OK) {
        http_refuse(client, (uint32_t)result, "There is no such stream.", now_ns);
        return;
    }
    if (client->is_api && !pw_sim_ws_api_connect(client->shared->api, now_ns, &refusal)) {
        http_send(client, &refusal, false);
        pw_sim_client_phase_set(client, PW_SIM_CLIENT_CLOSING, now_ns);
        return;
    }
    pw_ws_accept_key(key->text, key->size, accept);
    size = snprintf(head, sizeof head,
                    "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\n"
                    "Connection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: %s\r\n\r\n",
                    accept);
    if (!pw_sim_out_append(&client->subscriber.out, head, (size_t)size)) {
        client->subscriber.overrun = true;
    }
    pw_sim_hub_touched(client->shared->hub, &client->subscriber);
    pw_sim_client_ws_begin(client, now_ns);
}

static void http_request(struct pw_sim_client *client, const struct pw_http_head *request,
                         struct pw_slice body, int64_t now_ns)
{
    struct pw_sim_rest_answer answer = {.body = &client->shared->scratch};

    client->last_request_ns = now_ns;
    if (pw_http_has_token(request, "Upgrade", "websocket")) {
        http_upgrade(client, request, now_ns);
        return;
    }
    pw_sim_rest_answer(client->shared->rest, &(struct pw_sim_rest_request){request, body, now_ns}, &answer);
    http_send(client, &answer, request->keep_alive);
    if (answer.delay_ms) {
        client->answer_at_ns = now_ns + answer.delay_ms * MS_NS;
    }
    if (!request->keep_alive) {
        pw_sim_client_phase_set(client, PW_SIM_CLIENT_CLOSING, now_ns);
    }
}

/* One request at a time: the next one is looked at when the answer is gone. */
static void http_input(struct pw_sim_client *client, int64_t now_ns)
{
    while (client->phase == PW_SIM_CLIENT_HTTP && pw_sim_out_backlog(&client->subscriber.out) == 0) {
        struct pw_http_head request;
        enum pw_http_result result =
            pw_http_parse_request((const char *)client->in, client->in_bytes, &request);
        uint64_t body_bytes;

        if (result == PW_HTTP_INCOMPLETE) {
            return;
        }
        if (result == PW_HTTP_INVALID || request.chunked) {
            http_refuse(client, 400, "Malformed request.", now_ns);
            return;
        }
        body_bytes = request.has_length ? request.content_length : 0;
        if (body_bytes > PW_SIM_CLIENT_INPUT_BYTES - PW_HTTP_HEAD_MAX) {
            http_refuse(client, 400, "The request is too large.", now_ns);
            return;
        }
        if (client->in_bytes - request.head_bytes < body_bytes) {
            return;
        }
        http_request(client, &request,
                     (struct pw_slice){(const char *)client->in + request.head_bytes, (size_t)body_bytes},
                     now_ns);
        pw_sim_client_consume(client, request.head_bytes + (size_t)body_bytes);
        pw_sim_client_flush(client, now_ns);
    }
}

/* ---- the connection ---- */

static void client_input(struct pw_sim_client *client, int64_t now_ns)
{
    if (client->phase == PW_SIM_CLIENT_HTTP) {
        http_input(client, now_ns);
    }
    if (client->phase == PW_SIM_CLIENT_WEBSOCKET || client->close_sent) {
        pw_sim_client_ws_input(client, now_ns);
    }
    if (client->phase == PW_SIM_CLIENT_CLOSING && (!client->close_sent || client->close_got)) {
        client->in_bytes = 0;
        pw_sim_client_flush(client, now_ns); /* it may be the end */
    }
}

/* False: there is nothing more to do now. */
static bool client_handshake(struct pw_sim_client *client, int64_t now_ns)
{
    switch (pw_serve_link_handshake(&client->link)) {
    case PW_SERVE_LINK_DONE:
        client->want_write = false;
        pw_sim_client_phase_set(client, PW_SIM_CLIENT_HTTP, now_ns);
        return true;
    case PW_SERVE_LINK_WANT_WRITE:
        client->want_write = true;
        return false;
    case PW_SERVE_LINK_WANT_READ:
        client->want_write = false;
        return false;
    default:
        pw_sim_client_end(client, false);
        return false;
    }
}

void pw_sim_client_readable(struct pw_sim_client *client, int64_t now_ns)
{
    if (client->phase == PW_SIM_CLIENT_HANDSHAKE && !client_handshake(client, now_ns)) {
        return;
    }
    if (client->finished) {
        if (pw_serve_link_discard(&client->link) == PW_SERVE_LINK_ENDED) {
            pw_sim_client_end(client, false);
        }
        return;
    }
    if (client->in_bytes) {
        client_input(client, now_ns);
    }
    while (!client->ended && !client->finished && client->in_bytes < PW_SIM_CLIENT_INPUT_BYTES &&
           pw_sim_client_wants_read(client)) {
        size_t got = 0;
        enum pw_serve_link_result result = pw_serve_link_read(
            &client->link, client->in + client->in_bytes, PW_SIM_CLIENT_INPUT_BYTES - client->in_bytes, &got);
        if (result == PW_SERVE_LINK_ENDED) {
            pw_sim_client_end(client, false);
        }
        if (result != PW_SERVE_LINK_DONE) {
            return;
        }
        client->in_bytes += got;
        client_input(client, now_ns);
    }
}

void pw_sim_client_flush(struct pw_sim_client *client, int64_t now_ns)
{
    struct pw_sim_out *out = &client->subscriber.out;

    if (client->subscriber.overrun) {
        pw_sim_client_end(client, true);
        return;
    }
    if (client->answer_at_ns && now_ns < client->answer_at_ns) {
        return;
    }
    client->answer_at_ns = 0;
    client->want_write = false;
    while (pw_sim_out_backlog(out) && !client->ended) {
        size_t sent = 0;
        enum pw_serve_link_result result =
            pw_serve_link_write(&client->link, out->data + out->head, pw_sim_out_backlog(out), &sent);
        out->head += sent;
        if (result == PW_SERVE_LINK_ENDED) {
            pw_sim_client_end(client, true);
        }
        if (result == PW_SERVE_LINK_WANT_WRITE) {
            client->want_write = true;
        }
        if (result != PW_SERVE_LINK_DONE) {
            break;
        }
    }
    pw_sim_hub_drained(client->shared->hub, &client->subscriber);
    /* A WebSocket's end waits for the peer's close frame too. */
    if (client->phase == PW_SIM_CLIENT_CLOSING && client->close_sent == client->close_got &&
        !client->finished && !pw_sim_out_backlog(out)) {
        pw_serve_link_finish(&client->link);
        client->finished = true;
    }
}

void pw_sim_client_writable(struct pw_sim_client *client, int64_t now_ns)
{
    if (client->phase != PW_SIM_CLIENT_HANDSHAKE) {
        pw_sim_client_flush(client, now_ns);
    }
    if (!client->ended && !client->want_write) {
        pw_sim_client_readable(client, now_ns); /* what had to wait for the answer before */
    }
}

void pw_sim_client_tick(struct pw_sim_client *client, int64_t now_ns)
{
    const struct pw_sim_limits_config *limits = client->shared->limits;
    int64_t age_ns = now_ns - client->phase_ns;

    if (client->phase == PW_SIM_CLIENT_HANDSHAKE && age_ns >= limits->handshake_timeout_ms * MS_NS) {
        pw_sim_client_end(client, true);
    } else if (client->phase == PW_SIM_CLIENT_HTTP &&
               now_ns - client->last_request_ns >= limits->idle_timeout_ms * MS_NS) {
        pw_sim_client_end(client, false);
    } else if (client->phase == PW_SIM_CLIENT_CLOSING && age_ns >= CLOSE_TIMEOUT_NS) {
        pw_sim_client_end(client, false);
    } else if (client->phase == PW_SIM_CLIENT_WEBSOCKET && pw_sim_client_ws_tick(client, now_ns)) {
        pw_sim_client_flush(client, now_ns);
    } else if (client->answer_at_ns && now_ns >= client->answer_at_ns) {
        pw_sim_client_writable(client, now_ns);
    }
}

void pw_sim_client_shutdown(struct pw_sim_client *client, int64_t now_ns)
{
    if (client->phase != PW_SIM_CLIENT_WEBSOCKET) {
        pw_sim_client_end(client, false);
        return;
    }
    pw_sim_client_ws_goodbye(client, now_ns);
    pw_sim_client_flush(client, now_ns);
}
