/* SPDX-License-Identifier: MIT
 *
 * A fill is split into the part that closes and the part that opens; each is booked by its own small
 * function.
 */
#include "positions.h"

#include "pw_assert.h"
#include <string.h>

static bool subtract(pw_i128 *sum, pw_i128 less)
{
    pw_i128 result;
    if (__builtin_sub_overflow(*sum, less, &result)) {
        return false;
    }
    *sum = result;
    return true;
}

/* Takes `qty` of the holding's own side out, at `price`. */
static bool close_part(struct pw_holding *h, int64_t price_e8, int64_t qty_e8, pw_i128 fee_e16)
{
    int64_t held = h->qty_e8 < 0 ? -h->qty_e8 : h->qty_e8;
    int64_t signed_qty = h->qty_e8 < 0 ? -qty_e8 : qty_e8;
    pw_assert(qty_e8 > 0 && qty_e8 <= held);
    pw_i128 cost = pw_money_share(h->cost_e16, qty_e8, held);
    pw_i128 entry_fees = pw_money_share(h->entry_fees_e16, qty_e8, held);
    h->qty_e8 -= signed_qty;
    h->cost_e16 -= cost;
    h->entry_fees_e16 -= entry_fees;
    return pw_money_add(&h->realized_e16, pw_money_notional_e16(price_e8, signed_qty)) &&
           subtract(&h->realized_e16, cost) && subtract(&h->realized_e16, entry_fees) &&
           subtract(&h->realized_e16, fee_e16);
}

static bool open_part(struct pw_holding *h, int64_t price_e8, int64_t signed_qty_e8, pw_i128 fee_e16)
{
    /* INT64_MIN is kept out, so that a quantity can always be negated. */
    if (__builtin_add_overflow(h->qty_e8, signed_qty_e8, &h->qty_e8) || h->qty_e8 == INT64_MIN) {
        return false;
    }
    return pw_money_add(&h->cost_e16, pw_money_notional_e16(price_e8, signed_qty_e8)) &&
           pw_money_add(&h->entry_fees_e16, fee_e16);
}

/* What the fill did to the cash is in the holding, to the last digit (positions.h). Differences that wrap
 * round are equal all the same. */
static bool sums_agree(const struct pw_holding *before, const struct pw_holding *after, pw_i128 cash_before,
                       pw_i128 cash_after)
{
    __extension__ typedef unsigned __int128 wrapping;
    return (wrapping)cash_after - (wrapping)cash_before ==
           ((wrapping)after->realized_e16 - (wrapping)before->realized_e16) -
               ((wrapping)after->cost_e16 - (wrapping)before->cost_e16) -
               ((wrapping)after->entry_fees_e16 - (wrapping)before->entry_fees_e16);
}

bool pw_holding_fill(struct pw_holding *holding, pw_i128 *cash_e16, enum pw_side side, int64_t price_e8,
                     int64_t qty_e8, pw_i128 fee_e16)
{
    struct pw_holding h = *holding;
    pw_i128 cash = *cash_e16;
    pw_assert(qty_e8 > 0 && h.qty_e8 != INT64_MIN);
    int64_t against = side == PW_BUY ? -h.qty_e8 : h.qty_e8; /* what the fill can close, if positive */
    int64_t closing = against <= 0 ? 0 : against < qty_e8 ? against : qty_e8;
    int64_t opening = qty_e8 - closing;
    pw_i128 closing_fee = pw_money_share(fee_e16, closing, qty_e8);
    pw_i128 paid = pw_money_notional_e16(price_e8, side == PW_BUY ? qty_e8 : -qty_e8);

    if ((closing && !close_part(&h, price_e8, closing, closing_fee)) ||
        (opening && !open_part(&h, price_e8, side == PW_BUY ? opening : -opening, fee_e16 - closing_fee)) ||
        !pw_money_add(&h.fees_e16, fee_e16) || !subtract(&cash, paid) || !subtract(&cash, fee_e16)) {
        return false;
    }
    pw_assert(h.qty_e8 != 0 || (h.cost_e16 == 0 && h.entry_fees_e16 == 0));
    pw_assert(sums_agree(holding, &h, *cash_e16, cash));
    h.buy_cnt += side == PW_BUY;
    h.sell_cnt += side == PW_SELL;
    *holding = h;
    *cash_e16 = cash;
    return true;
}

bool pw_holding_base_fee(struct pw_holding *holding, int64_t price_e8, int64_t fee_e8)
{
    struct pw_holding h = *holding;
    if (__builtin_sub_overflow(h.qty_e8, fee_e8, &h.qty_e8) || h.qty_e8 == INT64_MIN) {
        return false;
    }
    bool ended = holding->qty_e8 != 0 && (h.qty_e8 == 0 || (h.qty_e8 < 0) != (holding->qty_e8 < 0));
    if (ended) {
        if (!subtract(&h.realized_e16, h.cost_e16) || !subtract(&h.realized_e16, h.entry_fees_e16)) {
            return false;
        }
        h.cost_e16 = h.entry_fees_e16 = 0;
    }
    pw_assert(h.qty_e8 != 0 || (h.cost_e16 == 0 && h.entry_fees_e16 == 0));
    if (!pw_money_add(&h.fees_e16, pw_money_notional_e16(price_e8, fee_e8))) {
        return false;
    }
    *holding = h;
    return true;
}

pw_i128 pw_holding_unrealized_e16(const struct pw_holding *holding, int64_t mark_e8)
{
    if (mark_e8 == 0) {
        return 0;
    }
    /* Value and cost have one sign and are below 2^126 each. */
    pw_i128 gain = pw_holding_value_e16(holding, mark_e8) - holding->cost_e16;
    return subtract(&gain, holding->entry_fees_e16) ? gain : 0;
}

void pw_holding_view(const struct pw_holding *holding, int64_t mark_e8, struct pw_position *out)
{
    memset(out, 0, sizeof *out);
    out->qty_e8 = holding->qty_e8;
    out->avg_price_e8 = holding->qty_e8 ? pw_money_price_e8(holding->cost_e16, holding->qty_e8) : 0;
    pw_money_put_words(out->cost_e16, holding->cost_e16);
    pw_money_put_words(out->realized_e16, holding->realized_e16);
    pw_money_put_words(out->unrealized_e16, pw_holding_unrealized_e16(holding, mark_e8));
    pw_money_put_words(out->fees_e16, holding->fees_e16);
    out->buy_cnt = holding->buy_cnt;
    out->sell_cnt = holding->sell_cnt;
}
