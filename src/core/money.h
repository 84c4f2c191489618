/* SPDX-License-Identifier: MIT
 *
 * Money in exact integers: the product of a price and a quantity (both e8) is an amount in e16, 128 bits
 * wide.
 *
 * Nothing here is ever rounded but three things, each by a stated rule: a fee that has more than 16 decimals
 * (up, against us), a share of an amount (half to even), a price averaged for show (half to even).
 */
#ifndef PW_MONEY_H
#define PW_MONEY_H

#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

/* Largest fee rate that pw_money_fee_e16 takes, as a magnitude: 100 %. Negative rates are rebates. */
#define PW_FEE_RATE_MAX_E8 PW_E8

/* What a quantity of an instrument is worth at a price: of spot their product, of a linear contract that
 * times the multiplier, in the quote currency and exactly. False: it does not fit 128 bits or 16 decimals, or
 * the kind has no such amount: an inverse contract's is of the base currency, and a quotient. */
static inline bool pw_money_amount_e16(enum pw_instrument_kind kind, int64_t multiplier_e8, int64_t price_e8,
                                       int64_t qty_e8, pw_i128 *amount_e16)
{
    pw_i128 product = (pw_i128)price_e8 * qty_e8; /* always fits: both are below 2^63 */
    if (kind == PW_SPOT) {
        *amount_e16 = product;
        return true;
    }
    pw_i128 rest = product % PW_E8 * multiplier_e8, whole; /* the rest is below 2^90 */
    return kind == PW_LINEAR && rest % PW_E8 == 0 &&
           !__builtin_mul_overflow(product / PW_E8, (pw_i128)multiplier_e8, &whole) &&
           !__builtin_add_overflow(whole, rest / PW_E8, amount_e16);
}

/* Which instruments the engine can keep the money of; all others cannot be traded. 0: no multiplier is given.
 */
static inline bool pw_money_accounts_for(const struct pw_instrument *instrument)
{
    return instrument->kind == PW_SPOT &&
           (instrument->multiplier_e8 == PW_E8 || instrument->multiplier_e8 == 0);
}

/* The amount of an instrument that the engine accounts for: spot's, which always fits. */
static inline pw_i128 pw_money_notional_e16(int64_t price_e8, int64_t qty_e8)
{
    pw_i128 amount_e16;
    (void)pw_money_amount_e16(PW_SPOT, PW_E8, price_e8, qty_e8, &amount_e16);
    return amount_e16;
}

static inline pw_i128 pw_money_e16_of_e8(int64_t value_e8)
{
    return (pw_i128)value_e8 * PW_E8;
}

/* rate * notional. Exact where 16 decimals can say it, else the next larger one: a fee is never too small, a
 * rebate never too large. notional_e16 >= 0, |rate_e8| <= PW_FEE_RATE_MAX_E8. */
pw_i128 pw_money_fee_e16(pw_i128 notional_e16, int64_t rate_e8);

/* amount * part / whole, rounded half to even, without overflow on the way. 0 <= part <= whole, whole > 0. */
pw_i128 pw_money_share(pw_i128 amount, int64_t part, int64_t whole);

/* amount / qty as a price, rounded half to even; qty_e8 != 0; what does not fit is clamped. */
int64_t pw_money_price_e8(pw_i128 amount_e16, int64_t qty_e8);

/* False, and *sum unchanged, when it would overflow. */
static inline bool pw_money_add(pw_i128 *sum, pw_i128 more)
{
    pw_i128 result;
    if (__builtin_add_overflow(*sum, more, &result)) {
        return false;
    }
    *sum = result;
    return true;
}

/* The two words in which a shared struct holds an amount: low first, two's complement. */
static inline void pw_money_put_words(uint64_t words[2], pw_i128 amount)
{
    words[0] = (uint64_t)amount;
    words[1] = (uint64_t)(amount >> 64);
}

static inline pw_i128 pw_money_of_words(const uint64_t words[2])
{
    return (pw_i128)(int64_t)words[1] * ((pw_i128)1 << 64) + (pw_i128)words[0];
}

#endif
