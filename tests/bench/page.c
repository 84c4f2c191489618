/* SPDX-License-Identifier: MIT
 *
 * The page of charts, and the quantiles that all reports are made of.
 */
#include "html.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct pw_bench some_bench = {.name = "some", .what = "a < b & c"};

static char *page_of(const struct pw_bench_report *report, const char *failure)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *machine = json_pack("{s:s, s:[i,i]}", "cpu", "<script>", "cores_used", 0, 1);
    html_begin(out, machine);
    if (report != NULL) {
        html_bench(out, &some_bench, report);
    }
    if (failure != NULL) {
        html_failure(out, &some_bench, failure);
    }
    html_end(out);
    fclose(out);
    json_decref(machine);
    return text;
}

static size_t count_of(const char *text, const char *what)
{
    size_t cnt = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) {
        cnt++;
    }
    return cnt;
}

Test(page, shows_every_row_and_closes_what_it_opens)
{
    static struct pw_bench_report report;
    double samples[8] = {5, 4, 3, 2, 1, 8, 7, 6};
    for (int i = 0; i < 7; i++) { /* more than one chart holds */
        char name[PW_BENCH_NAME_BYTES];
        snprintf(name, sizeof name, "latency %d", i);
        pw_bench_add_latency(&report, "id", name, 4.5, samples, 8);
    }
    pw_bench_add_rate(&report, "rate", "rate", 2e6);
    pw_bench_add_ratio(&report,
                       &(struct pw_bench_value){.name = "ours", .of = "theirs", .value = 2, .target = 1.5});
    pw_bench_add_figure(&report, &(struct pw_bench_value){.name = "figure", .of = "ns", .value = 3});
    pw_bench_note(&report, "a note with <b>");
    char *page = page_of(&report, NULL);
    cr_expect_not_null(strstr(page, "latency 6"));
    cr_expect_not_null(strstr(page, "ours : theirs"));
    cr_expect_not_null(strstr(page, "2.00 million"));
    cr_expect_not_null(strstr(page, "target: at most 1.50"));
    cr_expect_not_null(strstr(page, "a note with &lt;b&gt;"));
    cr_expect_not_null(strstr(page, "a &lt; b &amp; c"));
    cr_expect_null(strstr(page, "<script"), "what comes from the host is text");
    cr_expect_eq(count_of(page, "<svg"), 5, "two charts of percentiles, ratios, figures, rates");
    static const char *const tags[] = {"svg", "table", "div", "p", "tr", "text"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        char open[16], open_with[16], closed[16];
        snprintf(open, sizeof open, "<%s>", tags[i]);
        snprintf(open_with, sizeof open_with, "<%s ", tags[i]);
        snprintf(closed, sizeof closed, "</%s>", tags[i]);
        cr_expect_eq(count_of(page, open) + count_of(page, open_with), count_of(page, closed), "%s", tags[i]);
    }
    free(page);
}

/* cases/newcomer.md, 9 */
Test(page, says_that_targets_are_not_judged)
{
    static struct pw_bench_report report;
    pw_bench_add_ratio(&report, &(struct pw_bench_value){.id = "a_vs_b", .value = 1, .target = 1.5});
    char *page = page_of(&report, NULL);
    cr_expect_null(strstr(page, "not judged"));
    cr_expect_not_null(strstr(page, "fill=\"var(--good)\""));
    free(page);
    pw_bench_not_judged(&report, "%u ticks < lost", 7);
    pw_bench_not_judged(&report, "the first reason stays");
    page = page_of(&report, NULL);
    cr_expect_not_null(strstr(page, "not judged: 7 ticks &lt; lost<"));
    cr_expect_null(strstr(page, "fill=\"var(--good)\""));
    free(page);
}

Test(page, tells_what_could_not_be_run)
{
    char *page = page_of(NULL, "one core & no more");
    cr_expect_not_null(strstr(page, "Not run: one core &amp; no more"));
    free(page);
}

Test(page, quantile_is_the_smallest_sample_that_covers_the_share)
{
    double samples[1000];
    for (int i = 0; i < 1000; i++) {
        samples[i] = i + 1;
    }
    cr_expect_eq(pw_bench_quantile(samples, 1000, 0.5), 500);
    cr_expect_eq(pw_bench_quantile(samples, 1000, 0.99), 990);
    cr_expect_eq(pw_bench_quantile(samples, 1000, 0.999), 999);
    cr_expect_eq(pw_bench_quantile(samples, 1000, 0.9999), 1000);
    cr_expect_eq(pw_bench_quantile(samples, 1000, 1), 1000);
    cr_expect_eq(pw_bench_quantile(samples, 1, 0.5), 1);
}
