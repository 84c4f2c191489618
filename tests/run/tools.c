/* SPDX-License-Identifier: MIT
 *
 * The programs as a user meets them: pinwheel (the dispatcher), pinwheel ctl. Output and exit codes.
 */
#include "command.h"
#include "control.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(tools, .init = dir_make, .fini = dir_remove);

Test(tools, help_lists_the_commands)
{
    cr_expect_eq(run("--help"), 0);
    expect_output("usage: pinwheel VERB [OBJECT] [options]");
    expect_output("\n  run       ");
    expect_output("\n  doctor    ");
    expect_output("exit codes:");
    cr_expect_eq(run(""), 2);
    expect_output("usage: pinwheel VERB");
}

Test(tools, help_and_version_are_the_same_for_all)
{
    static const char *const verbs[] = {"ctl", "doctor"};
    cr_expect_eq(run("version"), 0);
    char version[64];
    snprintf(version, sizeof version, "%.63s", g_output);
    cr_expect_eq(run("--version"), 0);
    cr_expect_str_eq(g_output, version);
    cr_expect_eq(run("-V"), 0);
    cr_expect_str_eq(g_output, version);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        char arguments[64], usage[64];
        snprintf(arguments, sizeof arguments, "help %s", verbs[i]);
        snprintf(usage, sizeof usage, "usage: pinwheel %s ", verbs[i]);
        cr_expect_eq(run(arguments), 0);
        expect_output(usage);
        snprintf(arguments, sizeof arguments, "%s --help", verbs[i]);
        cr_expect_eq(run(arguments), 0);
        expect_output(usage);
        snprintf(arguments, sizeof arguments, "%s --version", verbs[i]);
        cr_expect_eq(run(arguments), 0);
        cr_expect_str_eq(g_output, version);
    }
    cr_expect_eq(run("help nonsense"), 2);
    cr_expect_eq(run("help doctor nonsense"), 2);
}

Test(tools, unknown_command_is_refused_with_a_guess)
{
    cr_expect_eq(run("docter --json"), 2);
    cr_expect_str_eq(g_output, "pinwheel: unknown command 'docter'; did you mean 'doctor'?\n");
    cr_expect_eq(run("../../bin/sh"), 2, "only commands of the table are started");
    /* cases/newcomer.md, 33 and "Inconsistencies" */
    cr_expect_eq(run("helpp"), 2);
    expect_output("did you mean 'help'?");
    cr_expect_eq(run("--verison"), 2);
    expect_output("pinwheel: unknown option '--verison'; did you mean '--version'?");
    cr_expect_eq(run("-x"), 2);
    expect_output("pinwheel: unknown option '-x'");
    cr_expect_eq(run("version x"), 2);
    cr_expect_eq(run("help version"), 0);
}

Test(tools, command_gets_its_arguments_and_gives_its_exit_code)
{
    cr_expect_eq(run("ctl --help"), 0);
    expect_output("usage: pinwheel ctl");
    cr_expect_eq(run("ctl tools-test explode"), 2);
    cr_expect_eq(run("ctl tools-test status"), 3);
    expect_output("pinwheel ctl: tools-test: ");
    cr_expect_eq(run("ctl status tools-test"), 3, "the command may stand before its object");
    expect_output("pinwheel ctl: tools-test: ");
}

/* cases/newcomer.md, 26 and 29 */
Test(tools, wrong_use_is_found_before_anything_is_done)
{
    cr_expect_eq(run("bench ring --cores 100000"), 2);
    expect_output("pinwheel bench: --cores: ");
    cr_expect_eq(run("bench rng"), 2);
    expect_output("did you mean 'ring'?");
    cr_expect_eq(run("run one.yaml two.yaml"), 2);
    expect_output("pinwheel run: ");
    cr_expect_eq(run("top --list one"), 2);
    expect_output("pinwheel top: --list takes no INSTANCE");
    cr_expect_eq(run("sim --jsn"), 2);
    expect_output("pinwheel sim: unknown option '--jsn'");
}

/* cases/newcomer.md, "Inconsistencies": a config's faults, too. */
Test(tools, errors_begin_with_the_command)
{
    static const char *const lines[] = {"run nope.yaml", "run --check /dev/null", "sim nope.yaml",
                                        "sim /dev/null", "doctor nope.yaml"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char start[64];
        snprintf(start, sizeof start, "pinwheel %.*s: ", (int)strcspn(lines[i], " "), lines[i]);
        cr_expect_eq(run(lines[i]), 3);
        for (const char *at = g_output; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
            cr_expect(strncmp(at, start, strlen(start)) == 0, "%s", at);
        }
    }
}

Test(tools, command_without_its_program_is_127)
{
    char command[256];
    snprintf(command, sizeof command, "cp '%s/pinwheel' '%s/'", getenv("PINWHEEL_BIN"), g_dir);
    cr_assert_eq(system(command), 0);
    setenv("PINWHEEL_BIN", g_dir, 1);
    cr_expect_eq(run("top"), 127);
    expect_output("pinwheel-top: No such file or directory; build or install it");
}

/* ---- ctl against a server that answers like an engine ----
 *
 * Of a name that no engine has: ctl looks in /tmp, too, where one that runs on this host may have its socket.
 */

struct server {
    struct pw_control control;
    pthread_t thread;
    _Atomic int stop;
    char last[64];
};

static void answer(void *state, const char *request, char *text, size_t text_bytes)
{
    struct server *server = state;
    snprintf(server->last, sizeof server->last, "%s", request);
    if (strcmp(request, "status") == 0) {
        snprintf(text, text_bytes, "{\"ok\":true,\"state\":\"running\",\"fills\":7}");
    } else if (strcmp(request, "resume") == 0) {
        snprintf(text, text_bytes, "{\"ok\":false,\"error\":\"the account is not reconciled\"}");
    } else {
        atomic_store(&server->stop, strcmp(request, "stop") == 0);
        snprintf(text, text_bytes, "{\"ok\":true}");
    }
}

static void *server_main(void *arg)
{
    struct server *server = arg;
    const struct pw_control_handler handler = {.answer = answer, .state = server};
    while (!atomic_load(&server->stop)) {
        pw_control_poll(&server->control, &handler);
        usleep(500);
    }
    return NULL;
}

Test(tools, ctl_shows_what_the_engine_answers)
{
    struct server server = {.stop = 0};
    char error[256];
    cr_assert_eq(pw_control_open(&server.control, "tools-test", error, sizeof error), 0, "%s", error);
    cr_assert_eq(pthread_create(&server.thread, NULL, server_main, &server), 0);
    cr_expect_eq(run("ctl tools-test status"), 0);
    cr_expect_str_eq(g_output, "state: running\nfills: 7\n");
    cr_expect_eq(run("ctl tools-test status --json"), 0);
    cr_expect_str_eq(g_output, "{\"ok\":true,\"state\":\"running\",\"fills\":7}\n");
    cr_expect_eq(run("ctl tools-test halt"), 0);
    cr_expect_str_eq(g_output, "tools-test: halt: done\n");
    cr_expect_str_eq(server.last, "halt");
    cr_expect_eq(run("ctl tools-test resume"), 1);
    expect_output("rejected\nerror: the account is not reconciled\n");
    atomic_store(&server.stop, 1);
    pthread_join(server.thread, NULL);
    cr_expect_eq(run("ctl --timeout 50 --json tools-test status"), 4, "it hangs");
    expect_output("{\"ok\":false,\"error\":\"");
    pw_control_close(&server.control);
    cr_expect_eq(run("ctl tools-test status"), 3);
}

/* An engine that takes a while to end. */
static void *ending_main(void *arg)
{
    struct server *server = arg;
    server_main(server);
    usleep(300000);
    pw_control_close(&server->control);
    return NULL;
}

Test(tools, ctl_stop_waits_for_the_end)
{
    struct server server = {.stop = 0};
    char error[256];
    cr_assert_eq(pw_control_open(&server.control, "tools-test", error, sizeof error), 0, "%s", error);
    cr_assert_eq(pthread_create(&server.thread, NULL, ending_main, &server), 0);
    cr_expect_eq(run("ctl tools-test stop --timeout 5000"), 0);
    cr_expect_eq(run("ctl tools-test status"), 3, "it has ended: another of its name can be started");
    pthread_join(server.thread, NULL);
    cr_expect_eq(run("ctl tools-test halt --no-wait"), 2, "only stop waits");
}

Test(tools, ctl_stop_need_not_wait)
{
    struct server server = {.stop = 0};
    char error[256];
    cr_assert_eq(pw_control_open(&server.control, "tools-test", error, sizeof error), 0, "%s", error);
    cr_assert_eq(pthread_create(&server.thread, NULL, ending_main, &server), 0);
    cr_expect_eq(run("ctl tools-test stop --no-wait"), 0);
    cr_expect_eq(run("ctl tools-test status --timeout 50"), 4, "it has not ended yet");
    pthread_join(server.thread, NULL);
}
