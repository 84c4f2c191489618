/* SPDX-License-Identifier: MIT
 *
 * pinwheel doctor: runs the checks and prints what they say.
 */
#include "doctor.h"
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const g_verdict_names[VERDICT_CNT] = {"good", "advice", "bad", "unknown"};

struct options {
    bool json, strict;
    const char *config_path; /* NULL: none */
    struct patient patient;
};

enum exit_code { DOCTOR_BAD_CONFIG = 3 };

static const struct pw_cli_command g_command = {
    .verb = "doctor",
    .description = "Checks what this host lacks for low latency and safe journals, what each lack costs, and "
                   "how to fix it. Changes nothing.\nWith CONFIG it checks the cores on which that engine's "
                   "hot threads run, else those that the kernel keeps free.",
    .arguments = PW_CLI_VALUES({.name = "CONFIG",
                                .optional = true,
                                .help = "an engine's config file",
                                PW_CLI_PATH(struct options, config_path)}),
    .options = PW_CLI_VALUES(
        {.name = "json", .help = "print one JSON object", PW_CLI_FLAG(struct options, json)},
        {.name = "strict", .help = "treat advice as a failure", PW_CLI_FLAG(struct options, strict)},
        {.name = "journal",
         .value = "DIR",
         .help = "check the disk under DIR, where journals will be stored (default: the config's "
                 "journal.path, or the working folder)",
         PW_CLI_PATH(struct options, patient.journal_dir)},
        {.name = "sysroot",
         .value = "DIR",
         .help = "read DIR/proc, DIR/sys and DIR/dev, a host's saved files, instead of this host's",
         PW_CLI_PATH(struct options, patient.sysroot)}),
    .exits =
        PW_CLI_EXITS({PW_CLI_DONE, "pinwheel works here"},
                     {PW_CLI_FAILED,
                      "something prevents it from working or endangers its data; with --strict, also advice"},
                     {DOCTOR_BAD_CONFIG, "the config is invalid"}),
    .examples = PW_CLI_PAIRS({"pinwheel doctor configs/two-core.yaml", "check this host for that placement"}),
};

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

/* Also "", the host itself. */
static bool is_folder(const char *path)
{
    DIR *folder = opendir(path[0] != '\0' ? path : "/");
    return folder != NULL && closedir(folder) == 0;
}

int main(int argc, char **argv)
{
    static char error[8192];
    struct options options = {.patient = {.sysroot = ""}};
    uint32_t cnt[VERDICT_CNT] = {0};
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }
    if (!is_folder(options.patient.sysroot)) {
        pw_cli_error("--sysroot: %s: %s", options.patient.sysroot, strerror(errno));
        return PW_CLI_USAGE;
    }
    if (!patient_examine(&options.patient, options.config_path, error, sizeof error)) {
        pw_cli_error_lines(error);
        return DOCTOR_BAD_CONFIG;
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
        printf("\n%u good, %u advice, %u bad, %u unknown\n", cnt[VERDICT_GOOD], cnt[VERDICT_ADVICE],
               cnt[VERDICT_BAD], cnt[VERDICT_UNKNOWN]);
        json_decref(rows);
    }
    return ok ? PW_CLI_DONE : PW_CLI_FAILED;
}
