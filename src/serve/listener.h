/* SPDX-License-Identifier: MIT
 *
 * The sockets on which a server listens, and the file that says on which ports.
 */
#ifndef PW_SERVE_LISTENER_H
#define PW_SERVE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

/* TLS on IPv4, the same port on ::1 where there is one (names like localhost lead there first), and without
 * TLS. */
enum { PW_SERVE_LISTEN_TLS = 0, PW_SERVE_LISTEN_TLS6 = 1, PW_SERVE_LISTEN_PLAIN = 2, PW_SERVE_LISTENERS = 3 };

struct pw_serve_listen {
    const char *where;   /* begins each line of the log: the config's file */
    const char *address; /* IPv4 */
    bool tls, plain;
    uint32_t tls_port, plain_port; /* 0: any free one */
};

struct pw_serve_listener {
    int fds[PW_SERVE_LISTENERS]; /* -1: not open */
    uint16_t ports[PW_SERVE_LISTENERS];
};

/* 0 or a negative code, reported in the log. To be closed in either case. */
int pw_serve_listener_open(struct pw_serve_listener *listener, const struct pw_serve_listen *listen);
/* Writes the ports that are open to the file, TLS first, each on a line, by way of a rename, so that whoever
 * waits for it finds it whole. 0 or a negative code, reported in the log. */
int pw_serve_listener_publish(const struct pw_serve_listener *listener, const char *port_file);
void pw_serve_listener_close(struct pw_serve_listener *listener);

#endif
