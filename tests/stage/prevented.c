/* SPDX-License-Identifier: MIT
 *
 * A live order of the execution stage that the simulator's self-trade prevention takes from: both in one
 * process and in virtual time, joined by the events of the account as the simulator writes them.
 * cases/20-prevented-quantity
 */
#include "sim_market.h"
#include "entry_venue.h"
#include "money.h"

static const struct pw_sim_synthetic_config market = {.seed = 11,
                                                      .epoch_ms = INT64_C(1723161600000),
                                                      .instrument_cnt = 1,
                                                      .instruments = {{.symbol = "C0USDT",
                                                                       .price_e8 = 100 * E8,
                                                                       .tick_e8 = E8 / 100,
                                                                       .step_e8 = E8 / 1000,
                                                                       .trades_per_s = 50,
                                                                       .quotes_per_s = 200,
                                                                       .levels = 100}}};

/* The engine's account, and somebody else's. */
static struct sim_market venue;

static void venue_open(void)
{
    memset(&venue, 0, sizeof venue);
    for (size_t i = 0; i < 2; i++) {
        sim_market_account(&venue, i == 0 ? "key0" : "key1",
                           (struct pw_sim_balance_config){"USDT", 10000000 * E8},
                           (struct pw_sim_balance_config){"C0", 1000 * E8});
    }
    sim_market_open(&venue, &market);
    /* As the rig's instrument is called. */
    snprintf(venue.source.symbols[0].name, sizeof venue.source.symbols[0].name, "COIN0");
    const struct pw_sim_subscription subscription = {.subscriber = &venue.listener.subscriber,
                                                     .account = &venue.accounts.accounts[0]};
    cr_assert_eq(pw_sim_user_stream_subscribe(&venue.stream, &subscription), 0);
}

static void venue_close(void)
{
    sim_market_close(&venue);
}

TestSuite(prevented, .init = venue_open, .fini = venue_close);

/* Some venues say what was prevented only when it is. */
static bool says_it_once;

static void forget_prevented(char *event)
{
    char *at = strstr(event, "\"x\":\"TRADE\"") ? strstr(event, "\"A\":\"") : NULL, *end;
    if (says_it_once && at) {
        end = strstr(at, "\",") + 2;
        memmove(at, end, strlen(end) + 1);
    }
}

/* An order at the venue, and to the engine what the account is told of it. */
static void trade(struct rig *rig, uint32_t account_idx, struct pw_sim_order_request request)
{
    struct pw_sim_client_order *order;
    struct pw_slice text;
    char event[2048];
    request.symbol = &venue.source.symbols[0];
    request.type = PW_LIMIT;
    const struct pw_sim_reject *reject =
        pw_sim_orders_place(&venue.orders, &venue.accounts.accounts[account_idx], &request, 0, &order);
    cr_assert_null(reject, "%s", reject ? reject->text : "");
    pw_sim_user_stream_flush(&venue.stream, rig->now_ns);
    while (listener_next(&venue.listener, &text)) {
        snprintf(event, sizeof event, "%.*s", (int)text.size, text.text);
        forget_prevented(event);
        say(rig, event);
        rig_poll_execution(rig);
    }
}

static void sell(struct rig *rig, uint32_t account_idx, enum pw_stp prevention, int64_t price_e8,
                 int64_t qty_e8)
{
    trade(rig, account_idx,
          (struct pw_sim_order_request){.side = PW_SELL,
                                        .tif = PW_IOC,
                                        .price_e8 = price_e8,
                                        .qty_e8 = qty_e8,
                                        .prevention = prevention});
}

/* A buy of 1 of the engine that rests alone at the best bid. Its price. */
static int64_t rest_one(struct rig *rig)
{
    const struct pw_sim_symbol *symbol = &venue.source.symbols[0];
    struct request request;
    char client_id[64];
    venue.source.ops->refresh(venue.source.state, &venue.source.symbols[0]);
    /* Somebody takes the best ask: there is room between the prices. */
    trade(rig, 1,
          (struct pw_sim_order_request){.side = PW_BUY,
                                        .tif = PW_IOC,
                                        .price_e8 = symbol->top.ask_price_e8,
                                        .qty_e8 = symbol->top.ask_qty_e8});
    venue.source.ops->refresh(venue.source.state, &venue.source.symbols[0]);
    int64_t price_e8 = symbol->top.bid_price_e8 + symbol->tick_e8;
    cr_assert_lt(price_e8, symbol->top.ask_price_e8);
    put(rig, rig_limit(PW_BUY, price_e8, E8, rig->now_ns - 1000));
    rig_poll_execution(rig);
    cr_assert(next_request(rig, &request));
    snprintf(client_id, sizeof client_id, "pw-" RIG_HASH "-%016llx",
             (unsigned long long)request.frame.body.frame.client_order_id);
    trade(rig, 0,
          (struct pw_sim_order_request){
              .side = PW_BUY, .price_e8 = price_e8, .qty_e8 = E8, .client_id = client_id});
    return price_e8;
}

static void expect_order(struct rig *rig, enum pw_order_state state, enum pw_reason reason, int64_t left_e8)
{
    struct pw_order order = last_order(rig).body.order;
    cr_expect_eq(order.state, state, "state %u", order.state);
    cr_expect_eq(order.reason, reason, "%s", pw_reason_name(order.reason));
    cr_expect_eq(order.leaves_qty_e8, left_e8);
}

/* What risk sees as open, and that so much of the cash for one is held: with the next intent, which is
 * denied. Returns what is held. */
static pw_i128 expect_open(struct rig *rig, int64_t qty_e8, pw_i128 hold_of_one_e16)
{
    struct pw_event event;
    int64_t open_e8 = -1;
    pw_i128 hold_e16 = -1;
    drop_journal(rig);
    put(rig, rig_limit(PW_BUY, 0, E8, rig->now_ns - 1000));
    rig_poll_execution(rig);
    while (rig_take(&rig->journal, &event)) {
        if (event.kind == PW_EVENT_RISK_MARKET) {
            open_e8 = event.body.risk_market.open_buy_e8;
        } else if (event.kind == PW_EVENT_RISK_CASH) {
            hold_e16 = pw_money_of_words(event.body.risk_cash.hold_e16);
        }
    }
    drop_reports(rig);
    cr_expect_eq(open_e8, qty_e8);
    cr_expect(hold_of_one_e16 == 0 || hold_e16 == hold_of_one_e16 * qty_e8 / E8, "held for another quantity");
    return hold_e16;
}

Test(prevented, a_live_order_goes_on_with_what_is_left_and_ends_when_nothing_is)
{
    for (int way = 0; way < 4; way++) {
        bool prevented_to_the_end = way & 1;
        says_it_once = way & 2;
        struct rig *rig = start(SLOTS);
        make_ready(rig);
        int64_t price_e8 = rest_one(rig);
        expect_order(rig, PW_ORDER_OPEN, PW_REASON_NONE, E8);
        pw_i128 one_e16 = expect_open(rig, E8, 0);
        cr_expect(one_e16 >= (pw_i128)price_e8 * E8);
        sell(rig, 0, PW_STP_DECREMENT, price_e8, 4 * E8 / 10); /* by hand, of the same account */
        expect_order(rig, PW_ORDER_OPEN, PW_REASON_VENUE_PREVENTED, 6 * E8 / 10);
        expect_open(rig, 6 * E8 / 10, one_e16);
        sell(rig, 1, PW_STP_NONE, price_e8, 2 * E8 / 10);
        expect_order(rig, PW_ORDER_PARTIALLY_FILLED, PW_REASON_NONE, 4 * E8 / 10);
        expect_open(rig, 4 * E8 / 10, one_e16);
        cr_expect_eq(metric(rig, "fills"), 1);
        if (prevented_to_the_end) {
            sell(rig, 0, PW_STP_TRANSFER, price_e8, 5 * E8 / 10);
            expect_order(rig, PW_ORDER_EXPIRED, PW_REASON_VENUE_PREVENTED, 8 * E8 / 10);
        } else {
            sell(rig, 1, PW_STP_NONE, price_e8, 5 * E8 / 10);
            expect_order(rig, PW_ORDER_EXPIRED, PW_REASON_NONE, 4 * E8 / 10);
        }
        expect_open(rig, 0, one_e16);
        cr_expect_eq(metric(rig, "reports_inconsistent"), 0);
        cr_expect_eq(rig_position(rig, 0).qty_e8, (prevented_to_the_end ? 2 : 6) * E8 / 10);
        cr_expect_eq(metric(rig, "unknown_orders"), 0);
        cr_expect_geq(metric(rig, "gateway.orders_external"), 1, "the orders by hand");
        rig_close(rig);
    }
}
