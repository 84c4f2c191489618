/* SPDX-License-Identifier: MIT
 *
 * The command line of every pinwheel program: `pinwheel VERB [OBJECT] [options]`. A program declares its
 * command once, as one struct pw_cli_command; the parser, --help, the man page, bash completion,
 * docs/commands.md and docs/exit-codes.md all come from that declaration. Every line of error that a program
 * writes begins with "pinwheel VERB: ".
 *
 * A new command is one file, a program with its declaration, and one row in commands.c.
 *
 * Cold code of a program's first moments: it allocates nothing and keeps pointers into argv.
 */
#ifndef PW_CLI_H
#define PW_CLI_H

#include <pinwheel/units.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes that mean the same in every program; 3 and above are each program's own. */
enum pw_cli_code {
    PW_CLI_GO = -1, /* not an exit code: the command line is read, the program goes on */
    PW_CLI_DONE = 0,
    PW_CLI_FAILED = 1,
    PW_CLI_USAGE = 2,
};

enum pw_cli_type {
    PW_CLI_TYPE_FLAG = 1, /* bool: an option without a value */
    PW_CLI_TYPE_COUNT,    /* uint64_t, min to max */
    PW_CLI_TYPE_DECIMAL,  /* const char *: an amount, checked to be decimal digits with at most one point */
    PW_CLI_TYPE_DURATION, /* int64_t in ns; min and max count `unit`, which a bare number is in, too */
    PW_CLI_TYPE_PATH,     /* const char * */
    PW_CLI_TYPE_TEXT,     /* const char * */
    PW_CLI_TYPE_CHOICE,   /* uint32_t: index of the word in the choices */
    PW_CLI_TYPE_LIST,     /* uint64_t: bit i is choice i; words separated by commas */
    PW_CLI_TYPE_TIME,     /* int64_t in ns since the epoch; PW_CLI_TIME_FORMS says what can be written */
    PW_CLI_TYPE_CUSTOM,   /* read by the program's own function */
    PW_CLI_TYPE_WORDS,    /* struct pw_cli_words: every argument from here on */
};

#define PW_CLI_TIME_FORMS                                                                                    \
    "UTC as 2024-08-09T15:00[:00[.123]], 2024-08-09 or 15:00 (today); -90s, -15m, -2h or -1d (before now); " \
    "nanoseconds since 1970"

struct pw_cli_words {
    char **at;
    uint32_t cnt;
};

/* Which member of the program's struct takes the value; its type is checked by the compiler. */
#define PW_CLI_AT(S, m, T)    (offsetof(S, m) + 0 * sizeof(char[_Generic(((S *)0)->m, T : 1, default : -1)]))
#define PW_CLI_FLAG(S, m)     .type = PW_CLI_TYPE_FLAG, .field = PW_CLI_AT(S, m, bool)
#define PW_CLI_COUNT(S, m)    .type = PW_CLI_TYPE_COUNT, .field = PW_CLI_AT(S, m, uint64_t)
#define PW_CLI_DECIMAL(S, m)  .type = PW_CLI_TYPE_DECIMAL, .field = PW_CLI_AT(S, m, const char *)
#define PW_CLI_DURATION(S, m) .type = PW_CLI_TYPE_DURATION, .field = PW_CLI_AT(S, m, int64_t)
#define PW_CLI_PATH(S, m)     .type = PW_CLI_TYPE_PATH, .field = PW_CLI_AT(S, m, const char *)
#define PW_CLI_TEXT(S, m)     .type = PW_CLI_TYPE_TEXT, .field = PW_CLI_AT(S, m, const char *)
#define PW_CLI_CHOICE(S, m)   .type = PW_CLI_TYPE_CHOICE, .field = PW_CLI_AT(S, m, uint32_t)
#define PW_CLI_LIST(S, m)     .type = PW_CLI_TYPE_LIST, .field = PW_CLI_AT(S, m, uint64_t)
#define PW_CLI_TIME(S, m)     .type = PW_CLI_TYPE_TIME, .field = PW_CLI_AT(S, m, int64_t)
#define PW_CLI_WORDS(S, m)    .type = PW_CLI_TYPE_WORDS, .field = PW_CLI_AT(S, m, struct pw_cli_words)
#define PW_CLI_CUSTOM(S, m)   .type = PW_CLI_TYPE_CUSTOM, .field = offsetof(S, m)
/* Which bool becomes true when the value is given at all. */
#define PW_CLI_GIVEN(S, m) .given = PW_CLI_AT(S, m, bool) + 1

/* An option, or an argument (a positional word). Lists of them end with a row without a name. */
struct pw_cli_value {
    const char *name; /* of an option, without the dashes; of an argument, as help shows it: INSTANCE */
    const char *help; /* what it does; no full stop */
    enum pw_cli_type type;
    size_t field;        /* by the macros above */
    size_t given;        /* by PW_CLI_GIVEN; 0: nobody asks */
    char letter;         /* an option's short form; 0: none */
    const char *value;   /* an option's value, as help shows it: "MS" */
    const char *initial; /* the default, read as if the user had given it; NULL: zero */
    int64_t min, max, unit;
    const char *(*choice)(uint32_t i);           /* the words of CHOICE and LIST; NULL behind the last */
    bool (*read)(const char *text, void *field); /* of CUSTOM */
    const char *expects;                         /* of CUSTOM, for errors: "an order id" */
    const char *commands; /* an option: the sub-verbs that take it, separated by blanks; NULL: all */
    const char *excludes; /* an option: one that may not be given with it */
    const char
        *instead;  /* an option: it is deprecated, accepted with a warning, and not in help; what to use */
    bool optional; /* an argument */
    const char *unless; /* an argument: not taken when one of these options (separated by blanks) is given */
};

/* Rows that several commands have: the config file to read, and whether only to check it. */
#define PW_CLI_CONFIG(S, m, what)                                                                            \
    {                                                                                                        \
        .name = "CONFIG", .help = what, PW_CLI_PATH(S, m)                                                    \
    }
#define PW_CLI_CHECK(S, m, what)                                                                             \
    {                                                                                                        \
        .name = "check", .letter = 'c', .help = what, PW_CLI_FLAG(S, m)                                      \
    }

/* A sub-verb, as in `pinwheel journal JOURNAL query`. The list ends with a row without a name. */
struct pw_cli_subverb {
    const char *name, *summary;
    const struct pw_cli_value *arguments; /* behind the sub-verb; NULL: none */
    const char *instead;                  /* it is a deprecated name of this one: accepted with a warning */
};

struct pw_cli_exit {
    int code;
    const char *meaning;
};

/* A pair of texts: an example and what it does, a variable of the environment, a section of the page. Lists
 * end with a row without a first text. */
struct pw_cli_pair {
    const char *first, *second;
};

/* Lists within a declaration, with the row that ends them. */
#define PW_CLI_VALUES(...) ((const struct pw_cli_value[]){__VA_ARGS__, {0}})
#define PW_CLI_EXITS(...)  ((const struct pw_cli_exit[]){__VA_ARGS__, {0}})
#define PW_CLI_PAIRS(...)  ((const struct pw_cli_pair[]){__VA_ARGS__, {0}})

struct pw_cli_command {
    const char *verb;        /* its summary stands in commands.c */
    const char *description; /* paragraphs, separated by a line break */
    const struct pw_cli_value *arguments;
    const struct pw_cli_value *options;
    const struct pw_cli_subverb *subverbs;
    size_t subverb_field;            /* PW_CLI_AT(S, m, uint32_t): the index of the one that was chosen */
    const char *subverb_initial;     /* when none is given; NULL: one must be */
    const struct pw_cli_exit *exits; /* ends with a row without a meaning; 2 is there without being listed */
    const struct pw_cli_pair *examples, *environment, *sections;
};

/* Reads the command line into *into, the struct that the fields are offsets of, defaults first. PW_CLI_GO, or
 * the exit code to end with: --help or --version was printed, or an error was. From here on the program's
 * errors bear the command's name. */
int pw_cli_read(const struct pw_cli_command *command, int argc, char **argv, void *into);

/* "pinwheel VERB: <text>" and a line break on standard error. */
void pw_cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for each line of a text, such as the faults of a config. */
void pw_cli_error_lines(const char *text);
void pw_cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for wrong use of the command line, with a pointer to --help. Returns PW_CLI_USAGE. */
int pw_cli_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Has the process's end flush stdout: output that could not be written becomes an error and exit code 1.
 * pw_cli_read does it; a program without a declaration calls it. */
void pw_cli_output_guard(void);

/* Colours are wanted: the stream is a terminal that has them, and NO_COLOR is not set. */
bool pw_cli_colour(FILE *out);

/* From here on SIGINT, SIGTERM and SIGHUP make *result nonzero, for the program to end in order; a second
 * signal ends it at once, unless it is SIGHUP. */
const volatile sig_atomic_t *pw_cli_stop_signals(void);

/* Readers that programs share, and that PW_CLI_CUSTOM may use. */
bool pw_cli_count_read(const char *text, uint64_t *count);
/* now_ns: what relative times and times of today count from. */
bool pw_cli_time_read(const char *text, int64_t now_ns, int64_t *ns);
bool pw_cli_duration_read(const char *text, int64_t unit_ns, int64_t *ns);

/* ---- the commands there are ---- */

struct pw_cli_row {
    const char *verb, *summary;
};
extern const struct pw_cli_row pw_cli_rows[]; /* ends with a row without a verb */

/* NULL: there is no such command. */
const struct pw_cli_row *pw_cli_row(const char *verb);
/* ", did you mean"'s guess among the commands, or NULL. */
const char *pw_cli_nearest_verb(const char *wrong);

const char *pw_cli_version(void);

#endif
