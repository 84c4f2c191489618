/* SPDX-License-Identifier: MIT
 *
 * Book synchronisation: the venue's rule case by case, and seeded faults against a model of the venue: every
 * update comes out exactly once, and a synchronised book is the venue's book.
 */
#include "booksync.h"

#include "guard.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- one book, its output as text ---- */

static struct pw_booksync *g_sync;
static void *g_memory;
static char
    g_log[4096]; /* what has come out: "S100 101-105 !99-100 gap(106-109) unsynced:sequence synced:105" */

static void make(bool futures, uint32_t hold_events)
{
    struct pw_booksync_config config = {.feed_idx = 2,
                                        .rule = futures ? PW_BOOK_PREV_ID : PW_BOOK_FIRST_ID,
                                        .instrument_cnt = 4,
                                        .hold_events = hold_events};
    g_memory = aligned_alloc(64, (pw_booksync_bytes(&config) + 63) / 64 * 64);
    memset(g_memory, 0, pw_booksync_bytes(&config));
    g_sync = pw_booksync_init(g_memory, &config);
    g_log[0] = '\0';
}

static void unmake(void)
{
    free(g_memory);
}

TestSuite(booksync, .fini = unmake);

static void log_event(const struct pw_event *event)
{
    static uint32_t levels_due;
    char *out = g_log + strlen(g_log);
    const char *gap = g_log[0] != '\0' ? " " : "";
    switch (event->kind) {
    case PW_EVENT_DEPTH:
        cr_assert_eq(levels_due, 0, "a message begins inside another");
        levels_due = event->body.depth.bid_cnt + event->body.depth.ask_cnt;
        if (event->flags & PW_FLAG_SNAPSHOT) {
            sprintf(out, "%sS%llu", gap, (unsigned long long)event->body.depth.last_update_id);
        } else {
            sprintf(out, "%s%s%llu-%llu", gap, event->flags & PW_FLAG_STALE ? "!" : "",
                    (unsigned long long)event->body.depth.first_update_id,
                    (unsigned long long)event->body.depth.last_update_id);
        }
        break;
    case PW_EVENT_LEVELS:
        cr_assert_geq(levels_due, event->flags & PW_FLAG_PAIR ? 2 : 1);
        levels_due -= event->flags & PW_FLAG_PAIR ? 2 : 1;
        cr_assert_eq((event->flags & PW_FLAG_LAST) != 0, levels_due == 0);
        break;
    case PW_EVENT_GAP:
        cr_assert_eq(event->body.gap.feed_idx, 2);
        if (event->body.gap.reason == PW_REASON_DISCONNECT) {
            sprintf(out, "%sdown", gap);
        } else {
            sprintf(out, "%sgap(%llu-%llu:%llu)", gap, (unsigned long long)event->body.gap.first,
                    (unsigned long long)event->body.gap.last, (unsigned long long)event->body.gap.lost_cnt);
        }
        break;
    case PW_EVENT_BOOK_STATE:
        cr_assert_eq(event->body.state.feed_idx, 2);
        sprintf(out, "%s%s:%llu", gap,
                event->body.state.state == PW_BOOK_SYNCED           ? "synced"
                : event->body.state.reason == PW_REASON_SEQUENCE    ? "unsynced(sequence)"
                : event->body.state.reason == PW_REASON_DISCONNECT  ? "unsynced(disconnect)"
                : event->body.state.reason == PW_REASON_BUFFER_FULL ? "unsynced(full)"
                                                                    : "unsynced(?)",
                (unsigned long long)event->body.state.last_update_id);
        break;
    default:
        sprintf(out, "%sT%llu", gap, (unsigned long long)event->body.trade.trade_id);
    }
}

/* In pieces of three events, so that each kind of output is cut somewhere. */
static void pull(void)
{
    struct pw_event out[3];
    bool has_output = pw_booksync_has_output(g_sync);
    for (uint32_t n; (n = pw_booksync_pull(g_sync, out, 3)) > 0;) {
        cr_assert(has_output, "what is pulled was announced");
        has_output = pw_booksync_has_output(g_sync);
        for (uint32_t i = 0; i < n; i++) {
            log_event(&out[i]);
        }
    }
}

/* DEPTH and LEVELS for level_cnt bids; returns how many events. */
static uint32_t make_run(struct pw_event *run, uint16_t instrument_idx, struct pw_depth depth,
                         uint32_t level_cnt, uint8_t flags)
{
    uint32_t cnt = 1 + (level_cnt + 1) / 2;
    depth.bid_cnt = level_cnt;
    memset(run, 0, cnt * sizeof *run);
    for (uint32_t i = 0; i < cnt; i++) {
        run[i] = (struct pw_event){
            .instrument_idx = instrument_idx, .kind = PW_EVENT_LEVELS, .flags = flags, .recv_ns = 5};
        run[i].flags |= i > 0 && 2 * i <= level_cnt ? PW_FLAG_PAIR : 0;
    }
    run[0].kind = PW_EVENT_DEPTH;
    run[0].body.depth = depth;
    run[cnt - 1].flags |= PW_FLAG_LAST;
    return cnt;
}

static void take(struct pw_event *run, uint32_t cnt)
{
    bool passes = pw_booksync_take(g_sync, run, cnt);
    pull();
    for (uint32_t i = 0; passes && i < cnt; i++) {
        log_event(&run[i]);
    }
}

static void update_of(uint16_t instrument_idx, uint64_t first, uint64_t last, uint64_t prev)
{
    struct pw_event run[8];
    take(run, make_run(run, instrument_idx, (struct pw_depth){first, last, prev, 0, 0, 0}, 3, 0));
}

static void update(uint64_t first, uint64_t last)
{
    update_of(0, first, last, 0);
}

static bool snapshot(uint64_t id)
{
    static struct pw_event run[16];
    bool used = pw_booksync_snapshot(
        g_sync, run, make_run(run, 0, (struct pw_depth){id, id, 0, 0, 0, 0}, 20, PW_FLAG_SNAPSHOT));
    pull();
    return used;
}

/* What has come out since the last time. */
static void assert_out(const char *expected)
{
    cr_assert_str_eq(g_log, expected);
    g_log[0] = '\0';
}

static void assert_wanted(bool wanted)
{
    cr_assert_eq(pw_booksync_wanted(g_sync), wanted ? 0 : PW_NO_INSTRUMENT);
    cr_assert_eq(pw_booksync_wanted(g_sync), PW_NO_INSTRUMENT, "asked for twice");
}

Test(booksync, held_updates_follow_the_snapshot_and_those_in_it_are_stale)
{
    make(false, 1000);
    assert_wanted(false);
    update(90, 95);
    assert_wanted(true);
    update(96, 100);
    update(101, 105);
    update(106, 106);
    assert_wanted(false);
    assert_out("");
    cr_assert_eq(pw_booksync_held(g_sync), 12);
    cr_assert(snapshot(102));
    assert_out("S102 !90-95 !96-100 101-105 106-106 synced:106");
    cr_assert_eq(pw_booksync_held(g_sync), 0);
    update(107, 109);
    update(110, 110);
    assert_out("107-109 110-110");
}

Test(booksync, a_snapshot_older_than_the_first_update_is_asked_for_again)
{
    make(false, 1000);
    update(90, 95);
    assert_wanted(true);
    cr_assert_not(snapshot(88));
    assert_out("");
    assert_wanted(true);
    cr_assert(snapshot(89)); /* the update follows on it directly */
    assert_out("S89 90-95 synced:95");
    assert_wanted(false);
}

Test(booksync, a_snapshot_newer_than_all_updates_waits_for_the_next)
{
    make(false, 1000);
    update(90, 95);
    cr_assert(snapshot(103));
    assert_out("S103 !90-95 synced:103");
    update(96, 100);
    update(101, 103);
    update(104, 104);
    assert_out("!96-100 !101-103 104-104");
}

Test(booksync, an_update_that_straddles_the_snapshot_is_applied)
{
    make(false, 1000);
    update(90, 95);
    cr_assert(snapshot(100));
    update(96, 105);
    assert_out("S100 !90-95 synced:100 96-105");
}

Test(booksync, a_jump_of_ids_unsyncs_and_begins_again)
{
    make(false, 1000);
    update(90, 95);
    assert_wanted(true);
    cr_assert(snapshot(95));
    update(96, 96);
    assert_out("S95 !90-95 synced:95 96-96");
    update(99, 100);
    assert_out("gap(97-98:2) unsynced(sequence):96");
    assert_wanted(true);
    update(101, 101);
    cr_assert(snapshot(100));
    assert_out("S100 !99-100 101-101 synced:101");
}

Test(booksync, a_recorded_jump_is_found)
{
    make(false, 1000); /* examples 16 to 18 of the venue's messages */
    update(499869750, 499869752);
    cr_assert(snapshot(499869752));
    update(499869753, 499869754);
    update(499869760, 499869760);
    assert_out("S499869752 !499869750-499869752 synced:499869752 499869753-499869754 "
               "gap(499869755-499869759:5) unsynced(sequence):499869754");
}

Test(booksync, a_jump_while_waiting_gives_up_what_is_held)
{
    make(false, 1000);
    update(90, 95);
    update(98, 99);
    assert_out("gap(96-97:2) !90-95");
    assert_wanted(true); /* once: the answer may still reach */
    cr_assert_not(snapshot(95));
    cr_assert(snapshot(97));
    assert_out("S97 98-99 synced:99");
}

Test(booksync, a_repeated_update_is_for_the_record_only)
{
    make(false, 1000);
    update(90, 95);
    update(90, 95);
    update(92, 94);
    update(94, 97); /* overlaps and goes on: quantities are absolute */
    cr_assert(snapshot(89));
    assert_out("S89 90-95 !90-95 !92-94 94-97 synced:97");
    update(96, 97);
    update(97, 98);
    assert_out("!96-97 97-98");
}

Test(booksync, a_disconnect_empties_all_books_of_the_feed)
{
    make(false, 1000);
    pw_booksync_down(g_sync, 9);
    pull();
    assert_out(""); /* nothing had come: nothing is missing */
    update_of(1, 5, 6, 0);
    update_of(0, 90, 95, 0);
    cr_assert(snapshot(95));
    update_of(3, 7, 8, 0);
    assert_out("S95 !90-95 synced:95");
    pw_booksync_down(g_sync, 9);
    pull();
    assert_out("down unsynced(disconnect):95 !5-6 !7-8");
    cr_assert_eq(pw_booksync_wanted(g_sync), PW_NO_INSTRUMENT);
    pw_booksync_down(g_sync, 10);
    pull();
    assert_out("");
    cr_assert_not(snapshot(96)); /* asked for before */
    update(110, 111);
    assert_wanted(true);
    cr_assert(snapshot(109));
    assert_out("S109 110-111 synced:111");
}

Test(booksync, a_snapshot_that_nobody_waits_for_is_dropped)
{
    make(false, 1000);
    cr_assert_not(snapshot(50));
    update(90, 95);
    cr_assert(snapshot(95));
    cr_assert_not(snapshot(96));
    assert_out("S95 !90-95 synced:95");
    assert_wanted(false);
}

/* Three updates of 3 events fit a block of 16 with room for 7 more; the pool has two blocks. */
Test(booksync, a_full_pool_gives_up_what_its_book_held)
{
    make(false, 32);
    for (uint64_t id = 90; id < 100; id++) {
        update(id, id);
    }
    assert_out("");
    update(100, 100);
    assert_out(
        "!90-90 !91-91 !92-92 !93-93 !94-94 !95-95 !96-96 !97-97 !98-98 !99-99 unsynced(full):100 !100-100");
    update(101, 101);
    cr_assert_eq(pw_booksync_held(g_sync), 3);
    cr_assert_not(snapshot(99));
    cr_assert(snapshot(100));
    assert_out("S100 101-101 synced:101");
}

Test(booksync, a_book_without_room_passes_its_updates_as_stale)
{
    make(false, 16);
    for (uint64_t id = 1; id <= 5; id++) {
        update_of(1, id, id, 0);
    }
    update(90, 95);
    update(96, 97);
    assert_out("!90-95 !96-97");
    cr_assert_eq(pw_booksync_wanted(g_sync), 0);
    cr_assert_not(snapshot(96)); /* what follows could not be known to follow on it */
    cr_assert(snapshot(97));
    assert_out("S97 synced:97");
    update(98, 98);
    assert_out("98-98");
}

Test(booksync, when_the_engine_stops_held_updates_go_out)
{
    make(false, 1000);
    update_of(1, 5, 6, 0);
    update(90, 95);
    cr_assert(snapshot(95));
    assert_out("S95 !90-95 synced:95");
    pw_booksync_stop(g_sync);
    pull();
    assert_out("!5-6");
    update(96, 97);
    assert_out("96-97");
}

/* Examples 127 to 129 of the venue's messages: pu, and not U, says what follows. */
Test(booksync, futures_follow_by_pu)
{
    make(true, 1000);
    update_of(0, 600859599090, 600859600917, 600859598061);
    cr_assert(snapshot(600859600000));
    update_of(0, 600859601193, 600859602861, 600859600917);
    assert_out("S600859600000 600859599090-600859600917 synced:600859600917 600859601193-600859602861");
    update_of(0, 600859603343, 600859604824, 600859602862);
    assert_out("gap(600859602862-600859602862:0) unsynced(sequence):600859602861");
    assert_wanted(true);
}

Test(booksync, futures_join_a_snapshot_that_ends_with_an_update)
{
    make(true, 1000);
    update_of(0, 80, 90, 70);
    update_of(0, 95, 100, 90);
    update_of(0, 105, 110, 100);
    cr_assert(snapshot(100)); /* u == L is applied again, by the venue's rule */
    assert_out("S100 !80-90 95-100 105-110 synced:110");
    update_of(0, 111, 115, 110);
    assert_out("111-115");
}

Test(booksync, futures_join_a_snapshot_between_two_updates)
{
    make(true, 1000);
    update_of(0, 80, 90, 70);
    cr_assert(snapshot(102));
    update_of(0, 95, 100, 90);
    update_of(0, 105, 110, 100); /* U is beyond the snapshot, but nothing lies between pu and U */
    update_of(0, 120, 121, 110);
    assert_out("S102 !80-90 synced:102 !95-100 105-110 120-121");
}

Test(booksync, a_futures_snapshot_older_than_the_first_update_is_asked_for_again)
{
    make(true, 1000);
    update_of(0, 80, 90, 70);
    assert_wanted(true);
    cr_assert_not(snapshot(69));
    assert_wanted(true);
    cr_assert(snapshot(70));
    assert_out("S70 80-90 synced:90");
}

Test(booksync, futures_that_join_nothing_begin_again)
{
    make(true, 1000);
    update_of(0, 80, 90, 70);
    cr_assert(snapshot(102));
    update_of(0, 120, 130, 115);
    assert_out("S102 !80-90 synced:102 gap(103-115:0) unsynced(sequence):102");
}

static void trade(enum pw_event_kind kind, uint64_t id)
{
    struct pw_event event = {.kind = (uint8_t)kind, .instrument_idx = 0};
    event.body.trade.trade_id = kind == PW_EVENT_TRADE ? id : 0;
    event.body.agg_trade.agg_id = kind == PW_EVENT_AGG_TRADE ? id : event.body.agg_trade.agg_id;
    bool passes = pw_booksync_take(g_sync, &event, 1);
    cr_assert(passes);
    pull();
    log_event(&event);
}

Test(booksync, a_message_may_hold_several_trades)
{
    static const uint64_t ids[] = {10, 11, 14, 15, 17};
    struct pw_event run[5];
    make(false, 1000);
    for (uint32_t i = 0; i < 5; i++) {
        run[i] = (struct pw_event){.kind = PW_EVENT_TRADE, .body.trade.trade_id = ids[i]};
    }
    take(run, 2);
    take(run + 2, 3);
    trade(PW_EVENT_TRADE, 18);
    assert_out("T10 T11 gap(12-16:3) T14 T15 T17 T18");
}

Test(booksync, holes_in_trade_ids_are_told_also_across_a_disconnect)
{
    make(false, 16);
    trade(PW_EVENT_TRADE, 10);
    trade(PW_EVENT_TRADE, 11);
    trade(PW_EVENT_TRADE, 15);
    trade(PW_EVENT_TRADE, 15);
    trade(PW_EVENT_TRADE, 14);
    trade(PW_EVENT_TRADE, 16);
    assert_out("T10 T11 gap(12-14:3) T15 T15 T14 T16");
    trade(PW_EVENT_AGG_TRADE, 500);
    g_log[0] = '\0';
    trade(PW_EVENT_AGG_TRADE, 502);
    cr_assert(strncmp(g_log, "gap(501-501:1) ", 15) == 0, "%s", g_log);
    g_log[0] = '\0';
    pw_booksync_down(g_sync, 1);
    pull();
    trade(PW_EVENT_TRADE, 20);
    assert_out("down gap(17-19:3) T20");
}

/* ---- seeded faults ---- */

#define PRICES      24u
#define UPDATES     400u
#define PENDING_MAX 8u
#define MESSAGE_MAX (2u + PRICES)
#define SIM_BOOKS   3u

/* A venue's book: quantity by price (0: none), and what it was after each of its updates. */
struct venue {
    uint64_t id;                       /* last update's */
    uint64_t next_tag;                 /* of updates made: each is told from all others by venue_ns */
    int64_t qty[PRICES];               /* now */
    int64_t past[UPDATES + 1][PRICES]; /* after update number n, and its id */
    uint64_t past_id[UPDATES + 1];
    uint32_t cnt;
};

/* What the engine's side has made of it. */
struct seen {
    int64_t qty[PRICES];
    bool synced, loading;
    uint64_t id;       /* of the last message applied */
    uint64_t last_tag; /* of the last update that came out */
    uint32_t updates_cnt, stale_cnt;
};

struct world {
    uint64_t first_seed, seed;
    bool futures;
    struct venue venues[SIM_BOOKS];
    struct seen seen[SIM_BOOKS];
    uint32_t sent_cnt[SIM_BOOKS]; /* updates given to the code under test */
    bool asked[SIM_BOOKS];
    uint32_t synced_cnt, gap_cnt;
};

static struct world g_world;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(test_random(&g_world.seed) % below);
}

static struct pw_level level_of(uint32_t price, int64_t qty)
{
    return (struct pw_level){.price_e8 = 1 + price, .qty_e8 = qty};
}

/* The venue's next update: a few levels, under ids that go on by one, or (futures) by more. */
static uint32_t venue_update(struct venue *venue, uint16_t instrument_idx, struct pw_event *run)
{
    uint32_t level_cnt = pick(5);
    struct pw_depth depth = {.prev_update_id = g_world.futures ? venue->id : 0};
    depth.first_update_id = venue->id + 1 + (g_world.futures ? pick(10) : 0);
    depth.last_update_id = depth.first_update_id + pick(4);
    uint32_t cnt = make_run(run, instrument_idx, depth, level_cnt, 0);
    for (uint32_t i = 0; i < level_cnt; i++) {
        uint32_t price = pick(PRICES);
        venue->qty[price] = pick(3) == 0 ? 0 : 1 + (int64_t)pick(1000);
        run[1 + i / 2].body.levels.level[i % 2] = level_of(price, venue->qty[price]);
    }
    venue->id = depth.last_update_id;
    venue->next_tag++;
    for (uint32_t i = 0; i < cnt; i++) {
        run[i].venue_ns = (int64_t)venue->next_tag;
    }
    venue->cnt++;
    venue->past_id[venue->cnt] = venue->id;
    memcpy(venue->past[venue->cnt], venue->qty, sizeof venue->qty);
    return cnt;
}

static uint32_t venue_snapshot(const struct venue *venue, uint16_t instrument_idx, uint32_t version,
                               struct pw_event *run)
{
    uint32_t level_cnt = 0;
    struct pw_level held[PRICES];
    for (uint32_t price = 0; price < PRICES; price++) {
        if (venue->past[version][price] != 0) {
            held[level_cnt++] = level_of(price, venue->past[version][price]);
        }
    }
    uint64_t id = venue->past_id[version];
    uint32_t cnt =
        make_run(run, instrument_idx, (struct pw_depth){id, id, 0, 0, 0, 0}, level_cnt, PW_FLAG_SNAPSHOT);
    for (uint32_t i = 0; i < level_cnt; i++) {
        run[1 + i / 2].body.levels.level[i % 2] = held[i];
    }
    return cnt;
}

/* A synchronised book after a whole message is what the venue's was at that id. */
static void assert_equal_to_venue(uint32_t i)
{
    const struct venue *venue = &g_world.venues[i];
    const struct seen *seen = &g_world.seen[i];
    for (uint32_t n = venue->cnt + 1; n-- > 0;) {
        if (venue->past_id[n] == seen->id) {
            cr_assert_arr_eq(seen->qty, venue->past[n], sizeof seen->qty, "seed %llu: book %u at id %llu",
                             (unsigned long long)g_world.first_seed, i, (unsigned long long)seen->id);
            return;
        }
    }
    cr_assert_fail("seed %llu: book %u is at id %llu, which the venue never had",
                   (unsigned long long)g_world.first_seed, i, (unsigned long long)seen->id);
}

static void see_update(struct seen *seen, const struct pw_event *event)
{
    bool stale = (event->flags & PW_FLAG_STALE) != 0;
    if (event->kind == PW_EVENT_DEPTH) {
        if (event->flags & PW_FLAG_SNAPSHOT) {
            memset(seen->qty, 0, sizeof seen->qty);
        } else {
            cr_assert_gt((uint64_t)event->venue_ns, seen->last_tag,
                         "seed %llu: an update came out twice or out of order",
                         (unsigned long long)g_world.first_seed);
            seen->last_tag = (uint64_t)event->venue_ns;
            seen->updates_cnt++;
            seen->stale_cnt += stale;
        }
        seen->id = stale ? seen->id : event->body.depth.last_update_id;
    }
    for (int i = 0; event->kind == PW_EVENT_LEVELS && !stale && i < (event->flags & PW_FLAG_PAIR ? 2 : 1);
         i++) {
        seen->qty[event->body.levels.level[i].price_e8 - 1] = event->body.levels.level[i].qty_e8;
    }
}

static void see(const struct pw_event *event)
{
    struct seen *seen = &g_world.seen[event->instrument_idx % SIM_BOOKS];
    switch (event->kind) {
    case PW_EVENT_GAP:
        g_world.gap_cnt++;
        break;
    case PW_EVENT_BOOK_STATE:
        seen->synced = event->body.state.state == PW_BOOK_SYNCED;
        if (seen->synced) {
            g_world.synced_cnt++;
            assert_equal_to_venue(event->instrument_idx);
        }
        break;
    default:
        see_update(seen, event);
        if (seen->synced && (event->flags & (PW_FLAG_LAST | PW_FLAG_STALE)) == PW_FLAG_LAST) {
            assert_equal_to_venue(event->instrument_idx);
        }
    }
}

static void see_pulled(void)
{
    struct pw_event out[7];
    bool has_output = pw_booksync_has_output(g_sync);
    for (uint32_t n; (n = pw_booksync_pull(g_sync, out, 1 + pick(7))) > 0;) {
        cr_assert(has_output, "what is pulled was announced");
        has_output = pw_booksync_has_output(g_sync);
        for (uint32_t i = 0; i < n; i++) {
            see(&out[i]);
        }
    }
}

static void send_update(uint32_t i)
{
    struct pw_event run[MESSAGE_MAX];
    uint32_t cnt = venue_update(&g_world.venues[i], (uint16_t)i, run);
    if (pick(40) == 0) {
        return; /* lost on the way */
    }
    g_world.sent_cnt[i]++;
    bool passes = pw_booksync_take(g_sync, run, cnt);
    see_pulled();
    for (uint32_t k = 0; passes && k < cnt; k++) {
        see(&run[k]);
    }
}

/* A snapshot of now, or of a little while ago, or one that nobody has asked for. */
static void send_snapshot(uint32_t i)
{
    static struct pw_event run[MESSAGE_MAX];
    const struct venue *venue = &g_world.venues[i];
    uint32_t age = pick(6);
    uint32_t version = venue->cnt > age ? venue->cnt - age : venue->cnt;
    if (venue->cnt > 0 &&
        pw_booksync_snapshot(g_sync, run, venue_snapshot(venue, (uint16_t)i, version, run))) {
        see_pulled();
    }
    g_world.asked[i] = false;
}

static void run_world(uint64_t seed, bool futures)
{
    memset(&g_world, 0, sizeof g_world);
    g_world.first_seed = g_world.seed = seed;
    g_world.futures = futures;
    make(futures, 64);
    for (uint32_t i = 0; i < SIM_BOOKS; i++) {
        g_world.venues[i].id = g_world.venues[i].past_id[0] = 1000 * (i + 1);
    }
    for (uint32_t step = 0; step < UPDATES; step++) {
        send_update(pick(SIM_BOOKS));
        uint32_t wanted_cnt = pw_booksync_wanted_cnt(g_sync);
        for (uint16_t i; (i = pw_booksync_wanted(g_sync)) != PW_NO_INSTRUMENT;) {
            cr_assert_lt(i, SIM_BOOKS);
            cr_assert_eq(pw_booksync_wanted_cnt(g_sync), --wanted_cnt);
            g_world.asked[i] = true;
        }
        uint32_t answered = pick(SIM_BOOKS);
        if ((g_world.asked[answered] && pick(4) == 0) || pick(60) == 0) {
            send_snapshot(answered);
        }
        if (pick(150) == 0) {
            pw_booksync_down(g_sync, (int64_t)step);
            see_pulled();
        }
    }
    pw_booksync_stop(g_sync);
    see_pulled();
    for (uint32_t i = 0; i < SIM_BOOKS; i++) {
        cr_assert_eq(g_world.seen[i].updates_cnt, g_world.sent_cnt[i],
                     "seed %llu: %u updates of book %u went in, %u came out", (unsigned long long)seed,
                     g_world.sent_cnt[i], i, g_world.seen[i].updates_cnt);
    }
    cr_assert_eq(pw_booksync_held(g_sync), 0);
    unmake();
}

static void run_worlds(bool futures)
{
    uint32_t synced_cnt = 0, gap_cnt = 0, applied_cnt = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        run_world(seed, futures);
        synced_cnt += g_world.synced_cnt;
        gap_cnt += g_world.gap_cnt;
        for (uint32_t i = 0; i < SIM_BOOKS; i++) {
            applied_cnt += g_world.seen[i].updates_cnt - g_world.seen[i].stale_cnt;
        }
    }
    cr_assert_gt(synced_cnt, 1000, "the faults leave no book synchronised: %u", synced_cnt);
    cr_assert_gt(gap_cnt, 1000);
    cr_assert_gt(applied_cnt, 200 * UPDATES / 3, "%u applied", applied_cnt);
}

Test(faults, spot_books_are_the_venues_books)
{
    run_worlds(false);
}

Test(faults, futures_books_are_the_venues_books)
{
    run_worlds(true);
}
