/* SPDX-License-Identifier: MIT
 *
 * The section `risk`. See risk_config.h.
 */
#include "risk_config.h"

/* clang-format off */
static const struct pw_key g_risk_keys[] = {
    {.name = "max_order_notional", PW_FIELD(struct pw_config_risk, max_order_notional_e8), .kind = PW_VALUE_DECIMAL, .max = INT64_MAX,
     .unit = "quote currency", .help = "price times quantity of one order; 0: no limit"},
    {.name = "max_position", PW_FIELD(struct pw_config_risk, max_position_e8), .kind = PW_VALUE_DECIMAL, .max = INT64_MAX,
     .unit = "base asset",
     .help = "absolute position of one instrument; the same number for each of them, be it BTC or SOL; 0: no limit"},
    {.name = "max_orders_per_s", PW_FIELD(struct pw_config_risk, max_orders_per_s), .kind = PW_VALUE_COUNT, .fallback = "0",
     .max = 1000000, .unit = "orders", .help = "orders sent within a second; 0: no limit"},
    {.name = "allow_short", PW_FIELD(struct pw_config_risk, allow_short), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "whether a position may go below zero"},
};

static const struct pw_key g_keys[] = {
    {.name = "risk", PW_WHOLE(struct pw_config_risk), .kind = PW_VALUE_GROUP, PW_GROUP(g_risk_keys, "risk"),
     .help = "pre-trade risk limits, checked before each order is sent"},
};
/* clang-format on */

const struct pw_section pw_risk_section = {
    .keys = g_keys, .key_cnt = PW_COUNT_OF(g_keys), .bytes = sizeof(struct pw_config_risk)};
