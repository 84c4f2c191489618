/* SPDX-License-Identifier: MIT
 *
 * pinwheel VERB: becomes pinwheel-VERB from the folder that it is in itself. The commands are programs of
 * their own; this one knows their names, and asks them for their part of the pages about all of them.
 */
#include "cli.h"
#include "word.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 4096

enum exit_code { EXIT_NOT_STARTED = 126, EXIT_NOT_FOUND = 127 };

static const char g_description[] = "pinwheel is an automated trading engine for one Linux host.";
static const struct pw_cli_pair g_usages[] = {
    {"pinwheel VERB [OBJECT] [options]", "run a command"},
    {"pinwheel help VERB", "print a command's arguments, options and exit codes"},
    {"pinwheel version", "print the version; --version and -V do, too"},
    {NULL, NULL},
};
static const char g_exits[] =
    "The command's own (0 success, 1 failure, 2 usage error in all of them); 2 no or an unknown "
    "command; 126 the command cannot be started; 127 its program is not in this program's "
    "folder.";

/* ---- pages ---- */

static void help_print(FILE *out)
{
    fprintf(out, "usage: pinwheel VERB [OBJECT] [options]\n\n%s\n\ncommands:\n", g_description);
    for (const struct pw_cli_row *row = pw_cli_rows; row->verb != NULL; row++) {
        fprintf(out, "  %-9s %s\n", row->verb, row->summary);
    }
    fputs("\n'pinwheel help VERB' prints a command's arguments, options and exit codes.\n\n"
          "exit codes:\n"
          "  0    success\n"
          "  1    failure\n"
          "  2    usage error\n"
          "  3-   the command's own\n"
          "  126  the command cannot be started\n"
          "  127  the command's program is not in this program's folder\n",
          out);
}

static void man_print(void)
{
    printf(".TH PINWHEEL 1 \"\" \"pinwheel %s\" \"pinwheel\"\n.SH NAME\n"
           "pinwheel \\- automated trading engine\n.SH SYNOPSIS\n",
           pw_cli_version());
    for (const struct pw_cli_pair *usage = g_usages; usage->first != NULL; usage++) {
        printf("%s.B %s\n", usage == g_usages ? "" : ".br\n", usage->first);
    }
    printf(".SH DESCRIPTION\n%s\n.SH COMMANDS\n", g_description);
    for (const struct pw_cli_row *row = pw_cli_rows; row->verb != NULL; row++) {
        printf(".TP\n.BR pinwheel\\-%s (1)\n%s\n", row->verb, row->summary);
    }
    printf(".SH \"EXIT STATUS\"\n%s\n", g_exits);
}

/* ---- programs ---- */

/* The program of a command, beside this one; 0 or -1 with errno. */
static int program_path(const char *command, char *path, size_t path_bytes)
{
    ssize_t size = readlink("/proc/self/exe", path, path_bytes - 1);
    if (size < 0) {
        return -1;
    }
    path[size] = '\0';
    char *name = strrchr(path, '/') + 1; /* the kernel's answer is an absolute path */
    size_t room = path_bytes - (size_t)(name - path);
    if ((size_t)snprintf(name, room, "pinwheel-%s", command) >= room) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

/* Becomes the command's program; the exit code if it cannot. */
static int program_become(const char *verb, char **argv)
{
    char path[PATH_BYTES];
    if (program_path(verb, path, sizeof path) != 0) {
        pw_cli_error("cannot find its own folder: %s", strerror(errno));
        return EXIT_NOT_STARTED;
    }
    execv(path, argv);
    int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_STARTED;
    pw_cli_error("%s: %s; build or install it", path, strerror(errno));
    return code;
}

static int describe(const char *verb, const char *form)
{
    char *argv[] = {(char *)(uintptr_t)verb, "--describe", (char *)(uintptr_t)form, NULL};
    return program_become(verb, argv);
}

/* Has every command print its part. */
static int describe_all(const char *form)
{
    int worst = 0;
    for (const struct pw_cli_row *row = pw_cli_rows; row->verb != NULL; row++) {
        int status = 0;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            _exit(describe(row->verb, form));
        }
        if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
            return EXIT_NOT_STARTED;
        }
        worst = WEXITSTATUS(status) > worst ? WEXITSTATUS(status) : worst;
    }
    return worst;
}

/* The instances' names, for the words that stand for an engine; then each command's own words. */
static int completion_print(void)
{
    fputs("# bash completion for pinwheel, printed by `pinwheel help --completion`\n\n"
          "_pinwheel_instances() {\n"
          "    pinwheel top --list 2>/dev/null | while read -r name _; do printf '%s ' \"$name\"; done\n"
          "}\n\n",
          stdout);
    int code = describe_all("completion");
    printf("\n_pinwheel() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local verb=${COMP_WORDS[1]} options words files=\n"
           "    COMPREPLY=()\n"
           "    if [[ $COMP_CWORD -eq 1 || ($verb == help && $COMP_CWORD -eq 2) ]]; then\n"
           "        words='help version");
    for (const struct pw_cli_row *row = pw_cli_rows; row->verb != NULL; row++) {
        printf(" %s", row->verb);
    }
    printf("'\n"
           "    elif declare -F \"_pinwheel_$verb\" >/dev/null; then\n"
           "        \"_pinwheel_$verb\"\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\"; [[ -z $files ]] || compgen "
           "-f -- "
           "\"$current\")\n"
           "}\n"
           "complete -o filenames -F _pinwheel pinwheel\n");
    return code;
}

static int page_print(void)
{
    printf("# Commands\n\n"
           "Generated from the programs' own declarations by `pinwheel help --page`; `pinwheel help VERB` "
           "prints the same "
           "in a\nterminal, with exit codes and environment, and `man pinwheel-VERB` where pinwheel is "
           "installed. Every "
           "command\ntakes `--help` and `--version`.\n");
    return describe_all("page");
}

/* ---- help ---- */

/* What this program itself takes as a command or an option, beside the commands of the table. */
static const char *const g_words[] = {"help", "version", "--help", "--version"};

static int unknown_word(const char *name)
{
    const char *kind = name[0] == '-' ? "option" : "command";
    const char *nearest = name[0] == '-' ? NULL : pw_cli_nearest_verb(name);
    if (nearest == NULL) {
        nearest = pw_word_nearest(name, g_words, sizeof g_words / sizeof g_words[0]);
    }
    if (nearest != NULL) {
        pw_cli_error("unknown %s '%.40s'; did you mean '%s'?", kind, name, nearest);
        return PW_CLI_USAGE;
    }
    return pw_cli_wrong("unknown %s '%.40s'", kind, name);
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* `pinwheel help [VERB]`; for the build: help --man [VERB], --completion, --page, --exit-codes. */
static int help(char **words)
{
    const char *form = "help";
    if (words[0] != NULL && strcmp(words[0], "--completion") == 0) {
        return completion_print();
    }
    if (words[0] != NULL && strcmp(words[0], "--page") == 0) {
        return page_print();
    }
    if (words[0] != NULL && strcmp(words[0], "--exit-codes") == 0) {
        return describe_all("exit-codes");
    }
    if (words[0] != NULL && strcmp(words[0], "--man") == 0) {
        form = "man";
        words++;
    }
    if (words[0] != NULL && words[1] != NULL) {
        return pw_cli_wrong("unexpected argument '%.40s'", words[1]);
    }
    if (words[0] != NULL && !is_one_of(words[0], "help", "version", "--help")) {
        return pw_cli_row(words[0]) != NULL ? describe(words[0], form) : unknown_word(words[0]);
    }
    if (strcmp(form, "man") == 0) {
        man_print();
    } else {
        help_print(stdout);
    }
    return PW_CLI_DONE;
}

int main(int argc, char **argv)
{
    pw_cli_output_guard();
    if (argc < 2) {
        help_print(stderr);
        return PW_CLI_USAGE;
    }
    if (is_one_of(argv[1], "--help", "-h", "help")) {
        return help(argv + 2);
    }
    if (is_one_of(argv[1], "--version", "-V", "version")) {
        if (argv[2] != NULL) {
            return pw_cli_wrong("unexpected argument '%.40s'", argv[2]);
        }
        printf("pinwheel %s\n", pw_cli_version());
        return PW_CLI_DONE;
    }
    return pw_cli_row(argv[1]) != NULL ? program_become(argv[1], argv + 1) : unknown_word(argv[1]);
}
