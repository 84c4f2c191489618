/* SPDX-License-Identifier: MIT
 *
 * The stage: a struct of callbacks; and what it is given when it starts. The runner knows stages only by
 * this.
 */
#ifndef PW_STAGE_H
#define PW_STAGE_H

#include "config.h"
#include "host.h"
#include "metrics_table.h"
#include "topology.h"
#include <pinwheel/histogram.h>
#include <pinwheel/metrics.h>
#include <pinwheel/ring.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds how long an event had been under way from recv_ns to the poll that was given now_ns. Another core may
 * have received it after the pass had begun: then the clock tells, for no duration is below 0. */
static inline void pw_hop_add(struct pw_histogram *hop, const struct pw_clock *clock, int64_t now_ns,
                              int64_t recv_ns)
{
    int64_t ns = now_ns - recv_ns;
    if (__builtin_expect(ns < 0, 0)) {
        ns = pw_clock_now_ns(clock) - recv_ns;
        ns = ns < 0 ? 0 : ns; /* two processors' clocks, read at once */
    }
    pw_histogram_add(hop, ns);
}

#define PW_BATCH_MAX                                                                                         \
    64u /* events that one poll takes from one ring, so that no stage starves its neighbours */

/* Given to init; valid until fini. */
struct pw_stage_env {
    const char *stage; /* its name */
    const struct pw_topology *topology;
    uint32_t stage_idx; /* in the topology */
    const struct pw_config *config;
    struct pw_workspace *ws;
    struct pw_clock clock; /* polls get the time as an argument; hot code reads it for stamps alone, by which
                            * nothing is decided */
    const struct pw_instrument *instruments; /* the table in the workspace, filled before any init */
    uint32_t instrument_cnt;
    const void *attachment; /* what only its kind needs: PW_ATTACHED */
};

/* A stage's attachment: struct pw_<kind>_attachment of its header. Who starts stages hands each its own, of
 * the size that its ops say. */
#define PW_ATTACHED(env, kind) ((const struct pw_##kind##_attachment *)(env)->attachment)

/* Attaches this stage's end of its nth ring of that role, in the order of the stages at the other ends. 0, or
 * -ENOENT when it has no such ring: optional rings are left out when the config does not ask for them. */
int pw_env_producer_nth(const struct pw_stage_env *env, enum pw_ring_role role, uint32_t nth,
                        struct pw_producer *producer);
int pw_env_consumer_nth(const struct pw_stage_env *env, enum pw_ring_role role, uint32_t nth,
                        struct pw_consumer *consumer);

/* The same of the only one. */
static inline int pw_env_producer(const struct pw_stage_env *env, enum pw_ring_role role,
                                  struct pw_producer *producer)
{
    return pw_env_producer_nth(env, role, 0, producer);
}

static inline int pw_env_consumer(const struct pw_stage_env *env, enum pw_ring_role role,
                                  struct pw_consumer *consumer)
{
    return pw_env_consumer_nth(env, role, 0, consumer);
}

/* The line of the stage; 0: its kind has but one stage. */
static inline uint32_t pw_env_line(const struct pw_stage_env *env)
{
    return env->topology->stages[env->stage_idx].line;
}

/* What there is once a line: "stamps.market" and, in line 2, "stamps.market.2". Returns text. */
const char *pw_env_line_name(const struct pw_stage_env *env, const char *name,
                             char text[PW_REGION_NAME_BYTES]);

/* The rows of a group that this stage writes, to be published to; NULL, and logged, if this stage has no such
 * group. Those of other stages: pw_metrics_rows. */
struct pw_metric_row *pw_env_metrics(const struct pw_stage_env *env, enum pw_metric_group group);

/* The histogram region of that name, or NULL. */
struct pw_histogram *pw_env_histogram(const struct pw_stage_env *env, const char *name);

/* What a poll did. `stalled`: there was input, but no room for what it would cause. `failed`: the stage
 * cannot go on (it has logged why); its thread ends, and the engine stops. */
struct pw_poll {
    uint32_t work;
    bool stalled;
    bool failed;
};

struct pw_stage_ops {
    const char *name;
    size_t attachment_bytes; /* 0: it needs nothing beside the env */
    /* Bytes of private state; cold. */
    size_t (*state_bytes)(const struct pw_stage_env *env);
    /* state: zeroed, aligned to a cache line, locked in memory where the host allows. Called by the main
     * thread. 0 or -errno, having logged why. */
    int (*init)(void *state, const struct pw_stage_env *env);
    /* Optional: called once on the stage's own thread before its first poll (rings that must be made by their
     * user). 0 or -errno, having logged why. */
    int (*start)(void *state);
    /* Hot: takes a bounded batch, never blocks, never allocates. */
    struct pw_poll (*poll)(void *state, int64_t now_ns);
    /* Optional: the time at which it next has work without any input; INT64_MAX: none. */
    int64_t (*next_ns)(void *state);
    /* Optional: about each millisecond, on its thread: publish counters and cells. */
    void (*housekeep)(void *state, int64_t now_ns);
    /* Optional: called once, on its thread, when a clean stop begins: take in nothing new from outside. It is
     * polled on until no stage is pending. */
    void (*drain)(void *state);
    /* Optional: true while there is something that must still be done before a clean stop. */
    bool (*pending)(void *state);
    /* Optional: called on its thread after its last poll (flush, close); also when start failed, its own or
     * another's. */
    void (*fini)(void *state);
};

#endif
