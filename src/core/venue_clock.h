/* SPDX-License-Identifier: MIT
 *
 * The venue's clock: how far it is from ours, from the times of requests and their responses.
 *
 * A request was sent at `sent`, its response came at `recv` (both ours), and the venue wrote its own time
 * into it: so that time was at some moment between. That bounds the offset (venue's minus ours) from both
 * sides, with certainty. Bounds of several responses are intersected, and widen with time by the drift that
 * two clocks may have. The estimate is the middle; its error is at most half the width.
 *
 * A response that contradicts the bounds says that a clock was stepped (ours or theirs), or that it is wrong.
 * It is not believed alone: until a second one agrees with it, or with the old bounds, nothing is known.
 */
#ifndef PW_VENUE_CLOCK_H
#define PW_VENUE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define PW_VENUE_CLOCK_DRIFT_PPM   100 /* of both clocks together: quartz, badly kept */
#define PW_VENUE_CLOCK_TRIP_MAX_NS INT64_C(10000000000)

struct pw_clock_bounds {
    int64_t low_ns, high_ns; /* of the offset */
    int64_t at_ns;           /* our time when they were so */
};

struct pw_venue_clock {
    struct pw_clock_bounds known, rival; /* rival: of a response that contradicted */
    bool has_known, has_rival;
    int64_t resolution_ns; /* of the venue's times: they are cut off to it */
    uint64_t sample_cnt, refused_cnt, step_cnt;
};

/* resolution_ns: 1000000 for a venue that sends milliseconds. */
void pw_venue_clock_init(struct pw_venue_clock *clock, int64_t resolution_ns);

/* A response's times. False: not used, they are impossible (received before sent, under way for longer than
 * PW_VENUE_CLOCK_TRIP_MAX_NS, out of range). */
bool pw_venue_clock_sample(struct pw_venue_clock *clock, int64_t sent_ns, int64_t venue_ns, int64_t recv_ns);

/* The offset at now_ns, and the most that it may be wrong. False: not known (no response yet, or a
 * contradiction that is not settled, or our clock went back behind the last response). */
bool pw_venue_clock_offset(const struct pw_venue_clock *clock, int64_t now_ns, int64_t *offset_ns,
                           int64_t *error_ns);

#endif
