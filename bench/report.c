/* SPDX-License-Identifier: MIT
 *
 * Rows of a report, out of samples.
 */
#include "bench.h"
#include <pinwheel/histogram.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    row->p50_ns = pw_bench_quantile(samples_ns, sample_cnt, 0.5);
    row->p90_ns = pw_bench_quantile(samples_ns, sample_cnt, 0.9);
    row->p99_ns = pw_bench_quantile(samples_ns, sample_cnt, 0.99);
    row->p99_9_ns = pw_bench_quantile(samples_ns, sample_cnt, 0.999);
    row->p99_99_ns = pw_bench_quantile(samples_ns, sample_cnt, 0.9999);
    row->max_ns = samples_ns[sample_cnt - 1];
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
    row->p50_ns = (double)pw_histogram_quantile_ns(histogram, 0.5);
    row->p90_ns = (double)pw_histogram_quantile_ns(histogram, 0.9);
    row->p99_ns = (double)pw_histogram_quantile_ns(histogram, 0.99);
    row->p99_9_ns = (double)pw_histogram_quantile_ns(histogram, 0.999);
    row->p99_99_ns = (double)pw_histogram_quantile_ns(histogram, 0.9999);
    row->max_ns = (double)pw_histogram_quantile_ns(histogram, 1);
    row->block_mean_ns = row->p50_ns;
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

void pw_bench_add_ratio(struct pw_bench_report *report, const struct pw_bench_ratio *ratio)
{
    if (report->ratio_cnt < PW_BENCH_ROWS_MAX) {
        report->ratios[report->ratio_cnt++] = *ratio;
    }
}
