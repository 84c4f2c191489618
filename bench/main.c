/* SPDX-License-Identifier: MIT
 *
 * pinwheel bench: runs benches by name, prints what they found, with the machine that they found it on.
 */
#include "against.h"
#include "bench.h"
#include "cli.h"
#include "html.h"
#include "instructions.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Spot BTCUSDT: bookTicker, trade, depth updates and the snapshot that they follow on. */
#define DATA_IN_SHARED "data/captures/binance/spot_btcusdt_20240808.gz"

static const struct pw_bench *const bench_table[] = {
    &pw_bench_ring,    &pw_bench_pipeline, &pw_bench_decode,        &pw_bench_book,
    &pw_bench_journal, &pw_bench_tls,      &pw_bench_tick_to_order, &pw_bench_monitor};

#define BENCH_CNT (sizeof bench_table / sizeof bench_table[0])

/* The words that NAME takes. */
static const char *bench_name(uint32_t i)
{
    return i < BENCH_CNT ? bench_table[i]->name : i == BENCH_CNT ? "all" : NULL;
}

enum exit_code { EXIT_RAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_MISSED = 3, EXIT_DISTURBED = 4 };

struct options {
    struct pw_bench_env env;
    bool json;
    const char *html_path;         /* NULL: none */
    const char *cores, *data_path; /* as given; NULL: not */
    struct pw_cli_words names;
    bool wanted[BENCH_CNT];
    const char *other_path; /* of the build to compare with; NULL: none */
    uint64_t round_cnt;     /* 0: the default */
    bool has_limits;
    bool instructions;
    struct against against;
};

static bool limit_read(const char *text, void *against)
{
    return against_limit_add(against, text);
}

static const struct pw_cli_command g_command = {
    .verb = "bench",
    .description = "Measures parts of pinwheel on this machine, each beside a baseline of the same run: "
                   "compare the ratios, and run it more than once. Nothing else should run meanwhile.",
    .arguments = PW_CLI_VALUES({.name = "NAME",
                                .help = "the benches to run, or `all`",
                                .choice = bench_name,
                                .unless = "instructions",
                                PW_CLI_WORDS(struct options, names)}),
    .options = PW_CLI_VALUES(
        {.name = "json", .help = "print one JSON object", PW_CLI_FLAG(struct options, json)},
        {.name = "html",
         .value = "FILE",
         .help = "also write a self-contained HTML report",
         PW_CLI_PATH(struct options, html_path)},
        {.name = "cores",
         .value = "A[,B]",
         .help = "CPUs to use (default: isolated ones, else the last two that share no core)",
         PW_CLI_TEXT(struct options, cores)},
        {.name = "data",
         .value = "FILE",
         .help = "a recording of a venue's messages, \"<time in ns> <JSON>\" a line, plain or gzip (default: "
                 "one of $PINWHEEL_SHARED, if set)",
         PW_CLI_PATH(struct options, data_path)},
        {.name = "quick",
         .help = "one hundredth of the work: a smoke test, not a measurement",
         PW_CLI_FLAG(struct options, env.quick)},
        {.name = "against",
         .value = "BUILD",
         .help = "compare with another build, its `pinwheel` or the folder of it: both run in turns",
         .excludes = "html",
         PW_CLI_PATH(struct options, other_path)},
        {.name = "instructions",
         .help = "count instructions instead, hop by hop, by running an engine under valgrind's callgrind; "
                 "with --against also the other build's",
         PW_CLI_FLAG(struct options, instructions)},
        {.name = "rounds",
         .value = "N",
         .help = "rounds of a comparison, a multiple of 3 (default: 12); in one of three this build runs "
                 "against itself, which gives the resolution",
         .min = 3,
         .max = JUDGE_PAIRS_MAX,
         PW_CLI_COUNT(struct options, round_cnt)},
        {.name = "max-ratio",
         .value = "ID=X",
         .help = "a limit for a figure's ratio, this build to the other (inside_p50=1.05); may be repeated",
         .read = limit_read,
         .expects = "the id of a figure, =, and a ratio",
         PW_CLI_GIVEN(struct options, has_limits),
         PW_CLI_CUSTOM(struct options, against)}),
    .sections = PW_CLI_PAIRS(
        {"figures",
         "mean is a median of block means over many samples: finer than the clock's step, and without the "
         "cost of a clock read where possible. Percentiles are of raw samples, each with its clock read."}),
    .exits = PW_CLI_EXITS({EXIT_RAN, "ran, whether or not the targets were met"},
                          {EXIT_FAILED, "a bench could not be run"},
                          {EXIT_MISSED, "a --max-ratio was exceeded by more than the resolution"},
                          {EXIT_DISTURBED, "nothing could be measured: other work keeps the CPUs busy"}),
    .environment = PW_CLI_PAIRS({"PINWHEEL_SHARED", "folder of recordings"}),
    .examples = PW_CLI_PAIRS(
        {"pinwheel bench all --html bench.html", "run all benches and write a report"},
        {"pinwheel bench tick-to-order --against ../before/build/tools --max-ratio inside_p50=1.05",
         "fail when the engine is slower than another build's"}),
};

/* ---- text ---- */

static void machine_print(json_t *machine)
{
    const char *key;
    json_t *value;
    json_object_foreach(machine, key, value)
    {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        printf("%-24s%s\n", key, text == NULL ? json_string_value(value) : text);
        free(text);
    }
}

static int point_width(int i)
{
    return i == PW_BENCH_POINTS - 1 ? 11 : 8;
}

static void latencies_print(const struct pw_bench_report *report)
{
    if (report->latency_cnt != 0) {
        printf("\n  %-64s %9s", "ns", "mean");
        for (int i = 0; i < PW_BENCH_POINTS; i++) {
            printf(" %*s", point_width(i), pw_bench_points[i].name);
        }
        printf(" %8s\n", "samples");
    }
    for (uint32_t i = 0; i < report->latency_cnt; i++) {
        const struct pw_bench_latency *row = &report->latencies[i];
        printf("  %-64s %9.1f", row->name, row->block_mean_ns);
        for (int k = 0; k < PW_BENCH_POINTS; k++) {
            printf(" %*.0f", point_width(k), row->points_ns[k]);
        }
        printf(" %8zu\n", row->sample_cnt);
    }
}

static void rates_print(const struct pw_bench_report *report)
{
    if (report->rate_cnt != 0) {
        printf("\n  %-64s%14s%14s\n", "events", "million/s", "ns/event");
    }
    for (uint32_t i = 0; i < report->rate_cnt; i++) {
        const struct pw_bench_rate *row = &report->rates[i];
        printf("  %-64s%14.2f%14.2f\n", row->name, row->per_s / 1e6, 1e9 / row->per_s);
    }
}

/* Nothing is judged that other work may have spoilt. */
static const char *target_state(const struct pw_bench_report *report, const struct pw_bench_value *row)
{
    return report->not_judged[0] != '\0' ? "not judged" : pw_bench_target_met(row) ? "met" : "missed";
}

static void target_print(const struct pw_bench_report *report, const struct pw_bench_value *row)
{
    if (row->target != 0) {
        printf("   (target: at %s %.2f: %s)", row->at_least ? "least" : "most", row->target,
               target_state(report, row));
    }
    printf("\n");
}

static void figures_print(const struct pw_bench_report *report)
{
    printf("%s", report->figure_cnt != 0 ? "\n" : "");
    for (uint32_t i = 0; i < report->figure_cnt; i++) {
        const struct pw_bench_value *row = &report->figures[i];
        printf("  %-64s%14.2f %s", row->name, row->value, row->of);
        target_print(report, row);
    }
}

static void ratios_print(const struct pw_bench_report *report)
{
    printf("%s", report->ratio_cnt != 0 ? "\n" : "");
    for (uint32_t i = 0; i < report->ratio_cnt; i++) {
        const struct pw_bench_value *row = &report->ratios[i];
        printf("  %s = %.2f x %s", row->name, row->value, row->of);
        target_print(report, row);
    }
}

static void report_print(const struct pw_bench *bench, const struct pw_bench_report *report)
{
    printf("\n%s: %s\n", bench->name, bench->what);
    if (report->note[0] != '\0') {
        printf("  %s\n", report->note);
    }
    if (report->not_judged[0] != '\0') {
        printf("  targets not judged: %s\n", report->not_judged);
    }
    latencies_print(report);
    rates_print(report);
    figures_print(report);
    ratios_print(report);
}

/* ---- JSON ---- */

static json_t *latency_json(const struct pw_bench_latency *row)
{
    json_t *json = json_pack("{s:s, s:s, s:I, s:f}", "id", row->id, "name", row->name, "samples",
                             (json_int_t)row->sample_cnt, "block_mean_ns", row->block_mean_ns);
    for (int i = 0; i < PW_BENCH_POINTS; i++) {
        json_object_set_new(json, pw_bench_points[i].key, json_real(row->points_ns[i]));
    }
    return json;
}

static json_t *values_json(const struct pw_bench_report *report, const struct pw_bench_value *rows,
                           uint32_t cnt, const char *of, const char *value)
{
    json_t *list = json_array();
    for (const struct pw_bench_value *row = rows; row < rows + cnt; row++) {
        json_t *json = json_pack("{s:s, s:s, s:s, s:f}", "id", row->id, "name", row->name, of, row->of, value,
                                 row->value);
        if (row->target != 0) {
            json_object_set_new(json, row->at_least ? "target_at_least" : "target_at_most",
                                json_real(row->target));
            json_object_set_new(json, "target", json_string(target_state(report, row)));
        }
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *report_json(const struct pw_bench *bench, const struct pw_bench_report *report)
{
    json_t *latencies = json_array(), *rates = json_array();
    for (uint32_t i = 0; i < report->latency_cnt; i++) {
        json_array_append_new(latencies, latency_json(&report->latencies[i]));
    }
    for (uint32_t i = 0; i < report->rate_cnt; i++) {
        const struct pw_bench_rate *row = &report->rates[i];
        json_array_append_new(
            rates, json_pack("{s:s, s:s, s:f}", "id", row->id, "name", row->name, "per_s", row->per_s));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name", bench->name, "what", bench->what,
                     "note", report->note, "not_judged", report->not_judged, "latencies", latencies, "rates",
                     rates, "figures",
                     values_json(report, report->figures, report->figure_cnt, "unit", "value"), "ratios",
                     values_json(report, report->ratios, report->ratio_cnt, "baseline", "ratio"));
}

/* ---- command line ---- */

static bool cores_read(struct pw_bench_env *env, const char *text)
{
    char rest;
    long end = sysconf(_SC_NPROCESSORS_CONF);
    int cnt = sscanf(text, "%d,%d%c", &env->cores[0], &env->cores[1], &rest);
    env->core_cnt = cnt == 2 ? 2 : 1;
    return (cnt == 2 || (cnt == 1 && strchr(text, ',') == NULL)) && env->cores[0] >= 0 &&
           env->cores[0] < end &&
           (cnt == 1 || (env->cores[1] >= 0 && env->cores[1] < end && env->cores[0] != env->cores[1]));
}

/* A file that is there, or the recording that the environment leads to. */
static bool data_find(struct pw_bench_env *env, const char *path)
{
    static char found[1024];
    const char *folder = getenv("PINWHEEL_SHARED");
    int bytes = path != NULL     ? snprintf(found, sizeof found, "%s", path)
                : folder != NULL ? snprintf(found, sizeof found, "%s/%s", folder, DATA_IN_SHARED)
                                 : 0;
    bool there = bytes > 0 && (size_t)bytes < sizeof found && access(found, R_OK) == 0;
    env->data_path = there ? found : NULL;
    return there;
}

static bool name_read(struct options *options, const char *name)
{
    bool known = false;
    for (size_t i = 0; i < BENCH_CNT; i++) {
        if (strcmp(name, "all") == 0 || strcmp(name, bench_table[i]->name) == 0) {
            options->wanted[i] = known = true;
        }
    }
    return known;
}

/* Whether a limit's figure is among those that will be measured. */
static bool limit_wanted(const struct options *options, const char *id)
{
    char ids[JUDGED_MAX][JUDGED_ID_BYTES];
    for (size_t i = 0; options->instructions && instructions_id(i) != NULL; i++) {
        if (strcmp(instructions_id(i), id) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < BENCH_CNT && !options->instructions; i++) {
        size_t cnt = options->wanted[i] ? judged_ids(bench_table[i]->name, ids) : 0;
        for (size_t k = 0; k < cnt; k++) {
            if (strcmp(ids[k], id) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Of a comparison. PW_CLI_GO or an exit code. */
static int comparison_judge(const struct options *options)
{
    char ids[JUDGED_MAX][JUDGED_ID_BYTES];
    const struct against *against = &options->against;
    for (uint32_t i = 0; i < options->names.cnt && !options->instructions; i++) {
        const char *name = options->names.at[i];
        if (strcmp(name, "all") != 0 && judged_ids(name, ids) == 0) {
            return pw_cli_wrong("--against: '%s' has no figures to compare", name);
        }
    }
    for (uint32_t i = 0; i < against->limit_cnt; i++) {
        if (!limit_wanted(options, against->limits[i].id)) {
            return pw_cli_wrong("--max-ratio: '%s' is of none of the benches named", against->limits[i].id);
        }
    }
    return PW_CLI_GO;
}

/* What the declaration cannot judge. PW_CLI_GO or an exit code. */
static int options_judge(struct options *options)
{
    for (uint32_t i = 0; i < options->names.cnt; i++) {
        if (!name_read(options, options->names.at[i])) {
            return pw_cli_wrong("unknown bench '%s'", options->names.at[i]);
        }
    }
    if (options->cores != NULL && !cores_read(&options->env, options->cores)) {
        return pw_cli_wrong("--cores: '%s' is not one CPU of this host or two different ones",
                            options->cores);
    }
    if (!data_find(&options->env, options->data_path) && options->data_path != NULL) {
        pw_cli_error("--data: %s: %s", options->data_path, strerror(errno));
        return PW_CLI_USAGE;
    }
    if (options->other_path != NULL && !build_find(options->other_path, options->against.other)) {
        return pw_cli_wrong("--against: no pinwheel with pinwheel-run beside it in '%s'",
                            options->other_path);
    }
    if (options->round_cnt % 3 != 0) {
        return pw_cli_wrong("--rounds: a multiple of 3 is needed");
    }
    if (options->other_path == NULL && (options->round_cnt != 0 || options->has_limits)) {
        return pw_cli_wrong("--rounds and --max-ratio need --against");
    }
    return options->other_path != NULL ? comparison_judge(options) : PW_CLI_GO;
}

/* Where a report goes. */
struct outputs {
    bool json;
    json_t *benches; /* of JSON */
    FILE *html;      /* NULL: none */
};

static void report_put(const struct outputs *outputs, const struct pw_bench *bench,
                       const struct pw_bench_report *report)
{
    if (outputs->json) {
        json_array_append_new(outputs->benches, report_json(bench, report));
    } else {
        report_print(bench, report);
        fflush(stdout); /* whoever looks on need not wait for the next one */
    }
    if (outputs->html != NULL) {
        html_bench(outputs->html, bench, report);
    }
}

#define LOAD_MAX 0.1 /* of the processors' time before a run; with more, targets are not judged */

static void judging_begin(struct pw_bench_report *report, const struct pw_bench_env *env, double load)
{
    if (env->quick) {
        pw_bench_not_judged(report, "quick run");
    } else if (load > LOAD_MAX) {
        pw_bench_not_judged(report, "other work used %.0f %% of the CPUs before the run", 100 * load);
    }
}

/* What could not be run weighs most, then what could not be measured. */
static enum exit_code worse(enum exit_code a, enum exit_code b)
{
    static const int weights[] = {
        [EXIT_RAN] = 0, [EXIT_MISSED] = 1, [EXIT_DISTURBED] = 2, [EXIT_FAILED] = 3, [EXIT_USAGE] = 4};
    return weights[a] >= weights[b] ? a : b;
}

static enum exit_code benches_run(const struct options *options, const struct outputs *outputs)
{
    static struct pw_bench_report report;
    enum exit_code code = EXIT_RAN;
    double load = pw_bench_load();
    for (size_t i = 0; i < BENCH_CNT; i++) {
        if (!options->wanted[i]) {
            continue;
        }
        memset(&report, 0, sizeof report);
        judging_begin(&report, &options->env, load);
        int result = bench_table[i]->run(&options->env, &report);
        if (result != 0) {
            code = worse(code, result == -EBUSY ? EXIT_DISTURBED : EXIT_FAILED);
            pw_cli_error("%s: %s: %s", bench_table[i]->name, strerror(-result), report.note);
        }
        if (result == 0 || report.latency_cnt > 0) { /* what was measured before it failed holds */
            report_put(outputs, bench_table[i], &report);
        } else if (outputs->html != NULL) {
            html_failure(outputs->html, bench_table[i], report.note);
        }
    }
    return code;
}

/* NULL when it is not wanted, or, told, when it cannot be. */
static FILE *html_open(const struct options *options, json_t *machine)
{
    FILE *html = options->html_path == NULL ? NULL : fopen(options->html_path, "we");
    if (html != NULL) {
        html_begin(html, machine);
    } else if (options->html_path != NULL) {
        pw_cli_error("--html: %s: %s", options->html_path, strerror(errno));
    }
    return html;
}

static bool html_close(FILE *html, const char *path)
{
    html_end(html);
    bool good = ferror(html) == 0;
    good &= fclose(html) == 0;
    if (!good) {
        pw_cli_error("%s: could not be written", path);
    }
    return good;
}

/* ---- comparisons ---- */

static enum exit_code one_compare(const struct against *against, const char *bench, json_t *all, bool json)
{
    static struct against_result result;
    int code = against_run(against, bench, &result);
    if (code != 0) {
        pw_cli_error("%s: %s: %s", bench, strerror(-code), result.report.note);
        return code == -EBUSY ? EXIT_DISTURBED : EXIT_FAILED;
    }
    if (json) {
        json_array_append_new(all, against_json(against, bench, &result));
    } else {
        against_print(against, bench, &result);
        fflush(stdout);
    }
    if (against_unjudged(&result)) {
        pw_cli_error("%s: a --max-ratio could not be judged: a build has no such figure", bench);
        return EXIT_FAILED;
    }
    return against_exceeded(&result) ? EXIT_MISSED : EXIT_RAN;
}

static enum exit_code instructions_count(const struct against *against, json_t *all, bool json)
{
    static struct instructions_result result;
    int code = instructions_run(against, &result);
    if (code != 0) {
        pw_cli_error("instructions: %s: %s", strerror(-code), result.report.note);
        return EXIT_FAILED;
    }
    if (json) {
        json_array_append_new(all, instructions_json(against, &result));
    } else {
        instructions_print(against, &result);
    }
    if (instructions_unjudged(&result)) {
        pw_cli_error("instructions: a --max-ratio could not be judged: a build has no such hop");
        return EXIT_FAILED;
    }
    return instructions_missed(&result) ? EXIT_MISSED : EXIT_RAN;
}

static enum exit_code benches_compare(struct options *options, json_t *all)
{
    char ids[JUDGED_MAX][JUDGED_ID_BYTES];
    struct against *against = &options->against;
    enum exit_code code = EXIT_RAN;
    uint32_t default_cnt = options->env.quick ? AGAINST_ROUNDS_QUICK : AGAINST_ROUNDS;
    against->env = &options->env;
    against->round_cnt = options->round_cnt != 0 ? (uint32_t)options->round_cnt : default_cnt;
    if (!build_own_find(against->own)) {
        pw_cli_error("pinwheel-run is not beside this program");
        return EXIT_FAILED;
    }
    if (options->instructions) {
        return instructions_count(against, all, options->json);
    }
    for (size_t i = 0; i < BENCH_CNT; i++) {
        if (options->wanted[i] && judged_ids(bench_table[i]->name, ids) > 0) {
            code = worse(code, one_compare(against, bench_table[i]->name, all, options->json));
        }
    }
    return code;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int stop = pw_cli_read(&g_command, argc, argv, &options);
    stop = stop == PW_CLI_GO ? options_judge(&options) : stop;
    if (stop != PW_CLI_GO) {
        return stop;
    }
    if (options.env.core_cnt == 0) {
        pw_bench_cores_choose(&options.env);
    }
    pw_bench_ticks_calibrate();
    json_t *machine = pw_bench_machine(&options.env);
    struct outputs outputs = {options.json, json_array(), html_open(&options, machine)};
    if (options.html_path != NULL && outputs.html == NULL) {
        return EXIT_USAGE;
    }
    if (!options.json) {
        machine_print(machine);
    }
    enum exit_code code = options.other_path != NULL || options.instructions
                              ? benches_compare(&options, outputs.benches)
                              : benches_run(&options, &outputs);
    if (outputs.html != NULL && !html_close(outputs.html, options.html_path)) {
        code = EXIT_FAILED;
    }
    json_t *root = json_pack("{s:o, s:o}", "machine", machine, "benches", outputs.benches);
    if (options.json) {
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
    }
    json_decref(root);
    return code;
}
