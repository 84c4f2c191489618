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

static json_t *filter_json(const char *type)
{
    return PW_SIM_OBJECT(pw_sim_text("filterType", type));
}

static int64_t whole(int64_t most_e8, int64_t grain_e8)
{
    return most_e8 / grain_e8 * grain_e8;
}

static json_t *price_filter_json(const struct pw_sim_symbol *symbol)
{
    int64_t tick_e8 = symbol->tick_e8;

    return PW_SIM_EXTEND(filter_json("PRICE_FILTER"), pw_sim_e8("minPrice", tick_e8),
                         pw_sim_e8("maxPrice", whole(PW_SIM_PRICE_MAX_E8, tick_e8)),
                         pw_sim_e8("tickSize", tick_e8));
}

static json_t *lot_filter_json(const char *type, int64_t step_e8, int64_t most_e8)
{
    return PW_SIM_EXTEND(filter_json(type), pw_sim_e8("minQty", step_e8), pw_sim_e8("maxQty", most_e8),
                         pw_sim_e8("stepSize", step_e8));
}

static json_t *percent_filter_json(const struct pw_sim_price_rules *rules)
{
    const struct pw_sim_bounds *bid = &rules->band[PW_BUY], *ask = &rules->band[PW_SELL];

    return PW_SIM_EXTEND(
        filter_json("PERCENT_PRICE_BY_SIDE"), pw_sim_e8("bidMultiplierUp", bid->up_e8),
        pw_sim_e8("bidMultiplierDown", bid->down_e8), pw_sim_e8("askMultiplierUp", ask->up_e8),
        pw_sim_e8("askMultiplierDown", ask->down_e8), pw_sim_int("avgPriceMins", rules->avg_price_mins));
}

static json_t *notional_filter_json(const struct pw_sim_symbol *symbol)
{
    return PW_SIM_EXTEND(
        filter_json("NOTIONAL"), pw_sim_e8("minNotional", symbol->min_notional_e8),
        pw_sim_bool("applyMinToMarket", true), pw_sim_e8("maxNotional", PW_SIM_NOTIONAL_MAX_E8),
        pw_sim_bool("applyMaxToMarket", false), pw_sim_int("avgPriceMins", symbol->rules.avg_price_mins));
}

static json_t *filters_json(const struct pw_sim_symbol *symbol)
{
    int64_t step_e8 = symbol->step_e8;
    json_t *filters = pw_sim_append(json_array(), price_filter_json(symbol));

    filters = pw_sim_append(filters, lot_filter_json("LOT_SIZE", step_e8, whole(PW_SIM_QTY_MAX_E8, step_e8)));
    filters = pw_sim_append(filters,
                            lot_filter_json("MARKET_LOT_SIZE", 0, whole(PW_SIM_MARKET_QTY_MAX_E8, step_e8)));
    filters = pw_sim_append(filters, percent_filter_json(&symbol->rules));
    filters = pw_sim_append(filters, notional_filter_json(symbol));
    filters = pw_sim_append(filters, PW_SIM_EXTEND(filter_json("MAX_NUM_ORDERS"),
                                                   pw_sim_int("maxNumOrders", PW_SIM_SYMBOL_ORDERS_MAX)));
    return pw_sim_append(filters, PW_SIM_EXTEND(filter_json("MAX_NUM_ALGO_ORDERS"),
                                                pw_sim_int("maxNumAlgoOrders", PW_SIM_ALGO_ORDERS_MAX)));
}

static json_t *symbol_json(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    static const char *const types[] = {"LIMIT",           "LIMIT_MAKER", "MARKET",           "STOP_LOSS",
                                        "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"};
    static const char *const permissions[] = {"SPOT"};
    json_t *object = PW_SIM_OBJECT(
        pw_sim_text("symbol", symbol->name), pw_sim_text("status", "TRADING"),
        pw_sim_text("baseAsset", symbol->base), pw_sim_int("baseAssetPrecision", 8),
        pw_sim_text("quoteAsset", symbol->quote), pw_sim_int("quotePrecision", 8),
        pw_sim_int("quoteAssetPrecision", 8), pw_sim_int("baseCommissionPrecision", 8),
        pw_sim_int("quoteCommissionPrecision", 8), pw_sim_json("orderTypes", pw_sim_words(types, 7)),
        pw_sim_bool("icebergAllowed", false), pw_sim_bool("ocoAllowed", false),
        pw_sim_bool("otoAllowed", false), pw_sim_bool("opoAllowed", false),
        pw_sim_bool("quoteOrderQtyMarketAllowed", true), pw_sim_bool("allowTrailingStop", false),
        pw_sim_bool("cancelReplaceAllowed", true), pw_sim_bool("amendAllowed", false),
        pw_sim_bool("pegInstructionsAllowed", false), pw_sim_bool("isSpotTradingAllowed", true),
        pw_sim_bool("isMarginTradingAllowed", false));

    (void)call;
    return PW_SIM_EXTEND(
        object, pw_sim_json("filters", filters_json(symbol)), pw_sim_json("permissions", json_array()),
        pw_sim_json("permissionSets", pw_sim_append(json_array(), pw_sim_words(permissions, 1))),
        pw_sim_text("defaultSelfTradePreventionMode", pw_sim_prevention_texts[PW_STP_EXPIRE_MAKER]),
        pw_sim_json("allowedSelfTradePreventionModes", pw_sim_words(pw_sim_prevention_texts, PW_STP_MODES)));
}

static json_t *limits_json(const struct pw_sim_limits_config *limits)
{
    uint32_t weight = limits->weight_per_min ? limits->weight_per_min : 6000;
    json_t *array = pw_sim_append(json_array(), pw_sim_weight_limit_json(limits, weight));

    for (int i = 0; i < PW_SIM_ORDER_WINDOWS; i++) {
        enum pw_sim_order_window window = (enum pw_sim_order_window)i;
        array = pw_sim_append(array, pw_sim_order_limit_json(window, pw_sim_order_limit(limits, window)));
    }
    return pw_sim_append(array, PW_SIM_OBJECT(pw_sim_text("rateLimitType", "RAW_REQUESTS"),
                                              pw_sim_text("interval", "MINUTE"), pw_sim_int("intervalNum", 5),
                                              pw_sim_int("limit", 300000)));
}

static json_t *info_json(const struct pw_sim_call *call, json_t *symbols)
{
    json_t *most =
        PW_SIM_EXTEND(filter_json("EXCHANGE_MAX_NUM_ORDERS"), pw_sim_int("maxNumOrders", PW_SIM_ORDERS_MAX));

    return PW_SIM_OBJECT(pw_sim_text("timezone", "UTC"), pw_sim_call_time(call, "serverTime", call->wall_ns),
                         pw_sim_json("rateLimits", limits_json(call->rest->limits)),
                         pw_sim_json("exchangeFilters", pw_sim_append(json_array(), most)),
                         pw_sim_json("symbols", symbols));
}

/* ---- a recorded answer ---- */

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

/* The recorded answer, cut down to what was asked for: everything else byte for byte as it was. */
static void recorded_info_put(struct pw_sim_call *call, struct pw_slice info, struct pw_slice wanted)
{
    struct pw_slice symbols = {0}, inside;
    struct pw_sim_walk walk;
    char name[PW_SIM_SYMBOL_BYTES];
    uint32_t cnt = 0;

    pw_sim_walk_member(info, "symbols", &symbols);
    pw_buffer_bytes(call->body, info.text, (size_t)(symbols.text - info.text));
    pw_buffer_string(call->body, "[");
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
        pw_buffer_string(call->body, cnt++ ? "," : "");
        pw_buffer_slice(call->body, found);
    }
    pw_buffer_string(call->body, "]");
    pw_buffer_bytes(call->body, symbols.text + symbols.size,
                    (size_t)(info.text + info.size - symbols.text) - symbols.size);
}

/* ---- the endpoints ---- */

/* False: error. */
static bool symbols_take(struct pw_sim_call *call, const char *some, json_t **symbols,
                         json_t *(*use)(struct pw_sim_call *call, struct pw_sim_symbol *symbol))
{
    struct pw_sim_source *source = call->rest->source;

    if (some) {
        return pw_sim_call_symbols(call, some, symbols, use);
    }
    for (uint32_t i = 0; i < source->symbol_cnt; i++) {
        *symbols = pw_sim_append(*symbols, use(call, &source->symbols[i]));
    }
    return true;
}

/* What is asked for: NULL in *some, for all, or a list; `one` is the list of one. False: error. */
static bool info_read(struct pw_sim_call *call, char *list, size_t list_bytes, const char **some)
{
    const char *one = pw_sim_call_text(call, "symbol");

    *some = pw_sim_call_text(call, "symbols");
    pw_sim_call_text(call, "permissions"); /* everything here is SPOT */
    pw_sim_call_text(call, "showPermissionSets");
    pw_sim_call_text(call, "symbolStatus");
    if (!pw_sim_call_all_read(call)) {
        return false;
    }
    if (one && *some) {
        pw_sim_call_error(call, 400, -1128, "Combination of optional parameters invalid.");
        return false;
    }
    if (one && !pw_sim_symbol_text_ok(one)) {
        pw_sim_call_error(call, 400, -1121, "Invalid symbol.");
        return false;
    }
    if (one) {
        snprintf(list, list_bytes, "[\"%s\"]", one);
        *some = list;
    }
    return true;
}

void pw_sim_rest_exchange_info(struct pw_sim_call *call)
{
    struct pw_sim_source *source = call->rest->source;
    struct pw_slice info = source->ops->exchange_info(source->state);
    char list[PW_SIM_SYMBOL_BYTES + 8];
    const char *some;
    json_t *symbols;

    if (!info_read(call, list, sizeof list, &some)) {
        return;
    }
    if (info.size && !some) {
        pw_buffer_slice(call->body, info);
        return;
    }
    if (info.size) {
        recorded_info_put(call, info, (struct pw_slice){some, strlen(some)});
        return;
    }
    symbols = json_array();
    if (symbols_take(call, some, &symbols, symbol_json)) {
        pw_sim_call_answer(call, info_json(call, symbols));
    } else {
        json_decref(symbols);
    }
}

void pw_sim_rest_no_derivatives(struct pw_sim_call *call)
{
    pw_sim_call_answer(call, info_json(call, json_array()));
}

/* ---- execution rules ---- */

static struct pw_sim_field multiple(const char *name, int64_t multiple_e8)
{
    return pw_sim_if(multiple_e8 != 0, pw_sim_e8(name, multiple_e8));
}

static json_t *execution_rules_json(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    const struct pw_sim_bounds *bid = &symbol->rules.range[PW_BUY], *ask = &symbol->rules.range[PW_SELL];
    bool has_rule = bid->up_e8 || bid->down_e8 || ask->up_e8 || ask->down_e8;
    json_t *rules = json_array();

    (void)call;
    if (has_rule) {
        rules = pw_sim_append(rules, PW_SIM_OBJECT(pw_sim_text("ruleType", "PRICE_RANGE"),
                                                   multiple("bidLimitMultUp", bid->up_e8),
                                                   multiple("bidLimitMultDown", bid->down_e8),
                                                   multiple("askLimitMultUp", ask->up_e8),
                                                   multiple("askLimitMultDown", ask->down_e8)));
    }
    return PW_SIM_OBJECT(pw_sim_text("symbol", symbol->name), pw_sim_json("rules", rules));
}

void pw_sim_rest_execution_rules(struct pw_sim_call *call)
{
    char list[PW_SIM_SYMBOL_BYTES + 8];
    const char *some;
    json_t *symbols;

    if (!info_read(call, list, sizeof list, &some)) {
        return;
    }
    symbols = json_array();
    if (symbols_take(call, some, &symbols, execution_rules_json)) {
        size_t weight = 2 * json_array_size(symbols);
        pw_sim_call_weigh(call, some && weight < 40 ? (uint32_t)weight : 40);
        pw_sim_call_answer(call, PW_SIM_OBJECT(pw_sim_json("symbolRules", symbols)));
    } else {
        json_decref(symbols);
    }
}
