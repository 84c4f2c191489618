/* SPDX-License-Identifier: MIT
 *
 * X.509 certificates by OpenSSL's libcrypto: see identity.h.
 */
#include "identity.h"

#include "tls_link.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NO_PASSPHRASE ((void *)"") /* nobody is to be asked for one */
#define VALID_DAYS    397          /* the most that clients accept of a server (CA/Browser Forum, 6.3.2) */
#define RENEW_DAYS    7
#define DAY_S         86400
#define SERIAL_BYTES  16

/* ---- certificates ---- */

struct extension {
    int nid;
    const char *value; /* as in openssl.cnf */
};

static const struct extension g_ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"}, /* no CA below this one */
    {NID_key_usage, "critical,keyCertSign,cRLSign"},       {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},        {0},
};
static const struct extension g_server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
    {0},
};

struct request {
    const char *common_name;
    EVP_PKEY *key;
    X509 *issuer; /* NULL: itself, a CA */
    EVP_PKEY *issuer_key;
    const struct extension *extensions;
    time_t from, until;
};

static bool serial_set(X509 *certificate)
{
    unsigned char serial[SERIAL_BYTES];
    BIGNUM *number = NULL;
    bool good = false;

    if (RAND_bytes(serial, sizeof serial) == 1) {
        serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and no leading zero */
        number = BN_bin2bn(serial, sizeof serial, NULL);
        good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    }
    BN_free(number);
    return good;
}

static bool extensions_add(X509 *certificate, X509 *issuer, const struct extension *extensions)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (const struct extension *one = extensions; one->nid; one++) {
        X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, one->nid, one->value);
        bool added = made && X509_add_ext(certificate, made, -1) == 1;
        X509_EXTENSION_free(made);
        if (!added) {
            return false;
        }
    }
    return true;
}

static bool certificate_fill(X509 *certificate, const struct request *request)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    X509 *issuer = request->issuer ? request->issuer : certificate;

    return X509_set_version(certificate, X509_VERSION_3) == 1 && serial_set(certificate) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)request->common_name,
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), request->from) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), request->until) &&
           X509_set_pubkey(certificate, request->key) == 1 &&
           extensions_add(certificate, issuer, request->extensions) &&
           X509_sign(certificate, request->issuer_key, EVP_sha256()) > 0;
}

/* NULL: no memory, or no randomness. */
static X509 *certificate_make(const struct request *request)
{
    X509 *certificate = X509_new();

    if (certificate && !certificate_fill(certificate, request)) {
        X509_free(certificate);
        certificate = NULL;
    }
    return certificate;
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

/* Writes what the BIO holds; frees and wipes it. */
static int bio_write(int directory, const char *name, mode_t mode, BIO *bio, bool filled)
{
    char *bytes = NULL;
    long size = bio ? BIO_get_mem_data(bio, &bytes) : 0;
    int result = filled && size > 0 ? file_write(directory, name, mode, (uint8_t *)bytes, (int)size) : -EIO;

    if (size > 0) {
        OPENSSL_cleanse(bytes, (size_t)size);
    }
    BIO_free(bio);
    return result;
}

static int certificate_write(int directory, const char *name, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool filled = bio && certificate && PEM_write_bio_X509(bio, certificate) == 1;

    return bio_write(directory, name, 0644, bio, filled);
}

static int key_write(int directory, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool filled = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;

    return bio_write(directory, PW_SIM_IDENTITY_KEY, 0600, bio, filled);
}

/* The keys are the caller's; the CA's is written nowhere. */
static int identity_write(int directory, time_t now, EVP_PKEY *ca_key, EVP_PKEY *server_key)
{
    struct request request = {.common_name = "pinwheel simulator test CA",
                              .key = ca_key,
                              .issuer_key = ca_key,
                              .extensions = g_ca_extensions,
                              .from = now - DAY_S,
                              .until = now + (VALID_DAYS - 1) * DAY_S};
    X509 *ca = certificate_make(&request), *server = NULL;
    int result = certificate_write(directory, PW_SIM_IDENTITY_CA, ca);

    if (!result) {
        request.common_name = "localhost";
        request.key = server_key;
        request.issuer = ca;
        request.extensions = g_server_extensions;
        server = certificate_make(&request);
        result = certificate_write(directory, PW_SIM_IDENTITY_CERT, server);
    }
    if (!result) {
        result = key_write(directory, server_key);
    }
    X509_free(server);
    X509_free(ca);
    return result;
}

static int identity_make(int directory, time_t now)
{
    EVP_PKEY *ca = EVP_EC_gen("P-256"), *server = EVP_EC_gen("P-256");
    int result = ca && server ? identity_write(directory, now, ca, server) : -ENOMEM;

    EVP_PKEY_free(ca); /* libcrypto wipes it */
    EVP_PKEY_free(server);
    ERR_clear_error();
    return result;
}

/* ---- is what is there still good? ---- */

static FILE *file_open(const char *directory, const char *name)
{
    char path[600];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return fopen(path, "re");
}

static X509 *certificate_read(const char *directory, const char *name)
{
    FILE *file = file_open(directory, name);
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (file) {
        fclose(file);
    }
    return certificate;
}

/* NULL: there is none, or it is not the owner's alone. */
static EVP_PKEY *key_read(const char *directory)
{
    FILE *file = file_open(directory, PW_SIM_IDENTITY_KEY);
    char path[600];
    struct stat status;
    EVP_PKEY *key = NULL;

    snprintf(path, sizeof path, "%s/%s", directory, PW_SIM_IDENTITY_KEY);
    if (file && lstat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) == 0) {
        key = PEM_read_PrivateKey(file, NULL, NULL, NO_PASSPHRASE);
    }
    if (file) {
        fclose(file);
    }
    return key;
}

static bool signed_by(X509 *ca, X509 *certificate, time_t now)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool good = store && context && X509_STORE_add_cert(store, ca) == 1 &&
                X509_STORE_CTX_init(context, store, certificate, NULL) == 1;

    if (good) {
        X509_STORE_CTX_set_time(context, 0, now);
        good = X509_verify_cert(context) == 1;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return good;
}

/* Whether CA, certificate and key are there, valid and belong together. */
static bool identity_good(const char *directory, time_t now)
{
    time_t renew = now + RENEW_DAYS * DAY_S;
    X509 *ca = certificate_read(directory, PW_SIM_IDENTITY_CA);
    X509 *certificate = certificate_read(directory, PW_SIM_IDENTITY_CERT);
    EVP_PKEY *key = key_read(directory);
    bool good = ca && certificate && key && X509_cmp_time(X509_get0_notAfter(certificate), &renew) > 0 &&
                X509_check_private_key(certificate, key) == 1 && signed_by(ca, certificate, now);

    EVP_PKEY_free(key);
    X509_free(certificate);
    X509_free(ca);
    ERR_clear_error(); /* what is not good is made anew */
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
        snprintf(error, error_bytes, "%s: cannot create the test certificates: %s", directory,
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
