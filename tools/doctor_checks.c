/* SPDX-License-Identifier: MIT
 *
 * What pinwheel doctor looks at. A check reads what the kernel says, or measures; it changes nothing on the
 * host.
 */
#include "doctor.h"

#include "cpu.h"
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/io_uring.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>

/* ---- help ---- */

static void found(struct finding *finding, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void found(struct finding *finding, enum verdict verdict, const char *format, ...)
{
    va_list args;
    finding->verdict = verdict;
    va_start(args, format);
    vsnprintf(finding->found, sizeof finding->found, format, args);
    va_end(args);
}

/* The first line of a file below /proc or /sys, without its newline. */
static bool line_read(const struct patient *patient, const char *path, char *text, size_t text_bytes)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", patient->sysroot, path);
    FILE *file = fopen(whole, "re");
    if (file == NULL) {
        return false;
    }
    bool there = fgets(text, (int)text_bytes, file) != NULL;
    fclose(file);
    if (there) {
        text[strcspn(text, "\n")] = '\0';
    }
    return there;
}

static bool number_read(const struct patient *patient, const char *path, long *number)
{
    char text[64];
    char *end;
    if (!line_read(patient, path, text, sizeof text)) {
        return false;
    }
    *number = strtol(text, &end, 10);
    return end != text;
}

/* The number after a key at the start of a line of /proc/meminfo; -1 if there is none. */
static long meminfo_number(const struct patient *patient, const char *key)
{
    char path[512], line[256];
    long number = -1;
    snprintf(path, sizeof path, "%s/proc/meminfo", patient->sysroot);
    FILE *file = fopen(path, "re");
    while (file != NULL && number < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            number = strtol(line + strlen(key), NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return number;
}

/* The word in brackets: "always [madvise] never". */
static bool chosen_word(const char *text, char *word, size_t word_bytes)
{
    const char *open = strchr(text, '[');
    const char *close = open != NULL ? strchr(open, ']') : NULL;
    if (close == NULL) {
        return false;
    }
    snprintf(word, word_bytes, "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

static int64_t now_ns(void)
{
    struct pw_clock clock = pw_clock_host();
    return pw_clock_now_ns(&clock);
}

/* ---- processors ---- */

static void look_processors(const struct patient *patient, struct finding *finding)
{
    struct pw_cpus cpus;
    char allowed[128];
    (void)patient; /* what this process may use is asked of the kernel it runs on */
    pw_cpus_of_host(&cpus);
    uint32_t cnt = pw_cpu_set_cnt(&cpus.allowed);
    pw_cpu_set_print(&cpus.allowed, allowed, sizeof allowed);
    found(finding, cnt >= 2 ? VERDICT_GOOD : VERDICT_ADVICE, "%u to be used (%s)", cnt, allowed);
    finding->cost = "the journal's disk writes and the monitor delay every tick by up to milliseconds";
    finding->change =
        "give this machine, container or cpuset two processors or more; until then configs/one-core.yaml";
}

static void look_isolation(const struct patient *patient, struct finding *finding)
{
    char isolated[256] = "", nohz[256] = "";
    if (!line_read(patient, "/sys/devices/system/cpu/isolated", isolated, sizeof isolated) &&
        patient->sysroot[0] == '\0' && access("/sys/devices/system/cpu", R_OK) != 0) {
        found(finding, VERDICT_UNKNOWN, "the host does not say");
        return;
    }
    line_read(patient, "/sys/devices/system/cpu/nohz_full", nohz, sizeof nohz);
    bool has_nohz = nohz[0] >= '0' && nohz[0] <= '9';
    if (isolated[0] == '\0') {
        found(finding, VERDICT_ADVICE, "no processor is isolated");
    } else {
        found(finding, has_nohz ? VERDICT_GOOD : VERDICT_ADVICE, "isolated: %s; without timer tick: %s",
              isolated, has_nohz ? nohz : "none");
    }
    finding->cost =
        "other processes and the kernel's tick interrupt hot threads for 5 us to some ms at a time";
    finding->change =
        "boot with isolcpus=managed_irq,domain,2-5 nohz_full=2-5 rcu_nocbs=2-5 (the hot cores' numbers); "
        "`core: auto` finds them";
}

static void look_hyperthreads(const struct patient *patient, struct finding *finding)
{
    long active;
    if (!number_read(patient, "/sys/devices/system/cpu/smt/active", &active)) {
        found(finding, VERDICT_UNKNOWN, "the host does not say");
        return;
    }
    found(finding, active == 0 ? VERDICT_GOOD : VERDICT_ADVICE, active == 0 ? "off, or none" : "on");
    finding->cost = "a busy neighbour on the same physical core slows a hot thread by a third or more";
    finding->change =
        "`core: auto` keeps hot threads off each other's hyperthreads, but not other processes: isolate both "
        "threads of a core, or echo off > /sys/devices/system/cpu/smt/control";
}

/* How many processors have a governor, and how many of those another one than "performance". */
static void governors_count(const struct patient *patient, uint32_t *cnt, uint32_t *slow_cnt, char *name,
                            size_t name_bytes)
{
    char pattern[512];
    glob_t paths;
    *cnt = *slow_cnt = 0;
    snprintf(pattern, sizeof pattern, "%s/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
             patient->sysroot);
    if (glob(pattern, 0, NULL, &paths) != 0) {
        return;
    }
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char governor[64];
        if (line_read(patient, paths.gl_pathv[i] + strlen(patient->sysroot), governor, sizeof governor)) {
            ++*cnt;
            if (strcmp(governor, "performance") != 0) {
                ++*slow_cnt;
                snprintf(name, name_bytes, "%s", governor);
            }
        }
    }
    globfree(&paths);
}

static void look_governor(const struct patient *patient, struct finding *finding)
{
    uint32_t cnt, slow_cnt;
    char name[64] = "";
    governors_count(patient, &cnt, &slow_cnt, name, sizeof name);
    if (cnt == 0) {
        found(finding, VERDICT_UNKNOWN,
              "no frequency control to be seen (a virtual machine: its host decides)");
        return;
    }
    if (slow_cnt == 0) {
        found(finding, VERDICT_GOOD, "performance on all %u processors", cnt);
    } else {
        found(finding, VERDICT_ADVICE, "'%s' on %u of %u processors", name, slow_cnt, cnt);
    }
    finding->cost =
        "after a pause the core wakes at a low clock: the first messages of a burst take twice as long";
    finding->change =
        "cpupower frequency-set -g performance (or echo performance > .../cpufreq/scaling_governor)";
}

static void look_clock_source(const struct patient *patient, struct finding *finding)
{
    char source[64];
    if (!line_read(patient, "/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
                   sizeof source)) {
        found(finding, VERDICT_UNKNOWN, "the host does not say");
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
    found(finding, fast ? VERDICT_GOOD : VERDICT_ADVICE, "%s, %.0f ns to read here", source, each_ns);
    finding->cost = "every pass of every core reads the clock";
    finding->change = "use tsc (or the hypervisor's page): boot with clocksource=tsc tsc=reliable if the "
                      "machine's is sound";
}

static void look_time(const struct patient *patient, struct finding *finding)
{
    struct timex state = {.modes = 0};
    (void)patient;
    int rc = adjtimex(&state);
    if (rc < 0) {
        found(finding, VERDICT_UNKNOWN, "the kernel does not say: %s", strerror(errno));
        return;
    }
    bool synchronised = rc != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    found(finding, synchronised ? VERDICT_GOOD : VERDICT_ADVICE,
          synchronised ? "synchronised, within %ld us" : "not synchronised (as far as the kernel knows)",
          state.esterror);
    finding->cost =
        "venues refuse orders whose time is seconds off, and latencies from the venue's time mean nothing";
    finding->change = "run chrony or systemd-timesyncd (in a container: on its host)";
}

static void look_sleep(const struct patient *patient, struct finding *finding)
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
    found(finding, late_ns < 200000 ? VERDICT_GOOD : VERDICT_ADVICE,
          "a thread that sleeps 20 us wakes %.0f us late", (double)late_ns / 1000);
    finding->cost = "threads with `idle: sleep` notice messages that much later";
    finding->change =
        "a kernel with high-resolution timers; less load; shallower idle states (cpupower idle-set -D 10)";
}

/* ---- memory ---- */

/* where: 256 bytes, for the mount point. */
static bool hugetlbfs_mounted(const struct patient *patient, char *where)
{
    char path[512], line[1024], type[64];
    bool there = false;
    snprintf(path, sizeof path, "%s/proc/mounts", patient->sysroot);
    FILE *file = fopen(path, "re");
    while (file != NULL && !there && fgets(line, sizeof line, file) != NULL) {
        there = sscanf(line, "%*s %255s %63s", where, type) == 2 && strcmp(type, "hugetlbfs") == 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return there;
}

static void look_huge_pages(const struct patient *patient, struct finding *finding)
{
    char where[256] = "";
    long total = meminfo_number(patient, "HugePages_Total:");
    long free_cnt = meminfo_number(patient, "HugePages_Free:");
    long page_kb = meminfo_number(patient, "Hugepagesize:");
    if (total < 0) {
        found(finding, VERDICT_UNKNOWN, "the kernel has no huge pages, or does not say");
        return;
    }
    bool mounted = hugetlbfs_mounted(patient, where);
    /* The workspace with default rings takes about 60 MB. */
    bool enough = mounted && free_cnt * page_kb >= 64 * 1024;
    found(finding, enough ? VERDICT_GOOD : VERDICT_ADVICE, "%ld of %ld pages of %ld kB are free; %s%s",
          free_cnt, total, page_kb, mounted ? "hugetlbfs at " : "hugetlbfs is not mounted",
          mounted ? where : "");
    finding->cost = "rings on small pages miss the TLB: some percent of throughput, and longer tails";
    finding->change =
        "sysctl vm.nr_hugepages=64, and mount -t hugetlbfs none /dev/hugepages if it is not mounted";
}

static void look_transparent(const struct patient *patient, struct finding *finding)
{
    char text[128], word[32];
    if (!line_read(patient, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof text) ||
        !chosen_word(text, word, sizeof word)) {
        found(finding, VERDICT_UNKNOWN, "the kernel has no transparent huge pages for shared memory");
        return;
    }
    bool on = strcmp(word, "never") != 0 && strcmp(word, "deny") != 0;
    found(finding, on ? VERDICT_GOOD : VERDICT_ADVICE, "for shared memory: %s", word);
    finding->cost = "without a pool of huge pages, the workspace falls back to small ones";
    finding->change =
        "echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled (not needed with hugetlbfs)";
}

static void look_shared_memory(const struct patient *patient, struct finding *finding)
{
    struct statvfs facts;
    (void)patient;
    if (statvfs("/dev/shm", &facts) != 0) {
        found(finding, VERDICT_BAD, "/dev/shm: %s", strerror(errno));
    } else {
        uint64_t free_mb = (uint64_t)facts.f_bavail * facts.f_frsize >> 20;
        found(finding, free_mb >= 128 ? VERDICT_GOOD : VERDICT_ADVICE, "%llu MB free in /dev/shm",
              (unsigned long long)free_mb);
    }
    finding->cost = "the workspace (60 MB with default rings) may not fit: the engine refuses to start";
    finding->change = "mount -o remount,size=1G /dev/shm (docker run --shm-size=1g), or smaller rings";
}

static void look_memlock(const struct patient *patient, struct finding *finding)
{
    struct rlimit limit;
    (void)patient;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        found(finding, VERDICT_UNKNOWN, "%s", strerror(errno));
        return;
    }
    bool enough = geteuid() == 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= UINT64_C(64) << 20;
    if (limit.rlim_cur == RLIM_INFINITY) {
        found(finding, VERDICT_GOOD, "no limit");
    } else {
        found(finding, enough ? VERDICT_GOOD : VERDICT_ADVICE, "%llu kB%s",
              (unsigned long long)limit.rlim_cur / 1024, geteuid() == 0 ? ", but root may lock more" : "");
    }
    finding->cost = "stages' memory may be written to swap: a page fault of milliseconds on the hot path";
    finding->change =
        "ulimit -l unlimited; for good: 'memlock' in /etc/security/limits.d, or LimitMEMLOCK=infinity";
}

/* ---- sockets and TLS ---- */

/* Sets a small ring up and takes it down: 0 or -errno. */
static int io_uring_try(unsigned flags)
{
    struct io_uring_params params;
    memset(&params, 0, sizeof params);
    params.flags = flags;
    long fd = syscall(SYS_io_uring_setup, 4, &params);
    if (fd < 0) {
        return -errno;
    }
    close((int)fd);
    return 0;
}

static void look_io_uring(const struct patient *patient, struct finding *finding)
{
    long disabled = 0;
    number_read(patient, "/proc/sys/kernel/io_uring_disabled", &disabled);
    int rc = io_uring_try(0);
    finding->cost = "the engine has no other way to its sockets";
    finding->change =
        "sysctl kernel.io_uring_disabled=0; in a container, a seccomp profile that allows io_uring_setup, "
        "io_uring_enter and io_uring_register; Linux 5.19 or newer";
    if (disabled != 0 || rc != 0) {
        found(finding, VERDICT_BAD, "not to be had: kernel.io_uring_disabled is %ld; set-up says: %s",
              disabled, rc != 0 ? strerror(-rc) : "fine");
    } else if (io_uring_try(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) != 0) {
        found(finding, VERDICT_ADVICE, "works, without deferred task work (Linux 6.1)");
        finding->cost =
            "completions interrupt the hot thread where it does not expect it: about a microsecond each";
        finding->change = "Linux 6.1 or newer";
    } else {
        found(finding, VERDICT_GOOD, "works, single issuer with deferred task work");
    }
}

/* The time of sealing a 256-byte record with AES-128-GCM, as TLS does: the best of some rounds, so that a
 * busy machine does not look like a slow library; negative if it cannot be measured. */
static double seal_ns(void)
{
    enum { RECORD_BYTES = 256, ROUND_CNT = 5, SEAL_CNT = 100 };
    /* Room beyond the struct: a library built with other options than its headers say has a larger one. */
    static union {
        Aes aes;
        byte room[16384];
    } state;
    byte key[16] = {1}, nonce[12] = {2}, plain[RECORD_BYTES] = {3}, sealed[RECORD_BYTES], tag[16];
    if (wc_AesInit(&state.aes, NULL, INVALID_DEVID) != 0 ||
        wc_AesGcmSetKey(&state.aes, key, sizeof key) != 0) {
        return -1;
    }
    double best_ns = -1;
    for (int round = 0; round < ROUND_CNT; round++) {
        int64_t before_ns = now_ns();
        for (int i = 0; i < SEAL_CNT; i++) {
            nonce[0] = (byte)i;
            if (wc_AesGcmEncrypt(&state.aes, sealed, plain, RECORD_BYTES, nonce, sizeof nonce, tag,
                                 sizeof tag, NULL, 0) != 0) {
                return -1;
            }
        }
        double each_ns = (double)(now_ns() - before_ns) / SEAL_CNT;
        best_ns = best_ns < 0 || each_ns < best_ns ? each_ns : best_ns;
    }
    wc_AesFree(&state.aes);
    return best_ns;
}

static void look_tls(const struct patient *patient, struct finding *finding)
{
    (void)patient; /* the library that this program and its brothers were built with */
    double each_ns = seal_ns();
    if (each_ns < 0) {
        found(finding, VERDICT_UNKNOWN, "wolfSSL does not seal: no AES-GCM in this build");
        return;
    }
    /* Measured on one machine: 106 ns with AES instructions, 2833 without. */
    bool fast = each_ns < 700;
    found(finding, fast ? VERDICT_GOOD : VERDICT_ADVICE,
          "wolfSSL seals a 256-byte record in %.0f ns: %s AES instructions", each_ns,
          fast ? "with" : "without");
    finding->cost = "about 3 us for each message that comes or goes, where 0.1 us would do";
    finding->change =
        "tools/setup.sh builds wolfSSL with them and configures the tree for it; then build again";
}

/* ---- the journal's disk ---- */

struct file_system {
    unsigned long magic;
    const char *name;
    enum verdict verdict;
};

static const struct file_system g_file_systems[] = {
    {EXT4_SUPER_MAGIC, "ext2/3/4", VERDICT_GOOD}, {XFS_SUPER_MAGIC, "xfs", VERDICT_GOOD},
    {BTRFS_SUPER_MAGIC, "btrfs", VERDICT_ADVICE}, {OVERLAYFS_SUPER_MAGIC, "overlayfs", VERDICT_ADVICE},
    {TMPFS_MAGIC, "tmpfs", VERDICT_BAD},          {RAMFS_MAGIC, "ramfs", VERDICT_BAD},
    {NFS_SUPER_MAGIC, "nfs", VERDICT_BAD},        {0xff534d42ul, "cifs", VERDICT_BAD},
    {0xfe534d42ul, "smb2", VERDICT_BAD},          {FUSE_SUPER_MAGIC, "fuse", VERDICT_ADVICE},
};

/* The mean time in which a written page is safe on disk there; negative: not to be measured. */
static double sync_ms(const char *dir)
{
    enum { SYNC_CNT = 5 };
    static const char page[4096];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); /* has no name: nothing is left behind */
    if (fd < 0) {
        return -1;
    }
    bool good = true;
    int64_t before_ns = now_ns();
    for (int i = 0; i < SYNC_CNT && good; i++) {
        good = pwrite(fd, page, sizeof page, (off_t)i * (off_t)sizeof page) == (ssize_t)sizeof page &&
               fdatasync(fd) == 0;
    }
    double each_ms = (double)(now_ns() - before_ns) / SYNC_CNT / 1e6;
    close(fd);
    return good ? each_ms : -1;
}

static void look_journal(const struct patient *patient, struct finding *finding)
{
    struct statfs facts;
    if (statfs(patient->journal_dir, &facts) != 0) {
        found(finding, VERDICT_UNKNOWN, "%s: %s", patient->journal_dir, strerror(errno));
        return;
    }
    const char *name = "an unknown file system";
    enum verdict verdict = VERDICT_ADVICE;
    for (size_t i = 0; i < sizeof g_file_systems / sizeof g_file_systems[0]; i++) {
        if (g_file_systems[i].magic == ((unsigned long)facts.f_type & 0xfffffffful)) {
            name = g_file_systems[i].name;
            verdict = g_file_systems[i].verdict;
        }
    }
    double each_ms = sync_ms(patient->journal_dir);
    unsigned long long free_gb = (unsigned long long)facts.f_bavail * (unsigned long long)facts.f_bsize >> 30;
    char timing[48] = "";
    if (each_ms >= 0) {
        snprintf(timing, sizeof timing, ", %.2f ms a sync", each_ms);
    }
    found(finding, verdict, "%s: %s, %llu GB free%s", patient->journal_dir, name, free_gb, timing);
    finding->cost = verdict == VERDICT_BAD
                        ? "LMDB there loses or corrupts what it has acknowledged: memory is gone with "
                          "the power, and network locks and maps do not hold"
                        : "slower commits, or a sync that does not mean what it says";
    finding->change = "keep the journal on ext4 or xfs of a local disk: journal.path in the config";
}

const struct check doctor_checks[] = {
    {"processors", look_processors},
    {"isolation", look_isolation},
    {"hyperthreads", look_hyperthreads},
    {"governor", look_governor},
    {"clock source", look_clock_source},
    {"time", look_time},
    {"sleep", look_sleep},
    {"huge pages", look_huge_pages},
    {"transparent", look_transparent},
    {"shared memory", look_shared_memory},
    {"memlock", look_memlock},
    {"io_uring", look_io_uring},
    {"tls", look_tls},
    {"journal disk", look_journal},
};
const uint32_t doctor_check_cnt = sizeof doctor_checks / sizeof doctor_checks[0];
