/* SPDX-License-Identifier: MIT
 *
 * ma_cross: buys when the mean of the last `fast` trade prices rises above that of the last `slow`, sells
 * when it falls below. One position of `quantity` an instrument, long or flat.
 *
 * With s(k) the sign of (fast mean - slow mean) at the k-th trade, compared exactly as slow * sum(fast)
 * against fast * sum(slow): it crosses up where s(k-1) <= 0 and s(k) > 0, down where s(k-1) >= 0 and s(k) <
 * 0; at the first trade where both means exist there is no s(k-1), and no signal. Each crossing is a SIGNAL;
 * one that finds the strategy on the other side is also an INTENT.
 *
 * What it holds is what it has asked for, less what it is told will never be filled; it does not wait for
 * fills. So what it does next does not depend on how soon reports come back; but for fees in the base asset,
 * which are known with their fills alone: what they took is not sold. It sells whole steps, and less than one
 * is as good as flat.
 */
#include "fills.h"
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
    int64_t held_e8;
    const struct pw_instrument *instrument;
};

struct ma_cross {
    int64_t fast, slow, quantity_e8;
    uint16_t strategy_idx;
    uint16_t window_of[PW_INSTRUMENTS_MAX]; /* by instrument: window + 1; 0: not ours */
    struct window windows[];
};

static bool read_params(struct ma_cross *m, const struct pw_strategy_env *env, char *error,
                        size_t error_bytes)
{
    const struct pw_param_want wants[] = {
        {"fast", PW_PARAM_COUNT, WINDOW_MAX, &m->fast},
        {"slow", PW_PARAM_COUNT, WINDOW_MAX, &m->slow},
        {"quantity", PW_PARAM_DECIMAL, 0, &m->quantity_e8},
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
    m->strategy_idx = env->strategy_idx;
    for (uint32_t i = 0; i < env->instrument_cnt; i++) {
        m->windows[i].prices_e8 = prices + i * (size_t)m->slow;
        m->windows[i].instrument = &env->instrument_table[env->instruments[i]];
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

/* Signals are for reading: a value beyond the field is shown as the field's end. */
static int64_t clamp(pw_i128 value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static struct pw_event *add(struct pw_decisions *out, uint8_t kind, uint16_t instrument_idx)
{
    struct pw_event *event = &out->events[out->cnt++];
    *event = (struct pw_event){.kind = kind, .instrument_idx = instrument_idx};
    return event;
}

static void add_signal(struct pw_decisions *out, const struct ma_cross *m, uint16_t instrument_idx, pw_i128 a,
                       pw_i128 b, uint64_t market_seq)
{
    struct pw_event *event = add(out, PW_EVENT_SIGNAL, instrument_idx);
    event->body.signal = (struct pw_signal){.value_a = clamp(a),
                                            .value_b = clamp(b),
                                            .direction = a > b ? 1 : -1,
                                            .strategy_idx = m->strategy_idx,
                                            .market_seq = market_seq};
}

static void add_order(struct pw_decisions *out, const struct ma_cross *m, uint16_t instrument_idx, bool sell,
                      int64_t qty_e8, uint64_t market_seq)
{
    struct pw_event *event = add(out, PW_EVENT_INTENT, instrument_idx);
    event->flags = sell ? PW_FLAG_SELL : 0;
    event->body.intent = (struct pw_intent){.qty_e8 = qty_e8,
                                            .market_seq = market_seq,
                                            .action = PW_PLACE,
                                            .type = PW_MARKET,
                                            .tif = PW_IOC,
                                            .strategy_idx = m->strategy_idx};
}

/* What a market order can sell of what it holds. */
static int64_t sellable_e8(const struct window *w)
{
    int64_t step_e8 = w->instrument->step_e8 > w->instrument->market_step_e8 ? w->instrument->step_e8
                                                                             : w->instrument->market_step_e8;
    return step_e8 > 0 ? w->held_e8 - w->held_e8 % step_e8 : w->held_e8;
}

static void on_price(struct ma_cross *m, struct window *w, const struct pw_event *event, int64_t price_e8,
                     uint64_t market_seq, struct pw_decisions *out)
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
    add_signal(out, m, event->instrument_idx, a, b, market_seq);
    int64_t sellable = sellable_e8(w);
    if (up && sellable <= 0) {
        add_order(out, m, event->instrument_idx, false, m->quantity_e8, market_seq);
        w->held_e8 += m->quantity_e8;
    } else if (down && sellable > 0) {
        add_order(out, m, event->instrument_idx, true, sellable, market_seq);
        w->held_e8 -= sellable;
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
        on_price(m, w, event, event->body.trade.price_e8, market_seq, out);
    } else if (event->kind == PW_EVENT_AGG_TRADE) {
        on_price(m, w, event, event->body.agg_trade.price_e8, market_seq, out);
    }
}

static void take_fee(struct window *w, const struct pw_fill_info *info)
{
    int64_t fee_e8;
    if (pw_fill_base_fee_e8(info->fee_asset, pw_fill_info_fee_e16(info), w->instrument, &fee_e8)) {
        w->held_e8 -= fee_e8;
    }
}

static void ma_cross_on_report(void *state, const struct pw_event *report, uint64_t market_seq,
                               struct pw_decisions *out)
{
    (void)market_seq;
    (void)out;
    struct window *w = window_of(state, report->instrument_idx);
    if (w && report->kind == PW_EVENT_FILL_INFO) {
        take_fee(w, &report->body.fill_info);
    }
    if (!w || report->kind != PW_EVENT_ORDER) {
        return;
    }
    const struct pw_order *order = &report->body.order;
    if (order->state == PW_ORDER_DENIED || order->state == PW_ORDER_REJECTED ||
        order->state == PW_ORDER_CANCELED || order->state == PW_ORDER_EXPIRED) {
        /* What was left will never come. */
        w->held_e8 += report->flags & PW_FLAG_SELL ? order->leaves_qty_e8 : -order->leaves_qty_e8;
    }
}

const struct pw_strategy_ops pw_ma_cross = {
    .abi = PW_STRATEGY_ABI,
    .kind = "ma_cross",
    .state_bytes = ma_cross_state_bytes,
    .init = ma_cross_init,
    .on_market = ma_cross_on_market,
    .on_report = ma_cross_on_report,
};
