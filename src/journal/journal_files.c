/* SPDX-License-Identifier: MIT
 *
 * The files of a journal, opened for reading.
 */
#include "journal_files.h"
#include "lmdb_check.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pw_journal_file_close(struct pw_journal_file *file)
{
    if (file->env) {
        mdb_env_close(file->env);
    }
    *file = (struct pw_journal_file){0};
}

static int env_open(struct pw_journal_file *file, const char *path, unsigned flags)
{
    int err = pw_lmdb_error(mdb_env_create(&file->env));
    if (err) {
        file->env = NULL;
        return err;
    }
    err = pw_lmdb_error(mdb_env_open(file->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS | flags, 0600));
    if (err) {
        pw_journal_file_close(file);
    }
    return err;
}

/* LMDB opens the lock file beside it, too. */
static int check_regular(const char *path)
{
    char lock_path[PW_JOURNAL_PATH_BYTES + 8];
    int err = pw_regular_check(path);
    if (err) {
        return err;
    }
    snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    err = pw_regular_check(lock_path);
    return err == -ENOENT ? 0 : err;
}

int pw_journal_file_open(const struct pw_journal *journal, struct pw_journal_file *file, const char *path)
{
    MDB_txn *txn;
    *file = (struct pw_journal_file){0};
    int err = check_regular(path);
    err = err ? err : env_open(file, path, 0);
    /* Reading takes a place in LMDB's lock file. Where that cannot be written, and nobody writes the journal
     * either, it can be done without. */
    if (err == -EACCES && !pw_journal_is_live(journal)) {
        err = env_open(file, path, MDB_NOLOCK);
    }
    /* An empty file, of which LMDB would make a new one if it did not only read. An engine at work has just
     * made it. */
    if (err == -EBADF) {
        err = pw_journal_is_live(journal) ? -ENOENT : -EBADMSG;
    }
    if (err) {
        return err;
    }
    err = pw_lmdb_error(mdb_txn_begin(file->env, NULL, MDB_RDONLY, &txn));
    if (!err) {
        err = pw_lmdb_error(mdb_dbi_open(txn, NULL, 0, &file->dbi));
        mdb_txn_commit(txn);
    }
    if (err) {
        pw_journal_file_close(file);
    }
    return err;
}

int64_t pw_journal_file_blob(struct pw_journal_file *file, enum pw_key_part part, uint64_t run_id,
                             uint8_t **bytes)
{
    MDB_txn *txn;
    uint8_t key[PW_KEY_BYTES];
    pw_key_make(key, part, run_id, 0);
    MDB_val key_val = {.mv_size = sizeof key, .mv_data = key}, value;
    int64_t size = pw_lmdb_error(mdb_txn_begin(file->env, NULL, MDB_RDONLY, &txn));
    if (size) {
        return size;
    }
    size = pw_lmdb_error(mdb_get(txn, file->dbi, &key_val, &value));
    size = size ? size : pw_blob_check(value.mv_data, value.mv_size);
    if (size >= 0) {
        *bytes = malloc((size_t)size + 1);
        if (*bytes) {
            memcpy(*bytes, (const uint8_t *)value.mv_data + sizeof(uint32_t), (size_t)size);
        } else {
            size = -ENOMEM;
        }
    }
    mdb_txn_abort(txn);
    return size;
}

bool pw_journal_file_note(struct pw_journal_file *file, uint64_t run_id, struct pw_segment_note *note)
{
    uint8_t *bytes = NULL;
    bool good = pw_journal_file_blob(file, PW_KEY_SEGMENT, run_id, &bytes) == sizeof *note;
    if (good) {
        memcpy(note, bytes, sizeof *note);
    }
    free(bytes);
    return good;
}

static bool has_part(MDB_cursor *cursor, enum pw_key_part part, uint64_t run_id)
{
    uint8_t from[PW_KEY_BYTES];
    enum pw_key_part found;
    uint64_t id, number;
    pw_key_make(from, part, run_id, 0);
    MDB_val key = {.mv_size = sizeof from, .mv_data = from}, value;
    return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == 0 &&
           pw_key_read(key.mv_data, key.mv_size, &found, &id, &number) && found == part && id == run_id;
}

bool pw_journal_file_has_blocks(struct pw_journal_file *file, uint64_t run_id)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    if (mdb_txn_begin(file->env, NULL, MDB_RDONLY, &txn) != 0) {
        return false;
    }
    bool found = false;
    if (mdb_cursor_open(txn, file->dbi, &cursor) == 0) {
        found = has_part(cursor, PW_KEY_EVENTS, run_id) || has_part(cursor, PW_KEY_FRAMES, run_id);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return found;
}

int pw_journal_table_open(const struct pw_journal *journal, struct pw_journal_file *file)
{
    char path[PW_JOURNAL_PATH_BYTES], why[PW_LMDB_WHY_BYTES];
    snprintf(path, sizeof path, "%s/" PW_JOURNAL_RUNS_FILE, journal->path);
    /* As an engine does; one at work changes pages as they are judged. */
    int err = pw_journal_is_live(journal) ? 0 : pw_lmdb_check(path, why);
    return err ? err : pw_journal_file_open(journal, file, path);
}

/* ---- what a kill leaves ---- */

bool pw_journal_is_unlisted(const struct pw_journal *journal, uint64_t run_id)
{
    struct pw_journal_file table;
    uint8_t *bytes = NULL;
    if (pw_journal_table_open(journal, &table) != 0) {
        return false;
    }
    bool unlisted = pw_journal_file_blob(&table, PW_KEY_RUN, run_id, &bytes) == -ENOENT;
    free(bytes);
    pw_journal_file_close(&table);
    return unlisted;
}

/* Could that segment have been the next one of a run that has not ended? A segment is listed at its first
 * commit, a run when its first segment is there. */
static bool may_be_next(const struct pw_journal *journal, uint64_t run_id, uint32_t segment_no)
{
    struct pw_journal_file table;
    struct pw_segment_note note;
    struct pw_journal_run run;
    uint8_t *bytes = NULL;
    if (pw_journal_table_open(journal, &table) != 0) {
        return false;
    }
    int64_t size = pw_journal_file_blob(&table, PW_KEY_RUN, run_id, &bytes);
    bool good = pw_run_read(bytes, size, &run);
    bool is_next = size == -ENOENT ? segment_no == 0
                                   : good && !run.ended_ns && pw_journal_file_note(&table, run_id, &note) &&
                                         note.segment_no < segment_no;
    free(bytes);
    pw_journal_file_close(&table);
    return is_next;
}

/* Not even LMDB's first pages: made, and perhaps longer already. */
static bool is_blank(const char *path)
{
    uint8_t bytes[1 << 12];
    ssize_t size, total = 0, most = 2 * sysconf(_SC_PAGESIZE);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool blank = fd >= 0;
    while (blank && (size = read(fd, bytes, sizeof bytes)) != 0) {
        total += size;
        blank = size > 0 && total <= most;
        for (ssize_t i = 0; blank && i < size; i++) {
            blank = bytes[i] == 0;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return blank;
}

static bool has_no_entry(const struct pw_journal *journal, const char *path)
{
    struct pw_journal_file file;
    MDB_txn *txn;
    MDB_stat facts = {.ms_entries = 1};
    if (pw_journal_file_open(journal, &file, path) != 0) {
        return false;
    }
    if (mdb_txn_begin(file.env, NULL, MDB_RDONLY, &txn) == 0) {
        mdb_stat(txn, file.dbi, &facts);
        mdb_txn_abort(txn);
    }
    pw_journal_file_close(&file);
    return facts.ms_entries == 0;
}

bool pw_journal_segment_is_unfinished(const struct pw_journal *journal, uint64_t run_id, uint32_t segment_no)
{
    char path[PW_JOURNAL_PATH_BYTES];
    pw_segment_path(path, journal->path, run_id, segment_no);
    return pw_regular_check(path) == 0 && !pw_journal_is_live(journal) &&
           pw_journal_segment_next(journal, run_id, segment_no + 1) == -ENOENT &&
           may_be_next(journal, run_id, segment_no) && (is_blank(path) || has_no_entry(journal, path));
}

const char *pw_journal_file_error(int err)
{
    return err == -EMEDIUMTYPE ? "it is not a regular file"
           : err == -EBADMSG   ? "it is not a file of a journal, or damaged"
                               : strerror(-err);
}

int64_t pw_journal_segment_next(const struct pw_journal *journal, uint64_t run_id, uint32_t from)
{
    DIR *dir = opendir(journal->path);
    if (!dir) {
        return -errno;
    }
    int64_t least = -ENOENT;
    for (struct dirent *entry; (entry = readdir(dir));) {
        uint64_t id;
        uint32_t no;
        if (pw_segment_read_name(entry->d_name, &id, &no) && id == run_id && no >= from &&
            (least < 0 || no < least)) {
            least = no;
        }
    }
    closedir(dir);
    return least;
}

int pw_journal_segment_open(const struct pw_journal *journal, uint64_t run_id, uint32_t segment_no,
                            struct pw_journal_file *file)
{
    char path[PW_JOURNAL_PATH_BYTES];
    pw_segment_path(path, journal->path, run_id, segment_no);
    return pw_journal_file_open(journal, file, path);
}

int64_t pw_journal_blob(const struct pw_journal *journal, uint64_t run_id, enum pw_key_part part,
                        uint8_t **bytes)
{
    int64_t size = -ENOENT, segment_no = -1;
    while (size < 0 &&
           (segment_no = pw_journal_segment_next(journal, run_id, (uint32_t)(segment_no + 1))) >= 0) {
        struct pw_journal_file file;
        int err = pw_journal_segment_open(journal, run_id, (uint32_t)segment_no, &file);
        if (err) {
            size = err;
            continue;
        }
        size = pw_journal_file_blob(&file, part, run_id, bytes);
        pw_journal_file_close(&file);
    }
    return size;
}
