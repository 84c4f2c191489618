/* SPDX-License-Identifier: MIT
 *
 * Orders as JSON: see order_json.h.
 */
#include "order_json.h"

static json_t *ids_json(const struct pw_sim_client_order *order)
{
    return PW_SIM_OBJECT(pw_sim_text("symbol", order->symbol->name),
                         pw_sim_int("orderId", (int64_t)order->order_id), pw_sim_int("orderListId", -1));
}

static json_t *state_extend(json_t *object, const struct pw_sim_client_order *order)
{
    return PW_SIM_EXTEND(
        object, pw_sim_e8("price", order->price_e8), pw_sim_e8("origQty", order->qty_e8),
        pw_sim_e8("executedQty", order->filled_e8), pw_sim_e8("origQuoteOrderQty", order->quote_qty_e8),
        pw_sim_e8("cummulativeQuoteQty", order->quote_e8),
        pw_sim_text("status", pw_sim_status_texts[order->status]),
        pw_sim_text("timeInForce", pw_sim_tif_texts[order->tif]),
        pw_sim_text("type", pw_sim_order_type_texts[order->type]),
        pw_sim_text("side", order->side == PW_SELL ? "SELL" : "BUY"),
        pw_sim_if(order->prevented_match_id != 0,
                  pw_sim_int("preventedMatchId", (int64_t)order->prevented_match_id)),
        pw_sim_if(order->prevented_match_id != 0, pw_sim_e8("preventedQuantity", order->prevented_e8)),
        pw_sim_if(order->expiry_reason != NULL, pw_sim_text("expiryReason", order->expiry_reason)));
}

static struct pw_sim_field working_time(const struct pw_sim_call *call,
                                        const struct pw_sim_client_order *order)
{
    return order->working ? pw_sim_call_time(call, "workingTime", order->working_ns)
                          : pw_sim_int("workingTime", -1);
}

static struct pw_sim_field prevention(const struct pw_sim_client_order *order)
{
    return pw_sim_text("selfTradePreventionMode", pw_sim_prevention_texts[order->prevention]);
}

json_t *pw_sim_order_json(const struct pw_sim_call *call, const struct pw_sim_client_order *order)
{
    json_t *object = PW_SIM_EXTEND(ids_json(order), pw_sim_text("clientOrderId", order->client_id));

    return PW_SIM_EXTEND(state_extend(object, order), pw_sim_e8("stopPrice", order->stop_price_e8),
                         pw_sim_e8("icebergQty", 0), pw_sim_call_time(call, "time", order->time_ns),
                         pw_sim_call_time(call, "updateTime", order->update_ns),
                         pw_sim_bool("isWorking", order->working), working_time(call, order),
                         prevention(order));
}

static json_t *fills_json(const struct pw_sim_call *call, const struct pw_sim_client_order *order,
                          uint64_t since)
{
    const struct pw_sim_orders *orders = call->rest->orders;
    json_t *fills = json_array();

    for (uint64_t i = since; i < orders->fill_cnt; i++) {
        const struct pw_sim_fill *fill = pw_sim_orders_fill(orders, i);
        if (!fill || fill->symbol != order->symbol || fill->order_id != order->order_id) {
            continue; /* the other side, where somebody trades with another client or himself */
        }
        fills = pw_sim_append(fills, PW_SIM_OBJECT(pw_sim_e8("price", fill->price_e8),
                                                   pw_sim_e8("qty", fill->qty_e8),
                                                   pw_sim_e8("commission", fill->fee_e8),
                                                   pw_sim_text("commissionAsset", fill->fee_asset),
                                                   pw_sim_int("tradeId", (int64_t)fill->trade_id)));
    }
    return fills;
}

json_t *pw_sim_placed_json(const struct pw_sim_call *call, const struct pw_sim_client_order *order,
                           enum pw_sim_reply reply, uint64_t fills_since)
{
    json_t *object = PW_SIM_EXTEND(ids_json(order), pw_sim_text("clientOrderId", order->client_id),
                                   pw_sim_call_time(call, "transactTime", order->time_ns));

    if (reply >= PW_SIM_REPLY_RESULT) {
        object =
            PW_SIM_EXTEND(state_extend(object, order),
                          pw_sim_if(order->stop_price_e8 != 0, pw_sim_e8("stopPrice", order->stop_price_e8)),
                          working_time(call, order), prevention(order));
    }
    if (reply == PW_SIM_REPLY_FULL) {
        object = PW_SIM_EXTEND(object, pw_sim_json("fills", fills_json(call, order, fills_since)));
    }
    return object;
}

json_t *pw_sim_canceled_json(const struct pw_sim_call *call, const struct pw_sim_client_order *order,
                             const char *cancel_id)
{
    json_t *object = PW_SIM_EXTEND(ids_json(order), pw_sim_text("origClientOrderId", order->client_id),
                                   pw_sim_text("clientOrderId", cancel_id),
                                   pw_sim_call_time(call, "transactTime", order->update_ns));

    return PW_SIM_EXTEND(state_extend(object, order),
                         pw_sim_if(order->stop_price_e8 != 0, pw_sim_e8("stopPrice", order->stop_price_e8)),
                         prevention(order));
}
