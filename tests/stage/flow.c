/* SPDX-License-Identifier: MIT
 *
 * Strategy and execution on the smallest rings, with a strategy that breeds orders: it answers every report
 * with two, and cancels what is open. Neither stage may stop for ever, and a halt must get through.
 */
#include "flow.h"
#include "stage_rig.h"

#include "strategies.h"
#include <criterion/criterion.h>

#define E8 PW_E8
#define T0 INT64_C(1700000000000000000)

/* ---- the strategy, in the place of the built-in ones ---- */

static void order(struct pw_decisions *out)
{
    out->events[out->cnt++] = rig_limit(PW_BUY, 90 * E8, E8 / 1000, 0);
}

static size_t breed_bytes(const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    (void)env, (void)error, (void)error_bytes;
    return 64;
}

static int breed_init(void *state, const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    (void)state, (void)env, (void)error, (void)error_bytes;
    return 0;
}

static void breed_on_market(void *state, const struct pw_event *event, uint64_t market_seq,
                            struct pw_decisions *out)
{
    (void)state, (void)event, (void)market_seq;
    order(out);
}

static void breed_on_report(void *state, const struct pw_event *report, uint64_t market_seq,
                            struct pw_decisions *out)
{
    (void)state, (void)market_seq;
    order(out);
    order(out);
    if (report->kind == PW_EVENT_ORDER && report->body.order.state == PW_ORDER_OPEN) {
        struct pw_event cancel = {.kind = PW_EVENT_INTENT};
        cancel.body.intent.action = PW_CANCEL;
        cancel.body.intent.client_order_id = report->body.order.client_order_id;
        out->events[out->cnt++] = cancel;
    }
}

static const struct pw_strategy_ops breeder = {.kind = "breeder",
                                               .state_bytes = breed_bytes,
                                               .init = breed_init,
                                               .on_market = breed_on_market,
                                               .on_report = breed_on_report};

const char *pw_strategy_kind(uint32_t i)
{
    return i == 0 ? breeder.kind : NULL;
}

const struct pw_strategy_ops *pw_strategy_at(uint32_t i)
{
    return i == 0 ? &breeder : NULL;
}

const struct pw_strategy_ops *pw_strategy_find(const char *kind)
{
    (void)kind;
    return &breeder;
}

/* ---- the pair ---- */

static uint64_t intents_taken(struct rig *rig)
{
    pw_execution_stage.housekeep(rig->execution, 0);
    pw_strategy_stage.housekeep(rig->strategy, 0);
    return rig_metric(rig, "execution", "intents");
}

static void drop_journal(struct rig *rig)
{
    struct pw_event event;
    while (rig_take(&rig->journal, &event)) {
    }
}

/* Some rounds in which each stage is polled up to 7 times in a row. */
static void run(struct rig *rig, uint32_t rounds, uint64_t *seed)
{
    for (uint32_t i = 0; i < rounds; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        rig_put_market(rig, &rig->market, rig_quote(89 * E8, 101 * E8, rig->now_ns + 1000));
        for (uint64_t k = *seed >> 40 & 7; k > 0; k--) {
            rig_poll_strategy(rig);
        }
        for (uint64_t k = *seed >> 50 & 7; k > 0; k--) {
            rig_poll_execution(rig);
            drop_journal(rig);
        }
    }
}

static struct rig *start(bool live)
{
    struct rig_options options = {.live = live,
                                  .fast = "1",
                                  .slow = "2",
                                  .quantity = "1",
                                  .report_slots = live ? 512 : 256,
                                  .journal_slots = 4096};
    struct rig *rig = rig_open(&options);
    rig->now_ns = T0;
    cr_assert_eq(rig_start_strategy(rig), 0);
    cr_assert_eq(rig_start_execution(rig), 0);
    rig_put_market(rig, &rig->market, rig_feed(PW_FEED_UP, T0));
    return rig;
}

static void check(bool live)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        uint64_t state = seed;
        struct rig *rig = start(live);
        run(rig, 3000, &state);
        cr_expect_gt(rig_metric(rig, "strategy", "intents_dropped") + intents_taken(rig), 3000);
        for (uint32_t i = 0; i < 10; i++) {
            uint64_t before = intents_taken(rig);
            run(rig, 100, &state);
            cr_assert_gt(intents_taken(rig), before, "seed %u: both wait", (unsigned)seed);
        }
        cr_expect_gt(rig_metric(rig, "strategy", "intents_dropped"), 0);
        rig_put_command(rig, PW_COMMAND_HALT);
        run(rig, 100, &state);
        intents_taken(rig);
        cr_expect_gt(rig_metric(rig, "execution", "denied_halted"), 0, "seed %u", (unsigned)seed);
        rig_close(rig);
    }
}

Test(flow, a_strategy_that_breeds_orders_stops_nobody_on_paper)
{
    check(false);
}

Test(flow, a_strategy_that_breeds_orders_stops_nobody_live)
{
    check(true);
}
