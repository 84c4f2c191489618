/* SPDX-License-Identifier: MIT
 *
 * The live gateway, promise by promise: what it refuses, what it is told, what others may read of it, and the
 * heap.
 */
#include "heap_watch.h"
#include "live_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* ---- what is refused before it is sent ---- */

Test(live, what_cannot_be_said_is_denied)
{
    struct world w;
    world_ready(&w);
    uint32_t sent = w.sent_cnt;
    struct pw_gateway_order good = world_limit(PW_BUY, PW_GTC, PW_E8), bad[8];
    for (int i = 0; i < 8; i++) {
        bad[i] = good;
    }
    bad[0].instrument_idx = 1; /* not one that is traded */
    bad[1].instrument_idx = 2; /* none */
    bad[2].price_e8++;
    bad[3].qty_e8 = 0;
    bad[4].type = PW_ORDER_TYPES;
    bad[5].tif = PW_FOK + 1;
    bad[6].type = PW_LIMIT_MAKER;
    bad[6].tif = PW_IOC;
    bad[7].type = PW_STOP_LOSS; /* without a stop price */
    for (int i = 0; i < 8; i++) {
        cr_expect_eq(world_denied(&w, bad[i]), PW_REASON_BAD_INTENT, "row %d", i);
    }
    uint64_t id = world_rest_one(&w);
    cr_expect_eq(pw_live_gateway.check(w.gateway, &good, id), PW_REASON_NONE);
    cr_expect_eq(pw_live_gateway.check(w.gateway, &good, id + 1), PW_REASON_BAD_INTENT, "unknown");
    good.type = PW_STOP_LOSS;
    good.stop_price_e8 = PW_E8;
    cr_expect_eq(pw_live_gateway.check(w.gateway, &good, 0), PW_REASON_NONE);
    cr_expect_eq(pw_live_gateway.check(w.gateway, &good, id), PW_REASON_BAD_INTENT, "none of these replaces");
    cr_expect_eq(w.sent_cnt, sent + 1);
    world_end(&w);
}

Test(live, a_full_ring_denies_orders_and_delays_cancellations)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_rest_one(&w);
    struct pw_event none = {.kind = PW_EVENT_FRAME};
    while (pw_producer_room(&w.wire_in, 1) >= 1) {
        pw_producer_put_frame(&w.wire_in, &none, 0);
    }
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_REQUEST_LIMIT);
    struct pw_order_row *row;
    const struct pw_report sent = {.client_order_id = id, .exec_type = PW_EXEC_CANCEL_SENT};
    pw_orders_apply(w.orders, &sent, &row);
    pw_live_gateway.cancel(w.gateway, id, 0, &w.out);
    pw_producer_publish(&w.wire_in);
    pw_consumer_done(&w.wire, pw_consumer_peek(&w.wire, UINT64_MAX));
    cr_expect_eq(world_state(&w, id), PW_ORDER_PENDING_CANCEL);
    world_run(&w, SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_CANCELED);
    world_end(&w);
}

Test(live, orders_beyond_the_venues_count_wait_and_cancellations_do_not)
{
    struct world w;
    world_ready(&w);
    world_answer(&w, "time", 1, "");
    uint64_t first = world_rest_one(&w);
    world_say(&w, "{\"id\":\"x\",\"status\":200,\"result\":{},\"rateLimits\":[{\"rateLimitType\":\"ORDERS\","
                  "\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":100,\"count\":100}]}");
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_REQUEST_LIMIT);
    cr_assert(world_cancel(&w, first));
    world_run(&w, 100 * MS);
    cr_expect_eq(world_state(&w, first), PW_ORDER_CANCELED);
    world_run(&w, 10 * SEC);
    world_rest_one(&w);
    cr_expect_eq(world_counts(&w).responses_unmatched, 1);
    world_end(&w);
}

Test(live, a_dry_run_has_orders_judged_and_none_placed)
{
    struct world w;
    world_open(&w, 1, true);
    w.ops = &pw_dry_gateway;
    world_venue_has(&w, "pw-" WORLD_HASH_TEXT "-0000000003000001");
    world_start(&w);
    cr_expect_eq(w.venue[0].state, ORDER_LIVE, "nothing is touched");
    uint64_t id = world_place_one(&w);
    world_run(&w, 100 * MS);
    cr_expect_eq(world_state(&w, id), PW_ORDER_EXPIRED);
    world_answer(&w, "order.test", 1, WORLD_ERROR(400, -1013, "Filter failure: LOT_SIZE"));
    id = world_place_one(&w);
    world_run(&w, 100 * MS);
    cr_expect_eq(world_state(&w, id), PW_ORDER_REJECTED);
    world_answer(&w, "order.test", 1, "");
    id = world_place_one(&w);
    world_run(&w, 20 * SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_REJECTED, "not found, and it never was there");
    cr_expect_eq(w.venue_cnt, 1);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_PLACE], 0);
    world_end(&w);
}

/* ---- what the venue tells ---- */

Test(told, an_ended_stream_is_subscribed_to_again_and_nothing_is_taken_for_known)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_rest_one(&w);
    w.subscribed = false;
    world_fill(&w, &w.venue[0], PW_E8); /* nobody hears of it */
    world_say(&w, "{\"subscriptionId\":0,\"event\":{\"e\":\"eventStreamTerminated\",\"E\":1700000000000}}");
    cr_expect_eq(world_state(&w, id), PW_ORDER_UNKNOWN);
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_NOT_CONNECTED);
    world_make_ready(&w);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_SUBSCRIBE], 2);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_ACCOUNT], 1);
    world_run(&w, SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_FILLED);
    cr_expect_eq(w.bought_e8, PW_E8);
    world_end(&w);
}

Test(told, a_shutdown_wants_another_connection_and_no_orders)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_rest_one(&w);
    world_say(&w, "{\"event\":{\"e\":\"serverShutdown\",\"E\":1700000000000}}");
    cr_expect(world_counts(&w).reconnect_wanted);
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_NOT_CONNECTED);
    cr_assert(world_cancel(&w, id));
    world_run(&w, 100 * MS);
    cr_expect_eq(world_state(&w, id), PW_ORDER_CANCELED);
    world_disconnect(&w, 0, 0);
    world_connect(&w);
    cr_expect(!world_counts(&w).reconnect_wanted);
    world_make_ready(&w);
    world_end(&w);
}

Test(told, what_cannot_be_read_may_have_been_a_report)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_rest_one(&w);
    world_say(&w, "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\"");
    cr_expect_eq(world_counts(&w).messages_invalid, 1);
    cr_expect_eq(world_state(&w, id), PW_ORDER_UNKNOWN);
    world_run(&w, SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_OPEN);
    cr_expect_eq(world_counts(&w).resyncs, 1);
    world_end(&w);
}

Test(told, more_fills_than_a_list_has_come_back_one_by_one)
{
    struct world w;
    world_ready(&w);
    struct pw_gateway_order order = world_limit(PW_SELL, PW_GTC, 400 * PW_E8);
    enum pw_reason reason;
    uint64_t id = world_place(&w, &order, &reason);
    world_run(&w, 50 * MS);
    w.faults.lose_report = 1000;
    for (int i = 0; i < 100; i++) {
        world_fill(&w, &w.venue[0], 4 * PW_E8);
    }
    cr_expect_eq(w.sold_e8, 0);
    world_run(&w, PW_SESSION_QUIET_NS + 4 * SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_FILLED);
    cr_expect_eq(w.sold_e8, 400 * PW_E8);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_FILLS], 10, "each list begins where the last one ended");
    world_end(&w);
}

Test(told, orders_of_others_are_counted_and_not_reported)
{
    struct world w;
    world_ready(&w);
    uint64_t reports = world_counts(&w).reports;
    w.subscribed = w.up = true;
    struct venue_order *order = world_venue_has(&w, "web_1");
    order->qty_e8 = PW_E8;
    world_fill(&w, order, PW_E8);
    world_run(&w, 50 * MS);
    cr_expect_eq(world_counts(&w).orders_external, 1);
    cr_expect_eq(world_counts(&w).reports, reports);
    world_end(&w);
}

Test(told, a_cancellation_is_repeated_until_it_is_answered)
{
    static const char *const rows[] = {
        "", WORLD_ERROR(503, -1008, "Server is currently overloaded."),
        WORLD_ERROR(504, -1007, "Timeout waiting for response from backend server."),
        WORLD_ERROR(400, -1021, "Timestamp for this request was 1000ms ahead.")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        world_open(&w, 1, true);
        world_start(&w);
        uint64_t id = world_rest_one(&w);
        world_answer(&w, "order.cancel", 3, rows[i]);
        cr_assert(world_cancel(&w, id));
        world_run(&w, 20 * SEC);
        cr_expect_eq(world_state(&w, id), PW_ORDER_CANCELED, "row %zu", i);
        cr_expect_eq(w.asked_cnt[PW_ENTRY_CANCEL], 4);
        world_end(&w);
    }
}

/* Whatever the venue says, unless it is that it never will: with the order open and its cancellation wanted.
 */
Test(told, a_cancellation_that_is_refused_is_repeated_ever_more_seldom)
{
    static const char *const rows[] = {
        WORLD_ERROR(400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        WORLD_ERROR(400, -1099, "Something new."), WORLD_ERROR(400, -1013, "Filter failure: MARKET_CLOSED"),
        WORLD_ERROR(409, -9999, "Later."), WORLD_ERROR(400, -2011, "Some other reason.")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        world_open(&w, 1, true);
        world_start(&w);
        uint64_t id = world_rest_one(&w);
        world_answer(&w, "order.cancel", UINT32_MAX, rows[i]);
        cr_assert(world_cancel(&w, id));
        world_run(&w, 60 * SEC);
        uint32_t cnt = w.asked_cnt[PW_ENTRY_CANCEL];
        cr_expect(cnt >= 10 && cnt <= 12, "row %zu: %u, each 8 s in the end", i, cnt);
        cr_expect_not(pw_order_is_closed(world_state(&w, id)));
        world_answer(&w, "order.cancel", 0, NULL);
        world_run(&w, 9 * SEC);
        cr_expect_eq(world_state(&w, id), PW_ORDER_CANCELED, "row %zu", i);
        world_end(&w);
    }
}

Test(told, a_session_that_the_venue_forgot_is_logged_on_again)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_rest_one(&w);
    w.logged_on = w.subscribed = false;
    world_answer(
        &w, "order.cancel", 1,
        WORLD_ERROR(400, -1102, "Mandatory parameter 'apiKey' was not sent, was empty/null, or malformed."));
    cr_assert(world_cancel(&w, id));
    world_run(&w, 100 * MS);
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_NOT_CONNECTED);
    world_run(&w, 5 * SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_CANCELED);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_LOGIN], 2);
    cr_expect(world_is_ready(&w));
    world_end(&w);
}

Test(told, a_cancellation_that_is_barred_is_not_repeated)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_rest_one(&w);
    world_answer(&w, "order.cancel", 1,
                 WORLD_ERROR(400, -2011, "Order was not canceled due to cancel restrictions."));
    cr_assert(world_cancel(&w, id));
    world_run(&w, 60 * SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_OPEN, "refused for good");
    cr_expect_eq(w.asked_cnt[PW_ENTRY_CANCEL], 1);
    world_end(&w);
}

/* ---- what others may read ---- */

Test(journal, copies_tell_all_but_the_key_and_the_signature)
{
    struct world w;
    world_open(&w, 1, false);
    w.config.journal = &w.journal_in;
    world_start(&w);
    world_rest_one(&w);
    uint32_t sent = 0, received = 0;
    pw_producer_publish(&w.journal_in);
    uint64_t cnt = pw_consumer_peek(&w.journal, UINT64_MAX);
    for (uint64_t i = 0; i < cnt; i++) {
        const struct pw_event *frame = pw_consumer_at(&w.journal, i);
        const uint8_t *text = pw_consumer_payload(&w.journal, frame);
        uint32_t bytes = frame->body.frame.payload_bytes;
        json_t *root = json_loadb((const char *)text, bytes, 0, NULL);
        cr_assert(root);
        const json_t *params = json_object_get(root, "params");
        const char *signature = json_string_value(json_object_get(params, "signature"));
        cr_expect(!memmem(text, bytes, API_KEY, strlen(API_KEY)));
        cr_expect(!signature || strspn(signature, "*") == 64);
        sent += frame->flags == PW_FLAG_SENT;
        received += frame->flags == 0;
        json_decref(root);
    }
    cr_expect_eq(sent, w.sent_cnt);
    cr_expect_eq(received, world_counts(&w).responses + world_counts(&w).account_events);
    world_say(&w, "{\"id\":\"x\",\"status\":200,\"result\":{\"apiKey\":\"" API_KEY "\",\"again\":\"" API_KEY
                  "\"}}");
    pw_consumer_done(&w.journal, cnt);
    pw_producer_publish(&w.journal_in);
    cr_assert_eq(pw_consumer_peek(&w.journal, 1), 1);
    cr_expect(!memmem(pw_consumer_payload(&w.journal, pw_consumer_at(&w.journal, 0)), 100, "canary", 6));
    world_end(&w);
}

Test(journal, the_key_is_found_at_any_place_of_a_message)
{
    for (int before = 0; before < 70; before++) {
        struct world w;
        char text[256], key[] = API_KEY;
        world_open(&w, 1, true);
        w.config.journal = &w.journal_in;
        w.config.api_key = key;
        world_start(&w);
        key[8] = '\0'; /* one that ends soon behind its first bytes */
        pw_producer_publish(&w.journal_in);
        pw_consumer_done(&w.journal, pw_consumer_peek(&w.journal, UINT64_MAX));
        snprintf(text, sizeof text, "{\"id\":\"%*s\",\"a\":\"%s\"}", before, "", key);
        world_say(&w, text);
        pw_producer_publish(&w.journal_in);
        cr_assert_eq(pw_consumer_peek(&w.journal, 1), 1);
        const struct pw_event *frame = pw_consumer_at(&w.journal, 0);
        const uint8_t *copy = pw_consumer_payload(&w.journal, frame);
        cr_expect(!memmem(copy, frame->body.frame.payload_bytes, key, 8), "behind %d bytes", before);
        world_end(&w);
    }
}

Test(journal, a_full_ring_of_copies_stops_nothing)
{
    struct world w;
    world_open(&w, 1, true);
    w.config.journal = &w.journal_in;
    world_start(&w);
    while (pw_producer_room(&w.journal_in, 1) >= 1) {
        struct pw_event none = {.kind = PW_EVENT_FRAME};
        pw_producer_put_frame(&w.journal_in, &none, 0);
    }
    world_rest_one(&w);
    cr_expect_geq(world_counts(&w).journal_dropped, 3);
    world_end(&w);
}

Test(live, configs_that_contradict_themselves_are_refused)
{
    struct world w;
    world_open(&w, 1, true);
    struct pw_gateway_config bad[6];
    for (int i = 0; i < 6; i++) {
        bad[i] = w.config;
    }
    struct pw_signing short_signing = w.signing;
    short_signing.signature_bytes = 64;
    bad[0].signing = &short_signing;
    bad[1].api_key = "";
    bad[2].recv_window_ms = 0;
    bad[3].ack_timeout_ns = 0;
    bad[4].cash_e8 = -1;
    bad[5].api_key = "a\"b";
    for (int i = 0; i < 6; i++) {
        memset(w.memory[1], 0, pw_live_gateway.bytes(&w.config));
        cr_expect_eq(pw_live_gateway.init(w.memory[1], &bad[i]), -EINVAL, "row %d", i);
    }
    world_close(&w);
}

/* ---- no heap ---- */

#ifdef HEAP_IS_WATCHED
/* Each call of the gateway as it comes, with the model's own use of the heap between them. */
static struct pw_gateway_ops g_counted;

static enum pw_reason counted_check(void *state, const struct pw_gateway_order *order, uint64_t replaces_id)
{
    heap_forbid(true);
    enum pw_reason reason = pw_live_gateway.check(state, order, replaces_id);
    heap_forbid(false);
    return reason;
}

static int64_t counted_place(void *state, const struct pw_gateway_order *order, struct pw_reports *out)
{
    heap_forbid(true);
    int64_t valid_until_ns = pw_live_gateway.place(state, order, out);
    heap_forbid(false);
    return valid_until_ns;
}

static void counted_settle(void *state)
{
    heap_forbid(true);
    pw_live_gateway.settle(state);
    heap_forbid(false);
}

static void counted_cancel(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out)
{
    heap_forbid(true);
    pw_live_gateway.cancel(state, client_order_id, recv_ns, out);
    heap_forbid(false);
}

static void counted_on_message(void *state, const struct pw_event *frame, const uint8_t *message,
                               struct pw_reports *out)
{
    heap_forbid(true);
    pw_live_gateway.on_message(state, frame, message, out);
    heap_forbid(false);
}

static uint32_t counted_poll(void *state, int64_t now_ns, struct pw_reports *out)
{
    heap_forbid(true);
    uint32_t work = pw_live_gateway.poll(state, now_ns, out);
    heap_forbid(false);
    return work;
}

Test(live, nothing_is_allocated_after_init)
{
    for (int key = 0; key < 2; key++) {
        struct world w;
        world_open(&w, 1, key == 0);
        w.config.journal = &w.journal_in;
        g_counted = pw_live_gateway;
        g_counted.check = counted_check;
        g_counted.place = counted_place;
        g_counted.settle = counted_settle;
        g_counted.cancel = counted_cancel;
        g_counted.on_message = counted_on_message;
        g_counted.poll = counted_poll;
        w.ops = &g_counted;
        world_start(&w);
        uint64_t id = world_rest_one(&w);
        w.faults.lose_report = 1000;
        world_fill(&w, &w.venue[0], PW_E8 / 2);
        world_run(&w, 6 * SEC); /* asked about, and for its trades */
        cr_assert(world_cancel(&w, id));
        world_disconnect(&w, 0, 0);
        world_connect(&w);
        world_make_ready(&w);
        world_run(&w, SEC);
        cr_expect_eq(world_state(&w, id), PW_ORDER_CANCELED);
        cr_expect_eq(heap_calls(), 0);
        world_end(&w);
    }
    heap_watch_prove();
}
#endif
