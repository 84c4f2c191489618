/* SPDX-License-Identifier: MIT
 *
 * The operator's desk: what a person commands, at any moment of an engine's life. A thread of its own, from
 * before the workspace is made until all else has ended, so that neither a slow start nor a stage that hangs
 * nor a disk makes a command wait. It has the stop signals, --duration, the control socket, the stop word,
 * the workspace's state, and what outlives the engine beside its journal: halts (halt.h) and bans (ban.h).
 *
 * Files are stored by a thread of their own (keeper.h), and what the disk did not take is tried again each
 * second. A halt works at once, and is answered when its file is on the disk or has failed; after a second
 * without either, as not stored. Faults that halt one account, and bans of a venue, are looked for in the
 * workspace's rows twenty times a second.
 *
 * One stop signal (SIGTERM, SIGINT, SIGHUP), `stop` or the end of --duration ends the engine cleanly. During
 * the start whoever starts asks pw_desk_should_end at every step; a start that does not come back ends the
 * process two seconds later. Another signal but SIGHUP ends it at once, as the kernel's default does,
 * whatever hangs. Signals are the process's: there is one desk in it.
 */
#ifndef PW_DESK_H
#define PW_DESK_H

#include "config.h"
#include "conns.h"
#include "control.h"
#include "halt.h"
#include "host.h"
#include "keeper.h"
#include <pinwheel/workspace.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct pw_desk_plan {
    const struct pw_config *config;
    struct pw_clock clock;
    int64_t duration_ns; /* of the process, from started_ns; 0: no end */
    int64_t started_ns;  /* by CLOCK_MONOTONIC */
    bool resume;         /* what earlier runs left halted is resumed */
    int abandon_code;    /* of a start that does not come back */
};

struct pw_desk {
    struct pw_desk_plan plan;
    struct pw_control control;
    struct pw_keeper keeper;
    pthread_t thread;
    bool has_control, has_thread;
    _Atomic uint32_t should_end, closing;
    _Atomic uint32_t confine; /* 1: the thread is to; 2: it has */
    _Atomic uint64_t command; /* enum pw_command, for housekeeping to take; 0: none */
    pthread_mutex_t lock;     /* of all below: the thread's, and that of pw_desk_ calls */
    enum pw_engine_state state;
    bool may_abandon;
    int64_t end_ns, ended_ns; /* by CLOCK_MONOTONIC: of --duration; of should_end */
    struct pw_halts halts;
    bool seen[PW_ACCOUNTS_MAX]; /* the account was seen halted by that fault */
    int64_t settle_ns;          /* after a resume: until then accounts may still show what it has ended */
    int64_t bans[PW_FEEDS_MAX]; /* by host: until when; as shown in the workspace */
    struct pw_desk_file {       /* halts and bans, as handed to the keeper */
        uint64_t number;        /* of the newest; 0: none yet */
        int logged;             /* why it is not stored, -errno; 0: it is */
    } files[PW_KEEPER_FILES];
    const struct pw_conns *conns; /* NULL as long as there is no workspace */
    struct pw_workspace *ws;
    struct pw_stop *stop;
};

/* Reads the halts that earlier runs left, opens the control socket and starts the thread. 0 or -errno,
 * logged: -EADDRINUSE if an engine of that name runs. */
int pw_desk_open(struct pw_desk *desk, const struct pw_desk_plan *plan);

/* There is a workspace, to show the state and the halts in, and to set the stop word of. */
void pw_desk_attach(struct pw_desk *desk, struct pw_workspace *ws, const struct pw_conns *conns);

/* Has the desk's thread, if there is one, give up what this one has (confine.h). state: the desk. */
void pw_desk_confine(void *state);

/* Somebody wants the engine to end. Waits for nothing. */
bool pw_desk_should_end(const struct pw_desk *desk);

/* The workspace is about to go. Safe at any time. */
void pw_desk_detach(struct pw_desk *desk);

/* By which faults (enum pw_reason; 0: none) accounts start halted. A halt of all is the stop word's. */
void pw_desk_halts(struct pw_desk *desk, uint32_t reasons[PW_ACCOUNTS_MAX]);

/* Threads of stages are about to run: from now on nobody ends the process but a clean stop. False: it is to
 * end already. */
bool pw_desk_commit(struct pw_desk *desk);

/* What the engine is; "halted" is made of "running" here. */
void pw_desk_enter(struct pw_desk *desk, enum pw_engine_state state);

/* Sleeps for at most that long; true: the engine is to end. */
bool pw_desk_wait(struct pw_desk *desk, int64_t wait_ns);

/* Ends the thread, closes the socket; a stop signal ends the process from now on. Safe after a failed open,
 * and on zeroed memory. */
void pw_desk_close(struct pw_desk *desk);

#endif
