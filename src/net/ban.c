/* SPDX-License-Identifier: MIT
 *
 * The file of the ban.
 */
#include "ban.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NS                                                                                           \
    INT64_C(60000000000) /* told to wait without being told how long: a window of the limits                 \
                          */
#define TEXT_BYTES 24u
#define PATH_BYTES (256 + sizeof "/ban.new")

static void path_of(const char *folder, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", folder, name);
}

/* The number and a line's end, nothing else: 0 if it is not that. */
static int64_t parse(const char *text)
{
    char *end;
    errno = 0;
    long long until_ns = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && strcmp(end, "\n") == 0 && errno == 0 ? until_ns : 0;
}

int64_t pw_ban_read(const char *folder, int64_t now_ns)
{
    char path[PATH_BYTES], text[TEXT_BYTES] = "";
    if (folder == NULL) {
        return 0;
    }
    path_of(folder, "ban", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return 0;
    }
    ssize_t bytes = read(fd, text, sizeof text - 1);
    close(fd);
    int64_t until_ns = bytes > 0 ? parse(text) : 0;
    return until_ns > now_ns && until_ns - now_ns <= PW_BAN_MAX_NS ? until_ns : 0;
}

static int write_file(const char *path, const char *text)
{
    size_t bytes = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return -errno;
    }
    ssize_t written = write(fd, text, bytes);
    int error = written == (ssize_t)bytes ? 0 : written < 0 ? -errno : -EIO;
    error = error == 0 && fsync(fd) != 0 ? -errno : error;
    close(fd);
    return error;
}

/* So that the new name is durable, too. */
static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = fsync(fd) != 0 ? -errno : 0;
    close(fd);
    return error;
}

int pw_ban_keep(const char *folder, int64_t until_ns)
{
    char path[PATH_BYTES], fresh[PATH_BYTES], text[TEXT_BYTES];
    if (folder == NULL) {
        return 0;
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    path_of(folder, "ban", path);
    path_of(folder, "ban.new", fresh);
    snprintf(text, sizeof text, "%" PRId64 "\n", until_ns);
    int error = write_file(fresh, text);
    error = error == 0 && rename(fresh, path) != 0 ? -errno : error;
    return error ? error : sync_folder(folder);
}

int64_t pw_ban_of_answer(uint32_t http_status, uint32_t retry_after_s, int64_t now_ns)
{
    if (http_status != 429 && http_status != 418) {
        return 0;
    }
    int64_t wait_ns = retry_after_s ? (int64_t)retry_after_s * 1000000000 : DEFAULT_NS;
    return now_ns + (wait_ns < PW_BAN_MAX_NS ? wait_ns : PW_BAN_MAX_NS);
}
