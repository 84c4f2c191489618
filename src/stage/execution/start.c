/* SPDX-License-Identifier: MIT
 *
 * The start of the execution stage: its memory, its ends of rings and regions, its gateway.
 */
#include "execution_state.h"
#include "gateway_config.h"
#include "risk_config.h"
#include "strategies_config.h"
#include <errno.h>
#include <pinwheel/lines.h>
#include <string.h>

#define ORDER_ROWS 1024u /* open ones, and the last closed ones, to tell late reports from unknown ones */

size_t pw_execution_state_bytes(const struct pw_stage_env *env)
{
    return pw_round_up_64(sizeof(struct execution)) + pw_orders_bytes(ORDER_ROWS, env->instrument_cnt) +
           pw_portfolio_bytes(env->instrument_cnt) + pw_execution_gateway_bytes(env) +
           pw_round_up_64(env->instrument_cnt * sizeof(struct touch));
}

static int attach_rings(struct execution *x, const struct pw_stage_env *env)
{
    int error = pw_env_consumer(env, PW_RING_DECISIONS, &x->in);
    error = error ? error : pw_env_consumer(env, PW_RING_COMMANDS, &x->commands);
    error = error ? error : pw_env_producer(env, PW_RING_REPORTS, &x->reports_out);
    if (error) {
        pw_log(PW_LOG_ERROR, "execution: a ring is missing: %s", strerror(-error));
        return error;
    }
    x->has_journal = pw_env_producer(env, PW_RING_ORDERS_JOURNAL, &x->journal) == 0;
    x->has_wire = pw_env_producer(env, PW_RING_REQUESTS, &x->wire) == 0 &&
                  pw_env_consumer(env, PW_RING_RESPONSES, &x->messages) == 0;
    x->has_frames_copy = pw_env_producer(env, PW_RING_WIRE_JOURNAL, &x->frames_copy) == 0;
    x->open_max = pw_flow_open_max(x->reports_out.mask + 1);
    x->stream_events = pw_flow_stream_events(x->reports_out.mask + 1, pw_config_connects(env->config));
    return 0;
}

static int attach_regions(struct execution *x, const struct pw_stage_env *env)
{
    const struct pw_region *positions = pw_workspace_find(env->ws, "positions", PW_REGION_POSITIONS);
    const struct pw_region *account = pw_workspace_find(env->ws, "account", PW_REGION_ACCOUNT);
    const struct pw_region *stop = pw_workspace_find(env->ws, "stop", PW_REGION_STOP);
    x->hop = pw_env_histogram(env, "hop.recv_to_execution");
    x->tick_to_order = pw_env_histogram(env, "tick_to_order");
    x->tick_to_fill = pw_env_histogram(env, "tick_to_fill");
    if (!positions || positions->row_cnt < env->instrument_cnt || !account || !stop || !x->hop ||
        !x->tick_to_order || !x->tick_to_fill) {
        pw_log(PW_LOG_ERROR, "execution: the workspace lacks positions, account, stop or a histogram");
        return -ENOENT;
    }
    x->position_views = pw_region_at(env->ws, positions, 0);
    x->account_view = pw_region_at(env->ws, account, 0);
    x->stop = pw_region_at(env->ws, stop, 0);
    x->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_execution);
    x->gateway_metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_gateway);
    return x->metric_rows && x->gateway_metric_rows ? pw_execution_find_stamps(x, env) : -ENOENT;
}

/* One account, one currency: instruments quoted in another cannot be traded beside it. */
static int check_currency(const struct pw_stage_env *env)
{
    const struct pw_config_strategies *strategies = PW_CONFIG(env->config, strategies);
    const struct pw_instrument *first = NULL;
    for (uint32_t i = 0; i < strategies->strategy_cnt; i++) {
        const struct pw_config_strategy *strategy = &strategies->strategies[i];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            if (strategy->instruments[k] >= env->instrument_cnt) {
                return -EINVAL; /* the strategy stage says so */
            }
            const struct pw_instrument *instrument = &env->instruments[strategy->instruments[k]];
            first = first ? first : instrument;
            if (strncmp(first->quote, instrument->quote, sizeof first->quote) != 0) {
                pw_log(PW_LOG_ERROR,
                       "%s: strategy '%s': %s is quoted in %s, %s in %s: one account trades in one currency",
                       env->config->path, strategy->name, instrument->symbol, instrument->quote,
                       first->symbol, first->quote);
                return -EINVAL;
            }
        }
    }
    return 0;
}

int pw_execution_init(void *state, const struct pw_stage_env *env)
{
    struct execution *x = state;
    const struct pw_config *config = env->config;
    const struct pw_config_risk *risk = PW_CONFIG(config, risk);
    const struct pw_config_paper *paper = PW_CONFIG(config, paper);
    char *memory = (char *)state + pw_round_up_64(sizeof *x);
    if (env->instrument_cnt == 0 || env->instrument_cnt > PW_INSTRUMENTS_MAX) {
        pw_log(PW_LOG_ERROR, "%s: %u instruments: there must be 1 to %u", config->path, env->instrument_cnt,
               PW_INSTRUMENTS_MAX);
        return -EINVAL;
    }
    bool live = pw_config_connects(config);
    x->instruments = env->instruments;
    x->clock = env->clock;
    x->orders = pw_orders_init(memory, ORDER_ROWS, env->instrument_cnt, env->run_id);
    if (!x->orders) {
        pw_log(PW_LOG_ERROR, "execution: run %llu is beyond what order ids can hold",
               (unsigned long long)env->run_id);
        return -EINVAL;
    }
    memory += pw_orders_bytes(ORDER_ROWS, env->instrument_cnt);
    x->portfolio =
        pw_portfolio_init(memory, env->instrument_cnt,
                          pw_money_e16_of_e8(live ? PW_CONFIG(config, live)->cash_e8 : paper->cash_e8));
    memory += pw_portfolio_bytes(env->instrument_cnt);
    x->quotes = (struct touch *)(void *)memory;
    memory += pw_round_up_64(env->instrument_cnt * sizeof(struct touch));
    x->limits = (struct pw_risk_limits){
        .max_order_notional_e8 = risk->max_order_notional_e8,
        .max_position_e8 = risk->max_position_e8,
        .max_orders_per_s = risk->max_orders_per_s,
        .allow_short = risk->allow_short,
        .fee_rate_e8 = live ? PW_CONFIG(config, live)->fee_rate_e8 : paper->fee_rate_e8,
        .max_age_ns = live ? PW_CONFIG(config, live)->max_tick_age_ms * INT64_C(1000000) : 0};
    x->changed = true;
    int error = attach_rings(x, env);
    error = error ? error : attach_regions(x, env);
    error = error ? error : check_currency(env);
    return error ? error : pw_execution_gateway_init(x, env, memory);
}
