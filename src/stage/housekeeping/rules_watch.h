/* SPDX-License-Identifier: MIT
 *
 * The rules of instruments while the engine runs: asks each feed's venue again for status and filters, from
 * time to time, after a reconnect, and when an order was rejected for one of them; logs what has changed and
 * gives it to parse, which gives it its place in the market's order (core/rules.h).
 *
 * Cold, part of housekeeping. An instrument that the venue no longer lists, whose filters cannot be held any
 * more, or which has become another one under the same name, is not open for trading.
 */
#ifndef PW_RULES_WATCH_H
#define PW_RULES_WATCH_H

#include "fold.h"
#include "snapshots.h"

struct pw_rules_watch;

/* Its requests share snapshots' weight and bans; fold is of what is logged, and its owner polls it. NULL: no
 * memory, or the workspace has no feeds. */
struct pw_rules_watch *pw_rules_watch_create(const struct pw_stage_env *env, struct pw_snapshots *snapshots,
                                             struct pw_fold *fold);
void pw_rules_watch_destroy(struct pw_rules_watch *watch);

/* An instrument with the rules that are in force. */
const struct pw_instrument *pw_rules_watch_row(const struct pw_rules_watch *watch, uint32_t instrument_idx);

uint32_t pw_rules_watch_poll(struct pw_rules_watch *watch, int64_t now_ns);
int64_t pw_rules_watch_next_ns(const struct pw_rules_watch *watch);

/* What `now` says (of a row with a fault, that orders are denied) is logged where it differs from `before`,
 * and taken over: true, and it has to be told on. So has what is open as before, if orders were rejected
 * since (is_doubted): execution may take its market for closed. Exposed for its test. */
struct pw_instrument_said;
bool pw_rules_watch_take(struct pw_instrument *before, const struct pw_instrument *now,
                         const struct pw_instrument_said *said, bool is_doubted);

#endif
