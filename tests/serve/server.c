/* SPDX-License-Identifier: MIT
 *
 * The server with another service than the simulator's: routes, WebSockets, limits and deadlines. Server and
 * clients are in one thread; the server's clock is the test's, so no deadline is waited for.
 */
#include "echo_service.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define MS_NS      INT64_C(1000000)
#define TRIES      2000 /* of a millisecond */
#define HEAR_BYTES (1u << 20)

static struct echo_service g_service;
static struct pw_server *g_server;
static int64_t g_now_ns;

struct caller {
    int fd;
    char *in;
    size_t bytes;
    bool ended, reset;
};

static int64_t now_ns(void *state)
{
    (void)state;
    return g_now_ns;
}

/* Zero fields take usual values. */
static void server_start(struct pw_server_limits limits)
{
    static const struct pw_server_limits usual = {.connections_max = 4,
                                                  .output_bytes = 256 * 1024,
                                                  .window_bytes = 64 * 1024,
                                                  .handshake_timeout_ms = 1000,
                                                  .request_timeout_ms = 4000,
                                                  .idle_timeout_ms = 5000,
                                                  .ping_interval_ms = 2000,
                                                  .pong_timeout_ms = 1000};
    const struct pw_server_config config = {
        .listen = {.where = "test", .address = "127.0.0.1", .plain = true},
        .limits = {.connections_max = limits.connections_max ? limits.connections_max : usual.connections_max,
                   .output_bytes = limits.output_bytes ? limits.output_bytes : usual.output_bytes,
                   .window_bytes = limits.window_bytes ? limits.window_bytes : usual.window_bytes,
                   .handshake_timeout_ms = usual.handshake_timeout_ms,
                   .address_max = limits.address_max,
                   .request_timeout_ms = usual.request_timeout_ms,
                   .idle_timeout_ms = usual.idle_timeout_ms,
                   .ping_interval_ms = usual.ping_interval_ms,
                   .pong_timeout_ms = usual.pong_timeout_ms,
                   .lifetime_ms = limits.lifetime_ms,
                   .messages_per_s = limits.messages_per_s,
                   .requests_per_s = limits.requests_per_s},
        .clock = {.now_ns = now_ns},
    };
    const struct pw_service service = echo_service_make(&g_service);

    g_now_ns = INT64_C(1700000000) * 1000 * MS_NS;
    cr_assert_eq(pw_server_open(&g_server, &config, &service), 0);
    cr_assert_lt(pw_server_listener(g_server)->fds[PW_SERVE_LISTEN_TLS], 0, "no TLS was asked for");
}

static void server_end(void)
{
    pw_server_close(g_server);
    cr_expect_eq(g_service.closed_cnt, g_service.opened_cnt, "each client that was opened is closed");
    echo_service_free(&g_service);
}

TestSuite(server, .fini = server_end);

/* ---- callers ---- */

/* From 127.0.0.host. */
static struct caller caller_open_from(uint8_t host)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(pw_server_listener(g_server)->ports[PW_SERVE_LISTEN_PLAIN]),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1u + host)};
    struct caller caller = {.fd = socket(AF_INET, SOCK_STREAM, 0), .in = calloc(1, HEAR_BYTES + 1)};

    cr_assert(caller.fd >= 0 && caller.in);
    cr_assert_eq(bind(caller.fd, (struct sockaddr *)&from, sizeof from), 0);
    cr_assert_eq(connect(caller.fd, (struct sockaddr *)&to, sizeof to), 0);
    return caller;
}

static struct caller caller_open(void)
{
    return caller_open_from(1);
}

static void caller_close(struct caller *caller)
{
    close(caller->fd);
    free(caller->in);
}

/* One pass of the server's, and what has come from it by then. */
static void pass(struct caller *caller)
{
    ssize_t got;

    pw_server_wait(g_server, MS_NS);
    pw_server_flush(g_server, g_now_ns);
    pw_server_tick(g_server, g_now_ns);
    if (!caller || caller->ended || caller->bytes == HEAR_BYTES) {
        return;
    }
    got = recv(caller->fd, caller->in + caller->bytes, HEAR_BYTES - caller->bytes, MSG_DONTWAIT);
    caller->bytes += got > 0 ? (size_t)got : 0;
    caller->in[caller->bytes] = 0;
    caller->reset = got < 0 && errno == ECONNRESET;
    caller->ended = got == 0 || caller->reset;
}

static void say_bytes(struct caller *caller, const void *bytes, size_t size)
{
    cr_assert_eq(send(caller->fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void say(struct caller *caller, const char *text)
{
    say_bytes(caller, text, strlen(text));
}

/* Waits for the bytes, which then are taken away with all before them. */
static bool heard_bytes(struct caller *caller, const void *bytes, size_t size)
{
    for (int i = 0; i < TRIES; i++) {
        char *at = memmem(caller->in, caller->bytes, bytes, size);
        if (at) {
            size_t used = (size_t)(at - caller->in) + size;
            caller->bytes -= used;
            memmove(caller->in, caller->in + used, caller->bytes + 1);
            return true;
        }
        if (caller->ended) {
            return false;
        }
        pass(caller);
    }
    return false;
}

static bool heard(struct caller *caller, const char *text)
{
    return heard_bytes(caller, text, strlen(text));
}

static bool heard_end(struct caller *caller)
{
    for (int i = 0; i < TRIES && !caller->ended; i++) {
        pass(caller);
    }
    return caller->ended;
}

static void passes(struct caller *caller, int cnt)
{
    for (int i = 0; i < cnt; i++) {
        pass(caller);
    }
}

static void upgrade_text(char *text, size_t size, const char *path)
{
    snprintf(text, size,
             "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
             path);
}

static struct caller caller_upgrade_from(uint8_t host, const char *path)
{
    struct caller caller = caller_open_from(host);
    char text[512];

    upgrade_text(text, sizeof text, path);
    say(&caller, text);
    /* RFC 6455, 1.3 has this key's answer. */
    cr_assert(heard(&caller, "HTTP/1.1 101 Switching Protocols\r\n"));
    cr_assert(heard(&caller, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
    return caller;
}

static struct caller caller_upgrade(const char *path)
{
    return caller_upgrade_from(1, path);
}

/* A masked frame, at most 125 bytes. */
static void say_frame(struct caller *caller, uint8_t first, const char *payload)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    size_t size = strlen(payload);
    uint8_t frame[6 + 125] = {first, (uint8_t)(0x80 | size), 1, 2, 3, 4};

    cr_assert_leq(size, 125);
    for (size_t i = 0; i < size; i++) {
        frame[6 + i] = (uint8_t)payload[i] ^ mask[i % 4];
    }
    say_bytes(caller, frame, 6 + size);
}

static bool heard_frame(struct caller *caller, uint8_t first, const char *payload)
{
    char frame[2 + 125] = {(char)first, (char)strlen(payload)};

    memcpy(frame + 2, payload, strlen(payload));
    return heard_bytes(caller, frame, 2 + strlen(payload));
}

static bool heard_close(struct caller *caller, uint16_t code)
{
    char code_text[3] = {(char)(code >> 8), (char)code, 0};

    for (int i = 0; i < TRIES && !caller->ended; i++) {
        const char *at = memchr(caller->in, 0x88, caller->bytes);
        if (at && (size_t)(at - caller->in) + 4 <= caller->bytes) {
            return memcmp(at + 2, code_text, 2) == 0;
        }
        pass(caller);
    }
    return false;
}

/* ---- HTTP ---- */

Test(server, a_route_answers_its_path_and_method)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    say(&caller, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&caller,
                    "HTTP/1.1 200 OK\r\nServer: echo\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                    "Connection: keep-alive\r\n"));
    cr_expect(heard(&caller, "\r\n\r\nhello"));
    say(&caller, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    cr_expect(heard(&caller, "HTTP/1.1 201 "));
    cr_expect(heard(&caller, "\r\n\r\nabc"));
    say(&caller, "GET /files/a%20b?y=1&x=c%20d HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&caller, "X-Below: 6\r\n"));
    cr_expect(heard(&caller, "\r\n/a%20b|c d"));
    say(&caller, "GET /files HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&caller, "\r\n\r\n|"));
    caller_close(&caller);
}

Test(server, what_has_no_route_is_told_from_what_lacks_a_method)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    say(&caller, "GET /filesystem HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&caller, "HTTP/1.1 404 Not Found\r\n"));
    cr_expect(heard(&caller, "Content-Type: text/plain"));
    say(&caller, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&caller, "HTTP/1.1 405 Method Not Allowed\r\n"));
    cr_expect(heard(&caller, "Allow: GET\r\n"));
    say(&caller, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n"); /* only a WebSocket */
    cr_expect(heard(&caller, "HTTP/1.1 404 "));
    caller_close(&caller);
}

Test(server, head_has_the_head_alone)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    say(&caller, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /files HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&caller, "Content-Length: 5\r\n"));
    cr_expect(heard(&caller, "\r\n\r\nHTTP/1.1 200 OK\r\n"), "no body comes between");
    caller_close(&caller);
}

Test(server, a_request_cut_anywhere_is_the_same_request)
{
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nsliced!";

    server_start((struct pw_server_limits){0});
    for (size_t cut = 1; cut < sizeof request - 1; cut++) {
        struct caller caller = caller_open();
        say_bytes(&caller, request, cut);
        passes(&caller, 1);
        cr_expect_eq(caller.bytes, 0, "%zu", cut);
        say(&caller, request + cut);
        cr_expect(heard(&caller, "\r\n\r\nsliced!"), "%zu", cut);
        caller_close(&caller);
        passes(NULL, 1);
    }
}

Test(server, a_large_answer_is_compressed_for_those_who_take_it)
{
    static unsigned char plain[16384];
    z_stream stream = {0};

    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();
    say(&caller, "GET /large HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    cr_expect(heard(&caller, "Content-Encoding: gzip\r\n"));
    cr_assert(heard(&caller, "\r\n"));
    cr_assert(heard_end(&caller));
    stream.next_in = (unsigned char *)caller.in;
    stream.avail_in = (unsigned)caller.bytes;
    stream.next_out = plain;
    stream.avail_out = sizeof plain;
    cr_assert_eq(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    cr_expect_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    cr_expect_eq(stream.total_out, 10000);
    inflateEnd(&stream);
    caller_close(&caller);

    caller = caller_open();
    say(&caller, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&caller, "Content-Length: 10000\r\n"));
    caller_close(&caller);
}

Test(server, what_is_no_request_ends_the_connection)
{
    static const struct {
        const char *text, *status;
    } rows[] = {{"nonsense\r\n\r\n", "HTTP/1.1 400 "},
                {"GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "}, /* no Host */
                {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 "},
                {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n", "HTTP/1.1 400 "}};

    server_start((struct pw_server_limits){0});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct caller caller = caller_open();
        say(&caller, rows[i].text);
        cr_expect(heard(&caller, rows[i].status), "%s", rows[i].text);
        cr_expect(heard(&caller, "Connection: close\r\n"), "%s", rows[i].text);
        cr_expect(heard_end(&caller) && !caller.reset, "%s", rows[i].text);
        caller_close(&caller);
    }
}

Test(server, a_delayed_answer_comes_at_its_time)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    say(&caller, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    passes(&caller, 5);
    g_now_ns += 299 * MS_NS;
    passes(&caller, 5);
    cr_expect_eq(caller.bytes, 0);
    g_now_ns += 51 * MS_NS; /* deadlines are looked at each 50 ms */
    cr_expect(heard(&caller, "hello"));
    caller_close(&caller);
}

/* ---- WebSocket ---- */

Test(server, the_last_answer_is_sent_whole_to_who_has_said_all)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    say(&caller, "GET /slower HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    cr_assert_eq(shutdown(caller.fd, SHUT_WR), 0);
    passes(&caller, 5);
    cr_expect_eq(caller.bytes, 0);
    g_now_ns += 2900 * MS_NS; /* a close frame would not be waited for so long */
    passes(&caller, 5);
    cr_assert_not(caller.ended);
    g_now_ns += 200 * MS_NS;
    cr_expect(heard(&caller, "\r\n\r\nhello"));
    cr_expect(heard_end(&caller) && !caller.reset);
    caller_close(&caller);
}

Test(server, messages_come_back_whole_or_in_fragments)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_upgrade("/echo");

    say_frame(&caller, 0x81, "one");
    cr_expect(heard_frame(&caller, 0x81, "one"));
    say_frame(&caller, 0x01, "tw");
    say_frame(&caller, 0x89, "between"); /* control frames may stand between */
    say_frame(&caller, 0x80, "o");
    cr_expect(heard_frame(&caller, 0x8a, "between"));
    cr_expect(heard_frame(&caller, 0x81, "two"));
    say_frame(&caller, 0x88, "\x03\xe8");
    cr_expect(heard_close(&caller, 1000));
    cr_expect(heard_end(&caller) && !caller.reset);
    cr_expect_eq(g_service.ended_cnt, 1);
    caller_close(&caller);
}

Test(server, each_client_has_its_own_session)
{
    server_start((struct pw_server_limits){0});
    struct caller one = caller_upgrade("/count"), two = caller_upgrade("/count");

    say_frame(&one, 0x81, "a");
    say_frame(&one, 0x81, "b");
    cr_expect(heard_frame(&one, 0x81, "2"));
    say_frame(&two, 0x81, "a");
    cr_expect(heard_frame(&two, 0x81, "1"));
    say_frame(&two, 0x81, "bye");
    cr_expect(heard_close(&two, 4001));
    caller_close(&one);
    caller_close(&two);
    passes(NULL, 3);
    one = caller_upgrade("/count"); /* in the place of the first one */
    say_frame(&one, 0x81, "a");
    cr_expect(heard_frame(&one, 0x81, "1"), "a session begins as zeros");
    caller_close(&one);
}

Test(server, a_handshake_can_be_refused)
{
    char text[512];

    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();
    upgrade_text(text, sizeof text, "/closed");
    say(&caller, text);
    cr_expect(heard(&caller, "HTTP/1.1 403 Forbidden\r\n"));
    cr_expect(heard(&caller, "\r\n\r\nclosed"));
    cr_expect(heard_end(&caller));
    caller_close(&caller);

    caller = caller_open();
    upgrade_text(text, sizeof text, "/hello");
    say(&caller, text);
    cr_expect(heard(&caller, "HTTP/1.1 404 "));
    caller_close(&caller);

    caller = caller_open();
    say(&caller, "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n");
    cr_expect(heard(&caller, "HTTP/1.1 426 Upgrade Required\r\n"));
    cr_expect(heard(&caller, "Sec-WebSocket-Version: 13\r\n"));
    caller_close(&caller);
}

Test(server, what_breaks_the_protocol_is_closed_with_its_code)
{
    static const struct {
        uint8_t first;
        const char *payload;
        uint16_t code;
    } rows[] = {{0x82, "binary", 1003}, {0x81, "\xff\xfe", 1007}, {0x83, "x", 1002}, {0x80, "x", 1002}};

    server_start((struct pw_server_limits){0});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct caller caller = caller_upgrade("/echo");
        say_frame(&caller, rows[i].first, rows[i].payload);
        cr_expect(heard_close(&caller, rows[i].code), "%zu", i);
        caller_close(&caller);
        passes(NULL, 3);
    }
}

/* ---- limits ---- */

Test(server, one_connection_too_many_is_closed)
{
    server_start((struct pw_server_limits){.connections_max = 2});
    struct caller one = caller_open(), two = caller_open(), three;

    passes(NULL, 3);
    three = caller_open();
    cr_expect(heard_end(&three));
    caller_close(&one);
    passes(NULL, 3);
    caller_close(&three);
    three = caller_open();
    say(&three, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&three, "hello"));
    caller_close(&two);
    caller_close(&three);
}

/* cases/36-half-requests-shut-everybody-out */

Test(server, a_request_that_is_not_whole_in_time_is_answered_408)
{
    static const char *const halves[] = {"G",
                                         "GET /hello HTTP/1.1\r\nX: ", "GET /hello HTTP/1.1\r\nHost: x\r\n",
                                         "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab"};
    server_start((struct pw_server_limits){0});
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        struct caller caller = caller_open();
        say(&caller, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        cr_assert(heard(&caller, "hello"));
        g_now_ns += 900 * MS_NS;
        say(&caller, halves[i]);
        passes(&caller, 3);
        g_now_ns += 3950 * MS_NS;
        passes(&caller, 3);
        cr_expect(!caller.ended && caller.bytes == 0, "half %zu", i);
        g_now_ns += 100 * MS_NS;
        cr_expect(heard(&caller, "HTTP/1.1 408 Request Timeout\r\n"), "half %zu", i);
        cr_expect(heard_end(&caller), "half %zu", i);
        caller_close(&caller);
    }
}

Test(server, a_request_that_drips_has_no_more_time_than_one_that_stops)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    say(&caller, "GET /hello HTTP/1.1\r\n");
    for (int i = 0; i < 40; i++) {
        passes(&caller, 1);
        if (i < 39) {
            say(&caller, "x");
        }
        g_now_ns += 100 * MS_NS;
    }
    cr_expect_eq(caller.bytes, 0);
    g_now_ns += 100 * MS_NS;
    cr_expect(heard(&caller, "HTTP/1.1 408 "));
    caller_close(&caller);
}

Test(server, each_request_has_its_own_time)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    for (int i = 0; i < 4; i++) {
        say(&caller, "GET /hello HTTP/1.1\r\n");
        passes(&caller, 3);
        g_now_ns += 3000 * MS_NS;
        passes(&caller, 3);
        say(&caller, "Host: x\r\n\r\n");
        cr_expect(heard(&caller, "hello"), "request %d", i);
    }
    caller_close(&caller);
}

Test(server, a_message_that_is_not_whole_in_time_ends_the_connection)
{
    server_start((struct pw_server_limits){0});
    struct caller fragments = caller_upgrade("/echo"), frame = caller_upgrade("/echo");
    char ping[32];

    say_bytes(&frame, "\x81\x85\x01", 3); /* a part of a header */
    say_frame(&fragments, 0x01, "a");
    for (int i = 0; i < 2; i++) {
        passes(&fragments, 3);
        passes(&frame, 3);
        g_now_ns += 1990 * MS_NS;
        say_frame(&fragments, 0x00, ""); /* whole frames of it change nothing */
        passes(&fragments, 3);
        snprintf(ping, sizeof ping, "%lld", (long long)(g_now_ns / MS_NS));
        say_frame(&fragments, 0x8a, ping);
    }
    cr_expect_not(frame.ended || fragments.ended);
    g_now_ns += 100 * MS_NS;
    cr_expect(heard_close(&fragments, 1008));
    cr_expect(heard_close(&frame, 1008));
    caller_close(&fragments);
    caller_close(&frame);
}

Test(server, when_all_places_are_taken_the_one_that_is_idle_for_longest_is_given_up)
{
    server_start((struct pw_server_limits){.connections_max = 3, .address_max = 3});
    struct caller socket_caller = caller_upgrade("/echo"), half = caller_open(), quiet = caller_open(), fresh;

    passes(NULL, 3);
    say(&half, "GET /hello HT");
    passes(NULL, 3);
    g_now_ns += 500 * MS_NS;
    say(&quiet, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(heard(&quiet, "hello"));
    fresh = caller_open(); /* nobody is idle for long enough */
    cr_expect(heard_end(&fresh));
    caller_close(&fresh);
    g_now_ns += 600 * MS_NS;
    fresh = caller_open();
    say(&fresh, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&fresh, "hello"));
    cr_expect(heard_end(&half));
    passes(&quiet, 3);
    passes(&socket_caller, 3);
    cr_expect_not(quiet.ended || socket_caller.ended);
    caller_close(&fresh);
    caller_close(&half);
    caller_close(&quiet);
    caller_close(&socket_caller);
}

/* What the kernel says of the one that was given up is not said of the one in its place. */
Test(server, the_end_of_one_given_up_is_not_that_of_its_successor)
{
    server_start((struct pw_server_limits){.connections_max = 1});
    struct caller old = caller_open(), fresh;
    struct linger at_once = {.l_onoff = 1};

    passes(NULL, 3);
    g_now_ns += 1000 * MS_NS;
    fresh = caller_open();
    cr_assert_eq(setsockopt(old.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    caller_close(&old); /* a reset, seen in the same pass */
    say(&fresh, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&fresh, "hello"));
    caller_close(&fresh);
}

Test(server, one_address_has_at_most_its_share_of_the_places)
{
    server_start((struct pw_server_limits){0}); /* 4 places: 3 for one address */
    struct caller own[3], more, other;

    other = caller_open_from(2);
    for (int i = 0; i < 2; i++) {
        own[i] = caller_upgrade("/echo");
    }
    own[2] = caller_open();
    passes(NULL, 3);
    more = caller_open(); /* there is nobody idle of its own */
    cr_expect(heard_end(&more));
    caller_close(&more);
    g_now_ns += 1500 * MS_NS;
    more = caller_open(); /* and then it takes the place of one of its own, not of another's */
    say(&more, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&more, "hello"));
    cr_expect(heard_end(&own[2]));
    passes(&other, 3);
    cr_expect_not(other.ended);
    say(&other, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&other, "hello"));
    for (int i = 0; i < 3; i++) {
        caller_close(&own[i]);
    }
    caller_close(&more);
    caller_close(&other);
}

Test(server, too_many_requests_a_second_of_one_address_are_refused)
{
    server_start((struct pw_server_limits){.requests_per_s = 3});
    struct caller one = caller_open(), two = caller_open(), other = caller_open_from(2);

    for (int i = 0; i < 3; i++) {
        struct caller *caller = i < 2 ? &one : &two;
        say(caller, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        cr_expect(heard(caller, "hello"));
    }
    say(&one, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&one, "HTTP/1.1 429 "));
    cr_expect(heard_end(&one));
    say(&other, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&other, "hello"));
    g_now_ns += 1000 * MS_NS;
    say(&two, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&two, "hello"));
    caller_close(&one);
    caller_close(&two);
    caller_close(&other);
}

Test(server, too_many_messages_a_second_end_the_connection_where_the_limit_counts)
{
    server_start((struct pw_server_limits){.messages_per_s = 3});
    struct caller limited = caller_upgrade("/echo"), free_of_it = caller_upgrade("/count");

    for (int i = 0; i < 3; i++) {
        say_frame(&limited, 0x81, "x");
        cr_expect(heard_frame(&limited, 0x81, "x"));
    }
    g_now_ns += 1000 * MS_NS;
    say_frame(&limited, 0x81, "y");
    cr_expect(heard_frame(&limited, 0x81, "y"), "a new second has begun");
    for (int i = 0; i < 3; i++) {
        say_frame(&limited, 0x81, "z");
    }
    cr_expect(heard_close(&limited, 1008));
    for (int i = 0; i < 9; i++) {
        say_frame(&free_of_it, 0x81, "x");
    }
    cr_expect(heard_frame(&free_of_it, 0x81, "9"));
    caller_close(&limited);
    caller_close(&free_of_it);
}

/* As much as fits is sent before the server looks: it must not take all of it in one turn. */
Test(server, a_client_that_floods_leaves_others_their_turn)
{
    enum { FRAME_BYTES = 7, FRAMES = 1000 };
    static uint8_t frames[FRAMES * FRAME_BYTES];
    server_start((struct pw_server_limits){.output_bytes = 16 << 20});
    struct caller caller = caller_upgrade("/count");
    size_t sent = 0;
    ssize_t some;

    for (size_t i = 0; i < FRAMES; i++) {
        memcpy(frames + i * FRAME_BYTES, (uint8_t[]){0x81, 0x81, 0, 0, 0, 0, 'a'}, FRAME_BYTES);
    }
    while ((some = send(caller.fd, frames + sent % sizeof frames, sizeof frames - sent % sizeof frames,
                        MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) {
        sent += (size_t)some;
    }
    cr_assert_gt(sent, 2 * PW_SERVE_INPUT_BYTES);
    pw_server_wait(g_server, MS_NS);
    cr_expect_lt(g_service.message_cnt, sent / FRAME_BYTES / 2);
    for (int i = 0; i < TRIES && g_service.message_cnt < sent / FRAME_BYTES; i++) {
        pw_server_wait(g_server, MS_NS);
    }
    cr_expect_eq(g_service.message_cnt, sent / FRAME_BYTES, "all of it is taken in the end");
    caller_close(&caller);
}

Test(server, a_client_that_does_not_read_blocks_and_then_is_reset)
{
    static char text[4096];

    server_start((struct pw_server_limits){0});
    struct caller caller = caller_upgrade("/echo");
    say_frame(&caller, 0x81, "here");
    cr_assert(heard_frame(&caller, 0x81, "here"));
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 100000 && !pw_server_blocked_cnt(g_server); i++) {
        pw_serve_outlet_send(pw_serve_client_outlet(g_service.last), PW_WS_TEXT, text, sizeof text);
        pw_server_flush(g_server, g_now_ns); /* the kernel's buffers fill first */
    }
    cr_assert_eq(pw_server_blocked_cnt(g_server), 1);
    cr_expect_not(pw_server_drained(g_server));
    for (int i = 0; i < TRIES && pw_server_blocked_cnt(g_server); i++) {
        caller.bytes = 0; /* reads, and forgets */
        pass(&caller);
    }
    cr_expect_eq(pw_server_blocked_cnt(g_server), 0);
    cr_expect_eq(pw_server_dropped_cnt(g_server), 0);
    for (int i = 0; i < 100000 && !pw_server_dropped_cnt(g_server); i++) {
        pw_serve_outlet_send(pw_serve_client_outlet(g_service.last), PW_WS_TEXT, text, sizeof text);
        pw_server_flush(g_server, g_now_ns);
    }
    cr_expect_eq(pw_server_dropped_cnt(g_server), 1);
    cr_expect_eq(pw_server_blocked_cnt(g_server), 0);
    caller.bytes = 0;
    for (int i = 0; i < TRIES && !caller.ended; i++) {
        caller.bytes = 0;
        pass(&caller);
    }
    cr_expect(caller.reset);
    caller_close(&caller);
}

/* ---- time ---- */

Test(server, a_connection_without_requests_is_closed)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_open();

    say(&caller, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(heard(&caller, "hello"));
    g_now_ns += 4999 * MS_NS;
    passes(&caller, 3);
    cr_expect_not(caller.ended);
    g_now_ns += 51 * MS_NS;
    cr_expect(heard_end(&caller));
    caller_close(&caller);
}

Test(server, a_websocket_lives_as_long_as_its_pings_are_answered)
{
    char ping[32];

    server_start((struct pw_server_limits){0});
    struct caller caller = caller_upgrade("/echo");
    g_now_ns += 2000 * MS_NS;
    for (int round = 0; round < 3; round++) {
        snprintf(ping, sizeof ping, "%lld", (long long)(g_now_ns / MS_NS));
        cr_assert(heard_frame(&caller, 0x89, ping), "%s", ping);
        say_frame(&caller, 0x8a, ping);
        passes(&caller, 3);
        g_now_ns += 1100 * MS_NS; /* more than pong_timeout_ms */
        passes(&caller, 3);
        cr_expect_not(caller.ended);
        g_now_ns += 900 * MS_NS;
    }
    caller_close(&caller);
}

Test(server, an_unanswered_ping_resets_the_connection)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_upgrade("/echo");

    g_now_ns += 2000 * MS_NS;
    passes(&caller, 5);
    say_frame(&caller, 0x8a, "something else");
    passes(&caller, 3);
    cr_expect_not(caller.ended);
    g_now_ns += 1000 * MS_NS;
    cr_expect(heard_end(&caller) && caller.reset);
    caller_close(&caller);
}

Test(server, at_the_end_of_its_life_a_websocket_is_bidden_farewell)
{
    server_start((struct pw_server_limits){.lifetime_ms = 1500});
    struct caller caller = caller_upgrade("/echo");

    g_now_ns += 1499 * MS_NS;
    passes(&caller, 3);
    cr_expect_eq(caller.bytes, 0);
    g_now_ns += 51 * MS_NS;
    cr_expect(heard_frame(&caller, 0x81, "farewell"));
    cr_expect(heard_close(&caller, 1001));
    g_now_ns += 2000 * MS_NS; /* no close frame answers */
    cr_expect(heard_end(&caller));
    caller_close(&caller);
}

Test(server, shut_ends_websockets_and_leaves_the_rest)
{
    server_start((struct pw_server_limits){0});
    struct caller socket_caller = caller_upgrade("/echo"), http = caller_open();

    passes(NULL, 3);
    pw_server_shut(g_server, g_now_ns);
    cr_expect(heard_frame(&socket_caller, 0x81, "farewell"));
    cr_expect(heard_close(&socket_caller, 1001));
    say(&http, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(heard(&http, "hello"));
    caller_close(&socket_caller);
    socket_caller = caller_upgrade("/echo");
    pw_server_reset(g_server);
    cr_expect(heard_end(&socket_caller) && socket_caller.reset);
    cr_expect_eq(g_service.farewell_cnt, 1);
    caller_close(&socket_caller);
    caller_close(&http);
}

Test(server, a_connection_is_cut_at_the_byte)
{
    server_start((struct pw_server_limits){0});
    struct caller caller = caller_upgrade("/echo");

    say_frame(&caller, 0x81, "a");
    cr_assert(heard_frame(&caller, 0x81, "a"));
    pw_serve_client_cut(g_service.last, 7 + 3); /* one frame more, and a part of the next */
    say_frame(&caller, 0x81, "b");
    say_frame(&caller, 0x81, "c");
    cr_expect(heard_end(&caller) && caller.reset);
    cr_expect_eq(g_service.message_cnt, 2);
    caller_close(&caller);
}
