/* SPDX-License-Identifier: MIT
 *
 * Each file of a journal is accounted for: it is what its name says, and none is missing. What a segment says
 * of itself is held against its name and the table of runs; blocks are the reader's to judge.
 */
#include "journal_files.h"
#include "lmdb_check.h"
#include "pw_assert.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 256
#define WHY_BYTES  192

struct audit {
    struct pw_journal *journal;
    const struct pw_journal_run *run; /* NULL: of the folder */
    bool is_live;                     /* an engine may write it */
    bool has_note;                    /* of the table of runs */
    struct pw_segment_note note;
    bool has_blocks;
    bool has_segments; /* the folder, of any run */
    pw_journal_tell *tell;
    void *state;
    int64_t finding_cnt;
};

/* What is no damage. */
static void note(struct audit *audit, enum pw_journal_finding_kind kind, const char *name, const char *why)
{
    audit->tell(audit->state, &(struct pw_journal_finding){.name = name, .why = why, .kind = kind});
}

static void note_unfinished(struct audit *audit, const char *name)
{
    note(audit, PW_JOURNAL_UNFINISHED, name,
         "it was being made when its engine was killed; nothing was committed to it");
}

static void find(struct audit *audit, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void find(struct audit *audit, const char *name, const char *format, ...)
{
    char why[WHY_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    audit->tell(audit->state, &(struct pw_journal_finding){.name = name, .why = why});
    audit->finding_cnt++;
}

/* ---- a segment ---- */

static const char *segment_name(const struct audit *audit, uint32_t segment_no,
                                char path[PW_JOURNAL_PATH_BYTES])
{
    pw_segment_path(path, "", audit->run->run_id, segment_no);
    return path + 1;
}

/* The run that the file says it is of; 0: it says none. */
static uint64_t run_of(struct pw_journal_file *file)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint8_t from[PW_KEY_BYTES];
    enum pw_key_part part;
    uint64_t run_id = 0, number;
    pw_key_make(from, PW_KEY_RUN, 0, 0);
    MDB_val key = {.mv_size = sizeof from, .mv_data = from}, value;
    if (mdb_txn_begin(file->env, NULL, MDB_RDONLY, &txn) != 0) {
        return 0;
    }
    if (mdb_cursor_open(txn, file->dbi, &cursor) == 0) {
        if (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) != 0 ||
            !pw_key_read(key.mv_data, key.mv_size, &part, &run_id, &number) || part != PW_KEY_RUN) {
            run_id = 0;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return run_id;
}

/* Numbers of runs are seconds: another engine's journal may have the same. */
static bool is_same_run(const struct pw_journal_run *a, const struct pw_journal_run *b)
{
    return a->run_id == b->run_id && a->started_ns == b->started_ns && a->pid == b->pid &&
           a->config_hash == b->config_hash && strcmp(a->instance, b->instance) == 0;
}

/* Is it the run's, as the file says? */
static bool describes_run(struct audit *audit, const char *name, struct pw_journal_file *file)
{
    struct pw_journal_run run = {0};
    uint8_t *bytes = NULL, *config = NULL;
    int64_t size = pw_journal_file_blob(file, PW_KEY_RUN, audit->run->run_id, &bytes);
    int64_t config_size = pw_journal_file_blob(file, PW_KEY_CONFIG, audit->run->run_id, &config);
    bool is_read = pw_run_read(bytes, size, &run);
    free(bytes);
    free(config);
    uint64_t other_id = size == -ENOENT ? run_of(file) : 0;
    if (size == -ENOENT && other_id) {
        find(audit, name, "it belongs to run %" PRIu64, other_id);
    } else if (size == -ENOENT || config_size == -ENOENT) {
        find(audit, name, "it is not a segment");
    } else if (!is_read || config_size < 0) {
        find(audit, name, "its description of the run is damaged");
    } else if (audit->run->started_ns && !is_same_run(&run, audit->run)) {
        find(audit, name, "it belongs to run %" PRIu64 " of another journal, of engine '%s'", run.run_id,
             run.instance);
    } else {
        return true;
    }
    return false;
}

static void audit_segment(struct audit *audit, uint32_t segment_no)
{
    char path[PW_JOURNAL_PATH_BYTES];
    struct pw_journal_file file;
    struct pw_segment_note said;
    const char *name = segment_name(audit, segment_no, path);
    if (!audit->is_live && pw_journal_segment_is_unfinished(audit->journal, audit->run->run_id, segment_no)) {
        note_unfinished(audit, name);
        return;
    }
    int err = pw_journal_segment_open(audit->journal, audit->run->run_id, segment_no, &file);
    if (err == -ENOENT && audit->is_live) {
        return; /* its engine has just made it */
    }
    if (err) {
        find(audit, name, "it cannot be opened: %s", pw_journal_file_error(err));
        return;
    }
    if (describes_run(audit, name, &file)) {
        bool has_note = pw_journal_file_note(&file, audit->run->run_id, &said);
        if (has_note && said.segment_no != segment_no) {
            find(audit, name, "it is segment %" PRIu32 " of the run", said.segment_no);
        } else if (!has_note && audit->has_note) {
            find(audit, name, "its segment number is missing");
        }
        audit->has_blocks |= pw_journal_file_has_blocks(&file, audit->run->run_id);
    }
    pw_journal_file_close(&file);
}

/* ---- a run ---- */

static void find_missing(struct audit *audit, uint32_t from, uint32_t to)
{
    char path[PW_JOURNAL_PATH_BYTES];
    const char *name = segment_name(audit, from, path);
    if (from == to) {
        find(audit, name, "it is missing");
    } else {
        find(audit, name, "it is missing, as are all up to segment %" PRIu32, to);
    }
}

/* Of the run's newest segment, as the table of runs has it. */
static bool read_table_note(const struct pw_journal *journal, uint64_t run_id, struct pw_segment_note *note)
{
    struct pw_journal_file file;
    if (pw_journal_table_open(journal, &file) != 0) {
        return false;
    }
    bool good = pw_journal_file_note(&file, run_id, note);
    pw_journal_file_close(&file);
    return good;
}

/* Of a run that the table of runs does not have. An engine lists its run when the first segment is made,
 * before it commits to it; so it may have been killed in between. A table that is made anew lists what it
 * finds. */
static void audit_unlisted(struct audit *audit, uint32_t segment_no)
{
    char path[PW_JOURNAL_PATH_BYTES];
    const char *name = segment_name(audit, segment_no, path);
    if (audit->has_blocks) {
        note(audit, PW_JOURNAL_UNLISTED, name,
             "its run is not in " PW_JOURNAL_RUNS_FILE
             ": it is of another journal, or that file is an earlier copy");
        audit->finding_cnt++;
    } else if (!audit->is_live && audit->finding_cnt == 0) {
        note_unfinished(audit, name);
    }
}

int64_t pw_journal_audit_run(struct pw_journal *journal, const struct pw_journal_run *run,
                             pw_journal_tell *tell, void *state)
{
    struct audit audit = {.journal = journal, .run = run, .tell = tell, .state = state};
    int64_t found_no;
    uint32_t next_no = 0;
    audit.is_live = !run->ended_ns && pw_journal_is_live(journal);
    audit.has_note = read_table_note(journal, run->run_id, &audit.note);
    while ((found_no = pw_journal_segment_next(journal, run->run_id, next_no)) >= 0) {
        if (found_no > next_no) {
            find_missing(&audit, next_no, (uint32_t)found_no - 1);
        }
        audit_segment(&audit, (uint32_t)found_no);
        next_no = (uint32_t)found_no + 1;
    }
    bool is_unlisted = next_no > 0 && pw_journal_is_unlisted(journal, run->run_id);
    uint32_t least_cnt = audit.has_note ? audit.note.segment_no + 1 : !audit.is_live;
    if (next_no < least_cnt) {
        find_missing(&audit, next_no, least_cnt - 1);
    } else if (is_unlisted) {
        audit_unlisted(&audit, next_no - 1);
    } else if (!audit.has_note && !audit.is_live && !run->ended_ns && !audit.has_blocks &&
               audit.finding_cnt == 0) {
        find(&audit, PW_JOURNAL_RUNS_FILE, "it lists the run, but no segment has data of it");
    }
    return found_no == -ENOENT ? audit.finding_cnt : found_no;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void add_note(struct pw_journal_committed *committed, const struct pw_segment_note *note)
{
    committed->event_cnt = larger(committed->event_cnt, note->event_cnt);
    committed->frame_cnt = larger(committed->frame_cnt, note->frame_cnt);
    committed->skipped_cnt = larger(committed->skipped_cnt, note->skipped_cnt);
}

bool pw_journal_committed(struct pw_journal *journal, uint64_t run_id, struct pw_journal_committed *committed)
{
    struct pw_segment_note note;
    struct pw_journal_file file;
    int64_t no;
    bool known = read_table_note(journal, run_id, &note);
    *committed = (struct pw_journal_committed){0};
    if (known) {
        add_note(committed, &note);
    }
    for (uint32_t from = 0; (no = pw_journal_segment_next(journal, run_id, from)) >= 0;
         from = (uint32_t)no + 1) {
        if (pw_journal_segment_open(journal, run_id, (uint32_t)no, &file) != 0) {
            continue;
        }
        if (pw_journal_file_note(&file, run_id, &note)) {
            known = true;
            add_note(committed, &note);
        }
        pw_journal_file_close(&file);
    }
    return known;
}

/* ---- the folder ---- */

/* A row of the table that cannot be read is a run whose end is not known. */
static void audit_rows(struct audit *audit, struct pw_journal_file *file)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    enum pw_key_part part;
    uint64_t run_id, number;
    if (mdb_txn_begin(file->env, NULL, MDB_RDONLY, &txn) != 0) {
        find(audit, PW_JOURNAL_RUNS_FILE, "it cannot be read");
        return;
    }
    if (mdb_cursor_open(txn, file->dbi, &cursor) == 0) {
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            if (!pw_key_read(key.mv_data, key.mv_size, &part, &run_id, &number) ||
                !pw_key_is_of_table(part) || pw_blob_check(value.mv_data, value.mv_size) < 0) {
                find(audit, PW_JOURNAL_RUNS_FILE, "a row of it is damaged");
            }
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
}

/* An engine at work changes pages as they are judged. */
static void audit_table(struct audit *audit)
{
    char path[PW_JOURNAL_PATH_BYTES], why[PW_LMDB_WHY_BYTES];
    struct pw_journal_file file;
    snprintf(path, sizeof path, "%s/" PW_JOURNAL_RUNS_FILE, audit->journal->path);
    int err = audit->is_live ? pw_regular_check(path) : pw_lmdb_check(path, why);
    if (err == -ENOENT && !audit->has_segments) {
        return; /* no run yet */
    }
    if (err) {
        find(audit, PW_JOURNAL_RUNS_FILE, "%s",
             err == -ENOENT    ? "it is missing: how runs ended is not known"
             : err == -EBADMSG ? why
                               : pw_journal_file_error(err));
        return;
    }
    err = pw_journal_table_open(audit->journal, &file);
    if (err) {
        find(audit, PW_JOURNAL_RUNS_FILE, "it cannot be opened: %s", pw_journal_file_error(err));
        return;
    }
    audit_rows(audit, &file);
    pw_journal_file_close(&file);
}

/* "journal-5-0.mdb-lock" is LMDB's. */
static bool is_segment_or_its_lock(const char *name)
{
    char plain[NAME_BYTES];
    uint64_t run_id;
    uint32_t segment_no;
    size_t len = strlen(name), lock_len = strlen("-lock");
    bool is_lock = len > lock_len && strcmp(name + len - lock_len, "-lock") == 0;
    snprintf(plain, sizeof plain, "%.*s", (int)(is_lock ? len - lock_len : len), name);
    return pw_segment_read_name(plain, &run_id, &segment_no);
}

/* A run that had not begun is in no list. */
static void audit_unbegun(struct audit *audit, const char *name)
{
    uint64_t run_id;
    uint32_t segment_no;
    if (pw_segment_read_name(name, &run_id, &segment_no) && segment_no == 0 &&
        pw_journal_segment_is_unfinished(audit->journal, run_id, 0)) {
        note_unfinished(audit, name);
    }
}

static void audit_name(struct audit *audit, const char *name)
{
    char path[PW_JOURNAL_PATH_BYTES + NAME_BYTES];
    bool is_ours = is_segment_or_its_lock(name) || strcmp(name, PW_JOURNAL_LOCK_FILE) == 0 ||
                   strcmp(name, PW_JOURNAL_RUNS_FILE "-lock") == 0;
    audit->has_segments |= is_segment_or_its_lock(name);
    audit_unbegun(audit, name);
    snprintf(path, sizeof path, "%s/%s", audit->journal->path, name);
    if (is_ours && pw_regular_check(path) == -EMEDIUMTYPE) {
        find(audit, name, "it is not a regular file");
    } else if (!is_ours && strncmp(name, "journal-", 8) == 0) {
        find(audit, name, "it is named like a segment but is not one");
    }
}

int64_t pw_journal_audit(struct pw_journal *journal, pw_journal_tell *tell, void *state)
{
    struct audit audit = {.journal = journal, .tell = tell, .state = state};
    DIR *dir = opendir(journal->path);
    if (!dir) {
        return -errno;
    }
    audit.is_live = pw_journal_is_live(journal);
    for (struct dirent *entry; (entry = readdir(dir));) {
        audit_name(&audit, entry->d_name);
    }
    closedir(dir);
    audit_table(&audit);
    return audit.finding_cnt;
}
