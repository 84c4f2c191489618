/* SPDX-License-Identifier: MIT
 *
 * The matching book of the simulated market: price before time, whole and partial fills, ids, and its own
 * consistency under random orders, against a plain list of orders that is searched from end to end.
 */
#include "market.h"

#include <criterion/criterion.h>
#include <string.h>

#define ORDERS 4096

struct told {
    struct pw_sim_market_trade trades[64];
    struct pw_level levels[64];
    uint64_t ids[64];
    uint32_t trade_cnt, level_cnt;
};

static void hear_trade(void *state, const struct pw_sim_market_trade *trade)
{
    struct told *told = state;

    if (told->trade_cnt < 64) {
        told->trades[told->trade_cnt] = *trade;
    }
    told->trade_cnt++;
}

static void hear_level(void *state, enum pw_side side, struct pw_level level, uint64_t update_id)
{
    struct told *told = state;

    (void)side;
    if (told->level_cnt < 64) {
        told->levels[told->level_cnt] = level;
        told->ids[told->level_cnt] = update_id;
    }
    told->level_cnt++;
}

static struct pw_sim_market g_market;
static struct told g_told;

static void market_open(void)
{
    cr_assert(pw_sim_market_init(&g_market, ORDERS, 1000) == 0);
    memset(&g_told, 0, sizeof g_told);
    g_market.listener = (struct pw_sim_market_listener){hear_trade, hear_level, &g_told};
}

static void market_close(void)
{
    pw_sim_market_fini(&g_market);
}

static uint32_t limit(enum pw_side side, int64_t price, int64_t qty)
{
    return pw_sim_market_place(&g_market, side, (struct pw_level){price, qty}, true);
}

TestSuite(market, .init = market_open, .fini = market_close);

Test(market, trades_name_the_owners_of_both_orders)
{
    pw_sim_market_place_for(
        &g_market, &(struct pw_sim_taker){.side = PW_SELL, .order = {101, 3}, .rests = true, .owner = 7});
    limit(PW_SELL, 102, 5);
    pw_sim_market_place_for(&g_market, &(struct pw_sim_taker){.side = PW_BUY, .order = {102, 4}, .owner = 9});
    cr_assert_eq(g_told.trade_cnt, 2);
    cr_expect_eq(g_told.trades[0].maker_owner, 7);
    cr_expect_eq(g_told.trades[0].taker_owner, 9);
    cr_expect_eq(g_told.trades[1].maker_owner, PW_SIM_CROWD);
    cr_expect_eq(g_told.trades[1].taker_owner, 9);
}

static struct pw_sim_taking taking_of(enum pw_side side, struct pw_level order, pw_i128 budget_e16)
{
    return pw_sim_market_taking(&g_market, &(struct pw_sim_taker){.side = side, .order = order}, budget_e16);
}

/* Owner 7's orders meet themselves. */
static unsigned g_meeting;
static uint32_t g_ended[4], g_ended_cnt;

static unsigned on_meeting(const void *state, uint32_t maker_owner)
{
    (void)state;
    return maker_owner == 7 ? g_meeting : 0;
}

static void on_end(void *state, uint32_t owner)
{
    (void)state;
    g_ended[g_ended_cnt++] = owner;
}

static const struct {
    unsigned meeting;
    int64_t taken, bought, left_qty; /* told before, traded, and of the level afterwards */
    uint32_t ended_cnt, ended[2];
} g_meetings[] = {{0, 9, 9, 1, 0, {0}},
                  {PW_SIM_MEET_MAKER_ENDS, 6, 6, 0, 1, {7}},
                  {PW_SIM_MEET_TAKER_ENDS, 2, 2, 8, 1, {9}},
                  {PW_SIM_MEET_MAKER_ENDS | PW_SIM_MEET_TAKER_ENDS, 2, 2, 4, 2, {7, 9}}};

Test(market, who_meets_his_own_order_ends_it_or_himself)
{
    struct pw_sim_taker maker = {.side = PW_SELL, .order = {101, 4}, .rests = true, .owner = 7};
    struct pw_sim_taker taker = {
        .side = PW_BUY, .order = {101, 9}, .owner = 9, .meet = on_meeting, .ended = on_end};

    for (size_t i = 0; i < sizeof g_meetings / sizeof g_meetings[0]; i++) {
        int64_t bought = 0;
        g_meeting = g_meetings[i].meeting;
        limit(PW_SELL, 101, 2);
        pw_sim_market_place_for(&g_market, &maker);
        limit(PW_SELL, 101, 4);
        g_told.trade_cnt = g_ended_cnt = 0;
        cr_expect_eq(pw_sim_market_taking(&g_market, &taker, 0).qty_e8, g_meetings[i].taken);
        cr_expect_eq(pw_sim_market_place_for(&g_market, &taker), PW_SIM_NO_ORDER);
        for (uint32_t k = 0; k < g_told.trade_cnt; k++) {
            bought += g_told.trades[k].qty_e8;
        }
        cr_expect_eq(bought, g_meetings[i].bought, "%zu", i);
        cr_expect_eq(pw_sim_market_qty(&g_market, PW_SELL, 101), g_meetings[i].left_qty, "%zu", i);
        cr_expect_eq(g_ended_cnt, g_meetings[i].ended_cnt);
        for (uint32_t k = 0; k < g_ended_cnt; k++) {
            cr_expect_eq(g_ended[k], g_meetings[i].ended[k]);
        }
        limit(PW_BUY, 101, g_meetings[i].left_qty ? g_meetings[i].left_qty : 1);
        if (!g_meetings[i].left_qty) {
            pw_sim_market_cancel(&g_market, g_market.sides[PW_BUY].queues[0].first_idx);
        }
    }
}

Test(market, what_an_order_would_take_is_what_it_takes)
{
    struct pw_sim_taking taking;

    limit(PW_SELL, 101, 3);
    limit(PW_SELL, 102, 5);
    limit(PW_SELL, 103, 100);
    taking = taking_of(PW_BUY, (struct pw_level){102, 20}, 0);
    cr_expect_eq(taking.qty_e8, 8);
    cr_expect(taking.quote_e16 == 3 * 101 + 5 * 102);
    taking = taking_of(PW_BUY, (struct pw_level){103, 10}, 0);
    cr_expect_eq(taking.qty_e8, 10);
    cr_expect(taking.quote_e16 == 3 * 101 + 5 * 102 + 2 * 103);
    taking = taking_of(PW_BUY, (struct pw_level){103, 100}, 3 * 101 + 2 * 102 + 101);
    cr_expect_eq(taking.qty_e8, 3 + 2);
    cr_expect(taking.quote_e16 == 3 * 101 + 2 * 102);
    cr_expect_eq(taking_of(PW_SELL, (struct pw_level){1, 10}, 0).qty_e8, 0);
    cr_expect_eq(g_told.trade_cnt, 0);
}

Test(market, better_prices_trade_first_and_older_orders_at_one_price)
{
    limit(PW_SELL, 102, 5);
    limit(PW_SELL, 101, 3);
    uint64_t older = g_market.last_order_id;
    limit(PW_SELL, 101, 4);
    g_told.trade_cnt = 0;
    cr_assert_eq(limit(PW_BUY, 102, 8), PW_SIM_NO_ORDER);
    cr_assert_eq(g_told.trade_cnt, 3);
    cr_expect_eq(g_told.trades[0].maker_order_id, older);
    cr_expect_eq(g_told.trades[0].price_e8, 101);
    cr_expect_eq(g_told.trades[0].qty_e8, 3);
    cr_expect_eq(g_told.trades[1].maker_order_id, older + 1);
    cr_expect_eq(g_told.trades[1].qty_e8, 4);
    cr_expect_eq(g_told.trades[2].price_e8, 102);
    cr_expect_eq(g_told.trades[2].qty_e8, 1);
    cr_expect_eq(pw_sim_market_qty(&g_market, PW_SELL, 102), 4);
    cr_expect_eq(pw_sim_market_qty(&g_market, PW_SELL, 101), 0);
}

Test(market, what_is_left_of_a_limit_order_rests_and_of_a_market_order_is_gone)
{
    limit(PW_SELL, 101, 3);
    cr_expect_neq(limit(PW_BUY, 101, 5), PW_SIM_NO_ORDER);
    cr_expect_eq(pw_sim_market_qty(&g_market, PW_BUY, 101), 2);
    cr_expect_eq(pw_sim_market_place(&g_market, PW_SELL, (struct pw_level){100, 9}, false), PW_SIM_NO_ORDER);
    cr_expect_null(pw_sim_market_best(&g_market, PW_BUY));
    cr_expect_null(pw_sim_market_best(&g_market, PW_SELL));
}

Test(market, an_order_short_of_the_other_side_does_not_trade)
{
    limit(PW_SELL, 101, 3);
    limit(PW_BUY, 100, 3);
    cr_expect_eq(g_told.trade_cnt, 0);
    cr_expect_eq(pw_sim_market_best(&g_market, PW_BUY)->price_e8, 100);
    cr_expect_eq(pw_sim_market_best(&g_market, PW_SELL)->price_e8, 101);
}

Test(market, each_change_of_a_level_has_the_next_update_id)
{
    uint32_t order = limit(PW_BUY, 100, 3);
    limit(PW_BUY, 100, 4);
    pw_sim_market_cancel(&g_market, order);
    limit(PW_SELL, 100, 4);
    cr_assert_eq(g_told.level_cnt, 4);
    int64_t quantities[] = {3, 7, 4, 0};
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(g_told.ids[i], 1001 + i);
        cr_expect_eq(g_told.levels[i].price_e8, 100);
        cr_expect_eq(g_told.levels[i].qty_e8, quantities[i]);
    }
}

Test(market, a_canceled_order_keeps_its_neighbours_in_line)
{
    limit(PW_BUY, 100, 1);
    uint64_t first = g_market.last_order_id;
    uint32_t middle = limit(PW_BUY, 100, 2);
    limit(PW_BUY, 100, 3);
    pw_sim_market_cancel(&g_market, middle);
    limit(PW_SELL, 100, 4);
    cr_assert_eq(g_told.trade_cnt, 2);
    cr_expect_eq(g_told.trades[0].maker_order_id, first);
    cr_expect_eq(g_told.trades[1].maker_order_id, first + 2);
}

Test(market, a_full_book_takes_no_more_and_recovers)
{
    for (int64_t i = 0; i < ORDERS; i++) {
        cr_assert_neq(limit(PW_BUY, 10000 - i, 1), PW_SIM_NO_ORDER);
    }
    uint64_t update_id = g_market.last_update_id;
    cr_expect_eq(limit(PW_BUY, 1, 1), PW_SIM_NO_ORDER);
    cr_expect_eq(g_market.last_update_id, update_id);
    limit(PW_SELL, 10000, 1);
    cr_expect_neq(limit(PW_BUY, 1, 1), PW_SIM_NO_ORDER);
}

/* ---- against the plain model ---- */

struct plain_order {
    int64_t price, qty;
    uint64_t order_id;
    enum pw_side side;
    bool live;
};

struct plain {
    struct plain_order orders[20000];
    uint32_t cnt;
    struct told told;
};

/* The order that the next trade is with: the best price, then the lowest id. */
static struct plain_order *plain_best(struct plain *plain, enum pw_side side)
{
    struct plain_order *best = NULL;

    for (uint32_t i = 0; i < plain->cnt; i++) {
        struct plain_order *order = &plain->orders[i];
        if (!order->live || order->side != side) {
            continue;
        }
        if (!best || (side == PW_BUY ? order->price > best->price : order->price < best->price)) {
            best = order;
        }
    }
    return best;
}

static void plain_place(struct plain *plain, struct plain_order order, bool rests)
{
    enum pw_side other = order.side == PW_BUY ? PW_SELL : PW_BUY;

    for (struct plain_order *best = plain_best(plain, other); best && order.qty > 0;
         best = plain_best(plain, other)) {
        if (order.side == PW_BUY ? best->price > order.price : best->price < order.price) {
            break;
        }
        int64_t qty = best->qty < order.qty ? best->qty : order.qty;
        struct pw_sim_market_trade trade = {.price_e8 = best->price,
                                            .qty_e8 = qty,
                                            .maker_order_id = best->order_id,
                                            .taker_order_id = order.order_id,
                                            .taker_side = order.side};
        hear_trade(&plain->told, &trade);
        best->qty -= qty;
        order.qty -= qty;
        best->live = best->qty > 0;
    }
    order.live = rests && order.qty > 0;
    plain->orders[plain->cnt++] = order;
}

static int64_t plain_qty(const struct plain *plain, enum pw_side side, int64_t price)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < plain->cnt; i++) {
        const struct plain_order *order = &plain->orders[i];
        sum += order->live && order->side == side && order->price == price ? order->qty : 0;
    }
    return sum;
}

static uint64_t g_random = 20240809; /* the seed */

static uint32_t random_below(uint32_t bound)
{
    g_random = g_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((g_random >> 33) % bound);
}

static void expect_same_trades(const struct plain *plain)
{
    cr_assert_eq(g_told.trade_cnt, plain->told.trade_cnt);
    for (uint32_t i = 0; i < g_told.trade_cnt && i < 64; i++) {
        cr_assert_eq(g_told.trades[i].price_e8, plain->told.trades[i].price_e8);
        cr_assert_eq(g_told.trades[i].qty_e8, plain->told.trades[i].qty_e8);
        cr_assert_eq(g_told.trades[i].maker_order_id, plain->told.trades[i].maker_order_id);
    }
}

static void expect_same_book(const struct plain *plain)
{
    const struct pw_sim_queue *bid = pw_sim_market_best(&g_market, PW_BUY);
    const struct pw_sim_queue *ask = pw_sim_market_best(&g_market, PW_SELL);

    cr_assert(!bid || !ask || bid->price_e8 < ask->price_e8, "crossed");
    for (int side = PW_BUY; side <= PW_SELL; side++) {
        for (int64_t price = 80; price <= 120; price++) {
            cr_assert_eq(pw_sim_market_qty(&g_market, (enum pw_side)side, price),
                         plain_qty(plain, (enum pw_side)side, price));
        }
    }
}

static void random_cancel(struct plain *plain, enum pw_side side)
{
    struct pw_sim_queues *queues = &g_market.sides[side];

    if (!queues->resting_cnt) {
        return;
    }
    uint32_t order_idx = queues->resting[random_below(queues->resting_cnt)];
    uint64_t order_id = g_market.orders[order_idx].order_id;
    pw_sim_market_cancel(&g_market, order_idx);
    for (uint32_t i = 0; i < plain->cnt; i++) {
        plain->orders[i].live &= plain->orders[i].order_id != order_id;
    }
}

Test(market, ten_thousand_random_orders_match_as_in_a_plain_list)
{
    static struct plain plain;

    for (int i = 0; i < 10000; i++) {
        enum pw_side side = random_below(2) ? PW_BUY : PW_SELL;
        struct pw_level order = {80 + random_below(41), 1 + random_below(20)};
        bool rests = random_below(4) > 0;
        g_told.trade_cnt = plain.told.trade_cnt = 0;
        if (random_below(3) == 0) {
            random_cancel(&plain, side);
            continue;
        }
        pw_sim_market_place(&g_market, side, order, rests);
        plain_place(&plain,
                    (struct plain_order){.price = order.price_e8,
                                         .qty = order.qty_e8,
                                         .order_id = g_market.last_order_id,
                                         .side = side},
                    rests);
        expect_same_trades(&plain);
        if (i % 100 == 0) {
            expect_same_book(&plain);
        }
    }
    expect_same_book(&plain);
}
