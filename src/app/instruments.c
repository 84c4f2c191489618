/* SPDX-License-Identifier: MIT
 *
 * exchangeInfo at start: cold, before any stage exists, so it may wait.
 */
#include "instruments.h"
#include "ban.h"
#include "feeds.h"
#include "journal_config.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define SECOND_NS        INT64_C(1000000000)
#define FETCH_TIMEOUT_NS (20 * SECOND_NS)
#define BODY_BYTES_MAX   ((size_t)64 << 20) /* the whole of exchangeInfo is about 20 MB */
#define RETRY_MIN_NS     (SECOND_NS / 4)
#define RETRY_MAX_NS     (30 * SECOND_NS)
#define STEP_NS          1000000

static bool stop_pending(const sigset_t *stop_signals)
{
    sigset_t pending;
    sigpending(&pending);
    for (int sig = 1; sig < NSIG; sig++) {
        if (sigismember(stop_signals, sig) == 1 && sigismember(&pending, sig) == 1) {
            return true;
        }
    }
    return false;
}

static void pause_ns(int64_t ns)
{
    struct timespec pause = {.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
    nanosleep(&pause, NULL);
}

/* Written down at once: the user may lose patience and start again. */
static void note_ban(struct pw_engine *engine, uint32_t http_status, uint32_t retry_after_s)
{
    int64_t until_ns = pw_ban_of_answer(http_status, retry_after_s, pw_clock_now_ns(&engine->clock));
    if (until_ns > engine->banned_until_ns) {
        engine->banned_until_ns = until_ns;
        int err = pw_ban_keep(pw_journal_folder(engine->config), until_ns);
        if (err != 0) {
            pw_log(PW_LOG_WARN, "cannot store the venue's rate-limit ban for a restart: %s", strerror(-err));
        }
    }
}

/* False: a stop signal came first. */
static bool wait_until(struct pw_engine *engine, int64_t until_ns, const sigset_t *stop_signals)
{
    while (pw_clock_now_ns(&engine->clock) < until_ns) {
        if (stop_pending(stop_signals)) {
            return false;
        }
        pause_ns(STEP_NS * 10);
    }
    return true;
}

/* Until no ban of the venue's holds. */
static bool wait_for_ban(struct pw_engine *engine, const sigset_t *stop_signals)
{
    int64_t left_ns = engine->banned_until_ns - pw_clock_now_ns(&engine->clock);
    if (left_ns > 0) {
        pw_log(PW_LOG_WARN, "rate-limit ban: %" PRId64 " s left; waiting", left_ns / SECOND_NS + 1);
    }
    return wait_until(engine, engine->banned_until_ns, stop_signals);
}

/* One try. 0, -EINTR, -EINVAL (final) or -EAGAIN (logged; *wait_ns: as long as the venue asked for). */
static int load_feed(struct pw_engine *engine, struct pw_fetch *fetch, uint32_t feed_idx, uint32_t first_idx,
                     struct pw_instrument *table, const sigset_t *stop_signals, int64_t *wait_ns)
{
    const struct pw_config_feed *feed = &PW_CONFIG(engine->config, feeds)->feeds[feed_idx];
    const struct pw_venue_rest *rest = pw_venue_find(feed->venue)->rest; /* the config names no others */
    static char target[PW_TARGET_MAX];
    int err = rest->instruments_target(pw_feed_wants(feed), target, sizeof target);
    int64_t now_ns = pw_clock_now_ns(&engine->clock);
    err = err != 0 ? err : pw_fetch_start(fetch, feed_idx, target, now_ns + FETCH_TIMEOUT_NS, now_ns);
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "feed %s: cannot request instruments: %s", feed->name, strerror(-err));
        return -EINVAL;
    }
    enum pw_fetch_result result;
    while ((result = pw_fetch_poll(fetch, pw_clock_now_ns(&engine->clock))) == PW_FETCH_PENDING) {
        if (stop_pending(stop_signals)) {
            return -EINTR;
        }
        pause_ns(STEP_NS);
    }
    if (result == PW_FETCH_FAILED) {
        pw_log(PW_LOG_WARN, "feed %s: cannot load instruments: %s; retrying", feed->name,
               pw_fetch_error(fetch));
        return -EAGAIN;
    }
    size_t size;
    const char *body = pw_fetch_body(fetch, &size);
    char error[256];
    err =
        rest->instruments(body, size, pw_feed_wants(feed), feed_idx, &table[first_idx], error, sizeof error);
    if (err != 0 && pw_fetch_status(fetch) != 200) {
        note_ban(engine, pw_fetch_status(fetch), pw_fetch_retry_after_s(fetch));
        *wait_ns = (int64_t)pw_fetch_retry_after_s(fetch) * SECOND_NS;
        pw_log(PW_LOG_WARN, "feed %s: cannot load instruments: HTTP status %u: %s", feed->name,
               pw_fetch_status(fetch), error);
        return pw_fetch_status(fetch) == 400 ? -EINVAL : -EAGAIN;
    }
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "feed %s: %s", feed->name, error);
        return -EINVAL;
    }
    return 0;
}

int pw_instruments_load(struct pw_engine *engine, struct pw_instrument *table, const sigset_t *stop_signals)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(engine->config, feeds);
    struct pw_fetch *fetch = pw_fetch_create(engine->nets[0], BODY_BYTES_MAX);
    if (fetch == NULL) {
        return -ENOMEM;
    }
    int err = 0;
    uint32_t first_idx = 0;
    for (uint32_t i = 0; err == 0 && i < feeds->feed_cnt; i++) {
        int64_t backoff_ns = RETRY_MIN_NS;
        for (;;) {
            int64_t wait_ns = 0;
            if (!wait_for_ban(engine, stop_signals)) {
                err = -EINTR;
                break;
            }
            err = load_feed(engine, fetch, i, first_idx, table, stop_signals, &wait_ns);
            pw_fetch_end(fetch);
            if (err != -EAGAIN) {
                break;
            }
            int64_t until_ns =
                pw_clock_now_ns(&engine->clock) + (wait_ns > backoff_ns ? wait_ns : backoff_ns);
            wait_until(engine, until_ns, stop_signals);
            backoff_ns = backoff_ns * 2 > RETRY_MAX_NS ? RETRY_MAX_NS : backoff_ns * 2;
        }
        for (uint32_t k = 0; err == 0 && k < feeds->feeds[i].instrument_cnt; k++) {
            struct pw_instrument *row = &table[first_idx + k];
            memcpy(row->feed, feeds->feeds[i].name, sizeof row->feed);
            row->multiplier_e8 = row->multiplier_e8 ? row->multiplier_e8 : PW_E8;
        }
        first_idx += feeds->feeds[i].instrument_cnt;
    }
    pw_fetch_destroy(fetch);
    return err;
}
