/* SPDX-License-Identifier: MIT
 *
 * Units: usual instruments keep the usual ones, others get those that hold them, and some are refused.
 */
#include "unit_choice.h"

#include <criterion/criterion.h>
#include <string.h>

/* cases/04-quantity-too-large */
static const struct {
    const char *tick, *max_price, *step, *max_qty;
    int unit_shift; /* 99: refused */
} rows[] = {
    /* as the venue lists them */
    {"0.01000000", "1000000.00000000", "0.00001000", "9000.00000000", 0},
    {"0.00000001", "1000.00000000", "1.00000000", "92141578.00000000", 0},
    {"0.00000001", "1.00000000", "1.00000000", "900000000.00000000", 0},
    /* cheap coins */
    {"0.00000001", "1.00000000", "1.00000000", "46116860414.00000000", 3},
    {"0.000000000001", "1", "1", "1000000", 4},
    {"0.0000000001", "1", "1000", "1000000000000", 5},
    {"0.00000001", "1", "1", "1000000000000000", 8},
    /* currencies of many units */
    {"1", "1000000000", "0.00000001", "9000", 0},
    {"10", "100000000000", "0.00000001", "9000", -1},
    {"1000", "10000000000000", "0.00000001", "100", -3},
    /* a quantity that cannot be held beside its price is capped */
    {"0.00000001", "1", "0.00000001", "1000000000000000", 0},
    {NULL, NULL, NULL, NULL, 0},
    {"0", "0", "0", "0", 0},
    /* refused */
    {"0.000000000001", "1", "0.00001", "1000", 99},
    {"0.00000001", "1000000000000", "0.00000001", "1", 99},
    {"0.00000000000000001", "1", "1", "1", 99},
    {"0.01", "99999999999999999999999999999999", "1", "1", 99},
};

static struct pw_unit_wants wants_of(size_t i)
{
    struct pw_unit_wants wants = {0};
    if (rows[i].tick != NULL) {
        pw_unit_want_exact(&wants.price, rows[i].tick);
        pw_unit_want_largest(&wants.price, rows[i].max_price);
        pw_unit_want_exact(&wants.qty, rows[i].step);
        pw_unit_want_largest(&wants.qty, rows[i].max_qty);
    }
    return wants;
}

Test(unit_choice, units_hold_what_the_filters_allow)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_unit_wants wants = wants_of(i);
        char why[160] = "";
        int unit_shift = 99;
        if (!pw_unit_choose(&wants, NULL, &unit_shift, why, sizeof why)) {
            unit_shift = 99;
            cr_expect_neq(why[0], '\0');
        }
        cr_expect_eq(unit_shift, rows[i].unit_shift, "row %zu: %d %s", i, unit_shift, why);
    }
}

Test(unit_choice, an_instrument_keeps_its_units_while_they_hold_it)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_unit_wants wants = wants_of(i);
        struct pw_instrument known = {.unit_shift = (int8_t)(rows[i].unit_shift % 99)};
        char why[160];
        int unit_shift;
        cr_expect_eq(pw_unit_choose(&wants, &known, &unit_shift, why, sizeof why), rows[i].unit_shift != 99);
        known.unit_shift = 8;
        bool holds = pw_unit_choose(&wants, &known, &unit_shift, why, sizeof why);
        cr_expect(!holds || unit_shift == 8);
    }
    struct pw_unit_wants wants = wants_of(0);
    const struct pw_instrument known = {.unit_shift = 8};
    char why[160];
    int unit_shift;
    cr_expect_not(pw_unit_choose(&wants, &known, &unit_shift, why, sizeof why));
}
