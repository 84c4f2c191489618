/* SPDX-License-Identifier: MIT
 *
 * Keys and balances: see account.h.
 */
#include "account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pw_sim_balance *balance_ensure(struct pw_sim_account *account, const char *asset)
{
    struct pw_sim_balance *balance = pw_sim_account_balance(account, asset);

    if (!balance) {
        balance = &account->balances[account->balance_cnt++];
        snprintf(balance->asset, sizeof balance->asset, "%s", asset);
    }
    return balance;
}

int pw_sim_accounts_init(struct pw_sim_accounts *accounts, const struct pw_sim_config *config,
                         const struct pw_sim_source *source)
{
    *accounts = (struct pw_sim_accounts){.account_cnt = config->account_cnt};
    accounts->accounts = calloc(config->account_cnt ? config->account_cnt : 1, sizeof *accounts->accounts);
    for (uint32_t i = 0; accounts->accounts && i < config->account_cnt; i++) {
        struct pw_sim_account *account = &accounts->accounts[i];
        const struct pw_sim_account_config *own = &config->accounts[i];

        account->config = own;
        account->account_idx = i;
        account->open = account->made = (struct pw_sim_order_list){UINT32_MAX, UINT32_MAX};
        account->balances =
            calloc(own->balance_cnt + 2 * (size_t)source->symbol_cnt, sizeof *account->balances);
        if (!account->balances) {
            pw_sim_accounts_fini(accounts);
            return -ENOMEM;
        }
        for (uint32_t k = 0; k < own->balance_cnt; k++) {
            balance_ensure(account, own->balances[k].asset)->free_e8 = own->balances[k].free_e8;
        }
        for (uint32_t k = 0; k < source->symbol_cnt; k++) {
            balance_ensure(account, source->symbols[k].base);
            balance_ensure(account, source->symbols[k].quote);
        }
    }
    return accounts->accounts ? 0 : -ENOMEM;
}

void pw_sim_accounts_fini(struct pw_sim_accounts *accounts)
{
    for (uint32_t i = 0; accounts->accounts && i < accounts->account_cnt; i++) {
        free(accounts->accounts[i].balances);
    }
    free(accounts->accounts);
    *accounts = (struct pw_sim_accounts){0};
}

struct pw_sim_account *pw_sim_accounts_find(const struct pw_sim_accounts *accounts, struct pw_slice api_key)
{
    for (uint32_t i = 0; i < accounts->account_cnt; i++) {
        if (pw_slice_equal(api_key, accounts->accounts[i].config->api_key)) {
            return &accounts->accounts[i];
        }
    }
    return NULL;
}

struct pw_sim_balance *pw_sim_account_balance(const struct pw_sim_account *account, const char *asset)
{
    for (uint32_t i = 0; i < account->balance_cnt; i++) {
        if (strcmp(account->balances[i].asset, asset) == 0) {
            return &account->balances[i];
        }
    }
    return NULL;
}

/* ---- counts of orders ---- */

#define MAKER_MAKES_GOOD 5u /* the venue's example */

uint32_t pw_sim_order_limit(const struct pw_sim_limits_config *limits, enum pw_sim_order_window window)
{
    if (window == PW_SIM_ORDERS_10S) {
        return limits->orders_per_10s ? limits->orders_per_10s : 100;
    }
    return limits->orders_per_day ? limits->orders_per_day : 200000;
}

int64_t pw_sim_account_window_end(struct pw_sim_account *account, enum pw_sim_order_window window,
                                  int64_t wall_ns)
{
    static const int64_t lengths_ns[PW_SIM_ORDER_WINDOWS] = {INT64_C(10000000000), INT64_C(86400000000000)};
    int64_t number = wall_ns / lengths_ns[window];

    if (account->windows[window] != number) {
        account->windows[window] = number;
        account->order_cnts[window] = 0;
    }
    return (number + 1) * lengths_ns[window];
}

void pw_sim_account_count_order(struct pw_sim_account *account, int64_t wall_ns)
{
    for (int window = 0; window < PW_SIM_ORDER_WINDOWS; window++) {
        pw_sim_account_window_end(account, (enum pw_sim_order_window)window, wall_ns);
        account->order_cnts[window]++;
    }
}

void pw_sim_account_count_fill(struct pw_sim_account *account, bool maker)
{
    uint32_t less = maker ? MAKER_MAKES_GOOD : 1;

    for (int window = 0; window < PW_SIM_ORDER_WINDOWS; window++) {
        account->order_cnts[window] -=
            less < account->order_cnts[window] ? less : account->order_cnts[window];
    }
}
