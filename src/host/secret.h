/* SPDX-License-Identifier: MIT
 *
 * Reading a file that holds a secret: only if nobody else can have read or written it. And memory for it.
 */
#ifndef PW_SECRET_H
#define PW_SECRET_H

#include <stddef.h>

/* Reads the whole file into text; no zero byte is added. It must be a regular file of the caller's own (or
 * root's), of mode 0600 or 0400, and its last name no symbolic link. The bytes read, without blanks and line
 * ends at their end; -ELOOP (a link), -EPERM (others may read it, or own it), -EINVAL (no regular file,
 * empty, or `size` and more), or what opening it says. */
long pw_secret_read(const char *path, char *text, size_t size);

/* Zeroed pages that are never swapped out, left out of core dumps, and empty in a child process. NULL: the
 * host does not allow that (ulimit -l). */
void *pw_secret_alloc(size_t bytes);
/* Wipes and frees them; NULL: nothing. */
void pw_secret_free(void *memory, size_t bytes);

#endif
