/* SPDX-License-Identifier: MIT
 *
 * tick_taker: takes the best ask when the best bid is much the larger one: a LIMIT IOC order to buy
 * `quantity` at the ask's price, in the very call that brought the quote.
 *
 * A quote counts when its update id is not that of the instrument's quote before, both sides are there, and
 * bid quantity >= imbalance * ask quantity; of those, each `every`-th of an instrument is acted upon. It
 * never sells, and what becomes of its orders does not change what it does: it is there to measure the way of
 * a tick with (pinwheel bench tick-to-order), and the risk limits end it.
 */
#include "params.h"
#include "strategies.h"

#include <errno.h>

#define EVERY_MAX     1000000
#define IMBALANCE_MAX 1000000

struct tick_instrument {
    uint64_t update_id; /* of the quote before */
    int64_t quantity_e8;
    int64_t until; /* quotes that count, up to the next order; 0: not ours */
};

struct tick_taker {
    int64_t imbalance, every;
    int64_t quantity_e8[PW_UNITS]; /* pw_quantity_of */
    struct tick_instrument instruments[PW_INSTRUMENTS_MAX];
};

static bool read_params(struct tick_taker *t, const struct pw_strategy_env *env, char *error,
                        size_t error_bytes)
{
    const struct pw_param_want wants[] = {
        {"quantity", PW_PARAM_QUANTITY, 0, t->quantity_e8},
        {"imbalance", PW_PARAM_COUNT, IMBALANCE_MAX, &t->imbalance},
        {"every", PW_PARAM_COUNT, EVERY_MAX, &t->every},
    };
    return pw_params_read(env, wants, sizeof wants / sizeof wants[0], error, error_bytes);
}

static size_t tick_taker_state_bytes(const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct tick_taker t;
    return read_params(&t, env, error, error_bytes) ? sizeof t : 0;
}

static int tick_taker_init(void *state, const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct tick_taker *t = state;
    if (!read_params(t, env, error, error_bytes)) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < env->instrument_cnt; i++) {
        uint16_t idx = env->instruments[i];
        t->instruments[idx].until = t->every;
        t->instruments[idx].quantity_e8 = pw_quantity_of(t->quantity_e8, &env->instrument_table[idx]);
    }
    return 0;
}

static bool is_imbalanced(const struct tick_taker *t, const struct pw_quote *quote)
{
    return quote->bid_price_e8 > 0 && quote->ask_price_e8 > 0 &&
           (pw_i128)quote->bid_qty_e8 >= (pw_i128)t->imbalance * quote->ask_qty_e8;
}

static void tick_taker_on_market(void *state, const struct pw_event *event, uint64_t market_seq,
                                 struct pw_decisions *out)
{
    struct tick_taker *t = state;
    if (event->kind != PW_EVENT_QUOTE || event->instrument_idx >= PW_INSTRUMENTS_MAX) {
        return;
    }
    struct tick_instrument *instrument = &t->instruments[event->instrument_idx];
    const struct pw_quote *quote = &event->body.quote;
    if (instrument->until == 0 || quote->update_id == instrument->update_id) {
        return;
    }
    instrument->update_id = quote->update_id;
    if (!is_imbalanced(t, quote) || --instrument->until != 0) {
        return;
    }
    instrument->until = t->every;
    struct pw_event *intent = &out->events[out->cnt++];
    *intent = (struct pw_event){.kind = PW_EVENT_INTENT, .instrument_idx = event->instrument_idx};
    intent->body.intent = (struct pw_intent){.price_e8 = quote->ask_price_e8,
                                             .qty_e8 = instrument->quantity_e8,
                                             .market_seq = market_seq,
                                             .action = PW_PLACE,
                                             .type = PW_LIMIT,
                                             .tif = PW_IOC};
}

static void tick_taker_on_report(void *state, const struct pw_event *report, uint64_t market_seq,
                                 struct pw_decisions *out)
{
    (void)state;
    (void)report;
    (void)market_seq;
    (void)out;
}

const struct pw_strategy_ops pw_tick_taker = {
    .abi = PW_STRATEGY_ABI,
    .kind = "tick_taker",
    .what = "for latency benches: takes the best ask when the bid is much the larger one; it never sells, so "
            "it needs `risk.max_position`",
    .params = "quantity; imbalance: bid over ask quantity that counts; every: such quotes between two orders",
    .decides_on = PW_KIND_BIT(QUOTE),
    .only_buys = true,
    .state_bytes = tick_taker_state_bytes,
    .init = tick_taker_init,
    .on_market = tick_taker_on_market,
    .on_report = tick_taker_on_report,
};
