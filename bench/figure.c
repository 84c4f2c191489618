/* SPDX-License-Identifier: MIT
 *
 * What a report says beside samples, rates and ratios: single figures with their unit, notes, and why it is
 * not judged.
 */
#include "bench.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pw_bench_add_figure(struct pw_bench_report *report, const struct pw_bench_figure *figure)
{
    if (report->figure_cnt < PW_BENCH_ROWS_MAX) {
        report->figures[report->figure_cnt++] = *figure;
    }
}

bool pw_bench_target_met(double value, double target, bool at_least)
{
    return at_least ? value >= target : value <= target;
}

void pw_bench_not_judged(struct pw_bench_report *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (report->not_judged[0] == '\0') {
        vsnprintf(report->not_judged, sizeof report->not_judged, format, args);
    }
    va_end(args);
}

void pw_bench_note(struct pw_bench_report *report, const char *format, ...)
{
    size_t used = strlen(report->note);
    if (used > 0 && used + 2 < sizeof report->note) {
        memcpy(report->note + used, "; ", 3);
        used += 2;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(report->note + used, sizeof report->note - used, format, args);
    va_end(args);
}
