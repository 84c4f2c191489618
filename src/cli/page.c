/* SPDX-License-Identifier: MIT
 *
 * A command's declaration as a man page, as its part of bash completion and of the reference pages. Only the
 * words of the declarations are printed, so that a page cannot promise what the parser does not take.
 */
#include "cli_read.h"

#include <string.h>

#define TEXT_ROOM 1024

/* ---- roff ---- */

/* Text in which nothing is a request or an escape. Line breaks part paragraphs. */
static void roff_put(const char *text)
{
    bool line_start = true;
    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\'')) {
            fputs("\\&", stdout);
        }
        line_start = *text == '\n';
        if (*text == '\n') {
            fputs("\n.PP\n", stdout);
        } else if (*text == '\\') {
            fputs("\\e", stdout);
        } else if (*text == '-') {
            fputs("\\-", stdout);
        } else if (*text == '\'') {
            fputs("\\(aq", stdout);
        } else if (*text == '`') {
            fputs("\\(ga", stdout);
        } else if (*text == '^') {
            fputs("\\(ha", stdout);
        } else if (*text == '~') {
            fputs("\\(ti", stdout);
        } else {
            putchar(*text);
        }
    }
}

static void capitals_put(const char *text)
{
    for (; *text != '\0'; text++) {
        putchar(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
    }
}

static void roff_head(const char *title)
{
    fputs(".SH \"", stdout);
    capitals_put(title);
    fputs("\"\n", stdout);
}

/* A tagged paragraph, its tag in bold. */
static void roff_row(const char *tag, const char *text)
{
    fputs(".TP\n\\fB", stdout);
    roff_put(tag);
    fputs("\\fR\n", stdout);
    roff_put(text);
    putchar('\n');
}

static void roff_values(const char *title, const struct pw_cli_value *rows, const struct pw_cli_value *more,
                        bool are_options)
{
    char tag[96], text[TEXT_ROOM];
    const struct pw_cli_value *lists[2] = {rows, more};
    bool headed = false;
    for (int i = 0; i < 2; i++) {
        for (const struct pw_cli_value *row = lists[i]; row != NULL && row->name != NULL; row++) {
            if (row->instead == NULL) {
                if (!headed) {
                    roff_head(title);
                }
                headed = true;
                roff_row(are_options ? pw_cli_option_text(row, tag, sizeof tag) : row->name,
                         pw_cli_help_text(row, text, sizeof text));
            }
        }
    }
}

static void roff_pairs(const char *title, const struct pw_cli_pair *pairs)
{
    if (pairs != NULL) {
        roff_head(title);
    }
    for (; pairs != NULL && pairs->first != NULL; pairs++) {
        roff_row(pairs->first, pairs->second);
    }
}

static void roff_subverbs(const struct pw_cli_command *command)
{
    char title[96];
    if (command->subverbs != NULL) {
        roff_head("commands");
    }
    for (const struct pw_cli_subverb *row = command->subverbs; row != NULL && row->name != NULL; row++) {
        if (row->instead == NULL) {
            roff_row(row->name, row->summary);
        }
    }
    for (const struct pw_cli_subverb *row = command->subverbs; row != NULL && row->name != NULL; row++) {
        snprintf(title, sizeof title, "arguments of %s", row->name);
        roff_values(title, row->arguments, NULL, false);
    }
}

static void roff_print(const struct pw_cli_command *command)
{
    char synopsis[512], code_text[8];
    fputs(".TH \"PINWHEEL\\-", stdout);
    capitals_put(command->verb);
    printf("\" 1 \"\" \"pinwheel %s\" \"pinwheel\"\n", pw_cli_version());
    printf(".SH NAME\npinwheel\\-%s \\- ", command->verb);
    roff_put(pw_cli_row(command->verb)->summary);
    fputs("\n.SH SYNOPSIS\n.B ", stdout);
    roff_put(pw_cli_synopsis(command, synopsis, sizeof synopsis));
    fputs("\n.SH DESCRIPTION\n", stdout);
    roff_put(command->description);
    putchar('\n');
    roff_values("arguments", command->arguments, NULL, false);
    roff_subverbs(command);
    roff_values("options", command->options, pw_cli_standard, true);
    for (const struct pw_cli_pair *part = command->sections; part != NULL && part->first != NULL; part++) {
        roff_head(part->first);
        roff_put(part->second);
        putchar('\n');
    }
    roff_head("exit status");
    for (int code = 0; code < 126; code++) {
        if (pw_cli_exit_meaning(command, code) != NULL) {
            snprintf(code_text, sizeof code_text, "%d", code);
            roff_row(code_text, pw_cli_exit_meaning(command, code));
        }
    }
    roff_pairs("environment", command->environment);
    roff_pairs("examples", command->examples);
    printf(".SH \"SEE ALSO\"\n.BR pinwheel (1)\n");
}

/* ---- bash ---- */

static void words_put(const char *variable, const struct pw_cli_value *rows)
{
    printf("    %s='", variable);
    for (; rows != NULL && rows->name != NULL; rows++) {
        if (rows->instead == NULL) {
            printf("--%s ", rows->name);
        }
    }
    for (rows = pw_cli_standard; rows->name != NULL; rows++) {
        printf("--%s%s", rows->name, rows[1].name != NULL ? " " : "'\n");
    }
}

static void choices_put(const struct pw_cli_value *row)
{
    const char *word;
    for (uint32_t i = 0; row->choice != NULL && (word = row->choice(i)) != NULL; i++) {
        printf("%s%s", word, word[0] != '\0' ? " " : "");
    }
}

/* What stands behind an option: words, files, or something that cannot be guessed. */
static void behind_put(const struct pw_cli_value *row)
{
    if (row->type == PW_CLI_TYPE_FLAG || row->instead != NULL) {
        return;
    }
    printf("    --%s) words='", row->name);
    choices_put(row);
    printf("'%s ;;\n", row->type == PW_CLI_TYPE_PATH ? " files=1" : "");
}

/* A function that sets the words that may stand next. Arguments named INSTANCE or JOURNAL are completed by
 * the names of engines, those that are paths by files. */
static void completion_print(const struct pw_cli_command *command)
{
    bool takes_files = false, takes_instances = false;
    printf("_pinwheel_%s() {\n", command->verb);
    words_put("options", command->options);
    printf("    case $previous in\n");
    for (const struct pw_cli_value *row = command->options; row != NULL && row->name != NULL; row++) {
        behind_put(row);
    }
    printf("    *)\n        words=$options\n        [[ $current == -* ]] && return\n        words='");
    for (const struct pw_cli_subverb *row = command->subverbs; row != NULL && row->name != NULL; row++) {
        printf("%s%s", row->instead == NULL ? row->name : "", row->instead == NULL ? " " : "");
    }
    for (const struct pw_cli_value *row = command->arguments; row != NULL && row->name != NULL; row++) {
        choices_put(row);
        takes_files |= row->type == PW_CLI_TYPE_PATH;
        takes_instances |= strcmp(row->name, "INSTANCE") == 0 || strcmp(row->name, "JOURNAL") == 0;
    }
    printf("'\n");
    if (takes_instances) {
        printf("        words+=\" $(_pinwheel_instances)\"\n");
    }
    printf("%s        ;;\n    esac\n}\n", takes_files ? "        files=1\n" : "");
}

/* ---- markdown ---- */

/* A cell of a table. */
static void cell_put(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '<' || *text == '*' || *text == '_') {
            putchar('\\');
        }
        fputs(*text == '\n' ? "<br>" : (char[2]){*text, '\0'}, stdout);
    }
}

static void row_put(const char *code, const char *text)
{
    printf("| `%s` | ", code);
    cell_put(text);
    printf(" |\n");
}

static void table_put(const char *title)
{
    printf("\n| %s | |\n|---|---|\n", title);
}

static void page_print(const struct pw_cli_command *command)
{
    char text[TEXT_ROOM], left[96];
    printf("\n## pinwheel %s\n\n", command->verb);
    printf("```sh\n%s\n```\n\n", pw_cli_synopsis(command, text, sizeof text));
    for (const char *at = command->description; *at != '\0'; at++) {
        fputs(*at == '\n' ? "\n\n" : (char[2]){*at, '\0'}, stdout);
    }
    putchar('\n');
    if (command->arguments != NULL) {
        table_put("argument");
    }
    for (const struct pw_cli_value *row = command->arguments; row != NULL && row->name != NULL; row++) {
        row_put(row->name, pw_cli_help_text(row, text, sizeof text));
    }
    if (command->subverbs != NULL) {
        table_put("command");
    }
    for (const struct pw_cli_subverb *row = command->subverbs; row != NULL && row->name != NULL; row++) {
        if (row->instead == NULL) {
            row_put(row->name, row->summary);
        }
    }
    if (command->options != NULL) {
        table_put("option");
    }
    for (const struct pw_cli_value *row = command->options; row != NULL && row->name != NULL; row++) {
        if (row->instead == NULL) {
            row_put(pw_cli_option_text(row, left, sizeof left), pw_cli_help_text(row, text, sizeof text));
        }
    }
    if (command->examples != NULL) {
        table_put("example");
    }
    for (const struct pw_cli_pair *pair = command->examples; pair != NULL && pair->first != NULL; pair++) {
        row_put(pair->first, pair->second);
    }
}

static void exit_codes_print(const struct pw_cli_command *command)
{
    printf("| `pinwheel %s` |", command->verb);
    for (int code = 0; code <= 5; code++) {
        const char *meaning = pw_cli_exit_meaning(command, code);
        printf(" ");
        cell_put(meaning != NULL ? meaning : "");
        printf(meaning != NULL ? " |" : "|");
    }
    printf("\n");
}

/* ---- forms ---- */

bool pw_cli_describe(const struct pw_cli_command *command, const char *form)
{
    static const struct {
        const char *name;
        void (*print)(const struct pw_cli_command *command);
    } forms[] = {{"help", pw_cli_help_print},
                 {"man", roff_print},
                 {"completion", completion_print},
                 {"page", page_print},
                 {"exit-codes", exit_codes_print}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strcmp(forms[i].name, form) == 0) {
            forms[i].print(command);
            return true;
        }
    }
    return false;
}
