/* SPDX-License-Identifier: MIT
 *
 * What the housekeeping stage is given.
 */
#ifndef PW_HOUSEKEEPING_H
#define PW_HOUSEKEEPING_H

#include "stage.h"

struct pw_net;

struct pw_housekeeping_attachment {
    struct pw_net *const *nets; /* by line */
    int64_t
        banned_until_ns; /* the venue takes no requests before, as it said in an earlier run; 0: it does */
};

extern const struct pw_stage_ops pw_housekeeping_stage;

#endif
