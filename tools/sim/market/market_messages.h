/* SPDX-License-Identifier: MIT
 *
 * What happens in a synthetic market, in the venue's words: the data of its streams (binance.md 2.4).
 */
#ifndef PW_SIM_MARKET_MESSAGES_H
#define PW_SIM_MARKET_MESSAGES_H

#include "instrument.h"

/* One message under way: of which instrument, where to, and in which unit its times are. */
struct pw_sim_draft {
    const struct pw_sim_instrument *instrument;
    struct pw_buffer *out;
    bool microsecond;
    const void *subject; /* what it is about, as its writer knows */
};

/* A writer appends one message's data. What its subject is: */
void pw_sim_write_trade(const struct pw_sim_draft *draft);     /* struct pw_sim_tape_trade */
void pw_sim_write_aggregate(const struct pw_sim_draft *draft); /* struct pw_sim_tape_trade: the sum */
void pw_sim_write_quote(const struct pw_sim_draft *draft);     /* struct pw_quote */
void pw_sim_write_changes(const struct pw_sim_draft *draft);   /* struct pw_sim_changes, in their order */
struct pw_sim_draft_candle {
    struct pw_sim_tape_candle candle;
    const char *interval;
    bool closed;
};
void pw_sim_write_candle(const struct pw_sim_draft *draft);

/* Without a subject: the instrument as it is now. */
void pw_sim_write_book(const struct pw_sim_draft *draft, uint32_t limit);
void pw_sim_write_book_5(const struct pw_sim_draft *draft);
void pw_sim_write_book_10(const struct pw_sim_draft *draft);
void pw_sim_write_book_20(const struct pw_sim_draft *draft);
void pw_sim_write_mini_ticker(const struct pw_sim_draft *draft);
void pw_sim_write_ticker(const struct pw_sim_draft *draft);
void pw_sim_write_average(const struct pw_sim_draft *draft);
/* Of all instruments of this one's market. */
void pw_sim_write_all_tickers(const struct pw_sim_draft *draft);

/* The order of changes in a message, for qsort: bids before asks, best first. */
int pw_sim_change_order(const void *left, const void *right);

#endif
