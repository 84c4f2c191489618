/* SPDX-License-Identifier: MIT
 *
 * One request at a time, the feeds in turn.
 */
#include "rules_watch.h"
#include "ban.h"
#include "decimal.h"
#include "feeds.h"
#include "listing.h"
#include "pw_assert.h"
#include "rules.h"
#include "text.h"
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_NS (20 * PW_NS_PER_S)
#define BODY_BYTES_MAX   ((size_t)64 << 20) /* all of a venue's instruments */
#define ASK_MIN_NS       (2 * PW_NS_PER_S)  /* between two requests of a feed, whatever the occasion */
#define RETRY_MAX_NS     (60 * PW_NS_PER_S)

struct watched_feed {
    int64_t at_ns;    /* when it is asked next */
    int64_t asked_ns; /* when it was asked last */
    int64_t backoff_ns;
    uint64_t connect_cnt; /* of its connection, as last seen */
    uint32_t first_idx;   /* of its instruments */
    bool is_doubted;      /* orders were rejected by its rules: what is in force is told again, too */
};

struct pw_rules_watch {
    const struct pw_stage_env *env;
    struct pw_snapshots *snapshots;
    const struct pw_conns *conns;
    const struct pw_config_feeds *feeds;
    const struct pw_feed_view *views;
    const _Atomic uint64_t *rejected; /* NULL: nothing counts them */
    uint64_t rejected_cnt;
    struct pw_fold *fold;
    struct pw_fetch *fetch;
    struct pw_listing listing; /* under way, if busy */
    uint32_t busy_idx;         /* the feed asked; PW_FEEDS_MAX: none */
    bool busy_is_doubted;      /* when it was asked */
    struct watched_feed watched[PW_FEEDS_MAX];
    struct pw_instrument in_force[PW_INSTRUMENTS_MAX]; /* as parse has been told, or is to be */
    bool owed[PW_INSTRUMENTS_MAX];                     /* and found no room yet */
    uint32_t owed_cnt;
    struct pw_instrument rows[PW_INSTRUMENTS_MAX];
    struct pw_instrument_said said[PW_INSTRUMENTS_MAX];
};

/* ---- what has changed ---- */

/* Amounts have the same units with any instrument. */
static void put_amount(struct pw_text *text, const struct pw_instrument *instrument, int64_t amount_e8)
{
    (void)instrument;
    pw_text_put_e8(text, amount_e8);
}

static void put_multiple(struct pw_text *text, const struct pw_instrument *instrument, int64_t multiple_e6)
{
    (void)instrument;
    pw_text_put_e8(text, 100 * multiple_e6);
}

#define AT(member) offsetof(struct pw_instrument, member)
static const struct {
    const char *name;
    size_t offset;
    void (*put)(struct pw_text *text, const struct pw_instrument *instrument, int64_t value);
} filters[] = {
    {"tick", AT(tick_e8), pw_text_put_price},
    {"min_price", AT(min_price_e8), pw_text_put_price},
    {"max_price", AT(max_price_e8), pw_text_put_price},
    {"step", AT(step_e8), pw_text_put_qty},
    {"min_qty", AT(min_qty_e8), pw_text_put_qty},
    {"max_qty", AT(max_qty_e8), pw_text_put_qty},
    {"market_step", AT(market_step_e8), pw_text_put_qty},
    {"market_min_qty", AT(market_min_qty_e8), pw_text_put_qty},
    {"market_max_qty", AT(market_max_qty_e8), pw_text_put_qty},
    {"min_notional", AT(min_notional_e8), put_amount},
    {"max_notional", AT(max_notional_e8), put_amount},
    {"bid_multiplier_up", AT(band[PW_BUY].up_e6), put_multiple},
    {"bid_multiplier_down", AT(band[PW_BUY].down_e6), put_multiple},
    {"ask_multiplier_up", AT(band[PW_SELL].up_e6), put_multiple},
    {"ask_multiplier_down", AT(band[PW_SELL].down_e6), put_multiple},
};
#undef AT

static int64_t filter_of(const struct pw_instrument *row, size_t i)
{
    int64_t value;
    uint32_t multiple_e6;
    memcpy(&value, (const char *)row + filters[i].offset, sizeof value);
    memcpy(&multiple_e6, (const char *)row + filters[i].offset, sizeof multiple_e6);
    return filters[i].put == put_multiple ? multiple_e6 : value;
}

/* A change of a switch alone has no line of its own. */
static void log_filters(const struct pw_instrument *before, const struct pw_instrument *now)
{
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        if (filter_of(before, i) != filter_of(now, i)) {
            char change[2 * PW_DECIMAL_TEXT_BYTES + 8];
            struct pw_text text = pw_text_start(change, sizeof change);
            filters[i].put(&text, before, filter_of(before, i));
            pw_text_put(&text, " to ");
            filters[i].put(&text, now, filter_of(now, i));
            pw_log(PW_LOG_WARN, "feed %s: %s: the venue changed %s from %s", before->feed, before->symbol,
                   filters[i].name, change);
        }
    }
}

/* Is it still what orders and positions take it for? */
static bool is_same(const struct pw_instrument *a, const struct pw_instrument *b)
{
    return memcmp(a->base, b->base, sizeof a->base) == 0 &&
           memcmp(a->quote, b->quote, sizeof a->quote) == 0 && a->kind == b->kind &&
           a->multiplier_e8 == b->multiplier_e8 && a->unit_shift == b->unit_shift;
}

bool pw_rules_watch_take(struct pw_instrument *before, const struct pw_instrument *now,
                         const struct pw_instrument_said *said, bool is_doubted)
{
    struct pw_instrument next = *before;
    const char *why = said->status;
    if (said->fault != 0) {
        next.tradable = 0;
        why = said->text;
    } else if (!is_same(before, now)) {
        next.tradable = 0;
        why = "its assets or units have changed: restart the engine";
    } else {
        next = *now;
    }
    if (pw_rules_equal(before, &next)) {
        return is_doubted && next.tradable;
    }
    if (next.tradable != before->tradable) {
        pw_log(PW_LOG_WARN, "feed %s: %s is %s for trading%s%s%s", before->feed, before->symbol,
               next.tradable ? "open" : "not open", next.tradable ? "" : " (", next.tradable ? "" : why,
               next.tradable ? "" : "): its orders are denied");
    }
    log_filters(before, &next);
    *before = next;
    return true;
}

/* ---- when ---- */

static void want(struct pw_rules_watch *w, uint32_t feed_idx, int64_t now_ns)
{
    struct watched_feed *feed = &w->watched[feed_idx];
    int64_t earliest_ns = feed->asked_ns + ASK_MIN_NS;
    earliest_ns = earliest_ns > now_ns ? earliest_ns : now_ns;
    feed->at_ns = feed->at_ns < earliest_ns ? feed->at_ns : earliest_ns;
}

/* A connection that is up again, and orders that were rejected by rules which we did not know. */
static void see_occasions(struct pw_rules_watch *w, int64_t now_ns)
{
    /* Relaxed: other stages' counts, each an occasion and no more. */
    uint64_t rejected = w->rejected != NULL ? atomic_load_explicit(w->rejected, memory_order_relaxed) : 0;
    for (uint32_t i = 0; i < w->feeds->feed_cnt; i++) {
        const struct pw_feed_view *view = &w->views[w->conns->of_feed[i]];
        uint64_t connects = atomic_load_explicit(&view->connect_cnt, memory_order_relaxed);
        bool is_rejected = rejected != w->rejected_cnt;
        if ((connects > 1 && connects != w->watched[i].connect_cnt) || is_rejected) {
            want(w, i, now_ns);
        }
        w->watched[i].is_doubted |= is_rejected;
        w->watched[i].connect_cnt = connects;
    }
    w->rejected_cnt = rejected;
}

static int64_t opens_ns(const struct pw_rules_watch *w, uint32_t feed_idx)
{
    int64_t paused_ns = pw_snapshots_paused_until_ns(w->snapshots, pw_conns_host_of_feed(w->conns, feed_idx));
    return paused_ns > w->watched[feed_idx].at_ns ? paused_ns : w->watched[feed_idx].at_ns;
}

static int64_t interval_ns(const struct pw_rules_watch *w, uint32_t feed_idx)
{
    return w->feeds->feeds[feed_idx].rules_interval_s * PW_NS_PER_S;
}

/* ---- asking ---- */

static void ask(struct pw_rules_watch *w, uint32_t feed_idx, int64_t now_ns)
{
    const struct pw_config_feed *config = &w->feeds->feeds[feed_idx];
    struct watched_feed *feed = &w->watched[feed_idx];
    if (!pw_snapshots_spend(w->snapshots, feed_idx, pw_listing_weight(config), now_ns)) {
        feed->at_ns = now_ns + PW_NS_PER_S;
        return;
    }
    w->listing = (struct pw_listing){.fetch = w->fetch,
                                     .feed = config,
                                     .list = {.feed_idx = feed_idx,
                                              .known = &w->in_force[feed->first_idx],
                                              .rows = w->rows,
                                              .said = w->said},
                                     .timeout_ns = FETCH_TIMEOUT_NS};
    feed->asked_ns = now_ns;
    feed->at_ns = now_ns + interval_ns(w, feed_idx);
    w->busy_idx = pw_listing_start(&w->listing, now_ns) == 0 ? feed_idx : PW_FEEDS_MAX;
    w->busy_is_doubted = feed->is_doubted;
    feed->is_doubted = feed->is_doubted && w->busy_idx == PW_FEEDS_MAX;
}

static void take_rows(struct pw_rules_watch *w)
{
    uint32_t first_idx = w->watched[w->busy_idx].first_idx;
    for (uint32_t i = 0; i < w->feeds->feeds[w->busy_idx].instrument_cnt; i++) {
        uint32_t idx = first_idx + i;
        if (pw_rules_watch_take(&w->in_force[idx], &w->rows[i], &w->said[i], w->busy_is_doubted)) {
            w->owed_cnt += !w->owed[idx];
            w->owed[idx] = true;
        }
    }
    w->watched[w->busy_idx].backoff_ns = 0;
}

static void ask_again(struct pw_rules_watch *w, enum pw_listing_result result, int64_t now_ns)
{
    struct watched_feed *feed = &w->watched[w->busy_idx];
    const struct pw_listing *listing = &w->listing;
    feed->is_doubted |= w->busy_is_doubted;
    int64_t ban_ns = pw_ban_of_answer(listing->http_status, listing->retry_after_s, now_ns);
    if (ban_ns != 0) {
        pw_snapshots_pause(w->snapshots, pw_conns_host_of_feed(w->conns, w->busy_idx), ban_ns);
    }
    if (result == PW_LISTING_RETRY) {
        int64_t asked_ns = listing->retry_after_s * PW_NS_PER_S, most_ns = interval_ns(w, w->busy_idx);
        feed->backoff_ns = feed->backoff_ns == 0 ? ASK_MIN_NS : feed->backoff_ns * 2;
        feed->backoff_ns = feed->backoff_ns > RETRY_MAX_NS ? RETRY_MAX_NS : feed->backoff_ns;
        feed->backoff_ns = feed->backoff_ns > most_ns ? most_ns : feed->backoff_ns;
        feed->at_ns = now_ns + (asked_ns > feed->backoff_ns ? asked_ns : feed->backoff_ns);
    }
    char key[PW_FOLD_KEY_BYTES];
    snprintf(key, sizeof key, "rules %s %.60s", listing->feed->name, listing->list.error);
    pw_fold_log(w->fold, now_ns, PW_LOG_WARN, key, 1,
                "feed %s: cannot update status and filters of instruments: %s", listing->feed->name,
                listing->list.error);
}

/* ---- to parse ---- */

static void put_owed(struct pw_rules_watch *w, int64_t now_ns)
{
    for (uint32_t i = 0; i < w->env->instrument_cnt && w->owed_cnt > 0; i++) {
        struct pw_event events[PW_RULES_EVENTS];
        struct pw_producer *to_parse = pw_snapshots_to_parse(w->snapshots, w->in_force[i].feed_idx);
        if (!w->owed[i] || pw_producer_room(to_parse, PW_RULES_EVENTS) < PW_RULES_EVENTS) {
            continue;
        }
        pw_rules_put(&w->in_force[i], (uint16_t)i, now_ns, events);
        for (uint32_t k = 0; k < PW_RULES_EVENTS; k++) {
            pw_producer_put(to_parse, &events[k]);
        }
        pw_producer_publish(to_parse);
        w->owed[i] = false;
        w->owed_cnt--;
    }
}

/* ---- the outside ---- */

const struct pw_instrument *pw_rules_watch_row(const struct pw_rules_watch *w, uint32_t instrument_idx)
{
    pw_assert(instrument_idx < w->env->instrument_cnt);
    return &w->in_force[instrument_idx];
}

uint32_t pw_rules_watch_poll(struct pw_rules_watch *w, int64_t now_ns)
{
    see_occasions(w, now_ns);
    put_owed(w, now_ns);
    for (uint32_t i = 0; i < w->feeds->feed_cnt && w->busy_idx == PW_FEEDS_MAX; i++) {
        if (w->watched[i].at_ns == 0) {
            w->watched[i].at_ns = now_ns + interval_ns(w, i); /* the start has just asked */
        } else if (opens_ns(w, i) <= now_ns) {
            ask(w, i, now_ns);
        }
    }
    if (w->busy_idx == PW_FEEDS_MAX) {
        return 0;
    }
    enum pw_listing_result result = pw_listing_poll(&w->listing, now_ns);
    if (result == PW_LISTING_PENDING) {
        return 0;
    }
    if (result == PW_LISTING_DONE) {
        take_rows(w);
    } else {
        ask_again(w, result, now_ns);
    }
    w->busy_idx = PW_FEEDS_MAX;
    put_owed(w, now_ns);
    return 1;
}

int64_t pw_rules_watch_next_ns(const struct pw_rules_watch *w)
{
    int64_t next_ns = w->busy_idx < PW_FEEDS_MAX ? pw_fetch_next_ns(w->fetch) : INT64_MAX;
    for (uint32_t i = 0; i < w->feeds->feed_cnt && w->busy_idx == PW_FEEDS_MAX; i++) {
        next_ns = opens_ns(w, i) < next_ns ? opens_ns(w, i) : next_ns;
    }
    return next_ns;
}

static bool attach(struct pw_rules_watch *w)
{
    const struct pw_metric_row *execution =
        pw_metrics_rows(w->env->ws, PW_METRIC_GROUP_execution, "execution");
    w->views = pw_workspace_rows(w->env->ws, "feeds", PW_REGION_FEEDS);
    w->rejected = execution != NULL ? PW_METRIC_WORD(execution, execution, rejected_by_rules) : NULL;
    return w->views != NULL;
}

struct pw_rules_watch *pw_rules_watch_create(const struct pw_stage_env *env, struct pw_snapshots *snapshots,
                                             struct pw_fold *fold)
{
    struct pw_rules_watch *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    *w = (struct pw_rules_watch){.env = env,
                                 .snapshots = snapshots,
                                 .fold = fold,
                                 .conns = pw_net_conns(PW_ATTACHED(env, housekeeping)->nets[0]),
                                 .feeds = PW_CONFIG(env->config, feeds),
                                 .busy_idx = PW_FEEDS_MAX};
    pw_assert(env->instrument_cnt <= PW_INSTRUMENTS_MAX);
    memcpy(w->in_force, env->instruments, env->instrument_cnt * sizeof w->in_force[0]);
    for (uint32_t i = 0, first_idx = 0; i < w->feeds->feed_cnt; i++) {
        w->watched[i].first_idx = first_idx;
        first_idx += w->feeds->feeds[i].instrument_cnt;
    }
    w->fetch = pw_fetch_create(PW_ATTACHED(env, housekeeping)->nets[0], BODY_BYTES_MAX);
    if (w->fetch == NULL || !attach(w)) {
        pw_rules_watch_destroy(w);
        return NULL;
    }
    return w;
}

void pw_rules_watch_destroy(struct pw_rules_watch *w)
{
    if (w != NULL) {
        pw_fetch_destroy(w->fetch);
        free(w);
    }
}
