/* SPDX-License-Identifier: MIT
 *
 * tick_taker: which quotes it acts upon, what it asks for, and its parameters.
 */
#include "strategies.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig {
    struct pw_strategy_env env;
    struct pw_param params[4];
    uint16_t instruments[2];
    void *state;
    struct pw_decisions out;
    char error[256];
};

static struct rig *rig_with(const char *quantity, const char *imbalance, const char *every)
{
    const char *const values[][2] = {{"quantity", quantity}, {"imbalance", imbalance}, {"every", every}};
    struct rig *rig = calloc(1, sizeof *rig);
    rig->instruments[0] = 2;
    rig->instruments[1] = 5;
    rig->env =
        (struct pw_strategy_env){.params = rig->params, .instruments = rig->instruments, .instrument_cnt = 2};
    for (size_t i = 0; i < 3 && values[i][1] != NULL; i++) {
        snprintf(rig->params[i].name, sizeof rig->params[i].name, "%s", values[i][0]);
        snprintf(rig->params[i].value, sizeof rig->params[i].value, "%s", values[i][1]);
        rig->env.param_cnt++;
    }
    return rig;
}

static bool rig_start(struct rig *rig)
{
    size_t bytes = pw_tick_taker.state_bytes(&rig->env, rig->error, sizeof rig->error);
    if (bytes == 0) {
        return false;
    }
    rig->state = aligned_alloc(64, (bytes + 63) / 64 * 64);
    memset(rig->state, 0, bytes);
    return pw_tick_taker.init(rig->state, &rig->env, rig->error, sizeof rig->error) == 0;
}

static void rig_free(struct rig *rig)
{
    free(rig->state);
    free(rig);
}

/* How many intents a quote makes. */
static uint32_t quote(struct rig *rig, uint16_t instrument_idx, uint64_t update_id, int64_t bid_qty_e8,
                      int64_t ask_qty_e8)
{
    struct pw_event event = {.kind = PW_EVENT_QUOTE,
                             .instrument_idx = instrument_idx,
                             .body.quote = {.bid_price_e8 = 99,
                                            .bid_qty_e8 = bid_qty_e8,
                                            .ask_price_e8 = 101,
                                            .ask_qty_e8 = ask_qty_e8,
                                            .update_id = update_id}};
    rig->out.cnt = 0;
    pw_tick_taker.on_market(rig->state, &event, 77, &rig->out);
    return rig->out.cnt;
}

Test(tick_taker, buys_at_the_ask_immediate_or_cancel)
{
    struct rig *rig = rig_with("0.5", "2", "1");
    cr_assert(rig_start(rig), "%s", rig->error);
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
    rig_free(rig);
}

Test(tick_taker, acts_on_new_imbalanced_quotes_of_its_instruments_only)
{
    struct rig *rig = rig_with("1", "2", "1");
    cr_assert(rig_start(rig), "%s", rig->error);
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
    rig->out.cnt = 0;
    pw_tick_taker.on_market(rig->state, &one_sided, 0, &rig->out);
    cr_expect_eq(rig->out.cnt, 0, "nobody sells");

    struct pw_event trade = {.kind = PW_EVENT_TRADE, .instrument_idx = 2, .body.trade = {.price_e8 = 1}};
    pw_tick_taker.on_market(rig->state, &trade, 0, &rig->out);
    cr_expect_eq(rig->out.cnt, 0, "a trade is no quote");
    rig_free(rig);
}

Test(tick_taker, acts_on_each_third_of_an_instrument)
{
    struct rig *rig = rig_with("1", "1", "3");
    cr_assert(rig_start(rig), "%s", rig->error);
    for (uint64_t i = 1; i <= 12; i++) {
        cr_expect_eq(quote(rig, 2, i, 1, 1), i % 3 == 0, "quote %u", (unsigned)i);
        cr_expect_eq(quote(rig, 5, i, i == 12 ? 1 : 0, 1), 0, "counted for each instrument");
    }
    rig_free(rig);
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
        struct rig *rig = rig_with(cases[i].quantity, cases[i].imbalance, cases[i].every);
        cr_expect_not(rig_start(rig), "case %zu", i);
        cr_expect_not_null(strstr(rig->error, cases[i].told), "case %zu: %s", i, rig->error);
        rig_free(rig);
    }
    struct rig *rig = rig_with("1", "1", "1");
    rig->env.instrument_cnt = 0;
    cr_expect_not(rig_start(rig), "no instrument");
    rig_free(rig);
}
