/* SPDX-License-Identifier: MIT
 *
 * Text in a buffer that grows: what answers and messages are written with.
 *
 * Appending never fails in the middle: a text that ran out of room or memory is marked, and the one who takes
 * it looks.
 */
#ifndef PW_BUFFER_H
#define PW_BUFFER_H

#include "http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_buffer {
    char *data; /* not zero-terminated */
    size_t size, capacity;
    bool failed; /* something did not fit: the contents are not to be used */
};

/* Makes room for `bytes` more; false (and marked) without memory. What is appended within grows nothing. */
bool pw_buffer_reserve(struct pw_buffer *buffer, size_t bytes);
void pw_buffer_free(struct pw_buffer *buffer);

void pw_buffer_bytes(struct pw_buffer *buffer, const char *bytes, size_t size);
void pw_buffer_string(struct pw_buffer *buffer, const char *string);
void pw_buffer_slice(struct pw_buffer *buffer, struct pw_slice slice);
void pw_buffer_int(struct pw_buffer *buffer, int64_t value);
/* A decimal with 8 places, always. */
void pw_buffer_e8(struct pw_buffer *buffer, int64_t value_e8);
void pw_buffer_format(struct pw_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void pw_buffer_clear(struct pw_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

#endif
