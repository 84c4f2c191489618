/* SPDX-License-Identifier: MIT
 *
 * The session's state, and what its files do for each other.
 */
#ifndef PW_SESSION_STATE_H
#define PW_SESSION_STATE_H

#include "budget.h"
#include "metrics_table.h"
#include "orders.h"
#include "pw_assert.h"
#include "session.h"
#include "symbols.h"
#include "venue_clock.h"
#include "venue_errors.h"
#include <pinwheel/entry.h>
#include <pinwheel/ring.h>

#define SESSION_ROWS    (2 * PW_OPEN_ORDERS_MAX) /* orders placed here, and closed ones that turned up again */
#define SESSION_PENDING 160u  /* requests without a response: two for each row, and the session's */
#define SESSION_CANCELS 32u   /* of these, kept from new orders */
#define SESSION_FILLS   1000u /* of one response */
/* Of a cancellation that did not go through; doubled up to so many times. */
#define SESSION_REPEAT_NS  (INT64_C(500) * PW_NS_PER_MS)
#define SESSION_REPEATS    4u
#define SESSION_TEXT_BYTES 2048u /* at most, of a request's text */

/* What is under way at the venue. */
enum session_phase {
    SESSION_DOWN = PW_STEP_CONNECTION,
    SESSION_LOGIN = PW_STEP_LOGIN,
    SESSION_SUBSCRIBE = PW_STEP_SUBSCRIBE,
    SESSION_LIST = PW_STEP_OPEN_ORDERS, /* again until none of an earlier run is among them */
    SESSION_FUNDS = PW_STEP_BALANCES,
    SESSION_READY = PW_STEP_READY,
};

/* An order that the table has not closed. */
struct session_row {
    uint64_t client_order_id;
    uint64_t replaces_id;   /* of a replacement; 0: none */
    int64_t expires_ns;     /* the venue refuses its request from then on, by its own clock */
    int64_t valid_until_ns; /* what place returned */
    int64_t heard_ns;       /* when it was last reported or queried */
    int64_t query_ns;       /* next query, if in doubt */
    int64_t cancel_ns;      /* next cancellation, if wanted */
    int64_t owed_e8;        /* of what fills were owed at the last query */
    uint64_t fills_from;    /* of the venue's list of them, the trade's number that is asked for next */
    uint16_t instrument_idx;
    uint8_t doubts;       /* queries that settled nothing, in sequence */
    uint8_t cancel_tries; /* cancellations that did not go through, in sequence */
    bool in_doubt;        /* the table calls it UNKNOWN, or fills are owed */
    bool queried;         /* a query is pending */
    bool queried_fills;
    bool cancel_wanted, cancel_sent;
};

/* A request without a response. */
struct session_pending {
    uint64_t number;          /* of its id */
    uint64_t client_order_id; /* what it is about; 0: no order */
    int64_t sent_ns, deadline_ns;
    int64_t timestamp_ns; /* as it says */
    struct pw_budget_cost cost;
    uint8_t kind; /* enum pw_entry_kind */
};

/* A request of which the journal is to have a copy yet. */
struct session_unjournalled {
    const struct pw_entry_request *request; /* NULL: there is none */
    const uint8_t *text;                    /* in the ring to the wire */
    struct pw_event frame;
};

struct session {
    struct pw_gateway_config config;
    const struct pw_venue_entry *entry;
    struct pw_symbols symbols; /* of the instruments that may be traded */
    bool dry;                  /* orders are only tested */
    bool has_login;            /* a login stands for requests; else each is signed */
    /* Time. */
    int64_t now_ns;  /* of the last poll */
    int64_t next_ns; /* poll has nothing to do before */
    bool look;       /* but it has now */
    struct pw_venue_clock clock;
    int64_t offset_ns; /* the last one known; budget's time is ours and it */
    int64_t error_ns, error_max_ns;
    int64_t time_ns; /* when the venue was last asked for its time */
    bool time_pending;
    struct pw_budget budget;
    int64_t orders_paused_ns; /* new orders alone */
    /* Session. */
    enum session_phase phase;
    uint64_t step_number; /* of the phase's request under way; 0: none */
    int64_t retry_ns;
    uint32_t tries;
    uint32_t lists_lost; /* connections that ended in place of a list of open orders, in sequence */
    uint32_t unread_cnt; /* events that could not be read, each not long after the one before */
    int64_t unread_ns;   /* the last one */
    bool logged_in;      /* requests of this connection count as the account's */
    bool fatal;          /* the key was rejected: no orders until it is accepted again */
    bool funds_checked, closing;
    uint32_t unanswered; /* requests in sequence */
    int64_t answered_ns; /* when the last response came */
    bool silent;         /* no answers come: the connection is given up */
    /* Requests and orders. */
    uint64_t number; /* of the last request with one of its own */
    uint64_t epoch;  /* of the connection: requests are for this one or for none */
    uint32_t wire_seq, journal_seq;
    uint32_t pending_cnt, row_cnt;
    struct session_unjournalled unjournalled;
    struct session_pending pending[SESSION_PENDING];
    struct session_row rows[SESSION_ROWS];
    uint32_t fill_first, fill_cnt;
    struct pw_report fills[SESSION_FILLS]; /* of lists of fills: reported one a pass */
    struct pw_gateway_metrics counts;
    /* Prepared requests, each of entry->request_bytes. */
    struct pw_entry_request *login, *subscribe, *time, *list, *account;
    struct pw_entry_request *scratch; /* for what is asked seldom, prepared when it is */
    uint16_t *text_of;                /* by instrument: its place among those that are traded */
    char *texts;                      /* of each: its forms, those that replace, and its cancellation */
};

#define SESSION_NO_TEXT UINT16_C(0xffff)

/* ---- session.c ---- */

/* The venue's clock at the last poll: into offset_ns and error_ns. False: not known well enough. */
bool session_clock(struct session *session);

/* Is it time? If not, poll comes back then. */
bool session_due(struct session *session, int64_t at_ns);

static inline bool session_is_own(const struct session *session, const struct pw_entry_order *order)
{
    return order->is_ours && order->instance_hash == session->config.instance_hash;
}

/* Is it what the venue says about that order? */
static inline bool session_is_of(const struct session *session, const struct pw_entry_order *order,
                                 uint64_t client_order_id)
{
    return session_is_own(session, order) && order->report.client_order_id == client_order_id;
}

/* The request that cancels an order in that instrument; NULL: it is not traded. */
const struct pw_entry_request *session_cancel_text(const struct session *session, uint16_t instrument_idx);

struct session_row *session_row_find(struct session *session, uint64_t client_order_id);

/* To execution: an exec type without more, and whole reports; false: there was no room, or it is of no order
 * of this run. Of one that the order table does not know it is reported all the same. */
void session_report_event(struct session *session, uint64_t client_order_id, enum pw_exec_type exec_type,
                          enum pw_reason reason, int64_t recv_ns, struct pw_reports *out);
bool session_report(struct session *session, const struct pw_report *report, int64_t recv_ns,
                    struct pw_reports *out);

/* Reports may have been lost: no order is known for sure. */
void session_resync(struct session *session, int64_t recv_ns, struct pw_reports *out);

/* ---- session_requests.c ---- */

/* form: of new orders. instrument NULL: the request names none. */
int session_prepare(struct session *session, struct pw_entry_request *request, enum pw_entry_kind kind,
                    uint32_t form, const struct pw_instrument *instrument);

/* Could a request of that cost be sent now? */
enum pw_budget_verdict session_budget(struct session *session, const struct pw_budget_cost *cost,
                                      bool urgent);
bool session_has_room(struct session *session, uint32_t pending_reserve);

/* Puts it into the ring and keeps it as pending; budget and room must have been looked at. NULL: it could not
 * be signed or dated, and nothing was sent. values->order_id is the order that it is about; 0: none. */
const struct session_pending *session_send(struct session *session, const struct pw_entry_request *request,
                                           struct pw_entry_values *values);

/* A request that is no new order, if it may go now: as session_send. */
const struct session_pending *session_ask(struct session *session, const struct pw_entry_request *request,
                                          struct pw_entry_values *values, bool urgent);

/* Takes the pending request of that kind and number off the list; false: there is none. */
bool session_match(struct session *session, unsigned kind, uint64_t number, struct session_pending *was);
void session_drop(struct session *session, uint32_t pending_idx, struct session_pending *was);

/* The copy of the last request, if it is still owed. */
void session_journal_sent(struct session *session);

/* A message received, for the journal. */
void session_journal_message(struct session *session, const struct pw_event *frame, const uint8_t *message);

/* ---- session_steps.c ---- */

void session_notice(struct session *session, const struct pw_event *frame, struct pw_reports *out);
void session_step(struct session *session);
/* The response to a request of the steps. */
void session_step_response(struct session *session, const struct pw_entry_message *message,
                           const struct session_pending *was, int64_t recv_ns, struct pw_reports *out);
/* Reports may have been lost, but the connection stands: goes on from that phase, if it had come further. */
void session_resume(struct session *session, enum session_phase phase, int64_t recv_ns,
                    struct pw_reports *out);
/* The venue no longer knows the login: logs in again, after a while. */
void session_login_lost(struct session *session, int64_t recv_ns, struct pw_reports *out);
/* The key was rejected, or nothing can be signed: no new orders, and trading halts. */
void session_key_rejected(struct session *session, enum pw_reason reason, struct pw_reports *out);
/* Asks again from that phase on, after a while that grows. */
void session_retry(struct session *session, enum session_phase phase);
/* The same, and why it is not ready; a key that was rejected is the better reason. */
void session_retry_for(struct session *session, enum session_phase phase, enum pw_reason reason);
/* What cannot be read may have been a report: open orders are listed again, ever more seldom if that goes on.
 */
void session_list_again(struct session *session, int64_t recv_ns, struct pw_reports *out);
void session_failed(struct session *session); /* a request of it had no response */
/* Nor had this one, of whatever kind. */
void session_unanswered(struct session *session, const struct session_pending *was);
void session_time_step(struct session *session);
void session_clock_lost(struct session *session);
void session_set_offset(struct session *session, int64_t offset_ns);

/* ---- session_queries.c ---- */

void session_queries_step(struct session *session);
void session_query_response(struct session *session, const struct pw_entry_message *message,
                            const struct session_pending *was, int64_t recv_ns, struct pw_reports *out);
void session_timeouts(struct session *session, struct pw_reports *out);
/* One of the fills of lists: a call may report two of one order. */
void session_report_fill(struct session *session, struct pw_reports *out);
/* A request about the row's order ended without an outcome. row NULL: closed since, or of an earlier run. */
void session_no_outcome(struct session *session, unsigned kind, struct session_row *row, int64_t recv_ns,
                        struct pw_reports *out);
/* Sends the cancellation that is wanted of it, if it may go now. */
void session_cancel_step(struct session *session, struct session_row *row);
/* It did not go through: again, after a while that grows. */
void session_cancel_later(struct session *session, struct session_row *row);
/* ---- session_responses.c ---- */

/* To execution: what the venue answered to a request about that order. */
void session_answer(struct session *session, uint64_t client_order_id, const struct pw_entry_order *order,
                    int64_t recv_ns, struct pw_reports *out);

/* For those who watch: what cannot be read of an answer to that request, or of an event (PW_VENUE_EVENT). */
void session_unreadable(struct session *session, uint8_t request, uint64_t client_order_id,
                        const struct pw_entry_fault *fault);
void session_message(struct session *session, const struct pw_event *frame, const uint8_t *message,
                     struct pw_reports *out);

/* ---- session.c: what the gateways that are sessions are made of ---- */

size_t session_bytes(const struct pw_gateway_config *config);
int session_init(void *memory, const struct pw_gateway_config *config, bool dry);
enum pw_reason session_check(void *state, const struct pw_gateway_order *order, uint64_t replaces_id);
int64_t session_place(void *state, const struct pw_gateway_order *order, struct pw_reports *out);
int64_t session_replace(void *state, const struct pw_gateway_order *order, uint64_t replaces_id,
                        struct pw_reports *out);
void session_cancel(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out);
void session_settle(void *state);
void session_on_message(void *state, const struct pw_event *frame, const uint8_t *message,
                        struct pw_reports *out);
uint32_t session_poll(void *state, int64_t now_ns, struct pw_reports *out);
int64_t session_next_ns(const void *state);
bool session_venue_clock(void *state, int64_t *offset_ns, int64_t *error_ns);
void session_pause(void *state, int64_t until_ns);
uint32_t session_open_cnt(const void *state);
void session_counts(const void *state, struct pw_gateway_metrics *counts);

#endif
