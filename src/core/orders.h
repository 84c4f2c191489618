/* SPDX-License-Identifier: MIT
 *
 * Orders: the bounded table of this run's orders by client order id, and their state machine.
 *
 * An order is open from pw_orders_add until a report closes it. Closed orders stay in the table, to tell late
 * or duplicate reports from that of an unknown order, until their row is needed: then the one that was closed
 * first goes. Besides the rows the table keeps, per instrument, what the open orders may still buy and sell,
 * and for each account the cash that they may still need: what risk counts as taken, always at its worst.
 *
 * How races end, by rule (the table itself is in orders_reports.c):
 * - A fill is booked once: by the venue's trade id where there is one, and a trade that has been booked is
 *   neither another one's nor of another price or quantity. It is booked whatever the state of an order that
 *   was sent, also after the order was closed.
 * - An end of the order that names more executed than the fills booked is no end yet: the order is UNKNOWN,
 *   what is owed counts as open, and the last owed fill closes it.
 * - Nothing is assumed of what was not answered: time-out and disconnect make it UNKNOWN. It counts in full
 *   until a report or a query's answer settles it. Until then it can be canceled, but not replaced, and never
 *   sent again.
 * - A query's answer that counts less than was booked is older than that, and settles nothing.
 * - NOT_FOUND closes only an order that the venue never acknowledged, and only if it was asked for after
 *   the venue could no longer accept the order (valid_until_ns): queries may lag behind. If it turns up all
 *   the same, it is UNKNOWN again.
 * - What the venue prevents, so that its owner does not trade with himself, is taken of what is left, on
 *   whichever report says it first. An order of which everything is filled or prevented has ended.
 * - A cancellation that the venue does not know leaves the order UNKNOWN: its fills are on their way.
 *
 * Client order ids: the run's number in the upper bits, a counter from 1 in the lower PW_ORDER_COUNTER_BITS.
 * Runs are numbered by the journal, durably and before the first order, so an id is never used twice, also
 * over restarts; and run and counter can be read back from it. Orders that are denied, and so known to us
 * alone, have counters from PW_ORDER_DENIED_FIRST. 0 is never an id.
 */
#ifndef PW_ORDERS_H
#define PW_ORDERS_H

#include <pinwheel/event.h>
#include <pinwheel/gateway.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 12.6 million orders a run, 2^40 runs; then orders are denied: no room. Denied orders are numbered apart, so
 * that a strategy that does nothing but be denied uses up nothing: after 4.2 million of them they all bear 0.
 */
#define PW_ORDER_COUNTER_BITS 24u
#define PW_ORDER_DENIED_FIRST                                                                                \
    (UINT64_C(3) << (PW_ORDER_COUNTER_BITS - 2)) /* counter of the first denied one */
#define PW_ORDER_RUN_MAX ((UINT64_C(1) << (64u - PW_ORDER_COUNTER_BITS)) - 1)
#define PW_ORDERS_MAX    (1u << 16)

/* Fills remembered for each row of the table, on average: those of the orders filled last. */
#define PW_ORDER_FILLS_PER_ROW 8u

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
    const uint32_t closed = 1u << PW_ORDER_FILLED | 1u << PW_ORDER_CANCELED | 1u << PW_ORDER_REJECTED |
                            1u << PW_ORDER_DENIED | 1u << PW_ORDER_REPLACED | 1u << PW_ORDER_EXPIRED;
    return closed >> state & 1;
}

/* Which prices an order of that type names. Without a limit price it takes what the market offers. */
static inline bool pw_order_has_limit(uint8_t type)
{
    const uint32_t types =
        1u << PW_LIMIT | 1u << PW_LIMIT_MAKER | 1u << PW_STOP_LOSS_LIMIT | 1u << PW_TAKE_PROFIT_LIMIT;
    return type < PW_ORDER_TYPES && (types >> type & 1);
}

static inline bool pw_order_has_stop(uint8_t type)
{
    return type >= PW_STOP_LOSS && type < PW_ORDER_TYPES;
}

/* Whether an order with a stop price waits for the market to trade at that price or above it, else at or
 * below: a stop loss waits for a worse price than now, a take profit for a better one. */
static inline bool pw_order_triggers_above(uint8_t type, uint8_t side)
{
    bool is_loss = type == PW_STOP_LOSS || type == PW_STOP_LOSS_LIMIT;
    return is_loss == (side == PW_BUY);
}

struct pw_order_row {
    uint64_t client_order_id; /* 0: a free row */
    uint64_t replaces_id;     /* the order in whose place it stands; 0: none */
    int64_t price_e8, qty_e8; /* as ordered; price 0: market */
    int64_t leaves_qty_e8;    /* not filled and not prevented; of a closed order: what never will be */
    int64_t risk_qty_e8;      /* what it may yet fill, counted as open */
    int64_t executed_qty_e8;  /* the most that the venue said it filled, in all or fill by fill */
    int64_t recv_ns;          /* of the event that caused it */
    int64_t valid_until_ns;   /* the venue refuses the request after it; 0: from the start */
    int64_t touch_e8;         /* the best price that it could have met when it was sent; 0: none was known */
    uint64_t venue_order_id;  /* as it was told first; 0: not yet */
    uint64_t last_trade_id;   /* the highest one of its fills */
    int64_t prevented_qty_e8; /* taken of it by the venue, so that its owner does not trade with himself */
    pw_i128 hold_e16;         /* cash held for what is left of it; falls with each fill, 0 when closed */
    pw_i128 full_hold_e16;    /* as ordered; the table's own, as is all that follows but the next two lines */
    uint64_t market_seq;
    uint32_t next_idx, prev_idx;
    uint16_t instrument_idx, strategy_idx, tag;
    uint8_t account_idx; /* whose cash is held for it */
    uint8_t side, type, tif, state;
    uint8_t end_state;   /* it ended so at the venue, fills are still owed; NONE: not */
    bool acked;          /* the venue has acknowledged it */
    bool cancel_pending; /* a cancellation is not answered */
    bool reports_lost;   /* or may be: an acknowledgement does not settle what it is now */
};

/* What open orders may still do. */
struct pw_open_qty {
    int64_t buy_e8, sell_e8;
};

struct pw_order_fill {
    uint64_t client_order_id, trade_id;
    int64_t price_e8, qty_e8;
};

struct pw_orders {
    struct pw_order_row *rows;
    uint32_t *index;             /* by hash of the id: row number + 1; 0: none */
    struct pw_open_qty *open;    /* by instrument */
    struct pw_order_fill *fills; /* the last ones booked, in a ring */
    uint32_t *fill_index;        /* by hash: place in that ring + 1; 0: none */
    uint32_t row_cnt, index_mask, instrument_cnt;
    uint32_t used_cnt; /* rows ever used */
    uint32_t open_cnt;
    uint32_t closed_first_idx, closed_last_idx; /* the closed ones, in the order in which they closed */
    uint32_t fill_slots, fill_index_mask;
    uint64_t fill_cnt;                 /* ever remembered */
    pw_i128 hold_e16[PW_ACCOUNTS_MAX]; /* by account: of its open orders */
    uint64_t run_id, counter, denied_cnt;
    uint64_t illegal_cnt, duplicate_cnt, unknown_cnt; /* reports that changed nothing */
    uint64_t late_cnt; /* fills booked after the order was closed, and closed orders that turned up again */
};

/* Bytes for row_cnt orders (1 to PW_ORDERS_MAX) and instrument_cnt instruments; 0 if out of range. */
size_t pw_orders_bytes(uint32_t row_cnt, uint32_t instrument_cnt);

/* memory: pw_orders_bytes of zeroed bytes, aligned to 64. NULL if run_id is above PW_ORDER_RUN_MAX. */
struct pw_orders *pw_orders_init(void *memory, uint32_t row_cnt, uint32_t instrument_cnt, uint64_t run_id);

/* The id that the next order gets, or 0 when this run has used all. */
uint64_t pw_orders_take_id(struct pw_orders *orders);

/* For an order that is denied, and was neither added nor sent: takes back the id that was taken last (or 0),
 * and returns one of those for denied orders, or 0 when this run has used all. */
uint64_t pw_orders_deny_id(struct pw_orders *orders, uint64_t client_order_id);

/* Adds an order in flight: `row` filled in down to `tif`, but for leaves, what the table keeps, and state.
 * The row in the table, or NULL when every row is open, the id is in use or 0, or the quantity or instrument
 * is out of range. */
struct pw_order_row *pw_orders_add(struct pw_orders *orders, const struct pw_order_row *row);

/* The same for an order in the place of row->replaces_id, which becomes PENDING_REPLACE. NULL too if that one
 * is not open or partially filled, or not of the same instrument and side; then nothing has changed. Until
 * the answer both count in full. */
struct pw_order_row *pw_orders_replace(struct pw_orders *orders, const struct pw_order_row *row);

/* Calls for the memory that the next order will take: once one has been added and there is time. */
void pw_orders_prefetch(const struct pw_orders *orders);

/* Open or closed; NULL: not (or no longer) known. */
struct pw_order_row *pw_orders_find(const struct pw_orders *orders, uint64_t client_order_id);

/* Calls visit for each open order, in the order of their rows. visit must not add or close orders. */
void pw_orders_each_open(const struct pw_orders *orders,
                         void (*visit)(void *state, const struct pw_order_row *row), void *state);

/* What of it is booked as filled. */
static inline int64_t pw_order_booked_e8(const struct pw_order_row *row)
{
    return row->qty_e8 - row->prevented_qty_e8 - row->leaves_qty_e8;
}

/* What the venue says it filled beyond the fills that are booked: to be asked for if it does not come. */
static inline int64_t pw_order_owed_e8(const struct pw_order_row *row)
{
    return row->executed_qty_e8 - pw_order_booked_e8(row);
}

enum pw_order_step {
    PW_ORDER_STEP_ILLEGAL = 0, /* contradicts what is known: counted, nothing changed */
    PW_ORDER_STEP_MOVE = 1,    /* to another state */
    PW_ORDER_STEP_SAME = 2,    /* late or doubled, says nothing new: counted, nothing changed */
    PW_ORDER_STEP_KEEP =
        3, /* something new, but the state stays: a further part was filled, a late acknowledgement */
};

/* Applies a report. MOVE and KEEP: it was taken, and a fill in it is booked; row_out says the state after it.
 * *row_out: the order, NULL if unknown (then ILLEGAL). Total: any numbers give an answer. */
enum pw_order_step pw_orders_apply(struct pw_orders *orders, const struct pw_report *report,
                                   struct pw_order_row **row_out);

/* The same to the row that pw_orders_find gave for it. */
enum pw_order_step pw_orders_apply_to(struct pw_orders *orders, struct pw_order_row *row,
                                      const struct pw_report *report);

#endif
