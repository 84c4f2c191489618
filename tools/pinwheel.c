/* SPDX-License-Identifier: MIT
 *
 * pinwheel <command>: becomes pinwheel-<command> from the folder that it is in itself. The commands are
 * programs of their own; this one only knows their names.
 */
#include "word.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

struct command {
    const char *name, *help;
};

static const struct command g_commands[] = {
    {"run", "start an engine from a config file; --check only checks it"},
    {"top", "watch an engine: stages, rings, feeds, positions, latency"},
    {"tap", "follow one of an engine's rings, decoded"},
    {"ctl", "tell an engine to halt, resume or stop; ask how it is"},
    {"journal", "list, query, export and verify what engines have recorded"},
    {"why", "tell one order's whole story: its cause, its checks, its hops, its messages"},
    {"sim", "be a venue: serve recordings or a synthetic market on this host"},
    {"bench", "measure rings and the pipeline on this machine"},
    {"doctor", "say what this host lacks for low latency, and how to change it"},
};
#define COMMAND_CNT (uint32_t)(sizeof g_commands / sizeof g_commands[0])

enum exit_code { EXIT_USAGE = 2, EXIT_NOT_FOUND = 127, EXIT_NOT_STARTED = 126 };

static void help_print(FILE *out)
{
    fputs("usage: pinwheel <command> [arguments]\n\n"
          "pinwheel is an automated trading engine for one Linux host.\n\n",
          out);
    for (uint32_t i = 0; i < COMMAND_CNT; i++) {
        fprintf(out, "  %-9s%s\n", g_commands[i].name, g_commands[i].help);
    }
    fputs("\n`pinwheel <command> --help` tells a command's own arguments and exit codes.\n\n"
          "exit codes: those of the command; 2 no or an unknown command; 126 the command cannot be started;\n"
          "  127 the command's program is not in this program's folder\n",
          out);
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_CNT];
    for (uint32_t i = 0; i < COMMAND_CNT; i++) {
        names[i] = g_commands[i].name;
    }
    const char *nearest = pw_word_nearest(name, names, COMMAND_CNT);
    fprintf(stderr, "pinwheel: '%.40s' is no command; %s%s%s`pinwheel --help` lists them\n", name,
            nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
            nearest != NULL ? "'? " : "");
    return EXIT_USAGE;
}

static int is_command(const char *name)
{
    for (uint32_t i = 0; i < COMMAND_CNT; i++) {
        if (strcmp(g_commands[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

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

int main(int argc, char **argv)
{
    char path[PATH_BYTES];
    if (argc < 2) {
        help_print(stderr);
        return EXIT_USAGE;
    }
    const char *command = argv[1];
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0) {
        help_print(stdout);
        return 0;
    }
    if (!is_command(command)) {
        return unknown_command(command);
    }
    if (program_path(command, path, sizeof path) != 0) {
        fprintf(stderr, "pinwheel: cannot find its own folder: %s\n", strerror(errno));
        return EXIT_NOT_STARTED;
    }
    execv(path, argv + 1);
    int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_STARTED;
    fprintf(stderr, "pinwheel: %s: %s; build or install it\n", path, strerror(errno));
    return code;
}
