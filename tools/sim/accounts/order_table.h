/* SPDX-License-Identifier: MIT
 *
 * One client's order, and all that are remembered: found by either id, listed by account and by symbol.
 *
 * A slot is used again when its order is closed and the oldest of those. Nothing here judges, moves money or
 * knows the market.
 */
#ifndef PW_SIM_ORDER_TABLE_H
#define PW_SIM_ORDER_TABLE_H

#include "account.h"
#include "matching.h"
#include "source.h"

#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_ORDERS_KEPT     65536u /* open and closed; more than can be open */
#define PW_SIM_CLIENT_ID_BYTES 37u
#define PW_SIM_NO_SLOT         UINT32_MAX
#define PW_SIM_TIFS            3u

enum pw_sim_status {
    PW_SIM_STATUS_NEW,
    PW_SIM_STATUS_PARTIALLY_FILLED,
    PW_SIM_STATUS_FILLED,
    PW_SIM_STATUS_CANCELED,
    PW_SIM_STATUS_EXPIRED,
    PW_SIM_STATUS_EXPIRED_IN_MATCH
};

/* The venue's words for these. */
extern const char *const pw_sim_order_type_texts[PW_ORDER_TYPES];
extern const char *const pw_sim_tif_texts[PW_SIM_TIFS];
extern const char *const pw_sim_prevention_texts[PW_STP_MODES];
extern const char *const pw_sim_status_texts[PW_SIM_STATUS_EXPIRED_IN_MATCH + 1];

/* The lists that an order can stand in. */
enum pw_sim_order_lists {
    PW_SIM_LIST_OPEN, /* its account's open ones */
    PW_SIM_LIST_MADE, /* all of its account that are remembered */
    PW_SIM_LIST_ID,   /* of one hash */
    PW_SIM_LIST_NAME,
    PW_SIM_ORDER_LISTS
};

struct pw_sim_client_order {
    const struct pw_sim_symbol *symbol; /* NULL: the slot was never used */
    struct pw_sim_account *account;
    struct pw_sim_balance *base, *quote;
    enum pw_side side;
    enum pw_order_type type;
    enum pw_tif tif;
    enum pw_stp prevention;
    enum pw_sim_status status;
    bool open;
    bool working;      /* false: it waits for its stop price, or ended waiting */
    uint64_t order_id; /* unique within its symbol, as the venue's */
    char client_id[PW_SIM_CLIENT_ID_BYTES];
    int64_t price_e8, qty_e8, filled_e8, quote_e8; /* quote: of its fills */
    int64_t prevented_e8;                          /* what self-trade prevention took of it */
    uint64_t prevented_match_id;                   /* of the last time that it did; 0: never */
    int64_t stop_price_e8;                         /* 0: none */
    int64_t quote_qty_e8;                          /* what it was to spend or bring; 0: it had a quantity */
    int64_t locked_e8;
    const char *expiry_reason;              /* the venue's word; NULL: it has not expired */
    int64_t time_ns, update_ns, working_ns; /* working: since when; 0: not yet */
    uint32_t row_idx; /* its row in the matching engine; PW_MATCHING_NONE: it is closed */
    struct {
        uint32_t next, prev;
    } links[PW_SIM_ORDER_LISTS];
};

struct pw_sim_order_table {
    struct pw_sim_client_order *orders;
    struct pw_sim_order_list *by_id, *by_name; /* of each hash */
    uint64_t turn_cnt; /* slots looked at for new orders: the next is this one, modulo their number */
};

/* 0 or -ENOMEM. */
int pw_sim_order_table_init(struct pw_sim_order_table *table);
void pw_sim_order_table_fini(struct pw_sim_order_table *table);

/* A slot for an order that is given: it is copied there, and can be found from now on. */
struct pw_sim_client_order *pw_sim_order_table_add(struct pw_sim_order_table *table,
                                                   const struct pw_sim_client_order *order);
static inline uint32_t pw_sim_order_slot(const struct pw_sim_order_table *table,
                                         const struct pw_sim_client_order *order)
{
    return (uint32_t)(order - table->orders);
}

/* By the venue's id, or (order_id 0) the client's: then the youngest of that name, which is the open one if
 * one is. NULL: none that is remembered. */
struct pw_sim_client_order *pw_sim_order_table_find(const struct pw_sim_order_table *table,
                                                    const struct pw_sim_account *account,
                                                    const struct pw_sim_symbol *symbol, uint64_t order_id,
                                                    const char *client_id);

/* At the end of a list; out of it. */
void pw_sim_order_list_add(struct pw_sim_order_table *table, struct pw_sim_order_list *list,
                           enum pw_sim_order_lists which, struct pw_sim_client_order *order);
void pw_sim_order_list_remove(struct pw_sim_order_table *table, struct pw_sim_order_list *list,
                              enum pw_sim_order_lists which, struct pw_sim_client_order *order);
/* The order after `order` (NULL: the first) in a list; NULL: no more. */
static inline struct pw_sim_client_order *pw_sim_order_list_next(const struct pw_sim_order_table *table,
                                                                 const struct pw_sim_order_list *list,
                                                                 enum pw_sim_order_lists which,
                                                                 const struct pw_sim_client_order *order)
{
    uint32_t slot = order ? order->links[which].next : list->first;

    return slot == PW_SIM_NO_SLOT ? NULL : &table->orders[slot];
}

#endif
