/* SPDX-License-Identifier: MIT
 *
 * What a stage finds in the workspace when it is initialised: its ends of rings, its metrics, its histograms.
 */
#include "stage.h"

#include "pw_assert.h"

#include <errno.h>
#include <pinwheel/histogram.h>
#include <stdio.h>
#include <string.h>

/* The nth of the stage's rings of that role, of which it has the one end or the other; NULL: none. */
static struct pw_ring *ring_find(const struct pw_stage_env *env, enum pw_ring_role role, uint32_t nth,
                                 bool is_producer)
{
    pw_assert(env->stage_idx < env->topology->stage_cnt);
    for (uint32_t i = 0; i < env->topology->ring_cnt; i++) {
        const struct pw_topology_ring *ring = &env->topology->rings[i];
        uint32_t end = is_producer ? ring->from : ring->to;
        if (ring->role == role && end == env->stage_idx && nth-- == 0) {
            return pw_workspace_rows(env->ws, ring->name, PW_REGION_RING);
        }
    }
    return NULL;
}

int pw_env_producer_nth(const struct pw_stage_env *env, enum pw_ring_role role, uint32_t nth,
                        struct pw_producer *producer)
{
    struct pw_ring *found = ring_find(env, role, nth, true);
    if (found == NULL) {
        return -ENOENT;
    }
    pw_producer_attach(producer, found);
    return 0;
}

int pw_env_consumer_nth(const struct pw_stage_env *env, enum pw_ring_role role, uint32_t nth,
                        struct pw_consumer *consumer)
{
    struct pw_ring *found = ring_find(env, role, nth, false);
    if (found == NULL) {
        return -ENOENT;
    }
    pw_consumer_attach(consumer, found);
    return 0;
}

const char *pw_env_line_name(const struct pw_stage_env *env, const char *name,
                             char text[PW_REGION_NAME_BYTES])
{
    uint32_t line = pw_env_line(env);
    int bytes = line > 0 ? snprintf(text, PW_REGION_NAME_BYTES, "%s.%u", name, line)
                         : snprintf(text, PW_REGION_NAME_BYTES, "%s", name);
    pw_assert(bytes > 0 && bytes < PW_REGION_NAME_BYTES);
    return text;
}

struct pw_metric_row *pw_env_metrics(const struct pw_stage_env *env, enum pw_metric_group group)
{
    char name[PW_METRIC_GROUP_BYTES];
    pw_metrics_group_name(name, group, env->stage);
    struct pw_metric_row *rows = pw_metrics_rows(env->ws, group, name);
    if (rows == NULL) {
        pw_log(PW_LOG_ERROR, "stage %s: the workspace has no metrics %s", env->stage, name);
    }
    return rows;
}

struct pw_histogram *pw_env_histogram(const struct pw_stage_env *env, const char *name)
{
    return pw_workspace_rows(env->ws, name, PW_REGION_HISTOGRAM);
}
