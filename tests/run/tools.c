/* SPDX-License-Identifier: MIT
 *
 * The programs as a user meets them: pinwheel (the dispatcher), pinwheel ctl, pinwheel doctor. Output and
 * exit codes.
 */
#include "control.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char g_dir[] = "/tmp/pinwheel-tools-XXXXXX";
static char g_output[65536]; /* of the last command, standard error included */

static void dir_make(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
    setenv("XDG_RUNTIME_DIR", g_dir, 1);
}

static void dir_remove(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", g_dir);
    cr_assert_eq(system(command), 0);
}

TestSuite(tools, .init = dir_make, .fini = dir_remove);

/* Runs `pinwheel <arguments>`: its exit code; its output is in g_output. */
static int run(const char *arguments)
{
    char command[1024];
    const char *bin = getenv("PINWHEEL_BIN");
    cr_assert_not_null(bin, "PINWHEEL_BIN must name the folder of the built programs");
    snprintf(command, sizeof command, "'%s/pinwheel' %s 2>&1", bin, arguments);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    size_t size = fread(g_output, 1, sizeof g_output - 1, pipe);
    g_output[size] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_output(const char *words)
{
    cr_expect_not_null(strstr(g_output, words), "wanted '%s', got:\n%s", words, g_output);
}

Test(tools, help_lists_the_commands)
{
    cr_expect_eq(run("--help"), 0);
    expect_output("usage: pinwheel <command>");
    expect_output("\n  run      start an engine");
    expect_output("\n  doctor   say what");
    expect_output("exit codes:");
    cr_expect_eq(run(""), 2);
    expect_output("usage: pinwheel <command>");
}

Test(tools, unknown_command_is_refused_with_a_guess)
{
    cr_expect_eq(run("docter --json"), 2);
    cr_expect_str_eq(
        g_output, "pinwheel: 'docter' is no command; did you mean 'doctor'? `pinwheel --help` lists them\n");
    cr_expect_eq(run("../../bin/sh"), 2, "only commands of the table are started");
    expect_output("is no command; `pinwheel --help` lists them");
}

Test(tools, command_gets_its_arguments_and_gives_its_exit_code)
{
    cr_expect_eq(run("ctl --help"), 0);
    expect_output("usage: pinwheel ctl");
    cr_expect_eq(run("ctl demo explode"), 2);
    cr_expect_eq(run("ctl demo status"), 3);
    cr_expect_str_eq(
        g_output, "pinwheel ctl: demo: this user runs no engine of that name (another user's is reached by "
                  "the path of its control socket)\n");
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

/* ---- ctl against a server that answers like an engine ---- */

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
    cr_assert_eq(pw_control_open(&server.control, "demo", error, sizeof error), 0, "%s", error);
    cr_assert_eq(pthread_create(&server.thread, NULL, server_main, &server), 0);
    cr_expect_eq(run("ctl demo status"), 0);
    cr_expect_str_eq(g_output, "state: running\nfills: 7\n");
    cr_expect_eq(run("ctl demo status --json"), 0);
    cr_expect_str_eq(g_output, "{\"ok\":true,\"state\":\"running\",\"fills\":7}\n");
    cr_expect_eq(run("ctl demo halt"), 0);
    cr_expect_str_eq(g_output, "demo: halt: done\n");
    cr_expect_str_eq(server.last, "halt");
    cr_expect_eq(run("ctl demo resume"), 1);
    expect_output("refused\nerror: the account is not reconciled\n");
    atomic_store(&server.stop, 1);
    pthread_join(server.thread, NULL);
    cr_expect_eq(run("ctl --timeout 50 --json demo status"), 4, "it hangs");
    expect_output("{\"ok\":false,\"error\":\"the engine does not answer");
    pw_control_close(&server.control);
    cr_expect_eq(run("ctl demo status"), 3);
}

/* ---- doctor on a host of files ---- */

static void host_file(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", g_dir, path);
    for (char *slash = strchr(whole + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    cr_assert_not_null(file, "%s", whole);
    fputs(text, file);
    fclose(file);
}

/* What doctor says of one thing on the host below g_dir. */
static void expect_verdict(const char *name, const char *verdict, const char *words)
{
    char arguments[512];
    snprintf(arguments, sizeof arguments, "doctor --json --sysroot '%s' --journal '%s'", g_dir, g_dir);
    run(arguments);
    json_t *all = json_loads(g_output, 0, NULL);
    cr_assert_not_null(all, "%s", g_output);
    size_t i;
    json_t *row;
    bool there = false;
    json_array_foreach(json_object_get(all, "checks"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
            there = true;
            const char *found = json_string_value(json_object_get(row, "found"));
            cr_expect_str_eq(json_string_value(json_object_get(row, "verdict")), verdict, "%s: %s", name,
                             found);
            cr_expect_not_null(strstr(found, words), "%s: wanted '%s', got '%s'", name, words, found);
            bool advised = strcmp(verdict, "advice") == 0 || strcmp(verdict, "bad") == 0;
            cr_expect_eq(json_object_get(row, "cost") != NULL, advised, "%s", name);
            cr_expect_eq(json_object_get(row, "change") != NULL, advised, "%s", name);
        }
    }
    cr_expect(there, "no check '%s'", name);
    json_decref(all);
}

Test(tools, doctor_judges_a_host_by_its_files)
{
    host_file("/sys/devices/system/cpu/isolated", "2-5\n");
    host_file("/sys/devices/system/cpu/nohz_full", "2-5\n");
    expect_verdict("isolation", "good", "isolated: 2-5; without timer tick: 2-5");
    host_file("/sys/devices/system/cpu/nohz_full", "(null)\n");
    expect_verdict("isolation", "advice", "without timer tick: none");
    host_file("/sys/devices/system/cpu/isolated", "\n");
    expect_verdict("isolation", "advice", "no processor is isolated");

    expect_verdict("hyperthreads", "unknown", "does not say");
    host_file("/sys/devices/system/cpu/smt/active", "1\n");
    expect_verdict("hyperthreads", "advice", "on");

    expect_verdict("governor", "unknown", "no frequency control");
    host_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    host_file("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
    expect_verdict("governor", "good", "performance on all 2 processors");
    host_file("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
    expect_verdict("governor", "advice", "'powersave' on 1 of 2 processors");

    host_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    expect_verdict("clock source", "good", "tsc");
    host_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    expect_verdict("clock source", "advice", "hpet");

    host_file(
        "/proc/meminfo",
        "MemTotal: 1 kB\nHugePages_Total:      64\nHugePages_Free:       60\nHugepagesize:       2048 kB\n");
    host_file("/proc/mounts", "none /proc proc rw 0 0\nnone /mnt/huge hugetlbfs rw,pagesize=2M 0 0\n");
    expect_verdict("huge pages", "good", "60 of 64 pages of 2048 kB are free; hugetlbfs at /mnt/huge");
    host_file("/proc/mounts", "none /proc proc rw 0 0\n");
    expect_verdict("huge pages", "advice", "hugetlbfs is not mounted");

    host_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
              "always within_size [advise] never deny force\n");
    expect_verdict("transparent", "good", "for shared memory: advise");
    host_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
              "always within_size advise [never] deny force\n");
    expect_verdict("transparent", "advice", "for shared memory: never");

    host_file("/proc/sys/kernel/io_uring_disabled", "2\n");
    expect_verdict("io_uring", "bad", "kernel.io_uring_disabled is 2");
}

Test(tools, doctors_exit_code_tells_bad_from_advice)
{
    char arguments[512];
    host_file("/sys/devices/system/cpu/smt/active", "1\n");
    snprintf(arguments, sizeof arguments, "doctor --strict --sysroot '%s'", g_dir);
    cr_expect_eq(run(arguments), 1, "advice, and strict");
    expect_output("hyperthreads  advice   on\n");
    expect_output("could be better");
    host_file("/proc/sys/kernel/io_uring_disabled", "1\n");
    snprintf(arguments, sizeof arguments, "doctor --sysroot '%s'", g_dir);
    cr_expect_eq(run(arguments), 1, "bad");
    cr_expect_eq(run("doctor --nonsense"), 2);
    cr_expect_eq(run("doctor --help"), 0);
}

Test(tools, doctor_warns_of_a_journal_in_memory)
{
    if (access("/dev/shm", W_OK) != 0) {
        cr_skip_test("no /dev/shm to be had");
    }
    cr_expect_eq(run("doctor --journal /dev/shm"), 1);
    expect_output("journal disk  bad      /dev/shm: tmpfs");
}
