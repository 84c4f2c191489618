/* SPDX-License-Identifier: MIT
 *
 * The book: search by halving, and insertion and removal by moving the shorter part.
 */
#include "book.h"

#include "pw_assert.h"
#include <pinwheel/lines.h>
#include <string.h>

static size_t head_bytes(void)
{
    return pw_round_up_64(sizeof(struct pw_book));
}

static size_t side_bytes(uint32_t level_max)
{
    return pw_round_up_64((size_t)2 * level_max * sizeof(struct pw_level));
}

size_t pw_book_bytes(uint32_t level_max)
{
    if (level_max == 0 || level_max > PW_BOOK_LEVELS_MAX) {
        return 0;
    }
    return head_bytes() + 2 * side_bytes(level_max);
}

struct pw_book *pw_book_init(void *memory, uint32_t level_max)
{
    struct pw_book *book = memory;
    pw_assert(level_max > 0 && level_max <= PW_BOOK_LEVELS_MAX);
    memset(book, 0, sizeof *book);
    char *levels = (char *)memory + head_bytes();
    for (int side = 0; side < 2; side++) {
        book->sides[side].levels = (struct pw_level *)(void *)(levels + (size_t)side * side_bytes(level_max));
    }
    book->level_max = level_max;
    pw_book_clear(book);
    return book;
}

void pw_book_clear(struct pw_book *book)
{
    for (int side = 0; side < 2; side++) {
        book->sides[side].first_idx = book->level_max;
        book->sides[side].cnt = 0;
        book->sides[side].sum_qty_e8 = 0;
        book->sides[side].end_key = book->sides[side].near_key = INT64_MAX;
    }
}

/* Bids fall and asks rise from the best; ~x turns the order round, so both rise in this key. */
static inline int64_t key_of(int64_t price_e8, enum pw_side side)
{
    return side == PW_BUY ? ~price_e8 : price_e8;
}

/* The first level that is not better than the price: where it is, or where it belongs. Halving without
 * branches: half of the changes of a real depth stream are more than a hundred levels away from the best,
 * anywhere, so neither a step away from the best nor the branch predictor guesses well. */
static uint32_t find(const struct pw_book_side *s, enum pw_side side, int64_t price_e8)
{
    const struct pw_level *level = s->levels + s->first_idx;
    int64_t key = key_of(price_e8, side);
    uint32_t len = s->cnt;
    if (len == 0) {
        return 0;
    }
    while (len > 1) {
        uint32_t half = len / 2;
        level += key_of(level[half - 1].price_e8, side) < key ? half : 0;
        len -= half;
    }
    return (uint32_t)(level - (s->levels + s->first_idx)) + (key_of(level->price_e8, side) < key);
}

/* To the middle of the buffer: at least half of level_max free at each end, so this is rare. */
static void recentre(struct pw_book *book, struct pw_book_side *s)
{
    pw_assert(s->cnt < book->level_max); /* a full side has made room first */
    uint32_t first = (2 * book->level_max - s->cnt) / 2;
    pw_assert(first > 0 && first + s->cnt < 2 * book->level_max);
    memmove(s->levels + first, s->levels + s->first_idx, s->cnt * sizeof *s->levels);
    s->first_idx = first;
}

/* Seven eighths of the way from the best price to the end are far enough. */
static void set_near(struct pw_book_side *s, enum pw_side side)
{
    if (s->end_key != INT64_MAX && s->cnt > 0) {
        int64_t best_key = key_of(s->levels[s->first_idx].price_e8, side);
        s->near_key = s->end_key > best_key ? s->end_key - (s->end_key - best_key + 7) / 8 : best_key - 1;
    }
}

/* The side is known up to before that level at most. */
static __attribute__((noinline)) void shorten(struct pw_book_side *s, enum pw_side side, int64_t price_e8)
{
    int64_t key = key_of(price_e8, side) - 1;
    if (key < s->end_key) {
        s->end_key = key;
        set_near(s, side);
    }
}

static void insert(struct pw_book *book, enum pw_side side, uint32_t i, struct pw_level level)
{
    struct pw_book_side *s = &book->sides[side];
    pw_assert(i <= s->cnt);
    if (s->cnt == book->level_max) {
        book->dropped_cnt++;
        shorten(s, side, i == s->cnt ? level.price_e8 : s->levels[s->first_idx + s->cnt - 1].price_e8);
        if (i == s->cnt) {
            return;
        }
        s->cnt--;
        s->sum_qty_e8 -= s->levels[s->first_idx + s->cnt].qty_e8;
    }
    bool move_front = i < s->cnt - i;
    if (move_front ? s->first_idx == 0 : s->first_idx + s->cnt == 2 * book->level_max) {
        recentre(book, s);
    }
    struct pw_level *at = s->levels + s->first_idx + i;
    if (move_front) {
        memmove(s->levels + s->first_idx - 1, s->levels + s->first_idx, i * sizeof level);
        s->first_idx--;
        at--;
    } else {
        memmove(at + 1, at, (s->cnt - i) * sizeof level);
    }
    *at = level;
    s->cnt++;
    pw_assert(s->cnt <= book->level_max && s->first_idx + s->cnt <= 2 * book->level_max);
    s->sum_qty_e8 += level.qty_e8;
}

static void erase(struct pw_book_side *s, uint32_t i)
{
    struct pw_level *at = s->levels + s->first_idx + i;
    pw_assert(i < s->cnt);
    s->sum_qty_e8 -= at->qty_e8;
    s->cnt--;
    pw_assert(s->cnt || s->sum_qty_e8 == 0);
    if (i < s->cnt - i) {
        memmove(s->levels + s->first_idx + 1, s->levels + s->first_idx, i * sizeof *at);
        s->first_idx++;
    } else {
        memmove(at, at + 1, (s->cnt - i) * sizeof *at);
    }
}

void pw_book_set(struct pw_book *book, enum pw_side side, struct pw_level level)
{
    if (level.price_e8 <= 0 || level.qty_e8 < 0) {
        return;
    }
    struct pw_book_side *s = &book->sides[side];
    uint32_t i = find(s, side, level.price_e8);
    struct pw_level *at = s->levels + s->first_idx + i;
    bool there = i < s->cnt && at->price_e8 == level.price_e8;
    if (there && level.qty_e8) {
        s->sum_qty_e8 += (pw_i128)level.qty_e8 - at->qty_e8;
        at->qty_e8 = level.qty_e8;
    } else if (there) {
        erase(s, i);
    } else if (level.qty_e8) {
        pw_assert(i == s->cnt || key_of(at->price_e8, side) > key_of(level.price_e8, side));
        insert(book, side, i, level);
    } else {
        book->absent_cnt++;
    }
}

/* A side is cut if it has as many levels as the snapshot could tell: its range grows with them. */
static void begin_snapshot(struct pw_book *book, const struct pw_depth *depth)
{
    const uint32_t cnts[2] = {[PW_BUY] = depth->bid_cnt, [PW_SELL] = depth->ask_cnt};
    pw_book_clear(book);
    book->snapshot_id = depth->last_update_id;
    for (int side = 0; side < 2 && depth->level_cnt_max > 0; side++) {
        book->sides[side].end_key = cnts[side] >= depth->level_cnt_max ? INT64_MIN : INT64_MAX;
    }
}

static __attribute__((noinline)) void note_range(struct pw_book *book, enum pw_side side,
                                                 const struct pw_event *event)
{
    struct pw_book_side *s = &book->sides[side];
    for (int i = 0; i < (event->flags & PW_FLAG_PAIR ? 2 : 1); i++) {
        int64_t key = key_of(event->body.levels.level[i].price_e8, side);
        s->end_key = key > s->end_key ? key : s->end_key;
    }
    if (event->flags & PW_FLAG_LAST) {
        set_near(&book->sides[PW_BUY], PW_BUY);
        set_near(&book->sides[PW_SELL], PW_SELL);
    }
}

bool pw_book_is_known(const struct pw_book *book)
{
    bool known = true;
    for (int side = 0; side < 2; side++) {
        const struct pw_book_side *s = &book->sides[side];
        known &= s->cnt > 0 ? key_of(s->levels[s->first_idx].price_e8, (enum pw_side)side) <= s->end_key
                            : s->end_key == INT64_MAX;
    }
    return known;
}

uint64_t pw_book_outgrown(const struct pw_book *book)
{
    bool near_end = false;
    for (int side = 0; side < 2; side++) {
        const struct pw_book_side *s = &book->sides[side];
        near_end |= s->end_key != INT64_MAX && (s->cnt == 0 || key_of(s->levels[s->first_idx].price_e8,
                                                                      (enum pw_side)side) > s->near_key);
    }
    return book->synced && near_end ? book->snapshot_id : 0;
}

uint32_t pw_book_known_cnt(const struct pw_book *book, enum pw_side side)
{
    uint32_t cnt = book->sides[side].cnt;
    while (cnt > 0 && key_of(pw_book_at(book, side, cnt - 1)->price_e8, side) > book->sides[side].end_key) {
        cnt--;
    }
    return cnt;
}

bool pw_book_apply(struct pw_book *book, const struct pw_event *event)
{
    switch (event->kind) {
    case PW_EVENT_DEPTH:
        if (event->flags & PW_FLAG_STALE) {
            return false;
        }
        if (event->flags & PW_FLAG_SNAPSHOT) {
            begin_snapshot(book, &event->body.depth);
        }
        book->update_id = event->body.depth.last_update_id;
        book->depth_cnt++;
        return true;
    case PW_EVENT_LEVELS: {
        if (event->flags & PW_FLAG_STALE) {
            return false;
        }
        enum pw_side side = event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY;
        pw_book_set(book, side, event->body.levels.level[0]);
        if (event->flags & PW_FLAG_PAIR) {
            pw_book_set(book, side, event->body.levels.level[1]);
        }
        if (event->flags & PW_FLAG_SNAPSHOT) {
            note_range(book, side, event);
        }
        return true;
    }
    case PW_EVENT_BOOK_STATE:
        book->synced = event->body.state.state == PW_BOOK_SYNCED;
        return true;
    default:
        return false;
    }
}

uint32_t pw_book_top(const struct pw_book *book, enum pw_side side, struct pw_level *out, uint32_t n)
{
    uint32_t there = book->sides[side].cnt < n ? book->sides[side].cnt : n;
    memcpy(out, book->sides[side].levels + book->sides[side].first_idx, there * sizeof *out);
    memset(out + there, 0, (n - there) * sizeof *out);
    return there;
}
