/* SPDX-License-Identifier: MIT
 *
 * A venue's book by price level, as far as its clients may see it: what REST snapshots are made of.
 */
#ifndef PW_SIM_LEVELS_H
#define PW_SIM_LEVELS_H

#include "buffer.h"

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stdint.h>

/* One side, sorted so that the best price is the last: near the top is where levels come and go. */
struct pw_sim_side {
    struct pw_level *levels;
    uint32_t level_cnt, capacity;
};

struct pw_sim_book {
    struct pw_sim_side sides[2]; /* by enum pw_side: PW_BUY are the bids */
    uint64_t last_update_id;
};

/* Sets a level to an absolute quantity; 0 removes it (or changes nothing). False: no memory. */
bool pw_sim_book_set(struct pw_sim_book *book, enum pw_side side, int64_t price_e8, int64_t qty_e8);
void pw_sim_book_clear(struct pw_sim_book *book);
void pw_sim_book_free(struct pw_sim_book *book);

/* The best level of a side; NULL if it is empty. */
const struct pw_level *pw_sim_book_best(const struct pw_sim_book *book, enum pw_side side);

/* Appends {"lastUpdateId":..,"bids":[..],"asks":[..]} with at most level_limit levels a side. */
void pw_sim_book_print(const struct pw_sim_book *book, uint32_t level_limit, struct pw_buffer *out);
/* Appends one side: [["price","qty"],..], best first. */
void pw_sim_side_print(const struct pw_sim_side *side, uint32_t level_limit, struct pw_buffer *out);

#endif
