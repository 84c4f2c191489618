/* SPDX-License-Identifier: MIT
 *
 * Files of secrets: opened without following links, judged by what was opened. Pages for secrets.
 */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return -errno;
    }
    mode_t mode = info.st_mode & 07777;
    if (!S_ISREG(info.st_mode)) {
        return -EINVAL;
    }
    return (mode == 0600 || mode == 0400) && (info.st_uid == geteuid() || info.st_uid == 0) ? 0 : -EPERM;
}

long pw_secret_read(const char *path, char *text, size_t size)
{
    /* Not blocking: a pipe of that name must not hold us up before it is refused. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    long result = check_file(fd);
    size_t bytes = 0;
    while (result == 0 && bytes < size) {
        ssize_t got = read(fd, text + bytes, size - bytes);
        if (got <= 0) {
            result = got < 0 && errno != EINTR ? -errno : 0;
            if (got == 0 || result != 0) {
                break;
            }
            continue;
        }
        bytes += (size_t)got;
    }
    close(fd);
    while (bytes > 0 && strchr(" \t\r\n", text[bytes - 1])) {
        bytes--;
    }
    return result != 0 ? result : bytes == 0 || bytes == size ? -EINVAL : (long)bytes;
}

void *pw_secret_alloc(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    if (mlock(memory, bytes) != 0 || madvise(memory, bytes, MADV_DONTDUMP) != 0 ||
        madvise(memory, bytes, MADV_WIPEONFORK) != 0) {
        munmap(memory, bytes);
        return NULL;
    }
    return memory;
}

void pw_secret_free(void *memory, size_t bytes)
{
    if (memory != NULL) {
        explicit_bzero(memory, bytes);
        munmap(memory, bytes);
    }
}
