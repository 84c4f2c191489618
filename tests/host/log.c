/* SPDX-License-Identifier: MIT
 *
 * The log: one whole line a call, bounded, without control bytes, filtered by level, handed to the sink.
 */
#include "host.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What reached standard error since `redirect`, zero-terminated. */
static void captured(char *text, size_t text_bytes)
{
    fflush(stderr);
    size_t size = fread(text, 1, text_bytes - 1, cr_get_redirected_stderr());
    text[size] = '\0';
}

static void redirect(void)
{
    cr_redirect_stderr();
}

TestSuite(log, .init = redirect);

Test(log, line_is_time_level_message)
{
    char text[4096];
    pw_log(PW_LOG_WARN, "ring %s is %d %% full", "parse.strategy", 90);
    fclose(stderr);
    captured(text, sizeof text);
    regex_t line;
    cr_assert_eq(
        regcomp(
            &line,
            "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z warn ring parse.strategy is 90 % full\n$",
            REG_EXTENDED | REG_NOSUB),
        0);
    cr_expect_eq(regexec(&line, text, 0, NULL, 0), 0, "got: %s", text);
    regfree(&line);
}

Test(log, control_bytes_cannot_forge_lines)
{
    char text[4096];
    pw_log(PW_LOG_ERROR, "venue says: %s", "bye\n2024-01-01T00:00:00Z info all is well\x1b[2J\r\x7f.");
    fclose(stderr);
    captured(text, sizeof text);
    char *newline = strchr(text, '\n');
    cr_assert_not_null(newline);
    cr_expect_eq(newline[1], '\0', "one line only");
    cr_expect_null(strpbrk(text, "\x1b\r\x7f"));
    cr_expect_not_null(strstr(text, "bye 2024-01-01T00:00:00Z info all is well [2J  ."));
}

Test(log, long_message_is_cut_and_says_so)
{
    char text[4096];
    char message[3000];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    pw_log(PW_LOG_ERROR, "%s", message);
    fclose(stderr);
    captured(text, sizeof text);
    cr_expect_leq(strlen(text), 1024);
    cr_expect_str_eq(text + strlen(text) - 5, "x...\n");
}

Test(log, debug_is_silent_unless_asked_for)
{
    char text[4096];
    unsetenv("PINWHEEL_LOG");
    pw_log(PW_LOG_DEBUG, "not to be seen");
    pw_log(PW_LOG_INFO, "to be seen");
    fclose(stderr);
    captured(text, sizeof text);
    cr_expect_null(strstr(text, "not to be seen"));
    cr_expect_not_null(strstr(text, " info to be seen\n"));
}

Test(log, level_comes_from_the_environment)
{
    char text[4096];
    setenv("PINWHEEL_LOG", "error", 1);
    pw_log(PW_LOG_WARN, "hidden");
    pw_log(PW_LOG_ERROR, "shown");
    fclose(stderr);
    captured(text, sizeof text);
    cr_expect_null(strstr(text, "hidden"));
    cr_expect_not_null(strstr(text, " error shown\n"));
}

struct seen {
    int cnt;
    enum pw_log_level level;
    char text[64];
};

static void sink(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)times;
    struct seen *seen = state;
    seen->cnt++;
    seen->level = level;
    snprintf(seen->text, sizeof seen->text, "%s", text);
    pw_log(PW_LOG_ERROR, "the sink itself failed");
}

Test(log, sink_gets_each_line_and_may_log_itself)
{
    struct seen seen = {0};
    pw_log_set_sink(sink, &seen);
    errno = ENOSPC;
    pw_log(PW_LOG_WARN, "disk %d", 7);
    cr_expect_eq(errno, ENOSPC, "errno is kept");
    cr_expect_eq(seen.cnt, 1);
    cr_expect_eq(seen.level, PW_LOG_WARN);
    cr_expect_str_eq(seen.text, "disk 7");
    pw_log_set_sink(NULL, NULL);
    pw_log(PW_LOG_WARN, "nobody hears");
    cr_expect_eq(seen.cnt, 1);
}
