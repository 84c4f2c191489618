/* SPDX-License-Identifier: MIT
 *
 * The orders' part of the execution stage: intents on their way to the gateway, its reports on their way to
 * order table, portfolio, strategy and journal.
 */
#include "execution_state.h"
#include "fills.h"

/* ---- out ---- */

void pw_execution_journal(struct execution *x, const struct pw_event *event)
{
    if (x->has_journal) {
        pw_producer_put(&x->journal, event);
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
    event->seq = x->seq++;
    pw_producer_put(&x->reports_out, event);
    pw_execution_journal(x, event);
    x->changed = true;
}

static void emit_order(struct execution *x, const struct pw_order_row *row, enum pw_order_state state,
                       enum pw_reason reason, int64_t recv_ns, int64_t venue_ns)
{
    emit(x, &(struct pw_event){.kind = PW_EVENT_ORDER,
                               .flags = row->side == PW_SELL ? PW_FLAG_SELL : 0,
                               .instrument_idx = row->instrument_idx,
                               .recv_ns = recv_ns,
                               .venue_ns = venue_ns,
                               .body.order = {.price_e8 = row->price_e8,
                                              .leaves_qty_e8 = row->leaves_qty_e8,
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
    uint32_t cnt = pw_fill_events(report, row, &x->instruments[row->instrument_idx], events);
    for (uint32_t i = 0; i < cnt; i++) {
        emit(x, &events[i]);
    }
}

/* ---- reports of the gateway ---- */

static void take_fill(struct execution *x, const struct pw_order_row *row, const struct pw_report *report,
                      int64_t now_ns)
{
    emit_fill(x, row, report);
    x->counts[FILLS]++;
    pw_histogram_add(x->tick_to_fill, now_ns - row->recv_ns);
    if (!pw_portfolio_fill(x->portfolio, row->instrument_idx, row->side, report->fill_price_e8,
                           report->fill_qty_e8,
                           pw_fill_quote_fee_e16(report, &x->instruments[row->instrument_idx]))) {
        /* Sums that cannot be kept can no longer be judged by: no new orders. */
        x->counts[REPORTS_REFUSED]++;
        x->halted = PW_REASON_OVERFLOW;
    }
}

static void take_report(struct execution *x, const struct pw_report *report, int64_t now_ns)
{
    struct pw_order_row *row;
    enum pw_order_step step = pw_orders_apply(x->orders, report, &row);
    if (step == PW_ORDER_STEP_ILLEGAL || step == PW_ORDER_STEP_SAME) {
        x->counts[REPORTS_REFUSED]++;
        return;
    }
    emit_order(x, row, row->state, report->reason, report->recv_ns, report->venue_ns);
    x->counts[CANCELED] += step == PW_ORDER_STEP_MOVE && row->state == PW_ORDER_CANCELED;
    x->counts[REJECTED] += step == PW_ORDER_STEP_MOVE && row->state == PW_ORDER_REJECTED;
    if (report->news == PW_NEWS_FILL) {
        take_fill(x, row, report, now_ns);
    }
}

void pw_execution_take_reports(struct execution *x, int64_t now_ns)
{
    for (uint32_t i = 0; i < x->reports.cnt; i++) {
        take_report(x, &x->reports.rows[i], now_ns);
    }
    x->reports.cnt = 0;
}

/* ---- intents ---- */

static bool feed_is_up(const struct execution *x, const struct pw_instrument *instrument)
{
    return instrument && instrument->feed_idx < PW_FEEDS_MAX && x->feed_up[instrument->feed_idx];
}

/* Enough for a new order: a quarter of the ring is free, and at least what the order may ever need. */
static bool journal_takes_orders(struct execution *x)
{
    uint64_t want = 1 + PW_FLOW_INTENT_EVENTS + PW_FLOW_OPEN_EVENTS + journal_reserve(x);
    uint64_t quarter = x->has_journal ? (x->journal.mask + 1) / 4 : 0;
    return journal_has(x, want > quarter ? want : quarter);
}

static void fill_risk_input(struct execution *x, const struct pw_event *event, bool room,
                            struct pw_risk_input *in)
{
    const struct pw_intent *intent = &event->body.intent;
    uint16_t i = event->instrument_idx;
    bool known = i < x->portfolio->row_cnt;
    /* Relaxed: one word, which orders nothing else; the next order sees it at the latest. */
    uint64_t stop = atomic_load_explicit(&x->stop->stop, memory_order_relaxed);
    *in = (struct pw_risk_input){
        .instrument = known ? &x->instruments[i] : NULL,
        .limits = &x->limits,
        .price_e8 = intent->price_e8,
        .qty_e8 = intent->qty_e8,
        .side = event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY,
        .type = intent->type,
        .tif = intent->tif,
        .feed_up = known && feed_is_up(x, &x->instruments[i]),
        .halted = stop ? (uint32_t)stop : x->halted,
        .bid_e8 = known ? x->quotes[i].bid_e8 : 0,
        .ask_e8 = known ? x->quotes[i].ask_e8 : 0,
        .position_e8 = known ? x->portfolio->rows[i].holding.qty_e8 : 0,
        .open_buy_e8 = known ? x->orders->open[i].buy_e8 : 0,
        .open_sell_e8 = known ? x->orders->open[i].sell_e8 : 0,
        .cash_e16 = x->portfolio->cash_e16,
        .hold_e16 = x->orders->hold_e16,
        .short_cost_e16 = x->portfolio->short_cost_e16,
        .rate_credit = pw_risk_bucket_credit(&x->bucket, &x->limits, event->recv_ns),
        .room = room,
    };
}

static void deny(struct execution *x, const struct pw_order_row *row, enum pw_reason reason)
{
    pw_execution_count_denied(x, reason);
    emit_order(x, row, PW_ORDER_DENIED, reason, row->recv_ns, 0);
}

static void send(struct execution *x, const struct pw_order_row *row, int64_t now_ns)
{
    x->counts[ORDERS]++;
    emit_order(x, row, PW_ORDER_IN_FLIGHT, PW_REASON_NONE, row->recv_ns, 0);
    pw_histogram_add(x->tick_to_order, now_ns - row->recv_ns);
    x->gateway->place(x->gateway_state,
                      &(struct pw_gateway_order){.client_order_id = row->client_order_id,
                                                 .price_e8 = row->price_e8,
                                                 .qty_e8 = row->qty_e8,
                                                 .recv_ns = row->recv_ns,
                                                 .instrument_idx = row->instrument_idx,
                                                 .side = row->side,
                                                 .type = row->type,
                                                 .tif = row->tif},
                      &x->reports);
    pw_execution_take_reports(x, now_ns);
}

void pw_execution_place(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    const struct pw_intent *intent = &event->body.intent;
    struct pw_order_row order = {.client_order_id = pw_orders_take_id(x->orders),
                                 .price_e8 = intent->price_e8,
                                 .qty_e8 = intent->qty_e8,
                                 .leaves_qty_e8 = intent->qty_e8,
                                 .recv_ns = event->recv_ns,
                                 .market_seq = intent->market_seq,
                                 .instrument_idx = event->instrument_idx,
                                 .strategy_idx = intent->strategy_idx,
                                 .tag = intent->tag,
                                 .side = event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY,
                                 .type = intent->type,
                                 .tif = intent->tif};
    bool room = order.client_order_id != 0 && x->orders->open_cnt < x->open_max && journal_takes_orders(x);
    pw_execution_journal(x, event);
    struct pw_risk_input in;
    fill_risk_input(x, event, room, &in);
    enum pw_reason reason = pw_risk_check(&in, NULL);
    if (reason == PW_REASON_NONE) {
        order.hold_e16 = pw_risk_hold_e16(&in);
        const struct pw_order_row *row = pw_orders_add(x->orders, &order);
        if (row) {
            pw_risk_bucket_take(&x->bucket, &x->limits, event->recv_ns);
            send(x, row, now_ns);
            return;
        }
        reason = PW_REASON_NO_ROOM; /* the sum of the open quantities would not fit */
    }
    deny(x, &order, reason);
}

/* The request is no report: strategy is told of its outcome. False: the order has ended, or a cancellation is
 * on its way. */
static bool mark_canceling(struct execution *x, uint64_t client_order_id)
{
    struct pw_order_row *row;
    const struct pw_report sent = {.client_order_id = client_order_id, .news = PW_NEWS_CANCEL_SENT};
    enum pw_order_step step = pw_orders_apply(x->orders, &sent, &row);
    return step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP;
}

/* Only its own strategy cancels an order. An order that is gone already has told so by its last report. */
void pw_execution_cancel(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    const struct pw_intent *intent = &event->body.intent;
    const struct pw_order_row *row = pw_orders_find(x->orders, intent->client_order_id);
    pw_execution_journal(x, event);
    if (!row || row->strategy_idx != intent->strategy_idx || !mark_canceling(x, row->client_order_id)) {
        x->counts[CANCELS_VOID]++;
        return;
    }
    x->gateway->cancel(x->gateway_state, row->client_order_id, event->recv_ns, &x->reports);
    pw_execution_take_reports(x, now_ns);
}

void pw_execution_cancel_open(void *state, const struct pw_order_row *row)
{
    struct execution *x = state;
    if (mark_canceling(x, row->client_order_id)) {
        x->gateway->cancel(x->gateway_state, row->client_order_id, x->last_ns, &x->reports);
    }
}
