/* SPDX-License-Identifier: MIT
 *
 * One client: a connection from its TLS handshake over HTTP requests to WebSocket and its end.
 *
 * A client does not know the event loop: it says what it waits for (interest), and its server calls it when
 * that is there.
 */
#ifndef PW_SIM_CLIENT_H
#define PW_SIM_CLIENT_H

#include "buffer.h"
#include "hub.h"
#include "rest.h"
#include "sim.h"
#include "tls_link.h"
#include "websocket.h"
#include "ws_api.h"

#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_CLIENT_INPUT_BYTES (128u * 1024u) /* bounds a request, a frame and a message */

enum pw_sim_client_phase {
    PW_SIM_CLIENT_FREE = 0,
    PW_SIM_CLIENT_HANDSHAKE, /* TLS */
    PW_SIM_CLIENT_HTTP,
    PW_SIM_CLIENT_WEBSOCKET,
    PW_SIM_CLIENT_CLOSING, /* our last bytes are on their way; what comes is thrown away, but for a close
                              frame */
};

/* What the clients of one server share. */
struct pw_sim_client_shared {
    const struct pw_sim_limits_config *limits;
    struct pw_sim_hub *hub;
    struct pw_sim_rest *rest;
    struct pw_sim_ws_api *api;
    struct pw_buffer scratch;
};

struct pw_sim_client {
    struct pw_sim_client_shared *shared;
    struct pw_sim_subscriber subscriber;
    struct pw_serve_link link;
    enum pw_sim_client_phase phase;
    bool want_write; /* there is more to send than the socket takes */
    bool ended;      /* to be taken away */
    bool reset;      /* and at that without ceremony */
    uint8_t *in;
    size_t in_bytes;
    int64_t phase_ns; /* when the phase began */
    int64_t last_request_ns;
    int64_t answer_at_ns; /* nothing is sent before: a delayed answer; 0: none */
    bool is_api;          /* the WebSocket is at the API, not at the streams */
    struct pw_sim_session session;
    const struct pw_sim_fault
        *cut;           /* a fault: the connection ends when so many bytes have come; NULL: none */
    uint64_t cut_taken; /* of these, how many were frames */
    struct pw_ws_decoder decoder;
    struct pw_buffer message;      /* fragments so far */
    bool close_sent, close_got;    /* WebSocket's close frames */
    bool finished;                 /* we have said all; the peer's end is awaited */
    int64_t next_ping_ns, ping_ns; /* ping_ns: of the one not yet answered; 0: none */
    int64_t rate_from_ns;
    uint32_t rate_cnt;
};

/* 0 or -ENOMEM; takes fd over in both cases. context NULL: no TLS. */
int pw_sim_client_open(struct pw_sim_client *client, struct pw_sim_client_shared *shared, uint32_t client_idx,
                       int fd, struct WOLFSSL_CTX *context, int64_t now_ns);
void pw_sim_client_close(struct pw_sim_client *client);

/* The socket has something; it has room. */
void pw_sim_client_readable(struct pw_sim_client *client, int64_t now_ns);
void pw_sim_client_writable(struct pw_sim_client *client, int64_t now_ns);
/* Sends what it can of what there is to send. */
void pw_sim_client_flush(struct pw_sim_client *client, int64_t now_ns);
/* Deadlines, pings, lifetime: to be called some times a second. */
void pw_sim_client_tick(struct pw_sim_client *client, int64_t now_ns);
/* The announcement and the close frame of a venue that goes away. */
void pw_sim_client_shutdown(struct pw_sim_client *client, int64_t now_ns);

/* Whether the socket is to be read now: not while answers pile up. */
static inline bool pw_sim_client_wants_read(const struct pw_sim_client *client)
{
    return client->phase != PW_SIM_CLIENT_HTTP || pw_sim_out_backlog(&client->subscriber.out) == 0;
}

#endif
