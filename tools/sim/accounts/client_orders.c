/* SPDX-License-Identifier: MIT
 *
 * Clients' orders: see client_orders.h. The matching engine knows an order by the tag that is its slot.
 */
#include "order_judge.h"
#include "pw_assert.h"

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
    return order->qty_e8 - order->filled_e8 - order->prevented_e8;
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
    return !pw_order_has_limit((uint8_t)order->type)
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
    int64_t fee_e8 =
        (int64_t)((pw_i128)got_e8 * (maker ? config->maker_fee_bps : config->taker_fee_bps) / 10000);
    int64_t released_e8 = order->locked_e8 - hold_e8(order, spent_e8);

    order->locked_e8 -= released_e8;
    pays->locked_e8 -= released_e8;
    pays->free_e8 += released_e8 - spent_e8;
    gets->free_e8 += got_e8 - fee_e8;
    return fee_e8;
}

/* ---- life ---- */

/* Notifies the listener of what has just happened to execution->order. */
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
    if (pw_order_has_stop((uint8_t)order->type)) {
        cnts->algo++;
    }
}

/* It waits no longer. */
static void order_wake(struct pw_sim_orders *orders, struct pw_sim_client_order *order)
{
    if (pw_order_has_stop((uint8_t)order->type) && !order->working) {
        pw_sim_orders_open_cnts(orders, order->account, order->symbol)->algo--;
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
    order->row_idx = PW_MATCHING_NONE;
    order->update_ns = account->update_ns = market_ns;
    pw_sim_order_list_remove(&orders->table, &account->open, PW_SIM_LIST_OPEN, order);
    account->open_cnt--;
    pw_sim_orders_open_cnts(orders, account, order->symbol)->open--;
}

static void order_fill(struct pw_sim_orders *orders, const struct pw_matching_party *party,
                       const struct pw_matching_result *result, int64_t market_ns)
{
    struct pw_sim_client_order *order = &orders->table.orders[party->tag];
    struct pw_sim_fill *fill = &orders->fills[orders->fill_cnt % PW_SIM_FILLS_KEPT];
    int64_t quote_e8 = quote_down_e8(result->trade.price_e8, result->trade.qty_e8);
    bool maker = order->side != result->side;

    pw_assert(result->trade.qty_e8 <= leaves_e8(order));
    if (!order->filled_e8) {
        pw_sim_account_count_fill(order->account, maker);
    }
    order->filled_e8 += result->trade.qty_e8;
    order->quote_e8 += quote_e8;
    *fill =
        (struct pw_sim_fill){.symbol = order->symbol,
                             .account = order->account,
                             .order_id = order->order_id,
                             .trade_id = result->trade.trade_id,
                             .price_e8 = result->trade.price_e8,
                             .qty_e8 = result->trade.qty_e8,
                             .quote_e8 = quote_e8,
                             .fee_e8 = settle(order, result->trade.qty_e8, quote_e8, maker),
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

static void order_expire(struct pw_sim_orders *orders, struct pw_sim_client_order *order, const char *reason,
                         int64_t market_ns)
{
    order->expiry_reason = reason;
    order_close(orders, order, PW_SIM_STATUS_EXPIRED, market_ns);
    tell(orders, (struct pw_sim_execution){.type = PW_SIM_EXECUTION_EXPIRED,
                                           .order = order,
                                           .expiry_reason = reason,
                                           .market_ns = market_ns});
}

/* An order of a pair that would have traded with each other has less; without any rest it ends. */
static void order_prevent(struct pw_sim_orders *orders, struct pw_sim_client_order *order,
                          const struct pw_sim_prevention *prevention, int64_t market_ns)
{
    order->prevented_e8 += prevention->qty_e8;
    order->prevented_match_id = prevention->match_id;
    order->update_ns = order->account->update_ns = market_ns;
    if (leaves_e8(order) == 0) {
        order_close(orders, order, PW_SIM_STATUS_EXPIRED_IN_MATCH, market_ns);
    } else {
        lock(order, hold_e8(order, 0) - order->locked_e8);
    }
    tell(orders, (struct pw_sim_execution){.type = PW_SIM_EXECUTION_TRADE_PREVENTION,
                                           .order = order,
                                           .prevention = *prevention,
                                           .market_ns = market_ns});
}

/* Both, the resting one first. */
static void on_prevention(struct pw_sim_orders *orders, const struct pw_matching_result *result,
                          int64_t market_ns)
{
    const struct pw_matching_party *maker = &result->prevention.maker, *taker = &result->prevention.taker;
    struct pw_sim_prevention one = {.match_id = ++orders->last_prevented_match_id,
                                    .counter_order_id = taker->order_id,
                                    .price_e8 = result->prevention.price_e8,
                                    .qty_e8 = result->prevention.qty_e8};

    order_prevent(orders, &orders->table.orders[maker->tag], &one, market_ns);
    one.counter_order_id = maker->order_id;
    order_prevent(orders, &orders->table.orders[taker->tag], &one, market_ns);
}

/* The venue's words for why what did not trade of an order does not rest. WOULD_TAKE and
 * WOULD_TRIGGER are judged before. */
static const char *const g_expiry_reasons[] = {
    [PW_MATCHING_END_NO_LIQUIDITY] = "INSUFFICIENT_LIQUIDITY",
    [PW_MATCHING_END_IOC] = "UNFILLED_IOC_QUANTITY_EXPIRED",
    [PW_MATCHING_END_FOK] = "UNFILLED_FOK_ORDER_EXPIRED",
    [PW_MATCHING_END_NO_ROOM] = "EXCHANGE_CANCELED",
    [PW_MATCHING_END_WOULD_TAKE] = "EXCHANGE_CANCELED",
    [PW_MATCHING_END_WOULD_TRIGGER] = "EXCHANGE_CANCELED",
    [PW_MATCHING_END_PRICE_RANGE] = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
};

static void on_end(struct pw_sim_orders *orders, const struct pw_matching_result *result, int64_t market_ns)
{
    struct pw_sim_client_order *order = &orders->table.orders[result->end.order.tag];

    pw_assert(order->open && result->end.leaves_qty_e8 == leaves_e8(order));
    if (result->end.why == PW_MATCHING_END_SELF_TRADE) {
        struct pw_sim_prevention all = {.match_id = ++orders->last_prevented_match_id,
                                        .qty_e8 = result->end.leaves_qty_e8};
        order_prevent(orders, order, &all, market_ns);
    } else {
        order_expire(orders, order, g_expiry_reasons[result->end.why], market_ns);
    }
}

static void on_result(void *state, const struct pw_sim_symbol *symbol,
                      const struct pw_matching_result *result, int64_t market_ns)
{
    struct pw_sim_orders *orders = state;

    (void)symbol;
    if (result->kind == PW_MATCHING_END) {
        on_end(orders, result, market_ns);
        return;
    }
    if (result->kind == PW_MATCHING_PREVENTION) {
        on_prevention(orders, result, market_ns);
        return;
    }
    if (result->trade.maker.owner != PW_MATCHING_ANONYMOUS) {
        order_fill(orders, &result->trade.maker, result, market_ns);
    }
    if (result->trade.taker.owner != PW_MATCHING_ANONYMOUS) {
        order_fill(orders, &result->trade.taker, result, market_ns);
    }
}

/* ---- stops ---- */

/* A buyer without a limit held what the stop price would cost; now it holds what the book costs, if it can.
 */
static bool order_hold_again(struct pw_sim_client_order *order, const struct pw_matching *matching)
{
    struct pw_sim_order_request request = {
        .side = order->side, .type = PW_MARKET, .qty_e8 = order->qty_e8, .prevention = order->prevention};
    pw_i128 more_e8;

    if (order->side == PW_SELL || pw_order_has_limit((uint8_t)order->type)) {
        return true;
    }
    more_e8 = pw_sim_order_cost_e8(matching, &request, order->account) - order->locked_e8;
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
    struct pw_matching *matching = source->ops->enter(source->state, order->symbol, 0, &market_ns);

    if (order_hold_again(order, matching)) {
        order_wake(orders, order);
        order->working = true;
        order->working_ns = order->update_ns = market_ns;
        order->row_idx = pw_matching_activate(matching, order->row_idx);
    } else {
        pw_matching_cancel(matching, order->row_idx);
        order_expire(orders, order, "REJECTED", market_ns);
    }
    source->ops->leave(source->state, order->symbol);
}

/* After whatever may have traded: one stop's trades may reach another's price. */
static void on_acted(void *state, const struct pw_sim_symbol *symbol, struct pw_matching *matching)
{
    struct pw_sim_orders *orders = state;
    uint32_t row_idx;

    (void)symbol;
    while ((row_idx = pw_matching_triggered(matching)) != PW_MATCHING_NONE) {
        order_trigger(orders, &orders->table.orders[matching->rows[row_idx].tag]);
    }
}

int pw_sim_orders_init(struct pw_sim_orders *orders, struct pw_sim_source *source)
{
    *orders = (struct pw_sim_orders){.source = source};
    orders->fills = calloc(PW_SIM_FILLS_KEPT, sizeof *orders->fills);
    orders->open_cnts = calloc((size_t)PW_SIM_ACCOUNTS_MAX * source->symbol_cnt, sizeof *orders->open_cnts);
    if (pw_sim_order_table_init(&orders->table) != 0 || !orders->fills || !orders->open_cnts) {
        pw_sim_orders_fini(orders);
        return -ENOMEM;
    }
    source->ops->listen(source->state, (struct pw_sim_match_listener){on_result, on_acted, orders});
    return 0;
}

void pw_sim_orders_fini(struct pw_sim_orders *orders)
{
    pw_sim_order_table_fini(&orders->table);
    free(orders->fills);
    free(orders->open_cnts);
    *orders = (struct pw_sim_orders){0};
}

/* ---- placing ---- */

static const struct pw_sim_reject *judged(struct pw_sim_orders *orders, const struct pw_sim_account *account,
                                          const struct pw_sim_order_request *request, int64_t wall_ns,
                                          bool filters_only)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_matching *matching = source->ops->enter(source->state, request->symbol, wall_ns, &market_ns);
    struct pw_sim_order_request known = *request;
    const struct pw_sim_reject *reject;

    pw_sim_order_quantify(matching, &known, account);
    reject =
        filters_only ? pw_sim_order_filter(&known) : pw_sim_order_judge(orders, matching, &known, account);
    source->ops->leave(source->state, request->symbol);
    return reject;
}

const struct pw_sim_reject *pw_sim_orders_judge(struct pw_sim_orders *orders,
                                                const struct pw_sim_account *account,
                                                const struct pw_sim_order_request *request, int64_t wall_ns)
{
    return judged(orders, account, request, wall_ns, false);
}

const struct pw_sim_reject *pw_sim_orders_filter(struct pw_sim_orders *orders,
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
                                        .row_idx = PW_MATCHING_NONE};

    if (request->client_id) {
        snprintf(order.client_id, sizeof order.client_id, "%s", request->client_id);
    } else {
        snprintf(order.client_id, sizeof order.client_id, "sim%019" PRIu64, order_id);
    }
    return pw_sim_order_table_add(&orders->table, &order);
}

/* What was judged good becomes an order, which works at once or waits for its price. */
static struct pw_sim_client_order *order_place(struct pw_sim_orders *orders, struct pw_matching *matching,
                                               const struct pw_sim_order_request *request,
                                               struct pw_sim_account *account, int64_t market_ns)
{
    bool stops = pw_order_has_stop((uint8_t)request->type);
    struct pw_sim_client_order *order =
        order_make(orders, account, request, matching->last_order_id + 1, market_ns);
    struct pw_matching_order match =
        pw_sim_order_match(request, account, pw_sim_order_slot(&orders->table, order));

    account->update_ns = market_ns;
    lock(order, (int64_t)pw_sim_order_cost_e8(matching, request, account));
    order_open(orders, order);
    order->working = !stops;
    order->working_ns = stops ? 0 : market_ns;
    tell(orders,
         (struct pw_sim_execution){.type = PW_SIM_EXECUTION_NEW, .order = order, .market_ns = market_ns});
    order->row_idx = pw_matching_place(matching, &match);
    pw_assert(order->open == (order->row_idx != PW_MATCHING_NONE));
    return order;
}

const struct pw_sim_reject *pw_sim_orders_place(struct pw_sim_orders *orders, struct pw_sim_account *account,
                                                const struct pw_sim_order_request *request, int64_t wall_ns,
                                                struct pw_sim_client_order **placed)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_matching *matching = source->ops->enter(source->state, request->symbol, wall_ns, &market_ns);
    struct pw_sim_order_request known = *request;
    const struct pw_sim_reject *reject;

    pw_sim_order_quantify(matching, &known, account);
    reject = pw_sim_order_judge(orders, matching, &known, account);
    if (!reject) {
        pw_sim_account_count_order(account, wall_ns);
        *placed = order_place(orders, matching, &known, account, market_ns);
    }
    source->ops->leave(source->state, request->symbol);
    on_acted(orders, request->symbol, matching);
    return reject;
}

void pw_sim_orders_cancel(struct pw_sim_orders *orders, struct pw_sim_client_order *order,
                          const char *cancel_id, int64_t wall_ns)
{
    struct pw_sim_source *source = orders->source;
    int64_t market_ns;
    struct pw_matching *matching = source->ops->enter(source->state, order->symbol, wall_ns, &market_ns);

    pw_matching_cancel(matching, order->row_idx);
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
