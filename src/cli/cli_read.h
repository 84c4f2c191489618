/* SPDX-License-Identifier: MIT
 *
 * What the parts of the command-line library share among themselves.
 */
#ifndef PW_CLI_READ_H
#define PW_CLI_READ_H

#include "cli.h"

/* The options that every command has. */
extern const struct pw_cli_value pw_cli_standard[];

/* Prints the command's page in a form: "help", "man", "completion", "page", "exit-codes". False: no such
 * form. */
bool pw_cli_describe(const struct pw_cli_command *command, const char *form);
void pw_cli_help_print(const struct pw_cli_command *command);

/* A value's text becomes the member at `field`. False: it cannot be; the reason is printed, with `name` as
 * the user knows it. */
bool pw_cli_value_take(const struct pw_cli_value *row, const char *name, const char *text, void *field);

/* The word is one of the row's choices, if it has any. False: it is not, which was printed. */
bool pw_cli_choice_judge(const struct pw_cli_value *row, const char *name, const char *word);

/* "-h, --help", "--interval MS": as help shows it. Returns text. */
const char *pw_cli_option_text(const struct pw_cli_value *row, char *text, size_t text_bytes);
/* The help with range, choices and default behind it. Returns text. */
const char *pw_cli_help_text(const struct pw_cli_value *row, char *text, size_t text_bytes);
/* "pinwheel tap [INSTANCE] (RING | --list) [options]". Returns text. */
const char *pw_cli_synopsis(const struct pw_cli_command *command, char *text, size_t text_bytes);

/* What exit code 2 says when a command says no more of it. */
#define PW_CLI_USAGE_TEXT "usage error"

/* NULL: the command never ends with this code. */
const char *pw_cli_exit_meaning(const struct pw_cli_command *command, int code);

#endif
