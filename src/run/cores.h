/* SPDX-License-Identifier: MIT
 *
 * The config section `cores`: the threads, what each of them runs, and where.
 */
#ifndef PW_CORES_H
#define PW_CORES_H

#include "key.h"
#include <pinwheel/workspace.h>
#include <stdint.h>

#define PW_CORES_MAX 16u
#define PW_CORE_AUTO (-1)
#define PW_CORE_NONE (-2) /* `core: none`: a thread that is not bound */

enum pw_idle { PW_IDLE_SPIN = 0, PW_IDLE_PAUSE = 1, PW_IDLE_YIELD = 2, PW_IDLE_SLEEP = 3 };

struct pw_config_core {
    int32_t core; /* number, PW_CORE_AUTO or PW_CORE_NONE; resolved by pw_cpu_place */
    enum pw_idle idle;
    uint32_t stage_cnt;
    char stages[PW_STAGES_MAX][PW_STAGE_NAME_BYTES];
};

struct pw_config_cores {
    uint32_t core_cnt;
    struct pw_config_core cores[PW_CORES_MAX];
};

/* What the program passes for its check: the stages, each of which must be placed exactly once, and the
 * host's processors. */
struct pw_cpus; /* cpu.h */
struct pw_config;
struct pw_cores_given {
    /* The names of the stages that the config asks for (config NULL: those of the simplest one); their
     * number. 0: that cannot be told, for a reason that another section reports. */
    uint32_t (*stage_names)(const struct pw_config *config, char names[PW_STAGES_MAX][PW_STAGE_NAME_BYTES]);
    const struct pw_cpus *cpus;
};

extern const struct pw_section pw_cores_section;

/* The thread of a stage; core_cnt: none. `*place` is where it stands there. */
uint32_t pw_cores_find(const struct pw_config_cores *cores, const char *stage, uint32_t *place);

#endif
