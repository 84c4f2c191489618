/* SPDX-License-Identifier: MIT
 *
 * Which journal a user means: by an engine, running or dead, or by the folder.
 */
#include "cli.h"
#include "journal_tool.h"
#include "watch.h"
#include <string.h>
#include <sys/stat.h>

/* Where the engine keeps its journal. A relative path counts from where the engine was started. */
static int find_by_engine(const char *instance, char path[JOURNAL_PATH_BYTES])
{
    struct pw_workspace ws;
    char fact[JOURNAL_PATH_BYTES / 2];
    enum pw_watch_exit code = pw_watch_attach(&ws, instance);
    if (code == PW_WATCH_ABSENT && (instance == NULL || strchr(instance, '/') == NULL)) {
        pw_cli_error("an engine that has stopped leaves no memory: name its journal's folder instead");
    }
    if (code != PW_WATCH_OK) {
        return code == PW_WATCH_USAGE ? JOURNAL_USAGE : JOURNAL_FAILED;
    }
    if (!pw_watch_fact(&ws, "journal", fact, sizeof fact) || strcmp(fact, "off") == 0) {
        pw_cli_error("engine '%s' keeps no journal", ws.header->instance);
        code = PW_WATCH_ABSENT;
    } else if (fact[0] != '/' && pw_workspace_alive(&ws)) {
        snprintf(path, JOURNAL_PATH_BYTES, "/proc/%lld/cwd/%s", (long long)ws.header->pid, fact);
    } else {
        snprintf(path, JOURNAL_PATH_BYTES, "%s", fact);
    }
    pw_workspace_close(&ws, false);
    return code == PW_WATCH_OK ? JOURNAL_OK : JOURNAL_FAILED;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* An engine's name goes before a folder's that is named the same; "./name" is the folder. */
int journal_find(const char *name, char path[JOURNAL_PATH_BYTES])
{
    if (name == NULL ||
        (strchr(name, '/') == NULL ? !is_folder(name) || pw_watch_exists(name) : !is_folder(name))) {
        return find_by_engine(name, path);
    }
    snprintf(path, JOURNAL_PATH_BYTES, "%s", name);
    return JOURNAL_OK;
}
