/* SPDX-License-Identifier: MIT
 *
 * The venue's rules for an instrument change while the engine runs: what is taken over of an answer, the
 * events that tell it, and orders that follow them at once.
 */
/* cases/06-instrument-rules-change-while-running */
#include "rules.h"
#include "rules_watch.h"
#include "stage_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pinwheel/units.h>
#include <pinwheel/venue.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static struct pw_instrument row_of_all(void)
{
    return (struct pw_instrument){.symbol = "ABUSDT",
                                  .feed = "venue",
                                  .base = "AB",
                                  .quote = "USDT",
                                  .feed_idx = 3,
                                  .tradable = 1,
                                  .min_notional_market = 1,
                                  .max_notional_market = 1,
                                  .tick_e8 = 1,
                                  .min_price_e8 = 2,
                                  .max_price_e8 = INT64_MAX,
                                  .step_e8 = 4,
                                  .min_qty_e8 = 5,
                                  .max_qty_e8 = 6,
                                  .market_step_e8 = 7,
                                  .market_min_qty_e8 = 8,
                                  .market_max_qty_e8 = 9,
                                  .min_notional_e8 = 10,
                                  .max_notional_e8 = 11,
                                  .band = {{12, 13}, {14, 15}},
                                  .band_mins = 16,
                                  .notional_mins = 17,
                                  .multiplier_e8 = PW_E8};
}

Test(rules, three_events_say_all_of_a_row)
{
    struct pw_instrument all = row_of_all(), other = {.symbol = "ABUSDT", .feed_idx = 3};
    struct pw_event events[PW_RULES_EVENTS];
    pw_rules_put(&all, 17, 99, events);
    for (uint32_t i = 0; i < PW_RULES_EVENTS; i++) {
        cr_expect(pw_event_is_rules(events[i].kind) && events[i].instrument_idx == 17 &&
                  events[i].recv_ns == 99);
        cr_expect_not(pw_rules_equal(&all, &other));
        pw_rules_apply(&other, &events[i]);
    }
    cr_expect(pw_rules_equal(&all, &other));
    cr_expect(other.tradable && other.market_max_qty_e8 == 9 && other.max_notional_e8 == 11);
    cr_expect(other.band[PW_BUY].up_e6 == 12 && other.band[PW_BUY].down_e6 == 13 &&
              other.band[PW_SELL].up_e6 == 14 && other.band[PW_SELL].down_e6 == 15);
    cr_expect(other.band_mins == 16 && other.notional_mins == 17);
    cr_expect_eq(other.multiplier_e8, 0, "what no rule says stays");
    struct pw_event trade = rig_trade(5, 1);
    pw_rules_apply(&other, &trade);
    cr_expect(pw_rules_equal(&all, &other));
}

Test(rules, each_change_is_taken_over)
{
    const struct pw_instrument all = row_of_all();
    struct pw_instrument_said said = {.status = "TRADING"};
    for (size_t at = offsetof(struct pw_instrument, tick_e8);
         at < offsetof(struct pw_instrument, multiplier_e8); at += sizeof(int64_t)) {
        struct pw_instrument before = all, now = all;
        int64_t value = 77;
        cr_expect_not(pw_rules_watch_take(&before, &now, &said, false));
        memcpy((char *)&now + at, &value, sizeof value);
        cr_expect(pw_rules_watch_take(&before, &now, &said, false), "offset %zu", at);
        cr_expect(pw_rules_equal(&before, &now));
        cr_expect_not(pw_rules_watch_take(&before, &now, &said, false), "once is enough");
    }
    struct pw_instrument before = all, now = all;
    now.band[PW_SELL].down_e6 = 900000;
    cr_expect(pw_rules_watch_take(&before, &now, &said, false) && before.band[PW_SELL].down_e6 == 900000);
    now.tradable = 0;
    cr_expect(pw_rules_watch_take(&before, &now, &said, false) && !before.tradable);
    now.tradable = 1;
    cr_expect(pw_rules_watch_take(&before, &now, &said, false) && before.tradable, "and back");
    now.max_notional_market = 0;
    cr_expect(pw_rules_watch_take(&before, &now, &said, false) && !before.max_notional_market);
}

static char g_line[256];

static void take_line(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)state, (void)level, (void)times;
    snprintf(g_line, sizeof g_line, "%s", text);
}

/* cases/04-quantity-too-large: prices and quantities are told in the instrument's units, amounts are not. */
Test(rules, a_change_is_told_in_the_instruments_units)
{
    static const struct {
        size_t offset;
        const char *told;
    } rows[] = {
        {offsetof(struct pw_instrument, tick_e8), "tick from 0.00000000001 to 0.00000001"},
        {offsetof(struct pw_instrument, market_min_qty_e8), "market_min_qty from 0.00008 to 0.01"},
        {offsetof(struct pw_instrument, max_notional_e8), "max_notional from 0.00000011 to 0.00001"},
    };
    struct pw_instrument_said said = {.status = "TRADING"};
    pw_log_set_sink(take_line, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_instrument before = row_of_all();
        before.unit_shift = 3;
        struct pw_instrument now = before;
        memcpy((char *)&now + rows[i].offset, &(int64_t){1000}, sizeof(int64_t));
        cr_expect(pw_rules_watch_take(&before, &now, &said, false));
        cr_expect_not_null(strstr(g_line, rows[i].told), "%s", g_line);
    }
    pw_log_set_sink(NULL, NULL);
}

Test(rules, what_is_gone_or_does_not_fit_any_more_is_not_traded)
{
    static const int faults[] = {-ENOENT, -ERANGE, -EBADMSG};
    const struct pw_instrument all = row_of_all(), none = {.feed_idx = 3};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct pw_instrument before = all;
        struct pw_instrument_said said = {.fault = faults[i], .text = "the venue has no such symbol"};
        cr_expect(pw_rules_watch_take(&before, &none, &said, false));
        cr_expect_eq(before.tradable, 0);
        cr_expect_eq(before.step_e8, all.step_e8, "its filters stay as they were");
        cr_expect_str_eq(before.symbol, "ABUSDT");
        cr_expect_not(pw_rules_watch_take(&before, &none, &said, false));
        said = (struct pw_instrument_said){.status = "TRADING"};
        cr_expect(pw_rules_watch_take(&before, &all, &said, false) && before.tradable, "it has come back");
    }
    struct pw_instrument_said said = {.status = "TRADING"};
    for (int i = 0; i < 4; i++) {
        struct pw_instrument before = all, now = all;
        now.quote[0] = i == 0 ? 'X' : now.quote[0];
        now.base[0] = i == 1 ? 'X' : now.base[0];
        now.unit_shift = i == 2 ? 1 : now.unit_shift;
        now.multiplier_e8 = i == 3 ? 2 * PW_E8 : now.multiplier_e8;
        cr_expect(pw_rules_watch_take(&before, &now, &said, false) && !before.tradable, "%d", i);
        cr_expect(strcmp(before.quote, "USDT") == 0 && before.unit_shift == 0 &&
                  before.multiplier_e8 == PW_E8);
    }
}

/* cases/10-refusals-that-nobody-is-told-of: execution sends nothing for an instrument whose market the venue
 * called closed, until it is told. */
Test(rules, what_is_open_as_before_is_told_after_a_rejection)
{
    const struct pw_instrument all = row_of_all();
    struct pw_instrument before = all, closed = all;
    struct pw_instrument_said said = {.status = "TRADING"};
    closed.tradable = 0;
    cr_expect(pw_rules_watch_take(&before, &all, &said, true));
    cr_expect(pw_rules_equal(&before, &all));
    cr_expect(pw_rules_watch_take(&before, &closed, &said, true), "it is closed indeed");
    cr_expect_not(pw_rules_watch_take(&before, &closed, &said, true), "which need not be told twice");
    cr_expect(pw_rules_watch_take(&before, &all, &said, false), "and open");
}

/* cases/21-reference-price-of-filters */
Test(rules, a_reference_price_ages)
{
    struct pw_event event = {.kind = PW_EVENT_REFERENCE_PRICE, .recv_ns = 100};
    event.body.reference_price = (struct pw_reference_price){.price_e8 = 7, .fresh_ns = 10};
    struct pw_reference reference = pw_reference_of(&event);
    cr_expect_eq(pw_reference_price_e8(&reference, 99), 7, "what is before it by another clock is not older");
    cr_expect_eq(pw_reference_price_e8(&reference, 109), 7);
    cr_expect_eq(pw_reference_price_e8(&reference, 110), 0);
    event.body.reference_price.fresh_ns = INT64_MAX;
    reference = pw_reference_of(&event);
    cr_expect_eq(pw_reference_price_e8(&reference, 100), 0, "no time that there is");
    event.body.reference_price = (struct pw_reference_price){.price_e8 = -7, .fresh_ns = 10};
    reference = pw_reference_of(&event);
    cr_expect_eq(pw_reference_price_e8(&reference, 100), 0);
}

/* cases/21-reference-price-of-filters: filters that judge by the order's own price alone need no other. */
Test(rules, which_mean_the_filters_judge_by)
{
    static const struct {
        bool band, notional, wants, has;
        uint16_t band_mins, notional_mins, mins;
    } rows[] = {
        {false, false, false, false, 5, 5, 0},
        {true, false, true, true, 5, 1, 5},
        {false, true, true, true, 5, 1, 1},
        {true, true, true, true, 5, 5, 5},
        {true, true, true, true, 0, 0, 0},
        {true, true, true, false, 5, 1, 0},
        {true, false, true, false, PW_MINS_UNKNOWN, 5, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_instrument row = {.min_notional_e8 = PW_E8, .max_notional_market = 1};
        uint16_t mins = 99;
        row.band[i % 2].down_e6 = rows[i].band;
        row.min_notional_market = rows[i].notional;
        row.band_mins = rows[i].band_mins;
        row.notional_mins = rows[i].notional_mins;
        cr_expect_eq(pw_rules_want_reference(&row), rows[i].wants, "row %zu", i);
        cr_expect_eq(pw_rules_mean_mins(&row, &mins), rows[i].has, "row %zu", i);
        cr_expect(!rows[i].has || mins == rows[i].mins, "row %zu", i);
    }
}

/* ---- orders follow ---- */

static void put_rules(struct rig *rig, const struct pw_instrument *row)
{
    struct pw_event events[PW_RULES_EVENTS];
    pw_rules_put(row, 0, 3000, events);
    for (uint32_t i = 0; i < PW_RULES_EVENTS; i++) {
        cr_assert(rig_put_market(rig, &rig->stream, events[i]));
    }
    rig_poll_execution(rig);
}

static void put_reference(struct rig *rig, int64_t price_e8, int64_t recv_ns, int64_t fresh_ns)
{
    struct pw_event event = {
        .kind = PW_EVENT_REFERENCE_PRICE,
        .recv_ns = recv_ns,
        .body.reference_price = {.price_e8 = price_e8, .fresh_ns = fresh_ns, .source = PW_PRICE_REFERENCE}};
    cr_assert(rig_put_market(rig, &rig->stream, event));
    rig_poll_execution(rig);
}

/* NONE: it was not denied. */
static enum pw_reason ask(struct rig *rig, int64_t price_e8, int64_t qty_e8)
{
    struct pw_event intent = rig_limit(PW_BUY, price_e8, qty_e8, 3001), event;
    enum pw_reason reason = PW_REASON_NONE;
    pw_producer_put(&rig->stream, &intent);
    pw_producer_publish(&rig->stream);
    rig_poll_execution(rig);
    while (rig_take(&rig->journal, &event)) {
        reason = event.kind == PW_EVENT_ORDER && event.body.order.state == PW_ORDER_DENIED
                     ? (enum pw_reason)event.body.order.reason
                     : reason;
    }
    while (rig_take(&rig->reports_in, &event)) {
    }
    return reason;
}

Test(rules, orders_follow_them_at_once)
{
    struct rig *rig = rig_open(&(struct rig_options){.journal_slots = 1024, .report_slots = 1024});
    cr_assert_eq(rig_start_execution(rig), 0);
    cr_assert(rig_put_market(rig, &rig->stream, rig_feed(PW_FEED_UP, 1000)));
    cr_assert(rig_put_market(rig, &rig->stream, rig_quote(99 * PW_E8, 101 * PW_E8, 1001)));
    rig_poll_execution(rig);
    struct pw_instrument row = rig->env.instruments[0];
    cr_expect_eq(ask(rig, 90 * PW_E8, PW_E8), PW_REASON_NONE);
    row.tradable = 0; /* BREAK, HALT, or gone */
    put_rules(rig, &row);
    cr_expect_eq(ask(rig, 90 * PW_E8, PW_E8), PW_REASON_NOT_TRADING);
    row.tradable = 1;
    put_rules(rig, &row);
    cr_expect_eq(ask(rig, 90 * PW_E8, PW_E8), PW_REASON_NONE);
    row.tick_e8 = 4 * PW_E8;
    put_rules(rig, &row);
    cr_expect_eq(ask(rig, 90 * PW_E8, PW_E8), PW_REASON_PRICE_FILTER);
    row.tick_e8 = PW_E8;
    row.step_e8 = 2 * PW_E8;
    put_rules(rig, &row);
    cr_expect_eq(ask(rig, 90 * PW_E8, PW_E8), PW_REASON_LOT_SIZE);
    row.step_e8 = PW_E8;
    row.min_notional_e8 = 91 * PW_E8;
    put_rules(rig, &row);
    cr_expect_eq(ask(rig, 90 * PW_E8, PW_E8), PW_REASON_MIN_NOTIONAL);
    cr_expect_eq(ask(rig, 91 * PW_E8, PW_E8), PW_REASON_NONE);
    row.band[PW_BUY].down_e6 = 950000; /* cases/21-reference-price-of-filters: of the bid, 99 */
    put_rules(rig, &row);
    cr_expect_eq(ask(rig, 94 * PW_E8, PW_E8), PW_REASON_PRICE_BAND);
    cr_expect_eq(ask(rig, 95 * PW_E8, PW_E8), PW_REASON_NONE);
    put_reference(rig, 120 * PW_E8, 3000, 2); /* fresh for the orders of 3001 */
    cr_expect_eq(ask(rig, 113 * PW_E8, PW_E8), PW_REASON_PRICE_BAND);
    cr_expect_eq(ask(rig, 114 * PW_E8, PW_E8), PW_REASON_NONE);
    put_reference(rig, 120 * PW_E8, 3000, 1); /* and no more */
    cr_expect_eq(ask(rig, 95 * PW_E8, PW_E8), PW_REASON_NONE);
    cr_expect_eq(rig->env.instruments[0].step_e8 == 2 * PW_E8, false, "the start's table is as it was");
    rig_close(rig);
}
