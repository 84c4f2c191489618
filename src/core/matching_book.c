/* SPDX-License-Identifier: MIT
 *
 * Rows, queues and sorted levels: see matching_book.h.
 */
#include "matching_book.h"

#include "pw_assert.h"
#include <pinwheel/lines.h>
#include <string.h>

/* ---- memory ---- */

static size_t head_bytes(void)
{
    return pw_round_up_64(sizeof(struct pw_matching));
}

/* In the worst case each order has a level of its own. */
static size_t levels_bytes(uint32_t order_max)
{
    return pw_round_up_64(order_max * sizeof(struct pw_matching_level));
}

static size_t resting_bytes(uint32_t order_max)
{
    return pw_round_up_64(order_max * sizeof(uint32_t));
}

size_t pw_matching_bytes(uint32_t order_max)
{
    if (order_max == 0 || order_max > PW_MATCHING_ORDERS_MAX) {
        return 0;
    }
    return head_bytes() + order_max * sizeof(struct pw_matching_row) +
           2 * (levels_bytes(order_max) + resting_bytes(order_max));
}

struct pw_matching *pw_matching_init(void *memory, uint32_t order_max, uint64_t first_id)
{
    struct pw_matching *matching = memory;
    char *at = (char *)memory + head_bytes();

    pw_assert(order_max > 0 && order_max <= PW_MATCHING_ORDERS_MAX);
    *matching = (struct pw_matching){.row_cnt = order_max,
                                     .waiting = {PW_MATCHING_NONE, PW_MATCHING_NONE, 0},
                                     .traded_low_e8 = INT64_MAX,
                                     .last_order_id = first_id,
                                     .last_trade_id = first_id,
                                     .last_update_id = first_id};
    matching->rows = (struct pw_matching_row *)(void *)at;
    at += order_max * sizeof *matching->rows;
    for (int side = PW_BUY; side <= PW_SELL; side++) {
        matching->sides[side].levels = (struct pw_matching_level *)(void *)at;
        at += levels_bytes(order_max);
        matching->sides[side].resting = (uint32_t *)(void *)at;
        at += resting_bytes(order_max);
    }
    pw_assert(at == (char *)memory + pw_matching_bytes(order_max));
    for (uint32_t i = 0; i < order_max; i++) {
        matching->rows[i].next_idx = i + 1 < order_max ? i + 1 : PW_MATCHING_NONE;
    }
    return matching;
}

/* ---- rows and queues ---- */

/* Each open order rests on one side, or waits. */
static bool counts_agree(const struct pw_matching *matching)
{
    return matching->open_cnt == matching->sides[PW_BUY].resting_cnt + matching->sides[PW_SELL].resting_cnt +
                                     matching->waiting.order_cnt;
}

static bool queue_is_sound(const struct pw_matching_queue *queue)
{
    return (queue->order_cnt == 0) == (queue->first_idx == PW_MATCHING_NONE) &&
           (queue->order_cnt == 0) == (queue->last_idx == PW_MATCHING_NONE);
}

static uint32_t row_take(struct pw_matching *matching, const struct pw_matching_row *row,
                         enum pw_matching_row_place place)
{
    uint32_t row_idx = matching->free_idx;
    struct pw_matching_row *taken = &matching->rows[row_idx];

    pw_assert(row_idx < matching->row_cnt && taken->place == PW_MATCHING_FREE);
    pw_assert(matching->open_cnt < matching->row_cnt);
    matching->free_idx = taken->next_idx;
    matching->open_cnt++;
    *taken = *row;
    taken->place = (uint8_t)place;
    return row_idx;
}

static void row_free(struct pw_matching *matching, uint32_t row_idx)
{
    pw_assert(matching->open_cnt > 0 && matching->rows[row_idx].place != PW_MATCHING_FREE);
    matching->open_cnt--;
    matching->rows[row_idx].place = PW_MATCHING_FREE;
    matching->rows[row_idx].next_idx = matching->free_idx;
    matching->free_idx = row_idx;
}

static void queue_add(struct pw_matching *matching, struct pw_matching_queue *queue, uint32_t row_idx)
{
    struct pw_matching_row *row = &matching->rows[row_idx];

    pw_assert(queue_is_sound(queue));
    row->next_idx = PW_MATCHING_NONE;
    row->prev_idx = queue->last_idx;
    *(row->prev_idx != PW_MATCHING_NONE ? &matching->rows[row->prev_idx].next_idx : &queue->first_idx) =
        row_idx;
    queue->last_idx = row_idx;
    queue->order_cnt++;
}

static void queue_remove(struct pw_matching *matching, struct pw_matching_queue *queue, uint32_t row_idx)
{
    const struct pw_matching_row *row = &matching->rows[row_idx];
    uint32_t next = row->next_idx, prev = row->prev_idx;

    pw_assert(queue->order_cnt > 0);
    queue->order_cnt--;
    *(prev != PW_MATCHING_NONE ? &matching->rows[prev].next_idx : &queue->first_idx) = next;
    *(next != PW_MATCHING_NONE ? &matching->rows[next].prev_idx : &queue->last_idx) = prev;
    pw_assert(queue_is_sound(queue));
}

/* ---- levels ---- */

uint32_t pw_matching_level_find(const struct pw_matching_side *levels, enum pw_side side, int64_t price_e8)
{
    uint32_t low = 0, high = levels->level_cnt;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (pw_matching_better(side, price_e8, levels->levels[middle].price_e8)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void pw_matching_level_remove(struct pw_matching_side *levels, uint32_t i)
{
    pw_assert(i < levels->level_cnt);
    pw_assert(levels->levels[i].queue.order_cnt == 0 && levels->levels[i].qty_e8 == 0);
    levels->level_cnt--;
    memmove(&levels->levels[i], &levels->levels[i + 1], (levels->level_cnt - i) * sizeof *levels->levels);
}

/* Whether a level lies between its neighbours: the best one is last. */
static bool level_is_in_order(const struct pw_matching_side *levels, enum pw_side side, uint32_t i)
{
    const struct pw_matching_level *at = &levels->levels[i];

    return (i == 0 || pw_matching_better(side, at->price_e8, at[-1].price_e8)) &&
           (i + 1 == levels->level_cnt || pw_matching_better(side, at[1].price_e8, at->price_e8));
}

static void level_insert(struct pw_matching_side *levels, uint32_t i, int64_t price_e8)
{
    pw_assert(i <= levels->level_cnt);
    memmove(&levels->levels[i + 1], &levels->levels[i], (levels->level_cnt - i) * sizeof *levels->levels);
    levels->level_cnt++;
    levels->levels[i] =
        (struct pw_matching_level){.price_e8 = price_e8, .queue = {PW_MATCHING_NONE, PW_MATCHING_NONE, 0}};
}

/* ---- open orders ---- */

struct pw_matching_level *pw_matching_rest(struct pw_matching *matching, const struct pw_matching_row *row,
                                           uint32_t *row_idx)
{
    struct pw_matching_side *levels = &matching->sides[row->side];
    uint32_t at = pw_matching_level_find(levels, (enum pw_side)row->side, row->price_e8);
    bool is_new = !pw_matching_level_is(levels, at, row->price_e8);
    int64_t qty_e8 = row->leaves_qty_e8;

    if (!pw_matching_has_room(matching) ||
        (!is_new && __builtin_add_overflow(qty_e8, levels->levels[at].qty_e8, &qty_e8))) {
        return NULL;
    }
    *row_idx = row_take(matching, row, PW_MATCHING_RESTS);
    if (is_new) {
        level_insert(levels, at, row->price_e8);
        pw_assert(level_is_in_order(levels, (enum pw_side)row->side, at));
    }
    levels->levels[at].qty_e8 = qty_e8;
    queue_add(matching, &levels->levels[at].queue, *row_idx);
    matching->rows[*row_idx].rank = levels->resting_cnt;
    levels->resting[levels->resting_cnt++] = *row_idx;
    pw_assert(counts_agree(matching));
    return &levels->levels[at];
}

void pw_matching_unrest(struct pw_matching *matching, struct pw_matching_level *level, uint32_t row_idx)
{
    const struct pw_matching_row *row = &matching->rows[row_idx];
    struct pw_matching_side *levels = &matching->sides[row->side];
    uint32_t moved = levels->resting[--levels->resting_cnt];

    pw_assert(row->place == PW_MATCHING_RESTS && level->qty_e8 >= row->leaves_qty_e8);
    pw_assert(row->rank <= levels->resting_cnt && levels->resting[row->rank] == row_idx);
    levels->resting[row->rank] = moved;
    matching->rows[moved].rank = row->rank;
    level->qty_e8 -= row->leaves_qty_e8;
    queue_remove(matching, &level->queue, row_idx);
    row_free(matching, row_idx);
    pw_assert((level->qty_e8 == 0) == (level->queue.order_cnt == 0));
    pw_assert(counts_agree(matching));
}

uint32_t pw_matching_wait(struct pw_matching *matching, const struct pw_matching_row *row)
{
    uint32_t row_idx;

    if (!pw_matching_has_room(matching)) {
        return PW_MATCHING_NONE;
    }
    row_idx = row_take(matching, row, PW_MATCHING_WAITS);
    queue_add(matching, &matching->waiting, row_idx);
    pw_assert(counts_agree(matching));
    return row_idx;
}

void pw_matching_unwait(struct pw_matching *matching, uint32_t row_idx)
{
    pw_assert(matching->rows[row_idx].place == PW_MATCHING_WAITS);
    queue_remove(matching, &matching->waiting, row_idx);
    row_free(matching, row_idx);
    pw_assert(counts_agree(matching));
}
