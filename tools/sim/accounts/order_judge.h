/* SPDX-License-Identifier: MIT
 *
 * Would the venue take this order, in the market as it is? Filters, open orders, balances, in the venue's
 * order and with its codes (binance.md 4.5 to 4.7).
 */
#ifndef PW_SIM_ORDER_JUDGE_H
#define PW_SIM_ORDER_JUDGE_H

#include "client_orders.h"

/* An account's order meets others in the book: what it does about its own. */
struct pw_sim_meeting_rule {
    struct pw_sim_orders *orders;
    const struct pw_sim_account *account;
    enum pw_sim_prevention prevention;
    int64_t market_ns;
};

/* The same as the book knows it; `rule` must outlive it. Nobody hears of its meetings yet. */
struct pw_sim_taker pw_sim_order_taker(const struct pw_sim_order_request *request,
                                       struct pw_sim_meeting_rule *rule);

/* Finds the quantity of a market order that has only a value: so much that the value is not exceeded, in
 * whole steps. */
void pw_sim_order_quantify(const struct pw_sim_market *market, struct pw_sim_order_request *request,
                           struct pw_sim_meeting_rule *rule);
/* The part of the judgement that looks at the order alone. NULL, or why it is refused. */
const struct pw_sim_refusal *pw_sim_order_filter(const struct pw_sim_order_request *request);
/* All of it. */
const struct pw_sim_refusal *pw_sim_order_judge(const struct pw_sim_market *market,
                                                const struct pw_sim_order_request *request,
                                                struct pw_sim_meeting_rule *rule);
/* What it must hold when it is placed; in e8, but maybe more than any balance can be. */
pw_i128 pw_sim_order_cost_e8(const struct pw_sim_market *market, const struct pw_sim_order_request *request,
                             struct pw_sim_meeting_rule *rule);

/* Fires at its stop price or above, not below. */
static inline bool pw_sim_stops_above(enum pw_sim_order_type type, enum pw_side side)
{
    return (type == PW_SIM_STOP_LOSS || type == PW_SIM_STOP_LOSS_LIMIT) == (side == PW_BUY);
}

static inline pw_i128 pw_sim_up_e8(pw_i128 value_e16)
{
    return (value_e16 + PW_E8 - 1) / PW_E8;
}

#endif
