/* SPDX-License-Identifier: MIT
 *
 * The general reading of Binance's messages. An object's known fields are first collected by name, whatever
 * their order; then, when its kind is known, each is read as what that kind says it is. The first fault found
 * is the result.
 */
#include "binance_decode.h"

#include "binance_fields.h"
#include "decimal.h"
#include "symbols.h"
#include <string.h>

/* ---- fields ---- */

/* Single letters come first, by their place in the alphabet; then the names. */
enum { FIELD_LETTERS = PW_BINANCE_LETTERS, FIELD_CNT = FIELD_LETTERS + 13 };

static const struct pw_binance_name field_names[FIELD_CNT - FIELD_LETTERS] = {
    PW_BINANCE_NAME("pu"),     PW_BINANCE_NAME("lastUpdateId"), PW_BINANCE_NAME("bids"),
    PW_BINANCE_NAME("asks"),   PW_BINANCE_NAME("stream"),       PW_BINANCE_NAME("data"),
    PW_BINANCE_NAME("result"), PW_BINANCE_NAME("error"),        PW_BINANCE_NAME("code"),
    PW_BINANCE_NAME("msg"),    PW_BINANCE_NAME("id"),           PW_BINANCE_NAME("method"),
    PW_BINANCE_NAME("params"),
};

enum {
    FIELD_PREV = FIELD_LETTERS,
    FIELD_LAST_UPDATE,
    FIELD_BIDS,
    FIELD_ASKS,
    FIELD_STREAM,
    FIELD_DATA,
    FIELD_RESULT,
    FIELD_ERROR,
    FIELD_CODE,
    FIELD_MSG,
    FIELD_ID,
    FIELD_METHOD,
    FIELD_PARAMS,
};

/* One object's fields, and the first fault met in reading them. */
struct object {
    struct pw_binance_fields fields;
    enum pw_decode fault;
    int unit_shift; /* of its prices and quantities (units.h) */
};

static enum pw_decode collect(struct pw_json *json, struct object *object)
{
    object->unit_shift = 0;
    object->fault = pw_binance_collect(json, field_names, FIELD_CNT - FIELD_LETTERS, &object->fields);
    return object->fault;
}

static_assert(FIELD_CNT <= PW_BINANCE_FIELDS_MAX, "a place for each");

static const struct pw_binance_field *letter(const struct object *object, char name)
{
    return pw_binance_field(&object->fields, pw_binance_letter(name));
}

static bool has(const struct object *object, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        if (letter(object, *letters)->type == PW_JSON_NOTHING) {
            return false;
        }
    }
    return true;
}

static void blame(struct object *object, enum pw_decode fault)
{
    if (object->fault == PW_DECODE_OK) {
        object->fault = fault;
    }
}

/* ---- values. Each reads a field that must be there, or blames the object. ---- */

enum sign { POSITIVE, NOT_NEGATIVE, ANY_SIGN };

/* A text without escapes, which takes a place of its own; false: it is too long to be a number. */
struct digits {
    const char *text;
    size_t size;
    char plain[64];
};

static bool digits_of(const struct pw_json_text *text, struct digits *digits)
{
    int64_t size = (int64_t)text->size;
    digits->text = text->text;
    if (text->escaped) {
        size = pw_json_unescape(text, digits->plain, sizeof digits->plain);
        digits->text = digits->plain;
    }
    digits->size = (size_t)size;
    return size >= 0;
}

static bool read_exact(const struct pw_json_text *text, int decimals, enum sign sign, int64_t *value)
{
    struct digits digits;
    return digits_of(text, &digits) &&
           pw_decimal_parse(digits.text, digits.size, decimals, sign == ANY_SIGN, value) &&
           (sign != POSITIVE || *value > 0);
}

/* A quantity, which must not cost the message that it stands in. */
static bool read_capped(const struct pw_json_text *text, int decimals, enum sign sign, int64_t *value,
                        bool *capped)
{
    struct digits digits;
    bool exact;
    if (!digits_of(text, &digits) ||
        !pw_decimal_parse_capped(digits.text, digits.size, decimals, value, &exact)) {
        return false;
    }
    *capped |= !exact;
    return sign != POSITIVE || *value > 0;
}

/* A decimal, even if not one that can be held. */
static bool is_decimal(const struct pw_json_text *text)
{
    struct digits digits;
    return digits_of(text, &digits) && pw_decimal_places(digits.text, digits.size) >= 0;
}

static const struct pw_binance_field *get_decimal(struct object *object, char name)
{
    const struct pw_binance_field *field = letter(object, name);
    if (field->type != PW_JSON_STRING) {
        blame(object, PW_DECODE_BAD_FIELD);
        return NULL;
    }
    return field;
}

static int64_t get_exact(struct object *object, char name, enum sign sign, int decimals)
{
    const struct pw_binance_field *field = get_decimal(object, name);
    int64_t value = 0;
    if (field != NULL && !read_exact(&field->text, decimals, sign, &value)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

static int64_t get_price(struct object *object, char name, enum sign sign)
{
    return get_exact(object, name, sign, pw_price_decimals(object->unit_shift));
}

static int64_t get_capped(struct object *object, char name, enum sign sign, int decimals, bool *capped)
{
    const struct pw_binance_field *field = get_decimal(object, name);
    int64_t value = 0;
    if (field != NULL && !read_capped(&field->text, decimals, sign, &value, capped)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

static int64_t get_qty(struct object *object, char name, enum sign sign, bool *capped)
{
    return get_capped(object, name, sign, pw_qty_decimals(object->unit_shift), capped);
}

static int64_t get_quote_volume(struct object *object, char name, bool *capped)
{
    return get_capped(object, name, NOT_NEGATIVE, pw_quote_volume_decimals(object->unit_shift), capped);
}

static uint64_t get_u64(struct object *object, int idx)
{
    const struct pw_binance_field *field = pw_binance_field(&object->fields, idx);
    uint64_t value = 0;
    if (field->type != PW_JSON_NUMBER) {
        blame(object, PW_DECODE_BAD_FIELD);
    } else if (!pw_json_text_u64(&field->text, &value)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

static uint64_t get_id(struct object *object, char name)
{
    return get_u64(object, pw_binance_letter(name));
}

static int64_t get_i64(struct object *object, int idx)
{
    const struct pw_binance_field *field = pw_binance_field(&object->fields, idx);
    int64_t value = 0;
    if (field->type != PW_JSON_NUMBER) {
        blame(object, PW_DECODE_BAD_FIELD);
    } else if (!pw_json_text_i64(&field->text, &value)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

static int64_t get_time_ns(struct object *object, char name)
{
    int64_t ns = 0;
    if (!pw_binance_time_ns(get_id(object, name), &ns)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return ns;
}

static int64_t get_optional_time_ns(struct object *object, char name)
{
    return letter(object, name)->type == PW_JSON_NOTHING ? 0 : get_time_ns(object, name);
}

static bool get_bool(struct object *object, char name)
{
    enum pw_json_type type = letter(object, name)->type;
    if (type != PW_JSON_TRUE && type != PW_JSON_FALSE) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return type == PW_JSON_TRUE;
}

/* A text of at most bytes - 1 into zeroed `out`. */
static void get_text(struct object *object, int idx, char *out, size_t bytes)
{
    const struct pw_binance_field *field = pw_binance_field(&object->fields, idx);
    if (field->type != PW_JSON_STRING || pw_json_unescape(&field->text, out, bytes - 1) <= 0) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
}

/* Which instrument it is, and so its units. One that is not ours is of no interest. */
static void find_symbol(struct object *object, struct pw_binance_msg *msg, size_t size)
{
    if (msg->symbols != NULL) {
        msg->known = pw_symbols_find_text(msg->symbols, msg->symbol, size);
        object->unit_shift = msg->known.unit_shift;
        if (msg->known.instrument_idx == PW_NO_INSTRUMENT) {
            blame(object, PW_DECODE_IGNORED);
        }
    }
}

/* A symbol too long for any of ours is not ours. A zero byte in it would make it look like another one. */
static void get_symbol(struct object *object, struct pw_binance_msg *msg)
{
    const struct pw_binance_field *field = letter(object, 's');
    int64_t size = 0;
    if (field->type == PW_JSON_STRING) {
        size = pw_json_unescape(&field->text, msg->symbol, PW_SYMBOL_BYTES - 1);
    }
    if (size == 0 || (size > 0 && memchr(msg->symbol, '\0', (size_t)size) != NULL)) {
        blame(object, PW_DECODE_BAD_FIELD);
    } else if (size < 0) {
        memset(msg->symbol, 0, PW_SYMBOL_BYTES);
        blame(object, PW_DECODE_IGNORED);
    } else {
        find_symbol(object, msg, (size_t)size);
    }
}

/* ---- lists ---- */

static void list_begin(struct pw_binance_cursor *cursor, const struct pw_binance_list *list)
{
    pw_json_init(&cursor->json, list->text, list->size);
    pw_json_array_enter(&cursor->json);
    cursor->begun = true;
}

static bool list_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *list)
{
    if (!cursor->begun) {
        list_begin(cursor, list);
    }
    return list->cnt > 0 && pw_json_item_next(&cursor->json) == PW_JSON_VALUE;
}

/* One level is exactly [price, quantity], both strings. *passed_over: its price is none that can be held. */
static enum pw_decode read_level(struct pw_json *json, int unit_shift, struct pw_level *level, bool *capped,
                                 bool *passed_over)
{
    struct pw_json_text price, qty;
    *capped = *passed_over = false;
    if (!pw_json_array_enter(json) || pw_json_item_next(json) != PW_JSON_VALUE ||
        !pw_json_string(json, &price) || pw_json_item_next(json) != PW_JSON_VALUE ||
        !pw_json_string(json, &qty) || pw_json_item_next(json) != PW_JSON_END) {
        return PW_DECODE_BAD_FIELD; /* the message is JSON: that was seen when its fields were collected */
    }
    if (!read_capped(&qty, pw_qty_decimals(unit_shift), NOT_NEGATIVE, &level->qty_e8, capped)) {
        return PW_DECODE_BAD_NUMBER;
    }
    if (!read_exact(&price, pw_price_decimals(unit_shift), NOT_NEGATIVE, &level->price_e8)) {
        *passed_over = is_decimal(&price);
        return *passed_over ? PW_DECODE_OK : PW_DECODE_BAD_NUMBER;
    }
    return level->price_e8 > 0 ? PW_DECODE_OK : PW_DECODE_BAD_NUMBER;
}

bool pw_binance_level_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *side,
                           struct pw_level *level)
{
    bool passed_over = true;
    while (passed_over) {
        if (!list_next(cursor, side) || read_level(&cursor->json, side->unit_shift, level, &cursor->capped,
                                                   &passed_over) != PW_DECODE_OK) {
            return false;
        }
    }
    return true;
}

static struct pw_binance_list get_side(struct object *object, int idx)
{
    const struct pw_binance_field *field = pw_binance_field(&object->fields, idx);
    struct pw_binance_list side = {
        .text = field->text.text, .size = field->text.size, .unit_shift = (int8_t)object->unit_shift};
    struct pw_binance_cursor cursor = {.begun = false};
    if (field->type != PW_JSON_ARRAY) {
        blame(object, PW_DECODE_BAD_FIELD);
        return side;
    }
    list_begin(&cursor, &side);
    while (pw_json_item_next(&cursor.json) == PW_JSON_VALUE) {
        struct pw_level level;
        bool capped, passed_over;
        enum pw_decode result = read_level(&cursor.json, object->unit_shift, &level, &capped, &passed_over);
        if (result != PW_DECODE_OK) {
            blame(object, result);
            return side;
        }
        side.cnt += !passed_over;
        side.has_passed_over |= passed_over;
    }
    return side;
}

bool pw_binance_text_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *list,
                          struct pw_json_text *text)
{
    return list_next(cursor, list) && pw_json_string(&cursor->json, text);
}

/* ---- kinds ---- */

static enum pw_decode decode_trade(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_trade *trade = &msg->body.trade;
    msg->venue_ns = get_time_ns(object, 'E');
    get_symbol(object, msg);
    trade->trade_id = get_id(object, 't');
    trade->price_e8 = get_price(object, 'p', POSITIVE);
    trade->qty_e8 = get_qty(object, 'q', POSITIVE, &msg->capped);
    trade->trade_ns = get_time_ns(object, 'T');
    trade->sell = get_bool(object, 'm');
    return object->fault;
}

static enum pw_decode decode_agg_trade(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_agg_trade *agg = &msg->body.agg_trade;
    msg->venue_ns = get_time_ns(object, 'E');
    get_symbol(object, msg);
    agg->agg_id = get_id(object, 'a');
    agg->price_e8 = get_price(object, 'p', POSITIVE);
    agg->qty_e8 = get_qty(object, 'q', POSITIVE, &msg->capped);
    agg->first_trade_id = get_id(object, 'f');
    agg->last_trade_id = get_id(object, 'l');
    agg->trade_ns = get_time_ns(object, 'T');
    agg->sell = get_bool(object, 'm');
    if (agg->last_trade_id < agg->first_trade_id) {
        blame(object, PW_DECODE_BAD_SEQUENCE);
    }
    return object->fault;
}

/* One side; a price that cannot be held makes it none. */
static void get_quote_side(struct object *object, const char names[2], int64_t *price_e8, int64_t *qty_e8,
                           bool *capped)
{
    const struct pw_binance_field *price = get_decimal(object, names[0]);
    *qty_e8 = get_qty(object, names[1], NOT_NEGATIVE, capped);
    if (price != NULL &&
        !read_exact(&price->text, pw_price_decimals(object->unit_shift), NOT_NEGATIVE, price_e8)) {
        *price_e8 = *qty_e8 = 0;
        *capped = true;
        if (!is_decimal(&price->text)) {
            blame(object, PW_DECODE_BAD_NUMBER);
        }
    }
}

static void get_quote(struct object *object, struct pw_quote *quote, bool *capped)
{
    get_quote_side(object, "bB", &quote->bid_price_e8, &quote->bid_qty_e8, capped);
    get_quote_side(object, "aA", &quote->ask_price_e8, &quote->ask_qty_e8, capped);
}

static enum pw_decode decode_book_ticker(struct object *object, struct pw_binance_msg *msg)
{
    msg->venue_ns = get_optional_time_ns(object, 'E');
    get_symbol(object, msg);
    get_quote(object, &msg->body.book_ticker.quote, &msg->capped);
    msg->body.book_ticker.quote.update_id = get_id(object, 'u');
    msg->body.book_ticker.trade_ns = get_optional_time_ns(object, 'T');
    return object->fault;
}

static enum pw_decode decode_depth(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_depth *depth = &msg->body.depth;
    msg->venue_ns = get_time_ns(object, 'E');
    get_symbol(object, msg);
    depth->first_id = get_id(object, 'U');
    depth->last_id = get_id(object, 'u');
    if (pw_binance_field(&object->fields, FIELD_PREV)->type != PW_JSON_NOTHING) {
        depth->prev_last_id = get_u64(object, FIELD_PREV);
    }
    depth->trade_ns = get_optional_time_ns(object, 'T');
    depth->bids = get_side(object, pw_binance_letter('b'));
    depth->asks = get_side(object, pw_binance_letter('a'));
    if (depth->last_id < depth->first_id || depth->prev_last_id > depth->last_id) {
        blame(object, PW_DECODE_BAD_SEQUENCE);
    }
    return object->fault;
}

/* A combined stream's partial book names its symbol in the stream alone, in lower case. */
static void symbol_from_stream(struct object *object, struct pw_binance_msg *msg)
{
    const char *at = strchr(msg->stream, '@');
    size_t size = at != NULL ? (size_t)(at - msg->stream) : 0;
    for (size_t i = 0; i < size && size < PW_SYMBOL_BYTES; i++) {
        char c = msg->stream[i];
        msg->symbol[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    object->unit_shift = msg->known.unit_shift; /* of a snapshot, which names no symbol */
}

static enum pw_decode decode_partial_depth(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_depth *depth = &msg->body.depth;
    symbol_from_stream(object, msg);
    msg->venue_ns = get_optional_time_ns(object, 'E');
    depth->trade_ns = get_optional_time_ns(object, 'T');
    depth->first_id = get_u64(object, FIELD_LAST_UPDATE);
    depth->last_id = depth->first_id;
    depth->bids = get_side(object, FIELD_BIDS);
    depth->asks = get_side(object, FIELD_ASKS);
    return object->fault;
}

static uint32_t interval_s(const char *interval)
{
    static const struct {
        char name[4];
        uint32_t seconds;
    } rows[] = {{"1s", 1},     {"1m", 60},     {"3m", 180},    {"5m", 300},    {"15m", 900},  {"30m", 1800},
                {"1h", 3600},  {"2h", 7200},   {"4h", 14400},  {"6h", 21600},  {"8h", 28800}, {"12h", 43200},
                {"1d", 86400}, {"3d", 259200}, {"1w", 604800}, {"1M", 2592000} /* 30 days: months differ */};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, interval) == 0) {
            return rows[i].seconds;
        }
    }
    return 0;
}

/* The inner object of a kline. */
static enum pw_decode read_kline(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_kline *kline = &msg->body.kline;
    bool unused = false;
    get_text(object, pw_binance_letter('i'), kline->interval, sizeof kline->interval);
    kline->interval_s = interval_s(kline->interval);
    kline->open_ns = get_time_ns(object, 't');
    kline->close_ns = get_time_ns(object, 'T');
    kline->first_trade_id = get_i64(object, pw_binance_letter('f'));
    kline->last_trade_id = get_i64(object, pw_binance_letter('L'));
    kline->open_e8 = get_price(object, 'o', NOT_NEGATIVE);
    kline->high_e8 = get_price(object, 'h', NOT_NEGATIVE);
    kline->low_e8 = get_price(object, 'l', NOT_NEGATIVE);
    kline->close_e8 = get_price(object, 'c', NOT_NEGATIVE);
    kline->volume_e8 = get_qty(object, 'v', NOT_NEGATIVE, &msg->capped);
    kline->quote_volume_e8 = get_quote_volume(object, 'q', &kline->quote_volume_capped);
    kline->taker_volume_e8 = get_qty(object, 'V', NOT_NEGATIVE, &unused);
    kline->taker_quote_volume_e8 = get_quote_volume(object, 'Q', &unused);
    kline->closed = get_bool(object, 'x');
    uint64_t trade_cnt = get_id(object, 'n');
    kline->trade_cnt = (uint32_t)trade_cnt;
    if (trade_cnt > UINT32_MAX) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    if (kline->interval_s == 0) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return object->fault;
}

static enum pw_decode decode_kline(struct object *object, struct pw_binance_msg *msg)
{
    msg->venue_ns = get_time_ns(object, 'E');
    get_symbol(object, msg);
    const struct pw_binance_field *inner = letter(object, 'k');
    if (inner->type != PW_JSON_OBJECT || object->fault != PW_DECODE_OK) {
        blame(object, PW_DECODE_BAD_FIELD);
        return object->fault;
    }
    struct pw_json json;
    struct object kline;
    pw_json_init(&json, inner->text.text, inner->text.size);
    enum pw_decode result = collect(&json, &kline);
    kline.unit_shift = object->unit_shift;
    return result != PW_DECODE_OK ? result : read_kline(&kline, msg);
}

/* What all tickers have. */
static void get_ticker(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_ticker *ticker = &msg->body.ticker;
    msg->venue_ns = get_time_ns(object, 'E');
    get_symbol(object, msg);
    ticker->last_e8 = get_price(object, 'c', NOT_NEGATIVE);
    ticker->open_e8 = get_price(object, 'o', NOT_NEGATIVE);
    ticker->high_e8 = get_price(object, 'h', NOT_NEGATIVE);
    ticker->low_e8 = get_price(object, 'l', NOT_NEGATIVE);
    ticker->volume_e8 = get_qty(object, 'v', NOT_NEGATIVE, &msg->capped);
    ticker->quote_volume_e8 = get_quote_volume(object, 'q', &msg->capped);
}

static enum pw_decode decode_mini_ticker(struct object *object, struct pw_binance_msg *msg)
{
    get_ticker(object, msg);
    memcpy(msg->body.ticker.window, "24hr", 4);
    return object->fault;
}

static enum pw_decode decode_window_ticker(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_ticker *ticker = &msg->body.ticker;
    get_ticker(object, msg);
    ticker->change_e8 = get_price(object, 'p', ANY_SIGN);
    ticker->change_percent_e8 = get_exact(object, 'P', ANY_SIGN, 8);
    ticker->vwap_e8 = get_price(object, 'w', NOT_NEGATIVE);
    ticker->open_ns = get_time_ns(object, 'O');
    ticker->close_ns = get_time_ns(object, 'C');
    ticker->first_trade_id = get_i64(object, pw_binance_letter('F'));
    ticker->last_trade_id = get_i64(object, pw_binance_letter('L'));
    ticker->trade_cnt = get_id(object, 'n');
    return object->fault;
}

static enum pw_decode decode_ticker(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_ticker *ticker = &msg->body.ticker;
    decode_window_ticker(object, msg);
    memcpy(ticker->window, "24hr", 4);
    ticker->last_qty_e8 = get_qty(object, 'Q', NOT_NEGATIVE, &msg->capped);
    if (has(object, "x")) {
        ticker->prev_close_e8 = get_price(object, 'x', NOT_NEGATIVE);
    }
    if (has(object, "bBaA")) {
        get_quote(object, &ticker->quote, &msg->capped);
    }
    return object->fault;
}

static enum pw_decode decode_avg_price(struct object *object, struct pw_binance_msg *msg)
{
    msg->venue_ns = get_time_ns(object, 'E');
    get_symbol(object, msg);
    get_text(object, pw_binance_letter('i'), msg->body.price.interval, sizeof msg->body.price.interval);
    msg->body.price.price_e8 = get_price(object, 'w', NOT_NEGATIVE);
    msg->body.price.has_price = true;
    msg->body.price.trade_ns = get_time_ns(object, 'T');
    return object->fault;
}

static enum pw_decode decode_reference_price(struct object *object, struct pw_binance_msg *msg)
{
    msg->venue_ns = get_time_ns(object, 't');
    get_symbol(object, msg);
    msg->body.price.has_price = letter(object, 'r')->type != PW_JSON_NULL;
    if (msg->body.price.has_price) {
        msg->body.price.price_e8 = get_price(object, 'r', NOT_NEGATIVE);
    }
    return object->fault;
}

static enum pw_decode decode_shutdown(struct object *object, struct pw_binance_msg *msg)
{
    msg->venue_ns = get_time_ns(object, 'E');
    return object->fault == PW_DECODE_OK ? PW_DECODE_SHUTDOWN : object->fault;
}

static const struct {
    const char *event;
    enum pw_binance_kind kind;
    enum pw_decode (*decode)(struct object *object, struct pw_binance_msg *msg);
} kinds[] = {
    {"trade", PW_BINANCE_TRADE, decode_trade},
    {"aggTrade", PW_BINANCE_AGG_TRADE, decode_agg_trade},
    {"bookTicker", PW_BINANCE_BOOK_TICKER, decode_book_ticker},
    {"depthUpdate", PW_BINANCE_DEPTH, decode_depth},
    {"kline", PW_BINANCE_KLINE, decode_kline},
    {"24hrMiniTicker", PW_BINANCE_MINI_TICKER, decode_mini_ticker},
    {"24hrTicker", PW_BINANCE_TICKER, decode_ticker},
    {"1hTicker", PW_BINANCE_WINDOW_TICKER, decode_window_ticker},
    {"4hTicker", PW_BINANCE_WINDOW_TICKER, decode_window_ticker},
    {"1dTicker", PW_BINANCE_WINDOW_TICKER, decode_window_ticker},
    {"avgPrice", PW_BINANCE_AVG_PRICE, decode_avg_price},
    {"referencePrice", PW_BINANCE_REFERENCE_PRICE, decode_reference_price},
    {"blockTrade", PW_BINANCE_BLOCK_TRADE, decode_trade},
    {"serverShutdown", PW_BINANCE_SERVER_SHUTDOWN, decode_shutdown},
};

static enum pw_decode decode_event(struct object *object, struct pw_binance_msg *msg)
{
    const struct pw_binance_field *event = letter(object, 'e');
    if (event->type != PW_JSON_STRING) {
        return PW_DECODE_BAD_FIELD;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (pw_json_equal(&event->text, kinds[i].event)) {
            msg->kind = kinds[i].kind;
            if (msg->kind == PW_BINANCE_WINDOW_TICKER) {
                memcpy(msg->body.ticker.window, kinds[i].event, 2);
            }
            return kinds[i].decode(object, msg);
        }
    }
    return PW_DECODE_IGNORED;
}

/* ---- control ---- */

static void get_request_id(struct object *object, struct pw_binance_control *control)
{
    switch (pw_binance_field(&object->fields, FIELD_ID)->type) {
    case PW_JSON_NOTHING:
        control->id_kind = PW_BINANCE_ID_NONE;
        break;
    case PW_JSON_NULL:
        control->id_kind = PW_BINANCE_ID_NULL;
        break;
    case PW_JSON_STRING:
        control->id_kind = PW_BINANCE_ID_TEXT;
        get_text(object, FIELD_ID, control->id_text, sizeof control->id_text);
        break;
    default:
        control->id_kind = PW_BINANCE_ID_INTEGER;
        control->id = get_i64(object, FIELD_ID);
    }
}

/* Counts the items of an array, of whatever type. */
static struct pw_binance_list list_of(const struct pw_binance_field *field)
{
    struct pw_binance_list list = {.text = field->text.text, .size = field->text.size};
    struct pw_binance_cursor cursor;
    list_begin(&cursor, &list);
    while (pw_json_item_next(&cursor.json) == PW_JSON_VALUE && pw_json_skip(&cursor.json)) {
        list.cnt++;
    }
    return list;
}

static enum pw_decode decode_reply(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_control *control = &msg->body.control;
    msg->kind = PW_BINANCE_REPLY;
    get_request_id(object, control);
    control->result = pw_binance_field(&object->fields, FIELD_RESULT)->type;
    if (control->result == PW_JSON_ARRAY) {
        control->list = list_of(pw_binance_field(&object->fields, FIELD_RESULT));
    }
    return object->fault == PW_DECODE_OK ? PW_DECODE_CONTROL : object->fault;
}

static enum pw_decode decode_request(struct object *object, struct pw_binance_msg *msg)
{
    struct pw_binance_control *control = &msg->body.control;
    msg->kind = PW_BINANCE_REQUEST;
    get_request_id(object, control);
    get_text(object, FIELD_METHOD, control->method, sizeof control->method);
    if (pw_binance_field(&object->fields, FIELD_PARAMS)->type == PW_JSON_ARRAY) {
        control->list = list_of(pw_binance_field(&object->fields, FIELD_PARAMS));
    }
    return object->fault == PW_DECODE_OK ? PW_DECODE_CONTROL : object->fault;
}

static void get_error(struct object *object, struct pw_binance_control *control)
{
    control->code = get_i64(object, FIELD_CODE);
    control->text = pw_binance_field(&object->fields, FIELD_MSG)->text;
    if (pw_binance_field(&object->fields, FIELD_MSG)->type != PW_JSON_STRING) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
}

/* Flat, {"code":..,"msg":..,"id":..}, or with code and msg in an object "error". */
static enum pw_decode decode_error(struct object *object, struct pw_binance_msg *msg)
{
    msg->kind = PW_BINANCE_ERROR;
    get_request_id(object, &msg->body.control);
    const struct pw_binance_field *nested = pw_binance_field(&object->fields, FIELD_ERROR);
    if (nested->type == PW_JSON_NOTHING) {
        get_error(object, &msg->body.control);
    } else if (nested->type == PW_JSON_OBJECT) {
        struct pw_json json;
        struct object error;
        pw_json_init(&json, nested->text.text, nested->text.size);
        if (collect(&json, &error) == PW_DECODE_OK) {
            get_error(&error, &msg->body.control);
        }
        blame(object, error.fault);
    } else {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return object->fault == PW_DECODE_OK ? PW_DECODE_ERROR_REPLY : object->fault;
}

/* ---- messages ---- */

/* How far in we are: a message may be an envelope; an envelope's data may be a batch; a batch's items are
 * neither. */
enum level { LEVEL_MESSAGE, LEVEL_DATA, LEVEL_ITEM };

static enum pw_decode decode_value(const char *data, size_t size, enum level level,
                                   struct pw_binance_msg *msg);

static enum pw_decode decode_envelope(struct object *object, struct pw_binance_msg *msg)
{
    const struct pw_binance_field *data = pw_binance_field(&object->fields, FIELD_DATA);
    get_text(object, FIELD_STREAM, msg->stream, sizeof msg->stream);
    if (data->type != PW_JSON_OBJECT && data->type != PW_JSON_ARRAY) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return object->fault != PW_DECODE_OK ? object->fault
                                         : decode_value(data->text.text, data->text.size, LEVEL_DATA, msg);
}

static bool there(const struct object *object, int idx)
{
    return pw_binance_field(&object->fields, idx)->type != PW_JSON_NOTHING;
}

/* Which kind an object is shows in the fields that it has. */
static enum pw_decode decode_object(struct object *object, enum level level, struct pw_binance_msg *msg)
{
    if (level == LEVEL_MESSAGE && there(object, FIELD_STREAM)) {
        return decode_envelope(object, msg);
    }
    if (has(object, "e")) {
        return decode_event(object, msg);
    }
    if (there(object, FIELD_LAST_UPDATE)) {
        msg->kind = PW_BINANCE_PARTIAL_DEPTH;
        return decode_partial_depth(object, msg);
    }
    if (has(object, "usbBaA")) {
        msg->kind = PW_BINANCE_BOOK_TICKER;
        return decode_book_ticker(object, msg);
    }
    if (level != LEVEL_MESSAGE) {
        return PW_DECODE_BAD_FIELD;
    }
    if (there(object, FIELD_METHOD)) {
        return decode_request(object, msg);
    }
    if (there(object, FIELD_CODE) || there(object, FIELD_ERROR)) {
        return decode_error(object, msg);
    }
    return there(object, FIELD_RESULT) ? decode_reply(object, msg) : PW_DECODE_BAD_FIELD;
}

/* Every item is judged; one that is invalid makes the batch invalid. */
static enum pw_decode decode_batch(struct pw_json *json, struct pw_binance_msg *msg)
{
    const char *begin = json->at;
    uint32_t cnt = 0;
    enum pw_json_step step;
    pw_json_array_enter(json);
    while ((step = pw_json_item_next(json)) == PW_JSON_VALUE) {
        struct pw_binance_msg item;
        struct pw_binance_field value;
        if (!pw_binance_take(json, &value)) {
            return PW_DECODE_BAD_JSON;
        }
        if (value.type != PW_JSON_OBJECT) {
            return PW_DECODE_BAD_FIELD;
        }
        enum pw_decode result = decode_value(value.text.text, value.text.size, LEVEL_ITEM, &item);
        if (result < 0) {
            return result;
        }
        cnt++;
    }
    if (step == PW_JSON_INVALID) {
        return PW_DECODE_BAD_JSON;
    }
    msg->kind = PW_BINANCE_BATCH;
    msg->body.batch = (struct pw_binance_list){.text = begin, .size = (size_t)(json->at - begin), .cnt = cnt};
    return PW_DECODE_OK;
}

static enum pw_decode decode_value(const char *data, size_t size, enum level level,
                                   struct pw_binance_msg *msg)
{
    struct pw_json json;
    pw_json_init(&json, data, size);
    if (level == LEVEL_ITEM) {
        memset(msg, 0, sizeof *msg);
    }
    enum pw_json_type type = pw_json_peek(&json);
    enum pw_decode result;
    struct object object;
    if (type == PW_JSON_ARRAY && level != LEVEL_ITEM) {
        result = decode_batch(&json, msg);
        return result == PW_DECODE_OK && !pw_json_done(&json) ? PW_DECODE_BAD_JSON : result;
    }
    result = type == PW_JSON_OBJECT ? collect(&json, &object) : PW_DECODE_BAD_JSON;
    if (result == PW_DECODE_BAD_JSON || !pw_json_done(&json)) {
        return PW_DECODE_BAD_JSON;
    }
    return result != PW_DECODE_OK ? result : decode_object(&object, level, msg);
}

enum pw_decode pw_binance_decode(const char *data, size_t size, struct pw_binance_msg *msg)
{
    memset(msg, 0, sizeof *msg);
    return decode_value(data, size, LEVEL_MESSAGE, msg);
}

enum pw_decode pw_binance_decode_ours(const struct pw_symbols *symbols, const char *data, size_t size,
                                      struct pw_binance_msg *msg)
{
    memset(msg, 0, sizeof *msg);
    msg->symbols = symbols;
    return decode_value(data, size, LEVEL_MESSAGE, msg);
}

enum pw_decode pw_binance_decode_snapshot(int unit_shift, const char *data, size_t size,
                                          struct pw_binance_msg *msg)
{
    memset(msg, 0, sizeof *msg);
    msg->known.unit_shift = (int8_t)unit_shift;
    return decode_value(data, size, LEVEL_MESSAGE, msg);
}

bool pw_binance_batch_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *batch,
                           struct pw_binance_msg *item)
{
    struct pw_binance_field value;
    if (!list_next(cursor, batch) || !pw_binance_take(&cursor->json, &value)) {
        return false;
    }
    enum pw_decode result = decode_value(value.text.text, value.text.size, LEVEL_ITEM, item);
    if (result == PW_DECODE_IGNORED) {
        item->kind = PW_BINANCE_NONE;
    }
    return result >= 0;
}
