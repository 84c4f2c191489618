/* SPDX-License-Identifier: MIT
 *
 * The flow of an established connection in virtual time: order, push-back without loss, times of receipt,
 * staleness and silence (reliability.md, F1, F3), and the end of a run.
 */
#include "net_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct net_world world;
static struct far_end peer;

static void open_up(const struct net_world_options *options)
{
    net_world_open(&world, options);
    cr_assert(far_upgrade(&peer, &world));
    cr_assert(net_world_took_notice(&world, PW_FEED_UP));
}

/* ---- nothing is lost ---- */

/* Numbered messages of uneven sizes. */
static size_t make_number(uint32_t number, uint8_t *frame)
{
    char text[700];
    int size = snprintf(text, sizeof text, "%u ", number);
    size_t bytes = (size_t)size + number * 7919u % 600u;
    memset(text + size, 'x', bytes - (size_t)size);
    return frame_make(frame, 0x81, text, bytes);
}

/* A server that sends as fast as TCP lets it. */
struct flood {
    uint8_t frame[720];
    size_t bytes, sent;
    uint32_t next, end;
};

static void flood_step(struct flood *flood)
{
    for (;;) {
        if (flood->sent == flood->bytes) {
            if (flood->next == flood->end) {
                return;
            }
            flood->bytes = make_number(flood->next++, flood->frame);
            flood->sent = 0;
        }
        ssize_t sent = pw_virtual_peer_send(world.network, peer.socket, flood->frame + flood->sent,
                                            flood->bytes - flood->sent);
        if (sent <= 0) {
            return;
        }
        flood->sent += (size_t)sent;
    }
}

static void expect_numbers(uint32_t first, uint32_t cnt)
{
    for (uint32_t i = first; i < first + cnt; i++) {
        struct taken taken;
        char number[16];
        int size = snprintf(number, sizeof number, "%u ", i);
        cr_assert(net_world_take(&world, &taken), "message %u is missing", i);
        cr_assert_not(taken.notice, "message %u", i);
        cr_assert_eq(strncmp(taken.text, number, (size_t)size), 0, "message %u reads %.16s", i, taken.text);
        cr_assert_eq(taken.size, (size_t)size + i * 7919u % 600u, "message %u", i);
    }
}

Test(flow, a_full_ring_pushes_back_on_the_socket_and_loses_nothing)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct net_world_options options = {
            .frame_slots = 64,
            .frame_bytes = 1 << 17,
            .network = {.seed = seed, .piece_bytes_max = seed % 2 ? 700 : 9000}};
        open_up(&options);
        struct flood flood = {.end = 3000};
        uint32_t taken = 0;
        for (int round = 0; taken < 3000 && round < 100000; round++) {
            flood_step(&flood);
            if (round % 400 > 300) { /* parse sleeps most of the time */
                uint64_t there = pw_consumer_peek(&world.frames, 64);
                expect_numbers(taken, (uint32_t)there);
                taken += (uint32_t)there;
            }
            net_world_step(&world, MS_NS / 100);
        }
        cr_expect_eq(taken, 3000, "seed %llu: %u taken", (unsigned long long)seed, taken);
        cr_expect_gt(pw_hot_counts(world.net)->rx.stalls, 0, "seed %llu", (unsigned long long)seed);
        cr_expect_eq(world.feeds[0].disconnect_cnt, 0);
        net_world_close(&world);
    }
}

Test(flow, a_stalled_connection_holds_no_more_than_its_buffers_and_is_not_taken_for_silent)
{
    struct net_world_options options = {
        .frame_slots = 64, .frame_bytes = 1 << 17, .dead_after_ms = 2000, .stale_after_ms = 1000};
    open_up(&options);
    size_t sent = 0;
    static uint8_t data[1000];
    memset(data, 'y', sizeof data);
    for (int i = 0; i < 10000; i++) {
        uint8_t frame[1010];
        size_t bytes = frame_make(frame, 0x81, data, sizeof data);
        ssize_t put = pw_virtual_peer_send(world.network, peer.socket, frame, bytes);
        sent += put == (ssize_t)bytes;
        if (put != (ssize_t)bytes) {
            break;
        }
        net_world_step(&world, MS_NS / 10);
    }
    cr_expect_lt(sent, 64 + (PW_VIRTUAL_WINDOW_BYTES + PW_IO_BUFFER_CNT * PW_IO_BUFFER_BYTES + 80000) / 1000);
    net_world_run(&world, 60 * S_NS, 10 * MS_NS);
    cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_idle_timeout, 0);
    cr_expect_eq(world.feeds[0].disconnect_cnt, 0);
    net_world_close(&world);
}

Test(flow, a_message_that_could_never_pass_the_ring_is_refused_at_start)
{
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    struct pw_hot_ends ends = world.net->hot.ends;
    world.net->conns[0].message_bytes_max = (1 << 19) + 1; /* of a payload area of 1 MiB */
    cr_expect_neq(pw_hot_init(world.net, &ends), 0);
    cr_expect(net_world_log_has("rings.frames_bytes"));
    world.net->conns[0].message_bytes_max = 65536;
    cr_expect_eq(pw_hot_init(world.net, &ends), 0);
    net_world_close(&world);
}

/* ---- times ---- */

/* In one piece. */
static void send_ticks(uint32_t cnt)
{
    static uint8_t frames[6 * 6100];
    size_t bytes = 0;
    cr_assert_leq(cnt, sizeof frames / 6);
    for (uint32_t i = 0; i < cnt; i++) {
        bytes += frame_make(frames + bytes, 0x81, "tick", 4);
    }
    far_send(&peer, frames, bytes);
}

Test(flow, all_messages_of_one_read_bear_the_time_of_that_read)
{
    struct taken taken;
    struct net_world_options options = {.secure = true};
    open_up(&options);
    for (int i = 0; i < 5; i++) {
        far_send_frame(&peer, 0x81, "tick", 4);
    }
    int64_t read_ns = world.now_ns;
    net_world_step(&world, MS_NS);
    for (int i = 0; i < 5; i++) {
        cr_assert(net_world_take(&world, &taken));
        cr_expect_eq(taken.recv_ns, read_ns);
    }
    far_send_frame(&peer, 0x81, "tock", 4);
    read_ns = world.now_ns;
    net_world_step(&world, MS_NS);
    cr_assert(net_world_take(&world, &taken));
    cr_expect_eq(taken.recv_ns, read_ns);
    net_world_close(&world);
}

/* ---- how old it may be ---- */

static struct taken take_next(void)
{
    struct taken taken;
    for (int i = 0; !net_world_take(&world, &taken); i++) {
        cr_assert_lt(i, 1000, "nothing came");
        net_world_step(&world, MS_NS);
    }
    cr_assert_not(taken.notice);
    return taken;
}

/* cases/01-freeze-then-stale-orders */
Test(flow, a_message_came_after_the_pass_before_its_read)
{
    for (int secure = 0; secure < 2; secure++) {
        struct net_world_options options = {.secure = secure};
        open_up(&options);
        net_world_run(&world, 10 * S_NS, 10 * MS_NS);
        int64_t pass_ns = world.now_ns - 10 * MS_NS;
        far_send_frame(&peer, 0x81, "tick", 4);
        struct taken taken = take_next();
        cr_expect_eq(taken.since_ns, pass_ns);
        cr_expect_leq(taken.recv_ns - taken.since_ns, 10 * MS_NS);
        net_world_close(&world);
    }
}

/* The socket's backlog takes several passes to be read: all of it may be as old as the pass before the
 * freeze, and what comes behind it is not. cases/01-freeze-then-stale-orders */
Test(flow, what_a_freeze_left_in_the_socket_may_be_as_old_as_the_freeze)
{
    for (int secure = 0; secure < 2; secure++) {
        struct net_world_options options = {.secure = secure};
        open_up(&options);
        net_world_run(&world, S_NS, MS_NS);
        int64_t pass_ns = world.now_ns - MS_NS;
        char text[600];
        memset(text, 'x', sizeof text);
        for (int i = 0; i < 80; i++) {
            far_send_frame(&peer, 0x81, text, sizeof text);
        }
        world.now_ns += 8 * S_NS;
        pw_virtual_set_now(world.network, world.now_ns);
        for (int i = 0; i < 80; i++) {
            struct taken taken = take_next();
            cr_assert_eq(taken.since_ns, pass_ns, "message %d", i);
            cr_assert_geq(taken.recv_ns - taken.since_ns, 8 * S_NS);
        }
        net_world_run(&world, 5 * MS_NS, MS_NS);
        far_send_frame(&peer, 0x81, "tick", 4);
        struct taken taken = take_next();
        cr_expect_leq(taken.recv_ns - taken.since_ns, 2 * MS_NS);
        net_world_close(&world);
    }
}

/* Without room in the ring the socket is left unread: no pass is late, but what waits grows old.
 * cases/01-freeze-then-stale-orders */
Test(flow, what_waited_behind_a_full_ring_may_be_as_old_as_the_stall)
{
    struct net_world_options options = {.frame_slots = 64};
    open_up(&options);
    int64_t stalled_ns = world.now_ns;
    send_ticks(64 + 6000); /* more than all buffers */
    net_world_run(&world, 5 * S_NS, MS_NS);
    int64_t old_ns = 0;
    for (int i = 0; i < 64 + 6000; i++) {
        struct taken taken = take_next();
        int64_t age_ns = world.now_ns - taken.since_ns;
        old_ns = age_ns > old_ns ? age_ns : old_ns;
        cr_assert_leq(taken.since_ns, stalled_ns + 10 * MS_NS, "message %d", i);
    }
    cr_expect_geq(old_ns, 4 * S_NS);
    net_world_close(&world);
}

/* cases/23-kernel-stamp-after-a-stall: the kernel keeps one stamp for bytes that it joins. */
Test(flow, only_a_message_that_came_alone_and_in_time_has_the_kernels_stamp)
{
    for (int secure = 0; secure < 2; secure++) {
        struct net_world_options options = {.secure = secure};
        open_up(&options);
        net_world_run(&world, 20 * MS_NS, MS_NS);
        for (int i = 0; i < 3; i++) {
            far_send_frame(&peer, 0x81, "alone", 5);
            cr_expect_neq(take_next().kernel_ns, 0);
            net_world_run(&world, 2 * MS_NS, MS_NS);
        }
        cr_expect_eq(pw_hot_counts(world.net)->rx.kernel_rx_inexact, 0);
        for (int i = 0; i < 5; i++) {
            far_send_frame(&peer, 0x81, "together", 8);
        }
        for (int i = 0; i < 5; i++) {
            cr_expect_eq(take_next().kernel_ns, 0, "of those that were read together, %d", i);
        }
        cr_expect_eq(pw_hot_counts(world.net)->rx.kernel_rx_inexact, 5);
        net_world_run(&world, 5 * MS_NS, MS_NS);
        far_send_frame(&peer, 0x81, "late", 4);
        world.now_ns += 200 * MS_NS;
        pw_virtual_set_now(world.network, world.now_ns);
        cr_expect_eq(take_next().kernel_ns, 0, "after a pass that came late");
        net_world_run(&world, 5 * MS_NS, MS_NS);
        far_send_frame(&peer, 0x81, "alone", 5);
        cr_expect_neq(take_next().kernel_ns, 0);
        cr_expect_eq(pw_hot_counts(world.net)->rx.kernel_rx_inexact, 6);
        net_world_close(&world);
    }
}

/* A message whose first bytes came long before its last. */
Test(flow, a_message_in_parts_came_with_its_first_part)
{
    struct net_world_options options = {0};
    open_up(&options);
    uint8_t frame[16];
    size_t bytes = frame_make(frame, 0x81, "tick", 4);
    far_send(&peer, frame, 3);
    net_world_run(&world, 3 * S_NS, MS_NS);
    far_send(&peer, frame + 3, bytes - 3);
    struct taken taken = take_next();
    cr_expect_geq(taken.recv_ns - taken.since_ns, 2900 * MS_NS);
    far_send_frame(&peer, 0x81, "tick", 4);
    taken = take_next();
    cr_expect_leq(taken.recv_ns - taken.since_ns, 2 * MS_NS);
    net_world_close(&world);
}

Test(flow, a_message_that_waited_for_room_keeps_the_time_of_its_read)
{
    struct taken taken;
    struct net_world_options options = {.frame_slots = 64, .secure = true};
    open_up(&options);
    uint8_t frame[6];
    for (int i = 0; i < 70; i++) { /* a record each, all in one piece */
        far_tls_write(&peer.tls, frame, frame_make(frame, 0x81, "tick", 4));
    }
    far_pump(&peer);
    int64_t read_ns = world.now_ns;
    net_world_run(&world, 500 * MS_NS, MS_NS);
    for (int i = 0; i < 70; i++) {
        while (!net_world_take(&world, &taken)) {
            net_world_step(&world, MS_NS);
        }
        cr_assert_eq(taken.recv_ns, read_ns, "message %d", i);
    }
    net_world_close(&world);
}

Test(flow, a_pass_takes_a_bounded_batch)
{
    struct net_world_options options = {0};
    open_up(&options);
    send_ticks(1000);
    uint64_t before = 0;
    for (int i = 0; i < 40; i++) {
        net_world_step(&world, MS_NS);
        uint64_t now = pw_hot_counts(world.net)->rx.frames;
        cr_expect_leq(now - before, PW_BATCH_MAX);
        before = now;
    }
    cr_expect_eq(before, 1000);
    net_world_close(&world);
}

/* ---- staleness and silence ---- */

Test(flow, data_that_stops_while_pings_go_on_makes_the_feed_stale_and_data_brings_it_back)
{
    struct taken taken;
    struct net_world_options options = {.stale_after_ms = 2000, .dead_after_ms = 10000};
    open_up(&options);
    far_send_frame(&peer, 0x81, "tick", 4);
    net_world_run(&world, 5 * MS_NS, MS_NS);
    cr_assert(net_world_took_text(&world, "tick"));
    int64_t begin_ns = world.now_ns;
    while (!net_world_take(&world, &taken) && world.now_ns < begin_ns + 20 * S_NS) {
        if ((world.now_ns - begin_ns) % S_NS == 0) {
            far_send_frame(&peer, 0x89, "", 0);
        }
        net_world_step(&world, MS_NS);
    }
    cr_expect(taken.notice && taken.state == PW_FEED_STALE && taken.reason == PW_REASON_STALE);
    cr_expect(world.now_ns - begin_ns <= 2000 * MS_NS, "after %lld ms",
              (long long)((world.now_ns - begin_ns) / MS_NS));
    net_world_step(&world, MS_NS);
    net_world_step(&world, MS_NS);
    cr_expect_eq(world.feeds[0].state, PW_FEED_STALE);
    for (int i = 0; i < 7; i++) { /* connected all the time */
        far_send_frame(&peer, 0x89, "", 0);
        net_world_run(&world, S_NS, 10 * MS_NS);
    }
    cr_expect_not(net_world_take(&world, &taken));
    cr_expect_eq(world.feeds[0].disconnect_cnt, 0);
    far_send_frame(&peer, 0x81, "tock", 4);
    net_world_run(&world, 5 * MS_NS, MS_NS);
    cr_expect(net_world_took_notice(&world, PW_FEED_UP));
    cr_expect(net_world_took_text(&world, "tock"));
    cr_expect_eq(world.feeds[0].state, PW_FEED_UP);
    net_world_close(&world);
}

/* cases/35-a-message-in-fragments-without-end */
Test(flow, a_feed_that_stays_stale_is_connected_anew_after_its_time_whatever_else_comes)
{
    /* Pings, pongs, and pieces of a message: no data. */
    static const struct {
        const char *first, *each;
        size_t first_bytes, each_bytes;
    } cases[] = {{"", "\x89\x00", 0, 2},           {"", "\x8a\x00", 0, 2},
                 {"\x01\x01h", "\x00\x01i", 3, 3}, {"\x01\x00", "\x00\x00", 2, 2},
                 {"\x81\x7e\x0f\xff", "x", 4, 1},  {"", "\x82\x00", 0, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int secure = 0; secure < 2; secure++) {
            struct net_world_options options = {
                .secure = secure == 1, .stale_after_ms = 2000, .dead_after_ms = 5000};
            open_up(&options);
            int64_t begin_ns = world.now_ns;
            far_send(&peer, cases[i].first, cases[i].first_bytes);
            while (world.feeds[0].disconnect_cnt == 0 && world.now_ns < begin_ns + 60 * S_NS) {
                far_send(&peer, cases[i].each, cases[i].each_bytes);
                net_world_run(&world, 250 * MS_NS, 10 * MS_NS);
            }
            cr_expect(world.now_ns - begin_ns >= 4900 * MS_NS && world.now_ns - begin_ns <= 5600 * MS_NS,
                      "case %zu: after %lld ms", i, (long long)((world.now_ns - begin_ns) / MS_NS));
            cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_idle_timeout, 1, "case %zu", i);
            net_world_close(&world);
        }
    }
}

Test(flow, a_message_in_fragments_is_given_ten_seconds_as_a_whole)
{
    for (int kind = 0; kind < 4; kind++) { /* with bytes or empty; with a ping after each or none */
        struct net_world_options options = {.secure = kind == 3};
        open_up(&options);
        far_send(&peer, "\x01\x01h", 3);
        int64_t begin_ns = world.now_ns;
        while (world.feeds[0].disconnect_cnt == 0 && world.now_ns < begin_ns + 60 * S_NS) {
            far_send(&peer, "\x00\x01i", kind % 2 ? 3 : 0);
            far_send(&peer, "\x00\x00", kind % 2 ? 0 : 2);
            far_send(&peer, "\x89\x00", kind > 1 ? 2 : 0);
            net_world_run(&world, 250 * MS_NS, 10 * MS_NS);
        }
        cr_expect(world.now_ns - begin_ns >= 10 * S_NS && world.now_ns - begin_ns <= 11 * S_NS, "%d: %lld ms",
                  kind, (long long)((world.now_ns - begin_ns) / MS_NS));
        cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_frame_timeout, 1);
        cr_expect(net_world_log_has(pw_cause_text(PW_CAUSE_frame_timeout)));
        net_world_close(&world);
    }
}

Test(flow, messages_in_fragments_one_behind_the_other_have_each_their_time)
{
    struct net_world_options options = {0};
    open_up(&options);
    for (int i = 0; i < 5; i++) {
        far_send(&peer, "\x01\x01h", 3);
        net_world_run(&world, 8 * S_NS, 10 * MS_NS);
        far_send(&peer, "\x80\x01i", 3);
        net_world_run(&world, 20 * MS_NS, 10 * MS_NS);
        cr_expect(net_world_took_text(&world, "hi"), "message %d", i);
    }
    cr_expect_eq(world.feeds[0].disconnect_cnt, 0);
    net_world_close(&world);
}

Test(flow, fragments_of_one_message_are_bounded_in_number)
{
    struct net_world_options options = {0};
    open_up(&options);
    far_send(&peer, "\x01\x00", 2);
    for (int i = 0; i < 1100 && world.feeds[0].disconnect_cnt == 0; i++) {
        far_send(&peer, "\x00\x00", 2);
        net_world_step(&world, MS_NS / 2);
    }
    net_world_run(&world, S_NS, MS_NS);
    cr_expect_eq(world.feeds[0].disconnect_cnt, 1);
    cr_expect_eq(pw_hot_counts(world.net)->rx.invalid_frames, 0, "no rule was broken");
    cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_protocol, 0);
    cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_fragments, 1);
    net_world_close(&world);
}

Test(flow, a_connection_on_which_nothing_comes_is_lost_after_its_time)
{
    struct net_world_options options = {.stale_after_ms = 1000, .dead_after_ms = 3000};
    open_up(&options);
    far_send_frame(&peer, 0x89, "", 0);
    net_world_run(&world, 5 * MS_NS, MS_NS);
    int64_t begin_ns = world.now_ns;
    while (world.feeds[0].disconnect_cnt == 0 && world.now_ns < begin_ns + 20 * S_NS) {
        net_world_step(&world, MS_NS);
    }
    cr_expect(world.now_ns - begin_ns <= 3010 * MS_NS && world.now_ns - begin_ns >= 2980 * MS_NS);
    cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_idle_timeout, 1);
    cr_expect(net_world_log_has(pw_cause_text(PW_CAUSE_idle_timeout)));
    cr_expect(net_world_took_notice(&world, PW_FEED_STALE));
    cr_expect(net_world_took_notice(&world, PW_FEED_DOWN));
    net_world_close(&world);
}

Test(flow, a_frame_of_which_a_part_has_come_is_given_ten_seconds)
{
    for (int secure = 0; secure < 2; secure++) {
        struct net_world_options options = {.secure = secure == 1};
        open_up(&options);
        for (int i = 0; i < 100; i++) { /* a busy feed is not slow */
            far_send_frame(&peer, 0x81, "tick", 4);
            net_world_run(&world, 300 * MS_NS, 10 * MS_NS);
        }
        cr_expect_eq(world.feeds[0].disconnect_cnt, 0);
        far_send(&peer, "\x81\x7e\x01\x00", 4);
        int64_t begin_ns = world.now_ns;
        while (pw_hot_counts(world.net)->rx.disconnect_frame_timeout == 0 &&
               world.now_ns < begin_ns + 20 * S_NS) {
            far_send(&peer, "x", 1); /* a byte a second: neither silent nor done */
            net_world_run(&world, S_NS, 10 * MS_NS);
        }
        cr_expect(world.now_ns - begin_ns >= 10 * S_NS && world.now_ns - begin_ns <= 11 * S_NS);
        cr_expect(net_world_log_has(pw_cause_text(PW_CAUSE_frame_timeout)));
        net_world_close(&world);
    }
}

Test(flow, half_a_record_and_then_silence_is_silence)
{
    struct net_world_options options = {.secure = true, .dead_after_ms = 3000};
    open_up(&options);
    pw_virtual_peer_send(world.network, peer.socket, "\x17\x03\x03\x01\x00 the rest never comes", 26);
    net_world_run(&world, 5 * S_NS, 10 * MS_NS);
    cr_expect_eq(pw_hot_counts(world.net)->rx.disconnect_idle_timeout, 1);
    net_world_close(&world);
}

Test(flow, after_a_freeze_what_has_arrived_counts_before_silence_is_judged)
{
    struct net_world_options options = {.dead_after_ms = 3000};
    open_up(&options);
    far_send_frame(&peer, 0x81, "early", 5);
    world.now_ns += 3600 * S_NS; /* the host slept for an hour */
    pw_virtual_set_now(world.network, world.now_ns);
    net_world_run(&world, 10 * MS_NS, MS_NS);
    cr_expect(net_world_took_text(&world, "early"));
    cr_expect_eq(world.feeds[0].disconnect_cnt, 0);
    net_world_close(&world);
}

Test(flow, next_time_is_the_next_deadline)
{
    struct net_world_options options = {.stale_after_ms = 2000, .dead_after_ms = 5000};
    open_up(&options);
    far_send_frame(&peer, 0x81, "tick", 4);
    int64_t read_ns = world.now_ns;
    net_world_step(&world, MS_NS);
    cr_expect_eq(pw_hot_next_ns(world.net), read_ns + 2 * S_NS);
    net_world_run(&world, 2500 * MS_NS, MS_NS);
    cr_expect_eq(pw_hot_next_ns(world.net), read_ns + 5 * S_NS);
    net_world_close(&world);
}

/* ---- the end of a run ---- */

Test(flow, drained_it_says_goodbye_and_is_soon_done)
{
    uint8_t code[125];
    size_t size;
    struct net_world_options options = {.secure = true};
    open_up(&options);
    pw_connector_stop(world.connector);
    pw_hot_drain(world.net);
    cr_expect(pw_hot_pending(world.net));
    cr_expect_eq(far_take_frame(&peer, code, &size, S_NS), PW_WS_CLOSE);
    cr_expect_eq(code[0] << 8 | code[1], 1001);
    far_send_frame(&peer, 0x88, code, 2);
    SSL_shutdown(peer.tls.ssl);
    far_pump(&peer);
    pw_virtual_peer_end(world.network, peer.socket);
    net_world_run(&world, 20 * MS_NS, MS_NS);
    cr_expect_not(pw_hot_pending(world.net));
    cr_expect(pw_connector_stopped(world.connector));
    far_pump(&peer);
    cr_expect_eq(SSL_get_shutdown(peer.tls.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    net_world_close(&world);
}

Test(flow, stopped_without_warning_it_still_says_goodbye_and_does_not_wait_long)
{
    uint8_t code[125];
    size_t size;
    struct net_world_options options = {0};
    open_up(&options);
    pw_hot_stop(world.net);
    world.hot_stopped = true;
    cr_expect_eq(far_take_frame(&peer, code, &size, 10 * MS_NS), PW_WS_CLOSE);
    cr_expect_eq(code[0] << 8 | code[1], 1001);
    net_world_close(&world);
}
