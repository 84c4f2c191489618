/* SPDX-License-Identifier: MIT
 *
 * Filters, open orders, the book, the balances: see order_judge.h.
 */
#include "order_judge.h"

/* With all open orders filled, far from an overflow. */
#define HOLDING_MAX_E8 (INT64_C(50000000000) * PW_E8)

static const struct pw_sim_reject g_price = {400, -1013, "Filter failure: PRICE_FILTER"};
static const struct pw_sim_reject g_percent = {400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"};
static const struct pw_sim_reject g_lot = {400, -1013, "Filter failure: LOT_SIZE"};
static const struct pw_sim_reject g_market_lot = {400, -1013, "Filter failure: MARKET_LOT_SIZE"};
static const struct pw_sim_reject g_notional = {400, -1013, "Filter failure: NOTIONAL"};
static const struct pw_sim_reject g_symbol_orders = {400, -1013, "Filter failure: MAX_NUM_ORDERS"};
static const struct pw_sim_reject g_algo_orders = {400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS"};
static const struct pw_sim_reject g_all_orders = {400, -1013, "Filter failure: EXCHANGE_MAX_NUM_ORDERS"};
static const struct pw_sim_reject g_no_book = {400, -1112, "No orders on book for symbol."};
static const struct pw_sim_reject g_duplicate = {400, -2010, "Duplicate order sent."};
static const struct pw_sim_reject g_would_match = {400, -2010, "Order would immediately match and take."};
static const struct pw_sim_reject g_would_trigger = {400, -2010, "Stop price would trigger immediately."};
static const struct pw_sim_reject g_balance = {400, -2010,
                                               "Account has insufficient balance for requested action."};
static const struct pw_sim_reject g_too_rich = {400, -2010, "This action is disabled on this account."};
static const struct pw_sim_reject g_full = {503, -1008,
                                            "Server is currently overloaded with other requests. Please try "
                                            "again in a few minutes."};

/* ---- in the matching engine's words ---- */

struct pw_matching_order pw_sim_order_match(const struct pw_sim_order_request *request,
                                            const struct pw_sim_account *account, uint32_t tag)
{
    return (struct pw_matching_order){.price_e8 = request->price_e8,
                                      .qty_e8 = request->qty_e8,
                                      .stop_price_e8 = request->stop_price_e8,
                                      .owner = account->account_idx + 1,
                                      .tag = tag,
                                      .side = request->side,
                                      .type = request->type,
                                      .tif = request->tif,
                                      .stp = request->prevention};
}

void pw_sim_order_quantify(const struct pw_matching *matching, struct pw_sim_order_request *request,
                           const struct pw_sim_account *account)
{
    struct pw_matching_order order = pw_sim_order_match(request, account, 0);

    if (request->quote_qty_e8) {
        order.qty_e8 = INT64_MAX;
        request->qty_e8 =
            pw_matching_preview(matching, &order, (pw_i128)request->quote_qty_e8 * PW_E8).qty_e8;
        request->qty_e8 -= request->qty_e8 % request->symbol->step_e8;
    }
}

pw_i128 pw_sim_order_cost_e8(const struct pw_matching *matching, const struct pw_sim_order_request *request,
                             const struct pw_sim_account *account)
{
    struct pw_matching_order order = pw_sim_order_match(request, account, 0);
    int64_t price_e8 = request->price_e8 ? request->price_e8 : request->stop_price_e8;

    if (request->side == PW_SELL) {
        return request->qty_e8;
    }
    return pw_sim_up_e8(request->type == PW_MARKET ? pw_matching_preview(matching, &order, 0).quote_e16
                                                   : (pw_i128)price_e8 * request->qty_e8);
}

/* ---- filters, in the venue's order (binance.md 11.5) ---- */

/* The reference price, else the mean of the last minutes, or the last price; 0: there was no trade. */
static int64_t reference_e8(const struct pw_sim_symbol *symbol)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(symbol->tape);
    int64_t span_ns = symbol->rules.avg_price_mins * 60 * PW_NS_PER_S;
    struct pw_sim_tape_candle candle;

    if (symbol->rules.reference_e8 || !last) {
        return symbol->rules.reference_e8;
    }
    if (span_ns == 0) {
        return last->price_e8;
    }
    candle = pw_sim_tape_candle(symbol->tape, last->time_ns - span_ns, span_ns + 1);
    return candle.volume_e8 ? pw_sim_candle_average_e8(&candle) : last->price_e8;
}

/* A limit, by its side. */
static bool outside_band(const struct pw_sim_order_request *request, int64_t reference)
{
    const struct pw_sim_bounds *band = &request->symbol->rules.band[request->side];
    pw_i128 price_e16 = (pw_i128)request->price_e8 * PW_E8;

    return (band->up_e8 && price_e16 > (pw_i128)reference * band->up_e8) ||
           price_e16 < (pw_i128)reference * band->down_e8;
}

static bool outside(int64_t value_e8, int64_t grain_e8, int64_t most_e8)
{
    return value_e8 < grain_e8 || value_e8 > most_e8 || value_e8 % grain_e8 != 0;
}

static bool notional_ok(const struct pw_sim_order_request *request, int64_t reference)
{
    bool market = !pw_order_has_limit((uint8_t)request->type);
    pw_i128 least_e16 = (pw_i128)request->symbol->min_notional_e8 * PW_E8;
    pw_i128 value_e16 = request->quote_qty_e8
                            ? (pw_i128)request->quote_qty_e8 * PW_E8
                            : (pw_i128)(market ? reference : request->price_e8) * request->qty_e8;

    if (market) {
        return value_e16 >= least_e16 || (!reference && !request->quote_qty_e8);
    }
    return value_e16 >= least_e16 && value_e16 <= (pw_i128)PW_SIM_NOTIONAL_MAX_E8 * PW_E8;
}

const struct pw_sim_reject *pw_sim_order_filter(const struct pw_sim_order_request *request)
{
    const struct pw_sim_symbol *symbol = request->symbol;
    bool market = !pw_order_has_limit((uint8_t)request->type);
    int64_t reference = reference_e8(symbol);

    if ((!market && outside(request->price_e8, symbol->tick_e8, PW_SIM_PRICE_MAX_E8)) ||
        (pw_order_has_stop((uint8_t)request->type) &&
         outside(request->stop_price_e8, symbol->tick_e8, PW_SIM_PRICE_MAX_E8))) {
        return &g_price;
    }
    if (outside(request->qty_e8, symbol->step_e8, PW_SIM_QTY_MAX_E8)) {
        return &g_lot;
    }
    if (market && request->qty_e8 > PW_SIM_MARKET_QTY_MAX_E8) {
        return &g_market_lot;
    }
    if (!market && reference && outside_band(request, reference)) {
        return &g_percent;
    }
    return notional_ok(request, reference) ? NULL : &g_notional;
}

/* ---- open orders, the book, the balances ---- */

static const struct pw_sim_reject *judge_open(struct pw_sim_orders *orders,
                                              const struct pw_sim_order_request *request,
                                              const struct pw_sim_account *account)
{
    const struct pw_sim_open_cnts *cnts = pw_sim_orders_open_cnts(orders, account, request->symbol);
    const struct pw_sim_client_order *namesake =
        request->client_id ? pw_sim_orders_find(orders, account, request->symbol, 0, request->client_id)
                           : NULL;

    if (namesake && namesake->open) {
        return &g_duplicate;
    }
    if (cnts->open >= PW_SIM_SYMBOL_ORDERS_MAX) {
        return &g_symbol_orders;
    }
    if (pw_order_has_stop((uint8_t)request->type) && cnts->algo >= PW_SIM_ALGO_ORDERS_MAX) {
        return &g_algo_orders;
    }
    return account->open_cnt >= PW_SIM_ORDERS_MAX ? &g_all_orders : NULL;
}

static const struct pw_sim_reject *judge_balances(const struct pw_matching *matching,
                                                  const struct pw_sim_order_request *request,
                                                  const struct pw_sim_account *account)
{
    const struct pw_sim_symbol *symbol = request->symbol;
    bool buys = request->side == PW_BUY;
    const struct pw_sim_balance *pays = pw_sim_account_balance(account, buys ? symbol->quote : symbol->base);
    const struct pw_sim_balance *gets = pw_sim_account_balance(account, buys ? symbol->base : symbol->quote);

    if (pw_sim_order_cost_e8(matching, request, account) > pays->free_e8) {
        return &g_balance;
    }
    if (gets->free_e8 + gets->locked_e8 > HOLDING_MAX_E8) {
        return &g_too_rich;
    }
    return pw_matching_has_room(matching) ? NULL : &g_full;
}

const struct pw_sim_reject *pw_sim_order_judge(struct pw_sim_orders *orders,
                                               const struct pw_matching *matching,
                                               const struct pw_sim_order_request *request,
                                               const struct pw_sim_account *account)
{
    struct pw_matching_order order = pw_sim_order_match(request, account, 0);
    const struct pw_sim_reject *reject;

    if (request->type == PW_MARKET && !pw_matching_would_take(matching, &order)) {
        return &g_no_book;
    }
    reject = pw_sim_order_filter(request);
    if (!reject) {
        reject = judge_open(orders, request, account);
    }
    if (!reject && pw_matching_would_trigger(matching, &order)) {
        reject = &g_would_trigger;
    }
    if (!reject && request->type == PW_LIMIT_MAKER && pw_matching_would_take(matching, &order)) {
        reject = &g_would_match;
    }
    return reject ? reject : judge_balances(matching, request, account);
}
