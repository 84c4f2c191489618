/* SPDX-License-Identifier: MIT
 *
 * One strategy alone: see strategy_rig.h.
 */
#include "strategy_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct strategy_rig *strategy_rig_make(const struct pw_strategy_ops *ops, uint16_t first, uint16_t second)
{
    struct strategy_rig *rig = calloc(1, sizeof *rig);
    cr_assert_not_null(rig);
    rig->ops = ops;
    rig->instruments[0] = first;
    rig->instruments[1] = second;
    rig->env = (struct pw_strategy_env){.strategy_idx = STRATEGY_RIG_IDX,
                                        .name = "x",
                                        .params = rig->params,
                                        .instruments = rig->instruments,
                                        .instrument_cnt = 2,
                                        .instrument_table = rig->table};
    return rig;
}

void strategy_rig_free(struct strategy_rig *rig)
{
    free(rig->state);
    free(rig);
}

void strategy_rig_param(struct strategy_rig *rig, const char *name, const char *value)
{
    if (value != NULL) {
        struct pw_param *param = &rig->params[rig->env.param_cnt++];
        snprintf(param->name, sizeof param->name, "%s", name);
        snprintf(param->value, sizeof param->value, "%s", value);
    }
}

bool strategy_rig_start(struct strategy_rig *rig)
{
    size_t bytes = rig->ops->state_bytes(&rig->env, rig->error, sizeof rig->error);
    if (bytes == 0) {
        return false;
    }
    rig->state = aligned_alloc(64, (bytes + 63) / 64 * 64);
    memset(rig->state, 0, bytes);
    return rig->ops->init(rig->state, &rig->env, rig->error, sizeof rig->error) == 0;
}

void strategy_rig_refused(struct strategy_rig *rig, const char *part)
{
    cr_expect_not(strategy_rig_start(rig), "'%s' is not refused", part);
    cr_expect_not_null(strstr(rig->error, part), "'%s' does not say '%s'", rig->error, part);
    strategy_rig_free(rig);
}

uint32_t strategy_rig_market(struct strategy_rig *rig, const struct pw_event *event)
{
    rig->out.cnt = 0;
    rig->ops->on_market(rig->state, event, rig->market_seq++, &rig->out);
    return rig->out.cnt;
}

uint32_t strategy_rig_trade(struct strategy_rig *rig, uint16_t instrument_idx, int64_t price_e8)
{
    struct pw_event event = {.kind = PW_EVENT_TRADE,
                             .instrument_idx = instrument_idx,
                             .body.trade = {.price_e8 = price_e8, .qty_e8 = 1}};
    return strategy_rig_market(rig, &event);
}

void strategy_rig_report(struct strategy_rig *rig, const struct pw_event *report)
{
    rig->out.cnt = 0;
    rig->ops->on_report(rig->state, report, rig->market_seq, &rig->out);
    cr_assert_eq(rig->out.cnt, 0);
}

void strategy_rig_order(struct strategy_rig *rig, enum pw_order_state state, bool sell, int64_t leaves_qty_e8)
{
    struct pw_event event = {.kind = PW_EVENT_ORDER,
                             .flags = sell ? PW_FLAG_SELL : 0,
                             .body.order = {.leaves_qty_e8 = leaves_qty_e8, .state = (uint8_t)state}};
    strategy_rig_report(rig, &event);
}
