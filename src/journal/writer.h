/* SPDX-License-Identifier: MIT
 *
 * The writer: takes the journal's rings, puts their events into the order of consumption, and keeps them in
 * blocks until the store has made them durable.
 *
 * The order. Every event of execution.journal names the market event after which it was made. It is written
 * behind that event and before the next. But it reaches its ring later than the market event reaches its own.
 * So a market event is left in its ring until strategy has taken it from its ring and execution has taken all
 * that strategy made of it; the tails of those rings show that. It is not left there for longer than hold_ns,
 * nor when more than half of the ring is waiting. An order's event that comes later still is written at once:
 * it names its own place. One that names a market event which has not come is held until the market
 * has passed it (a dropped range counts as passed), or until the market has been silent for a commit
 * interval.
 *
 * Durability. At each commit interval, or when all block buffers are full, everything new goes to the store
 * in one transaction; the last, unfinished block goes too, and again when it has grown. So at most a commit
 * interval is missing after a kill.
 *
 * Trouble. When the disk is full, or a commit failed for good, nothing more is taken from the rings: their
 * producers then do what their policy says (the market's drops, execution denies new orders). After a full
 * disk the writer tries again each second with a new segment; after a failure it never does.
 */
#ifndef PW_WRITER_H
#define PW_WRITER_H

#include "codec.h"
#include "host.h"
#include "store.h"
#include <pinwheel/ring.h>
#include <stdbool.h>
#include <stdint.h>

/* Eight pages of LMDB's overflow, whose head takes 16 bytes: larger blocks gain little (5.37, 5.33 and 5.31
 * bytes an event with 16, 32 and 64 KiB), and are lost whole when a page rots. */
#define PW_WRITER_BLOCK_BYTES (8u * 4096u - 16u)
#define PW_WRITER_BLOCKS      32u /* filled before a commit is forced: 1 MiB */
#define PW_WRITER_HOLD_NS     INT64_C(20000000)
#define PW_WRITER_RETRY_NS    INT64_C(1000000000)

enum pw_writer_state {
    PW_WRITER_OK = 0,
    PW_WRITER_FULL = 1,   /* no room on the disk: nothing is taken until there is */
    PW_WRITER_FAILED = 2, /* a commit failed: nothing is taken any more */
};

struct pw_writer_config {
    const struct pw_store *store;
    uint64_t run_id;
    struct pw_clock clock; /* measures how long commits take */
    int64_t commit_interval_ns;
    int64_t hold_ns; /* at most a quarter of commit_interval_ns is used; 0: market events do not wait */
    uint32_t frame_bytes_max; /* longer frames are not kept, but counted; 0: no frames are taken */
};

/* Where events come from, and what shows how far the market has been worked through; what is not there is
 * NULL. */
struct pw_writer_input {
    struct pw_consumer *market, *orders;
    struct pw_consumer *frames;         /* of market data */
    struct pw_consumer *wire;           /* of order entry, both ways */
    const struct pw_ring *strategy_in;  /* parse.strategy: its positions are the market's sequence numbers */
    const struct pw_ring *execution_in; /* strategy.execution */
    bool merged; /* market comes from strategy, which puts an event there after all that came of it:
                  * strategy_in is not looked at */
};

struct pw_writer_stats {
    uint64_t event_cnt;    /* durable */
    uint64_t plain_bytes;  /* of these: 64 an event, and frames' bytes */
    uint64_t stored_bytes; /* of the blocks that hold them */
    uint64_t commit_cnt;
    uint64_t commit_error_cnt;
    uint64_t full_cnt;      /* times that a segment or the disk was full */
    uint64_t dropped_cnt;   /* market events that gaps report, frames that are too long */
    uint64_t unmatched_cnt; /* orders' events written although what they name has not come */
    int64_t commit_max_ns;  /* longest one */
};

struct pw_writer; /* opaque */

/* Cold: allocates all that it will ever need. NULL: no memory. */
struct pw_writer *pw_writer_new(const struct pw_writer_config *config);
void pw_writer_free(struct pw_writer *writer);

/* Takes at most batch_max events of each ring and commits when it is time. Returns how many events it took.
 */
uint32_t pw_writer_poll(struct pw_writer *writer, const struct pw_writer_input *input, uint32_t batch_max,
                        int64_t now_ns);

/* Makes what was taken durable now. 0, or the store's error. */
int pw_writer_commit(struct pw_writer *writer, int64_t now_ns);

/* When it next has work without new input; INT64_MAX: never. */
int64_t pw_writer_next_ns(const struct pw_writer *writer, const struct pw_writer_input *input);

/* True while something that was taken is not durable. */
bool pw_writer_dirty(const struct pw_writer *writer);

/* From now on nothing is held back: whoever could put something into a ring has ended. */
void pw_writer_release(struct pw_writer *writer);

enum pw_writer_state pw_writer_state(const struct pw_writer *writer);
int pw_writer_error(const struct pw_writer *writer); /* the store's last error; 0: none */
const struct pw_writer_stats *pw_writer_stats(const struct pw_writer *writer);

#endif
