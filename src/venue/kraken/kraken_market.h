/* SPDX-License-Identifier: MIT
 *
 * Kraken spot, WebSocket v2: trades and best quotes, and the numbers and names that REST shares with them.
 */
#ifndef PW_KRAKEN_MARKET_H
#define PW_KRAKEN_MARKET_H

#include "json.h"
#include <pinwheel/venue.h>
#include <stdbool.h>

const char *pw_kraken_stream(uint32_t i);
uint64_t pw_kraken_stream_kinds(uint32_t i);
int pw_kraken_target(struct pw_venue_wants wants, char *target, size_t size);
int pw_kraken_subscribe(struct pw_venue_wants wants, char *lines, size_t size);

/* TRADE or QUOTE events of one message. Snapshots of trades are past, so they are IGNORED, as are channels
 * that nobody subscribes to. */
enum pw_decode pw_kraken_decode(const struct pw_symbols *symbols, const char *data, size_t size,
                                struct pw_venue_out *out);

#endif
