/* SPDX-License-Identifier: MIT
 *
 * The config section of the engine as a whole: its name and its workspace in shared memory.
 */
#ifndef PW_INSTANCE_H
#define PW_INSTANCE_H

#include "key.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>

struct pw_config_instance {
    char name[PW_INSTANCE_BYTES];
    bool huge_pages;
    bool sandbox;        /* give up what is not needed (confine.h) */
    bool keep_workspace; /* leave the file in shared memory after a clean stop */
};

extern const struct pw_section pw_instance_section; /* at the head of the file */

#endif
