/* SPDX-License-Identifier: MIT
 *
 * The queue of received segments and the buffer of bytes to send.
 */
#include "stream.h"

#include <string.h>

size_t pw_input_peek(const struct pw_input *input, uint8_t *out, size_t size)
{
    size_t done = 0;
    uint32_t skip = input->taken;
    for (uint32_t i = 0; i < input->cnt && done < size; i++) {
        const struct pw_segment *segment = &input->segments[(input->first + i) % PW_SEGMENTS_MAX];
        size_t more = segment->size - skip;
        more = more < size - done ? more : size - done;
        memcpy(out + done, segment->data + skip, more);
        done += more;
        skip = 0;
    }
    return done;
}

static void drop_oldest(struct pw_input *input)
{
    uint16_t buffer_idx = input->segments[input->first].buffer_idx;
    if (buffer_idx != PW_SEGMENT_NO_INDEX) {
        input->spent |= 1u << buffer_idx;
    }
    input->first = (input->first + 1) % PW_SEGMENTS_MAX;
    input->cnt--;
    input->taken = 0;
}

size_t pw_input_take(struct pw_input *input, uint8_t *out, size_t size)
{
    size_t done = 0;
    while (input->cnt > 0 && done < size) {
        const struct pw_segment *segment = &input->segments[input->first];
        size_t more = segment->size - input->taken;
        more = more < size - done ? more : size - done;
        if (out != NULL) {
            memcpy(out + done, segment->data + input->taken, more);
        }
        done += more;
        input->taken += (uint32_t)more;
        input->recv_ns = segment->recv_ns;
        input->kernel_ns = segment->kernel_ns;
        input->since_ns = segment->since_ns;
        if (input->taken == segment->size) {
            drop_oldest(input);
        }
    }
    input->bytes -= done;
    return done;
}

bool pw_output_add(struct pw_output *output, const void *data, size_t size)
{
    if (size > output->cap - output->size) {
        return false;
    }
    memcpy(output->data + output->size, data, size);
    output->size += (uint32_t)size;
    return true;
}

void pw_output_sent(struct pw_output *output, uint32_t size)
{
    output->sent += size;
    if (output->sent == output->size) {
        output->sent = 0;
        output->size = 0;
    }
}
