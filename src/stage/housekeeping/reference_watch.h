/* SPDX-License-Identifier: MIT
 *
 * The prices by which venues' filters judge orders: asks for that of each instrument that is traded at a venue
 * and has such a filter, again and again, and gives it to parse, which gives it its place in the market's order
 * (core/rules.h).
 *
 * It is the reference price; where the venue has none the mean of the minutes that the filters name, or the
 * last price, as they say. Where it cannot be known nothing is told, and what was told before gets too old.
 * Cold, part of housekeeping: one request at a time, within a share of the weight that snapshots and rules
 * have, with their bans.
 */
#ifndef PW_REFERENCE_WATCH_H
#define PW_REFERENCE_WATCH_H

#include "rules_watch.h"

struct pw_reference_watch;

/* The filters are those that `rules` has in force; fold is of what is logged, and its owner polls it. NULL: no
 * memory. */
struct pw_reference_watch *pw_reference_watch_create(const struct pw_stage_env *env,
                                                     struct pw_snapshots *snapshots,
                                                     const struct pw_rules_watch *rules,
                                                     struct pw_fold *fold);
void pw_reference_watch_destroy(struct pw_reference_watch *watch);

uint32_t pw_reference_watch_poll(struct pw_reference_watch *watch, int64_t now_ns);
int64_t pw_reference_watch_next_ns(const struct pw_reference_watch *watch);

#endif
