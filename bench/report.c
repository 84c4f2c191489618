/* SPDX-License-Identifier: MIT
 *
 * A report: rows out of samples, notes, and why it is not judged.
 */
#include "bench.h"
#include <pinwheel/histogram.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct pw_bench_point pw_bench_points[PW_BENCH_POINTS] = {
    {"p50", "p50_ns", 0.5},       {"p90", "p90_ns", 0.9},          {"p99", "p99_ns", 0.99},
    {"p99.9", "p99_9_ns", 0.999}, {"p99.99", "p99_99_ns", 0.9999}, {"max", "max_ns", 1}};

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void pw_bench_sort(double *values, size_t value_cnt)
{
    qsort(values, value_cnt, sizeof *values, double_compare);
}

double pw_bench_median(double *values, size_t value_cnt)
{
    if (value_cnt == 0) {
        return 0;
    }
    pw_bench_sort(values, value_cnt);
    return (values[(value_cnt - 1) / 2] + values[value_cnt / 2]) / 2;
}

double pw_bench_median_ratio(const double *values, const double *baselines, size_t round_cnt)
{
    double ratios[PW_BENCH_ROWS_MAX];
    for (size_t i = 0; i < round_cnt; i++) {
        ratios[i] = values[i] / baselines[i];
    }
    return pw_bench_median(ratios, round_cnt);
}

double pw_bench_quantile(const double *sorted, size_t cnt, double share)
{
    size_t rank = (size_t)(share * (double)cnt + 0.999999);
    return sorted[rank == 0 ? 0 : rank > cnt ? cnt - 1 : rank - 1];
}

double pw_bench_block_mean(const double *samples, size_t sample_cnt, size_t block)
{
    size_t block_cnt = sample_cnt / block;
    double *means = malloc((block_cnt + 1) * sizeof *means);
    if (means == NULL) {
        return 0;
    }
    for (size_t i = 0; i < block_cnt; i++) {
        double sum = 0;
        for (size_t k = 0; k < block; k++) {
            sum += samples[i * block + k];
        }
        means[i] = sum / (double)block;
    }
    double typical = pw_bench_median(means, block_cnt);
    free(means);
    return typical;
}

void pw_bench_add_latency(struct pw_bench_report *report, const char *id, const char *name,
                          double block_mean_ns, double *samples_ns, size_t sample_cnt)
{
    if (report->latency_cnt == PW_BENCH_ROWS_MAX || sample_cnt == 0) {
        return;
    }
    struct pw_bench_latency *row = &report->latencies[report->latency_cnt++];
    snprintf(row->id, sizeof row->id, "%s", id);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->sample_cnt = sample_cnt;
    row->block_mean_ns = block_mean_ns;
    pw_bench_sort(samples_ns, sample_cnt);
    for (int i = 0; i < PW_BENCH_POINTS; i++) {
        row->points_ns[i] = pw_bench_quantile(samples_ns, sample_cnt, pw_bench_points[i].share);
    }
}

void pw_bench_add_histogram(struct pw_bench_report *report, const char *id, const char *name,
                            const struct pw_histogram *histogram)
{
    if (report->latency_cnt == PW_BENCH_ROWS_MAX || histogram->count == 0) {
        return;
    }
    struct pw_bench_latency *row = &report->latencies[report->latency_cnt++];
    snprintf(row->id, sizeof row->id, "%s", id);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->sample_cnt = histogram->count;
    for (int i = 0; i < PW_BENCH_POINTS; i++) {
        row->points_ns[i] = (double)pw_histogram_quantile_ns(histogram, pw_bench_points[i].share);
    }
    row->block_mean_ns = row->points_ns[0];
}

void pw_bench_add_rate(struct pw_bench_report *report, const char *id, const char *name, double per_s)
{
    if (report->rate_cnt < PW_BENCH_ROWS_MAX) {
        struct pw_bench_rate *row = &report->rates[report->rate_cnt++];
        snprintf(row->id, sizeof row->id, "%s", id);
        snprintf(row->name, sizeof row->name, "%s", name);
        row->per_s = per_s;
    }
}

void pw_bench_add_ratio(struct pw_bench_report *report, const struct pw_bench_value *ratio)
{
    if (report->ratio_cnt < PW_BENCH_ROWS_MAX) {
        report->ratios[report->ratio_cnt++] = *ratio;
    }
}

void pw_bench_add_figure(struct pw_bench_report *report, const struct pw_bench_value *figure)
{
    if (report->figure_cnt < PW_BENCH_ROWS_MAX) {
        report->figures[report->figure_cnt++] = *figure;
    }
}

bool pw_bench_target_met(const struct pw_bench_value *row)
{
    return row->at_least ? row->value >= row->target : row->value <= row->target;
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
