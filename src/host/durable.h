/* SPDX-License-Identifier: MIT
 *
 * Small text files that outlive a crash and a power cut: replaced as a whole, durable with their name when a
 * call returns 0. NAME.new beside the file is the one being written. No symbolic link is followed. Cold code
 * only: each call may wait for the disk.
 */
#ifndef PW_DURABLE_H
#define PW_DURABLE_H

#include <stddef.h>

/* Makes the folder if there is none, and its name durable, as far as the folder above can be opened. 0 or
 * -errno. */
int pw_durable_folder(const char *folder);

/* Makes room on the disk for a later replacement of at most that many bytes, which then succeeds on a full
 * disk, too. The folder is made if there is none. 0 or -errno. */
int pw_durable_reserve(const char *folder, const char *name, size_t bytes);

/* 0 or -errno; after a failure the file is as before. */
int pw_durable_replace(const char *folder, const char *name, const char *text);

/* 0 (also if there was none) or -errno. */
int pw_durable_remove(const char *folder, const char *name);

/* The text, zero-terminated, cut at text_bytes - 1; how many bytes it has, or -errno. */
long pw_durable_read(const char *folder, const char *name, char *text, size_t text_bytes);

#endif
