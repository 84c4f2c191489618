/* SPDX-License-Identifier: MIT
 *
 * Reading an object's fields.
 */
#include "binance_object.h"

#include "decimal.h"
#include "symbols.h"
#include <string.h>

static const struct pw_binance_name names[FIELDS - LETTERS] = {
    PW_BINANCE_NAME("id"),
    PW_BINANCE_NAME("status"),
    PW_BINANCE_NAME("result"),
    PW_BINANCE_NAME("error"),
    PW_BINANCE_NAME("rateLimits"),
    PW_BINANCE_NAME("event"),
    PW_BINANCE_NAME("subscriptionId"),
    PW_BINANCE_NAME("code"),
    PW_BINANCE_NAME("msg"),
    PW_BINANCE_NAME("data"),
    PW_BINANCE_NAME("symbol"),
    PW_BINANCE_NAME("orderId"),
    PW_BINANCE_NAME("clientOrderId"),
    PW_BINANCE_NAME("origClientOrderId"),
    PW_BINANCE_NAME("transactTime"),
    PW_BINANCE_NAME("price"),
    PW_BINANCE_NAME("origQty"),
    PW_BINANCE_NAME("executedQty"),
    PW_BINANCE_NAME("side"),
    PW_BINANCE_NAME("time"),
    PW_BINANCE_NAME("updateTime"),
    PW_BINANCE_NAME("cancelResult"),
    PW_BINANCE_NAME("newOrderResult"),
    PW_BINANCE_NAME("cancelResponse"),
    PW_BINANCE_NAME("newOrderResponse"),
    PW_BINANCE_NAME("serverTime"),
    PW_BINANCE_NAME("retryAfter"),
    PW_BINANCE_NAME("connectedSince"),
    PW_BINANCE_NAME("authorizedSince"),
    PW_BINANCE_NAME("balances"),
    PW_BINANCE_NAME("asset"),
    PW_BINANCE_NAME("free"),
    PW_BINANCE_NAME("locked"),
    PW_BINANCE_NAME("rateLimitType"),
    PW_BINANCE_NAME("interval"),
    PW_BINANCE_NAME("intervalNum"),
    PW_BINANCE_NAME("limit"),
    PW_BINANCE_NAME("count"),
    PW_BINANCE_NAME("qty"),
    PW_BINANCE_NAME("commission"),
    PW_BINANCE_NAME("commissionAsset"),
    PW_BINANCE_NAME("isMaker"),
    PW_BINANCE_NAME("isBuyer"),
    PW_BINANCE_NAME("type"),
    PW_BINANCE_NAME("timeInForce"),
    PW_BINANCE_NAME("preventedQuantity"),
    PW_BINANCE_NAME("eR"),
    PW_BINANCE_NAME("expiryReason"),
};

enum pw_decode pw_object_collect(struct pw_json *json, const struct pw_symbols *symbols,
                                 struct pw_object *object)
{
    object->symbols = symbols;
    object->unit_shift = 0;
    enum pw_decode result = pw_binance_collect(json, names, FIELDS - LETTERS, &object->fields);
    object->fault = result == PW_DECODE_BAD_JSON ? result : PW_DECODE_OK;
    object->fault_idx = -1;
    return object->fault;
}

enum pw_decode pw_object_collect_field(const struct pw_binance_field *field, const struct pw_symbols *symbols,
                                       struct pw_object *object)
{
    struct pw_json json;
    if (field->type != PW_JSON_OBJECT) {
        return PW_DECODE_BAD_FIELD;
    }
    pw_json_init(&json, field->text.text, field->text.size);
    return pw_object_collect(&json, symbols, object);
}

void pw_object_blame(struct pw_object *object, int idx, enum pw_decode fault)
{
    if (object->fault == PW_DECODE_OK) {
        object->fault = fault;
        object->fault_idx = idx;
    }
}

static void name_field(int idx, char name[PW_ENTRY_FIELD_BYTES])
{
    memset(name, 0, PW_ENTRY_FIELD_BYTES);
    if (idx >= LETTERS && idx < FIELDS) {
        static_assert(sizeof "origClientOrderId" <= PW_ENTRY_FIELD_BYTES, "the longest name fits");
        memcpy(name, names[idx - LETTERS].text, names[idx - LETTERS].size);
    } else if (idx >= 0 && idx < LETTERS) {
        name[0] = (char)(idx < 26 ? 'a' + idx : 'A' + idx - 26);
    }
}

void pw_object_fault_of(int idx, enum pw_decode fault, struct pw_entry_fault *to)
{
    to->decode = (int8_t)fault;
    name_field(idx, to->field);
}

enum pw_decode pw_object_fault(const struct pw_object *object, struct pw_entry_fault *to)
{
    if (object->fault != PW_DECODE_OK) {
        pw_object_fault_of(object->fault_idx, object->fault, to);
    }
    return object->fault;
}

bool pw_object_has(const struct pw_object *object, int idx)
{
    return pw_object_field(object, idx)->type != PW_JSON_NOTHING &&
           pw_object_field(object, idx)->type != PW_JSON_NULL;
}

/* ---- values ---- */

/* A decimal's text; negative: it is none, and blamed. */
static int64_t get_plain(struct pw_object *object, int idx, char *plain, size_t plain_bytes)
{
    const struct pw_binance_field *field = pw_object_field(object, idx);
    if (field->type != PW_JSON_STRING) {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
        return -1;
    }
    int64_t size = pw_json_unescape(&field->text, plain, plain_bytes);
    if (size < 0) {
        pw_object_blame(object, idx, PW_DECODE_BAD_NUMBER);
    }
    return size;
}

static int64_t get_number(struct pw_object *object, int idx, int decimals)
{
    char plain[64];
    int64_t value = 0;
    int64_t size = get_plain(object, idx, plain, sizeof plain);
    if (size >= 0 && !pw_decimal_parse(plain, (size_t)size, decimals, false, &value)) {
        pw_object_blame(object, idx, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

int64_t pw_object_price(struct pw_object *object, int idx)
{
    return get_number(object, idx, pw_price_decimals(object->unit_shift));
}

int64_t pw_object_opt_price(struct pw_object *object, int idx)
{
    return pw_object_has(object, idx) ? pw_object_price(object, idx) : 0;
}

int64_t pw_object_qty(struct pw_object *object, int idx)
{
    return get_number(object, idx, pw_qty_decimals(object->unit_shift));
}

int64_t pw_object_opt_qty(struct pw_object *object, int idx)
{
    return pw_object_has(object, idx) ? pw_object_qty(object, idx) : 0;
}

pw_i128 pw_object_opt_amount_e16(struct pw_object *object, int idx)
{
    char plain[64];
    pw_i128 value = 0;
    int64_t size = pw_object_has(object, idx) ? get_plain(object, idx, plain, sizeof plain) : -1;
    if (size >= 0 && !pw_decimal_parse_e16(plain, (size_t)size, true, &value)) {
        pw_object_blame(object, idx, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

/* All digits, with at most one point between them. */
static bool is_plain(const char *text, size_t bytes)
{
    size_t digits = strspn(text, "0123456789");
    size_t rest = digits < bytes && text[digits] == '.' ? strspn(text + digits + 1, "0123456789") : 0;
    return digits > 0 && (digits == bytes || (rest > 0 && digits + 1 + rest == bytes));
}

int64_t pw_object_floor_e8(struct pw_object *object, int idx)
{
    const struct pw_binance_field *field = pw_object_field(object, idx);
    char plain[64] = "";
    int64_t value = 0, size = -1;
    if (field->type == PW_JSON_STRING) {
        size = pw_json_unescape(&field->text, plain, sizeof plain - 1);
    }
    if (size <= 0 || !is_plain(plain, (size_t)size)) {
        pw_object_blame(object, idx,
                        field->type == PW_JSON_STRING ? PW_DECODE_BAD_NUMBER : PW_DECODE_BAD_FIELD);
        return 0;
    }
    size_t whole = strcspn(plain, ".");
    size_t kept = whole + 9 < (size_t)size ? whole + 9 : (size_t)size;
    return pw_decimal_parse_e8(plain, kept, false, &value) ? value : INT64_MAX;
}

int64_t pw_object_i64(struct pw_object *object, int idx)
{
    const struct pw_binance_field *field = pw_object_field(object, idx);
    int64_t value = 0;
    if (field->type != PW_JSON_NUMBER) {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
    } else if (!pw_json_text_i64(&field->text, &value)) {
        pw_object_blame(object, idx, PW_DECODE_BAD_NUMBER);
    }
    return value;
}

uint64_t pw_object_u64(struct pw_object *object, int idx, uint64_t max)
{
    int64_t value = pw_object_i64(object, idx);
    if (value < 0 || (uint64_t)value > max) {
        pw_object_blame(object, idx, PW_DECODE_BAD_NUMBER);
        return 0;
    }
    return (uint64_t)value;
}

int64_t pw_object_ns(struct pw_object *object, int idx)
{
    int64_t ns = 0;
    if (!pw_binance_time_ns(pw_object_u64(object, idx, INT64_MAX), &ns)) {
        pw_object_blame(object, idx, PW_DECODE_BAD_NUMBER);
    }
    return ns;
}

int64_t pw_object_lax_ns(const struct pw_object *object, int idx)
{
    const struct pw_binance_field *field = pw_object_field(object, idx);
    int64_t value = 0, ns = 0;
    return (field->type == PW_JSON_NUMBER || field->type == PW_JSON_STRING) &&
                   pw_json_text_i64(&field->text, &value) && value >= 0 &&
                   pw_binance_time_ns((uint64_t)value, &ns)
               ? ns
               : 0;
}

bool pw_object_is_true(const struct pw_object *object, int idx)
{
    return pw_object_field(object, idx)->type == PW_JSON_TRUE;
}

struct pw_json_text pw_object_opt_text(struct pw_object *object, int idx)
{
    if (pw_object_has(object, idx) && pw_object_field(object, idx)->type != PW_JSON_STRING) {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
    }
    return pw_object_has(object, idx) ? pw_object_field(object, idx)->text
                                      : (struct pw_json_text){"", 0, false};
}

struct pw_json_text pw_object_lax_text(const struct pw_object *object, int idx)
{
    const struct pw_binance_field *field = pw_object_field(object, idx);
    return field->type == PW_JSON_STRING ? field->text : (struct pw_json_text){"", 0, false};
}

struct pw_json_text pw_object_opt_id(struct pw_object *object, int idx)
{
    if (pw_object_field(object, idx)->type == PW_BINANCE_DOUBLED) {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
    }
    return pw_object_lax_text(object, idx);
}

struct pw_json_text pw_object_text(struct pw_object *object, int idx)
{
    if (!pw_object_has(object, idx)) {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
    }
    return pw_object_opt_text(object, idx);
}

void pw_object_copy(struct pw_object *object, int idx, char *to, size_t bytes, size_t room)
{
    struct pw_json_text text = pw_object_opt_text(object, idx);
    memset(to, 0, bytes);
    if (pw_json_unescape(&text, to, room) < 0) {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
    }
}

void pw_object_symbol(struct pw_object *object, int idx, char symbol[PW_SYMBOL_BYTES])
{
    pw_object_copy(object, idx, symbol, PW_SYMBOL_BYTES, PW_SYMBOL_BYTES - 1);
    if (symbol[0] == '\0') {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
    }
    if (object->symbols != NULL) {
        object->unit_shift =
            pw_symbols_find_text(object->symbols, symbol, strnlen(symbol, PW_SYMBOL_BYTES)).unit_shift;
    }
}

unsigned pw_object_place(const struct pw_json_text *text, const char *const *table, unsigned cnt)
{
    for (unsigned i = 1; i < cnt; i++) {
        if (pw_json_equal(text, table[i])) {
            return i;
        }
    }
    return 0;
}

enum pw_side pw_object_side(struct pw_object *object, int idx)
{
    struct pw_json_text text = pw_object_text(object, idx);
    bool sell = pw_json_equal(&text, "SELL");
    if (!sell && !pw_json_equal(&text, "BUY")) {
        pw_object_blame(object, idx, PW_DECODE_BAD_FIELD);
    }
    return sell ? PW_SELL : PW_BUY;
}

enum pw_binance_status pw_object_status(struct pw_object *object, int idx)
{
    static const char *const table[] = {
        NULL,       "NEW",     "PENDING_NEW",     "PARTIALLY_FILLED", "FILLED", "CANCELED", "PENDING_CANCEL",
        "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"};
    struct pw_json_text text = pw_object_text(object, idx);
    return (enum pw_binance_status)pw_object_place(&text, table, sizeof table / sizeof table[0]);
}

uint8_t pw_object_order_type(struct pw_object *object, int idx)
{
    static const char *const table[PW_ORDER_TYPES + 1] = {[PW_MARKET + 1] = "MARKET",
                                                          [PW_LIMIT + 1] = "LIMIT",
                                                          [PW_LIMIT_MAKER + 1] = "LIMIT_MAKER",
                                                          [PW_STOP_LOSS + 1] = "STOP_LOSS",
                                                          [PW_STOP_LOSS_LIMIT + 1] = "STOP_LOSS_LIMIT",
                                                          [PW_TAKE_PROFIT + 1] = "TAKE_PROFIT",
                                                          [PW_TAKE_PROFIT_LIMIT + 1] = "TAKE_PROFIT_LIMIT"};
    struct pw_json_text text = pw_object_text(object, idx);
    unsigned place = pw_object_place(&text, table, PW_ORDER_TYPES + 1);
    return (uint8_t)(place ? place - 1 : PW_ORDER_TYPES);
}

uint8_t pw_object_tif(struct pw_object *object, int idx)
{
    static const char *const table[] = {NULL, [PW_GTC + 1] = "GTC", [PW_IOC + 1] = "IOC",
                                        [PW_FOK + 1] = "FOK"};
    struct pw_json_text text = pw_object_text(object, idx);
    unsigned place = pw_object_place(&text, table, sizeof table / sizeof table[0]);
    return (uint8_t)(place ? place - 1 : UINT8_MAX);
}

void pw_object_split_ids(const struct pw_json_text *id, const struct pw_json_text *original,
                         struct pw_json_text *client_id, struct pw_json_text *cancel_id)
{
    *client_id = original->size ? *original : *id;
    *cancel_id = original->size ? *id : (struct pw_json_text){"", 0, false};
}

bool pw_object_own_id(const struct pw_json_text *text, uint64_t *client_order_id, uint32_t *instance_hash)
{
    struct pw_entry_client_id id;
    if (!pw_binance_client_id_read(text->text, text->size, &id) || id.is_cancel) {
        return false;
    }
    *client_order_id = id.client_order_id;
    *instance_hash = id.instance_hash;
    return true;
}
