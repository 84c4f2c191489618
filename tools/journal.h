/* SPDX-License-Identifier: MIT
 *
 * What the commands of `pinwheel journal` share: the open journal, what was asked for, numbers as text.
 */
#ifndef PW_TOOL_JOURNAL_H
#define PW_TOOL_JOURNAL_H

#include <jansson.h>
#include <pinwheel/journal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes of `pinwheel journal`. */
enum journal_exit {
    JOURNAL_OK = 0,
    JOURNAL_FAILED = 1, /* no journal, no such run, or it cannot be read at all */
    JOURNAL_USAGE = 2,
    JOURNAL_DAMAGED = 3, /* it was read, but something in it is damaged or missing */
};

/* Where a child is in its reading, for the parent that outlives it. */
struct journal_progress {
    uint64_t run_id, block_no;
    uint32_t segment_no;
};

struct journal_session {
    struct pw_journal *journal;
    struct pw_journal_run run; /* the one that was asked for, or the last */
    struct pw_instrument instruments[PW_INSTRUMENTS_MAX];
    uint32_t instrument_cnt;
    struct pw_journal_query query; /* its conditions, as asked for */
    bool run_given, json, frames;
    const char *cash; /* NULL: what the run's config says */
    uint64_t limit;   /* 0: none */
    uint64_t damage_cnt;
    struct journal_progress *progress;
};

/* The commands; each returns an exit code. */
int journal_facts(struct journal_session *session);
int journal_stats(struct journal_session *session);
int journal_verify(struct journal_session *session);
int journal_query(struct journal_session *session);
int journal_csv(struct journal_session *session);

/* Reads on: an event or a frame, told damage on standard error in between. False: no more. */
bool journal_read(struct journal_session *session, struct pw_journal_cursor *cursor,
                  struct pw_journal_record *record);

/* Prints what was asked for, one record after the other; an exit code. */
int journal_for_each(struct journal_session *session, void (*print)(const struct journal_session *session,
                                                                    const struct pw_journal_record *record));

/* A cursor over what was asked for, or NULL, which was told. */
struct pw_journal_cursor *journal_cursor(const struct journal_session *session);

/* Of an event; NULL if it has none or the run does not tell it. */
const char *journal_symbol(const struct journal_session *session, const struct pw_event *event);

/* A decimal with so many decimals, all written: "61602.01000000". In one of a few static buffers. */
const char *journal_fixed(pw_i128 value, int decimals);

static inline json_t *journal_json_fixed(pw_i128 value, int decimals)
{
    return json_string(journal_fixed(value, decimals));
}

/* Prints and frees it. */
void journal_print_json(json_t *json);

#endif
