/* SPDX-License-Identifier: MIT
 *
 * JSON whose values stay slices of the text, so that what was recorded can go out again byte for byte. A thin
 * layer over wire's cursor, for cold paths: loading of captures, control messages, snapshots.
 */
#ifndef PW_SIM_WALK_H
#define PW_SIM_WALK_H

#include "http.h"
#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Walks an object's members or an array's elements. Begin: false if `value` is neither. Next: false at the
 * end or where the text is malformed (then `broken`, and `json.at` is about where). Keys without their
 * quotes, escapes as written. */
struct pw_sim_walk {
    struct pw_json json;
    bool object, broken;
    struct pw_slice key, value;
};
bool pw_sim_walk_begin(struct pw_sim_walk *walk, struct pw_slice value);
bool pw_sim_walk_next(struct pw_sim_walk *walk);

/* The value of an object's first member of that name. */
bool pw_sim_walk_member(struct pw_slice object, const char *name, struct pw_slice *value);

/* The inside of a string as written; false if it is no string. */
bool pw_sim_walk_inside(struct pw_slice value, struct pw_slice *inside);
/* A string's meaning, zero-terminated; false if it is no string or does not fit. */
bool pw_sim_walk_text(struct pw_slice value, char *out, size_t out_bytes, size_t *size);
/* An integer without fraction or exponent. */
bool pw_sim_walk_int(struct pw_slice value, int64_t *number);

#endif
