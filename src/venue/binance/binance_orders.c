/* SPDX-License-Identifier: MIT
 *
 * Preparing and filling requests. One list of all parameters, in the order of their names; one table of what
 * each method takes, one of what each form of order adds.
 */
#include "binance_orders.h"

#include <errno.h>
#include <string.h>

#define ID_DIGITS    16u
#define HASH_DIGITS  8u
#define PREFIX_BYTES (3u + HASH_DIGITS + 1u) /* pw-01234567- */
#define ID_START     "{\"id\":\""
#define ID_AT        ((unsigned)sizeof ID_START - 1u)
#define NUMBER_WIDTH 22u /* 19 digits, point, two quotes: any int64_t of up to 16 decimals */
#define TIME_DIGITS  13u
#define VENUE_DIGITS 19u /* of a positive int64_t */

/* In ASCII order: so the venue wants them signed. */
enum param {
    API_KEY,
    CANCEL_NEW_ID,
    CANCEL_ORIG_ID,
    CANCEL_MODE,
    FROM_ID,
    LIMIT,
    NEW_ID,
    RESP_TYPE,
    OMIT_ZERO,
    ORDER_ID,
    ORIG_ID,
    PRICE,
    QUANTITY,
    RECV_WINDOW,
    SIDE,
    SIGNATURE,
    STOP_PRICE,
    SYMBOL,
    TIME_IN_FORCE,
    TIMESTAMP,
    TYPE,
    PARAMS
};
static_assert(PARAMS == sizeof(((struct pw_binance_request *)0)->at) / sizeof(uint16_t), "a slot for each");

#define BIT(param) (1u << (param))

static const char *const names[PARAMS] = {
    "apiKey",
    "cancelNewClientOrderId",
    "cancelOrigClientOrderId",
    "cancelReplaceMode",
    "fromId",
    "limit",
    "newClientOrderId",
    "newOrderRespType",
    "omitZeroBalances",
    "orderId",
    "origClientOrderId",
    "price",
    "quantity",
    "recvWindow",
    "side",
    "signature",
    "stopPrice",
    "symbol",
    "timeInForce",
    "timestamp",
    "type",
};

#define TIMED     (BIT(TIMESTAMP) | BIT(RECV_WINDOW))
#define SIGNED    (BIT(API_KEY) | BIT(SIGNATURE))
#define NEW_ORDER (TIMED | BIT(NEW_ID) | BIT(SYMBOL) | BIT(SIDE) | BIT(QUANTITY) | BIT(TYPE))

#define SUBSCRIBE_SIGNED PW_ENTRY_KINDS /* the method of SUBSCRIBE where no login stands for it */
#define METHODS          (PW_ENTRY_KINDS + 1u)
#define LIST_ALL_WEIGHT  80u /* of open orders: of all symbols */

/* By what is asked. */
static const struct {
    const char *name;
    uint32_t params;
    uint8_t weight;
    char letter; /* of request ids */
} methods[METHODS] = {
    [PW_ENTRY_PLACE] = {"order.place", NEW_ORDER | BIT(RESP_TYPE), 1, 'p'},
    [PW_ENTRY_TEST] = {"order.test", NEW_ORDER, 1, 't'},
    [PW_ENTRY_REPLACE] = {"order.cancelReplace",
                          NEW_ORDER | BIT(RESP_TYPE) | BIT(CANCEL_NEW_ID) | BIT(CANCEL_ORIG_ID) |
                              BIT(CANCEL_MODE),
                          1, 'r'},
    [PW_ENTRY_CANCEL] = {"order.cancel", TIMED | BIT(SYMBOL) | BIT(ORIG_ID) | BIT(NEW_ID), 1, 'c'},
    [PW_ENTRY_QUERY] = {"order.status", TIMED | BIT(SYMBOL) | BIT(ORIG_ID), 4, 'q'},
    [PW_ENTRY_FILLS] = {"myTrades", TIMED | BIT(SYMBOL) | BIT(ORDER_ID) | BIT(FROM_ID) | BIT(LIMIT), 5, 'f'},
    [PW_ENTRY_OPEN_ORDERS] = {"openOrders.status", TIMED | BIT(SYMBOL), 6, 'o'},
    [PW_ENTRY_ACCOUNT] = {"account.status", TIMED | BIT(OMIT_ZERO), 20, 'b'},
    [PW_ENTRY_TIME] = {"time", 0, 1, 'n'},
    [PW_ENTRY_LOGIN] = {"session.logon", TIMED | SIGNED, 2, 'l'},
    [PW_ENTRY_SUBSCRIBE] = {"userDataStream.subscribe", 0, 2, 'u'},
    [SUBSCRIBE_SIGNED] = {"userDataStream.subscribe.signature", TIMED | SIGNED, 2, 's'},
};

static const struct {
    const char *type, *tif; /* tif NULL: the type takes none */
    uint32_t params;
} forms[PW_BINANCE_FORMS] = {
    [PW_BINANCE_LIMIT_GTC] = {"LIMIT", "GTC", BIT(PRICE)},
    [PW_BINANCE_LIMIT_IOC] = {"LIMIT", "IOC", BIT(PRICE)},
    [PW_BINANCE_LIMIT_FOK] = {"LIMIT", "FOK", BIT(PRICE)},
    [PW_BINANCE_LIMIT_MAKER] = {"LIMIT_MAKER", NULL, BIT(PRICE)},
    [PW_BINANCE_MARKET] = {"MARKET", NULL, 0},
    [PW_BINANCE_STOP_LOSS] = {"STOP_LOSS", NULL, BIT(STOP_PRICE)},
    [PW_BINANCE_STOP_LOSS_LIMIT] = {"STOP_LOSS_LIMIT", "GTC", BIT(PRICE) | BIT(STOP_PRICE)},
    [PW_BINANCE_TAKE_PROFIT] = {"TAKE_PROFIT", NULL, BIT(STOP_PRICE)},
    [PW_BINANCE_TAKE_PROFIT_LIMIT] = {"TAKE_PROFIT_LIMIT", "GTC", BIT(PRICE) | BIT(STOP_PRICE)},
};

/* ---- preparing: cold ---- */

/* The text as it grows; once it does not fit it stays so. */
struct out {
    char *text;
    size_t at, size;
    bool full;
};

static void put(struct out *out, const char *text, size_t bytes)
{
    if (out->full || bytes > out->size - out->at) {
        out->full = true;
        return;
    }
    memcpy(out->text + out->at, text, bytes);
    out->at += bytes;
}

static void put_text(struct out *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_blanks(struct out *out, size_t bytes)
{
    static const char blanks[PW_ENTRY_SIGNATURE_BYTES_MAX + 2] =
        "                                                                                         ";
    put(out, blanks, bytes);
}

static void put_u32(struct out *out, uint32_t value)
{
    char digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(out, digits + at, sizeof digits - at);
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < 0x20 || *text == '&' || *text == '=') {
            return false;
        }
    }
    return true;
}

/* Texts that never change, or NULL where a slot is filled later. */
static const char *constant_of(enum param param, const struct pw_entry_spec *spec)
{
    switch (param) {
    case API_KEY:
        return spec->api_key;
    case CANCEL_MODE:
        return "STOP_ON_FAILURE";
    case RESP_TYPE:
        return "ACK"; /* the rest comes with the user data stream */
    case SYMBOL:
        return spec->symbol;
    case TIME_IN_FORCE:
        return forms[spec->form].tif;
    case TYPE:
        return forms[spec->form].type;
    default:
        return NULL;
    }
}

static size_t slot_width(enum param param, const struct pw_entry_spec *spec)
{
    switch (param) {
    case SIDE:
        return 6; /* "SELL" */
    case SIGNATURE:
        return spec->signature_bytes + 2;
    case TIMESTAMP:
        return TIME_DIGITS;
    case FROM_ID:
    case ORDER_ID:
        return VENUE_DIGITS;
    default:
        return NUMBER_WIDTH;
    }
}

static void write_hex(char *to, uint64_t value, unsigned digits)
{
    static const char all[] = "0123456789abcdef";
    for (unsigned i = digits; i-- > 0; value >>= 4) {
        to[i] = all[value & 15];
    }
}

static void write_prefix(char to[PREFIX_BYTES], bool is_cancel, uint32_t instance_hash)
{
    memcpy(to, is_cancel ? "pc-" : "pw-", 3);
    write_hex(to + 3, instance_hash, HASH_DIGITS);
    to[PREFIX_BYTES - 1] = '-';
}

static bool is_client_id(enum param param)
{
    return param == CANCEL_NEW_ID || param == CANCEL_ORIG_ID || param == NEW_ID || param == ORIG_ID;
}

/* All of it but the digits of the order, which are blanks. */
static void put_client_id(struct out *out, enum param param, const struct pw_entry_spec *spec)
{
    char prefix[PREFIX_BYTES];
    bool is_cancel = param == CANCEL_NEW_ID || (param == NEW_ID && spec->kind == PW_ENTRY_CANCEL);
    write_prefix(prefix, is_cancel, spec->instance_hash);
    put_text(out, "\"");
    put(out, prefix, sizeof prefix);
    put_blanks(out, ID_DIGITS);
    put_text(out, "\"");
}

static void put_value(struct out *out, enum param param, const struct pw_entry_spec *spec)
{
    const char *constant = constant_of(param, spec);
    if (constant) {
        put_text(out, "\"");
        put_text(out, constant);
        put_text(out, "\"");
    } else if (is_client_id(param)) {
        put_client_id(out, param, spec);
    } else if (param == RECV_WINDOW) {
        put_u32(out, spec->window_ms);
    } else if (param == LIMIT) {
        put_u32(out, PW_BINANCE_TRADES_MAX);
    } else if (param == OMIT_ZERO) {
        put_text(out, "true");
    } else {
        put_blanks(out, slot_width(param, spec));
    }
}

static unsigned method_of(const struct pw_entry_spec *spec)
{
    return spec->kind == PW_ENTRY_SUBSCRIBE && spec->api_key ? SUBSCRIBE_SIGNED : spec->kind;
}

static uint32_t params_of(const struct pw_entry_spec *spec)
{
    uint32_t params = methods[method_of(spec)].params;
    if (pw_entry_is_new_order(spec->kind)) {
        params |= forms[spec->form].params | (forms[spec->form].tif ? BIT(TIME_IN_FORCE) : 0);
    }
    if (!spec->symbol && spec->kind == PW_ENTRY_OPEN_ORDERS) {
        params &= ~BIT(SYMBOL);
    }
    if (spec->api_key && params & BIT(TIMESTAMP)) {
        params |= SIGNED;
    }
    return params;
}

static bool is_sound(const struct pw_entry_spec *spec)
{
    if ((unsigned)spec->kind >= PW_ENTRY_KINDS || spec->form >= PW_BINANCE_FORMS || spec->tick_e8 < 0 ||
        spec->step_e8 < 0 || spec->unit_shift < -PW_UNIT_SHIFT_MAX || spec->unit_shift > PW_UNIT_SHIFT_MAX) {
        return false;
    }
    uint32_t params = params_of(spec);
    return (!(params & BIT(SYMBOL)) || (spec->symbol && spec->symbol[0] != '\0' && is_plain(spec->symbol))) &&
           (!(params & BIT(API_KEY)) ||
            (spec->api_key && spec->api_key[0] != '\0' && is_plain(spec->api_key) &&
             (spec->signature_bytes == 64 || spec->signature_bytes == 88))) &&
           (!(params & BIT(RECV_WINDOW)) || (spec->window_ms >= 1 && spec->window_ms <= 60000));
}

/* A number of that many decimals, written with as few as all multiples of the tick or step need. */
static struct pw_binance_decimals decimals_of(int64_t tick_or_step, int decimals)
{
    struct pw_binance_decimals of = {.shown = (uint8_t)decimals, .dropped = 0};
    while (tick_or_step > 0 && of.shown > 0 && tick_or_step % 10 == 0) {
        tick_or_step /= 10;
        of.shown--;
        of.dropped++;
    }
    return of;
}

/* The request that a head is of. */
static const struct pw_binance_request *whole(const struct pw_entry_request *head)
{
    return (const struct pw_binance_request *)(const void *)head;
}

/* Between its quotes. */
static struct pw_entry_span span_of(const struct pw_binance_request *request, enum param param)
{
    return request->params & BIT(param)
               ? (struct pw_entry_span){(uint16_t)(request->at[param] + 1u), request->width[param] - 2u}
               : (struct pw_entry_span){0, 0};
}

static struct pw_entry_request head_of(const struct pw_binance_request *request,
                                       const struct pw_entry_spec *spec)
{
    bool lists_all = spec->kind == PW_ENTRY_OPEN_ORDERS && !spec->symbol;
    bool order = spec->kind == PW_ENTRY_PLACE || spec->kind == PW_ENTRY_REPLACE;
    return (struct pw_entry_request){
        .kind = (uint8_t)spec->kind,
        .is_signed = request->params & BIT(SIGNATURE),
        .api_key = span_of(request, API_KEY),
        .signature = span_of(request, SIGNATURE),
        .cost = {{[PW_BUDGET_WEIGHT] = lists_all ? LIST_ALL_WEIGHT : methods[request->method].weight,
                  [PW_BUDGET_ORDERS] = order,
                  [PW_BUDGET_REQUESTS] = 1}}};
}

/* False: a slot is too wide. */
static bool put_params(struct out *out, struct pw_binance_request *request, const struct pw_entry_spec *spec)
{
    const char *comma = "";
    for (enum param param = 0; param < PARAMS; param++) {
        if (request->params & BIT(param)) {
            put_text(out, comma);
            put_text(out, "\"");
            put_text(out, names[param]);
            put_text(out, "\":");
            size_t begin = out->at;
            put_value(out, param, spec);
            if (out->at - begin > UINT8_MAX) {
                return false;
            }
            request->at[param] = (uint16_t)begin;
            request->width[param] = (uint8_t)(out->at - begin);
            comma = ",";
        }
    }
    return true;
}

int pw_binance_prepare(struct pw_entry_request *head, const struct pw_entry_spec *spec)
{
    struct pw_binance_request *request = (struct pw_binance_request *)(void *)head;
    if (!is_sound(spec)) {
        return -EINVAL;
    }
    *request = (struct pw_binance_request){
        .params = params_of(spec),
        .price_decimals = decimals_of(spec->tick_e8, pw_price_decimals(spec->unit_shift)),
        .qty_decimals = decimals_of(spec->step_e8, pw_qty_decimals(spec->unit_shift)),
        .method = (uint8_t)method_of(spec)};
    struct out out = {.text = request->text, .size = sizeof request->text};
    put_text(&out, ID_START);
    put_blanks(&out, 1 + ID_DIGITS);
    put_text(&out, "\",\"method\":\"");
    put_text(&out, methods[request->method].name);
    put_text(&out, "\",\"params\":{");
    if (!put_params(&out, request, spec)) {
        return -E2BIG;
    }
    put_text(&out, "}}");
    *head = head_of(request, spec);
    head->bytes = (uint32_t)out.at;
    return out.full ? -E2BIG : 0;
}

/* ---- filling: hot ---- */

/* Its prefix stands there already. */
static void write_order_id(char *to, uint64_t id)
{
    write_hex(to + 1 + PREFIX_BYTES, id, ID_DIGITS);
}

/* A positive number in units of its last decimal; false: it has more decimals. Constants divide by
 * multiplication, a variable would by an instruction that takes as long as the rest of a slot. */
static bool count_units(int64_t value_e8, unsigned dropped, uint64_t *units)
{
    uint64_t value = (uint64_t)value_e8;
#define IN_UNITS(scale)                                                                                      \
    *units = value / UINT64_C(scale);                                                                        \
    return value_e8 > 0 && *units * UINT64_C(scale) == value
    switch (dropped) {
    case 1:
        IN_UNITS(10);
    case 2:
        IN_UNITS(100);
    case 3:
        IN_UNITS(1000);
    case 4:
        IN_UNITS(10000);
    case 5:
        IN_UNITS(100000);
    case 6:
        IN_UNITS(1000000);
    case 7:
        IN_UNITS(10000000);
    case 8:
        IN_UNITS(100000000);
    case 9:
        IN_UNITS(1000000000);
    case 10:
        IN_UNITS(10000000000);
    case 11:
        IN_UNITS(100000000000);
    case 12:
        IN_UNITS(1000000000000);
    case 13:
        IN_UNITS(10000000000000);
    case 14:
        IN_UNITS(100000000000000);
    case 15:
        IN_UNITS(1000000000000000);
    case 16:
        IN_UNITS(10000000000000000);
    default:
        IN_UNITS(1);
    }
#undef IN_UNITS
}

/* At the right end of its slot, blanks before it. */
static bool write_number(char *to, int64_t value_e8, struct pw_binance_decimals of)
{
    uint64_t value;
    unsigned decimals = of.shown;
    bool ok = count_units(value_e8, of.dropped, &value);
    memset(to, ' ', NUMBER_WIDTH);
    char *at = to + NUMBER_WIDTH - 1;
    *at = '"';
    for (unsigned i = 0; i < decimals; i++, value /= 10) {
        *--at = (char)('0' + value % 10);
    }
    if (decimals > 0) {
        *--at = '.';
    }
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    *--at = '"';
    return ok;
}

static bool write_venue_id(char *to, uint64_t id)
{
    if (id > INT64_MAX) {
        return false;
    }
    memset(to, ' ', VENUE_DIGITS);
    char *at = to + VENUE_DIGITS;
    do {
        *--at = (char)('0' + id % 10);
        id /= 10;
    } while (id != 0);
    return true;
}

static bool write_time(char *to, int64_t timestamp_ns)
{
    int64_t timestamp_ms = timestamp_ns / 1000000;
    if (timestamp_ms < INT64_C(1000000000000) || timestamp_ms > INT64_C(9999999999999)) {
        return false;
    }
    for (unsigned i = TIME_DIGITS; i-- > 0; timestamp_ms /= 10) {
        to[i] = (char)('0' + timestamp_ms % 10);
    }
    return true;
}

/* A query may be sent again while an earlier one is pending: only a number distinguishes their responses.
 */
static bool changes_order(const struct pw_binance_request *request)
{
    return request->params & BIT(NEW_ID);
}

static bool fill_slot(const struct pw_binance_request *request, enum param param,
                      const struct pw_entry_values *values, char *to)
{
    switch (param) {
    case CANCEL_NEW_ID:
    case CANCEL_ORIG_ID:
        write_order_id(to, values->replaces_id);
        return true;
    case NEW_ID:
    case ORIG_ID:
        write_order_id(to, values->order_id);
        return true;
    case PRICE:
        return write_number(to, values->price_e8, request->price_decimals);
    case QUANTITY:
        return write_number(to, values->qty_e8, request->qty_decimals);
    case STOP_PRICE:
        return write_number(to, values->stop_price_e8, request->price_decimals);
    case SIDE:
        memcpy(to, values->side == PW_SELL ? "\"SELL\"" : " \"BUY\"", 6);
        return true;
    case TIMESTAMP:
        return write_time(to, values->timestamp_ns);
    case FROM_ID:
        return write_venue_id(to, values->from_trade_id);
    case ORDER_ID:
        return write_venue_id(to, values->venue_order_id);
    default:
        return true;
    }
}

#define FILLED                                                                                               \
    (BIT(CANCEL_NEW_ID) | BIT(CANCEL_ORIG_ID) | BIT(FROM_ID) | BIT(NEW_ID) | BIT(ORDER_ID) | BIT(ORIG_ID) |  \
     BIT(PRICE) | BIT(QUANTITY) | BIT(SIDE) | BIT(STOP_PRICE) | BIT(TIMESTAMP))

static bool fill_slots(const struct pw_binance_request *request, const struct pw_entry_values *values,
                       char *text)
{
    text[ID_AT] = methods[request->method].letter;
    write_hex(text + ID_AT + 1, changes_order(request) ? values->order_id : values->number, ID_DIGITS);
    bool ok = true;
    for (uint32_t left = request->params & FILLED; left; left &= left - 1) {
        enum param param = (enum param)__builtin_ctz(left);
        ok &= fill_slot(request, param, values, text + request->at[param]);
    }
    return ok;
}

bool pw_binance_write(const struct pw_entry_request *head, const struct pw_entry_values *values, char *text)
{
    const struct pw_binance_request *request = whole(head);
    memcpy(text, request->text, head->bytes);
    return fill_slots(request, values, text);
}

bool pw_binance_can_write(const struct pw_entry_request *head, const struct pw_entry_values *values)
{
    const struct pw_binance_request *request = whole(head);
    uint64_t units;
    return (!(request->params & BIT(PRICE)) ||
            count_units(values->price_e8, request->price_decimals.dropped, &units)) &&
           (!(request->params & BIT(QUANTITY)) ||
            count_units(values->qty_e8, request->qty_decimals.dropped, &units)) &&
           (!(request->params & BIT(STOP_PRICE)) ||
            count_units(values->stop_price_e8, request->price_decimals.dropped, &units));
}

/* ---- signing ---- */

size_t pw_binance_payload(const struct pw_entry_request *head, const char *text, char *payload, size_t size)
{
    const struct pw_binance_request *request = whole(head);
    struct out out = {.text = payload, .size = size};
    const char *joint = "";
    for (enum param param = 0; param < PARAMS; param++) {
        if (!(request->params & BIT(param)) || param == SIGNATURE) {
            continue;
        }
        const char *value = text + request->at[param], *end = value + request->width[param];
        while (value < end && (*value == ' ' || *value == '"')) {
            value++;
        }
        end -= end > value && end[-1] == '"';
        put_text(&out, joint);
        put_text(&out, names[param]);
        put_text(&out, "=");
        put(&out, value, (size_t)(end - value));
        joint = "&";
    }
    return out.full ? 0 : out.at;
}

bool pw_binance_put_signature(const struct pw_entry_request *head, const char *signature, size_t bytes,
                              char *text)
{
    if (!head->is_signed || bytes != head->signature.bytes) {
        return false;
    }
    char *to = text + head->signature.at;
    to[-1] = to[bytes] = '"';
    memcpy(to, signature, bytes);
    return true;
}

/* ---- ids ---- */

static bool read_hex(const char *text, unsigned digits, uint64_t *value)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        sum = sum << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *value = sum;
    return true;
}

bool pw_binance_client_id_read(const char *text, size_t size, struct pw_entry_client_id *id)
{
    uint64_t hash;
    if (size != PW_BINANCE_CLIENT_ID_BYTES || text[0] != 'p' || (text[1] != 'w' && text[1] != 'c') ||
        text[2] != '-' || text[PREFIX_BYTES - 1] != '-' || !read_hex(text + 3, HASH_DIGITS, &hash)) {
        return false;
    }
    id->is_cancel = text[1] == 'c';
    id->instance_hash = (uint32_t)hash;
    return read_hex(text + PREFIX_BYTES, ID_DIGITS, &id->client_order_id);
}

void pw_binance_client_id_write(const struct pw_entry_client_id *id, char text[PW_ENTRY_CLIENT_ID_BYTES_MAX])
{
    write_prefix(text, id->is_cancel, id->instance_hash);
    write_hex(text + PREFIX_BYTES, id->client_order_id, ID_DIGITS);
    text[PW_BINANCE_CLIENT_ID_BYTES] = '\0';
}

bool pw_binance_request_id(const char *text, size_t size, enum pw_entry_kind *kind, uint64_t *number)
{
    for (unsigned i = 0; size == 1 + ID_DIGITS && i < METHODS; i++) {
        if (methods[i].letter == text[0]) {
            *kind = i == SUBSCRIBE_SIGNED ? PW_ENTRY_SUBSCRIBE : (enum pw_entry_kind)i;
            return read_hex(text + 1, ID_DIGITS, number);
        }
    }
    return false;
}

bool pw_binance_request_of(const char *data, size_t bytes, enum pw_entry_kind *kind, uint64_t *number)
{
    size_t end = ID_AT + 1 + ID_DIGITS;
    return bytes > end && memcmp(data, ID_START, ID_AT) == 0 && data[end] == '"' &&
           pw_binance_request_id(data + ID_AT, 1 + ID_DIGITS, kind, number);
}
