/* SPDX-License-Identifier: MIT
 *
 * What the venue says: responses matched to what was asked, errors by what they mean, and the account's
 * events.
 */
#include "session_state.h"

#include <string.h>

#define MARGIN_NS PW_NS_PER_S /* behind the end of a pause that the venue names */

/* ---- what holds for all ---- */

static void take_limits(struct session *session, const struct pw_entry_message *message)
{
    pw_assert(message->limit_cnt <= PW_ENTRY_LIMITS_MAX);
    for (uint32_t i = 0; i < message->limit_cnt; i++) {
        const struct pw_entry_limit *limit = &message->limits[i];
        enum pw_budget_kind kind = (enum pw_budget_kind)limit->kind;
        uint32_t reserve = kind == PW_BUDGET_ORDERS ? 0 : limit->limit / 10; /* cancellations are no orders */
        pw_budget_set(&session->budget, kind, limit->interval_ns, limit->limit, reserve);
        pw_budget_count(&session->budget, kind, limit->interval_ns, limit->limit, limit->used,
                        session->now_ns + session->offset_ns);
    }
}

static void take_pause(struct session *session, const struct pw_entry_pause *pause)
{
    int64_t now_ns = session->now_ns + session->offset_ns;
    int64_t end_ns = pause->for_ns     ? now_ns + pause->for_ns + MARGIN_NS
                     : pause->until_ns ? pause->until_ns + MARGIN_NS
                                       : 0;
    if (pause->scope == PW_ENTRY_PAUSE_ALL) {
        pw_budget_pause(&session->budget, end_ns, pause->least_ns, now_ns);
    } else if (pause->scope == PW_ENTRY_PAUSE_ORDERS) {
        int64_t until_ns = end_ns ? end_ns - session->offset_ns : session->now_ns + pause->least_ns;
        session->orders_paused_ns =
            until_ns > session->orders_paused_ns ? until_ns : session->orders_paused_ns;
    }
}

/* Where an error counts in struct pw_gateway_metrics. */
static size_t error_metric(enum pw_entry_error error)
{
#define AT(name) offsetof(struct pw_gateway_metrics, name)
    static const uint16_t offsets[] = {
        [PW_ENTRY_REJECTED] = AT(requests_rejected),
        [PW_ENTRY_UNKNOWN] = AT(outcome_unknown),
        [PW_ENTRY_RATE_LIMITED] = AT(rate_limited),
        [PW_ENTRY_OVERLOADED] = AT(venue_overloaded),
        [PW_ENTRY_TIMESTAMP_REJECTED] = AT(timestamp_rejected),
        [PW_ENTRY_AUTH_REJECTED] = AT(auth_rejected),
        [PW_ENTRY_CANCEL_UNKNOWN] = AT(cancel_unknown),
        [PW_ENTRY_NOT_FOUND] = AT(order_not_found),
        [PW_ENTRY_PARTIAL] = AT(cancel_replace_partial),
    };
#undef AT
    static_assert(sizeof offsets / sizeof *offsets == PW_ENTRY_ERRORS, "each error has a metric");
    pw_assert(error < PW_ENTRY_ERRORS);
    return offsets[error];
}

/* For those who watch. about: the order; 0: none. */
static void note_failure(struct session *session, const struct pw_entry_message *message, uint64_t about)
{
    const struct pw_entry_failure *failure = &message->failure;
    const struct pw_venue_error error = {.kind = PW_VENUE_ERROR_REJECTED,
                                         .client_order_id = about,
                                         .code = failure->code,
                                         .http_status = failure->http_status,
                                         .request = message->is_ours ? message->request : PW_VENUE_EVENT,
                                         .reason = failure->reason};
    pw_venue_errors_add(session->config.venue_errors, &error, failure->text, failure->text_bytes,
                        session->config.api_key);
}

void session_unreadable(struct session *session, uint8_t request, uint64_t client_order_id,
                        const struct pw_entry_fault *fault)
{
    const struct pw_venue_error error = {.kind = PW_VENUE_ERROR_UNREADABLE,
                                         .client_order_id = client_order_id,
                                         .request = request,
                                         .reason = PW_REASON_VENUE_UNREADABLE,
                                         .decode = fault->decode};
    pw_venue_errors_add(session->config.venue_errors, &error, fault->field,
                        strnlen(fault->field, sizeof fault->field), NULL);
}

static void take_failure(struct session *session, const struct pw_entry_message *message, int64_t recv_ns,
                         struct pw_reports *out)
{
    const struct pw_entry_failure *failure = &message->failure;
    pw_metric_count_at(&session->counts, error_metric((enum pw_entry_error)failure->error));
    session->counts.last_error_code = failure->code;
    if (failure->error == PW_ENTRY_RATE_LIMITED) {
        take_pause(session, &message->pause);
    } else if (failure->error == PW_ENTRY_TIMESTAMP_REJECTED) {
        session_clock_lost(session);
    } else if (failure->error == PW_ENTRY_AUTH_REJECTED) {
        session_key_rejected(session, (enum pw_reason)failure->reason, out);
    } else if (session->has_login && failure->session_lost) {
        session_login_lost(session, recv_ns, out);
    }
}

/* ---- responses about orders ---- */

/* What a failed request about an order is to that order; false: nothing is known. */
static bool failed_exec_type(const struct pw_entry_message *message, bool replaced,
                             enum pw_exec_type *exec_type)
{
    return message->kind == PW_ENTRY_SAYS_ERROR &&
           pw_entry_error_exec_type((enum pw_entry_kind)message->request,
                                    (enum pw_entry_error)message->failure.error, replaced, exec_type);
}

/* Of the order that was asked about; if it names another one, that is all it says. */
static bool says_order(const struct session *session, const struct pw_entry_message *message)
{
    return message->kind == PW_ENTRY_SAYS_ORDER &&
           (message->order.has_report || !session_is_of(session, &message->order, message->number));
}

void session_answer(struct session *session, uint64_t client_order_id, const struct pw_entry_order *order,
                    int64_t recv_ns, struct pw_reports *out)
{
    struct pw_report report = order->report;
    if (!session_is_of(session, order, client_order_id)) {
        report = (struct pw_report){.exec_type = PW_EXEC_DISCONNECT, .fault = PW_REPORT_OTHER_ORDER};
    }
    report.client_order_id = client_order_id;
    session_report(session, &report, recv_ns, out);
}

static void take_place(struct session *session, const struct pw_entry_message *message, int64_t recv_ns,
                       struct pw_reports *out)
{
    struct session_row *row = session_row_find(session, message->number);
    enum pw_reason reason = (enum pw_reason)message->failure.reason;
    enum pw_exec_type exec_type;
    if (failed_exec_type(message, false, &exec_type)) {
        session_report_event(session, message->number, exec_type, reason, recv_ns, out);
    } else if (message->request == PW_ENTRY_TEST && message->kind == PW_ENTRY_SAYS_DONE) {
        session_report_event(session, message->number, PW_EXEC_EXPIRED, PW_REASON_NONE, recv_ns, out);
    } else if (says_order(session, message)) {
        session_answer(session, message->number, &message->order, recv_ns, out);
    } else {
        session_no_outcome(session, message->request, row, recv_ns, out);
    }
}

/* Whatever the venue says but that it never will: the order may be open, so the cancellation stays wanted. */
static void take_cancel_error(struct session *session, struct session_row *row,
                              const struct pw_entry_message *message, int64_t recv_ns, struct pw_reports *out)
{
    const struct pw_entry_failure *failure = &message->failure;
    enum pw_exec_type exec_type;
    session_cancel_later(session, row);
    if (!failed_exec_type(message, true, &exec_type)) {
        return;
    }
    if (exec_type == PW_EXEC_CANCEL_REJECTED) {
        if (failure->error != PW_ENTRY_REJECTED || !failure->is_final) {
            return;
        }
        row->cancel_wanted = false;
    }
    session_report_event(session, row->client_order_id, exec_type, (enum pw_reason)failure->reason, recv_ns,
                         out);
}

static void take_cancel(struct session *session, const struct pw_entry_message *message, int64_t recv_ns,
                        struct pw_reports *out)
{
    struct session_row *row = session_row_find(session, message->number);
    if (!row) {
        return; /* closed since, or of an earlier run: the list is asked for again */
    }
    row->cancel_sent = false;
    if (message->kind == PW_ENTRY_SAYS_ERROR) {
        take_cancel_error(session, row, message, recv_ns, out);
    } else if (says_order(session, message)) {
        session_answer(session, message->number, &message->order, recv_ns, out);
    } else {
        session_no_outcome(session, PW_ENTRY_CANCEL, row, recv_ns, out);
    }
}

/* Each half says its own: also where nothing failed. */
static bool says_halves(const struct pw_entry_message *message)
{
    return message->kind == PW_ENTRY_SAYS_REPLACE &&
           (!message->has_failed || message->failure.error == PW_ENTRY_PARTIAL);
}

/* One that was carried out names its order; one that was not, none. */
static void take_half(struct session *session, uint64_t client_order_id, const struct pw_entry_order *half,
                      int64_t recv_ns, struct pw_reports *out)
{
    if (half->report.terms.said != 0) {
        session_answer(session, client_order_id, half, recv_ns, out);
    } else {
        session_report_event(session, client_order_id, (enum pw_exec_type)half->report.exec_type,
                             (enum pw_reason)half->report.reason, recv_ns, out);
    }
}

static void take_replace(struct session *session, const struct pw_entry_message *message, int64_t recv_ns,
                         struct pw_reports *out)
{
    struct session_row *row = session_row_find(session, message->number);
    enum pw_reason reason = (enum pw_reason)message->failure.reason;
    enum pw_exec_type old_exec_type, new_exec_type;
    if (!row) {
        return; /* both are closed, or the old one is queried */
    }
    uint64_t replaces_id = row->replaces_id;
    if (says_halves(message)) {
        take_half(session, replaces_id, &message->replaced, recv_ns, out);
        take_half(session, message->number, &message->order, recv_ns, out);
    } else if (failed_exec_type(message, true, &old_exec_type) &&
               failed_exec_type(message, false, &new_exec_type)) {
        session_report_event(session, replaces_id, old_exec_type, reason, recv_ns, out);
        session_report_event(session, message->number, new_exec_type, reason, recv_ns, out);
    } else {
        session_no_outcome(session, PW_ENTRY_REPLACE, row, recv_ns, out);
    }
}

/* ---- all responses ---- */

/* Was its order asked for so? Else the answer is none to it, whatever its number. */
static bool is_as_placed(struct session *session, const struct pw_entry_message *message)
{
    const struct session_row *row = session_row_find(session, message->number);
    return !pw_entry_is_new_order(message->request) ||
           ((message->request == PW_ENTRY_TEST) == session->dry &&
            (!row || (message->request == PW_ENTRY_REPLACE) == (row->replaces_id != 0)));
}

static void take_response(struct session *session, const struct pw_entry_message *message, int64_t recv_ns,
                          struct pw_reports *out)
{
    struct session_pending was;
    bool matched = message->is_ours && session_match(session, message->request, message->number, &was);
    session->counts.responses++;
    session->counts.responses_unmatched += !matched;
    if (matched) { /* what answers nothing that was asked is no sign of life */
        session->unanswered = 0;
        session->answered_ns = session->now_ns;
    }
    if (matched && message->server_ns != 0) {
        pw_venue_clock_sample(&session->clock, was.sent_ns, message->server_ns, recv_ns);
        session_clock(session);
    }
    take_limits(session, message);
    uint64_t about = !message->is_ours                        ? 0
                     : pw_entry_names_order(message->request) ? message->number
                     : matched                                ? was.client_order_id
                                                              : 0;
    if (message->fault.decode != 0) {
        session_unreadable(session, message->is_ours ? message->request : PW_VENUE_EVENT, about,
                           &message->fault);
    }
    if (message->has_failed && message->kind != PW_ENTRY_SAYS_SUBSCRIBED) {
        note_failure(session, message, about);
    }
    if (message->has_failed) {
        take_failure(session, message, recv_ns, out);
    }
    /* The ids of these name their orders: what they say holds, also if it comes too late. */
    if (message->is_ours && pw_entry_names_order(message->request)) {
        if (!is_as_placed(session, message)) {
            return;
        }
        (message->request == PW_ENTRY_CANCEL    ? take_cancel
         : message->request == PW_ENTRY_REPLACE ? take_replace
                                                : take_place)(session, message, recv_ns, out);
    } else if (matched && message->request == PW_ENTRY_TIME) {
        session->time_pending = false;
    } else if (matched && (message->request == PW_ENTRY_QUERY || message->request == PW_ENTRY_FILLS)) {
        session_query_response(session, message, &was, recv_ns, out);
    } else if (matched) {
        session_step_response(session, message, &was, recv_ns, out);
    }
}

/* ---- events ---- */

static void take_execution(struct session *session, const struct pw_entry_order *order, int64_t recv_ns,
                           struct pw_reports *out)
{
    uint64_t id = order->report.client_order_id;
    bool unread = order->fault.decode != 0;
    if (!session_is_own(session, order) && (order->is_ours || !unread)) {
        session->counts.orders_external++;
        return;
    }
    if (!unread && pw_order_id_run(id) != session->config.orders->run_id) {
        session->counts.orphan_orders++;
        return;
    }
    if (unread) {
        session->counts.messages_invalid++;
        session_unreadable(session, PW_VENUE_EVENT, id, &order->fault);
        session_list_again(session, recv_ns, out);
        return;
    }
    struct session_row *row = session_row_find(session, id);
    if (row) {
        row->heard_ns = session->now_ns;
    }
    if (order->has_report) {
        bool reported = session_report(session, &order->report, recv_ns, out);
        if (!reported || (order->is_open && !session_row_find(session, id))) {
            session_resume(session, SESSION_LIST, recv_ns, out); /* there it is canceled, or reported again */
        }
    } else if (row) {
        row->heard_ns = session->now_ns - PW_SESSION_QUIET_NS; /* nothing that a report can say: query */
    }
}

static void take_event(struct session *session, const struct pw_entry_message *message, int64_t recv_ns,
                       struct pw_reports *out)
{
    session->counts.account_events++;
    switch (message->kind) {
    case PW_ENTRY_SAYS_EXECUTION:
        take_execution(session, &message->order, recv_ns, out);
        break;
    case PW_ENTRY_SAYS_STREAM_ENDED:
        session_resume(session, SESSION_SUBSCRIBE, recv_ns, out);
        break;
    case PW_ENTRY_SAYS_SHUTDOWN:
        session->closing = true;
        session->counts.reconnect_wanted = true;
        break;
    default:
        break;
    }
}

void session_message(struct session *session, const struct pw_event *frame, const uint8_t *bytes,
                     struct pw_reports *out)
{
    struct pw_entry_message message;
    session_journal_message(session, frame, bytes);
    enum pw_decode result = session->entry->decode(&session->symbols, (const char *)bytes,
                                                   frame->body.frame.payload_bytes, &message);
    bool unread = result < 0 && result != PW_DECODE_ERROR_REPLY;
    session->counts.messages_invalid += unread;
    if (unread && !message.is_response) { /* it may have been a report */
        session_unreadable(session, PW_VENUE_EVENT, 0, &message.fault);
        session_list_again(session, frame->recv_ns, out);
    } else {
        (message.is_response ? take_response : take_event)(session, &message, frame->recv_ns, out);
    }
}
