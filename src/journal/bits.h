/* SPDX-License-Identifier: MIT
 *
 * A string of bits, written or read, and the adaptive code for whole numbers that the journal's codec is made
 * of.
 *
 * Bits fill bytes from the low end. A writer's caller has made sure of room. A reader never touches a byte
 * beyond its input: what lies there reads as zero, and `bad` or a position beyond the end reports it to the
 * caller.
 *
 * The code is Elias' and Golomb's: a number is coded by its length and its bits, the length relative to the
 * usual one at that place (`struct pw_usual`), which follows the numbers that pass. So small numbers cost
 * little where numbers are usually small, and nothing has to be stored about what is usual: writer and reader
 * learn it alike.
 */
#ifndef PW_BITS_H
#define PW_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pw_bits {
    /* Writing. */
    uint8_t *out;    /* where the waiting bits go */
    uint64_t wait;   /* bits below `filled`; the rest is zero */
    uint32_t filled; /* 0 to 7 */
    /* Reading. */
    bool bad; /* what was read cannot have been written */
    const uint8_t *in;
    uint64_t in_bytes;
    uint64_t pos; /* in bits */
};

/* The usual length of a number at one place, in 1/256 bit. */
struct pw_usual {
    uint16_t length;
};

/* What may stand in place of a number. */
enum pw_escape {
    PW_ESCAPE_NONE = 0,
    PW_ESCAPE_EXPONENT = 1, /* the unit of what follows has become smaller */
    PW_ESCAPE_BREAK = 2,    /* the group of levels is interrupted here */
};

#define PW_PREFIX_MAX  16u /* this many zero bits: no number of the usual kind */
#define PW_LENGTH_MAX  40u /* longer numbers are coded by 6 bits of length and themselves */
#define PW_ESCAPE_BITS 2u

/* The low n bits of value, whose others are zero; n at most 56: with up to 7 bits waiting they still fit a
 * word. */
static inline void pw_bits_put(struct pw_bits *b, uint64_t value, uint32_t n)
{
    /* All is read before anything is written, for the compiler cannot know that the bytes are not `b`. So
     * what one number leaves waiting goes to the next in registers. */
    uint64_t wait = b->wait | value << b->filled;
    uint32_t filled = b->filled + n;
    uint8_t *out = b->out;
    memcpy(out, &wait, 8);
    b->out = out + (filled >> 3);
    b->wait = wait >> (filled & ~7u);
    b->filled = filled & 7u;
}

/* The next 57 bits and perhaps more, without taking them. */
static inline uint64_t pw_bits_peek(const struct pw_bits *b)
{
    uint64_t at = b->pos >> 3, word = 0;
    if (at + 8 <= b->in_bytes) {
        memcpy(&word, b->in + at, 8);
    } else if (at < b->in_bytes) {
        memcpy(&word, b->in + at, b->in_bytes - at);
    }
    return word >> (b->pos & 7);
}

static inline uint64_t pw_bits_get(struct pw_bits *b, uint32_t n)
{
    uint64_t value = pw_bits_peek(b) & ((UINT64_C(1) << n) - 1);
    b->pos += n;
    return value;
}

/* Bits up to 64. */
static inline void pw_bits_put_long(struct pw_bits *b, uint64_t value, uint32_t n)
{
    if (n > 32) {
        pw_bits_put(b, value & UINT32_MAX, 32);
        pw_bits_put(b, value >> 32, n - 32);
    } else {
        pw_bits_put(b, value, n);
    }
}

static inline uint64_t pw_bits_get_long(struct pw_bits *b, uint32_t n)
{
    if (n > 32) {
        uint64_t low = pw_bits_get(b, 32);
        return low | pw_bits_get(b, n - 32) << 32;
    }
    return pw_bits_get(b, n);
}

/* Bits needed for value; 0 for 0. */
static inline uint32_t pw_bits_length(uint64_t value)
{
    return value ? 64u - (uint32_t)__builtin_clzll(value) : 0;
}

/* Numbers of the usual length get one bit of prefix or two. */
static inline uint32_t pw_usual_shift(const struct pw_usual *usual)
{
    uint32_t length = (usual->length + 128u) >> 8;
    return length ? length - 1 : 0;
}

static inline void pw_usual_learn(struct pw_usual *usual, uint64_t value, uint32_t shift)
{
    uint32_t length = pw_bits_length(value);
    /* One odd number must not spoil the place for the next sixteen. */
    if (length > shift + PW_PREFIX_MAX) {
        length = shift + PW_PREFIX_MAX;
    }
    usual->length = (uint16_t)(usual->length + (((int32_t)(length << 8) - (int32_t)usual->length) >> 4));
}

static inline void pw_bits_put_escape(struct pw_bits *b, enum pw_escape escape)
{
    pw_bits_put(b, (uint64_t)escape << PW_PREFIX_MAX, PW_PREFIX_MAX + PW_ESCAPE_BITS);
}

/* value + 2^shift has `length` bits after its leading one; as prefix stand length - shift zeros and a one. */
static inline __attribute__((always_inline)) void pw_bits_put_number(struct pw_bits *b,
                                                                     struct pw_usual *usual, uint64_t value)
{
    uint32_t shift = pw_usual_shift(usual);
    uint64_t sum = value + (UINT64_C(1) << shift);
    uint32_t length = pw_bits_length(sum) - 1;
    uint32_t zeros = length - shift;
    if (__builtin_expect(sum >= value && length <= PW_LENGTH_MAX && zeros < PW_PREFIX_MAX, 1)) {
        uint64_t rest = sum ^ UINT64_C(1) << length;
        pw_bits_put(b, (rest << 1 | 1) << zeros, zeros + 1 + length);
    } else {
        uint32_t bits = pw_bits_length(value | 1);
        pw_bits_put_escape(b, PW_ESCAPE_NONE);
        pw_bits_put(b, bits - 1, 6);
        pw_bits_put_long(b, value, bits);
    }
    pw_usual_learn(usual, value, shift);
}

/* PW_ESCAPE_NONE: *value is the number. Else *value is 0 and what the escape announces follows. */
static inline __attribute__((always_inline)) enum pw_escape
pw_bits_get_number(struct pw_bits *b, struct pw_usual *usual, uint64_t *value)
{
    uint32_t shift = pw_usual_shift(usual);
    uint64_t next = pw_bits_peek(b);
    uint32_t zeros = (uint32_t)__builtin_ctzll(next | UINT64_C(1) << PW_PREFIX_MAX);
    if (__builtin_expect(zeros < PW_PREFIX_MAX, 1)) {
        uint32_t length = shift + zeros;
        if (length > PW_LENGTH_MAX) {
            b->bad = true;
            length = PW_LENGTH_MAX;
        }
        uint64_t one = UINT64_C(1) << length;
        *value = ((next >> (zeros + 1) & (one - 1)) | one) - (UINT64_C(1) << shift);
        b->pos += zeros + 1 + length;
    } else {
        enum pw_escape escape = next >> PW_PREFIX_MAX & 3;
        b->pos += PW_PREFIX_MAX + PW_ESCAPE_BITS;
        *value = 0;
        if (escape != PW_ESCAPE_NONE) {
            return escape;
        }
        *value = pw_bits_get_long(b, (uint32_t)pw_bits_get(b, 6) + 1);
    }
    pw_usual_learn(usual, *value, shift);
    return PW_ESCAPE_NONE;
}

/* Signed numbers with the sign in the lowest bit, so that small ones are small. */
static inline uint64_t pw_zigzag(uint64_t difference)
{
    return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t pw_unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

#endif
