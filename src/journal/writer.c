/* SPDX-License-Identifier: MIT
 *
 * The writer: see writer.h.
 */
#include "writer.h"
#include "pw_assert.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_BLOCKS 4u
/* A frames block takes no more when it is as long: it has room for the longest frame, which may be far more,
 * but is stored anew with each commit until it is closed. */
#define FRAME_BLOCK_BYTES (256u << 10)
#define NEVER             UINT64_MAX /* what an event waits for that must wait for its successor */

/* Blocks of one type: closed ones that wait for a commit, and behind them the one being filled. */
struct stream {
    enum pw_block_type type;
    struct pw_encoder *encoder;
    uint32_t block_cnt; /* buffers */
    uint32_t closed_cnt;
    size_t block_bytes;
    bool begun;                        /* a block is being filled, in the buffer behind the closed ones */
    bool dirty;                        /* it has grown since it was committed */
    size_t sealed_bytes, stored_bytes; /* of it: as it was sealed last, as it was committed last */
    uint8_t *buffers[PW_WRITER_BLOCKS];
    size_t bytes[PW_WRITER_BLOCKS]; /* of closed blocks */
    uint64_t block_no[PW_WRITER_BLOCKS];
};

struct pw_writer {
    struct pw_writer_config config;
    struct stream events, frames;
    enum pw_writer_state state;
    int error;
    bool released; /* hold nothing back */
    int64_t committed_ns, commit_every_ns, retry_ns;
    /* Market events below mark_pos of their ring were there at mark_ns; those below ripe_pos need not wait
     * longer. */
    uint64_t mark_pos, ripe_pos;
    int64_t mark_ns;
    /* What is made of market events below mark_seq lies below mark_made of execution's ring; what was made of
     * those below made_seq has been taken from there. */
    uint64_t mark_seq, mark_made, made_seq;
    bool blocked; /* an order's event waits, and the market is silent */
    int64_t blocked_ns;
    uint64_t taken_cnt, taken_bytes; /* events, with frames' bytes; durable or not */
    struct pw_writer_stats stats;
};

/* ---- blocks ---- */

static bool stream_init(struct stream *stream, enum pw_block_type type, uint64_t run_id, uint32_t block_cnt,
                        size_t block_bytes)
{
    pw_assert(block_cnt >= 2 && block_cnt <= PW_WRITER_BLOCKS); /* one is filled while others wait */
    stream->type = type;
    stream->block_cnt = block_cnt;
    stream->block_bytes = block_bytes;
    stream->encoder = pw_encoder_new(type, run_id);
    bool good = stream->encoder != NULL;
    for (uint32_t i = 0; i < block_cnt; i++) {
        stream->buffers[i] = calloc(1, block_bytes);
        good &= stream->buffers[i] != NULL;
    }
    return good;
}

static void stream_fini(struct stream *stream)
{
    pw_encoder_free(stream->encoder);
    for (uint32_t i = 0; i < stream->block_cnt; i++) {
        free(stream->buffers[i]);
    }
}

static bool stream_put(struct stream *stream, const struct pw_event *event, const uint8_t *frame)
{
    bool put = frame ? pw_encoder_bytes(stream->encoder) < FRAME_BLOCK_BYTES &&
                           pw_encoder_put_frame(stream->encoder, event, frame)
                     : pw_encoder_put(stream->encoder, event);
    stream->dirty |= put;
    return put;
}

/* False: every buffer is full. */
static bool stream_add(struct stream *stream, const struct pw_event *event, const uint8_t *frame)
{
    pw_assert(stream->closed_cnt < stream->block_cnt);
    if (stream->begun) {
        if (stream_put(stream, event, frame)) {
            return true;
        }
        if (stream->closed_cnt + 1 == stream->block_cnt) {
            return false;
        }
        stream->block_no[stream->closed_cnt] = pw_encoder_block_no(stream->encoder);
        stream->bytes[stream->closed_cnt] = pw_encoder_seal(stream->encoder);
        stream->closed_cnt++;
    }
    stream->begun = true;
    pw_encoder_begin(stream->encoder, stream->buffers[stream->closed_cnt], stream->block_bytes);
    bool put = stream_put(stream, event, frame);
    pw_assert(put); /* an empty block takes whatever one event may be */
    return true;
}

static bool stream_waits(const struct stream *stream)
{
    pw_assert(stream->begun || !stream->dirty);
    return stream->dirty || stream->closed_cnt > 0;
}

/* Puts what is not durable into the store's transaction. */
static int stream_store(struct stream *stream, const struct pw_store *store)
{
    int err = 0;
    pw_assert(stream->begun || !stream_waits(stream));
    for (uint32_t i = 0; i < stream->closed_cnt && !err; i++) {
        err =
            store->put(store->state, stream->type, stream->block_no[i], stream->buffers[i], stream->bytes[i]);
    }
    if (!err && stream->dirty) {
        stream->sealed_bytes = pw_encoder_seal(stream->encoder);
        err = store->put(store->state, stream->type, pw_encoder_block_no(stream->encoder),
                         stream->buffers[stream->closed_cnt], stream->sealed_bytes);
    }
    return err;
}

/* All is durable: the closed blocks' buffers are free again. Returns how many bytes were stored for the first
 * time. */
static uint64_t stream_stored(struct stream *stream)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < stream->closed_cnt; i++) {
        pw_assert(i > 0 || stream->bytes[0] >= stream->stored_bytes); /* blocks only grow */
        bytes += stream->bytes[i] - (i == 0 ? stream->stored_bytes : 0);
    }
    if (stream->closed_cnt > 0) {
        uint8_t *filling = stream->buffers[stream->closed_cnt];
        stream->buffers[stream->closed_cnt] = stream->buffers[0];
        stream->buffers[0] = filling;
        stream->stored_bytes = 0;
        stream->closed_cnt = 0;
    }
    if (stream->dirty) {
        pw_assert(stream->sealed_bytes >= stream->stored_bytes);
        bytes += stream->sealed_bytes - stream->stored_bytes;
        stream->stored_bytes = stream->sealed_bytes;
        stream->dirty = false;
    }
    return bytes;
}

/* ---- commits ---- */

static int store_all(struct pw_writer *writer)
{
    const struct pw_store *store = writer->config.store;
    int err = stream_store(&writer->events, store);
    err = err ? err : stream_store(&writer->frames, store);
    return err ? err : store->commit(store->state);
}

/* A full segment is followed by the next, into which everything since the last commit goes. */
static int store_or_rotate(struct pw_writer *writer)
{
    const struct pw_store *store = writer->config.store;
    int err = store_all(writer);
    if (err == -EAGAIN) {
        writer->stats.full_cnt++;
        err = store->rotate(store->state);
        err = err ? err : store_all(writer);
    }
    return err == -EAGAIN ? -EFBIG : err;
}

static void took_commit(struct pw_writer *writer, int64_t duration_ns)
{
    writer->stats.stored_bytes += stream_stored(&writer->events) + stream_stored(&writer->frames);
    pw_assert(writer->stats.event_cnt <= writer->taken_cnt && !pw_writer_dirty(writer));
    writer->stats.event_cnt = writer->taken_cnt;
    writer->stats.plain_bytes = writer->taken_bytes;
    writer->stats.commit_cnt++;
    if (duration_ns > writer->stats.commit_max_ns) {
        writer->stats.commit_max_ns = duration_ns;
    }
}

int pw_writer_commit(struct pw_writer *writer, int64_t now_ns)
{
    const struct pw_store *store = writer->config.store;
    if (writer->state == PW_WRITER_FAILED || !pw_writer_dirty(writer)) {
        return writer->state == PW_WRITER_FAILED ? writer->error : 0;
    }
    if (writer->state == PW_WRITER_FULL && now_ns < writer->retry_ns) {
        return writer->error;
    }
    int64_t before_ns = pw_clock_now_ns(&writer->config.clock);
    int err = writer->state == PW_WRITER_FULL ? store->rotate(store->state) : 0;
    err = err ? err : store_or_rotate(writer);
    writer->error = err;
    writer->committed_ns = now_ns;
    if (err == 0) {
        took_commit(writer, pw_clock_now_ns(&writer->config.clock) - before_ns);
        writer->state = PW_WRITER_OK;
        return 0;
    }
    writer->stats.commit_error_cnt++;
    writer->stats.full_cnt += err == -ENOSPC && writer->state == PW_WRITER_OK;
    writer->state = err == -ENOSPC ? PW_WRITER_FULL : PW_WRITER_FAILED;
    writer->retry_ns = now_ns + PW_WRITER_RETRY_NS;
    return err;
}

/* ---- taking events ---- */

/* False: there is no room for it now. */
static bool take(struct pw_writer *writer, struct stream *stream, const struct pw_event *event,
                 const uint8_t *frame, int64_t now_ns)
{
    if (!stream_add(stream, event, frame) &&
        (pw_writer_commit(writer, now_ns) != 0 || !stream_add(stream, event, frame))) {
        return false;
    }
    writer->taken_cnt++;
    writer->taken_bytes += sizeof *event + (frame ? event->body.frame.payload_bytes : 0);
    if (event->kind == PW_EVENT_GAP && event->body.gap.reason == PW_REASON_JOURNAL_FULL) {
        writer->stats.dropped_cnt += event->body.gap.lost_cnt;
    }
    return true;
}

/* A TIME names no market event; it belongs in front of what it caused, which follows it. */
static uint64_t order_waits_for(const struct pw_consumer *orders, uint64_t i, uint64_t there)
{
    while (i < there && pw_consumer_at(orders, i)->kind == PW_EVENT_TIME) {
        i++;
    }
    return i < there ? pw_event_made_after(pw_consumer_at(orders, i)) : NEVER;
}

/* Takes what may be written of the orders' events from number *taken on. False: no room. */
static bool take_orders(struct pw_writer *writer, const struct pw_consumer *orders, uint64_t there, bool all,
                        uint64_t *taken, int64_t now_ns)
{
    while (*taken < there) {
        const struct pw_event *event = pw_consumer_at(orders, *taken);
        bool may = order_waits_for(orders, *taken, there) <= pw_encoder_market_seq(writer->events.encoder);
        if (!may && !all) {
            return true;
        }
        if (!take(writer, &writer->events, event, NULL, now_ns)) {
            return false;
        }
        writer->stats.unmatched_cnt += !may;
        ++*taken;
    }
    pw_assert(*taken == there);
    return true;
}

/* All that is there: the ring's own peek looks for more only when it has handed out what it knew of, but an
 * event that waits for its successor would then wait for ever. */
static uint64_t unread(struct pw_consumer *consumer)
{
    if (!consumer) {
        return 0;
    }
    /* Acquire: slots below head are whole. Pairs with the release in pw_producer_publish. */
    consumer->head_cache = atomic_load_explicit(&consumer->ring->head, memory_order_acquire);
    pw_assert(consumer->head_cache - consumer->tail <= consumer->mask + 1);
    return consumer->head_cache - consumer->tail;
}

/* Behind the last market event that strategy has put into the journal's ring. */
static uint64_t merged_seq(const struct pw_writer *writer, struct pw_consumer *market)
{
    uint64_t seq = pw_encoder_market_seq(writer->events.encoder);
    uint64_t there = unread(market);
    if (there == 0) {
        return seq;
    }
    /* Events bear the low half of their number. */
    return seq + (uint32_t)(pw_consumer_at(market, there - 1)->seq - (uint32_t)seq) + 1;
}

/* Finds out how far strategy and execution have come. The order of these reads matters: a mark is a number of
 * strategy's with a position at least as far in execution's ring; when execution has passed that position,
 * the journal's ring has all that the market up to there has caused. For both stages publish what they made
 * before they give back what they took. */
static void follow_decisions(struct pw_writer *writer, const struct pw_writer_input *input)
{
    if ((!input->strategy_in && !input->merged) || !input->execution_in) {
        return;
    }
    /* Acquire: what execution has put into the journal's ring is visible. Pairs with the release in
     * pw_consumer_done. */
    if (atomic_load_explicit(&input->execution_in->tail, memory_order_acquire) < writer->mark_made) {
        return;
    }
    writer->made_seq = writer->mark_seq;
    /* Acquire: the head read next is not older. Pairs with the release in pw_consumer_done; merged, with that
     * in pw_producer_publish. */
    writer->mark_seq = input->merged ? merged_seq(writer, input->market)
                                     : atomic_load_explicit(&input->strategy_in->tail, memory_order_acquire);
    writer->mark_made = atomic_load_explicit(&input->execution_in->head, memory_order_acquire);
}

/* How many unread market events may be written even if what they caused may still come: those that have
 * waited for long, and those beyond half of the ring, since a ring that fills makes parse drop or wait. */
static uint64_t ripe_events(struct pw_writer *writer, const struct pw_consumer *market, uint64_t there,
                            int64_t now_ns)
{
    if (writer->released || writer->config.hold_ns == 0) {
        return there;
    }
    if (now_ns - writer->mark_ns >= writer->config.hold_ns || now_ns < writer->mark_ns) {
        writer->ripe_pos = writer->mark_pos;
        writer->mark_pos = market->tail + there;
        writer->mark_ns = now_ns;
    }
    pw_assert(writer->ripe_pos <= writer->mark_pos && writer->mark_pos <= market->tail + there);
    uint64_t half = (market->mask + 1) / 2;
    uint64_t ripe = writer->ripe_pos > market->tail ? writer->ripe_pos - market->tail : 0;
    uint64_t pressing = there > half ? there - half : 0;
    ripe = ripe > pressing ? ripe : pressing;
    return ripe < there ? ripe : there;
}

/* True when an order's event has waited for a commit interval without any market event: what it names was
 * dropped, and the gap that says so comes with the next event. */
static bool market_is_silent(struct pw_writer *writer, bool waiting, int64_t now_ns)
{
    if (!waiting) {
        writer->blocked = false;
        return false;
    }
    if (!writer->blocked) {
        writer->blocked = true;
        writer->blocked_ns = now_ns;
    }
    return writer->released || now_ns - writer->blocked_ns >= writer->config.commit_interval_ns;
}

static void done(struct pw_consumer *consumer, uint64_t taken)
{
    if (taken > 0) {
        pw_consumer_done(consumer, taken);
    }
}

static uint32_t take_events(struct pw_writer *writer, const struct pw_writer_input *input, uint32_t batch_max,
                            int64_t now_ns)
{
    follow_decisions(writer, input);
    uint64_t market_there = unread(input->market);
    uint64_t orders_there = unread(input->orders); /* last: what market events caused is seen with them */
    uint64_t market_taken = 0, orders_taken = 0;
    uint64_t ripe = input->market ? ripe_events(writer, input->market, market_there, now_ns) : 0;
    uint64_t batch = market_there < batch_max ? market_there : batch_max;
    bool all = input->market == NULL;
    bool room = take_orders(writer, input->orders, orders_there, all, &orders_taken, now_ns);
    while (room && market_taken < batch &&
           (market_taken < ripe || pw_encoder_market_seq(writer->events.encoder) < writer->made_seq)) {
        const struct pw_event *event = pw_consumer_at(input->market, market_taken);
        room = take(writer, &writer->events, event, NULL, now_ns);
        market_taken += room;
        if (room && orders_taken < orders_there) {
            room = take_orders(writer, input->orders, orders_there, all, &orders_taken, now_ns);
        }
    }
    writer->blocked &= market_taken == 0;
    bool waiting = room && orders_taken < orders_there && market_taken == market_there;
    if (market_is_silent(writer, waiting, now_ns)) {
        take_orders(writer, input->orders, orders_there, true, &orders_taken, now_ns);
    }
    pw_assert(market_taken <= market_there && orders_taken <= orders_there);
    done(input->market, market_taken);
    done(input->orders, orders_taken);
    return (uint32_t)(market_taken + orders_taken);
}

static uint32_t take_frames(struct pw_writer *writer, struct pw_consumer *frames, uint32_t batch_max,
                            int64_t now_ns)
{
    uint64_t there = frames ? pw_consumer_peek(frames, batch_max) : 0;
    uint64_t taken = 0;
    while (taken < there) {
        const struct pw_event *event = pw_consumer_at(frames, taken);
        if (event->kind != PW_EVENT_FRAME ||
            event->body.frame.payload_bytes > writer->config.frame_bytes_max) {
            writer->stats.dropped_cnt++;
        } else if (!take(writer, &writer->frames, event, pw_consumer_payload(frames, event), now_ns)) {
            break;
        }
        taken++;
    }
    pw_assert(taken <= there);
    done(frames, taken);
    return (uint32_t)taken;
}

/* ---- the whole ---- */

struct pw_writer *pw_writer_new(const struct pw_writer_config *config)
{
    struct pw_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return NULL;
    }
    writer->config = *config;
    if (writer->config.hold_ns > config->commit_interval_ns / 4) {
        writer->config.hold_ns = config->commit_interval_ns / 4;
    }
    /* What was held back before it was taken must not wait for longer than was promised. */
    writer->commit_every_ns = config->commit_interval_ns - 2 * writer->config.hold_ns;
    pw_assert(writer->config.hold_ns >= 0 && writer->commit_every_ns >= 0);
    writer->committed_ns = INT64_MIN / 2;
    writer->mark_ns = INT64_MIN / 2;
    bool good = stream_init(&writer->events, PW_BLOCK_EVENTS, config->run_id, PW_WRITER_BLOCKS,
                            PW_WRITER_BLOCK_BYTES);
    if (good && config->frame_bytes_max > 0) {
        good = stream_init(&writer->frames, PW_BLOCK_FRAMES, config->run_id, FRAME_BLOCKS,
                           config->frame_bytes_max + PW_WRITER_BLOCK_BYTES);
    }
    if (!good) {
        pw_writer_free(writer);
        return NULL;
    }
    return writer;
}

void pw_writer_free(struct pw_writer *writer)
{
    if (writer) {
        stream_fini(&writer->events);
        stream_fini(&writer->frames);
        free(writer);
    }
}

static int64_t due_ns(const struct pw_writer *writer)
{
    pw_assert(writer->state != PW_WRITER_FAILED);
    if (writer->state == PW_WRITER_FULL) {
        return writer->retry_ns;
    }
    return writer->committed_ns + writer->commit_every_ns;
}

uint32_t pw_writer_poll(struct pw_writer *writer, const struct pw_writer_input *input, uint32_t batch_max,
                        int64_t now_ns)
{
    uint32_t took = 0;
    if (writer->state == PW_WRITER_OK) {
        took = take_events(writer, input, batch_max, now_ns) +
               take_frames(writer, input->frames, batch_max, now_ns) +
               take_frames(writer, input->wire, batch_max, now_ns);
    }
    if (pw_writer_dirty(writer) && writer->state != PW_WRITER_FAILED && now_ns >= due_ns(writer)) {
        pw_writer_commit(writer, now_ns);
    }
    return took;
}

int64_t pw_writer_next_ns(const struct pw_writer *writer, const struct pw_writer_input *input)
{
    int64_t next_ns = INT64_MAX;
    if (writer->state == PW_WRITER_FAILED) {
        return next_ns;
    }
    if (pw_writer_dirty(writer)) {
        next_ns = due_ns(writer);
    }
    if (writer->state == PW_WRITER_OK && (unread(input->market) > 0 || unread(input->orders) > 0)) {
        int64_t ripe_ns = writer->mark_ns + writer->config.hold_ns;
        next_ns = ripe_ns < next_ns ? ripe_ns : next_ns;
    }
    return next_ns;
}

bool pw_writer_dirty(const struct pw_writer *writer)
{
    return stream_waits(&writer->events) || stream_waits(&writer->frames);
}

void pw_writer_release(struct pw_writer *writer)
{
    writer->released = true;
}

enum pw_writer_state pw_writer_state(const struct pw_writer *writer)
{
    return writer->state;
}

int pw_writer_error(const struct pw_writer *writer)
{
    return writer->error;
}

const struct pw_writer_stats *pw_writer_stats(const struct pw_writer *writer)
{
    return &writer->stats;
}
