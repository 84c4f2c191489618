/* SPDX-License-Identifier: MIT
 *
 * Exact decimals: tables of the edges, and random ones against a reading that shares nothing with the code.
 */
#include "decimal.h"

#include "guard.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_CNT 100000

static bool parse(const char *text, bool negative_ok, int64_t *value)
{
    return pw_decimal_parse_e8(text, strlen(text), negative_ok, value);
}

Test(decimal, plain_decimals_are_read_exactly)
{
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"0", 0},
        {"0.0", 0},
        {"0.00000000", 0},
        {"0.000000000000", 0},
        {"1", 100000000},
        {"10", 1000000000},
        {"0.1", 10000000},
        {"0.00000001", 1},
        {"0.000000010000", 1},
        {"61602.01000000", INT64_C(6160201000000)},
        {"4723846.89208129", INT64_C(472384689208129)},
        {"2036102085.69746400", INT64_C(203610208569746400)},
        {"92233720368.54775807", INT64_MAX},
        {"92233720368.547758070000", INT64_MAX},
        {"007.5", 750000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = -7;
        cr_assert(parse(rows[i].text, false, &value), "%s", rows[i].text);
        cr_assert_eq(value, rows[i].value, "%s gave %" PRId64, rows[i].text, value);
    }
}

Test(decimal, a_minus_is_read_only_where_it_may_stand)
{
    int64_t value;
    cr_assert(parse("-131.40000000", true, &value) && value == INT64_C(-13140000000));
    cr_assert(parse("-92233720368.54775808", true, &value) && value == INT64_MIN);
    cr_assert(parse("-0.00000001", true, &value) && value == -1);
    cr_assert_not(parse("-131.4", false, &value));
}

Test(decimal, everything_else_is_refused_and_stores_nothing)
{
    static const char *const rows[] = {"",
                                       ".",
                                       ".5",
                                       "5.",
                                       "-",
                                       "-.5",
                                       "-5.",
                                       "--1",
                                       "+1",
                                       "1-",
                                       "1e-6",
                                       "1E5",
                                       "NaN",
                                       "inf",
                                       "0x10",
                                       "1,5",
                                       "1.2.3",
                                       "1..2",
                                       " 1",
                                       "1 ",
                                       "1_000",
                                       "-0",
                                       "-0.0",
                                       "-0.00000000",
                                       "0.000000001",
                                       "0.123456789012345678901234567890",
                                       "92233720368.54775808",
                                       "-92233720368.54775809",
                                       "92233720369",
                                       "99999999999999999999.0",
                                       "18446744073709551616",
                                       "340282366920938463463374607431768211456",
                                       "\xd9\xa3"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = -7;
        cr_assert_not(parse(rows[i], true, &value), "'%s' was taken", rows[i]);
        cr_assert_eq(value, -7, "'%s' stored something", rows[i]);
    }
    int64_t value;
    cr_assert_not(pw_decimal_parse_e8("1\0002", 3, true, &value));
}

/* The meaning of `text` by the definition of a decimal, digit by digit in 128 bits: false if it has none. */
static bool reference(const char *text, size_t size, int64_t *value)
{
    size_t at = 0, point = size;
    bool negative = size > 0 && text[0] == '-';
    pw_i128 sum = 0;
    for (at = negative; at < size; at++) {
        if (text[at] == '.' && point == size) {
            point = at;
            continue;
        }
        if (text[at] < '0' || text[at] > '9') {
            return false;
        }
    }
    if (point == (size_t)negative || point + 1 == size || size == (size_t)negative) {
        return false;
    }
    for (at = negative; at < point; at++) {
        sum = sum * 10 + (text[at] - '0') * (pw_i128)PW_E8;
    }
    pw_i128 unit = PW_E8 / 10;
    for (at = point + 1; at < size; at++, unit /= 10) {
        if (unit == 0 && text[at] != '0') {
            return false;
        }
        sum += (text[at] - '0') * unit;
    }
    sum = negative ? -sum : sum;
    *value = (int64_t)sum;
    return sum == *value && !(negative && sum == 0);
}

Test(decimal, random_decimals_agree_with_the_definition)
{
    uint64_t seed = 20240808;
    struct guard guard = guard_make(64);
    int taken_cnt = 0;
    for (int i = 0; i < RANDOM_CNT; i++) {
        char text[40];
        size_t size = 0, digit_cnt = 1 + test_random(&seed) % 21;
        size_t point = test_random(&seed) % 24;
        if (test_random(&seed) % 4 == 0) {
            text[size++] = '-';
        }
        for (size_t digit = 0; digit < digit_cnt; digit++) {
            if (digit == point) {
                text[size++] = '.';
            }
            uint64_t random = test_random(&seed);
            text[size++] =
                random % 97 == 0 ? (char)random : (char)('0' + (random >> 8) % (random % 3 ? 10 : 2));
        }
        int64_t expected = 0, value = 0;
        bool valid = reference(text, size, &expected);
        bool taken = pw_decimal_parse_e8(guard_copy(&guard, text, size), size, true, &value);
        cr_assert_eq(taken, valid, "'%.*s' (number %d)", (int)size, text, i);
        cr_assert(!taken || value == expected, "'%.*s' gave %" PRId64, (int)size, text, value);
        taken_cnt += taken;
    }
    cr_assert_gt(taken_cnt, RANDOM_CNT / 2, "the generator makes too few valid ones: %d", taken_cnt);
    guard_free(&guard);
}

Test(decimal, printing_is_exact_and_has_no_needless_zeros)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "0.00000001"},
                {-50000000, "-0.5"},
                {INT64_C(6160201000000), "61602.01"},
                {100000000, "1"},
                {INT64_C(1000000000000), "10000"},
                {INT64_MAX, "92233720368.54775807"},
                {INT64_MIN, "-92233720368.54775808"}};
    char text[PW_DECIMAL_TEXT_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(pw_decimal_print_e8(rows[i].value, text), (int)strlen(rows[i].text));
        cr_assert_str_eq(text, rows[i].text);
    }
}

Test(decimal, amounts_print_all_of_their_128_bits)
{
    char text[PW_DECIMAL_TEXT_BYTES];
    pw_i128 half = (pw_i128)1 << 126, largest = half - 1 + half;
    pw_decimal_print_e16(largest, text);
    cr_assert_str_eq(text, "17014118346046923173168.7303715884105727");
    cr_assert_eq(pw_decimal_print_e16(-largest - 1, text), 41);
    cr_assert_str_eq(text, "-17014118346046923173168.7303715884105728");
    pw_decimal_print_e16((pw_i128)PW_E8 * PW_E8, text);
    cr_assert_str_eq(text, "1");
    pw_decimal_print_e16(-1, text);
    cr_assert_str_eq(text, "-0.0000000000000001");
}

Test(decimal, fixed_printing_cuts_off_and_never_shows_a_negative_zero)
{
    char text[PW_DECIMAL_TEXT_BYTES];
    cr_assert_eq(pw_decimal_print_fixed_e8(INT64_C(6160201000000), 8, text), 14);
    cr_assert_str_eq(text, "61602.01000000");
    pw_decimal_print_fixed_e8(INT64_C(6160201999999), 2, text);
    cr_assert_str_eq(text, "61602.01");
    pw_decimal_print_fixed_e8(99999999, 0, text);
    cr_assert_str_eq(text, "0");
    pw_decimal_print_fixed_e8(-99999999, 0, text);
    cr_assert_str_eq(text, "0");
    pw_decimal_print_fixed_e8(-150000000, 1, text);
    cr_assert_str_eq(text, "-1.5");
}

Test(decimal, what_is_printed_reads_back)
{
    uint64_t seed = 7;
    for (int i = 0; i < RANDOM_CNT; i++) {
        int64_t value = (int64_t)(test_random(&seed) >> (test_random(&seed) % 64)), back = 0;
        value = i % 2 ? -value : value;
        char text[PW_DECIMAL_TEXT_BYTES], fixed[PW_DECIMAL_TEXT_BYTES], expected[64];
        int size = pw_decimal_print_e8(value, text);
        cr_assert(pw_decimal_parse_e8(text, (size_t)size, true, &back) && back == value, "%s", text);
        pw_decimal_print_fixed_e8(value, 8, fixed);
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        snprintf(expected, sizeof expected, "%s%" PRIu64 ".%08" PRIu64, value < 0 ? "-" : "",
                 magnitude / 100000000, magnitude % 100000000);
        cr_assert_str_eq(fixed, expected);
    }
}

/* cases/04-quantity-too-large */
Test(decimal, each_number_of_decimals_is_read_as_it_is_written)
{
    uint64_t random = UINT64_C(0x853c49e6748fea9b);
    for (int i = 0; i < RANDOM_CNT; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int decimals = (int)(random >> 40) % (PW_DECIMALS_MAX + 1);
        int64_t value = (int64_t)(random >> (1 + random % 63)), read = -1, capped = -1;
        char text[PW_DECIMAL_TEXT_BYTES];
        bool exact = false;
        size_t size = (size_t)pw_decimal_print(value, decimals, (int)(random >> 50) % (decimals + 1), text);
        cr_assert(pw_decimal_parse(text, size, decimals, false, &read) && read == value, "%s of %d", text,
                  decimals);
        cr_assert(pw_decimal_parse_capped(text, size, decimals, &capped, &exact) && exact && capped == value);
        int places = pw_decimal_places(text, size);
        cr_assert(places >= 0 && places <= decimals);
        cr_assert(places == 0 || !pw_decimal_parse(text, size, places - 1, false, &read), "%s", text);
        pw_i128 wide;
        cr_assert(pw_decimal_parse_e16(text, size, true, &wide));
        for (int k = decimals; k < 16; k++) {
            wide /= 10;
        }
        cr_assert(wide == value, "%s", text);
    }
}

Test(decimal, what_cannot_be_held_is_capped_or_rounded_up)
{
    static const struct {
        const char *text;
        int decimals;
        int64_t value;
        bool exact;
    } rows[] = {{"250000000000.00", 8, INT64_MAX, false},
                {"250000000000.00", 5, INT64_C(25000000000000000), true},
                {"1000000000000000000000000000", 0, INT64_MAX, false},
                {"0.000000001", 8, 1, false},
                {"1.5", 0, 2, false},
                {"1.0", 0, 1, true},
                {"0.99999", 4, 10000, false},
                {"0", 0, 0, true},
                {"92233720368.54775807", 8, INT64_MAX, true},
                {"92233720368.547758070001", 8, INT64_MAX, false},
                {"9223372036854775807.1", 0, INT64_MAX, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value;
        bool exact;
        cr_assert(
            pw_decimal_parse_capped(rows[i].text, strlen(rows[i].text), rows[i].decimals, &value, &exact));
        cr_assert(value == rows[i].value && exact == rows[i].exact, "%s: %" PRId64, rows[i].text, value);
    }
    static const char *const bad[] = {"",    ".",     "1.", ".5", "-1",
                                      "1e9", "1.2.3", "x",  "1 ", "99999999999999999999."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value;
        bool exact;
        cr_assert_not(pw_decimal_parse_capped(bad[i], strlen(bad[i]), 8, &value, &exact), "%s", bad[i]);
        cr_assert_eq(pw_decimal_places(bad[i], strlen(bad[i])), -1, "%s", bad[i]);
    }
}

Test(decimal, an_amount_of_any_asset_is_read_exactly)
{
    pw_i128 value;
    cr_assert(pw_decimal_parse_e16("250000000000.00", 15, false, &value));
    cr_assert(value == (pw_i128)250000000000 * PW_E8 * PW_E8);
    cr_assert(pw_decimal_parse_e16("-0.0000000000000001", 19, true, &value) && value == -1);
    cr_assert_not(pw_decimal_parse_e16("-1", 2, false, &value));
    cr_assert_not(pw_decimal_parse_e16("-0", 2, true, &value));
    cr_assert_not(pw_decimal_parse_e16("0.00000000000000001", 19, false, &value));
    cr_assert(pw_decimal_parse_e16("17014118346046923173168.0", 25, false, &value));
    cr_assert_not(pw_decimal_parse_e16("17014118346046923173169.0", 25, false, &value));
}
