/* SPDX-License-Identifier: MIT
 *
 * The engine's stages without its sockets: a generator in the place of net_rx feeds venue messages,
 * everything behind it is the real thing in a real workspace.
 */
#ifndef PW_BENCH_PIPELINE_STAGES_H
#define PW_BENCH_PIPELINE_STAGES_H

#include "live_topology.h"
#include "message_tape.h"
#include "runner.h"
#include "stage.h"
#include "store.h"
#include <pinwheel/ring.h>
#include <stdbool.h>
#include <stdint.h>

/* Where the stages run. */
enum pipeline_shape {
    PIPELINE_FUSED,         /* all on one thread, no journal */
    PIPELINE_FUSED_JOURNAL, /* the hot ones on one core, the journal sleeping on another */
    PIPELINE_SPLIT, /* generator and parse on one core, strategy and execution on another; no journal */
};

struct generator;

struct pipeline {
    struct pw_config *config;
    struct pw_workspace ws;
    struct pw_store store;
    bool store_open;
    struct pw_live_attachments attachments;
    uint64_t run_id;
    struct pw_clock clock;
    struct pw_runner *runner;
    uint32_t slot_cnt;
    struct pw_topology topology;
    struct pw_stage_env envs[PW_STAGES_MAX];
    struct pw_stage_slot slots[PW_STAGES_MAX];
    size_t state_bytes[PW_STAGES_MAX];
    struct generator *generator; /* the state of slots[0] */
    char journal_path[64];
};

/* cores[0], cores[1]: processors to bind to; PW_CORE_NONE: not bound. False with a message on standard error.
 */
bool pipeline_open(struct pipeline *pipeline, enum pipeline_shape shape, const struct message_tape *tape,
                   const int32_t cores[2]);

/* One message at a time: put, wait until execution has taken its event, note the nanoseconds between. */
void pipeline_ping(struct pipeline *pipeline, uint64_t cnt, uint64_t *samples_ns);
/* As many at once as there is room for; the nanoseconds until execution has taken the last. */
uint64_t pipeline_flood(struct pipeline *pipeline, uint64_t cnt);
/* Market events that parse has made so far. */
uint64_t pipeline_event_cnt(const struct pipeline *pipeline);

/* Stops the threads, takes everything down. False if something of it failed. */
bool pipeline_close(struct pipeline *pipeline);

#endif
