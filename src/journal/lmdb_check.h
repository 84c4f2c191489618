/* SPDX-License-Identifier: MIT
 *
 * An LMDB file judged before LMDB maps it: LMDB has no checksums, and follows a damaged page wherever it
 * points, which ends the process with SIGBUS or SIGSEGV. Here the file is read, never mapped.
 */
#ifndef PW_LMDB_CHECK_H
#define PW_LMDB_CHECK_H

#define PW_LMDB_WHY_BYTES 96

/* Is every page that LMDB can reach from the newest meta page what it should be, and there? Both tables, the
 * free pages', too: so the file can be read and written. Only while nobody writes it; what the values say is
 * not judged. 0; -ENOENT: no file, or an empty one, of which LMDB makes a new one; -EBADMSG: damaged, `why`
 * says where; -EMEDIUMTYPE: no regular file; or -errno. */
int pw_lmdb_check(const char *path, char why[PW_LMDB_WHY_BYTES]);

/* Is it a regular file, not a symbolic link? What else has the name of a file of the journal is never opened:
 * a FIFO would make its opener wait for ever. 0, -ENOENT, -EMEDIUMTYPE: it is not, or
 * -errno. */
int pw_regular_check(const char *path);

#endif
