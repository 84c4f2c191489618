/* SPDX-License-Identifier: MIT
 *
 * Programs under test, run as users run them.
 */
#ifndef PW_TEST_PROGRAM_H
#define PW_TEST_PROGRAM_H

#include <jansson.h>

extern char program_errors[4096]; /* what the last one wrote to standard error */

/* Runs the program that the environment's `variable` names, with args up to NULL; its output in *out, to be
 * freed; its exit code. Fails the test if it crashes. */
int program_run(const char *variable, const char *const *args, char **out);

/* Compares output with the stored page of that name, a file in the folder that the environment's
 * PINWHEEL_PAGES names. Where they differ, the output is left in the folder that PINWHEEL_PAGES_NEW names, if
 * there is one. */
void program_expect_page(const char *name, const char *out);

/* Reads output as JSON and frees it. */
json_t *program_json(char *out);

/* A member by its path, "a/b"; items of lists by number, "list/0/name"; NULL: there is none. */
const json_t *program_at(const json_t *json, const char *path);

#endif
