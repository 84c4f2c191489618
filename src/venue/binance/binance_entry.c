/* SPDX-License-Identifier: MIT
 *
 * What the venue's words mean: its error codes in one table, its responses and events in the terms of
 * entry.h, and that table itself.
 */
#include "binance_entry.h"

#include <pinwheel/units.h>
#include <string.h>

/* ---- errors ---- */

#define LIMITED_LEAST_NS (60 * PW_NS_PER_S)  /* where the venue does not say how long: its window */
#define BANNED_LEAST_NS  (120 * PW_NS_PER_S) /* its shortest ban */
#define ORDERS_LEAST_NS  (10 * PW_NS_PER_S)
#define BANNED           418u
#define FORBIDDEN        403u /* by what stands before the venue */
#define TOO_MANY_ORDERS  (-1015)
#define SUBSCRIBED       (-2035) /* this connection has a subscription */

#define CANCEL_RESTRICTIONS "not canceled due to cancel restrictions"

/* Codes of the venue's table of errors. A row with a text holds only if the message contains it; the first
 * row that holds counts. */
static const struct {
    int32_t code;
    uint8_t error, reason;
    const char *text;
} codes[] = {
    {-1000, PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1001, PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1006, PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1007, PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1003, PW_ENTRY_RATE_LIMITED, PW_REASON_VENUE_RATE, NULL},
    {-1015, PW_ENTRY_RATE_LIMITED, PW_REASON_VENUE_RATE, NULL},
    {-1034, PW_ENTRY_RATE_LIMITED, PW_REASON_VENUE_RATE, NULL},
    {-1008, PW_ENTRY_OVERLOADED, PW_REASON_VENUE_OVERLOADED, NULL},
    {-1016, PW_ENTRY_OVERLOADED, PW_REASON_VENUE_OVERLOADED, NULL},
    {-1021, PW_ENTRY_TIMESTAMP_REJECTED, PW_REASON_VENUE_TIMESTAMP, NULL},
    {-1002, PW_ENTRY_AUTH_REJECTED, PW_REASON_VENUE_KEY, NULL},
    {-1022, PW_ENTRY_AUTH_REJECTED, PW_REASON_VENUE_KEY, NULL},
    {-2014, PW_ENTRY_AUTH_REJECTED, PW_REASON_VENUE_KEY, NULL},
    {-2015, PW_ENTRY_AUTH_REJECTED, PW_REASON_VENUE_KEY, NULL},
    {-1013, PW_ENTRY_REJECTED, PW_REASON_VENUE_NOT_TRADING, "Market is closed"},
    {-1013, PW_ENTRY_REJECTED, PW_REASON_VENUE_FILTER, NULL},
    {-1111, PW_ENTRY_REJECTED, PW_REASON_VENUE_FILTER, NULL},
    {-1112, PW_ENTRY_REJECTED, PW_REASON_NO_QUOTE, NULL},
    {-1121, PW_ENTRY_REJECTED, PW_REASON_UNKNOWN_INSTRUMENT, NULL},
    {-1122, PW_ENTRY_REJECTED, PW_REASON_VENUE_NOT_TRADING, NULL},
    {-1220, PW_ENTRY_REJECTED, PW_REASON_VENUE_NOT_TRADING, NULL},
    {-2016, PW_ENTRY_REJECTED, PW_REASON_VENUE_NOT_TRADING, NULL},
    {-2010, PW_ENTRY_REJECTED, PW_REASON_VENUE_FUNDS, "insufficient balance"},
    {-2010, PW_ENTRY_REJECTED, PW_REASON_VENUE_DUPLICATE, "Duplicate order sent"},
    {-2010, PW_ENTRY_REJECTED, PW_REASON_VENUE_WOULD_TAKE, "would immediately match"},
    {-2010, PW_ENTRY_REJECTED, PW_REASON_VENUE_WOULD_TRIGGER, "would trigger immediately"},
    {-2010, PW_ENTRY_REJECTED, PW_REASON_VENUE_NOT_TRADING, "Market is closed"},
    {-2010, PW_ENTRY_REJECTED, PW_REASON_VENUE_REJECTED, NULL},
    {-2011, PW_ENTRY_REJECTED, PW_REASON_VENUE_REJECTED, CANCEL_RESTRICTIONS},
    {-2011, PW_ENTRY_CANCEL_UNKNOWN, PW_REASON_VENUE_NOT_FOUND, NULL},
    {-2013, PW_ENTRY_NOT_FOUND, PW_REASON_VENUE_NOT_FOUND, NULL},
    {-2026, PW_ENTRY_NOT_FOUND, PW_REASON_VENUE_NOT_FOUND, NULL},
    {-2021, PW_ENTRY_PARTIAL, PW_REASON_VENUE_REJECTED, NULL},
    {-2022, PW_ENTRY_PARTIAL, PW_REASON_VENUE_REJECTED, NULL},
    {-2039, PW_ENTRY_CANCEL_UNKNOWN, PW_REASON_VENUE_NOT_FOUND, NULL},
};

static bool contains(const struct pw_json_text *text, const char *part)
{
    return text->text != NULL && memmem(text->text, text->size, part, strlen(part)) != NULL;
}

static struct pw_binance_verdict judge_code(uint32_t http_status, const struct pw_binance_error *error)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == error->code && (!codes[i].text || contains(&error->text, codes[i].text))) {
            return (struct pw_binance_verdict){codes[i].error, codes[i].reason};
        }
    }
    if (error->code <= -1100 && error->code > -1200) { /* parameters: illegal, missing, too many */
        return (struct pw_binance_verdict){PW_ENTRY_REJECTED, PW_REASON_VENUE_MALFORMED};
    }
    return http_status >= 400 && http_status < 500
               ? (struct pw_binance_verdict){PW_ENTRY_REJECTED, PW_REASON_VENUE_REJECTED}
               : (struct pw_binance_verdict){PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN};
}

struct pw_binance_verdict pw_binance_judge(uint32_t http_status, const struct pw_binance_error *error)
{
    if (http_status == 418 || http_status == 429 || http_status == 403) {
        return (struct pw_binance_verdict){PW_ENTRY_RATE_LIMITED, PW_REASON_VENUE_RATE};
    }
    if (http_status == 401) {
        return (struct pw_binance_verdict){PW_ENTRY_AUTH_REJECTED, PW_REASON_VENUE_KEY};
    }
    bool overloaded = http_status == 503 && error->code == -1008; /* the one 5xx that says: not accepted */
    if (http_status >= 500 && !overloaded) {
        return (struct pw_binance_verdict){PW_ENTRY_UNKNOWN, PW_REASON_VENUE_UNKNOWN};
    }
    return judge_code(http_status, error);
}

/* Of a rejected cancel: is that final? The venue names one such reject; any other says only that
 * this request was not carried out, and leaves an order that is open. */
static bool cancel_is_barred(const struct pw_binance_error *error)
{
    return error->code == -2011 && contains(&error->text, CANCEL_RESTRICTIONS);
}

/* It misses the key of a request that had none, being of a session that was logged on. */
static bool session_is_lost(const struct pw_binance_error *error)
{
    return error->code == -1102 &&
           (contains(&error->text, "'apiKey'") || contains(&error->text, "'signature'"));
}

/* When a ban ends, as in the text of an error ("IP banned until 1659146400000"): where no retry time
 * stands beside it. 0: the text does not say. */
static int64_t ban_end_ns(const struct pw_binance_error *error)
{
    static const char before[] = "banned until ";
    if (error->text.text == NULL) {
        return 0;
    }
    const char *end = error->text.text + error->text.size;
    const char *at = memmem(error->text.text, error->text.size, before, sizeof before - 1);
    uint64_t value = 0;
    int64_t ns;
    if (!at) {
        return 0;
    }
    at += sizeof before - 1;
    struct pw_json_text digits = {at, 0, false};
    while (at + digits.size < end && at[digits.size] >= '0' && at[digits.size] <= '9') {
        digits.size++;
    }
    return pw_json_text_u64(&digits, &value) && pw_binance_time_ns(value, &ns) ? ns : 0;
}

/* Of a LIMITED error. What it says of the end counts if that is to come; its fields before its text. */
static struct pw_entry_pause pause_of(const struct pw_binance_response *response)
{
    const struct pw_binance_error *error = &response->error;
    bool banned = response->http_status == BANNED;
    bool all = banned || response->http_status == FORBIDDEN; /* whatever the code says */
    bool orders = !all && error->code == TOO_MANY_ORDERS;
    int64_t server_ns = response->message->server_ns;
    const int64_t ends_ns[] = {response->retry_after_ns, ban_end_ns(error)};
    struct pw_entry_pause pause = {.scope = orders ? PW_ENTRY_PAUSE_ORDERS : PW_ENTRY_PAUSE_ALL,
                                   .least_ns = orders   ? ORDERS_LEAST_NS
                                               : banned ? BANNED_LEAST_NS
                                                        : LIMITED_LEAST_NS};
    for (size_t i = 0; i < 2 && pause.for_ns == 0 && pause.until_ns == 0; i++) {
        if (ends_ns[i] > server_ns) {
            /* How long, if it says that: then no clock but its own has a part in it. */
            pause.for_ns = server_ns != 0 ? ends_ns[i] - server_ns : 0;
            pause.until_ns = server_ns != 0 ? 0 : ends_ns[i];
        }
    }
    return pause;
}

static void translate_error(const struct pw_binance_response *response, struct pw_entry_message *message)
{
    struct pw_binance_verdict verdict = pw_binance_judge(response->http_status, &response->error);
    message->has_failed = true;
    message->failure = (struct pw_entry_failure){.code = response->error.code,
                                                 .text = response->error.text.text,
                                                 .text_bytes = (uint32_t)response->error.text.size,
                                                 .http_status = response->http_status,
                                                 .error = (uint8_t)verdict.error,
                                                 .reason = (uint8_t)verdict.reason,
                                                 .is_final = cancel_is_barred(&response->error),
                                                 .session_lost = session_is_lost(&response->error)};
    if (verdict.error == PW_ENTRY_RATE_LIMITED) {
        message->pause = pause_of(response);
    }
    if (message->is_ours && message->request == PW_ENTRY_SUBSCRIBE && response->error.code == SUBSCRIBED) {
        message->kind = PW_ENTRY_SAYS_SUBSCRIBED;
    }
}

/* ---- orders: what is put stands in zeroed memory ---- */

/* An end that a status is, or false. */
static bool end_exec_type(enum pw_binance_status status, enum pw_exec_type *exec_type)
{
    switch (status) {
    case PW_BINANCE_STATUS_CANCELED:
        *exec_type = PW_EXEC_CANCELED;
        return true;
    case PW_BINANCE_STATUS_EXPIRED:
    case PW_BINANCE_STATUS_EXPIRED_IN_MATCH:
        *exec_type = PW_EXEC_EXPIRED;
        return true;
    case PW_BINANCE_STATUS_REJECTED:
        *exec_type = PW_EXEC_REJECT;
        return true;
    default:
        return false;
    }
}

static bool is_open(enum pw_binance_status status)
{
    return status == PW_BINANCE_STATUS_NEW || status == PW_BINANCE_STATUS_PARTIALLY_FILLED;
}

static bool execution_exec_type(const struct pw_binance_execution *x, enum pw_exec_type *exec_type)
{
    static const uint8_t table[] = {
        [PW_BINANCE_EXEC_NEW] = PW_EXEC_ACK,           [PW_BINANCE_EXEC_CANCELED] = PW_EXEC_CANCELED,
        [PW_BINANCE_EXEC_REPLACED] = PW_EXEC_REPLACED, [PW_BINANCE_EXEC_REJECTED] = PW_EXEC_REJECT,
        [PW_BINANCE_EXEC_TRADE] = PW_EXEC_FILL,
    };
    if (x->type != PW_BINANCE_EXEC_UNKNOWN && x->type < sizeof table) {
        *exec_type = (enum pw_exec_type)table[x->type];
        return true;
    }
    bool goes_on = x->type == PW_BINANCE_EXEC_TRADE_PREVENTION && is_open(x->status);
    *exec_type = PW_EXEC_ACK; /* of one that goes on with less: it is there */
    return goes_on || end_exec_type(x->status, exec_type);
}

static enum pw_reason reject_reason(const struct pw_json_text *text)
{
    return pw_json_equal(text, "INSUFFICIENT_BALANCES")                  ? PW_REASON_VENUE_FUNDS
           : pw_json_equal(text, "WOULD_MATCH_IMMEDIATELY")              ? PW_REASON_VENUE_WOULD_TAKE
           : pw_json_equal(text, "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY") ? PW_REASON_VENUE_WOULD_TRIGGER
                                                                         : PW_REASON_VENUE_REJECTED;
}

/* Of an end that is no rejection: what else ends an order, its type and its time in force say. */
static enum pw_reason expiry_reason(const struct pw_json_text *text, enum pw_exec_type exec_type)
{
    return exec_type == PW_EXEC_EXPIRED && pw_json_equal(text, "EXECUTION_RULE_PRICE_RANGE_EXCEEDED")
               ? PW_REASON_VENUE_PRICE_RANGE
               : PW_REASON_NONE;
}

static enum pw_reason execution_reason(const struct pw_binance_execution *x, enum pw_exec_type exec_type)
{
    return exec_type == PW_EXEC_REJECT                   ? reject_reason(&x->reject_reason)
           : x->type == PW_BINANCE_EXEC_TRADE_PREVENTION ? PW_REASON_VENUE_PREVENTED
                                                         : expiry_reason(&x->expiry_reason, exec_type);
}

/* Of nothing but a trade. */
static void put_fill(const struct pw_binance_execution *x, struct pw_report *report)
{
    report->trade_id = x->trade_id;
    report->fill_price_e8 = x->last_price_e8;
    report->fill_qty_e8 = x->last_qty_e8;
    report->fee_e16 = x->fee_e16;
    report->maker = x->is_maker;
    report->has_trade_id = true;
    static_assert(sizeof report->fee_asset == sizeof x->fee_asset, "an asset is copied whole");
    memcpy(report->fee_asset, x->fee_asset, sizeof report->fee_asset);
}

/* What no report says (an execution of a kind that is not known here): the order has to be asked for. */
static bool execution_report(const struct pw_binance_execution *x, struct pw_report *report)
{
    enum pw_exec_type exec_type;
    if (!x->is_ours || x->fault.decode != 0 || !execution_exec_type(x, &exec_type)) {
        return false;
    }
    report->executed_qty_e8 = x->executed_qty_e8;
    report->prevented_qty_e8 = x->prevented_qty_e8;
    report->venue_ns = x->trade_ns;
    report->exec_type = (uint8_t)exec_type;
    report->reason = (uint8_t)execution_reason(x, exec_type);
    report->fault = x->report_fault;
    report->terms = x->terms;
    if (exec_type == PW_EXEC_FILL) {
        put_fill(x, report);
    }
    return true;
}

static void put_execution(const struct pw_binance_execution *x, struct pw_entry_order *to)
{
    to->fault = x->fault;
    to->venue_order_id = x->terms.venue_order_id;
    to->instance_hash = x->instance_hash;
    to->is_ours = x->is_ours;
    to->is_open = is_open(x->status);
    memcpy(to->symbol, x->terms.symbol, sizeof to->symbol);
    to->report.client_order_id = x->client_order_id;
    to->has_report = execution_report(x, &to->report);
}

/* What was canceled is not open, and what is in the list of open orders is. */
static bool status_answers(enum pw_binance_status status, enum pw_entry_kind request)
{
    enum pw_exec_type exec_type;
    bool ended = status == PW_BINANCE_STATUS_FILLED || end_exec_type(status, &exec_type);
    return request == PW_ENTRY_CANCEL        ? status == PW_BINANCE_STATUS_NONE || ended
           : request == PW_ENTRY_OPEN_ORDERS ? !ended
                                             : true;
}

/* It has a status, of a word that is not known here. */
static bool status_is_new(const struct pw_binance_order *order)
{
    return order->status == PW_BINANCE_STATUS_NONE && (order->terms.said >> PW_TERM_EXECUTED & 1);
}

static uint8_t order_fault(const struct pw_binance_order *order, enum pw_entry_kind request)
{
    return status_answers(order->status, request) ? order->report_fault : PW_REPORT_STATUS;
}

static enum pw_reason order_reason(const struct pw_binance_order *order, enum pw_exec_type exec_type)
{
    return exec_type == PW_EXEC_REJECT ? PW_REASON_VENUE_REJECTED
                                       : expiry_reason(&order->expiry_reason, exec_type);
}

/* By what was asked. A query that says no status, or none that is known here, says nothing, nor does a
 * cancellation whose status is not known here; but what is in the list of open orders is open. */
static bool order_report(const struct pw_binance_order *order, enum pw_entry_kind request,
                         struct pw_report *report)
{
    bool query = request == PW_ENTRY_QUERY || request == PW_ENTRY_OPEN_ORDERS;
    bool cancel = request == PW_ENTRY_CANCEL;
    enum pw_exec_type exec_type = cancel ? PW_EXEC_CANCELED : query ? PW_EXEC_FOUND_OPEN : PW_EXEC_ACK;
    if (!order->is_ours || order->fault.decode != 0 || (!cancel && !query && request != PW_ENTRY_PLACE) ||
        (request == PW_ENTRY_QUERY && order->status == PW_BINANCE_STATUS_NONE) ||
        (cancel && status_is_new(order))) {
        return false;
    }
    if (order->status == PW_BINANCE_STATUS_FILLED) {
        exec_type = PW_EXEC_FOUND_FILLED;
    } else {
        end_exec_type(order->status, &exec_type);
    }
    report->executed_qty_e8 = order->executed_qty_e8;
    report->prevented_qty_e8 = order->prevented_qty_e8;
    report->venue_ns = order->venue_ns ? order->venue_ns : order->update_ns;
    report->exec_type = (uint8_t)exec_type;
    report->reason = (uint8_t)order_reason(order, exec_type);
    report->fault = order_fault(order, request);
    report->terms = order->terms;
    return true;
}

static void put_order(const struct pw_binance_order *order, enum pw_entry_kind request,
                      struct pw_entry_order *to)
{
    to->fault = order->fault;
    to->venue_order_id = order->terms.venue_order_id;
    to->instance_hash = order->instance_hash;
    to->is_ours = order->is_ours;
    memcpy(to->symbol, order->terms.symbol, sizeof to->symbol);
    to->report.client_order_id = order->client_order_id;
    to->has_report = order_report(order, request, &to->report);
}

/* What one half of a replacement is to its order; `canceled`: the old one. */
static void put_half(enum pw_binance_half half, const struct pw_binance_order *order,
                     const struct pw_binance_error *error, bool canceled, struct pw_entry_order *to)
{
    to->venue_order_id = order->terms.venue_order_id;
    to->has_report = true;
    if (half == PW_BINANCE_HALF_DONE) {
        to->is_ours = order->is_ours;
        to->instance_hash = order->instance_hash;
        enum pw_exec_type exec_type = !canceled              ? PW_EXEC_ACK
                                      : status_is_new(order) ? PW_EXEC_TIME_OUT
                                                             : PW_EXEC_REPLACED;
        if (!canceled && order->status == PW_BINANCE_STATUS_FILLED) {
            exec_type = PW_EXEC_FOUND_FILLED;
        } else if (!canceled) {
            end_exec_type(order->status, &exec_type);
        }
        to->report.client_order_id = order->client_order_id;
        to->report.executed_qty_e8 = order->executed_qty_e8;
        to->report.prevented_qty_e8 = order->prevented_qty_e8;
        to->report.venue_ns = order->venue_ns;
        to->report.exec_type = (uint8_t)exec_type;
        to->report.reason = (uint8_t)order_reason(order, exec_type);
        to->report.fault = order_fault(order, canceled ? PW_ENTRY_CANCEL : PW_ENTRY_PLACE);
        to->report.terms = order->terms;
        return;
    }
    struct pw_binance_verdict verdict = {PW_ENTRY_REJECTED, PW_REASON_VENUE_REJECTED};
    if (half == PW_BINANCE_HALF_FAILED) {
        verdict = judge_code(400, error);
    }
    enum pw_exec_type exec_type = PW_EXEC_REJECT;
    pw_entry_error_exec_type(PW_ENTRY_REPLACE, verdict.error, canceled, &exec_type);
    to->report.exec_type = (uint8_t)exec_type;
    to->report.reason = (uint8_t)verdict.reason;
}

/* ---- messages ---- */

static enum pw_decode decode(const struct pw_symbols *symbols, const char *data, size_t size,
                             struct pw_entry_message *message)
{
    struct pw_binance_response response;
    const struct pw_binance_replace *replace = &response.body.replace;
    enum pw_decode result = pw_binance_read_response(symbols, data, size, message, &response);
    if (result < 0 && result != PW_DECODE_ERROR_REPLY) {
        message->kind = PW_ENTRY_SAYS_NOTHING;
        return result;
    }
    switch (message->kind) {
    case PW_ENTRY_SAYS_ORDER:
        put_order(&response.body.order, (enum pw_entry_kind)message->request, &message->order);
        break;
    case PW_ENTRY_SAYS_EXECUTION:
        put_execution(&response.body.execution, &message->order);
        break;
    case PW_ENTRY_SAYS_REPLACE:
        put_half(replace->place, &replace->placed, &replace->place_error, false, &message->order);
        put_half(replace->cancel, &replace->canceled, &replace->cancel_error, true, &message->replaced);
        break;
    default:
        break;
    }
    if (result == PW_DECODE_ERROR_REPLY) {
        translate_error(&response, message);
    }
    return result;
}

static_assert(sizeof(struct pw_binance_cursor) <= sizeof(struct pw_entry_cursor), "it has room");

static struct pw_binance_cursor *own(struct pw_entry_cursor *cursor)
{
    return (struct pw_binance_cursor *)(void *)cursor;
}

static bool next_order(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                       struct pw_entry_order *to)
{
    struct pw_binance_order order;
    if (!pw_binance_order_next(own(cursor), list, &order)) {
        return false;
    }
    memset(to, 0, sizeof *to);
    put_order(&order, PW_ENTRY_OPEN_ORDERS, to);
    return true;
}

static bool next_fill(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                      struct pw_entry_fill *fill)
{
    struct pw_binance_own_trade trade;
    if (!pw_binance_own_trade_next(own(cursor), list, &trade)) {
        return false;
    }
    *fill = (struct pw_entry_fill){.fault = trade.fault,
                                   .report = {.trade_id = trade.trade_id,
                                              .fill_price_e8 = trade.price_e8,
                                              .fill_qty_e8 = trade.qty_e8,
                                              .fee_e16 = trade.fee_e16,
                                              .terms = {.venue_order_id = trade.venue_order_id,
                                                        .side = (uint8_t)trade.side,
                                                        .said = trade.said},
                                              .venue_ns = trade.trade_ns,
                                              .exec_type = PW_EXEC_FILL,
                                              .maker = trade.is_maker,
                                              .has_trade_id = true},
                                   .venue_order_id = trade.venue_order_id};
    static_assert(sizeof fill->report.fee_asset == sizeof trade.fee_asset, "an asset is copied whole");
    memcpy(fill->report.fee_asset, trade.fee_asset, sizeof fill->report.fee_asset);
    memcpy(fill->report.terms.symbol, trade.symbol, sizeof trade.symbol);
    return true;
}

/* An asset whose name is too long is none that can be asked for. */
static bool next_balance(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                         struct pw_entry_balance *to)
{
    struct pw_binance_balance balance;
    if (!pw_binance_balance_next(own(cursor), list, &balance)) {
        return false;
    }
    *to = (struct pw_entry_balance){.free_e8 = balance.free_e8, .fault = balance.fault};
    if (pw_json_unescape(&balance.asset, to->asset, sizeof to->asset - 1) < 0) {
        to->asset[0] = '\0';
    }
    return true;
}

/* ---- the table ---- */

/* Ed25519 keys log on once. */
static bool has_login(const struct pw_signing *signing)
{
    return signing->is_ed25519;
}

const struct pw_venue_entry pw_binance_entry = {
    .request_bytes = sizeof(struct pw_binance_request),
    .text_bytes = PW_BINANCE_TEXT_BYTES,
    .fills_max = PW_BINANCE_TRADES_MAX,
    .forms = {[PW_MARKET] = {PW_BINANCE_MARKET + 1, PW_BINANCE_MARKET + 1, PW_BINANCE_MARKET + 1},
              [PW_LIMIT] = {PW_BINANCE_LIMIT_GTC + 1, PW_BINANCE_LIMIT_IOC + 1, PW_BINANCE_LIMIT_FOK + 1},
              [PW_LIMIT_MAKER] = {PW_BINANCE_LIMIT_MAKER + 1},
              [PW_STOP_LOSS] = {PW_BINANCE_STOP_LOSS + 1, PW_BINANCE_STOP_LOSS + 1, PW_BINANCE_STOP_LOSS + 1},
              [PW_STOP_LOSS_LIMIT] = {PW_BINANCE_STOP_LOSS_LIMIT + 1},
              [PW_TAKE_PROFIT] = {PW_BINANCE_TAKE_PROFIT + 1, PW_BINANCE_TAKE_PROFIT + 1,
                                  PW_BINANCE_TAKE_PROFIT + 1},
              [PW_TAKE_PROFIT_LIMIT] = {PW_BINANCE_TAKE_PROFIT_LIMIT + 1}},
    .form_cnt = PW_BINANCE_FORMS,
    .replace_form_cnt = PW_BINANCE_MARKET + 1,
    .clock_unit_ns = 1000000,
    .clock_ahead_ns = PW_NS_PER_S,
    .window_cnt = 4,
    /* The lowest that the venue is known to have had. */
    .windows = {{PW_BUDGET_WEIGHT, 60 * PW_NS_PER_S, 6000, 600},
                {PW_BUDGET_ORDERS, 10 * PW_NS_PER_S, 50, 0},
                {PW_BUDGET_ORDERS, 86400 * PW_NS_PER_S, 160000, 0},
                {PW_BUDGET_REQUESTS, 300 * PW_NS_PER_S, 61000, 6100}},
    .has_login = has_login,
    .prepare = pw_binance_prepare,
    .can_write = pw_binance_can_write,
    .write = pw_binance_write,
    .payload = pw_binance_payload,
    .put_signature = pw_binance_put_signature,
    .decode = decode,
    .next_order = next_order,
    .next_fill = next_fill,
    .next_balance = next_balance,
    .write_client_id = pw_binance_client_id_write,
    .read_client_id = pw_binance_client_id_read,
    .request_of = pw_binance_request_of,
};
