/* SPDX-License-Identifier: MIT
 *
 * The strategy plug-in: what a strategy implements and what it is given.
 *
 * A strategy is pure: events and reports come in, signals and intents go out. It asks for no time, opens
 * nothing, allocates nothing after init; so the same code runs live, on paper and in the backtest. All calls
 * come from the strategy stage's one thread.
 */
#ifndef PINWHEEL_STRATEGY_H
#define PINWHEEL_STRATEGY_H

#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_STRATEGY_ABI  3u
#define PW_DECISIONS_MAX 8u /* events that one call may produce */

/* A parameter of the config. */
struct pw_param {
    char name[32];
    char value[64];
};

struct pw_strategy_env {
    uint16_t strategy_idx; /* to be put into every signal and intent */
    const char *name;      /* the user's name for it */
    const struct pw_param *params;
    uint32_t param_cnt;
    const uint16_t *instruments; /* those that it may trade */
    uint32_t instrument_cnt;
    const struct pw_instrument *instrument_table; /* all; index by instrument_idx */
};

/* Where a call puts what it decides. The stage adds seq and recv_ns. */
struct pw_decisions {
    uint32_t cnt;
    struct pw_event events[PW_DECISIONS_MAX]; /* PW_EVENT_SIGNAL or PW_EVENT_INTENT */
};

struct pw_strategy_ops {
    uint32_t abi; /* PW_STRATEGY_ABI */
    const char *kind;
    const char *what;   /* what it does, one sentence, for the reference page */
    const char *params; /* its parameters, their units with them, for the reference page */
    /* The market events on which it decides, PW_KIND_BIT of each: of every instrument its feed must have a
     * stream that brings one of them. 0: it needs none. */
    uint64_t decides_on;
    bool only_buys; /* nothing but a limit ends its position: such a strategy needs risk.max_position */
    /* Bytes of state, or 0 if the parameters are wrong (then `error` says why, and quotes the name of the
     * wrong one: "parameter 'slow': ..."). Also called to check a config: instrument_table is NULL then. */
    size_t (*state_bytes)(const struct pw_strategy_env *env, char *error, size_t error_bytes);
    /* state: zeroed, aligned to a cache line. 0 or -errno with `error`. */
    int (*init)(void *state, const struct pw_strategy_env *env, char *error, size_t error_bytes);
    /* A market event of one of its instruments (or PW_EVENT_TIME). market_seq: of this event. */
    void (*on_market)(void *state, const struct pw_event *event, uint64_t market_seq,
                      struct pw_decisions *out);
    /* An ORDER, FILL or FILL_INFO of its own. What a buy brought is less than was bought where the fee is in
     * the base asset, which FILL_INFO reports. The end of an order may be answered with one new order, not
     * with more: the space for the answers to those in flight is set aside beforehand. Of a strategy that
     * breeds orders those beyond that space are dropped and counted (strategy.intents_dropped), and no report
     * ever comes of them. */
    void (*on_report)(void *state, const struct pw_event *report, uint64_t market_seq,
                      struct pw_decisions *out);
    /* What value_a and value_b of its signals are, two prices: "fast_mean"; NULL: it makes none. */
    const char *signal_names[2];
};

#endif
