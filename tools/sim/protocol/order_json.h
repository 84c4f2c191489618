/* SPDX-License-Identifier: MIT
 *
 * Orders in the words of the venue's answers (binance.md 4.6).
 */
#ifndef PW_SIM_ORDER_JSON_H
#define PW_SIM_ORDER_JSON_H

#include "rest_call.h"
#include "rest_request.h"

/* The order as queries say it. */
json_t *pw_sim_order_json(const struct pw_sim_call *call, const struct pw_sim_client_order *order);
/* As the answer to its placing does; with FULL, its fills from number fills_since on. */
json_t *pw_sim_placed_json(const struct pw_sim_call *call, const struct pw_sim_client_order *order,
                           enum pw_sim_reply reply, uint64_t fills_since);
/* As the answer to its cancellation does, which has that name. */
json_t *pw_sim_canceled_json(const struct pw_sim_call *call, const struct pw_sim_client_order *order,
                             const char *cancel_id);

#endif
