/* SPDX-License-Identifier: MIT
 *
 * The sending half of a connection: a bounded queue of bytes, and frames put into it. No socket here: what is
 * queued is sent by the connection, and where it does not fit the outlet is overrun and the connection ends.
 *
 * The outlets of one server are a set, which knows those that have something new to send and how many hold
 * more than a window of bytes ("blocked"), so that a producer can wait for slow readers.
 */
#ifndef PW_SERVE_OUTLET_H
#define PW_SERVE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_serve_outlet;

struct pw_serve_outlet_set {
    size_t window_bytes;           /* an outlet with more than this to send is blocked */
    uint32_t blocked_cnt;          /* how many are; each until it has half the window or less */
    struct pw_serve_outlet *dirty; /* those with something new, the last one first */
};

struct pw_serve_outlet {
    struct pw_serve_outlet_set *set;
    struct pw_serve_outlet *next_dirty;
    /* Bytes on their way. Linear: head moves on as they are sent, and both return to 0 when it is empty. */
    char *data;
    size_t head, tail, capacity;
    bool overrun; /* something did not fit: the connection must end */
    bool dirty;   /* is in the set's list */
    bool blocked; /* is counted there */
};

/* 0 or a negative code. The set must outlive the outlet. */
int pw_serve_outlet_init(struct pw_serve_outlet *outlet, struct pw_serve_outlet_set *set, size_t capacity);
/* Leaves the set too. Of one that was never initialized: does nothing. */
void pw_serve_outlet_fini(struct pw_serve_outlet *outlet);

static inline size_t pw_serve_outlet_backlog(const struct pw_serve_outlet *outlet)
{
    return outlet->tail - outlet->head;
}

/* Queues plain bytes. */
void pw_serve_outlet_append(struct pw_serve_outlet *outlet, const char *bytes, size_t size);
/* Queues a whole unmasked WebSocket frame. */
void pw_serve_outlet_send(struct pw_serve_outlet *outlet, uint8_t opcode, const char *payload, size_t size);
/* Queues such a frame's header and room for its payload, which the caller writes there at once, all of it.
 * NULL: it does not fit, and the outlet is overrun. */
char *pw_serve_outlet_frame(struct pw_serve_outlet *outlet, uint8_t opcode, size_t payload_bytes);
/* Marks it: the connection must end, because something was lost. */
void pw_serve_outlet_fail(struct pw_serve_outlet *outlet);

/* The connection's: the first `size` bytes have been sent. */
void pw_serve_outlet_sent(struct pw_serve_outlet *outlet, size_t size);
/* The server's: takes the outlet that was last added to the list from it; NULL: it is empty. */
struct pw_serve_outlet *pw_serve_outlet_next(struct pw_serve_outlet_set *set);

#endif
