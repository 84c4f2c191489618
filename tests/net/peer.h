/* SPDX-License-Identifier: MIT
 *
 * The other end's TLS, by OpenSSL, over memory: what comes is put in, what goes is taken out.
 */
#ifndef PEER_H
#define PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A server's context that refuses nothing by itself (security level 0). chain: further certificates,
 * NULL-terminated, or NULL. */
SSL_CTX *peer_context(X509 *cert, EVP_PKEY *key, X509 *const *chain);

/* A host's own CA and certificate: for tests about something else. ca_file: the CA's PEM. */
SSL_CTX *peer_context_for(const char *alt_names, const char **ca_file);

struct peer_tls {
    SSL *ssl;
};

void peer_tls_open(struct peer_tls *tls, SSL_CTX *context);
void peer_tls_close(struct peer_tls *tls);
/* Ciphertext that came; ciphertext to send (how many bytes). */
void peer_tls_feed(struct peer_tls *tls, const void *data, size_t size);
size_t peer_tls_drain(struct peer_tls *tls, void *out, size_t size);
/* 1: established; 0: goes on; -1: failed. */
int peer_tls_handshake(struct peer_tls *tls);
/* Plaintext: bytes, 0: nothing now, -1: ended or failed. */
int peer_tls_read(struct peer_tls *tls, void *out, size_t size);
void peer_tls_write(struct peer_tls *tls, const void *data, size_t size);

#endif
