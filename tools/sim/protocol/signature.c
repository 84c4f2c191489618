/* SPDX-License-Identifier: MIT
 *
 * Verifying by OpenSSL's libcrypto: see signature.h. Keys of small order, which it takes, are refused here.
 */
#include "signature.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NO_PASSPHRASE ((void *)"") /* nobody is to be asked for one */
#define ED25519_BYTES 64u
#define BASE64_BYTES  88u /* of 64 bytes: 86 characters and two of padding */

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
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * sizeof digest + 1];
    unsigned bytes = 0;

    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)payload.text, payload.size,
              digest, &bytes)) {
        return false;
    }
    for (unsigned i = 0; i < bytes; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    return strcasecmp(hex, signature) == 0;
}

/* ---- Ed25519 ---- */

/* 64 bytes in base64, and nothing else: the library's decoder lets blanks and odd padding pass. */
static bool raw_signature(const char *signature, unsigned char raw[ED25519_BYTES])
{
    unsigned char decoded[BASE64_BYTES / 4 * 3];

    if (strlen(signature) != BASE64_BYTES || strcspn(signature, " \t\r\n=") != BASE64_BYTES - 2 ||
        signature[BASE64_BYTES - 1] != '=' ||
        EVP_DecodeBlock(decoded, (const unsigned char *)signature, BASE64_BYTES) != sizeof decoded) {
        return false;
    }
    memcpy(raw, decoded, ED25519_BYTES);
    return true;
}

static bool ed25519_ok(const unsigned char public_key[PW_SIM_PUBLIC_KEY_BYTES], struct pw_slice payload,
                       const char *signature)
{
    unsigned char raw[ED25519_BYTES];
    EVP_PKEY *key;
    EVP_MD_CTX *context;
    bool good;

    if (!raw_signature(signature, raw)) {
        return false;
    }
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, PW_SIM_PUBLIC_KEY_BYTES);
    context = EVP_MD_CTX_new();
    good = key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestVerify(context, raw, sizeof raw, (const unsigned char *)payload.text, payload.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* a wrong signature leaves its reason there */
    return good;
}

bool pw_sim_signature_ok(const struct pw_sim_account_config *account, struct pw_slice payload,
                         const char *signature)
{
    return account->public_key_path[0] ? ed25519_ok(account->public_key, payload, signature)
                                       : hmac_ok(account->secret, payload, signature);
}

/* ---- keys ---- */

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
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is opened at once, and holds no key */
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    size_t bytes = PW_SIM_PUBLIC_KEY_BYTES;
    EVP_PKEY *read;
    bool good;

    if (!file) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return -error;
    }
    read = PEM_read_PUBKEY(file, NULL, NULL, NO_PASSPHRASE);
    fclose(file);
    good = read && EVP_PKEY_get_base_id(read) == EVP_PKEY_ED25519 &&
           EVP_PKEY_get_raw_public_key(read, key, &bytes) == 1 && bytes == PW_SIM_PUBLIC_KEY_BYTES &&
           !is_weak(key);
    EVP_PKEY_free(read);
    ERR_clear_error();
    return good ? 0 : -EINVAL;
}
