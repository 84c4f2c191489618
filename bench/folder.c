/* SPDX-License-Identifier: MIT
 *
 * A bench's folder: see folder.h.
 */
#include "folder.h"

#include <errno.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void bench_folder_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int bench_folder_make(char *path, size_t path_bytes, struct pw_bench_report *report)
{
    const char *parent = getenv("TMPDIR");
    struct statfs fs;
    snprintf(path, path_bytes, "%s/pinwheel-bench-XXXXXX", parent != NULL ? parent : "/var/tmp");
    if (mkdtemp(path) == NULL) {
        pw_bench_note(report, "cannot create %s; set $TMPDIR to another folder", path);
        return -errno;
    }
    if (statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC) {
        pw_bench_note(report, "%s is in memory, not on a disk: syncs cost nothing", path);
    }
    return 0;
}
