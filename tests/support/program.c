/* SPDX-License-Identifier: MIT
 *
 * Programs under test.
 */
#include "program.h"
#include "json_exact.h"
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS 16

char program_errors[4096];

int program_run(const char *variable, const char *const *args, char **out)
{
    const char *argv[ARGS] = {getenv(variable)};
    char out_path[] = "/tmp/pinwheel-out-XXXXXX", err_path[] = "/tmp/pinwheel-err-XXXXXX";
    int out_fd = mkstemp(out_path), err_fd = mkstemp(err_path), status;
    for (int i = 0; args[i]; i++) {
        cr_assert_lt(i + 2, ARGS);
        argv[i + 1] = args[i];
    }
    cr_assert_not_null(argv[0], "%s is not set", variable);
    pid_t child = fork();
    if (child == 0) {
        dup2(out_fd, STDOUT_FILENO);
        dup2(err_fd, STDERR_FILENO);
        /* The tool's parent tells them. */
        setenv("ASAN_OPTIONS", "handle_sigbus=0:handle_segv=0:handle_abort=0", 1);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "the program itself must not crash");
    struct stat stat_of;
    fstat(out_fd, &stat_of);
    *out = calloc(1, (size_t)stat_of.st_size + 1);
    cr_assert_eq(pread(out_fd, *out, (size_t)stat_of.st_size, 0), stat_of.st_size);
    memset(program_errors, 0, sizeof program_errors);
    cr_assert_geq(pread(err_fd, program_errors, sizeof program_errors - 1, 0), 0);
    close(out_fd);
    close(err_fd);
    unlink(out_path);
    unlink(err_path);
    return WEXITSTATUS(status);
}

/* The line, from 1, in which the two begin to differ. */
static int differing_line(const char *a, const char *b)
{
    int line = 1;
    for (; *a && *a == *b; a++, b++) {
        line += *a == '\n';
    }
    return line;
}

void program_expect_page(const char *name, const char *out)
{
    char path[512], page[16384] = "";
    cr_assert_not_null(getenv("PINWHEEL_PAGES"), "PINWHEEL_PAGES must name the folder of the stored pages");
    snprintf(path, sizeof path, "%s/%s", getenv("PINWHEEL_PAGES"), name);
    FILE *file = fopen(path, "r");
    if (file) {
        page[fread(page, 1, sizeof page - 1, file)] = 0;
        fclose(file);
    }
    if (strcmp(page, out) != 0 && getenv("PINWHEEL_PAGES_NEW")) {
        snprintf(path, sizeof path, "%s/%s", getenv("PINWHEEL_PAGES_NEW"), name);
        file = fopen(path, "w");
        cr_assert_not_null(file, "%s", path);
        fputs(out, file);
        fclose(file);
    }
    cr_expect_str_eq(out, page, "%s: line %d differs", name, differing_line(out, page));
}

json_t *program_json(char *out)
{
    json_t *json = json_exact(out);
    free(out);
    return json;
}

const json_t *program_at(const json_t *json, const char *path)
{
    while (json && *path) {
        char key[64] = "";
        size_t len = strcspn(path, "/");
        memcpy(key, path, len < sizeof key ? len : sizeof key - 1);
        json =
            json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10)) : json_object_get(json, key);
        path += len + (path[len] == '/');
    }
    return json;
}
