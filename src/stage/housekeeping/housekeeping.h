/* SPDX-License-Identifier: MIT
 *
 * What the housekeeping stage is given.
 */
#ifndef PW_HOUSEKEEPING_H
#define PW_HOUSEKEEPING_H

#include "stage.h"
#include <stdatomic.h>

struct pw_net;
struct pw_venue_errors;

struct pw_housekeeping_attachment {
    struct pw_net *const *nets;     /* by line */
    const int64_t *banned_until_ns; /* by host (host_idx of its connections): the venue takes no requests
                                     * before, as it said before the start. NULL: none is known */
    _Atomic uint64_t *command; /* enum pw_command, to be passed on to execution; 0: none. Taken by exchange */
    const struct pw_venue_errors
        *venue_errors; /* by account: as execution has them; NULL: nobody keeps any */
};

extern const struct pw_stage_ops pw_housekeeping_stage;

#endif
