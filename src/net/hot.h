/* SPDX-License-Identifier: MIT
 *
 * The hot side of the network: what the stages net_rx and net_tx do with established connections. Both run on
 * one thread, first and last in its pass.
 *
 * No allocation, no logging, no call for the time, and system calls only io_uring's own.
 */
#ifndef PW_HOT_H
#define PW_HOT_H

#include "net.h"
#include "slot.h"
#include "stage.h"

enum pw_conn_state {
    PW_CONN_COLD = 0,  /* not net_rx's */
    PW_CONN_OPEN,      /* messages come */
    PW_CONN_CLOSING,   /* none are taken any more; the closing handshakes are under way */
    PW_CONN_DETACHING, /* waits for pw_io to let go of it */
    PW_CONN_LOST,      /* to be given back */
};

/* Rings of net_rx, attached. */
struct pw_hot_ends {
    struct pw_producer frames; /* net_rx.parse */
    struct pw_consumer conns;  /* housekeeping.net_rx */
    struct pw_producer lost;   /* net_rx.housekeeping */
};

/* Totals since start. */
struct pw_hot_counts {
    uint64_t frames, bytes; /* messages handed to parse, and their payload */
    uint64_t frames_control, pings, frames_ignored, invalid_frames, stalls;
    uint64_t lost[PW_CAUSE_LOST_END];
    uint64_t sent_frames, sent_bytes;
};

struct pw_hot_feed {
    uint64_t frame_cnt, byte_cnt;
    int64_t last_recv_ns;
};

struct pw_hot {
    const struct pw_io *io;
    const struct pw_config *config;
    struct pw_conn_slot *slots;
    uint32_t slot_cnt;
    /* Beside the slots, because a slot that is not net_rx's may not even be looked at. */
    enum pw_conn_state states[PW_FEEDS_MAX];
    uint32_t first_slot; /* served first in the next pass */
    struct pw_hot_ends ends;
    struct pw_hot_counts counts;
    struct pw_hot_feed feeds[PW_FEEDS_MAX];
    uint32_t event_seq;
    uint64_t mask_state;
    int64_t now_ns;
    bool more; /* the last pass ended with work left over */
    bool started, draining, stopping;
};

/* Main thread, before start: the stage's rings. -EINVAL if a feed's messages could not pass through
 * net_rx.parse (logged). */
int pw_hot_init(struct pw_net *net, const struct pw_hot_ends *ends);
/* On the thread that makes all the calls below. 0 or -errno, logged. */
int pw_hot_start(struct pw_net *net);
/* net_rx's poll: takes over connections, reads, decodes, puts frames. */
struct pw_poll pw_hot_receive(struct pw_net *net, int64_t now_ns);
/* net_tx's poll: sends what there is to send; lets the kernel begin with all that was asked for. */
struct pw_poll pw_hot_transmit(struct pw_net *net);
int64_t pw_hot_next_ns(const struct pw_net *net);
/* Is a connection being closed? */
bool pw_hot_pending(const struct pw_net *net);
/* A clean stop begins: closes all connections in good order, takes no new ones. */
void pw_hot_drain(struct pw_net *net);
/* The end: what is still open is closed without waiting long. */
void pw_hot_stop(struct pw_net *net);

const struct pw_hot_counts *pw_hot_counts(const struct pw_net *net);
const struct pw_hot_feed *pw_hot_feed(const struct pw_net *net, uint32_t feed_idx);

#endif
