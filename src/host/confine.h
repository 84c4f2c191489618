/* SPDX-License-Identifier: MIT
 *
 * Least privilege, from inside: a process gives up what it does not need, for itself and all threads that it
 * starts later, before it reads the first byte from outside. Nothing of it can be taken back.
 *
 * Capabilities and the way to new ones (no_new_privs); system calls beyond a list (seccomp); files beyond a
 * list, and listening (Landlock). What the kernel does not have is done without, and said in the log.
 */
#ifndef PW_CONFINE_H
#define PW_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

enum pw_confine_use {
    PW_CONFINE_READ = 1, /* a file, or all below a folder */
    PW_CONFINE_WRITE,    /* a file: read and written */
    PW_CONFINE_LOCK,     /* a folder or file: read, and lock files made and written in it */
    PW_CONFINE_KEEP,     /* a folder: files and sockets are made, read, written and removed in it */
    PW_CONFINE_REMOVE,   /* a folder: files are removed from it */
    PW_CONFINE_RENAME,   /* a folder: files are removed from it, and renamed in it */
};

struct pw_confine_path {
    const char *path; /* NULL, empty or not there: nothing is allowed by it */
    enum pw_confine_use use;
};

enum pw_confine_program {
    PW_CONFINE_ENGINE = 1, /* network and io_uring, listens nowhere */
    PW_CONFINE_SERVER = 2, /* listens, and waits with epoll */
    PW_CONFINE_FILES = 4,  /* no network at all */
};

/* What each thread has to do by itself, if there are others already. run: must have them all call
 * pw_confine_thread, and return when they have. */
struct pw_confine_others {
    void (*run)(void *state);
    void *state;
};

/* Logs in one line what holds from now on (of FILES, which are short commands, only for debugging). The files that
 * the C library needs to resolve names are allowed by itself, where there is a network. others NULL: the caller
 * is the only thread. */
void pw_confine(enum pw_confine_program program, const struct pw_confine_path *paths, uint32_t path_cnt,
                const struct pw_confine_others *others);
void pw_confine_thread(void);

/* For all threads: no further io_uring, which system call filters do not reach. When the engine has its own. */
void pw_confine_rings(void);

/* No core dump, and nobody but root may look into the process: while it has a secret. */
void pw_confine_hide(void);

#endif
