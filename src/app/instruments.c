/* SPDX-License-Identifier: MIT
 *
 * exchangeInfo at start: cold, before any stage exists, so it may wait.
 */
#include "instruments.h"
#include "ban.h"
#include "feeds.h"
#include "fold.h"
#include "listing.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FETCH_TIMEOUT_NS (20 * PW_NS_PER_S)
#define BODY_BYTES_MAX   ((size_t)64 << 20) /* the whole of exchangeInfo is about 20 MB */
#define RETRY_MIN_NS     (PW_NS_PER_S / 4)
#define RETRY_MAX_NS     (30 * PW_NS_PER_S)
#define UNTRUSTED_NS     (60 * PW_NS_PER_S) /* after a certificate that was rejected: only people mend it */
#define STEP_NS          1000000

static void pause_ns(int64_t ns)
{
    struct timespec pause = {.tv_sec = ns / PW_NS_PER_S, .tv_nsec = ns % PW_NS_PER_S};
    nanosleep(&pause, NULL);
}

/* Shown, and so stored at once by the desk: the user may lose patience and start again. */
static void note_ban(struct pw_engine *engine, uint32_t feed_idx, uint32_t http_status,
                     uint32_t retry_after_s)
{
    int64_t now_ns = pw_clock_now_ns(&engine->clock);
    int64_t until_ns = pw_ban_of_answer(http_status, retry_after_s, now_ns);
    uint32_t host_idx = pw_conns_host_of_feed(&engine->conns, feed_idx);
    if (until_ns > engine->banned_until_ns[host_idx]) {
        engine->banned_until_ns[host_idx] = until_ns;
        pw_bans_show(&engine->conns, host_idx, until_ns, engine->feed_views);
    }
}

static struct pw_fold g_fold; /* of failures; the start is one thread */

/* False: the engine is to end. */
static bool wait_until(struct pw_engine *engine, int64_t until_ns)
{
    while (pw_clock_now_ns(&engine->clock) < until_ns && !pw_desk_should_end(&engine->desk)) {
        pw_fold_poll(&g_fold, pw_clock_now_ns(&engine->clock));
        pause_ns(STEP_NS * 10);
    }
    return !pw_desk_should_end(&engine->desk);
}

/* Of a feed whose instruments are still to be loaded. */
struct waiting {
    bool is_loaded;
    int64_t retry_ns, backoff_ns;
    uint32_t first_idx; /* of its instruments */
};

static int64_t ban_of(const struct pw_engine *engine, uint32_t feed_idx)
{
    return engine->banned_until_ns[pw_conns_host_of_feed(&engine->conns, feed_idx)];
}

/* The feed that may be asked first; its time into *at_ns. feed_cnt: all are loaded. */
static uint32_t next_feed(const struct pw_engine *engine, const struct waiting *feeds, uint32_t feed_cnt,
                          int64_t *at_ns)
{
    uint32_t next = feed_cnt;
    for (uint32_t i = 0; i < feed_cnt; i++) {
        int64_t ban_ns = ban_of(engine, i);
        int64_t opens_ns = ban_ns > feeds[i].retry_ns ? ban_ns : feeds[i].retry_ns;
        if (!feeds[i].is_loaded && (next == feed_cnt || opens_ns < *at_ns)) {
            next = i;
            *at_ns = opens_ns;
        }
    }
    return next;
}

static void log_ban(const struct pw_engine *engine, uint32_t feed_idx)
{
    char host[PW_BAN_HOST_BYTES];
    int64_t left_ns = ban_of(engine, feed_idx) - pw_clock_now_ns(&engine->clock);
    if (left_ns > 0) {
        uint32_t host_idx = pw_conns_host_of_feed(&engine->conns, feed_idx);
        pw_log(PW_LOG_WARN, "rate-limit ban of %s: %" PRId64 " s left; waiting",
               pw_bans_name(&engine->conns, host_idx, host), left_ns / PW_NS_PER_S + 1);
    }
}

/* Each by its name and its place in the config, so that nobody has to search. */
static int log_faults(const struct pw_engine *engine, const struct pw_listing *listing)
{
    uint32_t fault_cnt = 0;
    char place[320];
    for (uint32_t i = 0; i < listing->feed->instrument_cnt; i++) {
        const struct pw_instrument_said *said = &listing->list.said[i];
        if (said->fault != 0) {
            pw_config_place(engine->config, place, sizeof place, "feeds[%u].instruments[%u]",
                            listing->list.feed_idx, i);
            pw_log(PW_LOG_ERROR, "%s: feed %s: instrument '%s': %s", place, listing->feed->name,
                   listing->feed->instruments[i], said->text);
            fault_cnt++;
        } else if (!listing->list.rows[i].tradable) {
            pw_log(PW_LOG_WARN, "feed %s: %s is not open for trading (%s): its orders are denied",
                   listing->feed->name, listing->feed->instruments[i], said->status);
        }
    }
    return fault_cnt == 0 ? 0 : -EINVAL;
}

/* One try. 0, -ECANCELED, -EINVAL (final) or -EAGAIN (logged; *wait_ns: as long as the venue asked for). */
static int load_feed(struct pw_engine *engine, struct pw_fetch *fetch, uint32_t feed_idx, uint32_t first_idx,
                     struct pw_instrument *table, int64_t *wait_ns)
{
    static struct pw_instrument_said said[PW_INSTRUMENTS_MAX];
    const struct pw_config_feed *feed = &PW_CONFIG(engine->config, feeds)->feeds[feed_idx];
    struct pw_listing listing = {
        .fetch = fetch,
        .feed = feed,
        .list = {.feed_idx = feed_idx, .rows = &table[first_idx], .said = said},
        .timeout_ns = FETCH_TIMEOUT_NS,
    };
    int err = pw_listing_start(&listing, pw_clock_now_ns(&engine->clock));
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "feed %s: cannot request instruments: %s", feed->name, strerror(-err));
        return -EINVAL;
    }
    enum pw_listing_result result;
    while ((result = pw_listing_poll(&listing, pw_clock_now_ns(&engine->clock))) == PW_LISTING_PENDING) {
        if (pw_desk_should_end(&engine->desk)) {
            pw_log(PW_LOG_WARN, "feed %s: cannot load instruments: %s has not answered yet", feed->name,
                   feed->rest_url);
            return -ECANCELED;
        }
        pause_ns(STEP_NS);
    }
    if (result == PW_LISTING_RETRY) {
        bool untrusted = pw_fetch_is_untrusted(fetch);
        note_ban(engine, feed_idx, listing.http_status, listing.retry_after_s);
        *wait_ns = untrusted ? UNTRUSTED_NS : (int64_t)listing.retry_after_s * PW_NS_PER_S;
        char key[PW_FOLD_KEY_BYTES];
        snprintf(key, sizeof key, "%s %.90s", feed->name, listing.list.error);
        pw_fold_log(&g_fold, pw_clock_now_ns(&engine->clock), untrusted ? PW_LOG_ERROR : PW_LOG_WARN, key, 1,
                    "feed %s: cannot load instruments: %s; retrying", feed->name, listing.list.error);
        return -EAGAIN;
    }
    if (result == PW_LISTING_REFUSED) {
        pw_log(PW_LOG_ERROR, "feed %s: cannot load instruments: %s", feed->name, listing.list.error);
        return -EINVAL;
    }
    return log_faults(engine, &listing);
}

/* One feed, when its time has come. 0, or an error that is final. */
static int load_next(struct pw_engine *engine, struct pw_fetch *fetch, uint32_t feed_idx, int64_t at_ns,
                     struct waiting *waiting, struct pw_instrument *table)
{
    log_ban(engine, feed_idx);
    if (!wait_until(engine, at_ns)) {
        return -ECANCELED;
    }
    int64_t wait_ns = 0;
    int err = load_feed(engine, fetch, feed_idx, waiting->first_idx, table, &wait_ns);
    pw_fetch_end(fetch);
    if (err == -EAGAIN) {
        int64_t pause_ns = wait_ns > waiting->backoff_ns ? wait_ns : waiting->backoff_ns;
        waiting->retry_ns = pw_clock_now_ns(&engine->clock) + pause_ns;
        waiting->backoff_ns = waiting->backoff_ns * 2 > RETRY_MAX_NS ? RETRY_MAX_NS : waiting->backoff_ns * 2;
        return 0;
    }
    waiting->is_loaded = err == 0;
    return err;
}

int pw_instruments_load(struct pw_engine *engine, struct pw_instrument *table)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(engine->config, feeds);
    struct waiting waiting[PW_FEEDS_MAX];
    struct pw_fetch *fetch = pw_fetch_create(engine->nets[0], BODY_BYTES_MAX);
    if (fetch == NULL) {
        return -ENOMEM;
    }
    uint32_t first_idx = 0, next;
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        waiting[i] = (struct waiting){.backoff_ns = RETRY_MIN_NS, .first_idx = first_idx};
        first_idx += feeds->feeds[i].instrument_cnt;
    }
    int err = 0;
    int64_t at_ns = 0;
    while (err == 0 && (next = next_feed(engine, waiting, feeds->feed_cnt, &at_ns)) < feeds->feed_cnt) {
        err = load_next(engine, fetch, next, at_ns, &waiting[next], table);
    }
    pw_fold_end(&g_fold, pw_clock_now_ns(&engine->clock));
    pw_fetch_destroy(fetch);
    return err;
}
