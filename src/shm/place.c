/* SPDX-License-Identifier: MIT
 *
 * Where workspaces live on this host, and getting their memory without surprises.
 */
#include "place.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Cleared in some ten milliseconds; a multiple of every page size but 1 GiB, of which one is cleared whole.
 */
#define POPULATE_BYTES ((size_t)64 << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; <linux/mman.h> of older systems lacks it */
#endif
#define HUGETLBFS_SUPER_MAGIC 0x958458f6u /* <linux/magic.h> */
#define TMPFS_SUPER_MAGIC     0x01021994u

/* ---- directories ---- */

/* False: no such directory, or one that cannot be used. */
static bool place_read(struct pw_place *place, const char *dir)
{
    struct statfs fs;
    *place = (struct pw_place){.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE)};
    if ((size_t)snprintf(place->dir, sizeof place->dir, "%s", dir) >= sizeof place->dir ||
        statfs(dir, &fs) != 0) {
        return false;
    }
    if ((uint32_t)fs.f_type == HUGETLBFS_SUPER_MAGIC) {
        place->hugetlbfs = true;
        place->page_bytes = (uint64_t)fs.f_bsize;
    }
    return true;
}

static uint32_t hugetlbfs_places_find(struct pw_place *places, uint32_t cap)
{
    FILE *mounts = setmntent("/proc/mounts", "re");
    if (mounts == NULL) {
        return 0;
    }
    uint32_t place_cnt = 0;
    struct mntent row;
    char text[1024];
    while (place_cnt < cap && getmntent_r(mounts, &row, text, sizeof text) != NULL) {
        struct pw_place place;
        if (strcmp(row.mnt_type, "hugetlbfs") != 0 || !place_read(&place, row.mnt_dir)) {
            continue;
        }
        uint32_t at = place_cnt++;
        for (; at > 0 && places[at - 1].page_bytes > place.page_bytes;
             at--) { /* smallest first: least waste */
            places[at] = places[at - 1];
        }
        places[at] = place;
    }
    endmntent(mounts);
    return place_cnt;
}

uint32_t pw_places_find(struct pw_place places[PW_PLACES_MAX])
{
    const char *dir = getenv("PINWHEEL_SHM_DIR");
    uint32_t place_cnt = 0;
    if (dir == NULL || dir[0] == '\0') {
        dir = "/dev/shm";
        place_cnt = hugetlbfs_places_find(places, PW_PLACES_MAX - 1);
    }
    place_read(&places[place_cnt], dir); /* if it cannot be read, the error that follows will name it */
    return place_cnt + 1;
}

/* The number in a file that begins with one; `absent` if there is none. */
static uint64_t number_read(const char *path, uint64_t absent)
{
    FILE *in = fopen(path, "re");
    uint64_t number = absent;
    if (in != NULL) {
        if (fscanf(in, "%" SCNu64, &number) != 1) {
            number = absent;
        }
        fclose(in);
    }
    return number;
}

static uint64_t pool_number(const struct pw_place *place, const char *file)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s",
             place->page_bytes / 1024, file);
    return number_read(path, 0);
}

uint64_t pw_place_pages_free(const struct pw_place *place)
{
    uint64_t free_cnt = pool_number(place, "free_hugepages");
    uint64_t reserved_cnt = pool_number(place, "resv_hugepages");
    return free_cnt > reserved_cnt ? free_cnt - reserved_cnt : 0;
}

bool pw_instance_name_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return len > 0 && len < PW_INSTANCE_BYTES && name[len] == '\0';
}

bool pw_place_path(const struct pw_place *place, const char *instance, char *path, size_t path_bytes)
{
    int len = snprintf(path, path_bytes, "%s/pinwheel.%s", place->dir, instance);
    return pw_instance_name_valid(instance) && len > 0 && (size_t)len < path_bytes;
}

/* ---- the lock ---- */

/* Of the open file: a mapping holds it, too, and other descriptors of the process do not disturb it. */
bool pw_file_hold(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool pw_file_is_held(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* ---- pages ---- */

/* A part of it, from a multiple of the page size. */
static int populate(int fd, void *map, size_t from, size_t bytes)
{
    char *part = (char *)map + from;
    /* Faults every page in, and returns an error where touching it would raise SIGBUS. */
    if (madvise(part, bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
        return errno == EFAULT || errno == EHWPOISON ? -ENOMEM : -errno;
    }
    /* Kernels before 5.14 know no such advice: there this allocates; elsewhere it finds everything in its
     * place. */
    int failed;
    do {
        failed = posix_fallocate(fd, (off_t)from, (off_t)bytes);
    } while (failed == EINTR);
    if (failed != 0) {
        return -failed;
    }
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t at = 0; at < bytes; at += page_bytes) {
        *(volatile char *)(part + at) = 0; /* fresh memory is zero: only the mapping's own tables change */
    }
    return 0;
}

int pw_pages_populate(int fd, void *map, size_t bytes, bool huge, const struct pw_give_up *give_up)
{
    if (huge) {
        madvise(map, bytes, MADV_HUGEPAGE); /* a wish: pw_pages_huge_bytes shows the result */
    }
    int result = 0;
    for (size_t at = 0; result == 0 && at < bytes; at += POPULATE_BYTES) {
        size_t left = bytes - at;
        result = give_up != NULL && give_up->is_due(give_up->state)
                     ? -ECANCELED
                     : populate(fd, map, at, left < POPULATE_BYTES ? left : POPULATE_BYTES);
    }
    return result;
}

bool pw_file_holes(int fd, uint64_t bytes)
{
    struct statfs fs;
    struct stat file;
    if (fstatfs(fd, &fs) != 0 || fstat(fd, &file) != 0) {
        return true;
    }
    bool in_memory = (uint32_t)fs.f_type == TMPFS_SUPER_MAGIC || (uint32_t)fs.f_type == HUGETLBFS_SUPER_MAGIC;
    return in_memory && (uint64_t)file.st_blocks * 512 < bytes;
}

uint64_t pw_memory_available_bytes(void)
{
    FILE *in = fopen("/proc/meminfo", "re");
    uint64_t kib = UINT64_MAX / 1024;
    char line[128];
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1) {
            break;
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    return kib * 1024;
}

uint64_t pw_pages_huge_page_bytes(void)
{
    return number_read("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", 2u << 20);
}

uint64_t pw_pages_huge_bytes(const void *map)
{
    FILE *in = fopen("/proc/self/smaps", "re");
    if (in == NULL) {
        return 0;
    }
    char line[512];
    bool ours = false;
    uint64_t huge_kib = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        uintptr_t from, to;
        uint64_t kib;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
            ours = from <= (uintptr_t)map && (uintptr_t)map < to;
        } else if (ours && sscanf(line, "ShmemPmdMapped: %" SCNu64, &kib) == 1) {
            huge_kib = kib;
        }
    }
    fclose(in);
    return huge_kib * 1024;
}

/* ---- processes ---- */

uint64_t pw_process_start_ticks(int64_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return 0;
    }
    size_t len = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[len] = '\0';
    const char *at =
        strrchr(text, ')'); /* the second field, the program's name, may hold anything but ends here */
    if (at == NULL || strlen(at) < 3 || at[2] == 'Z' || at[2] == 'X') {
        return 0;
    }
    /* The third field stands at at + 2; the 22nd is 19 blanks further. */
    at += 2;
    for (int field = 3; field < 22 && at != NULL; field++) {
        at = strchr(at, ' ');
        at = at == NULL ? NULL : at + 1;
    }
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}
