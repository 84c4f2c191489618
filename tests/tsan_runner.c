/* SPDX-License-Identifier: MIT
 *
 * Runs Criterion tests under the thread sanitizer, in place of libcriterion.
 *
 * Criterion's sandbox maps its arena at addresses that the sanitizer keeps for its shadow, and gives up
 * ("Could not initialize inheritable arena"). This stands in for the part of libcriterion that pinwheel's
 * tests use: it finds the tests in the section where Criterion's headers put them, runs each in a forked
 * child, and reports in TAP. A test that uses more of Criterion than this does not link in a build with
 * -Db_sanitize=thread: add to it here.
 */
#include <criterion/criterion.h>
#include <criterion/internal/parameterized.h>
#include <criterion/logging.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_BYTES 256
/* The sanitizer slows memory accesses down 5 to 15 times (its documentation); a test's own limit is for full
 * speed. */
#define TIMEOUT_FACTOR 15

/* What a child tells its parent; in memory that both map. */
struct outcome {
    int skipped;
    int failed_cnt;
    char text[TEXT_BYTES];
};

/* Bounds of the sections, made by the linker. Weak: a program may have no suites. */
extern struct criterion_test *const __start_cr_tst[] __attribute__((weak));
extern struct criterion_test *const __stop_cr_tst[] __attribute__((weak));
extern struct criterion_suite *const __start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *const __stop_cr_sts[] __attribute__((weak));

struct criterion_options criterion_options;

static struct outcome *outcome;
static const struct criterion_test *running;
static void *running_param;
static int redirected_fds[3];

static const struct criterion_test_extra_data *suite_data(const struct criterion_test *test)
{
    static const struct criterion_test_extra_data none;

    for (struct criterion_suite *const *suite = __start_cr_sts; suite < __stop_cr_sts; suite++) {
        if (*suite && strcmp((*suite)->name, test->category) == 0)
            return (*suite)->data;
    }
    return &none;
}

/* ---- what Criterion's macros call, in the child ---- */

void criterion_internal_test_setup(void)
{
    const struct criterion_test_extra_data *suite = suite_data(running);

    if (suite->init)
        suite->init();
    if (running->data->init)
        running->data->init();
}

void criterion_internal_test_main(void (*function)(void))
{
    if (running->data->kind_ == CR_TEST_PARAMETERIZED)
        ((void (*)(void *))(void *)function)(running_param);
    else
        function();
}

void criterion_internal_test_teardown(void)
{
    const struct criterion_test_extra_data *suite = suite_data(running);

    if (running->data->fini)
        running->data->fini();
    if (suite->fini)
        suite->fini();
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    if (stats->passed)
        return;
    fprintf(stderr, "%s:%u: assertion failed: %s\n", stats->file, stats->line, stats->message);
    __atomic_fetch_add(&outcome->failed_cnt, 1, __ATOMIC_RELAXED);
}

void cri_asserts_passed_incr(void)
{
}

void criterion_continue_test(void)
{
}

void criterion_abort_test(void)
{
    fflush(NULL);
    _exit(1);
}

void criterion_skip_test(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(outcome->text, TEXT_BYTES, format, args);
    va_end(args);
    outcome->skipped = 1;
    fflush(NULL);
    _exit(0);
}

void criterion_test_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    criterion_abort_test();
}

void cr_log(enum criterion_severity severity, const char *format, ...)
{
    va_list args;

    (void)severity;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

/* The messages' arguments depend on msg_idx; where and what was compared says enough here. */
char *cr_translate_assert_msg(int msg_idx, ...)
{
    va_list args;
    const char *expression;

    va_start(args, msg_idx);
    expression = va_arg(args, const char *);
    va_end(args);
    return strdup(expression ? expression : "");
}

int cr_asprintf(char **text, const char *format, ...)
{
    va_list args;
    int text_bytes;

    va_start(args, format);
    text_bytes = vasprintf(text, format, args);
    va_end(args);
    return text_bytes;
}

void cr_asprintf_free(char *text)
{
    free(text);
}

void *cr_malloc(size_t bytes)
{
    return malloc(bytes);
}

void *cr_calloc(size_t cnt, size_t bytes)
{
    return calloc(cnt, bytes);
}

void *cr_realloc(void *memory, size_t bytes)
{
    return realloc(memory, bytes);
}

void cr_free(void *memory)
{
    free(memory);
}

/* Sends what is written to fd into a file in memory, which stays readable when the test closes fd. */
static void redirect(int fd)
{
    fflush(NULL);
    redirected_fds[fd] = memfd_create("redirected", MFD_CLOEXEC);
    if (redirected_fds[fd] < 0 || dup2(redirected_fds[fd], fd) < 0)
        criterion_test_die("cannot redirect: %m\n");
}

/* What fd has taken so far, from its start. */
static FILE *redirected(int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", redirected_fds[fd]);
    return fopen(path, "r");
}

void cr_redirect_stdout(void)
{
    redirect(STDOUT_FILENO);
}

void cr_redirect_stderr(void)
{
    redirect(STDERR_FILENO);
}

FILE *cr_get_redirected_stdout(void)
{
    fflush(stdout);
    return redirected(STDOUT_FILENO);
}

FILE *cr_get_redirected_stderr(void)
{
    return redirected(STDERR_FILENO);
}

/* ---- the runner, in the parent ---- */

static void run_child(void)
{
    double limit_s = running->data->timeout > 0 ? running->data->timeout : suite_data(running)->timeout;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (limit_s > 0)
        alarm((unsigned)ceil(limit_s * TIMEOUT_FACTOR));
    running->test();
    fflush(NULL);
    _exit(outcome->failed_cnt > 0 ? 1 : running->data->exit_code);
}

/* True if the child ended as its test wants; else says why in outcome->text. */
static bool ended_well(int status)
{
    const struct criterion_test_extra_data *data = running->data;

    if (WIFSIGNALED(status)) {
        snprintf(outcome->text, TEXT_BYTES, "signal %d", WTERMSIG(status));
        return WTERMSIG(status) == data->signal;
    }
    snprintf(outcome->text, TEXT_BYTES, "exit code %d, %d assertions failed", WEXITSTATUS(status),
             outcome->failed_cnt);
    return data->signal == 0 && WEXITSTATUS(status) == data->exit_code && outcome->failed_cnt == 0;
}

/* Runs one test, or one set of parameters of it; prints its line. True unless it failed. */
static bool run_one(void)
{
    int status = 0;
    pid_t child;

    memset(outcome, 0, sizeof(*outcome));
    fflush(NULL);
    child = fork();
    if (child == 0)
        run_child();
    if (child < 0 || waitpid(child, &status, 0) != child) {
        printf("not ok - %s::%s cannot run it\n", running->category, running->name);
        return false;
    }
    if (outcome->skipped && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        printf("ok - %s::%s # SKIP %s\n", running->category, running->name, outcome->text);
        return true;
    }
    if (!ended_well(status)) {
        printf("not ok - %s::%s %s\n", running->category, running->name, outcome->text);
        return false;
    }
    printf("ok - %s::%s\n", running->category, running->name);
    return true;
}

static bool run_test(int *ran_cnt)
{
    struct criterion_test_params params = {.length = 1};
    bool good = true;

    if (running->data->disabled || suite_data(running)->disabled) {
        printf("ok - %s::%s # SKIP disabled\n", running->category, running->name);
        (*ran_cnt)++;
        return true;
    }
    if (running->data->kind_ == CR_TEST_PARAMETERIZED)
        params = running->data->param_();
    for (size_t param_idx = 0; param_idx < params.length; param_idx++) {
        running_param = (char *)params.params + param_idx * params.size;
        good = run_one() && good;
        (*ran_cnt)++;
    }
    if (params.cleanup)
        params.cleanup(&params);
    return good;
}

int main(void)
{
    bool good = true;
    int ran_cnt = 0;

    outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    printf("TAP version 13\n");
    for (struct criterion_test *const *test = __start_cr_tst; test < __stop_cr_tst; test++) {
        /* The section may hold empty slots, where the linker aligned its parts. */
        if (!*test)
            continue;
        running = *test;
        good = run_test(&ran_cnt) && good;
    }
    printf("1..%d\n", ran_cnt);
    return good ? 0 : 1;
}
