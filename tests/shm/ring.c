/* SPDX-License-Identifier: MIT
 *
 * The ring, from one thread: room, wrap, payloads, taps, and headers that somebody else wrote.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pinwheel/ring.h>
#include <stdlib.h>

#define SLOTS PW_RING_SLOTS_MIN

struct bench {
    struct pw_ring *ring;
    size_t bytes;
    struct pw_producer producer;
    struct pw_consumer consumer;
};

static struct bench bench_make(uint32_t slot_cnt, uint64_t payload_bytes, uint64_t first_pos)
{
    struct bench bench = {.bytes = pw_ring_bytes(slot_cnt, payload_bytes)};
    bench.ring = aligned_alloc(PW_CACHE_LINE, bench.bytes);
    cr_assert_not_null(bench.ring);
    memset(bench.ring, 0, bench.bytes);
    cr_assert_eq(pw_ring_format(bench.ring, slot_cnt, payload_bytes, PW_RING_STALL), 0);
    bench.ring->head = first_pos;
    bench.ring->tail = first_pos;
    pw_producer_attach(&bench.producer, bench.ring);
    pw_consumer_attach(&bench.consumer, bench.ring);
    return bench;
}

/* Every word of the event of a position follows from it. */
static struct pw_event event_of(uint64_t pos)
{
    uint64_t words[8];
    struct pw_event event;
    for (uint64_t i = 0; i < 8; i++) {
        words[i] = pos * UINT64_C(0x9e3779b97f4a7c15) + i;
    }
    memcpy(&event, words, sizeof event);
    return event;
}

static bool event_is(const struct pw_event *event, uint64_t pos)
{
    struct pw_event want = event_of(pos);
    return memcmp(event, &want, sizeof want) == 0;
}

static void put(struct bench *bench, uint64_t cnt)
{
    for (uint64_t i = 0; i < cnt; i++) {
        struct pw_event event = event_of(bench->producer.head);
        cr_assert_geq(pw_producer_room(&bench->producer, 1), 1u);
        pw_producer_put(&bench->producer, &event);
    }
    pw_producer_publish(&bench->producer);
}

static void take(struct bench *bench, uint64_t cnt)
{
    while (cnt > 0) {
        uint64_t there = pw_consumer_peek(&bench->consumer, cnt);
        cr_assert_gt(there, 0u);
        for (uint64_t i = 0; i < there; i++) {
            cr_assert(event_is(pw_consumer_at(&bench->consumer, i), bench->consumer.tail + i));
        }
        pw_consumer_done(&bench->consumer, there);
        cnt -= there;
    }
}

Test(ring, sizes_that_are_no_power_of_two_or_out_of_bounds_need_no_bytes)
{
    cr_assert_eq(pw_ring_bytes(0, 0), 0u);
    cr_assert_eq(pw_ring_bytes(PW_RING_SLOTS_MIN / 2, 0), 0u);
    cr_assert_eq(pw_ring_bytes(PW_RING_SLOTS_MIN + 1, 0), 0u);
    cr_assert_eq(pw_ring_bytes(PW_RING_SLOTS_MAX * 2, 0), 0u);
    cr_assert_eq(pw_ring_bytes(64, 2048), 0u);
    cr_assert_eq(pw_ring_bytes(64, 4097), 0u);
    cr_assert_gt(pw_ring_bytes(PW_RING_SLOTS_MAX, 0), (uint64_t)PW_RING_SLOTS_MAX * sizeof(struct pw_event));
    struct pw_ring ring = {0};
    cr_assert_eq(pw_ring_format(&ring, 100, 0, PW_RING_STALL), -EINVAL);
}

Test(ring, unpublished_events_are_not_seen)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    struct pw_event event = event_of(0);
    pw_producer_put(&bench.producer, &event);
    cr_assert_eq(pw_consumer_peek(&bench.consumer, 8), 0u);
    pw_producer_publish(&bench.producer);
    cr_assert_eq(pw_consumer_peek(&bench.consumer, 8), 1u);
    take(&bench, 1);
    cr_assert_eq(pw_consumer_peek(&bench.consumer, 8), 0u);
}

Test(ring, full_ring_frees_one_slot)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    put(&bench, SLOTS);
    cr_assert_eq(pw_producer_room(&bench.producer, 1), 0u);
    take(&bench, 1);
    cr_assert_eq(pw_producer_room(&bench.producer, 1), 1u);
    put(&bench, 1);
    cr_assert_eq(pw_producer_room(&bench.producer, 1), 0u);
    take(&bench, SLOTS);
    cr_assert_eq(pw_producer_room(&bench.producer, SLOTS), SLOTS);
    cr_assert_eq(pw_ring_high_water(bench.ring), SLOTS);
}

Test(ring, high_water_is_what_either_end_has_seen)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    put(&bench, 10);
    cr_assert_eq(pw_ring_high_water(bench.ring), 0u, "nobody has looked yet");
    take(&bench, 10);
    cr_assert_eq(pw_ring_high_water(bench.ring), 10u);
    put(&bench, 3);
    take(&bench, 3);
    cr_assert_eq(pw_ring_high_water(bench.ring), 10u);
    put(&bench, SLOTS);
    cr_assert_eq(pw_producer_room(&bench.producer, 1), 0u);
    cr_assert_eq(pw_ring_high_water(bench.ring), SLOTS);
}

Test(ring, peek_gives_at_most_what_is_asked)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    put(&bench, 10);
    cr_assert_eq(pw_consumer_peek(&bench.consumer, 3), 3u);
    cr_assert_eq(pw_consumer_peek(&bench.consumer, 30), 10u);
    take(&bench, 10);
}

Test(ring, counters_pass_2_to_the_64)
{
    uint64_t first = UINT64_MAX - SLOTS / 2;
    struct bench bench = bench_make(SLOTS, 0, first);
    struct pw_tap tap;
    pw_tap_attach(&tap, bench.ring, true);
    for (int i = 0; i < 200; i++) {
        put(&bench, 7);
        for (int k = 0; k < 7; k++) {
            struct pw_event event;
            uint64_t pos = tap.next;
            cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_EVENT);
            cr_assert(event_is(&event, pos));
        }
        take(&bench, 7);
    }
    cr_assert_lt(bench.ring->head, UINT64_C(2000), "the head is past the wrap");
    cr_assert_eq(tap.missed_cnt, 0u);
}

Test(ring, tap_finds_overruns_at_every_counter_near_2_to_the_64)
{
    for (uint64_t first = UINT64_MAX - 2 * SLOTS; first != 2; first++) {
        struct bench bench = bench_make(SLOTS, 0, first);
        struct pw_tap tap;
        pw_tap_attach(&tap, bench.ring, true);
        put(&bench, SLOTS);
        take(&bench, SLOTS);
        struct pw_event event = event_of(bench.producer.head);
        pw_producer_room(&bench.producer, 1);
        pw_producer_put(&bench.producer, &event); /* over the tap's next event; not published */
        cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_MISSED, "first position %llx",
                     (unsigned long long)first);
        cr_assert_geq(tap.missed_cnt, 1u);
        uint64_t next = tap.next;
        cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_EVENT);
        cr_assert(event_is(&event, next));
        free(bench.ring);
    }
}

Test(ring, ends_attached_again_carry_on)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    put(&bench, 50);
    take(&bench, 30);
    pw_producer_attach(&bench.producer, bench.ring);
    pw_consumer_attach(&bench.consumer, bench.ring);
    cr_assert_eq(pw_producer_room(&bench.producer, SLOTS), SLOTS - 20);
    put(&bench, 40);
    take(&bench, 60);
}

/* ---- payloads ---- */

static bool put_frame(struct bench *bench, uint32_t bytes, uint8_t fill)
{
    uint8_t *payload = pw_producer_payload_claim(&bench->producer, bytes);
    if (payload == NULL || pw_producer_room(&bench->producer, 1) == 0) {
        return false;
    }
    cr_assert_eq((uintptr_t)payload % PW_PAYLOAD_ALIGN, 0u);
    memset(payload, fill, bytes);
    struct pw_event event = {.kind = PW_EVENT_FRAME};
    pw_producer_put_frame(&bench->producer, &event, bytes);
    pw_producer_publish(&bench->producer);
    return true;
}

static void take_frame(struct bench *bench, uint32_t bytes, uint8_t fill)
{
    cr_assert_geq(pw_consumer_peek(&bench->consumer, 1), 1u);
    const struct pw_event *event = pw_consumer_at(&bench->consumer, 0);
    cr_assert_eq(event->body.frame.payload_bytes, bytes);
    const uint8_t *payload = pw_consumer_payload(&bench->consumer, event);
    for (uint32_t i = 0; i < bytes; i++) {
        cr_assert_eq(payload[i], fill);
    }
    cr_assert_leq((size_t)(payload + bytes - bench->consumer.payload), bench->ring->payload_bytes);
    pw_consumer_done(&bench->consumer, 1);
}

Test(ring, payloads_stay_whole_over_many_wraps)
{
    struct bench bench = bench_make(SLOTS, 4096, 0);
    uint64_t seed = 12345;
    uint32_t bytes[SLOTS];
    uint64_t in = 0, out = 0;
    for (int i = 0; i < 20000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t wanted = (uint32_t)(seed >> 33) % 2049;
        while (in - out == SLOTS || !put_frame(&bench, wanted, (uint8_t)in)) {
            cr_assert_lt(out, in, "a claim of %u bytes failed in an empty ring", wanted);
            take_frame(&bench, bytes[out % SLOTS], (uint8_t)out);
            out++;
        }
        bytes[in++ % SLOTS] = wanted;
    }
}

Test(ring, largest_payload_is_half_the_area)
{
    struct bench bench = bench_make(SLOTS, 8192, 0);
    cr_assert_null(pw_producer_payload_claim(&bench.producer, 4097));
    /* From every place in the area: it fits an empty ring wherever the last one ended. */
    for (uint32_t i = 0; i < 300; i++) {
        cr_assert(put_frame(&bench, 64 + i % 5 * 64, 1));
        take_frame(&bench, 64 + i % 5 * 64, 1);
        cr_assert(put_frame(&bench, 4096, 2));
        take_frame(&bench, 4096, 2);
    }
}

Test(ring, payload_claim_is_refused_while_the_area_is_full)
{
    struct bench bench = bench_make(SLOTS, 4096, 0);
    cr_assert(put_frame(&bench, 2048, 1));
    cr_assert(put_frame(&bench, 2048, 2));
    cr_assert_null(pw_producer_payload_claim(&bench.producer, 1));
    take_frame(&bench, 2048, 1);
    cr_assert(put_frame(&bench, 1, 3));
    cr_assert_null(pw_producer_payload_claim(&bench.producer, 2048));
    take_frame(&bench, 2048, 2);
    take_frame(&bench, 1, 3);
}

Test(ring, less_than_claimed_may_be_put_and_an_abandoned_claim_costs_nothing)
{
    struct bench bench = bench_make(SLOTS, 4096, 0);
    for (uint32_t i = 0; i < 32; i++) {
        cr_assert_not_null(pw_producer_payload_claim(&bench.producer, 2048));
        uint8_t *payload = pw_producer_payload_claim(&bench.producer, 2048);
        cr_assert_not_null(payload);
        memset(payload, (int)i, 64);
        struct pw_event event = {.kind = PW_EVENT_FRAME};
        pw_producer_put_frame(&bench.producer, &event, 64);
        pw_producer_publish(&bench.producer);
        if (i >= 16) {
            take_frame(&bench, 64, (uint8_t)(i - 16));
        }
    }
}

Test(ring, notice_needs_no_payload)
{
    struct bench bench = bench_make(SLOTS, 4096, 0);
    cr_assert(put_frame(&bench, 2048, 1));
    struct pw_event notice = {.kind = PW_EVENT_FRAME, .body.frame = {.state = PW_FEED_DOWN}};
    pw_producer_put_frame(&bench.producer, &notice, 0);
    cr_assert(put_frame(&bench, 2048, 2));
    take_frame(&bench, 2048, 1);
    cr_assert_eq(pw_consumer_at(&bench.consumer, 0)->body.frame.state, PW_FEED_DOWN);
    take_frame(&bench, 0, 0);
    take_frame(&bench, 2048, 2);
}

Test(ring, ring_without_payload_area_refuses_claims)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    cr_assert_null(pw_producer_payload_claim(&bench.producer, 1));
}

/* ---- taps ---- */

Test(ring, tap_starts_at_the_oldest_event_or_at_the_next)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    struct pw_event event;
    struct pw_tap oldest, newest;
    pw_tap_attach(&oldest, bench.ring, false);
    cr_assert_eq(pw_tap_next(&oldest, &event), PW_TAP_EMPTY);
    for (int i = 0; i < 3; i++) {
        put(&bench, SLOTS);
        take(&bench, SLOTS);
    }
    pw_tap_attach(&oldest, bench.ring, false);
    pw_tap_attach(&newest, bench.ring, true);
    cr_assert_eq(pw_tap_next(&newest, &event), PW_TAP_EMPTY);
    for (uint64_t pos = 2 * SLOTS; pos < 3 * SLOTS; pos++) {
        cr_assert_eq(pw_tap_next(&oldest, &event), PW_TAP_EVENT);
        cr_assert(event_is(&event, pos));
    }
    cr_assert_eq(pw_tap_next(&oldest, &event), PW_TAP_EMPTY);
    put(&bench, 1);
    cr_assert_eq(pw_tap_next(&newest, &event), PW_TAP_EVENT);
    cr_assert(event_is(&event, 3 * SLOTS));
}

Test(ring, tap_attached_while_a_batch_is_being_put_skips_what_it_may_have_overwritten)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    put(&bench, SLOTS);
    take(&bench, SLOTS);
    pw_producer_room(&bench.producer, SLOTS);
    for (uint64_t i = 0; i < PW_RING_CLAIM + 4; i++) { /* put, not published */
        struct pw_event event = event_of(bench.producer.head);
        pw_producer_put(&bench.producer, &event);
    }
    struct pw_tap tap;
    struct pw_event event;
    pw_tap_attach(&tap, bench.ring, false);
    cr_assert_eq(tap.next, 2 * PW_RING_CLAIM);
    cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_EVENT);
    cr_assert(event_is(&event, 2 * PW_RING_CLAIM));
}

Test(ring, tap_of_a_ring_that_is_put_as_one_batch_waits_for_what_is_published)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    put(&bench, SLOTS);
    take(&bench, SLOTS);
    struct pw_tap tap;
    struct pw_event event;
    pw_tap_attach(&tap, bench.ring, false);
    pw_producer_room(&bench.producer, SLOTS);
    for (uint64_t i = 0; i < SLOTS; i++) {
        event = event_of(bench.producer.head);
        pw_producer_put(&bench.producer, &event);
    }
    cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_MISSED);
    while (pw_tap_next(&tap, &event) == PW_TAP_MISSED) {
    }
    cr_assert_eq(tap.next, SLOTS, "never beyond the head");
    pw_producer_publish(&bench.producer);
    cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_EVENT);
    cr_assert(event_is(&event, SLOTS));
    cr_assert_eq(tap.missed_cnt, SLOTS);
}

Test(ring, overrun_tap_counts_every_event_that_it_missed)
{
    struct bench bench = bench_make(SLOTS, 0, 0);
    struct pw_tap tap;
    struct pw_event event;
    pw_tap_attach(&tap, bench.ring, true);
    uint64_t read_cnt = 0;
    for (int i = 0; i < 50; i++) {
        put(&bench, SLOTS - 5);
        take(&bench, SLOTS - 5);
        if (i % 3 != 0) {
            continue; /* sleeps too long */
        }
        enum pw_tap_result result;
        while ((result = pw_tap_next(&tap, &event)) != PW_TAP_EMPTY) {
            if (result == PW_TAP_EVENT) {
                cr_assert(event_is(&event, tap.next - 1));
                read_cnt++;
            }
        }
    }
    cr_assert_gt(tap.missed_cnt, 0u);
    cr_assert_eq(read_cnt + tap.missed_cnt, tap.next);
}

Test(ring, tap_copies_payloads_or_says_that_they_are_gone)
{
    struct bench bench = bench_make(SLOTS, 4096, 0);
    struct pw_tap tap;
    struct pw_event event;
    uint8_t bytes[2048];
    pw_tap_attach(&tap, bench.ring, true);
    cr_assert(put_frame(&bench, 1000, 7));
    take_frame(&bench, 1000, 7);
    cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_EVENT);
    cr_assert_eq(pw_tap_payload(&tap, &event, bytes, sizeof bytes), 1000);
    cr_assert_eq(bytes[0] + bytes[999], 14);
    memset(bytes, 0, sizeof bytes);
    cr_assert_eq(pw_tap_payload(&tap, &event, bytes, 10), 1000, "the rest is cut off, and said");
    cr_assert_eq(bytes[9] + bytes[10], 7);
    cr_assert(put_frame(&bench, 2000, 8));
    take_frame(&bench, 2000, 8);
    cr_assert_eq(pw_tap_payload(&tap, &event, bytes, sizeof bytes), 1000);
    cr_assert_not_null(pw_producer_payload_claim(&bench.producer, 2000));
    cr_assert_eq(pw_tap_payload(&tap, &event, bytes, sizeof bytes), -1,
                 "a claim alone says that it may be gone");
}

Test(ring, tap_refuses_payloads_that_a_hostile_event_names)
{
    struct bench bench = bench_make(SLOTS, 4096, 0);
    struct pw_tap tap;
    uint8_t bytes[64];
    pw_tap_attach(&tap, bench.ring, true);
    struct pw_event event = {.kind = PW_EVENT_FRAME, .body.frame = {.payload_pos = 4095, .payload_bytes = 2}};
    cr_assert_eq(pw_tap_payload(&tap, &event, bytes, sizeof bytes), -1);
    event.body.frame.payload_bytes = UINT32_MAX;
    cr_assert_eq(pw_tap_payload(&tap, &event, bytes, sizeof bytes), -1);
    struct bench none = bench_make(SLOTS, 0, 0);
    pw_tap_attach(&tap, none.ring, true);
    cr_assert_eq(pw_tap_payload(&tap, &event, bytes, sizeof bytes), -1);
}

/* ---- check ---- */

Test(ring, check_accepts_what_format_wrote_and_no_less_memory)
{
    struct bench bench = bench_make(1024, 65536, 0);
    put(&bench, 1);
    cr_assert_eq(pw_ring_check(bench.ring, bench.bytes), 0);
    cr_assert_eq(pw_ring_check(bench.ring, bench.bytes + 64), 0);
    cr_assert_eq(pw_ring_check(bench.ring, bench.bytes - 1), -EINVAL);
    cr_assert_eq(pw_ring_check(bench.ring, sizeof *bench.ring - 1), -EINVAL);
}

Test(ring, check_refuses_every_flipped_bit_of_the_layout)
{
    struct bench bench = bench_make(1024, 65536, 0);
    unsigned char *bytes = (unsigned char *)bench.ring;
    for (size_t bit = 0; bit < offsetof(struct pw_ring, reserved0) * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        bool policy_drop = bench.ring->policy == PW_RING_DROP; /* also a policy */
        cr_assert(policy_drop || pw_ring_check(bench.ring, bench.bytes) == -EINVAL, "bit %zu", bit);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    cr_assert_eq(pw_ring_check(bench.ring, bench.bytes), 0);
}
