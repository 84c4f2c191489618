/* SPDX-License-Identifier: MIT
 *
 * pw_assert: silent when it holds, one line and SIGABRT when it does not.
 */
#include "pw_assert.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void index_check(unsigned idx, unsigned cnt)
{
    pw_assert(idx < cnt && cnt != 0);
}
static const int index_check_line = __LINE__ - 2;

/* Runs it in a child; returns the wait status, and what was written to standard error. */
static int index_check_in_child(unsigned idx, unsigned cnt, char *text, size_t text_bytes)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL); /* Criterion's runner has a handler of its own */
        dup2(ends[1], STDERR_FILENO);
        index_check(idx, cnt);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got; len < text_bytes - 1 && (got = read(ends[0], text + len, text_bytes - 1 - len)) > 0;) {
        len += (size_t)got;
    }
    text[len] = '\0';
    close(ends[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

Test(pw_assert, a_condition_that_holds_is_silent)
{
    char text[512];
    int status = index_check_in_child(2, 3, text, sizeof text);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_str_empty(text);
}

Test(pw_assert, a_condition_that_does_not_hold_writes_its_place_and_text_and_aborts)
{
    char text[512], wanted[512];
    int status = index_check_in_child(3, 3, text, sizeof text);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    snprintf(wanted, sizeof wanted, "%s:%d: idx < cnt && cnt != 0\n", __FILE__, index_check_line);
    cr_assert_str_eq(text, wanted);
}

Test(pw_assert, is_one_statement)
{
    unsigned taken = 0;
    if (taken == 0)
        pw_assert(taken == 0);
    else
        taken = 2;
    cr_assert_eq(taken, 0u);
}
