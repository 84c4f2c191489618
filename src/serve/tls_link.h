/* SPDX-License-Identifier: MIT
 *
 * One accepted socket, with TLS or without: non-blocking bytes in and out, and nothing above them.
 */
#ifndef PW_TLS_LINK_H
#define PW_TLS_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct WOLFSSL;
struct WOLFSSL_CTX;

enum pw_serve_link_result {
    PW_SERVE_LINK_DONE = 0,       /* something was done */
    PW_SERVE_LINK_WANT_READ = 1,  /* nothing until the socket is readable */
    PW_SERVE_LINK_WANT_WRITE = 2, /* nothing until it is writable */
    PW_SERVE_LINK_ENDED = -1,     /* closed by the peer, or broken */
};

struct pw_serve_link {
    int fd;
    struct WOLFSSL *tls; /* NULL: plain */
};

/* A server's TLS context, 1.2 and 1.3, from a certificate and its private key, both PEM files; NULL if it
 * cannot be. */
struct WOLFSSL_CTX *pw_serve_link_context_make(const char *certificate_path, const char *key_path);
void pw_serve_link_context_free(struct WOLFSSL_CTX *context);

/* Takes the socket over. context NULL: plain. 0 or -ENOMEM (then the socket is closed). */
int pw_serve_link_open(struct pw_serve_link *link, int fd, struct WOLFSSL_CTX *context);
enum pw_serve_link_result pw_serve_link_handshake(struct pw_serve_link *link);
enum pw_serve_link_result pw_serve_link_read(struct pw_serve_link *link, void *bytes, size_t size,
                                             size_t *done);
/* Whether bytes have been decrypted and not been read. */
bool pw_serve_link_pending(const struct pw_serve_link *link);
/* At most one TLS record a call. After WANT_WRITE the next call must begin with the same bytes and have no
 * fewer. */
enum pw_serve_link_result pw_serve_link_write(struct pw_serve_link *link, const void *bytes, size_t size,
                                              size_t *done);
/* The end of what we have to say: TLS's close_notify and TCP's FIN. What still comes may be thrown away by
 * discard, which shows when the peer has ended too: closing earlier would answer its last bytes with a reset,
 * and that could overtake ours. */
void pw_serve_link_finish(struct pw_serve_link *link);
enum pw_serve_link_result pw_serve_link_discard(struct pw_serve_link *link);
/* reset: TCP's RST, for ends that are to look like a fault. */
void pw_serve_link_close(struct pw_serve_link *link, bool reset);

#endif
