/* SPDX-License-Identifier: MIT
 *
 * See sim_market.h.
 */
#include "sim_market.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct pw_sim_account_config *sim_market_account(struct sim_market *market, const char *key,
                                                 struct pw_sim_balance_config first,
                                                 struct pw_sim_balance_config second)
{
    struct pw_sim_account_config *account = &market->config.accounts[market->config.account_cnt++];

    snprintf(account->api_key, sizeof account->api_key, "%s", key);
    account->balance_cnt = 2;
    account->balances[0] = first;
    account->balances[1] = second;
    return account;
}

void sim_market_open(struct sim_market *market, const struct pw_sim_synthetic_config *of)
{
    char error[256];

    cr_assert_eq(pw_sim_hub_init(&market->hub, 8), 0);
    cr_assert_eq(pw_sim_synthetic_make(&market->source, of, &market->hub, 0, error, sizeof error), 0, "%s",
                 error);
    cr_assert_eq(pw_sim_accounts_init(&market->accounts, &market->config, &market->source), 0);
    cr_assert_eq(pw_sim_orders_init(&market->orders, &market->source), 0);
    cr_assert_eq(
        pw_sim_user_stream_init(&market->stream, &market->faults, &market->accounts, &market->orders), 0);
    listener_open(&market->listener, &market->hub, 0, false, false);
}

void sim_market_close(struct sim_market *market)
{
    listener_close(&market->listener);
    market->source.ops->free(market->source.state);
    pw_sim_user_stream_fini(&market->stream);
    pw_sim_orders_fini(&market->orders);
    pw_sim_accounts_fini(&market->accounts);
    pw_sim_hub_fini(&market->hub);
}
