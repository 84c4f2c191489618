/* SPDX-License-Identifier: MIT
 *
 * A venue's order entry: how requests are written, and what comes back, as one table of functions. The
 * session of src/gateway asks, waits, doubts and counts; what the venue's words are is known here alone. No
 * sockets, no clock, no keys, no allocation; all functions are pure.
 *
 * A request is prepared once, cold: everything that does not change is written then. To send it is to write
 * its text with the values filled in; where no login replaces it, `payload` gives the bytes to sign, and
 * put_signature puts the signature in. A prepared request begins with struct pw_entry_request; what follows,
 * up to request_bytes, is the codec's own.
 *
 * A request about one order (PLACE to CANCEL) is numbered by that order's client_order_id, any other by a
 * number of its own: the response brings kind and number back.
 *
 * Times are nanoseconds by the venue's clock, unless a name says otherwise. A venue whose ids of orders are
 * texts makes 64 bits of them.
 */
#ifndef PINWHEEL_ENTRY_H
#define PINWHEEL_ENTRY_H

#include <pinwheel/gateway.h>
#include <pinwheel/venue.h>

/* What can be asked. */
enum pw_entry_kind {
    PW_ENTRY_PLACE = 0,
    PW_ENTRY_TEST,    /* an order that the venue judges, and does not place */
    PW_ENTRY_REPLACE, /* no new order unless the old one was canceled */
    PW_ENTRY_CANCEL,
    PW_ENTRY_QUERY,       /* the state of one order */
    PW_ENTRY_FILLS,       /* of one order, from a trade's number on */
    PW_ENTRY_OPEN_ORDERS, /* all of the account */
    PW_ENTRY_ACCOUNT,     /* its balances */
    PW_ENTRY_TIME,        /* the venue's clock */
    PW_ENTRY_LOGIN,
    PW_ENTRY_SUBSCRIBE, /* to the account's events */
};
#define PW_ENTRY_KINDS 11u

static inline bool pw_entry_is_new_order(unsigned kind)
{
    return kind <= PW_ENTRY_REPLACE;
}

static inline bool pw_entry_names_order(unsigned kind)
{
    return kind <= PW_ENTRY_CANCEL;
}

/* ---- requests ---- */

/* What a venue limits in each of its windows. */
enum pw_budget_kind {
    PW_BUDGET_WEIGHT = 0, /* what requests weigh */
    PW_BUDGET_ORDERS,     /* new orders; the count falls when they are filled */
    PW_BUDGET_REQUESTS,   /* requests of any weight */
};
#define PW_BUDGET_KINDS 3u

/* What one request takes, by kind: for a new order of weight 1, {1, 1, 1}. */
struct pw_budget_cost {
    uint32_t of[PW_BUDGET_KINDS];
};

struct pw_entry_span {
    uint16_t at, bytes; /* bytes 0: there is none */
};

/* What a prepared request begins with. */
struct pw_entry_request {
    uint32_t bytes; /* of its text */
    uint8_t kind;   /* enum pw_entry_kind */
    bool is_signed;
    struct pw_entry_span api_key, signature; /* their places in the text: no copy is kept */
    struct pw_budget_cost cost;
};

/* How requests are signed. sign returns the bytes written to `signature`, or 0 if it failed. */
struct pw_signing {
    size_t (*sign)(void *state, const char *payload, size_t bytes, char *signature);
    void *state;
    uint32_t signature_bytes; /* 88: Ed25519; 64: HMAC-SHA256 */
    bool is_ed25519;
};
#define PW_ENTRY_SIGNATURE_BYTES_MAX 88u

/* What a request is prepared for. */
struct pw_entry_spec {
    enum pw_entry_kind kind;
    uint32_t form;      /* of new orders: from `forms`, less 1 */
    const char *symbol; /* of the kinds that name an instrument; NULL: of all */
    int64_t tick_e8, step_e8;
    int unit_shift;           /* of them, and of prices and quantities of the values: units.h */
    uint32_t instance_hash;   /* in the ids of orders */
    const char *api_key;      /* NULL: a login replaces it */
    uint32_t signature_bytes; /* with api_key */
    uint32_t window_ms;       /* the venue refuses the request when it is older */
};

/* What is filled in; what a kind does not take is ignored. */
struct pw_entry_values {
    uint64_t number;         /* of a request that is not numbered by its order */
    uint64_t order_id;       /* client_order_id of the order that it is about; of a replacement the new one */
    uint64_t replaces_id;    /* of REPLACE: the old one */
    uint64_t venue_order_id; /* of FILLS */
    uint64_t from_trade_id;  /* of FILLS: the first ones that have this number or a higher one */
    int64_t price_e8, qty_e8, stop_price_e8;
    int64_t timestamp_ns; /* the venue's time, as estimated */
    enum pw_side side;
};

/* What an order's id at the venue is made of. */
struct pw_entry_client_id {
    uint64_t client_order_id;
    uint32_t instance_hash;
    bool is_cancel; /* it names the order's cancellation */
};
#define PW_ENTRY_CLIENT_ID_BYTES_MAX 40u /* with the zero byte */

/* ---- what the venue says ---- */

enum pw_entry_message_kind {
    PW_ENTRY_SAYS_NOTHING = 0, /* an event that no session needs */
    PW_ENTRY_SAYS_DONE,        /* carried out, and no more than that */
    PW_ENTRY_SAYS_ERROR,
    PW_ENTRY_SAYS_ORDER,   /* placed, canceled, or the state of one */
    PW_ENTRY_SAYS_REPLACE, /* each half by itself: `order` is the new one, `replaced` the old one */
    PW_ENTRY_SAYS_ORDERS,  /* open ones */
    PW_ENTRY_SAYS_FILLS,
    PW_ENTRY_SAYS_LOGGED_IN,
    PW_ENTRY_SAYS_SUBSCRIBED,
    PW_ENTRY_SAYS_ACCOUNT,
    PW_ENTRY_SAYS_TIME,
    /* Events of the account. */
    PW_ENTRY_SAYS_EXECUTION,
    PW_ENTRY_SAYS_STREAM_ENDED, /* events may be lost: subscribe again */
    PW_ENTRY_SAYS_SHUTDOWN,     /* the venue is about to close the connection */
};

/* What an error means. */
enum pw_entry_error {
    PW_ENTRY_REJECTED = 0,       /* not done, and would not be if asked again */
    PW_ENTRY_UNKNOWN,            /* may have been done: ask */
    PW_ENTRY_RATE_LIMITED,       /* not done: too much, wait */
    PW_ENTRY_OVERLOADED,         /* not done: back off a little */
    PW_ENTRY_TIMESTAMP_REJECTED, /* not done: our clock or theirs, estimate it anew */
    PW_ENTRY_AUTH_REJECTED,      /* not done: key or signature; stop trading */
    PW_ENTRY_CANCEL_UNKNOWN,     /* no such open order to cancel: wait for its reports, or ask */
    PW_ENTRY_NOT_FOUND,          /* no such order (yet) */
    PW_ENTRY_PARTIAL,            /* of a replacement: one half failed, each says its own */
};
#define PW_ENTRY_ERRORS 9u

/* Why something cannot be read, and which field of it. */
#define PW_ENTRY_FIELD_BYTES 24u
struct pw_entry_fault {
    int8_t decode;                    /* enum pw_decode; 0: it can be read */
    char field[PW_ENTRY_FIELD_BYTES]; /* empty: all of it */
};

/* One order, as the venue reports it. With a fault only whose it is can be used. */
struct pw_entry_order {
    struct pw_entry_fault fault;
    struct pw_report report; /* if has_report; recv_ns is the caller's to set */
    uint64_t venue_order_id;
    uint32_t instance_hash; /* whose it is */
    bool is_ours;           /* its id is one that pinwheel makes */
    bool has_report;        /* false: nothing that an order's state knows */
    bool is_open;           /* it is in the book */
    char symbol[PW_SYMBOL_BYTES];
};

struct pw_entry_failure {
    int64_t code;         /* the venue's own; 0: not said */
    const char *text;     /* the venue's words: a slice of the message, of any bytes */
    uint32_t text_bytes;  /* 0: none */
    uint32_t http_status; /* 0: not said */
    uint8_t error;        /* enum pw_entry_error */
    uint8_t reason;       /* enum pw_reason */
    bool is_final; /* of a refused cancellation: it never will be carried out. Else the order stays open */
    bool session_lost; /* the venue no longer knows the login */
};

/* Until when the venue takes no requests. */
enum pw_entry_pause_scope { PW_ENTRY_PAUSE_NONE = 0, PW_ENTRY_PAUSE_ORDERS, PW_ENTRY_PAUSE_ALL };
struct pw_entry_pause {
    uint8_t scope;
    int64_t for_ns;   /* from now on; 0: not said */
    int64_t until_ns; /* 0: not said */
    int64_t least_ns; /* where neither is said: so long from now on */
};

struct pw_entry_limit {
    uint8_t kind; /* enum pw_budget_kind */
    int64_t interval_ns;
    uint32_t limit, used;
};
#define PW_ENTRY_LIMITS_MAX 8u

struct pw_entry_list {
    const char *text;
    size_t bytes;
    const struct pw_symbols *symbols; /* as decode was given */
};

/* Where a list has been gone through to. Zeroed at the start. */
struct pw_entry_cursor {
    uint64_t opaque[6];
};

struct pw_entry_message {
    uint8_t kind;     /* enum pw_entry_message_kind */
    bool is_response; /* else an event */
    /* Responses. */
    bool is_ours;    /* its id is one that this codec makes: */
    uint8_t request; /* enum pw_entry_kind */
    bool has_failed; /* with `failure`: also of REPLACE, whose two parts say more */
    uint64_t number;
    struct pw_entry_failure failure;
    struct pw_entry_pause pause;
    int64_t server_ns; /* the venue's time when it answered; 0: not said */
    uint32_t limit_cnt;
    struct pw_entry_limit limits[PW_ENTRY_LIMITS_MAX];
    /* By kind. */
    struct pw_entry_order order, replaced;
    struct pw_entry_list list; /* ORDERS, FILLS, ACCOUNT: slices of the message */
    struct pw_entry_fault fault;
};

struct pw_entry_fill {
    struct pw_entry_fault fault; /* then only venue_order_id can be used */
    struct pw_report report;     /* client_order_id and recv_ns are the caller's to set */
    uint64_t venue_order_id;
};

struct pw_entry_balance {
    char asset[PW_ASSET_BYTES];  /* zeros behind; empty: too long to be one of ours */
    int64_t free_e8;             /* rounded down; at most INT64_MAX, however much it is */
    struct pw_entry_fault fault; /* then free_e8 is 0 */
};

/* ---- the table ---- */

/* What is known of a limit before the venue has said more; reserve: what only cancellations may use. */
struct pw_entry_window {
    uint8_t kind; /* enum pw_budget_kind */
    int64_t interval_ns;
    uint32_t limit, reserve;
};

#define PW_ENTRY_TIFS 3u

struct pw_venue_entry {
    uint32_t request_bytes; /* of a prepared request: a multiple of 64 */
    uint32_t text_bytes;    /* at most, of a request's text */
    uint32_t fills_max;     /* of one response to FILLS */
    /* Order types with the time in force that they take: which of form_cnt forms, from 1; 0: the venue has no
     * such order. The first replace_form_cnt can replace an order. */
    uint8_t forms[PW_ORDER_TYPES][PW_ENTRY_TIFS];
    uint32_t form_cnt, replace_form_cnt;
    int64_t clock_unit_ns;  /* of the venue's times: they are cut off to it */
    int64_t clock_ahead_ns; /* it takes a time stamp that is ahead of its clock by less */
    uint32_t window_cnt;
    struct pw_entry_window windows[PW_ENTRY_LIMITS_MAX];

    /* With that key: does a session begin with LOGIN? If not each request is signed. */
    bool (*has_login)(const struct pw_signing *signing);

    /* 0, -EINVAL (the spec contradicts itself, or has bytes that the text cannot) or -E2BIG. */
    int (*prepare)(struct pw_entry_request *request, const struct pw_entry_spec *spec);
    /* Would write take these values, time aside? */
    bool (*can_write)(const struct pw_entry_request *request, const struct pw_entry_values *values);
    /* Hot. Writes request->bytes, whatever the result. False, and it must not be sent: a number that is not
     * positive or has more decimals than its tick or step, a time out of range. */
    bool (*write)(const struct pw_entry_request *request, const struct pw_entry_values *values, char *text);
    /* Of a signed one that is written: what is to be signed. Its bytes, or 0 if it does not fit. */
    size_t (*payload)(const struct pw_entry_request *request, const char *text, char *payload, size_t size);
    /* False if it has not the bytes that were prepared for. */
    bool (*put_signature)(const struct pw_entry_request *request, const char *signature, size_t bytes,
                          char *text);

    /* Judges one whole message by what is used of it: rows and fields that nobody asks for may be anything.
     * Negative but for ERROR_REPLY: it cannot be read, and `fault` says why. Then only this of it holds: which
     * request it answers (is_response, is_ours, request, number), if that could be made out, and a failure that
     * its status alone tells of (has_failed: a ban is one). Items of lists are judged as they are gone through. */
    /* Prices and quantities of the symbols in the table are in their units; of others, or without a table, in
     * the usual ones. */
    enum pw_decode (*decode)(const struct pw_symbols *symbols, const char *data, size_t bytes,
                             struct pw_entry_message *message);
    /* Iterate a list that decode has found to be one. False: no more. */
    bool (*next_order)(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                       struct pw_entry_order *order);
    bool (*next_fill)(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                      struct pw_entry_fill *fill);
    bool (*next_balance)(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                         struct pw_entry_balance *balance);

    /* An order's id at the venue, and back. read: false if it is none that pinwheel makes; whose, the hash
     * says. */
    void (*write_client_id)(const struct pw_entry_client_id *id, char text[PW_ENTRY_CLIENT_ID_BYTES_MAX]);
    bool (*read_client_id)(const char *text, size_t bytes, struct pw_entry_client_id *id);
    /* Of a request, or of a response as far as it is readable: which request it is or answers. False: none
     * that this codec makes. */
    bool (*request_of)(const char *data, size_t bytes, enum pw_entry_kind *kind, uint64_t *number);
};

/* What an error of a request about an order is to that order; false: nothing. Of REPLACE: to the old order if
 * `replaced`, else to the new one. */
bool pw_entry_error_exec_type(enum pw_entry_kind request, enum pw_entry_error error, bool replaced,
                              enum pw_exec_type *exec_type);

/* Of an instance's name: FNV-1a of 32 bits, so that engines that share an account can distinguish their
 * orders. */
uint32_t pw_entry_instance_hash(const char *instance);

#endif
