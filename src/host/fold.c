/* SPDX-License-Identifier: MIT
 *
 * The table of recurring lines.
 */
#include "fold.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MARK " [x"

/* The row of that kind; else a free one; else NULL. */
static struct pw_fold_row *row_for(struct pw_fold *fold, const char *key)
{
    struct pw_fold_row *unused = NULL;
    for (uint32_t i = 0; i < PW_FOLD_ROWS; i++) {
        struct pw_fold_row *row = &fold->rows[i];
        if (row->key[0] == '\0') {
            unused = unused != NULL ? unused : row;
        } else if (strncmp(row->key, key, sizeof row->key - 1) == 0) {
            return row;
        }
    }
    return unused;
}

/* The line that is owed: the latest text, how often since the line before, and how often so far. */
static void write_owed(struct pw_fold_row *row, int64_t now_ns)
{
    pw_log(row->level, "%s" MARK "%" PRIu64 " more in %" PRId64 " s, %" PRIu64 " so far]", row->text,
           row->owed_cnt, (now_ns - row->line_ns) / 1000000000, row->all_cnt);
    row->owed_cnt = 0;
    row->line_ns = now_ns;
    row->pause_ns = row->pause_ns * 2 < PW_FOLD_LAST_NS ? row->pause_ns * 2 : PW_FOLD_LAST_NS;
}

static void begin(struct pw_fold_row *row, const char *key, uint64_t cnt, int64_t now_ns)
{
    snprintf(row->key, sizeof row->key, "%s", key);
    row->owed_cnt = 0;
    row->all_cnt = cnt;
    row->line_ns = now_ns;
    row->pause_ns = PW_FOLD_FIRST_NS;
    if (cnt > 1) {
        pw_log(row->level, "%s" MARK "%" PRIu64 " times]", row->text, cnt);
    } else {
        pw_log(row->level, "%s", row->text);
    }
}

void pw_fold_log(struct pw_fold *fold, int64_t now_ns, enum pw_log_level level, const char *key, uint64_t cnt,
                 const char *format, ...)
{
    struct pw_fold_row unkept = {.key = ""};
    struct pw_fold_row *row = row_for(fold, key);
    row = row != NULL ? row : &unkept;
    va_list values;
    va_start(values, format);
    vsnprintf(row->text, sizeof row->text, format, values);
    va_end(values);
    row->level = level;
    if (row->key[0] == '\0') {
        begin(row, key, cnt, now_ns);
        return;
    }
    row->owed_cnt += cnt;
    row->all_cnt += cnt;
}

void pw_fold_poll(struct pw_fold *fold, int64_t now_ns)
{
    for (uint32_t i = 0; i < PW_FOLD_ROWS; i++) {
        struct pw_fold_row *row = &fold->rows[i];
        if (row->key[0] == '\0' || now_ns - row->line_ns < row->pause_ns) {
            continue;
        }
        if (row->owed_cnt > 0) {
            write_owed(row, now_ns);
        } else {
            row->key[0] = '\0'; /* it has ended: the next one is news */
        }
    }
}

void pw_fold_end(struct pw_fold *fold, int64_t now_ns)
{
    for (uint32_t i = 0; i < PW_FOLD_ROWS; i++) {
        struct pw_fold_row *row = &fold->rows[i];
        if (row->key[0] != '\0' && row->owed_cnt > 0) {
            write_owed(row, now_ns);
        }
        row->key[0] = '\0';
    }
}

const char *pw_fold_mark(const char *line)
{
    const char *mark = NULL;
    for (const char *at = strstr(line, MARK); at != NULL; at = strstr(at + 1, MARK)) {
        mark = at;
    }
    return mark != NULL ? mark : line + strlen(line);
}
