/* SPDX-License-Identifier: MIT
 *
 * The two files of each live account: the key's name, and its secret.
 */
#include "keys.h"
#include "accounts_config.h"

#include "confine.h"
#include "secret.h"
#include "sign.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define API_KEY_SIZE (PW_API_KEY_BYTES_MAX + 1)

static int fail(const struct pw_config *config, uint32_t account_idx, const char *key, const char *path,
                int err, char *error, size_t error_bytes)
{
    char place[400], at[64];
    pw_config_account_key(config, account_idx, key, at, sizeof at);
    const char *what = err == -EPERM ? "file mode is too open, or you are not the owner; run chmod 600 on it"
                       : err == -ELOOP  ? "is a symbolic link; name the file itself"
                       : err == -EINVAL ? "does not hold exactly one key; docs/live.md shows the format"
                       : err == -ENOMEM ? "cannot lock memory for it (ulimit -l)"
                                        : strerror(-err);
    snprintf(error, error_bytes, "%s: %s: %s: %s", pw_config_place(config, place, sizeof place, "%s", at),
             key, path, what);
    return err;
}

/* The API key goes into JSON texts as it is: letters and digits, as the venue makes them. */
static bool is_api_key(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        bool good = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') ||
                    (text[i] >= 'a' && text[i] <= 'z') || text[i] == '-' || text[i] == '_';
        if (!good) {
            return false;
        }
    }
    return bytes > 0;
}

static int load(struct pw_key_files *files, const struct pw_config *config, uint32_t account_idx, char *error,
                size_t error_bytes)
{
    const struct pw_config_live *live = pw_config_account(config, account_idx).live;
    struct pw_keys *keys = &files->keys[account_idx];
    char *api_key = files->api_keys[account_idx] = pw_secret_alloc(API_KEY_SIZE);
    long bytes = api_key ? pw_secret_read(live->api_key_file, api_key, API_KEY_SIZE) : -ENOMEM;
    int err = bytes < 0 ? (int)bytes : is_api_key(api_key, (size_t)bytes) ? 0 : -EINVAL;
    if (err != 0) {
        return fail(config, account_idx, "live.api_key_file", live->api_key_file, err, error, error_bytes);
    }
    api_key[bytes] = '\0';
    keys->api_key = api_key;
    err = pw_signer_load(live->key_file, &keys->signer);
    return err == 0 ? 0 : fail(config, account_idx, "live.key_file", live->key_file, err, error, error_bytes);
}

/* A venue reports an account's orders to everybody who has its key: two accounts here that are one there
 * would be told of each other's. */
static int check_distinct(const struct pw_key_files *files, const struct pw_config *config,
                          uint32_t account_idx, char *error, size_t error_bytes)
{
    struct pw_account_setup account = pw_config_account(config, account_idx);
    for (uint32_t i = 0; i < account_idx; i++) {
        struct pw_account_setup other = pw_config_account(config, i);
        if (files->api_keys[i] && strcmp(files->api_keys[i], files->api_keys[account_idx]) == 0 &&
            strcmp(other.live->conn.ws_url, account.live->conn.ws_url) == 0) {
            snprintf(
                error, error_bytes,
                "%s: accounts: '%s' and '%s' have the same API key at the same venue; make one account of "
                "them",
                config->path, other.name, account.name);
            return -EINVAL;
        }
    }
    return 0;
}

int pw_keys_load(struct pw_key_files *files, const struct pw_config *config, char *error, size_t error_bytes)
{
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < pw_config_account_cnt(config); i++) {
        if (pw_config_account(config, i).traits->needs_keys) {
            pw_confine_hide();
            err = load(files, config, i, error, error_bytes);
            err = err == 0 ? check_distinct(files, config, i, error, error_bytes) : err;
        }
    }
    return err;
}

void pw_keys_wipe(struct pw_key_files *files)
{
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        pw_signer_free(files->keys[i].signer);
        pw_secret_free(files->api_keys[i], API_KEY_SIZE);
    }
    *files = (struct pw_key_files){0};
}
