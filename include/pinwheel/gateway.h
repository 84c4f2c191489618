/* SPDX-License-Identifier: MIT
 *
 * The gateway: where accepted orders go. The paper gateway is one, a live venue another; execution cannot
 * tell.
 *
 * All calls come from the execution stage's one thread. A gateway answers with reports in `out`, at most
 * PW_REPORTS_PER_ORDER of one order in one call; execution never has more than PW_OPEN_ORDERS_MAX orders with
 * it, so `out` always has room, and execution has made sure of room for the events that these reports become:
 * an ORDER and a FILL for each. So what place, cancel, replace and on_market answer bears neither trade id
 * nor fee asset, which would make it one event more (FILL_INFO); what cancel answers, and replace of the
 * order that it replaces, is one report at most, and no fill. on_message and poll may fill PW_REPORTS_MAX
 * rows with anything: execution calls them only with room for three events a report.
 */
#ifndef PINWHEEL_GATEWAY_H
#define PINWHEEL_GATEWAY_H

#include <pinwheel/workspace.h>

#define PW_REPORTS_MAX       64u
#define PW_REPORTS_PER_ORDER 2u
#define PW_OPEN_ORDERS_MAX   (PW_REPORTS_MAX / PW_REPORTS_PER_ORDER)

/* What a report says of the order that it names: held against what was ordered. A bit of `said` for each
 * field that it says. */
enum pw_term {
    PW_TERM_SYMBOL = 0,
    PW_TERM_SIDE,
    PW_TERM_TYPE,
    PW_TERM_TIF,
    PW_TERM_PRICE,
    PW_TERM_QTY,
    PW_TERM_VENUE_ORDER_ID,
    PW_TERM_EXECUTED, /* executed_qty_e8 of the report: 0 is none, not that it is not said */
};
struct pw_report_terms {
    uint64_t venue_order_id;
    int64_t price_e8, qty_e8; /* the limit price, and the whole quantity, as ordered */
    char symbol[PW_SYMBOL_BYTES];
    uint8_t side, type, tif; /* PW_ORDER_TYPES, UINT8_MAX: a word that is none of ours */
    uint8_t said;
};

/* What of a report is wrong by itself, whatever was ordered. */
enum pw_report_fault {
    PW_REPORT_SOUND = 0,
    PW_REPORT_OTHER_ORDER, /* it answers a request about this order, and names another one */
    PW_REPORT_STATUS,      /* its status and what else it says cannot both be, */
    PW_REPORT_SHORT,       /* but if more was prevented than it says: filled, and that is not all of it */
};

/* What happened to an order. */
struct pw_report {
    uint64_t client_order_id;
    uint64_t trade_id; /* of a fill: the venue's number of it in the instrument; if has_trade_id */
    int64_t fill_price_e8, fill_qty_e8; /* of a fill, else 0 */
    int64_t executed_qty_e8;            /* filled in all, as the venue counts; 0: it does not say */
    int64_t prevented_qty_e8; /* taken of it in all, as the venue counts, so that it did not trade with
                               * another order of its owner; 0: nothing, or it does not say */
    pw_i128 fee_e16;
    char fee_asset[PW_ASSET_BYTES]; /* zeros behind; empty: the quote currency */
    struct pw_report_terms terms;
    int64_t venue_ns, recv_ns;
    uint8_t exec_type; /* enum pw_exec_type */
    uint8_t reason;    /* enum pw_reason */
    bool maker;
    bool has_trade_id; /* without: every fill counts as a new one */
    uint8_t fault;     /* enum pw_report_fault */
};

struct pw_reports {
    uint32_t cnt;
    uint32_t halt; /* enum pw_reason: not NONE: trading must halt for that reason. Who obeys it clears it */
    struct pw_report rows[PW_REPORTS_MAX];
};

/* An order that has passed every check. */
struct pw_gateway_order {
    uint64_t client_order_id;
    int64_t price_e8, qty_e8;
    int64_t stop_price_e8; /* of the types that have one */
    int64_t recv_ns;       /* of the event that caused it: the time of the order */
    uint16_t instrument_idx;
    uint8_t side, type, tif;
};

/* What sets a gateway apart, for those who run it. */
struct pw_gateway_traits {
    bool connects;      /* its orders leave by an order-entry connection, whose messages it is given */
    bool needs_keys;    /* to sign requests */
    bool needs_journal; /* ids of orders are never used twice, over restarts either */
    bool moves_money;   /* wants the command line's consent beside the config's */
    bool real_time;     /* its venue goes on without us: orders age, and are counted, by the time of the pass;
                         * else by that of the stream, which a replay repeats */
    bool reports_later; /* cancel reports nothing: what came of it, on_message and poll report */
    bool is_authority;  /* its reports are the truth: one that contradicts what is known halts trading */
};

struct pw_orders;
struct pw_signing;
struct pw_venue_entry;
struct pw_venue_errors;

/* What a gateway is made with; a kind ignores what it has no use for. What it points at must outlive it. */
struct pw_gateway_config {
    const struct pw_instrument *instruments;
    uint32_t instrument_cnt;
    int64_t latency_ns;  /* of the simulated venue, >= 0 */
    int64_t fee_rate_e8; /* of its fees: |rate| <= PW_FEE_RATE_MAX_E8 */
    /* With a connection. */
    const bool *trades;                 /* by instrument: orders may be placed in it */
    const struct pw_orders *orders;     /* the caller's table of what it has placed here: only looked at */
    const struct pw_venue_entry *entry; /* the venue's protocol */
    uint32_t instance_hash; /* of this engine's name, in its orders' ids: pw_entry_instance_hash */
    const char *api_key;
    const struct pw_signing *signing;
    uint32_t recv_window_ms; /* the venue refuses requests that are older */
    int64_t ack_timeout_ns;  /* after it the outcome of a request is unknown */
    int64_t cash_e8;         /* that the account must have free when the run begins */
    const char *quote_asset;
    int64_t paused_until_ns;  /* of pw_gateway_metrics, kept from before; 0: none */
    struct pw_producer *wire; /* requests as FRAMEs; the caller publishes */
    struct pw_producer
        *journal;      /* NULL, or copies of all frames, without key and signature; it drops when full */
    uint32_t conn_idx; /* feed_idx of the frames */
    struct pw_venue_errors
        *venue_errors; /* what the venue rejects, and what cannot be read; NULL: nobody asks */
};

/* For those who watch a gateway that connects: a field a metric of group gateway (src/shm/metrics_table.h),
 * counts since init and levels as they are now. */
struct pw_gateway_metrics;

/* Members that a gateway has no use for are NULL, but for bytes, init, place and cancel. */
struct pw_gateway_ops {
    const char *name;
    struct pw_gateway_traits traits;
    size_t (*bytes)(const struct pw_gateway_config *config); /* of state, a multiple of 64 */
    /* state: zeroed, aligned to 64. 0, or -EINVAL if the config is out of range or contradicts itself. */
    int (*init)(void *state, const struct pw_gateway_config *config);
    /* The last of the checks: PW_REASON_NONE, or why this order (`replaces_id` 0) or replacement cannot be
     * sent now. What has passed it, place or replace carries out, if they are called next. */
    enum pw_reason (*check)(void *state, const struct pw_gateway_order *order, uint64_t replaces_id);
    /* Returns until when the venue may still accept it, in our time; 0: it has, or never will. */
    int64_t (*place)(void *state, const struct pw_gateway_order *order, struct pw_reports *out);
    void (*cancel)(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out);
    /* Cancels an order, and places another if and only if that was done. Returns as place does. */
    int64_t (*replace)(void *state, const struct pw_gateway_order *order, uint64_t replaces_id,
                       struct pw_reports *out);
    /* Before any other call that follows place or replace, when the order is on its way: what could wait
     * until then, such as records of it. */
    void (*settle)(void *state);
    /* Every market event and TIME of the stream, in order, before execution uses it. */
    void (*on_market)(void *state, const struct pw_event *event, struct pw_reports *out);
    /* From the order-entry connection: a message, or a notice of its state (a FRAME without bytes). */
    void (*on_message)(void *state, const struct pw_event *frame, const uint8_t *message,
                       struct pw_reports *out);
    /* Once a pass, before all other calls of it: the time; deadlines, and what is to be asked of the venue.
     * Returns how much it did. Left out in a pass that has no room for its reports: then no order is placed
     * either. */
    uint32_t (*poll)(void *state, int64_t now_ns, struct pw_reports *out);
    /* When poll next has work without any input; INT64_MAX: none. */
    int64_t (*next_ns)(const void *state);
    /* The venue's clock less ours, and the most that this may be wrong. False: not known well enough. */
    bool (*clock)(void *state, int64_t *offset_ns, int64_t *error_ns);
    /* The venue takes no requests from this host before: another part of this engine has learnt so. */
    void (*pause)(void *state, int64_t until_ns);
    /* Orders that may still report: execution keeps room for all of them. */
    uint32_t (*open_cnt)(const void *state);
    void (*counts)(const void *state, struct pw_gateway_metrics *counts);
};

#endif
