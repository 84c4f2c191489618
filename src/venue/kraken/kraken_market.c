/* SPDX-License-Identifier: MIT
 *
 * Kraken's messages, spot WebSocket v2, read in place.
 *
 * A message is an object of a channel with its data, or an answer to a request: it has `success`, `error` or
 * `method`. Members come in any order, so the first reading finds where `data` begins and checks the grammar
 * of all of it; the second reads the data by its channel. A message's data are of one symbol.
 */
#include "kraken_market.h"

#include "calendar.h"
#include "decimal.h"
#include "symbols.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- subscribing ---- */

static const struct {
    const char *stream, *options;
    uint64_t kinds;
} streams[] = {
    {"trade", "\"snapshot\":false", PW_KIND_BIT(TRADE)},         /* past trades are not asked for */
    {"ticker", "\"event_trigger\":\"bbo\"", PW_KIND_BIT(QUOTE)}, /* on each change of the best prices */
};
#define STREAM_CNT (sizeof streams / sizeof streams[0])

const char *pw_kraken_stream(uint32_t i)
{
    return i < STREAM_CNT ? streams[i].stream : NULL;
}

uint64_t pw_kraken_stream_kinds(uint32_t i)
{
    return i < STREAM_CNT ? streams[i].kinds : 0;
}

/* The URL has the whole path; subscriptions are messages. */
int pw_kraken_target(struct pw_venue_wants wants, char *target, size_t size)
{
    if (wants.symbol_cnt == 0 || wants.stream_cnt == 0) {
        return -EINVAL;
    }
    if (size == 0) {
        return -E2BIG;
    }
    target[0] = '\0';
    return 0;
}

/* False: it does not fit. */
static bool add(char *lines, size_t size, size_t *used, const char *format, const char *text)
{
    int bytes = snprintf(lines + *used, size - *used, format, text);
    *used += (size_t)bytes;
    return *used < size;
}

static const char *options_of(const char *stream)
{
    for (size_t i = 0; i < STREAM_CNT; i++) {
        if (strcmp(streams[i].stream, stream) == 0) {
            return streams[i].options;
        }
    }
    return NULL;
}

static bool add_request(char *lines, size_t size, size_t *used, struct pw_venue_wants wants,
                        uint32_t stream_idx)
{
    const char *stream = wants.streams[stream_idx];
    bool fits =
        add(lines, size, used, "%s{\"method\":\"subscribe\",\"params\":{", stream_idx > 0 ? "\n" : "") &&
        add(lines, size, used, "\"channel\":\"%s\",\"symbol\":[", stream);
    for (uint32_t i = 0; i < wants.symbol_cnt && fits; i++) {
        fits = add(lines, size, used, i > 0 ? ",\"%s\"" : "\"%s\"", wants.symbols[i]);
    }
    return fits && add(lines, size, used, "],%s}}", options_of(stream));
}

int pw_kraken_subscribe(struct pw_venue_wants wants, char *lines, size_t size)
{
    size_t used = 0;
    if (wants.symbol_cnt == 0 || wants.stream_cnt == 0) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < wants.stream_cnt; i++) {
        if (options_of(wants.streams[i]) == NULL) {
            return -EINVAL;
        }
        if (!add_request(lines, size, &used, wants, i)) {
            return -E2BIG;
        }
    }
    return 0;
}

/* ---- numbers and times ---- */

/* The digits with the point moved by the exponent, so that the usual reading judges them. */
static bool expand(const struct pw_json_text *text, const char *e, char *out, size_t out_bytes)
{
    char digits[48];
    size_t cnt = 0, before = (size_t)(e - text->text);
    const char *point = memchr(text->text, '.', before);
    long whole = point != NULL ? point - text->text : (long)before;
    long exponent = 0;
    bool minus = e[1] == '-';
    for (const char *at = e + 1 + (minus || e[1] == '+'); at < text->text + text->size; at++) {
        exponent = exponent * 10 + (*at - '0');
        if (exponent > 40) {
            return false;
        }
    }
    for (const char *at = text->text; at < e && cnt < sizeof digits; at++) {
        if (*at != '.') {
            digits[cnt++] = *at;
        }
    }
    whole += minus ? -exponent : exponent;
    if (cnt == sizeof digits || text->text[0] == '-') {
        return false;
    }
    int zeros_before = whole < 1 ? (int)(1 - whole) : 0;
    int zeros_behind = whole > (long)cnt ? (int)(whole - (long)cnt) : 0;
    char all[160];
    int bytes = snprintf(all, sizeof all, "%.*s%.*s%.*s", zeros_before,
                         "0000000000000000000000000000000000000000000000000", (int)cnt, digits, zeros_behind,
                         "0000000000000000000000000000000000000000000000000");
    whole = whole < 1 ? 1 : whole;
    while (whole > 1 && all[0] == '0') { /* 0.5e2: no leading zeros */
        memmove(all, all + 1, (size_t)bytes--);
        whole--;
    }
    int written = whole < bytes ? snprintf(out, out_bytes, "%.*s.%s", (int)whole, all, all + whole)
                                : snprintf(out, out_bytes, "%s", all);
    return written > 0 && (size_t)written < out_bytes;
}

/* A JSON number as plain digits: some of the venue's are written with an exponent. */
struct digits {
    const char *text;
    size_t size;
    char plain[176];
};

static bool digits_of(const struct pw_json_text *text, struct digits *digits)
{
    const char *e = memchr(text->text, 'e', text->size);
    e = e != NULL ? e : memchr(text->text, 'E', text->size);
    digits->text = e == NULL ? text->text : digits->plain;
    digits->size = text->size;
    if (e != NULL) {
        if (!expand(text, e, digits->plain, sizeof digits->plain)) {
            return false;
        }
        digits->size = strlen(digits->plain);
    }
    return true;
}

/* Exactly; false: negative, too large, or with more decimals than its unit has. */
static bool price_of(const struct pw_json_text *text, int unit_shift, int64_t *price)
{
    struct digits digits;
    return digits_of(text, &digits) &&
           pw_decimal_parse(digits.text, digits.size, pw_price_decimals(unit_shift), false, price);
}

/* What cannot be held exactly is capped or rounded up, and marked. */
static bool qty_of(const struct pw_json_text *text, int unit_shift, int64_t *qty, struct pw_event *event)
{
    struct digits digits;
    bool exact;
    if (!digits_of(text, &digits) ||
        !pw_decimal_parse_capped(digits.text, digits.size, pw_qty_decimals(unit_shift), qty, &exact)) {
        return false;
    }
    event->flags |= exact ? 0 : PW_FLAG_CAPPED;
    return true;
}

/* A side of a quote; a price that cannot be held makes it none. */
static bool side_of(const struct pw_json_text *price, const struct pw_json_text *qty, int unit_shift,
                    int64_t out[2], struct pw_event *event)
{
    struct digits digits;
    if (!qty_of(qty, unit_shift, &out[1], event)) {
        return false;
    }
    if (!price_of(price, unit_shift, &out[0])) {
        out[0] = out[1] = 0;
        event->flags |= PW_FLAG_CAPPED;
        return digits_of(price, &digits) && pw_decimal_places(digits.text, digits.size) >= 0;
    }
    return true;
}

/* Two digits at text, at most `max`; -1: they are not. */
static int two(const char *text, int max)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return -1;
    }
    int value = (text[0] - '0') * 10 + (text[1] - '0');
    return value <= max ? value : -1;
}

/* "2026-11-02T09:30:07.440295Z", with up to 9 digits of a second or none. */
static bool time_ns(const struct pw_json_text *text, int64_t *ns)
{
    const char *t = text->text;
    if (text->size < 20 || text->size > 30 || t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' ||
        t[16] != ':' || t[text->size - 1] != 'Z') {
        return false;
    }
    int century = two(t, 99), of_century = two(t + 2, 99), month = two(t + 5, 12), day = two(t + 8, 31);
    int hour = two(t + 11, 23), minute = two(t + 14, 59), second = two(t + 17, 60);
    if (century < 19 || century > 21 || of_century < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 ||
        second < 0 || (text->size > 20 && (t[19] != '.' || text->size < 22))) {
        return false;
    }
    int64_t fraction = 0;
    for (size_t i = 20; i < 29 && text->size > 20; i++) {
        char c = i < text->size - 1 ? t[i] : '0';
        if (c < '0' || c > '9') {
            return false;
        }
        fraction = fraction * 10 + (c - '0');
    }
    int64_t days = pw_days_from_1970(century * 100 + of_century, month, day);
    *ns = ((days * 24 + hour) * 60 + minute) * 60 * 1000000000 + (int64_t)second * 1000000000 + fraction;
    return true;
}

/* ---- one item of the data ---- */

/* A member as it stands there; text NULL: missing, doubled, or of another type than ours has. */
struct item {
    struct pw_json_text symbol, side, timestamp;
    struct pw_json_text price, qty;                 /* trade */
    struct pw_json_text bid, bid_qty, ask, ask_qty; /* ticker */
    struct pw_json_text trade_id;
    uint32_t seen; /* a bit for each: which have come */
};

static const struct {
    const char *name;
    size_t at;
    bool number;
} members[] = {{"symbol", offsetof(struct item, symbol), false},
               {"side", offsetof(struct item, side), false},
               {"timestamp", offsetof(struct item, timestamp), false},
               {"price", offsetof(struct item, price), true},
               {"qty", offsetof(struct item, qty), true},
               {"bid", offsetof(struct item, bid), true},
               {"bid_qty", offsetof(struct item, bid_qty), true},
               {"ask", offsetof(struct item, ask), true},
               {"ask_qty", offsetof(struct item, ask_qty), true},
               {"trade_id", offsetof(struct item, trade_id), true}};
#define MEMBER_CNT     (sizeof members / sizeof members[0])
#define TIMESTAMP_SEEN (1u << 2)

/* Whatever it is; who uses it judges it. */
static bool read_value(struct pw_json *json, struct item *item, size_t member)
{
    enum pw_json_type type = pw_json_peek(json);
    struct pw_json_text text = {NULL, 0, false};
    bool ok = type == (members[member].number ? PW_JSON_NUMBER : PW_JSON_STRING)
                  ? (members[member].number ? pw_json_number : pw_json_string)(json, &text)
                  : pw_json_skip(json);
    if (item->seen >> member & 1) {
        text.text = NULL;
    }
    item->seen |= 1u << member;
    memcpy((char *)item + members[member].at, &text, sizeof text);
    return ok;
}

static bool read_item(struct pw_json *json, struct item *item)
{
    struct pw_json_text key;
    enum pw_json_step step;
    *item = (struct item){.seen = 0};
    if (!pw_json_object_enter(json)) {
        return false;
    }
    while ((step = pw_json_member_next(json, &key)) == PW_JSON_VALUE) {
        size_t i = 0;
        while (i < MEMBER_CNT && !pw_json_equal(&key, members[i].name)) {
            i++;
        }
        if (!(i < MEMBER_CNT ? read_value(json, item, i) : pw_json_skip(json))) {
            return false;
        }
    }
    return step == PW_JSON_END;
}

static struct pw_symbol symbol_of(const struct pw_symbols *symbols, const struct pw_json_text *symbol)
{
    char text[PW_SYMBOL_BYTES];
    int64_t bytes = pw_json_unescape(symbol, text, sizeof text - 1);
    return bytes > 0 ? pw_symbols_find_text(symbols, text, (size_t)bytes)
                     : (struct pw_symbol){PW_NO_INSTRUMENT, 0};
}

static enum pw_decode trade_of(const struct item *item, int unit_shift, struct pw_event *event)
{
    bool sell = item->side.text != NULL && pw_json_equal(&item->side, "sell");
    uint64_t trade_id;
    if (item->price.text == NULL || item->qty.text == NULL || item->side.text == NULL ||
        item->trade_id.text == NULL || !pw_json_text_u64(&item->trade_id, &trade_id) ||
        item->timestamp.text == NULL || (!sell && !pw_json_equal(&item->side, "buy")) ||
        !time_ns(&item->timestamp, &event->venue_ns)) {
        return PW_DECODE_BAD_FIELD;
    }
    event->kind = PW_EVENT_TRADE;
    event->flags = sell ? PW_FLAG_SELL : 0; /* the taker's side */
    struct pw_trade *trade = &event->body.trade;
    *trade = (struct pw_trade){.trade_id = trade_id, .trade_ns = event->venue_ns};
    bool ok = price_of(&item->price, unit_shift, &trade->price_e8) && trade->price_e8 > 0 &&
              qty_of(&item->qty, unit_shift, &trade->qty_e8, event) && trade->qty_e8 > 0;
    return ok ? PW_DECODE_OK : PW_DECODE_BAD_NUMBER;
}

/* Older messages have no time. */
static enum pw_decode quote_of(const struct item *item, int unit_shift, struct pw_event *event)
{
    if (item->bid.text == NULL || item->bid_qty.text == NULL || item->ask.text == NULL ||
        item->ask_qty.text == NULL ||
        (item->seen & TIMESTAMP_SEEN &&
         (item->timestamp.text == NULL || !time_ns(&item->timestamp, &event->venue_ns)))) {
        return PW_DECODE_BAD_FIELD;
    }
    event->kind = PW_EVENT_QUOTE;
    int64_t bid[2], ask[2];
    bool ok = side_of(&item->bid, &item->bid_qty, unit_shift, bid, event) &&
              side_of(&item->ask, &item->ask_qty, unit_shift, ask, event);
    if (ok) {
        event->body.quote = (struct pw_quote){bid[0], bid[1], ask[0], ask[1], 0};
    }
    return ok ? PW_DECODE_OK : PW_DECODE_BAD_NUMBER;
}

/* ---- the message ---- */

struct message {
    struct pw_json_text channel, type;
    struct pw_json data; /* where its value begins */
    bool has_data, is_reply, failed;
};

static bool read_member(struct pw_json *json, const struct pw_json_text *key, struct message *message)
{
    enum pw_json_type type = pw_json_peek(json);
    if (type == PW_JSON_STRING && pw_json_equal(key, "channel")) {
        return pw_json_string(json, &message->channel);
    }
    if (type == PW_JSON_STRING && pw_json_equal(key, "type")) {
        return pw_json_string(json, &message->type);
    }
    if (pw_json_equal(key, "data")) {
        message->data = *json;
        message->has_data = true;
    } else if (pw_json_equal(key, "success")) {
        message->is_reply = true;
        message->failed |= type != PW_JSON_TRUE;
    } else if (type != PW_JSON_NULL && pw_json_equal(key, "error")) {
        message->is_reply = message->failed = true;
    } else if (pw_json_equal(key, "method")) {
        message->is_reply = true;
    }
    return pw_json_skip(json);
}

/* The grammar of all of it. */
static bool read_message(const char *data, size_t size, struct message *message)
{
    struct pw_json json;
    struct pw_json_text key;
    enum pw_json_step step;
    *message = (struct message){.has_data = false};
    pw_json_init(&json, data, size);
    if (!pw_json_object_enter(&json)) {
        return false;
    }
    while ((step = pw_json_member_next(&json, &key)) == PW_JSON_VALUE) {
        if (!read_member(&json, &key, message)) {
            return false;
        }
    }
    return step == PW_JSON_END && pw_json_done(&json);
}

typedef enum pw_decode (*item_reader)(const struct item *item, int unit_shift, struct pw_event *event);

/* Into *event, if it is of one of our symbols; else it may be anything, and event->kind stays 0. */
static enum pw_decode read_row(const struct pw_symbols *symbols, struct pw_json *json, item_reader reader,
                               struct pw_event *event)
{
    struct item item;
    if (pw_json_peek(json) != PW_JSON_OBJECT) {
        return pw_json_skip(json) ? PW_DECODE_OK : PW_DECODE_BAD_JSON;
    }
    if (!read_item(json, &item)) {
        return PW_DECODE_BAD_JSON;
    }
    if (item.symbol.text == NULL) {
        return PW_DECODE_BAD_FIELD; /* it may be of one of ours */
    }
    struct pw_symbol symbol = symbol_of(symbols, &item.symbol);
    event->instrument_idx = symbol.instrument_idx;
    return symbol.instrument_idx == PW_NO_INSTRUMENT ? PW_DECODE_OK : reader(&item, symbol.unit_shift, event);
}

static enum pw_decode read_data(const struct pw_symbols *symbols, struct message *message, item_reader reader,
                                struct pw_venue_out *out)
{
    struct pw_json *json = &message->data;
    enum pw_json_step step;
    if (pw_json_peek(json) != PW_JSON_ARRAY || !pw_json_array_enter(json)) {
        return PW_DECODE_BAD_FIELD;
    }
    while ((step = pw_json_item_next(json)) == PW_JSON_VALUE) {
        struct pw_event event = {.recv_ns = out->recv_ns};
        enum pw_decode result = read_row(symbols, json, reader, &event);
        if (result != PW_DECODE_OK) {
            return result;
        }
        if (event.kind == 0) {
            continue;
        }
        if (out->cnt > 0 && event.instrument_idx != out->events[0].instrument_idx) {
            return PW_DECODE_BAD_FIELD; /* of one symbol */
        }
        if (out->cnt == out->cap) {
            return PW_DECODE_TOO_LARGE;
        }
        out->events[out->cnt++] = event;
    }
    return step == PW_JSON_INVALID ? PW_DECODE_BAD_FIELD : out->cnt > 0 ? PW_DECODE_OK : PW_DECODE_IGNORED;
}

enum pw_decode pw_kraken_decode(const struct pw_symbols *symbols, const char *data, size_t size,
                                struct pw_venue_out *out)
{
    struct message message;
    out->cnt = 0;
    if (!read_message(data, size, &message)) {
        return PW_DECODE_BAD_JSON;
    }
    if (message.channel.text == NULL) {
        return message.failed     ? PW_DECODE_ERROR_REPLY
               : message.is_reply ? PW_DECODE_CONTROL
                                  : PW_DECODE_BAD_FIELD;
    }
    bool is_trade = pw_json_equal(&message.channel, "trade");
    if (!is_trade && !pw_json_equal(&message.channel, "ticker")) {
        return PW_DECODE_IGNORED;
    }
    bool is_snapshot = pw_json_equal(&message.type, "snapshot");
    if (!message.has_data || (!is_snapshot && !pw_json_equal(&message.type, "update"))) {
        return PW_DECODE_BAD_FIELD;
    }
    if (is_trade && is_snapshot) {
        return PW_DECODE_IGNORED; /* past trades */
    }
    enum pw_decode result = read_data(symbols, &message, is_trade ? trade_of : quote_of, out);
    out->cnt = result == PW_DECODE_OK ? out->cnt : 0;
    return result;
}
