/* SPDX-License-Identifier: MIT
 *
 * Binance's tables: spot, and of USD-M futures the market data, whose messages the same decoders read.
 */
#include "binance_entry.h"
#include "binance_events.h"
#include "binance_rest.h"

extern const struct pw_venue pw_venue_binance_spot, pw_venue_binance_usdm; /* venues.c */

static const struct {
    const char *name;
    uint64_t kinds;
} streams[] = {
    {"trade", PW_KIND_BIT(TRADE)},
    {"aggTrade", PW_KIND_BIT(AGG_TRADE)},
    {"bookTicker", PW_KIND_BIT(QUOTE)},
    {"depth@100ms", PW_KIND_BIT(DEPTH) | PW_KIND_BIT(LEVELS)},
    {"kline_1m", PW_KIND_BIT(CANDLE) | PW_KIND_BIT(CANDLE_INFO)},
};
#define STREAM_CNT (sizeof streams / sizeof streams[0])

static const char *stream(uint32_t i)
{
    return i < STREAM_CNT ? streams[i].name : NULL;
}

static uint64_t stream_kinds(uint32_t i)
{
    return i < STREAM_CNT ? streams[i].kinds : 0;
}

static const struct pw_venue_market spot_market = {
    .stream = stream,
    .stream_kinds = stream_kinds,
    .untimed_kinds = PW_KIND_BIT(QUOTE),
    .target = pw_binance_stream_target,
    .decode = pw_binance_events,
    .book_rule = PW_BOOK_FIRST_ID,
    .snapshot_target = pw_binance_depth_target,
    .snapshot_weight = pw_binance_depth_weight,
    .snapshot_decode = pw_binance_depth_events,
};

static const struct pw_venue_market usdm_market = {
    .stream = stream,
    .stream_kinds = stream_kinds,
    .target = pw_binance_stream_target,
    .decode = pw_binance_events,
    .book_rule = PW_BOOK_PREV_ID,
};

static const struct pw_venue_rest spot_rest = {
    .instruments_target = pw_binance_exchange_info_target,
    .instruments = pw_binance_instruments,
    .instruments_weight = 20,
    .price_target = pw_binance_price_target,
    .price = pw_binance_price,
    .price_weight = 2,
    .weight_per_minute = 3000, /* half of the venue's 6000: the rest is for the user's other programs */
};

const struct pw_venue pw_venue_binance_spot = {
    .name = "binance_spot", .market = &spot_market, .rest = &spot_rest, .entry = &pw_binance_entry};

const struct pw_venue pw_venue_binance_usdm = {.name = "binance_usdm", .market = &usdm_market};
