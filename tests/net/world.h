/* SPDX-License-Identifier: MIT
 *
 * A small world for tests: the connector, net_rx and net_tx over the virtual network, and the servers that
 * they meet, in one thread and in virtual time, from one seed.
 */
#ifndef WORLD_H
#define WORLD_H

#include "net_private.h"
#include "peer.h"
#include "virtual.h"

#define MS_NS           INT64_C(1000000)
#define S_NS            (1000 * MS_NS)
#define WORLD_HOST      "feed.test"
#define WORLD_PORT      9443
#define WORLD_START_NS  (INT64_C(1700000000) * S_NS)
#define PEER_IN_BYTES   65536u
#define WORLD_PEERS_MAX 8u

struct peer;

struct world_options {
    struct pw_virtual_options network;
    bool secure;
    const char *host; /* NULL: WORLD_HOST */
    uint32_t feed_cnt;
    uint32_t frame_slots; /* of net_rx.parse */
    uint64_t frame_bytes;
    uint32_t message_bytes_max;
    uint32_t stale_after_ms, dead_after_ms;
    bool no_listener; /* the test makes its own */
    bool orders;      /* order entry in place of the feeds, which then are never connected */
};

struct world {
    struct world_options options;
    struct pw_config_feed conns[PW_CONNS_MAX]; /* the feeds', then order entry's */
    struct pw_net_plan plan;
    struct pw_virtual *network;
    struct pw_net *net;
    struct pw_connector *connector;
    struct pw_ring *frames_ring, *conns_ring, *lost_ring;
    struct pw_ring *messages_ring, *requests_ring; /* of order entry */
    struct pw_consumer frames;                     /* the test is parse: net_rx.parse; or */
    struct pw_producer requests;                   /* execution: frames is net_rx.execution */
    struct pw_stamp_row stamps[PW_STAMP_ROWS];
    struct pw_stop stop;
    struct pw_feed_view feeds[PW_CONNS_MAX];
    struct pw_feed_view
        *view;       /* of the connection that the test is about: the first feed's, or order entry's */
    SSL_CTX *server; /* secure worlds */
    int listener;
    uint64_t random_state;
    int64_t now_ns;
    bool hot_stopped;                    /* net_rx and net_tx do not run */
    struct peer *peers[WORLD_PEERS_MAX]; /* to be freed with it */
};

/* Zero options take usual values. Every feed has the path "/stream", order entry "/orders". */
void world_open(struct world *world, const struct world_options *options);
void world_close(struct world *world);

/* One pass of all stages, then time moves. */
void world_step(struct world *world, int64_t step_ns);
void world_run(struct world *world, int64_t time_ns, int64_t step_ns);

/* What the log has said since the world was opened. */
uint32_t world_log_cnt(void);
bool world_log_has(const char *text);

/* ---- A server's connection ---- */

struct peer {
    struct world *world;
    int socket;
    bool secure;
    struct peer_tls tls;
    uint8_t in[PEER_IN_BYTES]; /* plaintext that came */
    size_t in_bytes;
    bool ended, closed;
    char key[64]; /* of the client's request */
};

/* Waits (in virtual time) for a client: false if none comes within time_ns. A peer may be used again. */
bool peer_accept(struct peer *peer, struct world *world, int listener, int64_t time_ns);
/* Makes a peer of a socket that was accepted. */
void peer_open(struct peer *peer, struct world *world, int socket);
/* Ends its side; world_close does so for those that are left. */
void peer_close(struct peer *peer);
/* Takes what came, sends what TLS has to send. */
void peer_pump(struct peer *peer);
/* Lets time pass until `bytes` of plaintext are there. */
bool peer_wait_bytes(struct peer *peer, size_t bytes, int64_t time_ns);
/* Waits for the request's head, takes it out of `in` and leaves its key in `key`. */
bool peer_take_request(struct peer *peer);
void peer_send(struct peer *peer, const void *data, size_t size);
void peer_send_text(struct peer *peer, const char *text);

/* The usual answer into text; returns its length. */
size_t peer_answer(const struct peer *peer, char *text, size_t size);
/* Accepts, takes the request and answers it; lets the hand-over happen. */
bool peer_upgrade(struct peer *peer, struct world *world);
/* A whole unmasked frame into out; returns its length. */
size_t frame_make(uint8_t *out, uint8_t first_byte, const void *payload, size_t size);
void peer_send_frame(struct peer *peer, uint8_t first_byte, const void *payload, size_t size);
/* The client's next frame, if its payload is at most cap bytes: its first byte, payload unmasked into out.
 * -1: none within time_ns, or not a good one. */
int peer_take_whole(struct peer *peer, uint8_t *out, size_t cap, size_t *size, int64_t time_ns);
/* The same of a control frame, at most 125 bytes: its opcode. */
int peer_take_frame(struct peer *peer, uint8_t *out, size_t *size, int64_t time_ns);

/* ---- The parse end, or execution's ---- */

struct taken {
    bool notice;
    uint32_t state, reason;
    int64_t recv_ns;
    int64_t kernel_ns, decrypted_ns; /* messages */
    uint64_t epoch;                  /* notices */
    uint32_t feed_idx;
    size_t size;
    char text[4096]; /* cut */
};

/* The next event; false: there is none. */
bool world_take(struct world *world, struct taken *taken);
/* ... which must be this notice or this message. */
bool world_took_notice(struct world *world, enum pw_feed_state state);
bool world_took_text(struct world *world, const char *text);

/* Puts a request as execution does, of the connection `epoch`; false: no room. */
bool world_request(struct world *world, uint64_t epoch, uint64_t client_order_id, const void *text,
                   size_t bytes);

#endif
