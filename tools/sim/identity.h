/* SPDX-License-Identifier: MIT
 *
 * The simulator's own identity: a test CA and a server certificate for this host's loopback names.
 *
 * Made on first use, and again when they are near their end or do not fit together. The CA's key is thrown
 * away as soon as it has signed: whoever trusts ca.pem trusts that one server certificate and nothing else
 * ever.
 */
#ifndef PW_SIM_IDENTITY_H
#define PW_SIM_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

struct WOLFSSL_CTX;

#define PW_SIM_IDENTITY_CA   "ca.pem"
#define PW_SIM_IDENTITY_CERT "server.pem"
#define PW_SIM_IDENTITY_KEY  "server-key.pem" /* mode 0600 */

/* Sees to it that `directory` (made if missing, 0700) holds the three files, valid for a week or more after
 * now_ns. Several processes may ask at once. EC P-256 and SHA-256; names localhost, 127.0.0.1, ::1; good for
 * 397 days. 0 or a negative code with `error` saying what and where. */
int pw_sim_identity_ensure(const char *directory, int64_t now_ns, char *error, size_t error_bytes);

/* A server's TLS context from such a directory; NULL if it cannot be. To be freed by
 * pw_serve_link_context_free. */
struct WOLFSSL_CTX *pw_sim_identity_context(const char *directory);

#endif
