/* SPDX-License-Identifier: MIT
 *
 * The execution stage with the live gateway: the test is the venue, and net_rx and net_tx with it. Whose room
 * is whose in the report ring, what contradicts itself, the stamps of the way out, a clean stop.
 */
#include "entry_venue.h"
#include "flow.h"
#include "rules.h"

#include <pinwheel/histogram.h>
#include <pinwheel/stamps.h>

/* ---- orders ---- */

Test(execution_live, nothing_is_sent_before_order_entry_is_ready)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, T0));
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.reason, PW_REASON_NOT_CONNECTED);
    cr_expect_not(next_request(rig, &request));
    cr_expect_eq(metric(rig, "denied_not_connected"), 1);
    rig_close(rig);
}

Test(execution_live, an_order_goes_out_and_its_fill_comes_back)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    uint64_t id = place(rig, &request);
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_IN_FLIGHT);
    tell_execution(rig, id, "NEW", "NEW", "0", "0", -1);
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_OPEN);
    tell_execution(rig, id, "TRADE", "FILLED", "1", "1", 4711);
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_FILLED);
    cr_expect_eq(metric(rig, "fills"), 1);
    cr_expect_eq(rig_position(rig, 0).qty_e8, E8);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 0);
    rig_close(rig);
}

/* Decisions that were held up, made one by one over a few seconds, come at once. */
Test(execution_live, what_was_held_up_does_not_go_out_in_one_burst)
{
    struct rig_options options = {.live = true,
                                  .report_slots = SLOTS,
                                  .stream_slots = 4096,
                                  .journal_slots = 65536,
                                  .max_orders_per_s = 3};
    struct rig *rig = start_with(&options);
    struct request request;
    make_ready(rig);
    for (int i = 0; i < 20; i++) {
        put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 4000 * MS + i * 200 * MS));
    }
    rig_poll_execution(rig);
    int sent = 0;
    while (next_request(rig, &request)) {
        sent++;
    }
    cr_expect_eq(sent, 3, "as many as a second allows");
    cr_expect_eq(metric(rig, "denied_stale"), 15, "older than a second; the event of a second ago is not");
    cr_expect_eq(metric(rig, "denied_order_rate"), 2);
    rig->now_ns += 1000 * MS;
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000 * MS));
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000 * MS - 1));
    rig_poll_execution(rig);
    cr_expect(next_request(rig, &request), "just young enough");
    cr_expect_not(next_request(rig, &request));
    cr_expect_eq(metric(rig, "denied_stale"), 16);
    rig_close(rig);
}

/* cases/23-kernel-stamp-after-a-stall: received on another core after this pass had begun. */
Test(execution_live, no_histogram_has_negative_durations)
{
    static const char *const names[] = {"hop.recv_to_execution", "tick_to_order", "tick_to_fill"};
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    put(rig, rig_quote(99 * E8, 101 * E8, rig->now_ns + 5000));
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns + 5000));
    rig->clock_ns = rig->now_ns + 6000;
    rig_poll_execution(rig);
    cr_assert(next_request(rig, &request));
    tell_execution(rig, request.frame.body.frame.client_order_id, "TRADE", "FILLED", "1", "1", 4711);
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "fills"), 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct pw_histogram *histogram = pw_env_histogram(&rig->env, names[i]);
        cr_expect_eq(atomic_load(&histogram->negative_cnt), 0, "%s", names[i]);
        cr_expect_gt(atomic_load(&histogram->count), 0, "%s", names[i]);
    }
    rig_close(rig);
}

/* ---- data that came in late ---- */

static void tell_lag(struct rig *rig, int64_t lag_ns, int64_t delay_ns)
{
    struct pw_event event = rig_feed(PW_FEED_UP, rig->now_ns);
    event.body.state.lag_ns = lag_ns;
    event.body.state.delay_ns = delay_ns;
    put(rig, event);
}

static bool goes_out(struct rig *rig, int64_t recv_ns)
{
    struct request request;
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, recv_ns));
    rig_poll_execution(rig);
    bool gone = next_request(rig, &request);
    rig_poll_execution(rig);
    struct pw_event order = last_order(rig);
    cr_expect_eq(order.body.order.reason, gone ? PW_REASON_NONE : PW_REASON_STALE);
    return gone;
}

/* cases/01-freeze-then-stale-orders: age counts from when the data was sent, and the record tells it. */
Test(execution_live, an_order_on_data_that_came_in_late_is_denied)
{
    struct rig *rig = start(SLOTS);
    make_ready(rig);
    cr_expect(goes_out(rig, rig->now_ns));
    drop_journal(rig);
    tell_lag(rig, 8000 * MS, 0);
    cr_expect_not(goes_out(rig, rig->now_ns));
    struct pw_event event, risk = {0};
    while (rig_take(&rig->journal, &event)) {
        risk = event.kind == PW_EVENT_RISK_MARKET ? event : risk;
    }
    cr_expect_eq(risk.venue_ns - risk.recv_ns, 8000 * MS, "from which the check can be repeated");
    tell_lag(rig, 600 * MS, 0);
    cr_expect(goes_out(rig, rig->now_ns - 400 * MS));
    cr_expect_not(goes_out(rig, rig->now_ns - 401 * MS));
    tell_lag(rig, 0, 0);
    cr_expect(goes_out(rig, rig->now_ns));
    cr_expect_eq(metric(rig, "denied_stale"), 2);
    rig_close(rig);
}

/* The venue's clock as order entry has measured it: the same as ours, here. A feed whose usual delay is 5 s
 * by it has old data; one whose clock is ahead has not. cases/01-freeze-then-stale-orders */
Test(execution_live, a_feed_that_is_always_late_is_denied_by_the_measured_clock)
{
    struct rig *rig = start(SLOTS);
    make_ready(rig);
    tell_lag(rig, 0, 5000 * MS);
    cr_expect_not(goes_out(rig, rig->now_ns));
    tell_lag(rig, 0, 500 * MS);
    cr_expect(goes_out(rig, rig->now_ns));
    tell_lag(rig, 0, -5000 * MS);
    cr_expect(goes_out(rig, rig->now_ns));
    tell_lag(rig, 1250 * MS, -5000 * MS);
    cr_expect_not(goes_out(rig, rig->now_ns), "late against its own clock all the same");
    rig_close(rig);
}

/* cases/21-reference-price-of-filters: told apart from orders that end because nothing is offered. */
Test(execution_live, an_expiry_by_the_price_range_is_counted_with_its_reason)
{
    static const char *const words[] = {"EXECUTION_RULE_PRICE_RANGE_EXCEEDED", "INSUFFICIENT_LIQUIDITY"};
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    for (int i = 0; i < 2; i++) {
        char rest[128];
        uint64_t id = place(rig, &request);
        drop_reports(rig);
        snprintf(rest, sizeof rest, "\"n\":\"0\",\"N\":null,\"eR\":\"%s\"", words[i]);
        tell_execution_with_fee(rig, id, "EXPIRED", "EXPIRED", "0", "0", -1, rest);
        rig_poll_execution(rig);
        struct pw_event event = {0};
        while (rig_take(&rig->reports_in, &event)) { /* the last one says how it ended */
        }
        cr_expect_eq(event.body.order.state, PW_ORDER_EXPIRED);
        cr_expect_eq(event.body.order.reason, i == 0 ? PW_REASON_VENUE_PRICE_RANGE : PW_REASON_NONE);
        cr_expect_eq(metric(rig, "expired_by_range"), 1);
    }
    rig_close(rig);
}

Test(execution_live, a_fee_in_the_base_asset_is_not_held_and_cannot_be_sold)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    uint64_t id = place(rig, &request);
    tell_execution_with_fee(rig, id, "TRADE", "FILLED", "1", "1", 4711, "\"n\":\"0.00100000\",\"N\":\"C0\"");
    rig_poll_execution(rig);
    struct pw_event event, info = {0};
    while (rig_take(&rig->reports_in, &event)) {
        info = event.kind == PW_EVENT_FILL_INFO ? event : info;
    }
    cr_expect(pw_fill_info_fee_e16(&info.body.fill_info) == (pw_i128)100000 * E8);
    cr_expect_eq(metric(rig, "fills"), 1);
    struct pw_position position = rig_position(rig, 0);
    cr_expect_eq(position.qty_e8, E8 - 100000);
    cr_expect_eq(position.cost_e16[0], (uint64_t)(90 * E8 * E8));
    cr_expect_eq(position.fees_e16[0], (uint64_t)90 * 100000 * E8);
    put(rig, rig_limit(PW_SELL, 110 * E8, E8, rig->now_ns));
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.reason, PW_REASON_NO_POSITION);
    cr_expect_not(next_request(rig, &request));
    put(rig, rig_limit(PW_SELL, 110 * E8, E8 - 100000, rig->now_ns));
    rig_poll_execution(rig);
    rig_poll_execution(rig); /* it has left, and is told */
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_IN_FLIGHT);
    rig_close(rig);
}

Test(execution_live, an_order_leaves_before_anybody_is_told_of_it)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    struct pw_event event;
    make_ready(rig);
    rig_poll_execution(rig);
    while (rig_take(&rig->reports_in, &event) || rig_take(&rig->journal, &event)) {
    }
    const struct pw_event intent = rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000);
    uint64_t before = atomic_load(&rig->stream.ring->tail);
    put(rig, intent);
    put(rig, intent);
    rig_poll_execution(rig);
    cr_assert(next_request(rig, &request));
    uint64_t first_id = request.frame.body.frame.client_order_id;
    cr_assert(next_request(rig, &request));
    uint64_t second_id = request.frame.body.frame.client_order_id;
    /* The first was told when the second came; the second is, when it has left. */
    cr_expect_eq(last_order(rig).body.order.client_order_id, first_id);
    cr_expect_eq(atomic_load(&rig->stream.ring->tail), before + 1);
    cr_expect_eq(pw_execution_stage.next_ns(rig->execution), 0);
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.client_order_id, second_id);
    cr_expect_eq(atomic_load(&rig->stream.ring->tail), before + 2);
    const uint8_t kinds[] = {PW_EVENT_INTENT, PW_EVENT_RISK_MARKET, PW_EVENT_RISK_CASH, PW_EVENT_RISK_LIMITS,
                             PW_EVENT_ORDER};
    for (size_t i = 0; i < 2 * sizeof kinds; i++) {
        cr_assert(rig_take(&rig->journal, &event));
        cr_expect_eq(event.kind, kinds[i % sizeof kinds]);
    }
    rig_close(rig);
}

Test(execution_live, what_contradicts_itself_halts_until_someone_has_looked)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    uint64_t id = place(rig, &request), other = place(rig, &request);
    tell_execution(rig, id, "TRADE", "FILLED", "1", "1", 1);
    rig_poll_execution(rig);
    drop_reports(rig);
    drop_journal(rig);
    tell_execution(rig, id, "TRADE", "PARTIALLY_FILLED", "0.5", "1", 2); /* there was no more of it */
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 1);
    struct pw_event event = {0};
    while (event.kind != PW_EVENT_COMMAND && rig_take(&rig->journal, &event)) {
    }
    cr_expect_eq(event.kind, PW_EVENT_COMMAND);
    cr_expect_eq(event.body.state.state, PW_COMMAND_HALT);
    cr_expect_eq(event.body.state.reason, PW_REASON_REPORT);
    cr_assert(next_request(rig, &request), "what is open is canceled");
    cr_expect_str_eq(request.method, "order.cancel");
    tell_execution(rig, other, "CANCELED", "CANCELED", "0", "0", -1);
    rig_poll_execution(rig);
    drop_reports(rig);
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, T0));
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.reason, PW_REASON_HALTED);
    rig_put_command(rig, PW_COMMAND_RESUME);
    rig_poll_execution(rig);
    place(rig, &request);
    rig_close(rig);
}

Test(execution_live, report_of_an_order_that_was_never_placed_halts)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    uint64_t id = place(rig, &request);
    drop_reports(rig);
    drop_journal(rig);
    tell_execution(rig, id + 500, "TRADE", "FILLED", "1", "1", 1);
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 1);
    cr_expect_eq(metric(rig, "fills"), 0);
    struct pw_event event = {0};
    while (event.kind != PW_EVENT_COMMAND && rig_take(&rig->journal, &event)) {
    }
    cr_expect_eq(event.body.state.state, PW_COMMAND_HALT);
    cr_expect_eq(event.body.state.reason, PW_REASON_REPORT);
    cr_assert(next_request(rig, &request), "what is open is canceled");
    cr_expect_str_eq(request.method, "order.cancel");
    rig_close(rig);
}

Test(execution_live, a_key_that_is_refused_halts_and_cancels)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    place(rig, &request);
    drop_reports(rig);
    drop_journal(rig);
    say(rig, "{\"id\":null,\"status\":401,\"error\":{\"code\":-2015,\"msg\":\"Invalid API-key.\"}}");
    rig_poll_execution(rig);
    struct pw_event event = {0};
    while (event.kind != PW_EVENT_COMMAND && rig_take(&rig->journal, &event)) {
    }
    cr_expect_eq(event.kind, PW_EVENT_COMMAND);
    cr_expect_eq(event.body.state.state, PW_COMMAND_HALT);
    cr_expect_eq(event.body.state.reason, PW_REASON_VENUE_KEY);
    cr_assert(next_request(rig, &request), "what is open is canceled");
    cr_expect_str_eq(request.method, "order.cancel");
    drop_reports(rig);
    rig_put_command(rig, PW_COMMAND_RESUME);
    rig_poll_execution(rig);
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, T0));
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.reason, PW_REASON_VENUE_KEY, "who resumes is told");
    rig_close(rig);
}

/* ---- two accounts ---- */

/* The connections of their order entry, behind those of two feeds. */
static const uint16_t order_conns[] = {2, 3};

/* Two live accounts, one an instrument, both ready. */
static struct rig *start_two(void)
{
    struct rig_options options = {.live = true,
                                  .report_slots = SLOTS,
                                  .stream_slots = 4096,
                                  .journal_slots = 65536,
                                  .second_quote = "USDT",
                                  .second_cash_e8 = 10000 * E8};
    struct rig *rig = start_with(&options);
    struct pw_event up = rig_feed(PW_FEED_UP, T0), quote = rig_quote(99 * E8, 101 * E8, T0);
    up.body.state.feed_idx = 1;
    quote.instrument_idx = 1;
    put(rig, up);
    put(rig, quote);
    for (size_t i = 0; i < 2; i++) {
        notice_on(rig, order_conns[i], PW_FEED_UP, 5);
    }
    for (int i = 0; i < 1000 && !(metric(rig, "gateway.ready") && rig_metric(rig, "gateway.2", "ready"));
         i++) {
        answer_sessions(rig);
    }
    cr_assert(metric(rig, "gateway.ready") && rig_metric(rig, "gateway.2", "ready"));
    return rig;
}

static void order_in(struct rig *rig, uint16_t instrument_idx)
{
    struct pw_event intent = rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000);
    intent.instrument_idx = instrument_idx;
    put(rig, intent);
    rig_poll_execution(rig);
}

static void expect_placed(struct rig *rig, uint16_t instrument_idx)
{
    struct request request;
    order_in(rig, instrument_idx);
    cr_assert(next_request(rig, &request), "instrument %u", instrument_idx);
    cr_expect_str_eq(request.method, "order.place");
    cr_expect_eq(request.frame.body.frame.feed_idx, order_conns[instrument_idx]);
    drop_reports(rig);
}

static void expect_denied(struct rig *rig, uint16_t instrument_idx, enum pw_reason reason)
{
    order_in(rig, instrument_idx);
    struct pw_event order = last_order(rig);
    cr_expect_eq(order.body.order.state, PW_ORDER_DENIED);
    cr_expect_eq(order.body.order.reason, reason, "%s", pw_reason_name(order.body.order.reason));
}

/* The COMMAND that is next in the journal. */
static struct pw_state next_command(struct rig *rig)
{
    struct pw_event event = {0};
    while (event.kind != PW_EVENT_COMMAND && rig_take(&rig->journal, &event)) {
    }
    cr_assert_eq(event.kind, PW_EVENT_COMMAND);
    return event.body.state;
}

Test(execution_live, a_fault_halts_its_own_account_alone)
{
    struct rig *rig = start_two();
    struct request request;
    expect_placed(rig, 0);
    expect_placed(rig, 1);
    drop_journal(rig);
    say_on(rig, order_conns[1],
           "{\"id\":null,\"status\":401,\"error\":{\"code\":-2015,\"msg\":\"Invalid API-key.\"}}");
    rig_poll_execution(rig);
    struct pw_state command = next_command(rig);
    cr_expect_eq(command.state, PW_COMMAND_HALT);
    cr_expect_eq(command.reason, PW_REASON_VENUE_KEY);
    cr_expect_eq(command.account_nth, 2);
    cr_assert(next_request(rig, &request), "what is open in that account is canceled");
    cr_expect_str_eq(request.method, "order.cancel");
    cr_expect_eq(request.frame.body.frame.feed_idx, order_conns[1]);
    cr_expect_not(next_request(rig, &request), "the other's is not");
    drop_reports(rig);
    expect_denied(rig, 1, PW_REASON_HALTED);
    expect_placed(rig, 0);
    pw_execution_stage.housekeep(rig->execution, rig->now_ns);
    cr_expect_eq(rig_account_at(rig, 0).halted, PW_REASON_NONE);
    cr_expect_eq(rig_account_at(rig, 1).halted, PW_REASON_VENUE_KEY);
    cr_expect_eq(rig->stop->stop, 0);
    rig_close(rig);
}

/* An execution of a resting buy of 1 at 90 in the first instrument, on the second account's connection. */
static void tell_at_the_others(struct rig *rig, uint64_t id, const char *side, const char *price)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":%lld,\"s\":\"COIN0\",\"c\":"
             "\"pw-" RIG_HASH "-%016llx\",\"S\":\"%s\",\"o\":\"LIMIT\",\"f\":\"GTC\",\"q\":\"1\",\"p\":"
             "\"%s\",\"C\":\"\",\"x\":\"NEW\",\"X\":"
             "\"NEW\",\"r\":\"NONE\",\"i\":77,\"l\":\"0\",\"z\":\"0\",\"L\":\"0\",\"n\":\"0\",\"N\":null,"
             "\"T\":%lld,\"t\":-1,"
             "\"w\":true,\"m\":false}}",
             (long long)(rig->now_ns / MS), (unsigned long long)id, side, price,
             (long long)(rig->now_ns / MS));
    say_on(rig, order_conns[1], text);
    rig_poll_execution(rig);
}

/* A report of an order of the other account: whatever it says of that order, true or not, is nothing that
 * the order's own account was told. cases/34-reports-that-contradict-their-order */
Test(execution_live, a_contradiction_halts_the_account_that_reports_it)
{
    static const struct {
        const char *side, *price;
    } rows[] = {{"BUY", "90"}, {"SELL", "90"}, {"BUY", "91"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig *rig = start_two();
        struct request request;
        struct pw_event event;
        order_in(rig, 0);
        cr_assert(next_request(rig, &request));
        uint64_t id = request.frame.body.frame.client_order_id;
        expect_placed(rig, 1);
        drop_journal(rig);
        tell_at_the_others(rig, id, rows[i].side, rows[i].price);
        struct pw_state command = next_command(rig);
        cr_expect_eq(command.reason, PW_REASON_REPORT);
        cr_expect_eq(command.account_nth, 2);
        cr_expect_eq(metric(rig, "reports_inconsistent"), 1, "row %zu", i);
        while (rig_take(&rig->reports_in, &event)) {
            cr_expect(event.kind != PW_EVENT_ORDER || event.body.order.client_order_id != id ||
                          event.body.order.state != PW_ORDER_UNKNOWN,
                      "row %zu: the order is not in doubt", i);
        }
        expect_denied(rig, 1, PW_REASON_HALTED);
        while (next_request(rig, &request)) {
            cr_expect_eq(request.frame.body.frame.feed_idx, order_conns[1], "what its own account placed");
        }
        expect_placed(rig, 0);
        for (int pass = 0; pass < 100; pass++) {
            rig->now_ns += 100 * MS;
            rig_poll_execution(rig);
            while (next_request(rig, &request)) {
                cr_expect(request.frame.body.frame.feed_idx != order_conns[1] ||
                              strcmp(request.method, "order.status") != 0,
                          "an order of the other account is asked for");
            }
        }
        rig_close(rig);
    }
}

/* Who halts, halts all; who resumes, too, also an account with a fault. */
Test(execution_live, commands_are_for_all_accounts)
{
    struct rig *rig = start_two();
    drop_journal(rig);
    say_on(rig, order_conns[1],
           "{\"id\":null,\"status\":401,\"error\":{\"code\":-2015,\"msg\":\"Invalid API-key.\"}}");
    rig_poll_execution(rig);
    cr_expect_eq(next_command(rig).account_nth, 2);
    rig_put_command(rig, PW_COMMAND_HALT);
    rig_poll_execution(rig);
    cr_expect_eq(next_command(rig).account_nth, 0);
    drop_reports(rig);
    expect_denied(rig, 0, PW_REASON_HALTED);
    expect_denied(rig, 1, PW_REASON_HALTED);
    rig_put_command(rig, PW_COMMAND_RESUME);
    rig_poll_execution(rig);
    drop_reports(rig);
    expect_placed(rig, 0);
    expect_denied(rig, 1, PW_REASON_VENUE_KEY);
    rig_close(rig);
}

/* A ban is of one host. The rig's feeds are at none: the second one is put at another. */
Test(execution_live, a_pause_is_of_the_accounts_at_that_host)
{
    struct rig *rig = start_two();
    struct request request;
    int64_t until_ns = rig->now_ns + 3000 * MS;
    pw_producer_put(&rig->commands,
                    &(struct pw_event){.kind = PW_EVENT_COMMAND,
                                       .venue_ns = until_ns,
                                       .body.state = {.state = PW_COMMAND_PAUSE, .feed_idx = 1}});
    pw_producer_publish(&rig->commands);
    rig_poll_execution(rig);
    drop_reports(rig);
    expect_denied(rig, 1, PW_REASON_REQUEST_LIMIT);
    cr_expect_not(next_request(rig, &request));
    expect_placed(rig, 0);
    cr_expect_eq(metric(rig, "gateway.paused_until_ns"), 0);
    cr_expect_eq(rig_metric(rig, "gateway.2", "paused_until_ns"), (uint64_t)until_ns);
    rig_close(rig);
}

/* ---- the connection, and pauses ---- */

Test(execution_live, a_lost_connection_leaves_orders_unknown_and_sends_none_again)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    place(rig, &request);
    drop_reports(rig);
    notice(rig, PW_FEED_DOWN, 5);
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_UNKNOWN);
    cr_expect_eq(metric(rig, "unknown_orders"), 1);
    cr_expect_eq(metric(rig, "gateway.ready"), 0);
    notice(rig, PW_FEED_UP, 6);
    for (int i = 0; i < 100; i++) {
        rig->now_ns += MS;
        rig_poll_execution(rig);
        while (next_request(rig, &request)) {
            cr_expect_str_neq(request.method, "order.place");
            cr_expect_eq(request.frame.body.frame.epoch, 6);
        }
    }
    rig_close(rig);
}

/* A ban that the REST service told holds for this address, so for order entry, too. */
Test(execution_live, a_pause_that_housekeeping_tells_is_kept_to_its_end)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    uint64_t id = place(rig, &request);
    tell_execution(rig, id, "NEW", "NEW", "0", "0", -1);
    rig_poll_execution(rig);
    drop_reports(rig);
    drop_journal(rig);
    int64_t until_ns = rig->now_ns + 3000 * MS;
    pw_producer_put(&rig->commands, &(struct pw_event){.kind = PW_EVENT_COMMAND,
                                                       .venue_ns = until_ns,
                                                       .body.state = {.state = PW_COMMAND_PAUSE}});
    pw_producer_publish(&rig->commands);
    rig_poll_execution(rig);
    struct pw_event event;
    cr_expect_not(rig_take(&rig->journal, &event), "it is no command to the stream");
    cr_expect_eq(metric(rig, "gateway.paused_until_ns"), (uint64_t)until_ns);
    struct pw_event cancel = {.kind = PW_EVENT_INTENT, .recv_ns = rig->now_ns};
    cancel.body.intent = (struct pw_intent){.action = PW_CANCEL, .client_order_id = id};
    put(rig, cancel);
    while (rig->now_ns < until_ns - MS) {
        rig->now_ns += MS;
        put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns));
        rig_poll_execution(rig);
        cr_assert_eq(last_order(rig).body.order.state, PW_ORDER_DENIED);
        cr_assert_not(next_request(rig, &request), "%s", request.method);
        drop_journal(rig);
    }
    cr_expect_eq(metric(rig, "denied_request_limit"), 2999);
    cr_expect_eq(metric(rig, "gateway.rate_limited"), 0, "order entry itself was never told");
    bool canceled = false;
    for (int i = 0; i < 100 && !canceled; i++) {
        rig->now_ns += MS;
        rig_poll_execution(rig);
        canceled = next_request(rig, &request) && strcmp(request.method, "order.cancel") == 0;
    }
    cr_expect(canceled, "what was asked meanwhile is made up for");
    cr_expect_eq(metric(rig, "gateway.paused_until_ns"), 0);
    rig_close(rig);
}

/* Is the text anywhere in the wire's payload? */
static bool is_on_wire(const struct rig *rig, const char *text)
{
    return memmem(rig->wire.payload, rig->wire.payload_mask + 1, text, strlen(text)) != NULL;
}

Test(execution_live, what_was_sent_does_not_stay_in_shared_memory)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    pw_execution_stage.housekeep(rig->execution, 0);
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000));
    rig_poll_execution(rig);
    pw_execution_stage.housekeep(rig->execution, 0);
    cr_expect(is_on_wire(rig, "rigkey"), "net_tx has not taken it yet");
    cr_assert(next_request(rig, &request));
    cr_expect_str_eq(request.method, "order.place");
    rig_poll_execution(rig);
    pw_execution_stage.housekeep(rig->execution, 0);
    cr_expect_not(is_on_wire(rig, "rigkey"));
    cr_expect_not(is_on_wire(rig, "signature"));
    for (int i = 0; i < 5000; i++) { /* round the area, more than once */
        put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000));
        rig_poll_execution(rig);
        if (next_request(rig, &request)) {
            uint64_t id = request.frame.body.frame.client_order_id;
            if (strcmp(request.method, "time") == 0) {
                reply_by_method(rig, &request);
                continue;
            }
            refuse(rig, &request, -1007); /* of unknown outcome, until its report comes */
            tell_execution(rig, id, "CANCELED", "CANCELED", "0", "0", -1);
            rig_poll_execution(rig);
        }
        rig->now_ns += MS * 200;
        drop_reports(rig);
        drop_journal(rig);
        pw_execution_stage.housekeep(rig->execution, 0);
    }
    while (next_request(rig, &request)) {
    }
    cr_expect_gt(atomic_load(&rig->wire.ring->payload_claimed), rig->wire.payload_mask + 1);
    pw_execution_stage.housekeep(rig->execution, 0);
    cr_expect_not(is_on_wire(rig, "rigkey"));
    rig_close(rig);
}

/* ---- halts ---- */

Test(execution_live, an_order_that_a_halt_kept_back_is_asked_for_and_closed)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    place(rig, &request); /* and net_tx drops it */
    atomic_store(&rig->stop->stop, PW_REASON_HALTED);
    rig_put_command(rig, PW_COMMAND_HALT);
    cr_assert(await_request(rig, "order.cancel", &request));
    refuse(rig, &request, -2011);
    enum pw_order_state state = PW_ORDER_NONE;
    for (int i = 0; i < 20 && state != PW_ORDER_REJECTED; i++) {
        cr_assert(await_request(rig, "order.status", &request));
        refuse(rig, &request, -2013);
        rig_poll_execution(rig);
        struct pw_event order = last_order(rig);
        state = order.body.order.state ? order.body.order.state : state;
        cr_expect(state != PW_ORDER_REJECTED || order.body.order.reason == PW_REASON_VENUE_NOT_FOUND);
    }
    cr_expect_eq(state, PW_ORDER_REJECTED);
    cr_expect_eq(metric(rig, "unknown_orders"), 0);
    rig_close(rig);
}

/* Strategy takes none of its reports any more. */
Test(execution_live, a_halt_cancels_without_room_for_reports)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    place(rig, &request);
    place(rig, &request);
    for (uint32_t i = 0; i < SLOTS; i++) {
        put(rig, rig_limit(PW_BUY, 0, E8, rig->now_ns)); /* denied: an event each */
    }
    while (rig_poll_execution(rig).work > 0) {
    }
    cr_expect_gt(pw_consumer_peek(&rig->reports_in, SLOTS), SLOTS - PW_FLOW_INTENT_EVENTS, "it is full");
    rig_put_command(rig, PW_COMMAND_HALT);
    rig_poll_execution(rig);
    cr_assert(await_request(rig, "order.cancel", &request));
    rig_close(rig);
}

/* The venue refused it, and has it all the same. */
Test(execution_live, what_turns_up_under_a_halt_is_canceled)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    uint64_t id = place(rig, &request);
    refuse(rig, &request, -2010);
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_REJECTED);
    rig_put_command(rig, PW_COMMAND_HALT);
    rig_poll_execution(rig);
    cr_expect_not(next_request(rig, &request), "nothing is open");
    tell_execution(rig, id, "NEW", "NEW", "0", "0", -1);
    rig_poll_execution(rig);
    cr_assert(await_request(rig, "order.cancel", &request));
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_UNKNOWN);
    tell_execution(rig, id, "CANCELED", "CANCELED", "0", "0", -1);
    rig_poll_execution(rig);
    cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_CANCELED);
    rig_close(rig);
}

/* ---- stamps ---- */

Test(execution_live, the_way_out_is_told_with_the_first_answer)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    struct pw_event event;
    make_ready(rig);
    int64_t recv_ns = rig->now_ns - 1000;
    rig->clock_ns = recv_ns + 500;
    uint64_t id = place(rig, &request);
    while (rig_take(&rig->journal, &event)) {
        cr_expect_neq(event.kind, PW_EVENT_STAMPS);
    }
    struct pw_stamp_row *table = pw_workspace_rows(&rig->ws, "stamps.orders", PW_REGION_STAMPS);
    pw_stamp_put(table, &(struct pw_stamp){.number = id, .ns = {recv_ns + 700, recv_ns + 800}});
    tell_execution(rig, id, "NEW", "NEW", "0", "0", -1);
    rig_poll_execution(rig);
    tell_execution(rig, id, "TRADE", "FILLED", "1", "1", 3);
    rig_poll_execution(rig);
    struct pw_stamps stamps = {0};
    int cnt = 0;
    while (rig_take(&rig->journal, &event)) {
        stamps = event.kind == PW_EVENT_STAMPS ? event.body.stamps : stamps;
        cnt += event.kind == PW_EVENT_STAMPS;
    }
    cr_expect_eq(cnt, 1, "once");
    cr_expect_eq(stamps.client_order_id, id);
    cr_expect_eq(stamps.checked_ns, 500);
    cr_expect_eq(stamps.encoded_ns, 500 + RIG_TICK_NS);
    cr_expect_eq(stamps.encrypted_ns, 700);
    cr_expect_eq(stamps.submitted_ns, 800);
    static const char *const ways[] = {"path.checked_to_encoded", "path.encoded_to_encrypted",
                                       "path.encrypted_to_submitted", "path.recv_to_submitted",
                                       "path.submitted_to_acked"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        cr_expect_eq(atomic_load(&pw_env_histogram(&rig->env, ways[i])->count), 1, "%s", ways[i]);
    }
    rig_close(rig);
}

/* ---- room ---- */

/* Messages wait while what they may report is not free above the stream's share; the stream never waits for
 * them. */
Test(execution_live, messages_never_take_the_streams_room)
{
    struct rig *rig = start(SLOTS);
    uint32_t stream = pw_flow_stream_events(SLOTS, true);
    uint32_t intents_max = pw_flow_intents_max(SLOTS, true);
    cr_assert_gt(intents_max, 0);
    cr_expect_leq(stream + PW_FLOW_MESSAGE_EVENTS, SLOTS);
    uint32_t in_ring = 0;
    for (; SLOTS - in_ring >= stream + PW_FLOW_MESSAGE_EVENTS; in_ring++) {
        cr_expect_eq(metric(rig, "gateway.messages_invalid"), in_ring);
        say(rig, "[");
        rig_poll_execution(rig);
        put(rig, rig_limit(PW_BUY, 90 * E8, E8, T0)); /* denied: an event */
        rig_poll_execution(rig);
    }
    say(rig, "[");
    struct pw_poll did = rig_poll_execution(rig);
    cr_expect(did.stalled);
    cr_expect_eq(metric(rig, "gateway.messages_invalid"), in_ring, "the message waits");
    for (uint32_t i = 0; i < intents_max; i++) { /* all that strategy may still have under way */
        put(rig, rig_limit(PW_BUY, 90 * E8, E8, T0));
        cr_expect_eq(rig_poll_execution(rig).work, 1);
    }
    cr_expect_eq(metric(rig, "gateway.messages_invalid"), in_ring);
    cr_expect_eq(metric(rig, "denied_no_room"), intents_max,
                 "whose gateway does not know the time sends nothing");
    drop_reports(rig);
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "gateway.messages_invalid"), in_ring + 1);
    rig_close(rig);
}

Test(execution_live, rings_that_cannot_hold_a_messages_reports_are_refused)
{
    struct rig_options options = {.live = true, .report_slots = 256, .journal_slots = 4096};
    struct rig *rig = rig_open(&options);
    cr_expect_neq(rig_start_execution(rig), 0);
    rig_close(rig);
    options.report_slots = SLOTS;
    options.journal_slots = 512;
    rig = rig_open(&options);
    cr_expect_neq(rig_start_execution(rig), 0);
    rig_close(rig);
    options.journal_slots = 4096;
    rig = rig_open(&options);
    rig->attachment.keys = NULL;
    cr_expect_neq(rig_start_execution(rig), 0, "without keys");
    rig_close(rig);
}

/* ---- the end ---- */

Test(execution_live, a_clean_stop_waits_until_the_venue_has_canceled_all)
{
    struct rig *rig = start(SLOTS);
    struct request request;
    make_ready(rig);
    uint64_t id = place(rig, &request);
    tell_execution(rig, id, "NEW", "NEW", "0", "0", -1);
    rig_poll_execution(rig);
    pw_execution_stage.drain(rig->execution);
    rig_poll_execution(rig);
    cr_assert(next_request(rig, &request));
    cr_expect_str_eq(request.method, "order.cancel");
    cr_expect(pw_execution_stage.pending(rig->execution));
    tell_execution(rig, id, "CANCELED", "CANCELED", "0", "0", -1);
    cr_expect(pw_execution_stage.pending(rig->execution));
    rig_poll_execution(rig);
    cr_expect_not(pw_execution_stage.pending(rig->execution));
    rig_close(rig);
}

/* ---- rejections: cases/10-refusals-that-nobody-is-told-of ---- */

static void reject_next(struct rig *rig, int code, const char *text)
{
    struct request request;
    char reply_text[256];
    place(rig, &request);
    rig_poll_execution(rig);
    snprintf(reply_text, sizeof reply_text,
             "{\"id\":\"%s\",\"status\":400,\"error\":{\"code\":%d,\"msg\":\"%s\"}}", request.id, code, text);
    say(rig, reply_text);
    rig_poll_execution(rig);
    drop_reports(rig);
    drop_journal(rig);
}

static enum pw_reason denied_for(struct rig *rig)
{
    struct request request;
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000));
    rig_poll_execution(rig);
    if (next_request(rig, &request)) {
        return PW_REASON_NONE;
    }
    return (enum pw_reason)last_order(rig).body.order.reason;
}

Test(execution_live, rejections_in_a_row_make_a_pause)
{
    struct rig_options options = {.live = true,
                                  .report_slots = SLOTS,
                                  .stream_slots = 4096,
                                  .journal_slots = 65536,
                                  .max_rejections = 3};
    struct rig *rig = start_with(&options);
    make_ready(rig);
    reject_next(rig, -2010, "Account has insufficient balance for requested action.");
    reject_next(rig, -1013, "Filter failure: LOT_SIZE");
    struct request request;
    uint64_t id = place(rig, &request);
    tell_execution(rig, id, "NEW", "NEW", "0", "0", -1);
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "gateway.rejections"), 0, "the venue took one: they are no longer in a row");
    tell_execution(rig, id, "CANCELED", "CANCELED", "0", "0", -1);
    rig_poll_execution(rig);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(metric(rig, "gateway.rejections_until_ns"), 0);
        reject_next(rig, -2010, "Account has insufficient balance for requested action.");
    }
    cr_expect_gt(metric(rig, "gateway.rejections_until_ns"), 0);
    cr_expect_eq(denied_for(rig), PW_REASON_REJECTIONS);
    cr_expect_eq(metric(rig, "denied_rejections"), 1);
    rig_put_command(rig, PW_COMMAND_RESUME);
    rig_poll_execution(rig);
    drop_reports(rig);
    for (int i = 0; i < 3; i++) {
        reject_next(rig, -2010, "Account has insufficient balance for requested action.");
    }
    drop_reports(rig);
    cr_expect_eq(denied_for(rig), PW_REASON_REJECTIONS);
    int64_t end_ns = (int64_t)metric(rig, "gateway.rejections_until_ns");
    while (rig->now_ns < end_ns) { /* the session lives on meanwhile */
        answer_sessions(rig);
        rig->now_ns += 500 * MS;
    }
    answer_sessions(rig);
    drop_reports(rig);
    reject_next(rig, -2010, "Account has insufficient balance for requested action.");
    cr_expect_eq(denied_for(rig), PW_REASON_REJECTIONS, "one more begins it again");
    rig_close(rig);
}

Test(execution_live, a_closed_market_is_sent_nothing_until_somebody_resumes)
{
    struct rig *rig = start(SLOTS);
    make_ready(rig);
    reject_next(rig, -1013, "Market is closed.");
    cr_expect_eq(denied_for(rig), PW_REASON_NOT_TRADING);
    rig_put_command(rig, PW_COMMAND_RESUME);
    rig_poll_execution(rig);
    drop_reports(rig);
    cr_expect_eq(denied_for(rig), PW_REASON_NONE);
    rig_close(rig);
}

static void put_rules(struct rig *rig, uint16_t instrument_idx, bool tradable)
{
    struct pw_instrument row = rig->env.instruments[instrument_idx];
    struct pw_event events[PW_RULES_EVENTS];
    row.tradable = tradable;
    pw_rules_put(&row, instrument_idx, rig->now_ns, events);
    for (uint32_t i = 0; i < PW_RULES_EVENTS; i++) {
        put(rig, events[i]);
    }
    rig_poll_execution(rig);
    drop_journal(rig);
}

Test(execution_live, a_closed_market_is_sent_orders_again_when_its_rules_say_that_it_is_open)
{
    struct rig *rig = start(SLOTS);
    make_ready(rig);
    cr_assert(rig->env.instruments[0].tradable);
    for (int round = 0; round < 2; round++) {
        reject_next(rig, -1013, "Market is closed.");
        cr_expect_eq(denied_for(rig), PW_REASON_NOT_TRADING);
        if (round == 1) { /* its status follows, and is another again later */
            put_rules(rig, 0, false);
            cr_expect_eq(denied_for(rig), PW_REASON_NOT_TRADING);
        }
        put_rules(rig, 0, true); /* in round 0 as it was */
        cr_expect_eq(denied_for(rig), PW_REASON_NONE);
        drop_reports(rig);
        drop_journal(rig);
    }
    rig_close(rig);
}
