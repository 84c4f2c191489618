/* SPDX-License-Identifier: MIT
 *
 * The writer: see writer.h.
 */
#include "writer.h"
#include "committer.h"
#include "pw_assert.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A frames block takes no more when it is as long: it has room for the longest frame, which may be far more,
 * but is stored anew with each commit until it is closed. */
#define FRAME_BLOCK_BYTES (256u << 10)
#define NEVER             UINT64_MAX /* what an event waits for that must wait for its successor */
/* Polls that a commit waits for the rings to be empty: with full batches all that a ring can hold. */
#define DRAIN_POLLS 64u

/* Blocks of one type, in a round of buffers: closed ones that wait for a commit, behind them the one being
 * filled. */
struct stream {
    enum pw_block_type type;
    struct pw_encoder *encoder;
    uint32_t block_cnt; /* buffers */
    uint32_t first;     /* buffer of the oldest closed block */
    uint32_t closed_cnt;
    size_t block_bytes;
    bool begun;           /* a block is being filled, in the buffer behind the closed ones */
    bool dirty;           /* it has grown since it was sent */
    size_t counted_bytes; /* of the oldest block that is not stored as a whole: what stored_bytes counts */
    /* Of the commit under way: closed blocks; bytes of the block being filled, of which it has a copy. */
    uint32_t sent_cnt;
    size_t sent_bytes;
    uint8_t *copy;
    uint8_t *buffers[PW_WRITER_BLOCKS_MAX];
    size_t bytes[PW_WRITER_BLOCKS_MAX]; /* of closed blocks */
    uint64_t block_no[PW_WRITER_BLOCKS_MAX];
};

/* When what waits in a ring came there: events from older_pos on not before older_ns. */
struct arrival {
    uint64_t older_pos, newer_pos;
    int64_t older_ns, newer_ns;
};

/* Events that were taken, by what their loss means. */
struct counts {
    uint64_t event_cnt, plain_bytes;
    uint64_t market, gap_dropped, orders, fills, others;
};

struct pw_writer {
    struct pw_writer_config config;
    struct pw_committer *committer;
    struct stream events, frames;
    enum pw_writer_state state;
    int error;
    bool released;   /* hold nothing back */
    bool committing; /* a commit is under way */
    bool full;       /* every buffer for events is full */
    bool drained;    /* the last poll took all that it might */
    uint32_t waited_polls;
    int64_t committed_ns, commit_every_ns, retry_ns;
    /* When the oldest event came that is in the commit under way, that is taken but in none; INT64_MAX: none.
     */
    int64_t sent_since_ns, taken_since_ns;
    uint64_t skipped_cnt;       /* what found no room in the ring of orders, as of the last poll */
    struct arrival arrivals[4]; /* in the order of the rings of struct pw_writer_input */
    int64_t polled_ns;
    int64_t arrived_ns; /* what the rings have now came not before */
    /* What is made of market events below mark_seq lies below mark_made of execution's ring; what was made of
     * those below made_seq has been taken from there. */
    uint64_t mark_seq, mark_made, made_seq;
    uint64_t booked_seq; /* below it are market events that a gap of the writer's own reports */
    bool blocked;        /* an order's event waits, and the market is silent */
    int64_t blocked_ns;
    struct counts taken, sent; /* all; those of the commit under way, and all before */
    uint64_t discarded_cnt;    /* market events that came behind the gap that reports them */
    struct counts stored;
    struct pw_writer_stats stats;
    struct pw_batch_block batch[2 * PW_WRITER_BLOCKS_MAX];
};

/* ---- blocks ---- */

static bool stream_init(struct stream *stream, enum pw_block_type type, uint64_t run_id, uint32_t block_cnt,
                        size_t block_bytes)
{
    pw_assert(block_cnt >= 2 && block_cnt <= PW_WRITER_BLOCKS_MAX); /* one is filled while others wait */
    stream->type = type;
    stream->block_cnt = block_cnt;
    stream->block_bytes = block_bytes;
    stream->encoder = pw_encoder_new(type, run_id);
    stream->copy = calloc(1, block_bytes);
    bool good = stream->encoder != NULL && stream->copy != NULL;
    for (uint32_t i = 0; i < block_cnt; i++) {
        stream->buffers[i] = calloc(1, block_bytes);
        good &= stream->buffers[i] != NULL;
    }
    return good;
}

static void stream_fini(struct stream *stream)
{
    pw_encoder_free(stream->encoder);
    free(stream->copy);
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

static uint32_t stream_at(const struct stream *stream, uint32_t i)
{
    return (stream->first + i) % stream->block_cnt;
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
        uint32_t at = stream_at(stream, stream->closed_cnt++);
        stream->block_no[at] = pw_encoder_block_no(stream->encoder);
        stream->bytes[at] = pw_encoder_seal(stream->encoder);
    }
    stream->begun = true;
    pw_encoder_begin(stream->encoder, stream->buffers[stream_at(stream, stream->closed_cnt)],
                     stream->block_bytes);
    bool put = stream_put(stream, event, frame);
    pw_assert(put); /* an empty block takes whatever one event may be */
    return true;
}

static bool stream_waits(const struct stream *stream)
{
    pw_assert(stream->begun || !stream->dirty);
    return stream->dirty || stream->closed_cnt > 0;
}

/* What is not durable, as blocks of a batch. Returns how many there are. */
static uint32_t stream_send(struct stream *stream, struct pw_batch_block *blocks)
{
    pw_assert(stream->begun || !stream_waits(stream));
    uint32_t cnt = 0;
    for (; cnt < stream->closed_cnt; cnt++) {
        uint32_t at = stream_at(stream, cnt);
        blocks[cnt] = (struct pw_batch_block){stream->buffers[at], stream->bytes[at], stream->block_no[at],
                                              stream->type};
    }
    stream->sent_cnt = cnt;
    stream->sent_bytes = 0;
    if (stream->dirty) {
        stream->dirty = false;
        stream->sent_bytes = pw_encoder_seal(stream->encoder);
        memcpy(stream->copy, stream->buffers[stream_at(stream, cnt)], stream->sent_bytes);
        blocks[cnt++] = (struct pw_batch_block){stream->copy, stream->sent_bytes,
                                                pw_encoder_block_no(stream->encoder), stream->type};
    }
    return cnt;
}

/* What was sent is durable: the closed blocks' buffers are free again. Returns how many bytes were stored for
 * the first time. */
static uint64_t stream_stored(struct stream *stream)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < stream->sent_cnt; i++) {
        size_t size = stream->bytes[stream_at(stream, i)];
        pw_assert(size >= stream->counted_bytes); /* blocks only grow */
        bytes += size - stream->counted_bytes;
        stream->counted_bytes = 0;
    }
    if (stream->sent_cnt > 0) {
        stream->first = stream_at(stream, stream->sent_cnt);
        stream->closed_cnt -= stream->sent_cnt;
        stream->sent_cnt = 0;
    }
    if (stream->sent_bytes > 0) {
        pw_assert(stream->sent_bytes >= stream->counted_bytes);
        bytes += stream->sent_bytes - stream->counted_bytes;
        stream->counted_bytes = stream->sent_bytes;
    }
    return bytes;
}

static void stream_not_stored(struct stream *stream)
{
    stream->dirty |= stream->sent_bytes > 0;
    stream->sent_cnt = 0;
}

/* ---- commits ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void begin_commit(struct pw_writer *writer, int64_t now_ns)
{
    pw_assert(!writer->committing && pw_writer_dirty(writer) && writer->state != PW_WRITER_FAILED);
    struct pw_batch batch = {
        .blocks = writer->batch, .anew = writer->state == PW_WRITER_FULL, .skipped_cnt = writer->skipped_cnt};
    batch.cnt = stream_send(&writer->events, writer->batch);
    batch.cnt += stream_send(&writer->frames, writer->batch + batch.cnt);
    writer->sent = writer->taken;
    writer->sent_since_ns = writer->taken_since_ns;
    writer->taken_since_ns = INT64_MAX;
    writer->committed_ns = now_ns;
    writer->waited_polls = 0;
    writer->committing = true;
    pw_committer_begin(writer->committer, &batch);
}

static void took_commit(struct pw_writer *writer, int64_t took_ns)
{
    writer->stats.stored_bytes += stream_stored(&writer->events) + stream_stored(&writer->frames);
    pw_assert(writer->stored.event_cnt <= writer->sent.event_cnt);
    writer->stored = writer->sent;
    writer->sent_since_ns = INT64_MAX;
    writer->stats.event_cnt = writer->stored.event_cnt;
    writer->stats.plain_bytes = writer->stored.plain_bytes;
    writer->stats.commit_cnt++;
    writer->full = false;
    if (took_ns > writer->stats.commit_max_ns) {
        writer->stats.commit_max_ns = took_ns;
    }
}

static void failed_commit(struct pw_writer *writer, int err, int64_t now_ns)
{
    stream_not_stored(&writer->events);
    stream_not_stored(&writer->frames);
    writer->taken_since_ns = least(writer->sent_since_ns, writer->taken_since_ns);
    writer->sent_since_ns = INT64_MAX;
    writer->stats.commit_error_cnt++;
    writer->stats.full_cnt += err == -ENOSPC && writer->state == PW_WRITER_OK;
    writer->state = err == -ENOSPC ? PW_WRITER_FULL : PW_WRITER_FAILED;
    writer->retry_ns = now_ns + PW_WRITER_RETRY_NS;
}

/* Ends the commit under way, if there is one and it has ended; wait: it will have. */
static void end_commit(struct pw_writer *writer, bool wait, int64_t now_ns)
{
    struct pw_batch_result result;
    if (!writer->committing || !pw_committer_done(writer->committer, wait, &result)) {
        return;
    }
    writer->committing = false;
    writer->error = result.err;
    writer->stats.full_cnt += result.rotated_cnt;
    if (result.err) {
        failed_commit(writer, result.err, now_ns);
        return;
    }
    writer->state = PW_WRITER_OK;
    took_commit(writer, result.took_ns);
}

static bool may_commit(const struct pw_writer *writer, int64_t now_ns)
{
    return !writer->committing && pw_writer_dirty(writer) && writer->state != PW_WRITER_FAILED &&
           (writer->state == PW_WRITER_OK || now_ns >= writer->retry_ns);
}

/* Begins one if it may; without a thread it has ended, too. */
static void commit_now(struct pw_writer *writer, int64_t now_ns)
{
    if (may_commit(writer, now_ns)) {
        begin_commit(writer, now_ns);
        end_commit(writer, false, now_ns);
    }
}

int pw_writer_commit(struct pw_writer *writer, int64_t now_ns)
{
    end_commit(writer, true, now_ns);
    commit_now(writer, now_ns);
    end_commit(writer, true, now_ns);
    pw_assert(!writer->committing);
    return writer->state == PW_WRITER_OK ? 0 : writer->error;
}

/* ---- taking events ---- */

static void count(struct counts *counts, const struct pw_event *event, uint64_t frame_bytes)
{
    bool is_drop = pw_event_is_market(event) && event->kind == PW_EVENT_GAP &&
                   event->body.gap.reason == PW_REASON_JOURNAL_FULL;
    counts->event_cnt++;
    counts->plain_bytes += sizeof *event + frame_bytes;
    if (is_drop) {
        counts->gap_dropped += event->body.gap.lost_cnt;
    } else if (pw_event_is_market(event)) {
        counts->market++;
    } else if (event->kind == PW_EVENT_FILL) {
        counts->fills++;
    } else if (event->kind == PW_EVENT_ORDER && event->body.order.state == PW_ORDER_IN_FLIGHT) {
        counts->orders++;
    } else {
        counts->others++;
    }
}

/* False: there is no room for it now. */
static bool take(struct pw_writer *writer, struct stream *stream, const struct pw_event *event,
                 const uint8_t *frame, int64_t now_ns)
{
    if (!stream_add(stream, event, frame)) {
        commit_now(writer, now_ns);
        if (!stream_add(stream, event, frame)) {
            writer->full |= stream == &writer->events;
            return false;
        }
    }
    writer->taken_since_ns = least(writer->taken_since_ns, writer->arrived_ns);
    uint64_t dropped = writer->taken.gap_dropped;
    count(&writer->taken, event, frame ? event->body.frame.payload_bytes : 0);
    writer->stats.dropped_cnt += writer->taken.gap_dropped - dropped;
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

/* A TIME names no market event; it belongs in front of what it caused, which follows it. */
static uint64_t order_waits_for(const struct pw_consumer *orders, uint64_t i, uint64_t there)
{
    while (i < there && pw_consumer_at(orders, i)->kind == PW_EVENT_TIME) {
        i++;
    }
    return i < there ? pw_event_made_after(pw_consumer_at(orders, i)) : NEVER;
}

/* How many market events strategy has taken; what it made of them is in the ring to execution. */
static uint64_t strategy_seq(const struct pw_writer_input *input)
{
    uint64_t seq = 0;
    for (uint32_t i = 0; i < input->strategy_in_cnt; i++) {
        /* Acquire: the head of execution's ring read next is not older. Pairs with the release in
         * pw_consumer_done. */
        seq += atomic_load_explicit(&input->strategy_in[i]->tail, memory_order_acquire);
    }
    return seq;
}

/* Finds out how far strategy and execution have come. The order of these reads matters: a mark is a number of
 * strategy's with a position at least as far in execution's ring; when execution has passed that position,
 * the journal's ring has all that the market up to there has caused. For both stages publish what they made
 * before they give back what they took. */
static void follow_decisions(struct pw_writer *writer, const struct pw_writer_input *input)
{
    if (input->strategy_in_cnt == 0 || !input->execution_in) {
        writer->made_seq = NEVER;
        return;
    }
    /* Acquire: what execution has put into the journal's ring is visible. Pairs with the release in
     * pw_consumer_done. */
    if (atomic_load_explicit(&input->execution_in->tail, memory_order_acquire) < writer->mark_made) {
        return;
    }
    writer->made_seq = writer->mark_seq;
    writer->mark_seq = strategy_seq(input);
    writer->mark_made = atomic_load_explicit(&input->execution_in->head, memory_order_acquire);
}

/* True when an order's event has waited for a commit interval without any market event: what it names was
 * dropped, and the gap that says so is late. */
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

/* Of the market up to, not including, `seq`, which does not come. False: no room. */
static bool book_gap(struct pw_writer *writer, uint64_t seq, int64_t recv_ns, int64_t now_ns)
{
    uint64_t first = pw_encoder_market_seq(writer->events.encoder);
    pw_assert(first < seq && seq != NEVER);
    struct pw_event gap = {
        .seq = (uint32_t)first,
        .instrument_idx = PW_NO_INSTRUMENT,
        .kind = PW_EVENT_GAP,
        .recv_ns = recv_ns,
        .body.gap = {
            .first = first, .last = seq - 1, .lost_cnt = seq - first, .reason = PW_REASON_JOURNAL_FULL}};
    bool room = take(writer, &writer->events, &gap, NULL, now_ns);
    writer->booked_seq = room ? seq : writer->booked_seq;
    return room;
}

/* What the writer has booked already is cut out. False: nothing is left of it. */
static bool cut_booked(struct pw_writer *writer, struct pw_event *event)
{
    uint64_t seq = pw_encoder_market_seq(writer->events.encoder);
    struct pw_gap *gap = &event->body.gap;
    if (event->kind == PW_EVENT_GAP && gap->reason == PW_REASON_JOURNAL_FULL) {
        if (gap->first < writer->booked_seq) {
            gap->first = gap->last < writer->booked_seq ? gap->last + 1 : writer->booked_seq;
            gap->lost_cnt = gap->last + 1 - gap->first;
            event->seq = (uint32_t)gap->first;
        }
        return gap->lost_cnt > 0;
    }
    bool is_late = seq <= writer->booked_seq && (int32_t)(event->seq - (uint32_t)seq) < 0;
    writer->discarded_cnt += is_late;
    return !is_late;
}

static bool take_market(struct pw_writer *writer, const struct pw_event *event, int64_t now_ns)
{
    if (writer->booked_seq == 0) {
        return take(writer, &writer->events, event, NULL, now_ns);
    }
    struct pw_event copy = *event;
    return !cut_booked(writer, &copy) || take(writer, &writer->events, &copy, NULL, now_ns);
}

/* Two rings under way. */
struct merge {
    uint64_t market_there, market_taken, orders_there, orders_taken;
    bool room;
};

/* Takes events of both as far as they may be written. */
static void take_both(struct pw_writer *writer, const struct pw_writer_input *input, uint32_t batch_max,
                      struct merge *m, int64_t now_ns)
{
    while (m->room) {
        uint64_t seq = pw_encoder_market_seq(writer->events.encoder);
        uint64_t waits_for = order_waits_for(input->orders, m->orders_taken, m->orders_there);
        bool has_order = m->orders_taken < m->orders_there;
        if (has_order && (waits_for <= seq || !input->market)) {
            m->room =
                take(writer, &writer->events, pw_consumer_at(input->orders, m->orders_taken), NULL, now_ns);
            m->orders_taken += m->room;
        } else if (m->market_taken < m->market_there && m->market_taken < batch_max &&
                   (waits_for != NEVER || seq < writer->made_seq || writer->released)) {
            m->room = take_market(writer, pw_consumer_at(input->market, m->market_taken), now_ns);
            m->market_taken += m->room;
        } else {
            return;
        }
    }
}

/* The next order's event names what does not come. */
static void give_up(struct pw_writer *writer, const struct pw_writer_input *input, struct merge *m,
                    int64_t now_ns)
{
    const struct pw_event *event = pw_consumer_at(input->orders, m->orders_taken);
    uint64_t waits_for = order_waits_for(input->orders, m->orders_taken, m->orders_there);
    /* The first market event is named by what was made before there was any, too. */
    bool is_first = waits_for == 1 && pw_encoder_market_seq(writer->events.encoder) == 0;
    m->room = is_first || waits_for == NEVER || book_gap(writer, waits_for, event->recv_ns, now_ns);
    m->room = m->room && take(writer, &writer->events, event, NULL, now_ns);
    m->orders_taken += m->room;
    writer->stats.unmatched_cnt += m->room && waits_for != NEVER;
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
    struct merge m = {.room = true};
    /* In this order: what market events worked through have caused is seen with them; and what orders' events
     * name is seen with those, unless it was dropped. */
    follow_decisions(writer, input);
    m.orders_there = unread(input->orders);
    m.market_there = unread(input->market);
    take_both(writer, input, batch_max, &m, now_ns);
    bool waiting = m.room && m.orders_taken < m.orders_there && m.market_taken == m.market_there;
    writer->blocked &= m.market_taken == 0;
    if (market_is_silent(writer, waiting, now_ns)) {
        give_up(writer, input, &m, now_ns);
        take_both(writer, input, batch_max, &m, now_ns);
    }
    pw_assert(m.market_taken <= m.market_there && m.orders_taken <= m.orders_there);
    done(input->market, m.market_taken);
    done(input->orders, m.orders_taken);
    writer->drained &= m.room && m.market_taken < batch_max;
    return (uint32_t)(m.market_taken + m.orders_taken);
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
    writer->drained &= taken == there && there < batch_max;
    return (uint32_t)taken;
}

/* ---- since when what is not durable has been waiting ---- */

static const struct pw_consumer *ring_of(const struct pw_writer_input *input, uint32_t i)
{
    const struct pw_consumer *const rings[4] = {input->market, input->orders, input->frames, input->wire};
    return rings[i];
}

static uint64_t head_of(const struct pw_consumer *ring)
{
    /* Relaxed: nothing is read by it. */
    return atomic_load_explicit(&ring->ring->head, memory_order_relaxed);
}

/* What its producer found no room for. */
static uint64_t dropped_of(const struct pw_consumer *ring)
{
    return ring ? atomic_load_explicit(&ring->ring->dropped_cnt, memory_order_relaxed) : 0;
}

/* Before events are taken. */
static void note_arrivals(struct pw_writer *writer, const struct pw_writer_input *input, int64_t now_ns)
{
    writer->arrived_ns = now_ns;
    for (uint32_t i = 0; i < 4; i++) {
        const struct pw_consumer *ring = ring_of(input, i);
        struct arrival *arrival = &writer->arrivals[i];
        if (!ring) {
            continue;
        }
        if (writer->polled_ns == INT64_MIN) {
            *arrival = (struct arrival){.older_ns = now_ns, .newer_ns = now_ns};
        } else if (ring->tail >= arrival->newer_pos) {
            *arrival = (struct arrival){arrival->newer_pos, head_of(ring), arrival->newer_ns, now_ns};
        }
        if (head_of(ring) > ring->tail) {
            writer->arrived_ns = least(writer->arrived_ns, arrival->older_ns);
        }
    }
    writer->polled_ns = now_ns;
}

int64_t pw_writer_lag_ns(const struct pw_writer *writer, const struct pw_writer_input *input, int64_t now_ns)
{
    int64_t since_ns = writer->sent_since_ns;
    if (pw_writer_dirty(writer)) {
        since_ns = least(since_ns, writer->taken_since_ns);
    }
    for (uint32_t i = 0; i < 4; i++) {
        const struct pw_consumer *ring = ring_of(input, i);
        const struct arrival *arrival = &writer->arrivals[i];
        if (ring && writer->polled_ns != INT64_MIN && head_of(ring) > ring->tail) {
            since_ns =
                least(since_ns, ring->tail >= arrival->newer_pos ? arrival->newer_ns : arrival->older_ns);
        }
    }
    return since_ns < now_ns ? now_ns - since_ns : 0;
}

/* ---- the whole ---- */

struct pw_writer *pw_writer_new(const struct pw_writer_config *config)
{
    struct pw_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return NULL;
    }
    writer->config = *config;
    int64_t half_ns = config->commit_interval_ns / 2;
    writer->commit_every_ns = config->commit_interval_ns - least(config->sync_ns, half_ns);
    pw_assert(config->sync_ns >= 0 && writer->commit_every_ns >= 0);
    writer->committed_ns = INT64_MIN / 2;
    writer->polled_ns = INT64_MIN;
    writer->sent_since_ns = writer->taken_since_ns = INT64_MAX;
    writer->committer = pw_committer_new(config->store, config->clock);
    bool good = writer->committer &&
                stream_init(&writer->events, PW_BLOCK_EVENTS, config->run_id,
                            config->block_cnt ? config->block_cnt : PW_WRITER_BLOCKS, PW_WRITER_BLOCK_BYTES);
    if (good && config->frame_bytes_max > 0) {
        good = stream_init(&writer->frames, PW_BLOCK_FRAMES, config->run_id, PW_WRITER_FRAME_BLOCKS,
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
        pw_committer_free(writer->committer); /* first: it may be at the blocks yet */
        stream_fini(&writer->events);
        stream_fini(&writer->frames);
        free(writer);
    }
}

int pw_writer_start(struct pw_writer *writer)
{
    return pw_committer_start(writer->committer);
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
    end_commit(writer, false, now_ns);
    if (writer->state == PW_WRITER_FAILED) {
        return 0;
    }
    note_arrivals(writer, input, now_ns);
    writer->drained = true;
    writer->skipped_cnt = dropped_of(input->orders);
    uint32_t took = take_events(writer, input, batch_max, now_ns) +
                    take_frames(writer, input->frames, batch_max, now_ns) +
                    take_frames(writer, input->wire, batch_max, now_ns);
    /* All that is there goes into the commit. */
    if (may_commit(writer, now_ns) && now_ns >= due_ns(writer) &&
        (writer->drained || writer->full || ++writer->waited_polls >= DRAIN_POLLS)) {
        commit_now(writer, now_ns);
    }
    return took;
}

int64_t pw_writer_next_ns(const struct pw_writer *writer, const struct pw_writer_input *input)
{
    int64_t next_ns = INT64_MAX;
    if (writer->state == PW_WRITER_FAILED) {
        return next_ns;
    }
    if (pw_writer_dirty(writer) && !writer->committing) {
        next_ns = due_ns(writer);
    }
    if (!writer->full && (unread(input->market) > 0 || unread(input->orders) > 0)) {
        next_ns = least(next_ns, writer->polled_ns + PW_WRITER_LOOK_NS);
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

bool pw_writer_commits(const struct pw_writer *writer)
{
    return writer->committing;
}

bool pw_writer_takes(const struct pw_writer *writer)
{
    return writer->state != PW_WRITER_FAILED && !writer->full;
}

/* What a ring has that was not taken. */
static void count_left(struct counts *counts, const struct pw_consumer *ring)
{
    /* Acquire: slots below head are whole. Pairs with the release in pw_producer_publish. */
    uint64_t head = ring ? atomic_load_explicit(&ring->ring->head, memory_order_acquire) : 0;
    for (uint64_t i = 0; ring && i < head - ring->tail; i++) {
        count(counts, pw_consumer_at(ring, i), 0);
    }
}

void pw_writer_loss(const struct pw_writer *writer, const struct pw_writer_input *input,
                    struct pw_journal_loss *loss)
{
    struct counts all = writer->taken;
    const struct counts *stored = &writer->stored;
    for (uint32_t i = 0; i < 4; i++) {
        count_left(&all, ring_of(input, i));
    }
    uint64_t dropped = dropped_of(input->market) + writer->discarded_cnt;
    dropped = dropped > stored->gap_dropped ? dropped : stored->gap_dropped;
    *loss =
        (struct pw_journal_loss){.dropped_cnt = stored->gap_dropped,
                                 .market_cnt = all.market - stored->market + dropped - stored->gap_dropped,
                                 .order_cnt = all.orders - stored->orders,
                                 .fill_cnt = all.fills - stored->fills,
                                 .other_cnt = all.others - stored->others + dropped_of(input->orders)};
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
