/* SPDX-License-Identifier: MIT
 *
 * Clients' orders: see orders.h. A slot's number plus one is the owner that the matching book knows.
 */
#include "orders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE         UINT32_MAX
#define REFERENCE_NS INT64_C(300000000000) /* avgPriceMins of the filters */
#define HOLDING_MAX_E8                                                                                       \
    (INT64_C(50000000000) * PW_E8) /* with all open orders filled, far from an overflow                      \
                                    */

static const struct pw_sim_refusal g_price = {400, -1013, "Filter failure: PRICE_FILTER"};
static const struct pw_sim_refusal g_percent = {400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"};
static const struct pw_sim_refusal g_lot = {400, -1013, "Filter failure: LOT_SIZE"};
static const struct pw_sim_refusal g_market_lot = {400, -1013, "Filter failure: MARKET_LOT_SIZE"};
static const struct pw_sim_refusal g_notional = {400, -1013, "Filter failure: NOTIONAL"};
static const struct pw_sim_refusal g_symbol_orders = {400, -1013, "Filter failure: MAX_NUM_ORDERS"};
static const struct pw_sim_refusal g_all_orders = {400, -1013, "Filter failure: EXCHANGE_MAX_NUM_ORDERS"};
static const struct pw_sim_refusal g_no_book = {400, -1112, "No orders on book for symbol."};
static const struct pw_sim_refusal g_duplicate = {400, -2010, "Duplicate order sent."};
static const struct pw_sim_refusal g_would_match = {400, -2010, "Order would immediately match and take."};
static const struct pw_sim_refusal g_balance = {400, -2010,
                                                "Account has insufficient balance for requested action."};
static const struct pw_sim_refusal g_too_rich = {400, -2010, "This action is disabled on this account."};
static const struct pw_sim_refusal g_full = {503, -1008,
                                             "Server is currently overloaded with other requests. Please try "
                                             "again in a few minutes."};

/* ---- money ---- */

static int64_t quote_down_e8(int64_t price_e8, int64_t qty_e8)
{
    return (int64_t)((pw_i128)price_e8 * qty_e8 / PW_E8);
}

static pw_i128 up_e8(pw_i128 value_e16)
{
    return (value_e16 + PW_E8 - 1) / PW_E8;
}

static int64_t leaves_e8(const struct pw_sim_client_order *order)
{
    return order->qty_e8 - order->filled_e8;
}

static struct pw_sim_balance *paying(const struct pw_sim_client_order *order)
{
    return order->side == PW_BUY ? order->quote : order->base;
}

static void lock(struct pw_sim_client_order *order, int64_t amount_e8)
{
    struct pw_sim_balance *balance = paying(order);

    balance->free_e8 -= amount_e8;
    balance->locked_e8 += amount_e8;
    order->locked_e8 += amount_e8;
}

/* What the order must hold for the rest of it, having spent `spent_e8` of a market order's hold. */
static int64_t hold_e8(const struct pw_sim_client_order *order, int64_t spent_e8)
{
    if (order->side == PW_SELL) {
        return leaves_e8(order);
    }
    return order->type == PW_SIM_MARKET ? order->locked_e8 - spent_e8
                                        : (int64_t)up_e8((pw_i128)order->price_e8 * leaves_e8(order));
}

/* Pays for a fill out of the hold, and takes the fee out of what it brings; returns the fee. What rounding
 * and a better price leave over is free again. */
static int64_t settle(struct pw_sim_client_order *order, int64_t qty_e8, int64_t quote_e8, bool maker)
{
    const struct pw_sim_account_config *config = order->account->config;
    struct pw_sim_balance *pays = paying(order), *gets = order->side == PW_BUY ? order->base : order->quote;
    int64_t spent_e8 = order->side == PW_BUY ? quote_e8 : qty_e8;
    int64_t got_e8 = order->side == PW_BUY ? qty_e8 : quote_e8;
    int64_t fee_e8 = (int64_t)((pw_i128)got_e8 * (maker ? config->maker_bips : config->taker_bips) / 10000);
    int64_t released_e8 = order->locked_e8 - hold_e8(order, spent_e8);

    order->locked_e8 -= released_e8;
    pays->locked_e8 -= released_e8;
    pays->free_e8 += released_e8 - spent_e8;
    gets->free_e8 += got_e8 - fee_e8;
    return fee_e8;
}

/* ---- life ---- */

/* Tells the listener what has just happened to execution->order. */
static void tell(struct pw_sim_orders *orders, struct pw_sim_execution execution)
{
    execution.execution_id = ++orders->last_execution_id;
    if (orders->listener.executed) {
        orders->listener.executed(orders->listener.state, &execution);
    }
}

static void order_open(struct pw_sim_orders *orders, struct pw_sim_client_order *order)
{
    struct pw_sim_account *account = order->account;
    uint32_t slot = (uint32_t)(order - orders->orders);

    order->open = true;
    order->next_open = NONE;
    order->prev_open = account->last_open;
    if (account->last_open != NONE) {
        orders->orders[account->last_open].next_open = slot;
    } else {
        account->first_open = slot;
    }
    account->last_open = slot;
    account->open_cnt++;
}

static void order_close(struct pw_sim_orders *orders, struct pw_sim_client_order *order,
                        enum pw_sim_status status, int64_t market_ns)
{
    struct pw_sim_account *account = order->account;

    lock(order, -order->locked_e8);
    order->open = false;
    order->status = status;
    order->market_idx = PW_SIM_NO_ORDER;
    order->update_ns = account->update_ns = market_ns;
    if (order->prev_open != NONE) {
        orders->orders[order->prev_open].next_open = order->next_open;
    } else {
        account->first_open = order->next_open;
    }
    if (order->next_open != NONE) {
        orders->orders[order->next_open].prev_open = order->prev_open;
    } else {
        account->last_open = order->prev_open;
    }
    account->open_cnt--;
}

static void order_fill(struct pw_sim_orders *orders, uint32_t owner, const struct pw_sim_market_trade *trade,
                       int64_t market_ns)
{
    struct pw_sim_client_order *order = &orders->orders[owner - 1];
    struct pw_sim_fill *fill = &orders->fills[orders->fill_cnt % PW_SIM_FILLS_KEPT];
    int64_t quote_e8 = quote_down_e8(trade->price_e8, trade->qty_e8);
    bool maker = order->side != trade->taker_side;

    order->filled_e8 += trade->qty_e8;
    order->quote_e8 += quote_e8;
    *fill =
        (struct pw_sim_fill){.symbol = order->symbol,
                             .account = order->account,
                             .order_id = order->order_id,
                             .trade_id = trade->trade_id,
                             .price_e8 = trade->price_e8,
                             .qty_e8 = trade->qty_e8,
                             .quote_e8 = quote_e8,
                             .fee_e8 = settle(order, trade->qty_e8, quote_e8, maker),
                             .fee_asset = order->side == PW_BUY ? order->symbol->base : order->symbol->quote,
                             .time_ns = market_ns,
                             .buyer = order->side == PW_BUY,
                             .maker = maker};
    orders->fill_cnt++;
    order->status = PW_SIM_STATUS_PARTIALLY_FILLED;
    order->update_ns = order->account->update_ns = market_ns;
    if (leaves_e8(order) == 0) {
        order_close(orders, order, PW_SIM_STATUS_FILLED, market_ns);
    }
    tell(orders, (struct pw_sim_execution){
                     .type = PW_SIM_EXECUTION_TRADE, .order = order, .fill = fill, .market_ns = market_ns});
}

static void on_trade(void *state, const struct pw_sim_market_trade *trade, int64_t market_ns)
{
    if (trade->maker_owner != PW_SIM_CROWD) {
        order_fill(state, trade->maker_owner, trade, market_ns);
    }
    if (trade->taker_owner != PW_SIM_CROWD) {
        order_fill(state, trade->taker_owner, trade, market_ns);
    }
}

int pw_sim_orders_init(struct pw_sim_orders *orders, struct pw_sim_source *source)
{
    *orders = (struct pw_sim_orders){.source = source};
    orders->orders = calloc(PW_SIM_ORDERS_KEPT, sizeof *orders->orders);
    orders->fills = calloc(PW_SIM_FILLS_KEPT, sizeof *orders->fills);
    if (!orders->orders || !orders->fills) {
        pw_sim_orders_fini(orders);
        return -ENOMEM;
    }
    source->ops->listen(source->state, (struct pw_sim_trade_listener){on_trade, orders});
    return 0;
}

void pw_sim_orders_fini(struct pw_sim_orders *orders)
{
    free(orders->orders);
    free(orders->fills);
    *orders = (struct pw_sim_orders){0};
}

/* ---- judging ---- */

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

/* In the venue's order (binance.md 11.5). */
static const struct pw_sim_refusal *judge_filters(const struct pw_sim_order_request *request)
{
    const struct pw_sim_symbol *symbol = request->symbol;
    bool market = request->type == PW_SIM_MARKET;
    int64_t reference = reference_e8(symbol), price_e8 = market ? reference : request->price_e8;
    pw_i128 notional_e16 = (pw_i128)price_e8 * request->qty_e8;

    if (!market && outside(price_e8, symbol->tick_e8, PW_SIM_PRICE_MAX_E8)) {
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
    if ((!market || reference) && (notional_e16 < (pw_i128)symbol->min_notional_e8 * PW_E8 ||
                                   (!market && notional_e16 > (pw_i128)PW_SIM_NOTIONAL_MAX_E8 * PW_E8))) {
        return &g_notional;
    }
    return NULL;
}

static const struct pw_sim_refusal *judge_open(struct pw_sim_orders *orders,
                                               const struct pw_sim_account *account,
                                               const struct pw_sim_order_request *request)
{
    const struct pw_sim_client_order *order = NULL;
    uint32_t cnt = 0;

    while ((order = pw_sim_orders_next_open(orders, account, order))) {
        cnt += order->symbol == request->symbol;
        if (request->client_id && order->symbol == request->symbol &&
            strcmp(order->client_id, request->client_id) == 0) {
            return &g_duplicate;
        }
    }
    if (cnt >= PW_SIM_SYMBOL_ORDERS_MAX) {
        return &g_symbol_orders;
    }
    return account->open_cnt >= PW_SIM_ORDERS_MAX ? &g_all_orders : NULL;
}

/* The price that the book is to match up to. */
static struct pw_level limit_of(const struct pw_sim_order_request *request)
{
    int64_t any_e8 = request->side == PW_BUY ? INT64_MAX : 0;

    return (struct pw_level){request->type == PW_SIM_MARKET ? any_e8 : request->price_e8, request->qty_e8};
}

/* What the order must hold when it is placed; in e8, but maybe more than any balance can be. */
static pw_i128 cost_e8(const struct pw_sim_market *market, const struct pw_sim_order_request *request)
{
    if (request->side == PW_SELL) {
        return request->qty_e8;
    }
    if (request->type == PW_SIM_MARKET) {
        return up_e8(pw_sim_market_taking(market, request->side, limit_of(request)).quote_e16);
    }
    return up_e8((pw_i128)request->price_e8 * request->qty_e8);
}

static const struct pw_sim_refusal *judge_market(const struct pw_sim_market *market,
                                                 const struct pw_sim_account *account,
                                                 const struct pw_sim_order_request *request)
{
    const struct pw_sim_symbol *symbol = request->symbol;
    bool buys = request->side == PW_BUY;
    const struct pw_sim_balance *pays = pw_sim_account_balance(account, buys ? symbol->quote : symbol->base);
    const struct pw_sim_balance *gets = pw_sim_account_balance(account, buys ? symbol->base : symbol->quote);
    int64_t taken_e8 = pw_sim_market_taking(market, request->side, limit_of(request)).qty_e8;

    if (request->type == PW_SIM_MARKET && taken_e8 == 0) {
        return &g_no_book;
    }
    if (request->type == PW_SIM_LIMIT_MAKER && taken_e8 > 0) {
        return &g_would_match;
    }
    if (cost_e8(market, request) > pays->free_e8) {
        return &g_balance;
    }
    if (gets->free_e8 + gets->locked_e8 > HOLDING_MAX_E8) {
        return &g_too_rich;
    }
    return pw_sim_market_has_room(market) ? NULL : &g_full;
}

static const struct pw_sim_refusal *judge(struct pw_sim_orders *orders, const struct pw_sim_market *market,
                                          const struct pw_sim_account *account,
                                          const struct pw_sim_order_request *request)
{
    const struct pw_sim_refusal *refusal = judge_filters(request);

    if (!refusal) {
        refusal = judge_open(orders, account, request);
    }
    return refusal ? refusal : judge_market(market, account, request);
}

const struct pw_sim_refusal *pw_sim_orders_judge(struct pw_sim_orders *orders,
                                                 const struct pw_sim_account *account,
                                                 const struct pw_sim_order_request *request, int64_t wall_ns)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_sim_market *market = source->ops->enter(source->state, request->symbol, wall_ns, &market_ns);
    const struct pw_sim_refusal *refusal = judge(orders, market, account, request);

    source->ops->leave(source->state, request->symbol);
    return refusal;
}

/* ---- placing ---- */

/* The slot of the oldest order that is not open: far fewer are open than there are slots. */
static struct pw_sim_client_order *slot_take(struct pw_sim_orders *orders)
{
    struct pw_sim_client_order *order;

    do {
        order = &orders->orders[orders->turn_cnt % PW_SIM_ORDERS_KEPT];
        orders->turn_cnt++;
    } while (order->open);
    return order;
}

static struct pw_sim_client_order *order_make(struct pw_sim_orders *orders, struct pw_sim_account *account,
                                              const struct pw_sim_order_request *request, uint64_t order_id)
{
    struct pw_sim_client_order *order = slot_take(orders);

    *order = (struct pw_sim_client_order){.symbol = request->symbol,
                                          .account = account,
                                          .base = pw_sim_account_balance(account, request->symbol->base),
                                          .quote = pw_sim_account_balance(account, request->symbol->quote),
                                          .side = request->side,
                                          .type = request->type,
                                          .tif = request->tif,
                                          .order_id = order_id,
                                          .price_e8 = request->price_e8,
                                          .qty_e8 = request->qty_e8,
                                          .market_idx = PW_SIM_NO_ORDER};
    if (request->client_id) {
        snprintf(order->client_id, sizeof order->client_id, "%s", request->client_id);
    } else {
        snprintf(order->client_id, sizeof order->client_id, "sim%019" PRIu64, order_id);
    }
    return order;
}

/* What did not trade of an order that does not rest. */
static void order_expire(struct pw_sim_orders *orders, struct pw_sim_client_order *order, int64_t market_ns)
{
    order_close(orders, order, PW_SIM_STATUS_EXPIRED, market_ns);
    tell(orders, (struct pw_sim_execution){.type = PW_SIM_EXECUTION_EXPIRED,
                                           .order = order,
                                           .expiry_reason =
                                               order->type == PW_SIM_MARKET ? "INSUFFICIENT_LIQUIDITY"
                                               : order->tif == PW_SIM_FOK   ? "UNFILLED_FOK_ORDER_EXPIRED"
                                                                            : "UNFILLED_IOC_QUANTITY_EXPIRED",
                                           .market_ns = market_ns});
}

const struct pw_sim_refusal *pw_sim_orders_place(struct pw_sim_orders *orders, struct pw_sim_account *account,
                                                 const struct pw_sim_order_request *request, int64_t wall_ns,
                                                 struct pw_sim_client_order **placed)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_sim_market *market = source->ops->enter(source->state, request->symbol, wall_ns, &market_ns);
    const struct pw_sim_refusal *refusal = judge(orders, market, account, request);
    bool rests = request->type != PW_SIM_MARKET && request->tif == PW_SIM_GTC;
    struct pw_sim_client_order *order;
    struct pw_level limit = limit_of(request);

    if (!refusal) {
        order = order_make(orders, account, request, market->last_order_id + 1);
        order->time_ns = order->update_ns = account->update_ns = market_ns;
        lock(order, (int64_t)cost_e8(market, request));
        order_open(orders, order);
        tell(orders,
             (struct pw_sim_execution){.type = PW_SIM_EXECUTION_NEW, .order = order, .market_ns = market_ns});
        if (request->tif == PW_SIM_FOK &&
            pw_sim_market_taking(market, request->side, limit).qty_e8 < request->qty_e8) {
            market->last_order_id++; /* it was an order all the same */
        } else {
            order->market_idx = pw_sim_market_place_for(market, request->side, limit, rests,
                                                        (uint32_t)(order - orders->orders) + 1);
        }
        if (order->open && order->market_idx == PW_SIM_NO_ORDER) {
            order_expire(orders, order, market_ns);
        }
        *placed = order;
    }
    source->ops->leave(source->state, request->symbol);
    return refusal;
}

void pw_sim_orders_cancel(struct pw_sim_orders *orders, struct pw_sim_client_order *order,
                          const char *cancel_id, int64_t wall_ns)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_sim_market *market = source->ops->enter(source->state, order->symbol, wall_ns, &market_ns);

    pw_sim_market_cancel(market, order->market_idx);
    order_close(orders, order, PW_SIM_STATUS_CANCELED, market_ns);
    tell(orders, (struct pw_sim_execution){.type = PW_SIM_EXECUTION_CANCELED,
                                           .order = order,
                                           .cancel_id = cancel_id,
                                           .market_ns = market_ns});
    source->ops->leave(source->state, order->symbol);
}

/* ---- looking up ---- */

struct pw_sim_client_order *pw_sim_orders_find(struct pw_sim_orders *orders,
                                               const struct pw_sim_account *account,
                                               const struct pw_sim_symbol *symbol, uint64_t order_id,
                                               const char *client_id)
{
    struct pw_sim_client_order *found = NULL;

    for (uint64_t i = 0; i < PW_SIM_ORDERS_KEPT && i < orders->turn_cnt; i++) {
        struct pw_sim_client_order *order = &orders->orders[i];
        if (order->account != account || order->symbol != symbol ||
            (order_id ? order->order_id != order_id : strcmp(order->client_id, client_id) != 0)) {
            continue;
        }
        if (!found || order->order_id > found->order_id) { /* an open one is the last of its name */
            found = order;
        }
    }
    return found;
}

struct pw_sim_client_order *pw_sim_orders_next_open(struct pw_sim_orders *orders,
                                                    const struct pw_sim_account *account,
                                                    const struct pw_sim_client_order *order)
{
    uint32_t slot = order ? order->next_open : account->first_open;

    return slot == NONE ? NULL : &orders->orders[slot];
}

const struct pw_sim_fill *pw_sim_orders_fill(const struct pw_sim_orders *orders, uint64_t number)
{
    if (number >= orders->fill_cnt || orders->fill_cnt - number > PW_SIM_FILLS_KEPT) {
        return NULL;
    }
    return &orders->fills[number % PW_SIM_FILLS_KEPT];
}
