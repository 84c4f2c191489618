/* SPDX-License-Identifier: MIT
 *
 * The built-in strategies, by the name of their kind in the config.
 */
#ifndef PW_STRATEGIES_H
#define PW_STRATEGIES_H

#include <pinwheel/strategy.h>

extern const struct pw_strategy_ops pw_ma_cross;
extern const struct pw_strategy_ops pw_quoter;
extern const struct pw_strategy_ops pw_tick_taker;

/* NULL: no such kind. */
const struct pw_strategy_ops *pw_strategy_find(const char *kind);

/* The i-th kind, or NULL past the last: for messages that say what there is. */
const char *pw_strategy_kind(uint32_t i);

#endif
