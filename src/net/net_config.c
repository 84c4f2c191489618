/* SPDX-License-Identifier: MIT
 *
 * The section of the network. See net_config.h.
 */
#include "net_config.h"

/* clang-format off */
static const struct pw_key g_keys[] = {
    {.name = "kernel_stamps", PW_FIELD(struct pw_config_net, kernel_stamps), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "record kernel receive timestamps (SO_TIMESTAMPNS) for the latency of each order; false: a little "
             "faster"},
};
/* clang-format on */

const struct pw_section pw_net_section = {
    .keys = g_keys, .key_cnt = PW_COUNT_OF(g_keys), .bytes = sizeof(struct pw_config_net)};
