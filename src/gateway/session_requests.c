/* SPDX-License-Identifier: MIT
 *
 * Requests: prepared, filled straight into the ring to the wire, signed if there is no logged-on session, and
 * kept in a list until they are answered.
 */
#include "session_state.h"

#include <string.h>

int live_prepare(struct live *live, struct pw_binance_request *request, enum pw_binance_method method,
                 enum pw_binance_form form, const struct pw_instrument *instrument)
{
    bool needs_key = method == PW_BINANCE_LOGON || method == PW_BINANCE_SUBSCRIBE_SIGNED;
    const struct pw_binance_spec spec = {
        .method = method,
        .form = form,
        .symbol = instrument ? instrument->symbol : NULL,
        .tick_e8 = instrument ? instrument->tick_e8 : 0,
        .step_e8 = instrument ? instrument->step_e8 : 0,
        .instance_hash = live->config.instance_hash,
        .api_key = needs_key || !live->config.signing.is_ed25519 ? live->config.api_key : NULL,
        .recv_window_ms = live->config.recv_window_ms,
        .signature_bytes = live->config.signing.signature_bytes};
    return pw_binance_prepare(request, &spec);
}

/* ---- may it go ---- */

static struct pw_budget_cost cost_of(const struct pw_binance_request *request, bool has_symbol)
{
    enum pw_binance_method method = (enum pw_binance_method)request->method;
    bool order = method == PW_BINANCE_PLACE || method == PW_BINANCE_CANCEL_REPLACE;
    return (struct pw_budget_cost){{[PW_BUDGET_WEIGHT] = pw_binance_method_weight(method, has_symbol),
                                    [PW_BUDGET_ORDERS] = order,
                                    [PW_BUDGET_REQUESTS] = 1}};
}

enum pw_budget_answer live_budget(struct live *live, const struct pw_budget_cost *cost, bool urgent)
{
    return pw_budget_check(&live->budget, cost, urgent, live->now_ns + live->offset_ns);
}

bool live_has_room(struct live *live, uint32_t asked_reserve)
{
    return live->asked_cnt + asked_reserve < LIVE_ASKED && pw_producer_room(live->config.wire, 1) >= 1 &&
           pw_producer_payload_claim(live->config.wire, PW_BINANCE_REQUEST_BYTES);
}

/* ---- sending ---- */

static struct pw_event frame_event(struct live *live, int64_t recv_ns, uint32_t seq)
{
    return (struct pw_event){.seq = seq,
                             .instrument_idx = PW_NO_INSTRUMENT,
                             .kind = PW_EVENT_FRAME,
                             .recv_ns = recv_ns,
                             .body.frame.feed_idx = live->config.conn_idx};
}

/* Room for a copy in the journal's ring; NULL: none, and it is counted. */
static uint8_t *claim_copy(struct live *live, uint32_t bytes)
{
    struct pw_producer *journal = live->config.journal;
    if (!journal) {
        return NULL;
    }
    uint8_t *to = pw_producer_room(journal, 1) >= 1 ? pw_producer_payload_claim(journal, bytes) : NULL;
    if (!to) {
        pw_count(&journal->ring->dropped_cnt, 1);
        live->counts.journal_dropped++;
    }
    return to;
}

void live_keep_sent(struct live *live)
{
    const struct pw_binance_request *request = live->unkept.request;
    struct pw_event *frame = &live->unkept.frame;
    live->unkept.request = NULL;
    uint8_t *copy = request ? claim_copy(live, request->bytes) : NULL;
    if (!copy) {
        return;
    }
    struct pw_binance_span key = pw_binance_api_key_span(request),
                           signature = pw_binance_signature_span(request);
    memcpy(copy, live->unkept.text, request->bytes);
    memset(copy + key.at, '*', key.bytes);
    memset(copy + signature.at, '*', signature.bytes);
    frame->seq = live->journal_seq++;
    pw_producer_put_frame(live->config.journal, frame, request->bytes);
}

void live_keep(struct live *live, const struct pw_event *frame, const uint8_t *message)
{
    uint32_t bytes = frame->body.frame.payload_bytes;
    uint8_t *copy = claim_copy(live, bytes);
    if (!copy) {
        return;
    }
    memcpy(copy, message, bytes);
    size_t key_bytes = strlen(live->config.api_key);
    for (uint8_t *at = copy;
         (at = memmem(at, (size_t)(copy + bytes - at), live->config.api_key, key_bytes));) {
        memset(at, '*', key_bytes);
    }
    struct pw_event kept = frame_event(live, frame->recv_ns, live->journal_seq++);
    kept.body.frame.kernel_ns = frame->body.frame.kernel_ns;
    kept.body.frame.decrypted_ns = frame->body.frame.decrypted_ns;
    pw_producer_put_frame(live->config.journal, &kept, bytes);
}

/* With the signature, in the request's own text, and from there to the wire. */
static bool write_signed(struct live *live, struct pw_binance_request *request,
                         const struct pw_binance_values *values, char *text)
{
    char payload[PW_BINANCE_REQUEST_BYTES], signature[PW_BINANCE_SIGNATURE_BYTES];
    if (!pw_binance_fill(request, values)) {
        return false;
    }
    size_t bytes = pw_binance_payload(request, payload, sizeof payload);
    bytes = bytes ? live->config.signing.sign(live->config.signing.state, payload, bytes, signature) : 0;
    if (!pw_binance_put_signature(request, signature, bytes)) {
        return false;
    }
    memcpy(text, request->text, request->bytes);
    return true;
}

const struct live_asked *live_put(struct live *live, struct pw_binance_request *request,
                                  struct pw_binance_values *values, uint64_t client_order_id)
{
    struct pw_producer *wire = live->config.wire;
    uint8_t *text = pw_producer_payload_claim(wire, request->bytes);
    bool new_order = request->method == PW_BINANCE_PLACE || request->method == PW_BINANCE_TEST ||
                     request->method == PW_BINANCE_CANCEL_REPLACE;
    bool has_number = !new_order && request->method != PW_BINANCE_CANCEL;
    values->number = live->number + 1;
    values->timestamp_ms = (live->now_ns + live->offset_ns) / LIVE_MS;
    if (!(request->is_signed ? write_signed(live, request, values, (char *)text)
                             : pw_binance_write(request, values, (char *)text))) {
        return NULL;
    }
    struct pw_event frame = frame_event(live, live->now_ns, live->wire_seq++);
    frame.flags = PW_FLAG_SENT;
    frame.body.frame.client_order_id = new_order ? client_order_id : 0;
    frame.body.frame.epoch = live->epoch;
    pw_producer_put_frame(wire, &frame, request->bytes);
    struct live_asked *asked = &live->asked[live->asked_cnt++];
    *asked = (struct live_asked){.number = has_number ? ++live->number : client_order_id,
                                 .client_order_id = client_order_id,
                                 .sent_ns = live->now_ns,
                                 .deadline_ns = live->now_ns + live->config.answer_timeout_ns,
                                 .timestamp_ms = values->timestamp_ms,
                                 .cost = cost_of(request, request != &live->list),
                                 .method = request->method};
    pw_budget_take(&live->budget, &asked->cost);
    live->next_ns = asked->deadline_ns < live->next_ns ? asked->deadline_ns : live->next_ns;
    live->counts.requests++;
    live->unkept = (struct live_unkept){request, text, frame};
    if (!new_order) {
        live_keep_sent(live); /* orders are in a hurry: theirs wait for settle */
    }
    return asked;
}

const struct live_asked *live_ask(struct live *live, struct pw_binance_request *request,
                                  struct pw_binance_values *values, uint64_t client_order_id, bool urgent)
{
    struct pw_budget_cost cost = cost_of(request, request != &live->list);
    enum pw_budget_answer answer = live_budget(live, &cost, urgent);
    if (answer == PW_BUDGET_PAUSED) {
        live_due(live, pw_live_paused_until_ns(live));
        return NULL;
    }
    if (answer != PW_BUDGET_GOES || !live_has_room(live, 0)) {
        live_due(live, live->now_ns + 100 * LIVE_MS);
        return NULL;
    }
    return live_put(live, request, values, client_order_id);
}

/* ---- answers ---- */

void live_drop(struct live *live, uint32_t asked_idx, struct live_asked *was)
{
    *was = live->asked[asked_idx];
    live->asked[asked_idx] = live->asked[--live->asked_cnt];
    pw_budget_settle(&live->budget, &was->cost, live->now_ns + live->offset_ns);
}

bool live_answered(struct live *live, enum pw_binance_method method, uint64_t number, struct live_asked *was)
{
    for (uint32_t i = 0; i < live->asked_cnt; i++) {
        if (live->asked[i].number == number && live->asked[i].method == method) {
            live_drop(live, i, was);
            return true;
        }
    }
    return false;
}
