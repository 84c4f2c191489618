/* SPDX-License-Identifier: MIT
 *
 * A subscriber for tests: takes what the hub has put into its buffer apart into messages, without any socket.
 */
#ifndef PW_TEST_HUB_LISTENER_H
#define PW_TEST_HUB_LISTENER_H

#include "hub.h"

#include <stdbool.h>

struct listener {
    struct pw_sim_hub *hub;
    struct pw_sim_subscriber subscriber;
    struct pw_serve_outlet outlet;
    struct pw_serve_outlet_set set;
    uint32_t streams[PW_SIM_SUBSCRIBES_MAX];
};

void listener_open(struct listener *listener, struct pw_sim_hub *hub, uint32_t subscriber_idx, bool combined,
                   bool microsecond);
void listener_subscribe(struct listener *listener, const char *stream);
/* The next message, in the buffer until the next call; false: none is left. */
bool listener_next(struct listener *listener, struct pw_slice *message);
void listener_close(struct listener *listener);

#endif
