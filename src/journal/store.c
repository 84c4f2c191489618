/* SPDX-License-Identifier: MIT
 *
 * The store in production: a directory of LMDB files, one run at a time.
 *
 * Every commit is a full sync, data before the page that points to it: of the flags that would make it
 * cheaper, MDB_NOSYNC and MDB_MAPASYNC lose whole files at a power cut, MDB_WRITEMAP turns a full disk into
 * SIGBUS, and MDB_NOMETASYNC saves less than a third of a commit but may lose the last one, which would break
 * "committed is kept". MDB_NOMEMINIT is not used either: it would write bytes of freed memory, keys among
 * them, to the disk.
 */
#include "store.h"
#include "crc32c.h"
#include "durable.h"
#include "host.h"
#include "lmdb_check.h"
#include "orders.h"
#include "pw_assert.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <pinwheel/units.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CONFIG_MAX (1u << 20)
/* Commits between two searches for readers that died in the middle of a transaction and pin its pages. */
#define READER_CHECKS 64u
/* Less room than this is none. A commit that needs more, and does not find it, leaves less. */
#define FULL_BYTES (UINT64_C(4) << 20)
/* LMDB's lock file for 126 readers, its default. */
#define LOCK_FILE_BYTES 8192
/* Of the table of runs, beyond its end: a run's record takes four pages, and readers may pin as many for a
 * while. */
#define RESERVE_BYTES (UINT64_C(256) << 10)

struct segment {
    MDB_env *env; /* NULL: none */
    MDB_dbi dbi;
    MDB_txn *txn;   /* NULL: none under way */
    bool has_block; /* something was committed to it */
};

/* What the segment's note says, and what it is made from. */
struct tally {
    struct pw_segment_note note;
    struct tally_block {
        bool is_there;
        uint32_t event_cnt;
        uint64_t block_no;
    } last[2]; /* by type: events, frames */
};

struct disk {
    char dir[PW_JOURNAL_PATH_BYTES / 2];
    int dir_fd, lock_fd;
    MDB_env *runs_env;
    MDB_dbi runs_dbi;
    struct segment segment;
    uint32_t segment_no;           /* of the next segment */
    struct tally tally, committed; /* with the transaction under way, without it */
    uint32_t listed_no;            /* the newest segment that the table of runs has */
    uint32_t commit_cnt;
    int failed; /* the final error; 0: none */
    struct pw_journal_run run;
    bool run_is_stored; /* as it is here, in the table of runs */
    /* Blobs that every segment begins with. */
    void *config_blob, *instruments_blob;
    size_t config_blob_bytes, instruments_blob_bytes;
};

static int fail(char *error, size_t error_bytes, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(char *error, size_t error_bytes, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int used = vsnprintf(error, error_bytes, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < error_bytes) {
        snprintf(error + used, error_bytes - (size_t)used, ": %s", strerror(-code));
    }
    return code;
}

/* ---- blobs ---- */

static void *blob_make(const void *bytes, size_t size, size_t *blob_bytes)
{
    uint8_t *blob = malloc(sizeof(uint32_t) + size);
    if (blob) {
        uint32_t crc = pw_crc32c(0, bytes, size);
        memcpy(blob, &crc, sizeof crc);
        if (size > 0) {
            memcpy(blob + sizeof crc, bytes, size);
        }
        *blob_bytes = sizeof crc + size;
    }
    return blob;
}

static int put(MDB_txn *txn, MDB_dbi dbi, enum pw_key_part part, uint64_t run_id, uint64_t number,
               const void *bytes, size_t size)
{
    uint8_t key[PW_KEY_BYTES];
    pw_assert(run_id != 0 && size > 0);
    pw_key_make(key, part, run_id, number);
    MDB_val key_val = {.mv_size = sizeof key, .mv_data = key};
    MDB_val value = {.mv_size = size, .mv_data = (void *)(uintptr_t)bytes}; /* LMDB takes it as not const */
    return pw_lmdb_error(mdb_put(txn, dbi, &key_val, &value, 0));
}

/* A blob of a few bytes, under the number 0. */
static int put_small(MDB_txn *txn, MDB_dbi dbi, enum pw_key_part part, uint64_t run_id, const void *bytes,
                     size_t size)
{
    uint8_t blob[sizeof(uint32_t) + sizeof(struct pw_journal_run)];
    uint32_t crc = pw_crc32c(0, bytes, size);
    pw_assert(sizeof crc + size <= sizeof blob);
    memcpy(blob, &crc, sizeof crc);
    memcpy(blob + sizeof crc, bytes, size);
    return put(txn, dbi, part, run_id, 0, blob, sizeof crc + size);
}

static int put_run(MDB_txn *txn, MDB_dbi dbi, const struct pw_journal_run *run)
{
    return put_small(txn, dbi, PW_KEY_RUN, run->run_id, run, sizeof *run);
}

/* ---- what the run has ---- */

/* A block that is put again, longer, takes the place of the one before. */
static void tally_add(struct tally *tally, enum pw_block_type type, uint64_t block_no, const void *block,
                      size_t bytes)
{
    struct pw_block_header header = {0};
    struct tally_block *last = &tally->last[type == PW_BLOCK_FRAMES];
    uint64_t *cnt = type == PW_BLOCK_FRAMES ? &tally->note.frame_cnt : &tally->note.event_cnt;
    memcpy(&header, block, bytes < sizeof header ? bytes : sizeof header);
    if (last->is_there && last->block_no == block_no) {
        pw_assert(*cnt >= last->event_cnt);
        *cnt -= last->event_cnt;
    }
    *cnt += header.event_cnt;
    *last = (struct tally_block){true, header.event_cnt, block_no};
}

static int put_note(MDB_txn *txn, MDB_dbi dbi, uint64_t run_id, const struct pw_segment_note *note)
{
    return put_small(txn, dbi, PW_KEY_SEGMENT, run_id, note, sizeof *note);
}

/* ---- files ---- */

/* LMDB reports a write cut short by a full disk as EIO. */
static bool disk_is_full(const struct disk *disk)
{
    struct statvfs fs;
    return fstatvfs(disk->dir_fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < FULL_BYTES;
}

/* LMDB maps its lock file and writes through the map: were its pages not on the disk yet, a full disk would
 * show as SIGBUS. */
static int reserve_lock_file(const char *path)
{
    char lock_path[PW_JOURNAL_PATH_BYTES + 8];
    struct stat stat_of;
    snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0) {
        return -errno;
    }
    int err = fstat(fd, &stat_of) < 0 ? -errno : S_ISREG(stat_of.st_mode) ? 0 : -EINVAL;
    if (!err && stat_of.st_size < LOCK_FILE_BYTES) {
        err = -posix_fallocate(fd, 0, LOCK_FILE_BYTES);
    }
    close(fd);
    return err;
}

/* Opens or makes an LMDB file and its one table; durable with its name when this returns 0. */
static int open_file(struct disk *disk, const char *path, uint64_t map_bytes, MDB_env **env, MDB_dbi *dbi)
{
    MDB_txn *txn = NULL;
    *env = NULL;
    int err = reserve_lock_file(path);
    err = err ? err : pw_lmdb_error(mdb_env_create(env));
    if (err) {
        return err;
    }
    err = pw_lmdb_error(mdb_env_set_mapsize(*env, map_bytes));
    err = err ? err : pw_lmdb_error(mdb_env_open(*env, path, MDB_NOSUBDIR, 0600));
    err = err ? err : pw_lmdb_error(mdb_txn_begin(*env, NULL, 0, &txn));
    err = err ? err : pw_lmdb_error(mdb_dbi_open(txn, NULL, 0, dbi));
    if (txn) {
        int ended = pw_lmdb_error(mdb_txn_commit(txn));
        err = err ? err : ended;
    }
    if (!err && fsync(disk->dir_fd) < 0) {
        err = -errno;
    }
    if (err) {
        mdb_env_close(*env);
        *env = NULL;
    }
    return err;
}

/* The end of a run must find room on a full disk: what is allocated beyond the end of the file is there when
 * it grows. A file system that cannot do that is not the worse for it. */
static int reserve_runs(struct disk *disk)
{
    struct stat stat_of;
    int fd;
    int err = pw_lmdb_error(mdb_env_get_fd(disk->runs_env, &fd));
    if (err || fstat(fd, &stat_of) < 0) {
        return err ? err : -errno;
    }
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, stat_of.st_size + (off_t)RESERVE_BYTES) < 0 &&
                   (errno == ENOSPC || errno == EDQUOT)
               ? -ENOSPC
               : 0;
}

static void file_unlink(const char *path)
{
    char lock_path[PW_JOURNAL_PATH_BYTES + 8];
    snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    unlink(path);
    unlink(lock_path);
}

static void segment_drop(struct disk *disk)
{
    struct segment *segment = &disk->segment;
    if (segment->txn) {
        mdb_txn_abort(segment->txn);
    }
    if (segment->env) {
        mdb_env_close(segment->env);
    }
    *segment = (struct segment){0};
}

/* Every segment holds its run, config and instruments, so that it can be read alone. */
static int segment_describe(struct disk *disk)
{
    MDB_txn *txn;
    MDB_dbi dbi = disk->segment.dbi;
    uint64_t run_id = disk->run.run_id;
    pw_assert(disk->config_blob && disk->instruments_blob && !disk->segment.txn);
    int err = pw_lmdb_error(mdb_txn_begin(disk->segment.env, NULL, 0, &txn));
    if (err) {
        return err;
    }
    err = put_run(txn, dbi, &disk->run);
    err = err ? err : put(txn, dbi, PW_KEY_CONFIG, run_id, 0, disk->config_blob, disk->config_blob_bytes);
    err = err ? err
              : put(txn, dbi, PW_KEY_INSTRUMENTS, run_id, 0, disk->instruments_blob,
                    disk->instruments_blob_bytes);
    err = err ? err : put_note(txn, dbi, run_id, &disk->committed.note);
    if (err) {
        mdb_txn_abort(txn);
        return err;
    }
    return pw_lmdb_error(mdb_txn_commit(txn));
}

static int segment_open(struct disk *disk)
{
    char path[PW_JOURNAL_PATH_BYTES];
    pw_assert(!disk->segment.env); /* one at a time */
    if (disk_is_full(disk)) {
        return -ENOSPC;
    }
    /* What somebody else put there is neither opened nor written over; its number is passed over. */
    for (;; disk->segment_no++) {
        pw_segment_path(path, disk->dir, disk->run.run_id, disk->segment_no);
        int taken = pw_regular_check(path);
        if (taken != 0 && taken != -EMEDIUMTYPE) {
            break;
        }
    }
    disk->committed.note.segment_no = disk->tally.note.segment_no = disk->segment_no;
    int err = open_file(disk, path, disk->run.segment_bytes, &disk->segment.env, &disk->segment.dbi);
    err = err ? err : segment_describe(disk);
    if (err) {
        segment_drop(disk);
        file_unlink(path);
        return err;
    }
    pw_assert(disk->segment.env && !disk->segment.txn);
    disk->segment_no++;
    return 0;
}

/* One that holds nothing would only take room: each try on a full disk would leave another. */
static void segment_give_up(struct disk *disk)
{
    char path[PW_JOURNAL_PATH_BYTES];
    bool is_empty = disk->segment.env && !disk->segment.has_block;
    segment_drop(disk);
    if (is_empty && disk->segment_no > 1) {
        pw_segment_path(path, disk->dir, disk->run.run_id, --disk->segment_no);
        file_unlink(path);
    }
}

/* ---- the seam ---- */

/* After any error nothing of the transaction is left. */
static int segment_error(struct disk *disk, int err)
{
    pw_assert(err < 0);
    if (err == -EIO && disk_is_full(disk)) {
        err = -ENOSPC;
    }
    if (disk->segment.txn) {
        mdb_txn_abort(disk->segment.txn);
        disk->segment.txn = NULL;
    }
    disk->tally = disk->committed;
    if (err == -EAGAIN) {
        return err;
    }
    if (err == -ENOSPC) {
        segment_give_up(disk);
    } else {
        segment_drop(disk);
        disk->failed = err;
    }
    return err;
}

static int disk_put(void *state, enum pw_block_type type, uint64_t block_no, const void *block, size_t bytes)
{
    struct disk *disk = state;
    struct segment *segment = &disk->segment;
    if (disk->failed || !segment->env) {
        return disk->failed ? disk->failed : -ENOSPC;
    }
    int err = 0;
    if (!segment->txn) {
        err = pw_lmdb_error(mdb_txn_begin(segment->env, NULL, 0, &segment->txn));
    }
    err = err ? err
              : put(segment->txn, segment->dbi, (enum pw_key_part)type, disk->run.run_id, block_no, block,
                    bytes);
    if (err) {
        return segment_error(disk, err);
    }
    tally_add(&disk->tally, type, block_no, block, bytes);
    return 0;
}

static int write_run(struct disk *disk)
{
    MDB_txn *txn;
    struct pw_segment_note note = disk->committed.note;
    note.segment_no = disk->listed_no;
    pw_assert(disk->runs_env && disk->run.run_id != 0);
    disk->run_is_stored = false;
    int err = pw_lmdb_error(mdb_txn_begin(disk->runs_env, NULL, 0, &txn));
    if (err) {
        return err;
    }
    err = put_run(txn, disk->runs_dbi, &disk->run);
    err = err ? err : put_note(txn, disk->runs_dbi, disk->run.run_id, &note);
    if (err) {
        mdb_txn_abort(txn);
        return err;
    }
    err = pw_lmdb_error(mdb_txn_commit(txn));
    disk->run_is_stored = err == 0;
    return err;
}

/* Its name is gone: what is written to it is with the engine's end. */
static bool is_deleted(MDB_env *env)
{
    struct stat facts;
    int fd;
    return mdb_env_get_fd(env, &fd) == MDB_SUCCESS && fstat(fd, &facts) == 0 && facts.st_nlink == 0;
}

static int disk_commit(void *state, uint64_t skipped_cnt)
{
    struct disk *disk = state;
    struct segment *segment = &disk->segment;
    if (disk->failed || !segment->txn) {
        return disk->failed;
    }
    MDB_txn *txn = segment->txn;
    pw_assert(segment->env);
    disk->tally.note.skipped_cnt = skipped_cnt < UINT32_MAX ? (uint32_t)skipped_cnt : UINT32_MAX;
    int err = put_note(txn, segment->dbi, disk->run.run_id, &disk->tally.note);
    if (err) {
        return segment_error(disk, err);
    }
    segment->txn = NULL; /* LMDB frees it in either case */
    err = pw_lmdb_error(mdb_txn_commit(txn));
    if (err == 0 && (is_deleted(segment->env) || is_deleted(disk->runs_env))) {
        err = -ENOENT;
    }
    if (err) {
        return segment_error(disk, err);
    }
    disk->committed = disk->tally;
    segment->has_block = true;
    if (disk->listed_no != disk->committed.note.segment_no) {
        disk->listed_no = disk->committed.note.segment_no;
        write_run(disk); /* that there is one more; the run is whole without that, too */
    }
    if (++disk->commit_cnt % READER_CHECKS == 0) {
        int dead;
        mdb_reader_check(segment->env, &dead);
    }
    return 0;
}

static int disk_rotate(void *state)
{
    struct disk *disk = state;
    if (disk->failed) {
        return disk->failed;
    }
    segment_drop(disk);
    int err = segment_open(disk);
    if (err == -EAGAIN) {
        err = -EFBIG; /* what the segment begins with does not fit it */
    } else if (err == -EIO && disk_is_full(disk)) {
        err = -ENOSPC;
    }
    if (err && err != -ENOSPC) {
        disk->failed = err;
    }
    pw_assert((err == 0) == (disk->segment.env != NULL));
    return err;
}

static int disk_note(void *state, int64_t stopped_ns, const struct pw_journal_loss *loss)
{
    struct disk *disk = state;
    bool same = disk->run.stopped_ns == stopped_ns && memcmp(&disk->run.lost, loss, sizeof *loss) == 0;
    disk->run.stopped_ns = stopped_ns;
    disk->run.lost = *loss;
    return same && disk->run_is_stored ? 0 : write_run(disk);
}

static int disk_end(void *state, int64_t ended_ns, uint64_t event_cnt, bool clean)
{
    struct disk *disk = state;
    disk->run.ended_ns = ended_ns;
    disk->run.event_cnt = event_cnt;
    disk->run.clean = clean;
    return write_run(disk);
}

static void disk_close(void *state)
{
    struct disk *disk = state;
    segment_drop(disk);
    if (disk->runs_env) {
        mdb_env_close(disk->runs_env);
    }
    if (disk->lock_fd >= 0) {
        close(disk->lock_fd);
    }
    if (disk->dir_fd >= 0) {
        close(disk->dir_fd);
    }
    free(disk->config_blob);
    free(disk->instruments_blob);
    free(disk);
}

/* ---- the beginning of a run ---- */

static int open_dir(struct disk *disk, const char *path, char *error, size_t error_bytes)
{
    if (strlen(path) >= sizeof disk->dir) {
        return fail(error, error_bytes, -ENAMETOOLONG, "journal path '%s'", path);
    }
    strcpy(disk->dir, path);
    int err = pw_durable_folder(path);
    if (err < 0) {
        return fail(error, error_bytes, err,
                    "cannot create the journal's directory '%s' (its parent must exist)", path);
    }
    disk->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk->dir_fd < 0) {
        return fail(error, error_bytes, -errno, "cannot open the journal's directory '%s'", path);
    }
    return 0;
}

/* The kernel gives the lock back when its holder dies, however it dies. */
static int take_lock(struct disk *disk, char *error, size_t error_bytes)
{
    pw_assert(disk->dir_fd >= 0 && disk->lock_fd < 0);
    disk->lock_fd = openat(disk->dir_fd, PW_JOURNAL_LOCK_FILE,
                           O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (disk->lock_fd < 0) {
        return fail(error, error_bytes, -errno, "cannot open '%s/" PW_JOURNAL_LOCK_FILE "'", disk->dir);
    }
    char pid[24] = "?";
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(disk->lock_fd, F_OFD_SETLK, &lock) < 0) {
        ssize_t bytes = pread(disk->lock_fd, pid, sizeof pid - 1, 0);
        pid[bytes > 0 ? bytes : 1] = 0;
        pid[strcspn(pid, "\n")] = 0;
        return fail(error, error_bytes, -EBUSY,
                    "the journal '%s' is being written by process %s; stop it, or give another path",
                    disk->dir, pid);
    }
    int bytes = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(disk->lock_fd, 0) < 0 || pwrite(disk->lock_fd, pid, (size_t)bytes, 0) != bytes) {
        return fail(error, error_bytes, -errno, "cannot write '%s/" PW_JOURNAL_LOCK_FILE "'", disk->dir);
    }
    return 0;
}

/* The newest run that the table has; 0: none. -EBADMSG: it has a row that no table has, as a segment does. */
static int last_run_row(const struct disk *disk, uint64_t *run_id)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    enum pw_key_part part;
    uint64_t id, number;
    int err = pw_lmdb_error(mdb_txn_begin(disk->runs_env, NULL, MDB_RDONLY, &txn));
    if (err) {
        return err;
    }
    err = pw_lmdb_error(mdb_cursor_open(txn, disk->runs_dbi, &cursor));
    if (!err) {
        while (!err && !(err = pw_lmdb_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT)))) {
            bool is_row =
                pw_key_read(key.mv_data, key.mv_size, &part, &id, &number) && pw_key_is_of_table(part);
            *run_id = is_row && part == PW_KEY_RUN ? id : *run_id;
            err = is_row ? 0 : -EBADMSG;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return err == -ENOENT ? 0 : err;
}

/* Segments whose runs.mdb was lost show their run by their name. txn: of a table that is to have their rows,
 * which say nothing but that they are known; or NULL. */
static int find_segment_runs(const struct disk *disk, MDB_txn *txn, uint64_t *last_id)
{
    DIR *dir = opendir(disk->dir);
    int err = dir ? 0 : -errno;
    for (struct dirent *entry; !err && (entry = readdir(dir));) {
        uint64_t id;
        uint32_t segment_no;
        if (pw_segment_read_name(entry->d_name, &id, &segment_no)) {
            *last_id = id > *last_id ? id : *last_id;
            err = txn ? put_small(txn, disk->runs_dbi, PW_KEY_RUN, id, "", 0) : 0;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return err;
}

/* Into a table without a run: those that its predecessor had. Later ones that it lacks are not this
 * journal's. */
static int list_segment_runs(struct disk *disk, uint64_t *last_id)
{
    MDB_txn *txn;
    int err = pw_lmdb_error(mdb_txn_begin(disk->runs_env, NULL, 0, &txn));
    if (err) {
        return err;
    }
    err = find_segment_runs(disk, txn, last_id);
    if (err) {
        mdb_txn_abort(txn);
        return err;
    }
    return pw_lmdb_error(mdb_txn_commit(txn));
}

static int number_run(struct disk *disk, int64_t now_ns)
{
    uint64_t last = 0, seconds = now_ns > 0 ? (uint64_t)(now_ns / PW_NS_PER_S) : 0;
    int err = last_run_row(disk, &last);
    if (!err) {
        err = last == 0 ? list_segment_runs(disk, &last) : find_segment_runs(disk, NULL, &last);
    }
    if (!err && last >= PW_ORDER_RUN_MAX) {
        err = -EBADMSG; /* the table's: no such number was ever given */
    }
    disk->run.run_id = seconds > last ? seconds : last + 1;
    return err;
}

static uint64_t fnv1a(const void *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static int describe_run(struct disk *disk, const struct pw_run_want *want, char *error, size_t error_bytes)
{
    if (want->segment_bytes < PW_SEGMENT_BYTES_MIN || want->config_bytes > CONFIG_MAX ||
        want->instrument_cnt > PW_INSTRUMENTS_MAX) {
        return fail(error, error_bytes, -EINVAL,
                    "journal: segment_bytes must be at least %" PRIu64 ", the config at most %u bytes",
                    PW_SEGMENT_BYTES_MIN, CONFIG_MAX);
    }
    disk->run = (struct pw_journal_run){
        .started_ns = want->now_ns,
        .pid = getpid(),
        .config_hash = fnv1a(want->config_text, want->config_bytes),
        .config_bytes = (uint32_t)want->config_bytes,
        .instrument_cnt = want->instrument_cnt,
        .block_version = PW_BLOCK_VERSION,
        .segment_bytes = want->segment_bytes,
    };
    snprintf(disk->run.instance, sizeof disk->run.instance, "%s", want->instance);
    snprintf(disk->run.version, sizeof disk->run.version, "%s", want->version);
    disk->config_blob = blob_make(want->config_text, want->config_bytes, &disk->config_blob_bytes);
    disk->instruments_blob = blob_make(want->instruments, want->instrument_cnt * sizeof *want->instruments,
                                       &disk->instruments_blob_bytes);
    return disk->config_blob && disk->instruments_blob ? 0 : fail(error, error_bytes, -ENOMEM, "journal");
}

/* LMDB is given no file that it could crash on: here is the engine, not a child of a tool. */
static int judge_runs(const char *path, char *error, size_t error_bytes)
{
    char why[PW_LMDB_WHY_BYTES];
    int err = pw_lmdb_check(path, why);
    if (err && err != -ENOENT && err != -EBADMSG && err != -EMEDIUMTYPE) {
        return fail(error, error_bytes, err, "cannot read '%s'", path);
    }
    if (err && err != -ENOENT) {
        snprintf(error, error_bytes,
                 "'%s' is damaged: %s; move it away: run numbers are then made from segments and clock", path,
                 why);
        return err;
    }
    return 0;
}

/* A table that has gone from beside its segments. An empty file there is what a copy or a repair of the file
 * system left; to write to it would make killed runs of all. Alone it is what a first start left that died.
 */
static int judge_lost_runs(const struct disk *disk, const char *path, char *error, size_t error_bytes)
{
    uint64_t newest = 0;
    struct stat info;
    bool is_there = stat(path, &info) == 0;
    int err = is_there && info.st_size > 0 ? 0 : find_segment_runs(disk, NULL, &newest);
    if (err) {
        return fail(error, error_bytes, err, "cannot read '%s'", disk->dir);
    }
    if (newest != 0 && is_there) {
        snprintf(
            error, error_bytes,
            "'%s' is damaged: it is empty, beside segments; move it away: run numbers are then made from "
            "segments and clock",
            path);
        return -EBADMSG;
    }
    if (newest != 0) {
        pw_log(PW_LOG_WARN,
               "journal: '%s' is missing beside segments: run numbers are made from segments and clock, and "
               "how earlier runs ended is not known",
               path);
    }
    return 0;
}

/* Opens or makes the table of runs, with room for the run's end; finds the run's number. */
static int open_runs(struct disk *disk, int64_t now_ns, char *error, size_t error_bytes)
{
    char path[PW_JOURNAL_PATH_BYTES];
    pw_assert(disk->lock_fd >= 0); /* nobody else writes here */
    snprintf(path, sizeof path, "%s/" PW_JOURNAL_RUNS_FILE, disk->dir);
    bool is_new = access(path, F_OK) != 0;
    int err = judge_runs(path, error, error_bytes);
    err = err ? err : judge_lost_runs(disk, path, error, error_bytes);
    if (err) {
        return err;
    }
    err = disk_is_full(disk) ? -ENOSPC
                             : open_file(disk, path, PW_RUNS_MAP_BYTES, &disk->runs_env, &disk->runs_dbi);
    if (err) {
        if (is_new) {
            file_unlink(path); /* half a file could not be opened again */
        }
        return fail(error, error_bytes, err,
                    err == -ENOSPC
                        ? "cannot open '%s' (free at least 5 MiB)"
                        : "cannot open '%s' (if damaged, move it away: run numbers are then made from "
                          "segments and clock)",
                    path);
    }
    err = number_run(disk, now_ns);
    err = err ? err : reserve_runs(disk);
    if (err) {
        return fail(error, error_bytes, err,
                    err == -EBADMSG
                        ? "'%s' is damaged; move it away: run numbers are then made from segments "
                          "and clock"
                        : "cannot begin a run in '%s'",
                    path);
    }
    return 0;
}

/* The run's row comes last: what is refused has left no run behind. Its segment bears its number from the
 * moment that it is there. */
static int begin_run(struct disk *disk, int64_t now_ns, char *error, size_t error_bytes)
{
    char path[PW_JOURNAL_PATH_BYTES];
    int err = open_runs(disk, now_ns, error, error_bytes);
    if (err) {
        return err;
    }
    err = segment_open(disk);
    if (err) {
        return fail(error, error_bytes, err, "cannot create the first segment of run %" PRIu64 " in '%s'",
                    disk->run.run_id, disk->dir);
    }
    err = write_run(disk);
    if (err) {
        pw_segment_path(path, disk->dir, disk->run.run_id, disk->segment_no - 1);
        segment_drop(disk);
        file_unlink(path);
        return fail(error, error_bytes, err, "cannot record run %" PRIu64 " in '%s'", disk->run.run_id,
                    disk->dir);
    }
    return 0;
}

int pw_journal_open_run(const struct pw_run_want *want, struct pw_store *store, uint64_t *run_id, char *error,
                        size_t error_bytes)
{
    struct disk *disk = calloc(1, sizeof *disk);
    if (!disk) {
        return fail(error, error_bytes, -ENOMEM, "journal");
    }
    disk->dir_fd = disk->lock_fd = -1;
    int err = describe_run(disk, want, error, error_bytes);
    err = err ? err : open_dir(disk, want->path, error, error_bytes);
    err = err ? err : take_lock(disk, error, error_bytes);
    err = err ? err : begin_run(disk, want->now_ns, error, error_bytes);
    if (err) {
        disk_close(disk);
        return err;
    }
    *run_id = disk->run.run_id;
    *store = (struct pw_store){.state = disk,
                               .put = disk_put,
                               .commit = disk_commit,
                               .rotate = disk_rotate,
                               .note = disk_note,
                               .end = disk_end,
                               .close = disk_close};
    return 0;
}
