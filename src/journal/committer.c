/* SPDX-License-Identifier: MIT
 *
 * The committer: see committer.h.
 */
#include "committer.h"
#include "pw_assert.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum phase { IDLE, BUSY, ENDED };

struct pw_committer {
    const struct pw_store *store;
    struct pw_clock clock;
    struct pw_batch batch;
    struct pw_batch_result result;
    _Atomic uint32_t phase; /* enum phase: to BUSY and IDLE by the owner, to ENDED by who stores */
    bool has_thread, stop;
    pthread_t thread;
    pthread_mutex_t mutex; /* of stop, and of the changes of phase that somebody may wait for */
    pthread_cond_t changed;
};

/* ---- storing ---- */

static int store_all(const struct pw_store *store, const struct pw_batch *batch)
{
    int err = 0;
    for (uint32_t i = 0; i < batch->cnt && !err; i++) {
        const struct pw_batch_block *block = &batch->blocks[i];
        err = store->put(store->state, block->type, block->block_no, block->bytes, block->size);
    }
    return err ? err : store->commit(store->state, batch->skipped_cnt);
}

/* A full segment is followed by the next, into which everything since the last commit goes. */
static int store_or_rotate(struct pw_committer *committer)
{
    const struct pw_store *store = committer->store;
    int err = committer->batch.anew ? store->rotate(store->state) : 0;
    err = err ? err : store_all(store, &committer->batch);
    if (err == -EAGAIN) {
        committer->result.rotated_cnt++;
        err = store->rotate(store->state);
        err = err ? err : store_all(store, &committer->batch);
    }
    return err == -EAGAIN ? -EFBIG : err;
}

static void store_batch(struct pw_committer *committer)
{
    int64_t before_ns = pw_clock_now_ns(&committer->clock);
    committer->result = (struct pw_batch_result){0};
    committer->result.err = store_or_rotate(committer);
    committer->result.took_ns = pw_clock_now_ns(&committer->clock) - before_ns;
}

/* ---- the thread ---- */

static void phase_set(struct pw_committer *committer, enum phase phase)
{
    pthread_mutex_lock(&committer->mutex);
    /* Release: the batch, or its result, is visible with the phase. Pairs with the acquire in phase_of. */
    atomic_store_explicit(&committer->phase, phase, memory_order_release);
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
}

static enum phase phase_of(const struct pw_committer *committer)
{
    /* Acquire: pairs with the release in phase_set. */
    return (enum phase)atomic_load_explicit(&committer->phase, memory_order_acquire);
}

/* Until the phase is not `phase` any more. False: it is time to end. */
static bool wait_while(struct pw_committer *committer, enum phase phase)
{
    pthread_mutex_lock(&committer->mutex);
    while (phase_of(committer) == phase && !committer->stop) {
        pthread_cond_wait(&committer->changed, &committer->mutex);
    }
    bool changed = phase_of(committer) != phase;
    pthread_mutex_unlock(&committer->mutex);
    return changed;
}

static void *run(void *argument)
{
    struct pw_committer *committer = argument;
    for (;;) {
        enum phase phase = phase_of(committer);
        if (phase == BUSY) {
            store_batch(committer);
            phase_set(committer, ENDED);
        } else if (!wait_while(committer, phase)) {
            return NULL;
        }
    }
}

int pw_committer_start(struct pw_committer *committer)
{
    sigset_t all, before;
    pw_assert(!committer->has_thread && phase_of(committer) == IDLE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&committer->thread, NULL, run, committer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    committer->has_thread = err == 0;
    if (err == 0) {
        pthread_setname_np(committer->thread, "journal.commit");
    }
    return -err;
}

/* ---- the owner's side ---- */

struct pw_committer *pw_committer_new(const struct pw_store *store, struct pw_clock clock)
{
    struct pw_committer *committer = calloc(1, sizeof *committer);
    if (committer) {
        committer->store = store;
        committer->clock = clock;
        pthread_mutex_init(&committer->mutex, NULL);
        pthread_cond_init(&committer->changed, NULL);
    }
    return committer;
}

void pw_committer_free(struct pw_committer *committer)
{
    if (!committer) {
        return;
    }
    if (committer->has_thread) {
        pthread_mutex_lock(&committer->mutex);
        committer->stop = true;
        pthread_cond_broadcast(&committer->changed);
        pthread_mutex_unlock(&committer->mutex);
        pthread_join(committer->thread, NULL);
    }
    pthread_cond_destroy(&committer->changed);
    pthread_mutex_destroy(&committer->mutex);
    free(committer);
}

void pw_committer_begin(struct pw_committer *committer, const struct pw_batch *batch)
{
    pw_assert(phase_of(committer) == IDLE && batch->cnt > 0);
    committer->batch = *batch;
    if (committer->has_thread) {
        phase_set(committer, BUSY);
        return;
    }
    store_batch(committer);
    phase_set(committer, ENDED);
}

bool pw_committer_done(struct pw_committer *committer, bool wait, struct pw_batch_result *result)
{
    if (wait && phase_of(committer) == BUSY) {
        wait_while(committer, BUSY);
    }
    if (phase_of(committer) != ENDED) {
        return false;
    }
    *result = committer->result;
    phase_set(committer, IDLE);
    return true;
}
