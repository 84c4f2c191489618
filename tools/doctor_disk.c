/* SPDX-License-Identifier: MIT
 *
 * The check of the disk that journals are to be kept on.
 */
#include "doctor_read.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
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

void look_journal(const struct patient *patient, struct finding *finding)
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
        snprintf(timing, sizeof timing, ", %.2f ms per sync", each_ms);
    }
    found(finding, verdict, "%s: %s, %llu GB free%s", patient->journal_dir, name, free_gb, timing);
    advise(finding,
           verdict == VERDICT_BAD ? "committed data can be lost or corrupted: memory does not survive a "
                                    "power loss, and network locks and maps are not reliable"
                                  : "slower commits, or a sync without its guarantee",
           "keep the journal on ext4 or xfs of a local disk: journal.path in the config");
}
