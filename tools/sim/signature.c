/* SPDX-License-Identifier: MIT
 *
 * Verifying: see signature.h. What libraries are lax in is checked here: wolfSSL takes keys of small order.
 */
#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "signature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ED25519_BYTES 64u
#define BASE64_BYTES  88u /* of 64 bytes */
#define DER_BYTES     44u /* RFC 8410: twelve bytes that never change, and the key */
#define FILE_BYTES    4096u

/* ---- what is signed ---- */

/* Appends the text but for the pair `signature=...` and the `&` that joins it to its neighbour. */
static void payload_part(struct pw_buffer *payload, struct pw_slice text)
{
    static const char name[] = "signature=";
    bool first = true;

    while (text.size) {
        const char *end = memchr(text.text, '&', text.size);
        size_t size = end ? (size_t)(end - text.text) : text.size;

        if (size < sizeof name - 1 || memcmp(text.text, name, sizeof name - 1) != 0) {
            pw_buffer_string(payload, first ? "" : "&");
            pw_buffer_bytes(payload, text.text, size);
            first = false;
        }
        text.text += size + (end != NULL);
        text.size -= size + (end != NULL);
    }
}

void pw_sim_signature_payload(struct pw_buffer *payload, struct pw_slice query, struct pw_slice body)
{
    pw_buffer_clear(payload);
    payload_part(payload, query);
    payload_part(payload, body);
}

/* ---- HMAC ---- */

static bool hmac_ok(const char *secret, struct pw_slice payload, const char *signature)
{
    byte digest[WC_SHA256_DIGEST_SIZE];
    char hex[2 * sizeof digest + 1];
    Hmac hmac;
    bool good;

    if (wc_HmacInit(&hmac, NULL, INVALID_DEVID) != 0) {
        return false;
    }
    good = wc_HmacSetKey(&hmac, WC_SHA256, (const byte *)secret, (word32)strlen(secret)) == 0 &&
           wc_HmacUpdate(&hmac, (const byte *)payload.text, (word32)payload.size) == 0 &&
           wc_HmacFinal(&hmac, digest) == 0;
    wc_HmacFree(&hmac);
    for (size_t i = 0; good && i < sizeof digest; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[sizeof hex - 1] = 0;
    return good && strcasecmp(hex, signature) == 0;
}

/* ---- Ed25519 ---- */

/* Whether the number, its lowest byte first, is below the other. */
static bool is_below(const unsigned char number[32], const unsigned char other[32])
{
    for (size_t i = 32; i-- > 0;) {
        if (number[i] != other[i]) {
            return number[i] < other[i];
        }
    }
    return false;
}

/* RFC 8032, 5.1.7: S is below the group's order. Not left to the library, whose versions differ in it. */
static bool is_canonical(const unsigned char s[32])
{
    static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                            0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                            0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

    return is_below(s, order);
}

static bool ed25519_ok(const unsigned char public_key[PW_SIM_PUBLIC_KEY_BYTES], struct pw_slice payload,
                       const char *signature)
{
    unsigned char raw[ED25519_BYTES + 8];
    word32 raw_bytes = sizeof raw;
    ed25519_key key;
    int good = 0;
    bool called;

    if (strlen(signature) != BASE64_BYTES || strcspn(signature, " \t\r\n") != BASE64_BYTES ||
        Base64_Decode((const byte *)signature, BASE64_BYTES, raw, &raw_bytes) != 0 ||
        raw_bytes != ED25519_BYTES || !is_canonical(raw + 32) || wc_ed25519_init(&key) != 0) {
        return false;
    }
    called = wc_ed25519_import_public(public_key, PW_SIM_PUBLIC_KEY_BYTES, &key) == 0 &&
             wc_ed25519_verify_msg(raw, raw_bytes, (const byte *)payload.text, (word32)payload.size, &good,
                                   &key) == 0;
    wc_ed25519_free(&key);
    return called && good == 1;
}

bool pw_sim_signature_ok(const struct pw_sim_account_config *account, struct pw_slice payload,
                         const char *signature)
{
    return account->public_key_path[0] ? ed25519_ok(account->public_key, payload, signature)
                                       : hmac_ok(account->secret, payload, signature);
}

/* ---- keys ---- */

/* A point whose coordinate is no number of the field, or one of the eight whose multiples are all among them:
 * with such a key there are signatures that fit every text. */
static bool is_weak(const unsigned char key[PW_SIM_PUBLIC_KEY_BYTES])
{
    static const unsigned char prime[32] = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    static const unsigned char small[5][32] = {
        {0},
        {1},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
         0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
         0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};
    unsigned char y[32];

    memcpy(y, key, sizeof y);
    y[31] &= 0x7f; /* the other bit is the sign of x */
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        if (memcmp(y, small[i], sizeof y) == 0) {
            return true;
        }
    }
    return !is_below(y, prime);
}

int pw_sim_public_key_load(const char *path, unsigned char key[PW_SIM_PUBLIC_KEY_BYTES])
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----", end[] = "-----END PUBLIC KEY-----";
    static const unsigned char prefix[DER_BYTES - PW_SIM_PUBLIC_KEY_BYTES] = {
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    char text[FILE_BYTES];
    unsigned char der[DER_BYTES + 8];
    word32 der_bytes = sizeof der;
    const char *from, *to;
    FILE *file = fopen(path, "re");

    if (!file) {
        return -errno;
    }
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    from = strstr(text, begin);
    to = from ? strstr(from, end) : NULL;
    if (!to) {
        return -EINVAL;
    }
    from += sizeof begin - 1;
    if (Base64_Decode((const byte *)from, (word32)(to - from), der, &der_bytes) != 0 ||
        der_bytes != DER_BYTES || memcmp(der, prefix, sizeof prefix) != 0 || is_weak(der + sizeof prefix)) {
        return -EINVAL;
    }
    memcpy(key, der + sizeof prefix, PW_SIM_PUBLIC_KEY_BYTES);
    return 0;
}
