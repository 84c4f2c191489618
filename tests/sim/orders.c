/* SPDX-License-Identifier: MIT
 *
 * Clients' orders among the crowd's: money that is neither made nor lost, and a market that is the same as
 * before where nobody trades.
 */
#include "orders.h"

#include "listener.h"
#include "synthetic.h"

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

struct venue {
    struct pw_sim_config config;
    struct pw_sim_hub hub;
    struct pw_sim_source source;
    struct pw_sim_accounts accounts;
    struct pw_sim_orders orders;
};

static struct venue g_venue;

/* What the executions alone say of each order, by its slot, and how many of each type there were. */
static struct heard {
    int64_t filled_e8;
    bool open;
} g_heard[PW_SIM_ORDERS_KEPT];
static uint32_t g_heard_cnt[4]; /* by enum pw_sim_execution_type */

static void on_execution(void *state, const struct pw_sim_execution *execution)
{
    const struct pw_sim_client_order *order = execution->order;
    struct heard *heard = &g_heard[order - g_venue.orders.table.orders];

    (void)state;
    if (execution->type == PW_SIM_EXECUTION_NEW) {
        *heard = (struct heard){.open = true};
    }
    cr_assert(heard->open, "nothing is heard of an order before it is new or after its end");
    if (execution->type == PW_SIM_EXECUTION_TRADE) {
        heard->filled_e8 += execution->fill->qty_e8;
    }
    heard->open = order->open;
    cr_assert_eq(heard->filled_e8, order->filled_e8);
    cr_assert_eq((execution->expiry_reason != NULL), (execution->type == PW_SIM_EXECUTION_EXPIRED));
    g_heard_cnt[execution->type]++;
    cr_assert_eq(execution->execution_id,
                 g_heard_cnt[PW_SIM_EXECUTION_NEW] + g_heard_cnt[PW_SIM_EXECUTION_CANCELED] +
                     g_heard_cnt[PW_SIM_EXECUTION_TRADE] + g_heard_cnt[PW_SIM_EXECUTION_EXPIRED]);
}

static void account_add(const char *key)
{
    struct pw_sim_account_config *account = &g_venue.config.accounts[g_venue.config.account_cnt++];

    snprintf(account->api_key, sizeof account->api_key, "%s", key);
    account->maker_bips = 7;
    account->taker_bips = 13;
    account->balance_cnt = 2;
    account->balances[0] = (struct pw_sim_balance_config){"USDT", 100000 * PW_E8};
    account->balances[1] = (struct pw_sim_balance_config){"BTC", 2 * PW_E8};
}

static void venue_open(void)
{
    char error[256];

    memset(&g_venue, 0, sizeof g_venue);
    account_add("one");
    account_add("two");
    cr_assert_eq(pw_sim_hub_init(&g_venue.hub, 8, 1 << 20), 0);
    cr_assert_eq(pw_sim_synthetic_make(&g_venue.source, &g_market, &g_venue.hub, 0, error, sizeof error), 0);
    cr_assert_eq(pw_sim_accounts_init(&g_venue.accounts, &g_venue.config, &g_venue.source), 0);
    cr_assert_eq(pw_sim_orders_init(&g_venue.orders, &g_venue.source), 0);
    memset(g_heard_cnt, 0, sizeof g_heard_cnt);
    g_venue.orders.listener.executed = on_execution;
}

static void venue_close(void)
{
    g_venue.source.ops->free(g_venue.source.state);
    pw_sim_orders_fini(&g_venue.orders);
    pw_sim_accounts_fini(&g_venue.accounts);
    pw_sim_hub_fini(&g_venue.hub);
}

static void crowd_acts(int steps)
{
    int64_t market_ns;

    for (int i = 0; i < steps; i++) {
        cr_assert_eq(g_venue.source.ops->next(g_venue.source.state, 0, &market_ns), PW_SIM_NEXT_AT);
        g_venue.source.ops->step(g_venue.source.state);
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

Test(orders, money_is_neither_made_nor_lost_by_random_orders_of_all_kinds)
{
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    uint32_t placed = 0, refused = 0, makers = 0, between = 0;

    srand(20241);
    for (int round = 0; round < 4000; round++) {
        struct pw_sim_account *account = &g_venue.accounts.accounts[rand() % 2];
        struct pw_sim_client_order *order = NULL;
        struct pw_sim_order_request request = {.symbol = symbol,
                                               .side = rand() % 2 ? PW_BUY : PW_SELL,
                                               .type = (enum pw_sim_order_type)(rand() % 3),
                                               .qty_e8 = (1 + rand() % 5000) * 1000};
        g_venue.source.ops->refresh(g_venue.source.state, symbol);
        if (request.type == PW_SIM_LIMIT) {
            request.tif = (enum pw_sim_tif)(rand() % 3);
        }
        if (request.type != PW_SIM_MARKET) {
            request.price_e8 = symbol->top.bid_price_e8 + (rand() % 41 - 20) * symbol->tick_e8 * 10;
        }
        if (pw_sim_orders_place(&g_venue.orders, account, &request, 0, &order)) {
            refused++;
        } else {
            cr_assert(order->open == (order->status < PW_SIM_STATUS_FILLED));
            cr_assert(request.tif != PW_SIM_FOK || order->filled_e8 == 0 ||
                      order->filled_e8 == order->qty_e8);
            placed++;
        }
        order = pw_sim_orders_next_open(&g_venue.orders, account, NULL);
        if (order && rand() % 4 == 0) {
            pw_sim_orders_cancel(&g_venue.orders, order, NULL, 0);
        }
        crowd_acts(rand() % 4);
        expect_books_balance(0);
        expect_books_balance(1);
    }
    for (uint64_t i = 0; i < g_venue.orders.fill_cnt; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(&g_venue.orders, i);
        makers += fill->maker;
        between += i && fill->trade_id == pw_sim_orders_fill(&g_venue.orders, i - 1)->trade_id;
    }
    cr_expect_eq(g_heard_cnt[PW_SIM_EXECUTION_NEW], placed);
    cr_expect_eq(g_heard_cnt[PW_SIM_EXECUTION_TRADE], g_venue.orders.fill_cnt);
    cr_expect(g_heard_cnt[PW_SIM_EXECUTION_CANCELED] > 50 && g_heard_cnt[PW_SIM_EXECUTION_EXPIRED] > 50);
    cr_expect(placed > 1000 && refused > 50 && makers > 50 && between > 5,
              "%u placed, %u refused, %u fills as maker, %u between clients", placed, refused, makers,
              between);
}

Test(orders, a_resting_order_stays_until_somebody_takes_it_whatever_the_crowd_does)
{
    struct pw_sim_symbol *symbol = &g_venue.source.symbols[0];
    struct pw_sim_client_order *order;
    const struct pw_sim_market *market;
    int64_t market_ns;
    struct pw_sim_order_request request = {
        .symbol = symbol, .side = PW_BUY, .price_e8 = 6000000000000, .qty_e8 = 100000000};

    cr_assert_null(pw_sim_orders_place(&g_venue.orders, &g_venue.accounts.accounts[0], &request, 0, &order));
    crowd_acts(20000);
    market = g_venue.source.ops->enter(g_venue.source.state, symbol, 0, &market_ns);
    cr_assert(order->open);
    cr_assert(market->orders[order->market_idx].resting);
    cr_assert_eq(market->orders[order->market_idx].order_id, order->order_id);
    cr_expect_eq(order->filled_e8, 0);
    pw_sim_orders_cancel(&g_venue.orders, order, NULL, 0);
    expect_books_balance(0);
}

/* FNV-1a over the trades and quotes of some seconds. */
static uint64_t market_heard(void)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    struct listener listener;
    struct pw_slice text;

    listener_open(&listener, &g_venue.hub, 0, false, false);
    listener_subscribe(&listener, "btcusdt@trade");
    listener_subscribe(&listener, "btcusdt@bookTicker");
    for (int i = 0; i < 3000; i++) {
        crowd_acts(1);
        while (listener_next(&listener, &text)) {
            for (size_t k = 0; k < text.size; k++) {
                hash = (hash ^ (unsigned char)text.text[k]) * UINT64_C(1099511628211);
            }
        }
    }
    listener_close(&listener);
    return hash;
}

Test(orders, accounts_that_do_not_trade_leave_the_market_as_it_is)
{
    uint64_t with = market_heard(), without;
    char error[256];

    g_venue.source.ops->free(g_venue.source.state);
    pw_sim_hub_fini(&g_venue.hub);
    cr_assert_eq(pw_sim_hub_init(&g_venue.hub, 8, 1 << 20), 0);
    cr_assert_eq(pw_sim_synthetic_make(&g_venue.source, &g_market, &g_venue.hub, 0, error, sizeof error), 0);
    without = market_heard();
    cr_expect_eq(with, without);
}
