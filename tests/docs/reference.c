/* SPDX-License-Identifier: MIT
 *
 * Prints the reference pages of docs/ from the tables in the code, or checks that a page is what would be
 * printed.
 */
#include "enum_table.h"
#include "fields.h"
#include "metrics_table.h"
#include "sections.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void aliases_print(FILE *out)
{
    fputs("\n## Old names\n\nReaders still know them: `pinwheel` finds the metric by either name.\n\n"
          "| old | now |\n|---|---|\n",
          out);
    for (uint32_t i = 0; i < pw_metric_alias_cnt; i++) {
        const struct pw_metric_alias *alias = &pw_metric_aliases[i];
        fprintf(out, "| `%s.%s` | `%s.%s` |\n", alias->old_group, alias->old_name, alias->group, alias->name);
    }
}

static void metrics_print(FILE *out)
{
    fputs(
        "# Metrics\n\n"
        "Each is one word in the workspace with one writer, the stage that its group names (`gateway` is "
        "written by execution).\n`pinwheel top` shows those that are not zero, `pinwheel top --json` all of "
        "them. A counter only grows, from the engine's\nstart; a gauge is a level. A stage that runs more "
        "than "
        "once has a group for each: `parse.1`, `parse.2`.\n",
        out);
    for (uint32_t i = 0; i < PW_METRIC_GROUP_CNT; i++) {
        const struct pw_metric_group_info *group = &pw_metric_groups[i];
        fprintf(out, "\n## %s\n\n| metric | kind | unit | meaning |\n|---|---|---|---|\n", group->name);
        for (uint32_t k = 0; k < group->cnt; k++) {
            const struct pw_metric_info *metric = &group->metrics[k];
            fprintf(out, "| `%s` | %s | %s | %s |\n", metric->name,
                    metric->kind == PW_METRIC_GAUGE ? "gauge" : "counter", metric->unit, metric->help);
        }
    }
    aliases_print(out);
}

static void reasons_print(FILE *out)
{
    static const struct {
        enum pw_reason_kind kind;
        const char *title, *intro;
    } parts[] = {
        {PW_REASON_KIND_DENIED, "Denied",
         "By our own checks, before anything is sent. Each counts in the metric `execution.denied_<name>`."},
        {PW_REASON_KIND_VENUE, "Rejected", "Said by the venue."},
        {PW_REASON_KIND_STATE, "Gaps and states",
         "Why data is missing, or why a feed or a book left its state."},
    };

    fputs("# Reasons\n\nWhy an order was denied or rejected, why data is missing, why a state was left. "
          "The number is in the journal,\nthe name in `why`, `tap` and JSON.\n",
          out);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        fprintf(out, "\n## %s\n\n%s\n\n| name | number | meaning |\n|---|---|---|\n", parts[i].title,
                parts[i].intro);
        for (uint32_t k = 0; k < pw_enum_reason.cnt; k++) {
            if (pw_enum_reason.rows[k].name != NULL && pw_reason_kind(k) == parts[i].kind) {
                fprintf(out, "| `%s` | %u | %s |\n", pw_enum_reason.rows[k].name, k,
                        pw_enum_reason.rows[k].help);
            }
        }
    }
}

static void fields_print(FILE *out, unsigned kind)
{
    struct pw_field_list list = pw_event_fields(kind);
    if (list.cnt > 0) {
        fputs("\n| field | type | meaning |\n|---|---|---|\n", out);
    }
    for (uint32_t i = 0; i < list.cnt; i++) {
        fprintf(out, "| `%s` | %s | %s |\n", list.fields[i].name, pw_field_type_name(&list.fields[i]),
                list.fields[i].help);
    }
}

static void events_print(FILE *out)
{
    fputs(
        "# Events\n\n"
        "What `pinwheel tap`, `pinwheel journal query` and `pinwheel journal csv` print of each kind. Every "
        "event has `recv_ns` and\n`venue_ns`, too, and in a journal `journal_seq`, its place in the run: the number of market "
        "events before it. In JSON\ndecimals, ids, nanoseconds and 64-bit integers are strings, and any other integer above 2^53; a "
        "flag is there if it is\nset. Prices and quantities have up to 8 decimals, or what their instrument has instead: "
        "[numbers.md](numbers.md).\n",
        out);
    for (unsigned kind = 1; kind < pw_enum_event_kind.cnt; kind++) {
        const struct pw_enum_row *row = &pw_enum_event_kind.rows[kind];
        if (row->name != NULL) {
            fprintf(out, "\n## %s\n\nKind %u: %s.\n", row->name, kind, row->help);
            fields_print(out, kind);
        }
    }
    fputs("\n## Names\n", out);
    for (uint32_t i = 0; i < pw_enum_cnt; i++) {
        if (pw_enums[i] == &pw_enum_event_kind || pw_enums[i] == &pw_enum_reason) {
            continue; /* above; docs/reasons.md */
        }
        fprintf(out, "\n### %s\n\n| name | number | meaning |\n|---|---|---|\n", pw_enums[i]->name);
        for (uint32_t k = 0; k < pw_enums[i]->cnt; k++) {
            if (pw_enums[i]->rows[k].name != NULL) {
                fprintf(out, "| `%s` | %u | %s |\n", pw_enums[i]->rows[k].name, k, pw_enums[i]->rows[k].help);
            }
        }
    }
}

static const struct page {
    const char *name;
    void (*print)(FILE *out);
} pages[] = {
    {"events", events_print},
    {"config", pw_app_config_print_reference},
    {"metrics", metrics_print},
    {"reasons", reasons_print},
};

static const struct page *page_find(const char *name)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(pages[i].name, name) == 0) {
            return &pages[i];
        }
    }
    return NULL;
}

/* Is the file's content these bytes? */
static bool file_is(const char *path, const char *text, size_t text_bytes)
{
    FILE *file = fopen(path, "r");
    char *content = malloc(text_bytes + 1);
    bool same = false;

    if (file != NULL && content != NULL) {
        same =
            fread(content, 1, text_bytes + 1, file) == text_bytes && memcmp(content, text, text_bytes) == 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    free(content);
    return same;
}

int main(int argc, char **argv)
{
    const struct page *page = argc > 1 ? page_find(argv[1]) : NULL;
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);

    if (out == NULL || argc > 3 || page == NULL) {
        fprintf(stderr, "usage: %s PAGE [FILE]\nPrints the page; with FILE checks that it is this page.\n",
                argv[0]);
        return 2;
    }
    page->print(out);
    fclose(out);
    int code = 0;
    if (argc < 3) {
        fputs(text, stdout);
    } else if (!file_is(argv[2], text, text_bytes)) {
        fprintf(stderr, "%s is not what the code says: %s %s >%s\n", argv[2], argv[0], page->name, argv[2]);
        code = 1;
    }
    free(text);
    return code;
}
