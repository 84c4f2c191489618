/* SPDX-License-Identifier: MIT
 *
 * TLS identity (reliability.md, A7): every bad certificate and every weak protocol setting is refused, for
 * its own reason; good ones are not. The server is OpenSSL's.
 */
#include "tls.h"

#include "authority.h"
#include "far_tls.h"
#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOST "ws.feed.example.test"

struct ends {
    struct pw_tls tls;
    struct pw_input input;
    struct pw_output output;
    uint8_t in_data[65536], out_data[16384];
    struct far_tls peer;
};

static EVP_PKEY *ca_key;
static X509 *ca;
static struct pw_tls_context *context;

static void make_authority(void)
{
    struct cert_spec spec = {
        .cn = "pinwheel test CA", .basic = "critical,CA:TRUE", .key_usage = "critical,keyCertSign,cRLSign"};
    char error[256];
    ca_key = make_key("RSA:2048"); /* so that it can sign as RSA's variants do */
    ca = make_cert(ca_key, &spec);
    const char *path = write_pem(ca);
    context = pw_tls_context_create(path, error, sizeof error);
    cr_assert_not_null(context, "%s", error);
    unlink(path);
}

static void drop_authority(void)
{
    pw_tls_context_destroy(context);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

TestSuite(tls, .init = make_authority, .fini = drop_authority);

/* Moves what each side has written to the other; true if anything moved. */
static bool exchange(struct ends *ends)
{
    bool moved = false;
    if (!pw_output_empty(&ends->output)) {
        far_tls_feed(&ends->peer, ends->output.data + ends->output.sent,
                     ends->output.size - ends->output.sent);
        pw_output_sent(&ends->output, ends->output.size - ends->output.sent);
        moved = true;
    }
    if (ends->input.cnt == 0) {
        size_t got = far_tls_drain(&ends->peer, ends->in_data, sizeof ends->in_data);
        if (got > 0) {
            pw_input_add(&ends->input,
                         (struct pw_segment){ends->in_data, (uint32_t)got, PW_SEGMENT_NO_INDEX, 1});
            moved = true;
        }
    }
    return moved;
}

static enum pw_tls_result shake_hands(struct ends *ends, SSL_CTX *server, const char *host)
{
    memset(ends, 0, sizeof *ends);
    ends->output = (struct pw_output){.data = ends->out_data, .cap = sizeof ends->out_data};
    cr_assert(pw_tls_open(&ends->tls, context, host, &ends->input, &ends->output));
    far_tls_open(&ends->peer, server);
    enum pw_tls_result result;
    bool moved;
    do {
        result = pw_tls_handshake(&ends->tls);
        moved = exchange(ends);
        far_tls_handshake(&ends->peer);
        moved = exchange(ends) || moved;
    } while (result == PW_TLS_WANT_INPUT && moved);
    return result;
}

static void part(struct ends *ends)
{
    pw_tls_close(&ends->tls);
    far_tls_close(&ends->peer);
}

/* The verdict on a server with this certificate; why is what the log would say. */
static enum pw_tls_result verdict(X509 *cert, EVP_PKEY *key, X509 *const *chain, const char *host, char *why)
{
    static struct ends ends;
    SSL_CTX *server = far_context(cert, key, chain);
    enum pw_tls_result result = shake_hands(&ends, server, host);
    why[0] = '\0';
    if (result == PW_TLS_FAILED) {
        pw_tls_error(&ends.tls, why, PW_TLS_ERROR_BYTES);
    }
    part(&ends);
    SSL_CTX_free(server);
    return result;
}

struct leaf_case {
    const char *name;
    const char *key; /* of the server */
    const char *host;
    struct cert_spec spec;
    const char *why; /* NULL: it is good */
};

static const EVP_MD *md5, *sha1, *sha384;

static void check_leaf(const struct leaf_case *one, bool by_ca)
{
    char why[PW_TLS_ERROR_BYTES];
    EVP_PKEY *key = make_key(one->key != NULL ? one->key : "EC:P-256");
    struct cert_spec spec = one->spec;
    spec.cn = spec.cn != NULL ? spec.cn : "server";
    spec.issuer = by_ca ? ca : NULL;
    spec.issuer_key = by_ca ? ca_key : NULL;
    X509 *cert = make_cert(key, &spec);
    enum pw_tls_result result = verdict(cert, key, NULL, one->host != NULL ? one->host : HOST, why);
    cr_expect_eq(result, one->why == NULL ? PW_TLS_OK : PW_TLS_FAILED, "%s: result %d %s", one->name, result,
                 why);
    cr_expect(one->why == NULL || strstr(why, one->why) != NULL, "%s: says '%s'", one->name, why);
    X509_free(cert);
    EVP_PKEY_free(key);
}

Test(tls, good_certificates_are_accepted)
{
    sha384 = EVP_sha384();
    const struct leaf_case cases[] = {
        {"exact name", NULL, NULL, {.alt_names = "DNS:" HOST}, NULL},
        {"one of several names", NULL, NULL, {.alt_names = "DNS:other.test,DNS:" HOST}, NULL},
        {"upper case", NULL, NULL, {.alt_names = "DNS:WS.Feed.Example.Test"}, NULL},
        {"wildcard label", NULL, NULL, {.alt_names = "DNS:*.feed.example.test"}, NULL},
        {"address", NULL, "127.0.0.1", {.alt_names = "IP:127.0.0.1"}, NULL},
        {"address of version 6", NULL, "::1", {.alt_names = "IP:::1"}, NULL},
        {"for servers", NULL, NULL, {.alt_names = "DNS:" HOST, .usage = "clientAuth,serverAuth"}, NULL},
        {"RSA 2048", "RSA:2048", NULL, {.alt_names = "DNS:" HOST}, NULL},
        {"P-384", "EC:P-384", NULL, {.alt_names = "DNS:" HOST, .hash = sha384}, NULL},
        {"PSS with SHA-256", NULL, NULL, {.alt_names = "DNS:" HOST, .pss = true}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_leaf(&cases[i], true);
    }
}

Test(tls, bad_certificates_are_refused_each_for_its_reason)
{
    md5 = EVP_md5();
    sha1 = EVP_sha1();
    const struct leaf_case cases[] = {
        {"other host", NULL, NULL, {.alt_names = "DNS:ws.feed.example.org"}, "another host"},
        {"expired", NULL, NULL, {.alt_names = "DNS:" HOST, .begin_s = -7200, .end_s = -3600}, "expired"},
        {"not valid yet",
         NULL,
         NULL,
         {.alt_names = "DNS:" HOST, .begin_s = 3600, .end_s = 7200},
         "not valid yet"},
        {"CN only", NULL, NULL, {.cn = HOST}, "names no host"},
        {"CN beside other names", NULL, NULL, {.cn = HOST, .alt_names = "DNS:other.test"}, "another host"},
        {"CN beside a mail address", NULL, NULL, {.cn = HOST, .alt_names = "email:a@" HOST}, ""},
        {"SHA-1", NULL, NULL, {.alt_names = "DNS:" HOST, .hash = sha1}, ""},
        {"MD5", NULL, NULL, {.alt_names = "DNS:" HOST, .hash = md5}, ""},
        {"PSS with SHA-1", NULL, NULL, {.alt_names = "DNS:" HOST, .hash = sha1, .pss = true}, ""},
        {"RSA 1024", "RSA:1024", NULL, {.alt_names = "DNS:" HOST}, "too small"},
        {"P-224", "EC:P-224", NULL, {.alt_names = "DNS:" HOST}, ""},
        {"star alone", NULL, NULL, {.alt_names = "DNS:*"}, "another host"},
        {"star and top level", NULL, "feed.test", {.alt_names = "DNS:*.test"}, "another host"},
        {"star over two labels", NULL, NULL, {.alt_names = "DNS:*.example.test"}, "another host"},
        {"star inside a label", NULL, NULL, {.alt_names = "DNS:w*.feed.example.test"}, "another host"},
        {"star in the second label", NULL, NULL, {.alt_names = "DNS:ws.*.example.test"}, "another host"},
        {"other address", NULL, "127.0.0.1", {.alt_names = "IP:127.0.0.2"}, "another host"},
        {"address as a DNS name", NULL, "127.0.0.1", {.alt_names = "DNS:127.0.0.1"}, "another host"},
        {"address in the CN", NULL, "127.0.0.1", {.cn = "127.0.0.1"}, "names no host"},
        {"zero byte in the name", NULL, NULL, {.alt_raw = HOST "^.evil.test"}, "another host"},
        {"for clients", NULL, NULL, {.alt_names = "DNS:" HOST, .usage = "clientAuth"}, "not for servers"},
        {"broken signature", NULL, NULL, {.alt_names = "DNS:" HOST, .broken = true}, "wrong signature"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_leaf(&cases[i], true);
    }
}

Test(tls, certificates_of_nobody_we_trust_are_refused)
{
    const struct leaf_case own = {"self-signed", NULL, NULL, {.alt_names = "DNS:" HOST}, ""};
    const struct leaf_case own_ca = {"self-signed, says it is a CA",
                                     NULL,
                                     NULL,
                                     {.alt_names = "DNS:" HOST, .basic = "critical,CA:TRUE"},
                                     ""};
    const struct leaf_case same_name = {"self-signed, under our CA's name",
                                        NULL,
                                        NULL,
                                        {.cn = "pinwheel test CA", .alt_names = "DNS:" HOST},
                                        ""};
    check_leaf(&own, false);
    check_leaf(&own_ca, false);
    check_leaf(&same_name, false);
}

/* A server's certificate below an intermediate one. */
struct chain_case {
    const char *name;
    const char *middle_key;
    struct cert_spec middle;
    bool withheld; /* the server does not send it */
    bool ok;
};

static void check_chain(const struct chain_case *one)
{
    char why[PW_TLS_ERROR_BYTES];
    EVP_PKEY *middle_key = make_key(one->middle_key), *key = make_key("EC:P-256");
    struct cert_spec middle_spec = one->middle;
    middle_spec.cn = "middle";
    middle_spec.issuer = ca;
    middle_spec.issuer_key = ca_key;
    X509 *middle = make_cert(middle_key, &middle_spec);
    struct cert_spec spec = {
        .cn = "server", .alt_names = "DNS:" HOST, .issuer = middle, .issuer_key = middle_key};
    X509 *cert = make_cert(key, &spec);
    X509 *chain[] = {one->withheld ? NULL : middle, NULL};
    enum pw_tls_result result = verdict(cert, key, chain, HOST, why);
    cr_expect_eq(result, one->ok ? PW_TLS_OK : PW_TLS_FAILED, "%s: result %d %s", one->name, result, why);
    X509_free(cert);
    X509_free(middle);
    EVP_PKEY_free(key);
    EVP_PKEY_free(middle_key);
}

Test(tls, chains_are_verified_link_by_link)
{
    const char *is_ca = "critical,CA:TRUE", *signs = "critical,keyCertSign";
    const struct chain_case cases[] = {
        {"good", "EC:P-256", {.basic = is_ca, .key_usage = signs}, false, true},
        {"name allowed",
         "EC:P-256",
         {.basic = is_ca, .key_usage = signs, .constraints = "permitted;DNS:example.test"},
         false,
         true},
        {"middle withheld", "EC:P-256", {.basic = is_ca, .key_usage = signs}, true, false},
        {"middle is no CA", "EC:P-256", {.basic = "critical,CA:FALSE", .key_usage = signs}, false, false},
        {"middle says nothing of being a CA", "EC:P-256", {.key_usage = signs}, false, false},
        {"middle may not sign",
         "EC:P-256",
         {.basic = is_ca, .key_usage = "critical,digitalSignature"},
         false,
         false},
        {"middle expired",
         "EC:P-256",
         {.basic = is_ca, .key_usage = signs, .begin_s = -7200, .end_s = -3600},
         false,
         false},
        {"middle signed with SHA-1",
         "EC:P-256",
         {.basic = is_ca, .key_usage = signs, .hash = EVP_sha1()},
         false,
         false},
        {"middle broken", "EC:P-256", {.basic = is_ca, .key_usage = signs, .broken = true}, false, false},
        {"middle has RSA 1024", "RSA:1024", {.basic = is_ca, .key_usage = signs}, false, false},
        {"middle has Ed25519", "ED25519", {.basic = is_ca, .key_usage = signs}, false, false},
        {"name not allowed",
         "EC:P-256",
         {.basic = is_ca, .key_usage = signs, .constraints = "permitted;DNS:other.test"},
         false,
         false},
        {"name forbidden",
         "EC:P-256",
         {.basic = is_ca, .key_usage = signs, .constraints = "excluded;DNS:feed.example.test"},
         false,
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_chain(&cases[i]);
    }
}

/* The same walk with wolfSSL's signatures, over a real handshake; each limit is in chain.c.
 * cases/31-weak-signature-on-a-self-issued-certificate, cases/32-limits-of-authorities */
struct walk_case {
    const char *name;
    const char *root_key; /* NULL: the test CA's, which is RSA */
    struct cert_spec root, middle;
    const char *host;
    const char *why; /* NULL: it is good */
};

static void check_walk(const struct walk_case *one)
{
    char why[PW_TLS_ERROR_BYTES], error[256];
    struct pw_tls_context *usual = context;
    EVP_PKEY *root_key = one->root_key != NULL ? make_key(one->root_key) : ca_key;
    EVP_PKEY *middle_key = make_key("EC:P-256"), *key = make_key("EC:P-256");
    X509 *root = make_cert(root_key, &one->root);
    struct cert_spec middle_spec = one->middle;
    middle_spec.issuer = root;
    middle_spec.issuer_key = root_key;
    X509 *middle = make_cert(middle_key, &middle_spec);
    struct cert_spec spec = {
        .cn = "server", .alt_names = "DNS:" HOST ",IP:10.1.2.3", .issuer = middle, .issuer_key = middle_key};
    X509 *cert = make_cert(key, &spec);
    const char *path = write_pem(root);
    context = pw_tls_context_create(path, error, sizeof error);
    cr_assert_not_null(context, "%s: %s", one->name, error);
    unlink(path);
    X509 *chain[] = {middle, NULL};
    enum pw_tls_result result = verdict(cert, key, chain, one->host != NULL ? one->host : HOST, why);
    cr_expect_eq(result, one->why == NULL ? PW_TLS_OK : PW_TLS_FAILED, "%s: result %d %s", one->name, result,
                 why);
    cr_expect(one->why == NULL || strstr(why, one->why) != NULL, "%s: says '%s'", one->name, why);
    pw_tls_context_destroy(context);
    context = usual;
    X509_free(cert);
    X509_free(middle);
    X509_free(root);
    EVP_PKEY_free(key);
    EVP_PKEY_free(middle_key);
    if (one->root_key != NULL) {
        EVP_PKEY_free(root_key);
    }
}

#define IS_CA .basic = "critical,CA:TRUE", .key_usage = "critical,keyCertSign"
#define PLAIN                                                                                                \
    {                                                                                                        \
        .cn = "root", IS_CA                                                                                  \
    }

Test(tls, the_limits_of_authorities_are_held_over_a_handshake)
{
    const char *path0 = "critical,CA:TRUE,pathlen:0", *path1 = "critical,CA:TRUE,pathlen:1",
               *signs = "keyCertSign";
    const struct walk_case cases[] = {
        {"self-issued", NULL, PLAIN, PLAIN, NULL, NULL},
        {"self-issued, ECDSA", "EC:P-256", PLAIN, PLAIN, NULL, NULL},
        {"self-issued, PSS", NULL, PLAIN, {.cn = "root", IS_CA, .pss = true}, NULL, NULL},
        {"self-issued, SHA-1", NULL, PLAIN, {.cn = "root", IS_CA, .hash = EVP_sha1()}, NULL, ""},
        {"self-issued, MD5", NULL, PLAIN, {.cn = "root", IS_CA, .hash = EVP_md5()}, NULL, ""},
        {"self-issued, ECDSA, SHA-1", "EC:P-256", PLAIN, {.cn = "root", IS_CA, .hash = EVP_sha1()}, NULL, ""},
        {"root's path length 1",
         NULL,
         {.cn = "root", .basic = path1, .key_usage = signs},
         {.cn = "mid", IS_CA},
         NULL,
         NULL},
        {"root's path length 0",
         NULL,
         {.cn = "root", .basic = path0, .key_usage = signs},
         {.cn = "mid", IS_CA},
         NULL,
         ""},
        {"root's path length 0, self-issued",
         NULL,
         {.cn = "root", .basic = path0, .key_usage = signs},
         PLAIN,
         NULL,
         NULL},
        {"root permits",
         NULL,
         {.cn = "root", IS_CA, .constraints = "permitted;DNS:example.test"},
         {.cn = "mid", IS_CA},
         NULL,
         NULL},
        {"root permits another",
         NULL,
         {.cn = "root", IS_CA, .constraints = "permitted;DNS:other.test"},
         {.cn = "mid", IS_CA},
         NULL,
         ""},
        {"root excludes",
         NULL,
         {.cn = "root", IS_CA, .constraints = "excluded;DNS:feed.example.test"},
         {.cn = "mid", IS_CA},
         NULL,
         ""},
        {"address permitted",
         NULL,
         {.cn = "root", IS_CA, .constraints = "permitted;IP:10.0.0.0/255.0.0.0"},
         {.cn = "mid", IS_CA},
         "10.1.2.3",
         NULL},
        {"address not permitted",
         NULL,
         {.cn = "root", IS_CA, .constraints = "permitted;IP:11.0.0.0/255.0.0.0"},
         {.cn = "mid", IS_CA},
         "10.1.2.3",
         ""},
        {"address excluded",
         NULL,
         PLAIN,
         {.cn = "mid", IS_CA, .constraints = "excluded;IP:10.1.2.0/255.255.255.0"},
         "10.1.2.3",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_walk(&cases[i]);
    }
}

/* As servers send them: more than is needed, in another order, larger than most. */
Test(tls, chains_in_any_order_with_more_than_is_needed_are_accepted)
{
    char why[PW_TLS_ERROR_BYTES];
    static char many[3000];
    for (int i = 0; i < 100; i++) {
        sprintf(many + strlen(many), "DNS:host-%03d.example.test,", i);
    }
    strcat(many, "DNS:" HOST);
    EVP_PKEY *upper_key = make_key("EC:P-256"), *lower_key = make_key("EC:P-256"),
             *key = make_key("EC:P-256");
    EVP_PKEY *strange_key = make_key("EC:P-256");
    struct cert_spec upper_spec = {.cn = "upper", IS_CA, .issuer = ca, .issuer_key = ca_key};
    X509 *upper = make_cert(upper_key, &upper_spec);
    struct cert_spec lower_spec = {.cn = "lower", IS_CA, .issuer = upper, .issuer_key = upper_key};
    X509 *lower = make_cert(lower_key, &lower_spec);
    struct cert_spec strange_spec = {.cn = "stranger", IS_CA};
    X509 *stranger = make_cert(strange_key, &strange_spec);
    struct cert_spec cross_spec = {
        .cn = "pinwheel test CA", IS_CA, .issuer = stranger, .issuer_key = strange_key};
    X509 *cross = make_cert(ca_key, &cross_spec);
    struct cert_spec over_spec = {
        .cn = "over", IS_CA, .issuer = ca, .issuer_key = ca_key, .begin_s = -7200, .end_s = -3600};
    X509 *over = make_cert(strange_key, &over_spec);
    struct cert_spec spec = {.cn = "server", .alt_names = many, .issuer = lower, .issuer_key = lower_key};
    X509 *cert = make_cert(key, &spec);
    X509 *const chains[][5] = {
        {lower, upper},        {lower, upper, ca}, {lower, upper, cross}, {lower, upper, cross, stranger},
        {lower, upper, lower}, {upper, lower},     {ca, upper, lower},    {stranger, lower, upper},
        {lower, over, upper}};
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        enum pw_tls_result result = verdict(cert, key, chains[i], HOST, why);
        cr_expect_eq(result, PW_TLS_OK, "chain %zu: %s", i, why);
    }
    X509 *certs[] = {cert, lower, upper, stranger, cross, over};
    EVP_PKEY *keys[] = {key, lower_key, upper_key, strange_key};
    for (size_t i = 0; i < 6; i++) {
        X509_free(certs[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        EVP_PKEY_free(keys[i]);
    }
}

Test(tls, an_intermediate_seen_once_vouches_for_nobody_later)
{
    char why[PW_TLS_ERROR_BYTES];
    EVP_PKEY *middle_key = make_key("EC:P-256"), *key = make_key("EC:P-256");
    struct cert_spec middle_spec = {.cn = "middle",
                                    .basic = "critical,CA:TRUE",
                                    .key_usage = "critical,keyCertSign",
                                    .issuer = ca,
                                    .issuer_key = ca_key};
    X509 *middle = make_cert(middle_key, &middle_spec);
    struct cert_spec spec = {
        .cn = "server", .alt_names = "DNS:" HOST, .issuer = middle, .issuer_key = middle_key};
    X509 *cert = make_cert(key, &spec);
    X509 *chain[] = {middle, NULL};
    cr_expect_eq(verdict(cert, key, chain, HOST, why), PW_TLS_OK);
    cr_expect_eq(verdict(cert, key, NULL, HOST, why), PW_TLS_FAILED);
    X509_free(cert);
    X509_free(middle);
    EVP_PKEY_free(key);
    EVP_PKEY_free(middle_key);
}

Test(tls, a_ca_is_no_server_even_with_its_own_key)
{
    char why[PW_TLS_ERROR_BYTES];
    enum pw_tls_result result = verdict(ca, ca_key, NULL, HOST, why);
    cr_expect_eq(result, PW_TLS_FAILED);
}

struct protocol_case {
    const char *name;
    int min, max;
    const char *ciphers; /* of TLS up to 1.2 */
    bool ok;
};

Test(tls, only_good_protocol_settings_are_accepted)
{
    const struct protocol_case cases[] = {
        {"TLS 1.0", TLS1_VERSION, TLS1_VERSION, "ALL:@SECLEVEL=0", false},
        {"TLS 1.1", TLS1_1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0", false},
        {"TLS 1.2", TLS1_2_VERSION, TLS1_2_VERSION, NULL, true},
        {"TLS 1.3", TLS1_3_VERSION, TLS1_3_VERSION, NULL, true},
        {"from 1.0 to 1.2", TLS1_VERSION, TLS1_2_VERSION, NULL, true},
        {"CBC", TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA", false},
        {"RSA key exchange", TLS1_2_VERSION, TLS1_2_VERSION, "AES128-GCM-SHA256:AES128-SHA", false},
        {"finite-field DH", TLS1_2_VERSION, TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", false},
        {"no encryption", TLS1_2_VERSION, TLS1_2_VERSION, "eNULL:@SECLEVEL=0", false},
        {"no authentication", TLS1_2_VERSION, TLS1_2_VERSION, "aNULL:@SECLEVEL=0", false},
    };
    EVP_PKEY *key = make_key("RSA:2048");
    struct cert_spec spec = {.cn = "server", .alt_names = "DNS:" HOST, .issuer = ca, .issuer_key = ca_key};
    X509 *cert = make_cert(key, &spec);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct ends ends;
        SSL_CTX *server = far_context(cert, key, NULL);
        SSL_CTX_set_min_proto_version(server, cases[i].min);
        SSL_CTX_set_max_proto_version(server, cases[i].max);
        SSL_CTX_set_dh_auto(server, 1);
        cr_assert(cases[i].ciphers == NULL || SSL_CTX_set_cipher_list(server, cases[i].ciphers) == 1);
        enum pw_tls_result result = shake_hands(&ends, server, HOST);
        cr_expect_eq(result == PW_TLS_OK, cases[i].ok, "%s: result %d", cases[i].name, result);
        part(&ends);
        SSL_CTX_free(server);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
}

static struct ends *establish(SSL_CTX **server)
{
    static struct ends ends;
    EVP_PKEY *key = make_key("EC:P-256");
    struct cert_spec spec = {.cn = "server", .alt_names = "DNS:" HOST, .issuer = ca, .issuer_key = ca_key};
    X509 *cert = make_cert(key, &spec);
    *server = far_context(cert, key, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
    cr_assert_eq(shake_hands(&ends, *server, HOST), PW_TLS_OK);
    while (exchange(&ends)) {
    }
    return &ends;
}

Test(tls, our_hello_offers_no_weak_signature_and_names_the_host)
{
    SSL_CTX *server;
    struct ends *ends = establish(&server);
    int cnt = SSL_get_sigalgs(ends->peer.ssl, 0, NULL, NULL, NULL, NULL, NULL);
    cr_assert_gt(cnt, 0);
    for (int i = 0; i < cnt; i++) {
        int hash, sign;
        SSL_get_sigalgs(ends->peer.ssl, i, &sign, &hash, NULL, NULL, NULL);
        cr_expect(hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512, "hash %d, signature %d",
                  hash, sign);
    }
    cr_expect_str_eq(SSL_get_servername(ends->peer.ssl, TLSEXT_NAMETYPE_host_name), HOST);
    part(ends);
    SSL_CTX_free(server);
}

Test(tls, plaintext_passes_both_ways_whatever_the_sizes)
{
    SSL_CTX *server;
    struct ends *ends = establish(&server);
    static uint8_t sent[40000], got[40000];
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)(i * 7 + i / 251);
    }
    far_tls_write(&ends->peer, sent, sizeof sent);
    size_t done = 0;
    while (done < sizeof got) {
        exchange(ends);
        size_t size = sizeof got - done < 1000 ? sizeof got - done : 1000;
        cr_assert(pw_tls_readable(&ends->tls));
        cr_assert_eq(pw_tls_read(&ends->tls, got + done, &size), PW_TLS_OK);
        done += size;
    }
    cr_expect_arr_eq(got, sent, sizeof got);
    cr_assert_eq(pw_tls_write(&ends->tls, (const uint8_t *)"hello", 5), PW_TLS_OK);
    exchange(ends);
    cr_expect_eq(far_tls_read(&ends->peer, got, sizeof got), 5);
    part(ends);
    SSL_CTX_free(server);
}

Test(tls, a_cut_record_by_record_or_byte_by_byte_is_truncation_and_only_close_notify_is_an_end)
{
    SSL_CTX *server;
    uint8_t text[64];
    size_t size = sizeof text;
    struct ends *ends = establish(&server);
    ends->input.ended = true;
    cr_expect_eq(pw_tls_read(&ends->tls, text, &size), PW_TLS_TRUNCATED);
    part(ends);
    SSL_CTX_free(server);

    ends = establish(&server);
    far_tls_write(&ends->peer, "abc", 3);
    exchange(ends);
    ends->input.segments[ends->input.first].size--; /* the record's last byte never comes */
    ends->input.bytes--;
    ends->input.ended = true;
    size = sizeof text;
    cr_expect_eq(pw_tls_read(&ends->tls, text, &size), PW_TLS_TRUNCATED);
    part(ends);
    SSL_CTX_free(server);

    ends = establish(&server);
    SSL_shutdown(ends->peer.ssl);
    exchange(ends);
    ends->input.ended = true;
    size = sizeof text;
    cr_expect_eq(pw_tls_read(&ends->tls, text, &size), PW_TLS_CLOSED);
    part(ends);
    SSL_CTX_free(server);
}

Test(tls, a_flipped_bit_in_a_record_fails_the_session)
{
    SSL_CTX *server;
    uint8_t text[64];
    size_t size = sizeof text;
    struct ends *ends = establish(&server);
    far_tls_write(&ends->peer, "abc", 3);
    exchange(ends);
    ends->in_data[7] ^= 1;
    cr_expect_eq(pw_tls_read(&ends->tls, text, &size), PW_TLS_FAILED);
    part(ends);
    SSL_CTX_free(server);
}

Test(tls, readable_only_when_a_whole_record_is_there)
{
    SSL_CTX *server;
    uint8_t text[64];
    struct ends *ends = establish(&server);
    far_tls_write(&ends->peer, "abc", 3);
    exchange(ends);
    size_t whole = ends->input.bytes;
    struct pw_segment *segment = &ends->input.segments[ends->input.first];
    for (size_t i = 0; i < whole; i++) {
        segment->size = (uint32_t)i;
        ends->input.bytes = i;
        cr_expect_not(pw_tls_readable(&ends->tls), "%zu of %zu bytes", i, whole);
    }
    segment->size = (uint32_t)whole;
    ends->input.bytes = whole;
    cr_expect(pw_tls_readable(&ends->tls));
    size_t size = sizeof text;
    cr_expect_eq(pw_tls_read(&ends->tls, text, &size), PW_TLS_OK);
    cr_expect_eq(size, 3);
    cr_expect_not(pw_tls_readable(&ends->tls));
    part(ends);
    SSL_CTX_free(server);
}

Test(tls, keys_renewed_by_the_server_are_followed)
{
    SSL_CTX *server;
    uint8_t text[64];
    struct ends *ends = establish(&server);
    for (int i = 0; i < 20; i++) {
        size_t size = sizeof text;
        SSL_key_update(ends->peer.ssl, SSL_KEY_UPDATE_REQUESTED);
        far_tls_write(&ends->peer, "abc", 3);
        exchange(ends);
        enum pw_tls_result result = pw_tls_read(&ends->tls, text, &size);
        cr_assert_eq(result, PW_TLS_OK, "round %d: %d", i, result);
        exchange(ends);
        char none[8];
        far_tls_read(&ends->peer, none, sizeof none); /* takes our own renewal */
    }
    part(ends);
    SSL_CTX_free(server);
}

Test(tls, a_ca_file_that_is_none_is_refused_with_its_name)
{
    char error[256] = "";
    cr_expect_null(pw_tls_context_create("/nonexistent/ca.pem", error, sizeof error));
    cr_expect_not_null(strstr(error, "/nonexistent/ca.pem"));
    char path[] = "/tmp/pw_test_ca_XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, "no certificate\n", 15), 15);
    close(fd);
    cr_expect_null(pw_tls_context_create(path, error, sizeof error));
    cr_expect_not_null(strstr(error, path));
    unlink(path);
}
