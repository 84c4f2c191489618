/* SPDX-License-Identifier: MIT
 *
 * Bounds of an offset, and their intersections.
 */
#include "venue_clock.h"

#include "pw_assert.h"

#define TIME_MAX_NS (INT64_MAX / 2) /* year 2116: sums and differences of two such times fit */

void pw_venue_clock_init(struct pw_venue_clock *clock, int64_t resolution_ns)
{
    pw_assert(resolution_ns > 0);
    *clock = (struct pw_venue_clock){.resolution_ns = resolution_ns};
}

static int64_t drift_ns(int64_t elapsed_ns)
{
    return elapsed_ns / 1000000 * PW_VENUE_CLOCK_DRIFT_PPM + PW_VENUE_CLOCK_DRIFT_PPM;
}

/* What the bounds have become by now_ns, which is not before them. */
static struct pw_clock_bounds aged(const struct pw_clock_bounds *bounds, int64_t now_ns)
{
    int64_t drift = drift_ns(now_ns - bounds->at_ns);
    pw_assert(drift >= 0 && bounds->low_ns <= bounds->high_ns);
    return (struct pw_clock_bounds){bounds->low_ns - drift, bounds->high_ns + drift, now_ns};
}

/* Intersects the new bounds with older ones, into *into. False: they have nothing in common. */
static bool agree(const struct pw_clock_bounds *older, const struct pw_clock_bounds *fresh,
                  struct pw_clock_bounds *into)
{
    if (older->at_ns > fresh->at_ns) {
        return false; /* our clock went back */
    }
    struct pw_clock_bounds now = aged(older, fresh->at_ns);
    now.low_ns = fresh->low_ns > now.low_ns ? fresh->low_ns : now.low_ns;
    now.high_ns = fresh->high_ns < now.high_ns ? fresh->high_ns : now.high_ns;
    if (now.low_ns > now.high_ns) {
        return false;
    }
    *into = now;
    return true;
}

static bool is_time(int64_t ns)
{
    return ns > 0 && ns < TIME_MAX_NS;
}

bool pw_venue_clock_sample(struct pw_venue_clock *clock, int64_t sent_ns, int64_t venue_ns, int64_t recv_ns)
{
    if (!is_time(sent_ns) || !is_time(venue_ns) || !is_time(recv_ns) || recv_ns < sent_ns ||
        recv_ns - sent_ns > PW_VENUE_CLOCK_TRIP_MAX_NS) {
        clock->refused_cnt++;
        return false;
    }
    const struct pw_clock_bounds fresh = {venue_ns - recv_ns, venue_ns + clock->resolution_ns - sent_ns,
                                          recv_ns};
    pw_assert(fresh.low_ns <= fresh.high_ns);
    clock->sample_cnt++;
    if (!clock->has_known) {
        clock->known = fresh;
        clock->has_known = true;
    } else if (agree(&clock->known, &fresh, &clock->known)) {
        clock->has_rival = false;
    } else if (clock->has_rival && agree(&clock->rival, &fresh, &clock->known)) {
        clock->has_rival = false;
        clock->step_cnt++;
    } else {
        clock->rival = fresh;
        clock->has_rival = true;
    }
    pw_assert(clock->has_known && clock->known.low_ns <= clock->known.high_ns);
    return true;
}

bool pw_venue_clock_offset(const struct pw_venue_clock *clock, int64_t now_ns, int64_t *offset_ns,
                           int64_t *error_ns)
{
    if (!clock->has_known || clock->has_rival || now_ns < clock->known.at_ns || !is_time(now_ns)) {
        return false;
    }
    struct pw_clock_bounds now = aged(&clock->known, now_ns);
    *offset_ns = now.low_ns + (now.high_ns - now.low_ns) / 2;
    *error_ns = (now.high_ns - now.low_ns + 1) / 2;
    return true;
}
