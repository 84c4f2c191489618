/* SPDX-License-Identifier: MIT
 *
 * Decimal text to scaled integers and back, exactly. No floating point, no locale, no allocation.
 */
#ifndef PW_DECIMAL_H
#define PW_DECIMAL_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_DECIMAL_TEXT_BYTES 48 /* enough for any pw_i128 with 16 decimals, sign, point and zero byte */

/* Reads the whole of text[0..size) as a plain decimal: digits, at most one point with digits on both sides,
 * and if negative_ok a leading minus (but no negative zero). No exponent, no plus, no blanks. Zeros beyond
 * the 8th decimal are fine, other digits there are an error, as is what does not fit int64_t scaled by 1e8.
 * False: nothing was stored. */
bool pw_decimal_parse_e8(const char *text, size_t size, bool negative_ok, int64_t *value_e8);

/* The same with another number of decimals, 0 to PW_DECIMALS_MAX. */
#define PW_DECIMALS_MAX 16
bool pw_decimal_parse(const char *text, size_t size, int decimals, bool negative_ok, int64_t *value);

/* The same of an amount: 16 decimals in 128 bits. */
bool pw_decimal_parse_e16(const char *text, size_t size, bool negative_ok, pw_i128 *value_e16);

/* Of a quantity that must not cost the message that it stands in: what is too large becomes INT64_MAX, what
 * has more decimals is rounded up. *exact: neither was done. False: it is no plain decimal that is not
 * negative. */
bool pw_decimal_parse_capped(const char *text, size_t size, int decimals, int64_t *value, bool *exact);

/* How many decimals it has, without the zeros at its end; -1: it is no plain decimal that is not negative. */
int pw_decimal_places(const char *text, size_t size);

/* Exact text without needless zeros ("61602.01", "0", "-0.5"); returns the length, always ends with a zero
 * byte. text has PW_DECIMAL_TEXT_BYTES. */
int pw_decimal_print_e8(int64_t value_e8, char *text);
int pw_decimal_print_e16(pw_i128 value_e16, char *text);

/* The same of any scale up to 16, with at least so many decimals: value / 10^scale. */
int pw_decimal_print(pw_i128 value, int scale, int decimals_min, char *text);

/* The same with a fixed number of decimals (0 to 8), as venues write them ("61602.01000000"). Digits beyond
 * are cut off towards zero, so round first where it matters. */
int pw_decimal_print_fixed_e8(int64_t value_e8, int decimals, char *text);

#endif
