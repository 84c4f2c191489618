/* SPDX-License-Identifier: MIT
 *
 * The table of checks. Each measures one thing and says by which limit it is judged; none relies on an
 * earlier one having passed, so that all of them can be told for one order.
 *
 * Quantities are widened to 128 bits before anything is added to them: sums of a few 63-bit numbers, and
 * products of two, cannot overflow there.
 */
#include "risk.h"

#include "orders.h"
#include "pw_assert.h"

#define ORDER_CREDIT UINT64_C(1000000000)

static struct pw_risk_finding at_most(pw_i128 value, pw_i128 limit, enum pw_risk_unit unit)
{
    return (struct pw_risk_finding){value, limit, .unit = (uint8_t)unit, .applies = true,
                                    .passed = value <= limit};
}

static struct pw_risk_finding at_least(pw_i128 value, pw_i128 limit, enum pw_risk_unit unit)
{
    return (struct pw_risk_finding){
        value, limit, .unit = (uint8_t)unit, .at_least = true, .applies = true, .passed = value >= limit};
}

static struct pw_risk_finding is_true(bool value)
{
    return at_least(value, 1, PW_RISK_FLAG);
}

static struct pw_risk_finding not_asked(void)
{
    return (struct pw_risk_finding){.passed = true};
}

/* A limit of 0 is switched off. */
static struct pw_risk_finding below_if(pw_i128 value, pw_i128 limit, enum pw_risk_unit unit)
{
    return limit ? at_most(value, limit, unit) : not_asked();
}

static struct pw_risk_finding above_if(pw_i128 value, pw_i128 limit, enum pw_risk_unit unit)
{
    return limit ? at_least(value, limit, unit) : not_asked();
}

/* A multiple of the step: what is left over must be 0. */
static struct pw_risk_finding multiple_if(int64_t value, int64_t step)
{
    return step > 0 ? at_most(value % step ? 1 : 0, 0, PW_RISK_FLAG) : not_asked();
}

/* It takes what the market offers, at once or once its stop price is reached. */
static bool is_market(const struct pw_risk_input *in)
{
    return !pw_order_has_limit(in->type);
}

static inline int64_t value_price_e8(const struct pw_risk_input *in)
{
    if (!is_market(in)) {
        return in->price_e8;
    }
    int64_t quote_e8 = in->side == PW_BUY ? in->ask_e8 : in->bid_e8;
    return quote_e8 > 0 && in->stop_price_e8 > quote_e8 ? in->stop_price_e8 : quote_e8;
}

int64_t pw_risk_price_e8(const struct pw_risk_input *in)
{
    return value_price_e8(in);
}

static inline pw_i128 notional_e16(const struct pw_risk_input *in)
{
    return pw_money_notional_e16(value_price_e8(in), in->qty_e8);
}

/* As the venue's filters have it, which value what has no limit by a price of theirs. */
static inline pw_i128 filter_notional_e16(const struct pw_risk_input *in)
{
    return in->reference_e8 > 0 && is_market(in) ? pw_money_notional_e16(in->reference_e8, in->qty_e8)
                                                 : notional_e16(in);
}

/* What it would open: all but what closes a position of the other side that no open order has spoken for. */
static int64_t opening_qty_e8(const struct pw_risk_input *in)
{
    pw_i128 closable = in->side == PW_BUY ? -(pw_i128)in->position_e8 - in->open_buy_e8
                                          : (pw_i128)in->position_e8 - in->open_sell_e8;
    pw_i128 opening = closable > 0 ? in->qty_e8 - closable : in->qty_e8;
    return opening > 0 ? (int64_t)opening : 0;
}

/* Cash that an accepted order holds. Pure: pw_risk_check judges by it and gives it back, computed once. */
static __attribute__((pure, noinline)) pw_i128 hold_e16(const struct pw_risk_input *in)
{
    int64_t price = value_price_e8(in);
    if (price <= 0) {
        return 0;
    }
    pw_i128 opening = pw_money_notional_e16(price, opening_qty_e8(in));
    pw_i128 fee = pw_money_fee_e16(opening, in->limits->fee_rate_e8);
    return fee > 0 ? opening + fee : opening;
}

/* ---- the checks ---- */

static struct pw_risk_finding halted(const struct pw_risk_input *in)
{
    return at_most(in->halted != PW_REASON_NONE, 0, PW_RISK_FLAG);
}

static struct pw_risk_finding known(const struct pw_risk_input *in)
{
    return is_true(in->instrument != NULL);
}

static struct pw_risk_finding well_formed(const struct pw_risk_input *in)
{
    bool price_ok = is_market(in) ? in->price_e8 == 0 : in->price_e8 > 0;
    bool stop_ok = pw_order_has_stop(in->type) ? in->stop_price_e8 > 0 : in->stop_price_e8 == 0;
    /* What rests, or may, is good till canceled; but a plain limit order may be told not to. */
    bool tif_ok = is_market(in) || in->type == PW_LIMIT ? in->tif <= PW_FOK : in->tif == PW_GTC;
    return is_true(in->qty_e8 > 0 && price_ok && stop_ok && tif_ok && in->side <= PW_SELL &&
                   in->type < PW_ORDER_TYPES);
}

static struct pw_risk_finding trading(const struct pw_risk_input *in)
{
    return is_true(in->instrument->tradable);
}

static struct pw_risk_finding feed(const struct pw_risk_input *in)
{
    return is_true(in->feed_up);
}

static struct pw_risk_finding quoted(const struct pw_risk_input *in)
{
    return is_market(in) ? at_least(value_price_e8(in), 1, PW_RISK_PRICE) : not_asked();
}

static struct pw_risk_finding price_min(const struct pw_risk_input *in)
{
    return is_market(in) ? not_asked() : above_if(in->price_e8, in->instrument->min_price_e8, PW_RISK_PRICE);
}

static struct pw_risk_finding price_max(const struct pw_risk_input *in)
{
    return is_market(in) ? not_asked() : below_if(in->price_e8, in->instrument->max_price_e8, PW_RISK_PRICE);
}

static struct pw_risk_finding price_tick(const struct pw_risk_input *in)
{
    return is_market(in) ? not_asked() : multiple_if(in->price_e8, in->instrument->tick_e8);
}

/* The product in whole units, rounded down or up. */
static pw_i128 multiple(int64_t price_e8, uint32_t multiple_e6, bool up)
{
    uint64_t price = (uint64_t)price_e8, e6 = 1000000;
    return (pw_i128)(price / e6) * multiple_e6 + (price % e6 * multiple_e6 + (up ? e6 - 1 : 0)) / e6;
}

/* Where no reference price is known each end is measured from the side of the quote that is nearer to it. */
static __attribute__((noinline)) struct pw_risk_finding band_of(const struct pw_risk_input *in,
                                                                struct pw_price_band band)
{
    int64_t most_of_e8 = in->reference_e8 > 0 ? in->reference_e8 : in->ask_e8;
    int64_t least_of_e8 = in->reference_e8 > 0 ? in->reference_e8 : in->bid_e8;
    pw_i128 most = band.up_e6 && most_of_e8 > 0 ? multiple(most_of_e8, band.up_e6, false) : INT64_MAX;
    pw_i128 least = least_of_e8 > 0 ? multiple(least_of_e8, band.down_e6, true) : 0;
    return in->price_e8 > most ? at_most(in->price_e8, most, PW_RISK_PRICE)
                               : at_least(in->price_e8, least, PW_RISK_PRICE);
}

/* It is about limits; most instruments that are traded much have one far from any price that makes sense. */
static inline struct pw_risk_finding price_band(const struct pw_risk_input *in)
{
    const struct pw_price_band band = in->instrument->band[in->side != PW_BUY];
    return is_market(in) || (band.up_e6 | band.down_e6) == 0 ? not_asked() : band_of(in, band);
}

static bool has_stop(const struct pw_risk_input *in)
{
    return pw_order_has_stop(in->type);
}

static struct pw_risk_finding stop_min(const struct pw_risk_input *in)
{
    return has_stop(in) ? above_if(in->stop_price_e8, in->instrument->min_price_e8, PW_RISK_PRICE)
                        : not_asked();
}

static struct pw_risk_finding stop_max(const struct pw_risk_input *in)
{
    return has_stop(in) ? below_if(in->stop_price_e8, in->instrument->max_price_e8, PW_RISK_PRICE)
                        : not_asked();
}

static struct pw_risk_finding stop_tick(const struct pw_risk_input *in)
{
    return has_stop(in) ? multiple_if(in->stop_price_e8, in->instrument->tick_e8) : not_asked();
}

static struct pw_risk_finding lot_min(const struct pw_risk_input *in)
{
    return above_if(in->qty_e8, in->instrument->min_qty_e8, PW_RISK_QTY);
}

static struct pw_risk_finding lot_max(const struct pw_risk_input *in)
{
    return below_if(in->qty_e8, in->instrument->max_qty_e8, PW_RISK_QTY);
}

static struct pw_risk_finding lot_step(const struct pw_risk_input *in)
{
    return multiple_if(in->qty_e8, in->instrument->step_e8);
}

static struct pw_risk_finding market_lot_min(const struct pw_risk_input *in)
{
    return is_market(in) ? above_if(in->qty_e8, in->instrument->market_min_qty_e8, PW_RISK_QTY) : not_asked();
}

static struct pw_risk_finding market_lot_max(const struct pw_risk_input *in)
{
    return is_market(in) ? below_if(in->qty_e8, in->instrument->market_max_qty_e8, PW_RISK_QTY) : not_asked();
}

static struct pw_risk_finding market_lot_step(const struct pw_risk_input *in)
{
    return is_market(in) ? multiple_if(in->qty_e8, in->instrument->market_step_e8) : not_asked();
}

static inline struct pw_risk_finding notional_min(const struct pw_risk_input *in)
{
    if (is_market(in) && !in->instrument->min_notional_market) {
        return not_asked();
    }
    return above_if(filter_notional_e16(in), pw_money_e16_of_e8(in->instrument->min_notional_e8),
                    PW_RISK_E16);
}

static inline struct pw_risk_finding notional_max(const struct pw_risk_input *in)
{
    if (is_market(in) && !in->instrument->max_notional_market) {
        return not_asked();
    }
    return below_if(filter_notional_e16(in), pw_money_e16_of_e8(in->instrument->max_notional_e8),
                    PW_RISK_E16);
}

static struct pw_risk_finding order_notional(const struct pw_risk_input *in)
{
    return below_if(notional_e16(in), pw_money_e16_of_e8(in->limits->max_order_notional_e8), PW_RISK_E16);
}

/* If every open order of its side were filled, and it too, and none of the other side. */
static pw_i128 position_after_e8(const struct pw_risk_input *in)
{
    return in->side == PW_BUY ? (pw_i128)in->position_e8 + in->open_buy_e8 + in->qty_e8
                              : (pw_i128)in->position_e8 - in->open_sell_e8 - in->qty_e8;
}

static struct pw_risk_finding max_position(const struct pw_risk_input *in)
{
    pw_i128 after = position_after_e8(in);
    return below_if(in->side == PW_BUY ? after : -after, in->limits->max_position_e8, PW_RISK_QTY);
}

static struct pw_risk_finding no_short(const struct pw_risk_input *in)
{
    if (in->limits->allow_short || in->side == PW_BUY) {
        return not_asked();
    }
    return at_least(position_after_e8(in), 0, PW_RISK_QTY);
}

/* What only closes needs no cash. A short keeps what it brought in and as much again out of reach. */
static struct pw_risk_finding cash(const struct pw_risk_input *in)
{
    pw_i128 need = hold_e16(in);
    pw_i128 free_cash = in->cash_e16;
    if (need == 0) {
        return not_asked();
    }
    if (__builtin_sub_overflow(free_cash, in->hold_e16, &free_cash) ||
        __builtin_sub_overflow(free_cash, in->short_cost_e16, &free_cash) ||
        __builtin_sub_overflow(free_cash, in->short_cost_e16, &free_cash)) {
        free_cash = -1;
    }
    return at_most(need, free_cash, PW_RISK_E16);
}

static struct pw_risk_finding room(const struct pw_risk_input *in)
{
    return is_true(in->room);
}

static struct pw_risk_finding order_rate(const struct pw_risk_input *in)
{
    return in->limits->max_orders_per_s ? at_least(in->rate_credit, ORDER_CREDIT, PW_RISK_E9) : not_asked();
}

static struct pw_risk_finding action(const struct pw_risk_input *in)
{
    return at_most(in->action, PW_REPLACE, PW_RISK_FLAG);
}

static struct pw_risk_finding replaceable(const struct pw_risk_input *in)
{
    return in->action == PW_REPLACE ? is_true(!in->not_replaceable) : not_asked();
}

static struct pw_risk_finding age(const struct pw_risk_input *in)
{
    return in->limits->max_age_ns ? at_most(in->age_ns, in->limits->max_age_ns, PW_RISK_NS) : not_asked();
}

static struct pw_risk_finding gateway(const struct pw_risk_input *in)
{
    return at_most(in->gateway, PW_REASON_NONE, PW_RISK_REASON);
}

static struct pw_risk_finding order_table(const struct pw_risk_input *in)
{
    return is_true(!in->table_full);
}

/* In the order of judgement: name, measure, the reason of a failure (NONE: what was measured), whether it
 * needs an instrument. Lists for the preprocessor, because they are on the way of every order: spelt out, the
 * checks are compiled as one. */
/* clang-format off: a row a check */
#define ANSWERS(CHECK)                                                                                       \
    CHECK(gateway, gateway, PW_REASON_NONE, false)                                                           \
    CHECK(order_table, order_table, PW_REASON_NO_ROOM, false)
#define CHECKS(CHECK)                                                                                        \
    CHECK(halted, halted, PW_REASON_HALTED, false)                                                           \
    CHECK(instrument, known, PW_REASON_UNKNOWN_INSTRUMENT, false)                                            \
    CHECK(intent, well_formed, PW_REASON_BAD_INTENT, false)                                                  \
    CHECK(trading, trading, PW_REASON_NOT_TRADING, true)                                                     \
    CHECK(feed, feed, PW_REASON_STALE, false)                                                                \
    CHECK(quote, quoted, PW_REASON_NO_QUOTE, false)                                                          \
    CHECK(price_min, price_min, PW_REASON_PRICE_FILTER, true)                                                \
    CHECK(price_max, price_max, PW_REASON_PRICE_FILTER, true)                                                \
    CHECK(price_tick, price_tick, PW_REASON_PRICE_FILTER, true)                                              \
    CHECK(price_band, price_band, PW_REASON_PRICE_BAND, true)                                                \
    CHECK(stop_min, stop_min, PW_REASON_PRICE_FILTER, true)                                                  \
    CHECK(stop_max, stop_max, PW_REASON_PRICE_FILTER, true)                                                  \
    CHECK(stop_tick, stop_tick, PW_REASON_PRICE_FILTER, true)                                                \
    CHECK(lot_min, lot_min, PW_REASON_LOT_SIZE, true)                                                        \
    CHECK(lot_max, lot_max, PW_REASON_LOT_SIZE, true)                                                        \
    CHECK(lot_step, lot_step, PW_REASON_LOT_SIZE, true)                                                      \
    CHECK(market_lot_min, market_lot_min, PW_REASON_LOT_SIZE, true)                                          \
    CHECK(market_lot_max, market_lot_max, PW_REASON_LOT_SIZE, true)                                          \
    CHECK(market_lot_step, market_lot_step, PW_REASON_LOT_SIZE, true)                                        \
    CHECK(notional_min, notional_min, PW_REASON_MIN_NOTIONAL, true)                                          \
    CHECK(notional_max, notional_max, PW_REASON_MAX_NOTIONAL, true)                                          \
    CHECK(order_notional, order_notional, PW_REASON_MAX_NOTIONAL, false)                                     \
    CHECK(max_position, max_position, PW_REASON_MAX_POSITION, false)                                         \
    CHECK(no_short, no_short, PW_REASON_NO_POSITION, false)                                                  \
    CHECK(cash, cash, PW_REASON_CASH, false)                                                                 \
    CHECK(room, room, PW_REASON_NO_ROOM, false)                                                              \
    CHECK(order_rate, order_rate, PW_REASON_ORDER_RATE, false)                                               \
    CHECK(action, action, PW_REASON_BAD_INTENT, false)                                                       \
    CHECK(replaceable, replaceable, PW_REASON_NOT_OPEN, false)                                               \
    CHECK(age, age, PW_REASON_STALE, false)
/* clang-format on */

static const struct {
    const char *name;
    struct pw_risk_finding (*measure)(const struct pw_risk_input *in);
    uint8_t reason;
    bool needs_instrument;
} checks[] = {
#define ROW(name, measure, reason, needs_instrument) {#name, measure, reason, needs_instrument},
    CHECKS(ROW) ANSWERS(ROW)
#undef ROW
};

#define CHECK_CNT (sizeof checks / sizeof checks[0])
static_assert(CHECK_CNT <= PW_RISK_CHECKS_MAX, "callers size their arrays by it");

uint32_t pw_risk_check_cnt(void)
{
    return CHECK_CNT;
}

const char *pw_risk_check_name(uint32_t check_idx)
{
    pw_assert(check_idx < CHECK_CNT);
    return checks[check_idx].name;
}

struct pw_risk_finding pw_risk_measure(uint32_t check_idx, const struct pw_risk_input *in)
{
    pw_assert(check_idx < CHECK_CNT);
    if (checks[check_idx].needs_instrument && !in->instrument) {
        return not_asked();
    }
    struct pw_risk_finding finding = checks[check_idx].measure(in);
    finding.reason = checks[check_idx].reason ? checks[check_idx].reason : (uint8_t)finding.value;
    return finding;
}

enum pw_reason pw_risk_check(const struct pw_risk_input *in, uint32_t *check_idx, pw_i128 *order_hold_e16)
{
    uint32_t idx = 0;
#define JUDGE(name, measure, reason, needs_instrument)                                                       \
    if ((!(needs_instrument) || in->instrument) && !measure(in).passed) {                                    \
        if (check_idx) {                                                                                     \
            *check_idx = idx;                                                                                \
        }                                                                                                    \
        return reason;                                                                                       \
    }                                                                                                        \
    idx++;
    CHECKS(JUDGE)
#undef JUDGE
    if (order_hold_e16) {
        *order_hold_e16 = hold_e16(in);
        pw_assert(*order_hold_e16 >= 0);
    }
    return PW_REASON_NONE;
}

enum pw_reason pw_risk_check_answers(const struct pw_risk_input *in)
{
#define JUDGE(name, measure, reason, needs_instrument)                                                       \
    if (!measure(in).passed) {                                                                               \
        return reason ? reason : (enum pw_reason)measure(in).value;                                          \
    }
    ANSWERS(JUDGE)
#undef JUDGE
    return PW_REASON_NONE;
}

/* ---- the order rate ---- */

uint64_t pw_risk_bucket_credit(const struct pw_risk_bucket *bucket, const struct pw_risk_limits *limits,
                               int64_t now_ns)
{
    uint64_t full = limits->max_orders_per_s * ORDER_CREDIT; /* below 2^62: 32 bits times 30 */
    if (!bucket->started) {
        return full;
    }
    uint64_t elapsed = now_ns > bucket->last_ns ? (uint64_t)now_ns - (uint64_t)bucket->last_ns : 0;
    if (elapsed >= ORDER_CREDIT) {
        return full;
    }
    uint64_t credit = bucket->credit + elapsed * limits->max_orders_per_s;
    pw_assert(credit >= bucket->credit); /* what is kept and what a second brings fit together */
    return credit < full ? credit : full;
}

void pw_risk_bucket_take(struct pw_risk_bucket *bucket, const struct pw_risk_limits *limits, int64_t now_ns)
{
    uint64_t credit = pw_risk_bucket_credit(bucket, limits, now_ns);
    pw_assert(limits->max_orders_per_s == 0 || credit >= ORDER_CREDIT); /* the check has passed */
    bucket->credit = credit >= ORDER_CREDIT ? credit - ORDER_CREDIT : 0;
    if (!bucket->started || now_ns > bucket->last_ns) {
        bucket->last_ns = now_ns;
    }
    bucket->started = true;
}
