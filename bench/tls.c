/* SPDX-License-Identifier: MIT
 *
 * tls: records of AES-128-GCM sealed and opened, with the wolfSSL that pinwheel is linked with, with the
 * distribution's package of it where that is another one, and with OpenSSL where the build had it.
 *
 * The cipher alone, as TLS 1.3 uses it: a nonce of its own for each record, five bytes of header
 * authenticated. All have the same key, and must make the same bytes before the clock runs.
 */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/aes.h>

#include "openssl_baseline.h"
#include "rounds.h"
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES    16
#define NONCE_BYTES  12
#define HEADER_BYTES 5
#define TAG_BYTES    16
#define RECORD_MAX   16384u
#define ITEMS_MAX    4000u
#define ITEMS_MIN    200u
#define ROUND_BYTES  (2u << 20) /* of long records in a round */
#define LIBS_MAX     3u

/* A packaged library lays its key's context out in its own way. It is only ever handed an address, and this
 * is many times what any build of the 5.x series needs (the largest table in it has 4 KiB). */
#define CONTEXT_BYTES 65536u
#define VERSION_FIRST 0x05000000u
#define VERSION_END   0x06000000u
/* Numbers that shared libraries' names are tried with; of which series one is, it says itself. */
#define SONAME_FIRST 27
#define SONAME_LAST  60

static const uint32_t sizes[] = {64, 256, 1024, 4096, 16384};
static const uint8_t key[KEY_BYTES] = "pinwheel bench 1";
static const uint8_t header[HEADER_BYTES] = {23, 3, 3, 64, 0};

/* One way to the cipher. */
struct library {
    const char *id, *name;
    void *context;
    bool (*seal)(void *context, const uint8_t *nonce, const uint8_t *plain, size_t bytes, uint8_t *sealed);
    bool (*open)(void *context, const uint8_t *nonce, const uint8_t *sealed, size_t bytes, uint8_t *plain);
};

/* ---- wolfSSL, linked or loaded ---- */

struct wolf {
    int (*init)(Aes *aes, void *heap, int device);
    int (*set_key)(Aes *aes, const byte *key, word32 bytes);
    int (*encrypt)(Aes *aes, byte *out, const byte *in, word32 bytes, const byte *nonce, word32 nonce_bytes,
                   byte *tag, word32 tag_bytes, const byte *header, word32 header_bytes);
    int (*decrypt)(Aes *aes, byte *out, const byte *in, word32 bytes, const byte *nonce, word32 nonce_bytes,
                   const byte *tag, word32 tag_bytes, const byte *header, word32 header_bytes);
    Aes *aes; /* CONTEXT_BYTES of memory */
};

static_assert(sizeof(Aes) <= CONTEXT_BYTES / 4, "room to spare for other layouts");

static bool wolf_seal(void *context, const uint8_t *nonce, const uint8_t *plain, size_t bytes,
                      uint8_t *sealed)
{
    const struct wolf *wolf = context;
    return wolf->encrypt(wolf->aes, sealed, plain, (word32)bytes, nonce, NONCE_BYTES, sealed + bytes,
                         TAG_BYTES, header, HEADER_BYTES) == 0;
}

static bool wolf_open(void *context, const uint8_t *nonce, const uint8_t *sealed, size_t bytes,
                      uint8_t *plain)
{
    const struct wolf *wolf = context;
    return wolf->decrypt(wolf->aes, plain, sealed, (word32)bytes, nonce, NONCE_BYTES, sealed + bytes,
                         TAG_BYTES, header, HEADER_BYTES) == 0;
}

static bool wolf_begin(struct wolf *wolf, struct library *library, const char *id, const char *name)
{
    wolf->aes = aligned_alloc(64, CONTEXT_BYTES);
    if (wolf->aes == NULL) {
        return false;
    }
    memset(wolf->aes, 0, CONTEXT_BYTES);
    *library =
        (struct library){.id = id, .name = name, .context = wolf, .seal = wolf_seal, .open = wolf_open};
    return wolf->init(wolf->aes, NULL, INVALID_DEVID) == 0 && wolf->set_key(wolf->aes, key, KEY_BYTES) == 0;
}

/* dlsym gives an object's pointer where a function's is meant. */
static bool symbol_find(void *handle, const char *name, void *function)
{
    void *found = dlsym(handle, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

/* The handle of the packaged library, or NULL, which the note explains. */
static void *package_load(struct wolf *wolf, struct pw_bench_report *report)
{
    word32 (*version_hex)(void);
    void *handle = NULL;
    for (int number = SONAME_LAST; number >= SONAME_FIRST && handle == NULL; number--) {
        char name[32];
        snprintf(name, sizeof name, "libwolfssl.so.%d", number);
        handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
    if (handle == NULL) {
        pw_bench_note(report, "wolfSSL (Debian package): not installed");
        return NULL;
    }
    bool good = symbol_find(handle, "wolfSSL_lib_version_hex", &version_hex) &&
                version_hex() >= VERSION_FIRST && version_hex() < VERSION_END &&
                symbol_find(handle, "wc_AesInit", &wolf->init) &&
                symbol_find(handle, "wc_AesGcmSetKey", &wolf->set_key) &&
                symbol_find(handle, "wc_AesGcmEncrypt", &wolf->encrypt) &&
                symbol_find(handle, "wc_AesGcmDecrypt", &wolf->decrypt);
    if (!good || wolf->encrypt == wc_AesGcmEncrypt) {
        pw_bench_note(report, good ? "wolfSSL (Debian package): the same as our build"
                                   : "wolfSSL (Debian package): skipped, of another series");
        dlclose(handle);
        return NULL;
    }
    return handle;
}

/* ---- subjects ---- */

struct records {
    const struct library *library;
    size_t bytes;
    uint64_t number; /* of records sealed: each has its nonce */
    uint64_t failed_cnt;
    uint8_t nonce[NONCE_BYTES];
    uint8_t plain[RECORD_MAX], sealed[RECORD_MAX + TAG_BYTES], other[RECORD_MAX + TAG_BYTES];
};

static void seal_run(void *arg, size_t first, size_t end)
{
    struct records *r = arg;
    for (size_t i = first; i < end; i++) {
        r->number++;
        memcpy(r->nonce + NONCE_BYTES - sizeof r->number, &r->number, sizeof r->number);
        r->failed_cnt += !r->library->seal(r->library->context, r->nonce, r->plain, r->bytes, r->other);
    }
}

static void open_begin(void *arg)
{
    struct records *r = arg;
    memset(r->nonce, 1, NONCE_BYTES);
    r->failed_cnt += !r->library->seal(r->library->context, r->nonce, r->plain, r->bytes, r->sealed);
}

static void open_run(void *arg, size_t first, size_t end)
{
    struct records *r = arg;
    for (size_t i = first; i < end; i++) {
        r->failed_cnt += !r->library->open(r->library->context, r->nonce, r->sealed, r->bytes, r->other);
    }
}

/* ---- sizes ---- */

struct desk {
    struct library libraries[LIBS_MAX];
    uint32_t library_cnt;
    struct records records[LIBS_MAX];
};

/* Do all make the same bytes of a record, open them, and refuse them when one has changed? */
static bool libraries_agree(struct desk *d)
{
    bool good = true;
    for (uint32_t k = 0; k < d->library_cnt; k++) {
        struct records *r = &d->records[k];
        open_begin(r);
        open_run(r, 0, 1);
        good = good && r->failed_cnt == 0 && memcmp(r->other, r->plain, r->bytes) == 0 &&
               memcmp(r->sealed, d->records[0].sealed, r->bytes + TAG_BYTES) == 0;
        r->sealed[0] ^= 1;
        open_run(r, 0, 1);
        r->sealed[0] ^= 1;
        good = good && r->failed_cnt == 1;
        r->failed_cnt = 0;
    }
    return good;
}

static int direction_run(struct desk *d, bool seal, size_t item_cnt, struct pw_bench_report *report)
{
    struct pw_bench_subject subjects[LIBS_MAX] = {0};
    uint64_t failed_cnt = 0;
    for (uint32_t k = 0; k < d->library_cnt; k++) {
        subjects[k] = (struct pw_bench_subject){
            .run = seal ? seal_run : open_run, .begin = seal ? NULL : open_begin, .arg = &d->records[k]};
        const char *what = seal ? "encrypt" : "decrypt";
        snprintf(subjects[k].id, sizeof subjects[k].id, "tls_%s_%zu%s", what, d->records[k].bytes,
                 d->libraries[k].id);
        snprintf(subjects[k].name, sizeof subjects[k].name, "%s %zu B, %s", what, d->records[k].bytes,
                 d->libraries[k].name);
    }
    int result = pw_bench_rounds_run(subjects, d->library_cnt, item_cnt, report);
    for (uint32_t k = 0; k < d->library_cnt; k++) {
        failed_cnt += d->records[k].failed_cnt;
    }
    if (result == 0 && failed_cnt > 0) {
        pw_bench_note(report, "%llu records could not be encrypted or decrypted",
                      (unsigned long long)failed_cnt);
        return -EIO;
    }
    for (uint32_t k = 1; k < d->library_cnt && result == 0; k++) {
        pw_bench_rounds_add_speed(report, &subjects[0], &subjects[k], 0);
    }
    return result;
}

static int size_run(struct desk *d, const struct pw_bench_env *env, uint32_t bytes,
                    struct pw_bench_report *report)
{
    size_t item_cnt = ROUND_BYTES / bytes;
    item_cnt = item_cnt > ITEMS_MAX ? ITEMS_MAX : item_cnt < ITEMS_MIN ? ITEMS_MIN : item_cnt;
    item_cnt = env->quick ? 1 + item_cnt / 100 : item_cnt;
    for (uint32_t k = 0; k < d->library_cnt; k++) {
        struct records *r = &d->records[k];
        *r = (struct records){.library = &d->libraries[k], .bytes = bytes};
        for (uint32_t i = 0; i < bytes; i++) {
            r->plain[i] = (uint8_t)(i * 7);
        }
    }
    if (!libraries_agree(d)) {
        pw_bench_note(report, "the libraries disagree on a record of %u bytes", bytes);
        return -EBADMSG;
    }
    int result = direction_run(d, true, item_cnt, report);
    return result != 0 ? result : direction_run(d, false, item_cnt, report);
}

/* ---- the bench ---- */

static void note_linked(struct pw_bench_report *report)
{
#if defined(WOLFSSL_AESNI) || defined(WOLFSSL_ARMASM)
    pw_bench_note(report, "wolfSSL %s (our build): with AES instructions", wolfSSL_lib_version());
#else
    pw_bench_note(report, "wolfSSL %s (our build): WITHOUT AES instructions", wolfSSL_lib_version());
#endif
}

static int tls_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    static struct desk d;
    struct wolf linked = {wc_AesInit, wc_AesGcmSetKey, wc_AesGcmEncrypt, wc_AesGcmDecrypt, NULL};
    struct wolf packaged = {0};
    int result = pw_bench_core_bind(env->cores[0]);
    note_linked(report);
    bool good = wolf_begin(&linked, &d.libraries[d.library_cnt++], "", "wolfSSL (our build)");
    void *package = package_load(&packaged, report);
    if (package != NULL) {
        good =
            wolf_begin(&packaged, &d.libraries[d.library_cnt++], "_packaged", "wolfSSL (Debian package)") &&
            good;
    }
    struct library *openssl = &d.libraries[d.library_cnt++];
    *openssl = (struct library){.id = "_openssl",
                                .name = "OpenSSL",
                                .context = openssl_gcm_new(key),
                                .seal = openssl_gcm_seal,
                                .open = openssl_gcm_open};
    good = openssl->context != NULL && good;
    pw_bench_note(report, "%s", openssl_gcm_about());
    result = result == 0 && !good ? -ENOMEM : result;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && result == 0; i++) {
        result = size_run(&d, env, sizes[i], report);
    }
    openssl_gcm_free(openssl->context);
    free(linked.aes);
    free(packaged.aes);
    if (package != NULL) {
        dlclose(package);
    }
    d.library_cnt = 0;
    return result;
}

const struct pw_bench pw_bench_tls = {
    .name = "tls",
    .what = "encrypt and decrypt AES-128-GCM records: wolfSSL (our build), wolfSSL (Debian package), OpenSSL",
    .run = tls_run,
};
