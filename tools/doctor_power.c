/* SPDX-License-Identifier: MIT
 *
 * Checks of how fast the processors run and how deep they sleep.
 */
#include "doctor_read.h"

#include <stdio.h>
#include <string.h>

static const char g_no_control[] = "no frequency control visible (in a virtual machine the host decides)";

/* Whether the files of all CPUs say performance. */
static void performance_judge(const struct patient *patient, struct finding *finding, const char *files,
                              const char *absent)
{
    struct read_tally tally = read_tally(patient, files, "performance");
    if (tally.cnt == 0) {
        found(finding, VERDICT_UNKNOWN, "%s", absent);
    } else if (tally.other_cnt == 0) {
        found(finding, VERDICT_GOOD, "performance on all %u CPUs", tally.cnt);
    } else {
        found(finding, VERDICT_ADVICE, "'%s' on %u of %u CPUs", tally.other, tally.other_cnt, tally.cnt);
    }
}

void look_governor(const struct patient *patient, struct finding *finding)
{
    performance_judge(patient, finding, "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
                      g_no_control);
    advise(finding, "after a pause the core runs at a low clock: the first messages of a burst take longer",
           "cpupower frequency-set -g performance (or echo performance > .../cpufreq/scaling_governor)");
}

void look_energy(const struct patient *patient, struct finding *finding)
{
    performance_judge(patient, finding,
                      "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/energy_performance_preference",
                      "no energy preference visible");
    advise(finding, "the CPU lowers its clock to save energy, regardless of the governor",
           "for f in /sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference; do echo performance "
           "> $f; done");
}

void look_boost(const struct patient *patient, struct finding *finding)
{
    long boost, no_turbo;
    bool intel = number_read(patient, "/sys/devices/system/cpu/intel_pstate/no_turbo", &no_turbo);
    if (intel) {
        boost = no_turbo == 0;
    } else if (!number_read(patient, "/sys/devices/system/cpu/cpufreq/boost", &boost)) {
        found(finding, VERDICT_UNKNOWN, "%s", g_no_control);
        return;
    }
    found(finding, boost != 0 ? VERDICT_GOOD : VERDICT_ADVICE, boost != 0 ? "on" : "off");
    advise(finding, "all computation is slower by the ratio of the two clocks",
           intel ? "echo 0 > /sys/devices/system/cpu/intel_pstate/no_turbo"
                 : "echo 1 > /sys/devices/system/cpu/cpufreq/boost");
}

/* The slowest wake-up of all idle states that are switched on and that the limit allows; -1: no states. */
static long wake_us(const struct patient *patient, long limit_us)
{
    struct read_glob files;
    size_t file_cnt = read_glob(patient, "/sys/devices/system/cpu/cpu[0-9]*/cpuidle/state*/latency", &files);
    long slowest_us = -1;
    for (size_t i = 0; i < file_cnt; i++) {
        char path[READ_PATH_BYTES];
        long latency_us, disabled = 0;
        const char *file = read_glob_path(&files, i);
        snprintf(path, sizeof path, "%.*s/disable", (int)(strrchr(file, '/') - file), file);
        number_read(patient, path, &disabled);
        if (number_read(patient, file, &latency_us) && disabled == 0 && latency_us <= limit_us &&
            latency_us > slowest_us) {
            slowest_us = latency_us;
        }
    }
    read_glob_end(&files);
    return slowest_us;
}

/* What programs have asked of the kernel through this device: a 32-bit number, in the host's byte order. */
static bool latency_limit_read(const struct patient *patient, long *limit_us)
{
    char path[READ_PATH_BYTES];
    int32_t us;
    snprintf(path, sizeof path, "%s/dev/cpu_dma_latency", patient->sysroot);
    FILE *file = fopen(path, "re");
    bool there = file != NULL && fread(&us, sizeof us, 1, file) == 1;
    if (file != NULL) {
        fclose(file);
    }
    *limit_us = there ? us : INT32_MAX;
    return there;
}

void look_idle_states(const struct patient *patient, struct finding *finding)
{
    enum {
        DEEP_US = 10
    }; /* shallow states wake within a few microseconds, deep ones take tens to hundreds */
    long limit_us, slowest_us;
    bool limited = latency_limit_read(patient, &limit_us) && limit_us < 1000000;
    slowest_us = wake_us(patient, limit_us);
    if (slowest_us < 0) {
        found(finding, VERDICT_UNKNOWN, "no idle states visible");
    } else if (limited) {
        found(finding, slowest_us <= DEEP_US ? VERDICT_GOOD : VERDICT_ADVICE,
              "wake-up latency up to %ld us; limited to %ld us by a program", slowest_us, limit_us);
    } else {
        found(finding, slowest_us <= DEEP_US ? VERDICT_GOOD : VERDICT_ADVICE, "wake-up latency up to %ld us",
              slowest_us);
    }
    advise(finding,
           "an idle core serves interrupts that much later; spinning cores never idle, but the network "
           "card's core may",
           "cpupower idle-set -D %d; or tuned-adm profile network-latency, which holds /dev/cpu_dma_latency; "
           "or boot with processor.max_cstate=1 intel_idle.max_cstate=1",
           DEEP_US);
}
