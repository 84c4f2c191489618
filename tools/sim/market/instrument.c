/* SPDX-License-Identifier: MIT
 *
 * When what is published: see instrument.h. What it says: market_messages.h.
 *
 * Nothing is written that nobody listens to, and nothing is written twice: once in milliseconds, once in
 * microseconds if somebody asked for those.
 */
#include "instrument.h"

#include "market_messages.h"
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_TICKS   10u
#define CHANGES_MAX    8192u /* levels in one depth update; more go out in several */
#define ORDERS_A_LEVEL 8u

/* ---- publishing ---- */

/* Writes a message in the units that its subscribers want, and publishes it. */
static void publish(struct pw_sim_instrument *instrument, uint32_t stream_idx,
                    void (*writer)(const struct pw_sim_draft *draft), const void *subject)
{
    struct pw_sim_synthetic *owner = instrument->owner;
    const struct pw_sim_stream *stream = pw_sim_hub_stream(owner->hub, stream_idx);
    struct pw_sim_draft draft = {.instrument = instrument, .subject = subject};
    struct pw_sim_message message = {0};

    pw_buffer_clear(&owner->millisecond);
    pw_buffer_clear(&owner->microsecond);
    if (stream->subscriber_cnt > stream->microsecond_cnt) {
        draft.out = &owner->millisecond;
        writer(&draft);
    }
    if (stream->microsecond_cnt) {
        draft.out = &owner->microsecond;
        draft.microsecond = true;
        writer(&draft);
    }
    message.data = (struct pw_slice){owner->millisecond.data, owner->millisecond.size};
    message.data_microsecond = (struct pw_slice){owner->microsecond.data, owner->microsecond.size};
    if (!owner->millisecond.failed && !owner->microsecond.failed) {
        pw_sim_hub_publish(owner->hub, stream_idx, &message);
    }
}

static bool is_heard(const struct pw_sim_instrument *instrument, uint32_t stream_idx)
{
    return pw_sim_hub_stream(instrument->owner->hub, stream_idx)->subscriber_cnt > 0;
}

/* ---- trades and quotes: published as they happen ---- */

static void aggregate_end(struct pw_sim_instrument *instrument)
{
    if (instrument->pending.agg_id &&
        is_heard(instrument, instrument->event_streams[PW_SIM_STREAM_AGG_TRADE])) {
        publish(instrument, instrument->event_streams[PW_SIM_STREAM_AGG_TRADE], pw_sim_write_aggregate,
                &instrument->pending);
    }
    instrument->pending.agg_id = 0;
}

static void on_trade(struct pw_sim_instrument *instrument, const struct pw_matching_result *matched)
{
    struct pw_sim_tape_trade trade = {.price_e8 = matched->trade.price_e8,
                                      .qty_e8 = matched->trade.qty_e8,
                                      .time_ns = instrument->now_ns,
                                      .trade_id = matched->trade.trade_id,
                                      .buyer_maker = matched->side == PW_SELL};

    pw_sim_tape_add(instrument->symbol->tape, trade);
    trade.agg_id = pw_sim_tape_last(instrument->symbol->tape)->agg_id;
    if (is_heard(instrument, instrument->event_streams[PW_SIM_STREAM_TRADE])) {
        publish(instrument, instrument->event_streams[PW_SIM_STREAM_TRADE], pw_sim_write_trade, &trade);
    }
    if (instrument->pending.agg_id == trade.agg_id) {
        instrument->pending.qty_e8 += trade.qty_e8;
        instrument->pending.trade_id = trade.trade_id;
        return;
    }
    aggregate_end(instrument);
    instrument->pending = trade;
    instrument->pending_first_id = trade.trade_id;
}

struct pw_quote pw_sim_instrument_quote(const struct pw_sim_instrument *instrument)
{
    const struct pw_matching_level *bid = pw_matching_best(instrument->matching, PW_BUY);
    const struct pw_matching_level *ask = pw_matching_best(instrument->matching, PW_SELL);

    return (struct pw_quote){.bid_price_e8 = bid ? bid->price_e8 : 0,
                             .bid_qty_e8 = bid ? bid->qty_e8 : 0,
                             .ask_price_e8 = ask ? ask->price_e8 : 0,
                             .ask_qty_e8 = ask ? ask->qty_e8 : 0,
                             .update_id = instrument->matching->last_update_id};
}

static void quote_check(struct pw_sim_instrument *instrument)
{
    struct pw_quote quote = pw_sim_instrument_quote(instrument), *last = &instrument->quote;

    if (quote.bid_price_e8 == last->bid_price_e8 && quote.bid_qty_e8 == last->bid_qty_e8 &&
        quote.ask_price_e8 == last->ask_price_e8 && quote.ask_qty_e8 == last->ask_qty_e8) {
        return;
    }
    *last = quote;
    if (is_heard(instrument, instrument->event_streams[PW_SIM_STREAM_QUOTE])) {
        publish(instrument, instrument->event_streams[PW_SIM_STREAM_QUOTE], pw_sim_write_quote, last);
    }
}

/* ---- depth updates ---- */

static void changes_publish(struct pw_sim_instrument *instrument, struct pw_sim_changes *changes,
                            uint32_t stream_idx)
{
    if (changes->cnt && is_heard(instrument, stream_idx)) {
        qsort(changes->list, changes->cnt, sizeof *changes->list, pw_sim_change_order);
        publish(instrument, stream_idx, pw_sim_write_changes, changes);
    }
    changes->cnt = 0;
    changes->first_update_id = instrument->matching->last_update_id + 1;
}

/* ---- candles ---- */

static const char *const g_intervals[PW_SIM_KLINES] = {"1s", "1m", "3m", "5m",  "15m", "30m", "1h", "2h",
                                                       "4h", "6h", "8h", "12h", "1d",  "3d",  "1w", "1M"};

/* The candle under way, and before it the one that has ended since. */
static void candle_publish(struct pw_sim_instrument *instrument, uint32_t stream_idx, uint32_t which)
{
    struct pw_sim_draft_candle subject = {.interval = g_intervals[which]};
    const struct pw_sim_tape *tape = instrument->symbol->tape;
    int64_t *last_ns = &instrument->kline_open_ns[which], open_ns, span_ns;

    pw_sim_tape_bucket(subject.interval, instrument->now_ns, &open_ns, &span_ns);
    if (*last_ns && *last_ns != open_ns) {
        int64_t ended_ns, ended_span_ns;
        pw_sim_tape_bucket(subject.interval, open_ns - 1, &ended_ns, &ended_span_ns);
        subject.candle = pw_sim_tape_candle(tape, ended_ns, ended_span_ns);
        subject.closed = true;
        publish(instrument, stream_idx, pw_sim_write_candle, &subject);
    }
    subject.candle = pw_sim_tape_candle(tape, open_ns, span_ns);
    subject.closed = false;
    publish(instrument, stream_idx, pw_sim_write_candle, &subject);
    *last_ns = open_ns;
}

/* ---- what comes every so many ticks ---- */

/* Streams that come every so many ticks. kline_* follow behind them, in the order of g_intervals. */
static const struct periodic {
    const char *name;
    uint32_t ticks;
    void (*writer)(
        const struct pw_sim_draft *draft); /* NULL: the depth updates, which have a function of their own */
    uint32_t depth;
} g_periodic[] = {
    {"depth@100ms", 1, NULL, PW_SIM_DEPTH_FAST},
    {"depth", SECOND_TICKS, NULL, PW_SIM_DEPTH_SLOW},
    {"depth5@100ms", 1, pw_sim_write_book_5, 0},
    {"depth10@100ms", 1, pw_sim_write_book_10, 0},
    {"depth20@100ms", 1, pw_sim_write_book_20, 0},
    {"depth5", SECOND_TICKS, pw_sim_write_book_5, 0},
    {"depth10", SECOND_TICKS, pw_sim_write_book_10, 0},
    {"depth20", SECOND_TICKS, pw_sim_write_book_20, 0},
    {"miniTicker", SECOND_TICKS, pw_sim_write_mini_ticker, 0},
    {"ticker", SECOND_TICKS, pw_sim_write_ticker, 0},
    {"avgPrice", SECOND_TICKS, pw_sim_write_average, 0},
};
#define PERIODIC_CNT (uint32_t)(sizeof g_periodic / sizeof *g_periodic)
static_assert(sizeof g_periodic / sizeof *g_periodic + PW_SIM_KLINES <= PW_SIM_PERIODIC_MAX,
              "room for all periodic streams");

static void on_level(struct pw_sim_instrument *instrument, enum pw_side side, int64_t price_e8)
{
    for (uint32_t i = 0; i < PW_SIM_DEPTH_STREAMS; i++) {
        struct pw_sim_changes *changes = &instrument->changes[i];
        changes->list[changes->cnt++] = (struct pw_sim_change){price_e8, side};
        if (changes->cnt == CHANGES_MAX) {
            changes_publish(instrument, changes, instrument->periodic_streams[i]);
        }
    }
}

static void on_result(void *state, const struct pw_matching_result *result)
{
    struct pw_sim_instrument *instrument = state;
    const struct pw_sim_match_listener *listener = &instrument->owner->listener;

    if (result->kind == PW_MATCHING_LEVEL) {
        on_level(instrument, result->side, result->level.price_e8);
        return;
    }
    if (listener->result) {
        listener->result(listener->state, instrument->symbol, result, instrument->now_ns);
    }
    if (result->kind == PW_MATCHING_TRADE) {
        on_trade(instrument, result);
    }
}

static void periodic_publish(struct pw_sim_instrument *instrument, uint32_t i)
{
    uint32_t stream_idx = instrument->periodic_streams[i];

    if (!g_periodic[i].writer) {
        changes_publish(instrument, &instrument->changes[g_periodic[i].depth], stream_idx);
    } else if (is_heard(instrument, stream_idx)) {
        publish(instrument, stream_idx, g_periodic[i].writer, NULL);
    }
}

static void klines_publish(struct pw_sim_instrument *instrument)
{
    for (uint32_t i = 0; i < PW_SIM_KLINES; i++) {
        uint32_t stream_idx = instrument->periodic_streams[PERIODIC_CNT + i];
        uint32_t ticks = i == 0 ? SECOND_TICKS : 2 * SECOND_TICKS;
        if (instrument->tick_cnt % ticks == 0 && is_heard(instrument, stream_idx)) {
            candle_publish(instrument, stream_idx, i);
        }
    }
}

static void instrument_tick(struct pw_sim_instrument *instrument)
{
    struct pw_sim_synthetic *owner = instrument->owner;

    instrument->now_ns = instrument->next_tick_ns;
    instrument->next_tick_ns += PW_SIM_TICK_NS;
    instrument->tick_cnt++;
    for (uint32_t i = 0; i < PERIODIC_CNT; i++) {
        if (instrument->tick_cnt % g_periodic[i].ticks == 0) {
            periodic_publish(instrument, i);
        }
    }
    if (instrument->tick_cnt % SECOND_TICKS) {
        return;
    }
    klines_publish(instrument);
    if (instrument == owner->instruments && is_heard(instrument, owner->all_tickers_stream)) {
        publish(instrument, owner->all_tickers_stream, pw_sim_write_all_tickers, NULL);
    }
}

/* ---- time ---- */

int64_t pw_sim_instrument_next_ns(const struct pw_sim_instrument *instrument)
{
    return instrument->traders.next_ns < instrument->next_tick_ns ? instrument->traders.next_ns
                                                                  : instrument->next_tick_ns;
}

void pw_sim_instrument_publish(struct pw_sim_instrument *instrument)
{
    aggregate_end(instrument);
    quote_check(instrument);
}

void pw_sim_instrument_step(struct pw_sim_instrument *instrument)
{
    const struct pw_sim_match_listener *listener = &instrument->owner->listener;

    if (instrument->next_tick_ns <= instrument->traders.next_ns) {
        instrument_tick(instrument);
        return;
    }
    instrument->now_ns = instrument->traders.next_ns;
    pw_sim_traders_act(&instrument->traders);
    pw_sim_instrument_publish(instrument);
    if (listener->acted) {
        listener->acted(listener->state, instrument->symbol, instrument->matching);
    }
}

void pw_sim_instrument_leap(struct pw_sim_instrument *instrument, int64_t by_ns)
{
    instrument->next_tick_ns += by_ns;
    pw_sim_traders_leap(&instrument->traders, by_ns);
}

/* ---- making it ---- */

/* The stream "<symbol in lower case>@<name>"; false: no room for it. */
static bool stream_make(struct pw_sim_instrument *instrument, const char *name, uint32_t *stream_idx)
{
    char text[PW_SIM_STREAM_BYTES + PW_SIM_SYMBOL_BYTES];
    int size = snprintf(text, sizeof text, "%s@%s", instrument->symbol->name, name);

    for (char *c = text; *c != '@'; c++) {
        *c = pw_sim_lower(*c);
    }
    *stream_idx = pw_sim_hub_add(instrument->owner->hub, (struct pw_slice){text, (size_t)size});
    return *stream_idx != PW_SIM_NO_STREAM;
}

static bool streams_make(struct pw_sim_instrument *instrument)
{
    static const char *const events[PW_SIM_EVENT_STREAMS] = {"trade", "aggTrade", "bookTicker"};
    char name[16];
    bool good = true;

    for (uint32_t i = 0; i < PW_SIM_EVENT_STREAMS; i++) {
        good &= stream_make(instrument, events[i], &instrument->event_streams[i]);
    }
    for (uint32_t i = 0; i < PERIODIC_CNT; i++) {
        good &= stream_make(instrument, g_periodic[i].name, &instrument->periodic_streams[i]);
    }
    for (uint32_t i = 0; i < PW_SIM_KLINES; i++) {
        snprintf(name, sizeof name, "kline_%s", g_intervals[i]);
        good &= stream_make(instrument, name, &instrument->periodic_streams[PERIODIC_CNT + i]);
    }
    return good;
}

static bool matching_make(struct pw_sim_instrument *instrument, uint32_t order_max)
{
    size_t bytes = pw_matching_bytes(order_max);
    void *memory = bytes ? aligned_alloc(64, bytes) : NULL;

    if (memory) {
        memset(memory, 0, bytes);
        instrument->matching = pw_matching_init(memory, order_max, instrument->owner->first_id);
    }
    return memory != NULL;
}

/* Without a reference price nothing is enforced. */
static void ranges_set(struct pw_matching *matching, const struct pw_sim_price_rules *rules)
{
    for (int side = 0; side < 2; side++) {
        pw_i128 low_e16 = (pw_i128)rules->reference_e8 * rules->range[side].down_e8;
        pw_i128 high_e16 = (pw_i128)rules->reference_e8 * rules->range[side].up_e8;
        matching->ranges[side] =
            (struct pw_matching_range){(int64_t)((low_e16 + PW_E8 - 1) / PW_E8), (int64_t)(high_e16 / PW_E8)};
    }
}

bool pw_sim_instrument_make(struct pw_sim_instrument *instrument,
                            const struct pw_sim_instrument_config *config, uint64_t seed, int64_t start_ns)
{
    struct pw_sim_symbol *symbol = instrument->symbol;
    struct pw_slice name = {config->symbol, strlen(config->symbol)};
    /* So that an instrument's market does not depend on its place in the list. */
    uint64_t own_seed = pw_sim_name_hash(name, PW_SIM_HASH_BASIS ^ seed * UINT64_C(0x9e3779b97f4a7c15));

    snprintf(symbol->name, sizeof symbol->name, "%s", config->symbol);
    pw_sim_symbol_split(symbol);
    symbol->tick_e8 = config->tick_e8;
    symbol->step_e8 = config->step_e8;
    symbol->rules = config->rules;
    symbol->tape = calloc(1, sizeof *symbol->tape);
    for (uint32_t i = 0; i < PW_SIM_DEPTH_STREAMS; i++) {
        instrument->changes[i].list = calloc(CHANGES_MAX, sizeof *instrument->changes[i].list);
        if (!instrument->changes[i].list) {
            return false;
        }
    }
    if (!symbol->tape || !streams_make(instrument) ||
        !matching_make(instrument, config->levels * 2 * ORDERS_A_LEVEL)) {
        return false;
    }
    instrument->now_ns = start_ns;
    ranges_set(instrument->matching, &symbol->rules);
    pw_sim_traders_init(&instrument->traders, config, instrument->matching, own_seed, start_ns);
    instrument->matching->on_result = on_result; /* of the first orders nobody hears */
    instrument->matching->state = instrument;
    for (uint32_t i = 0; i < PW_SIM_DEPTH_STREAMS; i++) {
        instrument->changes[i].first_update_id = instrument->matching->last_update_id + 1;
    }
    instrument->quote = pw_sim_instrument_quote(instrument);
    /* Instruments do not all speak at the same moment. */
    instrument->next_tick_ns = start_ns + PW_SIM_TICK_NS + (int64_t)(own_seed % (uint64_t)PW_SIM_TICK_NS);
    return true;
}

void pw_sim_instrument_fini(struct pw_sim_instrument *instrument)
{
    free(instrument->matching);
    for (uint32_t i = 0; i < PW_SIM_DEPTH_STREAMS; i++) {
        free(instrument->changes[i].list);
    }
}
