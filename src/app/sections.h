/* SPDX-License-Identifier: MIT
 *
 * The engine's config: which sections it has, and loading it for this host or another.
 */
#ifndef PW_APP_SECTIONS_H
#define PW_APP_SECTIONS_H

#include "accounts_config.h"
#include "config.h"
#include "cpu.h"
#include "feeds.h"

/* NULL: no memory. Every section zeroed. */
struct pw_config *pw_app_config_create(void);

/* As pw_config_load, for the engine's stages and these processors; NULL: this host's. */
int pw_app_config_load(struct pw_config *config, const char *path, const struct pw_cpus *cpus, char *error,
                       size_t error_bytes);

/* docs/config.md is this text. */
void pw_app_config_print_reference(FILE *out);

#endif
