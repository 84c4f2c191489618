/* SPDX-License-Identifier: MIT
 *
 * What the files of the order table share: the rows (orders.c), the memory of fills (orders_fills.c) and what
 * reports do to them (orders_reports.c).
 */
#ifndef PW_ORDERS_PRIVATE_H
#define PW_ORDERS_PRIVATE_H

#include "money.h"
#include "orders.h"
#include "pw_assert.h"

#define PW_ORDERS_NO_ROW UINT32_MAX

/* ---- an index by hash: open addressing, linear probes; a slot holds a number + 1, or 0 ---- */

/* At most half full, so that probes stay short. A power of two. */
static inline uint32_t pw_orders_index_slots(uint32_t entry_cnt)
{
    uint32_t slots = 2;
    while (slots < 2 * entry_cnt) {
        slots *= 2;
    }
    return slots;
}

static inline uint32_t pw_orders_home(uint64_t key, uint32_t mask)
{
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask; /* Fibonacci hashing */
}

/* Frees a slot and pulls those behind it up, so that no probe ends early. home_of: where the search for that
 * number begins. */
static inline void pw_orders_index_free(const struct pw_orders *orders, uint32_t *index, uint32_t mask,
                                        uint32_t hole,
                                        uint32_t (*home_of)(const struct pw_orders *orders, uint32_t number))
{
    for (uint32_t slot = (hole + 1) & mask; index[slot]; slot = (slot + 1) & mask) {
        uint32_t home = home_of(orders, index[slot] - 1);
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            index[hole] = index[slot];
            hole = slot;
        }
    }
    index[hole] = 0;
}

/* ---- rows ---- */

static inline int64_t *pw_orders_open_qty(struct pw_orders *orders, const struct pw_order_row *row)
{
    struct pw_open_qty *open = &orders->open[row->instrument_idx];
    return row->side == PW_BUY ? &open->buy_e8 : &open->sell_e8;
}

/* Changes what the order may yet fill, and the sums with it. False, and nothing changed, if a sum would
 * overflow: never when it falls. */
static inline bool pw_orders_set_risk_qty(struct pw_orders *orders, struct pw_order_row *row,
                                          int64_t risk_qty_e8)
{
    int64_t *open = pw_orders_open_qty(orders, row), open_after;
    pw_i128 hold = pw_money_share(row->full_hold_e16, risk_qty_e8, row->qty_e8);
    pw_i128 hold_after = orders->hold_e16[row->account_idx];
    pw_assert((uint64_t)risk_qty_e8 <= (uint64_t)row->qty_e8);
    if (__builtin_add_overflow(*open, risk_qty_e8 - row->risk_qty_e8, &open_after) ||
        !pw_money_add(&hold_after, hold - row->hold_e16)) {
        return false;
    }
    pw_assert(open_after >= 0 && hold_after >= 0);
    *open = open_after;
    orders->hold_e16[row->account_idx] = hold_after;
    row->hold_e16 = hold;
    row->risk_qty_e8 = risk_qty_e8;
    return true;
}

/* A row is closed, as the last so far; or open again. The list of the closed ones, and the count. */
static inline void pw_orders_close(struct pw_orders *orders, struct pw_order_row *row)
{
    uint32_t row_idx = (uint32_t)(row - orders->rows);
    pw_assert(orders->open_cnt > 0 && row_idx < orders->used_cnt);
    orders->open_cnt--;
    row->next_idx = PW_ORDERS_NO_ROW;
    row->prev_idx = orders->closed_last_idx;
    if (row->prev_idx == PW_ORDERS_NO_ROW) {
        orders->closed_first_idx = row_idx;
    } else {
        orders->rows[row->prev_idx].next_idx = row_idx;
    }
    orders->closed_last_idx = row_idx;
}
void pw_orders_reopen(struct pw_orders *orders, struct pw_order_row *row);

/* Whether an order of that state can be replaced. */
bool pw_orders_state_replaces(enum pw_order_state state);

/* ---- the memory of fills ---- */

/* Whether the report's fill was booked already: by its trade id, which is of one trade in the instrument. */
enum pw_fill_seen {
    PW_FILL_NEW = 0,
    PW_FILL_KNOWN,
    PW_FILL_CONTRADICTS, /* with another price or quantity, or to another order of the same side */
};
enum pw_fill_seen pw_orders_fill_seen(const struct pw_orders *orders, const struct pw_order_row *row,
                                      const struct pw_report *report);
void pw_orders_fill_remember(struct pw_orders *orders, const struct pw_report *report);

#endif
