/* SPDX-License-Identifier: MIT
 *
 * The cell: a small value that one thread rewrites and any number of readers copy out whole (a sequence
 * lock).
 *
 * The writer never waits. A reader that meets a write in progress tries again; pw_cell_read gives up after a
 * bounded number of tries, so that a writer that died in the middle of a write cannot hang a monitor. Values
 * are whole 8-byte words, without pointers.
 */
#ifndef PINWHEEL_CELL_H
#define PINWHEEL_CELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PW_CELL_TRIES 1000

/* In front of the value, 8 bytes: odd while a write is in progress. */
struct pw_cell {
    _Atomic uint64_t version;
};

/* bytes: a multiple of 8. `value` is the shared memory that `cell` guards. */
static inline void pw_cell_write(struct pw_cell *cell, _Atomic uint64_t *value, const void *from,
                                 size_t bytes)
{
    uint64_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);
    atomic_store_explicit(&cell->version, version + 1, memory_order_relaxed);
    /* Release fence: who sees a new word also sees the odd version. Pairs with the fence in pw_cell_read. */
    atomic_thread_fence(memory_order_release);
#pragma GCC unroll 4
    for (size_t i = 0; i < bytes / 8; i++) {
        uint64_t word;
        memcpy(&word, (const char *)from + i * 8, 8);
        atomic_store_explicit(&value[i], word, memory_order_relaxed);
    }
    /* Release: the words are visible before the even version. Pairs with the acquire in pw_cell_read. */
    atomic_store_explicit(&cell->version, version + 2, memory_order_release);
}

/* False if no consistent value could be read (never written, or a write in progress at each try). */
static inline bool pw_cell_read(const struct pw_cell *cell, const _Atomic uint64_t *value, void *out,
                                size_t bytes)
{
    for (int i = 0; i < PW_CELL_TRIES; i++) {
        uint64_t before = atomic_load_explicit(&cell->version, memory_order_acquire);
        if (before == 0) {
            return false;
        }
        if (before & 1) {
            continue;
        }
        for (size_t k = 0; k < bytes / 8; k++) {
            uint64_t word = atomic_load_explicit(&value[k], memory_order_relaxed);
            memcpy((char *)out + k * 8, &word, 8);
        }
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&cell->version, memory_order_relaxed) == before) {
            return true;
        }
    }
    return false;
}

#endif
