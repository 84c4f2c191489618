/* SPDX-License-Identifier: MIT
 *
 * Levels two at a time: see binance_levels.h.
 */
#include "binance_levels.h"

#ifdef __AVX2__
#include "swar.h"
#include <immintrin.h>

#define WHOLE_MAX 7u /* digits before the point */
/* A number in the marks, from its point on: the point, 8 digits, a quote and two signs more. */
#define SHAPE      UINT64_C(0xe01)
#define SHAPE_BITS 12u
/* Bytes behind a digit that are compared, whatever stands there. */
#define BEHIND_BYTES 5
/* The most that a pair takes: 40 bytes a level. */
#define PAIR_BYTES 80

/* Moved to the lowest that a signed byte can be, digits are the ten least. */
static inline uint32_t nondigits(const char *text)
{
    const __m256i move = _mm256_set1_epi8((char)(0x80 - '0')), most = _mm256_set1_epi8((char)(0x80 + 9));
    __m256i moved = _mm256_add_epi8(_mm256_loadu_si256((const void *)text), move);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(moved, most));
}

/* The marks of the last few bytes, less than 32, before `end`; above them all bits are set. */
static inline uint64_t marks_before(const char *end, unsigned bytes)
{
    uint64_t marks = nondigits(end - 32) | UINT64_C(0xffffffff) << 32;
    return (uint64_t)((int64_t)marks >> (32 - bytes));
}

static void marks_set(struct pw_level_marks *marks, const char *at, const char *end)
{
    end = end - at > PW_LEVEL_MARKS_BYTES ? at + PW_LEVEL_MARKS_BYTES : end;
    uint64_t *word = marks->words;
    marks->base = at;
    marks->end = end;
    for (; end - at >= 64; at += 64) {
        *word++ = nondigits(at) | (uint64_t)nondigits(at + 32) << 32;
    }
    unsigned left = (unsigned)(end - at);
    *word++ = left < 32 ? marks_before(end, left) : nondigits(at) | marks_before(end, left - 32) << 32;
    memset(word, 0xff, PW_LEVEL_MARKS_BEYOND * sizeof *word);
}

/* The 57 marks from `at` on, and perhaps more. */
static inline uint64_t marks_at(const struct pw_level_marks *marks, const char *at)
{
    uint64_t bit = (uint64_t)(at - marks->base);
    return pw_swar_load((const char *)marks->words + (bit >> 3)) >> (bit & 7);
}

/* A level as measured: where its two points are, and how many digits stand before them. */
struct measured {
    const char *price_point, *qty_point;
    uint64_t price_whole, qty_whole;
};

/* What is wrong with the levels measured: bits of shapes that differ, and for each count of digits the bit of
 * that number. */
struct faults {
    uint64_t shapes, counts;
};

/* Measures what may be no level at all: then the faults show it, and nothing of it is to be used. */
static inline void measure(const struct pw_level_marks *marks, const char *at, struct measured *level,
                           struct faults *faults)
{
    uint64_t bits = marks_at(marks, at);
    faults->counts |= _blsi_u64(bits);
    level->price_whole = _tzcnt_u64(bits);
    bits >>= level->price_whole & 63;
    faults->shapes |= bits ^ SHAPE;
    bits >>= SHAPE_BITS;
    faults->counts |= _blsi_u64(bits);
    level->qty_whole = _tzcnt_u64(bits);
    bits >>= level->qty_whole & 63;
    faults->shapes |= bits ^ SHAPE;
    level->price_point = at + level->price_whole;
    level->qty_point = level->price_point + SHAPE_BITS + level->qty_whole;
}

static inline bool faultless(const struct faults *faults)
{
    const uint64_t good_counts = (UINT64_C(2) << WHOLE_MAX) - 2;
    return ((faults->shapes & ((1u << SHAPE_BITS) - 1)) | (faults->counts & ~good_counts)) == 0;
}

/* What keeps, of 16 bytes around a point, the digits: as many before it as there are. */
static inline __m128i kept(uint64_t whole)
{
    static const uint8_t bytes[WHOLE_MAX + 16] = {0,    0,    0,    0,    0,    0,    0,    0xff,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return _mm_loadu_si128((const void *)(bytes + whole));
}

static inline __m128i around(const char *point)
{
    return _mm_loadu_si128((const void *)(point - WHOLE_MAX));
}

/* Two numbers' digits, 0 to 9; a point that is none leaves a bit in *points. */
static inline __m256i digits_of(const char *first, uint64_t first_whole, const char *second,
                                uint64_t second_whole, __m256i *points)
{
    const __m256i zeros =
        _mm256_setr_epi8('0', '0', '0', '0', '0', '0', '0', '.', '0', '0', '0', '0', '0', '0', '0', '0', '0',
                         '0', '0', '0', '0', '0', '0', '.', '0', '0', '0', '0', '0', '0', '0', '0');
    __m256i text = _mm256_xor_si256(_mm256_set_m128i(around(second), around(first)), zeros);
    *points = _mm256_or_si256(*points, text);
    return _mm256_and_si256(text, _mm256_set_m128i(kept(second_whole), kept(first_whole)));
}

/* Digits to fours of them; the last three before the point are a three. */
static inline __m256i fours_of(__m256i digits)
{
    const __m256i tens = _mm256_setr_epi8(10, 1, 10, 1, 10, 1, 1, 0, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1,
                                          10, 1, 1, 0, 10, 1, 10, 1, 10, 1, 10, 1);
    const __m256i hundreds = _mm256_setr_epi16(100, 1, 10, 1, 100, 1, 100, 1, 100, 1, 10, 1, 100, 1, 100, 1);
    return _mm256_madd_epi16(_mm256_maddubs_epi16(digits, tens), hundreds);
}

/* price, quantity, price, quantity. */
static inline __m256i values_of(const struct measured *a, const struct measured *b, __m256i *points)
{
    const __m256i thousands =
        _mm256_setr_epi16(1000, 1, 10000, 1, 1000, 1, 10000, 1, 1000, 1, 10000, 1, 1000, 1, 10000, 1);
    __m256i prices = digits_of(a->price_point, a->price_whole, b->price_point, b->price_whole, points);
    __m256i qtys = digits_of(a->qty_point, a->qty_whole, b->qty_point, b->qty_whole, points);
    __m256i fours = _mm256_packus_epi32(fours_of(prices), fours_of(qtys));
    __m256i eights = _mm256_madd_epi16(fours, thousands);
    __m256i whole = _mm256_mul_epu32(eights, _mm256_set1_epi64x(100000000));
    return _mm256_add_epi64(whole, _mm256_srli_epi64(eights, 32));
}

/* `","` between the two numbers of a level. */
static inline bool between(const struct measured *level)
{
    uint32_t text;
    memcpy(&text, level->price_point + 8, sizeof text);
    return text >> 8 == ('"' | ',' << 8 | '"' << 16);
}

/* What stands behind a level, 5 bytes of it. */
static inline uint64_t behind(const struct measured *level)
{
    return pw_swar_load(level->qty_point + 6) >> 24;
}
#define BEHIND_NEXT UINT64_C(0x225b2c5d22) /* "],[" */
#define BEHIND_LAST UINT64_C(0x5d5d22)     /* "]]  */

/* Where the next level begins, or the side's bracket has closed. */
static inline const char *level_end(const struct measured *level, bool last)
{
    return level->qty_point + (last ? 12 : 14);
}

/* Makes sure that the marks reach over the next pair, or to the end of what may be marked. */
static inline void marks_follow(struct pw_level_run *run, const char *at)
{
    const char *end = run->end - BEHIND_BYTES;
    if (run->marks.end - at < PAIR_BYTES && run->marks.end != end) {
        marks_set(&run->marks, at, end > at ? end : at);
    }
}

/* Collected while reading, checked at the end. */
struct gathered {
    __m256i points; /* bytes that are no point */
    __m256i zeros;  /* numbers that are zero */
};

static inline bool gathered_good(const struct gathered *gathered)
{
    const int64_t point_byte = (int64_t)(UINT64_C(0xff) << 56);
    return _mm256_testz_si256(gathered->points, _mm256_set_epi64x(0, point_byte, 0, point_byte)) &&
           _mm256_testz_si256(gathered->zeros, _mm256_set_epi64x(0, -1, 0, -1));
}

static inline __m256i gather(struct gathered *gathered, const struct measured *a, const struct measured *b)
{
    __m256i values = values_of(a, b, &gathered->points);
    __m256i zeros = _mm256_cmpeq_epi64(values, _mm256_setzero_si256());
    gathered->zeros = _mm256_or_si256(gathered->zeros, zeros);
    return values;
}

/* The event in three pieces: all but its levels is the same each time, and stays in registers. */
static inline void put_levels(struct pw_event *event, __m256i front, __m256i levels, uint64_t update_id)
{
    _mm256_storeu_si256((void *)event, front);
    _mm256_storeu_si256((void *)event->body.levels.level, levels);
    event->body.levels.update_id = update_id;
}

static_assert(offsetof(struct pw_event, body.levels.level) < 32 &&
                  offsetof(struct pw_event, body.levels.update_id) == 56,
              "put_levels writes all of an event");

/* The side's last level, if it stands alone in its event. */
static inline bool put_last(const struct pw_level_run *run, const char **at, const struct pw_event *head,
                            struct pw_event *event, struct gathered *gathered)
{
    struct measured level;
    struct faults faults = {0, 0};
    measure(&run->marks, *at, &level, &faults);
    if (!faultless(&faults) || !between(&level) || (behind(&level) & 0xffffff) != BEHIND_LAST) {
        return false;
    }
    __m256i values = gather(gathered, &level, &level);
    *event = *head;
    _mm_storeu_si128((void *)&event->body.levels.level[0], _mm256_castsi256_si128(values));
    event->body.levels.level[1] = (struct pw_level){0, 0};
    *at = level_end(&level, true);
    return true;
}

enum pw_level_result pw_level_run_pairs(struct pw_level_run *run, const struct pw_event *head)
{
    struct gathered gathered = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    struct pw_event pair = *head, *event = run->event;
    pair.flags |= PW_FLAG_PAIR;
    const __m256i front = _mm256_loadu_si256((const void *)&pair);
    const char *at = run->at;
    bool last = false;
    while (!last && event < run->event_end) {
        struct measured first, second;
        struct faults faults = {0, 0};
        marks_follow(run, at);
        measure(&run->marks, at, &first, &faults);
        measure(&run->marks, level_end(&first, false), &second, &faults);
        if (!faultless(&faults) || !between(&first) || behind(&first) != BEHIND_NEXT || !between(&second)) {
            last = put_last(run, &at, head, event, &gathered);
            event += last;
            break;
        }
        uint64_t text = behind(&second);
        last = text != BEHIND_NEXT;
        if (last && (text & 0xffffff) != BEHIND_LAST) {
            return PW_LEVEL_BAD;
        }
        put_levels(event++, front, gather(&gathered, &first, &second), head->body.levels.update_id);
        at = level_end(&second, last);
    }
    run->at = at;
    run->event = event;
    return !gathered_good(&gathered) ? PW_LEVEL_BAD : last ? PW_LEVEL_SIDE : PW_LEVEL_MORE;
}

#else
enum pw_level_result pw_level_run_pairs(struct pw_level_run *run, const struct pw_event *head)
{
    (void)run;
    (void)head;
    return PW_LEVEL_MORE;
}
#endif
