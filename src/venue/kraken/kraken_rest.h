/* SPDX-License-Identifier: MIT
 *
 * Kraken's REST interface, as far as market data needs it: which pairs there are, and their limits. Cold.
 */
#ifndef PW_KRAKEN_REST_H
#define PW_KRAKEN_REST_H

#include <pinwheel/venue.h>

/* As venue.h has them. All pairs are asked for: REST knows them by other names than WebSocket v2 does
 * ("XXBTZUSD", "BTC/USD"), and only the answer says which is which. */
int pw_kraken_instruments_target(struct pw_venue_wants wants, char *target, size_t size);
int pw_kraken_instruments(const char *body, size_t size, struct pw_venue_wants wants,
                          struct pw_instrument_list *list);

#endif
