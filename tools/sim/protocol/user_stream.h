/* SPDX-License-Identifier: MIT
 *
 * The user data stream: what happens to an account's orders and balances, reported to the connections that
 * subscribed to it (binance.md 6).
 *
 * Events are kept while a request or the background flow is at work, and sent by a flush: so a reply can come
 * before the reports of what it caused, or after them.
 */
#ifndef PW_SIM_USER_STREAM_H
#define PW_SIM_USER_STREAM_H

#include "buffer.h"
#include "client_orders.h"
#include "hub.h"

#include <stdbool.h>
#include <stdint.h>

struct pw_sim_subscription {
    struct pw_sim_subscriber *subscriber;
    const struct pw_sim_account *account;
    uint32_t subscription_id; /* 0, 1, 2... of its connection */
    bool by_logon;            /* it ends with the session */
    bool ending;              /* ends with the next flush, which says so */
};

struct pw_sim_user_report;

struct pw_sim_user_stream {
    struct pw_sim_faults *faults;
    struct pw_sim_subscription *subscriptions; /* of all connections, oldest first */
    uint32_t subscription_cnt, subscription_capacity;
    struct pw_sim_user_report *report; /* since the last flush */
    uint32_t report_cnt, report_capacity;
    const struct pw_sim_balance **changed; /* room for all of an account */
    struct pw_buffer text;
    bool ending; /* some subscription is */
    bool lost;   /* there was no memory for something: all connections that listen must end */
};

/* 0 or -ENOMEM. Listens to the orders from now on. */
int pw_sim_user_stream_init(struct pw_sim_user_stream *stream, struct pw_sim_faults *faults,
                            const struct pw_sim_accounts *accounts, struct pw_sim_orders *orders);
void pw_sim_user_stream_fini(struct pw_sim_user_stream *stream);

/* 0; -EALREADY: the connection has one for that account; -ENOMEM. Copies it. */
int pw_sim_user_stream_subscribe(struct pw_sim_user_stream *stream,
                                 const struct pw_sim_subscription *subscription);
/* The connection's next subscription after `after` (NULL: the first) that is not ending; NULL: no more. */
struct pw_sim_subscription *pw_sim_user_stream_next(const struct pw_sim_user_stream *stream,
                                                    const struct pw_sim_subscriber *subscriber,
                                                    const struct pw_sim_subscription *after);
/* It is over: the client is notified. */
void pw_sim_user_stream_end(struct pw_sim_user_stream *stream, struct pw_sim_subscription *subscription);
/* The connection is gone, and its subscriptions with it. */
void pw_sim_user_stream_leave(struct pw_sim_user_stream *stream, const struct pw_sim_subscriber *subscriber);

/* Sends everything. Little to do if there is nothing. */
void pw_sim_user_stream_flush(struct pw_sim_user_stream *stream, int64_t wall_ns);

#endif
