/* SPDX-License-Identifier: MIT
 *
 * The reference page of a program's config, from the sections' rows.
 */
#include "config.h"

#include "decimal.h"
#include "value.h"
#include <string.h>

static void print_range(FILE *out, const struct pw_key *key)
{
    const char *unit = key->unit != NULL ? key->unit : "";
    const char *blank = key->unit != NULL ? " " : "";
    if (key->kind == PW_VALUE_COUNT) {
        fprintf(out, "%s%lld to %lld%s%s", key->power_of_two ? "power of two, " : "", (long long)key->min,
                (long long)key->max, blank, unit);
    } else if (key->max == INT64_MAX) {
        fprintf(out, "decimal, 0 or more%s%s", blank, unit);
    } else {
        char high[PW_DECIMAL_TEXT_BYTES];
        pw_decimal_print_e8(key->max, high);
        fprintf(out, "decimal, 0 to %s%s%s", high, blank, unit);
    }
}

static void print_choices(FILE *out, const struct pw_key *key)
{
    const char *choices[PW_CHOICES_MAX];
    char all[200];
    uint32_t choice_cnt = pw_value_choices(key, choices);
    fputs(pw_value_join(choices, choice_cnt, all, sizeof all), out);
}

static void print_value(FILE *out, const struct pw_key *key)
{
    enum pw_value_kind kind = key->kind == PW_VALUE_LIST ? key->item : key->kind;
    if (key->kind == PW_VALUE_LIST) {
        fputs("list of: ", out);
    }
    switch (kind) {
    case PW_VALUE_BOOL:
        fputs("true, false", out);
        break;
    case PW_VALUE_COUNT:
    case PW_VALUE_DECIMAL:
        print_range(out, key);
        break;
    case PW_VALUE_NAME:
        fprintf(out, "a-z 0-9 _ -, at most %zu", key->bytes - 1);
        break;
    case PW_VALUE_TOKEN:
    case PW_VALUE_CHOICE:
        print_choices(out, key);
        break;
    case PW_VALUE_SYMBOL:
        fputs("symbol", out);
        break;
    case PW_VALUE_REFS:
        fprintf(out, "list of: %s", key->shown);
        break;
    case PW_VALUE_URL:
        fputs("URL", out);
        break;
    case PW_VALUE_PATH:
        fputs("path", out);
        break;
    case PW_VALUE_NUMBER:
        fputs("number, ", out);
        print_choices(out, key);
        break;
    case PW_VALUE_TEXT:
        fputs(key->shown != NULL ? key->shown : "text", out);
        break;
    case PW_VALUE_GROUP:
    case PW_VALUE_GROUPS:
        fprintf(out, "[%s below](#%s)", kind == PW_VALUE_GROUP ? "group" : "list of groups",
                key->section->title);
        break;
    case PW_VALUE_PARAMS:
        fputs("name: value", out);
        break;
    case PW_VALUE_LIST:
        break; /* there are no lists of lists */
    }
}

static void print_key(FILE *out, const struct pw_key *key)
{
    fprintf(out, "| `%s` | ", key->name);
    print_value(out, key);
    if (key->required) {
        fputs(" | **required**", out);
    } else if (key->fallback != NULL) {
        fprintf(out, " | `%s`", key->fallback);
    } else {
        fputs(key->kind == PW_VALUE_DECIMAL ? " | `0`"
              : key->kind == PW_VALUE_GROUP ? " | its own"
                                            : " | none",
              out);
    }
    fprintf(out, " | %s |\n", key->help);
}

#define TABLE_HEAD "| key | value | default | meaning |\n|---|---|---|---|\n"

static void print_group(FILE *out, const struct pw_key *key)
{
    fprintf(out, "\n## %s\n\n%c%s.\n\n" TABLE_HEAD, key->section->title, key->help[0] - 'a' + 'A',
            key->help + 1);
    for (uint32_t i = 0; i < key->section->key_cnt; i++) {
        print_key(out, &key->section->keys[i]);
    }
}

static const void *given_to(const struct pw_section *section, const struct pw_config_given *given,
                            uint32_t given_cnt)
{
    for (uint32_t i = 0; i < given_cnt; i++) {
        if (given[i].section == section) {
            return given[i].what;
        }
    }
    return NULL;
}

void pw_config_print_reference(FILE *out, const struct pw_section *const *sections, uint32_t section_cnt,
                               const struct pw_config_given *given, uint32_t given_cnt)
{
    fputs("# The config file\n\n"
          "One YAML file describes one engine. Relative paths begin at the file's own folder. In paths and "
          "URLs, `$NAME`\n"
          "and `${NAME}` stand for environment variables, and `${NAME:-default}` for one that may be unset "
          "or empty; `$$`\n"
          "is a dollar. Decimals are exact: write them with or without quotes, with at most 8 decimals. "
          "Unknown keys are\n"
          "rejected. `pinwheel run --check FILE` reports every error in a file with line, column and what to "
          "do.\n\n" TABLE_HEAD,
          out);
    for (uint32_t i = 0; i < section_cnt; i++) {
        for (uint32_t k = 0; k < sections[i]->key_cnt; k++) {
            print_key(out, &sections[i]->keys[k]);
        }
    }
    for (uint32_t i = 0; i < section_cnt; i++) {
        for (uint32_t k = 0; k < sections[i]->key_cnt; k++) {
            if (sections[i]->keys[k].section != NULL) {
                print_group(out, &sections[i]->keys[k]);
            }
        }
        if (sections[i]->print_more != NULL) {
            sections[i]->print_more(out, given_to(sections[i], given, given_cnt));
        }
    }
}
