/* SPDX-License-Identifier: MIT
 *
 * What a dead engine left in shared memory, kept until the next one of its name runs: as
 * <dir>/pinwheel.<instance>.dead while that one starts, and under its own name again if the start fails. So a
 * supervisor that tries again and again destroys no evidence. For whoever owns the name (control.h).
 */
#ifndef PW_DEAD_H
#define PW_DEAD_H

#include <stdbool.h>
#include <stddef.h>

/* Moves it aside, if its engine had run, and the host has the memory for both; else it stays to be replaced.
 */
void pw_dead_keep(const char *instance);

/* Is something kept aside? folder (NULL: not of interest): in which; not always that of the new workspace. */
bool pw_dead_is_kept(const char *instance, char *folder, size_t folder_bytes);

/* The new one runs: what was kept goes. */
void pw_dead_forget(const char *instance);

/* There is no new one: what was kept is found under its name again. */
void pw_dead_restore(const char *instance);

#endif
