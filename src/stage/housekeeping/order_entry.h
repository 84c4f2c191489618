/* SPDX-License-Identifier: MIT
 *
 * The cold side of live order entry: logs its changes of state, and asks for a new connection when
 * the gateway wants one. It sees no more of the gateway than everybody: execution's metrics.
 */
#ifndef PW_ORDER_ENTRY_H
#define PW_ORDER_ENTRY_H

#include "conns.h"
#include "fold.h"
#include "stage.h"
#include "venue_errors.h"

struct pw_order_entry {
    const _Atomic uint64_t *ready, *not_ready_reason, *last_error, *unknown_orders, *inconsistent, *orphans,
        *reconnect_wanted, *request_timeouts, *paused_until_ns, *step, *rejections, *rejections_until_ns;
    struct pw_fold *fold;
    uint32_t conn_idx;
    bool tells_engine;    /* what is known of all accounts together is told by one of them */
    bool cancels_orphans; /* it moves money */
    char whose[40];       /* " of account NAME" if there are several */
    const struct pw_venue_errors *venue_errors; /* NULL: nobody keeps any */
    int64_t not_ready_ns;                       /* since when; 0: it is ready */
    bool told_waiting;                          /* what it waits for has been logged */
    uint64_t told_errors[PW_VENUE_ERRORS_MAX];  /* of each kind, how many have been told of */
    /* As last logged. */
    uint64_t logged_ready, logged_reason, logged_unknown, logged_inconsistent, logged_orphans,
        logged_reconnect, logged_timeouts, logged_rejections;
};

/* Of a connection of order entry. fold is of what recurs, and its owner polls it. 0, or -ENOENT when the
 * workspace lacks something. */
int pw_order_entry_init(struct pw_order_entry *entry, const struct pw_stage_env *env,
                        const struct pw_conns *conns, uint32_t conn_idx, struct pw_fold *fold);

/* Logs what has changed. True: the connection should be made anew. */
bool pw_order_entry_poll(struct pw_order_entry *entry, int64_t now_ns);

/* Of a gateway's metrics `step` and `not_ready_reason`, in few words for people: "ready", or what it waits
 * for and why that fails, if it does. Returns text. */
#define PW_ORDER_ENTRY_TEXT_BYTES 96u
const char *pw_order_entry_state(uint64_t step, uint64_t reason, char text[PW_ORDER_ENTRY_TEXT_BYTES]);

/* The venue takes no requests before, as the gateway has learnt; 0: it does. */
int64_t pw_order_entry_paused_until_ns(const struct pw_order_entry *entry);

#endif
