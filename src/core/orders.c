/* SPDX-License-Identifier: MIT
 *
 * The order table: rows that stay where they are, an index by hash over them, and the sums of what is open.
 * What reports do to a row: orders_reports.c.
 */
#include "orders_private.h"

#include "money.h"
#include "pw_assert.h"
#include <pinwheel/lines.h>
#include <string.h>

/* ---- memory ---- */

static uint32_t fill_slots(uint32_t row_cnt)
{
    return row_cnt * PW_ORDER_FILLS_PER_ROW;
}

size_t pw_orders_bytes(uint32_t row_cnt, uint32_t instrument_cnt)
{
    if (row_cnt == 0 || row_cnt > PW_ORDERS_MAX || instrument_cnt == 0 ||
        instrument_cnt > PW_INSTRUMENTS_MAX) {
        return 0;
    }
    return pw_round_up_64(sizeof(struct pw_orders)) + pw_round_up_64(row_cnt * sizeof(struct pw_order_row)) +
           pw_round_up_64(instrument_cnt * sizeof(struct pw_open_qty)) +
           pw_round_up_64(pw_orders_index_slots(row_cnt) * sizeof(uint32_t)) +
           pw_round_up_64(fill_slots(row_cnt) * sizeof(struct pw_order_fill)) +
           pw_round_up_64(pw_orders_index_slots(fill_slots(row_cnt)) * sizeof(uint32_t));
}

struct pw_orders *pw_orders_init(void *memory, uint32_t row_cnt, uint32_t instrument_cnt, uint64_t run_id)
{
    if (run_id > PW_ORDER_RUN_MAX) {
        return NULL;
    }
    struct pw_orders *orders = memory;
    char *at = (char *)memory + pw_round_up_64(sizeof *orders);
    orders->rows = (struct pw_order_row *)(void *)at;
    at += pw_round_up_64(row_cnt * sizeof *orders->rows);
    orders->open = (struct pw_open_qty *)(void *)at;
    at += pw_round_up_64(instrument_cnt * sizeof *orders->open);
    orders->index = (uint32_t *)(void *)at;
    at += pw_round_up_64(pw_orders_index_slots(row_cnt) * sizeof *orders->index);
    orders->fills = (struct pw_order_fill *)(void *)at;
    at += pw_round_up_64(fill_slots(row_cnt) * sizeof *orders->fills);
    orders->fill_index = (uint32_t *)(void *)at;
    orders->fill_slots = fill_slots(row_cnt);
    orders->fill_index_mask = pw_orders_index_slots(fill_slots(row_cnt)) - 1;
    orders->row_cnt = row_cnt;
    orders->index_mask = pw_orders_index_slots(row_cnt) - 1;
    orders->instrument_cnt = instrument_cnt;
    orders->closed_first_idx = orders->closed_last_idx = PW_ORDERS_NO_ROW;
    orders->run_id = run_id;
    pw_assert(row_cnt > 0 && row_cnt <= PW_ORDERS_MAX && orders->index_mask >= row_cnt); /* never full */
    pw_assert((const char *)&orders->fill_index[orders->fill_index_mask] <
              (const char *)memory + pw_orders_bytes(row_cnt, instrument_cnt));
    return orders;
}

uint64_t pw_orders_take_id(struct pw_orders *orders)
{
    if (orders->counter + 1 >= PW_ORDER_DENIED_FIRST) {
        return 0;
    }
    return pw_order_id(orders->run_id, ++orders->counter);
}

uint64_t pw_orders_deny_id(struct pw_orders *orders, uint64_t client_order_id)
{
    pw_assert(client_order_id == 0 || client_order_id == pw_order_id(orders->run_id, orders->counter));
    orders->counter -= client_order_id != 0;
    uint64_t counter = PW_ORDER_DENIED_FIRST + orders->denied_cnt;
    if (counter >> PW_ORDER_COUNTER_BITS) {
        return 0;
    }
    orders->denied_cnt++;
    return pw_order_id(orders->run_id, counter);
}

/* ---- the index ---- */

static uint32_t home_of(const struct pw_orders *orders, uint32_t row_idx)
{
    return pw_orders_home(orders->rows[row_idx].client_order_id, orders->index_mask);
}

/* The slot that holds the id, or the free one where it belongs. */
static uint32_t slot_of(const struct pw_orders *orders, uint64_t id)
{
    uint32_t slot = pw_orders_home(id, orders->index_mask);
    while (orders->index[slot] && orders->rows[orders->index[slot] - 1].client_order_id != id) {
        slot = (slot + 1) & orders->index_mask;
    }
    return slot;
}

static void index_remove(struct pw_orders *orders, uint64_t id)
{
    uint32_t slot = slot_of(orders, id);
    pw_assert(orders->index[slot] != 0);
    pw_orders_index_free(orders, orders->index, orders->index_mask, slot, home_of);
}

struct pw_order_row *pw_orders_find(const struct pw_orders *orders, uint64_t client_order_id)
{
    uint32_t entry = orders->index[slot_of(orders, client_order_id)];
    return entry ? &orders->rows[entry - 1] : NULL;
}

/* ---- rows ---- */

static void closed_remove(struct pw_orders *orders, const struct pw_order_row *row)
{
    pw_assert(orders->closed_first_idx != PW_ORDERS_NO_ROW && orders->closed_last_idx != PW_ORDERS_NO_ROW);
    if (row->prev_idx == PW_ORDERS_NO_ROW) {
        orders->closed_first_idx = row->next_idx;
    } else {
        orders->rows[row->prev_idx].next_idx = row->next_idx;
    }
    if (row->next_idx == PW_ORDERS_NO_ROW) {
        orders->closed_last_idx = row->prev_idx;
    } else {
        orders->rows[row->next_idx].prev_idx = row->prev_idx;
    }
}

void pw_orders_reopen(struct pw_orders *orders, struct pw_order_row *row)
{
    pw_assert(pw_order_is_closed(row->state) && orders->open_cnt < orders->used_cnt);
    closed_remove(orders, row);
    orders->open_cnt++;
}

/* A row never used, else that of the order that was closed first; PW_ORDERS_NO_ROW when all are open. */
static uint32_t take_row(struct pw_orders *orders)
{
    if (orders->used_cnt < orders->row_cnt) {
        return orders->used_cnt++;
    }
    uint32_t row_idx = orders->closed_first_idx;
    if (row_idx != PW_ORDERS_NO_ROW) {
        pw_assert(pw_order_is_closed(orders->rows[row_idx].state));
        closed_remove(orders, &orders->rows[row_idx]);
        index_remove(orders, orders->rows[row_idx].client_order_id);
    } else {
        pw_assert(orders->open_cnt == orders->row_cnt);
    }
    return row_idx;
}

static bool is_wellformed(const struct pw_orders *orders, const struct pw_order_row *row)
{
    return row->client_order_id != 0 && row->qty_e8 > 0 && row->side <= PW_SELL && row->hold_e16 >= 0 &&
           row->account_idx < PW_ACCOUNTS_MAX && row->instrument_idx < orders->instrument_cnt &&
           !pw_orders_find(orders, row->client_order_id);
}

/* The sums with one more of that size; false: it does not fit them. */
static bool sums_with(struct pw_orders *orders, const struct pw_order_row *row, int64_t *open_e8,
                      pw_i128 *hold_e16)
{
    *hold_e16 = orders->hold_e16[row->account_idx];
    return !__builtin_add_overflow(*pw_orders_open_qty(orders, row), row->qty_e8, open_e8) &&
           pw_money_add(hold_e16, row->hold_e16);
}

struct pw_order_row *pw_orders_add(struct pw_orders *orders, const struct pw_order_row *row)
{
    int64_t open_e8;
    pw_i128 hold_e16;
    if (!is_wellformed(orders, row) || !sums_with(orders, row, &open_e8, &hold_e16)) {
        return NULL;
    }
    uint32_t row_idx = take_row(orders);
    if (row_idx == PW_ORDERS_NO_ROW) {
        return NULL;
    }
    struct pw_order_row *added = &orders->rows[row_idx];
    *added = *row;
    added->leaves_qty_e8 = added->risk_qty_e8 = row->qty_e8;
    added->executed_qty_e8 = added->prevented_qty_e8 = 0;
    added->venue_order_id = added->last_trade_id = 0;
    added->full_hold_e16 = row->hold_e16;
    added->next_idx = added->prev_idx = PW_ORDERS_NO_ROW;
    added->state = PW_ORDER_IN_FLIGHT;
    added->end_state = PW_ORDER_NONE;
    added->acked = added->cancel_pending = added->reports_lost = false;
    orders->index[slot_of(orders, row->client_order_id)] = row_idx + 1;
    orders->open_cnt++;
    *pw_orders_open_qty(orders, added) = open_e8;
    orders->hold_e16[added->account_idx] = hold_e16;
    pw_assert(open_e8 > 0 && hold_e16 >= 0 && orders->open_cnt <= orders->used_cnt);
    return added;
}

struct pw_order_row *pw_orders_replace(struct pw_orders *orders, const struct pw_order_row *row)
{
    struct pw_order_row *old = pw_orders_find(orders, row->replaces_id);
    if (!old || !pw_orders_state_replaces(old->state) || old->instrument_idx != row->instrument_idx ||
        old->side != row->side) {
        return NULL;
    }
    struct pw_order_row *added = pw_orders_add(orders, row); /* takes no open row: `old` stays where it is */
    pw_assert(added != old && old->client_order_id == row->replaces_id);
    if (added) {
        pw_assert(old->leaves_qty_e8 > 0 && old->end_state == PW_ORDER_NONE);
        old->state = PW_ORDER_PENDING_REPLACE;
    }
    return added;
}

static void row_prefetch(const struct pw_order_row *row)
{
    for (size_t at = 0; at < sizeof *row; at += PW_CACHE_LINE) {
        __builtin_prefetch((const char *)row + at, 1);
    }
}

void pw_orders_prefetch(const struct pw_orders *orders)
{
    uint64_t next_id = pw_order_id(orders->run_id, orders->counter + 1);
    __builtin_prefetch(&orders->index[pw_orders_home(next_id, orders->index_mask)], 1);
    if (orders->used_cnt < orders->row_cnt) {
        row_prefetch(&orders->rows[orders->used_cnt]);
    } else if (orders->closed_first_idx != PW_ORDERS_NO_ROW) {
        const struct pw_order_row *row = &orders->rows[orders->closed_first_idx];
        row_prefetch(row);
        __builtin_prefetch(&orders->index[home_of(orders, orders->closed_first_idx)], 1);
        if (row->next_idx != PW_ORDERS_NO_ROW) {
            __builtin_prefetch(&orders->rows[row->next_idx].prev_idx, 1);
        }
    }
}

void pw_orders_each_open(const struct pw_orders *orders,
                         void (*visit)(void *state, const struct pw_order_row *row), void *state)
{
    for (uint32_t i = 0, left = orders->open_cnt; left; i++) {
        pw_assert(i < orders->used_cnt);
        if (!pw_order_is_closed(orders->rows[i].state)) {
            left--;
            visit(state, &orders->rows[i]);
        }
    }
}
