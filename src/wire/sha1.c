/* SPDX-License-Identifier: MIT
 *
 * SHA-1, written for size: the handshake hashes 60 bytes once a connection.
 */
#include "sha1.h"

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

/* The function and constant of round i (FIPS 180-4, 4.1.1 and 4.2.1). */
static uint32_t mix(unsigned i, uint32_t b, uint32_t c, uint32_t d)
{
    switch (i / 20) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5a827999;
    case 1:
        return (b ^ c ^ d) + 0x6ed9eba1;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default:
        return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void compress(struct pw_sha1 *sha1)
{
    uint32_t words[80];
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t *byte = sha1->block + 4 * i;
        words[i] = (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
    }
    for (unsigned i = 16; i < 80; i++) {
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    uint32_t a = sha1->hash[0], b = sha1->hash[1], c = sha1->hash[2], d = sha1->hash[3], e = sha1->hash[4];
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + words[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    sha1->hash[0] += a;
    sha1->hash[1] += b;
    sha1->hash[2] += c;
    sha1->hash[3] += d;
    sha1->hash[4] += e;
}

void pw_sha1_init(struct pw_sha1 *sha1)
{
    *sha1 = (struct pw_sha1){.hash = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void pw_sha1_add(struct pw_sha1 *sha1, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sha1->block[sha1->total_bytes++ % 64] = ((const uint8_t *)data)[i];
        if (sha1->total_bytes % 64 == 0) {
            compress(sha1);
        }
    }
}

void pw_sha1_finish(struct pw_sha1 *sha1, uint8_t digest[PW_SHA1_BYTES])
{
    uint64_t bits = sha1->total_bytes * 8;
    pw_sha1_add(sha1, "\x80", 1);
    while (sha1->total_bytes % 64 != 56) {
        pw_sha1_add(sha1, "", 1);
    }
    for (int shift = 56; shift >= 0; shift -= 8) {
        uint8_t byte = (uint8_t)(bits >> shift);
        pw_sha1_add(sha1, &byte, 1);
    }
    for (unsigned i = 0; i < PW_SHA1_BYTES; i++) {
        digest[i] = (uint8_t)(sha1->hash[i / 4] >> (24 - 8 * (i % 4)));
    }
}
