/* SPDX-License-Identifier: MIT
 *
 * The config's single values: what a key's row says about its value, and reading a text by it.
 */
#ifndef PW_VALUE_H
#define PW_VALUE_H

#include "document.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pw_value_kind {
    PW_VALUE_BOOL,
    PW_VALUE_COUNT,   /* whole number, not negative; uint32_t or 64 bits */
    PW_VALUE_DECIMAL, /* exact, scaled by 1e8; int64_t */
    PW_VALUE_NAME,    /* [a-z0-9][a-z0-9_-]* */
    PW_VALUE_TOKEN,   /* one of the choices, kept as text */
    PW_VALUE_CHOICE,  /* one of the choices, kept as its index: in an enum, or of two choices in a bool */
    PW_VALUE_SYMBOL,  /* an instrument as the venue spells it */
    PW_VALUE_URL,     /* of a scheme among the choices: the first anywhere, the second on loopback only */
    PW_VALUE_PATH,    /* relative paths begin at the config file's folder */
    PW_VALUE_CORE,    /* a processor's number, auto or none */
    PW_VALUE_TEXT,    /* anything; others judge it */
    PW_VALUE_LIST,    /* of values of the kind `item` */
    PW_VALUE_REFS,    /* a list of symbols that config.c looks up and stores */
    PW_VALUE_GROUP,   /* a section */
    PW_VALUE_GROUPS,  /* a list of sections */
    PW_VALUE_PARAMS,  /* free `name: value` lines */
};

/* A row of the schema. */
struct pw_key {
    const char *name;
    enum pw_value_kind kind, item;
    bool required;
    bool expands; /* environment variables in it are replaced */
    bool power_of_two;
    const char *fallback; /* the default as it would stand in the file; NULL: zero or empty */
    const char *unit;
    int64_t min, max; /* in the file's unit; decimals scaled by 1e8 */
    int64_t scale;    /* what is stored is the file's number times this; 0: 1 */
    const char *const *choices;
    uint32_t choice_cnt;
    const struct pw_section *section;
    size_t offset, bytes; /* of the value or, in lists, of the first one */
    size_t cnt_offset;    /* lists: of their uint32_t count */
    uint32_t cnt_max;
    const char *help;
};

struct pw_section {
    const char *title;
    const struct pw_key *keys;
    uint32_t key_cnt;
};

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

/* "spin, pause, yield, sleep"; returns text. */
const char *pw_value_join(const char *const *names, uint32_t name_cnt, char *text, size_t text_bytes);

#endif
