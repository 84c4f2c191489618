/* SPDX-License-Identifier: MIT
 *
 * Growing text: see buffer.h. Numbers are written digit by digit, because they are most of what is
 * written.
 */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pw_buffer_reserve(struct pw_buffer *buffer, size_t bytes)
{
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    char *data;

    if (buffer->failed) {
        return false;
    }
    if (bytes <= buffer->capacity - buffer->size) {
        return true;
    }
    while (capacity - buffer->size < bytes) {
        capacity *= 2;
    }
    data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void pw_buffer_free(struct pw_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct pw_buffer){0};
}

void pw_buffer_bytes(struct pw_buffer *buffer, const char *bytes, size_t size)
{
    if (!size || !pw_buffer_reserve(buffer, size)) {
        return;
    }
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
}

void pw_buffer_string(struct pw_buffer *buffer, const char *string)
{
    pw_buffer_bytes(buffer, string, strlen(string));
}

void pw_buffer_slice(struct pw_buffer *buffer, struct pw_slice slice)
{
    pw_buffer_bytes(buffer, slice.text, slice.size);
}

/* The digits of `value`, at least `least` of them, ending before `end`. */
static char *digits_before(char *end, uint64_t value, int least)
{
    for (; value || least > 0; value /= 10, least--) {
        *--end = (char)('0' + value % 10);
    }
    return end;
}

void pw_buffer_int(struct pw_buffer *buffer, int64_t value)
{
    char digits[24], *end = digits + sizeof digits;
    char *at = digits_before(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);

    if (value < 0) {
        *--at = '-';
    }
    pw_buffer_bytes(buffer, at, (size_t)(end - at));
}

void pw_buffer_e8(struct pw_buffer *buffer, int64_t value_e8)
{
    char digits[32], *end = digits + sizeof digits;
    uint64_t value = value_e8 < 0 ? 0 - (uint64_t)value_e8 : (uint64_t)value_e8;
    char *at = digits_before(end, value % 100000000u, 8);

    *--at = '.';
    at = digits_before(at, value / 100000000u, 1);
    if (value_e8 < 0) {
        *--at = '-';
    }
    pw_buffer_bytes(buffer, at, (size_t)(end - at));
}

void pw_buffer_format(struct pw_buffer *buffer, const char *format, ...)
{
    char line[1024];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof line) {
        buffer->failed = true;
    } else {
        pw_buffer_bytes(buffer, line, (size_t)size);
    }
}
