/* SPDX-License-Identifier: MIT
 *
 * The queue of wanted snapshots, and the pieces in which one reaches parse.
 */
#include "snapshots.h"
#include "ban.h"
#include "feeds.h"
#include "pw_assert.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_NS (10 * PW_NS_PER_S)
#define RETRY_MIN_NS     (PW_NS_PER_S / 4)
#define RETRY_MAX_NS     (30 * PW_NS_PER_S)
#define BODY_BYTES_MAX   ((size_t)4 << 20)  /* 5000 levels a side take about 350 KB */
#define PIECE_EVENTS     64u                /* put into the ring at a time */
#define LOOK_NS          (PW_NS_PER_S / 50) /* between two looks at the books */
#define RENEW_NS         PW_NS_PER_S        /* between two snapshots of a book whose price runs away */

/* What requests may weigh: of an address, which the feeds that ask there share. */
struct budget {
    uint32_t weight_per_minute;
    int64_t left_e9; /* what may still be spent, scaled so that a nanosecond's refill is exact */
    int64_t time_ns; /* when it was last refilled */
};

struct snapshot_feed {
    const struct pw_venue_market *market;
    struct budget own, *budget; /* budget: that of the first feed at its address */
    struct pw_fetch *fetch;
    bool busy;
    uint16_t instrument_idx; /* under way */
    uint16_t next_idx;       /* where to look for the next one: no instrument starves the others */
    uint32_t failure_cnt;    /* in a row */
    int64_t not_before_ns;
};

struct pw_snapshots {
    const struct pw_stage_env *env;
    struct pw_producer to_parse[PW_LINES_MAX];
    uint32_t line_idx; /* whose parse the snapshot under way is for */
    struct snapshot_feed feeds[PW_FEEDS_MAX];
    const struct pw_conns *conns;
    int64_t paused_until_ns[PW_FEEDS_MAX]; /* by host: a ban holds for all feeds there */
    bool wanted[PW_INSTRUMENTS_MAX];
    const struct pw_market_view *markets;   /* as strategy shows them; NULL: it does not */
    int64_t renewed_ns[PW_INSTRUMENTS_MAX]; /* when parse was last told to make it anew */
    int64_t next_look_ns;
    struct pw_event *events; /* of the snapshot being passed on */
    uint32_t event_cap, event_cnt, event_next;
    struct pw_housekeeping_metrics *metrics;
    struct pw_fold *fold; /* of what is logged; its owner polls it */
};

static uint32_t levels_max(const struct pw_config *config)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    uint32_t most = 0;
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        most = feeds->feeds[i].snapshot_limit > most ? feeds->feeds[i].snapshot_limit : most;
    }
    return most;
}

static bool init_feed(struct pw_snapshots *s, const struct pw_stage_env *env, uint32_t feed_idx)
{
    const struct pw_config_feed *rows = PW_CONFIG(env->config, feeds)->feeds;
    struct snapshot_feed *feed = &s->feeds[feed_idx];
    const struct pw_venue *venue = pw_venue_find(rows[feed_idx].venue);
    if (venue == NULL) {
        return false;
    }
    uint32_t first = 0;
    while (strcmp(rows[first].rest_url, rows[feed_idx].rest_url) != 0) {
        first++;
    }
    pw_assert(first <= feed_idx);
    feed->market = venue->market;
    feed->own.weight_per_minute = venue->rest != NULL ? venue->rest->weight_per_minute : 0;
    feed->own.left_e9 = feed->own.weight_per_minute * PW_NS_PER_S;
    feed->budget = &s->feeds[first].own;
    feed->fetch = pw_fetch_create(PW_ATTACHED(env, housekeeping)->nets[0], BODY_BYTES_MAX);
    return feed->fetch != NULL;
}

static bool attach_parsers(struct pw_snapshots *s)
{
    uint32_t cnt = pw_feeds_line_cnt(PW_CONFIG(s->env->config, feeds));
    for (uint32_t i = 0; i < cnt; i++) {
        if (pw_env_producer_nth(s->env, PW_RING_SNAPSHOTS, i, &s->to_parse[i]) != 0) {
            return false;
        }
    }
    return true;
}

struct pw_snapshots *pw_snapshots_create(const struct pw_stage_env *env,
                                         struct pw_housekeeping_metrics *metrics, struct pw_fold *fold)
{
    struct pw_snapshots *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->env = env;
    s->fold = fold;
    s->event_cap = 2 * ((levels_max(env->config) + 1) / 2) + 1; /* two levels an event, and their DEPTH */
    s->events = calloc(s->event_cap, sizeof *s->events);
    s->metrics = metrics;
    if (s->events == NULL || !attach_parsers(s)) {
        pw_snapshots_destroy(s);
        return NULL;
    }
    const int64_t *banned_until_ns = PW_ATTACHED(env, housekeeping)->banned_until_ns;
    s->markets = pw_workspace_rows(env->ws, "quotes", PW_REGION_QUOTES);
    s->conns = pw_net_conns(PW_ATTACHED(env, housekeeping)->nets[0]);
    if (banned_until_ns != NULL) {
        memcpy(s->paused_until_ns, banned_until_ns, sizeof s->paused_until_ns);
    }
    const struct pw_config_feeds *feeds = PW_CONFIG(env->config, feeds);
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        if (!init_feed(s, env, i)) {
            pw_snapshots_destroy(s);
            return NULL;
        }
    }
    return s;
}

void pw_snapshots_destroy(struct pw_snapshots *s)
{
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < PW_FEEDS_MAX; i++) {
        if (s->feeds[i].fetch != NULL) {
            pw_fetch_destroy(s->feeds[i].fetch);
        }
    }
    free(s->events);
    free(s);
}

void pw_snapshots_want(struct pw_snapshots *s, uint16_t instrument_idx)
{
    if (instrument_idx < s->env->instrument_cnt) {
        s->wanted[instrument_idx] = true;
    }
}

/* The next wanted instrument of this feed, in turn; PW_NO_INSTRUMENT if there is none. */
static uint16_t next_wanted(const struct pw_snapshots *s, uint32_t feed_idx)
{
    uint32_t cnt = s->env->instrument_cnt;
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t idx = (s->feeds[feed_idx].next_idx + i) % cnt;
        if (s->wanted[idx] && s->env->instruments[idx].feed_idx == feed_idx) {
            return (uint16_t)idx;
        }
    }
    return PW_NO_INSTRUMENT;
}

/* True, and the weight spent, if the budget allows a request of this weight now. */
static bool spend(struct budget *budget, uint32_t weight, int64_t now_ns)
{
    const int64_t full_e9 = budget->weight_per_minute * PW_NS_PER_S;
    int64_t passed_ns = now_ns - budget->time_ns;
    if (passed_ns > 0) {
        int64_t gained_e9 =
            passed_ns > 60 * PW_NS_PER_S ? full_e9 : passed_ns * budget->weight_per_minute / 60;
        budget->left_e9 = full_e9 - budget->left_e9 < gained_e9 ? full_e9 : budget->left_e9 + gained_e9;
        budget->time_ns = now_ns;
    }
    if (budget->left_e9 < weight * PW_NS_PER_S) {
        return false;
    }
    budget->left_e9 -= weight * PW_NS_PER_S;
    pw_assert(budget->left_e9 >= 0 && budget->left_e9 <= full_e9);
    return true;
}

bool pw_snapshots_spend(struct pw_snapshots *s, uint32_t feed_idx, uint32_t weight, int64_t now_ns)
{
    return spend(s->feeds[feed_idx].budget, weight, now_ns);
}

void pw_snapshots_pause(struct pw_snapshots *s, uint32_t host_idx, int64_t until_ns)
{
    pw_assert(host_idx < PW_FEEDS_MAX);
    int64_t *paused_ns = &s->paused_until_ns[host_idx];
    *paused_ns = until_ns > *paused_ns ? until_ns : *paused_ns;
}

int64_t pw_snapshots_paused_until_ns(const struct pw_snapshots *s, uint32_t host_idx)
{
    return s->paused_until_ns[host_idx];
}

/* When the feed may ask again. */
static int64_t opens_ns(const struct pw_snapshots *s, uint32_t feed_idx)
{
    int64_t paused_ns = s->paused_until_ns[pw_conns_host_of_feed(s->conns, feed_idx)];
    int64_t not_before_ns = s->feeds[feed_idx].not_before_ns;
    return not_before_ns > paused_ns ? not_before_ns : paused_ns;
}

static void retry_later(struct pw_snapshots *s, uint32_t feed_idx, const char *why, int64_t now_ns)
{
    struct snapshot_feed *feed = &s->feeds[feed_idx];
    int64_t pause_ns = RETRY_MIN_NS << (feed->failure_cnt < 7 ? feed->failure_cnt : 7);
    pause_ns = pause_ns > RETRY_MAX_NS ? RETRY_MAX_NS : pause_ns;
    feed->failure_cnt++;
    feed->not_before_ns = now_ns + pause_ns;
    s->metrics->fetch_errors++;
    char key[PW_FOLD_KEY_BYTES];
    snprintf(key, sizeof key, "snapshot %s %.60s", PW_CONFIG(s->env->config, feeds)->feeds[feed_idx].name,
             why);
    pw_fold_log(s->fold, now_ns, PW_LOG_WARN, key, 1,
                "feed %s: no depth snapshot of %s: %s; retrying in %" PRId64 " ms",
                PW_CONFIG(s->env->config, feeds)->feeds[feed_idx].name,
                s->env->instruments[feed->instrument_idx].symbol, why,
                (opens_ns(s, feed_idx) - now_ns) / 1000000);
}

static void start_fetch(struct pw_snapshots *s, uint32_t feed_idx, int64_t now_ns)
{
    struct snapshot_feed *feed = &s->feeds[feed_idx];
    uint16_t idx = next_wanted(s, feed_idx);
    pw_assert(!feed->busy);
    uint32_t limit = PW_CONFIG(s->env->config, feeds)->feeds[feed_idx].snapshot_limit;
    if (idx == PW_NO_INSTRUMENT || now_ns < opens_ns(s, feed_idx)) {
        return;
    }
    pw_assert(feed->market->snapshot_target != NULL); /* a book without a rule wants no snapshot */
    if (!spend(feed->budget, feed->market->snapshot_weight(limit), now_ns)) {
        feed->not_before_ns = now_ns + RETRY_MIN_NS;
        return;
    }
    char target[256];
    pw_assert(s->wanted[idx] && s->env->instruments[idx].feed_idx == feed_idx);
    feed->instrument_idx = idx;
    int err = feed->market->snapshot_target(s->env->instruments[idx].symbol, limit, target, sizeof target);
    err = err != 0 ? err : pw_fetch_start(feed->fetch, feed_idx, target, now_ns + FETCH_TIMEOUT_NS, now_ns);
    if (err != 0) {
        retry_later(s, feed_idx, strerror(-err), now_ns);
        return;
    }
    s->metrics->fetches++;
    feed->busy = true;
    s->wanted[idx] = false;
    feed->next_idx = (uint16_t)(idx + 1);
}

/* Decodes the answer into `events`; they leave in pieces. */
static void take_answer(struct pw_snapshots *s, uint32_t feed_idx, int64_t now_ns)
{
    struct snapshot_feed *feed = &s->feeds[feed_idx];
    uint32_t status = pw_fetch_status(feed->fetch);
    size_t size;
    const char *body = pw_fetch_body(feed->fetch, &size);
    char why[96];
    if (!pw_fetch_is_answer(feed->fetch, why, sizeof why)) {
        uint32_t retry_after_s = pw_fetch_retry_after_s(feed->fetch);
        int64_t asked_ns =
            now_ns + (int64_t)retry_after_s * PW_NS_PER_S; /* others (503) may ask to wait, too */
        pw_snapshots_pause(s, pw_conns_host_of_feed(s->conns, feed_idx),
                           pw_ban_of_answer(status, retry_after_s, now_ns));
        s->wanted[feed->instrument_idx] = true;
        retry_later(s, feed_idx, why, now_ns);
        feed->not_before_ns = asked_ns > feed->not_before_ns ? asked_ns : feed->not_before_ns;
        return;
    }
    struct pw_symbol symbol = {feed->instrument_idx, s->env->instruments[feed->instrument_idx].unit_shift};
    int cnt = feed->market->snapshot_decode(body, size, symbol, now_ns, s->events, s->event_cap);
    if (cnt < 0) {
        s->wanted[feed->instrument_idx] = true;
        retry_later(s, feed_idx, pw_decode_name((enum pw_decode)cnt), now_ns);
        return;
    }
    s->events[0].body.depth.level_cnt_max = PW_CONFIG(s->env->config, feeds)->feeds[feed_idx].snapshot_limit;
    s->line_idx = pw_feeds_line_idx(PW_CONFIG(s->env->config, feeds), feed_idx);
    pw_assert((uint32_t)cnt <= s->event_cap && s->event_next == s->event_cnt); /* the one before has left */
    s->event_cnt = (uint32_t)cnt;
    s->event_next = 0;
    feed->failure_cnt = 0;
    feed->not_before_ns = now_ns + RETRY_MIN_NS;
}

static uint32_t drive_feed(struct pw_snapshots *s, uint32_t feed_idx, int64_t now_ns)
{
    struct snapshot_feed *feed = &s->feeds[feed_idx];
    if (!feed->busy) {
        start_fetch(s, feed_idx, now_ns);
        return feed->busy;
    }
    enum pw_fetch_result result = pw_fetch_poll(feed->fetch, now_ns);
    if (result == PW_FETCH_PENDING) {
        return 0;
    }
    if (result == PW_FETCH_DONE && s->event_next < s->event_cnt) {
        return 0; /* another feed's snapshot is still on its way to parse */
    }
    feed->busy = false;
    if (result == PW_FETCH_DONE) {
        take_answer(s, feed_idx, now_ns);
    } else {
        s->wanted[feed->instrument_idx] = true;
        retry_later(s, feed_idx, pw_fetch_error(feed->fetch), now_ns);
    }
    pw_fetch_end(feed->fetch);
    return 1;
}

static uint32_t put_piece(struct pw_snapshots *s)
{
    pw_assert(s->event_next <= s->event_cnt && s->event_cnt <= s->event_cap);
    pw_assert(s->line_idx < PW_LINES_MAX);
    struct pw_producer *to_parse = &s->to_parse[s->line_idx];
    uint32_t left = s->event_cnt - s->event_next;
    uint64_t n = left < PIECE_EVENTS ? left : PIECE_EVENTS;
    uint64_t room = n > 0 ? pw_producer_room(to_parse, n) : 0;
    n = room < n ? room : n;
    for (uint64_t i = 0; i < n; i++) {
        pw_producer_put(to_parse, &s->events[s->event_next++]);
    }
    pw_producer_publish(to_parse);
    return (uint32_t)n;
}

struct pw_producer *pw_snapshots_to_parse(struct pw_snapshots *s, uint32_t feed_idx)
{
    return &s->to_parse[pw_feeds_line_idx(PW_CONFIG(s->env->config, feeds), feed_idx)];
}

/* Tells parse, which then holds the book's updates and asks for a snapshot. */
static void renew_book(struct pw_snapshots *s, uint32_t idx, uint64_t outgrown_id, int64_t now_ns)
{
    const struct pw_instrument *instrument = &s->env->instruments[idx];
    struct pw_producer *to_parse = pw_snapshots_to_parse(s, instrument->feed_idx);
    if (pw_producer_room(to_parse, 1) < 1) {
        return; /* at the next look */
    }
    struct pw_event event = {
        .kind = PW_EVENT_SNAPSHOT_REQUEST, .instrument_idx = (uint16_t)idx, .recv_ns = now_ns};
    event.body.depth.last_update_id = outgrown_id;
    pw_producer_put(to_parse, &event);
    pw_producer_publish(to_parse);
    s->renewed_ns[idx] = now_ns;
    pw_log(PW_LOG_INFO, "feed %s: %s: the price nears the end of the book's snapshot; requesting another",
           instrument->feed, instrument->symbol);
}

/* Books whose best price has come to the end of what their snapshot told. */
static void look_at_books(struct pw_snapshots *s, int64_t now_ns)
{
    struct pw_market market;
    if (s->markets == NULL || now_ns < s->next_look_ns) {
        return;
    }
    s->next_look_ns = now_ns + LOOK_NS;
    for (uint32_t i = 0; i < s->env->instrument_cnt; i++) {
        const struct pw_venue_market *venue = s->feeds[s->env->instruments[i].feed_idx].market;
        if (venue->snapshot_target != NULL &&
            pw_cell_read(&s->markets[i].cell, s->markets[i].words, &market, sizeof market) &&
            market.book_outgrown_id != 0 && now_ns - s->renewed_ns[i] >= RENEW_NS) {
            renew_book(s, i, market.book_outgrown_id, now_ns);
        }
    }
}

uint32_t pw_snapshots_poll(struct pw_snapshots *s, int64_t now_ns)
{
    uint32_t work = 0;
    look_at_books(s, now_ns);
    for (uint32_t i = 0; i < PW_CONFIG(s->env->config, feeds)->feed_cnt; i++) {
        work += drive_feed(s, i, now_ns);
    }
    return work + put_piece(s);
}

int64_t pw_snapshots_next_ns(const struct pw_snapshots *s)
{
    int64_t next_ns = s->event_next < s->event_cnt ? 0 : INT64_MAX;
    for (uint32_t i = 0; i < PW_CONFIG(s->env->config, feeds)->feed_cnt; i++) {
        const struct snapshot_feed *feed = &s->feeds[i];
        int64_t feed_ns = feed->busy                              ? pw_fetch_next_ns(feed->fetch)
                          : next_wanted(s, i) != PW_NO_INSTRUMENT ? opens_ns(s, i)
                                                                  : INT64_MAX;
        next_ns = feed_ns < next_ns ? feed_ns : next_ns;
    }
    return next_ns;
}
