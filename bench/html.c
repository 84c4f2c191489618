/* SPDX-License-Identifier: MIT
 *
 * The page: see html.h. Charts are drawn here, point by point; no script, nothing is loaded.
 */
#include "html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static void text_put(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            putc(*text, out);
        }
    }
}

/* A duration with the unit that makes it short. */
static const char *duration_text(double ns, char text[32])
{
    const char *unit = ns < 1e3 ? "ns" : ns < 1e6 ? "&micro;s" : ns < 1e9 ? "ms" : "s";
    double value = ns < 1e3 ? ns : ns < 1e6 ? ns / 1e3 : ns < 1e9 ? ns / 1e6 : ns / 1e9;
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    snprintf(text, 32, "%.*f %s", decimals, value, unit);
    return text;
}

static const char style[] =
    ":root{--fg:#1c2530;--dim:#5f6b7a;--line:#d5dbe3;--bg:#ffffff;--panel:#f5f7fa;--good:#1f8a4c;--bad:#"
    "c23b3b;"
    "--bar:#7d8ea3;--c0:#1f6fd1;--c1:#d1741f;--c2:#1f8a4c;--c3:#a13bc2;--c4:#c23b3b;--c5:#0f8f95}"
    "@media (prefers-color-scheme:dark){:root{--fg:#e4e9f0;--dim:#98a4b3;--line:#364251;--bg:#12181f;"
    "--panel:#1b232d;--good:#4cc380;--bad:#f07474;--bar:#73859b;--c0:#6aa9f5;--c1:#f0a35c;--c2:#4cc380;"
    "--c3:#cf87e8;--c4:#f07474;--c5:#4fc9cf}}"
    "body{font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:72rem;"
    "margin:0 auto;padding:1rem 1.25rem 4rem}h1{font-size:1.5rem}h2{margin:2.5rem 0 .2rem;font-size:1.2rem;"
    "border-top:1px solid var(--line);padding-top:1.2rem}p{margin:.3rem 0 .8rem;color:var(--dim)}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0 "
    "1rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}"
    "th{font-weight:600;color:var(--dim)}th:first-child,td:first-child{text-align:left;padding-left:0}"
    ".facts td{text-align:left;white-space:normal}.good{color:var(--good)}.bad{color:var(--bad)}"
    "svg{max-width:100%;height:auto;background:var(--panel);border-radius:6px;margin:.4rem 0}"
    "svg text{fill:var(--fg);font:12px system-ui,sans-serif}svg .dim{fill:var(--dim)}nav a{margin-right:1rem}"
    "a{color:var(--c0)}";

void html_begin(FILE *out, json_t *machine)
{
    const char *key;
    json_t *value;
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<title>pinwheel bench</title>\n<style>%s</style>\n</head>\n<body>\n<h1>pinwheel bench</h1>\n"
            "<p>Baselines were measured in the same run, in turns: compare the ratios.</p>\n"
            "<div class=\"wide\"><table class=\"facts\">\n",
            style);
    json_object_foreach(machine, key, value)
    {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        fputs("<tr><td>", out);
        text_put(out, key);
        fputs("</td><td>", out);
        text_put(out, text == NULL ? json_string_value(value) : text);
        fputs("</td></tr>\n", out);
        free(text);
    }
    fputs("</table></div>\n", out);
}

void html_end(FILE *out)
{
    fputs("</body>\n</html>\n", out);
}

static void heading_put(FILE *out, const struct pw_bench *bench)
{
    fprintf(out, "<h2 id=\"%s\">%s</h2>\n<p>", bench->name, bench->name);
    text_put(out, bench->what);
    fputs("</p>\n", out);
}

void html_failure(FILE *out, const struct pw_bench *bench, const char *reason)
{
    heading_put(out, bench);
    fputs("<p class=\"bad\">Not run: ", out);
    text_put(out, reason);
    fputs("</p>\n", out);
}

/* ---- percentiles ---- */

static void latencies_table(FILE *out, const struct pw_bench_report *report)
{
    fputs("<div class=\"wide\"><table><tr><th></th><th>mean</th>", out);
    for (int i = 0; i < PW_BENCH_POINTS; i++) {
        fprintf(out, "<th>%s</th>", pw_bench_points[i].name);
    }
    fputs("<th>samples</th></tr>\n", out);
    for (uint32_t k = 0; k < report->latency_cnt; k++) {
        const struct pw_bench_latency *row = &report->latencies[k];
        char text[32];
        fputs("<tr><td>", out);
        text_put(out, row->name);
        fprintf(out, "</td><td>%s</td>", duration_text(row->block_mean_ns, text));
        for (int i = 0; i < PW_BENCH_POINTS; i++) {
            fprintf(out, "<td>%s</td>", duration_text(row->points_ns[i], text));
        }
        fprintf(out, "<td>%zu</td></tr>\n", row->sample_cnt);
    }
    fputs("</table></div>\n", out);
}

/* One chart: percentiles to the right, each step a tenth of what was left; durations upwards, logarithmic. */
#define CHART_WIDTH  900
#define CHART_LEFT   70
#define CHART_RIGHT  560
#define CHART_TOP    14
#define CHART_BOTTOM 254
#define CHART_HEIGHT 290
#define CURVES_MAX   6u

struct scale {
    double low, high; /* decimal logarithms */
};

static double chart_x(int point)
{
    return CHART_LEFT + (double)point * (CHART_RIGHT - CHART_LEFT) / (PW_BENCH_POINTS - 1);
}

static double chart_y(const struct scale *scale, double ns)
{
    double share = (log10(ns < 1 ? 1 : ns) - scale->low) / (scale->high - scale->low);
    return CHART_BOTTOM - share * (CHART_BOTTOM - CHART_TOP);
}

/* Whole powers of ten around all of them. */
static struct scale scale_of(const struct pw_bench_latency *rows, uint32_t cnt)
{
    double low = 1e18, high = 1;
    for (uint32_t k = 0; k < cnt; k++) {
        low = fmin(low, fmax(rows[k].points_ns[0], 1));
        high = fmax(high, rows[k].points_ns[PW_BENCH_POINTS - 1]);
    }
    struct scale scale = {floor(log10(low)), ceil(log10(high))};
    scale.high = scale.high > scale.low ? scale.high : scale.low + 1;
    return scale;
}

static void grid_put(FILE *out, const struct scale *scale)
{
    char text[32];
    for (int power = (int)scale->low; power <= (int)scale->high; power++) {
        double y = chart_y(scale, pow(10, power));
        fprintf(out,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"var(--line)\"/>"
                "<text class=\"dim\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                CHART_LEFT, CHART_RIGHT, y, y, CHART_LEFT - 8, y + 4, duration_text(pow(10, power), text));
    }
    for (int i = 0; i < PW_BENCH_POINTS; i++) {
        fprintf(out, "<text class=\"dim\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", chart_x(i),
                CHART_BOTTOM + 22, pw_bench_points[i].name);
    }
}

static void curve_put(FILE *out, const struct scale *scale, const struct pw_bench_latency *row, uint32_t k)
{
    int legend_y = CHART_TOP + 12 + (int)k * 22;
    fprintf(out, "<polyline fill=\"none\" stroke=\"var(--c%u)\" stroke-width=\"2\" points=\"", k);
    for (int i = 0; i < PW_BENCH_POINTS; i++) {
        fprintf(out, "%.1f,%.1f ", chart_x(i), chart_y(scale, row->points_ns[i]));
    }
    fputs("\"/>\n", out);
    for (int i = 0; i < PW_BENCH_POINTS; i++) {
        char text[32];
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"var(--c%u)\"><title>", chart_x(i),
                chart_y(scale, row->points_ns[i]), k);
        text_put(out, row->name);
        fprintf(out, ", %s: %s</title></circle>\n", pw_bench_points[i].name,
                duration_text(row->points_ns[i], text));
    }
    fprintf(out,
            "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"var(--c%u)\" stroke-width=\"3\"/>"
            "<text x=\"%d\" y=\"%d\">",
            CHART_RIGHT + 24, CHART_RIGHT + 44, legend_y - 4, legend_y - 4, k, CHART_RIGHT + 52, legend_y);
    text_put(out, row->name);
    fputs("</text>\n", out);
}

static void latencies_chart(FILE *out, const struct pw_bench_latency *rows, uint32_t cnt)
{
    struct scale scale = scale_of(rows, cnt);
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"percentiles\">\n",
            CHART_WIDTH, CHART_HEIGHT, CHART_WIDTH);
    grid_put(out, &scale);
    for (uint32_t k = 0; k < cnt; k++) {
        curve_put(out, &scale, &rows[k], k);
    }
    fputs("</svg>\n", out);
}

static void latencies_put(FILE *out, const struct pw_bench_report *report)
{
    for (uint32_t first = 0; first < report->latency_cnt; first += CURVES_MAX) {
        uint32_t left = report->latency_cnt - first;
        latencies_chart(out, report->latencies + first, left < CURVES_MAX ? left : CURVES_MAX);
    }
    if (report->latency_cnt > 0) {
        latencies_table(out, report);
    }
}

/* ---- bars ---- */

#define BARS_WIDTH 1060
#define BAR_HEIGHT 26
#define BAR_LEFT   580
#define BAR_RIGHT  890

/* One bar of a chart. */
struct bar {
    char name[2 * PW_BENCH_NAME_BYTES + 8], value_text[64];
    struct pw_bench_value row;
    double scale_max;
    double beside; /* where a thin line is drawn; 0: none */
    bool judged;
};

static void bars_begin(FILE *out, uint32_t cnt)
{
    fprintf(out, "<svg viewBox=\"0 0 %d %u\" width=\"%d\" role=\"img\" aria-label=\"bars\">\n", BARS_WIDTH,
            cnt * BAR_HEIGHT + 12, BARS_WIDTH);
}

static void bar_put(FILE *out, const struct bar *bar, uint32_t k)
{
    double y = 6 + (double)k * BAR_HEIGHT, per = (BAR_RIGHT - BAR_LEFT) / bar->scale_max;
    const struct pw_bench_value *row = &bar->row;
    const char *color = row->target == 0 || !bar->judged ? "--bar"
                        : pw_bench_target_met(row)       ? "--good"
                                                         : "--bad";
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", BAR_LEFT - 10, y + 17);
    text_put(out, bar->name);
    fprintf(out,
            "</text><rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"var(%s)\"/>"
            "<text x=\"%.1f\" y=\"%.1f\">",
            BAR_LEFT, y + 4, row->value * per, BAR_HEIGHT - 9, color, BAR_RIGHT + 10.0, y + 17);
    text_put(out, bar->value_text);
    fputs("</text>", out);
    if (bar->beside != 0) {
        fprintf(out,
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"var(--dim)\" "
                "stroke-dasharray=\"2 2\"/>",
                BAR_LEFT + bar->beside * per, BAR_LEFT + bar->beside * per, y + 1, y + BAR_HEIGHT - 2);
    }
    if (row->target != 0) {
        fprintf(out,
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"var(--fg)\" "
                "stroke-width=\"2\"><title>target: at %s %.2f</title></line>",
                BAR_LEFT + row->target * per, BAR_LEFT + row->target * per, y + 1, y + BAR_HEIGHT - 2,
                row->at_least ? "least" : "most", row->target);
    }
    putc('\n', out);
}

static struct bar bar_of(const struct pw_bench_report *report, const struct pw_bench_value *row,
                         const char *unit)
{
    struct bar bar = {.row = *row,
                      .judged = report->not_judged[0] == '\0',
                      .scale_max = fmax(fmax(row->value, row->target), 1e-9) * 1.1};
    int used = snprintf(bar.value_text, sizeof bar.value_text, "%.2f%s%s", row->value,
                        unit[0] != '\0' ? " " : "", unit);
    if (row->target != 0) {
        snprintf(bar.value_text + used, sizeof bar.value_text - (size_t)used, " (target %s %.2f)",
                 row->at_least ? "\xe2\x89\xa5" : "\xe2\x89\xa4", row->target);
    }
    return bar;
}

static void ratios_put(FILE *out, const struct pw_bench_report *report)
{
    if (report->ratio_cnt == 0) {
        return;
    }
    fputs("<p>Ratios to the baseline, each on a scale of its own: the dotted line is the baseline, the "
          "solid one the target.</p>\n",
          out);
    bars_begin(out, report->ratio_cnt);
    for (uint32_t i = 0; i < report->ratio_cnt; i++) {
        const struct pw_bench_value *row = &report->ratios[i];
        struct bar bar = bar_of(report, row, "\xc3\x97");
        bar.beside = 1;
        bar.scale_max = fmax(bar.scale_max, 1.1);
        snprintf(bar.name, sizeof bar.name, "%s : %s", row->name, row->of);
        bar_put(out, &bar, i);
    }
    fputs("</svg>\n", out);
}

static void figures_put(FILE *out, const struct pw_bench_report *report)
{
    if (report->figure_cnt == 0) {
        return;
    }
    bars_begin(out, report->figure_cnt);
    for (uint32_t i = 0; i < report->figure_cnt; i++) {
        const struct pw_bench_value *row = &report->figures[i];
        struct bar bar = bar_of(report, row, row->of);
        snprintf(bar.name, sizeof bar.name, "%s", row->name);
        bar_put(out, &bar, i);
    }
    fputs("</svg>\n", out);
}

/* Rates share one scale. */
static void rates_put(FILE *out, const struct pw_bench_report *report)
{
    double highest = 1;
    for (uint32_t i = 0; i < report->rate_cnt; i++) {
        highest = fmax(highest, report->rates[i].per_s);
    }
    if (report->rate_cnt == 0) {
        return;
    }
    fputs("<p>Events a second.</p>\n", out);
    bars_begin(out, report->rate_cnt);
    for (uint32_t i = 0; i < report->rate_cnt; i++) {
        const struct pw_bench_rate *row = &report->rates[i];
        struct bar bar = {.row.value = row->per_s, .scale_max = highest};
        snprintf(bar.name, sizeof bar.name, "%s", row->name);
        snprintf(bar.value_text, sizeof bar.value_text, "%.2f million", row->per_s / 1e6);
        bar_put(out, &bar, i);
    }
    fputs("</svg>\n", out);
}

void html_bench(FILE *out, const struct pw_bench *bench, const struct pw_bench_report *report)
{
    heading_put(out, bench);
    if (report->note[0] != '\0') {
        fputs("<p>", out);
        text_put(out, report->note);
        fputs("</p>\n", out);
    }
    if (report->not_judged[0] != '\0') {
        fputs("<p>Targets not judged: ", out);
        text_put(out, report->not_judged);
        fputs("</p>\n", out);
    }
    ratios_put(out, report);
    figures_put(out, report);
    latencies_put(out, report);
    rates_put(out, report);
}
