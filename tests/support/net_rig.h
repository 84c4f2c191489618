/* SPDX-License-Identifier: MIT
 *
 * The network of an engine over real sockets, its cold and its hot side on the caller's thread.
 */
#ifndef PW_TEST_NET_RIG_H
#define PW_TEST_NET_RIG_H

#include "net_private.h"
#include "uring.h"

struct net_rig {
    struct pw_config_feed feed;
    struct pw_sockets *sockets;
    struct pw_io *io;
    struct pw_net *net;
    struct pw_connector *connector;
    struct pw_ring *frames_ring, *conns_ring, *lost_ring;
    struct pw_ring *messages_ring, *requests_ring; /* of order entry */
    struct pw_consumer frames;                     /* net_rx.parse; of order entry net_rx.execution */
    struct pw_producer requests;
    struct pw_stamp_row stamps[PW_STAMP_ROWS];
    struct pw_stop stop;
    struct pw_feed_view feeds[PW_CONNS_MAX];
    struct pw_feed_view *view; /* of the one connection that there is */
    int64_t ahead_ns;          /* added to the host's time */
};

/* One feed at url. io: NULL for the host's. */
void net_rig_open(struct net_rig *engine, const char *url, const char *ca_file, struct pw_io *io);
/* ... whose hot side another thread starts and stops. */
void net_rig_open_cold(struct net_rig *engine, const char *url, const char *ca_file, struct pw_io *io);
/* Order entry at url, and no feed. */
void net_rig_open_orders(struct net_rig *engine, const char *url, const char *ca_file, struct pw_io *io);
void net_rig_close(struct net_rig *engine);
int64_t net_rig_now_ns(const struct net_rig *engine);
/* One pass of all stages. */
void net_rig_step(struct net_rig *engine);
/* Puts a request of the connection `epoch`; false: no room. */
bool net_rig_request(struct net_rig *engine, uint64_t epoch, uint64_t client_order_id, const void *text,
                     uint32_t bytes);
/* Steps until the connection is in this state; false: it did not come within 5 s. */
bool net_rig_wait(struct net_rig *engine, enum pw_feed_state state);

#endif
