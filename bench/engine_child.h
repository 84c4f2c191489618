/* SPDX-License-Identifier: MIT
 *
 * A real engine, `pinwheel run --live`, as a child process that trades at the bench's own venue; and the
 * monitors that watch it.
 */
#ifndef PW_BENCH_ENGINE_CHILD_H
#define PW_BENCH_ENGINE_CHILD_H

#include "bench.h"
#include "bench_venue.h"
#include "build.h"
#include <pinwheel/histogram.h>
#include <pinwheel/hops.h>
#include <pinwheel/workspace.h>

#define ENGINE_MONITORS_MAX 10u

struct engine_child {
    char dir[256];                   /* its config, keys, journal and log */
    char programs[BUILD_PATH_BYTES]; /* the folder in which pinwheel's programs stand */
    char instance[40];
    int core, cold_core;
    const char *counts_path; /* NULL, or where callgrind, under which it then runs, puts its counts */
    uint32_t counts_cnt;     /* files with this path, a dot and a number from 1 on; each begins anew */
    pid_t pid;               /* 0: none */
    struct pw_workspace ws;  /* attached while header is not NULL */
    pid_t monitors[ENGINE_MONITORS_MAX];
    int terminals[ENGINE_MONITORS_MAX]; /* on which they show */
    uint32_t monitor_cnt;
};

/* Starts one of the build whose programs stand in engine->programs, on engine->core, its cold threads on
 * engine->cold_core, and serves the venue until it trades: an order has come for a tick. engine->dir: a
 * folder with the venue's identity in it. 0, or -errno with the reason in the report's note. */
int engine_child_start(struct engine_child *engine, struct venue *venue, struct pw_bench_report *report);
/* Waits until it trades; again after it was held or starved, since it may have lost track of the venue's
 * time. False: it does not. */
bool engine_child_trades(struct engine_child *engine, struct venue *venue);
/* Which of its own checks have denied orders so far, and how many: "venue_time 3, no_room 12"; "" for none.
 */
void engine_child_denials(const struct engine_child *engine, char *text, size_t text_bytes);

/* Whether it lives and has denied orders because their ticks were old: others keep it from its core. */
bool engine_child_is_late(const struct engine_child *engine);
/* Ends it cleanly, while the venue goes on. */
void engine_child_stop(struct engine_child *engine, struct venue *venue);

/* Holds it: its core is free for others. */
void engine_child_hold(const struct engine_child *engine);
/* Lets it go on. */
void engine_child_go_on(const struct engine_child *engine);

/* Whether none of its threads runs or waits for a processor at this moment. */
bool engine_child_rests(const struct engine_child *engine);

/* Has callgrind write what it has counted since the last time: counts_path.<counts_cnt> then. False: it does
 * not. */
bool engine_child_counts_write(struct engine_child *engine);

/* So many monitors run from now on, each with a terminal of its own, at their usual interval. False: one
 * could not be started. */
bool engine_child_watch(struct engine_child *engine, uint32_t monitor_cnt);
/* Takes away what they have written, so that they can go on; how many bytes it was. */
size_t engine_child_screens_read(struct engine_child *engine);
/* How many of them still run. */
uint32_t engine_child_watchers(const struct engine_child *engine);

/* What has been counted since it was last asked. */
struct engine_histogram {
    const struct pw_histogram *live;
    struct pw_histogram last, since;
};

/* A span of an order's way through the engine, with a histogram in its workspace: every one that pw_hops has,
 * the whole first. */
#define ENGINE_HOPS PW_HOP_SPANS
struct engine_hop {
    char id[40]; /* of the bench's rows: "inside", else by the token of the hop at its end */
    char label[64];
    char name[PW_HOP_NAME_BYTES]; /* of the histogram */
};
struct engine_hop engine_hop(uint32_t i);

/* The hop's histogram, from now on. False: the engine has none. */
bool engine_histogram_open(struct engine_histogram *histogram, const struct engine_child *engine,
                           uint32_t hop_idx);
/* Adds to `since` what came; forgets what came. */
void engine_histogram_take(struct engine_histogram *histogram);
void engine_histogram_skip(struct engine_histogram *histogram);

#endif
