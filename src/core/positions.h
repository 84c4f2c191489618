/* SPDX-License-Identifier: MIT
 *
 * Positions: what fills have made of one instrument, and what they did to the cash. Exact integers, average
 * cost.
 *
 * A holding's quantity is signed (negative: short). A fill that adds to it adds its notional to the cost and
 * its fee to the entry fees; one that reduces it takes their share of the cost and of the entry fees out (in
 * proportion to the quantity closed, pw_money_share's rounding; the rest stays, so that nothing is lost and a
 * flat holding is exact to the last digit) and books the difference to what it was closed for, less both
 * fees, as realized. A fill larger than the holding closes it and opens the other side with the rest, its fee
 * split in proportion.
 *
 * A fee in the base asset takes of the quantity and leaves the cost: what is left cost more apiece, so that
 * realized and unrealized bear the fee without its being booked again. A holding that it ends (what was left
 * was no more than the fee) has lost its cost: that is realized. Among the fees it counts at the fill's
 * price, for show alone: no sum below knows of it.
 *
 * At every moment, exactly:
 *     cash - cash at start = realized - cost - entry fees        (summed over the holdings of the account)
 *     cash + quantity * mark - cash at start = realized + unrealized
 */
#ifndef PW_POSITIONS_H
#define PW_POSITIONS_H

#include "money.h"
#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

/* All zero: flat, never traded. */
struct pw_holding {
    int64_t qty_e8;
    pw_i128
        cost_e16; /* of the open quantity, without fees; negative when short (what the short brought in) */
    pw_i128 entry_fees_e16; /* paid for opening what is open */
    pw_i128 realized_e16;   /* after the fees of both ends */
    pw_i128 fees_e16; /* all ever paid in the quote currency, and in the base asset at their fills' prices */
    uint64_t buy_cnt, sell_cnt;
};

/* One fill, and the account's cash after it. False when a sum would overflow: then nothing has changed.
 * price_e8 > 0, qty_e8 > 0; fee_e16 may be negative (a rebate). */
bool pw_holding_fill(struct pw_holding *holding, pw_i128 *cash_e16, enum pw_side side, int64_t price_e8,
                     int64_t qty_e8, pw_i128 fee_e16);

/* What a fill at that price cost in the base asset; fee_e8 may be negative (a rebate). False as above. */
bool pw_holding_base_fee(struct pw_holding *holding, int64_t price_e8, int64_t fee_e8);

/* The best quote that closes it: a long at the bid, a short at the ask; 0 when flat. */
static inline int64_t pw_holding_mark_e8(const struct pw_holding *holding, int64_t bid_e8, int64_t ask_e8)
{
    if (holding->qty_e8 == 0) {
        return 0;
    }
    return holding->qty_e8 > 0 ? bid_e8 : ask_e8;
}

/* Value of the open quantity at a mark: negative for a short. */
static inline pw_i128 pw_holding_value_e16(const struct pw_holding *holding, int64_t mark_e8)
{
    return pw_money_notional_e16(mark_e8, holding->qty_e8);
}

/* value - cost - entry fees; 0 at mark 0 (no quote yet: nothing is known about it). */
pw_i128 pw_holding_unrealized_e16(const struct pw_holding *holding, int64_t mark_e8);

/* As the workspace shows it. */
void pw_holding_view(const struct pw_holding *holding, int64_t mark_e8, struct pw_position *out);

#endif
