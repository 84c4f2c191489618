/* SPDX-License-Identifier: MIT
 *
 * Names of symbols, streams, keys and parameters: what they are made of, and their hash.
 */
#ifndef PW_SIM_NAMES_H
#define PW_SIM_NAMES_H

#include "http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Letters and digits alone; an empty one is none. */
static inline bool pw_sim_name_plain(struct pw_slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) {
            return false;
        }
    }
    return name.size > 0;
}

static inline char pw_sim_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline char pw_sim_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* FNV-1a; `basis`: PW_SIM_HASH_BASIS, or with something mixed in. */
#define PW_SIM_HASH_BASIS UINT64_C(14695981039346656037)
static inline uint64_t pw_sim_name_hash(struct pw_slice name, uint64_t basis)
{
    for (size_t i = 0; i < name.size; i++) {
        basis = (basis ^ (unsigned char)name.text[i]) * UINT64_C(1099511628211);
    }
    return basis;
}

#endif
