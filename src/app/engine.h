/* SPDX-License-Identifier: MIT
 *
 * The engine: one instance's whole life. It opens what the stages share, starts them, waits, and stops them
 * in order.
 *
 * Order of start, each step undone in reverse by pw_engine_close: config, keys, the operator's desk (from
 * here on commands and stop signals are obeyed at once), workspace (readers can attach from here on: state
 * "starting"), network, instruments from the venue, journal (the run's id is durable before anything uses
 * it), stages, threads (state "running").
 */
#ifndef PW_ENGINE_H
#define PW_ENGINE_H

#include "conns.h"
#include "desk.h"
#include "keys.h"
#include "live_topology.h"
#include "net.h"
#include "runner.h"
#include "stage.h"
#include "store.h"
#include "venue_errors.h"
#include <pinwheel/workspace.h>

struct pw_engine {
    struct pw_config *config;
    char *config_text; /* as it was loaded; the journal keeps it */
    size_t config_bytes;
    struct pw_desk desk;
    struct pw_workspace ws;
    bool is_starting; /* it does not run yet: what an earlier engine left was moved aside, and comes back if
                         it never does */
    struct pw_clock clock;
    struct pw_random random;
    struct pw_conns conns;
    struct pw_net *nets[PW_LINES_MAX]; /* one a line */
    struct pw_store store;
    bool store_open;
    struct pw_key_files key_files; /* of live accounts */
    bool has_keys;
    int64_t banned_until_ns[PW_FEEDS_MAX]; /* by host; src/net/ban.h */
    struct pw_feed_view *feed_views;       /* a row a connection */
    uint32_t halts[PW_ACCOUNTS_MAX];       /* enum pw_reason: what accounts start halted by; 0: nothing */
    uint64_t run_id;
    struct pw_topology topology;
    struct pw_live_attachments attachments;
    struct pw_venue_errors venue_errors[PW_ACCOUNTS_MAX]; /* what execution has met, for housekeeping's log */
    struct pw_stage_env envs[PW_STAGES_MAX];              /* in the topology's order, as are the slots */
    struct pw_stage_slot slots[PW_STAGES_MAX];
    size_t state_bytes[PW_STAGES_MAX];
    uint32_t unlocked_cnt;    /* stages whose memory may be paged out */
    uint32_t initialised_cnt; /* stages whose init has succeeded */
    bool threads_stuck;       /* a thread did not come back: nothing that it uses may be freed */
    struct pw_runner *runner;
};

enum pw_engine_result {
    PW_ENGINE_OK = 0,
    PW_ENGINE_FAILED = 1,       /* it ran, and something in it failed */
    PW_ENGINE_BAD_CONFIG = 3,   /* refused before anything was touched */
    PW_ENGINE_CANNOT_START = 4, /* the host, the journal or the venue did not allow it, or it was stopped */
};

/* Loads and checks the config, places it on this host's cores, and loads the keys of accounts that need
 * them. Real money has to be said twice: there and by `live`. Prints what is wrong to standard error. */
enum pw_engine_result pw_engine_configure(struct pw_engine *engine, const char *path, bool live);

/* What the command line says of the engine's life. */
struct pw_engine_orders {
    int64_t duration_ns; /* from started_ns; 0: no end */
    int64_t started_ns;  /* by CLOCK_MONOTONIC */
    bool resume;         /* a halt of an earlier run ends */
};

/* From the config to running threads. Gives up early, cleanly, when the engine is to end before. */
enum pw_engine_result pw_engine_start(struct pw_engine *engine, const struct pw_engine_orders *orders);

/* Waits until the engine is to end, or something in it fails; then drains and stops the threads. */
enum pw_engine_result pw_engine_wait(struct pw_engine *engine);

/* Undoes whatever pw_engine_configure and pw_engine_start have done. Safe after each of their failures. */
void pw_engine_close(struct pw_engine *engine);

#endif
