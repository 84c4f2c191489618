/* SPDX-License-Identifier: MIT
 *
 * The parse stage: venue bytes to market events, in one order, numbered; book synchronisation; gaps.
 *
 * One message is decoded into a private array; what book synchronisation lets out before it (snapshot, held
 * updates, gaps) is pulled in small pieces. All of it is put into the rings before the next message is looked
 * at, so nothing is ever half taken: without room the poll returns, and goes on where it stopped the next
 * time.
 *
 * Where there are several parsers, each serves the feeds of its line, and its numbers are its own: strategy
 * makes one order of theirs, and gives the journal its share (market_journal.h).
 */
#include "accounts_config.h"
#include "booksync.h"
#include "feed_age.h"
#include "feeds.h"
#include "journal_config.h"
#include "market_journal.h"
#include "pw_assert.h"
#include "rules.h"
#include "stages.h"
#include "symbols.h"
#include <errno.h>
#include <pinwheel/histogram.h>
#include <pinwheel/stamps.h>
#include <pinwheel/units.h>
#include <string.h>

#define BURST_EVENTS    64u /* pulled out of book synchronisation at a time */
#define LEVEL_BYTES_MIN 10u /* ["1","1"], */

/* Where a result that is not OK is counted. */
#define AT(name) offsetof(struct pw_parse_metrics, name)
static const uint16_t result_metrics[] = {
    [PW_DECODE_IGNORED + PW_DECODE_RESULTS] = AT(ignored),
    [PW_DECODE_CONTROL + PW_DECODE_RESULTS] = AT(control),
    [PW_DECODE_SHUTDOWN + PW_DECODE_RESULTS] = AT(shutdowns),
    [PW_DECODE_BAD_JSON + PW_DECODE_RESULTS] = AT(invalid_json),
    [PW_DECODE_BAD_FIELD + PW_DECODE_RESULTS] = AT(invalid_field),
    [PW_DECODE_BAD_NUMBER + PW_DECODE_RESULTS] = AT(invalid_number),
    [PW_DECODE_BAD_SEQUENCE + PW_DECODE_RESULTS] = AT(invalid_sequence),
    [PW_DECODE_TOO_LARGE + PW_DECODE_RESULTS] = AT(too_large),
    [PW_DECODE_ERROR_REPLY + PW_DECODE_RESULTS] = AT(error_replies),
};
#undef AT

struct feed {
    /* The venue's own, called directly once a message. */
    enum pw_decode (*decode)(const struct pw_symbols *symbols, const char *data, size_t size,
                             struct pw_venue_out *out);
    struct pw_symbols symbols;
    struct pw_booksync *sync;
    struct pw_feed_view *view;
    struct pw_feed_age age;
    bool reconnect_owed; /* the venue said that it will close: to be passed on */
};

struct parse {
    struct pw_consumer frames, snapshots;
    struct pw_producer strategy, housekeeping, raw_frames;
    bool raw_frames_present;
    struct pw_market_journal journal;
    uint64_t market_seq; /* events put: the number of the next one */

    /* What is under way, in the order in which it goes out: the burst, what follows it, the run. */
    uint32_t burst_cnt, burst_at;
    struct feed *pulling; /* whose book synchronisation may have more to give; NULL: none */
    struct pw_event *run; /* the message */
    uint32_t run_cnt, run_at, run_cap;
    struct pw_stamp run_stamp; /* how it came; the number is each event's own */

    bool stopping;    /* a clean stop has begun */
    bool may_request; /* what has come may make a request due, or one found no room */

    struct pw_histogram *hop;
    struct pw_stamp_row *stamps;
    struct pw_clock clock; /* for stamps alone */
    struct pw_parse_metrics metrics;

    /* Of few polls. */
    struct pw_event *snapshot; /* as much of it as has come */
    uint32_t snapshot_cnt, snapshot_cap;
    const struct pw_instrument *instruments;
    uint32_t instrument_cnt, feed_cnt; /* feed_cnt: those of other lines among them, which have no sync */
    struct pw_event rules[PW_RULES_EVENTS]; /* as many as have come of an instrument's */
    uint32_t rules_cnt;
    struct pw_metric_row *metric_rows;
    struct pw_event burst[BURST_EVENTS];
    struct feed feeds[]; /* then the run, the snapshot, and each feed's book synchronisation */
};

/* ---- start ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + PW_CACHE_LINE - 1) / PW_CACHE_LINE * PW_CACHE_LINE;
}

/* No message that net_rx lets through can need more. */
static uint32_t run_cap(const struct pw_config *config)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    uint32_t message_bytes = 0;
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        uint32_t bytes = feeds->feeds[i].message_bytes_max;
        message_bytes = bytes > message_bytes ? bytes : message_bytes;
    }
    return message_bytes / LEVEL_BYTES_MIN / 2 + 4;
}

static uint32_t snapshot_cap(const struct pw_config *config)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    uint32_t levels = 0;
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        uint32_t limit = feeds->feeds[i].snapshot_limit;
        levels = limit > levels ? limit : levels;
    }
    return 1 + 2 * ((levels + 1) / 2);
}

static const struct pw_venue *venue_of(const struct pw_stage_env *env, uint32_t feed_idx)
{
    return pw_venue_find(PW_CONFIG(env->config, feeds)->feeds[feed_idx].venue);
}

static struct pw_booksync_config sync_config(const struct pw_stage_env *env, uint32_t feed_idx)
{
    const struct pw_venue *venue = venue_of(env, feed_idx);
    enum pw_book_rule rule = venue != NULL ? venue->market->book_rule : PW_BOOK_NONE;
    return (struct pw_booksync_config){.feed_idx = feed_idx,
                                       .rule = rule,
                                       .instrument_cnt = env->instrument_cnt,
                                       .hold_events = rule == PW_BOOK_NONE ? 0 : PW_BOOKSYNC_HOLD_EVENTS};
}

static size_t parse_state_bytes(const struct pw_stage_env *env)
{
    const struct pw_config *config = env->config;
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    size_t bytes = aligned(sizeof(struct parse) + feeds->feed_cnt * sizeof(struct feed));
    bytes += aligned(run_cap(config) * sizeof(struct pw_event));
    bytes += aligned(snapshot_cap(config) * sizeof(struct pw_event));
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        struct pw_booksync_config sync = sync_config(env, i);
        bytes += pw_feeds_is_of(feeds, i, pw_env_line(env)) ? aligned(pw_booksync_bytes(&sync)) : 0;
    }
    return bytes;
}

static int attach(struct parse *p, const struct pw_stage_env *env)
{
    int error = pw_env_consumer(env, PW_RING_FRAMES, &p->frames);
    error = error ? error : pw_env_consumer(env, PW_RING_SNAPSHOTS, &p->snapshots);
    error = error ? error : pw_env_producer(env, PW_RING_MARKET, &p->strategy);
    error = error ? error : pw_env_producer(env, PW_RING_PARSE_REQUESTS, &p->housekeeping);
    if (error != 0) {
        pw_log(PW_LOG_ERROR, "parse: a ring is missing: %s", strerror(-error));
        return error;
    }
    p->journal.present = pw_env_producer(env, PW_RING_MARKET_JOURNAL, &p->journal.ring) == 0;
    p->journal.stalls = p->journal.present && PW_CONFIG(env->config, journal)->market_stall;
    p->raw_frames_present = pw_env_producer(env, PW_RING_FRAMES_JOURNAL, &p->raw_frames) == 0;
    char name[PW_REGION_NAME_BYTES];
    p->hop = pw_env_histogram(env, pw_env_line_name(env, "hop.recv_to_parse", name));
    p->stamps = pw_workspace_rows(env->ws, pw_env_line_name(env, "stamps.market", name), PW_REGION_STAMPS);
    if (p->hop == NULL || p->stamps == NULL) {
        pw_log(PW_LOG_ERROR, "parse: the workspace lacks stamps.market or the histogram hop.recv_to_parse");
        return -ENOENT;
    }
    p->clock = env->clock;
    p->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_parse);
    return p->metric_rows != NULL ? 0 : -ENOENT;
}

static int init_feed(struct parse *p, const struct pw_stage_env *env, uint32_t feed_idx, void *memory)
{
    struct feed *feed = &p->feeds[feed_idx];
    struct pw_booksync_config config = sync_config(env, feed_idx);
    const struct pw_region *feeds = pw_workspace_find(env->ws, "feeds", PW_REGION_FEEDS);
    feed->sync = pw_booksync_init(memory, &config);
    if (feeds == NULL || feed_idx >= feeds->row_cnt) {
        pw_log(PW_LOG_ERROR, "parse: the workspace lacks the feeds");
        return -ENOENT;
    }
    feed->view = pw_region_at(env->ws, feeds, feed_idx);
    const struct pw_venue *venue = venue_of(env, feed_idx);
    if (venue == NULL) {
        const struct pw_config_feed *row = &PW_CONFIG(env->config, feeds)->feeds[feed_idx];
        pw_log(PW_LOG_ERROR, "%s: feed '%s': unknown venue '%s'", env->config->path, row->name, row->venue);
        return -EINVAL;
    }
    feed->decode = venue->market->decode;
    pw_feed_age_init(&feed->age, pw_config_max_age_ns(env->config, feed_idx));
    int error = pw_symbols_init(&feed->symbols, env->instruments, env->instrument_cnt, feed_idx);
    if (error != 0) {
        pw_log(PW_LOG_ERROR, "%s: feed '%s': an instrument is listed twice or has no name", env->config->path,
               PW_CONFIG(env->config, feeds)->feeds[feed_idx].name);
    }
    return error;
}

static int parse_init(void *state, const struct pw_stage_env *env)
{
    struct parse *p = state;
    const struct pw_config *config = env->config;
    p->instruments = env->instruments;
    p->instrument_cnt = env->instrument_cnt;
    p->feed_cnt = PW_CONFIG(config, feeds)->feed_cnt;
    p->run_cap = run_cap(config);
    p->snapshot_cap = snapshot_cap(config);
    char *memory = (char *)state + aligned(sizeof *p + p->feed_cnt * sizeof(struct feed));
    p->run = (struct pw_event *)memory;
    memory += aligned(p->run_cap * sizeof *p->run);
    p->snapshot = (struct pw_event *)memory;
    memory += aligned(p->snapshot_cap * sizeof *p->snapshot);
    int error = attach(p, env);
    for (uint32_t i = 0; i < p->feed_cnt && error == 0; i++) {
        struct pw_booksync_config sync = sync_config(env, i);
        if (!pw_feeds_is_of(PW_CONFIG(config, feeds), i, pw_env_line(env))) {
            continue;
        }
        error = init_feed(p, env, i, memory);
        memory += aligned(pw_booksync_bytes(&sync));
    }
    return error;
}

/* ---- out ---- */

/* How many of n events the rings that stall have room for. */
static uint32_t room_for(struct parse *p, uint32_t n)
{
    uint64_t room = pw_producer_room(&p->strategy, n);
    if (room < n) {
        pw_count(&p->strategy.ring->stalled_cnt, 1);
    }
    if (p->journal.stalls) {
        uint64_t journal_room = pw_producer_room(&p->journal.ring, n);
        if (journal_room < n) {
            pw_count(&p->journal.ring.ring->stalled_cnt, 1);
        }
        room = journal_room < room ? journal_room : room;
    }
    return room < n ? (uint32_t)room : n;
}

/* What a strategy may decide upon: of a book's update its last event. */
static bool may_cause(const struct pw_event *event)
{
    bool depth = event->kind == PW_EVENT_DEPTH || event->kind == PW_EVENT_LEVELS;
    return !depth || (event->flags & PW_FLAG_LAST);
}

/* Puts events[*at..cnt) as far as there is room; true when all are out. */
static bool put_events(struct parse *p, struct pw_event *events, uint32_t *at, uint32_t cnt)
{
    pw_assert(*at <= cnt);
    uint32_t n = *at < cnt ? room_for(p, cnt - *at) : 0;
    const bool stamped = events == p->run, stalls = p->journal.stalls, present = p->journal.present;
    uint64_t market_seq = p->market_seq;
    for (struct pw_event *event = events + *at, *end = event + n; event < end; event++, market_seq++) {
        event->seq = (uint32_t)market_seq;
        if (stamped && may_cause(event)) {
            p->run_stamp.number = market_seq;
            pw_stamp_put(p->stamps, &p->run_stamp);
        }
        pw_producer_put(&p->strategy, event);
        if (stalls) {
            pw_producer_put(&p->journal.ring, event);
        } else if (present) {
            p->metrics.journal_dropped += !pw_market_journal_put(&p->journal, event, market_seq);
        }
    }
    *at += n;
    p->market_seq = market_seq;
    if (n > 0) {
        p->metrics.events += n;
        pw_producer_publish(&p->strategy);
        if (p->journal.present) {
            pw_producer_publish(&p->journal.ring);
        }
    }
    return *at == cnt;
}

static void count_notice(struct parse *p, const struct pw_event *event)
{
    if (event->kind == PW_EVENT_GAP) {
        p->metrics.gaps++;
        pw_count(&p->feeds[event->body.gap.feed_idx].view->gap_cnt, 1);
    } else if (event->kind == PW_EVENT_BOOK_STATE) {
        bool synced = event->body.state.state == PW_BOOK_SYNCED;
        p->metrics.snapshots += synced;
        p->metrics.resyncs += !synced;
    }
}

/* The next piece of what book synchronisation lets out. */
static void pull(struct parse *p)
{
    p->burst_at = 0;
    p->burst_cnt = pw_booksync_pull(p->pulling->sync, p->burst, BURST_EVENTS);
    for (uint32_t i = 0; i < p->burst_cnt; i++) {
        count_notice(p, &p->burst[i]);
    }
    if (p->burst_cnt == 0) {
        p->pulling = NULL;
    }
}

static inline bool under_way(const struct parse *p)
{
    return p->burst_at < p->burst_cnt || p->pulling != NULL || p->run_at < p->run_cnt;
}

/* What goes out before the run. */
static __attribute__((noinline)) bool drain_burst(struct parse *p)
{
    while (p->burst_at < p->burst_cnt || p->pulling != NULL) {
        if (!put_events(p, p->burst, &p->burst_at, p->burst_cnt)) {
            return false;
        }
        if (p->pulling != NULL) {
            pull(p);
        }
    }
    return true;
}

/* Puts out all that is under way; false when there was too little room. */
static inline bool drain(struct parse *p)
{
    bool burst = p->burst_at < p->burst_cnt || p->pulling != NULL;
    return (!burst || drain_burst(p)) && put_events(p, p->run, &p->run_at, p->run_cnt);
}

/* An event of this stage's own, in front of what else is to go out. Nothing may be under way. */
static void begin_with(struct parse *p, const struct pw_event *event)
{
    p->burst[0] = *event;
    p->burst_at = 0;
    p->burst_cnt = 1;
    count_notice(p, event);
}

/* ---- frames ---- */

static void put_feed_state(struct parse *p, const struct feed *feed, const struct pw_event *frame,
                           enum pw_feed_state state, enum pw_reason reason)
{
    struct pw_event event = {
        .instrument_idx = PW_NO_INSTRUMENT, .kind = PW_EVENT_FEED_STATE, .recv_ns = frame->recv_ns};
    event.body.state = (struct pw_state){.state = state,
                                         .reason = reason,
                                         .feed_idx = frame->body.frame.feed_idx,
                                         .lag_ns = feed->age.lag_ns,
                                         .delay_ns = feed->age.delay_ns};
    atomic_store_explicit(&feed->view->lag_ns, feed->age.lag_ns, memory_order_relaxed);
    atomic_store_explicit(&feed->view->delay_ns, feed->age.delay_ns, memory_order_relaxed);
    begin_with(p, &event);
}

/* In front of a message that is late, or in time again: whoever decides on it must know. */
static __attribute__((noinline)) void put_lag(struct parse *p, const struct feed *feed,
                                              const struct pw_event *frame)
{
    put_feed_state(p, feed, frame, PW_FEED_UP, feed->age.lag_ns ? PW_REASON_STALE : PW_REASON_NONE);
}

static void take_notice(struct parse *p, const struct pw_event *notice)
{
    const struct pw_frame *frame = &notice->body.frame;
    struct feed *feed = &p->feeds[frame->feed_idx];
    if (frame->state == PW_FEED_DOWN) {
        pw_feed_age_restart(&feed->age);
    }
    put_feed_state(p, feed, notice, (enum pw_feed_state)frame->state, (enum pw_reason)frame->reason);
    if (frame->state == PW_FEED_DOWN) {
        p->pulling = &p->feeds[frame->feed_idx];
        pw_booksync_down(p->pulling->sync, notice->recv_ns);
    }
}

/* A raw frame's seq is its number among all messages: where it jumps, those between were dropped. So the
 * journal tells what it lacks. */
static void keep_raw(struct parse *p, const struct pw_event *frame, const uint8_t *payload)
{
    uint32_t bytes = frame->body.frame.payload_bytes;
    uint8_t *copy =
        pw_producer_room(&p->raw_frames, 1) >= 1 ? pw_producer_payload_claim(&p->raw_frames, bytes) : NULL;
    if (copy == NULL) {
        p->metrics.frames_dropped++;
        pw_count(&p->raw_frames.ring->dropped_cnt, 1);
        return;
    }
    struct pw_event event = *frame;
    event.seq = (uint32_t)p->metrics.frames;
    event.venue_ns = 0; /* of net_rx to parse alone */
    memcpy(copy, payload, bytes);
    pw_producer_put_frame(&p->raw_frames, &event, bytes);
    pw_producer_publish(&p->raw_frames);
}

/* Counts by name what was not OK. What was refused leaves a hole in the market: a GAP. */
static void note_result(struct parse *p, const struct pw_event *frame, enum pw_decode result)
{
    struct feed *feed = &p->feeds[frame->body.frame.feed_idx];
    pw_metric_count_at(&p->metrics, result_metrics[result + PW_DECODE_RESULTS]);
    feed->reconnect_owed |= result == PW_DECODE_SHUTDOWN;
    p->may_request = true;
    if (result >= 0 || result == PW_DECODE_ERROR_REPLY) {
        return;
    }
    struct pw_event event = {
        .instrument_idx = PW_NO_INSTRUMENT, .kind = PW_EVENT_GAP, .recv_ns = frame->recv_ns};
    event.body.gap = (struct pw_gap){
        .lost_cnt = 1, .reason = PW_REASON_FRAME_INVALID, .feed_idx = frame->body.frame.feed_idx};
    begin_with(p, &event);
    pw_count(&feed->view->invalid_cnt, 1);
}

static void take_frame(struct parse *p, const struct pw_event *frame)
{
    const char *payload = (const char *)pw_consumer_payload(&p->frames, frame);
    struct feed *feed = &p->feeds[frame->body.frame.feed_idx];
    struct pw_venue_out out = {.events = p->run, .cap = p->run_cap, .recv_ns = frame->recv_ns};
    if (p->raw_frames_present) {
        keep_raw(p, frame, (const uint8_t *)payload);
    }
    p->metrics.frames++;
    p->run_at = p->run_cnt = 0;
    enum pw_decode result = feed->decode(&feed->symbols, payload, frame->body.frame.payload_bytes, &out);
    if (result != PW_DECODE_OK) {
        note_result(p, frame, result);
        return;
    }
    p->run_stamp.ns[PW_STAMP_KERNEL] = frame->body.frame.kernel_ns;
    p->run_stamp.ns[PW_STAMP_DECRYPTED] = frame->body.frame.decrypted_ns;
    p->run_stamp.ns[PW_STAMP_DECODED] = pw_clock_now_ns(&p->clock);
    if (out.cnt > 0 && pw_feed_age_take(&feed->age, frame->recv_ns, frame->venue_ns, p->run[0].venue_ns)) {
        put_lag(p, feed, frame);
    }
    bool passes = pw_booksync_take(feed->sync, p->run, out.cnt);
    p->may_request |= p->run[0].kind == PW_EVENT_DEPTH; /* nothing else makes a snapshot wanted */
    p->run_cnt = passes ? out.cnt : 0;
    p->pulling = pw_booksync_has_output(feed->sync) ? feed : NULL; /* of a quote or trade: hardly ever */
}

static void take_frames(struct parse *p, int64_t now_ns, struct pw_poll *did)
{
    uint64_t there = pw_consumer_peek(&p->frames, PW_BATCH_MAX), taken = 0;
    int64_t last_recv_ns = 0;
    while (taken < there && !did->stalled) {
        const struct pw_event *frame = pw_consumer_at(&p->frames, taken++);
        last_recv_ns = frame->recv_ns;
        if (frame->body.frame.payload_bytes == 0) {
            take_notice(p, frame);
        } else {
            take_frame(p, frame);
        }
        did->stalled = under_way(p) && !drain(p);
    }
    if (taken > 0) {
        pw_consumer_done(&p->frames, taken);
        pw_hop_add(p->hop, &p->clock, now_ns, last_recv_ns);
        did->work += (uint32_t)taken;
    }
}

/* ---- snapshots ---- */

/* Adds one event; true when the snapshot is whole. A piece without its beginning is of no use. */
static bool collect_snapshot(struct parse *p, const struct pw_event *event)
{
    if (event->kind == PW_EVENT_DEPTH) {
        p->snapshot_cnt = 0;
    } else if (p->snapshot_cnt == 0) {
        return false;
    }
    if (p->snapshot_cnt < p->snapshot_cap) {
        p->snapshot[p->snapshot_cnt++] = *event;
    }
    return (event->flags & PW_FLAG_LAST) != 0;
}

static void take_snapshot(struct parse *p)
{
    uint16_t instrument_idx = p->snapshot[0].instrument_idx;
    bool whole = (p->snapshot[p->snapshot_cnt - 1].flags & PW_FLAG_LAST) != 0;
    if (instrument_idx < p->instrument_cnt && whole) {
        struct feed *feed = &p->feeds[p->instruments[instrument_idx].feed_idx];
        if (pw_booksync_snapshot(feed->sync, p->snapshot, p->snapshot_cnt)) {
            p->pulling = feed;
        } else {
            p->metrics.snapshots_ignored++;
        }
    }
}

/* A book whose snapshot ended too near is to be made anew. True: something goes out. */
static bool renew_book(struct parse *p, const struct pw_event *event)
{
    if (event->instrument_idx >= p->instrument_cnt) {
        return false;
    }
    struct feed *feed = &p->feeds[p->instruments[event->instrument_idx].feed_idx];
    bool renews = pw_booksync_renew(feed->sync, event->instrument_idx, event->body.depth.last_update_id,
                                    event->recv_ns);
    p->pulling = renews ? feed : p->pulling;
    return renews;
}

/* The events of an instrument's rules go out together. True: with the last of them. */
static bool take_rules(struct parse *p, const struct pw_event *event)
{
    if (event->kind == PW_EVENT_RULES) {
        p->rules_cnt = 0;
    }
    pw_assert(p->rules_cnt < PW_RULES_EVENTS); /* housekeeping is no outside */
    p->rules[p->rules_cnt++] = *event;
    if (event->kind != PW_EVENT_RULES_MARKET) {
        return false;
    }
    memcpy(p->burst, p->rules, sizeof p->rules);
    p->burst_at = 0;
    p->burst_cnt = PW_RULES_EVENTS;
    return true;
}

/* Of one instrument. True: it goes out. */
static bool take_reference_price(struct parse *p, const struct pw_event *event)
{
    p->burst[0] = *event;
    p->burst_at = 0;
    p->burst_cnt = 1;
    return true;
}

/* At most one whole snapshot, or one request, a poll: what it lets out must have gone before the next one
 * comes. */
static void take_snapshots(struct parse *p, struct pw_poll *did)
{
    uint64_t there = pw_consumer_peek(&p->snapshots, PW_BATCH_MAX), taken = 0;
    bool whole = false, renews = false;
    while (taken < there && !whole && !renews) {
        const struct pw_event *event = pw_consumer_at(&p->snapshots, taken++);
        if (event->kind == PW_EVENT_SNAPSHOT_REQUEST) {
            renews = renew_book(p, event);
        } else if (pw_event_is_rules(event->kind)) {
            renews = take_rules(p, event);
        } else if (event->kind == PW_EVENT_REFERENCE_PRICE) {
            renews = take_reference_price(p, event);
        } else {
            whole = collect_snapshot(p, event);
        }
    }
    if (taken > 0) {
        p->may_request = true;
        pw_consumer_done(&p->snapshots, taken);
        did->work += (uint32_t)taken;
    }
    if (whole) {
        take_snapshot(p);
    }
    if (whole || renews) {
        did->stalled = !drain(p);
    }
}

/* ---- requests ---- */

static void put_request(struct parse *p, const struct pw_event *event)
{
    pw_producer_put(&p->housekeeping, event);
    pw_producer_publish(&p->housekeeping);
}

/* Snapshots wanted, and a connection to be renewed. What finds no room stays wanted; false then. */
static bool put_requests(struct parse *p, uint32_t feed_idx, int64_t now_ns)
{
    struct feed *feed = &p->feeds[feed_idx];
    struct pw_event event = {.instrument_idx = PW_NO_INSTRUMENT, .kind = PW_EVENT_CONN, .recv_ns = now_ns};
    if (feed->reconnect_owed && pw_producer_room(&p->housekeeping, 1) >= 1) {
        event.body.conn.feed_idx = feed_idx;
        event.body.conn.reason = PW_REASON_DISCONNECT;
        put_request(p, &event);
        feed->reconnect_owed = false;
    }
    while (pw_booksync_wanted_cnt(feed->sync) > 0 && pw_producer_room(&p->housekeeping, 1) >= 1) {
        event = (struct pw_event){.kind = PW_EVENT_SNAPSHOT_REQUEST, .recv_ns = now_ns};
        event.instrument_idx = pw_booksync_wanted(feed->sync);
        put_request(p, &event);
    }
    return !feed->reconnect_owed && pw_booksync_wanted_cnt(feed->sync) == 0;
}

/* True when nothing is wanted any more. */
static bool put_all_requests(struct parse *p, int64_t now_ns)
{
    bool all = true;
    for (uint32_t i = 0; i < p->feed_cnt; i++) {
        const struct feed *feed = &p->feeds[i];
        if (feed->sync != NULL && (feed->reconnect_owed || pw_booksync_wanted_cnt(feed->sync) > 0)) {
            all &= put_requests(p, i, now_ns);
        }
    }
    return all;
}

/* ---- the stage ---- */

/* On the way to a clean stop, with all frames taken: updates that still wait for a snapshot go out for the
 * record. */
static void let_go(struct parse *p, struct pw_poll *did)
{
    for (uint32_t i = 0; i < p->feed_cnt && !did->stalled && pw_consumer_peek(&p->frames, 1) == 0; i++) {
        if (p->feeds[i].sync != NULL && pw_booksync_held(p->feeds[i].sync) > 0) {
            p->pulling = &p->feeds[i];
            pw_booksync_stop(p->pulling->sync);
            did->stalled = !drain(p);
        }
    }
}

static struct pw_poll parse_poll(void *state, int64_t now_ns)
{
    struct parse *p = state;
    uint64_t events_before = p->metrics.events;
    bool waiting = under_way(p);
    struct pw_poll did = {.stalled = waiting && !drain(p)};
    if (!did.stalled) {
        take_snapshots(p, &did);
    }
    if (!did.stalled) {
        take_frames(p, now_ns, &did);
    }
    if (p->stopping) {
        let_go(p, &did);
    }
    if (p->may_request || p->stopping) {
        p->may_request = !put_all_requests(p, now_ns);
    }
    p->metrics.stalls += did.stalled;
    did.work += (uint32_t)(p->metrics.events - events_before);
    return did;
}

static void show_counts(struct parse *p)
{
    pw_parse_metrics_publish(p->metric_rows, &p->metrics);
}

static void parse_housekeep(void *state, int64_t now_ns)
{
    pw_market_journal_quiet(&((struct parse *)state)->journal, now_ns);
    show_counts(state);
}

static void parse_drain(void *state)
{
    struct parse *p = state;
    p->stopping = true;
}

static bool parse_pending(void *state)
{
    struct parse *p = state;
    bool pending = under_way(p) || pw_consumer_peek(&p->frames, 1) > 0 || p->journal.lost_cnt > 0;
    for (uint32_t i = 0; i < p->feed_cnt; i++) {
        pending |= p->feeds[i].sync != NULL && pw_booksync_held(p->feeds[i].sync) > 0;
    }
    return pending;
}

static void parse_fini(void *state)
{
    show_counts(state);
}

const struct pw_stage_ops pw_parse_stage = {
    .name = "parse",
    .state_bytes = parse_state_bytes,
    .init = parse_init,
    .poll = parse_poll,
    .housekeep = parse_housekeep,
    .drain = parse_drain,
    .pending = parse_pending,
    .fini = parse_fini,
};
