/* SPDX-License-Identifier: MIT
 *
 * Recorded market data as a source: what was received goes out again, byte for byte.
 *
 * Lines as recorders write them (plain or gzip), recognized line by line:
 *   <time> <JSON>            time in s, ms, us or ns by its digits; the JSON in its envelope, or bare
 *   <seconds.fraction>: <JSON>
 *   <url> -> <seconds.fraction>: <JSON>   the answer to a REST request: a depth snapshot or exchangeInfo
 * A line without a stream but with lastUpdateId is a depth snapshot. Everything is kept in memory.
 *
 * Snapshots: the first depth request of a symbol is answered with the recorded snapshot's own bytes, even
 * before its line is reached; later ones with the book made of that snapshot and the updates published since.
 * The stream waits at the snapshot's line (at most hold_ms, and only if somebody has subscribed to that
 * symbol's depth) until it has been fetched, because the recorder had it at that moment. When it was passed
 * unfetched, the first request too gets the book.
 */
#ifndef PW_SIM_PLAYBACK_H
#define PW_SIM_PLAYBACK_H

#include "sim.h"
#include "source.h"

/* Loads config's files and adds their streams to the hub. 0, or a negative code with `error` = "file:line:
 * what". */
int pw_sim_capture_load(struct pw_sim_source *source, const struct pw_sim_capture_config *config,
                        struct pw_sim_hub *hub, char *error, size_t error_bytes);

#endif
