/* SPDX-License-Identifier: MIT
 *
 * A client of the simulated venue's WebSocket API for the tests: TLS by OpenSSL, signatures by OpenSSL, JSON
 * by jansson.
 */
#ifndef PW_TEST_SIM_API_H
#define PW_TEST_SIM_API_H

#include "sim_program.h"

#include <jansson.h>

/* Who signs: with a secret, or (NULL) with the private key of RFC 8032, 7.1, test 1. */
struct api_key {
    const char *name, *secret;
};
extern const struct api_key api_ed25519, api_hmac;

/* A venue with one quiet instrument, BTCUSDT at about 61500, and an account for each of the keys, with 100000
 * USDT and 1 BTC. `more` is further YAML. */
void api_venue_open(struct venue *venue, const char *more);
/* The same again, in the folder of one that was stopped. */
void api_venue_reopen(struct venue *venue, const char *more);

struct api {
    struct peer peer;
    json_t *reply;  /* the last one */
    json_t *events; /* heard and not yet taken */
};

/* `query`: "" or "?..." */
void api_open(struct api *api, const struct venue *venue, const char *query);
void api_close(struct api *api);

long long api_now_ms(void);
/* Signs; the text is zero-terminated. */
void api_sign(const struct api_key *key, const char *payload, char signature[89]);
/* Adds apiKey, timestamp (unless they are there) and signature. */
void api_sign_params(const struct api_key *key, json_t *params);

/* Sends a text, waits for the reply: its status. -1: none came, the connection has ended. */
int api_say(struct api *api, const char *text);
/* A request with these params ("" or the inside of an object: "\"symbol\":\"BTCUSDT\""), signed if there is
 * a key. */
int api_call(struct api *api, const struct api_key *key, const char *method, const char *params);
/* Of the last reply: its result, its error's code (0: none). */
json_t *api_result(const struct api *api);
int api_code(const struct api *api);
/* A text of an object's; "" if it is not there. */
const char *api_text(const json_t *object, const char *name);

/* The next event of that type, taken out (to be given back by json_decref) with its envelope; waits for it.
 * NULL: it did not come within timeout_ms. */
json_t *api_event(struct api *api, const char *type, int timeout_ms);

#endif
