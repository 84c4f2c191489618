/* SPDX-License-Identifier: MIT
 *
 * What the journal stage is given.
 */
#ifndef PW_JOURNAL_STAGE_H
#define PW_JOURNAL_STAGE_H

#include "stage.h"

struct pw_store; /* the storage seam */

struct pw_journal_attachment {
    const struct pw_store *store; /* NULL: the config asks for no journal */
    uint64_t run_id;
    bool threaded; /* commits are made on a thread of their own: not where time is the caller's */
};

extern const struct pw_stage_ops pw_journal_stage;

#endif
