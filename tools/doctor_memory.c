/* SPDX-License-Identifier: MIT
 *
 * Checks of memory: huge pages, what may be locked, and what the kernel moves about.
 */
#include "doctor_read.h"
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The number after a key at the start of a line of /proc/meminfo; -1 if there is none. */
static long meminfo_number(const struct patient *patient, const char *key)
{
    char text[64];
    return keyed_line_read(patient, "/proc/meminfo", key, text, sizeof text) ? strtol(text, NULL, 10) : -1;
}

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

void look_huge_pages(const struct patient *patient, struct finding *finding)
{
    char where[256] = "";
    long total = meminfo_number(patient, "HugePages_Total:");
    long free_cnt = meminfo_number(patient, "HugePages_Free:");
    long page_kb = meminfo_number(patient, "Hugepagesize:");
    if (total < 0) {
        found(finding, VERDICT_UNKNOWN, "unavailable in this kernel");
        return;
    }
    bool mounted = hugetlbfs_mounted(patient, where);
    /* The workspace with default rings takes about 60 MB. */
    bool enough = mounted && free_cnt * page_kb >= 64 * 1024;
    found(finding, enough ? VERDICT_GOOD : VERDICT_ADVICE, "%ld of %ld pages of %ld kB are free; %s%s",
          free_cnt, total, page_kb, mounted ? "hugetlbfs at " : "hugetlbfs is not mounted",
          mounted ? where : "");
    advise(finding, "TLB misses on small pages: some percent of throughput, longer tail latencies",
           "sysctl vm.nr_hugepages=64, and mount -t hugetlbfs none /dev/hugepages if it is not mounted");
}

void look_transparent(const struct patient *patient, struct finding *finding)
{
    char text[128], word[32];
    if (!line_read(patient, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof text) ||
        !chosen_word(text, word, sizeof word)) {
        found(finding, VERDICT_UNKNOWN, "no transparent huge pages for shared memory in this kernel");
        return;
    }
    bool on = strcmp(word, "never") != 0 && strcmp(word, "deny") != 0;
    found(finding, on ? VERDICT_GOOD : VERDICT_ADVICE, "for shared memory: %s", word);
    advise(finding, "without a pool of huge pages, the workspace uses small pages",
           "echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled (not needed with hugetlbfs)");
}

void look_shared_memory(const struct patient *patient, struct finding *finding)
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
    advise(finding, "the workspace (60 MB with default rings) may not fit; the engine then refuses to start",
           "mount -o remount,size=1G /dev/shm (docker run --shm-size=1g), or smaller rings");
}

void look_memlock(const struct patient *patient, struct finding *finding)
{
    struct rlimit limit;
    (void)patient;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        found(finding, VERDICT_UNKNOWN, "%s", strerror(errno));
        return;
    }
    bool enough = geteuid() == 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= UINT64_C(64) << 20;
    char text[32];
    found(finding, enough ? VERDICT_GOOD : VERDICT_ADVICE, "%s%s", pw_memlock_print(text, sizeof text),
          limit.rlim_cur != RLIM_INFINITY && geteuid() == 0 ? "; root may lock more" : "");
    advise(finding, "stage memory may be swapped out: page faults of milliseconds on the hot path",
           "ulimit -l unlimited; permanently: 'memlock' in /etc/security/limits.d, or LimitMEMLOCK=infinity");
}

void look_numa(const struct patient *patient, struct finding *finding)
{
    long balancing;
    struct read_glob nodes;
    size_t node_cnt = read_glob(patient, "/sys/devices/system/node/node[0-9]*", &nodes);
    read_glob_end(&nodes);
    if (!number_read(patient, "/proc/sys/kernel/numa_balancing", &balancing)) {
        found(finding, VERDICT_GOOD, "no automatic balancing in this kernel");
    } else {
        found(finding, balancing == 0 || node_cnt == 1 ? VERDICT_GOOD : VERDICT_ADVICE,
              "%zu node%s, automatic balancing %s", node_cnt, node_cnt == 1 ? "" : "s",
              balancing == 0 ? "off" : "on");
    }
    advise(finding, "the kernel unmaps pages to sample their use: repeated page faults on the hot path",
           "sysctl kernel.numa_balancing=0; for good: in a file of /etc/sysctl.d");
}

void look_swap(const struct patient *patient, struct finding *finding)
{
    char line[256];
    if (!line_read(patient, "/proc/swaps", line, sizeof line)) {
        found(finding, VERDICT_UNKNOWN, "unavailable on this host");
        return;
    }
    bool swaps = keyed_line_read(patient, "/proc/swaps", "/", line, sizeof line);
    found(finding, swaps ? VERDICT_ADVICE : VERDICT_GOOD, swaps ? "on: /%.*s" : "off",
          (int)strcspn(line, " \t"), line);
    advise(finding,
           "memory that is not locked (program code, journal pages) may have to be read from disk first",
           "swapoff -a, and remove the swap lines from /etc/fstab");
}
