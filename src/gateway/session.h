/* SPDX-License-Identifier: MIT
 *
 * The live gateway: orders at a real venue, through Binance's WebSocket API, over one connection that others
 * keep. It puts requests into a ring and is given the messages received; it has no socket, no clock and no
 * key.
 *
 * After the notice that the connection is up it learns the venue's clock, logs on (Ed25519 keys; with another
 * key each request is signed), subscribes to the account's events, lists the open orders, cancels those of
 * its instance's earlier runs (those that are open still when it lists them again are its refusal), and
 * checks once that the account has the cash. Then it is ready. Until then, and whenever the venue's time is
 * not known well enough or a limit is reached, check says so, and nothing is sent.
 *
 * Nothing that places or replaces an order is ever sent twice. What is not answered in time, or was under way
 * when the connection was lost, is told as TIME_OUT or DISCONNECT, and asked about until the order table
 * knows the end; fills that the venue counts and that were never reported are asked for by order. Orders that
 * nothing was heard of for PW_LIVE_QUIET_NS are asked about too: reports may be lost without a trace. A
 * cancellation, once asked for, is repeated, ever more seldom, until the order has ended or the venue has
 * said that it never cancels it.
 *
 * A key that is refused ends new orders alone: execution is told to halt, cancellations and questions go on,
 * slowly, and the key is shown again once a minute, and to each new connection.
 *
 * Times: now_ns of poll is the time of all that follows it in the pass. A clock that jumps (polls more than
 * PW_LIVE_JUMP_NS apart, or backwards) moves all deadlines with it, and what was known of the venue's clock
 * is forgotten. One call answers at most PW_REPORTS_MAX reports, and two of an order.
 */
#ifndef PW_LIVE_H
#define PW_LIVE_H

#include "orders.h"
#include <pinwheel/gateway.h>
#include <pinwheel/ring.h>
#include <pinwheel/workspace.h>

#define PW_LIVE_QUIET_NS INT64_C(4000000000)
#define PW_LIVE_JUMP_NS  INT64_C(2000000000)
#define PW_LIVE_PASS_NS  INT64_C(500000000)   /* next_ns is never later than this from the last poll */
#define PW_LIVE_TIME_NS  INT64_C(30000000000) /* the venue is asked for its time at least so often */
#define PW_LIVE_ERROR_MAX_NS                                                                                 \
    INT64_C(500000000)    /* of the venue's time; half the receive window if that is less */
#define PW_LIVE_ERRORS 9u /* enum pw_binance_meaning */

/* How requests are signed. sign returns the bytes written to `signature`, or 0 if it failed. */
struct pw_signing {
    size_t (*sign)(void *state, const char *payload, size_t bytes, char *signature);
    void *state;
    uint32_t signature_bytes; /* 88: Ed25519; 64: HMAC-SHA256 */
    bool is_ed25519;
};

/* What it points at must outlive the gateway. */
struct pw_live_config {
    const struct pw_instrument *instruments;
    uint32_t instrument_cnt;
    const bool *trades;             /* by instrument: orders may be placed in it */
    const struct pw_orders *orders; /* the caller's table of what it has placed here: only looked at */
    uint32_t instance_hash;         /* of this engine's name, in its orders' ids: pw_binance_instance_hash */
    const char *api_key;
    struct pw_signing signing;
    uint32_t recv_window_ms;
    int64_t answer_timeout_ns;
    int64_t cash_e8; /* that the account must have free when the run begins */
    const char *quote_asset;
    int64_t paused_until_ns;  /* of pw_live_paused_until_ns, kept from before; 0: none */
    struct pw_producer *wire; /* requests as FRAMEs; the caller publishes */
    struct pw_producer
        *journal;      /* NULL, or copies of all frames, without key and signature; it drops when full */
    uint32_t conn_idx; /* feed_idx of the frames */
    bool dry;          /* orders are only tested (order.test): what the venue would take ends as EXPIRED */
};

/* For those who watch. Counts are since init. */
struct pw_live_counts {
    uint64_t requests, answers, events; /* events: of the account, and others that bear no answer */
    uint64_t errors[PW_LIVE_ERRORS];    /* answers by enum pw_binance_meaning */
    uint64_t invalid;                   /* messages that could not be read */
    uint64_t unmatched;                 /* answers to nothing that was open, reports without room */
    uint64_t foreign;                   /* reports and open orders that are not this instance's */
    uint64_t leftovers;                 /* open orders and reports of earlier runs; open ones of this run
                                         * that the order table does not know */
    uint64_t time_outs;                 /* requests without an answer */
    uint64_t queries;                   /* about orders, and for their trades */
    uint64_t reports;                   /* given to execution */
    uint64_t resyncs;                   /* times that reports may have been lost */
    uint64_t journal_dropped;           /* copies for which the journal had no room */
    int64_t last_error_code;
    /* As they are now. */
    uint64_t weight_used, orders_used;       /* of the shortest window of each */
    int64_t clock_offset_ns, clock_error_ns; /* venue's minus ours; error -1: not known */
    int64_t paused_until_ns;
    uint64_t leftovers_open; /* of them in the last list of open orders: it is not ready */
    bool ready;
    uint8_t refusal; /* enum pw_reason: why it is not ready; NONE: it is, or it goes on */
};

extern const struct pw_gateway_ops pw_live_gateway;

/* Bytes of state, a multiple of 64. trades_cnt: instruments that may be traded. */
size_t pw_live_bytes(uint32_t instrument_cnt, uint32_t trades_cnt);

/* memory: zeroed, aligned to 64. 0, or -EINVAL if the config contradicts itself. */
int pw_live_init(void *memory, const struct pw_live_config *config);

void pw_live_counts(const void *state, struct pw_live_counts *counts);

/* Until when the venue takes no requests, in our time; 0: it does. To be kept over a restart. */
int64_t pw_live_paused_until_ns(const void *state);

/* The connection should be made anew: the venue is about to close it, or does not answer. */
bool pw_live_wants_reconnect(const void *state);

#endif
