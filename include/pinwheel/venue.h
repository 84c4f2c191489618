/* SPDX-License-Identifier: MIT
 *
 * The venue: how one exchange's bytes become events. No sockets, no clock, no allocation.
 *
 * A venue's vocabulary ends here: what comes out is the engine's own. All functions are pure in their state.
 */
#ifndef PINWHEEL_VENUE_H
#define PINWHEEL_VENUE_H

#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stddef.h>
#include <stdint.h>

/* What a decoder says about a message. Negative: it was judged, and nothing of it may be used. */
enum pw_decode {
    PW_DECODE_OK = 0,           /* events were written (perhaps none: a message that needs none) */
    PW_DECODE_IGNORED = 1,      /* valid, but of a kind or a symbol that we did not ask for */
    PW_DECODE_CONTROL = 2,      /* a reply to a request of ours */
    PW_DECODE_SHUTDOWN = 3,     /* the venue announces that it will close: reconnect now */
    PW_DECODE_BAD_JSON = -1,    /* not JSON, truncated, trailing bytes, too deep, not an object or array */
    PW_DECODE_BAD_FIELD = -2,   /* a field of the wrong type or missing */
    PW_DECODE_BAD_NUMBER = -3,  /* not a plain decimal, negative where it may not be, too precise, too large */
    PW_DECODE_BAD_SEQUENCE = -4, /* ids that contradict themselves */
    PW_DECODE_TOO_LARGE = -5,   /* more events than the caller has room for */
    PW_DECODE_ERROR_REPLY = -6, /* the venue refused a request of ours */
};
#define PW_DECODE_RESULTS 7 /* negative results are -1 to -(PW_DECODE_RESULTS - 1) */

const char *pw_decode_name(enum pw_decode result);

#endif
