/* SPDX-License-Identifier: MIT
 *
 * What the execution stage is given.
 */
#ifndef PW_EXECUTION_H
#define PW_EXECUTION_H

#include "stage.h"

struct pw_signer;

/* What a live account needs and no one else may see. signer NULL: it is not live. */
struct pw_keys {
    const char *api_key;
    struct pw_signer *signer;
};

struct pw_execution_attachment {
    uint64_t run_id;
    const struct pw_keys *keys;     /* by account; NULL: nothing is live */
    const int64_t *banned_until_ns; /* by host (host_idx of its connections): the venue takes no requests
                                     * before, as it said before the start. NULL: none is known */
    const uint32_t *halts; /* by account: enum pw_reason of a fault that halted it in an earlier run; 0:
                            * none. NULL: none of any */
    struct pw_venue_errors *venue_errors; /* by account: what venues reject, for who logs it; NULL: nobody */
};

extern const struct pw_stage_ops pw_execution_stage;

#endif
