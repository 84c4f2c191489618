/* SPDX-License-Identifier: MIT
 *
 * Filling the table of symbols, and finding one of any length in it.
 */
#include "symbols.h"

#include <errno.h>
#include <string.h>

struct pw_symbol pw_symbols_find_text(const struct pw_symbols *symbols, const char *text, size_t bytes)
{
    uint64_t words[PW_SYMBOL_WORDS] = {0};
    if (bytes <= PW_SYMBOL_SHORT_BYTES) {
        memcpy(words, text, bytes);
        return pw_symbols_find(symbols, words);
    }
    for (uint32_t i = 0; i < symbols->long_cnt; i++) {
        const struct pw_symbol_long *row = &symbols->longs[i];
        if (row->bytes == bytes && memcmp(row->text, text, bytes) == 0) {
            return (struct pw_symbol){row->instrument_idx, row->unit_shift};
        }
    }
    return (struct pw_symbol){PW_NO_INSTRUMENT, 0};
}

static void add_short(struct pw_symbols *symbols, const char *text, size_t bytes, struct pw_symbol symbol)
{
    struct pw_symbol_slot slot = {.instrument_idx = symbol.instrument_idx, .unit_shift = symbol.unit_shift};
    memcpy(slot.words, text, bytes);
    uint32_t at = pw_symbol_hash(slot.words);
    while (symbols->slots[at].words[0] != 0) {
        at = (at + 1) % PW_SYMBOLS_SLOTS;
    }
    symbols->slots[at] = slot;
}

static void add_long(struct pw_symbols *symbols, const char *text, size_t bytes, struct pw_symbol symbol)
{
    struct pw_symbol_long *row = &symbols->longs[symbols->long_cnt++];
    row->bytes = (uint16_t)bytes;
    row->instrument_idx = symbol.instrument_idx;
    row->unit_shift = symbol.unit_shift;
    memcpy(row->text, text, bytes);
}

static void clear(struct pw_symbols *symbols)
{
    memset(symbols, 0, sizeof *symbols);
    for (uint32_t i = 0; i < PW_SYMBOLS_SLOTS; i++) {
        symbols->slots[i].instrument_idx = PW_NO_INSTRUMENT;
    }
}

/* False: it is empty, or there already. */
static bool add(struct pw_symbols *symbols, const struct pw_instrument *instrument, uint16_t instrument_idx)
{
    /* Only the text: what may stand behind its zero byte is no part of it. */
    const char *text = instrument->symbol;
    size_t bytes = strnlen(text, PW_SYMBOL_BYTES - 1);
    if (bytes == 0 || pw_symbols_find_text(symbols, text, bytes).instrument_idx != PW_NO_INSTRUMENT) {
        return false;
    }
    struct pw_symbol symbol = {instrument_idx, instrument->unit_shift};
    if (bytes <= PW_SYMBOL_SHORT_BYTES) {
        add_short(symbols, text, bytes, symbol);
    } else {
        add_long(symbols, text, bytes, symbol);
    }
    return true;
}

int pw_symbols_init(struct pw_symbols *symbols, const struct pw_instrument *instruments,
                    uint32_t instrument_cnt, uint32_t feed_idx)
{
    clear(symbols);
    if (instrument_cnt > PW_INSTRUMENTS_MAX) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        if (instruments[i].feed_idx == feed_idx && !add(symbols, &instruments[i], (uint16_t)i)) {
            return -EINVAL;
        }
    }
    return 0;
}

void pw_symbols_of(struct pw_symbols *symbols, const struct pw_instrument *instruments, const bool chosen[],
                   uint32_t instrument_cnt)
{
    clear(symbols);
    for (uint32_t i = 0; i < instrument_cnt && i < PW_INSTRUMENTS_MAX; i++) {
        if (chosen[i]) {
            add(symbols, &instruments[i], (uint16_t)i);
        }
    }
}
