/* SPDX-License-Identifier: MIT
 *
 * How an owner declares its part of a config file: rows of keys, and the section that they make.
 *
 * A section is one owner's: its keys at the root of the file (most often a single one, a group), the struct
 * that they fill, and a check of what concerns several of them. A program lists its sections in one array and
 * hands it to pw_config_create; owners read their structs with PW_CONFIG (config.h).
 */
#ifndef PW_KEY_H
#define PW_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pw_config;
struct pw_config_check; /* config_check.h */

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
    PW_VALUE_NUMBER,  /* a whole number, or one of the choices: kept as -1, -2, ...; int32_t */
    PW_VALUE_TEXT,    /* anything; the section's check judges it */
    PW_VALUE_LIST,    /* of values of the kind `item` */
    PW_VALUE_REFS,    /* a list of names of another section's things, which the section's check looks up */
    PW_VALUE_GROUP,   /* a group of keys */
    PW_VALUE_GROUPS,  /* a list of such groups */
    PW_VALUE_PARAMS,  /* free `name: value` lines */
};

/* One key. */
struct pw_key {
    const char *name;
    const char *old_name; /* a deprecated spelling, still read, with a warning; NULL: none */
    enum pw_value_kind kind, item;
    bool required;
    bool expands; /* environment variables in it are replaced */
    bool power_of_two;
    const char *fallback; /* the default as it would stand in the file; NULL: zero or empty */
    const char *unit;
    const char *shown; /* what the reference says that it is, of a TEXT, NUMBER or REFS: "stage" */
    int64_t min, max;  /* in the file's unit; decimals scaled by 1e8 */
    int64_t scale;     /* what is stored is the file's number times this; 0: 1 */
    const char *const *choices;
    uint32_t choice_cnt;
    const char *(*choice)(uint32_t i); /* in place of choices: from a registry; NULL past the last */
    const struct pw_section *section;
    size_t offset, bytes; /* of the value or, in lists, of the first one */
    size_t cnt_offset;    /* lists: of their uint32_t count */
    uint32_t cnt_max;
    size_t name_bytes; /* PARAMS: each row is a text of that size and one that takes the rest of its bytes */
    const char *help;
};

struct pw_section {
    const char *title; /* of a group, in the reference */
    const struct pw_key *keys;
    uint32_t key_cnt;
    /* The rest is for what a program lists; groups inside have none of it. */
    size_t bytes; /* of the struct */
    void (*check)(const struct pw_config_check *check);
    /* Optional: what other sections' names may refer to, "instrument"; and its index by that name. */
    const char *defines;
    bool (*find)(const void *record, const char *name, uint32_t *idx);
    /* Optional: prints more for the reference, below the section's group. given: as in pw_config_load. */
    void (*print_more)(FILE *out, const void *given);
};

/* ---- writing rows ---- */

#define PW_COUNT_OF(array)     (uint32_t)(sizeof(array) / sizeof *(array))
#define PW_FIELD(type, member) .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)
#define PW_CHOICES(array)      .choices = (array), .choice_cnt = PW_COUNT_OF(array)
#define PW_ROWS(type, member, cnt_field)                                                                     \
    .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member[0]),                               \
    .cnt_offset = offsetof(type, cnt_field), .cnt_max = PW_COUNT_OF(((type *)0)->member)
#define PW_GROUP(keys_array, title_text)                                                                     \
    .section = &(const struct pw_section)                                                                    \
    {                                                                                                        \
        .title = (title_text), .keys = (keys_array), .key_cnt = PW_COUNT_OF(keys_array)                      \
    }
/* The whole of a section's struct as one group. */
#define PW_WHOLE(type) .offset = 0, .bytes = sizeof(type)
#define PW_MS(text, low, high)                                                                               \
    .kind = PW_VALUE_COUNT, .fallback = (text), .min = (low), .max = (high), .unit = "ms"

#endif
