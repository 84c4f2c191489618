/* SPDX-License-Identifier: MIT
 *
 * The matching engine against a plain model: one list of orders in the order of their placing, searched from
 * end to end for each trade, with the rules as the header states them. Random orders of all types, times in
 * force and self-trade modes, of three owners and nobody, are placed in both; each result of the engine must
 * be the model's, word for word.
 */
#include "matching.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORDERS_MAX  40000u
#define RESULTS_MAX 4096u
#define SEED        UINT64_C(20240809)
#define LOW_PRICE   80
#define HIGH_PRICE  120

struct plain_order {
    struct pw_matching_order as;
    int64_t leaves;
    uint64_t order_id;
    uint64_t time; /* of its turn at its price: a stop's is that of its activation */
    enum { GONE, RESTS, WAITS } place;
};

static struct {
    struct plain_order orders[ORDERS_MAX];
    uint32_t cnt;
    uint64_t time, trade_id, update_id;
    int64_t last, low, high;
    int64_t traded; /* by the taker that is being matched */
    struct pw_matching_result results[RESULTS_MAX];
    uint32_t result_cnt;
} g_plain;

static struct {
    struct pw_matching_result results[RESULTS_MAX];
    uint32_t result_cnt;
    int64_t bought[4], sold[4]; /* by owner */
    uint32_t kinds[4], ends[PW_MATCHING_END_WOULD_TRIGGER + 1];
} g_heard;

static struct pw_matching *g_matching;
static uint64_t g_random = SEED;

static uint32_t random_below(uint32_t bound)
{
    g_random = g_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((g_random >> 33) % bound);
}

/* ---- the model ---- */

static void plain_report(struct pw_matching_result result)
{
    cr_assert_lt(g_plain.result_cnt, RESULTS_MAX);
    g_plain.results[g_plain.result_cnt++] = result;
}

static struct pw_matching_party plain_party(const struct plain_order *order)
{
    return (struct pw_matching_party){order->order_id, order->as.owner, order->as.tag};
}

static int64_t plain_qty(enum pw_side side, int64_t price)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < g_plain.cnt; i++) {
        const struct plain_order *order = &g_plain.orders[i];
        sum += order->place == RESTS && order->as.side == side && order->as.price_e8 == price ? order->leaves
                                                                                              : 0;
    }
    return sum;
}

static void plain_level(enum pw_side side, int64_t price)
{
    plain_report((struct pw_matching_result){.kind = PW_MATCHING_LEVEL,
                                             .side = side,
                                             .level = {price, plain_qty(side, price), ++g_plain.update_id}});
}

static void plain_end(const struct plain_order *order, enum pw_matching_end why)
{
    if (order->as.owner) {
        plain_report((struct pw_matching_result){.kind = PW_MATCHING_END,
                                                 .side = order->as.side,
                                                 .end = {plain_party(order), order->leaves, why}});
    }
}

/* The opposite order that the next trade is with: the best price, then the oldest; NULL: none is reached. */
static struct plain_order *plain_best(const struct plain_order *taker)
{
    struct plain_order *best = NULL;
    bool buys = taker->as.side == PW_BUY;

    for (uint32_t i = 0; i < g_plain.cnt; i++) {
        struct plain_order *order = &g_plain.orders[i];
        int64_t price = order->as.price_e8;
        if (order->place != RESTS || order->as.side == taker->as.side ||
            (pw_order_has_limit((uint8_t)taker->as.type) &&
             (buys ? price > taker->as.price_e8 : price < taker->as.price_e8))) {
            continue;
        }
        if (!best || (buys ? price < best->as.price_e8 : price > best->as.price_e8) ||
            (price == best->as.price_e8 && order->time < best->time)) {
            best = order;
        }
    }
    return best;
}

static bool plain_same_owner(const struct plain_order *a, const struct plain_order *b)
{
    return a->as.owner && a->as.owner == b->as.owner;
}

static void plain_trade(struct plain_order *maker, struct plain_order *taker)
{
    int64_t qty = maker->leaves < taker->leaves ? maker->leaves : taker->leaves;
    int64_t price = maker->as.price_e8;

    maker->leaves -= qty;
    taker->leaves -= qty;
    maker->place = maker->leaves ? RESTS : GONE;
    g_plain.last = price;
    g_plain.traded += qty;
    g_plain.low = price < g_plain.low ? price : g_plain.low;
    g_plain.high = price > g_plain.high ? price : g_plain.high;
    plain_report((struct pw_matching_result){
        .kind = PW_MATCHING_TRADE,
        .side = taker->as.side,
        .trade = {++g_plain.trade_id, price, qty, plain_party(maker), plain_party(taker)}});
}

/* Both lose what they would have traded. */
static void plain_decrement(struct plain_order *maker, struct plain_order *taker)
{
    int64_t qty = maker->leaves < taker->leaves ? maker->leaves : taker->leaves;

    maker->leaves -= qty;
    taker->leaves -= qty;
    maker->place = maker->leaves ? RESTS : GONE;
    plain_report((struct pw_matching_result){
        .kind = PW_MATCHING_PREVENTION,
        .side = taker->as.side,
        .prevention = {maker->as.price_e8, qty, plain_party(maker), plain_party(taker)}});
}

/* Trades at one price after the other; false: self-trade prevention ended the taker. */
static bool plain_match(struct plain_order *taker)
{
    struct plain_order *maker;
    bool alive = true;

    while (alive && taker->leaves && (maker = plain_best(taker)) != NULL) {
        enum pw_side side = maker->as.side;
        int64_t price = maker->as.price_e8, before = plain_qty(side, price);
        for (; alive && taker->leaves && maker && maker->as.price_e8 == price; maker = plain_best(taker)) {
            enum pw_stp stp = plain_same_owner(maker, taker) ? taker->as.stp : PW_STP_NONE;
            if (stp == PW_STP_NONE) {
                plain_trade(maker, taker);
            }
            if (stp == PW_STP_EXPIRE_MAKER || stp == PW_STP_EXPIRE_BOTH) {
                maker->place = GONE;
                plain_end(maker, PW_MATCHING_END_SELF_TRADE);
            }
            if (stp == PW_STP_DECREMENT || stp == PW_STP_TRANSFER) {
                plain_decrement(maker, taker);
            }
            alive = stp != PW_STP_EXPIRE_TAKER && stp != PW_STP_EXPIRE_BOTH;
        }
        if (plain_qty(side, price) != before) {
            plain_level(side, price);
        }
    }
    return alive;
}

/* What it could trade at once, found by doing it to a copy of everything. */
static int64_t plain_fillable(const struct plain_order *taker)
{
    static struct plain_order saved[ORDERS_MAX];
    struct plain_order copy = *taker;
    uint64_t trade_id = g_plain.trade_id, update_id = g_plain.update_id;
    int64_t last = g_plain.last, low = g_plain.low, high = g_plain.high;
    uint32_t result_cnt = g_plain.result_cnt;

    memcpy(saved, g_plain.orders, g_plain.cnt * sizeof *saved);
    g_plain.traded = 0;
    plain_match(&copy);
    memcpy(g_plain.orders, saved, g_plain.cnt * sizeof *saved);
    g_plain.trade_id = trade_id;
    g_plain.update_id = update_id;
    g_plain.last = last;
    g_plain.low = low;
    g_plain.high = high;
    g_plain.result_cnt = result_cnt;
    return g_plain.traded;
}

static void plain_work(struct plain_order *order)
{
    bool has_limit = pw_order_has_limit((uint8_t)order->as.type);

    order->place = GONE; /* it does not meet itself */
    order->time = ++g_plain.time;
    if (order->as.type == PW_LIMIT_MAKER && plain_best(order)) {
        plain_end(order, PW_MATCHING_END_WOULD_TAKE);
    } else if (order->as.tif == PW_FOK && plain_fillable(order) < order->leaves) {
        plain_end(order, PW_MATCHING_END_FOK);
    } else if (!plain_match(order)) {
        plain_end(order, PW_MATCHING_END_SELF_TRADE);
    } else if (order->leaves && has_limit && order->as.tif == PW_GTC) {
        order->place = RESTS;
        plain_level(order->as.side, order->as.price_e8);
    } else if (order->leaves) {
        plain_end(order, has_limit ? PW_MATCHING_END_IOC : PW_MATCHING_END_NO_LIQUIDITY);
    }
}

/* A stop loss fires at a price that is worse for it, a take profit at a better one. */
static bool plain_reached(const struct plain_order *order, int64_t low, int64_t high)
{
    bool loss = order->as.type == PW_STOP_LOSS || order->as.type == PW_STOP_LOSS_LIMIT;
    bool rising = order->as.side == PW_BUY ? loss : !loss;

    return rising ? high >= order->as.stop_price_e8 : low <= order->as.stop_price_e8;
}

static void plain_place(const struct pw_matching_order *as)
{
    struct plain_order *order = &g_plain.orders[g_plain.cnt++];

    cr_assert_lt(g_plain.cnt, ORDERS_MAX);
    *order = (struct plain_order){*as, as->qty_e8, 1000 + g_plain.cnt, 0, GONE};
    if (as->type < PW_STOP_LOSS) {
        plain_work(order);
    } else if (g_plain.last && plain_reached(order, g_plain.last, g_plain.last)) {
        plain_end(order, PW_MATCHING_END_WOULD_TRIGGER);
    } else {
        order->place = WAITS;
    }
}

/* The oldest that waits and was reached; NULL: none, and the trades so far are forgotten. */
static struct plain_order *plain_triggered(void)
{
    for (uint32_t i = 0; i < g_plain.cnt; i++) {
        if (g_plain.orders[i].place == WAITS &&
            plain_reached(&g_plain.orders[i], g_plain.low, g_plain.high)) {
            return &g_plain.orders[i];
        }
    }
    g_plain.low = INT64_MAX;
    g_plain.high = 0;
    return NULL;
}

/* ---- both ---- */

static void on_result(void *state, const struct pw_matching_result *result)
{
    (void)state;
    cr_assert_lt(g_heard.result_cnt, RESULTS_MAX);
    g_heard.results[g_heard.result_cnt++] = *result;
    g_heard.kinds[result->kind]++;
    if (result->kind == PW_MATCHING_TRADE) {
        bool buys = result->side == PW_BUY;
        g_heard.bought[(buys ? result->trade.taker : result->trade.maker).owner] += result->trade.qty_e8;
        g_heard.sold[(buys ? result->trade.maker : result->trade.taker).owner] += result->trade.qty_e8;
    }
    if (result->kind == PW_MATCHING_END) {
        g_heard.ends[result->end.why]++;
    }
}

static bool same_party(const struct pw_matching_party *a, const struct pw_matching_party *b)
{
    return a->order_id == b->order_id && a->owner == b->owner && a->tag == b->tag;
}

static bool same_result(const struct pw_matching_result *a, const struct pw_matching_result *b)
{
    if (a->kind != b->kind || a->side != b->side) {
        return false;
    }
    switch (a->kind) {
    case PW_MATCHING_TRADE:
        return a->trade.trade_id == b->trade.trade_id && a->trade.price_e8 == b->trade.price_e8 &&
               a->trade.qty_e8 == b->trade.qty_e8 && same_party(&a->trade.maker, &b->trade.maker) &&
               same_party(&a->trade.taker, &b->trade.taker);
    case PW_MATCHING_PREVENTION:
        return a->prevention.price_e8 == b->prevention.price_e8 &&
               a->prevention.qty_e8 == b->prevention.qty_e8 &&
               same_party(&a->prevention.maker, &b->prevention.maker) &&
               same_party(&a->prevention.taker, &b->prevention.taker);
    case PW_MATCHING_LEVEL:
        return a->level.price_e8 == b->level.price_e8 && a->level.qty_e8 == b->level.qty_e8 &&
               a->level.update_id == b->level.update_id;
    case PW_MATCHING_END:
        return same_party(&a->end.order, &b->end.order) && a->end.leaves_qty_e8 == b->end.leaves_qty_e8 &&
               a->end.why == b->end.why;
    }
    return false;
}

static void expect_same_results(int round)
{
    cr_assert_eq(g_heard.result_cnt, g_plain.result_cnt, "round %d", round);
    for (uint32_t i = 0; i < g_heard.result_cnt; i++) {
        cr_assert(same_result(&g_heard.results[i], &g_plain.results[i]), "round %d, result %u", round, i);
    }
    g_heard.result_cnt = g_plain.result_cnt = 0;
}

static void expect_same_book(void)
{
    const struct pw_matching_level *bid = pw_matching_best(g_matching, PW_BUY);
    const struct pw_matching_level *ask = pw_matching_best(g_matching, PW_SELL);
    uint32_t open_cnt = 0;

    cr_assert(!bid || !ask || bid->price_e8 < ask->price_e8, "crossed");
    for (int side = PW_BUY; side <= PW_SELL; side++) {
        for (int64_t price = LOW_PRICE; price <= HIGH_PRICE; price++) {
            cr_assert_eq(pw_matching_qty_e8(g_matching, (enum pw_side)side, price),
                         plain_qty((enum pw_side)side, price));
        }
    }
    for (uint32_t i = 0; i < g_plain.cnt; i++) {
        open_cnt += g_plain.orders[i].place != GONE;
    }
    cr_assert_eq(g_matching->open_cnt, open_cnt);
}

static struct plain_order *plain_of(uint64_t order_id)
{
    return &g_plain.orders[order_id - 1001];
}

static void random_cancel(void)
{
    struct pw_matching_side *levels = &g_matching->sides[random_below(2)];
    uint32_t row_idx = random_below(3) == 0  ? g_matching->waiting.first_idx
                       : levels->resting_cnt ? levels->resting[random_below(levels->resting_cnt)]
                                             : PW_MATCHING_NONE;
    struct plain_order *order;
    bool rests;

    if (row_idx == PW_MATCHING_NONE) {
        return;
    }
    order = plain_of(g_matching->rows[row_idx].order_id);
    rests = order->place == RESTS;
    order->place = GONE;
    if (rests) {
        plain_level(order->as.side, order->as.price_e8);
    }
    pw_matching_cancel(g_matching, row_idx);
}

static void random_place(void)
{
    struct pw_matching_order order = {
        .price_e8 = LOW_PRICE + random_below(HIGH_PRICE - LOW_PRICE + 1),
        .stop_price_e8 = LOW_PRICE + random_below(HIGH_PRICE - LOW_PRICE + 1),
        .qty_e8 = 1 + random_below(20),
        .owner = random_below(4),
        .tag = random_below(1000),
        .side = random_below(2) ? PW_BUY : PW_SELL,
        .type = random_below(3) ? PW_LIMIT : (enum pw_order_type)random_below(PW_ORDER_TYPES),
        .tif = random_below(3) ? PW_GTC : (enum pw_tif)random_below(3),
        .stp = (enum pw_stp)random_below(PW_STP_MODES)};

    pw_matching_place(g_matching, &order);
    plain_place(&order);
}

static void stops_fire(void)
{
    struct plain_order *order;
    uint32_t row_idx;

    do {
        row_idx = pw_matching_triggered(g_matching);
        order = plain_triggered();
        cr_assert_eq(row_idx != PW_MATCHING_NONE, order != NULL);
        if (order) {
            cr_assert_eq(g_matching->rows[row_idx].order_id, order->order_id);
            pw_matching_activate(g_matching, row_idx);
            plain_work(order);
        }
    } while (order);
}

Test(matching_model, random_orders_have_the_same_results_as_in_a_plain_list)
{
    size_t bytes = pw_matching_bytes(ORDERS_MAX);
    void *memory = aligned_alloc(64, bytes);
    int64_t sum = 0;

    cr_assert_not_null(memory);
    memset(memory, 0, bytes);
    g_matching = pw_matching_init(memory, ORDERS_MAX, 1000);
    g_matching->on_result = on_result;
    g_plain.trade_id = g_plain.update_id = 1000;
    g_plain.low = INT64_MAX;
    for (int round = 0; round < 12000; round++) {
        if (random_below(3) == 0) {
            random_cancel();
        } else {
            random_place();
        }
        stops_fire();
        expect_same_results(round);
        if (round % 100 == 0) {
            expect_same_book();
        }
    }
    expect_same_book();
    for (int owner = 0; owner < 4; owner++) {
        sum += g_heard.bought[owner] - g_heard.sold[owner];
        cr_expect_gt(g_heard.bought[owner], 1000);
    }
    cr_expect_eq(sum, 0, "what one sells another buys");
    cr_expect_gt(g_heard.kinds[PW_MATCHING_PREVENTION], 20);
    for (int why = 0; why <= PW_MATCHING_END_WOULD_TRIGGER; why++) {
        cr_expect(why == PW_MATCHING_END_NO_ROOM || g_heard.ends[why] > 20, "seed %llu: end %d came %u times",
                  (unsigned long long)SEED, why, g_heard.ends[why]);
    }
    free(memory);
}

/* The same calls give the same results: two engines, and the second begins in memory that was used before. */
Test(matching_model, the_same_orders_have_the_same_results_again)
{
    static struct pw_matching_result first[RESULTS_MAX];
    size_t bytes = pw_matching_bytes(512);
    void *memory = aligned_alloc(64, bytes);
    uint32_t first_cnt = 0;

    cr_assert_not_null(memory);
    for (int run = 0; run < 2; run++) {
        memset(memory, 0, bytes);
        g_matching = pw_matching_init(memory, 512, 1000);
        g_matching->on_result = on_result;
        g_random = SEED + 1;
        g_heard.result_cnt = 0;
        for (int i = 0; i < 800; i++) {
            struct pw_matching_order order = {.price_e8 = 90 + random_below(20),
                                              .qty_e8 = 1 + random_below(9),
                                              .owner = random_below(3),
                                              .side = random_below(2) ? PW_BUY : PW_SELL,
                                              .type = PW_LIMIT};
            pw_matching_place(g_matching, &order);
        }
        for (uint32_t i = 0; run && i < g_heard.result_cnt; i++) {
            cr_assert(same_result(&first[i], &g_heard.results[i]));
        }
        cr_assert(!run || first_cnt == g_heard.result_cnt);
        first_cnt = g_heard.result_cnt;
        memcpy(first, g_heard.results, sizeof first);
    }
    cr_expect_gt(first_cnt, 800);
    free(memory);
}
