/* SPDX-License-Identifier: MIT
 *
 * The order-entry connection in virtual time: what comes goes to execution, requests leave whole and in order
 * on the connection that they are for, and never on another.
 */
#include "net_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct net_world world;
static struct far_end peer;

static void open_up(const struct net_world_options *options)
{
    struct net_world_options with_orders = *options;
    with_orders.orders = true;
    net_world_open(&world, &with_orders);
    cr_assert(far_upgrade(&peer, &world));
}

/* The notice UP of the connection `epoch`. */
static void expect_up(uint64_t epoch)
{
    struct taken taken;
    cr_assert(net_world_take(&world, &taken));
    cr_expect(taken.notice && taken.state == PW_FEED_UP, "state %u", taken.state);
    cr_expect_eq(taken.epoch, epoch);
}

/* ---- what comes ---- */

Test(orders, messages_and_notices_go_to_execution_in_order)
{
    for (int secure = 0; secure < 2; secure++) {
        struct taken taken;
        struct net_world_options options = {.secure = secure == 1};
        open_up(&options);
        far_send_frame(&peer, 0x81, "{\"id\":1}", 8);
        far_send_frame(&peer, 0x81, "{\"id\":2}", 8);
        far_send_frame(&peer, 0x88, "\x03\xe8", 2);
        net_world_run(&world, 20 * MS_NS, MS_NS);
        expect_up(1);
        cr_expect(net_world_took_text(&world, "{\"id\":1}"));
        cr_assert(net_world_take(&world, &taken));
        cr_expect_str_eq(taken.text, "{\"id\":2}");
        cr_expect_eq(taken.feed_idx, 1, "the number of feeds");
        cr_assert(net_world_take(&world, &taken));
        cr_expect(taken.notice && taken.state == PW_FEED_DOWN && taken.reason == PW_REASON_DISCONNECT);
        cr_expect_eq(taken.epoch, 1);
        cr_expect_not(net_world_take(&world, &taken));
        cr_expect_eq(world.frames_ring->head, 0, "parse hears nothing of it");
        net_world_close(&world);
    }
}

Test(orders, its_path_is_that_of_its_url)
{
    struct net_world_options options = {.orders = true};
    net_world_open(&world, &options);
    cr_assert(far_accept(&peer, &world, world.listener, S_NS));
    cr_assert(far_wait_bytes(&peer, 20, S_NS));
    cr_expect_eq(memcmp(peer.in, "GET /orders HTTP/1.1\r\n", 22), 0);
    net_world_close(&world);
}

Test(orders, a_full_ring_pushes_back_on_the_socket_and_loses_nothing)
{
    struct taken taken;
    struct net_world_options options = {.frame_slots = 64};
    uint32_t sent = 0, taken_cnt = 0;
    char text[16];
    open_up(&options);
    expect_up(1);
    for (int round = 0; taken_cnt < 2000 && round < 20000; round++) {
        if (sent < 2000) {
            far_send_frame(&peer, 0x81, text, (size_t)snprintf(text, sizeof text, "%u", sent++));
        }
        net_world_step(&world, MS_NS);
        while (round % 500 > 400 && net_world_take(&world, &taken)) {
            snprintf(text, sizeof text, "%u", taken_cnt++);
            cr_assert_str_eq(taken.text, text);
        }
    }
    cr_expect_eq(taken_cnt, 2000);
    cr_expect_gt(world.messages_ring->stalled_cnt, 0);
    cr_expect_eq(world.frames_ring->stalled_cnt, 0);
    net_world_close(&world);
}

Test(orders, quiet_is_not_stale_and_pings_keep_it_alive)
{
    struct taken taken;
    struct net_world_options options = {.dead_after_ms = 3000};
    open_up(&options);
    expect_up(1);
    for (int i = 0; i < 600; i++) {
        far_send_frame(&peer, 0x89, "", 0);
        net_world_run(&world, S_NS, 50 * MS_NS);
    }
    cr_expect_not(net_world_take(&world, &taken), "no notice");
    cr_expect_eq(world.view->state, PW_FEED_UP);
    int64_t begin_ns = world.now_ns;
    while (world.view->disconnect_cnt == 0 && world.now_ns < begin_ns + 20 * S_NS) {
        net_world_step(&world, 10 * MS_NS);
    }
    cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_idle_timeout, 1);
    cr_expect(world.now_ns - begin_ns <= 3100 * MS_NS);
    cr_expect(net_world_log_has("order entry"));
    net_world_close(&world);
}

/* ---- what goes ---- */

static void make_request(uint8_t *text, size_t bytes, uint32_t number)
{
    for (size_t i = 0; i < bytes; i++) {
        text[i] = (uint8_t)(' ' + (i * 31 + number) % 90);
    }
}

static void expect_request(size_t bytes, uint32_t number)
{
    static uint8_t want[PW_REQUEST_BYTES_MAX], got[PW_REQUEST_BYTES_MAX];
    size_t size = 0;
    make_request(want, bytes, number);
    cr_assert_eq(far_take_whole(&peer, got, sizeof got, &size, S_NS), 0x81, "request %u", number);
    cr_assert_eq(size, bytes, "request %u", number);
    cr_assert_eq(memcmp(got, want, bytes), 0, "request %u", number);
}

static bool request(uint64_t epoch, size_t bytes, uint32_t number)
{
    static uint8_t text[PW_REQUEST_BYTES_MAX + 1];
    make_request(text, bytes, number);
    return net_world_request(&world, epoch, number, text, bytes);
}

Test(orders, requests_leave_as_whole_masked_text_frames_of_every_size)
{
    static const size_t sizes[] = {
        1, 2, 125, 126, 127, 300, 4096, PW_REQUEST_BYTES_MAX - 1, PW_REQUEST_BYTES_MAX};
    for (int secure = 0; secure < 2; secure++) {
        struct net_world_options options = {.secure = secure == 1};
        open_up(&options);
        for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            cr_assert(request(1, sizes[i], i));
        }
        for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            expect_request(sizes[i], i);
        }
        cr_expect_eq(pw_hot_counts(world.net)->tx.frames, sizeof sizes / sizeof sizes[0]);
        net_world_close(&world);
    }
}

Test(orders, requests_of_one_pass_leave_in_it)
{
    struct net_world_options options = {.secure = true};
    open_up(&options);
    for (uint32_t i = 0; i < 20; i++) {
        cr_assert(request(1, 200, i));
    }
    net_world_step(&world, 0);
    net_world_step(&world, 0); /* the virtual network sends when it is looked at again */
    far_pump(&peer);
    cr_expect_eq(peer.in_bytes, 20 * (8 + 200));
    net_world_close(&world);
}

Test(orders, what_is_too_large_or_empty_is_dropped_and_counted)
{
    struct net_world_options options = {0};
    open_up(&options);
    cr_assert(request(1, PW_REQUEST_BYTES_MAX + 1, 1));
    cr_assert(request(1, 100, 2));
    expect_request(100, 2);
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 1);
    net_world_close(&world);
}

/* A peer that does not read, then reads by bits. */
static uint32_t send_to_slow_peer(uint32_t request_cnt, bool reads)
{
    uint32_t put = 0;
    for (int round = 0; put < request_cnt && round < 3000; round++) {
        while (put < request_cnt && request(1, 100 + put * 7919u % 2000u, put)) {
            put++;
        }
        net_world_step(&world, MS_NS);
        if (reads && round % 50 == 49) {
            break;
        }
    }
    return put;
}

Test(orders, a_burst_to_a_peer_that_does_not_read_waits_and_nothing_is_lost_or_doubled)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct net_world_options options = {.frame_slots = 128,
                                            .secure = seed > 2,
                                            .network = {.seed = seed, .piece_bytes_max = seed % 2 ? 900 : 0}};
        open_up(&options);
        uint32_t put = send_to_slow_peer(1000, false);
        cr_expect_lt(put, 400, "%u requests are in the ring, in the buffer or on their way", put);
        cr_expect_eq(pw_producer_room(&world.requests, 1), 0, "the ring is full");
        uint64_t sent = pw_hot_counts(world.net)->tx.frames;
        net_world_run(&world, S_NS, 10 * MS_NS);
        cr_expect_eq(pw_hot_counts(world.net)->tx.frames, sent, "and so it stays");
        for (uint32_t i = 0; i < 1000; i++) {
            while (put < 1000 && request(1, 100 + put * 7919u % 2000u, put)) {
                put++;
            }
            expect_request(100 + i * 7919u % 2000u, i);
        }
        cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 0);
        cr_expect_eq(pw_hot_counts(world.net)->tx.frames, 1000);
        cr_expect_eq(world.view->disconnect_cnt, 0);
        net_world_close(&world);
    }
}

Test(orders, a_ping_is_answered_before_requests_that_wait)
{
    static const uint8_t ping[PW_WS_CONTROL_MAX];
    static uint8_t got[PW_WS_CONTROL_MAX];
    size_t size;
    struct net_world_options options = {.frame_slots = 128};
    open_up(&options);
    for (uint64_t sent = UINT64_MAX; sent != pw_hot_counts(world.net)->tx.frames;) {
        sent = pw_hot_counts(world.net)->tx.frames;
        while (net_world_request(&world, 1, 0, "x", 1)) { /* small: to the last byte that they may have */
        }
        net_world_run(&world, 5 * MS_NS, MS_NS);
    }
    far_send_frame(&peer, 0x89, ping, sizeof ping);
    net_world_run(&world, 10 * MS_NS, MS_NS);
    cr_expect_eq(pw_hot_counts(world.net)->rx.pings, 1, "it has its place, however full the buffer is");
    uint64_t before = pw_hot_counts(world.net)->tx.frames - 1;
    for (uint64_t i = 0; i < before; i++) {
        cr_assert_eq(far_take_whole(&peer, got, sizeof got, &size, S_NS), 0x81);
    }
    cr_expect_eq(far_take_whole(&peer, got, sizeof got, &size, S_NS), 0x8a);
    cr_expect_eq(size, sizeof ping);
    net_world_close(&world);
}

/* ---- a halt ---- */

/* In the ring when the stop word is set: orders stay here, all else leaves. */
Test(orders, a_halt_keeps_orders_back_and_lets_cancellations_pass)
{
    struct net_world_options options = {.secure = true};
    open_up(&options);
    for (uint32_t i = 0; i < 20; i++) {
        cr_assert(request(1, 200, i % 5 == 0 ? 0 : i)); /* 0: of no new order */
    }
    atomic_store(&world.stop.stop, PW_REASON_HALTED);
    for (uint32_t i = 0; i < 4; i++) {
        expect_request(200, 0);
    }
    net_world_run(&world, 100 * MS_NS, MS_NS);
    far_pump(&peer);
    cr_expect_eq(peer.in_bytes, 0);
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped_halted, 16);
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 0);
    cr_expect_eq(pw_hot_counts(world.net)->tx.frames, 4);
    atomic_store(&world.stop.stop, 0);
    cr_assert(request(1, 200, 21));
    expect_request(200, 21);
    net_world_close(&world);
}

/* ---- to each its connection ---- */

/* RST. The socket's number may be given to the next connection. */
static void cut(void)
{
    pw_virtual_peer_reset(world.network, peer.socket);
    far_close(&peer);
}

Test(orders, without_a_connection_requests_are_dropped_and_counted)
{
    struct net_world_options options = {.orders = true};
    net_world_open(&world, &options);
    for (uint32_t i = 0; i < 10; i++) {
        cr_assert(request(0, 100, i));
        cr_assert(request(1, 100, i)); /* one that nobody can have heard of */
    }
    net_world_run(&world, 10 * MS_NS, MS_NS);
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 20);
    cr_assert(far_upgrade(&peer, &world));
    expect_up(1);
    net_world_run(&world, 100 * MS_NS, MS_NS);
    far_pump(&peer);
    cr_expect_eq(peer.in_bytes, 0);
    net_world_close(&world);
}

Test(orders, a_request_for_a_connection_that_is_gone_is_never_sent_on_the_next)
{
    struct net_world_options options = {.secure = true};
    open_up(&options);
    expect_up(1);
    cut();
    net_world_step(&world, MS_NS); /* net_rx has seen it, execution has not read it yet */
    for (uint32_t i = 0; i < 5; i++) {
        cr_assert(request(1, 100, i));
    }
    cr_assert(far_upgrade(&peer, &world));
    cr_assert(net_world_took_notice(&world, PW_FEED_DOWN));
    cr_assert(request(1, 100, 5)); /* execution still has not heard of the new one */
    net_world_run(&world, 20 * MS_NS, MS_NS);
    expect_up(2);
    cr_assert(request(2, 100, 6));
    expect_request(100, 6);
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 6);
    cr_expect_eq(peer.in_bytes, 0);
    net_world_close(&world);
}

Test(orders, what_a_cut_connection_had_not_sent_leaves_nothing_on_the_next)
{
    for (int secure = 0; secure < 2; secure++) {
        struct net_world_options options = {.secure = secure == 1,
                                            .network = {.seed = 5, .piece_bytes_max = 700}};
        open_up(&options);
        uint32_t put = send_to_slow_peer(200, false); /* encrypted, on its way, and in the ring */
        cr_assert_gt(put, 60);
        if (secure == 0) { /* in the middle of a frame */
            uint8_t some[50];
            pw_virtual_peer_recv(world.network, peer.socket, some, sizeof some);
        }
        cut();
        cr_assert(far_upgrade(&peer, &world));
        net_world_run(&world, 100 * MS_NS, MS_NS);
        far_pump(&peer);
        cr_expect_eq(peer.in_bytes, 0, "%zu bytes", peer.in_bytes);
        cr_assert(request(2, 500, 7));
        expect_request(500, 7);
        net_world_run(&world, 100 * MS_NS, MS_NS);
        far_pump(&peer);
        cr_expect_eq(peer.in_bytes, 0);
        cr_expect_eq(pw_hot_counts(world.net)->tx.frames + pw_hot_counts(world.net)->tx.dropped, put + 1);
        net_world_close(&world);
    }
}

/* ---- two accounts ---- */

static struct far_end second;

static void open_two(void)
{
    open_up(&(struct net_world_options){.secure = true, .two_orders = true});
    uint32_t conn_idx = world.plan.conns.of_account[1];
    world.view = &world.feeds[conn_idx];
    cr_assert_eq(pw_connector_set_path(world.connector, conn_idx, ""), 0);
    cr_assert(far_upgrade(&second, &world));
    net_world_run(&world, 20 * MS_NS, MS_NS);
    expect_up(1);
    expect_up(1);
}

/* Of that account, on the connection `epoch`. */
static void request_of(uint32_t account_idx, uint64_t epoch, uint64_t client_order_id, const char *text)
{
    world.account_idx = account_idx;
    cr_assert(net_world_request(&world, epoch, client_order_id, text, strlen(text)));
}

static void expect_text(struct far_end *from, const char *wanted)
{
    uint8_t text[64];
    size_t size = 0;
    cr_assert_eq(far_take_whole(from, text, sizeof text, &size, S_NS), 0x81, "no %s", wanted);
    cr_assert_eq(size, strlen(wanted));
    cr_expect_eq(memcmp(text, wanted, size), 0, "%.*s, not %s", (int)size, (const char *)text, wanted);
}

Test(orders, each_account_has_its_connection_and_its_messages_say_whose_they_are)
{
    struct taken taken;
    open_two();
    request_of(1, 1, 0, "two");
    request_of(0, 1, 0, "one");
    request_of(1, 1, 0, "two again");
    expect_text(&peer, "one");
    expect_text(&second, "two");
    expect_text(&second, "two again");
    far_send_frame(&second, 0x81, "second", 6);
    net_world_run(&world, 20 * MS_NS, MS_NS);
    far_send_frame(&peer, 0x81, "first", 5);
    net_world_run(&world, 20 * MS_NS, MS_NS);
    for (uint32_t i = 2; i-- > 0;) {
        cr_assert(net_world_take(&world, &taken));
        cr_expect_eq(taken.feed_idx, world.plan.conns.of_account[i]);
        cr_expect_str_eq(taken.text, i ? "second" : "first");
    }
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 0);
    net_world_close(&world);
}

Test(orders, an_account_s_lost_connection_drops_its_requests_alone)
{
    struct pw_stamp stamp;
    struct taken taken;
    open_two();
    cut(); /* the first's */
    net_world_run(&world, 20 * MS_NS, MS_NS);
    request_of(0, 1, 7, "too late");
    request_of(1, 1, 8, "on time");
    expect_text(&second, "on time");
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 1);
    cr_expect(pw_stamp_get(world.stamps, 8, &stamp));
    cr_expect_not(pw_stamp_get(world.stamps, 7, &stamp));
    cr_assert(net_world_take(&world, &taken));
    cr_expect(taken.notice && taken.state == PW_FEED_DOWN &&
              taken.feed_idx == world.plan.conns.of_account[0]);
    world.view = &world.feeds[world.plan.conns.of_account[0]];
    cr_assert(far_upgrade(&peer, &world));
    expect_up(2);
    request_of(0, 1, 0, "of the first connection");
    request_of(1, 2, 0, "of none");
    request_of(0, 2, 9, "of the second connection");
    request_of(1, 1, 10, "of the same");
    expect_text(&peer, "of the second connection");
    expect_text(&second, "of the same");
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 3);
    net_world_close(&world);
}

/* One venue's silence must not keep another's cancellations back: that connection is given up. */
Test(orders, an_account_whose_peer_does_not_read_holds_up_no_other)
{
    struct taken taken;
    open_two();
    uint32_t sent = 0;
    world.account_idx = 0;
    for (uint64_t before = UINT64_MAX; before != pw_hot_counts(world.net)->tx.frames; sent++) {
        before = pw_hot_counts(world.net)->tx.frames;
        cr_assert(request(1, PW_REQUEST_BYTES_MAX, sent));
        net_world_step(&world, MS_NS);
    }
    request_of(1, 1, 0, "cancel");
    net_world_run(&world, 20 * MS_NS, MS_NS);
    far_pump(&second);
    expect_text(&second, "cancel");
    cr_assert(net_world_take(&world, &taken));
    cr_expect(taken.notice && taken.state == PW_FEED_DOWN &&
              taken.feed_idx == world.plan.conns.of_account[0]);
    cr_expect_eq(pw_hot_counts(world.net)->tx.dropped, 1);
    net_world_close(&world);
}

/* ---- stamps ---- */

Test(orders, each_request_of_an_order_is_stamped_and_no_other)
{
    struct pw_stamp stamp;
    struct net_world_options options = {.secure = true};
    open_up(&options);
    int64_t begin_ns = world.now_ns;
    cr_assert(net_world_request(&world, 1, 0, "{}", 2));
    cr_assert(net_world_request(&world, 1, UINT64_C(7) << 32 | 5, "{}", 2));
    cr_assert(net_world_request(&world, 1, UINT64_C(7) << 32 | 6, "{}", 2));
    net_world_step(&world, MS_NS);
    cr_expect_not(pw_stamp_get(world.stamps, 0, &stamp));
    for (uint64_t i = 5; i <= 6; i++) {
        cr_assert(pw_stamp_get(world.stamps, UINT64_C(7) << 32 | i, &stamp));
        cr_expect_eq(stamp.ns[PW_STAMP_ENCRYPTED], begin_ns);
        cr_expect_eq(stamp.ns[PW_STAMP_SUBMITTED], begin_ns);
    }
    net_world_close(&world);
}

Test(orders, a_request_that_waits_for_the_kernel_is_stamped_when_it_takes_it)
{
    struct pw_stamp stamp;
    struct net_world_options options = {0};
    open_up(&options);
    for (uint32_t i = 1; i <= 6; i++) { /* the virtual network takes four of them, and a part of the fifth */
        cr_assert(request(1, PW_REQUEST_BYTES_MAX, i));
        net_world_run(&world, 5 * MS_NS, MS_NS);
    }
    cr_expect_eq(pw_hot_counts(world.net)->tx.frames, 6);
    cr_expect(pw_stamp_get(world.stamps, 5, &stamp));
    cr_expect_not(pw_stamp_get(world.stamps, 6, &stamp), "encrypted, not submitted");
    int64_t begin_ns = world.now_ns;
    for (uint32_t i = 1; i <= 6; i++) {
        expect_request(PW_REQUEST_BYTES_MAX, i);
    }
    cr_assert(pw_stamp_get(world.stamps, 6, &stamp));
    cr_expect(stamp.ns[PW_STAMP_ENCRYPTED] < begin_ns && stamp.ns[PW_STAMP_SUBMITTED] >= begin_ns);
    net_world_close(&world);
}

Test(orders, what_was_sealed_for_a_connection_that_is_gone_is_never_stamped)
{
    struct pw_stamp stamp;
    struct net_world_options options = {0};
    open_up(&options);
    for (uint32_t i = 1; i <= 6; i++) { /* as above: the sixth is not submitted */
        cr_assert(request(1, PW_REQUEST_BYTES_MAX, i));
        net_world_run(&world, 5 * MS_NS, MS_NS);
    }
    cut();
    cr_assert(far_upgrade(&peer, &world));
    cr_assert(request(2, 100, 7));
    expect_request(100, 7);
    cr_expect(pw_stamp_get(world.stamps, 7, &stamp));
    cr_expect_not(pw_stamp_get(world.stamps, 6, &stamp));
    net_world_close(&world);
}

Test(orders, a_message_is_stamped_when_it_is_plain)
{
    struct taken taken;
    struct net_world_options options = {.secure = true};
    open_up(&options);
    expect_up(1);
    far_send_frame(&peer, 0x81, "{}", 2);
    int64_t read_ns = world.now_ns;
    net_world_step(&world, MS_NS);
    cr_assert(net_world_take(&world, &taken));
    cr_expect_eq(taken.recv_ns, read_ns);
    cr_expect_eq(taken.decrypted_ns, read_ns);
    cr_expect(taken.kernel_ns <= read_ns);
    net_world_close(&world);
}

/* ---- the end of a run ---- */

Test(orders, a_drain_leaves_it_open_and_the_stop_says_goodbye)
{
    uint8_t code[125];
    size_t size;
    struct net_world_options options = {.secure = true};
    open_up(&options);
    pw_connector_stop(world.connector);
    pw_hot_drain(world.net);
    net_world_run(&world, 20 * MS_NS, MS_NS);
    cr_expect_not(pw_hot_pending(world.net));
    cr_expect(pw_connector_stopped(world.connector));
    cr_assert(request(1, 100, 1)); /* a cancel */
    expect_request(100, 1);
    pw_hot_stop(world.net);
    world.hot_stopped = true;
    cr_expect_eq(far_take_frame(&peer, code, &size, 10 * MS_NS), PW_WS_CLOSE);
    cr_expect_eq(code[0] << 8 | code[1], 1001);
    net_world_close(&world);
}

Test(orders, lost_in_a_drain_it_is_connected_anew)
{
    struct net_world_options options = {0};
    open_up(&options);
    pw_connector_stop(world.connector);
    pw_hot_drain(world.net);
    cut();
    cr_assert(far_upgrade(&peer, &world));
    cr_assert(request(2, 100, 1));
    expect_request(100, 1);
    net_world_close(&world);
}
