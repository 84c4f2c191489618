/* SPDX-License-Identifier: MIT
 *
 * Queues of others that carry the same events as our ring: for the bench's comparison.
 *
 * Each loop stands whole in its queue's own file, so that the queue's code is inlined there as ours is here,
 * and the events are built by the same lines.
 */
#ifndef PW_BENCH_RING_OTHER_H
#define PW_BENCH_RING_OTHER_H

#include <pinwheel/event.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RING_OTHER_BATCH_MAX 64u

/* One producer, one consumer, about 1024 events of 64 bytes. */
struct ring_other {
    const char *id, *name;
    void *(*make)(void); /* NULL: not available */
    void (*free)(void *ring);
    /* event_cnt is a multiple of batch; batch is at most RING_OTHER_BATCH_MAX. put and take wait for each
     * other by trying again; fused does both in turns. What was read is summed up, so that it is read. */
    void (*put)(void *ring, uint64_t event_cnt, uint32_t batch);
    uint64_t (*take)(void *ring, uint64_t event_cnt, uint32_t batch);
    uint64_t (*fused)(void *ring, uint64_t event_cnt, uint32_t batch);
};

extern const struct ring_other ring_boost; /* boost::lockfree::spsc_queue */
extern const struct ring_other ring_rte;   /* DPDK's rte_ring */

/* The i-th event, built member by member as a stage does. */
static inline struct pw_event ring_event(uint64_t i)
{
    struct pw_event event;
    event.seq = (uint32_t)i;
    event.instrument_idx = 1;
    event.kind = PW_EVENT_TRADE;
    event.flags = (uint8_t)(i & PW_FLAG_SELL);
    event.recv_ns = (int64_t)i;
    event.venue_ns = 0;
    event.body.trade.price_e8 = (int64_t)i;
    event.body.trade.qty_e8 = 1;
    event.body.trade.trade_id = i;
    event.body.trade.trade_ns = 0;
    event.body.trade.reserved = 0;
    return event;
}

static inline uint64_t ring_event_sum(const struct pw_event *event)
{
    return event->seq + (uint64_t)event->recv_ns + event->body.words[0] + event->body.words[4];
}

#ifdef __cplusplus
}
#endif

#endif
