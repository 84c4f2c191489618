/* SPDX-License-Identifier: MIT
 *
 * What the venue's words mean to an order: its error codes in one table, and its replies and reports as the
 * engine's own.
 */
#include "binance_answers.h"

#include <string.h>

/* ---- errors ---- */

#define CANCEL_RESTRICTIONS "not canceled due to cancel restrictions"

/* Codes of the venue's table of errors. A row with a text holds only if the message contains it; the first
 * row that holds counts. */
static const struct {
    int32_t code;
    uint8_t meaning, reason;
    const char *text;
} codes[] = {
    {-1000, PW_BINANCE_MEANS_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1001, PW_BINANCE_MEANS_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1006, PW_BINANCE_MEANS_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1007, PW_BINANCE_MEANS_UNKNOWN, PW_REASON_VENUE_UNKNOWN, NULL},
    {-1003, PW_BINANCE_MEANS_LIMITED, PW_REASON_VENUE_RATE, NULL},
    {-1015, PW_BINANCE_MEANS_LIMITED, PW_REASON_VENUE_RATE, NULL},
    {-1034, PW_BINANCE_MEANS_LIMITED, PW_REASON_VENUE_RATE, NULL},
    {-1008, PW_BINANCE_MEANS_BUSY, PW_REASON_VENUE_BUSY, NULL},
    {-1016, PW_BINANCE_MEANS_BUSY, PW_REASON_VENUE_BUSY, NULL},
    {-1021, PW_BINANCE_MEANS_CLOCK, PW_REASON_VENUE_CLOCK, NULL},
    {-1002, PW_BINANCE_MEANS_FATAL, PW_REASON_VENUE_KEY, NULL},
    {-1022, PW_BINANCE_MEANS_FATAL, PW_REASON_VENUE_KEY, NULL},
    {-2014, PW_BINANCE_MEANS_FATAL, PW_REASON_VENUE_KEY, NULL},
    {-2015, PW_BINANCE_MEANS_FATAL, PW_REASON_VENUE_KEY, NULL},
    {-1013, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_FILTER, NULL},
    {-1111, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_FILTER, NULL},
    {-1112, PW_BINANCE_MEANS_REFUSED, PW_REASON_NO_QUOTE, NULL},
    {-1121, PW_BINANCE_MEANS_REFUSED, PW_REASON_UNKNOWN_INSTRUMENT, NULL},
    {-1122, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_NOT_TRADING, NULL},
    {-1220, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_NOT_TRADING, NULL},
    {-2016, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_NOT_TRADING, NULL},
    {-2010, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_FUNDS, "insufficient balance"},
    {-2010, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_DUPLICATE, "Duplicate order sent"},
    {-2010, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_WOULD_TAKE, "would immediately match"},
    {-2010, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_WOULD_TRIGGER, "would trigger immediately"},
    {-2010, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_NOT_TRADING, "Market is closed"},
    {-2010, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_REFUSED, NULL},
    {-2011, PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_REFUSED, CANCEL_RESTRICTIONS},
    {-2011, PW_BINANCE_MEANS_CANCEL_UNKNOWN, PW_REASON_VENUE_NOT_FOUND, NULL},
    {-2013, PW_BINANCE_MEANS_NOT_FOUND, PW_REASON_VENUE_NOT_FOUND, NULL},
    {-2026, PW_BINANCE_MEANS_NOT_FOUND, PW_REASON_VENUE_NOT_FOUND, NULL},
    {-2021, PW_BINANCE_MEANS_HALVES, PW_REASON_VENUE_REFUSED, NULL},
    {-2022, PW_BINANCE_MEANS_HALVES, PW_REASON_VENUE_REFUSED, NULL},
    {-2039, PW_BINANCE_MEANS_CANCEL_UNKNOWN, PW_REASON_VENUE_NOT_FOUND, NULL},
};

static bool contains(const struct pw_json_text *text, const char *part)
{
    return memmem(text->text, text->size, part, strlen(part)) != NULL;
}

static struct pw_binance_verdict judge_code(uint32_t http_status, const struct pw_binance_error *error)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == error->code && (!codes[i].text || contains(&error->text, codes[i].text))) {
            return (struct pw_binance_verdict){codes[i].meaning, codes[i].reason};
        }
    }
    if (error->code <= -1100 && error->code > -1200) { /* parameters: illegal, missing, too many */
        return (struct pw_binance_verdict){PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_MALFORMED};
    }
    return http_status >= 400 && http_status < 500
               ? (struct pw_binance_verdict){PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_REFUSED}
               : (struct pw_binance_verdict){PW_BINANCE_MEANS_UNKNOWN, PW_REASON_VENUE_UNKNOWN};
}

struct pw_binance_verdict pw_binance_judge(uint32_t http_status, const struct pw_binance_error *error)
{
    if (http_status == 418 || http_status == 429 || http_status == 403) {
        return (struct pw_binance_verdict){PW_BINANCE_MEANS_LIMITED, PW_REASON_VENUE_RATE};
    }
    if (http_status == 401) {
        return (struct pw_binance_verdict){PW_BINANCE_MEANS_FATAL, PW_REASON_VENUE_KEY};
    }
    bool overloaded = http_status == 503 && error->code == -1008; /* the one 5xx that says: not accepted */
    if (http_status >= 500 && !overloaded) {
        return (struct pw_binance_verdict){PW_BINANCE_MEANS_UNKNOWN, PW_REASON_VENUE_UNKNOWN};
    }
    return judge_code(http_status, error);
}

bool pw_binance_cancel_is_barred(const struct pw_binance_error *error)
{
    return error->code == -2011 && contains(&error->text, CANCEL_RESTRICTIONS);
}

bool pw_binance_session_is_lost(const struct pw_binance_error *error)
{
    return error->code == -1102 &&
           (contains(&error->text, "'apiKey'") || contains(&error->text, "'signature'"));
}

int64_t pw_binance_ban_end_ns(const struct pw_binance_error *error)
{
    static const char before[] = "banned until ";
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

/* ---- exec types ---- */

static enum pw_exec_type cancel_exec_type(enum pw_binance_meaning meaning, bool replacing)
{
    switch (meaning) {
    case PW_BINANCE_MEANS_UNKNOWN:
        return PW_EXEC_TIME_OUT;
    case PW_BINANCE_MEANS_CANCEL_UNKNOWN:
    case PW_BINANCE_MEANS_NOT_FOUND:
        return PW_EXEC_CANCEL_UNKNOWN;
    default:
        return replacing ? PW_EXEC_REPLACE_REFUSED : PW_EXEC_CANCEL_REFUSED;
    }
}

bool pw_binance_verdict_exec_type(enum pw_binance_method method, enum pw_binance_meaning meaning,
                                  bool canceled, enum pw_exec_type *exec_type)
{
    if (meaning == PW_BINANCE_MEANS_HALVES) {
        return false;
    }
    switch (method) {
    case PW_BINANCE_PLACE:
        *exec_type = meaning == PW_BINANCE_MEANS_UNKNOWN ? PW_EXEC_TIME_OUT : PW_EXEC_REJECT;
        return true;
    case PW_BINANCE_CANCEL:
        *exec_type = cancel_exec_type(meaning, false);
        return true;
    case PW_BINANCE_CANCEL_REPLACE:
        *exec_type = canceled                              ? cancel_exec_type(meaning, true)
                     : meaning == PW_BINANCE_MEANS_UNKNOWN ? PW_EXEC_TIME_OUT
                                                           : PW_EXEC_REJECT;
        return true;
    case PW_BINANCE_ORDER_STATUS:
        *exec_type = PW_EXEC_NOT_FOUND;
        return meaning == PW_BINANCE_MEANS_NOT_FOUND;
    default:
        return false;
    }
}

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

static bool execution_exec_type(const struct pw_binance_execution *x, enum pw_exec_type *exec_type)
{
    switch (x->type) {
    case PW_BINANCE_EXEC_NEW:
        *exec_type = PW_EXEC_ACK;
        return true;
    case PW_BINANCE_EXEC_TRADE:
        *exec_type = PW_EXEC_FILL;
        return true;
    case PW_BINANCE_EXEC_CANCELED:
        *exec_type = PW_EXEC_CANCELED;
        return true;
    case PW_BINANCE_EXEC_REPLACED:
        *exec_type = PW_EXEC_REPLACED;
        return true;
    case PW_BINANCE_EXEC_REJECTED:
        *exec_type = PW_EXEC_REJECT;
        return true;
    default:
        return end_exec_type(x->status, exec_type);
    }
}

static enum pw_reason reject_reason(const struct pw_json_text *text)
{
    return pw_json_equal(text, "INSUFFICIENT_BALANCES")                  ? PW_REASON_VENUE_FUNDS
           : pw_json_equal(text, "WOULD_MATCH_IMMEDIATELY")              ? PW_REASON_VENUE_WOULD_TAKE
           : pw_json_equal(text, "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY") ? PW_REASON_VENUE_WOULD_TRIGGER
                                                                         : PW_REASON_VENUE_REFUSED;
}

bool pw_binance_execution_report(const struct pw_binance_execution *x, int64_t recv_ns,
                                 struct pw_report *report)
{
    enum pw_exec_type exec_type;
    if (!x->is_ours || !execution_exec_type(x, &exec_type)) {
        return false;
    }
    bool fill = exec_type == PW_EXEC_FILL;
    *report = (struct pw_report){
        .client_order_id = x->client_order_id,
        .trade_id = fill ? x->trade_id : 0,
        .fill_price_e8 = fill ? x->last_price_e8 : 0,
        .fill_qty_e8 = fill ? x->last_qty_e8 : 0,
        .executed_qty_e8 = x->executed_qty_e8,
        .fee_e16 = fill ? (pw_i128)x->fee_e8 * PW_E8 : 0,
        .venue_ns = x->trade_ns,
        .recv_ns = recv_ns,
        .exec_type = (uint8_t)exec_type,
        .reason = exec_type == PW_EXEC_REJECT ? (uint8_t)reject_reason(&x->reject_reason) : 0,
        .maker = fill && x->is_maker,
        .has_trade_id = fill};
    static_assert(sizeof report->fee_asset == sizeof x->fee_asset, "an asset is copied whole");
    if (fill) {
        memcpy(report->fee_asset, x->fee_asset, sizeof report->fee_asset);
    }
    return true;
}

bool pw_binance_order_report(const struct pw_binance_order *order, enum pw_binance_method method,
                             int64_t recv_ns, struct pw_report *report)
{
    bool cancel = method == PW_BINANCE_CANCEL || method == PW_BINANCE_CANCEL_ALL;
    bool query = method == PW_BINANCE_ORDER_STATUS || method == PW_BINANCE_OPEN_ORDERS;
    enum pw_exec_type exec_type = cancel ? PW_EXEC_CANCELED : query ? PW_EXEC_FOUND_OPEN : PW_EXEC_ACK;
    if (!order->is_ours || (!cancel && !query && method != PW_BINANCE_PLACE) ||
        (query && order->status == PW_BINANCE_STATUS_NONE)) {
        return false;
    }
    if (order->status == PW_BINANCE_STATUS_FILLED) {
        exec_type = PW_EXEC_FOUND_FILLED;
    } else {
        end_exec_type(order->status, &exec_type);
    }
    *report = (struct pw_report){.client_order_id = order->client_order_id,
                                 .executed_qty_e8 = order->executed_qty_e8,
                                 .venue_ns = order->venue_ns ? order->venue_ns : order->update_ns,
                                 .recv_ns = recv_ns,
                                 .exec_type = (uint8_t)exec_type,
                                 .reason = exec_type == PW_EXEC_REJECT ? PW_REASON_VENUE_REFUSED : 0};
    return true;
}

void pw_binance_trade_report(const struct pw_binance_own_trade *trade, uint64_t client_order_id,
                             int64_t recv_ns, struct pw_report *report)
{
    *report = (struct pw_report){.client_order_id = client_order_id,
                                 .trade_id = trade->trade_id,
                                 .fill_price_e8 = trade->price_e8,
                                 .fill_qty_e8 = trade->qty_e8,
                                 .fee_e16 = (pw_i128)trade->fee_e8 * PW_E8,
                                 .venue_ns = trade->trade_ns,
                                 .recv_ns = recv_ns,
                                 .exec_type = PW_EXEC_FILL,
                                 .maker = trade->is_maker,
                                 .has_trade_id = true};
    static_assert(sizeof report->fee_asset == sizeof trade->fee_asset, "an asset is copied whole");
    memcpy(report->fee_asset, trade->fee_asset, sizeof report->fee_asset);
}

static struct pw_report half_report(enum pw_binance_half half, const struct pw_binance_order *order,
                                    const struct pw_binance_error *error, bool canceled)
{
    if (half == PW_BINANCE_HALF_DONE) {
        enum pw_exec_type exec_type = canceled ? PW_EXEC_REPLACED : PW_EXEC_ACK;
        if (!canceled && order->status == PW_BINANCE_STATUS_FILLED) {
            exec_type = PW_EXEC_FOUND_FILLED;
        } else if (!canceled) {
            end_exec_type(order->status, &exec_type);
        }
        return (struct pw_report){.executed_qty_e8 = order->executed_qty_e8,
                                  .venue_ns = order->venue_ns,
                                  .exec_type = (uint8_t)exec_type};
    }
    struct pw_binance_verdict verdict = {PW_BINANCE_MEANS_REFUSED, PW_REASON_VENUE_REFUSED};
    if (half == PW_BINANCE_HALF_FAILED) {
        verdict = judge_code(400, error);
    }
    enum pw_exec_type exec_type = PW_EXEC_REJECT;
    pw_binance_verdict_exec_type(PW_BINANCE_CANCEL_REPLACE, verdict.meaning, canceled, &exec_type);
    return (struct pw_report){.exec_type = (uint8_t)exec_type, .reason = (uint8_t)verdict.reason};
}

void pw_binance_replace_reports(const struct pw_binance_replace *replace, uint64_t canceled_id,
                                uint64_t placed_id, int64_t recv_ns, struct pw_report reports[2])
{
    reports[0] = half_report(replace->cancel, &replace->canceled, &replace->cancel_error, true);
    reports[1] = half_report(replace->place, &replace->placed, &replace->place_error, false);
    reports[0].client_order_id = canceled_id;
    reports[1].client_order_id = placed_id;
    reports[0].recv_ns = reports[1].recv_ns = recv_ns;
}
