/* SPDX-License-Identifier: MIT
 *
 * Where the market comes from: a recording (playback.h) or a synthetic market (synthetic.h), behind one
 * table of functions. A source has its own time; the server's pacer lets it pass.
 */
#ifndef PW_SIM_SOURCE_H
#define PW_SIM_SOURCE_H

#include "book.h"
#include "buffer.h"
#include "hub.h"
#include "matching.h"
#include "sim.h"
#include "tape.h"

#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_SYMBOL_BYTES 64u
#define PW_SIM_SYMBOLS_MAX  1024u
#define PW_SIM_DEPTH_MAX    5000u /* levels a side in a snapshot, whatever is asked for (binance.md 4.3) */

struct pw_sim_symbol {
    char name[PW_SIM_SYMBOL_BYTES]; /* "BTCUSDT" */
    char base[PW_SIM_SYMBOL_BYTES], quote[PW_SIM_SYMBOL_BYTES];
    int64_t tick_e8, step_e8, min_notional_e8;
    struct pw_sim_price_rules rules;
    struct pw_book *book; /* of a recording; book, top and tape: as of the last refresh, NULL before */
    struct pw_quote top;
    struct pw_sim_tape *tape;
};

/* Hears of every trade, and of the end of every order that is somebody's, while it happens; and, when the
 * background flow has acted and its changes are public, that it may enter. */
struct pw_sim_match_listener {
    void (*result)(void *state, const struct pw_sim_symbol *symbol, const struct pw_matching_result *result,
                   int64_t market_ns);
    void (*acted)(void *state, const struct pw_sim_symbol *symbol, struct pw_matching *matching);
    void *state;
};

enum pw_sim_next {
    PW_SIM_NEXT_END,  /* nothing will come any more */
    PW_SIM_NEXT_HELD, /* it waits for a client; ask again */
    PW_SIM_NEXT_AT,   /* at *market_ns */
};

struct pw_sim_source_ops {
    /* When the next thing is to happen, in the market's time. */
    enum pw_sim_next (*next)(void *state, int64_t wall_ns, int64_t *market_ns);
    /* Lets it happen: publishes to the hub. */
    void (*step)(void *state);
    /* Lets by_ns pass without anything happening; NULL: its times are recorded. */
    void (*leap)(void *state, int64_t by_ns);
    /* Brings symbol's book and tape up to what has been published. False: no memory. */
    bool (*refresh)(void *state, struct pw_sim_symbol *symbol);
    /* Appends the answer to a depth request. False: no memory. */
    bool (*depth)(void *state, struct pw_sim_symbol *symbol, uint32_t level_limit, struct pw_buffer *out);
    /* The recorded exchangeInfo, or empty. */
    struct pw_slice (*exchange_info)(void *state);
    /* Back to the beginning; NULL: it never ends. */
    void (*rewind)(void *state);
    /* A synthetic market, to trade in; all three NULL: a recording. Enter: symbol's matching engine, and the
     * market's time, which is wall_ns if that lies between what has happened and what comes next. Leave:
     * publishes what was done since. */
    struct pw_matching *(*enter)(void *state, const struct pw_sim_symbol *symbol, int64_t wall_ns,
                                 int64_t *market_ns);
    void (*leave)(void *state, const struct pw_sim_symbol *symbol);
    void (*listen)(void *state, struct pw_sim_match_listener listener);
    void (*free)(void *state);
};

struct pw_sim_source {
    const struct pw_sim_source_ops *ops;
    void *state;
    struct pw_sim_symbol *symbols;
    uint32_t symbol_cnt;
};

/* The symbol of that name, or NULL. */
static inline struct pw_sim_symbol *pw_sim_source_symbol(const struct pw_sim_source *source,
                                                         struct pw_slice name)
{
    for (uint32_t i = 0; i < source->symbol_cnt; i++) {
        if (pw_slice_equal(name, source->symbols[i].name)) {
            return &source->symbols[i];
        }
    }
    return NULL;
}

/* Takes "BTCUSDT" apart into base and quote by the quote assets that there are, and sets what hangs on the
 * quote, the smallest notional, and the usual rules of prices. */
void pw_sim_symbol_split(struct pw_sim_symbol *symbol);
/* Frees the symbols' books and tapes, and the table. */
void pw_sim_symbols_free(struct pw_sim_symbol *symbols, uint32_t symbol_cnt);

#endif
