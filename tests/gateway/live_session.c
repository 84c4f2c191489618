/* SPDX-License-Identifier: MIT
 *
 * The live gateway's session: from connected to ready, and what keeps it from it: a key that is refused,
 * steps that fail, too little cash, and open orders that nobody works.
 */
#include "live_world.h"

#include <criterion/criterion.h>

Test(session, a_logged_on_session_signs_its_logon_alone)
{
    struct world w;
    enum pw_reason reason;
    struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
    world_open(&w, 1, true);
    cr_expect_eq(world_denied(&w, order), PW_REASON_NOT_CONNECTED);
    world_connect(&w);
    cr_expect_eq(world_denied(&w, order), PW_REASON_NOT_CONNECTED, "connected is not ready");
    world_make_ready(&w);
    cr_expect_eq(w.sign_cnt, 1);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_LOGIN], 1);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_SUBSCRIBE], 1);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_OPEN_ORDERS], 1);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_ACCOUNT], 1);
    cr_expect_neq(world_place(&w, &order, &reason), 0);
    world_run(&w, 100 * MS);
    cr_expect_eq(w.sign_cnt, 1);
    cr_expect_str_eq(w.last_method, "order.place");
    world_end(&w);
}

Test(session, without_a_session_every_request_is_signed)
{
    struct world w;
    world_open(&w, 1, false);
    world_start(&w);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_LOGIN], 0);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_SUBSCRIBE], 1);
    cr_expect_eq(w.sign_cnt, 3);
    uint64_t id = world_rest_one(&w);
    cr_expect_eq(w.sign_cnt, 4);
    cr_expect_eq(world_placed(&w, id), 1);
    world_end(&w);
}

Test(session, a_signature_that_fails_ends_the_order_and_the_session)
{
    struct world w;
    world_open(&w, 1, false);
    world_start(&w);
    w.sign_fails = true;
    uint32_t sent = w.sent_cnt;
    uint64_t id = world_place_one(&w);
    cr_expect_eq(world_state(&w, id), PW_ORDER_REJECTED);
    cr_expect_eq(w.sent_cnt, sent);
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_VENUE_KEY);
    cr_expect_eq(w.out.halt, PW_REASON_VENUE_KEY);
    cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_VENUE_KEY);
    world_end(&w);
}

Test(session, a_key_that_is_refused_is_shown_again_seldom_and_to_each_connection)
{
    struct world w;
    world_open(&w, 1, true);
    world_answer(&w, "session.logon", 5,
                 WORLD_ERROR(401, -2015, "Invalid API-key, IP, or permissions for action."));
    world_connect(&w);
    world_run(&w, 150 * SEC);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_LOGIN], 3, "once a minute");
    world_disconnect(&w, 0, 0);
    world_connect(&w);
    world_run(&w, 10 * SEC);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_LOGIN], 4);
    cr_expect(!world_is_ready(&w));
    cr_expect_eq(w.out.halt, PW_REASON_VENUE_KEY);
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_VENUE_KEY);
    cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_VENUE_KEY);
    cr_expect_eq(world_counts(&w).last_error_code, -2015);
    world_run(&w, 120 * SEC);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_LOGIN], 6);
    cr_expect(world_is_ready(&w), "it is taken now");
    cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_NONE);
    world_rest_one(&w);
    world_end(&w);
}

/* One order is told that the key is no good: what rests is canceled all the same, and asked about. */
static void refuse_key(bool is_ed25519, uint32_t cancels_refused)
{
    struct world w;
    enum pw_reason reason;
    struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
    world_open(&w, 1, is_ed25519);
    world_start(&w);
    uint64_t first = world_rest_one(&w), second = world_rest_one(&w);
    world_answer(&w, "order.place", 1,
                 WORLD_ERROR(401, -2015, "Invalid API-key, IP, or permissions for action."));
    uint64_t third = world_place(&w, &order, &reason);
    world_run(&w, 100 * MS);
    cr_expect_eq(world_state(&w, third), PW_ORDER_REJECTED);
    cr_expect_eq(w.out.halt, PW_REASON_VENUE_KEY);
    cr_expect_eq(world_denied(&w, order), PW_REASON_VENUE_KEY);
    cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_VENUE_KEY);
    w.out.halt = PW_REASON_NONE;
    world_answer(&w, "order.cancel", cancels_refused,
                 WORLD_ERROR(401, -2015, "Invalid API-key, IP, or permissions for action."));
    cr_assert(world_cancel(&w, first));
    world_run(&w, 20 * SEC);
    cr_expect_eq(world_state(&w, first), PW_ORDER_CANCELED);
    cr_expect_eq(world_state(&w, second), PW_ORDER_OPEN);
    cr_expect_geq(w.asked_cnt[PW_ENTRY_QUERY], 1);
    cr_expect_leq(w.asked_cnt[PW_ENTRY_QUERY], 2 + 2, "each order once in 10 s");
    cr_expect(!world_is_ready(&w));
    cr_expect_eq(w.out.halt, PW_REASON_NONE, "said once");
    uint32_t times = w.asked_cnt[PW_ENTRY_TIME];
    world_run(&w, 35 * SEC);
    cr_expect_gt(w.asked_cnt[PW_ENTRY_TIME], times, "the clock is kept");
    world_run(&w, 15 * SEC);
    cr_expect(world_is_ready(&w), "a minute later the key is taken");
    world_rest_one(&w);
    world_end(&w);
}

Test(session, a_key_that_is_revoked_stops_orders_alone)
{
    for (int key = 0; key < 2; key++) {
        refuse_key(key == 0, 0);
        refuse_key(key == 0, 4);
    }
}

Test(session, a_key_that_is_revoked_may_be_taken_by_the_next_connection)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_rest_one(&w);
    world_say(&w, "{\"id\":null,\"status\":401,\"error\":{\"code\":-2015,\"msg\":\"Invalid API-key.\"}}");
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_VENUE_KEY);
    world_disconnect(&w, 0, 0);
    cr_assert(world_cancel(&w, id));
    world_connect(&w);
    world_run(&w, 5 * SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_CANCELED);
    cr_expect(world_is_ready(&w));
    world_end(&w);
}

Test(session, a_step_that_fails_is_tried_again_after_a_while)
{
    static const char *const steps[] = {"session.logon", "userDataStream.subscribe", "openOrders.status",
                                        "account.status"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct world w;
        world_open(&w, 1, true);
        world_answer(&w, steps[i], 2,
                     WORLD_ERROR(503, -1008, "Server is currently overloaded with other requests."));
        int64_t begin_ns = w.now_ns;
        world_connect(&w);
        world_make_ready(&w);
        cr_expect_geq(w.now_ns - begin_ns, 1500 * MS, "%s: half a second, then one", steps[i]);
        cr_expect(!world_counts(&w).reconnect_wanted);
        world_end(&w);
    }
}

Test(session, a_session_that_is_not_answered_wants_another_connection)
{
    struct world w;
    world_open(&w, 1, true);
    world_answer(&w, "session.logon", 3, "");
    world_connect(&w);
    world_run(&w, 30 * SEC);
    cr_expect(world_counts(&w).reconnect_wanted);
    world_disconnect(&w, 0, 0);
    world_connect(&w);
    cr_expect(!world_counts(&w).reconnect_wanted);
    world_make_ready(&w);
    world_end(&w);
}

Test(session, an_account_short_of_cash_is_not_traded_on)
{
    struct world w;
    world_open(&w, 1, true);
    w.quote_free_e8--;
    world_connect(&w);
    world_run(&w, 20 * SEC);
    cr_expect(!world_is_ready(&w));
    cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_VENUE_FUNDS);
    w.quote_free_e8++;
    world_make_ready(&w);
    cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_NONE);
    w.quote_free_e8 = 0; /* the run's own orders have spent it */
    world_disconnect(&w, 0, 0);
    world_connect(&w);
    world_make_ready(&w);
    world_end(&w);
}

Test(session, orders_of_earlier_runs_are_canceled_and_those_of_others_left_alone)
{
    struct world w;
    world_open(&w, 1, true);
    const struct venue_order *left[] = {
        world_venue_has(&w, "pw-" WORLD_HASH_TEXT "-0000000003000001"),
        world_venue_has(&w, "pw-" WORLD_HASH_TEXT "-0000000006ffffff"), world_venue_has(&w, "web_12345"),
        world_venue_has(&w, "pw-0badcaff-0000000003000001"), /* another instance's, on the same account */
        world_venue_has(&w, "pw-0badcaff-0000000007000001")};
    world_start(&w);
    cr_expect_eq(left[0]->state, ORDER_CANCELED);
    cr_expect_eq(left[1]->state, ORDER_CANCELED);
    cr_expect_geq(world_counts(&w).orphan_orders, 2);
    for (int i = 2; i < 5; i++) {
        cr_expect_eq(left[i]->state, ORDER_LIVE, "%s", left[i]->client_id);
    }
    uint64_t external = world_counts(&w).orders_external;
    cr_expect_geq(external, 3);
    world_say(
        &w,
        "{\"e\":\"executionReport\",\"E\":1700000000000,\"s\":\"COIN0\",\"c\":\"pw-0badcaff-"
        "0000000007000001\",\"S\":\"BUY\",\"o\":\"LIMIT\",\"f\":\"GTC\",\"q\":\"1\",\"p\":\"1\",\"C\":"
        "\"\",\"x\":\"TRADE\",\"X\":\"FILLED\",\"r\":\"NONE\",\"i\":9,\"l\":\"1\",\"z\":\"1\",\"L\":\"1\","
        "\"n\":\"0\",\"N\":null,\"T\":1700000000000,\"t\":5,\"w\":false,\"m\":true}");
    cr_expect_eq(world_counts(&w).orders_external, external + 1, "its run is ours, its instance is not");
    cr_expect_eq(w.bought_e8, 0);
    world_end(&w);
}

/* Execution halts on each: the order table refuses it as unknown. */
Test(session, open_orders_of_this_run_that_nobody_knows_are_told_and_canceled)
{
    enum { CNT = 12 };
    struct world w;
    world_ready(&w);
    uint64_t known = world_rest_one(&w);
    world_disconnect(&w, 0, 0);
    for (uint64_t i = 0; i < CNT; i++) {
        char id[40];
        snprintf(id, sizeof id, "pw-" WORLD_HASH_TEXT "-%016llx",
                 (unsigned long long)pw_order_id(RUN_ID, 900 + i));
        world_venue_has(&w, id);
    }
    world_answer(&w, "order.cancel", CNT, WORLD_ERROR(400, -9999, "Later."));
    world_connect(&w);
    world_run(&w, 300 * MS);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_OPEN_ORDERS], 2);
    cr_expect_eq(w.orders->unknown_cnt, CNT);
    cr_expect_eq(w.asked_cnt[PW_ENTRY_CANCEL], CNT);
    cr_expect_eq(world_counts(&w).orphan_orders_open, CNT);
    world_answer(&w, NULL, 0, NULL);
    for (int i = 0; i < 1000 && !world_is_ready(&w); i++) {
        world_step(&w, 10 * MS);
    }
    cr_expect(world_is_ready(&w));
    for (uint32_t i = 1; i <= CNT; i++) {
        cr_expect_eq(w.venue[i].state, ORDER_CANCELED, "%s, and not before", w.venue[i].client_id);
    }
    cr_expect_eq(world_state(&w, known), PW_ORDER_OPEN);
    world_end(&w);
}

Test(session, report_of_an_order_of_this_run_that_nobody_knows_is_told)
{
    static const char *const states[] = {"FILLED", "PARTIALLY_FILLED"};
    for (uint32_t i = 0; i < 2; i++) {
        struct world w;
        char text[1024];
        world_open(&w, 1, true);
        world_start(&w);
        snprintf(
            text, sizeof text,
            "{\"e\":\"executionReport\",\"E\":1700000000000,\"s\":\"BTCUSDT\",\"c\":\"pw-" WORLD_HASH_TEXT
            "-%016llx\",\"S\":\"BUY\",\"o\":\"LIMIT\",\"f\":\"GTC\",\"q\":\"2\",\"p\":\"1\",\"C\":\"\","
            "\"x\":\"TRADE\",\"X\":\"%s\",\"r\":\"NONE\",\"i\":9,\"l\":\"1\",\"z\":\"1\",\"L\":\"1\",\"n\":"
            "\"0\","
            "\"N\":null,\"T\":1700000000000,\"t\":5,\"w\":false,\"m\":true}",
            (unsigned long long)pw_order_id(RUN_ID, 900), states[i]);
        world_say(&w, text);
        cr_expect_eq(w.orders->unknown_cnt, 1);
        cr_expect_eq(world_is_ready(&w), i == 0, "what is open still is looked for");
        world_make_ready(&w);
        cr_expect_eq(w.asked_cnt[PW_ENTRY_OPEN_ORDERS], 1 + i);
        world_end(&w);
    }
}

Test(session, orphan_orders_that_cannot_be_canceled_are_its_refusal)
{
    struct world w;
    world_open(&w, 1, true);
    const struct venue_order *left = world_venue_has(&w, "pw-" WORLD_HASH_TEXT "-0000000003000001");
    world_restart(&w, RUN_ID, 0);
    world_answer(&w, "order.cancel", 1000, WORLD_ERROR(400, -1013, "Market is closed."));
    world_connect(&w);
    for (int i = 0; i < 600 && world_counts(&w).not_ready_reason == PW_REASON_NONE; i++) {
        world_step(&w, 100 * MS);
    }
    struct pw_gateway_metrics counts = world_counts(&w);
    cr_expect_eq(counts.not_ready_reason, PW_REASON_ORPHAN_ORDERS);
    cr_expect_eq(counts.orphan_orders_open, 1);
    cr_expect_eq(counts.last_error_code, -1013);
    cr_expect_eq(left->state, ORDER_LIVE);
    cr_expect_not(world_is_ready(&w));
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_NOT_CONNECTED);
    world_answer(&w, "order.cancel", 0, "");
    world_run(&w, 120 * SEC); /* it keeps trying, less and less often */
    cr_expect_eq(left->state, ORDER_CANCELED);
    cr_expect(world_is_ready(&w));
    cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_NONE);
    cr_expect_eq(world_counts(&w).orphan_orders_open, 0);
    world_end(&w);
}

/* cases/35-a-message-in-fragments-without-end */

Test(session, a_ready_one_whose_answers_do_not_come_is_not_ready_and_wants_another_connection)
{
    /* Nothing; answers to nobody, or to what was never asked. */
    static const char *const said[] = {
        NULL, "{\"id\":\"nobody\",\"status\":200,\"result\":{}}",
        "{\"id\":null,\"status\":200,\"result\":{}}",
        "{\"id\":\"t0000000000000000\",\"status\":200,\"result\":{\"serverTime\":1659146400000}}"};
    for (size_t i = 0; i < 2 * sizeof said / sizeof said[0]; i++) {
        int orders = i % 2;
        struct world w;
        world_ready(&w);
        world_answer(&w, NULL, 100000, ""); /* to whatever is asked */
        struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
        enum pw_reason reason;
        for (int k = 0; k < orders * 3; k++) {
            world_place(&w, &order, &reason);
        }
        int64_t begin_ns = w.now_ns;
        while (world_is_ready(&w) && w.now_ns < begin_ns + 120 * SEC) {
            if (said[i / 2] != NULL) {
                world_say(&w, said[i / 2]);
            }
            world_run(&w, 100 * MS);
        }
        /* The time alone is asked for each 30 s; orders are answered within ack_timeout or not at all. */
        cr_expect_leq(w.now_ns - begin_ns, (orders ? 10 : 40) * SEC, "orders %d, %s", orders, said[i / 2]);
        cr_expect(world_counts(&w).reconnect_wanted);
        cr_expect_eq(world_denied(&w, order), PW_REASON_NOT_CONNECTED);
        world_disconnect(&w, 0, 0);
        world_connect(&w);
        cr_expect(!world_counts(&w).reconnect_wanted);
        world_end(&w);
    }
}

Test(session, one_answer_among_those_that_are_missing_keeps_it)
{
    struct world w;
    world_ready(&w);
    for (int i = 0; i < 4; i++) {
        struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
        enum pw_reason reason;
        world_answer(&w, "order.place", 1, "");
        world_place(&w, &order, &reason);
        world_run(&w, 5 * SEC); /* it is queried, and that is answered */
        cr_expect(world_is_ready(&w), "order %d", i);
    }
    cr_expect(!world_counts(&w).reconnect_wanted);
    world_end(&w);
}

/* ---- what is not used is not judged; what cannot be read is said, and asked for again ever more seldom ----
 */

static const struct pw_venue_error *error_of(const struct world *w, enum pw_venue_error_kind kind)
{
    for (uint32_t i = 0; i < PW_VENUE_ERRORS_MAX; i++) {
        if (w->errors.rows[i].count > 0 && w->errors.rows[i].kind == kind) {
            return &w->errors.rows[i];
        }
    }
    return NULL;
}

/* cases/03-foreign-balance-too-large */
Test(session, only_the_quote_currencys_balance_is_looked_at)
{
    static const char *const balances[] = {
        "{\"asset\":\"BTTC\",\"free\":\"250000000000.00000000\",\"locked\":\"0\"},{\"asset\":\"USDT\","
        "\"free\":\"1000\"}",
        "{\"asset\":\"USDT\",\"free\":\"250000000000.123456789\",\"locked\":\"250000000000\"}",
        "{\"asset\":\"USDT\",\"free\":\"1000\",\"locked\":{}},{\"asset\":7},7,{\"free\":null}",
    };
    for (size_t i = 0; i < sizeof balances / sizeof balances[0]; i++) {
        struct world w;
        char answer[512];
        snprintf(answer, sizeof answer, "\"status\":200,\"result\":{\"balances\":[%s]}", balances[i]);
        world_open(&w, 1, true);
        world_answer(&w, "account.status", 1000, answer);
        world_connect(&w);
        world_make_ready(&w);
        cr_expect_eq(w.asked_cnt[PW_ENTRY_ACCOUNT], 1, "row %zu", i);
        cr_expect_null(error_of(&w, PW_VENUE_ERROR_UNREADABLE));
        world_end(&w);
    }
}

/* cases/03-foreign-balance-too-large, cases/11-unknown-rate-limit-interval */
Test(session, an_answer_that_cannot_be_read_is_named_and_asked_for_ever_more_seldom)
{
    static const struct {
        const char *method, *answer, *field;
        enum pw_entry_kind kind;
    } rows[] = {
        {"account.status", "\"status\":200,\"result\":{\"balances\":[{\"asset\":\"USDT\",\"free\":1000}]}",
         "free", PW_ENTRY_ACCOUNT},
        {"account.status", "\"status\":200,\"result\":{\"balances\":{}}", "balances", PW_ENTRY_ACCOUNT},
        {"openOrders.status", "\"status\":200,\"result\":{}", "result", PW_ENTRY_OPEN_ORDERS},
        {"openOrders.status",
         "\"status\":200,\"result\":[{\"symbol\":\"BTCUSDT\",\"orderId\":1,\"clientOrderId\":"
         "\"pw-" WORLD_HASH_TEXT
         "-0000000007000001\",\"status\":\"NEW\",\"side\":\"BUY\",\"executedQty\":\"x\"}]",
         "executedQty", PW_ENTRY_OPEN_ORDERS},
        {"session.logon", "\"status\":200,\"result\":7", "result", PW_ENTRY_LOGIN},
        {"session.logon", "\"status\":200,\"result\":{\"cut", "", PW_ENTRY_LOGIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        world_open(&w, 1, true);
        world_answer(&w, rows[i].method, 1000000, rows[i].answer);
        world_connect(&w);
        world_run(&w, 60 * SEC);
        cr_expect(!world_is_ready(&w));
        cr_expect_leq(w.asked_cnt[rows[i].kind], 9, "row %zu: %u in a minute", i, w.asked_cnt[rows[i].kind]);
        cr_expect_geq(w.asked_cnt[rows[i].kind], 4, "row %zu", i);
        cr_expect_eq(world_counts(&w).not_ready_reason, PW_REASON_VENUE_UNREADABLE, "row %zu", i);
        const struct pw_venue_error *error = error_of(&w, PW_VENUE_ERROR_UNREADABLE);
        cr_assert_not_null(error, "row %zu", i);
        cr_expect_eq(error->request, rows[i].kind, "row %zu", i);
        cr_expect_str_eq(error->text, rows[i].field, "row %zu", i);
        cr_expect_eq(error->count, w.asked_cnt[rows[i].kind], "row %zu: counted in one row", i);
        w.answer_cnt = 0;
        world_run(&w, 65 * SEC);
        cr_expect(world_is_ready(&w), "row %zu", i);
        world_close(&w);
    }
}

Test(session, events_that_cannot_be_read_are_no_reason_to_list_orders_without_a_pause)
{
    struct world w;
    world_ready(&w);
    uint32_t lists = w.asked_cnt[PW_ENTRY_OPEN_ORDERS];
    for (int i = 0; i < 1200; i++) { /* for two minutes */
        world_say(&w, "{\"event\":{\"e\":5}}");
        world_run(&w, 100 * MS);
    }
    cr_expect_leq(w.asked_cnt[PW_ENTRY_OPEN_ORDERS] - lists, 10);
    cr_expect_geq(w.asked_cnt[PW_ENTRY_OPEN_ORDERS] - lists, 2);
    world_close(&w);
}

/* cases/42-open-orders-beyond-a-mebibyte */
Test(session, a_list_that_is_too_long_is_named_and_asked_for_ever_more_seldom)
{
    struct world w;
    world_open(&w, 1, true);
    world_answer(&w, "openOrders.status", 1000000, "");
    uint32_t connections = 0;
    for (int64_t end_ns = w.now_ns + 120 * SEC; w.now_ns < end_ns;) {
        world_connect(&w);
        connections++;
        uint32_t lists = w.asked_cnt[PW_ENTRY_OPEN_ORDERS];
        while (w.now_ns < end_ns && w.asked_cnt[PW_ENTRY_OPEN_ORDERS] == lists) {
            world_run(&w, 10 * MS);
        }
        world_lose(&w, PW_REASON_TOO_LARGE);
    }
    cr_expect_leq(w.asked_cnt[PW_ENTRY_OPEN_ORDERS], 10, "%u in two minutes",
                  w.asked_cnt[PW_ENTRY_OPEN_ORDERS]);
    cr_expect_geq(w.asked_cnt[PW_ENTRY_OPEN_ORDERS], 4);
    const struct pw_venue_error *error = error_of(&w, PW_VENUE_ERROR_UNREADABLE);
    cr_assert_not_null(error);
    cr_expect_eq(error->request, PW_ENTRY_OPEN_ORDERS);
    cr_expect_eq(error->decode, PW_DECODE_TOO_LARGE);
    w.answer_cnt = 0;
    world_connect(&w);
    world_run(&w, 65 * SEC);
    cr_expect(world_is_ready(&w));
    world_close(&w);
}

/* cases/33-a-ban-that-cannot-be-read */
Test(session, a_ban_that_cannot_be_read_is_one_and_outlives_the_session)
{
    static const char *const answers[] = {
        "\"status\":418,\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":{\"retryAfter\":-5}}",
        "\"status\":418,\"error\":{\"code\":-1003,\"msg\":\"x\",\"data\":{\"retryAfter\":\"soon\"}}",
        "\"status\":418,\"error\":7", "\"status\":418,\"result\":{}",
        "\"status\":418,\"error\":{\"msg\":\"cut"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct world w;
        enum pw_reason reason;
        struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
        world_ready(&w);
        world_answer(&w, "order.place", 1, answers[i]);
        cr_assert_neq(world_place(&w, &order, &reason), 0);
        world_run(&w, 100 * MS);
        cr_expect_eq(world_denied(&w, order), PW_REASON_REQUEST_LIMIT, "row %zu", i);
        int64_t until_ns = world_counts(&w).paused_until_ns;
        cr_expect_geq(until_ns, world_engine_ns(&w) + 119 * SEC, "row %zu", i);
        uint32_t sent = w.sent_cnt;
        world_run(&w, 60 * SEC);
        cr_expect_eq(w.sent_cnt, sent, "row %zu: not one request", i);
        world_restart(&w, RUN_ID + 1, until_ns);
        world_connect(&w);
        world_run(&w, 50 * SEC);
        cr_expect_eq(w.sent_cnt, sent, "row %zu: nor after a restart", i);
        world_make_ready(&w);
        cr_expect_geq(world_engine_ns(&w), until_ns, "row %zu", i);
        world_close(&w);
    }
}

/* cases/10-refusals-that-nobody-is-told-of */
Test(session, rejections_are_folded_by_their_kind_and_tell_no_secret)
{
    struct world w;
    enum pw_reason reason;
    struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
    world_ready(&w);
    uint64_t first = 0;
    for (int i = 0; i < 5; i++) {
        char answer[256];
        snprintf(answer, sizeof answer,
                 "\"status\":400,\"error\":{\"code\":-1013,\"msg\":\"key %s at %d\\u0007\\n\"}", API_KEY, i);
        world_answer(&w, "order.place", 1, answer);
        uint64_t id = world_place(&w, &order, &reason);
        first = first ? first : id;
        world_run(&w, 100 * MS);
    }
    world_answer(&w, "order.place", 1, WORLD_ERROR(400, -2010, "Account has insufficient balance."));
    world_place(&w, &order, &reason);
    world_run(&w, 100 * MS);
    const struct pw_venue_error *error = error_of(&w, PW_VENUE_ERROR_REJECTED);
    char line[PW_VENUE_ERROR_LINE_BYTES];
    cr_assert_not_null(error);
    cr_expect_eq(error->count, 5);
    cr_expect_eq(error->client_order_id, first);
    cr_expect_eq(error->code, -1013);
    cr_expect_eq(error[1].count, 1);
    cr_expect_eq(error[1].code, -2010);
    cr_expect_null(strstr(pw_venue_error_line(error, line), API_KEY));
    for (const char *at = line; *at; at++) {
        cr_expect(*at >= ' ' && *at <= '~');
    }
    world_end(&w);
}
