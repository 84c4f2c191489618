/* SPDX-License-Identifier: MIT
 *
 * What a config asks of this host, judged before anything is made: files that it names, memory that it takes.
 */
#ifndef PW_HOST_CHECK_H
#define PW_HOST_CHECK_H

#include "config.h"

/* The files. 0, or -EINVAL with `error`: a line "file:line:column: what is wrong; what to do" for each
 * problem. Makes nothing that stays. */
int pw_host_check(const struct pw_config *config, char *error, size_t error_bytes);

/* The same of the memory, and how much the workspace takes. Not for a start: that judges it when it has
 * removed what a killed engine left. */
int pw_host_memory_check(const struct pw_config *config, uint64_t *workspace_bytes, char *error,
                         size_t error_bytes);

#endif
