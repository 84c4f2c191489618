/* SPDX-License-Identifier: MIT
 *
 * The gateways that are sessions with a venue: live, which trades; dry, whose orders the venue only tests.
 */
#include "session_state.h"

static int live_init(void *state, const struct pw_gateway_config *config)
{
    return session_init(state, config, false);
}

static int dry_init(void *state, const struct pw_gateway_config *config)
{
    return session_init(state, config, true);
}

#define SESSION_OPS                                                                                          \
    .bytes = session_bytes, .check = session_check, .place = session_place, .cancel = session_cancel,        \
    .replace = session_replace, .settle = session_settle, .on_message = session_on_message,                  \
    .clock = session_venue_clock, .poll = session_poll, .next_ns = session_next_ns, .pause = session_pause,  \
    .open_cnt = session_open_cnt, .counts = session_counts

const struct pw_gateway_ops pw_live_gateway = {
    .name = "live",
    .traits = {.connects = true,
               .needs_keys = true,
               .needs_journal = true,
               .moves_money = true,
               .real_time = true,
               .reports_later = true,
               .is_authority = true},
    .init = live_init,
    SESSION_OPS,
};

const struct pw_gateway_ops pw_dry_gateway = {
    .name = "dry",
    .traits = {.connects = true,
               .needs_keys = true,
               .needs_journal = true,
               .real_time = true,
               .reports_later = true,
               .is_authority = true},
    .init = dry_init,
    SESSION_OPS,
};
