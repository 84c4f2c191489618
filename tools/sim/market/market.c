/* SPDX-License-Identifier: MIT
 *
 * Queues of orders in sorted price levels: see market.h.
 */
#include "market.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pw_sim_market_init(struct pw_sim_market *market, uint32_t order_capacity, uint64_t first_id)
{
    *market = (struct pw_sim_market){.order_capacity = order_capacity,
                                     .last_order_id = first_id,
                                     .last_trade_id = first_id,
                                     .last_update_id = first_id};
    market->orders = calloc(order_capacity, sizeof *market->orders);
    for (int side = PW_BUY; side <= PW_SELL; side++) {
        market->sides[side].queues = calloc(order_capacity, sizeof *market->sides[side].queues);
        market->sides[side].resting = calloc(order_capacity, sizeof *market->sides[side].resting);
        if (!market->orders || !market->sides[side].queues || !market->sides[side].resting) {
            pw_sim_market_fini(market);
            return -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < order_capacity; i++) {
        market->orders[i].next_idx = i + 1 < order_capacity ? i + 1 : PW_SIM_NO_ORDER;
    }
    return 0;
}

void pw_sim_market_fini(struct pw_sim_market *market)
{
    for (int side = PW_BUY; side <= PW_SELL; side++) {
        free(market->sides[side].queues);
        free(market->sides[side].resting);
    }
    free(market->orders);
    *market = (struct pw_sim_market){0};
}

/* Is price a of that side better than b? */
static bool better(enum pw_side side, int64_t a_e8, int64_t b_e8)
{
    return side == PW_BUY ? a_e8 > b_e8 : a_e8 < b_e8;
}

/* The first queue that is not worse than price: where it stands, or would. */
static uint32_t queue_find(const struct pw_sim_queues *queues, enum pw_side side, int64_t price_e8)
{
    uint32_t low = 0, high = queues->queue_cnt;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (better(side, price_e8, queues->queues[middle].price_e8)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void tell_level(struct pw_sim_market *market, enum pw_side side, int64_t price_e8, int64_t qty_e8)
{
    struct pw_level level = {price_e8, qty_e8};

    market->last_update_id++;
    if (market->listener.level) {
        market->listener.level(market->listener.state, side, level, market->last_update_id);
    }
}

/* Takes an order out of its queue and the list; the queue's quantity and the queue itself are the caller's.
 */
static void order_unlink(struct pw_sim_market *market, struct pw_sim_queue *queue, uint32_t order_idx)
{
    struct pw_sim_order *order = &market->orders[order_idx];
    struct pw_sim_queues *side = &market->sides[order->side];
    uint32_t moved = side->resting[--side->resting_cnt];

    side->resting[order->rank] = moved;
    market->orders[moved].rank = order->rank;
    if (order->prev_idx != PW_SIM_NO_ORDER) {
        market->orders[order->prev_idx].next_idx = order->next_idx;
    } else {
        queue->first_idx = order->next_idx;
    }
    if (order->next_idx != PW_SIM_NO_ORDER) {
        market->orders[order->next_idx].prev_idx = order->prev_idx;
    } else {
        queue->last_idx = order->prev_idx;
    }
    queue->order_cnt--;
    order->resting = false;
    order->next_idx = market->free_idx;
    market->free_idx = order_idx;
}

static void queue_remove(struct pw_sim_queues *side, uint32_t i)
{
    side->queue_cnt--;
    memmove(&side->queues[i], &side->queues[i + 1], (side->queue_cnt - i) * sizeof *side->queues);
}

static struct pw_sim_queue *queue_insert(struct pw_sim_queues *side, uint32_t i, int64_t price_e8)
{
    memmove(&side->queues[i + 1], &side->queues[i], (side->queue_cnt - i) * sizeof *side->queues);
    side->queue_cnt++;
    side->queues[i] = (struct pw_sim_queue){
        .price_e8 = price_e8, .first_idx = PW_SIM_NO_ORDER, .last_idx = PW_SIM_NO_ORDER};
    return &side->queues[i];
}

static uint32_t order_rest(struct pw_sim_market *market, enum pw_side which, struct pw_level order,
                           const struct pw_sim_market_trade *as)
{
    struct pw_sim_queues *side = &market->sides[which];
    uint32_t order_idx = market->free_idx, at = queue_find(side, which, order.price_e8);
    struct pw_sim_order *resting = &market->orders[order_idx];
    struct pw_sim_queue *queue = &side->queues[at];

    if (order_idx == PW_SIM_NO_ORDER) {
        return PW_SIM_NO_ORDER;
    }
    market->free_idx = resting->next_idx;
    if (at == side->queue_cnt || queue->price_e8 != order.price_e8) {
        queue = queue_insert(side, at, order.price_e8);
    }
    *resting = (struct pw_sim_order){.price_e8 = order.price_e8,
                                     .qty_e8 = order.qty_e8,
                                     .order_id = as->taker_order_id,
                                     .next_idx = PW_SIM_NO_ORDER,
                                     .prev_idx = queue->last_idx,
                                     .rank = side->resting_cnt,
                                     .owner = as->taker_owner,
                                     .side = (uint8_t)which,
                                     .resting = true};
    if (queue->last_idx != PW_SIM_NO_ORDER) {
        market->orders[queue->last_idx].next_idx = order_idx;
    } else {
        queue->first_idx = order_idx;
    }
    queue->last_idx = order_idx;
    queue->order_cnt++;
    queue->qty_e8 += order.qty_e8;
    side->resting[side->resting_cnt++] = order_idx;
    tell_level(market, which, queue->price_e8, queue->qty_e8);
    return order_idx;
}

static unsigned meet(const struct pw_sim_taker *taker, uint32_t maker_owner)
{
    return taker->meet && maker_owner != PW_SIM_CROWD ? taker->meet(taker->state, maker_owner) : 0;
}

/* One queue's oldest order and the taker: a trade. */
static void order_match(struct pw_sim_market *market, struct pw_sim_queue *queue,
                        struct pw_sim_market_trade *trade, int64_t *left_e8)
{
    uint32_t order_idx = queue->first_idx;
    struct pw_sim_order *maker = &market->orders[order_idx];

    trade->trade_id = ++market->last_trade_id;
    trade->price_e8 = queue->price_e8;
    trade->qty_e8 = maker->qty_e8 < *left_e8 ? maker->qty_e8 : *left_e8;
    trade->maker_order_id = maker->order_id;
    trade->maker_owner = maker->owner;
    maker->qty_e8 -= trade->qty_e8;
    queue->qty_e8 -= trade->qty_e8;
    *left_e8 -= trade->qty_e8;
    if (maker->qty_e8 == 0) {
        order_unlink(market, queue, order_idx);
    }
    if (market->listener.trade) {
        market->listener.trade(market->listener.state, trade);
    }
}

/* Trades with one queue until it or the taker's quantity is used up; false: the taker ended before. */
static bool queue_match(struct pw_sim_market *market, struct pw_sim_queue *queue,
                        const struct pw_sim_taker *taker, struct pw_sim_market_trade *trade, int64_t *left_e8)
{
    while (*left_e8 > 0 && queue->first_idx != PW_SIM_NO_ORDER) {
        const struct pw_sim_order *maker = &market->orders[queue->first_idx];
        uint32_t maker_owner = maker->owner;
        unsigned meeting = meet(taker, maker_owner);

        if (meeting & PW_SIM_MEET_MAKER_ENDS) {
            queue->qty_e8 -= maker->qty_e8;
            order_unlink(market, queue, queue->first_idx);
            taker->ended(taker->state, maker_owner);
        }
        if (meeting & PW_SIM_MEET_TAKER_ENDS) {
            return false;
        }
        if (!meeting) {
            order_match(market, queue, trade, left_e8);
        }
    }
    return true;
}

uint32_t pw_sim_market_place(struct pw_sim_market *market, enum pw_side side, struct pw_level order,
                             bool rests)
{
    return pw_sim_market_place_for(
        market, &(struct pw_sim_taker){.side = side, .order = order, .rests = rests, .owner = PW_SIM_CROWD});
}

uint32_t pw_sim_market_place_for(struct pw_sim_market *market, const struct pw_sim_taker *taker)
{
    enum pw_side other = taker->side == PW_BUY ? PW_SELL : PW_BUY;
    struct pw_sim_queues *resting = &market->sides[other];
    struct pw_level order = taker->order;
    struct pw_sim_market_trade trade = {
        .taker_order_id = ++market->last_order_id, .taker_owner = taker->owner, .taker_side = taker->side};
    bool alive = true;

    while (alive && order.qty_e8 > 0 && resting->queue_cnt) {
        struct pw_sim_queue *best = &resting->queues[resting->queue_cnt - 1];
        int64_t price_e8 = best->price_e8, before_e8 = best->qty_e8, qty_e8;
        if (better(other, order.price_e8, price_e8)) {
            break; /* the limit is on our side of the spread */
        }
        alive = queue_match(market, best, taker, &trade, &order.qty_e8);
        qty_e8 = best->qty_e8;
        if (best->order_cnt == 0) {
            queue_remove(resting, resting->queue_cnt - 1);
        }
        if (qty_e8 != before_e8) {
            tell_level(market, other, price_e8, qty_e8);
        }
    }
    if (!alive) {
        taker->ended(taker->state, taker->owner);
    }
    return alive && order.qty_e8 > 0 && taker->rests ? order_rest(market, taker->side, order, &trade)
                                                     : PW_SIM_NO_ORDER;
}

void pw_sim_market_cancel(struct pw_sim_market *market, uint32_t order_idx)
{
    struct pw_sim_order *order = &market->orders[order_idx];
    enum pw_side which = (enum pw_side)order->side;
    struct pw_sim_queues *side = &market->sides[which];
    uint32_t at = queue_find(side, which, order->price_e8);
    struct pw_sim_queue *queue = &side->queues[at];
    int64_t price_e8 = queue->price_e8, qty_e8;

    queue->qty_e8 -= order->qty_e8;
    qty_e8 = queue->qty_e8;
    order_unlink(market, queue, order_idx);
    if (queue->order_cnt == 0) {
        queue_remove(side, at);
    }
    tell_level(market, which, price_e8, qty_e8);
}

/* Adds what is taken of one queue; false: the taker ends there, or has spent all. */
static bool queue_taking(const struct pw_sim_market *market, const struct pw_sim_queue *queue,
                         const struct pw_sim_taker *taker, pw_i128 budget_e16, struct pw_sim_taking *taking)
{
    for (uint32_t i = queue->first_idx; i != PW_SIM_NO_ORDER && taking->qty_e8 < taker->order.qty_e8;
         i = market->orders[i].next_idx) {
        int64_t left_e8 = taker->order.qty_e8 - taking->qty_e8, qty_e8 = market->orders[i].qty_e8;
        pw_i128 affordable_e8 = budget_e16 ? (budget_e16 - taking->quote_e16) / queue->price_e8 : INT64_MAX;
        unsigned meeting = meet(taker, market->orders[i].owner);

        if (meeting & PW_SIM_MEET_TAKER_ENDS) {
            return false;
        }
        if (meeting) {
            continue;
        }
        qty_e8 = qty_e8 < left_e8 ? qty_e8 : left_e8;
        qty_e8 = qty_e8 < affordable_e8 ? qty_e8 : (int64_t)affordable_e8;
        taking->qty_e8 += qty_e8;
        taking->quote_e16 += (pw_i128)qty_e8 * queue->price_e8;
        if (qty_e8 == affordable_e8) {
            return false;
        }
    }
    return true;
}

struct pw_sim_taking pw_sim_market_taking(const struct pw_sim_market *market,
                                          const struct pw_sim_taker *taker, pw_i128 budget_e16)
{
    enum pw_side other = taker->side == PW_BUY ? PW_SELL : PW_BUY;
    const struct pw_sim_queues *resting = &market->sides[other];
    struct pw_sim_taking taking = {0};

    for (uint32_t i = resting->queue_cnt; i-- > 0 && taking.qty_e8 < taker->order.qty_e8;) {
        const struct pw_sim_queue *queue = &resting->queues[i];
        if (better(other, taker->order.price_e8, queue->price_e8) ||
            !queue_taking(market, queue, taker, budget_e16, &taking)) {
            break;
        }
    }
    return taking;
}

const struct pw_sim_queue *pw_sim_market_best(const struct pw_sim_market *market, enum pw_side side)
{
    const struct pw_sim_queues *queues = &market->sides[side];

    return queues->queue_cnt ? &queues->queues[queues->queue_cnt - 1] : NULL;
}

int64_t pw_sim_market_qty(const struct pw_sim_market *market, enum pw_side side, int64_t price_e8)
{
    const struct pw_sim_queues *queues = &market->sides[side];
    uint32_t at = queue_find(queues, side, price_e8);

    return at < queues->queue_cnt && queues->queues[at].price_e8 == price_e8 ? queues->queues[at].qty_e8 : 0;
}
