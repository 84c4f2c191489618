/* SPDX-License-Identifier: MIT
 *
 * Stages and rings put together from tables.
 */
#include "topology.h"
#include "ring_sizes.h"

#include "metrics_table.h"
#include "pw_assert.h"
#include "stage.h"
#include <stdio.h>
#include <string.h>

static uint32_t add(struct pw_topology *topology, const struct pw_stage_ops *ops, const char *kind,
                    uint32_t line)
{
    pw_assert(topology->stage_cnt < PW_STAGES_MAX);
    struct pw_topology_stage *stage = &topology->stages[topology->stage_cnt];
    *stage = (struct pw_topology_stage){.ops = ops, .kind = kind, .line = line};
    int bytes = line > 0 ? snprintf(stage->name, sizeof stage->name, "%s.%u", kind, line)
                         : snprintf(stage->name, sizeof stage->name, "%s", kind);
    pw_assert(bytes > 0 && (size_t)bytes < sizeof stage->name);
    return topology->stage_cnt++;
}

uint32_t pw_topology_add(struct pw_topology *topology, const struct pw_stage_ops *ops, uint32_t line)
{
    return add(topology, ops, ops->name, line);
}

uint32_t pw_topology_add_end(struct pw_topology *topology, const char *kind, uint32_t line)
{
    return add(topology, NULL, kind, line);
}

static bool is_within_line(const struct pw_topology_stage *from, const struct pw_topology_stage *to)
{
    return from->line == to->line || from->line == 0 || to->line == 0;
}

static void add_ring(struct pw_topology *topology, const struct pw_ring_row *row, uint32_t from, uint32_t to,
                     const struct pw_config *config)
{
    pw_assert(topology->ring_cnt < PW_TOPOLOGY_RINGS_MAX);
    struct pw_topology_ring *ring = &topology->rings[topology->ring_cnt++];
    bool stalls = row->stalls != NULL && row->stalls(config);
    *ring = (struct pw_topology_ring){
        .role = row->role,
        .from = from,
        .to = to,
        .slots = row->slots,
        .payload_bytes = row->payload_bytes,
        .policy = stalls ? PW_RING_STALL : row->policy,
    };
    if (row->slots == 0) {
        memcpy(&ring->slots, (const char *)PW_CONFIG(config, rings) + row->slots_at, sizeof ring->slots);
    }
    if (row->payload_bytes == PW_RING_PAYLOAD_CONFIG) {
        ring->payload_bytes = PW_CONFIG(config, rings)->frames_bytes;
    }
    char name[sizeof ring->name] = "";
    int bytes = snprintf(name, sizeof name, "%s.%s%s", topology->stages[from].name, topology->stages[to].name,
                         row->suffix != NULL ? row->suffix : "");
    pw_assert(bytes > 0 && (size_t)bytes < sizeof name);
    memcpy(ring->name, name, sizeof ring->name);
}

/* That of the end that has lines. */
static uint32_t line_idx_of(const struct pw_topology_stage *from, const struct pw_topology_stage *to)
{
    uint32_t line = from->line > to->line ? from->line : to->line;
    return line > 0 ? line - 1 : 0;
}

static void connect_row(struct pw_topology *topology, const struct pw_ring_row *row,
                        const struct pw_config *config)
{
    const struct pw_topology_stage *stages = topology->stages;
    for (uint32_t from = 0; from < topology->stage_cnt; from++) {
        for (uint32_t to = 0; to < topology->stage_cnt; to++) {
            if (strcmp(stages[from].kind, row->from) == 0 && strcmp(stages[to].kind, row->to) == 0 &&
                is_within_line(&stages[from], &stages[to]) &&
                (row->on_line == NULL || row->on_line(config, line_idx_of(&stages[from], &stages[to])))) {
                add_ring(topology, row, from, to, config);
            }
        }
    }
}

void pw_topology_connect(struct pw_topology *topology, const struct pw_ring_row *rows, size_t row_cnt,
                         const struct pw_config *config)
{
    for (size_t i = 0; i < row_cnt; i++) {
        if (rows[i].when == NULL || rows[i].when(config)) {
            connect_row(topology, &rows[i], config);
        }
    }
}

uint32_t pw_topology_stage(const struct pw_topology *topology, const char *name)
{
    uint32_t i = 0;
    while (i < topology->stage_cnt && strcmp(topology->stages[i].name, name) != 0) {
        i++;
    }
    return i;
}

static uint32_t find_ring(const struct pw_topology *topology, enum pw_ring_role role, uint32_t nth)
{
    for (uint32_t i = 0; i < topology->ring_cnt; i++) {
        if (topology->rings[i].role == role && nth-- == 0) {
            return i;
        }
    }
    return topology->ring_cnt;
}

struct pw_topology_ring *pw_topology_ring(struct pw_topology *topology, enum pw_ring_role role, uint32_t nth)
{
    uint32_t i = find_ring(topology, role, nth);
    return i < topology->ring_cnt ? &topology->rings[i] : NULL;
}

uint32_t pw_topology_want(const struct pw_topology *topology, struct pw_region_want *want, uint32_t want_cnt)
{
    for (uint32_t i = 0; i < topology->ring_cnt; i++) {
        const struct pw_topology_ring *ring = &topology->rings[i];
        pw_assert(want_cnt < PW_REGIONS_MAX);
        struct pw_region_want *row = &want[want_cnt++];
        *row = (struct pw_region_want){.kind = PW_REGION_RING,
                                       .ring_slots = ring->slots,
                                       .ring_payload_bytes = ring->payload_bytes,
                                       .ring_policy = ring->policy};
        memcpy(row->name, ring->name, sizeof row->name);
    }
    return want_cnt;
}

struct pw_ring *pw_topology_ring_in(const struct pw_topology *topology, const struct pw_workspace *ws,
                                    enum pw_ring_role role, uint32_t nth)
{
    uint32_t i = find_ring(topology, role, nth);
    return i < topology->ring_cnt ? pw_workspace_rows(ws, topology->rings[i].name, PW_REGION_RING) : NULL;
}

uint32_t pw_topology_metric_cnt(const struct pw_topology *topology)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < topology->stage_cnt; i++) {
        cnt += pw_metrics_stage_cnt(topology->stages[i].kind);
    }
    return cnt + topology->more_gateway_cnt * pw_metric_groups[PW_METRIC_GROUP_gateway].cnt;
}

void pw_topology_put_metrics(const struct pw_topology *topology, struct pw_metric_row *rows)
{
    for (uint32_t i = 0; i < topology->stage_cnt; i++) {
        rows = pw_metrics_put(rows, topology->stages[i].kind, topology->stages[i].name);
    }
    for (uint32_t i = 0; i < topology->more_gateway_cnt; i++) {
        char name[PW_METRIC_GROUP_BYTES];
        rows = pw_metrics_put_group(rows, PW_METRIC_GROUP_gateway, pw_metrics_gateway_name(name, i + 1));
    }
}
