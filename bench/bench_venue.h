/* SPDX-License-Identifier: MIT
 *
 * A venue that measures: Binance spot as far as an engine needs it to trade on ticks, on one thread that
 * polls its sockets without sleeping and knows to the clock read when a tick left and when the order came.
 *
 * It is made of the simulator's pieces (its authority, its certificate, the same codecs), without a market
 * behind it: every order is taken to fill at once at its own price, and is answered and reported so; balances
 * follow. Signatures are not checked.
 */
#ifndef PW_BENCH_VENUE_H
#define PW_BENCH_VENUE_H

#include "buffer.h"
#include "http.h"
#include "stamped.h"
#include "websocket.h"
#include <stdbool.h>
#include <stdint.h>

#define VENUE_CONNS_MAX       16u
#define VENUE_INSTRUMENTS_MAX 100u
#define VENUE_INPUT_BYTES     65536u
#define VENUE_CAME_MAX        64u
#define VENUE_PRICES          9000u /* of asks, a cent apart: each tick's is its own for so many ticks */

enum venue_role { VENUE_HTTP = 0, VENUE_MARKET, VENUE_ORDERS };

struct venue_conn {
    struct stamped end; /* fd -1: free */
    enum venue_role role;
    bool finished;           /* answered; waits for the peer to close */
    int64_t subscription_id; /* of user events; -1: none */
    struct pw_ws_decoder decoder;
    size_t in_bytes;
    uint64_t in_arrived; /* when the latest of them came */
    uint8_t in[VENUE_INPUT_BYTES];
};

/* A message framed beforehand: only its numbers are written when it goes out. */
struct venue_frame {
    uint32_t bytes;
    uint16_t update_at, first_at, price_at, time_at; /* 0: it has none */
    char text[1400];
};

enum venue_frame_kind {
    VENUE_TICK = 0, /* a quote that the strategy acts upon */
    VENUE_QUOTE,    /* one that it does not */
    VENUE_TRADE,
    VENUE_DEPTH,
    VENUE_FRAMES
};

struct venue_instrument {
    char symbol[16], base[8];
    uint64_t update_id, depth_update_id; /* the last ones sent */
    uint64_t trade_id;
    int64_t free_e8; /* of its base asset */
    struct venue_frame frames[VENUE_FRAMES];
};

/* An order that came. */
struct venue_order {
    uint32_t instrument_idx;
    uint32_t tick;    /* number of the tick whose price it has */
    uint64_t arrived; /* ticks of the clock: its bytes were there, still sealed */
};

struct venue {
    int listener;
    uint16_t port;
    struct WOLFSSL_CTX *context;
    uint32_t instrument_cnt;
    struct venue_instrument instruments[VENUE_INSTRUMENTS_MAX];
    struct venue_conn conns[VENUE_CONNS_MAX];
    struct venue_conn *market, *orders; /* those that are connected as such; NULL: none */
    int64_t cash_free_e8;
    uint64_t order_id, trade_id, order_cnt, request_cnt, invalid_cnt;
    int64_t window; /* of ten seconds, and the orders in it */
    uint64_t window_order_cnt;
    uint32_t tick_cnt;
    uint32_t tick_of[VENUE_PRICES];          /* by price: the last tick that had it, and 1; 0: none */
    struct venue_order came[VENUE_CAME_MAX]; /* orders that have not been taken, the oldest at came_first */
    uint32_t came_first, came_cnt;
    struct pw_buffer reply;
};

/* All but the sockets. */
void venue_prepare(struct venue *venue, uint32_t instrument_cnt);
/* The same, and listens on a free port of the loopback. 0 or -errno. */
int venue_open(struct venue *venue, uint32_t instrument_cnt, const char *identity_directory);
void venue_close(struct venue *venue);

/* Serves every connection once: to be called while nothing is measured. */
void venue_serve(struct venue *venue);
/* Looks once whether an order has come; it is answered at once. */
bool venue_order_poll(struct venue *venue, struct venue_order *order);

/* Sends a message of an instrument to the market's connection; a tick's number is that of venue->tick_cnt
 * before. Ticks at which it left, before the system call; 0: it could not. */
uint64_t venue_send(struct venue *venue, uint32_t instrument_idx, enum venue_frame_kind kind);

/* ---- venue_answers.c ---- */

/* Fills the frames of an instrument. */
void venue_frames_make(struct venue_instrument *instrument);
/* Puts the answer to a request of REST ("/api/v3/depth?symbol=T000USDT&limit=5000") into venue->reply; false:
 * there is no such thing. */
bool venue_rest_answer(struct venue *venue, struct pw_slice target);
/* Carries out a request of the WebSocket API, and sends its answer and what follows from it. */
void venue_request_answer(struct venue *venue, struct venue_conn *conn, struct pw_slice request);
/* Sends venue->reply as one text message. */
void venue_reply_send(struct venue *venue, struct venue_conn *conn);

/* The wall clock's milliseconds, as a venue dates its messages. */
int64_t venue_wall_ms(void);

#endif
