/* SPDX-License-Identifier: MIT
 *
 * The model venue: orders, trades, and the methods of its API. Requests are read by jansson; one that is no
 * JSON, not signed as it must be, or places an order again fails the test at once.
 */
#include "live_world.h"

#include "decimal.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRADES_A_LIST = 10 };

static int64_t venue_ms(const struct world *w)
{
    return (w->now_ns + w->venue_skew_ns) / MS;
}

/* ---- fees: a thousandth ---- */

static bool sells(const struct world *w, const struct venue_trade *trade)
{
    return w->venue[trade->order_id - 1001].sell;
}

int64_t world_fee_e8(const struct world *w, const struct venue_trade *trade)
{
    return w->pays_bnb       ? 100
           : sells(w, trade) ? (int64_t)((pw_i128)trade->price_e8 * trade->qty_e8 / PW_E8) / 1000
                             : trade->qty_e8 / 1000;
}

const char *world_fee_asset(const struct world *w, const struct venue_trade *trade)
{
    return w->pays_bnb ? "BNB" : sells(w, trade) ? world_instruments[0].quote : world_instruments[0].base;
}

/* ---- mail to the engine ---- */

static void post(struct world *w, const char *text)
{
    MUST(w->mail_cnt < WORLD_MAIL && strlen(text) < WORLD_TEXT);
    struct mail *mail = &w->mail[w->mail_cnt++];
    mail->at_ns =
        w->now_ns + MS + (w->faults.delay_max_ns ? world_roll(w, (uint32_t)w->faults.delay_max_ns) : 0);
    mail->bytes = (uint32_t)strlen(text);
    memcpy(mail->text, text, mail->bytes + 1);
}

static void reply(struct world *w, const char *id, int status, const char *body)
{
    char text[2 * WORLD_TEXT];
    snprintf(text, sizeof text,
             "{\"id\":\"%s\",\"status\":%d,%s,\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\","
             "\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000,\"count\":10},{\"rateLimitType\":"
             "\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":100,\"count\":1}]}",
             id, status, body);
    post(w, text);
}

static const char *e8(int64_t value)
{
    static char texts[8][PW_DECIMAL_TEXT_BYTES];
    static unsigned at;
    char *text = texts[at++ % 8];
    pw_decimal_print_fixed_e8(value, 8, text);
    return text;
}

static const char *const g_states[] = {"?", "NEW", "FILLED", "CANCELED", "EXPIRED"};

static const char *state_of(const struct venue_order *order)
{
    return order->state == ORDER_LIVE && order->executed_e8 > 0 ? "PARTIALLY_FILLED" : g_states[order->state];
}

/* The account's own event; trade NULL: no fill. */
static void tell(struct world *w, const struct venue_order *order, const char *type, const char *cancel_id,
                 const struct venue_trade *trade)
{
    char text[WORLD_TEXT];
    char asset[24];
    long long ms = (long long)venue_ms(w);
    snprintf(asset, sizeof asset, trade ? "\"%s\"" : "null", trade ? world_fee_asset(w, trade) : "");
    if (!w->up || !w->subscribed) {
        return;
    }
    snprintf(text, sizeof text,
             "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":%lld,\"s\":\"BTCUSDT\",\"c\":"
             "\"%s\","
             "\"S\":\"%s\",\"o\":\"%s\",\"f\":\"GTC\",\"q\":\"%s\",\"p\":\"%s\",\"C\":\"%s\",\"x\":\"%s\","
             "\"X\":\"%s\","
             "\"r\":\"NONE\",\"i\":%llu,\"l\":\"%s\",\"z\":\"%s\",\"L\":\"%s\",\"n\":\"%s\",\"N\":%s,\"T\":%"
             "lld,\"t\":%lld,"
             "\"w\":false,\"m\":false}}",
             ms, cancel_id ? cancel_id : order->client_id, order->sell ? "SELL" : "BUY", order->type,
             e8(order->qty_e8), e8(order->price_e8), cancel_id ? order->client_id : "", type, state_of(order),
             (unsigned long long)order->id, e8(trade ? trade->qty_e8 : 0), e8(order->executed_e8),
             e8(trade ? trade->price_e8 : 0), e8(trade ? world_fee_e8(w, trade) : 0), asset, ms,
             trade ? (long long)(trade - w->trades) + 1 : -1);
    for (uint32_t i = world_chance(w, w->faults.double_report) ? 2 : 1; i > 0; i--) {
        if (!world_chance(w, w->faults.lose_report)) {
            post(w, text);
        }
    }
}

/* ---- the venue's orders ---- */

static struct venue_order *order_by_id(struct world *w, const char *client_id)
{
    for (uint32_t i = w->venue_cnt; i-- > 0;) {
        if (strcmp(w->venue[i].client_id, client_id) == 0) {
            return &w->venue[i];
        }
    }
    return NULL;
}

struct venue_order *world_venue_order(struct world *w, uint64_t client_order_id)
{
    char id[PW_ENTRY_CLIENT_ID_BYTES_MAX];
    pw_binance_client_id_write(
        &(struct pw_entry_client_id){.client_order_id = client_order_id, .instance_hash = WORLD_HASH}, id);
    return order_by_id(w, id);
}

struct venue_order *world_venue_has(struct world *w, const char *client_id)
{
    struct venue_order *order = &w->venue[w->venue_cnt++];
    *order =
        (struct venue_order){.id = 1000 + w->venue_cnt, .state = ORDER_LIVE, .price_e8 = PW_E8, .qty_e8 = 0};
    snprintf(order->client_id, sizeof order->client_id, "%s", client_id);
    snprintf(order->type, sizeof order->type, "LIMIT");
    return order;
}

uint32_t world_placed(const struct world *w, uint64_t client_order_id)
{
    return w->placed[client_order_id % sizeof w->placed];
}

void world_fill(struct world *w, struct venue_order *order, int64_t qty_e8)
{
    MUST(w->trade_cnt < WORLD_TRADES && order->state == ORDER_LIVE);
    struct venue_trade *trade = &w->trades[w->trade_cnt++];
    *trade = (struct venue_trade){order->id, 100 * PW_E8, qty_e8, w->now_ns};
    order->executed_e8 += qty_e8;
    order->state = order->executed_e8 == order->qty_e8 ? ORDER_FILLED : ORDER_LIVE;
    tell(w, order, "TRADE", NULL, trade);
}

static void end_order(struct world *w, struct venue_order *order, enum order_state state,
                      const char *cancel_id)
{
    order->state = state;
    tell(w, order, state == ORDER_CANCELED ? "CANCELED" : "EXPIRED", cancel_id, NULL);
}

/* A part of what is left, in units of the step. */
static int64_t some_of(struct world *w, const struct venue_order *order)
{
    int64_t left = order->qty_e8 - order->executed_e8;
    return world_roll(w, 2) ? left : left / 2 / 1000 * 1000;
}

static int64_t e8_of(const json_t *value)
{
    int64_t number = 0;
    const char *text = json_string_value(value);
    cr_assert(text && pw_decimal_parse_e8(text, strlen(text), false, &number));
    return number;
}

static const char *text_of(const json_t *params, const char *name)
{
    const char *text = json_string_value(json_object_get(params, name));
    cr_assert_not_null(text, "%s", name);
    return text;
}

static struct venue_order *add_order(struct world *w, const json_t *params)
{
    const char *client_id = text_of(params, "newClientOrderId");
    struct pw_entry_client_id id = {0};
    MUST(w->venue_cnt < WORLD_ORDERS && pw_binance_client_id_read(client_id, strlen(client_id), &id));
    MUST(!id.is_cancel && id.instance_hash == WORLD_HASH);
    MUST(++w->placed[id.client_order_id % sizeof w->placed] == 1 && "no order is ever sent twice");
    struct venue_order *order = &w->venue[w->venue_cnt++];
    *order = (struct venue_order){.id = 1000 + w->venue_cnt,
                                  .state = ORDER_LIVE,
                                  .sell = strcmp(text_of(params, "side"), "SELL") == 0,
                                  .qty_e8 = e8_of(json_object_get(params, "quantity"))};
    snprintf(order->client_id, sizeof order->client_id, "%s", client_id);
    snprintf(order->type, sizeof order->type, "%s", text_of(params, "type"));
    const json_t *price = json_object_get(params, "price"), *tif = json_object_get(params, "timeInForce");
    order->price_e8 = price ? e8_of(price) : 0;
    tell(w, order, "NEW", NULL, NULL);
    bool ioc = !price || (tif && strcmp(json_string_value(tif), "IOC") == 0);
    int64_t qty_e8 = ioc ? some_of(w, order) : 0;
    if (qty_e8 > 0) {
        world_fill(w, order, qty_e8);
    }
    if (ioc && order->state == ORDER_LIVE) {
        end_order(w, order, ORDER_EXPIRED, NULL);
    }
    return order;
}

static void say_order(const struct venue_order *order, const char *cancel_id, bool whole, char *text,
                      size_t size)
{
    int at = snprintf(text, size, "{\"symbol\":\"BTCUSDT\",\"orderId\":%llu,\"clientOrderId\":\"%s\"",
                      (unsigned long long)order->id, cancel_id ? cancel_id : order->client_id);
    if (cancel_id) {
        at += snprintf(text + at, size - (size_t)at, ",\"origClientOrderId\":\"%s\"", order->client_id);
    }
    if (whole) {
        at += snprintf(
            text + at, size - (size_t)at,
            ",\"price\":\"%s\",\"origQty\":\"%s\",\"executedQty\":\"%s\",\"status\":\"%s\",\"side\":\"%s\"",
            e8(order->price_e8), e8(order->qty_e8), e8(order->executed_e8), state_of(order),
            order->sell ? "SELL" : "BUY");
    }
    snprintf(text + at, size - (size_t)at, "}");
}

/* ---- the venue's methods: what is done, and what is said if it is said ---- */

struct call {
    const char *id, *method;
    const json_t *params;
    int status;
    char body[WORLD_TEXT];
};

static void fail(struct call *call, int status, int code, const char *message)
{
    call->status = status;
    snprintf(call->body, sizeof call->body, "\"error\":{\"code\":%d,\"msg\":\"%s\"}", code, message);
}

static void do_place(struct world *w, struct call *call)
{
    char order[512];
    say_order(add_order(w, call->params), NULL, false, order, sizeof order);
    snprintf(call->body, sizeof call->body, "\"result\":%s", order);
}

static void do_cancel(struct world *w, struct call *call)
{
    char text[512];
    struct venue_order *order = order_by_id(w, text_of(call->params, "origClientOrderId"));
    if (!order || order->state != ORDER_LIVE) {
        fail(call, 400, -2011, "Unknown order sent.");
        return;
    }
    const char *cancel_id = text_of(call->params, "newClientOrderId");
    end_order(w, order, ORDER_CANCELED, cancel_id);
    say_order(order, cancel_id, true, text, sizeof text);
    snprintf(call->body, sizeof call->body, "\"result\":%s", text);
}

static void do_replace(struct world *w, struct call *call)
{
    char old[512], new[512];
    struct venue_order *order = order_by_id(w, text_of(call->params, "cancelOrigClientOrderId"));
    MUST(strcmp(text_of(call->params, "cancelReplaceMode"), "STOP_ON_FAILURE") == 0);
    if (!order || order->state != ORDER_LIVE) {
        call->status = 400;
        snprintf(
            call->body, sizeof call->body,
            "\"error\":{\"code\":-2022,\"msg\":\"Order cancel-replace failed.\",\"data\":{\"cancelResult\":"
            "\"FAILURE\",\"newOrderResult\":\"NOT_ATTEMPTED\",\"cancelResponse\":{\"code\":-2011,\"msg\":"
            "\"Unknown order sent.\"},\"newOrderResponse\":null}}");
        return;
    }
    const char *cancel_id = text_of(call->params, "cancelNewClientOrderId");
    end_order(w, order, ORDER_CANCELED, cancel_id);
    say_order(order, cancel_id, true, old, sizeof old);
    if (world_chance(w, w->faults.half_replace)) {
        call->status = 409;
        snprintf(call->body, sizeof call->body,
                 "\"error\":{\"code\":-2021,\"msg\":\"Order cancel-replace partially failed.\",\"data\":{"
                 "\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"FAILURE\",\"cancelResponse\":%s,"
                 "\"newOrderResponse\":{\"code\":-2010,\"msg\":\"Account has insufficient balance\"}}}",
                 old);
        return;
    }
    say_order(add_order(w, call->params), NULL, false, new, sizeof new);
    snprintf(call->body, sizeof call->body,
             "\"result\":{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"SUCCESS\",\"cancelResponse\":%s,"
             "\"newOrderResponse\":%s}",
             old, new);
}

static void do_status(struct world *w, struct call *call)
{
    char text[512];
    const struct venue_order *order = order_by_id(w, text_of(call->params, "origClientOrderId"));
    if (!order) {
        fail(call, 400, -2013, "Order does not exist.");
        return;
    }
    say_order(order, NULL, true, text, sizeof text);
    snprintf(call->body, sizeof call->body, "\"result\":%s", text);
}

/* The first ones from a number on, and no more than a text holds: less than it is asked for, as it may be. */
static void do_trades(struct world *w, struct call *call)
{
    uint64_t id = (uint64_t)json_integer_value(json_object_get(call->params, "orderId"));
    int64_t from = json_integer_value(json_object_get(call->params, "fromId"));
    MUST(json_integer_value(json_object_get(call->params, "limit")) == 1000);
    int at = snprintf(call->body, sizeof call->body, "\"result\":[");
    uint32_t cnt = 0;
    for (uint32_t i = from > 0 ? (uint32_t)from - 1 : 0; i < w->trade_cnt && cnt < TRADES_A_LIST; i++) {
        const struct venue_trade *trade = &w->trades[i];
        if (trade->order_id == id) {
            at += snprintf(call->body + at, sizeof call->body - (size_t)at,
                           "%s{\"id\":%u,\"orderId\":%llu,\"price\":\"%s\",\"qty\":\"%s\",\"commission\":"
                           "\"%s\",\"commissionAsset\":\"%s\",\"time\":%lld,\"isMaker\":false}",
                           cnt++ ? "," : "", i + 1, (unsigned long long)id, e8(trade->price_e8),
                           e8(trade->qty_e8), e8(world_fee_e8(w, trade)), world_fee_asset(w, trade),
                           (long long)(trade->time_ns / MS));
        }
    }
    snprintf(call->body + at, sizeof call->body - (size_t)at, "]");
}

static void do_list(struct world *w, struct call *call)
{
    int at = snprintf(call->body, sizeof call->body, "\"result\":[");
    const char *comma = "";
    for (uint32_t i = 0; i < w->venue_cnt; i++) {
        char text[512];
        if (w->venue[i].state == ORDER_LIVE) {
            say_order(&w->venue[i], NULL, true, text, sizeof text);
            at += snprintf(call->body + at, sizeof call->body - (size_t)at, "%s%s", comma, text);
            comma = ",";
            MUST(at < (int)sizeof call->body - 600);
        }
    }
    snprintf(call->body + at, sizeof call->body - (size_t)at, "]");
}

static void do_account(struct world *w, struct call *call)
{
    snprintf(
        call->body, sizeof call->body,
        "\"result\":{\"balances\":[{\"asset\":\"BTC\",\"free\":\"1\",\"locked\":\"0\"},{\"asset\":\"USDT\","
        "\"free\":\"%s\",\"locked\":\"0\"}]}",
        e8(w->quote_free_e8));
}

static void do_logon(struct world *w, struct call *call)
{
    w->logged_on = true;
    snprintf(call->body, sizeof call->body,
             "\"result\":{\"apiKey\":\"" API_KEY "\",\"authorizedSince\":%lld,\"connectedSince\":%lld,"
             "\"returnRateLimits\":true,\"serverTime\":%lld,\"userDataStream\":false}",
             (long long)venue_ms(w), (long long)venue_ms(w), (long long)venue_ms(w));
}

static void do_subscribe(struct world *w, struct call *call)
{
    if (w->subscribed) {
        fail(call, 400, -2035, "Subscription already active");
        return;
    }
    w->subscribed = true;
    snprintf(call->body, sizeof call->body, "\"result\":{\"subscriptionId\":0}");
}

static void do_time(struct world *w, struct call *call)
{
    snprintf(call->body, sizeof call->body, "\"result\":{\"serverTime\":%lld}", (long long)venue_ms(w));
}

static void do_test(struct world *w, struct call *call)
{
    (void)w;
    snprintf(call->body, sizeof call->body, "\"result\":{}");
}

static const struct {
    const char *name;
    void (*work)(struct world *w, struct call *call);
    bool changes; /* its outcome may be unknown */
} g_methods[] = {
    {"order.place", do_place, true},
    {"order.cancel", do_cancel, true},
    {"order.cancelReplace", do_replace, true},
    {"order.test", do_test, true},
    {"order.status", do_status, false},
    {"myTrades", do_trades, false},
    {"openOrders.status", do_list, false},
    {"account.status", do_account, false},
    {"session.logon", do_logon, false},
    {"userDataStream.subscribe", do_subscribe, false},
    {"userDataStream.subscribe.signature", do_subscribe, false},
    {"time", do_time, false},
};

void world_digest(const char *text, size_t bytes, char *out, size_t out_bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a: a signature that the model can check */
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    for (size_t i = 0; i < out_bytes; i++) {
        out[i] = "0123456789abcdef"[hash >> i % 16 * 4 & 15];
    }
}

/* Over all parameters but itself, by name, as the request has them: worked out from the parsed request alone.
 */
static void judge_signature(struct world *w, const struct call *call)
{
    const json_t *signature = json_object_get(call->params, "signature");
    char payload[WORLD_TEXT], wanted[96] = {0};
    size_t at = 0;
    if (!signature) {
        MUST(!json_object_get(call->params, "apiKey"));
        return;
    }
    char *sorted = json_dumps(call->params, JSON_SORT_KEYS | JSON_COMPACT);
    json_t *params = json_loads(sorted, 0, NULL); /* and so keeps that order */
    const char *name;
    json_t *value;
    json_object_foreach(params, name, value)
    {
        if (strcmp(name, "signature") != 0) {
            char *number = json_dumps(value, JSON_ENCODE_ANY);
            at += (size_t)snprintf(payload + at, sizeof payload - at, "%s%s=%s", at ? "&" : "", name,
                                   json_is_string(value) ? json_string_value(value) : number);
            free(number);
        }
    }
    MUST(strcmp(text_of(call->params, "apiKey"), API_KEY) == 0);
    world_digest(payload, at, wanted, w->signing.signature_bytes);
    MUST(strcmp(json_string_value(signature), wanted) == 0);
    free(sorted);
    json_decref(params);
}

/* Must be there, be signed if there is no session, and be in the window: else it is not carried out. */
static bool judge_request(struct world *w, const struct call *call, bool gone)
{
    const json_t *stamp = json_object_get(call->params, "timestamp");
    judge_signature(w, call);
    bool timed = strcmp(call->method, "time") != 0 && strcmp(call->method, "userDataStream.subscribe") != 0;
    MUST((stamp != NULL) == timed);
    MUST(!timed || gone || w->logged_on || json_object_get(call->params, "signature"));
    int64_t ms = json_integer_value(stamp);
    return !timed || (ms < venue_ms(w) + 1000 &&
                      venue_ms(w) - ms <= json_integer_value(json_object_get(call->params, "recvWindow")));
}

static void carry_out(struct world *w, struct call *call, bool gone)
{
    size_t i = 0;
    while (strcmp(g_methods[i].name, call->method) != 0) {
        i++;
        MUST(i < sizeof g_methods / sizeof g_methods[0]);
    }
    bool changes = g_methods[i].changes;
    if (world_chance(w, w->faults.lose_request)) {
        return;
    }
    if (world_chance(w, w->faults.busy)) {
        fail(call, 503, -1008, "Server is currently overloaded with other requests.");
    } else if (changes && world_chance(w, w->faults.unknown_not_done)) {
        fail(call, 500, -1000, "An unknown error occurred while processing the request.");
    } else if (!judge_request(w, call, gone)) {
        fail(call, 400, -1021, "Timestamp for this request is outside of the recvWindow.");
    } else {
        g_methods[i].work(w, call);
        if (changes && world_chance(w, w->faults.unknown_done)) {
            fail(call, 504, -1007, "Timeout waiting for response from backend server.");
        }
    }
    if (!gone && !world_chance(w, w->faults.lose_reply)) {
        reply(w, call->id, call->status, call->body);
    }
}

/* The answer that the test has laid down for it. */
static bool answer_as_told(struct world *w, const struct call *call)
{
    if (w->answer_cnt == 0 || (w->answer_for && strcmp(w->answer_for, call->method) != 0)) {
        return false;
    }
    char text[WORLD_TEXT];
    w->answer_cnt--;
    if (w->answer[0] != '\0') {
        snprintf(text, sizeof text, "{\"id\":\"%s\",%s}", call->id, w->answer);
        post(w, text);
    }
    return true;
}

void world_take_request(struct world *w, const struct mail *mail)
{
    json_t *root = json_loadb(mail->text, mail->bytes, JSON_REJECT_DUPLICATES, NULL);
    MUST(root);
    struct call call = {.id = json_string_value(json_object_get(root, "id")),
                        .method = json_string_value(json_object_get(root, "method")),
                        .params = json_object_get(root, "params"),
                        .status = 200};
    enum pw_entry_kind kind;
    uint64_t number;
    MUST(call.id && call.method && pw_binance_request_id(call.id, strlen(call.id), &kind, &number));
    w->asked_cnt[kind]++;
    snprintf(w->last_method, sizeof w->last_method, "%s", call.method);
    memcpy(w->last_text, mail->text, mail->bytes + 1);
    if (!answer_as_told(w, &call)) {
        carry_out(w, &call, mail->gone);
    }
    json_decref(root);
}
