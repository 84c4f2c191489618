/* SPDX-License-Identifier: MIT
 *
 * The matching engine: price before time, whole and partial fills, types, times in force, self-trade
 * prevention, stops, ids. Its model, a plain list of orders searched from end to end, is in
 * matching_model.c.
 */
#include "matching.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORDERS 4096

#define HEARD_MAX 64u

/* What was reported since the last reset, by kind. */
static struct heard {
    struct pw_matching_result trades[HEARD_MAX], levels[HEARD_MAX], ends[HEARD_MAX], preventions[HEARD_MAX];
    uint32_t trade_cnt, level_cnt, end_cnt, prevention_cnt;
} g_heard;

static struct pw_matching *g_matching;

static void on_result(void *state, const struct pw_matching_result *result)
{
    struct heard *heard = state;
    const struct {
        uint32_t *cnt;
        struct pw_matching_result *rows;
    } of[] = {[PW_MATCHING_TRADE] = {&heard->trade_cnt, heard->trades},
              [PW_MATCHING_LEVEL] = {&heard->level_cnt, heard->levels},
              [PW_MATCHING_END] = {&heard->end_cnt, heard->ends},
              [PW_MATCHING_PREVENTION] = {&heard->prevention_cnt, heard->preventions}};
    uint32_t *cnt = of[result->kind].cnt;

    if (*cnt < HEARD_MAX) {
        of[result->kind].rows[*cnt] = *result;
    }
    ++*cnt;
}

static void matching_open(void)
{
    size_t bytes = pw_matching_bytes(ORDERS);
    void *memory = aligned_alloc(64, bytes);

    cr_assert_not_null(memory);
    memset(memory, 0, bytes);
    memset(&g_heard, 0, sizeof g_heard);
    g_matching = pw_matching_init(memory, ORDERS, 1000);
    g_matching->on_result = on_result;
    g_matching->state = &g_heard;
}

static void matching_close(void)
{
    free(g_matching);
}

TestSuite(matching, .init = matching_open, .fini = matching_close);

static uint32_t place(struct pw_matching_order order)
{
    return pw_matching_place(g_matching, &order);
}

static uint32_t limit(enum pw_side side, int64_t price, int64_t qty)
{
    return place(
        (struct pw_matching_order){.side = side, .type = PW_LIMIT, .price_e8 = price, .qty_e8 = qty});
}

static uint32_t limit_of(uint32_t owner, enum pw_side side, int64_t price, int64_t qty)
{
    return place((struct pw_matching_order){
        .side = side, .type = PW_LIMIT, .price_e8 = price, .qty_e8 = qty, .owner = owner, .tag = owner * 10});
}

static int64_t bought(void)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < g_heard.trade_cnt; i++) {
        sum += g_heard.trades[i].trade.qty_e8;
    }
    return sum;
}

/* The one order that ended since the last reset, and why. */
static void expect_end(uint32_t owner, int64_t leaves, enum pw_matching_end why)
{
    cr_assert_eq(g_heard.end_cnt, 1);
    cr_expect_eq(g_heard.ends[0].end.order.owner, owner);
    cr_expect_eq(g_heard.ends[0].end.order.tag, owner * 10);
    cr_expect_eq(g_heard.ends[0].end.leaves_qty_e8, leaves);
    cr_expect_eq(g_heard.ends[0].end.why, why);
    g_heard.end_cnt = 0;
}

/* ---- memory ---- */

Test(matching, sizes_out_of_range_have_no_bytes)
{
    cr_expect_eq(pw_matching_bytes(0), 0);
    cr_expect_eq(pw_matching_bytes(PW_MATCHING_ORDERS_MAX + 1), 0);
    cr_expect_gt(pw_matching_bytes(PW_MATCHING_ORDERS_MAX), PW_MATCHING_ORDERS_MAX * (size_t)64);
    cr_expect_eq(pw_matching_bytes(3) % 64, 0);
}

/* ---- price and time ---- */

Test(matching, trades_name_the_owners_of_both_orders)
{
    limit_of(7, PW_SELL, 101, 3);
    limit(PW_SELL, 102, 5);
    limit_of(9, PW_BUY, 102, 4);
    cr_assert_eq(g_heard.trade_cnt, 2);
    cr_expect_eq(g_heard.trades[0].side, PW_BUY);
    cr_expect_eq(g_heard.trades[0].trade.maker.owner, 7);
    cr_expect_eq(g_heard.trades[0].trade.maker.tag, 70);
    cr_expect_eq(g_heard.trades[0].trade.taker.owner, 9);
    cr_expect_eq(g_heard.trades[0].trade.taker.tag, 90);
    cr_expect_eq(g_heard.trades[1].trade.maker.owner, PW_MATCHING_ANONYMOUS);
    cr_expect_eq(g_heard.trades[1].trade.taker.owner, 9);
}

Test(matching, better_prices_trade_first_and_older_orders_at_one_price)
{
    limit(PW_SELL, 102, 5);
    limit(PW_SELL, 101, 3);
    uint64_t older = g_matching->last_order_id;
    limit(PW_SELL, 101, 4);
    cr_assert_eq(limit(PW_BUY, 102, 8), PW_MATCHING_NONE);
    cr_assert_eq(g_heard.trade_cnt, 3);
    cr_expect_eq(g_heard.trades[0].trade.maker.order_id, older);
    cr_expect_eq(g_heard.trades[0].trade.price_e8, 101);
    cr_expect_eq(g_heard.trades[0].trade.qty_e8, 3);
    cr_expect_eq(g_heard.trades[0].trade.trade_id, 1001);
    cr_expect_eq(g_heard.trades[1].trade.maker.order_id, older + 1);
    cr_expect_eq(g_heard.trades[1].trade.qty_e8, 4);
    cr_expect_eq(g_heard.trades[2].trade.price_e8, 102);
    cr_expect_eq(g_heard.trades[2].trade.qty_e8, 1);
    cr_expect_eq(g_heard.trades[2].trade.trade_id, 1003);
    cr_expect_eq(pw_matching_qty_e8(g_matching, PW_SELL, 102), 4);
    cr_expect_eq(pw_matching_qty_e8(g_matching, PW_SELL, 101), 0);
}

Test(matching, an_order_short_of_the_other_side_does_not_trade)
{
    limit(PW_SELL, 101, 3);
    limit(PW_BUY, 100, 3);
    cr_expect_eq(g_heard.trade_cnt, 0);
    cr_expect_eq(pw_matching_best(g_matching, PW_BUY)->price_e8, 100);
    cr_expect_eq(pw_matching_best(g_matching, PW_SELL)->price_e8, 101);
}

Test(matching, each_change_of_a_level_has_the_next_update_id)
{
    uint32_t order = limit(PW_BUY, 100, 3);
    limit(PW_BUY, 100, 4);
    pw_matching_cancel(g_matching, order);
    limit(PW_SELL, 100, 4);
    cr_assert_eq(g_heard.level_cnt, 4);
    int64_t quantities[] = {3, 7, 4, 0};
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(g_heard.levels[i].level.update_id, 1001 + i);
        cr_expect_eq(g_heard.levels[i].side, PW_BUY);
        cr_expect_eq(g_heard.levels[i].level.price_e8, 100);
        cr_expect_eq(g_heard.levels[i].level.qty_e8, quantities[i]);
    }
}

Test(matching, a_canceled_order_keeps_its_neighbours_in_line)
{
    limit(PW_BUY, 100, 1);
    uint64_t first = g_matching->last_order_id;
    uint32_t middle = limit(PW_BUY, 100, 2);
    limit(PW_BUY, 100, 3);
    pw_matching_cancel(g_matching, middle);
    limit(PW_SELL, 100, 4);
    cr_assert_eq(g_heard.trade_cnt, 2);
    cr_expect_eq(g_heard.trades[0].trade.maker.order_id, first);
    cr_expect_eq(g_heard.trades[1].trade.maker.order_id, first + 2);
    cr_expect_eq(g_heard.end_cnt, 0, "who cancels knows it");
}

Test(matching, a_full_book_takes_no_more_and_recovers)
{
    for (int64_t i = 0; i < ORDERS; i++) {
        cr_assert_neq(limit(PW_BUY, 10000 - i, 1), PW_MATCHING_NONE);
    }
    uint64_t update_id = g_matching->last_update_id;
    cr_expect_not(pw_matching_has_room(g_matching));
    cr_expect_eq(limit_of(7, PW_BUY, 1, 1), PW_MATCHING_NONE);
    expect_end(7, 1, PW_MATCHING_END_NO_ROOM);
    cr_expect_eq(
        place((struct pw_matching_order){
            .side = PW_BUY, .type = PW_STOP_LOSS, .stop_price_e8 = 9, .qty_e8 = 2, .owner = 7, .tag = 70}),
        PW_MATCHING_NONE);
    expect_end(7, 2, PW_MATCHING_END_NO_ROOM);
    cr_expect_eq(g_matching->last_update_id, update_id);
    limit(PW_SELL, 10000, 1);
    cr_expect_neq(limit(PW_BUY, 1, 1), PW_MATCHING_NONE);
}

Test(matching, a_level_whose_quantity_would_overflow_takes_no_more)
{
    limit(PW_BUY, 100, INT64_MAX - 5);
    cr_expect_eq(limit_of(7, PW_BUY, 100, 6), PW_MATCHING_NONE);
    expect_end(7, 6, PW_MATCHING_END_NO_ROOM);
    cr_expect_neq(limit_of(7, PW_BUY, 100, 5), PW_MATCHING_NONE);
    cr_expect_eq(pw_matching_qty_e8(g_matching, PW_BUY, 100), INT64_MAX);
}

/* ---- types and times in force ---- */

Test(matching, what_is_left_of_a_limit_order_rests_and_of_a_market_order_ends)
{
    limit(PW_SELL, 101, 3);
    cr_expect_neq(limit(PW_BUY, 101, 5), PW_MATCHING_NONE);
    cr_expect_eq(pw_matching_qty_e8(g_matching, PW_BUY, 101), 2);
    cr_expect_eq(place((struct pw_matching_order){
                     .side = PW_SELL, .type = PW_MARKET, .qty_e8 = 9, .owner = 7, .tag = 70}),
                 PW_MATCHING_NONE);
    expect_end(7, 7, PW_MATCHING_END_NO_LIQUIDITY);
    cr_expect_null(pw_matching_best(g_matching, PW_BUY));
    cr_expect_null(pw_matching_best(g_matching, PW_SELL));
}

Test(matching, immediate_or_cancel_takes_what_it_can_and_fill_or_kill_all_or_nothing)
{
    struct pw_matching_order order = {
        .side = PW_BUY, .type = PW_LIMIT, .tif = PW_FOK, .price_e8 = 101, .owner = 7, .tag = 70};

    limit(PW_SELL, 101, 3);
    limit(PW_SELL, 102, 3);
    order.qty_e8 = 4;
    cr_expect_eq(place(order), PW_MATCHING_NONE);
    cr_expect_eq(g_heard.trade_cnt, 0);
    expect_end(7, 4, PW_MATCHING_END_FOK);
    order.tif = PW_IOC;
    cr_expect_eq(place(order), PW_MATCHING_NONE);
    cr_expect_eq(bought(), 3);
    expect_end(7, 1, PW_MATCHING_END_IOC);
    order.tif = PW_FOK;
    order.price_e8 = 102;
    order.qty_e8 = 3;
    cr_expect_eq(place(order), PW_MATCHING_NONE);
    cr_expect_eq(bought(), 6);
    cr_expect_eq(g_heard.end_cnt, 0, "an order that is filled has its trades");
}

Test(matching, a_post_only_order_rests_or_ends_but_never_takes)
{
    struct pw_matching_order order = {
        .side = PW_BUY, .type = PW_LIMIT_MAKER, .price_e8 = 101, .qty_e8 = 1, .owner = 7, .tag = 70};

    limit(PW_SELL, 101, 3);
    cr_expect(pw_matching_would_take(g_matching, &order));
    cr_expect_eq(place(order), PW_MATCHING_NONE);
    expect_end(7, 1, PW_MATCHING_END_WOULD_TAKE);
    order.price_e8 = 100;
    cr_expect_not(pw_matching_would_take(g_matching, &order));
    cr_expect_neq(place(order), PW_MATCHING_NONE);
    cr_expect_eq(g_heard.trade_cnt, 0);
}

Test(matching, nobody_hears_of_the_end_of_an_anonymous_order)
{
    place((struct pw_matching_order){.side = PW_BUY, .type = PW_MARKET, .qty_e8 = 1});
    cr_expect_eq(g_heard.end_cnt, 0);
}

/* ---- looking ahead ---- */

static struct pw_matching_preview preview_of(enum pw_side side, struct pw_level order, pw_i128 budget_e16)
{
    return pw_matching_preview(
        g_matching,
        &(struct pw_matching_order){
            .side = side, .type = PW_LIMIT, .price_e8 = order.price_e8, .qty_e8 = order.qty_e8},
        budget_e16);
}

Test(matching, what_an_order_would_take_is_what_it_takes)
{
    struct pw_matching_preview taking;

    limit(PW_SELL, 101, 3);
    limit(PW_SELL, 102, 5);
    limit(PW_SELL, 103, 100);
    taking = preview_of(PW_BUY, (struct pw_level){102, 20}, 0);
    cr_expect_eq(taking.qty_e8, 8);
    cr_expect(taking.quote_e16 == 3 * 101 + 5 * 102);
    taking = preview_of(PW_BUY, (struct pw_level){103, 10}, 0);
    cr_expect_eq(taking.qty_e8, 10);
    cr_expect(taking.quote_e16 == 3 * 101 + 5 * 102 + 2 * 103);
    taking = preview_of(PW_BUY, (struct pw_level){103, 100}, 3 * 101 + 2 * 102 + 101);
    cr_expect_eq(taking.qty_e8, 3 + 2);
    cr_expect(taking.quote_e16 == 3 * 101 + 2 * 102);
    cr_expect_eq(preview_of(PW_SELL, (struct pw_level){1, 10}, 0).qty_e8, 0);
    cr_expect_eq(g_heard.trade_cnt, 0);
}

/* ---- self-trade prevention ---- */

static const struct {
    enum pw_stp stp;
    int64_t taken, bought, left_qty; /* previewed, traded, and of the level afterwards */
    uint32_t end_cnt;
    int64_t end_leaves[2]; /* of the maker first */
} g_meetings[] = {{PW_STP_NONE, 9, 9, 1, 0, {0}},         {PW_STP_EXPIRE_MAKER, 6, 6, 0, 1, {4}},
                  {PW_STP_EXPIRE_TAKER, 2, 2, 8, 1, {7}}, {PW_STP_EXPIRE_BOTH, 2, 2, 4, 2, {4, 7}},
                  {PW_STP_DECREMENT, 5, 5, 1, 0, {0}},    {PW_STP_TRANSFER, 5, 5, 1, 0, {0}}};

Test(matching, an_order_that_meets_its_owner_s_ends_it_or_itself)
{
    for (size_t i = 0; i < sizeof g_meetings / sizeof g_meetings[0]; i++) {
        struct pw_matching_order taker = {.side = PW_BUY,
                                          .type = PW_LIMIT,
                                          .tif = PW_IOC,
                                          .stp = g_meetings[i].stp,
                                          .price_e8 = 101,
                                          .qty_e8 = 9,
                                          .owner = 7};
        limit(PW_SELL, 101, 2);
        limit_of(7, PW_SELL, 101, 4);
        limit(PW_SELL, 101, 4);
        memset(&g_heard, 0, sizeof g_heard);
        cr_expect_eq(pw_matching_preview(g_matching, &taker, 0).qty_e8, g_meetings[i].taken);
        cr_expect_eq(place(taker), PW_MATCHING_NONE);
        cr_expect_eq(bought(), g_meetings[i].bought, "%zu", i);
        cr_expect_eq(pw_matching_qty_e8(g_matching, PW_SELL, 101), g_meetings[i].left_qty, "%zu", i);
        g_heard.end_cnt -= i == 1; /* the taker's rest, which is immediate or cancel */
        cr_expect_eq(g_heard.end_cnt, g_meetings[i].end_cnt);
        for (uint32_t k = 0; k < g_heard.end_cnt; k++) {
            cr_expect_eq(g_heard.ends[k].end.why, PW_MATCHING_END_SELF_TRADE);
            cr_expect_eq(g_heard.ends[k].end.leaves_qty_e8, g_meetings[i].end_leaves[k], "%zu", i);
        }
        place((struct pw_matching_order){.side = PW_BUY, .type = PW_MARKET, .qty_e8 = 100});
        cr_assert_null(pw_matching_best(g_matching, PW_SELL));
    }
}

/* cases/20-prevented-quantity: whoever is smaller is gone, the other goes on with less; nothing has traded.
 */
Test(matching, orders_of_one_owner_that_decrement_both_have_less)
{
    for (int smaller = 0; smaller < 2; smaller++) {
        uint32_t maker = limit_of(7, PW_SELL, 101, smaller ? 3 : 8);
        memset(&g_heard, 0, sizeof g_heard);
        uint32_t taker = place((struct pw_matching_order){.side = PW_BUY,
                                                          .type = PW_LIMIT,
                                                          .stp = PW_STP_DECREMENT,
                                                          .price_e8 = 102,
                                                          .qty_e8 = 5,
                                                          .owner = 7});
        cr_expect_eq(g_heard.trade_cnt, 0);
        cr_expect_eq(g_heard.end_cnt, 0);
        cr_expect_eq(g_heard.prevention_cnt, 1);
        cr_expect_eq(g_heard.preventions[0].prevention.price_e8, 101);
        cr_expect_eq(g_heard.preventions[0].prevention.qty_e8, smaller ? 3 : 5);
        cr_expect_eq(pw_matching_qty_e8(g_matching, PW_SELL, 101), smaller ? 0 : 3);
        cr_expect_eq(pw_matching_qty_e8(g_matching, PW_BUY, 102), smaller ? 2 : 0);
        cr_expect_eq(g_matching->last_price_e8, 0);
        pw_matching_cancel(g_matching, smaller ? taker : maker);
    }
}

/* ---- stops ---- */

static uint32_t stop(enum pw_order_type type, enum pw_side side, int64_t stop_price, int64_t price)
{
    return place((struct pw_matching_order){.side = side,
                                            .type = type,
                                            .stop_price_e8 = stop_price,
                                            .price_e8 = price,
                                            .qty_e8 = 1,
                                            .owner = 7,
                                            .tag = 70});
}

static void trade_at(int64_t price)
{
    limit(PW_SELL, price, 1);
    place((struct pw_matching_order){.side = PW_BUY, .type = PW_MARKET, .qty_e8 = 1});
}

static const struct {
    enum pw_order_type type;
    enum pw_side side;
    int64_t short_of, at; /* prices of trades that leave it waiting, and that do not */
} g_stops[] = {{PW_STOP_LOSS, PW_BUY, 104, 105},       {PW_STOP_LOSS, PW_SELL, 96, 95},
               {PW_STOP_LOSS_LIMIT, PW_BUY, 104, 105}, {PW_STOP_LOSS_LIMIT, PW_SELL, 96, 95},
               {PW_TAKE_PROFIT, PW_BUY, 96, 95},       {PW_TAKE_PROFIT, PW_SELL, 104, 105},
               {PW_TAKE_PROFIT_LIMIT, PW_BUY, 96, 95}, {PW_TAKE_PROFIT_LIMIT, PW_SELL, 104, 105}};

Test(matching, a_stop_waits_until_its_price_is_traded_and_then_works)
{
    for (size_t i = 0; i < sizeof g_stops / sizeof g_stops[0]; i++) {
        bool has_limit = pw_order_has_limit((uint8_t)g_stops[i].type);
        uint32_t row_idx, open_cnt = g_matching->open_cnt;
        uint64_t order_id;

        trade_at(100);
        cr_assert_eq(pw_matching_triggered(g_matching), PW_MATCHING_NONE);
        row_idx =
            stop(g_stops[i].type, g_stops[i].side, g_stops[i].at, 90 + 20 * (g_stops[i].side == PW_SELL));
        order_id = g_matching->last_order_id;
        cr_assert_neq(row_idx, PW_MATCHING_NONE);
        trade_at(g_stops[i].short_of);
        cr_expect_eq(pw_matching_triggered(g_matching), PW_MATCHING_NONE);
        trade_at(g_stops[i].at);
        cr_assert_eq(pw_matching_triggered(g_matching), row_idx, "%zu", i);
        memset(&g_heard, 0, sizeof g_heard);
        row_idx = pw_matching_activate(g_matching, row_idx);
        cr_expect_eq(row_idx != PW_MATCHING_NONE, has_limit);
        cr_expect_eq(pw_matching_triggered(g_matching), PW_MATCHING_NONE);
        if (has_limit) {
            cr_expect_eq(g_matching->rows[row_idx].place, PW_MATCHING_RESTS);
            cr_expect_eq(g_matching->rows[row_idx].order_id, order_id);
            pw_matching_cancel(g_matching, row_idx);
        } else {
            expect_end(7, 1, PW_MATCHING_END_NO_LIQUIDITY);
        }
        cr_expect_eq(g_matching->open_cnt, open_cnt);
    }
}

Test(matching, a_stop_whose_price_was_traded_last_is_not_taken)
{
    trade_at(100);
    cr_expect_eq(stop(PW_STOP_LOSS, PW_BUY, 100, 0), PW_MATCHING_NONE);
    expect_end(7, 1, PW_MATCHING_END_WOULD_TRIGGER);
    cr_expect_neq(stop(PW_STOP_LOSS, PW_BUY, 101, 0), PW_MATCHING_NONE);
    cr_expect_eq(g_heard.end_cnt, 0);
}

Test(matching, the_oldest_of_the_stops_that_were_reached_comes_first_and_a_canceled_one_never)
{
    uint32_t rows[3];

    trade_at(100);
    cr_expect_eq(pw_matching_triggered(g_matching), PW_MATCHING_NONE);
    rows[0] = stop(PW_STOP_LOSS, PW_BUY, 107, 0);
    rows[1] = stop(PW_STOP_LOSS, PW_BUY, 105, 0);
    rows[2] = stop(PW_STOP_LOSS, PW_BUY, 106, 0);
    pw_matching_cancel(g_matching, rows[1]);
    trade_at(110);
    trade_at(90); /* how far the trades went counts, not where they ended */
    cr_expect_eq(pw_matching_triggered(g_matching), rows[0]);
    pw_matching_activate(g_matching, rows[0]);
    cr_expect_eq(pw_matching_triggered(g_matching), rows[2]);
    pw_matching_activate(g_matching, rows[2]);
    cr_expect_eq(pw_matching_triggered(g_matching), PW_MATCHING_NONE);
    cr_expect_eq(g_matching->open_cnt, 0);
}

/* ---- the price range ---- */

/* cases/21-reference-price-of-filters: a taker trades up to the bound, and what is left ends, whatever its
 * type. A bound of the other side, or none, holds nobody back; who rests is no taker. */
Test(matching, a_taker_trades_within_its_range_and_ends_there)
{
    static const struct {
        enum pw_order_type type;
        enum pw_tif tif;
        int64_t price, traded;
    } orders[] = {{PW_MARKET, PW_GTC, 0, 20},
                  {PW_LIMIT, PW_GTC, 103, 20},
                  {PW_LIMIT, PW_IOC, 103, 20},
                  {PW_LIMIT, PW_FOK, 103, 0},
                  {PW_LIMIT, PW_GTC, 102, 20}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        for (int side = 0; side < 2; side++) {
            int64_t sign = side == PW_BUY ? 1 : -1;
            matching_close();
            matching_open();
            for (int64_t k = 0; k < 3; k++) {
                limit(side == PW_BUY ? PW_SELL : PW_BUY, 100 + sign * k, 10);
            }
            g_matching->ranges[side] =
                side == PW_BUY ? (struct pw_matching_range){0, 101} : (struct pw_matching_range){99, 0};
            g_matching->ranges[!side] = (struct pw_matching_range){1, 1};
            int64_t price = orders[i].price ? 100 + sign * (orders[i].price - 100) : 0;
            uint32_t row = place((struct pw_matching_order){.side = (enum pw_side)side,
                                                            .type = orders[i].type,
                                                            .tif = orders[i].tif,
                                                            .price_e8 = price,
                                                            .qty_e8 = 30,
                                                            .owner = 7,
                                                            .tag = 70});
            cr_expect_eq(row, PW_MATCHING_NONE);
            cr_expect_eq(bought(), orders[i].traded, "order %zu", i);
            expect_end(7, 30 - orders[i].traded, PW_MATCHING_END_PRICE_RANGE);
        }
    }
}

/* cases/21-reference-price-of-filters: it ends for another reason where it reaches nothing beyond. */
Test(matching, a_range_that_is_not_reached_ends_nothing)
{
    limit(PW_SELL, 100, 10);
    limit(PW_SELL, 105, 10);
    g_matching->ranges[PW_BUY] = (struct pw_matching_range){0, 104};
    cr_expect_neq(limit(PW_BUY, 104, 30), PW_MATCHING_NONE, "what is left rests");
    cr_expect_eq(bought(), 10);
    cr_expect_eq(g_heard.end_cnt, 0);
    g_matching->ranges[PW_BUY] = (struct pw_matching_range){0, 105};
    place((struct pw_matching_order){.side = PW_BUY, .type = PW_MARKET, .qty_e8 = 30, .owner = 7, .tag = 70});
    expect_end(7, 20, PW_MATCHING_END_NO_LIQUIDITY);
    limit(PW_SELL, 110, 10);
    place((struct pw_matching_order){.side = PW_BUY,
                                     .type = PW_LIMIT,
                                     .tif = PW_FOK,
                                     .price_e8 = 104,
                                     .qty_e8 = 5,
                                     .owner = 7,
                                     .tag = 70});
    expect_end(7, 5, PW_MATCHING_END_FOK);
}

/* cases/21-reference-price-of-filters: when it works, not when it is placed. */
Test(matching, a_stop_is_bound_when_it_fires)
{
    limit(PW_SELL, 100, 10);
    limit(PW_BUY, 90, 10);
    g_matching->last_price_e8 = 90;
    uint32_t row = place((struct pw_matching_order){
        .side = PW_BUY, .type = PW_STOP_LOSS, .stop_price_e8 = 95, .qty_e8 = 5, .owner = 7, .tag = 70});
    cr_assert_neq(row, PW_MATCHING_NONE);
    g_matching->ranges[PW_BUY] = (struct pw_matching_range){0, 99};
    cr_expect_eq(pw_matching_activate(g_matching, row), PW_MATCHING_NONE);
    expect_end(7, 5, PW_MATCHING_END_PRICE_RANGE);
    cr_expect_eq(bought(), 0);
}
