/* SPDX-License-Identifier: MIT
 *
 * The config section `journal`.
 */
#ifndef PW_JOURNAL_CONFIG_H
#define PW_JOURNAL_CONFIG_H

#include "key.h"
#include <stdbool.h>
#include <stdint.h>

struct pw_config_journal {
    bool enabled;
    char path[256];              /* a directory; created if missing */
    uint32_t commit_interval_ms; /* default 100 */
    bool market_stall;           /* market ring full: stall parse instead of dropping */
    bool trades_unrecorded;      /* storing stopped: new orders all the same */
    bool raw_frames;
    uint64_t segment_bytes; /* LMDB map of one segment; default 1 GiB */
};

extern const struct pw_section pw_journal_section;

/* Where it is, for what else is kept beside it; NULL: there is no journal. */
struct pw_config;
const char *pw_journal_folder(const struct pw_config *config);

#endif
