/* SPDX-License-Identifier: MIT
 *
 * DPDK's rte_ring with one producer and one consumer, its elements the events themselves. The ring lies in
 * memory of our own: DPDK's environment is not started.
 */
#include "ring_other.h"

#include <rte_pause.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>

#define SLOTS 1024u

static void rte_free(void *ring)
{
    free(ring);
}

static void *rte_make(void)
{
    ssize_t bytes = rte_ring_get_memsize_elem(sizeof(struct pw_event), SLOTS);
    struct rte_ring *ring = bytes > 0 ? aligned_alloc(4096, ((size_t)bytes + 4095) / 4096 * 4096) : NULL;
    if (ring != NULL && rte_ring_init(ring, "bench", SLOTS, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
        rte_free(ring);
        ring = NULL;
    }
    return ring;
}

static inline void batch_build(struct pw_event *events, uint64_t first, uint32_t batch)
{
    for (uint32_t k = 0; k < batch; k++) {
        events[k] = ring_event(first + k);
    }
}

static inline uint64_t batch_sum(const struct pw_event *events, uint32_t cnt)
{
    uint64_t sum = 0;
    for (uint32_t k = 0; k < cnt; k++) {
        sum += ring_event_sum(&events[k]);
    }
    return sum;
}

static inline void batch_put(struct rte_ring *ring, struct pw_event *events, uint64_t first, uint32_t batch)
{
    batch_build(events, first, batch);
    while (rte_ring_sp_enqueue_bulk_elem(ring, events, sizeof *events, batch, NULL) == 0) {
        rte_pause();
    }
}

static inline uint32_t batch_take(struct rte_ring *ring, struct pw_event *events, uint32_t batch,
                                  uint64_t *sum)
{
    uint32_t cnt = rte_ring_sc_dequeue_burst_elem(ring, events, sizeof *events, batch, NULL);
    *sum += batch_sum(events, cnt);
    return cnt;
}

static void rte_put(void *ring, uint64_t event_cnt, uint32_t batch)
{
    struct pw_event events[RING_OTHER_BATCH_MAX];
    for (uint64_t i = 0; i < event_cnt; i += batch) {
        batch_put(ring, events, i, batch);
    }
}

static uint64_t rte_take(void *ring, uint64_t event_cnt, uint32_t batch)
{
    struct pw_event events[RING_OTHER_BATCH_MAX];
    uint64_t sum = 0;
    for (uint64_t taken = 0; taken < event_cnt;) {
        taken += batch_take(ring, events, batch, &sum);
    }
    return sum;
}

static uint64_t rte_fused(void *ring, uint64_t event_cnt, uint32_t batch)
{
    struct pw_event events[RING_OTHER_BATCH_MAX];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < event_cnt; i += batch) {
        batch_put(ring, events, i, batch);
        batch_take(ring, events, batch, &sum);
    }
    return sum;
}

const struct ring_other ring_rte = {"dpdk",  "DPDK rte_ring", rte_make, rte_free,
                                    rte_put, rte_take,        rte_fused};
