/* SPDX-License-Identifier: MIT
 *
 * See openssl_baseline.h. The key's schedule is made once for each direction, as a connection does it.
 */
#include "openssl_baseline.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define TAG_BYTES 16

struct gcm {
    EVP_CIPHER_CTX *seal, *open;
};

static const uint8_t header[5] = {23, 3, 3, 64, 0};

void openssl_gcm_free(void *context)
{
    struct gcm *gcm = context;
    if (gcm != NULL) {
        EVP_CIPHER_CTX_free(gcm->seal);
        EVP_CIPHER_CTX_free(gcm->open);
        free(gcm);
    }
}

void *openssl_gcm_new(const uint8_t *key)
{
    struct gcm *gcm = calloc(1, sizeof *gcm);
    if (gcm == NULL) {
        return NULL;
    }
    gcm->seal = EVP_CIPHER_CTX_new();
    gcm->open = EVP_CIPHER_CTX_new();
    if (gcm->seal == NULL || gcm->open == NULL ||
        EVP_EncryptInit_ex(gcm->seal, EVP_aes_128_gcm(), NULL, key, NULL) != 1 ||
        EVP_DecryptInit_ex(gcm->open, EVP_aes_128_gcm(), NULL, key, NULL) != 1) {
        openssl_gcm_free(gcm);
        return NULL;
    }
    return gcm;
}

const char *openssl_gcm_about(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

bool openssl_gcm_seal(void *context, const uint8_t *nonce, const uint8_t *plain, size_t bytes,
                      uint8_t *sealed)
{
    EVP_CIPHER_CTX *seal = ((struct gcm *)context)->seal;
    int out;
    return EVP_EncryptInit_ex(seal, NULL, NULL, NULL, nonce) == 1 &&
           EVP_EncryptUpdate(seal, NULL, &out, header, sizeof header) == 1 &&
           EVP_EncryptUpdate(seal, sealed, &out, plain, (int)bytes) == 1 &&
           EVP_EncryptFinal_ex(seal, sealed + bytes, &out) == 1 &&
           EVP_CIPHER_CTX_ctrl(seal, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + bytes) == 1;
}

bool openssl_gcm_open(void *context, const uint8_t *nonce, const uint8_t *sealed, size_t bytes,
                      uint8_t *plain)
{
    EVP_CIPHER_CTX *open = ((struct gcm *)context)->open;
    uint8_t tag[TAG_BYTES];
    int out;
    memcpy(tag, sealed + bytes, sizeof tag); /* EVP takes it as not const */
    return EVP_DecryptInit_ex(open, NULL, NULL, NULL, nonce) == 1 &&
           EVP_DecryptUpdate(open, NULL, &out, header, sizeof header) == 1 &&
           EVP_DecryptUpdate(open, plain, &out, sealed, (int)bytes) == 1 &&
           EVP_CIPHER_CTX_ctrl(open, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 &&
           EVP_DecryptFinal_ex(open, plain + bytes, &out) == 1;
}
