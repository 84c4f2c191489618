/* SPDX-License-Identifier: MIT
 *
 * Orders: every state with every report, ids, the table when it is full, and random traffic against plain
 * sums.
 */
#include "orders.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct pw_orders *make(uint32_t row_cnt, uint64_t run_id)
{
    size_t bytes = pw_orders_bytes(row_cnt, 2);
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    return pw_orders_init(memory, row_cnt, 2, run_id);
}

static struct pw_order_row order(uint64_t id, int64_t qty)
{
    return (struct pw_order_row){.client_order_id = id, .qty_e8 = qty, .hold_e16 = qty * 10, .side = PW_BUY};
}

static struct pw_order_row *add(struct pw_orders *orders, int64_t qty)
{
    struct pw_order_row row = order(pw_orders_take_id(orders), qty);
    return pw_orders_add(orders, &row);
}

/* ---- the state machine ---- */

/* Brings an order of 10 into a state. */
static struct pw_order_row *in_state(struct pw_orders *orders, enum pw_order_state state)
{
    struct pw_order_row *row = add(orders, 10), *same;
    switch (state) {
    case PW_ORDER_IN_FLIGHT:
        break;
    case PW_ORDER_PARTIALLY_FILLED:
        pw_orders_report(orders, row->client_order_id, state, 4, &same);
        break;
    case PW_ORDER_FILLED:
        pw_orders_report(orders, row->client_order_id, state, 10, &same);
        break;
    default:
        pw_orders_report(orders, row->client_order_id, state, 0, &same);
        break;
    }
    cr_assert_eq(row->state, state);
    return row;
}

/* What each report must do, written out state by state: m moves, s says nothing new, k is news in the same
 * state, a dot is illegal. Columns: none, in flight, open, partially filled, filled, canceled, rejected,
 * denied. */
static const struct {
    enum pw_order_state from;
    const char *without_fill, *with_fill, *with_all;
} table[] = {
    {PW_ORDER_IN_FLIGHT, ".sm..mm.", "...m.m..", "...mmm.."},
    {PW_ORDER_OPEN, ".ss..m..", "...m.m..", "...mmm.."},
    {PW_ORDER_PARTIALLY_FILLED, ".sss.m..", "...k.m..", "...kmm.."},
    {PW_ORDER_FILLED, ".ssss...", "........", "........"},
    {PW_ORDER_CANCELED, ".sss.s..", "........", "........"},
    {PW_ORDER_REJECTED, ".s....s.", "........", "........"},
};

static void check_step(enum pw_order_state from, unsigned to, int64_t fill, char wanted)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = in_state(orders, from), before = *row, *found;
    enum pw_order_step step =
        pw_orders_report(orders, row->client_order_id, (enum pw_order_state)to, fill, &found);
    cr_assert_eq(found, row);
    cr_expect_eq(step,
                 wanted == 'm'   ? PW_ORDER_STEP_MOVE
                 : wanted == 'k' ? PW_ORDER_STEP_KEEP
                 : wanted == 's' ? PW_ORDER_STEP_SAME
                                 : PW_ORDER_STEP_ILLEGAL,
                 "from %u to %u, filled %lld", from, to, (long long)fill);
    if (wanted == '.' || wanted == 's') {
        cr_expect_eq(row->state, before.state);
        cr_expect_eq(row->leaves_qty_e8, before.leaves_qty_e8);
        cr_expect_eq(orders->illegal_cnt, wanted == '.');
        cr_expect_eq(orders->duplicate_cnt, wanted == 's');
    } else {
        cr_expect_eq(row->leaves_qty_e8, before.leaves_qty_e8 - fill);
        cr_expect_eq(row->state, row->leaves_qty_e8 ? to : (unsigned)PW_ORDER_FILLED);
    }
    free(orders);
}

Test(orders, every_state_has_an_answer_to_every_report)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t left = table[i].from == PW_ORDER_PARTIALLY_FILLED ? 6 : 10;
        for (unsigned to = 0; to < PW_ORDER_STATES; to++) {
            check_step(table[i].from, to, 0, table[i].without_fill[to]);
            check_step(table[i].from, to, 2, table[i].with_fill[to]);
            check_step(table[i].from, to, left, table[i].with_all[to]);
            check_step(table[i].from, to, left + 1, '.');
            check_step(table[i].from, to, -1, '.');
        }
    }
}

Test(orders, the_state_machine_answers_any_numbers)
{
    for (unsigned from = 0; from < 300; from++) {
        for (unsigned to = 0; to < 300; to++) {
            enum pw_order_step step = pw_order_step(from, to, true);
            cr_assert(step == PW_ORDER_STEP_ILLEGAL || (from < PW_ORDER_STATES && to < PW_ORDER_STATES));
            pw_order_step(from, to, false);
        }
    }
}

Test(orders, a_report_of_an_unknown_order_is_counted)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row;
    cr_expect_eq(pw_orders_report(orders, 99, PW_ORDER_FILLED, 1, &row), PW_ORDER_STEP_ILLEGAL);
    cr_expect_null(row);
    cr_expect_eq(orders->unknown_cnt, 1);
    free(orders);
}

/* ---- ids ---- */

Test(orders, ids_of_different_runs_never_meet)
{
    cr_expect_eq(pw_order_id_run(pw_order_id(77, 5)), 77);
    cr_expect_eq(pw_order_id_counter(pw_order_id(77, 5)), 5);
    uint64_t last = (UINT64_C(1) << PW_ORDER_COUNTER_BITS) - 1;
    cr_expect_lt(pw_order_id(77, last), pw_order_id(78, 1));
    cr_expect_eq(pw_order_id_run(pw_order_id(PW_ORDER_RUN_MAX, last)), PW_ORDER_RUN_MAX);
}

Test(orders, a_run_that_has_used_all_ids_gets_no_more)
{
    struct pw_orders *orders = make(4, 3);
    orders->counter = (UINT64_C(1) << PW_ORDER_COUNTER_BITS) - 2;
    cr_expect_eq(pw_orders_take_id(orders), pw_order_id(3, (UINT64_C(1) << PW_ORDER_COUNTER_BITS) - 1));
    cr_expect_eq(pw_orders_take_id(orders), 0);
    cr_expect_eq(pw_orders_take_id(orders), 0);
    free(orders);
}

Test(orders, a_run_number_that_ids_cannot_hold_is_refused)
{
    size_t bytes = pw_orders_bytes(1, 1);
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    cr_expect_null(pw_orders_init(memory, 1, 1, PW_ORDER_RUN_MAX + 1));
    cr_expect_not_null(pw_orders_init(memory, 1, 1, PW_ORDER_RUN_MAX));
    free(memory);
}

/* ---- the table ---- */

Test(orders, malformed_orders_are_not_added)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row good = order(5, 10);
    struct pw_order_row rows[5];
    for (int i = 0; i < 5; i++) {
        rows[i] = good;
    }
    rows[0].client_order_id = 0;
    rows[1].qty_e8 = 0;
    rows[2].side = 2;
    rows[3].instrument_idx = 2;
    rows[4].hold_e16 = -1;
    for (int i = 0; i < 5; i++) {
        cr_expect_null(pw_orders_add(orders, &rows[i]));
    }
    cr_expect_not_null(pw_orders_add(orders, &good));
    cr_expect_null(pw_orders_add(orders, &good), "an id twice");
    good.client_order_id = 6;
    good.qty_e8 = INT64_MAX;
    cr_expect_null(pw_orders_add(orders, &good), "the open quantity would overflow");
    cr_expect_eq(orders->open_cnt, 1);
    free(orders);
}

Test(orders, a_full_table_forgets_the_order_that_closed_first)
{
    struct pw_orders *orders = make(3, 1);
    struct pw_order_row *row;
    uint64_t ids[3];
    for (int i = 0; i < 3; i++) {
        ids[i] = add(orders, 10)->client_order_id;
    }
    cr_expect_null(add(orders, 10), "all are open");
    pw_orders_report(orders, ids[1], PW_ORDER_FILLED, 10, &row);
    pw_orders_report(orders, ids[0], PW_ORDER_CANCELED, 0, &row);
    cr_expect_not_null(pw_orders_find(orders, ids[1]), "closed, but still known");
    cr_assert_not_null(add(orders, 10));
    cr_expect_null(pw_orders_find(orders, ids[1]));
    cr_expect_not_null(pw_orders_find(orders, ids[0]));
    cr_assert_not_null(add(orders, 10));
    cr_expect_null(pw_orders_find(orders, ids[0]));
    cr_expect_null(add(orders, 10));
    free(orders);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Ids without any order, so that the index has clusters; added, closed and forgotten over and over. */
Test(orders, every_order_of_the_table_is_found_by_its_id)
{
    enum { ROWS = 60 };
    struct pw_orders *orders = make(ROWS, 1);
    uint64_t seed = 4711, ids[ROWS];
    struct pw_order_row *row;
    for (uint32_t i = 0; i < 20000; i++) {
        struct pw_order_row added = order(next_random(&seed), 1);
        ids[i % ROWS] = added.client_order_id;
        cr_assert_not_null(pw_orders_add(orders, &added));
        pw_orders_report(orders, added.client_order_id, PW_ORDER_CANCELED, 0, &row);
        for (uint32_t k = 0; k < ROWS && k <= i; k++) {
            row = pw_orders_find(orders, ids[k]);
            cr_assert(row && row->client_order_id == ids[k], "order %u of %u", k, i);
        }
    }
    free(orders);
}

static void collect(void *state, const struct pw_order_row *row)
{
    *(uint64_t *)state += row->client_order_id;
}

Test(orders, only_open_orders_are_visited)
{
    struct pw_orders *orders = make(8, 1);
    struct pw_order_row *row;
    uint64_t ids[4], sum = 0;
    for (int i = 0; i < 4; i++) {
        ids[i] = add(orders, 10)->client_order_id;
    }
    pw_orders_report(orders, ids[0], PW_ORDER_REJECTED, 0, &row);
    pw_orders_report(orders, ids[2], PW_ORDER_PARTIALLY_FILLED, 1, &row);
    pw_orders_each_open(orders, collect, &sum);
    cr_expect_eq(sum, ids[1] + ids[2] + ids[3]);
    free(orders);
}

Test(orders, a_fill_frees_its_share_of_the_held_cash)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = add(orders, 10), *same;
    cr_expect(orders->hold_e16 == 100);
    cr_expect_eq(orders->open[0].buy_e8, 10);
    pw_orders_report(orders, row->client_order_id, PW_ORDER_PARTIALLY_FILLED, 3, &same);
    cr_expect(orders->hold_e16 == 70);
    cr_expect_eq(orders->open[0].buy_e8, 7);
    pw_orders_report(orders, row->client_order_id, PW_ORDER_CANCELED, 0, &same);
    cr_expect(orders->hold_e16 == 0);
    cr_expect_eq(orders->open[0].buy_e8, 0);
    cr_expect_eq(row->leaves_qty_e8, 7);
    free(orders);
}

struct sums {
    int64_t buy[2], sell[2];
    pw_i128 hold;
    uint32_t cnt;
};

static void sum_up(void *state, const struct pw_order_row *row)
{
    struct sums *sums = state;
    (row->side == PW_BUY ? sums->buy : sums->sell)[row->instrument_idx] += row->leaves_qty_e8;
    sums->hold += row->hold_e16;
    sums->cnt++;
}

/* Reports of all kinds, sensible and not, on all ids: no order is filled beyond its quantity, every fill
 * taken is counted once, and what is open is what the rows say. */
Test(orders, random_reports_never_break_the_sums)
{
    uint64_t seed = 20240809;
    struct pw_orders *orders = make(16, 1);
    int64_t *filled = calloc(100000, sizeof *filled), *ordered = calloc(100000, sizeof *ordered);
    for (int i = 0; i < 300000; i++) {
        if (next_random(&seed) % 4 == 0 && orders->counter < 99999) {
            struct pw_order_row row =
                order(pw_orders_take_id(orders), 1 + (int64_t)(next_random(&seed) % 50));
            row.side = next_random(&seed) % 2;
            row.instrument_idx = next_random(&seed) % 2;
            ordered[orders->counter] = row.qty_e8;
            pw_orders_add(orders, &row);
        } else if (orders->counter) {
            uint64_t back = next_random(&seed) % (orders->counter < 20 ? orders->counter : 20);
            uint64_t counter = orders->counter - back;
            int64_t fill = next_random(&seed) % 2 ? (int64_t)(next_random(&seed) % 60) - 4 : 0;
            struct pw_order_row *row;
            enum pw_order_step step = pw_orders_report(
                orders, pw_order_id(1, counter), (enum pw_order_state)(next_random(&seed) % 9), fill, &row);
            filled[counter] += step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP ? fill : 0;
            cr_assert_leq(filled[counter], ordered[counter]);
            cr_assert(!row || row->leaves_qty_e8 == ordered[counter] - filled[counter]);
        }
        struct sums sums = {0};
        pw_orders_each_open(orders, sum_up, &sums);
        cr_assert_eq(sums.cnt, orders->open_cnt);
        cr_assert(sums.hold == orders->hold_e16);
        for (int k = 0; k < 2; k++) {
            cr_assert_eq(sums.buy[k], orders->open[k].buy_e8);
            cr_assert_eq(sums.sell[k], orders->open[k].sell_e8);
        }
    }
    cr_expect_gt(orders->illegal_cnt, 0);
    cr_expect_gt(orders->duplicate_cnt, 0);
    free(filled);
    free(ordered);
    free(orders);
}
