/* SPDX-License-Identifier: MIT
 *
 * The reader of certificates against damaged ones, and the rules for names. What it refuses of well-formed
 * ones is in tls.c.
 */
#include "certificate.h"

#include "authority.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define HOST "ws.feed.example.test"

static uint8_t *good;
static size_t good_bytes;

static void make_good(void)
{
    EVP_PKEY *key = make_key("EC:P-256");
    struct cert_spec spec = {.cn = "server",
                             .alt_names = "DNS:other.test,IP:10.1.2.3,DNS:" HOST ",email:a@b.test",
                             .usage = "clientAuth,serverAuth",
                             .basic = "critical,CA:FALSE"};
    X509 *cert = make_cert(key, &spec);
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    cr_assert_gt(size, 0);
    good = malloc((size_t)size);
    good_bytes = (size_t)size;
    memcpy(good, der, good_bytes);
    OPENSSL_free(der);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void drop_good(void)
{
    free(good);
}

/* What the bytes are for that host, by themselves. */
static enum pw_cert_result check(const uint8_t *der, size_t size, const char *host)
{
    struct pw_certificate cert;
    if (!pw_cert_read(der, size, &cert)) {
        return PW_CERT_MALFORMED;
    }
    enum pw_cert_result result = pw_cert_check_signature_kind(&cert);
    result = result == PW_CERT_OK ? pw_cert_check_common(&cert, time(NULL)) : result;
    return result == PW_CERT_OK ? pw_cert_check_host(&cert, host) : result;
}

TestSuite(certificate, .init = make_good, .fini = drop_good);

/* The bytes end where the page does: one read too far is a crash. */
static const uint8_t *against_guard_page(const uint8_t *data, size_t size)
{
    static uint8_t *pages;
    static const size_t page_bytes = 4096, area_bytes = 4 * 4096;
    if (pages == NULL) {
        pages =
            mmap(NULL, area_bytes + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        cr_assert_neq(pages, MAP_FAILED);
        cr_assert_eq(mprotect(pages + area_bytes, page_bytes, PROT_NONE), 0);
    }
    memcpy(pages + area_bytes - size, data, size);
    return pages + area_bytes - size;
}

Test(certificate, a_good_one_is_good)
{
    const uint8_t *der = against_guard_page(good, good_bytes);
    cr_expect_eq(check(der, good_bytes, HOST), PW_CERT_OK);
    cr_expect_eq(check(der, good_bytes, "10.1.2.3"), PW_CERT_OK);
    cr_expect_eq(check(der, good_bytes, "10.1.2.4"), PW_CERT_WRONG_HOST);
}

Test(certificate, every_prefix_is_malformed)
{
    for (size_t size = 0; size < good_bytes; size++) {
        const uint8_t *der = against_guard_page(good, size);
        cr_expect_eq(check(der, size, HOST), PW_CERT_MALFORMED, "%zu bytes", size);
    }
}

Test(certificate, no_flipped_bit_makes_it_good_for_a_host_that_it_does_not_name)
{
    uint8_t *bad = malloc(good_bytes);
    for (size_t bit = 0; bit < good_bytes * 8; bit++) {
        memcpy(bad, good, good_bytes);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const uint8_t *der = against_guard_page(bad, good_bytes);
        cr_expect_neq(check(der, good_bytes, "ws.feed.example.org"), PW_CERT_OK, "bit %zu", bit);
    }
    free(bad);
}

Test(certificate, lengths_in_another_form_than_the_shortest_are_malformed)
{
    /* The outermost length with a needless zero byte in front, and with all that stands behind it in place.
     */
    uint8_t *bad = malloc(good_bytes + 1);
    cr_assert_eq(good[1], 0x82);
    bad[0] = good[0];
    bad[1] = 0x83;
    bad[2] = 0;
    memcpy(bad + 3, good + 2, good_bytes - 2);
    cr_expect_eq(check(bad, good_bytes + 1, HOST), PW_CERT_MALFORMED);
    bad[1] = 0x80; /* indefinite */
    cr_expect_eq(check(bad, good_bytes + 1, HOST), PW_CERT_MALFORMED);
    free(bad);
}

static bool matches(const char *pattern, const char *host)
{
    return pw_cert_name_matches(pattern, strlen(pattern), host);
}

Test(certificate, names_match_whole_and_stars_stand_for_one_first_label)
{
    cr_expect(matches("a.example.test", "a.example.test"));
    cr_expect(matches("A.Example.TEST", "a.example.test"));
    cr_expect(matches("a.example.test", "a.example.test."));
    cr_expect(matches("*.example.test", "a.example.test"));
    cr_expect(matches("*.example.test", "a.example.test."));
    cr_expect_not(matches("*.example.test", "example.test"));
    cr_expect_not(matches("*.example.test", ".example.test"));
    cr_expect_not(matches("*.example.test", "a.b.example.test"));
    cr_expect_not(matches("*.test", "example.test"));
    cr_expect_not(matches("*", "test"));
    cr_expect_not(matches("*.", "test"));
    cr_expect_not(matches("*.*.test", "a.b.test"));
    cr_expect_not(matches("a*.example.test", "ab.example.test"));
    cr_expect_not(matches("*a.example.test", "ba.example.test"));
    cr_expect_not(matches("a.*.test", "a.example.test"));
    cr_expect_not(matches("", ""));
    cr_expect_not(matches("a.example.test", "b.example.test"));
    cr_expect_not(matches("a.example.tes", "a.example.test"));
    cr_expect_not(matches("example.test", "a.example.test"));
    cr_expect_not(pw_cert_name_matches("a.test\0.evil.test", 17, "a.test"));
    cr_expect_not(pw_cert_name_matches("a.test\0", 7, "a.test"));
}
