/* SPDX-License-Identifier: MIT
 *
 * How old a feed's data was when it was received. Three sources, the oldest counts:
 *
 *  - since_ns of a message (net_rx): its bytes came to this host after that. After a pass that comes late, or
 *    while the socket has not been read to its end, they may be that old.
 *  - the venue's own time in the message, held against the fastest message of the last half minute: a message
 *    that took longer by some seconds waited for them somewhere.
 *  - a feed is one connection, in order: a message without a time of the venue is as late as the last one
 *    that had a time, and after a late pass counts as late for some time, for the venue's queue may have
 *    messages of the time before.
 *
 * What is known so is lateness (lag_ns) against the feed's own usual delay, which holds the offset of the two
 * clocks: delay_ns, our time of receipt less the venue's time. Who knows that offset can tell whether even
 * the usual delay is too much. A clock that is set back there looks like lateness, and is taken for it until
 * the half minute is over; when ours stood still (a paused virtual machine) the delay falls, and what comes
 * meanwhile is late by as much.
 *
 * Both figures are told in steps, an event when one changes; a feed that is in time says nothing.
 */
#ifndef PW_FEED_AGE_H
#define PW_FEED_AGE_H

#include <stdbool.h>
#include <stdint.h>

#define PW_FEED_AGE_STEPS     8                       /* of the largest age */
#define PW_FEED_AGE_WINDOW_NS INT64_C(15000000000)    /* the usual delay is of this one and the one before */
#define PW_FEED_AGE_HOLD_NS   INT64_C(5000000000)     /* what was late counts as late at most so long */
#define PW_FEED_AGE_CLOCK_NS  INT64_C(86400000000000) /* clocks further apart: a recording, not a clock */

struct pw_feed_age {
    /* What every message is held against: nothing is late until calm_ns, and one is in time that waited less
     * than wait_ns and whose delay is from low_ns to less than span_ns above. */
    int64_t calm_ns, wait_ns, low_ns;
    uint64_t span_ns;
    int64_t step_ns;  /* 0: nobody asks */
    int64_t lag_ns;   /* as told: a multiple of the step, rounded up; 0: less than a step */
    int64_t delay_ns; /* as told: within a step of the usual one; 0: not known, or always less than a step */
    /* Of the messages that bear a time of the venue: the least delay, of this window and the one before, and
     * of this one; PW_FEED_AGE_NONE: none yet. */
    int64_t least_ns, window_least_ns, window_end_ns;
    int64_t late_ns, late_until_ns; /* what messages without a time count as */
    int64_t fall_ns, fell_ns,
        fall_until_ns; /* the delay fell by so much: when last, and how long that counts */
};

#define PW_FEED_AGE_NONE (INT64_MAX / 4)

/* max_age_ns: the largest age that anybody accepts of this feed; 0: off. */
void pw_feed_age_init(struct pw_feed_age *age, int64_t max_age_ns);

/* The connection is lost: what waited is gone, and so is what was known of the delay. */
void pw_feed_age_restart(struct pw_feed_age *age);

/* The rest of pw_feed_age_take, for messages that are not in time. */
bool pw_feed_age_judge(struct pw_feed_age *age, int64_t recv_ns, int64_t since_ns, int64_t venue_ns);

/* A message; since_ns or venue_ns 0: not known. True: lag_ns or delay_ns have changed, by this message. */
static inline bool pw_feed_age_take(struct pw_feed_age *age, int64_t recv_ns, int64_t since_ns,
                                    int64_t venue_ns)
{
    bool in_time = recv_ns < age->calm_ns && recv_ns - since_ns < age->wait_ns &&
                   (venue_ns == 0 || (uint64_t)(recv_ns - venue_ns) - (uint64_t)age->low_ns < age->span_ns);
    return !in_time && pw_feed_age_judge(age, recv_ns, since_ns, venue_ns);
}

#endif
