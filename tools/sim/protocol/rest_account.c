/* SPDX-License-Identifier: MIT
 *
 * The account's balances, fees, limits and trades, in the venue's words: see rest_orders.h.
 */
#include "rest_orders.h"

#include <string.h>

static int64_t rate_e8(uint32_t fee_bps)
{
    return fee_bps * (PW_E8 / 10000);
}

/* ---- fees ---- */

static json_t *rates_json(uint32_t maker_fee_bps, uint32_t taker_fee_bps)
{
    return PW_SIM_OBJECT(pw_sim_e8("maker", rate_e8(maker_fee_bps)), pw_sim_e8("taker", rate_e8(taker_fee_bps)));
}

/* The same of a whole market, where the buyer and the seller have rates of their own. */
static json_t *market_rates_json(uint32_t maker_fee_bps, uint32_t taker_fee_bps)
{
    return PW_SIM_EXTEND(rates_json(maker_fee_bps, taker_fee_bps), pw_sim_e8("buyer", 0), pw_sim_e8("seller", 0));
}

static json_t *discount_json(void)
{
    return PW_SIM_OBJECT(pw_sim_bool("enabledForAccount", false), pw_sim_bool("enabledForSymbol", false),
                         pw_sim_text("discountAsset", "BNB"), pw_sim_e8("discount", 0));
}

json_t *pw_sim_test_rates_json(const struct pw_sim_account_config *config)
{
    return PW_SIM_OBJECT(
        pw_sim_json("standardCommissionForOrder", rates_json(config->maker_fee_bps, config->taker_fee_bps)),
        pw_sim_json("specialCommissionForOrder", rates_json(0, 0)),
        pw_sim_json("taxCommissionForOrder", rates_json(0, 0)), pw_sim_json("discount", discount_json()));
}

void pw_sim_rest_commission(struct pw_sim_call *call)
{
    const struct pw_sim_account_config *config = call->account->config;
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);

    if (!symbol || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_answer(call,
                       PW_SIM_OBJECT(pw_sim_text("symbol", symbol->name),
                                     pw_sim_json("standardCommission",
                                                 market_rates_json(config->maker_fee_bps, config->taker_fee_bps)),
                                     pw_sim_json("specialCommission", market_rates_json(0, 0)),
                                     pw_sim_json("taxCommission", market_rates_json(0, 0)),
                                     pw_sim_json("discount", discount_json())));
}

void pw_sim_rest_trade_fee(struct pw_sim_call *call)
{
    const struct pw_sim_account_config *config = call->account->config;
    const struct pw_sim_source *source = call->rest->source;
    bool one = pw_sim_call_text(call, "symbol") != NULL;
    struct pw_sim_symbol *symbol = one ? pw_sim_call_symbol(call) : NULL;
    json_t *fees;

    if ((one && !symbol) || !pw_sim_call_all_read(call)) {
        return;
    }
    fees = json_array();
    for (uint32_t i = 0; i < source->symbol_cnt; i++) {
        if (!one || symbol == &source->symbols[i]) {
            fees =
                pw_sim_append(fees, PW_SIM_OBJECT(pw_sim_text("symbol", source->symbols[i].name),
                                                  pw_sim_e8("makerCommission", rate_e8(config->maker_fee_bps)),
                                                  pw_sim_e8("takerCommission", rate_e8(config->taker_fee_bps))));
        }
    }
    pw_sim_call_answer(call, fees);
}

/* ---- limits ---- */

void pw_sim_rest_order_rates(struct pw_sim_call *call)
{
    json_t *rates;

    if (!pw_sim_call_all_read(call)) {
        return;
    }
    rates = json_array();
    for (int i = 0; i < PW_SIM_ORDER_WINDOWS; i++) {
        enum pw_sim_order_window window = (enum pw_sim_order_window)i;
        pw_sim_account_window_end(call->account, window, call->wall_ns);
        rates = pw_sim_append(
            rates,
            PW_SIM_EXTEND(pw_sim_order_limit_json(window, pw_sim_order_limit(call->rest->limits, window)),
                          pw_sim_int("count", call->account->order_cnts[i])));
    }
    pw_sim_call_answer(call, rates);
}

/* ---- balances ---- */

static json_t *balances_json(const struct pw_sim_account *account, bool omits_zero)
{
    json_t *balances = json_array();

    for (uint32_t i = 0; i < account->balance_cnt; i++) {
        const struct pw_sim_balance *balance = &account->balances[i];
        if (!omits_zero || balance->free_e8 || balance->locked_e8) {
            balances = pw_sim_append(balances, PW_SIM_OBJECT(pw_sim_text("asset", balance->asset),
                                                             pw_sim_e8("free", balance->free_e8),
                                                             pw_sim_e8("locked", balance->locked_e8)));
        }
    }
    return balances;
}

void pw_sim_rest_account(struct pw_sim_call *call)
{
    static const char *const permissions[] = {"SPOT"};
    const struct pw_sim_account *account = call->account;
    const struct pw_sim_account_config *config = account->config;
    const char *omit = pw_sim_call_text(call, "omitZeroBalances");
    bool omits = omit && strcmp(omit, "true") == 0;

    if (!pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_answer(
        call, PW_SIM_OBJECT(
                  pw_sim_int("makerCommission", config->maker_fee_bps),
                  pw_sim_int("takerCommission", config->taker_fee_bps), pw_sim_int("buyerCommission", 0),
                  pw_sim_int("sellerCommission", 0),
                  pw_sim_json("commissionRates", market_rates_json(config->maker_fee_bps, config->taker_fee_bps)),
                  pw_sim_bool("canTrade", true), pw_sim_bool("canWithdraw", false),
                  pw_sim_bool("canDeposit", false), pw_sim_bool("brokered", false),
                  pw_sim_bool("requireSelfTradePrevention", false), pw_sim_bool("preventSor", false),
                  pw_sim_call_time(call, "updateTime", account->update_ns),
                  pw_sim_text("accountType", "SPOT"), pw_sim_json("balances", balances_json(account, omits)),
                  pw_sim_json("permissions", pw_sim_words(permissions, 1)),
                  pw_sim_int("uid", account->account_idx + 1)));
}

/* ---- trades ---- */

static json_t *fill_json(const struct pw_sim_call *call, const struct pw_sim_fill *fill)
{
    return PW_SIM_OBJECT(pw_sim_text("symbol", fill->symbol->name), pw_sim_int("id", (int64_t)fill->trade_id),
                         pw_sim_int("orderId", (int64_t)fill->order_id), pw_sim_int("orderListId", -1),
                         pw_sim_e8("price", fill->price_e8), pw_sim_e8("qty", fill->qty_e8),
                         pw_sim_e8("quoteQty", fill->quote_e8), pw_sim_e8("commission", fill->fee_e8),
                         pw_sim_text("commissionAsset", fill->fee_asset),
                         pw_sim_call_time(call, "time", fill->time_ns), pw_sim_bool("isBuyer", fill->buyer),
                         pw_sim_bool("isMaker", fill->maker), pw_sim_bool("isBestMatch", true));
}

struct trade_filter {
    const struct pw_sim_symbol *symbol;
    int64_t order_id, from_id; /* 0: any; -1: the latest */
    struct pw_sim_span span;
    uint32_t limit;
};

static bool filter_takes(const struct pw_sim_call *call, const struct trade_filter *filter,
                         const struct pw_sim_fill *fill)
{
    return fill && fill->account == call->account && fill->symbol == filter->symbol &&
           (!filter->order_id || fill->order_id == (uint64_t)filter->order_id) &&
           fill->time_ns >= filter->span.begin_ns && fill->time_ns <= filter->span.end_ns &&
           (filter->from_id < 0 || fill->trade_id >= (uint64_t)filter->from_id);
}

void pw_sim_rest_my_trades(struct pw_sim_call *call)
{
    const struct pw_sim_orders *orders = call->rest->orders;
    struct trade_filter filter = {.symbol = pw_sim_call_symbol(call)};
    uint64_t first = orders->fill_cnt > PW_SIM_FILLS_KEPT ? orders->fill_cnt - PW_SIM_FILLS_KEPT : 0;
    uint64_t matching = 0, skipped;
    json_t *fills;

    if (!filter.symbol || !pw_sim_call_number(call, "orderId", 0, &filter.order_id) ||
        !pw_sim_call_number(call, "fromId", -1, &filter.from_id) ||
        !pw_sim_call_span(call, PW_SIM_DAY_NS, &filter.span) ||
        !pw_sim_call_limit(call, 500, 1000, &filter.limit) || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_weigh(call, filter.order_id ? 5 : 20);
    for (uint64_t i = first; i < orders->fill_cnt; i++) {
        matching += filter_takes(call, &filter, pw_sim_orders_fill(orders, i));
    }
    /* From an id on, the first ones; else the last. */
    skipped = filter.from_id < 0 && matching > filter.limit ? matching - filter.limit : 0;
    fills = json_array();
    for (uint64_t i = first; i < orders->fill_cnt && json_array_size(fills) < filter.limit; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(orders, i);
        if (filter_takes(call, &filter, fill) && !(skipped && skipped--)) {
            fills = pw_sim_append(fills, fill_json(call, fill));
        }
    }
    pw_sim_call_answer(call, fills);
}
