/* SPDX-License-Identifier: MIT
 *
 * The writer: the order of consumption, when commits happen, and what happens when the store fails. Time,
 * store and rings are the test's.
 */
#include "writer.h"
#include "host.h"
#include "market_journal.h"
#include "memory_store.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS       INT64_C(1000000)
#define INTERVAL (100 * MS)
#define SLOTS    1024u

struct fixture {
    struct memory_store memory;
    struct pw_store store;
    struct pw_writer *writer;
    struct pw_producer market, orders, frames, wire;
    struct pw_consumer market_end, orders_end, frames_end, wire_end;
    struct pw_writer_input input;
    void *rings[4];
    int64_t now_ns;
    uint32_t market_seq;
};

static int64_t frozen(void *state)
{
    (void)state;
    return 0;
}

static struct pw_ring *ring_new(uint64_t payload_bytes, struct pw_producer *producer,
                                struct pw_consumer *consumer)
{
    struct pw_ring *ring = aligned_alloc(64, (pw_ring_bytes(SLOTS, payload_bytes) + 63) / 64 * 64);
    memset(ring, 0, pw_ring_bytes(SLOTS, payload_bytes));
    cr_assert_eq(pw_ring_format(ring, SLOTS, payload_bytes, PW_RING_STALL), 0);
    pw_producer_attach(producer, ring);
    pw_consumer_attach(consumer, ring);
    return ring;
}

static struct fixture *fixture_new(int64_t sync_ns)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->rings[0] = ring_new(0, &f->market, &f->market_end);
    f->rings[1] = ring_new(0, &f->orders, &f->orders_end);
    f->rings[2] = ring_new(1 << 16, &f->frames, &f->frames_end);
    f->rings[3] = ring_new(1 << 20, &f->wire, &f->wire_end);
    f->input = (struct pw_writer_input){&f->market_end, &f->orders_end, &f->frames_end, &f->wire_end};
    f->store = memory_store_of(&f->memory);
    f->now_ns = 1000 * INTERVAL;
    f->writer = pw_writer_new(&(struct pw_writer_config){.store = &f->store,
                                                         .run_id = 1,
                                                         .clock = {.now_ns = frozen},
                                                         .commit_interval_ns = INTERVAL,
                                                         .sync_ns = sync_ns,
                                                         .frame_bytes_max = 4096});
    return f;
}

static void fixture_free(struct fixture *f)
{
    pw_writer_free(f->writer);
    memory_store_free(&f->memory);
    for (int i = 0; i < 4; i++) {
        free(f->rings[i]);
    }
    free(f);
}

static void put(struct pw_producer *producer, struct pw_event event)
{
    cr_assert_geq(pw_producer_room(producer, 1), 1);
    pw_producer_put(producer, &event);
    pw_producer_publish(producer);
}

static void put_market(struct fixture *f, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        put(&f->market,
            (struct pw_event){.kind = PW_EVENT_QUOTE, .seq = f->market_seq, .recv_ns = f->market_seq});
        f->market_seq++;
    }
}

static void put_signal(struct fixture *f, uint64_t market_seq)
{
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_SIGNAL, .body.signal.market_seq = market_seq});
}

static uint32_t poll_once(struct fixture *f)
{
    return pw_writer_poll(f->writer, &f->input, 4096, f->now_ns);
}

/* What has been written, a letter an event: m market, s signal, i intent, o order, f fill, c consumed, t
 * time, g gap. */
static const char *written(struct fixture *f)
{
    static struct pw_event events[4096];
    static char text[4097];
    static const char letters[256] = {
        [PW_EVENT_QUOTE] = 'm',   [PW_EVENT_SIGNAL] = 's', [PW_EVENT_INTENT] = 'i',
        [PW_EVENT_ORDER] = 'o',   [PW_EVENT_FILL] = 'f',   [PW_EVENT_CONSUMED] = 'c',
        [PW_EVENT_COMMAND] = 'h', [PW_EVENT_TIME] = 't',   [PW_EVENT_GAP] = 'g'};
    cr_assert_eq(pw_writer_commit(f->writer, f->now_ns), 0);
    size_t cnt = memory_store_events(&f->memory, PW_BLOCK_EVENTS, events, 4096);
    for (size_t i = 0; i < cnt; i++) {
        text[i] = letters[events[i].kind];
    }
    text[cnt] = 0;
    return text;
}

/* ---- the order of consumption ---- */

Test(order, what_an_event_caused_stands_behind_it)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 4);
    put_signal(f, 1);
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_INTENT, .body.intent.market_seq = 1});
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_ORDER, .body.order.market_seq = 1});
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_FILL});
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_CONSUMED, .body.consumed.market_seq = 2});
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_COMMAND, .body.state.market_seq = 3});
    put_signal(f, 3);
    cr_expect_eq(poll_once(f), 11);
    cr_expect_str_eq(written(f), "mmsiofcmhms");
    fixture_free(f);
}

Test(order, late_event_is_written_at_once)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 3);
    poll_once(f);
    put_signal(f, 0);
    cr_expect_eq(poll_once(f), 1);
    cr_expect_str_eq(written(f), "mmms");
    fixture_free(f);
}

Test(order, event_waits_for_the_one_that_it_names)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 1);
    put_signal(f, 2);
    poll_once(f);
    cr_expect_str_eq(written(f), "m");
    put_market(f, 1);
    poll_once(f);
    cr_expect_str_eq(written(f), "mm");
    put_market(f, 2);
    poll_once(f);
    cr_expect_str_eq(written(f), "mmmsm");
    fixture_free(f);
}

Test(order, dropped_range_counts_as_passed)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 1);
    put_signal(f, 5);
    put_signal(f, 8);
    put(&f->market,
        (struct pw_event){
            .kind = PW_EVENT_GAP,
            .seq = 7,
            .body.gap = {.first = 1, .last = 6, .lost_cnt = 6, .reason = PW_REASON_JOURNAL_FULL}});
    f->market_seq = 7;
    put_market(f, 3);
    poll_once(f);
    cr_expect_str_eq(written(f), "mgsmmsm");
    cr_expect_eq(pw_writer_stats(f->writer)->dropped_cnt, 6);
    fixture_free(f);
}

Test(order, silent_market_releases_after_a_commit_interval)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 1);
    put_signal(f, 7);
    poll_once(f);
    f->now_ns += INTERVAL - 1;
    poll_once(f);
    cr_expect_str_eq(written(f), "m");
    f->now_ns += 1;
    poll_once(f);
    cr_expect_str_eq(written(f), "mgs");
    cr_expect_eq(pw_writer_stats(f->writer)->unmatched_cnt, 1);
    cr_expect_eq(pw_writer_stats(f->writer)->dropped_cnt, 7);
    fixture_free(f);
}

static struct pw_event gap(uint64_t first, uint64_t last)
{
    return (struct pw_event){
        .kind = PW_EVENT_GAP,
        .seq = (uint32_t)first,
        .body.gap = {
            .first = first, .last = last, .lost_cnt = last - first + 1, .reason = PW_REASON_JOURNAL_FULL}};
}

/* The gap that parse books later is the same: what is left of it follows; so is an event that was late alone.
 */
Test(order, gap_that_was_booked_is_not_booked_again)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 1);
    put_signal(f, 7);
    poll_once(f);
    f->now_ns += INTERVAL;
    poll_once(f);
    put_market(f, 1); /* number 1: in the gap that is booked */
    put(&f->market, gap(2, 6));
    put(&f->market, gap(7, 9));
    f->market_seq = 10;
    put_market(f, 1);
    poll_once(f);
    cr_expect_str_eq(written(f), "mgsgm");
    cr_expect_eq(pw_writer_stats(f->writer)->dropped_cnt, 9);
    fixture_free(f);
}

/* What was made before there was any market names its first event, too. */
Test(order, nothing_is_missing_where_there_was_no_market)
{
    struct fixture *f = fixture_new(0);
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_COMMAND, .body.state.market_seq = 0});
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_ORDER, .body.order.market_seq = 0});
    poll_once(f);
    f->now_ns += INTERVAL;
    poll_once(f);
    put_market(f, 2);
    poll_once(f);
    cr_expect_str_eq(written(f), "homm");
    cr_expect_eq(pw_writer_stats(f->writer)->dropped_cnt, 0);
    fixture_free(f);
}

Test(order, time_goes_with_what_it_caused)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 1);
    put(&f->orders, (struct pw_event){.kind = PW_EVENT_TIME});
    poll_once(f);
    cr_expect_str_eq(written(f), "m"); /* what does it belong to? */
    put_signal(f, 2);
    put_market(f, 3);
    poll_once(f);
    cr_expect_str_eq(written(f), "mmmtsm");
    fixture_free(f);
}

/* Market events go out as soon as strategy and execution have passed them, not before. */
Test(order, progress_of_strategy_and_execution_is_followed)
{
    struct fixture *f = fixture_new(20 * MS);
    struct pw_producer to_strategy, to_execution;
    struct pw_consumer strategy, execution;
    void *rings[2] = {ring_new(0, &to_strategy, &strategy), ring_new(0, &to_execution, &execution)};
    f->input.strategy_in[0] = rings[0];
    f->input.strategy_in_cnt = 1;
    f->input.execution_in = rings[1];
    poll_once(f);
    put_market(f, 6);
    for (int i = 0; i < 6; i++) {
        put(&to_strategy, (struct pw_event){.kind = PW_EVENT_QUOTE});
    }
    poll_once(f);
    cr_expect_eq(poll_once(f), 0, "strategy has not taken any");
    for (int i = 0; i < 4; i++) {
        put(&to_execution, (struct pw_event){.kind = PW_EVENT_QUOTE});
    }
    pw_consumer_done(&strategy, 4);
    poll_once(f);
    cr_expect_eq(poll_once(f), 0, "execution has not taken what strategy made of them");
    put_signal(f, 2);
    pw_consumer_done(&execution, 4);
    cr_expect_eq(poll_once(f), 5);
    cr_expect_str_eq(written(f), "mmmsm");
    pw_consumer_done(&strategy, 2); /* strategy made nothing of the other two */
    poll_once(f);
    poll_once(f);
    cr_expect_str_eq(written(f), "mmmsmmm");
    free(rings[0]);
    free(rings[1]);
    fixture_free(f);
}

/* cases/17-order-events-behind-their-market: not after a time, nor when the ring is full. */
Test(order, market_events_wait_for_what_they_cause_however_long_that_takes)
{
    struct fixture *f = fixture_new(0);
    struct pw_producer to_strategy, to_execution;
    struct pw_consumer strategy, execution;
    void *rings[2] = {ring_new(0, &to_strategy, &strategy), ring_new(0, &to_execution, &execution)};
    f->input.strategy_in[0] = rings[0];
    f->input.strategy_in_cnt = 1;
    f->input.execution_in = rings[1];
    put_market(f, SLOTS);
    put(&to_execution, (struct pw_event){.kind = PW_EVENT_QUOTE});
    pw_consumer_done(&strategy, SLOTS);
    for (int i = 0; i < 1000; i++) {
        f->now_ns += INTERVAL;
        cr_assert_eq(poll_once(f), 0);
        cr_assert_leq(pw_writer_next_ns(f->writer, &f->input), f->now_ns + MS);
    }
    cr_expect_geq(pw_writer_lag_ns(f->writer, &f->input, f->now_ns), 999 * INTERVAL);
    put_signal(f, 0);
    pw_consumer_done(&execution, 1);
    cr_expect_eq(poll_once(f), 1 + SLOTS);
    cr_expect_str_eq(strndup(written(f), 4), "msmm");
    free(rings[0]);
    free(rings[1]);
    fixture_free(f);
}

Test(order, nothing_is_held_back_at_the_end)
{
    struct fixture *f = fixture_new(0);
    struct pw_producer to_strategy, to_execution;
    struct pw_consumer strategy, execution;
    void *rings[2] = {ring_new(0, &to_strategy, &strategy), ring_new(0, &to_execution, &execution)};
    f->input.strategy_in[0] = rings[0];
    f->input.strategy_in_cnt = 1;
    f->input.execution_in = rings[1];
    put_market(f, 3);
    cr_expect_eq(poll_once(f), 0);
    pw_writer_release(f->writer);
    cr_expect_eq(poll_once(f), 3);
    free(rings[0]);
    free(rings[1]);
    fixture_free(f);
}

Test(order, without_a_market_ring_orders_go_out_at_once)
{
    struct fixture *f = fixture_new(0);
    f->input.market = NULL;
    put_signal(f, 100);
    cr_expect_eq(poll_once(f), 1);
    cr_expect_str_eq(written(f), "s");
    fixture_free(f);
}

/* ---- commits ---- */

Test(commit, happens_once_an_interval)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 1);
    poll_once(f);
    cr_expect_eq(f->memory.commit_cnt, 1); /* the last one was long ago */
    for (int i = 1; i < 10; i++) {
        put_market(f, 1);
        f->now_ns += INTERVAL / 10;
        poll_once(f);
        cr_expect_eq(f->memory.commit_cnt, 1);
        cr_expect(pw_writer_dirty(f->writer));
    }
    f->now_ns += INTERVAL / 10;
    cr_expect_eq(pw_writer_next_ns(f->writer, &f->input), f->now_ns);
    poll_once(f);
    cr_expect_eq(f->memory.commit_cnt, 2);
    cr_expect_not(pw_writer_dirty(f->writer));
    cr_expect_eq(pw_writer_next_ns(f->writer, &f->input), INT64_MAX);
    cr_expect_eq(pw_writer_stats(f->writer)->event_cnt, 10);
    f->now_ns += 10 * INTERVAL;
    poll_once(f);
    cr_expect_eq(f->memory.commit_cnt, 2, "nothing new, nothing to commit");
    fixture_free(f);
}

Test(commit, what_was_held_back_is_durable_within_the_interval)
{
    struct fixture *f = fixture_new(2 * MS);
    for (int i = 0; i < 1000; i++) { /* steps of 1 ms; commits at their own pace */
        put_market(f, 1);
        poll_once(f);
        f->now_ns += MS;
        uint64_t durable = pw_writer_stats(f->writer)->event_cnt;
        cr_assert_leq(f->market_seq - durable, 100 + 1);
    }
    fixture_free(f);
}

Test(commit, full_buffers_force_one)
{
    struct fixture *f = fixture_new(0);
    for (uint32_t round = 0; f->memory.commit_cnt < 4; round++) {
        cr_assert_lt(round, 10000);
        for (uint32_t i = 0; i < 512; i++) {
            struct pw_event event = {.kind = PW_EVENT_QUOTE, .seq = f->market_seq++};
            for (int k = 0; k < 5; k++) {
                event.body.words[k] = (f->market_seq + UINT64_C(77)) * UINT64_C(0x9e3779b97f4a7c15) << k;
            }
            put(&f->market, event);
        }
        poll_once(f);
    }
    cr_expect_gt(pw_writer_stats(f->writer)->stored_bytes,
                 2 * PW_WRITER_BLOCKS * (PW_WRITER_BLOCK_BYTES - 1024));
    cr_expect_eq(pw_writer_commit(f->writer, f->now_ns), 0);
    cr_expect_eq(memory_store_events(&f->memory, PW_BLOCK_EVENTS, NULL, 0), f->market_seq);
    fixture_free(f);
}

Test(commit, stored_bytes_count_each_block_once)
{
    struct fixture *f = fixture_new(0);
    for (int i = 0; i < 200; i++) {
        put_market(f, 200);
        poll_once(f);
        f->now_ns += INTERVAL;
    }
    cr_expect_eq(pw_writer_commit(f->writer, f->now_ns), 0);
    uint64_t bytes = 0;
    for (int i = 0; i < 100; i++) {
        bytes += f->memory.kept[0][i].size;
    }
    cr_expect_eq(pw_writer_stats(f->writer)->stored_bytes, bytes);
    cr_expect_gt(f->memory.put_cnt, 150);
    fixture_free(f);
}

/* ---- faults ---- */

Test(fault, failed_commit_is_final)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 3);
    f->memory.commit_error = -EIO;
    f->memory.error_cnt = 1; /* the next one would succeed, and would be a lie */
    poll_once(f);
    cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_FAILED);
    cr_expect_eq(pw_writer_error(f->writer), -EIO);
    put_market(f, 3);
    put_signal(f, 0);
    for (int i = 0; i < 100; i++) {
        f->now_ns += INTERVAL;
        cr_expect_eq(poll_once(f), 0);
        cr_expect_eq(pw_writer_commit(f->writer, f->now_ns), -EIO);
    }
    cr_expect_eq(f->memory.commit_cnt, 1);
    cr_expect_eq(f->memory.rotate_cnt, 0);
    cr_expect_eq(pw_consumer_peek(&f->orders_end, 10), 1, "the ring shows execution that nothing is kept");
    cr_expect_eq(pw_writer_next_ns(f->writer, &f->input), INT64_MAX);
    cr_expect_eq(pw_writer_stats(f->writer)->event_cnt, 0);
    fixture_free(f);
}

Test(fault, full_segment_is_followed_by_the_next)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 10);
    f->memory.put_error = -EAGAIN;
    f->memory.error_cnt = 1;
    poll_once(f);
    cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_OK);
    cr_expect_eq(f->memory.rotate_cnt, 1);
    cr_expect_str_eq(written(f), "mmmmmmmmmm");
    f->memory.put_error = 0;
    f->memory.commit_error = -EAGAIN; /* it may also show at the commit */
    f->memory.error_cnt = 1;
    put_market(f, 2);
    f->now_ns += INTERVAL;
    poll_once(f);
    cr_expect_eq(f->memory.rotate_cnt, 2);
    cr_expect_str_eq(written(f), "mmmmmmmmmmmm");
    fixture_free(f);
}

Test(fault, commit_that_fits_no_segment_is_a_failure)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 10);
    f->memory.put_error = -EAGAIN;
    f->memory.error_cnt = 2;
    poll_once(f);
    cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_FAILED);
    cr_expect_eq(pw_writer_error(f->writer), -EFBIG);
    fixture_free(f);
}

Test(fault, full_disk_stops_storing_until_there_is_room)
{
    struct fixture *f = fixture_new(0);
    put_market(f, 5);
    poll_once(f);
    put_market(f, 5);
    f->now_ns += INTERVAL;
    f->memory.commit_error = -ENOSPC;
    f->memory.rotate_error = -ENOSPC;
    f->memory.error_cnt = 3; /* the commit and two tries */
    poll_once(f);
    cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_FULL);
    put_market(f, 5);
    cr_expect_eq(poll_once(f), 5, "there is memory");
    for (int i = 0; i < 2; i++) {
        int64_t retry_ns = pw_writer_next_ns(f->writer, &f->input);
        cr_expect_eq(retry_ns, f->now_ns + PW_WRITER_RETRY_NS);
        f->now_ns = retry_ns - 1;
        cr_expect_eq(poll_once(f), 0);
        cr_expect_eq(f->memory.rotate_cnt, i);
        f->now_ns = retry_ns;
        cr_expect_eq(poll_once(f), 0);
        cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_FULL);
    }
    f->now_ns += PW_WRITER_RETRY_NS;
    poll_once(f);
    cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_OK);
    poll_once(f);
    cr_expect_str_eq(written(f), "mmmmmmmmmmmmmmm");
    fixture_free(f);
}

/* ---- frames ---- */

Test(frames, are_kept_apart_and_long_ones_are_counted)
{
    struct fixture *f = fixture_new(0);
    static const uint32_t sizes[] = {10, 0, 4096, 4097, 1};
    put_market(f, 2);
    for (uint32_t i = 0; i < 5; i++) {
        uint8_t *payload = sizes[i] ? pw_producer_payload_claim(&f->frames, sizes[i]) : NULL;
        if (payload) {
            memset(payload, 'a' + (int)i, sizes[i]);
        }
        struct pw_event event = {.kind = PW_EVENT_FRAME, .seq = i};
        pw_producer_put_frame(&f->frames, &event, sizes[i]);
        pw_producer_publish(&f->frames);
    }
    cr_expect_eq(poll_once(f), 7);
    cr_expect_str_eq(written(f), "mm");
    struct pw_event events[8];
    cr_assert_eq(memory_store_events(&f->memory, PW_BLOCK_FRAMES, events, 8), 4);
    cr_expect_eq(events[2].body.frame.payload_bytes, 4096);
    cr_expect_eq(events[3].seq, 4);
    cr_expect_eq(pw_writer_stats(f->writer)->dropped_cnt, 1);
    fixture_free(f);
}

static void put_wire(struct fixture *f, const char *text, size_t bytes, bool sent, uint64_t client_order_id)
{
    uint8_t *payload = bytes ? pw_producer_payload_claim(&f->wire, (uint32_t)bytes) : NULL;
    struct pw_event event = {.kind = PW_EVENT_FRAME,
                             .flags = sent ? PW_FLAG_SENT : 0,
                             .recv_ns = 7,
                             .body.frame = {.feed_idx = 1, .client_order_id = client_order_id}};
    cr_assert(bytes == 0 || payload);
    cr_assert_geq(pw_producer_room(&f->wire, 1), 1);
    if (bytes) {
        memcpy(payload, text, bytes);
    }
    pw_producer_put_frame(&f->wire, &event, (uint32_t)bytes);
    pw_producer_publish(&f->wire);
}

Test(frames, of_order_entry_keep_their_order_and_direction)
{
    struct fixture *f = fixture_new(0);
    struct pw_event events[4];
    put_wire(f, "request", 7, true, 77);
    put_wire(f, "answer", 6, false, 0);
    put_wire(f, "", 0, false, 0); /* a notice */
    put_wire(f, "request 2", 9, true, 78);
    cr_expect_eq(poll_once(f), 4);
    cr_assert_eq(pw_writer_commit(f->writer, f->now_ns), 0);
    cr_assert_eq(memory_store_events(&f->memory, PW_BLOCK_FRAMES, events, 4), 4);
    static const uint32_t sizes[] = {7, 6, 0, 9};
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(events[i].body.frame.payload_bytes, sizes[i]);
        cr_expect_eq(events[i].flags, i % 3 == 0 ? PW_FLAG_SENT : 0);
        cr_expect_eq(events[i].recv_ns, 7);
    }
    cr_expect_eq(events[0].body.frame.client_order_id, 77);
    cr_expect_eq(events[3].body.frame.client_order_id, 78);
    fixture_free(f);
}

/* Frames blocks have room for the longest frame, but what is stored anew with each commit must stay small. */
Test(frames, a_block_is_closed_long_before_it_is_full)
{
    struct fixture *f = fixture_new(0);
    static char text[4096];
    pw_writer_free(f->writer);
    f->writer = pw_writer_new(&(struct pw_writer_config){.store = &f->store,
                                                         .run_id = 1,
                                                         .clock = {.now_ns = frozen},
                                                         .commit_interval_ns = INTERVAL,
                                                         .frame_bytes_max = 2 << 20});
    for (int i = 0; i < 200; i++) {
        put_wire(f, text, sizeof text, false, 0);
        poll_once(f);
    }
    cr_assert_eq(pw_writer_commit(f->writer, f->now_ns), 0);
    cr_expect_lt(f->memory.kept[PW_BLOCK_FRAMES - 1][0].size, 300000);
    cr_expect_not_null(f->memory.kept[PW_BLOCK_FRAMES - 1][2].bytes);
    fixture_free(f);
}

/* ---- a commit that takes its time ---- */

/* A store whose commits end when the test says so. */
struct gate {
    struct memory_store memory;
    struct pw_store inner, store;
    sem_t open;
};

static int gate_put(void *state, enum pw_block_type type, uint64_t block_no, const void *block, size_t bytes)
{
    struct gate *gate = state;
    return gate->inner.put(gate->inner.state, type, block_no, block, bytes);
}

static int gate_commit(void *state, uint64_t skipped_cnt)
{
    struct gate *gate = state;
    while (sem_wait(&gate->open) != 0) {
    }
    return gate->inner.commit(gate->inner.state, skipped_cnt);
}

static int gate_rotate(void *state)
{
    struct gate *gate = state;
    return gate->inner.rotate(gate->inner.state);
}

/* A writer that commits on a thread of its own, through a gate. */
static struct fixture *gated_new(struct gate *gate, uint32_t block_cnt)
{
    struct fixture *f = fixture_new(0);
    *gate = (struct gate){
        .store = {.state = gate, .put = gate_put, .commit = gate_commit, .rotate = gate_rotate}};
    gate->inner = memory_store_of(&gate->memory);
    sem_init(&gate->open, 0, 0);
    pw_writer_free(f->writer);
    f->writer = pw_writer_new(&(struct pw_writer_config){.store = &gate->store,
                                                         .run_id = 1,
                                                         .clock = {.now_ns = frozen},
                                                         .commit_interval_ns = INTERVAL,
                                                         .block_cnt = block_cnt,
                                                         .frame_bytes_max = 4096});
    cr_assert_eq(pw_writer_start(f->writer), 0);
    return f;
}

static void gated_free(struct fixture *f, struct gate *gate)
{
    fixture_free(f);
    memory_store_free(&gate->memory);
    sem_destroy(&gate->open);
}

static uint64_t ended_cnt(const struct fixture *f)
{
    return pw_writer_stats(f->writer)->commit_cnt + pw_writer_stats(f->writer)->commit_error_cnt;
}

/* Lets one commit end, and waits until the writer knows it. */
static void let_one_end(struct fixture *f, struct gate *gate)
{
    uint64_t before = ended_cnt(f);
    sem_post(&gate->open);
    while (ended_cnt(f) == before) {
        sched_yield();
        poll_once(f);
    }
}

static void put_quote(struct fixture *f)
{
    uint64_t i = f->market_seq;
    put(&f->market, (struct pw_event){.kind = PW_EVENT_QUOTE,
                                      .seq = f->market_seq++,
                                      .recv_ns = f->now_ns,
                                      .body.quote = {61000 + i % 7, 1 + i % 5, 61010 + i % 7, 2 + i % 3, i}});
}

/* cases/14-slow-disk-loses-more-than-the-interval: 100 events each millisecond, and a sync of that length.
 * Time is the test's: what is not durable is at most what came during one commit and while the one before it
 * was under way. */
static void expect_two_commits_of_lag(int64_t sync_ms)
{
    static struct gate gate;
    struct fixture *f = gated_new(&gate, PW_WRITER_BLOCKS_MAX);
    int64_t begun_ns = 0, took_ms = sync_ms > INTERVAL / MS ? sync_ms : INTERVAL / MS;
    for (int64_t ms = 0; ms < 6 * took_ms; ms++) {
        for (int i = 0; i < 100; i++) {
            put_quote(f);
        }
        if (ms % 10 == 0) {
            put_signal(f, f->market_seq - 1);
        }
        poll_once(f);
        begun_ns = pw_writer_commits(f->writer) && begun_ns == 0 ? f->now_ns : begun_ns;
        f->now_ns += MS;
        if (begun_ns != 0 && f->now_ns - begun_ns >= sync_ms * MS) {
            let_one_end(f, &gate);
            begun_ns = pw_writer_commits(f->writer) ? f->now_ns : 0;
        }
        cr_assert(pw_writer_takes(f->writer), "%" PRId64 " ms", sync_ms);
        cr_assert_leq(pw_writer_lag_ns(f->writer, &f->input, f->now_ns), (2 * took_ms + 20) * MS,
                      "%" PRId64 " ms", sync_ms);
        uint64_t put_cnt = f->market_seq + (uint64_t)ms / 10 + 1;
        cr_assert_leq(put_cnt - pw_writer_stats(f->writer)->event_cnt, (uint64_t)(2 * took_ms + 20) * 101,
                      "%" PRId64 " ms", sync_ms);
    }
    cr_expect_gt(pw_writer_stats(f->writer)->commit_cnt, 2);
    cr_expect_eq(pw_writer_stats(f->writer)->dropped_cnt, 0);
    for (int i = 0; i < 2; i++) { /* the one under way, and the last */
        sem_post(&gate.open);
    }
    cr_assert_eq(pw_writer_commit(f->writer, f->now_ns), 0);
    cr_expect_eq(memory_store_events(&gate.memory, PW_BLOCK_EVENTS, NULL, 0),
                 f->market_seq + (uint64_t)(6 * took_ms + 9) / 10);
    gated_free(f, &gate);
}

Test(slow, sync_of_any_length_costs_two_commits_of_lag)
{
    static const int64_t lengths_ms[] = {0, 1, 30, 99, 100, 101, 250, 800, 3000};
    for (size_t i = 0; i < sizeof lengths_ms / sizeof *lengths_ms; i++) {
        expect_two_commits_of_lag(lengths_ms[i]);
    }
}

/* Memory is bounded: then the ring, whose producer has its policy. Nothing is lost, and orders keep their
 * place. */
Test(slow, memory_runs_full_and_empties_again)
{
    static struct gate gate;
    struct fixture *f = gated_new(&gate, 4);
    uint64_t orders = 0;
    while (pw_writer_takes(f->writer)) {
        for (int i = 0; i < 100; i++) {
            put_quote(f);
        }
        put_signal(f, f->market_seq - 1);
        orders++;
        poll_once(f);
        f->now_ns += MS;
        cr_assert_lt(f->market_seq, 1000000);
    }
    cr_expect_gt(f->market_seq, 4 * 32760 / 64, "four blocks hold more than so many");
    cr_expect(pw_writer_commits(f->writer));
    cr_expect_eq(poll_once(f), 0);
    cr_expect_eq(pw_writer_next_ns(f->writer, &f->input), INT64_MAX, "it does not spin");
    uint64_t waits = pw_consumer_peek(&f->market_end, SLOTS);
    let_one_end(f, &gate); /* the first, of the first few events */
    let_one_end(f, &gate);
    cr_expect_lt(pw_consumer_peek(&f->market_end, SLOTS), waits);
    for (int i = 0; i < 3; i++) {
        sem_post(&gate.open);
    }
    while (pw_consumer_peek(&f->market_end, 1) || pw_consumer_peek(&f->orders_end, 1)) {
        poll_once(f);
    }
    cr_assert_eq(pw_writer_commit(f->writer, f->now_ns), 0);
    struct pw_event *events = calloc(f->market_seq + orders, sizeof *events);
    cr_assert_eq(memory_store_events(&gate.memory, PW_BLOCK_EVENTS, events, f->market_seq + orders),
                 f->market_seq + orders);
    for (uint64_t i = 0, market = 0; i < f->market_seq + orders; i++) {
        if (events[i].kind == PW_EVENT_SIGNAL) {
            cr_assert_eq(events[i].body.signal.market_seq + 1, market);
        } else {
            cr_assert_eq(events[i].seq, market++);
        }
    }
    free(events);
    gated_free(f, &gate);
}

/* What grows while a commit that will fail is under way is stored by the next one, each event once. */
Test(slow, full_disk_loses_nothing_that_came_meanwhile)
{
    static struct gate gate;
    struct fixture *f = gated_new(&gate, 8);
    gate.memory.commit_error = gate.memory.rotate_error = -ENOSPC;
    gate.memory.error_cnt = 3;
    for (int ms = 0; ms < 20000; ms++) {
        put_quote(f);
        poll_once(f);
        f->now_ns += MS;
        if (ms % 150 == 0 && pw_writer_commits(f->writer)) {
            let_one_end(f, &gate);
        }
        while (gate.memory.error_cnt == 2 && ms > 5000) { /* the tries in vain end at the rotation */
            gate.memory.error_cnt = 0;
        }
    }
    for (int i = 0; i < 2; i++) {
        sem_post(&gate.open);
    }
    cr_assert_eq(pw_writer_commit(f->writer, f->now_ns + PW_WRITER_RETRY_NS), 0);
    cr_expect_eq(pw_writer_stats(f->writer)->full_cnt, 1);
    cr_expect_gt(pw_writer_stats(f->writer)->commit_error_cnt, 0);
    cr_expect_eq(memory_store_events(&gate.memory, PW_BLOCK_EVENTS, NULL, 0), f->market_seq);
    cr_expect_eq(pw_writer_stats(f->writer)->event_cnt, f->market_seq);
    gated_free(f, &gate);
}

Test(slow, failed_commit_is_final_on_its_thread_too)
{
    static struct gate gate;
    struct fixture *f = gated_new(&gate, 4);
    gate.memory.commit_error = -EIO;
    gate.memory.error_cnt = 1;
    put_market(f, 3);
    poll_once(f);
    put_market(f, 3);
    cr_expect_eq(poll_once(f), 3, "it does not wait for the disk");
    let_one_end(f, &gate);
    cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_FAILED);
    cr_expect_not(pw_writer_takes(f->writer));
    cr_expect_eq(pw_writer_commit(f->writer, f->now_ns + INTERVAL), -EIO);
    cr_expect_eq(gate.memory.commit_cnt, 1, "never again");
    gated_free(f, &gate);
}

/* cases/15-disk-full-until-the-end: how much is missing, by what it is. */
Test(loss, counts_what_is_not_durable_wherever_it_is)
{
    struct fixture *f = fixture_new(0);
    struct pw_journal_loss loss;
    put_market(f, 2);
    poll_once(f);
    pw_writer_loss(f->writer, &f->input, &loss);
    cr_expect_eq(loss.market_cnt + loss.order_cnt + loss.fill_cnt + loss.other_cnt + loss.dropped_cnt, 0);
    f->memory.commit_error = f->memory.rotate_error = -ENOSPC;
    f->memory.error_cnt = 1000;
    f->now_ns += INTERVAL;
    for (int i = 0; i < 2; i++) { /* once into memory, once into the rings */
        put_market(f, 3);
        put(&f->market, gap(f->market_seq, f->market_seq + 9));
        pw_count(&f->market.ring->dropped_cnt, 10);
        f->market_seq += 10;
        put(&f->orders, (struct pw_event){.kind = PW_EVENT_ORDER,
                                          .body.order = {.market_seq = 1, .state = PW_ORDER_IN_FLIGHT}});
        put(&f->orders, (struct pw_event){.kind = PW_EVENT_ORDER,
                                          .body.order = {.market_seq = 1, .state = PW_ORDER_FILLED}});
        put(&f->orders, (struct pw_event){.kind = PW_EVENT_FILL});
        put(&f->orders, (struct pw_event){.kind = PW_EVENT_FILL});
        if (i == 0) {
            cr_expect_gt(poll_once(f), 0);
        }
        cr_expect_eq(pw_writer_state(f->writer), PW_WRITER_FULL);
    }
    pw_count(&f->market.ring->dropped_cnt, 5); /* no room for a gap yet */
    pw_writer_loss(f->writer, &f->input, &loss);
    cr_expect_eq(loss.dropped_cnt, 0, "a gap that is not stored tells nobody");
    cr_expect_eq(loss.market_cnt, 2 * 13 + 5);
    cr_expect_eq(loss.order_cnt, 2);
    cr_expect_eq(loss.fill_cnt, 4);
    cr_expect_eq(loss.other_cnt, 2);
    f->memory.error_cnt = 0;
    poll_once(f);
    cr_assert_eq(pw_writer_commit(f->writer, f->now_ns + PW_WRITER_RETRY_NS), 0);
    pw_writer_loss(f->writer, &f->input, &loss);
    cr_expect_eq(loss.dropped_cnt, 20);
    cr_expect_eq(loss.market_cnt, 5);
    cr_expect_eq(loss.order_cnt + loss.fill_cnt + loss.other_cnt, 0);
    fixture_free(f);
}

/* ---- the order, whatever the threads' timing ---- */

/* Parse, strategy and execution as the writer sees them: rings, and what they publish in which order. */
struct actors {
    struct fixture *f;
    struct pw_market_journal journal;
    struct pw_producer to_strategy, to_execution;
    struct pw_consumer strategy, execution;
    void *rings[2];
    uint64_t parsed, taken, known; /* by parse, strategy, execution */
    uint64_t orders, reports;
    uint64_t seed;
};

static uint64_t chance(struct actors *a, uint64_t of)
{
    struct pw_random random = pw_random_seeded(&a->seed);
    return pw_random_next(&random) % of;
}

/* Every third is depth, which execution is not shown. */
static struct pw_event market_event(uint64_t seq)
{
    struct pw_event event = {.kind = seq % 3 ? PW_EVENT_QUOTE : PW_EVENT_DEPTH, .seq = (uint32_t)seq};
    event.flags = seq % 3 ? 0 : PW_FLAG_LAST;
    return event;
}

static void act_parse(struct actors *a)
{
    for (uint64_t n = chance(a, 80); n > 0 && pw_producer_room(&a->to_strategy, 1) >= 1; n--) {
        struct pw_event event = market_event(a->parsed);
        pw_producer_put(&a->to_strategy, &event);
        pw_market_journal_put(&a->journal, &event, a->parsed++);
    }
    pw_producer_publish(&a->to_strategy);
    if (chance(a, 4)) { /* else it is held up between the two */
        pw_producer_publish(&a->journal.ring);
        pw_market_journal_quiet(&a->journal, a->f->now_ns);
    }
}

static void act_strategy(struct actors *a)
{
    uint64_t there = pw_consumer_peek(&a->strategy, 64), taken = 0;
    while (taken < there && pw_producer_room(&a->to_execution, 3) >= 3) {
        const struct pw_event *event = pw_consumer_at(&a->strategy, taken++);
        a->taken++;
        if (pw_event_is_for_execution(event)) {
            pw_producer_put(&a->to_execution, event);
        }
        if (chance(a, 20) == 0) {
            pw_producer_put(&a->to_execution, &(struct pw_event){.kind = PW_EVENT_SIGNAL,
                                                                 .body.signal.market_seq = a->taken - 1});
        }
    }
    if (chance(a, 8) == 0 && pw_producer_room(&a->to_execution, 1) >= 1) {
        pw_producer_put(&a->to_execution,
                        &(struct pw_event){.kind = PW_EVENT_CONSUMED,
                                           .body.consumed = {.report_seq = 1, .market_seq = a->taken}});
    }
    pw_producer_publish(&a->to_execution);
    if (taken > 0) {
        pw_consumer_done(&a->strategy, taken);
    }
}

static bool record(struct actors *a, struct pw_event event)
{
    if (pw_producer_room(&a->f->orders, 2) < 2) {
        return false;
    }
    event.seq = (uint32_t)a->orders++;
    pw_producer_put(&a->f->orders, &event);
    return true;
}

static void act_execution(struct actors *a)
{
    if (chance(a, 3) == 0) { /* a report of its own */
        record(a, (struct pw_event){.kind = PW_EVENT_ORDER,
                                    .body.order.market_seq = a->known ? a->known - 1 : 0});
    }
    uint64_t there = pw_consumer_peek(&a->execution, 64), taken = 0;
    for (; taken < there; taken++) {
        const struct pw_event *event = pw_consumer_at(&a->execution, taken);
        uint64_t named = event->kind == PW_EVENT_SIGNAL     ? event->body.signal.market_seq + 1
                         : event->kind == PW_EVENT_CONSUMED ? event->body.consumed.market_seq
                                                            : event->seq + UINT64_C(1);
        bool is_market = event->kind != PW_EVENT_SIGNAL && event->kind != PW_EVENT_CONSUMED;
        if (!is_market && !record(a, *event)) {
            break;
        }
        a->known = named > a->known ? named : a->known;
    }
    pw_producer_publish(&a->f->orders);
    if (taken > 0) {
        pw_consumer_done(&a->execution, taken);
    }
}

static void expect_order(struct actors *a)
{
    uint64_t cap = a->parsed + a->orders + 10000, gone_by = 0, shown = 0, orders = 0;
    struct pw_event *events = calloc(cap, sizeof *events);
    uint64_t cnt = memory_store_events(&a->f->memory, PW_BLOCK_EVENTS, events, cap);
    for (uint64_t i = 0; i < cnt; i++) {
        const struct pw_event *event = &events[i];
        if (pw_event_is_market(event)) {
            bool is_gap = event->kind == PW_EVENT_GAP;
            cr_assert_eq(is_gap ? event->body.gap.first : event->seq, gone_by, "event %" PRIu64, i);
            gone_by = pw_market_seq_after(gone_by, event);
            shown = pw_event_is_for_execution(event) ? gone_by : shown;
            continue;
        }
        uint64_t named = pw_event_made_after(event);
        cr_assert_eq(event->seq, orders++, "event %" PRIu64, i);
        cr_assert(named <= gone_by || (named == 1 && gone_by == 0), "event %" PRIu64 " is early", i);
        cr_assert(named == 0 || named >= shown, "event %" PRIu64 " is late", i);
    }
    cr_expect_eq(gone_by, a->parsed);
    cr_expect_eq(orders, a->orders);
    free(events);
}

static void run_actors(uint64_t seed)
{
    static void (*const acts[])(struct actors *) = {act_parse, act_strategy, act_execution};
    struct actors a = {.f = fixture_new(0), .seed = seed};
    a.rings[0] = ring_new(0, &a.to_strategy, &a.strategy);
    a.rings[1] = ring_new(0, &a.to_execution, &a.execution);
    a.journal = (struct pw_market_journal){.ring = a.f->market, .present = true};
    a.f->input.strategy_in[0] = a.rings[0];
    a.f->input.strategy_in_cnt = 1;
    a.f->input.execution_in = a.rings[1];
    for (int turn = 0; turn < 1500; turn++) {
        uint64_t who = chance(&a, 4),
                 times = chance(&a, 40) == 0 ? 40 : 1; /* now and then the others starve */
        for (; times > 0; times--) {
            if (who < 3) {
                acts[who](&a);
            } else {
                poll_once(a.f);
            }
            a.f->now_ns += (int64_t)chance(&a, 20) * MS;
        }
    }
    for (int turn = 0; turn < 200; turn++) { /* the end: all that is on its way */
        act_strategy(&a);
        act_execution(&a);
        pw_producer_publish(&a.journal.ring);
        pw_market_journal_quiet(&a.journal, a.f->now_ns);
        a.f->now_ns += INTERVAL;
        poll_once(a.f);
    }
    cr_assert_eq(pw_writer_commit(a.f->writer, a.f->now_ns), 0);
    expect_order(&a);
    free(a.rings[0]);
    free(a.rings[1]);
    fixture_free(a.f);
}

/* cases/17-order-events-behind-their-market: random interleavings of all that fill the two rings. */
Test(order, holds_whatever_the_timing)
{
    uint64_t seed = (uint64_t)pw_clock_read_ns(CLOCK_REALTIME);
    for (int i = 0; i < 60; i++) {
        fprintf(stderr, "seed %" PRIu64 "\n", seed + (uint64_t)i * 1000003);
        run_actors(seed + (uint64_t)i * 1000003);
    }
}
