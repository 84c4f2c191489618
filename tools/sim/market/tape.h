/* SPDX-License-Identifier: MIT
 *
 * The tape of one instrument: its latest trades, candles and the figures of 24 hours, for REST and kline
 * streams.
 */
#ifndef PW_SIM_TAPE_H
#define PW_SIM_TAPE_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_TAPE_TRADES  1024u /* kept; more than any endpoint's limit (1000) */
#define PW_SIM_TAPE_SECONDS 1024u
#define PW_SIM_TAPE_MINUTES 1536u /* more than a day */

struct pw_sim_tape_trade {
    int64_t price_e8, qty_e8, time_ns;
    uint64_t trade_id, agg_id;
    bool buyer_maker;
};

struct pw_sim_tape_candle {
    int64_t open_ns, span_ns;
    int64_t open_e8, high_e8, low_e8, close_e8, volume_e8, taker_volume_e8;
    pw_i128 quote_e16, taker_quote_e16;
    int64_t first_trade_id, last_trade_id; /* -1: no trade */
    uint64_t trade_cnt;
};

struct pw_sim_tape {
    struct pw_sim_tape_trade trades[PW_SIM_TAPE_TRADES];
    uint64_t trade_cnt; /* ever; the last stands at (trade_cnt - 1) % PW_SIM_TAPE_TRADES */
    struct pw_sim_tape_candle seconds[PW_SIM_TAPE_SECONDS], minutes[PW_SIM_TAPE_MINUTES];
    uint64_t second_cnt, minute_cnt;
};

/* The trade's agg_id is the tape's: trades of one time, price and side make one aggregate. */
void pw_sim_tape_add(struct pw_sim_tape *tape, struct pw_sim_tape_trade trade);
const struct pw_sim_tape_trade *pw_sim_tape_last(const struct pw_sim_tape *tape); /* NULL: none yet */
/* The trade `back` before the last; NULL beyond what is kept. */
const struct pw_sim_tape_trade *pw_sim_tape_back(const struct pw_sim_tape *tape, uint64_t back);

/* The candle of [open_ns, open_ns + span_ns): from the kept seconds if the span is under a minute, else
 * minutes. Without a trade in it, all prices are the close before it (0: none). */
struct pw_sim_tape_candle pw_sim_tape_candle(const struct pw_sim_tape *tape, int64_t open_ns,
                                             int64_t span_ns);
/* What its trades cost on average; 0: it has none. */
static inline int64_t pw_sim_candle_average_e8(const struct pw_sim_tape_candle *candle)
{
    return candle->volume_e8 ? (int64_t)(candle->quote_e16 / candle->volume_e8) : 0;
}

static inline int64_t pw_sim_e8_of_e16(pw_i128 value_e16)
{
    return (int64_t)(value_e16 / PW_E8);
}
/* The sum over the last 24 hours before now_ns. */
struct pw_sim_tape_candle pw_sim_tape_day(const struct pw_sim_tape *tape, int64_t now_ns);

/* "1s" to "1w" and "1M" to its length, and where the bucket that holds time_ns begins (UTC; weeks on Mondays;
 * months by the calendar). False: no such interval. */
bool pw_sim_tape_bucket(const char *interval, int64_t time_ns, int64_t *open_ns, int64_t *span_ns);

#endif
