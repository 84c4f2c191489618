/* SPDX-License-Identifier: MIT
 *
 * pinwheel why --json: an order's story for programs. Amounts, ids and nanoseconds are strings; what is not
 * known is null, and not_recorded says why.
 */
#include "text.h"
#include "why.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static json_t *event_json(const struct journal_session *session, const struct pw_event *event)
{
    char line[1026] = "{";
    struct pw_text text = pw_text_start(line + 1, sizeof line - 2);
    pw_event_put_json(&text, event, journal_symbol(session, event->instrument_idx),
                      journal_instrument(session, event->instrument_idx));
    strcat(line, "}");
    return json_loads(line, JSON_REJECT_DUPLICATES, NULL);
}

static json_t *cause_json(const struct journal_session *session, const struct why_story *story)
{
    json_t *json = event_json(session, &story->market);
    json_object_set_new(json, "journal_seq", journal_json_id(story->market_seq));
    json_object_set_new(json, "is_cause", json_boolean(story->market.recv_ns == story->intent.recv_ns));
    return json;
}

static json_t *checks_json(const struct journal_session *session, const struct why_story *story)
{
    struct why_verdict verdict;
    why_judge(session, story, &verdict);
    if (!verdict.known) {
        return json_null();
    }
    json_t *list = json_array();
    for (uint32_t i = 0; i < verdict.check_cnt; i++) {
        const struct pw_risk_finding *finding = &verdict.findings[i];
        json_t *row = json_pack("{s:s, s:b, s:b}", "name", pw_risk_check_name(i), "applies", finding->applies,
                                "passed", finding->passed);
        if (finding->applies) {
            json_object_set_new(row, "value", json_string(why_measure(story, finding, finding->value)));
            json_object_set_new(row, finding->at_least ? "at_least" : "at_most",
                                json_string(why_measure(story, finding, finding->limit)));
        }
        if (!finding->passed) {
            json_object_set_new(row, "reason", json_string(pw_reason_name(finding->reason)));
        }
        json_array_append_new(list, row);
    }
    return json_pack("{s:s, s:s, s:b, s:b, s:o}", "replayed", pw_reason_name(verdict.replayed), "journal",
                     pw_reason_name(verdict.recorded), "agrees", verdict.agrees, "denied_after_checks",
                     verdict.after, "list", list);
}

static json_t *hops_json(const struct why_story *story)
{
    struct why_hop hops[WHY_HOPS];
    json_t *list = json_array();
    why_path(story, hops);
    for (uint32_t i = 0; i < WHY_HOPS; i++) {
        json_t *row = json_pack("{s:s}", "name", hops[i].name);
        if (hops[i].known) {
            json_object_set_new(row, "at_ns", journal_json_ns(hops[i].at_ns));
            json_object_set_new(row, "took_ns", journal_json_ns(hops[i].took_ns));
            json_object_set_new(row, "share", json_real(hops[i].share));
        } else {
            json_object_set_new(row, "at_ns", json_null());
            json_object_set_new(row, "not_recorded", json_string(why_no_hop(story, &hops[i])));
        }
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *filter_price_json(const struct journal_session *session, const struct why_story *story)
{
    const struct why_filter_price price = why_filter_price(session, story);
    if (!price.applies) {
        return json_null();
    }
    if (price.price_e8 == 0) {
        return json_pack("{s:s, s:n}", "source", "touch", "price");
    }
    json_t *json = json_pack("{s:s, s:s}", "source", pw_price_source_name(price.source), "price",
                             why_price(story, price.price_e8));
    if (price.source != PW_PRICE_NONE) {
        json_object_set_new(json, "mins", json_integer(price.mins));
        json_object_set_new(json, "age_ns", journal_json_ns(price.age_ns));
    }
    return json;
}

static json_t *steps_json(const struct journal_session *session, const struct why_story *story)
{
    bool is_submission;
    int64_t since_ns = why_since_ns(story, &is_submission);
    json_t *list = json_array();
    for (size_t i = 0; i < story->step_cnt; i++) {
        json_t *row = event_json(session, &story->steps[i]);
        json_object_set_new(row, "since_ns", journal_json_ns(story->steps[i].recv_ns - since_ns));
        if (story->steps[i].kind == PW_EVENT_FILL) {
            json_object_set_new(row, "strategy", json_integer(why_first(story)->body.order.strategy_idx));
        }
        json_array_append_new(list, row);
    }
    return list;
}

/* Bytes that are no text become hexadecimal digits. */
static void put_bytes(json_t *row, const struct why_message *message)
{
    json_t *text = json_stringn(message->text, message->bytes);
    if (text) {
        json_object_set_new(row, "text", text);
        return;
    }
    char *hex = calloc(2 * (size_t)message->bytes + 1, 1);
    for (uint32_t i = 0; hex && i < message->bytes; i++) {
        snprintf(hex + 2 * (size_t)i, 3, "%02x", (unsigned char)message->text[i]);
    }
    json_object_set_new(row, "hex", json_string(hex ? hex : ""));
    free(hex);
}

static json_t *messages_json(const struct why_story *story)
{
    json_t *list = json_array();
    for (size_t i = 0; i < story->message_cnt; i++) {
        const struct why_message *message = &story->messages[i];
        json_t *row = json_pack("{s:o}", "recv_ns", journal_json_ns(message->recv_ns));
        if (message->text) {
            json_object_set_new(row, "direction", json_string(message->sent ? "sent" : "received"));
            put_bytes(row, message);
        } else {
            json_object_set_new(row, "connection", json_string(pw_feed_state_name(message->state)));
            json_object_set_new(row, "reason", json_string(pw_reason_name(message->reason)));
        }
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *chain_json(const struct why_story *story, uint64_t (*next)(const struct why_story *, uint64_t))
{
    json_t *list = json_array();
    uint64_t id = next(story, story->client_order_id);
    for (size_t i = 0; id && i < story->link_cnt; i++, id = next(story, id)) {
        json_array_append_new(list, journal_json_id(id));
    }
    return list;
}

static void put_absence(json_t *to, const char *key, const char *why)
{
    if (why) {
        json_object_set_new(to, key, json_string(why));
    }
}

static json_t *absences_json(const struct why_story *story)
{
    json_t *json = json_object();
    put_absence(json, "cause", why_no_market(story));
    put_absence(json, "checks", why_no_risk(story));
    put_absence(json, "hops", why_no_stamps(story));
    put_absence(json, "messages", why_no_messages(story));
    return json;
}

void why_print_json(struct journal_session *session, const struct why_story *story)
{
    char venue_id[WHY_VENUE_ID_BYTES];
    bool is_submission;
    const struct pw_order *order = &why_first(story)->body.order;
    const struct why_sums sums = why_sums(story);
    int64_t since_ns = why_since_ns(story, &is_submission);
    why_venue_id(story->entry, session, story->client_order_id, false, venue_id);
    json_t *json = json_pack("{s:o, s:s, s:o, s:s, s:s, s:i, s:s, s:s, s:s}", "client_order_id",
                             journal_json_id(story->client_order_id), "venue_client_order_id", venue_id,
                             "run_id", journal_json_id(session->run.run_id), "instance",
                             session->run.instance, "gateway", story->gateway, "strategy",
                             (int)order->strategy_idx, "strategy_name", story->strategy, "strategy_kind",
                             story->kind, "state", pw_order_state_name(why_last(story)->body.order.state));
    json_object_set_new(json, "cause", story->has_market ? cause_json(session, story) : json_null());
    json_object_set_new(json, "signal",
                        story->has_signal ? event_json(session, &story->signal) : json_null());
    const char *const *names = story->has_signal ? why_signal_names(story) : NULL;
    json_object_set_new(json, "signal_names",
                        names ? json_pack("{s:s, s:s}", "value_a", names[0], "value_b", names[1])
                              : json_null());
    json_object_set_new(json, "intent",
                        story->has_intent ? event_json(session, &story->intent) : json_null());
    json_object_set_new(json, "checks", checks_json(session, story));
    json_object_set_new(json, "filter_price", filter_price_json(session, story));
    json_object_set_new(json, "hops", story->has_stamps ? hops_json(story) : json_null());
    json_object_set_new(json, "since_ns", journal_json_ns(since_ns));
    json_object_set_new(json, "since", json_string(is_submission ? "submitted" : "received"));
    const struct pw_event *acknowledged = why_acknowledged(story);
    json_object_set_new(json, "acknowledged_after_ns",
                        acknowledged ? journal_json_ns(acknowledged->recv_ns - since_ns) : json_null());
    json_object_set_new(json, "steps", steps_json(session, story));
    json_object_set_new(json, "filled_qty", json_string(why_qty(story, sums.qty_e8)));
    json_object_set_new(json, "filled_notional", json_string(journal_decimal(sums.notional_e16, 16)));
    json_object_set_new(json, "replaces", chain_json(story, why_replaced));
    json_object_set_new(json, "replaced_by", chain_json(story, why_replacement));
    json_object_set_new(json, "messages", messages_json(story));
    json_object_set_new(json, "not_recorded", absences_json(story));
    journal_print_json(json);
}
