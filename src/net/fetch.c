/* SPDX-License-Identifier: MIT
 *
 * Fetch: one GET over a connection of its own, whole or not at all.
 *
 * A body ends where its framing says: Content-Length, chunked, or, without either, with the connection, which
 * then must end in good order (a cut TLS session is a failure, not an end; RFC 9112, 8).
 */
#include "net.h"

#include "ban.h"
#include "http.h"
#include "net_private.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POLL_NS      INT64_C(1000000)
#define COLD_BYTES   32768u
#define OUTPUT_BYTES 16384u
#define HEAD_BYTES   (PW_TARGET_MAX + 1024u) /* of the request */
#define BAN_REST_NS  INT64_C(1000000000)     /* a ban's words are waited for so long: it holds at once */
#define BODY_SLACK   512u /* so that there is room for what frames the body, or shows that it is too large */

enum fetch_phase {
    FETCH_IDLE = 0,
    FETCH_DIALLING,
    FETCH_SENDING,
    FETCH_HEAD,
    FETCH_BODY,
    FETCH_DONE,
    FETCH_FAILED,
};

struct pw_fetch {
    struct pw_net *net;
    uint32_t conn_idx;
    enum fetch_phase phase;
    struct pw_link link;
    struct pw_dial dial;
    int64_t deadline_ns, next_ns;
    char request[HEAD_BYTES];
    size_t request_bytes, request_sent;
    char head_text[PW_HTTP_HEAD_MAX + 1];
    size_t head_text_bytes;
    struct pw_http_head head; /* its slices point into head_text */
    struct pw_http_chunked chunked;
    char *body; /* body_bytes_max + BODY_SLACK + 1 */
    size_t body_bytes_max, body_bytes;
    char error[768];
    bool is_untrusted;
    uint8_t cold_data[COLD_BYTES], output_data[OUTPUT_BYTES];
};

static void done(struct pw_fetch *fetch)
{
    fetch->body[fetch->body_bytes] = '\0';
    pw_link_shutdown(&fetch->link);
    pw_link_flush(&fetch->link, fetch->net->sockets);
    pw_link_close(&fetch->link, fetch->net->sockets);
    fetch->phase = FETCH_DONE;
}

/* By the first line of its answer, whatever becomes of the rest. */
static uint32_t ban_status(const struct pw_fetch *fetch)
{
    uint32_t status = pw_http_status(fetch->head_text, fetch->head_text_bytes);
    return pw_ban_of_answer(status, 0, 0) != 0 ? status : 0;
}

static enum pw_fetch_result fail(struct pw_fetch *fetch, enum pw_cause cause, const char *detail)
{
    uint32_t ban = ban_status(fetch);
    if (ban != 0) {
        fetch->head.status = ban;
        fetch->body_bytes = 0;
        done(fetch);
        return PW_FETCH_DONE;
    }
    const struct pw_net_conn *feed = &fetch->net->conns[fetch->conn_idx];
    snprintf(fetch->error, sizeof fetch->error, "%s: %s%s%s", feed->rest_authority, pw_cause_text(cause),
             detail[0] != '\0' ? ": " : "", detail);
    fetch->is_untrusted = cause == PW_CAUSE_certificate;
    pw_dial_end(&fetch->dial);
    pw_link_close(&fetch->link, fetch->net->sockets);
    fetch->phase = FETCH_FAILED;
    return PW_FETCH_FAILED;
}

/* ---- the request ---- */

static void poll_dialling(struct pw_fetch *fetch, int64_t now_ns)
{
    enum pw_dial_phase phase = pw_dial_poll(&fetch->dial, now_ns);
    if (phase == PW_DIAL_FAILED) {
        fail(fetch, fetch->dial.cause, fetch->dial.detail);
    } else if (phase == PW_DIAL_OPEN) {
        fetch->phase = FETCH_SENDING;
    }
}

static void poll_sending(struct pw_fetch *fetch)
{
    struct pw_link *link = &fetch->link;
    while (fetch->request_sent < fetch->request_bytes && pw_output_empty(&link->output) &&
           !link->send_failed) {
        size_t piece = fetch->request_bytes - fetch->request_sent;
        size_t most = link->output.cap / 2; /* TLS adds to it */
        piece = piece < most ? piece : most;
        if (pw_link_write(link, (const uint8_t *)fetch->request + fetch->request_sent, piece) != PW_TLS_OK) {
            fail(fetch, PW_CAUSE_http_cut, "while sending the request");
            return;
        }
        fetch->request_sent += piece;
        pw_link_flush(link, fetch->net->sockets);
    }
    pw_link_flush(link, fetch->net->sockets);
    if (link->send_failed) {
        fail(fetch, PW_CAUSE_http_cut, "while sending the request");
    } else if (fetch->request_sent == fetch->request_bytes && pw_output_empty(&link->output)) {
        fetch->phase = FETCH_HEAD;
    }
}

/* ---- the response ---- */

/* Judges `bytes` more of the body, which stand behind those already taken. */
static void take_body(struct pw_fetch *fetch, size_t bytes)
{
    const struct pw_http_head *head = &fetch->head;
    enum pw_http_result result = PW_HTTP_INCOMPLETE;
    size_t payload = bytes;
    if (head->chunked) {
        size_t size = bytes;
        result = pw_http_chunked_decode(&fetch->chunked, fetch->body + fetch->body_bytes, &size, &payload);
    }
    if (result == PW_HTTP_INVALID) {
        fail(fetch, PW_CAUSE_http, "its chunks");
        return;
    }
    fetch->body_bytes += payload;
    if (head->has_length && fetch->body_bytes >= head->content_length) {
        fetch->body_bytes = (size_t)head->content_length; /* what follows is not ours */
        result = PW_HTTP_OK;
    }
    if (fetch->body_bytes > fetch->body_bytes_max) {
        fail(fetch, PW_CAUSE_body, "");
    } else if (result == PW_HTTP_OK) {
        done(fetch);
    }
}

/* Interim answers are passed over: the real one follows (RFC 9110, 15.2). */
static enum pw_http_result parse_head(struct pw_fetch *fetch)
{
    for (;;) {
        enum pw_http_result result =
            pw_http_parse_response(fetch->head_text, fetch->head_text_bytes, &fetch->head);
        if (result != PW_HTTP_OK || fetch->head.status >= 200 || fetch->head.status == 101) {
            return result;
        }
        fetch->head_text_bytes -= fetch->head.head_bytes;
        memmove(fetch->head_text, fetch->head_text + fetch->head.head_bytes, fetch->head_text_bytes);
    }
}

static void take_head(struct pw_fetch *fetch)
{
    enum pw_http_result result = parse_head(fetch);
    if (result == PW_HTTP_INCOMPLETE) {
        return;
    }
    if (result == PW_HTTP_INVALID || fetch->head.status == 101) {
        fail(fetch, PW_CAUSE_http, "its head");
        return;
    }
    size_t rest = fetch->head_text_bytes - fetch->head.head_bytes;
    if (rest > fetch->body_bytes_max + BODY_SLACK ||
        (fetch->head.has_length && fetch->head.content_length > fetch->body_bytes_max)) {
        fail(fetch, PW_CAUSE_body, "");
        return;
    }
    memcpy(fetch->body, fetch->head_text + fetch->head.head_bytes, rest);
    fetch->phase = FETCH_BODY;
    take_body(fetch, rest);
}

static void take_end(struct pw_fetch *fetch, enum pw_tls_result result)
{
    const struct pw_http_head *head = &fetch->head;
    bool in_order = result == PW_TLS_CLOSED || (result == PW_TLS_TRUNCATED && !fetch->link.secure);
    if (fetch->phase == FETCH_BODY && in_order && !head->chunked && !head->has_length) {
        done(fetch);
    } else {
        fail(fetch, PW_CAUSE_http_cut, "");
    }
}

/* True: something came; ask again. */
static bool read_some(struct pw_fetch *fetch, int64_t now_ns)
{
    pw_link_receive(&fetch->link, fetch->net->sockets, now_ns);
    if (!pw_link_waiting(&fetch->link)) {
        return false;
    }
    bool head = fetch->phase == FETCH_HEAD;
    char *out = head ? fetch->head_text + fetch->head_text_bytes : fetch->body + fetch->body_bytes;
    size_t size = head ? PW_HTTP_HEAD_MAX - fetch->head_text_bytes
                       : fetch->body_bytes_max + BODY_SLACK - fetch->body_bytes;
    enum pw_tls_result result = pw_link_read(&fetch->link, (uint8_t *)out, &size);
    if (result == PW_TLS_OK && head) {
        fetch->head_text_bytes += size;
        take_head(fetch);
        int64_t most_ns = ban_status(fetch) != 0 ? now_ns + BAN_REST_NS : INT64_MAX;
        fetch->deadline_ns = most_ns < fetch->deadline_ns ? most_ns : fetch->deadline_ns;
    } else if (result == PW_TLS_OK) {
        take_body(fetch, size);
    } else if (result != PW_TLS_WANT_INPUT) {
        take_end(fetch, result);
    }
    return result == PW_TLS_OK || result == PW_TLS_WANT_INPUT;
}

/* ---- the outside ---- */

enum pw_fetch_result pw_fetch_poll(struct pw_fetch *fetch, int64_t now_ns)
{
    enum fetch_phase before;
    fetch->next_ns = now_ns + POLL_NS;
    do { /* what can be done at once is done at once */
        before = fetch->phase;
        if (fetch->phase == FETCH_DIALLING) {
            poll_dialling(fetch, now_ns);
        } else if (fetch->phase == FETCH_SENDING) {
            poll_sending(fetch);
        } else {
            while ((fetch->phase == FETCH_HEAD || fetch->phase == FETCH_BODY) && read_some(fetch, now_ns)) {
            }
        }
    } while (fetch->phase != before);
    switch (fetch->phase) {
    case FETCH_DONE:
        return PW_FETCH_DONE;
    case FETCH_IDLE:
    case FETCH_FAILED:
        return PW_FETCH_FAILED;
    default:
        return now_ns < fetch->deadline_ns ? PW_FETCH_PENDING : fail(fetch, PW_CAUSE_late, "");
    }
}

int64_t pw_fetch_next_ns(const struct pw_fetch *fetch)
{
    bool busy = fetch->phase != FETCH_IDLE && fetch->phase != FETCH_DONE && fetch->phase != FETCH_FAILED;
    return busy ? fetch->next_ns : INT64_MAX;
}

int pw_fetch_start(struct pw_fetch *fetch, uint32_t feed_idx, const char *target, int64_t deadline_ns,
                   int64_t now_ns)
{
    uint32_t conn_idx = fetch->net->plan.conns.of_feed[feed_idx];
    const struct pw_net_conn *feed = &fetch->net->conns[conn_idx];
    pw_fetch_end(fetch);
    if (!feed->has_rest) {
        return -EDESTADDRREQ;
    }
    if (strlen(feed->rest_path) + strlen(target) >= PW_TARGET_MAX) {
        return -E2BIG;
    }
    if (!pw_target_ok(target)) {
        return -EINVAL;
    }
    int bytes = snprintf(fetch->request, sizeof fetch->request,
                         "GET %s%s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nConnection: close\r\n"
                         "User-Agent: pinwheel\r\n\r\n",
                         feed->rest_path, target, feed->rest_authority);
    fetch->conn_idx = conn_idx;
    fetch->request_bytes = (size_t)bytes;
    fetch->deadline_ns = deadline_ns;
    fetch->next_ns = now_ns;
    fetch->is_untrusted = false;
    fetch->phase = FETCH_DIALLING;
    pw_dial_start(&fetch->dial, fetch->net->sockets, &fetch->link, &feed->rest, now_ns);
    return 0;
}

uint32_t pw_fetch_status(const struct pw_fetch *fetch)
{
    return fetch->head.status;
}

bool pw_fetch_is_answer(const struct pw_fetch *fetch, char *why, size_t why_bytes)
{
    uint32_t status = fetch->head.status;
    uint32_t class = status / 100;
    snprintf(why, why_bytes, "HTTP status %u%s", status,
             class == 3                    ? " (redirects are not followed; check rest_url)"
             : class == 2 && status != 200 ? " (not a whole answer)"
                                           : "");
    return status == 200;
}

uint32_t pw_fetch_retry_after_s(const struct pw_fetch *fetch)
{
    return pw_retry_after_s(&fetch->head);
}

const char *pw_fetch_body(const struct pw_fetch *fetch, size_t *bytes)
{
    *bytes = fetch->body_bytes;
    return fetch->body;
}

const char *pw_fetch_error(const struct pw_fetch *fetch)
{
    return fetch->error;
}

bool pw_fetch_is_untrusted(const struct pw_fetch *fetch)
{
    return fetch->is_untrusted;
}

void pw_fetch_end(struct pw_fetch *fetch)
{
    pw_dial_end(&fetch->dial);
    pw_link_close(&fetch->link, fetch->net->sockets);
    fetch->phase = FETCH_IDLE;
    fetch->request_sent = 0;
    fetch->head_text_bytes = 0;
    fetch->body_bytes = 0;
    fetch->chunked = (struct pw_http_chunked){0};
    memset(&fetch->head, 0, sizeof fetch->head);
    snprintf(fetch->error, sizeof fetch->error, "no request");
}

struct pw_fetch *pw_fetch_create(struct pw_net *net, size_t body_bytes_max)
{
    struct pw_fetch *fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL) {
        return NULL;
    }
    fetch->net = net;
    fetch->body_bytes_max = body_bytes_max;
    fetch->body = malloc(body_bytes_max + BODY_SLACK + 1);
    if (fetch->body == NULL) {
        free(fetch);
        return NULL;
    }
    pw_link_init(&fetch->link, fetch->cold_data, COLD_BYTES, fetch->output_data, OUTPUT_BYTES);
    pw_fetch_end(fetch);
    return fetch;
}

void pw_fetch_destroy(struct pw_fetch *fetch)
{
    if (fetch != NULL) {
        pw_fetch_end(fetch);
        free(fetch->body);
        free(fetch);
    }
}
