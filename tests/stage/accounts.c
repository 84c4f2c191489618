/* SPDX-License-Identifier: MIT
 *
 * The execution stage with two accounts, whose instruments are quoted in different currencies: the money,
 * limits and orders of one are never the other's.
 */
#include "accounts_config.h"
#include "money.h"
#include "stage_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define E8  PW_E8
#define E16 ((pw_i128)E8 * E8)

static const struct rig_options two = {.fast = "1",
                                       .slow = "2",
                                       .quantity = "1",
                                       .cash_e8 = 1000 * PW_E8,
                                       .second_quote = "EUR",
                                       .second_cash_e8 = 250 * PW_E8};

static struct pw_event of(uint16_t instrument_idx, struct pw_event event)
{
    event.instrument_idx = instrument_idx;
    return event;
}

static void market(struct rig *rig, struct pw_event event)
{
    cr_assert(rig_put_market(rig, &rig->stream, event));
    rig_poll_execution(rig);
}

static void feed_up(struct rig *rig, uint16_t feed_idx)
{
    struct pw_event event = rig_feed(PW_FEED_UP, 1000);
    event.body.state.feed_idx = feed_idx;
    market(rig, event);
}

/* Both feeds up, both instruments 99 : 101. */
static struct rig *start(struct rig_options options)
{
    struct rig *rig = rig_open(&options);
    cr_assert_eq(rig_start_execution(rig), 0);
    for (uint16_t i = 0; i < 2; i++) {
        feed_up(rig, i);
        market(rig, of(i, rig_quote(99 * E8, 101 * E8, 1001)));
    }
    return rig;
}

/* What became of an intent, by its last report. */
static struct pw_order outcome(struct rig *rig, struct pw_event intent)
{
    struct pw_order order = {0};
    struct pw_event event;
    pw_producer_put(&rig->stream, &intent);
    pw_producer_publish(&rig->stream);
    rig_poll_execution(rig);
    while (rig_take(&rig->reports_in, &event)) {
        order = event.kind == PW_EVENT_ORDER ? event.body.order : order;
    }
    while (rig_take(&rig->journal, &event)) {
    }
    pw_execution_stage.housekeep(rig->execution, 0);
    return order;
}

static void expect(struct rig *rig, uint16_t instrument_idx, struct pw_event intent,
                   enum pw_order_state state, enum pw_reason reason)
{
    struct pw_order order = outcome(rig, of(instrument_idx, intent));
    cr_expect_eq(order.state, state, "state %u", order.state);
    cr_expect_eq(order.reason, reason, "reason %s", pw_reason_name(order.reason));
}

static bool has_cash(const struct rig *rig, uint32_t account_idx, pw_i128 cash_e16)
{
    return pw_money_of_words(rig_account_at(rig, account_idx).cash_e16) == cash_e16;
}

Test(execution_accounts, a_fill_moves_the_cash_of_its_own_account_alone)
{
    struct rig *rig = start(two);
    expect(rig, 0, rig_intent(PW_BUY, 2 * E8, 2000), PW_ORDER_FILLED, PW_REASON_NONE);
    cr_expect(has_cash(rig, 0, 1000 * E16 - 202 * E16 - 202 * E16 / 1000));
    cr_expect(has_cash(rig, 1, 250 * E16));
    expect(rig, 1, rig_intent(PW_BUY, E8, 2001), PW_ORDER_FILLED, PW_REASON_NONE);
    expect(rig, 1, rig_intent(PW_SELL, E8, 2002), PW_ORDER_FILLED, PW_REASON_NONE);
    cr_expect(has_cash(rig, 0, 1000 * E16 - 202 * E16 - 202 * E16 / 1000));
    cr_expect(has_cash(rig, 1, 250 * E16 - 2 * E16 - 200 * E16 / 1000));
    /* Marked at 99 each: what the other holds is no part of it. */
    cr_expect(pw_money_of_words(rig_account_at(rig, 0).equity_e16) ==
              1000 * E16 - 202 * E16 - 202 * E16 / 1000 + 198 * E16);
    cr_expect(pw_money_of_words(rig_account_at(rig, 1).equity_e16) == 250 * E16 - 2 * E16 - 200 * E16 / 1000);
    cr_expect_eq(rig_account_at(rig, 0).fill_cnt, 1);
    cr_expect_eq(rig_account_at(rig, 1).fill_cnt, 2);
    cr_expect_eq(rig_account_at(rig, 1).order_cnt, 2);
    cr_expect_eq(rig_metric(rig, "execution", "fills"), 3);
    cr_expect_eq(rig_metric(rig, "execution", "orders"), 3);
    cr_expect_eq(rig_position(rig, 0).qty_e8, 2 * E8);
    cr_expect_eq(rig_position(rig, 1).qty_e8, 0);
    cr_expect_eq(rig_position(rig, 1).sell_cnt, 1);
    rig_close(rig);
}

Test(execution_accounts, an_order_is_judged_by_the_cash_of_its_own_account)
{
    struct rig *rig = start(two);
    expect(rig, 1, rig_intent(PW_BUY, 3 * E8, 2000), PW_ORDER_DENIED, PW_REASON_CASH);
    expect(rig, 0, rig_intent(PW_BUY, 3 * E8, 2001), PW_ORDER_FILLED, PW_REASON_NONE);
    /* 180 of the second account's 250 are held; of the first one's none. */
    expect(rig, 1, rig_limit(PW_BUY, 90 * E8, 2 * E8, 2002), PW_ORDER_OPEN, PW_REASON_NONE);
    expect(rig, 1, rig_limit(PW_BUY, 90 * E8, E8, 2003), PW_ORDER_DENIED, PW_REASON_CASH);
    expect(rig, 0, rig_limit(PW_BUY, 90 * E8, 7 * E8, 2004), PW_ORDER_OPEN, PW_REASON_NONE);
    expect(rig, 0, rig_limit(PW_BUY, 90 * E8, E8, 2005), PW_ORDER_DENIED, PW_REASON_CASH);
    cr_expect_eq(rig_account_at(rig, 0).denied_cnt, 1);
    cr_expect_eq(rig_account_at(rig, 1).denied_cnt, 2);
    cr_expect_eq(rig_account_at(rig, 0).open_order_cnt, 1);
    cr_expect_eq(rig_account_at(rig, 1).open_order_cnt, 1);
    cr_expect_eq(rig_metric(rig, "execution", "denied_cash"), 3);
    rig_close(rig);
}

Test(execution_accounts, orders_per_second_are_counted_for_each)
{
    struct rig_options options = two;
    options.max_orders_per_s = 1;
    struct rig *rig = start(options);
    expect(rig, 0, rig_intent(PW_BUY, E8, 2000), PW_ORDER_FILLED, PW_REASON_NONE);
    expect(rig, 0, rig_intent(PW_BUY, E8, 2001), PW_ORDER_DENIED, PW_REASON_ORDER_RATE);
    expect(rig, 1, rig_intent(PW_BUY, E8, 2002), PW_ORDER_FILLED, PW_REASON_NONE);
    expect(rig, 1, rig_intent(PW_BUY, E8, 2003), PW_ORDER_DENIED, PW_REASON_ORDER_RATE);
    rig_close(rig);
}

/* A halt is the engine's, and so is what is open. */
Test(execution_accounts, a_halt_cancels_the_orders_of_all)
{
    struct rig *rig = start(two);
    expect(rig, 0, rig_limit(PW_BUY, 90 * E8, E8, 2000), PW_ORDER_OPEN, PW_REASON_NONE);
    expect(rig, 1, rig_limit(PW_BUY, 90 * E8, E8, 2001), PW_ORDER_OPEN, PW_REASON_NONE);
    rig_put_command(rig, PW_COMMAND_HALT);
    rig_poll_execution(rig);
    pw_execution_stage.housekeep(rig->execution, 0);
    for (uint32_t i = 0; i < 2; i++) {
        cr_expect_eq(rig_account_at(rig, i).open_order_cnt, 0);
        cr_expect_eq(rig_account_at(rig, i).canceled_cnt, 1);
        cr_expect_eq(rig_account_at(rig, i).halted, PW_REASON_HALTED);
    }
    expect(rig, 1, rig_intent(PW_BUY, E8, 2002), PW_ORDER_DENIED, PW_REASON_HALTED);
    rig_close(rig);
}

/* cases/newcomer.md, 1: a fault halts its account over a restart, and the journal knows. */
Test(execution_accounts, what_halted_in_an_earlier_run_halts_again)
{
    static const uint32_t halts[PW_ACCOUNTS_MAX] = {0, PW_REASON_REPORT};
    struct rig *rig = rig_open(&two);
    struct pw_event event = {0};
    rig->attachment.halts = halts;
    cr_assert_eq(rig_start_execution(rig), 0);
    for (uint16_t i = 0; i < 2; i++) {
        feed_up(rig, i);
        market(rig, of(i, rig_quote(99 * E8, 101 * E8, 1001)));
    }
    cr_assert(rig_take(&rig->journal, &event));
    cr_expect_eq(event.kind, PW_EVENT_COMMAND);
    cr_expect_eq(event.body.state.state, PW_COMMAND_HALT);
    cr_expect_eq(event.body.state.reason, PW_REASON_REPORT);
    cr_expect_eq(event.body.state.account_nth, 2);
    expect(rig, 1, rig_intent(PW_BUY, E8, 2000), PW_ORDER_DENIED, PW_REASON_HALTED);
    expect(rig, 0, rig_intent(PW_BUY, E8, 2001), PW_ORDER_FILLED, PW_REASON_NONE);
    rig_put_command(rig, PW_COMMAND_RESUME);
    rig_poll_execution(rig);
    expect(rig, 1, rig_intent(PW_BUY, E8, 2002), PW_ORDER_FILLED, PW_REASON_NONE);
    rig_close(rig);
}

/* A resting order is filled by the market of its own instrument, in its own account. */
Test(execution_accounts, the_market_of_one_fills_nothing_of_the_other)
{
    struct rig *rig = start(two);
    expect(rig, 0, rig_limit(PW_BUY, 95 * E8, E8, 2000), PW_ORDER_OPEN, PW_REASON_NONE);
    expect(rig, 1, rig_limit(PW_BUY, 95 * E8, E8, 2001), PW_ORDER_OPEN, PW_REASON_NONE);
    market(rig, of(1, rig_quote(93 * E8, 94 * E8, 2002)));
    pw_execution_stage.housekeep(rig->execution, 0);
    cr_expect_eq(rig_account_at(rig, 0).fill_cnt, 0);
    cr_expect_eq(rig_account_at(rig, 0).open_order_cnt, 1);
    cr_expect_eq(rig_account_at(rig, 1).fill_cnt, 1);
    cr_expect(has_cash(rig, 0, 1000 * E16));
    rig_close(rig);
}

Test(execution_accounts, what_no_account_trades_is_denied)
{
    struct rig_options options = two;
    options.second_idle = true;
    struct rig *rig = start(options);
    expect(rig, 1, rig_intent(PW_BUY, E8, 2000), PW_ORDER_DENIED, PW_REASON_UNKNOWN_INSTRUMENT);
    expect(rig, 0, rig_intent(PW_BUY, E8, 2001), PW_ORDER_FILLED, PW_REASON_NONE);
    cr_expect_eq(rig_account_at(rig, 1).intent_cnt, 0);
    rig_close(rig);
}

Test(execution_accounts, a_currency_that_is_not_that_of_the_instruments_is_refused)
{
    static const struct {
        const char *currency;
        int result;
    } rows[] = {{"EUR", 0}, {"USDT", -EINVAL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig *rig = rig_open(&two);
        struct pw_config_accounts *accounts = PW_CONFIG_EDIT(rig->config, accounts);
        strcpy(accounts->accounts[1].currency, rows[i].currency);
        cr_expect_eq(rig_start_execution(rig), rows[i].result, "%s", rows[i].currency);
        rig_close(rig);
    }
}

/* ---- what kind of instrument ---- */

static void set_kind(struct rig *rig, uint16_t instrument_idx, enum pw_instrument_kind kind,
                     int64_t multiplier_e8)
{
    struct pw_instrument *instruments = pw_workspace_rows(&rig->ws, "instruments", PW_REGION_INSTRUMENTS);
    instruments[instrument_idx].kind = (uint8_t)kind;
    instruments[instrument_idx].multiplier_e8 = multiplier_e8;
}

static const struct {
    enum pw_instrument_kind kind;
    int64_t multiplier_e8;
    bool is_accounted;
} kind_rows[] = {
    {PW_SPOT, E8, true},         {PW_SPOT, 0, true},     {PW_SPOT, 2 * E8, false},
    {PW_LINEAR, E8, false},      {PW_LINEAR, 10, false}, {PW_INVERSE, 100 * E8, false},
    {PW_INVERSE + 1, E8, false},
};

/* A strategy that names it is refused. */
Test(execution_accounts, an_instrument_whose_money_would_be_wrong_is_not_started_with)
{
    for (size_t i = 0; i < sizeof kind_rows / sizeof *kind_rows; i++) {
        struct rig *rig = rig_open(&two);
        set_kind(rig, 1, kind_rows[i].kind, kind_rows[i].multiplier_e8);
        cr_expect_eq(rig_start_execution(rig), kind_rows[i].is_accounted ? 0 : -EINVAL, "case %zu", i);
        rig_close(rig);
    }
}

/* One that no strategy names may be watched; who orders it all the same is denied. */
Test(execution_accounts, an_instrument_whose_money_would_be_wrong_is_not_traded)
{
    struct rig_options options = two;
    options.fast = NULL; /* no strategy */
    for (size_t i = 0; i < sizeof kind_rows / sizeof *kind_rows; i++) {
        struct rig *rig = rig_open(&options);
        set_kind(rig, 1, kind_rows[i].kind, kind_rows[i].multiplier_e8);
        cr_assert_eq(rig_start_execution(rig), 0);
        for (uint16_t k = 0; k < 2; k++) {
            feed_up(rig, k);
            market(rig, of(k, rig_quote(99 * E8, 101 * E8, 1001)));
        }
        bool is_accounted = kind_rows[i].is_accounted;
        expect(rig, 1, rig_intent(PW_BUY, E8, 2000), is_accounted ? PW_ORDER_FILLED : PW_ORDER_DENIED,
               is_accounted ? PW_REASON_NONE : PW_REASON_UNKNOWN_INSTRUMENT);
        expect(rig, 0, rig_intent(PW_BUY, E8, 2001), PW_ORDER_FILLED, PW_REASON_NONE);
        rig_close(rig);
    }
}
