/* SPDX-License-Identifier: MIT
 *
 * Placing, matching, stops: see matching.h. Where orders are kept: matching_book.h.
 */
#include "matching.h"

#include "matching_book.h"
#include "pw_assert.h"

static enum pw_side opposite(uint8_t side)
{
    return side == PW_BUY ? PW_SELL : PW_BUY;
}

/* ---- results ---- */

static void report(const struct pw_matching *matching, const struct pw_matching_result *result)
{
    if (matching->on_result) {
        matching->on_result(matching->state, result);
    }
}

static struct pw_matching_party party_of(const struct pw_matching_row *row)
{
    return (struct pw_matching_party){row->order_id, row->owner, row->tag};
}

static void report_level(struct pw_matching *matching, enum pw_side side, int64_t price_e8, int64_t qty_e8)
{
    pw_assert(qty_e8 >= 0);
    report(matching, &(struct pw_matching_result){.kind = PW_MATCHING_LEVEL,
                                                  .side = side,
                                                  .level = {price_e8, qty_e8, ++matching->last_update_id}});
}

static void report_end(const struct pw_matching *matching, const struct pw_matching_row *row,
                       enum pw_matching_end why)
{
    if (row->owner != PW_MATCHING_ANONYMOUS) {
        report(matching, &(struct pw_matching_result){.kind = PW_MATCHING_END,
                                                      .side = (enum pw_side)row->side,
                                                      .end = {party_of(row), row->leaves_qty_e8, why}});
    }
}

/* ---- reaching ---- */

/* Whether a limit order of the taker's side and price reaches that opposite price. */
static bool reaches(const struct pw_matching_row *taker, int64_t price_e8)
{
    return !pw_order_has_limit(taker->type) ||
           !pw_matching_better(opposite(taker->side), taker->price_e8, price_e8);
}

/* Whether it may not trade at a price that it reaches. */
static bool is_out_of_range(const struct pw_matching *matching, const struct pw_matching_row *taker,
                            int64_t price_e8)
{
    const struct pw_matching_range *range = &matching->ranges[taker->side];

    return (range->low_e8 && price_e8 < range->low_e8) || (range->high_e8 && price_e8 > range->high_e8);
}

static unsigned self_trade(const struct pw_matching_row *taker, const struct pw_matching_row *maker)
{
    unsigned stp = taker->stp == PW_STP_TRANSFER ? PW_STP_DECREMENT : taker->stp;

    return taker->owner == maker->owner && taker->owner != PW_MATCHING_ANONYMOUS ? stp : PW_STP_NONE;
}

/* What it has left then. */
static int64_t preview_left_e8(const struct pw_matching_row *taker, const struct pw_matching_preview *sum)
{
    return taker->leaves_qty_e8 - sum->qty_e8 - sum->prevented_qty_e8;
}

/* Adds what is taken of one level; false: the taker ends there, or has spent all. */
static bool level_preview(const struct pw_matching *matching, const struct pw_matching_level *level,
                          const struct pw_matching_row *taker, pw_i128 budget_e16,
                          struct pw_matching_preview *sum)
{
    for (uint32_t i = level->queue.first_idx; i != PW_MATCHING_NONE && preview_left_e8(taker, sum) > 0;
         i = matching->rows[i].next_idx) {
        int64_t left_e8 = preview_left_e8(taker, sum), qty_e8 = matching->rows[i].leaves_qty_e8;
        pw_i128 affordable_e8 = budget_e16 ? (budget_e16 - sum->quote_e16) / level->price_e8 : INT64_MAX;
        unsigned prevented = self_trade(taker, &matching->rows[i]);

        if (prevented & PW_STP_EXPIRE_TAKER) {
            return false;
        }
        qty_e8 = qty_e8 < left_e8 ? qty_e8 : left_e8;
        if (prevented) {
            sum->prevented_qty_e8 += prevented == PW_STP_DECREMENT ? qty_e8 : 0;
            continue;
        }
        qty_e8 = qty_e8 < affordable_e8 ? qty_e8 : (int64_t)affordable_e8;
        sum->qty_e8 += qty_e8;
        sum->quote_e16 += (pw_i128)qty_e8 * level->price_e8;
        if (qty_e8 == affordable_e8) {
            return false;
        }
    }
    return true;
}

static struct pw_matching_preview preview(const struct pw_matching *matching,
                                          const struct pw_matching_row *taker, pw_i128 budget_e16)
{
    const struct pw_matching_side *levels = &matching->sides[opposite(taker->side)];
    struct pw_matching_preview sum = {0};

    for (uint32_t i = levels->level_cnt; i-- > 0 && preview_left_e8(taker, &sum) > 0;) {
        if (!reaches(taker, levels->levels[i].price_e8) ||
            is_out_of_range(matching, taker, levels->levels[i].price_e8) ||
            !level_preview(matching, &levels->levels[i], taker, budget_e16, &sum)) {
            break;
        }
    }
    pw_assert(sum.qty_e8 == 0 || sum.qty_e8 <= taker->leaves_qty_e8);
    return sum;
}

static bool crosses(const struct pw_matching *matching, const struct pw_matching_row *taker)
{
    const struct pw_matching_level *best = pw_matching_best(matching, opposite(taker->side));

    return best && reaches(taker, best->price_e8);
}

/* Whether it trades with the best opposite order. */
static bool takes(const struct pw_matching *matching, const struct pw_matching_row *taker)
{
    const struct pw_matching_level *best = pw_matching_best(matching, opposite(taker->side));

    return best && reaches(taker, best->price_e8) && !is_out_of_range(matching, taker, best->price_e8);
}

/* ---- matching ---- */

/* The smaller one's quantity, out of the level's oldest order and the taker. */
static int64_t rows_reduce(struct pw_matching *matching, struct pw_matching_level *level,
                           struct pw_matching_row *taker)
{
    uint32_t row_idx = level->queue.first_idx;
    struct pw_matching_row *maker = &matching->rows[row_idx];
    int64_t qty_e8 =
        maker->leaves_qty_e8 < taker->leaves_qty_e8 ? maker->leaves_qty_e8 : taker->leaves_qty_e8;

    pw_assert(qty_e8 > 0 && qty_e8 <= level->qty_e8);
    pw_assert(maker->side != taker->side && maker->price_e8 == level->price_e8);
    taker->leaves_qty_e8 -= qty_e8;
    maker->leaves_qty_e8 -= qty_e8;
    level->qty_e8 -= qty_e8;
    if (maker->leaves_qty_e8 == 0) {
        pw_matching_unrest(matching, level, row_idx);
    }
    return qty_e8;
}

/* The level's oldest order and the taker, of one owner: no trade, and both have less. */
static void rows_decrement(struct pw_matching *matching, struct pw_matching_level *level,
                           struct pw_matching_row *taker)
{
    struct pw_matching_party maker = party_of(&matching->rows[level->queue.first_idx]);
    int64_t price_e8 = level->price_e8, qty_e8 = rows_reduce(matching, level, taker);

    report(matching, &(struct pw_matching_result){.kind = PW_MATCHING_PREVENTION,
                                                  .side = (enum pw_side)taker->side,
                                                  .prevention = {price_e8, qty_e8, maker, party_of(taker)}});
}

/* The level's oldest order and the taker: a trade. */
static void row_match(struct pw_matching *matching, struct pw_matching_level *level,
                      struct pw_matching_row *taker)
{
    struct pw_matching_party maker = party_of(&matching->rows[level->queue.first_idx]);
    int64_t price_e8 = level->price_e8, qty_e8 = rows_reduce(matching, level, taker);
    struct pw_matching_result result = {
        .kind = PW_MATCHING_TRADE,
        .side = (enum pw_side)taker->side,
        .trade = {++matching->last_trade_id, price_e8, qty_e8, maker, party_of(taker)}};

    matching->last_price_e8 = price_e8;
    matching->traded_low_e8 = price_e8 < matching->traded_low_e8 ? price_e8 : matching->traded_low_e8;
    matching->traded_high_e8 = price_e8 > matching->traded_high_e8 ? price_e8 : matching->traded_high_e8;
    report(matching, &result);
}

/* Trades with one level until it or the taker is used up; false: the taker ended before. */
static bool level_match(struct pw_matching *matching, struct pw_matching_level *level,
                        struct pw_matching_row *taker)
{
    while (taker->leaves_qty_e8 > 0 && level->queue.first_idx != PW_MATCHING_NONE) {
        uint32_t row_idx = level->queue.first_idx;
        unsigned prevented = self_trade(taker, &matching->rows[row_idx]);

        if (prevented & PW_STP_EXPIRE_MAKER) {
            struct pw_matching_row maker = matching->rows[row_idx];
            pw_matching_unrest(matching, level, row_idx);
            report_end(matching, &maker, PW_MATCHING_END_SELF_TRADE);
        }
        if (prevented & PW_STP_EXPIRE_TAKER) {
            return false;
        }
        if (prevented == PW_STP_DECREMENT) {
            rows_decrement(matching, level, taker);
        }
        if (prevented == PW_STP_NONE) {
            row_match(matching, level, taker);
        }
    }
    return true;
}

/* The same with all levels that it reaches and may trade at. */
static bool match(struct pw_matching *matching, struct pw_matching_row *taker)
{
    enum pw_side other = opposite(taker->side);
    struct pw_matching_side *levels = &matching->sides[other];
    bool alive = true;

    while (alive && taker->leaves_qty_e8 > 0 && takes(matching, taker)) {
        struct pw_matching_level *best = &levels->levels[levels->level_cnt - 1];
        int64_t price_e8 = best->price_e8, before_e8 = best->qty_e8, qty_e8;

        pw_assert(before_e8 > 0 && best->queue.order_cnt > 0); /* empty levels are removed at once */
        alive = level_match(matching, best, taker);
        qty_e8 = best->qty_e8;
        if (qty_e8 == 0) {
            pw_matching_level_remove(levels, levels->level_cnt - 1);
        }
        if (qty_e8 != before_e8) {
            report_level(matching, other, price_e8, qty_e8);
        }
    }
    pw_assert(!alive || taker->leaves_qty_e8 == 0 || !takes(matching, taker));
    return alive;
}

/* What is left of it rests, if it may. */
static uint32_t rest(struct pw_matching *matching, const struct pw_matching_row *taker)
{
    const struct pw_matching_level *level;
    uint32_t row_idx;

    pw_assert(taker->leaves_qty_e8 > 0);
    if (!pw_order_has_limit(taker->type) || taker->tif != PW_GTC) {
        report_end(matching, taker,
                   taker->tif == PW_IOC && pw_order_has_limit(taker->type) ? PW_MATCHING_END_IOC
                                                                           : PW_MATCHING_END_NO_LIQUIDITY);
        return PW_MATCHING_NONE;
    }
    level = pw_matching_rest(matching, taker, &row_idx);
    if (!level) {
        report_end(matching, taker, PW_MATCHING_END_NO_ROOM);
        return PW_MATCHING_NONE;
    }
    pw_assert(level->price_e8 == taker->price_e8 && level->qty_e8 >= taker->leaves_qty_e8);
    report_level(matching, (enum pw_side)taker->side, level->price_e8, level->qty_e8);
    return row_idx;
}

/* Of a fill-or-kill order that cannot be filled: it reaches levels, but may not trade at one of them. */
static bool range_ends(const struct pw_matching *matching, const struct pw_matching_row *taker)
{
    const struct pw_matching_side *levels = &matching->sides[opposite(taker->side)];
    uint32_t i = levels->level_cnt;

    while (i > 0 && reaches(taker, levels->levels[i - 1].price_e8) &&
           !is_out_of_range(matching, taker, levels->levels[i - 1].price_e8)) {
        i--;
    }
    return i > 0 && reaches(taker, levels->levels[i - 1].price_e8);
}

/* An order that no stop price holds back (any more). */
static uint32_t work(struct pw_matching *matching, struct pw_matching_row *taker)
{
    if (taker->type == PW_LIMIT_MAKER && crosses(matching, taker)) {
        report_end(matching, taker, PW_MATCHING_END_WOULD_TAKE);
    } else if (taker->tif == PW_FOK && preview(matching, taker, 0).qty_e8 < taker->leaves_qty_e8) {
        report_end(matching, taker,
                   range_ends(matching, taker) ? PW_MATCHING_END_PRICE_RANGE : PW_MATCHING_END_FOK);
    } else if (!match(matching, taker)) {
        report_end(matching, taker, PW_MATCHING_END_SELF_TRADE);
    } else if (taker->leaves_qty_e8 > 0 && crosses(matching, taker)) {
        report_end(matching, taker, PW_MATCHING_END_PRICE_RANGE);
    } else if (taker->leaves_qty_e8 > 0) {
        return rest(matching, taker);
    }
    return PW_MATCHING_NONE;
}

static struct pw_matching_row row_of(const struct pw_matching_order *order)
{
    return (struct pw_matching_row){.price_e8 = order->price_e8,
                                    .leaves_qty_e8 = order->qty_e8,
                                    .stop_price_e8 = order->stop_price_e8,
                                    .owner = order->owner,
                                    .tag = order->tag,
                                    .side = (uint8_t)order->side,
                                    .type = (uint8_t)order->type,
                                    .tif = (uint8_t)order->tif,
                                    .stp = (uint8_t)order->stp};
}

/* ---- stops ---- */

/* An order with a stop price, until it is activated. */
static uint32_t hold_back(struct pw_matching *matching, const struct pw_matching_order *order,
                          const struct pw_matching_row *row)
{
    uint32_t row_idx;

    if (pw_matching_would_trigger(matching, order)) {
        report_end(matching, row, PW_MATCHING_END_WOULD_TRIGGER);
        return PW_MATCHING_NONE;
    }
    row_idx = pw_matching_wait(matching, row);
    if (row_idx == PW_MATCHING_NONE) {
        report_end(matching, row, PW_MATCHING_END_NO_ROOM);
    }
    return row_idx;
}

uint32_t pw_matching_triggered(struct pw_matching *matching)
{
    uint32_t i =
        matching->traded_low_e8 <= matching->traded_high_e8 ? matching->waiting.first_idx : PW_MATCHING_NONE;

    for (; i != PW_MATCHING_NONE; i = matching->rows[i].next_idx) {
        const struct pw_matching_row *row = &matching->rows[i];
        pw_assert(row->place == PW_MATCHING_WAITS);
        if (pw_order_triggers_above(row->type, row->side) ? matching->traded_high_e8 >= row->stop_price_e8
                                                          : matching->traded_low_e8 <= row->stop_price_e8) {
            return i;
        }
    }
    matching->traded_low_e8 = INT64_MAX;
    matching->traded_high_e8 = 0;
    return PW_MATCHING_NONE;
}

uint32_t pw_matching_activate(struct pw_matching *matching, uint32_t row_idx)
{
    struct pw_matching_row row = matching->rows[row_idx];

    pw_assert(row_idx < matching->row_cnt);
    pw_matching_unwait(matching, row_idx);
    return work(matching, &row);
}

/* ---- the calls ---- */

uint32_t pw_matching_place(struct pw_matching *matching, const struct pw_matching_order *order)
{
    struct pw_matching_row row = row_of(order);

    pw_assert(order->qty_e8 > 0);
    row.order_id = ++matching->last_order_id;
    return pw_order_has_stop(row.type) ? hold_back(matching, order, &row) : work(matching, &row);
}

void pw_matching_cancel(struct pw_matching *matching, uint32_t row_idx)
{
    const struct pw_matching_row *row = &matching->rows[row_idx];
    enum pw_side side = (enum pw_side)row->side;
    struct pw_matching_side *levels = &matching->sides[side];
    int64_t price_e8 = row->price_e8, qty_e8;
    uint32_t at;

    pw_assert(row_idx < matching->row_cnt && row->place != PW_MATCHING_FREE);
    if (row->place == PW_MATCHING_WAITS) {
        pw_matching_unwait(matching, row_idx);
        return;
    }
    at = pw_matching_level_find(levels, side, price_e8);
    pw_assert(pw_matching_level_is(levels, at, price_e8));
    pw_matching_unrest(matching, &levels->levels[at], row_idx);
    qty_e8 = levels->levels[at].qty_e8;
    if (qty_e8 == 0) {
        pw_matching_level_remove(levels, at);
    }
    report_level(matching, side, price_e8, qty_e8);
}

struct pw_matching_preview pw_matching_preview(const struct pw_matching *matching,
                                               const struct pw_matching_order *order, pw_i128 budget_e16)
{
    struct pw_matching_row row = row_of(order);

    return preview(matching, &row, budget_e16);
}

bool pw_matching_would_take(const struct pw_matching *matching, const struct pw_matching_order *order)
{
    struct pw_matching_row row = row_of(order);

    return crosses(matching, &row);
}

bool pw_matching_would_trigger(const struct pw_matching *matching, const struct pw_matching_order *order)
{
    int64_t last_e8 = matching->last_price_e8;

    if (last_e8 == 0 || !pw_order_has_stop((uint8_t)order->type)) {
        return false;
    }
    return pw_order_triggers_above((uint8_t)order->type, (uint8_t)order->side)
               ? last_e8 >= order->stop_price_e8
               : last_e8 <= order->stop_price_e8;
}

int64_t pw_matching_qty_e8(const struct pw_matching *matching, enum pw_side side, int64_t price_e8)
{
    const struct pw_matching_side *levels = &matching->sides[side];
    uint32_t at = pw_matching_level_find(levels, side, price_e8);

    return pw_matching_level_is(levels, at, price_e8) ? levels->levels[at].qty_e8 : 0;
}
