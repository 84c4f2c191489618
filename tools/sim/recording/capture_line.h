/* SPDX-License-Identifier: MIT
 *
 * One line of a capture, taken apart: when it came, of which stream it is, and what its payload says. Pure.
 */
#ifndef PW_SIM_CAPTURE_LINE_H
#define PW_SIM_CAPTURE_LINE_H

#include "source.h"

/* What a line begins with. */
struct pw_sim_preamble {
    int64_t time_ns;
    struct pw_slice url; /* REST answers */
    struct pw_slice json;
};

/* False: it is no line of a known form. */
bool pw_sim_preamble_parse(struct pw_slice line, struct pw_sim_preamble *preamble);
/* Lines that recorders write about themselves. */
bool pw_sim_line_is_remark(struct pw_slice line);

/* What a line holds. The order matters: trades before quotes before depth. */
enum pw_sim_line_kind {
    PW_SIM_LINE_TRADE,
    PW_SIM_LINE_AGG_TRADE,
    PW_SIM_LINE_QUOTE,
    PW_SIM_LINE_DEPTH,
    PW_SIM_LINE_OTHER,
    PW_SIM_LINE_SNAPSHOT,
};

enum pw_sim_line_kind pw_sim_stream_kind(struct pw_slice stream);
/* The name of the stream of a payload that was recorded without its envelope. False: it is of none. */
bool pw_sim_bare_stream(struct pw_slice data, char *name, size_t name_bytes);

/* Of a payload: a positive integer, or 0. */
uint64_t pw_sim_line_id(struct pw_slice data, const char *name);
/* Two decimals in strings; false if they are not there. */
bool pw_sim_line_pair(struct pw_slice data, const char *price, const char *qty, struct pw_level *level);
/* The levels of both sides of an update ("b", "a") or a snapshot ("bids", "asks"), each handed to `use`;
 * false if the payload is none, or when `use` says so. */
bool pw_sim_line_levels(struct pw_slice data, bool snapshot,
                        bool (*use)(struct pw_sim_symbol *symbol, enum pw_side side, struct pw_level level),
                        struct pw_sim_symbol *symbol);

#endif
