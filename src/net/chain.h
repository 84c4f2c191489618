/* SPDX-License-Identifier: MIT
 *
 * A server's chain of certificates, walked from its own up to a trusted one (RFC 5280, 6): the kind of
 * signature of every certificate sent, each signature of the path, and the limits of every authority in it,
 * the trusted one's too: that it may sign, path length, names, uses, time, key.
 *
 * What the server sends may be in any order, with more than is needed; a path is found if there is one.
 * Revocation is not looked at.
 */
#ifndef PW_CHAIN_H
#define PW_CHAIN_H

#include "certificate.h"

#define PW_CHAIN_SENT_MAX 10u /* wolfSSL takes no more */

struct pw_chain {
    const struct pw_der *sent; /* as the server sends them: its own first */
    uint32_t sent_cnt;
    const struct pw_certificate *anchors; /* trusted */
    uint32_t anchor_cnt;
    const char *host; /* as the URL has it */
    int64_t now_s;    /* since 1970 */
    /* Whether the issuer's key made the certificate's signature. */
    bool (*is_signed_by)(struct pw_der certificate, struct pw_der issuer);
};

/* What is wrong with it, and with which: *at is its place in `sent`, or sent_cnt of a trusted one. */
enum pw_cert_result pw_chain_check(const struct pw_chain *chain, uint32_t *at);

#endif
