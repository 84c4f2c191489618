/* SPDX-License-Identifier: MIT
 *
 * Builds of pinwheel: where their programs stand, and their benches run as children.
 */
#ifndef PW_BENCH_BUILD_H
#define PW_BENCH_BUILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define BUILD_PATH_BYTES 512u

/* The folder of this very program. False: there is no engine beside it. */
bool build_own_find(char folder[BUILD_PATH_BYTES]);
/* path: a `pinwheel` program, or the folder that it stands in. False: there is none, or no engine beside it.
 */
bool build_find(const char *path, char folder[BUILD_PATH_BYTES]);

/* Runs `pinwheel ARGS...` of that folder, args with "pinwheel" first and NULL last, and reads JSON from its
 * standard output. NULL when it fails, with the reason in error. */
json_t *build_json_run(const char *folder, const char *const *args, char *error, size_t error_bytes);

#endif
