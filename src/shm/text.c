/* SPDX-License-Identifier: MIT
 *
 * Text built piece by piece into a bounded buffer.
 */
#include "text.h"
#include <stdarg.h>
#include <stdio.h>

__extension__ typedef unsigned __int128 u128;

struct pw_text pw_text_start(char *buffer, size_t bytes)
{
    buffer[0] = '\0';
    return (struct pw_text){.at = buffer, .bytes = bytes};
}

void pw_text_put(struct pw_text *text, const char *format, ...)
{
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

/* digits: 39 for 2^127; built from the end: decimals without trailing zeros, point, whole part, sign. */
static void put_scaled(struct pw_text *text, pw_i128 value, int decimal_cnt)
{
    char digits[48];
    char *at = digits + sizeof digits;
    *--at = '\0';
    u128 left = value < 0 ? -(u128)value : (u128)value;
    bool significant = false;
    for (int i = 0; i < decimal_cnt; i++, left /= 10) {
        char digit = (char)('0' + (int)(left % 10));
        significant = significant || digit != '0';
        if (significant) {
            *--at = digit;
        }
    }
    if (significant) {
        *--at = '.';
    }
    do {
        *--at = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left != 0);
    if (value < 0) {
        *--at = '-';
    }
    pw_text_put(text, "%s", at);
}

void pw_text_put_e8(struct pw_text *text, int64_t value_e8)
{
    put_scaled(text, value_e8, 8);
}

void pw_text_put_e16(struct pw_text *text, pw_i128 value_e16)
{
    put_scaled(text, value_e16, 16);
}

void pw_text_put_escaped(struct pw_text *text, const void *bytes, size_t byte_cnt)
{
    const unsigned char *from = bytes;
    for (size_t i = 0; i < byte_cnt && !text->cut; i++) {
        unsigned char c = from[i];
        if (c == '"' || c == '\\') {
            pw_text_put(text, "\\%c", c);
        } else if (c == '\n') {
            pw_text_put(text, "\\n");
        } else if (c < ' ' || c > '~') {
            pw_text_put(text, "\\u%04x", c);
        } else {
            pw_text_put(text, "%c", c);
        }
    }
}
