/* SPDX-License-Identifier: MIT
 *
 * The admission of an order: every check before it leaves, in one table; a pure function over one struct,
 * integers that cannot overflow.
 *
 * The table's order is the order of judgement: the first check that fails names the reason. Every check has a
 * value and a limit, so that an order's story can be told later ("position 1.5, at most 1"). The last rows
 * judge the answers of others, the gateway and the order table, who are asked only when all before them have
 * passed: pw_risk_check judges the rows before them, pw_risk_check_answers these.
 */
#ifndef PW_RISK_H
#define PW_RISK_H

#include "positions.h"
#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

/* From the config; 0 switches a limit off. */
struct pw_risk_limits {
    int64_t max_order_notional_e8;
    int64_t max_position_e8; /* absolute quantity of one instrument, open orders included at their worst */
    uint32_t max_orders_per_s;
    bool allow_short;
    int64_t fee_rate_e8; /* of a taker; |rate| <= PW_FEE_RATE_MAX_E8 */
    int64_t max_age_ns;  /* of the event behind an order, where there is a market that goes on without us */
};

/* Orders by the time that is given (on paper the events', live the pass's): max_orders_per_s a second, as
 * many at once after a second of quiet. */
struct pw_risk_bucket {
    uint64_t credit; /* in 1e9ths of an order */
    int64_t last_ns; /* latest time seen; earlier times add nothing */
    bool started;
};

/* Everything that the checks look at. The caller fills it; nothing is kept. */
struct pw_risk_input {
    const struct pw_instrument *instrument; /* NULL: the intent names none that is known */
    const struct pw_risk_limits *limits;
    int64_t price_e8, qty_e8; /* price 0 for orders without a limit */
    int64_t stop_price_e8;    /* of orders that have one, else 0 */
    uint8_t side, type, tif;  /* enum pw_side, pw_order_type, pw_tif */
    bool feed_up;             /* the feed of the instrument is up and not stale */
    uint32_t halted;          /* enum pw_reason; 0: not halted */
    int64_t bid_e8, ask_e8;   /* best quote; 0: none */
    int64_t reference_e8;     /* by which the venue's filters judge; 0: not known, the touch is used */
    int64_t position_e8;      /* signed */
    int64_t open_buy_e8, open_sell_e8; /* what open orders of the instrument may still buy and sell */
    pw_i128 cash_e16;
    pw_i128 hold_e16;       /* cash that open orders may still need */
    pw_i128 short_cost_e16; /* what all short positions brought in, >= 0: they stand against that and as much
                               again */
    uint64_t rate_credit;   /* pw_risk_bucket_credit; ignored without a rate limit */
    bool room;              /* journal, order table and ids have room for it */
    uint8_t action;         /* enum pw_intent_action */
    bool not_replaceable;   /* a replacement of what is not open, or not its own strategy's */
    int64_t age_ns;         /* of the data behind it, as far as is known since the venue sent it */
    /* Answers. */
    uint8_t gateway; /* enum pw_reason: why it cannot be sent now; NONE: it can */
    bool table_full; /* the sum of the open quantities would not fit */
};

enum pw_risk_unit {
    PW_RISK_FLAG,
    PW_RISK_PRICE,
    PW_RISK_QTY,
    PW_RISK_E16,
    PW_RISK_E9,
    PW_RISK_NS,
    PW_RISK_REASON
};

/* What one check measured. passed: at_least ? value >= limit : value <= limit; a check that does not apply
 * has passed with applies false. The gateway's value is its reason, and so is the failure's. */
struct pw_risk_finding {
    pw_i128 value, limit;
    uint8_t reason; /* enum pw_reason that a failure gives */
    uint8_t unit;   /* enum pw_risk_unit */
    bool at_least;
    bool applies;
    bool passed;
};

#define PW_RISK_CHECKS_MAX 40u

/* The table's length, and the name of a row ("max_position"). */
uint32_t pw_risk_check_cnt(void);
const char *pw_risk_check_name(uint32_t check_idx);

/* One row's measurement. check_idx < pw_risk_check_cnt(). */
struct pw_risk_finding pw_risk_measure(uint32_t check_idx, const struct pw_risk_input *in);

/* PW_REASON_NONE, or why not: the first check that fails, of those before the answers. *check_idx: which;
 * *hold_e16, of an order that passes: the cash that it holds until it is filled or closed, notional and fee
 * of what it would open. Both may be NULL. */
enum pw_reason pw_risk_check(const struct pw_risk_input *in, uint32_t *check_idx, pw_i128 *hold_e16);
/* The same of the answers, in an input that has passed pw_risk_check. */
enum pw_reason pw_risk_check_answers(const struct pw_risk_input *in);

/* The price at which an order is valued: its limit; without one the quote that it would take now, or its stop
 * price, whichever is more (what it would cost, or what a short would stand for); 0: no quote. */
int64_t pw_risk_price_e8(const struct pw_risk_input *in);

/* Credit at now_ns; does not change the bucket. */
uint64_t pw_risk_bucket_credit(const struct pw_risk_bucket *bucket, const struct pw_risk_limits *limits,
                               int64_t now_ns);
/* Takes one order out; only after the checks have passed with the credit of the same now_ns. */
void pw_risk_bucket_take(struct pw_risk_bucket *bucket, const struct pw_risk_limits *limits, int64_t now_ns);

#endif
