/* SPDX-License-Identifier: MIT
 *
 * The host's clock: the wall clock's reading at start, carried on by CLOCK_BOOTTIME. That takes part in the
 * wall clock's slewing (adjtimex), and counts the time that the host is suspended, so the two drift apart
 * only where somebody steps the wall clock.
 */
#include "host.h"

#include <pthread.h>
#include <stdlib.h>

/* Tries to catch both clocks at one moment; the tightest counts. A try takes some 100 ns, an interrupt spoils
 * one. */
#define ANCHOR_TRIES 8
#define SET_MIN_NS   INT64_C(100000000) /* an NTP client steps from 128 ms on, and slews below */

static pthread_once_t g_anchor_once = PTHREAD_ONCE_INIT;
static int64_t g_offset_ns; /* wall - steady at the anchor; constant afterwards */

int64_t pw_clock_read_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now); /* cannot fail for these clocks and a valid pointer */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* wall - steady, from the try during which least time passed. */
static int64_t offset_measure_ns(void)
{
    int64_t best_span_ns = INT64_MAX;
    int64_t offset_ns = 0;
    for (int i = 0; i < ANCHOR_TRIES; i++) {
        int64_t before_ns = pw_clock_read_ns(PW_CLOCK_STEADY);
        int64_t wall_ns = pw_clock_read_ns(CLOCK_REALTIME);
        int64_t span_ns = pw_clock_read_ns(PW_CLOCK_STEADY) - before_ns;
        if (span_ns < best_span_ns) {
            best_span_ns = span_ns;
            offset_ns = wall_ns - (before_ns + span_ns / 2);
        }
    }
    return offset_ns;
}

static void anchor_set(void)
{
    g_offset_ns = offset_measure_ns();
}

static int64_t host_now_ns(void *state)
{
    (void)state;
    return pw_clock_read_ns(PW_CLOCK_STEADY) + g_offset_ns;
}

struct pw_clock pw_clock_host(void)
{
    pthread_once(&g_anchor_once, anchor_set);
    return (struct pw_clock){.now_ns = host_now_ns};
}

int64_t pw_clock_host_step_ns(void)
{
    pthread_once(&g_anchor_once, anchor_set);
    return offset_measure_ns() - g_offset_ns;
}

int64_t pw_clock_host_ahead_ns(void)
{
    pthread_once(&g_anchor_once, anchor_set);
    return g_offset_ns;
}

bool pw_clock_was_set(int64_t *seen_ns, int64_t *by_ns)
{
    int64_t step_ns = pw_clock_host_step_ns();
    *by_ns = step_ns - *seen_ns;
    if (llabs(*by_ns) < SET_MIN_NS) {
        return false;
    }
    *seen_ns = step_ns;
    return true;
}
