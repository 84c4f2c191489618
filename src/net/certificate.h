/* SPDX-License-Identifier: MIT
 *
 * One X.509 certificate (RFC 5280): what is read of it, and what must be right about it alone. That a
 * server's names the host that we asked for, by a subject alternative name and by nothing else (RFC 6125, RFC
 * 9110 4.3.4); that its signature and key are none of the weak ones; that it is valid now. What certificates
 * say of each other is chain.h's.
 *
 * A reader of DER that takes exactly the strict forms. Nothing in a certificate is trusted to be well formed.
 */
#ifndef PW_CERTIFICATE_H
#define PW_CERTIFICATE_H

#include "der.h"

/* GeneralName's tags: [1], [2], [4], [7]. */
enum pw_name_kind {
    PW_NAME_MAIL = 0x81,
    PW_NAME_DNS = 0x82,
    PW_NAME_DIRECTORY = 0xa4,
    PW_NAME_IP = 0x87,
};

enum pw_cert_result {
    PW_CERT_OK = 0,
    PW_CERT_MALFORMED,
    PW_CERT_NO_SAN,         /* names no host but perhaps in its CN, which does not count */
    PW_CERT_WRONG_HOST,     /* none of its names is the host's */
    PW_CERT_WEAK_SIGNATURE, /* SHA-1, MD5, or an algorithm that we do not take */
    PW_CERT_WEAK_KEY,       /* RSA below 2048 bits, or a key that we do not take */
    PW_CERT_WRONG_USE,      /* its extended key usage leaves out servers */
    PW_CERT_CRITICAL,       /* a critical extension that we do not know */
    PW_CERT_EXPIRED,
    PW_CERT_NOT_YET,
    PW_CERT_NOT_CA,        /* may not sign certificates */
    PW_CERT_PATH_LENGTH,   /* more authorities below it than it allows */
    PW_CERT_NAME_LIMIT,    /* a name below it that it may not sign */
    PW_CERT_BAD_SIGNATURE, /* not signed by whom it names */
    PW_CERT_UNKNOWN_CA,    /* no trusted authority at the end of its chain */
    PW_CERT_RESULTS,
};

/* "names no host (no subject alternative name)", ... */
const char *pw_cert_result_name(enum pw_cert_result result);

/* What we look at; all of it points into the certificate's own bytes. */
struct pw_certificate {
    struct pw_der whole;
    struct pw_der signature;       /* AlgorithmIdentifier */
    struct pw_der issuer, subject; /* RDNSequence */
    struct pw_der key;             /* SubjectPublicKeyInfo */
    struct pw_der names;           /* GeneralNames */
    struct pw_der uses;            /* of extended key usage */
    struct pw_der limits;          /* NameConstraints */
    int64_t not_before_s, not_after_s;
    uint32_t path_max;   /* authorities below it; UINT32_MAX: no limit */
    bool old;            /* version 1 or 2: without extensions */
    bool is_ca;          /* basic constraints say so */
    bool may_sign_certs; /* key usage allows it, or there is none */
    bool has_basic, has_key_usage, has_names, has_uses, has_limits;
    bool unknown_critical;
};

/* False: malformed. The bytes must stay. */
bool pw_cert_read(const uint8_t *der, size_t size, struct pw_certificate *cert);

/* Whether the subject is the issuer: such authorities do not count in a path (RFC 5280, 4.2.1.9). */
static inline bool pw_cert_self_issued(const struct pw_certificate *cert)
{
    return pw_der_equal(cert->issuer, cert->subject);
}

/* Of any certificate that the server sends. */
enum pw_cert_result pw_cert_check_signature_kind(const struct pw_certificate *cert);
/* Of any certificate in the chain: the time, the key, the uses, the extensions. now_s: since 1970. */
enum pw_cert_result pw_cert_check_common(const struct pw_certificate *cert, int64_t now_s);
/* The names of the server's own. host: a DNS name or an IP address in text, as the URL has it. */
enum pw_cert_result pw_cert_check_host(const struct pw_certificate *cert, const char *host);

/* Bytes of the address that the host is, 4 or 16; 0: it is a name. */
size_t pw_cert_host_address(const char *host, uint8_t address[16]);
/* Does a dNSName of a certificate stand for this host? A '*' may only be the whole first label, and stands
 * for exactly one label of a name with at least two more. */
bool pw_cert_name_matches(const char *pattern, size_t pattern_bytes, const char *host);

#endif
