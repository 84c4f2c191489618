/* SPDX-License-Identifier: MIT
 *
 * What the machine can do at best: a process on the other core that sends back what it gets, both ends
 * polling their sockets without sleeping, without TLS and with it.
 */
#ifndef PW_BENCH_ECHO_H
#define PW_BENCH_ECHO_H

#include "probes.h"
#include "stamped.h"

#define ECHO_BYTES 200u /* of a message */

enum echo_kind { ECHO_PLAIN = 0, ECHO_TLS = 1, ECHO_KINDS = 2 };

struct echo {
    pid_t peer; /* 0: none */
    int listeners[ECHO_KINDS];
    uint16_t ports[ECHO_KINDS];
    struct WOLFSSL_CTX *client; /* of TLS */
    struct stamped end;         /* ours */
    uint64_t got_bytes;         /* since the connection was made */
};

/* Starts the peer, bound to `core`. It sleeps while there is no connection. identity_directory: the server's
 * certificate and key. 0 or -errno. */
int echo_open(struct echo *echo, int core, const char *identity_directory);
void echo_close(struct echo *echo);

/* One run of probes over a new connection. */
int echo_run(struct echo *echo, enum echo_kind kind, uint32_t warm_cnt, struct probes *probes);

#endif
