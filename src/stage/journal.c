/* SPDX-License-Identifier: MIT
 *
 * The journal stage: gives its rings to the writer, publishes its figures, and says once when storing stops
 * or goes on, and when it lags behind more than the config allows and no longer.
 *
 * It lives on a cold core and sleeps when there is nothing to do. Commits are made on a thread of its own, so
 * that a slow disk delays nothing else on that core. While nothing can be stored, execution is told by a word
 * of its own beside the stop word. A full disk stops the journal until there is room; a failed commit stops
 * the engine, since what cannot be kept must not be traded on.
 */
#include "feeds.h"
#include "fold.h"
#include "journal_config.h"
#include "journal_stage.h"
#include "pw_assert.h"
#include "store.h"
#include "writer.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <string.h>

/* Its core has time, and its rings are deep. */
#define BATCH_MAX 4096u
/* It has caught up when it has not lagged for so long: a disk that is now and then too slow is told of now
 * and then. */
#define CALM_NS (2 * PW_NS_PER_S)
/* A commit never takes more than these parts of a segment for events and for frames. */
#define SEGMENT_SHARE        4u
#define SEGMENT_SHARE_FRAMES 2u

static_assert(PW_WRITER_SOURCES_MAX == PW_LINES_MAX, "a ring to strategy for each line");

/* Lagging behind by more than the interval. */
struct lateness {
    bool is_late;
    int64_t since_ns, last_ns; /* first and last time that it was found so */
    int64_t most_ns;           /* the most that it lagged */
};

struct journal {
    const struct pw_store *store;
    struct pw_stop *stop; /* of which it writes one word; NULL: there is none */
    bool threaded;
    bool trades_unrecorded; /* new orders are taken while nothing is stored */
    int64_t interval_ns;
    struct lateness late;
    struct pw_fold fold; /* of the lines about it */
    int64_t lag_max_ns;
    int64_t stopped_ns; /* nothing is stored since; 0: it is */
    /* The run's record: not before note_ns again; what it says. */
    int64_t note_ns, noted_stopped_ns;
    uint64_t noted_skipped_cnt;
    struct pw_clock clock;
    const char *path;
    struct pw_writer *writer;
    struct pw_consumer market, orders, frames, wire;
    struct pw_writer_input input;
    enum pw_writer_state logged; /* the state last logged */
    struct pw_metric_row *metric_rows;
};

static size_t journal_state_bytes(const struct pw_stage_env *env)
{
    (void)env;
    return sizeof(struct journal);
}

static struct pw_consumer *attach(const struct pw_stage_env *env, enum pw_ring_role role,
                                  struct pw_consumer *consumer)
{
    return pw_env_consumer(env, role, consumer) == 0 ? consumer : NULL;
}

/* Others' rings, of which only the positions are read. */
static const struct pw_ring *find_ring(const struct pw_stage_env *env, enum pw_ring_role role, uint32_t nth)
{
    return pw_topology_ring_in(env->topology, env->ws, role, nth);
}

/* The longest frame that can come; 0: none comes. */
static uint32_t longest_frame(const struct journal *j, const struct pw_config *config)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    /* A ring takes no frame longer than half of its payload area. */
    uint64_t bytes = j->input.wire ? (j->wire.payload_mask + 1) / 2 : 0;
    for (uint32_t i = 0; i < feeds->feed_cnt && j->input.frames; i++) {
        bytes = feeds->feeds[i].message_bytes_max > bytes ? feeds->feeds[i].message_bytes_max : bytes;
    }
    return (uint32_t)bytes;
}

static void find_inputs(struct journal *j, const struct pw_stage_env *env)
{
    j->input = (struct pw_writer_input){.market = attach(env, PW_RING_MARKET_JOURNAL, &j->market),
                                        .orders = attach(env, PW_RING_ORDERS_JOURNAL, &j->orders),
                                        .frames = attach(env, PW_RING_FRAMES_JOURNAL, &j->frames),
                                        .wire = attach(env, PW_RING_WIRE_JOURNAL, &j->wire),
                                        .execution_in = find_ring(env, PW_RING_DECISIONS, 0)};
    const struct pw_ring *ring;
    while (j->input.strategy_in_cnt < PW_WRITER_SOURCES_MAX &&
           (ring = find_ring(env, PW_RING_MARKET, j->input.strategy_in_cnt)) != NULL) {
        j->input.strategy_in[j->input.strategy_in_cnt++] = ring;
    }
    j->stop = pw_workspace_rows(env->ws, "stop", PW_REGION_STOP);
}

/* Buffers: what a commit may bring must fit the smallest segment that the config asks for. */
static uint32_t block_cnt(uint64_t segment_bytes)
{
    uint64_t cnt = segment_bytes / SEGMENT_SHARE / PW_WRITER_BLOCK_BYTES;
    return cnt < PW_WRITER_BLOCKS       ? PW_WRITER_BLOCKS
           : cnt > PW_WRITER_BLOCKS_MAX ? PW_WRITER_BLOCKS_MAX
                                        : (uint32_t)cnt;
}

/* The same for frames: longer ones than this are dropped and counted. */
static uint32_t frame_bytes_max(uint32_t longest, uint64_t segment_bytes)
{
    uint64_t block_bytes = segment_bytes / SEGMENT_SHARE_FRAMES / PW_WRITER_FRAME_BLOCKS;
    uint64_t most = block_bytes - PW_WRITER_BLOCK_BYTES;
    pw_assert(segment_bytes >= PW_SEGMENT_BYTES_MIN);
    if (longest > most) {
        pw_log(PW_LOG_WARN,
               "journal: messages longer than %" PRIu64
               " bytes will not be recorded: raise journal.segment_mb",
               most);
        return (uint32_t)most;
    }
    return longest;
}

static int journal_init(void *state, const struct pw_stage_env *env)
{
    struct journal *j = state;
    const struct pw_config_journal *config = PW_CONFIG(env->config, journal);
    find_inputs(j, env);
    j->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_journal);
    if (!j->metric_rows) {
        return -ENOENT;
    }
    const struct pw_journal_attachment *given = PW_ATTACHED(env, journal);
    pw_assert(!config->enabled || given->store);
    if (!given->store) {
        return 0; /* the config asks for no journal: the stage idles */
    }
    j->store = given->store;
    j->threaded = given->threaded;
    j->clock = env->clock;
    j->path = config->path;
    j->trades_unrecorded = config->trades_unrecorded;
    j->interval_ns = config->commit_interval_ms * PW_NS_PER_MS;
    j->writer = pw_writer_new(&(struct pw_writer_config){
        .store = given->store,
        .run_id = given->run_id,
        .clock = env->clock,
        .commit_interval_ns = j->interval_ns,
        .sync_ns = PW_WRITER_SYNC_NS,
        .block_cnt = block_cnt(config->segment_bytes),
        .frame_bytes_max = frame_bytes_max(longest_frame(j, env->config), config->segment_bytes),
    });
    if (!j->writer) {
        pw_log(PW_LOG_ERROR, "journal: no memory for its buffers");
        return -ENOMEM;
    }
    return 0;
}

/* On the stage's own thread: the committer's stays on its core. */
static int journal_start(void *state)
{
    struct journal *j = state;
    int err = j->writer && j->threaded ? pw_writer_start(j->writer) : 0;
    if (err) {
        pw_log(PW_LOG_ERROR, "journal: cannot start its commit thread: %s", strerror(-err));
    }
    return err;
}

/* ---- what people are told ---- */

static uint64_t waiting(const struct pw_consumer *consumer)
{
    if (!consumer) {
        return 0;
    }
    /* Relaxed: a figure for people. */
    uint64_t waiting = atomic_load_explicit(&consumer->ring->head, memory_order_relaxed) - consumer->tail;
    pw_assert(waiting <= consumer->mask + 1);
    return waiting;
}

static uint64_t lag(const struct journal *j)
{
    return waiting(j->input.market) + waiting(j->input.orders) + waiting(j->input.frames) +
           waiting(j->input.wire);
}

/* What execution found no room for. */
static uint64_t skipped(const struct journal *j)
{
    /* Relaxed: nothing is read by it. */
    return j->input.orders ? atomic_load_explicit(&j->orders.ring->dropped_cnt, memory_order_relaxed) : 0;
}

/* Into the run's record, which has room even on a full disk: a kill must not hide what was lost. Again at
 * growing intervals. While all is stored, what waits is not lost. */
static void note_loss(struct journal *j, int64_t now_ns)
{
    struct pw_journal_loss loss;
    bool is_new = j->stopped_ns != j->noted_stopped_ns || skipped(j) != j->noted_skipped_cnt;
    if (now_ns < j->note_ns || (j->stopped_ns == 0 && !is_new) || pw_writer_commits(j->writer)) {
        return;
    }
    j->noted_stopped_ns = j->stopped_ns;
    j->noted_skipped_cnt = skipped(j);
    pw_writer_loss(j->writer, &j->input, &loss);
    if (j->stopped_ns == 0) {
        loss = (struct pw_journal_loss){.dropped_cnt = loss.dropped_cnt, .other_cnt = j->noted_skipped_cnt};
    }
    /* An error shows when the run ends: there is nothing to be done about it now. */
    (void)j->store->note(j->store->state, j->stopped_ns, &loss);
    int64_t for_ns = j->stopped_ns == 0 ? 0 : now_ns - j->stopped_ns;
    j->note_ns = now_ns + (for_ns > PW_NS_PER_S ? for_ns : PW_NS_PER_S);
}

static void log_stopped(const struct journal *j)
{
    const char *why = strerror(-pw_writer_error(j->writer));
    if (j->logged == PW_WRITER_FULL) {
        pw_log(
            PW_LOG_ERROR,
            "journal: writing suspended: %s; new orders are %s; free space for '%s'; retrying every second",
            why, j->trades_unrecorded ? "allowed as long as their ring has room" : "denied", j->path);
    } else {
        pw_log(PW_LOG_ERROR,
               "journal: commit to '%s' failed: %s; stopping: a retry cannot prove what is stored", j->path,
               why);
    }
}

static void tell_state(struct journal *j, int64_t now_ns)
{
    enum pw_writer_state state = pw_writer_state(j->writer);
    if (state == j->logged) {
        note_loss(j, now_ns);
        return;
    }
    pw_assert(j->logged != PW_WRITER_FAILED); /* that is final */
    bool resumes = state == PW_WRITER_OK;
    j->logged = state;
    /* At once, not with the next housekeeping: it is an alarm. */
    atomic_store_explicit(PW_METRIC_WORD(j->metric_rows, journal, stopped), state, memory_order_relaxed);
    if (resumes) {
        pw_log(PW_LOG_WARN, "journal: writing resumed after %.1f s",
               (double)(now_ns - j->stopped_ns) / PW_NS_PER_S);
        j->stopped_ns = 0;
    } else {
        j->stopped_ns = j->stopped_ns ? j->stopped_ns : now_ns;
        log_stopped(j);
    }
    j->note_ns = now_ns;
    note_loss(j, now_ns);
}

/* Execution denies new orders while this word is set: at once, not only when its ring has run full. */
static void tell_execution(struct journal *j)
{
    bool stopped = pw_writer_state(j->writer) != PW_WRITER_OK || !pw_writer_takes(j->writer);
    /* Relaxed, both: one writer, and the word orders nothing else. */
    if (j->stop && atomic_load_explicit(&j->stop->unrecorded, memory_order_relaxed) != stopped) {
        atomic_store_explicit(&j->stop->unrecorded, stopped, memory_order_relaxed);
    }
}

/* What a kill would have cost before this poll, as soon as it is more than the config says. was_stored: then
 * no full disk was the cause, which has been told. */
static void watch_lag(struct journal *j, int64_t lag_ns, bool was_stored, int64_t now_ns)
{
    struct lateness *late = &j->late;
    bool is_late = lag_ns > j->interval_ns + 2 * PW_WRITER_LOOK_NS && was_stored && j->logged == PW_WRITER_OK;
    j->lag_max_ns = lag_ns > j->lag_max_ns ? lag_ns : j->lag_max_ns;
    if (is_late) {
        if (!late->is_late) {
            *late = (struct lateness){.is_late = true, .since_ns = now_ns};
            pw_fold_log(&j->fold, now_ns, PW_LOG_WARN, "behind", 1,
                        "journal: %" PRId64 " ms behind, commit_interval_ms is %" PRId64
                        ": the disk or this core is too slow; a kill would lose that much",
                        lag_ns / PW_NS_PER_MS, j->interval_ns / PW_NS_PER_MS);
        }
        late->last_ns = now_ns;
        late->most_ns = lag_ns > late->most_ns ? lag_ns : late->most_ns;
    } else if (late->is_late && j->logged == PW_WRITER_OK && now_ns - late->last_ns >= CALM_NS) {
        late->is_late = false;
        pw_fold_log(&j->fold, now_ns, PW_LOG_INFO, "caught up", 1,
                    "journal: caught up; up to %" PRId64 " ms behind within %.1f s",
                    late->most_ns / PW_NS_PER_MS, (double)(late->last_ns - late->since_ns) / PW_NS_PER_S);
    }
}

static struct pw_poll journal_poll(void *state, int64_t now_ns)
{
    struct journal *j = state;
    if (!j->writer) {
        return (struct pw_poll){0};
    }
    int64_t lag_ns = pw_writer_lag_ns(j->writer, &j->input, now_ns);
    bool was_stored = j->logged == PW_WRITER_OK;
    uint32_t work = pw_writer_poll(j->writer, &j->input, BATCH_MAX, now_ns);
    tell_execution(j);
    tell_state(j, now_ns);
    watch_lag(j, lag_ns, was_stored, now_ns);
    return (struct pw_poll){.work = work,
                            .stalled = !pw_writer_takes(j->writer) && lag(j) > 0,
                            .failed = j->logged == PW_WRITER_FAILED};
}

static int64_t journal_next_ns(void *state)
{
    const struct journal *j = state;
    return j->writer ? pw_writer_next_ns(j->writer, &j->input) : INT64_MAX;
}

static void journal_housekeep(void *state, int64_t now_ns)
{
    struct journal *j = state;
    if (!j->writer) {
        return;
    }
    pw_fold_poll(&j->fold, now_ns);
    const struct pw_writer_stats *stats = pw_writer_stats(j->writer);
    const struct pw_journal_metrics metrics = {
        .events = stats->event_cnt,
        .bytes_raw = stats->plain_bytes,
        .bytes_stored = stats->stored_bytes,
        .commits = stats->commit_cnt,
        .commit_max_ns = stats->commit_max_ns,
        .sync_errors = stats->commit_error_cnt,
        .dropped = stats->dropped_cnt,
        .storage_full = stats->full_cnt,
        .orders_unmatched = stats->unmatched_cnt,
        .lag_events = (int64_t)lag(j),
        .lag_ns = pw_writer_lag_ns(j->writer, &j->input, now_ns),
        .lag_max_ns = j->lag_max_ns,
        .stopped = pw_writer_state(j->writer),
    };
    pw_journal_metrics_publish(j->metric_rows, &metrics);
}

/* Without room on the disk there is nothing to wait for. */
static bool journal_pending(void *state)
{
    const struct journal *j = state;
    return j->writer && pw_writer_state(j->writer) == PW_WRITER_OK &&
           (pw_writer_dirty(j->writer) || lag(j) > 0);
}

/* What a stop that took too long has left in the rings: nothing will come that it would have to wait for. A
 * full disk is tried once more. */
static bool take_the_rest(struct journal *j, int64_t now_ns)
{
    int err = 0;
    pw_writer_release(j->writer);
    for (bool moves = true; moves && !err;) {
        moves = pw_writer_poll(j->writer, &j->input, BATCH_MAX, now_ns) > 0;
        if (!moves && lag(j) > 0) {
            err = pw_writer_commit(j->writer, now_ns + PW_WRITER_RETRY_NS);
            moves = pw_writer_poll(j->writer, &j->input, BATCH_MAX, now_ns) > 0;
        }
    }
    return pw_writer_commit(j->writer, now_ns + PW_WRITER_RETRY_NS) == 0 && lag(j) == 0;
}

static void log_loss(const struct pw_journal_loss *loss)
{
    if (loss->market_cnt + loss->order_cnt + loss->fill_cnt + loss->other_cnt > 0) {
        pw_log(PW_LOG_ERROR,
               "journal: not stored: %" PRIu64 " market events, %" PRIu64 " orders, %" PRIu64
               " fills, %" PRIu64 " other events",
               loss->market_cnt, loss->order_cnt, loss->fill_cnt, loss->other_cnt);
    }
    if (loss->dropped_cnt > 0) {
        pw_log(PW_LOG_WARN, "journal: %" PRIu64 " market events were dropped; gaps tell where",
               loss->dropped_cnt);
    }
}

static void journal_fini(void *state)
{
    struct journal *j = state;
    if (!j->writer) {
        return;
    }
    int64_t now_ns = pw_clock_now_ns(&j->clock);
    bool clean = take_the_rest(j, now_ns);
    tell_state(j, now_ns);
    journal_housekeep(j, now_ns);
    pw_fold_end(&j->fold, now_ns);
    struct pw_journal_loss loss;
    pw_writer_loss(j->writer, &j->input, &loss);
    log_loss(&loss);
    int err = j->store->note(j->store->state, j->stopped_ns, &loss);
    int ended = j->store->end(j->store->state, now_ns, pw_writer_stats(j->writer)->event_cnt, clean);
    err = ended ? ended : err;
    if (err || !clean) {
        pw_log(PW_LOG_ERROR, "journal: the run did not end cleanly: %s",
               err ? strerror(-err) : "its last events are not all stored");
    }
    pw_assert(!clean || pw_writer_state(j->writer) == PW_WRITER_OK);
    pw_writer_free(j->writer);
    j->writer = NULL;
}

const struct pw_stage_ops pw_journal_stage = {
    .name = "journal",
    .attachment_bytes = sizeof(struct pw_journal_attachment),
    .state_bytes = journal_state_bytes,
    .init = journal_init,
    .start = journal_start,
    .poll = journal_poll,
    .next_ns = journal_next_ns,
    .housekeep = journal_housekeep,
    .pending = journal_pending,
    .fini = journal_fini,
};
