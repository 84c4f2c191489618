/* SPDX-License-Identifier: MIT
 *
 * The REST endpoint exchangeInfo (binance.md 4.5).
 */
#ifndef PW_SIM_REST_INFO_H
#define PW_SIM_REST_INFO_H

#include "rest_call.h"

void pw_sim_rest_exchange_info(struct pw_sim_call *call);
void pw_sim_rest_execution_rules(struct pw_sim_call *call);
/* The same of the venue's futures markets, where nothing is traded. */
void pw_sim_rest_no_derivatives(struct pw_sim_call *call);

#endif
