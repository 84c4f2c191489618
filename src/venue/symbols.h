/* SPDX-License-Identifier: MIT
 *
 * From a symbol's bytes to the engine's instrument index: a small hash table over one feed's instruments,
 * filled once.
 *
 * A symbol of up to PW_SYMBOL_SHORT_BYTES is three words of 8 bytes, zeros behind the text, so that comparing
 * two is comparing three words. Longer ones are few: they are found by going through a list.
 */
#ifndef PW_SYMBOLS_H
#define PW_SYMBOLS_H

#include <pinwheel/venue.h>
#include <stdbool.h>

#define PW_SYMBOL_WORDS       3u
#define PW_SYMBOL_SHORT_BYTES (8 * PW_SYMBOL_WORDS - 1) /* a zero byte ends it, so no longer one is equal */
#define PW_SYMBOLS_SLOTS      512u                      /* twice PW_INSTRUMENTS_MAX: at most half full */

struct pw_symbol_slot {
    uint64_t words[PW_SYMBOL_WORDS]; /* words[0] == 0: empty, and */
    uint16_t instrument_idx;         /* then PW_NO_INSTRUMENT: that is what no text at all finds */
    int8_t unit_shift;               /* of its numbers (units.h) */
    uint8_t reserved[5];
};

struct pw_symbol_long {
    char text[PW_SYMBOL_BYTES];
    uint16_t bytes, instrument_idx;
    int8_t unit_shift;
};

struct pw_symbols {
    struct pw_symbol_slot slots[PW_SYMBOLS_SLOTS];
    uint32_t long_cnt;
    struct pw_symbol_long longs[PW_INSTRUMENTS_MAX];
};

static_assert(PW_SYMBOLS_SLOTS >= 2 * PW_INSTRUMENTS_MAX, "room to probe");

/* Cold: takes in the instruments whose feed_idx is this one; 0, or -EINVAL for an empty symbol, one that is
 * twice in the table, or more than PW_INSTRUMENTS_MAX. */
int pw_symbols_init(struct pw_symbols *symbols, const struct pw_instrument *instruments,
                    uint32_t instrument_cnt, uint32_t feed_idx);

/* The same of those that are chosen, whatever their feeds: a symbol that is there twice is one, as it has the
 * same units at one venue. */
void pw_symbols_of(struct pw_symbols *symbols, const struct pw_instrument *instruments, const bool chosen[],
                   uint32_t instrument_cnt);

static inline uint32_t pw_symbol_hash(const uint64_t words[PW_SYMBOL_WORDS])
{
    /* Odd constants of splitmix64; the top bits of a product depend on all bits of its factor. */
    uint64_t hash = words[0] * UINT64_C(0x9e3779b97f4a7c15) ^ words[1] * UINT64_C(0xbf58476d1ce4e5b9) ^
                    words[2] * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(hash >> 55); /* 9 bits: PW_SYMBOLS_SLOTS */
}

/* By a short symbol's words. */
static inline struct pw_symbol pw_symbols_find(const struct pw_symbols *symbols,
                                               const uint64_t words[PW_SYMBOL_WORDS])
{
    for (uint32_t at = pw_symbol_hash(words);; at = (at + 1) % PW_SYMBOLS_SLOTS) {
        const struct pw_symbol_slot *slot = &symbols->slots[at];
        if (slot->words[0] == words[0] && slot->words[1] == words[1] && slot->words[2] == words[2]) {
            return (struct pw_symbol){slot->instrument_idx, slot->unit_shift};
        }
        if (slot->words[0] == 0) {
            return (struct pw_symbol){PW_NO_INSTRUMENT, 0};
        }
    }
}

/* The same by a symbol of any length. */
struct pw_symbol pw_symbols_find_text(const struct pw_symbols *symbols, const char *text, size_t bytes);

#endif
