/* SPDX-License-Identifier: MIT
 *
 * Fills as events.
 */
#include "fills.h"
#include "pw_assert.h"

#include <string.h>

static bool is_asset(const char *name, const char asset[PW_ASSET_BYTES])
{
    return name[0] == asset[0] && strncmp(name, asset, PW_ASSET_BYTES) == 0;
}

enum pw_fee_kind pw_fee_kind(const char *fee_asset, const struct pw_instrument *instrument)
{
    return fee_asset[0] == '\0' || is_asset(fee_asset, instrument->quote) ? PW_FEE_QUOTE
           : is_asset(fee_asset, instrument->base)                        ? PW_FEE_BASE
                                                                          : PW_FEE_OTHER;
}

pw_i128 pw_fill_quote_fee_e16(const struct pw_report *report, const struct pw_instrument *instrument)
{
    return pw_fee_kind(report->fee_asset, instrument) == PW_FEE_QUOTE ? report->fee_e16 : 0;
}

/* An amount of 16 decimals as a quantity in the instrument's unit. */
static bool fee_as_qty(pw_i128 fee_e16, const struct pw_instrument *instrument, pw_i128 *dust_e16,
                       int64_t *fee_e8)
{
    int64_t unit_e16 = pw_power10(16 - pw_qty_decimals(instrument->unit_shift));
    pw_i128 due_e16 = fee_e16 - *dust_e16;
    pw_i128 fee = due_e16 / unit_e16 + (due_e16 % unit_e16 > 0); /* truncation is up where it is negative */
    *dust_e16 = fee * unit_e16 - due_e16;
    pw_assert(*dust_e16 >= 0 && *dust_e16 < unit_e16);
    *fee_e8 = (int64_t)fee;
    return fee == *fee_e8;
}

bool pw_fill_base_fee_e8(const struct pw_report *report, const struct pw_instrument *instrument,
                         pw_i128 *dust_e16, int64_t *fee_e8)
{
    *fee_e8 = 0;
    return pw_fee_kind(report->fee_asset, instrument) != PW_FEE_BASE ||
           fee_as_qty(report->fee_e16, instrument, dust_e16, fee_e8);
}

bool pw_fill_info_base_fee_e8(const struct pw_fill_info *info, const struct pw_instrument *instrument,
                              pw_i128 *dust_e16, int64_t *fee_e8)
{
    char name[PW_ASSET_BYTES] = {0};
    *fee_e8 = 0;
    memcpy(name, info->fee_asset, sizeof info->fee_asset);
    bool is_base = name[0] == PW_FEE_ASSET_BASE || pw_fee_kind(name, instrument) == PW_FEE_BASE;
    return !is_base || fee_as_qty(pw_fill_info_fee_e16(info), instrument, dust_e16, fee_e8);
}

/* As a name where it fits, else as a code. */
static void put_fee_asset(struct pw_fill_info *info, const char name[PW_ASSET_BYTES],
                          const struct pw_instrument *instrument)
{
    size_t bytes = strnlen(name, PW_ASSET_BYTES);
    if (bytes <= sizeof info->fee_asset) {
        memcpy(info->fee_asset, name, bytes);
        return;
    }
    info->fee_asset[0] = is_asset(name, instrument->base)    ? PW_FEE_ASSET_BASE
                         : is_asset(name, instrument->quote) ? PW_FEE_ASSET_QUOTE
                                                             : PW_FEE_ASSET_OTHER;
    size_t begin = sizeof info->fee_asset - 1;
    while (begin > 0 && ((unsigned char)name[begin] & 0xc0) == 0x80) {
        begin--; /* whole characters of UTF-8 */
    }
    if (info->fee_asset[0] == PW_FEE_ASSET_OTHER) {
        memcpy(info->fee_asset + 1, name, begin);
    }
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
    put_fee_asset(info, report->fee_asset[0] != '\0' ? report->fee_asset : instrument->quote, instrument);
    pw_fill_info_set_fee_e16(info, report->fee_e16);
    return 2;
}
