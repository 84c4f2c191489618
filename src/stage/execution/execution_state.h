/* SPDX-License-Identifier: MIT
 *
 * What the parts of the execution stage share: its state, its counters, and its reckoning of room. The stage
 * itself is execution.c; start.c makes its state, gateways.c the accounts' gateways, orders.c takes
 * intents and reports, stamps.c puts an order's path together, shows.c shows all that to the outside.
 */
#ifndef PW_EXECUTION_STATE_H
#define PW_EXECUTION_STATE_H

#include "accounts_config.h"
#include "execution.h"
#include "flow.h"
#include "orders.h"
#include "portfolio.h"
#include "risk.h"
#include "rules.h"
#include "session.h"
#include "venue_errors.h"
#include <pinwheel/entry.h>
#include <pinwheel/histogram.h>
#include <pinwheel/hops.h>
#include <pinwheel/stamps.h>

#define COMMAND_RESERVE 4u /* slots of the journal's ring that only commands may take */

struct touch {
    int64_t bid_e8, ask_e8; /* 0: none, or the feed is not up */
    struct pw_reference reference;
};

/* The path of one order, as far as it is known; absolute times, 0: not known. */
struct order_path {
    uint64_t client_order_id;
    uint16_t instrument_idx;
    int64_t at_ns[PW_HOP_CNT];
};

/* An order that is on its way, of which strategy and journal have not been told yet: that is done when it has
 * left, at the beginning of the next poll. */
struct untold_order {
    struct pw_order_row *row;      /* NULL: there is none */
    const struct pw_event *intent; /* in the ring, which it is not given back to before */
    struct pw_risk_input risk;     /* what risk saw */
    struct order_path path;
    int64_t now_ns; /* of the poll that placed it */
};

/* Order entry of one line: the rings to its net_tx and from its net_rx. */
struct order_line {
    struct pw_producer wire;
    struct pw_consumer messages;
    uint64_t taken;     /* messages of this poll, to be given back when what they caused is published */
    uint64_t wiped_pos; /* of wire's payload: what lies before it is wiped */
};

/* Who trades: a gateway, and what is the account's own: cash, holdings, limits. */
struct execution_account {
    const struct pw_gateway_ops *gateway;
    void *gateway_state;
    bool on_time; /* the gateway knows the time of this pass */
    uint8_t idx;
    uint32_t halted;   /* enum pw_reason; 0: not. By a fault of its own, or with all */
    uint32_t fault;    /* enum pw_reason of a halt that is to be journalled yet; 0: none */
    uint32_t conn_idx; /* of its order entry; PW_NO_CONN: it has none */
    uint32_t host_idx; /* of that connection: whose bans it is under */
    uint32_t line_idx; /* of that connection, among those with order entry */
    struct pw_portfolio *portfolio;
    struct pw_risk_limits limits[PW_UNITS]; /* by unit_shift of the instrument, from its least */
    struct pw_risk_bucket bucket;
    struct pw_account shown; /* its counts are kept there */
    struct pw_account_view *view;
    struct pw_metric_row *gateway_metric_rows;
    uint32_t rejections;     /* by the venue, in a row */
    uint32_t max_rejections; /* 0: as many as come */
    int64_t rejection_pause_ns;
    int64_t rejections_until_ns;          /* too many: no orders before; 0: not so */
    struct pw_venue_errors *venue_errors; /* NULL: nobody asks */
    struct pw_signing signing;            /* of the account's key */
    bool trades[PW_INSTRUMENTS_MAX];      /* by instrument: a strategy may order it */
    char quote_asset[PW_ASSET_BYTES];
};

struct execution {
    pw_i128 dust_e16[PW_INSTRUMENTS_MAX]; /* of fees in the base asset, by instrument: fills.h */
    struct pw_consumer in, commands;
    struct pw_producer reports_out, journal, frames_copy;
    bool has_journal, has_frames_copy;
    bool trades_unrecorded; /* new orders are taken even while the journal stores nothing */
    bool skips;             /* the decision under way is counted, not recorded: has_room said so */
    bool records;           /* there is a journal, and it is not skipped */
    uint32_t line_cnt;      /* lines that have order entry */
    struct order_line lines[PW_LINES_MAX];
    bool has_market_gateway; /* some gateway wants the market's events */
    bool reports_cancel;     /* some gateway reports a cancellation at once */
    bool stopped;            /* STOP was taken: halted for good */
    bool draining;           /* a clean stop has begun */
    uint32_t halted;         /* all accounts, by a command: enum pw_reason; 0: not */
    bool faulted;            /* some account has a fault */
    uint32_t seq;            /* of the next event made here */
    uint32_t open_max;
    uint32_t stream_events; /* flow.h */
    uint64_t market_cnt;    /* market events up to the last one known of: its number and one */
    int64_t last_ns;        /* of the last event of the stream */
    uint32_t instrument_cnt, account_cnt;
    uint8_t account_of[PW_INSTRUMENTS_MAX]; /* PW_NO_ACCOUNT: it is not traded */
    struct pw_orders *orders;               /* of all accounts */
    struct touch *quotes;                   /* by instrument */
    struct pw_instrument *instruments;      /* with the rules of now; also the gateways' */
    const struct pw_stop *stop;
    bool feed_up[PW_FEEDS_MAX];
    struct pw_state feed_states[PW_FEEDS_MAX]; /* as told last: how late the feed's data comes */
    bool market_closed[PW_INSTRUMENTS_MAX]; /* the venue said so of an order; until its rules are known anew,
                                             * or a command resumes */
    bool changed;                           /* anything that the accounts show */
    struct pw_position_view *position_views;
    struct pw_clock clock; /* for stamps alone */
    const struct pw_stamp_row *market_stamps, *order_stamps;
    struct untold_order untold;
    uint32_t path_cnt;
    struct order_path paths[PW_OPEN_ORDERS_MAX]; /* of orders that have not been answered */
    struct pw_histogram *hop, *tick_to_order, *tick_to_fill, *path[PW_HOP_SPANS];
    struct pw_execution_metrics metrics;
    struct pw_metric_row *metric_rows;
    struct pw_reports reports; /* of the call to a gateway under way */
    struct execution_account accounts[];
};

/* Who trades that instrument; NULL: nobody. */
static inline struct execution_account *account_of(struct execution *x, uint16_t instrument_idx)
{
    uint32_t idx = instrument_idx < x->instrument_cnt ? x->account_of[instrument_idx] : PW_NO_ACCOUNT;
    return idx < x->account_cnt ? &x->accounts[idx] : NULL;
}

/* ---- room ---- */

/* What the open orders may still put into a ring at one event. */
static inline uint32_t open_events(const struct execution *x)
{
    return x->orders->open_cnt * PW_FLOW_OPEN_EVENTS;
}

/* To the journal alone: what risk saw, and the path of an order. */
#define RISK_EVENTS  3u
#define STAMP_EVENTS 1u

static inline bool reports_have(struct execution *x, uint64_t events)
{
    return pw_producer_room(&x->reports_out, events) >= events;
}

static inline bool journal_has(struct execution *x, uint64_t events)
{
    return !x->has_journal || pw_producer_room(&x->journal, events) >= events;
}

/* Does the journal store nothing now? Its ring is then kept for what open orders report. */
static inline bool journal_is_stopped(const struct execution *x)
{
    /* Relaxed: one word, which orders nothing else; the next order sees it at the latest. */
    return atomic_load_explicit(&x->stop->unrecorded, memory_order_relaxed) != 0;
}

/* The same for what a decision puts there. While the journal is stopped a lack of room must not stop the
 * engine, cancellations above all: what finds none is counted as dropped. */
static inline bool journal_has_or_skips(struct execution *x, uint64_t events)
{
    if (journal_has(x, events)) {
        return true;
    }
    x->skips = journal_is_stopped(x);
    x->records = x->has_journal && !x->skips;
    return x->skips;
}

/* The decision has been taken. */
static inline void journal_skips_no_more(struct execution *x)
{
    if (x->skips) {
        x->skips = false;
        x->records = true;
    }
}

/* Beyond it the journal's ring is kept for fills, cancellations and commands. */
static inline uint64_t journal_reserve(const struct execution *x)
{
    return open_events(x) + x->path_cnt * STAMP_EVENTS + COMMAND_RESERVE;
}

/* ---- start.c ---- */

size_t pw_execution_state_bytes(const struct pw_stage_env *env);
int pw_execution_init(void *state, const struct pw_stage_env *env);

/* ---- gateways.c ---- */

/* Whose the instruments are: by their feeds. What the engine cannot account for (money.h) is nobody's. */
void pw_execution_find_accounts(const struct pw_stage_env *env, uint8_t account_of[PW_INSTRUMENTS_MAX]);

/* 0; -EINVAL, logged: a strategy names an instrument that the engine cannot account for. */
int pw_execution_check_kinds(const struct pw_stage_env *env);

/* The gateway of an account: bytes of its state, a multiple of 64; and its init, 0 or -errno, having logged
 * why. */
size_t pw_execution_gateway_bytes(const struct pw_stage_env *env, uint32_t account_idx);
int pw_execution_gateway_init(struct execution *x, const struct pw_stage_env *env,
                              struct execution_account *account, void *memory);

/* ---- orders.c ---- */

/* To the journal alone. */
void pw_execution_journal(struct execution *x, const struct pw_event *event);

/* An intent: journalled, checked, and denied or given to the gateway. Room has been made sure of. Place takes
 * replacements too. With a wire, journal and strategy are told of a placed order by pw_execution_tell_order.
 */
void pw_execution_place(struct execution *x, const struct pw_event *event, int64_t now_ns);
void pw_execution_cancel(struct execution *x, const struct pw_event *event, int64_t now_ns);

/* Tells of the order that was placed last, if that is owed: before anything else is taken. */
void pw_execution_tell_order(struct execution *x);

/* Asks the gateway to cancel an open order, at the stream's time: a replay, which knows only where in the
 * stream a command was taken, repeats it. A visitor of pw_orders_each_open. */
void pw_execution_cancel_open(void *state, const struct pw_order_row *row);

/* What the account's gateway has put into x->reports; account NULL: what several have. */
void pw_execution_take_reports(struct execution *x, struct execution_account *account, int64_t now_ns);

/* ---- stamps.c ---- */

/* Finds tables and histograms. 0 or -errno. */
int pw_execution_find_stamps(struct execution *x, const struct pw_stage_env *env);

/* The event that tells an order's way, and the histograms' share of it. */
void pw_execution_tell_path(struct execution *x, const struct order_path *path);

/* The market's part of the path of an order that came of that event: now, before the table comes round. */
void pw_execution_note_market(const struct execution *x, uint64_t market_seq, struct order_path *path);

/* Keeps the path of an order that is on the wire until its first answer; and tells it then. */
void pw_execution_keep_path(struct execution *x, const struct order_path *path);
void pw_execution_answered(struct execution *x, uint64_t client_order_id, int64_t acked_ns);

/* ---- shows.c ---- */

void pw_execution_count_denied(struct execution *x, struct execution_account *account, enum pw_reason reason);
void pw_execution_housekeep(void *state, int64_t now_ns);

#endif
