/* SPDX-License-Identifier: MIT
 *
 * The files of a journal, opened for reading; what the reader and the audit share.
 */
#ifndef PW_JOURNAL_FILES_H
#define PW_JOURNAL_FILES_H

#include "store.h"
#include <lmdb.h>

struct pw_journal {
    char path[PW_JOURNAL_PATH_BYTES / 2];
};

/* A file under read. */
struct pw_journal_file {
    MDB_env *env; /* NULL: none */
    MDB_dbi dbi;
};

/* 0 or -errno; -EMEDIUMTYPE: it, or its lock file, is no regular file, and nothing was opened. */
int pw_journal_file_open(const struct pw_journal *journal, struct pw_journal_file *file, const char *path);
void pw_journal_file_close(struct pw_journal_file *file);

/* What is wrong with a file that cannot be opened or read, in words. */
const char *pw_journal_file_error(int err);

/* Copies a blob out: its bytes into *bytes, which the caller frees; returns how many, or -errno. */
int64_t pw_journal_file_blob(struct pw_journal_file *file, enum pw_key_part part, uint64_t run_id,
                             uint8_t **bytes);

/* A blob of a size that is known: true if it is there and good. */
bool pw_journal_file_note(struct pw_journal_file *file, uint64_t run_id, struct pw_segment_note *note);

/* Does it have a block of the run? */
bool pw_journal_file_has_blocks(struct pw_journal_file *file, uint64_t run_id);

/* The table of runs. 0 or -errno. */
int pw_journal_table_open(const struct pw_journal *journal, struct pw_journal_file *file);

/* Does the readable table not have the run? */
bool pw_journal_is_unlisted(const struct pw_journal *journal, uint64_t run_id);

/* Is it what a kill leaves of a segment that is being made: the run's last, not in the table of runs, with
 * nothing in it? Nobody writes the journal. */
bool pw_journal_segment_is_unfinished(const struct pw_journal *journal, uint64_t run_id, uint32_t segment_no);

/* The smallest segment number of the run that is at least `from`, or -ENOENT or -errno. */
int64_t pw_journal_segment_next(const struct pw_journal *journal, uint64_t run_id, uint32_t from);
int pw_journal_segment_open(const struct pw_journal *journal, uint64_t run_id, uint32_t segment_no,
                            struct pw_journal_file *file);

/* A blob of the first segment that holds it completely. */
int64_t pw_journal_blob(const struct pw_journal *journal, uint64_t run_id, enum pw_key_part part,
                        uint8_t **bytes);

#endif
