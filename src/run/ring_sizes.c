/* SPDX-License-Identifier: MIT
 *
 * The section `rings`. See ring_sizes.h.
 */
#include "ring_sizes.h"

#include <pinwheel/ring.h>

#define SLOTS(text)                                                                                          \
    .kind = PW_VALUE_COUNT, .fallback = (text), .min = 256, .max = PW_RING_SLOTS_MAX, .power_of_two = true,  \
    .unit = "events"

/* clang-format off */
static const struct pw_key g_ring_keys[] = {
    {.name = "frames_slots", PW_FIELD(struct pw_config_rings, frames_slots), SLOTS("16384"),
     .help = "raw messages between net_rx and parse"},
    {.name = "frames_bytes", PW_FIELD(struct pw_config_rings, frames_bytes), .kind = PW_VALUE_COUNT, .fallback = "16777216", .min = 65536,
     .max = INT64_C(1) << 34, .power_of_two = true, .unit = "bytes",
     .help = "the bytes of those messages; at least twice the largest message"},
    {.name = "market_slots", PW_FIELD(struct pw_config_rings, market_slots), SLOTS("65536"),
     .help = "market events between parse, strategy and execution"},
    {.name = "market_journal_slots", PW_FIELD(struct pw_config_rings, market_journal_slots), SLOTS("262144"),
     .help = "market events queued for the journal: the backlog allowed for a slow disk"},
    {.name = "orders_slots", PW_FIELD(struct pw_config_rings, orders_slots), SLOTS("4096"),
     .help = "order reports from execution to strategy"},
    {.name = "orders_journal_slots", PW_FIELD(struct pw_config_rings, orders_journal_slots), SLOTS("65536"),
     .help = "orders and fills queued for the journal: never dropped"},
};

static const struct pw_key g_keys[] = {
    {.name = "rings", PW_WHOLE(struct pw_config_rings), .kind = PW_VALUE_GROUP, PW_GROUP(g_ring_keys, "rings"),
     .help = "sizes of the queues between stages"},
};
/* clang-format on */

const struct pw_section pw_rings_section = {
    .keys = g_keys, .key_cnt = PW_COUNT_OF(g_keys), .bytes = sizeof(struct pw_config_rings)};
