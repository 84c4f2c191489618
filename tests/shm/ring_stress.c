/* SPDX-License-Identifier: MIT
 *
 * The ring with a producer, a consumer and taps, each in its thread: every event once and in order, none
 * torn.
 */
#include <criterion/criterion.h>
#include <pinwheel/cell.h>
#include <pinwheel/ring.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define EVENTS      200000u
#define FRAMES      40000u
#define FRAME_MAX   700u
#define CELL_WRITES 100000u
#define CELL_WORDS  9u
#define TAPS        2

static struct pw_ring *ring;
static _Atomic bool ended;

static void ring_make(uint32_t slot_cnt, uint64_t payload_bytes)
{
    size_t bytes = pw_ring_bytes(slot_cnt, payload_bytes);
    ring = aligned_alloc(PW_CACHE_LINE, bytes);
    cr_assert_not_null(ring);
    memset(ring, 0, bytes);
    cr_assert_eq(pw_ring_format(ring, slot_cnt, payload_bytes, PW_RING_STALL), 0);
}

/* Every word of an event follows from its position. */
static struct pw_event event_of(uint64_t pos)
{
    uint64_t words[8];
    struct pw_event event;
    for (uint64_t i = 0; i < 8; i++) {
        words[i] = pos * UINT64_C(0x9e3779b97f4a7c15) ^ i;
    }
    memcpy(&event, words, sizeof event);
    return event;
}

static bool event_is(const struct pw_event *event, uint64_t pos)
{
    struct pw_event want = event_of(pos);
    return memcmp(event, &want, sizeof want) == 0;
}

static void *events_produce(void *unused)
{
    struct pw_producer producer;
    pw_producer_attach(&producer, ring);
    for (uint64_t batch = 1; producer.head < EVENTS; batch = batch % 64 + 1) {
        while (pw_producer_room(&producer, batch) < batch) {
            pw_count(&ring->stalled_cnt, 1);
            sched_yield();
        }
        for (uint64_t i = 0; i < batch; i++) {
            struct pw_event event = event_of(producer.head);
            pw_producer_put(&producer, &event);
        }
        pw_producer_publish(&producer);
    }
    return unused;
}

struct outcome {
    uint64_t right_cnt, wrong_cnt;
    struct pw_tap tap;
    uint64_t sleep_each; /* taps: events between two sleeps; 0: never sleeps */
};

static void *events_consume(void *state)
{
    struct outcome *outcome = state;
    struct pw_consumer consumer;
    pw_consumer_attach(&consumer, ring);
    while (consumer.tail < EVENTS) {
        uint64_t cnt = pw_consumer_peek(&consumer, 100);
        if (cnt == 0) {
            sched_yield();
        }
        for (uint64_t i = 0; i < cnt; i++) {
            bool right = event_is(pw_consumer_at(&consumer, i), consumer.tail + i);
            outcome->right_cnt += right;
            outcome->wrong_cnt += !right;
        }
        pw_consumer_done(&consumer, cnt);
    }
    return NULL;
}

static void *events_tap(void *state)
{
    struct outcome *outcome = state;
    struct pw_event event;
    for (;;) {
        bool last_look = ended;
        enum pw_tap_result result = pw_tap_next(&outcome->tap, &event);
        if (result == PW_TAP_EVENT) {
            bool right = event_is(&event, outcome->tap.next - 1);
            outcome->right_cnt += right;
            outcome->wrong_cnt += !right;
        } else if (result == PW_TAP_EMPTY) {
            if (last_look) {
                break;
            }
            sched_yield();
        }
        if (outcome->sleep_each != 0 && outcome->tap.next % outcome->sleep_each == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        }
    }
    return NULL;
}

Test(ring_stress, every_event_arrives_once_and_taps_see_none_torn, .timeout = 300)
{
    ring_make(128, 0);
    pthread_t producer, consumer, taps[TAPS];
    struct outcome consumed = {0}, tapped[TAPS] = {{.sleep_each = 0}, {.sleep_each = 256}};
    for (int i = 0; i < TAPS; i++) {
        pw_tap_attach(&tapped[i].tap, ring, false);
        pthread_create(&taps[i], NULL, events_tap, &tapped[i]);
    }
    pthread_create(&consumer, NULL, events_consume, &consumed);
    pthread_create(&producer, NULL, events_produce, NULL);
    pthread_join(producer, NULL);
    pthread_join(consumer, NULL);
    ended = true;
    cr_assert_eq(consumed.wrong_cnt, 0u);
    cr_assert_geq(consumed.right_cnt, EVENTS);
    for (int i = 0; i < TAPS; i++) {
        pthread_join(taps[i], NULL);
        cr_assert_eq(tapped[i].wrong_cnt, 0u);
        cr_assert_eq(tapped[i].right_cnt + tapped[i].tap.missed_cnt, consumed.right_cnt,
                     "each is read or counted");
    }
}

/* ---- frames ---- */

static uint32_t frame_bytes(uint64_t i)
{
    return (uint32_t)(i * 7919 % FRAME_MAX);
}

static void *frames_produce(void *unused)
{
    struct pw_producer producer;
    pw_producer_attach(&producer, ring);
    for (uint64_t i = 0; i < FRAMES; i++) {
        uint32_t bytes = frame_bytes(i);
        uint8_t *payload;
        while (pw_producer_room(&producer, 1) < 1 ||
               (payload = pw_producer_payload_claim(&producer, bytes)) == NULL) {
            sched_yield();
        }
        memset(payload, (int)(i % 251), bytes);
        struct pw_event event = {.seq = (uint32_t)i, .kind = PW_EVENT_FRAME};
        pw_producer_put_frame(&producer, &event, bytes);
        pw_producer_publish(&producer);
    }
    return unused;
}

static bool frame_is(const struct pw_event *event, const uint8_t *payload)
{
    uint32_t bytes = frame_bytes(event->seq);
    bool right = event->body.frame.payload_bytes == bytes;
    for (uint32_t i = 0; right && i < bytes; i++) {
        right = payload[i] == event->seq % 251;
    }
    return right;
}

static void *frames_consume(void *state)
{
    struct outcome *outcome = state;
    struct pw_consumer consumer;
    pw_consumer_attach(&consumer, ring);
    while (consumer.tail < FRAMES) {
        uint64_t cnt = pw_consumer_peek(&consumer, 16);
        if (cnt == 0) {
            sched_yield();
        }
        for (uint64_t i = 0; i < cnt; i++) {
            const struct pw_event *event = pw_consumer_at(&consumer, i);
            bool right =
                event->seq == consumer.tail + i && frame_is(event, pw_consumer_payload(&consumer, event));
            outcome->right_cnt += right;
            outcome->wrong_cnt += !right;
        }
        pw_consumer_done(&consumer, cnt);
    }
    return NULL;
}

static void *frames_tap(void *state)
{
    struct outcome *outcome = state;
    struct pw_tap tap;
    struct pw_event event;
    uint8_t bytes[FRAME_MAX];
    pw_tap_attach(&tap, ring, false);
    for (;;) {
        bool last_look = ended;
        enum pw_tap_result result = pw_tap_next(&tap, &event);
        if (result == PW_TAP_EMPTY && last_look) {
            break;
        }
        if (result == PW_TAP_EMPTY) {
            sched_yield();
        } else if (result == PW_TAP_EVENT && pw_tap_payload(&tap, &event, bytes, sizeof bytes) >= 0) {
            bool right = frame_is(&event, bytes);
            outcome->right_cnt += right;
            outcome->wrong_cnt += !right;
        }
    }
    return NULL;
}

Test(ring_stress, payloads_arrive_whole_and_taps_see_none_torn, .timeout = 300)
{
    ring_make(64, 4096);
    pthread_t producer, consumer, tap;
    struct outcome consumed = {0}, tapped = {0};
    pthread_create(&tap, NULL, frames_tap, &tapped);
    pthread_create(&consumer, NULL, frames_consume, &consumed);
    pthread_create(&producer, NULL, frames_produce, NULL);
    pthread_join(producer, NULL);
    pthread_join(consumer, NULL);
    ended = true;
    pthread_join(tap, NULL);
    cr_assert_eq(consumed.right_cnt, FRAMES);
    cr_assert_eq(consumed.wrong_cnt, 0u);
    cr_assert_eq(tapped.wrong_cnt, 0u);
    cr_assert_gt(tapped.right_cnt, 0u);
}

/* ---- cells ---- */

static struct {
    struct pw_cell cell;
    _Atomic uint64_t words[CELL_WORDS];
} cell;

static void *cell_write(void *unused)
{
    for (uint64_t i = 1; i <= CELL_WRITES; i++) {
        uint64_t words[CELL_WORDS];
        for (uint64_t k = 0; k < CELL_WORDS; k++) {
            words[k] = i * (k + 1);
        }
        pw_cell_write(&cell.cell, cell.words, words, sizeof words);
        if (i % 64 == 0) {
            sched_yield(); /* so that on one core a reader gets a turn */
        }
    }
    ended = true;
    return unused;
}

static void *cell_read(void *state)
{
    struct outcome *outcome = state;
    bool last_look;
    do {
        last_look = ended;
        uint64_t words[CELL_WORDS];
        if (!pw_cell_read(&cell.cell, cell.words, words, sizeof words)) {
            continue;
        }
        bool right = true;
        for (uint64_t k = 1; k < CELL_WORDS; k++) {
            right = right && words[k] == words[0] * (k + 1);
        }
        outcome->right_cnt += right;
        outcome->wrong_cnt += !right;
    } while (!last_look);
    return NULL;
}

Test(ring_stress, cell_is_read_whole_or_not_at_all, .timeout = 300)
{
    pthread_t writer, reader;
    struct outcome outcome = {0};
    pthread_create(&reader, NULL, cell_read, &outcome);
    pthread_create(&writer, NULL, cell_write, NULL);
    pthread_join(writer, NULL);
    pthread_join(reader, NULL);
    cr_assert_eq(outcome.wrong_cnt, 0u);
    cr_assert_gt(outcome.right_cnt, 0u);
}

Test(ring_stress, cell_of_a_writer_that_died_while_writing_does_not_hang_its_reader)
{
    uint64_t words[CELL_WORDS] = {1};
    cr_assert_not(pw_cell_read(&cell.cell, cell.words, words, sizeof words), "never written");
    pw_cell_write(&cell.cell, cell.words, words, sizeof words);
    cr_assert(pw_cell_read(&cell.cell, cell.words, words, sizeof words));
    cell.cell.version++;
    cr_assert_not(pw_cell_read(&cell.cell, cell.words, words, sizeof words));
}
