/* SPDX-License-Identifier: MIT
 *
 * Changes of the live gateway's state, logged once each.
 */
#include "order_entry.h"

#include "accounts_config.h"
#include "housekeeping.h"
#include "pw_assert.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <string.h>

#define WAITING_NS (10 * PW_NS_PER_S) /* a login takes less */

int pw_order_entry_init(struct pw_order_entry *entry, const struct pw_stage_env *env,
                        const struct pw_conns *conns, uint32_t conn_idx, struct pw_fold *fold)
{
    pw_assert(conn_idx < conns->cnt && conns->rows[conn_idx].role == PW_CONN_ROLE_ORDERS);
    uint32_t account_idx = conns->rows[conn_idx].account_idx;
    pw_assert(conns->of_account[account_idx] == conn_idx);
    const struct pw_venue_errors *venue_errors = PW_ATTACHED(env, housekeeping)->venue_errors;
    char group[PW_METRIC_GROUP_BYTES];
    pw_metrics_gateway_name(group, account_idx);
    const struct pw_metric_row *gateway = pw_metrics_rows(env->ws, PW_METRIC_GROUP_gateway, group);
    const struct pw_metric_row *execution = pw_metrics_rows(env->ws, PW_METRIC_GROUP_execution, "execution");
    if (gateway == NULL || execution == NULL) {
        pw_log(PW_LOG_ERROR, "housekeeping: the workspace lacks metrics of execution or its gateway");
        return -ENOENT;
    }
    *entry = (struct pw_order_entry){
        .fold = fold,
        .ready = PW_METRIC_WORD(gateway, gateway, ready),
        .not_ready_reason = PW_METRIC_WORD(gateway, gateway, not_ready_reason),
        .last_error = PW_METRIC_WORD(gateway, gateway, last_error_code),
        .unknown_orders = PW_METRIC_WORD(execution, execution, unknown_orders),
        .inconsistent = PW_METRIC_WORD(execution, execution, reports_inconsistent),
        .orphans = PW_METRIC_WORD(gateway, gateway, orphan_orders),
        .reconnect_wanted = PW_METRIC_WORD(gateway, gateway, reconnect_wanted),
        .request_timeouts = PW_METRIC_WORD(gateway, gateway, request_timeouts),
        .paused_until_ns = PW_METRIC_WORD(gateway, gateway, paused_until_ns),
        .step = PW_METRIC_WORD(gateway, gateway, step),
        .rejections = PW_METRIC_WORD(gateway, gateway, rejections),
        .rejections_until_ns = PW_METRIC_WORD(gateway, gateway, rejections_until_ns),
        .venue_errors = venue_errors ? &venue_errors[account_idx] : NULL,
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
        char said[48] = ""; /* not each reason is the venue's word */
        if (code != 0) {
            snprintf(said, sizeof said, ", venue error code %" PRId64, code);
        }
        pw_log(PW_LOG_ERROR, "order entry%s is not ready: %s (%s%s); see docs/live.md", entry->whose,
               pw_reason_help(value), pw_reason_name(value), said);
    }
    if (has_changed(entry->orphans, &entry->logged_orphans, &value)) {
        pw_log(PW_LOG_WARN, "orphan orders%s of earlier runs: %" PRIu64 " so far; %s", entry->whose, value,
               entry->cancels_orphans ? "canceling them" : "left alone");
    }
}

const char *pw_order_entry_state(uint64_t step, uint64_t reason, char text[PW_ORDER_ENTRY_TEXT_BYTES])
{
    if (step == PW_STEP_READY) {
        snprintf(text, PW_ORDER_ENTRY_TEXT_BYTES, "ready");
    } else {
        snprintf(text, PW_ORDER_ENTRY_TEXT_BYTES, "waiting for %s%s%s%s", pw_entry_step_name(step),
                 reason ? " (" : "", reason ? pw_reason_name(reason) : "", reason ? ")" : "");
    }
    return text;
}

/* Whatever it is that it waits for: once for each time that it is not ready. */
static void log_waiting(struct pw_order_entry *entry, int64_t now_ns)
{
    char text[PW_ORDER_ENTRY_TEXT_BYTES];
    if (atomic_load_explicit(entry->ready, memory_order_relaxed)) {
        entry->not_ready_ns = 0;
        entry->told_waiting = false;
        return;
    }
    entry->not_ready_ns = entry->not_ready_ns ? entry->not_ready_ns : now_ns;
    if (!entry->told_waiting && now_ns - entry->not_ready_ns >= WAITING_NS) {
        uint64_t step = atomic_load_explicit(entry->step, memory_order_relaxed);
        uint64_t reason = atomic_load_explicit(entry->not_ready_reason, memory_order_relaxed);
        entry->told_waiting = true;
        pw_log(PW_LOG_WARN, "order entry%s is not ready after %d s: %s", entry->whose,
               (int)(WAITING_NS / PW_NS_PER_S), pw_order_entry_state(step, reason, text));
    }
}

/* The first of a kind is written; the others are counted with it. */
static void log_venue_errors(struct pw_order_entry *entry)
{
    struct pw_venue_error error;
    char line[PW_VENUE_ERROR_LINE_BYTES];
    for (uint32_t i = 0; entry->venue_errors && i < PW_VENUE_ERRORS_MAX; i++) {
        uint64_t *told = &entry->told_errors[i];
        if (pw_venue_errors_count(entry->venue_errors, i) == *told ||
            !pw_venue_errors_read(entry->venue_errors, i, &error)) {
            continue;
        }
        pw_venue_error_line(&error, line);
        if (*told == 0) {
            pw_log(PW_LOG_WARN, "order entry%s: %s", entry->whose, line);
            ++*told;
        }
        if (error.count > *told) {
            pw_log_again(PW_LOG_WARN, error.count - *told, "order entry%s: %s", entry->whose, line);
            *told = error.count;
        }
    }
}

/* Too many rejections in a row begin a pause, and end it. */
static void log_rejections(struct pw_order_entry *entry, int64_t now_ns)
{
    uint64_t before = entry->logged_rejections, value;
    if (!has_changed(entry->rejections_until_ns, &entry->logged_rejections, &value)) {
        return;
    }
    if (value && !before) {
        pw_log(PW_LOG_WARN,
               "order entry%s: %" PRIu64 " orders rejected in a row: new orders are denied for %" PRId64
               " s, or until `pinwheel ctl INSTANCE resume`",
               entry->whose, atomic_load_explicit(entry->rejections, memory_order_relaxed),
               ((int64_t)value - now_ns + PW_NS_PER_S - 1) / PW_NS_PER_S);
    } else if (!value) {
        pw_log(PW_LOG_INFO, "order entry%s: new orders are allowed again after rejections", entry->whose);
    }
}

static void log_orders(struct pw_order_entry *entry, int64_t now_ns)
{
    uint64_t value, before = entry->logged_unknown, told = entry->logged_inconsistent;
    if (has_changed(entry->unknown_orders, &entry->logged_unknown, &value)) {
        pw_log(value > before ? PW_LOG_WARN : PW_LOG_INFO, "orders of unknown outcome: %" PRIu64 "%s", value,
               value ? "; querying the venue" : ", all resolved");
    }
    if (has_changed(entry->inconsistent, &entry->logged_inconsistent, &value)) {
        pw_fold_log(entry->fold, now_ns, PW_LOG_ERROR, "contradictions", value - told,
                    "venue reports contradict our orders; compare positions, then `pinwheel ctl INSTANCE "
                    "resume`");
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

bool pw_order_entry_poll(struct pw_order_entry *entry, int64_t now_ns)
{
    log_venue_errors(entry);
    log_readiness(entry);
    log_waiting(entry, now_ns);
    log_rejections(entry, now_ns);
    if (entry->tells_engine) {
        log_orders(entry, now_ns);
    }
    return wants_reconnect(entry);
}

int64_t pw_order_entry_paused_until_ns(const struct pw_order_entry *entry)
{
    return (int64_t)atomic_load_explicit(entry->paused_until_ns, memory_order_relaxed);
}
