/* SPDX-License-Identifier: MIT
 *
 * A WebSocket server on a real loopback socket, on a thread of its own, with OpenSSL's TLS.
 */
#ifndef SERVER_H
#define SERVER_H

#include "peer.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One client, on the server's thread; everything blocks. */
struct client {
    int fd;
    SSL *ssl; /* NULL: plain */
};

struct server {
    SSL_CTX *context; /* NULL: plain */
    int fd;
    uint16_t port;
    void (*serve)(struct client *client,
                  void *state); /* after the upgrade; the connection is closed behind it */
    void *state;
    _Atomic bool stop;
    _Atomic uint32_t served_cnt;
    unsigned long thread;
};

/* context: NULL for plain. */
void server_start(struct server *server, SSL_CTX *context, void (*serve)(struct client *, void *),
                  void *state);
void server_stop(struct server *server);

/* False: the client is gone. */
bool client_send(struct client *client, const void *data, size_t size);
bool client_send_frame(struct client *client, uint8_t first_byte, const void *payload, size_t size);
/* The client's next frame, unmasked, if its payload is at most cap bytes: its first byte, or -1. */
int client_take_whole(struct client *client, uint8_t *out, size_t cap, size_t *size);
/* The same of a control frame, at most 125 bytes: its opcode. */
int client_take_frame(struct client *client, uint8_t *out, size_t *size);
/* Ends with RST instead of FIN when it is closed. */
void client_abort(struct client *client);

#endif
