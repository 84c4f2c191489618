/* SPDX-License-Identifier: MIT
 *
 * What is not known: requests without a response, orders in doubt and what is queried about them, and the
 * fills that only a list of fills reported. What is in doubt is for the order table to say: it is looked up
 * there.
 */
#include "session_state.h"

#define GRACE_NS    (100 * PW_NS_PER_MS) /* reports on their way settle most doubts without a query */
#define DOUBTS_MAX  6u                   /* the wait doubles up to 6.4 s */
#define REJECTED_NS (10 * PW_NS_PER_S)   /* between queries with a key that was rejected */

/* ---- cancellations ---- */

/* In a session, and dated rightly. A key that was rejected is no reason not to ask: what is open stays so. */
static bool can_ask(struct session *session)
{
    return session->phase != SESSION_DOWN && session->logged_in && session_clock(session);
}

void session_cancel_step(struct session *session, struct session_row *row)
{
    struct pw_entry_values values = {.order_id = row->client_order_id};
    const struct pw_entry_request *cancel = session_cancel_text(session, row->instrument_idx);
    if (!row->cancel_wanted || row->cancel_sent || !cancel || !can_ask(session) ||
        !session_due(session, row->cancel_ns)) {
        return;
    }
    row->cancel_sent = session_ask(session, cancel, &values, true) != NULL;
}

void session_cancel_later(struct session *session, struct session_row *row)
{
    pw_assert(row->cancel_tries <= SESSION_REPEATS);
    row->cancel_sent = false;
    row->cancel_ns = session->now_ns + (SESSION_REPEAT_NS << row->cancel_tries);
    row->cancel_tries += row->cancel_tries < SESSION_REPEATS;
    session->look = true;
}

/* ---- queries ---- */

/* The query about it is over; with or without a response. */
static void query_over(struct session *session, struct session_row *row)
{
    pw_assert(row->doubts <= DOUBTS_MAX);
    row->queried = false;
    row->heard_ns = session->now_ns;
    row->query_ns = session->now_ns + (GRACE_NS << row->doubts);
    row->doubts += row->doubts < DOUBTS_MAX;
    session->look = true;
}

/* The fills, where it is they that are missing; else what became of it. While both are in doubt, in turn. */
static bool wants_fills(const struct session_row *row, const struct pw_order_row *order)
{
    return pw_order_owed_e8(order) > 0 && order->venue_order_id != 0 &&
           (order->end_state != PW_ORDER_NONE || !row->queried_fills);
}

static void query(struct session *session, struct session_row *row, const struct pw_order_row *order)
{
    bool fills = wants_fills(row, order);
    struct pw_entry_values values = {.order_id = row->client_order_id,
                                     .venue_order_id = order->venue_order_id,
                                     .from_trade_id = row->fills_from};
    pw_assert(row->instrument_idx < session->config.instrument_cnt && !row->queried);
    if (fills && session->fill_cnt > 0) {
        return; /* they may be among those that are to be reported yet */
    }
    if (session_prepare(session, session->scratch, fills ? PW_ENTRY_FILLS : PW_ENTRY_QUERY, 0,
                        &session->config.instruments[row->instrument_idx]) == 0 &&
        session_ask(session, session->scratch, &values, false)) {
        int64_t owed_e8 = pw_order_owed_e8(order);
        row->doubts = owed_e8 == row->owed_e8 ? row->doubts : 0; /* some of it has been reported */
        row->owed_e8 = owed_e8;
        row->queried = true;
        row->queried_fills = fills;
        session->counts.queries++;
    }
}

static void query_step(struct session *session, struct session_row *row, const struct pw_order_row *order)
{
    bool doubt = order->state == PW_ORDER_UNKNOWN || pw_order_owed_e8(order) > 0;
    if (doubt && !row->in_doubt) {
        row->query_ns = session->now_ns + GRACE_NS;
        row->doubts = 0;
    }
    row->in_doubt = doubt;
    int64_t at_ns = session->fatal ? row->heard_ns + REJECTED_NS
                    : doubt        ? row->query_ns
                                   : row->heard_ns + PW_SESSION_QUIET_NS;
    if (!row->queried && can_ask(session) && (session->phase >= SESSION_FUNDS || session->fatal) &&
        session_due(session, at_ns)) {
        query(session, row, order);
    }
}

void session_queries_step(struct session *session)
{
    for (uint32_t i = 0; i < session->row_cnt;) {
        struct session_row *row = &session->rows[i];
        const struct pw_order_row *order = pw_orders_find(session->config.orders, row->client_order_id);
        if (!order || pw_order_is_closed(order->state)) {
            *row = session->rows[--session->row_cnt];
            continue;
        }
        pw_assert(row->instrument_idx == order->instrument_idx);
        session_cancel_step(session, row);
        query_step(session, row, order);
        i++;
    }
}

/* ---- their responses ---- */

/* The venue knew no such order when it judged the query's time stamp, by its own clock: if that was after it
 * could have accepted the order, it never will. It takes stamps that are ahead of its clock by a little, and
 * cuts them off. Our clock has no part in this; so the time that is reported is put behind valid_until_ns,
 * whatever steps our clock has made. */
static void take_not_found(struct session *session, const struct session_row *row,
                           const struct session_pending *was, struct pw_reports *out)
{
    int64_t ahead_ns = session->entry->clock_ahead_ns + session->entry->clock_unit_ns;
    if (was->timestamp_ns - ahead_ns > row->expires_ns) {
        int64_t queried_ns = was->sent_ns > row->valid_until_ns ? was->sent_ns : row->valid_until_ns + 1;
        session_report_event(session, row->client_order_id, PW_EXEC_NOT_FOUND, PW_REASON_VENUE_NOT_FOUND,
                             queried_ns, out);
    }
}

static void take_status(struct session *session, const struct session_row *row,
                        const struct pw_entry_order *order, int64_t recv_ns, struct pw_reports *out)
{
    if (order->has_report || !session_is_of(session, order, row->client_order_id)) {
        session_answer(session, row->client_order_id, order, recv_ns, out);
    }
}

/* Passed over: of the order that was asked for it says nothing. */
static void note_other_fill(struct session *session, uint64_t client_order_id)
{
    static const char text[] = "a fill of another order in its list";
    const struct pw_venue_error error = {.kind = PW_VENUE_ERROR_CONTRADICTION,
                                         .client_order_id = client_order_id,
                                         .request = PW_ENTRY_FILLS,
                                         .reason = PW_REASON_REPORT};
    pw_venue_errors_add(session->config.venue_errors, &error, text, sizeof text - 1, NULL);
}

/* Reported later, one by one; the next response begins where this ends. One that brings nothing while fills
 * are owed lags behind the venue's own count, and an earlier one may have left out what came late: then from
 * the start, as fills are booked once. */
static void take_fills(struct session *session, struct session_row *row, const struct pw_entry_list *list,
                       int64_t recv_ns)
{
    const struct pw_order_row *order = pw_orders_find(session->config.orders, row->client_order_id);
    struct pw_entry_cursor cursor = {{0}};
    struct pw_entry_fill fill;
    uint32_t before = session->fill_cnt;
    pw_assert(before <= SESSION_FILLS && session->fill_first < SESSION_FILLS);
    while (order && session->fill_cnt < SESSION_FILLS && session->entry->next_fill(&cursor, list, &fill)) {
        if (fill.fault.decode != 0) {
            session->counts.messages_invalid++;
            session_unreadable(session, PW_ENTRY_FILLS, row->client_order_id, &fill.fault);
            continue; /* asked for again as long as it is owed */
        }
        if (fill.venue_order_id != order->venue_order_id) {
            note_other_fill(session, row->client_order_id);
        } else if (fill.report.trade_id >= row->fills_from) {
            fill.report.client_order_id = row->client_order_id;
            fill.report.recv_ns = recv_ns;
            session->fills[(session->fill_first + session->fill_cnt++) % SESSION_FILLS] = fill.report;
            row->fills_from = fill.report.trade_id < INT64_MAX ? fill.report.trade_id + 1 : 0;
        }
    }
    if (session->fill_cnt == before && before < SESSION_FILLS) {
        row->fills_from = 0;
    }
}

void session_query_response(struct session *session, const struct pw_entry_message *message,
                            const struct session_pending *was, int64_t recv_ns, struct pw_reports *out)
{
    struct session_row *row = session_row_find(session, was->client_order_id);
    if (!row) {
        return; /* settled in the meantime */
    }
    query_over(session, row);
    if (message->kind == PW_ENTRY_SAYS_ORDER && was->kind == PW_ENTRY_QUERY) {
        take_status(session, row, &message->order, recv_ns, out);
    } else if (message->kind == PW_ENTRY_SAYS_FILLS && was->kind == PW_ENTRY_FILLS) {
        take_fills(session, row, &message->list, recv_ns);
    } else if (message->kind == PW_ENTRY_SAYS_ERROR && was->kind == PW_ENTRY_QUERY &&
               message->failure.error == PW_ENTRY_NOT_FOUND) {
        take_not_found(session, row, was, out);
    }
}

void session_report_fill(struct session *session, struct pw_reports *out)
{
    if (session->fill_cnt > 0 && out->cnt == 0) {
        pw_assert(session->fill_cnt <= SESSION_FILLS && session->fill_first < SESSION_FILLS);
        const struct pw_report *fill = &session->fills[session->fill_first];
        session_report(session, fill, fill->recv_ns, out);
        session->fill_first = (session->fill_first + 1) % SESSION_FILLS;
        session->fill_cnt--;
    }
    session->look |= session->fill_cnt > 0;
}

/* ---- no response ---- */

void session_no_outcome(struct session *session, unsigned kind, struct session_row *row, int64_t recv_ns,
                        struct pw_reports *out)
{
    pw_assert(pw_entry_names_order(kind));
    if (!row) {
        return;
    }
    if (kind == PW_ENTRY_CANCEL) {
        session_cancel_later(session, row);
    }
    uint64_t replaces_id = kind == PW_ENTRY_REPLACE ? row->replaces_id : 0;
    session_report_event(session, row->client_order_id, PW_EXEC_TIME_OUT, PW_REASON_VENUE_UNKNOWN, recv_ns,
                         out);
    if (replaces_id && session_row_find(session, replaces_id)) {
        session_report_event(session, replaces_id, PW_EXEC_TIME_OUT, PW_REASON_VENUE_UNKNOWN, recv_ns, out);
    }
}

static void time_out(struct session *session, const struct session_pending *was, struct pw_reports *out)
{
    struct session_row *row = session_row_find(session, was->client_order_id);
    session->counts.request_timeouts++;
    session_unanswered(session, was);
    if (pw_entry_names_order(was->kind)) {
        session_no_outcome(session, was->kind, row, session->now_ns, out);
    } else if (was->kind == PW_ENTRY_QUERY || was->kind == PW_ENTRY_FILLS) {
        if (row) {
            query_over(session, row);
        }
    } else if (was->kind == PW_ENTRY_TIME) {
        session->time_pending = false;
    } else if (was->number == session->step_number) {
        session_failed(session);
    }
}

void session_timeouts(struct session *session, struct pw_reports *out)
{
    for (uint32_t i = 0; i < session->pending_cnt && out->cnt + 2 <= PW_REPORTS_MAX;) {
        struct session_pending was;
        if (session_due(session, session->pending[i].deadline_ns)) {
            session_drop(session, i, &was);
            time_out(session, &was, out);
        } else {
            i++;
        }
    }
    session->look |= out->cnt + 2 > PW_REPORTS_MAX;
}
