/* SPDX-License-Identifier: MIT
 *
 * The walk of a server's chain: each limit of an authority and each kind of signature, at each place, with a
 * good chain and a bad one. OpenSSL makes the certificates and verifies the signatures; with wolfSSL in its
 * place see tls.c.
 *
 * cases/31-weak-signature-on-a-self-issued-certificate, cases/32-limits-of-authorities
 */
#include "chain.h"

#include "authority.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOST    "ws.feed.example.test"
#define ADDRESS "10.1.2.3"
#define LINKS   4u

#define CA .basic = "critical,CA:TRUE", .key_usage = "critical,keyCertSign"
#define ROOT                                                                                                 \
    {                                                                                                        \
        .cn = "root", CA                                                                                     \
    }
#define LOWER                                                                                                \
    {                                                                                                        \
        .cn = "lower", CA                                                                                    \
    }
#define UPPER                                                                                                \
    {                                                                                                        \
        .cn = "upper", CA                                                                                    \
    }
#define LEAF                                                                                                 \
    {                                                                                                        \
        .cn = "server", .alt_names = "DNS:" HOST ",IP:" ADDRESS                                              \
    }

/* From the trusted one down to the server's. */
struct chain_case {
    const char *name;
    enum pw_cert_result result;
    struct cert_spec links[LINKS];
    const char *host;        /* NULL: HOST */
    const char *keys[LINKS]; /* NULL: EC:P-256 */
};

static EVP_PKEY *keys[LINKS + 2][2]; /* EC, RSA */

/* The same key for the same place, so that a test has time for many cases. */
static EVP_PKEY *key_of(uint32_t place, const char *kind)
{
    bool rsa = kind != NULL && strcmp(kind, "RSA:2048") == 0;
    if (kind != NULL && !rsa) {
        return make_key(kind);
    }
    if (keys[place][rsa] == NULL) {
        keys[place][rsa] = make_key(rsa ? kind : "EC:P-256");
    }
    EVP_PKEY_up_ref(keys[place][rsa]);
    return keys[place][rsa];
}

static void drop_keys(void)
{
    for (uint32_t i = 0; i < LINKS + 2; i++) {
        EVP_PKEY_free(keys[i][0]);
        EVP_PKEY_free(keys[i][1]);
    }
}

TestSuite(chain, .fini = drop_keys);

static X509 *parse(struct pw_der der)
{
    const unsigned char *at = der.at;
    return d2i_X509(NULL, &at, (long)der.left);
}

static bool is_signed_by(struct pw_der certificate, struct pw_der issuer)
{
    X509 *below = parse(certificate), *above = parse(issuer);
    bool good = X509_verify(below, X509_get0_pubkey(above)) == 1;
    X509_free(below);
    X509_free(above);
    return good;
}

static struct pw_der der_of(X509 *cert)
{
    unsigned char *bytes = NULL;
    int size = i2d_X509(cert, &bytes);
    cr_assert_gt(size, 0);
    return (struct pw_der){bytes, (size_t)size};
}

/* What is made of one chain: certificates from the trusted one down. */
struct made {
    X509 *certs[LINKS];
    struct pw_der ders[LINKS];
    EVP_PKEY *keys[LINKS];
    uint32_t cnt;
};

static struct made make(const struct cert_spec *links, const char *const *kinds)
{
    struct made made = {0};
    for (; made.cnt < LINKS && links[made.cnt].cn != NULL; made.cnt++) {
        uint32_t i = made.cnt;
        struct cert_spec spec = links[i];
        made.keys[i] = key_of(i, kinds != NULL ? kinds[i] : NULL);
        spec.issuer = i > 0 ? made.certs[i - 1] : NULL;
        spec.issuer_key = i > 0 ? made.keys[i - 1] : NULL;
        made.certs[i] = make_cert(made.keys[i], &spec);
        made.ders[i] = der_of(made.certs[i]);
    }
    return made;
}

static void drop(struct made *made)
{
    for (uint32_t i = 0; i < made->cnt; i++) {
        X509_free(made->certs[i]);
        OPENSSL_free((void *)made->ders[i].at);
        EVP_PKEY_free(made->keys[i]);
    }
}

/* Of these, trusting one. */
static enum pw_cert_result verdict(const struct pw_der *sent, uint32_t cnt, struct pw_der trusted,
                                   const char *host)
{
    struct pw_certificate anchor;
    uint32_t at = UINT32_MAX;
    cr_assert(pw_cert_read(trusted.at, trusted.left, &anchor));
    struct pw_chain chain = {.sent = sent,
                             .sent_cnt = cnt,
                             .anchors = &anchor,
                             .anchor_cnt = 1,
                             .host = host != NULL ? host : HOST,
                             .now_s = time(NULL),
                             .is_signed_by = is_signed_by};
    enum pw_cert_result result = pw_chain_check(&chain, &at);
    cr_expect_leq(at, cnt);
    return result;
}

/* The server sends all but the root, its own first; and the root, too, which changes nothing. */
static void check_case(const struct chain_case *one)
{
    struct made made = make(one->links, one->keys);
    struct pw_der sent[LINKS];
    for (uint32_t i = 0; i < made.cnt; i++) {
        sent[i] = made.ders[made.cnt - 1 - i];
    }
    enum pw_cert_result result = verdict(sent, made.cnt - 1, made.ders[0], one->host);
    cr_expect_eq(result, one->result, "%s: %s", one->name, pw_cert_result_name(result));
    result = verdict(sent, made.cnt, made.ders[0], one->host);
    cr_expect_eq(result, one->result, "%s, root sent: %s", one->name, pw_cert_result_name(result));
    drop(&made);
}

#define CHECK_ALL(cases)                                                                                     \
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases)[0]; i++) {                                          \
        check_case(&(cases)[i]);                                                                             \
    }

Test(chain, each_signature_that_is_sent_is_of_a_good_kind_wherever_it_stands)
{
    const EVP_MD *md5 = EVP_md5(), *sha1 = EVP_sha1(), *sha384 = EVP_sha384();
    const struct chain_case cases[] = {
        {"no authority between", PW_CERT_OK, {ROOT, LEAF}},
        {"two between", PW_CERT_OK, {ROOT, UPPER, LOWER, LEAF}},
        {"RSA all along",
         PW_CERT_OK,
         {ROOT, UPPER, LOWER, LEAF},
         NULL,
         {"RSA:2048", "RSA:2048", "RSA:2048", "RSA:2048"}},
        {"self-issued", PW_CERT_OK, {ROOT, {.cn = "root", CA}, LEAF}},
        {"self-issued, SHA-384", PW_CERT_OK, {ROOT, {.cn = "root", CA, .hash = sha384}, LEAF}},
        {"self-issued, RSA, PSS",
         PW_CERT_OK,
         {ROOT, {.cn = "root", CA, .pss = true}, LEAF},
         NULL,
         {"RSA:2048"}},
        {"self-issued, SHA-1", PW_CERT_WEAK_SIGNATURE, {ROOT, {.cn = "root", CA, .hash = sha1}, LEAF}},
        {"self-issued, RSA, SHA-1",
         PW_CERT_WEAK_SIGNATURE,
         {ROOT, {.cn = "root", CA, .hash = sha1}, LEAF},
         NULL,
         {"RSA:2048"}},
        {"self-issued, RSA, MD5",
         PW_CERT_WEAK_SIGNATURE,
         {ROOT, {.cn = "root", CA, .hash = md5}, LEAF},
         NULL,
         {"RSA:2048"}},
        {"self-issued, RSA, PSS, SHA-1",
         PW_CERT_WEAK_SIGNATURE,
         {ROOT, {.cn = "root", CA, .hash = sha1, .pss = true}, LEAF},
         NULL,
         {"RSA:2048"}},
        {"self-issued below another, SHA-1",
         PW_CERT_WEAK_SIGNATURE,
         {ROOT, UPPER, {.cn = "upper", CA, .hash = sha1}, LEAF}},
        {"self-issued below another, RSA, MD5",
         PW_CERT_WEAK_SIGNATURE,
         {ROOT, UPPER, {.cn = "upper", CA, .hash = md5}, LEAF},
         NULL,
         {NULL, "RSA:2048"}},
        {"upper, SHA-1", PW_CERT_WEAK_SIGNATURE, {ROOT, {.cn = "upper", CA, .hash = sha1}, LOWER, LEAF}},
        {"lower, SHA-1", PW_CERT_WEAK_SIGNATURE, {ROOT, UPPER, {.cn = "lower", CA, .hash = sha1}, LEAF}},
        {"server, SHA-1",
         PW_CERT_WEAK_SIGNATURE,
         {ROOT, {.cn = "server", .alt_names = "DNS:" HOST, .hash = sha1}}},
        {"root, SHA-1", PW_CERT_OK, {{.cn = "root", CA, .hash = sha1}, LEAF}},
        {"root, RSA, MD5", PW_CERT_OK, {{.cn = "root", CA, .hash = md5}, UPPER, LEAF}, NULL, {"RSA:2048"}},
        {"broken above", PW_CERT_BAD_SIGNATURE, {ROOT, {.cn = "upper", CA, .broken = true}, LEAF}},
        {"broken at the server",
         PW_CERT_BAD_SIGNATURE,
         {ROOT, {.cn = "server", .alt_names = "DNS:" HOST, .broken = true}}},
    };
    CHECK_ALL(cases);
}

Test(chain, an_authority_is_one_and_is_valid_now)
{
    const struct chain_case cases[] = {
        {"no CA", PW_CERT_NOT_CA, {ROOT, {.cn = "upper", .basic = "critical,CA:FALSE"}, LEAF}},
        {"says nothing of a CA", PW_CERT_NOT_CA, {ROOT, {.cn = "upper", .key_usage = "keyCertSign"}, LEAF}},
        {"no CA further up", PW_CERT_NOT_CA, {ROOT, {.cn = "upper", .basic = "CA:FALSE"}, LOWER, LEAF}},
        {"root is no CA", PW_CERT_NOT_CA, {{.cn = "root", .basic = "CA:FALSE"}, LEAF}},
        {"may not sign",
         PW_CERT_NOT_CA,
         {ROOT, {.cn = "upper", .basic = "CA:TRUE", .key_usage = "critical,cRLSign"}, LEAF}},
        {"root may not sign",
         PW_CERT_NOT_CA,
         {{.cn = "root", .basic = "CA:TRUE", .key_usage = "digitalSignature"}, LEAF}},
        {"says nothing of its key's use", PW_CERT_OK, {ROOT, {.cn = "upper", .basic = "CA:TRUE"}, LEAF}},
        {"expired", PW_CERT_EXPIRED, {ROOT, {.cn = "upper", CA, .begin_s = -7200, .end_s = -3600}, LEAF}},
        {"expired further up",
         PW_CERT_EXPIRED,
         {ROOT, {.cn = "upper", CA, .begin_s = -7200, .end_s = -60}, LOWER, LEAF}},
        {"not yet", PW_CERT_NOT_YET, {ROOT, {.cn = "upper", CA, .begin_s = 3600, .end_s = 7200}, LEAF}},
        {"root expired", PW_CERT_EXPIRED, {{.cn = "root", CA, .begin_s = -7200, .end_s = -3600}, LEAF}},
        {"server expired",
         PW_CERT_EXPIRED,
         {ROOT, {.cn = "server", .alt_names = "DNS:" HOST, .begin_s = -7200, .end_s = -60}}},
        {"valid for centuries",
         PW_CERT_OK,
         {{.cn = "root", CA, .begin_s = -2000000000, .end_s = 2000000000}, LEAF}},
        {"for clients", PW_CERT_WRONG_USE, {ROOT, {.cn = "upper", CA, .usage = "clientAuth"}, LEAF}},
        {"root for mail", PW_CERT_WRONG_USE, {{.cn = "root", CA, .usage = "emailProtection"}, LEAF}},
        {"for servers", PW_CERT_OK, {ROOT, {.cn = "upper", CA, .usage = "clientAuth,serverAuth"}, LEAF}},
        {"for any use", PW_CERT_OK, {ROOT, {.cn = "upper", CA, .usage = "anyExtendedKeyUsage"}, LEAF}},
        {"RSA 1024", PW_CERT_WEAK_KEY, {ROOT, UPPER, LEAF}, NULL, {NULL, "RSA:1024"}},
        {"RSA 2047", PW_CERT_WEAK_KEY, {ROOT, UPPER, LEAF}, NULL, {NULL, "RSA:2047"}},
        {"root RSA 1024", PW_CERT_WEAK_KEY, {ROOT, UPPER, LEAF}, NULL, {"RSA:1024"}},
        {"server RSA 1024", PW_CERT_WEAK_KEY, {ROOT, LEAF}, NULL, {NULL, "RSA:1024"}},
        {"P-224", PW_CERT_WEAK_KEY, {ROOT, UPPER, LEAF}, NULL, {NULL, "EC:P-224"}},
        {"P-384 and P-521", PW_CERT_OK, {ROOT, UPPER, LEAF}, NULL, {"EC:P-521", "EC:P-384"}},
        {"Ed25519", PW_CERT_WEAK_SIGNATURE, {ROOT, UPPER, LEAF}, NULL, {NULL, "ED25519"}},
        {"unknown critical",
         PW_CERT_CRITICAL,
         {ROOT, {.cn = "upper", CA, .other_oid = "1.2.3.4", .other = "critical,DER:05:00"}, LEAF}},
        {"unknown critical at the root",
         PW_CERT_CRITICAL,
         {{.cn = "root", CA, .other_oid = "1.2.3.4", .other = "critical,DER:05:00"}, LEAF}},
        {"unknown critical at the server",
         PW_CERT_CRITICAL,
         {ROOT,
          {.cn = "server", .alt_names = "DNS:" HOST, .other_oid = "1.2.3.4", .other = "critical,DER:05:00"}}},
        {"required policy",
         PW_CERT_CRITICAL,
         {ROOT,
          {.cn = "upper", CA, .other_oid = "policyConstraints", .other = "critical,requireExplicitPolicy:0"},
          LEAF}},
        {"unknown, not critical",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", CA, .other_oid = "1.2.3.4", .other = "DER:05:00"}, LEAF}},
        {"critical policy",
         PW_CERT_OK,
         {ROOT,
          {.cn = "upper",
           CA,
           .other_oid = "2.5.29.32",
           .other = "critical,DER:30:0a:30:08:06:06:67:81:0c:01:02:01"},
          LEAF}},
    };
    CHECK_ALL(cases);
}

#define PATH(length) .basic = "critical,CA:TRUE,pathlen:" length, .key_usage = "critical,keyCertSign"

Test(chain, the_path_length_of_every_authority_is_held)
{
    const struct chain_case cases[] = {
        {"root 0", PW_CERT_OK, {{.cn = "root", PATH("0")}, LEAF}},
        {"root 0, one below", PW_CERT_PATH_LENGTH, {{.cn = "root", PATH("0")}, LOWER, LEAF}},
        {"root 1, one below", PW_CERT_OK, {{.cn = "root", PATH("1")}, LOWER, LEAF}},
        {"root 1, two below", PW_CERT_PATH_LENGTH, {{.cn = "root", PATH("1")}, UPPER, LOWER, LEAF}},
        {"upper 0", PW_CERT_PATH_LENGTH, {ROOT, {.cn = "upper", PATH("0")}, LOWER, LEAF}},
        {"upper 1", PW_CERT_OK, {ROOT, {.cn = "upper", PATH("1")}, LOWER, LEAF}},
        {"upper 1, lower with more",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", PATH("1")}, {.cn = "lower", PATH("9")}, LEAF}},
        {"lower 0", PW_CERT_OK, {ROOT, UPPER, {.cn = "lower", PATH("0")}, LEAF}},
        {"root 0, self-issued below", PW_CERT_OK, {{.cn = "root", PATH("0")}, {.cn = "root", CA}, LEAF}},
        {"root 0, self-issued and another",
         PW_CERT_PATH_LENGTH,
         {{.cn = "root", PATH("0")}, {.cn = "root", CA}, LOWER, LEAF}},
        {"self-issued 0, one below", PW_CERT_PATH_LENGTH, {ROOT, {.cn = "root", PATH("0")}, LOWER, LEAF}},
        {"upper 0, self-issued below",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", PATH("0")}, {.cn = "upper", CA}, LEAF}},
        {"beyond 32 bits",
         PW_CERT_OK,
         {ROOT,
          {.cn = "upper", CA},
          {.cn = "lower",
           .key_usage = "keyCertSign",
           .other_oid = "2.5.29.19",
           .other = "critical,DER:30:0b:01:01:ff:02:06:01:00:00:00:00:00"},
          LEAF}},
        {"negative",
         PW_CERT_MALFORMED,
         {ROOT,
          {.cn = "lower",
           .key_usage = "keyCertSign",
           .other_oid = "2.5.29.19",
           .other = "critical,DER:30:06:01:01:ff:02:01:ff"},
          LEAF}},
        {"of no CA",
         PW_CERT_MALFORMED,
         {ROOT,
          {.cn = "lower",
           .key_usage = "keyCertSign",
           .other_oid = "2.5.29.19",
           .other = "critical,DER:30:03:02:01:00"},
          LEAF}},
    };
    CHECK_ALL(cases);
}

#define LIMIT(text) CA, .constraints = "critical," text
#define NAMED(text)                                                                                          \
    {                                                                                                        \
        .cn = "server", .alt_names = text                                                                    \
    }

Test(chain, names_are_held_against_the_limits_of_every_authority)
{
    const struct chain_case cases[] = {
        {"permitted", PW_CERT_OK, {{.cn = "root", LIMIT("permitted;DNS:example.test")}, LEAF}},
        {"permitted exactly", PW_CERT_OK, {{.cn = "root", LIMIT("permitted;DNS:" HOST)}, LEAF}},
        {"permitted in other letters",
         PW_CERT_OK,
         {{.cn = "root", LIMIT("permitted;DNS:EXAMPLE.Test")}, LEAF}},
        {"permitted with a dot",
         PW_CERT_OK,
         {{.cn = "root", LIMIT("permitted;DNS:.feed.example.test")}, LEAF}},
        {"permitted is only below",
         PW_CERT_NAME_LIMIT,
         {{.cn = "root", LIMIT("permitted;DNS:." HOST)}, LEAF}},
        {"another permitted, at the root",
         PW_CERT_NAME_LIMIT,
         {{.cn = "root", LIMIT("permitted;DNS:other.test")}, LEAF}},
        {"another permitted, two above",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:other.test")}, LOWER, LEAF}},
        {"another permitted, one above",
         PW_CERT_NAME_LIMIT,
         {ROOT, UPPER, {.cn = "lower", LIMIT("permitted;DNS:other.test")}, LEAF}},
        {"another permitted, three above",
         PW_CERT_NAME_LIMIT,
         {{.cn = "root", LIMIT("permitted;DNS:other.test")}, UPPER, LOWER, LEAF}},
        {"not critical",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", CA, .constraints = "permitted;DNS:other.test"}, LEAF}},
        {"one of two permitted",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:other.test,permitted;DNS:example.test")}, LEAF}},
        {"two authorities that share nothing",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", LIMIT("permitted;DNS:example.test")},
          {.cn = "lower", LIMIT("permitted;DNS:other.test")},
          LEAF}},
        {"only its end is permitted",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:xample.test")}, LEAF}},
        {"another name not permitted",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:example.test")}, NAMED("DNS:" HOST ",DNS:other.test")}},
        {"star permitted",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:example.test")}, NAMED("DNS:*.feed.example.test")}},
        {"star beyond what is permitted",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:" HOST)}, NAMED("DNS:*.feed.example.test")}},
        {"excluded", PW_CERT_NAME_LIMIT, {{.cn = "root", LIMIT("excluded;DNS:example.test")}, LEAF}},
        {"excluded, two above",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("excluded;DNS:feed.example.test")}, LOWER, LEAF}},
        {"excluded exactly",
         PW_CERT_NAME_LIMIT,
         {ROOT, UPPER, {.cn = "lower", LIMIT("excluded;DNS:" HOST)}, LEAF}},
        {"excluded in other letters",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "lower", LIMIT("excluded;DNS:Example.TEST")}, LEAF}},
        {"another excluded", PW_CERT_OK, {ROOT, {.cn = "upper", LIMIT("excluded;DNS:other.test")}, LEAF}},
        {"excluded and permitted",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:example.test,excluded;DNS:feed.example.test")}, LEAF}},
        {"excluded by a star",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", LIMIT("excluded;DNS:rest.feed.example.test")},
          NAMED("DNS:*.feed.example.test")}},
        {"a star beside what is excluded",
         PW_CERT_OK,
         {ROOT,
          {.cn = "upper", LIMIT("excluded;DNS:a.rest.feed.example.test")},
          NAMED("DNS:*.feed.example.test")}},
        {"all names excluded",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", CA, .other_oid = "2.5.29.30", .other = "critical,DER:30:06:a1:04:30:02:82:00"},
          LEAF}},
        {"self-issued with a limit",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "root", LIMIT("permitted;DNS:other.test")}, LEAF}},
        {"name of an authority",
         PW_CERT_NAME_LIMIT,
         {{.cn = "root", LIMIT("permitted;DNS:example.test")},
          {.cn = "upper", CA, .alt_names = "DNS:other.test"},
          LEAF}},
        {"name of a self-issued one",
         PW_CERT_OK,
         {{.cn = "root", LIMIT("permitted;DNS:example.test")},
          {.cn = "root", CA, .alt_names = "DNS:other.test"},
          LEAF}},
        {"limit of the server's own",
         PW_CERT_MALFORMED,
         {ROOT, {.cn = "server", .alt_names = "DNS:" HOST, .constraints = "permitted;DNS:example.test"}}},
    };
    CHECK_ALL(cases);
}

Test(chain, addresses_are_held_against_the_limits_of_every_authority)
{
    const struct chain_case cases[] = {
        {"permitted", PW_CERT_OK, {{.cn = "root", LIMIT("permitted;IP:10.0.0.0/255.0.0.0")}, LEAF}, ADDRESS},
        {"permitted alone",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("permitted;IP:10.1.2.3/255.255.255.255")}, LEAF},
         ADDRESS},
        {"another permitted",
         PW_CERT_NAME_LIMIT,
         {{.cn = "root", LIMIT("permitted;IP:10.2.0.0/255.255.0.0")}, LEAF},
         ADDRESS},
        {"another permitted, two above",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;IP:10.2.0.0/255.255.0.0")}, LOWER, LEAF},
         ADDRESS},
        {"another permitted, of a host with a name",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;IP:10.2.0.0/255.255.0.0")}, LEAF}},
        {"names permitted only",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:example.test")}, LEAF},
         ADDRESS},
        {"names not permitted, of an address",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;DNS:other.test")}, LEAF},
         ADDRESS},
        {"excluded",
         PW_CERT_NAME_LIMIT,
         {{.cn = "root", LIMIT("excluded;IP:10.1.2.0/255.255.255.0")}, LEAF},
         ADDRESS},
        {"excluded, one above",
         PW_CERT_NAME_LIMIT,
         {ROOT, UPPER, {.cn = "lower", LIMIT("excluded;IP:0.0.0.0/0.0.0.0")}, LEAF},
         ADDRESS},
        {"another excluded",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("excluded;IP:10.1.3.0/255.255.255.0")}, LEAF},
         ADDRESS},
        {"version 6 permitted",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("permitted;IP:2001:db8::/ffff:ffff::")}, NAMED("IP:2001:db8::7")},
         "2001:db8::7"},
        {"version 6 not permitted",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;IP:2001:db9::/ffff:ffff::")}, NAMED("IP:2001:db8::7")},
         "2001:db8::7"},
        {"version 6 excluded",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("excluded;IP:::/::")}, LOWER, NAMED("IP:2001:db8::7")},
         "2001:db8::7"},
        {"only version 4 permitted",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;IP:0.0.0.0/0.0.0.0")}, NAMED("IP:2001:db8::7")},
         "2001:db8::7"},
        {"only version 4 excluded",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("excluded;IP:0.0.0.0/0.0.0.0")}, NAMED("IP:2001:db8::7")},
         "2001:db8::7"},
        {"a mask with a hole",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;IP:10.0.0.0/255.0.255.0")}, LEAF},
         ADDRESS},
        {"a mask that is cut",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper",
           CA,
           .other_oid = "2.5.29.30",
           .other = "critical,DER:30:0d:a0:0b:30:09:87:07:0a:00:00:00:ff:00:00"},
          LEAF},
         ADDRESS},
    };
    CHECK_ALL(cases);
}

#define DIRECTORIES "[ours]\nO=Pinwheel\n[other]\nO=Other\n[spaced]\nO= pinWHEEL\n"

Test(chain, other_names_are_held_or_refused)
{
    const struct chain_case cases[] = {
        {"subject permitted",
         PW_CERT_OK,
         {ROOT,
          {.cn = "upper", LIMIT("permitted;dirName:ours"), .config = DIRECTORIES},
          {.cn = "server", .organization = "Pinwheel", .alt_names = "DNS:" HOST}}},
        {"subject permitted in other letters",
         PW_CERT_OK,
         {ROOT,
          {.cn = "upper", LIMIT("permitted;dirName:spaced"), .config = DIRECTORIES},
          {.cn = "server", .organization = "Pinwheel", .alt_names = "DNS:" HOST}}},
        {"subject not permitted",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", LIMIT("permitted;dirName:other"), .config = DIRECTORIES},
          {.cn = "server", .organization = "Pinwheel", .alt_names = "DNS:" HOST}}},
        {"subject without what is permitted",
         PW_CERT_NAME_LIMIT,
         {{.cn = "root", LIMIT("permitted;dirName:ours"), .config = DIRECTORIES}, LEAF}},
        {"subject excluded",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", LIMIT("excluded;dirName:spaced"), .config = DIRECTORIES},
          {.cn = "lower", .organization = "Pinwheel", CA},
          {.cn = "server", .alt_names = "DNS:" HOST}}},
        {"another subject excluded",
         PW_CERT_OK,
         {ROOT,
          {.cn = "upper", LIMIT("excluded;dirName:other"), .config = DIRECTORIES},
          {.cn = "server", .organization = "Pinwheel", .alt_names = "DNS:" HOST}}},
        {"alternative name excluded",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", LIMIT("excluded;dirName:ours"), .config = DIRECTORIES},
          {.cn = "server", .alt_names = "DNS:" HOST ",dirName:ours", .config = DIRECTORIES}}},
        {"a kind that is not worked out",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", LIMIT("permitted;email:example.test")},
          NAMED("DNS:" HOST ",email:a@example.test")}},
        {"the same, and no such name",
         PW_CERT_OK,
         {ROOT, {.cn = "upper", LIMIT("permitted;email:example.test")}, LEAF}},
        {"URI",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper", LIMIT("excluded;URI:other.test")},
          NAMED("DNS:" HOST ",URI:https://example.test/")}},
        {"registered id",
         PW_CERT_NAME_LIMIT,
         {ROOT, {.cn = "upper", LIMIT("permitted;RID:1.2.3")}, NAMED("DNS:" HOST ",RID:1.2.3.4")}},
        {"a minimum",
         PW_CERT_NAME_LIMIT,
         {ROOT,
          {.cn = "upper",
           CA,
           .other_oid = "2.5.29.30",
           .other = "critical,DER:30:0d:a0:0b:30:09:82:04:74:65:73:74:80:01:01"},
          LEAF}},
        {"a list of nothing",
         PW_CERT_MALFORMED,
         {ROOT, {.cn = "upper", CA, .other_oid = "2.5.29.30", .other = "critical,DER:30:02:a0:00"}, LEAF}},
    };
    CHECK_ALL(cases);
}

/* What servers send in fact: more than is needed, or in another order. */
Test(chain, a_path_is_found_in_whatever_order_and_beside_whatever_else)
{
    const struct cert_spec specs[LINKS] = {ROOT, UPPER, LOWER, LEAF};
    const struct cert_spec stranger_specs[LINKS] = {{.cn = "stranger", CA}, {.cn = "strange", CA}};
    const struct cert_spec weak_specs[LINKS] = {{.cn = "stranger", CA, .hash = EVP_sha1()}};
    struct made made = make(specs, NULL), strange = make(stranger_specs, NULL), weak = make(weak_specs, NULL);
    struct cert_spec cross_spec = {
        .cn = "root", CA, .issuer = strange.certs[0], .issuer_key = strange.keys[0]};
    struct cert_spec old_spec = {.cn = "upper",
                                 CA,
                                 .issuer = strange.certs[0],
                                 .issuer_key = strange.keys[0],
                                 .begin_s = -7200,
                                 .end_s = -3600};
    X509 *cross = make_cert(made.keys[0], &cross_spec), *old = make_cert(made.keys[1], &old_spec);
    struct pw_der root = made.ders[0], upper = made.ders[1], lower = made.ders[2], leaf = made.ders[3];
    struct pw_der crossed = der_of(cross), outdated = der_of(old);
    const struct {
        const char *name;
        enum pw_cert_result result;
        struct pw_der sent[6];
        uint32_t cnt;
    } cases[] = {
        {"in order", PW_CERT_OK, {leaf, lower, upper}, 3},
        {"out of order", PW_CERT_OK, {leaf, upper, lower}, 3},
        {"root first", PW_CERT_OK, {leaf, root, upper, lower}, 4},
        {"twice", PW_CERT_OK, {leaf, lower, lower, upper, upper}, 5},
        {"strangers", PW_CERT_OK, {leaf, strange.ders[0], lower, strange.ders[1], upper}, 5},
        {"root cross-signed by a stranger", PW_CERT_OK, {leaf, lower, upper, crossed}, 4},
        {"and the stranger, too", PW_CERT_OK, {leaf, lower, upper, crossed, strange.ders[0]}, 5},
        {"an outdated one of the same name before", PW_CERT_OK, {leaf, lower, outdated, upper}, 4},
        {"only the outdated one", PW_CERT_EXPIRED, {leaf, lower, outdated}, 3},
        {"a stranger with SHA-1", PW_CERT_WEAK_SIGNATURE, {leaf, lower, upper, weak.ders[0]}, 4},
        {"one withheld", PW_CERT_UNKNOWN_CA, {leaf, lower}, 2},
        {"the upper one withheld", PW_CERT_UNKNOWN_CA, {leaf, upper}, 2},
        {"alone", PW_CERT_UNKNOWN_CA, {leaf}, 1},
        {"nothing", PW_CERT_MALFORMED, {{0}}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum pw_cert_result result = verdict(cases[i].sent, cases[i].cnt, root, HOST);
        cr_expect_eq(result, cases[i].result, "%s: %s", cases[i].name, pw_cert_result_name(result));
    }
    /* An authority that the user trusts need not be at the top. */
    cr_expect_eq(verdict((struct pw_der[]){leaf, lower}, 2, upper, HOST), PW_CERT_OK);
    OPENSSL_free((void *)crossed.at);
    OPENSSL_free((void *)outdated.at);
    X509_free(cross);
    X509_free(old);
    drop(&made);
    drop(&strange);
    drop(&weak);
}

/* Many of one name, each signed by the next: the walk ends all the same. */
static uint32_t signatures;

static bool count_and_deny(struct pw_der certificate, struct pw_der issuer)
{
    (void)certificate;
    (void)issuer;
    signatures++;
    return signatures % 7 != 0;
}

Test(chain, the_work_for_one_server_is_bounded)
{
    const struct cert_spec specs[LINKS] = {{.cn = "same", CA}, LEAF}, root_specs[LINKS] = {ROOT};
    struct made made = make(specs, NULL), trusted = make(root_specs, NULL);
    struct pw_der sent[PW_CHAIN_SENT_MAX] = {made.ders[1]};
    X509 *same[PW_CHAIN_SENT_MAX];
    for (uint32_t i = 1; i < PW_CHAIN_SENT_MAX; i++) {
        struct cert_spec spec = {.cn = "same", CA, .issuer = made.certs[0], .issuer_key = made.keys[0]};
        same[i] = make_cert(made.keys[0], &spec);
        sent[i] = der_of(same[i]);
    }
    struct pw_certificate anchor;
    uint32_t at;
    cr_assert(pw_cert_read(trusted.ders[0].at, trusted.ders[0].left, &anchor));
    struct pw_chain chain = {.sent = sent,
                             .sent_cnt = PW_CHAIN_SENT_MAX,
                             .anchors = &anchor,
                             .anchor_cnt = 1,
                             .host = HOST,
                             .now_s = time(NULL),
                             .is_signed_by = count_and_deny};
    cr_expect_neq(pw_chain_check(&chain, &at), PW_CERT_OK);
    cr_expect_leq(signatures, 32);
    for (uint32_t i = 1; i < PW_CHAIN_SENT_MAX; i++) {
        OPENSSL_free((void *)sent[i].at);
        X509_free(same[i]);
    }
    drop(&made);
    drop(&trusted);
}

static bool believe(struct pw_der certificate, struct pw_der issuer)
{
    (void)certificate;
    (void)issuer;
    return true;
}

/* Whatever is damaged in an authority with limits, it is read within its bytes and to an end. */
Test(chain, damaged_authorities_are_judged_and_never_run_over)
{
    const struct cert_spec specs[LINKS] = {
        ROOT,
        {.cn = "upper",
         LIMIT("permitted;DNS:example.test,excluded;IP:10.9.0.0/255.255.0.0,permitted;dirName:ours"),
         .config = DIRECTORIES},
        {.cn = "server",
         .organization = "Pinwheel",
         .alt_names = "DNS:" HOST ",dirName:ours",
         .config = DIRECTORIES}};
    struct made made = make(specs, NULL);
    struct pw_certificate anchor;
    uint32_t at;
    cr_assert(pw_cert_read(made.ders[0].at, made.ders[0].left, &anchor));
    for (uint32_t which = 1; which <= 2; which++) {
        size_t bytes = made.ders[which].left;
        for (size_t bit = 0; bit < bytes * 8; bit++) {
            uint8_t *copy = malloc(bytes);
            memcpy(copy, made.ders[which].at, bytes);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct pw_der sent[] = {which == 2 ? (struct pw_der){copy, bytes} : made.ders[2],
                                    which == 1 ? (struct pw_der){copy, bytes} : made.ders[1]};
            struct pw_chain chain = {.sent = sent,
                                     .sent_cnt = 2,
                                     .anchors = &anchor,
                                     .anchor_cnt = 1,
                                     .host = "ws.feed.example.org",
                                     .now_s = time(NULL),
                                     .is_signed_by = believe};
            cr_expect_neq(pw_chain_check(&chain, &at), PW_CERT_OK, "%u, bit %zu", which, bit);
            chain.host = HOST;
            (void)pw_chain_check(&chain, &at);
            free(copy);
        }
    }
    drop(&made);
}
