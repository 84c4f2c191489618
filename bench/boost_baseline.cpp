/* SPDX-License-Identifier: MIT
 *
 * boost::lockfree::spsc_queue, its size known to the compiler, which is its fastest form.
 */
#include "ring_other.h"

#include <boost/lockfree/spsc_queue.hpp>
#include <new>
#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace
{

using queue =
    boost::lockfree::spsc_queue<pw_event, boost::lockfree::capacity<1023>>; // and one slot that stays free

inline void relax()
{
#ifdef __x86_64__
    _mm_pause();
#endif
}

void *boost_make()
{
    return new (std::nothrow) queue;
}

void boost_free(void *ring)
{
    delete static_cast<queue *>(ring);
}

inline void batch_build(pw_event *events, uint64_t first, uint32_t batch)
{
    for (uint32_t k = 0; k < batch; k++) {
        events[k] = ring_event(first + k);
    }
}

inline uint64_t batch_sum(const pw_event *events, size_t cnt)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < cnt; k++) {
        sum += ring_event_sum(&events[k]);
    }
    return sum;
}

/* Tries until all of them are in. */
inline void batch_push(queue &ring, const pw_event *events, size_t cnt)
{
    size_t done = ring.push(events, cnt);
    while (done < cnt) {
        relax();
        done += ring.push(events + done, cnt - done);
    }
}

void boost_put(void *memory, uint64_t event_cnt, uint32_t batch)
{
    queue &ring = *static_cast<queue *>(memory);
    pw_event events[RING_OTHER_BATCH_MAX];
    for (uint64_t i = 0; i < event_cnt; i += batch) {
        if (batch == 1) {
            pw_event event = ring_event(i);
            while (!ring.push(event)) {
                relax();
            }
        } else {
            batch_build(events, i, batch);
            batch_push(ring, events, batch);
        }
    }
}

uint64_t boost_take(void *memory, uint64_t event_cnt, uint32_t batch)
{
    queue &ring = *static_cast<queue *>(memory);
    pw_event events[RING_OTHER_BATCH_MAX];
    uint64_t sum = 0, taken = 0;
    while (taken < event_cnt) {
        if (batch == 1) {
            taken += ring.consume_one([&](const pw_event &event) { sum += ring_event_sum(&event); });
        } else {
            size_t cnt = ring.pop(events, batch);
            sum += batch_sum(events, cnt);
            taken += cnt;
        }
    }
    return sum;
}

uint64_t boost_fused(void *memory, uint64_t event_cnt, uint32_t batch)
{
    queue &ring = *static_cast<queue *>(memory);
    pw_event events[RING_OTHER_BATCH_MAX];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < event_cnt; i += batch) {
        if (batch == 1) {
            ring.push(ring_event(i));
            ring.consume_one([&](const pw_event &event) { sum += ring_event_sum(&event); });
        } else {
            batch_build(events, i, batch);
            batch_push(ring, events, batch);
            sum += batch_sum(events, ring.pop(events, batch));
        }
    }
    return sum;
}

} // namespace

const ring_other ring_boost = {"boost",   "boost spsc_queue", boost_make, boost_free,
                               boost_put, boost_take,         boost_fused};
