/* SPDX-License-Identifier: MIT
 *
 * The book by itself: its rules one by one, and random changes against a book that is only a table of
 * quantities.
 */
#include "book.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct pw_book *make(uint32_t level_max)
{
    return pw_book_init(aligned_alloc(64, pw_book_bytes(level_max)), level_max);
}

static void set(struct pw_book *book, enum pw_side side, int64_t price, int64_t qty)
{
    pw_book_set(book, side, (struct pw_level){price, qty});
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

Test(book, sizes_out_of_range_need_no_memory)
{
    cr_expect_eq(pw_book_bytes(0), 0);
    cr_expect_eq(pw_book_bytes(PW_BOOK_LEVELS_MAX + 1), 0);
    cr_expect_neq(pw_book_bytes(1), 0);
    cr_expect_eq(pw_book_bytes(PW_BOOK_LEVELS_MAX) % 64, 0);
}

Test(book, an_empty_side_has_no_best)
{
    struct pw_book *book = make(4);
    cr_expect_eq(pw_book_best(book, PW_BUY).price_e8, 0);
    cr_expect_eq(pw_book_best(book, PW_SELL).qty_e8, 0);
    cr_expect_not(pw_book_crossed(book));
    free(book);
}

Test(book, bids_fall_and_asks_rise)
{
    struct pw_book *book = make(8);
    for (int64_t i = 1; i <= 5; i++) {
        set(book, PW_BUY, (i * 2) % 5 + 10, i);
        set(book, PW_SELL, (i * 2) % 5 + 20, i);
    }
    for (uint32_t i = 0; i < 5; i++) {
        cr_expect_eq(pw_book_at(book, PW_BUY, i)->price_e8, 14 - i);
        cr_expect_eq(pw_book_at(book, PW_SELL, i)->price_e8, 20 + i);
    }
    free(book);
}

Test(book, a_quantity_is_absolute_and_zero_removes)
{
    struct pw_book *book = make(8);
    set(book, PW_BUY, 10, 5);
    set(book, PW_BUY, 10, 7);
    cr_expect_eq(pw_book_best(book, PW_BUY).qty_e8, 7);
    cr_expect(pw_book_sum_qty_e8(book, PW_BUY) == 7);
    set(book, PW_BUY, 10, 0);
    cr_expect_eq(pw_book_level_cnt(book, PW_BUY), 0);
    set(book, PW_BUY, 10, 0);
    cr_expect_eq(book->absent_cnt, 1);
    cr_expect(pw_book_sum_qty_e8(book, PW_BUY) == 0);
    free(book);
}

Test(book, a_level_without_a_price_is_not_taken)
{
    struct pw_book *book = make(8);
    set(book, PW_BUY, 0, 5);
    set(book, PW_SELL, -1, 5);
    set(book, PW_SELL, 1, -5);
    cr_expect_eq(pw_book_level_cnt(book, PW_BUY) + pw_book_level_cnt(book, PW_SELL), 0);
    free(book);
}

Test(book, the_worst_level_falls_out_of_a_full_side)
{
    struct pw_book *book = make(3);
    for (int64_t price = 1; price <= 5; price++) {
        set(book, PW_BUY, price, price);
    }
    cr_expect_eq(pw_book_level_cnt(book, PW_BUY), 3);
    cr_expect_eq(pw_book_at(book, PW_BUY, 2)->price_e8, 3);
    cr_expect_eq(book->dropped_cnt, 2);
    set(book, PW_BUY, 2, 9); /* worse than all that are there: it is the one to go */
    cr_expect_eq(pw_book_at(book, PW_BUY, 2)->price_e8, 3);
    cr_expect_eq(book->dropped_cnt, 3);
    cr_expect(pw_book_sum_qty_e8(book, PW_BUY) == 3 + 4 + 5);
    free(book);
}

Test(book, sums_are_exact_beyond_64_bits)
{
    struct pw_book *book = make(4);
    set(book, PW_BUY, 1, INT64_MAX);
    set(book, PW_BUY, 2, INT64_MAX);
    set(book, PW_BUY, 3, INT64_MAX);
    cr_expect(pw_book_sum_qty_e8(book, PW_BUY) == (pw_i128)INT64_MAX * 3);
    free(book);
}

Test(book, it_is_crossed_when_bid_meets_ask)
{
    struct pw_book *book = make(4);
    set(book, PW_BUY, 10, 1);
    set(book, PW_SELL, 11, 1);
    cr_expect_not(pw_book_crossed(book));
    set(book, PW_BUY, 11, 1);
    cr_expect(pw_book_crossed(book));
    free(book);
}

static struct pw_event levels(uint8_t flags, int64_t price, int64_t qty, int64_t price1, int64_t qty1)
{
    return (struct pw_event){
        .kind = PW_EVENT_LEVELS, .flags = flags, .body.levels = {.level = {{price, qty}, {price1, qty1}}}};
}

Test(book, a_snapshot_replaces_and_stale_events_do_nothing)
{
    struct pw_book *book = make(8);
    struct pw_event depth = {.kind = PW_EVENT_DEPTH, .body.depth.last_update_id = 7};
    struct pw_event pair = levels(PW_FLAG_PAIR, 10, 1, 9, 2);
    struct pw_event one = levels(PW_FLAG_SELL, 11, 3, 12, 4);
    cr_expect(pw_book_apply(book, &depth));
    cr_expect(pw_book_apply(book, &pair));
    cr_expect(pw_book_apply(book, &one));
    cr_expect_eq(pw_book_level_cnt(book, PW_BUY), 2);
    cr_expect_eq(pw_book_level_cnt(book, PW_SELL), 1);
    cr_expect_eq(book->update_id, 7);

    depth.flags = PW_FLAG_STALE | PW_FLAG_SNAPSHOT;
    pair.flags |= PW_FLAG_STALE;
    depth.body.depth.last_update_id = 8;
    cr_expect_not(pw_book_apply(book, &depth));
    cr_expect_not(pw_book_apply(book, &pair));
    cr_expect_eq(pw_book_level_cnt(book, PW_BUY), 2);
    cr_expect_eq(book->update_id, 7);

    depth.flags = PW_FLAG_SNAPSHOT;
    cr_expect(pw_book_apply(book, &depth));
    cr_expect_eq(pw_book_level_cnt(book, PW_BUY) + pw_book_level_cnt(book, PW_SELL), 0);
    cr_expect_eq(book->update_id, 8);
    free(book);
}

Test(book, its_state_says_whether_it_may_be_trusted)
{
    struct pw_book *book = make(1);
    struct pw_event state = {.kind = PW_EVENT_BOOK_STATE, .body.state.state = PW_BOOK_SYNCED};
    cr_expect_not(book->synced);
    cr_expect(pw_book_apply(book, &state));
    cr_expect(book->synced);
    state.body.state.state = PW_BOOK_UNSYNCED;
    pw_book_apply(book, &state);
    cr_expect_not(book->synced);
    cr_expect_not(pw_book_apply(book, &(struct pw_event){.kind = PW_EVENT_TRADE}));
    free(book);
}

/* ---- against a table ---- */

#define PRICES 64

struct table {
    int64_t qty[2][PRICES];
};

/* The table's level_max best levels are the book's; the others have fallen out of both. */
static void trim(struct table *table, enum pw_side side, uint32_t level_max)
{
    uint32_t cnt = 0;
    for (int i = 0; i < PRICES; i++) {
        int price = side == PW_BUY ? PRICES - 1 - i : i;
        cnt += table->qty[side][price] != 0;
        if (cnt > level_max) {
            table->qty[side][price] = 0;
        }
    }
}

static void compare(const struct pw_book *book, const struct table *table, enum pw_side side)
{
    uint32_t at = 0;
    pw_i128 sum = 0;
    for (int i = 0; i < PRICES; i++) {
        int price = side == PW_BUY ? PRICES - 1 - i : i;
        if (table->qty[side][price] == 0) {
            continue;
        }
        cr_assert(at < pw_book_level_cnt(book, side));
        cr_assert_eq(pw_book_at(book, side, at)->price_e8, price);
        cr_assert_eq(pw_book_at(book, side, at)->qty_e8, table->qty[side][price]);
        sum += table->qty[side][price];
        at++;
    }
    cr_assert_eq(at, pw_book_level_cnt(book, side));
    cr_assert(sum == pw_book_sum_qty_e8(book, side));
}

Test(book, random_changes_agree_with_a_plain_table)
{
    for (uint32_t level_max = 1; level_max <= 40; level_max += 3) {
        struct pw_book *book = make(level_max);
        struct table table = {0};
        uint64_t seed = 88172645463325252 + level_max;
        for (int i = 0; i < 20000; i++) {
            enum pw_side side = next_random(&seed) % 2 ? PW_SELL : PW_BUY;
            int64_t price = 1 + (int64_t)(next_random(&seed) % (PRICES - 1));
            int64_t qty = next_random(&seed) % 3 ? (int64_t)(next_random(&seed) % 100) : 0;
            set(book, side, price, qty);
            table.qty[side][price] = qty;
            trim(&table, side, level_max);
            compare(book, &table, side);
        }
        free(book);
    }
}

/* The run of levels drifts through its buffer and must be put back into the middle, many times. */
Test(book, a_drifting_market_stays_in_its_buffer)
{
    struct pw_book *book = make(16);
    for (int64_t i = 1; i < 5000; i++) {
        set(book, PW_SELL, i, i);
        if (i > 10) {
            set(book, PW_SELL, i - 10, 0);
        }
        cr_assert_eq(pw_book_best(book, PW_SELL).price_e8, i > 10 ? i - 9 : 1);
    }
    cr_expect_eq(pw_book_level_cnt(book, PW_SELL), 10);
    cr_expect_eq(book->dropped_cnt, 0);
    free(book);
}
