/* SPDX-License-Identifier: MIT
 *
 * Filling the table of symbols, and finding one of any length in it.
 */
#include "symbols.h"

#include <errno.h>
#include <string.h>

uint16_t pw_symbols_find_text(const struct pw_symbols *symbols, const char *text, size_t bytes)
{
    uint64_t words[PW_SYMBOL_WORDS] = {0};
    if (bytes <= PW_SYMBOL_SHORT_BYTES) {
        memcpy(words, text, bytes);
        return pw_symbols_find(symbols, words);
    }
    for (uint32_t i = 0; i < symbols->long_cnt; i++) {
        const struct pw_symbol_long *row = &symbols->longs[i];
        if (row->bytes == bytes && memcmp(row->text, text, bytes) == 0) {
            return row->instrument_idx;
        }
    }
    return PW_NO_INSTRUMENT;
}

static void add_short(struct pw_symbols *symbols, const char *text, size_t bytes, uint16_t instrument_idx)
{
    struct pw_symbol_slot slot = {.instrument_idx = instrument_idx};
    memcpy(slot.words, text, bytes);
    uint32_t at = pw_symbol_hash(slot.words);
    while (symbols->slots[at].words[0] != 0) {
        at = (at + 1) % PW_SYMBOLS_SLOTS;
    }
    symbols->slots[at] = slot;
}

static void add_long(struct pw_symbols *symbols, const char *text, size_t bytes, uint16_t instrument_idx)
{
    struct pw_symbol_long *row = &symbols->longs[symbols->long_cnt++];
    row->bytes = (uint16_t)bytes;
    row->instrument_idx = instrument_idx;
    memcpy(row->text, text, bytes);
}

int pw_symbols_init(struct pw_symbols *symbols, const struct pw_instrument *instruments,
                    uint32_t instrument_cnt, uint32_t feed_idx)
{
    memset(symbols, 0, sizeof *symbols);
    if (instrument_cnt > PW_INSTRUMENTS_MAX) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        if (instruments[i].feed_idx != feed_idx) {
            continue;
        }
        /* Only the text: what may stand behind its zero byte is no part of it. */
        const char *text = instruments[i].symbol;
        size_t bytes = strnlen(text, PW_SYMBOL_BYTES - 1);
        if (bytes == 0 || pw_symbols_find_text(symbols, text, bytes) != PW_NO_INSTRUMENT) {
            return -EINVAL;
        }
        if (bytes <= PW_SYMBOL_SHORT_BYTES) {
            add_short(symbols, text, bytes, (uint16_t)i);
        } else {
            add_long(symbols, text, bytes, (uint16_t)i);
        }
    }
    return 0;
}
