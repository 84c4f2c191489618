/* SPDX-License-Identifier: MIT
 *
 * SHA-1 (FIPS 180-4), for the WebSocket handshake's accept key alone: it is no secret and guards nothing.
 */
#ifndef PW_SHA1_H
#define PW_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define PW_SHA1_BYTES 20u

struct pw_sha1 {
    uint32_t hash[5];
    uint8_t block[64];
    uint64_t total_bytes;
};

void pw_sha1_init(struct pw_sha1 *sha1);
void pw_sha1_add(struct pw_sha1 *sha1, const void *data, size_t size);
void pw_sha1_finish(struct pw_sha1 *sha1, uint8_t digest[PW_SHA1_BYTES]);

#endif
