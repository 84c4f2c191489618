/* SPDX-License-Identifier: MIT
 *
 * A WebSocket server on a real loopback socket, on a thread of its own, with OpenSSL's TLS.
 */
#ifndef PW_TEST_WS_SERVER_H
#define PW_TEST_WS_SERVER_H

#include "far_tls.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One client, on the server's thread; everything blocks. */
struct ws_client {
    int fd;
    SSL *ssl; /* NULL: plain */
};

struct ws_server {
    SSL_CTX *context; /* NULL: plain */
    int fd;
    uint16_t port;
    void (*serve)(struct ws_client *client,
                  void *state); /* after the upgrade; the connection is closed behind it */
    void *state;
    _Atomic bool stop;
    _Atomic uint32_t served_cnt;
    unsigned long thread;
};

/* context: NULL for plain. */
void ws_server_start(struct ws_server *server, SSL_CTX *context, void (*serve)(struct ws_client *, void *),
                     void *state);
void ws_server_stop(struct ws_server *server);

/* False: the client is gone. */
bool ws_client_send(struct ws_client *client, const void *data, size_t size);
bool ws_client_send_frame(struct ws_client *client, uint8_t first_byte, const void *payload, size_t size);
/* The client's next frame, unmasked, if its payload is at most cap bytes: its first byte, or -1. */
int ws_client_take_whole(struct ws_client *client, uint8_t *out, size_t cap, size_t *size);
/* The same of a control frame, at most 125 bytes: its opcode. */
int ws_client_take_frame(struct ws_client *client, uint8_t *out, size_t *size);
/* Ends with RST instead of FIN when it is closed. */
void ws_client_abort(struct ws_client *client);

#endif
