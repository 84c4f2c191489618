/* SPDX-License-Identifier: MIT
 *
 * The roundings of money, at their edges.
 */
#include "money.h"

#include <criterion/criterion.h>

#define E16 ((pw_i128)PW_E8 * PW_E8)

Test(money, a_fee_that_16_decimals_can_say_is_exact)
{
    pw_i128 notional = pw_money_notional_e16(INT64_C(6173200000000), 1000000);  /* 61732.00 * 0.01 */
    cr_expect(pw_money_fee_e16(notional, 100000) == (pw_i128)6173200000000000); /* 0.61732 */
    cr_expect(pw_money_fee_e16(0, 100000) == 0);
    cr_expect(pw_money_fee_e16(notional, 0) == 0);
}

Test(money, a_fee_beyond_16_decimals_is_rounded_against_us)
{
    cr_expect(pw_money_fee_e16(1, 1) == 1);  /* 1e-24 */
    cr_expect(pw_money_fee_e16(1, -1) == 0); /* a rebate of 1e-24 */
    cr_expect(pw_money_fee_e16(PW_E8 + 1, 3) == 4);
    cr_expect(pw_money_fee_e16(PW_E8 + 1, -3) == -3);
    cr_expect(pw_money_fee_e16(PW_E8, 3) == 3);
}

Test(money, the_largest_notional_and_rate_do_not_overflow)
{
    pw_i128 largest = pw_money_notional_e16(INT64_MAX, INT64_MAX);
    cr_expect(pw_money_fee_e16(largest, PW_FEE_RATE_MAX_E8) == largest);
    cr_expect(pw_money_fee_e16(largest, -PW_FEE_RATE_MAX_E8) == -largest);
}

Test(money, a_share_is_rounded_half_to_even)
{
    cr_expect(pw_money_share(10, 1, 4) == 2); /* 2.5 */
    cr_expect(pw_money_share(14, 1, 4) == 4); /* 3.5 */
    cr_expect(pw_money_share(-10, 1, 4) == -2);
    cr_expect(pw_money_share(-14, 1, 4) == -4);
    cr_expect(pw_money_share(11, 1, 4) == 3); /* 2.75 */
    cr_expect(pw_money_share(9, 1, 4) == 2);  /* 2.25 */
    cr_expect(pw_money_share(7, 3, 3) == 7);
    cr_expect(pw_money_share(7, 0, 3) == 0);
    pw_i128 large = ((pw_i128)1 << 62) * INT64_MAX;
    cr_expect(pw_money_share(large, INT64_MAX - 1, INT64_MAX) == ((pw_i128)1 << 62) * (INT64_MAX - 1));
    cr_expect(pw_money_share(large, INT64_MAX, INT64_MAX) == large);
}

Test(money, an_average_price_is_rounded_half_to_even_and_keeps_its_sign)
{
    cr_expect_eq(pw_money_price_e8(5, 2), 2);
    cr_expect_eq(pw_money_price_e8(7, 2), 4);
    cr_expect_eq(pw_money_price_e8(-5, -2), 2);
    cr_expect_eq(pw_money_price_e8(-7, 2), -4);
    cr_expect_eq(pw_money_price_e8(E16 * E16 / 4, 1), INT64_MAX);
    cr_expect_eq(pw_money_price_e8(-(E16 * E16 / 4), 1), INT64_MIN);
}

Test(money, a_sum_that_would_overflow_is_not_made)
{
    pw_i128 max = (((pw_i128)1 << 126) - 1) * 2 + 1;
    pw_i128 sum = max;
    cr_expect_not(pw_money_add(&sum, 1));
    cr_expect(sum == max);
    cr_expect(pw_money_add(&sum, -1));
}

Test(money, words_hold_an_amount_and_give_it_back)
{
    const pw_i128 amounts[] = {0, 1, -1, E16 * 12345, -E16 * 12345, (pw_i128)1 << 64, -((pw_i128)1 << 64)};
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        uint64_t words[2];
        pw_money_put_words(words, amounts[i]);
        cr_expect(pw_money_of_words(words) == amounts[i]);
    }
}

/* ---- amounts by kind of instrument ---- */

static void expect_amount(enum pw_instrument_kind kind, int64_t multiplier_e8, int64_t price_e8,
                          int64_t qty_e8, pw_i128 wanted_e16)
{
    pw_i128 amount_e16 = 0;
    cr_expect(pw_money_amount_e16(kind, multiplier_e8, price_e8, qty_e8, &amount_e16));
    cr_expect(amount_e16 == wanted_e16, "kind %d, multiplier %lld, price %lld, quantity %lld", kind,
              (long long)multiplier_e8, (long long)price_e8, (long long)qty_e8);
}

static void expect_no_amount(enum pw_instrument_kind kind, int64_t multiplier_e8, int64_t price_e8,
                             int64_t qty_e8)
{
    pw_i128 amount_e16 = 0;
    cr_expect_not(pw_money_amount_e16(kind, multiplier_e8, price_e8, qty_e8, &amount_e16),
                  "kind %d, multiplier %lld, price %lld, quantity %lld", kind, (long long)multiplier_e8,
                  (long long)price_e8, (long long)qty_e8);
}

Test(money, the_amount_of_spot_is_the_product_whatever_the_multiplier)
{
    expect_amount(PW_SPOT, PW_E8, 3, 5, 15);
    expect_amount(PW_SPOT, 7, -3, 5, -15);
    expect_amount(PW_SPOT, PW_E8, INT64_MAX, INT64_MAX, (pw_i128)INT64_MAX * INT64_MAX);
    expect_amount(PW_SPOT, PW_E8, INT64_MIN, INT64_MAX, (pw_i128)INT64_MIN * INT64_MAX);
    cr_expect(pw_money_notional_e16(INT64_MIN, INT64_MIN) == (pw_i128)INT64_MIN * INT64_MIN);
}

Test(money, the_amount_of_a_linear_contract_has_the_multiplier)
{
    const pw_i128 e16 = (pw_i128)PW_E8 * PW_E8;
    expect_amount(PW_LINEAR, PW_E8, 60000 * PW_E8, 2 * PW_E8, 120000 * e16);
    expect_amount(PW_LINEAR, PW_E8 / 1000, 60000 * PW_E8, 2 * PW_E8, 120 * e16);
    expect_amount(PW_LINEAR, 50 * PW_E8, 3, -PW_E8, -150 * (pw_i128)PW_E8);
    expect_amount(PW_LINEAR, PW_E8 / 2, 1, 2, 1);
    expect_amount(PW_LINEAR, PW_E8 / 2, 1, -2, -1);
    expect_amount(PW_LINEAR, PW_E8, INT64_MAX, INT64_MAX, (pw_i128)INT64_MAX * INT64_MAX);
    expect_amount(PW_LINEAR, 0, INT64_MAX, INT64_MAX, 0);
    /* Close to the largest that fits. */
    expect_amount(PW_LINEAR, 2 * PW_E8, INT64_MAX, INT64_MAX, 2 * ((pw_i128)INT64_MAX * INT64_MAX));
}

Test(money, an_amount_that_is_not_exact_or_does_not_fit_is_refused)
{
    expect_no_amount(PW_LINEAR, PW_E8 / 2, 1, 1); /* half of 1e-16 */
    expect_no_amount(PW_LINEAR, 1, 3, 5);
    expect_no_amount(PW_LINEAR, 3 * PW_E8, INT64_MAX, INT64_MAX);
    expect_no_amount(PW_LINEAR, INT64_MAX, INT64_MIN, INT64_MAX);
    expect_no_amount(PW_LINEAR, INT64_MIN, INT64_MIN, INT64_MIN);
    /* Of the base currency, and a quotient. */
    expect_no_amount(PW_INVERSE, 100 * PW_E8, 60000 * PW_E8, PW_E8);
    expect_no_amount((enum pw_instrument_kind)3, PW_E8, PW_E8, PW_E8);
}
