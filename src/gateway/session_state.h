/* SPDX-License-Identifier: MIT
 *
 * The live gateway's state, and what its files do for each other.
 */
#ifndef PW_LIVE_PRIVATE_H
#define PW_LIVE_PRIVATE_H

#include "binance_answers.h"
#include "budget.h"
#include "session.h"
#include "venue_clock.h"

#define LIVE_ROWS     (2 * PW_OPEN_ORDERS_MAX) /* orders placed here, and closed ones that turned up again */
#define LIVE_ASKED    160u /* requests without an answer: two for each row, and the session's */
#define LIVE_CANCELS  32u  /* of these, kept from new orders */
#define LIVE_FILLS    PW_BINANCE_TRADES_MAX    /* of one answer */
#define LIVE_REPLACES (PW_BINANCE_MARKET + 1u) /* forms that a replacement may have */
#define LIVE_MS       INT64_C(1000000)
#define LIVE_S        INT64_C(1000000000)
#define LIVE_REPEAT_NS                                                                                       \
    (INT64_C(500) * LIVE_MS) /* of a cancellation that did not go through; doubled up to                     \
                              */
#define LIVE_REPEATS 4u      /* so many times */

/* What is under way at the venue. */
enum live_phase {
    LIVE_DOWN = 0,
    LIVE_LOGON,
    LIVE_SUBSCRIBE,
    LIVE_LIST, /* open orders; again until none of an earlier run is among them */
    LIVE_FUNDS,
    LIVE_READY,
};

/* An order that the table has not closed. */
struct live_row {
    uint64_t client_order_id;
    uint64_t replaces_id;    /* of a replacement; 0: none */
    uint64_t venue_order_id; /* 0: not known yet */
    int64_t expires_ms;      /* the venue refuses its request from then on, by its own clock */
    int64_t valid_until_ns;  /* what place returned */
    int64_t heard_ns;        /* when it was last told or asked about */
    int64_t ask_ns;          /* next question, if in doubt */
    int64_t cancel_ns;       /* next cancellation, if wanted */
    uint64_t trades_from;    /* of the venue's list of them, the number that is asked for next */
    uint16_t instrument_idx;
    uint8_t doubts;       /* questions that settled nothing, in sequence */
    uint8_t cancel_tries; /* cancellations that did not go through, in sequence */
    bool in_doubt;        /* the table calls it UNKNOWN, or fills are owed */
    bool asked;           /* a question is not answered */
    bool asked_trades;
    bool cancel_wanted, cancel_asked;
};

/* A request without an answer. */
struct live_asked {
    uint64_t number;          /* of its id */
    uint64_t client_order_id; /* what it is about; 0: no order */
    int64_t sent_ns, deadline_ns;
    int64_t timestamp_ms;
    struct pw_budget_cost cost;
    uint8_t method;
};

/* A request of which the journal is to have a copy yet. */
struct live_unkept {
    const struct pw_binance_request *request; /* NULL: there is none */
    const uint8_t *text;                      /* in the ring to the wire */
    struct pw_event frame;
};

struct live_texts {
    struct pw_binance_request place[PW_BINANCE_FORMS];
    struct pw_binance_request replace[LIVE_REPLACES];
    struct pw_binance_request cancel;
};

struct live {
    struct pw_live_config config;
    /* Time. */
    int64_t now_ns;  /* of the last poll */
    int64_t next_ns; /* poll has nothing to do before */
    bool look;       /* but it has now */
    struct pw_venue_clock clock;
    int64_t offset_ns; /* the last one known; budget's time is ours and it */
    int64_t error_ns, error_max_ns;
    int64_t time_ns; /* when the venue was last asked for its time */
    bool time_asked;
    struct pw_budget budget;
    int64_t orders_paused_ns; /* new orders alone */
    /* Session. */
    enum live_phase phase;
    uint64_t session_number; /* of the phase's request under way; 0: none */
    int64_t retry_ns;
    uint32_t tries;
    bool logged_on; /* requests of this connection count as the account's */
    bool fatal;     /* the key was refused: no orders until it is taken again */
    bool funds_checked, closing, wants_reconnect;
    uint8_t refusal;
    /* Requests and orders. */
    uint64_t number; /* of the last request with one of its own */
    uint64_t epoch;  /* of the connection: requests are for this one or for none */
    uint32_t wire_seq, journal_seq;
    uint32_t asked_cnt, row_cnt;
    struct live_unkept unkept;
    struct live_asked asked[LIVE_ASKED];
    struct live_row rows[LIVE_ROWS];
    uint32_t fill_first, fill_cnt;
    struct pw_report fills[LIVE_FILLS]; /* of lists of trades: told one a pass */
    struct pw_live_counts counts;
    /* Prepared texts. */
    struct pw_binance_request logon, subscribe, time, list, account;
    struct pw_binance_request scratch; /* for what is asked seldom, prepared when it is */
    uint16_t *text_of;                 /* by instrument */
    struct live_texts *texts;
};

#define LIVE_NO_TEXT UINT16_C(0xffff)

/* ---- live.c ---- */

/* The venue's clock at the last poll: into offset_ns and error_ns. False: not known well enough. */
bool live_clock(struct live *live);

/* Is it time? If not, poll comes back then. */
bool live_due(struct live *live, int64_t at_ns);

/* Is that order, as the venue tells of it, one of this instance's? */
static inline bool live_is_own(const struct live *live, bool is_ours, uint32_t instance_hash)
{
    return is_ours && instance_hash == live->config.instance_hash;
}

/* Is it what the venue tells about that order? */
static inline bool live_tells_of(const struct live *live, const struct pw_binance_order *order,
                                 uint64_t client_order_id)
{
    return live_is_own(live, order->is_ours, order->instance_hash) &&
           order->client_order_id == client_order_id;
}

struct live_row *live_row_find(struct live *live, uint64_t client_order_id);

/* A row for an order of this run; NULL: no room. */
struct live_row *live_row_add(struct live *live, uint64_t client_order_id, uint16_t instrument_idx);

/* To execution: an exec type without more, and whole reports; false: there was no room, or it is of no order
 * of this run. Of one that the order table does not know it is told all the same. */
void live_tell(struct live *live, uint64_t client_order_id, enum pw_exec_type exec_type,
               enum pw_reason reason, int64_t recv_ns, struct pw_reports *out);
bool live_report(struct live *live, const struct pw_report *report, struct pw_reports *out);

/* Reports may have been lost: no order is known for sure. */
void live_resync(struct live *live, int64_t recv_ns, struct pw_reports *out);

/* ---- live_requests.c ---- */

int live_prepare(struct live *live, struct pw_binance_request *request, enum pw_binance_method method,
                 enum pw_binance_form form, const struct pw_instrument *instrument);

/* Could a request of that cost be sent now? */
enum pw_budget_answer live_budget(struct live *live, const struct pw_budget_cost *cost, bool urgent);
bool live_has_room(struct live *live, uint32_t asked_reserve);

/* Puts it into the ring and keeps its question; budget and room must have been looked at. The question, or
 * NULL: it could not be signed or dated, and nothing was sent. */
const struct live_asked *live_put(struct live *live, struct pw_binance_request *request,
                                  struct pw_binance_values *values, uint64_t client_order_id);

/* A request that is no new order, if it may go now: as live_put. */
const struct live_asked *live_ask(struct live *live, struct pw_binance_request *request,
                                  struct pw_binance_values *values, uint64_t client_order_id, bool urgent);

/* Takes the open question with that id off the list; false: there is none. */
bool live_answered(struct live *live, enum pw_binance_method method, uint64_t number, struct live_asked *was);
void live_drop(struct live *live, uint32_t asked_idx, struct live_asked *was);

/* The copy of the last request, if it is still owed. */
void live_keep_sent(struct live *live);

/* A message received, for the journal. */
void live_keep(struct live *live, const struct pw_event *frame, const uint8_t *message);

/* ---- live_session.c ---- */

void live_notice(struct live *live, const struct pw_event *frame, struct pw_reports *out);
void live_session_step(struct live *live);
/* The answer to a request of the session. */
void live_session_answer(struct live *live, const struct pw_binance_told *told, const struct live_asked *was,
                         int64_t recv_ns, struct pw_reports *out);
/* Reports may have been lost, but the connection stands: goes on from that phase, if it had come further. */
void live_session_resume(struct live *live, enum live_phase phase, int64_t recv_ns, struct pw_reports *out);
/* The venue no longer knows the session: logs on again, after a while. */
void live_session_lost(struct live *live, int64_t recv_ns, struct pw_reports *out);
/* The key was refused, or nothing can be signed: no new orders, and trading halts. */
void live_session_refused(struct live *live, enum pw_reason reason, struct pw_reports *out);
/* Asks again from that phase on, after a while that grows. */
void live_session_retry(struct live *live, enum live_phase phase);
void live_session_failed(struct live *live); /* a request of it was not answered */
void live_time_step(struct live *live);
void live_clock_lost(struct live *live);
void live_set_offset(struct live *live, int64_t offset_ns);

/* ---- live_questions.c ---- */

void live_questions_step(struct live *live);
void live_question_answer(struct live *live, const struct pw_binance_told *told, const struct live_asked *was,
                          int64_t recv_ns, struct pw_reports *out);
void live_time_outs(struct live *live, struct pw_reports *out);
/* One of the fills that lists of trades told: a call may tell two of one order. */
void live_tell_fill(struct live *live, struct pw_reports *out);
/* A request about the row's order ended without an outcome. */
void live_unanswered(struct live *live, enum pw_binance_method method, struct live_row *row, int64_t recv_ns,
                     struct pw_reports *out);
/* Sends the cancellation that is wanted of it, if it may go now. */
void live_cancel_step(struct live *live, struct live_row *row);
/* It did not go through: again, after a while that grows. */
void live_cancel_later(struct live *live, struct live_row *row);
/* The question about it is over; with or without an answer. */
void live_asked_over(struct live *live, struct live_row *row);

/* ---- live_answers.c ---- */

void live_message(struct live *live, const struct pw_event *frame, const uint8_t *message,
                  struct pw_reports *out);

#endif
