/* SPDX-License-Identifier: MIT
 *
 * A config's single values: a text judged and stored as the key's row says.
 */
#ifndef PW_VALUE_H
#define PW_VALUE_H

#include "document.h"
#include "key.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a value goes. */
struct pw_target {
    void *to;
    size_t bytes;
};

/* Reads a scalar as a value of `kind` (the key's own, or its items'). What is wrong goes into the document,
 * and the target stays as it is. */
void pw_value_read_node(struct pw_document *doc, const struct pw_key *key, enum pw_value_kind kind,
                        const yaml_node_t *node, struct pw_target target);
/* The same for the key's default, if it has one. */
void pw_value_read_default(struct pw_document *doc, const struct pw_key *key, struct pw_target target);

#define PW_CHOICES_MAX 64u

/* A key's choices, from its table or its registry: how many. */
uint32_t pw_value_choices(const struct pw_key *key, const char *choices[PW_CHOICES_MAX]);

/* "spin, pause, yield, sleep"; returns text. */
const char *pw_value_join(const char *const *names, uint32_t name_cnt, char *text, size_t text_bytes);

#endif
