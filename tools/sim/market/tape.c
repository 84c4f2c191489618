/* SPDX-License-Identifier: MIT
 *
 * Trades into candles: see tape.h.
 */
#include "tape.h"

#include <pinwheel/units.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MINUTE_NS (60 * PW_NS_PER_S)
#define DAY_NS    (1440 * MINUTE_NS)

static int64_t floor_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;

    return value - (rest < 0 ? rest + step : rest);
}

static void candle_add(struct pw_sim_tape_candle *candle, const struct pw_sim_tape_trade *trade)
{
    pw_i128 quote_e16 = (pw_i128)trade->price_e8 * trade->qty_e8;

    if (!candle->trade_cnt) {
        candle->open_e8 = candle->high_e8 = candle->low_e8 = trade->price_e8;
        candle->first_trade_id = (int64_t)trade->trade_id;
    }
    candle->high_e8 = trade->price_e8 > candle->high_e8 ? trade->price_e8 : candle->high_e8;
    candle->low_e8 = trade->price_e8 < candle->low_e8 ? trade->price_e8 : candle->low_e8;
    candle->close_e8 = trade->price_e8;
    candle->last_trade_id = (int64_t)trade->trade_id;
    candle->volume_e8 += trade->qty_e8;
    candle->quote_e16 += quote_e16;
    if (!trade->buyer_maker) {
        candle->taker_volume_e8 += trade->qty_e8;
        candle->taker_quote_e16 += quote_e16;
    }
    candle->trade_cnt++;
}

/* A ring of candles of one span; only spans with trades have one. */
struct ring {
    struct pw_sim_tape_candle *candles;
    uint64_t *cnt;
    uint64_t capacity;
    int64_t span_ns;
};

static void ring_add(struct ring ring, const struct pw_sim_tape_trade *trade)
{
    int64_t open_ns = floor_to(trade->time_ns, ring.span_ns);
    struct pw_sim_tape_candle *last = *ring.cnt ? &ring.candles[(*ring.cnt - 1) % ring.capacity] : NULL;

    if (!last || open_ns > last->open_ns) { /* a late trade goes to the latest: time does not go back here */
        last = &ring.candles[(*ring.cnt)++ % ring.capacity];
        *last = (struct pw_sim_tape_candle){.open_ns = open_ns, .span_ns = ring.span_ns};
    }
    candle_add(last, trade);
}

void pw_sim_tape_add(struct pw_sim_tape *tape, struct pw_sim_tape_trade trade)
{
    const struct pw_sim_tape_trade *last = pw_sim_tape_last(tape);
    bool same = last && last->time_ns == trade.time_ns && last->price_e8 == trade.price_e8 &&
                last->buyer_maker == trade.buyer_maker;

    trade.agg_id = last ? last->agg_id + !same : 1;
    tape->trades[tape->trade_cnt++ % PW_SIM_TAPE_TRADES] = trade;
    ring_add((struct ring){tape->seconds, &tape->second_cnt, PW_SIM_TAPE_SECONDS, PW_NS_PER_S}, &trade);
    ring_add((struct ring){tape->minutes, &tape->minute_cnt, PW_SIM_TAPE_MINUTES, MINUTE_NS}, &trade);
}

const struct pw_sim_tape_trade *pw_sim_tape_back(const struct pw_sim_tape *tape, uint64_t back)
{
    if (back >= tape->trade_cnt || back >= PW_SIM_TAPE_TRADES) {
        return NULL;
    }
    return &tape->trades[(tape->trade_cnt - 1 - back) % PW_SIM_TAPE_TRADES];
}

const struct pw_sim_tape_trade *pw_sim_tape_last(const struct pw_sim_tape *tape)
{
    return pw_sim_tape_back(tape, 0);
}

static void candle_merge(struct pw_sim_tape_candle *sum, const struct pw_sim_tape_candle *part)
{
    if (!sum->trade_cnt) {
        sum->open_e8 = part->open_e8;
        sum->high_e8 = part->high_e8;
        sum->low_e8 = part->low_e8;
        sum->first_trade_id = part->first_trade_id;
    }
    sum->high_e8 = part->high_e8 > sum->high_e8 ? part->high_e8 : sum->high_e8;
    sum->low_e8 = part->low_e8 < sum->low_e8 ? part->low_e8 : sum->low_e8;
    sum->close_e8 = part->close_e8;
    sum->last_trade_id = part->last_trade_id;
    sum->volume_e8 += part->volume_e8;
    sum->taker_volume_e8 += part->taker_volume_e8;
    sum->quote_e16 += part->quote_e16;
    sum->taker_quote_e16 += part->taker_quote_e16;
    sum->trade_cnt += part->trade_cnt;
}

struct pw_sim_tape_candle pw_sim_tape_candle(const struct pw_sim_tape *tape, int64_t open_ns, int64_t span_ns)
{
    struct pw_sim_tape_candle sum = {
        .open_ns = open_ns, .span_ns = span_ns, .first_trade_id = -1, .last_trade_id = -1};
    bool fine = span_ns < MINUTE_NS;
    const struct pw_sim_tape_candle *candles = fine ? tape->seconds : tape->minutes;
    uint64_t cnt = fine ? tape->second_cnt : tape->minute_cnt,
             capacity = fine ? PW_SIM_TAPE_SECONDS : PW_SIM_TAPE_MINUTES;
    uint64_t i = cnt;
    int64_t before_e8 = 0;

    while (i > 0 && cnt - i < capacity && candles[(i - 1) % capacity].open_ns >= open_ns) {
        i--;
    }
    if (i > 0 && cnt - i < capacity) {
        before_e8 = candles[(i - 1) % capacity].close_e8;
    }
    for (; i < cnt && candles[i % capacity].open_ns < open_ns + span_ns; i++) {
        candle_merge(&sum, &candles[i % capacity]);
    }
    if (!sum.trade_cnt) {
        sum.open_e8 = sum.high_e8 = sum.low_e8 = sum.close_e8 = before_e8;
    }
    return sum;
}

struct pw_sim_tape_candle pw_sim_tape_day(const struct pw_sim_tape *tape, int64_t now_ns)
{
    return pw_sim_tape_candle(tape, floor_to(now_ns, MINUTE_NS) + MINUTE_NS - DAY_NS, DAY_NS);
}

/* The first of the month that holds time_ns, or of the next one. */
static int64_t month_ns(int64_t time_ns, int months_later)
{
    time_t seconds = (time_t)(time_ns / PW_NS_PER_S);
    struct tm date;

    gmtime_r(&seconds, &date);
    date.tm_mday = 1;
    date.tm_hour = date.tm_min = date.tm_sec = 0;
    date.tm_mon += months_later;
    return (int64_t)timegm(&date) * PW_NS_PER_S;
}

bool pw_sim_tape_bucket(const char *interval, int64_t time_ns, int64_t *open_ns, int64_t *span_ns)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } spans[] = {{"1s", 1},     {"1m", 60},     {"3m", 180},   {"5m", 300},   {"15m", 900},
                 {"30m", 1800}, {"1h", 3600},   {"2h", 7200},  {"4h", 14400}, {"6h", 21600},
                 {"8h", 28800}, {"12h", 43200}, {"1d", 86400}, {"3d", 259200}};

    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        if (strcmp(interval, spans[i].name) == 0) {
            *span_ns = spans[i].seconds * PW_NS_PER_S;
            *open_ns = floor_to(time_ns, *span_ns);
            return true;
        }
    }
    if (strcmp(interval, "1w") == 0) {
        *span_ns = 7 * DAY_NS;
        *open_ns = floor_to(time_ns - 4 * DAY_NS, *span_ns) + 4 * DAY_NS; /* the epoch was a Thursday */
        return true;
    }
    if (strcmp(interval, "1M") == 0) {
        *open_ns = month_ns(time_ns, 0);
        *span_ns = month_ns(time_ns, 1) - *open_ns;
        return true;
    }
    return false;
}
