/* SPDX-License-Identifier: MIT
 *
 * The config section `rings`: sizes of the queues between stages.
 */
#ifndef PW_RING_SIZES_H
#define PW_RING_SIZES_H

#include "key.h"
#include <stdint.h>

struct pw_config_rings {
    uint32_t frames_slots, market_slots, market_journal_slots, orders_slots, orders_journal_slots;
    uint64_t frames_bytes;
};

extern const struct pw_section pw_rings_section;

#endif
