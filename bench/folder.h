/* SPDX-License-Identifier: MIT
 *
 * A folder of a bench's own, for as long as it runs.
 */
#ifndef PW_BENCH_FOLDER_H
#define PW_BENCH_FOLDER_H

#include "bench.h"

/* Makes one on a disk, not in memory as /tmp may be: in $TMPDIR, else in /var/tmp. 0, or -errno with the
 * reason in the report's note. */
int bench_folder_make(char *path, size_t path_bytes, struct pw_bench_report *report);
/* With all that is in it. */
void bench_folder_remove(const char *path);

#endif
