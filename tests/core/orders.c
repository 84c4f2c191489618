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

/* Trade ids of the venue: each call a new one. */
static uint64_t g_trade_id;

static struct pw_report report(uint64_t id, enum pw_exec_type exec_type, int64_t fill)
{
    return (struct pw_report){.client_order_id = id,
                              .trade_id = ++g_trade_id,
                              .fill_qty_e8 = fill,
                              .recv_ns = 1000,
                              .exec_type = (uint8_t)exec_type,
                              .has_trade_id = exec_type == PW_EXEC_FILL};
}

static enum pw_order_step tell(struct pw_orders *orders, uint64_t id, enum pw_exec_type exec_type,
                               int64_t fill)
{
    struct pw_order_row *row;
    struct pw_report told = report(id, exec_type, fill);
    return pw_orders_apply(orders, &told, &row);
}

static enum pw_order_step tell_executed(struct pw_orders *orders, uint64_t id, enum pw_exec_type exec_type,
                                        int64_t fill, int64_t executed)
{
    struct pw_order_row *row;
    struct pw_report told = report(id, exec_type, fill);
    told.executed_qty_e8 = executed;
    return pw_orders_apply(orders, &told, &row);
}

/* ---- the state machine ---- */

/* The reports that bring an order of 10 into a state, each a letter of `letters`. */
static const char letters[] = "sarfcCxupPReTDoFn";

static enum pw_order_step tell_letter(struct pw_orders *orders, uint64_t id, char letter, int64_t fill)
{
    enum pw_exec_type exec_type = (enum pw_exec_type)(strchr(letters, letter) - letters);
    return tell(orders, id, exec_type, letter == 'f' ? fill : 0);
}

/* What each exec type must do to each way of being in a state: one letter per type, in the order of `letters`
 * (sent, ack, reject, fill of 2, cancel sent, canceled, cancel refused, cancel unknown, replace sent,
 * replaced, replace refused, expired, time-out, disconnect, found open, found filled, not found).
 * .: illegal; =: nothing new; k: a change in the same state; else the state after it:
 * I in flight, O open, P partially filled, F filled, C canceled, R rejected, c pending cancel,
 * p pending replace, r replaced, E expired, U unknown. */
static const struct {
    const char *way, *answers;
    enum pw_order_state state;
} table[] = {
    /*        sarfcCxupPReTDoFn */
    {"", ".ORPcC=U.r=EUUOU=", PW_ORDER_IN_FLIGHT},
    {"a", ".=.PcC=Upr=E=U=UU", PW_ORDER_OPEN},
    {"af", ".=.kcC=Upr=E=U=UU", PW_ORDER_PARTIALLY_FILLED},
    {"c", ".kRk=CIU.r=EUUkUU", PW_ORDER_PENDING_CANCEL},
    {"ac", ".=.k=COU.r=EUU=UU", PW_ORDER_PENDING_CANCEL},
    {"afc", ".=.k=CPU.r=EUU=UU", PW_ORDER_PENDING_CANCEL},
    {"ap", ".=.kkC=U.rOEUU=UU", PW_ORDER_PENDING_REPLACE},
    {"afp", ".=.kkC=U.rPEUU=UU", PW_ORDER_PENDING_REPLACE},
    {"apc", ".=.kkCkU.rcEUU=UU", PW_ORDER_PENDING_REPLACE},
    {"T", ".ORPkC==.r=E=kOkR", PW_ORDER_UNKNOWN},
    {"D", ".kRkkC==.r=E==OkR", PW_ORDER_UNKNOWN},
    {"cT", ".kRkkCkk.r=E=kOkR", PW_ORDER_UNKNOWN},
    {"cu", ".kRkkC==.r=E==OkR", PW_ORDER_UNKNOWN},
    {"aD", ".=.kkC==.r=E==Ok=", PW_ORDER_UNKNOWN},
    {"afD", ".=.kkC==.r=E==Pk=", PW_ORDER_UNKNOWN},
    {"afcT", ".=.kkCkk.r=E=kPk=", PW_ORDER_UNKNOWN},
    {"apT", ".=.kkC==.r=E=kOk=", PW_ORDER_UNKNOWN},
    {"aF", ".=.k====.========", PW_ORDER_UNKNOWN}, /* filled, says a query; the fills are owed */
    {"aC", ".=.k====.======U=", PW_ORDER_CANCELED},
    {"ae", ".=.k====.======U=", PW_ORDER_EXPIRED},
    {"apP", ".=.k====.======U=", PW_ORDER_REPLACED},
    {"r", ".U=U====..====UU=", PW_ORDER_REJECTED},
    {"Tn", ".U=U====..====UU=", PW_ORDER_REJECTED},
};

static const char state_letters[] = "-IOPFCRDcprEU";

static struct pw_order_row *bring(struct pw_orders *orders, const char *way)
{
    struct pw_order_row *row = add(orders, 10);
    for (; *way != '\0'; way++) {
        enum pw_order_step step = tell_letter(orders, row->client_order_id, *way, 2);
        cr_assert(step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP);
    }
    return row;
}

static void check_answer(const char *way, enum pw_order_state state, char letter, char wanted)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, way);
    cr_assert_eq(row->state, state, "way '%s'", way);
    struct pw_order_row before = *row;
    int64_t open_before = orders->open[0].buy_e8;
    uint64_t counted = orders->illegal_cnt + orders->duplicate_cnt;
    enum pw_order_step step = tell_letter(orders, row->client_order_id, letter, 2);
    enum pw_order_step expected = wanted == '.'   ? PW_ORDER_STEP_ILLEGAL
                                  : wanted == '=' ? PW_ORDER_STEP_SAME
                                  : wanted == 'k' ? PW_ORDER_STEP_KEEP
                                                  : PW_ORDER_STEP_MOVE;
    cr_expect_eq(step, expected, "way '%s', exec type '%c': %d", way, letter, step);
    if (wanted == '.' || wanted == '=') {
        cr_expect_eq(memcmp(&before, row, sizeof before), 0, "way '%s', exec type '%c'", way, letter);
        cr_expect_eq(orders->open[0].buy_e8, open_before);
        cr_expect_eq(orders->illegal_cnt + orders->duplicate_cnt, counted + 1);
    } else {
        unsigned after = wanted == 'k' ? state : (unsigned)(strchr(state_letters, wanted) - state_letters);
        cr_expect_eq(row->state, after, "way '%s', exec type '%c': %u", way, letter, row->state);
        cr_expect_eq(row->leaves_qty_e8, before.leaves_qty_e8 - (letter == 'f' ? 2 : 0));
    }
    cr_expect_eq(orders->open[0].buy_e8, row->risk_qty_e8);
    cr_expect_eq(orders->open_cnt, !pw_order_is_closed(row->state));
    free(orders);
}

Test(orders, every_state_has_an_answer_to_every_exec_type)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cr_assert_eq(strlen(table[i].answers), PW_EXEC_TYPES);
        for (unsigned exec_type = 0; exec_type < PW_EXEC_TYPES; exec_type++) {
            check_answer(table[i].way, table[i].state, letters[exec_type], table[i].answers[exec_type]);
        }
    }
}

Test(orders, a_filled_order_is_changed_by_nothing)
{
    static const char answers[] = ".=..=.==..=.=====";
    for (unsigned exec_type = 0; exec_type < PW_EXEC_TYPES; exec_type++) {
        struct pw_orders *orders = make(4, 1);
        struct pw_order_row *row = add(orders, 10);
        tell(orders, row->client_order_id, PW_EXEC_FILL, 10);
        cr_assert_eq(row->state, PW_ORDER_FILLED);
        struct pw_order_row before = *row;
        enum pw_order_step step = tell_letter(orders, row->client_order_id, letters[exec_type], 2);
        cr_expect_eq(step, answers[exec_type] == '.' ? PW_ORDER_STEP_ILLEGAL : PW_ORDER_STEP_SAME,
                     "exec type %u", exec_type);
        cr_expect_eq(memcmp(&before, row, sizeof before), 0, "exec type %u", exec_type);
        free(orders);
    }
}

Test(orders, an_order_is_never_sent_twice)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pw_orders *orders = make(4, 1);
        struct pw_order_row *row = bring(orders, table[i].way), again = *row;
        cr_expect_eq(tell(orders, row->client_order_id, PW_EXEC_SENT, 0), PW_ORDER_STEP_ILLEGAL);
        cr_expect_null(pw_orders_add(orders, &again));
        free(orders);
    }
}

Test(orders, impossible_numbers_change_nothing)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "af"), before = *row;
    uint64_t id = row->client_order_id;
    cr_expect_eq(tell(orders, id, PW_EXEC_FILL, 9), PW_ORDER_STEP_ILLEGAL, "more than is left");
    cr_expect_eq(tell(orders, id, PW_EXEC_FILL, 0), PW_ORDER_STEP_ILLEGAL);
    cr_expect_eq(tell(orders, id, PW_EXEC_FILL, -1), PW_ORDER_STEP_ILLEGAL);
    cr_expect_eq(tell(orders, id, PW_EXEC_CANCELED, 1), PW_ORDER_STEP_ILLEGAL, "a fill that is none");
    cr_expect_eq(tell_executed(orders, id, PW_EXEC_CANCELED, 0, 11), PW_ORDER_STEP_ILLEGAL);
    cr_expect_eq(tell_executed(orders, id, PW_EXEC_CANCELED, 0, -1), PW_ORDER_STEP_ILLEGAL);
    for (unsigned exec_type = PW_EXEC_TYPES; exec_type < 256; exec_type++) {
        cr_expect_eq(tell(orders, id, (enum pw_exec_type)exec_type, 0), PW_ORDER_STEP_ILLEGAL);
    }
    cr_expect_eq(memcmp(&before, row, sizeof before), 0);
    free(orders);
}

Test(orders, reports_of_an_unknown_order_are_counted)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_report told = report(99, PW_EXEC_FILL, 1);
    struct pw_order_row *row;
    cr_expect_eq(pw_orders_apply(orders, &told, &row), PW_ORDER_STEP_ILLEGAL);
    cr_expect_null(row);
    cr_expect_eq(orders->unknown_cnt, 1);
    free(orders);
}

/* ---- fills ---- */

Test(orders, a_fill_that_comes_twice_is_booked_once)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "a"), *same;
    struct pw_report fill = report(row->client_order_id, PW_EXEC_FILL, 4);
    cr_expect_eq(pw_orders_apply(orders, &fill, &same), PW_ORDER_STEP_MOVE);
    cr_expect_eq(pw_orders_apply(orders, &fill, &same), PW_ORDER_STEP_SAME);
    cr_expect_eq(row->leaves_qty_e8, 6);
    tell(orders, row->client_order_id, PW_EXEC_CANCELED, 0);
    cr_expect_eq(pw_orders_apply(orders, &fill, &same), PW_ORDER_STEP_SAME, "also when it is closed");
    cr_expect_eq(row->leaves_qty_e8, 6);
    free(orders);
}

/* cases/34-reports-that-contradict-their-order: a trade that was booked comes again, as something else. */
Test(orders, a_trade_is_of_one_fill_of_one_side)
{
    struct pw_orders *orders = make(8, 2);
    struct pw_order_row *row = bring(orders, "a"), *same, *buys = add(orders, 10);
    struct pw_report fill = report(row->client_order_id, PW_EXEC_FILL, 4), other = fill;
    cr_expect_eq(pw_orders_apply(orders, &fill, &same), PW_ORDER_STEP_MOVE);
    other.fill_qty_e8 = 3;
    cr_expect_eq(pw_orders_apply(orders, &other, &same), PW_ORDER_STEP_ILLEGAL, "another quantity");
    other = fill;
    other.fill_price_e8++;
    cr_expect_eq(pw_orders_apply(orders, &other, &same), PW_ORDER_STEP_ILLEGAL, "another price");
    other = fill;
    other.client_order_id = buys->client_order_id;
    cr_expect_eq(pw_orders_apply(orders, &other, &same), PW_ORDER_STEP_ILLEGAL, "another order's");
    cr_expect_eq(buys->leaves_qty_e8, 10);
    for (uint16_t instrument_idx = 0; instrument_idx < 2; instrument_idx++) {
        struct pw_order_row wanted = *buys;
        wanted.client_order_id = pw_orders_take_id(orders);
        wanted.instrument_idx = instrument_idx;
        wanted.side = instrument_idx == 0 ? PW_SELL : PW_BUY;
        other.client_order_id = pw_orders_add(orders, &wanted)->client_order_id;
        cr_expect_eq(pw_orders_apply(orders, &other, &same), PW_ORDER_STEP_MOVE,
                     "the other side of a trade with oneself; a trade in another instrument");
    }
    cr_expect_eq(pw_orders_apply(orders, &fill, &same), PW_ORDER_STEP_SAME);
    cr_expect_eq(row->leaves_qty_e8, 6);
    free(orders);
}

/* A query's answer that was on its way when a fill was told: cases/34-reports-that-contradict-their-order */
Test(orders, an_answer_that_counts_less_than_was_booked_settles_nothing)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "af"), *same;
    struct pw_report found = report(row->client_order_id, PW_EXEC_FOUND_OPEN, 0);
    tell(orders, row->client_order_id, PW_EXEC_DISCONNECT, 0);
    cr_assert_eq(row->state, PW_ORDER_UNKNOWN);
    found.terms.said = 1u << PW_TERM_EXECUTED;
    cr_expect_eq(pw_orders_apply(orders, &found, &same), PW_ORDER_STEP_SAME);
    cr_expect_eq(row->state, PW_ORDER_UNKNOWN);
    found.executed_qty_e8 = 2;
    cr_expect_eq(pw_orders_apply(orders, &found, &same), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_PARTIALLY_FILLED);
    free(orders);
}

Test(orders, fills_without_an_id_are_all_new)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "a"), *same;
    struct pw_report fill = report(row->client_order_id, PW_EXEC_FILL, 4);
    fill.has_trade_id = false;
    pw_orders_apply(orders, &fill, &same);
    pw_orders_apply(orders, &fill, &same);
    cr_expect_eq(row->leaves_qty_e8, 2);
    free(orders);
}

Test(orders, a_fill_after_the_cancellation_is_booked)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "acC");
    cr_expect_eq(tell(orders, row->client_order_id, PW_EXEC_FILL, 4), PW_ORDER_STEP_KEEP);
    cr_expect_eq(row->leaves_qty_e8, 6);
    cr_expect_eq(orders->late_cnt, 1);
    cr_expect_eq(orders->open[0].buy_e8, 0, "what is left of it counts no more");
    cr_expect_eq(tell(orders, row->client_order_id, PW_EXEC_FILL, 6), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_FILLED);
    cr_expect_eq(orders->open_cnt, 0);
    free(orders);
}

Test(orders, an_end_waits_for_the_fills_that_it_names)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "afc");
    uint64_t id = row->client_order_id;
    cr_expect_eq(tell_executed(orders, id, PW_EXEC_CANCELED, 0, 5), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_UNKNOWN);
    cr_expect_eq(pw_order_owed_e8(row), 3);
    cr_expect_eq(orders->open[0].buy_e8, 3, "what is owed, and no more, may still come");
    cr_expect_eq(tell(orders, id, PW_EXEC_FILL, 1), PW_ORDER_STEP_KEEP);
    cr_expect_eq(orders->open[0].buy_e8, 2);
    cr_expect_eq(tell(orders, id, PW_EXEC_FILL, 2), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_CANCELED);
    cr_expect_eq(row->leaves_qty_e8, 5);
    cr_expect(orders->hold_e16[0] == 0);
    free(orders);
}

Test(orders, a_second_word_on_the_end_may_name_more_fills)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "aC");
    uint64_t id = row->client_order_id;
    cr_expect_eq(tell_executed(orders, id, PW_EXEC_CANCELED, 0, 4), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_UNKNOWN);
    cr_expect_eq(orders->open[0].buy_e8, 4);
    cr_expect_eq(tell_executed(orders, id, PW_EXEC_CANCELED, 0, 6), PW_ORDER_STEP_KEEP);
    cr_expect_eq(orders->open[0].buy_e8, 6);
    cr_expect_eq(tell(orders, id, PW_EXEC_FILL, 6), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_CANCELED);
    cr_expect_eq(tell_executed(orders, id, PW_EXEC_FILL, 1, 10), PW_ORDER_STEP_MOVE,
                 "a late one names three more");
    cr_expect_eq(row->state, PW_ORDER_UNKNOWN);
    cr_expect_eq(orders->open[0].buy_e8, 3);
    cr_expect_eq(tell(orders, id, PW_EXEC_FILL, 3), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_FILLED);
    cr_expect_eq(orders->open[0].buy_e8, 0);
    free(orders);
}

Test(orders, an_order_not_found_is_closed_only_when_it_can_not_come_any_more)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row wanted = order(pw_orders_take_id(orders), 10), *same;
    wanted.valid_until_ns = 5000;
    struct pw_order_row *row = pw_orders_add(orders, &wanted);
    struct pw_report told = report(row->client_order_id, PW_EXEC_NOT_FOUND, 0);
    tell(orders, row->client_order_id, PW_EXEC_TIME_OUT, 0);
    told.recv_ns = 5000;
    cr_expect_eq(pw_orders_apply(orders, &told, &same), PW_ORDER_STEP_SAME);
    cr_expect_eq(orders->open[0].buy_e8, 10, "counted in full until then");
    told.recv_ns = 5001;
    cr_expect_eq(pw_orders_apply(orders, &told, &same), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_REJECTED);
    cr_expect_eq(orders->open[0].buy_e8, 0);
    free(orders);
}

Test(orders, a_refused_order_that_is_filled_counts_again)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = bring(orders, "Tn");
    cr_expect_eq(tell(orders, row->client_order_id, PW_EXEC_FILL, 4), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_UNKNOWN);
    cr_expect_eq(orders->open[0].buy_e8, 6);
    cr_expect(orders->hold_e16[0] == 60);
    cr_expect_eq(orders->open_cnt, 1);
    free(orders);
}

/* The memory of fills goes round: old ones are forgotten, none of the last is. */
Test(orders, the_last_fills_are_all_remembered)
{
    enum { ROWS = 2, KEPT = ROWS * PW_ORDER_FILLS_PER_ROW };
    struct pw_orders *orders = make(ROWS, 1);
    struct pw_order_row *row = add(orders, 100000), *same;
    struct pw_report fill = report(row->client_order_id, PW_EXEC_FILL, 1);
    for (uint64_t i = 0; i < 5000; i++) {
        fill.trade_id = i * i * 977;
        cr_assert_neq(pw_orders_apply(orders, &fill, &same), PW_ORDER_STEP_SAME);
        for (uint64_t k = i < KEPT ? 0 : i - KEPT + 1; k <= i; k++) {
            fill.trade_id = k * k * 977;
            cr_assert_eq(pw_orders_apply(orders, &fill, &same), PW_ORDER_STEP_SAME, "fill %d of %d", (int)k,
                         (int)i);
        }
    }
    cr_expect_eq(row->leaves_qty_e8, 95000);
    free(orders);
}

/* ---- replacing ---- */

Test(orders, a_replacement_and_what_it_replaces_both_count_until_the_answer)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *old = bring(orders, "af"), wanted = order(pw_orders_take_id(orders), 7);
    wanted.replaces_id = old->client_order_id;
    struct pw_order_row *new = pw_orders_replace(orders, &wanted);
    cr_assert_not_null(new);
    cr_expect_eq(old->state, PW_ORDER_PENDING_REPLACE);
    cr_expect_eq(orders->open[0].buy_e8, 8 + 7);
    tell_executed(orders, old->client_order_id, PW_EXEC_REPLACED, 0, 2);
    cr_expect_eq(old->state, PW_ORDER_REPLACED);
    cr_expect_eq(orders->open[0].buy_e8, 7);
    tell(orders, new->client_order_id, PW_EXEC_REJECT, 0);
    cr_expect_eq(orders->open[0].buy_e8, 0, "canceled, and the new one refused");
    free(orders);
}

Test(orders, a_replacement_that_fails_in_both_halves_leaves_the_order)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *old = bring(orders, "a"), wanted = order(pw_orders_take_id(orders), 7);
    wanted.replaces_id = old->client_order_id;
    struct pw_order_row *new = pw_orders_replace(orders, &wanted);
    tell(orders, new->client_order_id, PW_EXEC_REJECT, 0);
    tell(orders, old->client_order_id, PW_EXEC_REPLACE_REJECTED, 0);
    cr_expect_eq(old->state, PW_ORDER_OPEN);
    cr_expect_eq(orders->open[0].buy_e8, 10);
    free(orders);
}

Test(orders, only_an_order_that_is_open_and_alike_is_replaced)
{
    static const char *const ways[] = {"", "c", "ac", "T", "aD", "aC", "r"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct pw_orders *orders = make(4, 1);
        struct pw_order_row *old = bring(orders, ways[i]), wanted = order(pw_orders_take_id(orders), 7);
        wanted.replaces_id = old->client_order_id;
        cr_expect_null(pw_orders_replace(orders, &wanted), "way '%s'", ways[i]);
        free(orders);
    }
    struct pw_orders *orders = make(2, 1);
    struct pw_order_row *old = bring(orders, "a"), wanted = order(pw_orders_take_id(orders), 7);
    cr_expect_null(pw_orders_replace(orders, &wanted), "in no order's place");
    wanted.replaces_id = old->client_order_id;
    wanted.side = PW_SELL;
    cr_expect_null(pw_orders_replace(orders, &wanted));
    wanted.side = PW_BUY;
    wanted.instrument_idx = 1;
    cr_expect_null(pw_orders_replace(orders, &wanted));
    wanted.instrument_idx = 0;
    add(orders, 1);
    cr_expect_null(pw_orders_replace(orders, &wanted), "no row is free");
    cr_expect_eq(old->state, PW_ORDER_OPEN);
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
    orders->counter = PW_ORDER_DENIED_FIRST - 2;
    cr_expect_eq(pw_orders_take_id(orders), pw_order_id(3, PW_ORDER_DENIED_FIRST - 1));
    cr_expect_eq(pw_orders_take_id(orders), 0);
    cr_expect_eq(pw_orders_take_id(orders), 0);
    free(orders);
}

/* More denials than there are ids in a run, and the next order has the next id. */
Test(orders, denied_orders_use_up_no_ids)
{
    struct pw_orders *orders = make(4, 3);
    cr_expect_eq(pw_orders_take_id(orders), pw_order_id(3, 1));
    uint64_t last = 0;
    for (uint32_t i = 0; i < 1u << PW_ORDER_COUNTER_BITS; i++) {
        uint64_t id = pw_orders_deny_id(orders, pw_orders_take_id(orders));
        if (id == 0) {
            break;
        }
        cr_assert(id > last && pw_order_id_run(id) == 3 && pw_order_id_counter(id) >= PW_ORDER_DENIED_FIRST);
        last = id;
    }
    cr_expect_eq(last, pw_order_id(4, 0) - 1, "to the last one of the run");
    cr_expect_eq(pw_orders_deny_id(orders, pw_orders_take_id(orders)), 0);
    cr_expect_eq(pw_orders_take_id(orders), pw_order_id(3, 2));
    cr_expect_eq(pw_orders_deny_id(orders, 0), 0, "when there was none to take back");
    cr_expect_eq(pw_orders_take_id(orders), pw_order_id(3, 3));
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
    uint64_t ids[3];
    for (int i = 0; i < 3; i++) {
        ids[i] = add(orders, 10)->client_order_id;
    }
    cr_expect_null(add(orders, 10), "all are open");
    tell(orders, ids[1], PW_EXEC_FILL, 10);
    tell(orders, ids[0], PW_EXEC_CANCELED, 0);
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
        tell(orders, added.client_order_id, PW_EXEC_CANCELED, 0);
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
    uint64_t ids[4], sum = 0;
    for (int i = 0; i < 4; i++) {
        ids[i] = add(orders, 10)->client_order_id;
    }
    tell(orders, ids[0], PW_EXEC_REJECT, 0);
    tell(orders, ids[2], PW_EXEC_FILL, 1);
    pw_orders_each_open(orders, collect, &sum);
    cr_expect_eq(sum, ids[1] + ids[2] + ids[3]);
    free(orders);
}

Test(orders, a_fill_frees_its_share_of_the_held_cash)
{
    struct pw_orders *orders = make(4, 1);
    struct pw_order_row *row = add(orders, 10);
    cr_expect(orders->hold_e16[0] == 100);
    cr_expect_eq(orders->open[0].buy_e8, 10);
    tell(orders, row->client_order_id, PW_EXEC_FILL, 3);
    cr_expect(orders->hold_e16[0] == 70);
    cr_expect_eq(orders->open[0].buy_e8, 7);
    tell(orders, row->client_order_id, PW_EXEC_CANCELED, 0);
    cr_expect(orders->hold_e16[0] == 0);
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
    (row->side == PW_BUY ? sums->buy : sums->sell)[row->instrument_idx] += row->risk_qty_e8;
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
            enum pw_exec_type exec_type = (enum pw_exec_type)(next_random(&seed) % (PW_EXEC_TYPES + 1));
            struct pw_report told = report(pw_order_id(1, counter), exec_type, 0);
            told.fill_qty_e8 = exec_type == PW_EXEC_FILL ? (int64_t)(next_random(&seed) % 60) - 4 : 0;
            told.executed_qty_e8 = next_random(&seed) % 4 == 0 ? (int64_t)(next_random(&seed) % 60) : 0;
            struct pw_order_row *row;
            enum pw_order_step step = pw_orders_apply(orders, &told, &row);
            filled[counter] +=
                step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP ? told.fill_qty_e8 : 0;
            cr_assert_leq(filled[counter], ordered[counter]);
            cr_assert(!row || row->leaves_qty_e8 == ordered[counter] - filled[counter]);
        }
        struct sums sums = {0};
        pw_orders_each_open(orders, sum_up, &sums);
        cr_assert_eq(sums.cnt, orders->open_cnt);
        cr_assert(sums.hold == orders->hold_e16[0]);
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

/* ---- what the venue prevents: cases/20-prevented-quantity ---- */

static enum pw_order_step tell_prevented(struct pw_orders *orders, uint64_t id, enum pw_exec_type exec_type,
                                         int64_t fill, int64_t executed, int64_t prevented)
{
    struct pw_order_row *row;
    struct pw_report told = report(id, exec_type, fill);
    told.executed_qty_e8 = executed;
    told.prevented_qty_e8 = prevented;
    return pw_orders_apply(orders, &told, &row);
}

Test(orders, what_is_prevented_is_neither_left_nor_held)
{
    struct pw_orders *orders = make(8, 1);
    struct pw_order_row *row = add(orders, 100);
    uint64_t id = row->client_order_id;
    cr_expect_eq(tell_prevented(orders, id, PW_EXEC_ACK, 0, 0, 30), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_OPEN);
    cr_expect_eq(row->leaves_qty_e8, 70);
    cr_expect_eq(orders->open[0].buy_e8, 70);
    cr_expect_eq((int64_t)row->hold_e16, 700);
    cr_expect_eq(tell_prevented(orders, id, PW_EXEC_FILL, 20, 20, 30), PW_ORDER_STEP_MOVE);
    cr_expect_eq(tell_prevented(orders, id, PW_EXEC_ACK, 0, 20, 50), PW_ORDER_STEP_KEEP,
                 "in all, not once more");
    cr_expect_eq(tell_prevented(orders, id, PW_EXEC_ACK, 0, 20, 50), PW_ORDER_STEP_SAME);
    cr_expect_eq(row->leaves_qty_e8, 30);
    cr_expect_eq(pw_order_owed_e8(row), 0);
    cr_expect_eq(tell_prevented(orders, id, PW_EXEC_FILL, 40, 60, 50), PW_ORDER_STEP_ILLEGAL,
                 "more than is left");
    cr_expect_eq(tell_prevented(orders, id, PW_EXEC_FILL, 30, 50, 50), PW_ORDER_STEP_MOVE);
    cr_expect_eq(row->state, PW_ORDER_EXPIRED, "all of it is filled or prevented");
    cr_expect_eq(orders->open_cnt, 0);
    cr_expect_eq(orders->open[0].buy_e8, 0);
    cr_expect_eq((int64_t)orders->hold_e16[0], 0);
    free(orders);
}

Test(orders, an_order_of_which_the_rest_is_prevented_has_ended)
{
    static const enum pw_exec_type words[] = {PW_EXEC_ACK, PW_EXEC_FOUND_OPEN, PW_EXEC_FOUND_FILLED,
                                              PW_EXEC_EXPIRED, PW_EXEC_CANCELED};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (int owed = 0; owed < 2; owed++) { /* the fill's report came, or comes later */
            struct pw_orders *orders = make(8, 1);
            struct pw_order_row *row = add(orders, 100);
            uint64_t id = row->client_order_id;
            if (!owed) {
                tell_prevented(orders, id, PW_EXEC_FILL, 40, 40, 0);
            }
            cr_expect_eq(tell_prevented(orders, id, words[i], 0, 40, 60), PW_ORDER_STEP_MOVE, "%d", words[i]);
            if (owed) {
                cr_expect_eq(row->state, PW_ORDER_UNKNOWN);
                cr_expect_eq(orders->open[0].buy_e8, 40, "what is owed counts");
                tell_prevented(orders, id, PW_EXEC_FILL, 40, 40, 60);
            }
            cr_expect_eq(row->state, words[i] == PW_EXEC_CANCELED ? PW_ORDER_CANCELED : PW_ORDER_EXPIRED,
                         "%d", words[i]);
            cr_expect_eq(orders->open_cnt, 0);
            cr_expect_eq(orders->open[0].buy_e8, 0);
            free(orders);
        }
    }
}
