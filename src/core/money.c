/* SPDX-License-Identifier: MIT
 *
 * The three roundings of money. Divisions come before multiplications, so that 128 bits suffice.
 */
#include "money.h"

#include "pw_assert.h"

pw_i128 pw_money_fee_e16(pw_i128 notional_e16, int64_t rate_e8)
{
    pw_i128 whole = notional_e16 / PW_E8 * rate_e8;
    int64_t rest = (int64_t)(notional_e16 % PW_E8) * rate_e8; /* below 1e16 */
    /* Towards plus infinity: division truncates, which is up for a rebate already. */
    return whole + (rest > 0 ? (rest + PW_E8 - 1) / PW_E8 : rest / PW_E8);
}

/* quotient + rest / divisor, rounded half to even. The rest has the sign of the true remainder, |rest| <
 * divisor. */
static pw_i128 round_half_even(pw_i128 quotient, pw_i128 rest, pw_i128 divisor)
{
    pw_i128 size = rest < 0 ? -rest : rest;
    pw_i128 other = divisor - size;
    if (size > other || (size == other && quotient % 2 != 0)) {
        return quotient + (rest < 0 ? -1 : 1);
    }
    return quotient;
}

pw_i128 pw_money_share(pw_i128 amount, int64_t part, int64_t whole)
{
    /* amount * part / whole = amount / whole * part + amount % whole * part / whole; both terms have one
     * sign, and the second product is below 2^126. */
    if (part == 0 || part == whole) {
        return part ? amount : 0; /* most often, and four divisions less */
    }
    pw_assert(part > 0 && part < whole);
    pw_i128 rest = amount % whole * part;
    return round_half_even(amount / whole * part + rest / whole, rest % whole, whole);
}

int64_t pw_money_price_e8(pw_i128 amount_e16, int64_t qty_e8)
{
    pw_assert(qty_e8 != 0);
    pw_i128 divisor = qty_e8 < 0 ? -(pw_i128)qty_e8 : qty_e8;
    pw_i128 price = round_half_even(amount_e16 / divisor, amount_e16 % divisor, divisor);
    if (qty_e8 < 0) {
        price = -price;
    }
    return price > INT64_MAX ? INT64_MAX : price < INT64_MIN ? INT64_MIN : (int64_t)price;
}
