/* SPDX-License-Identifier: MIT
 *
 * quoter: which orders it asks for, and what it makes of what becomes of them.
 */
#include "strategy_rig.h"

#include <criterion/criterion.h>

#define TICK_E8 10

static struct strategy_rig *rig_with(const char *quantity, const char *distance, const char *every)
{
    struct strategy_rig *rig = strategy_rig_make(&pw_quoter, 2, 5);
    rig->env.instrument_cnt = 1;
    rig->table[2].tick_e8 = TICK_E8;
    strategy_rig_param(rig, "quantity", quantity);
    strategy_rig_param(rig, "distance", distance);
    strategy_rig_param(rig, "every", every);
    return rig;
}

static struct strategy_rig *started(const char *quantity, const char *distance, const char *every)
{
    struct strategy_rig *rig = rig_with(quantity, distance, every);
    cr_assert(strategy_rig_start(rig), "%s", rig->error);
    return rig;
}

/* How many intents a quote makes. */
static uint32_t quote(struct strategy_rig *rig, int64_t bid_e8, int64_t ask_e8)
{
    struct pw_event event = {.kind = PW_EVENT_QUOTE,
                             .instrument_idx = 2,
                             .body.quote = {.bid_price_e8 = bid_e8, .ask_price_e8 = ask_e8}};
    rig->market_seq = 77;
    return strategy_rig_market(rig, &event);
}

static void told(struct strategy_rig *rig, uint64_t id, enum pw_side side, int64_t price_e8,
                 enum pw_order_state state)
{
    struct pw_event event = {
        .kind = PW_EVENT_ORDER,
        .flags = side == PW_SELL ? PW_FLAG_SELL : 0,
        .instrument_idx = 2,
        .body.order = {.client_order_id = id, .price_e8 = price_e8, .state = (uint8_t)state}};
    strategy_rig_report(rig, &event);
}

/* Both sides rest: orders 1 and 2. */
static struct strategy_rig *resting(void)
{
    struct strategy_rig *rig = started("0.5", "3", "1");
    cr_assert_eq(quote(rig, 1000, 1010), 2);
    told(rig, 1, PW_BUY, 970, PW_ORDER_IN_FLIGHT);
    told(rig, 2, PW_SELL, 1040, PW_ORDER_IN_FLIGHT);
    told(rig, 1, PW_BUY, 970, PW_ORDER_OPEN);
    told(rig, 2, PW_SELL, 1040, PW_ORDER_OPEN);
    return rig;
}

static void expect_intent(const struct pw_event *event, enum pw_intent_action action, enum pw_side side,
                          int64_t price_e8, uint64_t id)
{
    const struct pw_intent *intent = &event->body.intent;
    cr_expect_eq(event->kind, PW_EVENT_INTENT);
    cr_expect_eq(event->instrument_idx, 2);
    cr_expect_eq((event->flags & PW_FLAG_SELL) != 0, side == PW_SELL);
    cr_expect_eq(intent->action, action);
    cr_expect_eq(intent->type, PW_LIMIT_MAKER);
    cr_expect_eq(intent->price_e8, price_e8);
    cr_expect_eq(intent->qty_e8, 50000000);
    cr_expect_eq(intent->client_order_id, id);
    cr_expect_eq(intent->market_seq, 77);
    cr_expect_eq(intent->strategy_idx, STRATEGY_RIG_IDX);
}

Test(quoter, places_one_order_a_side_behind_the_best_price)
{
    struct strategy_rig *rig = started("0.5", "3", "1");
    cr_assert_eq(quote(rig, 1000, 1010), 2);
    expect_intent(&rig->out.events[0], PW_PLACE, PW_BUY, 970, 0);
    expect_intent(&rig->out.events[1], PW_PLACE, PW_SELL, 1040, 0);
    cr_expect_eq(quote(rig, 1000, 1010), 0, "both are asked for");
    strategy_rig_free(rig);
}

Test(quoter, moves_a_resting_order_with_its_side_alone)
{
    struct strategy_rig *rig = resting();
    cr_expect_eq(quote(rig, 1000, 1010), 0, "they stand where they should");
    cr_assert_eq(quote(rig, 990, 1010), 1);
    expect_intent(&rig->out.events[0], PW_REPLACE, PW_BUY, 960, 1);
    told(rig, 1, PW_BUY, 970, PW_ORDER_PENDING_REPLACE);
    told(rig, 3, PW_BUY, 960, PW_ORDER_IN_FLIGHT);
    cr_expect_eq(quote(rig, 980, 1010), 0, "one request at a time");
    told(rig, 1, PW_BUY, 970, PW_ORDER_REPLACED);
    told(rig, 3, PW_BUY, 960, PW_ORDER_OPEN);
    cr_assert_eq(quote(rig, 980, 1010), 1);
    expect_intent(&rig->out.events[0], PW_REPLACE, PW_BUY, 950, 3);
    strategy_rig_free(rig);
}

Test(quoter, an_order_that_has_ended_is_followed_by_another)
{
    static const enum pw_order_state ends[] = {PW_ORDER_FILLED, PW_ORDER_CANCELED, PW_ORDER_REJECTED,
                                               PW_ORDER_EXPIRED};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct strategy_rig *rig = resting();
        told(rig, 2, PW_SELL, 1040, ends[i]);
        cr_assert_eq(quote(rig, 1000, 1010), 1);
        expect_intent(&rig->out.events[0], PW_PLACE, PW_SELL, 1040, 0);
        told(rig, 0, PW_SELL, 1040, PW_ORDER_DENIED);
        cr_expect_eq(quote(rig, 1000, 1010), 1, "denied: asked for again");
        strategy_rig_free(rig);
    }
}

Test(quoter, a_replacement_that_fails_leaves_the_old_order)
{
    struct strategy_rig *rig = resting();
    cr_assert_eq(quote(rig, 990, 1010), 1);
    told(rig, 3, PW_BUY, 960, PW_ORDER_IN_FLIGHT);
    told(rig, 3, PW_BUY, 960, PW_ORDER_REJECTED);
    told(rig, 1, PW_BUY, 970, PW_ORDER_OPEN);
    cr_assert_eq(quote(rig, 990, 1010), 1);
    expect_intent(&rig->out.events[0], PW_REPLACE, PW_BUY, 960, 1);
    strategy_rig_free(rig);
}

Test(quoter, an_unknown_outcome_is_waited_for)
{
    struct strategy_rig *rig = resting();
    told(rig, 1, PW_BUY, 970, PW_ORDER_UNKNOWN);
    cr_expect_eq(quote(rig, 900, 1010), 0);
    told(rig, 1, PW_BUY, 970, PW_ORDER_OPEN);
    cr_expect_eq(quote(rig, 900, 1010), 1);
    strategy_rig_free(rig);
}

Test(quoter, no_price_no_order)
{
    struct strategy_rig *rig = started("1", "3", "1");
    cr_expect_eq(quote(rig, 0, 0), 0);
    cr_expect_eq(quote(rig, 30, 0), 0, "three ticks below is nothing");
    cr_expect_eq(quote(rig, 31, INT64_MAX), 1, "above is beyond 64 bits");
    strategy_rig_free(rig);
}

Test(quoter, wrong_parameters_are_told)
{
    static const struct {
        const char *quantity, *distance, *every, *told;
    } cases[] = {
        {"0", "1", "1", "quantity"},
        {"1", "0", "1", "distance"},
        {"1", "1", "0", "every"},
        {"1", "1", NULL, "'every' is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        strategy_rig_refused(rig_with(cases[i].quantity, cases[i].distance, cases[i].every), cases[i].told);
    }
}
