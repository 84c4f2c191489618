/* SPDX-License-Identifier: MIT
 *
 * The other end's TLS, by OpenSSL, over memory: what comes is put in, what goes is taken out.
 */
#ifndef PW_TEST_FAR_TLS_H
#define PW_TEST_FAR_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A server's context that refuses nothing by itself (security level 0). chain: further certificates,
 * NULL-terminated, or NULL. */
SSL_CTX *far_context(X509 *cert, EVP_PKEY *key, X509 *const *chain);

/* A host's own CA and certificate: for tests about something else. ca_file: the CA's PEM. */
SSL_CTX *far_context_for(const char *alt_names, const char **ca_file);

struct far_tls {
    SSL *ssl;
};

void far_tls_open(struct far_tls *tls, SSL_CTX *context);
void far_tls_close(struct far_tls *tls);
/* Ciphertext that came; ciphertext to send (how many bytes). */
void far_tls_feed(struct far_tls *tls, const void *data, size_t size);
size_t far_tls_drain(struct far_tls *tls, void *out, size_t size);
/* 1: established; 0: goes on; -1: failed. */
int far_tls_handshake(struct far_tls *tls);
/* Plaintext: bytes, 0: nothing now, -1: ended or failed. */
int far_tls_read(struct far_tls *tls, void *out, size_t size);
void far_tls_write(struct far_tls *tls, const void *data, size_t size);

#endif
