/* SPDX-License-Identifier: MIT
 *
 * A market of the simulator's own as a source: matching engines (matching.h) driven by random traders
 * (traders.h), published in the venue's streams. Trades, quotes, depth updates and snapshots all come from
 * the same book, so they fit together: update ids without a gap, bookTicker's among them; trade ids without a
 * gap; each trade at a price that was in the book.
 */
#ifndef PW_SIM_SYNTHETIC_H
#define PW_SIM_SYNTHETIC_H

#include "sim.h"
#include "source.h"

/* 0 or a negative code with `error`. now_ns: the market's first moment if the config names none. The config
 * must stay. */
int pw_sim_synthetic_make(struct pw_sim_source *source, const struct pw_sim_synthetic_config *config,
                          struct pw_sim_hub *hub, int64_t now_ns, char *error, size_t error_bytes);

#endif
