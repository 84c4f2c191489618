/* SPDX-License-Identifier: MIT
 *
 * Files of dead engines: moved aside and back.
 */
#include "dead.h"

#include "place.h"
#include <fcntl.h>
#include <pinwheel/workspace.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES (sizeof((struct pw_workspace *)0)->path + 8)

/* Room for as much again? Of huge pages that are taken none may be missed by the new engine. */
static bool is_affordable(const struct pw_workspace *ws)
{
    struct pw_place places[PW_PLACES_MAX];
    uint32_t cnt = pw_places_find(places);
    for (uint32_t i = 0; i < cnt; i++) {
        size_t bytes = strlen(places[i].dir);
        if (places[i].hugetlbfs && strncmp(ws->path, places[i].dir, bytes) == 0 && ws->path[bytes] == '/') {
            return pw_place_pages_free(&places[i]) >= ws->map_bytes / places[i].page_bytes;
        }
    }
    return pw_memory_available_bytes() > 2 * ws->map_bytes;
}

static void aside_path(const char *path, char aside[PATH_BYTES])
{
    snprintf(aside, PATH_BYTES, "%s.dead", path);
}

void pw_dead_keep(const char *instance)
{
    struct pw_workspace ws;
    char error[512], aside[PATH_BYTES];
    if (pw_workspace_attach(&ws, instance, error, sizeof error) != 0) {
        return; /* there is none, or nothing that could be shown */
    }
    bool ran = atomic_load_explicit(&ws.header->state, memory_order_relaxed) != PW_ENGINE_STARTING;
    if (ran && !pw_workspace_alive(&ws) && is_affordable(&ws)) {
        aside_path(ws.path, aside);
        rename(ws.path, aside);
    }
    pw_workspace_close(&ws, false);
}

/* Visits all places that it may be in; whether any visit says so. */
static bool any(const char *instance, bool (*visit)(const char *path, const char *aside))
{
    bool said = false;
    struct pw_place places[PW_PLACES_MAX];
    char path[sizeof((struct pw_workspace *)0)->path], aside[PATH_BYTES];
    uint32_t cnt = pw_places_find(places);
    for (uint32_t i = 0; i < cnt; i++) {
        if (pw_place_path(&places[i], instance, path, sizeof path)) {
            aside_path(path, aside);
            said |= visit(path, aside);
        }
    }
    return said;
}

static bool forget(const char *path, const char *aside)
{
    (void)path;
    return unlink(aside) == 0;
}

static bool restore(const char *path, const char *aside)
{
    return renameat2(AT_FDCWD, aside, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
}

bool pw_dead_is_kept(const char *instance, char *folder, size_t folder_bytes)
{
    struct pw_place places[PW_PLACES_MAX];
    char path[sizeof((struct pw_workspace *)0)->path], aside[PATH_BYTES];
    uint32_t cnt = pw_places_find(places);
    for (uint32_t i = 0; i < cnt; i++) {
        if (!pw_place_path(&places[i], instance, path, sizeof path)) {
            continue;
        }
        aside_path(path, aside);
        if (access(aside, F_OK) == 0) {
            return folder == NULL || snprintf(folder, folder_bytes, "%s", places[i].dir) < (int)folder_bytes;
        }
    }
    return false;
}

void pw_dead_forget(const char *instance)
{
    any(instance, forget);
}

void pw_dead_restore(const char *instance)
{
    any(instance, restore);
}
