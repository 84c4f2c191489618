/* SPDX-License-Identifier: MIT
 *
 * Requests: prepared, written straight into the ring to the wire, signed where no login stands for them, and
 * kept as pending until their response.
 */
#include "session_state.h"

#include <string.h>

int session_prepare(struct session *session, struct pw_entry_request *request, enum pw_entry_kind kind,
                    uint32_t form, const struct pw_instrument *instrument)
{
    const struct pw_gateway_config *config = &session->config;
    bool needs_key = kind == PW_ENTRY_LOGIN || !session->has_login;
    const struct pw_entry_spec spec = {.kind = kind,
                                       .form = form,
                                       .symbol = instrument ? instrument->symbol : NULL,
                                       .tick_e8 = instrument ? instrument->tick_e8 : 0,
                                       .step_e8 = instrument ? instrument->step_e8 : 0,
                                       .unit_shift = instrument ? instrument->unit_shift : 0,
                                       .instance_hash = config->instance_hash,
                                       .api_key = needs_key ? config->api_key : NULL,
                                       .signature_bytes = config->signing->signature_bytes,
                                       .window_ms = config->recv_window_ms};
    return session->entry->prepare(request, &spec);
}

/* ---- may it go ---- */

enum pw_budget_verdict session_budget(struct session *session, const struct pw_budget_cost *cost, bool urgent)
{
    return pw_budget_check(&session->budget, cost, urgent, session->now_ns + session->offset_ns);
}

bool session_has_room(struct session *session, uint32_t pending_reserve)
{
    struct pw_producer *wire = session->config.wire;
    return session->pending_cnt + pending_reserve < SESSION_PENDING && pw_producer_room(wire, 1) >= 1 &&
           pw_producer_payload_claim(wire, session->entry->text_bytes);
}

/* ---- copies for the journal ---- */

static struct pw_event frame_event(const struct session *session, int64_t recv_ns, uint32_t seq)
{
    return (struct pw_event){.seq = seq,
                             .instrument_idx = PW_NO_INSTRUMENT,
                             .kind = PW_EVENT_FRAME,
                             .recv_ns = recv_ns,
                             .body.frame.feed_idx = session->config.conn_idx};
}

/* Room for a copy in the journal's ring; NULL: none, and it is counted. */
static uint8_t *claim_copy(struct session *session, uint32_t bytes)
{
    struct pw_producer *journal = session->config.journal;
    if (!journal) {
        return NULL;
    }
    uint8_t *to = pw_producer_room(journal, 1) >= 1 ? pw_producer_payload_claim(journal, bytes) : NULL;
    if (!to) {
        pw_count(&journal->ring->dropped_cnt, 1);
        session->counts.journal_dropped++;
    }
    return to;
}

static void blank(uint8_t *text, uint32_t bytes, struct pw_entry_span span)
{
    pw_assert(span.bytes <= bytes && span.at <= bytes - span.bytes);
    memset(text + span.at, '*', span.bytes);
}

void session_journal_sent(struct session *session)
{
    const struct pw_entry_request *request = session->unjournalled.request;
    struct pw_event *frame = &session->unjournalled.frame;
    session->unjournalled.request = NULL;
    uint8_t *copy = request ? claim_copy(session, request->bytes) : NULL;
    if (!copy) {
        return;
    }
    memcpy(copy, session->unjournalled.text, request->bytes);
    blank(copy, request->bytes, request->api_key);
    blank(copy, request->bytes, request->signature);
    frame->seq = session->journal_seq++;
    pw_producer_put_frame(session->config.journal, frame, request->bytes);
}

#define BLOCK 32u /* places: whole vectors of any processor */

/* Are four bytes of the key at one of so many places? */
static bool places_may_contain(const uint8_t *text, size_t places, const char *key)
{
    uint8_t found = 0;
    for (size_t i = 0; i < places; i++) {
        found |= (text[i] == (uint8_t)key[0]) & (text[i + 1] == (uint8_t)key[1]) &
                 (text[i + 2] == (uint8_t)key[2]) & (text[i + 3] == (uint8_t)key[3]);
    }
    return found != 0;
}

/* May the key be in there? Cheap, for each message is looked through: in whole blocks, the last of which
 * overlaps the one before, so that no rest is looked through place by place. */
static bool may_contain(const uint8_t *text, size_t bytes, const char *key)
{
    size_t places = bytes > 3 ? bytes - 3 : 0;
    if (places < BLOCK) {
        return places_may_contain(text, places, key);
    }
    return places_may_contain(text, places / BLOCK * BLOCK, key) |
           places_may_contain(text + places - BLOCK, BLOCK, key);
}

static void blank_key(uint8_t *text, size_t bytes, const char *key)
{
    size_t key_bytes = strlen(key);
    if (key_bytes > 3 && !may_contain(text, bytes, key)) {
        return;
    }
    for (uint8_t *at = text; (at = memmem(at, (size_t)(text + bytes - at), key, key_bytes));) {
        memset(at, '*', key_bytes);
    }
}

void session_journal_message(struct session *session, const struct pw_event *frame, const uint8_t *message)
{
    uint32_t bytes = frame->body.frame.payload_bytes;
    uint8_t *copy = claim_copy(session, bytes);
    if (!copy) {
        return;
    }
    memcpy(copy, message, bytes);
    blank_key(copy, bytes, session->config.api_key);
    struct pw_event kept = frame_event(session, frame->recv_ns, session->journal_seq++);
    kept.body.frame.kernel_ns = frame->body.frame.kernel_ns;
    kept.body.frame.decrypted_ns = frame->body.frame.decrypted_ns;
    pw_producer_put_frame(session->config.journal, &kept, bytes);
}

/* ---- sending ---- */

/* The stack is no place for the key that is in the payload: a core dump has it. */
static bool sign(struct session *session, const struct pw_entry_request *request, char *text)
{
    const struct pw_venue_entry *entry = session->entry;
    const struct pw_signing *signing = session->config.signing;
    char payload[SESSION_TEXT_BYTES], signature[PW_ENTRY_SIGNATURE_BYTES_MAX];
    size_t payload_bytes = entry->payload(request, text, payload, sizeof payload);
    pw_assert(payload_bytes <= sizeof payload);
    size_t bytes = payload_bytes ? signing->sign(signing->state, payload, payload_bytes, signature) : 0;
    explicit_bzero(payload, payload_bytes);
    return entry->put_signature(request, signature, bytes, text);
}

const struct session_pending *session_send(struct session *session, const struct pw_entry_request *request,
                                           struct pw_entry_values *values)
{
    struct pw_producer *wire = session->config.wire;
    char *text = (char *)pw_producer_payload_claim(wire, request->bytes);
    bool new_order = pw_entry_is_new_order(request->kind);
    pw_assert(text && session->pending_cnt < SESSION_PENDING);
    values->number = session->number + 1;
    values->timestamp_ns = session->now_ns + session->offset_ns;
    if (!session->entry->write(request, values, text) ||
        (request->is_signed && !sign(session, request, text))) {
        return NULL;
    }
    struct pw_event frame = frame_event(session, session->now_ns, session->wire_seq++);
    frame.flags = PW_FLAG_SENT;
    frame.body.frame.client_order_id = new_order ? values->order_id : 0;
    frame.body.frame.epoch = session->epoch;
    pw_producer_put_frame(wire, &frame, request->bytes);
    struct session_pending *pending = &session->pending[session->pending_cnt++];
    *pending = (struct session_pending){.number = pw_entry_names_order(request->kind) ? values->order_id
                                                                                      : ++session->number,
                                        .client_order_id = values->order_id,
                                        .sent_ns = session->now_ns,
                                        .deadline_ns = session->now_ns + session->config.ack_timeout_ns,
                                        .timestamp_ns = values->timestamp_ns,
                                        .cost = request->cost,
                                        .kind = request->kind};
    pw_budget_take(&session->budget, &pending->cost);
    session->next_ns = pending->deadline_ns < session->next_ns ? pending->deadline_ns : session->next_ns;
    session->counts.requests++;
    session->unjournalled = (struct session_unjournalled){request, (const uint8_t *)text, frame};
    if (!new_order) {
        session_journal_sent(session); /* orders are in a hurry: theirs wait for settle */
    }
    return pending;
}

const struct session_pending *session_ask(struct session *session, const struct pw_entry_request *request,
                                          struct pw_entry_values *values, bool urgent)
{
    pw_assert(!pw_entry_is_new_order(request->kind));
    enum pw_budget_verdict verdict = session_budget(session, &request->cost, urgent);
    if (verdict == PW_BUDGET_PAUSED) {
        session_due(session, session->budget.paused_until_ns - session->offset_ns);
        return NULL;
    }
    if (verdict != PW_BUDGET_GOES || !session_has_room(session, 0)) {
        session_due(session, session->now_ns + 100 * PW_NS_PER_MS);
        return NULL;
    }
    return session_send(session, request, values);
}

/* ---- responses ---- */

void session_drop(struct session *session, uint32_t pending_idx, struct session_pending *was)
{
    pw_assert(pending_idx < session->pending_cnt);
    *was = session->pending[pending_idx];
    session->pending[pending_idx] = session->pending[--session->pending_cnt];
    pw_budget_settle(&session->budget, &was->cost, session->now_ns + session->offset_ns);
}

bool session_match(struct session *session, unsigned kind, uint64_t number, struct session_pending *was)
{
    for (uint32_t i = 0; i < session->pending_cnt; i++) {
        if (session->pending[i].number == number && session->pending[i].kind == kind) {
            session_drop(session, i, was);
            return true;
        }
    }
    return false;
}
