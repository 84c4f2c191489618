/* SPDX-License-Identifier: MIT
 *
 * Two builds in turns: see against.h.
 *
 * For tick-to-order the venue, its seed and its schedule are this build's for both, and only the engine
 * changes; it is started anew for each run. Everything else is a loop inside pinwheel-bench: there each build
 * runs its own, as a child.
 */
#include "against.h"
#include "instructions.h"
#include "tick_rig.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS      1000u
#define QUICK_LOST 0.95
#define TICKS_LOST 0.05 /* of a run's ticks: with more it is void */

/* ---- limits ---- */

static bool id_known(const char *id)
{
    for (size_t i = 0; instructions_id(i) != NULL; i++) {
        if (strcmp(instructions_id(i), id) == 0) {
            return true;
        }
    }
    return judged_known(id);
}

bool against_limit_add(struct against *against, const char *text)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    if (equals == NULL || against->limit_cnt == AGAINST_LIMITS_MAX ||
        (size_t)(equals - text) >= JUDGED_ID_BYTES) {
        return false;
    }
    struct against_limit *limit = &against->limits[against->limit_cnt];
    snprintf(limit->id, sizeof limit->id, "%.*s", (int)(equals - text), text);
    limit->ratio_max = strtod(equals + 1, &end);
    if (end == equals + 1 || *end != '\0' || !isfinite(limit->ratio_max) || limit->ratio_max <= 0 ||
        !id_known(limit->id)) {
        return false;
    }
    against->limit_cnt++;
    return true;
}

double against_limit_of(const struct against *against, const char *id)
{
    for (uint32_t i = 0; i < against->limit_cnt; i++) {
        if (strcmp(against->limits[i].id, id) == 0) {
            return against->limits[i].ratio_max;
        }
    }
    return 0;
}

/* ---- one run of one build ---- */

/* What the runs of a bench need, and where they put what they find. */
struct meter {
    const struct against *against;
    const char *bench;
    struct pw_bench_report *report;
    struct tick_rig rig; /* tick-to-order alone */
    uint32_t void_cnt;
    int (*run)(struct meter *meter, const char *folder, double values[JUDGED_MAX]);
};

static int loop_run(struct meter *meter, const char *folder, double values[JUDGED_MAX])
{
    const struct pw_bench_env *env = meter->against->env;
    char cores[32], error[400];
    const char *args[12] = {"pinwheel", "bench", meter->bench, "--json", "--cores", cores};
    size_t cnt = 6;
    snprintf(cores, sizeof cores, env->core_cnt > 1 ? "%d,%d" : "%d", env->cores[0], env->cores[1]);
    if (env->data_path != NULL) {
        args[cnt++] = "--data";
        args[cnt++] = env->data_path;
    }
    if (env->quick) {
        args[cnt++] = "--quick";
    }
    json_t *json = build_json_run(folder, args, error, sizeof error);
    if (json == NULL) {
        pw_bench_note(meter->report, "%s", error);
        return -EPROTO;
    }
    judged_read(meter->bench, json, values);
    json_decref(json);
    return 0;
}

static void hops_read(const struct engine_histogram *hops, double *values)
{
    for (uint32_t i = 0; i < ENGINE_HOPS; i++) {
        for (size_t k = 0; k < JUDGED_QUANTILES; k++) {
            uint64_t ns =
                hops[i].since.count == 0 ? 0 : pw_histogram_quantile_ns(&hops[i].since, judged_quantiles[k]);
            *values++ = ns == 0 ? NAN : (double)ns;
        }
    }
}

/* Percentiles of the ticks that brought an order: lost ones have the longest time of all, and are sorted
 * last. */
static void arrived_read(double *samples_ns, size_t cnt, size_t arrived_cnt, double *values)
{
    pw_bench_sort(samples_ns, cnt);
    for (size_t k = 0; k < JUDGED_QUANTILES; k++) {
        values[k] = pw_bench_quantile(samples_ns, arrived_cnt, judged_quantiles[k]);
    }
}

/* One run of ticks through the engine that has been started. *lost: its share of ticks without an order. */
static int ticks_measure(struct meter *meter, double values[JUDGED_MAX], double *lost)
{
    uint32_t tick_cnt = meter->against->env->quick ? TICKS / 10 : TICKS;
    struct tick_samples samples;
    struct engine_histogram *hops = calloc(ENGINE_HOPS, sizeof *hops);
    int result = hops != NULL && tick_samples_make(&samples, tick_cnt) ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < ENGINE_HOPS && result == 0; i++) {
        (void)engine_histogram_open(&hops[i], &meter->rig.engine, i);
    }
    if (result == 0) {
        struct probes probes = tick_samples_next(&samples, tick_cnt);
        result = tick_rig_run(&meter->rig, &probes);
        *lost = 1 - (double)probes.arrived_cnt / tick_cnt;
    }
    for (uint32_t i = 0; i < ENGINE_HOPS && result == 0; i++) {
        if (hops[i].live != NULL) {
            engine_histogram_take(&hops[i]);
        }
    }
    if (result == 0) {
        arrived_read(samples.from_left_ns, tick_cnt, (size_t)((1 - *lost) * tick_cnt + 0.5), values);
        hops_read(hops, values + JUDGED_QUANTILES);
    }
    if (hops != NULL) {
        tick_samples_free(&samples);
    }
    free(hops);
    return result;
}

static int ticks_once(struct meter *meter, const char *folder, double values[JUDGED_MAX], double *lost)
{
    *lost = 1;
    snprintf(meter->rig.engine.programs, sizeof meter->rig.engine.programs, "%s", folder);
    int result = tick_rig_start(&meter->rig, 1);
    if (result == 0) {
        result = ticks_measure(meter, values, lost);
    }
    tick_rig_stop(&meter->rig);
    return result;
}

/* A run that other work on this machine has spoilt is made again; as many of them as there are rounds. */
static int ticks_run(struct meter *meter, const char *folder, double values[JUDGED_MAX])
{
    double lost_max = meter->against->env->quick ? QUICK_LOST : TICKS_LOST;
    for (;;) {
        double lost;
        int result = ticks_once(meter, folder, values, &lost);
        if (result == 0 && lost <= lost_max) {
            return 0;
        }
        if (meter->void_cnt++ == meter->against->round_cnt) {
            pw_bench_note(meter->report,
                          "the machine is too busy: of the last run %.1f %% of the ticks were lost",
                          100 * lost);
            return result != 0 ? result : -EBUSY;
        }
    }
}

/* ---- rounds ---- */

/* Values of all runs: of both builds, and of this one alone. */
struct series {
    size_t id_cnt, pair_cnt, same_cnt;
    struct judge_pair pairs[JUDGED_MAX][JUDGE_PAIRS_MAX], same[JUDGED_MAX][JUDGE_PAIRS_MAX];
    bool last_is_own;
    double last[JUDGED_MAX]; /* the run before */
};

static void series_add(struct series *series, bool same, const double a[JUDGED_MAX],
                       const double b[JUDGED_MAX])
{
    size_t at = same ? series->same_cnt++ : series->pair_cnt++;
    for (size_t i = 0; i < series->id_cnt; i++) {
        *(same ? &series->same[i][at] : &series->pairs[i][at]) = (struct judge_pair){a[i], b[i]};
    }
}

/* Runs one build. Two runs of this build one behind the other tell how far it is from itself, in whatever
 * round they are. */
static int build_run(struct meter *meter, struct series *series, bool own, double values[JUDGED_MAX])
{
    int result = meter->run(meter, own ? meter->against->own : meter->against->other, values);
    if (result == 0 && own && series->last_is_own) {
        series_add(series, true, series->last, values);
    }
    series->last_is_own = own;
    memcpy(series->last, values, sizeof series->last);
    return result;
}

static int rounds_run(struct meter *meter, struct series *series)
{
    int result = 0;
    for (uint32_t round = 0; round < meter->against->round_cnt && result == 0; round++) {
        double values[2][JUDGED_MAX];
        bool same = round % 3 == 2;
        uint32_t own = round % 3 == 1; /* which of the two runs is this build's; both where it is the same */
        for (uint32_t i = 0; i < 2 && result == 0; i++) {
            result = build_run(meter, series, same || i == own, values[i]);
        }
        if (result == 0 && !same) {
            series_add(series, false, values[own], values[!own]);
        }
    }
    return result;
}

static bool whole(const struct judge_pair *pairs, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        if (!(pairs[i].a > 0) || !(pairs[i].b > 0)) {
            return false;
        }
    }
    return true;
}

static void figures_judge(const struct against *against, const struct series *series,
                          char ids[JUDGED_MAX][JUDGED_ID_BYTES], struct against_result *result)
{
    result->figure_cnt = series->id_cnt;
    for (size_t i = 0; i < series->id_cnt; i++) {
        struct against_figure *figure = &result->figures[i];
        snprintf(figure->id, sizeof figure->id, "%s", ids[i]);
        figure->ratio_max = against_limit_of(against, ids[i]);
        figure->missing =
            !whole(series->pairs[i], series->pair_cnt) || !whole(series->same[i], series->same_cnt);
        if (!figure->missing) {
            figure->judgement = judge(series->pairs[i], series->pair_cnt, series->same[i], series->same_cnt);
            figure->exceeded = figure->ratio_max > 0 && judge_exceeds(&figure->judgement, figure->ratio_max);
        }
    }
}

int against_run(const struct against *against, const char *bench, struct against_result *result)
{
    char ids[JUDGED_MAX][JUDGED_ID_BYTES];
    bool ticks = strcmp(bench, "tick-to-order") == 0;
    struct series *series = calloc(1, sizeof *series);
    struct meter *meter = calloc(1, sizeof *meter);
    int code = series != NULL && meter != NULL ? 0 : -ENOMEM;
    memset(result, 0, sizeof *result);
    if (code == 0) {
        *meter = (struct meter){.against = against,
                                .bench = bench,
                                .report = &result->report,
                                .run = ticks ? ticks_run : loop_run};
        series->id_cnt = judged_ids(bench, ids);
        code = ticks ? tick_rig_open(&meter->rig, against->env, &result->report) : 0;
        code = code == 0 ? rounds_run(meter, series) : code;
        if (ticks) {
            tick_rig_close(&meter->rig);
        }
        if (meter->void_cnt > 0) {
            pw_bench_note(&result->report, "%u runs were invalid and repeated: lost ticks, or no engine",
                          meter->void_cnt);
        }
    }
    if (code == 0) {
        figures_judge(against, series, ids, result);
    }
    free(series);
    free(meter);
    return code;
}

/* ---- what comes out ---- */

bool against_unjudged(const struct against_result *result)
{
    for (size_t i = 0; i < result->figure_cnt; i++) {
        if (result->figures[i].missing && result->figures[i].ratio_max > 0) {
            return true;
        }
    }
    return false;
}

bool against_exceeded(const struct against_result *result)
{
    for (size_t i = 0; i < result->figure_cnt; i++) {
        if (result->figures[i].exceeded) {
            return true;
        }
    }
    return false;
}

static const char *limit_name(const struct against_figure *figure)
{
    return judge_limit_name(!figure->missing && figure->judgement.verdict != JUDGE_NOT_JUDGED,
                            figure->exceeded);
}

void against_print(const struct against *against, const char *bench, const struct against_result *result)
{
    printf("\n%s: this build against %s\n", bench, against->other);
    printf("  %u rounds, %u of them this build against itself\n", against->round_cnt, against->round_cnt / 3);
    if (result->report.note[0] != '\0') {
        printf("  %s\n", result->report.note);
    }
    printf("\n  %-34s %12s %12s %10s %10s %11s  %s\n", "ns, lower quartiles", "this", "other", "ratio",
           "paired", "resolution", "verdict");
    for (size_t i = 0; i < result->figure_cnt; i++) {
        const struct against_figure *figure = &result->figures[i];
        const struct judgement *j = &figure->judgement;
        if (figure->missing && figure->ratio_max == 0) {
            continue;
        }
        if (figure->missing) {
            printf("  %-34s missing   (target: at most %.2f: %s)\n", figure->id, figure->ratio_max,
                   limit_name(figure));
            continue;
        }
        printf("  %-34s %12.1f %12.1f %10.3f %10.3f %10.1f%%  %s", figure->id, j->a, j->b, j->ratio_quartiles,
               j->ratio_paired, 100 * j->resolution, judge_verdict_name(j->verdict));
        if (figure->ratio_max > 0) {
            printf("   (target: at most %.2f: %s)", figure->ratio_max, limit_name(figure));
        }
        printf("\n");
    }
}

static json_t *figure_json(const struct against_figure *figure)
{
    const struct judgement *j = &figure->judgement;
    json_t *json =
        figure->missing
            ? json_pack("{s:s, s:s}", "id", figure->id, "verdict", "missing")
            : json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:s}", "id", figure->id, "this", j->a, "other", j->b,
                        "ratio_quartiles", j->ratio_quartiles, "ratio_paired", j->ratio_paired, "resolution",
                        j->resolution, "verdict", judge_verdict_name(j->verdict));
    if (figure->ratio_max > 0) {
        json_object_set_new(json, "ratio_max", json_real(figure->ratio_max));
        json_object_set_new(json, "target", json_string(limit_name(figure)));
    }
    return json;
}

json_t *against_json(const struct against *against, const char *bench, const struct against_result *result)
{
    json_t *figures = json_array();
    for (size_t i = 0; i < result->figure_cnt; i++) {
        json_array_append_new(figures, figure_json(&result->figures[i]));
    }
    return json_pack("{s:s, s:s, s:i, s:i, s:s, s:o}", "name", bench, "against", against->other, "rounds",
                     (int)against->round_cnt, "rounds_same_build", (int)(against->round_cnt / 3), "note",
                     result->report.note, "figures", figures);
}
