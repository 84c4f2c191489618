/* SPDX-License-Identifier: MIT
 *
 * The execution stage: takes the one ordered stream of market events and intents, lets the gateway see each
 * market event first, checks every intent, keeps orders and the portfolio, and reports to strategy and
 * journal.
 *
 * Room before input: an event is taken only when both rings have room for all that it can cause. The
 * journal's ring never drops, and keeps a reserve for what open orders may still report, and for commands:
 * when it is more than three quarters full new orders are denied (no room); when only the reserve is left the
 * stream waits, and commands are still taken.
 *
 * A halt (by command, or by the stop word, which is read before every order) denies all new orders and
 * cancels the open ones; cancellations always pass. It ends with RESUME. After STOP there is no resuming.
 */
#include "fills.h"
#include "flow.h"
#include "orders.h"
#include "paper.h"
#include "portfolio.h"
#include "risk.h"
#include "stages.h"
#include <errno.h>
#include <pinwheel/histogram.h>
#include <string.h>

#define ORDER_ROWS      1024u /* open ones, and the last closed ones, to tell late reports from unknown ones */
#define COMMAND_RESERVE 4u    /* slots of the journal's ring that only commands may take */
#define NO_COUNTER      COUNTERS

enum counter {
    EVENTS,
    INTENTS,
    ORDERS,
    FILLS,
    CANCELED,
    REJECTED,
    DENIED,
    DENIED_HALTED,
    DENIED_PRICE_FILTER,
    DENIED_LOT_SIZE,
    DENIED_MIN_NOTIONAL,
    DENIED_MAX_NOTIONAL,
    DENIED_MAX_POSITION,
    DENIED_CASH,
    DENIED_ORDER_RATE,
    DENIED_NO_QUOTE,
    DENIED_NOT_TRADING,
    DENIED_UNKNOWN_INSTRUMENT,
    DENIED_BAD_INTENT,
    DENIED_NO_ROOM,
    DENIED_NO_POSITION,
    DENIED_STALE,
    REPORTS_REFUSED,
    CANCELS_VOID,
    STALLS,
    COUNTERS
};

/* Names in the metrics table; of the denials, those of their reasons: "denied_" and pw_reason_name. */
static const struct {
    const char *name;
    uint8_t reason;
} counter_table[COUNTERS] = {
    [EVENTS] = {"events", 0},
    [INTENTS] = {"intents", 0},
    [ORDERS] = {"orders", 0},
    [FILLS] = {"fills", 0},
    [CANCELED] = {"canceled", 0},
    [REJECTED] = {"rejected", 0},
    [DENIED] = {"denied", 0},
    [DENIED_HALTED] = {"denied_halted", PW_REASON_HALTED},
    [DENIED_PRICE_FILTER] = {"denied_price_filter", PW_REASON_PRICE_FILTER},
    [DENIED_LOT_SIZE] = {"denied_lot_size", PW_REASON_LOT_SIZE},
    [DENIED_MIN_NOTIONAL] = {"denied_min_notional", PW_REASON_MIN_NOTIONAL},
    [DENIED_MAX_NOTIONAL] = {"denied_max_notional", PW_REASON_MAX_NOTIONAL},
    [DENIED_MAX_POSITION] = {"denied_max_position", PW_REASON_MAX_POSITION},
    [DENIED_CASH] = {"denied_cash", PW_REASON_CASH},
    [DENIED_ORDER_RATE] = {"denied_order_rate", PW_REASON_ORDER_RATE},
    [DENIED_NO_QUOTE] = {"denied_no_quote", PW_REASON_NO_QUOTE},
    [DENIED_NOT_TRADING] = {"denied_not_trading", PW_REASON_NOT_TRADING},
    [DENIED_UNKNOWN_INSTRUMENT] = {"denied_unknown_instrument", PW_REASON_UNKNOWN_INSTRUMENT},
    [DENIED_BAD_INTENT] = {"denied_bad_intent", PW_REASON_BAD_INTENT},
    [DENIED_NO_ROOM] = {"denied_no_room", PW_REASON_NO_ROOM},
    [DENIED_NO_POSITION] = {"denied_no_position", PW_REASON_NO_POSITION},
    [DENIED_STALE] = {"denied_stale", PW_REASON_STALE},
    [REPORTS_REFUSED] = {"reports_refused", 0},
    [CANCELS_VOID] = {"cancels_void", 0},
    [STALLS] = {"stalls", 0},
};

struct touch {
    int64_t bid_e8, ask_e8; /* 0: none, or the feed is not up */
};

struct execution {
    struct pw_consumer in, commands;
    struct pw_producer reports_out, journal;
    bool has_journal;
    bool stopped;    /* STOP was taken: halted for good */
    bool draining;   /* a clean stop has begun */
    uint32_t halted; /* enum pw_reason; 0: not */
    uint32_t seq;    /* of the next event made here */
    uint32_t open_max;
    uint64_t market_cnt; /* market events up to the last one known of: its number and one */
    int64_t last_ns;     /* of the last event of the stream */
    const struct pw_gateway_ops *gateway;
    void *gateway_state;
    struct pw_orders *orders;
    struct pw_portfolio *portfolio;
    struct touch *quotes; /* by instrument */
    const struct pw_instrument *instruments;
    const struct pw_stop *stop;
    struct pw_risk_limits limits;
    struct pw_risk_bucket bucket;
    bool feed_up[PW_FEEDS_MAX];
    bool changed; /* anything that the account shows */
    struct pw_position_view *position_views;
    struct pw_account_view *account_view;
    struct pw_histogram *hop, *tick_to_order, *tick_to_fill;
    uint64_t counts[COUNTERS];
    _Atomic uint64_t *counters[COUNTERS];
    uint8_t counter_of_reason[256];
    struct pw_reports reports; /* of the call to the gateway under way */
};

/* ---- start ---- */

static size_t round_up_64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t execution_state_bytes(const struct pw_stage_env *env)
{
    return round_up_64(sizeof(struct execution)) + pw_orders_bytes(ORDER_ROWS, env->instrument_cnt) +
           pw_portfolio_bytes(env->instrument_cnt) + pw_paper_bytes(env->instrument_cnt) +
           round_up_64(env->instrument_cnt * sizeof(struct touch));
}

static int attach_rings(struct execution *x, const struct pw_stage_env *env)
{
    int error = pw_env_consumer(env, "strategy.execution", &x->in);
    error = error ? error : pw_env_consumer(env, "housekeeping.execution", &x->commands);
    error = error ? error : pw_env_producer(env, "execution.strategy", &x->reports_out);
    if (error) {
        pw_log(PW_LOG_ERROR, "execution: a ring is missing: %s", strerror(-error));
        return error;
    }
    x->has_journal = pw_env_producer(env, "execution.journal", &x->journal) == 0;
    x->open_max = pw_flow_open_max(x->reports_out.mask + 1);
    return 0;
}

static int attach_regions(struct execution *x, const struct pw_stage_env *env)
{
    const struct pw_region *positions = pw_workspace_find(env->ws, "positions", PW_REGION_POSITIONS);
    const struct pw_region *account = pw_workspace_find(env->ws, "account", PW_REGION_ACCOUNT);
    const struct pw_region *stop = pw_workspace_find(env->ws, "stop", PW_REGION_STOP);
    x->hop = pw_env_histogram(env, "hop.recv_to_execution");
    x->tick_to_order = pw_env_histogram(env, "tick_to_order");
    x->tick_to_fill = pw_env_histogram(env, "tick_to_fill");
    if (!positions || positions->row_cnt < env->instrument_cnt || !account || !stop || !x->hop ||
        !x->tick_to_order || !x->tick_to_fill) {
        pw_log(PW_LOG_ERROR, "execution: the workspace lacks positions, account, stop or a histogram");
        return -ENOENT;
    }
    x->position_views = pw_region_at(env->ws, positions, 0);
    x->account_view = pw_region_at(env->ws, account, 0);
    x->stop = pw_region_at(env->ws, stop, 0);
    memset(x->counter_of_reason, NO_COUNTER, sizeof x->counter_of_reason);
    for (int i = 0; i < COUNTERS; i++) {
        x->counters[i] = pw_env_metric(env, "execution", counter_table[i].name);
        if (!x->counters[i]) {
            return -ENOENT; /* and logged */
        }
        if (counter_table[i].reason) {
            x->counter_of_reason[counter_table[i].reason] = (uint8_t)i;
        }
    }
    return 0;
}

/* One account, one currency: instruments quoted in another cannot be traded beside it. */
static int check_currency(const struct pw_stage_env *env)
{
    const struct pw_instrument *first = NULL;
    for (uint32_t i = 0; i < env->config->strategy_cnt; i++) {
        const struct pw_config_strategy *strategy = &env->config->strategies[i];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            if (strategy->instruments[k] >= env->instrument_cnt) {
                return -EINVAL; /* the strategy stage says so */
            }
            const struct pw_instrument *instrument = &env->instruments[strategy->instruments[k]];
            first = first ? first : instrument;
            if (strncmp(first->quote, instrument->quote, sizeof first->quote) != 0) {
                pw_log(PW_LOG_ERROR,
                       "%s: strategy '%s': %s is quoted in %s, %s in %s: one account trades in one currency",
                       env->config->path, strategy->name, instrument->symbol, instrument->quote,
                       first->symbol, first->quote);
                return -EINVAL;
            }
        }
    }
    return 0;
}

static int init_gateway(struct execution *x, const struct pw_stage_env *env, void *memory)
{
    const struct pw_config *config = env->config;
    if (strcmp(config->gateway, pw_paper_gateway.name) != 0) {
        pw_log(PW_LOG_ERROR, "%s: gateway: there is no '%s'; use '%s'", config->path, config->gateway,
               pw_paper_gateway.name);
        return -EINVAL;
    }
    x->gateway = &pw_paper_gateway;
    x->gateway_state = memory;
    int error = pw_paper_init(memory, &(struct pw_paper_config){.latency_ns = config->paper.latency_ns,
                                                                .fee_rate_e8 = config->paper.fee_rate_e8,
                                                                .instruments = env->instruments,
                                                                .instrument_cnt = env->instrument_cnt});
    if (error) {
        pw_log(PW_LOG_ERROR, "%s: paper: latency and fee rate must be from 0, the rate at most 1",
               config->path);
    }
    return error;
}

static int execution_init(void *state, const struct pw_stage_env *env)
{
    struct execution *x = state;
    const struct pw_config *config = env->config;
    char *memory = (char *)state + round_up_64(sizeof *x);
    if (env->instrument_cnt == 0 || env->instrument_cnt > PW_INSTRUMENTS_MAX) {
        pw_log(PW_LOG_ERROR, "%s: %u instruments: there must be 1 to %u", config->path, env->instrument_cnt,
               PW_INSTRUMENTS_MAX);
        return -EINVAL;
    }
    x->instruments = env->instruments;
    x->orders = pw_orders_init(memory, ORDER_ROWS, env->instrument_cnt, env->run_id);
    if (!x->orders) {
        pw_log(PW_LOG_ERROR, "execution: run %llu is beyond what order ids can hold",
               (unsigned long long)env->run_id);
        return -EINVAL;
    }
    memory += pw_orders_bytes(ORDER_ROWS, env->instrument_cnt);
    x->portfolio = pw_portfolio_init(memory, env->instrument_cnt, pw_money_e16_of_e8(config->paper.cash_e8));
    memory += pw_portfolio_bytes(env->instrument_cnt);
    x->quotes = (struct touch *)(void *)memory;
    memory += round_up_64(env->instrument_cnt * sizeof(struct touch));
    x->limits = (struct pw_risk_limits){.max_order_notional_e8 = config->risk.max_order_notional_e8,
                                        .max_position_e8 = config->risk.max_position_e8,
                                        .max_orders_per_s = config->risk.max_orders_per_s,
                                        .allow_short = config->risk.allow_short,
                                        .fee_rate_e8 = config->paper.fee_rate_e8};
    x->changed = true;
    int error = attach_rings(x, env);
    error = error ? error : attach_regions(x, env);
    error = error ? error : check_currency(env);
    return error ? error : init_gateway(x, env, memory);
}

/* ---- room ---- */

/* What the open orders may still put into a ring at one event. */
static uint32_t open_events(const struct execution *x)
{
    return x->orders->open_cnt * PW_FLOW_OPEN_EVENTS;
}

static bool reports_have(struct execution *x, uint64_t events)
{
    return pw_producer_room(&x->reports_out, events) >= events;
}

static bool journal_has(struct execution *x, uint64_t events)
{
    return !x->has_journal || pw_producer_room(&x->journal, events) >= events;
}

/* Beyond it the journal's ring is kept for fills, cancellations and commands. */
static uint64_t journal_reserve(const struct execution *x)
{
    return open_events(x) + COMMAND_RESERVE;
}

/* Enough for a new order: a quarter of the ring is free, and at least what the order may ever need. */
static bool journal_takes_orders(struct execution *x)
{
    uint64_t want = 1 + PW_FLOW_INTENT_EVENTS + PW_FLOW_OPEN_EVENTS + journal_reserve(x);
    uint64_t quarter = x->has_journal ? (x->journal.mask + 1) / 4 : 0;
    return journal_has(x, want > quarter ? want : quarter);
}

/* May this event be taken now? */
static bool has_room(struct execution *x, const struct pw_event *event)
{
    switch (event->kind) {
    case PW_EVENT_SIGNAL:
    case PW_EVENT_CONSUMED:
        return journal_has(x, 1 + journal_reserve(x));
    case PW_EVENT_INTENT:
        if (event->body.intent.action == PW_CANCEL) {
            return reports_have(x, PW_FLOW_OPEN_EVENTS) && journal_has(x, 1 + journal_reserve(x));
        }
        /* The intent and its denial at least. */
        return reports_have(x, PW_FLOW_INTENT_EVENTS) && journal_has(x, 2 + journal_reserve(x));
    default:
        /* A TIME is journalled if it causes something. */
        return reports_have(x, open_events(x)) && journal_has(x, 1 + open_events(x));
    }
}

/* ---- out ---- */

static void journal(struct execution *x, const struct pw_event *event)
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
    journal(x, event);
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

static void take_reports(struct execution *x, int64_t now_ns)
{
    for (uint32_t i = 0; i < x->reports.cnt; i++) {
        take_report(x, &x->reports.rows[i], now_ns);
    }
    x->reports.cnt = 0;
}

/* ---- the market ---- */

static void note_feed(struct execution *x, const struct pw_state *state)
{
    if (state->feed_idx >= PW_FEEDS_MAX) {
        return;
    }
    x->feed_up[state->feed_idx] = state->state == PW_FEED_UP;
    for (uint32_t i = 0; i < x->portfolio->row_cnt && state->state != PW_FEED_UP; i++) {
        if (x->instruments[i].feed_idx == state->feed_idx) {
            x->quotes[i] = (struct touch){0};
        }
    }
}

static void take_market(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    if (event->kind != PW_EVENT_TIME) {
        x->market_cnt += (uint32_t)(event->seq - (uint32_t)x->market_cnt) + UINT64_C(1);
        pw_histogram_add(x->hop, now_ns - event->recv_ns);
    }
    x->gateway->on_market(x->gateway_state, event, &x->reports);
    if (event->kind == PW_EVENT_TIME && x->reports.cnt) {
        journal(x, event);
    }
    take_reports(x, now_ns);
    if (event->kind == PW_EVENT_FEED_STATE) {
        note_feed(x, &event->body.state);
    } else if (event->kind == PW_EVENT_QUOTE && event->instrument_idx < x->portfolio->row_cnt) {
        const struct pw_quote *quote = &event->body.quote;
        x->quotes[event->instrument_idx] = (struct touch){quote->bid_price_e8, quote->ask_price_e8};
        pw_portfolio_quote(x->portfolio, event->instrument_idx, quote->bid_price_e8, quote->ask_price_e8);
        x->changed |= x->portfolio->rows[event->instrument_idx].changed;
    }
}

/* ---- intents ---- */

static bool feed_is_up(const struct execution *x, const struct pw_instrument *instrument)
{
    return instrument && instrument->feed_idx < PW_FEEDS_MAX && x->feed_up[instrument->feed_idx];
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
    x->counts[DENIED]++;
    if (x->counter_of_reason[reason] != NO_COUNTER) {
        x->counts[x->counter_of_reason[reason]]++;
    }
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
    take_reports(x, now_ns);
}

static void place(struct execution *x, const struct pw_event *event, int64_t now_ns)
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
    journal(x, event);
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
static void cancel(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    const struct pw_intent *intent = &event->body.intent;
    const struct pw_order_row *row = pw_orders_find(x->orders, intent->client_order_id);
    journal(x, event);
    if (!row || row->strategy_idx != intent->strategy_idx || !mark_canceling(x, row->client_order_id)) {
        x->counts[CANCELS_VOID]++;
        return;
    }
    x->gateway->cancel(x->gateway_state, row->client_order_id, event->recv_ns, &x->reports);
    take_reports(x, now_ns);
}

/* A decision names the market event behind it, which need not have been passed on (depth is not). */
static void note_decision(struct execution *x, uint64_t market_seq)
{
    if (market_seq >= x->market_cnt && (market_seq || x->market_cnt)) {
        x->market_cnt = market_seq + 1;
    }
}

static void take(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    x->last_ns = event->recv_ns;
    switch (event->kind) {
    case PW_EVENT_INTENT:
        x->counts[INTENTS]++;
        x->changed = true;
        note_decision(x, event->body.intent.market_seq);
        if (event->body.intent.action == PW_CANCEL) {
            cancel(x, event, now_ns);
        } else {
            place(x, event, now_ns);
        }
        break;
    case PW_EVENT_SIGNAL:
        note_decision(x, event->body.signal.market_seq);
        journal(x, event);
        break;
    case PW_EVENT_CONSUMED:
        journal(x, event);
        break;
    default:
        take_market(x, event, now_ns);
        break;
    }
}

/* ---- commands ---- */

/* Cancellations go out at the stream's time, so that a replay, which knows only where in the stream a command
 * was taken, repeats them. */
static void cancel_one(void *state, const struct pw_order_row *row)
{
    struct execution *x = state;
    if (mark_canceling(x, row->client_order_id)) {
        x->gateway->cancel(x->gateway_state, row->client_order_id, x->last_ns, &x->reports);
    }
}

static void take_command(struct execution *x, enum pw_command what, enum pw_reason reason, int64_t now_ns)
{
    journal(x,
            &(struct pw_event){.seq = x->seq++,
                               .kind = PW_EVENT_COMMAND,
                               .instrument_idx = PW_NO_INSTRUMENT,
                               .recv_ns = x->last_ns,
                               .body.state = {.state = what, .reason = reason, .market_seq = x->market_cnt}});
    x->changed = true;
    x->stopped |= what == PW_COMMAND_STOP;
    x->halted = what != PW_COMMAND_RESUME || x->stopped ? PW_REASON_HALTED : PW_REASON_NONE;
    if (x->halted) {
        pw_orders_each_open(x->orders, cancel_one, x);
        take_reports(x, now_ns);
    }
}

/* A stop word that was set halts at once, before the command that will say so. */
static bool obey_stop_word(struct execution *x, int64_t now_ns)
{
    uint64_t stop = atomic_load_explicit(&x->stop->stop, memory_order_relaxed);
    if (stop == 0 || x->halted) {
        return false;
    }
    if (!reports_have(x, open_events(x)) || !journal_has(x, 1 + open_events(x))) {
        return false; /* new orders are denied all the same */
    }
    take_command(x, PW_COMMAND_HALT, (enum pw_reason)stop, now_ns);
    return true;
}

/* A clean stop leaves no order behind: when all that was on its way has been taken, those still open are
 * canceled. */
static bool cancel_at_end(struct execution *x, int64_t now_ns)
{
    if (!x->draining || x->stopped || x->orders->open_cnt == 0 || !reports_have(x, open_events(x)) ||
        !journal_has(x, 1 + open_events(x))) {
        return false;
    }
    take_command(x, PW_COMMAND_STOP, PW_REASON_HALTED, now_ns);
    return true;
}

static bool command_is_known(uint32_t what)
{
    return what == PW_COMMAND_HALT || what == PW_COMMAND_RESUME || what == PW_COMMAND_STOP;
}

static uint32_t take_commands(struct execution *x, int64_t now_ns, bool *stalled)
{
    uint64_t there = pw_consumer_peek(&x->commands, PW_BATCH_MAX);
    uint64_t taken = 0;
    while (taken < there && reports_have(x, open_events(x)) && journal_has(x, 1 + open_events(x))) {
        const struct pw_state *command = &pw_consumer_at(&x->commands, taken)->body.state;
        if (command_is_known(command->state)) {
            take_command(x, (enum pw_command)command->state, (enum pw_reason)command->reason, now_ns);
        }
        taken++;
    }
    if (taken) {
        pw_consumer_done(&x->commands, taken);
    }
    *stalled |= taken < there;
    return (uint32_t)taken;
}

/* ---- the stage ---- */

/* Before the input is given back: who sees an event given back must find all that it caused (the journal
 * does). */
static void publish(struct execution *x)
{
    pw_producer_publish(&x->reports_out);
    if (x->has_journal) {
        pw_producer_publish(&x->journal);
    }
}

static struct pw_poll execution_poll(void *state, int64_t now_ns)
{
    struct execution *x = state;
    struct pw_poll did = {0};
    did.work += obey_stop_word(x, now_ns);
    did.work += take_commands(x, now_ns, &did.stalled);
    uint64_t there = pw_consumer_peek(&x->in, PW_BATCH_MAX);
    uint64_t taken = 0;
    while (taken < there && has_room(x, pw_consumer_at(&x->in, taken))) {
        take(x, pw_consumer_at(&x->in, taken), now_ns);
        taken++;
    }
    did.work += there == 0 && cancel_at_end(x, now_ns);
    publish(x);
    if (taken) {
        pw_consumer_done(&x->in, taken);
        x->counts[EVENTS] += taken;
        did.work += (uint32_t)taken;
    }
    did.stalled |= taken < there;
    x->counts[STALLS] += did.stalled;
    return did;
}

static void show_account(struct execution *x)
{
    struct pw_account account = {
        .intent_cnt = x->counts[INTENTS],
        .order_cnt = x->counts[ORDERS],
        .fill_cnt = x->counts[FILLS],
        .denied_cnt = x->counts[DENIED],
        .rejected_cnt = x->counts[REJECTED],
        .canceled_cnt = x->counts[CANCELED],
        .open_order_cnt = x->orders->open_cnt,
        .halted = x->halted != 0,
    };
    pw_money_put_words(account.cash_e16, x->portfolio->cash_e16);
    pw_money_put_words(account.equity_e16, pw_portfolio_equity_e16(x->portfolio));
    pw_cell_write(&x->account_view->cell, x->account_view->words, &account, sizeof account);
}

static void execution_housekeep(void *state, int64_t now_ns)
{
    (void)now_ns;
    struct execution *x = state;
    for (int i = 0; i < COUNTERS; i++) {
        atomic_store_explicit(x->counters[i], x->counts[i], memory_order_relaxed);
    }
    if (!x->changed) {
        return;
    }
    x->changed = false;
    for (uint32_t i = 0; i < x->portfolio->row_cnt; i++) {
        struct pw_position position;
        if (pw_portfolio_view(x->portfolio, (uint16_t)i, &position)) {
            pw_cell_write(&x->position_views[i].cell, x->position_views[i].words, &position, sizeof position);
        }
    }
    show_account(x);
}

static void execution_drain(void *state)
{
    struct execution *x = state;
    x->draining = true;
}

static bool execution_pending(void *state)
{
    struct execution *x = state;
    return x->orders->open_cnt || pw_consumer_peek(&x->in, 1) || pw_consumer_peek(&x->commands, 1);
}

static void execution_fini(void *state)
{
    execution_housekeep(state, 0);
}

const struct pw_stage_ops pw_execution_stage = {
    .name = "execution",
    .state_bytes = execution_state_bytes,
    .init = execution_init,
    .poll = execution_poll,
    .housekeep = execution_housekeep,
    .drain = execution_drain,
    .pending = execution_pending,
    .fini = execution_fini,
};
