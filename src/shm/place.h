/* SPDX-License-Identifier: MIT
 *
 * Where workspaces live on this host: the directories, and what pages each can give. Inside src/shm only.
 */
#ifndef PW_PLACE_H
#define PW_PLACE_H

#include "text.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_PLACES_MAX 8u

/* A directory in which workspaces may be. */
struct pw_place {
    char dir[192];
    bool hugetlbfs;
    uint64_t page_bytes; /* of hugetlbfs; else the host's small page */
};

/* In the order in which they are tried: $PINWHEEL_SHM_DIR alone if that is set; else each hugetlbfs mount,
 * smallest pages first, then /dev/shm. Returns how many, at least 1. */
uint32_t pw_places_find(struct pw_place places[PW_PLACES_MAX]);

/* Pages of this hugetlbfs place that nobody has taken or reserved. */
uint64_t pw_place_pages_free(const struct pw_place *place);

/* <dir>/pinwheel.<instance>; false if that does not fit or the name is not [a-z0-9_-]+ of fitting length. */
bool pw_place_path(const struct pw_place *place, const char *instance, char *path, size_t path_bytes);
bool pw_instance_name_valid(const char *name);

/* Locks a file opened for reading and writing until the last descriptor and mapping of it are gone; false:
 * somebody else has it. And: has somebody else? */
bool pw_file_hold(int fd);
bool pw_file_is_held(int fd);

/* Gives every page of a fresh, zeroed, writable mapping its memory now. huge: asks for transparent huge pages
 * first. 0, or -ENOMEM / -ENOSPC when the host has not that much; never a signal. give_up: asked every few
 * MiB (NULL: never gives up); -ECANCELED if it is due. */
int pw_pages_populate(int fd, void *map, size_t bytes, bool huge, const struct pw_give_up *give_up);

/* Does a file in memory lack pages below `bytes`? Touching such a place takes memory, or faults when there is
 * none. */
bool pw_file_holes(int fd, uint64_t bytes);

/* Memory that could be taken now without swapping, by the kernel's estimate; UINT64_MAX: it does not say. */
uint64_t pw_memory_available_bytes(void);

/* Size of a transparent huge page. */
uint64_t pw_pages_huge_page_bytes(void);

/* How much of a mapping of shared memory is in huge pages, by the kernel's own account. */
uint64_t pw_pages_huge_bytes(const void *map);

/* Start time of a process in clock ticks since boot (field 22 of /proc/pid/stat); 0: there is no such
 * process, or it has ended and waits only to be reaped. */
uint64_t pw_process_start_ticks(int64_t pid);

#endif
