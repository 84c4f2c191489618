/* SPDX-License-Identifier: MIT
 *
 * An HTTP/1.1 and WebSocket server for whoever has something to serve. A service states its routes and what
 * answers them; the server does what is the same for all: listening, TLS, framing, compression, pings,
 * limits, timeouts and queues of bounded size.
 *
 * One thread, one epoll instance. The service's loop calls pw_server_wait, which calls its functions; they
 * must not block, and what they queue for any client leaves with the next pw_server_flush. The server's
 * thread owns everything here. HTTP: one request at a time and connection, no chunked requests, bodies up to
 * PW_SERVE_BODY_MAX; WebSocket (RFC 6455): text messages up to PW_SERVE_MESSAGE_MAX, no extensions, no
 * subprotocols.
 */
#ifndef PW_SERVE_H
#define PW_SERVE_H

#include "buffer.h"
#include "host.h"
#include "http.h"
#include "listener.h"
#include "outlet.h"
#include "websocket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_SERVE_INPUT_BYTES   (128u * 1024u) /* of a connection: bounds a request, a frame and a message */
#define PW_SERVE_BODY_MAX      (PW_SERVE_INPUT_BYTES - PW_HTTP_HEAD_MAX)
#define PW_SERVE_MESSAGE_MAX   (PW_SERVE_INPUT_BYTES - PW_WS_HEADER_MAX)
#define PW_SERVE_HEADERS_BYTES 384u

struct pw_server;
struct pw_serve_client; /* one connection, from accept to its end */

/* ---- HTTP ---- */

struct pw_serve_request {
    const struct pw_http_head *head;
    struct pw_slice path, query; /* of the target, still percent-encoded */
    struct pw_slice below;       /* of the path, what the route's "*" stands for, with its "/"; else empty */
    struct pw_slice body;
    int64_t now_ns;
};

/* What the server fills in before the handler: status 200, JSON, not to be cached, an empty body. */
struct pw_serve_answer {
    uint32_t status;
    const char *content_type;
    const char *cache_control;
    struct pw_buffer *body; /* may be replaced by another one, which must stay until the next request */
    uint32_t delay_ms;      /* nothing is sent to the client for so long */
    char headers[PW_SERVE_HEADERS_BYTES]; /* more of them, each with its line's end */
};

/* Adds a header line, "Name: value". What comes from outside must not go into it. */
void pw_serve_answer_header(struct pw_serve_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- WebSocket ---- */

/* One endpoint. All but message may be NULL. */
struct pw_serve_socket {
    /* A valid handshake: true, or false with the answer that refuses it (its status is 404 before). */
    bool (*accept)(void *state, struct pw_serve_client *client, const struct pw_serve_request *request,
                   struct pw_serve_answer *rejection);
    /* A whole message has come. */
    void (*message)(void *state, struct pw_serve_client *client, struct pw_slice text, int64_t now_ns);
    /* Before the close frame of a server that goes away: a last message can be queued. */
    void (*farewell)(void *state, struct pw_serve_client *client, int64_t now_ns);
    /* After a close frame or a rejection: nothing more may be queued for this client. May come twice. */
    void (*ended)(void *state, struct pw_serve_client *client);
    bool any_rate; /* limits.messages_per_s does not count here */
};

/* ---- a service ---- */

/* A path, and what answers there. The first route that fits is taken: of answer for requests, of socket for
 * WebSocket handshakes. */
struct pw_serve_route {
    const char *method; /* "GET": HEAD too; NULL: any */
    const char *path;   /* exact; or, with "/" and "*" at its end, all below it and itself; NULL: any */
    void (*answer)(void *state, const struct pw_serve_request *request, struct pw_serve_answer *answer);
    const struct pw_serve_socket *socket;
};

struct pw_service {
    void *state;      /* the first argument of all functions */
    const char *name; /* in the Server header */
    const struct pw_serve_route *routes;
    uint32_t route_cnt;
    size_t session_bytes; /* of the service's own for each client, zeroed when one comes */
    /* A client has come; false: there is no memory for it. NULL: nothing to do. */
    bool (*open)(void *state, struct pw_serve_client *client);
    /* It is gone. Called for each that was opened. */
    void (*close)(void *state, struct pw_serve_client *client);
    /* Writes the body of an answer that refuses a request before any handler; the status is set. NULL: plain
     * text. */
    void (*refuse)(void *state, const char *text, struct pw_serve_answer *answer);
};

/* ---- a client, for the service's functions ---- */

void *pw_serve_client_session(struct pw_serve_client *client);
/* From 0 to below limits.connections_max; another client's when this one has gone. */
uint32_t pw_serve_client_index(const struct pw_serve_client *client);
/* Where messages for it are queued. */
struct pw_serve_outlet *pw_serve_client_outlet(struct pw_serve_client *client);
/* Queues a close frame; what was queued before still leaves. Only once the handshake was accepted. */
void pw_serve_client_close(struct pw_serve_client *client, uint16_t code, const char *reason, int64_t now_ns);
/* Sends nothing before that time. */
void pw_serve_client_hold(struct pw_serve_client *client, int64_t until_ns);
/* Takes at most so many more bytes of what the client sends, in frames that are whole by then, and resets the
 * connection. For faults on demand; a second call before that does nothing. */
void pw_serve_client_cut(struct pw_serve_client *client, uint32_t bytes);

/* ---- the server ---- */

struct pw_server_limits {
    uint32_t connections_max;      /* when all are taken, the one that is idle for longest is given up for a new one */
    uint32_t address_max;          /* connections of one address; 0: three quarters of all */
    size_t output_bytes;           /* a connection's queue: one that needs more is reset */
    size_t window_bytes;           /* see outlet.h */
    uint32_t handshake_timeout_ms; /* TLS */
    uint32_t request_timeout_ms;   /* a request, from its first byte to its last: then 408; and a message */
    uint32_t idle_timeout_ms;      /* HTTP without a request */
    uint32_t ping_interval_ms, pong_timeout_ms;
    uint32_t lifetime_ms;    /* of a WebSocket connection; 0: no limit */
    uint32_t messages_per_s; /* from a client, control frames included; 0: no limit */
    uint32_t requests_per_s; /* HTTP, from an address: then 429, and the end; 0: no limit */
};

struct pw_server_config {
    struct pw_serve_listen listen;
    const char *certificate_path, *key_path; /* PEM files; with listen.tls */
    struct pw_server_limits limits;
    struct pw_clock clock;
};

/* Listens. 0 or a negative code, reported in the log. Config and service are copied; the routes
 * must stay. */
int pw_server_open(struct pw_server **server, const struct pw_server_config *config,
                   const struct pw_service *service);
/* Ends all connections at once. NULL is allowed. */
void pw_server_close(struct pw_server *server);

/* The ports that are open. */
const struct pw_serve_listener *pw_server_listener(const struct pw_server *server);

/* Waits at most so long for something to come, and serves it. */
void pw_server_wait(struct pw_server *server, int64_t timeout_ns);
/* Sends what is queued, as far as sockets take it. */
void pw_server_flush(struct pw_server *server, int64_t now_ns);
/* Deadlines, pings, lifetimes, if it is time; returns when to come again. */
int64_t pw_server_tick(struct pw_server *server, int64_t now_ns);

/* How many outlets are blocked; how many connections were reset because they did not read. */
uint32_t pw_server_blocked_cnt(const struct pw_server *server);
uint64_t pw_server_dropped_cnt(const struct pw_server *server);
/* Whether nothing is queued anywhere. */
bool pw_server_drained(const struct pw_server *server);

/* Ends all WebSocket connections: with farewell and close frame, or by TCP's reset. */
void pw_server_shut(struct pw_server *server, int64_t now_ns);
void pw_server_reset(struct pw_server *server);
/* Listens no more, ends all connections in order, waits a short time for the clients' ends. */
void pw_server_stop(struct pw_server *server);

#endif
