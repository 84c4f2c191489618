/* SPDX-License-Identifier: MIT
 *
 * One request for a feed's instruments, and perhaps a second for all of the venue's.
 */
#include "listing.h"
#include "ban.h"
#include "pw_assert.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct pw_venue_rest *rest_of(const struct pw_config_feed *feed)
{
    const struct pw_venue *venue = pw_venue_find(feed->venue);
    pw_assert(venue != NULL && venue->rest != NULL); /* the config names no others */
    return venue->rest;
}

uint32_t pw_listing_weight(const struct pw_config_feed *feed)
{
    return rest_of(feed)->instruments_weight;
}

static int ask(struct pw_listing *listing, bool is_whole, int64_t now_ns)
{
    static char target[PW_TARGET_MAX]; /* one cold thread at a time: the start's, then housekeeping's */
    struct pw_venue_wants wants = pw_feed_wants(listing->feed);
    wants.symbol_cnt = is_whole ? 0 : wants.symbol_cnt;
    int err = rest_of(listing->feed)->instruments_target(wants, target, sizeof target);
    listing->is_whole = is_whole;
    return err != 0 ? err
                    : pw_fetch_start(listing->fetch, listing->list.feed_idx, target,
                                     now_ns + listing->timeout_ns, now_ns);
}

int pw_listing_start(struct pw_listing *listing, int64_t now_ns)
{
    listing->http_status = listing->retry_after_s = 0;
    listing->refusal[0] = listing->list.error[0] = '\0';
    return ask(listing, false, now_ns);
}

/* Ours are refused, or the list that was to show which. */
static enum pw_listing_result refused(struct pw_listing *listing)
{
    snprintf(listing->list.error, sizeof listing->list.error, "%.255s", listing->refusal);
    return PW_LISTING_REFUSED;
}

/* Another status than 200. Of its body only the venue's own words are of interest. */
static enum pw_listing_result take_status(struct pw_listing *listing, const char *why, int64_t now_ns)
{
    size_t size;
    const char *body = pw_fetch_body(listing->fetch, &size);
    struct pw_instrument_list said = {0};
    const struct pw_venue_wants none = {0};
    int words = sizeof listing->list.error - 3 - (int)strlen(why);
    bool is_word = rest_of(listing->feed)->instruments(body, size, none, &said) == -EREMOTEIO;
    if (listing->http_status == 400 && is_word && !listing->is_whole) {
        snprintf(listing->refusal, sizeof listing->refusal, "%s", said.error);
        return ask(listing, true, now_ns) == 0 ? PW_LISTING_PENDING : refused(listing);
    }
    snprintf(listing->list.error, sizeof listing->list.error, "%s%s%.*s", why, is_word ? ": " : "", words,
             is_word ? said.error : "");
    return PW_LISTING_RETRY;
}

static bool has_fault(const struct pw_listing *listing)
{
    bool has = false;
    for (uint32_t i = 0; i < listing->feed->instrument_cnt; i++) {
        has |= listing->list.said[i].fault != 0;
    }
    return has;
}

/* What the venue does not say. */
static void complete_rows(struct pw_listing *listing)
{
    for (uint32_t i = 0; i < listing->feed->instrument_cnt; i++) {
        struct pw_instrument *row = &listing->list.rows[i];
        memcpy(row->feed, listing->feed->name, sizeof row->feed);
        row->multiplier_e8 = row->multiplier_e8 ? row->multiplier_e8 : PW_E8;
    }
}

static enum pw_listing_result take_body(struct pw_listing *listing)
{
    size_t size;
    const char *body = pw_fetch_body(listing->fetch, &size);
    int err = rest_of(listing->feed)->instruments(body, size, pw_feed_wants(listing->feed), &listing->list);
    if (err != 0) {
        return PW_LISTING_REFUSED;
    }
    complete_rows(listing);
    return listing->is_whole && !has_fault(listing) ? refused(listing) : PW_LISTING_DONE;
}

enum pw_listing_result pw_listing_poll(struct pw_listing *listing, int64_t now_ns)
{
    enum pw_listing_result result = PW_LISTING_RETRY;
    enum pw_fetch_result fetched = pw_fetch_poll(listing->fetch, now_ns);
    char why[96];
    if (fetched == PW_FETCH_PENDING) {
        return PW_LISTING_PENDING;
    }
    if (fetched == PW_FETCH_DONE) {
        listing->http_status = pw_fetch_status(listing->fetch);
        listing->retry_after_s = pw_fetch_retry_after_s(listing->fetch);
        result = pw_fetch_is_answer(listing->fetch, why, sizeof why) ? take_body(listing)
                                                                     : take_status(listing, why, now_ns);
    } else {
        snprintf(listing->list.error, sizeof listing->list.error, "%.255s", pw_fetch_error(listing->fetch));
    }
    if (listing->is_whole && (result == PW_LISTING_RETRY || result == PW_LISTING_REFUSED) &&
        pw_ban_of_answer(listing->http_status, listing->retry_after_s, 0) == 0) {
        result = refused(listing); /* which of them it means cannot be said */
    }
    if (result != PW_LISTING_PENDING) {
        pw_fetch_end(listing->fetch);
    }
    return result;
}
