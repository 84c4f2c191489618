/* SPDX-License-Identifier: MIT
 *
 * The check of the disk that journals are to be kept on.
 */
#include "doctor_read.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

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

/* The folder, or, where the engine is to create it, the one above; not for a link that leads nowhere. */
static const char *folder_there(const char *dir, char *parent, size_t bytes)
{
    struct stat st;
    if (stat(dir, &st) == 0 || errno != ENOENT || lstat(dir, &st) == 0) {
        return dir;
    }
    snprintf(parent, bytes, "%s", dir);
    return dirname(parent);
}

/* What the file system is; an unknown one is no good advice. */
static const char *file_system_name(const struct statfs *facts, enum verdict *verdict)
{
    *verdict = VERDICT_ADVICE;
    for (size_t i = 0; i < sizeof g_file_systems / sizeof g_file_systems[0]; i++) {
        if (g_file_systems[i].magic == ((unsigned long)facts->f_type & 0xfffffffful)) {
            *verdict = g_file_systems[i].verdict;
            return g_file_systems[i].name;
        }
    }
    return "an unknown file system";
}

/* The worst of what was found out decides what is advised. */
static void disk_judge(const struct patient *patient, const struct statfs *facts, const char *dir,
                       struct finding *finding)
{
    enum verdict verdict;
    const char *name = file_system_name(facts, &verdict);
    double each_ms = sync_ms(dir);
    uint64_t free_bytes = (uint64_t)facts->f_bavail * (uint64_t)facts->f_bsize;
    uint64_t least_bytes = 2 * patient->segment_bytes;
    bool slow = patient->commit_interval_ms > 0 && each_ms > patient->commit_interval_ms;
    char timing[48] = "";
    if (each_ms >= 0) {
        snprintf(timing, sizeof timing, ", %.2f ms per sync", each_ms);
    }
    advise(finding,
           verdict == VERDICT_BAD ? "committed data can be lost or corrupted: memory does not survive a "
                                    "power loss, and network locks and maps are not reliable"
                                  : "slower commits, or a sync without its guarantee",
           "keep the journal on ext4 or xfs of a local disk: journal.path in the config");
    if (verdict != VERDICT_BAD && free_bytes < least_bytes) {
        verdict = VERDICT_BAD;
        advise(finding, "the disk fills, and new orders stop",
               "free %llu MB there, or set journal.segment_mb lower",
               (unsigned long long)(least_bytes - free_bytes) >> 20);
    } else if (verdict == VERDICT_GOOD && slow) {
        verdict = VERDICT_ADVICE;
        advise(finding,
               "commits come later than commit_interval_ms; more is lost with a kill or a power failure",
               "use a faster disk, or set journal.commit_interval_ms above %.0f", each_ms);
    }
    found(finding, verdict, "%s: %s, %llu GB free%s", dir, name, (unsigned long long)free_bytes >> 30,
          timing);
}

/* The kernel's own: root has access to all of it, and yet nothing can be kept there. */
static bool takes_no_files(const struct statfs *facts)
{
    static const unsigned long magics[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,       CGROUP2_SUPER_MAGIC,
                                           CGROUP_SUPER_MAGIC, DEBUGFS_MAGIC,     TRACEFS_MAGIC,
                                           SECURITYFS_MAGIC,   DEVPTS_SUPER_MAGIC};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (magics[i] == ((unsigned long)facts->f_type & 0xfffffffful)) {
            return true;
        }
    }
    return false;
}

void look_journal(const struct patient *patient, struct finding *finding)
{
    struct statfs facts;
    struct stat st;
    char parent[512];
    if (patient->journal_off && patient->journal_dir == NULL) {
        found(finding, VERDICT_UNKNOWN, "the config keeps no journal");
        return;
    }
    const char *dir =
        folder_there(patient->journal_dir != NULL ? patient->journal_dir : ".", parent, sizeof parent);
    if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode)) {
        found(finding, VERDICT_BAD, "%s: not a folder", dir);
        advise(finding, "the engine does not start",
               "name a folder, or one that can be created: journal.path in the config");
    } else if (statfs(dir, &facts) != 0) {
        found(finding, patient->has_config ? VERDICT_BAD : VERDICT_UNKNOWN, "%s: %s", dir, strerror(errno));
        advise(finding, "the engine does not start", "name an existing folder: journal.path in the config");
    } else if (access(dir, W_OK | X_OK) != 0 || takes_no_files(&facts)) {
        found(finding, VERDICT_BAD, "%s cannot be written", dir);
        advise(finding, "the engine does not start",
               "name a folder that you can write to: journal.path in the config");
    } else {
        disk_judge(patient, &facts, dir, finding);
    }
}
