/* SPDX-License-Identifier: MIT
 *
 * The steps from connected to ready, the connection's notices, and the venue's clock.
 */
#include "session_state.h"

#include <string.h>

#define RETRY_MIN_NS     (500 * PW_NS_PER_MS)
#define RETRY_MAX_NS     (60 * PW_NS_PER_S) /* and with a key that was rejected */
#define TRIES_MAX        3u /* requests without a response, in sequence: the connection is no good */
#define LOST_TRIES       2u /* as after so many: two seconds */
#define UNREAD_FORGET_NS (5 * RETRY_MAX_NS) /* after so long without a message that cannot be read */

/* ---- the connection ---- */

static void restart(struct session *session, enum session_phase phase)
{
    pw_assert(phase <= SESSION_READY);
    session->phase = phase;
    session->step_number = 0;
    session->retry_ns = session->now_ns;
    session->tries = 0;
}

static enum session_phase first_phase(const struct session *session)
{
    return session->has_login ? SESSION_LOGIN : SESSION_SUBSCRIBE;
}

/* What was under way may have been carried out or not. */
static void go_down(struct session *session, int64_t recv_ns, struct pw_reports *out)
{
    struct session_pending was;
    while (session->pending_cnt > 0) {
        session_drop(session, session->pending_cnt - 1, &was);
    }
    for (uint32_t i = 0; i < session->row_cnt; i++) {
        struct session_row *row = &session->rows[i];
        row->queried = row->cancel_sent = false;
        row->query_ns = row->cancel_ns = session->now_ns;
        row->cancel_tries = 0;
    }
    pw_assert(session->pending_cnt == 0);
    session->time_pending = session->logged_in = false;
    restart(session, SESSION_DOWN);
    session_resync(session, recv_ns, out);
}

/* Why it is not ready; a key that was rejected is the better reason. */
static void note_reason(struct session *session, enum pw_reason reason)
{
    if (!session->fatal) {
        session->counts.not_ready_reason = (int64_t)reason;
    }
}

/* The list of open orders was under way. If it was too long it will be with the next connection, too. */
static void note_lost_list(struct session *session, enum pw_reason reason)
{
    const struct pw_entry_fault too_large = {.decode = PW_DECODE_TOO_LARGE, .field = "message_bytes_max"};
    if (session->phase == SESSION_LIST && session->step_number != 0 && reason == PW_REASON_TOO_LARGE) {
        session->lists_lost++;
        session_unreadable(session, PW_ENTRY_OPEN_ORDERS, 0, &too_large);
        note_reason(session, PW_REASON_VENUE_UNREADABLE);
    }
}

void session_notice(struct session *session, const struct pw_event *frame, struct pw_reports *out)
{
    bool up = frame->body.frame.state == PW_FEED_UP;
    if (session->phase != SESSION_DOWN) {
        note_lost_list(session, (enum pw_reason)frame->body.frame.reason);
        go_down(session, frame->recv_ns, out);
    }
    session->closing = session->silent = false;
    session->unanswered = 0;
    session->counts.reconnect_wanted = false;
    if (up) {
        session->epoch = frame->body.frame.epoch;
        session->logged_in = !session->has_login;
        restart(session, first_phase(session));
        session->time_ns = 0;
    }
}

void session_resume(struct session *session, enum session_phase phase, int64_t recv_ns,
                    struct pw_reports *out)
{
    pw_assert(phase > SESSION_DOWN && phase < SESSION_READY);
    if (session->phase > phase) {
        restart(session, phase);
        session_resync(session, recv_ns, out);
    }
}

/* ---- the venue's clock ---- */

/* The budget's time is the venue's; a pause is kept in ours. */
void session_set_offset(struct session *session, int64_t offset_ns)
{
    if (session->budget.paused_until_ns != 0) {
        session->budget.paused_until_ns += offset_ns - session->offset_ns;
    }
    session->offset_ns = offset_ns;
}

void session_clock_lost(struct session *session)
{
    pw_venue_clock_init(&session->clock, session->entry->clock_unit_ns);
    session->time_ns = 0;
    session->look = true;
}

/* Seldom when it is known well; at short intervals until then. */
void session_time_step(struct session *session)
{
    int64_t offset_ns, error_ns;
    if (session->phase == SESSION_DOWN || session->time_pending) {
        return;
    }
    bool known = pw_venue_clock_offset(&session->clock, session->now_ns, &offset_ns, &error_ns);
    int64_t interval_ns = session_clock(session) ? PW_SESSION_TIME_NS
                          : known                ? PW_NS_PER_S
                                                 : 100 * PW_NS_PER_MS;
    struct pw_entry_values values = {.number = 0};
    if (session->time_ns != 0 && !session_due(session, session->time_ns + interval_ns)) {
        return;
    }
    if (session_ask(session, session->time, &values, false)) {
        session->time_ns = session->now_ns;
        session->time_pending = true;
    }
}

/* ---- steps ---- */

/* With it the account's events may have ended. Not at once: a venue that takes the login and forgets it again
 * must not be asked in a circle. */
void session_login_lost(struct session *session, int64_t recv_ns, struct pw_reports *out)
{
    pw_assert(session->has_login);
    if (session->phase > SESSION_LOGIN) {
        session_resume(session, SESSION_LOGIN, recv_ns, out);
        session->logged_in = false;
        session->tries = LOST_TRIES;
        session_retry(session, SESSION_LOGIN);
    }
}

void session_retry(struct session *session, enum session_phase phase)
{
    pw_assert(phase > SESSION_DOWN && phase < SESSION_READY);
    int64_t wait_ns =
        session->fatal ? RETRY_MAX_NS : RETRY_MIN_NS << (session->tries < 7 ? session->tries : 7);
    session->phase = phase;
    session->step_number = 0;
    session->retry_ns = session->now_ns + (wait_ns < RETRY_MAX_NS ? wait_ns : RETRY_MAX_NS);
    session->tries++;
}

void session_retry_for(struct session *session, enum session_phase phase, enum pw_reason reason)
{
    note_reason(session, reason);
    session_retry(session, phase);
}

void session_list_again(struct session *session, int64_t recv_ns, struct pw_reports *out)
{
    bool goes_on = session->unread_cnt > 0 && session->now_ns - session->unread_ns < UNREAD_FORGET_NS;
    session->unread_cnt = goes_on ? session->unread_cnt : 0;
    session->unread_ns = session->now_ns;
    if (session->phase > SESSION_LIST) {
        session_resume(session, SESSION_LIST, recv_ns, out);
        session->tries = session->unread_cnt;
        if (session->unread_cnt > 0) {
            session_retry_for(session, SESSION_LIST, PW_REASON_VENUE_UNREADABLE);
        }
    }
    session->unread_cnt++;
}

/* The session itself may stand, and is used: cancellations and queries go on. */
void session_key_rejected(struct session *session, enum pw_reason reason, struct pw_reports *out)
{
    if (!session->fatal) {
        session->fatal = true;
        session->counts.not_ready_reason = (uint8_t)reason;
        out->halt = reason;
        if (session->phase != SESSION_DOWN) {
            session_retry(session, first_phase(session));
        }
    }
}

void session_failed(struct session *session)
{
    session_retry_for(session, session->phase, PW_REASON_VENUE_SILENT);
    session->counts.reconnect_wanted |= session->tries >= TRIES_MAX;
}

/* A connection that takes requests and brings no answers is none, whatever else comes on it. The time is
 * asked for to know that, too. */
void session_unanswered(struct session *session, const struct session_pending *was)
{
    bool time_lost = was->kind == PW_ENTRY_TIME && session->answered_ns < was->sent_ns;
    session->unanswered++;
    if (session->unanswered >= TRIES_MAX || time_lost) {
        session->silent = true;
        session->counts.reconnect_wanted = true;
    }
}

void session_step(struct session *session)
{
    const struct pw_entry_request *const requests[] = {
        [SESSION_LOGIN] = session->login,
        [SESSION_SUBSCRIBE] = session->subscribe,
        [SESSION_LIST] = session->list,
        [SESSION_FUNDS] = session->account,
    };
    struct pw_entry_values values = {.number = 0};
    if (session->phase == SESSION_FUNDS && session->funds_checked) {
        restart(session, SESSION_READY);
        session->counts.not_ready_reason = PW_REASON_NONE;
    }
    if (session->phase == SESSION_DOWN || session->phase == SESSION_READY || session->step_number != 0 ||
        session->closing || !session_clock(session) || !session_due(session, session->retry_ns)) {
        return;
    }
    pw_assert(session->phase != SESSION_LOGIN || session->has_login);
    const struct session_pending *pending = session_ask(session, requests[session->phase], &values, false);
    session->step_number = pending ? pending->number : 0;
}

/* ---- responses ---- */

static void advance(struct session *session, enum session_phase phase)
{
    pw_assert(phase == session->phase + 1 || (phase == SESSION_FUNDS && session->funds_checked));
    note_reason(session, PW_REASON_NONE);
    restart(session, phase);
    session->look = true;
}

/* The venue has accepted the key. */
static void accept(struct session *session, enum session_phase phase)
{
    session->logged_in = true;
    if (session->fatal) {
        session->fatal = false;
        session->counts.not_ready_reason = PW_REASON_NONE;
    }
    advance(session, phase);
}

/* An open order without an owner. True: not ready before it is gone. */
static bool cancel_orphan(struct session *session, const struct pw_entry_order *order)
{
    struct pw_instrument instrument = {.tick_e8 = 0};
    struct pw_entry_values values = {.order_id = order->report.client_order_id};
    session->counts.orphan_orders++;
    if (session->dry) {
        return false;
    }
    static_assert(sizeof instrument.symbol == sizeof order->symbol, "a symbol is copied whole");
    memcpy(instrument.symbol, order->symbol, sizeof instrument.symbol);
    if (session_prepare(session, session->scratch, PW_ENTRY_CANCEL, 0, &instrument) == 0) {
        session_ask(session, session->scratch, &values, true);
    }
    return true;
}

/* True if it is one that has to go first: of an earlier run, or of this one and not in the order table (then
 * execution hears of it, too, and halts). *unreported: there was no room for its report. */
static bool take_listed(struct session *session, const struct pw_entry_order *order, int64_t recv_ns,
                        struct pw_reports *out, bool *unreported)
{
    uint64_t id = order->report.client_order_id;
    if (!session_is_own(session, order)) {
        session->counts.orders_external++;
        return false;
    }
    if (pw_order_id_run(id) != session->config.orders->run_id) {
        return cancel_orphan(session, order);
    }
    if (order->has_report) {
        *unreported |= !session_report(session, &order->report, recv_ns, out);
    }
    struct session_row *row = session_row_find(session, id);
    return !row && !pw_orders_find(session->config.orders, id) && cancel_orphan(session, order);
}

/* One of ours that cannot be read, or that may be one. */
static bool is_unread(struct session *session, const struct pw_entry_order *order)
{
    bool unread = order->fault.decode != 0 && (session_is_own(session, order) || !order->is_ours);
    if (unread) {
        session->counts.messages_invalid++;
        session_unreadable(session, PW_ENTRY_OPEN_ORDERS, order->report.client_order_id, &order->fault);
    }
    return unread;
}

static void take_list(struct session *session, const struct pw_entry_list *list, int64_t recv_ns,
                      struct pw_reports *out)
{
    session->lists_lost = 0;
    struct pw_entry_cursor cursor = {{0}};
    struct pw_entry_order order;
    struct pw_gateway_metrics *counts = &session->counts;
    bool listed_before = counts->orphan_orders_open != 0, unreported = false, unread = false;
    counts->orphan_orders_open = 0;
    while (session->entry->next_order(&cursor, list, &order)) {
        unread |= is_unread(session, &order);
        counts->orphan_orders_open += take_listed(session, &order, recv_ns, out, &unreported);
    }
    if (unread) {
        session_retry_for(session, SESSION_LIST, PW_REASON_VENUE_UNREADABLE);
        return;
    }
    if (counts->orphan_orders_open != 0 || unreported) {
        bool stays = listed_before && counts->orphan_orders_open != 0;
        counts->not_ready_reason = stays ? PW_REASON_ORPHAN_ORDERS : counts->not_ready_reason;
        session_retry(session, SESSION_LIST);
        return;
    }
    advance(session, SESSION_FUNDS);
}

/* Once a run: later the run's own orders have spent of it. */
static void take_account(struct session *session, const struct pw_entry_list *balances)
{
    struct pw_entry_cursor cursor = {{0}};
    struct pw_entry_balance balance;
    int64_t free_e8 = 0;
    while (session->entry->next_balance(&cursor, balances, &balance)) {
        if (strcmp(balance.asset, session->config.quote_asset) != 0) {
            continue; /* nobody asks for it */
        }
        free_e8 = balance.free_e8;
        if (balance.fault.decode != 0) {
            session->counts.messages_invalid++;
            session_unreadable(session, PW_ENTRY_ACCOUNT, 0, &balance.fault);
            session_retry_for(session, SESSION_FUNDS, PW_REASON_VENUE_UNREADABLE);
            return;
        }
    }
    session->funds_checked = free_e8 >= session->config.cash_e8;
    if (session->funds_checked) {
        advance(session, SESSION_FUNDS); /* and from there to the end */
    } else {
        session_retry_for(session, SESSION_FUNDS, PW_REASON_VENUE_FUNDS);
    }
}

void session_step_response(struct session *session, const struct pw_entry_message *message,
                           const struct session_pending *was, int64_t recv_ns, struct pw_reports *out)
{
    static const uint8_t expected[] = {
        [SESSION_LOGIN] = PW_ENTRY_SAYS_LOGGED_IN,
        [SESSION_SUBSCRIBE] = PW_ENTRY_SAYS_SUBSCRIBED,
        [SESSION_LIST] = PW_ENTRY_SAYS_ORDERS,
        [SESSION_FUNDS] = PW_ENTRY_SAYS_ACCOUNT,
    };
    if (was->number != session->step_number) {
        return; /* the session has begun anew since */
    }
    pw_assert(session->phase > SESSION_DOWN && session->phase < SESSION_READY);
    if (message->kind != expected[session->phase]) {
        session_retry_for(session, session->phase,
                          message->has_failed ? (enum pw_reason)message->failure.reason
                                              : PW_REASON_VENUE_UNREADABLE);
        return;
    }
    switch (session->phase) {
    case SESSION_LOGIN:
        accept(session, SESSION_SUBSCRIBE);
        break;
    case SESSION_SUBSCRIBE:
        accept(session, SESSION_LIST);
        if (session->lists_lost > 0) {
            session->tries = session->lists_lost;
            session_retry_for(session, SESSION_LIST, PW_REASON_VENUE_UNREADABLE);
        }
        break;
    case SESSION_LIST:
        take_list(session, &message->list, recv_ns, out);
        break;
    default:
        take_account(session, &message->list);
        break;
    }
}
