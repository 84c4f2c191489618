/* SPDX-License-Identifier: MIT
 *
 * Binance's order entry: its WebSocket API, spot.
 */
#ifndef PW_BINANCE_ENTRY_H
#define PW_BINANCE_ENTRY_H

#include "binance_responses.h"

extern const struct pw_venue_entry pw_binance_entry;

struct pw_binance_verdict {
    enum pw_entry_error error;
    enum pw_reason reason;
};

/* Of an error with its HTTP status (0: there is none). The status goes first where it says that the outcome
 * is unknown (5xx) or that we are limited (429, 418). A code that is not known here is refused by the venue
 * if it came as 4xx, else unknown. */
struct pw_binance_verdict pw_binance_judge(uint32_t http_status, const struct pw_binance_error *error);

#endif
