/* SPDX-License-Identifier: MIT
 *
 * What a strategy that is long or flat holds of an instrument, and the decisions that it makes about it.
 *
 * It is what the strategy has asked for, less what is reported never to be filled; it does not wait for
 * fills. So what the strategy does next does not depend on how soon reports come back; but for fees in the
 * base asset, which are known with their fills alone: what they took is not sold. It sells whole steps, and
 * less than one is as good as flat.
 */
#ifndef PW_HOLDING_H
#define PW_HOLDING_H

#include <pinwheel/strategy.h>

struct pw_holding {
    const struct pw_instrument *instrument;
    uint16_t instrument_idx, strategy_idx;
    int64_t held_e8;
    pw_i128 dust_e16; /* of fees: fills.h */
};

/* A SIGNAL: direction 1 or -1. A value beyond the field is shown as the field's end. */
void pw_holding_signal(const struct pw_holding *holding, pw_i128 a, pw_i128 b, int8_t direction,
                       uint64_t market_seq, struct pw_decisions *out);

/* Market orders: buys so much if nothing is held that could be sold; sells all that can be. */
void pw_holding_buy(struct pw_holding *holding, int64_t qty_e8, uint64_t market_seq,
                    struct pw_decisions *out);
void pw_holding_sell(struct pw_holding *holding, uint64_t market_seq, struct pw_decisions *out);

/* ORDER, FILL or FILL_INFO of its instrument. */
void pw_holding_take_report(struct pw_holding *holding, const struct pw_event *report);

#endif
