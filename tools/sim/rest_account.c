/* SPDX-License-Identifier: MIT
 *
 * The account's balances, fees, limits and trades, in the venue's words: see rest_orders.h.
 */
#include "rest_orders.h"

#include <string.h>

#define COMMON_RATES ",\"buyer\":\"0.00000000\",\"seller\":\"0.00000000\"}"
#define NO_DISCOUNT                                                                                          \
    ",\"discount\":{\"enabledForAccount\":false,\"enabledForSymbol\":false,\"discountAsset\":\"BNB\","       \
    "\"discount\":\"0.00000000\"}}"

static int64_t rate_e8(uint32_t bips)
{
    return bips * (PW_E8 / 10000);
}

/* The name with what stands before it, and an object that is still open. */
static void put_rates(struct pw_sim_call *call, const char *name, uint32_t maker_bips, uint32_t taker_bips)
{
    pw_sim_call_put(call, name);
    pw_sim_call_put_e8(call, ":{\"maker\":\"", rate_e8(maker_bips));
    pw_sim_call_put_e8(call, ",\"taker\":\"", rate_e8(taker_bips));
}

/* ---- fees ---- */

void pw_sim_rest_put_test_rates(struct pw_sim_call *call)
{
    const struct pw_sim_account_config *config = call->account->config;

    put_rates(call, "{\"standardCommissionForOrder\"", config->maker_bips, config->taker_bips);
    put_rates(call, "},\"specialCommissionForOrder\"", 0, 0);
    put_rates(call, "},\"taxCommissionForOrder\"", 0, 0);
    pw_sim_call_put(call, "}" NO_DISCOUNT);
}

void pw_sim_rest_commission(struct pw_sim_call *call)
{
    const struct pw_sim_account_config *config = call->account->config;
    struct pw_sim_symbol *symbol = pw_sim_call_symbol(call);

    if (!symbol || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_put_text(call, "{\"symbol\":\"", symbol->name);
    put_rates(call, ",\"standardCommission\"", config->maker_bips, config->taker_bips);
    put_rates(call, COMMON_RATES ",\"specialCommission\"", 0, 0);
    put_rates(call, COMMON_RATES ",\"taxCommission\"", 0, 0);
    pw_sim_call_put(call, COMMON_RATES NO_DISCOUNT);
}

static void put_trade_fee(struct pw_sim_call *call, const struct pw_sim_symbol *symbol)
{
    pw_sim_call_put_text(call, "{\"symbol\":\"", symbol->name);
    pw_sim_call_put_e8(call, ",\"makerCommission\":\"", rate_e8(call->account->config->maker_bips));
    pw_sim_call_put_e8(call, ",\"takerCommission\":\"", rate_e8(call->account->config->taker_bips));
    pw_sim_call_put(call, "}");
}

void pw_sim_rest_trade_fee(struct pw_sim_call *call)
{
    const struct pw_sim_source *source = call->rest->source;
    bool one = pw_sim_call_text(call, "symbol") != NULL;
    struct pw_sim_symbol *symbol = one ? pw_sim_call_symbol(call) : NULL;

    if ((one && !symbol) || !pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_put(call, "[");
    for (uint32_t i = 0, cnt = 0; i < source->symbol_cnt; i++) {
        if (!one || symbol == &source->symbols[i]) {
            pw_sim_call_put(call, cnt++ ? "," : "");
            put_trade_fee(call, &source->symbols[i]);
        }
    }
    pw_sim_call_put(call, "]");
}

/* ---- limits ---- */

void pw_sim_rest_order_rates(struct pw_sim_call *call)
{
    static const char *const texts[PW_SIM_ORDER_WINDOWS] = {
        "[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10",
        "},{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1"};

    if (!pw_sim_call_all_read(call)) {
        return;
    }
    for (int i = 0; i < PW_SIM_ORDER_WINDOWS; i++) {
        enum pw_sim_order_window window = (enum pw_sim_order_window)i;
        pw_sim_account_window_end(call->account, window, call->wall_ns);
        pw_sim_call_put(call, texts[i]);
        pw_sim_call_put_int(call, ",\"limit\":", pw_sim_order_limit(call->rest->limits, window));
        pw_sim_call_put_int(call, ",\"count\":", call->account->order_cnts[i]);
    }
    pw_sim_call_put(call, "}]");
}

/* ---- balances ---- */

void pw_sim_rest_account(struct pw_sim_call *call)
{
    const struct pw_sim_account *account = call->account;
    const char *omit = pw_sim_call_text(call, "omitZeroBalances"), *comma = "{\"asset\":\"";
    bool omits = omit && strcmp(omit, "true") == 0;

    if (!pw_sim_call_all_read(call)) {
        return;
    }
    pw_sim_call_put_int(call, "{\"makerCommission\":", account->config->maker_bips);
    pw_sim_call_put_int(call, ",\"takerCommission\":", account->config->taker_bips);
    put_rates(call, ",\"buyerCommission\":0,\"sellerCommission\":0,\"commissionRates\"",
              account->config->maker_bips, account->config->taker_bips);
    pw_sim_call_put(call, COMMON_RATES
                    ",\"canTrade\":true,\"canWithdraw\":false,\"canDeposit\":false,\"brokered\":false,"
                    "\"requireSelfTradePrevention\":false,\"preventSor\":false,\"updateTime\":");
    pw_sim_call_put_time(call, account->update_ns);
    pw_sim_call_put(call, ",\"accountType\":\"SPOT\",\"balances\":[");
    for (uint32_t i = 0; i < account->balance_cnt; i++) {
        const struct pw_sim_balance *balance = &account->balances[i];
        if (omits && !balance->free_e8 && !balance->locked_e8) {
            continue;
        }
        pw_sim_call_put_text(call, comma, balance->asset);
        pw_sim_call_put_e8(call, ",\"free\":\"", balance->free_e8);
        pw_sim_call_put_e8(call, ",\"locked\":\"", balance->locked_e8);
        pw_sim_call_put(call, "}");
        comma = ",{\"asset\":\"";
    }
    pw_sim_call_put_int(call, "],\"permissions\":[\"SPOT\"],\"uid\":", account->account_idx + 1);
    pw_sim_call_put(call, "}");
}

/* ---- trades ---- */

static void put_trade(struct pw_sim_call *call, const struct pw_sim_fill *fill)
{
    pw_sim_call_put_text(call, "{\"symbol\":\"", fill->symbol->name);
    pw_sim_call_put_int(call, ",\"id\":", fill->trade_id);
    pw_sim_call_put_int(call, ",\"orderId\":", fill->order_id);
    pw_sim_call_put_e8(call, ",\"orderListId\":-1,\"price\":\"", fill->price_e8);
    pw_sim_call_put_e8(call, ",\"qty\":\"", fill->qty_e8);
    pw_sim_call_put_e8(call, ",\"quoteQty\":\"", fill->quote_e8);
    pw_sim_call_put_e8(call, ",\"commission\":\"", fill->fee_e8);
    pw_sim_call_put_text(call, ",\"commissionAsset\":\"", fill->fee_asset);
    pw_sim_call_put(call, ",\"time\":");
    pw_sim_call_put_time(call, fill->time_ns);
    pw_sim_call_put_bool(call, ",\"isBuyer\":", fill->buyer);
    pw_sim_call_put_bool(call, ",\"isMaker\":", fill->maker);
    pw_sim_call_put(call, ",\"isBestMatch\":true}");
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
    uint32_t written = 0;

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
    pw_sim_call_put(call, "[");
    for (uint64_t i = first; i < orders->fill_cnt && written < filter.limit; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(orders, i);
        if (!filter_takes(call, &filter, fill) || (skipped && skipped--)) {
            continue;
        }
        pw_sim_call_put(call, written++ ? "," : "");
        put_trade(call, fill);
    }
    pw_sim_call_put(call, "]");
}
