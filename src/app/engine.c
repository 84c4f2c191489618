/* SPDX-License-Identifier: MIT
 *
 * Start, wait and stop of one engine, on the main thread.
 */
#include "engine.h"
#include "accounts_config.h"
#include "ban.h"
#include "cli.h"
#include "confine.h"
#include "control.h"
#include "cores.h"
#include "cpu.h"
#include "dead.h"
#include "decimal.h"
#include "durable.h"
#include "feeds.h"
#include "fold.h"
#include "host_check.h"
#include "instance.h"
#include "instruments.h"
#include "journal_config.h"
#include "live_topology.h"
#include "net_config.h"
#include "night.h"
#include "pw_assert.h"
#include "risk_config.h"
#include "sections.h"
#include "stages.h"
#include "version.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_NS (10 * PW_NS_PER_S) /* a clean stop waits so long for the disk and the venue */
#define WATCH_NS 50000000           /* between two looks at the stages' health */

/* ---- Distinct errors, kept in the workspace ---- */

/* One row for each distinct text, counted when it comes again. A full table keeps the first ones. The log
 * calls one at a time, so the rows have one writer. */
static void keep_error(void *state, enum pw_log_level level, const char *line, uint64_t times)
{
    struct pw_engine *engine = state;
    char text[sizeof((struct pw_error_row *)0)->text];
    if (level > PW_LOG_WARN) {
        return;
    }
    snprintf(text, sizeof text, "%.*s", (int)(pw_fold_mark(line) - line), line); /* folded: the same again */
    int64_t now_ns = pw_clock_now_ns(&engine->clock);
    struct pw_error_row *rows = pw_workspace_rows(&engine->ws, "errors", PW_REGION_ERRORS);
    for (uint32_t i = 0; i < PW_ERRORS_MAX; i++) {
        bool is_free = atomic_load_explicit(&rows[i].count, memory_order_relaxed) == 0;
        if (is_free) {
            snprintf(rows[i].text, sizeof rows[i].text, "%s", text);
            atomic_store_explicit(&rows[i].first_ns, now_ns, memory_order_relaxed);
        }
        if (is_free || strncmp(rows[i].text, text, sizeof rows[i].text - 1) == 0) {
            uint64_t count = atomic_load_explicit(&rows[i].count, memory_order_relaxed);
            atomic_store_explicit(&rows[i].last_ns, now_ns, memory_order_relaxed);
            /* Release: the text is whole before the row counts. Pairs with the acquire of a monitor. */
            atomic_store_explicit(&rows[i].count, count + times, memory_order_release);
            break;
        }
    }
}

/* ---- Start ---- */

/* Says what is at stake, if it is money: a line an account. */
static void log_money(const struct pw_config *config)
{
    char cash[PW_DECIMAL_TEXT_BYTES], order[PW_DECIMAL_TEXT_BYTES], position[PW_DECIMAL_TEXT_BYTES];
    pw_decimal_print_e8(PW_CONFIG(config, risk)->max_order_notional_e8, order);
    pw_decimal_print_e8(PW_CONFIG(config, risk)->max_position_e8, position);
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        struct pw_account_setup account = pw_config_account(config, i);
        if (account.traits->moves_money) {
            pw_decimal_print_e8(account.live->cash_e8, cash);
            pw_log(PW_LOG_WARN, "LIVE: real money at %s; cash %s, max order %s, max position %s",
                   account.live->conn.ws_url, cash, order, position);
        } else if (account.traits->connects) {
            pw_log(PW_LOG_INFO, "%s: orders are validated at %s, none is placed", account.kind,
                   account.live->conn.ws_url);
        }
    }
}

/* How old the data behind an order is cannot be known of every feed (docs/live.md). */
static void log_untimed_feeds(const struct pw_config *config)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        uint32_t account_idx = pw_config_account_of_feed(config, i);
        if (account_idx < pw_config_account_cnt(config) &&
            pw_config_account(config, account_idx).traits->connects &&
            !pw_feed_tells_time(&feeds->feeds[i])) {
            pw_log(PW_LOG_WARN,
                   "feed '%s': none of its streams has the venue's time: data that was delayed on the way is "
                   "not recognized as old; add a stream such as trade",
                   feeds->feeds[i].name);
        }
    }
}

/* Real money is not risked by one file alone, nor by one word alone. */
static bool is_said_twice(const struct pw_config *config, bool live)
{
    if (pw_config_moves_money(config) == live) {
        return true;
    }
    if (live) {
        pw_cli_error("%s: --live needs `gateway: live`, but the config has `gateway: %s`; change one of them",
                     config->path, pw_config_account(config, 0).kind);
    } else {
        pw_cli_error("%s: `gateway: live` trades with real money; confirm with: pinwheel run --live %s",
                     config->path, config->path);
    }
    return false;
}

/* The text of the config, for the journal, while it is what was loaded and may be read. NULL with errno. */
static char *read_config_text(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    if (file == NULL) {
        return NULL;
    }
    ssize_t size = getdelim(&text, &(size_t){0}, EOF, file);
    fclose(file);
    *bytes = size > 0 ? (size_t)size : 0;
    return text;
}

static int load_config(struct pw_engine *engine, const char *path, char *error, size_t error_bytes)
{
    engine->config = pw_app_config_create();
    if (engine->config == NULL) {
        snprintf(error, error_bytes, "%s: no memory for the config", path);
        return -ENOMEM;
    }
    int err = pw_app_config_load(engine->config, path, NULL, error, error_bytes);
    if (err != 0) {
        return err;
    }
    engine->config_text = read_config_text(path, &engine->config_bytes);
    if (engine->config_text == NULL) {
        err = errno != 0 ? -errno : -EIO;
        snprintf(error, error_bytes, "%s: %s", path, strerror(-err));
    }
    return err;
}

enum pw_engine_result pw_engine_configure(struct pw_engine *engine, const char *path, bool live)
{
    char error[8192], note[PW_CPU_TEXT_BYTES];
    int err = load_config(engine, path, error, sizeof error);
    if (err == 0) {
        err = pw_cpu_place(PW_CONFIG_EDIT(engine->config, cores), note, error, sizeof error);
    }
    if (err == 0 && !is_said_twice(engine->config, live)) {
        return PW_ENGINE_BAD_CONFIG;
    }
    if (err == 0) {
        err = pw_host_check(engine->config, error, sizeof error);
    }
    if (err == 0) {
        err = pw_keys_load(&engine->key_files, engine->config, error, sizeof error);
        engine->has_keys = err == 0;
    }
    if (err != 0) {
        pw_cli_error_lines(error);
        return PW_ENGINE_BAD_CONFIG;
    }
    char *rest = note;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (*line != '\0') {
            pw_log(PW_LOG_INFO, "%s", line);
        }
    }
    return PW_ENGINE_OK;
}

/* The gateway of each account, in their order; and, if there are several, a line with their names. */
static void list_accounts(const struct pw_config *config, char *accounts, char *gateways, size_t bytes)
{
    uint32_t cnt = pw_config_account_cnt(config);
    for (uint32_t i = 0; i < cnt; i++) {
        struct pw_account_setup account = pw_config_account(config, i);
        size_t names = strlen(accounts), kinds = strlen(gateways);
        snprintf(gateways + kinds, bytes - kinds, "%s%s", i ? " " : "", account.kind);
        if (cnt > 1) {
            snprintf(accounts + names, bytes - names, "%s%s%s", i ? " " : "accounts: ", account.name,
                     i + 1 == cnt ? "\n" : "");
        }
    }
}

/* What readers can show before any stage runs. */
static void fill_workspace(struct pw_engine *engine)
{
    const struct pw_config_journal *journal = PW_CONFIG(engine->config, journal);
    pw_topology_put_metrics(&engine->topology, pw_workspace_rows(&engine->ws, "metrics", PW_REGION_METRICS));
    engine->feed_views = pw_workspace_rows(&engine->ws, "feeds", PW_REGION_FEEDS);
    for (uint32_t i = 0; i < engine->conns.cnt; i++) {
        struct pw_feed_view *feed = &engine->feed_views[i];
        snprintf(feed->name, sizeof feed->name, "%s", engine->conns.rows[i].config->name);
    }
    struct pw_stage_view *stages = pw_workspace_rows(&engine->ws, "stages", PW_REGION_STAGES);
    for (uint32_t i = 0; i < engine->topology.stage_cnt; i++) {
        snprintf(stages[i].name, sizeof stages[i].name, "%s", engine->topology.stages[i].name);
    }
    char accounts[512] = "", gateways[512] = "";
    list_accounts(engine->config, accounts, gateways, sizeof accounts);
    snprintf(pw_workspace_rows(&engine->ws, "info", PW_REGION_INFO), 4096,
             "version: %s\nconfig: %s\nmemory: %s\ngateway: %s\njournal: %s\n%s", PW_VERSION,
             engine->config->path, engine->ws.note, gateways, journal->enabled ? journal->path : "off",
             accounts);
}

static bool should_end(void *state)
{
    const struct pw_engine *engine = state;
    return pw_desk_should_end(&engine->desk);
}

static int open_workspace(struct pw_engine *engine)
{
    const struct pw_config_instance *instance = PW_CONFIG(engine->config, instance);
    struct pw_region_want *want = calloc(PW_REGIONS_MAX, sizeof *want);
    if (want == NULL) {
        return -ENOMEM;
    }
    char error[512];
    pw_config_conns(engine->config, &engine->conns);
    pw_live_topology(&engine->topology, engine->config);
    uint32_t cnt = pw_live_regions(&engine->topology, engine->config, want);
    int err = pw_workspace_create_unless(&engine->ws, instance->name, want, cnt, instance->huge_pages,
                                         &(struct pw_give_up){should_end, engine}, error, sizeof error);
    free(want);
    if (err == -ECANCELED) {
        return err;
    }
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "workspace: %s", error);
        return err;
    }
    pw_log(PW_LOG_INFO, "workspace %s: %s", engine->ws.path, engine->ws.note);
    fill_workspace(engine);
    pw_desk_attach(&engine->desk, &engine->ws, &engine->conns);
    atomic_store_explicit(&engine->ws.header->heartbeat_ns, pw_clock_now_ns(&engine->clock),
                          memory_order_relaxed);
    pw_workspace_publish(&engine->ws);
    pw_log_set_sink(keep_error, engine);
    return 0;
}

static int open_journal(struct pw_engine *engine)
{
    const struct pw_config_journal *journal = PW_CONFIG(engine->config, journal);
    if (!journal->enabled) {
        engine->run_id = (uint64_t)(pw_clock_now_ns(&engine->clock) / PW_NS_PER_S);
        return 0;
    }
    char error[512];
    struct pw_run_want want = {
        .path = journal->path,
        .instance = PW_CONFIG(engine->config, instance)->name,
        .version = PW_VERSION,
        .instruments = pw_workspace_rows(&engine->ws, "instruments", PW_REGION_INSTRUMENTS),
        .instrument_cnt = pw_feeds_instrument_cnt(PW_CONFIG(engine->config, feeds)),
        .segment_bytes = journal->segment_bytes,
        .now_ns = pw_clock_now_ns(&engine->clock),
        .config_text = engine->config_text,
        .config_bytes = engine->config_bytes,
    };
    int err = pw_journal_open_run(&want, &engine->store, &engine->run_id, error, sizeof error);
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "journal: %s", error);
        return err;
    }
    engine->store_open = true;
    return 0;
}

static int init_stage(struct pw_engine *engine, uint32_t idx)
{
    pw_assert(idx < engine->topology.stage_cnt && idx == engine->initialised_cnt);
    const struct pw_topology_stage *stage = &engine->topology.stages[idx];
    const struct pw_stage_ops *ops = stage->ops;
    struct pw_stage_env *env = &engine->envs[idx];
    struct pw_stage_slot *slot = &engine->slots[idx];
    struct pw_stage_view *views = pw_workspace_rows(&engine->ws, "stages", PW_REGION_STAGES);
    *env = (struct pw_stage_env){
        .stage = stage->name,
        .topology = &engine->topology,
        .stage_idx = idx,
        .config = engine->config,
        .ws = &engine->ws,
        .clock = engine->clock,
        .instruments = pw_workspace_rows(&engine->ws, "instruments", PW_REGION_INSTRUMENTS),
        .instrument_cnt = pw_feeds_instrument_cnt(PW_CONFIG(engine->config, feeds)),
        .attachment = pw_live_attachment(&engine->attachments, stage),
    };
    bool locked;
    engine->state_bytes[idx] = ops->state_bytes(env);
    void *state = pw_state_alloc(engine->state_bytes[idx], &locked);
    if (state == NULL) {
        pw_log(PW_LOG_ERROR, "stage %s: no memory for its %zu bytes", stage->name, engine->state_bytes[idx]);
        return -ENOMEM;
    }
    *slot = (struct pw_stage_slot){.name = stage->name, .ops = ops, .state = state, .view = &views[idx]};
    int err = ops->init(state, env);
    if (err != 0) {
        return err;
    }
    if (!locked) {
        engine->unlocked_cnt++;
    }
    engine->initialised_cnt = idx + 1;
    return 0;
}

/* What was opened, to those who use it. */
static void fill_attachments(struct pw_engine *engine)
{
    engine->attachments = (struct pw_live_attachments){
        .execution = {.run_id = engine->run_id,
                      .keys = engine->has_keys ? engine->key_files.keys : NULL,
                      .banned_until_ns = engine->banned_until_ns,
                      .halts = engine->halts,
                      .venue_errors = engine->venue_errors},
        .journal = {.store = engine->store_open ? &engine->store : NULL,
                    .run_id = engine->run_id,
                    .threaded = true},
        .housekeeping = {.nets = engine->nets,
                         .banned_until_ns = engine->banned_until_ns,
                         .command = &engine->desk.command,
                         .venue_errors = engine->venue_errors},
    };
    pw_desk_halts(&engine->desk, engine->halts);
    for (uint32_t i = 0; i < PW_LINES_MAX; i++) {
        engine->attachments.net[i].net = engine->nets[i];
    }
}

static int start_stages(struct pw_engine *engine)
{
    int err = 0;
    fill_attachments(engine);
    for (uint32_t i = 0; err == 0 && i < engine->topology.stage_cnt; i++) {
        err = pw_desk_should_end(&engine->desk) ? -ECANCELED : init_stage(engine, i);
    }
    if (engine->unlocked_cnt > 0) {
        pw_log(PW_LOG_INFO, "memory of %u of %u stages not locked (ulimit -l): page faults may delay them",
               engine->unlocked_cnt, engine->topology.stage_cnt);
    }
    err = err == 0 && !pw_desk_commit(&engine->desk) ? -ECANCELED : err;
    if (err != 0) {
        return err;
    }
    err = pw_runner_start(&engine->runner, PW_CONFIG(engine->config, cores), engine->slots,
                          engine->topology.stage_cnt, &engine->clock);
    if (err != 0) {
        engine->initialised_cnt = 0; /* the runner has called every fini */
        engine->threads_stuck = err == -EDEADLK;
    }
    return err;
}

/* Of earlier runs; those that hold are shown. */
static void read_bans(struct pw_engine *engine)
{
    pw_bans_read(pw_journal_folder(engine->config), &engine->conns, pw_clock_now_ns(&engine->clock),
                 engine->banned_until_ns);
    for (uint32_t i = 0; i < engine->conns.cnt; i++) {
        int64_t until_ns = engine->banned_until_ns[engine->conns.rows[i].host_idx];
        atomic_store_explicit(&engine->feed_views[i].banned_until_ns, until_ns, memory_order_relaxed);
    }
}

static bool open_nets(struct pw_engine *engine)
{
    char error[512];
    for (uint32_t i = 0; i < pw_feeds_line_cnt(PW_CONFIG(engine->config, feeds)); i++) {
        struct pw_net_plan plan = {.conns = engine->conns,
                                   .line_idx = i,
                                   .kernel_stamps = PW_CONFIG(engine->config, net)->kernel_stamps};
        engine->nets[i] = pw_net_create(&plan, engine->clock, engine->random, error, sizeof error);
        if (engine->nets[i] == NULL) {
            pw_log(PW_LOG_ERROR, "network: %s", error);
            return false;
        }
    }
    return true;
}

/* What is kept is what a run needs for weeks: the journal, the workspace and the control socket to write, CA
 * files and the config to read. Folders that are made later would be in nobody's list, so they are made now.
 */
static void confine(struct pw_engine *engine)
{
    struct pw_confine_path paths[PW_CONNS_MAX + 6];
    char control[PATH_MAX], folder[PATH_MAX], dead[PATH_MAX];
    uint32_t cnt = 0;
    if (!PW_CONFIG(engine->config, instance)->sandbox) {
        pw_log(PW_LOG_WARN, "sandbox: off (sandbox: false in %s)", engine->config->path);
        return;
    }
    const char *journal = pw_journal_folder(engine->config);
    if (journal != NULL) {
        (void)pw_durable_folder(journal); /* if it fails the journal says why */
        paths[cnt++] = (struct pw_confine_path){journal, PW_CONFINE_KEEP};
    }
    if (pw_control_folder(control, sizeof control) == 0) {
        paths[cnt++] = (struct pw_confine_path){control, PW_CONFINE_KEEP};
    }
    snprintf(folder, sizeof folder, "%s", engine->ws.path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
        paths[cnt++] = (struct pw_confine_path){folder, PW_CONFINE_REMOVE};
    }
    if (pw_dead_is_kept(PW_CONFIG(engine->config, instance)->name, dead, sizeof dead)) {
        paths[cnt++] = (struct pw_confine_path){dead, PW_CONFINE_RENAME}; /* a failed start moves it back */
    }
    paths[cnt++] = (struct pw_confine_path){engine->ws.path, PW_CONFINE_WRITE};
    paths[cnt++] = (struct pw_confine_path){engine->config->path, PW_CONFINE_READ};
    for (uint32_t i = 0; i < engine->conns.cnt; i++) {
        paths[cnt++] = (struct pw_confine_path){engine->conns.rows[i].config->ca_file, PW_CONFINE_READ};
    }
    pw_confine(PW_CONFINE_ENGINE, paths, cnt, &(struct pw_confine_others){pw_desk_confine, &engine->desk});
}

static int open_desk(struct pw_engine *engine, const struct pw_engine_orders *orders)
{
    struct pw_desk_plan plan = {.config = engine->config,
                                .clock = engine->clock,
                                .duration_ns = orders->duration_ns,
                                .started_ns = orders->started_ns,
                                .resume = orders->resume,
                                .abandon_code = PW_ENGINE_CANNOT_START};
    return pw_desk_open(&engine->desk, &plan);
}

/* 0, -ECANCELED when the engine is to end, or another error, logged. */
static int start(struct pw_engine *engine, const struct pw_engine_orders *orders)
{
    engine->clock = pw_clock_host();
    engine->random = pw_random_host();
    int err = open_desk(engine, orders);
    if (err != 0) {
        return err;
    }
    pw_dead_keep(PW_CONFIG(engine->config, instance)->name);
    engine->is_starting = true;
    err = open_workspace(engine);
    if (err != 0) {
        return err;
    }
    read_bans(engine);
    err = open_nets(engine) ? 0 : -ENOMEM;
    if (err == 0) {
        confine(engine); /* before the first byte from outside */
    }
    err = err != 0 ? err
                   : pw_instruments_load(
                         engine, pw_workspace_rows(&engine->ws, "instruments", PW_REGION_INSTRUMENTS));
    err = err != 0 ? err : open_journal(engine);
    if (err != 0) {
        return err;
    }
    engine->ws.header->run_id = engine->run_id;
    return start_stages(engine);
}

enum pw_engine_result pw_engine_start(struct pw_engine *engine, const struct pw_engine_orders *orders)
{
    if (start(engine, orders) != 0) {
        if (engine->desk.has_thread && pw_desk_should_end(&engine->desk)) {
            pw_log(PW_LOG_INFO, "stopped during start-up");
        }
        return PW_ENGINE_CANNOT_START;
    }
    pw_desk_enter(&engine->desk, PW_ENGINE_RUNNING);
    if (PW_CONFIG(engine->config, instance)->sandbox) {
        pw_confine_rings();
    }
    pw_dead_forget(PW_CONFIG(engine->config, instance)->name);
    engine->is_starting = false;
    log_money(engine->config);
    log_untimed_feeds(engine->config);
    pw_log(PW_LOG_INFO, "engine '%s' started (run %" PRIu64 ", %u instruments, pinwheel %s)",
           PW_CONFIG(engine->config, instance)->name, engine->run_id,
           pw_feeds_instrument_cnt(PW_CONFIG(engine->config, feeds)), PW_VERSION);
    return PW_ENGINE_OK;
}

/* ---- Wait and stop ---- */

/* Did the journal go on to the end? It has logged what it lacks. */
static bool journal_is_whole(const struct pw_engine *engine)
{
    const struct pw_metric_row *stopped = pw_metrics_find(&engine->ws, "journal", "stopped");
    return !stopped || atomic_load_explicit(&stopped->value, memory_order_relaxed) == 0;
}

/* The run in one line, for whoever reads the log in the morning. */
static void log_end(const struct pw_engine *engine, uint64_t gap_cnt, bool clean)
{
    char text[PW_NIGHT_SUMMARY_BYTES];
    pw_log(clean ? PW_LOG_INFO : PW_LOG_WARN, "engine '%s' stopped%s: %s",
           PW_CONFIG(engine->config, instance)->name, clean ? "" : ", not cleanly",
           pw_night_summary(&engine->ws, pw_workspace_rows(&engine->ws, "instruments", PW_REGION_INSTRUMENTS),
                            pw_feeds_instrument_cnt(PW_CONFIG(engine->config, feeds)), gap_cnt, text));
}

/* Timers and heartbeats go by another clock; but the times in log and journal stay on the old one. */
static void log_clock_step(int64_t *seen_ns)
{
    int64_t by_ns;
    if (pw_clock_was_set(seen_ns, &by_ns)) {
        pw_log(PW_LOG_WARN,
               "the wall clock was set by %+.3f s: times in log and journal keep to the clock of the start",
               (double)by_ns / 1e9);
    }
}

enum pw_engine_result pw_engine_wait(struct pw_engine *engine)
{
    const char *failed = NULL;
    int64_t step_seen_ns = 0;
    while (failed == NULL && !pw_desk_wait(&engine->desk, WATCH_NS)) {
        failed = pw_runner_failed(engine->runner);
        log_clock_step(&step_seen_ns);
    }
    if (failed != NULL) {
        pw_log(PW_LOG_ERROR, "stage %s failed; stopping the engine", failed);
    }
    pw_desk_enter(&engine->desk, PW_ENGINE_STOPPING);
    uint64_t gap_cnt = pw_night_gaps(&engine->ws);
    int err = pw_runner_stop(engine->runner, DRAIN_NS);
    engine->threads_stuck = err == -EDEADLK;
    engine->initialised_cnt = 0;
    pw_desk_enter(&engine->desk, PW_ENGINE_STOPPED);
    bool whole = journal_is_whole(engine);
    log_end(engine, gap_cnt, err == 0 && whole);
    return err == 0 && failed == NULL && whole ? PW_ENGINE_OK : PW_ENGINE_FAILED;
}

/* Its stage ends the run in the journal; where that was never made, nothing of the run is missing. */
static void close_journal(struct pw_engine *engine, bool has_stage)
{
    if (!has_stage && engine->is_starting) {
        (void)engine->store.end(engine->store.state, pw_clock_now_ns(&engine->clock), 0, true);
    }
    engine->store.close(engine->store.state);
}

void pw_engine_close(struct pw_engine *engine)
{
    bool has_journal_stage = false;
    pw_log_set_sink(NULL, NULL);
    pw_desk_detach(&engine->desk);
    if (engine->threads_stuck) {
        pw_desk_close(&engine->desk);
        return; /* what they use stays until the process ends, which is next */
    }
    if (engine->runner != NULL) {
        pw_runner_destroy(engine->runner);
    }
    for (uint32_t i = engine->initialised_cnt; i-- > 0;) {
        has_journal_stage |= engine->slots[i].ops == &pw_journal_stage;
        if (engine->slots[i].ops->fini != NULL) {
            engine->slots[i].ops->fini(engine->slots[i].state);
        }
    }
    for (uint32_t i = 0; i < engine->topology.stage_cnt; i++) {
        if (engine->slots[i].state != NULL) {
            pw_state_free(engine->slots[i].state, engine->state_bytes[i]);
        }
    }
    if (engine->store_open) {
        close_journal(engine, has_journal_stage);
    }
    for (uint32_t i = 0; i < PW_LINES_MAX; i++) {
        pw_net_destroy(engine->nets[i]);
    }
    pw_keys_wipe(&engine->key_files);
    if (engine->ws.header != NULL) {
        atomic_store_explicit(&engine->ws.header->state, PW_ENGINE_STOPPED, memory_order_relaxed);
        const struct pw_config_instance *instance = PW_CONFIG(engine->config, instance);
        /* One that never ran is no evidence, and makes room for what is. */
        pw_workspace_close(&engine->ws,
                           !instance->keep_workspace ||
                               (engine->is_starting && pw_dead_is_kept(instance->name, NULL, 0)));
    }
    if (engine->is_starting) {
        pw_dead_restore(PW_CONFIG(engine->config, instance)->name);
    }
    pw_desk_close(&engine->desk); /* last: as long as its socket is there, so is the engine */
    pw_config_destroy(engine->config);
    engine->config = NULL;
    free(engine->config_text);
    engine->config_text = NULL;
}
