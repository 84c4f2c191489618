/* SPDX-License-Identifier: MIT
 *
 * Request limits: windows, reserve, the venue's own counts, pauses that outlive a restart.
 */
#include "budget.h"

#include <criterion/criterion.h>

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define NOW    (INT64_C(1700000040) * SECOND) /* a minute begins */

static const struct pw_budget_cost g_order = {{1, 1, 1}}, g_cancel = {{1, 0, 1}}, g_query = {{4, 0, 1}};

static struct pw_budget make(void)
{
    struct pw_budget budget;
    pw_budget_init(&budget, 0);
    cr_assert(pw_budget_set(&budget, PW_BUDGET_WEIGHT, MINUTE, 20, 4));
    cr_assert(pw_budget_set(&budget, PW_BUDGET_ORDERS, 10 * SECOND, 5, 1));
    return budget;
}

/* Sends as long as it may; answers come at once, without counts. */
static int send_all(struct pw_budget *budget, const struct pw_budget_cost *cost, bool urgent, int64_t now_ns)
{
    int cnt = 0;
    while (pw_budget_check(budget, cost, urgent, now_ns) == PW_BUDGET_GOES && cnt < 1000) {
        pw_budget_take(budget, cost);
        pw_budget_settle(budget, cost, now_ns);
        cnt++;
    }
    return cnt;
}

Test(budget, the_reserve_is_for_cancellations)
{
    struct pw_budget budget = make();
    cr_expect_eq(send_all(&budget, &g_order, false, NOW), 4);
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 10 * SECOND), 4, "the next ten seconds");
    cr_expect_eq(send_all(&budget, &g_query, false, NOW + 10 * SECOND), 2, "16 of 20 in the minute");
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 20 * SECOND), 0);
    cr_expect_eq(send_all(&budget, &g_cancel, true, NOW + 20 * SECOND), 4);
    cr_expect_eq(send_all(&budget, &g_cancel, true, NOW + 59 * SECOND), 0);
    cr_expect_eq(send_all(&budget, &g_cancel, true, NOW + 60 * SECOND), 20);
}

Test(budget, what_is_not_answered_counts_also_in_the_next_window)
{
    struct pw_budget budget = make();
    for (int i = 0; i < 3; i++) {
        pw_budget_take(&budget, &g_order);
    }
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 10 * SECOND), 1);
    for (int i = 0; i < 3; i++) {
        pw_budget_settle(&budget, &g_order, NOW + 10 * SECOND);
    }
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 20 * SECOND), 4);
}

Test(budget, the_venues_count_knows_of_others)
{
    struct pw_budget budget = make();
    pw_budget_count(&budget, PW_BUDGET_WEIGHT, MINUTE, 20, 15, NOW);
    cr_expect_eq(send_all(&budget, &g_cancel, false, NOW), 1);
    pw_budget_count(&budget, PW_BUDGET_WEIGHT, MINUTE, 20, 3, NOW);
    cr_expect_eq(send_all(&budget, &g_cancel, false, NOW), 0, "an answer that was overtaken");
    pw_budget_count(&budget, PW_BUDGET_WEIGHT, MINUTE, 40, 16, NOW);
    cr_expect_eq(send_all(&budget, &g_cancel, false, NOW), 20, "the limit has changed");
    pw_budget_count(&budget, PW_BUDGET_REQUESTS, MINUTE, 1, 1, NOW);
    cr_expect_eq(budget.window_cnt, 2, "a window that was not declared");
}

Test(budget, filled_orders_free_their_count)
{
    struct pw_budget budget = make();
    cr_expect_eq(send_all(&budget, &g_order, false, NOW), 4);
    pw_budget_count(&budget, PW_BUDGET_ORDERS, 10 * SECOND, 5, 1, NOW);
    cr_expect_eq(send_all(&budget, &g_order, false, NOW), 3);
}

Test(budget, nothing_goes_before_a_pause_ends)
{
    struct pw_budget budget = make();
    pw_budget_pause(&budget, NOW + 37 * SECOND, 60 * SECOND, NOW);
    cr_expect_eq(pw_budget_check(&budget, &g_order, false, NOW), PW_BUDGET_PAUSED);
    cr_expect_eq(pw_budget_check(&budget, &g_cancel, true, NOW + 37 * SECOND - 1), PW_BUDGET_PAUSED);
    struct pw_budget restarted;
    pw_budget_init(&restarted, budget.paused_until_ns);
    cr_expect_eq(pw_budget_check(&restarted, &g_cancel, true, NOW + 37 * SECOND - 1), PW_BUDGET_PAUSED);
    cr_expect_eq(pw_budget_check(&restarted, &g_cancel, true, NOW + 37 * SECOND), PW_BUDGET_GOES);
    cr_expect_eq(pw_budget_check(&budget, &g_cancel, true, NOW + 37 * SECOND), PW_BUDGET_GOES);
}

Test(budget, a_pause_is_never_shortened_and_has_an_end)
{
    struct pw_budget budget = make();
    pw_budget_pause(&budget, 0, 120 * SECOND, NOW);
    cr_expect_eq(budget.paused_until_ns, NOW + 120 * SECOND, "the venue did not say until when");
    pw_budget_pause(&budget, NOW + 5 * SECOND, 60 * SECOND, NOW);
    cr_expect_eq(budget.paused_until_ns, NOW + 120 * SECOND);
    pw_budget_pause(&budget, NOW - SECOND, 300 * SECOND, NOW);
    cr_expect_eq(budget.paused_until_ns, NOW + 300 * SECOND, "a time that is over");
    pw_budget_pause(&budget, INT64_MAX, SECOND, NOW);
    cr_expect_eq(budget.paused_until_ns, NOW + PW_BUDGET_PAUSE_MAX_NS);
}

Test(budget, a_clock_that_goes_back_wins_nothing)
{
    struct pw_budget budget = make();
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 10 * SECOND), 4);
    cr_expect_eq(send_all(&budget, &g_order, false, NOW), 0);
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 10 * SECOND), 0);
}

Test(budget, a_clock_that_goes_far_back_is_not_waited_for)
{
    struct pw_budget budget = make();
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 60 * MINUTE), 4);
    cr_expect_eq(send_all(&budget, &g_order, false, NOW), 0);
    cr_expect_eq(send_all(&budget, &g_order, false, NOW + 10 * SECOND), 4);
}

Test(budget, windows_that_make_no_sense_are_refused)
{
    struct pw_budget budget = make();
    cr_expect(!pw_budget_set(&budget, PW_BUDGET_WEIGHT, 0, 10, 1));
    cr_expect(!pw_budget_set(&budget, PW_BUDGET_WEIGHT, MINUTE, 0, 0));
    cr_expect(!pw_budget_set(&budget, PW_BUDGET_WEIGHT, MINUTE, 5, 5));
    cr_expect(!pw_budget_set(&budget, (enum pw_budget_kind)PW_BUDGET_KINDS, MINUTE, 5, 1));
    for (int64_t i = 0; i < 6; i++) {
        cr_expect(pw_budget_set(&budget, PW_BUDGET_REQUESTS, SECOND + i, 5, 1));
    }
    cr_expect(!pw_budget_set(&budget, PW_BUDGET_REQUESTS, MINUTE, 5, 1), "no room");
    cr_expect(pw_budget_set(&budget, PW_BUDGET_WEIGHT, MINUTE, 6000, 100), "one that is there");
    cr_expect_eq(send_all(&budget, &g_query, false, NOW), 4, "the shortest window of requests holds");
}
