/* SPDX-License-Identifier: MIT
 *
 * What struct pw_net holds; for src/net's own files.
 */
#ifndef PW_NET_PRIVATE_H
#define PW_NET_PRIVATE_H

#include "dial.h"
#include "hot.h"
#include "http.h"
#include "net.h"

/* What the config says of a connection, a feed's or order entry's, as it is used. */
struct pw_net_conn {
    const struct pw_config_feed *config;
    char label[48]; /* for people: "feed 'a'", "order entry" */
    struct pw_dial_target ws, rest;
    char ws_path[256], rest_path[256]; /* of the URLs, "" for "/": targets are appended */
    bool has_rest;
    char ws_authority[280], rest_authority[280]; /* for the Host header */
    uint32_t message_bytes_max, output_bytes;
    int64_t dead_after_ns, stale_after_ns; /* stale: INT64_MAX: never, by data */
};

struct pw_net {
    struct pw_net_plan plan;
    struct pw_clock clock;
    struct pw_random random;
    const struct pw_sockets *sockets;
    const struct pw_io *io;
    struct pw_sockets *own_sockets; /* NULL: the caller's */
    struct pw_io *own_io;
    struct pw_net_conn conns[PW_CONNS_MAX];
    struct pw_tls_context *contexts[PW_CONNS_MAX]; /* one per distinct ca_file */
    const char *context_files[PW_CONNS_MAX];
    uint32_t context_cnt;
    struct pw_conn_slot *slots;
    uint32_t slot_cnt;
    void *memory; /* of the slots' buffers */
    size_t memory_bytes;
    struct pw_hot hot;
    struct pw_hot_tx tx;
};

/* The seconds of a Retry-After header, a ban's longest (ban.h) at most; 0: there is none, or it is a date. */
uint32_t pw_retry_after_s(const struct pw_http_head *head);
/* Can this stand in a request line? */
bool pw_target_ok(const char *target);

#endif
