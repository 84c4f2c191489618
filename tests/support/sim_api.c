/* SPDX-License-Identifier: MIT
 *
 * Requests, signatures and events: see sim_api.h.
 */
#include "sim_api.h"
#include "host.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 10000 /* far beyond what anything takes here */

const struct api_key api_ed25519 = {"simkey", NULL}, api_hmac = {"hmackey", "simulatedsecret"};

static const unsigned char g_seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                         0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                         0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const char g_public[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                               "-----END PUBLIC KEY-----\n";

/* ---- the venue ---- */

static void venue_start(struct venue *venue, const char *more, void (*start)(struct venue *, const char *))
{
    char path[64], yaml[4096];
    FILE *file;

    snprintf(path, sizeof path, "/tmp/pinwheel-public-key-%d.pem", (int)getpid());
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(g_public, file);
    cr_assert_eq(fclose(file), 0);
    snprintf(
        yaml, sizeof yaml,
        "market:\n"
        "  seed: 7\n"
        "  instruments:\n"
        "    - {symbol: BTCUSDT, price: \"61500\", tick: \"0.01\", step: \"0.00001\", volatility_ppm: 0}\n"
        "accounts:\n"
        "  - {api_key: simkey, public_key: %s,\n"
        "     balances: [{asset: USDT, free: \"100000\"}, {asset: BTC, free: \"1\"}]}\n"
        "  - {api_key: hmackey, secret: simulatedsecret,\n"
        "     balances: [{asset: USDT, free: \"100000\"}, {asset: BTC, free: \"1\"}]}\n"
        "%s",
        path, more);
    start(venue, yaml);
    unlink(path);
}

void api_venue_open(struct venue *venue, const char *more)
{
    venue_start(venue, more, venue_open);
}

void api_venue_reopen(struct venue *venue, const char *more)
{
    venue_start(venue, more, venue_reopen);
}

/* ---- the connection ---- */

void api_open(struct api *api, const struct venue *venue, const char *query)
{
    char target[128];

    *api = (struct api){.events = json_array()};
    snprintf(target, sizeof target, "/ws-api/v3%s", query);
    cr_assert(peer_open(&api->peer, venue_tls(venue)));
    cr_assert_eq(peer_upgrade(&api->peer, target), 101, "%s", api->peer.text);
}

void api_close(struct api *api)
{
    json_decref(api->reply);
    json_decref(api->events);
    peer_close(&api->peer);
}

/* One message: a reply or an event. False: none came. */
static bool hear(struct api *api, int timeout_ms)
{
    json_t *message;

    if (peer_hear_data(&api->peer, timeout_ms) != 1) {
        return false;
    }
    message = json_loadb(api->peer.text, api->peer.text_bytes, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(message, "%s", api->peer.text);
    if (json_object_get(message, "event")) {
        json_array_append_new(api->events, message);
    } else {
        json_decref(api->reply);
        api->reply = message;
    }
    return true;
}

json_t *api_event(struct api *api, const char *type, int timeout_ms)
{
    json_t *message;
    size_t i;

    for (;;) {
        json_array_foreach(api->events, i, message)
        {
            if (strcmp(api_text(json_object_get(message, "event"), "e"), type) == 0) {
                json_incref(message);
                json_array_remove(api->events, i);
                return message;
            }
        }
        if (!hear(api, timeout_ms)) {
            return NULL;
        }
    }
}

/* ---- signing ---- */

long long api_now_ms(void)
{
    return pw_clock_read_ns(CLOCK_REALTIME) / 1000000;
}

void api_sign(const struct api_key *key, const char *payload, char signature[89])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    const unsigned char *text = (const unsigned char *)payload;
    size_t size = sizeof raw;
    unsigned digest_bytes = 0;

    if (key->secret) {
        cr_assert_not_null(HMAC(EVP_sha256(), key->secret, (int)strlen(key->secret), text, strlen(payload),
                                raw, &digest_bytes));
        for (unsigned i = 0; i < digest_bytes; i++) {
            sprintf(signature + 2 * i, "%02x", raw[i]);
        }
        return;
    }
    EVP_PKEY *private_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, g_seed, sizeof g_seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    cr_assert_eq(EVP_DigestSignInit(context, NULL, NULL, NULL, private_key), 1);
    cr_assert_eq(EVP_DigestSign(context, raw, &size, text, strlen(payload)), 1);
    EVP_EncodeBlock((unsigned char *)signature, raw, (int)size);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(private_key);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void api_sign_params(const struct api_key *key, json_t *params)
{
    const char *names[32], *name;
    char payload[2048] = "", signature[89];
    size_t cnt = 0, used = 0;
    json_t *value;

    if (!json_object_get(params, "apiKey")) {
        json_object_set_new(params, "apiKey", json_string(key->name));
    }
    if (!json_object_get(params, "timestamp")) {
        json_object_set_new(params, "timestamp", json_integer(api_now_ms()));
    }
    json_object_foreach(params, name, value)
    {
        cr_assert_lt(cnt, 32);
        names[cnt++] = name;
    }
    qsort(names, cnt, sizeof names[0], by_name);
    for (size_t i = 0; i < cnt; i++) {
        char *other = NULL;
        value = json_object_get(params, names[i]);
        if (!json_is_string(value)) {
            other = json_dumps(value, JSON_ENCODE_ANY);
        }
        used += (size_t)snprintf(payload + used, sizeof payload - used, "%s%s=%s", i ? "&" : "", names[i],
                                 other ? other : json_string_value(value));
        free(other);
    }
    api_sign(key, payload, signature);
    json_object_set_new(params, "signature", json_string(signature));
}

/* ---- asking ---- */

int api_say(struct api *api, const char *text)
{
    json_decref(api->reply);
    api->reply = NULL;
    peer_say(&api->peer, text);
    while (!api->reply) {
        if (!hear(api, WAIT_MS)) {
            return -1;
        }
    }
    return (int)json_integer_value(json_object_get(api->reply, "status"));
}

int api_call(struct api *api, const struct api_key *key, const char *method, const char *params)
{
    static int id;
    char inside[2048];
    json_t *request = json_object(), *object;
    char *text;
    int status;

    snprintf(inside, sizeof inside, "{%s}", params);
    object = json_loads(inside, 0, NULL);
    cr_assert_not_null(object, "%s", inside);
    if (key) {
        api_sign_params(key, object);
    }
    json_object_set_new(request, "id", json_integer(++id));
    json_object_set_new(request, "method", json_string(method));
    json_object_set_new(request, "params", object);
    text = json_dumps(request, 0);
    status = api_say(api, text);
    cr_assert(status < 0 || json_integer_value(json_object_get(api->reply, "id")) == id);
    free(text);
    json_decref(request);
    return status;
}

json_t *api_result(const struct api *api)
{
    return json_object_get(api->reply, "result");
}

int api_code(const struct api *api)
{
    return (int)json_integer_value(json_object_get(json_object_get(api->reply, "error"), "code"));
}

const char *api_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}
