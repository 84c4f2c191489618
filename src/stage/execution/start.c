/* SPDX-License-Identifier: MIT
 *
 * The start of the execution stage: its memory, its ends of rings and regions, its gateway.
 */
#include "execution_state.h"
#include "journal_config.h"
#include "pw_assert.h"
#include "risk_config.h"
#include "strategies_config.h"
#include <errno.h>
#include <pinwheel/lines.h>
#include <string.h>

#define ORDER_ROWS 1024u /* open ones, and the last closed ones, to tell late reports from unknown ones */

static size_t accounts_bytes(const struct pw_stage_env *env)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < pw_config_account_cnt(env->config); i++) {
        bytes += pw_portfolio_bytes(env->instrument_cnt) + pw_execution_gateway_bytes(env, i);
    }
    return bytes;
}

static size_t own_bytes(const struct pw_stage_env *env)
{
    return pw_round_up_64(sizeof(struct execution) +
                          pw_config_account_cnt(env->config) * sizeof(struct execution_account));
}

size_t pw_execution_state_bytes(const struct pw_stage_env *env)
{
    return own_bytes(env) + pw_orders_bytes(ORDER_ROWS, env->instrument_cnt) +
           pw_round_up_64(env->instrument_cnt * sizeof(struct touch)) +
           pw_round_up_64(env->instrument_cnt * sizeof(struct pw_instrument)) + accounts_bytes(env);
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
    x->records = x->has_journal;
    x->trades_unrecorded = PW_CONFIG(env->config, journal)->trades_unrecorded;
    while (x->line_cnt < PW_LINES_MAX &&
           pw_env_producer_nth(env, PW_RING_REQUESTS, x->line_cnt, &x->lines[x->line_cnt].wire) == 0 &&
           pw_env_consumer_nth(env, PW_RING_RESPONSES, x->line_cnt, &x->lines[x->line_cnt].messages) == 0) {
        x->line_cnt++;
    }
    x->has_frames_copy = pw_env_producer(env, PW_RING_WIRE_JOURNAL, &x->frames_copy) == 0;
    x->open_max = pw_flow_open_max(x->reports_out.mask + 1);
    pw_assert(x->open_max <= PW_OPEN_ORDERS_MAX); /* as many paths are kept */
    x->stream_events = pw_flow_stream_events(x->reports_out.mask + 1, pw_config_connects(env->config));
    return 0;
}

static bool find_gateway_metrics(struct execution *x, const struct pw_stage_env *env)
{
    bool found = true;
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        char name[PW_METRIC_GROUP_BYTES];
        pw_metrics_gateway_name(name, i);
        x->accounts[i].gateway_metric_rows = pw_metrics_rows(env->ws, PW_METRIC_GROUP_gateway, name);
        found &= x->accounts[i].gateway_metric_rows != NULL;
    }
    if (!found) {
        pw_log(PW_LOG_ERROR, "execution: the workspace lacks the metrics of a gateway");
    }
    return found;
}

static int attach_regions(struct execution *x, const struct pw_stage_env *env)
{
    const struct pw_region *positions = pw_workspace_find(env->ws, "positions", PW_REGION_POSITIONS);
    const struct pw_region *account = pw_workspace_find(env->ws, "account", PW_REGION_ACCOUNT);
    x->stop = pw_workspace_rows(env->ws, "stop", PW_REGION_STOP);
    x->hop = pw_env_histogram(env, "hop.recv_to_execution");
    x->tick_to_order = pw_env_histogram(env, "tick_to_order");
    x->tick_to_fill = pw_env_histogram(env, "tick_to_fill");
    if (!positions || positions->row_cnt < env->instrument_cnt || !account ||
        account->row_cnt < x->account_cnt || !x->stop || !x->hop || !x->tick_to_order || !x->tick_to_fill) {
        pw_log(PW_LOG_ERROR, "execution: the workspace lacks positions, account, stop or a histogram");
        return -ENOENT;
    }
    x->position_views = pw_region_at(env->ws, positions, 0);
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        x->accounts[i].view = pw_region_at(env->ws, account, i);
    }
    x->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_execution);
    return x->metric_rows && find_gateway_metrics(x, env) ? pw_execution_find_stamps(x, env) : -ENOENT;
}

static void find_conn(const struct pw_config *config, struct execution_account *account)
{
    struct pw_conns conns;
    pw_config_conns(config, &conns);
    account->conn_idx = conns.of_account[account->idx];
    if (account->conn_idx == PW_NO_CONN) {
        return;
    }
    pw_assert(account->conn_idx < conns.cnt);
    const struct pw_conn_row *own = &conns.rows[account->conn_idx];
    uint32_t before = 0; /* bit i: line i has order entry and is before its own */
    for (uint32_t i = 0; i < conns.cnt; i++) {
        bool counts = conns.rows[i].role == PW_CONN_ROLE_ORDERS && conns.rows[i].line_idx < own->line_idx;
        before |= counts ? 1u << conns.rows[i].line_idx : 0;
    }
    account->host_idx = own->host_idx;
    account->line_idx = (uint32_t)__builtin_popcount(before);
}

/* The limit of the position in the units of each instrument: where it is no whole number of them the next
 * smaller one, and at least one, as 0 is no limit. */
static void spread_limits(struct execution_account *account)
{
    const struct pw_risk_limits usual = account->limits[PW_UNIT_SHIFT_MAX];
    for (int shift = -PW_UNIT_SHIFT_MAX; shift <= PW_UNIT_SHIFT_MAX; shift++) {
        struct pw_risk_limits *limits = &account->limits[PW_UNIT_SHIFT_MAX + shift];
        pw_i128 limit = usual.max_position_e8;
        limit = shift > 0 ? limit / pw_power10(shift) : limit * pw_power10(-shift);
        *limits = usual;
        limits->max_position_e8 = limit > INT64_MAX                          ? INT64_MAX
                                  : limit == 0 && usual.max_position_e8 != 0 ? 1
                                                                             : (int64_t)limit;
    }
}

/* Its portfolio and gateway take their share of *memory. */
static int init_account(struct execution *x, const struct pw_stage_env *env, uint8_t account_idx,
                        char **memory)
{
    struct execution_account *account = &x->accounts[account_idx];
    struct pw_account_setup setup = pw_config_account(env->config, account_idx);
    const struct pw_config_risk *risk = PW_CONFIG(env->config, risk);
    bool live = setup.traits->connects;
    pw_assert(account_idx < x->account_cnt && (uintptr_t)*memory % PW_CACHE_LINE == 0);
    account->idx = account_idx;
    find_conn(env->config, account);
    account->portfolio = pw_portfolio_init(
        *memory, env->instrument_cnt, pw_money_e16_of_e8(live ? setup.live->cash_e8 : setup.paper->cash_e8));
    *memory += pw_portfolio_bytes(env->instrument_cnt);
    const uint32_t *halts = PW_ATTACHED(env, execution)->halts;
    account->halted = account->fault = halts != NULL ? halts[account_idx] : PW_REASON_NONE;
    x->faulted |= account->fault != PW_REASON_NONE; /* journalled at the first poll */
    account->limits[PW_UNIT_SHIFT_MAX] =
        (struct pw_risk_limits){.max_order_notional_e8 = risk->max_order_notional_e8,
                                .max_position_e8 = risk->max_position_e8,
                                .max_orders_per_s = risk->max_orders_per_s,
                                .allow_short = risk->allow_short,
                                .fee_rate_e8 = live ? setup.live->fee_rate_e8 : setup.paper->fee_rate_e8,
                                .max_age_ns = live ? setup.live->max_tick_age_ms * INT64_C(1000000) : 0};
    account->max_rejections = live ? setup.live->max_rejections : 0;
    account->rejection_pause_ns = live ? setup.live->rejection_pause_ns : 0;
    spread_limits(account);
    int error = pw_execution_gateway_init(x, env, account, *memory);
    *memory += pw_execution_gateway_bytes(env, account_idx);
    if (error == 0) {
        x->has_market_gateway |= account->gateway->on_market != NULL;
        x->reports_cancel |= !account->gateway->traits.reports_later;
    }
    return error;
}

int pw_execution_init(void *state, const struct pw_stage_env *env)
{
    struct execution *x = state;
    const struct pw_config *config = env->config;
    char *memory = (char *)state + own_bytes(env);
    if (env->instrument_cnt == 0 || env->instrument_cnt > PW_INSTRUMENTS_MAX) {
        pw_log(PW_LOG_ERROR, "%s: %u instruments: there must be 1 to %u", config->path, env->instrument_cnt,
               PW_INSTRUMENTS_MAX);
        return -EINVAL;
    }
    x->instrument_cnt = env->instrument_cnt;
    x->account_cnt = pw_config_account_cnt(config);
    pw_execution_find_accounts(env, x->account_of);
    x->clock = env->clock;
    uint64_t run_id = PW_ATTACHED(env, execution)->run_id;
    x->orders = pw_orders_init(memory, ORDER_ROWS, env->instrument_cnt, run_id);
    if (!x->orders) {
        pw_log(PW_LOG_ERROR, "execution: run %llu is beyond what order ids can hold",
               (unsigned long long)run_id);
        return -EINVAL;
    }
    memory += pw_orders_bytes(ORDER_ROWS, env->instrument_cnt);
    x->quotes = (struct touch *)(void *)memory;
    memory += pw_round_up_64(env->instrument_cnt * sizeof(struct touch));
    x->instruments = (struct pw_instrument *)(void *)memory;
    memcpy(x->instruments, env->instruments, env->instrument_cnt * sizeof *x->instruments);
    memory += pw_round_up_64(env->instrument_cnt * sizeof *x->instruments);
    x->changed = true;
    int error = pw_execution_check_kinds(env);
    error = error ? error : attach_rings(x, env);
    error = error ? error : attach_regions(x, env);
    for (uint32_t i = 0; i < x->account_cnt && error == 0; i++) {
        error = init_account(x, env, (uint8_t)i, &memory);
    }
    pw_assert(error || memory == (char *)state + pw_execution_state_bytes(env));
    return error;
}
