/* SPDX-License-Identifier: MIT
 *
 * What Binance's WebSocket API says: responses to requests, and the events of the account, from the bytes of
 * one message to one struct. What that means is binance_entry.c's.
 *
 * Keys are case-sensitive, unknown ones are skipped, optional ones may be missing. What is used must be what
 * it should be; what is not (an order of somebody else, a limit of a kind that is not known) may be anything.
 * Texts are slices of the caller's buffer and live as long as it.
 */
#ifndef PW_BINANCE_RESPONSES_H
#define PW_BINANCE_RESPONSES_H

#include "binance_decode.h"
#include "binance_orders.h"

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
    PW_BINANCE_EXEC_UNKNOWN = 0, /* a word that is not known here: the status says what it came to */
    PW_BINANCE_EXEC_NEW,
    PW_BINANCE_EXEC_CANCELED,
    PW_BINANCE_EXEC_REPLACED,
    PW_BINANCE_EXEC_REJECTED,
    PW_BINANCE_EXEC_TRADE,
    PW_BINANCE_EXEC_EXPIRED,
    PW_BINANCE_EXEC_TRADE_PREVENTION,
};

/* One order of a response. An acknowledgement has the ids and the time alone: status NONE, as is one that is
 * not known here. */
struct pw_binance_order {
    struct pw_entry_fault fault; /* only of one that is_ours: then the rest may be wrong */
    struct pw_report_terms terms;
    struct pw_json_text client_id; /* the order's, also in a cancellation's response */
    struct pw_json_text cancel_id; /* the cancellation's; empty: none */
    uint64_t client_order_id;      /* if is_ours: binance_orders.h made client_id, */
    uint32_t instance_hash;        /* for that instance */
    enum pw_binance_status status;
    bool is_ours;
    uint8_t report_fault; /* enum pw_report_fault */
    int64_t executed_qty_e8, prevented_qty_e8;
    int64_t venue_ns, update_ns;       /* 0: not said */
    struct pw_json_text expiry_reason; /* empty: not said */
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

struct pw_binance_execution {
    struct pw_entry_fault fault; /* as in pw_binance_order */
    struct pw_report_terms terms;
    struct pw_json_text client_id, cancel_id; /* as in pw_binance_order, and so the next two */
    uint64_t client_order_id;
    uint32_t instance_hash;
    enum pw_binance_execution_type type;
    enum pw_binance_status status;
    bool is_ours, is_maker, has_trade_id;
    uint8_t report_fault;              /* enum pw_report_fault */
    struct pw_json_text reject_reason; /* empty: not said, as is the next */
    struct pw_json_text expiry_reason;
    int64_t last_price_e8, last_qty_e8, executed_qty_e8;
    int64_t prevented_qty_e8;       /* in all */
    pw_i128 fee_e16;                /* of a trade, in fee_asset; negative: a rebate */
    char fee_asset[PW_ASSET_BYTES]; /* zeros behind; empty: none */
    uint64_t trade_id;
    int64_t trade_ns; /* when the venue's engine did it; 0: not said */
};

/* One trade of a response to FILLS. */
struct pw_binance_own_trade {
    struct pw_entry_fault fault; /* then only venue_order_id can be used; 0: nor that */
    char symbol[PW_SYMBOL_BYTES];
    enum pw_side side;
    uint8_t said; /* as in struct pw_report_terms */
    uint64_t trade_id, venue_order_id;
    int64_t price_e8, qty_e8;
    pw_i128 fee_e16;                /* as in pw_binance_execution */
    char fee_asset[PW_ASSET_BYTES]; /* zeros behind; empty: none */
    int64_t trade_ns;
    bool is_maker;
};

struct pw_binance_balance {
    struct pw_entry_fault fault;
    struct pw_json_text asset;
    int64_t free_e8; /* pw_object_floor_e8 */
};

/* One message, but for what needs no translation: that stands in the caller's `message` at once. */
struct pw_binance_response {
    struct pw_entry_message *message;
    enum pw_binance_id_kind id_kind;
    struct pw_json_text id;
    uint32_t http_status; /* 0: an event */
    struct pw_binance_error error;
    int64_t retry_after_ns; /* when requests may go on; 0: not said, or not to be read */
    union {
        struct pw_binance_order order;
        struct pw_binance_replace replace;
        struct pw_binance_execution execution;
    } body;
};

/* Judges one whole message. OK: an event; CONTROL: a response with a result; ERROR_REPLY: one with an error
 * (it is filled), or whose status alone is one; SHUTDOWN; IGNORED: what no session needs; else it cannot be
 * read, and of `message` holds what entry.h says. */
enum pw_decode pw_binance_read_response(const struct pw_symbols *symbols, const char *data, size_t size,
                                        struct pw_entry_message *message,
                                        struct pw_binance_response *response);

/* Does that status say all by itself, whatever stands beside it? */
bool pw_binance_status_is_enough(uint32_t http_status);

/* Go through a list, past what is no row of it. Start with a zeroed cursor; false: no more. */
bool pw_binance_order_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *orders,
                           struct pw_binance_order *order);
bool pw_binance_own_trade_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *trades,
                               struct pw_binance_own_trade *trade);
bool pw_binance_balance_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *balances,
                             struct pw_binance_balance *balance);

#endif
