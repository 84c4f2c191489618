/* SPDX-License-Identifier: MIT
 *
 * AssetPairs: from Kraken's list of pairs to the engine's instruments.
 */
#include "kraken_rest.h"

#include "decimal.h"
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DECIMALS_MAX 8

int pw_kraken_instruments_target(struct pw_venue_wants wants, char *target, size_t size)
{
    (void)wants;
    int bytes = snprintf(target, size, "/0/public/AssetPairs");
    return (size_t)bytes < size ? 0 : -E2BIG;
}

struct reading {
    const char *symbol;
    struct pw_instrument_said *said; /* fault: the first */
};

static void blame(struct reading *reading, int fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void blame(struct reading *reading, int fault, const char *format, ...)
{
    if (reading->said->fault != 0) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(reading->said->text, sizeof reading->said->text, format, args);
    va_end(args);
    reading->said->fault = fault;
}

/* WebSocket v2 calls two assets by their usual names. */
static const char *asset_of(const char *name, size_t bytes)
{
    static const char *const renamed[][2] = {{"XBT", "BTC"}, {"XDG", "DOGE"}};
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
        if (strlen(renamed[i][0]) == bytes && memcmp(renamed[i][0], name, bytes) == 0) {
            return renamed[i][1];
        }
    }
    return NULL;
}

/* "XBT/USD" to base "BTC", quote "USD". False: it is not a pair, or too long. */
static bool split(const char *wsname, char base[PW_ASSET_BYTES], char quote[PW_ASSET_BYTES])
{
    const char *slash = strchr(wsname, '/');
    if (slash == NULL) {
        return false;
    }
    const char *parts[] = {wsname, slash + 1};
    size_t bytes[] = {(size_t)(slash - wsname), strlen(slash + 1)};
    char *out[] = {base, quote};
    for (int i = 0; i < 2; i++) {
        const char *renamed = asset_of(parts[i], bytes[i]);
        int written = renamed != NULL ? snprintf(out[i], PW_ASSET_BYTES, "%s", renamed)
                                      : snprintf(out[i], PW_ASSET_BYTES, "%.*s", (int)bytes[i], parts[i]);
        if (written <= 0 || written >= PW_ASSET_BYTES) {
            return false;
        }
    }
    return true;
}

/* 10^-decimals. */
static int64_t unit_e8(struct reading *reading, const json_t *pair, const char *key)
{
    const json_t *decimals = json_object_get(pair, key);
    json_int_t cnt = json_integer_value(decimals);
    if (!json_is_integer(decimals) || cnt < 0) {
        blame(reading, -EBADMSG, "%s are missing", key);
        return 0;
    }
    if (cnt > DECIMALS_MAX) {
        blame(reading, -ERANGE, "%s are %d; the maximum is %d", key, (int)cnt, DECIMALS_MAX);
        return 0;
    }
    int64_t unit = PW_E8;
    for (json_int_t i = 0; i < cnt; i++) {
        unit /= 10;
    }
    return unit;
}

/* 0: the venue does not state it. */
static int64_t limit_e8(struct reading *reading, const json_t *pair, const char *key)
{
    const char *text = json_string_value(json_object_get(pair, key));
    int64_t value_e8 = 0;
    if (text != NULL && !pw_decimal_parse_e8(text, strlen(text), false, &value_e8)) {
        blame(reading, -ERANGE, "%s is '%.40s', which is out of range", key, text);
    }
    return value_e8;
}

static void read_pair(struct reading *reading, const json_t *pair, struct pw_instrument *row)
{
    const char *status = json_string_value(json_object_get(pair, "status"));
    int64_t tick_e8 = limit_e8(reading, pair, "tick_size");
    snprintf(reading->said->status, sizeof reading->said->status, "%.20s",
             status != NULL ? status : "online");
    row->tradable = strcmp(reading->said->status, "online") == 0;
    row->tick_e8 = tick_e8 > 0 ? tick_e8 : unit_e8(reading, pair, "pair_decimals");
    row->step_e8 = row->market_step_e8 = unit_e8(reading, pair, "lot_decimals");
    row->min_qty_e8 = row->market_min_qty_e8 = limit_e8(reading, pair, "ordermin");
    row->min_notional_e8 = limit_e8(reading, pair, "costmin");
    row->min_notional_market = row->min_notional_e8 > 0;
}

static void find_pair(struct reading *reading, const json_t *pairs, struct pw_instrument *row)
{
    const char *key;
    const json_t *pair;
    json_object_foreach((json_t *)pairs, key, pair)
    {
        char symbol[sizeof row->base + sizeof row->quote];
        const char *wsname = json_string_value(json_object_get(pair, "wsname"));
        if (wsname == NULL || !split(wsname, row->base, row->quote)) {
            continue;
        }
        snprintf(symbol, sizeof symbol, "%s/%s", row->base, row->quote);
        if (strcmp(symbol, reading->symbol) == 0) { /* which the config holds whole, so it fits */
            memcpy(row->symbol, symbol, strlen(symbol) + 1);
            read_pair(reading, pair, row);
            return;
        }
    }
    blame(reading, -ENOENT, "the venue has no such symbol");
}

int pw_kraken_instruments(const char *body, size_t size, struct pw_venue_wants wants,
                          struct pw_instrument_list *list)
{
    json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *errors = json_object_get(root, "error"), *pairs = json_object_get(root, "result");
    const char *rejection = json_string_value(json_array_get(errors, 0));
    int err = 0;
    if (rejection != NULL) {
        err = -EREMOTEIO;
        snprintf(list->error, sizeof list->error, "the venue rejected the request: %.160s", rejection);
    } else if (!json_is_array(errors) || !json_is_object(pairs)) {
        err = -EBADMSG;
        snprintf(list->error, sizeof list->error, "unexpected response: not a list of pairs");
    }
    for (uint32_t i = 0; i < wants.symbol_cnt && err == 0; i++) {
        struct reading reading = {wants.symbols[i], &list->said[i]};
        *reading.said = (struct pw_instrument_said){0};
        list->rows[i] = (struct pw_instrument){.feed_idx = list->feed_idx};
        find_pair(&reading, pairs, &list->rows[i]);
    }
    json_decref(root);
    return err;
}
