/* SPDX-License-Identifier: MIT
 *
 * breakout: its rule by example, against a slow recomputation over random prices, its parameters, and the
 * ends of its orders.
 */
#include "strategies.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct harness {
    struct pw_strategy_env env;
    struct pw_param params[8];
    uint16_t instruments[2];
    struct pw_instrument table[8];
    void *state;
    struct pw_decisions out;
    uint64_t market_seq;
    char error[256];
};

static void set_param(struct harness *h, const char *name, const char *value)
{
    struct pw_param *param = &h->params[h->env.param_cnt++];
    snprintf(param->name, sizeof param->name, "%s", name);
    snprintf(param->value, sizeof param->value, "%s", value);
}

static struct harness *make(const char *entry, const char *exit, const char *quantity)
{
    struct harness *h = calloc(1, sizeof *h);
    h->env = (struct pw_strategy_env){.strategy_idx = 3,
                                      .name = "x",
                                      .params = h->params,
                                      .instruments = h->instruments,
                                      .instrument_cnt = 2,
                                      .instrument_table = h->table};
    h->instruments[1] = 7;
    set_param(h, "entry", entry);
    set_param(h, "exit", exit);
    set_param(h, "quantity", quantity);
    return h;
}

static bool start(struct harness *h)
{
    size_t bytes = pw_breakout.state_bytes(&h->env, h->error, sizeof h->error);
    if (bytes == 0) {
        return false;
    }
    h->state = aligned_alloc(64, (bytes + 63) / 64 * 64);
    memset(h->state, 0, bytes);
    return pw_breakout.init(h->state, &h->env, h->error, sizeof h->error) == 0;
}

static struct harness *started(const char *entry, const char *exit)
{
    struct harness *h = make(entry, exit, "2");
    cr_assert(start(h), "%s", h->error);
    return h;
}

static void stop(struct harness *h)
{
    free(h->state);
    free(h);
}

static void trade(struct harness *h, uint16_t instrument_idx, int64_t price)
{
    struct pw_event event = {.kind = PW_EVENT_TRADE,
                             .instrument_idx = instrument_idx,
                             .body.trade = {.price_e8 = price, .qty_e8 = 1}};
    h->out.cnt = 0;
    pw_breakout.on_market(h->state, &event, h->market_seq++, &h->out);
}

static void report(struct harness *h, enum pw_order_state state, bool sell, int64_t leaves_e8)
{
    struct pw_event event = {.kind = PW_EVENT_ORDER,
                             .flags = sell ? PW_FLAG_SELL : 0,
                             .body.order = {.leaves_qty_e8 = leaves_e8, .state = (uint8_t)state}};
    h->out.cnt = 0;
    pw_breakout.on_report(h->state, &event, h->market_seq, &h->out);
    cr_expect_eq(h->out.cnt, 0);
}

static void expect_signal(const struct harness *h, int64_t price, int64_t bound, int direction)
{
    cr_assert_geq(h->out.cnt, 1);
    const struct pw_event *event = &h->out.events[0];
    cr_expect_eq(event->kind, PW_EVENT_SIGNAL);
    cr_expect_eq(event->body.signal.value_a, price);
    cr_expect_eq(event->body.signal.value_b, bound);
    cr_expect_eq(event->body.signal.direction, direction);
    cr_expect_eq(event->body.signal.strategy_idx, 3);
    cr_expect_eq(event->body.signal.market_seq, h->market_seq - 1);
}

static void expect_order(const struct harness *h, bool sell, int64_t qty_e8)
{
    cr_assert_eq(h->out.cnt, 2);
    const struct pw_event *event = &h->out.events[1];
    cr_expect_eq(event->kind, PW_EVENT_INTENT);
    cr_expect_eq((event->flags & PW_FLAG_SELL) != 0, sell);
    cr_expect_eq(event->body.intent.qty_e8, qty_e8);
    cr_expect_eq(event->body.intent.type, PW_MARKET);
    cr_expect_eq(event->body.intent.strategy_idx, 3);
}

Test(breakout, a_price_above_the_channel_buys_and_one_below_it_sells)
{
    struct harness *h = started("3", "2");
    const int64_t quiet[] = {100, 120, 110, 120};
    for (size_t i = 0; i < 4; i++) {
        trade(h, 0, quiet[i]);
        cr_expect_eq(h->out.cnt, 0, "trade %zu: the highest itself is no breakout", i);
    }
    trade(h, 0, 121);
    expect_signal(h, 121, 120, 1);
    expect_order(h, false, 2 * PW_E8);
    trade(h, 0, 125);
    expect_signal(h, 125, 121, 1);
    cr_expect_eq(h->out.cnt, 1, "it is long already");
    trade(h, 0, 121);
    cr_expect_eq(h->out.cnt, 0, "the lowest of the last two is 121");
    trade(h, 0, 120);
    expect_signal(h, 120, 121, -1);
    expect_order(h, true, 2 * PW_E8);
    trade(h, 0, 1);
    cr_expect_eq(h->out.cnt, 1, "it is flat already");
    stop(h);
}

Test(breakout, instruments_have_channels_of_their_own_and_others_are_passed_over)
{
    struct harness *h = started("1", "1");
    trade(h, 0, 100);
    trade(h, 7, 5);
    cr_expect_eq(h->out.cnt, 0);
    trade(h, 7, 6);
    expect_order(h, false, 2 * PW_E8);
    cr_expect_eq(h->out.events[1].instrument_idx, 7);
    trade(h, 5, 1);
    cr_expect_eq(h->out.cnt, 0, "not its instrument");
    trade(h, UINT16_MAX, 1);
    cr_expect_eq(h->out.cnt, 0);
    struct pw_event quote = {.kind = PW_EVENT_QUOTE};
    h->out.cnt = 0;
    pw_breakout.on_market(h->state, &quote, 1, &h->out);
    cr_expect_eq(h->out.cnt, 0, "quotes are no trades");
    stop(h);
}

Test(breakout, what_is_not_filled_is_not_held)
{
    static const enum pw_order_state ends[] = {PW_ORDER_DENIED, PW_ORDER_REJECTED, PW_ORDER_CANCELED,
                                               PW_ORDER_EXPIRED};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct harness *h = started("1", "1");
        trade(h, 0, 100);
        trade(h, 0, 101);
        expect_order(h, false, 2 * PW_E8);
        report(h, ends[i], false, 2 * PW_E8);
        trade(h, 0, 102);
        expect_order(h, false, 2 * PW_E8);
        report(h, ends[i], false, PW_E8 / 2); /* partly filled */
        trade(h, 0, 101);
        expect_order(h, true, 3 * PW_E8 / 2);
        stop(h);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = *state;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* 1: above the entry trades before; -1: below the exit trades before; 0: neither. */
static int slowly(const int64_t *prices, int k, int entry, int exit)
{
    bool up = k >= entry, down = k >= exit;
    for (int i = k - entry; i < k && up; i++) {
        up = prices[k] > prices[i];
    }
    for (int i = k - exit; i < k && down; i++) {
        down = prices[k] < prices[i];
    }
    return up ? 1 : down ? -1 : 0;
}

Test(breakout, agrees_with_a_slow_recomputation_over_random_prices)
{
    static const int windows[][2] = {{1, 1}, {2, 5}, {20, 10}, {7, 7}, {100, 3}};
    enum { TRADES = 4000 };
    static int64_t prices[TRADES];
    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
        char entry[8], exit[8];
        uint64_t seed = 42 + w;
        int signals = 0;
        snprintf(entry, sizeof entry, "%d", windows[w][0]);
        snprintf(exit, sizeof exit, "%d", windows[w][1]);
        struct harness *h = started(entry, exit);
        for (int k = 0; k < TRADES; k++) {
            prices[k] = (k > 0 ? prices[k - 1] : 1000000) + (int64_t)(next_random(&seed) % 7) - 3;
            int wanted = slowly(prices, k, windows[w][0], windows[w][1]);
            trade(h, 0, prices[k]);
            int got = h->out.cnt > 0 ? h->out.events[0].body.signal.direction : 0;
            cr_assert_eq(got, wanted, "windows %s and %s, seed %d, trade %d", entry, exit, (int)(42 + w), k);
            signals += got != 0;
        }
        cr_expect_gt(signals, 20);
        stop(h);
    }
}

Test(breakout, wrong_parameters_are_refused_by_name)
{
    static const char *const rows[][4] = {{"0", "1", "1", "'entry'"},
                                          {"1", "100001", "1", "'exit'"},
                                          {"1.5", "1", "1", "'entry'"},
                                          {"1", "1", "0", "'quantity'"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct harness *h = make(rows[i][0], rows[i][1], rows[i][2]);
        cr_expect_not(start(h));
        cr_expect_not_null(strstr(h->error, rows[i][3]), "%s", h->error);
        stop(h);
    }
    struct harness *h = make("1", "1", "1");
    set_param(h, "fast", "1");
    cr_expect_not(start(h));
    cr_expect_not_null(strstr(h->error, "'fast'"), "%s", h->error);
    stop(h);
}

Test(breakout, is_found_by_its_kind)
{
    cr_expect_eq(pw_strategy_find("breakout"), &pw_breakout);
}
