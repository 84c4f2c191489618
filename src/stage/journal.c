/* SPDX-License-Identifier: MIT
 *
 * The journal stage: gives its rings to the writer, publishes its figures, and says once when storing stops
 * or goes on.
 *
 * It lives on a cold core and sleeps when there is nothing to do; it pays for each sync, nobody else. A full
 * disk stops it until there is room; a failed commit stops the engine, since what cannot be kept must not be
 * traded on.
 */
#include "feeds.h"
#include "journal_config.h"
#include "journal_stage.h"
#include "pw_assert.h"
#include "writer.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <string.h>

/* Its core has time, and its rings are deep. */
#define BATCH_MAX 4096u

struct journal {
    const struct pw_store *store;
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
static const struct pw_ring *find_ring(const struct pw_stage_env *env, enum pw_ring_role role)
{
    return pw_topology_ring_in(env->topology, env->ws, role, 0);
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

static int journal_init(void *state, const struct pw_stage_env *env)
{
    struct journal *j = state;
    j->input = (struct pw_writer_input){.market = attach(env, PW_RING_MARKET_JOURNAL, &j->market),
                                        .orders = attach(env, PW_RING_ORDERS_JOURNAL, &j->orders),
                                        .frames = attach(env, PW_RING_FRAMES_JOURNAL, &j->frames),
                                        .wire = attach(env, PW_RING_WIRE_JOURNAL, &j->wire),
                                        .strategy_in = find_ring(env, PW_RING_MARKET),
                                        .execution_in = find_ring(env, PW_RING_DECISIONS),
                                        .merged = pw_feeds_line_cnt(PW_CONFIG(env->config, feeds)) > 1};
    j->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_journal);
    if (!j->metric_rows) {
        return -ENOENT;
    }
    const struct pw_journal_attachment *given = PW_ATTACHED(env, journal);
    pw_assert(!PW_CONFIG(env->config, journal)->enabled || given->store);
    if (!given->store) {
        return 0; /* the config asks for no journal: the stage idles */
    }
    j->store = given->store;
    j->clock = env->clock;
    j->path = PW_CONFIG(env->config, journal)->path;
    j->writer = pw_writer_new(&(struct pw_writer_config){
        .store = given->store,
        .run_id = given->run_id,
        .clock = env->clock,
        .commit_interval_ns = PW_CONFIG(env->config, journal)->commit_interval_ms * PW_NS_PER_MS,
        .hold_ns = PW_WRITER_HOLD_NS,
        .frame_bytes_max = longest_frame(j, env->config),
    });
    if (!j->writer) {
        pw_log(PW_LOG_ERROR, "journal: no memory for its buffers");
        return -ENOMEM;
    }
    return 0;
}

static void log_state(struct journal *j)
{
    enum pw_writer_state state = pw_writer_state(j->writer);
    if (state == j->logged) {
        return;
    }
    pw_assert(j->logged != PW_WRITER_FAILED); /* that is final */
    j->logged = state;
    /* At once, not with the next housekeeping: it is an alarm. */
    atomic_store_explicit(PW_METRIC_WORD(j->metric_rows, journal, stopped), state, memory_order_relaxed);
    const char *why = strerror(-pw_writer_error(j->writer));
    if (state == PW_WRITER_FULL) {
        pw_log(PW_LOG_ERROR, "journal: writing suspended: %s; free space for '%s'; retrying every second",
               why, j->path);
    } else if (state == PW_WRITER_FAILED) {
        pw_log(PW_LOG_ERROR,
               "journal: commit to '%s' failed: %s; stopping: a retry cannot prove what is stored", j->path,
               why);
    } else {
        pw_log(PW_LOG_WARN, "journal: writing resumed");
    }
}

static struct pw_poll journal_poll(void *state, int64_t now_ns)
{
    struct journal *j = state;
    if (!j->writer) {
        return (struct pw_poll){0};
    }
    uint32_t work = pw_writer_poll(j->writer, &j->input, BATCH_MAX, now_ns);
    log_state(j);
    return (struct pw_poll){
        .work = work, .stalled = j->logged == PW_WRITER_FULL, .failed = j->logged == PW_WRITER_FAILED};
}

static int64_t journal_next_ns(void *state)
{
    const struct journal *j = state;
    return j->writer ? pw_writer_next_ns(j->writer, &j->input) : INT64_MAX;
}

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

static void journal_housekeep(void *state, int64_t now_ns)
{
    (void)now_ns;
    struct journal *j = state;
    if (!j->writer) {
        return;
    }
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

static void journal_fini(void *state)
{
    struct journal *j = state;
    if (!j->writer) {
        return;
    }
    int64_t now_ns = pw_clock_now_ns(&j->clock);
    /* What a stop that took too long has left in the rings: nothing will come that it would have to wait for.
     */
    pw_writer_release(j->writer);
    while (pw_writer_poll(j->writer, &j->input, BATCH_MAX, now_ns) > 0) {
    }
    bool clean = pw_writer_commit(j->writer, now_ns) == 0 && lag(j) == 0;
    log_state(j);
    journal_housekeep(j, now_ns);
    int err = j->store->end(j->store->state, now_ns, pw_writer_stats(j->writer)->event_cnt, clean);
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
    .poll = journal_poll,
    .next_ns = journal_next_ns,
    .housekeep = journal_housekeep,
    .pending = journal_pending,
    .fini = journal_fini,
};
