/* SPDX-License-Identifier: MIT
 *
 * Small files that are stored as soon as the disk takes them, on a thread of its own: who has something to
 * keep hands over a copy of the newest and never waits. A file that the disk did not take is tried again each
 * second. One that is on the disk has its room for the next time reserved. A keeper has few files; a disk
 * that hangs at one delays the others. Logs nothing: whoever asks for the state does.
 *
 * Any thread may call; the caller keeps the keeper where it is.
 */
#ifndef PW_KEEPER_H
#define PW_KEEPER_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_KEEPER_FILES 2u
#define PW_KEPT_BYTES   256u    /* of a value at most */
#define PW_KEPT_NEVER   INT_MIN /* there is no place for that file; no errno */

/* What a file is made of. All of it is called on the keeper's thread, and may wait for the disk. */
struct pw_kept_file {
    size_t value_bytes;
    /* Durably: 0; PW_KEPT_NEVER; or -errno, to be tried again. */
    int (*store)(void *state, const void *value);
    /* Room for a later store: 0 or -errno. */
    int (*reserve)(void *state);
    void *state;
};

struct pw_kept_state {
    bool is_tried, is_stored; /* the newest value */
    int error;                /* of the last try */
};

struct pw_keeper {
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake, done;
    bool closing, confine_owed;
    uint32_t file_cnt;
    struct pw_kept {
        struct pw_kept_file file;
        _Alignas(8) unsigned char value[PW_KEPT_BYTES];
        uint64_t wanted, tried, stored; /* how many values there were, up to which one */
        int error;
        int64_t retry_ns; /* by CLOCK_MONOTONIC */
        bool reserve_owed;
        int reserve_error;
    } files[PW_KEEPER_FILES];
};

/* Starts the thread. 0 or -errno. files: copied. */
int pw_keeper_open(struct pw_keeper *keeper, const struct pw_kept_file *files, uint32_t file_cnt);

/* The newest value of that file. Its number, from 1. */
uint64_t pw_keeper_put(struct pw_keeper *keeper, uint32_t file_idx, const void *value);

/* Of the value of that number, or a newer one, that it was superseded by. */
struct pw_kept_state pw_keeper_state(struct pw_keeper *keeper, uint32_t file_idx, uint64_t number);

/* Reserves room for all files; waits for it if `wait`. 0, or the last error of one of them. */
int pw_keeper_reserve(struct pw_keeper *keeper, bool wait);

/* Waits until everything has been tried once. */
void pw_keeper_settle(struct pw_keeper *keeper);

/* Has the thread give up what the caller's has (confine.h), and waits for it. */
void pw_keeper_confine(struct pw_keeper *keeper);

/* Tries once more what is not stored, and ends the thread; the state can still be asked for. Safe on zeroed
 * memory. */
void pw_keeper_close(struct pw_keeper *keeper);

#endif
