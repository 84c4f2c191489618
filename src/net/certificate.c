/* SPDX-License-Identifier: MIT
 *
 * X.509 (RFC 5280), read just far enough: signature algorithm, issuer and subject, two extensions.
 */
#include "certificate.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum {
    DER_BOOLEAN = 0x01,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_SEQUENCE = 0x30,
    DER_CONTEXT_0 = 0xa0, /* constructed [0]: version; hash of PSS parameters */
    DER_CONTEXT_3 = 0xa3, /* constructed [3]: extensions */
    DER_NAME_DNS = 0x82,  /* GeneralName [2] and [7] */
    DER_NAME_IP = 0x87,
};

/* Bytes still to be read. */
struct der {
    const uint8_t *at;
    size_t left;
};

/* Takes one element: its tag and what is in it. Only definite lengths in their shortest form, up to 64 KiB.
 */
static bool der_take(struct der *in, uint8_t *tag, struct der *value)
{
    if (in->left < 2) {
        return false;
    }
    *tag = in->at[0];
    size_t length = in->at[1];
    size_t head = 2;
    if (length >= 0x80) {
        size_t length_bytes = length & 0x7f;
        if (length_bytes < 1 || length_bytes > 2 || in->left < 2 + length_bytes) {
            return false;
        }
        length = length_bytes == 1 ? in->at[2] : (size_t)in->at[2] << 8 | in->at[3];
        head += length_bytes;
        if (length < (length_bytes == 1 ? 0x80u : 0x100u)) {
            return false;
        }
    }
    if (length > in->left - head) {
        return false;
    }
    *value = (struct der){in->at + head, length};
    in->at += head + length;
    in->left -= head + length;
    return true;
}

static bool der_expect(struct der *in, uint8_t tag, struct der *value)
{
    uint8_t found;
    return der_take(in, &found, value) && found == tag;
}

static bool der_is(struct der value, const char *bytes, size_t size)
{
    return value.left == size && memcmp(value.at, bytes, size) == 0;
}

#define DER_IS(value, bytes) der_is(value, bytes, sizeof(bytes) - 1)

/* What we look at. */
struct certificate {
    struct der signature; /* AlgorithmIdentifier */
    struct der issuer, subject;
    struct der names; /* GeneralNames; left 0: none */
    struct der uses;  /* of extended key usage */
    bool has_names, has_uses;
};

static bool read_extension(struct der in, struct certificate *cert)
{
    struct der oid, value;
    uint8_t tag;
    if (!der_expect(&in, DER_OID, &oid) || !der_take(&in, &tag, &value)) {
        return false;
    }
    if (tag == DER_BOOLEAN && !der_take(&in, &tag, &value)) {
        return false;
    }
    if (tag != DER_OCTETS || in.left != 0) {
        return false;
    }
    if (DER_IS(oid, "\x55\x1d\x11")) { /* id-ce-subjectAltName */
        bool twice = cert->has_names;
        cert->has_names = true;
        return !twice && der_expect(&value, DER_SEQUENCE, &cert->names);
    }
    if (DER_IS(oid, "\x55\x1d\x25")) { /* id-ce-extKeyUsage */
        bool twice = cert->has_uses;
        cert->has_uses = true;
        return !twice && der_expect(&value, DER_SEQUENCE, &cert->uses);
    }
    return true;
}

static bool read_extensions(struct der in, struct certificate *cert)
{
    struct der list, one;
    if (!der_expect(&in, DER_SEQUENCE, &list) || in.left != 0) {
        return false;
    }
    while (list.left > 0) {
        if (!der_expect(&list, DER_SEQUENCE, &one) || !read_extension(one, cert)) {
            return false;
        }
    }
    return true;
}

/* RFC 5280, 4.1 */
static bool read_certificate(const uint8_t *data, size_t size, struct certificate *cert)
{
    struct der file = {data, size}, whole, body, inner, skipped;
    uint8_t tag;
    memset(cert, 0, sizeof *cert);
    if (!der_expect(&file, DER_SEQUENCE, &whole) || !der_expect(&whole, DER_SEQUENCE, &body) ||
        !der_expect(&whole, DER_SEQUENCE, &cert->signature)) {
        return false;
    }
    if (!der_expect(&body, DER_CONTEXT_0, &skipped) || /* version: without it there are no extensions */
        !der_take(&body, &tag, &skipped) ||            /* serial number */
        !der_expect(&body, DER_SEQUENCE, &inner) ||    /* signature, once more */
        !der_expect(&body, DER_SEQUENCE, &cert->issuer) ||
        !der_expect(&body, DER_SEQUENCE, &skipped) || /* validity */
        !der_expect(&body, DER_SEQUENCE, &cert->subject) ||
        !der_expect(&body, DER_SEQUENCE, &skipped)) { /* public key */
        return false;
    }
    if (!der_is(inner, (const char *)cert->signature.at, cert->signature.left)) {
        return false;
    }
    while (body.left > 0) {
        struct der value;
        if (!der_take(&body, &tag, &value) || (tag == DER_CONTEXT_3 && !read_extensions(value, cert))) {
            return false;
        }
    }
    return true;
}

/* id-sha256, id-sha384, id-sha512 (RFC 4055, 2.1) */
static bool is_strong_hash(struct der oid)
{
    return DER_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x01") ||
           DER_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x02") ||
           DER_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x03");
}

/* RSASSA-PSS names its hash in the parameters, and means SHA-1 where it names none (RFC 4055, 3.1). */
static bool pss_ok(struct der parameters)
{
    struct der list, field, hash, oid;
    return der_expect(&parameters, DER_SEQUENCE, &list) && der_expect(&list, DER_CONTEXT_0, &field) &&
           der_expect(&field, DER_SEQUENCE, &hash) && der_expect(&hash, DER_OID, &oid) && is_strong_hash(oid);
}

/* A list of what is good: RSA and ECDSA with SHA-2. Not Ed25519: wolfSSL 5.5.4 accepts a signature that it
 * should not. */
static bool signature_ok(struct der algorithm)
{
    struct der oid;
    if (!der_expect(&algorithm, DER_OID, &oid)) {
        return false;
    }
    if (DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")) { /* id-RSASSA-PSS */
        return pss_ok(algorithm);
    }
    return DER_IS(oid,
                  "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b") || /* sha256, sha384, sha512 WithRSAEncryption */
           DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c") ||
           DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d") ||
           DER_IS(oid, "\x2a\x86\x48\xce\x3d\x04\x03\x02") || /* ecdsa-with-SHA256, SHA384, SHA512 */
           DER_IS(oid, "\x2a\x86\x48\xce\x3d\x04\x03\x03") || DER_IS(oid, "\x2a\x86\x48\xce\x3d\x04\x03\x04");
}

static size_t label_bytes(const char *name, size_t size)
{
    const char *dot = memchr(name, '.', size);
    return dot != NULL ? (size_t)(dot - name) : size;
}

bool pw_cert_name_matches(const char *pattern, size_t pattern_bytes, const char *host)
{
    size_t host_bytes = strlen(host);
    if (host_bytes > 1 && host[host_bytes - 1] == '.') {
        host_bytes--; /* an absolute name is the same name */
    }
    if (pattern_bytes > 2 && pattern[0] == '*' && pattern[1] == '.') {
        size_t first = label_bytes(host, host_bytes);
        const char *rest = pattern + 2;
        size_t rest_bytes = pattern_bytes - 2;
        if (first == 0 || label_bytes(rest, rest_bytes) == rest_bytes ||
            host_bytes - first != rest_bytes + 1) {
            return false; /* "*.com" stands for nothing */
        }
        pattern = rest;
        pattern_bytes = rest_bytes;
        host += first + 1;
        host_bytes -= first + 1;
    }
    /* What is left must be equal, so neither another '*' nor a zero byte inside can match. */
    return pattern_bytes == host_bytes && pattern_bytes > 0 && memchr(pattern, '*', pattern_bytes) == NULL &&
           memchr(pattern, '\0', pattern_bytes) == NULL && strncasecmp(pattern, host, host_bytes) == 0;
}

static enum pw_cert_result check_names(struct der names, const char *host)
{
    uint8_t address[16];
    size_t address_bytes = inet_pton(AF_INET, host, address) == 1    ? 4
                           : inet_pton(AF_INET6, host, address) == 1 ? 16
                                                                     : 0;
    bool any = false;
    while (names.left > 0) {
        uint8_t tag;
        struct der name;
        if (!der_take(&names, &tag, &name)) {
            return PW_CERT_MALFORMED;
        }
        any = any || tag == DER_NAME_DNS || tag == DER_NAME_IP;
        if (tag == DER_NAME_IP && address_bytes > 0 && der_is(name, (const char *)address, address_bytes)) {
            return PW_CERT_OK;
        }
        if (tag == DER_NAME_DNS && address_bytes == 0 &&
            pw_cert_name_matches((const char *)name.at, name.left, host)) {
            return PW_CERT_OK;
        }
    }
    return any ? PW_CERT_WRONG_HOST : PW_CERT_NO_SAN;
}

static enum pw_cert_result check_uses(struct der uses)
{
    while (uses.left > 0) {
        struct der oid;
        if (!der_expect(&uses, DER_OID, &oid)) {
            return PW_CERT_MALFORMED;
        }
        if (DER_IS(oid, "\x2b\x06\x01\x05\x05\x07\x03\x01") || /* id-kp-serverAuth */
            DER_IS(oid, "\x55\x1d\x25\x00")) {                 /* anyExtendedKeyUsage */
            return PW_CERT_OK;
        }
    }
    return PW_CERT_WRONG_USE;
}

enum pw_cert_result pw_cert_check_leaf(const uint8_t *der, size_t size, const char *host)
{
    struct certificate cert;
    if (!read_certificate(der, size, &cert)) {
        return PW_CERT_MALFORMED;
    }
    if (!signature_ok(cert.signature)) {
        return PW_CERT_WEAK_SIGNATURE;
    }
    if (cert.has_uses && check_uses(cert.uses) != PW_CERT_OK) {
        return check_uses(cert.uses);
    }
    return cert.has_names ? check_names(cert.names, host) : PW_CERT_NO_SAN;
}

enum pw_cert_result pw_cert_check_issuer(const uint8_t *der, size_t size)
{
    struct certificate cert;
    if (!read_certificate(der, size, &cert)) {
        return PW_CERT_MALFORMED;
    }
    bool root = der_is(cert.issuer, (const char *)cert.subject.at, cert.subject.left);
    return root || signature_ok(cert.signature) ? PW_CERT_OK : PW_CERT_WEAK_SIGNATURE;
}

const char *pw_cert_result_name(enum pw_cert_result result)
{
    static const char *const names[PW_CERT_RESULTS] = {
        [PW_CERT_OK] = "is good",
        [PW_CERT_MALFORMED] = "is malformed",
        [PW_CERT_NO_SAN] = "names no host (no subject alternative name)",
        [PW_CERT_WRONG_HOST] = "is for another host",
        [PW_CERT_WEAK_SIGNATURE] = "is signed with a weak or unsupported algorithm",
        [PW_CERT_WRONG_USE] = "is not meant for servers (extended key usage)",
    };
    return result < PW_CERT_RESULTS ? names[result] : "?";
}
