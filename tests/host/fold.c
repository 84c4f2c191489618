/* SPDX-License-Identifier: MIT
 *
 * Folded lines: the first at once, the others counted, nothing lost, nothing without a bound.
 */
#include "fold.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define S_NS INT64_C(1000000000)

static char g_last[1024];
static uint32_t g_cnt;

static void take(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)state;
    (void)level;
    (void)times;
    g_cnt++;
    snprintf(g_last, sizeof g_last, "%s", text);
}

static void init(void)
{
    g_cnt = 0;
    pw_log_set_sink(take, NULL);
}

TestSuite(fold, .init = init);

Test(fold, first_at_once_then_one_line_with_the_count)
{
    static struct pw_fold fold;
    pw_fold_log(&fold, 0, PW_LOG_WARN, "a", 1, "denied: %s", "first");
    cr_assert_eq(g_cnt, 1);
    cr_expect_str_eq(g_last, "denied: first");
    for (int i = 0; i < 500; i++) {
        pw_fold_log(&fold, i * S_NS / 10, PW_LOG_WARN, "a", 1, "denied: %d", i);
        pw_fold_poll(&fold, i * S_NS / 10);
    }
    cr_expect_eq(g_cnt, 1);
    pw_fold_log(&fold, 59 * S_NS, PW_LOG_WARN, "b", 1, "another kind");
    cr_expect_eq(g_cnt, 2);
    pw_fold_poll(&fold, 60 * S_NS);
    cr_expect_eq(g_cnt, 3);
    cr_expect_str_eq(g_last, "denied: 499 [x500 more in 60 s, 501 so far]");
}

Test(fold, night_of_failures_is_a_few_lines_and_an_exact_count)
{
    static struct pw_fold fold;
    uint64_t cnt = 0;
    for (int64_t s = 0; s < 8 * 3600; s++, cnt += 3) {
        pw_fold_log(&fold, s * S_NS, PW_LOG_ERROR, "a", 3, "again");
        pw_fold_poll(&fold, s * S_NS);
    }
    cr_expect_leq(g_cnt, 16);
    cr_expect_geq(g_cnt, 12);
    pw_fold_end(&fold, 8 * 3600 * S_NS);
    char all[64];
    snprintf(all, sizeof all, ", %llu so far]", (unsigned long long)cnt);
    cr_expect_not_null(strstr(g_last, all), "%s", g_last);
}

Test(fold, what_has_ended_begins_anew)
{
    static struct pw_fold fold;
    pw_fold_log(&fold, 0, PW_LOG_WARN, "a", 1, "stale");
    pw_fold_poll(&fold, 60 * S_NS);
    cr_expect_eq(g_cnt, 1, "nothing is owed");
    pw_fold_log(&fold, 61 * S_NS, PW_LOG_WARN, "a", 1, "stale");
    cr_expect_eq(g_cnt, 2);
    pw_fold_end(&fold, 62 * S_NS);
    cr_expect_eq(g_cnt, 2);
}

Test(fold, full_table_writes_each_line)
{
    static struct pw_fold fold;
    char key[16];
    for (uint32_t i = 0; i < PW_FOLD_ROWS; i++) {
        snprintf(key, sizeof key, "%u", i);
        pw_fold_log(&fold, 0, PW_LOG_WARN, key, 1, "kind %u", i);
    }
    pw_fold_log(&fold, 0, PW_LOG_WARN, "more", 1, "one more");
    pw_fold_log(&fold, 0, PW_LOG_WARN, "more", 2, "one more");
    cr_expect_eq(g_cnt, PW_FOLD_ROWS + 2);
    cr_expect_eq(pw_fold_mark(g_last) - g_last, (long)strlen("one more"));
}

Test(fold, long_keys_and_texts_are_cut)
{
    static struct pw_fold fold;
    char key[300], text[2000];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    pw_fold_log(&fold, 0, PW_LOG_WARN, key, 1, "%s", text);
    pw_fold_log(&fold, 0, PW_LOG_WARN, key, 1, "%s", text);
    cr_expect_eq(g_cnt, 1, "one kind");
    cr_expect_lt(strlen(g_last), PW_FOLD_TEXT_BYTES);
}
