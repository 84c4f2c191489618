/* SPDX-License-Identifier: MIT
 *
 * The hot side's sending: answers to pings, close frames, and the requests of order entry.
 *
 * A request belongs to one connection, by number: what has not been encrypted when that connection ends is
 * dropped and counted, and never sent on another. So is a new order while the stop word is set. One that
 * finds no room in the connection's buffer stays in the ring, if no other connection's are behind it. What is
 * encrypted in one pass goes to the kernel in one send.
 */
#include "hot.h"

#include "net_private.h"
#include <string.h>

/* Left free by requests: a pong or a close must not wait for them. */
#define CONTROL_ROOM (PW_WS_HEADER_MAX + PW_WS_CONTROL_MAX + PW_TLS_OVERHEAD)

void pw_hot_init_tx(struct pw_net *net, const struct pw_consumer *requests, struct pw_stamp_row *stamps,
                    const struct pw_stop *stop)
{
    net->tx.requests = *requests;
    net->tx.stamps = stamps;
    net->tx.stop = stop;
}

/* ---- frames ---- */

/* splitmix64 from a secret seed: not to be foretold by who chose the payload (RFC 6455, 10.3). */
static void next_mask(struct pw_hot *hot, uint8_t mask[4])
{
    uint64_t z = hot->mask_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    uint32_t word = (uint32_t)(z >> 32) ^ (uint32_t)z;
    memcpy(mask, &word, 4);
}

/* False: no room for it now. */
static bool write_control(struct pw_hot *hot, struct pw_conn_slot *slot, uint8_t opcode,
                          const uint8_t *payload, uint32_t bytes)
{
    uint8_t frame[PW_WS_HEADER_MAX + PW_WS_CONTROL_MAX];
    uint8_t mask[4];
    next_mask(hot, mask);
    uint32_t head = pw_ws_header_encode(frame, opcode, true, bytes, mask);
    memcpy(frame + head, payload, bytes);
    pw_ws_mask(frame + head, bytes, mask, 0);
    enum pw_tls_result result = pw_link_write(&slot->link, frame, head + bytes);
    if (result == PW_TLS_WANT_OUTPUT) {
        return false;
    }
    if (result == PW_TLS_OK) {
        hot->counts.tx.frames++;
        hot->counts.tx.bytes += head + bytes;
    }
    return true;
}

static void write_due(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    if (slot->pong_due && write_control(hot, slot, PW_WS_PONG, slot->pong, slot->pong_bytes)) {
        slot->pong_due = false;
        hot->counts.rx.pings++;
    }
    uint8_t code[2] = {(uint8_t)(slot->close_code >> 8), (uint8_t)slot->close_code};
    if (slot->close_due && write_control(hot, slot, PW_WS_CLOSE, code, sizeof code)) {
        slot->close_due = false;
    }
}

/* ---- requests ---- */

/* Is it for the connection that there is? */
static bool is_current(const struct pw_hot *hot, const struct pw_conn_slot *slot,
                       const struct pw_frame *frame)
{
    return hot->states[slot->idx] == PW_CONN_OPEN && !slot->send_failed &&
           frame->epoch == hot->epochs[slot->idx] && frame->payload_bytes > 0 &&
           frame->payload_bytes <= PW_REQUEST_BYTES_MAX;
}

/* A halt reaches new orders here at the latest. All else passes, cancellations above all. To execution such
 * an order is one without an answer: unknown, until the venue has been asked. */
static bool is_halted(const struct pw_hot_tx *tx, const struct pw_frame *frame)
{
    /* Relaxed: one word, which orders nothing else. */
    return frame->client_order_id != 0 && atomic_load_explicit(&tx->stop->stop, memory_order_relaxed) != 0;
}

/* Beyond a batch that waits for the kernel an order is not stamped: it does not wait for that. */
static void note_encrypted(struct pw_net *net, uint32_t slot_idx, uint64_t client_order_id)
{
    if (client_order_id != 0 && net->tx.encrypted_cnt < PW_BATCH_MAX) {
        net->tx.encrypted_slots[net->tx.encrypted_cnt] = (uint8_t)slot_idx;
        net->tx.encrypted[net->tx.encrypted_cnt++] = (struct pw_stamp){
            .number = client_order_id, .ns[PW_STAMP_ENCRYPTED] = pw_clock_now_ns(&net->clock)};
    }
}

static bool write_request(struct pw_net *net, struct pw_conn_slot *slot, const struct pw_frame *frame,
                          const uint8_t *payload)
{
    struct pw_hot_tx *tx = &net->tx;
    const struct pw_output *output = &slot->link.output;
    uint32_t bytes = frame->payload_bytes;
    uint8_t mask[4];
    if (output->cap - output->size < PW_WS_HEADER_MAX + bytes + PW_TLS_OVERHEAD + CONTROL_ROOM) {
        return false;
    }
    next_mask(&net->hot, mask);
    uint32_t head = pw_ws_header_encode(tx->frame, PW_WS_TEXT, true, bytes, mask);
    memcpy(tx->frame + head, payload, bytes);
    pw_ws_mask(tx->frame + head, bytes, mask, 0);
    if (pw_link_write(&slot->link, tx->frame, head + bytes) != PW_TLS_OK) {
        slot->send_failed = true; /* there was room: the session is of no more use */
        net->hot.counts.tx.dropped++;
        return true;
    }
    note_encrypted(net, slot->idx, frame->client_order_id);
    net->hot.counts.tx.frames++;
    net->hot.counts.tx.bytes += head + bytes;
    return true;
}

/* The slot of the connection that a request is for; NULL: none of order entry that is served here. */
static struct pw_conn_slot *slot_of(struct pw_hot *hot, const struct pw_frame *frame)
{
    uint32_t slot_idx = frame->feed_idx < PW_CONNS_MAX ? hot->slot_of[frame->feed_idx] : UINT8_MAX;
    return slot_idx < 32 && hot->order_slots >> slot_idx & 1 ? &hot->slots[slot_idx] : NULL;
}

/* Connections share one ring: where one has no room for its next request, those of others would wait behind
 * it. It is given up instead, for its peer has not read for long; what is not sent is dropped, so its orders
 * are unknown. Alone it may wait. False: it waits. */
static bool give_up(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    uint32_t others = hot->order_slots & ~(1u << slot->idx);
    for (; others != 0; others &= others - 1) {
        if (hot->states[__builtin_ctz(others)] == PW_CONN_OPEN) {
            slot->send_failed = true;
            hot->counts.tx.dropped++;
            return true;
        }
    }
    return false;
}

static uint32_t take_requests(struct pw_net *net)
{
    struct pw_consumer *requests = &net->tx.requests;
    uint64_t there = pw_consumer_peek(requests, PW_BATCH_MAX);
    uint64_t n = 0;
    for (; n < there; n++) {
        const struct pw_event *event = pw_consumer_at(requests, n);
        struct pw_conn_slot *slot = slot_of(&net->hot, &event->body.frame);
        if (slot == NULL || !is_current(&net->hot, slot, &event->body.frame)) {
            net->hot.counts.tx.dropped++;
        } else if (is_halted(&net->tx, &event->body.frame)) {
            net->hot.counts.tx.dropped_halted++;
        } else if (!write_request(net, slot, &event->body.frame, pw_consumer_payload(requests, event)) &&
                   !give_up(&net->hot, slot)) {
            break;
        }
    }
    if (n > 0) {
        pw_consumer_done(requests, n);
        net->hot.active |= net->hot.order_slots;
    }
    return (uint32_t)n;
}

/* ---- sending ---- */

static bool send_output(struct pw_hot *hot, struct pw_conn_slot *slot)
{
    const struct pw_output *output = &slot->link.output;
    if (slot->sending || slot->send_failed || pw_output_empty(output)) {
        return false;
    }
    int err =
        hot->io->send(hot->io->state, slot->idx, output->data + output->sent, output->size - output->sent);
    slot->sending = err == 0;
    slot->send_failed = err != 0;
    hot->active |= (uint32_t)slot->send_failed << slot->idx;
    return true;
}

/* True: a send has begun. */
static bool serve_output(struct pw_hot *hot, uint32_t slot_idx)
{
    if (hot->states[slot_idx] != PW_CONN_OPEN && hot->states[slot_idx] != PW_CONN_CLOSING) {
        return false;
    }
    struct pw_conn_slot *slot = &hot->slots[slot_idx];
    if (!slot->send_failed) {
        write_due(hot, slot);
    }
    return send_output(hot, slot);
}

/* Lets the kernel begin. All that is in the output when a send begins goes with it; on loopback it is with
 * the peer before the call returns. */
static void submit_stamped(struct pw_net *net, uint32_t sent_slots)
{
    struct pw_hot_tx *tx = &net->tx;
    int64_t before_ns = tx->encrypted_cnt > 0 ? pw_clock_now_ns(&net->clock) : 0;
    net->io->submit(net->io->state);
    int64_t after_ns = tx->encrypted_cnt > 0 ? pw_clock_now_ns(&net->clock) : 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tx->encrypted_cnt; i++) {
        if ((sent_slots >> tx->encrypted_slots[i] & 1) == 0) {
            tx->encrypted_slots[kept] = tx->encrypted_slots[i];
            tx->encrypted[kept++] = tx->encrypted[i];
            continue;
        }
        tx->encrypted[i].ns[PW_STAMP_SUBMITTED] = before_ns;
        tx->encrypted[i].ns[PW_STAMP_RETURNED] = after_ns;
        pw_stamp_put(tx->stamps, &tx->encrypted[i]);
    }
    tx->encrypted_cnt = kept;
}

/* Encrypted, and then the connection was gone. */
static void forget_encrypted(struct pw_net *net)
{
    struct pw_hot_tx *tx = &net->tx;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tx->encrypted_cnt; i++) {
        if (net->hot.states[tx->encrypted_slots[i]] != PW_CONN_COLD) {
            tx->encrypted_slots[kept] = tx->encrypted_slots[i];
            tx->encrypted[kept++] = tx->encrypted[i];
        }
    }
    tx->encrypted_cnt = kept;
}

struct pw_poll pw_hot_transmit(struct pw_net *net)
{
    struct pw_hot *hot = &net->hot;
    struct pw_poll poll = {0};
    uint32_t sent_slots = 0;
    if (net->tx.requests.ring != NULL) {
        poll.work += take_requests(net);
    }
    /* What those have to send that were not served has been given to the kernel already. */
    for (uint32_t slots = hot->served | hot->active; slots != 0; slots &= slots - 1) {
        uint32_t slot_idx = (uint32_t)__builtin_ctz(slots);
        bool sent = serve_output(hot, slot_idx);
        poll.work += sent;
        sent_slots |= (uint32_t)sent << slot_idx;
    }
    if (sent_slots & hot->order_slots) {
        submit_stamped(net, sent_slots);
    } else {
        hot->io->submit(hot->io->state);
    }
    if (net->tx.encrypted_cnt > 0) {
        forget_encrypted(net);
    }
    return poll;
}
