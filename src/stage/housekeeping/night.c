/* SPDX-License-Identifier: MIT
 *
 * What the log tells of a running engine, from its workspace.
 */
#include "night.h"
#include "accounts_config.h"
#include "enum_table.h"
#include "metrics_table.h"
#include "pw_assert.h"
#include "text.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <string.h>

/* How rows of denials begin. */
#define DENIED_NAME "denied_"
#define DENIED_HELP "denied: "

#define LOOK_NS (PW_NS_PER_S / 10)

/* Metrics of which each step is told, with the help of their row: of groups of that kind ("parse" is also
 * "parse.2"). "denied_": each that begins so. Those of venues: order entry tells of each kind, with the
 * venue's code and text (order_entry.c). */
static const struct {
    const char *group, *name;
    enum pw_log_level level;
    bool is_of_venue;
} told_metrics[] = {
    {"execution", DENIED_NAME, PW_LOG_WARN},
    {"execution", "rejected", PW_LOG_WARN, .is_of_venue = true},
    {"execution", "expired_by_range", PW_LOG_WARN},
    {"execution", "reports_inconsistent", PW_LOG_ERROR, .is_of_venue = true},
    {"parse", "resyncs", PW_LOG_WARN},
    {"parse", "invalid_json", PW_LOG_WARN},
    {"parse", "invalid_field", PW_LOG_WARN},
    {"parse", "invalid_number", PW_LOG_WARN},
    {"parse", "invalid_sequence", PW_LOG_WARN},
    {"parse", "too_large", PW_LOG_WARN},
    {"parse", "error_replies", PW_LOG_WARN},
    {"parse", "shutdowns", PW_LOG_INFO},
    {"parse", "frames_dropped", PW_LOG_WARN},
    {"parse", "journal_dropped", PW_LOG_WARN},
    {"strategy", "journal_dropped", PW_LOG_WARN},
    {"strategy", "intents_dropped", PW_LOG_WARN},
    {"strategy", "books_crossed", PW_LOG_WARN},
    {"strategy", "book_overflow", PW_LOG_WARN},
    {"net_rx", "invalid_frames", PW_LOG_WARN},
    {"net_tx", "dropped", PW_LOG_WARN},
    {"net_tx", "dropped_halted", PW_LOG_WARN},
    {"gateway", "request_timeouts", PW_LOG_WARN},
    {"gateway", "rate_limited", PW_LOG_WARN},
    {"gateway", "venue_overloaded", PW_LOG_WARN},
    {"gateway", "messages_invalid", PW_LOG_WARN},
    {"gateway", "orders_external", PW_LOG_INFO},
    {"gateway", "journal_dropped", PW_LOG_WARN},
    {"journal", "dropped", PW_LOG_ERROR},
    {"journal", "orders_unmatched", PW_LOG_WARN},
};

static bool is_of_kind(const char *group, const char *kind)
{
    size_t bytes = strlen(kind);
    return strncmp(group, kind, bytes) == 0 && (group[bytes] == '\0' || group[bytes] == '.');
}

/* Has each account a connection to a venue? */
static bool has_order_entry(const struct pw_night *night)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < night->conns->cnt; i++) {
        cnt += night->conns->rows[i].role == PW_CONN_ROLE_ORDERS;
    }
    return cnt >= pw_config_account_cnt(night->env->config);
}

/* is_told: order entry tells of the metrics of venues. */
static void watch(struct pw_night *night, const struct pw_metric_row *row, bool is_told)
{
    for (size_t i = 0; i < sizeof told_metrics / sizeof *told_metrics; i++) {
        size_t bytes = strlen(told_metrics[i].name);
        bool is_prefix = told_metrics[i].name[bytes - 1] == '_';
        if (is_of_kind(row->group, told_metrics[i].group) &&
            (is_prefix ? strncmp(row->name, told_metrics[i].name, bytes) == 0
                       : strcmp(row->name, told_metrics[i].name) == 0) &&
            !(told_metrics[i].is_of_venue && is_told) && night->watch_cnt < PW_NIGHT_WATCHES) {
            night->watches[night->watch_cnt++] =
                (struct pw_night_watch){.row = row, .level = told_metrics[i].level};
        }
    }
}

int pw_night_init(struct pw_night *night, const struct pw_stage_env *env, const struct pw_conns *conns)
{
    memset(night, 0, sizeof *night);
    night->env = env;
    night->conns = conns;
    night->views = pw_workspace_rows(env->ws, "feeds", PW_REGION_FEEDS);
    night->positions = pw_workspace_rows(env->ws, "positions", PW_REGION_POSITIONS);
    const struct pw_region *metrics = pw_workspace_find(env->ws, "metrics", PW_REGION_METRICS);
    if (night->views == NULL || night->positions == NULL || metrics == NULL) {
        return -ENOENT;
    }
    bool is_told = has_order_entry(night);
    for (uint32_t i = 0; i < metrics->row_cnt; i++) {
        watch(night, pw_region_at(env->ws, metrics, i), is_told);
    }
    for (uint32_t i = 0; i < conns->cnt; i++) {
        night->of_conns[i].state = PW_FEED_UP; /* what it is first is no change to be told of */
        if (conns->rows[i].role == PW_CONN_ROLE_MARKET) {
            night->of_conns[i].max_age_ns = pw_config_max_age_ns(env->config, conns->rows[i].owner_idx);
        }
    }
    return 0;
}

/* ---- metrics ---- */

static void tell_metric(struct pw_night *night, struct pw_night_watch *watch, int64_t now_ns)
{
    uint64_t value = atomic_load_explicit(&watch->row->value, memory_order_relaxed);
    char key[PW_FOLD_KEY_BYTES];
    if (value <= watch->told) {
        return;
    }
    const struct pw_metric_row *row = watch->row;
    bool denied = strncmp(row->name, DENIED_NAME, strlen(DENIED_NAME)) == 0;
    snprintf(key, sizeof key, "metric %s.%s", row->group, row->name);
    if (denied) {
        bool said = strncmp(row->help, DENIED_HELP, strlen(DENIED_HELP)) == 0;
        pw_fold_log(&night->fold, now_ns, watch->level, key, value - watch->told, "order denied: %s (%s)",
                    row->name + strlen(DENIED_NAME), row->help + (said ? strlen(DENIED_HELP) : 0));
    } else {
        pw_fold_log(&night->fold, now_ns, watch->level, key, value - watch->told, "%s (%s.%s)", row->help,
                    row->group, row->name);
    }
    watch->told = value;
}

/* ---- connections ---- */

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* A feed without data, and what came of it; `was`: as last seen. The connector says why one was lost, once.
 */
static void tell_state(struct pw_night *night, uint32_t i, uint64_t state, int64_t now_ns)
{
    struct pw_night_conn *conn = &night->of_conns[i];
    const char *name = night->views[i].name;
    char key[PW_FOLD_KEY_BYTES];
    if (state == PW_FEED_STALE && conn->state == PW_FEED_UP) {
        int64_t last_ns = atomic_load_explicit(&night->views[i].last_recv_ns, memory_order_relaxed);
        conn->not_up_ns = last_ns > 0 && last_ns < now_ns ? last_ns : now_ns;
        snprintf(key, sizeof key, "stale %s", name);
        pw_fold_log(&night->fold, now_ns, PW_LOG_WARN, key, 1,
                    "%s: stale: no data for longer than stale_after_ms", name);
    } else if (state == PW_FEED_UP && conn->not_up_ns != 0) {
        snprintf(key, sizeof key, "back %s", name);
        pw_fold_log(&night->fold, now_ns, PW_LOG_INFO, key, 1, "%s: up again after %.1f s", name,
                    seconds(now_ns - conn->not_up_ns));
    }
    conn->state = state;
    conn->not_up_ns = state == PW_FEED_UP ? 0 : conn->not_up_ns;
}

/* Whether it has come to pass what the account accepts, or is back within it, since that was told. */
static bool has_passed(const struct pw_night_conn *conn, int64_t age_ns, bool *told)
{
    bool over = conn->max_age_ns != 0 && age_ns >= conn->max_age_ns, changed = over != *told;
    *told = over;
    return changed;
}

static void tell_age(struct pw_night *night, const char *feed, bool over, const char *words, int64_t now_ns)
{
    char key[PW_FOLD_KEY_BYTES];
    snprintf(key, sizeof key, "age %d %.3s %s", over, words, feed);
    pw_fold_log(&night->fold, now_ns, over ? PW_LOG_WARN : PW_LOG_INFO, key, 1, "%s: %s", feed, words);
}

/* Data that is older than its account accepts: now and then, or all of it. */
static void tell_ages(struct pw_night *night, uint32_t i, int64_t now_ns)
{
    struct pw_night_conn *conn = &night->of_conns[i];
    const struct pw_feed_view *view = &night->views[i];
    int64_t lag_ns = atomic_load_explicit(&view->lag_ns, memory_order_relaxed);
    int64_t delay_ns = atomic_load_explicit(&view->delay_ns, memory_order_relaxed);
    char words[192];
    if (has_passed(conn, lag_ns, &conn->told_late)) {
        snprintf(words, sizeof words, "data comes late, by up to %.1f s: orders on it are denied (stale)",
                 seconds(lag_ns));
        tell_age(night, view->name, conn->told_late, conn->told_late ? words : "data is in time again",
                 now_ns);
    }
    if (has_passed(conn, delay_ns, &conn->told_delayed)) {
        snprintf(words, sizeof words,
                 "by the venue's times all data is %.1f s old when it comes (max_tick_age_ms: %.0f); if this "
                 "host's clock is right, orders on it are denied (stale)",
                 seconds(delay_ns), seconds(conn->max_age_ns) * 1e3);
        tell_age(night, view->name, conn->told_delayed,
                 conn->told_delayed ? words : "by the venue's times data is new again", now_ns);
    }
}

static void tell_conn(struct pw_night *night, uint32_t i, int64_t now_ns)
{
    struct pw_night_conn *conn = &night->of_conns[i];
    const struct pw_feed_view *view = &night->views[i];
    uint64_t lost = atomic_load_explicit(&view->disconnect_cnt, memory_order_relaxed);
    uint64_t gaps = atomic_load_explicit(&view->gap_cnt, memory_order_relaxed);
    char key[PW_FOLD_KEY_BYTES];
    if (lost > conn->told_lost) {
        snprintf(key, sizeof key, "lost %s", view->name);
        pw_fold_log(&night->fold, now_ns, PW_LOG_WARN, key, lost - conn->told_lost,
                    "%s: connection lost; reconnecting", view->name);
        conn->not_up_ns = conn->not_up_ns != 0 ? conn->not_up_ns : now_ns;
        conn->told_lost = lost;
    }
    tell_state(night, i, atomic_load_explicit(&view->state, memory_order_relaxed), now_ns);
    tell_ages(night, i, now_ns);
    if (gaps > conn->told_gaps) {
        snprintf(key, sizeof key, "gap %s", view->name);
        pw_fold_log(&night->fold, now_ns, PW_LOG_WARN, key, gaps - conn->told_gaps,
                    "%s: gap: market data is missing", view->name);
        conn->told_gaps = gaps;
    }
}

/* ---- fills and halts ---- */

static void put_money(struct pw_text *text, const uint64_t words[2])
{
    pw_text_put_e16(text, pw_e16_from_words(words));
}

static void tell_fills(struct pw_night *night, uint32_t i, int64_t now_ns)
{
    struct pw_position position;
    const struct pw_position_view *view = &night->positions[i];
    char key[PW_FOLD_KEY_BYTES], name[PW_INSTRUMENT_NAME_BYTES], words[256];
    if (!pw_cell_read(&view->cell, view->words, &position, sizeof position) ||
        position.buy_cnt + position.sell_cnt <= night->told_fills[i]) {
        return;
    }
    uint64_t fills = position.buy_cnt + position.sell_cnt;
    struct pw_text text = pw_text_start(words, sizeof words);
    pw_instrument_name(night->env->instruments, night->env->instrument_cnt, i, name);
    pw_text_put(&text, "fill: %s, position ", name);
    pw_text_put_qty(&text, &night->env->instruments[i], position.qty_e8);
    pw_text_put(&text, ", P&L ");
    put_money(&text, position.realized_e16);
    pw_text_put(&text, ", fees ");
    put_money(&text, position.fees_e16);
    snprintf(key, sizeof key, "fill %s", name);
    pw_fold_log(&night->fold, now_ns, PW_LOG_INFO, key, fills - night->told_fills[i], "%s", words);
    night->told_fills[i] = fills;
}

/* At the end of an engine accounts are halted, too; that is none. */
static void tell_halt(struct pw_night *night, uint32_t i)
{
    struct pw_account account;
    bool several = pw_config_account_cnt(night->env->config) > 1;
    if (night->is_ending || !pw_account_at(night->env->ws, i, &account) ||
        account.halted == night->told_halts[i]) {
        return;
    }
    night->told_halts[i] = account.halted;
    const char *whose = several ? " of account " : "";
    const char *name = several ? pw_config_account(night->env->config, i).name : "";
    if (account.halted != 0) {
        pw_log(PW_LOG_WARN, "trading%s%s halted (%s): new orders are denied, open ones canceled", whose, name,
               pw_halt_name(account.halted));
    } else {
        pw_log(PW_LOG_INFO, "trading%s%s resumed", whose, name);
    }
}

/* ---- life ---- */

static void look(struct pw_night *night, int64_t now_ns)
{
    for (uint32_t i = 0; i < night->conns->cnt && !night->is_ending; i++) {
        tell_conn(night, i, now_ns);
    }
    for (uint32_t i = 0; i < night->watch_cnt; i++) {
        if (!night->is_ending || strcmp(night->watches[i].row->name, "resyncs") != 0) {
            tell_metric(night, &night->watches[i], now_ns);
        }
    }
    for (uint32_t i = 0; i < night->env->instrument_cnt; i++) {
        tell_fills(night, i, now_ns);
    }
    for (uint32_t i = 0; i < pw_config_account_cnt(night->env->config); i++) {
        tell_halt(night, i);
    }
}

void pw_night_poll(struct pw_night *night, int64_t now_ns)
{
    if (now_ns >= night->next_ns) {
        night->next_ns = now_ns + LOOK_NS;
        look(night, now_ns);
        pw_fold_poll(&night->fold, now_ns);
    }
}

void pw_night_stop(struct pw_night *night)
{
    night->is_ending = true;
}

void pw_night_end(struct pw_night *night, int64_t now_ns)
{
    if (night->env != NULL) {
        look(night, now_ns);
        pw_fold_end(&night->fold, now_ns);
        night->env = NULL;
    }
}

/* ---- the run in one line ---- */

static uint64_t metric_sum(const struct pw_workspace *ws, const char *kind, const char *name)
{
    const struct pw_region *metrics = pw_workspace_find(ws, "metrics", PW_REGION_METRICS);
    uint64_t sum = 0;
    for (uint32_t i = 0; metrics != NULL && i < metrics->row_cnt; i++) {
        const struct pw_metric_row *row = pw_region_at(ws, metrics, i);
        bool is_it = is_of_kind(row->group, kind) && strcmp(row->name, name) == 0;
        sum += is_it ? atomic_load_explicit(&row->value, memory_order_relaxed) : 0;
    }
    return sum;
}

/* " (cash 1, max_notional 11)" */
static void put_denials(const struct pw_workspace *ws, struct pw_text *text)
{
    const char *before = " (";
    for (uint32_t i = 0; i < pw_enum_reason.cnt; i++) {
        char name[64];
        snprintf(name, sizeof name, DENIED_NAME "%s", pw_reason_name(i));
        uint64_t cnt = pw_reason_kind(i) == PW_REASON_KIND_DENIED ? metric_sum(ws, "execution", name) : 0;
        if (cnt != 0) {
            pw_text_put(text, "%s%s %" PRIu64, before, pw_reason_name(i), cnt);
            before = ", ";
        }
    }
    pw_text_put(text, "%s", before[0] == ',' ? ")" : "");
}

static bool position_at(const struct pw_workspace *ws, uint32_t i, struct pw_position *position)
{
    const struct pw_position_view *views = pw_workspace_rows(ws, "positions", PW_REGION_POSITIONS);
    return views != NULL && pw_cell_read(&views[i].cell, views[i].words, position, sizeof *position);
}

/* Of all instruments with the quote currency of that one, unless an earlier one has it, too. */
static void put_currency(const struct pw_workspace *ws, const struct pw_instrument *instruments,
                         uint32_t instrument_cnt, uint32_t first, struct pw_text *text)
{
    pw_i128 pnl_e16 = 0, fees_e16 = 0;
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        struct pw_position position;
        if (strcmp(instruments[i].quote, instruments[first].quote) != 0) {
            continue;
        }
        if (i < first) {
            return;
        }
        if (position_at(ws, i, &position)) {
            pnl_e16 += pw_e16_from_words(position.realized_e16) + pw_e16_from_words(position.unrealized_e16);
            fees_e16 += pw_e16_from_words(position.fees_e16);
        }
    }
    pw_text_put(text, ", P&L ");
    pw_text_put_e16(text, pnl_e16);
    pw_text_put(text, " %s, fees ", instruments[first].quote);
    pw_text_put_e16(text, fees_e16);
    pw_text_put(text, " %s", instruments[first].quote);
}

static void put_positions(const struct pw_workspace *ws, const struct pw_instrument *instruments,
                          uint32_t instrument_cnt, struct pw_text *text)
{
    const char *before = ", open positions: ";
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        struct pw_position position;
        char name[PW_INSTRUMENT_NAME_BYTES];
        if (position_at(ws, i, &position) && position.qty_e8 != 0) {
            pw_text_put(text, "%s%s ", before, pw_instrument_name(instruments, instrument_cnt, i, name));
            pw_text_put_qty(text, &instruments[i], position.qty_e8);
            before = ", ";
        }
    }
    pw_text_put(text, "%s", before[2] == 'o' ? ", no open position" : "");
}

uint64_t pw_night_gaps(const struct pw_workspace *ws)
{
    return metric_sum(ws, "parse", "gaps");
}

const char *pw_night_summary(const struct pw_workspace *ws, const struct pw_instrument *instruments,
                             uint32_t instrument_cnt, uint64_t gap_cnt, char text[PW_NIGHT_SUMMARY_BYTES])
{
    struct pw_text words = pw_text_start(text, PW_NIGHT_SUMMARY_BYTES);
    struct pw_account account;
    pw_account_sum(ws, &account);
    pw_text_put(&words, "orders %" PRIu64 ", fills %" PRIu64 ", denied %" PRIu64, account.order_cnt,
                account.fill_cnt, account.denied_cnt);
    put_denials(ws, &words);
    pw_text_put(&words, ", rejected %" PRIu64 ", open orders %" PRIu64 ", gaps %" PRIu64,
                account.rejected_cnt, account.open_order_cnt, gap_cnt);
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        put_currency(ws, instruments, instrument_cnt, i, &words);
    }
    put_positions(ws, instruments, instrument_cnt, &words);
    return text;
}
