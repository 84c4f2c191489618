/* SPDX-License-Identifier: MIT
 *
 * One connection from its TLS handshake over HTTP requests to WebSocket and its end. The server's own;
 * services see serve.h.
 *
 * A client does not know the event loop: it says what it waits for, and its server calls it when that is
 * there.
 */
#ifndef PW_SERVE_CLIENT_H
#define PW_SERVE_CLIENT_H

#include "serve.h"
#include "tls_link.h"

enum pw_serve_phase {
    PW_SERVE_FREE = 0,
    PW_SERVE_HANDSHAKE, /* TLS */
    PW_SERVE_HTTP,
    PW_SERVE_WEBSOCKET,
    PW_SERVE_CLOSING, /* our last bytes are on their way; what comes is thrown away, but for a close frame */
};

/* Who is at the other end: an IPv4 address, or the network of an IPv6 one (its first 64 bits, which one host
 * may have all of). */
struct pw_serve_address {
    uint64_t network;
    bool version6;
};

static inline bool pw_serve_address_equal(struct pw_serve_address a, struct pw_serve_address b)
{
    return a.network == b.network && a.version6 == b.version6;
}

/* Requests of the present second; addresses that share one share its limit. */
#define PW_SERVE_RATES 256u
struct pw_serve_rate {
    int64_t from_ns;
    uint32_t cnt;
};

/* What the clients of one server share. */
struct pw_serve_shared {
    struct pw_service service;
    struct pw_server_limits limits;
    struct pw_serve_outlet_set outlets;
    struct pw_buffer scratch, gzip; /* an answer's body; the last one compressed */
    struct pw_serve_rate rates[PW_SERVE_RATES];
};

struct pw_serve_client {
    struct pw_serve_shared *shared;
    void *session;
    uint32_t client_idx;
    uint32_t serial; /* how many have had this place: what the kernel says of an earlier one is not its */
    struct pw_serve_outlet outlet;
    struct pw_serve_link link;
    enum pw_serve_phase phase;
    bool want_write; /* there is more to send than the socket takes */
    bool ended;      /* to be taken away */
    bool reset;      /* and at that without ceremony */
    uint8_t *in;
    size_t in_bytes;
    struct pw_serve_address address;
    int64_t phase_ns; /* when the phase began */
    int64_t last_request_ns;
    int64_t part_ns; /* since when a request or a message has been there in part; 0: none is */
    int64_t sent_ns; /* when the socket last took something */
    int64_t hold_until_ns; /* nothing is sent before; 0: no such time */
    const struct pw_serve_socket *socket;
    bool cut;                      /* the connection ends when cut_bytes have come */
    uint64_t cut_bytes, cut_taken; /* of these, how many were frames */
    struct pw_ws_decoder decoder;
    struct pw_buffer message;      /* fragments so far */
    bool close_sent, close_got;    /* WebSocket's close frames */
    bool finished;                 /* we have said all; the peer's end is awaited */
    int64_t next_ping_ns, ping_ns; /* ping_ns: of the one not yet answered; 0: none */
    int64_t rate_from_ns;
    uint32_t rate_cnt;
};

/* 0 or a negative code; takes fd over in both cases. context NULL: no TLS. The session is zeroed memory. */
int pw_serve_client_open(struct pw_serve_client *client, struct pw_serve_shared *shared, int fd,
                         struct pw_serve_address address, struct WOLFSSL_CTX *context, int64_t now_ns);
void pw_serve_client_free(struct pw_serve_client *client);

/* The socket has something; it has room. */
void pw_serve_client_readable(struct pw_serve_client *client, int64_t now_ns);
void pw_serve_client_writable(struct pw_serve_client *client, int64_t now_ns);
/* Sends what it can of what there is to send. */
void pw_serve_client_flush(struct pw_serve_client *client, int64_t now_ns);
/* Deadlines, pings, lifetime: to be called some times a second. */
void pw_serve_client_tick(struct pw_serve_client *client, int64_t now_ns);
/* The farewell and the close frame of a server that goes away. */
void pw_serve_client_shutdown(struct pw_serve_client *client, int64_t now_ns);

/* Since when nothing has come of it: no whole request, or of an answer nothing that the peer took. INT64_MAX:
 * it is a WebSocket, which its pings judge, or an answer is held back for it. */
int64_t pw_serve_client_idle_since_ns(const struct pw_serve_client *client);

/* Whether the socket is to be read now: not while HTTP's answers are on their way, so that they do not pile
 * up and a client that has said all still gets them. */
static inline bool pw_serve_client_wants_read(const struct pw_serve_client *client)
{
    bool is_http =
        client->phase == PW_SERVE_HTTP || (client->phase == PW_SERVE_CLOSING && !client->close_sent);
    return !is_http || pw_serve_outlet_backlog(&client->outlet) == 0;
}

#endif
