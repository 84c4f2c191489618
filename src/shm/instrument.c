/* SPDX-License-Identifier: MIT
 *
 * Instruments by name: a symbol, with its feed where several feeds have it.
 */
#include <pinwheel/workspace.h>
#include <stdio.h>
#include <string.h>

static bool is_same(const char *a, const char *b)
{
    return strncmp(a, b, PW_SYMBOL_BYTES) == 0;
}

static uint32_t symbol_cnt(const struct pw_instrument *rows, uint32_t row_cnt, const char *symbol)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < row_cnt; i++) {
        cnt += is_same(rows[i].symbol, symbol);
    }
    return cnt;
}

const char *pw_instrument_name(const struct pw_instrument *rows, uint32_t row_cnt, uint32_t idx,
                               char text[PW_INSTRUMENT_NAME_BYTES])
{
    if (idx >= row_cnt || rows[idx].symbol[0] == '\0') {
        return NULL;
    }
    const struct pw_instrument *row = &rows[idx];
    if (symbol_cnt(rows, row_cnt, row->symbol) > 1) {
        snprintf(text, PW_INSTRUMENT_NAME_BYTES, "%.*s:%.*s", PW_STAGE_NAME_BYTES - 1, row->feed,
                 PW_SYMBOL_BYTES - 1, row->symbol);
    } else {
        snprintf(text, PW_INSTRUMENT_NAME_BYTES, "%.*s", PW_SYMBOL_BYTES - 1, row->symbol);
    }
    return text;
}

uint16_t pw_instrument_find(const struct pw_instrument *rows, uint32_t row_cnt, const char *name)
{
    const char *colon = strchr(name, ':');
    const char *symbol = colon != NULL ? colon + 1 : name;
    uint16_t found = PW_NO_INSTRUMENT;
    for (uint32_t i = 0; i < row_cnt; i++) {
        size_t feed_bytes = strnlen(rows[i].feed, sizeof rows[i].feed);
        bool is_feed = colon == NULL ||
                       (feed_bytes == (size_t)(colon - name) && strncmp(rows[i].feed, name, feed_bytes) == 0);
        if (!is_feed || !is_same(rows[i].symbol, symbol)) {
            continue;
        }
        if (found != PW_NO_INSTRUMENT) {
            return PW_NO_INSTRUMENT;
        }
        found = (uint16_t)i;
    }
    return found;
}
