/* SPDX-License-Identifier: MIT
 *
 * The REST endpoints of trading: see binance.md 4.2 and 4.6.
 */
#ifndef PW_SIM_REST_ORDERS_H
#define PW_SIM_REST_ORDERS_H

#include "rest_call.h"

void pw_sim_rest_order_place(struct pw_sim_call *call);
void pw_sim_rest_order_test(struct pw_sim_call *call);
void pw_sim_rest_order_replace(struct pw_sim_call *call); /* cancelReplace */
void pw_sim_rest_order_cancel(struct pw_sim_call *call);
void pw_sim_rest_order_query(struct pw_sim_call *call);
void pw_sim_rest_open_orders(struct pw_sim_call *call);
void pw_sim_rest_open_cancel(struct pw_sim_call *call);
void pw_sim_rest_all_orders(struct pw_sim_call *call);
void pw_sim_rest_account(struct pw_sim_call *call);
void pw_sim_rest_commission(struct pw_sim_call *call);
void pw_sim_rest_order_rates(struct pw_sim_call *call); /* rateLimit/order */
void pw_sim_rest_trade_fee(struct pw_sim_call *call);   /* /sapi/v1/asset/tradeFee */
void pw_sim_rest_my_trades(struct pw_sim_call *call);

/* What order/test answers that is asked for fees. */
json_t *pw_sim_test_rates_json(const struct pw_sim_account_config *config);

#endif
