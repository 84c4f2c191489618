/* SPDX-License-Identifier: MIT
 *
 * From a decoded Binance message to events.
 */
#include "binance_events.h"

#include "binance_decode.h"
#include <string.h>

static struct pw_event *put(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                            uint16_t instrument_idx, enum pw_event_kind kind)
{
    struct pw_event *event = &out->events[out->cnt++];
    *event = (struct pw_event){.instrument_idx = instrument_idx,
                               .kind = (uint8_t)kind,
                               .flags = msg->capped ? PW_FLAG_CAPPED : 0,
                               .recv_ns = out->recv_ns,
                               .venue_ns = msg->venue_ns};
    return event;
}

static enum pw_decode put_trade(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                                uint16_t instrument_idx)
{
    const struct pw_binance_trade *trade = &msg->body.trade;
    struct pw_event *event = put(out, msg, instrument_idx, PW_EVENT_TRADE);
    event->flags |= trade->sell ? PW_FLAG_SELL : 0;
    event->body.trade = (struct pw_trade){.price_e8 = trade->price_e8,
                                          .qty_e8 = trade->qty_e8,
                                          .trade_id = trade->trade_id,
                                          .trade_ns = trade->trade_ns};
    return PW_DECODE_OK;
}

static enum pw_decode put_agg_trade(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                                    uint16_t instrument_idx)
{
    const struct pw_binance_agg_trade *agg = &msg->body.agg_trade;
    uint64_t trade_cnt = agg->last_trade_id - agg->first_trade_id + 1;
    int64_t offset_us = (msg->venue_ns - agg->trade_ns) / 1000;
    if (trade_cnt == 0 || trade_cnt > UINT32_MAX || offset_us != (int32_t)offset_us) {
        return PW_DECODE_BAD_NUMBER;
    }
    struct pw_event *event = put(out, msg, instrument_idx, PW_EVENT_AGG_TRADE);
    event->flags |= agg->sell ? PW_FLAG_SELL : 0;
    event->body.agg_trade = (struct pw_agg_trade){.price_e8 = agg->price_e8,
                                                  .qty_e8 = agg->qty_e8,
                                                  .agg_id = agg->agg_id,
                                                  .first_trade_id = agg->first_trade_id,
                                                  .trade_cnt = (uint32_t)trade_cnt,
                                                  .match_offset_us = (int32_t)offset_us};
    return PW_DECODE_OK;
}

static enum pw_decode put_quote(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                                uint16_t instrument_idx)
{
    put(out, msg, instrument_idx, PW_EVENT_QUOTE)->body.quote = msg->body.book_ticker.quote;
    return PW_DECODE_OK;
}

static void put_levels(struct pw_venue_out *out, const struct pw_binance_msg *msg, uint16_t instrument_idx,
                       const struct pw_binance_list *side, uint8_t side_flag)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_level level;
    for (uint32_t i = 0; pw_binance_level_next(&cursor, side, &level); i++) {
        if (i % 2 == 0) {
            struct pw_event *event = put(out, msg, instrument_idx, PW_EVENT_LEVELS);
            event->flags = side_flag;
            event->body.levels.level[0] = level;
            event->body.levels.update_id = msg->body.depth.last_id;
        } else {
            out->events[out->cnt - 1].flags |= PW_FLAG_PAIR;
            out->events[out->cnt - 1].body.levels.level[1] = level;
        }
        out->events[out->cnt - 1].flags |= cursor.capped ? PW_FLAG_CAPPED : 0;
    }
}

enum pw_decode pw_binance_put_depth(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                                    uint16_t instrument_idx)
{
    const struct pw_binance_depth *depth = &msg->body.depth;
    uint64_t event_cnt = 1 + ((uint64_t)depth->bids.cnt + 1) / 2 + ((uint64_t)depth->asks.cnt + 1) / 2;
    if (event_cnt > out->cap - out->cnt) {
        return PW_DECODE_TOO_LARGE;
    }
    struct pw_event *event = put(out, msg, instrument_idx, PW_EVENT_DEPTH);
    event->flags |= depth->bids.has_passed_over || depth->asks.has_passed_over ? PW_FLAG_CAPPED : 0;
    event->body.depth = (struct pw_depth){.first_update_id = depth->first_id,
                                          .last_update_id = depth->last_id,
                                          .prev_update_id = depth->prev_last_id,
                                          .bid_cnt = depth->bids.cnt,
                                          .ask_cnt = depth->asks.cnt};
    put_levels(out, msg, instrument_idx, &depth->bids, 0);
    put_levels(out, msg, instrument_idx, &depth->asks, PW_FLAG_SELL);
    out->events[out->cnt - 1].flags |= PW_FLAG_LAST;
    return PW_DECODE_OK;
}

static enum pw_decode put_kline(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                                uint16_t instrument_idx)
{
    const struct pw_binance_kline *kline = &msg->body.kline;
    struct pw_event *candle = put(out, msg, instrument_idx, PW_EVENT_CANDLE);
    candle->flags |= kline->closed ? PW_FLAG_CLOSED : 0;
    candle->body.candle = (struct pw_candle){.open_e8 = kline->open_e8,
                                             .high_e8 = kline->high_e8,
                                             .low_e8 = kline->low_e8,
                                             .close_e8 = kline->close_e8,
                                             .volume_e8 = kline->volume_e8};
    struct pw_event *info = put(out, msg, instrument_idx, PW_EVENT_CANDLE_INFO);
    info->flags = kline->quote_volume_capped ? PW_FLAG_CAPPED : 0;
    info->body.candle_info = (struct pw_candle_info){.open_ns = kline->open_ns,
                                                     .quote_volume_e8 = kline->quote_volume_e8,
                                                     .first_trade_id = kline->first_trade_id,
                                                     .last_trade_id = kline->last_trade_id,
                                                     .trade_cnt = kline->trade_cnt,
                                                     .interval_s = kline->interval_s};
    return PW_DECODE_OK;
}

/* The kinds that become events; all others are ignored. */
static const struct {
    uint32_t events_min;
    enum pw_decode (*put)(struct pw_venue_out *out, const struct pw_binance_msg *msg,
                          uint16_t instrument_idx);
} writers[] = {
    [PW_BINANCE_TRADE] = {1, put_trade},       [PW_BINANCE_AGG_TRADE] = {1, put_agg_trade},
    [PW_BINANCE_BOOK_TICKER] = {1, put_quote}, [PW_BINANCE_DEPTH] = {1, pw_binance_put_depth},
    [PW_BINANCE_KLINE] = {2, put_kline},
};

enum pw_decode pw_binance_events_general(const struct pw_symbols *symbols, const char *data, size_t size,
                                         struct pw_venue_out *out)
{
    struct pw_binance_msg msg;
    out->cnt = 0;
    enum pw_decode result = pw_binance_decode_ours(symbols, data, size, &msg);
    if (result != PW_DECODE_OK) {
        return result;
    }
    if (msg.kind >= sizeof writers / sizeof writers[0] || writers[msg.kind].put == NULL) {
        return PW_DECODE_IGNORED;
    }
    if (writers[msg.kind].events_min > out->cap) {
        return PW_DECODE_TOO_LARGE;
    }
    return writers[msg.kind].put(out, &msg, msg.known.instrument_idx);
}

enum pw_decode pw_binance_events(const struct pw_symbols *symbols, const char *data, size_t size,
                                 struct pw_venue_out *out)
{
    if (pw_binance_events_fast(symbols, data, size, out)) {
        return PW_DECODE_OK;
    }
    return pw_binance_events_general(symbols, data, size, out);
}
