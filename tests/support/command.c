/* SPDX-License-Identifier: MIT
 *
 * Runs pinwheel's commands in a folder made for the test.
 */
#include "command.h"
#include "test_folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

char g_dir[] = "/tmp/pinwheel-tools-XXXXXX";
char g_output[COMMAND_OUTPUT_BYTES]; /* of the last command, standard error included */

void dir_make(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
    setenv("XDG_RUNTIME_DIR", g_dir, 1);
}

void dir_remove(void)
{
    folder_remove(g_dir);
}

/* Runs `pinwheel <arguments>`: its exit code; its output is in g_output. */
int run(const char *arguments)
{
    char command[1024];
    const char *bin = getenv("PINWHEEL_BIN");
    cr_assert_not_null(bin, "PINWHEEL_BIN must name the folder of the built programs");
    snprintf(command, sizeof command, "'%s/pinwheel' %s 2>&1", bin, arguments);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    size_t size = fread(g_output, 1, sizeof g_output - 1, pipe);
    g_output[size] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void expect_output(const char *words)
{
    cr_expect_not_null(strstr(g_output, words), "wanted '%s', got:\n%s", words, g_output);
}
