/* SPDX-License-Identifier: MIT
 *
 * Fills as events.
 */
#include "fills.h"
#include "pw_assert.h"

#include <string.h>

static bool is_quote(const char *asset, const struct pw_instrument *instrument)
{
    return asset[0] == '\0' || strncmp(asset, instrument->quote, sizeof instrument->quote) == 0;
}

pw_i128 pw_fill_quote_fee_e16(const struct pw_report *report, const struct pw_instrument *instrument)
{
    return is_quote(report->fee_asset, instrument) ? report->fee_e16 : 0;
}

bool pw_fill_base_fee_e8(const char fee_asset[16], pw_i128 fee_e16, const struct pw_instrument *instrument,
                         int64_t *fee_e8)
{
    *fee_e8 = 0;
    if (fee_asset[0] == '\0' || strncmp(fee_asset, instrument->base, sizeof instrument->base) != 0) {
        return true;
    }
    pw_i128 rest = fee_e16 % PW_E8;
    pw_i128 fee = fee_e16 / PW_E8 + (rest > 0); /* truncation is up for a rebate already */
    *fee_e8 = (int64_t)fee;
    return fee == *fee_e8;
}

uint32_t pw_fill_events(const struct pw_report *report, const struct pw_order_row *row,
                        const struct pw_instrument *instrument, struct pw_event events[PW_FILL_EVENTS_MAX])
{
    pw_assert(report->exec_type == PW_EXEC_FILL && report->client_order_id == row->client_order_id);
    pw_assert(report->fill_qty_e8 > 0 && report->fill_qty_e8 <= row->qty_e8);
    events[0] = (struct pw_event){
        .kind = PW_EVENT_FILL,
        .flags = (uint8_t)((row->side == PW_SELL ? PW_FLAG_SELL : 0) | (report->maker ? PW_FLAG_MAKER : 0)),
        .instrument_idx = row->instrument_idx,
        .recv_ns = report->recv_ns,
        .venue_ns = report->venue_ns,
        .body.fill = {.price_e8 = report->fill_price_e8,
                      .qty_e8 = report->fill_qty_e8,
                      .client_order_id = row->client_order_id}};
    pw_fill_set_fee_e16(&events[0].body.fill, pw_fill_quote_fee_e16(report, instrument));
    if (!report->has_trade_id && report->fee_asset[0] == '\0') {
        return 1;
    }
    struct pw_fill_info *info = &events[1].body.fill_info;
    events[1] = (struct pw_event){.kind = PW_EVENT_FILL_INFO,
                                  .flags = events[0].flags,
                                  .instrument_idx = row->instrument_idx,
                                  .recv_ns = report->recv_ns,
                                  .venue_ns = report->venue_ns,
                                  .body.fill_info = {.trade_id = report->trade_id}};
    static_assert(sizeof info->fee_asset == sizeof report->fee_asset, "an asset is copied whole");
    static_assert(sizeof instrument->quote <= sizeof info->fee_asset, "so is the quote's");
    if (report->fee_asset[0] != '\0') {
        memcpy(info->fee_asset, report->fee_asset, sizeof info->fee_asset);
    } else {
        memcpy(info->fee_asset, instrument->quote, sizeof instrument->quote);
    }
    pw_fill_info_set_fee_e16(info, report->fee_e16);
    return 2;
}
