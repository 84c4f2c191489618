/* SPDX-License-Identifier: MIT
 *
 * Clients' orders among the background flow's: money that is neither made nor lost, and a market that is the
 * same as before where nobody trades.
 */
#include "sim_market.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_NS  (INT64_C(1723161600000) * 1000000)
#define SECOND_NS INT64_C(1000000000)

static const struct pw_sim_synthetic_config g_market = {.seed = 11,
                                                        .epoch_ms = START_NS / 1000000,
                                                        .instrument_cnt = 1,
                                                        .instruments = {{.symbol = "BTCUSDT",
                                                                         .price_e8 = INT64_C(6150000000000),
                                                                         .tick_e8 = 1000000,
                                                                         .step_e8 = 1000,
                                                                         .trades_per_s = 50,
                                                                         .quotes_per_s = 200,
                                                                         .volatility_ppm = 40,
                                                                         .levels = 100}}};

static struct sim_market g_venue;

/* What the executions alone say of each order, by its slot, and how many of each type there were. */
static struct heard {
    int64_t filled_e8, prevented_e8;
    bool open;
} g_heard[PW_SIM_ORDERS_KEPT];
static uint32_t g_heard_cnt[PW_SIM_EXECUTION_TYPES];
static uint32_t g_decremented_cnt;           /* times that an order went on with less */
static uint32_t g_fired_cnt[PW_ORDER_TYPES]; /* first fills of orders with a stop price, by type */

static bool price_reaches(const struct pw_sim_client_order *order, int64_t price_e8)
{
    bool loss = order->type == PW_STOP_LOSS || order->type == PW_STOP_LOSS_LIMIT;

    return loss == (order->side == PW_BUY) ? price_e8 >= order->stop_price_e8
                                           : price_e8 <= order->stop_price_e8;
}

/* A public trade since the order was placed was at its stop price or beyond. */
static bool tape_reached(const struct pw_sim_client_order *order)
{
    const struct pw_sim_tape_trade *trade;

    for (uint64_t back = 0; (trade = pw_sim_tape_back(order->symbol->tape, back)) != NULL; back++) {
        if (trade->time_ns < order->time_ns) {
            return false;
        }
        if (price_reaches(order, trade->price_e8)) {
            return true;
        }
    }
    return false;
}

static void expect_fill_as_ordered(const struct pw_sim_client_order *order, const struct pw_sim_fill *fill)
{
    if (order->price_e8) {
        cr_assert(order->side == PW_BUY ? fill->price_e8 <= order->price_e8
                                        : fill->price_e8 >= order->price_e8);
    }
    cr_assert(order->type != PW_LIMIT_MAKER || fill->maker, "post-only never takes");
    cr_assert(order->working);
    cr_assert(pw_order_has_limit((uint8_t)order->type) || !fill->maker);
    if (order->stop_price_e8) {
        cr_assert(tape_reached(order), "an order fires only when its price was traded");
        g_fired_cnt[order->type] += order->filled_e8 == fill->qty_e8;
    }
}

static void on_execution(void *state, const struct pw_sim_execution *execution)
{
    const struct pw_sim_client_order *order = execution->order;
    struct heard *heard = &g_heard[pw_sim_order_slot(&g_venue.orders.table, order)];
    uint32_t all = 0;

    (void)state;
    if (execution->type == PW_SIM_EXECUTION_NEW) {
        *heard = (struct heard){.open = true};
    }
    cr_assert(heard->open, "nothing is heard of an order before it is new or after its end");
    if (execution->type == PW_SIM_EXECUTION_TRADE) {
        heard->filled_e8 += execution->fill->qty_e8;
        expect_fill_as_ordered(order, execution->fill);
    }
    heard->open = order->open;
    cr_assert_eq(heard->filled_e8, order->filled_e8);
    cr_assert_eq((execution->expiry_reason != NULL), (execution->type == PW_SIM_EXECUTION_EXPIRED));
    cr_assert_eq((order->status == PW_SIM_STATUS_EXPIRED_IN_MATCH),
                 (execution->type == PW_SIM_EXECUTION_TRADE_PREVENTION && !order->open));
    heard->prevented_e8 += execution->prevention.qty_e8;
    cr_assert_eq(heard->prevented_e8, order->prevented_e8);
    cr_assert_eq((execution->prevention.qty_e8 > 0), (execution->type == PW_SIM_EXECUTION_TRADE_PREVENTION));
    cr_assert_leq(order->filled_e8 + order->prevented_e8, order->qty_e8);
    cr_assert(!order->open || order->filled_e8 + order->prevented_e8 < order->qty_e8);
    g_decremented_cnt += order->open && execution->prevention.qty_e8 > 0;
    cr_assert(order->open || order->tif != PW_FOK || order->filled_e8 == 0 ||
              order->filled_e8 == order->qty_e8);
    g_heard_cnt[execution->type]++;
    for (int i = 0; i < PW_SIM_EXECUTION_TYPES; i++) {
        all += g_heard_cnt[i];
    }
    cr_assert_eq(execution->execution_id, all);
}

static void account_add(const char *key)
{
    struct pw_sim_account_config *account =
        sim_market_account(&g_venue, key, (struct pw_sim_balance_config){"USDT", 100000 * PW_E8},
                           (struct pw_sim_balance_config){"BTC", 2 * PW_E8});

    account->maker_fee_bps = 7;
    account->taker_fee_bps = 13;
}

static void venue_open(void)
{
    memset(&g_venue, 0, sizeof g_venue);
    account_add("one");
    account_add("two");
    sim_market_open(&g_venue, &g_market);
    memset(g_heard_cnt, 0, sizeof g_heard_cnt);
    memset(g_fired_cnt, 0, sizeof g_fired_cnt);
    g_decremented_cnt = 0;
    g_venue.orders.listener.executed = on_execution;
}

static void venue_close(void)
{
    sim_market_close(&g_venue);
}

static void flow_acts(struct sim_market *market, int steps)
{
    int64_t market_ns;

    for (int i = 0; i < steps; i++) {
        cr_assert_eq(market->source.ops->next(market->source.state, 0, &market_ns), PW_SIM_NEXT_AT);
        market->source.ops->step(market->source.state);
    }
}

/* What the account's fills say that it must have, against what it has; and locks against open orders. */
static void expect_books_balance(uint32_t account_idx)
{
    const struct pw_sim_account *account = &g_venue.accounts.accounts[account_idx];
    const struct pw_sim_balance *usdt = pw_sim_account_balance(account, "USDT");
    const struct pw_sim_balance *btc = pw_sim_account_balance(account, "BTC");
    const struct pw_sim_client_order *order = NULL;
    int64_t usdt_e8 = 100000 * PW_E8, btc_e8 = 2 * PW_E8, usdt_locked = 0, btc_locked = 0;

    for (uint64_t i = 0; i < g_venue.orders.fill_cnt; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(&g_venue.orders, i);
        if (fill->account != account) {
            continue;
        }
        cr_assert_eq(fill->fee_e8,
                     (fill->buyer ? fill->qty_e8 : fill->quote_e8) * (fill->maker ? 7 : 13) / 10000);
        usdt_e8 += fill->buyer ? -fill->quote_e8 : fill->quote_e8 - fill->fee_e8;
        btc_e8 += fill->buyer ? fill->qty_e8 - fill->fee_e8 : -fill->qty_e8;
    }
    while ((order = pw_sim_orders_next_open(&g_venue.orders, account, order))) {
        *(order->side == PW_BUY ? &usdt_locked : &btc_locked) += order->locked_e8;
        cr_assert_gt(order->locked_e8, 0);
    }
    cr_assert_eq(usdt->free_e8 + usdt->locked_e8, usdt_e8);
    cr_assert_eq(btc->free_e8 + btc->locked_e8, btc_e8);
    cr_assert_eq(usdt->locked_e8, usdt_locked);
    cr_assert_eq(btc->locked_e8, btc_locked);
    cr_assert(usdt->free_e8 >= 0 && btc->free_e8 >= 0);
}

TestSuite(orders, .init = venue_open, .fini = venue_close);

/* Prices and quantities around the market, of any type; some of them make no sense. */
static struct pw_sim_order_request random_request(struct pw_sim_symbol *symbol)
{
    struct pw_sim_order_request request = {.symbol = symbol,
                                           .side = rand() % 2 ? PW_BUY : PW_SELL,
                                           .type = (enum pw_order_type)(rand() % PW_ORDER_TYPES),
                                           .prevention = (enum pw_stp)(rand() % PW_STP_MODES),
                                           .qty_e8 = (1 + rand() % 5000) * 1000};
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);

    if (request.type == PW_MARKET && rand() % 3 == 0) {
        request.quote_qty_e8 = (1 + rand() % 3000) * PW_E8 / 7;
        request.qty_e8 = 0;
    }
    if (pw_order_has_limit((uint8_t)request.type)) {
        request.price_e8 = symbol->top.bid_price_e8 + (rand() % 41 - 20) * symbol->tick_e8 * 10;
        request.tif = request.type == PW_LIMIT_MAKER ? PW_GTC : (enum pw_tif)(rand() % PW_SIM_TIFS);
    }
    if (pw_order_has_stop((uint8_t)request.type)) {
        request.stop_price_e8 =
            (last ? last->price_e8 : symbol->top.bid_price_e8) / symbol->tick_e8 * symbol->tick_e8 +
            (rand() % 21 - 10) * symbol->tick_e8 * 10;
    }
    return request;
}

/* The account's open orders: how many, and the one of that number from the oldest. */
static struct pw_sim_client_order *open_order(const struct pw_sim_account *account, uint32_t number)
{
    struct pw_sim_client_order *order = NULL;

    for (uint32_t i = 0; i <= number; i++) {
        order = pw_sim_orders_next_open(&g_venue.orders, account, order);
    }
    return order;
}

/* No order waits on that the trades since `trade_cnt` have reached. */
static void expect_waiting_unreached(uint64_t trade_cnt)
{
    const struct pw_sim_tape *tape = g_venue.source.symbols[0].tape;

    for (uint32_t i = 0; i < g_venue.accounts.account_cnt; i++) {
        const struct pw_sim_account *account = &g_venue.accounts.accounts[i];
        const struct pw_sim_client_order *order = NULL;
        while ((order = pw_sim_orders_next_open(&g_venue.orders, account, order))) {
            for (uint64_t back = 0; !order->working && back < tape->trade_cnt - trade_cnt; back++) {
                const struct pw_sim_tape_trade *trade = pw_sim_tape_back(tape, back);
                cr_assert(trade->time_ns <= order->time_ns || !price_reaches(order, trade->price_e8));
            }
        }
    }
}

/* Both sides of a trade between clients agree, and nobody trades with himself who does not want to. */
static uint32_t expect_pairs_agree(void)
{
    uint32_t pairs = 0;

    for (uint64_t i = 1; i < g_venue.orders.fill_cnt; i++) {
        const struct pw_sim_fill *maker = pw_sim_orders_fill(&g_venue.orders, i - 1);
        const struct pw_sim_fill *taker = pw_sim_orders_fill(&g_venue.orders, i);
        const struct pw_sim_client_order *order;
        if (maker->trade_id != taker->trade_id) {
            continue;
        }
        pairs++;
        cr_assert(maker->maker && !taker->maker && maker->buyer != taker->buyer);
        cr_assert(maker->price_e8 == taker->price_e8 && maker->qty_e8 == taker->qty_e8 &&
                  maker->quote_e8 == taker->quote_e8);
        order = pw_sim_orders_find(&g_venue.orders, taker->account, taker->symbol, taker->order_id, NULL);
        cr_assert(maker->account != taker->account || order->prevention == PW_STP_NONE);
    }
    return pairs;
}

#define SEED 20241

Test(orders, random_orders_of_all_types_do_as_they_say_and_make_or_lose_no_money)
{
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    uint32_t placed = 0, refused = 0;

    srand(SEED);
    for (int round = 0; round < 8000; round++) {
        struct pw_sim_account *account = &g_venue.accounts.accounts[rand() % 2];
        struct pw_sim_client_order *order = NULL;
        struct pw_sim_order_request request;
        uint64_t trade_cnt = symbol->tape->trade_cnt;

        g_venue.source.ops->refresh(g_venue.source.state, symbol);
        request = random_request(symbol);
        if (pw_sim_orders_place(&g_venue.orders, account, &request, 0, &order)) {
            refused++;
        } else {
            cr_assert(order->open == (order->status < PW_SIM_STATUS_FILLED));
            cr_assert(!order->open || !order->working ||
                      (request.tif == PW_GTC && pw_order_has_limit((uint8_t)request.type)));
            cr_assert(!request.quote_qty_e8 || order->quote_e8 <= request.quote_qty_e8);
            placed++;
        }
        if (account->open_cnt && rand() % 4 == 0) {
            order = open_order(account, (uint32_t)rand() % account->open_cnt);
            pw_sim_orders_cancel(&g_venue.orders, order, NULL, 0);
        }
        flow_acts(&g_venue, rand() % 4);
        expect_books_balance(0);
        expect_books_balance(1);
        expect_waiting_unreached(trade_cnt);
    }
    cr_expect_eq(g_heard_cnt[PW_SIM_EXECUTION_NEW], placed);
    cr_expect_eq(g_heard_cnt[PW_SIM_EXECUTION_TRADE], g_venue.orders.fill_cnt);
    cr_expect(g_heard_cnt[PW_SIM_EXECUTION_CANCELED] > 50 && g_heard_cnt[PW_SIM_EXECUTION_EXPIRED] > 50 &&
              g_heard_cnt[PW_SIM_EXECUTION_TRADE_PREVENTION] > 10 && g_decremented_cnt > 10);
    for (uint32_t type = PW_STOP_LOSS; type < PW_ORDER_TYPES; type++) {
        cr_expect(g_fired_cnt[type] > 10, "seed %d: type %u fired %u times", SEED, type, g_fired_cnt[type]);
    }
    cr_expect(placed > 2000 && refused > 50, "seed %d: %u placed, %u refused", SEED, placed, refused);
    cr_expect_gt(expect_pairs_agree(), 5);
}

Test(orders, a_resting_order_stays_until_somebody_takes_it_whatever_the_background_flow_does)
{
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    struct pw_sim_client_order *order;
    const struct pw_matching *matching;
    int64_t market_ns;
    struct pw_sim_order_request request = {
        .symbol = symbol, .side = PW_BUY, .type = PW_LIMIT, .price_e8 = 6000000000000, .qty_e8 = 100000000};

    cr_assert_null(pw_sim_orders_place(&g_venue.orders, &g_venue.accounts.accounts[0], &request, 0, &order));
    flow_acts(&g_venue, 20000);
    matching = g_venue.source.ops->enter(g_venue.source.state, symbol, 0, &market_ns);
    cr_assert(order->open);
    cr_assert_eq(matching->rows[order->row_idx].place, PW_MATCHING_RESTS);
    cr_assert_eq(matching->rows[order->row_idx].order_id, order->order_id);
    cr_expect_eq(order->filled_e8, 0);
    pw_sim_orders_cancel(&g_venue.orders, order, NULL, 0);
    expect_books_balance(0);
}

static struct pw_sim_client_order *placed(struct pw_sim_account *account,
                                          const struct pw_sim_order_request *request)
{
    struct pw_sim_client_order *order = NULL;
    const struct pw_sim_reject *reject = pw_sim_orders_place(&g_venue.orders, account, request, 0, &order);

    cr_assert_null(reject, "%s", reject ? reject->text : "");
    return order;
}

/* What comes of an order that meets one of its own account: of it, and of the older one. */
static const struct {
    enum pw_stp prevention;
    enum pw_sim_status taker, maker;
} g_meetings[] = {{PW_STP_NONE, PW_SIM_STATUS_FILLED, PW_SIM_STATUS_FILLED},
                  {PW_STP_EXPIRE_TAKER, PW_SIM_STATUS_EXPIRED_IN_MATCH, PW_SIM_STATUS_NEW},
                  {PW_STP_EXPIRE_MAKER, PW_SIM_STATUS_PARTIALLY_FILLED, PW_SIM_STATUS_EXPIRED_IN_MATCH},
                  {PW_STP_EXPIRE_BOTH, PW_SIM_STATUS_EXPIRED_IN_MATCH, PW_SIM_STATUS_EXPIRED_IN_MATCH},
                  {PW_STP_DECREMENT, PW_SIM_STATUS_EXPIRED_IN_MATCH, PW_SIM_STATUS_EXPIRED_IN_MATCH},
                  {PW_STP_TRANSFER, PW_SIM_STATUS_EXPIRED_IN_MATCH, PW_SIM_STATUS_EXPIRED_IN_MATCH}};

Test(orders, what_becomes_of_a_meeting_with_oneself_is_the_newer_order_s_choice)
{
    struct pw_sim_account *account = &g_venue.accounts.accounts[0];
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];

    for (size_t i = 0; i < sizeof g_meetings / sizeof g_meetings[0]; i++) {
        struct pw_sim_order_request maker = {
            .symbol = symbol, .side = PW_SELL, .type = PW_LIMIT, .qty_e8 = 1000000};
        struct pw_sim_order_request taker = {
            .symbol = symbol, .side = PW_BUY, .type = PW_LIMIT, .prevention = g_meetings[i].prevention};
        struct pw_sim_client_order *older, *newer;
        int64_t before_e8;

        g_venue.source.ops->refresh(g_venue.source.state, symbol);
        before_e8 = symbol->top.ask_qty_e8; /* the background flow's, that the newer one takes first */
        maker.price_e8 = taker.price_e8 = symbol->top.ask_price_e8;
        taker.qty_e8 = before_e8 + maker.qty_e8;
        older = placed(account, &maker);
        newer = placed(account, &taker);
        cr_expect_eq(newer->status, g_meetings[i].taker, "%zu", i);
        cr_expect_eq(older->status, g_meetings[i].maker, "%zu", i);
        cr_expect_eq(newer->filled_e8, before_e8 + older->filled_e8, "%zu", i);
        if (newer->open) {
            pw_sim_orders_cancel(&g_venue.orders, newer, NULL, 0);
        }
        if (older->open) {
            pw_sim_orders_cancel(&g_venue.orders, older, NULL, 0);
        }
        expect_books_balance(0);
    }
}

static const char *refusal(const struct pw_sim_order_request *request)
{
    const struct pw_sim_reject *reject =
        pw_sim_orders_judge(&g_venue.orders, &g_venue.accounts.accounts[0], request, START_NS + SECOND_NS);

    cr_assert(!reject || (reject->status == 400 && reject->code == -1013) || reject->code == -2010);
    return reject && reject->code == -1013 ? reject->text : "";
}

#define BAND     "Filter failure: PERCENT_PRICE_BY_SIDE"
#define NOTIONAL "Filter failure: NOTIONAL"

/* cases/21-reference-price-of-filters: by the reference price, else by the mean, else by the last price; by
 * side. */
Test(orders, filters_judge_by_the_reference_price_or_what_stands_in_for_it)
{
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    const struct {
        enum pw_side side;
        int64_t least, most; /* thousandths of the price */
    } ends[] = {{PW_BUY, 900, 1100}, {PW_SELL, 800, 1200}};
    struct pw_sim_order_request order = {.symbol = symbol, .type = PW_LIMIT, .qty_e8 = 100000};

    flow_acts(&g_venue, 3000);
    g_venue.source.ops->refresh(g_venue.source.state, symbol);
    symbol->rules.band[PW_BUY] = (struct pw_sim_bounds){PW_E8 * 11 / 10, PW_E8 * 9 / 10};
    symbol->rules.band[PW_SELL] = (struct pw_sim_bounds){PW_E8 * 12 / 10, PW_E8 * 8 / 10};
    for (int i = 0; i < 3; i++) {
        const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);
        struct pw_sim_tape_candle candle =
            pw_sim_tape_candle(symbol->tape, last->time_ns - 60 * SECOND_NS, 60 * SECOND_NS + 1);
        int64_t mean_e8 = pw_sim_candle_average_e8(&candle);
        int64_t price_e8 = i == 0 ? 30000 * PW_E8 : i == 1 ? mean_e8 : last->price_e8;
        cr_assert(mean_e8 > 0);
        symbol->rules.reference_e8 = i == 0 ? price_e8 : 0;
        symbol->rules.avg_price_mins = i == 1 ? 1 : 0;
        for (size_t k = 0; k < 2; k++) {
            order.side = ends[k].side;
            order.price_e8 = (price_e8 / 1000 * ends[k].most) / symbol->tick_e8 * symbol->tick_e8;
            cr_expect_str_eq(refusal(&order), "");
            order.price_e8 += 2 * symbol->tick_e8;
            cr_expect_str_eq(refusal(&order), BAND);
            order.price_e8 =
                (price_e8 / 1000 * ends[k].least) / symbol->tick_e8 * symbol->tick_e8 + 2 * symbol->tick_e8;
            cr_expect_str_eq(refusal(&order), "");
            order.price_e8 -= 3 * symbol->tick_e8;
            cr_expect_str_eq(refusal(&order), BAND);
        }
    }
}

/* cases/21-reference-price-of-filters: 5 USDT at least, by the price that judges. */
Test(orders, a_market_order_s_notional_is_judged_by_the_reference_price)
{
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    struct pw_sim_order_request order = {.symbol = symbol, .type = PW_MARKET, .qty_e8 = 10000};

    for (int side = 0; side < 2; side++) {
        order.side = (enum pw_side)side;
        symbol->rules.reference_e8 = 50000 * PW_E8;
        cr_expect_str_eq(refusal(&order), "");
        symbol->rules.reference_e8--;
        cr_expect_str_eq(refusal(&order), NOTIONAL);
    }
}

/* cases/21-reference-price-of-filters: what would trade beyond the range expires, and says why. */
Test(orders, what_would_trade_beyond_the_price_range_expires)
{
    struct pw_sim_account *account = &g_venue.accounts.accounts[0];
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    int64_t market_ns;
    struct pw_matching *matching = g_venue.source.ops->enter(g_venue.source.state, symbol, 0, &market_ns);
    const struct pw_matching_level *best = pw_matching_best(matching, PW_SELL);
    int64_t best_e8 = best->qty_e8;
    struct pw_sim_order_request order = {
        .symbol = symbol, .side = PW_BUY, .type = PW_MARKET, .qty_e8 = best_e8 + 1000 * symbol->step_e8};
    struct pw_sim_client_order *bought;

    matching->ranges[PW_BUY].high_e8 = best->price_e8;
    g_venue.source.ops->leave(g_venue.source.state, symbol);
    bought = placed(account, &order);
    cr_expect_eq(bought->status, PW_SIM_STATUS_EXPIRED);
    cr_expect_eq(bought->filled_e8, best_e8);
    cr_expect_str_eq(bought->expiry_reason, "EXECUTION_RULE_PRICE_RANGE_EXCEEDED");
    cr_expect_eq(account->balances[0].locked_e8, 0);
    cr_expect_eq(g_heard_cnt[PW_SIM_EXECUTION_EXPIRED], 1);
}

Test(orders, a_buyer_s_stop_that_the_balance_cannot_pay_expires_when_it_fires)
{
    struct pw_sim_account *account = &g_venue.accounts.accounts[0];
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    struct pw_sim_order_request stop = {
        .symbol = symbol, .side = PW_BUY, .type = PW_STOP_LOSS, .qty_e8 = 160000000};
    struct pw_sim_order_request sweep = {
        .symbol = symbol, .side = PW_BUY, .type = PW_MARKET, .qty_e8 = 20000000};
    struct pw_sim_client_order *order;

    placed(&g_venue.accounts.accounts[1], &sweep); /* there is a last price now */
    g_venue.source.ops->refresh(g_venue.source.state, symbol);
    stop.stop_price_e8 = pw_sim_tape_last(symbol->tape)->price_e8 + symbol->tick_e8;
    order = placed(account, &stop);
    cr_assert(order->open && !order->working);
    cr_expect_eq(account->balances[0].locked_e8,
                 (int64_t)(((pw_i128)stop.stop_price_e8 * stop.qty_e8 + PW_E8 - 1) / PW_E8));
    account->balances[0].free_e8 = 0; /* it was just enough for the stop price: the book asks for more */
    for (int i = 0; i < 6 && order->open; i++) {
        placed(&g_venue.accounts.accounts[1], &sweep);
    }
    cr_expect_eq(order->status, PW_SIM_STATUS_EXPIRED);
    cr_expect_eq(order->filled_e8, 0);
    cr_expect_eq(account->balances[0].locked_e8, 0);
    cr_expect_eq(g_heard_cnt[PW_SIM_EXECUTION_EXPIRED], 1);
}

/* FNV-1a over the trades and quotes of some seconds. */
static uint64_t market_heard(struct sim_market *market)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    struct pw_slice text;

    listener_subscribe(&market->listener, "btcusdt@trade");
    listener_subscribe(&market->listener, "btcusdt@bookTicker");
    for (int i = 0; i < 3000; i++) {
        flow_acts(market, 1);
        while (listener_next(&market->listener, &text)) {
            for (size_t k = 0; k < text.size; k++) {
                hash = (hash ^ (unsigned char)text.text[k]) * UINT64_C(1099511628211);
            }
        }
    }
    return hash;
}

Test(orders, accounts_that_do_not_trade_leave_the_market_as_it_is)
{
    static struct sim_market without; /* any account */

    sim_market_open(&without, &g_market);
    cr_expect_eq(market_heard(&g_venue), market_heard(&without));
    sim_market_close(&without);
}
