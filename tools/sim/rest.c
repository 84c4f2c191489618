/* SPDX-License-Identifier: MIT
 *
 * One table of endpoints, and their answers: see rest.h.
 */
#include "rest.h"

#include "rest_call.h"
#include "rest_info.h"
#include "rest_orders.h"
#include "signature.h"
#include "walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PARAMETERS_MAX 12u /* of public endpoints */
#define SECOND_NS      INT64_C(1000000000)
#define TOO_MUCH_WEIGHT                                                                                      \
    "Too much request weight used; current limit is %u request weight per 1 MINUTE. Please use "             \
    "WebSocket Streams for live updates to avoid polling the API."
#define BANNED                                                                                               \
    "Way too much request weight used; IP banned until %" PRId64 ". Please use WebSocket Streams "           \
    "for live updates to avoid bans."

static int64_t e8_of_e16(pw_i128 value_e16)
{
    return (int64_t)(value_e16 / PW_E8);
}

/* ---- endpoints ---- */

static void get_ping(struct pw_sim_call *call)
{
    pw_sim_call_put(call, "{}");
}

/* What only other markets have. */
static void get_nothing(struct pw_sim_call *call)
{
    pw_sim_call_put(call, "[]");
}

static void get_time(struct pw_sim_call *call)
{
    pw_sim_call_put(call, "{\"serverTime\":");
    pw_sim_call_put_time(call, call->wall_ns);
    pw_sim_call_put(call, "}");
}

static uint32_t depth_weight(uint32_t limit)
{
    return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

static void get_depth(struct pw_sim_call *call)
{
    struct pw_sim_source *source = call->rest->source;
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    uint32_t limit;

    if (!symbol || !pw_sim_call_limit(call, 100, PW_SIM_DEPTH_MAX, &limit) || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_weigh(call, depth_weight(limit));
    if (!source->ops->depth(source->state, symbol, limit, call->body)) {
        pw_sim_call_error(call, 500, -1000, PW_SIM_SERVER_ERROR);
    }
}

static void get_trades(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    uint32_t limit;

    if (!symbol || !pw_sim_call_limit(call, 500, 1000, &limit) || !pw_sim_call_all_read(call) ||
        !pw_sim_call_refresh(call, symbol)) {
        return;
    }
    pw_sim_call_put(call, "[");
    for (uint32_t back = limit, written = 0; back-- > 0;) {
        const struct pw_sim_tape_trade *trade = pw_sim_tape_back(symbol->tape, back);
        if (!trade) {
            continue;
        }
        pw_sim_call_put(call, written++ ? ",{\"id\":" : "{\"id\":");
        pw_buffer_int(call->body, (int64_t)trade->trade_id);
        pw_sim_call_put_e8(call, ",\"price\":\"", trade->price_e8);
        pw_sim_call_put_e8(call, ",\"qty\":\"", trade->qty_e8);
        pw_sim_call_put_e8(call, ",\"quoteQty\":\"", e8_of_e16((pw_i128)trade->price_e8 * trade->qty_e8));
        pw_sim_call_put(call, ",\"time\":");
        pw_sim_call_put_time(call, trade->time_ns);
        pw_sim_call_put(call, trade->buyer_maker ? ",\"isBuyerMaker\":true" : ",\"isBuyerMaker\":false");
        pw_sim_call_put(call, ",\"isBestMatch\":true}");
    }
    pw_sim_call_put(call, "]");
}

struct aggregate {
    struct pw_sim_tape_trade sum; /* trade_id: the last one's */
    uint64_t first_trade_id;
};

static void put_aggregate(struct pw_sim_call *call, const struct aggregate *aggregate)
{
    const struct pw_sim_tape_trade *sum = &aggregate->sum;

    pw_sim_call_put(call, "{\"a\":");
    pw_buffer_int(call->body, (int64_t)sum->agg_id);
    pw_sim_call_put_e8(call, ",\"p\":\"", sum->price_e8);
    pw_sim_call_put_e8(call, ",\"q\":\"", sum->qty_e8);
    pw_buffer_format(call->body, ",\"f\":%" PRIu64 ",\"l\":%" PRIu64 ",\"T\":", aggregate->first_trade_id,
                     sum->trade_id);
    pw_sim_call_put_time(call, sum->time_ns);
    pw_sim_call_put(call, sum->buyer_maker ? ",\"m\":true,\"M\":true}" : ",\"m\":false,\"M\":true}");
}

static void get_agg_trades(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    const struct pw_sim_tape_trade *last;
    struct aggregate aggregate = {0};
    uint64_t oldest;
    uint32_t limit, written = 0;

    if (!symbol || !pw_sim_call_limit(call, 500, 1000, &limit) || !pw_sim_call_all_read(call) ||
        !pw_sim_call_refresh(call, symbol)) {
        return;
    }
    last = pw_sim_tape_last(symbol->tape);
    oldest = last && last->agg_id >= limit ? last->agg_id - limit + 1 : 0;
    pw_sim_call_put(call, "[");
    for (uint32_t back = PW_SIM_TAPE_TRADES; back-- > 0;) {
        const struct pw_sim_tape_trade *trade = pw_sim_tape_back(symbol->tape, back);
        if (!trade || trade->agg_id < oldest) {
            continue;
        }
        if (aggregate.sum.agg_id == trade->agg_id) {
            aggregate.sum.qty_e8 += trade->qty_e8;
            aggregate.sum.trade_id = trade->trade_id;
            continue;
        }
        if (aggregate.sum.agg_id) {
            put_aggregate(call, &aggregate);
            pw_sim_call_put(call, ",");
            written++;
        }
        aggregate = (struct aggregate){*trade, trade->trade_id};
    }
    if (aggregate.sum.agg_id) {
        put_aggregate(call, &aggregate);
    }
    pw_sim_call_put(call, "]");
}

static void put_kline(struct pw_sim_call *call, const struct pw_sim_tape_candle *candle)
{
    pw_sim_call_put(call, "[");
    pw_sim_call_put_time(call, candle->open_ns);
    pw_sim_call_put_e8(call, ",\"", candle->open_e8);
    pw_sim_call_put_e8(call, ",\"", candle->high_e8);
    pw_sim_call_put_e8(call, ",\"", candle->low_e8);
    pw_sim_call_put_e8(call, ",\"", candle->close_e8);
    pw_sim_call_put_e8(call, ",\"", candle->volume_e8);
    pw_sim_call_put(call, ",");
    pw_sim_call_put_time(call, candle->open_ns + candle->span_ns - (call->microsecond ? 1000 : 1000000));
    pw_sim_call_put_e8(call, ",\"", e8_of_e16(candle->quote_e16));
    pw_buffer_format(call->body, ",%" PRIu64, candle->trade_cnt);
    pw_sim_call_put_e8(call, ",\"", candle->taker_volume_e8);
    pw_sim_call_put_e8(call, ",\"", e8_of_e16(candle->taker_quote_e16));
    pw_sim_call_put(call, ",\"0\"]");
}

/* Where the first bucket of the answer opens. */
static int64_t klines_begin(const struct pw_sim_tape *tape, const char *interval, int64_t start_ns,
                            int64_t end_ns, uint32_t limit)
{
    uint64_t first = tape->minute_cnt > PW_SIM_TAPE_MINUTES ? tape->minute_cnt - PW_SIM_TAPE_MINUTES : 0;
    int64_t oldest_ns = tape->minutes[first % PW_SIM_TAPE_MINUTES].open_ns, open_ns, span_ns;

    if (start_ns > oldest_ns) {
        pw_sim_tape_bucket(interval, start_ns, &open_ns, &span_ns);
        return open_ns < start_ns ? open_ns + span_ns : open_ns;
    }
    pw_sim_tape_bucket(interval, end_ns, &open_ns, &span_ns);
    for (uint32_t cnt = 1; cnt < limit && open_ns > oldest_ns; cnt++) {
        pw_sim_tape_bucket(interval, open_ns - 1, &open_ns, &span_ns);
    }
    return open_ns;
}

static void put_klines(struct pw_sim_call *call, const struct pw_sim_tape *tape, const char *interval,
                       int64_t start_ns, int64_t end_ns, uint32_t limit)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(tape);
    int64_t open_ns, span_ns;

    pw_sim_call_put(call, "[");
    if (last) {
        end_ns = end_ns < last->time_ns ? end_ns : last->time_ns;
        open_ns = klines_begin(tape, interval, start_ns, end_ns, limit);
        for (uint32_t cnt = 0; cnt < limit && open_ns <= end_ns; cnt++, open_ns += span_ns) {
            struct pw_sim_tape_candle candle;
            pw_sim_tape_bucket(interval, open_ns, &open_ns, &span_ns);
            candle = pw_sim_tape_candle(tape, open_ns, span_ns);
            pw_sim_call_put(call, cnt ? "," : "");
            put_kline(call, &candle);
        }
    }
    pw_sim_call_put(call, "]");
}

static void get_klines(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);
    const char *interval = symbol ? pw_sim_call_text(call, "interval") : NULL;
    int64_t open_ns, span_ns;
    struct pw_sim_span span;
    uint32_t limit;

    if (!symbol) {
        return;
    }
    if (!interval || !*interval) {
        pw_sim_call_error(call, 400, -1102,
                          "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.");
        return;
    }
    if (!pw_sim_tape_bucket(interval, 0, &open_ns, &span_ns)) {
        pw_sim_call_error(call, 400, -1120, "Invalid interval.");
        return;
    }
    if (!pw_sim_call_span(call, 0, &span) || !pw_sim_call_limit(call, 500, 1000, &limit) ||
        !pw_sim_call_all_read(call) || !pw_sim_call_refresh(call, symbol)) {
        return;
    }
    put_klines(call, symbol->tape, interval, span.begin_ns, span.end_ns, limit);
}

/* ---- tickers: of one symbol, of some, or of all ---- */

static void put_day(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);
    int64_t now_ns = last ? last->time_ns : call->wall_ns;
    struct pw_sim_tape_candle day = pw_sim_tape_day(symbol->tape, now_ns);
    int64_t change_e8 = day.close_e8 - day.open_e8;

    pw_buffer_format(call->body, "{\"symbol\":\"%s\"", symbol->name);
    pw_sim_call_put_e8(call, ",\"priceChange\":\"", change_e8);
    pw_buffer_format(call->body, ",\"priceChangePercent\":\"%.3f\"",
                     day.open_e8 ? 100.0 * (double)change_e8 / (double)day.open_e8 : 0.0);
    pw_sim_call_put_e8(call, ",\"weightedAvgPrice\":\"",
                       day.volume_e8 ? (int64_t)(day.quote_e16 / day.volume_e8) : 0);
    pw_sim_call_put_e8(call, ",\"prevClosePrice\":\"", day.open_e8);
    pw_sim_call_put_e8(call, ",\"lastPrice\":\"", day.close_e8);
    pw_sim_call_put_e8(call, ",\"lastQty\":\"", last ? last->qty_e8 : 0);
    pw_sim_call_put_e8(call, ",\"bidPrice\":\"", symbol->top.bid_price_e8);
    pw_sim_call_put_e8(call, ",\"bidQty\":\"", symbol->top.bid_qty_e8);
    pw_sim_call_put_e8(call, ",\"askPrice\":\"", symbol->top.ask_price_e8);
    pw_sim_call_put_e8(call, ",\"askQty\":\"", symbol->top.ask_qty_e8);
    pw_sim_call_put_e8(call, ",\"openPrice\":\"", day.open_e8);
    pw_sim_call_put_e8(call, ",\"highPrice\":\"", day.high_e8);
    pw_sim_call_put_e8(call, ",\"lowPrice\":\"", day.low_e8);
    pw_sim_call_put_e8(call, ",\"volume\":\"", day.volume_e8);
    pw_sim_call_put_e8(call, ",\"quoteVolume\":\"", e8_of_e16(day.quote_e16));
    pw_sim_call_put(call, ",\"openTime\":");
    pw_sim_call_put_time(call, now_ns - 86400 * SECOND_NS);
    pw_sim_call_put(call, ",\"closeTime\":");
    pw_sim_call_put_time(call, now_ns);
    pw_buffer_format(call->body, ",\"firstId\":%" PRId64 ",\"lastId\":%" PRId64 ",\"count\":%" PRIu64 "}",
                     day.first_trade_id, day.last_trade_id, day.trade_cnt);
}

static void put_price(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);

    pw_buffer_format(call->body, "{\"symbol\":\"%s\"", symbol->name);
    pw_sim_call_put_e8(call, ",\"price\":\"", last ? last->price_e8 : 0);
    pw_sim_call_put(call, "}");
}

static void put_book_ticker(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    pw_buffer_format(call->body, "{\"symbol\":\"%s\"", symbol->name);
    pw_sim_call_put_e8(call, ",\"bidPrice\":\"", symbol->top.bid_price_e8);
    pw_sim_call_put_e8(call, ",\"bidQty\":\"", symbol->top.bid_qty_e8);
    pw_sim_call_put_e8(call, ",\"askPrice\":\"", symbol->top.ask_price_e8);
    pw_sim_call_put_e8(call, ",\"askQty\":\"", symbol->top.ask_qty_e8);
    pw_sim_call_put(call, "}");
}

static void put_average(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);
    int64_t now_ns = last ? last->time_ns : call->wall_ns;
    struct pw_sim_tape_candle candle =
        pw_sim_tape_candle(symbol->tape, now_ns - 300 * SECOND_NS, 300 * SECOND_NS + 1);

    pw_sim_call_put_e8(call, "{\"mins\":5,\"price\":\"",
                       candle.volume_e8 ? (int64_t)(candle.quote_e16 / candle.volume_e8) : 0);
    pw_sim_call_put(call, ",\"closeTime\":");
    pw_sim_call_put_time(call, now_ns);
    pw_sim_call_put(call, "}");
}

struct ticker_weights {
    uint32_t one, all;
};

static void get_tickers(struct pw_sim_call *call, struct ticker_weights weights,
                        void (*use)(struct pw_sim_call *, struct pw_sim_symbol *))
{
    const char *one = pw_sim_call_text(call, "symbol"), *some = pw_sim_call_text(call, "symbols");
    struct pw_sim_source *source = call->rest->source;
    struct pw_sim_symbol *symbol;

    pw_sim_call_weigh(call, one ? weights.one : weights.all);
    if (!pw_sim_call_all_read(call)) {
        return;
    }
    if (one && some) {
        pw_sim_call_error(call, 400, -1128, "Combination of optional parameters invalid.");
        return;
    }
    if (one) {
        symbol = pw_sim_call_symbol_named(call, one);
        if (symbol && pw_sim_call_refresh(call, symbol)) {
            use(call, symbol);
        }
        return;
    }
    pw_sim_call_put(call, "[");
    for (uint32_t i = 0; !some && i < source->symbol_cnt; i++) {
        if (!pw_sim_call_refresh(call, &source->symbols[i])) {
            return;
        }
        pw_sim_call_put(call, i ? "," : "");
        use(call, &source->symbols[i]);
    }
    if (!some || pw_sim_call_symbols(call, some, use)) {
        pw_sim_call_put(call, "]");
    }
}

static void get_day(struct pw_sim_call *call)
{
    get_tickers(call, (struct ticker_weights){2, 80}, put_day);
}

static void get_price(struct pw_sim_call *call)
{
    get_tickers(call, (struct ticker_weights){2, 4}, put_price);
}

static void get_book_ticker(struct pw_sim_call *call)
{
    get_tickers(call, (struct ticker_weights){2, 4}, put_book_ticker);
}

static void get_average(struct pw_sim_call *call)
{
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);

    if (symbol && pw_sim_call_all_read(call) && pw_sim_call_refresh(call, symbol)) {
        put_average(call, symbol);
    }
}

/* ---- dispatch ---- */

static const struct pw_sim_endpoint endpoints[] = {
    {"GET", "/api/v3/ping", get_ping, 1, false, false},
    {"GET", "/api/v3/time", get_time, 1, false, false},
    {"GET", "/api/v3/exchangeInfo", pw_sim_rest_exchange_info, 20, false, false},
    {"GET", "/api/v3/depth", get_depth, 0, false, false},
    {"GET", "/api/v3/trades", get_trades, 25, false, false},
    {"GET", "/api/v3/historicalTrades", get_trades, 25, false, false},
    {"GET", "/api/v3/aggTrades", get_agg_trades, 4, false, false},
    {"GET", "/api/v3/klines", get_klines, 2, false, false},
    {"GET", "/api/v3/uiKlines", get_klines, 2, false, false},
    {"GET", "/api/v3/avgPrice", get_average, 2, false, false},
    {"GET", "/api/v3/ticker/24hr", get_day, 0, false, false},
    {"GET", "/api/v3/ticker/price", get_price, 0, false, false},
    {"GET", "/api/v3/ticker/bookTicker", get_book_ticker, 0, false, false},
    {"POST", "/api/v3/order", pw_sim_rest_order_place, 1, true, true},
    {"DELETE", "/api/v3/order", pw_sim_rest_order_cancel, 1, true, true},
    {"GET", "/api/v3/order", pw_sim_rest_order_query, 4, true, false},
    {"POST", "/api/v3/order/cancelReplace", pw_sim_rest_order_replace, 1, true, true},
    {"POST", "/api/v3/order/test", pw_sim_rest_order_test, 0, true, false},
    {"GET", "/api/v3/openOrders", pw_sim_rest_open_orders, 0, true, false},
    {"DELETE", "/api/v3/openOrders", pw_sim_rest_open_cancel, 1, true, true},
    {"GET", "/api/v3/allOrders", pw_sim_rest_all_orders, 20, true, false},
    {"GET", "/api/v3/account", pw_sim_rest_account, 20, true, false},
    {"GET", "/api/v3/account/commission", pw_sim_rest_commission, 20, true, false},
    {"GET", "/api/v3/rateLimit/order", pw_sim_rest_order_rates, 40, true, false},
    {"GET", "/api/v3/myTrades", pw_sim_rest_my_trades, 0, true, false},
    {"GET", "/fapi/v1/exchangeInfo", pw_sim_rest_no_derivatives, 1, false, false},
    {"GET", "/dapi/v1/exchangeInfo", pw_sim_rest_no_derivatives, 1, false, false},
    {"GET", "/sapi/v1/asset/tradeFee", pw_sim_rest_trade_fee, 1, true, false},
    {"GET", "/sapi/v1/capital/config/getall", get_nothing, 1, true, false},
    {"GET", "/sapi/v1/margin/allPairs", get_nothing, 1, false, false},
    {"GET", "/sapi/v1/margin/isolated/allPairs", get_nothing, 1, false, false},
};

const struct pw_sim_endpoint *pw_sim_endpoint_find(struct pw_slice method, struct pw_slice path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (pw_slice_equal(method, endpoints[i].method) && pw_slice_equal(path, endpoints[i].path)) {
            return &endpoints[i];
        }
    }
    return NULL;
}

static bool path_known(struct pw_slice path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (pw_slice_equal(path, endpoints[i].path)) {
            return true;
        }
    }
    return false;
}

/* True if the request is refused because there were too many. */
static bool over_limit(struct pw_sim_call *call)
{
    struct pw_sim_rest *rest = call->rest;
    int64_t minute = call->wall_ns / (60 * SECOND_NS);
    int64_t window_end_ns = (minute + 1) * 60 * SECOND_NS;
    uint32_t limit = rest->limits->weight_per_min;

    if (minute != rest->minute) {
        rest->minute = minute;
        rest->used_weight = rest->refused_cnt = 0;
    }
    if (limit && rest->used_weight >= limit && ++rest->refused_cnt > rest->limits->ban_after &&
        rest->limits->ban_after && call->wall_ns >= rest->banned_until_ns) {
        rest->banned_until_ns = call->wall_ns + rest->limits->ban_s * SECOND_NS;
    }
    if (call->wall_ns < rest->banned_until_ns) {
        call->answer->retry_after_s = pw_sim_call_seconds_until(call, rest->banned_until_ns);
        pw_sim_call_error(call, 418, -1003, BANNED, rest->banned_until_ns / 1000000);
        return true;
    }
    if (limit && rest->used_weight >= limit) {
        call->answer->retry_after_s = pw_sim_call_seconds_until(call, window_end_ns);
        pw_sim_call_error(call, 429, -1003, TOO_MUCH_WEIGHT, limit);
        return true;
    }
    return false;
}

static void answer_fault(struct pw_sim_call *call, const struct pw_sim_fault *fault)
{
    struct pw_sim_rest_answer *answer = call->answer;

    if (fault->html) {
        answer->status = fault->status;
        answer->content_type = "text/html";
        pw_buffer_format(call->body, "<html><head><title>%u</title></head><body><h1>%u</h1></body></html>",
                         fault->status, fault->status);
    } else if (fault->status == 429) {
        pw_sim_call_error(call, 429, -1003, TOO_MUCH_WEIGHT, call->rest->limits->weight_per_min);
    } else if (fault->status == 418) {
        pw_sim_call_error(call, 418, -1003, BANNED,
                          call->wall_ns / 1000000 + (int64_t)call->rest->limits->ban_s * 1000);
    } else {
        pw_sim_call_error(call, fault->status, -1000, PW_SIM_SERVER_ERROR);
    }
    if (fault->status == 429 || fault->status == 418) {
        answer->retry_after_s = fault->status == 418 ? call->rest->limits->ban_s : 1;
    }
}

bool pw_sim_call_admit(struct pw_sim_call *call, const char *subject)
{
    const struct pw_sim_fault *fault =
        pw_sim_faults_request(call->rest->faults, subject, &call->answer->delay_ms);

    if (over_limit(call)) {
        return false;
    }
    if (fault) {
        answer_fault(call, fault);
    }
    return !fault;
}

void pw_sim_call_perform(struct pw_sim_call *call, const struct pw_sim_endpoint *endpoint,
                         const char *subject)
{
    const struct pw_sim_fault *fault;

    endpoint->answer(call);
    if (endpoint->free_if_done && call->answer->status == 200) {
        call->rest->used_weight -=
            endpoint->weight < call->rest->used_weight ? endpoint->weight : call->rest->used_weight;
    }
    fault = pw_sim_faults_hit(call->rest->faults, PW_SIM_UNKNOWN, subject);
    if (fault) {
        pw_sim_call_error(call, fault->status, -1007,
                          "Timeout waiting for response from backend server. Send status unknown; execution "
                          "status unknown.");
    }
}

/* The key's owner, by query and body as sent. False: told. */
static bool call_authorize(struct pw_sim_call *call, const struct pw_sim_rest_request *request,
                           struct pw_slice query)
{
    const struct pw_slice *key = pw_http_find(request->head, "X-MBX-APIKEY");
    struct pw_buffer *payload = &call->rest->payload;

    pw_sim_signature_payload(payload, query, request->body);
    if (payload->failed) {
        pw_sim_call_error(call, 500, -1000, PW_SIM_SERVER_ERROR);
        return false;
    }
    return pw_sim_call_authorize(call, key ? *key : (struct pw_slice){0},
                                 (struct pw_slice){payload->data, payload->size});
}

static void call_endpoint(struct pw_sim_call *call, const struct pw_sim_endpoint *endpoint,
                          const struct pw_sim_rest_request *request, struct pw_slice query)
{
    pw_sim_call_weigh(call, endpoint->weight);
    if (!endpoint->is_signed) {
        if (pw_sim_call_parse(call, query, PARAMETERS_MAX)) {
            pw_sim_call_perform(call, endpoint, endpoint->path);
        }
    } else if (pw_sim_call_parse(call, query, PW_SIM_PARAMETERS_MAX) &&
               pw_sim_call_parse(call, request->body, PW_SIM_PARAMETERS_MAX) &&
               call_authorize(call, request, query)) {
        pw_sim_call_perform(call, endpoint, endpoint->path);
    }
}

static void call_dispatch(struct pw_sim_call *call, const struct pw_sim_rest_request *request)
{
    struct pw_slice target = request->head->target, query = {0};
    const char *mark = memchr(target.text, '?', target.size);
    struct pw_slice path = {target.text, mark ? (size_t)(mark - target.text) : target.size};
    const struct pw_sim_endpoint *endpoint = pw_sim_endpoint_find(request->head->method, path);
    char text[128];

    if (mark) {
        query = (struct pw_slice){mark + 1, target.size - path.size - 1};
    }
    snprintf(text, sizeof text, "%.*s", (int)path.size, path.text);
    if (!pw_sim_call_admit(call, text)) {
        return;
    }
    if (endpoint) {
        call_endpoint(call, endpoint, request, query);
    } else if (path_known(path)) {
        pw_sim_call_error(call, 405, -1020, "This operation is not supported.");
    } else {
        pw_sim_call_error(call, 404, -1000, "There is no such endpoint.");
    }
}

void pw_sim_rest_answer(struct pw_sim_rest *rest, const struct pw_sim_rest_request *request,
                        struct pw_sim_rest_answer *answer)
{
    const struct pw_slice *unit = pw_http_find(request->head, "X-MBX-TIME-UNIT");
    struct pw_sim_call call = {
        .rest = rest, .answer = answer, .body = answer->body, .wall_ns = request->wall_ns + rest->clock_ns};

    *answer = (struct pw_sim_rest_answer){
        .status = 200, .content_type = "application/json;charset=UTF-8", .body = answer->body};
    pw_buffer_clear(answer->body);
    call.microsecond = unit && (pw_slice_equal(*unit, "MICROSECOND") || pw_slice_equal(*unit, "microsecond"));
    call_dispatch(&call, request);
    if (answer->body->failed) {
        pw_sim_call_error(&call, 500, -1000, PW_SIM_SERVER_ERROR);
    }
    answer->used_weight = rest->used_weight;
}
