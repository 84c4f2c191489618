/* SPDX-License-Identifier: MIT
 *
 * ma_cross: its rules by example, against a slow re-computation over random prices, its parameters and its
 * reports.
 */
#include "strategies.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct harness {
    struct pw_strategy_env env;
    struct pw_param params[PW_INSTRUMENTS_MAX];
    uint16_t instruments[4];
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

static struct harness *with_params(const char *fast, const char *slow, const char *quantity)
{
    struct harness *h = calloc(1, sizeof *h);
    h->env = (struct pw_strategy_env){.strategy_idx = 3,
                                      .name = "x",
                                      .params = h->params,
                                      .instruments = h->instruments,
                                      .instrument_cnt = 2,
                                      .instrument_table = h->table};
    h->instruments[1] = 7;
    set_param(h, "fast", fast);
    set_param(h, "slow", slow);
    set_param(h, "quantity", quantity);
    return h;
}

static bool start(struct harness *h)
{
    size_t bytes = pw_ma_cross.state_bytes(&h->env, h->error, sizeof h->error);
    if (bytes == 0) {
        return false;
    }
    h->state = aligned_alloc(64, (bytes + 63) / 64 * 64);
    memset(h->state, 0, bytes);
    return pw_ma_cross.init(h->state, &h->env, h->error, sizeof h->error) == 0;
}

static void stop(struct harness *h)
{
    free(h->state);
    free(h);
}

static void trade_of(struct harness *h, uint16_t instrument_idx, int64_t price)
{
    struct pw_event event = {.kind = PW_EVENT_TRADE,
                             .instrument_idx = instrument_idx,
                             .body.trade = {.price_e8 = price, .qty_e8 = 1}};
    h->out.cnt = 0;
    pw_ma_cross.on_market(h->state, &event, h->market_seq++, &h->out);
}

static void trade(struct harness *h, int64_t price)
{
    trade_of(h, 0, price);
}

static void trades(struct harness *h, const int64_t *prices, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        trade(h, prices[i]);
        cr_assert_eq(h->out.cnt, 0, "trade %zu", i);
    }
}

static void report(struct harness *h, enum pw_order_state state, bool sell, int64_t leaves)
{
    struct pw_event event = {.kind = PW_EVENT_ORDER,
                             .flags = sell ? PW_FLAG_SELL : 0,
                             .body.order = {.leaves_qty_e8 = leaves, .state = (uint8_t)state}};
    h->out.cnt = 0;
    pw_ma_cross.on_report(h->state, &event, h->market_seq, &h->out);
    cr_assert_eq(h->out.cnt, 0);
}

static void expect_order(const struct harness *h, bool sell, int64_t qty)
{
    cr_assert_eq(h->out.cnt, 2);
    const struct pw_event *signal = &h->out.events[0], *intent = &h->out.events[1];
    cr_expect_eq(signal->kind, PW_EVENT_SIGNAL);
    cr_expect_eq(signal->body.signal.direction, sell ? -1 : 1);
    cr_expect_eq(signal->body.signal.market_seq, h->market_seq - 1);
    cr_expect_eq(signal->body.signal.strategy_idx, 3);
    cr_expect_eq(intent->kind, PW_EVENT_INTENT);
    cr_expect_eq(intent->flags & PW_FLAG_SELL, sell ? PW_FLAG_SELL : 0);
    cr_expect_eq(intent->body.intent.qty_e8, qty);
    cr_expect_eq(intent->body.intent.type, PW_MARKET);
    cr_expect_eq(intent->body.intent.action, PW_PLACE);
    cr_expect_eq(intent->body.intent.price_e8, 0);
}

static void expect_signal_only(const struct harness *h, int direction)
{
    cr_assert_eq(h->out.cnt, 1);
    cr_expect_eq(h->out.events[0].body.signal.direction, direction);
}

/* ---- crossings: means of 1 and 2, so the sign is that of the last change ---- */

Test(ma_cross, the_first_trade_with_both_means_gives_no_signal)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trade(h, 10);
    cr_expect_eq(h->out.cnt, 0);
    trade(h, 11); /* fast 11 above slow 10.5, but there is no sign before it */
    cr_expect_eq(h->out.cnt, 0);
    trade(h, 12);
    cr_expect_eq(h->out.cnt, 0, "still above: no crossing");
    stop(h);
}

Test(ma_cross, it_buys_when_flat_and_sells_when_long)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9, 8}, 3);
    trade(h, 9);
    expect_order(h, false, 1000000);
    cr_expect_eq(h->out.events[0].body.signal.value_a, 18);
    cr_expect_eq(h->out.events[0].body.signal.value_b, 17);
    trades(h, (const int64_t[]){10}, 1);
    trade(h, 9);
    expect_order(h, true, 1000000);
    stop(h);
}

Test(ma_cross, a_crossing_down_while_flat_is_only_a_signal)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 11}, 2);
    trade(h, 10);
    expect_signal_only(h, -1);
    stop(h);
}

Test(ma_cross, equal_means_are_neither_side)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 10, 10}, 3);
    trade(h, 11); /* from 0 to above: up */
    expect_order(h, false, 1000000);
    trades(h, (const int64_t[]){11}, 1); /* back to 0: no crossing yet */
    trade(h, 10);
    expect_order(h, true, 1000000);
    trades(h, (const int64_t[]){10}, 1);
    trade(h, 9); /* from 0 to below again: a crossing down, but flat */
    expect_signal_only(h, -1);
    stop(h);
}

Test(ma_cross, instruments_do_not_mix)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    trade_of(h, 7, 100);
    cr_expect_eq(h->out.cnt, 0);
    trade_of(h, 5, 1000); /* not its own */
    cr_expect_eq(h->out.cnt, 0);
    trade_of(h, PW_NO_INSTRUMENT, 1000);
    cr_expect_eq(h->out.cnt, 0);
    trade(h, 11);
    expect_order(h, false, 1000000);
    cr_expect_eq(h->out.events[1].instrument_idx, 0);
    stop(h);
}

Test(ma_cross, aggregate_trades_count_and_other_events_do_not)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    struct pw_event event = {.kind = PW_EVENT_QUOTE, .body.quote = {1, 1, 1, 1, 1}};
    h->out.cnt = 0;
    pw_ma_cross.on_market(h->state, &event, h->market_seq++, &h->out);
    cr_expect_eq(h->out.cnt, 0);
    event = (struct pw_event){.kind = PW_EVENT_AGG_TRADE, .body.agg_trade = {.price_e8 = 11}};
    pw_ma_cross.on_market(h->state, &event, h->market_seq++, &h->out);
    expect_order(h, false, 1000000);
    stop(h);
}

/* ---- reports ---- */

Test(ma_cross, it_does_not_wait_for_the_fill)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    trade(h, 11);
    expect_order(h, false, 1000000);
    trade(h, 10);
    expect_order(h, true, 1000000);
    trade(h, 11);
    expect_order(h, false, 1000000);
    stop(h);
}

Test(ma_cross, a_denied_buy_leaves_it_flat)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    trade(h, 11);
    report(h, PW_ORDER_DENIED, false, 1000000);
    trade(h, 10);
    expect_signal_only(h, -1);
    trade(h, 11);
    expect_order(h, false, 1000000);
    stop(h);
}

Test(ma_cross, a_rejected_sell_leaves_it_long)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    trade(h, 11);
    report(h, PW_ORDER_IN_FLIGHT, false, 1000000);
    report(h, PW_ORDER_FILLED, false, 0);
    trade(h, 10);
    expect_order(h, true, 1000000);
    report(h, PW_ORDER_REJECTED, true, 1000000);
    trade(h, 11);
    expect_signal_only(h, 1);
    trade(h, 10);
    expect_order(h, true, 1000000);
    stop(h);
}

static void tell_fee(struct harness *h, const char *asset, int64_t fee_e8)
{
    struct pw_event event = {.kind = PW_EVENT_FILL_INFO};
    snprintf(event.body.fill_info.fee_asset, sizeof event.body.fill_info.fee_asset, "%s", asset);
    pw_fill_info_set_fee_e16(&event.body.fill_info, (pw_i128)fee_e8 * PW_E8);
    h->out.cnt = 0;
    pw_ma_cross.on_report(h->state, &event, h->market_seq, &h->out);
    cr_assert_eq(h->out.cnt, 0);
}

Test(ma_cross, it_does_not_sell_what_a_fee_has_taken)
{
    struct harness *h = with_params("1", "2", "0.01");
    h->table[0] = (struct pw_instrument){.base = "BTC", .step_e8 = 1000};
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    trade(h, 11);
    expect_order(h, false, 1000000);
    tell_fee(h, "BTC", 500);
    tell_fee(h, "BNB", 77777);
    trade(h, 10);
    expect_order(h, true, 999000); /* whole steps of 999,500 */
    trade(h, 11);
    expect_order(h, false, 1000000); /* 500 are as good as none */
    tell_fee(h, "BTC", 500);
    trade(h, 10);
    expect_order(h, true, 1000000);
    stop(h);
}

Test(ma_cross, it_sells_what_a_partly_filled_buy_has_brought)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    trade(h, 11);
    report(h, PW_ORDER_CANCELED, false, 400000);
    trade(h, 10);
    expect_order(h, true, 600000);
    stop(h);
}

Test(ma_cross, late_denials_of_both_sides_cancel_out)
{
    struct harness *h = with_params("1", "2", "0.01");
    cr_assert(start(h));
    trades(h, (const int64_t[]){10, 9}, 2);
    trade(h, 11);
    trade(h, 10);
    expect_order(h, true, 1000000);
    report(h, PW_ORDER_DENIED, false, 1000000);
    report(h, PW_ORDER_DENIED, true, 1000000);
    trade(h, 11);
    expect_order(h, false, 1000000);
    trade(h, 10);
    expect_order(h, true, 1000000);
    stop(h);
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
            struct harness *h = with_params(fast_text, slow_text, "1");
            cr_assert(start(h));
            uint64_t seed = (uint64_t)(fast * 100 + slow);
            for (int k = 0; k < CNT; k++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                prices[k] =
                    INT64_MAX - (int64_t)(seed >> 62); /* few values, so that ties are common; and large */
                trade(h, prices[k]);
                int before = k >= slow ? sign_at(prices, k - 1, fast, slow) : 0;
                int now = k >= slow ? sign_at(prices, k, fast, slow) : 0;
                int wanted = k < slow ? 0 : before <= 0 && now > 0 ? 1 : before >= 0 && now < 0 ? -1 : 0;
                int given = h->out.cnt ? h->out.events[0].body.signal.direction : 0;
                cr_assert_eq(given, wanted, "fast %d slow %d trade %d", fast, slow, k);
            }
            stop(h);
        }
    }
    free(prices);
}

/* ---- parameters ---- */

static void expect_refused(struct harness *h, const char *part)
{
    cr_expect_not(start(h));
    cr_expect_not_null(strstr(h->error, part), "'%s' does not say '%s'", h->error, part);
    stop(h);
}

Test(ma_cross, a_wrong_parameter_is_told_by_its_name)
{
    expect_refused(with_params("0", "5", "1"), "'fast'");
    expect_refused(with_params("1.5", "5", "1"), "'fast'");
    expect_refused(with_params("x", "5", "1"), "'fast'");
    expect_refused(with_params("-1", "5", "1"), "'fast'");
    expect_refused(with_params("5", "5", "1"), "'slow'");
    expect_refused(with_params("5", "100001", "1"), "'slow'");
    expect_refused(with_params("5", "99999999999999999999", "1"), "'slow'");
    expect_refused(with_params("5", "6", "0"), "'quantity'");
    expect_refused(with_params("5", "6", "1e3"), "'quantity'");
    expect_refused(with_params("5", "6", "0.000000001"), "'quantity'");
}

Test(ma_cross, missing_unknown_and_doubled_parameters_are_refused)
{
    struct harness *h = with_params("5", "6", "1");
    h->env.param_cnt = 2;
    expect_refused(h, "'quantity' is missing");
    h = with_params("5", "6", "1");
    set_param(h, "speed", "1");
    expect_refused(h, "unknown parameter 'speed'");
    h = with_params("5", "6", "1");
    set_param(h, "fast", "4");
    expect_refused(h, "'fast' is set twice");
}

Test(ma_cross, it_needs_instruments)
{
    struct harness *h = with_params("5", "6", "1");
    h->env.instrument_cnt = 0;
    expect_refused(h, "instruments");
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
