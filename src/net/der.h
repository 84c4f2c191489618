/* SPDX-License-Identifier: MIT
 *
 * DER (X.690), element by element: what the readers of certificates share. Only definite lengths in their
 * shortest form, up to 64 KiB, and tags of one byte.
 */
#ifndef PW_DER_H
#define PW_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum pw_der_tag {
    PW_DER_BOOLEAN = 0x01,
    PW_DER_INTEGER = 0x02,
    PW_DER_BITS = 0x03,
    PW_DER_OCTETS = 0x04,
    PW_DER_OID = 0x06,
    PW_DER_UTC_TIME = 0x17,
    PW_DER_TIME = 0x18,
    PW_DER_SEQUENCE = 0x30,
    PW_DER_SET = 0x31,
    PW_DER_CONTEXT_0 = 0xa0, /* constructed [0], [1], [3] */
    PW_DER_CONTEXT_1 = 0xa1,
    PW_DER_CONTEXT_3 = 0xa3,
};

/* Bytes still to be read. */
struct pw_der {
    const uint8_t *at;
    size_t left;
};

/* Takes one element: its tag and what is in it. */
static inline bool pw_der_take(struct pw_der *in, uint8_t *tag, struct pw_der *value)
{
    if (in->left < 2 || (in->at[0] & 0x1f) == 0x1f) {
        return false;
    }
    *tag = in->at[0];
    size_t length = in->at[1];
    size_t head = 2;
    if (length >= 0x80) {
        size_t length_bytes = length & 0x7f;
        if (length_bytes < 1 || length_bytes > 2 || in->left < 2 + length_bytes) {
            return false;
        }
        length = length_bytes == 1 ? in->at[2] : (size_t)in->at[2] << 8 | in->at[3];
        head += length_bytes;
        if (length < (length_bytes == 1 ? 0x80u : 0x100u)) {
            return false;
        }
    }
    if (length > in->left - head) {
        return false;
    }
    *value = (struct pw_der){in->at + head, length};
    in->at += head + length;
    in->left -= head + length;
    return true;
}

static inline bool pw_der_expect(struct pw_der *in, uint8_t tag, struct pw_der *value)
{
    uint8_t found;
    return pw_der_take(in, &found, value) && found == tag;
}

static inline bool pw_der_equal(struct pw_der a, struct pw_der b)
{
    return a.left == b.left && (a.left == 0 || memcmp(a.at, b.at, a.left) == 0);
}

/* Are these the bytes of a string literal? */
#define PW_DER_IS(value, bytes)                                                                              \
    pw_der_equal(value, (struct pw_der){(const uint8_t *)(bytes), sizeof(bytes) - 1})

#endif
