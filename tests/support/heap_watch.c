/* SPDX-License-Identifier: MIT
 *
 * Counting the calls of the heap: see heap_watch.h.
 */
#include "heap_watch.h"

#ifdef HEAP_IS_WATCHED
#include <criterion/criterion.h>
#include <stdlib.h>

/* glibc's own entry points: the names below them are ours in this program. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

/* Volatile: compilers know malloc, and that it does not look at variables of ours. */
static _Thread_local volatile bool t_forbidden;
static _Thread_local volatile uint32_t t_calls;

void *malloc(size_t bytes)
{
    t_calls += t_forbidden;
    return __libc_malloc(bytes);
}

void *calloc(size_t cnt, size_t bytes)
{
    t_calls += t_forbidden;
    return __libc_calloc(cnt, bytes);
}

void *realloc(void *pointer, size_t bytes)
{
    t_calls += t_forbidden;
    return __libc_realloc(pointer, bytes);
}

void free(void *pointer)
{
    t_calls += t_forbidden && pointer != NULL;
    __libc_free(pointer);
}

void heap_forbid(bool forbidden)
{
    t_forbidden = forbidden;
}

uint32_t heap_calls(void)
{
    return t_calls;
}

void heap_watch_prove(void)
{
    uint32_t before = t_calls;
    heap_forbid(true);
    void *volatile block = malloc(1); /* volatile: else compilers leave the pair out */
    free(block);
    heap_forbid(false);
    cr_assert_eq(t_calls, before + 2, "the trap works");
}
#endif
