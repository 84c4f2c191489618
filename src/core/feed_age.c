/* SPDX-License-Identifier: MIT
 *
 * The usual delay of a feed, and what is late against it. See feed_age.h.
 */
#include "feed_age.h"

#include "pw_assert.h"

#define STEP_MIN_NS   INT64_C(1000000)    /* the venue's times are in milliseconds */
#define FALL_QUIET_NS INT64_C(1000000000) /* falls that are further apart are no part of one */

void pw_feed_age_init(struct pw_feed_age *age, int64_t max_age_ns)
{
    pw_assert(max_age_ns >= 0);
    int64_t step_ns = max_age_ns / PW_FEED_AGE_STEPS;
    *age = (struct pw_feed_age){.step_ns = max_age_ns == 0         ? 0
                                           : step_ns > STEP_MIN_NS ? step_ns
                                                                   : STEP_MIN_NS};
    pw_feed_age_restart(age);
}

void pw_feed_age_restart(struct pw_feed_age *age)
{
    *age = (struct pw_feed_age){
        .step_ns = age->step_ns, .least_ns = PW_FEED_AGE_NONE, .window_least_ns = PW_FEED_AGE_NONE};
    if (age->step_ns == 0) {
        age->calm_ns = age->wait_ns = INT64_MAX;
        age->span_ns = UINT64_MAX;
    }
}

/* What was late by so much may have more behind it that is: a queue of that length is gone in half its time,
 * or the venue sends slower than the market trades. */
static int64_t hold_until_ns(int64_t recv_ns, int64_t lag_ns)
{
    int64_t hold_ns = lag_ns / 2;
    return recv_ns + (hold_ns < PW_FEED_AGE_HOLD_NS ? hold_ns : PW_FEED_AGE_HOLD_NS);
}

static void next_window(struct pw_feed_age *age, int64_t recv_ns)
{
    if (recv_ns < age->window_end_ns) {
        return;
    }
    if (age->window_least_ns != PW_FEED_AGE_NONE) {
        age->least_ns = age->window_least_ns;
        age->window_least_ns = PW_FEED_AGE_NONE;
    }
    age->window_end_ns = recv_ns + PW_FEED_AGE_WINDOW_NS;
}

/* A delay that falls by more than jitter does: our clock stood still, or the venue's leapt ahead. Until it
 * falls no more, what comes is of the time that our clock has missed. */
static void note_fall(struct pw_feed_age *age, int64_t recv_ns, int64_t fall_ns)
{
    age->fall_ns = (recv_ns - age->fell_ns > FALL_QUIET_NS ? 0 : age->fall_ns) + fall_ns;
    age->fell_ns = recv_ns;
    if (age->fall_ns >= age->step_ns) {
        age->fall_until_ns = hold_until_ns(recv_ns, age->fall_ns);
    }
}

/* How late a message with that delay is. */
static int64_t note_delay(struct pw_feed_age *age, int64_t recv_ns, int64_t delay_ns)
{
    if (delay_ns < age->window_least_ns) {
        age->window_least_ns = delay_ns;
    }
    if (delay_ns < age->least_ns) {
        if (age->least_ns != PW_FEED_AGE_NONE) {
            note_fall(age, recv_ns, age->least_ns - delay_ns);
        }
        age->least_ns = delay_ns;
    }
    return delay_ns - age->least_ns;
}

/* How late a message is, by all that is known; `own_ns` of itself. */
static int64_t late_ns(struct pw_feed_age *age, int64_t recv_ns, int64_t own_ns, bool timed)
{
    int64_t lag_ns = own_ns;
    if (recv_ns < age->fall_until_ns && lag_ns < age->fall_ns) {
        lag_ns = age->fall_ns;
    }
    if (lag_ns >= age->step_ns) {
        age->late_ns = lag_ns;
        age->late_until_ns = hold_until_ns(recv_ns, lag_ns);
    } else if (timed || recv_ns >= age->late_until_ns) {
        age->late_until_ns = 0;
    } else {
        lag_ns = age->late_ns;
    }
    return lag_ns;
}

/* Rises are told at once, falls when they are worth it. */
static bool tell(struct pw_feed_age *age, int64_t lag_ns)
{
    const int64_t step_ns = age->step_ns;
    int64_t told_ns = lag_ns < step_ns ? 0 : (lag_ns / step_ns + 1) * step_ns;
    bool falls = told_ns < age->lag_ns && lag_ns <= age->lag_ns - step_ns - step_ns / 2;
    bool changed = told_ns > age->lag_ns || falls;
    if (changed) {
        age->lag_ns = told_ns;
    }
    int64_t least_ns = age->least_ns == PW_FEED_AGE_NONE ? 0 : age->least_ns;
    int64_t moved_ns = least_ns - age->delay_ns;
    if (moved_ns >= step_ns || moved_ns <= -step_ns) {
        age->delay_ns = least_ns ? least_ns : 1; /* known, and none */
        changed = true;
    }
    return changed;
}

/* What is in time from here on. */
static void note_calm(struct pw_feed_age *age, int64_t recv_ns)
{
    bool busy = age->lag_ns != 0 || age->late_until_ns != 0 || recv_ns < age->fall_until_ns;
    int64_t span_ns =
        age->least_ns + age->step_ns - age->window_least_ns; /* 0 or less: all there was is late */
    age->calm_ns = busy ? INT64_MIN : age->window_end_ns;
    age->wait_ns = age->step_ns;
    age->low_ns = age->window_least_ns;
    age->span_ns = age->window_least_ns != PW_FEED_AGE_NONE && span_ns > 0 ? (uint64_t)span_ns : 0;
}

bool pw_feed_age_judge(struct pw_feed_age *age, int64_t recv_ns, int64_t since_ns, int64_t venue_ns)
{
    int64_t delay_ns = recv_ns - venue_ns;
    bool timed = venue_ns != 0 && delay_ns < PW_FEED_AGE_CLOCK_NS && delay_ns > -PW_FEED_AGE_CLOCK_NS;
    int64_t own_ns = since_ns != 0 ? recv_ns - since_ns : 0;
    if (age->step_ns == 0) {
        return false;
    }
    next_window(age, recv_ns);
    if (timed) {
        int64_t lag_ns = note_delay(age, recv_ns, delay_ns);
        own_ns = lag_ns > own_ns ? lag_ns : own_ns;
    }
    bool changed = tell(age, late_ns(age, recv_ns, own_ns, timed));
    note_calm(age, recv_ns);
    return changed;
}
