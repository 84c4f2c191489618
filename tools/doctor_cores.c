/* SPDX-License-Identifier: MIT
 *
 * Checks of who else uses the hot cores: other processes, hyperthreads, interrupts, the kernel, other
 * machines on the same host.
 */
#include "doctor_read.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORES_TEXT_BYTES 128

/* The hot cores for a command; where none are known, an example. */
static const char *hot_text(const struct patient *patient, char text[CORES_TEXT_BYTES])
{
    if (set_is_empty(&patient->hot)) {
        snprintf(text, CORES_TEXT_BYTES, "CPUS");
    } else {
        pw_cpu_set_print(&patient->hot, text, CORES_TEXT_BYTES);
    }
    return text;
}

void look_processors(const struct patient *patient, struct finding *finding)
{
    struct pw_cpus cpus;
    char allowed[CORES_TEXT_BYTES], hot[CORES_TEXT_BYTES];
    pw_cpus_of_host(&cpus); /* what this process may use is asked of the kernel it runs on */
    uint32_t cnt = pw_cpu_set_cnt(&cpus.allowed);
    pw_cpu_set_print(&cpus.allowed, allowed, sizeof allowed);
    pw_cpu_set_print(&patient->hot, hot, sizeof hot);
    found(finding, cnt >= 2 ? VERDICT_GOOD : VERDICT_ADVICE, "%u usable CPUs (%s); hot cores: %s%s", cnt,
          allowed, hot, patient->has_config ? " (from the config)" : " (no config: the isolated ones)");
    advise(finding, "the journal's disk writes and the monitor delay every tick by up to milliseconds",
           "give this machine, container or cpuset two CPUs or more; until then use configs/one-core.yaml");
}

/* What `rcu_nocbs=` names and nohz_full implies. */
static void rcu_offloaded(const struct patient *patient, const struct pw_cpu_set *nohz,
                          struct pw_cpu_set *offloaded)
{
    char text[READ_LINE_BYTES];
    *offloaded = (struct pw_cpu_set){0};
    if (boot_option_read(patient, "rcu_nocbs", text, sizeof text)) {
        if (strcmp(text, "all") == 0) {
            *offloaded = patient->online;
        } else if (!pw_cpu_set_parse(text, offloaded)) {
            *offloaded = (struct pw_cpu_set){0};
        }
    }
    for (uint32_t i = 0; i < PW_CPUS_MAX / 64; i++) {
        offloaded->words[i] |= nohz->words[i];
    }
}

void look_isolation(const struct patient *patient, struct finding *finding)
{
    struct pw_cpu_set nohz, offloaded;
    char isolated_text[CORES_TEXT_BYTES], nohz_text[CORES_TEXT_BYTES], rcu_text[CORES_TEXT_BYTES];
    char hot[CORES_TEXT_BYTES], line[READ_LINE_BYTES];
    set_read(patient, "/sys/devices/system/cpu/nohz_full", &nohz);
    rcu_offloaded(patient, &nohz, &offloaded);
    pw_cpu_set_print(&patient->isolated, isolated_text, sizeof isolated_text);
    pw_cpu_set_print(&nohz, nohz_text, sizeof nohz_text);
    pw_cpu_set_print(&offloaded, rcu_text, sizeof rcu_text);
    bool good = !set_is_empty(&patient->hot) && set_covers(&patient->isolated, &patient->hot) &&
                set_covers(&nohz, &patient->hot) && set_covers(&offloaded, &patient->hot);
    if (set_is_empty(&patient->hot) && patient->has_config) {
        found(finding, VERDICT_ADVICE, "the config binds no hot thread to a core");
    } else if (!line_read(patient, "/sys/devices/system/cpu/isolated", line, sizeof line)) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
    } else if (set_is_empty(&patient->isolated)) {
        found(finding, VERDICT_ADVICE, "no CPU is isolated");
    } else {
        found(finding, good ? VERDICT_GOOD : VERDICT_ADVICE, "isolated: %s; nohz_full: %s; rcu_nocbs: %s",
              isolated_text, nohz_text, rcu_text);
    }
    hot_text(patient, hot);
    advise(finding,
           "other processes, the timer tick and deferred kernel work interrupt hot threads for microseconds "
           "to milliseconds",
           "boot with isolcpus=managed_irq,domain,%s nohz_full=%s rcu_nocbs=%s (Debian: in "
           "GRUB_CMDLINE_LINUX of /etc/default/grub, then update-grub and reboot)%s",
           hot, hot, hot,
           set_is_empty(&patient->hot) ? "; replace CPUS by the hot cores of your config"
                                       : "; `core: auto` prefers such cores");
}

/* Who shares a physical core with a hot thread, and may get work. */
static struct pw_cpu_set noisy_siblings(const struct patient *patient)
{
    struct pw_cpu_set noisy = {0};
    for (uint32_t cpu = 0; cpu < PW_CPUS_MAX; cpu++) {
        char path[READ_PATH_BYTES];
        struct pw_cpu_set siblings;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
        if (!pw_cpu_set_has(&patient->hot, cpu) || !set_read(patient, path, &siblings)) {
            continue;
        }
        for (uint32_t other = 0; other < PW_CPUS_MAX; other++) {
            /* Without a config "hot" is what is isolated, and both threads of a core may well be. */
            bool used = patient->has_config && pw_cpu_set_has(&patient->hot, other);
            if (other != cpu && pw_cpu_set_has(&siblings, other) &&
                (used || !pw_cpu_set_has(&patient->isolated, other))) {
                pw_cpu_set_add(&noisy, other);
            }
        }
    }
    return noisy;
}

void look_hyperthreads(const struct patient *patient, struct finding *finding)
{
    long active;
    char text[CORES_TEXT_BYTES];
    struct pw_cpu_set noisy = noisy_siblings(patient);
    pw_cpu_set_print(&noisy, text, sizeof text);
    if (!number_read(patient, "/sys/devices/system/cpu/smt/active", &active)) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
    } else if (active == 0) {
        found(finding, VERDICT_GOOD, "off or unsupported");
    } else if (set_is_empty(&patient->hot)) {
        found(finding, VERDICT_ADVICE, "on");
    } else if (set_is_empty(&noisy)) {
        found(finding, VERDICT_GOOD, "on; the siblings of hot cores are idle");
    } else {
        found(finding, VERDICT_ADVICE, "on; siblings of hot cores in use: %s", text);
    }
    const char *cost = "a thread on the same physical core competes for execution units and caches";
    if (set_is_empty(&noisy)) {
        advise(finding, cost,
               "isolate both threads of a physical core, or echo off > /sys/devices/system/cpu/smt/control");
    } else {
        advise(finding, cost,
               "echo 0 > /sys/devices/system/cpu/cpuN/online for N = %s, or isolate them and leave them "
               "idle, or echo off > /sys/devices/system/cpu/smt/control",
               text);
    }
}

/* ---- interrupts ---- */

/* Where an interrupt goes: the effective setting, else the permitted one. */
static bool interrupt_cores(const struct patient *patient, const char *dir, struct pw_cpu_set *cores)
{
    char path[READ_PATH_BYTES];
    snprintf(path, sizeof path, "%s/effective_affinity_list", dir);
    if (set_read(patient, path, cores) && !set_is_empty(cores)) {
        return true;
    }
    snprintf(path, sizeof path, "%s/smp_affinity_list", dir);
    return set_read(patient, path, cores);
}

struct interrupts {
    uint32_t cnt, hot_cnt;
    char hot_numbers[CORES_TEXT_BYTES]; /* as many as fit */
};

static void interrupts_count(const struct patient *patient, struct interrupts *interrupts)
{
    struct read_glob dirs;
    size_t dir_cnt = read_glob(patient, "/proc/irq/[0-9]*", &dirs);
    size_t bytes = 0;
    *interrupts = (struct interrupts){0};
    for (size_t i = 0; i < dir_cnt; i++) {
        struct pw_cpu_set cores;
        const char *dir = read_glob_path(&dirs, i);
        if (!interrupt_cores(patient, dir, &cores)) {
            continue;
        }
        interrupts->cnt++;
        if (!set_meets(&cores, &patient->hot)) {
            continue;
        }
        interrupts->hot_cnt++;
        if (bytes + 8 < sizeof interrupts->hot_numbers) {
            bytes += (size_t)snprintf(interrupts->hot_numbers + bytes, sizeof interrupts->hot_numbers - bytes,
                                      "%s%.6s", bytes > 0 ? " " : "", strrchr(dir, '/') + 1);
        }
    }
    read_glob_end(&dirs);
}

void look_interrupts(const struct patient *patient, struct finding *finding)
{
    struct interrupts interrupts;
    struct pw_cpu_set rest = set_without(&patient->online, &patient->hot);
    char cold[CORES_TEXT_BYTES];
    interrupts_count(patient, &interrupts);
    pw_cpu_set_print(&rest, cold, sizeof cold);
    if (interrupts.cnt == 0) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
    } else if (set_is_empty(&patient->hot)) {
        found(finding, VERDICT_UNKNOWN, "%u interrupts; hot cores unknown: name a config, or isolate CPUs",
              interrupts.cnt);
    } else if (interrupts.hot_cnt == 0) {
        found(finding, VERDICT_GOOD, "0 of %u on hot cores", interrupts.cnt);
    } else {
        found(finding, VERDICT_ADVICE, "%u of %u on hot cores: %s", interrupts.hot_cnt, interrupts.cnt,
              interrupts.hot_numbers);
    }
    const char *cost = "each interrupts a hot thread for microseconds; a busy network card does so thousands "
                       "of times a second";
    if (set_is_empty(&rest)) {
        advise(finding, cost, "leave a core for interrupts: every online core is hot");
        return;
    }
    advise(finding, cost,
           "for i in %s; do echo %s > /proc/irq/$i/smp_affinity_list; done (after systemctl stop "
           "irqbalance); permanently: boot with irqaffinity=%s",
           interrupts.hot_numbers, cold, cold);
}

void look_irqbalance(const struct patient *patient, struct finding *finding)
{
    struct read_tally others = read_tally(patient, "/proc/[0-9]*/comm", "irqbalance");
    bool safe = !set_is_empty(&patient->hot) && set_covers(&patient->isolated, &patient->hot);
    if (others.cnt == 0) {
        found(finding, VERDICT_UNKNOWN, "processes are not visible");
    } else if (others.other_cnt == others.cnt) {
        found(finding, VERDICT_GOOD, "not running");
    } else {
        found(finding, safe ? VERDICT_GOOD : VERDICT_ADVICE, "running%s",
              safe ? "; it excludes isolated cores" : "");
    }
    advise(finding, "it moves interrupts back to hot cores minutes after you moved them away",
           "systemctl disable --now irqbalance; or isolate the hot cores: it leaves isolated ones alone");
}

/* ---- the kernel ---- */

void look_mitigations(const struct patient *patient, struct finding *finding)
{
    struct read_glob files;
    size_t file_cnt = read_glob(patient, "/sys/devices/system/cpu/vulnerabilities/*", &files);
    uint32_t cnt = 0;
    char names[256] = "";
    for (size_t i = 0; i < file_cnt; i++) {
        char text[64];
        if (line_read(patient, read_glob_path(&files, i), text, sizeof text) &&
            strncmp(text, "Mitigation", strlen("Mitigation")) == 0) {
            size_t bytes = strlen(names);
            snprintf(names + bytes, sizeof names - bytes, "%s%s", cnt++ > 0 ? ", " : "",
                     strrchr(read_glob_path(&files, i), '/') + 1);
        }
    }
    read_glob_end(&files);
    if (file_cnt == 0) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
    } else if (cnt == 0) {
        found(finding, VERDICT_GOOD, "0 on");
    } else {
        found(finding, VERDICT_ADVICE, "%u on: %s", cnt, names);
    }
    advise(
        finding, "each system call and interrupt is slower; hot threads make few, the network path many",
        "boot with mitigations=off, only on a machine that runs no other users' code; otherwise keep them");
}

void look_rt_limit(const struct patient *patient, struct finding *finding)
{
    long runtime_us;
    int policy = sched_getscheduler(0);
    if (!number_read(patient, "/proc/sys/kernel/sched_rt_runtime_us", &runtime_us)) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
    } else if (runtime_us < 0) {
        found(finding, VERDICT_GOOD, "no limit for real-time threads");
    } else if (policy == SCHED_FIFO || policy == SCHED_RR) {
        found(finding, VERDICT_ADVICE, "real-time threads are limited to %ld us per second", runtime_us);
    } else {
        found(finding, VERDICT_UNKNOWN,
              "real-time threads are limited to %ld us per second; pinwheel's threads are normal ones unless "
              "started under chrt",
              runtime_us);
    }
    advise(finding, "a spinning real-time thread is suspended for the rest of each second",
           "sysctl kernel.sched_rt_runtime_us=-1");
}

/* ---- other machines, other groups ---- */

/* The quota in one folder of the hierarchy, either version's: processors' worth; 0: none. */
static double quota_at(const struct patient *patient, const char *root, const char *group, bool *known)
{
    char path[READ_PATH_BYTES], text[64];
    long quota_us, period_us;
    snprintf(path, sizeof path, "%.128s%.256s/cpu.max", root, group);
    if (line_read(patient, path, text, sizeof text)) {
        *known = true;
        return sscanf(text, "%ld %ld", &quota_us, &period_us) == 2 && period_us > 0
                   ? (double)quota_us / (double)period_us
                   : 0;
    }
    snprintf(path, sizeof path, "%.128s%.256s/cpu.cfs_quota_us", root, group);
    if (!number_read(patient, path, &quota_us)) {
        return 0;
    }
    *known = true;
    snprintf(path, sizeof path, "%.128s%.256s/cpu.cfs_period_us", root, group);
    return quota_us > 0 && number_read(patient, path, &period_us) && period_us > 0
               ? (double)quota_us / (double)period_us
               : 0;
}

/* The least quota of a group and those above it. */
static double quota_least(const struct patient *patient, const char *root, const char *group, bool *known)
{
    char at[256];
    double least = 0;
    snprintf(at, sizeof at, "%s", strcmp(group, "/") == 0 ? "" : group);
    for (;;) {
        double quota = quota_at(patient, root, at, known);
        least = quota > 0 && (least == 0 || quota < least) ? quota : least;
        char *slash = strrchr(at, '/');
        if (slash == NULL) {
            return least;
        }
        *slash = '\0';
    }
}

void look_quota(const struct patient *patient, struct finding *finding)
{
    /* Version 2, and where both are in use; version 1, whose root is a container's own group. */
    static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu",
                                        "/sys/fs/cgroup/cpu,cpuacct"};
    char group[256] = "/";
    bool known = false;
    double least = 0;
    keyed_line_read(patient, "/proc/self/cgroup", "0::", group, sizeof group);
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        double quota = quota_least(patient, roots[i], group, &known);
        least = quota > 0 && (least == 0 || quota < least) ? quota : least;
    }
    if (!known) {
        found(finding, VERDICT_UNKNOWN, "no control group visible");
    } else if (least == 0) {
        found(finding, VERDICT_GOOD, "none");
    } else {
        found(finding, VERDICT_ADVICE, "limited to %.2f CPUs", least);
    }
    advise(finding,
           "a spinning thread uses up the quota and is suspended until the next period, often 100 ms",
           "none: docker run without --cpus (use --cpuset-cpus), Kubernetes' static CPU manager with whole "
           "processors, or echo max > cpu.max of the group");
}

void look_steal(const struct patient *patient, struct finding *finding)
{
    unsigned long long fields[8] = {0}, all = 0;
    char line[READ_LINE_BYTES], flags[READ_LINE_BYTES] = "";
    bool is_virtual = keyed_line_read(patient, "/proc/cpuinfo", "flags", flags, sizeof flags) &&
                      strstr(flags, " hypervisor") != NULL;
    if (!keyed_line_read(patient, "/proc/stat", "cpu ", line, sizeof line) ||
        sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu", &fields[0], &fields[1], &fields[2],
               &fields[3], &fields[4], &fields[5], &fields[6], &fields[7]) != 8) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
        return;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        all += fields[i];
    }
    double percent = all > 0 ? 100.0 * (double)fields[7] / (double)all : 0;
    /* One part in a thousand is a millisecond of each second. */
    found(finding, percent < 0.1 ? VERDICT_GOOD : VERDICT_ADVICE, "%.3f %% of CPU time since boot%s", percent,
          is_virtual ? " (a virtual machine)" : "");
    advise(finding,
           "the hypervisor suspends the CPU, mostly for milliseconds, regardless of this machine's tuning",
           "a machine with CPUs of its own (dedicated, pinned, or bare metal)");
}
