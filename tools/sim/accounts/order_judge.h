/* SPDX-License-Identifier: MIT
 *
 * Would the venue take this order, in the market as it is? Filters, open orders, balances, in the venue's
 * order and with its codes (binance.md 4.5 to 4.7).
 */
#ifndef PW_SIM_ORDER_JUDGE_H
#define PW_SIM_ORDER_JUDGE_H

#include "client_orders.h"

/* The same as the matching engine knows it: an account's orders are one owner's. `tag`: the order's slot. */
struct pw_matching_order pw_sim_order_match(const struct pw_sim_order_request *request,
                                            const struct pw_sim_account *account, uint32_t tag);

/* Finds the quantity of a market order that has only a value: so much that the value is not exceeded, in
 * whole steps. */
void pw_sim_order_quantify(const struct pw_matching *matching, struct pw_sim_order_request *request,
                           const struct pw_sim_account *account);
/* The part of the judgement that looks at the order alone. NULL, or why it is refused. */
const struct pw_sim_reject *pw_sim_order_filter(const struct pw_sim_order_request *request);
/* All of it. */
const struct pw_sim_reject *pw_sim_order_judge(struct pw_sim_orders *orders,
                                               const struct pw_matching *matching,
                                               const struct pw_sim_order_request *request,
                                               const struct pw_sim_account *account);
/* What it must hold when it is placed; in e8, but maybe more than any balance can be. */
pw_i128 pw_sim_order_cost_e8(const struct pw_matching *matching, const struct pw_sim_order_request *request,
                             const struct pw_sim_account *account);

static inline pw_i128 pw_sim_up_e8(pw_i128 value_e16)
{
    return (value_e16 + PW_E8 - 1) / PW_E8;
}

#endif
