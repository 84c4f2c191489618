/* SPDX-License-Identifier: MIT
 *
 * One strategy alone, with two instruments and the parameters that a test sets: events and reports go in,
 * what it decides comes out.
 */
#ifndef PW_TEST_STRATEGY_RIG_H
#define PW_TEST_STRATEGY_RIG_H

#include "strategies.h"

#include <stdbool.h>

#define STRATEGY_RIG_IDX 3 /* the strategy's own */

struct strategy_rig {
    const struct pw_strategy_ops *ops;
    struct pw_strategy_env env;
    struct pw_param params[8];
    uint16_t instruments[2];
    struct pw_instrument table[8];
    void *state;
    struct pw_decisions out; /* of the last event or report */
    uint64_t market_seq;     /* of the next event */
    char error[256];
};

struct strategy_rig *strategy_rig_make(const struct pw_strategy_ops *ops, uint16_t first, uint16_t second);
void strategy_rig_free(struct strategy_rig *rig);

/* value: NULL is not set. */
void strategy_rig_param(struct strategy_rig *rig, const char *name, const char *value);
/* False: the strategy refuses; rig->error says why. */
bool strategy_rig_start(struct strategy_rig *rig);
/* The strategy does not start, and its error says that. Frees the rig. */
void strategy_rig_refused(struct strategy_rig *rig, const char *part);

/* How many events it answers with. */
uint32_t strategy_rig_market(struct strategy_rig *rig, const struct pw_event *event);
uint32_t strategy_rig_trade(struct strategy_rig *rig, uint16_t instrument_idx, int64_t price_e8);

/* It must not answer these. */
void strategy_rig_report(struct strategy_rig *rig, const struct pw_event *report);
void strategy_rig_order(struct strategy_rig *rig, enum pw_order_state state, bool sell,
                        int64_t leaves_qty_e8);

#endif
