/* SPDX-License-Identifier: MIT
 *
 * Units of the integers that stand for amounts and times.
 */
#ifndef PINWHEEL_UNITS_H
#define PINWHEEL_UNITS_H

#include <stdint.h>

#define PW_E8 INT64_C(100000000)

/* Prices and quantities are integers in units of 10^-8 (`_e8`), so their product is an amount in 10^-16. An
 * instrument whose numbers do not fit 64 bits so has another pair of units with the same product: its
 * `unit_shift` decimals are taken from the quantity and given to the price. 0: the usual units. */
#define PW_UNIT_SHIFT_MAX 8

#define PW_UNITS (2 * PW_UNIT_SHIFT_MAX + 1) /* pairs of units that there are */

/* Of 0 to 18. */
static inline int64_t pw_power10(int exponent)
{
    int64_t power = 1;
    for (; exponent > 0; exponent--) {
        power *= 10;
    }
    return power;
}

static inline int pw_price_decimals(int unit_shift)
{
    return 8 + unit_shift;
}

static inline int pw_qty_decimals(int unit_shift)
{
    return 8 - unit_shift;
}

/* Of a volume in the quote currency: the price's, but never more than 8. */
static inline int pw_quote_volume_decimals(int unit_shift)
{
    return unit_shift < 0 ? 8 + unit_shift : 8;
}

#define PW_NS_PER_MS INT64_C(1000000)
#define PW_NS_PER_S  INT64_C(1000000000)

#endif
