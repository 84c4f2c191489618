/* SPDX-License-Identifier: MIT
 *
 * Checks of clocks, and of how late the kernel wakes a thread.
 */
#include "doctor_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timex.h>
#include <time.h>
#include <zlib.h>

void look_clock_source(const struct patient *patient, struct finding *finding)
{
    char source[64];
    if (!line_read(patient, "/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
                   sizeof source)) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
        return;
    }
    const int read_cnt = 20000;
    int64_t before_ns = now_ns();
    for (int i = 0; i < read_cnt; i++) {
        now_ns();
    }
    double each_ns = (double)(now_ns() - before_ns) / read_cnt;
    /* A read that stays in user space takes 20 to 60 ns; one that enters the kernel or an I/O port, 200 or
     * far more. */
    bool fast = patient->sysroot[0] == '\0' ? each_ns < 150
                                            : strcmp(source, "hpet") != 0 && strcmp(source, "acpi_pm") != 0;
    found(finding, fast ? VERDICT_GOOD : VERDICT_ADVICE, "%s, %.0f ns per read", source, each_ns);
    advise(
        finding, "every pass of every core reads the clock",
        "use tsc (or the hypervisor's page): boot with clocksource=tsc tsc=reliable if the TSC is reliable");
}

void look_time(const struct patient *patient, struct finding *finding)
{
    struct timex state = {.modes = 0};
    (void)patient;
    int rc = adjtimex(&state);
    if (rc < 0) {
        found(finding, VERDICT_UNKNOWN, "unavailable: %s", strerror(errno));
        return;
    }
    bool synchronised = rc != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    found(finding, synchronised ? VERDICT_GOOD : VERDICT_ADVICE,
          synchronised ? "synchronized within %ld us" : "not synchronized, according to the kernel",
          state.esterror);
    advise(finding,
           "venues reject orders with a wrong time, and latencies against exchange time are meaningless",
           "run chrony or systemd-timesyncd (in a container: on its host)");
}

/* The kernel's configuration: in /proc, or beside the kernel. gzopen reads plain text as it is. */
static bool kernel_option_read(const struct patient *patient, const char *name, char *text, size_t text_bytes)
{
    char paths[2][READ_PATH_BYTES], release[64] = "", line[256];
    bool there = false;
    line_read(patient, "/proc/sys/kernel/osrelease", release, sizeof release);
    snprintf(paths[0], sizeof paths[0], "%s/proc/config.gz", patient->sysroot);
    snprintf(paths[1], sizeof paths[1], "%s/boot/config-%s", patient->sysroot, release);
    for (size_t i = 0; i < 2 && !there; i++) {
        gzFile file = gzopen(paths[i], "re");
        while (file != NULL && !there && gzgets(file, line, sizeof line) != NULL) {
            there = strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == '=';
        }
        if (file != NULL) {
            gzclose(file);
        }
    }
    if (there) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(text, text_bytes, "%s", line + strlen(name) + 1);
    }
    return there;
}

void look_timer_tick(const struct patient *patient, struct finding *finding)
{
    char hz[32], full[32] = "n";
    struct pw_cpu_set nohz;
    set_read(patient, "/sys/devices/system/cpu/nohz_full", &nohz);
    bool off = !set_is_empty(&patient->hot) && set_covers(&nohz, &patient->hot);
    bool known = kernel_option_read(patient, "CONFIG_HZ", hz, sizeof hz);
    kernel_option_read(patient, "CONFIG_NO_HZ_FULL", full, sizeof full);
    bool able = strcmp(full, "y") == 0;
    if (off) {
        found(finding, VERDICT_GOOD, "off on hot cores that run one thread");
    } else if (!known) {
        found(finding, VERDICT_UNKNOWN, "kernel configuration not readable");
    } else {
        found(finding, VERDICT_ADVICE, "%s per second on each busy core; the kernel %s stop it", hz,
              able ? "can" : "cannot");
    }
    advise(finding, "each interrupts a hot thread for some microseconds",
           able || !known ? "boot with nohz_full= of the hot cores: see `isolation`"
                          : "a kernel built with CONFIG_NO_HZ_FULL=y, then nohz_full=: see `isolation`");
}

void look_sleep(const struct patient *patient, struct finding *finding)
{
    const int sleep_cnt = 50;
    const struct timespec span = {.tv_nsec = 20000};
    (void)patient;
    prctl(PR_SET_TIMERSLACK, 5000ul); /* as the runner's threads do */
    int64_t before_ns = now_ns();
    for (int i = 0; i < sleep_cnt; i++) {
        nanosleep(&span, NULL);
    }
    int64_t late_ns = (now_ns() - before_ns) / sleep_cnt - span.tv_nsec;
    found(finding, late_ns < 100000 ? VERDICT_GOOD : VERDICT_ADVICE, "a 20 us sleep ends %.0f us late",
          (double)late_ns / 1000);
    advise(
        finding, "threads with `idle: sleep` see messages that much later",
        "a kernel with high-resolution timers; less load; shallower idle states (cpupower idle-set -D 10)");
}
