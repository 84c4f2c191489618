/* SPDX-License-Identifier: MIT
 *
 * X.509 certificates (RFC 5280) written as DER by hand, with keys and signatures by wolfCrypt: see
 * identity.h.
 *
 * wolfSSL's own certificate writer is left aside: it fills a struct whose layout hangs on the options of the
 * library's build, and that build may be the packaged one or our own. Here only pointers cross that line.
 */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "identity.h"

#include "tls_link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VALID_DAYS   397 /* the most that clients accept of a server (CA/Browser Forum, 6.3.2) */
#define RENEW_DAYS   7
#define DAY_S        86400
#define KEY_ID_BYTES 20 /* the first 160 bits of the key's SHA-256 (RFC 7093, 2, method 1) */

/* ---- DER (X.690), written from the end to the front, because a length stands before what it counts ---- */

struct der {
    uint8_t bytes[2048];
    size_t at; /* what is written stands at bytes[at..sizeof bytes) */
};

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BITS = 0x03,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_UTF8 = 0x0c,
    DER_UTC_TIME = 0x17,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

static void der_put(struct der *der, const void *bytes, size_t size)
{
    assert(size <= der->at); /* all sizes are ours */
    der->at -= size;
    memcpy(der->bytes + der->at, bytes, size);
}

static void der_byte(struct der *der, uint8_t octet)
{
    der_put(der, &octet, 1);
}

/* Wraps what was written since `end` in a tag and its length. */
static void der_wrap(struct der *der, uint8_t tag, size_t end)
{
    size_t size = end - der->at;

    der_byte(der, (uint8_t)size);
    if (size > 0xff) {
        der_byte(der, (uint8_t)(size >> 8));
    }
    if (size > 0x7f) {
        der_byte(der, size > 0xff ? 0x82 : 0x81);
    }
    der_byte(der, tag);
}

static void der_value(struct der *der, uint8_t tag, const void *bytes, size_t size)
{
    size_t end = der->at;

    der_put(der, bytes, size);
    der_wrap(der, tag, end);
}

/* ---- parts of a certificate; each is written before (so stands after) the one that it follows ---- */

struct key {
    ecc_key *pair;
    uint8_t public_der[128]; /* SubjectPublicKeyInfo */
    int public_bytes;
    uint8_t id[KEY_ID_BYTES];
};

static void put_ecdsa_sha256(struct der *der)
{
    static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}; /* RFC 5758, 3.2 */
    size_t end = der->at;

    der_value(der, DER_OID, oid, sizeof oid);
    der_wrap(der, DER_SEQUENCE, end);
}

static void put_name(struct der *der, const char *common_name)
{
    static const uint8_t oid[] = {0x55, 0x04, 0x03};
    size_t end = der->at;

    der_value(der, DER_UTF8, common_name, strlen(common_name));
    der_value(der, DER_OID, oid, sizeof oid);
    der_wrap(der, DER_SEQUENCE, end);
    der_wrap(der, DER_SET, end);
    der_wrap(der, DER_SEQUENCE, end);
}

static void put_time(struct der *der, time_t when)
{
    struct tm date;
    char text[16];

    gmtime_r(&when, &date);
    strftime(text, sizeof text, "%y%m%d%H%M%SZ", &date);
    der_value(der, DER_UTC_TIME, text, strlen(text));
}

/* Wraps what was written since `end` as the value of an extension id-ce `arc` (RFC 5280, 4.2.1). */
static void wrap_extension(struct der *der, uint8_t arc, bool critical, size_t end)
{
    const uint8_t oid[] = {0x55, 0x1d, arc}, yes = 0xff;

    der_wrap(der, DER_OCTETS, end);
    if (critical) {
        der_value(der, DER_BOOLEAN, &yes, 1);
    }
    der_value(der, DER_OID, oid, sizeof oid);
    der_wrap(der, DER_SEQUENCE, end);
}

static void put_key_usage(struct der *der, uint8_t bits, uint8_t unused)
{
    const uint8_t value[] = {unused, bits};
    size_t end = der->at;

    der_value(der, DER_BITS, value, sizeof value);
    wrap_extension(der, 15, true, end);
}

static void put_subject_key_id(struct der *der, const struct key *key)
{
    size_t end = der->at;

    der_value(der, DER_OCTETS, key->id, KEY_ID_BYTES);
    wrap_extension(der, 14, false, end);
}

static void put_authority_key_id(struct der *der, const struct key *issuer)
{
    size_t end = der->at;

    der_value(der, 0x80, issuer->id, KEY_ID_BYTES);
    der_wrap(der, DER_SEQUENCE, end);
    wrap_extension(der, 35, false, end);
}

static void put_ca_constraints(struct der *der)
{
    const uint8_t yes = 0xff, no_more = 0;
    size_t end = der->at;

    der_value(der, DER_INTEGER, &no_more, 1); /* no CA below this one */
    der_value(der, DER_BOOLEAN, &yes, 1);
    der_wrap(der, DER_SEQUENCE, end);
    wrap_extension(der, 19, true, end);
}

static void put_server_extensions(struct der *der)
{
    static const uint8_t server_auth[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
    static const uint8_t ipv4[4] = {127, 0, 0, 1}, ipv6[16] = {[15] = 1};
    size_t end = der->at;

    der_value(der, 0x87, ipv6, sizeof ipv6);
    der_value(der, 0x87, ipv4, sizeof ipv4);
    der_value(der, 0x82, "localhost", 9);
    der_wrap(der, DER_SEQUENCE, end);
    wrap_extension(der, 17, false, end);

    end = der->at;
    der_value(der, DER_OID, server_auth, sizeof server_auth);
    der_wrap(der, DER_SEQUENCE, end);
    wrap_extension(der, 37, false, end);

    end = der->at;
    der_wrap(der, DER_SEQUENCE, end); /* no CA */
    wrap_extension(der, 19, true, end);
}

static void put_extensions(struct der *der, const struct key *subject, const struct key *issuer)
{
    bool is_ca = subject == issuer;
    size_t end = der->at;

    put_authority_key_id(der, issuer);
    put_subject_key_id(der, subject);
    if (is_ca) {
        put_key_usage(der, 0x06, 1); /* keyCertSign, cRLSign */
        put_ca_constraints(der);
    } else {
        put_key_usage(der, 0x80, 7); /* digitalSignature */
        put_server_extensions(der);
    }
    der_wrap(der, DER_SEQUENCE, end);
    der_wrap(der, 0xa3, end);
}

/* ---- certificates ---- */

struct request {
    const char *subject_name, *issuer_name;
    const struct key *subject, *issuer; /* the same one: a CA */
    time_t from, until;
};

static int certificate_sign(struct der *der, const struct key *issuer, WC_RNG *rng)
{
    uint8_t hash[WC_SHA256_DIGEST_SIZE], signature[128];
    word32 signature_bytes = sizeof signature;
    size_t size = sizeof der->bytes - der->at, end;
    uint8_t body[sizeof der->bytes];
    const uint8_t no_unused_bits = 0;

    memcpy(body, der->bytes + der->at, size);
    if (wc_Sha256Hash(body, (word32)size, hash) != 0 ||
        wc_ecc_sign_hash(hash, sizeof hash, signature, &signature_bytes, rng, issuer->pair) != 0) {
        return -EIO;
    }
    end = der->at = sizeof der->bytes;
    der_put(der, signature, signature_bytes);
    der_put(der, &no_unused_bits, 1);
    der_wrap(der, DER_BITS, end);
    put_ecdsa_sha256(der);
    der_put(der, body, size);
    der_wrap(der, DER_SEQUENCE, end);
    return 0;
}

static int certificate_make(struct der *der, const struct request *request, WC_RNG *rng)
{
    uint8_t serial[16], version = 2;
    size_t end = der->at = sizeof der->bytes, mark;

    if (wc_RNG_GenerateBlock(rng, serial, sizeof serial) != 0) {
        return -EIO;
    }
    serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and no leading zero */
    put_extensions(der, request->subject, request->issuer);
    der_put(der, request->subject->public_der, (size_t)request->subject->public_bytes);
    put_name(der, request->subject_name);
    mark = der->at;
    put_time(der, request->until);
    put_time(der, request->from);
    der_wrap(der, DER_SEQUENCE, mark);
    put_name(der, request->issuer_name);
    put_ecdsa_sha256(der);
    der_value(der, DER_INTEGER, serial, sizeof serial);
    mark = der->at;
    der_value(der, DER_INTEGER, &version, 1);
    der_wrap(der, 0xa0, mark);
    der_wrap(der, DER_SEQUENCE, end);
    return certificate_sign(der, request->issuer, rng);
}

static int key_make(struct key *key, WC_RNG *rng)
{
    uint8_t hash[WC_SHA256_DIGEST_SIZE];

    key->pair = wc_ecc_key_new(NULL);
    if (!key->pair) {
        return -ENOMEM;
    }
    if (wc_ecc_make_key_ex(rng, 32, key->pair, ECC_SECP256R1) != 0) {
        return -EIO;
    }
    key->public_bytes = wc_EccPublicKeyToDer(key->pair, key->public_der, sizeof key->public_der, 1);
    /* The key's bits are the last 65 bytes: an uncompressed point of P-256. */
    if (key->public_bytes < 65 || wc_Sha256Hash(key->public_der + key->public_bytes - 65, 65, hash) != 0) {
        return -EIO;
    }
    memcpy(key->id, hash, KEY_ID_BYTES);
    return 0;
}

/* ---- files ---- */

static int file_write(int directory, const char *name, mode_t mode, const uint8_t *bytes, int size)
{
    char temporary[64];
    int fd, result = 0;

    snprintf(temporary, sizeof temporary, "%s.new", name);
    unlinkat(directory, temporary, 0); /* left by one that died: its mode is not to be trusted */
    fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        return -errno;
    }
    if (write(fd, bytes, (size_t)size) != size || fsync(fd) != 0) {
        result = -EIO;
    }
    close(fd);
    if (!result && renameat(directory, temporary, directory, name) != 0) {
        result = -errno;
    }
    return result;
}

static int certificate_write(int directory, const char *name, const struct der *der)
{
    uint8_t pem[4096];
    int size =
        wc_DerToPem(der->bytes + der->at, (word32)(sizeof der->bytes - der->at), pem, sizeof pem, CERT_TYPE);

    return size > 0 ? file_write(directory, name, 0644, pem, size) : -EIO;
}

static int key_write(int directory, const struct key *key)
{
    uint8_t der[512], pem[1024];
    word32 der_bytes = sizeof der;
    int size = -1, result = -EIO;

    if (wc_EccPrivateKeyToPKCS8(key->pair, der, &der_bytes) > 0) {
        size = wc_DerToPem(der, der_bytes, pem, sizeof pem, PKCS8_PRIVATEKEY_TYPE);
    }
    if (size > 0) {
        result = file_write(directory, PW_SIM_IDENTITY_KEY, 0600, pem, size);
    }
    explicit_bzero(der, sizeof der);
    explicit_bzero(pem, sizeof pem);
    return result;
}

static int identity_write(int directory, time_t now, struct key *ca, struct key *server, WC_RNG *rng)
{
    static const char ca_name[] = "pinwheel simulator test CA";
    struct request request = {ca_name, ca_name, ca, ca, now - DAY_S, now + VALID_DAYS * DAY_S - DAY_S};
    struct der der;
    int result;

    if ((result = key_make(ca, rng)) || (result = key_make(server, rng))) {
        return result;
    }
    if ((result = certificate_make(&der, &request, rng)) ||
        (result = certificate_write(directory, PW_SIM_IDENTITY_CA, &der))) {
        return result;
    }
    request.subject_name = "localhost";
    request.subject = server;
    if ((result = certificate_make(&der, &request, rng)) ||
        (result = certificate_write(directory, PW_SIM_IDENTITY_CERT, &der))) {
        return result;
    }
    return key_write(directory, server);
}

static int identity_make(int directory, time_t now)
{
    struct key ca = {0}, server = {0};
    WC_RNG *rng = wc_rng_new(NULL, 0, NULL);
    int result = rng ? identity_write(directory, now, &ca, &server, rng) : -ENOMEM;

    if (ca.pair) {
        wc_ecc_key_free(ca.pair); /* wolfCrypt wipes it */
    }
    if (server.pair) {
        wc_ecc_key_free(server.pair);
    }
    if (rng) {
        wc_rng_free(rng);
    }
    return result;
}

/* ---- is what is there still good? ---- */

static bool still_valid(const char *path, time_t now)
{
    WOLFSSL_X509 *certificate = wolfSSL_X509_load_certificate_file(path, WOLFSSL_FILETYPE_PEM);
    const uint8_t *after = certificate ? wolfSSL_X509_notAfter(certificate) : NULL;
    struct tm date = {0};
    bool valid = false;

    /* type, length, "YYMMDDHHMMSSZ": our own certificates have no other form before 2050 */
    if (after && after[0] == DER_UTC_TIME && after[1] == 13) {
        char text[14];
        memcpy(text, after + 2, 13);
        text[13] = 0;
        valid = strptime(text, "%y%m%d%H%M%SZ", &date) && timegm(&date) - now > RENEW_DAYS * DAY_S;
    }
    if (certificate) {
        wolfSSL_X509_free(certificate);
    }
    return valid;
}

/* Whether CA, certificate and key are there, valid and belong together. */
static bool identity_good(const char *directory, time_t now)
{
    char ca[600], certificate[600], key[600];
    struct stat status;
    WOLFSSL_CERT_MANAGER *manager;
    WOLFSSL_CTX *context;
    bool good;

    snprintf(ca, sizeof ca, "%s/%s", directory, PW_SIM_IDENTITY_CA);
    snprintf(certificate, sizeof certificate, "%s/%s", directory, PW_SIM_IDENTITY_CERT);
    snprintf(key, sizeof key, "%s/%s", directory, PW_SIM_IDENTITY_KEY);
    if (lstat(key, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 077) != 0 ||
        !still_valid(certificate, now)) {
        return false;
    }
    manager = wolfSSL_CertManagerNew();
    context = wolfSSL_CTX_new(wolfTLS_server_method());
    good = manager && context && wolfSSL_CertManagerLoadCA(manager, ca, NULL) == WOLFSSL_SUCCESS &&
           wolfSSL_CertManagerVerify(manager, certificate, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_use_certificate_file(context, certificate, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_use_PrivateKey_file(context, key, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_check_private_key(context) == WOLFSSL_SUCCESS;
    if (context) {
        wolfSSL_CTX_free(context);
    }
    if (manager) {
        wolfSSL_CertManagerFree(manager);
    }
    return good;
}

static int directory_make(const char *path)
{
    char part[512];

    for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        if ((size_t)(at - path) >= sizeof part) {
            return -ENAMETOOLONG;
        }
        memcpy(part, path, (size_t)(at - path));
        part[at - path] = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST) {
            return -errno;
        }
    }
    return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

int pw_sim_identity_ensure(const char *directory, int64_t now_ns, char *error, size_t error_bytes)
{
    time_t now = (time_t)(now_ns / 1000000000);
    int fd = -1, result = directory_make(directory);

    if (!result) {
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        result =
            fd < 0 || flock(fd, LOCK_EX) != 0 ? -errno : 0; /* two that start at once make one identity */
    }
    if (!result && !identity_good(directory, now)) {
        result = identity_make(fd, now);
        if (!result && !identity_good(directory, now)) {
            result = -EPROTO;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (result) {
        snprintf(error, error_bytes, "%s: the test certificates cannot be made there: %s", directory,
                 strerror(-result));
    }
    return result;
}

struct WOLFSSL_CTX *pw_sim_identity_context(const char *directory)
{
    char certificate[600], key[600];

    snprintf(certificate, sizeof certificate, "%s/%s", directory, PW_SIM_IDENTITY_CERT);
    snprintf(key, sizeof key, "%s/%s", directory, PW_SIM_IDENTITY_KEY);
    return pw_serve_link_context_make(certificate, key);
}
