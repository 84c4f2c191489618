/* SPDX-License-Identifier: MIT
 *
 * The query of a request's target, and percent-encoding (RFC 3986).
 */
#ifndef PW_SERVE_QUERY_H
#define PW_SERVE_QUERY_H

#include "http.h"

#include <stdbool.h>
#include <stddef.h>

/* Takes a target apart at its first '?'; without one the query is empty. */
void pw_target_split(struct pw_slice target, struct pw_slice *path, struct pw_slice *query);

/* The value of the query's first parameter of that name, still encoded. False: there is none. */
bool pw_query_find(struct pw_slice query, const char *name, struct pw_slice *value);

/* Undoes percent-encoding; false if it is malformed, holds a zero byte or does not fit with a zero byte. */
bool pw_percent_decode(struct pw_slice text, bool plus_is_space, char *out, size_t out_bytes, size_t *size);

#endif
