/* SPDX-License-Identifier: MIT
 *
 * Cache lines: what is laid out one behind the other in one piece of memory begins on a line of its own.
 */
#ifndef PINWHEEL_LINES_H
#define PINWHEEL_LINES_H

#include <stddef.h>

/* Bytes rounded up to whole lines. */
static inline size_t pw_round_up_64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

#endif
