/* SPDX-License-Identifier: MIT
 *
 * breakout: buys when a trade's price exceeds the highest of the `entry` trades before it, sells when one
 * falls below the lowest of the `exit` trades before it (a Donchian channel). One position of `quantity` an
 * instrument, long or flat.
 *
 * With p(k) the price of the k-th trade, H(k) = max(p(k-entry) .. p(k-1)) and L(k) = min(p(k-exit) ..
 * p(k-1)): it breaks out where p(k) > H(k), down where p(k) < L(k); never before there are so many trades.
 * Each breakout is a SIGNAL with p(k) and the bound that it passed; one that finds the strategy on the other
 * side is also an INTENT. What it holds is counted as holding.h says.
 *
 * The extremes of the last n prices are kept in a queue of those that may still become the extreme: each
 * price enters and leaves once, whatever n is.
 */
#include "holding.h"
#include "params.h"
#include "strategies.h"

#include "pw_assert.h"
#include <errno.h>

#define WINDOW_MAX 100000

struct extreme {
    struct candidate {
        int64_t price_e8;
        uint64_t trade_idx;
    } * queue;               /* as a circle of `cap`; from the extreme to the latest */
    uint32_t cap, head, cnt; /* cap: the window's trades */
};

struct channel {
    struct extreme highest, lowest;
    uint64_t trade_cnt;
    struct pw_holding holding;
};

struct breakout {
    int64_t entry, exit;
    int64_t quantity_e8[PW_UNITS];           /* pw_quantity_of */
    uint16_t channel_of[PW_INSTRUMENTS_MAX]; /* by instrument: channel + 1; 0: not ours */
    struct channel channels[];
};

static bool read_params(struct breakout *b, const struct pw_strategy_env *env, char *error,
                        size_t error_bytes)
{
    const struct pw_param_want wants[] = {
        {"entry", PW_PARAM_COUNT, WINDOW_MAX, &b->entry},
        {"exit", PW_PARAM_COUNT, WINDOW_MAX, &b->exit},
        {"quantity", PW_PARAM_QUANTITY, 0, b->quantity_e8},
    };
    return pw_params_read(env, wants, sizeof wants / sizeof wants[0], error, error_bytes);
}

static size_t channels_end(const struct pw_strategy_env *env)
{
    return sizeof(struct breakout) + env->instrument_cnt * sizeof(struct channel);
}

static size_t breakout_state_bytes(const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct breakout b;
    if (!read_params(&b, env, error, error_bytes)) {
        return 0;
    }
    return channels_end(env) + env->instrument_cnt * (size_t)(b.entry + b.exit) * sizeof(struct candidate);
}

static int breakout_init(void *state, const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct breakout *b = state;
    if (!read_params(b, env, error, error_bytes)) {
        return -EINVAL;
    }
    struct candidate *at = (struct candidate *)(void *)((char *)state + channels_end(env));
    for (uint32_t i = 0; i < env->instrument_cnt; i++) {
        struct channel *channel = &b->channels[i];
        channel->highest = (struct extreme){.queue = at, .cap = (uint32_t)b->entry};
        channel->lowest = (struct extreme){.queue = at + b->entry, .cap = (uint32_t)b->exit};
        at += b->entry + b->exit;
        channel->holding = (struct pw_holding){.instrument = &env->instrument_table[env->instruments[i]],
                                               .instrument_idx = env->instruments[i],
                                               .strategy_idx = env->strategy_idx};
        b->channel_of[env->instruments[i]] = (uint16_t)(i + 1);
    }
    return 0;
}

static struct channel *channel_of(struct breakout *b, uint16_t instrument_idx)
{
    uint16_t number = instrument_idx < PW_INSTRUMENTS_MAX ? b->channel_of[instrument_idx] : 0;
    return number ? &b->channels[number - 1] : NULL;
}

static struct candidate *candidate_at(const struct extreme *x, uint32_t i)
{
    return &x->queue[(x->head + i) % x->cap];
}

/* sign 1: the highest; -1: the lowest. What the new price surpasses will never be the extreme again. */
static void push(struct extreme *x, int sign, int64_t price_e8, uint64_t trade_idx)
{
    if (x->cnt > 0 && candidate_at(x, 0)->trade_idx + x->cap == trade_idx) {
        x->head = (x->head + 1) % x->cap; /* it leaves the window */
        x->cnt--;
    }
    while (x->cnt > 0) {
        int64_t last_e8 = candidate_at(x, x->cnt - 1)->price_e8;
        if (sign > 0 ? last_e8 > price_e8 : last_e8 < price_e8) {
            break;
        }
        x->cnt--;
    }
    pw_assert(x->cnt < x->cap);
    *candidate_at(x, x->cnt++) = (struct candidate){price_e8, trade_idx};
}

static void on_price(const struct breakout *b, struct channel *c, int64_t price_e8, uint64_t market_seq,
                     struct pw_decisions *out)
{
    bool up = c->trade_cnt >= c->highest.cap && price_e8 > candidate_at(&c->highest, 0)->price_e8;
    bool down = c->trade_cnt >= c->lowest.cap && price_e8 < candidate_at(&c->lowest, 0)->price_e8;
    if (up) {
        pw_holding_signal(&c->holding, price_e8, candidate_at(&c->highest, 0)->price_e8, 1, market_seq, out);
        pw_holding_buy(&c->holding, pw_quantity_of(b->quantity_e8, c->holding.instrument), market_seq, out);
    } else if (down) {
        pw_holding_signal(&c->holding, price_e8, candidate_at(&c->lowest, 0)->price_e8, -1, market_seq, out);
        pw_holding_sell(&c->holding, market_seq, out);
    }
    push(&c->highest, 1, price_e8, c->trade_cnt);
    push(&c->lowest, -1, price_e8, c->trade_cnt);
    c->trade_cnt++;
}

static void breakout_on_market(void *state, const struct pw_event *event, uint64_t market_seq,
                               struct pw_decisions *out)
{
    struct breakout *b = state;
    struct channel *channel = channel_of(b, event->instrument_idx);
    if (!channel) {
        return;
    }
    if (event->kind == PW_EVENT_TRADE) {
        on_price(b, channel, event->body.trade.price_e8, market_seq, out);
    } else if (event->kind == PW_EVENT_AGG_TRADE) {
        on_price(b, channel, event->body.agg_trade.price_e8, market_seq, out);
    }
}

static void breakout_on_report(void *state, const struct pw_event *report, uint64_t market_seq,
                               struct pw_decisions *out)
{
    (void)market_seq;
    (void)out;
    struct channel *channel = channel_of(state, report->instrument_idx);
    if (channel) {
        pw_holding_take_report(&channel->holding, report);
    }
}

const struct pw_strategy_ops pw_breakout = {
    .abi = PW_STRATEGY_ABI,
    .kind = "breakout",
    .what = "buys when a trade exceeds the highest price of the `entry` trades before it, sells below the "
            "lowest of the `exit` trades before",
    .params = "entry, exit: trades whose highest and lowest price are the channel; quantity",
    .decides_on = PW_KIND_BIT(TRADE) | PW_KIND_BIT(AGG_TRADE),
    .signal_names = {"price", "bound"},
    .state_bytes = breakout_state_bytes,
    .init = breakout_init,
    .on_market = breakout_on_market,
    .on_report = breakout_on_report,
};
