/* SPDX-License-Identifier: MIT
 *
 * Decimal text to scaled integers and back.
 */
#include "decimal.h"

#include <string.h>

static const uint64_t power10[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* Digits of text up to a non-digit; *value = *value * 10 + digit for each. Stops before what would pass
 * limit. */
static size_t take_digits(const char *text, size_t size, uint64_t limit, uint64_t *value)
{
    size_t i = 0;
    for (; i < size; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9 || *value > (limit - digit) / 10) {
            break;
        }
        *value = *value * 10 + digit;
    }
    return i;
}

static bool all_zeros(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '0') {
            return false;
        }
    }
    return true;
}

bool pw_decimal_parse_e8(const char *text, size_t size, bool negative_ok, int64_t *value_e8)
{
    bool negative = size > 0 && text[0] == '-';
    if (negative && !negative_ok) {
        return false;
    }
    text += negative;
    size -= negative;
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    uint64_t value = 0;
    size_t whole = take_digits(text, size, limit, &value);
    if (whole == 0) {
        return false;
    }
    size_t decimals = 0;
    if (whole < size) {
        const char *fraction = text + whole + 1;
        size_t left = size - whole - 1;
        if (text[whole] != '.' || left == 0) {
            return false;
        }
        size_t used = left < 8 ? left : 8;
        decimals = take_digits(fraction, used, limit, &value);
        if (decimals != used || !all_zeros(fraction + used, left - used)) {
            return false;
        }
    }
    if (value > limit / power10[8 - decimals] || (negative && value == 0)) {
        return false;
    }
    value *= power10[8 - decimals];
    *value_e8 = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

int pw_decimal_print(pw_i128 value, int scale, int decimals_min, char *text)
{
    char digits[PW_DECIMAL_TEXT_BYTES]; /* least significant first */
    int digit_cnt = 0;
    bool negative = value < 0;
    while (value != 0 || digit_cnt <= scale) {
        int digit = (int)(value % 10); /* negative with the value: the smallest has no opposite to work on */
        digits[digit_cnt++] = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    }
    int last = 0; /* the least significant digit to be shown */
    while (last < scale - decimals_min && digits[last] == '0') {
        last++;
    }
    char *out = text;
    if (negative) {
        *out++ = '-';
    }
    for (int i = digit_cnt - 1; i >= last; i--) {
        if (i == scale - 1) {
            *out++ = '.';
        }
        *out++ = digits[i];
    }
    *out = '\0';
    return (int)(out - text);
}

int pw_decimal_print_e8(int64_t value_e8, char *text)
{
    return pw_decimal_print(value_e8, 8, 0, text);
}

int pw_decimal_print_e16(pw_i128 value_e16, char *text)
{
    return pw_decimal_print(value_e16, 16, 0, text);
}

int pw_decimal_print_fixed_e8(int64_t value_e8, int decimals, char *text)
{
    decimals = decimals < 0 ? 0 : decimals > 8 ? 8 : decimals;
    return pw_decimal_print(value_e8 / (int64_t)power10[8 - decimals], decimals, decimals, text);
}
