/* SPDX-License-Identifier: MIT
 *
 * Reads a command line by its declaration. Options may stand anywhere; "--" ends them. A sub-verb stands
 * behind its command's arguments, or before them.
 */
#include "cli_read.h"
#include "word.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 64u

const struct pw_cli_value pw_cli_standard[] = {
    {.name = "help", .letter = 'h', .type = PW_CLI_TYPE_FLAG, .help = "print this text"},
    {.name = "version", .letter = 'V', .type = PW_CLI_TYPE_FLAG, .help = "print the version"},
    {0},
};

static const struct pw_cli_value g_describe = {.name = "describe", .type = PW_CLI_TYPE_TEXT, .value = "FORM"};
static const struct pw_cli_value g_none[] = {{0}};

/* ---- errors ---- */

static const char *g_verb; /* of the program that this process is */

static void line_print(const char *kind, const char *format, va_list values, const char *hint)
{
    fflush(stdout);
    fprintf(stderr, "pinwheel%s%s: %s", g_verb != NULL ? " " : "", g_verb != NULL ? g_verb : "", kind);
    vfprintf(stderr, format, values);
    if (hint[0] != '\0') {
        fprintf(stderr, "%s%s%s --help'", hint, g_verb != NULL ? " " : "", g_verb != NULL ? g_verb : "");
    }
    fputc('\n', stderr);
}

void pw_cli_error(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    line_print("", format, values, "");
    va_end(values);
}

void pw_cli_error_lines(const char *text)
{
    do {
        size_t len = strcspn(text, "\n");
        pw_cli_error("%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    } while (*text != '\0');
}

void pw_cli_warn(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    line_print("warning: ", format, values, "");
    va_end(values);
}

int pw_cli_wrong(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    line_print("", format, values, "; see 'pinwheel");
    va_end(values);
    return PW_CLI_USAGE;
}

/* _exit: exit codes cannot be changed otherwise once the process is ending. */
static void output_judge(void)
{
    int err = fflush(stdout) != 0 ? errno : 0;
    if (err != 0 || ferror(stdout)) {
        pw_cli_error("output incomplete: %s", err != 0 ? strerror(err) : "an earlier write failed");
        _exit(PW_CLI_FAILED);
    }
}

void pw_cli_output_guard(void)
{
    static bool guarded;
    if (!guarded) {
        guarded = true;
        atexit(output_judge); /* cannot fail for the few handlers that C promises room for */
    }
}

bool pw_cli_colour(FILE *out)
{
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(out)) && (off == NULL || off[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

/* ---- options ---- */

struct reading {
    const struct pw_cli_command *command;
    const struct pw_cli_value *options; /* never NULL */
    char *into;
    char **words; /* the positional ones, so far: in the front of argv */
    uint32_t word_cnt;
    uint64_t given; /* bit i: the command's option i was */
    const char *describe;
    bool help, version;
};

static const struct pw_cli_value *named(const struct pw_cli_value *rows, const char *name, size_t len)
{
    for (; rows->name != NULL; rows++) {
        if (strlen(rows->name) == len && memcmp(rows->name, name, len) == 0) {
            return rows;
        }
    }
    return NULL;
}

static const struct pw_cli_value *option_named(const struct reading *reading, const char *name, size_t len)
{
    const struct pw_cli_value *row = named(reading->options, name, len);
    if (row == NULL) {
        row = named(pw_cli_standard, name, len);
    }
    return row != NULL || strncmp(name, "describe", len) != 0 || len != 8 ? row : &g_describe;
}

static const struct pw_cli_value *lettered(const struct pw_cli_value *rows, char letter)
{
    while (rows->name != NULL && rows->letter != letter) {
        rows++;
    }
    return rows->name != NULL ? rows : NULL;
}

/* The option that the word begins, else the one that is spelled most like it, or NULL. */
static const char *option_meant(const char *wrong, const char *const *names, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        if (wrong[0] != '\0' && strncmp(names[i], wrong, strlen(wrong)) == 0) {
            return names[i];
        }
    }
    return pw_word_nearest(wrong, names, cnt);
}

static int unknown_option(const struct reading *reading, const char *name, size_t len)
{
    const char *names[OPTIONS_MAX];
    char wrong[64];
    uint32_t cnt = 0;
    for (const struct pw_cli_value *row = reading->options; row->name != NULL; row++) {
        if (row->instead == NULL) {
            names[cnt++] = row->name;
        }
    }
    for (const struct pw_cli_value *row = pw_cli_standard; row->name != NULL; row++) {
        names[cnt++] = row->name;
    }
    snprintf(wrong, sizeof wrong, "%.*s", (int)len, name);
    const char *nearest = option_meant(wrong, names, cnt);
    if (nearest != NULL) {
        pw_cli_error("unknown option '--%s'; did you mean '--%s'?", wrong, nearest);
        return PW_CLI_USAGE;
    }
    return pw_cli_wrong("unknown option '--%s'", wrong);
}

static bool is_standard(const struct pw_cli_value *row)
{
    return named(pw_cli_standard, row->name, strlen(row->name)) == row;
}

/* Takes an option with its value; text: NULL for a flag. */
static int option_take(struct reading *reading, const struct pw_cli_value *row, const char *text)
{
    char name[72];
    if (row == &g_describe) {
        reading->describe = text;
        return PW_CLI_GO;
    }
    if (is_standard(row)) {
        reading->help |= row->letter == 'h';
        reading->version |= row->letter == 'V';
        return PW_CLI_GO;
    }
    snprintf(name, sizeof name, "--%s", row->name);
    if (row->instead != NULL) {
        pw_cli_warn("%s is deprecated: use %s", name, row->instead);
    }
    reading->given |= UINT64_C(1) << (row - reading->options);
    if (row->given != 0) {
        *(bool *)(void *)(reading->into + row->given - 1) = true;
    }
    void *field = reading->into + row->field;
    if (row->type == PW_CLI_TYPE_FLAG) {
        *(bool *)field = true;
        return PW_CLI_GO;
    }
    return pw_cli_value_take(row, name, text, field) ? PW_CLI_GO : PW_CLI_USAGE;
}

/* An argument "--name", "--name=value" or "--name value"; *next: the argument behind it, moved on when taken.
 */
static int long_read(struct reading *reading, const char *arg, char ***next)
{
    size_t len = strcspn(arg, "=");
    const struct pw_cli_value *row = option_named(reading, arg, len);
    if (row == NULL) {
        return unknown_option(reading, arg, len);
    }
    if (row->type == PW_CLI_TYPE_FLAG) {
        return arg[len] == '\0' ? option_take(reading, row, NULL)
                                : pw_cli_wrong("option '--%s' takes no value", row->name);
    }
    if (arg[len] == '=') {
        return option_take(reading, row, arg + len + 1);
    }
    if (**next == NULL) {
        return pw_cli_wrong("option '--%s' needs a value: --%s %s", row->name, row->name, row->value);
    }
    return option_take(reading, row, *(*next)++);
}

/* "-hV", "-n3" or "-n 3". */
static int short_read(struct reading *reading, const char *arg, char ***next)
{
    for (; *arg != '\0'; arg++) {
        const struct pw_cli_value *row = lettered(reading->options, *arg);
        row = row != NULL ? row : lettered(pw_cli_standard, *arg);
        if (row == NULL) {
            return pw_cli_wrong("unknown option '-%c'", *arg);
        }
        if (row->type != PW_CLI_TYPE_FLAG) {
            const char *value = arg[1] != '\0' ? arg + 1 : **next;
            *next += arg[1] == '\0' && value != NULL;
            return value != NULL ? option_take(reading, row, value)
                                 : pw_cli_wrong("option '-%c' needs a value", *arg);
        }
        int code = option_take(reading, row, NULL);
        if (code != PW_CLI_GO) {
            return code;
        }
    }
    return PW_CLI_GO;
}

/* Options are taken; the words are gathered in the front of argv. */
static int options_read(struct reading *reading, char **next)
{
    bool options_ended = false;
    int code = PW_CLI_GO;
    while (*next != NULL && code == PW_CLI_GO) {
        char *arg = *next++;
        if (options_ended || arg[0] != '-' || arg[1] == '\0') {
            reading->words[reading->word_cnt++] = arg;
        } else if (arg[1] != '-') {
            code = short_read(reading, arg + 1, &next);
        } else if (arg[2] == '\0') {
            options_ended = true;
        } else {
            code = long_read(reading, arg + 2, &next);
        }
    }
    return code;
}

static bool is_given(const struct reading *reading, const char *name, size_t len)
{
    const struct pw_cli_value *row = named(reading->options, name, len);
    return row != NULL && (reading->given >> (row - reading->options) & 1) != 0;
}

/* `names` are separated by blanks: one of them is the word. */
static bool has_word(const char *names, const char *word)
{
    size_t len = strlen(word);
    while (*names != '\0') {
        size_t name_len = strcspn(names, " ");
        if (name_len == len && memcmp(names, word, len) == 0) {
            return true;
        }
        names += name_len;
        names += strspn(names, " ");
    }
    return false;
}

/* What must not be given together, and what the chosen sub-verb does not take. */
static int options_judge(const struct reading *reading, const struct pw_cli_subverb *subverb)
{
    for (const struct pw_cli_value *row = reading->options; row->name != NULL; row++) {
        if (!is_given(reading, row->name, strlen(row->name))) {
            continue;
        }
        if (row->excludes != NULL && is_given(reading, row->excludes, strlen(row->excludes))) {
            return pw_cli_wrong("--%s and --%s exclude each other", row->name, row->excludes);
        }
        if (row->commands != NULL && subverb != NULL && !has_word(row->commands, subverb->name)) {
            return pw_cli_wrong("'%s' does not take --%s", subverb->name, row->name);
        }
    }
    return PW_CLI_GO;
}

/* ---- sub-verbs ---- */

static const struct pw_cli_subverb *subverb_named(const struct reading *reading, const char *name)
{
    for (const struct pw_cli_subverb *row = reading->command->subverbs; row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

static int subverb_missing(const struct reading *reading, const char *wrong)
{
    const char *names[OPTIONS_MAX];
    char list[512] = "";
    uint32_t cnt = 0;
    size_t used = 0;
    for (const struct pw_cli_subverb *row = reading->command->subverbs; row->name != NULL; row++) {
        if (row->instead == NULL && used < sizeof list) {
            names[cnt] = row->name;
            used +=
                (size_t)snprintf(list + used, sizeof list - used, "%s%s", cnt++ == 0 ? "" : ", ", row->name);
        }
    }
    const char *nearest = wrong != NULL ? pw_word_nearest(wrong, names, cnt) : NULL;
    if (wrong == NULL) {
        pw_cli_error("missing command; one of: %s", list);
    } else {
        pw_cli_error("unknown command '%.40s'; %s%s%sone of: %s", wrong,
                     nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "'? " : "", list);
    }
    return PW_CLI_USAGE;
}

static void word_remove(struct reading *reading, uint32_t at)
{
    reading->word_cnt--;
    memmove(&reading->words[at], &reading->words[at + 1],
            (reading->word_cnt - at) * sizeof reading->words[0]);
}

/* Finds the sub-verb and takes it out of the words. */
static int subverb_take(struct reading *reading, uint32_t argument_cnt, const struct pw_cli_subverb **chosen)
{
    const struct pw_cli_subverb *row = NULL;
    uint32_t last = reading->word_cnt < argument_cnt + 1 ? reading->word_cnt : argument_cnt + 1;
    for (uint32_t i = last; i-- > 0 && row == NULL;) {
        row = subverb_named(reading, reading->words[i]);
        if (row != NULL) {
            word_remove(reading, i);
        }
    }
    if (row == NULL && (reading->word_cnt > argument_cnt || reading->command->subverb_initial == NULL)) {
        return subverb_missing(reading,
                               reading->word_cnt > argument_cnt ? reading->words[argument_cnt] : NULL);
    }
    row = row != NULL ? row : subverb_named(reading, reading->command->subverb_initial);
    if (row->instead != NULL) {
        pw_cli_warn("'%s' is deprecated: use '%s'", row->name, row->instead);
        row = subverb_named(reading, row->instead);
    }
    *(uint32_t *)(void *)(reading->into + reading->command->subverb_field) =
        (uint32_t)(row - reading->command->subverbs);
    *chosen = row;
    return PW_CLI_GO;
}

/* ---- arguments ---- */

static bool is_spared(const struct reading *reading, const struct pw_cli_value *row)
{
    for (const char *names = row->unless; names != NULL && *names != '\0';) {
        size_t len = strcspn(names, " ");
        if (is_given(reading, names, len)) {
            return true;
        }
        names += len;
        names += strspn(names, " ");
    }
    return false;
}

static uint32_t needed_cnt(const struct reading *reading, const struct pw_cli_value *rows)
{
    uint32_t cnt = 0;
    for (; rows->name != NULL; rows++) {
        cnt += !rows->optional && !is_spared(reading, rows);
    }
    return cnt;
}

/* All the words from *word on. */
static int words_take(struct reading *reading, const struct pw_cli_value *row, uint32_t *word,
                      struct pw_cli_words *field)
{
    *field = (struct pw_cli_words){&reading->words[*word], reading->word_cnt - *word};
    *word = reading->word_cnt;
    for (uint32_t i = 0; i < field->cnt; i++) {
        if (!pw_cli_choice_judge(row, row->name, field->at[i])) {
            return PW_CLI_USAGE;
        }
    }
    return PW_CLI_GO;
}

/* Gives the words from *word on to the arguments; spare: how many there are for optional ones. */
static int arguments_take(struct reading *reading, const struct pw_cli_value *rows, uint32_t *word,
                          uint32_t *spare)
{
    for (; rows->name != NULL; rows++) {
        void *field = reading->into + rows->field;
        if (is_spared(reading, rows) || (rows->optional && *spare == 0)) {
            continue;
        }
        if (*word == reading->word_cnt) {
            return pw_cli_wrong("missing %s", rows->name);
        }
        if (rows->type == PW_CLI_TYPE_WORDS) {
            return words_take(reading, rows, word, field);
        }
        *spare -= rows->optional;
        if (rows->given != 0) {
            *(bool *)(void *)(reading->into + rows->given - 1) = true;
        }
        if (!pw_cli_value_take(rows, rows->name, reading->words[(*word)++], field)) {
            return PW_CLI_USAGE;
        }
    }
    return PW_CLI_GO;
}

static int words_read(struct reading *reading, const struct pw_cli_subverb **subverb)
{
    const struct pw_cli_value *arguments = reading->command->arguments;
    arguments = arguments != NULL ? arguments : g_none;
    uint32_t argument_cnt = 0, word = 0;
    while (arguments[argument_cnt].name != NULL) {
        argument_cnt++;
    }
    if (reading->command->subverbs != NULL) {
        int code = subverb_take(reading, argument_cnt, subverb);
        if (code != PW_CLI_GO) {
            return code;
        }
    }
    const struct pw_cli_value *more =
        *subverb != NULL && (*subverb)->arguments != NULL ? (*subverb)->arguments : g_none;
    uint32_t needed = needed_cnt(reading, arguments) + needed_cnt(reading, more);
    uint32_t spare = reading->word_cnt > needed ? reading->word_cnt - needed : 0;
    int code = arguments_take(reading, arguments, &word, &spare);
    if (code == PW_CLI_GO) {
        code = arguments_take(reading, more, &word, &spare);
    }
    if (code == PW_CLI_GO && word < reading->word_cnt) {
        return pw_cli_wrong("unexpected argument '%s'", reading->words[word]);
    }
    return code;
}

/* ---- all of it ---- */

static void defaults_set(const struct pw_cli_value *rows, char *into)
{
    for (; rows != NULL && rows->name != NULL; rows++) {
        if (rows->initial != NULL) {
            pw_cli_value_take(rows, rows->name, rows->initial, into + rows->field);
        }
    }
}

int pw_cli_read(const struct pw_cli_command *command, int argc, char **argv, void *into)
{
    struct reading reading = {.command = command,
                              .options = command->options != NULL ? command->options : g_none,
                              .into = into,
                              .words = argv};
    const struct pw_cli_subverb *subverb = NULL;
    g_verb = command->verb;
    pw_cli_output_guard();
    defaults_set(command->arguments, into);
    defaults_set(command->options, into);
    int code = argc > 0 ? options_read(&reading, argv + 1) : PW_CLI_GO;
    if (code != PW_CLI_GO) {
        return code;
    }
    if (reading.version) {
        printf("pinwheel %s\n", pw_cli_version());
        return PW_CLI_DONE;
    }
    if (reading.help || reading.describe != NULL) {
        return pw_cli_describe(command, reading.help ? "help" : reading.describe)
                   ? PW_CLI_DONE
                   : pw_cli_wrong("unknown form '%s'", reading.describe);
    }
    code = words_read(&reading, &subverb);
    return code == PW_CLI_GO ? options_judge(&reading, subverb) : code;
}
