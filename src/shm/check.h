/* SPDX-License-Identifier: MIT
 *
 * What the kinds of regions demand of their layout. Inside src/shm only.
 */
#ifndef PW_CHECK_H
#define PW_CHECK_H

#include <pinwheel/workspace.h>
#include <stddef.h>
#include <stdint.h>

#define PW_REGION_ALIGN 128u /* two cache lines: processors fetch lines in pairs */

/* A char array of a row that must end with a zero byte. */
struct pw_row_text {
    uint16_t offset, bytes;
};

struct pw_region_rule {
    uint32_t row_bytes_min; /* what this version's struct needs */
    uint32_t row_align;     /* of the offset and of row_bytes */
    uint32_t row_cnt_max;
    struct pw_row_text texts[4]; /* bytes 0: no more */
    uint32_t since_abi;          /* the first ABI with these rows; 0: all have them */
};

/* NULL: a kind that this version does not know, or knows other rows of. */
const struct pw_region_rule *pw_region_rule_of(uint32_t kind, uint32_t abi);

/* Does the directory fit a file of file_bytes? NULL, or what is wrong with it. */
const char *pw_header_check(const struct pw_workspace_header *header, uint64_t file_bytes);

#endif
