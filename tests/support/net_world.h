/* SPDX-License-Identifier: MIT
 *
 * A small world for tests: the connector, net_rx and net_tx over the virtual network, and the servers that
 * they meet, in one thread and in virtual time, from one seed.
 */
#ifndef PW_TEST_NET_WORLD_H
#define PW_TEST_NET_WORLD_H

#include "far_tls.h"
#include "net_private.h"
#include "virtual.h"

#define MS_NS           INT64_C(1000000)
#define S_NS            (1000 * MS_NS)
#define WORLD_HOST      "feed.test"
#define WORLD_PORT      9443
#define WORLD_START_NS  (INT64_C(1700000000) * S_NS)
#define PEER_IN_BYTES   65536u
#define WORLD_PEERS_MAX 8u

struct far_end;

struct net_world_options {
    const char *lines; /* what the feed sends first; NULL: nothing */
    struct pw_virtual_options network;
    bool secure;
    const char *host; /* NULL: WORLD_HOST */
    uint32_t feed_cnt;
    uint32_t elsewhere;   /* bit i: feed i is another net's to serve */
    uint32_t frame_slots; /* of net_rx.parse */
    uint64_t frame_bytes;
    uint32_t message_bytes_max;
    uint32_t stale_after_ms, dead_after_ms;
    bool no_listener; /* the test makes its own */
    bool orders;      /* order entry in place of the feeds, which then are never connected */
    bool two_orders;  /* beside it a second account's, connected when the test sets its path */
};

struct net_world {
    struct net_world_options options;
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
    uint32_t account_idx; /* whose connection requests are for */
    struct pw_feed_view
        *view;       /* of the connection that the test is about: the first feed's, or order entry's */
    SSL_CTX *server; /* secure worlds */
    int listener;
    uint64_t random_state;
    int64_t now_ns;
    bool hot_stopped;                       /* net_rx and net_tx do not run */
    struct far_end *peers[WORLD_PEERS_MAX]; /* to be freed with it */
};

/* Zero options take usual values. Every feed has the path "/stream", order entry "/orders". */
void net_world_open(struct net_world *world, const struct net_world_options *options);
void net_world_close(struct net_world *world);

/* One pass of all stages, then time moves. */
void net_world_step(struct net_world *world, int64_t step_ns);
void net_world_run(struct net_world *world, int64_t time_ns, int64_t step_ns);

/* What the log has said since the world was opened. */
uint32_t net_world_log_cnt(void);
bool net_world_log_has(const char *text);

/* ---- A server's connection ---- */

struct far_end {
    struct net_world *world;
    int socket;
    bool secure;
    struct far_tls tls;
    uint8_t in[PEER_IN_BYTES]; /* plaintext that came */
    size_t in_bytes;
    bool ended, closed;
    char key[64]; /* of the client's request */
};

/* Waits (in virtual time) for a client: false if none comes within time_ns. A peer may be used again. */
bool far_accept(struct far_end *peer, struct net_world *world, int listener, int64_t time_ns);
/* Makes a peer of a socket that was accepted. */
void far_open(struct far_end *peer, struct net_world *world, int socket);
/* Ends its side; net_world_close does so for those that are left. */
void far_close(struct far_end *peer);
/* Takes what came, sends what TLS has to send. */
void far_pump(struct far_end *peer);
/* Lets time pass until `bytes` of plaintext are there. */
bool far_wait_bytes(struct far_end *peer, size_t bytes, int64_t time_ns);
/* Waits for the request's head, takes it out of `in` and leaves its key in `key`. */
bool far_take_request(struct far_end *peer);
void far_send(struct far_end *peer, const void *data, size_t size);
void far_send_text(struct far_end *peer, const char *text);

/* The usual answer into text; returns its length. */
size_t far_answer(const struct far_end *peer, char *text, size_t size);
/* Accepts, takes the request and answers it; lets the hand-over happen. */
bool far_upgrade(struct far_end *peer, struct net_world *world);
/* A whole unmasked frame into out; returns its length. */
size_t frame_make(uint8_t *out, uint8_t first_byte, const void *payload, size_t size);
void far_send_frame(struct far_end *peer, uint8_t first_byte, const void *payload, size_t size);
/* The client's next frame, if its payload is at most cap bytes: its first byte, payload unmasked into out.
 * -1: none within time_ns, or not a good one. */
int far_take_whole(struct far_end *peer, uint8_t *out, size_t cap, size_t *size, int64_t time_ns);
/* The same of a control frame, at most 125 bytes: its opcode. */
int far_take_frame(struct far_end *peer, uint8_t *out, size_t *size, int64_t time_ns);

/* ---- The parse end, or execution's ---- */

struct taken {
    bool notice;
    uint32_t state, reason;
    int64_t recv_ns;
    int64_t kernel_ns, decrypted_ns, since_ns; /* messages */
    uint64_t epoch;                  /* notices */
    uint32_t feed_idx;
    size_t size;
    char text[4096]; /* cut */
};

/* The next event; false: there is none. */
bool net_world_take(struct net_world *world, struct taken *taken);
/* ... which must be this notice or this message. */
bool net_world_took_notice(struct net_world *world, enum pw_feed_state state);
bool net_world_took_text(struct net_world *world, const char *text);

/* Puts a request as execution does, of the connection `epoch`; false: no room. */
bool net_world_request(struct net_world *world, uint64_t epoch, uint64_t client_order_id, const void *text,
                       size_t bytes);

#endif
