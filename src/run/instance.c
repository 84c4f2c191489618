/* SPDX-License-Identifier: MIT
 *
 * The section of the engine as a whole. See instance.h.
 */
#include "instance.h"

/* clang-format off */
static const struct pw_key g_memory_keys[] = {
    {.name = "huge_pages", PW_FIELD(struct pw_config_instance, huge_pages), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "use huge pages if available; else request transparent huge pages"},
};

static const struct pw_key g_keys[] = {
    {.name = "instance", PW_FIELD(struct pw_config_instance, name), .kind = PW_VALUE_NAME, .required = true,
     .expands = true, .help = "the engine's unique name, by which tools find it"},
    {.name = "memory", PW_WHOLE(struct pw_config_instance), .kind = PW_VALUE_GROUP,
     PW_GROUP(g_memory_keys, "memory"), .help = "the workspace in shared memory"},
    {.name = "keep_workspace", PW_FIELD(struct pw_config_instance, keep_workspace), .kind = PW_VALUE_BOOL,
     .fallback = "false", .help = "leave the workspace for the monitor after a clean stop"},
    {.name = "sandbox", PW_FIELD(struct pw_config_instance, sandbox), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "give up capabilities, system calls and files that are not needed (security.md); false: for debugging"},
};
/* clang-format on */

const struct pw_section pw_instance_section = {
    .keys = g_keys, .key_cnt = PW_COUNT_OF(g_keys), .bytes = sizeof(struct pw_config_instance)};
