/* SPDX-License-Identifier: MIT
 *
 * What the measuring venue says: market messages, REST, and the WebSocket API as far as an engine needs it to
 * trade. See bench_venue.h.
 */
#include "bench.h"
#include "bench_venue.h"
#include "decimal.h"
#include "host.h"
#include "walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEPTH_LEVELS 10u

int64_t venue_wall_ms(void)
{
    return pw_clock_read_ns(CLOCK_REALTIME) / 1000000;
}

/* ---- market messages ---- */

/* Behind the header of a frame of 126 to 65535 bytes (RFC 6455, 5.2). */
#define FRAME_HEADER_BYTES 4u

/* The place in the frame behind that text, which is in it once; 0: it is not. */
static uint16_t place_behind(const struct venue_frame *frame, const char *text)
{
    const char *found = strstr(frame->text + FRAME_HEADER_BYTES, text);
    return found == NULL ? 0 : (uint16_t)(found - frame->text + (ptrdiff_t)strlen(text));
}

static void frame_make(struct venue_frame *frame, const struct venue_instrument *instrument,
                       const char *stream, const char *data, const char *id_key)
{
    char lower[sizeof instrument->symbol] = {0};
    for (size_t i = 0; instrument->symbol[i] != '\0'; i++) {
        char c = instrument->symbol[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    int bytes = snprintf(frame->text + FRAME_HEADER_BYTES, sizeof frame->text - FRAME_HEADER_BYTES,
                         "{\"stream\":\"%s@%s\",\"data\":%s}", lower, stream, data);
    pw_ws_header_encode((uint8_t *)frame->text, PW_WS_TEXT, true, (uint64_t)bytes, NULL);
    frame->bytes = FRAME_HEADER_BYTES + (uint32_t)bytes;
    frame->update_at = place_behind(frame, id_key);
    frame->first_at = place_behind(frame, "\"U\":");
    frame->time_at = place_behind(frame, "\"E\":");
    frame->price_at = place_behind(frame, "\"a\":\"");
}

static void depth_levels(char *text, size_t text_bytes, uint32_t first_cents, int step)
{
    size_t used = 0;
    for (uint32_t i = 0; i < DEPTH_LEVELS && used < text_bytes; i++) {
        uint32_t cents = first_cents + i * (uint32_t)step;
        used += (size_t)snprintf(text + used, text_bytes - used,
                                 "%s[\"%" PRIu32 ".%02" PRIu32 "000000\",\"%u.50000000\"]", i == 0 ? "" : ",",
                                 cents / 100, cents % 100, i + 1);
    }
}

/* Bids end below all asks that ticks tell of; the asks of depth updates begin above them. */
static void depth_make(char *bids, char *asks, size_t bytes)
{
    depth_levels(bids, bytes, 9900, 7);
    depth_levels(asks, bytes, 19500, 7);
}

void venue_frames_make(struct venue_instrument *instrument)
{
    char data[1300], bids[512], asks[512];
    const char *symbol = instrument->symbol;
    depth_make(bids, asks, sizeof bids);
    snprintf(data, sizeof data,
             "{\"u\":1000000000,\"s\":\"%s\",\"b\":\"100.00000000\",\"B\":\"90.00000000\","
             "\"a\":\"100.01000000\",\"A\":\"1.00000000\"}",
             symbol);
    frame_make(&instrument->frames[VENUE_TICK], instrument, "bookTicker", data, "\"u\":");
    snprintf(data, sizeof data,
             "{\"u\":1000000000,\"s\":\"%s\",\"b\":\"100.00000000\",\"B\":\"2.00000000\","
             "\"a\":\"100.01000000\",\"A\":\"2.00000000\"}",
             symbol);
    frame_make(&instrument->frames[VENUE_QUOTE], instrument, "bookTicker", data, "\"u\":");
    snprintf(data, sizeof data,
             "{\"e\":\"trade\",\"E\":1700000000000,\"s\":\"%s\",\"t\":1000000000,\"p\":\"100.00000000\","
             "\"q\":\"0.25000000\",\"T\":1700000000000,\"m\":true,\"M\":true}",
             symbol);
    frame_make(&instrument->frames[VENUE_TRADE], instrument, "trade", data, "\"t\":");
    snprintf(data, sizeof data,
             "{\"e\":\"depthUpdate\",\"E\":1700000000000,\"s\":\"%s\",\"U\":1000000000,\"u\":1000000000,"
             "\"b\":[%s],\"a\":[%s]}",
             symbol, bids, asks);
    frame_make(&instrument->frames[VENUE_DEPTH], instrument, "depth@100ms", data, "\"u\":");
}

/* ---- REST ---- */

static struct venue_instrument *instrument_find(struct venue *venue, struct pw_slice symbol)
{
    for (uint32_t i = 0; i < venue->instrument_cnt; i++) {
        if (pw_slice_equal(symbol, venue->instruments[i].symbol)) {
            return &venue->instruments[i];
        }
    }
    return NULL;
}

static void symbol_put(struct pw_buffer *out, const struct venue_instrument *instrument)
{
    pw_buffer_format(
        out,
        "{\"symbol\":\"%s\",\"status\":\"TRADING\",\"baseAsset\":\"%s\",\"baseAssetPrecision\":8,"
        "\"quoteAsset\":\"USDT\",\"quotePrecision\":8,\"quoteAssetPrecision\":8,"
        "\"orderTypes\":[\"LIMIT\",\"MARKET\"],\"isSpotTradingAllowed\":true,\"filters\":["
        "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01000000\",\"maxPrice\":\"1000000.00000000\","
        "\"tickSize\":\"0.01000000\"},"
        "{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001000\",\"maxQty\":\"9000.00000000\","
        "\"stepSize\":\"0.00001000\"},"
        "{\"filterType\":\"NOTIONAL\",\"minNotional\":\"0.01000000\",\"applyMinToMarket\":true,"
        "\"maxNotional\":\"9000000.00000000\",\"applyMaxToMarket\":false,\"avgPriceMins\":5}]}",
        instrument->symbol, instrument->base);
}

/* What an account that may do as it likes may use. */
#define WEIGHT_LIMIT 100000000u
#define ORDERS_10S   10000000u
#define ORDERS_DAY   1000000000u

static void exchange_info_put(struct venue *venue)
{
    struct pw_buffer *out = &venue->reply;
    pw_buffer_format(
        out,
        "{\"timezone\":\"UTC\",\"serverTime\":%" PRId64 ",\"rateLimits\":["
        "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":%u},"
        "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":%u},"
        "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,\"limit\":%u}],"
        "\"exchangeFilters\":[],\"symbols\":[",
        venue_wall_ms(), WEIGHT_LIMIT, ORDERS_10S, ORDERS_DAY);
    for (uint32_t i = 0; i < venue->instrument_cnt; i++) {
        pw_buffer_string(out, i == 0 ? "" : ",");
        symbol_put(out, &venue->instruments[i]);
    }
    pw_buffer_string(out, "]}");
}

static bool depth_put(struct venue *venue, struct pw_slice symbol)
{
    char bids[512], asks[512];
    struct venue_instrument *instrument = instrument_find(venue, symbol);
    if (instrument == NULL) {
        return false;
    }
    depth_make(bids, asks, sizeof bids);
    pw_buffer_format(&venue->reply, "{\"lastUpdateId\":%" PRIu64 ",\"bids\":[", instrument->depth_update_id);
    pw_buffer_string(&venue->reply, bids);
    pw_buffer_string(&venue->reply, "],\"asks\":[");
    pw_buffer_string(&venue->reply, asks);
    pw_buffer_string(&venue->reply, "]}");
    return true;
}

static bool target_is(struct pw_slice target, const char *path)
{
    size_t bytes = strlen(path);
    return target.size >= bytes && memcmp(target.text, path, bytes) == 0 &&
           (target.size == bytes || target.text[bytes] == '?');
}

/* The value behind "symbol=", up to the next parameter. */
static struct pw_slice symbol_of(struct pw_slice target)
{
    static const char key[] = "symbol=";
    const char *found = memmem(target.text, target.size, key, sizeof key - 1);
    if (found == NULL) {
        return (struct pw_slice){0};
    }
    found += sizeof key - 1;
    size_t left = (size_t)(target.text + target.size - found);
    const char *end = memchr(found, '&', left);
    return (struct pw_slice){found, end == NULL ? left : (size_t)(end - found)};
}

bool venue_rest_answer(struct venue *venue, struct pw_slice target)
{
    pw_buffer_clear(&venue->reply);
    if (target_is(target, "/api/v3/exchangeInfo")) {
        exchange_info_put(venue);
        return true;
    }
    if (target_is(target, "/api/v3/time")) {
        pw_buffer_format(&venue->reply, "{\"serverTime\":%" PRId64 "}", venue_wall_ms());
        return true;
    }
    if (target_is(target, "/api/v3/depth") && depth_put(venue, symbol_of(target))) {
        return true;
    }
    pw_buffer_string(&venue->reply, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}");
    return false;
}

/* ---- the WebSocket API ---- */

struct request {
    struct pw_slice id, method, params; /* id as written; size 0: none */
};

static void limit_put(struct pw_buffer *out, const char *type, const char *interval, uint32_t interval_cnt,
                      uint32_t limit, uint64_t count)
{
    pw_buffer_format(out,
                     "{\"rateLimitType\":\"%s\",\"interval\":\"%s\",\"intervalNum\":%" PRIu32
                     ",\"limit\":%" PRIu32 ",\"count\":%" PRIu64 "}",
                     type, interval, interval_cnt, limit, count);
}

/* Asked and answered: "result" and the rest are put by the caller. */
static void reply_begin(struct venue *venue, const struct request *request)
{
    pw_buffer_clear(&venue->reply);
    pw_buffer_string(&venue->reply, "{\"id\":");
    if (request->id.size == 0) {
        pw_buffer_string(&venue->reply, "null");
    } else {
        pw_buffer_slice(&venue->reply, request->id);
    }
    pw_buffer_string(&venue->reply, ",\"status\":200,\"result\":");
}

static void window_move(struct venue *venue)
{
    int64_t window = venue_wall_ms() / 10000;
    if (window != venue->window) {
        venue->window = window;
        venue->window_order_cnt = 0;
    }
}

static void reply_end(struct venue *venue, struct venue_conn *conn)
{
    struct pw_buffer *out = &venue->reply;
    window_move(venue);
    pw_buffer_string(out, ",\"rateLimits\":[");
    limit_put(out, "ORDERS", "SECOND", 10, ORDERS_10S, venue->window_order_cnt);
    pw_buffer_string(out, ",");
    limit_put(out, "ORDERS", "DAY", 1, ORDERS_DAY, venue->order_cnt);
    pw_buffer_string(out, ",");
    limit_put(out, "REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_LIMIT, venue->request_cnt);
    pw_buffer_string(out, "]}");
    venue_reply_send(venue, conn);
}

static void event_end(struct venue *venue, struct venue_conn *conn)
{
    pw_buffer_string(&venue->reply, "}");
    venue_reply_send(venue, conn);
}

static void refuse(struct venue *venue, struct venue_conn *conn, const struct request *request, int code,
                   const char *text)
{
    pw_buffer_clear(&venue->reply);
    pw_buffer_string(&venue->reply, "{\"id\":");
    pw_buffer_slice(&venue->reply, request->id.size == 0 ? (struct pw_slice){"null", 4} : request->id);
    pw_buffer_format(&venue->reply, ",\"status\":400,\"error\":{\"code\":%d,\"msg\":\"%s\"}", code, text);
    reply_end(venue, conn);
}

static void answer_session(struct venue *venue, struct venue_conn *conn, const struct request *request)
{
    int64_t now_ms = venue_wall_ms();
    struct pw_slice key = {"null", 4};
    pw_sim_walk_member(request->params, "apiKey", &key);
    reply_begin(venue, request);
    pw_buffer_string(&venue->reply, "{\"apiKey\":");
    pw_buffer_slice(&venue->reply, key);
    pw_buffer_format(&venue->reply,
                     ",\"authorizedSince\":%" PRId64 ",\"connectedSince\":%" PRId64
                     ",\"returnRateLimits\":false,\"serverTime\":%" PRId64 ",\"userDataStream\":true}",
                     now_ms, now_ms, now_ms);
    reply_end(venue, conn);
}

static void answer_subscribe(struct venue *venue, struct venue_conn *conn, const struct request *request)
{
    conn->subscription_id = 0;
    reply_begin(venue, request);
    pw_buffer_string(&venue->reply, "{\"subscriptionId\":0}");
    reply_end(venue, conn);
}

static void answer_time(struct venue *venue, struct venue_conn *conn, const struct request *request)
{
    reply_begin(venue, request);
    pw_buffer_format(&venue->reply, "{\"serverTime\":%" PRId64 "}", venue_wall_ms());
    reply_end(venue, conn);
}

static void balance_put(struct pw_buffer *out, const char *asset, const char *asset_key, const char *free_key,
                        const char *locked_key, int64_t free_e8)
{
    pw_buffer_format(out, "{\"%s\":\"%s\",\"%s\":\"", asset_key, asset, free_key);
    pw_buffer_e8(out, free_e8);
    pw_buffer_format(out, "\",\"%s\":\"0.00000000\"}", locked_key);
}

static void answer_account(struct venue *venue, struct venue_conn *conn, const struct request *request)
{
    reply_begin(venue, request);
    pw_buffer_format(
        &venue->reply,
        "{\"makerCommission\":0,\"takerCommission\":0,\"buyerCommission\":0,\"sellerCommission\":0,"
        "\"canTrade\":true,\"canWithdraw\":false,\"canDeposit\":false,\"updateTime\":%" PRId64
        ",\"accountType\":\"SPOT\",\"balances\":[",
        venue_wall_ms());
    balance_put(&venue->reply, "USDT", "asset", "free", "locked", venue->cash_free_e8);
    for (uint32_t i = 0; i < venue->instrument_cnt; i++) {
        pw_buffer_string(&venue->reply, ",");
        balance_put(&venue->reply, venue->instruments[i].base, "asset", "free", "locked",
                    venue->instruments[i].free_e8);
    }
    pw_buffer_string(&venue->reply, "],\"permissions\":[\"SPOT\"],\"uid\":1}");
    reply_end(venue, conn);
}

/* Nothing ever rests here. */
static void answer_none(struct venue *venue, struct venue_conn *conn, const struct request *request)
{
    reply_begin(venue, request);
    pw_buffer_string(&venue->reply, "[]");
    reply_end(venue, conn);
}

static void answer_no_such_order(struct venue *venue, struct venue_conn *conn, const struct request *request)
{
    bool cancel = pw_slice_equal(request->method, "order.cancel");
    refuse(venue, conn, request, cancel ? -2011 : -2013,
           cancel ? "Unknown order sent." : "Order does not exist.");
}

/* ---- orders ---- */

/* An order as it was asked for; texts as written, without quotes. */
struct asked {
    struct venue_instrument *instrument;
    struct pw_slice client_id;
    int64_t price_e8, qty_e8, quote_e8;
    int64_t now_ms;
    uint64_t order_id, trade_id;
};

static bool member_text(struct pw_slice object, const char *name, struct pw_slice *text)
{
    struct pw_slice value;
    return pw_sim_walk_member(object, name, &value) && pw_sim_walk_inside(value, text);
}

static bool member_e8(struct pw_slice object, const char *name, int64_t *value_e8)
{
    struct pw_slice text;
    return member_text(object, name, &text) && pw_decimal_parse_e8(text.text, text.size, false, value_e8);
}

/* Only what the strategy of the bench and the live gateway ask for: to buy, immediately or not at all, at a
 * price, with the shortest of answers. */
static bool asked_read(struct venue *venue, const struct request *request, struct asked *asked)
{
    struct pw_slice symbol, side, type, tif, answer;
    *asked = (struct asked){.now_ms = venue_wall_ms()};
    if (!member_text(request->params, "symbol", &symbol) || !member_text(request->params, "side", &side) ||
        !member_text(request->params, "type", &type) || !member_text(request->params, "timeInForce", &tif) ||
        !member_text(request->params, "newOrderRespType", &answer) ||
        !member_text(request->params, "newClientOrderId", &asked->client_id) ||
        !member_e8(request->params, "price", &asked->price_e8) ||
        !member_e8(request->params, "quantity", &asked->qty_e8)) {
        return false;
    }
    asked->instrument = instrument_find(venue, symbol);
    asked->quote_e8 = (int64_t)((pw_i128)asked->price_e8 * asked->qty_e8 / PW_E8);
    return asked->instrument != NULL && pw_slice_equal(side, "BUY") && pw_slice_equal(type, "LIMIT") &&
           pw_slice_equal(tif, "IOC") && pw_slice_equal(answer, "ACK") && asked->price_e8 > 0 &&
           asked->qty_e8 > 0;
}

static void e8_put(struct pw_buffer *out, const char *before, int64_t value_e8)
{
    pw_buffer_string(out, before);
    pw_buffer_e8(out, value_e8);
}

static void placed_put(struct pw_buffer *out, const struct asked *asked)
{
    pw_buffer_format(out,
                     "{\"symbol\":\"%s\",\"orderId\":%" PRIu64 ",\"orderListId\":-1,\"clientOrderId\":\"",
                     asked->instrument->symbol, asked->order_id);
    pw_buffer_slice(out, asked->client_id);
    pw_buffer_format(out, "\",\"transactTime\":%" PRId64 "}", asked->now_ms);
}

static void event_begin(struct venue *venue, const struct venue_conn *conn)
{
    pw_buffer_clear(&venue->reply);
    pw_buffer_format(&venue->reply, "{\"subscriptionId\":%" PRId64 ",\"event\":", conn->subscription_id);
}

/* NEW, then TRADE: section 6 of the venue's user data streams. */
static void execution_send(struct venue *venue, struct venue_conn *conn, const struct asked *asked,
                           bool trade)
{
    struct pw_buffer *out = &venue->reply;
    event_begin(venue, conn);
    pw_buffer_format(out, "{\"e\":\"executionReport\",\"E\":%" PRId64 ",\"s\":\"%s\",\"c\":\"", asked->now_ms,
                     asked->instrument->symbol);
    pw_buffer_slice(out, asked->client_id);
    e8_put(out, "\",\"S\":\"BUY\",\"o\":\"LIMIT\",\"f\":\"IOC\",\"q\":\"", asked->qty_e8);
    e8_put(out, "\",\"p\":\"", asked->price_e8);
    pw_buffer_format(out,
                     "\",\"P\":\"0.00000000\",\"F\":\"0.00000000\",\"g\":-1,\"C\":\"\",\"x\":\"%s\","
                     "\"X\":\"%s\",\"r\":\"NONE\",\"i\":%" PRIu64,
                     trade ? "TRADE" : "NEW", trade ? "FILLED" : "NEW", asked->order_id);
    e8_put(out, ",\"l\":\"", trade ? asked->qty_e8 : 0);
    e8_put(out, "\",\"z\":\"", trade ? asked->qty_e8 : 0);
    e8_put(out, "\",\"L\":\"", trade ? asked->price_e8 : 0);
    pw_buffer_format(out, "\",\"n\":\"0\",\"N\":%s,\"T\":%" PRId64 ",\"t\":%" PRId64 ",\"I\":%" PRIu64,
                     trade ? "\"USDT\"" : "null", asked->now_ms, trade ? (int64_t)asked->trade_id : -1,
                     asked->order_id * 2 + trade);
    pw_buffer_format(out, ",\"w\":%s,\"m\":false,\"M\":false,\"O\":%" PRId64, trade ? "false" : "true",
                     asked->now_ms);
    e8_put(out, ",\"Z\":\"", trade ? asked->quote_e8 : 0);
    e8_put(out, "\",\"Y\":\"", trade ? asked->quote_e8 : 0);
    pw_buffer_format(out, "\",\"Q\":\"0.00000000\",\"W\":%" PRId64 ",\"V\":\"NONE\"}", asked->now_ms);
    event_end(venue, conn);
}

static void balances_send(struct venue *venue, struct venue_conn *conn, const struct asked *asked)
{
    event_begin(venue, conn);
    pw_buffer_format(&venue->reply,
                     "{\"e\":\"outboundAccountPosition\",\"E\":%" PRId64 ",\"u\":%" PRId64 ",\"B\":[",
                     asked->now_ms, asked->now_ms);
    balance_put(&venue->reply, "USDT", "a", "f", "l", venue->cash_free_e8);
    pw_buffer_string(&venue->reply, ",");
    balance_put(&venue->reply, asked->instrument->base, "a", "f", "l", asked->instrument->free_e8);
    pw_buffer_string(&venue->reply, "]}");
    event_end(venue, conn);
}

/* Which tick's price an order has, by what its price is above the lowest. */
static uint32_t tick_of(const struct venue *venue, int64_t price_e8)
{
    int64_t place = price_e8 / (PW_E8 / 100) - 10001;
    uint32_t number = place >= 0 && place < VENUE_PRICES ? venue->tick_of[place] : 0;
    return number == 0 ? UINT32_MAX : number - 1;
}

/* For whoever measures; when nobody takes them, only the count goes on. */
static void order_note(struct venue *venue, const struct venue_conn *conn, const struct asked *asked)
{
    if (venue->came_cnt < VENUE_CAME_MAX) {
        venue->came[(venue->came_first + venue->came_cnt++) % VENUE_CAME_MAX] =
            (struct venue_order){.instrument_idx = (uint32_t)(asked->instrument - venue->instruments),
                                 .tick = tick_of(venue, asked->price_e8),
                                 .arrived = conn->in_arrived};
    }
}

static void answer_place(struct venue *venue, struct venue_conn *conn, const struct request *request)
{
    struct asked asked;
    if (!asked_read(venue, request, &asked)) {
        refuse(venue, conn, request, -1102,
               "This venue fills orders to buy, LIMIT, IOC, answered by ACK, and no others.");
        return;
    }
    venue->order_cnt++;
    window_move(venue);
    venue->window_order_cnt++;
    order_note(venue, conn, &asked);
    asked.order_id = ++venue->order_id;
    asked.trade_id = ++venue->trade_id;
    venue->cash_free_e8 -= asked.quote_e8;
    asked.instrument->free_e8 += asked.qty_e8;
    reply_begin(venue, request);
    placed_put(&venue->reply, &asked);
    reply_end(venue, conn);
    if (conn->subscription_id >= 0) {
        execution_send(venue, conn, &asked, false);
        execution_send(venue, conn, &asked, true);
        balances_send(venue, conn, &asked);
    }
}

static bool request_read(struct pw_slice text, struct request *request)
{
    struct pw_sim_walk walk;
    *request = (struct request){0};
    if (!pw_sim_walk_begin(&walk, text) || !walk.object) {
        return false;
    }
    while (pw_sim_walk_next(&walk)) {
        if (pw_slice_equal(walk.key, "id")) {
            request->id = walk.value;
        } else if (pw_slice_equal(walk.key, "method")) {
            (void)pw_sim_walk_inside(walk.value, &request->method); /* one that is no text is no method */
        } else if (pw_slice_equal(walk.key, "params")) {
            request->params = walk.value;
        }
    }
    return !walk.broken && request->method.size > 0;
}

void venue_request_answer(struct venue *venue, struct venue_conn *conn, struct pw_slice text)
{
    static const struct {
        const char *name;
        void (*answer)(struct venue *venue, struct venue_conn *conn, const struct request *request);
    } methods[] = {{"order.place", answer_place},
                   {"session.logon", answer_session},
                   {"session.status", answer_session},
                   {"userDataStream.subscribe", answer_subscribe},
                   {"userDataStream.subscribe.signature", answer_subscribe},
                   {"time", answer_time},
                   {"account.status", answer_account},
                   {"openOrders.status", answer_none},
                   {"openOrders.cancelAll", answer_none},
                   {"myTrades", answer_none},
                   {"order.cancel", answer_no_such_order},
                   {"order.status", answer_no_such_order}};
    struct request request;
    venue->request_cnt++;
    if (!request_read(text, &request)) {
        venue->invalid_cnt++;
        conn->end.ended = true;
        return;
    }
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (pw_slice_equal(request.method, methods[i].name)) {
            methods[i].answer(venue, conn, &request);
            return;
        }
    }
    venue->invalid_cnt++;
    refuse(venue, conn, &request, -1000, "This venue does not know that.");
}
