/* SPDX-License-Identifier: MIT
 *
 * What this process may lock in memory, in words: io_uring's rings count against it, too.
 */
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

const char *pw_memlock_print(char *text, size_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        snprintf(text, bytes, "unknown");
    } else if (limit.rlim_cur == RLIM_INFINITY) {
        snprintf(text, bytes, "unlimited");
    } else {
        snprintf(text, bytes, "%llu KiB", (unsigned long long)limit.rlim_cur / 1024);
    }
    return text;
}

const char *pw_ring_error_print(int err, char *text, size_t bytes)
{
    char limit[32];
    if (err == -ENOMEM) {
        snprintf(text, bytes,
                 "no memory that may be locked: RLIMIT_MEMLOCK is %s, 8192 KiB are enough (ulimit -l)",
                 pw_memlock_print(limit, sizeof limit));
    } else {
        snprintf(text, bytes, "%s", strerror(-err));
    }
    return text;
}
