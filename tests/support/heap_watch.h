/* SPDX-License-Identifier: MIT
 *
 * Counts the calls of the heap that the thread makes while it must make none. A program that uses this has
 * malloc and its kin from here; sanitizers have their own, and nothing is watched there.
 */
#ifndef PW_TEST_HEAP_WATCH_H
#define PW_TEST_HEAP_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HEAP_IS_WATCHED
#endif

void heap_forbid(bool forbidden);
/* While it was forbidden. */
uint32_t heap_calls(void);
/* Makes two calls and expects that they are counted. */
void heap_watch_prove(void);

#endif
