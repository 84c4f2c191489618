/* SPDX-License-Identifier: MIT
 *
 * Processes, folders and conditions for the whole-engine tests.
 */
#include "harness.h"
#include "json_exact.h"
#include "test_folder.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S 300 /* hosts are shared, and sanitizers are slow: cases/19-bench-tests-fail-under-load */

static const char *bin_dir(void)
{
    const char *dir = getenv("PINWHEEL_BIN");
    cr_assert_not_null(dir, "PINWHEEL_BIN must name the folder of the built programs");
    return dir;
}

const char *harness_shared(const char *name)
{
    static char path[HARNESS_PATH_BYTES];
    const char *shared = getenv("PINWHEEL_SHARED");
    snprintf(path, sizeof path, "%s/data/%s", shared ? shared : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

void harness_begin(struct harness *h, const char *name)
{
    memset(h, 0, sizeof *h);
    const char *tmp = getenv("TMPDIR");
    snprintf(h->dir, sizeof h->dir, "%s/pinwheel-%s-XXXXXX", tmp ? tmp : "/tmp", name);
    cr_assert_not_null(mkdtemp(h->dir), "mkdtemp %s: %s", h->dir, strerror(errno));
    snprintf(h->instance, sizeof h->instance, "t%d-%.16s", (int)getpid(), name);
    snprintf(h->journal, sizeof h->journal, "%.480s/journal", h->dir);
}

void harness_end(struct harness *h)
{
    harness_stop(&h->engine, SIGKILL);
    harness_stop(&h->sim, SIGKILL);
    char path[HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "/dev/shm/pinwheel.%s", h->instance);
    unlink(path);
    if (getenv("PINWHEEL_KEEP") == NULL) {
        folder_remove(h->dir);
    }
}

/* Starts `pinwheel args...` with its output into dir/log. */
static pid_t spawn(struct harness *h, const char *log, const char *const *args)
{
    char program[HARNESS_PATH_BYTES], path[2 * HARNESS_PATH_BYTES];
    snprintf(program, sizeof program, "%s/pinwheel", bin_dir());
    snprintf(path, sizeof path, "%s/%s", h->dir, log);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execv(program, (char *const *)args);
        _exit(127);
    }
    return pid;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file, "%s: %s", path, strerror(errno));
    fputs(text, file);
    fclose(file);
}

/* The whole of a text file, to be freed; "" if it cannot be read. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int c; file != NULL && (c = getc(file)) != EOF;) {
        putc(c, out);
    }
    fclose(out);
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

static bool process_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

bool harness_wait(struct harness *h, bool (*condition)(struct harness *, const void *), const void *arg,
                  int seconds)
{
    struct timespec pause = {.tv_nsec = 20000000};
    time_t end = time(NULL) + seconds;
    do {
        if (condition(h, arg)) {
            return true;
        }
        nanosleep(&pause, NULL);
    } while (time(NULL) <= end);
    return false;
}

long long harness_log_lines(const struct harness *h, const char *text)
{
    char path[2 * HARNESS_PATH_BYTES], line[2048];
    snprintf(path, sizeof path, "%s/engine.log", h->dir);
    FILE *log = fopen(path, "r");
    cr_assert_not_null(log);
    long long cnt = 0;
    while (fgets(line, sizeof line, log) != NULL) {
        cnt += strstr(line, text) != NULL;
    }
    fclose(log);
    return cnt;
}

static FILE *bans_open(const struct harness *h)
{
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/ban", h->journal);
    return fopen(path, "r");
}

bool harness_is_banned(struct harness *h, const void *unused)
{
    (void)unused;
    FILE *bans = bans_open(h);
    if (bans != NULL) {
        fclose(bans);
    }
    return bans != NULL;
}

int64_t harness_ban_ns(const struct harness *h)
{
    char line[512] = "";
    FILE *bans = bans_open(h);
    cr_assert_not_null(bans);
    cr_assert_not_null(fgets(line, sizeof line, bans));
    fclose(bans);
    return strtoll(line, NULL, 10);
}

static bool log_holds(const struct harness *h, const char *log, const char *text)
{
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", h->dir, log);
    char *all = read_text(path);
    bool found = strstr(all, text) != NULL;
    free(all);
    return found;
}

static bool port_is_known(struct harness *h, const void *unused)
{
    (void)unused;
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/port", h->dir);
    char *text = read_text(path);
    h->port = atoi(text);
    free(text);
    return h->port > 0 || process_ended(h->sim);
}

static void fail_with_log(const struct harness *h, const char *log, const char *what)
{
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", h->dir, log);
    char *all = read_text(path);
    cr_assert_fail("%s; its log:\n%s", what, all);
}

void harness_sim_start(struct harness *h, const char *yaml, int port)
{
    char path[2 * HARNESS_PATH_BYTES], port_path[2 * HARNESS_PATH_BYTES], text[8192];
    snprintf(path, sizeof path, "%s/sim.yaml", h->dir);
    snprintf(port_path, sizeof port_path, "%s/port", h->dir);
    snprintf(text, sizeof text, "listen: {port: %d, port_file: \"%s\", tls_dir: \"%s/tls\"}\n%s", port,
             port_path, h->dir, yaml);
    write_text(path, text);
    unlink(port_path);
    h->sim = spawn(h, "sim.log", (const char *const[]){"pinwheel", "sim", path, NULL});
    if (!harness_wait(h, port_is_known, NULL, WAIT_S) || h->port <= 0) {
        fail_with_log(h, "sim.log", "the simulator does not listen");
    }
}

static bool sim_said(struct harness *h, const void *text)
{
    return log_holds(h, "sim.log", text);
}

void harness_sim_wait_text(struct harness *h, const char *text)
{
    if (!harness_wait(h, sim_said, text, WAIT_S)) {
        fail_with_log(h, "sim.log", text);
    }
}

static void write_cores(FILE *file, const struct engine_options *options)
{
    static const char *const hot_stages[] = {"net_rx, net_tx", "parse", "strategy", "execution"};
    const char *idle = options->idle != NULL ? options->idle : "yield";
    switch (options->placement) {
    case ONE_CORE:
        fputs("  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, "
              "housekeeping]}\n",
              file);
        break;
    case TWO_CORES:
        fprintf(file, "  - {core: none, idle: %s, stages: [net_rx, parse, strategy, execution, net_tx]}\n",
                idle);
        fputs("  - {core: none, idle: sleep, stages: [journal, housekeeping]}\n", file);
        break;
    case ALL_APART:
        for (size_t i = 0; i < sizeof hot_stages / sizeof *hot_stages; i++) {
            fprintf(file, "  - {core: none, idle: %s, stages: [%s]}\n", idle, hot_stages[i]);
        }
        fputs("  - {core: none, idle: sleep, stages: [journal]}\n"
              "  - {core: none, idle: sleep, stages: [housekeeping]}\n",
              file);
        break;
    }
}

static void write_live(const struct harness *h, FILE *file)
{
    fprintf(file,
            "gateway: live\n"
            "live: {ws_url: \"wss://localhost:%d/ws-api/v3\", ca_file: \"%s/tls/ca.pem\", api_key_file: "
            "\"%s/api_key\", key_file: \"%s/secret\", cash: \"50000\", backoff_min_ms: 50, backoff_max_ms: "
            "500}\n",
            h->port, h->dir, h->dir, h->dir);
}

const char *harness_config_write(const struct harness *h, const struct engine_options *options)
{
    static char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/engine.yaml", h->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file, "instance: %s\nkeep_workspace: true\nmemory: {huge_pages: false}\ncores:\n", h->instance);
    write_cores(file, options);
    fprintf(file,
            "feeds:\n  - {name: binance, venue: binance_spot, ws_url: \"wss://localhost:%d\", rest_url: "
            "\"https://localhost:%d\", ca_file: \"%s/tls/ca.pem\", streams: [%s], instruments: [%s], "
            "backoff_min_ms: 50, backoff_max_ms: 500}\n",
            h->port, h->port, h->dir, options->streams, options->symbols);
    if (options->fast > 0) {
        fprintf(file,
                "strategies:\n  - {name: ma, kind: ma_cross, instruments: [%s], params: {fast: %d, slow: %d, "
                "quantity: \"%s\"}}\n",
                options->symbols, options->fast, options->slow, options->quantity);
    }
    fprintf(file,
            "risk: {max_order_notional: \"1000000\", max_position: \"1000\", max_orders_per_s: 1000, "
            "allow_short: "
            "false}\n"
            "journal: {path: \"%s\", commit_interval_ms: 50, market_ring_full: %s}\n%s",
            h->journal, options->market_stall ? "stall" : "drop", options->extra ? options->extra : "");
    if (options->live) {
        write_live(h, file);
    } else {
        fputs(options->gateway != NULL
                  ? options->gateway
                  : "gateway: paper\npaper: {cash: \"10000\", fee_rate: \"0.001\", latency_us: 0}\n",
              file);
    }
    fclose(file);
    return path;
}

const char harness_private_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                                   "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                                   "-----END PRIVATE KEY-----\n";
const char harness_public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                  "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                                  "-----END PUBLIC KEY-----\n";

static void write_secret(const struct harness *h, const char *name, const char *text)
{
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", h->dir, name);
    write_text(path, text);
    cr_assert_eq(chmod(path, 0600), 0);
}

void harness_keys_write(const struct harness *h, const char *api_key, const char *secret)
{
    write_secret(h, "api_key", api_key);
    write_secret(h, "secret", secret);
}

static bool engine_runs(struct harness *h, const void *unused)
{
    (void)unused;
    json_t *top = harness_top(h);
    const char *state = json_string_value(json_object_get(top, "state"));
    /* What a killed engine of that name has left says "running", too. */
    bool runs = state != NULL && (strcmp(state, "running") == 0 || strcmp(state, "halted") == 0) &&
                json_number_at(top, "pid") == h->engine;
    json_decref(top);
    return runs || process_ended(h->engine);
}

void harness_engine_launch(struct harness *h, const char *path, bool live)
{
    const char *const said_twice[] = {"pinwheel", "run", "--live", path, NULL};
    const char *const args[] = {"pinwheel", "run", path, NULL};
    h->engine = spawn(h, "engine.log", live ? said_twice : args);
}

void harness_engine_await(struct harness *h)
{
    if (!harness_wait(h, engine_runs, NULL, WAIT_S) || process_ended(h->engine)) {
        fail_with_log(h, "engine.log", "the engine does not run");
    }
}

void harness_engine_start(struct harness *h, const struct engine_options *options)
{
    harness_engine_launch(h, harness_config_write(h, options), options->live);
    harness_engine_await(h);
}

int harness_stop(pid_t *pid, int signal)
{
    if (*pid <= 0) {
        return 0;
    }
    if (signal != 0) {
        kill(*pid, signal);
    }
    int status = 0;
    for (int i = 0; i < WAIT_S * 50 && waitpid(*pid, &status, WNOHANG) == 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        if (i == WAIT_S * 50 - 1) {
            kill(*pid, SIGKILL);
            waitpid(*pid, &status, 0);
        }
    }
    *pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

char *harness_run(struct harness *h, const char *const *args, int *status)
{
    char program[HARNESS_PATH_BYTES];
    snprintf(program, sizeof program, "%s/pinwheel", bin_dir());
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        char path[2 * HARNESS_PATH_BYTES];
        snprintf(path, sizeof path, "%s/tool.err", h->dir);
        dup2(ends[1], 1);
        dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 2);
        execv(program, (char *const *)args);
        _exit(127);
    }
    close(ends[1]);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    char piece[65536];
    for (ssize_t n; (n = read(ends[0], piece, sizeof piece)) > 0;) {
        fwrite(piece, 1, (size_t)n, out);
    }
    fclose(out);
    close(ends[0]);
    int wait_status = 0;
    waitpid(pid, &wait_status, 0);
    *status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    return text;
}

json_t *harness_run_json(struct harness *h, const char *const *args, int *status)
{
    char *text = harness_run(h, args, status);
    json_t *json = *text == 0 ? NULL : json_exact(text);
    free(text);
    return json;
}

json_t *harness_top(struct harness *h)
{
    int status;
    return harness_run_json(
        h, (const char *const[]){"pinwheel", "top", h->instance, "--once", "--json", NULL}, &status);
}

/* Of an array: the element of that number, or the one that is so named. */
static const json_t *element(const json_t *array, const char *part)
{
    static const char *const names[] = {"name", "symbol"};
    if (part[0] >= '0' && part[0] <= '9') {
        return json_array_get(array, strtoul(part, NULL, 10));
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *row = json_array_get(array, i);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            const char *name = json_string_value(json_object_get(row, names[k]));
            if (name != NULL && strcmp(name, part) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

long long json_number_at(const json_t *json, const char *path)
{
    char part[128];
    while (json != NULL && *path != 0) {
        size_t size = strcspn(path, "/");
        snprintf(part, sizeof part, "%.*s", (int)size, path);
        json = json_is_array(json) ? element(json, part) : json_object_get(json, part);
        path += size + (path[size] == '/');
    }
    if (json_is_string(json)) { /* ids and nanoseconds */
        return strtoll(json_string_value(json), NULL, 10);
    }
    return json_is_true(json) ? 1 : json_is_number(json) ? (long long)json_number_value(json) : -1;
}

long long harness_metric(struct harness *h, const char *group, const char *name)
{
    json_t *top = harness_top(h);
    const json_t *rows = json_object_get(top, "metrics");
    long long value = -1;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(json_string_value(json_object_get(row, "group")), group) == 0 &&
            strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
            value = json_number_at(row, "value");
        }
    }
    json_decref(top);
    return value;
}

/* Strips zeros that say nothing; the text is short. */
static void normalize(const char *text, char out[96])
{
    bool negative = *text == '-';
    text += negative;
    while (*text == '0' && text[1] != 0 && text[1] != '.') {
        text++;
    }
    snprintf(out, 96, "%s%s", negative ? "-" : "", text);
    if (strchr(out, '.') != NULL) {
        char *end = out + strlen(out);
        while (end[-1] == '0') {
            *--end = 0;
        }
        if (end[-1] == '.') {
            *--end = 0;
        }
    }
    if (strcmp(out, "-0") == 0) {
        strcpy(out, "0");
    }
}

bool decimal_equal(const char *a, const char *b)
{
    char left[96], right[96];
    if (a == NULL || b == NULL) {
        return false;
    }
    normalize(a, left);
    normalize(b, right);
    return strcmp(left, right) == 0;
}
