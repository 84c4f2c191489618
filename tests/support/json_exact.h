/* SPDX-License-Identifier: MIT
 *
 * What every command's JSON keeps to, for programs that read it: each key once in an object; ids, nanoseconds
 * and numbers of the streams are strings, as most readers' numbers lose digits beyond 2^53.
 */
#ifndef PW_TEST_JSON_EXACT_H
#define PW_TEST_JSON_EXACT_H

#include <jansson.h>

/* Reads JSON that a command printed, an object or a value; fails the test where it does not keep to that. */
json_t *json_exact(const char *text);

/* The same, of each line. Returns how many there are. */
size_t json_exact_lines(const char *text);

#endif
