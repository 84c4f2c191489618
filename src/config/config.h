/* SPDX-License-Identifier: MIT
 *
 * A config: what a user's YAML file says, checked, in one struct a section.
 *
 * Which sections there are is the program's: this folder knows none of them. Reading is cold; everything that
 * can be wrong with a file is found here and reported with file, line, column and what to do, before anything
 * is started.
 */
#ifndef PW_CONFIG_H
#define PW_CONFIG_H

#include "key.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PW_SECTIONS_MAX 32u

struct pw_config {
    char path[256]; /* of the file */
    uint32_t section_cnt;
    const struct pw_section *sections[PW_SECTIONS_MAX];
    void *records[PW_SECTIONS_MAX];
    void *memory; /* of all records */
    bool written; /* the records may hold something */
};

/* What a program passes to one section's check. */
struct pw_config_given {
    const struct pw_section *section;
    const void *what;
};

/* Every section's struct zeroed. NULL: no memory. */
struct pw_config *pw_config_create(const struct pw_section *const *sections, uint32_t section_cnt);
void pw_config_destroy(struct pw_config *config);

/* Loads and checks `path`. 0, or -EINVAL / -errno with `error` = "file:line:column: what is wrong; what to
 * do" (several lines if several things are wrong). Deprecated spellings are logged as warnings. */
int pw_config_load(struct pw_config *config, const char *path, const struct pw_config_given *given,
                   uint32_t given_cnt, char *error, size_t error_bytes);

/* "file:line:column" of what stands at a path such as "feeds[0].name" (document.h), for what turns out to be
 * wrong only when it is used; the file alone if it cannot be read any more. Returns text. */
const char *pw_config_place(const struct pw_config *config, char *text, size_t text_bytes, const char *format,
                            ...) __attribute__((format(printf, 4, 5)));

/* A section's struct; the section must be one of the config's. Cold: keep the pointer. */
const void *pw_config_section(const struct pw_config *config, const struct pw_section *section);
void *pw_config_edit(struct pw_config *config, const struct pw_section *section);
/* By its name: PW_CONFIG(config, risk) is the struct pw_config_risk that pw_risk_section declares. */
#define PW_CONFIG(config, name)                                                                              \
    ((const struct pw_config_##name *)pw_config_section((config), &pw_##name##_section))
#define PW_CONFIG_EDIT(config, name)                                                                         \
    ((struct pw_config_##name *)pw_config_edit((config), &pw_##name##_section))

/* The index of a thing that one of the sections defines, such as an "instrument", by its name. */
bool pw_config_find(const struct pw_config *config, const char *what, const char *name, uint32_t *idx);

/* Every key with its values, default and meaning, as Markdown. */
void pw_config_print_reference(FILE *out, const struct pw_section *const *sections, uint32_t section_cnt,
                               const struct pw_config_given *given, uint32_t given_cnt);

#endif
