/* SPDX-License-Identifier: MIT
 *
 * The config section of the network.
 */
#ifndef PW_NET_CONFIG_H
#define PW_NET_CONFIG_H

#include "key.h"
#include <stdbool.h>

struct pw_config_net {
    bool kernel_stamps; /* record kernel receive timestamps */
};

extern const struct pw_section pw_net_section;

#endif
