/* SPDX-License-Identifier: MIT
 *
 * AssetPairs: from Kraken's list of pairs to the engine's instruments.
 */
#include "kraken_rest.h"

#include "decimal.h"
#include "rest_rows.h"
#include "unit_choice.h"
#include <errno.h>
#include <jansson.h>
#include <pinwheel/units.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int pw_kraken_instruments_target(struct pw_venue_wants wants, char *target, size_t size)
{
    (void)wants;
    int bytes = snprintf(target, size, "/0/public/AssetPairs");
    return (size_t)bytes < size ? 0 : -E2BIG;
}

struct reading {
    const char *symbol;
    struct pw_instrument_said *said; /* fault: the first */
    const struct pw_instrument *known;
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

/* Of a number of decimals that the venue states; -1: blamed. */
static int places_of(struct reading *reading, const json_t *pair, const char *key)
{
    const json_t *decimals = json_object_get(pair, key);
    json_int_t cnt = json_integer_value(decimals);
    if (!json_is_integer(decimals) || cnt < 0) {
        blame(reading, -EBADMSG, "%s are missing", key);
        return -1;
    }
    if (cnt > PW_DECIMALS_MAX) {
        blame(reading, -ERANGE, "%s are %lld; the maximum is %d", key, (long long)cnt, PW_DECIMALS_MAX);
        return -1;
    }
    return (int)cnt;
}

/* 0: the venue does not state it. */
static int64_t limit_of(struct reading *reading, const json_t *pair, const char *key, int decimals)
{
    const json_t *limit = json_object_get(pair, key);
    const char *text = json_string_value(limit);
    int64_t value = 0;
    if (text == NULL && limit != NULL && !json_is_null(limit)) {
        blame(reading, -EBADMSG, "%s is no text", key);
    }
    if (text != NULL && !pw_decimal_parse(text, strlen(text), decimals, false, &value)) {
        blame(reading, -ERANGE, "%s is '%.40s', which is out of range", key, text);
    }
    return value;
}

static void want_text(struct pw_unit_side *side, const json_t *pair, const char *key)
{
    const char *text = json_string_value(json_object_get(pair, key));
    if (text != NULL) {
        pw_unit_want_exact(side, text);
        pw_unit_want_largest(side, text);
    }
}

/* False: blamed. */
static bool choose_units(struct reading *reading, const json_t *pair, struct pw_instrument *row,
                         int tick_places, int step_places)
{
    struct pw_unit_wants wants = {.price = {.places = tick_places}, .qty = {.places = step_places}};
    int unit_shift;
    char why[sizeof reading->said->text];
    want_text(&wants.price, pair, "tick_size");
    want_text(&wants.qty, pair, "ordermin");
    if (!pw_unit_choose(&wants, reading->known, &unit_shift, why, sizeof why)) {
        blame(reading, -ERANGE, "%s", why);
        return false;
    }
    row->unit_shift = (int8_t)unit_shift;
    return true;
}

static void read_numbers(struct reading *reading, const json_t *pair, struct pw_instrument *row)
{
    const char *tick = json_string_value(json_object_get(pair, "tick_size"));
    if (tick == NULL) {
        limit_of(reading, pair, "tick_size", 0); /* of another type */
    }
    bool has_tick = tick != NULL && strpbrk(tick, "123456789") != NULL;
    int tick_places = has_tick ? 0 : places_of(reading, pair, "pair_decimals"); /* its text says more */
    int step_places = places_of(reading, pair, "lot_decimals");
    if (tick_places < 0 || step_places < 0 || !choose_units(reading, pair, row, tick_places, step_places)) {
        return;
    }
    int price_decimals = pw_price_decimals(row->unit_shift), qty_decimals = pw_qty_decimals(row->unit_shift);
    row->tick_e8 = has_tick ? limit_of(reading, pair, "tick_size", price_decimals)
                            : pw_power10(price_decimals - tick_places);
    row->step_e8 = row->market_step_e8 = pw_power10(qty_decimals - step_places);
    row->min_qty_e8 = row->market_min_qty_e8 = limit_of(reading, pair, "ordermin", qty_decimals);
    row->min_notional_e8 = limit_of(reading, pair, "costmin", 8);
    row->min_notional_market = row->min_notional_e8 > 0;
}

static void read_pair(struct reading *reading, const json_t *pair, struct pw_instrument *row)
{
    const json_t *status = json_object_get(pair, "status"); /* older answers have none */
    const char *text = status != NULL ? json_string_value(status) : "online";
    snprintf(reading->said->status, sizeof reading->said->status, "%.20s", text != NULL ? text : "unknown");
    row->tradable = strcmp(reading->said->status, "online") == 0;
    read_numbers(reading, pair, row);
}

/* Of one row of the answer; those of other pairs are not read. */
static void take_pair(struct reading *reading, const struct pw_json_text *text, struct pw_instrument *row)
{
    json_t *pair = pw_rest_load(text->text, text->size);
    *reading->said = (struct pw_instrument_said){0};
    if (pair == NULL) {
        blame(reading, -EBADMSG, "the venue's description of it cannot be read");
    } else {
        read_pair(reading, pair, row);
    }
    json_decref(pair);
}

static void take_pairs(struct pw_rest_rows *rows, struct pw_venue_wants wants,
                       struct pw_instrument_list *list)
{
    char wsname[2 * PW_ASSET_BYTES], base[PW_ASSET_BYTES], quote[PW_ASSET_BYTES];
    char symbol[sizeof base + sizeof quote];
    struct pw_json_text text;
    for (uint32_t i = 0; i < wants.symbol_cnt; i++) {
        struct reading reading = {wants.symbols[i], &list->said[i], NULL};
        *reading.said = (struct pw_instrument_said){0};
        list->rows[i] = (struct pw_instrument){.feed_idx = list->feed_idx};
        blame(&reading, -ENOENT, "the venue has no such symbol");
    }
    while (pw_rest_rows_next(rows, "wsname", wsname, sizeof wsname, &text)) {
        if (!split(wsname, base, quote)) {
            continue;
        }
        snprintf(symbol, sizeof symbol, "%s/%s", base, quote);
        for (uint32_t i = 0; i < wants.symbol_cnt; i++) {
            struct reading reading = {wants.symbols[i], &list->said[i],
                                      list->known != NULL ? &list->known[i] : NULL};
            struct pw_instrument *row = &list->rows[i];
            if (reading.said->fault == -ENOENT && strcmp(symbol, reading.symbol) == 0) {
                /* The config holds the symbol whole, so it fits. */
                memcpy(row->symbol, symbol, strlen(symbol) + 1);
                memcpy(row->base, base, strlen(base) + 1);
                memcpy(row->quote, quote, strlen(quote) + 1);
                take_pair(&reading, &text, row);
            }
        }
    }
}

/* The first of its errors, if it has one. */
static bool is_rejected(const char *body, size_t size, char *error, size_t error_bytes)
{
    struct pw_rest_rows errors;
    struct pw_json_text text;
    char said[161] = "";
    if (!pw_rest_rows_begin(&errors, body, size, "error") || errors.keyed ||
        pw_json_item_next(&errors.json) != PW_JSON_VALUE) {
        return false;
    }
    if (pw_json_peek(&errors.json) == PW_JSON_STRING && pw_json_string(&errors.json, &text) &&
        pw_json_unescape(&text, said, sizeof said - 1) < 0) {
        snprintf(said, sizeof said, "%.*s", text.size < 160 ? (int)text.size : 160, text.text);
    }
    snprintf(error, error_bytes, "the venue rejected the request: %s", said);
    return true;
}

int pw_kraken_instruments(const char *body, size_t size, struct pw_venue_wants wants,
                          struct pw_instrument_list *list)
{
    struct pw_rest_rows pairs;
    if (is_rejected(body, size, list->error, sizeof list->error)) {
        return -EREMOTEIO;
    }
    if (!pw_rest_rows_begin(&pairs, body, size, "result") || !pairs.keyed) {
        snprintf(list->error, sizeof list->error, "unexpected response: not a list of pairs");
        return -EBADMSG;
    }
    take_pairs(&pairs, wants, list);
    return 0;
}
