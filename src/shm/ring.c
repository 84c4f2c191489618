/* SPDX-License-Identifier: MIT
 *
 * The ring's cold side (layout, check, attach), its payload area, and the tap.
 *
 * The hot put and peek are inline in <pinwheel/ring.h>.
 */
#include "pw_assert.h"
#include <errno.h>
#include <pinwheel/ring.h>

#define PAYLOAD_BYTES_MIN 4096u

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) & ~(to - 1);
}

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* What pw_ring_format writes and pw_ring_check demands: one computation for both. False: no ring can be like
 * this. */
static bool ring_layout(struct pw_ring *ring, uint32_t slot_cnt, uint64_t payload_bytes)
{
    if (!is_power_of_two(slot_cnt) || slot_cnt < PW_RING_SLOTS_MIN || slot_cnt > PW_RING_SLOTS_MAX) {
        return false;
    }
    if (payload_bytes != 0 && (!is_power_of_two(payload_bytes) || payload_bytes < PAYLOAD_BYTES_MIN)) {
        return false;
    }
    /* No sum overflows: the slots take 2^31 bytes at most, the payload area is at most 2^63. */
    ring->slot_cnt = slot_cnt;
    ring->payload_bytes = payload_bytes;
    ring->slots_offset = sizeof(struct pw_ring);
    ring->payload_offset = ring->slots_offset + (uint64_t)slot_cnt * sizeof(union pw_slot);
    ring->total_bytes = ring->payload_offset + payload_bytes;
    return true;
}

size_t pw_ring_bytes(uint32_t slot_cnt, uint64_t payload_bytes)
{
    struct pw_ring layout;
    return ring_layout(&layout, slot_cnt, payload_bytes) ? layout.total_bytes : 0;
}

int pw_ring_format(struct pw_ring *ring, uint32_t slot_cnt, uint64_t payload_bytes,
                   enum pw_ring_policy policy)
{
    if ((uintptr_t)ring % PW_CACHE_LINE != 0 || !ring_layout(ring, slot_cnt, payload_bytes)) {
        return -EINVAL;
    }
    ring->policy = policy;
    return 0;
}

int pw_ring_check(const struct pw_ring *ring, size_t bytes)
{
    struct pw_ring want;
    if ((uintptr_t)ring % PW_CACHE_LINE != 0 || bytes < sizeof *ring ||
        !ring_layout(&want, ring->slot_cnt, ring->payload_bytes)) {
        return -EINVAL;
    }
    bool same = ring->slots_offset == want.slots_offset && ring->payload_offset == want.payload_offset &&
                ring->total_bytes == want.total_bytes;
    bool known = ring->policy == PW_RING_STALL || ring->policy == PW_RING_DROP;
    return same && known && ring->total_bytes <= bytes ? 0 : -EINVAL;
}

void pw_consumer_attach(struct pw_consumer *consumer, struct pw_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    pw_assert(is_power_of_two(ring->slot_cnt)); /* else its mask is none */
    *consumer = (struct pw_consumer){
        .ring = ring,
        .slots = pw_ring_at(ring, ring->slots_offset),
        .payload = pw_ring_at(ring, ring->payload_offset),
        .mask = ring->slot_cnt - 1,
        .payload_mask = ring->payload_bytes - 1,
        .tail = tail,
        .head_cache = tail,
    };
}

/* ---- payload ---- */

#define PAYLOAD_AHEAD_BYTES 512u /* a quote or an order; of longer ones the beginning */

/* Where the oldest payload that is still needed begins. Every event of such a ring has a valid payload_pos.
 */
static uint64_t payload_oldest(const struct pw_producer *p, uint64_t when_empty)
{
    if (p->tail_cache == p->head) {
        return when_empty;
    }
    return p->slots[p->tail_cache & p->mask].event.body.frame.payload_pos;
}

uint8_t *pw_producer_payload_claim(struct pw_producer *p, uint32_t bytes)
{
    uint64_t area_bytes = p->payload_mask + 1; /* 0 when there is no area */
    if (bytes > area_bytes / 2) {
        return NULL;
    }
    uint64_t pos = p->payload_head;
    if ((pos & p->payload_mask) + bytes > area_bytes) {
        pos = round_up(pos, area_bytes); /* contiguous: the rest of the area is left unused */
    }
    uint64_t end = pos + round_up(bytes, PW_PAYLOAD_ALIGN);
    if (end - payload_oldest(p, pos) > area_bytes) {
        /* Acquire: the consumer has finished reading the payloads of what it has done. Pairs with
         * pw_consumer_done. */
        p->tail_cache = atomic_load_explicit(&p->ring->tail, memory_order_acquire);
        if (end - payload_oldest(p, pos) > area_bytes) {
            return NULL;
        }
    }
    pw_assert((pos & p->payload_mask) + bytes <= area_bytes);
    p->payload_head = pos;
    uint64_t claimed = atomic_load_explicit(&p->ring->payload_claimed, memory_order_relaxed);
    if (end - claimed <=
        area_bytes) { /* grows only: what an abandoned claim has overwritten stays overwritten */
        atomic_store_explicit(&p->ring->payload_claimed, end, memory_order_relaxed);
    }
    /* Release fence: a tap that sees a new byte also sees the claim. Pairs with the fence in pw_tap_payload.
     */
    atomic_thread_fence(memory_order_release);
    return p->payload + (pos & p->payload_mask);
}

/* Calls for the lines of a payload like the one just put: an area is larger than the caches, so the next one
 * is written where nothing has been for long, and read at once. */
static void payload_prefetch(const struct pw_producer *p, uint32_t bytes)
{
    uint64_t end = p->payload_head + (bytes < PAYLOAD_AHEAD_BYTES ? bytes : PAYLOAD_AHEAD_BYTES);
    for (uint64_t pos = p->payload_head; pos < end; pos += PW_CACHE_LINE) {
        pw_line_prefetch(p->payload + (pos & p->payload_mask));
    }
}

void pw_producer_put_frame(struct pw_producer *p, struct pw_event *event, uint32_t bytes)
{
    event->body.frame.payload_pos = p->payload_head;
    event->body.frame.payload_bytes = bytes;
    p->payload_head += round_up(bytes, PW_PAYLOAD_ALIGN);
    pw_producer_put(p, event);
    payload_prefetch(p, bytes);
}

/* ---- tap ---- */

void pw_tap_attach(struct pw_tap *tap, const struct pw_ring *ring, bool from_now)
{
    *tap = (struct pw_tap){
        .ring = ring,
        .slots = pw_ring_at(ring, ring->slots_offset),
        .payload = pw_ring_at(ring, ring->payload_offset),
        .mask = ring->slot_cnt - 1,
        .payload_mask = ring->payload_bytes - 1,
    };
    /* Acquire: the claim of what is below head is visible. Pairs with the release in pw_producer_publish. */
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t ahead = atomic_load_explicit(&ring->claimed, memory_order_relaxed) - head;
    uint64_t there = ahead < ring->slot_cnt ? ring->slot_cnt - ahead : 0;
    there = there < head ? there : head; /* counters begin at 0 */
    tap->next = from_now ? head : head - there;
}

/* Start again well ahead of the writer, or it would lap us at once, and we would fight it for its cache
 * lines. */
static void tap_skip(struct pw_tap *tap, uint64_t head, uint64_t claimed)
{
    uint64_t slot_cnt = tap->mask + 1;
    uint64_t keep = slot_cnt - slot_cnt / 4;
    uint64_t behind = claimed - tap->next;
    uint64_t skip = behind > keep ? behind - keep : 1;
    skip = skip < head - tap->next ? skip : head - tap->next; /* never beyond what is published */
    tap->next += skip;
    tap->missed_cnt += skip;
}

enum pw_tap_result pw_tap_next(struct pw_tap *tap, struct pw_event *out)
{
    /* Acquire: the slots below head are written. Pairs with the release in pw_producer_publish. */
    uint64_t head = atomic_load_explicit(&tap->ring->head, memory_order_acquire);
    if (head == tap->next) {
        return PW_TAP_EMPTY;
    }
    const _Atomic uint64_t *slot = tap->slots[tap->next & tap->mask].words;
    uint64_t words[8];
    for (int i = 0; i < 8; i++) {
        words[i] = atomic_load_explicit(&slot[i], memory_order_relaxed);
    }
    /* Acquire fence: had any of these words been of a later event, the claim read next would cover it. Pairs
     * with the fence in pw_producer_put. */
    atomic_thread_fence(memory_order_acquire);
    uint64_t claimed = atomic_load_explicit(&tap->ring->claimed, memory_order_relaxed);
    if (claimed - tap->next > tap->mask + 1) {
        tap_skip(tap, head, claimed);
        return PW_TAP_MISSED;
    }
    memcpy(out, words, sizeof *out);
    tap->next++;
    return PW_TAP_EVENT;
}

/* The producer fills payloads with plain stores, often by the kernel; what this copy took is judged
 * afterwards, by the claim. So the race is wanted, and a thread sanitizer must not see it. */
__attribute__((no_sanitize("thread"))) static void payload_copy(uint8_t *out, const volatile uint8_t *from,
                                                                size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = from[i];
    }
}

int64_t pw_tap_payload(const struct pw_tap *tap, const struct pw_event *frame, uint8_t *out, size_t out_bytes)
{
    uint64_t pos = frame->body.frame.payload_pos;
    uint32_t bytes = frame->body.frame.payload_bytes;
    uint64_t area_bytes = tap->payload_mask + 1; /* 0 when there is no area */
    if (bytes == 0) {
        return 0;
    }
    if (bytes > area_bytes || (pos & tap->payload_mask) > area_bytes - bytes) {
        return -1;
    }
    payload_copy(out, tap->payload + (pos & tap->payload_mask), bytes < out_bytes ? bytes : out_bytes);
    /* Acquire fence: had a byte been of a later payload, the claim read next would cover it. Pairs with the
     * fence in pw_producer_payload_claim. */
    atomic_thread_fence(memory_order_acquire);
    uint64_t claimed = atomic_load_explicit(&tap->ring->payload_claimed, memory_order_relaxed);
    return claimed - pos <= area_bytes ? (int64_t)bytes : -1;
}
