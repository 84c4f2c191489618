/* SPDX-License-Identifier: MIT
 *
 * Choosing units. Prices come first: one that cannot be held refuses the instrument, while a quantity of
 * market data that is too large is capped (pw_decimal_parse_capped).
 */
#include "unit_choice.h"

#include "decimal.h"
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many times ten the largest quantity of an order must fit: what a minute or a day trades is larger, and
 * so may be a level of the book. The usual units may do with less, so that few instruments have others. */
#define ROOM       3
#define ROOM_USUAL 2

void pw_unit_want_exact(struct pw_unit_side *side, const char *text)
{
    int places = pw_decimal_places(text, strlen(text));
    side->places = places > side->places ? places : side->places;
}

void pw_unit_want_largest(struct pw_unit_side *side, const char *text)
{
    int64_t value;
    int decimals = PW_DECIMALS_MAX;
    size_t whole = strspn(text, "0123456789");
    while (decimals >= 0 && !pw_decimal_parse(text, whole, decimals, false, &value)) {
        decimals--;
    }
    if (whole > 0 && decimals < 0) {
        side->unbounded = true;
    } else if (whole > 0 && PW_DECIMALS_MAX - decimals > side->excess) {
        side->excess = PW_DECIMALS_MAX - decimals;
    }
}

static bool has_places(const struct pw_unit_wants *wants, int unit_shift)
{
    return pw_price_decimals(unit_shift) >= wants->price.places &&
           pw_qty_decimals(unit_shift) >= wants->qty.places;
}

static bool has_prices(const struct pw_unit_wants *wants, int unit_shift)
{
    return !wants->price.unbounded && pw_price_decimals(unit_shift) <= PW_DECIMALS_MAX - wants->price.excess;
}

static bool has_room(const struct pw_unit_wants *wants, int unit_shift, int room)
{
    return !wants->qty.unbounded && pw_qty_decimals(unit_shift) + room <= PW_DECIMALS_MAX - wants->qty.excess;
}

static bool holds(const struct pw_unit_wants *wants, int unit_shift)
{
    return has_places(wants, unit_shift) && has_prices(wants, unit_shift);
}

/* The nearest to the usual ones with that room; room -1: with any. */
static bool find(const struct pw_unit_wants *wants, int room, int *unit_shift)
{
    for (int i = 0; i <= 2 * PW_UNIT_SHIFT_MAX; i++) {
        int shift = i % 2 == 1 ? (i + 1) / 2 : -i / 2; /* 0, 1, -1, 2, ... */
        if (holds(wants, shift) && (room < 0 || has_room(wants, shift, room))) {
            *unit_shift = shift;
            return true;
        }
    }
    return false;
}

bool pw_unit_choose(const struct pw_unit_wants *wants, const struct pw_instrument *known, int *unit_shift,
                    char *why, size_t why_bytes)
{
    if (known != NULL) {
        *unit_shift = known->unit_shift;
        snprintf(why, why_bytes, "its numbers need other units than it began with: restart");
        return holds(wants, *unit_shift);
    }
    *unit_shift = 0;
    if (holds(wants, 0) && has_room(wants, 0, ROOM_USUAL)) {
        return true;
    }
    for (int room = ROOM; room >= -1; room--) {
        if (find(wants, room, unit_shift)) {
            return true;
        }
    }
    int places = wants->price.places + wants->qty.places;
    if (places > PW_DECIMALS_MAX) {
        snprintf(why, why_bytes,
                 "prices have %d decimals and quantities %d: together more than the %d that can be held",
                 wants->price.places, wants->qty.places, PW_DECIMALS_MAX);
    } else {
        snprintf(
            why, why_bytes,
            "the largest price cannot be held in 64 bits beside prices of %d decimals and quantities of %d",
            wants->price.places, wants->qty.places);
    }
    return false;
}
