/* SPDX-License-Identifier: MIT
 *
 * The writer: takes the journal's rings, puts their events into the order of consumption, and keeps them in
 * blocks until the store has made them durable.
 *
 * The order. Every event of execution.journal names the market event after which it was made. It is written
 * behind that event and before the next that execution is shown. But it reaches its ring later than the
 * market event reaches its own. So a market event is left in its ring until strategy has taken it from its
 * ring and execution has taken all that strategy made of it, which the tails of those rings show; or until
 * the next event of execution.journal, whose numbers only grow, names one behind it. However long that takes:
 * a ring that fills meanwhile does what its policy says.
 *
 * An order's event that names a market event which is not there waits for it. When the market has been silent
 * for a commit interval that event was dropped, and the record of the gap is what is late: the writer books
 * the gap itself, and cuts it out of what the ring brings later.
 *
 * Durability. At each commit interval, less what a commit may take, or when all block buffers are full, all
 * that is there is taken and goes to the store in one transaction; the last, unfinished block goes too, and
 * again when it has grown. With a committer's thread events are taken and coded while a commit is under way:
 * so what a kill may cost is the commit under way and what came meanwhile, however long a commit takes. What
 * came meanwhile is bounded by the buffers, and then by the rings.
 *
 * Trouble. On a full disk events are taken as long as there are buffers; the writer tries again each second
 * with a new segment. When no buffer is left, or a commit failed for good, nothing more is taken from the
 * rings: their producers then do what their policy says (the market's drops, execution denies new orders).
 * After a failure it never tries again.
 */
#ifndef PW_WRITER_H
#define PW_WRITER_H

#include "codec.h"
#include "host.h"
#include "store.h"
#include <pinwheel/journal.h>
#include <pinwheel/ring.h>
#include <stdbool.h>
#include <stdint.h>

/* Eight pages of LMDB's overflow, whose head takes 16 bytes: larger blocks gain little (5.37, 5.33 and 5.31
 * bytes an event with 16, 32 and 64 KiB), and are lost whole when a page rots. */
#define PW_WRITER_BLOCK_BYTES  (8u * 4096u - 16u)
#define PW_WRITER_BLOCKS       32u  /* buffers, if the config does not say: 1 MiB, which fits any segment */
#define PW_WRITER_BLOCKS_MAX   256u /* 8 MiB: more than a million events of a usual market */
#define PW_WRITER_FRAME_BLOCKS 4u
#define PW_WRITER_SYNC_NS      INT64_C(40000000)
#define PW_WRITER_RETRY_NS     INT64_C(1000000000)
#define PW_WRITER_SOURCES_MAX  8u /* lines of feeds */
/* Between two looks at market events that strategy and execution have yet to work through. */
#define PW_WRITER_LOOK_NS INT64_C(1000000)

enum pw_writer_state {
    PW_WRITER_OK = 0,
    PW_WRITER_FULL = 1,   /* no room on the disk: nothing is stored until there is */
    PW_WRITER_FAILED = 2, /* a commit failed: nothing is taken any more */
};

struct pw_writer_config {
    const struct pw_store *store;
    uint64_t run_id;
    struct pw_clock clock; /* measures how long commits take */
    int64_t commit_interval_ns;
    /* What a commit may take for its events still to be durable within the interval: commits begin so much
     * earlier, by half of the interval at most. */
    int64_t sync_ns;
    uint32_t block_cnt; /* buffers of blocks of events, from 2 to PW_WRITER_BLOCKS_MAX; 0: PW_WRITER_BLOCKS */
    uint32_t frame_bytes_max; /* longer frames are not kept, but counted; 0: no frames are taken */
};

/* Where events come from, and what shows how far the market has been worked through; what is not there is
 * NULL. */
struct pw_writer_input {
    struct pw_consumer *market, *orders;
    struct pw_consumer *frames; /* of market data */
    struct pw_consumer *wire;   /* of order entry, both ways */
    /* parse.strategy, one a line; the events that strategy has taken from all of them are as many as the
     * market's sequence numbers that it has passed. */
    const struct pw_ring *strategy_in[PW_WRITER_SOURCES_MAX];
    uint32_t strategy_in_cnt;
    const struct pw_ring *execution_in; /* strategy.execution */
};

struct pw_writer_stats {
    uint64_t event_cnt;    /* durable */
    uint64_t plain_bytes;  /* of these: 64 an event, and frames' bytes */
    uint64_t stored_bytes; /* of the blocks that hold them */
    uint64_t commit_cnt;
    uint64_t commit_error_cnt;
    uint64_t full_cnt;      /* times that a segment or the disk was full */
    uint64_t dropped_cnt;   /* market events that gaps report, frames that are too long */
    uint64_t unmatched_cnt; /* orders' events that waited in vain for what they name: a gap was booked */
    int64_t commit_max_ns;  /* longest one */
};

struct pw_writer; /* opaque */

/* Cold: allocates all that it will ever need. NULL: no memory. */
struct pw_writer *pw_writer_new(const struct pw_writer_config *config);
/* Waits for a commit under way. */
void pw_writer_free(struct pw_writer *writer);

/* From now on commits are made on a thread of their own, on the caller's processors, and polls do not wait
 * for the disk. 0 or -errno. */
int pw_writer_start(struct pw_writer *writer);

/* Takes about batch_max events of each ring and commits when it is time. Returns how many events it took. */
uint32_t pw_writer_poll(struct pw_writer *writer, const struct pw_writer_input *input, uint32_t batch_max,
                        int64_t now_ns);

/* Makes what was taken durable now, and waits for that. 0, or the store's error. */
int pw_writer_commit(struct pw_writer *writer, int64_t now_ns);

/* When it next has work without new input; INT64_MAX: never. */
int64_t pw_writer_next_ns(const struct pw_writer *writer, const struct pw_writer_input *input);

/* True while something that was taken is not durable. */
bool pw_writer_dirty(const struct pw_writer *writer);

/* From now on nothing is held back: whoever could put something into a ring has ended. */
void pw_writer_release(struct pw_writer *writer);

/* How long the oldest event that is not durable has been waiting in the rings or in memory, at most (it came
 * between two polls; the earlier one counts); 0: none is. */
int64_t pw_writer_lag_ns(const struct pw_writer *writer, const struct pw_writer_input *input, int64_t now_ns);

/* True while a commit is under way on the committer's thread. */
bool pw_writer_commits(const struct pw_writer *writer);

/* False while it takes nothing: every buffer is full, or a commit has failed. */
bool pw_writer_takes(const struct pw_writer *writer);

/* What would be missing if the run ended now: what is not durable yet, in memory and in the rings. */
void pw_writer_loss(const struct pw_writer *writer, const struct pw_writer_input *input,
                    struct pw_journal_loss *loss);

enum pw_writer_state pw_writer_state(const struct pw_writer *writer);
int pw_writer_error(const struct pw_writer *writer); /* the store's last error; 0: none */
const struct pw_writer_stats *pw_writer_stats(const struct pw_writer *writer);

#endif
