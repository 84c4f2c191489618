/* SPDX-License-Identifier: MIT
 *
 * The background flow of one synthetic instrument: who places, cancels and takes, when and at what price.
 *
 * A fair price wanders (random walk, drawn back slowly to where it began); market makers keep the best prices
 * around it, others place and cancel deeper in the book, and takers come with orders of all sizes, more often
 * in the direction of the fair price. Orders come as a Poisson process with quiet and busy times. Everything
 * follows from the seed: integer randomness, and doubles with nothing but + - * / and sqrt, which are exact
 * everywhere.
 */
#ifndef PW_SIM_TRADERS_H
#define PW_SIM_TRADERS_H

#include "matching.h"
#include "sim.h"

#include <stdint.h>

struct pw_sim_traders {
    const struct pw_sim_instrument_config *config;
    struct pw_matching *matching;
    uint64_t random;
    double fair_ticks, anchor_ticks;
    double makers_per_s, takers_per_s, deep_per_s; /* in an average second */
    int64_t now_ns;                                /* of the last action */
    int64_t next_ns;                               /* of the next one */
    int64_t mood_end_ns;                           /* when quiet turns to busy or back */
    bool busy;
};

/* Fills the market with its first orders; the next action is after start_ns. */
void pw_sim_traders_init(struct pw_sim_traders *traders, const struct pw_sim_instrument_config *config,
                         struct pw_matching *matching, uint64_t seed, int64_t start_ns);
/* Lets by_ns pass without an action. */
void pw_sim_traders_leap(struct pw_sim_traders *traders, int64_t by_ns);
/* Carries out the action of next_ns, and sets the next one's time. */
void pw_sim_traders_act(struct pw_sim_traders *traders);

#endif
