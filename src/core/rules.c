/* SPDX-License-Identifier: MIT
 *
 * Rules: a row's fields in three events, and back.
 */
#include "rules.h"

#include <string.h>

void pw_rules_put(const struct pw_instrument *row, uint16_t instrument_idx, int64_t recv_ns,
                  struct pw_event events[PW_RULES_EVENTS])
{
    static const uint8_t kinds[PW_RULES_EVENTS] = {PW_EVENT_RULES, PW_EVENT_RULES_LOT, PW_EVENT_RULES_MARKET};
    for (uint32_t i = 0; i < PW_RULES_EVENTS; i++) {
        events[i] = (struct pw_event){.kind = kinds[i], .instrument_idx = instrument_idx, .recv_ns = recv_ns};
    }
    events[0].body.rules = (struct pw_rules){.tick_e8 = row->tick_e8,
                                             .min_price_e8 = row->min_price_e8,
                                             .max_price_e8 = row->max_price_e8,
                                             .tradable = row->tradable,
                                             .min_notional_market = row->min_notional_market,
                                             .max_notional_market = row->max_notional_market,
                                             .band_mins = row->band_mins,
                                             .notional_mins = row->notional_mins};
    events[1].body.rules_lot = (struct pw_rules_lot){.step_e8 = row->step_e8,
                                                     .min_qty_e8 = row->min_qty_e8,
                                                     .max_qty_e8 = row->max_qty_e8,
                                                     .min_notional_e8 = row->min_notional_e8,
                                                     .max_notional_e8 = row->max_notional_e8};
    events[2].body.rules_market = (struct pw_rules_market){.step_e8 = row->market_step_e8,
                                                           .min_qty_e8 = row->market_min_qty_e8,
                                                           .max_qty_e8 = row->market_max_qty_e8,
                                                           .band = {row->band[PW_BUY], row->band[PW_SELL]}};
}

void pw_rules_apply(struct pw_instrument *row, const struct pw_event *event)
{
    const struct pw_rules *rules = &event->body.rules;
    const struct pw_rules_lot *lot = &event->body.rules_lot;
    const struct pw_rules_market *market = &event->body.rules_market;
    switch (event->kind) {
    case PW_EVENT_RULES:
        row->tick_e8 = rules->tick_e8;
        row->min_price_e8 = rules->min_price_e8;
        row->max_price_e8 = rules->max_price_e8;
        row->tradable = rules->tradable;
        row->min_notional_market = rules->min_notional_market;
        row->max_notional_market = rules->max_notional_market;
        row->band_mins = rules->band_mins;
        row->notional_mins = rules->notional_mins;
        break;
    case PW_EVENT_RULES_LOT:
        row->step_e8 = lot->step_e8;
        row->min_qty_e8 = lot->min_qty_e8;
        row->max_qty_e8 = lot->max_qty_e8;
        row->min_notional_e8 = lot->min_notional_e8;
        row->max_notional_e8 = lot->max_notional_e8;
        break;
    case PW_EVENT_RULES_MARKET:
        row->market_step_e8 = market->step_e8;
        row->market_min_qty_e8 = market->min_qty_e8;
        row->market_max_qty_e8 = market->max_qty_e8;
        row->band[PW_BUY] = market->band[PW_BUY];
        row->band[PW_SELL] = market->band[PW_SELL];
        break;
    default:
        break;
    }
}

static bool has_band(const struct pw_instrument *row)
{
    return row->band[PW_BUY].up_e6 != 0 || row->band[PW_BUY].down_e6 != 0 || row->band[PW_SELL].up_e6 != 0 ||
           row->band[PW_SELL].down_e6 != 0;
}

static bool values_market_orders(const struct pw_instrument *row)
{
    return (row->min_notional_market && row->min_notional_e8 > 0) ||
           (row->max_notional_market && row->max_notional_e8 > 0);
}

bool pw_rules_want_reference(const struct pw_instrument *row)
{
    return has_band(row) || values_market_orders(row);
}

bool pw_rules_mean_mins(const struct pw_instrument *row, uint16_t *mins)
{
    bool band = has_band(row), notional = values_market_orders(row);
    *mins = band ? row->band_mins : row->notional_mins;
    return (band || notional) && *mins != PW_MINS_UNKNOWN &&
           (!band || !notional || *mins == row->notional_mins);
}

bool pw_rules_equal(const struct pw_instrument *a, const struct pw_instrument *b)
{
    struct pw_event of_a[PW_RULES_EVENTS], of_b[PW_RULES_EVENTS];
    pw_rules_put(a, 0, 0, of_a);
    pw_rules_put(b, 0, 0, of_b);
    bool equal = true;
    for (uint32_t i = 0; i < PW_RULES_EVENTS; i++) {
        equal &= memcmp(&of_a[i].body, &of_b[i].body, sizeof of_a[i].body) == 0;
    }
    return equal;
}
