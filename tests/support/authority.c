/* SPDX-License-Identifier: MIT
 *
 * Certificates by libcrypto.
 */
#include "authority.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "authority: %s failed\n", what);
        abort();
    }
}

EVP_PKEY *make_key(const char *kind)
{
    EVP_PKEY *key = NULL;
    if (strncmp(kind, "EC:", 3) == 0) {
        key = EVP_EC_gen(kind + 3);
    } else if (strncmp(kind, "RSA:", 4) == 0) {
        key = EVP_RSA_gen((unsigned)atoi(kind + 4));
    } else {
        key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    }
    check(key != NULL, kind);
    return key;
}

static void add_extension(X509 *cert, const struct cert_spec *spec, const char *name, const char *value)
{
    X509V3_CTX context;
    CONF *config = NULL;
    long line = 0;
    if (value == NULL) {
        return;
    }
    if (spec->config != NULL) {
        BIO *text = BIO_new_mem_buf(spec->config, -1);
        config = NCONF_new(NULL);
        check(NCONF_load_bio(config, text, &line) == 1, spec->config);
        BIO_free(text);
    }
    X509V3_set_ctx(&context, spec->issuer != NULL ? spec->issuer : cert, cert, NULL, NULL, 0);
    X509V3_set_nconf(&context, config);
    X509_EXTENSION *extension = X509V3_EXT_nconf(config, &context, name, value);
    check(extension != NULL && X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
    NCONF_free(config);
}

static void add_to_name(X509_NAME *name, const char *field, const char *text)
{
    if (text != NULL) {
        X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0);
    }
}

/* A name that no well-meaning tool would write: with a zero byte inside. */
static void add_raw_name(X509 *cert, const char *text)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    char bytes[256];
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = text[i] == '^' ? '\0' : text[i];
    }
    ASN1_STRING_set(string, bytes, (int)size);
    GENERAL_NAME_set0_value(name, GEN_DNS, string);
    sk_GENERAL_NAME_push(names, name);
    check(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1, "raw name");
    GENERAL_NAMES_free(names);
}

static void sign(X509 *cert, EVP_PKEY *key, const struct cert_spec *spec)
{
    const EVP_MD *hash = spec->hash != NULL ? spec->hash : EVP_sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    int id = EVP_PKEY_get_base_id(key);
    check(EVP_DigestSignInit(context, &key_context, id == EVP_PKEY_ED25519 ? NULL : hash, NULL, key) == 1,
          "sign");
    if (spec->pss) {
        check(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1, "pss");
    }
    check(X509_sign_ctx(cert, context) > 0, "sign");
    EVP_MD_CTX_free(context);
}

static void break_signature(X509 *cert)
{
    const ASN1_BIT_STRING *signature;
    X509_get0_signature(&signature, NULL, cert);
    unsigned char *bytes = (unsigned char *)ASN1_STRING_get0_data(signature);
    bytes[ASN1_STRING_length(signature) - 1] ^= 1;
}

X509 *make_cert(EVP_PKEY *key, const struct cert_spec *spec)
{
    static long serial = 1000;
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert),
                    spec->begin_s != 0 || spec->end_s != 0 ? spec->begin_s : -43200);
    X509_gmtime_adj(X509_getm_notAfter(cert), spec->begin_s != 0 || spec->end_s != 0 ? spec->end_s : 43200);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    add_to_name(name, "O", spec->organization);
    add_to_name(name, "CN", spec->cn);
    X509 *issuer = spec->issuer != NULL ? spec->issuer : cert;
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    add_extension(cert, spec, "basicConstraints", spec->basic);
    add_extension(cert, spec, "keyUsage", spec->key_usage);
    add_extension(cert, spec, "extendedKeyUsage", spec->usage);
    add_extension(cert, spec, "subjectAltName", spec->alt_names);
    add_extension(cert, spec, "nameConstraints", spec->constraints);
    add_extension(cert, spec, spec->other_oid, spec->other);
    if (spec->alt_raw != NULL) {
        add_raw_name(cert, spec->alt_raw);
    }
    sign(cert, spec->issuer_key != NULL ? spec->issuer_key : key, spec);
    if (spec->broken) {
        break_signature(cert);
    }
    return cert;
}

const char *write_pem(X509 *cert)
{
    static char paths[2][64];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "/tmp/pw_test_ca_XXXXXX");
    int fd = mkstemp(path);
    check(fd >= 0, "mkstemp");
    FILE *file = fdopen(fd, "w");
    check(file != NULL && PEM_write_X509(file, cert) == 1, "write_pem");
    fclose(file);
    return path;
}
