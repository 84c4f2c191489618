/* SPDX-License-Identifier: MIT
 *
 * The ring: a bounded queue of events from one producer to one consumer, in shared memory.
 *
 * Each shared word has one writer. The producer writes slots, the claims on them and the head; the consumer
 * writes the tail; readers outside (taps) write nothing and cannot slow either end. A position counts events
 * from 0 for ever and never wraps in practice (2^64); slot number = position modulo slot_cnt.
 *
 * Before the producer writes a slot it says so in one word, `claimed`, sixteen slots at a time: so a tap can
 * distinguish a whole event from one that is, or may be, overwritten, and the two ends pay nothing for it. (A
 * sequence in each slot would cost a store an event: a quarter of the events that go from core to core in a
 * second.)
 *
 * A ring may have a payload area for bytes that events describe (raw frames): then every event in it is a
 * PW_EVENT_FRAME with a valid payload_pos. Payloads are contiguous, start on a cache line, and are freed with
 * their events.
 *
 * Use, producer:  if (pw_producer_room(p, n) < n) { count a stall; return; }  put n times;  publish once.
 * Use, consumer:  n = pw_consumer_peek(c, max);  read pw_consumer_at(c, 0..n-1);  pw_consumer_done(c, n)
 * once.
 */
#ifndef PINWHEEL_RING_H
#define PINWHEEL_RING_H

#include <pinwheel/event.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PW_CACHE_LINE      64
#define PW_RING_NAME_BYTES 32
#define PW_RING_SLOTS_MIN  64u
#define PW_RING_SLOTS_MAX  (1u << 24)
#define PW_PAYLOAD_ALIGN   64u
#define PW_RING_AHEAD      2u /* slots: so far ahead the producer calls for the lines that it will write */
#define PW_RING_CLAIM      16u /* slots claimed at once; a power of two, and a small part of the smallest ring */

/* What the producer does when there is no room. The ring does not enforce it: it says it, for readers. */
enum pw_ring_policy {
    PW_RING_STALL = 0, /* the producer consumes no input until there is room */
    PW_RING_DROP = 1,  /* the producer drops, counts, and books the gap when there is room again */
};

/* In shared memory. Offsets are from the start of this struct. */
struct pw_ring {
    /* Written once by pw_ring_format. */
    uint32_t slot_cnt; /* power of two */
    uint32_t policy;   /* enum pw_ring_policy */
    uint64_t slots_offset, payload_offset;
    uint64_t payload_bytes; /* power of two, or 0: no payload area */
    uint64_t total_bytes;
    uint64_t reserved0[3];

    /* The line that the consumer polls. */
    _Alignas(PW_CACHE_LINE) _Atomic uint64_t head; /* events published */
    uint64_t reserved1[7];

    /* The producer's other words, for taps and monitors. */
    _Alignas(PW_CACHE_LINE) _Atomic uint64_t
        claimed; /* slots of positions below this may be written, or being so */
    _Atomic uint64_t
        payload_claimed;          /* the payload area may have been overwritten up to here, modulo its size */
    _Atomic uint64_t stalled_cnt; /* times that the producer found too little room */
    _Atomic uint64_t dropped_cnt; /* events that the producer dropped */
    _Atomic uint64_t used_high;   /* most events that it ever saw in the ring, when it looked for room */
    uint64_t reserved2[3];

    /* The consumer's line. */
    _Alignas(PW_CACHE_LINE) _Atomic uint64_t tail; /* events consumed */
    _Atomic uint64_t backlog_high; /* most events that it ever found waiting, when it looked for more */
    uint64_t reserved3[6];
};

static_assert(sizeof(struct pw_ring) == 4 * PW_CACHE_LINE, "read-only, head, producer's and consumer's line");

/* A slot, as the two ends see it and word by word, as the producer writes and a tap reads it. */
union pw_slot {
    struct pw_event event;
    _Atomic uint64_t words[8];
};

static_assert(sizeof(union pw_slot) == sizeof(struct pw_event), "a slot is an event");

/* The producer's private end. */
struct pw_producer {
    struct pw_ring *ring;
    union pw_slot *slots;
    uint8_t *payload;
    uint64_t mask;         /* slot_cnt - 1 */
    uint64_t payload_mask; /* payload_bytes - 1 */
    uint64_t head;         /* put, perhaps not yet published */
    uint64_t tail_cache;   /* the consumer's tail when last looked at */
    uint64_t payload_head; /* next free payload position */
    uint64_t published;
};

/* The consumer's private end. */
struct pw_consumer {
    struct pw_ring *ring;
    const union pw_slot *slots;
    const uint8_t *payload;
    uint64_t mask;
    uint64_t payload_mask;
    uint64_t tail;
    uint64_t head_cache;
};

/* A read-only follower in any process. */
struct pw_tap {
    const struct pw_ring *ring;
    const union pw_slot *slots;
    const uint8_t *payload;
    uint64_t mask;
    uint64_t payload_mask;
    uint64_t next;       /* position of the next event to read */
    uint64_t missed_cnt; /* events that were overwritten before they could be read */
};

/* Cold: bytes that a ring needs; 0 if slot_cnt is no power of two in [PW_RING_SLOTS_MIN, PW_RING_SLOTS_MAX]
 * or payload_bytes is neither 0 nor a power of two of at least 4096. */
size_t pw_ring_bytes(uint32_t slot_cnt, uint64_t payload_bytes);

/* Cold: lays a ring out in zeroed memory, aligned to a cache line, of at least pw_ring_bytes. 0 or -EINVAL.
 */
int pw_ring_format(struct pw_ring *ring, uint32_t slot_cnt, uint64_t payload_bytes,
                   enum pw_ring_policy policy);

/* Cold: checks a ring found in `bytes` of memory that somebody else wrote. 0, or -EINVAL when any size or
 * offset in it is not what pw_ring_format writes: nothing of it may then be used. */
int pw_ring_check(const struct pw_ring *ring, size_t bytes);

/* Cold: the consumer's end and the tap. A tap starts at the oldest event still there, or at the newest with
 * from_now. */
void pw_consumer_attach(struct pw_consumer *consumer, struct pw_ring *ring);
void pw_tap_attach(struct pw_tap *tap, const struct pw_ring *ring, bool from_now);

/* What lies at an offset of a ring. */
static inline void *pw_ring_at(const struct pw_ring *ring, uint64_t offset)
{
    return (char *)(uintptr_t)ring + offset;
}

/* Cold: the producer's end. It is here, and not beside the consumer's, so that the compiler sees that nobody
 * else has the address of an end that is a local variable of its loop, and keeps it in registers. In memory
 * it costs a store for each event between the stores to two slots, and a batch then takes a quarter longer to
 * reach the other core. (The consumer's end gains nothing by it, and polls so often that single events take
 * longer.) */
static inline void pw_producer_attach(struct pw_producer *producer, struct pw_ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    *producer = (struct pw_producer){
        .ring = ring,
        .slots = pw_ring_at(ring, ring->slots_offset),
        .payload = pw_ring_at(ring, ring->payload_offset),
        .mask = ring->slot_cnt - 1,
        .payload_mask = ring->payload_bytes - 1,
        .head = head,
        .published = head,
        /* Acquire: as in pw_producer_room. */
        .tail_cache = atomic_load_explicit(&ring->tail, memory_order_acquire),
        /* What was claimed last may have been put or not: begin behind it. */
        .payload_head = atomic_load_explicit(&ring->payload_claimed, memory_order_relaxed),
    };
    /* What a claim in the middle of which we begin has said already. */
    atomic_store_explicit(&ring->claimed, (head + PW_RING_CLAIM - 1) / PW_RING_CLAIM * PW_RING_CLAIM,
                          memory_order_relaxed);
}

/* One relaxed store for a counter that only this thread writes. */
static inline void pw_count(_Atomic uint64_t *word, uint64_t more)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

/* The same for a highest value. */
static inline void pw_highest(_Atomic uint64_t *word, uint64_t value)
{
    if (value > atomic_load_explicit(word, memory_order_relaxed)) {
        atomic_store_explicit(word, value, memory_order_relaxed);
    }
}

/* Most events ever seen in the ring by either end. The producer looks only when it is short of room, the
 * consumer when it has taken all that it knew of: between them little escapes. */
static inline uint64_t pw_ring_high_water(const struct pw_ring *ring)
{
    uint64_t crowd = atomic_load_explicit(&ring->used_high, memory_order_relaxed);
    uint64_t backlog = atomic_load_explicit(&ring->backlog_high, memory_order_relaxed);
    return crowd > backlog ? crowd : backlog;
}

/* How many events can be put now: at least `want` if there is that much room, else what there is. The shared
 * tail is read only when the cached one does not suffice. */
static inline uint64_t pw_producer_room(struct pw_producer *p, uint64_t want)
{
    uint64_t room = p->mask + 1 - (p->head - p->tail_cache);
    if (room >= want) {
        return room;
    }
    /* Acquire: the consumer has finished reading the slots below tail. Pairs with the release in
     * pw_consumer_done. */
    p->tail_cache = atomic_load_explicit(&p->ring->tail, memory_order_acquire);
    uint64_t used = p->head - p->tail_cache;
    pw_highest(&p->ring->used_high, used);
    return p->mask + 1 - used;
}

/* Calls for a line, which the consumer's core has read, before it is written. (The compiler's prefetch for
 * writing is one for reading in a build for all of x86-64-v3; processors without this instruction pass over
 * it.) */
static inline void pw_line_prefetch(const void *line)
{
#ifdef __x86_64__
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* Writes one event into the next slot; room must have been asked for. Not visible before pw_producer_publish.
 *
 * The event is read word by word, the first one out of its members: then an event that the caller has just
 * built stays in registers. Copied as bytes it would go through the stack, where loads that are wider than
 * the stores before them wait until those, and all older ones, have reached the cache. */
static inline void pw_producer_put(struct pw_producer *p, const struct pw_event *event)
{
    uint64_t pos = p->head;
    _Atomic uint64_t *words = p->slots[pos & p->mask].words;
    uint64_t first = (uint64_t)event->seq | (uint64_t)event->instrument_idx << 32 |
                     (uint64_t)event->kind << 48 | (uint64_t)event->flags << 56;
    if (pos % PW_RING_CLAIM == 0) {
        atomic_store_explicit(&p->ring->claimed, pos + PW_RING_CLAIM, memory_order_relaxed);
        /* Release fence: a tap that sees a new word of these slots also sees the claim. Pairs with the fence
         * in pw_tap_next. */
        atomic_thread_fence(memory_order_release);
    }
    pw_line_prefetch(&p->slots[(pos + PW_RING_AHEAD) & p->mask]);
    p->head = pos + 1;
    atomic_store_explicit(&words[0], first, memory_order_relaxed);
    atomic_store_explicit(&words[1], (uint64_t)event->recv_ns, memory_order_relaxed);
    atomic_store_explicit(&words[2], (uint64_t)event->venue_ns, memory_order_relaxed);
    atomic_store_explicit(&words[3], event->body.words[0], memory_order_relaxed);
    atomic_store_explicit(&words[4], event->body.words[1], memory_order_relaxed);
    atomic_store_explicit(&words[5], event->body.words[2], memory_order_relaxed);
    atomic_store_explicit(&words[6], event->body.words[3], memory_order_relaxed);
    atomic_store_explicit(&words[7], event->body.words[4], memory_order_relaxed);
}

static_assert(offsetof(struct pw_event, seq) == 0 && offsetof(struct pw_event, instrument_idx) == 4 &&
                  offsetof(struct pw_event, kind) == 6 && offsetof(struct pw_event, flags) == 7 &&
                  offsetof(struct pw_event, recv_ns) == 8 && offsetof(struct pw_event, venue_ns) == 16 &&
                  offsetof(struct pw_event, body) == 24,
              "pw_producer_put writes the words of this layout");

static inline void pw_producer_publish(struct pw_producer *p)
{
    if (p->published != p->head) {
        p->published = p->head;
        /* Release: the slots and payloads are visible before the new head. Pairs with the acquire in
         * pw_consumer_peek. */
        atomic_store_explicit(&p->ring->head, p->head, memory_order_release);
    }
}

/* How many events can be read now, at most max. The shared head is read only when the cached one shows none.
 */
static inline uint64_t pw_consumer_peek(struct pw_consumer *c, uint64_t max)
{
    uint64_t there = c->head_cache - c->tail;
    if (there == 0) {
        /* Acquire: slots below head are whole. Pairs with the release in pw_producer_publish. */
        uint64_t head = atomic_load_explicit(&c->ring->head, memory_order_acquire);
        /* The next event's line comes from the producer's core while its head does, not after it. */
        __builtin_prefetch(&c->slots[c->tail & c->mask]);
        there = head - c->tail;
        if (there == 0) {
            return 0;
        }
        c->head_cache = head;
        pw_highest(&c->ring->backlog_high, there);
    }
    return there < max ? there : max;
}

/* The same, and the shared head is read anyway: all that is there, for whoever compares rings. */
static inline uint64_t pw_consumer_peek_all(struct pw_consumer *c, uint64_t max)
{
    c->head_cache = c->tail;
    return pw_consumer_peek(c, max);
}

/* The i-th unread event, i < what peek returned; valid until pw_consumer_done passes it. */
static inline const struct pw_event *pw_consumer_at(const struct pw_consumer *c, uint64_t i)
{
    return &c->slots[(c->tail + i) & c->mask].event;
}

/* The bytes of a FRAME event; valid until pw_consumer_done passes it. */
static inline const uint8_t *pw_consumer_payload(const struct pw_consumer *c, const struct pw_event *frame)
{
    return c->payload + (frame->body.frame.payload_pos & c->payload_mask);
}

static inline void pw_consumer_done(struct pw_consumer *c, uint64_t n)
{
    c->tail += n;
    /* Release: we have read the slots before they may be written again. Pairs with the acquire in
     * pw_producer_room. */
    atomic_store_explicit(&c->ring->tail, c->tail, memory_order_release);
}

/* Room for `bytes` contiguous payload bytes, or NULL when there is none now (or bytes > payload_bytes / 2,
 * which never fits). Then fill it and call pw_producer_put_frame; nothing else of this producer may come
 * between. */
uint8_t *pw_producer_payload_claim(struct pw_producer *p, uint32_t bytes);

/* Puts an event of which body.frame.payload_pos and payload_bytes are set here from the last claim (bytes may
 * be less than claimed; 0 for a notice, without a claim). Room for one event must have been asked for. */
void pw_producer_put_frame(struct pw_producer *p, struct pw_event *event, uint32_t bytes);

enum pw_tap_result {
    PW_TAP_EMPTY = 0,
    PW_TAP_EVENT = 1,
    PW_TAP_MISSED =
        2, /* the writer has lapped us: missed_cnt has grown, next is a quarter of the ring ahead of it */
};

/* Copies the next event out. The copy is whole or not returned. */
enum pw_tap_result pw_tap_next(struct pw_tap *tap, struct pw_event *out);

/* Copies at most out_bytes of the payload of a FRAME event that pw_tap_next returned. Returns the payload's
 * bytes, or -1 if it has been overwritten (or the event names bytes that the area cannot hold): `out` is then
 * rubbish. */
int64_t pw_tap_payload(const struct pw_tap *tap, const struct pw_event *frame, uint8_t *out,
                       size_t out_bytes);

#endif
