/* SPDX-License-Identifier: MIT
 *
 * Reading what the WebSocket API says. An object's known fields are first collected by name, whatever their
 * order; then each is read as what it must be. The first fault found is the result.
 */
#include "binance_object.h"

#include <string.h>

/* ---- orders in replies ---- */

static enum pw_decode read_order(struct pw_object *o, struct pw_binance_order *order)
{
    *order = (struct pw_binance_order){.status = PW_BINANCE_STATUS_NONE};
    struct pw_json_text id = pw_object_text(o, CLIENT_ORDER_ID),
                        original = pw_object_opt_text(o, ORIG_CLIENT_ORDER_ID);
    pw_object_split_ids(&id, &original, &order->client_id, &order->cancel_id);
    order->is_ours = pw_object_own_id(&order->client_id, &order->client_order_id, &order->instance_hash);
    pw_object_symbol(o, SYMBOL, order->symbol);
    order->venue_order_id = pw_object_u64(o, ORDER_ID, INT64_MAX);
    order->venue_ns = pw_object_opt_ns(o, TRANSACT_TIME);
    order->update_ns = pw_object_opt_ns(o, UPDATE_TIME);
    if (!pw_object_has(o, STATUS)) {
        return o->fault;
    }
    order->status = pw_object_status(o, STATUS);
    order->side = pw_object_side(o, SIDE);
    order->price_e8 = pw_object_e8(o, PRICE, NOT_NEGATIVE);
    order->qty_e8 = pw_object_e8(o, ORIG_QTY, NOT_NEGATIVE);
    order->executed_qty_e8 = pw_object_e8(o, EXECUTED_QTY, NOT_NEGATIVE);
    if (order->executed_qty_e8 > order->qty_e8 && order->qty_e8 > 0) {
        pw_object_blame(o, PW_DECODE_BAD_NUMBER);
    }
    return o->fault;
}

static enum pw_decode read_error(struct pw_object *o, struct pw_binance_error *error)
{
    error->code = pw_object_i64(o, CODE);
    error->text = pw_object_text(o, MSG);
    return o->fault;
}

static enum pw_binance_half get_half(struct pw_object *o, int idx)
{
    static const char *const table[] = {NULL, "SUCCESS", "FAILURE", "NOT_ATTEMPTED"};
    struct pw_json_text text = pw_object_text(o, idx);
    unsigned place = pw_object_place(&text, table, sizeof table / sizeof table[0]);
    if (place == 0) {
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
    }
    return (enum pw_binance_half)place;
}

static void read_half(struct pw_object *o, int idx, enum pw_binance_half half, struct pw_binance_order *order,
                      struct pw_binance_error *error)
{
    struct pw_object inner;
    enum pw_decode fault = PW_DECODE_OK;
    if (half == PW_BINANCE_HALF_DONE || half == PW_BINANCE_HALF_FAILED) {
        fault = pw_object_collect_field(pw_object_field(o, idx), &inner);
    }
    if (fault == PW_DECODE_OK && half == PW_BINANCE_HALF_DONE) {
        fault = read_order(&inner, order);
    } else if (fault == PW_DECODE_OK && half == PW_BINANCE_HALF_FAILED) {
        fault = read_error(&inner, error);
    }
    if (fault != PW_DECODE_OK) {
        pw_object_blame(o, fault);
    }
}

static enum pw_decode read_replace(struct pw_object *o, struct pw_binance_replace *replace)
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
static bool next_object(struct pw_binance_cursor *cursor, const struct pw_entry_list *list,
                        struct pw_object *object)
{
    if (!cursor->begun) {
        pw_json_init(&cursor->json, list->text, list->bytes);
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
    return pw_object_collect(&cursor->json, object) != PW_DECODE_BAD_JSON;
}

bool pw_binance_order_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *orders,
                           struct pw_binance_order *order)
{
    struct pw_object object;
    while (next_object(cursor, orders, &object)) {
        if (pw_object_has(&object, ORDER_ID)) { /* a list of orders stands between them as one item without */
            return object.fault == PW_DECODE_OK && read_order(&object, order) == PW_DECODE_OK;
        }
    }
    return false;
}

static enum pw_decode read_own_trade(struct pw_object *o, struct pw_binance_own_trade *trade)
{
    *trade = (struct pw_binance_own_trade){.trade_id = pw_object_u64(o, ID, INT64_MAX),
                                           .venue_order_id = pw_object_u64(o, ORDER_ID, INT64_MAX),
                                           .price_e8 = pw_object_e8(o, PRICE, NOT_NEGATIVE),
                                           .qty_e8 = pw_object_e8(o, QTY, NOT_NEGATIVE),
                                           .fee_e8 = pw_object_opt_e8(o, COMMISSION, ANY_SIGN),
                                           .trade_ns = pw_object_ns(o, TIME),
                                           .is_maker = pw_object_opt_bool(o, IS_MAKER)};
    struct pw_json_text asset = pw_object_opt_text(o, COMMISSION_ASSET);
    pw_object_copy(o, &asset, trade->fee_asset, sizeof trade->fee_asset, sizeof trade->fee_asset - 1);
    if (trade->price_e8 == 0 || trade->qty_e8 == 0 || (trade->fee_e8 != 0 && trade->fee_asset[0] == '\0')) {
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
    }
    return o->fault;
}

bool pw_binance_own_trade_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *trades,
                               struct pw_binance_own_trade *trade)
{
    struct pw_object object;
    return next_object(cursor, trades, &object) && object.fault == PW_DECODE_OK &&
           read_own_trade(&object, trade) == PW_DECODE_OK;
}

static enum pw_decode read_balance(struct pw_object *o, struct pw_binance_balance *balance)
{
    balance->asset = pw_object_text(o, ASSET);
    balance->free_e8 = pw_object_e8(o, FREE, NOT_NEGATIVE);
    balance->locked_e8 = pw_object_e8(o, LOCKED, NOT_NEGATIVE);
    return o->fault;
}

bool pw_binance_balance_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *balances,
                             struct pw_binance_balance *balance)
{
    struct pw_object object;
    return next_object(cursor, balances, &object) && object.fault == PW_DECODE_OK &&
           read_balance(&object, balance) == PW_DECODE_OK;
}

enum item { ITEM_ORDER, ITEM_TRADE, ITEM_BALANCE };

static enum pw_decode judge_item(struct pw_object *object, enum item item)
{
    union {
        struct pw_binance_order order;
        struct pw_binance_own_trade trade;
        struct pw_binance_balance balance;
    } unused;
    if (object->fault != PW_DECODE_OK || (item == ITEM_ORDER && !pw_object_has(object, ORDER_ID))) {
        return object->fault;
    }
    return item == ITEM_ORDER   ? read_order(object, &unused.order)
           : item == ITEM_TRADE ? read_own_trade(object, &unused.trade)
                                : read_balance(object, &unused.balance);
}

/* Judges all items, so that going through them later cannot fail. */
static enum pw_decode read_list(const struct pw_binance_field *field, enum item item,
                                struct pw_entry_list *list)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_object object;
    enum pw_decode fault = PW_DECODE_OK;
    if (field->type != PW_JSON_ARRAY) {
        return PW_DECODE_BAD_FIELD;
    }
    *list = (struct pw_entry_list){.text = field->text.text, .bytes = field->text.size};
    while (fault == PW_DECODE_OK && next_object(&cursor, list, &object)) {
        fault = judge_item(&object, item);
    }
    return fault;
}

/* ---- responses ---- */

static uint32_t interval_s(struct pw_object *o)
{
    static const char *const units[] = {NULL, "SECOND", "MINUTE", "HOUR", "DAY"};
    static const uint32_t unit_s[] = {0, 1, 60, 3600, 86400};
    struct pw_json_text text = pw_object_text(o, INTERVAL);
    unsigned place = pw_object_place(&text, units, 5);
    uint64_t num = pw_object_u64(o, INTERVAL_NUM, 1000);
    if (place == 0 || num == 0) {
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
    }
    return unit_s[place] * (uint32_t)num;
}

/* Those of kinds that are not known here are left out. */
static enum pw_decode read_limits(const struct pw_binance_field *field, struct pw_entry_message *message)
{
    static const char *const types[] = {NULL, "REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"};
    static const uint8_t kinds[] = {0, PW_BUDGET_WEIGHT, PW_BUDGET_ORDERS, PW_BUDGET_REQUESTS};
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_entry_list list = {.text = field->text.text, .bytes = field->text.size};
    struct pw_object object;
    if (field->type == PW_JSON_NOTHING) {
        return PW_DECODE_OK;
    }
    if (field->type != PW_JSON_ARRAY) {
        return PW_DECODE_BAD_FIELD;
    }
    while (next_object(&cursor, &list, &object)) {
        struct pw_json_text type = pw_object_text(&object, LIMIT_TYPE);
        unsigned place = pw_object_place(&type, types, 4);
        struct pw_entry_limit limit = {
            .kind = kinds[place],
            .interval_ns = interval_s(&object) * INT64_C(1000000000),
            .limit = (uint32_t)pw_object_u64(&object, LIMIT, UINT32_MAX),
            .used = (uint32_t)pw_object_u64(&object, COUNT, UINT32_MAX),
        };
        if (object.fault != PW_DECODE_OK) {
            return object.fault;
        }
        if (place != 0 && message->limit_cnt < PW_ENTRY_LIMITS_MAX) {
            message->limits[message->limit_cnt++] = limit;
        }
    }
    return PW_DECODE_OK;
}

static void read_id(struct pw_object *o, struct pw_binance_response *response)
{
    const struct pw_binance_field *id = pw_object_field(o, ID);
    struct pw_entry_message *message = &response->message;
    enum pw_entry_kind kind = 0;
    response->id = id->text;
    switch (id->type) {
    case PW_JSON_NULL:
        response->id_kind = PW_BINANCE_ID_NULL;
        break;
    case PW_JSON_NUMBER:
        response->id_kind = PW_BINANCE_ID_INTEGER;
        break;
    case PW_JSON_STRING:
        response->id_kind = PW_BINANCE_ID_TEXT;
        message->is_ours = pw_binance_request_id(id->text.text, id->text.size, &kind, &message->number);
        message->request = (uint8_t)kind;
        break;
    default:
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
        break;
    }
}

static enum pw_decode read_object_result(struct pw_object *o, struct pw_binance_response *response)
{
    struct pw_entry_message *message = &response->message;
    if (pw_object_has(o, CANCEL_RESULT)) {
        message->kind = PW_ENTRY_SAYS_REPLACE;
        return read_replace(o, &response->body.replace);
    }
    if (pw_object_has(o, ORDER_ID)) {
        message->kind = PW_ENTRY_SAYS_ORDER;
        return read_order(o, &response->body.order);
    }
    if (pw_object_has(o, BALANCES)) {
        message->kind = PW_ENTRY_SAYS_ACCOUNT;
        enum pw_decode fault = read_list(pw_object_field(o, BALANCES), ITEM_BALANCE, &message->list);
        return fault == PW_DECODE_OK ? o->fault : fault;
    }
    if (pw_object_has(o, SUBSCRIPTION_ID)) {
        message->kind = PW_ENTRY_SAYS_SUBSCRIBED;
        pw_object_i64(o, SUBSCRIPTION_ID);
    } else if (pw_object_has(o, CONNECTED_SINCE)) {
        bool logged_in = pw_object_opt_ns(o, AUTHORIZED_SINCE) != 0;
        message->kind = logged_in ? PW_ENTRY_SAYS_LOGGED_IN : PW_ENTRY_SAYS_DONE;
        message->server_ns = pw_object_opt_ns(o, SERVER_TIME);
    } else if (pw_object_has(o, SERVER_TIME)) {
        message->kind = PW_ENTRY_SAYS_TIME;
        message->server_ns = pw_object_ns(o, SERVER_TIME);
    }
    return o->fault;
}

static enum pw_decode read_result(const struct pw_binance_field *field, struct pw_binance_response *response)
{
    struct pw_entry_message *message = &response->message;
    struct pw_object object;
    message->kind = PW_ENTRY_SAYS_DONE;
    if (field->type == PW_JSON_ARRAY) {
        bool fills = message->is_ours && message->request == PW_ENTRY_FILLS;
        message->kind = fills ? PW_ENTRY_SAYS_FILLS : PW_ENTRY_SAYS_ORDERS;
        return read_list(field, fills ? ITEM_TRADE : ITEM_ORDER, &message->list);
    }
    if (field->type != PW_JSON_OBJECT) {
        return PW_DECODE_OK;
    }
    enum pw_decode fault = pw_object_collect_field(field, &object);
    return fault == PW_DECODE_OK ? read_object_result(&object, response) : fault;
}

static enum pw_decode read_refusal(const struct pw_binance_field *field, struct pw_binance_response *response)
{
    struct pw_object object, data;
    enum pw_decode fault = pw_object_collect_field(field, &object);
    response->message.kind = PW_ENTRY_SAYS_ERROR;
    if (fault != PW_DECODE_OK || (fault = read_error(&object, &response->error)) != PW_DECODE_OK ||
        !pw_object_has(&object, DATA)) {
        return fault;
    }
    fault = pw_object_collect_field(pw_object_field(&object, DATA), &data);
    if (fault != PW_DECODE_OK) {
        return fault;
    }
    if (pw_object_has(&data, CANCEL_RESULT)) {
        response->message.kind = PW_ENTRY_SAYS_REPLACE;
        return read_replace(&data, &response->body.replace);
    }
    response->message.server_ns = pw_object_opt_ns(&data, SERVER_TIME);
    response->retry_after_ns = pw_object_opt_ns(&data, RETRY_AFTER);
    return data.fault;
}

static enum pw_decode read_reply(struct pw_object *o, struct pw_binance_response *response)
{
    response->message.is_response = true;
    read_id(o, response);
    response->http_status = (uint32_t)pw_object_u64(o, STATUS, 999);
    bool failed = pw_object_field(o, ERROR)->type != PW_JSON_NOTHING;
    if (failed == (pw_object_field(o, RESULT)->type != PW_JSON_NOTHING) ||
        failed != (response->http_status >= 400)) {
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
    }
    enum pw_decode fault = o->fault;
    if (fault == PW_DECODE_OK) {
        fault = read_limits(pw_object_field(o, RATE_LIMITS), &response->message);
    }
    if (fault == PW_DECODE_OK) {
        fault = failed ? read_refusal(pw_object_field(o, ERROR), response)
                       : read_result(pw_object_field(o, RESULT), response);
    }
    return fault != PW_DECODE_OK ? fault : failed ? PW_DECODE_ERROR_REPLY : PW_DECODE_CONTROL;
}

/* ---- events ---- */

static int64_t letter_e8(struct pw_object *o, char name)
{
    return pw_object_e8(o, pw_binance_letter(name), NOT_NEGATIVE);
}

static enum pw_binance_execution_type get_execution_type(struct pw_object *o)
{
    static const char *const table[] = {NULL,       "NEW",   "CANCELED", "REPLACED",
                                        "REJECTED", "TRADE", "EXPIRED",  "TRADE_PREVENTION"};
    struct pw_json_text text = pw_object_text(o, pw_binance_letter('x'));
    unsigned place = pw_object_place(&text, table, sizeof table / sizeof table[0]);
    if (place == 0) {
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
    }
    return (enum pw_binance_execution_type)place;
}

/* A trade has a quantity, a price and a number; nothing else has. */
static void judge_trade(struct pw_object *o, const struct pw_binance_execution *x)
{
    bool is_trade = x->type == PW_BINANCE_EXEC_TRADE;
    if (is_trade ? x->last_qty_e8 <= 0 || x->last_price_e8 <= 0 || !x->has_trade_id : x->last_qty_e8 != 0) {
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
    }
    if (x->executed_qty_e8 < x->last_qty_e8 || (x->qty_e8 > 0 && x->executed_qty_e8 > x->qty_e8)) {
        pw_object_blame(o, PW_DECODE_BAD_NUMBER);
    }
}

static void read_execution_numbers(struct pw_object *o, struct pw_binance_execution *x)
{
    x->qty_e8 = pw_object_opt_e8(o, pw_binance_letter('q'), NOT_NEGATIVE);
    x->price_e8 = pw_object_opt_e8(o, pw_binance_letter('p'), NOT_NEGATIVE);
    x->last_qty_e8 = letter_e8(o, 'l');
    x->executed_qty_e8 = letter_e8(o, 'z');
    x->last_price_e8 = letter_e8(o, 'L');
    x->fee_e8 = pw_object_opt_e8(o, pw_binance_letter('n'), ANY_SIGN);
    x->venue_order_id = pw_object_u64(o, pw_binance_letter('i'), INT64_MAX);
    int64_t trade_id = pw_object_opt_i64(o, pw_binance_letter('t'), -1);
    x->has_trade_id = trade_id >= 0;
    x->trade_id = trade_id >= 0 ? (uint64_t)trade_id : 0;
    x->trade_ns = pw_object_ns(o, pw_binance_letter('T'));
}

static enum pw_decode read_execution(struct pw_object *o, struct pw_binance_execution *x)
{
    memset(x, 0, sizeof *x);
    struct pw_json_text id = pw_object_text(o, pw_binance_letter('c')),
                        original = pw_object_opt_text(o, pw_binance_letter('C'));
    struct pw_json_text asset = pw_object_opt_text(o, pw_binance_letter('N'));
    pw_object_split_ids(&id, &original, &x->client_id, &x->cancel_id);
    x->is_ours = pw_object_own_id(&x->client_id, &x->client_order_id, &x->instance_hash);
    pw_object_symbol(o, pw_binance_letter('s'), x->symbol);
    pw_object_copy(o, &asset, x->fee_asset, sizeof x->fee_asset, sizeof x->fee_asset - 1);
    x->side = pw_object_side(o, pw_binance_letter('S'));
    x->type = get_execution_type(o);
    x->status = pw_object_status(o, pw_binance_letter('X'));
    x->reject_reason = pw_object_opt_text(o, pw_binance_letter('r'));
    x->is_maker = pw_object_opt_bool(o, pw_binance_letter('m'));
    read_execution_numbers(o, x);
    if (x->fee_e8 != 0 && x->fee_asset[0] == '\0') {
        pw_object_blame(o, PW_DECODE_BAD_FIELD);
    }
    judge_trade(o, x);
    return o->fault;
}

static enum pw_decode read_event(struct pw_object *o, struct pw_binance_response *response)
{
    struct pw_json_text name = pw_object_text(o, pw_binance_letter('e'));
    struct pw_entry_message *message = &response->message;
    if (o->fault != PW_DECODE_OK) {
        return o->fault;
    }
    if (pw_json_equal(&name, "executionReport")) {
        message->kind = PW_ENTRY_SAYS_EXECUTION;
        return read_execution(o, &response->body.execution);
    }
    if (pw_json_equal(&name, "eventStreamTerminated")) {
        message->kind = PW_ENTRY_SAYS_STREAM_ENDED;
        return PW_DECODE_OK;
    }
    if (pw_json_equal(&name, "serverShutdown")) {
        message->kind = PW_ENTRY_SAYS_SHUTDOWN;
        return PW_DECODE_SHUTDOWN;
    }
    return PW_DECODE_IGNORED; /* balances: the engine keeps its own account; and what is not known here */
}

enum pw_decode pw_binance_read_response(const char *data, size_t size, struct pw_binance_response *response)
{
    struct pw_json json;
    struct pw_object top, event;
    memset(response, 0, sizeof *response);
    pw_json_init(&json, data, size);
    enum pw_decode fault = pw_object_collect(&json, &top);
    if (fault == PW_DECODE_BAD_JSON || !pw_json_done(&json)) {
        return PW_DECODE_BAD_JSON;
    }
    if (fault != PW_DECODE_OK) {
        return fault;
    }
    if (pw_object_has(&top, EVENT)) {
        fault = pw_object_collect_field(pw_object_field(&top, EVENT), &event);
        return fault == PW_DECODE_OK ? read_event(&event, response) : fault;
    }
    return pw_object_has(&top, pw_binance_letter('e')) ? read_event(&top, response)
                                                       : read_reply(&top, response);
}
