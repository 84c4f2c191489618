/* SPDX-License-Identifier: MIT
 *
 * Recurring log lines, folded: the first of a kind is written at once; what comes again is counted, and
 * written as one line with the count after a minute, then after pauses that double up to an hour, and at the
 * end. What did not recur for a whole pause begins anew. So a loop that fails all night costs the log a
 * handful of lines an hour, and nothing is silent.
 *
 * A kind is a key: the text that stays the same however often it happens ("denied max_notional"). The line is
 * that of the latest. Plain memory; one thread; cold code only. A full table folds nothing.
 */
#ifndef PW_FOLD_H
#define PW_FOLD_H

#include "host.h"
#include <stdbool.h>

#define PW_FOLD_ROWS       64u
#define PW_FOLD_KEY_BYTES  128u /* longer keys are cut: keep what tells them apart in front */
#define PW_FOLD_TEXT_BYTES 512u
#define PW_FOLD_FIRST_NS   (INT64_C(60) * 1000000000)
#define PW_FOLD_LAST_NS    (INT64_C(3600) * 1000000000)

struct pw_fold_row {
    char key[PW_FOLD_KEY_BYTES]; /* "": not in use */
    char text[PW_FOLD_TEXT_BYTES];
    enum pw_log_level level;
    uint64_t owed_cnt; /* since the last line */
    uint64_t all_cnt;  /* since the first line */
    int64_t line_ns;   /* of the last line */
    int64_t pause_ns;  /* until the next */
};

struct pw_fold {
    struct pw_fold_row rows[PW_FOLD_ROWS];
};

/* Another `cnt` (1 or more) of that kind, of which the latest is the formatted text. */
void pw_fold_log(struct pw_fold *fold, int64_t now_ns, enum pw_log_level level, const char *key, uint64_t cnt,
                 const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Writes the lines that are due. Cheap; to be called at least every few seconds. */
void pw_fold_poll(struct pw_fold *fold, int64_t now_ns);

/* Where what folding added to a line begins; its end if that is nothing. */
const char *pw_fold_mark(const char *line);

/* Writes what is owed, and forgets all kinds. */
void pw_fold_end(struct pw_fold *fold, int64_t now_ns);

#endif
