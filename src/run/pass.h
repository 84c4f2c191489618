/* SPDX-License-Identifier: MIT
 *
 * One core of the runner: its stages, a pass over them, and where the time goes. No threads in here.
 */
#ifndef PW_PASS_H
#define PW_PASS_H

#include "host.h"
#include "stage.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

/* A stage as its core keeps it. Ticks are those since the last time that they were turned into nanoseconds.
 */
struct pw_core_stage {
    const struct pw_stage_ops *ops;
    void *state;
    struct pw_stage_view *view;
    uint64_t work_cnt;
    uint64_t busy_ticks, stalled_ticks, longest_ticks;
    uint64_t busy_ns, stalled_ns, longest_ns;
};

struct pw_core {
    uint32_t stage_cnt;
    uint32_t failed_idx; /* which stage's poll said `failed` */
    bool by_hand;        /* ticks are the clock's, not the processor's */
    bool account_due;
    struct pw_clock clock;
    int64_t started_ns;
    uint64_t started_ticks;   /* at that moment */
    int64_t account_ns;       /* the moment up to which ticks have been turned into nanoseconds ... */
    uint64_t account_ticks;   /* ... and the tick that it was */
    int64_t housekeep_ns;     /* when it is next due */
    int64_t moment_ns;        /* the latest time that a stage was given */
    uint64_t ns_per_tick_q32; /* since the start, times 2^32; 0: not known yet */
    uint64_t pass_cnt;
    struct pw_core_stage stages[PW_STAGES_MAX];
};

/* Sets the moment from which time is booked. The stages must have been filled in. */
void pw_core_start(struct pw_core *core, int64_t now_ns);
struct pw_poll pw_core_pass(struct pw_core *core, int64_t now_ns);
/* Housekeeping and the views' figures, now, whether due or not: after the last pass. */
void pw_core_settle(struct pw_core *core, int64_t now_ns);
/* The earliest next_ns of the stages; INT64_MAX: none has one. */
int64_t pw_core_next_ns(const struct pw_core *core);
/* A bit for each stage that is pending, by its place. */
uint32_t pw_core_pending(const struct pw_core *core);

#endif
