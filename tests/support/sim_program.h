/* SPDX-License-Identifier: MIT
 *
 * A simulator as its users run it: the program, a config file, a folder of its own.
 */
#ifndef PW_TEST_SIM_PROGRAM_H
#define PW_TEST_SIM_PROGRAM_H

#include "peer.h"

#include <stdbool.h>
#include <sys/types.h>

struct venue {
    char dir[64];
    char ca_file[96];
    pid_t pid;
    uint16_t port, plain_port;
};

/* Starts pinwheel-sim on a config of this YAML (without its `listen`) and waits until it listens. */
void venue_open(struct venue *venue, const char *yaml);
/* The same, in the folder of a venue that has been stopped. */
void venue_reopen(struct venue *venue, const char *yaml);
/* Sends the signal (0: none) and waits; the exit code. */
int venue_stop(struct venue *venue, int signal);
/* What it has printed so far, in a static buffer. */
const char *venue_output(const struct venue *venue);
/* Waits until it has printed that. */
void venue_await(const struct venue *venue, const char *text);
/* Stops it if it still runs, and removes the folder. */
void venue_close(struct venue *venue);

struct peer_target venue_tls(const struct venue *venue);
struct peer_target venue_plain(const struct venue *venue);

/* The path of a file of the shared data, in a static buffer; NULL where it is absent. */
const char *venue_shared(const char *name);

#endif
