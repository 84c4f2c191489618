/* SPDX-License-Identifier: MIT
 *
 * The measuring venue against the engine's own readers: what it says must be what they understand.
 */
#include "bench_venue.h"
#include "binance_decode.h"
#include "binance_entry.h"
#include "binance_rest.h"
#include "feeds.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A venue of three instruments whose first connection's other end is ours, without TLS. */
struct rig {
    struct venue venue;
    int fd;
    uint8_t in[65536];
    size_t in_bytes, read_bytes;
    struct pw_ws_decoder decoder;
};

static struct rig *rig_make(enum venue_role role)
{
    struct rig *rig = calloc(1, sizeof *rig);
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    venue_prepare(&rig->venue, 3);
    struct venue_conn *conn = &rig->venue.conns[0];
    cr_assert(stamped_open(&conn->end, ends[0], NULL));
    conn->role = role;
    conn->subscription_id = 0;
    rig->venue.market = conn;
    rig->venue.orders = conn;
    rig->fd = ends[1];
    rig->decoder.message_bytes_max = sizeof rig->in;
    return rig;
}

static void rig_free(struct rig *rig)
{
    close(rig->fd);
    venue_close(&rig->venue);
    free(rig);
}

/* The next text message that the venue has sent. */
static struct pw_slice rig_read(struct rig *rig)
{
    struct pw_ws_frame frame;
    ssize_t got = recv(rig->fd, rig->in + rig->in_bytes, sizeof rig->in - rig->in_bytes, MSG_DONTWAIT);
    rig->in_bytes += got > 0 ? (size_t)got : 0;
    enum pw_ws_result result =
        pw_ws_decode(&rig->decoder, rig->in + rig->read_bytes, rig->in_bytes - rig->read_bytes, &frame, NULL);
    cr_assert_eq(result, PW_WS_FRAME, "a whole frame was sent");
    cr_assert_eq(frame.opcode, PW_WS_TEXT);
    rig->read_bytes += frame.frame_bytes;
    return (struct pw_slice){(const char *)frame.payload, frame.payload_bytes};
}

static struct pw_binance_msg market_read(struct rig *rig, const char *stream)
{
    struct pw_binance_msg msg;
    struct pw_slice text = rig_read(rig);
    cr_assert_eq(pw_binance_decode(text.text, text.size, &msg), PW_DECODE_OK, "%.*s", (int)text.size,
                 text.text);
    cr_expect_str_eq(msg.stream, stream);
    cr_expect_str_eq(msg.symbol, "T001USDT");
    return msg;
}

Test(venue, ticks_have_prices_of_their_own_and_move_the_strategy)
{
    struct rig *rig = rig_make(VENUE_MARKET);
    uint64_t last_id = 0;
    int64_t last_e8 = 0;
    for (int i = 0; i < 3; i++) {
        cr_expect_neq(venue_send(&rig->venue, 1, VENUE_TICK), 0);
        struct pw_binance_msg msg = market_read(rig, "t001usdt@bookTicker");
        const struct pw_quote *quote = &msg.body.book_ticker.quote;
        cr_expect_gt(quote->update_id, last_id);
        cr_expect_gt(quote->ask_price_e8, last_e8);
        cr_expect_gt(quote->ask_price_e8, quote->bid_price_e8);
        cr_expect_geq(quote->bid_qty_e8, 50 * quote->ask_qty_e8);
        last_id = quote->update_id;
        last_e8 = quote->ask_price_e8;
    }
    rig_free(rig);
}

Test(venue, the_load_leaves_the_strategy_alone_and_the_book_whole)
{
    struct rig *rig = rig_make(VENUE_MARKET);
    uint64_t last_id = rig->venue.instruments[1].depth_update_id;
    for (int i = 0; i < 3; i++) {
        venue_send(&rig->venue, 1, VENUE_QUOTE);
        struct pw_binance_msg quote = market_read(rig, "t001usdt@bookTicker");
        cr_expect_lt(quote.body.book_ticker.quote.bid_qty_e8, 50 * quote.body.book_ticker.quote.ask_qty_e8);
        venue_send(&rig->venue, 1, VENUE_TRADE);
        cr_expect_eq(market_read(rig, "t001usdt@trade").kind, PW_BINANCE_TRADE);
        venue_send(&rig->venue, 1, VENUE_DEPTH);
        struct pw_binance_msg depth = market_read(rig, "t001usdt@depth@100ms");
        cr_assert_eq(depth.kind, PW_BINANCE_DEPTH);
        cr_expect_eq(depth.body.depth.first_id, last_id + 1, "no id is left out");
        cr_expect_geq(depth.body.depth.last_id, depth.body.depth.first_id);
        last_id = depth.body.depth.last_id;
    }
    rig_free(rig);
}

static bool rest(struct rig *rig, const char *target)
{
    return venue_rest_answer(&rig->venue, (struct pw_slice){target, strlen(target)});
}

Test(venue, rest_is_what_the_engine_asks_at_its_start)
{
    struct rig *rig = rig_make(VENUE_HTTP);
    struct pw_config_feed feed = {.instrument_cnt = 2, .instruments = {"T000USDT", "T002USDT"}};
    struct pw_instrument table[2];
    struct pw_instrument_said said[2];
    struct pw_instrument_list list = {.rows = table, .said = said};
    cr_assert(rest(rig, "/api/v3/exchangeInfo?symbols=%5B%22T000USDT%22%5D"));
    cr_assert_eq(
        pw_binance_instruments(rig->venue.reply.data, rig->venue.reply.size, pw_feed_wants(&feed), &list), 0,
        "%s", list.error);
    cr_expect_str_eq(table[1].base, "T002");
    cr_expect_eq(table[1].tick_e8, 1000000);
    cr_expect(table[1].tradable);

    struct pw_event events[64];
    cr_assert(rest(rig, "/api/v3/depth?symbol=T002USDT&limit=5000"));
    cr_expect_gt(pw_binance_depth_events(rig->venue.reply.data, rig->venue.reply.size,
                                         (struct pw_symbol){1, 0}, 1, events, 64),
                 1);
    cr_expect_eq(events[0].body.depth.last_update_id, rig->venue.instruments[2].depth_update_id);

    cr_assert(rest(rig, "/api/v3/time"));
    json_t *time = json_loadb(rig->venue.reply.data, rig->venue.reply.size, 0, NULL);
    cr_expect(json_is_integer(json_object_get(time, "serverTime")));
    json_decref(time);
    cr_expect_not(rest(rig, "/api/v3/depth?symbol=NONE&limit=5"));
    cr_expect_not(rest(rig, "/api/v3/depthless"));
    rig_free(rig);
}

static void ask(struct rig *rig, const char *request)
{
    venue_request_answer(&rig->venue, &rig->venue.conns[0], (struct pw_slice){request, strlen(request)});
}

static struct pw_binance_response told_read(struct rig *rig, enum pw_decode expected)
{
    static struct pw_entry_message message;
    struct pw_binance_response told;
    struct pw_slice text = rig_read(rig);
    cr_assert_eq(pw_binance_read_response(NULL, text.text, text.size, &message, &told), expected, "%.*s",
                 (int)text.size, text.text);
    return told;
}

#define ORDER                                                                                                \
    "{\"id\":\"p0000000000000007\",\"method\":\"order.place\",\"params\":{\"newClientOrderId\":"             \
    "\"pw-00000000-0000000000000007\",\"newOrderRespType\":\"ACK\",\"price\":  \"100.03\",\"quantity\": "    \
    "\"0.01000\","                                                                                           \
    "\"side\":\"BUY\",\"symbol\":\"T001USDT\",\"timeInForce\":\"IOC\",\"timestamp\":1700000000000,"          \
    "\"type\":\"LIMIT\"}}"

Test(venue, an_order_fills_at_its_price_and_is_reported_so)
{
    struct rig *rig = rig_make(VENUE_ORDERS);
    int64_t cash_e8 = rig->venue.cash_free_e8;
    for (uint32_t i = 0; i < 3; i++) { /* the third has the price 100.03 */
        venue_send(&rig->venue, 1, VENUE_TICK);
        rig_read(rig);
    }
    ask(rig, ORDER);
    struct pw_binance_response reply = told_read(rig, PW_DECODE_CONTROL);
    cr_expect_eq(reply.message->kind, PW_ENTRY_SAYS_ORDER);
    cr_expect(reply.message->is_ours);
    cr_expect_eq(reply.message->number, 7);
    cr_expect_eq(reply.body.order.client_order_id, 7);
    cr_expect_eq(reply.message->limit_cnt, 3);
    cr_expect_eq(reply.message->limits[0].used, 1, "one order in ten seconds");

    struct pw_binance_response opened = told_read(rig, PW_DECODE_OK);
    cr_expect_eq(opened.body.execution.type, PW_BINANCE_EXEC_NEW);
    struct pw_binance_response traded = told_read(rig, PW_DECODE_OK);
    cr_expect_eq(traded.body.execution.type, PW_BINANCE_EXEC_TRADE);
    cr_expect_eq(traded.body.execution.status, PW_BINANCE_STATUS_FILLED);
    cr_expect_eq(traded.body.execution.last_price_e8, INT64_C(10003000000));
    cr_expect_eq(traded.body.execution.last_qty_e8, 1000000);
    cr_expect_eq(traded.body.execution.client_order_id, 7);
    cr_expect_eq(told_read(rig, PW_DECODE_IGNORED).message->kind, PW_ENTRY_SAYS_NOTHING);
    cr_expect_eq(cash_e8 - rig->venue.cash_free_e8, 100030000);
    cr_expect_eq(rig->venue.instruments[1].free_e8, 1000000);

    struct venue_order order;
    cr_assert(venue_order_poll(&rig->venue, &order));
    cr_expect_eq(order.tick, 2);
    cr_expect_eq(order.instrument_idx, 1);
    cr_expect_not(venue_order_poll(&rig->venue, &order), "told once");
    rig_free(rig);
}

Test(venue, what_an_engine_asks_before_it_trades_is_answered)
{
    static const struct {
        const char *request;
        enum pw_entry_message_kind kind;
    } cases[] = {
        {"{\"id\":\"l1\",\"method\":\"session.logon\",\"params\":{\"apiKey\":\"bench\",\"signature\":\"x\"}}",
         PW_ENTRY_SAYS_LOGGED_IN},
        {"{\"id\":\"u1\",\"method\":\"userDataStream.subscribe\"}", PW_ENTRY_SAYS_SUBSCRIBED},
        {"{\"id\":\"t1\",\"method\":\"time\"}", PW_ENTRY_SAYS_TIME},
        {"{\"id\":\"b1\",\"method\":\"account.status\",\"params\":{}}", PW_ENTRY_SAYS_ACCOUNT},
        {"{\"id\":\"o1\",\"method\":\"openOrders.status\",\"params\":{}}", PW_ENTRY_SAYS_ORDERS},
    };
    struct rig *rig = rig_make(VENUE_ORDERS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(rig, cases[i].request);
        cr_expect_eq(told_read(rig, PW_DECODE_CONTROL).message->kind, cases[i].kind, "%s", cases[i].request);
    }
    cr_expect_eq(rig->venue.invalid_cnt, 0);
    rig_free(rig);
}

Test(venue, what_it_cannot_do_is_refused)
{
    static const struct {
        const char *request;
        int64_t code;
    } cases[] = {
        {"{\"id\":1,\"method\":\"order.status\",\"params\":{}}", -2013},
        {"{\"id\":2,\"method\":\"order.cancel\",\"params\":{}}", -2011},
        {"{\"id\":3,\"method\":\"order.place\",\"params\":{\"symbol\":\"T001USDT\",\"side\":\"SELL\"}}",
         -1102},
        {"{\"id\":4,\"method\":\"unheard.of\"}", -1000},
    };
    struct rig *rig = rig_make(VENUE_ORDERS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(rig, cases[i].request);
        cr_expect_eq(told_read(rig, PW_DECODE_ERROR_REPLY).error.code, cases[i].code, "%s", cases[i].request);
    }
    ask(rig, "no JSON");
    cr_expect(rig->venue.conns[0].end.ended);
    rig_free(rig);
}
