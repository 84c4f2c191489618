/* SPDX-License-Identifier: MIT
 *
 * What the matching engine keeps: rows of open orders, in queues by time, in levels by price. Nothing here
 * matches or reports; for matching.c alone.
 */
#ifndef PW_MATCHING_BOOK_H
#define PW_MATCHING_BOOK_H

#include "matching.h"

/* Is price a of that side better than b? */
static inline bool pw_matching_better(enum pw_side side, int64_t a_e8, int64_t b_e8)
{
    return side == PW_BUY ? a_e8 > b_e8 : a_e8 < b_e8;
}

/* The number of the level with that price, or of the next better one, where it would be inserted. */
uint32_t pw_matching_level_find(const struct pw_matching_side *levels, enum pw_side side, int64_t price_e8);
/* Whether that level has the price. */
static inline bool pw_matching_level_is(const struct pw_matching_side *levels, uint32_t i, int64_t price_e8)
{
    return i < levels->level_cnt && levels->levels[i].price_e8 == price_e8;
}
void pw_matching_level_remove(struct pw_matching_side *levels, uint32_t i);

/* A copy of `row` at the end of its level, which is made if need be: the order rests in row *row_idx. Returns
 * the level; NULL: no row is free, or the level's quantity would overflow. */
struct pw_matching_level *pw_matching_rest(struct pw_matching *matching, const struct pw_matching_row *row,
                                           uint32_t *row_idx);
/* The same at the end of those that wait. Returns where, or PW_MATCHING_NONE: no row is free. */
uint32_t pw_matching_wait(struct pw_matching *matching, const struct pw_matching_row *row);

/* Out of its level, whose quantity falls by what is left of the order. An empty level stays: the caller
 * removes it. */
void pw_matching_unrest(struct pw_matching *matching, struct pw_matching_level *level, uint32_t row_idx);
/* Out of those that wait. */
void pw_matching_unwait(struct pw_matching *matching, uint32_t row_idx);

#endif
