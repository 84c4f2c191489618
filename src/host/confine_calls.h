/* SPDX-License-Identifier: MIT
 *
 * The list of system calls, as a filter of the kernel's (seccomp). confine.c's other half.
 */
#ifndef PW_CONFINE_CALLS_H
#define PW_CONFINE_CALLS_H

#include "confine.h"

/* For all threads from now on: whatever is not in the program's list fails with EPERM. How many calls it has; a
 * negative code: the kernel takes no filter. no_new_privs must be set. */
int pw_confine_calls(enum pw_confine_program program);

#endif
