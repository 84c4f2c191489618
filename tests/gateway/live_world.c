/* SPDX-License-Identifier: MIT
 *
 * The model venue, and the engine's side of it. Requests are read by jansson: what is no JSON, unsigned where
 * it must be signed, or sent in a ban fails the test at once.
 */
#include "live_world.h"

#include "decimal.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition) cr_assert(condition, "seed %llu: " #condition, (unsigned long long)w->seed)
#define E8              PW_E8

const struct pw_instrument world_instruments[2] = {
    {.symbol = "BTCUSDT", .base = "BTC", .quote = "USDT", .tradable = 1, .tick_e8 = 1000000, .step_e8 = 1000},
    {.symbol = "ETHUSDT", .base = "ETH", .quote = "USDT", .tradable = 1, .tick_e8 = 1000000, .step_e8 = 1000},
};
static const bool g_trades[2] = {true, false};

uint32_t world_roll(struct world *w, uint32_t sides)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)(w->random >> 32) % sides;
}

static bool chance(struct world *w, uint32_t of_1000)
{
    return of_1000 && world_roll(w, 1000) < of_1000;
}

static bool in_time(const struct mail *mail, int64_t now_ns)
{
    return mail->at_ns <= now_ns;
}

static int64_t venue_ms(const struct world *w)
{
    return (w->now_ns + w->venue_skew_ns) / MS;
}

int64_t world_engine_ns(const struct world *w)
{
    return w->now_ns + w->skew_ns;
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
    long long ms = (long long)venue_ms(w);
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
             e8(trade ? trade->price_e8 : 0), trade ? "0.00000100" : "0", trade ? "\"BNB\"" : "null", ms,
             trade ? (long long)(trade - w->trades) + 1 : -1);
    for (uint32_t i = chance(w, w->faults.double_report) ? 2 : 1; i > 0; i--) {
        if (!chance(w, w->faults.lose_report)) {
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
    char id[40];
    snprintf(id, sizeof id, "pw-%016llx", (unsigned long long)client_order_id);
    return order_by_id(w, id);
}

uint32_t world_placed(const struct world *w, uint64_t client_order_id)
{
    return w->placed[client_order_id % sizeof w->placed];
}

void world_fill(struct world *w, struct venue_order *order, int64_t qty_e8)
{
    MUST(w->trade_cnt < WORLD_TRADES && order->state == ORDER_LIVE);
    struct venue_trade *trade = &w->trades[w->trade_cnt++];
    *trade = (struct venue_trade){order->id, 100 * E8, qty_e8, w->now_ns};
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
    uint64_t id = 0;
    bool is_cancel = false;
    MUST(w->venue_cnt < WORLD_ORDERS && pw_binance_order_id(client_id, strlen(client_id), &id, &is_cancel));
    MUST(++w->placed[id % sizeof w->placed] == 1 && "no order is ever sent twice");
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
    if (chance(w, w->faults.half_replace)) {
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

static void do_trades(struct world *w, struct call *call)
{
    uint64_t id = (uint64_t)json_integer_value(json_object_get(call->params, "orderId"));
    int at = snprintf(call->body, sizeof call->body, "\"result\":[");
    const char *comma = "";
    for (uint32_t i = 0; i < w->trade_cnt; i++) {
        const struct venue_trade *trade = &w->trades[i];
        if (trade->order_id == id) {
            at += snprintf(call->body + at, sizeof call->body - (size_t)at,
                           "%s{\"id\":%u,\"orderId\":%llu,\"price\":\"%s\",\"qty\":\"%s\",\"commission\":"
                           "\"0.00000100\",\"commissionAsset\":\"BNB\",\"time\":%lld,\"isMaker\":false}",
                           comma, i + 1, (unsigned long long)id, e8(trade->price_e8), e8(trade->qty_e8),
                           (long long)(trade->time_ns / MS));
            comma = ",";
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

static void digest(const char *text, size_t bytes, char *out, size_t out_bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a: a signature that the model can check */
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    for (size_t i = 0; i < out_bytes; i++) {
        out[i] = "0123456789abcdef"[hash >> i % 16 * 4 & 15];
    }
}

static size_t sign(void *state, const char *payload, size_t bytes, char *signature)
{
    struct world *w = state;
    w->sign_cnt++;
    digest(payload, bytes, signature, w->config.signing.signature_bytes);
    return w->sign_fails ? 0 : w->config.signing.signature_bytes;
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
    digest(payload, at, wanted, w->config.signing.signature_bytes);
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
    if (chance(w, w->faults.lose_request)) {
        return;
    }
    if (chance(w, w->faults.busy)) {
        fail(call, 503, -1008, "Server is currently overloaded with other requests.");
    } else if (changes && chance(w, w->faults.unknown_not_done)) {
        fail(call, 500, -1000, "An unknown error occurred while processing the request.");
    } else if (!judge_request(w, call, gone)) {
        fail(call, 400, -1021, "Timestamp for this request is outside of the recvWindow.");
    } else {
        g_methods[i].work(w, call);
        if (changes && chance(w, w->faults.unknown_done)) {
            fail(call, 504, -1007, "Timeout waiting for response from backend server.");
        }
    }
    if (!gone && !chance(w, w->faults.lose_reply)) {
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

static void take_request(struct world *w, const struct mail *mail)
{
    json_t *root = json_loadb(mail->text, mail->bytes, JSON_REJECT_DUPLICATES, NULL);
    MUST(root);
    struct call call = {.id = json_string_value(json_object_get(root, "id")),
                        .method = json_string_value(json_object_get(root, "method")),
                        .params = json_object_get(root, "params"),
                        .status = 200};
    enum pw_binance_method method;
    uint64_t number;
    MUST(call.id && call.method && pw_binance_request_id(call.id, strlen(call.id), &method, &number));
    w->method_cnt[method]++;
    snprintf(w->last_method, sizeof w->last_method, "%s", call.method);
    memcpy(w->last_text, mail->text, mail->bytes + 1);
    if (!answer_as_told(w, &call)) {
        carry_out(w, &call, mail->gone);
    }
    json_decref(root);
}

/* ---- the engine ---- */

static void take_reports(struct world *w)
{
    for (uint32_t i = 0; i < w->out.cnt; i++) {
        struct pw_order_row *row;
        const struct pw_report *report = &w->out.rows[i];
        enum pw_order_step step = pw_orders_apply(w->orders, report, &row);
        if (report->news == PW_NEWS_FILL && (step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP)) {
            *(row->side == PW_SELL ? &w->sold_e8 : &w->bought_e8) += report->fill_qty_e8;
        }
    }
    w->out.cnt = 0;
}

/* Rooms of two reports an order, as the contract says. */
static void judge_reports(const struct world *w, uint32_t open_before)
{
    MUST(w->out.cnt <= PW_REPORTS_PER_ORDER * (open_before + 1));
    for (uint32_t i = 0; i < w->out.cnt; i++) {
        uint32_t same = 0;
        for (uint32_t k = 0; k < w->out.cnt; k++) {
            same += w->out.rows[k].client_order_id == w->out.rows[i].client_order_id;
        }
        MUST(same <= PW_REPORTS_PER_ORDER);
    }
}

/* From the ring to the wire. */
static void drain_wire(struct world *w)
{
    pw_producer_publish(&w->wire_in);
    while (pw_consumer_peek(&w->wire, 1)) {
        const struct pw_event *frame = pw_consumer_at(&w->wire, 0);
        MUST(!w->up || frame->body.frame.epoch == w->epoch);
        MUST(w->request_cnt < WORLD_REQUESTS && frame->kind == PW_EVENT_FRAME &&
             frame->flags == PW_FLAG_SENT);
        struct mail *mail = &w->requests[w->request_cnt];
        mail->bytes = frame->body.frame.payload_bytes;
        MUST(mail->bytes < WORLD_TEXT);
        memcpy(mail->text, pw_consumer_payload(&w->wire, frame), mail->bytes);
        mail->text[mail->bytes] = '\0';
        mail->gone = false;
        int64_t late_ns = w->faults.delay_max_ns ? world_roll(w, (uint32_t)w->faults.delay_max_ns) : 0;
        mail->at_ns = w->now_ns + MS + late_ns;
        for (uint32_t i = 0; i < w->request_cnt; i++) { /* one stream: none overtakes */
            bool before = !w->requests[i].gone && w->requests[i].at_ns > mail->at_ns;
            mail->at_ns = before ? w->requests[i].at_ns : mail->at_ns;
        }
        w->request_cnt += w->up; /* of a dead connection: dropped */
        w->sent_cnt++;
        pw_consumer_done(&w->wire, 1);
    }
}

static void give(struct world *w, const char *text, uint32_t bytes, uint32_t state)
{
    struct pw_event frame = {.kind = PW_EVENT_FRAME,
                             .recv_ns = world_engine_ns(w),
                             .instrument_idx = PW_NO_INSTRUMENT,
                             .body.frame = {.payload_bytes = bytes, .feed_idx = 1, .state = state}};
    frame.body.frame.epoch = bytes ? 0 : w->epoch;
    uint32_t open = w->ops->open_cnt(w->gateway);
    w->ops->on_message(w->gateway, &frame, (const uint8_t *)text, &w->out);
    judge_reports(w, open);
    take_reports(w);
    drain_wire(w);
}

void world_say(struct world *w, const char *text)
{
    give(w, text, (uint32_t)strlen(text), 0);
}

static void poll(struct world *w)
{
    uint32_t open = w->ops->open_cnt(w->gateway);
    w->ops->poll(w->gateway, world_engine_ns(w), &w->out);
    judge_reports(w, open);
    take_reports(w);
    drain_wire(w);
}

void world_connect(struct world *w)
{
    w->up = true;
    w->epoch++;
    w->logged_on = w->subscribed = false;
    give(w, NULL, 0, PW_FEED_UP);
}

void world_disconnect(struct world *w, uint32_t bytes, int64_t late_ns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->request_cnt; i++) {
        struct mail mail = w->requests[i];
        if (!mail.gone) {
            if (mail.bytes > bytes) {
                bytes = 0;
                continue;
            }
            bytes -= mail.bytes;
            mail.gone = true;
            mail.at_ns += late_ns ? world_roll(w, (uint32_t)(late_ns / MS)) * MS : 0;
        }
        w->requests[kept++] = mail;
    }
    w->request_cnt = kept;
    w->mail_cnt = 0;
    w->up = w->logged_on = w->subscribed = false;
    give(w, NULL, 0, PW_FEED_DOWN);
}

static void deliver(struct world *w)
{
    for (uint32_t i = 0; i < w->request_cnt;) {
        if (in_time(&w->requests[i], w->now_ns)) {
            struct mail mail = w->requests[i];
            memmove(&w->requests[i], &w->requests[i + 1], (w->request_cnt - i - 1) * sizeof mail);
            w->request_cnt--;
            take_request(w, &mail);
        } else {
            i++;
        }
    }
    for (uint32_t i = 0; i < w->mail_cnt;) {
        if (in_time(&w->mail[i], w->now_ns)) {
            struct mail mail = w->mail[i];
            memmove(&w->mail[i], &w->mail[i + 1], (w->mail_cnt - i - 1) * sizeof mail);
            w->mail_cnt--;
            give(w, mail.text, mail.bytes, 0);
        } else {
            i++;
        }
    }
}

void world_step(struct world *w, int64_t ns)
{
    w->now_ns += ns;
    poll(w);
    deliver(w);
    poll(w);
    world_judge(w);
}

void world_run(struct world *w, int64_t ns)
{
    for (int64_t end_ns = w->now_ns + ns; w->now_ns < end_ns;) {
        world_step(w, 10 * MS);
    }
}

struct pw_live_counts world_counts(const struct world *w)
{
    struct pw_live_counts counts;
    pw_live_counts(w->gateway, &counts);
    return counts;
}

bool world_is_ready(const struct world *w)
{
    return world_counts(w).ready;
}

void world_make_ready(struct world *w)
{
    for (int i = 0; i < 6000 && !world_is_ready(w); i++) {
        world_step(w, 10 * MS);
    }
    MUST(world_is_ready(w));
}

/* ---- orders ---- */

struct pw_gateway_order world_limit(enum pw_side side, enum pw_tif tif, int64_t qty_e8)
{
    return (struct pw_gateway_order){
        .price_e8 = 100 * E8, .qty_e8 = qty_e8, .side = side, .type = PW_LIMIT, .tif = tif};
}

static uint64_t send(struct world *w, struct pw_gateway_order order, uint64_t replaces_id,
                     enum pw_reason *reason)
{
    order.client_order_id = pw_orders_take_id(w->orders);
    order.recv_ns = world_engine_ns(w);
    struct pw_order_row row = {.client_order_id = order.client_order_id,
                               .replaces_id = replaces_id,
                               .price_e8 = order.price_e8,
                               .qty_e8 = order.qty_e8,
                               .leaves_qty_e8 = order.qty_e8,
                               .recv_ns = order.recv_ns,
                               .instrument_idx = order.instrument_idx,
                               .side = order.side,
                               .type = order.type,
                               .tif = order.tif};
    *reason = w->ops->check(w->gateway, &order, replaces_id);
    if (*reason != PW_REASON_NONE) {
        return 0;
    }
    struct pw_order_row *at =
        replaces_id ? pw_orders_replace(w->orders, &row) : pw_orders_add(w->orders, &row);
    MUST(at);
    at->valid_until_ns = (replaces_id ? w->ops->replace(w->gateway, &order, replaces_id, &w->out)
                                      : w->ops->place(w->gateway, &order, &w->out));
    take_reports(w);
    drain_wire(w);
    return order.client_order_id;
}

uint64_t world_place(struct world *w, const struct pw_gateway_order *order, enum pw_reason *reason)
{
    return send(w, *order, 0, reason);
}

uint64_t world_replace(struct world *w, uint64_t replaces_id, int64_t qty_e8)
{
    enum pw_reason reason;
    const struct pw_order_row *old = pw_orders_find(w->orders, replaces_id);
    return send(w, world_limit((enum pw_side)old->side, PW_GTC, qty_e8), replaces_id, &reason);
}

bool world_cancel(struct world *w, uint64_t client_order_id)
{
    struct pw_order_row *row;
    const struct pw_report sent = {.client_order_id = client_order_id, .news = PW_NEWS_CANCEL_SENT};
    enum pw_order_step step = pw_orders_apply(w->orders, &sent, &row);
    if (step != PW_ORDER_STEP_MOVE && step != PW_ORDER_STEP_KEEP) {
        return false;
    }
    w->ops->cancel(w->gateway, client_order_id, world_engine_ns(w), &w->out);
    take_reports(w);
    drain_wire(w);
    return true;
}

enum pw_order_state world_state(const struct world *w, uint64_t client_order_id)
{
    const struct pw_order_row *row = pw_orders_find(w->orders, client_order_id);
    return row ? (enum pw_order_state)row->state : PW_ORDER_NONE;
}

/* ---- start and end ---- */

static void *zeroed(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    cr_assert(memory);
    return memset(memory, 0, (bytes + 63) / 64 * 64);
}

static void make_ring(void *memory, struct pw_producer *producer, struct pw_consumer *consumer)
{
    cr_assert_eq(pw_ring_format(memory, 256, 1 << 18, PW_RING_STALL), 0);
    pw_producer_attach(producer, memory);
    pw_consumer_attach(consumer, memory);
}

void world_restart(struct world *w, uint64_t run_id, int64_t paused_until_ns)
{
    memset(w->memory[0], 0, pw_orders_bytes(256, 2));
    memset(w->memory[1], 0, pw_live_bytes(2, 1));
    memset(w->placed, 0, sizeof w->placed);
    w->orders = pw_orders_init(w->memory[0], 256, 2, run_id);
    w->gateway = w->memory[1];
    w->config.orders = w->orders;
    w->config.paused_until_ns = paused_until_ns;
    cr_assert_eq(pw_live_init(w->gateway, &w->config), 0);
    w->request_cnt = w->mail_cnt = 0;
    w->up = false;
}

void world_open(struct world *w, uint64_t seed, bool is_ed25519)
{
    *w = (struct world){.ops = &pw_live_gateway,
                        .seed = seed,
                        .random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1,
                        .now_ns = INT64_C(1700000000) * SEC,
                        .quote_free_e8 = 1000 * E8};
    size_t ring_bytes = pw_ring_bytes(256, 1 << 18);
    w->memory[0] = zeroed(pw_orders_bytes(256, 2));
    w->memory[1] = zeroed(pw_live_bytes(2, 1));
    w->memory[2] = zeroed(ring_bytes);
    w->memory[3] = zeroed(ring_bytes);
    w->requests = malloc(WORLD_REQUESTS * sizeof *w->requests);
    w->mail = malloc(WORLD_MAIL * sizeof *w->mail);
    make_ring(w->memory[2], &w->wire_in, &w->wire);
    make_ring(w->memory[3], &w->journal_in, &w->journal);
    w->config = (struct pw_live_config){
        .instruments = world_instruments,
        .instrument_cnt = 2,
        .trades = g_trades,
        .api_key = API_KEY,
        .signing = {sign, w, is_ed25519 ? 88 : 64, is_ed25519},
        .recv_window_ms = 5000,
        .answer_timeout_ns = 2 * SEC,
        .cash_e8 = 1000 * E8,
        .quote_asset = "USDT",
        .wire = &w->wire_in,
        .conn_idx = 1,
    };
    world_restart(w, RUN_ID, 0);
}

void world_close(struct world *w)
{
    for (int i = 0; i < 4; i++) {
        free(w->memory[i]);
    }
    free(w->requests);
    free(w->mail);
}

/* ---- what must hold ---- */

static void add_up(const struct world *w, bool open, int64_t sums[2])
{
    sums[0] = sums[1] = 0;
    for (uint32_t i = 0; i < w->venue_cnt; i++) {
        const struct venue_order *order = &w->venue[i];
        bool live = open && order->state == ORDER_LIVE;
        if (strncmp(order->client_id, "pw-", 3) != 0) {
            continue; /* of another client of the account */
        }
        sums[order->sell] += live ? order->qty_e8 : order->executed_e8;
    }
}

/* What is unknown is counted at its worst: whatever the venue has done, and may yet do, stands in the
 * position or among the open orders. */
void world_judge(const struct world *w)
{
    int64_t worst[2];
    add_up(w, true, worst);
    MUST(w->bought_e8 + w->orders->open[0].buy_e8 >= worst[0]);
    MUST(w->sold_e8 + w->orders->open[0].sell_e8 >= worst[1]);
    int64_t done[2];
    add_up(w, false, done);
    MUST(w->bought_e8 <= done[0] && w->sold_e8 <= done[1]);
}

void world_judge_fills(const struct world *w)
{
    int64_t done[2], trades[2] = {0, 0};
    add_up(w, false, done);
    for (uint32_t i = 0; i < w->trade_cnt; i++) {
        const struct venue_order *order = &w->venue[w->trades[i].order_id - 1001];
        trades[order->sell] += strncmp(order->client_id, "pw-", 3) == 0 ? w->trades[i].qty_e8 : 0;
    }
    MUST(done[0] == trades[0] && done[1] == trades[1]);
    MUST(w->bought_e8 == done[0] && w->sold_e8 == done[1]);
}

void world_judge_end(const struct world *w)
{
    world_judge_fills(w);
    MUST(w->orders->open_cnt == 0 && w->ops->open_cnt(w->gateway) == 0);
    for (uint32_t i = 0; i < w->venue_cnt; i++) {
        MUST(w->venue[i].state != ORDER_LIVE);
    }
}
