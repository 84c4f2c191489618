/* SPDX-License-Identifier: MIT
 *
 * The venue's side of signed requests: is this signature the account's over this text?
 *
 * HMAC-SHA256 in hexadecimal with the account's secret, or Ed25519 in base64 with its public key (binance.md
 * 4.2); which of them is the account's config.
 */
#ifndef PW_SIM_SIGNATURE_H
#define PW_SIM_SIGNATURE_H

#include "buffer.h"
#include "sim.h"

#include <stdbool.h>

/* What is signed of a REST request: the query followed directly by the body, both as sent, without the pair
 * `signature=...`. Clears the buffer first; it may have failed afterwards. */
void pw_sim_signature_payload(struct pw_buffer *payload, struct pw_slice query, struct pw_slice body);

/* `signature` is as it stands in JSON: percent-encoding has been undone. */
bool pw_sim_signature_ok(const struct pw_sim_account_config *account, struct pw_slice payload,
                         const char *signature);

/* Reads a PEM "PUBLIC KEY" of Ed25519. 0; -EINVAL: it is none, or one that would be a key for any signature
 * (a point of small order); or what opening it says. */
int pw_sim_public_key_load(const char *path, unsigned char key[PW_SIM_PUBLIC_KEY_BYTES]);

#endif
