/* SPDX-License-Identifier: MIT
 *
 * A store in memory behind the journal's seam, whose faults a test chooses.
 */
#ifndef PW_TEST_MEMORY_STORE_H
#define PW_TEST_MEMORY_STORE_H

#include "store.h"

#define MEMORY_BLOCKS_MAX 1024u

struct memory_block {
    uint8_t *bytes; /* NULL: none */
    size_t size;
};

struct memory_store {
    struct memory_block kept[2][MEMORY_BLOCKS_MAX]; /* committed, by type - 1 and number */
    struct memory_block put[2][MEMORY_BLOCKS_MAX];  /* since the last commit */
    int put_error, commit_error, rotate_error;      /* what the next calls return; 0: they succeed */
    uint32_t error_cnt;                             /* so many calls fail, then no more */
    uint32_t put_cnt, commit_cnt, rotate_cnt, end_cnt;
    bool clean;
    uint64_t skipped_cnt; /* of the last commit */
    uint32_t note_cnt;
    int64_t stopped_ns;
    struct pw_journal_loss loss; /* as noted last */
};

/* The seam to `memory`, which is zeroed. */
struct pw_store memory_store_of(struct memory_store *memory);
void memory_store_free(struct memory_store *memory);

/* Decodes all committed events of a type into `events`, at most cap; returns how many there are. Fails the
 * test if a block is missing or damaged. */
size_t memory_store_events(const struct memory_store *memory, enum pw_block_type type,
                           struct pw_event *events, size_t cap);

#endif
