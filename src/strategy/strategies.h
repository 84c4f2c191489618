/* SPDX-License-Identifier: MIT
 *
 * The built-in strategies, by the name of their kind in the config.
 */
#ifndef PW_STRATEGIES_H
#define PW_STRATEGIES_H

#include <pinwheel/strategy.h>

/* A new strategy is a row here: pw_NAME is its table. */
#define PW_STRATEGY_ROWS(ROW)                                                                                \
    ROW(pw_breakout)                                                                                         \
    ROW(pw_ma_cross)                                                                                         \
    ROW(pw_quoter)                                                                                           \
    ROW(pw_tick_taker)

#define PW_STRATEGY_DECLARE(ops) extern const struct pw_strategy_ops ops;
PW_STRATEGY_ROWS(PW_STRATEGY_DECLARE)

/* NULL: no such kind. */
const struct pw_strategy_ops *pw_strategy_find(const char *kind);

/* The i-th kind, or NULL past the last: for messages that say what there is. */
const char *pw_strategy_kind(uint32_t i);
const struct pw_strategy_ops *pw_strategy_at(uint32_t i);

#endif
