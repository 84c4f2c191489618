/* SPDX-License-Identifier: MIT
 *
 * OpenSSL's server side over memory BIOs.
 */
#include "far_tls.h"

#include "authority.h"
#include <stdlib.h>

SSL_CTX *far_context(X509 *cert, EVP_PKEY *key, X509 *const *chain)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_num_tickets(context, 0); /* unless a test asks for them */
    SSL_CTX_use_certificate(context, cert);
    SSL_CTX_use_PrivateKey(context, key);
    for (; chain != NULL && *chain != NULL; chain++) {
        SSL_CTX_add1_chain_cert(context, *chain);
    }
    return context;
}

SSL_CTX *far_context_for(const char *alt_names, const char **ca_file)
{
    EVP_PKEY *ca_key = make_key("EC:P-256");
    EVP_PKEY *key = make_key("EC:P-256");
    struct cert_spec ca_spec = {
        .cn = "test CA", .basic = "critical,CA:TRUE", .key_usage = "critical,keyCertSign"};
    X509 *ca = make_cert(ca_key, &ca_spec);
    struct cert_spec spec = {
        .cn = "server", .alt_names = alt_names, .usage = "serverAuth", .issuer = ca, .issuer_key = ca_key};
    X509 *cert = make_cert(key, &spec);
    SSL_CTX *context = far_context(cert, key, NULL);
    *ca_file = write_pem(ca);
    X509_free(ca);
    X509_free(cert);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return context;
}

void far_tls_open(struct far_tls *tls, SSL_CTX *context)
{
    tls->ssl = SSL_new(context);
    SSL_set_bio(tls->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(tls->ssl), -1);
    SSL_set_accept_state(tls->ssl);
}

void far_tls_close(struct far_tls *tls)
{
    SSL_free(tls->ssl);
    tls->ssl = NULL;
}

void far_tls_feed(struct far_tls *tls, const void *data, size_t size)
{
    BIO_write(SSL_get_rbio(tls->ssl), data, (int)size);
}

size_t far_tls_drain(struct far_tls *tls, void *out, size_t size)
{
    int got = BIO_read(SSL_get_wbio(tls->ssl), out, (int)size);
    return got > 0 ? (size_t)got : 0;
}

int far_tls_handshake(struct far_tls *tls)
{
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        return 1;
    }
    int error = SSL_get_error(tls->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

int far_tls_read(struct far_tls *tls, void *out, size_t size)
{
    int got = SSL_read(tls->ssl, out, (int)size);
    if (got > 0) {
        return got;
    }
    return SSL_get_error(tls->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

void far_tls_write(struct far_tls *tls, const void *data, size_t size)
{
    if (SSL_write(tls->ssl, data, (int)size) != (int)size) {
        abort(); /* memory does not run full */
    }
}
