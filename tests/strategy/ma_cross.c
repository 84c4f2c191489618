/* SPDX-License-Identifier: MIT
 *
 * ma_cross: its rules by example, against a slow re-computation over random prices, its parameters and its
 * reports.
 */
#include "params.h"
#include "strategy_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct strategy_rig *with_params(const char *fast, const char *slow, const char *quantity)
{
    struct strategy_rig *rig = strategy_rig_make(&pw_ma_cross, 0, 7);
    strategy_rig_param(rig, "fast", fast);
    strategy_rig_param(rig, "slow", slow);
    strategy_rig_param(rig, "quantity", quantity);
    return rig;
}

static struct strategy_rig *started(const char *fast, const char *slow, const char *quantity)
{
    struct strategy_rig *rig = with_params(fast, slow, quantity);
    cr_assert(strategy_rig_start(rig), "%s", rig->error);
    return rig;
}

static void trade(struct strategy_rig *rig, int64_t price)
{
    strategy_rig_trade(rig, 0, price);
}

static void trades(struct strategy_rig *rig, const int64_t *prices, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        trade(rig, prices[i]);
        cr_assert_eq(rig->out.cnt, 0, "trade %zu", i);
    }
}

static void expect_order(const struct strategy_rig *rig, bool sell, int64_t qty)
{
    cr_assert_eq(rig->out.cnt, 2);
    const struct pw_event *signal = &rig->out.events[0], *intent = &rig->out.events[1];
    cr_expect_eq(signal->kind, PW_EVENT_SIGNAL);
    cr_expect_eq(signal->body.signal.direction, sell ? -1 : 1);
    cr_expect_eq(signal->body.signal.market_seq, rig->market_seq - 1);
    cr_expect_eq(signal->body.signal.strategy_idx, STRATEGY_RIG_IDX);
    cr_expect_eq(intent->kind, PW_EVENT_INTENT);
    cr_expect_eq(intent->flags & PW_FLAG_SELL, sell ? PW_FLAG_SELL : 0);
    cr_expect_eq(intent->body.intent.qty_e8, qty);
    cr_expect_eq(intent->body.intent.type, PW_MARKET);
    cr_expect_eq(intent->body.intent.action, PW_PLACE);
    cr_expect_eq(intent->body.intent.price_e8, 0);
}

static void expect_signal_only(const struct strategy_rig *rig, int direction)
{
    cr_assert_eq(rig->out.cnt, 1);
    cr_expect_eq(rig->out.events[0].body.signal.direction, direction);
}

/* ---- crossings: means of 1 and 2, so the sign is that of the last change ---- */

Test(ma_cross, the_first_trade_with_both_means_gives_no_signal)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trade(rig, 10);
    cr_expect_eq(rig->out.cnt, 0);
    trade(rig, 11); /* fast 11 above slow 10.5, but there is no sign before it */
    cr_expect_eq(rig->out.cnt, 0);
    trade(rig, 12);
    cr_expect_eq(rig->out.cnt, 0, "still above: no crossing");
    strategy_rig_free(rig);
}

Test(ma_cross, it_buys_when_flat_and_sells_when_long)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9, 8}, 3);
    trade(rig, 9);
    expect_order(rig, false, 1000000);
    cr_expect_eq(rig->out.events[0].body.signal.value_a, 9); /* the means: cases/newcomer.md, 21 */
    cr_expect_eq(rig->out.events[0].body.signal.value_b, 8);
    trades(rig, (const int64_t[]){10}, 1);
    trade(rig, 9);
    expect_order(rig, true, 1000000);
    strategy_rig_free(rig);
}

Test(ma_cross, a_crossing_down_while_flat_is_only_a_signal)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 11}, 2);
    trade(rig, 10);
    expect_signal_only(rig, -1);
    strategy_rig_free(rig);
}

Test(ma_cross, equal_means_are_neither_side)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 10, 10}, 3);
    trade(rig, 11); /* from 0 to above: up */
    expect_order(rig, false, 1000000);
    trades(rig, (const int64_t[]){11}, 1); /* back to 0: no crossing yet */
    trade(rig, 10);
    expect_order(rig, true, 1000000);
    trades(rig, (const int64_t[]){10}, 1);
    trade(rig, 9); /* from 0 to below again: a crossing down, but flat */
    expect_signal_only(rig, -1);
    strategy_rig_free(rig);
}

Test(ma_cross, instruments_do_not_mix)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9}, 2);
    strategy_rig_trade(rig, 7, 100);
    cr_expect_eq(rig->out.cnt, 0);
    strategy_rig_trade(rig, 5, 1000); /* not its own */
    cr_expect_eq(rig->out.cnt, 0);
    strategy_rig_trade(rig, PW_NO_INSTRUMENT, 1000);
    cr_expect_eq(rig->out.cnt, 0);
    trade(rig, 11);
    expect_order(rig, false, 1000000);
    cr_expect_eq(rig->out.events[1].instrument_idx, 0);
    strategy_rig_free(rig);
}

Test(ma_cross, aggregate_trades_count_and_other_events_do_not)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9}, 2);
    struct pw_event event = {.kind = PW_EVENT_QUOTE, .body.quote = {1, 1, 1, 1, 1}};
    cr_expect_eq(strategy_rig_market(rig, &event), 0);
    event = (struct pw_event){.kind = PW_EVENT_AGG_TRADE, .body.agg_trade = {.price_e8 = 11}};
    strategy_rig_market(rig, &event);
    expect_order(rig, false, 1000000);
    strategy_rig_free(rig);
}

/* ---- reports ---- */

Test(ma_cross, it_does_not_wait_for_the_fill)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9}, 2);
    trade(rig, 11);
    expect_order(rig, false, 1000000);
    trade(rig, 10);
    expect_order(rig, true, 1000000);
    trade(rig, 11);
    expect_order(rig, false, 1000000);
    strategy_rig_free(rig);
}

Test(ma_cross, a_denied_buy_leaves_it_flat)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9}, 2);
    trade(rig, 11);
    strategy_rig_order(rig, PW_ORDER_DENIED, false, 1000000);
    trade(rig, 10);
    expect_signal_only(rig, -1);
    trade(rig, 11);
    expect_order(rig, false, 1000000);
    strategy_rig_free(rig);
}

Test(ma_cross, a_rejected_sell_leaves_it_long)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9}, 2);
    trade(rig, 11);
    strategy_rig_order(rig, PW_ORDER_IN_FLIGHT, false, 1000000);
    strategy_rig_order(rig, PW_ORDER_FILLED, false, 0);
    trade(rig, 10);
    expect_order(rig, true, 1000000);
    strategy_rig_order(rig, PW_ORDER_REJECTED, true, 1000000);
    trade(rig, 11);
    expect_signal_only(rig, 1);
    trade(rig, 10);
    expect_order(rig, true, 1000000);
    strategy_rig_free(rig);
}

static void tell_fee(struct strategy_rig *rig, const char *asset, int64_t fee_e8)
{
    struct pw_event event = {.kind = PW_EVENT_FILL_INFO};
    snprintf(event.body.fill_info.fee_asset, sizeof event.body.fill_info.fee_asset, "%s", asset);
    pw_fill_info_set_fee_e16(&event.body.fill_info, (pw_i128)fee_e8 * PW_E8);
    strategy_rig_report(rig, &event);
}

Test(ma_cross, it_does_not_sell_what_a_fee_has_taken)
{
    struct strategy_rig *rig = with_params("1", "2", "0.01");
    rig->table[0] = (struct pw_instrument){.base = "BTC", .step_e8 = 1000};
    cr_assert(strategy_rig_start(rig), "%s", rig->error);
    trades(rig, (const int64_t[]){10, 9}, 2);
    trade(rig, 11);
    expect_order(rig, false, 1000000);
    tell_fee(rig, "BTC", 500);
    tell_fee(rig, "BNB", 77777);
    trade(rig, 10);
    expect_order(rig, true, 999000); /* whole steps of 999,500 */
    trade(rig, 11);
    expect_order(rig, false, 1000000); /* 500 are as good as none */
    tell_fee(rig, "BTC", 500);
    trade(rig, 10);
    expect_order(rig, true, 1000000);
    strategy_rig_free(rig);
}

Test(ma_cross, it_sells_what_a_partly_filled_buy_has_brought)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9}, 2);
    trade(rig, 11);
    strategy_rig_order(rig, PW_ORDER_CANCELED, false, 400000);
    trade(rig, 10);
    expect_order(rig, true, 600000);
    strategy_rig_free(rig);
}

Test(ma_cross, late_denials_of_both_sides_cancel_out)
{
    struct strategy_rig *rig = started("1", "2", "0.01");
    trades(rig, (const int64_t[]){10, 9}, 2);
    trade(rig, 11);
    trade(rig, 10);
    expect_order(rig, true, 1000000);
    strategy_rig_order(rig, PW_ORDER_DENIED, false, 1000000);
    strategy_rig_order(rig, PW_ORDER_DENIED, true, 1000000);
    trade(rig, 11);
    expect_order(rig, false, 1000000);
    trade(rig, 10);
    expect_order(rig, true, 1000000);
    strategy_rig_free(rig);
}

/* ---- against a slow re-computation ---- */

static int sign_at(const int64_t *prices, int k, int fast, int slow)
{
    pw_i128 a = 0, b = 0;
    for (int i = 0; i < slow; i++) {
        b += prices[k - i];
        a += i < fast ? prices[k - i] : 0;
    }
    a *= slow;
    b *= fast;
    return (a > b) - (a < b);
}

Test(ma_cross, signals_are_those_of_means_computed_anew)
{
    enum { CNT = 4000 };
    int64_t *prices = malloc(CNT * sizeof *prices);
    for (int fast = 1; fast < 8; fast += 2) {
        for (int slow = fast + 1; slow < 20; slow += 5) {
            char fast_text[12], slow_text[12];
            snprintf(fast_text, sizeof fast_text, "%d", fast);
            snprintf(slow_text, sizeof slow_text, "%d", slow);
            struct strategy_rig *rig = started(fast_text, slow_text, "1");
            uint64_t seed = (uint64_t)(fast * 100 + slow);
            for (int k = 0; k < CNT; k++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                prices[k] =
                    INT64_MAX - (int64_t)(seed >> 62); /* few values, so that ties are common; and large */
                trade(rig, prices[k]);
                int before = k >= slow ? sign_at(prices, k - 1, fast, slow) : 0;
                int now = k >= slow ? sign_at(prices, k, fast, slow) : 0;
                int wanted = k < slow ? 0 : before <= 0 && now > 0 ? 1 : before >= 0 && now < 0 ? -1 : 0;
                int given = rig->out.cnt ? rig->out.events[0].body.signal.direction : 0;
                cr_assert_eq(given, wanted, "fast %d slow %d trade %d", fast, slow, k);
            }
            strategy_rig_free(rig);
        }
    }
    free(prices);
}

/* ---- parameters ---- */

Test(ma_cross, a_wrong_parameter_is_told_by_its_name)
{
    strategy_rig_refused(with_params("0", "5", "1"), "'fast'");
    strategy_rig_refused(with_params("1.5", "5", "1"), "'fast'");
    strategy_rig_refused(with_params("x", "5", "1"), "'fast'");
    strategy_rig_refused(with_params("-1", "5", "1"), "'fast'");
    strategy_rig_refused(with_params("5", "5", "1"), "'slow'");
    strategy_rig_refused(with_params("5", "100001", "1"), "'slow'");
    strategy_rig_refused(with_params("5", "99999999999999999999", "1"), "'slow'");
    strategy_rig_refused(with_params("5", "6", "0"), "'quantity'");
    strategy_rig_refused(with_params("5", "6", "1e3"), "'quantity'");
    strategy_rig_refused(with_params("5", "6", "0.000000001"), "'quantity'");
}

Test(ma_cross, missing_unknown_and_doubled_parameters_are_refused)
{
    struct strategy_rig *rig = with_params("5", "6", "1");
    rig->env.param_cnt = 2;
    strategy_rig_refused(rig, "'quantity' is missing");
    rig = with_params("5", "6", "1");
    strategy_rig_param(rig, "speed", "1");
    strategy_rig_refused(rig, "unknown parameter 'speed'");
    rig = with_params("5", "6", "1");
    strategy_rig_param(rig, "fast", "4");
    strategy_rig_refused(rig, "'fast' is set twice");
}

Test(ma_cross, it_needs_instruments)
{
    struct strategy_rig *rig = with_params("5", "6", "1");
    rig->env.instrument_cnt = 0;
    strategy_rig_refused(rig, "instruments");
}

Test(strategies, are_found_by_kind)
{
    cr_expect_eq(pw_strategy_find("ma_cross"), &pw_ma_cross);
    cr_expect_null(pw_strategy_find("ma_cros"));
    cr_expect_null(pw_strategy_find(""));
    uint32_t cnt = 0;
    for (const char *kind; (kind = pw_strategy_kind(cnt)) != NULL; cnt++) {
        cr_expect_str_eq(pw_strategy_find(kind)->kind, kind);
    }
    cr_expect_gt(cnt, 1);
}

/* cases/04-quantity-too-large */
Test(ma_cross, a_quantity_is_in_the_unit_of_each_instrument)
{
    int64_t quantity[PW_UNITS] = {0};
    const struct pw_param_want want = {"quantity", PW_PARAM_QUANTITY, 0, quantity};
    struct strategy_rig *rig = with_params(NULL, NULL, "250000000000.5");
    char error[160];
    rig->table[0].unit_shift = 3;
    rig->table[7].unit_shift = 5;
    cr_assert(pw_params_read(&rig->env, &want, 1, error, sizeof error), "%s", error);
    cr_expect_eq(pw_quantity_of(quantity, &rig->table[0]), INT64_C(25000000000050000));
    cr_expect_eq(pw_quantity_of(quantity, &rig->table[7]), INT64_C(250000000000500));
    strcpy(rig->table[7].symbol, "BTTCUSDT");
    rig->table[7].unit_shift = 8;
    cr_expect_not(pw_params_read(&rig->env, &want, 1, error, sizeof error), "half a unit");
    cr_expect_not_null(strstr(error, "BTTCUSDT"), "%s", error);
    rig->table[7].unit_shift = 0;
    cr_expect_not(pw_params_read(&rig->env, &want, 1, error, sizeof error), "too large");
    strategy_rig_free(rig);
}
