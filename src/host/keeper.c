/* SPDX-License-Identifier: MIT
 *
 * The keeper's thread, and the mailbox between it and all others.
 */
#include "keeper.h"
#include "confine.h"
#include "host.h"
#include "pw_assert.h"
#include <errno.h>
#include <pinwheel/units.h>
#include <string.h>
#include <time.h>

#define RETRY_NS PW_NS_PER_S /* for a disk that did not take a file */

static int64_t monotonic_ns(void)
{
    return pw_clock_read_ns(CLOCK_MONOTONIC);
}

/* ---- the thread, with the lock held but for the disk's calls ---- */

static bool wants_store(const struct pw_keeper *keeper, const struct pw_kept *kept)
{
    bool again = kept->error != PW_KEPT_NEVER && (keeper->closing || monotonic_ns() >= kept->retry_ns);
    return kept->stored != kept->wanted && (kept->tried != kept->wanted || again);
}

static void store(struct pw_keeper *keeper, struct pw_kept *kept)
{
    _Alignas(8) unsigned char value[PW_KEPT_BYTES];
    uint64_t number = kept->wanted;
    memcpy(value, kept->value, kept->file.value_bytes);
    pthread_mutex_unlock(&keeper->lock);
    int error = kept->file.store(kept->file.state, value);
    pthread_mutex_lock(&keeper->lock);
    kept->tried = number;
    kept->stored = error == 0 ? number : kept->stored;
    kept->error = error;
    kept->retry_ns = monotonic_ns() + RETRY_NS;
    kept->reserve_owed |= error == 0; /* what was reserved has been used */
}

static void reserve(struct pw_keeper *keeper, struct pw_kept *kept)
{
    pthread_mutex_unlock(&keeper->lock);
    int error = kept->file.reserve(kept->file.state);
    pthread_mutex_lock(&keeper->lock);
    kept->reserve_owed = false;
    kept->reserve_error = error;
}

/* True: there was something to do. What is to be stored comes before any room. */
static bool work(struct pw_keeper *keeper)
{
    for (uint32_t i = 0; i < keeper->file_cnt; i++) {
        if (wants_store(keeper, &keeper->files[i])) {
            store(keeper, &keeper->files[i]);
            return true;
        }
    }
    for (uint32_t i = 0; i < keeper->file_cnt; i++) {
        if (keeper->files[i].reserve_owed) {
            reserve(keeper, &keeper->files[i]);
            return true;
        }
    }
    return false;
}

/* Until somebody wakes it, or a file is to be tried again. */
static void wait_for_work(struct pw_keeper *keeper)
{
    int64_t until_ns = monotonic_ns() + RETRY_NS;
    for (uint32_t i = 0; i < keeper->file_cnt; i++) {
        const struct pw_kept *kept = &keeper->files[i];
        bool owed = kept->stored != kept->wanted && kept->error != PW_KEPT_NEVER;
        until_ns = owed && kept->retry_ns < until_ns ? kept->retry_ns : until_ns;
    }
    struct timespec until = {.tv_sec = until_ns / PW_NS_PER_S, .tv_nsec = until_ns % PW_NS_PER_S};
    pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
}

static void *keeper_main(void *arg)
{
    struct pw_keeper *keeper = arg;
    pthread_setname_np(pthread_self(), "pw keeper");
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->closing) {
        if (keeper->confine_owed) {
            pw_confine_thread();
            keeper->confine_owed = false;
        } else if (!work(keeper)) {
            wait_for_work(keeper);
            continue;
        }
        pthread_cond_broadcast(&keeper->done);
    }
    for (uint32_t i = 0; i < keeper->file_cnt; i++) { /* each once more, and no oftener */
        struct pw_kept *kept = &keeper->files[i];
        if (wants_store(keeper, kept)) {
            store(keeper, kept);
        }
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

/* ---- all others ---- */

int pw_keeper_open(struct pw_keeper *keeper, const struct pw_kept_file *files, uint32_t file_cnt)
{
    pthread_condattr_t by_monotonic;
    pw_assert(file_cnt <= PW_KEEPER_FILES);
    *keeper = (struct pw_keeper){.file_cnt = file_cnt};
    for (uint32_t i = 0; i < file_cnt; i++) {
        pw_assert(files[i].value_bytes <= PW_KEPT_BYTES);
        keeper->files[i].file = files[i];
    }
    pthread_condattr_init(&by_monotonic);
    pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->wake, &by_monotonic);
    pthread_condattr_destroy(&by_monotonic);
    pthread_cond_init(&keeper->done, NULL);
    pthread_mutex_init(&keeper->lock, NULL);
    int error = pthread_create(&keeper->thread, NULL, keeper_main, keeper);
    keeper->has_thread = error == 0;
    return -error;
}

uint64_t pw_keeper_put(struct pw_keeper *keeper, uint32_t file_idx, const void *value)
{
    struct pw_kept *kept = &keeper->files[file_idx];
    pw_assert(file_idx < keeper->file_cnt);
    pthread_mutex_lock(&keeper->lock);
    memcpy(kept->value, value, kept->file.value_bytes);
    uint64_t number = ++kept->wanted;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    return number;
}

struct pw_kept_state pw_keeper_state(struct pw_keeper *keeper, uint32_t file_idx, uint64_t number)
{
    const struct pw_kept *kept = &keeper->files[file_idx];
    pw_assert(file_idx < keeper->file_cnt);
    pthread_mutex_lock(&keeper->lock);
    pw_assert(number <= kept->wanted);
    struct pw_kept_state state = {
        .is_tried = kept->tried >= number, .is_stored = kept->stored >= number, .error = kept->error};
    pthread_mutex_unlock(&keeper->lock);
    return state;
}

int pw_keeper_reserve(struct pw_keeper *keeper, bool wait)
{
    int error = 0;
    pthread_mutex_lock(&keeper->lock);
    for (uint32_t i = 0; i < keeper->file_cnt; i++) {
        keeper->files[i].reserve_owed = true;
    }
    pthread_cond_signal(&keeper->wake);
    for (uint32_t i = 0; wait && i < keeper->file_cnt; i++) {
        while (keeper->files[i].reserve_owed) {
            pthread_cond_wait(&keeper->done, &keeper->lock);
        }
        error = keeper->files[i].reserve_error != 0 ? keeper->files[i].reserve_error : error;
    }
    pthread_mutex_unlock(&keeper->lock);
    return error;
}

void pw_keeper_settle(struct pw_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    for (uint32_t i = 0; i < keeper->file_cnt; i++) {
        while (keeper->files[i].tried != keeper->files[i].wanted) {
            pthread_cond_wait(&keeper->done, &keeper->lock);
        }
    }
    pthread_mutex_unlock(&keeper->lock);
}

void pw_keeper_confine(struct pw_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->confine_owed = true;
    pthread_cond_signal(&keeper->wake);
    while (keeper->confine_owed) {
        pthread_cond_wait(&keeper->done, &keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
}

void pw_keeper_close(struct pw_keeper *keeper)
{
    if (!keeper->has_thread) {
        return;
    }
    pthread_mutex_lock(&keeper->lock);
    keeper->closing = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    keeper->has_thread = false;
}
