/* SPDX-License-Identifier: MIT
 *
 * Reading a YAML file, finding nodes in it, and keeping book of what is wrong with it.
 */
#include "document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- loading ---- */

#define DEPTH_MAX 16 /* the schema's deepest value is at 4 */

/* The whole file in memory from malloc; its size, or -errno. */
static ssize_t file_read(const char *path, unsigned char **bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t size = 0;
    *bytes = malloc(PW_DOCUMENT_BYTES_MAX + 1);
    if (*bytes == NULL) {
        size = -ENOMEM;
    }
    while (size >= 0) {
        ssize_t more = read(fd, *bytes + size, PW_DOCUMENT_BYTES_MAX + 1 - (size_t)size);
        if (more == 0) {
            break;
        }
        if (more < 0 && errno != EINTR) {
            size = -errno;
        } else if (more > 0) {
            size += more;
            size = size > (ssize_t)PW_DOCUMENT_BYTES_MAX ? -EFBIG : size;
        }
    }
    close(fd);
    return size;
}

static void syntax_problem(struct pw_document *doc, const yaml_parser_t *parser)
{
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    const char *hint = "";
    if (strstr(problem, "tab character") != NULL) {
        hint = "; indent with spaces, not tabs";
    } else if (strstr(problem, "cannot start any token") != NULL) {
        hint = "; quote values that begin with @ % or `, and indent with spaces, not tabs";
    }
    pw_document_problem(doc, parser->problem_mark, "not valid YAML: %s%s%s%s", problem,
                        parser->context != NULL ? ", " : "", parser->context != NULL ? parser->context : "",
                        hint);
}

/* Reads through the file once by its events, and no further than DEPTH_MAX groups and lists within one
 * another: libyaml takes a minute of 200,000 brackets. False: reported. */
static bool depth_check(struct pw_document *doc, const unsigned char *bytes, size_t size)
{
    yaml_parser_t parser;
    bool ended = false;
    int depth = 0;
    if (!yaml_parser_initialize(&parser)) {
        return true; /* no memory: the next step says so */
    }
    yaml_parser_set_input_string(&parser, bytes, size);
    while (!ended && depth <= DEPTH_MAX) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            syntax_problem(doc, &parser);
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        depth += event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
        depth -= event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        if (depth > DEPTH_MAX) {
            pw_document_problem(doc, event.start_mark, "nested too deeply: no key is at this depth");
        }
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return ended;
}

/* Nothing may follow the one document: what stands there would be ignored in silence. */
static void trailing_check(struct pw_document *doc, yaml_parser_t *parser)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        syntax_problem(doc, parser);
        return;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&second);
    if (root != NULL) {
        pw_document_problem(doc, root->start_mark,
                            "a second document begins here; one file holds one config");
    }
    yaml_document_delete(&second);
}

int pw_document_load(struct pw_document *doc, const char *path)
{
    const yaml_mark_t start = {0};
    unsigned char *bytes = NULL;
    yaml_parser_t parser;
    *doc = (struct pw_document){.path = path};
    ssize_t size = file_read(path, &bytes);
    if (size < 0) {
        free(bytes);
        return (int)size;
    }
    if (!depth_check(doc, bytes, (size_t)size)) {
        free(bytes);
        return -EINVAL;
    }
    if (!yaml_parser_initialize(&parser)) {
        free(bytes);
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&parser, bytes, (size_t)size);
    if (!yaml_parser_load(&parser, &doc->yaml)) {
        syntax_problem(doc, &parser);
    } else {
        doc->loaded = true;
        const yaml_node_t *root = pw_document_root(doc);
        if (root == NULL) {
            pw_document_problem(doc, start, "the file is empty; begin with 'instance: <name>'");
        } else if (root->type != YAML_MAPPING_NODE) {
            pw_document_problem(doc, root->start_mark, "must be 'key: value' lines, not %s",
                                pw_node_kind_name(root));
        } else {
            trailing_check(doc, &parser);
        }
    }
    yaml_parser_delete(&parser);
    free(bytes);
    return doc->problem_cnt == 0 ? 0 : -EINVAL;
}

void pw_document_free(struct pw_document *doc)
{
    if (doc->loaded) {
        yaml_document_delete(&doc->yaml);
        doc->loaded = false;
    }
}

/* ---- nodes ---- */

/* libyaml's accessors take a document that is not const, though they change nothing. */
static yaml_document_t *yaml_of(const struct pw_document *doc)
{
    return (yaml_document_t *)&doc->yaml;
}

const yaml_node_t *pw_document_root(const struct pw_document *doc)
{
    return yaml_document_get_root_node(yaml_of(doc));
}

const yaml_node_t *pw_document_node(const struct pw_document *doc, int node)
{
    return yaml_document_get_node(yaml_of(doc), node);
}

const char *pw_node_text(const yaml_node_t *node, bool *whole)
{
    const char *text = (const char *)node->data.scalar.value;
    *whole = strlen(text) == node->data.scalar.length;
    return text;
}

bool pw_node_is_plain(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool pw_node_is_null(const yaml_node_t *node)
{
    if (!pw_node_is_plain(node)) {
        return false;
    }
    const char *text = (const char *)node->data.scalar.value;
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

const char *pw_node_kind_name(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SEQUENCE_NODE:
        return "a list";
    case YAML_MAPPING_NODE:
        return "a group of 'key: value'";
    case YAML_SCALAR_NODE:
        return pw_node_is_null(node) ? "nothing" : "a single value";
    case YAML_NO_NODE:
        break;
    }
    return "nothing";
}

static const yaml_node_t *map_get(const struct pw_document *doc, const yaml_node_t *map, const char *key,
                                  size_t key_bytes)
{
    if (map->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *name = pw_document_node(doc, pair->key);
        if (name->type == YAML_SCALAR_NODE && name->data.scalar.length == key_bytes &&
            memcmp(name->data.scalar.value, key, key_bytes) == 0) {
            return pw_document_node(doc, pair->value);
        }
    }
    return NULL;
}

static const yaml_node_t *list_get(const struct pw_document *doc, const yaml_node_t *list, size_t item_idx)
{
    if (list->type != YAML_SEQUENCE_NODE) {
        return NULL;
    }
    const yaml_node_item_t *items = list->data.sequence.items.start;
    return item_idx < (size_t)(list->data.sequence.items.top - items) ? pw_document_node(doc, items[item_idx])
                                                                      : NULL;
}

/* Follows the path as far as it leads: the last node on it; `*found` says whether that is its end. */
static const yaml_node_t *path_follow(const struct pw_document *doc, const char *path, bool *found)
{
    const yaml_node_t *node = pw_document_root(doc);
    while (*path != '\0') {
        const yaml_node_t *next;
        if (*path == '[') {
            char *end;
            next = list_get(doc, node, strtoul(path + 1, &end, 10));
            path = end + 1;
        } else {
            path += *path == '.';
            size_t key_bytes = strcspn(path, ".[");
            next = map_get(doc, node, path, key_bytes);
            path += key_bytes;
        }
        if (next == NULL) {
            *found = false;
            return node;
        }
        node = next;
    }
    *found = true;
    return node;
}

const yaml_node_t *pw_document_find(const struct pw_document *doc, const char *format, ...)
{
    char path[128];
    bool found;
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    const yaml_node_t *node = path_follow(doc, path, &found);
    return found ? node : NULL;
}

yaml_mark_t pw_document_mark(const struct pw_document *doc, const char *format, ...)
{
    char path[128];
    bool found;
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return path_follow(doc, path, &found)->start_mark;
}

/* ---- problems ---- */

void pw_document_problem(struct pw_document *doc, yaml_mark_t mark, const char *format, ...)
{
    if (doc->problem_cnt == PW_PROBLEMS_MAX) {
        doc->unlisted_cnt++;
        return;
    }
    struct pw_problem *problem = &doc->problems[doc->problem_cnt++];
    problem->mark = mark;
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
}

bool pw_document_has_problem_at(const struct pw_document *doc, yaml_mark_t mark)
{
    for (uint32_t i = 0; i < doc->problem_cnt; i++) {
        if (doc->problems[i].mark.index == mark.index) {
            return true;
        }
    }
    return false;
}

bool pw_document_has_problem_in(const struct pw_document *doc, const yaml_node_t *node)
{
    for (uint32_t i = 0; node != NULL && i < doc->problem_cnt; i++) {
        size_t at = doc->problems[i].mark.index;
        if (at >= node->start_mark.index && at < node->end_mark.index) {
            return true;
        }
    }
    return false;
}

static int problem_compare(const void *a, const void *b)
{
    const yaml_mark_t *left = &((const struct pw_problem *)a)->mark;
    const yaml_mark_t *right = &((const struct pw_problem *)b)->mark;
    if (left->line != right->line) {
        return left->line < right->line ? -1 : 1;
    }
    return left->column < right->column ? -1 : left->column > right->column;
}

void pw_document_print_problems(struct pw_document *doc, char *text, size_t text_bytes)
{
    qsort(doc->problems, doc->problem_cnt, sizeof doc->problems[0], problem_compare);
    size_t size = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < doc->problem_cnt && size < text_bytes; i++) {
        const struct pw_problem *problem = &doc->problems[i];
        int more = snprintf(text + size, text_bytes - size, "%s%s:%zu:%zu: %s", i > 0 ? "\n" : "", doc->path,
                            problem->mark.line + 1, problem->mark.column + 1, problem->text);
        size += more > 0 ? (size_t)more : 0;
    }
    if (doc->unlisted_cnt > 0 && size < text_bytes) {
        snprintf(text + size, text_bytes - size, "\n%s: and %u more", doc->path, doc->unlisted_cnt);
    }
}
