/* SPDX-License-Identifier: MIT
 *
 * The WebSocket connections of an engine, as rows: what each is for, whose it is, at which venue, which line
 * serves it. They are made by pw_config_conns (src/gateway/accounts_config.h).
 *
 * A connection's number is that of its row, and of its row in the workspace's feed region. It says nothing
 * else: who wants market data or order entry asks for the role, or by owner.
 */
#ifndef PW_CONNS_H
#define PW_CONNS_H

#include "feeds.h"

#define PW_CONNS_MAX  (PW_FEEDS_MAX + PW_ACCOUNTS_MAX)
#define PW_NO_CONN    UINT32_MAX
#define PW_NO_ACCOUNT UINT8_MAX

enum pw_conn_role { PW_CONN_ROLE_MARKET, PW_CONN_ROLE_ORDERS };

struct pw_conn_row {
    enum pw_conn_role role;
    uint32_t owner_idx;   /* its feed, or with orders its account */
    uint32_t account_idx; /* who trades there; PW_NO_ACCOUNT: nobody */
    uint32_t line_idx;    /* which net_rx and net_tx serve it, from 0 */
    uint32_t host_idx; /* those with the same one share the venue's bans; that of the first feed among them */
    const struct pw_venue *venue;        /* NULL: there is no venue of that name */
    const struct pw_config_feed *config; /* its name, URL and times */
};

struct pw_conns {
    uint32_t cnt;
    struct pw_conn_row rows[PW_CONNS_MAX];
    uint32_t of_feed[PW_FEEDS_MAX];       /* the connection of a feed's market data */
    uint32_t of_account[PW_ACCOUNTS_MAX]; /* that of an account's orders; PW_NO_CONN: it has none */
};

/* Adds a row, and its number to the index of its role. */
void pw_conns_add(struct pw_conns *conns, struct pw_conn_row row);
/* None. */
void pw_conns_init(struct pw_conns *conns);
uint32_t pw_conns_cnt_of(const struct pw_conns *conns, enum pw_conn_role role);

/* The feed's. */
static inline uint32_t pw_conns_host_of_feed(const struct pw_conns *conns, uint32_t feed_idx)
{
    return conns->rows[conns->of_feed[feed_idx]].host_idx;
}

#endif
