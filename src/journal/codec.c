/* SPDX-License-Identifier: MIT
 *
 * Blocks: the order of records in one, and its frame of header, counts and check sum.
 *
 * A record begins with its channel: one bit when it is the one that followed last time, else its number, or a
 * new one's name. Inside a depth update there is no such tag: levels follow until their number is reached, or
 * a break.
 */
#include "codec.h"
#include "crc32c.h"
#include "forms.h"
#include "pw_assert.h"
#include <errno.h>
#include <pinwheel/workspace.h>
#include <stdlib.h>

/* Blocks after which the units are looked for anew, so that a time of odd prices does not cost for ever. */
#define RELEARN_EVERY 16u

struct pw_encoder {
    struct codec codec;
    enum pw_block_type type;
    uint8_t *block;
    size_t block_bytes;
    uint64_t run_id, block_no;
    bool begun;
    uint8_t exponents[PW_INSTRUMENTS_MAX][2]; /* price, quantity: learnt in blocks before */
    struct pw_block_header header;            /* but for what pw_encoder_seal adds */
    uint32_t kind_cnt;
    uint32_t kinds[256]; /* events by kind */
};

struct pw_decoder {
    struct codec codec;
    struct pw_block_header header;
    uint32_t left; /* events */
    uint64_t market_seq;
    const uint8_t *frame;
};

/* ---- the order of events ---- */

/* The market's own number of an event, from the low half that it carries. */
static uint64_t full_seq(uint64_t market_seq, const struct pw_event *event)
{
    return market_seq + (uint64_t)(int64_t)(int32_t)(event->seq - (uint32_t)market_seq);
}

static bool is_drop(const struct pw_event *event)
{
    return event->kind == PW_EVENT_GAP && event->body.gap.reason == PW_REASON_JOURNAL_FULL;
}

uint64_t pw_event_made_after(const struct pw_event *event)
{
    switch (event->kind) {
    case PW_EVENT_SIGNAL:
        return event->body.signal.market_seq + 1;
    case PW_EVENT_INTENT:
        return event->body.intent.market_seq + 1;
    case PW_EVENT_ORDER:
        return event->body.order.market_seq + 1;
    case PW_EVENT_CONSUMED:
        return event->body.consumed.market_seq;
    case PW_EVENT_COMMAND:
        return event->body.state.market_seq;
    default:
        return 0;
    }
}

uint64_t pw_market_seq_after(uint64_t market_seq, const struct pw_event *event)
{
    if (!pw_event_is_market(event)) {
        return market_seq;
    }
    if (is_drop(event)) {
        return event->body.gap.last >= market_seq ? event->body.gap.last + 1 : market_seq;
    }
    return full_seq(market_seq, event) + 1;
}

/* After an event, both ways: what comes next is judged by it. */
static inline void codec_passed(struct codec *c, const struct pw_event *event)
{
    if (pw_event_is_market(event)) {
        c->market_seq = pw_market_seq_after(c->market_seq, event);
        c->next_seq[0] = (uint32_t)c->market_seq;
    } else {
        c->next_seq[source_of(event->kind)] = event->seq + 1;
    }
}

static inline void codec_passed_record(struct codec *c, struct channel *channel, const struct pw_event *event)
{
    uint16_t idx = (uint16_t)(channel - c->channels);
    if (c->channel_idx != NONE) {
        c->channels[c->channel_idx].next = idx;
    }
    c->channel_idx = idx;
    channel->last = *event;
    if (event->kind == PW_EVENT_DEPTH) {
        group_open(c, channel, event);
    }
    codec_passed(c, event);
}

/* ---- writing ---- */

struct pw_encoder *pw_encoder_new(enum pw_block_type type, uint64_t run_id)
{
    struct pw_encoder *encoder = calloc(1, sizeof *encoder);
    if (encoder) {
        encoder->type = type;
        encoder->run_id = run_id;
    }
    return encoder;
}

void pw_encoder_free(struct pw_encoder *encoder)
{
    free(encoder);
}

/* Units are carried from block to block, so that only the first has to find them. */
static void keep_exponents(struct pw_encoder *encoder)
{
    struct codec *c = &encoder->codec;
    if (encoder->block_no % RELEARN_EVERY == 0) {
        memset(encoder->exponents, EXPONENT_MAX, sizeof encoder->exponents);
        c->time_unit.exponent = c->offset_unit.exponent = EXPONENT_MAX;
        return;
    }
    pw_assert(c->instrument_cnt <= PW_CHANNELS_MAX);
    for (uint32_t i = 0; i < c->instrument_cnt; i++) {
        const struct instrument *instrument = &c->instruments[i];
        if (instrument->instrument_idx < PW_INSTRUMENTS_MAX) {
            encoder->exponents[instrument->instrument_idx][0] = instrument->price_unit.exponent;
            encoder->exponents[instrument->instrument_idx][1] = instrument->qty_unit.exponent;
        }
    }
}

/* Adds the instrument if it is new to the block and writes its units. */
static void put_instrument(struct pw_encoder *encoder, uint16_t instrument_idx)
{
    struct codec *c = &encoder->codec;
    if (*instrument_slot(c, instrument_idx) == NONE) {
        const uint8_t *known = instrument_idx < PW_INSTRUMENTS_MAX
                                   ? encoder->exponents[instrument_idx]
                                   : (const uint8_t[]){EXPONENT_MAX, EXPONENT_MAX};
        pw_bits_put(&c->bits, known[0] | (uint64_t)known[1] << 4, 8);
        instrument_add(c, instrument_idx, known[0], known[1]);
    }
}

void pw_encoder_begin(struct pw_encoder *encoder, uint8_t *block, size_t block_bytes)
{
    struct codec *c = &encoder->codec;
    pw_assert(block_bytes >= sizeof(struct pw_block_header) + PW_RECORD_BYTES_MAX);
    encoder->block_no += encoder->begun;
    encoder->begun = true;
    keep_exponents(encoder);
    codec_reset(c);
    encoder->block = block;
    encoder->block_bytes = block_bytes;
    encoder->kind_cnt = 0;
    memset(encoder->kinds, 0, sizeof encoder->kinds);
    encoder->header = (struct pw_block_header){
        .magic = PW_BLOCK_MAGIC,
        .version = PW_BLOCK_VERSION,
        .type = (uint8_t)encoder->type,
        .flags = c->group.open ? PW_BLOCK_OPEN_GROUP : 0,
        .run_id = encoder->run_id,
        .block_no = encoder->block_no,
        .first_market_seq = c->market_seq,
        .time_exponent = c->time_unit.exponent,
        .offset_exponent = c->offset_unit.exponent,
    };
    c->bits.out = block + sizeof(struct pw_block_header);
    if (c->group.open) {
        code_open_group(c, false);
        put_instrument(encoder, c->group.instrument_idx);
        c->group.instrument_slot = *instrument_slot(c, c->group.instrument_idx);
    }
}

static bool has_room(const struct pw_encoder *encoder, size_t more_bytes)
{
    size_t used = (size_t)(encoder->codec.bits.out - encoder->block);
    size_t counts = (encoder->kind_cnt + 1) * sizeof(struct pw_block_count);
    return used + PW_RECORD_BYTES_MAX + counts + more_bytes <= encoder->block_bytes;
}

/* The channel's tag: one bit if it is the expected one and the event fits its form. */
static struct channel *put_tag(struct pw_encoder *encoder, const struct pw_event *event, bool *fits)
{
    struct codec *c = &encoder->codec;
    uint16_t expected = c->channel_idx == NONE ? NONE : c->channels[c->channel_idx].next;
    uint32_t key = key_of(event->kind, event->instrument_idx);
    bool met = expected != NONE && c->channels[expected].key == key;
    uint16_t idx = met ? expected : *channel_slot(c, key);
    struct channel *channel = &c->channels[idx == NONE ? 0 : idx];
    if (met) {
        *fits = form_fits(c, channel, event);
        if (*fits || channel->form == FORM_PLAIN) {
            pw_bits_put(&c->bits, 1, 1);
            return channel;
        }
    }
    pw_assert(idx == NONE ? c->channel_cnt < PW_CHANNELS_MAX : idx < c->channel_cnt);
    uint32_t coded = idx == NONE ? c->channel_cnt : idx;
    pw_bits_put(&c->bits, (uint64_t)coded << 1, 1 + pw_bits_length(c->channel_cnt));
    if (idx == NONE) {
        pw_bits_put(&c->bits, key | (uint64_t)(event->venue_ns != 0) << 24, 25);
        put_instrument(encoder, event->instrument_idx);
        channel = channel_add(c, event->kind, event->instrument_idx, event->venue_ns != 0);
    }
    *fits = form_fits(c, channel, event);
    if (channel->form != FORM_PLAIN) {
        pw_bits_put(&c->bits, *fits, 1);
    }
    return channel;
}

static void count_event(struct pw_encoder *encoder, const struct pw_event *event)
{
    struct pw_block_header *header = &encoder->header;
    header->last_recv_ns = event->recv_ns;
    header->least_recv_ns = event->recv_ns < header->least_recv_ns ? event->recv_ns : header->least_recv_ns;
    header->most_recv_ns = event->recv_ns > header->most_recv_ns ? event->recv_ns : header->most_recv_ns;
    header->plain_bytes += sizeof *event;
    header->event_cnt++;
    encoder->kind_cnt += encoder->kinds[event->kind] == 0;
    encoder->kinds[event->kind]++;
}

bool pw_encoder_put(struct pw_encoder *encoder, const struct pw_event *event)
{
    struct codec *c = &encoder->codec;
    if (!has_room(encoder, 0) || c->channel_cnt == PW_CHANNELS_MAX || c->instrument_cnt == PW_CHANNELS_MAX) {
        return false;
    }
    if (encoder->header.event_cnt == 0) {
        c->recv_ns = event->recv_ns;
        encoder->header.first_recv_ns = encoder->header.least_recv_ns = encoder->header.most_recv_ns =
            event->recv_ns;
    }
    count_event(encoder, event);
    struct pw_event copy = *event;
    if (c->group.open) {
        if (group_fits(c, event)) {
            code_levels(c, false, &copy);
            codec_passed(c, event);
            return true;
        }
        /* An order's event may stand between the levels; any other event of the market ends them. */
        c->group.open = !pw_event_is_market(event);
        pw_bits_put_escape(&c->bits, PW_ESCAPE_BREAK);
        pw_bits_put(&c->bits, !c->group.open, 1);
    }
    bool fits;
    struct channel *channel = put_tag(encoder, event, &fits);
    code_form(c, false, channel, fits, &copy);
    codec_passed_record(c, channel, event);
    pw_assert(pw_encoder_bytes(encoder) <= encoder->block_bytes); /* PW_RECORD_BYTES_MAX was free */
    return true;
}

bool pw_encoder_put_frame(struct pw_encoder *encoder, const struct pw_event *frame, const uint8_t *bytes)
{
    struct pw_bits *bits = &encoder->codec.bits;
    uint32_t frame_bytes = frame->body.frame.payload_bytes;
    pw_assert(encoder->type == PW_BLOCK_FRAMES); /* no reader looks for bytes elsewhere */
    if (!has_room(encoder, frame_bytes) || !pw_encoder_put(encoder, frame)) {
        return false;
    }
    bits->out += bits->filled > 0;
    bits->filled = 0;
    bits->wait = 0;
    memcpy(bits->out, bytes, frame_bytes);
    bits->out += frame_bytes;
    pw_assert(pw_encoder_bytes(encoder) <= encoder->block_bytes);
    encoder->header.plain_bytes += frame_bytes;
    return true;
}

size_t pw_encoder_seal(struct pw_encoder *encoder)
{
    struct pw_block_header header = encoder->header;
    pw_assert(encoder->begun && encoder->kind_cnt <= header.event_cnt);
    pw_assert(header.event_cnt == 0 || header.least_recv_ns <= header.most_recv_ns);
    pw_assert(encoder->codec.channel_cnt <= PW_CHANNELS_MAX);
    const struct pw_bits *bits = &encoder->codec.bits;
    uint8_t *end = bits->out + (bits->filled > 0);
    header.end_market_seq = encoder->codec.market_seq;
    header.record_bytes = (uint32_t)(end - encoder->block - (ptrdiff_t)sizeof header);
    uint32_t counted = 0;
    for (uint32_t kind = 0; kind < 256; kind++) {
        counted += encoder->kinds[kind];
        if (encoder->kinds[kind] > 0) {
            struct pw_block_count count = {.kind = kind, .event_cnt = encoder->kinds[kind]};
            memcpy(end, &count, sizeof count);
            end += sizeof count;
            header.count_cnt++;
        }
    }
    header.bytes = (uint32_t)(end - encoder->block);
    pw_assert(header.bytes <= encoder->block_bytes); /* has_room has kept it free */
    pw_assert(counted == header.event_cnt && header.count_cnt == encoder->kind_cnt);
    memcpy(encoder->block, &header, sizeof header);
    header.crc = pw_crc32c(0, encoder->block, header.bytes);
    memcpy(encoder->block, &header, sizeof header);
    return header.bytes;
}

size_t pw_encoder_bytes(const struct pw_encoder *encoder)
{
    return (size_t)(encoder->codec.bits.out - encoder->block);
}

uint64_t pw_encoder_block_no(const struct pw_encoder *encoder)
{
    return encoder->block_no;
}

uint64_t pw_encoder_market_seq(const struct pw_encoder *encoder)
{
    return encoder->codec.market_seq;
}

/* ---- reading ---- */

static const char *header_fault(const struct pw_block_header *header, size_t bytes)
{
    if (header->magic != PW_BLOCK_MAGIC) {
        return "not a block";
    }
    if (header->version != PW_BLOCK_VERSION) {
        return "unknown format version";
    }
    if (header->bytes != bytes) {
        return "its size differs from its header";
    }
    if (header->type != PW_BLOCK_EVENTS && header->type != PW_BLOCK_FRAMES) {
        return "unknown block type";
    }
    if (sizeof *header + (uint64_t)header->record_bytes + header->count_cnt * sizeof(struct pw_block_count) !=
        bytes) {
        return "the sizes of its parts do not add up";
    }
    if (header->time_exponent > EXPONENT_MAX || header->offset_exponent > EXPONENT_MAX) {
        return "impossible units";
    }
    return NULL;
}

static int block_fault(const void *block, size_t bytes, bool trust_sum, struct pw_block_header *header,
                       const char **why)
{
    *why = "shorter than a header";
    if (bytes < sizeof *header) {
        return -EBADMSG;
    }
    memcpy(header, block, sizeof *header);
    *why = header_fault(header, bytes);
    if (*why) {
        return -EBADMSG;
    }
    if (!trust_sum) {
        struct pw_block_header zeroed = *header;
        zeroed.crc = 0;
        uint32_t crc = pw_crc32c(0, &zeroed, sizeof zeroed);
        crc = pw_crc32c(crc, (const uint8_t *)block + sizeof zeroed, bytes - sizeof zeroed);
        *why = "checksum mismatch";
        if (crc != header->crc) {
            return -EBADMSG;
        }
    }
    *why = "";
    return 0;
}

int pw_block_check(const void *block, size_t bytes, const char **why)
{
    struct pw_block_header header;
    return block_fault(block, bytes, false, &header, why);
}

struct pw_decoder *pw_decoder_new(void)
{
    return calloc(1, sizeof(struct pw_decoder));
}

void pw_decoder_free(struct pw_decoder *decoder)
{
    free(decoder);
}

static void get_instrument(struct codec *c, uint16_t instrument_idx)
{
    if (*instrument_slot(c, instrument_idx) == NONE) {
        uint64_t exponents = pw_bits_get(&c->bits, 8);
        instrument_add(c, instrument_idx, exponents & 15, (uint8_t)(exponents >> 4));
    }
}

int pw_decoder_begin(struct pw_decoder *decoder, const void *block, size_t bytes, bool trust_sum)
{
    struct codec *c = &decoder->codec;
    const struct pw_block_header *header = &decoder->header;
    const char *why;
    decoder->left = 0;
    int err = block_fault(block, bytes, trust_sum, &decoder->header, &why);
    if (err) {
        return err;
    }
    c->market_seq = decoder->market_seq = header->first_market_seq;
    codec_reset(c);
    c->recv_ns = header->first_recv_ns;
    c->time_unit.exponent = header->time_exponent;
    c->offset_unit.exponent = header->offset_exponent;
    c->bits.in = (const uint8_t *)block + sizeof *header;
    c->bits.in_bytes = header->record_bytes;
    c->group.open = header->flags & PW_BLOCK_OPEN_GROUP;
    if (c->group.open) {
        code_open_group(c, true);
        get_instrument(c, c->group.instrument_idx);
        c->group.instrument_slot = *instrument_slot(c, c->group.instrument_idx);
        c->group.open = c->group.left[PW_BUY] > 0 || c->group.left[PW_SELL] > 0;
    }
    decoder->left = header->event_cnt;
    decoder->frame = NULL;
    return 0;
}

/* NULL: no such channel can have been written. */
static struct channel *get_tag(struct codec *c, bool *fits)
{
    if (pw_bits_get(&c->bits, 1)) {
        uint16_t expected = c->channel_idx == NONE ? NONE : c->channels[c->channel_idx].next;
        if (expected == NONE) {
            return NULL;
        }
        *fits = c->channels[expected].form != FORM_PLAIN;
        return &c->channels[expected];
    }
    uint32_t coded = (uint32_t)pw_bits_get(&c->bits, pw_bits_length(c->channel_cnt));
    struct channel *channel = &c->channels[coded < PW_CHANNELS_MAX ? coded : 0];
    if (coded == c->channel_cnt) {
        uint32_t key = (uint32_t)pw_bits_get(&c->bits, 24);
        bool has_venue = pw_bits_get(&c->bits, 1);
        if (c->channel_cnt == PW_CHANNELS_MAX || c->instrument_cnt == PW_CHANNELS_MAX ||
            *channel_slot(c, key) != NONE) {
            return NULL;
        }
        get_instrument(c, (uint16_t)key);
        channel = channel_add(c, key >> 16, (uint16_t)key, has_venue);
    } else if (coded > c->channel_cnt) {
        return NULL;
    }
    *fits = channel->form != FORM_PLAIN && pw_bits_get(&c->bits, 1);
    return channel;
}

static bool get_event(struct codec *c, struct pw_event *event)
{
    if (c->group.open) {
        *event = group_event(c);
        if (code_levels(c, true, event)) {
            codec_passed(c, event);
            return !c->bits.bad;
        }
        c->group.open = !pw_bits_get(&c->bits, 1);
    }
    bool fits = false;
    struct channel *channel = get_tag(c, &fits);
    if (!channel) {
        return false;
    }
    *event =
        (struct pw_event){.kind = (uint8_t)(channel->key >> 16), .instrument_idx = (uint16_t)channel->key};
    code_form(c, true, channel, fits, event);
    codec_passed_record(c, channel, event);
    return !c->bits.bad;
}

static bool get_frame(struct pw_decoder *decoder, uint32_t frame_bytes)
{
    struct pw_bits *bits = &decoder->codec.bits;
    bits->pos = (bits->pos + 7) & ~UINT64_C(7);
    if (bits->pos / 8 + frame_bytes > bits->in_bytes) {
        return false;
    }
    decoder->frame = bits->in + bits->pos / 8;
    bits->pos += (uint64_t)frame_bytes * 8;
    return true;
}

int pw_decoder_next(struct pw_decoder *decoder, struct pw_event *out)
{
    struct codec *c = &decoder->codec;
    if (decoder->left == 0) {
        return 0;
    }
    uint64_t before = c->market_seq;
    decoder->frame = NULL;
    bool good = get_event(c, out) && c->bits.pos <= c->bits.in_bytes * 8;
    if (good && decoder->header.type == PW_BLOCK_FRAMES && out->kind == PW_EVENT_FRAME) {
        good = get_frame(decoder, out->body.frame.payload_bytes);
    }
    if (!good) {
        decoder->left = 0;
        return -EBADMSG;
    }
    decoder->market_seq = pw_event_is_market(out) && !is_drop(out) ? full_seq(before, out) : before;
    decoder->left--;
    return 1;
}

const uint8_t *pw_decoder_frame(const struct pw_decoder *decoder)
{
    return decoder->frame;
}

uint64_t pw_decoder_market_seq(const struct pw_decoder *decoder)
{
    return decoder->market_seq;
}
