/* SPDX-License-Identifier: MIT
 *
 * What a server's certificate must be beyond what wolfSSL checks (chain, dates, key size): that it names the
 * host that we asked for, by a subject alternative name and by nothing else (RFC 6125, RFC 9110 4.3.4), and
 * that its signature does not rest on a broken hash.
 *
 * A reader of DER that takes exactly the strict forms. The certificate has been verified by wolfSSL before;
 * still nothing in it is trusted to be well formed.
 */
#ifndef PW_CERTIFICATE_H
#define PW_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pw_cert_result {
    PW_CERT_OK = 0,
    PW_CERT_MALFORMED,
    PW_CERT_NO_SAN,         /* names no host but perhaps in its CN, which does not count */
    PW_CERT_WRONG_HOST,     /* none of its names is the host's */
    PW_CERT_WEAK_SIGNATURE, /* SHA-1, MD5, or an algorithm that we do not take */
    PW_CERT_WRONG_USE,      /* its extended key usage leaves out servers */
    PW_CERT_RESULTS,
};

/* "names no host (no subject alternative name)", ... */
const char *pw_cert_result_name(enum pw_cert_result result);

/* The server's own certificate. host: a DNS name or an IP address in text, as the URL has it. */
enum pw_cert_result pw_cert_check_leaf(const uint8_t *der, size_t size, const char *host);

/* Any other certificate of the chain: its signature alone. One that is its own issuer is a root, trusted for
 * being in our list and not for its signature. */
enum pw_cert_result pw_cert_check_issuer(const uint8_t *der, size_t size);

/* Does a dNSName of a certificate stand for this host? A '*' may only be the whole first label, and stands
 * for exactly one label of a name with at least two more. */
bool pw_cert_name_matches(const char *pattern, size_t pattern_bytes, const char *host);

#endif
