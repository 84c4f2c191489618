/* SPDX-License-Identifier: MIT
 *
 * From the bytes of one Binance message straight to the events that the engine takes.
 *
 * QUOTE, TRADE, AGG_TRADE; DEPTH with its LEVELS (bids first, two levels an event, PW_FLAG_LAST on the last
 * event); CANDLE with its CANDLE_INFO. What the venue sends in its usual form, fields in their usual order,
 * without blanks, is read by a path of its own that looks at each byte once; all else by the general reading.
 * Both give the same result.
 */
#ifndef PW_BINANCE_EVENTS_H
#define PW_BINANCE_EVENTS_H

#include "symbols.h"
#include <pinwheel/venue.h>

/* Judges one whole message. OK: out->cnt events were written, all with seq 0. Any other result: none were,
 * and IGNORED means a kind of data or a symbol that is not ours (a partial book, a ticker). */
enum pw_decode pw_binance_events(const struct pw_symbols *symbols, const char *data, size_t size,
                                 struct pw_venue_out *out);

/* A decoded depth message, or partial depth, as events, behind those that out has already. */
struct pw_binance_msg;
enum pw_decode pw_binance_put_depth(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                                    uint16_t instrument_idx);

/* The two readings one by one, for tests and benchmarks. The fast one gives false for what it does not know.
 */
enum pw_decode pw_binance_events_general(const struct pw_symbols *symbols, const char *data, size_t size,
                                         struct pw_venue_out *out);
bool pw_binance_events_fast(const struct pw_symbols *symbols, const char *data, size_t size,
                            struct pw_venue_out *out);

#endif
