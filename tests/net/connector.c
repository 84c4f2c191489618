/* SPDX-License-Identifier: MIT
 *
 * The connector in virtual time: the way to an established connection, deadlines against peers that do not
 * play along (reliability.md, A8), back-off and its bound (F4), and what the log says.
 */
#include "net_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct net_world world;
static struct far_end peer;

static enum pw_feed_state feed_state(void)
{
    return (enum pw_feed_state)world.feeds[0].state;
}

/* ---- up ---- */

static void expect_up(bool secure, uint32_t piece_bytes_max)
{
    struct net_world_options options = {
        .secure = secure, .network = {.seed = 7, .latency_ns = MS_NS, .piece_bytes_max = piece_bytes_max}};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    cr_expect_eq(feed_state(), PW_FEED_UP);
    cr_expect_eq(world.feeds[0].connect_cnt, 1);
    cr_expect(net_world_took_notice(&world, PW_FEED_UP));
    far_send_frame(&peer, 0x81, "hello", 5);
    net_world_run(&world, 50 * MS_NS, MS_NS);
    cr_expect(net_world_took_text(&world, "hello"));
    net_world_close(&world);
}

Test(connector, a_feed_comes_up_and_its_messages_arrive)
{
    expect_up(false, 0);
}

Test(connector, a_feed_comes_up_over_tls)
{
    expect_up(true, 0);
    cr_expect(net_world_log_has("TLSv1.3"));
}

Test(connector, a_feed_comes_up_over_tls_that_arrives_in_crumbs)
{
    expect_up(true, 3);
}

static void expect_first_message(const char *wanted)
{
    uint8_t text[64];
    size_t size;
    cr_assert_eq(far_take_whole(&peer, text, sizeof text, &size, S_NS), 0x81);
    cr_expect_eq(size, strlen(wanted));
    cr_expect_eq(memcmp(text, wanted, size), 0, "%.*s", (int)size, (const char *)text);
}

static void expect_subscribed(bool secure, uint32_t piece_bytes_max)
{
    uint8_t code[125];
    size_t size;
    struct net_world_options options = {
        .lines = "{\"subscribe\":1}\n{\"and\":2}",
        .secure = secure,
        .network = {.seed = 7, .latency_ns = MS_NS, .piece_bytes_max = piece_bytes_max}};
    net_world_open(&world, &options);
    for (int i = 0; i < 2; i++) {
        cr_assert(far_upgrade(&peer, &world), "connection %d", i);
        expect_first_message("{\"subscribe\":1}");
        expect_first_message("{\"and\":2}");
        net_world_run(&world, 50 * MS_NS, MS_NS);
        cr_expect_eq(feed_state(), PW_FEED_UP);
        cr_expect(net_world_took_notice(&world, PW_FEED_UP));
        far_send_frame(&peer, 0x81, "hello", 5);
        net_world_run(&world, 50 * MS_NS, MS_NS);
        cr_expect(net_world_took_text(&world, "hello"));
        pw_connector_reconnect(world.connector, 0, PW_REASON_SEQUENCE);
        cr_expect_eq(far_take_frame(&peer, code, &size, S_NS), PW_WS_CLOSE);
        far_send_frame(&peer, 0x88, code, 2);
        far_close(&peer);
        net_world_run(&world, 50 * MS_NS, MS_NS);
        cr_expect(net_world_took_notice(&world, PW_FEED_DOWN));
    }
    net_world_close(&world);
}

Test(connector, what_a_feed_subscribes_to_is_sent_first_on_each_connection)
{
    expect_subscribed(false, 0);
    expect_subscribed(true, 0);
    expect_subscribed(true, 3);
}

Test(connector, a_feed_behind_those_of_another_net_sends_its_own_lines)
{
    struct net_world_options options = {.lines = "{\"subscribe\":1}", .feed_cnt = 3, .elsewhere = 3};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    expect_first_message("{\"subscribe\":1}");
    net_world_run(&world, 50 * MS_NS, MS_NS);
    cr_expect_eq(world.feeds[2].state, PW_FEED_UP);
    cr_expect_eq(pw_connector_set_lines(world.connector, 0, "{}"), -EINVAL, "it is another net's");
    net_world_close(&world);
}

Test(connector, more_lines_than_fit_are_refused)
{
    struct net_world_options options = {0};
    static char lines[40000];
    memset(lines, '\n', sizeof lines - 1);
    net_world_open(&world, &options);
    cr_expect_eq(pw_connector_set_lines(world.connector, 0, lines), -E2BIG);
    net_world_close(&world);
}

Test(connector, the_request_is_what_rfc_6455_asks_for)
{
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_assert(far_wait_bytes(&peer, 100, S_NS));
    const char *request = (const char *)peer.in;
    cr_expect_eq(strncmp(request, "GET /stream HTTP/1.1\r\n", 22), 0);
    const char *const lines[] = {"Host: feed.test:9443\r\n", "Upgrade: websocket\r\n",
                                 "Connection: Upgrade\r\n", "Sec-WebSocket-Version: 13\r\n",
                                 "Sec-WebSocket-Key: "};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cr_expect_not_null(strstr(request, lines[i]), "%s", lines[i]);
    }
    cr_expect_null(strstr(request, "Extensions"));
    net_world_close(&world);
}

Test(connector, frames_behind_the_answer_are_not_lost_wherever_the_cut_falls)
{
    char bytes[1024];
    struct net_world_options options = {0};
    for (size_t cut = 1;; cut++) {
        net_world_open(&world, &options);
        cr_assert(far_accept(&peer, &world, world.listener, S_NS));
        cr_assert(far_take_request(&peer));
        size_t size = far_answer(&peer, bytes, sizeof bytes);
        size += frame_make((uint8_t *)bytes + size, 0x81, "first", 5);
        size += frame_make((uint8_t *)bytes + size, 0x81, "second", 6);
        if (cut == size) {
            break;
        }
        far_send(&peer, bytes, cut);
        net_world_run(&world, 3 * MS_NS, MS_NS);
        far_send(&peer, bytes + cut, size - cut);
        net_world_run(&world, 5 * MS_NS, MS_NS);
        cr_expect(net_world_took_notice(&world, PW_FEED_UP), "cut at %zu", cut);
        cr_expect(net_world_took_text(&world, "first"), "cut at %zu", cut);
        cr_expect(net_world_took_text(&world, "second"), "cut at %zu", cut);
        net_world_close(&world);
    }
    net_world_close(&world);
}

/* ---- peers that do not play along ---- */

struct timing {
    int64_t lasted_ns; /* from the first sign of trying to the failure */
    bool failed;
};

/* How long the present try goes on, at most limit_ns. */
static struct timing time_failure(int64_t limit_ns, void (*meanwhile)(void))
{
    struct timing timing = {0};
    int64_t begin_ns = world.now_ns;
    while (feed_state() == PW_FEED_CONNECTING && world.now_ns - begin_ns < limit_ns) {
        net_world_step(&world, MS_NS);
        if (meanwhile != NULL && feed_state() == PW_FEED_CONNECTING) {
            meanwhile();
        }
    }
    timing.lasted_ns = world.now_ns - begin_ns;
    timing.failed = feed_state() == PW_FEED_DOWN;
    return timing;
}

static void expect_deadline(struct timing timing, const char *words)
{
    cr_expect(timing.failed);
    cr_expect(timing.lasted_ns > 2990 * MS_NS && timing.lasted_ns < 3010 * MS_NS, "%s: lasted %lld ms", words,
              (long long)(timing.lasted_ns / MS_NS));
    cr_expect(net_world_log_has(words), "%s", words);
}

Test(connector, a_name_that_does_not_resolve_in_time_is_given_up)
{
    struct net_world_options options = {.network = {.lookup_ns = INT64_MAX}};
    net_world_open(&world, &options);
    net_world_step(&world, MS_NS);
    expect_deadline(time_failure(10 * S_NS, NULL), pw_cause_text(PW_CAUSE_resolve_late));
    net_world_close(&world);
}

Test(connector, a_name_that_does_not_exist_fails_at_once_with_advice)
{
    struct net_world_options options = {.no_listener = true};
    net_world_open(&world, &options);
    net_world_step(&world, MS_NS);
    cr_expect_eq(feed_state(), PW_FEED_DOWN);
    cr_expect(net_world_log_has(pw_cause_text(PW_CAUSE_resolve)));
    net_world_close(&world);
}

Test(connector, a_host_that_does_not_answer_is_given_up_after_the_connect_timeout)
{
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    pw_virtual_set_answer(world.network, world.listener, PW_VIRTUAL_SILENT);
    net_world_step(&world, MS_NS);
    expect_deadline(time_failure(10 * S_NS, NULL), pw_cause_text(PW_CAUSE_connect_late));
    net_world_close(&world);
}

Test(connector, a_silent_server_is_given_up_after_the_handshake_timeout)
{
    struct net_world_options options = {.secure = true};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    expect_deadline(time_failure(10 * S_NS, NULL), pw_cause_text(PW_CAUSE_handshake_late));
    net_world_close(&world);
}

Test(connector, a_server_silent_after_tls_is_given_up_within_the_same_timeout)
{
    struct net_world_options options = {.secure = true};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_assert(far_take_request(&peer));
    struct timing timing = time_failure(10 * S_NS, NULL);
    cr_expect(timing.failed);
    cr_expect_lt(timing.lasted_ns, 3010 * MS_NS);
    cr_expect(net_world_log_has(pw_cause_text(PW_CAUSE_handshake_late)));
    net_world_close(&world);
}

static uint8_t drip_data[8192];
static size_t drip_bytes, drip_at;
static int64_t drip_next_ns;

/* One byte a second, and TLS so far as it gets. */
static void drip(void)
{
    far_pump(&peer);
    if (world.now_ns >= drip_next_ns && drip_at < drip_bytes) {
        pw_virtual_peer_send(world.network, peer.socket, &drip_data[drip_at++], 1);
        drip_next_ns = world.now_ns + S_NS;
    }
}

Test(connector, a_server_that_sends_one_byte_a_second_is_given_up_at_the_same_deadline)
{
    struct net_world_options options = {.secure = false};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_assert(far_take_request(&peer));
    drip_bytes = far_answer(&peer, (char *)drip_data, sizeof drip_data);
    drip_at = 0;
    drip_next_ns = 0;
    struct timing timing = time_failure(10 * S_NS, drip);
    cr_expect(timing.failed);
    cr_expect_lt(timing.lasted_ns, 3010 * MS_NS);
    cr_expect_geq(drip_at, 2);
    net_world_close(&world);
}

Test(connector, a_tls_server_that_sends_one_byte_a_second_is_given_up_at_the_same_deadline)
{
    /* A handshake record that is announced and never comes whole. */
    struct net_world_options options = {.secure = true};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    memcpy(drip_data, "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", 11);
    drip_bytes = 11;
    drip_at = 0;
    drip_next_ns = 0;
    peer.secure = false; /* raw bytes */
    expect_deadline(time_failure(10 * S_NS, drip), pw_cause_text(PW_CAUSE_handshake_late));
    cr_expect_geq(drip_at, 2);
    net_world_close(&world);
}

struct abuse {
    const char *name;
    const char *bytes;
    size_t size;
    bool then_end;
    const char *says;
};

#define BYTES(text) text, sizeof(text) - 1

Test(connector, what_is_not_tls_fails_the_handshake_at_once)
{
    const struct abuse cases[] = {
        {"HTTP", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), false, "the TLS handshake failed"},
        {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0"), false, "the TLS handshake failed"},
        {"noise", BYTES("\x9b\x11\xfe\x42\x08\x77\xaa\x01\x55\x3c"), false, "the TLS handshake failed"},
        {"oversized record", BYTES("\x16\x03\x03\xff\xff\x02\x00\x00\x76\x03\x03"), false,
         "the TLS handshake failed"},
        {"fatal alert", BYTES("\x15\x03\x03\x00\x02\x02\x28"), false, "the TLS handshake failed"},
        {"data before the handshake", BYTES("\x17\x03\x03\x00\x05hello"), false, "the TLS handshake failed"},
        {"end at once", BYTES(""), true, "closed during the TLS handshake"},
        {"end inside a record", BYTES("\x16\x03\x03\x00\x7a\x02\x00\x00"), true,
         "closed during the TLS handshake"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct net_world_options options = {.secure = true};
        net_world_open(&world, &options);
        cr_assert(far_accept(&peer, &world, world.listener, S_NS));
        pw_virtual_peer_send(world.network, peer.socket, cases[i].bytes, cases[i].size);
        if (cases[i].then_end) {
            pw_virtual_peer_end(world.network, peer.socket);
        }
        struct timing timing = time_failure(10 * S_NS, NULL);
        cr_expect(timing.failed, "%s", cases[i].name);
        cr_expect_lt(timing.lasted_ns, 100 * MS_NS, "%s: %lld ms", cases[i].name,
                     (long long)(timing.lasted_ns / MS_NS));
        cr_expect(net_world_log_has(cases[i].says), "%s", cases[i].name);
        net_world_close(&world);
    }
}

/* cases/newcomer.md, 11: only people mend it, so the longest pauses begin at once. */
Test(connector, a_bad_certificate_is_told_by_its_reason_and_once)
{
    struct net_world_options options = {.secure = true, .host = "other.test"};
    net_world_open(&world, &options);
    int64_t begin_ns = world.now_ns;
    for (int i = 0; i < 5; i++) {
        cr_assert(far_accept(&peer, &world, world.listener, 60 * S_NS));
        cr_expect_not(far_take_request(&peer), "nothing is asked of a server that is not the one");
    }
    cr_expect(net_world_log_has("another host"));
    cr_expect(net_world_log_has(pw_cause_text(PW_CAUSE_certificate)));
    cr_expect_eq(net_world_log_cnt(), 1);
    cr_expect_gt(world.now_ns - begin_ns, 20 * S_NS, "five tries of the usual back-off take less than 4 s");
    net_world_close(&world);
}

Test(connector, unencrypted_connections_leave_loopback_never)
{
    struct net_world_options options = {.no_listener = true};
    net_world_open(&world, &options);
    world.listener = pw_virtual_listen(world.network, WORLD_HOST, WORLD_PORT, true);
    net_world_run(&world, S_NS, MS_NS);
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 0);
    cr_expect(net_world_log_has("use wss://"));
    net_world_close(&world);
}

Test(connector, the_next_address_is_tried_when_one_does_not_do)
{
    struct net_world_options options = {.no_listener = true};
    net_world_open(&world, &options);
    int refuses = pw_virtual_listen(world.network, WORLD_HOST, WORLD_PORT, false);
    int silent = pw_virtual_listen(world.network, WORLD_HOST, WORLD_PORT, false);
    world.listener = pw_virtual_listen(world.network, WORLD_HOST, WORLD_PORT, false);
    pw_virtual_set_answer(world.network, refuses, PW_VIRTUAL_REFUSE);
    pw_virtual_set_answer(world.network, silent, PW_VIRTUAL_SILENT);
    cr_assert(far_accept(&peer, &world, world.listener, 3 * S_NS));
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 3);
    net_world_close(&world);
}

/* ---- the answer ---- */

struct answer_case {
    const char *name;
    const char *answer; /* "$" stands for the right key */
    bool ok;
};

#define STATUS  "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT  "Sec-WebSocket-Accept: $\r\n"

static const struct answer_case answer_cases[] = {
    {"as it should be", STATUS UPGRADE ACCEPT "\r\n", true},
    {"other case and order",
     STATUS "connection: keep-alive, UPGRADE\r\nsec-websocket-accept:   $  \r\n"
            "UPGRADE: WebSocket\r\nServer: x\r\n\r\n",
     true},
    {"no reason phrase", "HTTP/1.1 101 \r\n" UPGRADE ACCEPT "\r\n", true},
    {"no accept key", STATUS UPGRADE "\r\n", false},
    {"wrong accept key", STATUS UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", false},
    {"accept key cut", STATUS UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzz\r\n\r\n", false},
    {"accept key and more", STATUS UPGRADE "Sec-WebSocket-Accept: $x\r\n\r\n", false},
    {"no upgrade header", STATUS "Connection: Upgrade\r\n" ACCEPT "\r\n", false},
    {"upgrade to something else", STATUS "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", false},
    {"no connection header", STATUS "Upgrade: websocket\r\n" ACCEPT "\r\n", false},
    {"connection: close", STATUS "Upgrade: websocket\r\nConnection: close\r\n" ACCEPT "\r\n", false},
    {"unoffered extension", STATUS UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
     false},
    {"unoffered subprotocol", STATUS UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n", false},
    {"200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" UPGRADE ACCEPT "\r\n", false},
    {"redirect", "HTTP/1.1 301 Moved\r\nLocation: wss://evil.test/\r\nContent-Length: 0\r\n\r\n", false},
    {"401", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", false},
    {"429", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n", false},
    {"100", "HTTP/1.1 100 Continue\r\n\r\n", false},
    /* cases/40-upgrade-answers-taken-too-lightly */
    {"HTTP/1.0", "HTTP/1.0 101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n", false},
    {"right key, then another", STATUS UPGRADE ACCEPT "Sec-WebSocket-Accept: x\r\n\r\n", false},
    {"another key, then the right one", STATUS UPGRADE "Sec-WebSocket-Accept: x\r\n" ACCEPT "\r\n", false},
    {"right key twice", STATUS UPGRADE ACCEPT ACCEPT "\r\n", false},
    {"right key twice in one header", STATUS UPGRADE "Sec-WebSocket-Accept: $, $\r\n\r\n", false},
    {"empty key behind the right one", STATUS UPGRADE ACCEPT "sec-websocket-accept:\r\n\r\n", false},
    {"upgrade to one of two", STATUS "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
     false},
    {"upgrade to the first of two", STATUS "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
     false},
    {"upgrade to a version", STATUS "Upgrade: websocket/13\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", false},
    {"upgrade with a comma", STATUS "Upgrade: websocket,\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", false},
    {"upgrade twice", STATUS UPGRADE "Upgrade: websocket\r\n" ACCEPT "\r\n", false},
    {"upgrade to another one, too", STATUS UPGRADE "Upgrade: h2c\r\n" ACCEPT "\r\n", false},
    {"connection twice", STATUS UPGRADE "Connection: Upgrade\r\n" ACCEPT "\r\n", false},
    {"connection: close, too", STATUS UPGRADE "Connection: close\r\n" ACCEPT "\r\n", false},
    {"a body of five bytes", STATUS UPGRADE ACCEPT "Content-Length: 5\r\n\r\n\x81\x03hi!", false},
    {"a body of no bytes", STATUS UPGRADE ACCEPT "Content-Length: 0\r\n\r\n", false},
    {"a body in chunks", STATUS UPGRADE ACCEPT "Transfer-Encoding: chunked\r\n\r\n", false},
    {"a body in another coding", STATUS UPGRADE ACCEPT "Transfer-Encoding: identity\r\n\r\n", false},
    {"two unoffered extensions headers",
     STATUS UPGRADE ACCEPT "Sec-WebSocket-Extensions:\r\nSec-WebSocket-Extensions:\r\n\r\n", false},
    {"empty subprotocol", STATUS UPGRADE ACCEPT "Sec-WebSocket-Protocol:\r\n\r\n", false},
    {"HTTP/2", "HTTP/2 101\r\n" UPGRADE ACCEPT "\r\n", false},
    {"folded header", STATUS UPGRADE "Sec-WebSocket-Accept:\r\n $\r\n\r\n", false},
    {"blank before colon", STATUS UPGRADE "Sec-WebSocket-Accept : $\r\n\r\n", false},
    {"bare line feeds", "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n\n",
     false},
    {"control byte", STATUS UPGRADE ACCEPT "X: a\x01z\r\n\r\n", false},
    {"not HTTP", "220 mail.test ESMTP\r\n\r\n", false},
    {"a frame without an answer", "\x81\x05hello", false},
};

static size_t expand(char *out, size_t size, const char *text)
{
    char usual[512];
    far_answer(&peer, usual, sizeof usual);
    char *accept = strstr(usual, "Accept: ") + 8;
    size_t n = 0;
    for (; *text != '\0' && n + 40 < size; text++) {
        if (*text == '$') {
            memcpy(out + n, accept, 28);
            n += 28;
        } else {
            out[n++] = *text;
        }
    }
    return n;
}

Test(connector, only_a_right_answer_makes_a_websocket)
{
    for (size_t i = 0; i < sizeof answer_cases / sizeof answer_cases[0]; i++) {
        char answer[1024];
        struct net_world_options options = {0};
        net_world_open(&world, &options);
        cr_assert(far_accept(&peer, &world, world.listener, S_NS));
        cr_assert(far_take_request(&peer));
        size_t size = expand(answer, sizeof answer, answer_cases[i].answer);
        far_send(&peer, answer, size);
        net_world_run(&world, 4 * S_NS, MS_NS);
        cr_expect_eq(world.feeds[0].connect_cnt, answer_cases[i].ok, "%s", answer_cases[i].name);
        cr_expect_eq(pw_virtual_peer_gone(world.network, peer.socket), !answer_cases[i].ok, "%s",
                     answer_cases[i].name);
        net_world_close(&world);
    }
}

Test(connector, a_server_that_says_how_long_to_stay_away_is_obeyed)
{
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_assert(far_take_request(&peer));
    far_send_text(&peer, "HTTP/1.1 418 Banned\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
    net_world_run(&world, 119 * S_NS, 10 * MS_NS);
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 1);
    net_world_run(&world, 3 * S_NS, 10 * MS_NS);
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 2);
    net_world_close(&world);
}

/* cases/33-a-ban-that-cannot-be-read, cases/41-status-of-an-answer */
Test(connector, a_ban_is_heard_and_told_whatever_else_the_answer_holds)
{
    static const struct {
        const char *answer;
        int64_t ban_s; /* 0: none */
        bool then_end;
    } rows[] = {
        {"HTTP/1.1 418 x\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n", 90, false},
        {"HTTP/1.1 418 x\r\nContent-Length: 0\r\n\r\n", 120, false},
        {"HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n", 60, false},
        {"HTTP/1.1 418 x\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", 120, false},
        {"HTTP/1.1 418 x\r\nRetry-After: 90\r\nContent-Length: x\r\n\r\n", 90, false},
        {"HTTP/1.1 418 x\r\nRetry-After: 90\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 90,
         false},
        {"HTTP/1.1 418 x\nRetry-After: 90\n\n", 120, false},
        {"HTTP/1.1 429 x\r\nRetry-After: 90\r\nX", 90, true},
        {"HTTP/1.1 429 x\r\nRetry-After: 90\r\nX", 90, false},
        {"HTTP/1.1 418", 120, true},
        {"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_world_options options = {0};
        uint32_t conn_idx = 99;
        net_world_open(&world, &options);
        cr_assert(far_accept(&peer, &world, world.listener, S_NS));
        cr_assert(far_take_request(&peer));
        far_send_text(&peer, rows[i].answer);
        if (rows[i].then_end) {
            pw_virtual_peer_end(world.network, peer.socket);
        }
        net_world_run(&world, 4 * S_NS, 10 * MS_NS);
        int64_t left_ns = pw_connector_take_ban(world.connector, &conn_idx) - world.now_ns;
        if (rows[i].ban_s == 0) {
            cr_expect_eq(left_ns, -world.now_ns, "row %zu", i);
            net_world_close(&world);
            continue;
        }
        cr_expect(left_ns <= rows[i].ban_s * S_NS && left_ns >= (rows[i].ban_s - 5) * S_NS, "row %zu", i);
        cr_expect_eq(conn_idx, 0);
        cr_expect_eq(pw_connector_take_ban(world.connector, &conn_idx), 0, "it is told once");
        net_world_run(&world, left_ns - 100 * MS_NS, 10 * MS_NS);
        cr_expect_eq(pw_virtual_connect_cnt(world.network), 1, "row %zu", i);
        net_world_run(&world, 10 * S_NS, 10 * MS_NS);
        cr_expect_gt(pw_virtual_connect_cnt(world.network), 1, "row %zu", i);
        net_world_close(&world);
    }
}

Test(connector, nothing_is_dialled_while_it_is_held)
{
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    int64_t until_ns = world.now_ns + 120 * S_NS;
    pw_connector_hold(world.connector, 0, until_ns);
    pw_connector_hold(world.connector, 0, until_ns - 60 * S_NS); /* does not shorten it */
    net_world_run(&world, S_NS, 10 * MS_NS);
    cr_expect_eq(world.feeds[0].state, PW_FEED_UP, "what is up stays");
    pw_virtual_peer_reset(world.network, peer.socket);
    far_close(&peer);
    net_world_run(&world, 10 * S_NS, 10 * MS_NS);
    cr_expect_eq(world.feeds[0].state, PW_FEED_DOWN);
    cr_expect_eq(pw_connector_next_ns(world.connector), until_ns);
    net_world_run(&world, until_ns - world.now_ns - 10 * MS_NS, 10 * MS_NS);
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 1);
    cr_assert(far_upgrade(&peer, &world));
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 2);
    net_world_close(&world);
}

Test(connector, a_try_under_way_is_given_up_when_it_is_held)
{
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_assert(far_take_request(&peer));
    pw_connector_hold(world.connector, 0, world.now_ns + 60 * S_NS);
    net_world_run(&world, 59 * S_NS, 10 * MS_NS);
    cr_expect(pw_virtual_peer_gone(world.network, peer.socket));
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 1);
    cr_expect_eq(net_world_log_cnt(), 0, "nothing was wrong with it");
    far_close(&peer);
    cr_assert(far_upgrade(&peer, &world));
    net_world_close(&world);
}

Test(connector, an_endless_head_ends_the_try_and_takes_no_memory)
{
    struct net_world_options options = {.message_bytes_max = 8192};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_assert(far_take_request(&peer));
    far_send_text(&peer, STATUS);
    for (int i = 0; i < 1000 && !pw_virtual_peer_gone(world.network, peer.socket); i++) {
        far_send_text(&peer, "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
        net_world_step(&world, MS_NS);
    }
    cr_expect(pw_virtual_peer_gone(world.network, peer.socket));
    cr_expect_eq(world.feeds[0].connect_cnt, 0);
    net_world_close(&world);
}

/* ---- again and again ---- */

Test(connector, failures_back_off_exponentially_with_jitter_and_at_most_60_connects_in_5_minutes)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct net_world_options options = {.network = {.seed = seed}};
        static int64_t times[4000];
        uint64_t cnt = 0;
        net_world_open(&world, &options);
        world.conns[0].backoff_max_ms = 400; /* so that the window is what holds it back */
        pw_virtual_set_answer(world.network, world.listener, PW_VIRTUAL_REFUSE);
        for (uint64_t i = 0; i < (seed - 1) * 3 % 8; i++) { /* each address that is tried counts */
            int more = pw_virtual_listen(world.network, WORLD_HOST, WORLD_PORT, false);
            pw_virtual_set_answer(world.network, more, PW_VIRTUAL_REFUSE);
        }
        while (world.now_ns < WORLD_START_NS + 3600 * S_NS) {
            net_world_step(&world, 5 * MS_NS);
            for (; cnt < pw_virtual_connect_cnt(world.network); cnt++) {
                times[cnt] = world.now_ns;
            }
        }
        for (uint64_t i = 60; i < cnt; i++) {
            cr_assert_geq(times[i] - times[i - 60], 300 * S_NS - 5 * MS_NS, "seed %llu: connect %llu",
                          (unsigned long long)seed, (unsigned long long)i);
        }
        cr_expect_geq(cnt, 12 * 60 - 60, "seed %llu: %llu connects", (unsigned long long)seed,
                      (unsigned long long)cnt);
        cr_expect_eq(net_world_log_cnt(), 1, "seed %llu: one cause, one line", (unsigned long long)seed);
        net_world_close(&world);
    }
}

Test(connector, waits_grow_to_the_maximum_and_two_seeds_differ)
{
    int64_t waits[2][12];
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct net_world_options options = {.network = {.seed = seed * 1000}};
        net_world_open(&world, &options);
        pw_virtual_set_answer(world.network, world.listener, PW_VIRTUAL_REFUSE);
        int64_t last_ns = world.now_ns;
        for (uint64_t i = 0; i < 12; i++) {
            while (pw_virtual_connect_cnt(world.network) == i) {
                net_world_step(&world, MS_NS);
            }
            waits[seed][i] = world.now_ns - last_ns;
            last_ns = world.now_ns;
            int64_t bound_ns = i == 0 ? 2 * MS_NS : (INT64_C(250) << (i - 1)) * MS_NS;
            bound_ns = bound_ns < 30 * S_NS ? bound_ns : 30 * S_NS;
            cr_expect_leq(waits[seed][i], bound_ns + 2 * MS_NS, "wait %llu", (unsigned long long)i);
        }
        net_world_close(&world);
    }
    cr_expect_neq(memcmp(waits[0], waits[1], sizeof waits[0]), 0);
}

Test(connector, one_seed_gives_one_history)
{
    int64_t ends_ns[2];
    for (int run = 0; run < 2; run++) {
        struct net_world_options options = {
            .network = {.seed = 42, .latency_ns = MS_NS, .piece_bytes_max = 9}};
        net_world_open(&world, &options);
        for (int i = 0; i < 5; i++) {
            cr_assert(far_upgrade(&peer, &world));
            pw_virtual_peer_reset(world.network, peer.socket);
            net_world_run(&world, 5 * MS_NS, MS_NS);
        }
        ends_ns[run] = world.now_ns;
        net_world_close(&world);
    }
    cr_expect_eq(ends_ns[0], ends_ns[1]);
}

Test(connector, one_feed_s_troubles_are_not_felt_by_another)
{
    struct net_world_options options = {.feed_cnt = 2};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    static struct far_end other;
    cr_assert(far_accept(&other, &world, world.listener, S_NS));
    char answer[512];
    cr_assert(far_take_request(&other));
    far_send(&other, answer, far_answer(&other, answer, sizeof answer));
    net_world_run(&world, 10 * MS_NS, MS_NS);
    uint32_t up_idx = world.feeds[1].connect_cnt == 1 ? 1 : 0;
    cr_assert_eq(world.feeds[up_idx].connect_cnt, 1);
    /* The first never answers: its tries fail again and again while the other's data flows. */
    for (int i = 0; i < 20; i++) {
        far_send_frame(&other, 0x81, "tick", 4);
        net_world_run(&world, S_NS, MS_NS);
    }
    cr_expect_eq(world.feeds[up_idx].state, PW_FEED_UP);
    cr_expect_eq(world.feeds[up_idx].disconnect_cnt, 0);
    cr_expect_eq(pw_hot_feed(world.net, up_idx)->frame_cnt, 20);
    cr_expect_geq(pw_virtual_connect_cnt(world.network), 4);
    net_world_close(&world);
}

Test(connector, asked_to_reconnect_it_closes_in_good_order_and_comes_back)
{
    uint8_t code[125];
    size_t size;
    struct net_world_options options = {.secure = true};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    pw_connector_reconnect(world.connector, 0, PW_REASON_SEQUENCE);
    cr_expect_eq(far_take_frame(&peer, code, &size, S_NS), PW_WS_CLOSE);
    cr_expect_eq(code[0] << 8 | code[1], 1000);
    far_send_frame(&peer, 0x88, code, 2);
    far_close(&peer);
    cr_assert(far_upgrade(&peer, &world));
    cr_expect(net_world_took_notice(&world, PW_FEED_UP));
    struct taken taken;
    cr_assert(net_world_take(&world, &taken));
    cr_expect(taken.notice && taken.state == PW_FEED_DOWN && taken.reason == PW_REASON_SEQUENCE);
    cr_expect(net_world_took_notice(&world, PW_FEED_UP));
    cr_expect_eq(world.feeds[0].disconnect_cnt, 1);
    net_world_close(&world);
}

Test(connector, two_hundred_reconnects_leave_nothing_behind)
{
    struct net_world_options options = {.secure = true};
    net_world_open(&world, &options);
    size_t live_bytes = 0, used_bytes = 0;
    for (int i = 0; i < 200; i++) {
        cr_assert(far_upgrade(&peer, &world), "round %d", i);
        far_send_frame(&peer, 0x81, "x", 1);
        net_world_run(&world, 2 * MS_NS, MS_NS);
        if (i % 3 == 0) {
            pw_virtual_peer_reset(world.network, peer.socket);
        } else if (i % 3 == 1) {
            SSL_shutdown(peer.tls.ssl);
            far_pump(&peer);
        }
        far_close(&peer);
        net_world_run(&world, 600 * MS_NS, 10 * MS_NS);
        cr_assert_leq(pw_virtual_open_cnt(world.network), 1);
        cr_assert_eq(world.net->slots[0].arena.live_bytes, 0, "round %d", i);
        struct taken taken;
        while (net_world_take(&world, &taken)) {
        }
        if (i == 20) { /* the library's own caches have been filled */
            live_bytes = pw_arena_cold()->live_bytes;
            used_bytes = pw_arena_cold()->used_bytes;
        }
    }
    cr_expect_leq(pw_arena_cold()->live_bytes, live_bytes + 4096);
    cr_expect_leq(pw_arena_cold()->used_bytes, used_bytes + 65536);
    net_world_close(&world);
}

Test(connector, stop_closes_all_and_starts_nothing)
{
    uint8_t code[125];
    size_t size;
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    pw_connector_stop(world.connector);
    cr_expect_not(pw_connector_stopped(world.connector));
    cr_expect_eq(far_take_frame(&peer, code, &size, S_NS), PW_WS_CLOSE);
    far_close(&peer);
    net_world_run(&world, 60 * S_NS, 10 * MS_NS);
    cr_expect(pw_connector_stopped(world.connector));
    cr_expect_eq(pw_virtual_open_cnt(world.network), 0);
    cr_expect_eq(pw_virtual_connect_cnt(world.network), 1);
    cr_expect_not(pw_hot_pending(world.net));
    net_world_close(&world);
}

Test(connector, a_path_that_cannot_stand_in_a_request_is_refused)
{
    static char path[PW_TARGET_MAX + 2];
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    memset(path, 'a', sizeof path - 1);
    cr_expect_eq(pw_connector_set_path(world.connector, 0, path), -E2BIG);
    cr_expect_eq(pw_connector_set_path(world.connector, 0, "/a b"), -EINVAL);
    cr_expect_eq(pw_connector_set_path(world.connector, 0, "/a\r\nX: y"), -EINVAL);
    path[PW_TARGET_MAX - 1] = '\0';
    path[0] = '/';
    cr_expect_eq(pw_connector_set_path(world.connector, 0, path), 0);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_expect(far_wait_bytes(&peer, PW_TARGET_MAX + 100, 3 * S_NS));
    net_world_close(&world);
}
