/* SPDX-License-Identifier: MIT
 *
 * The portfolio: one account's cash and its holdings, marked to the quotes.
 *
 * All instruments share one quote currency. A holding is valued at the last quote that would close it; one
 * that has never seen such a quote counts at what it cost.
 *
 * Fees: in the quote currency they leave the cash; in the instrument's base asset (what spot venues take of a
 * buy, unless another asset pays) they leave the holding, which then is what the venue has brought in, to the last
 * digit; in any other asset they touch neither: what an account holds of that is not kept here. A holding's
 * fees_e16 is the first two in the quote currency, the base asset counted at the price of its fill.
 */
#ifndef PW_PORTFOLIO_H
#define PW_PORTFOLIO_H

#include "positions.h"
#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_portfolio_row {
    struct pw_holding holding;
    int64_t bid_e8, ask_e8; /* the last ones there were; 0: never */
    bool changed;           /* since pw_portfolio_view last showed it */
};

struct pw_portfolio {
    pw_i128 start_cash_e16, cash_e16;
    pw_i128 short_cost_e16; /* what the short holdings brought in, >= 0 */
    uint32_t row_cnt;
    struct pw_portfolio_row rows[]; /* by instrument */
};

/* Bytes for that many instruments, a multiple of 64. */
size_t pw_portfolio_bytes(uint32_t instrument_cnt);

/* memory: zeroed, aligned to 64. */
struct pw_portfolio *pw_portfolio_init(void *memory, uint32_t instrument_cnt, pw_i128 cash_e16);

/* One fill. False when a sum would overflow: then nothing has changed. */
bool pw_portfolio_fill(struct pw_portfolio *portfolio, uint16_t instrument_idx, enum pw_side side,
                       int64_t price_e8, int64_t qty_e8, pw_i128 fee_e16);

/* What a fill at that price has cost in the base asset, after the fill itself. False as above. */
bool pw_portfolio_base_fee(struct pw_portfolio *portfolio, uint16_t instrument_idx, int64_t price_e8,
                           int64_t fee_e8);

/* A new quote; a side of price 0 keeps the last mark. */
void pw_portfolio_quote(struct pw_portfolio *portfolio, uint16_t instrument_idx, int64_t bid_e8,
                        int64_t ask_e8);

/* Cash and holdings at their marks: start cash + realized + unrealized. */
pw_i128 pw_portfolio_equity_e16(const struct pw_portfolio *portfolio);

/* If the holding or its mark has changed since it was last asked for: true, and *out is what the workspace
 * shows. */
bool pw_portfolio_view(struct pw_portfolio *portfolio, uint16_t instrument_idx, struct pw_position *out);

#endif
