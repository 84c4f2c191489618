/* SPDX-License-Identifier: MIT
 *
 * The venue's WebSocket side: URL forms, control messages and their errors, pings, limits, closing, and
 * frames that no client may send.
 */
#include "sim_program.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOON_MS 5000

static struct venue g_venue;
static struct peer g_peer;

static void open_market(const char *more)
{
    char yaml[2048];

    snprintf(yaml, sizeof yaml,
             "market:\n"
             "  seed: 7\n"
             "  instruments:\n"
             "    - {symbol: BTCUSDT, price: \"61500\", trades_per_s: 200, quotes_per_s: 400}\n"
             "    - {symbol: ETHUSDT, price: \"3100\", trades_per_s: 200, quotes_per_s: 400}\n%s",
             more);
    venue_open(&g_venue, yaml);
}

static void connect_to(const char *target)
{
    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    cr_assert_eq(peer_upgrade(&g_peer, target), 101, "%s", target);
}

static void close_market(void)
{
    peer_close(&g_peer);
    venue_close(&g_venue);
}

/* The next message begins so. */
static void expect_start(const char *start)
{
    cr_assert_eq(peer_hear_data(&g_peer, SOON_MS), 1, "nothing instead of %s", start);
    cr_assert_eq(strncmp(g_peer.text, start, strlen(start)), 0, "%s instead of %s", g_peer.text, start);
}

static void expect_reply(const char *request, const char *reply)
{
    peer_say(&g_peer, request);
    cr_assert_eq(peer_hear_data(&g_peer, SOON_MS), 1, "no reply to %s", request);
    cr_expect_str_eq(g_peer.text, reply, "%s\ngives %s\nnot   %s", request, g_peer.text, reply);
}

static void expect_close(uint16_t code)
{
    int opcode;

    do {
        opcode = peer_hear(&g_peer, SOON_MS);
        cr_assert_neq(opcode, -1, "no close frame");
    } while (opcode != 8);
    cr_expect_geq(g_peer.text_bytes, 2);
    cr_expect_eq((uint8_t)g_peer.text[0] << 8 | (uint8_t)g_peer.text[1], code);
    peer_frame(&g_peer, 0x88, g_peer.text, 2);
}

static void expect_end(void)
{
    while (peer_more(&g_peer, SOON_MS)) {
        g_peer.in_bytes = 0;
    }
    cr_expect(g_peer.ended);
}

/* ---- time ---- */

static int64_t wall_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* A market that was late by more than a second is as late for good, if it only goes on. */
Test(streams, after_a_stall_the_market_s_times_are_the_clock_s_again)
{
    static const char event_time[] = "{\"e\":\"trade\",\"E\":";
    int64_t begin_ms = wall_ms(), late_ms = INT64_MAX;

    open_market("limits: {messages_per_s: 0}\nfaults: [{kind: stall, after: 50, ms: 3000}]\n");
    connect_to("/ws/btcusdt@trade");
    for (int i = 0; late_ms > 1500; i++) {
        cr_assert(wall_ms() - begin_ms < 120000, "late by %" PRId64 " ms", late_ms);
        cr_assert_eq(peer_hear_data(&g_peer, 60000), 1);
        cr_assert_eq(strncmp(g_peer.text, event_time, sizeof event_time - 1), 0, "%s", g_peer.text);
        late_ms = i < 100 ? INT64_MAX : wall_ms() - strtoll(g_peer.text + sizeof event_time - 1, NULL, 10);
    }
    cr_expect_geq(late_ms, -100);
    close_market();
}

/* ---- URL forms ---- */

Test(streams, every_form_of_the_url_gives_its_envelope)
{
    static const struct {
        const char *target, *start;
    } forms[] = {
        {"/ws/btcusdt@trade", "{\"e\":\"trade\",\"E\":1"},
        {"/ws/btcusdt@bookTicker/btcusdt@nothing", "{\"u\":"},
        {"/ws/btcusdt%40trade", "{\"e\":\"trade\",\"E\":1"},
        {"/ws/btcusdt@nothing%2Fbtcusdt@trade", "{\"e\":\"trade\",\"E\":1"},
        {"/stream?streams=btcusdt@trade", "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\""},
        {"/stream?streams=x@y/ethusdt@bookTicker", "{\"stream\":\"ethusdt@bookTicker\",\"data\":{\"u\":"},
        {"/stream?streams=x%40y%2Fethusdt%40bookTicker",
         "{\"stream\":\"ethusdt@bookTicker\",\"data\":{\"u\":"},
        {"/stream?timeUnit=MILLISECOND&streams=btcusdt@trade", "{\"stream\":\"btcusdt@trade\""},
    };
    open_market("");

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        connect_to(forms[i].target);
        expect_start(forms[i].start);
        peer_close(&g_peer);
    }
    venue_close(&g_venue);
}

Test(streams, urls_without_streams_wait_for_subscriptions)
{
    static const char *const targets[] = {
        "/ws", "/ws/", "/ws/0", "/stream", "/stream?streams=", "/stream/ws/17"};
    open_market("");

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        bool combined = strncmp(targets[i], "/stream", 7) == 0 && !strstr(targets[i], "/ws");
        connect_to(targets[i]);
        cr_expect_eq(peer_hear_data(&g_peer, 30), -1, "%s: %s", targets[i], g_peer.text);
        expect_reply("{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@trade\"],\"id\":1}",
                     "{\"result\":null,\"id\":1}");
        expect_start(combined ? "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\""
                              : "{\"e\":\"trade\"");
        peer_close(&g_peer);
    }
    venue_close(&g_venue);
}

Test(streams, wrong_urls_and_handshakes_are_refused)
{
    static const struct {
        const char *target;
        int status;
    } targets[] = {{"/", 404},
                   {"/wss", 404},
                   {"/streams?streams=btcusdt@trade", 404},
                   {"/ws/btc%20usdt@trade", 400},
                   {"/ws/%zz", 400},
                   {"/ws/btcusdt@trade?timeUnit=NANOSECOND", 400}};
    static const char *const handshakes[] = {
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "13\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Version: "
        "13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "POST /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "8\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"};
    open_market("");

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
        cr_expect_eq(peer_upgrade(&g_peer, targets[i].target), targets[i].status, "%s", targets[i].target);
        expect_end();
        peer_close(&g_peer);
    }
    for (size_t i = 0; i < sizeof handshakes / sizeof handshakes[0]; i++) {
        cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
        peer_write(&g_peer, handshakes[i], strlen(handshakes[i]));
        cr_expect_eq(peer_answer(&g_peer), i == 3 ? 426 : 400, "handshake %zu", i);
        expect_end();
        peer_close(&g_peer);
    }
    venue_close(&g_venue);
}

Test(streams, microseconds_are_sent_to_who_asked_for_them)
{
    open_market("");
    connect_to("/ws/btcusdt@trade?timeUnit=microsecond");
    expect_start("{\"e\":\"trade\",\"E\":1");
    cr_expect_eq(strspn(g_peer.text + strlen("{\"e\":\"trade\",\"E\":"), "0123456789"), 16, "%s",
                 g_peer.text);
    close_market();
}

/* ---- control messages ---- */

Test(streams, requests_get_the_replies_that_the_venue_gives)
{
    static const char *const dialogue[][2] = {
        {"{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":3}", "{\"result\":[],\"id\":3}"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[\"a@b\",\"c@d\"],\"id\":1}", "{\"result\":null,\"id\":1}"},
        {"{\"id\":\"f0a83e6515a5825f1e1eedc897cbd1f3\",\"params\":[\"a@b\"],\"method\":\"SUBSCRIBE\"}",
         "{\"result\":null,\"id\":\"f0a83e6515a5825f1e1eedc897cbd1f3\"}"},
        {" { \"method\" : \"LIST_SUBSCRIPTIONS\" ,\n \"id\" : -9223372036854775808 } ",
         "{\"result\":[\"a@b\",\"c@d\"],\"id\":-9223372036854775808}"},
        {"{\"method\":\"UNSUBSCRIBE\",\"params\":[\"a@b\",\"never@had\"],\"id\":312}",
         "{\"result\":null,\"id\":312}"},
        {"{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":null}", "{\"result\":[\"c@d\"],\"id\":null}"},
        {"{\"method\":\"LIST_SUBSCRIPTIONS\"}", "{\"result\":[\"c@d\"],\"id\":null}"},
        {"{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\"],\"id\":2}", "{\"result\":false,\"id\":2}"},
        {"{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",true],\"id\":5}",
         "{\"result\":null,\"id\":5}"},
        {"{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\"],\"id\":2}", "{\"result\":true,\"id\":2}"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[\"x\\u0040y\"],\"id\":9}", "{\"result\":null,\"id\":9}"},
        {"{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":3}", "{\"result\":[\"c@d\",\"x@y\"],\"id\":3}"},
    };
    open_market("limits: {messages_per_s: 0}\n");
    connect_to("/ws");
    for (size_t i = 0; i < sizeof dialogue / sizeof dialogue[0]; i++) {
        expect_reply(dialogue[i][0], dialogue[i][1]);
    }
    close_market();
}

Test(streams, wrong_requests_get_the_venue_s_errors)
{
    static const char *const dialogue[][2] = {
        {"{\"method\":\"SET_PROPERTY\",\"params\":[\"colour\",true],\"id\":7}",
         "{\"error\":{\"code\":0,\"msg\":\"Unknown property\"},\"id\":7}"},
        {"{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",\"yes\"],\"id\":7}",
         "{\"error\":{\"code\":1,\"msg\":\"Invalid value type: expected Boolean\"},\"id\":7}"},
        {"{\"method\":\"GET_PROPERTY\",\"params\":[1],\"id\":7}",
         "{\"error\":{\"code\":2,\"msg\":\"Invalid request: property name must be a string\"},\"id\":7}"},
        {"{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\",1],\"id\":7}",
         "{\"error\":{\"code\":2,\"msg\":\"Invalid request: too many parameters\"},\"id\":7}"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[\"a@b\",\"\"],\"id\":1}",
         "{\"error\":{\"code\":2,\"msg\":\"Invalid request: invalid stream\"},\"id\":1}"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[5],\"id\":1}",
         "{\"error\":{\"code\":2,\"msg\":\"Invalid request: invalid stream\"},\"id\":1}"},
        {"{\"method\":\"SUBSCRIBE\",\"id\":1}",
         "{\"error\":{\"code\":2,\"msg\":\"Invalid request: missing field `params`\"},\"id\":1}"},
        {"{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1.5}",
         "{\"error\":{\"code\":2,\"msg\":\"Invalid request: request ID must be an unsigned "
         "integer\"},\"id\":null}"},
        {"{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":\"0123456789012345678901234567890123456\"}",
         "{\"error\":{\"code\":2,\"msg\":\"Invalid request: request ID must be an unsigned "
         "integer\"},\"id\":null}"},
        {"{\"method\":\"SUBSCRIB\",\"id\":4}", "{\"error\":{\"code\":2,\"msg\":\"Invalid request: unknown "
                                               "variant `SUBSCRIB`, expected one of `SUBSCRIBE`, "
                                               "`UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, "
                                               "`GET_PROPERTY` at line 1 column 20\"},\"id\":4}"},
        {"{\"id\":4}", "{\"error\":{\"code\":2,\"msg\":\"Invalid request: missing field `method` at line 1 "
                       "column 8\"},\"id\":4}"},
        {"[]", "{\"error\":{\"code\":2,\"msg\":\"Invalid request: missing field `method` at line 1 column "
               "2\"},\"id\":null}"},
        {"nonsense",
         "{\"error\":{\"code\":3,\"msg\":\"Invalid JSON: expected value at line 1 column 1\"},\"id\":null}"},
        {"{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}",
         "{\"result\":[],\"id\":1}"}, /* nothing of it was done */
    };
    open_market("limits: {messages_per_s: 0}\n");
    connect_to("/ws");
    for (size_t i = 0; i < sizeof dialogue / sizeof dialogue[0]; i++) {
        expect_reply(dialogue[i][0], dialogue[i][1]);
    }
    close_market();
}

Test(streams, a_reply_comes_before_the_data_and_an_unsubscribed_stream_is_silent)
{
    open_market("");
    connect_to("/stream");
    expect_reply("{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@bookTicker\"],\"id\":1}",
                 "{\"result\":null,\"id\":1}");
    expect_start("{\"stream\":\"btcusdt@bookTicker\"");
    peer_say(&g_peer, "{\"method\":\"UNSUBSCRIBE\",\"params\":[\"btcusdt@bookTicker\"],\"id\":2}");
    do {
        cr_assert_eq(peer_hear_data(&g_peer, SOON_MS), 1);
    } while (strcmp(g_peer.text, "{\"result\":null,\"id\":2}") != 0);
    cr_expect_eq(peer_hear_data(&g_peer, 100), -1);
    close_market();
}

Test(streams, a_thousand_and_twenty_four_streams_are_the_most)
{
    static char request[65536];
    int size = 0;
    open_market("");

    connect_to("/ws");
    for (int from = 0; from < 1024; from += 512) {
        size = sprintf(request, "{\"method\":\"SUBSCRIBE\",\"id\":%d,\"params\":[", from);
        for (int i = from; i < from + 512; i++) {
            size += sprintf(request + size, "%s\"s%d@trade\"", i == from ? "" : ",", i);
        }
        strcpy(request + size, "]}");
        peer_say(&g_peer, request);
        cr_assert_eq(peer_hear_data(&g_peer, SOON_MS), 1);
        cr_expect_eq(strncmp(g_peer.text, "{\"result\":null", 14), 0, "%s", g_peer.text);
    }
    expect_reply("{\"method\":\"SUBSCRIBE\",\"params\":[\"one@more\"],\"id\":1}",
                 "{\"error\":{\"code\":2,\"msg\":\"Invalid request: too many parameters\"},\"id\":1}");
    close_market();
}

/* ---- frames ---- */

Test(streams, a_request_in_fragments_with_a_ping_between_is_one_request)
{
    open_market("limits: {messages_per_s: 0}\n");
    connect_to("/ws");
    peer_frame(&g_peer, 0x01, "{\"method\":\"LIST_", 16);
    peer_frame(&g_peer, 0x89, "are you there", 13);
    cr_assert_eq(peer_hear(&g_peer, SOON_MS), 10);
    cr_expect_str_eq(g_peer.text, "are you there");
    peer_frame(&g_peer, 0x00, "SUBSCRIPTIONS\",", 15);
    peer_frame(&g_peer, 0x80, "\"id\":8}", 7);
    cr_assert_eq(peer_hear_data(&g_peer, SOON_MS), 1);
    cr_expect_str_eq(g_peer.text, "{\"result\":[],\"id\":8}");
    close_market();
}

Test(streams, frames_that_no_client_may_send_end_the_connection_with_their_code)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint16_t code;
    } frames[] = {
        {"\x81\x02hi", 4, 1002},                        /* not masked */
        {"\xc1\x80\0\0\0\0", 6, 1002},                  /* a reserved bit */
        {"\x83\x80\0\0\0\0", 6, 1002},                  /* a reserved opcode */
        {"\x80\x80\0\0\0\0", 6, 1002},                  /* a continuation of nothing */
        {"\x82\x82\0\0\0\0hi", 8, 1003},                /* binary */
        {"\x81\x82\0\0\0\0\xc0\x80", 8, 1007},          /* not UTF-8 */
        {"\x81\xff\0\0\0\1\0\0\0\0\0\0\0\0", 14, 1009}, /* four gigabytes */
        {"\x88\x81\0\0\0\0\x03", 7, 1002},              /* half a close code */
    };
    open_market("");

    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        connect_to("/ws");
        peer_write(&g_peer, frames[i].bytes, frames[i].size);
        expect_close(frames[i].code);
        expect_end();
        peer_close(&g_peer);
    }
    venue_close(&g_venue);
}

Test(streams, a_close_frame_is_answered_with_its_code_and_the_end)
{
    open_market("");
    connect_to("/ws/btcusdt@bookTicker");
    expect_start("{\"u\":");
    peer_frame(&g_peer, 0x88,
               "\x03\xe8"
               "bye",
               5);
    expect_close(1000);
    expect_end();
    close_market();
}

/* ---- pings, limits, lifetimes ---- */

Test(streams, more_than_five_messages_a_second_end_the_connection)
{
    open_market("");
    connect_to("/ws");
    for (int i = 0; i < 5; i++) {
        peer_frame(&g_peer, 0x8a, "", 0); /* unsolicited pongs count too */
    }
    peer_say(&g_peer, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
    expect_close(1008);
    expect_end();
    close_market();
}

Test(streams, who_answers_pings_stays_and_who_does_not_is_dropped)
{
    open_market("limits: {ping_interval_ms: 100, pong_timeout_ms: 900, messages_per_s: 0}\n");
    connect_to("/ws");
    for (int i = 0; i < 12; i++) { /* twice as long as the deadline */
        char payload[64];
        cr_assert_eq(peer_hear(&g_peer, SOON_MS), 9);
        cr_expect_eq(strspn(g_peer.text, "0123456789"), 13, "%s", g_peer.text);
        strcpy(payload, g_peer.text);
        peer_frame(&g_peer, 0x8a, payload, strlen(payload));
    }
    cr_assert_eq(peer_hear(&g_peer, SOON_MS), 9);
    peer_frame(&g_peer, 0x8a, "", 0);      /* does not keep it alive, */
    peer_frame(&g_peer, 0x8a, "wrong", 5); /* and neither does this */
    expect_end();
    close_market();
}

Test(streams, a_connection_lives_its_time_and_is_told_of_its_end)
{
    open_market("limits: {lifetime_ms: 100}\n");
    connect_to("/stream");
    expect_start("{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":1");
    expect_close(1001);
    expect_end();
    close_market();
}

Test(streams, a_venue_that_is_stopped_says_so_and_ends_cleanly)
{
    open_market("");
    connect_to("/ws");
    kill(g_venue.pid, SIGTERM);
    expect_start("{\"e\":\"serverShutdown\",\"E\":1");
    expect_close(1001);
    expect_end();
    peer_close(&g_peer);
    cr_expect_eq(venue_stop(&g_venue, 0), 0, "%s", venue_output(&g_venue));
    venue_close(&g_venue);
}

/* ---- who does not read ---- */

Test(streams, a_live_client_that_does_not_read_is_dropped_and_the_others_hear_on)
{
    open_market("pace: 200\nlimits: {output_kib: 64, window_kib: 16}\n");
    struct peer deaf;
    size_t heard = 0;

    cr_assert(peer_open(&deaf, venue_tls(&g_venue)));
    cr_assert_eq(peer_upgrade(&deaf, "/ws/btcusdt@bookTicker/btcusdt@depth20@100ms/ethusdt@depth20@100ms"),
                 101);
    connect_to("/ws/btcusdt@trade");
    while (heard < 20000) { /* about a fifth of a second of that market's time, at 40000 a second */
        cr_assert_eq(peer_hear_data(&g_peer, SOON_MS), 1);
        heard++;
    }
    peer_close(&deaf);
    peer_close(&g_peer);
    cr_assert_eq(venue_stop(&g_venue, SIGTERM), 0);
    cr_expect_not_null(strstr(venue_output(&g_venue), "connections dropped because they did not read: 1"), "%s",
                       venue_output(&g_venue));
    venue_close(&g_venue);
}
