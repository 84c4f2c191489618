/* SPDX-License-Identifier: MIT
 *
 * The tick journal, as its readers see it: runs, and the events of a run in the order of consumption.
 *
 * A journal is a directory: `runs.mdb` lists the runs; `journal-<run>-<n>.mdb` are the segments of a run,
 * each an LMDB file with blocks of coded events. It can be read while an engine writes it, and as an engine
 * that was killed left it. Each block is copied out in a transaction of its own and verified by its checksum,
 * so a reader never holds the engine's pages while it works; a damaged block is reported with what is lost,
 * and reading goes on behind it.
 *
 * LMDB itself has no check sums: a damaged page outside the blocks can crash whoever reads it. Tools
 * therefore read in a child process (as `pinwheel journal` does). An engine does not read its own journal
 * through this interface: LMDB forbids opening a file twice in one process.
 */
#ifndef PINWHEEL_JOURNAL_H
#define PINWHEEL_JOURNAL_H

#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_RUN_VERSION_BYTES 32

/* What a run has no record of. */
struct pw_journal_loss {
    uint64_t
        dropped_cnt;     /* market events dropped because the ring to the journal was full: gaps tell where */
    uint64_t market_cnt; /* market events at its end: no gap tells of them */
    uint64_t order_cnt, fill_cnt; /* orders that were sent, fills */
    uint64_t other_cnt;           /* other events of strategy and execution */
};

/* One life of an engine. */
struct pw_journal_run {
    uint64_t run_id; /* never used twice in a journal, not even when an older copy of it is brought back */
    int64_t started_ns, ended_ns; /* ended_ns 0: it runs, or it was killed */
    int64_t pid;
    uint64_t config_hash; /* FNV-1a over the text of the config */
    uint32_t config_bytes, instrument_cnt;
    uint32_t clean;         /* 1: it ended by itself, with everything stored */
    uint32_t block_version; /* of the format of its blocks */
    uint64_t segment_bytes;
    uint64_t event_cnt; /* stored, once ended_ns is set: a reader that finds fewer misses some */
    char instance[PW_INSTANCE_BYTES];
    char version[PW_RUN_VERSION_BYTES]; /* of the engine */
    /* Older rows end here: what follows is 0 then. */
    int64_t stopped_ns;          /* nothing has been stored since then; 0: it goes on, or all was */
    struct pw_journal_loss lost; /* while nothing can be stored, as it was known last */
};

static_assert(sizeof(struct pw_journal_run) == 184, "part of the journal's format, no padding");

/* Is its end not stored? */
static inline bool pw_journal_is_cut(const struct pw_journal_run *run)
{
    const struct pw_journal_loss *lost = &run->lost;
    return run->stopped_ns != 0 || lost->market_cnt + lost->order_cnt + lost->fill_cnt + lost->other_cnt > 0;
}

struct pw_journal; /* opaque: an open journal */

/* Opens a directory for reading. 0 or -errno; then `error` says why. */
int pw_journal_open(struct pw_journal **journal, const char *path, char *error, size_t error_bytes);
void pw_journal_close(struct pw_journal *journal);

/* True while an engine has the journal open for writing. */
bool pw_journal_is_live(const struct pw_journal *journal);

/* The runs, oldest first, at most cap of them into rows; returns how many there are, or -errno. */
int64_t pw_journal_runs(struct pw_journal *journal, struct pw_journal_run *rows, size_t cap);

/* The run of that id, or the last one if run_id is 0. 0, -ENOENT or -errno. */
int pw_journal_run(struct pw_journal *journal, uint64_t run_id, struct pw_journal_run *row);

/* The instruments of a run, as the workspace had them (instrument_idx of an event counts in it), at most cap;
 * returns how many there are, or -errno. */
int64_t pw_journal_instruments(struct pw_journal *journal, uint64_t run_id, struct pw_instrument *rows,
                               size_t cap);

/* The text of its config, with a zero byte, cut off if need be; returns its length, or -errno. */
int64_t pw_journal_config(struct pw_journal *journal, uint64_t run_id, char *text, size_t text_bytes);

/* What is not as it should be among a journal's files; and what is no damage, but worth a word. */
enum pw_journal_finding_kind {
    PW_JOURNAL_DAMAGED,
    PW_JOURNAL_UNFINISHED, /* a segment that was being made when its engine was killed: nothing is lost */
    PW_JOURNAL_UNLISTED,   /* damage: of a run that the table of runs does not have: another journal's, or one
                            * since an earlier copy of the table */
};

struct pw_journal_finding {
    const char *name; /* of the file, in the journal's folder; valid during the call */
    const char *why;
    enum pw_journal_finding_kind kind;
};
typedef void pw_journal_tell(void *state, const struct pw_journal_finding *finding);

/* Judges what is in the folder: the table of runs, and files that are named like the journal's and are none.
 * Calls `tell` for each finding; returns how many are damage, or -errno. */
int64_t pw_journal_audit(struct pw_journal *journal, pw_journal_tell *tell, void *state);

/* The same of the files of one run: each segment is there, is a regular file, and says itself that it is the
 * one that its name says. */
int64_t pw_journal_audit_run(struct pw_journal *journal, const struct pw_journal_run *run,
                             pw_journal_tell *tell, void *state);

/* How much of a run is known to be committed: a reader that finds less misses something. */
struct pw_journal_committed {
    uint64_t event_cnt, frame_cnt;
    uint64_t skipped_cnt; /* events that found no room to be recorded, up to then */
};

/* False: the run is of an engine that did not note it, or nothing of it can be read. */
bool pw_journal_committed(struct pw_journal *journal, uint64_t run_id,
                          struct pw_journal_committed *committed);

/* What to read. All conditions must hold. */
struct pw_journal_query {
    uint64_t run_id;        /* 0: the last run */
    int64_t from_ns, to_ns; /* recv_ns in [from_ns, to_ns); to_ns 0: no end */
    uint64_t kinds;         /* bit k: events of kind k; 0: all */
    bool one_instrument;    /* only events of instrument_idx */
    uint16_t instrument_idx;
    bool frames; /* raw frames instead of events: they are in blocks of their own */
};

enum pw_journal_item {
    PW_JOURNAL_END = 0, /* no more yet; a live run may have more later: call again */
    PW_JOURNAL_EVENT = 1,
    PW_JOURNAL_DAMAGE = 2, /* something is missing or unreadable here; reading goes on behind it */
};

struct pw_journal_record {
    struct pw_event event;
    uint64_t market_seq; /* market events before it: the full number of an event of the market */
    uint64_t block_no;
    uint32_t segment_no;
    uint32_t event_idx; /* in its block */
    /* Of a FRAME: its bytes, valid until the next call; else NULL, 0. */
    const uint8_t *frame;
    uint32_t frame_bytes;
    /* Of damage: why, and what of the market's events is lost: from market_seq up to, not including,
     * lost_to_seq (0: to the end of what can be read). */
    const char *why;
    uint64_t lost_to_seq;
    uint64_t lost_blocks; /* 0: unknown */
};

struct pw_journal_cursor; /* opaque */

/* 0, -ENOENT (no such run) or -errno. The journal must stay open. */
int pw_journal_select(struct pw_journal *journal, const struct pw_journal_query *query,
                      struct pw_journal_cursor **cursor);
void pw_journal_cursor_free(struct pw_journal_cursor *cursor);

/* An item, or -ENOMEM. */
int pw_journal_next(struct pw_journal_cursor *cursor, struct pw_journal_record *record);

/* What has been read by the cursor so far, before any condition. */
struct pw_journal_usage {
    uint64_t block_cnt, event_cnt, damage_cnt;
    uint64_t stored_bytes; /* of the blocks */
    uint64_t plain_bytes;  /* of what they hold: 64 an event, and frames' bytes */
};

void pw_journal_cursor_usage(const struct pw_journal_cursor *cursor, struct pw_journal_usage *usage);

#endif
