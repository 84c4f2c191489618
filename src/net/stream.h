/* SPDX-License-Identifier: MIT
 *
 * Bytes on their way between a socket and a TLS session, on either side of the hand-over: what has been
 * received and not yet been read, and what has been written and not yet been sent. One owner at a time, no
 * allocation.
 */
#ifndef PW_STREAM_H
#define PW_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_SEGMENTS_MAX     16u        /* buffers of pw_io, and what the cold side left over */
#define PW_SEGMENT_NO_INDEX UINT16_MAX /* not a buffer of pw_io */

/* What one receive brought. */
struct pw_segment {
    const uint8_t *data;
    uint32_t size;
    uint16_t buffer_idx;
    int64_t recv_ns;
    int64_t kernel_ns; /* 0: not known */
    int64_t since_ns;  /* they came to this host after that; 0: not known */
};

struct pw_input {
    struct pw_segment segments[PW_SEGMENTS_MAX]; /* a ring: oldest at `first` */
    uint32_t first, cnt;
    uint32_t taken;             /* bytes of the oldest that have been read */
    size_t bytes;               /* unread, in all segments */
    bool ended;                 /* nothing comes after these */
    int64_t recv_ns, kernel_ns, since_ns; /* of the last byte that was read */
    uint32_t spent;             /* bit i: pw_io's buffer i has been read to its end and is to be released */
};

/* False: no place (the caller keeps the bytes, and reads the socket no more). */
static inline bool pw_input_add(struct pw_input *input, struct pw_segment segment)
{
    if (input->cnt == PW_SEGMENTS_MAX) {
        return false;
    }
    input->segments[(input->first + input->cnt) % PW_SEGMENTS_MAX] = segment;
    input->cnt++;
    input->bytes += segment.size;
    return true;
}

/* Copies up to `size` bytes without taking them; how many. */
size_t pw_input_peek(const struct pw_input *input, uint8_t *out, size_t size);
/* Takes up to `size` bytes (out may be NULL: thrown away); how many. */
size_t pw_input_take(struct pw_input *input, uint8_t *out, size_t size);

struct pw_output {
    uint8_t *data;
    uint32_t cap, size, sent; /* sent <= size <= cap */
};

static inline bool pw_output_empty(const struct pw_output *output)
{
    return output->sent == output->size;
}

/* All or nothing. */
bool pw_output_add(struct pw_output *output, const void *data, size_t size);
/* `size` more bytes have been sent. */
void pw_output_sent(struct pw_output *output, uint32_t size);

#endif
