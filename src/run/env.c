/* SPDX-License-Identifier: MIT
 *
 * What a stage finds in the workspace when it is initialised: its ends of rings, its metrics, its histograms.
 */
#include "stage.h"

#include <errno.h>
#include <pinwheel/histogram.h>
#include <string.h>

static void *region_find(const struct pw_stage_env *env, const char *name, enum pw_region_kind kind)
{
    const struct pw_region *region = pw_workspace_find(env->ws, name, kind);
    return region != NULL ? pw_region_at(env->ws, region, 0) : NULL;
}

int pw_env_producer(const struct pw_stage_env *env, const char *ring, struct pw_producer *producer)
{
    struct pw_ring *found = region_find(env, ring, PW_REGION_RING);
    if (found == NULL) {
        return -ENOENT;
    }
    pw_producer_attach(producer, found);
    return 0;
}

int pw_env_consumer(const struct pw_stage_env *env, const char *ring, struct pw_consumer *consumer)
{
    struct pw_ring *found = region_find(env, ring, PW_REGION_RING);
    if (found == NULL) {
        return -ENOENT;
    }
    pw_consumer_attach(consumer, found);
    return 0;
}

_Atomic uint64_t *pw_env_metric(const struct pw_stage_env *env, const char *group, const char *name)
{
    const struct pw_region *region = pw_workspace_find(env->ws, "metrics", PW_REGION_METRICS);
    for (uint32_t i = 0; region != NULL && i < region->row_cnt; i++) {
        struct pw_metric_row *row = pw_region_at(env->ws, region, i);
        if (strcmp(row->group, group) == 0 && strcmp(row->name, name) == 0) {
            return &row->value;
        }
    }
    pw_log(PW_LOG_ERROR, "stage %s: no metric %s.%s; declare it in the metrics' table", env->stage, group,
           name);
    return NULL;
}

struct pw_histogram *pw_env_histogram(const struct pw_stage_env *env, const char *name)
{
    return region_find(env, name, PW_REGION_HISTOGRAM);
}
