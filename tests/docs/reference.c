/* SPDX-License-Identifier: MIT
 *
 * Prints the reference pages of docs/ from the tables in the code, or checks that a page is what would be
 * printed.
 */
#include "config.h"
#include "metrics_table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(group_text, name_text, unit_text, help_text, kind_text)                                          \
    {#group_text, #name_text, unit_text, help_text, kind_text},
#define COUNTER(group, name, unit, help) ROW(group, name, unit, help, "counter")
#define GAUGE(group, name, unit, help)   ROW(group, name, unit, help, "gauge")

static const struct {
    const char *group, *name, *unit, *help, *kind;
} metrics[] = {PW_METRICS_TABLE(COUNTER, GAUGE)};

static void metrics_print(FILE *out)
{
    const char *group = "";

    fputs("# Metrics\n\n"
          "Each is one word in the workspace with one writer, the stage that its group names. `pinwheel top` "
          "shows "
          "those that\nare not zero, `pinwheel top --json` all of them. A counter only grows, from the "
          "engine's "
          "start; a gauge is a level.\n",
          out);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (strcmp(metrics[i].group, group) != 0) {
            group = metrics[i].group;
            fprintf(out, "\n## %s\n\n| metric | kind | unit | meaning |\n|---|---|---|---|\n", group);
        }
        fprintf(out, "| `%s` | %s | %s | %s |\n", metrics[i].name, metrics[i].kind, metrics[i].unit,
                metrics[i].help);
    }
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
    const char *page = argc > 1 ? argv[1] : "";
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);

    if (out == NULL || argc > 3 || (strcmp(page, "config") != 0 && strcmp(page, "metrics") != 0)) {
        fprintf(stderr,
                "usage: %s config|metrics [FILE]\nPrints the page; with FILE checks that it is this page.\n",
                argv[0]);
        return 2;
    }
    if (strcmp(page, "config") == 0) {
        pw_config_print_reference(out);
    } else {
        metrics_print(out);
    }
    fclose(out);
    int code = 0;
    if (argc < 3) {
        fputs(text, stdout);
    } else if (!file_is(argv[2], text, text_bytes)) {
        fprintf(stderr, "%s is not what the code says: %s %s >%s\n", argv[2], argv[0], page, argv[2]);
        code = 1;
    }
    free(text);
    return code;
}
