/* SPDX-License-Identifier: MIT
 *
 * WebSocket on a client's connection, once it is open: frames, control messages and API requests, pings,
 * limits, the end. client.c's other half; nobody else calls it.
 */
#ifndef PW_SIM_CLIENT_WS_H
#define PW_SIM_CLIENT_WS_H

#include "client.h"

#include <string.h>

/* The handshake is done. */
void pw_sim_client_ws_begin(struct pw_sim_client *client, int64_t now_ns);
/* Takes all frames that have come. */
void pw_sim_client_ws_input(struct pw_sim_client *client, int64_t now_ns);
/* Deadlines and pings; true: there may be something to send. */
bool pw_sim_client_ws_tick(struct pw_sim_client *client, int64_t now_ns);
/* The announcement and the close frame. */
void pw_sim_client_ws_goodbye(struct pw_sim_client *client, int64_t now_ns);

/* ---- what both halves do to a client ---- */

static inline void pw_sim_client_phase_set(struct pw_sim_client *client, enum pw_sim_client_phase phase,
                                           int64_t now_ns)
{
    client->phase = phase;
    client->phase_ns = now_ns;
}

static inline void pw_sim_client_end(struct pw_sim_client *client, bool reset)
{
    client->ended = true;
    client->reset = reset;
}

/* Forgets the first bytes that have come. */
static inline void pw_sim_client_consume(struct pw_sim_client *client, size_t bytes)
{
    client->in_bytes -= bytes;
    memmove(client->in, client->in + bytes, client->in_bytes);
}

#endif
