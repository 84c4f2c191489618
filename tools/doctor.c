/* SPDX-License-Identifier: MIT
 *
 * pinwheel doctor: runs the checks and prints what they say.
 */
#include "doctor.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char g_usage[] =
    "usage: pinwheel doctor [--json] [--strict] [--journal DIR] [--sysroot DIR] [CONFIG]\n"
    "\n"
    "Says what this host lacks for low latency and safe journals, what each lack costs, and how to change "
    "it.\n"
    "Changes nothing. With CONFIG it judges the cores on which that engine's hot threads run, else those "
    "that\n"
    "the kernel keeps free.\n"
    "\n"
    "  --json          one JSON object\n"
    "  --strict        advice counts as a failure, too\n"
    "  --journal DIR   judge the disk under DIR, where journals are to be kept (default: the current "
    "folder)\n"
    "  --sysroot DIR   read DIR/proc, DIR/sys and DIR/dev, a host's saved files, where this host's would be "
    "read\n"
    "  --help          this text\n"
    "\n"
    "exit codes: 0 pinwheel works here; 1 something keeps it from working or endangers its data (with "
    "--strict: or\n"
    "  could be better); 2 wrong use; 3 the config is refused\n";

static const char *const g_verdict_names[VERDICT_CNT] = {"good", "advice", "bad", "unknown"};

struct options {
    bool json, strict;
    const char *config_path; /* NULL: none */
    struct patient patient;
};

/* 0 to go on, else the exit code plus one. */
static int options_read(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},          {"strict", no_argument, NULL, 's'},
        {"journal", required_argument, NULL, 'd'}, {"sysroot", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    *options = (struct options){.patient = {.sysroot = "", .journal_dir = "."}};
    for (int option; (option = getopt_long(argc, argv, "h", names, NULL)) != -1;) {
        switch (option) {
        case 'j':
            options->json = true;
            break;
        case 's':
            options->strict = true;
            break;
        case 'd':
            options->patient.journal_dir = optarg;
            break;
        case 'r':
            options->patient.sysroot = optarg;
            break;
        case 'h':
            fputs(g_usage, stdout);
            return 1;
        default:
            fputs(g_usage, stderr);
            return 3;
        }
    }
    if (optind < argc - 1) {
        fputs(g_usage, stderr);
        return 3;
    }
    options->config_path = optind < argc ? argv[optind] : NULL;
    return 0;
}

static void finding_print(const struct check *check, const struct finding *finding)
{
    printf("%-13s %-8s %s\n", check->name, g_verdict_names[finding->verdict], finding->found);
    if (finding->verdict == VERDICT_ADVICE || finding->verdict == VERDICT_BAD) {
        printf("%13s cost     %s\n%13s change   %s\n", "", finding->cost, "", finding->change);
    }
}

static json_t *finding_json(const struct check *check, const struct finding *finding)
{
    json_t *row = json_pack("{s:s, s:s, s:s}", "name", check->name, "verdict",
                            g_verdict_names[finding->verdict], "found", finding->found);
    if (finding->verdict == VERDICT_ADVICE || finding->verdict == VERDICT_BAD) {
        json_object_set_new(row, "cost", json_string(finding->cost));
        json_object_set_new(row, "change", json_string(finding->change));
    }
    return row;
}

int main(int argc, char **argv)
{
    static char error[8192];
    struct options options;
    uint32_t cnt[VERDICT_CNT] = {0};
    int stop = options_read(argc, argv, &options);
    if (stop != 0) {
        return stop - 1;
    }
    if (!patient_examine(&options.patient, options.config_path, error, sizeof error)) {
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    json_t *rows = json_array();
    for (uint32_t i = 0; i < doctor_check_cnt; i++) {
        struct finding finding = {.verdict = VERDICT_UNKNOWN};
        doctor_checks[i].look(&options.patient, &finding);
        cnt[finding.verdict]++;
        if (options.json) {
            json_array_append_new(rows, finding_json(&doctor_checks[i], &finding));
        } else {
            finding_print(&doctor_checks[i], &finding);
        }
    }
    bool ok = cnt[VERDICT_BAD] == 0 && (!options.strict || cnt[VERDICT_ADVICE] == 0);
    if (options.json) {
        char hot[256];
        pw_cpu_set_print(&options.patient.hot, hot, sizeof hot);
        json_t *all = json_pack("{s:b, s:s, s:o}", "ok", ok, "hot_cores", hot, "checks", rows);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    } else {
        printf("\n%u good, %u could be better, %u bad, %u unknown\n", cnt[VERDICT_GOOD], cnt[VERDICT_ADVICE],
               cnt[VERDICT_BAD], cnt[VERDICT_UNKNOWN]);
        json_decref(rows);
    }
    return ok ? 0 : 1;
}
