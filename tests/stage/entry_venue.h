/* SPDX-License-Identifier: MIT
 *
 * The venue of the execution stage's tests: the connection of order entry, what is asked there, and what the
 * venue says. On a stage_rig with the live gateway.
 */
#ifndef PW_TESTS_ENTRY_VENUE_H
#define PW_TESTS_ENTRY_VENUE_H

#include "stage_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define E8       PW_E8
#define MS       INT64_C(1000000)
#define T0       INT64_C(1700000000000000000)
#define SLOTS    1024u
#define RIG_HASH "811c9dc5" /* FNV-1a of no bytes: the rig's config names no instance */

static inline void put(struct rig *rig, struct pw_event event)
{
    cr_assert_geq(pw_producer_room(&rig->stream, 1), 1);
    pw_producer_put(&rig->stream, &event);
    pw_producer_publish(&rig->stream);
}

static inline struct rig *start_with(struct rig_options *options)
{
    options->fast = "1";
    options->slow = "2";
    options->quantity = "1";
    struct rig *rig = rig_open(options);
    rig->now_ns = T0;
    rig->clock_ns = T0;
    cr_assert_eq(rig_start_execution(rig), 0);
    put(rig, rig_feed(PW_FEED_UP, T0));
    put(rig, rig_quote(99 * E8, 101 * E8, T0));
    rig_poll_execution(rig);
    return rig;
}

static inline struct rig *start(uint32_t report_slots)
{
    struct rig_options options = {
        .live = true, .report_slots = report_slots, .stream_slots = 4096, .journal_slots = 65536};
    return start_with(&options);
}

static inline void say_on(struct rig *rig, uint16_t conn_idx, const char *text)
{
    uint32_t bytes = (uint32_t)strlen(text);
    struct pw_event event = {.kind = PW_EVENT_FRAME,
                             .instrument_idx = PW_NO_INSTRUMENT,
                             .recv_ns = rig->now_ns,
                             .body.frame = {.feed_idx = conn_idx}};
    uint8_t *payload = pw_producer_payload_claim(&rig->messages, bytes);
    cr_assert(payload && pw_producer_room(&rig->messages, 1));
    memcpy(payload, text, bytes);
    pw_producer_put_frame(&rig->messages, &event, bytes);
    pw_producer_publish(&rig->messages);
}

static inline void say(struct rig *rig, const char *text)
{
    say_on(rig, 0, text);
}

static inline void notice_on(struct rig *rig, uint16_t conn_idx, enum pw_feed_state state, uint64_t epoch)
{
    struct pw_event event = {.kind = PW_EVENT_FRAME, .recv_ns = rig->now_ns};
    event.body.frame.feed_idx = conn_idx;
    event.body.frame.state = state;
    event.body.frame.epoch = epoch;
    pw_producer_put_frame(&rig->messages, &event, 0);
    pw_producer_publish(&rig->messages);
}

static inline void notice(struct rig *rig, enum pw_feed_state state, uint64_t epoch)
{
    notice_on(rig, 0, state, epoch);
}

/* A request as it went out. */
struct request {
    struct pw_event frame;
    char id[64], method[64];
};

static inline bool text_after(const char *text, const char *key, char *out, size_t size)
{
    const char *at = strstr(text, key);
    size_t bytes = at ? strcspn(at + strlen(key), "\"") : 0;
    snprintf(out, size, "%.*s", (int)bytes, at ? at + strlen(key) : "");
    return at != NULL;
}

static inline bool next_request(struct rig *rig, struct request *request)
{
    if (pw_consumer_peek(&rig->wire, 1) == 0) {
        return false;
    }
    char text[2048];
    request->frame = *pw_consumer_at(&rig->wire, 0);
    uint32_t bytes = request->frame.body.frame.payload_bytes;
    cr_assert_lt(bytes, sizeof text);
    memcpy(text, pw_consumer_payload(&rig->wire, &request->frame), bytes);
    text[bytes] = '\0';
    pw_consumer_done(&rig->wire, 1);
    cr_assert(text_after(text, "\"id\":\"", request->id, sizeof request->id), "%s", text);
    cr_assert(text_after(text, "\"method\":\"", request->method, sizeof request->method), "%s", text);
    return true;
}

static inline void reply(struct rig *rig, const struct request *request, const char *result)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"status\":200,\"result\":%s}", request->id, result);
    say_on(rig, (uint16_t)request->frame.body.frame.feed_idx, text);
}

static inline void reply_by_method(struct rig *rig, const struct request *request)
{
    char now[64];
    snprintf(now, sizeof now, "{\"serverTime\":%lld}", (long long)(rig->now_ns / MS));
    const char *const answers[][2] = {
        {"time", now},
        {"userDataStream.subscribe.signature", "{\"subscriptionId\":0}"},
        {"openOrders.status", "[]"},
        {"account.status", "{\"balances\":[{\"asset\":\"USDT\",\"free\":\"20000\",\"locked\":\"0\"}]}"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (strcmp(request->method, answers[i][0]) == 0) {
            reply(rig, request, answers[i][1]);
            return;
        }
    }
    cr_assert_fail("unasked: %s", request->method);
}

static inline uint64_t metric(struct rig *rig, const char *name)
{
    pw_execution_stage.housekeep(rig->execution, rig->now_ns);
    bool is_gateway = strncmp(name, "gateway.", 8) == 0;
    return rig_metric(rig, is_gateway ? "gateway" : "execution", is_gateway ? name + 8 : name);
}

/* The next pass, in which all questions of sessions are answered. */
static inline void answer_sessions(struct rig *rig)
{
    struct request request;
    rig->now_ns += MS;
    rig_poll_execution(rig);
    while (next_request(rig, &request)) {
        cr_expect_eq(request.frame.body.frame.epoch, 5);
        cr_expect_eq(request.frame.body.frame.client_order_id, 0);
        reply_by_method(rig, &request);
    }
}

/* Up, all questions of the session answered. */
static inline void make_ready(struct rig *rig)
{
    notice(rig, PW_FEED_UP, 5);
    for (int i = 0; i < 1000 && !metric(rig, "gateway.ready"); i++) {
        answer_sessions(rig);
    }
    cr_assert(metric(rig, "gateway.ready"));
}

static inline void drop_reports(struct rig *rig)
{
    struct pw_event event;
    while (rig_take(&rig->reports_in, &event)) {
    }
}

static inline void drop_journal(struct rig *rig)
{
    struct pw_event event;
    while (rig_take(&rig->journal, &event)) {
    }
}

/* A resting order: its id; the request for it. */
static inline uint64_t place(struct rig *rig, struct request *request)
{
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000));
    rig_poll_execution(rig);
    cr_assert(next_request(rig, request));
    cr_expect_str_eq(request->method, "order.place");
    cr_expect_neq(request->frame.body.frame.client_order_id, 0);
    return request->frame.body.frame.client_order_id;
}

/* An event of the account: `kind` NEW, TRADE, CANCELED. `fee` as "n" and "N" have it. */
static inline void tell_execution_with_fee(struct rig *rig, uint64_t id, const char *kind, const char *state,
                                           const char *filled, const char *filled_in_all, int trade_id,
                                           const char *fee)
{
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":%lld,\"s\":\"COIN0\",\"c\":"
        "\"pw-" RIG_HASH
        "-%016llx\",\"S\":\"BUY\",\"o\":\"LIMIT\",\"f\":\"GTC\",\"q\":\"1\",\"p\":\"90\",\"C\":\"\",\"x\":\"%"
        "s\","
        "\"X\":\"%s\",\"r\":\"NONE\",\"i\":77,\"l\":\"%s\",\"z\":\"%s\",\"L\":\"90\",%s,"
        "\"T\":"
        "%lld,\"t\":%d,\"w\":false,\"m\":true}}",
        (long long)(rig->now_ns / MS), (unsigned long long)id, kind, state, filled, filled_in_all, fee,
        (long long)(rig->now_ns / MS), trade_id);
    say(rig, text);
}

static inline void tell_execution(struct rig *rig, uint64_t id, const char *kind, const char *state,
                                  const char *filled, const char *filled_in_all, int trade_id)
{
    tell_execution_with_fee(rig, id, kind, state, filled, filled_in_all, trade_id, "\"n\":\"0\",\"N\":null");
}

static inline struct pw_event last_order(struct rig *rig)
{
    struct pw_event event, order = {0};
    while (rig_take(&rig->reports_in, &event)) {
        order = event.kind == PW_EVENT_ORDER ? event : order;
    }
    return order;
}

static inline void refuse(struct rig *rig, const struct request *request, int code)
{
    char text[256];
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"status\":400,\"error\":{\"code\":%d,\"msg\":\"no\"}}",
             request->id, code);
    say(rig, text);
}

/* Of one method, or none within ten seconds; the time and nothing else is answered on the way. */
static inline bool await_request(struct rig *rig, const char *method, struct request *request)
{
    for (int i = 0; i < 10000; i++, rig->now_ns += MS) {
        rig_poll_execution(rig);
        while (next_request(rig, request)) {
            if (strcmp(request->method, method) == 0) {
                return true;
            }
            if (strcmp(request->method, "time") == 0) {
                reply_by_method(rig, request);
            }
        }
    }
    return false;
}

#endif
