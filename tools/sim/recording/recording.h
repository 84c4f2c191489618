/* SPDX-License-Identifier: MIT
 *
 * Recorded lines in memory: read, taken apart, put in order. playback.h says which forms there are.
 */
#ifndef PW_SIM_RECORDING_H
#define PW_SIM_RECORDING_H

#include "capture_line.h"
#include "hub.h"
#include "sim.h"
#include "source.h"

#define PW_SIM_NO_SYMBOL UINT16_MAX

struct pw_sim_line {
    int64_t time_ns;
    uint64_t offset;      /* of its JSON in the arena */
    uint32_t bytes;       /* of its JSON */
    uint32_t data_offset; /* of the payload in the JSON */
    uint32_t data_bytes;
    uint32_t stream_idx; /* in the hub; snapshots: PW_SIM_NO_STREAM */
    uint16_t symbol_idx; /* PW_SIM_NO_SYMBOL: none, or not known */
    uint8_t kind;        /* enum pw_sim_line_kind */
    bool bare;           /* without an envelope */
};

struct pw_sim_recording {
    const struct pw_sim_capture_config *config;
    struct pw_sim_hub *hub;
    char *arena;
    size_t arena_bytes, arena_capacity;
    struct pw_sim_line *lines; /* in the order in which they are sent */
    uint32_t line_cnt, line_capacity;
    struct pw_sim_symbol *symbols; /* PW_SIM_SYMBOLS_MAX, with tick and step as the data show them */
    uint32_t symbol_cnt;
    uint32_t *sample_cnts;            /* by symbol: trades and quotes that tick and step were learnt from */
    uint64_t info_offset, info_bytes; /* exchangeInfo in the arena; 0 bytes: none */
};

/* Loads config's files into a zeroed recording and adds their streams to the hub. 0, or a negative code with
 * `error` = "file:line: what". To be freed in either case. */
int pw_sim_recording_load(struct pw_sim_recording *recording, const struct pw_sim_capture_config *config,
                          struct pw_sim_hub *hub, char *error, size_t error_bytes);
void pw_sim_recording_free(struct pw_sim_recording *recording);

/* A line's payload. */
struct pw_slice pw_sim_line_data(const struct pw_sim_recording *recording, const struct pw_sim_line *line);

#endif
