/* SPDX-License-Identifier: MIT
 *
 * AES-128-GCM by OpenSSL's EVP, apart from wolfSSL's headers.
 */
#ifndef PW_BENCH_OPENSSL_BASELINE_H
#define PW_BENCH_OPENSSL_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* key: 16 bytes. NULL: not available. */
void *openssl_gcm_new(const uint8_t *key);
void openssl_gcm_free(void *context);
const char *openssl_gcm_about(void);

/* nonce: 12 bytes; sealed: the record's bytes and 16 more, the tag. Five bytes of TLS header are
 * authenticated with it. */
bool openssl_gcm_seal(void *context, const uint8_t *nonce, const uint8_t *plain, size_t bytes,
                      uint8_t *sealed);
bool openssl_gcm_open(void *context, const uint8_t *nonce, const uint8_t *sealed, size_t bytes,
                      uint8_t *plain);

#endif
