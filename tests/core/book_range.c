/* SPDX-License-Identifier: MIT
 *
 * How far a book is known: a snapshot that ends somewhere, a full side, and a price that runs away from both,
 * held against the whole book of a model venue.
 */
/* cases/08-book-beyond-the-snapshot */
#include "book.h"
#include "booksync.h"
#include "guard.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define TICKS   4096u /* prices of the venue's book */
#define RUN_MAX 128u

static struct pw_book *g_book;

static void make_book(uint32_t level_max)
{
    g_book = pw_book_init(aligned_alloc(64, pw_book_bytes(level_max)), level_max);
}

static void apply_depth(uint64_t id, uint8_t flags, uint32_t bid_cnt, uint32_t ask_cnt,
                        uint64_t level_cnt_max)
{
    struct pw_event event = {.kind = PW_EVENT_DEPTH, .flags = flags};
    event.body.depth = (struct pw_depth){id, id, 0, bid_cnt, ask_cnt, level_cnt_max};
    pw_book_apply(g_book, &event);
}

static void apply_level(enum pw_side side, int64_t price_e8, int64_t qty_e8, uint8_t flags)
{
    struct pw_event event = {.kind = PW_EVENT_LEVELS, .flags = flags};
    event.flags |= side == PW_SELL ? PW_FLAG_SELL : 0;
    event.body.levels.level[0] = (struct pw_level){price_e8, qty_e8};
    pw_book_apply(g_book, &event);
}

static void apply_synced(void)
{
    struct pw_event event = {.kind = PW_EVENT_BOOK_STATE};
    event.body.state.state = PW_BOOK_SYNCED;
    pw_book_apply(g_book, &event);
}

/* Bids 100, 99, ...; asks 101, 102, ... */
static void snapshot(uint32_t bid_cnt, uint32_t ask_cnt, uint64_t level_cnt_max)
{
    apply_depth(7, PW_FLAG_SNAPSHOT, bid_cnt, ask_cnt, level_cnt_max);
    for (uint32_t i = 0; i < bid_cnt; i++) {
        apply_level(PW_BUY, 100 - i, 1,
                    PW_FLAG_SNAPSHOT | (i + 1 == bid_cnt && ask_cnt == 0 ? PW_FLAG_LAST : 0));
    }
    for (uint32_t i = 0; i < ask_cnt; i++) {
        apply_level(PW_SELL, 101 + i, 1, PW_FLAG_SNAPSHOT | (i + 1 == ask_cnt ? PW_FLAG_LAST : 0));
    }
    apply_synced();
}

Test(book_range, beyond_a_cut_snapshot_nothing_is_known)
{
    make_book(64);
    snapshot(5, 5, 5); /* asks 101 to 105 */
    cr_expect(pw_book_in_sync(g_book));
    cr_expect_eq(pw_book_outgrown(g_book), 0);
    apply_level(PW_SELL, 500, 3, 0);
    cr_expect_eq(pw_book_level_cnt(g_book, PW_SELL), 6);
    cr_expect_eq(pw_book_known_cnt(g_book, PW_SELL), 5, "what lies beyond is kept, but is no knowledge");
    for (int64_t price = 101; price < 105; price++) {
        apply_level(PW_SELL, price, 0, 0);
        cr_expect(pw_book_in_sync(g_book), "%lld", (long long)price);
    }
    cr_expect_eq(pw_book_outgrown(g_book), 7, "one level is left before the end");
    apply_level(PW_SELL, 105, 0, 0);
    cr_expect_not(pw_book_in_sync(g_book), "500 is not the best ask");
    cr_expect_eq(pw_book_known_cnt(g_book, PW_SELL), 0);
    cr_expect_eq(pw_book_outgrown(g_book), 7);
    apply_level(PW_SELL, 103, 1, 0);
    cr_expect(pw_book_in_sync(g_book), "within the range all changes are known");
    free(g_book);
}

Test(book_range, both_sides_have_an_end)
{
    make_book(64);
    snapshot(5, 5, 5); /* bids 100 to 96 */
    apply_level(PW_BUY, 10, 3, 0);
    for (int64_t price = 100; price > 95; price--) {
        cr_expect(pw_book_in_sync(g_book), "%lld", (long long)price);
        apply_level(PW_BUY, price, 0, 0);
    }
    cr_expect_not(pw_book_in_sync(g_book));
    cr_expect_eq(pw_book_outgrown(g_book), 7);
    apply_level(PW_BUY, 10, 0, 0);
    cr_expect_not(pw_book_in_sync(g_book), "a side that looks empty need not be");
    snapshot(5, 5, 5);
    cr_expect(pw_book_in_sync(g_book));
    cr_expect_eq(pw_book_outgrown(g_book), 0);
    free(g_book);
}

Test(book_range, a_snapshot_that_told_all_has_no_end)
{
    make_book(64);
    snapshot(4, 5, 5); /* all bids, but perhaps not all asks */
    for (int64_t price = 100; price > 96; price--) {
        apply_level(PW_BUY, price, 0, 0);
    }
    cr_expect(pw_book_in_sync(g_book), "an empty side that is known is known");
    apply_level(PW_BUY, 3, 1, 0);
    cr_expect(pw_book_in_sync(g_book));
    cr_expect_eq(pw_book_outgrown(g_book), 0);
    snapshot(5, 5, 0); /* of an earlier journal: nothing is known of an end */
    for (int64_t price = 101; price < 106; price++) {
        apply_level(PW_SELL, price, 0, 0);
    }
    cr_expect(pw_book_in_sync(g_book));
    free(g_book);
}

Test(book_range, a_full_side_is_known_up_to_what_fell_out)
{
    make_book(4);
    snapshot(3, 3, 0); /* asks 101 to 103 */
    apply_level(PW_SELL, 110, 1, 0);
    cr_expect_eq(pw_book_known_cnt(g_book, PW_SELL), 4);
    apply_level(PW_SELL, 120, 1, 0); /* no room */
    cr_expect_eq(pw_book_known_cnt(g_book, PW_SELL), 4);
    apply_level(PW_SELL, 105, 1, 0); /* 110 falls out */
    cr_expect_eq(pw_book_known_cnt(g_book, PW_SELL), 4);
    apply_level(PW_SELL, 130, 1, 0);
    for (int64_t price = 101; price < 106; price++) {
        apply_level(PW_SELL, price, 0, 0);
    }
    apply_level(PW_SELL, 130, 1, 0);
    cr_expect_not(pw_book_in_sync(g_book), "110 was at the venue all the time");
    cr_expect_eq(pw_book_outgrown(g_book), 7);
    free(g_book);
}

/* ---- a price that walks, against the whole book ---- */

struct venue {
    int64_t qty[TICKS]; /* by price: bids below `middle`, asks from it on */
    uint32_t middle;
    uint64_t id;
};

struct walk {
    uint64_t seed, first_seed;
    uint32_t limit;
    bool futures;
    struct venue venue;
    struct pw_booksync *sync;
    uint32_t checked_cnt, unsynced_cnt, renewal_cnt;
};

static struct walk g_walk;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(test_random(&g_walk.seed) % below);
}

static void put_level(struct pw_event *run, uint32_t *cnt, enum pw_side side, uint32_t price, int64_t qty)
{
    run[*cnt] = (struct pw_event){.kind = PW_EVENT_LEVELS, .flags = side == PW_SELL ? PW_FLAG_SELL : 0};
    run[(*cnt)++].body.levels.level[0] = (struct pw_level){price, qty};
}

static void finish_run(struct pw_event *run, uint32_t cnt, struct pw_depth depth, uint8_t flags)
{
    run[0] = (struct pw_event){.kind = PW_EVENT_DEPTH, .body.depth = depth};
    for (uint32_t i = 0; i < cnt; i++) {
        run[i].flags |= flags;
        run[0].body.depth.bid_cnt += i > 0 && !(run[i].flags & PW_FLAG_SELL);
        run[0].body.depth.ask_cnt += i > 0 && run[i].flags & PW_FLAG_SELL;
    }
    run[cnt - 1].flags |= PW_FLAG_LAST;
}

/* The price moves by up to three ticks, which clears what is in its way; a few levels change near it. */
static uint32_t venue_update(struct pw_event *run, int drift)
{
    struct venue *venue = &g_walk.venue;
    uint32_t cnt = 1, to = (uint32_t)((int64_t)venue->middle + drift * (int64_t)pick(4));
    to = to < 200 ? 200 : to > TICKS - 200 ? TICKS - 200 : to;
    while (venue->middle != to) {
        bool up = to > venue->middle;
        uint32_t price = up ? venue->middle : venue->middle - 1;
        if (venue->qty[price] != 0) {
            put_level(run, &cnt, up ? PW_SELL : PW_BUY, price, 0);
            venue->qty[price] = 0;
        }
        venue->middle = up ? venue->middle + 1 : price;
    }
    for (uint32_t i = pick(12); i > 0; i--) {
        uint32_t price = venue->middle - 100 + pick(200);
        venue->qty[price] = pick(4) == 0 ? 0 : 1 + pick(100);
        put_level(run, &cnt, price >= venue->middle ? PW_SELL : PW_BUY, price, venue->qty[price]);
    }
    struct pw_depth depth = {.first_update_id = venue->id + 1, .last_update_id = venue->id + 1 + pick(3)};
    depth.prev_update_id = g_walk.futures ? venue->id : 0;
    venue->id = depth.last_update_id;
    finish_run(run, cnt, depth, 0);
    return cnt;
}

static uint32_t venue_snapshot(struct pw_event *run)
{
    const struct venue *venue = &g_walk.venue;
    uint32_t cnt = 1, told = 0;
    for (uint32_t price = venue->middle; price-- > 0 && told < g_walk.limit;) {
        if (venue->qty[price] != 0) {
            put_level(run, &cnt, PW_BUY, price, venue->qty[price]);
            told++;
        }
    }
    told = 0;
    for (uint32_t price = venue->middle; price < TICKS && told < g_walk.limit; price++) {
        if (venue->qty[price] != 0) {
            put_level(run, &cnt, PW_SELL, price, venue->qty[price]);
            told++;
        }
    }
    finish_run(run, cnt, (struct pw_depth){venue->id, venue->id, 0, 0, 0, g_walk.limit}, PW_FLAG_SNAPSHOT);
    return cnt;
}

static void see(const struct pw_event *events, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        pw_book_apply(g_book, &events[i]);
    }
}

static void pull(void)
{
    struct pw_event out[16];
    for (uint32_t n; (n = pw_booksync_pull(g_walk.sync, out, 16)) > 0;) {
        see(out, n);
    }
}

/* All levels in the known range are the venue's, none is missing, and the best is the best. */
static void check_side(enum pw_side side)
{
    const struct venue *venue = &g_walk.venue;
    uint32_t known = pw_book_known_cnt(g_book, side), price = venue->middle - (side == PW_BUY);
    cr_assert_gt(known, 0, "seed %llu", (unsigned long long)g_walk.first_seed);
    for (uint32_t i = 0; i < known; i++) {
        while (venue->qty[price] == 0) {
            price += side == PW_BUY ? -1u : 1u;
        }
        const struct pw_level *level = pw_book_at(g_book, side, i);
        cr_assert(level->price_e8 == (int64_t)price && level->qty_e8 == venue->qty[price],
                  "seed %llu: level %u of %s is at %lld, the venue's at %u",
                  (unsigned long long)g_walk.first_seed, i, side == PW_BUY ? "bids" : "asks",
                  (long long)level->price_e8, price);
        price += side == PW_BUY ? -1u : 1u;
    }
}

static void walk_step(int drift)
{
    static struct pw_event run[2 * RUN_MAX];
    uint32_t cnt = venue_update(run, drift);
    bool passes = pw_booksync_take(g_walk.sync, run, cnt);
    pull();
    see(run, passes ? cnt : 0);
    if (pw_book_in_sync(g_book)) {
        check_side(PW_BUY);
        check_side(PW_SELL);
        g_walk.checked_cnt++;
    } else {
        g_walk.unsynced_cnt++;
    }
    uint64_t outgrown_id = pick(3) == 0 ? pw_book_outgrown(g_book) : 0; /* seen a little later */
    if (outgrown_id != 0 && pw_booksync_renew(g_walk.sync, 0, outgrown_id, 1)) {
        pull();
        cr_assert_not(pw_book_in_sync(g_book), "until the snapshot has come");
        cr_assert_not(pw_booksync_renew(g_walk.sync, 0, outgrown_id, 1), "once is enough");
        g_walk.renewal_cnt++;
    }
    if (pw_booksync_wanted_cnt(g_walk.sync) > 0 && pick(3) == 0) {
        cr_assert_eq(pw_booksync_wanted(g_walk.sync), 0);
        venue_snapshot(run);
        pw_booksync_snapshot(g_walk.sync, run, run[0].body.depth.bid_cnt + run[0].body.depth.ask_cnt + 1);
        pull();
    }
}

static void walk(uint64_t seed, uint32_t limit, bool futures)
{
    struct pw_booksync_config config = {
        .rule = futures ? PW_BOOK_PREV_ID : PW_BOOK_FIRST_ID, .instrument_cnt = 1, .hold_events = 4096};
    size_t bytes = (pw_booksync_bytes(&config) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    g_walk = (struct walk){.seed = seed, .first_seed = seed, .limit = limit, .futures = futures};
    g_walk.sync = pw_booksync_init(memory, &config);
    g_walk.venue.middle = TICKS / 2;
    g_walk.venue.id = 1000;
    for (uint32_t i = 0; i < TICKS; i++) {
        g_walk.venue.qty[i] = pick(3) == 0 ? 0 : 1 + pick(100);
    }
    make_book(1024);
    for (uint32_t step = 0; step < 3000; step++) {
        walk_step(step / 700 % 2 ? -1 : 1); /* tens of percent up, and down again */
    }
    cr_assert_gt(g_walk.checked_cnt, 1000, "seed %llu: in sync %u times", (unsigned long long)seed,
                 g_walk.checked_cnt);
    cr_assert_gt(g_walk.renewal_cnt, 15, "seed %llu: %u", (unsigned long long)seed, g_walk.renewal_cnt);
    free(memory);
    free(g_book);
}

Test(book_range, a_book_in_sync_is_the_venues_however_far_the_price_walks)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        walk(seed, 20, seed % 2);
        walk(seed, 60, seed % 2);
    }
}
