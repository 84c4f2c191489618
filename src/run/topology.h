/* SPDX-License-Identifier: MIT
 *
 * The topology as a value: which stages there are, and the rings between them.
 *
 * A ring is declared by its role and by the kinds of stages at its ends; its name in shared memory is made
 * from them ("parse.strategy"). A kind may have several instances, its lines: then each stage is named with
 * its line ("parse.1"), and so are its rings ("parse.1.strategy"). Between two kinds with lines a ring stays
 * within its line; where one end has no lines, each line has a ring of its own.
 *
 * A stage asks for its ends by role (stage.h). No other place knows the names of rings.
 */
#ifndef PW_TOPOLOGY_H
#define PW_TOPOLOGY_H

#include "config.h"
#include <pinwheel/metrics.h>
#include <pinwheel/ring.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_stage_ops;

#define PW_TOPOLOGY_RINGS_MAX 96u

/* What a ring carries. */
enum pw_ring_role {
    PW_RING_FRAMES,         /* messages of venues, to be decoded */
    PW_RING_MARKET,         /* market events */
    PW_RING_DECISIONS,      /* market events, signals and intents, in one order */
    PW_RING_REPORTS,        /* responses to intents */
    PW_RING_MARKET_JOURNAL, /* market events, to be kept */
    PW_RING_FRAMES_JOURNAL, /* messages of market data, to be kept */
    PW_RING_ORDERS_JOURNAL, /* what execution took and did, to be kept */
    PW_RING_WIRE_JOURNAL,   /* messages of order entry, to be kept */
    PW_RING_SNAPSHOTS,      /* books fetched by REST */
    PW_RING_PARSE_REQUESTS, /* books wanted, connections to be renewed */
    PW_RING_CONNS,          /* established connections */
    PW_RING_CONNS_LOST,     /* connections given back */
    PW_RING_COMMANDS,
    PW_RING_REQUESTS,  /* messages of order entry, out */
    PW_RING_RESPONSES, /* messages of order entry, in */
};

#define PW_RING_PAYLOAD_CONFIG UINT64_MAX /* payload_bytes: rings.frames_bytes of the config */

/* One row of a table of rings. */
struct pw_ring_row {
    enum pw_ring_role role;
    const char *from, *to; /* kinds of the stages at its ends */
    const char *suffix;    /* behind the name, where two rings have the same ends; NULL: none */
    uint32_t slots;        /* 0: as slots_at says */
    size_t slots_at;       /* offset of its slot count in struct pw_config_rings */
    uint64_t payload_bytes;
    enum pw_ring_policy policy;
    /* Which lines have it, from 0; NULL: all. */
    bool (*on_line)(const struct pw_config *config, uint32_t line_idx);
    bool (*when)(const struct pw_config *config);   /* NULL: always */
    bool (*stalls)(const struct pw_config *config); /* overrides a policy that drops; NULL: never */
};

struct pw_topology_stage {
    const struct pw_stage_ops *ops; /* NULL: an end that somebody else serves, such as a test */
    const char *kind;
    uint32_t line; /* from 1; 0: the only one of its kind */
    char name[PW_STAGE_NAME_BYTES];
};

struct pw_topology_ring {
    enum pw_ring_role role;
    uint32_t from, to; /* stages */
    uint32_t slots;
    uint64_t payload_bytes;
    enum pw_ring_policy policy;
    char name[PW_REGION_NAME_BYTES];
};

struct pw_topology {
    uint32_t stage_cnt, ring_cnt;
    uint32_t more_gateway_cnt; /* beside execution's first: each has metrics, gateway.2 and so on */
    struct pw_topology_stage stages[PW_STAGES_MAX];
    struct pw_topology_ring rings[PW_TOPOLOGY_RINGS_MAX];
};

/* Adds a stage; the order of these calls is the order of one core's pass, and of start and stop. Returns its
 * number. */
uint32_t pw_topology_add(struct pw_topology *topology, const struct pw_stage_ops *ops, uint32_t line);
/* The same for an end that is no stage of this process. */
uint32_t pw_topology_add_end(struct pw_topology *topology, const char *kind, uint32_t line);

/* Adds the rings of a table between the stages that are there; a row without both ends is left out. */
void pw_topology_connect(struct pw_topology *topology, const struct pw_ring_row *rows, size_t row_cnt,
                         const struct pw_config *config);

/* The stage of that name, or stage_cnt. */
uint32_t pw_topology_stage(const struct pw_topology *topology, const char *name);

/* The nth ring of that role, in the order of the stages at its ends; NULL: there is none. */
struct pw_topology_ring *pw_topology_ring(struct pw_topology *topology, enum pw_ring_role role, uint32_t nth);

/* Appends the rings to the regions wanted; returns the new count. */
uint32_t pw_topology_want(const struct pw_topology *topology, struct pw_region_want *want, uint32_t want_cnt);

/* The rows of metrics that its stages need, and writes them into a workspace. */
uint32_t pw_topology_metric_cnt(const struct pw_topology *topology);
void pw_topology_put_metrics(const struct pw_topology *topology, struct pw_metric_row *rows);

/* The nth ring of that role in a workspace; NULL: it has none. For those who are at neither end. */
struct pw_ring *pw_topology_ring_in(const struct pw_topology *topology, const struct pw_workspace *ws,
                                    enum pw_ring_role role, uint32_t nth);

#endif
