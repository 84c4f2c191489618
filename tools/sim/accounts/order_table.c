/* SPDX-License-Identifier: MIT
 *
 * Slots and lists: see order_table.h.
 */
#include "order_table.h"

#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const pw_sim_order_type_texts[PW_ORDER_TYPES] = {[PW_MARKET] = "MARKET",
                                                             [PW_LIMIT] = "LIMIT",
                                                             [PW_LIMIT_MAKER] = "LIMIT_MAKER",
                                                             [PW_STOP_LOSS] = "STOP_LOSS",
                                                             [PW_TAKE_PROFIT] = "TAKE_PROFIT",
                                                             [PW_STOP_LOSS_LIMIT] = "STOP_LOSS_LIMIT",
                                                             [PW_TAKE_PROFIT_LIMIT] = "TAKE_PROFIT_LIMIT"};
const char *const pw_sim_tif_texts[PW_SIM_TIFS] = {"GTC", "IOC", "FOK"};
const char *const pw_sim_prevention_texts[PW_STP_MODES] = {"NONE",        "EXPIRE_TAKER", "EXPIRE_MAKER",
                                                           "EXPIRE_BOTH", "DECREMENT",    "TRANSFER"};
const char *const pw_sim_status_texts[] = {"NEW",      "PARTIALLY_FILLED", "FILLED",
                                           "CANCELED", "EXPIRED",          "EXPIRED_IN_MATCH"};

int pw_sim_order_table_init(struct pw_sim_order_table *table)
{
    *table = (struct pw_sim_order_table){.orders = calloc(PW_SIM_ORDERS_KEPT, sizeof *table->orders),
                                         .by_id = malloc(PW_SIM_ORDERS_KEPT * sizeof *table->by_id),
                                         .by_name = malloc(PW_SIM_ORDERS_KEPT * sizeof *table->by_name)};
    if (!table->orders || !table->by_id || !table->by_name) {
        pw_sim_order_table_fini(table);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < PW_SIM_ORDERS_KEPT; i++) {
        table->by_id[i] = table->by_name[i] = (struct pw_sim_order_list){PW_SIM_NO_SLOT, PW_SIM_NO_SLOT};
    }
    return 0;
}

void pw_sim_order_table_fini(struct pw_sim_order_table *table)
{
    free(table->orders);
    free(table->by_id);
    free(table->by_name);
    *table = (struct pw_sim_order_table){0};
}

/* ---- finding ---- */

static uint32_t hash_id(uint64_t order_id)
{
    return (uint32_t)(order_id * UINT64_C(0x9e3779b97f4a7c15) >> 48) % PW_SIM_ORDERS_KEPT;
}

static uint32_t hash_name(const struct pw_sim_account *account, const char *client_id)
{
    struct pw_slice name = {client_id, strlen(client_id)};

    return (uint32_t)(pw_sim_name_hash(name, PW_SIM_HASH_BASIS + account->account_idx) >> 32) %
           PW_SIM_ORDERS_KEPT;
}

static struct pw_sim_order_list *list_of_id(const struct pw_sim_order_table *table, uint64_t order_id)
{
    return &table->by_id[hash_id(order_id)];
}

static struct pw_sim_order_list *list_of_name(const struct pw_sim_order_table *table,
                                              const struct pw_sim_account *account, const char *client_id)
{
    return &table->by_name[hash_name(account, client_id)];
}

struct pw_sim_client_order *pw_sim_order_table_find(const struct pw_sim_order_table *table,
                                                    const struct pw_sim_account *account,
                                                    const struct pw_sim_symbol *symbol, uint64_t order_id,
                                                    const char *client_id)
{
    enum pw_sim_order_lists which = order_id ? PW_SIM_LIST_ID : PW_SIM_LIST_NAME;
    uint32_t slot = (order_id ? list_of_id(table, order_id) : list_of_name(table, account, client_id))->last;

    while (slot != PW_SIM_NO_SLOT) { /* the youngest first */
        struct pw_sim_client_order *order = &table->orders[slot];
        if (order->account == account && order->symbol == symbol &&
            (order_id ? order->order_id == order_id : strcmp(order->client_id, client_id) == 0)) {
            return order;
        }
        slot = order->links[which].prev;
    }
    return NULL;
}

/* ---- slots ---- */

/* In all lists that an order stands in as long as it is remembered, or out of them. */
static void lists_change(struct pw_sim_order_table *table, struct pw_sim_client_order *order,
                         void (*change)(struct pw_sim_order_table *, struct pw_sim_order_list *,
                                        enum pw_sim_order_lists, struct pw_sim_client_order *))
{
    change(table, list_of_id(table, order->order_id), PW_SIM_LIST_ID, order);
    change(table, list_of_name(table, order->account, order->client_id), PW_SIM_LIST_NAME, order);
    change(table, &order->account->made, PW_SIM_LIST_MADE, order);
}

struct pw_sim_client_order *pw_sim_order_table_add(struct pw_sim_order_table *table,
                                                   const struct pw_sim_client_order *order)
{
    struct pw_sim_client_order *slot;

    do { /* far fewer are open than there are slots */
        slot = &table->orders[table->turn_cnt % PW_SIM_ORDERS_KEPT];
        table->turn_cnt++;
    } while (slot->open);
    if (slot->symbol) {
        lists_change(table, slot, pw_sim_order_list_remove);
    }
    *slot = *order;
    lists_change(table, slot, pw_sim_order_list_add);
    return slot;
}

/* ---- lists ---- */

void pw_sim_order_list_add(struct pw_sim_order_table *table, struct pw_sim_order_list *list,
                           enum pw_sim_order_lists which, struct pw_sim_client_order *order)
{
    uint32_t slot = pw_sim_order_slot(table, order);

    order->links[which].next = PW_SIM_NO_SLOT;
    order->links[which].prev = list->last;
    *(list->last != PW_SIM_NO_SLOT ? &table->orders[list->last].links[which].next : &list->first) = slot;
    list->last = slot;
}

void pw_sim_order_list_remove(struct pw_sim_order_table *table, struct pw_sim_order_list *list,
                              enum pw_sim_order_lists which, struct pw_sim_client_order *order)
{
    uint32_t next = order->links[which].next, prev = order->links[which].prev;

    *(prev != PW_SIM_NO_SLOT ? &table->orders[prev].links[which].next : &list->first) = next;
    *(next != PW_SIM_NO_SLOT ? &table->orders[next].links[which].prev : &list->last) = prev;
}
