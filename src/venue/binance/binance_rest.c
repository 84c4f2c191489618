/* SPDX-License-Identifier: MIT
 *
 * Requests to Binance's REST interface, and its answers.
 */
#include "binance_rest.h"

#include "binance_decode.h"
#include "binance_events.h"
#include "decimal.h"
#include "rest_rows.h"
#include "unit_choice.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- targets ---- */

/* A text that grows within fixed bounds; `full` once something did not fit. */
struct text {
    char *bytes;
    size_t size, used;
    bool full;
};

static void add_char(struct text *text, char c)
{
    if (text->used + 1 >= text->size) {
        text->full = true;
        return;
    }
    text->bytes[text->used++] = c;
    text->bytes[text->used] = '\0';
}

static void add(struct text *text, const char *string)
{
    for (; *string != '\0'; string++) {
        add_char(text, *string);
    }
}

/* Percent-encodes all but letters, digits and what RFC 3986 leaves unreserved, and '@', which is plain in a
 * query. */
static void add_encoded(struct text *text, const char *string)
{
    static const char hex[] = "0123456789ABCDEF", plain[] = "-._~@";
    for (; *string != '\0'; string++) {
        unsigned char c = (unsigned char)*string;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || strchr(plain, c) != NULL) {
            add_char(text, (char)c);
        } else {
            add_char(text, '%');
            add_char(text, hex[c >> 4]);
            add_char(text, hex[c & 15]);
        }
    }
}

static void add_stream(struct text *text, const char *symbol, const char *stream)
{
    char name[PW_SYMBOL_BYTES] = {0};
    for (size_t i = 0; i < sizeof name - 1 && symbol[i] != '\0'; i++) {
        name[i] = symbol[i] >= 'A' && symbol[i] <= 'Z' ? (char)(symbol[i] - 'A' + 'a') : symbol[i];
    }
    add_encoded(text, name);
    add_char(text, '@');
    add_encoded(text, stream);
}

int pw_binance_stream_target(struct pw_venue_wants wants, char *target, size_t size)
{
    struct text text = {target, size, 0, size == 0};
    if (wants.symbol_cnt == 0 || wants.stream_cnt == 0) {
        return -EINVAL;
    }
    add(&text, "/stream?streams=");
    for (uint32_t i = 0; i < wants.symbol_cnt; i++) {
        for (uint32_t k = 0; k < wants.stream_cnt; k++) {
            add(&text, i + k > 0 ? "/" : "");
            add_stream(&text, wants.symbols[i], wants.streams[k]);
        }
    }
    bool too_many = wants.symbol_cnt * wants.stream_cnt > PW_BINANCE_STREAMS_MAX;
    return text.full || too_many ? -E2BIG : 0;
}

int pw_binance_exchange_info_target(struct pw_venue_wants wants, char *target, size_t size)
{
    struct text text = {target, size, 0, size == 0};
    add(&text, "/api/v3/exchangeInfo");
    if (wants.symbol_cnt == 0) {
        return text.full ? -E2BIG : 0;
    }
    add(&text, "?symbols=");
    for (uint32_t i = 0; i < wants.symbol_cnt; i++) {
        add_encoded(&text, i > 0 ? ",\"" : "[\"");
        add_encoded(&text, wants.symbols[i]);
        add_encoded(&text, "\"");
    }
    add_encoded(&text, "]");
    return text.full ? -E2BIG : 0;
}

int pw_binance_depth_target(const char *symbol, uint32_t limit, char *target, size_t size)
{
    struct text text = {target, size, 0, size == 0};
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, limit);
    add(&text, "/api/v3/depth?symbol=");
    add_encoded(&text, symbol);
    add(&text, "&limit=");
    add(&text, number);
    return text.full ? -E2BIG : 0;
}

uint32_t pw_binance_depth_weight(uint32_t limit)
{
    return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

/* ---- exchangeInfo ---- */

/* What the answer is read into, and where to say what is wrong with it. */
struct reading {
    struct pw_instrument *row;
    const char *symbol;
    struct pw_instrument_said *said; /* fault: the first */
    const struct pw_instrument *known;
};

static __attribute__((format(printf, 3, 4))) void blame(struct reading *reading, int fault,
                                                        const char *format, ...)
{
    if (reading->said->fault != 0) {
        return;
    }
    reading->said->fault = fault;
    va_list args;
    va_start(args, format);
    vsnprintf(reading->said->text, sizeof reading->said->text, format, args);
    va_end(args);
}

/* What a filter's number is in: amounts are scaled by 1e8, the others in the instrument's units. */
enum filter_unit { PRICE, QTY, AMOUNT };
enum bound { EXACT, UPPER_BOUND };

static int decimals_of(const struct reading *reading, enum filter_unit unit)
{
    return unit == PRICE ? pw_price_decimals(reading->row->unit_shift)
           : unit == QTY ? pw_qty_decimals(reading->row->unit_shift)
                         : 8;
}

/* A limit beyond what can be held is no limit that could ever be met; and what is larger by less than a unit
 * is the same limit. */
static bool parse_limit(const char *text, int decimals, int64_t *value)
{
    bool exact;
    bool good = pw_decimal_parse_capped(text, strlen(text), decimals, value, &exact);
    *value -= good && !exact && *value < INT64_MAX;
    return good;
}

static int64_t filter_number(struct reading *reading, const json_t *filter, const char *name,
                             enum filter_unit unit, enum bound bound)
{
    const char *text = json_string_value(json_object_get(filter, name));
    int decimals = decimals_of(reading, unit);
    int64_t value = 0;
    if (text == NULL) {
        blame(reading, -EBADMSG, "a filter lacks %s", name);
    } else if (bound == UPPER_BOUND ? !parse_limit(text, decimals, &value)
                                    : !pw_decimal_parse(text, strlen(text), decimals, false, &value)) {
        blame(reading, -ERANGE, "%s is '%.40s', which is out of range", name, text);
    }
    return value;
}

/* A multiple of a price, rounded towards the looser side. Without one that can be held there is no bound on
 * its side: the venue still judges. */
static uint32_t multiple_e6(const json_t *filter, const char *name, enum bound bound)
{
    const char *text = json_string_value(json_object_get(filter, name));
    int64_t value_e8 = 0;
    if (text == NULL || !pw_decimal_parse_e8(text, strlen(text), false, &value_e8)) {
        return 0;
    }
    int64_t value_e6 = value_e8 / 100 + (bound == UPPER_BOUND && value_e8 % 100 != 0);
    return value_e6 > 0 && value_e6 <= UINT32_MAX ? (uint32_t)value_e6 : 0;
}

/* Of the mean price that the filter judges by; one that is longer than can be held is not known. */
static uint16_t filter_mins(const json_t *filter)
{
    const json_t *mins = json_object_get(filter, "avgPriceMins");
    int64_t value = json_is_integer(mins) ? json_integer_value(mins) : -1;
    return value >= 0 && value < PW_MINS_UNKNOWN ? (uint16_t)value : PW_MINS_UNKNOWN;
}

static uint8_t filter_flag(const json_t *filter, const char *name)
{
    return json_is_true(json_object_get(filter, name));
}

static void read_price_filter(struct reading *reading, const json_t *filter)
{
    reading->row->tick_e8 = filter_number(reading, filter, "tickSize", PRICE, EXACT);
    reading->row->min_price_e8 = filter_number(reading, filter, "minPrice", PRICE, EXACT);
    reading->row->max_price_e8 = filter_number(reading, filter, "maxPrice", PRICE, UPPER_BOUND);
}

static void read_lot_size(struct reading *reading, const json_t *filter)
{
    reading->row->step_e8 = filter_number(reading, filter, "stepSize", QTY, EXACT);
    reading->row->min_qty_e8 = filter_number(reading, filter, "minQty", QTY, EXACT);
    reading->row->max_qty_e8 = filter_number(reading, filter, "maxQty", QTY, UPPER_BOUND);
}

static void read_market_lot_size(struct reading *reading, const json_t *filter)
{
    reading->row->market_step_e8 = filter_number(reading, filter, "stepSize", QTY, EXACT);
    reading->row->market_min_qty_e8 = filter_number(reading, filter, "minQty", QTY, EXACT);
    reading->row->market_max_qty_e8 = filter_number(reading, filter, "maxQty", QTY, UPPER_BOUND);
}

static void read_notional(struct reading *reading, const json_t *filter)
{
    reading->row->min_notional_e8 = filter_number(reading, filter, "minNotional", AMOUNT, EXACT);
    reading->row->min_notional_market = filter_flag(filter, "applyMinToMarket");
    reading->row->max_notional_e8 = filter_number(reading, filter, "maxNotional", AMOUNT, UPPER_BOUND);
    reading->row->max_notional_market = filter_flag(filter, "applyMaxToMarket");
    reading->row->notional_mins = filter_mins(filter);
}

/* The older form; futures call the number "notional" and always apply it. */
static void read_min_notional(struct reading *reading, const json_t *filter)
{
    bool futures = json_object_get(filter, "notional") != NULL;
    reading->row->min_notional_e8 =
        filter_number(reading, filter, futures ? "notional" : "minNotional", AMOUNT, EXACT);
    reading->row->min_notional_market = futures || filter_flag(filter, "applyToMarket");
    reading->row->notional_mins = filter_mins(filter);
}

static void read_band(struct reading *reading, const json_t *filter)
{
    struct pw_instrument *row = reading->row;
    row->band[PW_BUY] = (struct pw_price_band){multiple_e6(filter, "multiplierUp", UPPER_BOUND),
                                               multiple_e6(filter, "multiplierDown", EXACT)};
    row->band[PW_SELL] = row->band[PW_BUY];
    row->band_mins = filter_mins(filter);
}

static void read_band_by_side(struct reading *reading, const json_t *filter)
{
    struct pw_instrument *row = reading->row;
    row->band[PW_BUY] = (struct pw_price_band){multiple_e6(filter, "bidMultiplierUp", UPPER_BOUND),
                                               multiple_e6(filter, "bidMultiplierDown", EXACT)};
    row->band[PW_SELL] = (struct pw_price_band){multiple_e6(filter, "askMultiplierUp", UPPER_BOUND),
                                                multiple_e6(filter, "askMultiplierDown", EXACT)};
    row->band_mins = filter_mins(filter);
}

/* The kinds that an instrument has a place for; others are passed over. */
static const struct {
    const char *type;
    void (*read)(struct reading *reading, const json_t *filter);
} filters[] = {
    {"PRICE_FILTER", read_price_filter},          {"LOT_SIZE", read_lot_size},
    {"MARKET_LOT_SIZE", read_market_lot_size},    {"NOTIONAL", read_notional},
    {"MIN_NOTIONAL", read_min_notional},          {"PERCENT_PRICE", read_band},
    {"PERCENT_PRICE_BY_SIDE", read_band_by_side},
};

static void read_filter(struct reading *reading, const json_t *filter)
{
    const char *type = json_string_value(json_object_get(filter, "filterType"));
    for (size_t i = 0; type != NULL && i < sizeof filters / sizeof filters[0]; i++) {
        if (strcmp(filters[i].type, type) == 0) {
            filters[i].read(reading, filter);
        }
    }
}

/* The numbers that the units of prices and quantities depend on. */
static const struct {
    const char *name;
    enum filter_unit unit;
    enum bound bound;
} unit_numbers[] = {{"tickSize", PRICE, EXACT}, {"minPrice", PRICE, EXACT}, {"maxPrice", PRICE, UPPER_BOUND},
                    {"stepSize", QTY, EXACT},   {"minQty", QTY, EXACT},     {"maxQty", QTY, UPPER_BOUND}};

static void choose_units(struct reading *reading, const json_t *list)
{
    struct pw_unit_wants wants = {0};
    size_t i;
    const json_t *filter;
    json_array_foreach(list, i, filter)
    {
        for (size_t k = 0; k < sizeof unit_numbers / sizeof unit_numbers[0]; k++) {
            const char *text = json_string_value(json_object_get(filter, unit_numbers[k].name));
            struct pw_unit_side *side = unit_numbers[k].unit == PRICE ? &wants.price : &wants.qty;
            if (text != NULL && unit_numbers[k].bound == EXACT) {
                pw_unit_want_exact(side, text);
            } else if (text != NULL) {
                pw_unit_want_largest(side, text);
            }
        }
    }
    int unit_shift;
    char why[sizeof reading->said->text];
    if (!pw_unit_choose(&wants, reading->known, &unit_shift, why, sizeof why)) {
        blame(reading, -ERANGE, "%s", why);
        return;
    }
    reading->row->unit_shift = (int8_t)unit_shift;
}

/* Copies as much as fits, whole characters only. */
static void copy_text(char *out, size_t out_bytes, const char *text)
{
    size_t size = strlen(text);
    if (size >= out_bytes) {
        size = out_bytes - 1;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    memset(out, 0, out_bytes);
    memcpy(out, text, size);
}

/* Whole or not at all: a cut name would be another name. */
static void take_name(struct reading *reading, char *out, size_t out_bytes, const char *name)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes >= out_bytes) {
        blame(reading, -ERANGE, "the name '%s' has %zu bytes; the maximum is %zu", name, bytes,
              out_bytes - 1);
        return;
    }
    memcpy(out, name, bytes + 1);
}

static void read_symbol(struct reading *reading, const json_t *symbol)
{
    struct pw_instrument *row = reading->row;
    const char *base = json_string_value(json_object_get(symbol, "baseAsset"));
    const char *quote = json_string_value(json_object_get(symbol, "quoteAsset"));
    const char *status = json_string_value(json_object_get(symbol, "status"));
    const json_t *list = json_object_get(symbol, "filters"), *filter;
    if (base == NULL || quote == NULL || status == NULL || !json_is_array(list)) {
        blame(reading, -EBADMSG, "assets, status or filters are missing");
        return;
    }
    bool has_spot = !json_is_false(json_object_get(symbol, "isSpotTradingAllowed"));
    bool is_open = strcmp(status, "TRADING") == 0;
    row->tradable = is_open && has_spot;
    copy_text(reading->said->status, sizeof reading->said->status,
              is_open && !has_spot ? "no spot trading" : status);
    take_name(reading, row->symbol, sizeof row->symbol, reading->symbol);
    take_name(reading, row->base, sizeof row->base, base);
    take_name(reading, row->quote, sizeof row->quote, quote);
    choose_units(reading, list);
    size_t i;
    json_array_foreach(list, i, filter)
    {
        read_filter(reading, filter);
    }
}

/* Of one row of the answer; those of other symbols are not read. */
static void take_symbol(struct reading *reading, const struct pw_json_text *text)
{
    json_t *symbol = pw_rest_load(text->text, text->size);
    *reading->said = (struct pw_instrument_said){0};
    if (symbol == NULL) {
        blame(reading, -EBADMSG, "the venue's description of it cannot be read");
    } else {
        read_symbol(reading, symbol);
    }
    json_decref(symbol);
}

static void take_symbols(struct pw_rest_rows *rows, struct pw_venue_wants wants,
                         struct pw_instrument_list *list)
{
    char name[PW_SYMBOL_BYTES];
    struct pw_json_text row;
    for (uint32_t i = 0; i < wants.symbol_cnt; i++) {
        struct reading reading = {&list->rows[i], wants.symbols[i], &list->said[i], NULL};
        *reading.row = (struct pw_instrument){.feed_idx = list->feed_idx};
        *reading.said = (struct pw_instrument_said){0};
        blame(&reading, -ENOENT, "the venue has no such symbol");
    }
    while (pw_rest_rows_next(rows, "symbol", name, sizeof name, &row)) {
        for (uint32_t i = 0; i < wants.symbol_cnt; i++) {
            struct reading reading = {&list->rows[i], wants.symbols[i], &list->said[i],
                                      list->known != NULL ? &list->known[i] : NULL};
            if (reading.said->fault == -ENOENT && strcmp(reading.symbol, name) == 0) {
                take_symbol(&reading, &row);
            }
        }
    }
}

int pw_binance_instruments(const char *body, size_t size, struct pw_venue_wants wants,
                           struct pw_instrument_list *list)
{
    struct pw_rest_rows rows;
    int64_t code;
    char text[160];
    if (pw_binance_error(body, size, &code, text, sizeof text)) {
        snprintf(list->error, sizeof list->error, "the venue rejected the request: %s (code %" PRId64 ")",
                 text, code);
        return -EREMOTEIO;
    }
    if (!pw_rest_rows_begin(&rows, body, size, "symbols") || rows.keyed) {
        snprintf(list->error, sizeof list->error, "unexpected response: not a list of symbols");
        return -EBADMSG;
    }
    take_symbols(&rows, wants, list);
    return 0;
}

/* ---- the other answers ---- */

int pw_binance_depth_events(const char *body, size_t size, struct pw_symbol symbol, int64_t recv_ns,
                            struct pw_event *events, uint32_t cap)
{
    struct pw_binance_msg msg;
    struct pw_venue_out out = {.events = events, .cap = cap, .recv_ns = recv_ns};
    enum pw_decode result = pw_binance_decode_snapshot(symbol.unit_shift, body, size, &msg);
    if (result < 0) {
        return result;
    }
    if (result != PW_DECODE_OK || msg.kind != PW_BINANCE_PARTIAL_DEPTH) {
        return PW_DECODE_BAD_FIELD;
    }
    result = pw_binance_put_depth(&out, &msg, symbol.instrument_idx);
    for (uint32_t i = 0; i < out.cnt; i++) {
        events[i].flags |= PW_FLAG_SNAPSHOT;
    }
    return result == PW_DECODE_OK ? (int)out.cnt : (int)result;
}

/* ---- the prices by which filters judge ---- */

#define NO_REFERENCE_PRICE (-2043)

static const struct {
    const char *target, *price, *time_ms; /* time_ms NULL: none */
} prices[] = {
    [PW_PRICE_REFERENCE] = {"/api/v3/referencePrice?symbol=", "referencePrice", "timestamp"},
    [PW_PRICE_MEAN] = {"/api/v3/avgPrice?symbol=", "price", "closeTime"},
    [PW_PRICE_LAST] = {"/api/v3/ticker/price?symbol=", "price", NULL},
};

static bool is_source(enum pw_price_source source)
{
    return source > PW_PRICE_NONE && source < sizeof prices / sizeof prices[0];
}

int pw_binance_price_target(enum pw_price_source source, const char *symbol, char *target, size_t size)
{
    struct text text = {target, size, 0, size == 0};
    if (!is_source(source)) {
        return -EINVAL;
    }
    add(&text, prices[source].target);
    add_encoded(&text, symbol);
    return text.full ? -E2BIG : 0;
}

/* The digits behind the instrument's last are of no weight; a price that cannot be held is none. */
static int read_price(const json_t *field, const struct pw_instrument *instrument, int64_t *price_e8)
{
    const char *text = json_string_value(field);
    if (json_is_null(field)) {
        return -ENODATA;
    }
    if (text == NULL || !parse_limit(text, pw_price_decimals(instrument->unit_shift), price_e8) ||
        *price_e8 == INT64_MAX) {
        return -EBADMSG;
    }
    return *price_e8 > 0 ? 0 : -ENODATA;
}

/* 0: there is none, or no time that can be. */
static int64_t read_time_ns(const json_t *field)
{
    int64_t ms = json_is_integer(field) ? json_integer_value(field) : 0;
    return ms > 0 && ms <= INT64_MAX / PW_NS_PER_MS ? ms * PW_NS_PER_MS : 0;
}

int pw_binance_price(enum pw_price_source source, const char *body, size_t size,
                     const struct pw_instrument *instrument, struct pw_venue_price *price)
{
    json_t *root = is_source(source) ? pw_rest_load(body, size) : NULL;
    const json_t *code = json_object_get(root, "code"), *symbol = json_object_get(root, "symbol");
    const json_t *mins = json_object_get(root, "mins");
    int err = -EBADMSG;
    *price = (struct pw_venue_price){0};
    if (json_is_integer(code)) {
        err = source == PW_PRICE_REFERENCE && json_integer_value(code) == NO_REFERENCE_PRICE ? -ENOENT : err;
    } else if (root != NULL &&
               (symbol == NULL ||
                (json_is_string(symbol) && strcmp(json_string_value(symbol), instrument->symbol) == 0))) {
        err = read_price(json_object_get(root, prices[source].price), instrument, &price->price_e8);
        price->venue_ns =
            prices[source].time_ms != NULL ? read_time_ns(json_object_get(root, prices[source].time_ms)) : 0;
        price->mins =
            json_is_integer(mins) && json_integer_value(mins) > 0 && json_integer_value(mins) <= UINT32_MAX
                ? (uint32_t)json_integer_value(mins)
                : 0;
    }
    json_decref(root);
    return err;
}

bool pw_binance_error(const char *body, size_t size, int64_t *code, char *text, size_t text_bytes)
{
    json_t *root = pw_rest_load(body, size);
    const json_t *number = json_object_get(root, "code");
    const char *said = json_string_value(json_object_get(root, "msg"));
    bool ok = json_is_integer(number) && said != NULL;
    if (ok) {
        *code = json_integer_value(number);
        copy_text(text, text_bytes, said);
    }
    json_decref(root);
    return ok;
}
