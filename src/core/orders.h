/* SPDX-License-Identifier: MIT
 *
 * Orders: the bounded table of this run's orders by client order id, and their state machine.
 *
 * An order is open from pw_orders_add until a report closes it. Closed orders stay in the table, to tell a
 * late or doubled report from an unknown one, until their row is needed: then the one that was closed first
 * goes. Besides the rows the table keeps, per instrument, what the open orders may still buy and sell, and
 * for the account the cash that they may still need: what risk counts as taken.
 *
 * Client order ids: the run's number in the upper bits, a counter from 1 in the lower PW_ORDER_COUNTER_BITS.
 * Runs are numbered by the journal, durably and before the first order, so an id is never used twice, also
 * over restarts; and run and counter can be read back from it. 0 is never an id.
 */
#ifndef PW_ORDERS_H
#define PW_ORDERS_H

#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_ORDER_COUNTER_BITS                                                                                \
    24u /* 16.7 million orders a run, 2^40 runs; then orders are denied: no room                             \
         */
#define PW_ORDER_RUN_MAX ((UINT64_C(1) << (64u - PW_ORDER_COUNTER_BITS)) - 1)
#define PW_ORDERS_MAX    (1u << 16)

#define PW_ORDER_STATES 8u /* of enum pw_order_state */

static inline uint64_t pw_order_id(uint64_t run_id, uint64_t counter)
{
    return run_id << PW_ORDER_COUNTER_BITS | counter;
}

static inline uint64_t pw_order_id_run(uint64_t client_order_id)
{
    return client_order_id >> PW_ORDER_COUNTER_BITS;
}

static inline uint64_t pw_order_id_counter(uint64_t client_order_id)
{
    return client_order_id & ((UINT64_C(1) << PW_ORDER_COUNTER_BITS) - 1);
}

static inline bool pw_order_is_closed(enum pw_order_state state)
{
    return state >= PW_ORDER_FILLED;
}

struct pw_order_row {
    uint64_t client_order_id; /* 0: a free row */
    int64_t price_e8, qty_e8; /* as ordered; price 0: market */
    int64_t leaves_qty_e8;    /* not filled; of a closed order: what never will be */
    int64_t recv_ns;          /* of the event that caused it */
    pw_i128 hold_e16;         /* cash held for what is left of it; falls with each fill, 0 when closed */
    uint64_t market_seq;
    uint32_t next_idx; /* the table's own */
    uint16_t instrument_idx, strategy_idx, tag;
    uint8_t side, type, tif, state;
};

/* What open orders may still do. */
struct pw_open_qty {
    int64_t buy_e8, sell_e8;
};

struct pw_orders {
    struct pw_order_row *rows;
    uint32_t *index;          /* by hash of the id: row number + 1; 0: none */
    struct pw_open_qty *open; /* by instrument */
    uint32_t row_cnt, index_mask, instrument_cnt;
    uint32_t used_cnt; /* rows ever used */
    uint32_t open_cnt;
    uint32_t closed_first_idx, closed_last_idx; /* the closed ones, in the order in which they closed */
    pw_i128 hold_e16;                           /* of all open orders */
    uint64_t run_id, counter;
    uint64_t illegal_cnt, duplicate_cnt, unknown_cnt; /* reports that changed nothing */
};

/* Bytes for row_cnt orders (1 to PW_ORDERS_MAX) and instrument_cnt instruments; 0 if out of range. */
size_t pw_orders_bytes(uint32_t row_cnt, uint32_t instrument_cnt);

/* memory: pw_orders_bytes of zeroed bytes, aligned to 64. NULL if run_id is above PW_ORDER_RUN_MAX. */
struct pw_orders *pw_orders_init(void *memory, uint32_t row_cnt, uint32_t instrument_cnt, uint64_t run_id);

/* The id that the next order gets, or 0 when this run has used all. Taking it makes it used, also if it is
 * denied. */
uint64_t pw_orders_take_id(struct pw_orders *orders);

/* Adds an order in flight: `row` filled in but for leaves, state and next_idx. The row in the table, or NULL
 * when every row is open, the id is in use or 0, or the quantity or instrument is out of range. */
struct pw_order_row *pw_orders_add(struct pw_orders *orders, const struct pw_order_row *row);

/* Open or closed; NULL: not (or no longer) known. */
struct pw_order_row *pw_orders_find(const struct pw_orders *orders, uint64_t client_order_id);

/* Calls visit for each open order, in the order of their rows. visit must not add or close orders. */
void pw_orders_each_open(const struct pw_orders *orders,
                         void (*visit)(void *state, const struct pw_order_row *row), void *state);

enum pw_order_step {
    PW_ORDER_STEP_ILLEGAL = 0, /* contradicts what is known: counted, nothing changed */
    PW_ORDER_STEP_MOVE = 1,    /* to the reported state */
    PW_ORDER_STEP_SAME = 2,    /* late or doubled, says nothing new: counted, nothing changed */
    PW_ORDER_STEP_KEEP = 3, /* news, but the state stays: a further part was filled, a late acknowledgement */
};

/* The state machine: what a report of state `to` means to an order in state `from`. with_fill: the report has
 * a fill. Total: any numbers give an answer. */
enum pw_order_step pw_order_step(unsigned from, unsigned to, bool with_fill);

/* Applies a report: state after it, and the quantity that it filled (0: none). The state that results is the
 * table's and the quantity's: filled in full is FILLED, in part PARTIALLY_FILLED (or closed, where the report
 * closes it). *row_out: the order, NULL if unknown. Fills of more than is left are illegal. */
enum pw_order_step pw_orders_report(struct pw_orders *orders, uint64_t client_order_id,
                                    enum pw_order_state to, int64_t fill_qty_e8,
                                    struct pw_order_row **row_out);

#endif
