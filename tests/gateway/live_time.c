/* SPDX-License-Identifier: MIT
 *
 * The live gateway and time: the venue's limits and bans are waited out (F5), and requests are dated by its
 * clock, whatever ours does (E1).
 */
#include "live_world.h"

#include <criterion/criterion.h>

/* ---- limits and bans (F5) ---- */

/* Nothing goes out before the end that the venue told, by its clock; and something after it. */
static void expect_silence_until(struct world *w, int64_t end_ns)
{
    uint32_t sent = w->sent_cnt;
    uint64_t run = RUN_ID;
    bool restarted = false;
    while (w->now_ns < end_ns) {
        cr_assert_eq(w->sent_cnt, sent, "%lld ms before the end", (long long)((end_ns - w->now_ns) / MS));
        cr_expect_neq(world_denied(w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_NONE);
        if (!restarted && w->now_ns > end_ns - 20 * SEC) { /* with what was kept */
            int64_t kept_ns = world_counts(w).paused_until_ns;
            cr_assert_gt(kept_ns, world_engine_ns(w));
            world_restart(w, ++run, kept_ns);
            world_connect(w);
            restarted = true;
        }
        world_step(w, 100 * MS);
    }
    cr_assert(restarted);
    world_run(w, 5 * SEC);
    cr_expect_gt(w->sent_cnt, sent);
    world_make_ready(w);
    cr_expect_eq(world_counts(w).paused_until_ns, 0);
}

static void pause_by(int64_t skew_ns, int64_t step_ns, const char *format, int64_t pause_ns)
{
    char text[512];
    struct world w;
    world_open(&w, 1, true);
    w.skew_ns = skew_ns;
    world_start(&w);
    int64_t end_ns = w.now_ns + pause_ns;
    snprintf(text, sizeof text, format, (long long)(end_ns / MS), (long long)(w.now_ns / MS));
    world_answer(&w, "order.place", 1, text);
    uint64_t id = world_place_one(&w);
    world_run(&w, 100 * MS);
    cr_expect_eq(world_state(&w, id), PW_ORDER_REJECTED);
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_REQUEST_LIMIT);
    w.skew_ns += step_ns;
    expect_silence_until(&w, end_ns);
    world_end(&w);
}

#define RETRY(status)                                                                                        \
    "\"status\":" #status                                                                                    \
    ",\"error\":{\"code\":-1003,\"msg\":\"Too many requests.\",\"data\":{\"retryAfter\":%lld,"               \
    "\"serverTime\":%lld}}"
#define TEXT_ALONE                                                                                           \
    "\"status\":418,\"error\":{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until "  \
    "%lld. "                                                                                                 \
    "Please use WebSocket Streams for live updates to avoid bans.\"}"

Test(limits, a_ban_is_kept_to_whatever_our_clock_says)
{
    static const int64_t skews[] = {0, 3 * 3600 * SEC, -3 * 3600 * SEC};
    for (int i = 0; i < 3; i++) {
        pause_by(skews[i], 0, RETRY(429), 45 * SEC);
        pause_by(skews[i], 0, RETRY(418), 300 * SEC);
        pause_by(skews[i], 0, TEXT_ALONE, 180 * SEC);
        pause_by(0, skews[i], RETRY(418), 300 * SEC);
    }
}

/* The status goes first: a code that speaks of orders alone does not make less of it. */
Test(limits, a_ban_for_too_many_orders_holds_for_all)
{
    pause_by(0, 0,
             "\"status\":418,\"error\":{\"code\":-1015,\"msg\":\"Too many new orders.\",\"data\":{"
             "\"retryAfter\":%lld,\"serverTime\":%lld}}",
             300 * SEC);
}

Test(limits, a_limit_without_an_end_is_waited_out)
{
    struct world w;
    world_ready(&w);
    world_answer(&w, "order.place", 1, WORLD_ERROR(429, -1003, "Too much request weight used."));
    world_place_one(&w);
    world_run(&w, 50 * MS);
    expect_silence_until(&w, w.now_ns + 59 * SEC);
    world_end(&w);
}

Test(limits, too_many_orders_hold_up_orders_alone)
{
    struct world w;
    world_ready(&w);
    uint64_t first = world_rest_one(&w);
    world_answer(&w, "order.place", 1, WORLD_ERROR(429, -1015, "Too many new orders."));
    world_place_one(&w);
    world_run(&w, 50 * MS);
    cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_REQUEST_LIMIT);
    cr_assert(world_cancel(&w, first));
    world_run(&w, 100 * MS);
    cr_expect_eq(world_state(&w, first), PW_ORDER_CANCELED);
    world_run(&w, 10 * SEC);
    world_rest_one(&w);
    world_end(&w);
}

/* ---- clocks (E1) ---- */

Test(clocks, requests_are_dated_by_the_venues_clock)
{
    static const int64_t skews[] = {0, 3 * 3600 * SEC, -3 * 3600 * SEC, 23 * 3600 * SEC, 700 * MS, -700 * MS};
    for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
        struct world w;
        world_open(&w, 1, i % 2 == 0);
        w.skew_ns = skews[i];
        world_start(&w);
        world_rest_one(&w);
        struct pw_gateway_metrics counts = world_counts(&w);
        int64_t wrong_ns = counts.clock_offset_ns + skews[i];
        cr_expect(wrong_ns <= counts.clock_error_ns && -wrong_ns <= counts.clock_error_ns);
        cr_expect_leq(counts.clock_error_ns, PW_SESSION_ERROR_MAX_NS);
        cr_expect_eq(counts.timestamp_rejected, 0, "no request was refused for its time");
        world_end(&w);
    }
}

Test(clocks, a_clock_that_is_no_clock_is_not_traded_by)
{
    struct world w;
    world_open(&w, 1, true);
    w.skew_ns = 48 * 3600 * SEC;
    world_connect(&w);
    world_run(&w, 10 * SEC);
    cr_expect(!world_is_ready(&w));
    cr_expect_eq(w.asked_cnt[PW_ENTRY_LOGIN], 0);
    world_end(&w);
}

static void step_clock(int64_t our_step_ns, int64_t venue_step_ns)
{
    struct world w;
    world_ready(&w);
    uint64_t before = world_rest_one(&w);
    w.skew_ns += our_step_ns;
    w.venue_skew_ns += venue_step_ns;
    world_step(&w, 10 * MS);
    if (our_step_ns) {
        cr_expect_eq(world_denied(&w, world_limit(PW_BUY, PW_GTC, PW_E8)), PW_REASON_VENUE_TIME);
    }
    /* The venue's clock is asked for when it is due; or when it has refused a request. */
    world_run(&w, 40 * SEC);
    cr_expect_eq(world_state(&w, before), PW_ORDER_OPEN);
    cr_expect_eq(world_state(&w, world_rest_one(&w)), PW_ORDER_OPEN);
    cr_assert(world_cancel(&w, before));
    world_run(&w, SEC);
    cr_expect_eq(world_state(&w, before), PW_ORDER_CANCELED);
    world_end(&w);
}

Test(clocks, steps_of_either_clock_are_seen_and_learnt)
{
    static const int64_t steps[] = {5 * SEC,     -5 * SEC,       3600 * SEC,
                                    -3600 * SEC, 4 * 3600 * SEC, -4 * 3600 * SEC};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        step_clock(steps[i], 0);
        step_clock(0, steps[i]);
    }
}

/* Our clock jumps ahead while the request is still on its way: what the venue does not know yet may come. */
Test(clocks, a_jump_does_not_make_an_order_vanish)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_place_one(&w);
    w.requests[0].gone = true; /* by a connection that we know nothing of any more */
    w.requests[0].at_ns = w.now_ns + 4 * SEC;
    w.skew_ns += 3600 * SEC;
    world_run(&w, 15 * SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_OPEN);
    world_end(&w);
}

Test(clocks, a_request_refused_for_its_time_has_the_clock_learnt_at_once)
{
    static const int64_t steps[] = {10 * SEC, -10 * SEC};
    for (int i = 0; i < 2; i++) {
        struct world w;
        world_open(&w, 1, true);
        world_start(&w);
        w.venue_skew_ns += steps[i];
        uint64_t id = world_place_one(&w);
        world_run(&w, 50 * MS);
        cr_expect_eq(world_state(&w, id), PW_ORDER_REJECTED);
        world_run(&w, SEC);
        world_rest_one(&w);
        world_end(&w);
    }
}

Test(clocks, a_jump_is_no_time_out)
{
    static const int64_t steps[] = {3600 * SEC, -3600 * SEC};
    for (int i = 0; i < 2; i++) {
        struct world w;
        world_open(&w, 1, true);
        world_start(&w);
        uint64_t id = world_place_one(&w);
        w.skew_ns += steps[i];
        world_run(&w, 50 * MS);
        cr_expect_eq(world_state(&w, id), PW_ORDER_OPEN);
        cr_expect_eq(world_counts(&w).request_timeouts, 0);
        world_answer(&w, "order.place", 1, "");
        id = world_place_one(&w);
        w.skew_ns += steps[i];
        world_run(&w, 3 * SEC);
        cr_expect_eq(world_state(&w, id), PW_ORDER_UNKNOWN, "but no answer is one");
        cr_expect_eq(world_counts(&w).request_timeouts, 1);
        world_end(&w);
    }
}

/* It was never sent. The order table waits for a time of our clock that comes in an hour. */
Test(clocks, a_clock_set_back_does_not_keep_an_order_unknown)
{
    struct world w;
    world_ready(&w);
    uint64_t id = world_place_one(&w);
    world_disconnect(&w, 0, 0);
    w.skew_ns -= 3600 * SEC;
    world_connect(&w);
    world_run(&w, 15 * SEC);
    cr_expect_eq(world_state(&w, id), PW_ORDER_REJECTED);
    world_end(&w);
}
