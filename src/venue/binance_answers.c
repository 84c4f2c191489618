/* SPDX-License-Identifier: MIT
 *
 * Reading what the WebSocket API tells. An object's known fields are first collected by name, whatever their
 * order; then each is read as what it must be. The first fault found is the result.
 */
#include "binance_answers.h"

#include "decimal.h"
#include <string.h>

/* ---- fields ---- */

/* Single letters come first, by their place in the alphabet; then the names. */
enum field_idx {
    LETTERS = 52,
    ID = LETTERS,
    STATUS,
    RESULT,
    ERROR,
    RATE_LIMITS,
    EVENT,
    SUBSCRIPTION_ID,
    CODE,
    MSG,
    DATA,
    SYMBOL,
    ORDER_ID,
    CLIENT_ORDER_ID,
    ORIG_CLIENT_ORDER_ID,
    TRANSACT_TIME,
    PRICE,
    ORIG_QTY,
    EXECUTED_QTY,
    QUOTE_QTY,
    SIDE,
    TIME,
    UPDATE_TIME,
    CANCEL_RESULT,
    NEW_RESULT,
    CANCEL_RESPONSE,
    NEW_RESPONSE,
    SERVER_TIME,
    RETRY_AFTER,
    CONNECTED_SINCE,
    AUTHORIZED_SINCE,
    USER_STREAM,
    BALANCES,
    ASSET,
    FREE,
    LOCKED,
    LIMIT_TYPE,
    INTERVAL,
    INTERVAL_NUM,
    LIMIT,
    COUNT,
    EXPIRY_REASON,
    QTY,
    COMMISSION,
    COMMISSION_ASSET,
    IS_MAKER,
    FIELDS
};

static const char *const names[FIELDS - LETTERS] = {
    "id",
    "status",
    "result",
    "error",
    "rateLimits",
    "event",
    "subscriptionId",
    "code",
    "msg",
    "data",
    "symbol",
    "orderId",
    "clientOrderId",
    "origClientOrderId",
    "transactTime",
    "price",
    "origQty",
    "executedQty",
    "cummulativeQuoteQty",
    "side",
    "time",
    "updateTime",
    "cancelResult",
    "newOrderResult",
    "cancelResponse",
    "newOrderResponse",
    "serverTime",
    "retryAfter",
    "connectedSince",
    "authorizedSince",
    "userDataStream",
    "balances",
    "asset",
    "free",
    "locked",
    "rateLimitType",
    "interval",
    "intervalNum",
    "limit",
    "count",
    "eR",
    "qty",
    "commission",
    "commissionAsset",
    "isMaker",
};

struct field {
    enum pw_json_type type;   /* NOTHING: not there */
    struct pw_json_text text; /* strings: without quotes; else the whole value */
};

struct object {
    struct field fields[FIELDS];
    enum pw_decode fault; /* the first one met; OK: none */
};

static int letter_idx(char letter)
{
    return letter >= 'a' && letter <= 'z'   ? letter - 'a'
           : letter >= 'A' && letter <= 'Z' ? letter - 'A' + 26
                                            : -1;
}

static int field_idx(const struct pw_json_text *key)
{
    if (key->size == 1) {
        return letter_idx(key->text[0]);
    }
    char letter;
    if (key->escaped && pw_json_unescape(key, &letter, 1) == 1) {
        return letter_idx(letter);
    }
    for (int i = 0; i < FIELDS - LETTERS; i++) {
        if (pw_json_equal(key, names[i])) {
            return LETTERS + i;
        }
    }
    return -1;
}

static bool take_value(struct pw_json *json, struct field *field)
{
    field->type = pw_json_peek(json);
    if (field->type == PW_JSON_STRING) {
        return pw_json_string(json, &field->text);
    }
    const char *begin = json->at;
    bool ok = pw_json_skip(json);
    field->text = (struct pw_json_text){begin, (size_t)(json->at - begin), false};
    return ok;
}

/* Collects the object that begins here. A known name that comes twice makes the message ambiguous: refused.
 */
static enum pw_decode collect(struct pw_json *json, struct object *object)
{
    memset(object, 0, sizeof *object);
    if (!pw_json_object_enter(json)) {
        return PW_DECODE_BAD_JSON;
    }
    struct pw_json_text key;
    enum pw_json_step step;
    while ((step = pw_json_member_next(json, &key)) == PW_JSON_VALUE) {
        struct field field;
        int idx = field_idx(&key);
        if (!take_value(json, &field)) {
            return PW_DECODE_BAD_JSON;
        }
        if (idx >= 0 && object->fields[idx].type != PW_JSON_NOTHING) {
            object->fault = PW_DECODE_BAD_FIELD;
        } else if (idx >= 0) {
            object->fields[idx] = field;
        }
    }
    return step == PW_JSON_END ? object->fault : PW_DECODE_BAD_JSON;
}

/* An object inside a message that was judged to be JSON. */
static enum pw_decode collect_field(const struct field *field, struct object *object)
{
    struct pw_json json;
    if (field->type != PW_JSON_OBJECT) {
        return PW_DECODE_BAD_FIELD;
    }
    pw_json_init(&json, field->text.text, field->text.size);
    return collect(&json, object);
}

static void blame(struct object *object, enum pw_decode fault)
{
    if (object->fault == PW_DECODE_OK) {
        object->fault = fault;
    }
}

static bool has(const struct object *object, int idx)
{
    return object->fields[idx].type != PW_JSON_NOTHING && object->fields[idx].type != PW_JSON_NULL;
}

/* ---- values: get_ must be there, or the object is blamed; opt_ may be missing or null ---- */

enum sign { NOT_NEGATIVE, ANY_SIGN };

static int64_t get_e8(struct object *object, int idx, enum sign sign)
{
    const struct field *field = &object->fields[idx];
    char plain[64];
    int64_t value = 0;
    if (field->type != PW_JSON_STRING) {
        blame(object, PW_DECODE_BAD_FIELD);
        return 0;
    }
    int64_t size = pw_json_unescape(&field->text, plain, sizeof plain);
    if (size < 0 || !pw_decimal_parse_e8(plain, (size_t)size, sign == ANY_SIGN, &value)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

static int64_t opt_e8(struct object *object, int idx, enum sign sign)
{
    return has(object, idx) ? get_e8(object, idx, sign) : 0;
}

static int64_t get_i64(struct object *object, int idx)
{
    const struct field *field = &object->fields[idx];
    int64_t value = 0;
    if (field->type != PW_JSON_NUMBER) {
        blame(object, PW_DECODE_BAD_FIELD);
    } else if (!pw_json_text_i64(&field->text, &value)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

static uint64_t get_u64(struct object *object, int idx, uint64_t max)
{
    int64_t value = get_i64(object, idx);
    if (value < 0 || (uint64_t)value > max) {
        blame(object, PW_DECODE_BAD_NUMBER);
        return 0;
    }
    return (uint64_t)value;
}

static int64_t opt_i64(struct object *object, int idx, int64_t otherwise)
{
    return has(object, idx) ? get_i64(object, idx) : otherwise;
}

static int64_t get_ns(struct object *object, int idx)
{
    int64_t ns = 0;
    if (!pw_binance_time_ns(get_u64(object, idx, INT64_MAX), &ns)) {
        blame(object, PW_DECODE_BAD_NUMBER);
    }
    return ns;
}

static int64_t opt_ns(struct object *object, int idx)
{
    return has(object, idx) ? get_ns(object, idx) : 0;
}

static bool opt_bool(struct object *object, int idx)
{
    enum pw_json_type type = object->fields[idx].type;
    if (has(object, idx) && type != PW_JSON_TRUE && type != PW_JSON_FALSE) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return type == PW_JSON_TRUE;
}

static struct pw_json_text opt_text(struct object *object, int idx)
{
    if (has(object, idx) && object->fields[idx].type != PW_JSON_STRING) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return has(object, idx) ? object->fields[idx].text : (struct pw_json_text){"", 0, false};
}

static struct pw_json_text get_text(struct object *object, int idx)
{
    if (!has(object, idx)) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return opt_text(object, idx);
}

/* Into `to`, zeros behind. room: the most bytes it may have. */
static void copy_text(struct object *object, const struct pw_json_text *text, char *to, size_t bytes,
                      size_t room)
{
    memset(to, 0, bytes);
    if (pw_json_unescape(text, to, room) < 0) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
}

static void get_symbol(struct object *object, int idx, char symbol[PW_SYMBOL_BYTES])
{
    struct pw_json_text text = get_text(object, idx);
    copy_text(object, &text, symbol, PW_SYMBOL_BYTES, PW_SYMBOL_BYTES - 1);
    if (symbol[0] == '\0') {
        blame(object, PW_DECODE_BAD_FIELD);
    }
}

/* Place of a text in a table, from 1; 0: not in it. */
static unsigned place_in(const struct pw_json_text *text, const char *const *table, unsigned cnt)
{
    for (unsigned i = 1; i < cnt; i++) {
        if (pw_json_equal(text, table[i])) {
            return i;
        }
    }
    return 0;
}

static enum pw_side get_side(struct object *object, int idx)
{
    struct pw_json_text text = get_text(object, idx);
    bool sell = pw_json_equal(&text, "SELL");
    if (!sell && !pw_json_equal(&text, "BUY")) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return sell ? PW_SELL : PW_BUY;
}

static enum pw_binance_status get_status(struct object *object, int idx)
{
    static const char *const table[] = {
        NULL,       "NEW",     "PENDING_NEW",     "PARTIALLY_FILLED", "FILLED", "CANCELED", "PENDING_CANCEL",
        "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"};
    struct pw_json_text text = get_text(object, idx);
    unsigned place = place_in(&text, table, sizeof table / sizeof table[0]);
    if (place == 0) {
        blame(object, PW_DECODE_BAD_FIELD);
    }
    return (enum pw_binance_status)place;
}

/* Which of the two ids names the order: in a cancellation, the original one. Some leave that empty. */
static void split_ids(const struct pw_json_text *id, const struct pw_json_text *original,
                      struct pw_json_text *client_id, struct pw_json_text *cancel_id)
{
    *client_id = original->size ? *original : *id;
    *cancel_id = original->size ? *id : (struct pw_json_text){"", 0, false};
}

static bool read_own_id(const struct pw_json_text *text, uint64_t *client_order_id)
{
    bool is_cancel;
    return pw_binance_order_id(text->text, text->size, client_order_id, &is_cancel) && !is_cancel;
}

/* ---- orders in replies ---- */

static enum pw_decode read_order(struct object *o, struct pw_binance_order *order)
{
    *order = (struct pw_binance_order){.status = PW_BINANCE_STATUS_NONE};
    struct pw_json_text id = get_text(o, CLIENT_ORDER_ID), original = opt_text(o, ORIG_CLIENT_ORDER_ID);
    split_ids(&id, &original, &order->client_id, &order->cancel_id);
    order->is_ours = read_own_id(&order->client_id, &order->client_order_id);
    get_symbol(o, SYMBOL, order->symbol);
    order->venue_order_id = get_u64(o, ORDER_ID, INT64_MAX);
    order->venue_ns = opt_ns(o, TRANSACT_TIME);
    order->created_ns = opt_ns(o, TIME);
    order->update_ns = opt_ns(o, UPDATE_TIME);
    if (!has(o, STATUS)) {
        return o->fault;
    }
    order->status = get_status(o, STATUS);
    order->side = get_side(o, SIDE);
    order->price_e8 = get_e8(o, PRICE, NOT_NEGATIVE);
    order->qty_e8 = get_e8(o, ORIG_QTY, NOT_NEGATIVE);
    order->executed_qty_e8 = get_e8(o, EXECUTED_QTY, NOT_NEGATIVE);
    int64_t quote_e8 = opt_e8(o, QUOTE_QTY, ANY_SIGN);
    order->quote_e8 = quote_e8 < 0 ? -1 : quote_e8;
    if (order->executed_qty_e8 > order->qty_e8 && order->qty_e8 > 0) {
        blame(o, PW_DECODE_BAD_NUMBER);
    }
    return o->fault;
}

static enum pw_decode read_error(struct object *o, struct pw_binance_error *error)
{
    error->code = get_i64(o, CODE);
    error->text = get_text(o, MSG);
    return o->fault;
}

static enum pw_binance_half get_half(struct object *o, int idx)
{
    static const char *const table[] = {NULL, "SUCCESS", "FAILURE", "NOT_ATTEMPTED"};
    struct pw_json_text text = get_text(o, idx);
    unsigned place = place_in(&text, table, sizeof table / sizeof table[0]);
    if (place == 0) {
        blame(o, PW_DECODE_BAD_FIELD);
    }
    return (enum pw_binance_half)place;
}

static void read_half(struct object *o, int idx, enum pw_binance_half half, struct pw_binance_order *order,
                      struct pw_binance_error *error)
{
    struct object inner;
    enum pw_decode fault = PW_DECODE_OK;
    if (half == PW_BINANCE_HALF_DONE || half == PW_BINANCE_HALF_FAILED) {
        fault = collect_field(&o->fields[idx], &inner);
    }
    if (fault == PW_DECODE_OK && half == PW_BINANCE_HALF_DONE) {
        fault = read_order(&inner, order);
    } else if (fault == PW_DECODE_OK && half == PW_BINANCE_HALF_FAILED) {
        fault = read_error(&inner, error);
    }
    if (fault != PW_DECODE_OK) {
        blame(o, fault);
    }
}

static enum pw_decode read_replace(struct object *o, struct pw_binance_replace *replace)
{
    memset(replace, 0, sizeof *replace);
    replace->cancel = get_half(o, CANCEL_RESULT);
    replace->place = get_half(o, NEW_RESULT);
    read_half(o, CANCEL_RESPONSE, replace->cancel, &replace->canceled, &replace->cancel_error);
    read_half(o, NEW_RESPONSE, replace->place, &replace->placed, &replace->place_error);
    return o->fault;
}

/* ---- lists ---- */

/* The next object of a list; false: no more. The list was judged to be JSON. */
static bool next_object(struct pw_binance_cursor *cursor, const struct pw_binance_list *list,
                        struct object *object)
{
    if (!cursor->begun) {
        pw_json_init(&cursor->json, list->text, list->size);
        cursor->begun = true;
        if (!pw_json_array_enter(&cursor->json)) {
            return false;
        }
    }
    if (pw_json_item_next(&cursor->json) != PW_JSON_VALUE) {
        return false;
    }
    if (pw_json_peek(&cursor->json) != PW_JSON_OBJECT) {
        memset(object, 0, sizeof *object);
        object->fault = PW_DECODE_BAD_FIELD;
        return pw_json_skip(&cursor->json);
    }
    object->fault = collect(&cursor->json, object);
    return object->fault != PW_DECODE_BAD_JSON;
}

bool pw_binance_order_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *orders,
                           struct pw_binance_order *order)
{
    struct object object;
    while (next_object(cursor, orders, &object)) {
        if (has(&object, ORDER_ID)) { /* an order list stands between them as one item without */
            return object.fault == PW_DECODE_OK && read_order(&object, order) == PW_DECODE_OK;
        }
    }
    return false;
}

static enum pw_decode read_own_trade(struct object *o, struct pw_binance_own_trade *trade)
{
    *trade = (struct pw_binance_own_trade){.trade_id = get_u64(o, ID, INT64_MAX),
                                           .venue_order_id = get_u64(o, ORDER_ID, INT64_MAX),
                                           .price_e8 = get_e8(o, PRICE, NOT_NEGATIVE),
                                           .qty_e8 = get_e8(o, QTY, NOT_NEGATIVE),
                                           .fee_e8 = opt_e8(o, COMMISSION, ANY_SIGN),
                                           .trade_ns = get_ns(o, TIME),
                                           .is_maker = opt_bool(o, IS_MAKER)};
    struct pw_json_text asset = opt_text(o, COMMISSION_ASSET);
    copy_text(o, &asset, trade->fee_asset, sizeof trade->fee_asset, sizeof trade->fee_asset);
    if (trade->price_e8 == 0 || trade->qty_e8 == 0 || (trade->fee_e8 != 0 && trade->fee_asset[0] == '\0')) {
        blame(o, PW_DECODE_BAD_FIELD);
    }
    return o->fault;
}

bool pw_binance_own_trade_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *trades,
                               struct pw_binance_own_trade *trade)
{
    struct object object;
    return next_object(cursor, trades, &object) && object.fault == PW_DECODE_OK &&
           read_own_trade(&object, trade) == PW_DECODE_OK;
}

static enum pw_decode read_balance(struct object *o, struct pw_binance_balance *balance)
{
    bool is_event = has(o, 0); /* "a", "f", "l" */
    balance->asset = get_text(o, is_event ? letter_idx('a') : ASSET);
    balance->free_e8 = get_e8(o, is_event ? letter_idx('f') : FREE, NOT_NEGATIVE);
    balance->locked_e8 = get_e8(o, is_event ? letter_idx('l') : LOCKED, NOT_NEGATIVE);
    return o->fault;
}

bool pw_binance_balance_next(struct pw_binance_cursor *cursor, const struct pw_binance_list *balances,
                             struct pw_binance_balance *balance)
{
    struct object object;
    return next_object(cursor, balances, &object) && object.fault == PW_DECODE_OK &&
           read_balance(&object, balance) == PW_DECODE_OK;
}

enum item { ITEM_ANY, ITEM_ORDER, ITEM_TRADE, ITEM_BALANCE };

static enum pw_decode judge_item(struct object *object, enum item item)
{
    union {
        struct pw_binance_order order;
        struct pw_binance_own_trade trade;
        struct pw_binance_balance balance;
    } unused;
    if (object->fault != PW_DECODE_OK || item == ITEM_ANY || (item == ITEM_ORDER && !has(object, ORDER_ID))) {
        return object->fault;
    }
    return item == ITEM_ORDER   ? read_order(object, &unused.order)
           : item == ITEM_TRADE ? read_own_trade(object, &unused.trade)
                                : read_balance(object, &unused.balance);
}

/* Judges all items, so that going through them later cannot fail; counts those that it will give. */
static enum pw_decode read_list(const struct field *field, enum item item, struct pw_binance_list *list)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct object object;
    if (field->type != PW_JSON_ARRAY) {
        return PW_DECODE_BAD_FIELD;
    }
    *list = (struct pw_binance_list){.text = field->text.text, .size = field->text.size};
    while (next_object(&cursor, list, &object)) {
        enum pw_decode fault = judge_item(&object, item);
        if (fault != PW_DECODE_OK) {
            return fault;
        }
        list->cnt += item != ITEM_ORDER || has(&object, ORDER_ID);
    }
    return PW_DECODE_OK;
}

/* ---- replies ---- */

static uint32_t interval_s(struct object *o)
{
    static const char *const units[] = {NULL, "SECOND", "MINUTE", "HOUR", "DAY"};
    static const uint32_t unit_s[] = {0, 1, 60, 3600, 86400};
    struct pw_json_text text = get_text(o, INTERVAL);
    unsigned place = place_in(&text, units, 5);
    uint64_t num = get_u64(o, INTERVAL_NUM, 1000);
    if (place == 0 || num == 0) {
        blame(o, PW_DECODE_BAD_FIELD);
    }
    return unit_s[place] * (uint32_t)num;
}

static enum pw_decode read_limits(const struct field *field, struct pw_binance_told *told)
{
    static const char *const types[] = {NULL, "REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"};
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_binance_list list = {.text = field->text.text, .size = field->text.size};
    struct object object;
    if (field->type == PW_JSON_NOTHING) {
        return PW_DECODE_OK;
    }
    if (field->type != PW_JSON_ARRAY) {
        return PW_DECODE_BAD_FIELD;
    }
    while (next_object(&cursor, &list, &object)) {
        struct pw_json_text type = get_text(&object, LIMIT_TYPE);
        struct pw_binance_limit limit = {
            .type = (enum pw_binance_limit_type)place_in(&type, types, 4),
            .interval_s = interval_s(&object),
            .limit = (uint32_t)get_u64(&object, LIMIT, UINT32_MAX),
            .count = (uint32_t)get_u64(&object, COUNT, UINT32_MAX),
        };
        if (object.fault != PW_DECODE_OK) {
            return object.fault;
        }
        if (told->limit_cnt < PW_BINANCE_LIMITS_MAX) {
            told->limits[told->limit_cnt++] = limit;
        }
    }
    return PW_DECODE_OK;
}

static void read_id(struct object *o, struct pw_binance_told *told)
{
    const struct field *id = &o->fields[ID];
    told->id = id->text;
    switch (id->type) {
    case PW_JSON_NULL:
        told->id_kind = PW_BINANCE_ID_NULL;
        break;
    case PW_JSON_NUMBER:
        told->id_kind = PW_BINANCE_ID_INTEGER;
        break;
    case PW_JSON_STRING:
        told->id_kind = PW_BINANCE_ID_TEXT;
        told->is_ours = pw_binance_request_id(id->text.text, id->text.size, &told->method, &told->number);
        break;
    default:
        blame(o, PW_DECODE_BAD_FIELD);
        break;
    }
}

static enum pw_decode read_object_result(struct object *o, struct pw_binance_told *told)
{
    if (has(o, CANCEL_RESULT)) {
        told->kind = PW_BINANCE_TOLD_REPLACE;
        return read_replace(o, &told->body.replace);
    }
    if (has(o, ORDER_ID)) {
        told->kind = PW_BINANCE_TOLD_ORDER;
        return read_order(o, &told->body.order);
    }
    if (has(o, BALANCES)) {
        told->kind = PW_BINANCE_TOLD_ACCOUNT;
        told->body.many.update_ns = opt_ns(o, UPDATE_TIME);
        enum pw_decode fault = read_list(&o->fields[BALANCES], ITEM_BALANCE, &told->body.many.list);
        return fault == PW_DECODE_OK ? o->fault : fault;
    }
    if (has(o, SUBSCRIPTION_ID)) {
        told->kind = PW_BINANCE_TOLD_SUBSCRIBED;
        told->subscription_id = get_i64(o, SUBSCRIPTION_ID);
    } else if (has(o, CONNECTED_SINCE)) {
        told->kind = PW_BINANCE_TOLD_SESSION;
        told->body.session.is_logged_on = opt_ns(o, AUTHORIZED_SINCE) != 0;
        told->body.session.has_user_stream = opt_bool(o, USER_STREAM);
        told->server_ns = told->body.session.venue_ns = opt_ns(o, SERVER_TIME);
    } else if (has(o, SERVER_TIME)) {
        told->kind = PW_BINANCE_TOLD_TIME;
        told->server_ns = get_ns(o, SERVER_TIME);
    }
    return o->fault;
}

static enum pw_decode read_result(const struct field *field, struct pw_binance_told *told)
{
    struct object object;
    told->kind = PW_BINANCE_TOLD_DONE;
    if (field->type == PW_JSON_ARRAY) {
        bool trades = told->is_ours && told->method == PW_BINANCE_TRADES;
        told->kind = trades ? PW_BINANCE_TOLD_TRADES : PW_BINANCE_TOLD_ORDERS;
        return read_list(field, trades ? ITEM_TRADE : ITEM_ORDER, &told->body.many.list);
    }
    if (field->type != PW_JSON_OBJECT) {
        return PW_DECODE_OK;
    }
    enum pw_decode fault = collect_field(field, &object);
    return fault == PW_DECODE_OK ? read_object_result(&object, told) : fault;
}

static enum pw_decode read_refusal(const struct field *field, struct pw_binance_told *told)
{
    struct object object, data;
    enum pw_decode fault = collect_field(field, &object);
    told->kind = PW_BINANCE_TOLD_ERROR;
    if (fault != PW_DECODE_OK || (fault = read_error(&object, &told->error)) != PW_DECODE_OK ||
        !has(&object, DATA)) {
        return fault;
    }
    fault = collect_field(&object.fields[DATA], &data);
    if (fault != PW_DECODE_OK) {
        return fault;
    }
    if (has(&data, CANCEL_RESULT)) {
        told->kind = PW_BINANCE_TOLD_REPLACE;
        return read_replace(&data, &told->body.replace);
    }
    told->server_ns = opt_ns(&data, SERVER_TIME);
    told->retry_after_ns = opt_ns(&data, RETRY_AFTER);
    return data.fault;
}

static enum pw_decode read_reply(struct object *o, struct pw_binance_told *told)
{
    read_id(o, told);
    told->http_status = (uint32_t)get_u64(o, STATUS, 999);
    bool failed = o->fields[ERROR].type != PW_JSON_NOTHING;
    if (failed == (o->fields[RESULT].type != PW_JSON_NOTHING) || failed != (told->http_status >= 400)) {
        blame(o, PW_DECODE_BAD_FIELD);
    }
    enum pw_decode fault = o->fault;
    if (fault == PW_DECODE_OK) {
        fault = read_limits(&o->fields[RATE_LIMITS], told);
    }
    if (fault == PW_DECODE_OK) {
        fault = failed ? read_refusal(&o->fields[ERROR], told) : read_result(&o->fields[RESULT], told);
    }
    return fault != PW_DECODE_OK ? fault : failed ? PW_DECODE_ERROR_REPLY : PW_DECODE_CONTROL;
}

/* ---- events ---- */

static int64_t letter_e8(struct object *o, char name)
{
    return get_e8(o, letter_idx(name), NOT_NEGATIVE);
}

static enum pw_binance_execution_type get_execution_type(struct object *o)
{
    static const char *const table[] = {NULL,       "NEW",   "CANCELED", "REPLACED",
                                        "REJECTED", "TRADE", "EXPIRED",  "TRADE_PREVENTION"};
    struct pw_json_text text = get_text(o, letter_idx('x'));
    unsigned place = place_in(&text, table, sizeof table / sizeof table[0]);
    if (place == 0) {
        blame(o, PW_DECODE_BAD_FIELD);
    }
    return (enum pw_binance_execution_type)place;
}

/* A trade has a quantity, a price and a number; nothing else has. */
static void judge_trade(struct object *o, const struct pw_binance_execution *x)
{
    bool is_trade = x->type == PW_BINANCE_EXEC_TRADE;
    if (is_trade ? x->last_qty_e8 <= 0 || x->last_price_e8 <= 0 || !x->has_trade_id : x->last_qty_e8 != 0) {
        blame(o, PW_DECODE_BAD_FIELD);
    }
    if (x->executed_qty_e8 < x->last_qty_e8 || (x->qty_e8 > 0 && x->executed_qty_e8 > x->qty_e8)) {
        blame(o, PW_DECODE_BAD_NUMBER);
    }
}

static void read_execution_numbers(struct object *o, struct pw_binance_execution *x)
{
    x->qty_e8 = opt_e8(o, letter_idx('q'), NOT_NEGATIVE);
    x->price_e8 = opt_e8(o, letter_idx('p'), NOT_NEGATIVE);
    x->stop_price_e8 = opt_e8(o, letter_idx('P'), NOT_NEGATIVE);
    x->last_qty_e8 = letter_e8(o, 'l');
    x->executed_qty_e8 = letter_e8(o, 'z');
    x->last_price_e8 = letter_e8(o, 'L');
    x->quote_e8 = opt_e8(o, letter_idx('Z'), NOT_NEGATIVE);
    x->prevented_qty_e8 = opt_e8(o, letter_idx('A'), NOT_NEGATIVE);
    x->prevented_match_id = has(o, letter_idx('v')) ? get_u64(o, letter_idx('v'), INT64_MAX) : 0;
    x->fee_e8 = opt_e8(o, letter_idx('n'), ANY_SIGN);
    x->venue_order_id = get_u64(o, letter_idx('i'), INT64_MAX);
    int64_t trade_id = opt_i64(o, letter_idx('t'), -1);
    x->has_trade_id = trade_id >= 0;
    x->trade_id = trade_id >= 0 ? (uint64_t)trade_id : 0;
    x->trade_ns = get_ns(o, letter_idx('T'));
}

static enum pw_decode read_execution(struct object *o, struct pw_binance_execution *x)
{
    memset(x, 0, sizeof *x);
    struct pw_json_text id = get_text(o, letter_idx('c')), original = opt_text(o, letter_idx('C'));
    struct pw_json_text asset = opt_text(o, letter_idx('N'));
    split_ids(&id, &original, &x->client_id, &x->cancel_id);
    x->is_ours = read_own_id(&x->client_id, &x->client_order_id);
    get_symbol(o, letter_idx('s'), x->symbol);
    copy_text(o, &asset, x->fee_asset, sizeof x->fee_asset, sizeof x->fee_asset);
    x->side = get_side(o, letter_idx('S'));
    x->type = get_execution_type(o);
    x->status = get_status(o, letter_idx('X'));
    x->order_type = get_text(o, letter_idx('o'));
    x->tif = opt_text(o, letter_idx('f'));
    x->reject_reason = opt_text(o, letter_idx('r'));
    x->expiry_reason = opt_text(o, EXPIRY_REASON);
    x->is_maker = opt_bool(o, letter_idx('m'));
    x->is_on_book = opt_bool(o, letter_idx('w'));
    read_execution_numbers(o, x);
    if (x->fee_e8 != 0 && x->fee_asset[0] == '\0') {
        blame(o, PW_DECODE_BAD_FIELD);
    }
    judge_trade(o, x);
    return o->fault;
}

static enum pw_decode read_balances(struct object *o, struct pw_binance_told *told)
{
    told->body.many.update_ns = opt_ns(o, letter_idx('u'));
    enum pw_decode fault = read_list(&o->fields[letter_idx('B')], ITEM_BALANCE, &told->body.many.list);
    return fault == PW_DECODE_OK ? o->fault : fault;
}

static enum pw_decode read_delta(struct object *o, struct pw_binance_told *told)
{
    told->body.delta = (struct pw_binance_delta){.asset = get_text(o, letter_idx('a')),
                                                 .delta_e8 = get_e8(o, letter_idx('d'), ANY_SIGN),
                                                 .trade_ns = opt_ns(o, letter_idx('T'))};
    return o->fault;
}

static enum pw_decode read_event_body(struct object *o, struct pw_binance_told *told)
{
    switch (told->kind) {
    case PW_BINANCE_TOLD_EXECUTION:
        return read_execution(o, &told->body.execution);
    case PW_BINANCE_TOLD_BALANCES:
        return read_balances(o, told);
    case PW_BINANCE_TOLD_BALANCE_DELTA:
    case PW_BINANCE_TOLD_LOCK_DELTA:
        return read_delta(o, told);
    case PW_BINANCE_TOLD_ORDER_LIST:
        return read_list(&o->fields[letter_idx('O')], ITEM_ANY, &told->body.many.list);
    case PW_BINANCE_TOLD_SHUTDOWN:
        return o->fault == PW_DECODE_OK ? PW_DECODE_SHUTDOWN : o->fault;
    case PW_BINANCE_TOLD_NOTHING:
        return o->fault == PW_DECODE_OK ? PW_DECODE_IGNORED : o->fault;
    default:
        return o->fault;
    }
}

static enum pw_decode read_event(struct object *o, struct pw_binance_told *told)
{
    static const struct {
        const char *name;
        enum pw_binance_told_kind kind;
    } table[] = {{"executionReport", PW_BINANCE_TOLD_EXECUTION},
                 {"outboundAccountPosition", PW_BINANCE_TOLD_BALANCES},
                 {"balanceUpdate", PW_BINANCE_TOLD_BALANCE_DELTA},
                 {"externalLockUpdate", PW_BINANCE_TOLD_LOCK_DELTA},
                 {"listStatus", PW_BINANCE_TOLD_ORDER_LIST},
                 {"eventStreamTerminated", PW_BINANCE_TOLD_STREAM_ENDED},
                 {"serverShutdown", PW_BINANCE_TOLD_SHUTDOWN}};
    struct pw_json_text name = get_text(o, letter_idx('e'));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (pw_json_equal(&name, table[i].name)) {
            told->kind = table[i].kind;
        }
    }
    told->event_ns = opt_ns(o, letter_idx('E'));
    return o->fault == PW_DECODE_OK ? read_event_body(o, told) : o->fault;
}

enum pw_decode pw_binance_told(const char *data, size_t size, struct pw_binance_told *told)
{
    struct pw_json json;
    struct object top, event;
    memset(told, 0, sizeof *told);
    told->subscription_id = -1;
    pw_json_init(&json, data, size);
    enum pw_decode fault = collect(&json, &top);
    if (fault == PW_DECODE_BAD_JSON || !pw_json_done(&json)) {
        return PW_DECODE_BAD_JSON;
    }
    if (fault != PW_DECODE_OK) {
        return fault;
    }
    if (has(&top, EVENT)) {
        told->subscription_id = opt_i64(&top, SUBSCRIPTION_ID, -1);
        fault = top.fault == PW_DECODE_OK ? collect_field(&top.fields[EVENT], &event) : top.fault;
        return fault == PW_DECODE_OK ? read_event(&event, told) : fault;
    }
    return has(&top, letter_idx('e')) ? read_event(&top, told) : read_reply(&top, told);
}
