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

#include "conns.h"
#include "gateway_config.h"
#include <pinwheel/workspace.h>

struct pw_config_account {
    char name[16];
    struct pw_config_gateway gateway;
    char currency[PW_ASSET_BYTES]; /* empty: that of what it trades */
    uint32_t line;                 /* that serves its order entry, from 1; 0: that of its first feed */
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
    uint32_t line;                          /* 0: not said */
    const struct pw_config_paper *paper;
    const struct pw_config_live *live;
    uint32_t feed_mask;
};

uint32_t pw_config_account_cnt(const struct pw_config *config); /* 1 to PW_ACCOUNTS_MAX */
struct pw_account_setup pw_config_account(const struct pw_config *config, uint32_t account_idx);
/* PW_NO_ACCOUNT: nobody trades at that feed. */
uint32_t pw_config_account_of_feed(const struct pw_config *config, uint32_t feed_idx);
/* The largest age of a feed's data that its account accepts; 0: it does not ask. */
int64_t pw_config_max_age_ns(const struct pw_config *config, uint32_t feed_idx);

/* Where a key of its own stands in the file, for pw_config_place: "live.ca_file" of it. Returns text. */
const char *pw_config_account_key(const struct pw_config *config, uint32_t account_idx, const char *key,
                                  char *text, size_t bytes);

/* Has any account a gateway that connects, or that moves money? */
bool pw_config_connects(const struct pw_config *config);
bool pw_config_moves_money(const struct pw_config *config);

/* The WebSocket connections: one for market data of each feed, in their order, then one for orders of each
 * account whose gateway connects. Readers of the workspace find a feed's row by its index. */
void pw_config_conns(const struct pw_config *config, struct pw_conns *conns);

#endif
