/* SPDX-License-Identifier: MIT
 *
 * The figures that builds are compared by: their ids, which stay, and where a bench's JSON has them, that of
 * builds without ids included.
 */
#ifndef PW_BENCH_JUDGED_H
#define PW_BENCH_JUDGED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JUDGED_MAX      48u
#define JUDGED_ID_BYTES 64u

/* The figures of a bench; their number, at most JUDGED_MAX. 0: builds cannot be compared by it. */
size_t judged_ids(const char *bench, char ids[JUDGED_MAX][JUDGED_ID_BYTES]);
bool judged_known(const char *id);

/* From what `pinwheel bench BENCH --json` printed: values in the order of the ids, each a duration in ns or a
 * cost, NAN where it is missing. */
void judged_read(const char *bench, const json_t *root, double values[JUDGED_MAX]);

/* Figures of tick-to-order: percentiles of the whole, then of each hop of engine_hops. */
#define JUDGED_QUANTILES 3u
extern const double judged_quantiles[JUDGED_QUANTILES];

#endif
