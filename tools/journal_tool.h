/* SPDX-License-Identifier: MIT
 *
 * What the programs that read journals share, `pinwheel journal` with its commands and `pinwheel why`: the
 * open journal, what was asked for, numbers as text.
 */
#ifndef PW_TOOL_JOURNAL_H
#define PW_TOOL_JOURNAL_H

#include "cli.h"

#include <jansson.h>
#include <pinwheel/journal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <yaml.h>

/* Exit codes of `pinwheel journal` and `pinwheel why`. */
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

/* The run's config, read once. */
struct journal_config {
    bool is_read, is_good;
    yaml_document_t document; /* if it is good */
};

struct journal_session {
    struct pw_journal *journal;
    struct pw_journal_run run; /* the one that was asked for, or the last */
    struct pw_instrument instruments[PW_INSTRUMENTS_MAX];
    uint32_t instrument_cnt;
    struct journal_config config;
    struct pw_journal_query query; /* its conditions, as asked for */
    bool run_given, json, frames;
    uint32_t iso_times; /* 1: moments as UTC in text */
    const char *cash;   /* NULL: what the run's config says */
    uint64_t limit;     /* 0: none */
    uint64_t damage_cnt;
    uint64_t unfinished_cnt, unlisted_cnt; /* files that are no damage, but worth a word */
    struct pw_journal_committed committed; /* 0: not known */
    struct journal_progress *progress;
};

/* What is to be done with a journal. */
struct journal_work {
    const char *path;
    const char *symbol;                          /* NULL: of all instruments */
    bool one_run;                                /* it is about one run: the one asked for, or the last */
    int (*run)(struct journal_session *session); /* returns an exit code */
};

/* Which journal a user means: an engine's by its name or its workspace's path, or a folder; NULL: that of the
 * only engine. An exit code. */
#define JOURNAL_PATH_BYTES 4096u
int journal_find(const char *name, char path[JOURNAL_PATH_BYTES]);
/* The row of every declaration that takes a journal. */
#define JOURNAL_ARGUMENT(word, S, m)                                                                         \
    {                                                                                                        \
        .name = word, .optional = true,                                                                      \
        .help = "name of an engine, path of its workspace, or path of a journal's folder; may be left out "  \
                "when there is only one engine",                                                             \
        PW_CLI_TEXT(S, m)                                                                                    \
    }

/* Opens the journal in a child process, finds the run, and calls work->run there. An exit code; errors go to
 * stderr. */
int journal_in_child(struct journal_session *session, const struct journal_work *work);

/* The commands; each returns an exit code. */
int journal_summary(struct journal_session *session);
int journal_stats(struct journal_session *session);
int journal_verify(struct journal_session *session);
int journal_csv(struct journal_session *session);

/* Tells what is wrong with the files of the run, and what it could not store, on stderr, and counts it as
 * damage. */
void journal_audit_run(struct journal_session *session);
/* The same of the folder's other files. */
void journal_audit_folder(struct journal_session *session);

/* What the run's own record says that it has no record of, into a JSON object. */
void journal_put_loss(json_t *to, const struct pw_journal_run *run);

/* The journal's runs in *runs, to be freed; how many, or negative: an error was printed. */
int64_t journal_runs(const struct journal_session *session, struct pw_journal_run **runs);

/* Reads on: an event or a frame, damage goes to stderr in between. False: no more. */
bool journal_read(struct journal_session *session, struct pw_journal_cursor *cursor,
                  struct pw_journal_record *record);

/* Says on stderr that nothing matched, and what the run has. */
void journal_note_nothing(const struct journal_session *session);

/* Prints what was asked for, one record after the other; an exit code. */
int journal_for_each(struct journal_session *session, void (*print)(const struct journal_session *session,
                                                                    const struct pw_journal_record *record));

/* A cursor over what was asked for, or NULL, with an error on stderr. */
struct pw_journal_cursor *journal_cursor(const struct journal_session *session);

/* The row, or NULL. */
const struct pw_instrument *journal_instrument(const struct journal_session *session,
                                               uint32_t instrument_idx);
/* The strategy of an order of the run, by its index. False: the order is not in the journal. */
bool journal_strategy_of(const struct journal_session *session, uint64_t client_order_id,
                         uint32_t *strategy_idx);

/* What an instrument is called, with its feed where several have that symbol; NULL if the run does not say.
 * In one of a few static buffers. */
const char *journal_symbol(const struct journal_session *session, uint32_t instrument_idx);

/* A decimal with so many decimals, all written: "61602.01000000". In one of a few static buffers. */
const char *journal_fixed(pw_i128 value, int decimals);

/* The same without needless zeros, as all but the summary has it: "61602.01". */
const char *journal_decimal(pw_i128 value, int decimals);

/* "2024-08-09T00:00:00.123Z", in one of a few static buffers. */
const char *journal_time(int64_t ns);

/* The text of the run's config, to be freed, with a zero byte; NULL: it cannot be read. */
char *journal_config_text(struct journal_session *session, size_t *bytes);

/* A scalar of the run's config by its path, "paper/cash" or "strategies/0/name", or the length of a list;
 * empty: the config does not say it. As in the file: variables are not expanded. */
void journal_config_word(struct journal_session *session, const char *path, char *word, size_t word_bytes);

/* Another run is meant from now on. */
void journal_config_forget(struct journal_session *session);

/* The number of accounts that the run's config lists; 0: it has the one of `gateway`. */
uint32_t journal_account_cnt(struct journal_session *session);

/* The gateway of the account that trades the instrument. */
void journal_gateway(struct journal_session *session, uint16_t instrument_idx, char *word, size_t word_bytes);

/* The number of the run's feeds; 0: it cannot be read. A connection of order entry has
 * a feed_idx from this number on. */
uint32_t journal_feed_cnt(struct journal_session *session);

static inline json_t *journal_json_decimal(pw_i128 value, int decimals)
{
    return json_string(journal_decimal(value, decimals));
}

static inline json_t *journal_json_fixed(pw_i128 value, int decimals)
{
    return json_string(journal_fixed(value, decimals));
}

/* Ids and nanoseconds, which go beyond 2^53, where most readers' numbers lose digits: strings. */
static inline json_t *journal_json_id(uint64_t id)
{
    return json_sprintf("%llu", (unsigned long long)id);
}

static inline json_t *journal_json_ns(int64_t ns)
{
    return json_sprintf("%lld", (long long)ns);
}

/* Prints and frees it. */
void journal_print_json(json_t *json);

#endif
