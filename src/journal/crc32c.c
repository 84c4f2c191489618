/* SPDX-License-Identifier: MIT
 *
 * CRC-32C by the processor's instruction where the build allows it, else by a table of nibbles.
 */
#include "crc32c.h"
#include <string.h>

#ifdef __SSE4_2__
#include <nmmintrin.h>

uint32_t pw_crc32c(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t state = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; size > 0; size--, at++) {
        state = _mm_crc32_u8((uint32_t)state, *at);
    }
    return ~(uint32_t)state;
}

#else

uint32_t pw_crc32c(uint32_t crc, const void *bytes, size_t size)
{
    /* Entry i: four steps of the reflected polynomial 0x82f63b78 from i. */
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *at = bytes;
    uint32_t state = ~crc;
    for (; size > 0; size--, at++) {
        state ^= *at;
        state = state >> 4 ^ table[state & 15];
        state = state >> 4 ^ table[state & 15];
    }
    return ~state;
}

#endif
