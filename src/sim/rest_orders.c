/* SPDX-License-Identifier: MIT
 *
 * Orders, account and trades in the venue's words: see rest_orders.h.
 */
#include "rest_orders.h"

#include "decimal.h"

#include <string.h>

static const char *const g_types[] = {"LIMIT", "LIMIT_MAKER", "MARKET"}; /* enum pw_sim_order_type */
static const char *const g_tifs[] = {"GTC", "IOC", "FOK"};               /* enum pw_sim_tif */
static const char *const g_sides[] = {"BUY", "SELL"};
static const char *const g_statuses[] = {"NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED",
                                         "EXPIRED"}; /* enum pw_sim_status */
static const char *const g_replies[] = {"ACK", "RESULT", "FULL"};
enum reply { REPLY_ACK, REPLY_RESULT, REPLY_FULL };

#define COUNT_OF(array) (uint32_t)(sizeof(array) / sizeof *(array))

/* ---- parameters ---- */

static bool missing(struct pw_sim_call *call, const char *name)
{
    pw_sim_call_error(call, 400, -1102,
                      "Mandatory parameter '%s' was not sent, was empty/null, or malformed.", name);
    return false;
}

/* How a choice's absence and nonsense are told. */
struct choice {
    const char *name;
    const char *const *words;
    uint32_t word_cnt;
    int code;
    const char *text;
};
static const struct choice g_side_choice = {"side", g_sides, COUNT_OF(g_sides), -1117, "Invalid side."};
static const struct choice g_type_choice = {"type", g_types, COUNT_OF(g_types), -1116, "Invalid orderType."};
static const struct choice g_tif_choice = {"timeInForce", g_tifs, COUNT_OF(g_tifs), -1115,
                                           "Invalid timeInForce."};
static const struct choice g_reply_choice = {"newOrderRespType", g_replies, COUNT_OF(g_replies), -1100,
                                             "Illegal characters found in parameter 'newOrderRespType'."};

/* The index of the word that was sent. False: none, or no such; told. */
static bool choose(struct pw_sim_call *call, const struct choice *choice, uint32_t *index)
{
    const char *sent = pw_sim_call_text(call, choice->name);

    if (!sent || !*sent) {
        return missing(call, choice->name);
    }
    for (*index = 0; *index < choice->word_cnt; ++*index) {
        if (strcmp(sent, choice->words[*index]) == 0) {
            return true;
        }
    }
    pw_sim_call_error(call, 400, choice->code, "%s", choice->text);
    return false;
}

/* '^([0-9]{1,20})(\.[0-9]{1,20})?$' */
static bool decimal_form_ok(const char *text)
{
    size_t whole = strspn(text, "0123456789"), part = 0;

    if (text[whole] == '.') {
        part = strspn(text + whole + 1, "0123456789");
        return whole >= 1 && whole <= 20 && part >= 1 && part <= 20 && !text[whole + 1 + part];
    }
    return whole >= 1 && whole <= 20 && !text[whole];
}

static bool decimal(struct pw_sim_call *call, const char *name, int64_t *value_e8)
{
    const char *sent = pw_sim_call_text(call, name);

    if (!sent || !*sent) {
        return missing(call, name);
    }
    if (pw_decimal_parse_e8(sent, strlen(sent), false, value_e8)) {
        return true;
    }
    if (!decimal_form_ok(sent)) {
        pw_sim_call_error(call, 400, -1100, "Illegal characters found in parameter '%s'.", name);
    } else if (strchr(sent, '.') && strlen(strchr(sent, '.')) > 9) {
        pw_sim_call_error(call, 400, -1111, "Parameter '%s' has too much precision.", name);
    } else {
        pw_sim_call_error(call, 400, -1108, "Parameter '%s' was too large.", name);
    }
    return false;
}

/* An order's name as a client may choose it: it can go into JSON as it is. */
static bool client_id_ok(struct pw_sim_call *call, const char *name, const char *id)
{
    size_t size = 0;

    while (id[size] && (strchr("-_.:/", id[size]) || (id[size] >= '0' && id[size] <= '9') ||
                        (id[size] >= 'A' && id[size] <= 'Z') || (id[size] >= 'a' && id[size] <= 'z'))) {
        size++;
    }
    if (size && !id[size] && size < PW_SIM_CLIENT_ID_BYTES) {
        return true;
    }
    pw_sim_call_error(
        call, 400, -1100,
        "Illegal characters found in parameter '%s'; legal range is '^[.A-Z:/a-z0-9_-]{1,36}$'.", name);
    return false;
}

static bool absent(struct pw_sim_call *call, const char *name)
{
    if (!pw_sim_call_text(call, name)) {
        return true;
    }
    pw_sim_call_error(call, 400, -1106, "Parameter '%s' sent when not required.", name);
    return false;
}

/* What depends on the type: timeInForce, price. */
static bool terms_read(struct pw_sim_call *call, struct pw_sim_order_request *request)
{
    uint32_t tif = PW_SIM_GTC;

    if (request->type == PW_SIM_LIMIT ? !choose(call, &g_tif_choice, &tif) : !absent(call, "timeInForce")) {
        return false;
    }
    request->tif = (enum pw_sim_tif)tif;
    if (!decimal(call, "quantity", &request->qty_e8)) {
        return false;
    }
    return request->type == PW_SIM_MARKET ? absent(call, "price")
                                          : decimal(call, "price", &request->price_e8);
}

static bool request_read(struct pw_sim_call *call, struct pw_sim_order_request *request, enum reply *reply)
{
    uint32_t side, type, said;
    const char *prevention;

    *request = (struct pw_sim_order_request){.symbol = pw_sim_call_symbol(call)};
    if (!request->symbol || !choose(call, &g_side_choice, &side) || !choose(call, &g_type_choice, &type)) {
        return false;
    }
    request->side = side ? PW_SELL : PW_BUY;
    request->type = (enum pw_sim_order_type)type;
    request->client_id = pw_sim_call_text(call, "newClientOrderId");
    *reply = request->type == PW_SIM_LIMIT_MAKER ? REPLY_ACK : REPLY_FULL;
    if (!terms_read(call, request) ||
        (request->client_id && !client_id_ok(call, "newClientOrderId", request->client_id))) {
        return false;
    }
    if (pw_sim_call_text(call, "newOrderRespType")) {
        if (!choose(call, &g_reply_choice, &said)) {
            return false;
        }
        *reply = (enum reply)said;
    }
    prevention = pw_sim_call_text(call, "selfTradePreventionMode");
    if (prevention && strcmp(prevention, "NONE") != 0) {
        pw_sim_call_error(call, 400, -1130,
                          "Data sent for parameter 'selfTradePreventionMode' is not valid.");
        return false;
    }
    return pw_sim_call_all_read(call);
}

/* ---- pieces of answers ---- */

static void put_int(struct pw_sim_call *call, const char *name, uint64_t value)
{
    pw_sim_call_put(call, name);
    pw_sim_buffer_int(call->body, (int64_t)value);
}

static void put_text(struct pw_sim_call *call, const char *name, const char *text)
{
    pw_sim_call_put(call, name);
    pw_sim_call_put(call, text);
    pw_sim_call_put(call, "\"");
}

static void put_time(struct pw_sim_call *call, const char *name, int64_t time_ns)
{
    pw_sim_call_put(call, name);
    pw_sim_call_put_time(call, time_ns);
}

static void put_ids(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    put_text(call, "{\"symbol\":\"", order->symbol->name);
    put_int(call, ",\"orderId\":", order->order_id);
    pw_sim_call_put(call, ",\"orderListId\":-1");
}

static void put_state(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    pw_sim_call_put_e8(call, ",\"price\":\"", order->price_e8);
    pw_sim_call_put_e8(call, ",\"origQty\":\"", order->qty_e8);
    pw_sim_call_put_e8(call, ",\"executedQty\":\"", order->filled_e8);
    pw_sim_call_put_e8(call, ",\"origQuoteOrderQty\":\"", 0);
    pw_sim_call_put_e8(call, ",\"cummulativeQuoteQty\":\"", order->quote_e8);
    put_text(call, ",\"status\":\"", g_statuses[order->status]);
    put_text(call, ",\"timeInForce\":\"", g_tifs[order->tif]);
    put_text(call, ",\"type\":\"", g_types[order->type]);
    put_text(call, ",\"side\":\"", g_sides[order->side == PW_SELL]);
}

/* The order as queries tell it. */
static void put_order(struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    put_ids(call, order);
    put_text(call, ",\"clientOrderId\":\"", order->client_id);
    put_state(call, order);
    pw_sim_call_put_e8(call, ",\"stopPrice\":\"", 0);
    pw_sim_call_put_e8(call, ",\"icebergQty\":\"", 0);
    put_time(call, ",\"time\":", order->time_ns);
    put_time(call, ",\"updateTime\":", order->update_ns);
    put_time(call, ",\"isWorking\":true,\"workingTime\":", order->time_ns);
    pw_sim_call_put(call, ",\"selfTradePreventionMode\":\"NONE\"}");
}

static void put_fills(struct pw_sim_call *call, const struct pw_sim_client_order *order, uint64_t since)
{
    const struct pw_sim_orders *orders = call->rest->orders;
    const char *comma = "{\"price\":\"";

    pw_sim_call_put(call, ",\"fills\":[");
    for (uint64_t i = since; i < orders->fill_cnt; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(orders, i);
        if (!fill || fill->symbol != order->symbol || fill->order_id != order->order_id) {
            continue; /* the other side, where somebody trades with another client or himself */
        }
        pw_sim_call_put_e8(call, comma, fill->price_e8);
        pw_sim_call_put_e8(call, ",\"qty\":\"", fill->qty_e8);
        pw_sim_call_put_e8(call, ",\"commission\":\"", fill->fee_e8);
        put_text(call, ",\"commissionAsset\":\"", fill->fee_asset);
        put_int(call, ",\"tradeId\":", fill->trade_id);
        pw_sim_call_put(call, "}");
        comma = ",{\"price\":\"";
    }
    pw_sim_call_put(call, "]");
}

/* ---- placing ---- */

static void refuse(struct pw_sim_call *call, const struct pw_sim_refusal *refusal)
{
    pw_sim_call_error(call, refusal->status, refusal->code, "%s", refusal->text);
}

void pw_sim_rest_order_test(struct pw_sim_call *call)
{
    struct pw_sim_order_request request;
    const struct pw_sim_refusal *refusal;
    enum reply reply;

    if (!request_read(call, &request, &reply)) {
        return;
    }
    refusal = pw_sim_orders_judge(call->rest->orders, call->account, &request, call->wall_ns);
    if (refusal) {
        refuse(call, refusal);
    } else {
        pw_sim_call_put(call, "{}");
    }
}

void pw_sim_rest_order_place(struct pw_sim_call *call)
{
    struct pw_sim_orders *orders = call->rest->orders;
    uint64_t since = orders->fill_cnt;
    struct pw_sim_order_request request;
    struct pw_sim_client_order *order;
    const struct pw_sim_refusal *refusal;
    enum reply reply;

    if (!request_read(call, &request, &reply)) {
        return;
    }
    refusal = pw_sim_orders_place(orders, call->account, &request, call->wall_ns, &order);
    if (refusal) {
        refuse(call, refusal);
        return;
    }
    put_ids(call, order);
    put_text(call, ",\"clientOrderId\":\"", order->client_id);
    put_time(call, ",\"transactTime\":", order->time_ns);
    if (reply >= REPLY_RESULT) {
        put_state(call, order);
        put_time(call, ",\"workingTime\":", order->time_ns);
        pw_sim_call_put(call, ",\"selfTradePreventionMode\":\"NONE\"");
    }
    if (reply == REPLY_FULL) {
        put_fills(call, order, since);
    }
    pw_sim_call_put(call, "}");
}

/* ---- queries and cancels ---- */

/* The order of orderId and/or origClientOrderId. NULL: told, by `none` if there is no such order. */
static struct pw_sim_client_order *order_find(struct pw_sim_call *call, const struct pw_sim_symbol *symbol,
                                              const struct pw_sim_refusal *none)
{
    const char *client_id = pw_sim_call_text(call, "origClientOrderId");
    struct pw_sim_client_order *order;
    int64_t order_id;

    if (!pw_sim_call_number(call, "orderId", 0, &order_id)) {
        return NULL;
    }
    if (!order_id && (!client_id || !*client_id)) {
        pw_sim_call_error(call, 400, -1102,
                          "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!");
        return NULL;
    }
    if (!pw_sim_call_all_read(call)) {
        return NULL;
    }
    order = pw_sim_orders_find(call->rest->orders, call->account, symbol, (uint64_t)order_id, client_id);
    if (order && order_id && client_id && strcmp(order->client_id, client_id) != 0) {
        pw_sim_call_error(call, 400, -2039, "Client order ID is not correct for this order ID.");
        return NULL;
    }
    if (!order) {
        refuse(call, none);
    }
    return order;
}

static const struct pw_sim_refusal g_unknown = {400, -2011, "Unknown order sent."};
static const struct pw_sim_refusal g_no_such = {400, -2013, "Order does not exist."};
static const struct pw_sim_refusal g_restricted = {400, -2011,
                                                   "Order was not canceled due to cancel restrictions."};

void pw_sim_rest_order_query(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    struct pw_sim_client_order *order = symbol ? order_find(call, symbol, &g_no_such) : NULL;

    if (order) {
        put_order(call, order);
    }
}

/* Cancels, and appends the report; cancel_id: the cancel's own name, NULL: the order's. */
static void cancel(struct pw_sim_call *call, struct pw_sim_client_order *order, const char *cancel_id)
{
    pw_sim_orders_cancel(call->rest->orders, order, cancel_id, call->wall_ns);
    put_ids(call, order);
    put_text(call, ",\"origClientOrderId\":\"", order->client_id);
    put_text(call, ",\"clientOrderId\":\"", cancel_id ? cancel_id : order->client_id);
    put_time(call, ",\"transactTime\":", order->update_ns);
    put_state(call, order);
    pw_sim_call_put(call, ",\"selfTradePreventionMode\":\"NONE\"}");
}

void pw_sim_rest_order_cancel(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    const char *cancel_id = pw_sim_call_text(call, "newClientOrderId");
    const char *only = pw_sim_call_text(call, "cancelRestrictions");
    struct pw_sim_client_order *order;
    bool only_new = only && strcmp(only, "ONLY_NEW") == 0;

    if (!symbol || (cancel_id && !client_id_ok(call, "newClientOrderId", cancel_id))) {
        return;
    }
    if (only && !only_new && strcmp(only, "ONLY_PARTIALLY_FILLED") != 0) {
        pw_sim_call_error(call, 400, -1145, "Invalid cancelRestrictions");
        return;
    }
    order = order_find(call, symbol, &g_unknown);
    if (!order) {
        return;
    }
    if (!order->open) {
        refuse(call, &g_unknown);
    } else if (only && only_new != (order->status == PW_SIM_STATUS_NEW)) {
        refuse(call, &g_restricted);
    } else {
        cancel(call, order, cancel_id);
    }
}

void pw_sim_rest_open_orders(struct pw_sim_call *call)
{
    bool one = pw_sim_call_text(call, "symbol") != NULL;
    struct pw_sim_symbol *symbol = one ? pw_sim_call_symbol(call) : NULL;
    const struct pw_sim_client_order *order = NULL;
    const char *comma = "";

    pw_sim_call_weigh(call, one ? 6 : 80);
    if ((one && !symbol) || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_put(call, "[");
    while ((order = pw_sim_orders_next_open(call->rest->orders, call->account, order))) {
        if (!one || order->symbol == symbol) {
            pw_sim_call_put(call, comma);
            put_order(call, order);
            comma = ",";
        }
    }
    pw_sim_call_put(call, "]");
}

void pw_sim_rest_open_cancel(struct pw_sim_call *call)
{
    struct pw_sim_orders *orders = call->rest->orders;
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    struct pw_sim_client_order *order, *next;
    uint32_t cancelled_cnt = 0;

    if (!symbol || !pw_sim_call_all_read(call)) {
        return;
    }
    for (order = pw_sim_orders_next_open(orders, call->account, NULL); order; order = next) {
        next = pw_sim_orders_next_open(orders, call->account, order);
        if (order->symbol == symbol) {
            pw_sim_call_put(call, cancelled_cnt++ ? "," : "[");
            cancel(call, order, NULL);
        }
    }
    if (cancelled_cnt) {
        pw_sim_call_put(call, "]");
    } else {
        refuse(call, &g_unknown);
    }
}

/* ---- account ---- */

static void put_rates(struct pw_sim_call *call, const struct pw_sim_account_config *config)
{
    int64_t maker_e8 = config->maker_bips * (PW_E8 / 10000), taker_e8 = config->taker_bips * (PW_E8 / 10000);

    put_int(call, "{\"makerCommission\":", config->maker_bips);
    put_int(call, ",\"takerCommission\":", config->taker_bips);
    pw_sim_call_put(call, ",\"buyerCommission\":0,\"sellerCommission\":0");
    pw_sim_call_put_e8(call, ",\"commissionRates\":{\"maker\":\"", maker_e8);
    pw_sim_call_put_e8(call, ",\"taker\":\"", taker_e8);
    pw_sim_call_put(call, ",\"buyer\":\"0.00000000\",\"seller\":\"0.00000000\"}");
}

void pw_sim_rest_account(struct pw_sim_call *call)
{
    const struct pw_sim_account *account = call->account;
    const char *omit = pw_sim_call_text(call, "omitZeroBalances"), *comma = "{\"asset\":\"";
    bool omits = omit && strcmp(omit, "true") == 0;

    if (!pw_sim_call_all_read(call)) {
        return;
    }
    put_rates(call, account->config);
    put_time(call,
             ",\"canTrade\":true,\"canWithdraw\":false,\"canDeposit\":false,\"brokered\":false,"
             "\"requireSelfTradePrevention\":false,\"preventSor\":false,\"updateTime\":",
             account->update_ns);
    pw_sim_call_put(call, ",\"accountType\":\"SPOT\",\"balances\":[");
    for (uint32_t i = 0; i < account->balance_cnt; i++) {
        const struct pw_sim_balance *balance = &account->balances[i];
        if (omits && !balance->free_e8 && !balance->locked_e8) {
            continue;
        }
        put_text(call, comma, balance->asset);
        pw_sim_call_put_e8(call, ",\"free\":\"", balance->free_e8);
        pw_sim_call_put_e8(call, ",\"locked\":\"", balance->locked_e8);
        pw_sim_call_put(call, "}");
        comma = ",{\"asset\":\"";
    }
    put_int(call, "],\"permissions\":[\"SPOT\"],\"uid\":", account->account_idx + 1);
    pw_sim_call_put(call, "}");
}

/* ---- trades ---- */

static void put_trade(struct pw_sim_call *call, const struct pw_sim_fill *fill)
{
    put_text(call, "{\"symbol\":\"", fill->symbol->name);
    put_int(call, ",\"id\":", fill->trade_id);
    put_int(call, ",\"orderId\":", fill->order_id);
    pw_sim_call_put_e8(call, ",\"orderListId\":-1,\"price\":\"", fill->price_e8);
    pw_sim_call_put_e8(call, ",\"qty\":\"", fill->qty_e8);
    pw_sim_call_put_e8(call, ",\"quoteQty\":\"", fill->quote_e8);
    pw_sim_call_put_e8(call, ",\"commission\":\"", fill->fee_e8);
    put_text(call, ",\"commissionAsset\":\"", fill->fee_asset);
    put_time(call, ",\"time\":", fill->time_ns);
    pw_sim_call_put(call, fill->buyer ? ",\"isBuyer\":true" : ",\"isBuyer\":false");
    pw_sim_call_put(call, fill->maker ? ",\"isMaker\":true" : ",\"isMaker\":false");
    pw_sim_call_put(call, ",\"isBestMatch\":true}");
}

struct trade_filter {
    const struct pw_sim_symbol *symbol;
    int64_t order_id, from_id; /* 0: any; -1: the latest */
    uint32_t limit;
};

static bool filter_takes(const struct pw_sim_call *call, const struct trade_filter *filter,
                         const struct pw_sim_fill *fill)
{
    return fill && fill->account == call->account && fill->symbol == filter->symbol &&
           (!filter->order_id || fill->order_id == (uint64_t)filter->order_id) &&
           (filter->from_id < 0 || fill->trade_id >= (uint64_t)filter->from_id);
}

void pw_sim_rest_my_trades(struct pw_sim_call *call)
{
    const struct pw_sim_orders *orders = call->rest->orders;
    struct trade_filter filter = {.symbol = pw_sim_call_symbol(call)};
    uint64_t first = orders->fill_cnt > PW_SIM_FILLS_KEPT ? orders->fill_cnt - PW_SIM_FILLS_KEPT : 0;
    uint64_t matching = 0, skipped;
    uint32_t written = 0;

    if (!filter.symbol || !pw_sim_call_number(call, "orderId", 0, &filter.order_id) ||
        !pw_sim_call_number(call, "fromId", -1, &filter.from_id) ||
        !pw_sim_call_limit(call, 500, 1000, &filter.limit) || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_weigh(call, filter.order_id ? 5 : 20);
    for (uint64_t i = first; i < orders->fill_cnt; i++) {
        matching += filter_takes(call, &filter, pw_sim_orders_fill(orders, i));
    }
    /* From an id on, the first ones; else the last. */
    skipped = filter.from_id < 0 && matching > filter.limit ? matching - filter.limit : 0;
    pw_sim_call_put(call, "[");
    for (uint64_t i = first; i < orders->fill_cnt && written < filter.limit; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(orders, i);
        if (!filter_takes(call, &filter, fill) || (skipped && skipped--)) {
            continue;
        }
        pw_sim_call_put(call, written++ ? "," : "");
        put_trade(call, fill);
    }
    pw_sim_call_put(call, "]");
}
