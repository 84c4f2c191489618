/* SPDX-License-Identifier: MIT
 *
 * The storage seam: where the journal's blocks go. LMDB in production; tests put a store with faults in its
 * place.
 *
 * A store belongs to one run. Blocks are put into a transaction that begins by itself; commit makes all of it
 * durable or nothing. A block may be put again, longer, under the same number.
 *
 * Errors of put and commit, after each of which nothing since the last commit is stored:
 *   -EAGAIN  the segment is full: rotate, then put everything since the last commit again;
 *   -ENOSPC  the disk is full: the segment is given up as it was last committed, and removed if nothing was.
 *            rotate may succeed when there is room;
 *   other    final. The file cannot be trusted to take more: a failed sync may have lost pages that a later
 *            sync would report as written. Every later call returns the same error.
 */
#ifndef PW_STORE_H
#define PW_STORE_H

#include "codec.h"
#include <pinwheel/journal.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Smaller segments could not hold what one commit may bring. */
#define PW_SEGMENT_BYTES_MIN (UINT64_C(4) << 20)

struct pw_store {
    void *state;
    int (*put)(void *state, enum pw_block_type type, uint64_t block_no, const void *block, size_t bytes);
    /* skipped_cnt: events of the run that found no room to be recorded, so far; durable with the rest. */
    int (*commit)(void *state, uint64_t skipped_cnt);
    /* Begins the next segment. 0, -ENOSPC or a final error. */
    int (*rotate)(void *state);
    /* What the run's record is to say of what is not stored, and since when nothing has been (0: it is); it
     * has room even on a full disk. Not while a put, commit or rotate is under way. 0 or -errno. */
    int (*note)(void *state, int64_t stopped_ns, const struct pw_journal_loss *loss);
    /* Marks the run as ended with so many events stored; clean: all that there were. 0 or -errno. */
    int (*end)(void *state, int64_t ended_ns, uint64_t event_cnt, bool clean);
    /* Gives everything back. Not marked as ended, the run counts as killed. */
    void (*close)(void *state);
};

/* What identifies a run. */
struct pw_run_want {
    const char *path; /* the journal's directory: made if missing, its parent must be there */
    const char *instance;
    const char *version; /* of the engine */
    const char *config_text;
    size_t config_bytes;
    const struct pw_instrument *instruments;
    uint32_t instrument_cnt;
    uint64_t segment_bytes; /* at least PW_SEGMENT_BYTES_MIN */
    int64_t now_ns;
};

/* Opens the journal for writing and begins a run in it. Before this returns, the run's id is on disk: the
 * seconds since the epoch, or one more than any id found if that is larger; so ids grow, fit 40 bits, and do
 * not come again even if an older copy of the directory is brought back. One engine at a time: -EBUSY if
 * another process has it. 0 or -errno; on failure `error` says what to do, and no run is left behind. */
int pw_journal_open_run(const struct pw_run_want *want, struct pw_store *store, uint64_t *run_id, char *error,
                        size_t error_bytes);

/* ---- shared with the reader: names, keys and blobs ---- */

#define PW_JOURNAL_RUNS_FILE  "runs.mdb"
#define PW_JOURNAL_LOCK_FILE  "lock"
#define PW_JOURNAL_PATH_BYTES 512
#define PW_RUNS_MAP_BYTES     (UINT64_C(64) << 20)

/* Keys sort as big-endian numbers: by part, run, number. */
#define PW_KEY_BYTES 17
enum pw_key_part {
    PW_KEY_EVENTS = PW_BLOCK_EVENTS,
    PW_KEY_FRAMES = PW_BLOCK_FRAMES,
    PW_KEY_RUN = 16,    /* runs.mdb and segments: blob of struct pw_journal_run, number 0; an empty one in a
                         * table that was made anew: the run is known by its segments */
    PW_KEY_CONFIG = 17, /* segments: blob of the config's text */
    PW_KEY_INSTRUMENTS = 18, /* segments: blob of struct pw_instrument[] */
    PW_KEY_SEGMENT = 19,     /* segments, and runs.mdb of the newest one: blob of struct pw_segment_note */
};

/* A segment's own number, and what of the run was committed up to its last commit; in the table of runs, up
 * to where it begins. So what is missing shows, of a run that was killed, too. */
struct pw_segment_note {
    uint64_t event_cnt, frame_cnt;
    uint32_t segment_no;
    uint32_t skipped_cnt; /* events that found no room to be recorded; the most that fits */
};

static_assert(sizeof(struct pw_segment_note) == 24, "part of the journal's format, no padding");

void pw_key_make(uint8_t key[PW_KEY_BYTES], enum pw_key_part part, uint64_t run_id, uint64_t number);
/* Does the table of runs have such rows? */
bool pw_key_is_of_table(enum pw_key_part part);
/* False: not a key. */
bool pw_key_read(const void *key, size_t bytes, enum pw_key_part *part, uint64_t *run_id, uint64_t *number);

/* A blob is its CRC-32C (4 bytes) and its bytes. Bytes of it, or -EBADMSG. */
int64_t pw_blob_check(const void *blob, size_t bytes);

/* What a run's blob holds, also an older one, which is shorter. False: it is none. */
bool pw_run_read(const void *bytes, int64_t size, struct pw_journal_run *run);

/* "<path>/journal-<run>-<n>.mdb"; and back: false if the name is not exactly what that gives, or if behind
 * one of its numbers there is none: both may be counted on. */
void pw_segment_path(char path[PW_JOURNAL_PATH_BYTES], const char *dir, uint64_t run_id, uint32_t segment_no);
bool pw_segment_read_name(const char *name, uint64_t *run_id, uint32_t *segment_no);

/* LMDB's code as 0 or -errno: see above. */
int pw_lmdb_error(int code);

#endif
