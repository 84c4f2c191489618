/* SPDX-License-Identifier: MIT
 *
 * Which units an instrument's prices and quantities get (units.h): the usual ones where they hold what the
 * venue's filters allow, with room for what market data shows, else the nearest ones that do.
 *
 * Zeroed, struct pw_unit_wants is fed with the texts of the filters, then asked.
 */
#ifndef PW_UNIT_CHOICE_H
#define PW_UNIT_CHOICE_H

#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>

struct pw_unit_side {
    int places;     /* decimals that must be held */
    int excess;     /* PW_DECIMALS_MAX less the most decimals at which its largest value is held */
    bool unbounded; /* that value is held at none */
};

struct pw_unit_wants {
    struct pw_unit_side price, qty;
};

/* A tick, step or least value: exactly. A text that is no decimal wants nothing: who reads it says so. */
void pw_unit_want_exact(struct pw_unit_side *side, const char *text);
/* The largest value: its whole part. */
void pw_unit_want_largest(struct pw_unit_side *side, const char *text);

/* False: no units hold these prices and quantities; `why` says so. known: NULL, or the instrument as it is,
 * whose units stay. */
bool pw_unit_choose(const struct pw_unit_wants *wants, const struct pw_instrument *known, int *unit_shift,
                    char *why, size_t why_bytes);

#endif
