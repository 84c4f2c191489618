/* SPDX-License-Identifier: MIT
 *
 * The engine as a child: see engine_child.h.
 */
#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/coding.h>

#include "engine_child.h"
#include "folder.h"
#include "metrics_table.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pinwheel/metrics.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_NS 60e9 /* generous: a hundred snapshots are fetched, and others may have the cores */
#define STOP_NS  30e9
#define TICK_NS  1e6 /* between two ticks that try whether it trades yet */
#define COUNTED  50. /* times as long of an engine under callgrind */
#define TRADED   3u  /* orders in a row that say that it does */

/* ---- files ---- */

static bool file_write(const char *dir, const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* A key of its own, as PKCS#8 has Ed25519's (RFC 8410, 7): 16 bytes that are always the same, and the seed.
 */
static bool keys_write(const char *dir)
{
    uint8_t der[48] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                       0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
    char base64[128], pem[256];
    word32 bytes = sizeof base64 - 1;
    if (getrandom(der + 16, 32, 0) != 32 ||
        Base64_Encode_NoNl(der, sizeof der, (byte *)base64, &bytes) != 0) {
        return false;
    }
    base64[bytes] = '\0';
    snprintf(pem, sizeof pem, "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n", base64);
    return file_write(dir, "key.pem", pem) && file_write(dir, "api-key", "bench\n");
}

static void symbols_print(FILE *out, const struct venue *venue)
{
    for (uint32_t i = 0; i < venue->instrument_cnt; i++) {
        fprintf(out, "%s%s", i == 0 ? "" : ", ", venue->instruments[i].symbol);
    }
}

/* Counting slows a program down fifty times: then nothing may spin, and the start takes longer. */
static bool counted(const struct engine_child *engine)
{
    return engine->counts_path != NULL;
}

/* Keys of configs that have been renamed; a build reads its own, and perhaps those before. */
struct config_words {
    const char *ack_timeout;
};
static const struct config_words words_now = {"ack_timeout_ms"}, words_before = {"answer_timeout_ms"};

/* The shape for two cores. Nothing that takes long is part of what is measured, so the times are generous: an
 * engine that is held must not think its venue dead. */
static bool config_words_write(const struct engine_child *engine, const struct venue *venue,
                               const struct config_words *words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return false;
    }
    fprintf(out,
            "instance: %s\n"
            "cores:\n"
            "  - {core: %d, idle: %s, stages: [net_rx, parse, strategy, execution, net_tx]}\n"
            "  - {core: %d, idle: sleep, stages: [journal, housekeeping]}\n",
            engine->instance, engine->core, counted(engine) ? "sleep" : "spin", engine->cold_core);
    fprintf(out,
            "feeds:\n"
            "  - {name: bench, venue: binance_spot, ws_url: \"wss://localhost:%u\", "
            "rest_url: \"https://localhost:%u\",\n"
            "     ca_file: %s/ca.pem, streams: [trade, bookTicker, depth@100ms], stale_after_ms: 60000, "
            "dead_after_ms: 120000,\n"
            "     instruments: [",
            venue->port, venue->port, engine->dir);
    symbols_print(out, venue);
    fputs("]}\nstrategies:\n  - {name: taker, kind: tick_taker, params: {quantity: \"0.01\", imbalance: 50, "
          "every: 1},\n     instruments: [",
          out);
    symbols_print(out, venue);
    fprintf(out,
            "]}\n"
            "risk: {max_order_notional: \"1000000\", max_position: \"1000000\", max_orders_per_s: 1000000, "
            "allow_short: false}\n"
            "gateway: live\n"
            "live: {ws_url: \"wss://localhost:%u/ws-api/v3\", ca_file: %s/ca.pem, api_key_file: %s/api-key, "
            "key_file: %s/key.pem,\n"
            "       cash: \"1000000000\", fee_rate: \"0\", recv_window_ms: 60000, %s: 60000, "
            "dead_after_ms: 120000}\n"
            "journal: {path: %s/journal}\n",
            venue->port, engine->dir, engine->dir, engine->dir, words->ack_timeout, engine->dir);
    bool good = fclose(out) == 0 && file_write(engine->dir, "engine.yaml", text);
    free(text);
    return good;
}

static bool config_good(const struct engine_child *engine)
{
    char command[2 * BUILD_PATH_BYTES + 400];
    snprintf(command, sizeof command, "'%s/pinwheel-run' --check --live '%s/engine.yaml' >/dev/null 2>&1",
             engine->programs, engine->dir);
    return system(command) == 0;
}

/* In the words that the build reads. */
static bool config_write(const struct engine_child *engine, const struct venue *venue)
{
    return config_words_write(engine, venue, &words_now) &&
           (config_good(engine) || config_words_write(engine, venue, &words_before));
}

/* ---- processes ---- */

/* Becomes the engine, under callgrind if it is to be counted. Returns when it cannot. */
static void engine_exec(const struct engine_child *engine, const char *config)
{
    char program[600], counts[600];
    snprintf(program, sizeof program, "%s/pinwheel-run", engine->programs);
    if (!counted(engine)) {
        execl(program, "pinwheel-run", "--live", config, (char *)NULL);
        return;
    }
    snprintf(counts, sizeof counts, "--callgrind-out-file=%s", engine->counts_path);
    execlp("valgrind", "valgrind", "--tool=callgrind", counts, program, "--live", config, (char *)NULL);
}

/* Starts it on both cores; its output goes into a file of its folder. */
static pid_t engine_fork(const struct engine_child *engine, const char *config)
{
    cpu_set_t cores; /* this thread's own are fewer, and would be inherited */
    CPU_ZERO(&cores);
    CPU_SET((size_t)engine->core, &cores);
    CPU_SET((size_t)engine->cold_core, &cores);
    char path[600];
    snprintf(path, sizeof path, "%s/engine.log", engine->dir);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sched_setaffinity(0, sizeof cores, &cores);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        engine_exec(engine, config);
        _exit(127);
    }
    return pid < 0 ? 0 : pid;
}

static bool process_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

/* The last line of the engine's log: most likely the reason why it does not trade. */
static void log_tell(const struct engine_child *engine, struct pw_bench_report *report)
{
    char path[600], line[400], last[400] = "its log is empty";
    snprintf(path, sizeof path, "%s/engine.log", engine->dir);
    FILE *in = fopen(path, "re");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '=') { /* valgrind's own */
            snprintf(last, sizeof last, "%s", line);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    pw_bench_note(report, "the engine is not trading: %s", last);
}

/* ---- start ---- */

static double since_ns(uint64_t start)
{
    return (double)(pw_bench_ticks() - start) * pw_bench_tick_ns;
}

bool engine_child_trades(struct engine_child *engine, struct venue *venue)
{
    uint64_t start = pw_bench_ticks(), tick = start, first_cnt = venue->order_cnt;
    double slowness = counted(engine) ? COUNTED : 1;
    while (since_ns(start) < slowness * START_NS && !process_ended(engine->pid)) {
        venue_serve(venue);
        venue->came_cnt = 0;
        if (venue->order_cnt >= first_cnt + TRADED * venue->instrument_cnt) {
            return true;
        }
        if (venue->orders != NULL && since_ns(tick) > slowness * TICK_NS) {
            tick = pw_bench_ticks();
            (void)venue_send(venue, venue->tick_cnt % venue->instrument_cnt,
                             VENUE_TICK); /* not yet connected: later */
        }
        sched_yield();
    }
    return false;
}

int engine_child_start(struct engine_child *engine, struct venue *venue, struct pw_bench_report *report)
{
    char path[600], error[512] = "";
    engine->pid = 0;
    engine->counts_cnt = 0;
    engine->ws = (struct pw_workspace){0};
    engine->monitor_cnt = 0;
    snprintf(engine->instance, sizeof engine->instance, "bench-%d-%u", (int)getpid(), venue->instrument_cnt);
    snprintf(path, sizeof path, "%s/engine.yaml", engine->dir);
    if (!keys_write(engine->dir) || !config_write(engine, venue)) {
        pw_bench_note(report, "%s cannot be written", path);
        return -EIO;
    }
    engine->pid = engine_fork(engine, path);
    if (engine->pid == 0 || !engine_child_trades(engine, venue)) {
        log_tell(engine, report);
    } else if (!counted(engine) &&
               pw_workspace_attach_older(&engine->ws, engine->instance, error, sizeof error) != 0) {
        pw_bench_note(report, "the engine's workspace cannot be read: %s", error);
    } else {
        return 0;
    }
    engine_child_stop(engine, venue);
    return -EPROTO;
}

#define DENIED "denied_" /* and the reason's name: the metric */

void engine_child_denials(const struct engine_child *engine, char *text, size_t text_bytes)
{
    const struct pw_region *region = pw_workspace_find(&engine->ws, "metrics", PW_REGION_METRICS);
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; region != NULL && i < region->row_cnt; i++) {
        const struct pw_metric_row *row = pw_region_at(&engine->ws, region, i);
        uint64_t cnt = row->value;
        if (cnt > 0 && strncmp(row->name, DENIED, strlen(DENIED)) == 0 && used < text_bytes) {
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s %llu", used == 0 ? "" : ", ",
                                     row->name + strlen(DENIED), (unsigned long long)cnt);
        }
    }
}

static bool has_denied(const struct engine_child *engine, enum pw_reason reason)
{
    char name[sizeof((struct pw_metric_row *)0)->name];
    snprintf(name, sizeof name, DENIED "%s", pw_reason_name(reason));
    const struct pw_metric_row *row = pw_metrics_find(&engine->ws, "execution", name);
    return row != NULL && row->value > 0;
}

bool engine_child_is_late(const struct engine_child *engine)
{
    return engine->pid != 0 && !process_ended(engine->pid) &&
           (has_denied(engine, PW_REASON_STALE) || has_denied(engine, PW_REASON_VENUE_TIME));
}

void engine_child_stop(struct engine_child *engine, struct venue *venue)
{
    engine_child_watch(engine, 0);
    if (engine->pid == 0) {
        return;
    }
    uint64_t start = pw_bench_ticks();
    kill(engine->pid, SIGCONT);
    kill(engine->pid, SIGTERM);
    while (!process_ended(engine->pid) && since_ns(start) < (counted(engine) ? COUNTED : 1) * STOP_NS) {
        venue_serve(venue);
        sched_yield();
    }
    kill(engine->pid, SIGKILL); /* it has ended, or it never will */
    waitpid(engine->pid, NULL, 0);
    engine->pid = 0;
    if (engine->ws.header != NULL) {
        pw_workspace_close(&engine->ws, true); /* one that was killed has left it */
    }
    char journal[600];
    snprintf(journal, sizeof journal, "%s/journal", engine->dir);
    bench_folder_remove(journal);
}

/* ---- while it runs ---- */

void engine_child_hold(const struct engine_child *engine)
{
    siginfo_t info;
    kill(engine->pid, SIGSTOP);
    /* Returns when all its threads stand still, or when it has ended. */
    waitid(P_PID, (id_t)engine->pid, &info, WSTOPPED | WEXITED | WNOWAIT);
}

void engine_child_go_on(const struct engine_child *engine)
{
    kill(engine->pid, SIGCONT);
}

/* The letter behind the name in parentheses (proc(5), /proc/pid/stat). */
static bool thread_runs(const char *path)
{
    char text[512];
    FILE *in = fopen(path, "re");
    size_t bytes = in != NULL ? fread(text, 1, sizeof text - 1, in) : 0;
    if (in != NULL) {
        fclose(in);
    }
    text[bytes] = '\0';
    const char *end = strrchr(text, ')');
    return end != NULL && strncmp(end, ") R", 3) == 0;
}

bool engine_child_rests(const struct engine_child *engine)
{
    char pattern[64];
    glob_t threads;
    bool rests = true;
    snprintf(pattern, sizeof pattern, "/proc/%d/task/*/stat", (int)engine->pid);
    if (glob(pattern, 0, NULL, &threads) != 0) {
        return true;
    }
    for (size_t i = 0; i < threads.gl_pathc; i++) {
        rests = rests && !thread_runs(threads.gl_pathv[i]);
    }
    globfree(&threads);
    return rests;
}

bool engine_child_counts_write(struct engine_child *engine)
{
    char command[100];
    engine->counts_cnt++;
    snprintf(command, sizeof command, "vgdb --pid=%d dump >/dev/null 2>&1", (int)engine->pid);
    return system(command) == 0;
}

/* A monitor wants a terminal: it gets one that nobody looks at. */
static pid_t monitor_start(const struct engine_child *engine, int *terminal)
{
    const struct winsize size = {.ws_row = 50, .ws_col = 132};
    char program[600];
    snprintf(program, sizeof program, "%s/pinwheel", engine->programs);
    pid_t pid = forkpty(terminal, NULL, NULL, &size);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("TERM", "xterm", 0);
        execl(program, "pinwheel", "top", engine->instance, (char *)NULL);
        _exit(127);
    }
    if (pid > 0) {
        fcntl(*terminal, F_SETFL, O_NONBLOCK);
        fcntl(*terminal, F_SETFD, FD_CLOEXEC);
    }
    return pid;
}

bool engine_child_watch(struct engine_child *engine, uint32_t monitor_cnt)
{
    while (engine->monitor_cnt > monitor_cnt) {
        pid_t pid = engine->monitors[--engine->monitor_cnt];
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(engine->terminals[engine->monitor_cnt]);
    }
    while (engine->monitor_cnt < monitor_cnt) {
        pid_t pid = monitor_start(engine, &engine->terminals[engine->monitor_cnt]);
        if (pid <= 0) {
            return false;
        }
        engine->monitors[engine->monitor_cnt++] = pid;
    }
    return true;
}

size_t engine_child_screens_read(struct engine_child *engine)
{
    char bytes[16384];
    size_t all = 0;
    for (uint32_t i = 0; i < engine->monitor_cnt; i++) {
        ssize_t got = read(engine->terminals[i], bytes, sizeof bytes);
        all += got > 0 ? (size_t)got : 0;
    }
    return all;
}

uint32_t engine_child_watchers(const struct engine_child *engine)
{
    uint32_t alive_cnt = 0;
    for (uint32_t i = 0; i < engine->monitor_cnt; i++) {
        alive_cnt += !process_ended(engine->monitors[i]);
    }
    return alive_cnt;
}

/* ---- histograms ---- */

/* The whole first, then the spans in the order of time. */
static uint32_t span_of(uint32_t i)
{
    return i == 0 ? PW_HOP_SUBMITTED : i <= PW_HOP_SUBMITTED ? i - 1 : i;
}

static void hop_label(struct pw_hop_span span, char *label, size_t label_bytes)
{
    const char *to = pw_hops[span.to].label;
    if (span.from < PW_HOP_RECV) {
        snprintf(label, label_bytes, "%s timestamp to engine receive", pw_hops[span.from].label);
    } else if (span.from == PW_HOP_RECV && span.to == PW_HOP_SUBMITTED) {
        snprintf(label, label_bytes, "internal tick-to-order (receive to submit)");
    } else {
        snprintf(label, label_bytes, "  %s%s", span.to > PW_HOP_SUBMITTED ? "submit to " : "", to);
    }
}

struct engine_hop engine_hop(uint32_t i)
{
    struct engine_hop hop;
    struct pw_hop_span span = pw_hop_span(span_of(i));
    pw_hop_span_name(span_of(i), hop.name);
    hop_label(span, hop.label, sizeof hop.label);
    snprintf(hop.id, sizeof hop.id, "%s%.30s", i == 0 ? "" : "hop_",
             i == 0 ? "inside" : pw_hops[span.to].token);
    return hop;
}

/* In builds before 2026-11-29: "way.encoded_to_sealed" for "path.encoded_to_encrypted". */
static void old_name(const char *name, char old[PW_HOP_NAME_BYTES])
{
    static const char hop[] = "encrypted";
    const char *span = strchr(name, '.');
    const char *at = strstr(span, hop);
    int before = at != NULL ? (int)(at - span) : (int)strlen(span);
    snprintf(old, PW_HOP_NAME_BYTES, "way%.*s%s%s", before, span, at != NULL ? "sealed" : "",
             at != NULL ? at + sizeof hop - 1 : "");
}

bool engine_histogram_open(struct engine_histogram *histogram, const struct engine_child *engine,
                           uint32_t hop_idx)
{
    char old[PW_HOP_NAME_BYTES];
    struct engine_hop hop = engine_hop(hop_idx);
    old_name(hop.name, old);
    memset(histogram, 0, sizeof *histogram);
    const struct pw_region *region = pw_workspace_find(&engine->ws, hop.name, PW_REGION_HISTOGRAM);
    region = region != NULL ? region : pw_workspace_find(&engine->ws, old, PW_REGION_HISTOGRAM);
    if (region == NULL) {
        return false;
    }
    histogram->live = pw_region_at(&engine->ws, region, 0);
    engine_histogram_skip(histogram);
    return true;
}

void engine_histogram_skip(struct engine_histogram *histogram)
{
    for (uint32_t i = 0; i < PW_HIST_BUCKETS; i++) {
        histogram->last.buckets[i] = histogram->live->buckets[i];
    }
}

void engine_histogram_take(struct engine_histogram *histogram)
{
    for (uint32_t i = 0; i < PW_HIST_BUCKETS; i++) {
        uint64_t now = histogram->live->buckets[i], more = now - histogram->last.buckets[i];
        histogram->last.buckets[i] = now;
        histogram->since.buckets[i] += more;
        histogram->since.count += more;
    }
    histogram->since.max_ns = UINT64_MAX; /* of these alone it is not known: the last bucket says it */
}
