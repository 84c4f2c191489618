/* SPDX-License-Identifier: MIT
 *
 * The host's sockets, as struct pw_sockets (seam.h): file descriptors that never block, and names resolved by
 * the C library on threads of their own, since it blocks.
 */
#ifndef PW_SOCKETS_H
#define PW_SOCKETS_H

#include "seam.h"

#define PW_LOOKUPS_MAX 32u /* under way or not yet ended */

/* A socket is a file descriptor. kernel_stamps: the kernel is to say when it had what is received (pw_io's
 * receives tell it). NULL: no memory. */
struct pw_sockets *pw_sockets_host_create(bool kernel_stamps);
/* Look-ups still under way end by themselves later. */
void pw_sockets_host_destroy(struct pw_sockets *sockets);

#endif
