/* SPDX-License-Identifier: MIT
 *
 * A venue's report held against the order that it names: what cannot be true of it.
 *
 * A report that contradicts itself is true of none. One of another instrument, side, type, time in force,
 * price, quantity or order number than ours is of no order of ours. A limit order is filled at its limit or
 * better; any order near the best price that was there when it was sent, or is there now: within a factor of
 * PW_TOUCH_FACTOR. A fee in the instrument's own assets is less than the fill, and a rebate at most a share
 * of it; of a fee in a third asset nothing is known but that nobody pays us for trading in it.
 */
#ifndef PW_ORDER_TERMS_H
#define PW_ORDER_TERMS_H

#include "orders.h"
#include <pinwheel/workspace.h>

#define PW_TOUCH_FACTOR    2   /* a market order's fill: half to twice the best price */
#define PW_REBATE_FRACTION 100 /* a rebate is at most so much of the fill: one of so many parts */

/* NULL: it may be true. Else what of it cannot, in a word for people. touch_e8: the best price that the order
 * meets now; 0: not known. */
const char *pw_order_contradiction(const struct pw_order_row *row, const struct pw_instrument *instrument,
                                   const struct pw_report *report, int64_t touch_e8);

#endif
