/* SPDX-License-Identifier: MIT
 *
 * Binance's REST interface, as far as market data needs it: what to ask for, and what the answers mean. Cold.
 *
 * Targets begin with '/' and stand behind the path of the feed's URL, if that has one.
 */
#ifndef PW_BINANCE_REST_H
#define PW_BINANCE_REST_H

#include <pinwheel/venue.h>

#define PW_BINANCE_STREAMS_MAX 1024u /* of one connection; the venue's rule */

/* "/stream?streams=btcusdt@trade/btcusdt@bookTicker/...": all streams of all symbols.
 * 0, -EINVAL (nothing to ask for) or -E2BIG (longer than size, or more than PW_BINANCE_STREAMS_MAX). */
int pw_binance_stream_target(struct pw_venue_wants wants, char *target, size_t size);

/* "/api/v3/exchangeInfo?symbols=[...]", percent-encoded. 0, -EINVAL or -E2BIG. */
int pw_binance_exchange_info_target(struct pw_venue_wants wants, char *target, size_t size);

/* "/api/v3/depth?symbol=BTCUSDT&limit=5000". 0 or -E2BIG. And what it costs of the weight that the venue
 * allows an address in a minute. */
int pw_binance_depth_target(const char *symbol, uint32_t limit, char *target, size_t size);
uint32_t pw_binance_depth_weight(uint32_t limit);

/* Fills table[0..symbol_cnt) from the answer to exchangeInfo, in the order of the feed's list. 0;
 * -EBADMSG: not JSON, or not such an answer; -EREMOTEIO: the venue's own error; -ENOENT: it has no such
 * symbol; -ERANGE: a number that cannot be held. `error` says which and what. Filters that the table has no
 * place for are passed over. */
int pw_binance_instruments(const char *body, size_t size, struct pw_venue_wants wants,
                           struct pw_instrument_list *list);

/* The answer to a depth request as DEPTH and LEVELS events with PW_FLAG_SNAPSHOT: how many, or a negative
 * enum pw_decode (TOO_LARGE: more than cap). */
int pw_binance_depth_events(const char *body, size_t size, struct pw_symbol symbol, int64_t recv_ns,
                            struct pw_event *events, uint32_t cap);

/* "/api/v3/referencePrice?symbol=BTCUSDT" and the like: -E2BIG, or -EINVAL for NONE. And the answer: 0, or
 * -ENODATA (null, or 0: no trade), -ENOENT (code -2043), -EBADMSG. */
int pw_binance_price_target(enum pw_price_source source, const char *symbol, char *target, size_t size);
int pw_binance_price(enum pw_price_source source, const char *body, size_t size,
                     const struct pw_instrument *instrument, struct pw_venue_price *price);

/* {"code":...,"msg":"..."}; text is zero-terminated, and cut to text_bytes. False: it is not of that form (a
 * firewall's page, an empty body). */
bool pw_binance_error(const char *body, size_t size, int64_t *code, char *text, size_t text_bytes);

#endif
