/* SPDX-License-Identifier: MIT
 *
 * The patient: which processors the host has, and on which of them the config's hot threads run.
 */
#include "doctor_read.h"

#include "cores.h"
#include "journal_config.h"
#include "sections.h"
#include <stdio.h>
#include <stdlib.h>

/* The host's own processors, or, below a sysroot, what its files say: there all that are online may be used.
 */
static void cpus_of(const struct patient *patient, struct pw_cpus *cpus)
{
    if (patient->sysroot[0] == '\0') {
        pw_cpus_of_host(cpus);
        return;
    }
    *cpus = (struct pw_cpus){
        .online = patient->online, .allowed = patient->online, .isolated = patient->isolated};
}

/* As pw_cpu_place has it: threads that do not sleep when idle are hot; all are, if none is. */
static struct pw_cpu_set hot_cores(const struct pw_config_cores *cores)
{
    struct pw_cpu_set hot = {0}, all = {0};
    bool any = false;
    for (uint32_t i = 0; i < cores->core_cnt; i++) {
        const struct pw_config_core *core = &cores->cores[i];
        bool awake = core->idle != PW_IDLE_SLEEP;
        any = any || awake;
        if (core->core >= 0) {
            pw_cpu_set_add(&all, (uint32_t)core->core);
        }
        if (core->core >= 0 && awake) {
            pw_cpu_set_add(&hot, (uint32_t)core->core);
        }
    }
    return any ? hot : all;
}

static bool config_place(struct pw_config *config, const struct patient *patient, const char *path,
                         char *error, size_t error_bytes)
{
    struct pw_cpus cpus;
    char note[PW_CPU_TEXT_BYTES];
    cpus_of(patient, &cpus);
    if (pw_app_config_load(config, path, &cpus, error, error_bytes) != 0) {
        return false;
    }
    struct pw_config_cores *cores = PW_CONFIG_EDIT(config, cores);
    int rc = patient->sysroot[0] == '\0' ? pw_cpu_place(cores, note, error, error_bytes)
                                         : pw_cpu_place_on(cores, NULL, &cpus, note, error, error_bytes);
    return rc == 0;
}

static void journal_take(struct patient *patient, const struct pw_config *config)
{
    const struct pw_config_journal *journal = PW_CONFIG(config, journal);
    snprintf(patient->journal_path, sizeof patient->journal_path, "%s", journal->path);
    patient->journal_off = !journal->enabled;
    patient->commit_interval_ms = journal->commit_interval_ms;
    patient->segment_bytes = journal->segment_bytes;
    if (patient->journal_dir == NULL && journal->enabled) {
        patient->journal_dir = patient->journal_path;
    }
}

bool patient_examine(struct patient *patient, const char *config_path, char *error, size_t error_bytes)
{
    set_read(patient, "/sys/devices/system/cpu/online", &patient->online);
    set_read(patient, "/sys/devices/system/cpu/isolated", &patient->isolated);
    patient->hot = patient->isolated;
    patient->has_config = config_path != NULL;
    if (config_path == NULL) {
        return true;
    }
    struct pw_config *config = pw_app_config_create();
    if (config == NULL) {
        snprintf(error, error_bytes, "no memory");
        return false;
    }
    bool good = config_place(config, patient, config_path, error, error_bytes);
    if (good) {
        patient->hot = hot_cores(PW_CONFIG(config, cores));
        journal_take(patient, config);
    }
    pw_config_destroy(config);
    return good;
}
