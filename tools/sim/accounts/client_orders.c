/* SPDX-License-Identifier: MIT
 *
 * Clients' orders: see client_orders.h. A slot's number plus one is the owner that the matching book knows.
 */
#include "order_judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- money ---- */

static int64_t quote_down_e8(int64_t price_e8, int64_t qty_e8)
{
    return (int64_t)((pw_i128)price_e8 * qty_e8 / PW_E8);
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

/* What the order must hold for the rest of it, having spent `spent_e8` of the hold where there is no limit.
 */
static int64_t hold_e8(const struct pw_sim_client_order *order, int64_t spent_e8)
{
    if (order->side == PW_SELL) {
        return leaves_e8(order);
    }
    return pw_sim_type_market(order->type)
               ? order->locked_e8 - spent_e8
               : (int64_t)pw_sim_up_e8((pw_i128)order->price_e8 * leaves_e8(order));
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

static uint32_t symbol_idx(const struct pw_sim_orders *orders, const struct pw_sim_symbol *symbol)
{
    return (uint32_t)(symbol - orders->source->symbols);
}

struct pw_sim_open_cnts *pw_sim_orders_open_cnts(const struct pw_sim_orders *orders,
                                                 const struct pw_sim_account *account,
                                                 const struct pw_sim_symbol *symbol)
{
    return &orders->open_cnts[(size_t)account->account_idx * orders->source->symbol_cnt +
                              symbol_idx(orders, symbol)];
}

static void order_open(struct pw_sim_orders *orders, struct pw_sim_client_order *order)
{
    struct pw_sim_open_cnts *cnts = pw_sim_orders_open_cnts(orders, order->account, order->symbol);

    order->open = true;
    order->account->open_cnt++;
    cnts->open++;
    pw_sim_order_list_add(&orders->table, &order->account->open, PW_SIM_LIST_OPEN, order);
    if (pw_sim_type_stops(order->type)) {
        cnts->algo++;
        pw_sim_order_list_add(&orders->table, &orders->waiting[symbol_idx(orders, order->symbol)].list,
                              PW_SIM_LIST_WAITING, order);
    }
}

/* It waits no longer. */
static void order_wake(struct pw_sim_orders *orders, struct pw_sim_client_order *order)
{
    if (pw_sim_type_stops(order->type) && !order->working) {
        pw_sim_orders_open_cnts(orders, order->account, order->symbol)->algo--;
        pw_sim_order_list_remove(&orders->table, &orders->waiting[symbol_idx(orders, order->symbol)].list,
                                 PW_SIM_LIST_WAITING, order);
    }
}

static void order_close(struct pw_sim_orders *orders, struct pw_sim_client_order *order,
                        enum pw_sim_status status, int64_t market_ns)
{
    struct pw_sim_account *account = order->account;

    lock(order, -order->locked_e8);
    order_wake(orders, order);
    order->open = false;
    order->status = status;
    order->market_idx = PW_SIM_NO_ORDER;
    order->update_ns = account->update_ns = market_ns;
    pw_sim_order_list_remove(&orders->table, &account->open, PW_SIM_LIST_OPEN, order);
    account->open_cnt--;
    pw_sim_orders_open_cnts(orders, account, order->symbol)->open--;
}

static void order_fill(struct pw_sim_orders *orders, uint32_t owner, const struct pw_sim_market_trade *trade,
                       int64_t market_ns)
{
    struct pw_sim_client_order *order = &orders->table.orders[owner - 1];
    struct pw_sim_fill *fill = &orders->fills[orders->fill_cnt % PW_SIM_FILLS_KEPT];
    int64_t quote_e8 = quote_down_e8(trade->price_e8, trade->qty_e8);
    bool maker = order->side != trade->taker_side;

    if (!order->filled_e8) {
        pw_sim_account_count_fill(order->account, maker);
    }
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

static void on_trade(void *state, const struct pw_sim_symbol *symbol, const struct pw_sim_market_trade *trade,
                     int64_t market_ns)
{
    struct pw_sim_orders *orders = state;
    struct pw_sim_waiting *waiting = &orders->waiting[symbol_idx(orders, symbol)];

    waiting->low_e8 = trade->price_e8 < waiting->low_e8 ? trade->price_e8 : waiting->low_e8;
    waiting->high_e8 = trade->price_e8 > waiting->high_e8 ? trade->price_e8 : waiting->high_e8;
    if (trade->maker_owner != PW_SIM_CROWD) {
        order_fill(orders, trade->maker_owner, trade, market_ns);
    }
    if (trade->taker_owner != PW_SIM_CROWD) {
        order_fill(orders, trade->taker_owner, trade, market_ns);
    }
}

/* An order of a pair that would have traded with each other ends. */
static void on_prevented(void *state, uint32_t owner)
{
    const struct pw_sim_meeting_rule *rule = state;
    struct pw_sim_client_order *order = &rule->orders->table.orders[owner - 1];

    order_close(rule->orders, order, PW_SIM_STATUS_EXPIRED_IN_MATCH, rule->market_ns);
    tell(rule->orders, (struct pw_sim_execution){.type = PW_SIM_EXECUTION_TRADE_PREVENTION,
                                                 .order = order,
                                                 .market_ns = rule->market_ns});
}

static void order_expire(struct pw_sim_orders *orders, struct pw_sim_client_order *order, const char *reason,
                         int64_t market_ns)
{
    order_close(orders, order, PW_SIM_STATUS_EXPIRED, market_ns);
    tell(orders, (struct pw_sim_execution){.type = PW_SIM_EXECUTION_EXPIRED,
                                           .order = order,
                                           .expiry_reason = reason,
                                           .market_ns = market_ns});
}

/* Why what did not trade of an order does not rest. */
static const char *expiry_reason(const struct pw_sim_client_order *order)
{
    return pw_sim_type_market(order->type) ? "INSUFFICIENT_LIQUIDITY"
           : order->tif == PW_SIM_FOK      ? "UNFILLED_FOK_ORDER_EXPIRED"
           : order->tif == PW_SIM_IOC      ? "UNFILLED_IOC_QUANTITY_EXPIRED"
                                           : "EXCHANGE_CANCELED"; /* the book was full */
}

static struct pw_sim_order_request request_of(const struct pw_sim_client_order *order)
{
    return (struct pw_sim_order_request){.side = order->side,
                                         .type = order->type,
                                         .tif = order->tif,
                                         .price_e8 = order->price_e8,
                                         .qty_e8 = order->qty_e8};
}

/* The order goes into the book: it trades, and rests or expires. */
static void order_work(struct pw_sim_orders *orders, struct pw_sim_market *market,
                       struct pw_sim_client_order *order, int64_t market_ns)
{
    struct pw_sim_order_request request = request_of(order);
    struct pw_sim_meeting_rule rule = {orders, order->account, order->prevention, market_ns};
    struct pw_sim_taker taker = pw_sim_order_taker(&request, &rule);

    order->working = true;
    order->working_ns = order->update_ns = market_ns;
    taker.owner = pw_sim_order_slot(&orders->table, order) + 1;
    taker.ended = on_prevented;
    if (order->tif == PW_SIM_FOK && pw_sim_market_taking(market, &taker, 0).qty_e8 < order->qty_e8) {
        market->last_order_id++; /* it was an order all the same */
    } else {
        order->market_idx = pw_sim_market_place_for(market, &taker);
    }
    if (order->open && order->market_idx == PW_SIM_NO_ORDER) {
        order_expire(orders, order, expiry_reason(order), market_ns);
    }
}

/* ---- stops ---- */

/* The oldest one that a trade has reached; NULL: none. */
static struct pw_sim_client_order *waiting_reached(const struct pw_sim_orders *orders,
                                                   const struct pw_sim_waiting *waiting)
{
    struct pw_sim_client_order *order = NULL;

    while ((order = pw_sim_order_list_next(&orders->table, &waiting->list, PW_SIM_LIST_WAITING, order))) {
        if (pw_sim_stops_above(order->type, order->side) ? waiting->high_e8 >= order->stop_price_e8
                                                         : waiting->low_e8 <= order->stop_price_e8) {
            break;
        }
    }
    return order;
}

/* A buyer without a limit held what the stop price would cost; now it holds what the book costs, if it can.
 */
static bool order_hold_again(struct pw_sim_client_order *order, const struct pw_sim_market *market,
                             struct pw_sim_meeting_rule *rule)
{
    struct pw_sim_order_request request = request_of(order);
    pw_i128 more_e8;

    if (order->side == PW_SELL || !pw_sim_type_market(order->type)) {
        return true;
    }
    request.type = PW_SIM_MARKET;
    more_e8 = pw_sim_order_cost_e8(market, &request, rule) - order->locked_e8;
    if (more_e8 > paying(order)->free_e8) {
        return false;
    }
    lock(order, (int64_t)more_e8);
    return true;
}

static void order_trigger(struct pw_sim_orders *orders, struct pw_sim_client_order *order)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_sim_market *market = source->ops->enter(source->state, order->symbol, 0, &market_ns);
    struct pw_sim_meeting_rule rule = {orders, order->account, order->prevention, market_ns};

    if (order_hold_again(order, market, &rule)) {
        order_wake(orders, order);
        order_work(orders, market, order, market_ns);
    } else {
        order_expire(orders, order, "REJECTED", market_ns);
    }
    source->ops->leave(source->state, order->symbol);
}

/* After whatever may have traded: one stop's trades may reach another's price. */
static void on_acted(void *state, const struct pw_sim_symbol *symbol)
{
    struct pw_sim_orders *orders = state;
    struct pw_sim_waiting *waiting = &orders->waiting[symbol_idx(orders, symbol)];
    struct pw_sim_client_order *order;

    while ((order = waiting_reached(orders, waiting))) {
        order_trigger(orders, order);
    }
    waiting->low_e8 = INT64_MAX;
    waiting->high_e8 = 0;
}

int pw_sim_orders_init(struct pw_sim_orders *orders, struct pw_sim_source *source)
{
    *orders = (struct pw_sim_orders){.source = source};
    orders->fills = calloc(PW_SIM_FILLS_KEPT, sizeof *orders->fills);
    orders->waiting = calloc(source->symbol_cnt, sizeof *orders->waiting);
    orders->open_cnts = calloc((size_t)PW_SIM_ACCOUNTS_MAX * source->symbol_cnt, sizeof *orders->open_cnts);
    if (pw_sim_order_table_init(&orders->table) != 0 || !orders->fills || !orders->waiting ||
        !orders->open_cnts) {
        pw_sim_orders_fini(orders);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < source->symbol_cnt; i++) {
        orders->waiting[i] =
            (struct pw_sim_waiting){.list = {PW_SIM_NO_SLOT, PW_SIM_NO_SLOT}, .low_e8 = INT64_MAX};
    }
    source->ops->listen(source->state, (struct pw_sim_trade_listener){on_trade, on_acted, orders});
    return 0;
}

void pw_sim_orders_fini(struct pw_sim_orders *orders)
{
    pw_sim_order_table_fini(&orders->table);
    free(orders->fills);
    free(orders->waiting);
    free(orders->open_cnts);
    *orders = (struct pw_sim_orders){0};
}

/* ---- placing ---- */

static const struct pw_sim_refusal *judged(struct pw_sim_orders *orders, const struct pw_sim_account *account,
                                           const struct pw_sim_order_request *request, int64_t wall_ns,
                                           bool filters_only)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_sim_market *market = source->ops->enter(source->state, request->symbol, wall_ns, &market_ns);
    struct pw_sim_meeting_rule rule = {orders, account, request->prevention, market_ns};
    struct pw_sim_order_request known = *request;
    const struct pw_sim_refusal *refusal;

    pw_sim_order_quantify(market, &known, &rule);
    refusal = filters_only ? pw_sim_order_filter(&known) : pw_sim_order_judge(market, &known, &rule);
    source->ops->leave(source->state, request->symbol);
    return refusal;
}

const struct pw_sim_refusal *pw_sim_orders_judge(struct pw_sim_orders *orders,
                                                 const struct pw_sim_account *account,
                                                 const struct pw_sim_order_request *request, int64_t wall_ns)
{
    return judged(orders, account, request, wall_ns, false);
}

const struct pw_sim_refusal *pw_sim_orders_filter(struct pw_sim_orders *orders,
                                                  const struct pw_sim_account *account,
                                                  const struct pw_sim_order_request *request, int64_t wall_ns)
{
    return judged(orders, account, request, wall_ns, true);
}

static struct pw_sim_client_order *order_make(struct pw_sim_orders *orders, struct pw_sim_account *account,
                                              const struct pw_sim_order_request *request, uint64_t order_id,
                                              int64_t market_ns)
{
    struct pw_sim_client_order order = {.symbol = request->symbol,
                                        .account = account,
                                        .base = pw_sim_account_balance(account, request->symbol->base),
                                        .quote = pw_sim_account_balance(account, request->symbol->quote),
                                        .side = request->side,
                                        .type = request->type,
                                        .tif = request->tif,
                                        .prevention = request->prevention,
                                        .order_id = order_id,
                                        .price_e8 = request->price_e8,
                                        .qty_e8 = request->qty_e8,
                                        .stop_price_e8 = request->stop_price_e8,
                                        .quote_qty_e8 = request->quote_qty_e8,
                                        .time_ns = market_ns,
                                        .update_ns = market_ns,
                                        .market_idx = PW_SIM_NO_ORDER};

    if (request->client_id) {
        snprintf(order.client_id, sizeof order.client_id, "%s", request->client_id);
    } else {
        snprintf(order.client_id, sizeof order.client_id, "sim%019" PRIu64, order_id);
    }
    return pw_sim_order_table_add(&orders->table, &order);
}

/* What was judged good becomes an order, which works at once or waits for its price. */
static struct pw_sim_client_order *order_place(struct pw_sim_market *market,
                                               const struct pw_sim_order_request *request,
                                               struct pw_sim_account *account,
                                               struct pw_sim_meeting_rule *rule)
{
    struct pw_sim_orders *orders = rule->orders;
    bool stops = pw_sim_type_stops(request->type);
    struct pw_sim_client_order *order =
        order_make(orders, account, request, market->last_order_id + 1, rule->market_ns);

    account->update_ns = rule->market_ns;
    lock(order, (int64_t)pw_sim_order_cost_e8(market, request, rule));
    order_open(orders, order);
    order->working = !stops;
    order->working_ns = stops ? 0 : rule->market_ns;
    tell(orders, (struct pw_sim_execution){
                     .type = PW_SIM_EXECUTION_NEW, .order = order, .market_ns = rule->market_ns});
    if (stops) {
        market->last_order_id++;
    } else {
        order_work(orders, market, order, rule->market_ns);
    }
    return order;
}

const struct pw_sim_refusal *pw_sim_orders_place(struct pw_sim_orders *orders, struct pw_sim_account *account,
                                                 const struct pw_sim_order_request *request, int64_t wall_ns,
                                                 struct pw_sim_client_order **placed)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_sim_market *market = source->ops->enter(source->state, request->symbol, wall_ns, &market_ns);
    struct pw_sim_meeting_rule rule = {orders, account, request->prevention, market_ns};
    struct pw_sim_order_request known = *request;
    const struct pw_sim_refusal *refusal;

    pw_sim_order_quantify(market, &known, &rule);
    refusal = pw_sim_order_judge(market, &known, &rule);
    if (!refusal) {
        pw_sim_account_count_order(account, wall_ns);
        *placed = order_place(market, &known, account, &rule);
    }
    source->ops->leave(source->state, request->symbol);
    on_acted(orders, request->symbol);
    return refusal;
}

void pw_sim_orders_cancel(struct pw_sim_orders *orders, struct pw_sim_client_order *order,
                          const char *cancel_id, int64_t wall_ns)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_sim_market *market = source->ops->enter(source->state, order->symbol, wall_ns, &market_ns);

    if (order->working) {
        pw_sim_market_cancel(market, order->market_idx);
    }
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
    return pw_sim_order_table_find(&orders->table, account, symbol, order_id, client_id);
}

struct pw_sim_client_order *pw_sim_orders_next_open(struct pw_sim_orders *orders,
                                                    const struct pw_sim_account *account,
                                                    const struct pw_sim_client_order *order)
{
    return pw_sim_order_list_next(&orders->table, &account->open, PW_SIM_LIST_OPEN, order);
}

const struct pw_sim_fill *pw_sim_orders_fill(const struct pw_sim_orders *orders, uint64_t number)
{
    if (number >= orders->fill_cnt || orders->fill_cnt - number > PW_SIM_FILLS_KEPT) {
        return NULL;
    }
    return &orders->fills[number % PW_SIM_FILLS_KEPT];
}
