/* SPDX-License-Identifier: MIT
 *
 * The user data stream, replies and events in the shape of the venue's examples, and what goes wrong with
 * them on demand.
 */
#include "sim_api.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 10000
#define GONE_MS 300 /* for what must not come: a miss would go unseen, but fails nothing */

#define LIMIT_ORDER(id, price)                                                                               \
    "\"symbol\":\"BTCUSDT\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\","                    \
    "\"price\":\"" price "\",\"quantity\":\"0.01\",\"newClientOrderId\":\"" id "\""
#define BY_ID(id) "\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"" id "\""

static struct venue g_venue;
static struct api g_api;

static void open_with(const char *more)
{
    api_venue_open(&g_venue, more);
    api_open(&g_api, &g_venue, "");
}

static void close_all(void)
{
    api_close(&g_api);
    venue_close(&g_venue);
}

static void subscribe(void)
{
    cr_assert_eq(api_call(&g_api, &api_hmac, "userDataStream.subscribe.signature", ""), 200, "%s",
                 g_api.peer.text);
}

/* The next event of that type, which must be the `x` given (NULL: any). */
static json_t *expect_event(const char *type, const char *x)
{
    json_t *message = api_event(&g_api, type, WAIT_MS), *event = json_object_get(message, "event");

    cr_assert_not_null(message, "no %s", type);
    if (x) {
        cr_assert_str_eq(api_text(event, "x"), x);
    }
    return message;
}

/* ---- shapes ---- */

/* The example of that number in the shared data; NULL where that is absent. */
static json_t *example(int id)
{
    const char *shared = getenv("PINWHEEL_SHARED");
    char path[512], line[16384];
    json_t *message = NULL;
    FILE *file;

    snprintf(path, sizeof path, "%s/venues/messages.jsonl", shared ? shared : "../shared");
    file = fopen(path, "r");
    while (file && !message && fgets(line, sizeof line, file)) {
        json_t *row = json_loads(line, 0, NULL);
        if (json_integer_value(json_object_get(row, "id")) == id) {
            message = json_loads(api_text(row, "msg"), 0, NULL);
        }
        json_decref(row);
    }
    if (file) {
        fclose(file);
    }
    return message;
}

static void expect_value(const json_t *shape, const json_t *actual, const char *where);

/* All keys of the example are there, in its order if `ordered`. */
static void expect_members(const json_t *shape, const json_t *actual, const char *where, bool ordered)
{
    void *at = json_object_iter((json_t *)actual);
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)shape, key, value)
    {
        json_t *own = json_object_get(actual, key);
        if (strcmp(key, "id") == 0 || strcmp(key, "v") == 0) {
            continue; /* ours are integers; of self-trade prevention alone */
        }
        cr_expect_not_null(own, "%s has no %s", where, key);
        expect_value(value, own, key);
        while (ordered && at && strcmp(json_object_iter_key(at), key) != 0) {
            at = json_object_iter_next((json_t *)actual, at);
        }
        cr_expect(!ordered || at, "%s: %s comes too early", where, key);
    }
}

static void expect_value(const json_t *shape, const json_t *actual, const char *where)
{
    if (!actual || json_is_null(shape) || json_is_null(actual)) {
        return;
    }
    if (json_is_boolean(shape)) {
        cr_expect(json_is_boolean(actual), "%s", where);
        return;
    }
    cr_expect_eq(json_typeof(shape), json_typeof(actual), "%s", where);
    if (json_is_object(shape)) {
        expect_members(shape, actual, where, json_object_get(shape, "e") != NULL);
    } else if (json_is_array(shape) && json_array_size(actual)) {
        expect_value(json_array_get(shape, 0), json_array_get(actual, 0), where);
    }
}

/* The last reply, or an event (which is given back). */
static void expect_shape(int id, json_t *event)
{
    json_t *shape = example(id);
    char where[32];

    if (!shape) {
        cr_skip_test("no shared examples");
    }
    snprintf(where, sizeof where, "example %d", id);
    expect_members(shape, event ? event : g_api.reply, where, false);
    json_decref(shape);
    json_decref(event);
}

Test(user_stream, replies_and_events_have_the_shape_of_the_venue_s_examples, .fini = close_all)
{
    open_with("");
    api_call(&g_api, NULL, "session.status", "");
    expect_shape(92, NULL);
    api_call(&g_api, &api_ed25519, "session.logon", "");
    expect_shape(91, NULL);
    subscribe();
    expect_shape(104, NULL);
    api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("one", "60000.00"));
    expect_shape(94, NULL);
    expect_shape(106, expect_event("executionReport", "NEW"));
    expect_shape(115, expect_event("outboundAccountPosition", NULL));
    api_call(&g_api, &api_hmac, "openOrders.status", "\"symbol\":\"BTCUSDT\"");
    expect_shape(102, NULL);
    api_call(&g_api, &api_hmac, "order.cancel", BY_ID("one") ",\"newClientOrderId\":\"can\"");
    expect_shape(99, NULL);
    expect_shape(110, expect_event("executionReport", "CANCELED"));
    api_call(&g_api, &api_hmac, "order.cancel", BY_ID("one"));
    expect_shape(100, NULL);
    api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("two", "62000.00"));
    json_decref(expect_event("executionReport", "NEW"));
    expect_shape(108, expect_event("executionReport", "TRADE"));
    api_call(&g_api, &api_hmac, "order.place",
             "\"symbol\":\"BTCUSDT\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"IOC\","
             "\"price\":\"60000\",\"quantity\":\"0.01\"");
    while (json_array_size(g_api.events)) { /* of the former order */
        json_array_remove(g_api.events, 0);
    }
    api_call(&g_api, &api_hmac, "order.place",
             "\"symbol\":\"BTCUSDT\",\"side\":\"BUY\",\"type\":\"MARKET\",\"quantity\":\"50\"");
    expect_shape(95, NULL);
    json_decref(expect_event("executionReport", "NEW"));
    expect_shape(112, expect_event("executionReport", "EXPIRED"));
    api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("three", "60000.00"));
    api_call(&g_api, &api_hmac, "order.cancelReplace",
             "\"symbol\":\"BTCUSDT\",\"side\":\"BUY\",\"type\":\"LIMIT_MAKER\",\"price\":\"62000\","
             "\"quantity\":\"0.01\",\"cancelReplaceMode\":\"STOP_ON_FAILURE\","
             "\"cancelOrigClientOrderId\":\"three\"");
    expect_shape(101, NULL);
    api_call(&g_api, NULL, "userDataStream.unsubscribe", "");
    expect_shape(118, expect_event("eventStreamTerminated", NULL));
    venue_stop(&g_venue, SIGTERM);
    expect_shape(105, expect_event("serverShutdown", NULL));
}

/* ---- whose events ---- */

Test(user_stream, each_connection_hears_of_its_accounts_and_of_no_other, .fini = close_all)
{
    struct api other;
    json_t *message;

    open_with("");
    api_open(&other, &g_venue, "?timeUnit=MICROSECOND");
    cr_assert_eq(api_call(&other, &api_ed25519, "session.logon", ""), 200);
    cr_assert_eq(api_call(&other, NULL, "userDataStream.subscribe", ""), 200);
    subscribe();
    cr_assert_eq(api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("mine", "60000.00")), 200);
    cr_assert_eq(api_call(&g_api, &api_ed25519, "order.place", LIMIT_ORDER("his", "60000.00")), 200);
    message = expect_event("executionReport", "NEW");
    cr_expect_str_eq(api_text(json_object_get(message, "event"), "c"), "mine");
    json_decref(message);
    cr_expect_null(api_event(&g_api, "executionReport", GONE_MS));
    message = api_event(&other, "executionReport", WAIT_MS);
    cr_assert_not_null(message);
    cr_expect_str_eq(api_text(json_object_get(message, "event"), "c"), "his");
    cr_expect_gt(json_integer_value(json_object_get(json_object_get(message, "event"), "T")),
                 INT64_C(100000000000000), "in microseconds");
    json_decref(message);
    cr_expect_null(api_event(&other, "executionReport", GONE_MS));
    api_close(&other);
}

Test(user_stream, what_the_background_flow_takes_of_a_resting_order_is_reported_unasked, .fini = close_all)
{
    long long cnt = 0;
    const char *status = "";
    json_t *message = NULL, *event;

    open_with("limits: {pong_timeout_ms: 600000}\n");
    subscribe();
    cr_assert_eq(api_call(&g_api, &api_hmac, "ticker.book", "\"symbol\":\"BTCUSDT\""), 400);
    cr_assert_eq(api_call(&g_api, NULL, "ticker.book", "\"symbol\":\"BTCUSDT\""), 200);
    char params[256];
    snprintf(
        params, sizeof params,
        "\"symbol\":\"BTCUSDT\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\",\"price\":\"%s\","
        "\"quantity\":\"0.001\"",
        api_text(api_result(&g_api), "bidPrice"));
    cr_assert_eq(api_call(&g_api, &api_hmac, "order.place", params), 200);
    json_decref(expect_event("executionReport", "NEW"));
    while (strcmp(status, "FILLED") != 0) {
        json_decref(message);
        message = expect_event("executionReport", "TRADE");
        event = json_object_get(message, "event");
        cr_expect(json_is_true(json_object_get(event, "m")));
        cr_expect_str_eq(api_text(event, "N"), "BTC");
        status = api_text(event, "X");
        cnt++;
    }
    json_decref(message);
    cr_expect_geq(cnt, 1);
    json_decref(expect_event("outboundAccountPosition", NULL));
}

/* ---- faults ---- */

static void expect_order(const char *by_id, bool there)
{
    struct api other;

    api_open(&other, &g_venue, "");
    cr_expect_eq(api_call(&other, &api_hmac, "order.status", by_id), there ? 200 : 400, "%s: %s", by_id,
                 other.peer.text);
    cr_expect_eq(api_code(&other), there ? 0 : -2013);
    api_close(&other);
}

Test(user_stream, an_order_whose_outcome_is_unknown_was_placed, .fini = close_all)
{
    open_with("faults: [{kind: unknown, match: order.place, status: 504}]\n");
    subscribe();
    cr_expect_eq(api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("lost", "60000.00")), 504);
    cr_expect_eq(api_code(&g_api), -1007);
    json_decref(expect_event("executionReport", "NEW"));
    expect_order(BY_ID("lost"), true);
    cr_expect_eq(api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("next", "60000.00")), 200);
}

Test(user_stream, replies_and_events_are_lost, .fini = close_all)
{
    json_t *params, *request;
    char *text;

    open_with("faults:\n"
              "  - {kind: drop_reply, match: \"order.*\"}\n"
              "  - {kind: drop_event, match: executionReport, after: 1}\n");
    subscribe();
    params = json_loads("{" LIMIT_ORDER("silent", "60000.00") "}", 0, NULL);
    api_sign_params(&api_hmac, params);
    request = json_pack("{s:i,s:s,s:o}", "id", 77, "method", "order.place", "params", params);
    text = json_dumps(request, 0);
    peer_say(&g_api.peer, text);
    cr_assert_eq(api_call(&g_api, NULL, "ping", ""), 200, "its reply is the next that comes");
    json_decref(expect_event("executionReport", "NEW"));
    expect_order(BY_ID("silent"), true);
    cr_assert_eq(api_call(&g_api, &api_hmac, "order.cancel", BY_ID("silent")), 200);
    json_decref(expect_event("outboundAccountPosition", NULL));
    json_decref(expect_event("outboundAccountPosition", NULL));
    cr_expect_eq(json_array_size(g_api.events), 0, "the report would have come before the balances");
    free(text);
    json_decref(request);
}

Test(user_stream, reports_come_before_the_reply_on_demand, .fini = close_all)
{
    open_with("faults: [{kind: report_first, match: order.place}]\n");
    subscribe();
    cr_assert_eq(api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("one", "60000.00")), 200);
    cr_expect_eq(json_array_size(g_api.events), 2, "both were there when the reply came");
    cr_assert_eq(api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("two", "60000.00")), 200);
    cr_expect_eq(json_array_size(g_api.events), 2, "and these were not");
}

Test(user_stream, a_reply_is_late_on_demand, .fini = close_all)
{
    long long asked_ms;

    open_with("faults: [{kind: rest_delay, match: order.test, ms: 150}, {kind: rest_error, match: time, "
              "status: 502,"
              " html: true}]\n");
    asked_ms = api_now_ms();
    cr_assert_eq(api_call(&g_api, &api_hmac, "order.test", LIMIT_ORDER("one", "60000.00")), 200);
    cr_expect_geq(api_now_ms() - asked_ms, 149); /* two clocks, each in whole milliseconds */
    cr_expect_eq(api_call(&g_api, NULL, "time", ""), 502);
    cr_expect_eq(api_code(&g_api), -1000);
}

/* Which of 200 pings get a reply. */
static void pings_answered(const char *faults, bool answered[200])
{
    json_int_t id = 0;

    open_with(faults);
    memset(answered, 0, 200 * sizeof answered[0]);
    for (int i = 0; i <= 200; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"id\":%d,\"method\":\"%s\"}", i, i < 200 ? "ping" : "time");
        peer_say(&g_api.peer, text);
    }
    while (id < 200) {
        json_t *reply;
        cr_assert_eq(peer_hear_data(&g_api.peer, WAIT_MS), 1);
        reply = json_loads(g_api.peer.text, 0, NULL);
        id = json_integer_value(json_object_get(reply, "id"));
        answered[id < 200 ? id : 0] |= id < 200;
        json_decref(reply);
    }
    close_all();
}

Test(user_stream, chance_follows_from_the_seed)
{
    static const char faults[] = "faults: [{kind: drop_reply, match: ping, percent: 30}]\n";
    bool first[200], second[200];
    unsigned lost = 0;

    pings_answered(faults, first);
    pings_answered(faults, second);
    for (int i = 0; i < 200; i++) {
        lost += !first[i];
        cr_expect_eq(first[i], second[i], "ping %d", i);
    }
    cr_expect(lost > 30 && lost < 90, "%u of 200 lost at 30 percent", lost);
}

/* A signed order of that name as a text. */
static char *order_text(const char *client_id)
{
    json_t *params = json_loads("{" LIMIT_ORDER("", "60000.00") "}", 0, NULL), *request;
    char *text;

    json_object_set_new(params, "newClientOrderId", json_string(client_id));
    api_sign_params(&api_hmac, params);
    request = json_pack("{s:i,s:s,s:o}", "id", 1, "method", "order.place", "params", params);
    text = json_dumps(request, 0);
    json_decref(request);
    return text;
}

Test(user_stream, a_connection_is_cut_at_each_byte_of_an_order, .fini = close_all)
{
    char faults[2048] = "faults:\n", *text = order_text("cut-0");
    size_t frame = strlen(text) + 8; /* with the header and the mask */
    const size_t cuts[] = {0, 1, 2, 7, 8, 9, frame / 2, frame - 1, frame};

    free(text);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        snprintf(faults + strlen(faults), sizeof faults - strlen(faults),
                 "  - {kind: cut, match: \"userDataStream.*\", after: %zu, bytes: %zu}\n", i, cuts[i]);
    }
    open_with(faults);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct api cut;
        char client_id[16], by_id[128];
        api_open(&cut, &g_venue, "");
        cr_assert_eq(api_call(&cut, &api_hmac, "userDataStream.subscribe.signature", ""), 200);
        snprintf(client_id, sizeof client_id, "cut-%zu", i);
        text = order_text(client_id);
        cr_assert_eq(strlen(text) + 8, frame);
        cr_expect_eq(api_say(&cut, text), -1, "no reply after a cut at byte %zu", cuts[i]);
        cr_expect(cut.peer.ended);
        snprintf(by_id, sizeof by_id, "\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"%s\"", client_id);
        expect_order(by_id, cuts[i] == frame);
        free(text);
        api_close(&cut);
    }
    subscribe();
    cr_expect_eq(api_call(&g_api, &api_hmac, "order.place", LIMIT_ORDER("whole", "60000.00")), 200);
}
