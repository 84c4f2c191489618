/* SPDX-License-Identifier: MIT
 *
 * The checks: each with its limit met and missed by one, all of them with random and extreme numbers, and
 * what they promise together: who is checked never gets beyond a limit.
 */
#include "risk.h"

#include <criterion/criterion.h>
#include <limits.h>

#define E8  PW_E8
#define E16 ((pw_i128)E8 * E8)

/* BTCUSDT-like: tick 0.01, step 0.00001, at least 5 in notional, for market orders too. */
static const struct pw_instrument btc = {
    .tradable = 1,
    .min_notional_market = 1,
    .tick_e8 = 1000000,
    .min_price_e8 = 1000000,
    .max_price_e8 = 1000000 * E8,
    .step_e8 = 1000,
    .min_qty_e8 = 1000,
    .max_qty_e8 = 9000 * E8,
    .market_max_qty_e8 = 100 * E8,
    .min_notional_e8 = 5 * E8,
    .max_notional_e8 = 9000000 * E8,
};

static const struct pw_risk_limits limits = {.max_order_notional_e8 = 100000 * E8,
                                             .max_position_e8 = 2 * E8,
                                             .max_orders_per_s = 5,
                                             .fee_rate_e8 = 100000};

/* A market order to buy 0.01 that passes everything. */
static struct pw_risk_input good(void)
{
    return (struct pw_risk_input){.instrument = &btc,
                                  .limits = &limits,
                                  .qty_e8 = E8 / 100,
                                  .feed_up = true,
                                  .bid_e8 = 61000 * E8,
                                  .ask_e8 = 61001 * E8,
                                  .cash_e16 = 10000 * E16,
                                  .rate_credit = 1000000000,
                                  .room = true};
}

static struct pw_risk_input good_limit(void)
{
    struct pw_risk_input in = good();
    in.type = PW_LIMIT;
    in.price_e8 = 60000 * E8;
    return in;
}

static void expect(const struct pw_risk_input *in, enum pw_reason reason, const char *check)
{
    uint32_t check_idx = PW_RISK_CHECKS_MAX;
    cr_expect_eq(pw_risk_check(in, &check_idx, NULL), reason, "wanted %s", check);
    if (reason != PW_REASON_NONE && check_idx < pw_risk_check_cnt()) {
        cr_expect_str_eq(pw_risk_check_name(check_idx), check);
    }
}

/* field: a member of struct pw_risk_input. */
#define DENIED(start, field, value, reason, check)                                                           \
    do {                                                                                                     \
        struct pw_risk_input input_ = start();                                                               \
        input_.field = (value);                                                                              \
        expect(&input_, reason, check);                                                                      \
    } while (0)
#define PASSES(start, field, value) DENIED(start, field, value, PW_REASON_NONE, "")

Test(risk, a_good_order_passes)
{
    struct pw_risk_input in = good();
    expect(&in, PW_REASON_NONE, "");
    in = good_limit();
    expect(&in, PW_REASON_NONE, "");
}

Test(risk, the_state_of_the_world_is_checked_first)
{
    DENIED(good, halted, PW_REASON_HALTED, PW_REASON_HALTED, "halted");
    DENIED(good, instrument, NULL, PW_REASON_UNKNOWN_INSTRUMENT, "instrument");
    struct pw_instrument sleeping = btc;
    sleeping.tradable = 0;
    DENIED(good, instrument, &sleeping, PW_REASON_NOT_TRADING, "trading");
    DENIED(good, feed_up, false, PW_REASON_STALE, "feed");
    DENIED(good, ask_e8, 0, PW_REASON_NO_QUOTE, "quote");
    PASSES(good, bid_e8, 0);
    DENIED(good, room, false, PW_REASON_NO_ROOM, "room");
}

Test(risk, malformed_intents_are_denied)
{
    DENIED(good, qty_e8, 0, PW_REASON_BAD_INTENT, "intent");
    DENIED(good, qty_e8, -1, PW_REASON_BAD_INTENT, "intent");
    DENIED(good, qty_e8, INT64_MIN, PW_REASON_BAD_INTENT, "intent");
    DENIED(good, price_e8, 1, PW_REASON_BAD_INTENT, "intent");
    DENIED(good, side, 2, PW_REASON_BAD_INTENT, "intent");
    DENIED(good, type, PW_ORDER_TYPES, PW_REASON_BAD_INTENT, "intent");
    DENIED(good, type, UINT8_MAX, PW_REASON_BAD_INTENT, "intent");
    DENIED(good, tif, 3, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_limit, price_e8, 0, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_limit, price_e8, -5, PW_REASON_BAD_INTENT, "intent");
}

Test(risk, limit_prices_keep_to_the_price_filter)
{
    struct pw_instrument cheap = btc;
    cheap.min_notional_e8 = 0;
    struct pw_risk_input in = good_limit();
    in.instrument = &cheap;
    in.price_e8 = 1000000;
    expect(&in, PW_REASON_NONE, "");
    in.price_e8 = 999999;
    expect(&in, PW_REASON_PRICE_FILTER, "price_min");
    DENIED(good_limit, price_e8, 60000 * E8 + 1, PW_REASON_PRICE_FILTER, "price_tick");
    DENIED(good_limit, price_e8, 1000000 * E8 + 1000000, PW_REASON_PRICE_FILTER, "price_max");
    struct pw_instrument off = btc;
    off.tick_e8 = off.min_price_e8 = off.max_price_e8 = 0;
    in = good_limit();
    in.instrument = &off;
    in.price_e8 = 60000 * E8 + 1;
    expect(&in, PW_REASON_NONE, "");
}

/* cases/21-reference-price-of-filters: each side has its own multiples; each end is measured from the nearer
 * side of the quote, 61000 and 61001. */
Test(risk, limit_prices_keep_to_the_price_band)
{
    struct pw_instrument banded = btc;
    banded.band[PW_BUY].up_e6 = 1100000;
    banded.band[PW_BUY].down_e6 = 900000;
    banded.band[PW_SELL].up_e6 = 1200001;
    banded.band[PW_SELL].down_e6 = 800000;
    const struct {
        uint8_t side;
        int64_t least_e8, most_e8;
    } ends[] = {{PW_BUY, 54900 * E8, 67101 * E8 + E8 / 10},
                {PW_SELL, 48800 * E8, 73201 * E8 + 26 * E8 / 100}};
    for (size_t i = 0; i < 2; i++) {
        struct pw_risk_input in = good_limit();
        in.side = ends[i].side;
        in.position_e8 = E8;
        in.instrument = &banded;
        in.price_e8 = ends[i].least_e8;
        expect(&in, PW_REASON_NONE, "");
        in.price_e8 -= btc.tick_e8;
        expect(&in, PW_REASON_PRICE_BAND, "price_band");
        in.bid_e8 = 0;
        expect(&in, PW_REASON_NONE, "nothing to measure it from");
        in = good_limit();
        in.side = ends[i].side;
        in.position_e8 = E8;
        in.instrument = &banded;
        in.price_e8 = ends[i].most_e8;
        expect(&in, PW_REASON_NONE, "");
        in.price_e8 += btc.tick_e8;
        expect(&in, PW_REASON_PRICE_BAND, "price_band");
        in.type = PW_STOP_LOSS_LIMIT;
        in.stop_price_e8 = 61000 * E8;
        expect(&in, PW_REASON_PRICE_BAND, "price_band");
        in.ask_e8 = 0;
        expect(&in, PW_REASON_NONE, "nothing to measure it from");
    }
    struct pw_risk_input market = good();
    market.instrument = &banded;
    expect(&market, PW_REASON_NONE, "it has no price");
    banded.band[PW_BUY].up_e6 = UINT32_MAX; /* the largest numbers there are overflow nothing */
    struct pw_risk_input in = good_limit();
    in.instrument = &banded;
    in.ask_e8 = INT64_MAX;
    expect(&in, PW_REASON_NONE, "");
}

/* cases/21-reference-price-of-filters: exactly, from one price, which the touch has no part in. */
Test(risk, a_reference_price_is_what_the_band_is_of)
{
    struct pw_instrument banded = btc;
    banded.tick_e8 = 1;
    banded.band[PW_BUY] = (struct pw_price_band){1100000, 900000};
    banded.band[PW_SELL] = (struct pw_price_band){1200000, 800001};
    const struct {
        uint8_t side;
        int64_t least_e8, most_e8;
    } ends[] = {{PW_BUY, 54000 * E8 + 1, 66000 * E8 + 1}, {PW_SELL, 4800006000001, 72000 * E8 + 1}};
    for (size_t i = 0; i < 2; i++) {
        struct pw_risk_input in = good_limit();
        in.side = ends[i].side;
        in.position_e8 = E8;
        in.instrument = &banded;
        in.reference_e8 = 60000 * E8 + 1; /* what is not whole is outside */
        in.price_e8 = ends[i].least_e8;
        expect(&in, PW_REASON_NONE, "");
        in.price_e8--;
        expect(&in, PW_REASON_PRICE_BAND, "price_band");
        in.price_e8 = ends[i].most_e8;
        expect(&in, PW_REASON_NONE, "");
        in.price_e8++;
        expect(&in, PW_REASON_PRICE_BAND, "price_band");
        in.type = PW_LIMIT_MAKER;
        expect(&in, PW_REASON_PRICE_BAND, "price_band");
        in.bid_e8 = in.ask_e8 = 0;
        expect(&in, PW_REASON_PRICE_BAND, "price_band");
        in.reference_e8 = 0; /* it is too old */
        expect(&in, PW_REASON_NONE, "nothing to measure it from");
    }
    struct pw_risk_input in = good_limit();
    in.instrument = &banded;
    in.reference_e8 = INT64_MAX;
    expect(&in, PW_REASON_PRICE_BAND, "price_band");
    in.reference_e8 = 1;
    expect(&in, PW_REASON_PRICE_BAND, "price_band");
}

/* cases/21-reference-price-of-filters: a market order's, and that of a stop without a limit. What it may cost
 * is still what the touch says. */
Test(risk, a_reference_price_values_what_has_no_limit)
{
    struct pw_instrument row = btc;
    row.min_notional_e8 = 600 * E8;
    row.max_notional_e8 = 620 * E8;
    row.max_notional_market = 1;
    for (int i = 0; i < 4; i++) {
        struct pw_risk_input in = good();
        in.side = i % 2 == 0 ? PW_BUY : PW_SELL;
        in.type = i < 2 ? PW_MARKET : PW_STOP_LOSS;
        in.stop_price_e8 = i < 2 ? 0 : 60500 * E8;
        in.position_e8 = in.side == PW_SELL ? E8 : 0;
        in.instrument = &row;
        expect(&in, PW_REASON_NONE, "the touch");
        in.reference_e8 = 60000 * E8 - 1;
        expect(&in, PW_REASON_MIN_NOTIONAL, "notional_min");
        in.reference_e8 = 60000 * E8;
        expect(&in, PW_REASON_NONE, "");
        in.reference_e8 = 62000 * E8;
        expect(&in, PW_REASON_NONE, "");
        in.reference_e8 = 62000 * E8 + 1;
        expect(&in, PW_REASON_MAX_NOTIONAL, "notional_max");
        row.max_notional_market = 0;
        expect(&in, PW_REASON_NONE, "");
        row.max_notional_market = 1;
        in.reference_e8 = 60000 * E8;
        in.bid_e8 = in.ask_e8 = 0;
        expect(&in, PW_REASON_NO_QUOTE, "quote");
    }
    struct pw_risk_input in = good();
    struct pw_risk_limits own = limits;
    own.max_order_notional_e8 = 610 * E8;
    in.limits = &own;
    in.reference_e8 = 60000 * E8;
    expect(&in, PW_REASON_MAX_NOTIONAL, "order_notional");
    in = good_limit();
    in.instrument = &row;
    in.reference_e8 = 50000 * E8; /* a limit is its own price */
    expect(&in, PW_REASON_NONE, "");
}

/* A stop to sell 0.01 that passes everything; the same with a limit. */
static struct pw_risk_input good_stop(void)
{
    struct pw_risk_input in = good();
    in.type = PW_STOP_LOSS;
    in.side = PW_SELL;
    in.position_e8 = E8;
    in.stop_price_e8 = 60000 * E8;
    return in;
}

static struct pw_risk_input good_stop_limit(void)
{
    struct pw_risk_input in = good_stop();
    in.type = PW_STOP_LOSS_LIMIT;
    in.price_e8 = 59990 * E8;
    return in;
}

static struct pw_risk_input good_maker(void)
{
    struct pw_risk_input in = good_limit();
    in.type = PW_LIMIT_MAKER;
    return in;
}

Test(risk, each_type_takes_its_own_prices_and_no_others)
{
    PASSES(good_stop, type, PW_STOP_LOSS);
    PASSES(good_stop, type, PW_TAKE_PROFIT);
    PASSES(good_stop_limit, type, PW_STOP_LOSS_LIMIT);
    PASSES(good_stop_limit, type, PW_TAKE_PROFIT_LIMIT);
    PASSES(good_maker, type, PW_LIMIT_MAKER);
    DENIED(good, stop_price_e8, 60000 * E8, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_limit, stop_price_e8, 60000 * E8, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_maker, stop_price_e8, 60000 * E8, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_stop, stop_price_e8, 0, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_stop, stop_price_e8, -E8, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_stop, price_e8, 60000 * E8, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_stop_limit, price_e8, 0, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_stop_limit, stop_price_e8, 0, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_maker, price_e8, 0, PW_REASON_BAD_INTENT, "intent");
}

Test(risk, only_a_plain_limit_order_may_refuse_to_rest)
{
    PASSES(good_limit, tif, PW_IOC);
    PASSES(good_limit, tif, PW_FOK);
    DENIED(good_maker, tif, PW_IOC, PW_REASON_BAD_INTENT, "intent");
    DENIED(good_stop_limit, tif, PW_FOK, PW_REASON_BAD_INTENT, "intent");
    PASSES(good_stop, tif, PW_IOC);
}

Test(risk, stop_prices_keep_to_the_price_filter)
{
    DENIED(good_stop, stop_price_e8, 60000 * E8 + 1, PW_REASON_PRICE_FILTER, "stop_tick");
    DENIED(good_stop, stop_price_e8, 999999, PW_REASON_PRICE_FILTER, "stop_min");
    DENIED(good_stop, stop_price_e8, 1000000 * E8 + 1000000, PW_REASON_PRICE_FILTER, "stop_max");
    DENIED(good_stop_limit, stop_price_e8, 60000 * E8 + 1, PW_REASON_PRICE_FILTER, "stop_tick");
    DENIED(good_stop_limit, price_e8, 60000 * E8 + 1, PW_REASON_PRICE_FILTER, "price_tick");
}

Test(risk, a_stop_without_a_limit_is_valued_at_the_dearer_of_stop_price_and_quote)
{
    struct pw_risk_input in = good_stop();
    in.side = PW_BUY;
    cr_expect_eq(pw_risk_price_e8(&in), 61001 * E8, "the quote is dearer");
    in.stop_price_e8 = 70000 * E8;
    cr_expect_eq(pw_risk_price_e8(&in), 70000 * E8);
    in.position_e8 = 0;
    pw_i128 hold_e16 = 0;
    cr_expect_eq(pw_risk_check(&in, NULL, &hold_e16), PW_REASON_NONE);
    cr_expect(hold_e16 == (pw_i128)700 * E16 + (pw_i128)7 * E16 / 10, "and holds that, with its fee");
    in.ask_e8 = 0;
    expect(&in, PW_REASON_NO_QUOTE, "quote");
    in = good_stop();
    cr_expect_eq(pw_risk_price_e8(&in), 61000 * E8, "selling: the bid");
    in = good_stop_limit();
    in.stop_price_e8 = 70000 * E8;
    cr_expect_eq(pw_risk_price_e8(&in), 59990 * E8, "a limit is a limit");
}

Test(risk, stops_without_a_limit_keep_to_the_market_lot_size)
{
    DENIED(good_stop, qty_e8, 101 * E8, PW_REASON_LOT_SIZE, "market_lot_max");
    struct pw_instrument off = btc;
    off.min_notional_e8 = 700 * E8;
    struct pw_risk_input in = good_stop();
    in.instrument = &off;
    expect(&in, PW_REASON_MIN_NOTIONAL, "notional_min");
}

Test(risk, quantities_keep_to_the_lot_size)
{
    DENIED(good, qty_e8, 999, PW_REASON_LOT_SIZE, "lot_min");
    DENIED(good, qty_e8, E8 / 100 + 1, PW_REASON_LOT_SIZE, "lot_step");
    DENIED(good, qty_e8, 9000 * E8 + 1000, PW_REASON_LOT_SIZE, "lot_max");
    DENIED(good, qty_e8, 100 * E8 + 1000, PW_REASON_LOT_SIZE, "market_lot_max");
    struct pw_instrument strict = btc;
    strict.market_min_qty_e8 = E8;
    strict.market_step_e8 = E8;
    DENIED(good, instrument, &strict, PW_REASON_LOT_SIZE, "market_lot_min");
    strict.market_min_qty_e8 = 0;
    DENIED(good, instrument, &strict, PW_REASON_LOT_SIZE, "market_lot_step");
    PASSES(good_limit, instrument, &strict);
}

Test(risk, notionals_keep_to_the_venues_filter_where_it_holds)
{
    DENIED(good, qty_e8, 8000, PW_REASON_MIN_NOTIONAL, "notional_min"); /* 61001 * 0.00008 = 4.88 */
    PASSES(good, qty_e8, 9000);
    struct pw_instrument lenient = btc;
    lenient.min_notional_market = 0;
    struct pw_risk_input in = good();
    in.instrument = &lenient;
    in.qty_e8 = 8000;
    expect(&in, PW_REASON_NONE, "");
    in.type = PW_LIMIT;
    in.price_e8 = 60000 * E8;
    expect(&in, PW_REASON_MIN_NOTIONAL, "notional_min");
    struct pw_instrument small = btc;
    small.max_notional_e8 = 600 * E8;
    PASSES(good, instrument, &small); /* 610, but the filter does not hold for market orders */
    small.max_notional_market = 1;
    DENIED(good, instrument, &small, PW_REASON_MAX_NOTIONAL, "notional_max");
}

Test(risk, an_order_is_not_larger_than_the_config_allows)
{
    struct pw_risk_limits small = limits;
    small.max_order_notional_e8 = 61001 * E8 / 100;
    PASSES(good, limits, &small);
    small.max_order_notional_e8--;
    DENIED(good, limits, &small, PW_REASON_MAX_NOTIONAL, "order_notional");
}

Test(risk, a_position_counts_open_orders_at_their_worst)
{
    struct pw_risk_input in = good();
    in.position_e8 = 2 * E8 - E8 / 100;
    expect(&in, PW_REASON_NONE, "");
    in.open_sell_e8 = E8;
    expect(&in, PW_REASON_NONE, "");
    in.open_buy_e8 = 1;
    expect(&in, PW_REASON_MAX_POSITION, "max_position");
    in.side = PW_SELL;
    expect(&in, PW_REASON_NONE, "");
}

Test(risk, what_reduces_a_position_beyond_its_limit_passes)
{
    struct pw_risk_input in = good();
    in.position_e8 = 5 * E8;
    in.side = PW_SELL;
    expect(&in, PW_REASON_NONE, "");
    in.side = PW_BUY;
    expect(&in, PW_REASON_MAX_POSITION, "max_position");
}

Test(risk, nothing_is_sold_that_is_not_there)
{
    struct pw_risk_input in = good();
    in.side = PW_SELL;
    in.position_e8 = E8 / 100;
    expect(&in, PW_REASON_NONE, "");
    in.open_sell_e8 = 1;
    expect(&in, PW_REASON_NO_POSITION, "no_short");
    struct pw_risk_limits with_short = limits;
    with_short.allow_short = true;
    in.limits = &with_short;
    in.position_e8 = -E8;
    expect(&in, PW_REASON_NONE, "");
    in.position_e8 = -2 * E8;
    expect(&in, PW_REASON_MAX_POSITION, "max_position");
}

Test(risk, cash_must_cover_the_order_its_fee_and_the_open_orders)
{
    struct pw_risk_input in = good();
    in.cash_e16 = 61001 * E16 / 100 + 61001 * E16 / 100000;
    expect(&in, PW_REASON_NONE, "");
    in.cash_e16--;
    expect(&in, PW_REASON_CASH, "cash");
    in.cash_e16 += 2;
    in.hold_e16 = 1;
    expect(&in, PW_REASON_NONE, "");
    in.hold_e16 = 2;
    expect(&in, PW_REASON_CASH, "cash");
}

Test(risk, closing_needs_no_cash)
{
    struct pw_risk_input in = good();
    in.cash_e16 = 0;
    in.position_e8 = E8;
    in.side = PW_SELL;
    expect(&in, PW_REASON_NONE, "");
    in.side = PW_BUY;
    in.position_e8 = -E8;
    in.short_cost_e16 = 61000 * E16;
    expect(&in, PW_REASON_NONE, "");
    in.open_buy_e8 = E8; /* which closes all of it already */
    expect(&in, PW_REASON_CASH, "cash");
}

Test(risk, a_short_ties_up_what_it_brought_in_and_as_much_again)
{
    struct pw_risk_limits with_short = limits;
    with_short.allow_short = true;
    with_short.max_order_notional_e8 = with_short.fee_rate_e8 = 0;
    struct pw_risk_input in = good();
    in.limits = &with_short;
    in.side = PW_SELL;
    in.bid_e8 = 61000 * E8;
    in.cash_e16 = (1000 + 610) * E16; /* 1000 at the start, 610 from a short of 0.01 */
    in.short_cost_e16 = 610 * E16;
    expect(&in, PW_REASON_CASH, "cash"); /* 390 are free, 610 needed */
    in.cash_e16 = (1220 + 610) * E16;
    expect(&in, PW_REASON_NONE, "");
}

Test(risk, the_order_rate_is_a_bucket_of_one_second)
{
    struct pw_risk_bucket bucket = {0};
    int64_t now = INT64_C(1723161600000000000);
    int taken = 0;
    for (int i = 0; i < 20; i++) {
        if (pw_risk_bucket_credit(&bucket, &limits, now) >= 1000000000) {
            pw_risk_bucket_take(&bucket, &limits, now);
            taken++;
        }
    }
    cr_expect_eq(taken, 5);
    cr_expect_lt(pw_risk_bucket_credit(&bucket, &limits, now + 199999999), 1000000000);
    cr_expect_eq(pw_risk_bucket_credit(&bucket, &limits, now + 200000000), 1000000000);
    cr_expect_eq(pw_risk_bucket_credit(&bucket, &limits, now + INT64_C(3600000000000)), 5000000000);
    cr_expect_eq(pw_risk_bucket_credit(&bucket, &limits, INT64_MAX), 5000000000);
    cr_expect_eq(pw_risk_bucket_credit(&bucket, &limits, INT64_MIN), 0, "time that goes back adds nothing");
    DENIED(good, rate_credit, 999999999, PW_REASON_ORDER_RATE, "order_rate");
    struct pw_risk_limits none = limits;
    none.max_orders_per_s = 0;
    struct pw_risk_input in = good();
    in.limits = &none;
    in.rate_credit = 0;
    expect(&in, PW_REASON_NONE, "");
}

Test(risk, the_largest_rate_does_not_overflow)
{
    struct pw_risk_limits many = limits;
    many.max_orders_per_s = UINT32_MAX;
    struct pw_risk_bucket bucket = {0};
    pw_risk_bucket_take(&bucket, &many, 1);
    cr_expect_eq(pw_risk_bucket_credit(&bucket, &many, 1), (uint64_t)UINT32_MAX * 1000000000 - 1000000000);
    cr_expect_eq(pw_risk_bucket_credit(&bucket, &many, 1000000000), (uint64_t)UINT32_MAX * 1000000000);
}

Test(risk, a_replacement_of_what_is_not_open_is_denied)
{
    struct pw_risk_input in = good();
    in.action = PW_REPLACE;
    expect(&in, PW_REASON_NONE, "");
    in.not_replaceable = true;
    expect(&in, PW_REASON_NOT_OPEN, "replaceable");
    in.action = PW_PLACE;
    expect(&in, PW_REASON_NONE, "");
    in.action = PW_REPLACE + 1;
    expect(&in, PW_REASON_BAD_INTENT, "action");
}

Test(risk, an_order_on_what_is_too_old_is_denied_where_age_counts)
{
    struct pw_risk_limits aged = limits;
    struct pw_risk_input in = good();
    in.limits = &aged;
    in.age_ns = INT64_MAX;
    expect(&in, PW_REASON_NONE, "");
    aged.max_age_ns = 1000;
    expect(&in, PW_REASON_STALE, "age");
    in.age_ns = 1000;
    expect(&in, PW_REASON_NONE, "");
    in.age_ns = 1001;
    expect(&in, PW_REASON_STALE, "age");
}

Test(risk, answers_of_gateway_and_table_are_judged_last)
{
    struct pw_risk_input in = good();
    in.gateway = PW_REASON_REQUEST_LIMIT;
    in.table_full = true;
    expect(&in, PW_REASON_NONE, "");
    cr_expect_eq(pw_risk_check_answers(&in), PW_REASON_REQUEST_LIMIT);
    struct pw_risk_finding finding = pw_risk_measure(pw_risk_check_cnt() - 2, &in);
    cr_expect(!finding.passed && finding.reason == PW_REASON_REQUEST_LIMIT);
    in.gateway = PW_REASON_NONE;
    cr_expect_eq(pw_risk_check_answers(&in), PW_REASON_NO_ROOM);
    in.table_full = false;
    cr_expect_eq(pw_risk_check_answers(&in), PW_REASON_NONE);
}

Test(risk, every_check_tells_its_value_and_limit)
{
    struct pw_risk_input in = good();
    for (uint32_t i = 0; i < pw_risk_check_cnt(); i++) {
        struct pw_risk_finding finding = pw_risk_measure(i, &in);
        cr_expect(finding.passed, "%s", pw_risk_check_name(i));
        cr_expect(finding.reason != PW_REASON_NONE || finding.unit == PW_RISK_REASON);
        if (finding.applies) {
            cr_expect(finding.at_least ? finding.value >= finding.limit : finding.value <= finding.limit);
        }
    }
}

/* ---- properties ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Any bits at all, with a liking for the extremes. */
static int64_t any(uint64_t *seed)
{
    static const int64_t extremes[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX - 1, E8, -E8};
    uint64_t bits = next_random(seed);
    return bits % 3 ? (int64_t)next_random(seed) >> (bits % 61) : extremes[bits / 3 % 8];
}

/* No undefined behaviour (the sanitizer watches), and no order beyond a limit. */
Test(risk, nothing_overflows_and_nothing_passes_beyond_a_limit)
{
    uint64_t seed = 4242;
    int passed = 0;
    for (int i = 0; i < 200000; i++) {
        struct pw_instrument instrument = btc;
        struct pw_risk_limits l = {any(&seed), any(&seed), (uint32_t)any(&seed), any(&seed) & 1, 100000};
        bool wild = i % 2;
        struct pw_risk_input in = good();
        if (wild) {
            in = (struct pw_risk_input){
                .instrument = any(&seed) & 7 ? &instrument : NULL,
                .limits = &l,
                .price_e8 = any(&seed),
                .qty_e8 = any(&seed),
                .side = (uint8_t)(any(&seed) & 3),
                .type = (uint8_t)(any(&seed) & 7),
                .stop_price_e8 = any(&seed) & 1 ? any(&seed) : 0,
                .feed_up = true,
                .bid_e8 = any(&seed),
                .ask_e8 = any(&seed),
                .position_e8 = any(&seed),
                .open_buy_e8 = any(&seed) & INT64_MAX,
                .open_sell_e8 = any(&seed) & INT64_MAX,
                .cash_e16 = (pw_i128)any(&seed) * any(&seed),
                .hold_e16 = (pw_i128)(any(&seed) & INT64_MAX) * (any(&seed) & INT64_MAX),
                .short_cost_e16 = (pw_i128)(any(&seed) & INT64_MAX) * (any(&seed) & INT64_MAX),
                .room = true};
            l.max_orders_per_s = 0;
        } else {
            in.qty_e8 = (int64_t)(next_random(&seed) % 400) * E8 / 100;
            in.position_e8 = (int64_t)(next_random(&seed) % 500) * E8 / 100 - 2 * E8;
            in.open_buy_e8 = (int64_t)(next_random(&seed) % 100) * E8 / 100;
            in.open_sell_e8 = (int64_t)(next_random(&seed) % 100) * E8 / 100;
            in.side = next_random(&seed) % 2;
            in.cash_e16 = (pw_i128)(next_random(&seed) % 200000) * E16;
        }
        for (uint32_t k = 0; k < pw_risk_check_cnt(); k++) {
            pw_risk_measure(k, &in);
        }
        pw_i128 hold;
        if (pw_risk_check(&in, NULL, &hold) != PW_REASON_NONE) {
            continue;
        }
        passed++;
        pw_i128 notional = (pw_i128)pw_risk_price_e8(&in) * in.qty_e8;
        pw_i128 after = in.side == PW_BUY ? (pw_i128)in.position_e8 + in.open_buy_e8 + in.qty_e8
                                          : (pw_i128)in.position_e8 - in.open_sell_e8 - in.qty_e8;
        cr_assert(notional > 0);
        cr_assert(!in.limits->max_order_notional_e8 ||
                  notional <= (pw_i128)in.limits->max_order_notional_e8 * E8);
        cr_assert(!in.limits->max_position_e8 ||
                  (in.side == PW_BUY ? after : -after) <= in.limits->max_position_e8);
        cr_assert(in.limits->allow_short || in.side == PW_BUY || after >= 0);
        cr_assert(hold == 0 || hold <= in.cash_e16 - in.hold_e16 - 2 * in.short_cost_e16);
    }
    cr_expect_gt(passed, 1000);
}
