/* SPDX-License-Identifier: MIT
 *
 * Certificates for tests, good and bad, made in memory by OpenSSL, so that what our TLS meets was not made by
 * it.
 */
#ifndef PW_TEST_AUTHORITY_H
#define PW_TEST_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* "EC:P-256", "RSA:2048", "ED25519" */
EVP_PKEY *make_key(const char *kind);

/* What the certificate says; zero fields are left out or take the usual value. */
struct cert_spec {
    const char *cn;
    const char *organization; /* before the CN */
    const char *alt_names;    /* "DNS:feed.test,IP:127.0.0.1" */
    const char *alt_raw;      /* instead: the DER of one dNSName, given as text with "^" for a zero byte */
    const char *usage;        /* extended key usage: "serverAuth" */
    const char *basic;        /* basic constraints: "critical,CA:TRUE" */
    const char *key_usage;
    const char
        *constraints;   /* name constraints: "permitted;DNS:example.test"; "dirName:<section of config>" */
    const char *config; /* sections that the others name, in OpenSSL's form */
    const char *other_oid, *other; /* one more extension: "1.2.3.4" and "critical,DER:05:00" */
    long begin_s, end_s;           /* from now; both 0: valid for a day around now */
    const EVP_MD *hash;            /* NULL: SHA-256 */
    bool pss;                      /* RSASSA-PSS */
    bool broken;                   /* one bit of the signature is wrong */
    X509 *issuer;                  /* NULL: self-signed */
    EVP_PKEY *issuer_key;
};
X509 *make_cert(EVP_PKEY *key, const struct cert_spec *spec);

/* Writes it as PEM to a new file in the test's temporary directory; the name is valid until the next but one
 * call. */
const char *write_pem(X509 *cert);

#endif
