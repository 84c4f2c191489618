/* SPDX-License-Identifier: MIT
 *
 * One instrument of a synthetic market: its matching engine and its traders, and what of them is published
 * when.
 */
#ifndef PW_SIM_INSTRUMENT_H
#define PW_SIM_INSTRUMENT_H

#include "matching.h"
#include "source.h"
#include "traders.h"

/* Levels changed since the last depth update of one stream. */
struct pw_sim_change {
    int64_t price_e8;
    enum pw_side side;
};

struct pw_sim_changes {
    struct pw_sim_change *list;
    uint32_t cnt;
    uint64_t first_update_id;
};

enum { PW_SIM_DEPTH_FAST = 0, PW_SIM_DEPTH_SLOW = 1, PW_SIM_DEPTH_STREAMS = 2 };
enum { PW_SIM_STREAM_TRADE, PW_SIM_STREAM_AGG_TRADE, PW_SIM_STREAM_QUOTE, PW_SIM_EVENT_STREAMS };
#define PW_SIM_TICK_NS      INT64_C(100000000) /* the fastest periodic stream */
#define PW_SIM_PERIODIC_MAX 32u
#define PW_SIM_KLINES       16u

struct pw_sim_synthetic;

struct pw_sim_instrument {
    struct pw_sim_synthetic *owner;
    struct pw_sim_symbol *symbol;
    struct pw_matching *matching;
    struct pw_sim_traders traders;
    struct pw_sim_changes changes[PW_SIM_DEPTH_STREAMS];
    uint32_t event_streams[PW_SIM_EVENT_STREAMS];
    uint32_t periodic_streams[PW_SIM_PERIODIC_MAX];
    int64_t kline_open_ns[PW_SIM_KLINES]; /* of the candle published last; 0: none */
    int64_t next_tick_ns;
    uint64_t tick_cnt;
    int64_t now_ns;
    struct pw_quote quote;            /* published last */
    struct pw_sim_tape_trade pending; /* the aggregate under way; agg_id 0: none */
    uint64_t pending_first_id;
};

/* A synthetic market: its instruments, and what they share. */
struct pw_sim_synthetic {
    struct pw_sim_hub *hub;
    struct pw_sim_instrument *instruments;
    struct pw_sim_symbol *symbols;
    uint32_t instrument_cnt;
    uint64_t first_id; /* of orders, trades and updates */
    uint32_t next_idx; /* the instrument with the next thing to happen */
    uint32_t all_tickers_stream;
    struct pw_sim_match_listener listener; /* result NULL: nobody */
    struct pw_buffer millisecond, microsecond;
};

/* owner and symbol are set; false: no memory, or no room for its streams. */
bool pw_sim_instrument_make(struct pw_sim_instrument *instrument,
                            const struct pw_sim_instrument_config *config, uint64_t seed, int64_t start_ns);
void pw_sim_instrument_fini(struct pw_sim_instrument *instrument);

/* When the next thing is to happen, and letting it: the traders' next action, or the periodic streams. */
int64_t pw_sim_instrument_next_ns(const struct pw_sim_instrument *instrument);
void pw_sim_instrument_step(struct pw_sim_instrument *instrument);
/* Lets by_ns pass without anything happening. */
void pw_sim_instrument_leap(struct pw_sim_instrument *instrument, int64_t by_ns);
/* Publishes what trading since the last time has changed. */
void pw_sim_instrument_publish(struct pw_sim_instrument *instrument);
/* The best prices now. */
struct pw_quote pw_sim_instrument_quote(const struct pw_sim_instrument *instrument);

#endif
