/* SPDX-License-Identifier: MIT
 *
 * Receiving, decoding and closing on established connections. (Sending is in hot_tx.c.)
 *
 * The order that parse, or for order entry execution, sees is the order of the bytes: a notice UP, messages,
 * a notice when a feed goes stale and comes back, and after the last message a notice DOWN. What finds no
 * room in the ring stays where it is, the connection's buffers fill up, the socket is not read any more, and
 * TCP pushes back: nothing is lost and nothing grows.
 */
#include "hot.h"

#include "net_private.h"
#include <assert.h>
#include <errno.h>
#include <pinwheel/units.h>
#include <string.h>

#define CLOSE_WAIT_NS     (500 * PW_NS_PER_MS) /* for the peer's part in closing */
#define CLOSE_FLUSH_NS    (200 * PW_NS_PER_MS) /* and then for our last bytes to leave */
#define STOP_WAIT_NS      (300 * PW_NS_PER_MS) /* for all connections together at the end of the run */
#define STOP_STEP_NS      (1 * PW_NS_PER_MS)
#define READ_ROOM_MIN     2048u
#define CLOSE_NORMAL      1000 /* RFC 6455, 7.4.1 */
#define CLOSE_GOING_AWAY  1001
#define CLOSE_POLICY      1008
#define SERVE_ALL_NS      PW_NS_PER_MS
#define KERNEL_AGO_MAX_NS (10000 * PW_NS_PER_MS)
#define LATE_PASS_NS      (5 * PW_NS_PER_MS)     /* a core that sleeps makes a pass each millisecond */
#define MESSAGE_WAIT_NS   (10000 * PW_NS_PER_MS) /* reliability.md, A8 */

/* ---- rings ---- */

static bool is_order_entry(const struct pw_hot *hot, const struct pw_conn_slot *slot)
{
    return (hot->order_slots >> slot->idx & 1) != 0;
}

/* Where what comes on this connection goes. */
static struct pw_producer *ring_of(struct pw_hot *hot, const struct pw_conn_slot *slot)
{
    return is_order_entry(hot, slot) ? &hot->ends.messages : &hot->ends.frames;
}

static void stall(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    if (!slot->stalled) {
        slot->stalled = true;
        slot->unread_ns = slot->unread_ns ? slot->unread_ns : hot->now_ns;
        hot->counts.rx.stalls++;
        pw_count(&ring_of(hot, slot)->ring->stalled_cnt, 1);
    }
}

static void set_notice(struct pw_conn_slot *slot, enum pw_feed_state state, uint32_t reason)
{
    slot->notice_due = true;
    slot->notice_state = state;
    slot->notice_reason = reason;
}

/* It must be put: it has a number. */
static struct pw_event frame_event(struct pw_hot *hot, const struct pw_conn_slot *slot, int64_t recv_ns)
{
    return (struct pw_event){
        .seq = is_order_entry(hot, slot) ? hot->message_seq++ : hot->frame_seq++,
        .instrument_idx = PW_NO_INSTRUMENT,
        .kind = PW_EVENT_FRAME,
        .recv_ns = recv_ns,
        .body.frame = {.feed_idx = slot->feed_idx},
    };
}

/* False: a notice is due and finds no room. */
static bool put_notice(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    if (!slot->notice_due || hot->stopping) {
        return true;
    }
    struct pw_producer *ring = ring_of(hot, slot);
    if (pw_producer_room(ring, 1) < 1) {
        stall(hot, slot);
        return false;
    }
    struct pw_event event = frame_event(hot, slot, hot->now_ns);
    event.body.frame.state = slot->notice_state;
    event.body.frame.reason = slot->notice_reason;
    event.body.frame.epoch = is_order_entry(hot, slot) ? hot->epochs[slot->idx] : 0;
    pw_producer_put_frame(ring, &event, 0);
    slot->notice_due = false;
    slot->stalled = false;
    return true;
}

/* The kernel keeps one stamp, the newest, for bytes that it joins: it is a message's own only if that came
 * alone. */
static int64_t kernel_ns_of(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    bool alone = !slot->together && slot->next == slot->end && slot->link.input.bytes == 0;
    int64_t kernel_ns = alone ? slot->kernel_ns : 0;
    slot->together = true; /* until something is read again with nothing before it */
    hot->counts.rx.kernel_rx_inexact += hot->stamps && kernel_ns == 0;
    return kernel_ns;
}

/* False: the message finds no room. */
static bool put_message(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    if (slot->message_bytes == 0) {
        return true;
    }
    if (slot->stale) {
        slot->stale = false;
        set_notice(slot, PW_FEED_UP, PW_REASON_NONE);
    }
    if (!put_notice(hot, slot)) {
        return false;
    }
    struct pw_producer *ring = ring_of(hot, slot);
    uint32_t bytes = (uint32_t)slot->message_bytes;
    uint8_t *payload = pw_producer_room(ring, 1) >= 1 ? pw_producer_payload_claim(ring, bytes) : NULL;
    if (payload == NULL) {
        stall(hot, slot);
        return false;
    }
    memcpy(payload, slot->plain + slot->message, bytes);
    struct pw_event event = frame_event(hot, slot, slot->recv_ns);
    event.venue_ns = slot->since_ns;
    event.body.frame.kernel_ns = kernel_ns_of(hot, slot);
    event.body.frame.decrypted_ns = slot->decrypted_ns;
    pw_producer_put_frame(ring, &event, bytes);
    slot->stalled = false;
    slot->message_bytes = 0;
    slot->last_data_ns = hot->now_ns;
    hot->counts.rx.frames++;
    hot->counts.rx.bytes += bytes;
    struct pw_hot_feed *feed = &hot->feeds[slot->conn_idx];
    feed->frame_cnt++;
    feed->byte_cnt += bytes;
    feed->last_recv_ns = slot->recv_ns;
    return true;
}

/* ---- ending ---- */

static void release_spent(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    while (slot->link.input.spent != 0) {
        uint32_t buffer_idx = (uint32_t)__builtin_ctz(slot->link.input.spent);
        slot->link.input.spent &= slot->link.input.spent - 1;
        hot->io->release(hot->io->state, slot->idx, (uint16_t)buffer_idx);
    }
}

static void discard_input(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    pw_input_take(&slot->link.input, NULL, SIZE_MAX);
    release_spent(hot, slot);
}

/* No message is taken from now on. close_code 0: the peer is not there to be told. */
static void lose(struct pw_hot *hot, struct pw_conn_slot *slot, enum pw_cause cause, uint16_t close_code)
{
    hot->states[slot->idx] = PW_CONN_CLOSING;
    hot->active |= 1u << slot->idx;
    slot->cause = cause;
    slot->lost_reason = cause == PW_CAUSE_too_big ? PW_REASON_TOO_LARGE : PW_REASON_DISCONNECT;
    slot->message_bytes = 0;
    slot->part_bytes = 0;
    slot->pong_due = false;
    slot->close_due = close_code != 0;
    slot->close_code = close_code;
    slot->close_deadline_ns = hot->now_ns + (close_code != 0 ? CLOSE_WAIT_NS : 0);
    pw_metric_count_at(&hot->counts.rx, pw_cause_metric(cause));
    set_notice(slot, PW_FEED_DOWN, slot->lost_reason);
}

static void lose_broken(struct pw_hot *hot, struct pw_conn_slot *slot, enum pw_tls_result result)
{
    if (slot->recv_failed) {
        lose(hot, slot, PW_CAUSE_reset, 0);
    } else if (result == PW_TLS_FAILED) {
        slot->notify_sent = true; /* the library has written an alert instead */
        lose(hot, slot, PW_CAUSE_tls, 0);
    } else {
        bool cut = result == PW_TLS_TRUNCATED && slot->link.secure;
        lose(hot, slot, cut ? PW_CAUSE_truncated : PW_CAUSE_ended, 0);
    }
}

/* RFC 6455, 7.1: our close frame, the server's end of the connection, the end of TLS, the end of the socket;
 * whatever the server does not do in time is done without. */
static void serve_closing(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    put_notice(hot, slot);
    discard_input(hot, slot);
    bool late = hot->now_ns >= slot->close_deadline_ns;
    bool ended = slot->link.input.ended;
    if (slot->send_failed || hot->now_ns >= slot->close_deadline_ns + CLOSE_FLUSH_NS) {
        slot->close_due = false;
        slot->notify_sent = true;
    }
    if (!slot->close_due && !slot->notify_sent && (ended || late || slot->peer_closed)) {
        slot->notify_sent = pw_link_shutdown(&slot->link) != PW_TLS_WANT_OUTPUT;
    }
    bool flushed = slot->send_failed || (pw_output_empty(&slot->link.output) && !slot->sending) ||
                   hot->now_ns >= slot->close_deadline_ns + CLOSE_FLUSH_NS;
    if (slot->notify_sent && flushed && (ended || late)) {
        hot->states[slot->idx] = PW_CONN_DETACHING;
        hot->io->detach(hot->io->state, slot->idx);
    }
}

/* Gives the slot back, after parse or execution has been told. */
static void serve_lost(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    struct pw_producer *lost = &hot->ends.lost;
    bool room = put_notice(hot, slot) && pw_producer_room(lost, 1) >= 1;
    if (!room) {
        /* At the end of the run nobody may be left to make room. */
        hot->states[slot->idx] = hot->stopping ? PW_CONN_COLD : PW_CONN_LOST;
        return;
    }
    struct pw_event event = {
        .instrument_idx = PW_NO_INSTRUMENT,
        .kind = PW_EVENT_CONN,
        .recv_ns = hot->now_ns,
        .body.conn = {.feed_idx = slot->conn_idx,
                      .state = PW_FEED_DOWN,
                      .reason = slot->lost_reason,
                      .slot_idx = slot->idx},
    };
    hot->states[slot->idx] = PW_CONN_COLD;
    pw_producer_put(lost, &event);
    pw_producer_publish(lost); /* and the slot is not ours any more */
}

/* ---- taking over ---- */

/* shaken_ns: when the connector had done its part; what came since waits in the socket. */
static void open_slot(struct pw_hot *hot, struct pw_conn_slot *slot, int64_t shaken_ns)
{
    hot->states[slot->idx] = PW_CONN_OPEN;
    hot->active |= 1u << slot->idx;
    slot->last_whole_ns = hot->now_ns;
    slot->last_data_ns = hot->now_ns;
    slot->unread_ns = shaken_ns < hot->now_ns ? shaken_ns : hot->now_ns;
    hot->opened |= 1u << slot->idx;
    set_notice(slot, PW_FEED_UP, PW_REASON_NONE);
    hot->epochs[slot->idx] += is_order_entry(hot, slot);
    if (hot->io->attach(hot->io->state, slot->idx, slot->link.socket) != 0) {
        slot->recv_failed = true;
        slot->link.input.ended = true;
    }
}

static uint32_t take_conns(struct pw_hot *hot)
{
    struct pw_consumer *conns = &hot->ends.conns;
    uint64_t n = pw_consumer_peek(conns, PW_BATCH_MAX);
    for (uint64_t i = 0; i < n; i++) {
        const struct pw_conn *conn = &pw_consumer_at(conns, i)->body.conn;
        struct pw_conn_slot *slot = &hot->slots[conn->slot_idx];
        if (conn->state == PW_FEED_UP) {
            open_slot(hot, slot, pw_consumer_at(conns, i)->recv_ns);
            if (hot->draining && !is_order_entry(hot, slot)) {
                lose(hot, slot, PW_CAUSE_local, CLOSE_GOING_AWAY);
            }
        } else if (hot->states[slot->idx] == PW_CONN_OPEN) {
            lose(hot, slot, PW_CAUSE_local, CLOSE_NORMAL);
            slot->lost_reason = conn->reason;
            slot->notice_reason = conn->reason;
        }
    }
    if (n > 0) {
        pw_consumer_done(conns, n);
    }
    return (uint32_t)n;
}

/* ---- completions ---- */

/* Bytes of a socket that was read to its end came after the pass before, which found nothing more there;
 * others after the last pass that did. So data that is read after a pass that came late, or out of a backlog,
 * is known to be possibly that old. */
static int64_t came_after_ns(const struct pw_hot *hot, struct pw_conn_slot *slot, bool more)
{
    int64_t since_ns = slot->unread_ns ? slot->unread_ns : hot->reaped_ns;
    slot->unread_ns = more || slot->stalled ? since_ns : 0;
    return since_ns;
}

/* taken_ns: when the completions were seen, which is later than the pass began: the kernel copies the bytes
 * in between, in the call that asks it for completions. */
static void on_received(const struct pw_hot *hot, struct pw_conn_slot *slot,
                        const struct pw_completion *completion, int64_t taken_ns)
{
    if (completion->result <= 0) {
        slot->link.input.ended = true;
        slot->recv_failed = completion->result < 0;
        return;
    }
    /* A stamp that cannot be is none: the kernel's clock is the wall clock, which people set. So is that of
     * bytes that waited: it may be of later ones. */
    int64_t ago_ns = taken_ns - completion->kernel_ns;
    bool waited = completion->more || slot->unread_ns != 0 || taken_ns - hot->reaped_ns > LATE_PASS_NS;
    bool exact = !waited && ago_ns >= 0 && ago_ns <= KERNEL_AGO_MAX_NS;
    slot->together = slot->link.input.bytes != 0;
    struct pw_segment segment = {
        completion->data, (uint32_t)completion->result,      completion->buffer_idx,
        taken_ns,         exact ? completion->kernel_ns : 0, came_after_ns(hot, slot, completion->more)};
    static_assert(PW_IO_BUFFER_CNT + 1 <= PW_SEGMENTS_MAX, "there is always a place for a buffer of pw_io");
    pw_input_add(&slot->link.input, segment);
}

static void on_sent(struct pw_conn_slot *slot, const struct pw_completion *completion)
{
    slot->sending = false;
    if (completion->result >= 0) {
        pw_output_sent(&slot->link.output, (uint32_t)completion->result);
    } else {
        slot->send_failed = true;
    }
}

/* The first pass that can read a new connection's socket: what it did not find there has not come yet. */
static void note_opened(struct pw_hot *hot, uint32_t opened)
{
    for (; opened != 0; opened &= opened - 1) {
        struct pw_conn_slot *slot = &hot->slots[__builtin_ctz(opened)];
        slot->unread_ns = slot->link.input.bytes == 0 ? 0 : slot->unread_ns;
    }
}

static uint32_t reap(struct pw_net *net)
{
    struct pw_hot *hot = &net->hot;
    struct pw_completion completions[PW_BATCH_MAX];
    uint32_t n = hot->io->reap(hot->io->state, completions, PW_BATCH_MAX);
    int64_t taken_ns = n > 0 ? pw_clock_now_ns(&net->clock) : 0;
    for (uint32_t i = 0; i < n; i++) {
        struct pw_conn_slot *slot = &hot->slots[completions[i].slot_idx];
        hot->active |= 1u << completions[i].slot_idx;
        switch (completions[i].kind) {
        case PW_IO_RECV:
            hot->stamps |= completions[i].kernel_ns != 0;
            on_received(hot, slot, &completions[i], taken_ns);
            break;
        case PW_IO_SEND:
            on_sent(slot, &completions[i]);
            break;
        default:
            discard_input(hot, slot);
            hot->states[slot->idx] = PW_CONN_LOST;
            break;
        }
    }
    hot->reaped_ns = hot->now_ns;
    return n;
}

/* ---- frames ---- */

static void on_control(struct pw_hot *hot, struct pw_conn_slot *slot, const struct pw_ws_frame *frame)
{
    hot->counts.rx.frames_control++;
    if (frame->opcode == PW_WS_PING) {
        /* Only the last ping must be answered (RFC 6455, 5.5.3), so a flood of them takes no memory. */
        slot->pong_due = true;
        slot->pong_bytes = (uint8_t)frame->payload_bytes;
        memcpy(slot->pong, frame->payload, slot->pong_bytes);
    } else if (frame->opcode == PW_WS_CLOSE) {
        slot->peer_closed = true;
        slot->peer_close_code = pw_ws_close_code(frame);
        lose(hot, slot, PW_CAUSE_closed, frame->payload_bytes >= 2 ? slot->peer_close_code : CLOSE_NORMAL);
    }
}

/* Joins a fragment to those before it; a message in one piece is not moved. */
static void on_data(struct pw_hot *hot, struct pw_conn_slot *slot, const struct pw_ws_frame *frame)
{
    if (frame->message_opcode == PW_WS_TEXT) {
        size_t at = (size_t)(frame->payload - slot->plain);
        if (slot->part_bytes == 0) {
            slot->part = at;
        } else {
            memmove(slot->plain + slot->part + slot->part_bytes, frame->payload,
                    (size_t)frame->payload_bytes);
        }
        slot->part_bytes += (size_t)frame->payload_bytes;
    }
    if (frame->fin) {
        /* No venue sends binary or empty messages on these streams. */
        hot->counts.rx.ignored += slot->part_bytes == 0;
        slot->message = slot->part;
        slot->message_bytes = slot->part_bytes;
        slot->part_bytes = 0;
    }
}

static void on_invalid(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    uint16_t code = slot->decoder.close_code;
    enum pw_cause cause = code == 1009   ? PW_CAUSE_too_big
                          : code == 1008 ? PW_CAUSE_fragments
                          : code == 1007 ? PW_CAUSE_bad_utf8
                                         : PW_CAUSE_protocol;
    /* What breaks our limits breaks no rule. */
    hot->counts.rx.invalid_frames += cause == PW_CAUSE_bad_utf8 || cause == PW_CAUSE_protocol;
    lose(hot, slot, cause, code);
}

/* ---- reading ---- */

/* Moves what is still needed to the front when the space behind it gets short. */
static void make_room(struct pw_conn_slot *slot)
{
    size_t undecoded = slot->end - slot->next;
    if (undecoded == 0 && slot->part_bytes == 0) {
        slot->next = slot->end = 0;
        return;
    }
    bool in_front = slot->next == slot->part_bytes && (slot->part_bytes == 0 || slot->part == 0);
    if (in_front || slot->plain_bytes - slot->end >= READ_ROOM_MIN) {
        return;
    }
    memmove(slot->plain, slot->plain + slot->part, slot->part_bytes);
    memmove(slot->plain + slot->part_bytes, slot->plain + slot->next, undecoded);
    slot->part = 0;
    slot->next = slot->part_bytes;
    slot->end = slot->next + undecoded;
}

/* False: there is nothing more to decode in this pass. */
static bool read_more(struct pw_net *net, struct pw_conn_slot *slot)
{
    struct pw_hot *hot = &net->hot;
    if (!pw_link_readable(&slot->link)) {
        return false;
    }
    make_room(slot);
    size_t size = slot->plain_bytes - slot->end;
    enum pw_tls_result result = pw_link_read(&slot->link, slot->plain + slot->end, &size);
    if (result == PW_TLS_OK) {
        slot->end += size;
        slot->recv_ns = slot->link.input.recv_ns;
        slot->kernel_ns = slot->link.input.kernel_ns;
        slot->since_ns = slot->link.input.since_ns;
        slot->decrypted_ns = pw_clock_now_ns(&net->clock);
        return true;
    }
    if (result != PW_TLS_WANT_INPUT && result != PW_TLS_WANT_OUTPUT) {
        lose_broken(hot, slot, result);
    }
    return false;
}

/* One frame, or more bytes to make one of. False: nothing more can be done now. */
static bool step(struct pw_net *net, struct pw_conn_slot *slot, uint32_t *budget)
{
    struct pw_hot *hot = &net->hot;
    struct pw_ws_frame frame;
    switch (pw_ws_decode(&slot->decoder, slot->plain + slot->next, slot->end - slot->next, &frame, NULL)) {
    case PW_WS_FRAME:
        break;
    case PW_WS_INVALID:
        on_invalid(hot, slot);
        return false;
    case PW_WS_INCOMPLETE:
        return read_more(net, slot);
    }
    --*budget;
    slot->next += (size_t)frame.frame_bytes;
    if (slot->decoder.message_opcode == 0) {
        slot->last_whole_ns = hot->now_ns;
        if (slot->unfinished_ns != 0 && slot->unfinished_ns < slot->since_ns) {
            slot->since_ns = slot->unfinished_ns; /* its first bytes had come by then */
        }
        slot->unfinished_ns = 0; /* what there is behind it is another one */
    }
    if (frame.opcode >= PW_WS_CLOSE) {
        on_control(hot, slot, &frame);
    } else {
        on_data(hot, slot, &frame);
    }
    return hot->states[slot->idx] == PW_CONN_OPEN;
}

/* Is there a message, or a frame, of which only a part has come? */
static bool has_part(const struct pw_conn_slot *slot)
{
    const struct pw_link *link = &slot->link;
    bool in_record = link->secure && (link->tls.body_left > 0 || link->tls.header_have > 0);
    return slot->decoder.message_opcode != 0 || slot->end > slot->next || link->input.bytes > 0 || in_record;
}

static void note_unfinished(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    if (!has_part(slot)) {
        slot->unfinished_ns = 0;
    } else if (slot->unfinished_ns == 0) {
        slot->unfinished_ns = hot->now_ns;
    }
}

/* When the connection is lost or stale unless something comes. */
static int64_t dead_ns(const struct pw_net *net, const struct pw_conn_slot *slot)
{
    const struct pw_net_conn *conn = &net->conns[slot->conn_idx];
    bool by_data =
        conn->stale_after_ns != INT64_MAX; /* on a feed a ping is no data, which is what it is for */
    return (by_data ? slot->last_data_ns : slot->last_whole_ns) + conn->dead_after_ns;
}

static int64_t stale_ns(const struct pw_net *net, const struct pw_conn_slot *slot)
{
    int64_t after_ns = net->conns[slot->conn_idx].stale_after_ns;
    return slot->stale || after_ns == INT64_MAX ? INT64_MAX : slot->last_data_ns + after_ns;
}

static int64_t slow_ns(const struct pw_conn_slot *slot)
{
    return slot->unfinished_ns == 0 ? INT64_MAX : slot->unfinished_ns + MESSAGE_WAIT_NS;
}

/* Time is measured only while we listen: a connection that waits for room in the ring is not silent. */
static void check_times(struct pw_net *net, struct pw_conn_slot *slot)
{
    struct pw_hot *hot = &net->hot;
    if (slot->stalled) {
        slot->last_whole_ns = slot->last_data_ns = hot->now_ns;
        slot->unfinished_ns = 0;
        return;
    }
    note_unfinished(hot, slot);
    if (hot->now_ns >= dead_ns(net, slot)) {
        lose(hot, slot, PW_CAUSE_idle_timeout, 0);
    } else if (hot->now_ns >= slow_ns(slot)) {
        lose(hot, slot, PW_CAUSE_frame_timeout, CLOSE_POLICY);
    } else if (hot->now_ns >= stale_ns(net, slot)) {
        slot->stale = true;
        set_notice(slot, PW_FEED_STALE, PW_REASON_STALE);
        put_notice(hot, slot);
    }
}

/* True: there is more to do, be it that the budget is spent or that the ring has no room. */
static bool serve_open(struct pw_net *net, struct pw_conn_slot *slot, uint32_t *budget)
{
    struct pw_hot *hot = &net->hot;
    bool going = put_notice(hot, slot);
    while (going && *budget > 0 && put_message(hot, slot)) {
        going = step(net, slot, budget);
    }
    hot->more = hot->more || (going && *budget == 0);
    if (hot->states[slot->idx] == PW_CONN_OPEN && *budget == 0) {
        put_message(hot, slot);
    }
    release_spent(hot, slot);
    if (hot->states[slot->idx] == PW_CONN_OPEN && slot->send_failed && !slot->stalled) {
        lose(hot, slot, PW_CAUSE_reset, 0);
    }
    if (hot->states[slot->idx] == PW_CONN_OPEN) {
        check_times(net, slot);
    }
    return going || slot->stalled || slot->notice_due || slot->message_bytes > 0;
}

static void serve(struct pw_net *net, uint32_t slot_idx, struct pw_poll *poll, uint32_t *budget)
{
    struct pw_hot *hot = &net->hot;
    struct pw_conn_slot *slot = &hot->slots[slot_idx];
    bool more = false;
    switch (hot->states[slot_idx]) {
    case PW_CONN_OPEN:
        more = serve_open(net, slot, budget) || hot->states[slot_idx] != PW_CONN_OPEN;
        poll->stalled = poll->stalled || (hot->states[slot_idx] == PW_CONN_OPEN && slot->stalled);
        break;
    case PW_CONN_CLOSING:
        serve_closing(hot, slot);
        more = true;
        break;
    case PW_CONN_LOST:
        serve_lost(hot, slot);
        more = hot->states[slot_idx] == PW_CONN_LOST;
        break;
    default:
        break;
    }
    hot->active = (hot->active & ~(1u << slot_idx)) | (uint32_t)more << slot_idx;
}

static void serve_some(struct pw_net *net, uint32_t slots, struct pw_poll *poll, uint32_t *budget)
{
    for (; slots != 0; slots &= slots - 1) {
        serve(net, (uint32_t)__builtin_ctz(slots), poll, budget);
    }
}

/* The bits of the slots below that number, which may be all. */
static uint32_t slots_before(uint32_t slot_idx)
{
    static_assert(PW_CONNS_MAX <= 32, "a bit a slot");
    return (uint32_t)((UINT64_C(1) << slot_idx) - 1);
}

struct pw_poll pw_hot_receive(struct pw_net *net, int64_t now_ns)
{
    struct pw_hot *hot = &net->hot;
    uint32_t budget = PW_BATCH_MAX;
    struct pw_poll poll = {0};
    const uint32_t opened = hot->opened;
    hot->now_ns = now_ns;
    hot->more = false;
    hot->opened = 0;
    poll.work = take_conns(hot) + reap(net);
    note_opened(hot, opened);
    hot->served = hot->active;
    if (now_ns >= hot->serve_all_ns) {
        hot->served = slots_before(hot->slot_cnt);
        hot->serve_all_ns = now_ns + SERVE_ALL_NS;
    }
    uint32_t before_first = slots_before(hot->first_slot);
    serve_some(net, hot->served & ~before_first, &poll, &budget);
    serve_some(net, hot->served & before_first, &poll, &budget);
    hot->first_slot = hot->first_slot + 1 < hot->slot_cnt ? hot->first_slot + 1 : 0;
    pw_producer_publish(&hot->ends.frames);
    if (hot->ends.messages.ring != NULL) {
        pw_producer_publish(&hot->ends.messages);
    }
    poll.work += PW_BATCH_MAX - budget;
    return poll;
}

/* ---- time ---- */

int64_t pw_hot_next_ns(const struct pw_net *net)
{
    const struct pw_hot *hot = &net->hot;
    int64_t next_ns = hot->more ? 0 : INT64_MAX;
    for (uint32_t i = 0; i < hot->slot_cnt; i++) {
        const struct pw_conn_slot *slot = &hot->slots[i];
        int64_t slot_ns = INT64_MAX;
        if (hot->states[i] == PW_CONN_OPEN) {
            slot_ns = dead_ns(net, slot);
            slot_ns = slow_ns(slot) < slot_ns ? slow_ns(slot) : slot_ns;
            slot_ns = stale_ns(net, slot) < slot_ns ? stale_ns(net, slot) : slot_ns;
        } else if (hot->states[i] == PW_CONN_CLOSING) {
            slot_ns = hot->now_ns + STOP_STEP_NS;
        }
        next_ns = slot_ns < next_ns ? slot_ns : next_ns;
    }
    return next_ns;
}

bool pw_hot_pending(const struct pw_net *net)
{
    for (uint32_t i = 0; i < net->hot.slot_cnt; i++) {
        enum pw_conn_state state = net->hot.states[i];
        if (state != PW_CONN_COLD && state != PW_CONN_OPEN) {
            return true;
        }
    }
    return false;
}

/* ---- life ---- */

static bool is_orders(const struct pw_net *net, uint32_t slot_idx)
{
    return net->plan.conns.rows[net->slots[slot_idx].conn_idx].role == PW_CONN_ROLE_ORDERS;
}

int pw_hot_init(struct pw_net *net, const struct pw_hot_ends *ends)
{
    struct pw_hot *hot = &net->hot;
    for (uint32_t i = 0; i < net->slot_cnt; i++) {
        const struct pw_net_conn *conn = &net->conns[net->slots[i].conn_idx];
        const struct pw_ring *ring = is_orders(net, i) ? ends->messages.ring : ends->frames.ring;
        if (conn->message_bytes_max > ring->payload_bytes / 2) {
            pw_log(
                PW_LOG_ERROR,
                "%s: message_bytes_max %u is more than half of its ring's bytes (rings.frames_bytes, %llu): "
                "such a message could never pass; lower the one or raise the other",
                conn->label, conn->message_bytes_max, (unsigned long long)ring->payload_bytes);
            return -EINVAL;
        }
    }
    memset(hot, 0, sizeof *hot);
    hot->io = net->io;
    hot->slots = net->slots;
    hot->slot_cnt = net->slot_cnt;
    memset(hot->slot_of, UINT8_MAX, sizeof hot->slot_of);
    for (uint32_t i = 0; i < net->slot_cnt; i++) {
        hot->slot_of[net->slots[i].conn_idx] = (uint8_t)i;
        hot->order_slots |= (uint32_t)is_orders(net, i) << i;
    }
    hot->ends = *ends;
    hot->mask_state = pw_random_next(&net->random);
    return 0;
}

int pw_hot_start(struct pw_net *net)
{
    int err = net->io->start(net->io->state);
    net->hot.started = err == 0;
    return err;
}

void pw_hot_drain(struct pw_net *net)
{
    struct pw_hot *hot = &net->hot;
    hot->draining = true;
    for (uint32_t i = 0; i < hot->slot_cnt; i++) {
        /* Order entry is the last to go: open orders have to be canceled. */
        if (hot->states[i] == PW_CONN_OPEN && (hot->stopping || !is_order_entry(hot, &hot->slots[i]))) {
            lose(hot, &hot->slots[i], PW_CAUSE_local, CLOSE_GOING_AWAY);
        }
    }
}

void pw_hot_stop(struct pw_net *net)
{
    struct pw_hot *hot = &net->hot;
    int64_t end_ns = hot->now_ns + STOP_WAIT_NS;
    if (!hot->started) {
        return;
    }
    hot->stopping = true;
    pw_hot_drain(net);
    for (uint32_t i = 0; i < hot->slot_cnt; i++) {
        if (hot->states[i] == PW_CONN_CLOSING) {
            hot->slots[i].close_deadline_ns = hot->now_ns + STOP_WAIT_NS / 2;
        }
    }
    for (int64_t now_ns = hot->now_ns; now_ns < end_ns && pw_hot_pending(net); now_ns += STOP_STEP_NS) {
        pw_hot_transmit(net);
        hot->io->wait(hot->io->state, STOP_STEP_NS);
        pw_hot_receive(net, now_ns);
    }
    hot->io->stop(hot->io->state);
    hot->started = false;
}

const struct pw_hot_counts *pw_hot_counts(const struct pw_net *net)
{
    return &net->hot.counts;
}

bool pw_hot_serves(const struct pw_net *net, uint32_t conn_idx)
{
    return net->plan.conns.rows[conn_idx].line_idx == net->plan.line_idx;
}

bool pw_hot_has_orders(const struct pw_net *net)
{
    for (uint32_t i = 0; i < net->slot_cnt; i++) {
        if (is_orders(net, i)) {
            return true;
        }
    }
    return false;
}

const struct pw_hot_feed *pw_hot_feed(const struct pw_net *net, uint32_t conn_idx)
{
    return &net->hot.feeds[conn_idx];
}
