/* SPDX-License-Identifier: MIT
 *
 * What a watched engine (hot_watch.c, preloaded into it) and the test that watches share: one file, mapped by
 * both. The test writes `phase`, `hot_cores` and `sabotage`; each row is its thread's.
 */
#ifndef PW_TEST_HOT_WATCH_H
#define PW_TEST_HOT_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#define HOT_WATCH_ENV  "PINWHEEL_HOT_WATCH" /* the file's path */
#define HOT_WATCH_ROWS 64u
#define HOT_CALL_CNT   512u /* more than there are system calls */

enum hot_phase { HOT_BEFORE, HOT_WATCHED, HOT_AFTER };

/* What the library itself does on each hot thread now and then, to show that it would be seen. */
enum hot_sabotage { HOT_NO_SABOTAGE, HOT_SABOTAGE_MALLOC, HOT_SABOTAGE_GETPPID };

/* Calls into libc that take or give back memory. */
enum hot_heap {
    HOT_MALLOC,
    HOT_CALLOC,
    HOT_REALLOC,
    HOT_MEMALIGN,
    HOT_FREE,
    HOT_MAP,
    HOT_UNMAP,
    HOT_HEAP_CNT
};

#define HOT_CORE_COLD 31

struct hot_row {
    _Atomic int32_t tid;   /* 0: the row is free */
    _Atomic int32_t core;  /* the engine's number of it; HOT_CORE_COLD: a cold thread beside them; -1: none of
                            * the engine's */
    _Atomic int32_t armed; /* 1: its system calls are trapped; negative: -errno, they cannot be */
    _Atomic uint64_t heap_cnt[HOT_HEAP_CNT];         /* before it was watched, */
    _Atomic uint64_t heap_watched_cnt[HOT_HEAP_CNT]; /* and while it was */
    _Atomic uint64_t heap_caller;                    /* who was the first then: an offset in the program */
    _Atomic uint64_t call_cnt[HOT_CALL_CNT];         /* system calls other than io_uring_enter, by number */
};

struct hot_watch {
    _Atomic uint32_t phase;     /* enum hot_phase */
    _Atomic uint32_t hot_cores; /* bit i: the engine's core i is to be watched */
    _Atomic uint32_t sabotage;  /* enum hot_sabotage */
    _Atomic uint32_t row_cnt;
    struct hot_row rows[HOT_WATCH_ROWS];
};

#endif
