/* SPDX-License-Identifier: MIT
 *
 * `pinwheel top` and `pinwheel tap`, run as programs against an engine that is not one:
 * tests/tools/fake_engine.c.
 *
 * $PINWHEEL_BUILD is the build folder, in which all three programs stand.
 */
#include "host.h"
#include "json_exact.h"
#include "metrics_table.h"
#include "test_folder.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pinwheel/workspace.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_BYTES (4u << 20)
/* For what happens in milliseconds on an idle machine; cases/19-bench-tests-fail-under-load. */
#define PATIENCE_MS 60000

static char dir[64];
static const char *build;
static char output[OUTPUT_BYTES], errors[65536];

static void start(void)
{
    build = getenv("PINWHEEL_BUILD");
    cr_assert_not_null(build, "PINWHEEL_BUILD is to name the build folder");
    strcpy(dir, "/tmp/pw-watch-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    setenv("PINWHEEL_SHM_DIR", dir, 1);
}

static void end(void)
{
    folder_remove(dir);
}

TestSuite(watch, .init = start, .fini = end, .timeout = 300);

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- programs ---- */

static pid_t program_start(const char *name, char *const *args, int in_fd, int out_fd, int error_fd)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", build, name);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        dup2(in_fd, 0);
        dup2(out_fd, 1);
        dup2(error_fd, 2);
        execv(path, args);
        _exit(126);
    }
    return child;
}

static int exit_code(pid_t child)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void slurp(const char *path, char *into, size_t bytes)
{
    FILE *in = fopen(path, "r");
    cr_assert_not_null(in);
    into[fread(into, 1, bytes - 1, in)] = '\0';
    fclose(in);
}

static int out_open(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    return fd;
}

static pid_t tool_start(const char *name, const char *const *words)
{
    char *args[12] = {(char *)(uintptr_t)name};
    for (int i = 0; words[i] != NULL; i++) {
        args[i + 1] = (char *)(uintptr_t)words[i];
    }
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC), out = out_open("out"), error = out_open("err");
    char path[64];
    snprintf(path, sizeof path, "tools/%s", name);
    pid_t child = program_start(path, args, in, out, error);
    close(in);
    close(out);
    close(error);
    return child;
}

static void tool_outputs(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/out", dir);
    slurp(path, output, sizeof output);
    snprintf(path, sizeof path, "%s/err", dir);
    slurp(path, errors, sizeof errors);
}

/* Runs a tool to its end: its exit code; `output` and `errors` have what it said. */
#define TOOL(name, ...) tool_run(name, (const char *const[]){__VA_ARGS__, NULL})

static int tool_run(const char *name, const char *const *words)
{
    int code = exit_code(tool_start(name, words));
    tool_outputs();
    return code;
}

static pid_t engine_start(const char *name, const char *mode, const char *events)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    char *args[] = {"fake_engine", (char *)(uintptr_t)name, (char *)(uintptr_t)mode,
                    (char *)(uintptr_t)events, NULL};
    pid_t child = program_start("tests/tools/fake_engine", args, 0, ready[1], 2);
    close(ready[1]);
    char text[6];
    cr_assert_eq(read(ready[0], text, sizeof text), 6, "the engine did not come up");
    close(ready[0]);
    return child;
}

static void engine_kill(pid_t engine)
{
    kill(engine, SIGKILL);
    exit_code(engine);
}

/* Waits until a tool that runs has written `text`, to "out" or "err". */
static bool file_says(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (int i = 0; i < PATIENCE_MS / 5; i++) {
        slurp(path, output, sizeof output);
        if (strstr(output, text) != NULL) {
            return true;
        }
        sleep_ms(5);
    }
    return false;
}

static bool says(const char *text)
{
    return strstr(output, text) != NULL;
}

/* ---- top ---- */

Test(watch, top_shows_each_part_of_a_live_engine)
{
    pid_t engine = engine_start("demo", "run", "10");
    cr_assert_eq(TOOL("pinwheel-top", "demo", "--once"), 0, "%s", errors);
    engine_kill(engine);
    const char *parts[] = {"pinwheel demo   running",
                           "memory ",
                           "net_rx              1 ",
                           "BTCUSDT          61602.01",
                           "cash 9968.4131343 ",
                           "-0.0000000000000001",
                           "spot             up",
                           "parse.journal ",
                           "tick_to_trade ",
                           "the venue said \"no\"",
                           "parse.gaps ",
                           "config: tests/fake.yaml"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        cr_assert(says(parts[i]), "'%s' is missing in\n%s", parts[i], output);
    }
    cr_assert_not(says("\x1b"), "an escape sequence from the workspace reached the terminal");
}

/* Figures, bars and widths depend on the moment; what is left are the words and their order. */
static void mask_figures(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        size_t figure = strspn(from, "0123456789.:+-"), bar = strspn(from, "#!."), blanks = strspn(from, " ");
        if (strncmp(from, "memory ", 7) == 0 && (from == text || from[-1] == '\n')) {
            memcpy(to, "memory", 6);
            to += 6;
            from += strcspn(from, "\n");
        } else if (figure > 0 && strpbrk(from, "0123456789") < from + figure) {
            *to++ = '#';
            from += figure;
            from +=
                strncmp(from, " ns", 3) == 0 || strncmp(from, " us", 3) == 0 || strncmp(from, " ms", 3) == 0
                    ? 3
                : strncmp(from, " s", 2) == 0 || strncmp(from, " k", 2) == 0 || strncmp(from, " M", 2) == 0
                    ? 2
                    : 0;
        } else if (bar >= 10) {
            memcpy(to, "BAR", 3);
            to += 3;
            from += bar;
        } else if (blanks > 0) {
            *to++ = ' ';
            from += blanks;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* All but the metrics, which have a page of their own in docs. */
Test(watch, top_page_is_as_stored)
{
    char path[512], page[8192] = "";
    pid_t engine = engine_start("demo", "idle", "10");
    cr_assert_eq(TOOL("pinwheel-top", "demo", "--once"), 0, "%s", errors);
    engine_kill(engine);
    char *metrics = strstr(output, "\nMETRIC "), *run = strstr(output, "\nRUN");
    cr_assert(metrics != NULL && run != NULL, "%s", output);
    memmove(metrics, run, strlen(run) + 1);
    mask_figures(output);
    snprintf(path, sizeof path, "%s/top.txt", getenv("PINWHEEL_PAGES"));
    slurp(path, page, sizeof page);
    if (strcmp(page, output) != 0 && getenv("PINWHEEL_PAGES_NEW") != NULL) {
        snprintf(path, sizeof path, "%s/top.txt", getenv("PINWHEEL_PAGES_NEW"));
        FILE *file = fopen(path, "w");
        cr_assert_not_null(file);
        fputs(output, file);
        fclose(file);
    }
    cr_expect_str_eq(output, page);
}

static json_t *member(const json_t *array, const char *key, const char *value)
{
    size_t i;
    json_t *row;
    json_array_foreach(array, i, row)
    {
        const char *text = json_string_value(json_object_get(row, key));
        if (text != NULL && strcmp(text, value) == 0) {
            return row;
        }
    }
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "(none)";
}

/* Of an id or nanoseconds: a string. */
static long long exact_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "%s", key);
    return strtoll(text, NULL, 10);
}

static json_int_t number_of(const json_t *object, const char *key)
{
    json_t *number = json_object_get(object, key);
    cr_assert(json_is_integer(number), "%s", key);
    return json_integer_value(number);
}

Test(watch, top_json_has_every_figure_exactly)
{
    pid_t engine = engine_start("demo", "idle", "10");
    cr_assert_eq(TOOL("pinwheel-top", "--json"), 0, "%s", errors);
    engine_kill(engine);
    json_t *root = json_exact(output);
    cr_assert(json_is_true(json_object_get(root, "alive")));
    cr_assert_eq(number_of(root, "pid"), engine);
    cr_assert_str_eq(text_of(json_object_get(root, "info"), "config"), "tests/fake.yaml");
    json_t *metrics = json_object_get(root, "metrics");
    cr_assert_eq(json_array_size(metrics), PW_METRIC_CNT);
    cr_assert_eq(number_of(member(metrics, "name", "gaps"), "value"), 5);
    cr_assert_str_eq(json_string_value(json_object_get(member(metrics, "name", "clock_step_ns"), "value")),
                     "-42");
    cr_assert_str_eq(text_of(json_object_get(root, "account"), "cash"), "9968.4131343");
    json_t *position = member(json_object_get(root, "positions"), "symbol", "BTCUSDT");
    cr_assert_str_eq(text_of(position, "qty"), "-0.001");
    cr_assert_str_eq(text_of(position, "realized"), "-0.0000000000000001");
    json_t *market = member(json_object_get(root, "markets"), "symbol", "BTCUSDT");
    cr_assert_eq(json_array_size(json_object_get(market, "bids")), 2u);
    cr_assert_str_eq(json_string_value(json_array_get(json_array_get(json_object_get(market, "bids"), 0), 0)),
                     "61602.01");
    json_t *ring = member(json_object_get(root, "rings"), "name", "parse.journal");
    cr_assert_eq(number_of(ring, "head"), 10);
    cr_assert_eq(number_of(ring, "depth"), 0);
    cr_assert_str_eq(text_of(ring, "policy"), "drop");
    json_t *hop = member(json_object_get(root, "latency"), "name", "tick_to_trade");
    cr_assert_eq(number_of(hop, "sample_cnt"), 1000);
    cr_assert_eq(exact_of(hop, "max_ns"), 10000);
    cr_assert_leq(llabs(exact_of(hop, "p50_ns") - 5000), 50);
    json_t *row = member(json_object_get(root, "errors"), "text", "the venue said \"no\"");
    cr_assert_eq(number_of(row, "seen_cnt"), 7);
    json_t *stage = member(json_object_get(root, "stages"), "name", "net_rx");
    double shares = json_number_value(json_object_get(stage, "busy_share")) +
                    json_number_value(json_object_get(stage, "stalled_share")) +
                    json_number_value(json_object_get(stage, "idle_share"));
    cr_assert(shares > 0.999 && shares < 1.001, "%f", shares);
    json_decref(root);
}

Test(watch, top_takes_the_only_instance_and_lists_several)
{
    cr_assert_eq(TOOL("pinwheel-top", "--once"), 1);
    cr_assert_not_null(strstr(errors, "pinwheel top: "));
    pid_t a = engine_start("a", "idle", "1");
    cr_assert_eq(TOOL("pinwheel-top", "--once"), 0);
    pid_t b = engine_start("b", "idle", "1");
    engine_kill(b);
    cr_assert_eq(TOOL("pinwheel-top", "--once"), 2);
    cr_assert_not_null(strstr(errors, "a                               running"), "%s", errors);
    cr_assert_not_null(strstr(errors, "b                               dead"), "%s", errors);
    cr_assert_eq(TOOL("pinwheel-top", "--list", "--json"), 0);
    json_t *root = json_exact(output);
    const json_t *engines = json_object_get(root, "engines");
    cr_assert_eq(json_array_size(engines), 2, "%s", output);
    for (size_t i = 0; i < 2; i++) {
        const json_t *engine = json_array_get(engines, i);
        cr_assert_str_eq(text_of(engine, "state"),
                         strcmp(text_of(engine, "instance"), "a") == 0 ? "running" : "dead");
    }
    json_decref(root);
    cr_assert_eq(TOOL("pinwheel-top", "--once", "a"), 0);
    cr_assert_eq(TOOL("pinwheel-top", "--once", "c"), 1);
    char path[128];
    snprintf(path, sizeof path, "%s/pinwheel.a", dir);
    cr_assert_eq(TOOL("pinwheel-top", "--once", path), 0);
    engine_kill(a);
}

Test(watch, top_refuses_what_it_does_not_understand)
{
    cr_assert_eq(TOOL("pinwheel-top", "--wat"), 2);
    cr_assert_eq(TOOL("pinwheel-top", "--interval", "0"), 2);
    cr_assert_eq(TOOL("pinwheel-top", "--interval"), 2);
    cr_assert_eq(TOOL("pinwheel-top", "a", "b"), 2);
    cr_assert_eq(TOOL("pinwheel-top", "--help"), 0);
    cr_assert(says("exit codes"));
}

Test(watch, top_says_at_once_that_a_killed_engine_is_dead_and_shows_what_it_left)
{
    pid_t engine = engine_start("demo", "run", "10");
    kill(engine, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)engine, &info, WEXITED | WNOWAIT); /* ended, but not reaped */
    cr_assert_eq(TOOL("pinwheel-top", "--once"), 3);
    cr_assert(says("DEAD"), "%s", output);
    cr_assert(says("cash 9968.4131343 "));
    exit_code(engine);
    cr_assert_eq(TOOL("pinwheel-top", "--json"), 3);
    cr_assert(says("\"alive\":false"));
}

Test(watch, top_does_not_call_an_engine_dead_that_has_stopped)
{
    pid_t engine = engine_start("demo", "idle", "10");
    kill(engine, SIGTERM);
    cr_assert_eq(exit_code(engine), 0);
    cr_assert_eq(TOOL("pinwheel-top", "--once"), 3);
    cr_assert(says("pinwheel demo   stopped"), "%s", output);
    cr_assert_not(says("DEAD"));
}

/* ---- top in a terminal ---- */

struct terminal {
    pid_t child;
    int fd;
    size_t used;
};

static struct terminal terminal_start(unsigned short columns, unsigned short rows)
{
    struct terminal terminal = {0};
    struct winsize size = {.ws_col = columns, .ws_row = rows};
    terminal.child = forkpty(&terminal.fd, NULL, NULL, &size);
    if (terminal.child < 0) {
        cr_skip_test("this host gives no pseudo-terminal: %s", strerror(errno));
    }
    if (terminal.child == 0) {
        char path[512];
        snprintf(path, sizeof path, "%s/tools/pinwheel-top", build);
        setenv("TERM", "xterm", 1);
        execl(path, "pinwheel-top", "demo", "--interval", "50", NULL);
        _exit(126);
    }
    fcntl(terminal.fd, F_SETFL, O_NONBLOCK);
    output[0] = '\0';
    return terminal;
}

/* Reads until the terminal has got `text`. */
static bool terminal_shows(struct terminal *terminal, const char *text)
{
    for (int i = 0; i < PATIENCE_MS / 5; i++) {
        ssize_t got = read(terminal->fd, output + terminal->used, sizeof output - 1 - terminal->used);
        if (got > 0) {
            terminal->used += (size_t)got;
            output[terminal->used] = '\0';
        }
        if (strstr(output, text) != NULL) {
            return true;
        }
        sleep_ms(5);
    }
    return false;
}

static void terminal_type(const struct terminal *terminal, const char *keys)
{
    cr_assert_eq(write(terminal->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

Test(watch, top_in_a_terminal_shows_the_death_and_ends_with_q)
{
    pid_t engine = engine_start("demo", "run", "10");
    struct terminal terminal = terminal_start(100, 50);
    cr_assert(terminal_shows(&terminal, "running"), "%s", output);
    cr_assert(terminal_shows(&terminal, "tick_to_trade"));
    int64_t killed_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    engine_kill(engine);
    cr_assert(terminal_shows(&terminal, "DEAD"), "%s", output);
    printf("# death shown after %ld ms\n", (long)((pw_clock_read_ns(CLOCK_MONOTONIC) - killed_ns) / 1000000));
    terminal_type(&terminal, "q");
    cr_assert_eq(exit_code(terminal.child), 0);
}

/* What the engine has counted in all its life is not what it does a second. */
Test(watch, top_in_a_terminal_begins_without_rates)
{
    pid_t engine = engine_start("demo", "idle", "10");
    struct terminal terminal = terminal_start(150, 60);
    cr_assert(terminal_shows(&terminal, "tick_to_trade"), "%s", output);
    cr_assert(says("PASSES/s"), "%s", output);
    cr_expect_not(says(" M ") || says(" G ") || says(" M\r") || says(" G\r"), "%s", output);
    terminal_type(&terminal, "q");
    cr_assert_eq(exit_code(terminal.child), 0);
    engine_kill(engine);
}

Test(watch, top_cuts_a_small_terminal_into_pages)
{
    pid_t engine = engine_start("demo", "idle", "10");
    struct terminal terminal = terminal_start(60, 12);
    cr_assert(terminal_shows(&terminal, "page 1 of "), "%s", output);
    cr_assert(terminal_shows(&terminal, "net_rx"));
    cr_assert_not(says("tick_to_trade"));
    cr_assert(terminal_shows(&terminal, "quit"), "behind the number of pages: %s", output);
    int page_cnt = atoi(strstr(output, "page 1 of ") + strlen("page 1 of "));
    for (int i = 1; i < page_cnt; i++) {
        terminal_type(&terminal, " ");
    }
    cr_assert(terminal_shows(&terminal, "fake.yaml"), "the last page");
    terminal_type(&terminal, "q");
    cr_assert_eq(exit_code(terminal.child), 0);
    engine_kill(engine);
}

/* cases/newcomer.md, 4: each figure of each line can be seen at 80 columns, and whole; 31: COLUMNS. */
Test(watch, top_continues_a_line_below_rather_than_cut_a_number)
{
    pid_t engine = engine_start("demo", "idle", "10");
    struct terminal terminal = terminal_start(60, 60);
    cr_assert(terminal_shows(&terminal, "denied 0"), "%s", output);
    cr_assert(terminal_shows(&terminal, "rejected 0"), "what does not fit continues below: %s", output);
    cr_assert(terminal_shows(&terminal, "canceled 0"), "%s", output);
    terminal_type(&terminal, "q");
    cr_assert_eq(exit_code(terminal.child), 0);

    static char whole[sizeof output];
    cr_assert_eq(TOOL("pinwheel-top", "demo", "--once"), 0, "%s", errors);
    strcpy(whole, output);
    setenv("COLUMNS", "80", 1);
    cr_assert_eq(TOOL("pinwheel-top", "demo", "--once"), 0, "%s", errors);
    unsetenv("COLUMNS");
    for (const char *line = output; *line != '\0'; line += strcspn(line, "\n") + 1) {
        cr_expect_leq(strcspn(line, "\n"), 80, "%.*s", (int)strcspn(line, "\n"), line);
    }
    static const char *const last[] = {"PASSES/s",  "ASK QTY", "FEES",      "LOST",
                                       "WHEN FULL", "COUNT",   "canceled 0"};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        cr_expect(strstr(whole, last[i]) != NULL && says(last[i]), "%s", last[i]);
    }
    engine_kill(engine);
}

/* cases/newcomer.md, 30 */
Test(watch, top_lists_its_keys_and_obeys_them)
{
    pid_t engine = engine_start("demo", "idle", "10");
    struct terminal terminal = terminal_start(60, 12);
    cr_assert(terminal_shows(&terminal, "page 1 of "), "%s", output);
    terminal_type(&terminal, "?");
    cr_assert(terminal_shows(&terminal, "this list"), "%s", output);
    terminal_type(&terminal, "\x1bOF"); /* end: leaves the list for the last page */
    cr_assert(terminal_shows(&terminal, "fake.yaml"), "%s", output);
    terminal_type(&terminal, "\x1b");
    cr_assert_eq(exit_code(terminal.child), 0);
    engine_kill(engine);
}

/* cases/newcomer.md, 31 */
Test(watch, top_has_no_colors_where_none_are_wanted)
{
    static const char cyan[] = "46m";
    pid_t engine = engine_start("demo", "idle", "10");
    setenv("TERM", "xterm", 1);
    for (int i = 0; i < 2; i++) {
        setenv("NO_COLOR", i == 0 ? "" : "1", 1);
        struct terminal terminal = terminal_start(100, 50);
        cr_assert(terminal_shows(&terminal, "quit"), "%s", output);
        cr_expect_eq(says(cyan), i == 0, "NO_COLOR=%s", getenv("NO_COLOR"));
        terminal_type(&terminal, "q");
        cr_assert_eq(exit_code(terminal.child), 0);
    }
    engine_kill(engine);
}

Test(watch, top_in_the_smallest_terminals_does_not_crash)
{
    pid_t engine = engine_start("demo", "idle", "10");
    for (unsigned short rows = 1; rows < 5; rows++) {
        struct terminal terminal = terminal_start(rows * 3, rows);
        terminal_shows(&terminal, "p");
        terminal_type(&terminal, " q");
        cr_assert_eq(exit_code(terminal.child), 0);
    }
    engine_kill(engine);
}

Test(watch, top_goes_over_to_an_engine_that_was_started_again)
{
    pid_t engine = engine_start("demo", "idle", "10");
    struct terminal terminal = terminal_start(100, 50);
    cr_assert(terminal_shows(&terminal, "running"));
    engine_kill(engine);
    cr_assert(terminal_shows(&terminal, "DEAD"));
    engine = engine_start("demo", "idle", "10");
    output[terminal.used = 0] = '\0';
    cr_assert(terminal_shows(&terminal, "running"), "%s", output);
    terminal_type(&terminal, "q");
    cr_assert_eq(exit_code(terminal.child), 0);
    engine_kill(engine);
}

/* ---- watching does not disturb ---- */

static const struct pw_ring *ring_of(struct pw_workspace *ws)
{
    char error[256];
    cr_assert_eq(pw_workspace_attach(ws, "demo", error, sizeof error), 0, "%s", error);
    return pw_workspace_rows(ws, "parse.journal", PW_REGION_RING);
}

static bool grows_by(const struct pw_ring *ring, uint64_t more)
{
    uint64_t target = atomic_load(&ring->head) + more;
    for (int i = 0; i < PATIENCE_MS && atomic_load(&ring->head) < target; i++) {
        sleep_ms(1);
    }
    return atomic_load(&ring->head) >= target;
}

/* Each mapping of the workspace that a process has, by the kernel's account. */
static int writable_maps(pid_t child, int *map_cnt)
{
    char path[64], line[512];
    int writable_cnt = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", child);
    FILE *in = fopen(path, "r");
    cr_assert_not_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        if (strstr(line, "/pinwheel.demo") != NULL) {
            (*map_cnt)++;
            writable_cnt += strstr(line, " r--s ") == NULL;
        }
    }
    fclose(in);
    return writable_cnt;
}

Test(watch, monitor_maps_the_workspace_read_only)
{
    pid_t engine = engine_start("demo", "run", "10");
    struct terminal terminal = terminal_start(100, 50);
    cr_assert(terminal_shows(&terminal, "running"));
    int map_cnt = 0;
    cr_assert_eq(writable_maps(terminal.child, &map_cnt), 0);
    cr_assert_eq(map_cnt, 1);
    pid_t tap = tool_start("pinwheel-tap", (const char *const[]){"demo", "parse.journal", NULL});
    for (map_cnt = 0; map_cnt == 0;) {
        sleep_ms(1);
        cr_assert_eq(writable_maps(tap, &map_cnt), 0);
    }
    terminal_type(&terminal, "q");
    exit_code(terminal.child);
    kill(tap, SIGKILL);
    exit_code(tap);
    engine_kill(engine);
}

Test(watch, engine_goes_on_whatever_is_done_to_its_watchers)
{
    pid_t engine = engine_start("demo", "run", "10");
    struct pw_workspace ws;
    const struct pw_ring *ring = ring_of(&ws);
    pid_t tap = tool_start("pinwheel-tap", (const char *const[]){"demo", "parse.journal", NULL});
    for (int i = 0; i < 100; i++) {
        struct terminal terminal = terminal_start(100, 50);
        if (i % 10 == 0) {
            cr_assert(terminal_shows(&terminal, "running"));
        }
        kill(terminal.child, SIGSTOP);
        kill(tap, SIGSTOP);
        cr_assert(grows_by(ring, 300), "it stands while its watchers are stopped");
        kill(tap, SIGCONT);
        kill(terminal.child, i % 2 == 0 ? SIGCONT : SIGKILL);
        cr_assert(grows_by(ring, 300), "it stands after its watchers go on or are dead");
        kill(terminal.child, SIGKILL);
        exit_code(terminal.child);
        close(terminal.fd);
    }
    cr_assert_eq(atomic_load(&ring->stalled_cnt), 0u);
    cr_assert_eq(atomic_load(&ring->dropped_cnt), 0u);
    kill(tap, SIGKILL);
    exit_code(tap);
    engine_kill(engine);
}

/* ---- tap ---- */

Test(watch, tap_prints_all_that_a_dead_engine_left)
{
    pid_t engine = engine_start("demo", "idle", "20");
    engine_kill(engine);
    cr_assert_eq(TOOL("pinwheel-tap", "parse.journal"), 3);
    cr_assert_not_null(strstr(errors, "20 events, 0 missed"), "%s", errors);
    cr_assert(
        says("0 trade BTCUSDT recv_ns=1 venue_ns=0 side=buy price=0.00000001 qty=1 trade_id=0 trade_ns=0\n"));
    cr_assert(says("9 trade \\u001b[2JEVIL "), "%s", output);
    cr_assert(says("19 trade "));
}

Test(watch, tap_counts_exactly_what_it_misses)
{
    pid_t engine = engine_start("demo", "run", "10");
    cr_assert_eq(TOOL("pinwheel-tap", "demo", "parse.journal", "--json", "--count", "20000"), 0, "%s",
                 errors);
    engine_kill(engine);
    uint64_t next = 0, event_cnt = 0;
    for (char *line = strtok(output, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *event = json_exact(line);
        if (strcmp(text_of(event, "kind"), "missed") == 0) {
            next += (uint64_t)number_of(event, "missed_cnt");
        } else {
            uint64_t seq = (uint64_t)number_of(event, "seq");
            cr_assert(event_cnt == 0 || seq == next, "event %llu came instead of %llu",
                      (unsigned long long)seq, (unsigned long long)next);
            cr_assert_eq((uint64_t)exact_of(event, "trade_id"), seq);
            next = seq + 1;
            event_cnt++;
        }
        json_decref(event);
    }
    cr_assert_eq(event_cnt, 20000u);
}

Test(watch, tap_that_was_stopped_tells_what_it_missed)
{
    pid_t engine = engine_start("demo", "run", "10");
    struct pw_workspace ws;
    const struct pw_ring *ring = ring_of(&ws);
    pid_t tap = tool_start("pinwheel-tap", (const char *const[]){"demo", "parse.journal", "--json", NULL});
    cr_assert(file_says("out", "\"trade\""));
    kill(tap, SIGSTOP);
    cr_assert(grows_by(ring, 5000)); /* five times the ring */
    kill(tap, SIGCONT);
    cr_assert(file_says("err", "missed "));
    kill(tap, SIGINT);
    cr_assert_eq(exit_code(tap), 0);
    tool_outputs();
    cr_assert_not_null(strstr(errors, "missed "), "%s", errors);
    cr_assert_not_null(strstr(errors, " events, "), "%s", errors);
    cr_assert(says("{\"kind\":\"missed\",\"missed_cnt\":"));
    engine_kill(engine);
}

Test(watch, tap_prints_frames_with_their_text)
{
    pid_t engine = engine_start("demo", "idle", "3");
    cr_assert_eq(TOOL("pinwheel-tap", "demo", "net_rx.parse", "--oldest", "--count", "3"), 0);
    cr_assert(says("frame - recv_ns=0 venue_ns=0 feed=0 bytes=9 \"{\\\"t\\\":2}\\n\\u001b\"\n"), "%s",
              output);
    cr_assert_eq(TOOL("pinwheel-tap", "net_rx.parse", "--oldest", "--count", "3", "--raw"), 0);
    cr_assert_str_eq(output, "{\"t\":0}\n\x1b\n{\"t\":1}\n\x1b\n{\"t\":2}\n\x1b\n");
    cr_assert_eq(TOOL("pinwheel-tap", "net_rx.parse", "--oldest", "--count", "1", "--json"), 0);
    json_t *frame = json_exact(output);
    cr_assert_str_eq(text_of(frame, "text"), "{\"t\":0}\n\x1b");
    json_decref(frame);
    engine_kill(engine);
}

Test(watch, tap_ends_with_the_engine)
{
    pid_t engine = engine_start("demo", "idle", "3");
    pid_t tap = tool_start("pinwheel-tap", (const char *const[]){"parse.journal", "--oldest", NULL});
    kill(engine, SIGTERM);
    exit_code(engine);
    cr_assert_eq(exit_code(tap), 0);
    tool_outputs();
    cr_assert_not_null(strstr(errors, "3 events, 0 missed"), "%s", errors);
}

Test(watch, tap_lists_rings_and_refuses_what_is_not_there)
{
    pid_t engine = engine_start("demo", "idle", "3");
    cr_assert_eq(TOOL("pinwheel-tap", "--list"), 0);
    cr_assert(says("parse.journal ") && says("net_rx.parse "), "%s", output);
    cr_assert_eq(TOOL("pinwheel-tap", "--list", "--json"), 0);
    json_t *root = json_exact(output);
    const json_t *ring = json_array_get(json_object_get(root, "rings"), 0);
    cr_assert_str_eq(text_of(ring, "name"), "net_rx.parse", "%s", output);
    cr_assert_str_eq(text_of(ring, "policy"), "stall", "%s", output);
    json_decref(root);
    cr_assert_eq(TOOL("pinwheel-tap", "demo", "no.such"), 1);
    cr_assert_not_null(strstr(errors, "net_rx.parse"), "the rings that there are");
    cr_assert_eq(TOOL("pinwheel-tap", "nobody", "parse.journal"), 1);
    cr_assert_eq(TOOL("pinwheel-tap", NULL), 2);
    cr_assert_eq(TOOL("pinwheel-tap", "parse.journal", "--raw"), 2);
    cr_assert_eq(TOOL("pinwheel-tap", "parse.journal", "--count", "0"), 2);
    cr_assert_eq(TOOL("pinwheel-tap", "parse.journal", "--oldest", "--from-now"), 2);
    cr_assert_eq(TOOL("pinwheel-tap", "a", "b", "c"), 2);
    cr_assert_eq(TOOL("pinwheel-tap", "--help"), 0);
    engine_kill(engine);
}

/* ---- health ---- */

/* The code of the first reason in the JSON that was printed, or "healthy". */
static const char *first_reason(void)
{
    static char code[64];
    json_t *root = json_exact(output);
    const json_t *reasons = json_object_get(root, "reasons");
    cr_assert_eq(json_is_true(json_object_get(root, "healthy")), json_array_size(reasons) == 0, "%s", output);
    snprintf(code, sizeof code, "%s",
             json_array_size(reasons) == 0 ? "healthy" : text_of(json_array_get(reasons, 0), "code"));
    json_decref(root);
    return code;
}

Test(watch, health_is_what_the_engine_is)
{
    static const struct {
        const char *mode, *reason;
        int code;
    } rows[] = {{"idle", "healthy", 0},         {"halted", "halted", 1},
                {"starting", "not_running", 5}, {"down", "connection_not_up", 1},
                {"full", "journal_stopped", 1}, {"other", "unreadable", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pid_t engine = engine_start("demo", rows[i].mode, "1");
        cr_expect_eq(TOOL("pinwheel-health", "demo", "--json"), rows[i].code, "%s", rows[i].mode);
        cr_expect_str_eq(first_reason(), rows[i].reason);
        cr_expect_eq(TOOL("pinwheel-health", "--patience", "500"), rows[i].code,
                     "%s: the same without a name", rows[i].mode);
        engine_kill(engine);
    }
}

Test(watch, health_tells_an_engine_that_hangs_from_one_that_is_gone)
{
    cr_expect_eq(TOOL("pinwheel-health", "demo"), 3, "there is none");
    cr_expect_eq(TOOL("pinwheel-health", "demo", "--json"), 3);
    cr_expect_str_eq(first_reason(), "absent");
    cr_expect_eq(TOOL("pinwheel-health", "--json"), 3);
    cr_expect_str_eq(first_reason(), "absent");
    pid_t engine = engine_start("demo", "idle", "1");
    kill(engine, SIGSTOP);
    cr_expect_eq(TOOL("pinwheel-health", "demo", "--json", "--patience", "200"), 4);
    cr_expect_str_eq(first_reason(), "no_heartbeat");
    cr_expect_eq(TOOL("pinwheel-top", "demo", "--once"), 3, "cases/newcomer.md, 10");
    cr_expect_eq(TOOL("pinwheel-top", "demo", "--json"), 3);
    cr_expect(says("\"alive\":false") && says("\"hanging\":true"));
    kill(engine, SIGCONT);
    cr_expect_eq(TOOL("pinwheel-health", "demo"), 0);
    cr_expect_eq(TOOL("pinwheel-top", "demo", "--json"), 0);
    cr_expect(says("\"alive\":true") && says("\"hanging\":false"));
    engine_kill(engine);
    cr_expect_eq(TOOL("pinwheel-health", "demo", "--json"), 3, "it was killed");
    cr_expect_str_eq(first_reason(), "dead");
    cr_expect_eq(TOOL("pinwheel-health", "demo", "--patience", "5"), 2);
}
