/* SPDX-License-Identifier: MIT
 *
 * breakout: its rule by example, against a slow recomputation over random prices, its parameters, and the
 * ends of its orders.
 */
#include "strategy_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct strategy_rig *make(const char *entry, const char *exit, const char *quantity)
{
    struct strategy_rig *rig = strategy_rig_make(&pw_breakout, 0, 7);
    strategy_rig_param(rig, "entry", entry);
    strategy_rig_param(rig, "exit", exit);
    strategy_rig_param(rig, "quantity", quantity);
    return rig;
}

static struct strategy_rig *started(const char *entry, const char *exit)
{
    struct strategy_rig *rig = make(entry, exit, "2");
    cr_assert(strategy_rig_start(rig), "%s", rig->error);
    return rig;
}

static void expect_signal(const struct strategy_rig *rig, int64_t price, int64_t bound, int direction)
{
    cr_assert_geq(rig->out.cnt, 1);
    const struct pw_event *event = &rig->out.events[0];
    cr_expect_eq(event->kind, PW_EVENT_SIGNAL);
    cr_expect_eq(event->body.signal.value_a, price);
    cr_expect_eq(event->body.signal.value_b, bound);
    cr_expect_eq(event->body.signal.direction, direction);
    cr_expect_eq(event->body.signal.strategy_idx, STRATEGY_RIG_IDX);
    cr_expect_eq(event->body.signal.market_seq, rig->market_seq - 1);
}

static void expect_order(const struct strategy_rig *rig, bool sell, int64_t qty_e8)
{
    cr_assert_eq(rig->out.cnt, 2);
    const struct pw_event *event = &rig->out.events[1];
    cr_expect_eq(event->kind, PW_EVENT_INTENT);
    cr_expect_eq((event->flags & PW_FLAG_SELL) != 0, sell);
    cr_expect_eq(event->body.intent.qty_e8, qty_e8);
    cr_expect_eq(event->body.intent.type, PW_MARKET);
    cr_expect_eq(event->body.intent.strategy_idx, STRATEGY_RIG_IDX);
}

Test(breakout, a_price_above_the_channel_buys_and_one_below_it_sells)
{
    struct strategy_rig *rig = started("3", "2");
    const int64_t quiet[] = {100, 120, 110, 120};
    for (size_t i = 0; i < 4; i++) {
        strategy_rig_trade(rig, 0, quiet[i]);
        cr_expect_eq(rig->out.cnt, 0, "trade %zu: the highest itself is no breakout", i);
    }
    strategy_rig_trade(rig, 0, 121);
    expect_signal(rig, 121, 120, 1);
    expect_order(rig, false, 2 * PW_E8);
    strategy_rig_trade(rig, 0, 125);
    expect_signal(rig, 125, 121, 1);
    cr_expect_eq(rig->out.cnt, 1, "it is long already");
    strategy_rig_trade(rig, 0, 121);
    cr_expect_eq(rig->out.cnt, 0, "the lowest of the last two is 121");
    strategy_rig_trade(rig, 0, 120);
    expect_signal(rig, 120, 121, -1);
    expect_order(rig, true, 2 * PW_E8);
    strategy_rig_trade(rig, 0, 1);
    cr_expect_eq(rig->out.cnt, 1, "it is flat already");
    strategy_rig_free(rig);
}

Test(breakout, instruments_have_channels_of_their_own_and_others_are_passed_over)
{
    struct strategy_rig *rig = started("1", "1");
    strategy_rig_trade(rig, 0, 100);
    strategy_rig_trade(rig, 7, 5);
    cr_expect_eq(rig->out.cnt, 0);
    strategy_rig_trade(rig, 7, 6);
    expect_order(rig, false, 2 * PW_E8);
    cr_expect_eq(rig->out.events[1].instrument_idx, 7);
    strategy_rig_trade(rig, 5, 1);
    cr_expect_eq(rig->out.cnt, 0, "not its instrument");
    strategy_rig_trade(rig, UINT16_MAX, 1);
    cr_expect_eq(rig->out.cnt, 0);
    struct pw_event quote = {.kind = PW_EVENT_QUOTE};
    cr_expect_eq(strategy_rig_market(rig, &quote), 0, "quotes are no trades");
    strategy_rig_free(rig);
}

Test(breakout, what_is_not_filled_is_not_held)
{
    static const enum pw_order_state ends[] = {PW_ORDER_DENIED, PW_ORDER_REJECTED, PW_ORDER_CANCELED,
                                               PW_ORDER_EXPIRED};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct strategy_rig *rig = started("1", "1");
        strategy_rig_trade(rig, 0, 100);
        strategy_rig_trade(rig, 0, 101);
        expect_order(rig, false, 2 * PW_E8);
        strategy_rig_order(rig, ends[i], false, 2 * PW_E8);
        strategy_rig_trade(rig, 0, 102);
        expect_order(rig, false, 2 * PW_E8);
        strategy_rig_order(rig, ends[i], false, PW_E8 / 2); /* partly filled */
        strategy_rig_trade(rig, 0, 101);
        expect_order(rig, true, 3 * PW_E8 / 2);
        strategy_rig_free(rig);
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
        struct strategy_rig *rig = started(entry, exit);
        for (int k = 0; k < TRADES; k++) {
            prices[k] = (k > 0 ? prices[k - 1] : 1000000) + (int64_t)(next_random(&seed) % 7) - 3;
            int wanted = slowly(prices, k, windows[w][0], windows[w][1]);
            strategy_rig_trade(rig, 0, prices[k]);
            int got = rig->out.cnt > 0 ? rig->out.events[0].body.signal.direction : 0;
            cr_assert_eq(got, wanted, "windows %s and %s, seed %d, trade %d", entry, exit, (int)(42 + w), k);
            signals += got != 0;
        }
        cr_expect_gt(signals, 20);
        strategy_rig_free(rig);
    }
}

Test(breakout, wrong_parameters_are_refused_by_name)
{
    static const char *const rows[][4] = {{"0", "1", "1", "'entry'"},
                                          {"1", "100001", "1", "'exit'"},
                                          {"1.5", "1", "1", "'entry'"},
                                          {"1", "1", "0", "'quantity'"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        strategy_rig_refused(make(rows[i][0], rows[i][1], rows[i][2]), rows[i][3]);
    }
    struct strategy_rig *rig = make("1", "1", "1");
    strategy_rig_param(rig, "fast", "1");
    strategy_rig_refused(rig, "'fast'");
}

Test(breakout, is_found_by_its_kind)
{
    cr_expect_eq(pw_strategy_find("breakout"), &pw_breakout);
}
