/* SPDX-License-Identifier: MIT
 *
 * The sockets on which the venue listens, and the file that says on which ports.
 */
#ifndef PW_SIM_LISTENER_H
#define PW_SIM_LISTENER_H

#include "sim.h"

#include <stdbool.h>
#include <stdint.h>

/* TLS on IPv4, the same port on ::1 where there is one (names like localhost lead there first), and without
 * TLS. */
enum { PW_SIM_LISTEN_TLS = 0, PW_SIM_LISTEN_TLS6 = 1, PW_SIM_LISTEN_PLAIN = 2, PW_SIM_LISTENERS = 3 };

struct pw_sim_listener {
    int fds[PW_SIM_LISTENERS]; /* -1: not open */
    uint16_t ports[PW_SIM_LISTENERS];
};

/* 0 or a negative code, told in the log. To be closed in either case. */
int pw_sim_listener_open(struct pw_sim_listener *listener, const struct pw_sim_config *config);
/* Writes the ports to the config's port_file, by way of a rename, so that whoever waits for it finds it
 * whole. */
int pw_sim_listener_tell(const struct pw_sim_listener *listener, const char *port_file);
void pw_sim_listener_close(struct pw_sim_listener *listener);

#endif
