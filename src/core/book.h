/* SPDX-License-Identifier: MIT
 *
 * The order book of one instrument, by price level, in memory that the caller owns.
 *
 * Each side is a sorted run of levels, best first, in the middle of a buffer with free space at both ends: an
 * insertion moves the shorter part, so that changes near the top and the levels of a snapshot (which come
 * best first, each the worst so far) move little or nothing. A full side lets its worst level fall out and
 * counts it.
 *
 * What is applied: DEPTH and LEVELS events. A DEPTH with PW_FLAG_SNAPSHOT clears the book; a quantity of 0
 * removes a level (one that is not there: counted, no harm); events with PW_FLAG_STALE are not applied.
 * BOOK_STATE sets whether the book may be trusted. All else is ignored. Whether updates follow on each other
 * without a gap is the parser's knowledge, not the book's.
 *
 * A snapshot may have ended before the venue's book did. Up to its last price a side is known from then on;
 * of what lies beyond only changes are told, and the levels that they leave are kept, but are no knowledge.
 * A full side that lets a level fall out is known up to there. A book whose best level is not in the known
 * range is not in sync; when it comes near the end of it, another snapshot is wanted.
 */
#ifndef PW_BOOK_H
#define PW_BOOK_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_BOOK_LEVELS_DEFAULT 8192u
#define PW_BOOK_LEVELS_MAX     (1u << 20)

struct pw_book_side {
    struct pw_level *levels; /* the buffer: 2 * level_max */
    uint32_t first_idx;      /* the best level's place in it */
    uint32_t cnt;
    pw_i128 sum_qty_e8; /* of all levels, exact */
    /* In the order of the side, which rises from its best price: up to which it is known, and beyond which
     * its best price nears that end. INT64_MAX: all is known. */
    int64_t end_key, near_key;
};

struct pw_book {
    struct pw_book_side sides[2]; /* by enum pw_side: bids, asks */
    uint32_t level_max;           /* a side */
    bool synced;                  /* the last BOOK_STATE said so */
    uint64_t update_id;           /* last_update_id of the last DEPTH applied */
    uint64_t snapshot_id;         /* that of the last snapshot */
    uint64_t depth_cnt;           /* DEPTH events applied */
    uint64_t dropped_cnt;         /* levels that fell out of a full side */
    uint64_t absent_cnt;          /* removals of levels that were not there */
};

/* Bytes for the struct and its levels; 0 if level_max is 0 or above PW_BOOK_LEVELS_MAX. A multiple of 64. */
size_t pw_book_bytes(uint32_t level_max);

/* memory: pw_book_bytes(level_max) bytes, aligned to 64. An empty, untrusted book. */
struct pw_book *pw_book_init(void *memory, uint32_t level_max);

void pw_book_clear(struct pw_book *book);

/* Sets one level to an absolute quantity; 0 removes it. price_e8 > 0, qty_e8 >= 0, or nothing happens. */
void pw_book_set(struct pw_book *book, enum pw_side side, struct pw_level level);

/* True if the event changed the book or its state. */
bool pw_book_apply(struct pw_book *book, const struct pw_event *event);

static inline uint32_t pw_book_level_cnt(const struct pw_book *book, enum pw_side side)
{
    return book->sides[side].cnt;
}

/* The i-th level from the best, i < pw_book_level_cnt; valid until the next change. */
static inline const struct pw_level *pw_book_at(const struct pw_book *book, enum pw_side side, uint32_t i)
{
    return &book->sides[side].levels[book->sides[side].first_idx + i];
}

/* The best level, or one of price and quantity 0 when the side is empty. */
static inline struct pw_level pw_book_best(const struct pw_book *book, enum pw_side side)
{
    return book->sides[side].cnt ? *pw_book_at(book, side, 0) : (struct pw_level){0};
}

/* Copies the n best levels, best first; those that are not there are zero. Returns how many there were. */
uint32_t pw_book_top(const struct pw_book *book, enum pw_side side, struct pw_level *out, uint32_t n);

/* The best level of each side is known; or the whole side is, and there is none. */
bool pw_book_is_known(const struct pw_book *book);

/* Synchronised with the venue, and known. */
static inline bool pw_book_in_sync(const struct pw_book *book)
{
    return book->synced && pw_book_is_known(book);
}

/* Levels of a side that are in its known range: the first ones. */
uint32_t pw_book_known_cnt(const struct pw_book *book, enum pw_side side);

/* The snapshot_id of a synchronised book, if another snapshot is wanted because that one's range is nearly
 * used up; else 0. */
uint64_t pw_book_outgrown(const struct pw_book *book);

/* Exact sum of a side's quantities. */
static inline pw_i128 pw_book_sum_qty_e8(const struct pw_book *book, enum pw_side side)
{
    return book->sides[side].sum_qty_e8;
}

/* Best bid at or above the best ask. In the middle of a message this may be so for a moment. */
static inline bool pw_book_crossed(const struct pw_book *book)
{
    return book->sides[PW_BUY].cnt && book->sides[PW_SELL].cnt &&
           pw_book_at(book, PW_BUY, 0)->price_e8 >= pw_book_at(book, PW_SELL, 0)->price_e8;
}

#endif
