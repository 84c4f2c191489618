/* SPDX-License-Identifier: MIT
 *
 * The keys of live accounts: loaded before any thread, in memory that no core dump holds, wiped at the end.
 * Nothing of them is logged, kept in the workspace, or put into an error's text. Where no account
 * needs them, none are even looked for.
 */
#ifndef PW_KEYS_H
#define PW_KEYS_H

#include "config.h"
#include "execution.h"
#include <pinwheel/workspace.h>

#define PW_API_KEY_BYTES_MAX 128u

struct pw_key_files {
    struct pw_keys keys[PW_ACCOUNTS_MAX]; /* what the stages get; signer NULL: not loaded */
    char *api_keys[PW_ACCOUNTS_MAX]; /* each of PW_API_KEY_BYTES_MAX + 1 in guarded pages; NULL: not loaded */
};

/* Of each account whose gateway needs them. 0, or -errno with `error` = "file: what is wrong; what to do". */
int pw_keys_load(struct pw_key_files *files, const struct pw_config *config, char *error, size_t error_bytes);

/* Also of what was never loaded. */
void pw_keys_wipe(struct pw_key_files *files);

#endif
