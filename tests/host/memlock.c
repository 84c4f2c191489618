/* SPDX-License-Identifier: MIT
 *
 * Why there is no io_uring, in words that say what to do.
 */
#include "host.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* cases/24-memlock-advice: the limit that is in force, and what would be enough. */
Test(memlock, ring_without_memory_is_told_with_limit_and_advice)
{
    char text[160];
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){.rlim_cur = 64 << 10, .rlim_max = 64 << 10}), 0);
    cr_expect_not_null(strstr(pw_ring_error_print(-ENOMEM, text, sizeof text), "RLIMIT_MEMLOCK is 64 KiB"),
                       "%s", text);
    cr_expect_not_null(strstr(text, "ulimit -l"), "%s", text);
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0}), 0);
    cr_expect_not_null(strstr(pw_ring_error_print(-ENOMEM, text, sizeof text), "RLIMIT_MEMLOCK is 0 KiB"),
                       "%s", text);
}

Test(memlock, other_errors_of_a_ring_do_not_blame_the_limit)
{
    static const int others[] = {EPERM, ENOSYS, EMFILE};
    char text[160];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        cr_expect_str_eq(pw_ring_error_print(-others[i], text, sizeof text), strerror(others[i]));
    }
}
