/* SPDX-License-Identifier: MIT
 *
 * Reading what the WebSocket API says. An object's known fields are first collected by name, whatever their
 * order; then each that is used is read as what it must be. The first fault found is the result.
 */
#include "binance_object.h"

#include <string.h>

#define TOO_MANY_REQUESTS (-1003)
#define SAID(term)        ((uint8_t)(1u << (term)))

/* ---- status ---- */

#define IS(status) (1u << PW_BINANCE_STATUS_##status)

/* What is wrong with an order of that status that is filled so far. qty 0: not said. A word that is not known
 * may be anything. */
static uint8_t status_fault(enum pw_binance_status status, int64_t qty_e8, int64_t executed_e8,
                            int64_t prevented_e8)
{
    switch (status) {
    case PW_BINANCE_STATUS_NEW:
    case PW_BINANCE_STATUS_PENDING_NEW:
    case PW_BINANCE_STATUS_REJECTED:
        return executed_e8 == 0 ? PW_REPORT_SOUND : PW_REPORT_STATUS;
    case PW_BINANCE_STATUS_PARTIALLY_FILLED:
        return executed_e8 > 0 && (qty_e8 == 0 || executed_e8 < qty_e8) ? PW_REPORT_SOUND : PW_REPORT_STATUS;
    case PW_BINANCE_STATUS_FILLED:
        return executed_e8 == 0                                      ? PW_REPORT_STATUS
               : qty_e8 == 0 || executed_e8 == qty_e8 - prevented_e8 ? PW_REPORT_SOUND
                                                                     : PW_REPORT_SHORT;
    default:
        return PW_REPORT_SOUND;
    }
}

/* Which status an order has after an execution. Of those that go by the status alone, any. */
static bool status_follows(enum pw_binance_execution_type type, enum pw_binance_status status)
{
    static const uint16_t after[] = {
        [PW_BINANCE_EXEC_NEW] = IS(NONE) | IS(NEW) | IS(PENDING_NEW) | IS(PARTIALLY_FILLED),
        [PW_BINANCE_EXEC_CANCELED] = IS(NONE) | IS(CANCELED),
        [PW_BINANCE_EXEC_REPLACED] = IS(NONE) | IS(CANCELED),
        [PW_BINANCE_EXEC_REJECTED] = IS(NONE) | IS(REJECTED),
        [PW_BINANCE_EXEC_TRADE] = IS(NONE) | IS(PARTIALLY_FILLED) | IS(FILLED) | IS(EXPIRED_IN_MATCH),
    };
    return type == PW_BINANCE_EXEC_UNKNOWN || type >= sizeof after / sizeof after[0] ||
           (after[type] >> status & 1);
}

/* ---- orders in replies ---- */

/* A field that need not be there, and what it then says. */
static uint8_t said_if(const struct pw_object *o, int idx, enum pw_term term)
{
    return pw_object_has(o, idx) ? SAID(term) : 0;
}

/* What it is, beside its ids. */
static void read_terms(struct pw_object *o, struct pw_binance_order *order)
{
    order->terms.said |= said_if(o, SIDE, PW_TERM_SIDE) | said_if(o, PRICE, PW_TERM_PRICE) |
                         said_if(o, ORIG_QTY, PW_TERM_QTY) | said_if(o, TYPE, PW_TERM_TYPE) |
                         said_if(o, TIME_IN_FORCE, PW_TERM_TIF) | SAID(PW_TERM_EXECUTED);
    order->status = pw_object_status(o, STATUS);
    order->terms.side = (uint8_t)pw_object_side(o, SIDE);
    order->terms.type = order->terms.said & SAID(PW_TERM_TYPE) ? pw_object_order_type(o, TYPE) : 0;
    order->terms.tif = order->terms.said & SAID(PW_TERM_TIF) ? pw_object_tif(o, TIME_IN_FORCE) : 0;
    order->terms.price_e8 = pw_object_opt_price(o, PRICE);
    order->terms.qty_e8 = pw_object_opt_qty(o, ORIG_QTY);
    order->executed_qty_e8 = pw_object_qty(o, EXECUTED_QTY);
    order->prevented_qty_e8 = pw_object_opt_qty(o, PREVENTED_QTY);
    order->report_fault =
        status_fault(order->status, order->terms.qty_e8, order->executed_qty_e8, order->prevented_qty_e8);
}

/* Of somebody else's order nothing is used: it may be anything, and is read as far as it goes. */
static enum pw_decode read_order(struct pw_object *o, struct pw_binance_order *order)
{
    *order = (struct pw_binance_order){.status = PW_BINANCE_STATUS_NONE};
    struct pw_json_text id = pw_object_opt_id(o, CLIENT_ORDER_ID),
                        original = pw_object_opt_id(o, ORIG_CLIENT_ORDER_ID);
    pw_object_split_ids(&id, &original, &order->client_id, &order->cancel_id);
    order->is_ours = pw_object_own_id(&order->client_id, &order->client_order_id, &order->instance_hash);
    enum pw_decode fault = o->fault; /* so far, it is not known whose it is */
    pw_object_symbol(o, SYMBOL, order->terms.symbol);
    order->terms.venue_order_id = pw_object_u64(o, ORDER_ID, INT64_MAX);
    order->terms.said = SAID(PW_TERM_SYMBOL) | SAID(PW_TERM_VENUE_ORDER_ID);
    order->venue_ns = pw_object_lax_ns(o, TRANSACT_TIME);
    order->update_ns = pw_object_lax_ns(o, UPDATE_TIME);
    order->expiry_reason = pw_object_lax_text(o, EXPIRY_REASON);
    if (pw_object_has(o, STATUS)) {
        read_terms(o, order);
    }
    return order->is_ours || fault != PW_DECODE_OK ? pw_object_fault(o, &order->fault) : PW_DECODE_OK;
}

static enum pw_decode read_error(struct pw_object *o, struct pw_binance_error *error)
{
    error->code = pw_object_i64(o, CODE);
    error->text = pw_object_lax_text(o, MSG);
    return o->fault;
}

static enum pw_binance_half get_half(struct pw_object *o, int idx)
{
    static const char *const table[] = {NULL, "SUCCESS", "FAILURE", "NOT_ATTEMPTED"};
    struct pw_json_text text = pw_object_text(o, idx);
    unsigned place = pw_object_place(&text, table, sizeof table / sizeof table[0]);
    if (place == 0) {
        pw_object_blame(o, idx, PW_DECODE_BAD_FIELD);
    }
    return (enum pw_binance_half)place;
}

static void read_half(struct pw_object *o, int idx, enum pw_binance_half half, struct pw_binance_order *order,
                      struct pw_binance_error *error)
{
    struct pw_object inner;
    enum pw_decode fault = PW_DECODE_OK;
    if (half == PW_BINANCE_HALF_DONE || half == PW_BINANCE_HALF_FAILED) {
        fault = pw_object_collect_field(pw_object_field(o, idx), o->symbols, &inner);
    }
    if (fault == PW_DECODE_OK && half == PW_BINANCE_HALF_DONE) {
        fault = read_order(&inner, order);
    } else if (fault == PW_DECODE_OK && half == PW_BINANCE_HALF_FAILED) {
        fault = read_error(&inner, error);
    }
    if (fault != PW_DECODE_OK) {
        pw_object_blame(o, idx, fault);
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

/* The next object of a list, past what is none; false: no more. The list was judged to be JSON. */
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
    while (pw_json_item_next(&cursor->json) == PW_JSON_VALUE) {
        if (pw_json_peek(&cursor->json) == PW_JSON_OBJECT) {
            return pw_object_collect(&cursor->json, list->symbols, object) != PW_DECODE_BAD_JSON;
        }
        if (!pw_json_skip(&cursor->json)) {
            return false;
        }
    }
    return false;
}

bool pw_binance_order_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *orders,
                           struct pw_binance_order *order)
{
    struct pw_object object;
    while (next_object(cursor, orders, &object)) {
        if (pw_object_has(&object, ORDER_ID)) { /* a list of orders stands between them as one item without */
            read_order(&object, order);
            return true;
        }
    }
    return false;
}

static void read_own_trade(struct pw_object *o, struct pw_binance_own_trade *trade)
{
    char symbol[PW_SYMBOL_BYTES] = {0};
    if (pw_object_has(o, SYMBOL)) { /* before the numbers, which are in its units */
        pw_object_symbol(o, SYMBOL, symbol);
    }
    *trade = (struct pw_binance_own_trade){.venue_order_id = pw_object_u64(o, ORDER_ID, INT64_MAX),
                                           .trade_id = pw_object_u64(o, ID, INT64_MAX),
                                           .price_e8 = pw_object_price(o, PRICE),
                                           .qty_e8 = pw_object_qty(o, QTY),
                                           .fee_e16 = pw_object_opt_amount_e16(o, COMMISSION),
                                           .trade_ns = pw_object_lax_ns(o, TIME),
                                           .said = SAID(PW_TERM_VENUE_ORDER_ID),
                                           .is_maker = pw_object_is_true(o, IS_MAKER)};
    pw_object_copy(o, COMMISSION_ASSET, trade->fee_asset, sizeof trade->fee_asset,
                   sizeof trade->fee_asset - 1);
    if (pw_object_has(o, SYMBOL)) {
        memcpy(trade->symbol, symbol, sizeof trade->symbol);
        trade->said |= SAID(PW_TERM_SYMBOL);
    }
    if (pw_object_has(o, IS_BUYER)) {
        trade->side = pw_object_is_true(o, IS_BUYER) ? PW_BUY : PW_SELL;
        trade->said |= SAID(PW_TERM_SIDE);
    }
    if (trade->price_e8 == 0 || trade->qty_e8 == 0) {
        pw_object_blame(o, trade->price_e8 == 0 ? PRICE : QTY, PW_DECODE_BAD_FIELD);
    }
    if (trade->fee_e16 != 0 && trade->fee_asset[0] == '\0') {
        pw_object_blame(o, COMMISSION_ASSET, PW_DECODE_BAD_FIELD);
    }
    pw_object_fault(o, &trade->fault);
}

bool pw_binance_own_trade_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *trades,
                               struct pw_binance_own_trade *trade)
{
    struct pw_object object;
    if (!next_object(cursor, trades, &object)) {
        return false;
    }
    read_own_trade(&object, trade);
    return true;
}

/* What is locked in orders is not asked for. */
bool pw_binance_balance_next(struct pw_binance_cursor *cursor, const struct pw_entry_list *balances,
                             struct pw_binance_balance *balance)
{
    struct pw_object object;
    if (!next_object(cursor, balances, &object)) {
        return false;
    }
    *balance = (struct pw_binance_balance){.asset = pw_object_text(&object, ASSET),
                                           .free_e8 = pw_object_floor_e8(&object, FREE)};
    pw_object_fault(&object, &balance->fault);
    return true;
}

/* Items are judged when they are gone through: most are nobody's business. */
static enum pw_decode read_list(struct pw_object *o, int idx, struct pw_entry_list *list)
{
    const struct pw_binance_field *field = pw_object_field(o, idx);
    if (field->type != PW_JSON_ARRAY) {
        pw_object_blame(o, idx, PW_DECODE_BAD_FIELD);
    }
    *list =
        (struct pw_entry_list){.text = field->text.text, .bytes = field->text.size, .symbols = o->symbols};
    return o->fault;
}

/* ---- responses ---- */

/* 0: an interval that is not known here. */
static int64_t interval_ns(struct pw_object *o)
{
    static const char *const units[] = {NULL, "SECOND", "MINUTE", "HOUR", "DAY"};
    static const uint32_t unit_s[] = {0, 1, 60, 3600, 86400};
    struct pw_json_text text = pw_object_text(o, INTERVAL);
    unsigned place = pw_object_place(&text, units, 5);
    return unit_s[place] * (int64_t)pw_object_u64(o, INTERVAL_NUM, 1000) * INT64_C(1000000000);
}

/* Rows of kinds or intervals that are not known here, or that cannot be read, are passed over: we count for
 * ourselves, too. */
static void read_limits(const struct pw_binance_field *field, struct pw_entry_message *message)
{
    static const char *const types[] = {NULL, "REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"};
    static const uint8_t kinds[] = {0, PW_BUDGET_WEIGHT, PW_BUDGET_ORDERS, PW_BUDGET_REQUESTS};
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_entry_list list = {.text = field->text.text, .bytes = field->text.size};
    struct pw_object object;
    if (field->type != PW_JSON_ARRAY) {
        return;
    }
    while (message->limit_cnt < PW_ENTRY_LIMITS_MAX && next_object(&cursor, &list, &object)) {
        struct pw_json_text type = pw_object_text(&object, LIMIT_TYPE);
        unsigned place = pw_object_place(&type, types, 4);
        struct pw_entry_limit limit = {
            .kind = kinds[place],
            .interval_ns = interval_ns(&object),
            .limit = (uint32_t)pw_object_u64(&object, LIMIT, UINT32_MAX),
            .used = (uint32_t)pw_object_u64(&object, COUNT, UINT32_MAX),
        };
        if (place != 0 && limit.interval_ns > 0 && object.fault == PW_DECODE_OK) {
            message->limits[message->limit_cnt++] = limit;
        }
    }
}

static void read_id(struct pw_object *o, struct pw_binance_response *response)
{
    const struct pw_binance_field *id = pw_object_field(o, ID);
    struct pw_entry_message *message = response->message;
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
        pw_object_blame(o, ID, PW_DECODE_BAD_FIELD);
        break;
    }
}

/* What a result is: by what was asked; of a request that is not ours, by what is in it. */
static enum pw_entry_message_kind kind_of(const struct pw_object *o, const struct pw_entry_message *message)
{
    static const uint8_t kinds[PW_ENTRY_KINDS] = {
        [PW_ENTRY_PLACE] = PW_ENTRY_SAYS_ORDER,         [PW_ENTRY_TEST] = PW_ENTRY_SAYS_DONE,
        [PW_ENTRY_REPLACE] = PW_ENTRY_SAYS_REPLACE,     [PW_ENTRY_CANCEL] = PW_ENTRY_SAYS_ORDER,
        [PW_ENTRY_QUERY] = PW_ENTRY_SAYS_ORDER,         [PW_ENTRY_FILLS] = PW_ENTRY_SAYS_FILLS,
        [PW_ENTRY_OPEN_ORDERS] = PW_ENTRY_SAYS_ORDERS,  [PW_ENTRY_ACCOUNT] = PW_ENTRY_SAYS_ACCOUNT,
        [PW_ENTRY_TIME] = PW_ENTRY_SAYS_TIME,           [PW_ENTRY_LOGIN] = PW_ENTRY_SAYS_LOGGED_IN,
        [PW_ENTRY_SUBSCRIBE] = PW_ENTRY_SAYS_SUBSCRIBED};
    return message->is_ours                    ? (enum pw_entry_message_kind)kinds[message->request]
           : pw_object_has(o, CANCEL_RESULT)   ? PW_ENTRY_SAYS_REPLACE
           : pw_object_has(o, ORDER_ID)        ? PW_ENTRY_SAYS_ORDER
           : pw_object_has(o, BALANCES)        ? PW_ENTRY_SAYS_ACCOUNT
           : pw_object_has(o, SUBSCRIPTION_ID) ? PW_ENTRY_SAYS_SUBSCRIBED
           : pw_object_has(o, CONNECTED_SINCE) ? PW_ENTRY_SAYS_LOGGED_IN
           : pw_object_has(o, SERVER_TIME)     ? PW_ENTRY_SAYS_TIME
                                               : PW_ENTRY_SAYS_DONE;
}

static enum pw_decode read_object_result(struct pw_object *o, struct pw_binance_response *response)
{
    struct pw_entry_message *message = response->message;
    message->kind = (uint8_t)kind_of(o, message);
    switch (message->kind) {
    case PW_ENTRY_SAYS_REPLACE:
        return read_replace(o, &response->body.replace);
    case PW_ENTRY_SAYS_ORDER: {
        enum pw_decode fault = read_order(o, &response->body.order);
        message->fault = response->body.order.fault;
        if (fault == PW_DECODE_OK && message->is_ours && !response->body.order.is_ours) {
            pw_object_fault_of(CLIENT_ORDER_ID, fault = PW_DECODE_BAD_FIELD,
                               &message->fault); /* a question of ours */
        }
        return fault;
    }
    case PW_ENTRY_SAYS_ACCOUNT:
        return read_list(o, BALANCES, &message->list);
    case PW_ENTRY_SAYS_LOGGED_IN:
        if (pw_object_lax_ns(o, AUTHORIZED_SINCE) == 0) {
            message->kind = PW_ENTRY_SAYS_DONE; /* a session, and nobody is logged on */
        }
        message->server_ns = pw_object_lax_ns(o, SERVER_TIME);
        break;
    case PW_ENTRY_SAYS_TIME:
        message->server_ns = pw_object_ns(o, SERVER_TIME);
        break;
    default:
        break;
    }
    return o->fault;
}

/* top: the message. */
static enum pw_decode read_result(struct pw_object *top, struct pw_binance_response *response)
{
    const struct pw_binance_field *field = pw_object_field(top, RESULT);
    struct pw_entry_message *message = response->message;
    bool lists =
        message->is_ours && (message->request == PW_ENTRY_FILLS || message->request == PW_ENTRY_OPEN_ORDERS);
    struct pw_object object;
    message->kind = PW_ENTRY_SAYS_DONE;
    if (lists || (!message->is_ours && field->type == PW_JSON_ARRAY)) {
        bool fills = message->is_ours && message->request == PW_ENTRY_FILLS;
        message->kind = fills ? PW_ENTRY_SAYS_FILLS : PW_ENTRY_SAYS_ORDERS;
        return read_list(top, RESULT, &message->list);
    }
    if (field->type != PW_JSON_OBJECT) {
        bool any =
            !message->is_ours || message->request == PW_ENTRY_TEST || message->request == PW_ENTRY_SUBSCRIBE;
        if (!any) {
            pw_object_blame(top, RESULT, PW_DECODE_BAD_FIELD);
        } else if (message->request == PW_ENTRY_SUBSCRIBE && message->is_ours) {
            message->kind = PW_ENTRY_SAYS_SUBSCRIBED;
        }
        return top->fault;
    }
    pw_object_collect_field(field, top->symbols, &object);
    enum pw_decode fault = read_object_result(&object, response);
    if (fault != PW_DECODE_OK && message->fault.decode == PW_DECODE_OK) {
        pw_object_fault_of(object.fault_idx, fault, &message->fault);
    }
    return fault;
}

bool pw_binance_status_is_enough(uint32_t http_status)
{
    return http_status == 418 || http_status == 429 || http_status == 403 || http_status == 401;
}

/* Of the error object; what stands beside code and text counts as far as it can be read. */
static enum pw_decode read_refusal(struct pw_object *top, struct pw_binance_response *response)
{
    struct pw_object object, data;
    response->message->kind = PW_ENTRY_SAYS_ERROR;
    if (pw_object_collect_field(pw_object_field(top, ERROR), top->symbols, &object) != PW_DECODE_OK) {
        pw_object_blame(top, ERROR, PW_DECODE_BAD_FIELD);
        return top->fault;
    }
    if (read_error(&object, &response->error) != PW_DECODE_OK) {
        pw_object_blame(top, CODE, object.fault);
    }
    if (pw_object_collect_field(pw_object_field(&object, DATA), top->symbols, &data) != PW_DECODE_OK) {
        return top->fault;
    }
    if (pw_object_has(&data, CANCEL_RESULT)) {
        response->message->kind = PW_ENTRY_SAYS_REPLACE;
        if (read_replace(&data, &response->body.replace) != PW_DECODE_OK) {
            pw_object_blame(top, data.fault_idx, data.fault);
        }
        return top->fault;
    }
    response->message->server_ns = pw_object_lax_ns(&data, SERVER_TIME);
    response->retry_after_ns = pw_object_lax_ns(&data, RETRY_AFTER);
    return top->fault;
}

/* A ban is one also if its number stands between quotes. */
static uint32_t status_of(struct pw_object *o)
{
    struct pw_json_text text = pw_object_lax_text(o, STATUS);
    uint64_t status = 0;
    if (pw_json_text_u64(&text, &status) && status < 1000 && pw_binance_status_is_enough((uint32_t)status)) {
        return (uint32_t)status;
    }
    return (uint32_t)pw_object_u64(o, STATUS, 999);
}

/* The code of a ban and of limits exceeded: enough, too, where the status says otherwise or cannot be read.
 */
static bool is_too_many_requests(const struct pw_object *top)
{
    struct pw_object error;
    return pw_object_collect_field(pw_object_field(top, ERROR), top->symbols, &error) == PW_DECODE_OK &&
           pw_object_i64(&error, CODE) == TOO_MANY_REQUESTS;
}

static enum pw_decode read_reply(struct pw_object *o, struct pw_binance_response *response)
{
    struct pw_entry_message *message = response->message;
    message->is_response = true;
    read_id(o, response);
    response->http_status = status_of(o);
    bool failed = pw_object_has(o, ERROR);
    bool enough = pw_binance_status_is_enough(response->http_status) || (failed && is_too_many_requests(o));
    bool has_result = failed ? pw_object_has(o, RESULT) : pw_object_field(o, RESULT)->type != PW_JSON_NOTHING;
    if (failed == has_result || failed != (response->http_status >= 400)) {
        pw_object_blame(o, failed ? STATUS : RESULT, PW_DECODE_BAD_FIELD);
    }
    read_limits(pw_object_field(o, RATE_LIMITS), message);
    enum pw_decode fault = o->fault;
    if (enough || (fault == PW_DECODE_OK && failed)) {
        fault = read_refusal(o, response);
    } else if (fault == PW_DECODE_OK) {
        fault = read_result(o, response);
    }
    if (enough) {
        return PW_DECODE_ERROR_REPLY;
    }
    if (fault != PW_DECODE_OK && message->fault.decode == PW_DECODE_OK) {
        pw_object_fault(o, &message->fault);
    }
    return fault != PW_DECODE_OK ? fault : failed ? PW_DECODE_ERROR_REPLY : PW_DECODE_CONTROL;
}

/* ---- events ---- */

static enum pw_binance_execution_type get_execution_type(struct pw_object *o)
{
    static const char *const table[] = {NULL,       "NEW",   "CANCELED", "REPLACED",
                                        "REJECTED", "TRADE", "EXPIRED",  "TRADE_PREVENTION"};
    struct pw_json_text text = pw_object_text(o, pw_binance_letter('x'));
    return (enum pw_binance_execution_type)pw_object_place(&text, table, sizeof table / sizeof table[0]);
}

/* Of nothing but a trade: its quantity, price, number and fee. */
static void read_trade(struct pw_object *o, struct pw_binance_execution *x)
{
    x->last_qty_e8 = pw_object_qty(o, pw_binance_letter('l'));
    x->last_price_e8 = pw_object_price(o, pw_binance_letter('L'));
    x->fee_e16 = pw_object_opt_amount_e16(o, pw_binance_letter('n'));
    x->trade_id = pw_object_u64(o, pw_binance_letter('t'), INT64_MAX);
    x->has_trade_id = true;
    x->is_maker = pw_object_is_true(o, pw_binance_letter('m'));
    pw_object_copy(o, pw_binance_letter('N'), x->fee_asset, sizeof x->fee_asset, sizeof x->fee_asset - 1);
    if (x->fee_e16 != 0 && x->fee_asset[0] == '\0') {
        pw_object_blame(o, pw_binance_letter('N'), PW_DECODE_BAD_FIELD);
    }
    if (x->last_qty_e8 == 0 || x->last_price_e8 == 0) {
        pw_object_blame(o, pw_binance_letter(x->last_qty_e8 == 0 ? 'l' : 'L'), PW_DECODE_BAD_FIELD);
    }
}

static void read_execution_terms(struct pw_object *o, struct pw_binance_execution *x)
{
    static const struct {
        char name;
        uint8_t term;
    } optional[] = {{'q', PW_TERM_QTY}, {'p', PW_TERM_PRICE}, {'o', PW_TERM_TYPE}, {'f', PW_TERM_TIF}};
    x->terms.said =
        SAID(PW_TERM_SYMBOL) | SAID(PW_TERM_VENUE_ORDER_ID) | SAID(PW_TERM_SIDE) | SAID(PW_TERM_EXECUTED);
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        x->terms.said |= said_if(o, pw_binance_letter(optional[i].name), (enum pw_term)optional[i].term);
    }
    pw_object_symbol(o, pw_binance_letter('s'), x->terms.symbol);
    x->terms.venue_order_id = pw_object_u64(o, pw_binance_letter('i'), INT64_MAX);
    x->terms.side = (uint8_t)pw_object_side(o, pw_binance_letter('S'));
    x->terms.qty_e8 = pw_object_opt_qty(o, pw_binance_letter('q'));
    x->terms.price_e8 = pw_object_opt_price(o, pw_binance_letter('p'));
    if (x->terms.said & SAID(PW_TERM_TYPE)) {
        x->terms.type = pw_object_order_type(o, pw_binance_letter('o'));
    }
    if (x->terms.said & SAID(PW_TERM_TIF)) {
        x->terms.tif = pw_object_tif(o, pw_binance_letter('f'));
    }
}

/* As read_order. */
static enum pw_decode read_execution(struct pw_object *o, struct pw_binance_execution *x)
{
    memset(x, 0, sizeof *x);
    struct pw_json_text id = pw_object_opt_id(o, pw_binance_letter('c')),
                        original = pw_object_opt_id(o, pw_binance_letter('C'));
    pw_object_split_ids(&id, &original, &x->client_id, &x->cancel_id);
    x->is_ours = pw_object_own_id(&x->client_id, &x->client_order_id, &x->instance_hash);
    enum pw_decode fault = o->fault;
    x->type = get_execution_type(o);
    x->status = pw_object_status(o, pw_binance_letter('X'));
    x->reject_reason = pw_object_lax_text(o, pw_binance_letter('r'));
    x->expiry_reason = pw_object_lax_text(o, EXPIRY_LETTERS);
    read_execution_terms(o, x);
    x->executed_qty_e8 = pw_object_qty(o, pw_binance_letter('z'));
    x->prevented_qty_e8 = pw_object_opt_qty(o, pw_binance_letter('A'));
    x->report_fault = status_follows(x->type, x->status)
                          ? status_fault(x->status, x->terms.qty_e8, x->executed_qty_e8, x->prevented_qty_e8)
                          : PW_REPORT_STATUS;
    x->trade_ns = pw_object_lax_ns(o, pw_binance_letter('T'));
    if (x->type == PW_BINANCE_EXEC_TRADE) {
        read_trade(o, x);
    }
    return x->is_ours || fault != PW_DECODE_OK ? pw_object_fault(o, &x->fault) : PW_DECODE_OK;
}

static enum pw_decode read_event(struct pw_object *o, struct pw_binance_response *response)
{
    struct pw_json_text name = pw_object_text(o, pw_binance_letter('e'));
    struct pw_entry_message *message = response->message;
    if (o->fault != PW_DECODE_OK) {
        return pw_object_fault(o, &message->fault);
    }
    if (pw_json_equal(&name, "executionReport")) {
        message->kind = PW_ENTRY_SAYS_EXECUTION;
        read_execution(o, &response->body.execution); /* its fault is the order's */
        return PW_DECODE_OK;
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

/* ---- messages ---- */

/* Of what is no JSON, cut off or never begun: whose answer it is, and a status that is enough by itself. */
static enum pw_decode salvage(const char *data, size_t size, struct pw_binance_response *response)
{
    static const char name[] = "\"status\":";
    struct pw_entry_message *message = response->message;
    enum pw_entry_kind kind = 0;
    const char *at = size > 0 ? memmem(data, size, name, sizeof name - 1) : NULL, *end = data + size;
    message->is_ours = pw_binance_request_of(data, size, &kind, &message->number);
    message->is_response = message->is_ours || at != NULL;
    message->request = (uint8_t)kind;
    pw_object_fault_of(-1, PW_DECODE_BAD_JSON, &message->fault);
    for (at = at ? at + sizeof name - 1 : end; at < end && *at == ' '; at++) {
    }
    uint64_t status = 0;
    struct pw_json_text digits = {at, end - at >= 3 ? 3 : 0, false};
    if (!pw_json_text_u64(&digits, &status) || !pw_binance_status_is_enough((uint32_t)status)) {
        return PW_DECODE_BAD_JSON;
    }
    response->http_status = (uint32_t)status;
    message->kind = PW_ENTRY_SAYS_ERROR;
    return PW_DECODE_ERROR_REPLY;
}

/* A message of a kind that is not known here: neither event nor response. */
static bool is_unknown(const struct pw_object *top)
{
    return !pw_object_has(top, ID) && !pw_object_has(top, STATUS) && !pw_object_has(top, RESULT) &&
           !pw_object_has(top, ERROR);
}

enum pw_decode pw_binance_read_response(const struct pw_symbols *symbols, const char *data, size_t size,
                                        struct pw_entry_message *message,
                                        struct pw_binance_response *response)
{
    struct pw_json json;
    struct pw_object top, event;
    memset(message, 0, sizeof *message);
    memset(response, 0, sizeof *response);
    response->message = message;
    pw_json_init(&json, data, size);
    if (pw_object_collect(&json, symbols, &top) != PW_DECODE_OK || !pw_json_done(&json)) {
        return salvage(data, size, response);
    }
    if (pw_object_has(&top, EVENT)) {
        if (pw_object_collect_field(pw_object_field(&top, EVENT), symbols, &event) == PW_DECODE_OK) {
            return read_event(&event, response);
        }
        pw_object_blame(&top, EVENT, PW_DECODE_BAD_FIELD);
        return pw_object_fault(&top, &message->fault);
    }
    if (pw_object_has(&top, pw_binance_letter('e'))) {
        return read_event(&top, response);
    }
    return is_unknown(&top) ? PW_DECODE_IGNORED : read_reply(&top, response);
}
