/* SPDX-License-Identifier: MIT
 *
 * What is not known: requests without an answer, orders in doubt and what is asked about them, and the fills
 * that only a list of trades told. What is in doubt is for the order table to say: it is looked up there.
 */
#include "session_state.h"

#define GRACE_NS   (100 * LIVE_MS) /* reports on their way settle most doubts without a question */
#define DOUBTS_MAX 6u              /* the wait doubles up to 6.4 s */
#define REFUSED_NS (10 * LIVE_S)   /* between questions with a key that was refused */
#define AHEAD_MS   1000            /* the venue takes a time stamp that is ahead of its clock by less */

/* ---- cancellations ---- */

/* In a session, and dated rightly. A key that was refused is no reason not to ask: what is open stays so. */
static bool can_ask(struct live *live)
{
    return live->phase != LIVE_DOWN && live->logged_on && live_clock(live);
}

void live_cancel_step(struct live *live, struct live_row *row)
{
    struct pw_binance_values values = {.order_id = row->client_order_id};
    uint16_t text = live->text_of[row->instrument_idx];
    if (!row->cancel_wanted || row->cancel_asked || text == LIVE_NO_TEXT || !can_ask(live) ||
        !live_due(live, row->cancel_ns)) {
        return;
    }
    row->cancel_asked =
        live_ask(live, &live->texts[text].cancel, &values, row->client_order_id, true) != NULL;
}

void live_cancel_later(struct live *live, struct live_row *row)
{
    row->cancel_asked = false;
    row->cancel_ns = live->now_ns + (LIVE_REPEAT_NS << row->cancel_tries);
    row->cancel_tries += row->cancel_tries < LIVE_REPEATS;
    live->look = true;
}

/* ---- questions ---- */

void live_asked_over(struct live *live, struct live_row *row)
{
    row->asked = false;
    row->heard_ns = live->now_ns;
    row->ask_ns = live->now_ns + (GRACE_NS << row->doubts);
    row->doubts += row->doubts < DOUBTS_MAX;
    live->look = true;
}

/* The trades, where it is they that are missing; else what became of it. While both are in doubt, in turn. */
static bool asks_trades(const struct live_row *row, const struct pw_order_row *order)
{
    return pw_order_owed_e8(order) > 0 && row->venue_order_id != 0 &&
           (order->end_state != PW_ORDER_NONE || !row->asked_trades);
}

static void ask(struct live *live, struct live_row *row, const struct pw_order_row *order)
{
    bool trades = asks_trades(row, order);
    struct pw_binance_values values = {.order_id = row->client_order_id,
                                       .venue_order_id = row->venue_order_id,
                                       .from_trade_id = row->trades_from};
    if (trades && live->fill_cnt > 0) {
        return; /* they may be among those that are to be told yet */
    }
    if (live_prepare(live, &live->scratch, trades ? PW_BINANCE_TRADES : PW_BINANCE_ORDER_STATUS, 0,
                     &live->config.instruments[row->instrument_idx]) == 0 &&
        live_ask(live, &live->scratch, &values, row->client_order_id, false)) {
        row->asked = true;
        row->asked_trades = trades;
        live->counts.queries++;
    }
}

static void question_step(struct live *live, struct live_row *row, const struct pw_order_row *order)
{
    bool doubt = order->state == PW_ORDER_UNKNOWN || pw_order_owed_e8(order) > 0;
    if (doubt && !row->in_doubt) {
        row->ask_ns = live->now_ns + GRACE_NS;
        row->doubts = 0;
    }
    row->in_doubt = doubt;
    int64_t at_ns = live->fatal ? row->heard_ns + REFUSED_NS
                    : doubt     ? row->ask_ns
                                : row->heard_ns + PW_LIVE_QUIET_NS;
    if (!row->asked && can_ask(live) && (live->phase >= LIVE_FUNDS || live->fatal) && live_due(live, at_ns)) {
        ask(live, row, order);
    }
}

void live_questions_step(struct live *live)
{
    for (uint32_t i = 0; i < live->row_cnt;) {
        struct live_row *row = &live->rows[i];
        const struct pw_order_row *order = pw_orders_find(live->config.orders, row->client_order_id);
        if (!order || pw_order_is_closed(order->state)) {
            *row = live->rows[--live->row_cnt];
            continue;
        }
        live_cancel_step(live, row);
        question_step(live, row, order);
        i++;
    }
}

/* ---- their answers ---- */

/* The venue knew no such order when it judged the question's time stamp, by its own clock: if that was after
 * it could have accepted the order, it never will. Our clock has no part in this; so the time that is told is
 * put behind valid_until_ns, whatever steps our clock has made. */
static void take_not_found(struct live *live, const struct live_row *row, const struct live_asked *was,
                           struct pw_reports *out)
{
    if (was->timestamp_ms - AHEAD_MS > row->expires_ms) {
        int64_t asked_ns = was->sent_ns > row->valid_until_ns ? was->sent_ns : row->valid_until_ns + 1;
        live_tell(live, row->client_order_id, PW_EXEC_NOT_FOUND, PW_REASON_VENUE_NOT_FOUND, asked_ns, out);
    }
}

static void take_status(struct live *live, struct live_row *row, const struct pw_binance_order *order,
                        int64_t recv_ns, struct pw_reports *out)
{
    struct pw_report report;
    if (live_tells_of(live, order, row->client_order_id) &&
        pw_binance_order_report(order, PW_BINANCE_ORDER_STATUS, recv_ns, &report)) {
        row->venue_order_id = order->venue_order_id;
        live_report(live, &report, out);
    }
}

/* Told later, one by one; the next answer begins where this ends. One that brings nothing while fills are
 * owed lags behind the venue's own count, and an earlier one may have left out what came late: then from the
 * start, as fills are booked once. */
static void take_trades(struct live *live, struct live_row *row, const struct pw_binance_list *list,
                        int64_t recv_ns)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_binance_own_trade trade;
    uint32_t before = live->fill_cnt;
    while (live->fill_cnt < LIVE_FILLS && pw_binance_own_trade_next(&cursor, list, &trade)) {
        if (trade.venue_order_id == row->venue_order_id && trade.trade_id >= row->trades_from) {
            pw_binance_trade_report(&trade, row->client_order_id, recv_ns,
                                    &live->fills[(live->fill_first + live->fill_cnt++) % LIVE_FILLS]);
            row->trades_from = trade.trade_id + 1;
        }
    }
    if (live->fill_cnt > before) {
        row->doubts = 0;
        row->ask_ns = live->now_ns + GRACE_NS;
    } else if (before < LIVE_FILLS) {
        row->trades_from = 0;
    }
}

void live_question_answer(struct live *live, const struct pw_binance_told *told, const struct live_asked *was,
                          int64_t recv_ns, struct pw_reports *out)
{
    struct live_row *row = live_row_find(live, was->client_order_id);
    if (!row) {
        return; /* settled in the meantime */
    }
    live_asked_over(live, row);
    if (told->kind == PW_BINANCE_TOLD_ORDER && was->method == PW_BINANCE_ORDER_STATUS) {
        take_status(live, row, &told->body.order, recv_ns, out);
    } else if (told->kind == PW_BINANCE_TOLD_TRADES && was->method == PW_BINANCE_TRADES) {
        take_trades(live, row, &told->body.many.list, recv_ns);
    } else if (told->kind == PW_BINANCE_TOLD_ERROR && was->method == PW_BINANCE_ORDER_STATUS &&
               pw_binance_judge(told->http_status, &told->error).meaning == PW_BINANCE_MEANS_NOT_FOUND) {
        take_not_found(live, row, was, out);
    }
}

void live_tell_fill(struct live *live, struct pw_reports *out)
{
    if (live->fill_cnt > 0 && out->cnt == 0) {
        live_report(live, &live->fills[live->fill_first], out);
        live->fill_first = (live->fill_first + 1) % LIVE_FILLS;
        live->fill_cnt--;
    }
    live->look |= live->fill_cnt > 0;
}

/* ---- no answer ---- */

static void time_out(struct live *live, const struct live_asked *was, struct pw_reports *out)
{
    struct live_row *row = live_row_find(live, was->client_order_id);
    live->counts.time_outs++;
    switch (was->method) {
    case PW_BINANCE_TIME:
        live->time_asked = false;
        break;
    case PW_BINANCE_PLACE:
    case PW_BINANCE_TEST:
    case PW_BINANCE_CANCEL_REPLACE:
    case PW_BINANCE_CANCEL:
        live_unanswered(live, (enum pw_binance_method)was->method, row, live->now_ns, out);
        break;
    case PW_BINANCE_ORDER_STATUS:
    case PW_BINANCE_TRADES:
        if (row) {
            live_asked_over(live, row);
        }
        break;
    default:
        if (was->number == live->session_number) {
            live_session_failed(live);
        }
        break;
    }
}

/* Whether it was carried out is not known. */
void live_unanswered(struct live *live, enum pw_binance_method method, struct live_row *row, int64_t recv_ns,
                     struct pw_reports *out)
{
    if (!row) {
        return; /* closed since, or of an earlier run */
    }
    if (method == PW_BINANCE_CANCEL) {
        live_cancel_later(live, row);
    }
    uint64_t replaces_id = method == PW_BINANCE_CANCEL_REPLACE ? row->replaces_id : 0;
    live_tell(live, row->client_order_id, PW_EXEC_TIME_OUT, PW_REASON_VENUE_UNKNOWN, recv_ns, out);
    if (replaces_id && live_row_find(live, replaces_id)) {
        live_tell(live, replaces_id, PW_EXEC_TIME_OUT, PW_REASON_VENUE_UNKNOWN, recv_ns, out);
    }
}

void live_time_outs(struct live *live, struct pw_reports *out)
{
    for (uint32_t i = 0; i < live->asked_cnt && out->cnt + 2 <= PW_REPORTS_MAX;) {
        struct live_asked was;
        if (live_due(live, live->asked[i].deadline_ns)) {
            live_drop(live, i, &was);
            time_out(live, &was, out);
        } else {
            i++;
        }
    }
    live->look |= out->cnt + 2 > PW_REPORTS_MAX;
}
