/* SPDX-License-Identifier: MIT
 *
 * The forms of a journal's records. Each is written once, as a function that either writes the fields of an
 * event or reads them, by the constant `decode`: so the two directions cannot come to differ. What they share
 * and learn from is `struct codec`, which both change alike. For codec.c alone.
 */
#ifndef PW_FORMS_H
#define PW_FORMS_H

#include "bits.h"
#include "codec.h"
#include "pw_assert.h"
#include <pinwheel/hops.h>

/* The compiler makes the two directions of it. */
#define BOTH_WAYS static inline __attribute__((always_inline))

#define NONE         UINT16_MAX
#define TABLE_SLOTS  (2 * PW_CHANNELS_MAX) /* of the two hash tables: never more than half full */
#define EXPONENT_MAX 15u
#define SOURCE_CNT   4u
#define ODD_MAX      2u /* values of a smaller unit that are taken for exceptions */

/* How the events of a kind are coded when nothing is odd about them. */
enum form { FORM_PLAIN, FORM_QUOTE, FORM_TRADE, FORM_AGG_TRADE, FORM_DEPTH };

#define HOP_CNT 8u /* times in a STAMPS event, all hops but the origin: part of the format */
static_assert(HOP_CNT == PW_HOPS_STAMPED - 1, "the event has them all");

/* Places of numbers in a channel; the last six mean different things in different forms. */
enum place {
    PLACE_VENUE,
    PLACE_SEQ,
    PLACE_WORDS,
    PLACE_FORM = PLACE_WORDS + 5,
    QUOTE_PRICE = PLACE_FORM,
    QUOTE_QTY,
    QUOTE_QTY_MOVED,
    QUOTE_ID,
    TRADE_PRICE = PLACE_FORM,
    TRADE_QTY,
    TRADE_ID,
    TRADE_OFFSET,
    TRADE_FIRST,
    TRADE_CNT,
    DEPTH_FIRST = PLACE_FORM,
    DEPTH_SPAN,
    DEPTH_BIDS,
    DEPTH_ASKS,
    PLACE_CNT = PLACE_FORM + 6,
    PLACE_HOPS = PLACE_WORDS + 1, /* of STAMPS: they are its words but the first */
};

static_assert(PLACE_HOPS + HOP_CNT <= PLACE_CNT, "the hops have places");

/* What usual lengths begin with, in bits: rough figures of liquid pairs; the code corrects them within a few
 * events. */
static const uint8_t form_lengths[][6] = {
    [FORM_PLAIN] = {0},           [FORM_QUOTE] = {7, 16, 15, 4},
    [FORM_TRADE] = {2, 12, 0, 3}, [FORM_AGG_TRADE] = {2, 12, 0, 3, 0, 1},
    [FORM_DEPTH] = {0, 6, 5, 5},
};
#define LENGTH_VENUE       4u
#define LENGTH_SEQ         0u
#define LENGTH_WORD        12u
#define LENGTH_RECV        20u
#define LENGTH_LEVEL_FIRST 3u
#define LENGTH_LEVEL_STEP  7u
#define LENGTH_LEVEL_QTY   14u

/* The decimal unit, a power of ten, in which a kind of number is coded. */
struct unit {
    uint8_t exponent;
    uint8_t odd_cnt; /* values that needed a smaller one since it was set */
};

struct channel {
    struct pw_event last; /* zero before the first */
    uint32_t key;
    uint16_t next; /* the channel that came after it last time */
    uint16_t instrument_slot;
    uint8_t form;       /* enum form */
    uint8_t recv_group; /* its row and column in codec.recv */
    bool has_venue;     /* its events say when the venue sent them */
    struct pw_usual usual[PLACE_CNT];
};

struct instrument {
    int64_t best_e8[2];  /* of the last quote, by side */
    int64_t first_e8[2]; /* first price of the last update, by side */
    int64_t price_e8;    /* of whatever came last */
    uint64_t update_id;
    uint16_t instrument_idx;
    struct unit price_unit, qty_unit;
    bool worst_first[2]; /* the side's levels came away from the best one last */
    struct pw_usual level_first, level_step, level_qty;
};

/* The levels of an update that are still to come. */
struct group {
    bool open;
    bool fresh;  /* no level of the side in question was seen in this block */
    bool rising; /* prices of this side go up */
    uint8_t flags;
    uint16_t instrument_slot, instrument_idx;
    uint32_t left[2];
    int64_t price_e8; /* of the level before */
    int64_t recv_ns, venue_ns;
    uint64_t update_id;
};

struct codec {
    struct pw_bits bits;
    uint64_t market_seq;       /* market events gone by */
    int64_t recv_ns, venue_ns; /* the last coded */
    uint32_t next_seq[SOURCE_CNT];
    uint32_t channel_cnt, instrument_cnt;
    uint16_t channel_idx; /* of the record before */
    struct unit time_unit, offset_unit;
    struct pw_usual recv[4][4]; /* by the groups of the record before and of this one */
    struct group group;
    uint16_t channel_table[TABLE_SLOTS], instrument_table[TABLE_SLOTS];
    struct channel channels[PW_CHANNELS_MAX];
    struct instrument instruments[PW_CHANNELS_MAX];
};

/* ---- numbers ---- */

static const uint64_t power_of_10[EXPONENT_MAX + 1] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
};

/* The inverse of 5^k modulo 2^64, and the greatest multiple of 5^k divided by it: a division without
 * dividing. */
static const struct {
    uint64_t inverse, most;
} power_of_5[EXPONENT_MAX + 1] = {
    {UINT64_C(0x0000000000000001), UINT64_MAX / 1},
    {UINT64_C(0xcccccccccccccccd), UINT64_MAX / 5},
    {UINT64_C(0x8f5c28f5c28f5c29), UINT64_MAX / 25},
    {UINT64_C(0x1cac083126e978d5), UINT64_MAX / 125},
    {UINT64_C(0xd288ce703afb7e91), UINT64_MAX / 625},
    {UINT64_C(0x5d4e8fb00bcbe61d), UINT64_MAX / 3125},
    {UINT64_C(0x790fb65668c26139), UINT64_MAX / 15625},
    {UINT64_C(0xe5032477ae8d46a5), UINT64_MAX / 78125},
    {UINT64_C(0xc767074b22e90e21), UINT64_MAX / 390625},
    {UINT64_C(0x8e47ce423a2e9c6d), UINT64_MAX / 1953125},
    {UINT64_C(0x4fa7f60d3ed61f49), UINT64_MAX / 9765625},
    {UINT64_C(0x0fee64690c913975), UINT64_MAX / 48828125},
    {UINT64_C(0x3662e0e1cf503eb1), UINT64_MAX / 244140625},
    {UINT64_C(0xa47a2cf9f6433fbd), UINT64_MAX / 1220703125},
    {UINT64_C(0x54186f653140a659), UINT64_MAX / 6103515625},
    {UINT64_C(0x7738164770402145), UINT64_MAX / 30517578125},
};

/* False if value is no multiple of 10^exponent, which is at most EXPONENT_MAX. */
static inline bool divide(uint64_t value, uint32_t exponent, uint64_t *quotient)
{
    exponent &= EXPONENT_MAX; /* for the compiler, which cannot know */
    uint64_t part = value * power_of_5[exponent].inverse;
    *quotient = part >> exponent;
    return part <= power_of_5[exponent].most && (part & ((UINT64_C(1) << exponent) - 1)) == 0;
}

BOTH_WAYS void code_bits(struct codec *c, bool decode, uint32_t n, uint64_t *value)
{
    if (decode) {
        *value = pw_bits_get(&c->bits, n);
    } else {
        pw_bits_put(&c->bits, *value, n);
    }
}

BOTH_WAYS void code_number(struct codec *c, bool decode, struct pw_usual *usual, uint64_t *value)
{
    if (!decode) {
        pw_bits_put_number(&c->bits, usual, *value);
    } else if (pw_bits_get_number(&c->bits, usual, value) != PW_ESCAPE_NONE) {
        c->bits.bad = true;
    }
}

/* *value as its step from `before`: upwards if it is usually so, else either way. */
BOTH_WAYS void code_step_up(struct codec *c, bool decode, struct pw_usual *usual, uint64_t before,
                            uint64_t *value)
{
    uint64_t step = decode ? 0 : *value - before;
    code_number(c, decode, usual, &step);
    *value = before + step;
}

BOTH_WAYS void code_step(struct codec *c, bool decode, struct pw_usual *usual, uint64_t before,
                         uint64_t *value)
{
    uint64_t step = decode ? 0 : pw_zigzag(*value - before);
    code_number(c, decode, usual, &step);
    *value = before + pw_unzigzag(step);
}

/* A value that needs a smaller unit than the usual one. The first few are taken for exceptions. */
static void unit_odd(struct unit *unit, uint8_t exponent)
{
    if (++unit->odd_cnt > ODD_MAX) {
        unit->exponent = exponent;
        unit->odd_cnt = 0;
    }
}

static uint64_t put_odd_unit(struct codec *c, uint64_t value, struct unit *unit)
{
    uint64_t quotient;
    uint8_t exponent = unit->exponent;
    while (!divide(value, exponent, &quotient)) {
        exponent--;
    }
    pw_bits_put_escape(&c->bits, PW_ESCAPE_EXPONENT);
    pw_bits_put(&c->bits, exponent, 4);
    unit_odd(unit, exponent);
    return quotient;
}

/* *step in units of a power of ten. False, when reading: a break stood there. */
BOTH_WAYS bool code_units(struct codec *c, bool decode, struct pw_usual *usual, struct unit *unit,
                          bool either_way, uint64_t *step)
{
    uint64_t units = 0;
    uint8_t exponent = unit->exponent;
    if (!decode) {
        bool negative = either_way && *step >> 63;
        uint64_t size = negative ? 0 - *step : *step;
        if (__builtin_expect(!divide(size, exponent, &units), 0)) {
            units = put_odd_unit(c, size, unit);
        }
        pw_bits_put_number(&c->bits, usual, either_way ? pw_zigzag(negative ? 0 - units : units) : units);
        return true;
    }
    enum pw_escape escape = pw_bits_get_number(&c->bits, usual, &units);
    if (__builtin_expect(escape == PW_ESCAPE_EXPONENT, 0)) {
        exponent = (uint8_t)pw_bits_get(&c->bits, 4);
        unit_odd(unit, exponent);
        escape = pw_bits_get_number(&c->bits, usual, &units);
        c->bits.bad |= escape != PW_ESCAPE_NONE;
    }
    *step = (either_way ? pw_unzigzag(units) : units) * power_of_10[exponent];
    return escape == PW_ESCAPE_NONE;
}

/* *value as its step from `before` in units; a break is an error here. */
BOTH_WAYS void code_scaled(struct codec *c, bool decode, struct pw_usual *usual, struct unit *unit,
                           int64_t before, int64_t *value)
{
    uint64_t step = decode ? 0 : (uint64_t)*value - (uint64_t)before;
    if (!code_units(c, decode, usual, unit, true, &step)) {
        c->bits.bad = true;
    }
    *value = (int64_t)((uint64_t)before + step);
}

/* ---- channels and instruments ---- */

static struct pw_usual usual_of(uint32_t length)
{
    return (struct pw_usual){.length = (uint16_t)(length << 8)};
}

static enum form form_of(unsigned kind)
{
    switch (kind) {
    case PW_EVENT_QUOTE:
        return FORM_QUOTE;
    case PW_EVENT_TRADE:
        return FORM_TRADE;
    case PW_EVENT_AGG_TRADE:
        return FORM_AGG_TRADE;
    case PW_EVENT_DEPTH:
        return FORM_DEPTH;
    default:
        return FORM_PLAIN;
    }
}

/* Times between events depend on what follows what. */
static uint8_t recv_group_of(enum form form)
{
    static const uint8_t groups[] = {
        [FORM_PLAIN] = 3, [FORM_QUOTE] = 0, [FORM_TRADE] = 1, [FORM_AGG_TRADE] = 1, [FORM_DEPTH] = 2};
    return groups[form];
}

/* Whose count `seq` is: parse's, strategy's, execution's, another's. */
static uint32_t source_of(unsigned kind)
{
    if (kind < PW_EVENT_TIME) {
        return 0;
    }
    if (kind == PW_EVENT_ORDER || kind == PW_EVENT_FILL ||
        (kind >= PW_EVENT_COMMAND && kind <= PW_EVENT_RISK_LIMITS)) {
        return 2;
    }
    return kind < PW_EVENT_FRAME ? 1 : 3;
}

static inline uint32_t key_of(unsigned kind, unsigned instrument_idx)
{
    return (uint32_t)kind << 16 | instrument_idx;
}

static inline uint32_t slot_of(uint32_t key)
{
    return key * UINT32_C(2654435761) >> 16 & (TABLE_SLOTS - 1);
}

/* Where the key stands in the table, or the free place for it. */
static uint16_t *channel_slot(struct codec *c, uint32_t key)
{
    uint32_t i = slot_of(key);
    while (c->channel_table[i] != NONE && c->channels[c->channel_table[i]].key != key) {
        i = (i + 1) & (TABLE_SLOTS - 1);
    }
    return &c->channel_table[i];
}

static uint16_t *instrument_slot(struct codec *c, uint16_t instrument_idx)
{
    uint32_t i = slot_of(instrument_idx);
    while (c->instrument_table[i] != NONE &&
           c->instruments[c->instrument_table[i]].instrument_idx != instrument_idx) {
        i = (i + 1) & (TABLE_SLOTS - 1);
    }
    return &c->instrument_table[i];
}

static struct instrument *instrument_add(struct codec *c, uint16_t instrument_idx, uint8_t price_exponent,
                                         uint8_t qty_exponent)
{
    pw_assert(c->instrument_cnt < PW_CHANNELS_MAX);
    *instrument_slot(c, instrument_idx) = (uint16_t)c->instrument_cnt;
    struct instrument *instrument = &c->instruments[c->instrument_cnt++];
    *instrument = (struct instrument){
        .instrument_idx = instrument_idx,
        .price_unit.exponent = price_exponent,
        .qty_unit.exponent = qty_exponent,
        .level_first = usual_of(LENGTH_LEVEL_FIRST),
        .level_step = usual_of(LENGTH_LEVEL_STEP),
        .level_qty = usual_of(LENGTH_LEVEL_QTY),
    };
    return instrument;
}

/* What an instrument coded before helps a new channel of it. */
static void channel_prime(struct channel *channel, const struct instrument *instrument)
{
    struct pw_event *last = &channel->last;
    switch (channel->form) {
    case FORM_QUOTE:
        last->body.quote.bid_price_e8 = last->body.quote.ask_price_e8 = instrument->price_e8;
        last->body.quote.update_id = instrument->update_id;
        break;
    case FORM_TRADE:
        last->body.trade.price_e8 = instrument->price_e8;
        break;
    case FORM_AGG_TRADE:
        last->body.agg_trade.price_e8 = instrument->price_e8;
        break;
    default:
        break;
    }
}

/* The instrument is there already. */
static struct channel *channel_add(struct codec *c, unsigned kind, uint16_t instrument_idx, bool has_venue)
{
    uint32_t key = key_of(kind, instrument_idx);
    enum form form = form_of(kind);
    pw_assert(c->channel_cnt < PW_CHANNELS_MAX);
    *channel_slot(c, key) = (uint16_t)c->channel_cnt;
    struct channel *channel = &c->channels[c->channel_cnt++];
    *channel = (struct channel){
        .key = key,
        .next = NONE,
        .instrument_slot = *instrument_slot(c, instrument_idx),
        .form = (uint8_t)form,
        .recv_group = recv_group_of(form),
        .has_venue = has_venue,
    };
    channel->usual[PLACE_VENUE] = usual_of(LENGTH_VENUE);
    channel->usual[PLACE_SEQ] = usual_of(LENGTH_SEQ);
    for (uint32_t i = 0; i < 5; i++) {
        channel->usual[PLACE_WORDS + i] = usual_of(LENGTH_WORD);
    }
    for (uint32_t i = 0; i < 6; i++) {
        channel->usual[PLACE_FORM + i] = usual_of(form_lengths[form][i]);
    }
    channel_prime(channel, &c->instruments[channel->instrument_slot]);
    return channel;
}

/* Forgets what a block has taught, but for the group and the market's count, which go on. */
static void codec_reset(struct codec *c)
{
    memset(&c->bits, 0, sizeof c->bits);
    memset(c->next_seq, 0, sizeof c->next_seq);
    memset(c->channel_table, 0xff, sizeof c->channel_table);
    memset(c->instrument_table, 0xff, sizeof c->instrument_table);
    c->next_seq[0] = (uint32_t)c->market_seq;
    c->recv_ns = c->venue_ns = 0;
    c->time_unit.odd_cnt = c->offset_unit.odd_cnt = 0;
    c->channel_cnt = c->instrument_cnt = 0;
    c->channel_idx = NONE;
    for (uint32_t i = 0; i < 16; i++) {
        c->recv[i / 4][i % 4] = usual_of(LENGTH_RECV);
    }
}

/* ---- the forms ---- */

/* Many events come from one read of the socket and so at one time. */
BOTH_WAYS void code_recv(struct codec *c, bool decode, const struct channel *channel, int64_t *recv_ns)
{
    uint64_t other = decode ? 0 : *recv_ns != c->recv_ns;
    code_bits(c, decode, 1, &other);
    if (other) {
        uint32_t before = c->channel_idx == NONE ? 3 : c->channels[c->channel_idx].recv_group;
        uint64_t value = (uint64_t)*recv_ns;
        code_step_up(c, decode, &c->recv[before][channel->recv_group], (uint64_t)c->recv_ns, &value);
        c->recv_ns = (int64_t)value;
    }
    *recv_ns = c->recv_ns;
}

/* What all forms but the plain one begin with. The sequence number is the expected one. */
BOTH_WAYS void code_head(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    event->seq = c->next_seq[0];
    code_recv(c, decode, channel, &event->recv_ns);
    if (channel->has_venue) {
        code_scaled(c, decode, &channel->usual[PLACE_VENUE], &c->time_unit, c->venue_ns, &event->venue_ns);
        c->venue_ns = event->venue_ns;
    } else if (decode) {
        event->venue_ns = 0;
    }
}

enum quote_change { BID_PRICE = 1, BID_QTY = 2, ASK_PRICE = 4, ASK_QTY = 8 };

/* Which fields changed: 2 bits for the quantity of one side, 3 for price and quantity of one side, else 6. */
BOTH_WAYS void code_quote_change(struct codec *c, bool decode, uint64_t *change)
{
    if (!decode) {
        if (*change == BID_QTY || *change == ASK_QTY) {
            pw_bits_put(&c->bits, *change == BID_QTY ? 1 : 3, 2);
        } else if (*change == (BID_PRICE | BID_QTY) || *change == (ASK_PRICE | ASK_QTY)) {
            pw_bits_put(&c->bits, *change == (BID_PRICE | BID_QTY) ? 2 : 6, 3);
        } else {
            pw_bits_put(&c->bits, *change << 2, 6);
        }
        return;
    }
    if (pw_bits_get(&c->bits, 1)) {
        *change = pw_bits_get(&c->bits, 1) ? ASK_QTY : BID_QTY;
    } else if (pw_bits_get(&c->bits, 1)) {
        *change = pw_bits_get(&c->bits, 1) ? ASK_PRICE | ASK_QTY : BID_PRICE | BID_QTY;
    } else {
        *change = pw_bits_get(&c->bits, 4);
    }
}

/* The quantity at a new price has nothing to do with the one before. */
BOTH_WAYS void code_quote(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    struct instrument *instrument = &c->instruments[channel->instrument_slot];
    const struct pw_quote *last = &channel->last.body.quote;
    struct pw_quote *quote = &event->body.quote;
    struct pw_usual *usual = channel->usual;
    uint64_t change = 0;
    if (!decode) {
        change = (quote->bid_price_e8 != last->bid_price_e8 ? BID_PRICE : 0) |
                 (quote->bid_qty_e8 != last->bid_qty_e8 ? BID_QTY : 0) |
                 (quote->ask_price_e8 != last->ask_price_e8 ? ASK_PRICE : 0) |
                 (quote->ask_qty_e8 != last->ask_qty_e8 ? ASK_QTY : 0);
    } else {
        *quote = *last;
    }
    event->flags = 0;
    code_quote_change(c, decode, &change);
    if (change & BID_PRICE) {
        code_scaled(c, decode, &usual[QUOTE_PRICE], &instrument->price_unit, last->bid_price_e8,
                    &quote->bid_price_e8);
    }
    if (change & ASK_PRICE) {
        code_scaled(c, decode, &usual[QUOTE_PRICE], &instrument->price_unit, last->ask_price_e8,
                    &quote->ask_price_e8);
    }
    if (change & BID_QTY) {
        code_scaled(c, decode, &usual[change & BID_PRICE ? QUOTE_QTY_MOVED : QUOTE_QTY],
                    &instrument->qty_unit, change & BID_PRICE ? 0 : last->bid_qty_e8, &quote->bid_qty_e8);
    }
    if (change & ASK_QTY) {
        code_scaled(c, decode, &usual[change & ASK_PRICE ? QUOTE_QTY_MOVED : QUOTE_QTY],
                    &instrument->qty_unit, change & ASK_PRICE ? 0 : last->ask_qty_e8, &quote->ask_qty_e8);
    }
    code_step_up(c, decode, &usual[QUOTE_ID], last->update_id, &quote->update_id);
    instrument->best_e8[PW_BUY] = quote->bid_price_e8;
    instrument->best_e8[PW_SELL] = quote->ask_price_e8;
    instrument->price_e8 = quote->bid_price_e8;
}

BOTH_WAYS void code_side(struct codec *c, bool decode, struct pw_event *event)
{
    uint64_t sell = event->flags & PW_FLAG_SELL;
    code_bits(c, decode, 1, &sell);
    event->flags = (uint8_t)sell;
}

BOTH_WAYS void code_trade(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    struct instrument *instrument = &c->instruments[channel->instrument_slot];
    const struct pw_trade *last = &channel->last.body.trade;
    struct pw_trade *trade = &event->body.trade;
    struct pw_usual *usual = channel->usual;
    code_side(c, decode, event);
    code_scaled(c, decode, &usual[TRADE_PRICE], &instrument->price_unit, last->price_e8, &trade->price_e8);
    code_scaled(c, decode, &usual[TRADE_QTY], &instrument->qty_unit, 0, &trade->qty_e8);
    code_step(c, decode, &usual[TRADE_ID], last->trade_id + 1, &trade->trade_id);
    int64_t before_ns = decode ? 0 : (int64_t)((uint64_t)event->venue_ns - (uint64_t)trade->trade_ns);
    code_scaled(c, decode, &usual[TRADE_OFFSET], &c->time_unit, 0, &before_ns);
    trade->trade_ns = (int64_t)((uint64_t)event->venue_ns - (uint64_t)before_ns);
    trade->reserved = 0;
    instrument->price_e8 = trade->price_e8;
}

BOTH_WAYS void code_agg_trade(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    struct instrument *instrument = &c->instruments[channel->instrument_slot];
    const struct pw_agg_trade *last = &channel->last.body.agg_trade;
    struct pw_agg_trade *trade = &event->body.agg_trade;
    struct pw_usual *usual = channel->usual;
    code_side(c, decode, event);
    code_scaled(c, decode, &usual[TRADE_PRICE], &instrument->price_unit, last->price_e8, &trade->price_e8);
    code_scaled(c, decode, &usual[TRADE_QTY], &instrument->qty_unit, 0, &trade->qty_e8);
    code_step(c, decode, &usual[TRADE_ID], last->agg_id + 1, &trade->agg_id);
    code_step(c, decode, &usual[TRADE_FIRST], last->first_trade_id + last->trade_cnt, &trade->first_trade_id);
    uint64_t trade_cnt = trade->trade_cnt;
    code_number(c, decode, &usual[TRADE_CNT], &trade_cnt);
    trade->trade_cnt = (uint32_t)trade_cnt;
    int64_t offset_us = trade->match_offset_us;
    code_scaled(c, decode, &usual[TRADE_OFFSET], &c->offset_unit, 0, &offset_us);
    trade->match_offset_us = (int32_t)offset_us;
    instrument->price_e8 = trade->price_e8;
}

BOTH_WAYS void code_flags(struct codec *c, bool decode, const struct channel *channel, struct pw_event *event)
{
    uint64_t flags = decode ? channel->last.flags : event->flags;
    uint64_t other = flags != channel->last.flags;
    code_bits(c, decode, 1, &other);
    if (other) {
        code_bits(c, decode, 8, &flags);
    }
    event->flags = (uint8_t)flags;
}

/* prev_update_id is 0 or the id that the instrument's last update had, else the form is plain. */
BOTH_WAYS void code_depth(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    struct instrument *instrument = &c->instruments[channel->instrument_slot];
    struct pw_depth *depth = &event->body.depth;
    struct pw_usual *usual = channel->usual;
    code_flags(c, decode, channel, event);
    uint64_t has_prev = decode ? 0 : depth->prev_update_id != 0;
    code_bits(c, decode, 1, &has_prev);
    depth->prev_update_id = has_prev ? instrument->update_id : 0;
    code_step(c, decode, &usual[DEPTH_FIRST], instrument->update_id + 1, &depth->first_update_id);
    code_step_up(c, decode, &usual[DEPTH_SPAN], depth->first_update_id, &depth->last_update_id);
    uint64_t bid_cnt = depth->bid_cnt, ask_cnt = depth->ask_cnt;
    code_number(c, decode, &usual[DEPTH_BIDS], &bid_cnt);
    code_number(c, decode, &usual[DEPTH_ASKS], &ask_cnt);
    depth->bid_cnt = (uint32_t)bid_cnt;
    depth->ask_cnt = (uint32_t)ask_cnt;
    depth->level_cnt_max = 0;
}

/* Words as steps from those of the event before in its channel. */
BOTH_WAYS void code_words(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    const struct pw_event *last = &channel->last;
    uint64_t other = 0;
    for (uint32_t i = 0; !decode && i < 5; i++) {
        other |= (uint64_t)(event->body.words[i] != last->body.words[i]) << i;
    }
    code_bits(c, decode, 5, &other);
    for (uint32_t i = 0; i < 5; i++) {
        if (other >> i & 1) {
            code_step(c, decode, &channel->usual[PLACE_WORDS + i], last->body.words[i],
                      &event->body.words[i]);
        } else {
            event->body.words[i] = last->body.words[i];
        }
    }
}

/* An order's hops: each as its step from the hop before, which varies less than the time since the start. One
 * that is not known is a step as any other. */
BOTH_WAYS void code_stamps(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    uint32_t hops_ns[HOP_CNT], before_ns = 0;
    memcpy(hops_ns, &event->body.words[1], sizeof hops_ns);
    code_step(c, decode, &channel->usual[PLACE_WORDS], channel->last.body.words[0], &event->body.words[0]);
    for (uint32_t i = 0; i < HOP_CNT; i++) {
        uint64_t step = decode ? 0 : pw_zigzag((uint64_t)(int64_t)(int32_t)(hops_ns[i] - before_ns));
        code_number(c, decode, &channel->usual[PLACE_HOPS + i], &step);
        hops_ns[i] = before_ns + (uint32_t)pw_unzigzag(step);
        before_ns = i == 0 ? 0 : hops_ns[i]; /* the first is how long before, not after */
    }
    memcpy(&event->body.words[1], hops_ns, sizeof hops_ns);
}

/* What risk saw of the market is what the last quote held. */
BOTH_WAYS void code_risk_market(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    struct instrument *instrument = &c->instruments[channel->instrument_slot];
    const struct pw_risk_market *last = &channel->last.body.risk_market;
    struct pw_risk_market *risk = &event->body.risk_market;
    struct pw_usual *usual = &channel->usual[PLACE_WORDS];
    code_scaled(c, decode, &usual[0], &instrument->price_unit, instrument->best_e8[PW_BUY], &risk->bid_e8);
    code_scaled(c, decode, &usual[1], &instrument->price_unit, instrument->best_e8[PW_SELL], &risk->ask_e8);
    code_scaled(c, decode, &usual[2], &instrument->qty_unit, last->position_e8, &risk->position_e8);
    code_scaled(c, decode, &usual[3], &instrument->qty_unit, last->open_buy_e8, &risk->open_buy_e8);
    code_scaled(c, decode, &usual[4], &instrument->qty_unit, last->open_sell_e8, &risk->open_sell_e8);
}

/* Any event. */
BOTH_WAYS void code_plain(struct codec *c, bool decode, struct channel *channel, struct pw_event *event)
{
    enum { VENUE_ZERO, VENUE_SAME, VENUE_OTHER };
    code_flags(c, decode, channel, event);
    uint32_t expected = c->next_seq[source_of(event->kind)];
    uint64_t step = decode ? 0 : pw_zigzag((uint64_t)(int64_t)(int32_t)(event->seq - expected));
    code_number(c, decode, &channel->usual[PLACE_SEQ], &step);
    event->seq = expected + (uint32_t)pw_unzigzag(step);
    code_recv(c, decode, channel, &event->recv_ns);
    uint64_t venue = 0, venue_ns = (uint64_t)event->venue_ns;
    if (!decode) {
        venue = event->venue_ns == 0 ? VENUE_ZERO : event->venue_ns == c->venue_ns ? VENUE_SAME : VENUE_OTHER;
    }
    code_bits(c, decode, 2, &venue);
    if (venue == VENUE_OTHER) {
        struct pw_usual usual = usual_of(LENGTH_RECV);
        code_step(c, decode, &usual, (uint64_t)c->venue_ns, &venue_ns);
        c->venue_ns = (int64_t)venue_ns;
    }
    event->venue_ns = venue == VENUE_ZERO ? 0 : c->venue_ns;
    channel->has_venue = venue != VENUE_ZERO;
    switch (event->kind) {
    case PW_EVENT_STAMPS:
        code_stamps(c, decode, channel, event);
        break;
    case PW_EVENT_RISK_MARKET:
        code_risk_market(c, decode, channel, event);
        break;
    default:
        code_words(c, decode, channel, event);
        break;
    }
}

/* True if the channel's form can code the event. */
static bool form_fits(const struct codec *c, const struct channel *channel, const struct pw_event *event)
{
    if (event->seq != c->next_seq[0] || (event->venue_ns != 0) != channel->has_venue) {
        return false;
    }
    switch (channel->form) {
    case FORM_QUOTE:
        return event->flags == 0;
    case FORM_TRADE:
        return (event->flags & ~PW_FLAG_SELL) == 0 && event->body.trade.reserved == 0;
    case FORM_AGG_TRADE:
        return (event->flags & ~PW_FLAG_SELL) == 0;
    case FORM_DEPTH:
        return event->body.depth.level_cnt_max == 0 &&
               (event->body.depth.prev_update_id == 0 ||
                event->body.depth.prev_update_id == c->instruments[channel->instrument_slot].update_id);
    default:
        return false;
    }
}

BOTH_WAYS void code_form(struct codec *c, bool decode, struct channel *channel, bool fits,
                         struct pw_event *event)
{
    if (!fits) {
        code_plain(c, decode, channel, event);
        return;
    }
    code_head(c, decode, channel, event);
    switch (channel->form) {
    case FORM_QUOTE:
        code_quote(c, decode, channel, event);
        break;
    case FORM_TRADE:
        code_trade(c, decode, channel, event);
        break;
    case FORM_AGG_TRADE:
        code_agg_trade(c, decode, channel, event);
        break;
    default:
        code_depth(c, decode, channel, event);
        break;
    }
}

/* ---- depth updates: the levels that follow a DEPTH event ---- */

static void group_open(struct codec *c, const struct channel *channel, const struct pw_event *event)
{
    const struct pw_depth *depth = &event->body.depth;
    c->instruments[channel->instrument_slot].update_id = depth->last_update_id;
    c->group = (struct group){
        .open = depth->bid_cnt > 0 || depth->ask_cnt > 0,
        .fresh = true,
        .flags = event->flags & (PW_FLAG_SNAPSHOT | PW_FLAG_STALE),
        .instrument_slot = channel->instrument_slot,
        .instrument_idx = event->instrument_idx,
        .left = {depth->bid_cnt, depth->ask_cnt},
        .recv_ns = event->recv_ns,
        .venue_ns = event->venue_ns,
        .update_id = depth->last_update_id,
    };
}

/* What the next LEVELS event of the group has in common with every other: all but its levels. */
static struct pw_event group_event(const struct codec *c)
{
    const struct group *group = &c->group;
    unsigned side = group->left[PW_BUY] > 0 ? PW_BUY : PW_SELL;
    uint64_t left = (uint64_t)group->left[PW_BUY] + group->left[PW_SELL];
    bool pair = group->left[side] > 1;
    return (struct pw_event){
        .seq = c->next_seq[0],
        .instrument_idx = group->instrument_idx,
        .kind = PW_EVENT_LEVELS,
        .flags = (uint8_t)(group->flags | (side == PW_SELL ? PW_FLAG_SELL : 0) | (pair ? PW_FLAG_PAIR : 0) |
                           (left == (pair ? 2 : 1) ? PW_FLAG_LAST : 0)),
        .recv_ns = group->recv_ns,
        .venue_ns = group->venue_ns,
        .body.levels.update_id = group->update_id,
    };
}

/* True if the event is the next of the group, with its levels in order. */
static bool group_fits(const struct codec *c, const struct pw_event *event)
{
    struct pw_event want = group_event(c);
    const struct pw_level *level = event->body.levels.level;
    bool pair = want.flags & PW_FLAG_PAIR;
    if (memcmp(event, &want, offsetof(struct pw_event, body)) != 0 ||
        event->body.levels.update_id != want.body.levels.update_id || level[0].qty_e8 < 0 ||
        level[1].qty_e8 < 0 || (!pair && (level[1].price_e8 != 0 || level[1].qty_e8 != 0))) {
        return false;
    }
    if (c->group.fresh) {
        return true;
    }
    if (c->group.rising) {
        return level[0].price_e8 >= c->group.price_e8 && (!pair || level[1].price_e8 >= level[0].price_e8);
    }
    return level[0].price_e8 <= c->group.price_e8 && (!pair || level[1].price_e8 <= level[0].price_e8);
}

/* A level's price as its distance from the one before. False, when reading: a break stood there. */
BOTH_WAYS bool code_level_price(struct codec *c, bool decode, struct instrument *instrument,
                                int64_t *price_e8)
{
    struct group *group = &c->group;
    uint64_t from = (uint64_t)group->price_e8, step = 0;
    if (!decode) {
        step = group->rising ? (uint64_t)*price_e8 - from : from - (uint64_t)*price_e8;
    }
    if (!code_units(c, decode, &instrument->level_step, &instrument->price_unit, false, &step)) {
        return false;
    }
    *price_e8 = (int64_t)(group->rising ? from + step : from - step);
    group->price_e8 = *price_e8;
    return true;
}

/* The first price of a side lies by the best quote, or, of venues that send the worst first, by the last
 * first one. */
BOTH_WAYS bool code_level_first(struct codec *c, bool decode, struct instrument *instrument, unsigned side,
                                int64_t *price_e8)
{
    int64_t near_e8 = instrument->worst_first[side] || instrument->best_e8[side] == 0
                          ? instrument->first_e8[side]
                          : instrument->best_e8[side];
    uint64_t step = decode ? 0 : (uint64_t)*price_e8 - (uint64_t)near_e8;
    if (!code_units(c, decode, &instrument->level_first, &instrument->price_unit, true, &step)) {
        return false;
    }
    *price_e8 = (int64_t)((uint64_t)near_e8 + step);
    instrument->first_e8[side] = *price_e8;
    c->group.price_e8 = *price_e8;
    return true;
}

BOTH_WAYS void code_level_qty(struct codec *c, bool decode, struct instrument *instrument, int64_t *qty_e8)
{
    uint64_t some = decode ? 0 : *qty_e8 != 0;
    uint64_t qty = decode ? 0 : (uint64_t)*qty_e8;
    code_bits(c, decode, 1, &some);
    if (some && !code_units(c, decode, &instrument->level_qty, &instrument->qty_unit, false, &qty)) {
        c->bits.bad = true;
    }
    *qty_e8 = (int64_t)qty;
}

/* The levels of the group's next event. False, when reading: a break stood there. */
BOTH_WAYS bool code_levels(struct codec *c, bool decode, struct pw_event *event)
{
    struct group *group = &c->group;
    struct instrument *instrument = &c->instruments[group->instrument_slot];
    struct pw_level *level = event->body.levels.level;
    unsigned side = group->left[PW_BUY] > 0 ? PW_BUY : PW_SELL;
    bool pair = group->left[side] > 1;
    if (!(group->fresh ? code_level_first(c, decode, instrument, side, &level[0].price_e8)
                       : code_level_price(c, decode, instrument, &level[0].price_e8))) {
        return false;
    }
    code_level_qty(c, decode, instrument, &level[0].qty_e8);
    if (pair) {
        if (group->fresh) {
            uint64_t rising = decode ? 0 : level[1].price_e8 > level[0].price_e8;
            code_bits(c, decode, 1, &rising);
            group->rising = rising;
            instrument->worst_first[side] = rising == (side == PW_BUY);
        }
        if (!code_level_price(c, decode, instrument, &level[1].price_e8)) {
            c->bits.bad = true;
        }
        code_level_qty(c, decode, instrument, &level[1].qty_e8);
    }
    group->fresh = false;
    group->left[side] -= pair ? 2 : 1;
    if (group->left[side] == 0) {
        group->fresh = true;
        group->open = side == PW_BUY && group->left[PW_SELL] > 0;
    }
    return true;
}

/* At the start of a block: what is known of the group that the block before left open. */
BOTH_WAYS void code_open_group(struct codec *c, bool decode)
{
    struct group *group = &c->group;
    uint64_t words[5] = {(uint64_t)group->recv_ns, (uint64_t)group->venue_ns, group->update_id,
                         group->left[PW_BUY] | (uint64_t)group->left[PW_SELL] << 32,
                         group->instrument_idx | (uint64_t)group->flags << 16};
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t low = words[i] & UINT32_MAX, high = words[i] >> 32;
        code_bits(c, decode, 32, &low);
        code_bits(c, decode, 32, &high);
        words[i] = low | high << 32;
    }
    *group = (struct group){
        .open = true,
        .fresh = true,
        .flags = (uint8_t)(words[4] >> 16),
        .instrument_idx = (uint16_t)words[4],
        .left = {(uint32_t)words[3], (uint32_t)(words[3] >> 32)},
        .recv_ns = (int64_t)words[0],
        .venue_ns = (int64_t)words[1],
        .update_id = words[2],
    };
}

#endif
