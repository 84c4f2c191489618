/* SPDX-License-Identifier: MIT
 *
 * The reader of callgrind's counts.
 */
#include "callgrind.h"

#include <criterion/criterion.h>
#include <string.h>

static bool read_text(struct callgrind *counts, const char *text)
{
    FILE *in = fmemopen((void *)text, strlen(text), "r");
    bool good = callgrind_read(counts, in);
    fclose(in);
    return good;
}

#define HEAD "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npositions: line\nevents: Ir\n\n"

Test(callgrind, calls_and_inclusive_costs_add_up_over_callers)
{
    struct callgrind counts;
    cr_assert(read_text(&counts, HEAD "fl=(1) a.c\nfn=(1) main\n0 5\ncfn=(2) work\ncalls=3 0\n0 30\n+1 7\n"
                                      "\nfn=(3) other\n0 1\ncfi=(2) b.c\ncfn=(2)\ncalls=1 4\n* 12\n"));
    const struct callgrind_function *work = callgrind_find(&counts, "work");
    cr_assert_not_null(work);
    cr_expect_eq(work->calls, 4);
    cr_expect_eq(work->instructions, 42);
    cr_expect_null(callgrind_find(&counts, "main"), "nobody called it");
    cr_expect_null(callgrind_find(&counts, "wor"));
    callgrind_free(&counts);
}

Test(callgrind, what_a_function_calls_of_itself_counts_once)
{
    struct callgrind counts;
    cr_assert(read_text(&counts, HEAD "fn=(1) main\n0 5\ncfn=(2) walk\ncalls=1 0\n0 100\n"
                                      "fn=(2)\n0 20\ncfn=(2)\ncalls=4 0\n0 80\n"));
    cr_expect_eq(callgrind_find(&counts, "walk")->calls, 1);
    cr_expect_eq(callgrind_find(&counts, "walk")->instructions, 100);
    callgrind_free(&counts);
}

/* Counting may begin while functions run. */
Test(callgrind, what_was_called_before_costs_and_is_no_call)
{
    struct callgrind counts;
    cr_assert(read_text(&counts, HEAD "fn=(1) main\ncfn=(2) walk\ncalls=0 0\n0 100\ncalls=2 0\n0 7\n"));
    cr_expect_eq(callgrind_find(&counts, "walk")->calls, 2);
    cr_expect_eq(callgrind_find(&counts, "walk")->instructions, 107);
    callgrind_free(&counts);
}

Test(callgrind, what_is_no_count_is_refused)
{
    static const char *const wrong[] = {"x\n",
                                        "# callgrind format\n",
                                        HEAD "fn=main\n",
                                        HEAD "fn=(99999999999) main\n",
                                        HEAD "fn=(1) main\ncfn=(2) f\ncalls=x 0\n",
                                        HEAD "fn=(1) main\ncfn=(2) f\ncalls=1 0\nx\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct callgrind counts;
        cr_expect_not(read_text(&counts, wrong[i]), "%zu", i);
        cr_expect_null(counts.functions);
    }
}
