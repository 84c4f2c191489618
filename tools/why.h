/* SPDX-License-Identifier: MIT
 *
 * pinwheel why: one order's history, from the journal. Gathered by why_gather.c, worked out by
 * why_facts.c, printed by why_text.c and why_json.c.
 */
#ifndef PW_TOOL_WHY_H
#define PW_TOOL_WHY_H

#include "journal_tool.h"
#include "risk.h"
#include <pinwheel/entry.h>
#include <pinwheel/hops.h>

/* A message of order entry, or a notice of its connection. */
struct why_message {
    int64_t recv_ns;
    bool sent;
    uint32_t state, reason; /* of a notice: enum pw_feed_state, pw_reason */
    uint32_t bytes;
    char *text; /* with a zero byte behind; NULL: it is a notice */
};

/* An order that was to replace another. */
struct why_link {
    uint64_t old_id, new_id;
    bool denied; /* the new one was */
};

enum { WHY_RISK_MARKET = 0, WHY_RISK_CASH = 1, WHY_RISK_LIMITS = 2, WHY_RISK_EVENTS = 3 };

struct why_story {
    uint64_t client_order_id;
    bool has_market, has_signal, has_intent, has_stamps;
    uint32_t risk_seen; /* bit i: risk[i] is there */
    uint64_t market_seq;
    struct pw_event market, signal, intent, stamps;
    struct pw_event risk[WHY_RISK_EVENTS];
    struct pw_event reference; /* the last REFERENCE_PRICE before it; kind NONE: none */
    struct pw_event
        *steps; /* its history, in order: ORDER, FILL, FILL_INFO; INTENT and COMMAND that end it */
    size_t step_cnt;
    struct why_message *messages;
    size_t message_cnt;
    struct why_link *links; /* of the whole run */
    size_t link_cnt;
    char gateway[16]; /* "paper", "live", "dry": as the config says; paper if it does not */
    char strategy[64], kind[64];
    const struct pw_venue_entry *entry;     /* its venue's order entry */
    const struct pw_instrument *instrument; /* NULL: the run does not say */
};

/* ---- gathering ---- */

/* Reads the journal for the order. False: no memory, or the journal cannot be read. An order that is not
 * there has no steps. */
bool why_gather(struct journal_session *session, struct why_story *story);
void why_free(struct why_story *story);

/* The newest order of the run; 0: it has none. */
uint64_t why_newest(struct journal_session *session);

/* Prints the `cnt` orders whose bytes were given to the kernel, or passed the last hop that is known, latest
 * after their event came. An exit code. */
int why_slowest(struct journal_session *session, uint64_t cnt);

/* ---- facts ---- */

/* A hop of the order's path, by the time since the bytes were received. */
struct why_hop {
    const char *name, *label;
    bool known;
    int64_t at_ns, took_ns; /* took: since the known one before */
    double share;           /* of all that is known */
};
#define WHY_HOPS PW_HOPS_STAMPED

/* Returns the time from the first to the last hop that is known; 0: none is. */
int64_t why_path(const struct why_story *story, struct why_hop hops[WHY_HOPS]);

struct why_verdict {
    bool known; /* all that risk saw is in the journal */
    uint32_t check_cnt;
    struct pw_risk_finding findings[PW_RISK_CHECKS_MAX];
    enum pw_reason replayed, recorded; /* by the checks now; in the journal: NONE, it was sent */
    bool agrees;
    bool after; /* the checks let it pass, who came after them did not: the order table, the gateway */
};

/* The price by which the venue's filters were taken to judge the order. */
struct why_filter_price {
    bool applies;                /* a filter judges it by another price than its own */
    int64_t price_e8;            /* 0: none was known: the touch stood in for it */
    enum pw_price_source source; /* NONE with a price: its event is not in the journal */
    uint32_t mins;               /* of a mean */
    int64_t age_ns;              /* at the time of what caused the order */
};
struct why_filter_price why_filter_price(const struct journal_session *session,
                                         const struct why_story *story);

void why_judge(const struct journal_session *session, const struct why_story *story,
               struct why_verdict *verdict);

/* The ORDER event that says how it began, and the last one that says how it stands; NULL: there is none. */
const struct pw_event *why_first(const struct why_story *story);
const struct pw_event *why_last(const struct why_story *story);

/* The first one from which the venue had it; NULL: it has not said so. */
const struct pw_event *why_acknowledged(const struct why_story *story);

/* When its bytes were given to the kernel, or, where that is not known, when the bytes of its event were
 * received. */
int64_t why_since_ns(const struct why_story *story, bool *is_submission);

/* The order before it in a chain of replacements, or after; 0: none. */
uint64_t why_replaced(const struct why_story *story, uint64_t new_id);
uint64_t why_replacement(const struct why_story *story, uint64_t old_id);

struct why_sums {
    pw_i128 qty_e8, notional_e16;
    uint64_t fill_cnt;
};
struct why_sums why_sums(const struct why_story *story);

/* What the signal's values are, as its strategy names them; NULL: it does not. */
const char *const *why_signal_names(const struct why_story *story);

/* Nothing goes over a wire, and what the venue would do happens at the market's times. */
bool why_is_paper(const struct why_story *story);

/* Why something is not there, for people; NULL: it is there. */
const char *why_no_market(const struct why_story *story);
const char *why_no_stamps(const struct why_story *story);
const char *why_no_hop(const struct why_story *story, const struct why_hop *hop);
const char *why_no_messages(const struct why_story *story);
const char *why_no_risk(const struct why_story *story);

/* "buy", "sell"; of ORDER, INTENT, FILL. */
static inline const char *why_side(const struct pw_event *event)
{
    return event->flags & PW_FLAG_SELL ? "sell" : "buy";
}

/* The order entry by which an instrument's orders go; on paper that of its venue, else of the first that has
 * one. */
const struct pw_venue_entry *why_entry(struct journal_session *session, uint16_t instrument_idx);
/* An order's id at the venue, or at any. False: it is no such id. */
bool why_read_venue_id(const char *text, struct pw_entry_client_id *id);
/* Returns text. entry NULL: there is none, and the text is empty. */
#define WHY_VENUE_ID_BYTES (PW_ENTRY_CLIENT_ID_BYTES_MAX)
const char *why_venue_id(const struct pw_venue_entry *entry, const struct journal_session *session,
                         uint64_t client_order_id, bool is_cancel, char text[WHY_VENUE_ID_BYTES]);

/* A decimal in the units of the order's instrument. */
const char *why_price(const struct why_story *story, pw_i128 price);
const char *why_qty(const struct why_story *story, pw_i128 qty);
/* Value or limit of a finding, in its unit. */
const char *why_measure(const struct why_story *story, const struct pw_risk_finding *finding, pw_i128 value);

/* ---- printing ---- */

struct why_options {
    bool pretty;
};

void why_print_text(struct journal_session *session, const struct why_story *story,
                    const struct why_options *options);
void why_print_json(struct journal_session *session, const struct why_story *story);

#endif
