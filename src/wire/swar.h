/* SPDX-License-Identifier: MIT
 *
 * Eight bytes at a time in an ordinary register: the tests that the scanners of this folder and of src/venue
 * share.
 *
 * Byte 0 of the text is the lowest byte of the word (little-endian hosts only). Each test answers with a word
 * in which the top bit of a byte is set where it holds; bytes above the first hit may be wrong, so only the
 * first counts.
 */
#ifndef PW_SWAR_H
#define PW_SWAR_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE4_1__
#include <smmintrin.h>
#endif

#define PW_SWAR_ONES  UINT64_C(0x0101010101010101)
#define PW_SWAR_TOPS  UINT64_C(0x8080808080808080)
#define PW_SWAR_ZEROS UINT64_C(0x3030303030303030) /* "00000000" */

/* text must have 8 readable bytes. */
static inline uint64_t pw_swar_load(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

/* Index of the first byte for which a test held; mask must not be 0. */
static inline unsigned pw_swar_first(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask) >> 3;
}

/* Bytes that end the plain part of a JSON string: a quote, a backslash, a control byte, or one beyond ASCII.
 */
static inline uint64_t pw_swar_string_stops(uint64_t word)
{
    uint64_t quote = word ^ (PW_SWAR_ONES * '"');
    uint64_t backslash = word ^ (PW_SWAR_ONES * '\\');
    uint64_t hits = (quote - PW_SWAR_ONES) | (backslash - PW_SWAR_ONES) | (word - PW_SWAR_ONES * 0x20);
    return (hits | word) & PW_SWAR_TOPS;
}

/* Bytes that are no digit, in a word from which PW_SWAR_ZEROS was XORed: there digits are 0 to 9. */
static inline uint64_t pw_swar_nondigits(uint64_t digits)
{
    return ((digits + PW_SWAR_ONES * 0x76) | digits) & PW_SWAR_TOPS;
}

/* The number that eight digits of 0 to 9 spell, byte 0 being the most significant. */
static inline uint64_t pw_swar_number(uint64_t digits)
{
    const uint64_t mask = UINT64_C(0x000000ff000000ff);
    digits = digits * 10 + (digits >> 8); /* pairs, in every other byte */
    uint64_t high = (digits & mask) * (100 + (UINT64_C(1000000) << 32));
    uint64_t low = (digits >> 16 & mask) * (1 + (UINT64_C(10000) << 32));
    return (high + low) >> 32;
}

/* The number that sixteen digits spell, the first eight in `high`. */
static inline uint64_t pw_swar_number16(uint64_t high, uint64_t low)
{
#ifdef __SSE4_1__
    /* The steps of pw_swar_number on both words at once: pairs, fours, eights. */
    __m128i digits = _mm_set_epi64x((long long)low, (long long)high);
    digits = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
    digits = _mm_madd_epi16(digits, _mm_set1_epi32(100 | 1 << 16));
    digits = _mm_packus_epi32(digits, digits);
    digits = _mm_madd_epi16(digits, _mm_set1_epi32(10000 | 1 << 16));
    uint64_t eights = (uint64_t)_mm_cvtsi128_si64(digits);
    return (eights & UINT32_MAX) * 100000000 + (eights >> 32);
#else
    return pw_swar_number(high) * 100000000 + pw_swar_number(low);
#endif
}

#endif
