/* SPDX-License-Identifier: MIT
 *
 * A strategy's holding of one instrument. See holding.h.
 */
#include "holding.h"

#include "fills.h"
#include "pw_assert.h"

/* What a market order can sell of it. */
static int64_t sellable_qty_e8(const struct pw_holding *holding)
{
    const struct pw_instrument *instrument = holding->instrument;
    int64_t step_e8 =
        instrument->step_e8 > instrument->market_step_e8 ? instrument->step_e8 : instrument->market_step_e8;
    return step_e8 > 0 ? holding->held_e8 - holding->held_e8 % step_e8 : holding->held_e8;
}

static struct pw_event *add(const struct pw_holding *holding, uint8_t kind, struct pw_decisions *out)
{
    pw_assert(out->cnt < PW_DECISIONS_MAX);
    struct pw_event *event = &out->events[out->cnt++];
    *event = (struct pw_event){.kind = kind, .instrument_idx = holding->instrument_idx};
    return event;
}

static int64_t clamp(pw_i128 value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

void pw_holding_signal(const struct pw_holding *holding, pw_i128 a, pw_i128 b, int8_t direction,
                       uint64_t market_seq, struct pw_decisions *out)
{
    add(holding, PW_EVENT_SIGNAL, out)->body.signal =
        (struct pw_signal){.value_a = clamp(a),
                           .value_b = clamp(b),
                           .direction = direction,
                           .strategy_idx = holding->strategy_idx,
                           .market_seq = market_seq};
}

static void add_order(const struct pw_holding *holding, bool sell, int64_t qty_e8, uint64_t market_seq,
                      struct pw_decisions *out)
{
    struct pw_event *event = add(holding, PW_EVENT_INTENT, out);
    event->flags = sell ? PW_FLAG_SELL : 0;
    event->body.intent = (struct pw_intent){.qty_e8 = qty_e8,
                                            .market_seq = market_seq,
                                            .action = PW_PLACE,
                                            .type = PW_MARKET,
                                            .tif = PW_IOC,
                                            .strategy_idx = holding->strategy_idx};
}

void pw_holding_buy(struct pw_holding *holding, int64_t qty_e8, uint64_t market_seq, struct pw_decisions *out)
{
    if (sellable_qty_e8(holding) <= 0) {
        add_order(holding, false, qty_e8, market_seq, out);
        holding->held_e8 += qty_e8;
    }
}

void pw_holding_sell(struct pw_holding *holding, uint64_t market_seq, struct pw_decisions *out)
{
    int64_t sellable_e8 = sellable_qty_e8(holding);
    if (sellable_e8 > 0) {
        add_order(holding, true, sellable_e8, market_seq, out);
        holding->held_e8 -= sellable_e8;
    }
}

static void take_fee(struct pw_holding *holding, const struct pw_fill_info *info)
{
    int64_t fee_e8;
    if (pw_fill_info_base_fee_e8(info, holding->instrument, &holding->dust_e16, &fee_e8)) {
        holding->held_e8 -= fee_e8;
    }
}

void pw_holding_take_report(struct pw_holding *holding, const struct pw_event *report)
{
    if (report->kind == PW_EVENT_FILL_INFO) {
        take_fee(holding, &report->body.fill_info);
    }
    const struct pw_order *order = &report->body.order;
    if (report->kind == PW_EVENT_ORDER &&
        (order->state == PW_ORDER_DENIED || order->state == PW_ORDER_REJECTED ||
         order->state == PW_ORDER_CANCELED || order->state == PW_ORDER_EXPIRED)) {
        /* What was left will never come. */
        holding->held_e8 += report->flags & PW_FLAG_SELL ? order->leaves_qty_e8 : -order->leaves_qty_e8;
    }
}
