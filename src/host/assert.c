/* SPDX-License-Identifier: MIT
 *
 * The end of a process that found a mistake of its own.
 */
#include "pw_assert.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pw_assert_failed(const char *line)
{
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written; /* a standard error that is gone changes nothing */
    abort();
}
