/* SPDX-License-Identifier: MIT
 *
 * What Binance's WebSocket API tells: replies to requests, and the events of the user data stream, from the
 * bytes of one message to one struct; what its error codes mean; and what all of that is to an order.
 *
 * Keys are told apart by case, unknown ones are skipped, optional ones may be missing. Texts are slices of
 * the caller's buffer and live as long as it.
 */
#ifndef PW_BINANCE_ANSWERS_H
#define PW_BINANCE_ANSWERS_H

#include "binance_decode.h"
#include "binance_orders.h"
#include <pinwheel/gateway.h>

enum pw_binance_told_kind {
    PW_BINANCE_TOLD_NOTHING = 0, /* an event of a type that is not known here */
    PW_BINANCE_TOLD_DONE,        /* a result that says no more than that */
    PW_BINANCE_TOLD_ERROR,
    PW_BINANCE_TOLD_ORDER,   /* placed, canceled, or its status */
    PW_BINANCE_TOLD_REPLACE, /* of cancelReplace, whatever came of its halves; error says the rest */
    PW_BINANCE_TOLD_ORDERS,
    PW_BINANCE_TOLD_TRADES, /* of one order: the answer to a TRADES of ours */
    PW_BINANCE_TOLD_SESSION,
    PW_BINANCE_TOLD_SUBSCRIBED,
    PW_BINANCE_TOLD_ACCOUNT,
    PW_BINANCE_TOLD_TIME,
    /* Events. */
    PW_BINANCE_TOLD_EXECUTION,
    PW_BINANCE_TOLD_BALANCES,      /* of the assets that changed */
    PW_BINANCE_TOLD_BALANCE_DELTA, /* deposits and withdrawals */
    PW_BINANCE_TOLD_LOCK_DELTA,
    PW_BINANCE_TOLD_ORDER_LIST,
    PW_BINANCE_TOLD_STREAM_ENDED, /* subscribe again; reports may be lost */
    PW_BINANCE_TOLD_SHUTDOWN,
};

enum pw_binance_status {
    PW_BINANCE_STATUS_NONE = 0,
    PW_BINANCE_STATUS_NEW,
    PW_BINANCE_STATUS_PENDING_NEW,
    PW_BINANCE_STATUS_PARTIALLY_FILLED,
    PW_BINANCE_STATUS_FILLED,
    PW_BINANCE_STATUS_CANCELED,
    PW_BINANCE_STATUS_PENDING_CANCEL,
    PW_BINANCE_STATUS_REJECTED,
    PW_BINANCE_STATUS_EXPIRED,
    PW_BINANCE_STATUS_EXPIRED_IN_MATCH,
};

enum pw_binance_execution_type {
    PW_BINANCE_EXEC_NEW = 1,
    PW_BINANCE_EXEC_CANCELED,
    PW_BINANCE_EXEC_REPLACED,
    PW_BINANCE_EXEC_REJECTED,
    PW_BINANCE_EXEC_TRADE,
    PW_BINANCE_EXEC_EXPIRED,
    PW_BINANCE_EXEC_TRADE_PREVENTION,
};

/* One order, as a reply has it. An acknowledgement has the ids and the time alone: status NONE. */
struct pw_binance_order {
    char symbol[PW_SYMBOL_BYTES];
    struct pw_json_text client_id; /* the order's, also in a cancellation's reply */
    struct pw_json_text cancel_id; /* the cancellation's; empty: none */
    uint64_t client_order_id;      /* if is_ours: binance_orders.h made client_id, */
    uint32_t instance_hash;        /* for that instance */
    uint64_t venue_order_id;
    enum pw_binance_status status;
    enum pw_side side;
    bool is_ours;
    int64_t price_e8, qty_e8, executed_qty_e8;
    int64_t quote_e8;                        /* -1: not available */
    int64_t venue_ns, created_ns, update_ns; /* 0: not said */
};

struct pw_binance_error {
    int64_t code; /* 0: none */
    struct pw_json_text text;
};

/* How one half of a cancelReplace ended. */
enum pw_binance_half {
    PW_BINANCE_HALF_UNKNOWN = 0,
    PW_BINANCE_HALF_DONE,
    PW_BINANCE_HALF_FAILED,
    PW_BINANCE_HALF_NOT_ATTEMPTED
};

struct pw_binance_replace {
    enum pw_binance_half cancel, place;
    struct pw_binance_order canceled, placed;          /* where done */
    struct pw_binance_error cancel_error, place_error; /* where failed */
};

struct pw_binance_session {
    bool is_logged_on, has_user_stream;
    int64_t venue_ns;
};

struct pw_binance_execution {
    char symbol[PW_SYMBOL_BYTES];
    struct pw_json_text client_id, cancel_id; /* as in pw_binance_order, and so the next two */
    uint64_t client_order_id;
    uint32_t instance_hash;
    uint64_t venue_order_id;
    enum pw_binance_execution_type type;
    enum pw_binance_status status;
    enum pw_side side;
    bool is_ours, is_maker, is_on_book, has_trade_id;
    struct pw_json_text order_type, tif, reject_reason, expiry_reason; /* empty: not said */
    int64_t price_e8, qty_e8, stop_price_e8;
    int64_t last_price_e8, last_qty_e8, executed_qty_e8, quote_e8;
    int64_t prevented_qty_e8;
    uint64_t prevented_match_id; /* 0: not said */
    int64_t fee_e8;              /* in fee_asset; negative: a rebate */
    char fee_asset[16];          /* zeros behind; empty: none */
    uint64_t trade_id;
    int64_t trade_ns; /* when the venue's engine did it */
};

/* One trade, as TRADES has it. */
struct pw_binance_own_trade {
    uint64_t trade_id, venue_order_id;
    int64_t price_e8, qty_e8;
    int64_t fee_e8;     /* as in pw_binance_execution */
    char fee_asset[16]; /* zeros behind; empty: none */
    int64_t trade_ns;
    bool is_maker;
};

struct pw_binance_delta {
    struct pw_json_text asset;
    int64_t delta_e8;
    int64_t trade_ns;
};

struct pw_binance_balance {
    struct pw_json_text asset;
    int64_t free_e8, locked_e8;
};

enum pw_binance_limit_type {
    PW_BINANCE_LIMIT_OTHER = 0,
    PW_BINANCE_LIMIT_WEIGHT,
    PW_BINANCE_LIMIT_ORDERS,
    PW_BINANCE_LIMIT_REQUESTS
};

struct pw_binance_limit {
    enum pw_binance_limit_type type;
    uint32_t interval_s;
    uint32_t limit, count;
};
#define PW_BINANCE_LIMITS_MAX 8u

struct pw_binance_told {
    enum pw_binance_told_kind kind;
    /* Replies: whose. */
    enum pw_binance_id_kind id_kind;
    struct pw_json_text id;
    bool is_ours; /* the id is one that binance_orders.h made: */
    enum pw_binance_method method;
    uint64_t number;
    uint32_t http_status;
    struct pw_binance_error error;
    int64_t retry_after_ns; /* when requests may go on; 0: not said */
    int64_t server_ns;      /* with it, and in TIME; 0: not said */
    uint32_t limit_cnt;
    struct pw_binance_limit limits[PW_BINANCE_LIMITS_MAX];
    /* Events. */
    int64_t subscription_id; /* -1: not said */
    int64_t event_ns;
    union {
        struct pw_binance_order order;
        struct pw_binance_replace replace;
        struct pw_binance_session session;
        struct pw_binance_execution execution;
        struct pw_binance_delta delta;
        struct {
            struct pw_binance_list
                list; /* ORDERS, TRADES, ACCOUNT, BALANCES, ORDER_LIST: to be gone through below */
            int64_t update_ns;
        } many;
    } body;
};

/* Judges one whole message. OK: an event; CONTROL: a reply with a result; ERROR_REPLY: one with an error
 * (told is filled); SHUTDOWN; IGNORED: an event of an unknown type; else nothing in told may be used. */
enum pw_decode pw_binance_told(const char *data, size_t size, struct pw_binance_told *told);

/* Go through a list. Start with a zeroed cursor; false: no more. */
bool pw_binance_order_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *orders,
                           struct pw_binance_order *order);
bool pw_binance_own_trade_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *trades,
                               struct pw_binance_own_trade *trade);
bool pw_binance_balance_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *balances,
                             struct pw_binance_balance *balance);

/* ---- what it means ---- */

enum pw_binance_meaning {
    PW_BINANCE_MEANS_REFUSED = 0,    /* not done, and would not be if asked again */
    PW_BINANCE_MEANS_UNKNOWN,        /* may have been done: ask */
    PW_BINANCE_MEANS_LIMITED,        /* not done: too much, wait */
    PW_BINANCE_MEANS_BUSY,           /* not done: back off a little */
    PW_BINANCE_MEANS_CLOCK,          /* not done: our clock or theirs, estimate it anew */
    PW_BINANCE_MEANS_FATAL,          /* not done: key or signature; stop trading */
    PW_BINANCE_MEANS_CANCEL_UNKNOWN, /* no such open order to cancel: wait for its reports, or ask */
    PW_BINANCE_MEANS_NOT_FOUND,      /* no such order (yet) */
    PW_BINANCE_MEANS_HALVES,         /* cancelReplace: each half says its own */
};

struct pw_binance_verdict {
    enum pw_binance_meaning meaning;
    enum pw_reason reason;
};

/* Of an error with its HTTP status (0: there is none). The status goes first where it says that the outcome
 * is unknown (5xx) or that we are limited (429, 418). A code that is not known here is refused by the venue
 * if it came as 4xx, else unknown. */
struct pw_binance_verdict pw_binance_judge(uint32_t http_status, const struct pw_binance_error *error);

/* Of a REFUSED cancellation: is that for good? The venue names one such refusal; any other says only that
 * this request was not carried out, and leaves an order that is open. */
bool pw_binance_cancel_is_barred(const struct pw_binance_error *error);

/* The venue's session is gone: it misses the key of a request that had none, being of a logged-on session. */
bool pw_binance_session_is_lost(const struct pw_binance_error *error);

/* When a ban ends, as the text of an error has it ("IP banned until 1659146400000"): where no retry time was
 * told beside it. 0: the text does not say. */
int64_t pw_binance_ban_end_ns(const struct pw_binance_error *error);

/* The exec type of an order that a verdict on a request about it is; false: none. Of CANCEL_REPLACE: to the
 * order that was to be canceled if `canceled`, else to the new one. */
bool pw_binance_verdict_exec_type(enum pw_binance_method method, enum pw_binance_meaning meaning,
                                  bool canceled, enum pw_exec_type *exec_type);

/* The report that an execution is. Of which instance, the caller has judged. False: not an order of ours, or
 * nothing that an order's state knows (a partial self-trade prevention: ask for the order). */
bool pw_binance_execution_report(const struct pw_binance_execution *execution, int64_t recv_ns,
                                 struct pw_report *report);

/* The report that an order in a reply is: to PLACE, CANCEL, ORDER_STATUS, or in a list of those that are
 * open. False: not ours, or it says nothing. */
bool pw_binance_order_report(const struct pw_binance_order *order, enum pw_binance_method method,
                             int64_t recv_ns, struct pw_report *report);

/* The fill of that order that a trade is. */
void pw_binance_trade_report(const struct pw_binance_own_trade *trade, uint64_t client_order_id,
                             int64_t recv_ns, struct pw_report *report);

/* The two reports that a REPLACE is: to the order that was to be canceled and to the new one. */
void pw_binance_replace_reports(const struct pw_binance_replace *replace, uint64_t canceled_id,
                                uint64_t placed_id, int64_t recv_ns, struct pw_report reports[2]);

#endif
