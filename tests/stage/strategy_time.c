/* SPDX-License-Identifier: MIT
 *
 * Time reaches every strategy, of as many as a config takes. None of the built-in ones says anything about
 * time, so this program has a list of strategies of its own: one that answers TIME with a signal.
 */
#include "stage_rig.h"
#include "strategies.h"
#include "strategies_config.h"

#include <criterion/criterion.h>
#include <string.h>

#define MS INT64_C(1000000)

struct watch {
    uint16_t strategy_idx;
};

static size_t watch_bytes(const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    (void)env, (void)error, (void)error_bytes;
    return sizeof(struct watch);
}

static int watch_init(void *state, const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    (void)error, (void)error_bytes;
    *(struct watch *)state = (struct watch){env->strategy_idx};
    return 0;
}

static void watch_on_market(void *state, const struct pw_event *event, uint64_t market_seq,
                            struct pw_decisions *out)
{
    const struct watch *watch = state;
    if (event->kind == PW_EVENT_TIME) {
        out->events[out->cnt++] =
            (struct pw_event){.kind = PW_EVENT_SIGNAL,
                              .body.signal = {.strategy_idx = watch->strategy_idx, .market_seq = market_seq}};
    }
}

static void watch_on_report(void *state, const struct pw_event *report, uint64_t market_seq,
                            struct pw_decisions *out)
{
    (void)state, (void)report, (void)market_seq, (void)out;
}

static const struct pw_strategy_ops g_watch = {.abi = PW_STRATEGY_ABI,
                                               .kind = "watch",
                                               .state_bytes = watch_bytes,
                                               .init = watch_init,
                                               .on_market = watch_on_market,
                                               .on_report = watch_on_report};

const struct pw_strategy_ops *pw_strategy_find(const char *kind)
{
    return strcmp(kind, g_watch.kind) == 0 ? &g_watch : NULL;
}

const struct pw_strategy_ops *pw_strategy_at(uint32_t i)
{
    return i == 0 ? &g_watch : NULL;
}

const char *pw_strategy_kind(uint32_t i)
{
    return i == 0 ? g_watch.kind : NULL;
}

static void expect_time_at_each_of(uint32_t strategy_cnt)
{
    struct rig *rig = rig_open(&(struct rig_options){.fast = "1",
                                                     .slow = "2",
                                                     .quantity = "1",
                                                     .kind = "watch",
                                                     .strategy_cnt = strategy_cnt,
                                                     .market_slots = 4096,
                                                     .report_slots = 4096,
                                                     .stream_slots = 4096});
    struct pw_event event;
    cr_assert_eq(rig_start_strategy(rig), 0);
    rig->now_ns = 100 * MS;
    cr_assert_eq(rig_poll_strategy(rig).work, 0);
    rig->now_ns = 110 * MS;
    cr_assert_eq(rig_poll_strategy(rig).work, 1);
    cr_assert(rig_take(&rig->stream_in, &event));
    cr_expect_eq(event.kind, PW_EVENT_TIME);
    for (uint32_t i = 0; i < strategy_cnt; i++) {
        cr_assert(rig_take(&rig->stream_in, &event), "strategy %u of %u", i, strategy_cnt);
        cr_expect_eq(event.kind, PW_EVENT_SIGNAL);
        cr_expect_eq(event.body.signal.strategy_idx, i);
        cr_expect_eq(event.recv_ns, 110 * MS);
    }
    cr_expect_not(rig_take(&rig->stream_in, &event));
    rig_close(rig);
}

Test(strategy_time, reaches_each_of_as_many_strategies_as_a_config_takes)
{
    for (uint32_t cnt = 1; cnt <= PW_STRATEGIES_MAX; cnt++) {
        expect_time_at_each_of(cnt);
    }
}
