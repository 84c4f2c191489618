/* SPDX-License-Identifier: MIT
 *
 * Kraken's tables: spot, trades and best quotes. Its book has no ids but a checksum, which no book rule
 * follows yet, so it is not offered.
 */
#include "kraken_market.h"
#include "kraken_rest.h"

extern const struct pw_venue pw_venue_kraken; /* venues.c */

static const struct pw_venue_market market = {
    .stream = pw_kraken_stream,
    .stream_kinds = pw_kraken_stream_kinds,
    .target = pw_kraken_target,
    .subscribe = pw_kraken_subscribe,
    .decode = pw_kraken_decode,
    .book_rule = PW_BOOK_NONE,
};

static const struct pw_venue_rest rest = {
    .instruments_target = pw_kraken_instruments_target,
    .instruments = pw_kraken_instruments,
};

const struct pw_venue pw_venue_kraken = {.name = "kraken", .market = &market, .rest = &rest};
