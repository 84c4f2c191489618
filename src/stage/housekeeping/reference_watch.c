/* SPDX-License-Identifier: MIT
 *
 * One request at a time, the instruments in turn.
 */
#include "reference_watch.h"
#include "accounts_config.h"
#include "ban.h"
#include "feeds.h"
#include "pw_assert.h"
#include "rules.h"
#include "strategies_config.h"
#include <errno.h>
#include <pinwheel/units.h>
#include <pinwheel/venue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_NS (10 * PW_NS_PER_S)
#define BODY_BYTES_MAX   ((size_t)64 << 10)
#define INTERVAL_NS      (10 * PW_NS_PER_S) /* of an instrument, where its feed's share of the weight allows */
#define WEIGHT_SHARE     6                  /* a sixth of what the engine may spend */
#define ASKS_MAX         2                  /* for the reference price, and for what stands in for it */
#define FRESH_INTERVALS  3                  /* what is told is used so long: two answers may fail */
#define RETRY_MIN_NS     (2 * PW_NS_PER_S)
#define RETRY_MAX_NS     (60 * PW_NS_PER_S)
#define NEVER_NS         (600 * PW_NS_PER_S) /* before one that never had a reference price is asked again */

struct watched {
    bool is_traded;
    int64_t at_ns;           /* when it is asked next */
    int64_t reference_at_ns; /* when for the reference price: it never had one */
    int64_t backoff_ns;
    uint8_t next_source; /* enum pw_price_source; NONE: the first that there may be */
    uint8_t told_source; /* the same */
    bool is_told, is_owed;
    struct pw_event event; /* owed: it found no room yet */
};

struct pw_reference_watch {
    const struct pw_stage_env *env;
    struct pw_snapshots *snapshots;
    const struct pw_rules_watch *rules;
    const struct pw_conns *conns;
    const struct pw_config_feeds *feeds;
    const _Atomic uint64_t *rejected; /* NULL: nothing counts them */
    uint64_t rejected_cnt;
    struct pw_fold *fold;
    struct pw_fetch *fetch;
    uint32_t busy_idx; /* the instrument asked for; PW_INSTRUMENTS_MAX: none */
    uint8_t busy_source;
    uint32_t turn_idx;             /* where to look for the next one */
    uint32_t cnt_of[PW_FEEDS_MAX]; /* watched, by feed */
    struct watched watched[PW_INSTRUMENTS_MAX];
};

static const struct pw_instrument *row_of(const struct pw_reference_watch *w, uint32_t idx)
{
    return pw_rules_watch_row(w->rules, idx);
}

static const struct pw_venue_rest *rest_of(const struct pw_reference_watch *w, uint32_t idx)
{
    const struct pw_venue *venue = pw_venue_find(w->feeds->feeds[row_of(w, idx)->feed_idx].venue);
    return venue != NULL ? venue->rest : NULL;
}

/* ---- when ---- */

/* Between two rounds of an instrument: longer where its feed has many. */
static int64_t interval_ns(const struct pw_reference_watch *w, uint32_t idx)
{
    const struct pw_venue_rest *rest = rest_of(w, idx);
    int64_t weight = (int64_t)w->cnt_of[row_of(w, idx)->feed_idx] * ASKS_MAX * rest->price_weight;
    int64_t most_ns =
        rest->weight_per_minute > 0 ? weight * WEIGHT_SHARE * 60 * PW_NS_PER_S / rest->weight_per_minute : 0;
    return most_ns > INTERVAL_NS ? most_ns : INTERVAL_NS;
}

static bool is_wanted(const struct pw_reference_watch *w, uint32_t idx)
{
    const struct pw_instrument *row = row_of(w, idx);
    return w->watched[idx].is_traded && row->tradable && pw_rules_want_reference(row);
}

static int64_t opens_ns(const struct pw_reference_watch *w, uint32_t idx)
{
    uint32_t host_idx = pw_conns_host_of_feed(w->conns, row_of(w, idx)->feed_idx);
    int64_t paused_ns = pw_snapshots_paused_until_ns(w->snapshots, host_idx);
    return paused_ns > w->watched[idx].at_ns ? paused_ns : w->watched[idx].at_ns;
}

/* Orders were rejected by rules: perhaps by a price that is not known, or not any more. */
static void see_rejections(struct pw_reference_watch *w, int64_t now_ns)
{
    /* Relaxed: another stage's count, an occasion and no more. */
    uint64_t rejected = w->rejected != NULL ? atomic_load_explicit(w->rejected, memory_order_relaxed) : 0;
    for (uint32_t i = 0; rejected != w->rejected_cnt && i < w->env->instrument_cnt; i++) {
        struct watched *watched = &w->watched[i];
        bool retries = watched->backoff_ns != 0;
        watched->at_ns =
            retries || watched->at_ns < now_ns + RETRY_MIN_NS ? watched->at_ns : now_ns + RETRY_MIN_NS;
    }
    w->rejected_cnt = rejected;
}

/* ---- what is told ---- */

/* What stands in for a reference price. */
static enum pw_price_source stand_in(const struct pw_instrument *row)
{
    uint16_t mins;
    return !pw_rules_mean_mins(row, &mins) ? PW_PRICE_NONE : mins == 0 ? PW_PRICE_LAST : PW_PRICE_MEAN;
}

static void put_owed(struct pw_reference_watch *w, uint32_t idx)
{
    struct watched *watched = &w->watched[idx];
    struct pw_producer *to_parse = pw_snapshots_to_parse(w->snapshots, row_of(w, idx)->feed_idx);
    if (watched->is_owed && pw_producer_room(to_parse, 1) >= 1) {
        pw_producer_put(to_parse, &watched->event);
        pw_producer_publish(to_parse);
        watched->is_owed = false;
    }
}

/* price NULL: the venue has none of them. */
static void tell(struct pw_reference_watch *w, uint32_t idx, enum pw_price_source source,
                 const struct pw_venue_price *price, int64_t now_ns)
{
    struct watched *watched = &w->watched[idx];
    const struct pw_instrument *row = row_of(w, idx);
    if (!watched->is_told || watched->told_source != source) {
        pw_log(PW_LOG_INFO, "feed %s: %s: the venue's filters judge by %s", row->feed, row->symbol,
               source == PW_PRICE_REFERENCE ? "its reference price"
               : source == PW_PRICE_MEAN    ? "its mean price"
               : source == PW_PRICE_LAST    ? "its last price"
                                            : "a price that is not known; the touch stands in for it");
    }
    watched->event = (struct pw_event){.kind = PW_EVENT_REFERENCE_PRICE,
                                       .instrument_idx = (uint16_t)idx,
                                       .recv_ns = now_ns,
                                       .venue_ns = price != NULL ? price->venue_ns : 0};
    watched->event.body.reference_price =
        (struct pw_reference_price){.price_e8 = price != NULL ? price->price_e8 : 0,
                                    .fresh_ns = FRESH_INTERVALS * interval_ns(w, idx),
                                    .source = source,
                                    .mins = price != NULL ? price->mins : 0};
    watched->is_told = watched->is_owed = true;
    watched->told_source = (uint8_t)source;
    watched->next_source = PW_PRICE_NONE;
    watched->backoff_ns = 0;
    watched->at_ns = now_ns + interval_ns(w, idx);
    put_owed(w, idx);
}

/* ---- asking ---- */

static void ask_later(struct pw_reference_watch *w, uint32_t idx, uint32_t retry_after_s, const char *why,
                      int64_t now_ns)
{
    struct watched *watched = &w->watched[idx];
    const struct pw_instrument *row = row_of(w, idx);
    int64_t asked_ns = retry_after_s * PW_NS_PER_S;
    watched->backoff_ns = watched->backoff_ns == 0 ? RETRY_MIN_NS : watched->backoff_ns * 2;
    watched->backoff_ns = watched->backoff_ns > RETRY_MAX_NS ? RETRY_MAX_NS : watched->backoff_ns;
    watched->at_ns = now_ns + (asked_ns > watched->backoff_ns ? asked_ns : watched->backoff_ns);
    watched->next_source = PW_PRICE_NONE;
    char key[PW_FOLD_KEY_BYTES];
    snprintf(key, sizeof key, "reference price %s %.60s", row->feed, why);
    pw_fold_log(w->fold, now_ns, PW_LOG_WARN, key, 1,
                "feed %s: %s: cannot ask for the price by which the venue's filters judge: %s", row->feed,
                row->symbol, why);
}

static void ask(struct pw_reference_watch *w, uint32_t idx, int64_t now_ns)
{
    struct watched *watched = &w->watched[idx];
    const struct pw_instrument *row = row_of(w, idx);
    const struct pw_venue_rest *rest = rest_of(w, idx);
    enum pw_price_source source = (enum pw_price_source)watched->next_source;
    if (source == PW_PRICE_NONE) {
        source = now_ns >= watched->reference_at_ns ? PW_PRICE_REFERENCE : stand_in(row);
    }
    if (source == PW_PRICE_NONE) {
        tell(w, idx, PW_PRICE_NONE, NULL, now_ns);
        return;
    }
    if (!pw_snapshots_spend(w->snapshots, row->feed_idx, rest->price_weight, now_ns)) {
        watched->at_ns = now_ns + PW_NS_PER_S;
        return;
    }
    char target[256];
    int err = rest->price_target(source, row->symbol, target, sizeof target);
    err = err != 0 ? err : pw_fetch_start(w->fetch, row->feed_idx, target, now_ns + FETCH_TIMEOUT_NS, now_ns);
    if (err != 0) {
        ask_later(w, idx, 0, strerror(-err), now_ns);
        return;
    }
    w->busy_idx = idx;
    w->busy_source = (uint8_t)source;
}

/* An answer of any status: that there is no such price has one of its own. */
static void take_answer(struct pw_reference_watch *w, uint32_t idx, int64_t now_ns)
{
    struct watched *watched = &w->watched[idx];
    const struct pw_instrument *row = row_of(w, idx);
    enum pw_price_source source = (enum pw_price_source)w->busy_source;
    uint32_t status = pw_fetch_status(w->fetch), retry_after_s = pw_fetch_retry_after_s(w->fetch);
    struct pw_venue_price price = {0};
    size_t size;
    const char *body = pw_fetch_body(w->fetch, &size);
    char why[96] = "unexpected response";
    uint16_t mins = 0;
    bool is_answer = pw_fetch_is_answer(w->fetch, why, sizeof why);
    int err = is_answer || status == 400 ? rest_of(w, idx)->price(source, body, size, row, &price) : -EBADMSG;
    int64_t ban_ns = pw_ban_of_answer(status, retry_after_s, now_ns);
    if (ban_ns != 0) {
        pw_snapshots_pause(w->snapshots, pw_conns_host_of_feed(w->conns, row->feed_idx), ban_ns);
    }
    if (err == 0 && is_answer && source == PW_PRICE_MEAN &&
        (!pw_rules_mean_mins(row, &mins) || price.mins != mins)) {
        err = -ENODATA; /* a mean of other minutes is another price */
    }
    if (err == 0 && is_answer) {
        tell(w, idx, source, &price, now_ns);
    } else if (err != -ENOENT && err != -ENODATA) {
        ask_later(w, idx, retry_after_s, why, now_ns);
    } else if (source == PW_PRICE_REFERENCE && stand_in(row) != PW_PRICE_NONE) {
        watched->reference_at_ns = err == -ENOENT ? now_ns + NEVER_NS : 0;
        watched->next_source = (uint8_t)stand_in(row);
        watched->at_ns = now_ns;
    } else {
        tell(w, idx, PW_PRICE_NONE, NULL, now_ns);
    }
}

static uint32_t take_fetch(struct pw_reference_watch *w, int64_t now_ns)
{
    uint32_t idx = w->busy_idx;
    enum pw_fetch_result result = pw_fetch_poll(w->fetch, now_ns);
    if (result == PW_FETCH_PENDING) {
        return 0;
    }
    w->busy_idx = PW_INSTRUMENTS_MAX;
    if (result == PW_FETCH_DONE) {
        take_answer(w, idx, now_ns);
    } else {
        ask_later(w, idx, 0, pw_fetch_error(w->fetch), now_ns);
    }
    pw_fetch_end(w->fetch);
    return 1;
}

/* ---- the outside ---- */

uint32_t pw_reference_watch_poll(struct pw_reference_watch *w, int64_t now_ns)
{
    uint32_t cnt = w->env->instrument_cnt;
    see_rejections(w, now_ns);
    for (uint32_t i = 0; i < cnt; i++) {
        put_owed(w, i);
    }
    if (w->busy_idx < PW_INSTRUMENTS_MAX) {
        return take_fetch(w, now_ns);
    }
    for (uint32_t i = 0; i < cnt && w->busy_idx == PW_INSTRUMENTS_MAX; i++) {
        uint32_t idx = (w->turn_idx + i) % cnt;
        if (is_wanted(w, idx) && opens_ns(w, idx) <= now_ns) {
            ask(w, idx, now_ns);
            w->turn_idx = idx + (w->watched[idx].next_source == PW_PRICE_NONE);
        }
    }
    return w->busy_idx < PW_INSTRUMENTS_MAX;
}

int64_t pw_reference_watch_next_ns(const struct pw_reference_watch *w)
{
    int64_t next_ns = w->busy_idx < PW_INSTRUMENTS_MAX ? pw_fetch_next_ns(w->fetch) : INT64_MAX;
    for (uint32_t i = 0; i < w->env->instrument_cnt && w->busy_idx == PW_INSTRUMENTS_MAX; i++) {
        next_ns = is_wanted(w, i) && opens_ns(w, i) < next_ns ? opens_ns(w, i) : next_ns;
    }
    return next_ns;
}

/* Those that a strategy may order at a venue that takes part in the judgement. */
static void find_traded(struct pw_reference_watch *w)
{
    const struct pw_config_strategies *strategies = PW_CONFIG(w->env->config, strategies);
    for (uint32_t i = 0; i < strategies->strategy_cnt; i++) {
        const struct pw_config_strategy *strategy = &strategies->strategies[i];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            uint32_t idx = strategy->instruments[k];
            uint32_t account_idx =
                idx < w->env->instrument_cnt
                    ? pw_config_account_of_feed(w->env->config, w->env->instruments[idx].feed_idx)
                    : PW_NO_ACCOUNT;
            bool is_traded = account_idx != PW_NO_ACCOUNT && !w->watched[idx].is_traded &&
                             pw_config_account(w->env->config, account_idx).traits->connects &&
                             rest_of(w, idx) != NULL && rest_of(w, idx)->price != NULL;
            if (is_traded) {
                w->watched[idx].is_traded = true;
                w->cnt_of[w->env->instruments[idx].feed_idx]++;
            }
        }
    }
}

struct pw_reference_watch *pw_reference_watch_create(const struct pw_stage_env *env,
                                                     struct pw_snapshots *snapshots,
                                                     const struct pw_rules_watch *rules, struct pw_fold *fold)
{
    struct pw_reference_watch *w = calloc(1, sizeof *w);
    struct pw_fetch *fetch = pw_fetch_create(PW_ATTACHED(env, housekeeping)->nets[0], BODY_BYTES_MAX);
    if (w == NULL || fetch == NULL) {
        pw_fetch_destroy(fetch);
        free(w);
        return NULL;
    }
    const struct pw_metric_row *execution = pw_metrics_rows(env->ws, PW_METRIC_GROUP_execution, "execution");
    *w = (struct pw_reference_watch){
        .env = env,
        .snapshots = snapshots,
        .rules = rules,
        .conns = pw_net_conns(PW_ATTACHED(env, housekeeping)->nets[0]),
        .feeds = PW_CONFIG(env->config, feeds),
        .rejected = execution != NULL ? PW_METRIC_WORD(execution, execution, rejected_by_rules) : NULL,
        .fold = fold,
        .fetch = fetch,
        .busy_idx = PW_INSTRUMENTS_MAX};
    pw_assert(env->instrument_cnt <= PW_INSTRUMENTS_MAX);
    find_traded(w);
    return w;
}

void pw_reference_watch_destroy(struct pw_reference_watch *w)
{
    if (w != NULL) {
        pw_fetch_destroy(w->fetch);
        free(w);
    }
}
