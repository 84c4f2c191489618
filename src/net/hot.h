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
#include <pinwheel/stamps.h>

enum pw_conn_state {
    PW_CONN_COLD = 0,  /* not net_rx's */
    PW_CONN_OPEN,      /* messages come */
    PW_CONN_CLOSING,   /* none are taken any more; the closing handshakes are under way */
    PW_CONN_DETACHING, /* waits for pw_io to let go of it */
    PW_CONN_LOST,      /* to be given back */
};

/* Rings of net_rx, attached. */
struct pw_hot_ends {
    struct pw_producer frames;   /* net_rx.parse */
    struct pw_producer messages; /* net_rx.execution; its ring is NULL where there is no order entry */
    struct pw_consumer conns;    /* housekeeping.net_rx */
    struct pw_producer lost;     /* net_rx.housekeeping */
};

/* What net_tx has of its own. */
#define PW_HOT_FRAME_BYTES 16384u /* the largest request and its frame's header, in whole pages */

struct pw_hot_tx {
    struct pw_consumer
        requests; /* execution.net_tx, attached; its ring is NULL where there is no order entry */
    struct pw_stamp_row *stamps; /* stamps.orders */
    const struct pw_stop *stop;
    uint8_t *frame; /* a request, masked, before it is encrypted */
    /* Encrypted, and not yet given to the kernel; in which slots. */
    struct pw_stamp encrypted[PW_BATCH_MAX];
    uint8_t encrypted_slots[PW_BATCH_MAX];
    uint32_t encrypted_cnt;
};

static_assert(PW_REQUEST_BYTES_MAX + PW_WS_HEADER_MAX <= PW_HOT_FRAME_BYTES, "every request has its place");

/* Totals since start, as net_rx and net_tx publish them. */
struct pw_hot_counts {
    struct pw_net_rx_metrics rx;
    struct pw_net_tx_metrics tx;
};

/* Of one connection. */
struct pw_hot_feed {
    uint64_t frame_cnt, byte_cnt;
    int64_t last_recv_ns;
};

struct pw_hot {
    const struct pw_io *io;
    uint32_t order_slots;          /* bit i: slot i is order entry's */
    uint8_t slot_of[PW_CONNS_MAX]; /* by connection; UINT8_MAX: another net's */
    struct pw_conn_slot *slots;
    uint32_t slot_cnt;
    /* Beside the slots, because a slot that is not net_rx's may not even be looked at. */
    enum pw_conn_state states[PW_CONNS_MAX];
    uint32_t first_slot; /* served first in the next pass */
    /* Bit i: slot i has something to be done without waiting for anything; was served in this pass. The rest
     * are looked at each SERVE_ALL_NS, for their deadlines. */
    uint32_t active, served;
    int64_t serve_all_ns;
    struct pw_hot_ends ends;
    struct pw_hot_counts counts;
    struct pw_hot_feed feeds[PW_CONNS_MAX];
    uint32_t frame_seq, message_seq; /* of the next event in ends.frames and ends.messages */
    uint64_t epochs[PW_CONNS_MAX];   /* by slot of order entry: its connections so far */
    uint64_t mask_state;
    int64_t now_ns;
    bool stamps;       /* the kernel says when it had bytes */
    uint32_t opened;   /* bit i: slot i was opened in the pass before */
    int64_t reaped_ns; /* of the pass before: all that had come by then was there to be read */
    bool more; /* the last pass ended with work left over */
    bool started, draining, stopping;
};

/* Main thread, before start: net_rx's rings. -EINVAL if a connection's messages could not pass through its
 * ring (logged). */
int pw_hot_init(struct pw_net *net, const struct pw_hot_ends *ends);
/* Main thread, before start, where there is order entry: net_tx's ring, stamps.orders, and the stop word. */
void pw_hot_init_tx(struct pw_net *net, const struct pw_consumer *requests, struct pw_stamp_row *stamps,
                    const struct pw_stop *stop);
/* On the thread that makes all the calls below. 0 or -errno, logged. */
int pw_hot_start(struct pw_net *net);
/* net_rx's poll: takes over connections, reads, decodes, puts frames. */
struct pw_poll pw_hot_receive(struct pw_net *net, int64_t now_ns);
/* net_tx's poll: takes requests, sends what there is to send; lets the kernel begin with all that was asked
 * for. */
struct pw_poll pw_hot_transmit(struct pw_net *net);
int64_t pw_hot_next_ns(const struct pw_net *net);
/* Is a connection being closed? */
bool pw_hot_pending(const struct pw_net *net);
/* A clean stop begins: closes the feeds' connections in good order, takes no new ones. */
void pw_hot_drain(struct pw_net *net);
/* The end: what is still open is closed without waiting long. */
void pw_hot_stop(struct pw_net *net);

const struct pw_hot_counts *pw_hot_counts(const struct pw_net *net);
/* Is that connection one of this net's? */
bool pw_hot_serves(const struct pw_net *net, uint32_t conn_idx);
/* Does it serve order entry? */
bool pw_hot_has_orders(const struct pw_net *net);
const struct pw_hot_feed *pw_hot_feed(const struct pw_net *net, uint32_t conn_idx);

#endif
