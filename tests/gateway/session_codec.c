/* SPDX-License-Identifier: MIT
 *
 * The session with a venue that is none of the registry's: a codec of a few lines, whose requests and
 * messages are words. What a session does is its own; what is said is the codec's alone.
 */
#include "gateways.h"
#include "orders.h"
#include "session.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pinwheel/entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 64u
#define NOW        INT64_C(1700000000000000000)
#define MS         INT64_C(1000000)

/* ---- the codec ---- */

static int toy_prepare(struct pw_entry_request *request, const struct pw_entry_spec *spec)
{
    *request = (struct pw_entry_request){.bytes = TEXT_BYTES,
                                         .kind = (uint8_t)spec->kind,
                                         .cost = {{1, pw_entry_is_new_order(spec->kind), 1}}};
    return 0;
}

static bool toy_can_write(const struct pw_entry_request *request, const struct pw_entry_values *values)
{
    return request->kind != PW_ENTRY_PLACE || values->qty_e8 > 0;
}

static bool toy_write(const struct pw_entry_request *request, const struct pw_entry_values *values,
                      char *text)
{
    char line[TEXT_BYTES + 1];
    uint64_t number = pw_entry_names_order(request->kind) ? values->order_id : values->number;
    int size = snprintf(line, sizeof line, "%u %llx %lld %lld", (unsigned)request->kind,
                        (unsigned long long)number, (long long)values->price_e8, (long long)values->qty_e8);
    memset(line + size, ' ', TEXT_BYTES - (uint32_t)size);
    memcpy(text, line, TEXT_BYTES);
    return true;
}

/* "R kind number says exec_type server_ns": a response; "E order exec_type qty": an event. */
static enum pw_decode toy_decode(const struct pw_symbols *symbols, const char *data, size_t bytes,
                                 struct pw_entry_message *message)
{
    (void)symbols;
    char line[128] = {0};
    unsigned kind, says, exec_type;
    unsigned long long number;
    long long last;
    memcpy(line, data, bytes < sizeof line ? bytes : sizeof line - 1);
    *message = (struct pw_entry_message){.order = {.is_ours = true, .instance_hash = 7, .has_report = true}};
    struct pw_report *report = &message->order.report;
    if (sscanf(line, "R %u %llx %u %u %lld", &kind, &number, &says, &exec_type, &last) == 5) {
        message->kind = (uint8_t)says;
        message->is_response = message->is_ours = true;
        message->request = (uint8_t)kind;
        message->number = number;
        message->server_ns = last;
    } else if (sscanf(line, "E %llx %u %lld", &number, &exec_type, &last) == 3) {
        message->kind = PW_ENTRY_SAYS_EXECUTION;
        report->fill_qty_e8 = report->executed_qty_e8 = last;
        report->fill_price_e8 = last > 0 ? PW_E8 : 0;
        report->has_trade_id = last > 0;
    } else {
        return PW_DECODE_BAD_FIELD;
    }
    report->client_order_id = number;
    report->exec_type = (uint8_t)exec_type;
    return message->is_response ? PW_DECODE_CONTROL : PW_DECODE_OK;
}

static bool toy_next_order(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                           struct pw_entry_order *order)
{
    (void)cursor, (void)list, (void)order;
    return false;
}

static bool toy_next_balance(struct pw_entry_cursor *cursor, const struct pw_entry_list *list,
                             struct pw_entry_balance *balance)
{
    (void)list;
    *balance = (struct pw_entry_balance){.asset = "EUR", .free_e8 = 50 * PW_E8};
    return cursor->opaque[0]++ == 0;
}

static bool toy_has_login(const struct pw_signing *signing)
{
    return !signing->is_ed25519; /* another venue's rule than Binance's */
}

static const struct pw_venue_entry g_toy = {
    .request_bytes = 64,
    .text_bytes = TEXT_BYTES,
    .fills_max = 1,
    .forms = {[PW_LIMIT] = {1}},
    .form_cnt = 1,
    .clock_unit_ns = 1,
    .window_cnt = 1,
    .windows = {{PW_BUDGET_REQUESTS, INT64_C(60000000000), 100, 10}},
    .has_login = toy_has_login,
    .prepare = toy_prepare,
    .can_write = toy_can_write,
    .write = toy_write,
    .decode = toy_decode,
    .next_order = toy_next_order,
    .next_balance = toy_next_balance,
};

/* ---- what stands around the session ---- */

struct rig {
    struct pw_orders *orders;
    void *state, *ring;
    struct pw_producer wire_in;
    struct pw_consumer wire;
    struct pw_signing signing;
    struct pw_gateway_config config;
    struct pw_reports out;
    int64_t now_ns;
};

static const struct pw_instrument g_instrument = {.symbol = "X", .quote = "EUR", .tick_e8 = 1, .step_e8 = 1};
static const bool g_trades[1] = {true};

static void *zeroed(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    cr_assert(memory);
    return memset(memory, 0, (bytes + 63) / 64 * 64);
}

static size_t no_sign(void *state, const char *payload, size_t bytes, char *signature)
{
    (void)state, (void)payload, (void)bytes, (void)signature;
    cr_assert_fail("nothing here is signed");
    return 0;
}

static void open_rig(struct rig *r)
{
    *r = (struct rig){.now_ns = NOW};
    r->ring = zeroed(pw_ring_bytes(64, 1 << 16));
    cr_assert_eq(pw_ring_format(r->ring, 64, 1 << 16, PW_RING_STALL), 0);
    pw_producer_attach(&r->wire_in, r->ring);
    pw_consumer_attach(&r->wire, r->ring);
    r->orders = pw_orders_init(zeroed(pw_orders_bytes(64, 1)), 64, 1, 3);
    r->signing = (struct pw_signing){.sign = no_sign, .signature_bytes = 64};
    r->config = (struct pw_gateway_config){.instruments = &g_instrument,
                                           .instrument_cnt = 1,
                                           .trades = g_trades,
                                           .orders = r->orders,
                                           .entry = &g_toy,
                                           .instance_hash = 7,
                                           .api_key = "key",
                                           .signing = &r->signing,
                                           .recv_window_ms = 5000,
                                           .ack_timeout_ns = 2000 * MS,
                                           .cash_e8 = 50 * PW_E8,
                                           .quote_asset = "EUR",
                                           .wire = &r->wire_in};
    r->state = zeroed(pw_live_gateway.bytes(&r->config));
    cr_assert_eq(pw_live_gateway.init(r->state, &r->config), 0);
}

static void close_rig(struct rig *r)
{
    free(r->orders);
    free(r->state);
    free(r->ring);
}

static void hear(struct rig *r, const char *text, uint32_t state)
{
    struct pw_event frame = {.kind = PW_EVENT_FRAME,
                             .recv_ns = r->now_ns,
                             .body.frame = {.payload_bytes = (uint32_t)strlen(text), .state = state}};
    pw_live_gateway.on_message(r->state, &frame, (const uint8_t *)text, &r->out);
}

/* The next request, which must be of that kind: its number. */
static unsigned long long next_request(struct rig *r, enum pw_entry_kind wanted)
{
    unsigned kind;
    unsigned long long number;
    char line[TEXT_BYTES + 1] = {0};
    r->now_ns += MS;
    pw_live_gateway.poll(r->state, r->now_ns, &r->out);
    pw_producer_publish(&r->wire_in);
    cr_assert_eq(pw_consumer_peek(&r->wire, 1), 1, "a request of kind %d", wanted);
    memcpy(line, pw_consumer_payload(&r->wire, pw_consumer_at(&r->wire, 0)), TEXT_BYTES);
    pw_consumer_done(&r->wire, 1);
    cr_assert_eq(sscanf(line, "%u %llx", &kind, &number), 2);
    cr_assert_eq(kind, wanted);
    return number;
}

static void respond(struct rig *r, enum pw_entry_kind kind, unsigned long long number,
                    enum pw_entry_message_kind says, enum pw_exec_type exec_type)
{
    char text[128];
    snprintf(text, sizeof text, "R %u %llx %u %u %lld", (unsigned)kind, number, (unsigned)says,
             (unsigned)exec_type, (long long)r->now_ns);
    hear(r, text, 0);
}

static void make_ready(struct rig *r)
{
    static const struct {
        enum pw_entry_kind kind;
        enum pw_entry_message_kind says;
    } steps[] = {{PW_ENTRY_TIME, PW_ENTRY_SAYS_TIME},
                 {PW_ENTRY_LOGIN, PW_ENTRY_SAYS_LOGGED_IN},
                 {PW_ENTRY_SUBSCRIBE, PW_ENTRY_SAYS_SUBSCRIBED},
                 {PW_ENTRY_OPEN_ORDERS, PW_ENTRY_SAYS_ORDERS},
                 {PW_ENTRY_ACCOUNT, PW_ENTRY_SAYS_ACCOUNT}};
    hear(r, "", PW_FEED_UP);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        unsigned long long number = next_request(r, steps[i].kind);
        respond(r, steps[i].kind, number, steps[i].says, PW_EXEC_SENT);
    }
    pw_live_gateway.poll(r->state, r->now_ns, &r->out);
}

/* The one report of what was heard, as the order table takes it. */
static enum pw_order_state take_report(struct rig *r, enum pw_exec_type wanted)
{
    struct pw_order_row *row;
    cr_assert_eq(r->out.cnt, 1);
    cr_expect_eq(r->out.rows[0].exec_type, wanted);
    cr_expect_eq(r->out.rows[0].recv_ns, r->now_ns);
    pw_orders_apply(r->orders, &r->out.rows[0], &row);
    r->out.cnt = 0;
    return (enum pw_order_state)row->state;
}

/* ---- tests ---- */

Test(session_codec, orders_go_and_end_through_another_venues_codec)
{
    struct rig r;
    open_rig(&r);
    make_ready(&r);
    struct pw_gateway_order order = {.client_order_id = pw_orders_take_id(r.orders),
                                     .price_e8 = PW_E8,
                                     .qty_e8 = 4,
                                     .recv_ns = r.now_ns,
                                     .type = PW_LIMIT,
                                     .tif = PW_GTC};
    cr_assert_eq(pw_live_gateway.check(r.state, &order, 0), PW_REASON_NONE);
    cr_assert(pw_orders_add(r.orders, &(struct pw_order_row){.client_order_id = order.client_order_id,
                                                             .price_e8 = order.price_e8,
                                                             .qty_e8 = order.qty_e8,
                                                             .leaves_qty_e8 = order.qty_e8,
                                                             .type = PW_LIMIT}));
    cr_expect_gt(pw_live_gateway.place(r.state, &order, &r.out), r.now_ns);
    pw_live_gateway.settle(r.state);
    unsigned long long id = next_request(&r, PW_ENTRY_PLACE);
    cr_expect_eq(id, order.client_order_id);
    respond(&r, PW_ENTRY_PLACE, id, PW_ENTRY_SAYS_ORDER, PW_EXEC_ACK);
    cr_expect_eq(take_report(&r, PW_EXEC_ACK), PW_ORDER_OPEN);
    char text[64];
    snprintf(text, sizeof text, "E %llx %u 1", id, (unsigned)PW_EXEC_FILL);
    hear(&r, text, 0);
    cr_expect_eq(take_report(&r, PW_EXEC_FILL), PW_ORDER_PARTIALLY_FILLED);
    pw_live_gateway.cancel(r.state, id, r.now_ns, &r.out);
    cr_expect_eq(next_request(&r, PW_ENTRY_CANCEL), id);
    respond(&r, PW_ENTRY_CANCEL, id, PW_ENTRY_SAYS_ORDER, PW_EXEC_CANCELED);
    close_rig(&r);
}

Test(session_codec, what_the_codec_has_no_form_for_is_denied)
{
    struct rig r;
    open_rig(&r);
    struct pw_gateway_order order = {.client_order_id = 1, .price_e8 = 1, .qty_e8 = 1, .type = PW_LIMIT};
    cr_expect_eq(pw_live_gateway.check(r.state, &order, 0), PW_REASON_NOT_CONNECTED);
    make_ready(&r);
    cr_expect_eq(pw_live_gateway.check(r.state, &order, 0), PW_REASON_NONE);
    order.tif = PW_IOC;
    cr_expect_eq(pw_live_gateway.check(r.state, &order, 0), PW_REASON_BAD_INTENT);
    order.tif = PW_GTC;
    order.type = PW_MARKET;
    cr_expect_eq(pw_live_gateway.check(r.state, &order, 0), PW_REASON_BAD_INTENT);
    order.type = PW_LIMIT;
    order.qty_e8 = 0;
    cr_expect_eq(pw_live_gateway.check(r.state, &order, 0), PW_REASON_BAD_INTENT);
    order.qty_e8 = 1;
    cr_expect_eq(pw_live_gateway.check(r.state, &order, 9), PW_REASON_BAD_INTENT, "none replaces");
    close_rig(&r);
}

Test(session_codec, a_venue_without_order_entry_is_refused)
{
    struct rig r;
    open_rig(&r);
    r.config.entry = NULL;
    cr_expect_eq(pw_live_gateway.bytes(&r.config), 0);
    cr_expect_eq(pw_live_gateway.init(r.state, &r.config), -EINVAL);
    close_rig(&r);
}

Test(gateways, are_found_by_name_and_differ_by_traits)
{
    for (uint32_t i = 0; i < pw_gateway_cnt; i++) {
        const struct pw_gateway_ops *ops = pw_gateways[i];
        cr_expect_eq(pw_gateway_find(ops->name), ops);
        cr_expect(ops->bytes && ops->init && ops->place && ops->cancel);
        cr_expect_eq(ops->traits.connects, ops->on_message && ops->poll && ops->counts, "%s", ops->name);
        cr_expect(!ops->traits.moves_money || (ops->traits.needs_keys && ops->traits.needs_journal));
    }
    cr_expect_null(pw_gateway_find("none"));
    cr_expect(pw_gateway_find("live")->traits.moves_money);
    cr_expect_not(pw_gateway_find("paper")->traits.connects);
    cr_expect_not(pw_dry_gateway.traits.moves_money);
}
