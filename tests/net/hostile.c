/* SPDX-License-Identifier: MIT
 *
 * Hostile servers behind a good handshake (reliability.md, A3): what a server sends is answered, dropped or
 * ends the connection with the right code, split at each byte, in bounded memory. What the connector's part
 * refuses is in connector.c.
 */
#include "net_world.h"

#include <criterion/criterion.h>
#include <string.h>

static struct net_world world;
static struct far_end peer;

/* What must come of a case. */
struct hostile_case {
    const char *name;
    const char *bytes;
    size_t size;
    const char *text; /* the message that still gets through, or NULL */
    uint16_t code;    /* of the close frame that we send; 0: the connection goes on */
    enum pw_cause lost;
};

#define BYTES(text) text, sizeof(text) - 1
#define HI          "\x81\x02hi"

static const struct hostile_case hostile_cases[] = {
    /* Good, if odd. */
    {"text", BYTES(HI), "hi", 0, PW_CAUSE_none},
    {"ping before text", BYTES("\x89\x01p" HI), "hi", 0, PW_CAUSE_none},
    {"empty ping and pong", BYTES("\x89\x00\x8a\x00" HI), "hi", 0, PW_CAUSE_none},
    {"pong nobody asked for", BYTES("\x8a\x03zzz" HI), "hi", 0, PW_CAUSE_none},
    {"two fragments", BYTES("\x01\x01h\x80\x01i"), "hi", 0, PW_CAUSE_none},
    {"ping between fragments", BYTES("\x01\x01h\x89\x02pp\x80\x01i"), "hi", 0, PW_CAUSE_none},
    {"pings between many fragments", BYTES("\x01\x00\x89\x00\x00\x01h\x8a\x00\x00\x00\x89\x01x\x80\x01i"),
     "hi", 0, PW_CAUSE_none},
    {"empty fragments", BYTES("\x01\x00\x00\x00\x00\x02hi\x80\x00"), "hi", 0, PW_CAUSE_none},
    {"character cut by a fragment", BYTES("\x01\x01\xc3\x80\x01\xa4"), "\xc3\xa4", 0, PW_CAUSE_none},
    {"binary is dropped", BYTES("\x82\x03\x00\x01\x02" HI), "hi", 0, PW_CAUSE_none},
    {"fragmented binary is dropped", BYTES("\x02\x01\x00\x89\x00\x80\x01\x01" HI), "hi", 0, PW_CAUSE_none},
    {"empty text is dropped", BYTES("\x81\x00" HI), "hi", 0, PW_CAUSE_none},
    {"zero bytes in text", BYTES("\x81\x02\x00\x00" HI), NULL, 0, PW_CAUSE_none},
    /* Closing. */
    {"close", BYTES(HI "\x88\x02\x03\xe8"), "hi", 1000, PW_CAUSE_closed},
    {"close without code", BYTES(HI "\x88\x00"), "hi", 1000, PW_CAUSE_closed},
    {"close with reason", BYTES("\x88\x07\x03\xe9there"), NULL, 1001, PW_CAUSE_closed},
    {"data after close", BYTES("\x88\x02\x03\xe8" HI), NULL, 1000, PW_CAUSE_closed},
    {"close inside a message", BYTES("\x01\x01h\x88\x02\x03\xe8\x80\x01i"), NULL, 1000, PW_CAUSE_closed},
    {"close codes of the registry", BYTES("\x88\x02\x03\xf4"), NULL, 1012, PW_CAUSE_closed},
    {"private close code", BYTES("\x88\x02\x0f\xa0"), NULL, 4000, PW_CAUSE_closed},
    {"close code 999", BYTES("\x88\x02\x03\xe7"), NULL, 1002, PW_CAUSE_protocol},
    {"close code 1005", BYTES("\x88\x02\x03\xed"), NULL, 1002, PW_CAUSE_protocol},
    {"close code 1006", BYTES("\x88\x02\x03\xee"), NULL, 1002, PW_CAUSE_protocol},
    {"close code 5000", BYTES("\x88\x02\x13\x88"), NULL, 1002, PW_CAUSE_protocol},
    {"close of one byte", BYTES("\x88\x01\x03"), NULL, 1002, PW_CAUSE_protocol},
    {"close reason is no UTF-8", BYTES("\x88\x04\x03\xe8\xff\xfe"), NULL, 1007, PW_CAUSE_bad_utf8},
    /* Against the protocol. */
    {"masked text", BYTES("\x81\x82\x01\x02\x03\x04ik"), NULL, 1002, PW_CAUSE_protocol},
    {"masked ping", BYTES(HI "\x89\x80\x01\x02\x03\x04"), "hi", 1002, PW_CAUSE_protocol},
    {"reserved bit 1", BYTES("\xc1\x02hi"), NULL, 1002, PW_CAUSE_protocol},
    {"reserved bit 2", BYTES("\xa1\x02hi"), NULL, 1002, PW_CAUSE_protocol},
    {"reserved bit 3", BYTES("\x91\x02hi"), NULL, 1002, PW_CAUSE_protocol},
    {"reserved bit in a ping", BYTES("\xc9\x00"), NULL, 1002, PW_CAUSE_protocol},
    {"deflated, not agreed on", BYTES("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"), NULL, 1002, PW_CAUSE_protocol},
    {"unknown data opcode", BYTES("\x83\x00"), NULL, 1002, PW_CAUSE_protocol},
    {"unknown control opcode", BYTES("\x8b\x00"), NULL, 1002, PW_CAUSE_protocol},
    {"fragmented ping", BYTES("\x09\x00"), NULL, 1002, PW_CAUSE_protocol},
    {"fragmented close", BYTES("\x08\x02\x03\xe8"), NULL, 1002, PW_CAUSE_protocol},
    {"long ping", BYTES("\x89\x7e\x00\x7e"), NULL, 1002, PW_CAUSE_protocol},
    {"continuation of nothing", BYTES("\x80\x02hi"), NULL, 1002, PW_CAUSE_protocol},
    {"continuation after the end", BYTES("\x01\x01h\x80\x01i\x80\x01!"), "hi", 1002, PW_CAUSE_protocol},
    {"text inside a message", BYTES("\x01\x01h\x81\x01i"), NULL, 1002, PW_CAUSE_protocol},
    {"binary inside a message", BYTES("\x01\x01h\x02\x01i"), NULL, 1002, PW_CAUSE_protocol},
    {"length not the shortest, 2 bytes", BYTES("\x81\x7e\x00\x02hi"), NULL, 1002, PW_CAUSE_protocol},
    {"length not the shortest, 8 bytes", BYTES("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02hi"), NULL, 1002,
     PW_CAUSE_protocol},
    {"length with the top bit", BYTES("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x02"), NULL, 1002,
     PW_CAUSE_protocol},
    {"length of 2^63 - 1", BYTES("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), NULL, 1009, PW_CAUSE_too_big},
    {"length of 4 GiB", BYTES("\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00"), NULL, 1009, PW_CAUSE_too_big},
    {"one more than the limit", BYTES("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x01"), NULL, 1009,
     PW_CAUSE_too_big},
    {"fragments together over the limit", BYTES("\x01\x01h\x80\x7f\x00\x00\x00\x00\x00\x01\x00\x00"), NULL,
     1009, PW_CAUSE_too_big},
    {"text is no UTF-8", BYTES("\x81\x02\xff\xfe"), NULL, 1007, PW_CAUSE_bad_utf8},
    {"text ends inside a character", BYTES("\x81\x01\xc3"), NULL, 1007, PW_CAUSE_bad_utf8},
    {"surrogate in text", BYTES("\x81\x03\xed\xa0\x80"), NULL, 1007, PW_CAUSE_bad_utf8},
    {"overlong slash in text", BYTES("\x81\x02\xc0\xaf"), NULL, 1007, PW_CAUSE_bad_utf8},
    {"no UTF-8 in the second fragment", BYTES("\x01\x02hi\x80\x01\xff"), NULL, 1007, PW_CAUSE_bad_utf8},
    {"not a WebSocket frame at all", BYTES("HTTP/1.1 200 OK\r\n\r\n"), NULL, 1002, PW_CAUSE_protocol},
};

/* Our next frame that is no pong. */
static int take_answer(uint8_t *payload, size_t *size)
{
    int opcode;
    do {
        opcode = far_take_frame(&peer, payload, size, 700 * MS_NS);
    } while (opcode == PW_WS_PONG);
    return opcode;
}

static bool took_text(const char *text)
{
    struct taken taken;
    bool found = false;
    while (net_world_take(&world, &taken)) {
        found = found ||
                (!taken.notice && taken.size == strlen(text) && memcmp(taken.text, text, taken.size) == 0);
        if (taken.notice && taken.state == PW_FEED_DOWN) {
            break;
        }
    }
    return found;
}

/* How many connections ended for that cause. */
static uint64_t lost_cnt(enum pw_cause cause)
{
    uint64_t cnt = 0;
    if (cause != PW_CAUSE_none) {
        memcpy(&cnt, (const char *)&pw_hot_counts(world.net)->rx + pw_cause_metric(cause), sizeof cnt);
    }
    return cnt;
}

static void check_case(const struct hostile_case *one, size_t cut, bool secure)
{
    uint8_t payload[125];
    size_t size = 0;
    struct net_world_options options = {.secure = secure, .message_bytes_max = 65536};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world), "%s", one->name);
    far_send(&peer, one->bytes, cut);
    net_world_run(&world, 2 * MS_NS, MS_NS);
    if (cut < one->size) {
        far_send(&peer, one->bytes + cut, one->size - cut);
        net_world_run(&world, 2 * MS_NS, MS_NS);
    }
    if (one->code == 0) {
        cr_expect_eq(world.feeds[0].state, PW_FEED_UP, "%s, cut at %zu", one->name, cut);
    } else {
        int opcode = take_answer(payload, &size);
        cr_expect_eq(opcode, PW_WS_CLOSE, "%s, cut at %zu: opcode %d", one->name, cut, opcode);
        cr_expect_eq(payload[0] << 8 | payload[1], one->code, "%s, cut at %zu", one->name, cut);
        far_close(&peer);
        net_world_run(&world, 5 * MS_NS, MS_NS);
        cr_expect(pw_virtual_peer_gone(world.network, peer.socket), "%s, cut at %zu", one->name, cut);
        cr_expect_eq(world.feeds[0].disconnect_cnt, 1, "%s, cut at %zu", one->name, cut);
    }
    cr_expect_eq(lost_cnt(one->lost), one->lost != PW_CAUSE_none, "%s, cut at %zu", one->name, cut);
    cr_expect_eq(pw_hot_counts(world.net)->rx.invalid_frames,
                 one->lost == PW_CAUSE_protocol || one->lost == PW_CAUSE_bad_utf8, "%s, cut at %zu",
                 one->name, cut);
    cr_expect(one->text == NULL || took_text(one->text), "%s, cut at %zu", one->name, cut);
    net_world_close(&world);
}

Test(hostile, each_case_ends_rightly_wherever_its_bytes_are_cut)
{
    cr_assert_geq(sizeof hostile_cases / sizeof hostile_cases[0], 40);
    for (size_t i = 0; i < sizeof hostile_cases / sizeof hostile_cases[0]; i++) {
        for (size_t cut = 1; cut <= hostile_cases[i].size; cut++) {
            check_case(&hostile_cases[i], cut, false);
        }
    }
}

Test(hostile, each_case_ends_rightly_over_tls)
{
    for (size_t i = 0; i < sizeof hostile_cases / sizeof hostile_cases[0]; i++) {
        check_case(&hostile_cases[i], hostile_cases[i].size, true);
    }
}

/* ---- ends without a close frame ---- */

Test(hostile, a_cut_tls_session_is_told_from_one_that_was_ended)
{
    struct net_world_options options = {.secure = true};
    const enum pw_cause causes[] = {PW_CAUSE_truncated, PW_CAUSE_ended, PW_CAUSE_reset};
    for (int i = 0; i < 3; i++) {
        net_world_open(&world, &options);
        cr_assert(far_upgrade(&peer, &world));
        far_send_frame(&peer, 0x81, "last", 4);
        if (causes[i] == PW_CAUSE_ended) {
            SSL_shutdown(peer.tls.ssl);
            far_pump(&peer);
        }
        if (causes[i] == PW_CAUSE_reset) {
            net_world_run(&world, 2 * MS_NS, MS_NS);
            pw_virtual_peer_reset(world.network, peer.socket);
        }
        far_close(&peer);
        net_world_run(&world, 300 * MS_NS, MS_NS);
        cr_expect_eq(lost_cnt(causes[i]), 1, "%s", pw_cause_name(causes[i]));
        cr_expect(net_world_log_has(pw_cause_text(causes[i])), "%s", pw_cause_name(causes[i]));
        cr_expect(net_world_took_notice(&world, PW_FEED_UP));
        cr_expect(net_world_took_text(&world, "last"), "%s", pw_cause_name(causes[i]));
        cr_expect(net_world_took_notice(&world, PW_FEED_DOWN));
        net_world_close(&world);
    }
}

Test(hostile, a_bad_record_ends_the_connection_by_its_name)
{
    struct net_world_options options = {.secure = true};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    pw_virtual_peer_send(world.network, peer.socket, "\x17\x03\x03\x00\x20 this is no ciphertext of the key",
                         37);
    net_world_run(&world, 5 * MS_NS, MS_NS);
    far_close(&peer);
    net_world_run(&world, 20 * MS_NS, MS_NS);
    cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_tls, 1);
    cr_expect(net_world_log_has(pw_cause_text(PW_CAUSE_tls)));
    net_world_close(&world);
}

/* ---- memory ---- */

/* What one connection may hold in all, by construction: the largest message and 64 KiB. */
Test(hostile, memory_of_a_connection_is_bounded)
{
    static uint8_t big[16384];
    struct net_world_options options = {.secure = true, .message_bytes_max = 65536};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    const struct pw_conn_slot *slot = &world.net->slots[0];
    memset(big, 'a', sizeof big);
    for (int i = 0; i < 2000; i++) { /* the largest records, as fast as we take them */
        far_send_frame(&peer, i % 4 == 0 ? 0x01 : i % 4 == 3 ? 0x80 : 0x00, big, sizeof big - 16);
        net_world_run(&world, 2 * MS_NS, MS_NS);
        struct taken taken;
        while (net_world_take(&world, &taken)) {
        }
    }
    cr_expect_eq(world.feeds[0].state, PW_FEED_UP);
    cr_expect_eq(pw_hot_counts(world.net)->rx.frames, 500);
    size_t buffers =
        slot->plain_bytes + PW_CONN_COLD_BYTES + PW_CONN_OUTPUT_BYTES + PW_IO_BUFFER_CNT * PW_IO_BUFFER_BYTES;
    cr_expect_leq(buffers + slot->arena.live_max_bytes, 65536 + 65536, "%zu + %zu", buffers,
                  slot->arena.live_max_bytes);
    net_world_close(&world);
}

Test(hostile, a_message_of_exactly_the_limit_passes_in_one_piece_and_in_many)
{
    static uint8_t big[65536];
    memset(big, 'b', sizeof big);
    for (size_t fragment = sizeof big; fragment >= 1000; fragment /= 4) {
        struct net_world_options options = {.message_bytes_max = sizeof big,
                                            .network = {.seed = 3, .piece_bytes_max = 5000}};
        net_world_open(&world, &options);
        cr_assert(far_upgrade(&peer, &world));
        for (size_t at = 0; at < sizeof big; at += fragment) {
            bool last = at + fragment >= sizeof big;
            far_send_frame(&peer, (uint8_t)((last ? 0x80 : 0) | (at == 0 ? 1 : 0)), big + at,
                           last ? sizeof big - at : fragment);
            far_send_frame(&peer, 0x89, "between", 7);
            net_world_run(&world, 10 * MS_NS, MS_NS);
        }
        net_world_run(&world, 10 * MS_NS, MS_NS);
        cr_expect_eq(pw_hot_counts(world.net)->rx.frames, 1, "fragments of %zu", fragment);
        cr_expect_eq(pw_hot_counts(world.net)->rx.bytes, sizeof big, "fragments of %zu", fragment);
        net_world_close(&world);
    }
}

Test(hostile, a_ping_flood_whose_answers_nobody_reads_takes_no_memory_and_stops_no_data)
{
    struct net_world_options options = {.secure = false};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    uint8_t payload[125];
    size_t size;
    memset(payload, 'p', sizeof payload);
    for (int i = 0; i < 20000; i++) {
        payload[0] = (uint8_t)i;
        far_send_frame(&peer, 0x89, payload, sizeof payload);
        if (i % 100 == 99) {
            far_send_frame(&peer, 0x81, "data", 4);
        }
        net_world_step(&world, MS_NS / 4);
    }
    net_world_run(&world, 100 * MS_NS, MS_NS);
    cr_expect_eq(pw_hot_counts(world.net)->rx.frames, 200);
    cr_expect_eq(world.feeds[0].state, PW_FEED_UP);
    /* Its last ping is answered at the latest when it reads again. */
    int last = -1;
    while (far_take_frame(&peer, payload, &size, 100 * MS_NS) == PW_WS_PONG) {
        last = payload[0];
    }
    cr_expect_eq(last, (uint8_t)19999);
    net_world_close(&world);
}

Test(hostile, pongs_carry_the_pings_payload)
{
    struct net_world_options options = {.secure = true};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    for (size_t bytes = 0; bytes <= 125; bytes++) {
        uint8_t sent[125], got[125];
        size_t size = 0;
        for (size_t i = 0; i < bytes; i++) {
            sent[i] = (uint8_t)(i * 31 + bytes);
        }
        far_send_frame(&peer, 0x89, sent, bytes);
        cr_assert_eq(far_take_frame(&peer, got, &size, S_NS), PW_WS_PONG, "%zu bytes", bytes);
        cr_assert_eq(size, bytes);
        cr_assert_arr_eq(got, sent, bytes);
    }
    net_world_close(&world);
}

/* ---- closing that does not go as it should ---- */

Test(hostile, a_server_that_ignores_our_close_is_left_within_a_second)
{
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    cr_assert(far_upgrade(&peer, &world));
    far_send(&peer, "\x83\x00", 2);
    int64_t begin_ns = world.now_ns;
    while (!pw_virtual_peer_gone(world.network, peer.socket) && world.now_ns < begin_ns + 10 * S_NS) {
        far_send_frame(&peer, 0x81, "and on it goes", 14);
        net_world_step(&world, MS_NS);
    }
    cr_expect_lt(world.now_ns - begin_ns, S_NS);
    cr_expect_eq(pw_hot_counts(world.net)->rx.frames, 0);
    net_world_close(&world);
}
