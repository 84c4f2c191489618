/* SPDX-License-Identifier: MIT
 *
 * The measuring venue's sockets: see bench_venue.h. What it says stands in venue_answers.c.
 */
#include "bench.h"
#include "bench_venue.h"
#include "identity.h"
#include "tls_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CASH_E8     INT64_C(5000000000000000000) /* never the reason why an engine stops */
#define FIRST_ID    UINT64_C(1000000000)         /* ten digits from the first to the last */
#define PRICE_FIRST 10001u                       /* cents: the lowest ask */

/* ---- life ---- */

static int listener_open(struct venue *venue)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    venue->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (venue->listener < 0 || bind(venue->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(venue->listener, 64) != 0 ||
        getsockname(venue->listener, (struct sockaddr *)&address, &size) != 0) {
        return -errno;
    }
    venue->port = ntohs(address.sin_port);
    return 0;
}

static void instrument_make(struct venue_instrument *instrument, uint32_t i)
{
    snprintf(instrument->base, sizeof instrument->base, "T%03u", i % 1000);
    snprintf(instrument->symbol, sizeof instrument->symbol, "%sUSDT", instrument->base);
    instrument->update_id = instrument->depth_update_id = instrument->trade_id = FIRST_ID;
    venue_frames_make(instrument);
}

void venue_prepare(struct venue *venue, uint32_t instrument_cnt)
{
    memset(venue, 0, sizeof *venue);
    venue->listener = -1;
    venue->instrument_cnt = instrument_cnt;
    venue->cash_free_e8 = CASH_E8;
    venue->order_id = venue->trade_id = FIRST_ID;
    for (uint32_t i = 0; i < VENUE_CONNS_MAX; i++) {
        venue->conns[i].end.fd = -1;
    }
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        instrument_make(&venue->instruments[i], i);
    }
}

int venue_open(struct venue *venue, uint32_t instrument_cnt, const char *identity_directory)
{
    venue_prepare(venue, instrument_cnt);
    venue->context = pw_sim_identity_context(identity_directory);
    int result = venue->context == NULL ? -EIO : listener_open(venue);
    if (result != 0) {
        venue_close(venue);
    }
    return result;
}

static void conn_close(struct venue *venue, struct venue_conn *conn)
{
    stamped_close(&conn->end);
    venue->market = venue->market == conn ? NULL : venue->market;
    venue->orders = venue->orders == conn ? NULL : venue->orders;
}

void venue_close(struct venue *venue)
{
    for (uint32_t i = 0; i < VENUE_CONNS_MAX; i++) {
        if (venue->conns[i].end.fd >= 0) {
            conn_close(venue, &venue->conns[i]);
        }
    }
    if (venue->listener >= 0) {
        close(venue->listener);
        venue->listener = -1;
    }
    if (venue->context != NULL) {
        pw_serve_link_context_free(venue->context);
        venue->context = NULL;
    }
    pw_buffer_free(&venue->reply);
}

/* ---- HTTP ---- */

static void http_send(struct venue *venue, struct venue_conn *conn, const char *status)
{
    char head[256];
    int bytes = snprintf(head, sizeof head,
                         "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                         "Connection: close\r\n\r\n",
                         status, venue->reply.size);
    (void)stamped_write(&conn->end, head, (size_t)bytes);
    (void)stamped_write(&conn->end, venue->reply.data, venue->reply.size);
    stamped_finish(&conn->end);
    conn->finished = true;
}

static bool begins_with(struct pw_slice text, const char *start)
{
    return text.size >= strlen(start) && memcmp(text.text, start, strlen(start)) == 0;
}

static void websocket_begin(struct venue *venue, struct venue_conn *conn, const struct pw_http_head *head)
{
    const struct pw_slice *key = pw_http_find(head, "Sec-WebSocket-Key");
    char accept[29], answer[256];
    conn->role = begins_with(head->target, "/ws-api/v3") ? VENUE_ORDERS : VENUE_MARKET;
    if (key == NULL) {
        conn->end.ended = true;
        return;
    }
    pw_ws_accept_key(key->text, key->size, accept);
    int bytes = snprintf(answer, sizeof answer,
                         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                         accept);
    (void)stamped_write(&conn->end, answer, (size_t)bytes);
    conn->decoder = (struct pw_ws_decoder){.from_client = true, .message_bytes_max = VENUE_INPUT_BYTES / 2};
    conn->subscription_id = -1;
    if (conn->role == VENUE_ORDERS) {
        venue->orders = conn;
    } else {
        venue->market = conn;
    }
}

/* Bytes that were consumed. */
static size_t http_take(struct venue *venue, struct venue_conn *conn)
{
    struct pw_http_head head;
    enum pw_http_result result = pw_http_parse_request((const char *)conn->in, conn->in_bytes, &head);
    if (result != PW_HTTP_OK) {
        conn->end.ended |= result == PW_HTTP_INVALID;
        return 0;
    }
    if (pw_http_has_token(&head, "Upgrade", "websocket")) {
        websocket_begin(venue, conn, &head);
    } else {
        http_send(venue, conn, venue_rest_answer(venue, head.target) ? "200 OK" : "404 Not Found");
    }
    return head.head_bytes;
}

/* ---- WebSocket ---- */

static void frame_send(struct venue_conn *conn, uint8_t opcode, const void *payload, size_t size)
{
    uint8_t text[PW_WS_HEADER_MAX + PW_WS_CONTROL_MAX];
    uint32_t header = pw_ws_header_encode(text, opcode, true, size, NULL);
    memcpy(text + header, payload, size);
    (void)stamped_write(&conn->end, text, header + size);
}

void venue_reply_send(struct venue *venue, struct venue_conn *conn)
{
    static uint8_t text[PW_WS_HEADER_MAX + 65536];
    size_t size = venue->reply.size;
    if (venue->reply.failed || size > sizeof text - PW_WS_HEADER_MAX) {
        conn->end.ended = true;
        return;
    }
    uint32_t header = pw_ws_header_encode(text, PW_WS_TEXT, true, size, NULL);
    memcpy(text + header, venue->reply.data, size);
    (void)stamped_write(&conn->end, text, header + size);
}

static size_t websocket_take(struct venue *venue, struct venue_conn *conn)
{
    struct pw_ws_frame frame;
    enum pw_ws_result result = pw_ws_decode(&conn->decoder, conn->in, conn->in_bytes, &frame, NULL);
    if (result != PW_WS_FRAME) {
        conn->end.ended |= result == PW_WS_INVALID;
        return 0;
    }
    if (frame.opcode == PW_WS_PING) {
        frame_send(conn, PW_WS_PONG, frame.payload, frame.payload_bytes);
    } else if (frame.opcode == PW_WS_CLOSE) {
        frame_send(conn, PW_WS_CLOSE, frame.payload, frame.payload_bytes);
        stamped_finish(&conn->end);
        conn->finished = true;
    } else if (frame.opcode == PW_WS_TEXT && frame.fin && conn->role == VENUE_ORDERS) {
        struct pw_slice text = {(const char *)frame.payload, frame.payload_bytes};
        venue_request_answer(venue, conn, text);
    }
    return frame.frame_bytes;
}

/* ---- serving ---- */

static void input_consume(struct venue_conn *conn, size_t bytes)
{
    conn->in_bytes -= bytes;
    memmove(conn->in, conn->in + bytes, conn->in_bytes);
}

static void conn_take(struct venue *venue, struct venue_conn *conn)
{
    size_t taken = 1;
    while (taken > 0 && conn->in_bytes > 0 && !conn->finished && !conn->end.ended) {
        taken = conn->role == VENUE_HTTP ? http_take(venue, conn) : websocket_take(venue, conn);
        input_consume(conn, taken);
    }
    conn->in_bytes = conn->finished ? 0 : conn->in_bytes; /* what comes after the end is nobody's */
}

static void conn_serve(struct venue *venue, struct venue_conn *conn)
{
    if (!stamped_poll(&conn->end) && !conn->end.ended) {
        return;
    }
    conn->in_arrived = conn->end.arrived;
    for (size_t got = 1; got > 0 && conn->in_bytes < sizeof conn->in;) {
        got = stamped_read(&conn->end, conn->in + conn->in_bytes, sizeof conn->in - conn->in_bytes);
        conn->in_bytes += got;
        conn_take(venue, conn);
    }
    if (conn->end.ended || conn->in_bytes == sizeof conn->in) {
        conn_close(venue, conn);
    }
}

static void conns_accept(struct venue *venue)
{
    int fd = accept4(venue->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    for (uint32_t i = 0; fd >= 0 && i < VENUE_CONNS_MAX; i++) {
        struct venue_conn *conn = &venue->conns[i];
        if (conn->end.fd < 0) {
            conn->role = VENUE_HTTP;
            conn->finished = false;
            conn->in_bytes = 0;
            (void)stamped_open(&conn->end, fd, venue->context); /* closed, and free, if it could not */
            return;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

void venue_serve(struct venue *venue)
{
    conns_accept(venue);
    for (uint32_t i = 0; i < VENUE_CONNS_MAX; i++) {
        if (venue->conns[i].end.fd >= 0) {
            conn_serve(venue, &venue->conns[i]);
        }
    }
}

bool venue_order_poll(struct venue *venue, struct venue_order *order)
{
    if (venue->orders != NULL && venue->came_cnt == 0) {
        conn_serve(venue, venue->orders);
    }
    if (venue->came_cnt == 0) {
        return false;
    }
    *order = venue->came[venue->came_first];
    venue->came_first = (venue->came_first + 1) % VENUE_CAME_MAX;
    venue->came_cnt--;
    return true;
}

/* ---- the market ---- */

static void digits_put(char *at, uint32_t width, uint64_t value)
{
    while (width-- > 0) {
        at[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void tick_number(struct venue *venue, struct venue_frame *frame)
{
    uint32_t place = venue->tick_cnt % VENUE_PRICES;
    uint32_t cents = PRICE_FIRST + place;
    digits_put(frame->text + frame->price_at, 3, cents / 100);
    digits_put(frame->text + frame->price_at + 4, 2, cents % 100);
    venue->tick_of[place] = ++venue->tick_cnt;
}

static void depth_number(struct venue_instrument *instrument, struct venue_frame *frame)
{
    digits_put(frame->text + frame->first_at, 10, instrument->depth_update_id + 1);
    instrument->depth_update_id = instrument->update_id;
}

uint64_t venue_send(struct venue *venue, uint32_t instrument_idx, enum venue_frame_kind kind)
{
    struct venue_instrument *instrument = &venue->instruments[instrument_idx];
    struct venue_frame *frame = &instrument->frames[kind];
    if (venue->market == NULL) {
        return 0;
    }
    uint64_t id = kind == VENUE_TRADE ? ++instrument->trade_id : ++instrument->update_id;
    digits_put(frame->text + frame->update_at, 10, id);
    if (kind == VENUE_TICK) {
        tick_number(venue, frame);
    } else if (kind == VENUE_DEPTH) {
        depth_number(instrument, frame);
    }
    if (frame->time_at != 0) {
        digits_put(frame->text + frame->time_at, 13, (uint64_t)venue_wall_ms());
    }
    return stamped_write(&venue->market->end, frame->text, frame->bytes) ? venue->market->end.left : 0;
}
