/* SPDX-License-Identifier: MIT
 *
 * The rows of connections. See conns.h.
 */
#include "conns.h"

#include "pw_assert.h"

void pw_conns_init(struct pw_conns *conns)
{
    *conns = (struct pw_conns){.cnt = 0};
    for (uint32_t i = 0; i < PW_FEEDS_MAX; i++) {
        conns->of_feed[i] = PW_NO_CONN;
    }
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        conns->of_account[i] = PW_NO_CONN;
    }
}

void pw_conns_add(struct pw_conns *conns, struct pw_conn_row row)
{
    bool is_market = row.role == PW_CONN_ROLE_MARKET;
    pw_assert(conns->cnt < PW_CONNS_MAX);
    pw_assert(row.owner_idx < (is_market ? PW_FEEDS_MAX : PW_ACCOUNTS_MAX));
    uint32_t *of_owner = is_market ? &conns->of_feed[row.owner_idx] : &conns->of_account[row.owner_idx];
    pw_assert(*of_owner == PW_NO_CONN); /* one a role and owner */
    *of_owner = conns->cnt;
    conns->rows[conns->cnt++] = row;
}

uint32_t pw_conns_cnt_of(const struct pw_conns *conns, enum pw_conn_role role)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < conns->cnt; i++) {
        cnt += conns->rows[i].role == role;
    }
    return cnt;
}
