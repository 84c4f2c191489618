/* SPDX-License-Identifier: MIT
 *
 * The parse stage on real rings of a real workspace, in one thread: order, numbers, full rings, what is lost
 * and what is said of it. The test is net_rx, strategy, journal and housekeeping.
 */
#include "binance_events.h"
#include "binance_rest.h"
#include "journal_config.h"
#include "live_topology.h"
#include "metrics_table.h"
#include "rules.h"
#include "sections.h"
#include "stages.h"

#include "guard.h"
#include "shared.h"
#include <criterion/criterion.h>
#include <pinwheel/histogram.h>
#include <pinwheel/stamps.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_BYTES (1u << 20)

/* What parse is given, and everything around it. */
struct rig {
    struct pw_config *config;
    struct pw_workspace ws;
    struct pw_topology topology;
    struct pw_stage_env env;
    struct pw_instrument *instruments;
    void *state;
    struct pw_producer frames, snapshots;
    struct pw_consumer market, journal, raw_frames, requests;
    int64_t now_ns, clock_ns, kernel_ns, decrypted_ns, since_ns;
    uint64_t seed;
};

struct options {
    uint32_t market_slots, journal_slots; /* 0: 64; no journal with no_journal */
    bool no_journal, journal_stalls, raw_frames;
    uint32_t max_age_ms; /* of a live account at all feeds; 0: paper */
};

static void want(struct pw_region_want *row, const char *name, enum pw_region_kind kind, uint32_t cnt,
                 uint32_t bytes)
{
    snprintf(row->name, sizeof row->name, "%s", name);
    row->kind = kind;
    row->row_cnt = cnt;
    row->row_bytes = bytes;
}

static void size_ring(struct rig *rig, enum pw_ring_role role, uint32_t slots, uint64_t payload_bytes)
{
    struct pw_topology_ring *ring = pw_topology_ring(&rig->topology, role, 0);
    if (ring != NULL) {
        ring->slots = slots != 0 ? slots : PW_RING_SLOTS_MIN;
        ring->payload_bytes = payload_bytes;
        ring->policy = PW_RING_STALL;
    }
}

/* The live engine's rings between parse and those that the test stands for. */
static void fill_topology(struct rig *rig, const struct options *options)
{
    struct pw_config_journal *journal = PW_CONFIG_EDIT(rig->config, journal);
    static const char *const ends[] = {"net_rx", "strategy", "housekeeping", "journal"};
    journal->enabled = !options->no_journal;
    journal->raw_frames = options->raw_frames;
    pw_topology_add(&rig->topology, &pw_parse_stage, 0);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        pw_topology_add_end(&rig->topology, ends[i], 0);
    }
    pw_live_connect(&rig->topology, rig->config);
    size_ring(rig, PW_RING_FRAMES, 256, FRAMES_BYTES);
    size_ring(rig, PW_RING_SNAPSHOTS, 0, 0);
    size_ring(rig, PW_RING_MARKET, options->market_slots, 0);
    size_ring(rig, PW_RING_PARSE_REQUESTS, 0, 0);
    size_ring(rig, PW_RING_MARKET_JOURNAL, options->journal_slots, 0);
    size_ring(rig, PW_RING_FRAMES_JOURNAL, 0, 1u << 16);
}

static void create_workspace(struct rig *rig, const struct options *options)
{
    static struct pw_region_want rows[PW_REGIONS_MAX];
    memset(rows, 0, sizeof rows);
    char error[256], instance[PW_INSTANCE_BYTES];
    uint32_t cnt = 0;
    want(&rows[cnt++], "metrics", PW_REGION_METRICS, PW_METRIC_CNT, sizeof(struct pw_metric_row));
    want(&rows[cnt++], "feeds", PW_REGION_FEEDS, 2, sizeof(struct pw_feed_view));
    want(&rows[cnt++], "instruments", PW_REGION_INSTRUMENTS, 3, sizeof(struct pw_instrument));
    want(&rows[cnt++], "hop.recv_to_parse", PW_REGION_HISTOGRAM, 1, sizeof(struct pw_histogram));
    want(&rows[cnt++], "stamps.market", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
    fill_topology(rig, options);
    cnt = pw_topology_want(&rig->topology, rows, cnt);
    setenv("PINWHEEL_SHM_DIR", "/tmp", 1);
    snprintf(instance, sizeof instance, "parse-%d", (int)getpid());
    int result = pw_workspace_create(&rig->ws, instance, rows, cnt, false, error, sizeof error);
    cr_assert_eq(result, 0, "%s", error);
    pw_metrics_fill(pw_workspace_rows(&rig->ws, "metrics", PW_REGION_METRICS));
}

static struct pw_ring *ring(const struct rig *rig, enum pw_ring_role role)
{
    return pw_topology_ring_in(&rig->topology, &rig->ws, role, 0);
}

static int64_t rig_clock(void *state)
{
    return ((struct rig *)state)->clock_ns;
}

static void attach(struct rig *rig, const struct options *options)
{
    pw_producer_attach(&rig->frames, ring(rig, PW_RING_FRAMES));
    pw_producer_attach(&rig->snapshots, ring(rig, PW_RING_SNAPSHOTS));
    pw_consumer_attach(&rig->market, ring(rig, PW_RING_MARKET));
    pw_consumer_attach(&rig->requests, ring(rig, PW_RING_PARSE_REQUESTS));
    if (!options->no_journal) {
        pw_consumer_attach(&rig->journal, ring(rig, PW_RING_MARKET_JOURNAL));
    }
    if (options->raw_frames) {
        pw_consumer_attach(&rig->raw_frames, ring(rig, PW_RING_FRAMES_JOURNAL));
    }
}

static void fill_config(struct rig *rig, const struct options *options)
{
    struct pw_config *config = rig->config;
    struct pw_config_feeds *feeds = PW_CONFIG_EDIT(config, feeds);
    feeds->feed_cnt = 2;
    PW_CONFIG_EDIT(config, journal)->market_stall = options->journal_stalls;
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(feeds->feeds[i].name, sizeof feeds->feeds[i].name, "feed%u", i);
        snprintf(feeds->feeds[i].venue, sizeof feeds->feeds[i].venue,
                 i == 0 ? "binance_spot" : "binance_usdm");
        feeds->feeds[i].snapshot_limit = 5000;
        feeds->feeds[i].message_bytes_max = 1 << 20;
    }
    if (options->max_age_ms != 0) {
        snprintf(PW_CONFIG_EDIT(config, gateway)->kind, sizeof PW_CONFIG_EDIT(config, gateway)->kind, "live");
        PW_CONFIG_EDIT(config, live)->max_tick_age_ms = options->max_age_ms;
    }
    rig->instruments = pw_workspace_rows(&rig->ws, "instruments", PW_REGION_INSTRUMENTS);
    snprintf(rig->instruments[0].symbol, PW_SYMBOL_BYTES, "BTCUSDT");
    snprintf(rig->instruments[1].symbol, PW_SYMBOL_BYTES, "BNBBTC");
    snprintf(rig->instruments[2].symbol, PW_SYMBOL_BYTES, "BTCUSDT");
    rig->instruments[2].feed_idx = 1;
}

static struct rig *rig_open(const struct options *options)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->config = pw_app_config_create();
    rig->seed = 11;
    create_workspace(rig, options);
    fill_config(rig, options);
    attach(rig, options);
    rig->env = (struct pw_stage_env){.stage = "parse",
                                     .topology = &rig->topology,
                                     .stage_idx = pw_topology_stage(&rig->topology, "parse"),
                                     .clock = {rig_clock, rig},
                                     .config = rig->config,
                                     .ws = &rig->ws,
                                     .instruments = rig->instruments,
                                     .instrument_cnt = 3};
    size_t bytes = (pw_parse_stage.state_bytes(&rig->env) + 63) / 64 * 64;
    rig->state = aligned_alloc(64, bytes);
    memset(rig->state, 0, bytes);
    cr_assert_eq(pw_parse_stage.init(rig->state, &rig->env), 0);
    return rig;
}

static void rig_close(struct rig *rig)
{
    pw_parse_stage.fini(rig->state);
    pw_workspace_close(&rig->ws, true);
    free(rig->state);
    pw_config_destroy(rig->config);
    free(rig);
}

/* False: no room. */
static bool put_frame(struct rig *rig, uint32_t feed_idx, const char *text, size_t size)
{
    uint8_t *payload = pw_producer_room(&rig->frames, 1) >= 1
                           ? pw_producer_payload_claim(&rig->frames, (uint32_t)size)
                           : NULL;
    if (payload == NULL) {
        return false;
    }
    struct pw_event event = {
        .kind = PW_EVENT_FRAME, .instrument_idx = PW_NO_INSTRUMENT, .recv_ns = ++rig->now_ns};
    event.body.frame.feed_idx = feed_idx;
    event.venue_ns = rig->since_ns;
    event.body.frame.kernel_ns = rig->kernel_ns;
    event.body.frame.decrypted_ns = rig->decrypted_ns;
    memcpy(payload, text, size);
    pw_producer_put_frame(&rig->frames, &event, (uint32_t)size);
    pw_producer_publish(&rig->frames);
    return true;
}

static void put_text(struct rig *rig, uint32_t feed_idx, const char *text)
{
    cr_assert(put_frame(rig, feed_idx, text, strlen(text)));
}

static void put_notice(struct rig *rig, uint32_t feed_idx, enum pw_feed_state state, enum pw_reason reason)
{
    struct pw_event event = {
        .kind = PW_EVENT_FRAME, .instrument_idx = PW_NO_INSTRUMENT, .recv_ns = ++rig->now_ns};
    event.body.frame.feed_idx = feed_idx;
    event.body.frame.state = state;
    event.body.frame.reason = reason;
    pw_producer_put_frame(&rig->frames, &event, 0);
    pw_producer_publish(&rig->frames);
}

static struct pw_poll poll_once(struct rig *rig)
{
    return pw_parse_stage.poll(rig->state, rig->now_ns + 100);
}

static bool take(struct pw_consumer *from, struct pw_event *out)
{
    if (pw_consumer_peek(from, 1) == 0) {
        return false;
    }
    *out = *pw_consumer_at(from, 0);
    pw_consumer_done(from, 1);
    return true;
}

static struct pw_event next_market(struct rig *rig, enum pw_event_kind kind)
{
    struct pw_event event;
    cr_assert(take(&rig->market, &event), "nothing came; expected kind %d", kind);
    cr_assert_eq(event.kind, kind, "kind %u, not %d", event.kind, kind);
    return event;
}

static uint64_t metric(struct rig *rig, const char *name)
{
    pw_parse_stage.housekeep(rig->state, rig->now_ns);
    const struct pw_metric_row *row = pw_metrics_find(rig->env.ws, "parse", name);
    cr_assert_not_null(row, "%s", name);
    return atomic_load(&row->value);
}

static struct pw_feed_view *feed_view(struct rig *rig, uint32_t feed_idx)
{
    return pw_region_at(&rig->ws, pw_workspace_find(&rig->ws, "feeds", PW_REGION_FEEDS), feed_idx);
}

#define QUOTE(u) "{\"u\":" #u ",\"s\":\"BTCUSDT\",\"b\":\"2\",\"B\":\"1\",\"a\":\"3\",\"A\":\"1\"}"
#define DEPTH(U, u, levels)                                                                                  \
    "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":" #U ",\"u\":" #u ",\"b\":[" levels "],\"a\":[]" \
    "}"

static bool stamp_of(const struct rig *rig, uint64_t market_seq, struct pw_stamp *stamp)
{
    const struct pw_region *region = pw_workspace_find(&rig->ws, "stamps.market", PW_REGION_STAMPS);
    return pw_stamp_get(pw_region_at(&rig->ws, region, 0), market_seq, stamp);
}

Test(parse, each_event_that_a_strategy_may_act_on_gets_its_messages_stamps)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_stamp stamp;
    put_text(rig, 0, QUOTE(1));
    rig->clock_ns = 5000;
    poll_once(rig);
    cr_assert(stamp_of(rig, 0, &stamp));
    cr_expect_eq(stamp.ns[PW_STAMP_KERNEL], 0, "not known");
    cr_expect_eq(stamp.ns[PW_STAMP_DECODED], 5000);
    cr_expect_not(stamp_of(rig, 1, &stamp));
    rig->kernel_ns = 6001;
    rig->decrypted_ns = 6002;
    rig->clock_ns = 6003;
    put_text(rig, 0, QUOTE(2));
    poll_once(rig);
    cr_assert(stamp_of(rig, 1, &stamp));
    cr_expect_eq(stamp.ns[PW_STAMP_KERNEL], 6001);
    cr_expect_eq(stamp.ns[PW_STAMP_DECRYPTED], 6002);
    cr_expect_eq(stamp.ns[PW_STAMP_DECODED], 6003);
    cr_assert(stamp_of(rig, 0, &stamp), "the first one's is still there");
    rig_close(rig);
}

/* cases/23-kernel-stamp-after-a-stall: net_rx on another core has received it after this pass began. */
Test(parse, a_hop_lasts_no_negative_time)
{
    struct rig *rig = rig_open(&(struct options){0});
    const struct pw_histogram *hop = pw_env_histogram(&rig->env, "hop.recv_to_parse");
    rig->now_ns = 10000;
    put_text(rig, 0, QUOTE(1)); /* received at 10001 */
    rig->clock_ns = 10071;
    pw_parse_stage.poll(rig->state, 9000);
    cr_expect_eq(atomic_load(&hop->negative_cnt), 0);
    cr_expect_eq(atomic_load(&hop->count), 1);
    cr_expect_eq(atomic_load(&hop->sum_ns), 70, "as the clock says, then");
    put_text(rig, 0, QUOTE(2));
    rig->clock_ns = 9999; /* two processors' clocks may differ by some nanoseconds */
    pw_parse_stage.poll(rig->state, 9998);
    cr_expect_eq(atomic_load(&hop->negative_cnt), 0);
    cr_expect_eq(atomic_load(&hop->sum_ns), 70);
    rig_close(rig);
}

/* ---- how late it comes ---- */

enum { AGE_QUOTE, AGE_TRADE, AGE_DEPTH, AGE_USDM_QUOTE, AGE_KINDS };

/* A message received now that the venue sent so long ago. */
static void put_aged(struct rig *rig, int kind, int64_t ago_ns)
{
    char text[512];
    static uint64_t number = 100;
    long long sent_ms = (rig->now_ns + 1 - ago_ns) / 1000000;
    static const char *const forms[] = {
        [AGE_QUOTE] = "{\"u\":%llu,\"s\":\"BTCUSDT\",\"b\":\"2\",\"B\":\"1\",\"a\":\"3\",\"A\":\"1\"}",
        [AGE_TRADE] =
            "{\"e\":\"trade\",\"E\":%lld,\"s\":\"BTCUSDT\",\"t\":%llu,\"p\":\"2\",\"q\":\"1\",\"T\":%lld,"
            "\"m\":false,\"M\":true}",
        [AGE_DEPTH] =
            "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\",\"U\":%llu,\"u\":%llu,\"b\":[[\"2\",\"1\"]],"
            "\"a\":[]}",
        [AGE_USDM_QUOTE] =
            "{\"e\":\"bookTicker\",\"u\":%llu,\"s\":\"BTCUSDT\",\"b\":\"2\",\"B\":\"1\",\"a\":\"3\",\"A\":"
            "\"1\",\"T\":%lld,\"E\":%lld}",
    };
    unsigned long long nth = number++;
    switch (kind) {
    case AGE_QUOTE:
        snprintf(text, sizeof text, forms[kind], nth);
        break;
    case AGE_TRADE:
        snprintf(text, sizeof text, forms[kind], sent_ms, nth, sent_ms);
        break;
    case AGE_DEPTH:
        snprintf(text, sizeof text, forms[kind], sent_ms, nth, nth);
        break;
    default:
        snprintf(text, sizeof text, forms[kind], nth, sent_ms, sent_ms);
        break;
    }
    put_text(rig, kind == AGE_USDM_QUOTE ? 1 : 0, text);
    poll_once(rig);
}

/* What the feed was last said to lag, once all that is in the ring is taken; -1: nothing was said. */
static int64_t lag_told(struct rig *rig)
{
    struct pw_event event;
    int64_t lag_ns = -1;
    while (take(&rig->market, &event)) {
        if (event.kind == PW_EVENT_FEED_STATE) {
            cr_expect_eq(event.body.state.state, PW_FEED_UP);
            cr_expect_eq(event.body.state.reason, event.body.state.lag_ns ? PW_REASON_STALE : PW_REASON_NONE);
            lag_ns = event.body.state.lag_ns;
        }
    }
    return lag_ns;
}

#define RIG_SEC INT64_C(1000000000)

static void age_rig_pass(struct rig *rig, int64_t ns)
{
    rig->since_ns = rig->now_ns;
    rig->now_ns += ns;
}

/* cases/01-freeze-then-stale-orders: the notice stands before the message that it is about, of each kind. */
Test(parse, what_comes_late_says_so_in_front)
{
    for (int kind = 0; kind < AGE_KINDS; kind++) {
        struct rig *rig = rig_open(&(struct options){.max_age_ms = 1000, .no_journal = true});
        rig->now_ns = 1700000000 * RIG_SEC;
        for (int i = 0; i < 200; i++) {
            age_rig_pass(rig, 1000000);
            put_aged(rig, kind, 0);
            cr_assert_eq(lag_told(rig), -1, "in time: nothing is said");
        }
        age_rig_pass(rig, 8 * RIG_SEC);
        put_aged(rig, kind, 8 * RIG_SEC);
        struct pw_event event = next_market(rig, PW_EVENT_FEED_STATE);
        cr_expect_geq(event.body.state.lag_ns, 8 * RIG_SEC, "kind %d", kind);
        cr_expect_eq(event.body.state.feed_idx, kind == AGE_USDM_QUOTE);
        const struct pw_feed_view *shown = feed_view(rig, kind == AGE_USDM_QUOTE);
        cr_expect_eq(atomic_load(&shown->lag_ns), event.body.state.lag_ns, "for whoever watches");
        lag_told(rig);
        /* The venue's own backlog behind the kernel's: no pass is late any more. */
        bool timed = kind != AGE_QUOTE;
        for (int64_t ago_ns = 7 * RIG_SEC; ago_ns > RIG_SEC; ago_ns -= RIG_SEC / 2) {
            age_rig_pass(rig, 1000000);
            put_aged(rig, kind, ago_ns);
            int64_t lag_ns = lag_told(rig);
            cr_expect(timed ? lag_ns >= ago_ns : lag_ns == -1, "kind %d: %lld", kind, (long long)lag_ns);
        }
        age_rig_pass(rig, 5 * RIG_SEC);
        rig->since_ns = rig->now_ns - 1000000;
        put_aged(rig, kind, 0);
        cr_expect_eq(lag_told(rig), 0, "in time again");
        cr_expect_eq(atomic_load(&shown->lag_ns), 0);
        rig_close(rig);
    }
}

Test(parse, a_quote_without_a_time_is_as_late_as_the_trade_before_it)
{
    struct rig *rig = rig_open(&(struct options){.max_age_ms = 1000, .no_journal = true});
    rig->now_ns = 1700000000 * RIG_SEC;
    age_rig_pass(rig, 1000000);
    put_aged(rig, AGE_TRADE, 0);
    put_aged(rig, AGE_TRADE, 3 * RIG_SEC);
    cr_expect_geq(lag_told(rig), 3 * RIG_SEC);
    put_aged(rig, AGE_QUOTE, 0);
    cr_expect_eq(lag_told(rig), -1, "no change");
    put_aged(rig, AGE_TRADE, 0);
    cr_expect_eq(lag_told(rig), 0);
    rig_close(rig);
}

Test(parse, on_paper_nobody_asks_how_late_it_comes)
{
    struct rig *rig = rig_open(&(struct options){.no_journal = true});
    rig->now_ns = 1700000000 * RIG_SEC;
    age_rig_pass(rig, 1000000);
    put_aged(rig, AGE_TRADE, 0);
    age_rig_pass(rig, 8 * RIG_SEC);
    put_aged(rig, AGE_TRADE, 8 * RIG_SEC);
    cr_expect_eq(lag_told(rig), -1);
    rig_close(rig);
}

Test(parse, events_are_numbered_in_the_order_of_their_frames)
{
    struct rig *rig = rig_open(&(struct options){0});
    put_text(rig, 0, QUOTE(1));
    put_text(rig, 1, QUOTE(2));
    put_text(rig, 0, QUOTE(3));
    struct pw_poll did = poll_once(rig);
    cr_assert(did.work >= 3 && !did.stalled);
    for (uint32_t i = 0; i < 3; i++) {
        struct pw_event event = next_market(rig, PW_EVENT_QUOTE), kept;
        cr_assert_eq(event.seq, i);
        cr_assert_eq(event.recv_ns, i + 1);
        cr_assert_eq(event.instrument_idx, i == 1 ? 2 : 0,
                     "feeds have their own instruments of the same symbol");
        cr_assert(take(&rig->journal, &kept) && memcmp(&kept, &event, sizeof event) == 0);
    }
    did = poll_once(rig);
    cr_assert(did.work == 0 && !did.stalled);
    cr_assert_eq(metric(rig, "frames"), 3);
    cr_assert_eq(metric(rig, "events"), 3);
    const struct pw_histogram *hop = pw_env_histogram(&rig->env, "hop.recv_to_parse");
    cr_assert(atomic_load(&hop->count) == 1 && atomic_load(&hop->sum_ns) == 100);
    rig_close(rig);
}

Test(parse, what_is_refused_is_counted_by_name_and_leaves_a_gap)
{
    static const struct {
        const char *text, *name;
        bool gap;
    } rows[] = {
        {"{", "invalid_json", true},
        {"{}", "invalid_field", true},
        {"{\"u\":1,\"s\":\"BTCUSDT\",\"b\":\"x\",\"B\":\"1\",\"a\":\"3\",\"A\":\"1\"}", "invalid_number",
         true},
        {DEPTH(9, 8, ""), "invalid_sequence", true},
        {"{\"code\":2,\"msg\":\"no\"}", "error_replies", false},
        {"{\"u\":1,\"s\":\"OTHER\",\"b\":\"2\",\"B\":\"1\",\"a\":\"3\",\"A\":\"1\"}", "ignored", false},
        {"{\"result\":null,\"id\":1}", "control", false},
        {"{\"e\":\"serverShutdown\",\"E\":1}", "shutdowns", false},
    };
    struct rig *rig = rig_open(&(struct options){0});
    uint64_t gap_cnt = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_text(rig, 0, rows[i].text);
        poll_once(rig);
        cr_assert_eq(metric(rig, rows[i].name), 1, "%s", rows[i].name);
        if (rows[i].gap) {
            struct pw_event gap = next_market(rig, PW_EVENT_GAP);
            cr_assert(gap.body.gap.reason == PW_REASON_FRAME_INVALID && gap.body.gap.lost_cnt == 1);
            cr_assert(gap.instrument_idx == PW_NO_INSTRUMENT && gap.recv_ns == rig->now_ns);
            gap_cnt++;
        }
        cr_assert_eq(metric(rig, "gaps"), gap_cnt);
        cr_assert_eq(atomic_load(&feed_view(rig, 0)->invalid_cnt), gap_cnt);
        cr_assert_eq(atomic_load(&feed_view(rig, 0)->gap_cnt), gap_cnt);
        cr_assert_eq(pw_consumer_peek(&rig->market, 1), 0);
    }
    rig_close(rig);
}

Test(parse, an_announced_shutdown_is_passed_on)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_event event;
    put_text(rig, 1, "{\"e\":\"serverShutdown\",\"E\":1}");
    poll_once(rig);
    cr_assert(take(&rig->requests, &event));
    cr_assert(event.kind == PW_EVENT_CONN && event.body.conn.feed_idx == 1);
    poll_once(rig);
    cr_assert_not(take(&rig->requests, &event));
    rig_close(rig);
}

static void put_snapshot_events(struct rig *rig, const struct pw_event *events, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        cr_assert_geq(pw_producer_room(&rig->snapshots, 1), 1);
        pw_producer_put(&rig->snapshots, &events[i]);
    }
    pw_producer_publish(&rig->snapshots);
}

static uint32_t snapshot_of(uint64_t id, uint16_t instrument_idx, struct pw_event *events, uint32_t cap)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"lastUpdateId\":%llu,\"bids\":[[\"3\",\"1\"],[\"2\",\"1\"],[\"1\",\"1\"]],\"asks\":[[\"4\","
             "\"1\"]]}",
             (unsigned long long)id);
    int cnt =
        pw_binance_depth_events(body, strlen(body), (struct pw_symbol){instrument_idx, 0}, 7, events, cap);
    cr_assert_gt(cnt, 0);
    return (uint32_t)cnt;
}

Test(parse, a_book_is_asked_for_and_joined_when_its_last_piece_has_come)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_event event, events[8];
    put_text(rig, 0, DEPTH(90, 95, "[\"1\",\"1\"]"));
    put_text(rig, 0, DEPTH(96, 97, ""));
    poll_once(rig);
    cr_assert(take(&rig->requests, &event));
    cr_assert(event.kind == PW_EVENT_SNAPSHOT_REQUEST && event.instrument_idx == 0);
    cr_assert_not(take(&rig->requests, &event));
    uint32_t cnt = snapshot_of(95, 0, events, 8);
    put_snapshot_events(rig, events, cnt - 1);
    put_text(rig, 0, QUOTE(1));
    poll_once(rig);
    next_market(rig, PW_EVENT_QUOTE); /* the market goes on meanwhile */
    cr_assert_eq(pw_consumer_peek(&rig->market, 1), 0);
    put_snapshot_events(rig, events + cnt - 1, 1);
    poll_once(rig);
    for (uint32_t i = 0; i < cnt; i++) {
        event = next_market(rig, (enum pw_event_kind)events[i].kind);
        cr_assert_eq(event.flags, events[i].flags);
        cr_assert_eq(event.seq, 1 + i);
    }
    cr_assert_eq(next_market(rig, PW_EVENT_DEPTH).flags, PW_FLAG_STALE);
    cr_assert_eq(next_market(rig, PW_EVENT_LEVELS).flags, PW_FLAG_STALE | PW_FLAG_LAST);
    cr_assert_eq(next_market(rig, PW_EVENT_DEPTH).flags, PW_FLAG_LAST);
    event = next_market(rig, PW_EVENT_BOOK_STATE);
    cr_assert(event.body.state.state == PW_BOOK_SYNCED && event.body.state.last_update_id == 97);
    cr_assert_eq(metric(rig, "snapshots"), 1);
    put_snapshot_events(rig, events, cnt);
    poll_once(rig);
    cr_assert_eq(metric(rig, "snapshots_ignored"), 1);
    cr_assert_eq(pw_consumer_peek(&rig->market, 1), 0);
    rig_close(rig);
}

Test(parse, a_snapshot_that_is_too_old_is_asked_for_again)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_event event, events[8];
    put_text(rig, 0, DEPTH(90, 95, ""));
    poll_once(rig);
    cr_assert(take(&rig->requests, &event));
    put_snapshot_events(rig, events, snapshot_of(88, 0, events, 8));
    poll_once(rig);
    cr_assert_eq(metric(rig, "snapshots_ignored"), 1);
    cr_assert(take(&rig->requests, &event));
    cr_expect(event.kind == PW_EVENT_SNAPSHOT_REQUEST && event.instrument_idx == 0);
    cr_expect_not(take(&rig->requests, &event));
    rig_close(rig);
}

/* cases/08-book-beyond-the-snapshot */
Test(parse, a_book_that_has_outgrown_its_snapshot_is_made_anew)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_event event, events[8];
    struct pw_event renewal = {.kind = PW_EVENT_SNAPSHOT_REQUEST, .recv_ns = 8};
    put_text(rig, 0, DEPTH(90, 95, ""));
    put_snapshot_events(rig, events, snapshot_of(95, 0, events, 8));
    for (uint32_t i = 0; i < 2; i++) {
        poll_once(rig); /* a snapshot goes first, then what it waits for */
    }
    put_snapshot_events(rig, events, snapshot_of(95, 0, events, 8));
    poll_once(rig);
    while (take(&rig->market, &event) || take(&rig->requests, &event)) {
    }
    cr_assert_eq(metric(rig, "snapshots"), 1);
    renewal.body.depth.last_update_id = 94; /* of another snapshot than the one in force */
    put_snapshot_events(rig, &renewal, 1);
    poll_once(rig);
    cr_expect_not(take(&rig->market, &event) || take(&rig->requests, &event));
    renewal.body.depth.last_update_id = 95;
    put_snapshot_events(rig, &renewal, 1);
    put_snapshot_events(rig, &renewal, 1); /* and once more */
    put_text(rig, 0, DEPTH(96, 97, "[\"1\",\"1\"]"));
    poll_once(rig);
    poll_once(rig);
    event = next_market(rig, PW_EVENT_BOOK_STATE);
    cr_expect(event.body.state.state == PW_BOOK_UNSYNCED && event.body.state.reason == PW_REASON_BOOK_RANGE);
    cr_expect_eq(pw_consumer_peek(&rig->market, 1), 0, "updates wait for the snapshot");
    cr_assert(take(&rig->requests, &event));
    cr_expect(event.kind == PW_EVENT_SNAPSHOT_REQUEST && event.instrument_idx == 0);
    cr_expect_not(take(&rig->requests, &event));
    uint32_t cnt = snapshot_of(96, 0, events, 8);
    put_snapshot_events(rig, events, cnt);
    poll_once(rig);
    for (uint32_t i = 0; i < cnt; i++) {
        next_market(rig, (enum pw_event_kind)events[i].kind);
    }
    cr_expect_eq(next_market(rig, PW_EVENT_DEPTH).flags & PW_FLAG_STALE, 0);
    next_market(rig, PW_EVENT_LEVELS);
    cr_expect_eq(next_market(rig, PW_EVENT_BOOK_STATE).body.state.state, PW_BOOK_SYNCED);
    rig_close(rig);
}

/* cases/06-instrument-rules-change-while-running */
Test(parse, rules_go_out_together_between_two_messages)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_event event, events[PW_RULES_EVENTS];
    const struct pw_instrument row = {.tradable = 1, .step_e8 = 5, .market_max_qty_e8 = 6};
    pw_rules_put(&row, 1, 8, events);
    put_snapshot_events(rig, events, 2);
    put_text(rig, 0, QUOTE(1));
    poll_once(rig);
    next_market(rig, PW_EVENT_QUOTE); /* the last of them is wanting */
    put_snapshot_events(rig, events + 2, 1);
    put_text(rig, 0, QUOTE(2));
    poll_once(rig);
    for (uint32_t i = 0; i < PW_RULES_EVENTS; i++) {
        event = next_market(rig, (enum pw_event_kind)events[i].kind);
        cr_expect_eq(event.seq, 1 + i);
        cr_expect_eq(event.instrument_idx, 1);
        cr_expect_arr_eq(&event.body, &events[i].body, sizeof event.body);
    }
    next_market(rig, PW_EVENT_QUOTE);
    rig_close(rig);
}

Test(parse, a_snapshot_without_its_beginning_is_passed_over)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_event events[8];
    put_text(rig, 0, DEPTH(90, 95, ""));
    uint32_t cnt = snapshot_of(95, 0, events, 8);
    put_snapshot_events(rig, events + 1, cnt - 1);
    poll_once(rig);
    cr_assert_eq(pw_consumer_peek(&rig->market, 1), 0);
    put_snapshot_events(rig, events, 2);
    put_snapshot_events(rig, events, cnt); /* begins anew */
    poll_once(rig);
    cr_assert_eq(metric(rig, "snapshots"), 1);
    cr_assert_eq(metric(rig, "events"), cnt + 2);
    rig_close(rig);
}

Test(parse, a_feed_that_goes_down_says_so_before_its_gap)
{
    struct rig *rig = rig_open(&(struct options){0});
    struct pw_event events[8];
    put_notice(rig, 0, PW_FEED_UP, PW_REASON_NONE);
    put_text(rig, 0, DEPTH(90, 95, ""));
    poll_once(rig);
    put_snapshot_events(rig, events, snapshot_of(95, 0, events, 8));
    poll_once(rig);
    struct pw_event event = next_market(rig, PW_EVENT_FEED_STATE);
    cr_assert(event.body.state.state == PW_FEED_UP && event.body.state.feed_idx == 0);
    while (pw_consumer_peek(&rig->market, 1) > 0) {
        pw_consumer_done(&rig->market, 1);
    }
    put_notice(rig, 0, PW_FEED_DOWN, PW_REASON_DISCONNECT);
    put_text(rig, 0, QUOTE(1));
    poll_once(rig);
    event = next_market(rig, PW_EVENT_FEED_STATE);
    cr_assert(event.body.state.state == PW_FEED_DOWN && event.body.state.reason == PW_REASON_DISCONNECT);
    event = next_market(rig, PW_EVENT_GAP);
    cr_assert(event.body.gap.reason == PW_REASON_DISCONNECT && event.body.gap.lost_cnt == 0);
    event = next_market(rig, PW_EVENT_BOOK_STATE);
    cr_assert(event.body.state.state == PW_BOOK_UNSYNCED && event.body.state.reason == PW_REASON_DISCONNECT);
    next_market(rig, PW_EVENT_QUOTE);
    cr_assert_eq(metric(rig, "resyncs"), 1);
    rig_close(rig);
}

/* ---- recorded traffic through small rings ---- */

/* The first 2000 lines of a recording; the snapshot is given when it is asked for. */
struct traffic {
    struct shared_lines lines;
    bool ended, waiting; /* a line is read that has found no room */
    char *snapshot;
    struct pw_event *snapshot_events;
    uint32_t snapshot_cnt, snapshot_at;
    uint64_t put_cnt;
};

static void traffic_open(struct traffic *traffic)
{
    struct shared_lines lines;
    memset(traffic, 0, sizeof *traffic);
    shared_open(&lines, "data/unit/spot_btcusdt_2000.txt");
    while (shared_next(&lines)) {
        if (strstr(lines.line, "{\"stream\"") == NULL) {
            traffic->snapshot = strdup(strchr(lines.line, '{'));
        }
    }
    shared_close(&lines);
    traffic->snapshot_events = calloc(4096, sizeof(struct pw_event));
    shared_open(&traffic->lines, "data/unit/spot_btcusdt_2000.txt");
}

static void traffic_close(struct traffic *traffic)
{
    shared_close(&traffic->lines);
    free(traffic->snapshot);
    free(traffic->snapshot_events);
}

/* Puts some frames; and a piece of the snapshot, if one is under way. */
static void traffic_step(struct traffic *traffic, struct rig *rig)
{
    struct pw_event event;
    for (uint64_t n = test_random(&rig->seed) % 100; n > 0 && !traffic->ended; n--) {
        while (!traffic->waiting && !traffic->ended) {
            traffic->ended = !shared_next(&traffic->lines);
            traffic->waiting = !traffic->ended && strstr(traffic->lines.line, "{\"stream\"") != NULL;
        }
        const char *text = strchr(traffic->lines.line, '{');
        if (traffic->ended || !put_frame(rig, 0, text, strlen(text))) {
            break;
        }
        traffic->waiting = false;
        traffic->put_cnt++;
    }
    while (take(&rig->requests, &event)) {
        cr_assert_eq(event.kind, PW_EVENT_SNAPSHOT_REQUEST);
        traffic->snapshot_cnt =
            (uint32_t)pw_binance_depth_events(traffic->snapshot, strlen(traffic->snapshot),
                                              (struct pw_symbol){0, 0}, 7, traffic->snapshot_events, 4096);
    }
    for (int i = 0; i < 40 && traffic->snapshot_at < traffic->snapshot_cnt; i++) {
        if (pw_producer_room(&rig->snapshots, 1) < 1) {
            break;
        }
        pw_producer_put(&rig->snapshots, &traffic->snapshot_events[traffic->snapshot_at++]);
    }
    pw_producer_publish(&rig->snapshots);
}

/* A growing list of events. */
struct list {
    struct pw_event *events;
    size_t cnt, room;
};

static void list_take(struct list *list, struct pw_consumer *from, uint64_t most)
{
    struct pw_event event;
    for (; most > 0 && take(from, &event); most--) {
        if (list->cnt == list->room) {
            list->room = list->room * 2 + 1024;
            list->events = realloc(list->events, list->room * sizeof *list->events);
        }
        list->events[list->cnt++] = event;
    }
}

/* Runs all traffic through, taking from the market at random, and from the journal at most journal_most at a
 * time. */
static void run_traffic(struct rig *rig, struct list *market, struct list *journal, uint64_t journal_most)
{
    struct traffic traffic;
    traffic_open(&traffic);
    for (int idle = 0; idle < 300; idle++) {
        traffic_step(&traffic, rig);
        struct pw_poll did = poll_once(rig);
        list_take(market, &rig->market, test_random(&rig->seed) % 90);
        if (journal != NULL) {
            list_take(journal, &rig->journal, test_random(&rig->seed) % (journal_most + 1));
        }
        idle = did.work > 0 || did.stalled ? 0 : idle;
    }
    cr_assert(traffic.ended && traffic.put_cnt == 1999);
    pw_parse_stage.housekeep(rig->state, rig->now_ns);
    list_take(market, &rig->market, UINT64_MAX);
    if (journal != NULL) {
        list_take(journal, &rig->journal, UINT64_MAX);
    }
    traffic_close(&traffic);
}

/* What the frames say when each is decoded by itself; what is due to book synchronisation is left out. */
static void assert_market_is_the_traffic(const struct list *market)
{
    struct traffic traffic;
    static struct pw_symbols symbols;
    static struct pw_event events[8192];
    struct pw_instrument instruments[1] = {{.symbol = "BTCUSDT"}};
    size_t at = 0, depth_at = 0;
    cr_assert_eq(pw_symbols_init(&symbols, instruments, 1, 0), 0);
    traffic_open(&traffic);
    while (shared_next(&traffic.lines)) {
        struct pw_venue_out out = {.events = events, .cap = 8192};
        const char *text = strstr(traffic.lines.line, "{\"stream\"");
        if (text == NULL) {
            continue;
        }
        cr_assert_eq(pw_binance_events(&symbols, text, strlen(text), &out), PW_DECODE_OK);
        bool depth = events[0].kind == PW_EVENT_DEPTH;
        for (uint32_t i = 0; i < out.cnt; i++) {
            size_t *next = depth ? &depth_at : &at; /* updates were held and come later */
            bool skip = true;
            while (skip && *next < market->cnt) {
                const struct pw_event *event = &market->events[(*next)++];
                bool is_depth = event->kind == PW_EVENT_DEPTH || event->kind == PW_EVENT_LEVELS;
                skip = is_depth != depth || (event->flags & PW_FLAG_SNAPSHOT) != 0 ||
                       event->kind == PW_EVENT_BOOK_STATE;
                cr_assert(skip || memcmp(&event->body, &events[i].body, sizeof event->body) == 0, "event %zu",
                          *next - 1);
            }
            cr_assert_not(skip, "the market lacks an event");
        }
    }
    traffic_close(&traffic);
}

static void assert_numbered(const struct list *market)
{
    for (size_t i = 0; i < market->cnt; i++) {
        cr_assert_eq(market->events[i].seq, i);
    }
}

Test(parse, nothing_is_lost_or_reordered_through_small_rings)
{
    shared_need();
    struct rig *rig = rig_open(&(struct options){.no_journal = true});
    struct list market = {0};
    run_traffic(rig, &market, NULL, 0);
    assert_numbered(&market);
    assert_market_is_the_traffic(&market);
    cr_assert_eq(metric(rig, "events"), market.cnt);
    cr_assert_eq(metric(rig, "frames"), 1999);
    cr_assert(metric(rig, "snapshots") == 1 && metric(rig, "gaps") == 0);
    cr_assert_gt(metric(rig, "stalls"), 100);
    cr_assert_gt(atomic_load(&ring(rig, PW_RING_MARKET)->stalled_cnt), 100);
    free(market.events);
    rig_close(rig);
}

Test(parse, a_journal_that_stalls_gets_everything)
{
    shared_need();
    struct rig *rig = rig_open(&(struct options){.journal_stalls = true, .market_slots = 1024});
    struct list market = {0}, journal = {0};
    run_traffic(rig, &market, &journal, 60);
    cr_assert_eq(market.cnt, journal.cnt);
    cr_assert_eq(memcmp(market.events, journal.events, market.cnt * sizeof *market.events), 0);
    assert_market_is_the_traffic(&market);
    cr_assert_gt(atomic_load(&ring(rig, PW_RING_MARKET_JOURNAL)->stalled_cnt), 100);
    cr_assert_eq(metric(rig, "journal_dropped"), 0);
    free(market.events);
    free(journal.events);
    rig_close(rig);
}

/* Every market event is in the journal, or its number lies in a gap that the journal was told of. */
static uint64_t assert_journal_complete(const struct list *market, const struct list *journal)
{
    uint64_t next = 0, lost_cnt = 0, gap_cnt = 0;
    for (size_t i = 0; i < journal->cnt; i++) {
        const struct pw_event *event = &journal->events[i];
        if (event->kind == PW_EVENT_GAP && event->body.gap.reason == PW_REASON_JOURNAL_FULL) {
            cr_assert_eq(event->seq, (uint32_t)next);
            cr_assert_eq(event->body.gap.first, next);
            cr_assert_eq(event->body.gap.lost_cnt, event->body.gap.last - next + 1);
            lost_cnt += event->body.gap.lost_cnt;
            next = event->body.gap.last + 1;
            gap_cnt++;
            bool more = i + 1 < journal->cnt;
            cr_assert(!more || journal->events[i + 1].kind != PW_EVENT_LEVELS, "goes on inside a message");
            continue;
        }
        cr_assert_lt(next, market->cnt);
        cr_assert_eq(memcmp(event, &market->events[next], sizeof *event), 0, "number %llu",
                     (unsigned long long)next);
        next++;
    }
    cr_assert_eq(next, market->cnt);
    cr_assert_gt(gap_cnt, 10);
    return lost_cnt;
}

Test(parse, what_the_journal_has_no_room_for_is_booked)
{
    shared_need();
    struct rig *rig = rig_open(&(struct options){.market_slots = 1024, .journal_slots = 128});
    struct list market = {0}, journal = {0};
    run_traffic(rig, &market, &journal, 60);
    assert_numbered(&market);
    assert_market_is_the_traffic(&market);
    uint64_t lost_cnt = assert_journal_complete(&market, &journal);
    cr_assert_eq(metric(rig, "journal_dropped"), lost_cnt);
    cr_assert_eq(atomic_load(&ring(rig, PW_RING_MARKET_JOURNAL)->dropped_cnt), lost_cnt);
    free(market.events);
    free(journal.events);
    rig_close(rig);
}

Test(parse, a_gap_of_the_journal_is_booked_when_the_market_is_quiet)
{
    struct rig *rig = rig_open(&(struct options){.market_slots = 256});
    struct pw_event event = {0};
    for (int i = 0; i < 70; i++) {
        put_text(rig, 0, QUOTE(1));
    }
    poll_once(rig);
    poll_once(rig);
    cr_assert(pw_parse_stage.pending(rig->state), "a gap is still to be booked");
    uint32_t taken = 0;
    while (take(&rig->journal, &event)) {
        cr_assert_eq(event.seq, taken++);
    }
    pw_parse_stage.housekeep(rig->state, 1234);
    cr_assert(take(&rig->journal, &event));
    cr_assert(event.kind == PW_EVENT_GAP && event.body.gap.first == taken && event.body.gap.last == 69);
    cr_assert_eq(event.recv_ns, 1234);
    cr_assert_not(pw_parse_stage.pending(rig->state));
    rig_close(rig);
}

Test(parse, raw_frames_are_kept_as_far_as_there_is_room)
{
    struct rig *rig = rig_open(&(struct options){.raw_frames = true, .market_slots = 256});
    for (int i = 0; i < 70; i++) {
        put_text(rig, 0, i % 2 ? QUOTE(1) : "{");
    }
    poll_once(rig);
    poll_once(rig);
    uint64_t kept = pw_consumer_peek(&rig->raw_frames, 100);
    cr_assert_eq(kept, 64);
    for (uint64_t i = 0; i < kept; i++) {
        const struct pw_event *frame = pw_consumer_at(&rig->raw_frames, i);
        const char *text = i % 2 ? QUOTE(1) : "{";
        cr_assert(frame->kind == PW_EVENT_FRAME && frame->recv_ns == (int64_t)i + 1);
        cr_assert_eq(frame->body.frame.payload_bytes, strlen(text));
        cr_assert_eq(memcmp(pw_consumer_payload(&rig->raw_frames, frame), text, strlen(text)), 0);
    }
    cr_assert_eq(metric(rig, "frames_dropped"), 6);
    cr_assert_eq(atomic_load(&ring(rig, PW_RING_FRAMES_JOURNAL)->dropped_cnt), 6);
    cr_assert_eq(metric(rig, "events"), 70);
    rig_close(rig);
}

Test(parse, raw_frames_bear_numbers_that_tell_how_many_were_dropped)
{
    struct rig *rig = rig_open(&(struct options){.raw_frames = true, .market_slots = 256});
    put_notice(rig, 0, PW_FEED_UP, PW_REASON_NONE); /* no message: it takes no number */
    for (int i = 0; i < 70; i++) {
        put_text(rig, 0, QUOTE(1));
    }
    poll_once(rig);
    poll_once(rig);
    for (uint32_t i = 0; i < 64; i++) {
        cr_assert_eq(pw_consumer_at(&rig->raw_frames, i)->seq, i);
    }
    pw_consumer_done(&rig->raw_frames, pw_consumer_peek(&rig->raw_frames, 100));
    put_text(rig, 0, QUOTE(1));
    poll_once(rig);
    cr_assert_eq(pw_consumer_peek(&rig->raw_frames, 100), 1);
    cr_assert_eq(pw_consumer_at(&rig->raw_frames, 0)->seq, 70, "6 are missing");
    rig_close(rig);
}

Test(parse, one_poll_takes_a_bounded_batch)
{
    struct rig *rig = rig_open(&(struct options){.market_slots = 1024, .no_journal = true});
    for (int i = 0; i < 200; i++) {
        put_text(rig, 0, QUOTE(1));
    }
    poll_once(rig);
    cr_assert_eq(pw_consumer_peek(&rig->market, 1000), PW_BATCH_MAX);
    rig_close(rig);
}

Test(parse, a_full_market_ring_consumes_no_frame)
{
    struct rig *rig = rig_open(&(struct options){.no_journal = true});
    for (int i = 0; i < 100; i++) {
        put_text(rig, 0, QUOTE(1));
    }
    struct pw_poll did = {0};
    for (int i = 0; i < 10; i++) {
        did = poll_once(rig);
    }
    cr_assert(did.stalled && did.work == 0);
    cr_assert_eq(metric(rig, "frames"), 65); /* the last one waits decoded */
    cr_assert_eq(metric(rig, "events"), 64);
    cr_assert(pw_parse_stage.pending(rig->state));
    pw_consumer_peek(&rig->market, 1);
    pw_consumer_done(&rig->market, 1);
    did = poll_once(rig);
    cr_assert_eq(metric(rig, "events"), 65);
    rig_close(rig);
}

Test(parse, at_a_clean_stop_held_updates_go_out_for_the_record)
{
    struct rig *rig = rig_open(&(struct options){0});
    put_text(rig, 0, DEPTH(90, 95, "[\"1\",\"1\"]"));
    poll_once(rig);
    cr_assert_eq(pw_consumer_peek(&rig->market, 1), 0);
    pw_parse_stage.drain(rig->state);
    cr_assert(pw_parse_stage.pending(rig->state));
    put_text(rig, 0, DEPTH(96, 97, ""));
    poll_once(rig);
    cr_assert_not(pw_parse_stage.pending(rig->state));
    cr_assert_eq(next_market(rig, PW_EVENT_DEPTH).flags, PW_FLAG_STALE);
    cr_assert_eq(next_market(rig, PW_EVENT_LEVELS).flags, PW_FLAG_STALE | PW_FLAG_LAST);
    cr_assert_eq(next_market(rig, PW_EVENT_DEPTH).flags, PW_FLAG_STALE | PW_FLAG_LAST);
    cr_assert_eq(pw_consumer_peek(&rig->market, 1), 0);
    rig_close(rig);
}
