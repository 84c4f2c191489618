/* SPDX-License-Identifier: MIT
 *
 * The rows of a list in a REST answer, each where it stands: whose row it is, is known before it is read, so
 * that one that concerns nobody may hold whatever is JSON.
 */
#ifndef PW_REST_ROWS_H
#define PW_REST_ROWS_H

#include "json.h"
#include <jansson.h>

struct pw_rest_rows {
    struct pw_json json;
    bool keyed; /* the list is an object, whose keys are passed over */
};

/* The list that the body's one object has under that name: an array, or an object. False: the body is none of
 * these, or no JSON. */
bool pw_rest_rows_begin(struct pw_rest_rows *rows, const char *body, size_t size, const char *member);

/* The next row that is an object with a text under that name, which fits; others are passed over. False: no
 * more. */
bool pw_rest_rows_next(struct pw_rest_rows *rows, const char *name_member, char *name, size_t name_bytes,
                       struct pw_json_text *row);

/* As a tree; NULL: no JSON, or a key comes twice. A number that no tree can hold is null there: who uses it
 * misses it. */
json_t *pw_rest_load(const char *text, size_t size);

#endif
