/* SPDX-License-Identifier: MIT
 *
 * What reports do to an order: the state machine as a table, and its rules.
 */
#include "orders_private.h"
#include "pw_assert.h"

/* ---- the state machine ---- */

/* What a report means to a state. GO: to a state. */
enum rule {
    ILLEGAL = 0,
    SAME,
    KEEP,
    FILL,    /* booked: filled, partially filled, or what was pending stays so */
    LATE,    /* a fill of a closed order: booked, and it stays closed */
    RESTORE, /* nothing is pending any more: in flight, open, or partially filled, as is known of it */
    PROVE,   /* the venue has it, which settles a doubt about that alone */
    REOPEN,  /* closed by mistake: unknown */
    VANISH,  /* closed if it was never acknowledged and cannot come any more */
    CANCEL,  /* a cancellation goes out, the state stays */
    LOSE,    /* as unknown as before, and reports may be missing now */
    GO,
};
#define TO(state)   (GO + (state))
#define UNKNOWN     TO(PW_ORDER_UNKNOWN)
#define CANCELED    TO(PW_ORDER_CANCELED)
#define EXPIRED     TO(PW_ORDER_EXPIRED)
#define REPLACED    TO(PW_ORDER_REPLACED)
#define REJECTED    TO(PW_ORDER_REJECTED)
#define FILLED      TO(PW_ORDER_FILLED)
#define CANCELING   TO(PW_ORDER_PENDING_CANCEL)
#define REPLACING   TO(PW_ORDER_PENDING_REPLACE)
#define ENDED_STATE PW_ORDER_STATES /* a row of the table: UNKNOWN, but only for the fills that are owed */

/* From the state (row) by the exec type (column, in the order of enum pw_exec_type). */
/* clang-format off: a table is read by its columns */
static const uint8_t rules[PW_ORDER_STATES + 1][PW_EXEC_TYPES] = {
    /*                            sent     ack      reject    fill     cancel..  canceled  refused  unknown
       replace..  replaced  refused  expired  timeout  discon.  f.open   f.filled n.found */
    [PW_ORDER_NONE] = {0},
    [PW_ORDER_IN_FLIGHT] = {ILLEGAL, RESTORE, REJECTED, FILL, CANCELING, CANCELED, SAME, UNKNOWN, ILLEGAL,
                            REPLACED, SAME, EXPIRED, UNKNOWN, UNKNOWN, RESTORE, FILLED, SAME},
    [PW_ORDER_OPEN] = {ILLEGAL, SAME, ILLEGAL, FILL, CANCELING, CANCELED, SAME, UNKNOWN, REPLACING, REPLACED,
                       SAME, EXPIRED, SAME, UNKNOWN, SAME, FILLED, UNKNOWN},
    [PW_ORDER_PARTIALLY_FILLED] = {ILLEGAL, SAME, ILLEGAL, FILL, CANCELING, CANCELED, SAME, UNKNOWN,
                                   REPLACING, REPLACED, SAME, EXPIRED, SAME, UNKNOWN, SAME, FILLED, UNKNOWN},
    [PW_ORDER_FILLED] = {ILLEGAL, SAME, ILLEGAL, ILLEGAL, SAME, ILLEGAL, SAME, SAME, ILLEGAL, ILLEGAL, SAME,
                         ILLEGAL, SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_CANCELED] = {ILLEGAL, SAME, ILLEGAL, LATE, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME,
                           SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_REJECTED] = {ILLEGAL, REOPEN, SAME, REOPEN, SAME, SAME, SAME, SAME, ILLEGAL, ILLEGAL, SAME,
                           SAME, SAME, SAME, REOPEN, SAME, SAME},
    [PW_ORDER_DENIED] = {0},
    [PW_ORDER_PENDING_CANCEL] = {ILLEGAL, KEEP, REJECTED, FILL, SAME, CANCELED, RESTORE, UNKNOWN, ILLEGAL,
                                 REPLACED, SAME, EXPIRED, UNKNOWN, UNKNOWN, KEEP, FILLED, UNKNOWN},
    [PW_ORDER_PENDING_REPLACE] = {ILLEGAL, SAME, ILLEGAL, FILL, CANCEL, CANCELED, SAME, UNKNOWN, ILLEGAL,
                                  REPLACED, RESTORE, EXPIRED, UNKNOWN, UNKNOWN, SAME, FILLED, UNKNOWN},
    [PW_ORDER_REPLACED] = {ILLEGAL, SAME, ILLEGAL, LATE, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME,
                           SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_EXPIRED] = {ILLEGAL, SAME, ILLEGAL, LATE, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME,
                          SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_UNKNOWN] = {ILLEGAL, PROVE, REJECTED, FILL, CANCEL, CANCELED, SAME, SAME, ILLEGAL, REPLACED,
                          SAME, EXPIRED, SAME, LOSE, RESTORE, FILLED, VANISH},
    [ENDED_STATE] = {ILLEGAL, SAME, ILLEGAL, FILL, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME, SAME,
                     SAME, SAME, SAME, SAME},
};
/* clang-format on */

bool pw_orders_state_replaces(enum pw_order_state state)
{
    pw_assert(state < PW_ORDER_STATES);
    return rules[state][PW_EXEC_REPLACE_SENT] == REPLACING;
}

/* ---- the rules ---- */

static enum pw_order_step move(struct pw_order_row *row, enum pw_order_state state)
{
    pw_assert(state > PW_ORDER_NONE && state < PW_ORDER_STATES && state != PW_ORDER_DENIED);
    enum pw_order_step step = row->state == state ? PW_ORDER_STEP_KEEP : PW_ORDER_STEP_MOVE;
    row->state = (uint8_t)state;
    return step;
}

static enum pw_order_step close_row(struct pw_orders *orders, struct pw_order_row *row,
                                    enum pw_order_state state)
{
    pw_assert(!pw_order_is_closed(row->state));
    pw_orders_set_risk_qty(orders, row, 0);
    pw_assert(row->risk_qty_e8 == 0 && row->hold_e16 == 0); /* what falls never overflows */
    row->cancel_pending = false;
    row->end_state = PW_ORDER_NONE;
    pw_orders_close(orders, row);
    return move(row, state);
}

/* What an order has come to of which nothing is left: filled, if none of it was prevented. */
static enum pw_order_state whole_state(const struct pw_order_row *row)
{
    pw_assert(row->leaves_qty_e8 == 0);
    return row->prevented_qty_e8 == 0 ? PW_ORDER_FILLED : PW_ORDER_EXPIRED;
}

/* It has ended at the venue: closed here when no fill is owed. */
static enum pw_order_step end(struct pw_orders *orders, struct pw_order_row *row, enum pw_order_state state)
{
    int64_t owed_e8 = pw_order_owed_e8(row);
    pw_assert(pw_order_is_closed(state));
    pw_assert((uint64_t)owed_e8 <= (uint64_t)row->leaves_qty_e8);
    if (owed_e8 == 0) {
        bool whole = row->leaves_qty_e8 == 0 && (row->prevented_qty_e8 == 0 || state == PW_ORDER_FILLED);
        return close_row(orders, row, whole ? whole_state(row) : state);
    }
    pw_orders_set_risk_qty(orders, row, owed_e8);
    row->end_state = (uint8_t)state;
    return move(row, PW_ORDER_UNKNOWN);
}

/* A closed order that is open after all, or is owed fills. */
static enum pw_order_step reopen(struct pw_orders *orders, struct pw_order_row *row, int64_t risk_qty_e8,
                                 enum pw_order_state end_state)
{
    pw_assert(risk_qty_e8 > 0 && risk_qty_e8 <= row->leaves_qty_e8);
    if (!pw_orders_set_risk_qty(orders, row, risk_qty_e8)) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    pw_orders_reopen(orders, row);
    orders->late_cnt++;
    row->acked = row->reports_lost = true;
    row->end_state = (uint8_t)end_state;
    return move(row, PW_ORDER_UNKNOWN);
}

static enum pw_order_step restore(struct pw_order_row *row)
{
    pw_assert(!pw_order_is_closed(row->state) && row->end_state == PW_ORDER_NONE && row->leaves_qty_e8 > 0);
    return move(row, row->cancel_pending           ? PW_ORDER_PENDING_CANCEL
                     : !row->acked                 ? PW_ORDER_IN_FLIGHT
                     : pw_order_booked_e8(row) > 0 ? PW_ORDER_PARTIALLY_FILLED
                                                   : PW_ORDER_OPEN);
}

/* The venue has, or had, the order. If that was all that was in doubt, the doubt is over. */
static enum pw_order_step prove(struct pw_order_row *row)
{
    bool was_acked = row->acked;
    row->acked = true;
    return was_acked || row->cancel_pending || row->reports_lost ? PW_ORDER_STEP_KEEP : restore(row);
}

static void book(struct pw_orders *orders, struct pw_order_row *row, const struct pw_report *report)
{
    pw_assert(report->fill_qty_e8 > 0 && report->fill_qty_e8 <= row->leaves_qty_e8);
    pw_orders_fill_remember(orders, report);
    row->leaves_qty_e8 -= report->fill_qty_e8;
    int64_t booked_e8 = pw_order_booked_e8(row);
    bool is_later = report->has_trade_id && report->trade_id > row->last_trade_id;
    row->last_trade_id = is_later ? report->trade_id : row->last_trade_id;
    row->executed_qty_e8 = booked_e8 > row->executed_qty_e8 ? booked_e8 : row->executed_qty_e8;
    pw_assert(row->executed_qty_e8 <= row->qty_e8);
}

static enum pw_order_step fill_open(struct pw_orders *orders, struct pw_order_row *row,
                                    const struct pw_report *report)
{
    pw_assert(!pw_order_is_closed(row->state));
    book(orders, row, report);
    if (row->end_state != PW_ORDER_NONE) {
        return end(orders, row, row->end_state);
    }
    pw_orders_set_risk_qty(orders, row, row->leaves_qty_e8);
    if (row->leaves_qty_e8 == 0) {
        return close_row(orders, row, whole_state(row));
    }
    if (row->state == PW_ORDER_UNKNOWN) {
        return prove(row);
    }
    row->acked = true;
    bool pending = row->state == PW_ORDER_PENDING_CANCEL || row->state == PW_ORDER_PENDING_REPLACE;
    return pending ? PW_ORDER_STEP_KEEP : move(row, PW_ORDER_PARTIALLY_FILLED);
}

/* A fill of a closed order. What it says to be owed beyond itself is waited for. */
static enum pw_order_step fill_late(struct pw_orders *orders, struct pw_order_row *row,
                                    const struct pw_report *report)
{
    int64_t owed_e8 = pw_order_owed_e8(row) - report->fill_qty_e8;
    pw_assert(pw_order_is_closed(row->state) && row->risk_qty_e8 == 0);
    if (owed_e8 > 0 && reopen(orders, row, owed_e8, row->state) == PW_ORDER_STEP_ILLEGAL) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    orders->late_cnt += owed_e8 <= 0;
    book(orders, row, report);
    return owed_e8 > 0 ? PW_ORDER_STEP_MOVE
                       : move(row, row->leaves_qty_e8 == 0 && row->prevented_qty_e8 == 0 ? PW_ORDER_FILLED
                                                                                         : row->state);
}

/* One that was taken for refused is there, or was. */
static enum pw_order_step turn_up(struct pw_orders *orders, struct pw_order_row *row,
                                  const struct pw_report *report)
{
    int64_t left_e8 = row->leaves_qty_e8 - report->fill_qty_e8;
    pw_assert(row->state == PW_ORDER_REJECTED && left_e8 >= 0);
    if (left_e8 == 0) {
        return fill_late(orders, row, report);
    }
    enum pw_order_step step = reopen(orders, row, left_e8, PW_ORDER_NONE);
    if (step != PW_ORDER_STEP_ILLEGAL && report->fill_qty_e8 > 0) {
        book(orders, row, report);
    }
    return step;
}

static enum pw_order_step go(struct pw_orders *orders, struct pw_order_row *row,
                             const struct pw_report *report, enum pw_order_state state)
{
    row->cancel_pending |= state == PW_ORDER_PENDING_CANCEL;
    row->cancel_pending &= report->exec_type != PW_EXEC_CANCEL_UNKNOWN;
    row->reports_lost |= state == PW_ORDER_UNKNOWN && report->exec_type != PW_EXEC_TIME_OUT;
    return pw_order_is_closed(state) ? end(orders, row, state) : move(row, state);
}

/* What stays as it is, but for what was said on the side. */
static enum pw_order_step stay(struct pw_orders *orders, struct pw_order_row *row,
                               const struct pw_report *report, bool more_executed)
{
    bool answered = row->cancel_pending && (report->exec_type == PW_EXEC_CANCEL_REJECTED ||
                                            report->exec_type == PW_EXEC_CANCEL_UNKNOWN);
    row->cancel_pending &= !answered;
    if (pw_order_is_closed(row->state) && pw_order_owed_e8(row) > 0) {
        return reopen(orders, row, pw_order_owed_e8(row), row->state);
    }
    if (row->end_state != PW_ORDER_NONE && more_executed) {
        pw_orders_set_risk_qty(orders, row, pw_order_owed_e8(row));
    }
    return answered || more_executed ? PW_ORDER_STEP_KEEP : PW_ORDER_STEP_SAME;
}

static bool is_outdated(const struct pw_order_row *row, const struct pw_report *report)
{
    return report->exec_type == PW_EXEC_FOUND_OPEN && report->terms.said >> PW_TERM_EXECUTED & 1 &&
           report->executed_qty_e8 < pw_order_booked_e8(row);
}

/* What was pending was answered, or a query says that the order is there as it was. */
static enum pw_order_step settle(struct pw_order_row *row, enum pw_exec_type exec_type)
{
    row->acked |= exec_type == PW_EXEC_ACK || exec_type == PW_EXEC_FOUND_OPEN;
    row->cancel_pending &= exec_type != PW_EXEC_CANCEL_REJECTED && exec_type != PW_EXEC_FOUND_OPEN;
    row->reports_lost &= exec_type != PW_EXEC_FOUND_OPEN;
    return restore(row);
}

static enum pw_order_step obey(struct pw_orders *orders, struct pw_order_row *row,
                               const struct pw_report *report, unsigned rule, bool more_executed)
{
    switch (rule) {
    case SAME:
        return stay(orders, row, report, more_executed);
    case KEEP:
        if (row->acked) {
            return stay(orders, row, report, more_executed);
        }
        row->acked = true;
        return PW_ORDER_STEP_KEEP;
    case FILL:
        return fill_open(orders, row, report);
    case LATE:
        return fill_late(orders, row, report);
    case RESTORE:
        return is_outdated(row, report) ? stay(orders, row, report, more_executed)
                                        : settle(row, report->exec_type);
    case PROVE:
        return row->acked ? stay(orders, row, report, more_executed) : prove(row);
    case REOPEN:
        return turn_up(orders, row, report);
    case VANISH:
        return row->acked || row->executed_qty_e8 > 0 || report->recv_ns <= row->valid_until_ns
                   ? PW_ORDER_STEP_SAME
                   : close_row(orders, row, PW_ORDER_REJECTED);
    case CANCEL:
        row->cancel_pending = true;
        return PW_ORDER_STEP_KEEP;
    case LOSE:
        if (row->reports_lost) {
            return PW_ORDER_STEP_SAME;
        }
        row->reports_lost = true;
        return PW_ORDER_STEP_KEEP;
    default:
        return go(orders, row, report, (enum pw_order_state)(rule - GO));
    }
}

/* What the venue has taken of it, after this report. */
static int64_t prevented_after(const struct pw_order_row *row, const struct pw_report *report)
{
    return report->prevented_qty_e8 > row->prevented_qty_e8 ? report->prevented_qty_e8
                                                            : row->prevented_qty_e8;
}

/* The venue's count of what was filled, after this report; prevented_e8: prevented_after it. */
static int64_t executed_after(const struct pw_order_row *row, const struct pw_report *report,
                              int64_t prevented_e8)
{
    int64_t executed_e8 =
        report->exec_type == PW_EXEC_FOUND_FILLED ? row->qty_e8 - prevented_e8 : report->executed_qty_e8;
    return executed_e8 > row->executed_qty_e8 ? executed_e8 : row->executed_qty_e8;
}

/* What the numbers contradict, whatever the state. */
static bool is_possible(const struct pw_order_row *row, const struct pw_report *report, int64_t executed_e8,
                        int64_t prevented_e8)
{
    bool fill = report->exec_type == PW_EXEC_FILL;
    return report->exec_type < PW_EXEC_TYPES && (fill ? report->fill_qty_e8 > 0 : report->fill_qty_e8 == 0) &&
           report->executed_qty_e8 >= 0 && report->prevented_qty_e8 >= 0 &&
           report->prevented_qty_e8 <= row->qty_e8 && executed_e8 <= row->qty_e8 - prevented_e8;
}

/* Takes from what is left; a fill of the same report comes after it. Never less than nothing, nor than what
 * is owed: that was made sure of. */
static bool prevent(struct pw_orders *orders, struct pw_order_row *row, int64_t prevented_e8)
{
    int64_t more_e8 = prevented_e8 - row->prevented_qty_e8;
    if (more_e8 == 0) {
        return false;
    }
    row->prevented_qty_e8 = prevented_e8;
    row->leaves_qty_e8 -= more_e8;
    pw_assert(more_e8 > 0 && row->leaves_qty_e8 >= 0 && pw_order_owed_e8(row) <= row->leaves_qty_e8);
    if (row->risk_qty_e8 > row->leaves_qty_e8 && row->leaves_qty_e8 > 0) {
        pw_orders_set_risk_qty(orders, row, row->leaves_qty_e8);
    }
    return true;
}

/* An open order of which nothing is left but what is owed has ended, whatever the report calls it. */
static unsigned rule_of_the_rest(const struct pw_order_row *row, unsigned rule)
{
    if (row->prevented_qty_e8 == 0 || row->leaves_qty_e8 != pw_order_owed_e8(row)) {
        return rule;
    }
    bool open = !pw_order_is_closed(row->state) && row->end_state == PW_ORDER_NONE;
    bool goes_on = rule != FILL && (rule < GO || !pw_order_is_closed((enum pw_order_state)(rule - GO)));
    return open && goes_on ? EXPIRED : rule;
}

/* Who it is at the venue, as far as a report that was taken says so. */
static void note_id(struct pw_order_row *row, const struct pw_report *report)
{
    if (report->terms.said >> PW_TERM_VENUE_ORDER_ID & 1 && row->venue_order_id == 0) {
        row->venue_order_id = report->terms.venue_order_id;
    }
}

static enum pw_order_step take(struct pw_orders *orders, struct pw_order_row *row,
                               const struct pw_report *report)
{
    int64_t prevented_e8 = prevented_after(row, report);
    int64_t executed_e8 = executed_after(row, report, prevented_e8);
    if (!is_possible(row, report, executed_e8, prevented_e8)) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    pw_assert(row->end_state == PW_ORDER_NONE || row->state == PW_ORDER_UNKNOWN);
    unsigned rule = rules[row->end_state != PW_ORDER_NONE ? ENDED_STATE : row->state][report->exec_type];
    enum pw_fill_seen seen =
        report->exec_type == PW_EXEC_FILL ? pw_orders_fill_seen(orders, row, report) : PW_FILL_NEW;
    if (seen == PW_FILL_KNOWN) {
        rule = SAME;
    } else if (seen == PW_FILL_CONTRADICTS ||
               report->fill_qty_e8 > row->leaves_qty_e8 - (prevented_e8 - row->prevented_qty_e8) ||
               (rule == REJECTED && (row->acked || executed_e8 > 0 || row->leaves_qty_e8 < row->qty_e8))) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    if (rule == ILLEGAL) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    struct pw_order_row before = *row;
    row->executed_qty_e8 = executed_e8;
    bool more = prevent(orders, row, prevented_e8) || executed_e8 > before.executed_qty_e8;
    enum pw_order_step step = obey(orders, row, report, rule_of_the_rest(row, rule), more);
    if (step == PW_ORDER_STEP_ILLEGAL) { /* of a closed order, which holds nothing */
        row->executed_qty_e8 = before.executed_qty_e8;
        row->prevented_qty_e8 = before.prevented_qty_e8;
        row->leaves_qty_e8 = before.leaves_qty_e8;
    } else {
        note_id(row, report);
    }
    pw_assert(row->risk_qty_e8 <= row->leaves_qty_e8);
    pw_assert((row->risk_qty_e8 == 0) == pw_order_is_closed(row->state));
    return step;
}

enum pw_order_step pw_orders_apply_to(struct pw_orders *orders, struct pw_order_row *row,
                                      const struct pw_report *report)
{
    pw_assert(row->client_order_id == report->client_order_id);
    enum pw_order_step step = take(orders, row, report);
    orders->illegal_cnt += step == PW_ORDER_STEP_ILLEGAL;
    orders->duplicate_cnt += step == PW_ORDER_STEP_SAME;
    return step;
}

enum pw_order_step pw_orders_apply(struct pw_orders *orders, const struct pw_report *report,
                                   struct pw_order_row **row_out)
{
    struct pw_order_row *row = pw_orders_find(orders, report->client_order_id);
    *row_out = row;
    orders->unknown_cnt += row == NULL;
    return row ? pw_orders_apply_to(orders, row, report) : PW_ORDER_STEP_ILLEGAL;
}
