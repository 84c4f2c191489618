/* SPDX-License-Identifier: MIT
 *
 * The REST endpoints of public market data (binance.md 4.3 and 4.4).
 */
#ifndef PW_SIM_REST_MARKET_H
#define PW_SIM_REST_MARKET_H

#include "rest_call.h"

void pw_sim_rest_ping(struct pw_sim_call *call);
void pw_sim_rest_time(struct pw_sim_call *call);
void pw_sim_rest_depth(struct pw_sim_call *call);
void pw_sim_rest_trades(struct pw_sim_call *call);
void pw_sim_rest_agg_trades(struct pw_sim_call *call);
void pw_sim_rest_klines(struct pw_sim_call *call);
void pw_sim_rest_average(struct pw_sim_call *call);
void pw_sim_rest_reference(struct pw_sim_call *call);
void pw_sim_rest_reference_calculation(struct pw_sim_call *call);
void pw_sim_rest_day(struct pw_sim_call *call); /* ticker/24hr */
void pw_sim_rest_price(struct pw_sim_call *call);
void pw_sim_rest_book_ticker(struct pw_sim_call *call);
/* An empty list: what only other markets have. */
void pw_sim_rest_nothing(struct pw_sim_call *call);

#endif
