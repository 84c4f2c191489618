/* SPDX-License-Identifier: MIT
 *
 * The live gateway against a venue that loses, doubles, delays and cuts off: nothing is ever sent twice, what
 * is unknown counts at its worst, and in the end the position is the venue's ledger (G1, G2).
 */
#include "live_world.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* ---- each byte of a request ---- */

enum what { SUBMIT, CANCEL, REPLACE };

static uint32_t cut_at(enum what what, uint32_t bytes, int64_t late_ns)
{
    struct world w;
    enum pw_reason reason;
    world_open(&w, 1 + bytes, true);
    world_connect(&w);
    world_make_ready(&w);
    struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
    uint64_t id = 0;
    if (what != SUBMIT) {
        id = world_place(&w, &order, &reason);
        world_run(&w, SEC);
        cr_assert_eq(world_state(&w, id), PW_ORDER_OPEN);
    }
    if (what == SUBMIT) {
        id = world_place(&w, &order, &reason);
        cr_assert_neq(id, 0);
    } else if (what == CANCEL) {
        cr_assert(world_cancel(&w, id));
    } else {
        cr_assert_neq(world_replace(&w, id, 2 * PW_E8), 0);
    }
    cr_assert_eq(w.request_cnt, 1);
    uint32_t whole = w.requests[0].bytes;
    world_disconnect(&w, bytes, late_ns);
    cr_assert_eq(w.request_cnt, bytes >= whole);
    cr_assert_eq(world_state(&w, id), PW_ORDER_UNKNOWN);
    world_judge(&w);
    world_run(&w, SEC / 2);
    world_connect(&w);
    world_run(&w, 15 * SEC); /* the receive window, and the questions */
    uint64_t last_id = what == REPLACE ? id + 1 : id;
    cr_expect_eq(world_placed(&w, last_id), what == CANCEL || bytes >= whole, "byte %u", bytes);
    enum pw_order_state state = world_state(&w, last_id);
    cr_expect_eq(state,
                 what == CANCEL   ? PW_ORDER_CANCELED
                 : bytes >= whole ? PW_ORDER_OPEN
                                  : PW_ORDER_REJECTED,
                 "byte %u: %s", bytes, pw_order_state_name(state));
    if (what != CANCEL) {
        world_cancel(&w, bytes >= whole ? last_id : id);
        world_run(&w, 5 * SEC);
    }
    world_judge_end(&w);
    world_close(&w);
    return whole;
}

static void cut_everywhere(enum what what)
{
    uint32_t whole = cut_at(what, 0, 0);
    for (uint32_t bytes = 1; bytes <= whole; bytes++) {
        cut_at(what, bytes, 0);
    }
    cut_at(what, whole, 4 * SEC); /* it comes late, when questions have been asked already */
}

Test(cut, a_submission_cut_at_each_byte_is_there_or_not)
{
    cut_everywhere(SUBMIT);
}

Test(cut, a_cancellation_cut_at_each_byte_is_carried_out_in_the_end)
{
    cut_everywhere(CANCEL);
}

Test(cut, a_replacement_cut_at_each_byte_is_done_in_both_halves_or_none)
{
    cut_everywhere(REPLACE);
}

/* ---- everything at once, from seeds ---- */

enum { STEPS = 120, OPEN_MAX = 6 };

static const struct faults g_faults = {.lose_request = 15,
                                       .lose_reply = 40,
                                       .unknown_done = 40,
                                       .unknown_not_done = 40,
                                       .busy = 30,
                                       .lose_report = 60,
                                       .double_report = 80,
                                       .half_replace = 200,
                                       .end_stream = 3,
                                       .garbage = 3,
                                       .disconnect = 8,
                                       .delay_max_ns = 60 * MS};

static const struct faults g_storm = {.lose_request = 100,
                                      .lose_reply = 200,
                                      .unknown_done = 200,
                                      .unknown_not_done = 200,
                                      .busy = 100,
                                      .lose_report = 300,
                                      .double_report = 300,
                                      .half_replace = 400,
                                      .end_stream = 10,
                                      .garbage = 10,
                                      .disconnect = 30,
                                      .delay_max_ns = 400 * MS};

/* One of the engine's orders that is not closed; 0: the dice say none. */
static uint64_t some_order(struct world *w)
{
    uint64_t id = pw_order_id(RUN_ID, 1 + world_roll(w, (uint32_t)w->orders->counter + 1));
    const struct pw_order_row *row = pw_orders_find(w->orders, id);
    return row && !pw_order_is_closed(row->state) ? id : 0;
}

static void act(struct world *w)
{
    static const enum pw_tif tifs[] = {PW_GTC, PW_GTC, PW_IOC};
    enum pw_reason reason;
    uint64_t id = some_order(w);
    uint32_t dice = world_roll(w, 10);
    if (dice < 3 && w->orders->open_cnt < OPEN_MAX) {
        struct pw_gateway_order order = world_limit(world_roll(w, 2) ? PW_SELL : PW_BUY,
                                                    tifs[world_roll(w, 3)], PW_E8 * (1 + world_roll(w, 3)));
        world_place(w, &order, &reason);
    } else if (dice < 4 && id) {
        world_cancel(w, id);
    } else if (dice < 5 && id && w->orders->open_cnt < OPEN_MAX) {
        enum pw_order_state state = world_state(w, id);
        if (state == PW_ORDER_OPEN || state == PW_ORDER_PARTIALLY_FILLED) {
            world_replace(w, id, PW_E8 * (1 + world_roll(w, 3)));
        }
    } else if (dice < 7 && w->venue_cnt > 0) {
        struct venue_order *order = &w->venue[world_roll(w, w->venue_cnt)];
        int64_t left_e8 = order->qty_e8 - order->executed_e8;
        if (order->state == ORDER_LIVE) {
            world_fill(w, order, world_roll(w, 2) ? left_e8 : left_e8 / 2);
        }
    }
}

static void disturb(struct world *w)
{
    if (w->up && world_roll(w, 1000) < w->faults.disconnect) {
        world_disconnect(w, world_roll(w, 2000), 6 * SEC);
    } else if (!w->up && world_roll(w, 10) == 0) {
        world_connect(w);
    } else if (w->up && world_roll(w, 1000) < w->faults.garbage) {
        world_say(w, "{\"event\":{\"e\":");
    } else if (w->up && w->subscribed && world_roll(w, 1000) < w->faults.end_stream) {
        w->subscribed = false;
        world_say(w,
                  "{\"subscriptionId\":0,\"event\":{\"e\":\"eventStreamTerminated\",\"E\":1700000000000}}");
    }
}

/* Nobody does anything: what was lost is found all the same, in the time that an order may come late, be out
 * of doubt, and be asked about because it is quiet. */
static void settle(struct world *w)
{
    w->faults = (struct faults){.delay_max_ns = 5 * MS};
    for (int64_t end_ns = w->now_ns + 25 * SEC; w->now_ns < end_ns;) {
        if (!w->up) {
            world_connect(w);
        }
        world_step(w, 50 * MS);
    }
    world_judge_fills(w);
}

/* And everything canceled: until nothing is open, or for longer than anything may take. */
static void come_to_rest(struct world *w)
{
    for (int i = 0; i < 4000 && (w->orders->open_cnt || pw_live_gateway.open_cnt(w->gateway) || i < 100);
         i++) {
        for (uint64_t counter = 1; i % 50 == 0 && counter <= w->orders->counter; counter++) {
            world_cancel(w, pw_order_id(RUN_ID, counter));
        }
        world_step(w, 20 * MS);
    }
}

static void run_seed(uint64_t seed)
{
    struct world w;
    world_open(&w, seed, seed % 4 != 0);
    w.pays_bnb = seed % 5 == 0;
    world_connect(&w);
    world_make_ready(&w);
    w.faults = seed % 3 == 0 ? g_storm : g_faults;
    for (int i = 0; i < STEPS; i++) {
        act(&w);
        disturb(&w);
        world_step(&w, (1 + world_roll(&w, 60)) * MS);
    }
    settle(&w);
    cr_assert_eq(w.orders->unknown_cnt, 0, "seed %llu: what it placed it knows", (unsigned long long)seed);
    come_to_rest(&w);
    world_judge_end(&w);
    world_close(&w);
}

Test(seeds, every_seed_ends_with_the_venues_ledger)
{
    const char *wanted = getenv("PINWHEEL_SEEDS"), *first = getenv("PINWHEEL_SEED");
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    uint64_t end = seed + (wanted ? strtoull(wanted, NULL, 10) : first ? 1 : 1000);
    for (; seed < end; seed++) {
        run_seed(seed);
    }
}
