/* SPDX-License-Identifier: MIT
 *
 * WebSocket on a client's connection, once it is open: frames, messages, pings, limits, the end. client.c's
 * other half; nobody else calls it.
 */
#ifndef PW_SERVE_CLIENT_WS_H
#define PW_SERVE_CLIENT_WS_H

#include "client.h"

#include <string.h>

/* The handshake is done. */
void pw_serve_ws_begin(struct pw_serve_client *client, int64_t now_ns);
/* Takes all frames that have come. */
void pw_serve_ws_input(struct pw_serve_client *client, int64_t now_ns);
/* Deadlines and pings; true: there may be something to send. */
bool pw_serve_ws_tick(struct pw_serve_client *client, int64_t now_ns);
/* The farewell and the close frame. */
void pw_serve_ws_goodbye(struct pw_serve_client *client, int64_t now_ns);

/* ---- shared by reading and writing ---- */

static inline void pw_serve_phase_set(struct pw_serve_client *client, enum pw_serve_phase phase,
                                      int64_t now_ns)
{
    client->phase = phase;
    client->phase_ns = now_ns;
}

static inline void pw_serve_end(struct pw_serve_client *client, bool reset)
{
    client->ended = true;
    client->reset = reset;
}

/* Nothing more may be queued for it. */
static inline void pw_serve_silence(struct pw_serve_client *client)
{
    if (client->socket && client->socket->ended) {
        client->socket->ended(client->shared->service.state, client);
    }
}

/* Forgets the first bytes that have come. */
static inline void pw_serve_consume(struct pw_serve_client *client, size_t bytes)
{
    client->in_bytes -= bytes;
    memmove(client->in, client->in + bytes, client->in_bytes);
}

#endif
