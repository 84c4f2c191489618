/* SPDX-License-Identifier: MIT
 *
 * The config section `risk`: pre-trade risk limits.
 */
#ifndef PW_RISK_CONFIG_H
#define PW_RISK_CONFIG_H

#include "key.h"
#include <stdbool.h>
#include <stdint.h>

struct pw_config_risk {
    int64_t max_order_notional_e8; /* 0: no limit, in each of these */
    int64_t max_position_e8;       /* absolute quantity, per instrument */
    uint32_t max_orders_per_s;
    uint32_t reserved;
    bool allow_short;
};

extern const struct pw_section pw_risk_section;

#endif
