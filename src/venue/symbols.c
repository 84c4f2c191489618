/* SPDX-License-Identifier: MIT
 *
 * Filling the table of symbols.
 */
#include "symbols.h"

#include <errno.h>
#include <string.h>

int pw_symbols_init(struct pw_symbols *symbols, const struct pw_instrument *instruments,
                    uint32_t instrument_cnt, uint32_t feed_idx)
{
    memset(symbols, 0, sizeof *symbols);
    if (instrument_cnt > PW_INSTRUMENTS_MAX) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        struct pw_symbol_slot slot = {.instrument_idx = i};
        if (instruments[i].feed_idx != feed_idx) {
            continue;
        }
        /* Only the text: what may stand behind its zero byte is no part of it. */
        memcpy(slot.words, instruments[i].symbol, strnlen(instruments[i].symbol, PW_SYMBOL_BYTES - 1));
        if (slot.words[0] == 0 || pw_symbols_find(symbols, slot.words) != PW_NO_INSTRUMENT) {
            return -EINVAL;
        }
        uint32_t at = pw_symbol_hash(slot.words);
        while (symbols->slots[at].words[0] != 0) {
            at = (at + 1) % PW_SYMBOLS_SLOTS;
        }
        symbols->slots[at] = slot;
    }
    return 0;
}
