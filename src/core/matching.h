/* SPDX-License-Identifier: MIT
 *
 * A matching engine: the central limit order book of one instrument, which matches by price, then by time.
 *
 * Pure: no clock, no randomness, no allocation after init; the same calls give the same results. Each call
 * reports what it does to `on_result`, in order and while it is carried out: the book is then as after that
 * result. The book is never crossed or locked.
 *
 * An order trades with the opposite orders whose prices are as good as its limit or better, the best price
 * first and the oldest order of a price first, each trade at the resting order's price. What is left rests
 * (a GTC order with a limit) or ends. Orders with a stop price wait in the order of their placing until the
 * caller activates them: the caller may give each its own time, or cancel it. Filters, balances, fees and
 * error codes are the venue's, not the engine's. There are no icebergs, pegged or trailing orders.
 *
 * The caller answers for sane orders: a quantity above 0, and positive prices where the type names them.
 */
#ifndef PW_MATCHING_H
#define PW_MATCHING_H

#include "orders.h"

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_MATCHING_ORDERS_MAX (1u << 24)
#define PW_MATCHING_NONE       UINT32_MAX /* no order */
/* The owner of orders that are nobody's in particular: they trade with all, and their ends are not
 * reported. */
#define PW_MATCHING_ANONYMOUS 0u

/* Self-trade prevention: what ends when an order meets one of its own owner, or that both lose what they
 * would have traded. The taker's mode counts. */
enum pw_stp {
    PW_STP_NONE = 0,
    PW_STP_EXPIRE_TAKER = 1,
    PW_STP_EXPIRE_MAKER = 2,
    PW_STP_EXPIRE_BOTH = 3,
    PW_STP_DECREMENT = 4,
    PW_STP_TRANSFER = 5, /* of one owner: as DECREMENT */
};
#define PW_STP_MODES 6u

/* An order as it is placed. */
struct pw_matching_order {
    int64_t price_e8; /* of a type without a limit: any */
    int64_t qty_e8;
    int64_t stop_price_e8; /* of a type without a stop: any */
    uint32_t owner;        /* whose it is: orders of one owner are kept from trading with each other */
    uint32_t tag;          /* the caller's own; stands in the results */
    enum pw_side side;
    enum pw_order_type type;
    enum pw_tif tif;
    enum pw_stp stp;
};

/* An open order: it rests in the book, or waits for its stop price. */
struct pw_matching_row {
    int64_t price_e8, leaves_qty_e8, stop_price_e8;
    uint64_t order_id;
    uint32_t next_idx,
        prev_idx;  /* in its level or among those that wait, oldest first; of a free row: next */
    uint32_t rank; /* its place in its side's `resting` */
    uint32_t owner, tag;
    uint8_t side, type, tif, stp, place; /* enums; place: pw_matching_row_place */
};
static_assert(sizeof(struct pw_matching_row) == 64, "an open order, one cache line");

enum pw_matching_row_place { PW_MATCHING_FREE = 0, PW_MATCHING_RESTS = 1, PW_MATCHING_WAITS = 2 };

/* Rows in the order of their time. */
struct pw_matching_queue {
    uint32_t first_idx, last_idx; /* PW_MATCHING_NONE: it is empty */
    uint32_t order_cnt;
};

struct pw_matching_level {
    int64_t price_e8, qty_e8; /* qty: the sum of its orders' leaves */
    struct pw_matching_queue queue;
};

struct pw_matching_side {
    struct pw_matching_level *levels; /* sorted, the best one last */
    uint32_t level_cnt;
    uint32_t *resting; /* its orders in no particular order: to pick one by number */
    uint32_t resting_cnt;
};

/* One side of a trade, or an order that ended. */
struct pw_matching_party {
    uint64_t order_id;
    uint32_t owner, tag;
};

enum pw_matching_end {
    PW_MATCHING_END_NO_LIQUIDITY,  /* without a limit: nothing is left to trade with */
    PW_MATCHING_END_IOC,           /* the rest of an immediate-or-cancel order */
    PW_MATCHING_END_FOK,           /* a fill-or-kill order that could not be filled at once: nothing traded */
    PW_MATCHING_END_SELF_TRADE,    /* prevented: see enum pw_stp */
    PW_MATCHING_END_NO_ROOM,       /* the rest would rest, but the book is full */
    PW_MATCHING_END_WOULD_TAKE,    /* post-only */
    PW_MATCHING_END_WOULD_TRIGGER, /* the last trade was at the stop price or beyond */
    PW_MATCHING_END_PRICE_RANGE,   /* what is left would trade beyond what a taker may */
};

enum pw_matching_result_kind {
    PW_MATCHING_TRADE,
    PW_MATCHING_LEVEL,
    PW_MATCHING_END,
    PW_MATCHING_PREVENTION
};

struct pw_matching_result {
    enum pw_matching_result_kind kind;
    enum pw_side side; /* of the taker, of the level, of the order that ended */
    union {
        struct {
            uint64_t trade_id;
            int64_t price_e8, qty_e8;
            struct pw_matching_party maker, taker;
        } trade;
        /* A trade that was prevented: both orders have so much less. One of which nothing is left is gone; no
         * END is reported. */
        struct {
            int64_t price_e8, qty_e8;
            struct pw_matching_party maker, taker;
        } prevention;
        /* A level has this quantity now (0: it is gone); each such change has the next update id. */
        struct {
            int64_t price_e8, qty_e8;
            uint64_t update_id;
        } level;
        /* An order ended otherwise than by being filled, decremented or canceled. */
        struct {
            struct pw_matching_party order;
            int64_t leaves_qty_e8; /* what was not filled of it */
            enum pw_matching_end why;
        } end;
    };
};

/* The prices that a taker of a side may trade at; 0: no bound. */
struct pw_matching_range {
    int64_t low_e8, high_e8;
};

struct pw_matching {
    struct pw_matching_row *rows;
    uint32_t row_cnt, free_idx, open_cnt;
    struct pw_matching_side sides[2];      /* by enum pw_side: PW_BUY are the bids */
    struct pw_matching_queue waiting;      /* for their stop prices */
    int64_t last_price_e8;                 /* of the last trade; 0: none yet */
    int64_t traded_low_e8, traded_high_e8; /* since the stops were last looked at; low above high: none */
    uint64_t last_order_id, last_trade_id, last_update_id;
    struct pw_matching_range ranges[2]; /* by enum pw_side; set by the caller at any time */
    /* Must not call back; NULL: nobody listens. Set by the caller at any time. */
    void (*on_result)(void *state, const struct pw_matching_result *result);
    void *state;
};

/* Bytes for that many open orders; 0 if the number is 0 or above PW_MATCHING_ORDERS_MAX. */
size_t pw_matching_bytes(uint32_t order_max);
/* memory: pw_matching_bytes of zeroed bytes, aligned to 64. An empty book. Ids go on from first_id. */
struct pw_matching *pw_matching_init(void *memory, uint32_t order_max, uint64_t first_id);

/* Places an order. Returns the row where it is open, or PW_MATCHING_NONE if it is filled or ended. Whatever
 * becomes of it, it takes the next order id. */
uint32_t pw_matching_place(struct pw_matching *matching, const struct pw_matching_order *order);
/* Takes an open order out: no END is reported. */
void pw_matching_cancel(struct pw_matching *matching, uint32_t row_idx);

/* The oldest order that waits for a price that was traded since this last said PW_MATCHING_NONE. Ask after
 * whatever may trade, and activate or cancel what it names, until it says so. */
uint32_t pw_matching_triggered(struct pw_matching *matching);
/* A waiting order waits no longer: it works as if it were placed now, under its old id, and its row is free.
 * Returns as pw_matching_place does. */
uint32_t pw_matching_activate(struct pw_matching *matching, uint32_t row_idx);

/* What an order would trade at once, for a value of at most budget_e16 (0: any), and what that is worth at
 * the resting orders' prices. A stop price is not looked at. */
struct pw_matching_preview {
    int64_t qty_e8;
    int64_t prevented_qty_e8; /* what it would lose beside that */
    pw_i128 quote_e16;
};
struct pw_matching_preview pw_matching_preview(const struct pw_matching *matching,
                                               const struct pw_matching_order *order, pw_i128 budget_e16);
/* Whether there is an opposite order as good as the order's limit. */
bool pw_matching_would_take(const struct pw_matching *matching, const struct pw_matching_order *order);
/* Whether its stop price has been reached already. */
bool pw_matching_would_trigger(const struct pw_matching *matching, const struct pw_matching_order *order);
/* Whether one more order can be open. */
static inline bool pw_matching_has_room(const struct pw_matching *matching)
{
    return matching->free_idx != PW_MATCHING_NONE;
}

/* The best level of a side; NULL if there is none. */
static inline const struct pw_matching_level *pw_matching_best(const struct pw_matching *matching,
                                                               enum pw_side side)
{
    const struct pw_matching_side *levels = &matching->sides[side];
    return levels->level_cnt ? &levels->levels[levels->level_cnt - 1] : NULL;
}
/* The quantity at a price; 0: no such level. */
int64_t pw_matching_qty_e8(const struct pw_matching *matching, enum pw_side side, int64_t price_e8);

#endif
