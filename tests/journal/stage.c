/* SPDX-License-Identifier: MIT
 *
 * The journal's stage in a workspace of its own: what it stores, what its metrics show, what it does when the
 * store fails. Time is the test's.
 */
#include "feeds.h"
#include "journal_config.h"
#include "journal_rig.h"
#include "memory_store.h"
#include "metrics_table.h"
#include "stages.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS    INT64_C(1000000)
#define SLOTS 1024u

struct rig {
    struct pw_workspace ws;
    struct pw_config *config;
    struct pw_topology topology;
    struct pw_journal_attachment attachment;
    struct pw_stage_env env;
    struct pw_producer market, orders, wire;
    void *state;
    int64_t now_ns;
};

static int64_t rig_now(void *state)
{
    return *(int64_t *)state;
}

static const struct pw_ring_row rings[] = {
    {PW_RING_MARKET_JOURNAL, "parse", "journal", .slots = SLOTS},
    {PW_RING_ORDERS_JOURNAL, "execution", "journal", .slots = SLOTS},
    {PW_RING_WIRE_JOURNAL, "execution", "journal", "_frames", .slots = SLOTS, .payload_bytes = 1 << 21},
};

static struct rig the_rig;

static struct pw_ring *ring(enum pw_ring_role role)
{
    return pw_topology_ring_in(&the_rig.topology, &the_rig.ws, role, 0);
}

static const struct pw_section *const sections[] = {&pw_journal_section, &pw_feeds_section};

static struct rig *rig_new(const struct pw_store *store)
{
    char error[256] = "", dir[64];
    strcpy(dir, live_dir());
    setenv("PINWHEEL_SHM_DIR", dir, 1);
    struct pw_region_want want[5] = {
        {.kind = PW_REGION_METRICS, .row_cnt = PW_METRIC_CNT, .row_bytes = sizeof(struct pw_metric_row)},
        {.kind = PW_REGION_STOP, .row_cnt = 1, .row_bytes = sizeof(struct pw_stop)}};
    strcpy(want[0].name, "metrics");
    strcpy(want[1].name, "stop");
    the_rig.topology = (struct pw_topology){0};
    pw_topology_add_end(&the_rig.topology, "parse", 0);
    pw_topology_add_end(&the_rig.topology, "execution", 0);
    uint32_t journal = pw_topology_add(&the_rig.topology, &pw_journal_stage, 0);
    pw_topology_connect(&the_rig.topology, rings, sizeof rings / sizeof *rings, NULL);
    cr_assert_eq(pw_topology_want(&the_rig.topology, want, 2), 5);
    cr_assert_eq(pw_workspace_create(&the_rig.ws, "test", want, 5, false, error, sizeof error), 0, "%s",
                 error);
    pw_metrics_fill(pw_workspace_rows(&the_rig.ws, "metrics", PW_REGION_METRICS));
    the_rig.config = pw_config_create(sections, 2);
    PW_CONFIG_EDIT(the_rig.config, journal)->commit_interval_ms = 100;
    PW_CONFIG_EDIT(the_rig.config, journal)->segment_bytes = PW_SEGMENT_BYTES_MIN;
    strcpy(PW_CONFIG_EDIT(the_rig.config, journal)->path, "here");
    the_rig.now_ns = LIVE_EPOCH_NS;
    the_rig.attachment = (struct pw_journal_attachment){.store = store, .run_id = 1};
    the_rig.env = (struct pw_stage_env){.stage = "journal",
                                        .topology = &the_rig.topology,
                                        .stage_idx = journal,
                                        .config = the_rig.config,
                                        .ws = &the_rig.ws,
                                        .clock = {.now_ns = rig_now, .state = &the_rig.now_ns},
                                        .attachment = &the_rig.attachment};
    pw_producer_attach(&the_rig.market, ring(PW_RING_MARKET_JOURNAL));
    pw_producer_attach(&the_rig.orders, ring(PW_RING_ORDERS_JOURNAL));
    pw_producer_attach(&the_rig.wire, ring(PW_RING_WIRE_JOURNAL));
    the_rig.state = aligned_alloc(64, (pw_journal_stage.state_bytes(&the_rig.env) + 63) / 64 * 64);
    memset(the_rig.state, 0, pw_journal_stage.state_bytes(&the_rig.env));
    cr_assert_eq(pw_journal_stage.init(the_rig.state, &the_rig.env), 0);
    return &the_rig;
}

static void rig_free(struct rig *rig)
{
    pw_workspace_close(&rig->ws, true);
    rmdir(getenv("PINWHEEL_SHM_DIR"));
    free(rig->state);
    pw_config_destroy(rig->config);
}

static void put(struct rig *rig, uint64_t from, uint64_t cnt)
{
    for (uint64_t i = from; i < from + cnt; i++) {
        struct pw_event event = live_event(i);
        pw_producer_put(&rig->market, &event);
    }
    pw_producer_publish(&rig->market);
}

/* Polls until nothing is pending, a millisecond a poll. */
static void settle(struct rig *rig)
{
    for (int i = 0; pw_journal_stage.pending(rig->state); i++) {
        cr_assert_lt(i, 1000, "it stays pending");
        rig->now_ns += MS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
    }
}

/* What execution reads before every order. */
static bool is_unrecorded(struct rig *rig)
{
    const struct pw_region *region = pw_workspace_find(&rig->ws, "stop", PW_REGION_STOP);
    const struct pw_stop *stop = pw_region_at(&rig->ws, region, 0);
    return atomic_load(&stop->unrecorded) != 0;
}

static uint64_t metric(struct rig *rig, const char *name)
{
    pw_journal_stage.housekeep(rig->state, rig->now_ns);
    return pw_metrics_find(rig->env.ws, "journal", name)->value;
}

Test(stage, stores_what_comes_and_ends_the_run_cleanly)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    static struct pw_event events[1024];
    struct rig *rig = rig_new(&store);
    cr_expect_not(pw_journal_stage.pending(rig->state));
    cr_expect_eq(pw_journal_stage.next_ns(rig->state), INT64_MAX);
    put(rig, 0, 300);
    pw_producer_put(&rig->orders, &(struct pw_event){.kind = PW_EVENT_SIGNAL, .body.signal.market_seq = 99});
    pw_producer_publish(&rig->orders);
    cr_expect(pw_journal_stage.pending(rig->state));
    cr_expect_eq(metric(rig, "lag_events"), 301);
    cr_expect_lt(pw_journal_stage.next_ns(rig->state), INT64_MAX);
    settle(rig);
    cr_expect_eq(metric(rig, "lag_events"), 0);
    cr_expect_eq(metric(rig, "events"), 301);
    cr_expect_eq(metric(rig, "bytes_raw"), 301 * sizeof(struct pw_event));
    cr_expect_gt(metric(rig, "bytes_stored"), 1000);
    cr_expect_gt(metric(rig, "commits"), 0);
    pw_journal_stage.fini(rig->state);
    cr_expect_eq(memory->end_cnt, 1);
    cr_expect(memory->clean);
    cr_assert_eq(memory_store_events(memory, PW_BLOCK_EVENTS, events, 1024), 301);
    cr_expect_eq(events[100].kind, PW_EVENT_SIGNAL);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

Test(stage, what_is_left_in_the_rings_is_stored_at_the_end)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    put(rig, 0, 500);
    pw_producer_put(&rig->orders,
                    &(struct pw_event){.kind = PW_EVENT_TIME}); /* nothing follows it any more */
    pw_producer_publish(&rig->orders);
    pw_journal_stage.fini(rig->state);
    cr_expect(memory->clean);
    cr_expect_eq(memory_store_events(memory, PW_BLOCK_EVENTS, NULL, 0), 501);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

Test(stage, failed_commit_fails_the_stage_and_shows)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    memory->commit_error = -EIO;
    memory->error_cnt = 1;
    put(rig, 0, SLOTS);
    struct pw_poll did = {0};
    for (int i = 0; i < 10 && !did.failed; i++) {
        rig->now_ns += 100 * MS;
        did = pw_journal_stage.poll(rig->state, rig->now_ns);
    }
    cr_expect(did.failed);
    cr_expect_eq(metric(rig, "stopped"), PW_WRITER_FAILED);
    cr_expect(is_unrecorded(rig));
    cr_expect_eq(metric(rig, "sync_errors"), 1);
    cr_expect_not(pw_journal_stage.pending(rig->state));
    pw_journal_stage.fini(rig->state);
    cr_expect_eq(memory->commit_cnt, 1, "never again");
    cr_expect_not(memory->clean);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

/* cases/15-disk-full-until-the-end; newcomer.md, 15: orders stop at once, not when a ring is full */
Test(stage, full_disk_shows_within_a_second_and_ends_when_there_is_room)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    memory->commit_error = memory->rotate_error = -ENOSPC;
    memory->error_cnt = 3;
    put(rig, 0, 100);
    int64_t from_ns = rig->now_ns;
    while (metric(rig, "stopped") == 0) {
        rig->now_ns += MS;
        cr_assert_lt(rig->now_ns - from_ns, 1000 * MS);
        pw_journal_stage.poll(rig->state, rig->now_ns);
    }
    cr_expect_eq(metric(rig, "stopped"), PW_WRITER_FULL);
    cr_expect_eq(metric(rig, "storage_full"), 1);
    cr_expect(is_unrecorded(rig));
    cr_expect_eq(memory->note_cnt, 1, "the run's record says so, should it be killed");
    cr_expect_eq(memory->stopped_ns, rig->now_ns);
    cr_expect_eq(memory->loss.market_cnt, 100);
    put(rig, 100, 100);
    cr_expect_eq(pw_journal_stage.poll(rig->state, rig->now_ns).work, 100);
    cr_expect_eq(metric(rig, "lag_events"), 0, "into memory");
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(is_unrecorded(rig), i < 3);
        rig->now_ns += PW_WRITER_RETRY_NS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
    }
    cr_expect_eq(metric(rig, "stopped"), PW_WRITER_OK);
    cr_expect_geq(metric(rig, "lag_max_ns"), (uint64_t)(2 * PW_WRITER_RETRY_NS));
    cr_expect_eq(memory->stopped_ns, 0);
    settle(rig);
    pw_journal_stage.fini(rig->state);
    cr_expect_eq(memory_store_events(memory, PW_BLOCK_EVENTS, NULL, 0), 200);
    cr_expect(memory->clean);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

/* cases/15-disk-full-until-the-end: once there is room again, what still waits in memory and rings is not
 * lost, what execution found no room for is. */
Test(stage, after_a_full_disk_the_record_has_only_what_is_lost_for_good)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    memory->commit_error = memory->rotate_error = -ENOSPC;
    memory->error_cnt = 1;
    put(rig, 0, 100);
    rig->now_ns += 100 * MS;
    pw_journal_stage.poll(rig->state, rig->now_ns);
    cr_assert_eq(memory->loss.market_cnt, 100);
    /* Not worked through by execution yet, so left in its ring. */
    pw_producer_put(&rig->orders,
                    &(struct pw_event){.kind = PW_EVENT_ORDER,
                                       .body.order = {.market_seq = 300, .state = PW_ORDER_IN_FLIGHT}});
    pw_producer_publish(&rig->orders);
    pw_count(&rig->orders.ring->dropped_cnt, 7);
    rig->now_ns += PW_WRITER_RETRY_NS;
    pw_journal_stage.poll(rig->state, rig->now_ns);
    cr_assert_eq(metric(rig, "stopped"), PW_WRITER_OK);
    cr_assert_gt(metric(rig, "lag_events"), 0);
    cr_expect_eq(memory->skipped_cnt, 7, "with the commit that made the rest durable");
    cr_expect_eq(memory->stopped_ns, 0);
    cr_expect_eq(memory->loss.market_cnt, 0);
    cr_expect_eq(memory->loss.order_cnt, 0);
    cr_expect_eq(memory->loss.other_cnt, 7);
    uint32_t note_cnt = memory->note_cnt;
    for (int i = 0; i < 3; i++) {
        rig->now_ns += 10 * PW_WRITER_RETRY_NS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
    }
    cr_expect_eq(memory->note_cnt, note_cnt, "there is nothing new to say");
    pw_count(&rig->orders.ring->dropped_cnt, 1);
    pw_journal_stage.poll(rig->state, rig->now_ns);
    cr_expect_eq(memory->loss.other_cnt, 8, "a slow disk may cost decisions, too");
    pw_journal_stage.fini(rig->state);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

Test(stage, without_a_journal_it_idles)
{
    struct rig *rig = rig_new(NULL);
    put(rig, 0, 10);
    cr_expect_eq(pw_journal_stage.poll(rig->state, rig->now_ns).work, 0);
    cr_expect_eq(pw_journal_stage.next_ns(rig->state), INT64_MAX);
    cr_expect_not(pw_journal_stage.pending(rig->state));
    pw_journal_stage.housekeep(rig->state, rig->now_ns);
    pw_journal_stage.fini(rig->state);
    rig_free(rig);
}

static void put_message(struct rig *rig, uint32_t bytes)
{
    struct pw_event frame = {.kind = PW_EVENT_FRAME, .flags = PW_FLAG_SENT};
    uint8_t *payload = pw_producer_payload_claim(&rig->wire, bytes);
    cr_assert_not_null(payload);
    memset(payload, 'x', bytes);
    pw_producer_put_frame(&rig->wire, &frame, bytes);
    pw_producer_publish(&rig->wire);
}

/* A commit that fits no segment would be a failure for good. */
Test(stage, messages_that_might_not_fit_a_segment_are_dropped)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    put_message(rig, 480 << 10);
    settle(rig);
    cr_expect_eq(metric(rig, "dropped"), 0);
    put_message(rig, 481 << 10);
    settle(rig);
    cr_expect_eq(metric(rig, "dropped"), 1);
    cr_expect_eq(memory_store_events(memory, PW_BLOCK_FRAMES, NULL, 0), 1);
    pw_journal_stage.fini(rig->state);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

/* Whatever the feeds' messages may be: the longest that the ring takes is kept. */
Test(stage, stores_the_messages_of_order_entry)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    struct pw_event kept;
    put_message(rig, 1 << 15);
    cr_expect(pw_journal_stage.pending(rig->state));
    settle(rig);
    cr_expect_eq(memory_store_events(memory, PW_BLOCK_FRAMES, &kept, 1), 1);
    cr_expect_eq(kept.body.frame.payload_bytes, 1 << 15);
    cr_expect_eq(metric(rig, "dropped"), 0);
    pw_journal_stage.fini(rig->state);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

/* cases/15-disk-full-until-the-end: what was lost is in the run's record, by what it is. */
Test(stage, full_disk_until_the_end_is_told_with_what_it_cost)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    put(rig, 0, 10);
    settle(rig);
    memory->commit_error = memory->rotate_error = -ENOSPC;
    memory->error_cnt = 1000;
    int64_t stopped_ns = 0;
    for (int i = 0; i < 100; i++) {
        put(rig, 10 + (uint64_t)i * 10, 10);
        pw_producer_put(&rig->orders,
                        &(struct pw_event){.kind = PW_EVENT_ORDER,
                                           .body.order = {.market_seq = 5, .state = PW_ORDER_IN_FLIGHT}});
        pw_producer_put(&rig->orders, &(struct pw_event){.kind = PW_EVENT_FILL});
        pw_producer_publish(&rig->orders);
        rig->now_ns += 100 * MS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
        stopped_ns = stopped_ns == 0 && is_unrecorded(rig) ? rig->now_ns : stopped_ns;
    }
    cr_expect_leq(memory->note_cnt, 10, "at growing intervals");
    cr_expect_gt(memory->loss.fill_cnt, 50, "a kill now would not hide it");
    cr_expect_not(pw_journal_stage.pending(rig->state), "there is nothing to wait for");
    pw_journal_stage.fini(rig->state);
    cr_expect_eq(memory->end_cnt, 1);
    cr_expect_not(memory->clean);
    cr_expect_eq(memory->stopped_ns, stopped_ns);
    cr_expect_eq(memory->loss.market_cnt, 1000);
    cr_expect_eq(memory->loss.order_cnt, 100);
    cr_expect_eq(memory->loss.fill_cnt, 100);
    cr_expect_eq(memory->loss.other_cnt, 0);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

/* A disk that has room again just before the end. */
Test(stage, full_disk_is_tried_once_more_at_the_end)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    memory->commit_error = memory->rotate_error = -ENOSPC;
    memory->error_cnt = 1;
    put(rig, 0, 100);
    rig->now_ns += 100 * MS;
    pw_journal_stage.poll(rig->state, rig->now_ns);
    cr_assert(is_unrecorded(rig));
    pw_journal_stage.fini(rig->state);
    cr_expect(memory->clean);
    cr_expect_eq(memory->stopped_ns, 0);
    cr_expect_eq(memory->loss.market_cnt, 0);
    cr_expect_eq(memory_store_events(memory, PW_BLOCK_EVENTS, NULL, 0), 100);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}

/* The log, while a test looks at it. */
static uint32_t g_warn_cnt, g_info_cnt;

static void count_warnings(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)times;
    (void)state, (void)text;
    g_warn_cnt += level == PW_LOG_WARN;
    g_info_cnt += level == PW_LOG_INFO;
}

/* cases/14-slow-disk-loses-more-than-the-interval: a poll that comes late is a lag, too: told once, and once
 * when it is over. */
Test(stage, lag_beyond_the_interval_is_told_once_and_once_when_it_is_over)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    struct pw_store store = memory_store_of(memory);
    struct rig *rig = rig_new(&store);
    pw_log_set_sink(count_warnings, NULL);
    uint64_t n = 0;
    for (int ms = 0; ms < 1000; ms++, n++) {
        put(rig, n, 1);
        rig->now_ns += MS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
        cr_assert_leq(metric(rig, "lag_ns"), 100 * MS);
    }
    cr_expect_eq(g_warn_cnt, 0);
    for (int i = 0; i < 20; i++, n++) { /* starved */
        put(rig, n, 1);
        rig->now_ns += 300 * MS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
        cr_assert_eq(g_warn_cnt, 1, "poll %d", i);
    }
    cr_expect_geq(metric(rig, "lag_max_ns"), 300 * MS);
    for (int ms = 0; ms < 5000; ms++, n++) {
        put(rig, n, 1);
        rig->now_ns += MS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
        cr_assert_eq(g_info_cnt, ms < 2000 - 2 ? 0 : ms < 2000 + 2 ? g_info_cnt : 1, "ms %d", ms);
    }
    for (int again = 0; again < 5; again++) { /* what recurs is counted, and told later as one line */
        put(rig, n++, 1);
        rig->now_ns += 300 * MS;
        pw_journal_stage.poll(rig->state, rig->now_ns);
        for (int ms = 0; ms < 2100; ms++, n++) {
            put(rig, n, 1);
            rig->now_ns += MS;
            pw_journal_stage.poll(rig->state, rig->now_ns);
        }
    }
    cr_expect_eq(g_warn_cnt, 1);
    cr_expect_eq(g_info_cnt, 1);
    pw_log_set_sink(NULL, NULL);
    pw_journal_stage.fini(rig->state);
    memory_store_free(memory);
    free(memory);
    rig_free(rig);
}
