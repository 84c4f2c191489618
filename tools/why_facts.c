/* SPDX-License-Identifier: MIT
 *
 * pinwheel why: what follows from an order's events. Risk's checks are evaluated again, on the inputs that
 * risk had and by the code that it runs.
 */
#include "orders.h"
#include "strategies.h"
#include "text.h"
#include "why.h"
#include <pinwheel/venue.h>
#include <string.h>

/* ---- order history ---- */

const struct pw_event *why_first(const struct why_story *story)
{
    for (size_t i = 0; i < story->step_cnt; i++) {
        if (story->steps[i].kind == PW_EVENT_ORDER) {
            return &story->steps[i];
        }
    }
    return NULL;
}

const struct pw_event *why_last(const struct why_story *story)
{
    for (size_t i = story->step_cnt; i-- > 0;) {
        if (story->steps[i].kind == PW_EVENT_ORDER) {
            return &story->steps[i];
        }
    }
    return NULL;
}

const struct pw_event *why_acknowledged(const struct why_story *story)
{
    const uint32_t said = 1u << PW_ORDER_OPEN | 1u << PW_ORDER_PARTIALLY_FILLED | 1u << PW_ORDER_FILLED |
                          1u << PW_ORDER_CANCELED | 1u << PW_ORDER_REJECTED | 1u << PW_ORDER_REPLACED |
                          1u << PW_ORDER_EXPIRED;
    for (size_t i = 0; i < story->step_cnt; i++) {
        if (story->steps[i].kind == PW_EVENT_ORDER && said >> story->steps[i].body.order.state & 1) {
            return &story->steps[i];
        }
    }
    return NULL;
}

struct why_sums why_sums(const struct why_story *story)
{
    struct why_sums sums = {0};
    for (size_t i = 0; i < story->step_cnt; i++) {
        const struct pw_fill *fill = &story->steps[i].body.fill;
        if (story->steps[i].kind == PW_EVENT_FILL) {
            sums.qty_e8 += fill->qty_e8;
            sums.notional_e16 += pw_money_notional_e16(fill->price_e8, fill->qty_e8);
            sums.fill_cnt++;
        }
    }
    return sums;
}

int64_t why_since_ns(const struct why_story *story, bool *is_submission)
{
    const struct pw_stamps *stamps = &story->stamps.body.stamps;
    *is_submission = story->has_stamps && stamps->submitted_ns != PW_STAMP_NONE;
    return *is_submission ? story->stamps.recv_ns + stamps->submitted_ns : why_first(story)->recv_ns;
}

uint64_t why_replaced(const struct why_story *story, uint64_t new_id)
{
    for (size_t i = 0; i < story->link_cnt; i++) {
        if (story->links[i].new_id == new_id) {
            return story->links[i].old_id;
        }
    }
    return 0;
}

/* The last one that was sent: those before it the venue refused, or there would be no other. */
uint64_t why_replacement(const struct why_story *story, uint64_t old_id)
{
    for (size_t i = story->link_cnt; i-- > 0;) {
        if (story->links[i].old_id == old_id && !story->links[i].denied) {
            return story->links[i].new_id;
        }
    }
    return 0;
}

const char *const *why_signal_names(const struct why_story *story)
{
    const struct pw_strategy_ops *ops = pw_strategy_find(story->kind);
    return ops && ops->signal_names[0] ? ops->signal_names : NULL;
}

/* ---- latency ---- */

int64_t why_path(const struct why_story *story, struct why_hop hops[WHY_HOPS])
{
    const struct pw_stamps *stamps = &story->stamps.body.stamps;
    const struct why_hop *first = NULL, *before = NULL;
    for (uint32_t i = 0; i < WHY_HOPS; i++) {
        int64_t at_ns = pw_hop_at_ns(stamps, (enum pw_hop)i);
        hops[i] = (struct why_hop){.name = pw_hops[i].name,
                                   .label = pw_hops[i].label,
                                   .known = story->has_stamps && at_ns != INT64_MIN};
        if (hops[i].known) {
            hops[i].at_ns = at_ns;
            hops[i].took_ns = before ? hops[i].at_ns - before->at_ns : 0;
            first = first ? first : &hops[i];
            before = &hops[i];
        }
    }
    int64_t whole_ns = first ? before->at_ns - first->at_ns : 0;
    for (uint32_t i = 0; i < WHY_HOPS && whole_ns > 0; i++) {
        hops[i].share = (double)hops[i].took_ns / (double)whole_ns;
    }
    return whole_ns;
}

/* ---- risk ---- */

static void fill_limits(const struct pw_event *event, struct pw_risk_limits *limits)
{
    const struct pw_risk_limits_kept *kept = &event->body.risk_limits;
    *limits = (struct pw_risk_limits){
        .max_order_notional_e8 = kept->max_order_notional_e8,
        .max_position_e8 = kept->max_position_e8,
        .max_orders_per_s = kept->max_orders_per_s,
        .allow_short = kept->bits & PW_RISK_BIT_ALLOW_SHORT,
        .fee_rate_e8 = (int32_t)kept->bits >> PW_RISK_FEE_SHIFT,
        .max_age_ns = event->venue_ns,
    };
}

static void fill_input(const struct journal_session *session, const struct why_story *story,
                       const struct pw_risk_limits *limits, struct pw_risk_input *in)
{
    const struct pw_intent *intent = &story->intent.body.intent;
    const struct pw_risk_market *market = &story->risk[WHY_RISK_MARKET].body.risk_market;
    const struct pw_risk_cash *cash = &story->risk[WHY_RISK_CASH].body.risk_cash;
    const struct pw_risk_limits_kept *kept = &story->risk[WHY_RISK_LIMITS].body.risk_limits;
    int64_t checked_ns = story->risk[WHY_RISK_MARKET].venue_ns;
    uint16_t idx = story->intent.instrument_idx;
    *in = (struct pw_risk_input){
        .instrument = idx < session->instrument_cnt ? &session->instruments[idx] : NULL,
        .limits = limits,
        .price_e8 = intent->price_e8,
        .qty_e8 = intent->qty_e8,
        .stop_price_e8 = intent->action == PW_PLACE ? intent->stop_price_e8 : 0,
        .side = story->intent.flags & PW_FLAG_SELL ? PW_SELL : PW_BUY,
        .type = intent->type,
        .tif = intent->tif,
        .feed_up = kept->bits & PW_RISK_BIT_FEED_UP,
        .halted = kept->bits & PW_RISK_BIT_HALTED ? PW_REASON_HALTED : PW_REASON_NONE,
        .bid_e8 = market->bid_e8,
        .ask_e8 = market->ask_e8,
        .reference_e8 = story->risk[WHY_RISK_CASH].venue_ns,
        .position_e8 = market->position_e8,
        .open_buy_e8 = market->open_buy_e8,
        .open_sell_e8 = market->open_sell_e8,
        .cash_e16 = pw_e16_from_words(cash->cash_e16),
        .hold_e16 = pw_e16_from_words(cash->hold_e16),
        .short_cost_e16 = pw_e16_from_words(kept->short_cost_e16),
        .rate_credit = cash->rate_credit,
        .room = kept->bits & PW_RISK_BIT_ROOM,
        .action = intent->action,
        .not_replaceable = story->risk[WHY_RISK_CASH].flags & PW_RISK_NOT_REPLACEABLE,
        .age_ns = checked_ns ? checked_ns - story->intent.recv_ns : 0,
        .gateway = story->risk[WHY_RISK_LIMITS].flags,
        .table_full = story->risk[WHY_RISK_CASH].flags & PW_RISK_TABLE_FULL,
    };
}

/* Does a filter judge it by a price that it does not name itself? */
static bool is_judged_by_another(const struct pw_instrument *row, const struct pw_event *event)
{
    const struct pw_price_band *band = &row->band[event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY];
    bool has_limit = pw_order_has_limit(event->body.intent.type);
    bool is_valued = (row->min_notional_market && row->min_notional_e8 > 0) ||
                     (row->max_notional_market && row->max_notional_e8 > 0);
    return has_limit ? band->up_e6 != 0 || band->down_e6 != 0 : is_valued;
}

struct why_filter_price why_filter_price(const struct journal_session *session, const struct why_story *story)
{
    uint16_t idx = story->intent.instrument_idx;
    const struct pw_reference_price *said = &story->reference.body.reference_price;
    struct why_filter_price price = {0};
    price.applies = story->has_intent && why_no_risk(story) == NULL && idx < session->instrument_cnt &&
                    is_judged_by_another(&session->instruments[idx], &story->intent);
    price.price_e8 = story->risk[WHY_RISK_CASH].venue_ns;
    if (story->reference.kind == PW_EVENT_REFERENCE_PRICE && price.price_e8 > 0 &&
        said->price_e8 == price.price_e8) {
        price.source = (enum pw_price_source)said->source;
        price.mins = said->mins;
        price.age_ns = story->intent.recv_ns - story->reference.recv_ns;
    }
    return price;
}

/* Reasons of checks whose input older journals do not have. */
static bool is_of_those_after(enum pw_reason reason)
{
    return reason == PW_REASON_NO_ROOM || reason == PW_REASON_BAD_INTENT ||
           reason == PW_REASON_NOT_CONNECTED || reason == PW_REASON_REQUEST_LIMIT ||
           reason == PW_REASON_VENUE_TIME || reason == PW_REASON_STALE;
}

void why_judge(const struct journal_session *session, const struct why_story *story,
               struct why_verdict *verdict)
{
    struct pw_risk_limits limits;
    struct pw_risk_input in;
    const struct pw_order *first = &why_first(story)->body.order;
    *verdict = (struct why_verdict){.known = why_no_risk(story) == NULL};
    verdict->recorded = first->state == PW_ORDER_DENIED ? (enum pw_reason)first->reason : PW_REASON_NONE;
    if (!verdict->known) {
        return;
    }
    fill_limits(&story->risk[WHY_RISK_LIMITS], &limits);
    fill_input(session, story, &limits, &in);
    verdict->check_cnt = pw_risk_check_cnt();
    for (uint32_t i = 0; i < verdict->check_cnt; i++) {
        verdict->findings[i] = pw_risk_measure(i, &in);
    }
    verdict->replayed = pw_risk_check(&in, NULL, NULL);
    if (verdict->replayed == PW_REASON_NONE) {
        verdict->replayed = pw_risk_check_answers(&in);
    }
    verdict->after = verdict->replayed == PW_REASON_NONE && verdict->recorded != PW_REASON_NONE &&
                     is_of_those_after(verdict->recorded);
    verdict->agrees = verdict->replayed == verdict->recorded || verdict->after;
}

/* ---- what is not there ---- */

bool why_is_paper(const struct why_story *story)
{
    return strcmp(story->gateway, "paper") == 0;
}

static bool was_denied(const struct why_story *story)
{
    return why_first(story)->body.order.state == PW_ORDER_DENIED;
}

const char *why_no_market(const struct why_story *story)
{
    if (story->has_market) {
        return NULL;
    }
    return story->has_intent ? "missing from the journal: dropped or damaged"
                             : "unknown: its order request is not in the journal";
}

const char *why_no_stamps(const struct why_story *story)
{
    if (story->has_stamps) {
        return NULL;
    }
    if (was_denied(story)) {
        return "not recorded: denied before it was sent";
    }
    return why_is_paper(story) ? "not recorded" : "not recorded yet: written with the venue's first response";
}

const char *why_no_hop(const struct why_story *story, const struct why_hop *hop)
{
    if (hop->known) {
        return NULL;
    }
    if (strcmp(hop->name, "kernel") == 0) {
        return "not recorded: no kernel timestamp";
    }
    bool is_on_wire = strcmp(hop->name, "encrypted") == 0 || strcmp(hop->name, "submitted") == 0;
    if (why_is_paper(story) && (is_on_wire || strcmp(hop->name, "encoded") == 0)) {
        return "not recorded: paper gateway";
    }
    return "not recorded";
}

const char *why_no_messages(const struct why_story *story)
{
    if (story->message_cnt) {
        return NULL;
    }
    if (why_is_paper(story)) {
        return "not recorded: the paper gateway sends no messages";
    }
    return was_denied(story) ? "none: denied before anything was sent" : "none in the journal";
}

const char *why_no_risk(const struct why_story *story)
{
    const uint32_t all = (1u << WHY_RISK_EVENTS) - 1;
    if (!story->has_intent) {
        return "unknown: its order request is not in the journal";
    }
    return story->risk_seen == all ? NULL
                                   : "not recorded: the inputs of the risk checks are not in the journal";
}

/* ---- numbers ---- */

/* The venues that have order entry spell ids in the same way. */
static const struct pw_venue_entry *entry_of_any(void)
{
    const struct pw_venue *venue = NULL;
    for (uint32_t i = 0; (venue = pw_venue_at(i)) != NULL && venue->entry == NULL; i++) {
    }
    return venue != NULL ? venue->entry : NULL;
}

const struct pw_venue_entry *why_entry(struct journal_session *session, uint16_t instrument_idx)
{
    const struct pw_venue *venue = NULL;
    uint32_t feed_cnt = instrument_idx < session->instrument_cnt ? journal_feed_cnt(session) : 0;
    for (uint32_t i = 0; i < feed_cnt; i++) {
        char path[64], name[sizeof session->instruments[0].feed], word[64];
        snprintf(path, sizeof path, "feeds/%u/name", i);
        journal_config_word(session, path, name, sizeof name);
        if (strcmp(name, session->instruments[instrument_idx].feed) == 0) {
            snprintf(path, sizeof path, "feeds/%u/venue", i);
            journal_config_word(session, path, word, sizeof word);
            venue = pw_venue_find(word);
        }
    }
    return venue != NULL && venue->entry != NULL ? venue->entry : entry_of_any();
}

bool why_read_venue_id(const char *text, struct pw_entry_client_id *id)
{
    const struct pw_venue *venue;
    for (uint32_t i = 0; (venue = pw_venue_at(i)) != NULL; i++) {
        if (venue->entry != NULL && venue->entry->read_client_id(text, strlen(text), id)) {
            return true;
        }
    }
    return false;
}

const char *why_venue_id(const struct pw_venue_entry *entry, const struct journal_session *session,
                         uint64_t client_order_id, bool is_cancel, char text[WHY_VENUE_ID_BYTES])
{
    const struct pw_entry_client_id id = {.client_order_id = client_order_id,
                                          .instance_hash = pw_entry_instance_hash(session->run.instance),
                                          .is_cancel = is_cancel};
    text[0] = 0;
    if (entry != NULL) {
        entry->write_client_id(&id, text);
    }
    return text;
}

static int shift_of(const struct why_story *story)
{
    return story->instrument != NULL ? story->instrument->unit_shift : 0;
}

const char *why_price(const struct why_story *story, pw_i128 price)
{
    return journal_decimal(price, pw_price_decimals(shift_of(story)));
}

const char *why_qty(const struct why_story *story, pw_i128 qty)
{
    return journal_decimal(qty, pw_qty_decimals(shift_of(story)));
}

const char *why_measure(const struct why_story *story, const struct pw_risk_finding *finding, pw_i128 value)
{
    switch (finding->unit) {
    case PW_RISK_PRICE:
        return why_price(story, value);
    case PW_RISK_QTY:
        return why_qty(story, value);
    case PW_RISK_E16:
        return journal_decimal(value, 16);
    case PW_RISK_E9:
    case PW_RISK_NS:
        return journal_decimal(value, 9);
    case PW_RISK_REASON:
        return pw_reason_name((unsigned)value);
    default:
        return journal_decimal(value, 0);
    }
}
