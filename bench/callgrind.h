/* SPDX-License-Identifier: MIT
 *
 * What callgrind counted: calls of functions, and the instructions inside them and all that they call.
 */
#ifndef PW_BENCH_CALLGRIND_H
#define PW_BENCH_CALLGRIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CALLGRIND_NAME_BYTES 96u

struct callgrind_function {
    char name[CALLGRIND_NAME_BYTES];
    uint64_t calls, instructions;
};

struct callgrind {
    struct callgrind_function *functions; /* by the file's number of each */
    size_t function_cnt;
};

/* Reads a file of counts (format 1, names compressed). False: not one, or no memory; then it is empty. */
bool callgrind_read(struct callgrind *counts, FILE *in);
void callgrind_free(struct callgrind *counts);

/* NULL: it was not called. */
const struct callgrind_function *callgrind_find(const struct callgrind *counts, const char *name);

#endif
