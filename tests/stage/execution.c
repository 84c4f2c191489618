/* SPDX-License-Identifier: MIT
 *
 * The execution stage alone: the test plays strategy, journal and housekeeping. What is journalled and
 * reported, what is denied and why, halts, and what happens when a ring is full.
 */
#include "accounts_config.h"
#include "flow.h"
#include "money.h"
#include "orders.h"
#include "stage_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/histogram.h>
#include <pinwheel/stamps.h>
#include <stdlib.h>
#include <string.h>

#define E8  PW_E8
#define E16 ((pw_i128)E8 * E8)

static void put(struct rig *rig, struct pw_event event)
{
    if (event.kind == PW_EVENT_INTENT || event.kind == PW_EVENT_SIGNAL || event.kind == PW_EVENT_CONSUMED ||
        event.kind == PW_EVENT_TIME) {
        cr_assert_geq(pw_producer_room(&rig->stream, 1), 1);
        pw_producer_put(&rig->stream, &event);
        pw_producer_publish(&rig->stream);
    } else {
        cr_assert(rig_put_market(rig, &rig->stream, event));
    }
}

/* Started, the feed up, the quote 99 : 101, nothing yet in the journal's ring. */
static struct rig *start(struct rig_options options)
{
    struct rig *rig = rig_open(&options);
    cr_assert_eq(rig_start_execution(rig), 0);
    put(rig, rig_feed(PW_FEED_UP, 1000));
    put(rig, rig_quote(99 * E8, 101 * E8, 1001));
    cr_assert_eq(rig_poll_execution(rig).work, 2);
    return rig;
}

static void give(struct rig *rig, struct pw_event event)
{
    put(rig, event);
    cr_assert_eq(rig_poll_execution(rig).work, 1);
}

/* What is kept beside the orders has tests of its own below. */
static bool is_record(const struct pw_event *event)
{
    return event->kind >= PW_EVENT_STAMPS && event->kind <= PW_EVENT_RISK_LIMITS;
}

static bool take_journalled(struct rig *rig, struct pw_event *event)
{
    bool taken;
    do {
        taken = rig_take(&rig->journal, event);
    } while (taken && is_record(event));
    return taken;
}

static struct pw_event journalled(struct rig *rig)
{
    struct pw_event event = {0};
    cr_assert(take_journalled(rig, &event), "the journal's ring is empty");
    return event;
}

static struct pw_event reported(struct rig *rig)
{
    struct pw_event event = {0};
    cr_assert(rig_take(&rig->reports_in, &event), "the report ring is empty");
    return event;
}

static void expect_nothing_more(struct rig *rig)
{
    struct pw_event event;
    cr_expect_not(take_journalled(rig, &event), "journal: kind %u", event.kind);
    cr_expect_not(rig_take(&rig->reports_in, &event), "reports: kind %u", event.kind);
}

/* An event that both rings must have, the same. */
static struct pw_event both(struct rig *rig, uint8_t kind)
{
    struct pw_event a = journalled(rig), b = reported(rig);
    cr_expect_eq(a.kind, kind);
    cr_expect_eq(memcmp(&a, &b, sizeof a), 0);
    return a;
}

static struct pw_event order_of(struct rig *rig, enum pw_order_state state, enum pw_reason reason)
{
    struct pw_event event = both(rig, PW_EVENT_ORDER);
    cr_expect_eq(event.body.order.state, state);
    cr_expect_eq(event.body.order.reason, reason);
    return event;
}

/* An intent, from the stream to its denial. */
static void expect_denied(struct rig *rig, struct pw_event intent, enum pw_reason reason)
{
    give(rig, intent);
    cr_expect_eq(journalled(rig).kind, PW_EVENT_INTENT);
    struct pw_event order = order_of(rig, PW_ORDER_DENIED, reason);
    cr_expect_eq(order.body.order.leaves_qty_e8, intent.body.intent.qty_e8);
    expect_nothing_more(rig);
}

static void expect_filled(struct rig *rig, struct pw_event intent)
{
    give(rig, intent);
    cr_expect_eq(journalled(rig).kind, PW_EVENT_INTENT);
    order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    order_of(rig, PW_ORDER_FILLED, PW_REASON_NONE);
    both(rig, PW_EVENT_FILL);
    expect_nothing_more(rig);
}

/* A limit order that rests; its id. */
static uint64_t rest(struct rig *rig, enum pw_side side, int64_t price, int64_t qty)
{
    give(rig, rig_limit(side, price, qty, 2000));
    cr_expect_eq(journalled(rig).kind, PW_EVENT_INTENT);
    order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    return order_of(rig, PW_ORDER_OPEN, PW_REASON_NONE).body.order.client_order_id;
}

static void expect_command(struct rig *rig, enum pw_command command, uint64_t market_seq)
{
    struct pw_event event = journalled(rig);
    cr_expect_eq(event.kind, PW_EVENT_COMMAND);
    cr_expect_eq(event.body.state.state, command);
    cr_expect_eq(event.body.state.market_seq, market_seq);
}

static void command(struct rig *rig, enum pw_command what)
{
    rig_put_command(rig, what);
    cr_assert_eq(rig_poll_execution(rig).work, 1);
}

/* ---- orders ---- */

Test(execution_stage, an_order_is_journalled_and_reported_step_by_step)
{
    struct rig *rig = start((struct rig_options){.run_id = 42});
    struct pw_event intent = rig_intent(PW_BUY, 2 * E8, 2000);
    intent.body.intent.market_seq = 1;
    intent.body.intent.strategy_idx = 3;
    intent.body.intent.tag = 17;
    give(rig, intent);
    struct pw_event seen = journalled(rig);
    cr_expect_eq(memcmp(&seen, &intent, sizeof seen), 0, "the intent as it was");
    struct pw_event flight = order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    cr_expect_eq(flight.recv_ns, 2000);
    cr_expect_eq(flight.body.order.client_order_id, pw_order_id(42, 1));
    cr_expect_eq(flight.body.order.leaves_qty_e8, 2 * E8);
    cr_expect_eq(flight.body.order.strategy_idx, 3);
    cr_expect_eq(flight.body.order.tag, 17);
    cr_expect_eq(flight.body.order.market_seq, 1);
    struct pw_event filled = order_of(rig, PW_ORDER_FILLED, PW_REASON_NONE);
    cr_expect_eq(filled.seq, flight.seq + 1);
    cr_expect_eq(filled.body.order.leaves_qty_e8, 0);
    struct pw_event fill = both(rig, PW_EVENT_FILL);
    cr_expect_eq(fill.body.fill.price_e8, 101 * E8);
    cr_expect_eq(fill.body.fill.qty_e8, 2 * E8);
    cr_expect(pw_fill_fee_e16(&fill.body.fill) == 202 * E16 / 1000);
    expect_nothing_more(rig);

    pw_execution_stage.fini(rig->execution);
    struct pw_account account = rig_account(rig);
    cr_expect(pw_money_of_words(account.cash_e16) == 10000 * E16 - 202 * E16 - 202 * E16 / 1000);
    cr_expect(pw_money_of_words(account.equity_e16) == 10000 * E16 - 4 * E16 - 202 * E16 / 1000);
    cr_expect_eq(account.order_cnt, 1);
    cr_expect_eq(account.fill_cnt, 1);
    cr_expect_eq(rig_position(rig, 0).qty_e8, 2 * E8);
    cr_expect_eq(rig_position(rig, 1).qty_e8, 0);
    cr_expect_eq(rig_metric(rig, "execution", "fills"), 1);
    rig_close(rig);
}

Test(execution_stage, an_order_is_placed_after_the_market_event_that_its_intent_names)
{
    struct rig *rig = start((struct rig_options){0});
    struct pw_event intent = rig_intent(PW_BUY, E8, 2000);
    intent.body.intent.market_seq = 4; /* of depth, which is not passed on */
    give(rig, intent);
    journalled(rig);
    cr_expect_eq(order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE).body.order.market_seq, 4);
    order_of(rig, PW_ORDER_FILLED, PW_REASON_NONE);
    both(rig, PW_EVENT_FILL);
    rig->market_seq = 7;
    give(rig, rig_quote(99 * E8, 101 * E8, 2001));
    command(rig, PW_COMMAND_HALT);
    expect_command(rig, PW_COMMAND_HALT, 8);
    rig_close(rig);
}

Test(execution_stage, signals_and_what_was_consumed_are_journalled_in_their_place)
{
    struct rig *rig = start((struct rig_options){0});
    give(rig, (struct pw_event){.kind = PW_EVENT_SIGNAL, .seq = 5});
    give(rig, (struct pw_event){.kind = PW_EVENT_CONSUMED, .seq = 6});
    give(rig, (struct pw_event){.kind = PW_EVENT_TIME, .recv_ns = 3000});
    cr_expect_eq(journalled(rig).seq, 5);
    cr_expect_eq(journalled(rig).seq, 6);
    expect_nothing_more(rig);
    rig_close(rig);
}

Test(execution_stage, a_time_event_is_journalled_when_it_causes_something)
{
    struct rig *rig = start((struct rig_options){.latency_ns = 500});
    give(rig, rig_intent(PW_BUY, E8, 2000));
    journalled(rig);
    order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    give(rig, (struct pw_event){.kind = PW_EVENT_TIME, .recv_ns = 2499});
    expect_nothing_more(rig);
    cr_expect(pw_execution_stage.pending(rig->execution));
    give(rig, (struct pw_event){.kind = PW_EVENT_TIME, .recv_ns = 2500});
    cr_expect_eq(journalled(rig).kind, PW_EVENT_TIME);
    order_of(rig, PW_ORDER_FILLED, PW_REASON_NONE);
    cr_expect_eq(both(rig, PW_EVENT_FILL).recv_ns, 2500);
    cr_expect_not(pw_execution_stage.pending(rig->execution));
    rig_close(rig);
}

Test(execution_stage, a_resting_order_is_filled_by_the_quote_that_reaches_it)
{
    struct rig *rig = start((struct rig_options){0});
    uint64_t id = rest(rig, PW_BUY, 100 * E8, E8);
    give(rig, rig_quote(98 * E8, 99 * E8, 2001));
    struct pw_event order = order_of(rig, PW_ORDER_FILLED, PW_REASON_NONE);
    cr_expect_eq(order.body.order.client_order_id, id);
    cr_expect_eq(order.body.order.market_seq, 2);
    struct pw_event fill = both(rig, PW_EVENT_FILL);
    cr_expect_eq(fill.flags, PW_FLAG_MAKER);
    cr_expect_eq(fill.body.fill.price_e8, 100 * E8);
    rig_close(rig);
}

static struct pw_event cancel_of(uint64_t id, uint16_t strategy_idx)
{
    return (struct pw_event){
        .kind = PW_EVENT_INTENT,
        .recv_ns = 2500,
        .body.intent = {.client_order_id = id, .action = PW_CANCEL, .strategy_idx = strategy_idx}};
}

Test(execution_stage, an_order_is_canceled_by_its_own_strategy_only)
{
    struct rig *rig = start((struct rig_options){0});
    uint64_t id = rest(rig, PW_BUY, 90 * E8, E8);
    give(rig, cancel_of(id, 1));
    cr_expect_eq(journalled(rig).kind, PW_EVENT_INTENT);
    expect_nothing_more(rig);
    give(rig, cancel_of(id, 0));
    cr_expect_eq(journalled(rig).kind, PW_EVENT_INTENT);
    cr_expect_eq(order_of(rig, PW_ORDER_CANCELED, PW_REASON_NONE).body.order.leaves_qty_e8, E8);
    give(rig, cancel_of(id, 0));
    give(rig, cancel_of(12345, 0));
    journalled(rig), journalled(rig);
    expect_nothing_more(rig);
    pw_execution_stage.fini(rig->execution);
    cr_expect_eq(rig_metric(rig, "execution", "cancels_ignored"), 3);
    cr_expect_eq(rig_metric(rig, "execution", "cancels"), 1);
    cr_expect_eq(rig_metric(rig, "execution", "canceled"), 1);
    rig_close(rig);
}

/* ---- denials ---- */

Test(execution_stage, every_denial_names_its_reason_and_is_counted)
{
    struct rig *rig = start((struct rig_options){.max_position_e8 = 5 * E8, .max_orders_per_s = 2});
    struct pw_event foreign = rig_intent(PW_BUY, E8, 2000);
    foreign.instrument_idx = 9;
    expect_denied(rig, foreign, PW_REASON_UNKNOWN_INSTRUMENT);
    struct pw_event unquoted = rig_intent(PW_BUY, E8, 2000);
    unquoted.instrument_idx = 1;
    expect_denied(rig, unquoted, PW_REASON_NO_QUOTE);
    expect_denied(rig, rig_intent(PW_BUY, 0, 2000), PW_REASON_BAD_INTENT);
    expect_denied(rig, rig_intent(PW_SELL, E8, 2000), PW_REASON_NO_POSITION);
    expect_denied(rig, rig_intent(PW_BUY, 6 * E8, 2000), PW_REASON_MAX_POSITION);
    expect_denied(rig, rig_limit(PW_BUY, 2001 * E8, 5 * E8, 2000), PW_REASON_CASH);
    expect_filled(rig, rig_intent(PW_BUY, E8, 2000));
    expect_filled(rig, rig_intent(PW_SELL, E8, 2000));
    expect_denied(rig, rig_intent(PW_BUY, E8, 2000), PW_REASON_ORDER_RATE);
    give(rig, rig_feed(PW_FEED_STALE, 2001));
    expect_denied(rig, rig_intent(PW_BUY, E8, 2002), PW_REASON_STALE);
    give(rig, rig_feed(PW_FEED_UP, 2003));
    expect_denied(rig, rig_intent(PW_BUY, E8, 2004), PW_REASON_NO_QUOTE);
    pw_execution_stage.fini(rig->execution);
    static const char *const names[] = {
        "unknown_instrument", "bad_intent", "no_position", "max_position", "cash", "order_rate", "stale"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[40];
        snprintf(name, sizeof name, "denied_%s", names[i]);
        cr_expect_eq(rig_metric(rig, "execution", name), 1, "%s", name);
    }
    cr_expect_eq(rig_metric(rig, "execution", "denied_no_quote"), 2);
    cr_expect_eq(rig_metric(rig, "execution", "denied"), 9);
    cr_expect_eq(rig_account(rig).denied_cnt, 9);
    rig_close(rig);
}

Test(execution_stage, open_orders_are_bounded_by_the_report_ring)
{
    struct rig *rig = start((struct rig_options){.cash_e8 = 1000000 * E8});
    for (uint32_t i = 0; i < pw_flow_open_max(64); i++) {
        rest(rig, PW_BUY, 90 * E8, E8);
    }
    expect_denied(rig, rig_limit(PW_BUY, 90 * E8, E8, 2000), PW_REASON_NO_ROOM);
    rig_close(rig);
}

/* ---- halt ---- */

Test(execution_stage, a_halt_cancels_what_is_open_and_denies_what_is_new)
{
    struct rig *rig = start((struct rig_options){0});
    rest(rig, PW_BUY, 90 * E8, E8);
    rest(rig, PW_BUY, 91 * E8, E8);
    command(rig, PW_COMMAND_HALT);
    expect_command(rig, PW_COMMAND_HALT, 2);
    order_of(rig, PW_ORDER_CANCELED, PW_REASON_NONE);
    order_of(rig, PW_ORDER_CANCELED, PW_REASON_NONE);
    expect_nothing_more(rig);
    expect_denied(rig, rig_intent(PW_BUY, E8, 2000), PW_REASON_HALTED);
    pw_execution_stage.housekeep(rig->execution, 0);
    cr_expect_eq(rig_account(rig).halted, PW_REASON_HALTED);
    cr_expect_eq(rig_account(rig).open_order_cnt, 0);
    command(rig, PW_COMMAND_RESUME);
    expect_command(rig, PW_COMMAND_RESUME, 2);
    expect_filled(rig, rig_intent(PW_BUY, E8, 2000));
    rig_close(rig);
}

Test(execution_stage, after_stop_there_is_no_resuming)
{
    struct rig *rig = start((struct rig_options){0});
    command(rig, PW_COMMAND_STOP);
    command(rig, PW_COMMAND_RESUME);
    journalled(rig), journalled(rig);
    expect_denied(rig, rig_intent(PW_BUY, E8, 2000), PW_REASON_HALTED);
    rig_close(rig);
}

Test(execution_stage, the_stop_word_works_before_any_command)
{
    struct rig *rig = start((struct rig_options){0});
    rest(rig, PW_BUY, 90 * E8, E8);
    atomic_store(&rig->stop->stop, PW_REASON_HALTED);
    put(rig, rig_intent(PW_BUY, E8, 2000));
    cr_expect_eq(rig_poll_execution(rig).work, 2);
    expect_command(rig, PW_COMMAND_HALT, 2);
    order_of(rig, PW_ORDER_CANCELED, PW_REASON_NONE);
    journalled(rig);
    order_of(rig, PW_ORDER_DENIED, PW_REASON_HALTED);
    atomic_store(&rig->stop->stop, 0);
    expect_denied(rig, rig_intent(PW_BUY, E8, 2000), PW_REASON_HALTED); /* it ends with RESUME alone */
    command(rig, PW_COMMAND_RESUME);
    expect_command(rig, PW_COMMAND_RESUME, 2);
    expect_filled(rig, rig_intent(PW_BUY, E8, 2000));
    rig_close(rig);
}

Test(execution_stage, the_stop_word_outlasts_a_command_to_resume)
{
    struct rig *rig = start((struct rig_options){0});
    atomic_store(&rig->stop->stop, PW_REASON_HALTED);
    rig_poll_execution(rig);
    rig_put_command(rig, PW_COMMAND_RESUME);
    put(rig, rig_intent(PW_BUY, E8, 2000)); /* in the pass that takes the command */
    cr_expect_eq(rig_poll_execution(rig).work, 2);
    expect_command(rig, PW_COMMAND_HALT, 2);
    expect_command(rig, PW_COMMAND_RESUME, 2);
    cr_expect_eq(journalled(rig).kind, PW_EVENT_INTENT);
    order_of(rig, PW_ORDER_DENIED, PW_REASON_HALTED);
    rig_poll_execution(rig);
    expect_command(rig, PW_COMMAND_HALT, 2); /* and it halts again */
    rig_close(rig);
}

Test(execution_stage, an_unknown_command_does_nothing)
{
    struct rig *rig = start((struct rig_options){0});
    command(rig, (enum pw_command)77);
    expect_nothing_more(rig);
    rig_close(rig);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* What the test knows of the account from the reports alone. */
struct exposure {
    int64_t position;
    int64_t leaves[4096]; /* by the id's counter: of open orders */
    bool sell[4096];
    uint64_t last_counter;
    bool halted;
};

/* The largest position that could come of it, either way. */
static int64_t worst(const struct exposure *e)
{
    int64_t buy = 0, sell = 0;
    for (uint64_t i = 1; i <= e->last_counter; i++) {
        *(e->sell[i] ? &sell : &buy) += e->leaves[i];
    }
    int64_t up = e->position + buy, down = sell - e->position;
    return up > down ? up : down;
}

static void follow(struct exposure *e, const struct pw_event *event)
{
    bool sell = event->flags & PW_FLAG_SELL;
    if (event->kind == PW_EVENT_ORDER) {
        const struct pw_order *order = &event->body.order;
        uint64_t i = pw_order_id_counter(order->client_order_id);
        if (order->state == PW_ORDER_DENIED) {
            cr_assert_geq(i, PW_ORDER_DENIED_FIRST, "numbered apart");
            return;
        }
        cr_assert_lt(i, 4096);
        e->last_counter = i > e->last_counter ? i : e->last_counter;
        e->sell[i] = sell;
        e->leaves[i] = pw_order_is_closed(order->state) ? 0 : order->leaves_qty_e8;
    } else if (event->kind == PW_EVENT_FILL) {
        e->position += sell ? -event->body.fill.qty_e8 : event->body.fill.qty_e8;
    } else if (event->kind == PW_EVENT_COMMAND) {
        e->halted = event->body.state.state != PW_COMMAND_RESUME;
    }
}

static struct pw_event random_event(uint64_t *seed, uint64_t last_counter, int64_t now_ns)
{
    uint64_t dice = next_random(seed);
    enum pw_side side = dice >> 8 & 1 ? PW_SELL : PW_BUY;
    int64_t price = (90 + (int64_t)(dice >> 16) % 20) * E8, qty = (1 + (int64_t)(dice >> 32) % 5) * E8;
    switch (dice % 8) {
    case 0:
    case 1:
        return rig_quote(price, price + E8, now_ns);
    case 2:
        return (struct pw_event){
            .kind = PW_EVENT_TIME, .instrument_idx = PW_NO_INSTRUMENT, .recv_ns = now_ns};
    case 3:
        return cancel_of(pw_order_id(1, dice >> 40 ? 1 + (dice >> 40) % (last_counter + 1) : 1), 0);
    case 4:
    case 5:
        return rig_limit(side, price, qty, now_ns);
    default:
        return rig_intent(side, qty, now_ns);
    }
}

static void random_command(struct rig *rig, uint64_t *seed)
{
    switch (next_random(seed) % 4) {
    case 0:
        atomic_store(&rig->stop->stop, PW_REASON_HALTED);
        break;
    case 1:
        rig_put_command(rig, PW_COMMAND_HALT);
        break;
    default:
        atomic_store(&rig->stop->stop, 0);
        rig_put_command(rig, PW_COMMAND_RESUME);
        break;
    }
}

/* Random intents, quotes, halts and stop words, with and without latency. From the journal alone: while
 * halted the worst position never grows; it never exceeds its limit; no order is accepted. */
static void check_halts(uint64_t seed, int64_t latency_ns)
{
    struct rig *rig = start((struct rig_options){.cash_e8 = 1000000 * E8,
                                                 .max_position_e8 = 20 * E8,
                                                 .allow_short = true,
                                                 .latency_ns = latency_ns,
                                                 .journal_slots = 1024,
                                                 .report_slots = 1024,
                                                 .stream_slots = 1024});
    struct exposure *e = calloc(1, sizeof *e);
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    int halted_cnt = 0;
    int64_t before = 0;
    for (int64_t i = 0; i < 3000; i++) {
        put(rig, random_event(&random, e->last_counter, 2000 + i * 100));
        if (next_random(&random) % 20 == 0) {
            random_command(rig, &random);
        }
        rig_poll_execution(rig);
        struct pw_event event;
        while (rig_take(&rig->journal, &event)) {
            bool halted = e->halted;
            follow(e, &event);
            if (event.kind == PW_EVENT_ORDER && event.body.order.state == PW_ORDER_FILLED) {
                continue; /* its FILL comes next: only both together say where the quantity went */
            }
            cr_assert_leq(worst(e), 20 * E8, "seed %llu", (unsigned long long)seed);
            if (halted && e->halted) {
                halted_cnt++;
                cr_assert_leq(worst(e), before, "seed %llu step %lld", (unsigned long long)seed,
                              (long long)i);
                cr_assert(event.kind != PW_EVENT_ORDER || event.body.order.state != PW_ORDER_IN_FLIGHT);
            }
            before = worst(e);
        }
        while (rig_take(&rig->reports_in, &event)) {
        }
    }
    cr_expect_gt(halted_cnt, 100);
    pw_execution_stage.fini(rig->execution);
    cr_expect_eq(rig_position(rig, 0).qty_e8, e->position, "the position is the sum of the fills");
    cr_expect_gt(rig_metric(rig, "execution", "fills"), 50);
    free(e);
    rig_close(rig);
}

Test(execution_stage, while_halted_no_exposure_grows)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        check_halts(seed, seed % 2 ? 0 : 250);
    }
}

/* ---- what is kept of each order ---- */

static struct pw_event record(struct rig *rig, enum pw_event_kind kind)
{
    struct pw_event event = {0};
    cr_assert(rig_take(&rig->journal, &event));
    cr_expect_eq(event.kind, kind);
    return event;
}

Test(execution_stage, what_risk_saw_follows_the_intent)
{
    struct rig *rig = start((struct rig_options){.max_position_e8 = 7 * E8, .max_orders_per_s = 3});
    struct pw_event event;
    expect_filled(rig, rig_intent(PW_BUY, 2 * E8, 2000));
    rest(rig, PW_BUY, 90 * E8, 3 * E8);
    while (rig_take(&rig->journal, &event)) {
    }
    give(rig, rig_intent(PW_BUY, 3 * E8, 2500));
    cr_expect_eq(record(rig, PW_EVENT_INTENT).recv_ns, 2500);
    struct pw_risk_market market = record(rig, PW_EVENT_RISK_MARKET).body.risk_market;
    cr_expect_eq(market.bid_e8, 99 * E8);
    cr_expect_eq(market.ask_e8, 101 * E8);
    cr_expect_eq(market.position_e8, 2 * E8);
    cr_expect_eq(market.open_buy_e8, 3 * E8);
    cr_expect_eq(market.open_sell_e8, 0);
    struct pw_risk_cash cash = record(rig, PW_EVENT_RISK_CASH).body.risk_cash;
    cr_expect(pw_money_of_words(cash.cash_e16) == 10000 * E16 - 202 * E16 - 202 * E16 / 1000);
    cr_expect(pw_money_of_words(cash.hold_e16) == 270 * E16 + 270 * E16 / 1000);
    cr_expect_gt(cash.rate_credit, 0);
    struct pw_risk_limits_kept kept = record(rig, PW_EVENT_RISK_LIMITS).body.risk_limits;
    cr_expect_eq(kept.max_position_e8, 7 * E8);
    cr_expect_eq(kept.max_orders_per_s, 3);
    cr_expect_eq((int32_t)kept.bits >> PW_RISK_FEE_SHIFT, 100000);
    cr_expect_eq(kept.bits & 0xf, PW_RISK_BIT_FEED_UP | PW_RISK_BIT_ROOM);
    event = record(rig, PW_EVENT_ORDER);
    cr_expect_eq(event.body.order.state, PW_ORDER_DENIED);
    cr_expect_eq(event.body.order.reason, PW_REASON_MAX_POSITION);
    rig_close(rig);
}

/* cases/04-quantity-too-large: coins of 0.101 each, quantities of 5 decimals, prices of 11. */
Test(execution_stage, an_instrument_in_other_units_is_held_to_the_same_limits_and_costs_the_same)
{
    struct rig *rig = start((struct rig_options){.max_position_e8 = 5000 * E8, .unit_shift = 3});
    struct pw_event event;
    expect_denied(rig, rig_intent(PW_BUY, 6 * E8, 2000), PW_REASON_MAX_POSITION);
    expect_filled(rig, rig_intent(PW_BUY, 2 * E8, 2000));
    while (rig_take(&rig->journal, &event)) {
    }
    give(rig, rig_intent(PW_BUY, 4 * E8, 2500));
    record(rig, PW_EVENT_INTENT), record(rig, PW_EVENT_RISK_MARKET);
    struct pw_risk_cash cash = record(rig, PW_EVENT_RISK_CASH).body.risk_cash;
    cr_expect(pw_money_of_words(cash.cash_e16) == 10000 * E16 - 202 * E16 - 202 * E16 / 1000);
    cr_expect_eq(record(rig, PW_EVENT_RISK_LIMITS).body.risk_limits.max_position_e8, 5 * E8);
    cr_expect_eq(record(rig, PW_EVENT_ORDER).body.order.reason, PW_REASON_MAX_POSITION);
    rig_close(rig);
}

static uint64_t way_cnt(const struct rig *rig, const char *name)
{
    return atomic_load(&pw_env_histogram(&rig->env, name)->count);
}

Test(execution_stage, stamps_tell_an_orders_way_and_are_not_in_the_intent)
{
    struct rig *rig = start((struct rig_options){0});
    struct pw_stamp_row *table = pw_workspace_rows(&rig->ws, "stamps.market", PW_REGION_STAMPS);
    pw_stamp_put(table, &(struct pw_stamp){.number = 5000, .ns = {1990, 2010, 2030}});
    struct pw_event intent = rig_intent(PW_BUY, E8, 2000);
    intent.body.intent.market_seq = 5000;
    intent.venue_ns = 2060;
    rig->clock_ns = 2100;
    give(rig, intent);
    cr_expect_eq(record(rig, PW_EVENT_INTENT).venue_ns, 0);
    record(rig, PW_EVENT_RISK_MARKET), record(rig, PW_EVENT_RISK_CASH), record(rig, PW_EVENT_RISK_LIMITS);
    uint64_t id = record(rig, PW_EVENT_ORDER).body.order.client_order_id;
    record(rig, PW_EVENT_ORDER), record(rig, PW_EVENT_FILL);
    struct pw_event event = record(rig, PW_EVENT_STAMPS);
    const struct pw_stamps *stamps = &event.body.stamps;
    cr_expect_eq(event.recv_ns, 2000);
    cr_expect_eq(stamps->client_order_id, id);
    cr_expect_eq(stamps->kernel_ago_ns, 10);
    cr_expect_eq(stamps->decrypted_ns, 10);
    cr_expect_eq(stamps->decoded_ns, 30);
    cr_expect_eq(stamps->decided_ns, 60);
    cr_expect_eq(stamps->checked_ns, 100);
    cr_expect_eq(stamps->encoded_ns, PW_STAMP_NONE, "on paper there is no request");
    cr_expect_eq(stamps->encrypted_ns, PW_STAMP_NONE);
    cr_expect_eq(stamps->submitted_ns, PW_STAMP_NONE);
    cr_expect_eq(way_cnt(rig, "path.kernel_to_recv"), 1);
    cr_expect_eq(way_cnt(rig, "path.decided_to_checked"), 1);
    cr_expect_eq(way_cnt(rig, "path.checked_to_encoded"), 0);
    cr_expect_eq(way_cnt(rig, "path.recv_to_submitted"), 0);
    rig_close(rig);
}

Test(execution_stage, what_is_not_known_of_the_way_is_said_so)
{
    struct rig *rig = start((struct rig_options){0});
    rig->clock_ns = 2000 + INT64_C(5000000000); /* beyond what a stamp can say */
    give(rig, rig_intent(PW_BUY, E8, 2000));
    struct pw_event event;
    do {
        cr_assert(rig_take(&rig->journal, &event));
    } while (event.kind != PW_EVENT_STAMPS);
    cr_expect_eq(event.body.stamps.kernel_ago_ns, PW_STAMP_NONE);
    cr_expect_eq(event.body.stamps.decided_ns, PW_STAMP_NONE);
    cr_expect_eq(event.body.stamps.checked_ns, PW_STAMP_NONE);
    rig_close(rig);
}

/* ---- types, replacements ---- */

static struct pw_event rig_replace(uint64_t id, int64_t price, int64_t qty, int64_t recv_ns)
{
    struct pw_event event = rig_limit(PW_BUY, price, qty, recv_ns);
    event.body.intent.action = PW_REPLACE;
    event.body.intent.client_order_id = id;
    return event;
}

Test(execution_stage, a_stop_goes_to_the_gateway_with_its_price)
{
    struct rig *rig = start((struct rig_options){0});
    struct pw_event intent = rig_intent(PW_BUY, E8, 2000);
    intent.body.intent.type = PW_STOP_LOSS;
    intent.body.intent.stop_price_e8 = 105 * E8;
    give(rig, intent);
    journalled(rig);
    order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    order_of(rig, PW_ORDER_OPEN, PW_REASON_NONE);
    put(rig, rig_trade(104 * E8, 2001));
    rig_poll_execution(rig);
    expect_nothing_more(rig);
    put(rig, rig_trade(105 * E8, 2002));
    rig_poll_execution(rig);
    order_of(rig, PW_ORDER_FILLED, PW_REASON_NONE);
    cr_expect_eq(both(rig, PW_EVENT_FILL).body.fill.price_e8, 101 * E8);
    intent.body.intent.stop_price_e8 = 0;
    expect_denied(rig, intent, PW_REASON_BAD_INTENT);
    rig_close(rig);
}

Test(execution_stage, a_replacement_takes_the_place_of_the_order)
{
    struct rig *rig = start((struct rig_options){0});
    uint64_t id = rest(rig, PW_BUY, 90 * E8, E8);
    give(rig, rig_replace(id, 91 * E8, 2 * E8, 2100));
    cr_expect_eq(journalled(rig).body.intent.client_order_id, id);
    struct pw_event order = order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    uint64_t new_id = order.body.order.client_order_id;
    cr_expect_neq(new_id, id);
    cr_expect_eq(order_of(rig, PW_ORDER_REPLACED, PW_REASON_NONE).body.order.client_order_id, id);
    order = order_of(rig, PW_ORDER_OPEN, PW_REASON_NONE);
    cr_expect_eq(order.body.order.client_order_id, new_id);
    cr_expect_eq(order.body.order.leaves_qty_e8, 2 * E8);
    expect_nothing_more(rig);
    pw_execution_stage.housekeep(rig->execution, 0);
    cr_expect_eq(rig_account(rig).open_order_cnt, 1);
    rig_close(rig);
}

Test(execution_stage, a_replacement_counts_both_orders_at_their_worst)
{
    struct rig *rig = start((struct rig_options){.max_position_e8 = 3 * E8});
    uint64_t id = rest(rig, PW_BUY, 90 * E8, 2 * E8);
    expect_denied(rig, rig_replace(id, 91 * E8, 2 * E8, 2100), PW_REASON_MAX_POSITION);
    give(rig, rig_replace(id, 91 * E8, E8, 2100));
    journalled(rig);
    order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    rig_close(rig);
}

Test(execution_stage, only_an_open_order_of_the_same_strategy_and_side_is_replaced)
{
    struct rig *rig = start((struct rig_options){.allow_short = true});
    uint64_t id = rest(rig, PW_BUY, 90 * E8, E8);
    expect_denied(rig, rig_replace(id + 1, 91 * E8, E8, 2100), PW_REASON_NOT_OPEN);
    expect_denied(rig, rig_replace(0, 91 * E8, E8, 2100), PW_REASON_NOT_OPEN);
    struct pw_event intent = rig_replace(id, 91 * E8, E8, 2100);
    intent.body.intent.strategy_idx = 1;
    expect_denied(rig, intent, PW_REASON_NOT_OPEN);
    intent = rig_replace(id, 110 * E8, E8, 2100);
    intent.flags = PW_FLAG_SELL;
    expect_denied(rig, intent, PW_REASON_NOT_OPEN);
    intent = rig_replace(id, 91 * E8, E8, 2100);
    intent.body.intent.type = PW_STOP_LOSS_LIMIT; /* the id stands where a stop price would */
    expect_denied(rig, intent, PW_REASON_BAD_INTENT);
    intent = rig_limit(PW_BUY, 91 * E8, E8, 2100);
    intent.body.intent.action = PW_REPLACE + 1;
    expect_denied(rig, intent, PW_REASON_BAD_INTENT);
    pw_execution_stage.housekeep(rig->execution, 0);
    cr_expect_eq(rig_metric(rig, "execution", "denied_not_open"), 4);
    cr_expect_eq(rig_account(rig).open_order_cnt, 1, "the order is as it was");
    rig_close(rig);
}

/* ---- full rings ---- */

static struct pw_event signal_event(void)
{
    return (struct pw_event){.kind = PW_EVENT_SIGNAL};
}

static uint64_t in_journal(struct rig *rig)
{
    return atomic_load(&rig->journal.ring->head) - atomic_load(&rig->journal.ring->tail);
}

Test(execution_stage, a_journal_short_of_room_takes_no_new_orders_but_all_that_open_ones_do)
{
    struct rig *rig = start((struct rig_options){.report_slots = 1024, .stream_slots = 1024});
    uint64_t id = rest(rig, PW_BUY, 100 * E8, E8);
    uint64_t other = rest(rig, PW_BUY, 90 * E8, E8);
    uint64_t wanted = 1; /* the stamps of the last order are still there */

    /* Fill it so far that an intent and its denial just fit above the reserve: 8 slots for the two orders, 4
     * for commands. */
    for (; in_journal(rig) < 47; wanted++) {
        give(rig, signal_event());
    }
    give(rig, rig_intent(PW_BUY, E8, 2100));
    wanted += 5; /* the intent, what risk saw, the denial */
    cr_expect_eq(reported(rig).body.order.reason, PW_REASON_NO_ROOM);

    /* To the reserve: now the stream waits at what is not an open order's. */
    while (rig_poll_execution(rig).stalled == false) {
        put(rig, signal_event());
        wanted++;
    }
    cr_expect_geq(64 - in_journal(rig), 12);
    cr_expect_leq(64 - in_journal(rig), 12 + 1);

    /* Commands are taken all the same, and the orders' cancellations are kept. */
    rig_put_command(rig, PW_COMMAND_HALT);
    rig_poll_execution(rig);
    wanted += 3;
    cr_expect_eq(reported(rig).body.order.client_order_id, id);
    cr_expect_eq(reported(rig).body.order.client_order_id, other);

    /* Once it is drained all goes on, and nothing has been lost. */
    struct pw_event event;
    uint64_t seen = 0;
    do {
        while (rig_take(&rig->journal, &event)) {
            seen++;
        }
    } while (rig_poll_execution(rig).work);
    cr_expect_eq(seen, wanted);
    cr_expect_not(pw_execution_stage.pending(rig->execution));
    pw_execution_stage.fini(rig->execution);
    cr_expect_gt(rig_metric(rig, "execution", "stalls"), 0);
    cr_expect_eq(rig_metric(rig, "execution", "denied_no_room"), 1);
    rig_close(rig);
}

/* cases/newcomer.md, 15: while nothing can be stored no order goes out, however much room the ring has; the
 * engine goes on, open orders can be canceled, and what was not recorded is counted. */
Test(execution_stage, a_stopped_journal_takes_no_new_orders_and_every_cancellation)
{
    struct rig *rig = start((struct rig_options){.report_slots = 1024, .stream_slots = 1024});
    uint64_t id = rest(rig, PW_BUY, 100 * E8, E8), other = rest(rig, PW_BUY, 90 * E8, E8);
    uint64_t given = 0, seen = 0;
    struct pw_event event;
    while (rig_take(&rig->journal, &event)) {
    }
    atomic_store(&rig->stop->unrecorded, 1);
    give(rig, rig_intent(PW_BUY, E8, 2100));
    given += 5; /* the intent, what risk saw, the denial */
    cr_expect_eq(reported(rig).body.order.reason, PW_REASON_NO_ROOM);
    for (; given < 500; given++) {
        put(rig, signal_event());
        cr_assert_not(rig_poll_execution(rig).stalled, "event %" PRIu64, given);
    }
    give(rig, rig_intent(PW_BUY, E8, 2100));
    given += 5;
    cr_expect_eq(reported(rig).body.order.reason, PW_REASON_NO_ROOM);
    give(rig, cancel_of(id, 0));
    given += 2;
    event = reported(rig);
    cr_expect_eq(event.body.order.client_order_id, id);
    cr_expect_eq(event.body.order.state, PW_ORDER_CANCELED);
    rig_put_command(rig, PW_COMMAND_HALT);
    rig_poll_execution(rig);
    given += 2;
    cr_expect_eq(reported(rig).body.order.client_order_id, other);
    uint32_t canceled = 0;
    while (rig_take(&rig->journal, &event)) {
        seen++;
        canceled += event.kind == PW_EVENT_ORDER && event.body.order.state == PW_ORDER_CANCELED;
    }
    cr_expect_eq(canceled, 2, "what open orders report is never skipped");
    cr_expect_eq(seen + atomic_load(&rig->journal.ring->dropped_cnt), given);
    cr_expect_lt(seen, 64);
    atomic_store(&rig->stop->unrecorded, 0);
    rig_put_command(rig, PW_COMMAND_RESUME);
    rig_poll_execution(rig);
    give(rig, rig_intent(PW_BUY, E8, 2200));
    cr_expect_eq(reported(rig).body.order.state, PW_ORDER_IN_FLIGHT);
    rig_close(rig);
}

/* cases/17-order-events-behind-their-market: what execution makes of itself names what strategy had passed by
 * its last word, also where the market events were none that execution is shown. */
Test(execution_stage, a_report_names_the_market_that_strategy_had_passed)
{
    struct rig *rig = start((struct rig_options){0});
    rest(rig, PW_BUY, 100 * E8, E8);
    give(rig,
         (struct pw_event){.kind = PW_EVENT_CONSUMED, .body.consumed = {.report_seq = 1, .market_seq = 50}});
    cr_expect_eq(journalled(rig).kind, PW_EVENT_CONSUMED);
    rig_put_command(rig, PW_COMMAND_HALT);
    rig_poll_execution(rig);
    cr_expect_eq(journalled(rig).body.state.market_seq, 50);
    cr_expect_eq(both(rig, PW_EVENT_ORDER).body.order.market_seq, 49);
    rig_close(rig);
}

Test(execution_stage, a_journal_three_quarters_full_takes_no_new_orders)
{
    struct rig *rig = start((struct rig_options){.journal_slots = 1024});
    while (in_journal(rig) < 768) {
        give(rig, signal_event());
    }
    give(rig, rig_intent(PW_BUY, E8, 2000));
    cr_expect_eq(reported(rig).body.order.state, PW_ORDER_IN_FLIGHT);
    reported(rig), reported(rig);
    give(rig, rig_intent(PW_BUY, E8, 2000));
    cr_expect_eq(reported(rig).body.order.reason, PW_REASON_NO_ROOM);
    rig_close(rig);
}

Test(execution_stage, a_fill_passes_while_the_journal_has_only_its_reserve_left)
{
    struct rig *rig = start((struct rig_options){.report_slots = 1024, .stream_slots = 1024});
    uint64_t id = rest(rig, PW_BUY, 100 * E8, E8);
    while (64 - in_journal(rig) > 9) { /* 1 for the signal, 4 for the order, 4 for commands */
        give(rig, signal_event());
    }
    give(rig, signal_event());
    put(rig, rig_quote(98 * E8, 99 * E8, 3000));
    struct pw_poll did = rig_poll_execution(rig);
    cr_expect_eq(did.work, 1);
    cr_expect_not(did.stalled);
    cr_expect_eq(reported(rig).body.order.client_order_id, id);
    cr_expect_eq(reported(rig).kind, PW_EVENT_FILL);
    rig_close(rig);
}

Test(execution_stage, a_full_report_ring_makes_it_wait_without_loss)
{
    struct rig *rig = start((struct rig_options){.journal_slots = 4096, .stream_slots = 1024});
    for (int i = 0; i < 100; i++) {
        put(rig, rig_intent(i % 2 ? PW_SELL : PW_BUY, E8, 2000 + i));
    }
    struct pw_poll did = rig_poll_execution(rig);
    cr_expect(did.stalled);
    cr_expect_eq(did.work, 20, "three reports each, and room for five before each");
    cr_expect_eq(rig_poll_execution(rig).work, 0);
    struct pw_event event;
    uint64_t fills = 0, reports = 0;
    do {
        for (int i = 0; i < 7 && rig_take(&rig->reports_in, &event); i++) {
            reports++;
            fills += event.kind == PW_EVENT_FILL;
        }
        rig_poll_execution(rig);
    } while (fills < 100);
    cr_expect_eq(reports, 300);
    cr_expect_not(pw_execution_stage.pending(rig->execution));
    rig_close(rig);
}

Test(execution_stage, without_a_journal_it_works_the_same)
{
    struct rig *rig = start((struct rig_options){.no_journal = true});
    give(rig, rig_intent(PW_BUY, E8, 2000));
    cr_expect_eq(reported(rig).body.order.state, PW_ORDER_IN_FLIGHT);
    cr_expect_eq(reported(rig).body.order.state, PW_ORDER_FILLED);
    cr_expect_eq(reported(rig).kind, PW_EVENT_FILL);
    rig_close(rig);
}

/* ---- start and end ---- */

Test(execution_stage, a_clean_stop_cancels_what_is_open_after_all_else_was_taken)
{
    struct rig *rig = start((struct rig_options){0});
    rest(rig, PW_BUY, 90 * E8, E8);
    pw_execution_stage.drain(rig->execution);
    cr_expect(pw_execution_stage.pending(rig->execution));
    put(rig, rig_intent(PW_BUY, E8, 2000));
    rig_poll_execution(rig);
    journalled(rig);
    order_of(rig, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    order_of(rig, PW_ORDER_FILLED, PW_REASON_NONE);
    both(rig, PW_EVENT_FILL);
    rig_poll_execution(rig);
    expect_command(rig, PW_COMMAND_STOP, 2);
    order_of(rig, PW_ORDER_CANCELED, PW_REASON_NONE);
    expect_nothing_more(rig);
    cr_expect_not(pw_execution_stage.pending(rig->execution));
    rig_close(rig);
}

static void expect_refused(struct rig_options options, const char *gateway)
{
    struct rig *rig = rig_open(&options);
    if (gateway) {
        struct pw_config_gateway *config = PW_CONFIG_EDIT(rig->config, gateway);
        snprintf(config->kind, sizeof config->kind, "%s", gateway);
    }
    cr_expect_eq(rig_start_execution(rig), -EINVAL);
    rig_close(rig);
}

Test(execution_stage, a_wrong_config_does_not_start)
{
    struct rig_options two_currencies = {.fast = "1", .slow = "2", .quantity = "1", .second_quote = "EUR"};
    expect_refused(two_currencies, NULL);
    expect_refused((struct rig_options){.run_id = PW_ORDER_RUN_MAX + 1}, NULL);
    expect_refused((struct rig_options){.latency_ns = -1}, NULL);
    expect_refused((struct rig_options){0}, "dark");
    struct rig *rig = rig_open(&(struct rig_options){0});
    rig->env.instrument_cnt = 0;
    cr_expect_eq(rig_start_execution(rig), -EINVAL);
    rig_close(rig);
}

Test(execution_stage, instruments_of_one_currency_trade_together)
{
    struct rig_options options = {.fast = "1", .slow = "2", .quantity = "1", .second_quote = "USDT"};
    struct rig *rig = rig_open(&options);
    cr_expect_eq(rig_start_execution(rig), 0);
    rig_close(rig);
}
