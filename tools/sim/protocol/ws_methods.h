/* SPDX-License-Identifier: MIT
 *
 * What a client may ask on its WebSocket: SUBSCRIBE and the like (binance.md 2.3).
 */
#ifndef PW_SIM_WS_METHODS_H
#define PW_SIM_WS_METHODS_H

#include "buffer.h"
#include "hub.h"

/* Carries out one text message; `reply` gets the answer, to be sent before any data. */
void pw_sim_control_message(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber,
                            struct pw_slice message, struct pw_buffer *reply);

/* Whether a request may have that id, as written: a signed 64-bit integer, a string of at most 36 characters,
 * or null. */
bool pw_sim_request_id_ok(struct pw_slice id);

#endif
