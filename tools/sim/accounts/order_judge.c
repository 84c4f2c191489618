/* SPDX-License-Identifier: MIT
 *
 * Filters, open orders, the book, the balances: see order_judge.h.
 */
#include "order_judge.h"

#define REFERENCE_NS INT64_C(300000000000) /* avgPriceMins of the filters */
/* With all open orders filled, far from an overflow. */
#define HOLDING_MAX_E8 (INT64_C(50000000000) * PW_E8)

static const struct pw_sim_refusal g_price = {400, -1013, "Filter failure: PRICE_FILTER"};
static const struct pw_sim_refusal g_percent = {400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"};
static const struct pw_sim_refusal g_lot = {400, -1013, "Filter failure: LOT_SIZE"};
static const struct pw_sim_refusal g_market_lot = {400, -1013, "Filter failure: MARKET_LOT_SIZE"};
static const struct pw_sim_refusal g_notional = {400, -1013, "Filter failure: NOTIONAL"};
static const struct pw_sim_refusal g_symbol_orders = {400, -1013, "Filter failure: MAX_NUM_ORDERS"};
static const struct pw_sim_refusal g_algo_orders = {400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS"};
static const struct pw_sim_refusal g_all_orders = {400, -1013, "Filter failure: EXCHANGE_MAX_NUM_ORDERS"};
static const struct pw_sim_refusal g_no_book = {400, -1112, "No orders on book for symbol."};
static const struct pw_sim_refusal g_duplicate = {400, -2010, "Duplicate order sent."};
static const struct pw_sim_refusal g_would_match = {400, -2010, "Order would immediately match and take."};
static const struct pw_sim_refusal g_would_trigger = {400, -2010, "Stop price would trigger immediately."};
static const struct pw_sim_refusal g_balance = {400, -2010,
                                                "Account has insufficient balance for requested action."};
static const struct pw_sim_refusal g_too_rich = {400, -2010, "This action is disabled on this account."};
static const struct pw_sim_refusal g_full = {503, -1008,
                                             "Server is currently overloaded with other requests. Please try "
                                             "again in a few minutes."};

/* ---- in the book's words ---- */

static unsigned meet(const void *state, uint32_t maker_owner)
{
    static const unsigned meetings[PW_SIM_PREVENTIONS] = {[PW_SIM_EXPIRE_TAKER] = PW_SIM_MEET_TAKER_ENDS,
                                                          [PW_SIM_EXPIRE_MAKER] = PW_SIM_MEET_MAKER_ENDS,
                                                          [PW_SIM_EXPIRE_BOTH] = PW_SIM_MEET_MAKER_ENDS |
                                                                                 PW_SIM_MEET_TAKER_ENDS};
    const struct pw_sim_meeting_rule *rule = state;

    return rule->orders->table.orders[maker_owner - 1].account == rule->account ? meetings[rule->prevention]
                                                                                : 0;
}

struct pw_sim_taker pw_sim_order_taker(const struct pw_sim_order_request *request,
                                       struct pw_sim_meeting_rule *rule)
{
    int64_t any_e8 = request->side == PW_BUY ? INT64_MAX : 0;
    bool market = pw_sim_type_market(request->type);

    return (struct pw_sim_taker){.side = request->side,
                                 .order = {market ? any_e8 : request->price_e8, request->qty_e8},
                                 .rests = !market && request->tif == PW_SIM_GTC,
                                 .meet = meet,
                                 .state = rule};
}

void pw_sim_order_quantify(const struct pw_sim_market *market, struct pw_sim_order_request *request,
                           struct pw_sim_meeting_rule *rule)
{
    struct pw_sim_taker taker = pw_sim_order_taker(request, rule);

    if (request->quote_qty_e8) {
        taker.order.qty_e8 = INT64_MAX;
        request->qty_e8 = pw_sim_market_taking(market, &taker, (pw_i128)request->quote_qty_e8 * PW_E8).qty_e8;
        request->qty_e8 -= request->qty_e8 % request->symbol->step_e8;
    }
}

pw_i128 pw_sim_order_cost_e8(const struct pw_sim_market *market, const struct pw_sim_order_request *request,
                             struct pw_sim_meeting_rule *rule)
{
    struct pw_sim_taker taker = pw_sim_order_taker(request, rule);
    int64_t price_e8 = request->price_e8 ? request->price_e8 : request->stop_price_e8;

    if (request->side == PW_SELL) {
        return request->qty_e8;
    }
    return pw_sim_up_e8(request->type == PW_SIM_MARKET ? pw_sim_market_taking(market, &taker, 0).quote_e16
                                                       : (pw_i128)price_e8 * request->qty_e8);
}

/* ---- filters, in the venue's order (binance.md 11.5) ---- */

/* The average price of the last minutes; 0: there was no trade. */
static int64_t reference_e8(const struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);
    struct pw_sim_tape_candle candle;

    if (!last) {
        return 0;
    }
    candle = pw_sim_tape_candle(symbol->tape, last->time_ns - REFERENCE_NS, REFERENCE_NS + 1);
    return candle.volume_e8 ? (int64_t)(candle.quote_e16 / candle.volume_e8) : last->price_e8;
}

static bool outside(int64_t value_e8, int64_t grain_e8, int64_t most_e8)
{
    return value_e8 < grain_e8 || value_e8 > most_e8 || value_e8 % grain_e8 != 0;
}

static bool notional_ok(const struct pw_sim_order_request *request, int64_t reference)
{
    bool market = pw_sim_type_market(request->type);
    pw_i128 least_e16 = (pw_i128)request->symbol->min_notional_e8 * PW_E8;
    pw_i128 value_e16 = request->quote_qty_e8
                            ? (pw_i128)request->quote_qty_e8 * PW_E8
                            : (pw_i128)(market ? reference : request->price_e8) * request->qty_e8;

    if (market) {
        return value_e16 >= least_e16 || (!reference && !request->quote_qty_e8);
    }
    return value_e16 >= least_e16 && value_e16 <= (pw_i128)PW_SIM_NOTIONAL_MAX_E8 * PW_E8;
}

const struct pw_sim_refusal *pw_sim_order_filter(const struct pw_sim_order_request *request)
{
    const struct pw_sim_symbol *symbol = request->symbol;
    bool market = pw_sim_type_market(request->type);
    int64_t reference = reference_e8(symbol), price_e8 = market ? reference : request->price_e8;

    if ((!market && outside(price_e8, symbol->tick_e8, PW_SIM_PRICE_MAX_E8)) ||
        (pw_sim_type_stops(request->type) &&
         outside(request->stop_price_e8, symbol->tick_e8, PW_SIM_PRICE_MAX_E8))) {
        return &g_price;
    }
    if (outside(request->qty_e8, symbol->step_e8, PW_SIM_QTY_MAX_E8)) {
        return &g_lot;
    }
    if (market && request->qty_e8 > PW_SIM_MARKET_QTY_MAX_E8) {
        return &g_market_lot;
    }
    if (reference && (price_e8 > 5 * reference || 5 * price_e8 < reference)) {
        return &g_percent;
    }
    return notional_ok(request, reference) ? NULL : &g_notional;
}

/* ---- open orders, the book, the balances ---- */

static const struct pw_sim_refusal *judge_open(const struct pw_sim_order_request *request,
                                               const struct pw_sim_meeting_rule *rule)
{
    const struct pw_sim_open_cnts *cnts =
        pw_sim_orders_open_cnts(rule->orders, rule->account, request->symbol);
    const struct pw_sim_client_order *namesake =
        request->client_id
            ? pw_sim_orders_find(rule->orders, rule->account, request->symbol, 0, request->client_id)
            : NULL;

    if (namesake && namesake->open) {
        return &g_duplicate;
    }
    if (cnts->open >= PW_SIM_SYMBOL_ORDERS_MAX) {
        return &g_symbol_orders;
    }
    if (pw_sim_type_stops(request->type) && cnts->algo >= PW_SIM_ALGO_ORDERS_MAX) {
        return &g_algo_orders;
    }
    return rule->account->open_cnt >= PW_SIM_ORDERS_MAX ? &g_all_orders : NULL;
}

static bool triggers_now(const struct pw_sim_order_request *request)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(request->symbol->tape);

    if (!last || !pw_sim_type_stops(request->type)) {
        return false;
    }
    return pw_sim_stops_above(request->type, request->side) ? last->price_e8 >= request->stop_price_e8
                                                            : last->price_e8 <= request->stop_price_e8;
}

static bool crosses(const struct pw_sim_market *market, const struct pw_sim_order_request *request)
{
    const struct pw_sim_queue *best = pw_sim_market_best(market, request->side == PW_BUY ? PW_SELL : PW_BUY);

    return best && (request->side == PW_BUY ? best->price_e8 <= request->price_e8
                                            : best->price_e8 >= request->price_e8);
}

static const struct pw_sim_refusal *judge_balances(const struct pw_sim_market *market,
                                                   const struct pw_sim_order_request *request,
                                                   struct pw_sim_meeting_rule *rule)
{
    const struct pw_sim_symbol *symbol = request->symbol;
    bool buys = request->side == PW_BUY;
    const struct pw_sim_balance *pays =
        pw_sim_account_balance(rule->account, buys ? symbol->quote : symbol->base);
    const struct pw_sim_balance *gets =
        pw_sim_account_balance(rule->account, buys ? symbol->base : symbol->quote);

    if (pw_sim_order_cost_e8(market, request, rule) > pays->free_e8) {
        return &g_balance;
    }
    if (gets->free_e8 + gets->locked_e8 > HOLDING_MAX_E8) {
        return &g_too_rich;
    }
    return pw_sim_market_has_room(market) ? NULL : &g_full;
}

const struct pw_sim_refusal *pw_sim_order_judge(const struct pw_sim_market *market,
                                                const struct pw_sim_order_request *request,
                                                struct pw_sim_meeting_rule *rule)
{
    bool book = pw_sim_market_best(market, request->side == PW_BUY ? PW_SELL : PW_BUY) != NULL;
    const struct pw_sim_refusal *refusal;

    if (request->type == PW_SIM_MARKET && !book) {
        return &g_no_book;
    }
    refusal = pw_sim_order_filter(request);
    if (!refusal) {
        refusal = judge_open(request, rule);
    }
    if (!refusal && triggers_now(request)) {
        refusal = &g_would_trigger;
    }
    if (!refusal && request->type == PW_SIM_LIMIT_MAKER && crosses(market, request)) {
        refusal = &g_would_match;
    }
    return refusal ? refusal : judge_balances(market, request, rule);
}
