/* SPDX-License-Identifier: MIT
 *
 * Who may trade at the simulated venue, and what he has: keys and balances.
 *
 * Accounts come from the config, so their secrets are test secrets. Nothing is ever created or destroyed here
 * but fees: what one balance loses another gets, or the background flow.
 */
#ifndef PW_SIM_ACCOUNT_H
#define PW_SIM_ACCOUNT_H

#include "http.h"
#include "sim.h"
#include "source.h"

#include <stdbool.h>
#include <stdint.h>

struct pw_sim_balance {
    char asset[PW_SIM_SYMBOL_BYTES];
    int64_t free_e8;
    int64_t locked_e8; /* held for open orders */
};

/* The windows in which the venue counts an account's unfilled orders (binance.md 4.3). */
enum pw_sim_order_window { PW_SIM_ORDERS_10S, PW_SIM_ORDERS_DAY, PW_SIM_ORDER_WINDOWS };

/* Orders by their slots, oldest first: see order_table.h. UINT32_MAX: none. */
struct pw_sim_order_list {
    uint32_t first, last;
};

struct pw_sim_account {
    const struct pw_sim_account_config *config;
    struct pw_sim_balance *balances; /* of every asset that is configured or traded */
    uint32_t balance_cnt;
    uint32_t account_idx;
    int64_t update_ns;                   /* of the last change; 0: none yet */
    struct pw_sim_order_list open, made; /* its open orders, and all */
    uint32_t open_cnt;
    int64_t windows[PW_SIM_ORDER_WINDOWS]; /* which one `order_cnts` counts for: its number since 1970 */
    uint32_t order_cnts[PW_SIM_ORDER_WINDOWS];
};

struct pw_sim_accounts {
    struct pw_sim_account *accounts;
    uint32_t account_cnt;
};

/* 0 or -ENOMEM. The configs must outlive the accounts. */
int pw_sim_accounts_init(struct pw_sim_accounts *accounts, const struct pw_sim_config *config,
                         const struct pw_sim_source *source);
void pw_sim_accounts_fini(struct pw_sim_accounts *accounts);

/* NULL: no such key. */
struct pw_sim_account *pw_sim_accounts_find(const struct pw_sim_accounts *accounts, struct pw_slice api_key);
/* NULL: the venue does not know the asset. */
struct pw_sim_balance *pw_sim_account_balance(const struct pw_sim_account *account, const char *asset);

/* How many may be in a window; what the venue states where the config has no limit. */
uint32_t pw_sim_order_limit(const struct pw_sim_limits_config *limits, enum pw_sim_order_window window);
/* When the window that is open at wall_ns ends; counts of windows that have passed are zero from here on. */
int64_t pw_sim_account_window_end(struct pw_sim_account *account, enum pw_sim_order_window window,
                                  int64_t wall_ns);
/* One more order was placed. */
void pw_sim_account_count_order(struct pw_sim_account *account, int64_t wall_ns);
/* An order was filled for the first time: it is counted no more, and a maker makes good for others. */
void pw_sim_account_count_fill(struct pw_sim_account *account, bool maker);

#endif
