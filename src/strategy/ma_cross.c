/* SPDX-License-Identifier: MIT
 *
 * ma_cross: buys when the mean of the last `fast` trade prices rises above that of the last `slow`, sells
 * when it falls below. One position of `quantity` an instrument, long or flat.
 *
 * With s(k) the sign of (fast mean - slow mean) at the k-th trade, compared exactly as slow * sum(fast)
 * against fast * sum(slow): it crosses up where s(k-1) <= 0 and s(k) > 0, down where s(k-1) >= 0 and s(k) <
 * 0; at the first trade where both means exist there is no s(k-1), and no signal. Each crossing is a SIGNAL
 * with the two means, cut to whole units; one that finds the strategy on the other side is also an INTENT.
 *
 * What it holds is counted as holding.h says.
 */
#include "holding.h"
#include "params.h"
#include "strategies.h"

#include <errno.h>
#include <stdio.h>

#define WINDOW_MAX 100000

struct window {
    int64_t *prices_e8; /* the last `slow` prices, as a circle */
    uint32_t next_idx;  /* where the next one goes: the oldest, once the circle is full */
    uint32_t cnt;
    pw_i128 sum_fast_e8, sum_slow_e8;
    int sign; /* s(k-1); meaningless before the window is full */
    struct pw_holding holding;
};

struct ma_cross {
    int64_t fast, slow;
    int64_t quantity_e8[PW_UNITS];          /* pw_quantity_of */
    uint16_t window_of[PW_INSTRUMENTS_MAX]; /* by instrument: window + 1; 0: not ours */
    struct window windows[];
};

static bool read_params(struct ma_cross *m, const struct pw_strategy_env *env, char *error,
                        size_t error_bytes)
{
    const struct pw_param_want wants[] = {
        {"fast", PW_PARAM_COUNT, WINDOW_MAX, &m->fast},
        {"slow", PW_PARAM_COUNT, WINDOW_MAX, &m->slow},
        {"quantity", PW_PARAM_QUANTITY, 0, m->quantity_e8},
    };
    if (!pw_params_read(env, wants, sizeof wants / sizeof wants[0], error, error_bytes)) {
        return false;
    }
    if (m->fast >= m->slow) {
        snprintf(error, error_bytes, "parameter 'slow': %lld is not larger than fast, %lld",
                 (long long)m->slow, (long long)m->fast);
        return false;
    }
    return true;
}

static size_t windows_end(const struct pw_strategy_env *env)
{
    return sizeof(struct ma_cross) + env->instrument_cnt * sizeof(struct window);
}

static size_t ma_cross_state_bytes(const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct ma_cross m;
    if (!read_params(&m, env, error, error_bytes)) {
        return 0;
    }
    return windows_end(env) + env->instrument_cnt * (size_t)m.slow * sizeof(int64_t);
}

static int ma_cross_init(void *state, const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    struct ma_cross *m = state;
    if (!read_params(m, env, error, error_bytes)) {
        return -EINVAL;
    }
    int64_t *prices = (int64_t *)(void *)((char *)state + windows_end(env));
    for (uint32_t i = 0; i < env->instrument_cnt; i++) {
        m->windows[i].prices_e8 = prices + i * (size_t)m->slow;
        m->windows[i].holding = (struct pw_holding){.instrument = &env->instrument_table[env->instruments[i]],
                                                    .instrument_idx = env->instruments[i],
                                                    .strategy_idx = env->strategy_idx};
        m->window_of[env->instruments[i]] = (uint16_t)(i + 1);
    }
    return 0;
}

static struct window *window_of(struct ma_cross *m, uint16_t instrument_idx)
{
    uint16_t number = instrument_idx < PW_INSTRUMENTS_MAX ? m->window_of[instrument_idx] : 0;
    return number ? &m->windows[number - 1] : NULL;
}

/* Adds a price; true once the slow window is full. */
static bool push(const struct ma_cross *m, struct window *w, int64_t price_e8)
{
    uint32_t slow = (uint32_t)m->slow, fast = (uint32_t)m->fast;
    /* The price that leaves the fast window is the one added `fast` steps ago. */
    if (w->cnt >= fast) {
        w->sum_fast_e8 -= w->prices_e8[w->next_idx >= fast ? w->next_idx - fast : w->next_idx + slow - fast];
    }
    if (w->cnt == slow) {
        w->sum_slow_e8 -= w->prices_e8[w->next_idx];
    } else {
        w->cnt++;
    }
    w->sum_fast_e8 += price_e8;
    w->sum_slow_e8 += price_e8;
    w->prices_e8[w->next_idx] = price_e8;
    w->next_idx = w->next_idx + 1 == slow ? 0 : w->next_idx + 1;
    return w->cnt == slow;
}

static void on_price(const struct ma_cross *m, struct window *w, int64_t price_e8, uint64_t market_seq,
                     struct pw_decisions *out)
{
    bool had_both = w->cnt == m->slow;
    if (!push(m, w, price_e8)) {
        return;
    }
    pw_i128 a = m->slow * w->sum_fast_e8;
    pw_i128 b = m->fast * w->sum_slow_e8;
    int before = w->sign;
    w->sign = (a > b) - (a < b);
    bool up = had_both && before <= 0 && w->sign > 0;
    bool down = had_both && before >= 0 && w->sign < 0;
    if (!up && !down) {
        return;
    }
    pw_holding_signal(&w->holding, w->sum_fast_e8 / m->fast, w->sum_slow_e8 / m->slow, up ? 1 : -1,
                      market_seq, out);
    if (up) {
        pw_holding_buy(&w->holding, pw_quantity_of(m->quantity_e8, w->holding.instrument), market_seq, out);
    } else {
        pw_holding_sell(&w->holding, market_seq, out);
    }
}

static void ma_cross_on_market(void *state, const struct pw_event *event, uint64_t market_seq,
                               struct pw_decisions *out)
{
    struct ma_cross *m = state;
    struct window *w = window_of(m, event->instrument_idx);
    if (!w) {
        return;
    }
    if (event->kind == PW_EVENT_TRADE) {
        on_price(m, w, event->body.trade.price_e8, market_seq, out);
    } else if (event->kind == PW_EVENT_AGG_TRADE) {
        on_price(m, w, event->body.agg_trade.price_e8, market_seq, out);
    }
}

static void ma_cross_on_report(void *state, const struct pw_event *report, uint64_t market_seq,
                               struct pw_decisions *out)
{
    (void)market_seq;
    (void)out;
    struct window *w = window_of(state, report->instrument_idx);
    if (w) {
        pw_holding_take_report(&w->holding, report);
    }
}

const struct pw_strategy_ops pw_ma_cross = {
    .abi = PW_STRATEGY_ABI,
    .kind = "ma_cross",
    .what = "buys when the mean of the last `fast` trade prices rises above that of the last `slow`, sells "
            "when it falls below",
    .params = "fast, slow: trades in the two means; quantity",
    .signal_names = {"fast_mean", "slow_mean"},
    .decides_on = PW_KIND_BIT(TRADE) | PW_KIND_BIT(AGG_TRADE),
    .state_bytes = ma_cross_state_bytes,
    .init = ma_cross_init,
    .on_market = ma_cross_on_market,
    .on_report = ma_cross_on_report,
};
