/* SPDX-License-Identifier: MIT
 *
 * Text built piece by piece into a bounded buffer.
 */
#include "text.h"
#include "decimal.h"
#include "pw_assert.h"
#include <pinwheel/units.h>
#include <pinwheel/workspace.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

struct pw_text pw_text_start(char *buffer, size_t bytes)
{
    buffer[0] = '\0';
    return (struct pw_text){.at = buffer, .bytes = bytes};
}

void pw_text_put(struct pw_text *text, const char *format, ...)
{
    pw_assert(text->len < text->bytes);
    va_list args;
    va_start(args, format);
    size_t left = text->bytes - text->len;
    int wanted = vsnprintf(text->at + text->len, left, format, args);
    va_end(args);
    if (wanted < 0 || (size_t)wanted >= left) {
        text->cut = true;
        text->len = text->bytes - 1;
        return;
    }
    text->len += (size_t)wanted;
}

void pw_text_put_iso(struct pw_text *text, int64_t ns)
{
    char date[24];
    struct tm tm;
    int64_t s = ns / PW_NS_PER_S - (ns % PW_NS_PER_S < 0);
    if (ns == 0 || gmtime_r(&(time_t){s}, &tm) == NULL) {
        return;
    }
    date[strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm)] = '\0';
    pw_text_put(text, "%s.%09dZ", date, (int)(ns - s * PW_NS_PER_S));
}

void pw_text_put_time(struct pw_text *text, int64_t ns)
{
    if (text->iso_times) {
        pw_text_put_iso(text, ns);
    } else {
        pw_text_put(text, "%lld", (long long)ns);
    }
}

void pw_text_put_e8(struct pw_text *text, int64_t value_e8)
{
    char digits[PW_DECIMAL_TEXT_BYTES];
    pw_decimal_print_e8(value_e8, digits);
    pw_text_put(text, "%s", digits);
}

static void put_decimal(struct pw_text *text, int64_t value, int decimals)
{
    char digits[PW_DECIMAL_TEXT_BYTES];
    pw_decimal_print(value, decimals, 0, digits);
    pw_text_put(text, "%s", digits);
}

static int shift_of(const struct pw_instrument *instrument)
{
    int shift = instrument != NULL ? instrument->unit_shift : 0;
    return shift < -PW_UNIT_SHIFT_MAX || shift > PW_UNIT_SHIFT_MAX ? 0 : shift; /* of a file from outside */
}

void pw_text_put_price(struct pw_text *text, const struct pw_instrument *instrument, int64_t price)
{
    put_decimal(text, price, pw_price_decimals(shift_of(instrument)));
}

void pw_text_put_qty(struct pw_text *text, const struct pw_instrument *instrument, int64_t qty)
{
    put_decimal(text, qty, pw_qty_decimals(shift_of(instrument)));
}

void pw_text_put_quote_volume(struct pw_text *text, const struct pw_instrument *instrument, int64_t volume)
{
    put_decimal(text, volume, pw_quote_volume_decimals(shift_of(instrument)));
}

void pw_text_put_e16(struct pw_text *text, pw_i128 value_e16)
{
    char digits[PW_DECIMAL_TEXT_BYTES];
    pw_decimal_print_e16(value_e16, digits);
    pw_text_put(text, "%s", digits);
}

/* Bytes of the printable UTF-8 character at `at`, or 0 when there is none: RFC 3629, without control
 * characters. */
static size_t printable_bytes(const unsigned char *at, size_t left)
{
    if (at[0] >= ' ' && at[0] <= '~') {
        return 1;
    }
    size_t bytes = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || bytes > left) {
        return 0;
    }
    uint32_t code = at[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool is_shortest = code >= (bytes == 2 ? 0x80u : bytes == 3 ? 0x800u : 0x10000u);
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    bool is_control = code < 0xa0 || (code >= 0x200b && code <= 0x200f) ||
                      (code >= 0x2028 && code <= 0x202e) ||
                      (code >= 0x2066 && code <= 0x2069); /* C1; invisible, line and direction marks */
    return is_shortest && !is_surrogate && !is_control && code <= 0x10ffff ? bytes : 0;
}

static void put_bytes(struct pw_text *text, const void *bytes, size_t byte_cnt, bool quoted)
{
    const unsigned char *at = bytes, *end = at + byte_cnt;
    while (at < end && !text->cut) {
        size_t printable = printable_bytes(at, (size_t)(end - at));
        if (quoted && (*at == '"' || *at == '\\')) {
            pw_text_put(text, "\\%c", *at++);
        } else if (printable != 0) {
            pw_text_put(text, "%.*s", (int)printable, (const char *)at);
            at += printable;
        } else if (*at == '\n') {
            pw_text_put(text, "\\n");
            at++;
        } else {
            pw_text_put(text, "\\u%04x", *at++);
        }
    }
}

void pw_text_put_escaped(struct pw_text *text, const void *bytes, size_t byte_cnt)
{
    put_bytes(text, bytes, byte_cnt, true);
}

void pw_text_put_printable(struct pw_text *text, const void *bytes, size_t byte_cnt)
{
    put_bytes(text, bytes, byte_cnt, false);
}
