/* SPDX-License-Identifier: MIT
 *
 * journal: market events through codec, writer and LMDB onto the disk, made ones, and recorded ones where
 * there is a recording; over and over, with times that go on.
 *
 * And a slow disk: events at a steady rate while each sync takes 0.8 s; what a kill would lose is measured.
 *
 * Baseline: as many bare 64-byte events put into LMDB under growing numbers, by a cursor that appends, with
 * the flags of the journal's own store, fully synced at the same interval. One thread does all, that of the
 * journal puts the events into its ring too. Files are new in each round, their making is not timed.
 * Processor time is the thread's own, so without the waiting for the disk and for other processes, and with
 * the making of the files.
 */
#include "bench.h"
#include "event_tape.h"
#include "folder.h"
#include "host.h"
#include "writer.h"
#include <errno.h>
#include <ftw.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS             5u
#define EVENTS             2000000u
#define MESSAGES           60000u
#define BATCH              4096u
#define RING_SLOTS         8192u
#define COMMIT_INTERVAL_NS INT64_C(100000000) /* the config's default */
#define MAP_BYTES          (UINT64_C(1) << 30)
#define BYTES_TARGET       16 /* an event, on recorded data */

struct work {
    struct event_tape tape;
    uint64_t event_cnt, batch_cnt; /* of a round */
    int64_t span_ns;               /* that the tape lasts */
    struct pw_clock clock;
    char dir[256], path[320]; /* path: a round's own, inside */
    struct pw_ring *ring;
    double *samples_ns[2]; /* of batches: journal, plain */
    double round_ns[2][ROUNDS], processor_ns[2][ROUNDS];
    struct pw_writer_stats stats; /* of the last round */
    double disk_bytes[2];
};

enum way { JOURNAL, PLAIN };

/* Event number n of the endless tape. */
static struct pw_event event_at(const struct work *w, uint64_t n)
{
    struct pw_event event = w->tape.events[n % w->tape.cnt];
    int64_t later_ns = (int64_t)(n / w->tape.cnt) * w->span_ns;
    event.seq = (uint32_t)n;
    event.recv_ns += later_ns;
    event.venue_ns += event.venue_ns != 0 ? later_ns : 0;
    return event;
}

static double ns_since(uint64_t start)
{
    return (double)(pw_bench_ticks() - start) * pw_bench_tick_ns;
}

/* ---- the journal ---- */

static int journal_batch(struct work *w, struct pw_writer *writer, struct pw_producer *producer,
                         const struct pw_writer_input *input, uint64_t first)
{
    uint64_t end = first + BATCH < w->event_cnt ? first + BATCH : w->event_cnt;
    for (uint64_t n = first; n < end; n++) {
        struct pw_event event = event_at(w, n);
        pw_producer_put(producer, &event);
    }
    pw_producer_publish(producer);
    uint64_t taken = 0;
    while (taken < end - first && pw_writer_state(writer) == PW_WRITER_OK) {
        taken += pw_writer_poll(writer, input, BATCH, pw_clock_now_ns(&w->clock));
    }
    return pw_writer_error(writer);
}

static int journal_pass(struct work *w, struct pw_writer *writer, double *samples_ns, double *round_ns)
{
    struct pw_producer producer;
    struct pw_consumer consumer;
    pw_ring_format(w->ring, RING_SLOTS, 0, PW_RING_STALL);
    pw_producer_attach(&producer, w->ring);
    pw_consumer_attach(&consumer, w->ring);
    struct pw_writer_input input = {.market = &consumer};
    uint64_t start = pw_bench_ticks();
    int result = 0;
    for (uint64_t batch = 0; batch < w->batch_cnt && result == 0; batch++) {
        uint64_t before = pw_bench_ticks();
        pw_producer_room(&producer, BATCH); /* the ring is empty: never short of it */
        result = journal_batch(w, writer, &producer, &input, batch * BATCH);
        samples_ns[batch] = ns_since(before);
    }
    result = result != 0 ? result : pw_writer_commit(writer, pw_clock_now_ns(&w->clock));
    *round_ns = ns_since(start);
    w->stats = *pw_writer_stats(writer);
    return result == 0 && w->stats.event_cnt != w->event_cnt ? -EIO : result;
}

static int open_run(struct work *w, struct pw_store *store, uint64_t *run_id)
{
    static const struct pw_instrument instrument = {.symbol = "BTCUSDT", .base = "BTC", .quote = "USDT"};
    struct pw_run_want want = {.path = w->path,
                               .instance = "bench",
                               .version = "bench",
                               .config_text = "",
                               .instruments = &instrument,
                               .instrument_cnt = 1,
                               .segment_bytes = MAP_BYTES,
                               .now_ns = pw_clock_now_ns(&w->clock)};
    char error[256];
    return pw_journal_open_run(&want, store, run_id, error, sizeof error);
}

static int journal_round(struct work *w, double *samples_ns, double *round_ns)
{
    struct pw_store store;
    uint64_t run_id;
    int result = open_run(w, &store, &run_id);
    if (result != 0) {
        return result;
    }
    struct pw_writer_config config = {
        .store = &store, .run_id = run_id, .clock = w->clock, .commit_interval_ns = COMMIT_INTERVAL_NS};
    struct pw_writer *writer = pw_writer_new(&config);
    result = writer == NULL ? -ENOMEM : journal_pass(w, writer, samples_ns, round_ns);
    pw_writer_free(writer);
    store.close(store.state);
    return result;
}

/* ---- plain puts ---- */

struct plain {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_cursor *cursor; /* of txn: the fastest way to append */
    int64_t committed_ns;
};

static int plain_open(struct plain *plain, const char *path)
{
    *plain = (struct plain){0};
    int code = mdb_env_create(&plain->env);
    code = code != 0 ? code : mdb_env_set_mapsize(plain->env, MAP_BYTES);
    code = code != 0 ? code : mdb_env_open(plain->env, path, MDB_NOSUBDIR, 0600);
    code = code != 0 ? code : mdb_txn_begin(plain->env, NULL, 0, &plain->txn);
    code = code != 0 ? code : mdb_dbi_open(plain->txn, NULL, MDB_INTEGERKEY, &plain->dbi);
    return code != 0 ? code : mdb_cursor_open(plain->txn, plain->dbi, &plain->cursor);
}

static int plain_commit(struct plain *plain)
{
    mdb_cursor_close(plain->cursor);
    int code = mdb_txn_commit(plain->txn);
    plain->cursor = NULL;
    plain->txn = NULL;
    return code;
}

static int plain_batch(const struct work *w, struct plain *plain, uint64_t first)
{
    uint64_t end = first + BATCH < w->event_cnt ? first + BATCH : w->event_cnt;
    int code = 0;
    for (uint64_t n = first; n < end && code == 0; n++) {
        struct pw_event event = event_at(w, n);
        MDB_val key = {sizeof n, &n}, value = {sizeof event, &event};
        code = mdb_cursor_put(plain->cursor, &key, &value, MDB_APPEND);
    }
    int64_t now_ns = pw_clock_now_ns(&w->clock);
    if (code == 0 && now_ns - plain->committed_ns >= COMMIT_INTERVAL_NS) {
        plain->committed_ns = now_ns;
        code = plain_commit(plain);
        code = code != 0 ? code : mdb_txn_begin(plain->env, NULL, 0, &plain->txn);
        code = code != 0 ? code : mdb_cursor_open(plain->txn, plain->dbi, &plain->cursor);
    }
    return code;
}

static int plain_round(struct work *w, double *samples_ns, double *round_ns)
{
    struct plain plain;
    int code = plain_open(&plain, w->path);
    uint64_t start = pw_bench_ticks();
    plain.committed_ns = pw_clock_now_ns(&w->clock);
    for (uint64_t batch = 0; batch < w->batch_cnt && code == 0; batch++) {
        uint64_t before = pw_bench_ticks();
        code = plain_batch(w, &plain, batch * BATCH);
        samples_ns[batch] = ns_since(before);
    }
    if (code == 0) {
        code = plain_commit(&plain);
    }
    *round_ns = ns_since(start);
    if (plain.txn != NULL) {
        mdb_txn_abort(plain.txn);
    }
    if (plain.env != NULL) {
        mdb_env_close(plain.env);
    }
    return code == 0 ? 0 : code > 0 ? -code : -EIO; /* LMDB's own codes are negative */
}

/* ---- files ---- */

static double found_bytes;

static int bytes_add(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    found_bytes += type == FTW_F ? (double)st->st_blocks * 512 : 0;
    return 0;
}

static double tree_bytes(const char *path)
{
    found_bytes = 0;
    nftw(path, bytes_add, 16, FTW_PHYS);
    return found_bytes;
}

/* ---- rounds ---- */

static double processor_ns(void)
{
    return (double)pw_clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int way_run(struct work *w, enum way way, unsigned round)
{
    double *samples_ns = w->samples_ns[way] + round * w->batch_cnt;
    snprintf(w->path, sizeof w->path, "%s/%s", w->dir, way == JOURNAL ? "journal" : "plain.mdb");
    double before_ns = processor_ns();
    int result = way == JOURNAL ? journal_round(w, samples_ns, &w->round_ns[way][round])
                                : plain_round(w, samples_ns, &w->round_ns[way][round]);
    w->processor_ns[way][round] = processor_ns() - before_ns;
    w->disk_bytes[way] = tree_bytes(w->path);
    bench_folder_remove(w->path);
    return result;
}

static void add_figure(struct pw_bench_report *report, const char *source, const char *id, const char *what,
                       const char *unit, double value, double target)
{
    struct pw_bench_value figure = {.value = value, .target = target};
    snprintf(figure.of, sizeof figure.of, "%s", unit);
    snprintf(figure.id, sizeof figure.id, "%s_%s", id, source);
    snprintf(figure.name, sizeof figure.name, "%s, %s", what, source);
    pw_bench_add_figure(report, &figure);
}

static void report_way(const struct work *w, enum way way, const char *source, const char *name,
                       struct pw_bench_report *report, double rates[ROUNDS])
{
    static const char *const ids[] = {[JOURNAL] = "journal", [PLAIN] = "lmdb"};
    char batch[PW_BENCH_NAME_BYTES], batch_id[PW_BENCH_ID_BYTES], id[PW_BENCH_ID_BYTES];
    double means_ns[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        rates[i] = (double)w->event_cnt / w->round_ns[way][i] * 1e9;
        means_ns[i] = w->round_ns[way][i] / (double)w->batch_cnt;
    }
    double sorted[ROUNDS];
    memcpy(sorted, rates, sizeof sorted);
    snprintf(batch, sizeof batch, "%u events, %.40s", BATCH, name);
    snprintf(batch_id, sizeof batch_id, "%s_batch_%s", ids[way], source);
    snprintf(id, sizeof id, "%s_%s", ids[way], source);
    pw_bench_add_latency(report, batch_id, batch, pw_bench_median(means_ns, ROUNDS), w->samples_ns[way],
                         ROUNDS * w->batch_cnt);
    pw_bench_add_rate(report, id, name, pw_bench_median(sorted, ROUNDS));
}

static void report_fill(const struct work *w, const char *source, bool recorded,
                        struct pw_bench_report *report)
{
    struct pw_bench_value ratio = {.target = 1, .at_least = true};
    double rates[2][ROUNDS];
    snprintf(ratio.id, sizeof ratio.id, "journal_speed_vs_lmdb_%s", source);
    snprintf(ratio.name, sizeof ratio.name, "journal, %s", source);
    snprintf(ratio.of, sizeof ratio.of, "plain LMDB puts, %s", source);
    report_way(w, JOURNAL, source, ratio.name, report, rates[JOURNAL]);
    report_way(w, PLAIN, source, ratio.of, report, rates[PLAIN]);
    ratio.value = pw_bench_median_ratio(rates[JOURNAL], rates[PLAIN], ROUNDS);
    pw_bench_add_ratio(report, &ratio);
    double events = (double)w->event_cnt, processor[2][ROUNDS];
    memcpy(processor, w->processor_ns, sizeof processor);
    add_figure(report, source, "journal_cpu", "journal: CPU time", "ns/event",
               pw_bench_median(processor[JOURNAL], ROUNDS) / events, 0);
    add_figure(report, source, "lmdb_cpu", "plain LMDB puts: CPU time", "ns/event",
               pw_bench_median(processor[PLAIN], ROUNDS) / events, 0);
    add_figure(report, source, "journal_bytes", "journal: blocks", "bytes/event",
               (double)w->stats.stored_bytes / events, recorded ? BYTES_TARGET : 0);
    add_figure(report, source, "journal_file_bytes", "journal: files", "bytes/event",
               w->disk_bytes[JOURNAL] / events, 0);
    add_figure(report, source, "lmdb_file_bytes", "plain LMDB puts: file", "bytes/event",
               w->disk_bytes[PLAIN] / events, 0);
}

static int rounds_run(struct work *w, const char *source, bool recorded, struct pw_bench_report *report)
{
    int result = 0;
    w->batch_cnt = (w->event_cnt + BATCH - 1) / BATCH;
    w->span_ns = w->tape.events[w->tape.cnt - 1].recv_ns - w->tape.events[0].recv_ns;
    w->ring = aligned_alloc(PW_CACHE_LINE, pw_ring_bytes(RING_SLOTS, 0));
    for (unsigned way = 0; way < 2; way++) {
        w->samples_ns[way] = calloc(ROUNDS * w->batch_cnt, sizeof(double));
        result = w->samples_ns[way] == NULL || w->ring == NULL ? -ENOMEM : result;
    }
    for (unsigned round = 0; round <= ROUNDS && result == 0; round++) {
        unsigned to = round == 0 ? 0 : round - 1; /* the first one warms up: the second overwrites it */
        memset(w->ring, 0, pw_ring_bytes(RING_SLOTS, 0));
        result = way_run(w, JOURNAL, to);
        result = result != 0 ? result : way_run(w, PLAIN, to);
    }
    if (result == 0) {
        report_fill(w, source, recorded, report);
    }
    free(w->samples_ns[JOURNAL]);
    free(w->samples_ns[PLAIN]);
    free(w->ring);
    return result;
}

static int source_run(struct work *w, const struct message_tape *messages, const char *source, bool recorded,
                      struct pw_bench_report *report)
{
    int result = event_tape_make(&w->tape, messages, NULL);
    if (result == 0) {
        result = rounds_run(w, source, recorded, report);
        event_tape_free(&w->tape);
    }
    return result;
}

static int sources_run(struct work *w, const struct pw_bench_env *env, struct pw_bench_report *report)
{
    struct message_tape messages;
    uint64_t cnt = env->quick ? MESSAGES / 100 : MESSAGES;
    if (!message_tape_make(&messages, cnt, false)) {
        return -ENOMEM;
    }
    int result = source_run(w, &messages, "synthetic", false, report);
    message_tape_free(&messages);
    if (result == 0 && env->data_path != NULL) {
        result = message_tape_load(&messages, env->data_path, (1u << MESSAGE_KINDS) - 1, cnt, NULL);
        if (result == -ENOENT) {
            pw_bench_note(report, "%s: skipped, no messages that can be decoded", env->data_path);
            return 0;
        }
        pw_bench_note(report, "recorded: %s", env->data_path);
        result = result != 0 ? result : source_run(w, &messages, "recorded", true, report);
        message_tape_free(&messages);
    }
    return result;
}

/* ---- a slow disk ---- */

#define SLOW_SYNC_NS    INT64_C(800000000)
#define SLOW_RATE       100000u
#define SLOW_RING_SLOTS 262144u /* the config's default */
#define SLOW_SYNCS      10
#define SLOW_LAG_TARGET 2.05 /* two commits, and the polls between them */
#define SLOW_POLL_NS    1000000

struct slow_disk {
    struct pw_store inner;
};

static int slow_put(void *state, enum pw_block_type type, uint64_t block_no, const void *block, size_t bytes)
{
    struct slow_disk *disk = state;
    return disk->inner.put(disk->inner.state, type, block_no, block, bytes);
}

static int slow_commit(void *state, uint64_t skipped_cnt)
{
    struct slow_disk *disk = state;
    nanosleep(&(struct timespec){.tv_nsec = SLOW_SYNC_NS}, NULL);
    return disk->inner.commit(disk->inner.state, skipped_cnt);
}

static int slow_rotate(void *state)
{
    struct slow_disk *disk = state;
    return disk->inner.rotate(disk->inner.state);
}

struct slow_result {
    uint64_t put_cnt, dropped_cnt;
    int64_t lag_max_ns;
};

/* Events as the clock says that they are due, a poll each millisecond, as the stage's thread does. */
static void slow_feed(struct work *w, struct pw_writer *writer, int64_t span_ns, struct slow_result *result)
{
    struct pw_producer producer;
    struct pw_consumer consumer;
    pw_producer_attach(&producer, w->ring);
    pw_consumer_attach(&consumer, w->ring);
    const struct pw_writer_input input = {.market = &consumer};
    int64_t start_ns = pw_clock_now_ns(&w->clock), now_ns = start_ns;
    for (; now_ns - start_ns < span_ns; now_ns = pw_clock_now_ns(&w->clock)) {
        uint64_t due = (uint64_t)(now_ns - start_ns) * SLOW_RATE / UINT64_C(1000000000);
        for (; result->put_cnt < due; result->put_cnt++) {
            struct pw_event event = event_at(w, result->put_cnt);
            if (pw_producer_room(&producer, 1) >= 1) {
                pw_producer_put(&producer, &event);
            } else {
                result->dropped_cnt++;
            }
        }
        pw_producer_publish(&producer);
        pw_writer_poll(writer, &input, BATCH, now_ns);
        int64_t lag_ns = pw_writer_lag_ns(writer, &input, now_ns);
        result->lag_max_ns = lag_ns > result->lag_max_ns ? lag_ns : result->lag_max_ns;
        nanosleep(&(struct timespec){.tv_nsec = SLOW_POLL_NS}, NULL);
    }
    while (pw_writer_poll(writer, &input, BATCH, now_ns) > 0) {
    }
}

static int slow_measure(struct work *w, int64_t span_ns, struct pw_bench_report *report)
{
    struct slow_disk disk;
    struct slow_result result = {0};
    uint64_t run_id;
    int err = open_run(w, &disk.inner, &run_id);
    if (err != 0) {
        return err;
    }
    struct pw_store store = {.state = &disk, .put = slow_put, .commit = slow_commit, .rotate = slow_rotate};
    struct pw_writer *writer =
        pw_writer_new(&(struct pw_writer_config){.store = &store,
                                                 .run_id = run_id,
                                                 .clock = w->clock,
                                                 .commit_interval_ns = COMMIT_INTERVAL_NS,
                                                 .sync_ns = PW_WRITER_SYNC_NS,
                                                 .block_cnt = PW_WRITER_BLOCKS_MAX});
    err = writer == NULL ? -ENOMEM : pw_writer_start(writer);
    if (err == 0) {
        slow_feed(w, writer, span_ns, &result);
        err = pw_writer_commit(writer, pw_clock_now_ns(&w->clock));
        w->stats = *pw_writer_stats(writer);
    }
    pw_writer_free(writer);
    disk.inner.close(disk.inner.state);
    if (err == 0) {
        double longest_ns = (double)w->stats.commit_max_ns;
        add_figure(report, "slow_disk", "journal_lag_commits", "journal: lag", "commits",
                   (double)result.lag_max_ns / longest_ns, SLOW_LAG_TARGET);
        add_figure(report, "slow_disk", "journal_lag", "journal: lag", "ms", (double)result.lag_max_ns / 1e6,
                   0);
        add_figure(report, "slow_disk", "journal_commit", "journal: longest commit", "ms", longest_ns / 1e6,
                   0);
        add_figure(report, "slow_disk", "journal_stored", "journal: stored", "events/s",
                   (double)w->stats.event_cnt / (double)span_ns * 1e9, 0);
        add_figure(report, "slow_disk", "journal_dropped", "journal: dropped", "events",
                   (double)result.dropped_cnt, 0);
    }
    return err;
}

static int slow_run(struct work *w, const struct pw_bench_env *env, struct pw_bench_report *report)
{
    struct message_tape messages;
    if (!message_tape_make(&messages, MESSAGES / 100, false)) {
        return -ENOMEM;
    }
    int result = event_tape_make(&w->tape, &messages, NULL);
    message_tape_free(&messages);
    if (result != 0) {
        return result;
    }
    w->span_ns = w->tape.events[w->tape.cnt - 1].recv_ns - w->tape.events[0].recv_ns;
    w->ring = aligned_alloc(PW_CACHE_LINE, pw_ring_bytes(SLOW_RING_SLOTS, 0));
    if (w->ring != NULL) {
        memset(w->ring, 0, pw_ring_bytes(SLOW_RING_SLOTS, 0));
        pw_ring_format(w->ring, SLOW_RING_SLOTS, 0, PW_RING_DROP);
        snprintf(w->path, sizeof w->path, "%s/slow", w->dir);
        pw_bench_note(report, "slow disk: %u events/s, each sync takes %.1f s", SLOW_RATE,
                      SLOW_SYNC_NS / 1e9);
        result = slow_measure(w, SLOW_SYNC_NS * (env->quick ? SLOW_SYNCS / 4 : SLOW_SYNCS), report);
        bench_folder_remove(w->path);
    } else {
        result = -ENOMEM;
    }
    free(w->ring);
    event_tape_free(&w->tape);
    return result;
}

static int journal_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    struct work w = {.event_cnt = env->quick ? EVENTS / 100 : EVENTS, .clock = pw_clock_host()};
    int result = bench_folder_make(w.dir, sizeof w.dir, report);
    if (result != 0) {
        return result;
    }
    result = pw_bench_core_bind(env->cores[0]);
    result = result != 0 ? result : sources_run(&w, env, report);
    result = result != 0 ? result : slow_run(&w, env, report);
    bench_folder_remove(w.dir);
    return result;
}

const struct pw_bench pw_bench_journal = {
    .name = "journal",
    .what = "write market events to disk; baseline: plain LMDB puts of 64 bytes, synced at the same interval",
    .run = journal_run,
};
