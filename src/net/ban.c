/* SPDX-License-Identifier: MIT
 *
 * The file of bans.
 */
#include "ban.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NS                                                                                           \
    INT64_C(60000000000) /* told to wait without being told how long: a window of the limits                 \
                          */
#define PATH_BYTES (256 + sizeof "/ban.new")
#define ROWS_MAX   32u /* of the file; the first ones to end give way */
#define ROW_BYTES  (PW_BAN_HOST_BYTES + 24u)

struct ban_row {
    int64_t until_ns;
    char host[PW_BAN_HOST_BYTES]; /* empty: all */
};

struct ban_rows {
    uint32_t cnt;
    struct ban_row rows[ROWS_MAX];
};

static void path_of(const char *folder, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", folder, name);
}

/* A number, perhaps a blank and a name: false if it is not that. */
static bool parse(const char *line, struct ban_row *row)
{
    char *end;
    errno = 0;
    row->until_ns = strtoll(line, &end, 10);
    if (line[0] < '0' || line[0] > '9' || errno != 0 || (*end != '\0' && *end != ' ')) {
        return false;
    }
    const char *host = *end == ' ' ? end + 1 : "";
    size_t bytes = strlen(host);
    if ((*end == ' ' && bytes == 0) || bytes >= sizeof row->host || strpbrk(host, " \t\r") != NULL) {
        return false;
    }
    memcpy(row->host, host, bytes + 1);
    return true;
}

/* The file's whole lines, of bans that are not over. */
static void read_rows(const char *folder, int64_t now_ns, struct ban_rows *rows)
{
    char path[PATH_BYTES], text[ROWS_MAX * ROW_BYTES + 1] = "";
    rows->cnt = 0;
    path_of(folder, "ban", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return;
    }
    ssize_t bytes = read(fd, text, sizeof text - 1);
    close(fd);
    text[bytes > 0 ? bytes : 0] = '\0';
    for (char *line = text, *end; rows->cnt < ROWS_MAX && (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        struct ban_row *row = &rows->rows[rows->cnt];
        *end = '\0';
        rows->cnt += parse(line, row) && row->until_ns > now_ns && row->until_ns - now_ns <= PW_BAN_MAX_NS;
    }
}

int64_t pw_ban_read(const char *folder, const char *host, int64_t now_ns)
{
    struct ban_rows rows = {.cnt = 0};
    int64_t until_ns = 0;
    if (folder != NULL) {
        read_rows(folder, now_ns, &rows);
    }
    for (uint32_t i = 0; i < rows.cnt; i++) {
        const struct ban_row *row = &rows.rows[i];
        bool is_of = row->host[0] == '\0' || strcmp(row->host, host) == 0;
        until_ns = is_of && row->until_ns > until_ns ? row->until_ns : until_ns;
    }
    return until_ns;
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

/* The row of that host: its own, a new one, or in a full table that of the ban that ends first. */
static struct ban_row *row_for(struct ban_rows *rows, const char *host)
{
    struct ban_row *first = &rows->rows[0];
    for (uint32_t i = 0; i < rows->cnt; i++) {
        struct ban_row *row = &rows->rows[i];
        if (strcmp(row->host, host) == 0) {
            return row;
        }
        first = row->until_ns < first->until_ns ? row : first;
    }
    struct ban_row *row = rows->cnt < ROWS_MAX ? &rows->rows[rows->cnt++] : first;
    row->until_ns = 0;
    snprintf(row->host, sizeof row->host, "%s", host);
    return row;
}

static int write_rows(const char *folder, const struct ban_rows *rows)
{
    char path[PATH_BYTES], fresh[PATH_BYTES], text[ROWS_MAX * ROW_BYTES] = "";
    size_t bytes = 0;
    for (uint32_t i = 0; i < rows->cnt; i++) {
        const struct ban_row *row = &rows->rows[i];
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes, "%" PRId64 "%s%s\n", row->until_ns,
                                  row->host[0] != '\0' ? " " : "", row->host);
    }
    path_of(folder, "ban", path);
    path_of(folder, "ban.new", fresh);
    int error = write_file(fresh, text);
    error = error == 0 && rename(fresh, path) != 0 ? -errno : error;
    return error ? error : sync_folder(folder);
}

int pw_ban_keep(const char *folder, const char *host, int64_t until_ns, int64_t now_ns)
{
    struct ban_rows rows;
    if (folder == NULL) {
        return 0;
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    read_rows(folder, now_ns, &rows);
    struct ban_row *row = row_for(&rows, host);
    if (row->until_ns >= until_ns) {
        return 0;
    }
    row->until_ns = until_ns;
    return write_rows(folder, &rows);
}

const char *pw_bans_name(const struct pw_conns *conns, uint32_t host_idx, char name[PW_BAN_HOST_BYTES])
{
    pw_ban_host_of_url(conns->rows[conns->of_feed[host_idx]].config->rest_url, name);
    return name;
}

void pw_bans_read(const char *folder, const struct pw_conns *conns, int64_t now_ns,
                  int64_t until_ns[PW_FEEDS_MAX])
{
    memset(until_ns, 0, PW_FEEDS_MAX * sizeof *until_ns);
    for (uint32_t i = 0; i < conns->cnt; i++) {
        const struct pw_conn_row *row = &conns->rows[i];
        char host[PW_BAN_HOST_BYTES];
        if (row->role == PW_CONN_ROLE_MARKET) {
            pw_ban_host_of_url(row->config->rest_url, host);
            int64_t kept_ns = pw_ban_read(folder, host, now_ns);
            until_ns[row->host_idx] = kept_ns > until_ns[row->host_idx] ? kept_ns : until_ns[row->host_idx];
        }
    }
}

int pw_bans_keep(const char *folder, const struct pw_conns *conns, uint32_t host_idx, int64_t until_ns,
                 int64_t now_ns, struct pw_feed_view *views)
{
    int error = 0;
    for (uint32_t i = 0; i < conns->cnt; i++) {
        const struct pw_conn_row *row = &conns->rows[i];
        char host[PW_BAN_HOST_BYTES];
        if (row->host_idx != host_idx) {
            continue;
        }
        atomic_store_explicit(&views[i].banned_until_ns, until_ns, memory_order_relaxed);
        if (row->role == PW_CONN_ROLE_MARKET && error == 0) {
            pw_ban_host_of_url(row->config->rest_url, host);
            error = pw_ban_keep(folder, host, until_ns, now_ns);
        }
    }
    return error;
}

int64_t pw_ban_of_answer(uint32_t http_status, uint32_t retry_after_s, int64_t now_ns)
{
    if (http_status != 429 && http_status != 418) {
        return 0;
    }
    int64_t wait_ns = retry_after_s ? (int64_t)retry_after_s * 1000000000 : DEFAULT_NS;
    return now_ns + (wait_ns < PW_BAN_MAX_NS ? wait_ns : PW_BAN_MAX_NS);
}
