/* SPDX-License-Identifier: MIT
 *
 * Size-class allocation: blocks are cut off the region's front and kept in a list per size when freed. The
 * sizes that a connection asks for repeat, so nothing is ever joined or split.
 */
#include "arena.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/memory.h>

#define ARENAS_MAX    256u /* a shared one and one per connection slot, for several engines in one process */
#define SIZE_MIN_BITS 5u
/* Of address space, used as needed: a system's CA bundle takes 2 MiB, a handshake some 100 KiB. */
#define COLD_BYTES ((size_t)64 << 20)

struct pw_arena_block {
    uint32_t class_idx;
    uint32_t live; /* guards against a double free */
    struct pw_arena_block *next;
};

static_assert(sizeof(struct pw_arena_block) == 16, "blocks stay aligned to 16 bytes");

static _Thread_local struct pw_arena *current;
static _Atomic(struct pw_arena *) arenas[ARENAS_MAX];
static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;
static int hooks_result;
static pthread_once_t cold_once = PTHREAD_ONCE_INIT;
static struct pw_arena cold_arena;
static bool cold_ok;

/* ---- mapping ---- */

void *pw_secret_map(size_t bytes, bool touch, bool *locked)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (touch ? MAP_POPULATE : 0);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    madvise(memory, bytes, MADV_DONTDUMP);
    madvise(memory, bytes, MADV_DONTFORK);
    *locked = (touch ? mlock(memory, bytes) : mlock2(memory, bytes, MLOCK_ONFAULT)) == 0;
    return memory;
}

void pw_secret_unmap(void *memory, size_t bytes)
{
    explicit_bzero(memory, bytes);
    munmap(memory, bytes);
}

/* ---- blocks ---- */

/* The smallest class that holds `bytes`: classes are (4 + quarter) << octave, times 8. */
static uint32_t class_of(size_t bytes)
{
    if (bytes <= (size_t)1 << SIZE_MIN_BITS) {
        return 0;
    }
    uint32_t octave = 63u - (uint32_t)__builtin_clzll(bytes - 1) - SIZE_MIN_BITS;
    uint32_t quarter = (uint32_t)((bytes - 1) >> (octave + SIZE_MIN_BITS - 2)) & 3u;
    return octave * 4 + quarter + 1;
}

static size_t class_bytes(uint32_t class_idx)
{
    return (size_t)(4 + (class_idx & 3u)) << ((class_idx >> 2) + SIZE_MIN_BITS - 2);
}

static size_t block_bytes(uint32_t class_idx)
{
    return (sizeof(struct pw_arena_block) + class_bytes(class_idx) + 15) & ~(size_t)15;
}

static void *arena_take(struct pw_arena *arena, size_t bytes)
{
    uint32_t class_idx = class_of(bytes);
    if (class_idx >= PW_ARENA_CLASSES) {
        return NULL;
    }
    struct pw_arena_block *block = arena->free_blocks[class_idx];
    if (block != NULL) {
        arena->free_blocks[class_idx] = block->next;
    } else {
        size_t whole_bytes = block_bytes(class_idx);
        if (whole_bytes > arena->bytes - arena->used_bytes) {
            return NULL;
        }
        block = (struct pw_arena_block *)(void *)(arena->base + arena->used_bytes);
        arena->used_bytes += whole_bytes;
        block->class_idx = class_idx;
    }
    block->live = 1;
    arena->live_bytes += block_bytes(class_idx);
    if (arena->live_bytes > arena->live_max_bytes) {
        arena->live_max_bytes = arena->live_bytes;
    }
    return block + 1;
}

static void arena_give(struct pw_arena *arena, struct pw_arena_block *block)
{
    if (block->live != 1) {
        abort(); /* a double free: the library's memory can no longer be trusted */
    }
    block->live = 0;
    arena->live_bytes -= block_bytes(block->class_idx);
    block->next = arena->free_blocks[block->class_idx];
    arena->free_blocks[block->class_idx] = block;
}

static bool arena_holds(const struct pw_arena *arena, const void *pointer)
{
    return (uintptr_t)pointer - (uintptr_t)arena->base < arena->bytes;
}

static struct pw_arena *arena_of(const void *pointer)
{
    for (uint32_t i = 0; i < ARENAS_MAX; i++) {
        /* Acquire: the arena's range is there. Pairs with the release in pw_arena_init. */
        struct pw_arena *arena = atomic_load_explicit(&arenas[i], memory_order_acquire);
        if (arena != NULL && arena_holds(arena, pointer)) {
            return arena;
        }
    }
    return NULL;
}

static void give_locked(struct pw_arena *arena, struct pw_arena_block *block)
{
    if (arena->shared) {
        pthread_mutex_lock(&arena->lock);
    }
    arena_give(arena, block);
    if (arena->shared) {
        pthread_mutex_unlock(&arena->lock);
    }
}

/* ---- wolfSSL's hooks ---- */

static void *hook_malloc(size_t bytes)
{
    struct pw_arena *arena = current;
    if (arena == NULL) {
        return malloc(bytes);
    }
    if (!arena->shared) {
        return arena_take(arena, bytes);
    }
    pthread_mutex_lock(&arena->lock);
    void *pointer = arena_take(arena, bytes);
    pthread_mutex_unlock(&arena->lock);
    return pointer;
}

static void hook_free(void *pointer)
{
    struct pw_arena *mine = current;
    if (pointer == NULL) {
        return;
    }
    struct pw_arena_block *block = (struct pw_arena_block *)pointer - 1;
    if (mine != NULL && !mine->shared) {
        if (arena_holds(mine, pointer)) {
            arena_give(mine, block);
            return;
        }
        /* Each allocation, ours or the heap's, has room for a link. */
        memcpy(pointer, &mine->foreign, sizeof mine->foreign);
        mine->foreign = pointer;
        return;
    }
    struct pw_arena *arena = arena_of(pointer);
    if (arena != NULL) {
        give_locked(arena, block);
    } else {
        free(pointer);
    }
}

static void *hook_realloc(void *pointer, size_t bytes)
{
    struct pw_arena *arena = pointer != NULL ? arena_of(pointer) : NULL;
    if (pointer == NULL) {
        return hook_malloc(bytes);
    }
    if (arena == NULL) {
        /* A heap block of unknown size cannot be moved into an arena; the hot side does not touch the heap.
         */
        return current == NULL || current->shared ? realloc(pointer, bytes) : NULL;
    }
    size_t old_bytes = class_bytes(((struct pw_arena_block *)pointer - 1)->class_idx);
    if (bytes <= old_bytes) {
        return pointer;
    }
    void *moved = hook_malloc(bytes);
    if (moved != NULL) {
        memcpy(moved, pointer, old_bytes);
        explicit_bzero(pointer, old_bytes);
        hook_free(pointer);
    }
    return moved;
}

static void install_hooks(void)
{
    hooks_result = wolfSSL_SetAllocators(hook_malloc, hook_free, hook_realloc);
}

/* ---- life ---- */

int pw_arena_init(struct pw_arena *arena, void *base, size_t bytes, bool shared)
{
    pthread_once(&hooks_once, install_hooks);
    if (hooks_result != 0) {
        return -EIO;
    }
    memset(arena, 0, sizeof *arena);
    arena->base = base;
    arena->bytes = bytes;
    arena->shared = shared;
    pthread_mutex_init(&arena->lock, NULL);
    for (uint32_t i = 0; i < ARENAS_MAX; i++) {
        struct pw_arena *none = NULL;
        /* Release: the range is visible before the entry. Pairs with the acquire in arena_of. */
        if (atomic_compare_exchange_strong_explicit(&arenas[i], &none, arena, memory_order_release,
                                                    memory_order_relaxed)) {
            return 0;
        }
    }
    pthread_mutex_destroy(&arena->lock);
    return -ENOSPC;
}

void pw_arena_fini(struct pw_arena *arena)
{
    for (uint32_t i = 0; i < ARENAS_MAX; i++) {
        if (atomic_load_explicit(&arenas[i], memory_order_relaxed) == arena) {
            atomic_store_explicit(&arenas[i], NULL, memory_order_relaxed);
            pthread_mutex_destroy(&arena->lock);
        }
    }
}

static void make_cold(void)
{
    bool locked;
    void *memory = pw_secret_map(COLD_BYTES, false, &locked);
    cold_ok = memory != NULL && pw_arena_init(&cold_arena, memory, COLD_BYTES, true) == 0;
}

struct pw_arena *pw_arena_cold(void)
{
    pthread_once(&cold_once, make_cold);
    return cold_ok ? &cold_arena : NULL;
}

struct pw_arena *pw_arena_enter(struct pw_arena *arena)
{
    struct pw_arena *before = current;
    current = arena;
    return before;
}

void pw_arena_drain(struct pw_arena *arena)
{
    void *pointer = arena->foreign;
    arena->foreign = NULL;
    struct pw_arena *before = pw_arena_enter(NULL);
    while (pointer != NULL) {
        void *next;
        memcpy(&next, pointer, sizeof next);
        hook_free(pointer);
        pointer = next;
    }
    pw_arena_enter(before);
}
