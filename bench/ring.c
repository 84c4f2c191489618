/* SPDX-License-Identifier: MIT
 *
 * ring: 64-byte events through the SPSC ring, within a thread and from core to core.
 *
 * Baselines: a cache line that bounces between the two cores, and lines that are handed over in blocks of
 * half the ring, which is the most that the two caches move; within a thread, a plain array that is written
 * and read; and the queues of others, where pinwheel was built with them. All are measured in turns, several
 * rounds; a ratio is the median of the rounds' ratios.
 */
#include "bench.h"
#include "ring_other.h"
#include <errno.h>
#include <pinwheel/ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS       1024u
#define ROUNDS      10
#define TRIPS       20000u /* round trips a round */
#define SENDS       4000u  /* one-way messages a round, one at a time */
#define PAUSE_NS    1000   /* between two of them: the ring is empty, both ends wait */
#define EVENTS      1000000u
#define BATCH_KINDS 3
#define TRIP_BLOCK  200u
#define HUGE_BYTES  (2u << 20)

static const uint32_t batches[BATCH_KINDS] = {1, 8, 64};

static const struct ring_other *const others[] = {
#ifdef PW_BENCH_BOOST
    &ring_boost,
#endif
#ifdef PW_BENCH_RTE_RING
    &ring_rte,
#endif
    NULL, /* the end */
};

#define OTHERS_MAX (sizeof others / sizeof *others)

/* What both threads see. */
struct arena {
    struct pw_ring *there, *back;
    _Alignas(128) _Atomic uint64_t ping;
    _Alignas(128) _Atomic uint64_t pong;
    _Alignas(128) _Atomic uint64_t filled; /* blocks of lines */
    _Alignas(128) _Atomic uint64_t emptied;
    uint64_t (*lines)[8];
    uint32_t round_cnt, trip_cnt, send_cnt, event_cnt;
    double *samples; /* the consumer's, of one-way messages */
    uint64_t sum;    /* of what was read, so that it is read */
};

static struct arena arena;

/* Aligned to huge pages, which the kernel may give. */
static void *memory_take(size_t bytes)
{
    size_t whole = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    void *memory = aligned_alloc(HUGE_BYTES, whole);
    if (memory != NULL) {
        memset(memory, 0, whole);
    }
    return memory;
}

static void ring_reset(struct pw_ring *ring)
{
    memset(ring, 0, pw_ring_bytes(SLOTS, 0));
    pw_ring_format(ring, SLOTS, 0, PW_RING_STALL);
}

static inline void event_put(struct pw_producer *producer, uint64_t i)
{
    struct pw_event event = ring_event(i);
    pw_producer_put(producer, &event);
}

/* ---- round trips: `block` of them between two clock reads, each sample their mean ---- */

static void *line_answer(void *unused)
{
    for (uint64_t i = 1; i <= arena.trip_cnt; i++) {
        while (atomic_load_explicit(&arena.ping, memory_order_acquire) != i) {
        }
        atomic_store_explicit(&arena.pong, i, memory_order_release);
    }
    return unused;
}

static void line_trips(double *samples, uint32_t block)
{
    uint64_t i = 1, last = pw_bench_ticks();
    for (uint32_t sample = 0; sample < arena.trip_cnt / block; sample++) {
        for (uint32_t k = 0; k < block; k++, i++) {
            atomic_store_explicit(&arena.ping, i, memory_order_release);
            while (atomic_load_explicit(&arena.pong, memory_order_acquire) != i) {
            }
        }
        uint64_t now = pw_bench_ticks();
        samples[sample] = (double)(now - last) * pw_bench_tick_ns / block;
        last = now;
    }
}

static void *ring_answer(void *unused)
{
    struct pw_consumer in;
    struct pw_producer out;
    pw_consumer_attach(&in, arena.there);
    pw_producer_attach(&out, arena.back);
    for (uint32_t i = 0; i < arena.trip_cnt; i++) {
        while (pw_consumer_peek(&in, 1) == 0) {
        }
        pw_producer_room(&out, 1);
        pw_producer_put(&out, pw_consumer_at(&in, 0));
        pw_producer_publish(&out);
        pw_consumer_done(&in, 1);
    }
    return unused;
}

static void ring_trips(double *samples, uint32_t block)
{
    struct pw_producer out;
    struct pw_consumer in;
    pw_producer_attach(&out, arena.there);
    pw_consumer_attach(&in, arena.back);
    uint64_t i = 0, sum = 0, last = pw_bench_ticks();
    for (uint32_t sample = 0; sample < arena.trip_cnt / block; sample++) {
        for (uint32_t k = 0; k < block; k++, i++) {
            pw_producer_room(&out, 1);
            event_put(&out, i);
            pw_producer_publish(&out);
            while (pw_consumer_peek(&in, 1) == 0) {
            }
            sum += ring_event_sum(pw_consumer_at(&in, 0));
            pw_consumer_done(&in, 1);
        }
        uint64_t now = pw_bench_ticks();
        samples[sample] = (double)(now - last) * pw_bench_tick_ns / block;
        last = now;
    }
    arena.sum += sum;
}

/* ---- one way: the message is the moment at which it was sent ---- */

static uint64_t pause_until(uint64_t ticks)
{
    uint64_t now;
    while ((now = pw_bench_ticks()) < ticks) {
        pw_bench_relax();
    }
    return now;
}

static void sample_put(uint32_t i, uint64_t sent)
{
    uint64_t now = pw_bench_ticks();
    arena.samples[i] = now > sent ? (double)(now - sent) * pw_bench_tick_ns : 0;
}

static void *line_receive(void *unused)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < arena.send_cnt; i++) {
        uint64_t sent;
        while ((sent = atomic_load_explicit(&arena.ping, memory_order_acquire)) == last) {
        }
        sample_put(i, sent);
        last = sent;
        atomic_store_explicit(&arena.pong, i + 1, memory_order_release); /* a line holds but one message */
    }
    return unused;
}

static void line_send(void)
{
    uint64_t pause = (uint64_t)(PAUSE_NS / pw_bench_tick_ns), at = pw_bench_ticks();
    for (uint32_t i = 0; i < arena.send_cnt; i++) {
        at = pause_until(at + pause);
        atomic_store_explicit(&arena.ping, at, memory_order_release);
        while (atomic_load_explicit(&arena.pong, memory_order_acquire) != i + 1) {
            pw_bench_relax();
        }
    }
}

static void *ring_receive(void *unused)
{
    struct pw_consumer in;
    pw_consumer_attach(&in, arena.there);
    for (uint32_t i = 0; i < arena.send_cnt; i++) {
        while (pw_consumer_peek(&in, 1) == 0) {
        }
        const struct pw_event *event = pw_consumer_at(&in, 0);
        uint64_t sum = ring_event_sum(event); /* the whole event has come */
        sample_put(i, event->body.words[1]);
        arena.sum += sum;
        pw_consumer_done(&in, 1);
    }
    return unused;
}

static void ring_send(void)
{
    struct pw_producer out;
    pw_producer_attach(&out, arena.there);
    uint64_t pause = (uint64_t)(PAUSE_NS / pw_bench_tick_ns), at = pw_bench_ticks();
    for (uint32_t i = 0; i < arena.send_cnt; i++) {
        pw_producer_room(&out, 1);
        at = pause_until(at + pause);
        struct pw_event event = {.seq = i, .kind = PW_EVENT_TRADE, .body.words[1] = at};
        pw_producer_put(&out, &event);
        pw_producer_publish(&out);
    }
}

/* ---- throughput ---- */

static double seconds_since(uint64_t start)
{
    return (double)(pw_bench_ticks() - start) * pw_bench_tick_ns / 1e9;
}

static void *events_take(void *batch)
{
    struct pw_consumer in;
    pw_consumer_attach(&in, arena.there);
    uint64_t max = *(const uint32_t *)batch, sum = 0;
    while (in.tail < arena.event_cnt) {
        uint64_t cnt = pw_consumer_peek(&in, max);
        for (uint64_t i = 0; i < cnt; i++) {
            sum += ring_event_sum(pw_consumer_at(&in, i));
        }
        if (cnt != 0) {
            pw_consumer_done(&in, cnt);
        }
    }
    arena.sum += sum;
    return NULL;
}

static void events_put(uint32_t batch)
{
    struct pw_producer out;
    pw_producer_attach(&out, arena.there);
    for (uint64_t i = 0; i < arena.event_cnt; i += batch) {
        while (pw_producer_room(&out, batch) < batch) {
            pw_bench_relax();
        }
        for (uint32_t k = 0; k < batch; k++) {
            event_put(&out, i + k);
        }
        pw_producer_publish(&out);
    }
}

static void *blocks_take(void *unused)
{
    uint64_t sum = 0;
    for (uint64_t block = 0; block < arena.event_cnt / (SLOTS / 2); block++) {
        while (atomic_load_explicit(&arena.filled, memory_order_acquire) == block) {
        }
        for (uint64_t i = 0; i < SLOTS / 2; i++) {
            uint64_t *line = arena.lines[block % 2 * (SLOTS / 2) + i];
            sum += line[0] + line[3] + line[7];
        }
        atomic_store_explicit(&arena.emptied, block + 1, memory_order_release);
    }
    arena.sum += sum;
    return unused;
}

static void blocks_put(void)
{
    for (uint64_t block = 0; block < arena.event_cnt / (SLOTS / 2); block++) {
        while (block >= 2 && atomic_load_explicit(&arena.emptied, memory_order_acquire) < block - 1) {
        }
        for (uint64_t i = 0; i < SLOTS / 2; i++) {
            uint64_t *line = arena.lines[block % 2 * (SLOTS / 2) + i];
            for (uint64_t k = 0; k < 8; k++) {
                line[k] = block + k;
            }
        }
        atomic_store_explicit(&arena.filled, block + 1, memory_order_release);
    }
}

static double fused_rate(uint32_t batch)
{
    struct pw_producer out;
    struct pw_consumer in;
    ring_reset(arena.there);
    pw_producer_attach(&out, arena.there);
    pw_consumer_attach(&in, arena.there);
    uint64_t start = pw_bench_ticks(), sum = 0;
    for (uint64_t i = 0; i < arena.event_cnt; i += batch) {
        pw_producer_room(&out, batch);
        for (uint32_t k = 0; k < batch; k++) {
            event_put(&out, i + k);
        }
        pw_producer_publish(&out);
        uint64_t cnt = pw_consumer_peek(&in, batch);
        for (uint64_t k = 0; k < cnt; k++) {
            sum += ring_event_sum(pw_consumer_at(&in, k));
        }
        pw_consumer_done(&in, cnt);
    }
    arena.sum += sum;
    return arena.event_cnt / seconds_since(start);
}

/* The same without a ring: 64 at a time into an array, and out of it. */
static double array_rate(void)
{
    uint64_t start = pw_bench_ticks(), sum = 0;
    for (uint64_t i = 0; i < arena.event_cnt; i += 64) {
        for (uint64_t k = i; k < i + 64; k++) {
            volatile uint64_t *line = arena.lines[k % SLOTS];
            for (uint64_t word = 0; word < 8; word++) {
                line[word] = k + word;
            }
        }
        for (uint64_t k = i; k < i + 64; k++) {
            volatile uint64_t *line = arena.lines[k % SLOTS];
            sum += line[0] + line[1] + line[3] + line[7];
        }
    }
    arena.sum += sum;
    return arena.event_cnt / seconds_since(start);
}

/* ---- the queues of others ---- */

/* The parameters of the consumer thread. */
struct other_run {
    const struct ring_other *ops;
    void *ring;
    uint32_t batch;
};

static void *other_take(void *arg)
{
    const struct other_run *run = arg;
    arena.sum += run->ops->take(run->ring, arena.event_cnt, run->batch);
    return NULL;
}

/* Events a second within a thread, or with a core to take them; negative: -errno. */
static double other_rate(const struct ring_other *ops, uint32_t batch, int take_core)
{
    struct other_run run = {.ops = ops, .ring = ops->make(), .batch = batch};
    double rate = run.ring == NULL ? -ENOMEM : 0;
    pthread_t thread;
    if (rate == 0 && take_core >= 0) {
        rate = pw_bench_thread_start(&thread, take_core, other_take, &run);
    }
    if (rate == 0) {
        uint64_t start = pw_bench_ticks();
        if (take_core >= 0) {
            ops->put(run.ring, arena.event_cnt, batch);
            pthread_join(thread, NULL);
        } else {
            arena.sum += ops->fused(run.ring, arena.event_cnt, batch);
        }
        rate = arena.event_cnt / seconds_since(start);
    }
    if (run.ring != NULL) {
        ops->free(run.ring);
    }
    return rate;
}

/* ---- rounds ---- */

struct results {
    double *line_trips, *ring_trips, *line_sends, *ring_sends; /* raw samples of all rounds */
    double line_trip_ns[ROUNDS], ring_trip_ns[ROUNDS];         /* typical ones of each round */
    double line_send_ns[ROUNDS], ring_send_ns[ROUNDS];
    double fused_per_s[BATCH_KINDS][ROUNDS], array_per_s[ROUNDS];
    double across_per_s[BATCH_KINDS][ROUNDS], block_per_s[ROUNDS];
    double other_fused_per_s[OTHERS_MAX][BATCH_KINDS][ROUNDS];
    double other_across_per_s[OTHERS_MAX][BATCH_KINDS][ROUNDS];
};

/* Round trips: `ours` here against `theirs` on the other core, to the end of both. */
static int trips_run(const struct pw_bench_env *env, void *(*theirs)(void *),
                     void (*ours)(double *, uint32_t), double *samples, uint32_t block)
{
    pthread_t thread;
    arena.ping = arena.pong = 0;
    ring_reset(arena.there);
    ring_reset(arena.back);
    int result = pw_bench_thread_start(&thread, env->cores[1], theirs, NULL);
    if (result == 0) {
        ours(samples, block);
        pthread_join(thread, NULL);
    }
    return result;
}

static int trips_round(const struct pw_bench_env *env, struct results *results, uint32_t round)
{
    double blocks[TRIPS / TRIP_BLOCK];
    size_t at = (size_t)round * arena.trip_cnt;
    int result = trips_run(env, line_answer, line_trips, blocks, TRIP_BLOCK);
    results->line_trip_ns[round] = pw_bench_median(blocks, arena.trip_cnt / TRIP_BLOCK);
    if (result == 0) {
        result = trips_run(env, ring_answer, ring_trips, blocks, TRIP_BLOCK);
        results->ring_trip_ns[round] = pw_bench_median(blocks, arena.trip_cnt / TRIP_BLOCK);
    }
    if (result == 0) {
        result = trips_run(env, line_answer, line_trips, results->line_trips + at, 1);
    }
    if (result == 0) {
        result = trips_run(env, ring_answer, ring_trips, results->ring_trips + at, 1);
    }
    return result;
}

static int sends_run(const struct pw_bench_env *env, void *(*theirs)(void *), void (*ours)(void),
                     double *samples)
{
    pthread_t thread;
    arena.ping = arena.pong = 0;
    ring_reset(arena.there);
    arena.samples = samples;
    int result = pw_bench_thread_start(&thread, env->cores[1], theirs, NULL);
    if (result == 0) {
        ours();
        pthread_join(thread, NULL);
    }
    return result;
}

static int sends_round(const struct pw_bench_env *env, struct results *results, uint32_t round)
{
    double *line = results->line_sends + (size_t)round * arena.send_cnt;
    double *ring = results->ring_sends + (size_t)round * arena.send_cnt;
    int result = sends_run(env, line_receive, line_send, line);
    if (result == 0) {
        result = sends_run(env, ring_receive, ring_send, ring);
    }
    results->line_send_ns[round] = pw_bench_block_mean(line, arena.send_cnt, TRIP_BLOCK);
    results->ring_send_ns[round] = pw_bench_block_mean(ring, arena.send_cnt, TRIP_BLOCK);
    return result;
}

static int others_round(double rates[OTHERS_MAX][BATCH_KINDS][ROUNDS], int kind, int take_core,
                        uint32_t round)
{
    int result = 0;
    for (uint32_t k = 0; others[k] != NULL && result == 0; k++) {
        double rate = other_rate(others[k], batches[kind], take_core);
        rates[k][kind][round] = rate;
        result = rate < 0 ? (int)rate : 0;
    }
    return result;
}

static int rates_round(const struct pw_bench_env *env, struct results *results, uint32_t round)
{
    pthread_t thread;
    arena.filled = arena.emptied = 0;
    int result = pw_bench_thread_start(&thread, env->cores[1], blocks_take, NULL);
    if (result != 0) {
        return result;
    }
    uint64_t start = pw_bench_ticks();
    blocks_put();
    pthread_join(thread, NULL);
    results->block_per_s[round] = arena.event_cnt / seconds_since(start);
    for (int i = 0; i < BATCH_KINDS && result == 0; i++) {
        ring_reset(arena.there);
        uint32_t batch = batches[i];
        result = pw_bench_thread_start(&thread, env->cores[1], events_take, &batch);
        if (result != 0) {
            return result;
        }
        start = pw_bench_ticks();
        events_put(batch);
        pthread_join(thread, NULL);
        results->across_per_s[i][round] = arena.event_cnt / seconds_since(start);
        result = others_round(results->other_across_per_s, i, env->cores[1], round);
    }
    return result;
}

static int round_run(const struct pw_bench_env *env, struct results *results, uint32_t round)
{
    results->array_per_s[round] = array_rate();
    for (int i = 0; i < BATCH_KINDS; i++) {
        results->fused_per_s[i][round] = fused_rate(batches[i]);
        int result = others_round(results->other_fused_per_s, i, -1, round);
        if (result != 0) {
            return result;
        }
    }
    if (env->core_cnt < 2) {
        return 0;
    }
    int result = trips_round(env, results, round);
    if (result == 0) {
        result = sends_round(env, results, round);
    }
    if (result == 0) {
        result = rates_round(env, results, round);
    }
    return result;
}

/* ---- report ---- */

static double ratio_of(const double *values, const double *baselines)
{
    return pw_bench_median_ratio(values, baselines, arena.round_cnt);
}

static void ratio_add(struct pw_bench_report *report, const char *id, const char *name, const char *baseline,
                      double ratio)
{
    struct pw_bench_value row = {.value = ratio};
    snprintf(row.id, sizeof row.id, "%s", id);
    snprintf(row.name, sizeof row.name, "%s", name);
    snprintf(row.of, sizeof row.of, "%s", baseline);
    pw_bench_add_ratio(report, &row);
}

/* Where events go, in ids and in names. */
struct where {
    const char *id, *name;
};
static const struct where across = {"cores", "across cores"}, inside = {"thread", "in one thread"};

static void rates_add(struct pw_bench_report *report, const struct where *where,
                      double rates[BATCH_KINDS][ROUNDS], double *baselines, const char *baseline)
{
    char baseline_id[PW_BENCH_ID_BYTES];
    for (int i = 0; i < BATCH_KINDS; i++) {
        char name[PW_BENCH_NAME_BYTES], id[PW_BENCH_ID_BYTES], ratio_id[PW_BENCH_ID_BYTES];
        snprintf(id, sizeof id, "ring_%s_%u", where->id, batches[i]);
        snprintf(ratio_id, sizeof ratio_id, "ring_%s_%u_speed_vs_plain", where->id, batches[i]);
        snprintf(name, sizeof name, "ring %s, batches of %u", where->name, batches[i]);
        ratio_add(report, ratio_id, name, baseline, ratio_of(rates[i], baselines));
        pw_bench_add_rate(report, id, name, pw_bench_median(rates[i], arena.round_cnt));
    }
    snprintf(baseline_id, sizeof baseline_id, "plain_%s", where->id);
    pw_bench_add_rate(report, baseline_id, baseline, pw_bench_median(baselines, arena.round_cnt));
}

/* Ours against each of theirs, batch by batch; throughput above both is the target. */
static void others_add(struct pw_bench_report *report, const struct where *where,
                       double ours[BATCH_KINDS][ROUNDS], double theirs[OTHERS_MAX][BATCH_KINDS][ROUNDS])
{
    for (uint32_t k = 0; others[k] != NULL; k++) {
        for (int i = 0; i < BATCH_KINDS; i++) {
            struct pw_bench_value row = {
                .value = ratio_of(ours[i], theirs[k][i]), .target = 1, .at_least = true};
            char id[PW_BENCH_ID_BYTES];
            snprintf(id, sizeof id, "%s_%s_%u", others[k]->id, where->id, batches[i]);
            snprintf(row.id, sizeof row.id, "ring_%s_%u_speed_vs_%s", where->id, batches[i], others[k]->id);
            snprintf(row.name, sizeof row.name, "ring %s, batches of %u", where->name, batches[i]);
            snprintf(row.of, sizeof row.of, "%s %s, batches of %u", others[k]->name, where->name, batches[i]);
            pw_bench_add_ratio(report, &row);
            pw_bench_add_rate(report, id, row.of, pw_bench_median(theirs[k][i], arena.round_cnt));
        }
    }
}

static void latencies_add(struct pw_bench_report *report, struct results *results)
{
    size_t trip_cnt = (size_t)arena.round_cnt * arena.trip_cnt;
    size_t send_cnt = (size_t)arena.round_cnt * arena.send_cnt;
    struct pw_bench_value hop = {.id = "ring_round_trip_duration_vs_line",
                                 .name = "ring round trip",
                                 .of = "cache line round trip",
                                 .value = ratio_of(results->ring_trip_ns, results->line_trip_ns),
                                 .target = 1.2};
    pw_bench_add_ratio(report, &hop);
    ratio_add(report, "ring_one_way_duration_vs_line", "ring one way", "cache line one way",
              ratio_of(results->ring_send_ns, results->line_send_ns));
    pw_bench_add_latency(report, "line_round_trip", "cache line round trip",
                         pw_bench_median(results->line_trip_ns, arena.round_cnt), results->line_trips,
                         trip_cnt);
    pw_bench_add_latency(report, "ring_round_trip", "ring round trip",
                         pw_bench_median(results->ring_trip_ns, arena.round_cnt), results->ring_trips,
                         trip_cnt);
    pw_bench_add_latency(report, "line_one_way", "cache line one way, with a clock read",
                         pw_bench_median(results->line_send_ns, arena.round_cnt), results->line_sends,
                         send_cnt);
    pw_bench_add_latency(report, "ring_one_way", "ring one way, with a clock read",
                         pw_bench_median(results->ring_send_ns, arena.round_cnt), results->ring_sends,
                         send_cnt);
}

static void report_fill(struct pw_bench_report *report, const struct pw_bench_env *env,
                        struct results *results)
{
    if (env->core_cnt >= 2) {
        latencies_add(report, results);
        rates_add(report, &across, results->across_per_s, results->block_per_s,
                  "lines across in blocks of 512");
        others_add(report, &across, results->across_per_s, results->other_across_per_s);
    } else {
        pw_bench_note(report, "across cores: skipped, it needs two cores (--cores)");
    }
    rates_add(report, &inside, results->fused_per_s, results->array_per_s, "array in one thread");
    others_add(report, &inside, results->fused_per_s, results->other_fused_per_s);
#ifndef PW_BENCH_BOOST
    pw_bench_note(report, "boost spsc_queue: not in this build (needs libboost-dev and a C++ compiler)");
#endif
#ifndef PW_BENCH_RTE_RING
    pw_bench_note(report, "DPDK rte_ring: not in this build (needs libdpdk-dev)");
#endif
}

static int results_make(struct results *results)
{
    results->line_trips = calloc(ROUNDS * (size_t)arena.trip_cnt, sizeof(double));
    results->ring_trips = calloc(ROUNDS * (size_t)arena.trip_cnt, sizeof(double));
    results->line_sends = calloc(ROUNDS * (size_t)arena.send_cnt, sizeof(double));
    results->ring_sends = calloc(ROUNDS * (size_t)arena.send_cnt, sizeof(double));
    arena.there = memory_take(pw_ring_bytes(SLOTS, 0));
    arena.back = memory_take(pw_ring_bytes(SLOTS, 0));
    arena.lines = memory_take(SLOTS * sizeof *arena.lines);
    return results->line_trips != NULL && results->ring_trips != NULL && results->line_sends != NULL &&
                   results->ring_sends != NULL && arena.there != NULL && arena.back != NULL &&
                   arena.lines != NULL
               ? 0
               : -ENOMEM;
}

static void results_free(struct results *results)
{
    free(results->line_trips);
    free(results->ring_trips);
    free(results->line_sends);
    free(results->ring_sends);
    free(arena.there);
    free(arena.back);
    free(arena.lines);
}

static int ring_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    static struct results results;
    arena.round_cnt = env->quick ? 1 : ROUNDS;
    arena.trip_cnt = env->quick ? TRIP_BLOCK : TRIPS;
    arena.send_cnt = env->quick ? TRIP_BLOCK : SENDS;
    arena.event_cnt = (env->quick ? EVENTS / 100 : EVENTS) / SLOTS * SLOTS;
    int result = results_make(&results);
    if (result == 0) {
        result = pw_bench_core_bind(env->cores[0]);
    }
    if (result == 0) {
        result = round_run(env, &results, 0); /* warms up; the first round overwrites it */
    }
    for (uint32_t round = 0; round < arena.round_cnt && result == 0; round++) {
        result = round_run(env, &results, round);
    }
    if (result == 0) {
        report_fill(report, env, &results);
    } else {
        snprintf(report->note, sizeof report->note, "no memory, or cores %d and %d cannot be used",
                 env->cores[0], env->cores[1]);
    }
    results_free(&results);
    return result;
}

const struct pw_bench pw_bench_ring = {
    .name = "ring",
    .what = "pass 64-byte events through a ring of 1024 slots, in one thread and across cores",
    .run = ring_run,
};
