/* SPDX-License-Identifier: MIT
 *
 * Requests of Binance's WebSocket API as prepared texts: everything that does not change is written once,
 * cold; sending one is filling its slots in place. What the venue answers is read in binance_answers.h.
 *
 * Slots have fixed places and widths: numbers stand at their right ends, with blanks (which JSON allows)
 * before the opening quote. Parameters stand in the order of their names, which is the order in which the
 * venue wants them signed.
 *
 * Ids are derived, never stored: an order's id at the venue is "pw-", 8 hexadecimal digits of a hash of the
 * instance's name (so that engines that share an account tell their orders apart), "-", and 16 digits of its
 * client_order_id, which is made of run and counter; that of its cancellation "pc-" and the same. A request's
 * id is one letter, which says what was asked, and 16 digits: of the order that it places, cancels or puts in
 * another's place, else a number.
 *
 * The hash is FNV-1a of 32 bits over the name's bytes: two names in four billion have the same one.
 */
#ifndef PW_BINANCE_ORDERS_H
#define PW_BINANCE_ORDERS_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_BINANCE_REQUEST_BYTES   1024u
#define PW_BINANCE_SIGNATURE_BYTES 88u /* Ed25519 in base64; HMAC-SHA256 in hexadecimal has 64 */
#define PW_BINANCE_CLIENT_ID_BYTES 28u /* without a zero byte; the venue takes 36 */

enum pw_binance_method {
    PW_BINANCE_LOGON = 0,        /* session.logon: Ed25519 keys alone */
    PW_BINANCE_PLACE,            /* order.place */
    PW_BINANCE_TEST,             /* order.test: judged by the venue, not placed */
    PW_BINANCE_CANCEL,           /* order.cancel */
    PW_BINANCE_CANCEL_REPLACE,   /* order.cancelReplace: no new order unless the old one was canceled */
    PW_BINANCE_CANCEL_ALL,       /* openOrders.cancelAll: of one symbol */
    PW_BINANCE_ORDER_STATUS,     /* order.status */
    PW_BINANCE_OPEN_ORDERS,      /* openOrders.status: of one symbol, or of all (weight 80) */
    PW_BINANCE_ACCOUNT,          /* account.status */
    PW_BINANCE_SUBSCRIBE,        /* userDataStream.subscribe: after a logon */
    PW_BINANCE_SUBSCRIBE_SIGNED, /* userDataStream.subscribe.signature: any key, no logon */
    PW_BINANCE_TIME,             /* time: of the venue's clock */
    PW_BINANCE_TRADES, /* myTrades: of one order, by the venue's number of it; from a trade's number on */
};
#define PW_BINANCE_METHODS    13u
#define PW_BINANCE_TRADES_MAX 1000u /* in an answer to TRADES: the most that the venue gives */

/* Order types with the time in force that they take. */
enum pw_binance_form {
    PW_BINANCE_LIMIT_GTC = 0,
    PW_BINANCE_LIMIT_IOC,
    PW_BINANCE_LIMIT_FOK,
    PW_BINANCE_LIMIT_MAKER, /* post-only */
    PW_BINANCE_MARKET,
    PW_BINANCE_STOP_LOSS,
    PW_BINANCE_STOP_LOSS_LIMIT,
    PW_BINANCE_TAKE_PROFIT,
    PW_BINANCE_TAKE_PROFIT_LIMIT,
};
#define PW_BINANCE_FORMS 9u

/* What a text is prepared for. */
struct pw_binance_spec {
    enum pw_binance_method method;
    enum pw_binance_form form; /* of PLACE, TEST and CANCEL_REPLACE */
    const char *symbol;        /* of methods that name one; OPEN_ORDERS: NULL for all */
    int64_t tick_e8, step_e8;  /* of price and quantity: how many decimals they are written with; 0: eight */
    uint32_t instance_hash;    /* of pw_binance_instance_hash: in the ids of orders */
    const char *api_key;       /* NULL: the session is logged on. Required by LOGON and SUBSCRIBE_SIGNED */
    uint32_t recv_window_ms;   /* 1 to 60000 */
    uint32_t signature_bytes;  /* with api_key: 64 or 88 */
};

struct pw_binance_request {
    uint32_t bytes;    /* of the text */
    uint32_t params;   /* a bit for each parameter in it */
    uint16_t at[21];   /* where each parameter's slot begins */
    uint8_t width[21]; /* its bytes, quotes and blanks included */
    uint8_t price_decimals, qty_decimals;
    uint8_t method;
    bool is_signed;
    char text[PW_BINANCE_REQUEST_BYTES];
};

/* What is filled in; what a method does not take is ignored. */
struct pw_binance_values {
    uint64_t number; /* of the request, where it does not change an order */
    uint64_t
        order_id; /* client_order_id: of PLACE, TEST, CANCEL_REPLACE (the new one), CANCEL, ORDER_STATUS */
    uint64_t cancel_id;      /* client_order_id of the order that CANCEL_REPLACE cancels */
    uint64_t venue_order_id; /* of TRADES */
    uint64_t from_trade_id;  /* of TRADES: the first ones that have this number or a higher one */
    int64_t price_e8, qty_e8, stop_price_e8;
    int64_t timestamp_ms; /* the venue's time, as estimated */
    enum pw_side side;
};

/* 0, -EINVAL (the spec contradicts itself, or a text has bytes that JSON would have to escape) or -E2BIG. */
int pw_binance_prepare(struct pw_binance_request *request, const struct pw_binance_spec *spec);

/* Fills all slots but the signature's. Hot. False, and the text must not be sent: a price or quantity that is
 * not positive or has more decimals than its tick or step, a time of other than 13 digits. */
bool pw_binance_fill(struct pw_binance_request *request, const struct pw_binance_values *values);

/* The same of a request that is not signed, into a copy of its text: request->bytes are written, whatever the
 * result. */
bool pw_binance_write(const struct pw_binance_request *request, const struct pw_binance_values *values,
                      char *text);

/* What pw_binance_fill would say, time aside, of the values of an order. */
bool pw_binance_can_say(const struct pw_binance_request *request, const struct pw_binance_values *values);

/* Of a signed request that is filled: what is to be signed. Its bytes, or 0 if it does not fit. */
size_t pw_binance_payload(const struct pw_binance_request *request, char *payload, size_t size);

/* Puts the signature in. False if it has not the bytes that were prepared for. */
bool pw_binance_put_signature(struct pw_binance_request *request, const char *signature, size_t bytes);

/* Where the values of apiKey and signature stand in the text; bytes 0: it has none. */
struct pw_binance_span {
    uint32_t at, bytes;
};
struct pw_binance_span pw_binance_api_key_span(const struct pw_binance_request *request);
struct pw_binance_span pw_binance_signature_span(const struct pw_binance_request *request);

/* What the request costs of the weight per minute. */
uint32_t pw_binance_method_weight(enum pw_binance_method method, bool has_symbol);

/* What an order's id at the venue is made of. */
struct pw_binance_client_id {
    uint64_t client_order_id;
    uint32_t instance_hash;
    bool is_cancel; /* "pc-": of the order's cancellation */
};

uint32_t pw_binance_instance_hash(const char *instance);

/* False if it is none that pinwheel makes; whose it is, the hash says. */
bool pw_binance_client_id_read(const char *text, size_t size, struct pw_binance_client_id *id);

/* With a zero byte. */
void pw_binance_client_id_write(const struct pw_binance_client_id *id,
                                char text[PW_BINANCE_CLIENT_ID_BYTES + 1]);

/* A request's id to what was asked, and its order's or own number; false if it is not one of ours. */
bool pw_binance_request_id(const char *text, size_t size, enum pw_binance_method *method, uint64_t *number);

#endif
