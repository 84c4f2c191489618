/* SPDX-License-Identifier: MIT
 *
 * Fills as events: what a report of a fill becomes, with its fee in the fee's own asset.
 */
#ifndef PW_FILLS_H
#define PW_FILLS_H

#include "orders.h"
#include <pinwheel/workspace.h>

#define PW_FILL_EVENTS_MAX 2u /* FILL, and FILL_INFO where the venue reported a trade id or a fee asset */

/* In which of the instrument's assets a report's fee is. Without a name it is in the quote currency. */
enum pw_fee_kind { PW_FEE_QUOTE, PW_FEE_BASE, PW_FEE_OTHER };
enum pw_fee_kind pw_fee_kind(const char *fee_asset, const struct pw_instrument *instrument);

/* What the fill cost in the instrument's quote currency: a fee in another asset is no part of the cash. */
pw_i128 pw_fill_quote_fee_e16(const struct pw_report *report, const struct pw_instrument *instrument);

/* What it took of the instrument's base asset, in *fee_e8; 0: the fee is in another asset. What is finer than
 * the unit of quantities is kept in *dust_e16, the holder's of that instrument, 0 at first: so much more than
 * its quantity says there is, less than a unit, so that quantity and dust are exact over all fills and
 * nothing is sold that is not there. False: no quantity is so large. */
bool pw_fill_base_fee_e8(const struct pw_report *report, const struct pw_instrument *instrument,
                         pw_i128 *dust_e16, int64_t *fee_e8);
/* The same of the event that it became. */
bool pw_fill_info_base_fee_e8(const struct pw_fill_info *info, const struct pw_instrument *instrument,
                              pw_i128 *dust_e16, int64_t *fee_e8);

/* The events of a report of exec type FILL, but for their seq: their number. */
uint32_t pw_fill_events(const struct pw_report *report, const struct pw_order_row *row,
                        const struct pw_instrument *instrument, struct pw_event events[PW_FILL_EVENTS_MAX]);

#endif
