/* SPDX-License-Identifier: MIT
 *
 * Keys in guarded memory (secret.h), and wolfSSL's primitives over it.
 */
#include "sign.h"

#include "secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/hmac.h>

#define FILE_BYTES_MAX   4096u
#define SECRET_BYTES_MIN 16u
#define SECRET_BYTES_MAX 256u
#define SEED_BYTES       32u

struct pw_signer {
    bool is_hmac;
    Hmac hmac;
    ed25519_key ed25519;
    struct {
        unsigned char der[FILE_BYTES_MAX], public_key[SEED_BYTES];
        char file[FILE_BYTES_MAX];
    } scratch; /* while loading */
};

/* ---- memory ---- */

/* A call of its own: seen through, it upsets gcc's check for null under the undefined-behaviour sanitizer. */
static __attribute__((noinline)) void wipe(void *memory, size_t bytes)
{
    explicit_bzero(memory, bytes);
}

/* What copying has left in vector registers: libc copies keys through the upper ones where there are some,
 * and the dynamic linker, which saves all of them when it first binds a function, would put them on the
 * stack. A function of its own: to its caller all these registers are lost anyway. */
static __attribute__((noinline)) void wipe_registers(void)
{
#if defined(__x86_64__)
#define ZERO(number) "vpxord %%zmm" #number ", %%zmm" #number ", %%zmm" #number "\n"
    if (__builtin_cpu_supports("avx512f")) {
        __asm__ volatile(ZERO(16) ZERO(17) ZERO(18) ZERO(19) ZERO(20) ZERO(21) ZERO(22) ZERO(23) ZERO(24)
                             ZERO(25) ZERO(26) ZERO(27) ZERO(28) ZERO(29) ZERO(30) ZERO(31)::);
    }
    if (__builtin_cpu_supports("avx")) {
        __asm__ volatile("vzeroall" ::);
    }
#undef ZERO
#endif
}

/* What the library's functions leave below this frame. Ed25519's hashes of the private key are there. The
 * registers first: explicit_bzero may be bound here for the first time. */
static __attribute__((noinline)) void wipe_stack(void)
{
    unsigned char below[32768];
    wipe_registers();
    explicit_bzero(below, sizeof below);
}

void pw_signer_free(struct pw_signer *signer)
{
    pw_secret_free(signer, sizeof *signer);
}

/* ---- loading ---- */

static int digit_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* Base64 between the two lines of a PEM; line ends are passed. Bytes, or 0 if it is none. */
static size_t decode_base64(const char *at, const char *end, unsigned char *out)
{
    uint32_t bits = 0;
    size_t digits = 0, bytes = 0, padding = 0;
    for (; at < end; at++) {
        int digit = digit_of(*at);
        if (*at == '\n' || *at == '\r') {
            continue;
        }
        if (*at == '=' && padding < 2) {
            padding++;
            continue;
        }
        if (digit < 0 || padding > 0) {
            return 0;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (++digits % 4 != 1) {
            unsigned shift = (unsigned)(digits % 4 == 0 ? 0 : digits % 4 == 3 ? 2 : 4);
            out[bytes++] = (unsigned char)(bits >> shift);
        }
    }
    return (digits + padding) % 4 == 0 ? bytes : 0;
}

static int load_ed25519(struct pw_signer *signer, const unsigned char seed[SEED_BYTES])
{
    bool ok = wc_ed25519_init(&signer->ed25519) == 0 &&
              wc_ed25519_import_private_only(seed, SEED_BYTES, &signer->ed25519) == 0 &&
              wc_ed25519_make_public(&signer->ed25519, signer->scratch.public_key, SEED_BYTES) == 0 &&
              wc_ed25519_import_private_key(seed, SEED_BYTES, signer->scratch.public_key, SEED_BYTES,
                                            &signer->ed25519) == 0;
    return ok ? 0 : -EINVAL;
}

static int load_pem(struct pw_signer *signer, size_t bytes)
{
    /* RFC 8410, section 7: version 0, the algorithm's OID 1.3.101.112, and the key in two octet strings. */
    static const unsigned char head[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                         0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
    static const char begin[] = "-----BEGIN PRIVATE KEY-----", end[] = "-----END PRIVATE KEY-----";
    if (bytes < sizeof begin + sizeof end || memcmp(signer->scratch.file, begin, sizeof begin - 1) != 0) {
        return -EINVAL;
    }
    const char *stop = signer->scratch.file + bytes - (sizeof end - 1);
    if (memcmp(stop, end, sizeof end - 1) != 0) {
        return -EINVAL;
    }
    size_t der_bytes = decode_base64(signer->scratch.file + sizeof begin - 1, stop, signer->scratch.der);
    if (der_bytes != sizeof head + SEED_BYTES || memcmp(signer->scratch.der, head, sizeof head) != 0) {
        return -EINVAL;
    }
    return load_ed25519(signer, signer->scratch.der + sizeof head);
}

static int load_secret(struct pw_signer *signer, size_t bytes)
{
    if (bytes < SECRET_BYTES_MIN || bytes > SECRET_BYTES_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (signer->scratch.file[i] <= ' ' || signer->scratch.file[i] > '~') {
            return -EINVAL;
        }
    }
    signer->is_hmac = true;
    bool ok = wc_HmacInit(&signer->hmac, NULL, INVALID_DEVID) == 0 &&
              wc_HmacSetKey(&signer->hmac, WC_SHA256, (const unsigned char *)signer->scratch.file,
                            (word32)bytes) == 0;
    return ok ? 0 : -EINVAL;
}

static int load(struct pw_signer *signer, const char *path)
{
    long bytes = pw_secret_read(path, signer->scratch.file, sizeof signer->scratch.file);
    if (bytes <= 0) {
        return (int)bytes;
    }
    return signer->scratch.file[0] == '-' ? load_pem(signer, (size_t)bytes)
                                          : load_secret(signer, (size_t)bytes);
}

int pw_signer_load(const char *path, struct pw_signer **signer_out)
{
    struct pw_signer *signer = pw_secret_alloc(sizeof *signer);
    if (!signer) {
        return -ENOMEM;
    }
    int error = load(signer, path);
    wipe_stack();
    wipe(&signer->scratch, sizeof signer->scratch);
    if (error) {
        pw_signer_free(signer);
        return error;
    }
    *signer_out = signer;
    return 0;
}

/* ---- signing ---- */

size_t pw_signer_signature_bytes(const struct pw_signer *signer)
{
    return signer->is_hmac ? 64 : 88;
}

static size_t encode_hex(const unsigned char *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return 2 * size;
}

static size_t encode_base64(const unsigned char *bytes, size_t size, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t written = 0;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) {
            text[written++] = k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    return written;
}

size_t pw_signer_sign(struct pw_signer *signer, const char *payload, size_t bytes, char *signature)
{
    unsigned char raw[ED25519_SIG_SIZE];
    const unsigned char *message = (const unsigned char *)payload;
    if (signer->is_hmac) {
        bool ok = wc_HmacUpdate(&signer->hmac, message, (word32)bytes) == 0 &&
                  wc_HmacFinal(&signer->hmac, raw) == 0;
        wipe_stack();
        return ok ? encode_hex(raw, WC_SHA256_DIGEST_SIZE, signature) : 0;
    }
    word32 raw_bytes = sizeof raw;
    bool ok = wc_ed25519_sign_msg(message, (word32)bytes, raw, &raw_bytes, &signer->ed25519) == 0;
    wipe_stack();
    return ok ? encode_base64(raw, raw_bytes, signature) : 0;
}
