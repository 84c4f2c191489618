/* SPDX-License-Identifier: MIT
 *
 * The order table: rows that stay where they are, an index by hash over them, and the state machine as a
 * table.
 */
#include "orders.h"

#include "money.h"
#include <string.h>

#define NO_ROW UINT32_MAX

/* ---- the state machine ---- */

#define ILLEGAL PW_ORDER_STEP_ILLEGAL
#define MOVE    PW_ORDER_STEP_MOVE
#define SAME    PW_ORDER_STEP_SAME
#define KEEP    PW_ORDER_STEP_KEEP

/* From (row) to (column): none, in flight, open, partially filled, filled, canceled, rejected, denied. A
 * report without a fill: an order cannot come to be filled without one; what an order has gone past is late,
 * not wrong. */
static const uint8_t step_without_fill[PW_ORDER_STATES][PW_ORDER_STATES] = {
    [PW_ORDER_NONE] = {0},
    [PW_ORDER_IN_FLIGHT] = {ILLEGAL, SAME, MOVE, ILLEGAL, ILLEGAL, MOVE, MOVE, ILLEGAL},
    [PW_ORDER_OPEN] = {ILLEGAL, SAME, SAME, ILLEGAL, ILLEGAL, MOVE, ILLEGAL, ILLEGAL},
    [PW_ORDER_PARTIALLY_FILLED] = {ILLEGAL, SAME, SAME, SAME, ILLEGAL, MOVE, ILLEGAL, ILLEGAL},
    [PW_ORDER_FILLED] = {ILLEGAL, SAME, SAME, SAME, SAME, ILLEGAL, ILLEGAL, ILLEGAL},
    [PW_ORDER_CANCELED] = {ILLEGAL, SAME, SAME, SAME, ILLEGAL, SAME, ILLEGAL, ILLEGAL},
    [PW_ORDER_REJECTED] = {ILLEGAL, SAME, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, SAME, ILLEGAL},
    [PW_ORDER_DENIED] = {0},
};

/* A report with a fill: only an order that is not closed can be filled. The last part may come with the
 * cancellation of what it left (immediate or cancel). */
static const uint8_t step_with_fill[PW_ORDER_STATES][PW_ORDER_STATES] = {
    [PW_ORDER_IN_FLIGHT] = {ILLEGAL, ILLEGAL, ILLEGAL, MOVE, MOVE, MOVE, ILLEGAL, ILLEGAL},
    [PW_ORDER_OPEN] = {ILLEGAL, ILLEGAL, ILLEGAL, MOVE, MOVE, MOVE, ILLEGAL, ILLEGAL},
    [PW_ORDER_PARTIALLY_FILLED] = {ILLEGAL, ILLEGAL, ILLEGAL, KEEP, MOVE, MOVE, ILLEGAL, ILLEGAL},
};

enum pw_order_step pw_order_step(unsigned from, unsigned to, bool with_fill)
{
    if (from >= PW_ORDER_STATES || to >= PW_ORDER_STATES) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    return with_fill ? step_with_fill[from][to] : step_without_fill[from][to];
}

/* ---- memory ---- */

static size_t round_up_64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* At most half full, so that probes stay short. */
static uint32_t index_slots(uint32_t row_cnt)
{
    uint32_t slots = 2;
    while (slots < 2 * row_cnt) {
        slots *= 2;
    }
    return slots;
}

size_t pw_orders_bytes(uint32_t row_cnt, uint32_t instrument_cnt)
{
    if (row_cnt == 0 || row_cnt > PW_ORDERS_MAX || instrument_cnt == 0 ||
        instrument_cnt > PW_INSTRUMENTS_MAX) {
        return 0;
    }
    return round_up_64(sizeof(struct pw_orders)) + round_up_64(row_cnt * sizeof(struct pw_order_row)) +
           round_up_64(instrument_cnt * sizeof(struct pw_open_qty)) +
           round_up_64(index_slots(row_cnt) * sizeof(uint32_t));
}

struct pw_orders *pw_orders_init(void *memory, uint32_t row_cnt, uint32_t instrument_cnt, uint64_t run_id)
{
    if (run_id > PW_ORDER_RUN_MAX) {
        return NULL;
    }
    struct pw_orders *orders = memory;
    char *at = (char *)memory + round_up_64(sizeof *orders);
    orders->rows = (struct pw_order_row *)(void *)at;
    at += round_up_64(row_cnt * sizeof *orders->rows);
    orders->open = (struct pw_open_qty *)(void *)at;
    at += round_up_64(instrument_cnt * sizeof *orders->open);
    orders->index = (uint32_t *)(void *)at;
    orders->row_cnt = row_cnt;
    orders->index_mask = index_slots(row_cnt) - 1;
    orders->instrument_cnt = instrument_cnt;
    orders->closed_first_idx = orders->closed_last_idx = NO_ROW;
    orders->run_id = run_id;
    return orders;
}

uint64_t pw_orders_take_id(struct pw_orders *orders)
{
    if (orders->counter >= (UINT64_C(1) << PW_ORDER_COUNTER_BITS) - 1) {
        return 0;
    }
    return pw_order_id(orders->run_id, ++orders->counter);
}

/* ---- the index: open addressing, linear probes ---- */

static uint32_t home_of(const struct pw_orders *orders, uint64_t id)
{
    return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & orders->index_mask; /* Fibonacci hashing */
}

/* The slot that holds the id, or the free one where it belongs. */
static uint32_t slot_of(const struct pw_orders *orders, uint64_t id)
{
    uint32_t slot = home_of(orders, id);
    while (orders->index[slot] && orders->rows[orders->index[slot] - 1].client_order_id != id) {
        slot = (slot + 1) & orders->index_mask;
    }
    return slot;
}

/* Frees a slot and pulls those behind it up, so that no probe ends early. */
static void index_remove(struct pw_orders *orders, uint64_t id)
{
    uint32_t mask = orders->index_mask;
    uint32_t hole = slot_of(orders, id);
    for (uint32_t slot = (hole + 1) & mask; orders->index[slot]; slot = (slot + 1) & mask) {
        uint32_t home = home_of(orders, orders->rows[orders->index[slot] - 1].client_order_id);
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            orders->index[hole] = orders->index[slot];
            hole = slot;
        }
    }
    orders->index[hole] = 0;
}

struct pw_order_row *pw_orders_find(const struct pw_orders *orders, uint64_t client_order_id)
{
    uint32_t entry = orders->index[slot_of(orders, client_order_id)];
    return entry ? &orders->rows[entry - 1] : NULL;
}

/* ---- rows ---- */

/* A row never used, else that of the order that was closed first; NO_ROW when all are open. */
static uint32_t take_row(struct pw_orders *orders)
{
    if (orders->used_cnt < orders->row_cnt) {
        return orders->used_cnt++;
    }
    uint32_t row_idx = orders->closed_first_idx;
    if (row_idx != NO_ROW) {
        orders->closed_first_idx = orders->rows[row_idx].next_idx;
        if (orders->closed_first_idx == NO_ROW) {
            orders->closed_last_idx = NO_ROW;
        }
        index_remove(orders, orders->rows[row_idx].client_order_id);
    }
    return row_idx;
}

static int64_t *open_qty(struct pw_orders *orders, const struct pw_order_row *row)
{
    struct pw_open_qty *open = &orders->open[row->instrument_idx];
    return row->side == PW_BUY ? &open->buy_e8 : &open->sell_e8;
}

struct pw_order_row *pw_orders_add(struct pw_orders *orders, const struct pw_order_row *row)
{
    int64_t open_after;
    pw_i128 hold_after = orders->hold_e16;
    if (row->client_order_id == 0 || row->qty_e8 <= 0 || row->side > PW_SELL || row->hold_e16 < 0 ||
        row->instrument_idx >= orders->instrument_cnt || pw_orders_find(orders, row->client_order_id) ||
        __builtin_add_overflow(*open_qty(orders, row), row->qty_e8, &open_after) ||
        !pw_money_add(&hold_after, row->hold_e16)) {
        return NULL;
    }
    uint32_t row_idx = take_row(orders);
    if (row_idx == NO_ROW) {
        return NULL;
    }
    struct pw_order_row *added = &orders->rows[row_idx];
    *added = *row;
    added->leaves_qty_e8 = row->qty_e8;
    added->state = PW_ORDER_IN_FLIGHT;
    added->next_idx = NO_ROW;
    orders->index[slot_of(orders, row->client_order_id)] = row_idx + 1;
    orders->open_cnt++;
    orders->hold_e16 = hold_after;
    *open_qty(orders, added) = open_after;
    return added;
}

void pw_orders_each_open(const struct pw_orders *orders,
                         void (*visit)(void *state, const struct pw_order_row *row), void *state)
{
    for (uint32_t i = 0, left = orders->open_cnt; left; i++) {
        if (!pw_order_is_closed(orders->rows[i].state)) {
            left--;
            visit(state, &orders->rows[i]);
        }
    }
}

static void fill_row(struct pw_orders *orders, struct pw_order_row *row, int64_t fill_qty_e8)
{
    pw_i128 freed = pw_money_share(row->hold_e16, fill_qty_e8, row->leaves_qty_e8);
    row->leaves_qty_e8 -= fill_qty_e8;
    row->hold_e16 -= freed;
    orders->hold_e16 -= freed;
    *open_qty(orders, row) -= fill_qty_e8;
}

static void close_row(struct pw_orders *orders, struct pw_order_row *row)
{
    uint32_t row_idx = (uint32_t)(row - orders->rows);
    orders->hold_e16 -= row->hold_e16;
    row->hold_e16 = 0;
    *open_qty(orders, row) -= row->leaves_qty_e8;
    orders->open_cnt--;
    if (orders->closed_last_idx == NO_ROW) {
        orders->closed_first_idx = row_idx;
    } else {
        orders->rows[orders->closed_last_idx].next_idx = row_idx;
    }
    orders->closed_last_idx = row_idx;
}

/* What the tables say, and what only the quantities can tell. */
static enum pw_order_step judge(const struct pw_order_row *row, enum pw_order_state to, int64_t fill_qty_e8)
{
    if (fill_qty_e8 < 0 || fill_qty_e8 > row->leaves_qty_e8 ||
        (to == PW_ORDER_FILLED && row->state != PW_ORDER_FILLED && fill_qty_e8 != row->leaves_qty_e8)) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    return pw_order_step(row->state, to, fill_qty_e8 > 0);
}

enum pw_order_step pw_orders_report(struct pw_orders *orders, uint64_t client_order_id,
                                    enum pw_order_state to, int64_t fill_qty_e8,
                                    struct pw_order_row **row_out)
{
    struct pw_order_row *row = pw_orders_find(orders, client_order_id);
    *row_out = row;
    if (!row) {
        orders->unknown_cnt++;
        return PW_ORDER_STEP_ILLEGAL;
    }
    enum pw_order_step step = judge(row, to, fill_qty_e8);
    if (step == PW_ORDER_STEP_ILLEGAL) {
        orders->illegal_cnt++;
        return step;
    }
    if (step == PW_ORDER_STEP_SAME) {
        orders->duplicate_cnt++;
        return step;
    }
    if (fill_qty_e8 > 0) {
        fill_row(orders, row, fill_qty_e8);
    }
    row->state = (uint8_t)(row->leaves_qty_e8 == 0 ? PW_ORDER_FILLED : to);
    if (pw_order_is_closed(row->state)) {
        close_row(orders, row);
    }
    return step;
}
