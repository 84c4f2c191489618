/* SPDX-License-Identifier: MIT
 *
 * Binance's market-data messages, spot and USD-M futures: the bytes of one WebSocket message to one struct.
 *
 * This is the general reading: fields in any order, blanks, unknown fields of any nesting, optional fields
 * missing. binance_events.h has the way from bytes to events that the engine takes, with a faster reading of
 * the usual form. Where it says "venue", see the venue's documentation of market data streams.
 *
 * Nothing is copied but short texts: sides of a book, batches and lists stay slices of the caller's buffer,
 * already validated, to be gone through with the functions below.
 */
#ifndef PW_BINANCE_DECODE_H
#define PW_BINANCE_DECODE_H

#include "json.h"
#include <pinwheel/venue.h>
#include <stdbool.h>

#define PW_BINANCE_STREAM_BYTES 128 /* with the zero byte: symbol, '@', name; longer names are refused */
#define PW_BINANCE_ID_BYTES     40  /* a request's id as text: the venue takes up to 36 characters */

enum pw_binance_kind {
    PW_BINANCE_NONE = 0,
    PW_BINANCE_TRADE,
    PW_BINANCE_BLOCK_TRADE, /* a kind of its own: its ids are not those of trades */
    PW_BINANCE_AGG_TRADE,
    PW_BINANCE_BOOK_TICKER,
    PW_BINANCE_DEPTH,
    PW_BINANCE_PARTIAL_DEPTH,
    PW_BINANCE_KLINE,
    PW_BINANCE_MINI_TICKER,
    PW_BINANCE_TICKER,
    PW_BINANCE_WINDOW_TICKER,
    PW_BINANCE_AVG_PRICE,
    PW_BINANCE_REFERENCE_PRICE,
    PW_BINANCE_SERVER_SHUTDOWN,
    PW_BINANCE_BATCH,
    PW_BINANCE_REPLY,
    PW_BINANCE_ERROR,
    PW_BINANCE_REQUEST, /* what clients send: for the simulator */
};

/* A JSON array inside the message, validated: cnt items. */
struct pw_binance_list {
    const char *text;
    size_t size;
    uint32_t cnt;
    /* Of levels: */
    int8_t unit_shift;
    bool has_passed_over; /* some have a price that cannot be held: they are not counted */
};

struct pw_binance_trade {
    int64_t price_e8, qty_e8;
    uint64_t trade_id;
    int64_t trade_ns;
    bool sell; /* the aggressor sold: the buyer was the maker */
};

struct pw_binance_agg_trade {
    int64_t price_e8, qty_e8;
    uint64_t agg_id, first_trade_id, last_trade_id;
    int64_t trade_ns;
    bool sell;
};

struct pw_binance_book_ticker {
    struct pw_quote quote;
    int64_t trade_ns; /* 0: spot does not say */
};

struct pw_binance_depth {
    uint64_t first_id, last_id; /* partial depth: both lastUpdateId */
    uint64_t prev_last_id;      /* futures; else 0 */
    int64_t trade_ns;           /* futures; else 0 */
    struct pw_binance_list bids, asks;
};

struct pw_binance_kline {
    int64_t open_e8, high_e8, low_e8, close_e8;
    int64_t volume_e8, quote_volume_e8, taker_volume_e8, taker_quote_volume_e8;
    bool quote_volume_capped;              /* it is not exact */
    int64_t first_trade_id, last_trade_id; /* -1: no trade */
    int64_t open_ns, close_ns;
    uint32_t trade_cnt, interval_s;
    char interval[8];
    bool closed;
};

/* All three kinds of ticker; what a kind does not send is 0. */
struct pw_binance_ticker {
    char window[8]; /* "24hr", "1h", "4h", "1d" */
    int64_t last_e8, open_e8, high_e8, low_e8, volume_e8, quote_volume_e8;
    int64_t change_e8, change_percent_e8, vwap_e8;
    int64_t open_ns, close_ns, first_trade_id, last_trade_id;
    uint64_t trade_cnt;
    int64_t last_qty_e8, prev_close_e8; /* the 24-hour ticker alone, spot for the latter and the quote */
    struct pw_quote quote;
};

/* Average and reference price. */
struct pw_binance_price {
    char interval[8];
    int64_t price_e8;
    bool has_price; /* a reference price may be null */
    int64_t trade_ns;
};

enum pw_binance_id_kind { PW_BINANCE_ID_NONE, PW_BINANCE_ID_NULL, PW_BINANCE_ID_INTEGER, PW_BINANCE_ID_TEXT };

struct pw_binance_control {
    enum pw_binance_id_kind id_kind;
    int64_t id;
    char id_text[PW_BINANCE_ID_BYTES];
    /* Replies: what kind of result; an array's items, or a boolean's value. */
    enum pw_json_type result;
    struct pw_binance_list list; /* also a request's params */
    /* Errors. */
    int64_t code;
    struct pw_json_text text;
    /* Requests. */
    char method[24];
};

struct pw_binance_msg {
    enum pw_binance_kind kind;
    char stream[PW_BINANCE_STREAM_BYTES]; /* of the combined form; else empty */
    char symbol[PW_SYMBOL_BYTES];         /* as the venue spells it, in UTF-8; zeros behind; empty: none */
    int64_t venue_ns;                     /* event time; 0: none given */
    bool capped;                      /* a quantity, or a side of a quote, is not exact: as PW_FLAG_CAPPED */
    const struct pw_symbols *symbols; /* NULL: all symbols are of interest, and in the usual units */
    struct pw_symbol known;           /* with symbols: which it is */
    union {
        struct pw_binance_trade trade; /* TRADE, BLOCK_TRADE */
        struct pw_binance_agg_trade agg_trade;
        struct pw_binance_book_ticker book_ticker;
        struct pw_binance_depth depth; /* DEPTH, PARTIAL_DEPTH */
        struct pw_binance_kline kline;
        struct pw_binance_ticker ticker; /* MINI_TICKER, TICKER, WINDOW_TICKER */
        struct pw_binance_price price;   /* AVG_PRICE, REFERENCE_PRICE */
        struct pw_binance_list batch;
        struct pw_binance_control control; /* REPLY, ERROR, REQUEST */
    } body;
};

/* Judges one whole message. OK: market data of a kind above; IGNORED: valid, but of an event type not known
 * here; CONTROL: REPLY or REQUEST; ERROR_REPLY: ERROR; SHUTDOWN: SERVER_SHUTDOWN; other negative results:
 * nothing in msg may be used. The slices in msg live as long as data. */
enum pw_decode pw_binance_decode(const char *data, size_t size, struct pw_binance_msg *msg);

/* The same of the instruments in the table, each in its units; others are IGNORED. And of a snapshot by REST,
 * which does not say whose it is, in those units. */
enum pw_decode pw_binance_decode_ours(const struct pw_symbols *symbols, const char *data, size_t size,
                                      struct pw_binance_msg *msg);
enum pw_decode pw_binance_decode_snapshot(int unit_shift, const char *data, size_t size,
                                          struct pw_binance_msg *msg);

/* Goes through one side of a book. Start with a zeroed cursor; false: no more. */
struct pw_binance_cursor {
    struct pw_json json;
    bool begun;
    bool capped; /* the level's quantity is not exact */
};
bool pw_binance_level_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *side,
                           struct pw_level *level);

/* Goes through a batch (every item OK or IGNORED: then kind is NONE), or a list of texts (stream names). */
bool pw_binance_batch_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *batch,
                           struct pw_binance_msg *item);
bool pw_binance_text_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *list,
                          struct pw_json_text *text);

/* A time of the venue's in nanoseconds: 16 digits are microseconds, fewer are milliseconds. False: out of
 * range. */
static inline bool pw_binance_time_ns(uint64_t value, int64_t *ns)
{
    const uint64_t first_us = UINT64_C(1000000000000000); /* as milliseconds: the year 33658 */
    uint64_t scale = value >= first_us ? 1000 : 1000000;
    if (value > (uint64_t)INT64_MAX / scale) {
        return false;
    }
    *ns = (int64_t)(value * scale);
    return true;
}

#endif
