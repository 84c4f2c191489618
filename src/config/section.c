/* SPDX-License-Identifier: MIT
 *
 * Groups and lists of a config file, read by a table of keys: see section.h.
 */
#include "section.h"

#include "host.h"
#include "pw_assert.h"
#include "word.h"
#include <string.h>

static struct pw_target target_of(const struct pw_key *key, void *record)
{
    return (struct pw_target){(char *)record + key->offset, key->bytes};
}

/* A list of at most cnt_max items; reports what is not, and returns how many items are to be read. */
static uint32_t list_length(struct pw_document *doc, const struct pw_key *key, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE ||
        node->data.sequence.items.top == node->data.sequence.items.start) {
        pw_document_problem(doc, node->start_mark, "%s: must be a list of one or more, not %s", key->name,
                            node->type == YAML_SEQUENCE_NODE ? "an empty list" : pw_node_kind_name(node));
        return 0;
    }
    size_t item_cnt = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (item_cnt > key->cnt_max) {
        pw_document_problem(doc, node->start_mark, "%s: has %zu entries; the maximum is %u", key->name,
                            item_cnt, key->cnt_max);
        return key->cnt_max;
    }
    return (uint32_t)item_cnt;
}

static void list_read(struct pw_document *doc, const struct pw_key *key, const yaml_node_t *node,
                      void *record)
{
    uint32_t item_cnt = list_length(doc, key, node);
    for (uint32_t i = 0; i < item_cnt; i++) {
        const yaml_node_t *item = pw_document_node(doc, node->data.sequence.items.start[i]);
        void *to = (char *)record + key->offset + i * key->bytes;
        if (key->kind != PW_VALUE_GROUPS) {
            pw_value_read_node(doc, key, key->item, item, (struct pw_target){to, key->bytes});
        } else if (item->type == YAML_MAPPING_NODE) {
            pw_section_read(doc, key->section, item, to);
        } else {
            pw_document_problem(doc, item->start_mark, "%s: must be a group of 'key: value', not %s",
                                key->name, pw_node_kind_name(item));
        }
    }
    memcpy((char *)record + key->cnt_offset, &item_cnt, sizeof item_cnt);
}

/* What the names refer to is known only when all sections are read: here the list is measured, the section's
 * check reads it. */
static void refs_read(struct pw_document *doc, const struct pw_key *key, const yaml_node_t *node)
{
    list_length(doc, key, node);
}

/* A name that stands in the same mapping before: its line, or 0. */
static size_t param_line_before(struct pw_document *doc, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
    const yaml_node_t *name = pw_document_node(doc, pair->key);
    for (const yaml_node_pair_t *other = map->data.mapping.pairs.start; other < pair; other++) {
        const yaml_node_t *before = pw_document_node(doc, other->key);
        if (name->type == YAML_SCALAR_NODE && before->type == YAML_SCALAR_NODE &&
            strcmp((const char *)name->data.scalar.value, (const char *)before->data.scalar.value) == 0) {
            return before->start_mark.line + 1;
        }
    }
    return 0;
}

static void params_read(struct pw_document *doc, const struct pw_key *key, const yaml_node_t *node,
                        void *record)
{
    if (node->type != YAML_MAPPING_NODE) {
        pw_document_problem(doc, node->start_mark, "%s: must be a group of 'name: value', not %s", key->name,
                            pw_node_kind_name(node));
        return;
    }
    uint32_t param_cnt = 0;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *name = pw_document_node(doc, pair->key);
        size_t line = param_line_before(doc, node, pair);
        if (param_cnt == key->cnt_max) {
            pw_document_problem(doc, name->start_mark, "%s: the maximum is %u", key->name, key->cnt_max);
            break;
        }
        if (line != 0) {
            pw_document_problem(doc, name->start_mark,
                                "'%s' is set a second time (first in line %zu); remove one",
                                (const char *)name->data.scalar.value, line);
            continue;
        }
        char *param = (char *)record + key->offset + param_cnt++ * key->bytes;
        pw_value_read_node(doc, key, PW_VALUE_NAME, name, (struct pw_target){param, key->name_bytes});
        pw_value_read_node(doc, key, PW_VALUE_TEXT, pw_document_node(doc, pair->value),
                           (struct pw_target){param + key->name_bytes, key->bytes - key->name_bytes});
    }
    memcpy((char *)record + key->cnt_offset, &param_cnt, sizeof param_cnt);
}

static void key_read(struct pw_document *doc, const struct pw_key *key, const yaml_node_t *node, void *record)
{
    switch (key->kind) {
    case PW_VALUE_GROUP:
        if (node->type == YAML_MAPPING_NODE) {
            pw_section_read(doc, key->section, node, (char *)record + key->offset);
        } else {
            pw_document_problem(doc, node->start_mark, "%s: must be a group of 'key: value', not %s",
                                key->name, pw_node_kind_name(node));
        }
        break;
    case PW_VALUE_GROUPS:
    case PW_VALUE_LIST:
        list_read(doc, key, node, record);
        break;
    case PW_VALUE_REFS:
        refs_read(doc, key, node);
        break;
    case PW_VALUE_PARAMS:
        params_read(doc, key, node, record);
        break;
    default:
        pw_value_read_node(doc, key, key->kind, node, target_of(key, record));
    }
}

/* ---- sections side by side ---- */

/* A key among all of them: its place in that order, and where it goes. */
struct found_key {
    const struct pw_key *key;
    void *record;
    uint32_t place;
};

struct group {
    const struct pw_section *const *sections;
    void *const *records;
    uint32_t section_cnt;
};

/* The key at a place, or one without key past the last. */
static struct found_key key_at(const struct group *group, uint32_t place)
{
    uint32_t left = place;
    for (uint32_t i = 0; i < group->section_cnt; i++) {
        if (left < group->sections[i]->key_cnt) {
            return (struct found_key){&group->sections[i]->keys[left], group->records[i], place};
        }
        left -= group->sections[i]->key_cnt;
    }
    return (struct found_key){0};
}

static struct found_key key_find(const struct group *group, const char *text)
{
    struct found_key found;
    for (uint32_t place = 0; (found = key_at(group, place)).key != NULL; place++) {
        if (strcmp(found.key->name, text) == 0 ||
            (found.key->old_name != NULL && strcmp(found.key->old_name, text) == 0)) {
            break;
        }
    }
    return found;
}

/* Reports an unknown key, with the one that was probably meant. */
static void unknown_key(struct pw_document *doc, const struct group *group, const yaml_node_t *node,
                        const char *text)
{
    const char *names[PW_SECTION_KEYS_MAX];
    char all[400];
    uint32_t name_cnt = 0;
    for (struct found_key found; (found = key_at(group, name_cnt)).key != NULL; name_cnt++) {
        names[name_cnt] = found.key->name;
    }
    const char *nearest = pw_word_nearest(text, names, name_cnt);
    if (nearest != NULL) {
        pw_document_problem(doc, node->start_mark, "unknown key '%.40s'; did you mean '%s'?", text, nearest);
    } else {
        pw_document_problem(doc, node->start_mark, "unknown key '%.40s'; valid keys here: %s", text,
                            pw_value_join(names, name_cnt, all, sizeof all));
    }
}

static void warn_if_old(const struct pw_document *doc, const struct pw_key *key, const yaml_node_t *node,
                        const char *text)
{
    if (strcmp(key->name, text) != 0) {
        pw_log(PW_LOG_WARN, "%s:%zu:%zu: '%s' is deprecated; write '%s'", doc->path,
               node->start_mark.line + 1, node->start_mark.column + 1, text, key->name);
    }
}

/* Each pair of the mapping; `seen` (by place) holds the line where a key stood first. */
static void pairs_read(struct pw_document *doc, const struct group *group, const yaml_node_t *node,
                       size_t *seen)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *name = pw_document_node(doc, pair->key);
        bool whole = true;
        const char *text = name->type == YAML_SCALAR_NODE ? pw_node_text(name, &whole) : "";
        struct found_key found = whole ? key_find(group, text) : (struct found_key){0};
        if (found.key == NULL) {
            unknown_key(doc, group, name, text);
            continue;
        }
        size_t *line = &seen[found.place];
        if (*line != 0) {
            pw_document_problem(doc, name->start_mark,
                                "'%s' is set a second time (first in line %zu); remove one", found.key->name,
                                *line);
            continue;
        }
        *line = name->start_mark.line + 1;
        warn_if_old(doc, found.key, name, text);
        key_read(doc, found.key, pw_document_node(doc, pair->value), found.record);
    }
}

/* Defaults first: a value that was judged wrong leaves a sound one behind for the checks that follow. */
static uint32_t defaults_read(struct pw_document *doc, const struct group *group)
{
    uint32_t key_cnt = 0;
    for (struct found_key found; (found = key_at(group, key_cnt)).key != NULL; key_cnt++) {
        if (found.key->kind == PW_VALUE_GROUP) {
            pw_section_read(doc, found.key->section, NULL, (char *)found.record + found.key->offset);
        } else {
            pw_value_read_default(doc, found.key, target_of(found.key, found.record));
        }
    }
    return key_cnt;
}

void pw_sections_read(struct pw_document *doc, const struct pw_section *const *sections, void *const *records,
                      uint32_t section_cnt, const yaml_node_t *node)
{
    struct group group = {sections, records, section_cnt};
    size_t seen[PW_SECTION_KEYS_MAX] = {0};
    uint32_t key_cnt = defaults_read(doc, &group);
    pw_assert(key_cnt <= PW_SECTION_KEYS_MAX);
    if (node == NULL) {
        return;
    }
    pairs_read(doc, &group, node, seen);
    for (uint32_t place = 0; place < key_cnt; place++) {
        const struct pw_key *key = key_at(&group, place).key;
        if (key->required && seen[place] == 0) {
            pw_document_problem(doc, node->start_mark, "'%s' is missing; add it: %s", key->name, key->help);
        }
    }
}

void pw_section_read(struct pw_document *doc, const struct pw_section *section, const yaml_node_t *node,
                     void *record)
{
    pw_sections_read(doc, &section, &record, 1, node);
}
