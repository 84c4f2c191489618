/* SPDX-License-Identifier: MIT
 *
 * Programs of builds: see build.h.
 */
#include "build.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_BYTES (BUILD_PATH_BYTES + 32)

/* ---- folders ---- */

static bool program_there(const char *folder, const char *name)
{
    char path[PROGRAM_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, X_OK) == 0;
}

/* Cuts the file's name off. */
static bool folder_cut(char *path)
{
    char *end = strrchr(path, '/');
    if (end == NULL) {
        return false;
    }
    *end = '\0';
    return true;
}

bool build_own_find(char folder[BUILD_PATH_BYTES])
{
    char own[BUILD_PATH_BYTES] = ""; /* gcc 12 with -fsanitize=undefined takes an argument's array for null */
    ssize_t bytes = readlink("/proc/self/exe", own, sizeof own - 1);
    own[bytes > 0 ? bytes : 0] = '\0';
    strcpy(folder, own);
    return folder_cut(folder) && program_there(folder, "pinwheel-run");
}

bool build_find(const char *path, char folder[BUILD_PATH_BYTES])
{
    struct stat st;
    char *real = realpath(path, NULL);
    bool good = real != NULL && strlen(real) < BUILD_PATH_BYTES && stat(real, &st) == 0;
    if (good) {
        strcpy(folder, real);
        good = S_ISDIR(st.st_mode) || folder_cut(folder);
    }
    free(real);
    return good && program_there(folder, "pinwheel") && program_there(folder, "pinwheel-run");
}

/* ---- children ---- */

static pid_t child_start(const char *folder, const char *const *args, int *out)
{
    char program[PROGRAM_BYTES];
    int ends[2];
    snprintf(program, sizeof program, "%s/pinwheel", folder);
    if (pipe(ends) != 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(program, (char *const *)args);
        _exit(127);
    }
    close(ends[1]);
    *out = ends[0];
    return pid;
}

json_t *build_json_run(const char *folder, const char *const *args, char *error, size_t error_bytes)
{
    json_error_t wrong;
    int out = -1, status = 0;
    pid_t pid = child_start(folder, args, &out);
    if (pid < 0) {
        snprintf(error, error_bytes, "%s: %s", folder, strerror(errno));
        return NULL;
    }
    json_t *json = json_loadfd(out, 0, &wrong);
    close(out);
    waitpid(pid, &status, 0);
    if (json == NULL || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        snprintf(error, error_bytes, "%s/pinwheel %s ended with status %d%s%s", folder, args[1],
                 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), json == NULL ? ": " : "",
                 json == NULL ? wrong.text : "");
        json_decref(json);
        return NULL;
    }
    return json;
}
