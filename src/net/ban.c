/* SPDX-License-Identifier: MIT
 *
 * The file of bans.
 */
#include "ban.h"

#include "durable.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Told to wait without being told how long: a window of the limits, and the shortest ban. */
#define LIMITED_NS INT64_C(60000000000)
#define BANNED_NS  INT64_C(120000000000)
#define ROWS_MAX   32u /* of the file; the first ones to end give way */
#define ROW_BYTES  (PW_BAN_HOST_BYTES + 24u)
#define FILE_NAME  "ban"
#define FILE_BYTES (ROWS_MAX * ROW_BYTES) /* of the largest */

struct ban_row {
    int64_t until_ns;
    char host[PW_BAN_HOST_BYTES]; /* empty: all */
};

struct ban_rows {
    uint32_t cnt;
    struct ban_row rows[ROWS_MAX];
};

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
    char text[FILE_BYTES + 1];
    rows->cnt = 0;
    pw_durable_read(folder, FILE_NAME, text, sizeof text); /* there is none: no text */
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
    char text[FILE_BYTES] = "";
    size_t bytes = 0;
    for (uint32_t i = 0; i < rows->cnt; i++) {
        const struct ban_row *row = &rows->rows[i];
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes, "%" PRId64 "%s%s\n", row->until_ns,
                                  row->host[0] != '\0' ? " " : "", row->host);
    }
    return pw_durable_replace(folder, FILE_NAME, text);
}

int pw_ban_keep(const char *folder, const char *host, int64_t until_ns, int64_t now_ns)
{
    struct ban_rows rows;
    if (folder == NULL) {
        return 0;
    }
    read_rows(folder, now_ns, &rows);
    struct ban_row *row = row_for(&rows, host);
    row->until_ns = row->until_ns < until_ns ? until_ns : row->until_ns;
    return write_rows(folder, &rows); /* also one that stands there: it may not be durable */
}

int pw_bans_reserve(const char *folder)
{
    return folder != NULL ? pw_durable_reserve(folder, FILE_NAME, FILE_BYTES) : 0;
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

int pw_bans_keep(const char *folder, const struct pw_conns *conns, const int64_t until_ns[PW_FEEDS_MAX],
                 int64_t now_ns)
{
    int error = 0;
    for (uint32_t i = 0; i < conns->cnt && error == 0; i++) {
        const struct pw_conn_row *row = &conns->rows[i];
        char host[PW_BAN_HOST_BYTES];
        if (row->role == PW_CONN_ROLE_MARKET && until_ns[row->host_idx] > now_ns) {
            pw_ban_host_of_url(row->config->rest_url, host);
            error = pw_ban_keep(folder, host, until_ns[row->host_idx], now_ns);
        }
    }
    return error;
}

void pw_bans_show(const struct pw_conns *conns, uint32_t host_idx, int64_t until_ns,
                  struct pw_feed_view *views)
{
    for (uint32_t i = 0; i < conns->cnt; i++) {
        if (conns->rows[i].host_idx == host_idx) {
            atomic_store_explicit(&views[i].banned_until_ns, until_ns, memory_order_relaxed);
        }
    }
}

bool pw_bans_follow(const struct pw_conns *conns, const struct pw_feed_view *views,
                    int64_t until_ns[PW_FEEDS_MAX])
{
    bool longer = false;
    for (uint32_t i = 0; i < conns->cnt; i++) {
        int64_t *known_ns = &until_ns[conns->rows[i].host_idx];
        int64_t shown_ns = atomic_load_explicit(&views[i].banned_until_ns, memory_order_relaxed);
        longer |= shown_ns > *known_ns;
        *known_ns = shown_ns > *known_ns ? shown_ns : *known_ns;
    }
    return longer;
}

int64_t pw_ban_of_answer(uint32_t http_status, uint32_t retry_after_s, int64_t now_ns)
{
    if (http_status != 429 && http_status != 418) {
        return 0;
    }
    int64_t least_ns = http_status == 418 ? BANNED_NS : LIMITED_NS;
    int64_t wait_ns = retry_after_s ? (int64_t)retry_after_s * 1000000000 : least_ns;
    return now_ns + (wait_ns < PW_BAN_MAX_NS ? wait_ns : PW_BAN_MAX_NS);
}
