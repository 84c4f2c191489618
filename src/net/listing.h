/* SPDX-License-Identifier: MIT
 *
 * Listing: asks a feed's venue for its instruments and judges the answer. For the start, and for housekeeping
 * while the engine runs. Cold.
 *
 * Only status 200 is an answer, whatever stands below another one. A venue may refuse a request for all
 * instruments of a feed because it lacks one of them, without saying which: then all that it has are asked
 * for, and those that are missing there are known by name.
 */
#ifndef PW_LISTING_H
#define PW_LISTING_H

#include "feeds.h"
#include "net.h"

enum pw_listing_result {
    PW_LISTING_PENDING = 0,
    PW_LISTING_DONE,    /* each instrument is judged: list.rows and list.said */
    PW_LISTING_RETRY,   /* no answer now: list.error says why; http_status and retry_after_s, if there was one
                         */
    PW_LISTING_REFUSED, /* asking again will not help: the venue refuses, or answers something else:
                           list.error */
};

struct pw_listing {
    struct pw_fetch *fetch; /* the caller's */
    const struct pw_config_feed *feed;
    struct pw_instrument_list list; /* rows and said: the caller's, one a symbol of the feed */
    uint32_t http_status, retry_after_s;
    bool is_whole;     /* all of the venue's instruments are asked for: */
    char refusal[256]; /* for it said this when it was asked for ours */
    int64_t timeout_ns;
};

/* Fill fetch, feed, list.rows, list.said, list.feed_idx and timeout_ns (of each request) before. 0 or -errno:
 * it cannot be asked. */
int pw_listing_start(struct pw_listing *listing, int64_t now_ns);
/* Ends the fetch with any other result than PENDING. */
enum pw_listing_result pw_listing_poll(struct pw_listing *listing, int64_t now_ns);

/* What the venue weighs one request by. */
uint32_t pw_listing_weight(const struct pw_config_feed *feed);

#endif
