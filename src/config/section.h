/* SPDX-License-Identifier: MIT
 *
 * A config file's groups, read by tables of keys into structs: for the engine's config and for those of other
 * programs.
 */
#ifndef PW_SECTION_H
#define PW_SECTION_H

#include "document.h"
#include "value.h"

#define PW_SECTION_KEYS_MAX 64u /* side by side in one group */

/* Reads a group into a zeroed record: every key by its row, defaults where a key is absent. Values are judged
 * one by one; what concerns several of them is the caller's. Unknown keys, keys that stand twice, missing
 * ones and wrong values go into the document. node NULL: the group is absent, and all of it by default. */
void pw_section_read(struct pw_document *doc, const struct pw_section *section, const yaml_node_t *node,
                     void *record);

/* The same of several sections whose keys stand side by side in one group, each with a record of its own. */
void pw_sections_read(struct pw_document *doc, const struct pw_section *const *sections, void *const *records,
                      uint32_t section_cnt, const yaml_node_t *node);

#endif
