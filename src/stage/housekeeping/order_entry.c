/* SPDX-License-Identifier: MIT
 *
 * Changes of the live gateway's state, logged once each.
 */
#include "order_entry.h"

#include "accounts_config.h"
#include "pw_assert.h"
#include <errno.h>
#include <inttypes.h>

int pw_order_entry_init(struct pw_order_entry *entry, const struct pw_stage_env *env,
                        const struct pw_conns *conns, uint32_t conn_idx)
{
    pw_assert(conn_idx < conns->cnt && conns->rows[conn_idx].role == PW_CONN_ROLE_ORDERS);
    uint32_t account_idx = conns->rows[conn_idx].account_idx;
    pw_assert(conns->of_account[account_idx] == conn_idx);
    char group[PW_METRIC_GROUP_BYTES];
    pw_metrics_gateway_name(group, account_idx);
    const struct pw_metric_row *gateway = pw_metrics_rows(env->ws, PW_METRIC_GROUP_gateway, group);
    const struct pw_metric_row *execution = pw_metrics_rows(env->ws, PW_METRIC_GROUP_execution, "execution");
    if (gateway == NULL || execution == NULL) {
        pw_log(PW_LOG_ERROR, "housekeeping: the workspace lacks metrics of execution or its gateway");
        return -ENOENT;
    }
    *entry = (struct pw_order_entry){
        .ready = PW_METRIC_WORD(gateway, gateway, ready),
        .not_ready_reason = PW_METRIC_WORD(gateway, gateway, not_ready_reason),
        .last_error = PW_METRIC_WORD(gateway, gateway, last_error_code),
        .unknown_orders = PW_METRIC_WORD(execution, execution, unknown_orders),
        .inconsistent = PW_METRIC_WORD(execution, execution, reports_inconsistent),
        .orphans = PW_METRIC_WORD(gateway, gateway, orphan_orders),
        .reconnect_wanted = PW_METRIC_WORD(gateway, gateway, reconnect_wanted),
        .request_timeouts = PW_METRIC_WORD(gateway, gateway, request_timeouts),
        .paused_until_ns = PW_METRIC_WORD(gateway, gateway, paused_until_ns),
        .conn_idx = conn_idx,
        .tells_engine = true,
        .cancels_orphans = pw_config_account(env->config, account_idx).traits->moves_money,
    };
    for (uint32_t i = 0; i < account_idx; i++) {
        entry->tells_engine &= conns->of_account[i] == PW_NO_CONN;
    }
    bool several = pw_config_account_cnt(env->config) > 1;
    snprintf(entry->whose, sizeof entry->whose, "%s%s", several ? " of account " : "",
             several ? pw_config_account(env->config, account_idx).name : "");
    return 0;
}

/* The word's value, and whether it differs from the one last logged; then it counts as logged. */
static bool has_changed(const _Atomic uint64_t *word, uint64_t *logged, uint64_t *value)
{
    *value = atomic_load_explicit(word, memory_order_relaxed);
    bool changed = *value != *logged;
    *logged = *value;
    return changed;
}

static void log_readiness(struct pw_order_entry *entry)
{
    uint64_t value;
    int64_t code = (int64_t)atomic_load_explicit(entry->last_error, memory_order_relaxed);
    if (has_changed(entry->ready, &entry->logged_ready, &value)) {
        if (value) {
            pw_log(PW_LOG_INFO, "order entry%s is ready", entry->whose);
        } else {
            pw_log(PW_LOG_WARN, "order entry%s is not ready: new orders are denied", entry->whose);
        }
    }
    if (has_changed(entry->not_ready_reason, &entry->logged_reason, &value) && value) {
        pw_log(PW_LOG_ERROR, "order entry%s refused: %s (%s, venue error code %" PRId64 "); see docs/live.md",
               entry->whose, pw_reason_help(value), pw_reason_name(value), code);
    }
    if (has_changed(entry->orphans, &entry->logged_orphans, &value)) {
        pw_log(PW_LOG_WARN, "orphan orders%s of earlier runs: %" PRIu64 " so far; %s", entry->whose, value,
               entry->cancels_orphans ? "canceling them" : "left alone");
    }
}

static void log_orders(struct pw_order_entry *entry)
{
    uint64_t value, before = entry->logged_unknown;
    if (has_changed(entry->unknown_orders, &entry->logged_unknown, &value)) {
        pw_log(value > before ? PW_LOG_WARN : PW_LOG_INFO, "orders of unknown outcome: %" PRIu64 "%s", value,
               value ? "; querying the venue" : ", all resolved");
    }
    if (has_changed(entry->inconsistent, &entry->logged_inconsistent, &value)) {
        pw_log(PW_LOG_ERROR,
               "venue reports contradict our orders (%" PRIu64
               " so far); compare positions, then `pinwheel ctl resume`",
               value);
    }
}

/* Whether it wants a new connection, since the last time. */
static bool wants_reconnect(struct pw_order_entry *entry)
{
    uint64_t wanted, timeouts;
    if (!has_changed(entry->reconnect_wanted, &entry->logged_reconnect, &wanted) || !wanted) {
        return false;
    }
    if (has_changed(entry->request_timeouts, &entry->logged_timeouts, &timeouts)) {
        pw_log(PW_LOG_WARN,
               "order entry%s: no responses from the venue (%" PRIu64 " timeouts so far); reconnecting",
               entry->whose, timeouts);
    } else {
        pw_log(PW_LOG_WARN, "order entry%s: the venue is about to close the connection; reconnecting",
               entry->whose);
    }
    return true;
}

bool pw_order_entry_poll(struct pw_order_entry *entry)
{
    log_readiness(entry);
    if (entry->tells_engine) {
        log_orders(entry);
    }
    return wants_reconnect(entry);
}

int64_t pw_order_entry_paused_until_ns(const struct pw_order_entry *entry)
{
    return (int64_t)atomic_load_explicit(entry->paused_until_ns, memory_order_relaxed);
}
