/* SPDX-License-Identifier: MIT
 *
 * The simulator's market that is traded in, without sockets: a synthetic market, its accounts and their
 * orders, and the stream in which they are told of them.
 */
#ifndef PW_TEST_SIM_MARKET_H
#define PW_TEST_SIM_MARKET_H

#include "client_orders.h"
#include "faults.h"
#include "hub_listener.h"
#include "synthetic.h"
#include "user_stream.h"

struct sim_market {
    struct pw_sim_config config;
    struct pw_sim_hub hub;
    struct pw_sim_source source;
    struct pw_sim_faults faults;
    struct pw_sim_accounts accounts;
    struct pw_sim_orders orders;
    struct pw_sim_user_stream stream;
    struct listener listener; /* subscribed to nothing yet */
};

/* One more account in the config of a market that is to be opened, without fees. The key must be short. */
struct pw_sim_account_config *sim_market_account(struct sim_market *market, const char *key,
                                                 struct pw_sim_balance_config first,
                                                 struct pw_sim_balance_config second);

/* `of` must stay. */
void sim_market_open(struct sim_market *market, const struct pw_sim_synthetic_config *of);
void sim_market_close(struct sim_market *market);

#endif
