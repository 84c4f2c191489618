/* SPDX-License-Identifier: MIT
 *
 * Parameters of orders: see rest_request.h.
 */
#include "rest_request.h"

#include "decimal.h"

#include <string.h>

static const char *const g_sides[] = {"BUY", "SELL"};
static const char *const g_replies[PW_SIM_REPLIES] = {"ACK", "RESULT", "FULL"};
static const char *const g_restrictions[] = {"ONLY_NEW", "ONLY_PARTIALLY_FILLED"}; /* pw_sim_restriction */

static const struct pw_sim_choice g_side_choice = {"side", g_sides, 2, -1117, "Invalid side."};
static const struct pw_sim_choice g_type_choice = {"type", pw_sim_order_type_texts, PW_ORDER_TYPES, -1116,
                                                   "Invalid orderType."};
static const struct pw_sim_choice g_tif_choice = {"timeInForce", pw_sim_tif_texts, PW_SIM_TIFS, -1115,
                                                  "Invalid timeInForce."};
static const struct pw_sim_choice g_reply_choice = {
    "newOrderRespType", g_replies, PW_SIM_REPLIES, -1100,
    "Illegal characters found in parameter 'newOrderRespType'."};
static const struct pw_sim_choice g_prevention_choice = {
    "selfTradePreventionMode", pw_sim_prevention_texts, PW_STP_MODES, -2010,
    "This symbol does not allow the specified self-trade prevention mode."};
static const struct pw_sim_choice g_restriction_choice = {"cancelRestrictions", g_restrictions, 2, -1145,
                                                          "Invalid cancelRestrictions"};

/* ---- values ---- */

/* '^([0-9]{1,20})(\.[0-9]{1,20})?$' */
static bool decimal_form_ok(const char *text)
{
    size_t whole = strspn(text, "0123456789"), part = 0;

    if (text[whole] == '.') {
        part = strspn(text + whole + 1, "0123456789");
        return whole >= 1 && whole <= 20 && part >= 1 && part <= 20 && !text[whole + 1 + part];
    }
    return whole >= 1 && whole <= 20 && !text[whole];
}

static bool decimal(struct pw_sim_call *call, const char *name, int64_t *value_e8)
{
    const char *sent = pw_sim_call_text(call, name);

    if (!sent || !*sent) {
        return pw_sim_call_missing(call, name);
    }
    if (pw_decimal_parse_e8(sent, strlen(sent), false, value_e8)) {
        return true;
    }
    if (!decimal_form_ok(sent)) {
        pw_sim_call_error(call, 400, -1100, "Illegal characters found in parameter '%s'.", name);
    } else if (strchr(sent, '.') && strlen(strchr(sent, '.')) > 9) {
        pw_sim_call_error(call, 400, -1111, "Parameter '%s' has too much precision.", name);
    } else {
        pw_sim_call_error(call, 400, -1108, "Parameter '%s' was too large.", name);
    }
    return false;
}

/* It can go into JSON as it is. */
bool pw_sim_request_name(struct pw_sim_call *call, const char *parameter, const char **client_id)
{
    const char *id = *client_id = pw_sim_call_text(call, parameter);
    size_t size = 0;

    if (!id) {
        return true;
    }
    while (id[size] && (strchr("-_.:/", id[size]) || (id[size] >= '0' && id[size] <= '9') ||
                        (id[size] >= 'A' && id[size] <= 'Z') || (id[size] >= 'a' && id[size] <= 'z'))) {
        size++;
    }
    if (size && !id[size] && size < PW_SIM_CLIENT_ID_BYTES) {
        return true;
    }
    pw_sim_call_error(
        call, 400, -1100,
        "Illegal characters found in parameter '%s'; legal range is '^[.A-Z:/a-z0-9_-]{1,36}$'.", parameter);
    return false;
}

bool pw_sim_request_restriction(struct pw_sim_call *call, enum pw_sim_restriction *restriction)
{
    uint32_t index = PW_SIM_CANCEL_ANY;
    bool good = !pw_sim_call_text(call, "cancelRestrictions") ||
                pw_sim_call_choose(call, &g_restriction_choice, &index);

    *restriction = (enum pw_sim_restriction)index;
    return good;
}

bool pw_sim_request_ids(struct pw_sim_call *call, const char *id_parameter, const char *name_parameter,
                        struct pw_sim_order_ids *ids)
{
    ids->client_id = pw_sim_call_text(call, name_parameter);
    if (!pw_sim_call_number(call, id_parameter, 0, &ids->order_id)) {
        return false;
    }
    if (ids->order_id || (ids->client_id && *ids->client_id)) {
        return true;
    }
    pw_sim_call_error(call, 400, -1102, "Param '%s' or '%s' must be sent, but both were empty/null!",
                      name_parameter, id_parameter);
    return false;
}

/* ---- what depends on the type ---- */

/* What the type's orders have besides a quantity. */
static const struct terms {
    bool tif, price, stop, iceberg;
} g_terms[PW_ORDER_TYPES] = {
    [PW_LIMIT] = {.tif = true, .price = true, .iceberg = true},
    [PW_LIMIT_MAKER] = {.price = true, .iceberg = true},
    [PW_MARKET] = {0},
    [PW_STOP_LOSS] = {.stop = true},
    [PW_STOP_LOSS_LIMIT] = {.tif = true, .price = true, .stop = true, .iceberg = true},
    [PW_TAKE_PROFIT] = {.stop = true},
    [PW_TAKE_PROFIT_LIMIT] = {.tif = true, .price = true, .stop = true, .iceberg = true},
};

/* A quantity, or for a market order a value instead. */
static bool size_read(struct pw_sim_call *call, struct pw_sim_order_request *request)
{
    if (request->type != PW_MARKET || !pw_sim_call_text(call, "quoteOrderQty")) {
        return pw_sim_call_absent(call, "quoteOrderQty") && decimal(call, "quantity", &request->qty_e8);
    }
    if (pw_sim_call_text(call, "quantity")) {
        pw_sim_call_error(call, 400, -1128, "Combination of optional parameters invalid.");
        return false;
    }
    return decimal(call, "quoteOrderQty", &request->quote_qty_e8);
}

/* The two forms that the symbols here do not allow. */
static bool forms_read(struct pw_sim_call *call, const struct terms *terms)
{
    if (!(terms->iceberg || pw_sim_call_absent(call, "icebergQty")) ||
        !(terms->stop || pw_sim_call_absent(call, "trailingDelta"))) {
        return false;
    }
    if (pw_sim_call_text(call, "icebergQty")) {
        pw_sim_call_error(call, 400, -2010, "Iceberg orders are not supported for this symbol.");
        return false;
    }
    if (pw_sim_call_text(call, "trailingDelta")) {
        pw_sim_call_error(call, 400, -2010, "Trailing stop orders are not supported for this symbol.");
        return false;
    }
    return true;
}

static bool stop_read(struct pw_sim_call *call, struct pw_sim_order_request *request)
{
    if (!pw_sim_call_text(call, "stopPrice")) {
        pw_sim_call_error(call, 400, -1102,
                          "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!");
        return false;
    }
    return decimal(call, "stopPrice", &request->stop_price_e8);
}

static bool terms_read(struct pw_sim_call *call, struct pw_sim_order_request *request)
{
    const struct terms *terms = &g_terms[request->type];
    uint32_t tif = PW_GTC;

    if (terms->tif ? !pw_sim_call_choose(call, &g_tif_choice, &tif)
                   : !pw_sim_call_absent(call, "timeInForce")) {
        return false;
    }
    request->tif = (enum pw_tif)tif;
    return size_read(call, request) &&
           (terms->price ? decimal(call, "price", &request->price_e8) : pw_sim_call_absent(call, "price")) &&
           forms_read(call, terms) &&
           (terms->stop ? stop_read(call, request) : pw_sim_call_absent(call, "stopPrice"));
}

bool pw_sim_request_read(struct pw_sim_call *call, struct pw_sim_order_request *request,
                         enum pw_sim_reply *reply)
{
    uint32_t side, type, said, prevention = call->account->config->prevention;

    *request = (struct pw_sim_order_request){.symbol = pw_sim_call_symbol(call)};
    if (!request->symbol || !pw_sim_call_choose(call, &g_side_choice, &side) ||
        !pw_sim_call_choose(call, &g_type_choice, &type)) {
        return false;
    }
    request->side = side ? PW_SELL : PW_BUY;
    request->type = (enum pw_order_type)type;
    said = type == PW_LIMIT || type == PW_MARKET ? PW_SIM_REPLY_FULL : PW_SIM_REPLY_ACK;
    if (!terms_read(call, request) || !pw_sim_request_name(call, "newClientOrderId", &request->client_id) ||
        (pw_sim_call_text(call, "newOrderRespType") && !pw_sim_call_choose(call, &g_reply_choice, &said)) ||
        (pw_sim_call_text(call, "selfTradePreventionMode") &&
         !pw_sim_call_choose(call, &g_prevention_choice, &prevention))) {
        return false;
    }
    *reply = (enum pw_sim_reply)said;
    request->prevention = (enum pw_stp)prevention;
    return pw_sim_call_all_read(call);
}
