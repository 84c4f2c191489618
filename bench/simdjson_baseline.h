/* SPDX-License-Identifier: MIT
 *
 * The same messages read by simdjson, as one would who takes that library for it: on demand, fields in any
 * order, texts of numbers to doubles. In C++, since the library is.
 */
#ifndef PW_BENCH_SIMDJSON_BASELINE_H
#define PW_BENCH_SIMDJSON_BASELINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIMDJSON_LEVELS_MAX 8192u

/* The content of a message; only the fields of its kind are set. */
struct simdjson_message {
    uint64_t first_id, last_id;        /* depth: U and u; bookTicker: u; trade: t */
    uint64_t venue_ms, trade_ms;       /* E, T; 0: not stated */
    double bid, bid_qty, ask, ask_qty; /* trade: price and quantity in the first two */
    const char *symbol;
    size_t symbol_bytes;
    int sell;
    uint32_t level_cnt[2]; /* bids, asks */
    double levels[2][SIMDJSON_LEVELS_MAX][2];
};

struct simdjson_reader;

struct simdjson_reader *simdjson_reader_new(void);
void simdjson_reader_free(struct simdjson_reader *reader);
/* "3.0.1, haswell" */
const char *simdjson_reader_about(void);

/* A message in its envelope or without; 64 bytes behind it can be read. Not 0: it could not be read. */
int simdjson_read(struct simdjson_reader *reader, const char *json, size_t bytes,
                  struct simdjson_message *message);

#ifdef __cplusplus
}
#endif

#endif
