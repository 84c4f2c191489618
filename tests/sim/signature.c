/* SPDX-License-Identifier: MIT
 *
 * Signatures as the venue's documentation and RFC 8032 have them, and the ones that must not be taken.
 */
#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/coding.h>

#include "signature.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char g_public[] = "-----BEGIN PUBLIC KEY-----\n" /* RFC 8032, 7.1, test 1 */
                               "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                               "-----END PUBLIC KEY-----\n";
/* The signature of session.logon's `apiKey=simkey&timestamp=1649729878532` by that key. */
static const char g_text[] = "apiKey=simkey&timestamp=1649729878532";
static const char g_signature[] =
    "FUUxubDS/qnqpuUD/+r8vz2OyWIoo1FqXX/Gw4zyzfgI2f9y29tlogYvB45IxMdMR884SSV0bYlIlr6gNDxrDA==";

static struct pw_slice slice(const char *text)
{
    return (struct pw_slice){text, strlen(text)};
}

/* pw_sim_public_key_load of a file with that text. */
static int key_of(const char *text, unsigned char key[PW_SIM_PUBLIC_KEY_BYTES])
{
    char path[] = "/tmp/pinwheel-key-XXXXXX";
    int fd = mkstemp(path), result;

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    result = pw_sim_public_key_load(path, key);
    unlink(path);
    return result;
}

static struct pw_sim_account_config ed25519_account(const char *pem)
{
    struct pw_sim_account_config account = {.public_key_path = "there"};

    cr_assert_eq(key_of(pem, account.public_key), 0);
    return account;
}

static json_t *vectors_load(void)
{
    const char *shared = getenv("PINWHEEL_SHARED");
    char path[512];
    json_t *vectors;

    snprintf(path, sizeof path, "%s/venues/vectors.json", shared ? shared : "../shared");
    vectors = json_load_file(path, 0, NULL);
    if (!vectors) {
        cr_skip_test("no %s", path);
    }
    return vectors;
}

Test(signature, every_hmac_of_the_venue_s_documentation_and_ours)
{
    json_t *vectors = vectors_load(), *vector;
    size_t i;

    cr_assert_geq(json_array_size(json_object_get(vectors, "hmac")), 4);
    json_array_foreach(json_object_get(vectors, "hmac"), i, vector)
    {
        struct pw_sim_account_config account = {0};
        const char *payload = json_string_value(json_object_get(vector, "payload"));
        char right[65];

        snprintf(account.secret, sizeof account.secret, "%s",
                 json_string_value(json_object_get(vector, "secret")));
        snprintf(right, sizeof right, "%s", json_string_value(json_object_get(vector, "hmac_sha256_hex")));
        cr_expect(pw_sim_signature_ok(&account, slice(payload), right));
        right[i] ^= 1;
        cr_expect_not(pw_sim_signature_ok(&account, slice(payload), right));
    }
    json_decref(vectors);
}

Test(signature, every_ed25519_of_ours)
{
    json_t *vectors = vectors_load(), *vector;
    struct pw_sim_account_config account = ed25519_account(
        json_string_value(json_object_get(json_object_get(vectors, "ed25519_key"), "spki_pem")));
    size_t i;

    cr_assert_geq(json_array_size(json_object_get(vectors, "ed25519")), 4);
    json_array_foreach(json_object_get(vectors, "ed25519"), i, vector)
    {
        const char *payload = json_string_value(json_object_get(vector, "payload"));
        cr_expect(pw_sim_signature_ok(&account, slice(payload),
                                      json_string_value(json_object_get(vector, "signature_base64"))));
    }
    json_decref(vectors);
}

Test(signature, no_character_of_it_may_be_another)
{
    struct pw_sim_account_config account = ed25519_account(g_public);
    char signature[sizeof g_signature], text[sizeof g_text];

    cr_assert(pw_sim_signature_ok(&account, slice(g_text), g_signature));
    for (size_t i = 0; i < sizeof g_signature - 4; i++) { /* the last digit's low bits say nothing */
        memcpy(signature, g_signature, sizeof signature);
        signature[i] = signature[i] == 'A' ? 'B' : 'A';
        cr_expect_not(pw_sim_signature_ok(&account, slice(g_text), signature), "%zu", i);
        signature[i] = 0;
        cr_expect_not(pw_sim_signature_ok(&account, slice(g_text), signature), "%zu", i);
    }
    for (size_t i = 0; i < sizeof g_text - 1; i++) {
        memcpy(text, g_text, sizeof text);
        text[i] ^= 1;
        cr_expect_not(pw_sim_signature_ok(&account, slice(text), g_signature), "%zu", i);
    }
}

Test(signature, the_group_s_order_is_not_added_to_a_signature)
{
    static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                            0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                            0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    struct pw_sim_account_config account = ed25519_account(g_public);
    unsigned char raw[72], again[89] = {0};
    word32 raw_bytes = sizeof raw, again_bytes = sizeof again;
    unsigned carry = 0;

    cr_assert_eq(Base64_Decode((const byte *)g_signature, 88, raw, &raw_bytes), 0);
    for (int times = 0; times < 8; times++) {
        for (size_t i = 0; i < 32; i++) {
            carry += raw[32 + i] + (unsigned)order[i];
            raw[32 + i] = (unsigned char)carry;
            carry >>= 8;
        }
        again_bytes = sizeof again;
        cr_assert_eq(Base64_Encode_NoNl(raw, 64, again, &again_bytes), 0);
        cr_expect_not(pw_sim_signature_ok(&account, slice(g_text), (const char *)again), "%d", times);
    }
}

/* For the neutral element as a key, R neutral too and S a multiple of the order fit every text. */
Test(signature, the_order_itself_is_no_signature)
{
    static const unsigned char raw[64] = {1,    [32] = 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                          0xd6, 0x9c,        0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [63] = 0x10};
    struct pw_sim_account_config account = {.public_key_path = "there", .public_key = {1}};
    unsigned char signature[89] = {0};
    word32 signature_bytes = sizeof signature;

    cr_assert_eq(Base64_Encode_NoNl(raw, sizeof raw, signature, &signature_bytes), 0);
    cr_expect_not(pw_sim_signature_ok(&account, slice(g_text), (const char *)signature));
}

Test(signature, weak_keys_and_what_is_none_are_refused)
{
    static const char *const ys[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                     "0100000000000000000000000000000000000000000000000000000000000000",
                                     "0100000000000000000000000000000000000000000000000000000000000080",
                                     "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                                     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                     "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                     "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
    unsigned char der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    unsigned char key[PW_SIM_PUBLIC_KEY_BYTES];
    unsigned char base64[64];
    char pem[256];

    for (size_t i = 0; i < sizeof ys / sizeof ys[0]; i++) {
        for (size_t k = 0; k < 32; k++) {
            unsigned octet;
            cr_assert_eq(sscanf(ys[i] + 2 * k, "%2x", &octet), 1);
            der[12 + k] = (unsigned char)octet;
        }
        word32 size = sizeof base64;
        cr_assert_eq(Base64_Encode_NoNl(der, sizeof der, base64, &size), 0);
        snprintf(pem, sizeof pem, "-----BEGIN PUBLIC KEY-----\n%.*s\n-----END PUBLIC KEY-----\n", (int)size,
                 base64);
        cr_expect_eq(key_of(pem, key), -EINVAL, "%s", ys[i]);
    }
    for (size_t size = 0; size < sizeof g_public - 2; size++) { /* all but the last line's end */
        snprintf(pem, sizeof pem, "%.*s", (int)size, g_public);
        cr_expect_eq(key_of(pem, key), -EINVAL, "%zu", size);
    }
    cr_expect_eq(pw_sim_public_key_load("/tmp/there/is/none", key), -ENOENT);
}

Test(signature, the_pair_itself_is_left_out_wherever_it_stands)
{
    static const char *const queries[] = {"a=1&b=2", "a=1&b=2&signature=x", "signature=x&a=1&b=2",
                                          "a=1&signature=x&b=2"};
    struct pw_buffer payload = {0};

    for (size_t i = 0; i < 4; i++) {
        pw_sim_signature_payload(&payload, slice(queries[i]), slice("c=3"));
        cr_expect(pw_slice_equal((struct pw_slice){payload.data, payload.size}, "a=1&b=2c=3"), "%s",
                  queries[i]);
    }
    pw_buffer_free(&payload);
}
