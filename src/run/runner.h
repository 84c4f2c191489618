/* SPDX-License-Identifier: MIT
 *
 * The runner: one thread for each core of the config, each polling its stages in order until it is told to
 * stop.
 *
 * The same runner can be driven by hand, from one thread and in virtual time: backtest and tests make it with
 * pw_runner_create and call pw_runner_pass themselves. What a stage sees is the same.
 *
 * Time is booked per stage: a timestamp is taken at the start of a pass and after each poll that did work or
 * stalled; the next stage is given the pass's time, moved on by that much. A poll that did neither is not
 * timed: its nanoseconds (a few tens at most) go to the next stage of the pass that did something, or to
 * idle. Busy, stalled and idle of a stage add up to its thread's life. All this costs some 13 ns for each
 * poll that works, measured.
 */
#ifndef PW_RUNNER_H
#define PW_RUNNER_H

#include "cores.h"
#include "host.h"
#include "stage.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_HOUSEKEEP_NS INT64_C(1000000) /* between two calls of a stage's housekeep */

struct pw_runner;

/* A stage that was initialised: its callbacks, its state, and the row in the workspace that the runner
 * writes. */
struct pw_stage_slot {
    const char *name; /* of the stage, in the topology and in the config */
    const struct pw_stage_ops *ops;
    void *state;
    struct pw_stage_view *view;
};

/* Zeroed memory for a stage's state, on pages of its own, in memory to stay: `*locked` says whether the host
 * allowed that. Left out of core dumps. NULL: no memory. */
void *pw_state_alloc(size_t bytes, bool *locked);
void pw_state_free(void *state, size_t bytes);

/* ---- with threads ---- */

/* Fills the views' fixed fields and starts a thread for each of cores->cores (which pw_cpu_place has
 * resolved); every stage that they name must be among the slots. Each thread binds and names itself and calls
 * its stages' start; no stage is polled before all have succeeded. Threads are born with all signals blocked.
 * 0, or -errno, having logged why: then every stage's fini has been called, and no thread is left (but for
 * -EDEADLK, as below).
 * cores, slots' states and views must outlive the runner. */
int pw_runner_start(struct pw_runner **runner, const struct pw_config_cores *cores,
                    const struct pw_stage_slot *slots, uint32_t slot_cnt, const struct pw_clock *clock);

/* The stage that has failed, or NULL while all goes well. For the main thread to ask now and then. */
const char *pw_runner_failed(const struct pw_runner *runner);

/* Stops cleanly: drains (every stage is polled until none is pending and nothing moves any more, at most
 * drain_ns), calls each stage's fini on its thread, joins the threads. 0; -ETIMEDOUT: what was pending at the
 * deadline is logged, fini was called all the same; -EIO: a stage had failed; -EDEADLK: a thread does not
 * come back from a call, and is left as it is: nothing that it uses may be freed; the stop may be
 * tried again. */
int pw_runner_stop(struct pw_runner *runner, int64_t drain_ns);

/* Cuts pw_runner_stop's drain short. Safe in a signal handler. */
void pw_runner_hurry(struct pw_runner *runner);

/* After pw_runner_stop, unless that said -EDEADLK. */
void pw_runner_destroy(struct pw_runner *runner);

/* ---- by hand ---- */

/* As pw_runner_start, without threads. clock: where stages' times are measured, a virtual one for
 * reproducible runs. */
int pw_runner_create(struct pw_runner **runner, const struct pw_config_cores *cores,
                     const struct pw_stage_slot *slots, uint32_t slot_cnt, const struct pw_clock *clock);
/* Calls every stage's start. 0 or what the first that failed said. */
int pw_runner_begin(struct pw_runner *runner);
/* One pass of one core: polls each of its stages, and their housekeeping when that is due. */
struct pw_poll pw_runner_pass(struct pw_runner *runner, uint32_t core_idx, int64_t now_ns);
/* When a stage of that core next has work without input, or housekeeping is due. */
int64_t pw_runner_next_ns(const struct pw_runner *runner, uint32_t core_idx);
/* Calls every stage's drain; pass on until pw_runner_pending says false and passes do no work. */
void pw_runner_drain(struct pw_runner *runner);
bool pw_runner_pending(const struct pw_runner *runner);
/* Calls every stage's fini. */
void pw_runner_end(struct pw_runner *runner);

#endif
