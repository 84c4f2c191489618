/* SPDX-License-Identifier: MIT
 *
 * A buffer that ends where readable memory ends: one byte read too far is a crash, not luck.
 */
#ifndef PW_TEST_GUARD_H
#define PW_TEST_GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    char *base;
    size_t bytes; /* readable and writable, up to the guard page */
};

static inline struct guard guard_make(size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    bytes = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    char *base = mmap(NULL, bytes + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + bytes, page_bytes, PROT_NONE) != 0) {
        _exit(99);
    }
    return (struct guard){base, bytes};
}

/* A copy of data whose last byte is the last readable one; valid until the next call. size <= guard->bytes.
 */
static inline char *guard_copy(const struct guard *guard, const void *data, size_t size)
{
    return memcpy(guard->base + guard->bytes - size, data, size);
}

static inline void guard_free(const struct guard *guard)
{
    munmap(guard->base, guard->bytes + (size_t)sysconf(_SC_PAGESIZE));
}

/* splitmix64: reproducible, so that a printed seed repeats a run. */
static inline uint64_t test_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
