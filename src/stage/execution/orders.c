/* SPDX-License-Identifier: MIT
 *
 * The orders' part of the execution stage: intents on their way to the gateway, its reports on their way to
 * order table, portfolio, strategy and journal.
 */
#include "execution_state.h"
#include "fills.h"
#include "order_terms.h"
#include "pw_assert.h"
#include <string.h>

/* ---- out ---- */

void pw_execution_journal(struct execution *x, const struct pw_event *event)
{
    if (x->records) {
        pw_producer_put(&x->journal, event);
    } else if (x->skips) {
        pw_count(&x->journal.ring->dropped_cnt, 1);
    }
}

/* Number of the last market event known of. */
static uint64_t market_seq(const struct execution *x)
{
    return x->market_cnt ? x->market_cnt - 1 : 0;
}

/* To strategy and journal. */
static void emit(struct execution *x, struct pw_event *event)
{
    bool room = reports_have(x, 1);
    pw_assert(room); /* reserved before what causes it was taken: flow.h */
    event->seq = x->seq++;
    pw_producer_put(&x->reports_out, event);
    pw_execution_journal(x, event);
    x->changed = true;
}

static void emit_order(struct execution *x, const struct pw_order_row *row, enum pw_order_state state,
                       enum pw_reason reason, int64_t recv_ns, int64_t venue_ns)
{
    /* Of one that has ended, what was prevented never will be filled either. */
    int64_t left_e8 = row->leaves_qty_e8 + (pw_order_is_closed(state) ? row->prevented_qty_e8 : 0);
    emit(x, &(struct pw_event){.kind = PW_EVENT_ORDER,
                               .flags = row->side == PW_SELL ? PW_FLAG_SELL : 0,
                               .instrument_idx = row->instrument_idx,
                               .recv_ns = recv_ns,
                               .venue_ns = venue_ns,
                               .body.order = {.price_e8 = row->price_e8,
                                              .leaves_qty_e8 = left_e8,
                                              .client_order_id = row->client_order_id,
                                              .market_seq = market_seq(x),
                                              .state = (uint8_t)state,
                                              .reason = (uint8_t)reason,
                                              .type = row->type,
                                              .tif = row->tif,
                                              .strategy_idx = row->strategy_idx,
                                              .tag = row->tag}});
}

static void emit_fill(struct execution *x, const struct pw_order_row *row, const struct pw_report *report)
{
    struct pw_event events[PW_FILL_EVENTS_MAX];
    pw_assert(row->instrument_idx < x->instrument_cnt);
    uint32_t cnt = pw_fill_events(report, row, &x->instruments[row->instrument_idx], events);
    pw_assert(cnt > 0 && cnt <= PW_FILL_EVENTS_MAX);
    for (uint32_t i = 0; i < cnt; i++) {
        emit(x, &events[i]);
    }
}

/* ---- reports of the gateway ---- */

/* From now on, that account alone; the stage journals it, and cancels what is open, as soon as there is room.
 */
static void halt_by_fault(struct execution *x, struct execution_account *account, enum pw_reason reason)
{
    pw_assert(account && reason != PW_REASON_NONE);
    account->halted = account->fault = reason;
    x->faulted = true;
}

static void halt_if_asked(struct execution *x, struct execution_account *account)
{
    if (x->reports.halt != PW_REASON_NONE) {
        halt_by_fault(x, account, (enum pw_reason)x->reports.halt);
        x->reports.halt = PW_REASON_NONE;
    }
}

/* The fill and its fee, whatever that was paid in. False: a sum would overflow. */
static bool book_fill(struct execution *x, const struct pw_order_row *row, const struct pw_report *report)
{
    struct pw_portfolio *portfolio = x->accounts[row->account_idx].portfolio;
    const struct pw_instrument *instrument = &x->instruments[row->instrument_idx];
    enum pw_fee_kind fee = pw_fee_kind(report->fee_asset, instrument);
    int64_t base_fee_e8 = 0;
    return (fee != PW_FEE_BASE ||
            pw_fill_base_fee_e8(report, instrument, &x->dust_e16[row->instrument_idx], &base_fee_e8)) &&
           pw_portfolio_fill(portfolio, row->instrument_idx, row->side, report->fill_price_e8,
                             report->fill_qty_e8, fee == PW_FEE_QUOTE ? report->fee_e16 : 0) &&
           (base_fee_e8 == 0 ||
            pw_portfolio_base_fee(portfolio, row->instrument_idx, report->fill_price_e8, base_fee_e8));
}

static void take_fill(struct execution *x, const struct pw_order_row *row, const struct pw_report *report,
                      int64_t now_ns)
{
    emit_fill(x, row, report);
    x->accounts[row->account_idx].shown.fill_cnt++;
    pw_hop_add(x->tick_to_fill, &x->clock, now_ns, row->recv_ns);
    if (!book_fill(x, row, report)) {
        /* Sums that cannot be kept can no longer be judged by: no new orders. */
        x->metrics.reports_inconsistent++;
        halt_by_fault(x, &x->accounts[row->account_idx], PW_REASON_OVERFLOW);
    }
}

/* Of the venue's; not that there was none. */
static bool is_answer(const struct pw_report *report)
{
    return report->exec_type != PW_EXEC_TIME_OUT && report->exec_type != PW_EXEC_DISCONNECT;
}

/* A halt cancels what is open at that moment. So it does with what turns up later, or is found open after
 * all: unless this is how a cancellation was answered. A gateway that answers cancel at once has none of
 * these. */
static void cancel_late(struct execution *x, const struct pw_order_row *row, uint8_t exec_type)
{
    const struct execution_account *account = &x->accounts[row->account_idx];
    if (account->halted && account->gateway->traits.reports_later && !row->cancel_pending &&
        !pw_order_is_closed(row->state) && exec_type != PW_EXEC_CANCEL_REJECTED &&
        exec_type != PW_EXEC_CANCEL_UNKNOWN) {
        pw_execution_cancel_open(x, row);
    }
}

/* The order that a report names; NULL: none that was placed at this gateway. account NULL: what several have,
 * each of its own orders. */
static struct pw_order_row *row_of(const struct execution *x, const struct execution_account *account,
                                   const struct pw_report *report)
{
    struct pw_order_row *row = pw_orders_find(x->orders, report->client_order_id);
    return row && account && row->account_idx != account->idx ? NULL : row;
}

/* NULL: what the report says may be true of its order. */
static const char *contradiction(const struct execution *x, const struct execution_account *account,
                                 const struct pw_order_row *row, const struct pw_report *report)
{
    if (!account || !account->gateway->traits.is_authority || row->instrument_idx >= x->instrument_cnt) {
        return NULL;
    }
    const struct touch *touch = &x->quotes[row->instrument_idx];
    return pw_order_contradiction(row, &x->instruments[row->instrument_idx], report,
                                  row->side == PW_BUY ? touch->ask_e8 : touch->bid_e8);
}

/* A real venue holds something else than we know of: until someone has looked, no new risk. */
static void take_contradiction(struct execution *x, struct execution_account *account,
                               const struct pw_report *report, const char *what)
{
    const struct pw_venue_error error = {.kind = PW_VENUE_ERROR_CONTRADICTION,
                                         .client_order_id = report->client_order_id,
                                         .request = PW_VENUE_EVENT,
                                         .reason = PW_REASON_REPORT};
    x->metrics.reports_inconsistent++;
    if (account && account->gateway->traits.is_authority) {
        pw_venue_errors_add(account->venue_errors, &error, what, strlen(what), NULL);
        halt_by_fault(x, account, PW_REASON_REPORT);
    }
}

/* What is true is not known then: the order counts at its worst until queries settle it. */
static void doubt(struct execution *x, struct pw_order_row *row, const struct pw_report *report)
{
    const struct pw_report lost = {.client_order_id = report->client_order_id,
                                   .exec_type = PW_EXEC_DISCONNECT,
                                   .reason = PW_REASON_REPORT,
                                   .recv_ns = report->recv_ns,
                                   .venue_ns = report->venue_ns};
    enum pw_order_step step = pw_orders_apply_to(x->orders, row, &lost);
    if (step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP) {
        emit_order(x, row, row->state, PW_REASON_REPORT, report->recv_ns, report->venue_ns);
        cancel_late(x, row, lost.exec_type);
    }
}

/* How often in a row the venue rejected what it was sent: then it is sent nothing for a while. A market that
 * is closed is sent nothing until its rules say otherwise, or somebody resumes. */
static void count_rejection(struct execution *x, struct execution_account *account,
                            const struct pw_order_row *row, const struct pw_report *report, int64_t now_ns)
{
    if (report->exec_type == PW_EXEC_REJECT && row->state == PW_ORDER_REJECTED) {
        account->rejections++;
        bool too_many = account->max_rejections > 0 && account->rejections >= account->max_rejections;
        account->rejections_until_ns = too_many ? now_ns + account->rejection_pause_ns : 0;
        x->market_closed[row->instrument_idx] |= report->reason == PW_REASON_VENUE_NOT_TRADING;
    } else if (report->exec_type == PW_EXEC_FILL || report->exec_type == PW_EXEC_ACK) {
        account->rejections = 0;
        account->rejections_until_ns = 0;
    }
}

static void count_end(struct execution *x, struct execution_account *account, const struct pw_order_row *row,
                      const struct pw_report *report)
{
    account->shown.canceled_cnt += row->state == PW_ORDER_CANCELED;
    if (row->state == PW_ORDER_REJECTED) {
        account->shown.rejected_cnt++;
        x->metrics.rejected_by_rules +=
            report->reason == PW_REASON_VENUE_FILTER || report->reason == PW_REASON_VENUE_NOT_TRADING;
    } else if (row->state == PW_ORDER_EXPIRED) {
        x->metrics.expired_by_range += report->reason == PW_REASON_VENUE_PRICE_RANGE;
    }
}

/* What a report changed, to strategy and journal, and into the accounts. */
static void tell_report(struct execution *x, struct pw_order_row *row, const struct pw_report *report,
                        enum pw_order_step step, int64_t now_ns)
{
    struct execution_account *account = &x->accounts[row->account_idx];
    pw_assert(row->account_idx < x->account_cnt && row->leaves_qty_e8 <= row->qty_e8);
    emit_order(x, row, row->state, report->reason, report->recv_ns, report->venue_ns);
    if (step == PW_ORDER_STEP_MOVE) {
        count_end(x, account, row, report);
    }
    if (report->exec_type == PW_EXEC_FILL) {
        take_fill(x, row, report, now_ns);
    }
    count_rejection(x, account, row, report, now_ns);
    cancel_late(x, row, report->exec_type);
}

static void take_report(struct execution *x, struct execution_account *account,
                        const struct pw_report *report, int64_t now_ns)
{
    struct pw_order_row *row = row_of(x, account, report);
    if (!row) {
        take_contradiction(x, account, report, "no such order of this run");
        return;
    }
    const char *wrong = contradiction(x, account, row, report);
    pw_execution_answered(x, report->client_order_id, wrong || is_answer(report) ? report->recv_ns : 0);
    if (wrong) {
        take_contradiction(x, account, report, wrong);
        doubt(x, row, report);
        return;
    }
    enum pw_order_step step = pw_orders_apply_to(x->orders, row, report);
    if (step == PW_ORDER_STEP_SAME) {
        x->metrics.reports_duplicate++;
    } else if (step == PW_ORDER_STEP_ILLEGAL) {
        take_contradiction(x, account, report, "its state, a quantity, or a trade");
        if (account && account->gateway->traits.is_authority) {
            doubt(x, row, report);
        }
    } else {
        tell_report(x, row, report, step, now_ns);
    }
}

void pw_execution_take_reports(struct execution *x, struct execution_account *account, int64_t now_ns)
{
    pw_assert(x->reports.cnt <= PW_REPORTS_MAX);
    for (uint32_t i = 0; i < x->reports.cnt; i++) {
        take_report(x, account, &x->reports.rows[i], now_ns);
    }
    x->reports.cnt = 0;
    pw_assert(account || x->reports.halt == PW_REASON_NONE);
    halt_if_asked(x, account);
}

/* ---- intents ---- */

static bool feed_is_up(const struct execution *x, const struct pw_instrument *instrument)
{
    return instrument && instrument->feed_idx < PW_FEEDS_MAX && x->feed_up[instrument->feed_idx];
}

/* Enough for a new order: what is put there is stored, a quarter of the ring is free, and at least what the
 * order may ever need. */
static bool journal_takes_orders(struct execution *x)
{
    if (x->skips || (journal_is_stopped(x) && !x->trades_unrecorded)) {
        return false;
    }
    uint64_t want =
        1 + RISK_EVENTS + PW_FLOW_INTENT_EVENTS + PW_FLOW_OPEN_EVENTS + STAMP_EVENTS + journal_reserve(x);
    uint64_t quarter = x->has_journal ? (x->journal.mask + 1) / 4 : 0;
    return journal_has(x, want > quarter ? want : quarter);
}

/* The time by which orders are counted. On paper the stream's own, so that a replay counts alike. A venue has
 * a clock of its own: what has waited somewhere must not go out all at once because it happened apart. */
static int64_t rate_ns(const struct execution_account *account, const struct pw_event *event, int64_t now_ns)
{
    return account->gateway->traits.real_time ? now_ns : event->recv_ns;
}

/* How long before now the data behind an order was sent, at least. Received it was then; that feed's data
 * came in late, by so much; and if the gateway knows the venue's clock, its usual delay may be seen to be too
 * much.
 */
static int64_t data_age_ns(const struct execution_account *account, const struct pw_state *feed,
                           int64_t recv_ns, int64_t now_ns)
{
    int64_t offset_ns, error_ns, age_ns = now_ns - recv_ns + feed->lag_ns;
    if (feed->delay_ns != 0 && account->gateway->clock &&
        account->gateway->clock(account->gateway_state, &offset_ns, &error_ns)) {
        int64_t delayed_ns = feed->delay_ns + offset_ns - error_ns;
        age_ns += delayed_ns > 0 ? delayed_ns : 0;
    }
    return age_ns;
}

/* Only its own strategy replaces an order, by one of the same side. */
static bool may_replace(const struct execution *x, const struct pw_event *event)
{
    const struct pw_intent *intent = &event->body.intent;
    const struct pw_order_row *old = pw_orders_find(x->orders, intent->client_order_id);
    uint8_t side = event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY;
    return old && old->strategy_idx == intent->strategy_idx && old->instrument_idx == event->instrument_idx &&
           old->side == side && (old->state == PW_ORDER_OPEN || old->state == PW_ORDER_PARTIALLY_FILLED);
}

/* known: the instrument is the account's to trade. */
static void fill_risk_input(struct execution *x, const struct execution_account *account, bool known,
                            const struct pw_event *event, int64_t now_ns, bool room, struct pw_risk_input *in)
{
    const struct pw_intent *intent = &event->body.intent;
    uint16_t i = event->instrument_idx;
    /* Relaxed: one word, which orders nothing else; the next order sees it at the latest. */
    uint64_t stop = atomic_load_explicit(&x->stop->stop, memory_order_relaxed);
    *in = (struct pw_risk_input){
        .instrument = known ? &x->instruments[i] : NULL,
        .limits = &account->limits[PW_UNIT_SHIFT_MAX + (known ? x->instruments[i].unit_shift : 0)],
        .price_e8 = intent->price_e8,
        .qty_e8 = intent->qty_e8,
        .stop_price_e8 = intent->action == PW_PLACE ? intent->stop_price_e8 : 0,
        .side = event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY,
        .type = intent->type,
        .tif = intent->tif,
        .feed_up = known && feed_is_up(x, &x->instruments[i]),
        .halted = stop ? (uint32_t)stop : account->halted,
        .bid_e8 = known ? x->quotes[i].bid_e8 : 0,
        .ask_e8 = known ? x->quotes[i].ask_e8 : 0,
        .reference_e8 = known ? pw_reference_price_e8(&x->quotes[i].reference, event->recv_ns) : 0,
        .position_e8 = known ? account->portfolio->rows[i].holding.qty_e8 : 0,
        .open_buy_e8 = known ? x->orders->open[i].buy_e8 : 0,
        .open_sell_e8 = known ? x->orders->open[i].sell_e8 : 0,
        .cash_e16 = account->portfolio->cash_e16,
        .hold_e16 = x->orders->hold_e16[account->idx],
        .short_cost_e16 = account->portfolio->short_cost_e16,
        .rate_credit =
            pw_risk_bucket_credit(&account->bucket, account->limits, rate_ns(account, event, now_ns)),
        .room = room,
        .action = intent->action,
        .not_replaceable = intent->action == PW_REPLACE && !may_replace(x, event),
        .age_ns = now_ns - event->recv_ns,
    };
    if (in->feed_up && account->limits->max_age_ns) {
        in->age_ns =
            data_age_ns(account, &x->feed_states[x->instruments[i].feed_idx], event->recv_ns, now_ns);
    }
}

/* What the checks saw, so that their verdict can be told and repeated later. The fields of an event that
 * these kinds have no other use for hold the rest: event.h. */
static void journal_risk(struct execution *x, const struct pw_event *intent, const struct pw_risk_input *in)
{
    bool has_age = in->limits->max_age_ns != 0;
    struct pw_event event = {.seq = x->seq++,
                             .kind = PW_EVENT_RISK_MARKET,
                             .venue_ns = has_age ? intent->recv_ns + in->age_ns : 0,
                             .instrument_idx = intent->instrument_idx,
                             .recv_ns = intent->recv_ns,
                             .body.risk_market = {.bid_e8 = in->bid_e8,
                                                  .ask_e8 = in->ask_e8,
                                                  .position_e8 = in->position_e8,
                                                  .open_buy_e8 = in->open_buy_e8,
                                                  .open_sell_e8 = in->open_sell_e8}};
    pw_execution_journal(x, &event);
    event.seq = x->seq++;
    event.kind = PW_EVENT_RISK_CASH;
    event.flags =
        (in->not_replaceable ? PW_RISK_NOT_REPLACEABLE : 0) | (in->table_full ? PW_RISK_TABLE_FULL : 0);
    event.venue_ns = in->reference_e8;
    event.body.risk_cash = (struct pw_risk_cash){.rate_credit = in->rate_credit};
    pw_money_put_words(event.body.risk_cash.cash_e16, in->cash_e16);
    pw_money_put_words(event.body.risk_cash.hold_e16, in->hold_e16);
    pw_execution_journal(x, &event);
    event.seq = x->seq++;
    event.kind = PW_EVENT_RISK_LIMITS;
    event.flags = in->gateway;
    event.venue_ns = in->limits->max_age_ns;
    event.body.risk_limits = (struct pw_risk_limits_kept){
        .max_order_notional_e8 = in->limits->max_order_notional_e8,
        .max_position_e8 = in->limits->max_position_e8,
        .max_orders_per_s = in->limits->max_orders_per_s,
        .bits = (uint32_t)in->limits->fee_rate_e8 << PW_RISK_FEE_SHIFT |
                (in->feed_up ? PW_RISK_BIT_FEED_UP : 0) | (in->halted ? PW_RISK_BIT_HALTED : 0) |
                (in->room ? PW_RISK_BIT_ROOM : 0) | (in->limits->allow_short ? PW_RISK_BIT_ALLOW_SHORT : 0)};
    pw_money_put_words(event.body.risk_limits.short_cost_e16, in->short_cost_e16);
    pw_execution_journal(x, &event);
}

/* The intent as strategy made it (the moment at which it had decided goes into the stamps), and what risk
 * saw; before what came of it. */
static void journal_intent(struct execution *x, const struct pw_event *intent, const struct pw_risk_input *in)
{
    struct pw_event event = *intent;
    event.venue_ns = 0;
    pw_execution_journal(x, &event);
    journal_risk(x, intent, in);
}

static void deny(struct execution *x, struct execution_account *account, struct pw_order_row *row,
                 enum pw_reason reason)
{
    row->client_order_id = pw_orders_deny_id(x->orders, row->client_order_id);
    pw_execution_count_denied(x, account, reason);
    emit_order(x, row, PW_ORDER_DENIED, reason, row->recv_ns, 0);
}

static void send(struct execution *x, struct pw_order_row *row, const struct pw_gateway_order *asked,
                 struct order_path *way)
{
    const struct execution_account *account = &x->accounts[row->account_idx];
    row->valid_until_ns =
        row->replaces_id
            ? account->gateway->replace(account->gateway_state, asked, row->replaces_id, &x->reports)
            : account->gateway->place(account->gateway_state, asked, &x->reports);
    if (account->gateway->traits.connects) {
        way->at_ns[PW_HOP_ENCODED] = pw_clock_now_ns(&x->clock);
    }
}

/* The intent, what risk saw, and what came of it. */
void pw_execution_tell_order(struct execution *x)
{
    struct untold_order *untold = &x->untold;
    const struct pw_order_row *row = untold->row;
    if (!row) {
        return;
    }
    pw_assert(untold->path.client_order_id == row->client_order_id);
    untold->row = NULL;
    struct execution_account *account = &x->accounts[row->account_idx];
    if (account->gateway->settle) {
        account->gateway->settle(account->gateway_state);
    }
    journal_intent(x, untold->intent, &untold->risk);
    pw_execution_note_market(x, row->market_seq, &untold->path);
    account->shown.order_cnt++;
    emit_order(x, row, PW_ORDER_IN_FLIGHT, PW_REASON_NONE, row->recv_ns, 0);
    pw_hop_add(x->tick_to_order, &x->clock, untold->now_ns, row->recv_ns);
    if (account->gateway->traits.connects) {
        pw_execution_keep_path(x, &untold->path);
    }
    pw_execution_take_reports(x, account, untold->now_ns);
    if (!account->gateway->traits.connects) {
        pw_execution_tell_path(x, &untold->path);
    }
    pw_orders_prefetch(x->orders);
}

static struct pw_order_row order_of(struct execution *x, const struct execution_account *account,
                                    const struct pw_event *event)
{
    const struct pw_intent *intent = &event->body.intent;
    bool sells = event->flags & PW_FLAG_SELL, known = event->instrument_idx < x->instrument_cnt;
    const struct touch *touch = known ? &x->quotes[event->instrument_idx] : NULL;
    return (struct pw_order_row){.client_order_id = pw_orders_take_id(x->orders),
                                 .replaces_id = intent->action == PW_REPLACE ? intent->client_order_id : 0,
                                 .price_e8 = intent->price_e8,
                                 .qty_e8 = intent->qty_e8,
                                 .leaves_qty_e8 = intent->qty_e8,
                                 .recv_ns = event->recv_ns,
                                 .touch_e8 = !touch  ? 0
                                             : sells ? touch->bid_e8
                                                     : touch->ask_e8,
                                 .market_seq = intent->market_seq,
                                 .instrument_idx = event->instrument_idx,
                                 .strategy_idx = intent->strategy_idx,
                                 .tag = intent->tag,
                                 .account_idx = account->idx,
                                 .side = sells ? PW_SELL : PW_BUY,
                                 .type = intent->type,
                                 .tif = intent->tif};
}

/* All of the checks: NONE, and *row is in the table. The gateway is asked when all before have passed: what
 * has passed its check is carried out next. */
static enum pw_reason admit(struct execution *x, struct pw_risk_input *in, struct pw_order_row *order,
                            const struct pw_gateway_order *asked, struct pw_order_row **row)
{
    enum pw_reason reason = pw_risk_check(in, NULL, &order->hold_e16);
    if (reason != PW_REASON_NONE) {
        return reason;
    }
    const struct execution_account *account = &x->accounts[order->account_idx];
    if (in->gateway == PW_REASON_NONE && account->gateway->check) {
        in->gateway = (uint8_t)account->gateway->check(account->gateway_state, asked, order->replaces_id);
    }
    if (in->gateway == PW_REASON_NONE) {
        *row = order->replaces_id ? pw_orders_replace(x->orders, order) : pw_orders_add(x->orders, order);
        in->table_full = *row == NULL;
    }
    return pw_risk_check_answers(in);
}

/* What the venue's rejections have come to; before the gateway is asked. */
static enum pw_reason brake(const struct execution *x, const struct execution_account *account,
                            uint16_t instrument_idx, int64_t now_ns)
{
    return x->market_closed[instrument_idx]        ? PW_REASON_NOT_TRADING
           : now_ns < account->rejections_until_ns ? PW_REASON_REJECTIONS
                                                   : PW_REASON_NONE;
}

void pw_execution_place(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    pw_assert(x->untold.row == NULL); /* the one before has been reported */
    struct execution_account *own = account_of(x, event->instrument_idx);
    struct execution_account *account = own ? own : &x->accounts[0]; /* which denies it */
    struct pw_order_row order = order_of(x, account, event), *row = NULL;
    bool room = order.client_order_id != 0 && x->orders->open_cnt < x->open_max && account->on_time &&
                journal_takes_orders(x);
    struct pw_risk_input *in = &x->untold.risk;
    account->shown.intent_cnt++;
    fill_risk_input(x, account, own != NULL, event, now_ns, room, in);
    in->gateway = own ? (uint8_t)brake(x, account, event->instrument_idx, now_ns) : PW_REASON_NONE;
    const struct pw_gateway_order asked = {.client_order_id = order.client_order_id,
                                           .price_e8 = order.price_e8,
                                           .qty_e8 = order.qty_e8,
                                           .stop_price_e8 = in->stop_price_e8,
                                           .recv_ns = order.recv_ns,
                                           .instrument_idx = order.instrument_idx,
                                           .side = order.side,
                                           .type = order.type,
                                           .tif = order.tif};
    enum pw_reason reason = admit(x, in, &order, &asked, &row);
    if (reason != PW_REASON_NONE) {
        journal_intent(x, event, in);
        deny(x, account, &order, reason);
        return;
    }
    pw_assert(row && row->client_order_id == order.client_order_id);
    x->untold.path = (struct order_path){.client_order_id = order.client_order_id,
                                         .instrument_idx = order.instrument_idx,
                                         .at_ns = {[PW_HOP_RECV] = event->recv_ns,
                                                   [PW_HOP_DECIDED] = event->venue_ns,
                                                   [PW_HOP_CHECKED] = pw_clock_now_ns(&x->clock)}};
    pw_risk_bucket_take(&account->bucket, account->limits, rate_ns(account, event, now_ns));
    send(x, row, &asked, &x->untold.path);
    x->untold.row = row;
    x->untold.intent = event;
    x->untold.now_ns = now_ns;
    if (!account->gateway->traits.connects) {
        pw_execution_tell_order(x);
    }
}

/* The request is no report: strategy is told of its outcome. False: the order has ended, or a cancellation is
 * on its way. */
static bool mark_canceling(struct execution *x, uint64_t client_order_id)
{
    struct pw_order_row *row;
    const struct pw_report sent = {.client_order_id = client_order_id, .exec_type = PW_EXEC_CANCEL_SENT};
    enum pw_order_step step = pw_orders_apply(x->orders, &sent, &row);
    return step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP;
}

/* Only its own strategy cancels an order. An order that is gone already has told so by its last report. */
void pw_execution_cancel(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    const struct pw_intent *intent = &event->body.intent;
    const struct pw_order_row *row = pw_orders_find(x->orders, intent->client_order_id);
    struct execution_account *account = row ? &x->accounts[row->account_idx] : &x->accounts[0];
    struct pw_event kept = *event;
    account->shown.intent_cnt++;
    kept.venue_ns = 0;
    pw_execution_journal(x, &kept);
    journal_skips_no_more(x); /* there is room for what open orders report */
    if (!row || row->strategy_idx != intent->strategy_idx || !mark_canceling(x, row->client_order_id)) {
        x->metrics.cancels_ignored++;
        return;
    }
    x->metrics.cancels++;
    account->gateway->cancel(account->gateway_state, row->client_order_id, event->recv_ns, &x->reports);
    pw_execution_take_reports(x, account, now_ns);
}

void pw_execution_cancel_open(void *state, const struct pw_order_row *row)
{
    struct execution *x = state;
    pw_assert(row->account_idx < x->account_cnt && !pw_order_is_closed(row->state));
    if (mark_canceling(x, row->client_order_id)) {
        x->metrics.cancels++;
        struct execution_account *account = &x->accounts[row->account_idx];
        account->gateway->cancel(account->gateway_state, row->client_order_id, x->last_ns, &x->reports);
        halt_if_asked(x, account);
    }
}
