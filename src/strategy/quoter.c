/* SPDX-License-Identifier: MIT
 *
 * quoter: keeps one post-only order to buy and one to sell, `quantity` each, `distance` ticks behind the best
 * price of its side, and moves them with it.
 *
 * After each `every`-th quote of an instrument each side is looked at: without an order it gets one
 * (LIMIT_MAKER); a resting order whose price is no longer the one wanted is replaced; while a request is
 * under way, or an order's outcome is unknown, nothing is done. It counts no position: how much it may buy
 * and sell, the risk limits say. It is the smallest strategy whose orders rest.
 */
#include "params.h"
#include "strategies.h"

#include <errno.h>

#define DISTANCE_MAX 1000000
#define EVERY_MAX    1000000

/* Of an order, what is needed to move it. */
struct resting {
    uint64_t client_order_id; /* 0: none */
    int64_t price_e8;
    bool movable; /* open or partially filled */
};

struct quoter_side {
    struct resting order;
    struct resting next; /* in the place of `order`, while both may stand */
    bool asked;          /* an intent is not answered */
};

struct quoter_instrument {
    const struct pw_instrument *row; /* its tick may change */
    int64_t until;                   /* quotes, up to the next look; 0: not ours */
    int64_t quantity_e8;
    struct quoter_side sides[2];
};

struct quoter {
    int64_t distance, every;
    int64_t quantity_e8[PW_UNITS]; /* pw_quantity_of */
    uint16_t strategy_idx;
    struct quoter_instrument instruments[PW_INSTRUMENTS_MAX];
};

static bool read_params(struct quoter *q, const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    const struct pw_param_want wants[] = {
        {"quantity", PW_PARAM_QUANTITY, 0, q->quantity_e8},
        {"distance", PW_PARAM_COUNT, DISTANCE_MAX, &q->distance},
        {"every", PW_PARAM_COUNT, EVERY_MAX, &q->every},
    };
    return pw_params_read(env, wants, sizeof wants / sizeof wants[0], error, error_bytes);
}

static size_t quoter_state_bytes(const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct quoter q;
    return read_params(&q, env, error, error_bytes) ? sizeof q : 0;
}

static int quoter_init(void *state, const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct quoter *q = state;
    if (!read_params(q, env, error, error_bytes)) {
        return -EINVAL;
    }
    q->strategy_idx = env->strategy_idx;
    for (uint32_t i = 0; i < env->instrument_cnt; i++) {
        uint16_t idx = env->instruments[i];
        q->instruments[idx].row = &env->instrument_table[idx];
        q->instruments[idx].quantity_e8 = pw_quantity_of(q->quantity_e8, &env->instrument_table[idx]);
        q->instruments[idx].until = q->every;
    }
    return 0;
}

/* 0: there is no such price. */
static int64_t wanted_e8(const struct quoter *q, const struct quoter_instrument *instrument,
                         const struct pw_quote *quote, enum pw_side side)
{
    int64_t best_e8 = side == PW_SELL ? quote->ask_price_e8 : quote->bid_price_e8;
    pw_i128 away = (pw_i128)q->distance * instrument->row->tick_e8;
    pw_i128 price = best_e8 + (side == PW_SELL ? away : -away);
    return best_e8 > 0 && price > 0 && price <= INT64_MAX ? (int64_t)price : 0;
}

static void look(const struct quoter *q, struct quoter_side *s, enum pw_side side, uint16_t instrument_idx,
                 int64_t price_e8, uint64_t market_seq, struct pw_decisions *out)
{
    bool none = s->order.client_order_id == 0;
    bool move = !none && s->order.movable && s->order.price_e8 != price_e8;
    if (price_e8 == 0 || s->asked || s->next.client_order_id != 0 || !(none || move)) {
        return;
    }
    s->asked = true;
    struct pw_event *intent = &out->events[out->cnt++];
    *intent = (struct pw_event){.kind = PW_EVENT_INTENT,
                                .flags = side == PW_SELL ? PW_FLAG_SELL : 0,
                                .instrument_idx = instrument_idx};
    intent->body.intent = (struct pw_intent){.price_e8 = price_e8,
                                             .qty_e8 = q->instruments[instrument_idx].quantity_e8,
                                             .client_order_id = s->order.client_order_id,
                                             .market_seq = market_seq,
                                             .action = none ? PW_PLACE : PW_REPLACE,
                                             .type = PW_LIMIT_MAKER,
                                             .tif = PW_GTC,
                                             .strategy_idx = q->strategy_idx,
                                             .tag = (uint16_t)side};
}

static void quoter_on_market(void *state, const struct pw_event *event, uint64_t market_seq,
                             struct pw_decisions *out)
{
    struct quoter *q = state;
    if (event->kind != PW_EVENT_QUOTE || event->instrument_idx >= PW_INSTRUMENTS_MAX) {
        return;
    }
    struct quoter_instrument *instrument = &q->instruments[event->instrument_idx];
    if (instrument->until == 0 || --instrument->until != 0) {
        return;
    }
    instrument->until = q->every;
    for (int side = PW_BUY; side <= PW_SELL; side++) {
        int64_t price_e8 = wanted_e8(q, instrument, &event->body.quote, (enum pw_side)side);
        look(q, &instrument->sides[side], (enum pw_side)side, event->instrument_idx, price_e8, market_seq,
             out);
    }
}

static bool has_ended(uint8_t state)
{
    return state == PW_ORDER_FILLED || state == PW_ORDER_CANCELED || state == PW_ORDER_REJECTED ||
           state == PW_ORDER_REPLACED || state == PW_ORDER_EXPIRED;
}

/* An order that is not the one known is the one asked for last, or one that was given up and turned up again:
 * that one execution cancels or asks about, and its end is waited for like the others'. */
static void note(struct quoter_side *s, const struct pw_order *order)
{
    if (order->state == PW_ORDER_DENIED) {
        s->asked = false;
        return;
    }
    struct resting *slot = s->order.client_order_id == order->client_order_id  ? &s->order
                           : s->next.client_order_id == order->client_order_id ? &s->next
                           : s->order.client_order_id == 0                     ? &s->order
                                                                               : &s->next;
    *slot = (struct resting){.client_order_id = has_ended(order->state) ? 0 : order->client_order_id,
                             .price_e8 = order->price_e8,
                             .movable =
                                 order->state == PW_ORDER_OPEN || order->state == PW_ORDER_PARTIALLY_FILLED};
    s->asked &= order->state != PW_ORDER_IN_FLIGHT;
    if (s->order.client_order_id == 0) {
        s->order = s->next;
        s->next = (struct resting){0};
    }
}

static void quoter_on_report(void *state, const struct pw_event *report, uint64_t market_seq,
                             struct pw_decisions *out)
{
    (void)market_seq;
    (void)out;
    struct quoter *q = state;
    if (report->kind == PW_EVENT_ORDER && report->instrument_idx < PW_INSTRUMENTS_MAX) {
        note(&q->instruments[report->instrument_idx].sides[report->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY],
             &report->body.order);
    }
}

const struct pw_strategy_ops pw_quoter = {
    .abi = PW_STRATEGY_ABI,
    .kind = "quoter",
    .what = "keeps a post-only order on each side, `distance` ticks behind the best price, and moves it with "
            "the price",
    .params = "quantity; distance: ticks behind the best price; every: quotes between two decisions",
    .decides_on = PW_KIND_BIT(QUOTE),
    .state_bytes = quoter_state_bytes,
    .init = quoter_init,
    .on_market = quoter_on_market,
    .on_report = quoter_on_report,
};
