/* SPDX-License-Identifier: MIT
 *
 * tick_taker: which quotes it acts upon, what it asks for, and its parameters.
 */
#include "strategy_rig.h"

#include <criterion/criterion.h>

static struct strategy_rig *rig_with(const char *quantity, const char *imbalance, const char *every)
{
    struct strategy_rig *rig = strategy_rig_make(&pw_tick_taker, 2, 5);
    strategy_rig_param(rig, "quantity", quantity);
    strategy_rig_param(rig, "imbalance", imbalance);
    strategy_rig_param(rig, "every", every);
    return rig;
}

static struct strategy_rig *started(const char *quantity, const char *imbalance, const char *every)
{
    struct strategy_rig *rig = rig_with(quantity, imbalance, every);
    cr_assert(strategy_rig_start(rig), "%s", rig->error);
    return rig;
}

/* How many intents a quote makes. */
static uint32_t quote(struct strategy_rig *rig, uint16_t instrument_idx, uint64_t update_id,
                      int64_t bid_qty_e8, int64_t ask_qty_e8)
{
    struct pw_event event = {.kind = PW_EVENT_QUOTE,
                             .instrument_idx = instrument_idx,
                             .body.quote = {.bid_price_e8 = 99,
                                            .bid_qty_e8 = bid_qty_e8,
                                            .ask_price_e8 = 101,
                                            .ask_qty_e8 = ask_qty_e8,
                                            .update_id = update_id}};
    rig->market_seq = 77;
    return strategy_rig_market(rig, &event);
}

Test(tick_taker, buys_at_the_ask_immediate_or_cancel)
{
    struct strategy_rig *rig = started("0.5", "2", "1");
    cr_assert_eq(quote(rig, 2, 1, 20, 10), 1);
    const struct pw_event *intent = &rig->out.events[0];
    cr_expect_eq(intent->kind, PW_EVENT_INTENT);
    cr_expect_eq(intent->instrument_idx, 2);
    cr_expect_eq(intent->flags & PW_FLAG_SELL, 0);
    cr_expect_eq(intent->body.intent.price_e8, 101);
    cr_expect_eq(intent->body.intent.qty_e8, 50000000);
    cr_expect_eq(intent->body.intent.action, PW_PLACE);
    cr_expect_eq(intent->body.intent.type, PW_LIMIT);
    cr_expect_eq(intent->body.intent.tif, PW_IOC);
    cr_expect_eq(intent->body.intent.market_seq, 77);
    strategy_rig_free(rig);
}

Test(tick_taker, acts_on_new_imbalanced_quotes_of_its_instruments_only)
{
    struct strategy_rig *rig = started("1", "2", "1");
    cr_expect_eq(quote(rig, 2, 1, 19, 10), 0, "not twice as large");
    cr_expect_eq(quote(rig, 2, 1, 20, 10), 0, "the same update");
    cr_expect_eq(quote(rig, 2, 2, 20, 10), 1);
    cr_expect_eq(quote(rig, 5, 2, 20, 10), 1, "another instrument has ids of its own");
    cr_expect_eq(quote(rig, 3, 9, 20, 10), 0, "not one of its instruments");
    cr_expect_eq(quote(rig, PW_NO_INSTRUMENT, 9, 20, 10), 0);
    cr_expect_eq(quote(rig, 2, 3, INT64_MAX, INT64_MAX), 0, "twice that is beyond 64 bits");

    struct pw_event one_sided = {.kind = PW_EVENT_QUOTE,
                                 .instrument_idx = 2,
                                 .body.quote = {.bid_price_e8 = 99, .bid_qty_e8 = 5, .update_id = 4}};
    cr_expect_eq(strategy_rig_market(rig, &one_sided), 0, "nobody sells");

    struct pw_event trade = {.kind = PW_EVENT_TRADE, .instrument_idx = 2, .body.trade = {.price_e8 = 1}};
    cr_expect_eq(strategy_rig_market(rig, &trade), 0, "a trade is no quote");
    strategy_rig_free(rig);
}

Test(tick_taker, acts_on_each_third_of_an_instrument)
{
    struct strategy_rig *rig = started("1", "1", "3");
    for (uint64_t i = 1; i <= 12; i++) {
        cr_expect_eq(quote(rig, 2, i, 1, 1), i % 3 == 0, "quote %u", (unsigned)i);
        cr_expect_eq(quote(rig, 5, i, i == 12 ? 1 : 0, 1), 0, "counted for each instrument");
    }
    strategy_rig_free(rig);
}

Test(tick_taker, wrong_parameters_are_told)
{
    static const struct {
        const char *quantity, *imbalance, *every, *told;
    } cases[] = {
        {"0", "1", "1", "quantity"}, {"1", "0", "1", "imbalance"},           {"1", "1.5", "1", "imbalance"},
        {"1", "1", "0", "every"},    {"1", "1", NULL, "'every' is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        strategy_rig_refused(rig_with(cases[i].quantity, cases[i].imbalance, cases[i].every), cases[i].told);
    }
    struct strategy_rig *rig = rig_with("1", "1", "1");
    rig->env.instrument_cnt = 0;
    cr_expect_not(strategy_rig_start(rig), "no instrument");
    strategy_rig_free(rig);
}
