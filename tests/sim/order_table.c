/* SPDX-License-Identifier: MIT
 *
 * The table of remembered orders against a search of all its slots, over several times its size.
 */
#include "order_table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS 3u
#define SYMBOLS  2u
#define NAMES    500 /* few, so that they come again */

static struct pw_sim_order_table g_table;
static struct pw_sim_account g_accounts[ACCOUNTS];
static struct pw_sim_symbol g_symbols[SYMBOLS];

static void table_open(void)
{
    cr_assert_eq(pw_sim_order_table_init(&g_table), 0);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        g_accounts[i] = (struct pw_sim_account){.account_idx = i,
                                                .open = {PW_SIM_NO_SLOT, PW_SIM_NO_SLOT},
                                                .made = {PW_SIM_NO_SLOT, PW_SIM_NO_SLOT}};
    }
}

static void table_close(void)
{
    pw_sim_order_table_fini(&g_table);
}

/* The youngest of that name, or the one of that id, by looking at each slot. */
static const struct pw_sim_client_order *searched(const struct pw_sim_client_order *like, bool by_name)
{
    const struct pw_sim_client_order *found = NULL;

    for (uint32_t i = 0; i < PW_SIM_ORDERS_KEPT; i++) {
        const struct pw_sim_client_order *order = &g_table.orders[i];
        if (order->symbol == like->symbol && order->account == like->account &&
            (by_name ? strcmp(order->client_id, like->client_id) == 0 : order->order_id == like->order_id) &&
            (!found || order->order_id > found->order_id)) {
            found = order;
        }
    }
    return found;
}

static struct pw_sim_client_order random_order(uint64_t order_id)
{
    struct pw_sim_client_order order = {.symbol = &g_symbols[rand() % SYMBOLS],
                                        .account = &g_accounts[rand() % ACCOUNTS],
                                        .order_id = order_id,
                                        .open = rand() % 200 == 0};

    snprintf(order.client_id, sizeof order.client_id, "name-%d", rand() % NAMES);
    return order;
}

static void expect_found_alike(const struct pw_sim_client_order *like)
{
    cr_assert_eq(pw_sim_order_table_find(&g_table, like->account, like->symbol, like->order_id, NULL),
                 searched(like, false));
    cr_assert_eq(pw_sim_order_table_find(&g_table, like->account, like->symbol, 0, like->client_id),
                 searched(like, true));
}

/* The list of all is in the order of their making, and has every one. */
static void expect_lists_whole(void)
{
    uint32_t listed = 0, used = 0;

    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        const struct pw_sim_client_order *order = NULL;
        uint64_t last_id = 0;
        while ((order = pw_sim_order_list_next(&g_table, &g_accounts[i].made, PW_SIM_LIST_MADE, order))) {
            cr_assert_gt(order->order_id, last_id);
            cr_assert_eq(order->account, &g_accounts[i]);
            last_id = order->order_id;
            listed++;
        }
    }
    for (uint32_t i = 0; i < PW_SIM_ORDERS_KEPT; i++) {
        used += g_table.orders[i].symbol != NULL;
    }
    cr_assert_eq(listed, used);
}

TestSuite(order_table, .init = table_open, .fini = table_close);

Test(order_table, finds_what_a_search_of_all_slots_finds_while_slots_are_used_again)
{
    uint32_t kept = 0;

    srand(7);
    for (uint64_t i = 1; i <= 5 * PW_SIM_ORDERS_KEPT / 2; i++) {
        struct pw_sim_client_order order = random_order(i);
        struct pw_sim_client_order *added = pw_sim_order_table_add(&g_table, &order);
        cr_assert_eq(pw_sim_order_table_find(&g_table, order.account, order.symbol, i, NULL), added);
        if (i % 10000 == 0) {
            struct pw_sim_client_order like = random_order(1 + (uint64_t)rand() % i);
            expect_found_alike(&like);
            like = *added;
            expect_found_alike(&like);
        }
    }
    for (uint32_t i = 0; i < PW_SIM_ORDERS_KEPT; i++) {
        kept += g_table.orders[i].open && g_table.orders[i].order_id <= PW_SIM_ORDERS_KEPT;
    }
    cr_expect_gt(kept, 100, "open orders keep their slots");
    expect_lists_whole();
}
