/* SPDX-License-Identifier: MIT
 *
 * A command's declaration as --help shows it.
 */
#include "cli_read.h"

#include <stdarg.h>
#include <string.h>

#define COLUMNS   80
#define LEFT_MAX  22 /* a longer option stands on a line of its own */
#define TEXT_ROOM 1024

/* ---- texts that every form shares ---- */

const char *pw_cli_option_text(const struct pw_cli_value *row, char *text, size_t text_bytes)
{
    char letter[8] = "";
    if (row->letter != '\0') {
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    }
    snprintf(text, text_bytes, "%s--%s%s%s", letter, row->name, row->value != NULL ? " " : "",
             row->value != NULL ? row->value : "");
    return text;
}

struct room {
    char *text;
    size_t bytes, used;
};

static void put(struct room *room, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct room *room, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (room->used < room->bytes) {
        room->used += (size_t)vsnprintf(room->text + room->used, room->bytes - room->used, format, values);
    }
    va_end(values);
}

/* "(RING | --list)" */
static void put_unless(struct room *room, const struct pw_cli_value *row)
{
    put(room, " (%s%s", row->name, row->type == PW_CLI_TYPE_WORDS ? "..." : "");
    for (const char *names = row->unless; *names != '\0';) {
        int len = (int)strcspn(names, " ");
        put(room, " | --%.*s", len, names);
        names += len;
        names += strspn(names, " ");
    }
    put(room, ")");
}

static void put_arguments(struct room *room, const struct pw_cli_value *rows)
{
    for (; rows != NULL && rows->name != NULL; rows++) {
        const char *more = rows->type == PW_CLI_TYPE_WORDS ? "..." : "";
        if (rows->unless != NULL) {
            put_unless(room, rows);
        } else {
            put(room, rows->optional ? " [%s%s]" : " %s%s", rows->name, more);
        }
    }
}

const char *pw_cli_synopsis(const struct pw_cli_command *command, char *text, size_t text_bytes)
{
    struct room room = {text, text_bytes, 0};
    put(&room, "pinwheel %s", command->verb);
    put_arguments(&room, command->arguments);
    if (command->subverbs != NULL) {
        put(&room, command->subverb_initial != NULL ? " [COMMAND]" : " COMMAND");
    }
    put(&room, " [options]");
    return text;
}

const char *pw_cli_exit_meaning(const struct pw_cli_command *command, int code)
{
    for (const struct pw_cli_exit *row = command->exits; row != NULL && row->meaning != NULL; row++) {
        if (row->code == code) {
            return row->meaning;
        }
    }
    return code == PW_CLI_USAGE ? PW_CLI_USAGE_TEXT : NULL;
}

/* ---- lines ---- */

/* Words in lines that fit, from column `column` on, behind `indent` blanks. Line breaks in the text part
 * paragraphs. */
static void wrapped_print(const char *text, int indent, int column)
{
    bool line_empty = true;
    for (; column < indent; column++) {
        putchar(' ');
    }
    while (*text != '\0') {
        int len = (int)strcspn(text, " \n");
        if (!line_empty && column + 1 + len > COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
            line_empty = true;
        }
        column += printf("%s%.*s", line_empty ? "" : " ", len, text);
        line_empty = false;
        text += len;
        if (*text == '\n') {
            printf("\n%*s", indent, "");
            column = indent;
            line_empty = true;
        }
        text += *text != '\0';
    }
    putchar('\n');
}

/* "  left   text" */
static void row_print(const char *left, const char *text, int left_columns)
{
    int column = printf("  %s", left);
    if (column > left_columns) {
        putchar('\n');
        column = 0;
    }
    wrapped_print(text, left_columns + 2, column);
}

static int wider(int columns, const char *left)
{
    int width = 2 + (int)strlen(left);
    return width > columns && width <= LEFT_MAX ? width : columns;
}

static void values_print(const char *title, const struct pw_cli_value *rows, const struct pw_cli_value *more,
                         bool are_options)
{
    char left[96], text[TEXT_ROOM];
    const struct pw_cli_value *lists[2] = {rows, more};
    int columns = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 2; i++) {
            for (const struct pw_cli_value *row = lists[i]; row != NULL && row->name != NULL; row++) {
                const char *name = are_options ? pw_cli_option_text(row, left, sizeof left) : row->name;
                if (row->instead != NULL) {
                    continue;
                }
                if (pass == 0) {
                    columns = wider(columns, name);
                } else {
                    row_print(name, pw_cli_help_text(row, text, sizeof text), columns);
                }
            }
        }
        if (pass == 0 && columns != 0) {
            printf("\n%s:\n", title);
        }
    }
}

static void environment_print(const struct pw_cli_pair *pairs)
{
    int columns = 0;
    for (const struct pw_cli_pair *pair = pairs; pair != NULL && pair->first != NULL; pair++) {
        columns = wider(columns, pair->first);
    }
    for (const struct pw_cli_pair *pair = pairs; pair != NULL && pair->first != NULL; pair++) {
        printf("%s", pair == pairs ? "\nenvironment:\n" : "");
        row_print(pair->first, pair->second, columns > 0 ? columns : LEFT_MAX);
    }
}

static void examples_print(const struct pw_cli_pair *pairs)
{
    for (const struct pw_cli_pair *pair = pairs; pair != NULL && pair->first != NULL; pair++) {
        printf("%s  %s\n", pair == pairs ? "\nexamples:\n" : "", pair->first);
        wrapped_print(pair->second, 6, 0);
    }
}

static void subverbs_print(const struct pw_cli_command *command)
{
    char left[96], text[TEXT_ROOM];
    int columns = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (const struct pw_cli_subverb *row = command->subverbs; row != NULL && row->name != NULL; row++) {
            bool is_initial =
                command->subverb_initial != NULL && strcmp(row->name, command->subverb_initial) == 0;
            struct room room = {left, sizeof left, 0};
            put(&room, "%s", row->name);
            put_arguments(&room, row->arguments);
            if (row->instead != NULL) {
                continue;
            }
            if (pass == 0) {
                columns = wider(columns, left);
            } else {
                snprintf(text, sizeof text, "%s%s", row->summary, is_initial ? " (default)" : "");
                row_print(left, text, columns);
            }
        }
        if (pass == 0 && command->subverbs != NULL) {
            printf("\ncommands:\n");
        }
    }
    for (const struct pw_cli_subverb *row = command->subverbs; row != NULL && row->name != NULL; row++) {
        snprintf(text, sizeof text, "arguments of %s", row->name);
        values_print(text, row->arguments, NULL, false);
    }
}

static void exits_print(const struct pw_cli_command *command)
{
    char left[8];
    printf("\nexit codes:\n");
    for (int code = 0; code < 126; code++) {
        const char *meaning = pw_cli_exit_meaning(command, code);
        if (meaning != NULL) {
            snprintf(left, sizeof left, "%d", code);
            row_print(left, meaning, 3);
        }
    }
}

void pw_cli_help_print(const struct pw_cli_command *command)
{
    char synopsis[512];
    printf("usage: %s\n\n", pw_cli_synopsis(command, synopsis, sizeof synopsis));
    wrapped_print(command->description, 0, 0);
    values_print("arguments", command->arguments, NULL, false);
    subverbs_print(command);
    values_print("options", command->options, pw_cli_standard, true);
    for (const struct pw_cli_pair *part = command->sections; part != NULL && part->first != NULL; part++) {
        printf("\n%s:\n", part->first);
        wrapped_print(part->second, 2, 0);
    }
    exits_print(command);
    environment_print(command->environment);
    examples_print(command->examples);
}
