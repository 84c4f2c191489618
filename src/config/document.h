/* SPDX-License-Identifier: MIT
 *
 * A YAML file as a tree whose nodes know their line and column, and the problems found in it.
 *
 * libyaml's document API underneath. Problems are collected, so that all of a file's are reported together,
 * in the order of its lines.
 */
#ifndef PW_DOCUMENT_H
#define PW_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#define PW_DOCUMENT_BYTES_MAX (1u << 20)
#define PW_PROBLEMS_MAX       64u

struct pw_problem {
    yaml_mark_t mark;
    char text[512];
};

struct pw_document {
    const char *path; /* as it is to be shown */
    yaml_document_t yaml;
    bool loaded;
    uint32_t problem_cnt;
    uint32_t unlisted_cnt; /* problems beyond the table */
    struct pw_problem problems[PW_PROBLEMS_MAX];
};

/* 0; -EINVAL: not one YAML document with a mapping at its root (the problems say where); or -errno. path must
 * outlive doc. To be freed in every case. */
int pw_document_load(struct pw_document *doc, const char *path);
void pw_document_free(struct pw_document *doc);

const yaml_node_t *pw_document_root(const struct pw_document *doc);
/* By the number that a sequence's item or a mapping's pair holds. */
const yaml_node_t *pw_document_node(const struct pw_document *doc, int node);

/* The node at a path such as "cores[2].stages[0]" (printf), or NULL. */
const yaml_node_t *pw_document_find(const struct pw_document *doc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Where that node begins; where the path leads nowhere, the deepest node on the path. */
yaml_mark_t pw_document_mark(const struct pw_document *doc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A scalar's text, zero-terminated (a quoted scalar may hold zero bytes: its text ends there and `*whole` is
 * false). */
const char *pw_node_text(const yaml_node_t *node, bool *whole);
/* Unquoted, so that YAML gives it a type. */
bool pw_node_is_plain(const yaml_node_t *node);
/* Nothing at all, `~` or `null`, unquoted. */
bool pw_node_is_null(const yaml_node_t *node);
/* "a list", for messages. */
const char *pw_node_kind_name(const yaml_node_t *node);

void pw_document_problem(struct pw_document *doc, yaml_mark_t mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Has a problem been reported about what begins there? */
bool pw_document_has_problem_at(const struct pw_document *doc, yaml_mark_t mark);
/* ... about anything in that node? NULL: no. Who judges several values together asks first, so that one
 * mistake is reported once. */
bool pw_document_has_problem_in(const struct pw_document *doc, const yaml_node_t *node);
/* "path:line:column: text" lines, in the file's order, without a newline at the end. Sorts the problems. */
void pw_document_print_problems(struct pw_document *doc, char *text, size_t text_bytes);

#endif
