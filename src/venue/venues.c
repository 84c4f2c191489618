/* SPDX-License-Identifier: MIT
 *
 * The venues there are.
 */
#include <pinwheel/venue.h>

#include <string.h>

/* A new venue is a row here. */
#define ROWS(ROW)                                                                                            \
    ROW(pw_venue_binance_spot)                                                                               \
    ROW(pw_venue_binance_usdm)                                                                               \
    ROW(pw_venue_kraken)

#define DECLARE(venue) extern const struct pw_venue venue;
ROWS(DECLARE)

#define ADDRESS(venue) &venue,
static const struct pw_venue *const venues[] = {ROWS(ADDRESS)};

#define VENUE_CNT (sizeof venues / sizeof venues[0])

const struct pw_venue *pw_venue_find(const char *name)
{
    for (size_t i = 0; i < VENUE_CNT; i++) {
        if (strcmp(venues[i]->name, name) == 0) {
            return venues[i];
        }
    }
    return NULL;
}

const struct pw_venue *pw_venue_at(uint32_t i)
{
    for (size_t k = 0; k < VENUE_CNT; k++) {
        if (venues[k]->rest != NULL && i-- == 0) {
            return venues[k];
        }
    }
    return NULL;
}
