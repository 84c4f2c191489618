/* SPDX-License-Identifier: MIT
 *
 * Signing requests: HMAC-SHA256 in hexadecimal with a shared secret, or Ed25519 (RFC 8032) in base64 with a
 * private key.
 *
 * A key lives in pages of its own that are locked into memory, left out of core dumps and of children, and
 * wiped before they are given back; it is read from its file straight into them. Nothing of it is ever logged
 * or put into an error's text. One thread at a time.
 */
#ifndef PW_SIGN_H
#define PW_SIGN_H

#include <stddef.h>

#define PW_SIGNATURE_BYTES_MAX 88u

struct pw_signer;

/* Reads a key's file: a PKCS#8 PEM "PRIVATE KEY" of Ed25519, or a line of 16 to 256 printable characters, the
 * shared secret. The file must be a regular one of the caller's own (or root's), of mode 0600 or 0400, and
 * its last name no symbolic link. 0; -ELOOP (a link), -EPERM (others may read it, or own it), -EINVAL (no key
 * of these kinds), -ENOMEM (no memory, or none that may be locked), or what opening it says. */
int pw_signer_load(const char *path, struct pw_signer **signer);

/* Wipes it. NULL is fine. */
void pw_signer_free(struct pw_signer *signer);

/* What a signature of it is long, in characters: 64 (HMAC) or 88 (Ed25519). */
size_t pw_signer_signature_bytes(const struct pw_signer *signer);

/* Signs: the characters written to signature, which has room for PW_SIGNATURE_BYTES_MAX; 0 if the library
 * failed. No zero byte is added. */
size_t pw_signer_sign(struct pw_signer *signer, const char *payload, size_t bytes, char *signature);

#endif
