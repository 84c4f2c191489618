/* SPDX-License-Identifier: MIT
 *
 * Who may trade at the simulated venue, and what he has: keys, signatures, balances.
 *
 * Accounts come from the config, so their secrets are test secrets. Nothing is ever created or destroyed here
 * but fees: what one balance loses another gets, or the crowd.
 */
#ifndef PW_SIM_ACCOUNT_H
#define PW_SIM_ACCOUNT_H

#include "http.h"
#include "sim.h"
#include "source.h"

#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_SIGNATURE_BYTES 65u /* 64 hex digits and a zero byte */

struct pw_sim_balance {
    char asset[PW_SIM_SYMBOL_BYTES];
    int64_t free_e8;
    int64_t locked_e8; /* held for open orders */
};

struct pw_sim_account {
    const struct pw_sim_account_config *config;
    struct pw_sim_balance *balances; /* of every asset that is configured or traded */
    uint32_t balance_cnt;
    uint32_t account_idx;
    int64_t update_ns;              /* of the last change; 0: none yet */
    uint32_t first_open, last_open; /* its open orders, oldest first: see orders.h */
    uint32_t open_cnt;
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

/* HMAC-SHA256 in hex over the query followed directly by the body, both as sent, without the pair
 * `signature=...` (binance.md 4.2). False: it could not be computed. */
bool pw_sim_sign(const char *secret, struct pw_slice query, struct pw_slice body,
                 char signature[PW_SIM_SIGNATURE_BYTES]);

#endif
