/* SPDX-License-Identifier: MIT
 *
 * Positions: the rules by example, and over random fills the identities that must hold to the last digit.
 */
#include "positions.h"
#include "portfolio.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define E8  PW_E8
#define E16 ((pw_i128)E8 * E8)

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

Test(positions, a_round_trip_realizes_both_fees)
{
    struct pw_holding h = {0};
    pw_i128 cash = 10000 * E16;
    /* The first two fills of the reference: 0.01 at 61732.00 and 61726.21, at 0.1 %. */
    cr_assert(pw_holding_fill(&h, &cash, PW_BUY, 61732 * E8, E8 / 100, INT64_C(6173200000000000)));
    cr_expect(cash == (pw_i128)93820626800 * 1000000000); /* 9382.06268 */
    cr_expect(h.realized_e16 == 0);
    cr_assert(
        pw_holding_fill(&h, &cash, PW_SELL, INT64_C(6172621000000), E8 / 100, INT64_C(6172621000000000)));
    cr_expect(cash == (pw_i128)99987075179 * 1000000000);         /* 9998.7075179 */
    cr_expect(h.realized_e16 == -(pw_i128)12924821 * 1000000000); /* -1.2924821 */
    cr_expect_eq(h.qty_e8, 0);
    cr_expect(h.cost_e16 == 0);
    cr_expect(h.entry_fees_e16 == 0);
    cr_expect_eq(h.buy_cnt, 1);
    cr_expect_eq(h.sell_cnt, 1);
}

Test(positions, a_reduction_leaves_the_average_price)
{
    struct pw_holding h = {0};
    pw_i128 cash = 0;
    pw_holding_fill(&h, &cash, PW_BUY, 10 * E8, 1 * E8, 0);
    pw_holding_fill(&h, &cash, PW_BUY, 20 * E8, 3 * E8, 0);
    cr_expect_eq(pw_money_price_e8(h.cost_e16, h.qty_e8), 17 * E8 + E8 / 2);
    pw_holding_fill(&h, &cash, PW_SELL, 30 * E8, 2 * E8, 0);
    cr_expect_eq(pw_money_price_e8(h.cost_e16, h.qty_e8), 17 * E8 + E8 / 2);
    cr_expect(h.realized_e16 == 25 * E16);
}

Test(positions, a_short_gains_when_the_price_falls)
{
    struct pw_holding h = {0};
    pw_i128 cash = 0;
    pw_holding_fill(&h, &cash, PW_SELL, 20 * E8, 2 * E8, E16);
    cr_expect(cash == 39 * E16);
    cr_expect(h.cost_e16 == -40 * E16);
    cr_expect(pw_holding_unrealized_e16(&h, 15 * E8) == 9 * E16); /* 40 - 30 - entry fee */
    pw_holding_fill(&h, &cash, PW_BUY, 15 * E8, 2 * E8, E16);
    cr_expect(h.realized_e16 == 8 * E16);
    cr_expect(cash == 8 * E16);
}

Test(positions, a_fill_larger_than_the_holding_turns_it_round)
{
    struct pw_holding h = {0};
    pw_i128 cash = 0;
    pw_holding_fill(&h, &cash, PW_BUY, 10 * E8, 1 * E8, 0);
    pw_holding_fill(&h, &cash, PW_SELL, 12 * E8, 4 * E8, 4 * E16); /* closes 1, opens 3 short */
    cr_expect_eq(h.qty_e8, -3 * E8);
    cr_expect(h.realized_e16 == 1 * E16); /* 12 - 10 - a quarter of the fee */
    cr_expect(h.cost_e16 == -36 * E16);
    cr_expect(h.entry_fees_e16 == 3 * E16);
    pw_holding_fill(&h, &cash, PW_BUY, 12 * E8, 3 * E8, 0);
    cr_expect(h.realized_e16 == -2 * E16);
    cr_expect(cash == h.realized_e16);
}

Test(positions, it_is_marked_at_the_quote_that_closes_it)
{
    struct pw_holding h = {.qty_e8 = 1};
    cr_expect_eq(pw_holding_mark_e8(&h, 3, 4), 3);
    h.qty_e8 = -1;
    cr_expect_eq(pw_holding_mark_e8(&h, 3, 4), 4);
    h.qty_e8 = 0;
    cr_expect_eq(pw_holding_mark_e8(&h, 3, 4), 0);
}

Test(positions, a_fill_that_would_overflow_changes_nothing)
{
    struct pw_holding h = {.qty_e8 = INT64_MAX - 1, .cost_e16 = E16}, before = h;
    pw_i128 cash = 5;
    cr_expect_not(pw_holding_fill(&h, &cash, PW_BUY, E8, 2, 0));
    cr_expect_eq(memcmp(&h, &before, sizeof h), 0);
    cr_expect(cash == 5);

    cash = -(((pw_i128)1 << 126) - 1) * 2; /* near the lowest */
    pw_i128 low = cash;
    cr_expect_not(pw_holding_fill(&h, &cash, PW_BUY, INT64_MAX, 1, (pw_i128)1 << 126));
    cr_expect(cash == low);
}

Test(positions, the_workspace_shows_it)
{
    struct pw_holding h = {0};
    pw_i128 cash = 0;
    struct pw_position view;
    pw_holding_fill(&h, &cash, PW_BUY, 10 * E8, 3 * E8, E16);
    pw_holding_view(&h, 11 * E8, &view);
    cr_expect_eq(view.qty_e8, 3 * E8);
    cr_expect_eq(view.avg_price_e8, 10 * E8);
    cr_expect(pw_money_of_words(view.cost_e16) == 30 * E16);
    cr_expect(pw_money_of_words(view.unrealized_e16) == 2 * E16);
    cr_expect(pw_money_of_words(view.fees_e16) == E16);
    cr_expect_eq(view.buy_cnt, 1);
}

Test(positions, a_fee_in_the_base_asset_takes_of_the_quantity)
{
    struct pw_holding h = {0};
    pw_i128 cash = 0;
    pw_holding_fill(&h, &cash, PW_BUY, 1000 * E8, E8, 0);
    cr_assert(pw_holding_base_fee(&h, 1000 * E8, E8 / 1000));
    cr_expect_eq(h.qty_e8, E8 - E8 / 1000);
    cr_expect(h.cost_e16 == 1000 * E16);
    cr_expect(h.fees_e16 == E16, "0.001 at 1000");
    cr_expect(cash == -1000 * E16);
    cr_expect(pw_holding_unrealized_e16(&h, 1000 * E8) == -E16, "the fee is a loss from the start");
    pw_holding_fill(&h, &cash, PW_SELL, 1000 * E8, E8 - E8 / 1000, 0);
    cr_expect(h.realized_e16 == -E16);
    cr_expect(cash == -E16);
    cr_expect(h.qty_e8 == 0 && h.cost_e16 == 0);
}

Test(positions, a_fee_that_ends_a_holding_realizes_its_cost)
{
    struct pw_holding h = {0};
    pw_i128 cash = 0;
    pw_holding_fill(&h, &cash, PW_BUY, 10 * E8, 2, 7);
    cr_assert(pw_holding_base_fee(&h, 10 * E8, 2));
    cr_expect(h.qty_e8 == 0 && h.cost_e16 == 0 && h.entry_fees_e16 == 0);
    cr_expect(h.realized_e16 == -20 * E8 - 7);
    cr_expect(cash == h.realized_e16);
    cr_assert(pw_holding_base_fee(&h, 10 * E8, 3));
    cr_expect_eq(h.qty_e8, -3, "owed, at no cost");
    cr_expect(h.cost_e16 == 0 && h.realized_e16 == cash);
    cr_assert(pw_holding_base_fee(&h, 10 * E8, -5));
    cr_expect_eq(h.qty_e8, 2, "a rebate");

    struct pw_holding full = {.qty_e8 = INT64_MIN + 2}, before = full;
    cr_expect_not(pw_holding_base_fee(&full, E8, 2));
    cr_expect_not(pw_holding_base_fee(&full, E8, 3));
    cr_expect_eq(memcmp(&full, &before, sizeof full), 0);
}

/* Odd quantities, so that shares have to be rounded, many times over. */
Test(positions, nothing_is_lost_over_random_fills)
{
    for (uint64_t run = 1; run <= 50; run++) {
        uint64_t seed = run * UINT64_C(0x9e3779b97f4a7c15);
        struct pw_holding h = {0};
        pw_i128 cash = 0, paid = 0;
        int64_t qty_sum = 0;
        for (int i = 0; i < 2000; i++) {
            enum pw_side side = next_random(&seed) % 2 ? PW_SELL : PW_BUY;
            int64_t price = 1 + (int64_t)(next_random(&seed) % (100000 * E8));
            int64_t qty = 1 + (int64_t)(next_random(&seed) % (10 * E8));
            pw_i128 fee = pw_money_fee_e16(pw_money_notional_e16(price, qty), 123457);
            cr_assert(pw_holding_fill(&h, &cash, side, price, qty, fee));
            int64_t base_fee = next_random(&seed) % 4 ? 0 : (int64_t)(next_random(&seed) % 1000000) - 1000;
            cr_assert(pw_holding_base_fee(&h, price, base_fee));
            qty_sum += (side == PW_BUY ? qty : -qty) - base_fee;
            paid += pw_money_notional_e16(price, side == PW_BUY ? qty : -qty) + fee;

            cr_assert_eq(h.qty_e8, qty_sum, "run %llu", (unsigned long long)run);
            cr_assert(cash == -paid);
            cr_assert(cash == h.realized_e16 - h.cost_e16 - h.entry_fees_e16);
            int64_t mark = 1 + (int64_t)(next_random(&seed) % (100000 * E8));
            cr_assert(cash + pw_holding_value_e16(&h, mark) ==
                      h.realized_e16 + pw_holding_unrealized_e16(&h, mark));
        }
        /* Flat again: all is realized. */
        if (h.qty_e8 != 0) {
            int64_t rest = h.qty_e8 < 0 ? -h.qty_e8 : h.qty_e8;
            cr_assert(pw_holding_fill(&h, &cash, h.qty_e8 < 0 ? PW_BUY : PW_SELL, 777 * E8, rest, 0));
        }
        cr_assert(h.cost_e16 == 0 && h.entry_fees_e16 == 0);
        cr_assert(cash == h.realized_e16);
    }
}

/* ---- the portfolio ---- */

static struct pw_portfolio *make_portfolio(uint32_t instrument_cnt, pw_i128 cash)
{
    void *memory = aligned_alloc(64, pw_portfolio_bytes(instrument_cnt));
    memset(memory, 0, pw_portfolio_bytes(instrument_cnt));
    return pw_portfolio_init(memory, instrument_cnt, cash);
}

Test(portfolio, equity_is_cash_and_holdings_at_their_marks)
{
    struct pw_portfolio *p = make_portfolio(2, 1000 * E16);
    cr_assert(pw_portfolio_fill(p, 0, PW_BUY, 10 * E8, 2 * E8, E16));
    cr_assert(pw_portfolio_fill(p, 1, PW_SELL, 50 * E8, 1 * E8, E16));
    cr_expect(p->cash_e16 == 1028 * E16);
    cr_expect(p->short_cost_e16 == 50 * E16);
    cr_expect(pw_portfolio_equity_e16(p) == 1000 * E16, "without quotes they count at what they cost");
    pw_portfolio_quote(p, 0, 12 * E8, 13 * E8);
    pw_portfolio_quote(p, 1, 40 * E8, 41 * E8);
    cr_expect(pw_portfolio_equity_e16(p) == (1028 + 24 - 41) * E16);
    pw_portfolio_quote(p, 0, 0, 14 * E8);
    cr_expect(pw_portfolio_equity_e16(p) == (1028 + 24 - 41) * E16, "a vanished bid leaves the last mark");
    cr_assert(pw_portfolio_fill(p, 1, PW_BUY, 40 * E8, 1 * E8, 0));
    cr_expect(p->short_cost_e16 == 0);
    free(p);
}

Test(portfolio, a_fee_in_the_base_asset_leaves_the_cash)
{
    struct pw_portfolio *p = make_portfolio(1, 1000 * E16);
    struct pw_position view;
    cr_assert(pw_portfolio_fill(p, 0, PW_BUY, 10 * E8, 2 * E8, 0));
    pw_portfolio_view(p, 0, &view);
    cr_assert(pw_portfolio_base_fee(p, 0, 10 * E8, E8 / 10));
    cr_expect(p->cash_e16 == 980 * E16);
    cr_assert(pw_portfolio_view(p, 0, &view));
    cr_expect_eq(view.qty_e8, 2 * E8 - E8 / 10);
    cr_expect(pw_money_of_words(view.fees_e16) == E16);
    pw_portfolio_quote(p, 0, 10 * E8, 11 * E8);
    cr_expect(pw_portfolio_equity_e16(p) == 999 * E16);
    cr_assert(pw_portfolio_fill(p, 0, PW_SELL, 10 * E8, 2 * E8, 0)); /* a tenth more than there is */
    cr_expect(p->short_cost_e16 == E16);
    cr_assert(pw_portfolio_base_fee(p, 0, 10 * E8, -E8 / 10));
    cr_expect(p->short_cost_e16 == 0, "gone with the short");
    cr_expect(pw_portfolio_equity_e16(p) == p->cash_e16);
    free(p);
}

Test(portfolio, a_holding_is_shown_when_it_or_its_mark_has_changed)
{
    struct pw_portfolio *p = make_portfolio(1, 0);
    struct pw_position view;
    cr_expect(pw_portfolio_view(p, 0, &view), "once at the start");
    cr_expect_not(pw_portfolio_view(p, 0, &view));
    pw_portfolio_quote(p, 0, 1, 2);
    cr_expect_not(pw_portfolio_view(p, 0, &view), "flat: a quote changes nothing");
    cr_assert(pw_portfolio_fill(p, 0, PW_BUY, E8, E8, 0));
    cr_expect(pw_portfolio_view(p, 0, &view));
    pw_portfolio_quote(p, 0, 3, 4);
    cr_expect(pw_portfolio_view(p, 0, &view));
    free(p);
}
