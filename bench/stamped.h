/* SPDX-License-Identifier: MIT
 *
 * One end of a TCP connection, with TLS or without, polled without ever sleeping, that knows when bytes came
 * and when they left: before the first of them is decrypted, and after the last is sealed.
 */
#ifndef PW_BENCH_STAMPED_H
#define PW_BENCH_STAMPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STAMPED_RAW_BYTES 65536u

struct WOLFSSL;
struct WOLFSSL_CTX;

struct stamped {
    int fd;              /* -1: not open */
    struct WOLFSSL *tls; /* NULL: plain */
    uint64_t arrived;    /* ticks behind the system call that brought the latest bytes */
    uint64_t left;       /* ticks before the system call that took the latest ones */
    bool ended;
    size_t raw_head, raw_tail; /* received and not yet read */
    uint8_t raw[STAMPED_RAW_BYTES];
};

/* Takes a connected socket over. context NULL: plain. False: no memory; then it is closed. */
bool stamped_open(struct stamped *end, int fd, struct WOLFSSL_CTX *context);
void stamped_close(struct stamped *end);

/* Looks once for bytes: true if some have come. */
bool stamped_poll(struct stamped *end);
/* Plain bytes of what has come, at most size; 0: no more of them now. TLS's handshake is done on the way. */
size_t stamped_read(struct stamped *end, void *bytes, size_t size);
/* All of it, in one TLS record if it fits one. False: the connection has ended. */
bool stamped_write(struct stamped *end, const void *bytes, size_t size);
/* No more will be written. */
void stamped_finish(struct stamped *end);

/* A client's context that trusts the CA in the directory (identity.h) and speaks as the engine does: TLS 1.3
 * with AES-128-GCM. NULL: not available. */
struct WOLFSSL_CTX *stamped_client_context(const char *identity_directory);

#endif
