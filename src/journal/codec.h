/* SPDX-License-Identifier: MIT
 *
 * The record codec: events to compact blocks and back, bit for bit. Pure: no files, no clock, no allocation
 * after the making of an encoder or decoder.
 *
 * A block is
 *     struct pw_block_header | records, a string of bits | struct pw_block_count, one a kind
 * and stands for itself: what the codec learns (usual lengths, units, last prices) begins anew with each
 * block. The content of events is coded as the difference to what their channel (kind and instrument) or
 * instrument had before: prices and quantities in the smallest decimal unit that has been needed, times and
 * ids as steps, a depth update with its levels as one record whose levels have neither head nor times of
 * their own. Whatever does not fit these forms (any 64 bytes may come) is coded word by word.
 *
 * A block can be sealed, stored, and then grow and be sealed again: so a slow market makes full blocks too,
 * and the last block on disk is replaced at each commit until it is full.
 */
#ifndef PW_CODEC_H
#define PW_CODEC_H

#include "rules.h"
#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_BLOCK_MAGIC   0x4a425750u /* "PWBJ" */
#define PW_BLOCK_VERSION 1u

/* Smallest block that an encoder takes, and the most that one event can need (without a frame's bytes). */
#define PW_BLOCK_BYTES_MIN  4096u
#define PW_RECORD_BYTES_MAX 256u

/* Channels (pairs of kind and instrument) in one block; a block is full when the next would be one more. */
#define PW_CHANNELS_MAX 2048u

enum pw_block_type {
    PW_BLOCK_EVENTS = 1, /* the merged stream */
    PW_BLOCK_FRAMES = 2, /* FRAME events, each followed by its bytes */
};

#define PW_BLOCK_OPEN_GROUP 0x01u /* flags: the block begins in the middle of a depth update's levels */

struct pw_block_header {
    uint32_t magic;
    uint32_t crc;   /* CRC-32C of the whole block with 0 in this place */
    uint32_t bytes; /* of the whole block */
    uint16_t version;
    uint8_t type; /* enum pw_block_type */
    uint8_t flags;
    uint64_t run_id;
    uint64_t block_no;                   /* in its run and type, from 0 */
    uint64_t first_market_seq;           /* market events that went before */
    uint64_t end_market_seq;             /* market events that have gone by at its end; dropped ones count */
    int64_t first_recv_ns, last_recv_ns; /* of the first and the last event */
    int64_t least_recv_ns, most_recv_ns;
    uint64_t plain_bytes; /* events at 64 bytes each, and frames' bytes */
    uint32_t event_cnt;
    uint32_t record_bytes; /* of the string of bits */
    uint16_t count_cnt;    /* rows of struct pw_block_count */
    uint8_t time_exponent,
        offset_exponent; /* decimal units at the start: venue times, aggregate trades' offsets */
    uint32_t reserved;
};

struct pw_block_count {
    uint32_t kind;
    uint32_t event_cnt;
};

static_assert(sizeof(struct pw_block_header) == 104, "part of the format, no padding");

/* The number of market events that have gone by, after `event`: from `market_seq` before it. Events that are
 * not the market's do not count; a gap of a full ring counts what was dropped. */
uint64_t pw_market_seq_after(uint64_t market_seq, const struct pw_event *event);

/* How many market events had gone by when an event of strategy or execution was made, as it says itself; 0:
 * it does not say (a FILL stands behind its ORDER, a TIME before what it caused). */
uint64_t pw_event_made_after(const struct pw_event *event);

/* True for kinds that parse puts, which carry the market's sequence numbers. */
static inline bool pw_event_is_market(const struct pw_event *event)
{
    return event->kind < PW_EVENT_TIME;
}

/* True for the market's events that execution is shown, whatever the strategies decide on the others: what it
 * makes of itself names the last of these, or one behind it. */
static inline bool pw_event_is_for_execution(const struct pw_event *event)
{
    return event->kind == PW_EVENT_QUOTE || event->kind == PW_EVENT_TRADE ||
           event->kind == PW_EVENT_AGG_TRADE || event->kind == PW_EVENT_BOOK_STATE ||
           event->kind == PW_EVENT_FEED_STATE || pw_event_is_terms(event->kind);
}

struct pw_encoder;

/* Cold. NULL: no memory. */
struct pw_encoder *pw_encoder_new(enum pw_block_type type, uint64_t run_id);
void pw_encoder_free(struct pw_encoder *encoder);

/* Begins the next block in `block`, of block_bytes (at least PW_BLOCK_BYTES_MIN; frames blocks at least
 * PW_BLOCK_BYTES_MIN more than the longest frame). Blocks are numbered from 0. */
void pw_encoder_begin(struct pw_encoder *encoder, uint8_t *block, size_t block_bytes);

/* False: full, nothing was taken. An empty block takes at least one event. */
bool pw_encoder_put(struct pw_encoder *encoder, const struct pw_event *event);
/* The same for a frames block: `frame` is followed by its body.frame.payload_bytes bytes. */
bool pw_encoder_put_frame(struct pw_encoder *encoder, const struct pw_event *frame, const uint8_t *bytes);

/* Completes header and counts, so that block[0..returned) is a whole block. More may be put afterwards. */
size_t pw_encoder_seal(struct pw_encoder *encoder);

/* Bytes of the block so far, but for what sealing adds. */
size_t pw_encoder_bytes(const struct pw_encoder *encoder);

uint64_t pw_encoder_block_no(const struct pw_encoder *encoder);
uint64_t pw_encoder_market_seq(const struct pw_encoder *encoder); /* market events that have gone by */

/* Judges a block without decoding its records: 0, or -EBADMSG and *why says what is wrong (never NULL then).
 */
int pw_block_check(const void *block, size_t bytes, const char **why);

struct pw_decoder;

struct pw_decoder *pw_decoder_new(void);
void pw_decoder_free(struct pw_decoder *decoder);

/* Begins to read a block, which must stay until the last call of pw_decoder_next; checks as pw_block_check
 * does, but for the check sum if trust_sum is set: then records are decoded as they are, which is safe with
 * any bytes. */
int pw_decoder_begin(struct pw_decoder *decoder, const void *block, size_t bytes, bool trust_sum);

/* 1: *out is the next event. 0: that was all. -EBADMSG: what follows cannot be read. */
int pw_decoder_next(struct pw_decoder *decoder, struct pw_event *out);

/* The bytes of the FRAME that pw_decoder_next returned last (body.frame.payload_bytes of them), or NULL. */
const uint8_t *pw_decoder_frame(const struct pw_decoder *decoder);

/* Market events that have gone by before the event returned last: its full number if it is the market's. */
uint64_t pw_decoder_market_seq(const struct pw_decoder *decoder);

#endif
