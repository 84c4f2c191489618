/* SPDX-License-Identifier: MIT
 *
 * Somebody else's client: OpenSSL's TLS with full verification, and HTTP and WebSocket written out by hand,
 * so that what the simulator says is not judged by its own codecs.
 */
#ifndef PW_TEST_PEER_H
#define PW_TEST_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_st;
struct ssl_ctx_st;

#define PEER_BYTES (8u << 20)

struct peer {
    int fd;
    struct ssl_ctx_st *context;
    struct ssl_st *tls; /* NULL: plain */
    char *in;           /* what has come and is not yet taken */
    size_t in_bytes;
    bool ended; /* the other side has closed, or worse */
    char *text; /* the last message or body, zero-terminated */
    size_t text_bytes;
    char head[4096]; /* of the last answer */
};

struct peer_target {
    uint16_t port;
    const char *ca_file; /* NULL: without TLS */
    int tls_version;     /* OpenSSL's number of the only version to offer; 0: any */
};

/* Connects and verifies the certificate for "localhost". False: it was not to be. */
bool peer_open(struct peer *peer, struct peer_target target);
void peer_close(struct peer *peer);

void peer_write(struct peer *peer, const void *bytes, size_t size);
/* Waits for more bytes; false when there are none within timeout_ms, or the other side has ended. */
bool peer_more(struct peer *peer, int timeout_ms);

/* Sends "GET target" and waits for the answer: its status, the body in text. -1: none came. */
int peer_get(struct peer *peer, const char *target);
/* Waits for one answer to what was written. */
int peer_answer(struct peer *peer);
/* The value of a header of the last answer, in a static buffer; "" if it is not there. */
const char *peer_header(const struct peer *peer, const char *name);

/* The WebSocket handshake; returns the status (101 with a right accept key). */
int peer_upgrade(struct peer *peer, const char *target);
/* One masked frame; opcode with the fin bit (0x81: a whole text). */
void peer_frame(struct peer *peer, uint8_t first, const void *payload, size_t size);
void peer_say(struct peer *peer, const char *text);
/* Waits for one frame: its opcode, the payload in text; -1 when none comes within timeout_ms. */
int peer_hear(struct peer *peer, int timeout_ms);
/* The same, passing over pings (unanswered). */
int peer_hear_data(struct peer *peer, int timeout_ms);

#endif
