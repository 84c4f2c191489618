/* SPDX-License-Identifier: MIT
 *
 * The committer: makes a batch of blocks durable, at once, or on a thread of its own, so that nobody but that
 * thread waits for the disk.
 *
 * One batch at a time. Its blocks belong to the committer from pw_committer_begin until pw_committer_done has
 * said true.
 */
#ifndef PW_COMMITTER_H
#define PW_COMMITTER_H

#include "host.h"
#include "store.h"

struct pw_batch_block {
    const uint8_t *bytes;
    size_t size;
    uint64_t block_no;
    enum pw_block_type type;
};

struct pw_batch {
    const struct pw_batch_block *blocks;
    uint32_t cnt;
    bool anew;            /* the last segment was given up: begin another */
    uint64_t skipped_cnt; /* as of store.h */
};

struct pw_batch_result {
    int err;              /* 0: all of it is durable; else nothing of it, and the store's error */
    uint32_t rotated_cnt; /* times that a segment was full */
    int64_t took_ns;
};

struct pw_committer; /* opaque */

/* Cold. NULL: no memory. Without a thread, begin does all. The store must outlive it. */
struct pw_committer *pw_committer_new(const struct pw_store *store, struct pw_clock clock);

/* Starts the thread, on the processors that the caller may use, all signals blocked. 0 or -errno. */
int pw_committer_start(struct pw_committer *committer);

/* Waits for a batch under way, ends the thread. */
void pw_committer_free(struct pw_committer *committer);

void pw_committer_begin(struct pw_committer *committer, const struct pw_batch *batch);

/* True, once, when the batch has ended; wait: not before. */
bool pw_committer_done(struct pw_committer *committer, bool wait, struct pw_batch_result *result);

#endif
