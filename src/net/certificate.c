/* SPDX-License-Identifier: MIT
 *
 * X.509 (RFC 5280), read just far enough.
 */
#include "certificate.h"

#include "calendar.h"
#include <arpa/inet.h>
#include <strings.h>

#define KEY_RSA_BITS_MIN 2048u
#define KEY_USAGE_CERT   0x04 /* bit 5, keyCertSign */

/* ---- extensions ---- */

/* RFC 5280, 4.2.1.9. A limit without the right to sign is none that a CA may write. */
static bool read_basic(struct pw_der value, struct pw_certificate *cert)
{
    struct pw_der list, field;
    uint8_t tag = 0;
    if (!pw_der_expect(&value, PW_DER_SEQUENCE, &list) || value.left != 0) {
        return false;
    }
    if (list.left > 0 && list.at[0] == PW_DER_BOOLEAN) {
        if (!pw_der_take(&list, &tag, &field) || field.left != 1) {
            return false;
        }
        cert->is_ca = field.at[0] != 0;
    }
    if (list.left == 0) {
        return true;
    }
    if (!pw_der_expect(&list, PW_DER_INTEGER, &field) || list.left != 0 || field.left == 0 ||
        (field.at[0] & 0x80) != 0 || !cert->is_ca) {
        return false;
    }
    cert->path_max = 0;
    for (size_t i = 0; i < field.left; i++) {
        if (cert->path_max > UINT32_MAX >> 8) {
            cert->path_max = UINT32_MAX;
            break;
        }
        cert->path_max = cert->path_max << 8 | field.at[i];
    }
    return true;
}

static bool read_key_usage(struct pw_der value, struct pw_certificate *cert)
{
    struct pw_der bits;
    if (!pw_der_expect(&value, PW_DER_BITS, &bits) || value.left != 0 || bits.left < 1 || bits.at[0] > 7) {
        return false;
    }
    cert->may_sign_certs = bits.left >= 2 && (bits.at[1] & KEY_USAGE_CERT) != 0;
    return true;
}

/* A sequence that is looked at later, with something in it. */
static bool read_list(struct pw_der value, struct pw_der *list)
{
    return pw_der_expect(&value, PW_DER_SEQUENCE, list) && value.left == 0 && list->left > 0;
}

/* Ours to judge by, or without a meaning where no policy is asked for: policies, mappings, inhibitAnyPolicy.
 */
static bool is_without_effect(struct pw_der oid)
{
    return PW_DER_IS(oid, "\x55\x1d\x20") || PW_DER_IS(oid, "\x55\x1d\x21") || PW_DER_IS(oid, "\x55\x1d\x36");
}

static bool read_known(struct pw_der oid, struct pw_der value, bool critical, struct pw_certificate *cert)
{
    bool *has = PW_DER_IS(oid, "\x55\x1d\x11")   ? &cert->has_names /* id-ce-subjectAltName */
                : PW_DER_IS(oid, "\x55\x1d\x25") ? &cert->has_uses  /* id-ce-extKeyUsage */
                : PW_DER_IS(oid, "\x55\x1d\x13") ? &cert->has_basic
                : PW_DER_IS(oid, "\x55\x1d\x0f") ? &cert->has_key_usage
                : PW_DER_IS(oid, "\x55\x1d\x1e") ? &cert->has_limits
                                                 : NULL;
    if (has == NULL) {
        cert->unknown_critical = cert->unknown_critical || (critical && !is_without_effect(oid));
        return true;
    }
    if (*has) {
        return false; /* twice */
    }
    *has = true;
    return has == &cert->has_names    ? read_list(value, &cert->names)
           : has == &cert->has_uses   ? read_list(value, &cert->uses)
           : has == &cert->has_basic  ? read_basic(value, cert)
           : has == &cert->has_limits ? read_list(value, &cert->limits)
                                      : read_key_usage(value, cert);
}

static bool read_extension(struct pw_der in, struct pw_certificate *cert)
{
    struct pw_der oid, value;
    uint8_t tag;
    bool critical = false;
    if (!pw_der_expect(&in, PW_DER_OID, &oid) || !pw_der_take(&in, &tag, &value)) {
        return false;
    }
    if (tag == PW_DER_BOOLEAN) {
        critical = value.left != 1 || value.at[0] != 0;
        if (!pw_der_take(&in, &tag, &value)) {
            return false;
        }
    }
    return tag == PW_DER_OCTETS && in.left == 0 && read_known(oid, value, critical, cert);
}

static bool read_extensions(struct pw_der in, struct pw_certificate *cert)
{
    struct pw_der list, one;
    if (!pw_der_expect(&in, PW_DER_SEQUENCE, &list) || in.left != 0) {
        return false;
    }
    while (list.left > 0) {
        if (!pw_der_expect(&list, PW_DER_SEQUENCE, &one) || !read_extension(one, cert)) {
            return false;
        }
    }
    return true;
}

/* ---- times ---- */

/* RFC 5280, 4.1.2.5: YYMMDDHHMMSSZ of 1950 to 2049, or YYYYMMDDHHMMSSZ. */
static bool read_time(struct pw_der *in, int64_t *time_s)
{
    struct pw_der text;
    uint8_t tag;
    int64_t fields[7] = {0};
    if (!pw_der_take(in, &tag, &text) || (tag != PW_DER_UTC_TIME && tag != PW_DER_TIME) ||
        text.left != (tag == PW_DER_TIME ? 15u : 13u) || text.at[text.left - 1] != 'Z') {
        return false;
    }
    for (size_t i = 0; i + 1 < text.left; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        int64_t *field = &fields[(i + (tag == PW_DER_TIME ? 0 : 2)) / 2];
        *field = *field * 10 + text.at[i] - '0';
    }
    int64_t year =
        tag == PW_DER_TIME ? fields[0] * 100 + fields[1] : fields[1] + (fields[1] < 50 ? 2000 : 1900);
    if (year < 1950 || fields[2] < 1 || fields[2] > 12 || fields[3] < 1 || fields[3] > 31 || fields[4] > 23 ||
        fields[5] > 59 || fields[6] > 60) {
        return false;
    }
    int64_t days = pw_days_from_1970((int)year, (int)fields[2], (int)fields[3]);
    *time_s = ((days * 24 + fields[4]) * 60 + fields[5]) * 60 + fields[6];
    return true;
}

/* ---- the certificate ---- */

/* RFC 5280, 4.1 */
static bool read_body(struct pw_der body, struct pw_certificate *cert)
{
    struct pw_der inner, validity, skipped;
    uint8_t tag;
    cert->old = body.left > 0 && body.at[0] != PW_DER_CONTEXT_0;
    if ((!cert->old && !pw_der_expect(&body, PW_DER_CONTEXT_0, &skipped)) || /* version */
        !pw_der_expect(&body, PW_DER_INTEGER, &skipped) ||                   /* serial number */
        !pw_der_expect(&body, PW_DER_SEQUENCE, &inner) ||                    /* signature, once more */
        !pw_der_expect(&body, PW_DER_SEQUENCE, &cert->issuer) ||
        !pw_der_expect(&body, PW_DER_SEQUENCE, &validity) ||
        !pw_der_expect(&body, PW_DER_SEQUENCE, &cert->subject) ||
        !pw_der_expect(&body, PW_DER_SEQUENCE, &cert->key)) {
        return false;
    }
    if (!pw_der_equal(inner, cert->signature) || !read_time(&validity, &cert->not_before_s) ||
        !read_time(&validity, &cert->not_after_s) || validity.left != 0) {
        return false;
    }
    bool has_extensions = false;
    while (body.left > 0) {
        struct pw_der value;
        if (!pw_der_take(&body, &tag, &value)) {
            return false;
        }
        if (tag == PW_DER_CONTEXT_3 && (has_extensions || cert->old || !read_extensions(value, cert))) {
            return false;
        }
        has_extensions = has_extensions || tag == PW_DER_CONTEXT_3;
    }
    return true;
}

bool pw_cert_read(const uint8_t *der, size_t size, struct pw_certificate *cert)
{
    struct pw_der file = {der, size}, whole, body, bits;
    *cert = (struct pw_certificate){.whole = file, .path_max = UINT32_MAX, .may_sign_certs = true};
    return pw_der_expect(&file, PW_DER_SEQUENCE, &whole) && file.left == 0 &&
           pw_der_expect(&whole, PW_DER_SEQUENCE, &body) &&
           pw_der_expect(&whole, PW_DER_SEQUENCE, &cert->signature) &&
           pw_der_expect(&whole, PW_DER_BITS, &bits) && whole.left == 0 && read_body(body, cert);
}

/* ---- signatures ---- */

/* id-sha256, id-sha384, id-sha512 (RFC 4055, 2.1) */
static bool is_strong_hash(struct pw_der oid)
{
    return PW_DER_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x01") ||
           PW_DER_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x02") ||
           PW_DER_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x03");
}

/* RSASSA-PSS names its hash in the parameters, and means SHA-1 where it names none (RFC 4055, 3.1). */
static bool pss_ok(struct pw_der parameters)
{
    struct pw_der list, field, hash, oid;
    return pw_der_expect(&parameters, PW_DER_SEQUENCE, &list) &&
           pw_der_expect(&list, PW_DER_CONTEXT_0, &field) && pw_der_expect(&field, PW_DER_SEQUENCE, &hash) &&
           pw_der_expect(&hash, PW_DER_OID, &oid) && is_strong_hash(oid);
}

/* A list of what is good: RSA and ECDSA with SHA-2. Not Ed25519: wolfSSL 5.5.4 accepts a signature that it
 * should not. */
static bool signature_ok(struct pw_der algorithm)
{
    struct pw_der oid;
    if (!pw_der_expect(&algorithm, PW_DER_OID, &oid)) {
        return false;
    }
    if (PW_DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")) { /* id-RSASSA-PSS */
        return pss_ok(algorithm);
    }
    return PW_DER_IS(oid,
                     "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b") || /* sha256, sha384, sha512 WithRSAEncryption */
           PW_DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c") ||
           PW_DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d") ||
           PW_DER_IS(oid, "\x2a\x86\x48\xce\x3d\x04\x03\x02") || /* ecdsa-with-SHA256, SHA384, SHA512 */
           PW_DER_IS(oid, "\x2a\x86\x48\xce\x3d\x04\x03\x03") ||
           PW_DER_IS(oid, "\x2a\x86\x48\xce\x3d\x04\x03\x04");
}

/* ---- names ---- */

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

size_t pw_cert_host_address(const char *host, uint8_t address[16])
{
    return inet_pton(AF_INET, host, address) == 1 ? 4 : inet_pton(AF_INET6, host, address) == 1 ? 16 : 0;
}

enum pw_cert_result pw_cert_check_host(const struct pw_certificate *cert, const char *host)
{
    uint8_t address[16];
    size_t address_bytes = pw_cert_host_address(host, address);
    struct pw_der names = cert->names, name;
    bool any = false;
    while (names.left > 0) {
        uint8_t tag;
        if (!pw_der_take(&names, &tag, &name)) {
            return PW_CERT_MALFORMED;
        }
        any = any || tag == PW_NAME_DNS || tag == PW_NAME_IP;
        if (tag == PW_NAME_IP && address_bytes > 0 &&
            pw_der_equal(name, (struct pw_der){address, address_bytes})) {
            return PW_CERT_OK;
        }
        if (tag == PW_NAME_DNS && address_bytes == 0 &&
            pw_cert_name_matches((const char *)name.at, name.left, host)) {
            return PW_CERT_OK;
        }
    }
    return any ? PW_CERT_WRONG_HOST : PW_CERT_NO_SAN;
}

static enum pw_cert_result check_uses(struct pw_der uses)
{
    while (uses.left > 0) {
        struct pw_der oid;
        if (!pw_der_expect(&uses, PW_DER_OID, &oid)) {
            return PW_CERT_MALFORMED;
        }
        if (PW_DER_IS(oid, "\x2b\x06\x01\x05\x05\x07\x03\x01") || /* id-kp-serverAuth */
            PW_DER_IS(oid, "\x55\x1d\x25\x00")) {                 /* anyExtendedKeyUsage */
            return PW_CERT_OK;
        }
    }
    return PW_CERT_WRONG_USE;
}

/* ---- keys ---- */

static size_t bits_of(struct pw_der integer)
{
    while (integer.left > 0 && integer.at[0] == 0) {
        integer.at++;
        integer.left--;
    }
    return integer.left == 0 ? 0 : integer.left * 8 - (size_t)__builtin_clz(integer.at[0]) + 24;
}

/* RFC 8017, A.1.1. With an even exponent, or with 1, it is no key. */
static bool rsa_ok(struct pw_der bits)
{
    struct pw_der numbers, modulus, exponent;
    if (bits.left < 1 || bits.at[0] != 0) {
        return false;
    }
    bits = (struct pw_der){bits.at + 1, bits.left - 1};
    return pw_der_expect(&bits, PW_DER_SEQUENCE, &numbers) &&
           pw_der_expect(&numbers, PW_DER_INTEGER, &modulus) &&
           pw_der_expect(&numbers, PW_DER_INTEGER, &exponent) && modulus.left > 0 && exponent.left > 0 &&
           (modulus.at[0] & 0x80) == 0 && (exponent.at[0] & 0x80) == 0 &&
           bits_of(modulus) >= KEY_RSA_BITS_MIN && bits_of(exponent) >= 2 &&
           (exponent.at[exponent.left - 1] & 1) != 0;
}

/* RSA from 2048 bits, and ECDSA on P-256, P-384 and P-521. */
static bool key_ok(struct pw_der key)
{
    struct pw_der algorithm, oid, curve, bits;
    if (!pw_der_expect(&key, PW_DER_SEQUENCE, &algorithm) || !pw_der_expect(&algorithm, PW_DER_OID, &oid) ||
        !pw_der_expect(&key, PW_DER_BITS, &bits)) {
        return false;
    }
    if (PW_DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01") || /* rsaEncryption, id-RSASSA-PSS */
        PW_DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")) {
        return rsa_ok(bits);
    }
    return PW_DER_IS(oid, "\x2a\x86\x48\xce\x3d\x02\x01") && /* id-ecPublicKey */
           pw_der_expect(&algorithm, PW_DER_OID, &curve) &&
           (PW_DER_IS(curve, "\x2a\x86\x48\xce\x3d\x03\x01\x07") ||
            PW_DER_IS(curve, "\x2b\x81\x04\x00\x22") || PW_DER_IS(curve, "\x2b\x81\x04\x00\x23"));
}

/* ---- what each must be ---- */

enum pw_cert_result pw_cert_check_signature_kind(const struct pw_certificate *cert)
{
    return signature_ok(cert->signature) ? PW_CERT_OK : PW_CERT_WEAK_SIGNATURE;
}

enum pw_cert_result pw_cert_check_common(const struct pw_certificate *cert, int64_t now_s)
{
    if (now_s < cert->not_before_s) {
        return PW_CERT_NOT_YET;
    }
    if (now_s > cert->not_after_s) {
        return PW_CERT_EXPIRED;
    }
    if (!key_ok(cert->key)) {
        return PW_CERT_WEAK_KEY;
    }
    if (cert->unknown_critical) {
        return PW_CERT_CRITICAL;
    }
    return cert->has_uses ? check_uses(cert->uses) : PW_CERT_OK;
}

const char *pw_cert_result_name(enum pw_cert_result result)
{
    static const char *const names[PW_CERT_RESULTS] = {
        [PW_CERT_OK] = "is good",
        [PW_CERT_MALFORMED] = "is malformed",
        [PW_CERT_NO_SAN] = "names no host (no subject alternative name)",
        [PW_CERT_WRONG_HOST] = "is for another host",
        [PW_CERT_WEAK_SIGNATURE] = "is signed with a weak or unsupported algorithm",
        [PW_CERT_WEAK_KEY] = "has a weak or unsupported key",
        [PW_CERT_WRONG_USE] = "is not meant for servers (extended key usage)",
        [PW_CERT_CRITICAL] = "has a critical extension that is not supported",
        [PW_CERT_EXPIRED] = "has expired",
        [PW_CERT_NOT_YET] = "is not valid yet (check this host's clock)",
        [PW_CERT_NOT_CA] = "may not sign certificates",
        [PW_CERT_PATH_LENGTH] = "allows fewer authorities below it (path length)",
        [PW_CERT_NAME_LIMIT] = "may not sign for a name below it (name constraints)",
        [PW_CERT_BAD_SIGNATURE] = "has a wrong signature (not its issuer's)",
        [PW_CERT_UNKNOWN_CA] = "is signed by no trusted CA (set ca_file to trust it)",
    };
    return result < PW_CERT_RESULTS ? names[result] : "?";
}
