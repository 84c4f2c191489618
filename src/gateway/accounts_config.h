/* SPDX-License-Identifier: MIT
 *
 * The config section `accounts`: who trades at which feeds, in which currency, through which gateway. And
 * the connections that the feeds and the accounts make together.
 *
 * Without that section there is one account, made of the sections `gateway`, `paper` and `live`, which trades
 * at every feed. Who wants to know of accounts asks here, and does not see the difference.
 */
#ifndef PW_ACCOUNTS_CONFIG_H
#define PW_ACCOUNTS_CONFIG_H

#include "gateway_config.h"
#include <pinwheel/workspace.h>

#define PW_NO_ACCOUNT UINT8_MAX

struct pw_config_account {
    char name[16];
    struct pw_config_gateway gateway;
    char currency[16]; /* empty: that of what it trades */
    uint32_t feed_cnt;
    char feeds[PW_FEEDS_MAX][PW_STAGE_NAME_BYTES];
    struct pw_config_paper paper;
    struct pw_config_live live;
    uint32_t feed_mask; /* bit i: it trades at feed i */
};

struct pw_config_accounts {
    uint32_t account_cnt; /* 0: the section is absent */
    struct pw_config_account accounts[PW_ACCOUNTS_MAX];
};

extern const struct pw_section pw_accounts_section;

/* One account, wherever it stands in the config. */
struct pw_account_setup {
    const char *name;                       /* "main" without the section */
    const char *kind;                       /* of its gateway */
    const struct pw_gateway_traits *traits; /* none of them: there is no such gateway */
    const char *currency;                   /* empty: not said */
    const struct pw_config_paper *paper;
    const struct pw_config_live *live;
    uint32_t feed_mask;
};

uint32_t pw_config_account_cnt(const struct pw_config *config); /* 1 to PW_ACCOUNTS_MAX */
struct pw_account_setup pw_config_account(const struct pw_config *config, uint32_t account_idx);
/* PW_NO_ACCOUNT: nobody trades at that feed. */
uint32_t pw_config_account_of_feed(const struct pw_config *config, uint32_t feed_idx);

/* Has any account a gateway that connects, or that moves money? */
bool pw_config_connects(const struct pw_config *config);
bool pw_config_moves_money(const struct pw_config *config);

/* The WebSocket connections, numbered: one for market data of each feed, then one for orders of each account
 * whose gateway connects. */
enum pw_conn_role { PW_CONN_ROLE_MARKET, PW_CONN_ROLE_ORDERS };

struct pw_conn_row {
    enum pw_conn_role role;
    uint32_t owner_idx;                /* of the feed or the account */
    const struct pw_config_feed *conn; /* its name, URL and times */
};

uint32_t pw_config_conn_cnt(const struct pw_config *config);
struct pw_conn_row pw_config_conn_row(const struct pw_config *config, uint32_t conn_idx);
/* The connection of an account for orders; UINT32_MAX: it has none. */
uint32_t pw_config_account_conn(const struct pw_config *config, uint32_t account_idx);

static inline const struct pw_config_feed *pw_config_conn(const struct pw_config *config, uint32_t conn_idx)
{
    return pw_config_conn_row(config, conn_idx).conn;
}

#endif
