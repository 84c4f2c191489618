/* SPDX-License-Identifier: MIT
 *
 * Decimal text to scaled integers and back.
 */
#include "decimal.h"

#include <string.h>

static const uint64_t power10[PW_DECIMALS_MAX + 1] = {1,
                                                      10,
                                                      100,
                                                      1000,
                                                      10000,
                                                      100000,
                                                      1000000,
                                                      10000000,
                                                      100000000,
                                                      1000000000,
                                                      10000000000,
                                                      100000000000,
                                                      1000000000000,
                                                      10000000000000,
                                                      100000000000000,
                                                      1000000000000000,
                                                      10000000000000000};

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

/* Inlined with a number of decimals that is known, where the hot paths' is. */
static inline __attribute__((always_inline)) bool parse(const char *text, size_t size, unsigned places,
                                                        bool negative_ok, int64_t *to)
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
        size_t used = left < places ? left : places;
        decimals = take_digits(fraction, used, limit, &value);
        if (decimals != used || !all_zeros(fraction + used, left - used)) {
            return false;
        }
    }
    if (value > limit / power10[places - decimals] || (negative && value == 0)) {
        return false;
    }
    value *= power10[places - decimals];
    *to = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool pw_decimal_parse_e8(const char *text, size_t size, bool negative_ok, int64_t *value_e8)
{
    return parse(text, size, 8, negative_ok, value_e8);
}

bool pw_decimal_parse(const char *text, size_t size, int decimals, bool negative_ok, int64_t *value)
{
    return decimals >= 0 && decimals <= PW_DECIMALS_MAX &&
           parse(text, size, (unsigned)decimals, negative_ok, value);
}

/* Of a plain decimal that is not negative: where its point is, or its end. Else SIZE_MAX. */
static size_t point_of(const char *text, size_t size)
{
    size_t point = SIZE_MAX;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' && point == SIZE_MAX && i > 0 && i + 1 < size) {
            point = i;
        } else if (text[i] < '0' || text[i] > '9') {
            return SIZE_MAX;
        }
    }
    return point == SIZE_MAX && size > 0 ? size : point;
}

bool pw_decimal_parse_e16(const char *text, size_t size, bool negative_ok, pw_i128 *value_e16)
{
    bool negative = size > 0 && text[0] == '-';
    int places = negative && !negative_ok ? -1 : pw_decimal_places(text + negative, size - negative);
    if (places < 0 || places > PW_DECIMALS_MAX) {
        return false;
    }
    size_t point = negative + point_of(text + negative, size - negative);
    const pw_i128 limit = ~((pw_i128)1 << 127);
    pw_i128 value = 0;
    for (size_t i = negative; i < (places > 0 ? point + 1 + (size_t)places : point); i++) {
        int digit = text[i] - '0';
        if (text[i] != '.' && value > (limit - digit) / 10) {
            return false;
        }
        value = text[i] != '.' ? value * 10 + digit : value;
    }
    pw_i128 scale = (pw_i128)power10[PW_DECIMALS_MAX - places];
    if (value > limit / scale || (negative && value == 0)) {
        return false;
    }
    *value_e16 = negative ? -value * scale : value * scale;
    return true;
}

int pw_decimal_places(const char *text, size_t size)
{
    size_t point = point_of(text, size);
    if (point == SIZE_MAX) {
        return -1;
    }
    while (size > point + 1 && text[size - 1] == '0') {
        size--;
    }
    return size > point + 1 ? (int)(size - point - 1) : 0;
}

bool pw_decimal_parse_capped(const char *text, size_t size, int decimals, int64_t *value, bool *exact)
{
    *exact = pw_decimal_parse(text, size, decimals, false, value);
    if (*exact) {
        return true;
    }
    size_t point = point_of(text, size);
    if (point == SIZE_MAX || decimals < 0 || decimals > PW_DECIMALS_MAX) {
        return false;
    }
    size_t kept = decimals > 0 ? point + 1 + (size_t)decimals : point;
    if (pw_decimal_parse(text, kept < size ? kept : size, decimals, false, value) && *value < INT64_MAX) {
        *value += 1; /* it has more decimals: else it would have been exact */
    } else {
        *value = INT64_MAX;
    }
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
