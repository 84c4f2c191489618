/* SPDX-License-Identifier: MIT
 *
 * Sorted arrays of price levels: see levels.h.
 */
#include "levels.h"

#include <stdlib.h>
#include <string.h>

/* The index of the first level that is not worse than price: where it stands, or would. */
static uint32_t level_find(const struct pw_sim_side *levels, enum pw_side side, int64_t price_e8)
{
    uint32_t low = 0, high = levels->level_cnt;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int64_t at_e8 = levels->levels[middle].price_e8;
        if (side == PW_BUY ? at_e8 < price_e8 : at_e8 > price_e8) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool side_grow(struct pw_sim_side *side)
{
    uint32_t capacity = side->capacity ? side->capacity * 2 : 1024;
    struct pw_level *levels = realloc(side->levels, capacity * sizeof *levels);

    if (!levels) {
        return false;
    }
    side->levels = levels;
    side->capacity = capacity;
    return true;
}

bool pw_sim_book_set(struct pw_sim_book *book, enum pw_side which, int64_t price_e8, int64_t qty_e8)
{
    struct pw_sim_side *side = &book->sides[which];
    uint32_t i = level_find(side, which, price_e8);
    bool found = i < side->level_cnt && side->levels[i].price_e8 == price_e8;
    size_t after = side->level_cnt - i;

    if (found && qty_e8) {
        side->levels[i].qty_e8 = qty_e8;
    } else if (found) {
        memmove(&side->levels[i], &side->levels[i + 1], (after - 1) * sizeof *side->levels);
        side->level_cnt--;
    } else if (qty_e8) {
        if (side->level_cnt == side->capacity && !side_grow(side)) {
            return false;
        }
        memmove(&side->levels[i + 1], &side->levels[i], after * sizeof *side->levels);
        side->levels[i] = (struct pw_level){price_e8, qty_e8};
        side->level_cnt++;
    }
    return true;
}

void pw_sim_book_clear(struct pw_sim_book *book)
{
    book->sides[PW_BUY].level_cnt = book->sides[PW_SELL].level_cnt = 0;
    book->last_update_id = 0;
}

void pw_sim_book_free(struct pw_sim_book *book)
{
    free(book->sides[PW_BUY].levels);
    free(book->sides[PW_SELL].levels);
    *book = (struct pw_sim_book){0};
}

const struct pw_level *pw_sim_book_best(const struct pw_sim_book *book, enum pw_side side)
{
    const struct pw_sim_side *levels = &book->sides[side];

    return levels->level_cnt ? &levels->levels[levels->level_cnt - 1] : NULL;
}

void pw_sim_side_print(const struct pw_sim_side *side, uint32_t level_limit, struct pw_buffer *out)
{
    uint32_t cnt = side->level_cnt < level_limit ? side->level_cnt : level_limit;

    pw_buffer_string(out, "[");
    for (uint32_t i = 0; i < cnt; i++) {
        const struct pw_level *level = &side->levels[side->level_cnt - 1 - i];
        pw_buffer_string(out, i ? ",[\"" : "[\"");
        pw_buffer_e8(out, level->price_e8);
        pw_buffer_string(out, "\",\"");
        pw_buffer_e8(out, level->qty_e8);
        pw_buffer_string(out, "\"]");
    }
    pw_buffer_string(out, "]");
}

void pw_sim_book_print(const struct pw_sim_book *book, uint32_t level_limit, struct pw_buffer *out)
{
    pw_buffer_string(out, "{\"lastUpdateId\":");
    pw_buffer_int(out, (int64_t)book->last_update_id);
    pw_buffer_string(out, ",\"bids\":");
    pw_sim_side_print(&book->sides[PW_BUY], level_limit, out);
    pw_buffer_string(out, ",\"asks\":");
    pw_sim_side_print(&book->sides[PW_SELL], level_limit, out);
    pw_buffer_string(out, "}");
}
