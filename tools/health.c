/* SPDX-License-Identifier: MIT
 *
 * pinwheel health: whether an engine is running and trading, for supervisors. Watches the engine's memory
 * from outside, so that an engine that hangs is judged as well as one that answers.
 */
#include "cli.h"
#include "host.h"
#include "metrics_table.h"
#include "watch.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define LOOK_EACH_MS 10
#define REASONS_MAX  64u
#define REASON_BYTES 128u

enum exit_code { HEALTH_NOT_RUNNING = 3, HEALTH_HANGS = 4, HEALTH_IN_BETWEEN = 5 };

struct options {
    const char *instance;
    bool json;
    int64_t patience_ns;
};

static const struct pw_cli_command g_command = {
    .verb = "health",
    .description =
        "Reports whether an engine is running and trading: its threads move, it is not halted, every "
        "connection is up, live order entry is ready, and the journal is writing. Prints what is wrong, one "
        "reason a line.\n"
        "No request is sent to the engine, so a hanging engine is reported, too.",
    .arguments = PW_CLI_VALUES(PW_WATCH_INSTANCE(struct options, instance)),
    .options = PW_CLI_VALUES(
        {.name = "json",
         .help = "print one JSON object: instance, state, healthy, and reasons with code and text",
         PW_CLI_FLAG(struct options, json)},
        {.name = "patience",
         .value = "MS",
         .help = "maximum age of a heartbeat",
         .initial = "1000",
         .min = 10,
         .max = 60000,
         .unit = PW_NS_PER_MS,
         PW_CLI_DURATION(struct options, patience_ns)}),
    .environment = PW_CLI_PAIRS(PW_WATCH_ENVIRONMENT),
    .exits = PW_CLI_EXITS(
        {PW_CLI_DONE, "healthy: running and trading"},
        {PW_CLI_FAILED,
         "not healthy, and no restart mends it: halted, a connection is down or stale, order entry is not "
         "ready, the journal is not writing, or the engine's memory cannot be read"},
        {PW_CLI_USAGE, "usage error, or several instances and none named"},
        {HEALTH_NOT_RUNNING, "no such engine, or it is not running: it stopped, crashed or was killed"},
        {HEALTH_HANGS, "it hangs: a thread gives no sign of life"},
        {HEALTH_IN_BETWEEN, "starting or stopping"}),
    .examples = PW_CLI_PAIRS({"pinwheel health demo; case $? in 3|4) systemctl restart pinwheel@demo;; esac",
                              "restart an engine that is dead or hangs, and no other"},
                             {"pinwheel health --json", "print the reasons for a script"}),
};

/* ---- what is wrong ---- */

struct reason {
    const char *code; /* stays the same; text may change */
    char text[REASON_BYTES];
};

struct findings {
    struct reason rows[REASONS_MAX];
    uint32_t cnt;
    int exit_code; /* of the gravest of them */
};

static void add(struct findings *findings, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(struct findings *findings, const char *code, const char *format, ...)
{
    if (findings->cnt < REASONS_MAX) {
        struct reason *reason = &findings->rows[findings->cnt++];
        va_list values;
        va_start(values, format);
        reason->code = code;
        vsnprintf(reason->text, sizeof reason->text, format, values);
        va_end(values);
    }
}

/* The heartbeats of the engine and of its stages, in a fixed order; how many there are. */
static uint32_t beats_read(const struct pw_workspace *ws, int64_t beats[REASONS_MAX],
                           const char *names[REASONS_MAX])
{
    uint32_t cnt = 0;
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_STAGES};
    const struct pw_stage_view *stage;
    names[cnt] = "engine";
    beats[cnt++] = pw_watch_get_ns(&ws->header->heartbeat_ns);
    while (cnt < REASONS_MAX && (stage = pw_watch_next(&rows)) != NULL) {
        names[cnt] = stage->name;
        beats[cnt++] = pw_watch_get_ns(&stage->heartbeat_ns);
    }
    return cnt;
}

/* A heartbeat is judged by whether it moves, not by its age: so a step of the wall clock is no fault. */
static void heartbeats_judge(const struct pw_workspace *ws, int64_t patience_ns, struct findings *findings)
{
    const char *names[REASONS_MAX];
    int64_t first[REASONS_MAX], now[REASONS_MAX];
    uint32_t cnt = beats_read(ws, first, names), still_cnt;
    int64_t until_ns = pw_clock_read_ns(CLOCK_MONOTONIC) + patience_ns;
    do {
        pw_watch_sleep_ms(LOOK_EACH_MS);
        beats_read(ws, now, names);
        still_cnt = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            still_cnt += now[i] == first[i];
        }
    } while (still_cnt > 0 && pw_clock_read_ns(CLOCK_MONOTONIC) < until_ns);
    for (uint32_t i = 0; i < cnt; i++) {
        if (now[i] == first[i]) {
            findings->exit_code = HEALTH_HANGS;
            add(findings, "no_heartbeat", "no heartbeat from %.31s for %lld ms", names[i],
                (long long)(patience_ns / PW_NS_PER_MS));
        }
    }
}

static void connections_judge(const struct pw_workspace *ws, struct findings *findings)
{
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_FEEDS};
    const struct pw_feed_view *feed;
    while ((feed = pw_watch_next(&rows)) != NULL) {
        uint64_t state = pw_watch_get(&feed->state);
        if (state != PW_FEED_UP) {
            add(findings, "connection_not_up", "connection %.31s is %s", feed->name,
                pw_feed_state_name(state));
        }
    }
}

/* Live, an engine is up before it may trade: keys checked, orders and positions compared with the venue's. */
static void order_entry_judge(const struct pw_workspace *ws, struct findings *findings)
{
    char gateway[16];
    for (uint32_t i = 0; pw_watch_word(ws, "gateway", i, gateway, sizeof gateway); i++) {
        char group[PW_METRIC_GROUP_BYTES], account[PW_STAGE_NAME_BYTES];
        bool named = pw_watch_word(ws, "accounts", i, account, sizeof account);
        const struct pw_metric_row *ready = pw_metrics_find(ws, pw_metrics_gateway_name(group, i), "ready");
        if (strcmp(gateway, "paper") != 0 && ready != NULL && pw_watch_get(&ready->value) == 0) {
            add(findings, "order_entry_not_ready", "order entry%s%s is not ready: no new orders",
                named ? " of account " : "", named ? account : "");
        }
        const struct pw_metric_row *paused = pw_metrics_find(ws, group, "paused_until_ns");
        int64_t left_ns =
            paused != NULL ? (int64_t)pw_watch_get(&paused->value) - pw_clock_read_ns(CLOCK_REALTIME) : 0;
        if (left_ns > 0) {
            add(findings, "rate_limited", "order entry%s%s: rate-limit ban, %lld s left",
                named ? " of account " : "", named ? account : "", (long long)(left_ns / 1000000000 + 1));
        }
    }
}

static void journal_judge(const struct pw_workspace *ws, struct findings *findings)
{
    const struct pw_metric_row *stopped = pw_metrics_find(ws, "journal", "stopped");
    uint64_t state = stopped != NULL ? pw_watch_get(&stopped->value) : 0;
    if (state != 0) {
        add(findings, "journal_stopped", "the journal is not writing: %s",
            state == 1 ? "the disk is full" : "a commit failed");
    }
}

/* A fault halts one account. */
static void accounts_judge(const struct pw_workspace *ws, struct findings *findings)
{
    struct pw_account account;
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        char name[PW_STAGE_NAME_BYTES];
        bool named = pw_watch_word(ws, "accounts", i, name, sizeof name);
        if (pw_account_at(ws, i, &account) && account.halted != 0) {
            add(findings, "halted", "trading%s%s is halted (%s): no new orders", named ? " of account " : "",
                named ? name : "", pw_halt_name(account.halted));
        }
    }
}

static void judge(const struct pw_workspace *ws, int64_t patience_ns, struct findings *findings)
{
    uint64_t state = pw_watch_state(ws);
    if (state == PW_ENGINE_HALTED) {
        add(findings, "halted", "trading is halted: no new orders");
    } else {
        accounts_judge(ws, findings);
    }
    if (state != PW_ENGINE_RUNNING && state != PW_ENGINE_HALTED) {
        add(findings, "not_running", "the engine is %s", pw_engine_state_name(state));
        findings->exit_code = HEALTH_IN_BETWEEN;
        return; /* its connections and threads come or go */
    }
    connections_judge(ws, findings);
    order_entry_judge(ws, findings);
    journal_judge(ws, findings);
    heartbeats_judge(ws, patience_ns, findings);
}

/* ---- output ---- */

static void json_print(const char *instance, const char *state, const struct findings *findings)
{
    struct pw_json_writer json = {.out = stdout};
    pw_json_put_open(&json, NULL, '{');
    pw_json_put_text(&json, "instance", instance);
    pw_json_put_text(&json, "state", state);
    pw_json_put_bool(&json, "healthy", findings->cnt == 0);
    pw_json_put_open(&json, "reasons", '[');
    for (uint32_t i = 0; i < findings->cnt; i++) {
        pw_json_put_open(&json, NULL, '{');
        pw_json_put_text(&json, "code", findings->rows[i].code);
        pw_json_put_text(&json, "text", findings->rows[i].text);
        pw_json_put_close(&json, '}');
    }
    pw_json_put_close(&json, ']');
    pw_json_put_close(&json, '}');
    putchar('\n');
}

static void text_print(const char *instance, const struct findings *findings)
{
    if (findings->cnt == 0) {
        printf("%s: healthy\n", instance);
    }
    for (uint32_t i = 0; i < findings->cnt; i++) {
        printf("%s: %s\n", instance, findings->rows[i].text);
    }
}

static void findings_print(const struct options *options, const char *instance, const char *state,
                           const struct findings *findings)
{
    if (options->json) {
        json_print(instance, state, findings);
    } else {
        text_print(instance, findings);
    }
}

/* There is no engine to look at, or one that cannot be looked at. */
static int unseen(const struct options *options, int result, const char *error, struct findings *findings)
{
    bool absent = result == -ENOENT || result == -EINVAL;
    add(findings, absent ? "absent" : "unreadable", "%s", error);
    if (!options->json) {
        pw_cli_error("%s", error);
    } else {
        json_print(options->instance, findings->rows[0].code, findings);
    }
    return absent ? HEALTH_NOT_RUNNING : PW_CLI_FAILED;
}

int main(int argc, char **argv)
{
    static struct findings findings;
    struct options options = {0};
    struct pw_workspace ws;
    char error[PW_WATCH_ERROR_BYTES];
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }
    int result = pw_watch_open(&ws, options.instance, error);
    if (result == -E2BIG) {
        return (int)pw_watch_attach(&ws, options.instance); /* lists them */
    }
    if (result != 0) {
        return unseen(&options, result, error, &findings);
    }
    bool alive = pw_workspace_alive(&ws);
    if (alive) {
        judge(&ws, options.patience_ns, &findings);
        alive = pw_workspace_alive(&ws); /* it may have died meanwhile */
    }
    if (!alive) {
        findings.cnt = 0;
        add(&findings, "dead", "the engine is not running: it stopped, crashed or was killed");
    }
    const char *state = alive ? pw_engine_state_name(pw_watch_state(&ws)) : "dead";
    findings_print(&options, ws.header->instance, state, &findings);
    pw_workspace_close(&ws, false);
    return !alive                    ? HEALTH_NOT_RUNNING
           : findings.exit_code != 0 ? findings.exit_code
           : findings.cnt == 0       ? PW_CLI_DONE
                                     : PW_CLI_FAILED;
}
