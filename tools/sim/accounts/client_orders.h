/* SPDX-License-Identifier: MIT
 *
 * The clients' orders in the simulated market: judged, placed among the background flow's, filled, paid,
 * canceled, remembered.
 *
 * An order holds what it may cost (a buyer's quote, a seller's base) until it is closed. Fees are taken from
 * what a fill brings. All times are the market's.
 */
#ifndef PW_SIM_CLIENT_ORDERS_H
#define PW_SIM_CLIENT_ORDERS_H

#include "order_table.h"

#define PW_SIM_FILLS_KEPT        65536u
#define PW_SIM_SYMBOL_ORDERS_MAX 200u  /* open, of one account and symbol */
#define PW_SIM_ALGO_ORDERS_MAX   5u    /* of these, with a stop price */
#define PW_SIM_ORDERS_MAX        1000u /* open, of one account */
#define PW_SIM_PRICE_MAX_E8      (1000000 * PW_E8)
#define PW_SIM_QTY_MAX_E8        (9000000 * PW_E8)
#define PW_SIM_MARKET_QTY_MAX_E8 (PW_SIM_QTY_MAX_E8 / 100)
#define PW_SIM_NOTIONAL_MAX_E8   (9000000 * PW_E8)

struct pw_sim_order_request {
    struct pw_sim_symbol *symbol;
    enum pw_side side;
    enum pw_order_type type;
    enum pw_tif tif;          /* PW_GTC where the type has none */
    int64_t price_e8, qty_e8; /* price 0: without a limit */
    int64_t quote_qty_e8;     /* a market order's instead of qty_e8, which is then found; else 0 */
    int64_t stop_price_e8;    /* 0: none */
    enum pw_stp prevention;
    const char *client_id; /* NULL: one is made */
};

struct pw_sim_fill {
    const struct pw_sim_symbol *symbol;
    const struct pw_sim_account *account;
    uint64_t order_id, trade_id;
    int64_t price_e8, qty_e8, quote_e8, fee_e8;
    const char *fee_asset;
    int64_t time_ns;
    bool buyer, maker;
};

/* What an execution report is about (binance.md 6, `x`). */
enum pw_sim_execution_type {
    PW_SIM_EXECUTION_NEW,
    PW_SIM_EXECUTION_CANCELED,
    PW_SIM_EXECUTION_TRADE,
    PW_SIM_EXECUTION_EXPIRED,
    PW_SIM_EXECUTION_TRADE_PREVENTION, /* it met an order of its own account: it ended, or has less */
    PW_SIM_EXECUTION_TYPES
};

/* What was prevented. */
struct pw_sim_prevention {
    uint64_t match_id;         /* 1, 2, 3...: the same for both orders that lose quantity */
    uint64_t counter_order_id; /* of the other order; 0: it is not known, and so is the price */
    int64_t price_e8, qty_e8;
};

/* One thing that happened to a client's order. The order, and its two balances, are as after it. */
struct pw_sim_execution {
    enum pw_sim_execution_type type;
    const struct pw_sim_client_order *order;
    const struct pw_sim_fill *fill;      /* of a TRADE, else NULL */
    struct pw_sim_prevention prevention; /* of a TRADE_PREVENTION */
    const char *cancel_id;               /* the client's name for what canceled it; NULL: it gave none */
    const char *expiry_reason;           /* of EXPIRED: the venue's word; else NULL */
    uint64_t execution_id;               /* 1, 2, 3... */
    int64_t market_ns;
};

/* Hears of every execution of every client's order, in order, while it is carried out: it must not call
 * back. */
struct pw_sim_order_listener {
    void (*executed)(void *state, const struct pw_sim_execution *execution); /* NULL: nobody listens */
    void *state;
};

/* What is open of an account in a symbol. */
struct pw_sim_open_cnts {
    uint32_t open, algo;
};

struct pw_sim_orders {
    struct pw_sim_source *source;
    struct pw_sim_order_listener listener;
    uint64_t last_execution_id, last_prevented_match_id;
    struct pw_sim_order_table table;
    struct pw_sim_open_cnts *open_cnts; /* of each account, of each symbol */
    struct pw_sim_fill *fills;
    uint64_t fill_cnt; /* ever; the last stands at (fill_cnt - 1) % PW_SIM_FILLS_KEPT */
};

/* Why the venue refuses: what it answers. */
struct pw_sim_reject {
    uint32_t status;
    int code;
    const char *text;
};

/* 0 or -ENOMEM. The source must be a synthetic market; it is listened to from now on. */
int pw_sim_orders_init(struct pw_sim_orders *orders, struct pw_sim_source *source);
void pw_sim_orders_fini(struct pw_sim_orders *orders);

/* Judges an order as placing it now would; NULL: it would be taken. */
const struct pw_sim_reject *pw_sim_orders_judge(struct pw_sim_orders *orders,
                                                const struct pw_sim_account *account,
                                                const struct pw_sim_order_request *request, int64_t wall_ns);
/* The filters alone, which come first. */
const struct pw_sim_reject *pw_sim_orders_filter(struct pw_sim_orders *orders,
                                                 const struct pw_sim_account *account,
                                                 const struct pw_sim_order_request *request, int64_t wall_ns);
/* Places it; what became of it at once is in *order (and the fills since). NULL, or why it was refused. */
const struct pw_sim_reject *pw_sim_orders_place(struct pw_sim_orders *orders, struct pw_sim_account *account,
                                                const struct pw_sim_order_request *request, int64_t wall_ns,
                                                struct pw_sim_client_order **order);
/* cancel_id: the client's name for the cancellation; NULL: none. */
void pw_sim_orders_cancel(struct pw_sim_orders *orders, struct pw_sim_client_order *order,
                          const char *cancel_id, int64_t wall_ns);

/* By the venue's id, or (order_id 0) the client's: then the open one, else the last of that name. NULL: none
 * that is remembered. */
struct pw_sim_client_order *pw_sim_orders_find(struct pw_sim_orders *orders,
                                               const struct pw_sim_account *account,
                                               const struct pw_sim_symbol *symbol, uint64_t order_id,
                                               const char *client_id);
/* What is open of the account in the symbol. */
struct pw_sim_open_cnts *pw_sim_orders_open_cnts(const struct pw_sim_orders *orders,
                                                 const struct pw_sim_account *account,
                                                 const struct pw_sim_symbol *symbol);
/* The account's next open order after `order` (NULL: the first); NULL: no more. */
struct pw_sim_client_order *pw_sim_orders_next_open(struct pw_sim_orders *orders,
                                                    const struct pw_sim_account *account,
                                                    const struct pw_sim_client_order *order);
/* The fill of that number since the beginning; NULL: not yet, or no longer kept. */
const struct pw_sim_fill *pw_sim_orders_fill(const struct pw_sim_orders *orders, uint64_t number);

#endif
