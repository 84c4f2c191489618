/* SPDX-License-Identifier: MIT
 *
 * Loading a config: the sections' keys side by side at the root of the file, then each section's check.
 */
#include "config.h"

#include "config_check.h"
#include "document.h"
#include "pw_assert.h"
#include "section.h"
#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static size_t record_bytes(const struct pw_section *section)
{
    size_t align = alignof(max_align_t);
    return (section->bytes + align) / align * align; /* one byte more at least: no two at one address */
}

/* The records in one block: most of it is room for what most configs lack, and pages that nobody writes cost
 * no memory. */
struct pw_config *pw_config_create(const struct pw_section *const *sections, uint32_t section_cnt)
{
    pw_assert(section_cnt <= PW_SECTIONS_MAX);
    size_t bytes = 0;
    for (uint32_t i = 0; i < section_cnt; i++) {
        bytes += record_bytes(sections[i]);
    }
    struct pw_config *config = calloc(1, sizeof *config);
    char *records = config != NULL ? calloc(1, bytes + 1) : NULL;
    if (records == NULL) {
        free(config);
        return NULL;
    }
    config->section_cnt = section_cnt;
    config->memory = records;
    for (uint32_t i = 0; i < section_cnt; i++) {
        config->sections[i] = sections[i];
        config->records[i] = records;
        records += record_bytes(sections[i]);
    }
    return config;
}

void pw_config_destroy(struct pw_config *config)
{
    if (config != NULL) {
        free(config->memory);
        free(config);
    }
}

void *pw_config_edit(struct pw_config *config, const struct pw_section *section)
{
    uint32_t i = 0;
    while (i < config->section_cnt && config->sections[i] != section) {
        i++;
    }
    pw_assert(i < config->section_cnt);
    config->written = true;
    return config->records[i];
}

const void *pw_config_section(const struct pw_config *config, const struct pw_section *section)
{
    uint32_t i = 0;
    while (i < config->section_cnt && config->sections[i] != section) {
        i++;
    }
    pw_assert(i < config->section_cnt);
    return config->records[i];
}

bool pw_config_find(const struct pw_config *config, const char *what, const char *name, uint32_t *idx)
{
    for (uint32_t i = 0; i < config->section_cnt; i++) {
        const struct pw_section *section = config->sections[i];
        if (section->defines != NULL && strcmp(section->defines, what) == 0 &&
            section->find(config->records[i], name, idx)) {
            return true;
        }
    }
    return false;
}

/* ---- loading ---- */

static int unreadable(const char *path, int rc, char *error, size_t error_bytes)
{
    const char *what = rc == -EFBIG ? "is larger than 1 MiB: not a config" : strerror(-rc);
    snprintf(error, error_bytes, "%s: cannot be read: %s; check the name and its permissions", path, what);
    return rc;
}

static void check_all(struct pw_document *doc, struct pw_config *config, const struct pw_config_given *given,
                      uint32_t given_cnt)
{
    for (uint32_t i = 0; i < config->section_cnt; i++) {
        struct pw_config_check check = {doc, config, config->records[i], NULL};
        for (uint32_t k = 0; k < given_cnt; k++) {
            check.given = given[k].section == config->sections[i] ? given[k].what : check.given;
        }
        if (config->sections[i]->check != NULL) {
            config->sections[i]->check(&check);
        }
    }
}

int pw_config_load(struct pw_config *config, const char *path, const struct pw_config_given *given,
                   uint32_t given_cnt, char *error, size_t error_bytes)
{
    for (uint32_t i = 0; i < config->section_cnt && config->written; i++) {
        memset(config->records[i], 0, config->sections[i]->bytes);
    }
    config->written = true;
    if (strlen(path) >= sizeof config->path) {
        return unreadable(path, -ENAMETOOLONG, error, error_bytes);
    }
    memcpy(config->path, path, strlen(path) + 1);
    struct pw_document *doc = malloc(sizeof *doc);
    if (doc == NULL) {
        return unreadable(path, -ENOMEM, error, error_bytes);
    }
    int rc = pw_document_load(doc, path);
    if (rc == 0) {
        pw_sections_read(doc, config->sections, config->records, config->section_cnt, pw_document_root(doc));
        check_all(doc, config, given, given_cnt);
    }
    if (doc->problem_cnt > 0) {
        pw_document_print_problems(doc, error, error_bytes);
        rc = -EINVAL;
    } else if (rc != 0) {
        unreadable(path, rc, error, error_bytes);
    }
    pw_document_free(doc);
    free(doc);
    return rc;
}

const char *pw_config_place(const struct pw_config *config, char *text, size_t text_bytes, const char *format,
                            ...)
{
    char path[128];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    struct pw_document *doc = malloc(sizeof *doc);
    snprintf(text, text_bytes, "%s", config->path);
    if (doc != NULL && pw_document_load(doc, config->path) == 0) {
        yaml_mark_t mark = pw_document_mark(doc, "%s", path);
        snprintf(text, text_bytes, "%s:%zu:%zu", config->path, mark.line + 1, mark.column + 1);
    }
    if (doc != NULL) {
        pw_document_free(doc);
    }
    free(doc);
    return text;
}
