/* SPDX-License-Identifier: MIT
 *
 * pinwheel why: reads what belongs to one order out of the journal. Three passes: over what strategy and
 * execution made, for the market event that they name, over the messages of order entry. Blocks that cannot
 * have any of it are passed over.
 */
#include "cli.h"
#include "orders.h"
#include "rules.h"
#include "why.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KIND(kind)   (UINT64_C(1) << (kind))
#define MARKET_KINDS (KIND(PW_EVENT_TIME) - 1)
#define ORDER_KINDS                                                                                          \
    (KIND(PW_EVENT_SIGNAL) | KIND(PW_EVENT_INTENT) | KIND(PW_EVENT_ORDER) | KIND(PW_EVENT_FILL) |            \
     KIND(PW_EVENT_FILL_INFO) | KIND(PW_EVENT_COMMAND) | KIND(PW_EVENT_STAMPS) |                             \
     KIND(PW_EVENT_RISK_MARKET) | KIND(PW_EVENT_RISK_CASH) | KIND(PW_EVENT_RISK_LIMITS))

/* Answers and reports come within seconds of an order's end. */
#define AFTERMATH_NS INT64_C(60000000000)
/* A request bears the time of the pass that sent it, which on another core may have begun before the market
 * event came in. */
#define FORERUN_NS INT64_C(1000000000)

/* Where the journal is between two events. */
struct gathering {
    struct why_story *story;
    struct pw_event intent, signal;
    struct pw_event risk[WHY_RISK_EVENTS];
    uint32_t risk_seen;
    bool waits;       /* the intent's order has not come */
    bool ours;        /* it has, and is the one that is asked for */
    bool with_signal; /* the signal led to the intent */
    bool filling;     /* the last FILL is the order's */
};

/* Room for one more row; false: no memory. Grows when a power of two is full. */
static bool grow(void **rows, size_t cnt, size_t row_bytes)
{
    if ((cnt & (cnt - 1)) != 0) {
        return true;
    }
    void *more = realloc(*rows, (cnt ? 2 * cnt : 1) * row_bytes);
    *rows = more ? more : *rows;
    return more != NULL;
}

static bool add_step(struct why_story *story, const struct pw_event *event)
{
    void *rows = story->steps;
    bool good = grow(&rows, story->step_cnt, sizeof *event);
    story->steps = rows;
    if (good) {
        story->steps[story->step_cnt++] = *event;
    }
    return good;
}

static bool add_link(struct why_story *story, const struct why_link *link)
{
    void *rows = story->links;
    bool good = grow(&rows, story->link_cnt, sizeof *story->links);
    story->links = rows;
    if (good) {
        story->links[story->link_cnt++] = *link;
    }
    return good;
}

/* ---- what strategy and execution made ---- */

static bool take_intent(struct gathering *g, const struct pw_event *event)
{
    const struct pw_intent *intent = &event->body.intent;
    bool names = intent->action != PW_PLACE && intent->client_order_id == g->story->client_order_id;
    if (intent->action != PW_CANCEL) {
        const struct pw_signal *signal = &g->signal.body.signal;
        g->intent = *event;
        g->with_signal = g->signal.kind == PW_EVENT_SIGNAL && signal->strategy_idx == intent->strategy_idx &&
                         signal->market_seq == intent->market_seq &&
                         g->signal.instrument_idx == event->instrument_idx;
        g->waits = true;
        g->ours = false;
        g->risk_seen = 0;
    }
    return !names || add_step(g->story, event);
}

static void take_risk(struct gathering *g, const struct pw_event *event)
{
    uint32_t part = event->kind - PW_EVENT_RISK_MARKET;
    g->risk[part] = *event;
    g->risk_seen |= 1u << part;
    if (g->ours) {
        g->story->risk[part] = *event;
        g->story->risk_seen = g->risk_seen;
    }
}

/* The first word of the order that the intent asked for: what waited is its. */
static bool take_first(struct gathering *g, const struct pw_order *order)
{
    struct why_story *story = g->story;
    const struct pw_intent *intent = &g->intent.body.intent;
    g->waits = false;
    g->ours = order->client_order_id == story->client_order_id;
    if (g->ours) {
        story->intent = g->intent;
        story->has_intent = true;
        story->signal = g->signal;
        story->has_signal = g->with_signal;
        story->risk_seen = g->risk_seen;
        memcpy(story->risk, g->risk, sizeof story->risk);
    }
    return intent->action != PW_REPLACE ||
           add_link(story, &(struct why_link){.old_id = intent->client_order_id,
                                              .new_id = order->client_order_id,
                                              .denied = order->state == PW_ORDER_DENIED});
}

static bool take_order(struct gathering *g, const struct pw_event *event)
{
    const struct pw_order *order = &event->body.order;
    bool begins = order->state == PW_ORDER_IN_FLIGHT || order->state == PW_ORDER_DENIED;
    bool of_intent = order->strategy_idx == g->intent.body.intent.strategy_idx &&
                     event->instrument_idx == g->intent.instrument_idx;
    if (g->waits && begins && of_intent && !take_first(g, order)) {
        return false;
    }
    return order->client_order_id != g->story->client_order_id || add_step(g->story, event);
}

/* A halt cancels what is open. */
static bool take_command(struct gathering *g, const struct pw_event *event)
{
    const struct pw_event *last = why_last(g->story);
    bool ends = event->body.state.state != PW_COMMAND_RESUME && last &&
                !pw_order_is_closed((enum pw_order_state)last->body.order.state);
    return !ends || add_step(g->story, event);
}

static bool take_event(struct gathering *g, const struct pw_event *event)
{
    switch (event->kind) {
    case PW_EVENT_SIGNAL:
        g->signal = *event;
        return true;
    case PW_EVENT_INTENT:
        return take_intent(g, event);
    case PW_EVENT_RISK_MARKET:
    case PW_EVENT_RISK_CASH:
    case PW_EVENT_RISK_LIMITS:
        take_risk(g, event);
        return true;
    case PW_EVENT_ORDER:
        return take_order(g, event);
    case PW_EVENT_FILL:
        g->filling = event->body.fill.client_order_id == g->story->client_order_id;
        return !g->filling || add_step(g->story, event);
    case PW_EVENT_FILL_INFO:
        return !g->filling || add_step(g->story, event);
    case PW_EVENT_COMMAND:
        return take_command(g, event);
    case PW_EVENT_STAMPS:
        if (event->body.stamps.client_order_id == g->story->client_order_id) {
            g->story->stamps = *event;
            g->story->has_stamps = true;
        }
        return true;
    default:
        return true;
    }
}

/* A cursor over some kinds of the run's events in a span of time; NULL: none, with an error on stderr. */
static struct pw_journal_cursor *select_kinds(struct journal_session *session, uint64_t kinds,
                                              int64_t from_ns, int64_t to_ns)
{
    session->query = (struct pw_journal_query){
        .run_id = session->run.run_id, .kinds = kinds, .from_ns = from_ns, .to_ns = to_ns};
    return journal_cursor(session);
}

static bool gather_orders(struct journal_session *session, struct why_story *story)
{
    struct gathering gathering = {.story = story};
    struct pw_journal_record record = {0};
    struct pw_journal_cursor *cursor = select_kinds(session, ORDER_KINDS, 0, 0);
    bool good = cursor != NULL;
    while (good && journal_read(session, cursor, &record)) {
        good = take_event(&gathering, &record.event);
    }
    pw_journal_cursor_free(cursor);
    return good;
}

/* ---- the market event ---- */

static bool find_market(struct journal_session *session, struct why_story *story, int64_t from_ns,
                        int64_t to_ns)
{
    uint64_t wanted = story->intent.body.intent.market_seq;
    struct pw_journal_record record = {0};
    struct pw_journal_cursor *cursor = select_kinds(session, MARKET_KINDS, from_ns, to_ns);
    bool good = cursor != NULL;
    while (good && !story->has_market && journal_read(session, cursor, &record)) {
        bool is_drop =
            record.event.kind == PW_EVENT_GAP && record.event.body.gap.reason == PW_REASON_JOURNAL_FULL;
        if (record.market_seq == wanted && !is_drop) {
            story->market = record.event;
            story->market_seq = wanted;
            story->has_market = true;
        }
    }
    pw_journal_cursor_free(cursor);
    return good;
}

/* An intent bears the time of what caused it. What a report caused, the last market event did not, and has
 * another time: it is looked for in all that was before. */
static bool gather_market(struct journal_session *session, struct why_story *story)
{
    int64_t at_ns = story->intent.recv_ns;
    return !story->has_intent || (find_market(session, story, at_ns, at_ns + 1) &&
                                  (story->has_market || find_market(session, story, 0, at_ns)));
}

/* The rules that were in force when the order was judged: those of the run's beginning, and what the venue
 * had changed by then. And the last price that it was known to judge by. */
static bool gather_rules(struct journal_session *session, struct why_story *story)
{
    const uint64_t kinds = KIND(PW_EVENT_RULES) | KIND(PW_EVENT_RULES_LOT) | KIND(PW_EVENT_RULES_MARKET) |
                           KIND(PW_EVENT_REFERENCE_PRICE);
    uint16_t idx = story->intent.instrument_idx;
    if (!story->has_intent || idx >= session->instrument_cnt) {
        return true;
    }
    struct pw_journal_record record = {0};
    struct pw_journal_cursor *cursor = select_kinds(session, kinds, 0, 0);
    bool good = cursor != NULL;
    while (good && journal_read(session, cursor, &record)) {
        if (record.event.instrument_idx == idx && record.market_seq <= story->intent.body.intent.market_seq) {
            pw_rules_apply(&session->instruments[idx], &record.event);
            story->reference =
                record.event.kind == PW_EVENT_REFERENCE_PRICE ? record.event : story->reference;
        }
    }
    pw_journal_cursor_free(cursor);
    return good;
}

/* ---- the messages ---- */

struct request {
    uint64_t number;
    enum pw_entry_kind kind;
};

struct reading {
    struct why_story *story;
    char ids[2][WHY_VENUE_ID_BYTES]; /* at the venue: the order's, its cancellation's */
    struct request *requests;        /* those about it */
    size_t request_cnt;
    size_t kept_cnt;   /* messages up to the last one that is about it */
    uint32_t conn_idx; /* of its account's order entry: of the first message kept */
};

static bool contains(const struct pw_journal_record *record, const char *id)
{
    return *id && memmem(record->frame, record->frame_bytes, id, strlen(id)) != NULL;
}

static bool request_of(const struct reading *r, const struct pw_journal_record *record,
                       struct request *request)
{
    const struct pw_venue_entry *entry = r->story->entry;
    return entry != NULL && entry->request_of((const char *)record->frame, record->frame_bytes,
                                              &request->kind, &request->number);
}

static bool names_order(const struct reading *r, const struct pw_journal_record *record)
{
    uint64_t id = r->story->client_order_id;
    struct request request;
    bool sent = record->event.flags & PW_FLAG_SENT;
    return (sent && record->event.body.frame.client_order_id == id) ||
           (sent && request_of(r, record, &request) && pw_entry_names_order(request.kind) &&
            request.number == id) ||
           contains(record, r->ids[0]) || contains(record, r->ids[1]);
}

static bool answers_request(const struct reading *r, const struct pw_journal_record *record)
{
    struct request request;
    bool is_one = request_of(r, record, &request);
    for (size_t i = 0; is_one && i < r->request_cnt; i++) {
        if (r->requests[i].kind == request.kind && r->requests[i].number == request.number) {
            return true;
        }
    }
    return false;
}

static bool add_request(struct reading *r, const struct pw_journal_record *record)
{
    struct request request;
    if (!request_of(r, record, &request)) {
        return true;
    }
    void *rows = r->requests;
    bool good = grow(&rows, r->request_cnt, sizeof *r->requests);
    r->requests = rows;
    if (good) {
        r->requests[r->request_cnt++] = request;
    }
    return good;
}

static bool add_message(struct why_story *story, const struct pw_journal_record *record)
{
    const struct pw_event *event = &record->event;
    void *rows = story->messages;
    bool good = grow(&rows, story->message_cnt, sizeof *story->messages);
    story->messages = rows;
    char *text = good && record->frame_bytes ? malloc((size_t)record->frame_bytes + 1) : NULL;
    if (!good || (record->frame_bytes && !text)) {
        return false;
    }
    if (text) {
        memcpy(text, record->frame, record->frame_bytes);
        text[record->frame_bytes] = 0;
    }
    story->messages[story->message_cnt++] = (struct why_message){.recv_ns = event->recv_ns,
                                                                 .sent = event->flags & PW_FLAG_SENT,
                                                                 .state = event->body.frame.state,
                                                                 .reason = event->body.frame.reason,
                                                                 .bytes = record->frame_bytes,
                                                                 .text = text};
    return true;
}

/* Notices of the connection are kept between messages that are about the order. Another account's connection
 * has nothing about it, though its requests may have the same ids. */
static bool take_message(struct reading *r, const struct pw_journal_record *record)
{
    bool sent = record->event.flags & PW_FLAG_SENT;
    uint32_t conn_idx = record->event.body.frame.feed_idx;
    if (r->story->message_cnt != 0 && conn_idx != r->conn_idx) {
        return true;
    }
    if (record->frame_bytes == 0) {
        return r->story->message_cnt == 0 || add_message(r->story, record);
    }
    if (!names_order(r, record) && (sent || !answers_request(r, record))) {
        return true;
    }
    bool good = add_message(r->story, record) && (!sent || add_request(r, record));
    r->kept_cnt = r->story->message_cnt;
    r->conn_idx = conn_idx;
    return good;
}

static bool gather_messages(struct journal_session *session, struct why_story *story)
{
    struct reading reading = {.story = story};
    struct pw_journal_record record = {0};
    const struct pw_event *first = why_first(story), *last = why_last(story);
    uint32_t feed_cnt = journal_feed_cnt(session);
    bool closed = pw_order_is_closed((enum pw_order_state)last->body.order.state);
    for (unsigned i = 0; i < 2; i++) {
        why_venue_id(story->entry, session, story->client_order_id, i == 1, reading.ids[i]);
    }
    session->query = (struct pw_journal_query){.run_id = session->run.run_id,
                                               .frames = true,
                                               .from_ns = first->recv_ns - FORERUN_NS,
                                               .to_ns = closed ? last->recv_ns + AFTERMATH_NS : 0};
    struct pw_journal_cursor *cursor = journal_cursor(session);
    bool good = cursor != NULL;
    while (good && journal_read(session, cursor, &record)) {
        if (record.event.body.frame.feed_idx >= feed_cnt) {
            good = take_message(&reading, &record);
        }
    }
    pw_journal_cursor_free(cursor);
    free(reading.requests);
    while (closed && story->message_cnt > reading.kept_cnt) {
        free(story->messages[--story->message_cnt].text);
    }
    return good;
}

/* ---- the whole ---- */

static void gather_names(struct journal_session *session, struct why_story *story)
{
    char path[64];
    unsigned strategy_idx = why_first(story)->body.order.strategy_idx;
    story->entry = why_entry(session, why_first(story)->instrument_idx);
    story->instrument = journal_instrument(session, why_first(story)->instrument_idx);
    journal_gateway(session, why_first(story)->instrument_idx, story->gateway, sizeof story->gateway);
    snprintf(path, sizeof path, "strategies/%u/name", strategy_idx);
    journal_config_word(session, path, story->strategy, sizeof story->strategy);
    snprintf(path, sizeof path, "strategies/%u/kind", strategy_idx);
    journal_config_word(session, path, story->kind, sizeof story->kind);
}

bool why_gather(struct journal_session *session, struct why_story *story)
{
    if (!gather_orders(session, story)) {
        return false;
    }
    if (!why_first(story)) {
        return true;
    }
    gather_names(session, story);
    return gather_rules(session, story) && gather_market(session, story) && gather_messages(session, story);
}

void why_free(struct why_story *story)
{
    for (size_t i = 0; i < story->message_cnt; i++) {
        free(story->messages[i].text);
    }
    free(story->messages);
    free(story->steps);
    free(story->links);
}

/* ---- which order ---- */

uint64_t why_newest(struct journal_session *session)
{
    struct pw_journal_record record = {0};
    struct pw_journal_cursor *cursor = select_kinds(session, KIND(PW_EVENT_ORDER), 0, 0);
    uint64_t newest = 0;
    while (cursor && journal_read(session, cursor, &record)) {
        uint64_t id = record.event.body.order.client_order_id;
        newest = id > newest ? id : newest; /* they are counted */
    }
    pw_journal_cursor_free(cursor);
    return newest;
}

struct slow {
    uint64_t client_order_id;
    struct why_hop last;
};

/* Keeps the slowest in order, the slowest first. */
static void rank(struct slow *rows, uint64_t cnt, const struct slow *row)
{
    for (uint64_t i = cnt; i-- > 0 && row->last.at_ns > rows[i].last.at_ns;) {
        if (i + 1 < cnt) {
            rows[i + 1] = rows[i];
        }
        rows[i] = *row;
    }
}

static void print_slowest(const struct journal_session *session, const struct slow *rows, uint64_t cnt)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < cnt && rows[i].client_order_id; i++) {
        const struct slow *row = &rows[i];
        if (session->json) {
            json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "client_order_id",
                                                  journal_json_id(row->client_order_id), "hop",
                                                  row->last.name, "at_ns", journal_json_ns(row->last.at_ns)));
        } else {
            printf("%-20" PRIu64 " %-10s %12" PRId64 " ns after its event was received\n",
                   row->client_order_id, row->last.name, row->last.at_ns);
        }
    }
    if (session->json) {
        json_t *json = json_object();
        json_object_set(json, "slowest", list);
        journal_print_json(json);
    }
    json_decref(list);
}

int why_slowest(struct journal_session *session, uint64_t cnt)
{
    struct pw_journal_record record = {0};
    struct slow *rows = calloc(cnt, sizeof *rows);
    struct pw_journal_cursor *cursor = select_kinds(session, KIND(PW_EVENT_STAMPS), 0, 0);
    while (cursor && rows && journal_read(session, cursor, &record)) {
        const struct why_story story = {.has_stamps = true, .stamps = record.event};
        struct slow row = {.client_order_id = record.event.body.stamps.client_order_id};
        struct why_hop hops[WHY_HOPS];
        why_path(&story, hops);
        for (uint32_t i = 0; i < WHY_HOPS; i++) {
            row.last = hops[i].known ? hops[i] : row.last;
        }
        rank(rows, cnt, &row);
    }
    bool found = rows && rows[0].client_order_id;
    if (found) {
        print_slowest(session, rows, cnt);
    } else {
        pw_cli_error("run %" PRIu64 " has no order with latency stamps", session->run.run_id);
    }
    pw_journal_cursor_free(cursor);
    free(rows);
    return !found ? JOURNAL_FAILED : session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_OK;
}
