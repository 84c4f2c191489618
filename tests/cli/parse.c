/* SPDX-License-Identifier: MIT
 *
 * The grammar of all commands: a declaration made here, and what becomes of command lines read by it.
 */
#include "cli.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MINUTE (60 * PW_NS_PER_S)

struct values {
    const char *object, *thing, *limit_name, *path;
    bool json, oldest, newest, run_given;
    uint64_t run, bits;
    uint32_t mode, command;
    int64_t wait_ns, from_ns;
    const char *cash;
    struct pw_cli_words more;
};

static const char *mode_name(uint32_t i)
{
    static const char *const names[] = {"slow", "", "fast", NULL};
    return names[i];
}

static const struct pw_cli_value g_options[] = {
    {.name = "json", .letter = 'j', .help = "JSON", PW_CLI_FLAG(struct values, json)},
    {.name = "oldest", .help = "from the oldest", .excludes = "newest", PW_CLI_FLAG(struct values, oldest)},
    {.name = "newest", .help = "from the newest", PW_CLI_FLAG(struct values, newest)},
    {.name = "run",
     .letter = 'r',
     .value = "ID",
     .help = "the run",
     .max = 1000,
     .commands = "show",
     PW_CLI_COUNT(struct values, run),
     PW_CLI_GIVEN(struct values, run_given)},
    {.name = "wait",
     .value = "MS",
     .help = "how long",
     .initial = "500",
     .min = 50,
     .max = 60000,
     .unit = PW_NS_PER_MS,
     PW_CLI_DURATION(struct values, wait_ns)},
    {.name = "mode", .value = "MODE", .help = "one", .choice = mode_name, PW_CLI_CHOICE(struct values, mode)},
    {.name = "modes",
     .value = "MODES",
     .help = "some",
     .choice = mode_name,
     PW_CLI_LIST(struct values, bits)},
    {.name = "from", .value = "TIME", .help = "since", PW_CLI_TIME(struct values, from_ns)},
    {.name = "cash", .value = "AMOUNT", .help = "money", PW_CLI_DECIMAL(struct values, cash)},
    {.name = "object", .value = "NAME", .instead = "the argument", PW_CLI_TEXT(struct values, object)},
    {0},
};

static const struct pw_cli_value g_object_and_thing[] = {
    {.name = "OBJECT", .optional = true, .help = "object", PW_CLI_TEXT(struct values, object)},
    {.name = "THING", .unless = "newest", .help = "thing", PW_CLI_TEXT(struct values, thing)},
    {0},
};

static const struct pw_cli_command g_plain = {
    .verb = "tap", .description = "d", .arguments = g_object_and_thing, .options = g_options};

static const struct pw_cli_subverb g_subverbs[] = {
    {"show", "shows"},
    {"limit", "sets a limit",
     .arguments = PW_CLI_VALUES(
         {.name = "NAME", .help = "which", PW_CLI_TEXT(struct values, limit_name)},
         {.name = "MORE", .optional = true, .help = "more", PW_CLI_WORDS(struct values, more)})},
    {.name = "display", .instead = "show"},
    {0},
};

static const struct pw_cli_command g_nested = {
    .verb = "ctl",
    .description = "d",
    .arguments = PW_CLI_VALUES(
        {.name = "OBJECT", .optional = true, .help = "object", PW_CLI_TEXT(struct values, object)}),
    .options = g_options,
    .subverbs = g_subverbs,
    .subverb_field = PW_CLI_AT(struct values, command, uint32_t),
    .subverb_initial = "show",
};

static struct values g_values;
static char g_line[256];
static char *g_argv[32];

/* Reads a line whose words are separated by blanks. */
static int read_line(const struct pw_cli_command *command, const char *line)
{
    int argc = 0;
    g_values = (struct values){0};
    snprintf(g_line, sizeof g_line, "program %s", line);
    for (char *word = strtok(g_line, " "); word != NULL; word = strtok(NULL, " ")) {
        g_argv[argc++] = word;
    }
    g_argv[argc] = NULL;
    return pw_cli_read(command, argc, g_argv, &g_values);
}

/* What the program printed on standard error while reading the line. */
static char g_errors[1024];

static void errors_of(const struct pw_cli_command *command, const char *line, int code)
{
    char path[] = "/tmp/pinwheel-cli-XXXXXX";
    int fd = mkstemp(path), kept = dup(STDERR_FILENO);
    unlink(path);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    int result = read_line(command, line);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    memset(g_errors, 0, sizeof g_errors);
    cr_assert_geq(pread(fd, g_errors, sizeof g_errors - 1, 0), 0);
    close(fd);
    close(kept);
    cr_expect_eq(result, code, "'%s' gives %d: %s", line, result, g_errors);
}

Test(cli, options_stand_anywhere_and_in_each_form)
{
    cr_assert_eq(read_line(&g_plain, "--json a --run=7 b"), PW_CLI_GO);
    cr_expect(g_values.json);
    cr_expect_eq(g_values.run, 7);
    cr_expect(g_values.run_given);
    cr_expect_str_eq(g_values.object, "a");
    cr_expect_str_eq(g_values.thing, "b");
    cr_assert_eq(read_line(&g_plain, "b -jr 8"), PW_CLI_GO);
    cr_expect(g_values.json && g_values.run == 8 && g_values.object == NULL);
    cr_assert_eq(read_line(&g_plain, "-r9 -- --json"), PW_CLI_GO);
    cr_expect(!g_values.json && g_values.run == 9);
    cr_expect_str_eq(g_values.thing, "--json");
    cr_assert_eq(read_line(&g_plain, "b"), PW_CLI_GO);
    cr_expect_not(g_values.run_given);
    cr_expect_eq(g_values.wait_ns, 500 * PW_NS_PER_MS, "the default");
}

Test(cli, optional_arguments_take_what_the_others_leave)
{
    cr_assert_eq(read_line(&g_plain, "--newest"), PW_CLI_GO);
    cr_expect_null(g_values.thing);
    cr_assert_eq(read_line(&g_plain, "--newest a"), PW_CLI_GO);
    cr_expect_str_eq(g_values.object, "a");
    errors_of(&g_plain, "", PW_CLI_USAGE);
    cr_expect_not_null(strstr(g_errors, "THING"));
    errors_of(&g_plain, "a b c", PW_CLI_USAGE);
    cr_expect_not_null(strstr(g_errors, "'c'"));
    errors_of(&g_plain, "--newest a b", PW_CLI_USAGE);
}

Test(cli, subverbs_stand_behind_their_object_or_before_it)
{
    cr_assert_eq(read_line(&g_nested, "demo limit x"), PW_CLI_GO);
    cr_expect_eq(g_values.command, 1);
    cr_expect_str_eq(g_values.object, "demo");
    cr_expect_str_eq(g_values.limit_name, "x");
    cr_assert_eq(read_line(&g_nested, "limit demo x y z"), PW_CLI_GO);
    cr_expect_str_eq(g_values.limit_name, "x");
    cr_assert_eq(g_values.more.cnt, 2);
    cr_expect_str_eq(g_values.more.at[1], "z");
    cr_assert_eq(read_line(&g_nested, "limit x"), PW_CLI_GO);
    cr_expect_null(g_values.object);
    cr_assert_eq(read_line(&g_nested, "limit limit x"), PW_CLI_GO);
    cr_expect_str_eq(g_values.object, "limit", "an object may be named like a command");
    cr_assert_eq(read_line(&g_nested, ""), PW_CLI_GO);
    cr_expect_eq(g_values.command, 0, "the default");
    errors_of(&g_nested, "demo shw", PW_CLI_USAGE);
    cr_expect_not_null(strstr(g_errors, "did you mean 'show'?"));
    errors_of(&g_nested, "demo limit x --run 5", PW_CLI_USAGE);
    cr_expect_not_null(strstr(g_errors, "--run"), "an option of another command");
}

Test(cli, deprecated_names_are_read_with_a_warning)
{
    errors_of(&g_nested, "demo display", PW_CLI_GO);
    cr_expect_eq(g_values.command, 0);
    cr_expect_not_null(strstr(g_errors, "pinwheel ctl: warning: "));
    errors_of(&g_plain, "--object a b", PW_CLI_GO);
    cr_expect_str_eq(g_values.object, "a");
    cr_expect_not_null(strstr(g_errors, "the argument"));
}

Test(cli, an_error_is_one_line_that_names_the_command)
{
    static const struct {
        const char *line, *part;
    } rows[] = {{"--jsn a", "unknown option '--jsn'; did you mean '--json'?"},
                {"--ol a", "did you mean '--oldest'?"},
                {"--frobnicate a", "see 'pinwheel tap --help'"},
                {"-x a", "'-x'"},
                {"--json=yes a", "takes no value"},
                {"a --run", "needs a value"},
                {"a --run 1001", "0 to 1000"},
                {"a --run -1", "--run"},
                {"a --wait 49", "50 to 60000 ms"},
                {"a --wait 2min", "--wait"},
                {"a --mode fsat", "did you mean 'fast'?"},
                {"a --modes fast,slo", "one of: slow, fast"},
                {"a --modes fast,", "one of"},
                {"a --from soon", "2024-08-09"},
                {"a --cash 1e4", "decimal"},
                {"a --oldest --newest", "exclude"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        errors_of(&g_plain, rows[i].line, PW_CLI_USAGE);
        cr_expect_not_null(strstr(g_errors, rows[i].part), "%s: %s", rows[i].line, g_errors);
        cr_expect_eq(strncmp(g_errors, "pinwheel tap: ", 14), 0, "%s", g_errors);
        char *end = strchr(g_errors, '\n');
        cr_expect(end != NULL && end[1] == '\0', "%s", g_errors);
    }
}

Test(cli, values_are_read_by_their_type)
{
    cr_assert_eq(read_line(&g_plain, "a --wait 2s --mode fast --modes slow,fast --cash -0.50"), PW_CLI_GO);
    cr_expect_eq(g_values.wait_ns, 2 * PW_NS_PER_S);
    cr_expect_eq(g_values.mode, 2);
    cr_expect_eq(g_values.bits, 5);
    cr_expect_str_eq(g_values.cash, "-0.50");
}

Test(cli, times_are_read_in_each_form)
{
    const int64_t day_ns = INT64_C(1723161600) * PW_NS_PER_S; /* 2024-08-09 */
    const int64_t now_ns = day_ns + 15 * 60 * MINUTE + 5;
    static const struct {
        const char *text;
        int64_t from_day_ns;
    } good[] = {{"2024-08-09", 0},
                {"2024-08-09T00:01", MINUTE},
                {"2024-08-09 00:01:02", MINUTE + 2 * PW_NS_PER_S},
                {"2024-08-09T00:01:02.5Z", MINUTE + 2 * PW_NS_PER_S + 500 * PW_NS_PER_MS},
                {"2024-08-09T00:00:00.123456789", 123456789},
                {"14:30", (14 * 60 + 30) * MINUTE},
                {"-15m", (15 * 60 - 15) * MINUTE + 5},
                {"-1h", 14 * 60 * MINUTE + 5},
                {"1723161600000000007", 7}};
    static const char *const bad[] = {"",
                                      "soon",
                                      "-5",
                                      "2024-08-09T",
                                      "2024-13-01",
                                      "2024-02-30",
                                      "2024-04-31T10:00",
                                      "25:00",
                                      "14:30 pm",
                                      "2024-08-09x",
                                      "99999999999999999999",
                                      "-",
                                      "-1h30m"};
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert(pw_cli_time_read(good[i].text, now_ns, &ns), "%s", good[i].text);
        cr_expect_eq(ns - day_ns, good[i].from_day_ns, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(pw_cli_time_read(bad[i], now_ns, &ns), "%s", bad[i]);
    }
}

Test(cli, numbers_beyond_their_range_are_refused)
{
    uint64_t count;
    int64_t ns;
    cr_expect(pw_cli_count_read("18446744073709551615", &count));
    cr_expect_eq(count, UINT64_MAX);
    cr_expect_not(pw_cli_count_read("18446744073709551616", &count));
    cr_expect_not(pw_cli_count_read("", &count));
    cr_expect_not(pw_cli_count_read("+1", &count));
    cr_expect(pw_cli_duration_read("1d", PW_NS_PER_S, &ns));
    cr_expect_eq(ns, 86400 * PW_NS_PER_S);
    cr_expect_not(pw_cli_duration_read("9223372036854775807s", PW_NS_PER_S, &ns));
    cr_expect_not(pw_cli_duration_read("-1", PW_NS_PER_S, &ns));
}

/* ---- output ---- */

static int output_to(const char *path, const char *text)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen(path, "w", stdout) == NULL || read_line(&g_plain, "a") != PW_CLI_GO) {
            _exit(9);
        }
        fputs(text, stdout);
        exit(PW_CLI_DONE);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(cli, output_that_cannot_be_written_is_a_failure)
{
    cr_expect_eq(output_to("/dev/null", "text"), PW_CLI_DONE);
    cr_expect_eq(output_to("/dev/full", ""), PW_CLI_DONE, "nothing is lost");
    cr_expect_eq(output_to("/dev/full", "text"), PW_CLI_FAILED);
}

static void stop_twice(int first, int second)
{
    pid_t pid = fork();
    if (pid == 0) {
        const volatile sig_atomic_t *stop = pw_cli_stop_signals();
        raise(first);
        if (*stop == first) {
            raise(second);
        }
        _exit(1); /* it outlived both, or did not hear the first */
    }
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == second, "%d then %d: %x", first, second, status);
}

/* A terminal that closes sends two; under nohup it is to be ignored. */
Test(cli, hang_up_stops_a_program_in_order_unless_it_is_ignored)
{
    const volatile sig_atomic_t *stop = pw_cli_stop_signals();
    raise(SIGHUP);
    cr_expect_eq(*stop, SIGHUP);
    raise(SIGHUP);
    cr_expect_eq(*stop, SIGHUP, "and the program lives");
    pid_t pid = fork();
    if (pid == 0) {
        struct sigaction now = {0};
        signal(SIGHUP, SIG_IGN);
        (void)pw_cli_stop_signals();
        _exit(sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
}

Test(cli, second_stop_signal_ends_a_program_whichever_it_is)
{
    stop_twice(SIGINT, SIGINT);
    stop_twice(SIGINT, SIGTERM);
    stop_twice(SIGTERM, SIGINT);
    stop_twice(SIGHUP, SIGTERM);
}
