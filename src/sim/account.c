/* SPDX-License-Identifier: MIT
 *
 * Keys, signatures, balances: see account.h.
 */
#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/hmac.h>

#include "account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- accounts ---- */

static struct pw_sim_balance *balance_ensure(struct pw_sim_account *account, const char *asset)
{
    struct pw_sim_balance *balance = pw_sim_account_balance(account, asset);

    if (!balance) {
        balance = &account->balances[account->balance_cnt++];
        snprintf(balance->asset, sizeof balance->asset, "%s", asset);
    }
    return balance;
}

int pw_sim_accounts_init(struct pw_sim_accounts *accounts, const struct pw_sim_config *config,
                         const struct pw_sim_source *source)
{
    *accounts = (struct pw_sim_accounts){.account_cnt = config->account_cnt};
    accounts->accounts = calloc(config->account_cnt ? config->account_cnt : 1, sizeof *accounts->accounts);
    for (uint32_t i = 0; accounts->accounts && i < config->account_cnt; i++) {
        struct pw_sim_account *account = &accounts->accounts[i];
        const struct pw_sim_account_config *own = &config->accounts[i];

        account->config = own;
        account->account_idx = i;
        account->first_open = account->last_open = UINT32_MAX;
        account->balances =
            calloc(own->balance_cnt + 2 * (size_t)source->symbol_cnt, sizeof *account->balances);
        if (!account->balances) {
            pw_sim_accounts_fini(accounts);
            return -ENOMEM;
        }
        for (uint32_t k = 0; k < own->balance_cnt; k++) {
            balance_ensure(account, own->balances[k].asset)->free_e8 = own->balances[k].free_e8;
        }
        for (uint32_t k = 0; k < source->symbol_cnt; k++) {
            balance_ensure(account, source->symbols[k].base);
            balance_ensure(account, source->symbols[k].quote);
        }
    }
    return accounts->accounts ? 0 : -ENOMEM;
}

void pw_sim_accounts_fini(struct pw_sim_accounts *accounts)
{
    for (uint32_t i = 0; accounts->accounts && i < accounts->account_cnt; i++) {
        free(accounts->accounts[i].balances);
    }
    free(accounts->accounts);
    *accounts = (struct pw_sim_accounts){0};
}

struct pw_sim_account *pw_sim_accounts_find(const struct pw_sim_accounts *accounts, struct pw_slice api_key)
{
    for (uint32_t i = 0; i < accounts->account_cnt; i++) {
        if (pw_slice_equal(api_key, accounts->accounts[i].config->api_key)) {
            return &accounts->accounts[i];
        }
    }
    return NULL;
}

struct pw_sim_balance *pw_sim_account_balance(const struct pw_sim_account *account, const char *asset)
{
    for (uint32_t i = 0; i < account->balance_cnt; i++) {
        if (strcmp(account->balances[i].asset, asset) == 0) {
            return &account->balances[i];
        }
    }
    return NULL;
}

/* ---- signatures ---- */

/* Feeds the text to the HMAC but for the pair `signature=...` and the `&` that joins it to its neighbour. */
static int hmac_part(Hmac *hmac, struct pw_slice text)
{
    static const char name[] = "signature=";
    bool first = true;

    while (text.size) {
        const char *end = memchr(text.text, '&', text.size);
        size_t size = end ? (size_t)(end - text.text) : text.size;
        int result = 0;

        if (size < sizeof name - 1 || memcmp(text.text, name, sizeof name - 1) != 0) {
            if (!first) {
                result = wc_HmacUpdate(hmac, (const byte *)"&", 1);
            }
            if (!result && size) {
                result = wc_HmacUpdate(hmac, (const byte *)text.text, (word32)size);
            }
            first = false;
        }
        if (result) {
            return result;
        }
        text.text += size + (end != NULL);
        text.size -= size + (end != NULL);
    }
    return 0;
}

bool pw_sim_sign(const char *secret, struct pw_slice query, struct pw_slice body,
                 char signature[PW_SIM_SIGNATURE_BYTES])
{
    byte digest[WC_SHA256_DIGEST_SIZE];
    Hmac hmac;
    bool good;

    if (wc_HmacInit(&hmac, NULL, INVALID_DEVID) != 0) {
        return false;
    }
    good = wc_HmacSetKey(&hmac, WC_SHA256, (const byte *)secret, (word32)strlen(secret)) == 0 &&
           hmac_part(&hmac, query) == 0 && hmac_part(&hmac, body) == 0 && wc_HmacFinal(&hmac, digest) == 0;
    wc_HmacFree(&hmac);
    for (size_t i = 0; good && i < sizeof digest; i++) {
        snprintf(signature + 2 * i, 3, "%02x", digest[i]);
    }
    return good;
}
