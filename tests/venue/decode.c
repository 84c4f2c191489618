/* SPDX-License-Identifier: MIT
 *
 * Every example message of the venue's market data against its stated meaning, field by field; what is
 * malformed is refused; prefixes and changed bytes do no harm.
 */
#include "binance_decode.h"

#include "guard.h"
#include "shared.h"
#include <criterion/criterion.h>
#include <stdio.h>

/* ---- what a decoded message says, in the words of the examples ---- */

static const char *const g_kind_names[] = {
    [PW_BINANCE_TRADE] = "trade",
    [PW_BINANCE_BLOCK_TRADE] = "block_trade",
    [PW_BINANCE_AGG_TRADE] = "agg_trade",
    [PW_BINANCE_BOOK_TICKER] = "bbo",
    [PW_BINANCE_DEPTH] = "depth_diff",
    [PW_BINANCE_PARTIAL_DEPTH] = "depth_snapshot_partial",
    [PW_BINANCE_KLINE] = "candle",
    [PW_BINANCE_MINI_TICKER] = "ticker24h_mini",
    [PW_BINANCE_TICKER] = "ticker24h",
    [PW_BINANCE_WINDOW_TICKER] = "ticker_window",
    [PW_BINANCE_AVG_PRICE] = "avg_price",
    [PW_BINANCE_REFERENCE_PRICE] = "reference_price",
    [PW_BINANCE_SERVER_SHUTDOWN] = "server_shutdown",
    [PW_BINANCE_BATCH] = "batch",
    [PW_BINANCE_REPLY] = "reply",
    [PW_BINANCE_ERROR] = "error",
    [PW_BINANCE_REQUEST] = "request",
};

static json_t *text(const char *value)
{
    return value[0] != '\0' ? json_string(value) : json_null();
}

static json_t *e8(int64_t value)
{
    return json_string(text_e8(value));
}

/* A time that was not given is 0 in the struct; what the venue sends as 0 is told by the field's own name. */
static json_t *time_ns(int64_t value)
{
    return value != 0 ? json_integer(value) : json_null();
}

static json_t *levels(const struct pw_binance_list *side)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_level level;
    json_t *list = json_array();
    while (pw_binance_level_next(&cursor, side, &level)) {
        json_array_append_new(list, json_pack("[ss]", text_e8(level.price_e8), text_e8(level.qty_e8)));
    }
    cr_assert_eq(json_array_size(list), side->cnt);
    return list;
}

static json_int_t delete_cnt(const struct pw_binance_list *side)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_level level;
    json_int_t cnt = 0;
    while (pw_binance_level_next(&cursor, side, &level)) {
        cnt += level.qty_e8 == 0;
    }
    return cnt;
}

static json_t *texts(const struct pw_binance_list *list)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_json_text item;
    json_t *out = json_array();
    while (pw_binance_text_next(&cursor, list, &item)) {
        json_array_append_new(out, json_stringn(item.text, item.size));
    }
    return out;
}

static void say_trade(json_t *said, const struct pw_binance_msg *msg)
{
    const struct pw_binance_trade *trade = &msg->body.trade;
    const char *id = msg->kind == PW_BINANCE_TRADE ? "trade_id" : "block_trade_id";
    json_object_set_new(said, "price", e8(trade->price_e8));
    json_object_set_new(said, "qty", e8(trade->qty_e8));
    json_object_set_new(said, "aggressor", json_string(trade->sell ? "sell" : "buy"));
    json_object_set_new(said, id, json_integer((json_int_t)trade->trade_id));
    json_object_set_new(said, "ts_trade_ns", time_ns(trade->trade_ns));
}

static void say_agg_trade(json_t *said, const struct pw_binance_agg_trade *agg)
{
    json_int_t first = (json_int_t)agg->first_trade_id, last = (json_int_t)agg->last_trade_id;
    json_object_set_new(said, "price", e8(agg->price_e8));
    json_object_set_new(said, "qty", e8(agg->qty_e8));
    json_object_set_new(said, "aggressor", json_string(agg->sell ? "sell" : "buy"));
    json_object_set_new(said, "agg_id", json_integer((json_int_t)agg->agg_id));
    json_object_set_new(said, "first_trade_id", json_integer(first));
    json_object_set_new(said, "last_trade_id", json_integer(last));
    json_object_set_new(said, "trade_count", json_integer(last - first + 1));
    json_object_set_new(said, "ts_trade_ns", time_ns(agg->trade_ns));
}

static void say_quote(json_t *said, const struct pw_quote *quote)
{
    json_object_set_new(said, "bid_price", e8(quote->bid_price_e8));
    json_object_set_new(said, "bid_qty", e8(quote->bid_qty_e8));
    json_object_set_new(said, "ask_price", e8(quote->ask_price_e8));
    json_object_set_new(said, "ask_qty", e8(quote->ask_qty_e8));
}

static void say_depth(json_t *said, const struct pw_binance_depth *depth)
{
    json_object_set_new(said, "first_id", json_integer((json_int_t)depth->first_id));
    json_object_set_new(said, "last_id", json_integer((json_int_t)depth->last_id));
    json_object_set_new(said, "prev_last_id", json_integer((json_int_t)depth->prev_last_id));
    json_object_set_new(said, "ts_trade_ns", time_ns(depth->trade_ns));
    json_object_set_new(said, "bids", levels(&depth->bids));
    json_object_set_new(said, "asks", levels(&depth->asks));
    json_object_set_new(said, "deletes", json_integer(delete_cnt(&depth->bids) + delete_cnt(&depth->asks)));
}

static void say_kline(json_t *said, const struct pw_binance_kline *kline)
{
    json_object_set_new(said, "interval", text(kline->interval));
    json_object_set_new(said, "closed", json_boolean(kline->closed));
    json_object_set_new(said, "open", e8(kline->open_e8));
    json_object_set_new(said, "high", e8(kline->high_e8));
    json_object_set_new(said, "low", e8(kline->low_e8));
    json_object_set_new(said, "close", e8(kline->close_e8));
    json_object_set_new(said, "volume", e8(kline->volume_e8));
    json_object_set_new(said, "quote_volume", e8(kline->quote_volume_e8));
    json_object_set_new(said, "taker_buy_volume", e8(kline->taker_volume_e8));
    json_object_set_new(said, "taker_buy_quote_volume", e8(kline->taker_quote_volume_e8));
    json_object_set_new(said, "trades", json_integer(kline->trade_cnt));
    json_object_set_new(said, "first_trade_id", json_integer(kline->first_trade_id));
    json_object_set_new(said, "last_trade_id", json_integer(kline->last_trade_id));
    json_object_set_new(said, "ts_open_ns", time_ns(kline->open_ns));
    json_object_set_new(said, "ts_close_ns", time_ns(kline->close_ns));
}

static void say_ticker(json_t *said, const struct pw_binance_ticker *ticker)
{
    say_quote(said, &ticker->quote);
    json_object_set_new(said, "window", text(ticker->window));
    json_object_set_new(said, "last", e8(ticker->last_e8));
    json_object_set_new(said, "open", e8(ticker->open_e8));
    json_object_set_new(said, "high", e8(ticker->high_e8));
    json_object_set_new(said, "low", e8(ticker->low_e8));
    json_object_set_new(said, "volume", e8(ticker->volume_e8));
    json_object_set_new(said, "quote_volume", e8(ticker->quote_volume_e8));
    json_object_set_new(said, "change", e8(ticker->change_e8));
    json_object_set_new(said, "change_pct", e8(ticker->change_percent_e8));
    json_object_set_new(said, "vwap", e8(ticker->vwap_e8));
    json_object_set_new(said, "last_qty", e8(ticker->last_qty_e8));
    json_object_set_new(said, "ts_open_ns", json_integer(ticker->open_ns));
    json_object_set_new(said, "ts_close_ns", json_integer(ticker->close_ns));
    json_object_set_new(said, "first_trade_id", json_integer(ticker->first_trade_id));
    json_object_set_new(said, "last_trade_id", json_integer(ticker->last_trade_id));
    json_object_set_new(said, "trades", json_integer((json_int_t)ticker->trade_cnt));
}

static void say_price(json_t *said, const struct pw_binance_price *price)
{
    json_object_set_new(said, "interval", text(price->interval));
    json_object_set_new(said, "price", price->has_price ? e8(price->price_e8) : json_null());
    json_object_set_new(said, "ts_trade_ns", time_ns(price->trade_ns));
}

static void say_batch(json_t *said, const struct pw_binance_list *batch)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_binance_msg item;
    json_t *symbols = json_array(), *last = json_array();
    json_int_t cnt = 0;
    while (pw_binance_batch_next(&cursor, batch, &item)) {
        json_array_append_new(symbols, text(item.symbol));
        json_array_append_new(last, e8(item.body.ticker.last_e8));
        json_object_set_new(said, "ts_event_ns", time_ns(item.venue_ns));
        cnt++;
    }
    cr_assert_eq(cnt, batch->cnt);
    json_object_set_new(said, "count", json_integer(cnt));
    json_object_set_new(said, "symbols", symbols);
    json_object_set_new(said, "last", last);
}

static void say_control(json_t *said, const struct pw_binance_msg *msg)
{
    const struct pw_binance_control *control = &msg->body.control;
    json_object_set_new(said, "req_id",
                        control->id_kind == PW_BINANCE_ID_INTEGER ? json_integer(control->id)
                        : control->id_kind == PW_BINANCE_ID_TEXT  ? json_string(control->id_text)
                                                                  : json_null());
    if (msg->kind == PW_BINANCE_ERROR) {
        json_object_set_new(said, "code", json_integer(control->code));
        json_object_set_new(said, "text", json_stringn(control->text.text, control->text.size));
        return;
    }
    json_object_set_new(said, "ok", json_true());
    json_object_set_new(said, "method", text(control->method));
    json_object_set_new(said, "streams", texts(&control->list));
    json_object_set_new(said, "value", json_boolean(control->result == PW_JSON_TRUE));
}

/* All that the message says; the examples state a part of it. */
static json_t *say(const struct pw_binance_msg *msg)
{
    json_t *said = json_object();
    json_object_set_new(said, "event", json_string(g_kind_names[msg->kind]));
    json_object_set_new(said, "symbol", text(msg->symbol));
    json_object_set_new(said, "stream", text(msg->stream));
    json_object_set_new(said, "ts_event_ns", time_ns(msg->venue_ns));
    switch (msg->kind) {
    case PW_BINANCE_TRADE:
    case PW_BINANCE_BLOCK_TRADE:
        say_trade(said, msg);
        break;
    case PW_BINANCE_AGG_TRADE:
        say_agg_trade(said, &msg->body.agg_trade);
        break;
    case PW_BINANCE_BOOK_TICKER:
        say_quote(said, &msg->body.book_ticker.quote);
        json_object_set_new(said, "update_id",
                            json_integer((json_int_t)msg->body.book_ticker.quote.update_id));
        json_object_set_new(said, "ts_trade_ns", time_ns(msg->body.book_ticker.trade_ns));
        break;
    case PW_BINANCE_DEPTH:
    case PW_BINANCE_PARTIAL_DEPTH:
        say_depth(said, &msg->body.depth);
        break;
    case PW_BINANCE_KLINE:
        say_kline(said, &msg->body.kline);
        break;
    case PW_BINANCE_MINI_TICKER:
    case PW_BINANCE_TICKER:
    case PW_BINANCE_WINDOW_TICKER:
        say_ticker(said, &msg->body.ticker);
        break;
    case PW_BINANCE_AVG_PRICE:
    case PW_BINANCE_REFERENCE_PRICE:
        say_price(said, &msg->body.price);
        break;
    case PW_BINANCE_SERVER_SHUTDOWN:
        json_object_set_new(said, "action", json_string("reconnect"));
        break;
    case PW_BINANCE_BATCH:
        say_batch(said, &msg->body.batch);
        break;
    default:
        say_control(said, msg);
    }
    return said;
}

/* ---- the examples ---- */

/* A name of the examples that is about two messages; the tests of book synchronisation have these. */
static bool about_sequence(const char *name)
{
    return strstr(name, "previous") != NULL;
}

/* SET_PROPERTY's params are not stream names but a name and a value. */
static bool about_property(const char *name, const json_t *expect)
{
    return json_object_get(expect, "property") != NULL &&
           (strcmp(name, "property") == 0 || strcmp(name, "value") == 0);
}

static void assert_means(const struct pw_binance_msg *msg, const json_t *expect, json_int_t id)
{
    json_t *said = say(msg);
    const char *name;
    json_t *expected;
    json_object_foreach((json_t *)expect, name, expected)
    {
        if (about_sequence(name) || about_property(name, expect)) {
            continue;
        }
        const json_t *found = json_object_get(said, name);
        cr_assert_not_null(found, "example %lld: nothing is said about %s", (long long)id, name);
        char *is = json_dumps(found, JSON_ENCODE_ANY), *should = json_dumps(expected, JSON_ENCODE_ANY);
        cr_assert(json_equal(found, expected), "example %lld: %s is %s, not %s", (long long)id, name, is,
                  should);
        free(is);
        free(should);
    }
    json_decref(said);
}

static enum pw_decode expected_result(const char *event)
{
    return strcmp(event, "reply") == 0 || strcmp(event, "request") == 0 ? PW_DECODE_CONTROL
           : strcmp(event, "error") == 0                                ? PW_DECODE_ERROR_REPLY
           : strcmp(event, "server_shutdown") == 0                      ? PW_DECODE_SHUTDOWN
                                                                        : PW_DECODE_OK;
}

/* The channels that are market data of the kinds known here. */
static bool is_market_data(const json_t *example)
{
    static const char *const channels[] = {
        "trade",      "aggTrade",       "bookTicker", "depth",     "depth_partial", "kline",
        "miniTicker", "miniTicker_arr", "ticker",     "ticker_1h", "avgPrice",      "referencePrice",
        "blockTrade", "serverShutdown", "control",    "any",
    };
    const char *venue = json_string_value(json_object_get(example, "venue"));
    const char *channel = json_string_value(json_object_get(example, "channel"));
    for (size_t i = 0; strncmp(venue, "binance_", 8) == 0 && i < sizeof channels / sizeof channels[0]; i++) {
        if (strcmp(channel, channels[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Calls `check` with each example of market data; returns how many there were. */
static int each_example(void (*check)(const json_t *example, const char *msg, size_t size))
{
    struct shared_lines lines;
    int cnt = 0;
    shared_open(&lines, "venues/messages.jsonl");
    while (shared_next(&lines)) {
        json_t *example = json_loads(lines.line, 0, NULL);
        cr_assert_not_null(example);
        const json_t *msg = json_object_get(example, "msg");
        if (is_market_data(example)) {
            check(example, json_string_value(msg), json_string_length(msg));
            cnt++;
        }
        json_decref(example);
    }
    shared_close(&lines);
    return cnt;
}

static const char *expected_event(const json_t *example)
{
    return json_string_value(json_object_get(json_object_get(example, "expect"), "event"));
}

static void check_meaning(const json_t *example, const char *text_of, size_t size)
{
    struct pw_binance_msg msg;
    json_int_t id = json_integer_value(json_object_get(example, "id"));
    const char *event = expected_event(example);
    enum pw_decode result = pw_binance_decode(text_of, size, &msg);
    if (strcmp(event, "parse_error") == 0) {
        cr_assert_lt(result, 0, "example %lld was taken", (long long)id);
    } else if (strstr(event, "_error") == NULL) {
        cr_assert_eq(result, expected_result(event), "example %lld: %s", (long long)id,
                     pw_decode_name(result));
        assert_means(&msg, json_object_get(example, "expect"), id);
    }
}

Test(decode, every_example_means_what_it_should)
{
    shared_need();
    cr_assert_geq(each_example(check_meaning), 75);
}

/* Where a message ends, leaving out blanks behind it. */
static size_t trimmed(const char *text_of, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", text_of[size - 1]) != NULL) {
        size--;
    }
    return size;
}

static void check_prefixes(const json_t *example, const char *text_of, size_t size)
{
    struct guard guard = guard_make(size + 1);
    struct pw_binance_msg msg;
    bool valid = pw_binance_decode(text_of, size, &msg) >= 0;
    for (size_t prefix = 0; prefix < trimmed(text_of, size); prefix++) {
        enum pw_decode result = pw_binance_decode(guard_copy(&guard, text_of, prefix), prefix, &msg);
        cr_assert(result < 0 || !valid, "%s: taken when cut to %zu bytes", expected_event(example), prefix);
    }
    guard_free(&guard);
}

Test(decode, no_prefix_of_an_example_is_taken)
{
    shared_need();
    cr_assert_geq(each_example(check_prefixes), 75);
}

static void check_changed_bytes(const json_t *example, const char *text_of, size_t size)
{
    static const char others[] = {'"', '\\', '{', '}', '[', ']', ',',    ':',   '0',
                                  '9', '-',  '.', 'e', ' ', 0,   '\x80', '\xff'};
    struct guard guard = guard_make(size + 1);
    struct pw_binance_msg msg;
    (void)example;
    for (size_t at = 0; at < size; at++) {
        for (size_t i = 0; i < sizeof others + 8; i++) {
            char *data = guard_copy(&guard, text_of, size);
            data[at] = i < 8 ? (char)(data[at] ^ 1 << i) : others[i - 8];
            enum pw_decode result = pw_binance_decode(data, size, &msg);
            cr_assert(result >= -PW_DECODE_RESULTS + 1 && result <= PW_DECODE_SHUTDOWN);
        }
    }
    guard_free(&guard);
}

Test(decode, changed_bytes_do_no_harm)
{
    shared_need();
    cr_assert_geq(each_example(check_changed_bytes), 75);
}

/* ---- what the examples leave open ---- */

static enum pw_decode decode(const char *text_of, struct pw_binance_msg *msg)
{
    return pw_binance_decode(text_of, strlen(text_of), msg);
}

Test(decode, each_fault_has_its_name)
{
    static const struct {
        const char *text;
        enum pw_decode result;
    } rows[] = {
        {"", PW_DECODE_BAD_JSON},
        {"{", PW_DECODE_BAD_JSON},
        {"null", PW_DECODE_BAD_JSON},
        {"\"trade\"", PW_DECODE_BAD_JSON},
        {"{}x", PW_DECODE_BAD_JSON},
        {"{\"e\":\"trade\",}", PW_DECODE_BAD_JSON},
        {"{}", PW_DECODE_BAD_FIELD},
        {"[1]", PW_DECODE_BAD_FIELD},
        {"[[]]", PW_DECODE_BAD_FIELD},
        {"[{}]", PW_DECODE_BAD_FIELD},
        {"{\"e\":1}", PW_DECODE_BAD_FIELD},
        {"{\"e\":null}", PW_DECODE_BAD_FIELD},
        {"{\"stream\":\"a@b\"}", PW_DECODE_BAD_FIELD},
        {"{\"stream\":1,\"data\":{}}", PW_DECODE_BAD_FIELD},
        {"{\"stream\":\"a@b\",\"data\":\"x\"}", PW_DECODE_BAD_FIELD},
        {"{\"stream\":\"a@b\",\"data\":{\"stream\":\"a@b\",\"data\":{}}}", PW_DECODE_BAD_FIELD},
        {"{\"stream\":\"a@b\",\"data\":{\"result\":null,\"id\":1}}", PW_DECODE_BAD_FIELD},
        {"{\"e\":\"someFutureEvent\",\"E\":1}", PW_DECODE_IGNORED},
        {"{\"e\":\"markPriceUpdate\",\"r\":\"\"}", PW_DECODE_IGNORED},
        {"[]", PW_DECODE_OK},
        {"[{\"e\":\"markPriceUpdate\"}]", PW_DECODE_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_binance_msg msg;
        enum pw_decode result = decode(rows[i].text, &msg);
        cr_assert_eq(result, rows[i].result, "%s: %s", rows[i].text, pw_decode_name(result));
    }
}

/* One field of a trade replaced: by the text of the row, or left out. */
Test(decode, each_field_of_a_trade_is_judged)
{
    static const struct {
        const char *field, *value;
        enum pw_decode result;
    } rows[] = {
        {"E", "1672515782136", PW_DECODE_OK},
        {"E", "\"1672515782136\"", PW_DECODE_BAD_FIELD},
        {"E", "-1", PW_DECODE_BAD_NUMBER},
        {"E", "1.5", PW_DECODE_BAD_NUMBER},
        {"E", "9223372036854", PW_DECODE_OK},
        {"E", "9223372036855", PW_DECODE_BAD_NUMBER},
        {"E", "999999999999999", PW_DECODE_BAD_NUMBER},
        {"E", "1672515782136123", PW_DECODE_OK},
        {"E", "9223372036854775", PW_DECODE_OK},
        {"E", "9223372036854776", PW_DECODE_BAD_NUMBER},
        {"E", NULL, PW_DECODE_BAD_FIELD},
        {"s", "\"\"", PW_DECODE_BAD_FIELD},
        {"s", "7", PW_DECODE_BAD_FIELD},
        {"s", "\"BNBBTC\\u0000\"", PW_DECODE_BAD_FIELD},
        {"s", "\"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJK\"", PW_DECODE_OK},
        {"s", "\"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL\"", PW_DECODE_IGNORED},
        {"t", "18446744073709551615", PW_DECODE_OK},
        {"t", "18446744073709551616", PW_DECODE_BAD_NUMBER},
        {"t", "1e3", PW_DECODE_BAD_NUMBER},
        {"t", "true", PW_DECODE_BAD_FIELD},
        {"p", "\"\\u0030.001\"", PW_DECODE_OK},
        {"p", "0.001", PW_DECODE_BAD_FIELD},
        {"p", "\"0\"", PW_DECODE_BAD_NUMBER},
        {"p", "\"-0.001\"", PW_DECODE_BAD_NUMBER},
        {"p", "\"0.000000001\"", PW_DECODE_BAD_NUMBER},
        {"p", "\"92233720368.54775807\"", PW_DECODE_OK},
        {"p", "\"92233720368.54775808\"", PW_DECODE_BAD_NUMBER},
        {"p", "null", PW_DECODE_BAD_FIELD},
        {"q", "\"0.00000000\"", PW_DECODE_BAD_NUMBER},
        {"T", "null", PW_DECODE_BAD_FIELD},
        {"m", "\"true\"", PW_DECODE_BAD_FIELD},
        {"m", "1", PW_DECODE_BAD_FIELD},
        {"m", NULL, PW_DECODE_BAD_FIELD},
        {"M", NULL, PW_DECODE_OK},
        {"M", "\"what\"", PW_DECODE_OK},
    };
    static const char *const fields[][2] = {{"e", "\"trade\""}, {"E", "1672515782136"}, {"s", "\"BNBBTC\""},
                                            {"t", "12345"},     {"p", "\"0.001\""},     {"q", "\"100\""},
                                            {"T", "1"},         {"m", "true"},          {"M", "true"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char message[512] = "{";
        struct pw_binance_msg msg;
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
            bool replaced = strcmp(fields[k][0], rows[i].field) == 0;
            const char *value = replaced ? rows[i].value : fields[k][1];
            if (value != NULL) {
                sprintf(message + strlen(message), "%s\"%s\":%s", k > 0 ? "," : "", fields[k][0], value);
            }
        }
        strcat(message, "}");
        enum pw_decode result = decode(message, &msg);
        cr_assert_eq(result, rows[i].result, "%s: %s", message, pw_decode_name(result));
    }
}

Test(decode, each_fault_of_a_book_update_is_found)
{
    static const struct {
        const char *bids;
        enum pw_decode result;
    } rows[] = {
        {"[]", PW_DECODE_OK},
        {"[[\"1\",\"0\"]]", PW_DECODE_OK},
        {"[[\"1\",\"0\",[]]]", PW_DECODE_BAD_FIELD},
        {"[[\"1\"]]", PW_DECODE_BAD_FIELD},
        {"[[]]", PW_DECODE_BAD_FIELD},
        {"[\"1\",\"0\"]", PW_DECODE_BAD_FIELD},
        {"[[1,\"0\"]]", PW_DECODE_BAD_FIELD},
        {"[[\"1\",0]]", PW_DECODE_BAD_FIELD},
        {"{}", PW_DECODE_BAD_FIELD},
        {"null", PW_DECODE_BAD_FIELD},
        {"[[\"0\",\"1\"]]", PW_DECODE_BAD_NUMBER},
        {"[[\"-1\",\"1\"]]", PW_DECODE_BAD_NUMBER},
        {"[[\"1\",\"-1\"]]", PW_DECODE_BAD_NUMBER},
        {"[[\"1\",\"x\"]]", PW_DECODE_BAD_NUMBER},
        {"[[\"1\",\"0\"],]", PW_DECODE_BAD_JSON},
        {"[[\"1\",\"0\"]", PW_DECODE_BAD_JSON},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char message[512];
        struct pw_binance_msg msg;
        for (int side = 0; side < 2; side++) {
            snprintf(message, sizeof message,
                     "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"A\",\"U\":1,\"u\":2,\"b\":%s,\"a\":%s}",
                     side ? "[]" : rows[i].bids, side ? rows[i].bids : "[]");
            enum pw_decode result = decode(message, &msg);
            cr_assert_eq(result, rows[i].result, "%s: %s", message, pw_decode_name(result));
        }
    }
    struct pw_binance_msg msg;
    cr_assert_eq(
        decode("{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"A\",\"U\":3,\"u\":2,\"b\":[],\"a\":[]}", &msg),
        PW_DECODE_BAD_SEQUENCE);
    cr_assert_eq(
        decode("{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"A\",\"U\":1,\"u\":2,\"pu\":3,\"b\":[],\"a\":[]}",
               &msg),
        PW_DECODE_BAD_SEQUENCE);
    cr_assert_eq(
        decode(
            "{\"e\":\"aggTrade\",\"E\":1,\"s\":\"A\",\"a\":1,\"p\":\"1\",\"q\":\"1\",\"f\":5,\"l\":4,\"T\":1,"
            "\"m\":true}",
            &msg),
        PW_DECODE_BAD_SEQUENCE);
}

Test(decode, a_name_that_comes_twice_is_refused)
{
    struct pw_binance_msg msg;
    cr_assert_eq(decode("{\"e\":\"serverShutdown\",\"E\":1}", &msg), PW_DECODE_SHUTDOWN);
    cr_assert_eq(decode("{\"e\":\"serverShutdown\",\"E\":1,\"E\":2}", &msg), PW_DECODE_BAD_FIELD);
    cr_assert_eq(decode("{\"e\":\"serverShutdown\",\"E\":1,\"\\u0045\":2}", &msg), PW_DECODE_BAD_FIELD);
}

Test(decode, escaped_names_are_the_names_that_they_spell)
{
    struct pw_binance_msg msg;
    cr_assert_eq(decode("{\"\\u0065\":\"server\\u0053hutdown\",\"\\u0045\":7}", &msg), PW_DECODE_SHUTDOWN);
    cr_assert_eq(msg.venue_ns, 7000000);
    cr_assert_eq(decode("{\"\\u0073tream\":\"x\",\"d\\u0061ta\":{\"e\":\"serverShutdown\",\"E\":7}}", &msg),
                 PW_DECODE_SHUTDOWN);
    cr_assert_str_eq(msg.stream, "x");
}

Test(decode, names_of_results_differ)
{
    for (int a = -PW_DECODE_RESULTS + 1; a <= PW_DECODE_SHUTDOWN; a++) {
        cr_assert_str_neq(pw_decode_name((enum pw_decode)a), "?");
        for (int b = a + 1; b <= PW_DECODE_SHUTDOWN; b++) {
            cr_assert_str_neq(pw_decode_name((enum pw_decode)a), pw_decode_name((enum pw_decode)b));
        }
    }
    cr_assert_str_eq(pw_decode_name((enum pw_decode)99), "?");
}
