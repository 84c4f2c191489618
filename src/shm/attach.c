/* SPDX-License-Identifier: MIT
 *
 * The reader's side of workspaces: find, map read-only, check, look around. Safe on whatever stands at the
 * path.
 */
#include "check.h"
#include "host.h"
#include "place.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PREFIX "pinwheel."

uint64_t pw_workspace_layout_hash(const struct pw_workspace_header *header)
{
    /* FNV-1a over what places the regions: a mistake is to be found here, not an attack. */
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint32_t region_cnt = header->region_cnt < PW_REGIONS_MAX ? header->region_cnt : PW_REGIONS_MAX;
    const unsigned char *bytes = (const unsigned char *)header->regions;
    for (size_t i = 0; i < region_cnt * sizeof header->regions[0]; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return (hash ^ header->total_bytes) * UINT64_C(0x100000001b3);
}

/* ---- attach ---- */

struct failure {
    char *text;
    size_t bytes;
    const char *path;
};

static int fail(const struct failure *failure, int code, const char *what)
{
    snprintf(failure->text, failure->bytes, "%s: %s", failure->path, what);
    return code;
}

static bool abi_read(const struct pw_workspace_header *header, uint32_t abi_min)
{
    return header->abi >= abi_min && header->abi <= PW_WORKSPACE_ABI;
}

/* Judges the header in a private copy: reading a file of a hostile size cannot fault, touching its mapping
 * can. */
static int header_read(int fd, uint32_t abi_min, uint64_t *total_bytes, const struct failure *failure)
{
    struct stat file;
    if (fstat(fd, &file) != 0) {
        return fail(failure, -errno, strerror(errno));
    }
    if (!S_ISREG(file.st_mode) || file.st_size < (off_t)sizeof(struct pw_workspace_header)) {
        return fail(failure, -EPROTO, "not a workspace: no regular file, or too short for a header");
    }
    struct pw_workspace_header *header = malloc(sizeof *header);
    if (header == NULL) {
        return fail(failure, -ENOMEM, "no memory to read the header into");
    }
    int result = 0;
    const char *wrong = NULL;
    if (pread(fd, header, sizeof *header, 0) != (ssize_t)sizeof *header) {
        result = fail(failure, -EPROTO, "the header cannot be read");
    } else if (header->magic == 0 && abi_read(header, abi_min)) {
        result = fail(failure, -EAGAIN, "the engine is still laying it out");
    } else if (header->magic != PW_WORKSPACE_MAGIC) {
        result = fail(failure, -EPROTO, "not a workspace: wrong magic");
    } else if (!abi_read(header, abi_min)) {
        result = fail(failure, -EPROTO,
                      "another version of the workspace: use the tools that came with that engine");
    } else if ((wrong = pw_header_check(header, (uint64_t)file.st_size)) != NULL) {
        result = fail(failure, -EPROTO, wrong);
    } else if (pw_file_holes(fd, header->total_bytes)) {
        result = fail(failure, -EPROTO, "the file has holes, which no engine leaves");
    }
    *total_bytes = header->total_bytes;
    free(header);
    return result;
}

/* What the directory does not show: rings, and texts within rows. NULL, or what is wrong. */
static const char *region_contents_check(const struct pw_workspace *ws, const struct pw_region *region)
{
    const struct pw_region_rule *rule = pw_region_rule_of(region->kind, ws->header->abi);
    if (rule == NULL) {
        return NULL;
    }
    const char *first = pw_region_at(ws, region, 0);
    if (region->kind == PW_REGION_RING && pw_ring_check((const struct pw_ring *)first, region->bytes) != 0) {
        return "a ring's header is damaged";
    }
    if (region->kind == PW_REGION_INFO && first[region->row_bytes - 1] != '\0') {
        return "a text is not ended";
    }
    for (uint32_t row = 0; row < region->row_cnt; row++) {
        const char *at = pw_region_at(ws, region, row);
        for (size_t i = 0; i < 4 && rule->texts[i].bytes != 0; i++) {
            if (at[rule->texts[i].offset + rule->texts[i].bytes - 1] != '\0') {
                return "a name is not ended";
            }
        }
    }
    return NULL;
}

static int attach_file(struct pw_workspace *ws, uint32_t abi_min, const struct failure *failure)
{
    /* Non-blocking: somebody may have put a FIFO there. */
    int fd = open(ws->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return fail(failure, -errno, strerror(errno));
    }
    uint64_t total_bytes = 0;
    int result = header_read(fd, abi_min, &total_bytes, failure);
    void *map = MAP_FAILED;
    if (result == 0) {
        map = mmap(NULL, total_bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
            result = fail(failure, -errno, strerror(errno));
        }
    }
    if (result != 0) {
        close(fd);
        return result;
    }
    ws->file_nth = fd + 1;
    ws->header = map;
    ws->map_bytes = total_bytes;
    /* Acquire: what was written before the magic is visible. Pairs with the release in pw_workspace_publish.
     */
    const char *wrong = atomic_load_explicit(&ws->header->magic, memory_order_acquire) == PW_WORKSPACE_MAGIC
                            ? pw_header_check(ws->header, total_bytes)
                            : "it changed while it was read";
    for (uint32_t i = 0; wrong == NULL && i < ws->header->region_cnt; i++) {
        wrong = region_contents_check(ws, &ws->header->regions[i]);
    }
    if (wrong != NULL) {
        pw_workspace_close(ws, false);
        return fail(failure, -EPROTO, wrong);
    }
    snprintf(ws->note, sizeof ws->note, "%s", ws->header->note);
    return 0;
}

static int attach(struct pw_workspace *ws, const char *instance, uint32_t abi_min, char *error,
                  size_t error_bytes)
{
    *ws = (struct pw_workspace){0};
    struct failure failure = {error, error_bytes, instance};
    if (strchr(instance, '/') != NULL) {
        if ((size_t)snprintf(ws->path, sizeof ws->path, "%s", instance) >= sizeof ws->path) {
            return fail(&failure, -ENAMETOOLONG, "the path is too long");
        }
        return attach_file(ws, abi_min, &failure);
    }
    if (!pw_instance_name_valid(instance)) {
        return fail(&failure, -EINVAL, "not a name of an instance: those are of a-z, 0-9, _ and -");
    }
    struct pw_place places[PW_PLACES_MAX];
    uint32_t place_cnt = pw_places_find(places);
    for (uint32_t i = 0; i < place_cnt; i++) {
        if (!pw_place_path(&places[i], instance, ws->path, sizeof ws->path)) {
            continue;
        }
        failure.path = ws->path;
        int result = attach_file(ws, abi_min, &failure);
        if (result != -ENOENT) {
            return result;
        }
    }
    failure.path = instance;
    return fail(&failure, -ENOENT, "no such instance");
}

int pw_workspace_attach(struct pw_workspace *ws, const char *instance, char *error, size_t error_bytes)
{
    return attach(ws, instance, PW_WORKSPACE_ABI, error, error_bytes);
}

int pw_workspace_attach_older(struct pw_workspace *ws, const char *instance, char *error, size_t error_bytes)
{
    return attach(ws, instance, 1, error, error_bytes);
}

void pw_workspace_close(struct pw_workspace *ws, bool unlink_file)
{
    if (ws->file_nth != 0) {
        close(ws->file_nth - 1);
        ws->file_nth = 0;
    }
    if (ws->header != NULL) {
        munmap(ws->header, ws->map_bytes);
        ws->header = NULL;
        if (unlink_file) {
            unlink(ws->path);
        }
    }
}

/* ---- looking around ---- */

bool pw_workspace_alive(const struct pw_workspace *ws)
{
    uint64_t start_ticks = pw_process_start_ticks(ws->header->pid);
    return (start_ticks != 0 && start_ticks == ws->header->pid_start_ticks) ||
           (ws->file_nth != 0 && pw_file_is_held(ws->file_nth - 1));
}

int64_t pw_workspace_now_ns(const struct pw_workspace *ws)
{
    int64_t ahead_ns = ws->header->clock_ahead_ns;
    return ahead_ns != 0 ? pw_clock_read_ns(PW_CLOCK_STEADY) + ahead_ns : pw_clock_read_ns(CLOCK_REALTIME);
}

static bool name_listed(const struct pw_instance_name *names, uint32_t name_cnt, const char *name)
{
    for (uint32_t i = 0; i < name_cnt; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t place_list(const struct pw_place *place, struct pw_instance_name *names, uint32_t name_cnt,
                           uint32_t cap)
{
    DIR *dir = opendir(place->dir);
    if (dir == NULL) {
        return name_cnt;
    }
    struct dirent *entry;
    while (name_cnt < cap && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name + strlen(FILE_PREFIX);
        if (strncmp(entry->d_name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0 && pw_instance_name_valid(name) &&
            !name_listed(names, name_cnt, name)) {
            strcpy(names[name_cnt++].name, name);
        }
    }
    closedir(dir);
    return name_cnt;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(((const struct pw_instance_name *)a)->name, ((const struct pw_instance_name *)b)->name);
}

uint32_t pw_workspace_list(struct pw_instance_name *names, uint32_t cap)
{
    struct pw_place places[PW_PLACES_MAX];
    uint32_t place_cnt = pw_places_find(places);
    uint32_t name_cnt = 0;
    for (uint32_t i = 0; i < place_cnt; i++) {
        name_cnt = place_list(&places[i], names, name_cnt, cap);
    }
    qsort(names, name_cnt, sizeof names[0], name_compare);
    return name_cnt;
}

const struct pw_region *pw_workspace_find(const struct pw_workspace *ws, const char *name,
                                          enum pw_region_kind kind)
{
    for (uint32_t i = 0; i < ws->header->region_cnt; i++) {
        const struct pw_region *region = &ws->header->regions[i];
        if (region->kind == (uint32_t)kind && strcmp(region->name, name) == 0 &&
            pw_region_rule_of(kind, ws->header->abi) != NULL) {
            return region;
        }
    }
    return NULL;
}

void *pw_region_at(const struct pw_workspace *ws, const struct pw_region *region, uint32_t row_idx)
{
    if (row_idx >= region->row_cnt) {
        return NULL;
    }
    return (char *)ws->header + region->offset + (uint64_t)row_idx * region->row_bytes;
}

void *pw_workspace_rows(const struct pw_workspace *ws, const char *name, enum pw_region_kind kind)
{
    const struct pw_region *region = pw_workspace_find(ws, name, kind);
    return region != NULL ? pw_region_at(ws, region, 0) : NULL;
}
