/* SPDX-License-Identifier: MIT
 *
 * A network in memory and in virtual time, behind the same seam as the host's: one thread can be an engine's
 * cold side, its hot side and the servers that it talks to, and from one seed everything happens the same
 * again.
 *
 * Bytes arrive latency_ns after they were sent, in order, in pieces whose sizes the seed decides. A direction
 * holds at most PW_VIRTUAL_WINDOW_BYTES; beyond that a sender is told to wait, as TCP would. It moves only
 * when pw_virtual_set_now moves the time. For tests and simulation: it allocates as it goes.
 */
#ifndef PW_VIRTUAL_H
#define PW_VIRTUAL_H

#include "seam.h"

#define PW_VIRTUAL_WINDOW_BYTES 65536u
#define PW_VIRTUAL_SOCKETS_MAX  256u

struct pw_virtual;

enum pw_virtual_answer {
    PW_VIRTUAL_ACCEPT,
    PW_VIRTUAL_REFUSE, /* connecting fails at once */
    PW_VIRTUAL_SILENT, /* connecting never ends */
};

struct pw_virtual_options {
    uint64_t seed;
    int64_t latency_ns;
    uint32_t piece_bytes_max; /* bytes arrive in pieces of 1 to so many; 0: as they were sent */
    int64_t lookup_ns;        /* how long a name takes to resolve */
};

/* NULL: no memory. */
struct pw_virtual *pw_virtual_create(const struct pw_virtual_options *options, uint32_t slot_cnt);
void pw_virtual_destroy(struct pw_virtual *net);

const struct pw_sockets *pw_virtual_sockets(struct pw_virtual *net);
const struct pw_io *pw_virtual_io(struct pw_virtual *net);
void pw_virtual_set_now(struct pw_virtual *net, int64_t now_ns);

/* Makes a server's address: host resolves to it (several calls: to several addresses, in this order). An
 * address is loopback's unless `far`. Returns the listener's number or -ENOSPC. */
int pw_virtual_listen(struct pw_virtual *net, const char *host, uint16_t port, bool far);
void pw_virtual_set_answer(struct pw_virtual *net, int listener, enum pw_virtual_answer answer);

/* The server's end. A socket's number is the same on both sides. */
int pw_virtual_accept(struct pw_virtual *net, int listener); /* -EAGAIN: nobody has come */
ssize_t pw_virtual_peer_recv(struct pw_virtual *net, int socket, void *data, size_t size);
ssize_t pw_virtual_peer_send(struct pw_virtual *net, int socket, const void *data, size_t size);
void pw_virtual_peer_end(struct pw_virtual *net, int socket);   /* FIN, behind what was sent */
void pw_virtual_peer_reset(struct pw_virtual *net, int socket); /* RST */
/* Has the client closed its socket? */
bool pw_virtual_peer_gone(const struct pw_virtual *net, int socket);

/* Sockets that are open on the client's side. */
uint32_t pw_virtual_open_cnt(const struct pw_virtual *net);
/* Connections begun so far. */
uint64_t pw_virtual_connect_cnt(const struct pw_virtual *net);

#endif
