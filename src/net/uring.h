/* SPDX-License-Identifier: MIT
 *
 * struct pw_io (seam.h) by io_uring, and, where a host forbids io_uring, by plain system calls.
 *
 * What the kernel lacks is found out at start, done without, and logged: deferred task work (6.1), a single
 * issuer (6.0), multishot receive (6.0), with the kernel's time stamps or without, buffers mapped by a ring
 * (5.19), restrictions of the ring (5.10).
 */
#ifndef PW_URING_H
#define PW_URING_H

#include "seam.h"

/* To be done without even if the kernel has it: for tests. */
enum {
    PW_URING_NO_DEFER = 1,
    PW_URING_NO_MULTISHOT = 2,
    PW_URING_NO_BUFFER_RING = 4,
    PW_URING_NO_RESTRICTIONS = 8,
    PW_URING_NO_STAMPS = 16,
};

/* io_uring if the host has it, done without what `without` says, else plain system calls. NULL: no memory. */
struct pw_io *pw_io_host_create(uint32_t slot_cnt, uint32_t without);
/* One of the two. */
struct pw_io *pw_uring_create(uint32_t slot_cnt, uint32_t without);
struct pw_io *pw_syscalls_create(uint32_t slot_cnt);

#endif
