/* SPDX-License-Identifier: MIT
 *
 * Memory of the TLS library: all that wolfSSL allocates on behalf of a connection comes out of fixed regions
 * made at start, locked in memory and left out of core dumps, because session keys live there (MADV_DONTDUMP,
 * reliability.md).
 *
 * wolfSSL allocates through process-wide hooks and gives no hint for whom. So the caller says it: between
 * pw_arena_enter(arena) and the next enter, what this thread allocates inside wolfSSL comes from that arena;
 * with NULL (every other thread, every other user of wolfSSL) from the heap. Freeing goes by address.
 *
 * A private arena has one owner at a time, a shared one has a lock (cold use only). When the owner of a
 * private arena frees a block of another one, the block is put aside and freed by pw_arena_drain on the cold
 * side: the hot thread never takes a lock. An arena that is full makes the operation fail; it never falls
 * back to the heap.
 */
#ifndef PW_ARENA_H
#define PW_ARENA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_ARENA_CLASSES 84u /* four block sizes an octave, from 32 bytes to 2^25 */

struct pw_arena_block;

struct pw_arena {
    uint8_t *base;
    size_t bytes;
    size_t used_bytes; /* handed out from base so far, never given back */
    size_t live_bytes; /* in blocks that are not free */
    size_t live_max_bytes;
    bool shared;
    pthread_mutex_t lock; /* shared arenas only */
    void *foreign;        /* blocks of others, to be freed by drain */
    struct pw_arena_block *free_blocks[PW_ARENA_CLASSES];
};

/* Maps memory for private use of this process, out of core dumps, locked if the host allows (*locked says
 * so). touch: every page is there before it returns. NULL: no memory. */
void *pw_secret_map(size_t bytes, bool touch, bool *locked);
void pw_secret_unmap(void *memory, size_t bytes);

/* Installs the hooks (once per process) and makes [base, base + bytes) an arena. base is aligned to 16 bytes.
 * 0, or -ENOSPC when this process has too many arenas, -EIO when wolfSSL refuses the hooks. */
int pw_arena_init(struct pw_arena *arena, void *base, size_t bytes, bool shared);
/* Its blocks must all have been freed, or never be touched again. */
void pw_arena_fini(struct pw_arena *arena);

/* The shared arena of all cold work, made when first asked for and there as long as the process: wolfSSL
 * keeps caches of its own beyond the life of a connection. NULL: no memory. */
struct pw_arena *pw_arena_cold(void);

/* Makes `arena` (or NULL) the calling thread's; returns what it was. */
struct pw_arena *pw_arena_enter(struct pw_arena *arena);

/* Frees what the owner of this arena put aside. On the cold side, which must own the arena now. */
void pw_arena_drain(struct pw_arena *arena);

#endif
