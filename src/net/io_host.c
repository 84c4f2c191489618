/* SPDX-License-Identifier: MIT
 *
 * The choice between io_uring and plain system calls.
 */
#include "host.h"
#include "uring.h"

#include <liburing.h>

/* Whether the host lets us have a ring at all: a container's seccomp filter or kernel.io_uring_disabled may
 * not. */
static int probe(void)
{
    struct io_uring ring;
    int err = io_uring_queue_init(2, &ring, 0);
    if (err == 0) {
        io_uring_queue_exit(&ring);
    }
    return err;
}

struct pw_io *pw_io_host_create(uint32_t slot_cnt, uint32_t without)
{
    int err = probe();
    if (err == 0) {
        return pw_uring_create(slot_cnt, without);
    }
    char reason[160];
    pw_log(PW_LOG_WARN, "io_uring is unavailable: %s", pw_ring_error_print(err, reason, sizeof reason));
    return pw_syscalls_create(slot_cnt);
}
