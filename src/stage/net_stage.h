/* SPDX-License-Identifier: MIT
 *
 * What the stages net_rx and net_tx are given.
 */
#ifndef PW_NET_STAGE_H
#define PW_NET_STAGE_H

#include "stage.h"

struct pw_net; /* the sockets' state that net_rx, net_tx and the connector share */

struct pw_net_attachment {
    struct pw_net *net; /* its line's */
};

extern const struct pw_stage_ops pw_net_rx_stage;
extern const struct pw_stage_ops pw_net_tx_stage;

#endif
