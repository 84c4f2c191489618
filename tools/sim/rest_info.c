/* SPDX-License-Identifier: MIT
 *
 * exchangeInfo: what is traded here and by which rules, or the recorded answer. What it states is what
 * order_judge.c enforces.
 */
#include "rest_info.h"

#include "client_orders.h"
#include "walk.h"

#include <stdio.h>
#include <string.h>

static void put_filters(struct pw_sim_call *call, const struct pw_sim_symbol *symbol)
{
    pw_sim_call_put_e8(call, "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"", symbol->tick_e8);
    pw_sim_call_put_e8(call, ",\"maxPrice\":\"", PW_SIM_PRICE_MAX_E8 / symbol->tick_e8 * symbol->tick_e8);
    pw_sim_call_put_e8(call, ",\"tickSize\":\"", symbol->tick_e8);
    pw_sim_call_put_e8(call, "},{\"filterType\":\"LOT_SIZE\",\"minQty\":\"", symbol->step_e8);
    pw_sim_call_put_e8(call, ",\"maxQty\":\"", PW_SIM_QTY_MAX_E8 / symbol->step_e8 * symbol->step_e8);
    pw_sim_call_put_e8(call, ",\"stepSize\":\"", symbol->step_e8);
    pw_sim_call_put_e8(call, "},{\"filterType\":\"MARKET_LOT_SIZE\",\"minQty\":\"", 0);
    pw_sim_call_put_e8(call, ",\"maxQty\":\"", PW_SIM_MARKET_QTY_MAX_E8 / symbol->step_e8 * symbol->step_e8);
    pw_sim_call_put_e8(call, ",\"stepSize\":\"", 0);
    pw_sim_call_put(
        call,
        "},{\"filterType\":\"PERCENT_PRICE_BY_SIDE\",\"bidMultiplierUp\":\"5\",\"bidMultiplierDown\":\"0.2\","
        "\"askMultiplierUp\":\"5\",\"askMultiplierDown\":\"0.2\",\"avgPriceMins\":5}");
    pw_sim_call_put_e8(call, ",{\"filterType\":\"NOTIONAL\",\"minNotional\":\"", symbol->min_notional_e8);
    pw_sim_call_put(
        call, ",\"applyMinToMarket\":true,\"maxNotional\":\"9000000.00000000\",\"applyMaxToMarket\":false,"
              "\"avgPriceMins\":5},{\"filterType\":\"MAX_NUM_ORDERS\",\"maxNumOrders\":200},"
              "{\"filterType\":\"MAX_NUM_ALGO_ORDERS\",\"maxNumAlgoOrders\":5}");
}

static void put_symbol(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    pw_buffer_format(
        call->body,
        "{\"symbol\":\"%s\",\"status\":\"TRADING\",\"baseAsset\":\"%s\",\"baseAssetPrecision\":8,"
        "\"quoteAsset\":\"%s\",\"quotePrecision\":8,\"quoteAssetPrecision\":8,"
        "\"baseCommissionPrecision\":8,\"quoteCommissionPrecision\":8,",
        symbol->name, symbol->base, symbol->quote);
    pw_sim_call_put(
        call, "\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\",\"STOP_LOSS\",\"STOP_LOSS_LIMIT\",\"TAKE_"
              "PROFIT\",\"TAKE_PROFIT_LIMIT\"],\"icebergAllowed\":false,"
              "\"ocoAllowed\":false,\"otoAllowed\":false,\"opoAllowed\":false,"
              "\"quoteOrderQtyMarketAllowed\":true,\"allowTrailingStop\":false,\"cancelReplaceAllowed\":true,"
              "\"amendAllowed\":false,\"pegInstructionsAllowed\":false,"
              "\"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false,\"filters\":[");
    put_filters(call, symbol);
    pw_sim_call_put(call,
                    "],\"permissions\":[],\"permissionSets\":[[\"SPOT\"]],\"defaultSelfTradePreventionMode\":"
                    "\"EXPIRE_MAKER\",\"allowedSelfTradePreventionModes\":[\"NONE\",\"EXPIRE_TAKER\","
                    "\"EXPIRE_MAKER\",\"EXPIRE_BOTH\"]}");
}

static void put_info_head(struct pw_sim_call *call)
{
    const struct pw_sim_limits_config *limits = call->rest->limits;

    pw_sim_call_put(call, "{\"timezone\":\"UTC\",\"serverTime\":");
    pw_sim_call_put_time(call, call->wall_ns);
    pw_buffer_format(
        call->body,
        ",\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
        "\"limit\":%u},{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
        "\"limit\":%u},{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,"
        "\"limit\":%u},{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\",\"intervalNum\":5,"
        "\"limit\":300000}],\"exchangeFilters\":[{\"filterType\":\"EXCHANGE_MAX_NUM_ORDERS\","
        "\"maxNumOrders\":1000}],\"symbols\":[",
        limits->weight_per_min ? limits->weight_per_min : 6000, pw_sim_order_limit(limits, PW_SIM_ORDERS_10S),
        pw_sim_order_limit(limits, PW_SIM_ORDERS_DAY));
}

/* The recorded description of one symbol, or an empty slice. */
static struct pw_slice recorded_symbol(struct pw_slice symbols, const char *name)
{
    struct pw_slice value, inside;
    struct pw_sim_walk walk;

    if (pw_sim_walk_begin(&walk, symbols)) {
        while (pw_sim_walk_next(&walk)) {
            if (pw_sim_walk_member(walk.value, "symbol", &value) && pw_sim_walk_inside(value, &inside) &&
                pw_slice_equal(inside, name)) {
                return walk.value;
            }
        }
    }
    return (struct pw_slice){0};
}

/* The recorded answer, cut down to what was asked for: everything else as it was. */
static void put_recorded_info(struct pw_sim_call *call, struct pw_slice info, struct pw_slice wanted)
{
    struct pw_slice symbols = {0}, inside;
    struct pw_sim_walk walk;
    char name[PW_SIM_SYMBOL_BYTES];
    uint32_t cnt = 0;

    pw_sim_walk_member(info, "symbols", &symbols);
    pw_buffer_bytes(call->body, info.text, (size_t)(symbols.text - info.text));
    pw_sim_call_put(call, "[");
    if (!pw_sim_walk_begin(&walk, wanted) || walk.object) {
        pw_sim_call_error(call, 400, -1100, "Illegal characters found in parameter 'symbols'.");
        return;
    }
    while (pw_sim_walk_next(&walk)) {
        struct pw_slice found = {0};
        if (pw_sim_walk_inside(walk.value, &inside) && inside.size < sizeof name) {
            memcpy(name, inside.text, inside.size);
            name[inside.size] = 0;
            found = recorded_symbol(symbols, name);
        }
        if (!found.size) {
            pw_sim_call_error(call, 400, -1121, "Invalid symbol.");
            return;
        }
        pw_sim_call_put(call, cnt++ ? "," : "");
        pw_buffer_slice(call->body, found);
    }
    pw_sim_call_put(call, "]");
    pw_buffer_bytes(call->body, symbols.text + symbols.size,
                    (size_t)(info.text + info.size - symbols.text) - symbols.size);
}

void pw_sim_rest_exchange_info(struct pw_sim_call *call)
{
    struct pw_sim_source *source = call->rest->source;
    struct pw_slice info = source->ops->exchange_info(source->state);
    const char *one = pw_sim_call_text(call, "symbol"), *some = pw_sim_call_text(call, "symbols");
    char list[PW_SIM_SYMBOL_BYTES + 8];

    pw_sim_call_text(call, "permissions"); /* everything here is SPOT */
    pw_sim_call_text(call, "showPermissionSets");
    pw_sim_call_text(call, "symbolStatus");
    if (!pw_sim_call_all_read(call)) {
        return;
    }
    if (one && some) {
        pw_sim_call_error(call, 400, -1128, "Combination of optional parameters invalid.");
        return;
    }
    if (one && !pw_sim_symbol_text_ok(one)) {
        pw_sim_call_error(call, 400, -1121, "Invalid symbol.");
        return;
    }
    if (one) {
        snprintf(list, sizeof list, "[\"%s\"]", one);
        some = list;
    }
    if (info.size && !some) {
        pw_buffer_slice(call->body, info);
        return;
    }
    if (info.size) {
        put_recorded_info(call, info, (struct pw_slice){some, strlen(some)});
        return;
    }
    put_info_head(call);
    for (uint32_t i = 0; !some && i < source->symbol_cnt; i++) {
        pw_sim_call_put(call, i ? "," : "");
        put_symbol(call, &source->symbols[i]);
    }
    if (!some || pw_sim_call_symbols(call, some, put_symbol)) {
        pw_sim_call_put(call, "]}");
    }
}

void pw_sim_rest_no_derivatives(struct pw_sim_call *call)
{
    put_info_head(call);
    pw_sim_call_put(call, "]}");
}
