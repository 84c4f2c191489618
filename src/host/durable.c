/* SPDX-License-Identifier: MIT
 *
 * Durable small files: write, sync, rename, sync the folder.
 */
#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512

static int path_of(const char *folder, const char *name, const char *suffix, char path[PATH_BYTES])
{
    int bytes = snprintf(path, PATH_BYTES, "%s/%s%s", folder, name, suffix);
    return bytes < 0 || bytes >= PATH_BYTES ? -ENAMETOOLONG : 0;
}

/* So that a new name, or that one has gone, is durable, too. */
static int folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = fsync(fd) != 0 ? -errno : 0;
    close(fd);
    return error;
}

int pw_durable_folder(const char *folder)
{
    char parent[PATH_BYTES];
    if (mkdir(folder, 0700) != 0) {
        return errno == EEXIST ? 0 : -errno;
    }
    if (snprintf(parent, sizeof parent, "%s", folder) < (int)sizeof parent) {
        (void)folder_sync(dirname(parent)); /* what cannot be opened cannot be synced */
    }
    return 0;
}

/* For its owner alone, also where one of another mode was left. What is no regular file is not written to,
 * and a FIFO is not waited for. A descriptor, or a negative errno. */
static int fresh_open(const char *path)
{
    struct stat info;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0) {
        return -errno;
    }
    int error = fstat(fd, &info) != 0 ? -errno : S_ISREG(info.st_mode) ? 0 : -EMEDIUMTYPE;
    error = error == 0 && fchmod(fd, 0600) != 0 ? -errno : error;
    if (error != 0) {
        close(fd);
    }
    return error != 0 ? error : fd;
}

/* Over what stands there, and then cut: bytes that were reserved are used. */
static int file_write(const char *path, const char *text)
{
    size_t bytes = strlen(text);
    int fd = fresh_open(path);
    if (fd < 0) {
        return fd;
    }
    ssize_t written = write(fd, text, bytes);
    int error = written == (ssize_t)bytes ? 0 : written < 0 ? -errno : -EIO;
    error = error == 0 && ftruncate(fd, (off_t)bytes) != 0 ? -errno : error;
    error = error == 0 && fsync(fd) != 0 ? -errno : error;
    close(fd);
    return error;
}

int pw_durable_reserve(const char *folder, const char *name, size_t bytes)
{
    char path[PATH_BYTES];
    int error = path_of(folder, name, ".new", path);
    error = error != 0 ? error : pw_durable_folder(folder);
    if (error != 0) {
        return error;
    }
    int fd = fresh_open(path);
    if (fd < 0) {
        return fd;
    }
    error = -posix_fallocate(fd, 0, (off_t)bytes);
    error = error == 0 && fsync(fd) != 0 ? -errno : error;
    close(fd);
    return error != 0 ? error : folder_sync(folder);
}

int pw_durable_replace(const char *folder, const char *name, const char *text)
{
    char path[PATH_BYTES], fresh[PATH_BYTES];
    int error = path_of(folder, name, "", path);
    error = error != 0 ? error : path_of(folder, name, ".new", fresh);
    error = error != 0 ? error : pw_durable_folder(folder);
    error = error != 0 ? error : file_write(fresh, text);
    error = error == 0 && rename(fresh, path) != 0 ? -errno : error;
    return error != 0 ? error : folder_sync(folder);
}

int pw_durable_remove(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    int error = path_of(folder, name, "", path);
    if (error == 0 && unlink(path) != 0 && errno != ENOENT) {
        return -errno;
    }
    /* Also of one that has gone already: the sync before may have failed. */
    error = error != 0 ? error : folder_sync(folder);
    return error == -ENOENT ? 0 : error;
}

long pw_durable_read(const char *folder, const char *name, char *text, size_t text_bytes)
{
    char path[PATH_BYTES];
    int error = path_of(folder, name, "", path);
    int fd = error == 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : error;
    text[0] = '\0';
    if (fd < 0) {
        return error != 0 ? error : -errno;
    }
    ssize_t bytes = read(fd, text, text_bytes - 1);
    error = bytes < 0 ? -errno : 0;
    text[bytes > 0 ? bytes : 0] = '\0';
    close(fd);
    return error != 0 ? error : (long)bytes;
}
