/* SPDX-License-Identifier: MIT
 *
 * What the benches share: ticks, cores, and a report that ends as text or JSON.
 *
 * A bench measures and adds rows to its report; it prints nothing. Each latency has its raw samples behind
 * it, each figure a baseline that was measured in the same run, in turns with it: virtual machines change
 * their speed by the minute, ratios less so.
 *
 * To add one: a file with a `const struct pw_bench`, its name in bench_table of main.c, its file in
 * meson.build.
 */
#ifndef PW_BENCH_H
#define PW_BENCH_H

#include "host.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PW_BENCH_NAME_BYTES 80
#define PW_BENCH_ID_BYTES   96
#define PW_BENCH_ROWS_MAX   64u

struct pw_bench_env {
    int cores[2];          /* numbers of the processors to use */
    uint32_t core_cnt;     /* 1 when the host, or the user, gives no more */
    bool quick;            /* a hundredth of the work: to see whether it runs, not for figures */
    const char *data_path; /* a recording of a venue's messages; NULL: there is none */
};

/* ---- report ---- */

/* The percentiles that are shown, and the maximum. */
#define PW_BENCH_POINTS 6
struct pw_bench_point {
    const char *name, *key;
    double share;
};
extern const struct pw_bench_point pw_bench_points[PW_BENCH_POINTS];

/* Each row has an id, which stays when its name is put better. */
struct pw_bench_latency {
    char id[PW_BENCH_ID_BYTES], name[PW_BENCH_NAME_BYTES];
    size_t sample_cnt;
    double block_mean_ns; /* finer than the clock's step: the median of means over many */
    double points_ns[PW_BENCH_POINTS];
};

struct pw_bench_rate {
    char id[PW_BENCH_ID_BYTES], name[PW_BENCH_NAME_BYTES];
    double per_s;
};

/* A ratio to a baseline, or a figure of its own in its own unit. */
struct pw_bench_value {
    char id[PW_BENCH_ID_BYTES], name[PW_BENCH_NAME_BYTES];
    char of[PW_BENCH_NAME_BYTES]; /* the baseline, or the unit */
    double value;
    double target; /* 0: none */
    bool at_least; /* the target is a floor (rates), not a ceiling (durations) */
};

struct pw_bench_report {
    uint32_t latency_cnt, rate_cnt, ratio_cnt, figure_cnt;
    struct pw_bench_latency latencies[PW_BENCH_ROWS_MAX];
    struct pw_bench_rate rates[PW_BENCH_ROWS_MAX];
    struct pw_bench_value ratios[PW_BENCH_ROWS_MAX], figures[PW_BENCH_ROWS_MAX];
    char not_judged[96]; /* why no target is judged: other work, lost ticks; empty: they are */
    char note[512];      /* what was left out and why, what was taken; empty: nothing */
};

/* Sorts the samples. */
void pw_bench_add_latency(struct pw_bench_report *report, const char *id, const char *name,
                          double block_mean_ns, double *samples_ns, size_t sample_cnt);
/* A row that was counted in a histogram, whose steps are 1 % at most. */
struct pw_histogram;
void pw_bench_add_histogram(struct pw_bench_report *report, const char *id, const char *name,
                            const struct pw_histogram *histogram);
void pw_bench_add_rate(struct pw_bench_report *report, const char *id, const char *name, double per_s);
void pw_bench_add_ratio(struct pw_bench_report *report, const struct pw_bench_value *ratio);
void pw_bench_add_figure(struct pw_bench_report *report, const struct pw_bench_value *figure);
/* No target of this report is judged; the first reason stays. */
void pw_bench_not_judged(struct pw_bench_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds to the note, behind "; ". */
void pw_bench_note(struct pw_bench_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool pw_bench_target_met(const struct pw_bench_value *row);

void pw_bench_sort(double *values, size_t value_cnt);

/* The smallest sample that at least this share of all does not exceed; of sorted ones, at least one. */
double pw_bench_quantile(const double *sorted, size_t cnt, double share);

double pw_bench_median(double *values, size_t value_cnt); /* sorts them */
/* The median of the rounds' ratios; at most PW_BENCH_ROWS_MAX rounds. */
double pw_bench_median_ratio(const double *values, const double *baselines, size_t round_cnt);

/* The median of the means of so many samples in a row: what the clock's step hides from single ones. */
double pw_bench_block_mean(const double *samples, size_t sample_cnt, size_t block);

/* ---- benches ---- */

struct pw_bench {
    const char *name;
    const char *what;
    /* 0, or -errno when it could not be run at all, with the reason in report->note. */
    int (*run)(const struct pw_bench_env *env, struct pw_bench_report *report);
};

extern const struct pw_bench pw_bench_ring;
extern const struct pw_bench pw_bench_pipeline;
extern const struct pw_bench pw_bench_decode;
extern const struct pw_bench pw_bench_book;
extern const struct pw_bench pw_bench_journal;
extern const struct pw_bench pw_bench_tls;
extern const struct pw_bench pw_bench_tick_to_order;
extern const struct pw_bench pw_bench_monitor;

/* ---- ticks and cores ---- */

/* The share of this machine's processor time that anybody uses now: 0 to 1. Takes a third of a second. */
double pw_bench_load(void);

/* Once, at start: how long a tick is. */
void pw_bench_ticks_calibrate(void);
extern double pw_bench_tick_ns;

/* A moment: after everything that was loaded before. The time stamp counter, where the kernel trusts it to
 * run alike on all cores (pw_bench_ticks_calibrate asks), else the monotonic clock. */
extern bool pw_bench_ticks_are_tsc;
static inline uint64_t pw_bench_ticks(void)
{
#ifdef __x86_64__
    if (pw_bench_ticks_are_tsc) {
        unsigned core;
        return __builtin_ia32_rdtscp(&core); /* its header takes 0.3 s to compile, for each file */
    }
#endif
    return (uint64_t)pw_clock_read_ns(CLOCK_MONOTONIC);
}

/* Two processors that share no core: isolated ones if there are two, else the last ones that this process may
 * use. */
void pw_bench_cores_choose(struct pw_bench_env *env);
int pw_bench_core_bind(int core);
/* Starts a thread that runs on `core` from its first instruction on. 0 or -errno. */
int pw_bench_thread_start(pthread_t *thread, int core, void *(*run)(void *), void *arg);

static inline void pw_bench_relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* The machine and the build, as "key": "value"; a new reference. */
json_t *pw_bench_machine(const struct pw_bench_env *env);

#endif
