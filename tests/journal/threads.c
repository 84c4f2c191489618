/* SPDX-License-Identifier: MIT
 *
 * The writer beside the threads that fill its rings: whatever their timing, every event is stored once, and
 * no order's event stands before the market event that it names.
 */
#include "host.h"
#include "memory_store.h"
#include "writer.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS  1024u
#define MARKET 60000u
#define EVERY  7u /* market events for each order's event */

struct shared {
    struct pw_producer market, orders;
    struct pw_consumer market_end, orders_end;
    _Atomic uint32_t seen; /* by execution: market events that it may have acted on */
};

static struct pw_ring *ring_new(struct pw_producer *producer, struct pw_consumer *consumer)
{
    struct pw_ring *ring = aligned_alloc(64, (pw_ring_bytes(SLOTS, 0) + 63) / 64 * 64);
    memset(ring, 0, pw_ring_bytes(SLOTS, 0));
    cr_assert_eq(pw_ring_format(ring, SLOTS, 0, PW_RING_STALL), 0);
    pw_producer_attach(producer, ring);
    pw_consumer_attach(consumer, ring);
    return ring;
}

static void put(struct pw_producer *producer, const struct pw_event *event)
{
    while (pw_producer_room(producer, 1) < 1) {
        sched_yield();
    }
    pw_producer_put(producer, event);
    pw_producer_publish(producer);
}

static void *parse(void *argument)
{
    struct shared *shared = argument;
    for (uint32_t i = 0; i < MARKET; i++) {
        put(&shared->market, &(struct pw_event){.kind = PW_EVENT_QUOTE, .seq = i, .recv_ns = i});
        /* Release: execution acts on an event that the journal can see. Pairs with the acquire in execute. */
        atomic_store_explicit(&shared->seen, i + 1, memory_order_release);
    }
    return NULL;
}

static void *execute(void *argument)
{
    struct shared *shared = argument;
    for (uint32_t i = 0; i < MARKET; i += EVERY) {
        while (atomic_load_explicit(&shared->seen, memory_order_acquire) <= i) {
            sched_yield();
        }
        put(&shared->orders,
            &(struct pw_event){.kind = PW_EVENT_ORDER, .seq = i / EVERY, .body.order.market_seq = i});
    }
    return NULL;
}

static int64_t now(void *state)
{
    (void)state;
    return pw_clock_read_ns(CLOCK_MONOTONIC);
}

Test(threads, orders_events_stand_behind_what_they_name)
{
    enum { ORDERS = (MARKET + EVERY - 1) / EVERY };
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct shared shared = {0};
    void *rings[2] = {ring_new(&shared.market, &shared.market_end),
                      ring_new(&shared.orders, &shared.orders_end)};
    struct pw_writer *writer = pw_writer_new(&(struct pw_writer_config){.store = &store,
                                                                        .run_id = 1,
                                                                        .clock = {.now_ns = now},
                                                                        .commit_interval_ns = 10000000,
                                                                        .sync_ns = PW_WRITER_SYNC_NS});
    struct pw_writer_input input = {.market = &shared.market_end, .orders = &shared.orders_end};
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, parse, &shared);
    pthread_create(&threads[1], NULL, execute, &shared);
    for (uint64_t taken = 0; taken < MARKET + ORDERS;) {
        taken += pw_writer_poll(writer, &input, 256, now(NULL));
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    cr_assert_eq(pw_writer_commit(writer, now(NULL)), 0);
    struct pw_event *events = calloc(MARKET + ORDERS, sizeof *events);
    cr_assert_eq(memory_store_events(memory, PW_BLOCK_EVENTS, events, MARKET + ORDERS), MARKET + ORDERS);
    uint32_t market = 0, orders = 0;
    for (uint32_t i = 0; i < MARKET + ORDERS; i++) {
        if (events[i].kind == PW_EVENT_QUOTE) {
            cr_assert_eq(events[i].seq, market++);
        } else {
            cr_assert_eq(events[i].seq, orders++);
            cr_assert_lt(events[i].body.order.market_seq, market);
        }
    }
    free(events);
    pw_writer_free(writer);
    memory_store_free(memory);
    free(memory);
    free(rings[0]);
    free(rings[1]);
}
