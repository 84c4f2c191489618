/* SPDX-License-Identifier: MIT
 *
 * The execution stage: takes the one ordered stream of market events and intents, lets the gateway see each
 * market event first, checks every intent, keeps orders and the portfolio, and reports to strategy and
 * journal.
 *
 * Room before input: an event is taken only when both rings have room for all that it can cause. The
 * journal's ring never drops, and keeps a reserve for what open orders may still report, and for commands:
 * when it is more than three quarters full, and at once while the journal can store nothing, new orders are
 * denied (no room); when only the reserve is left the stream waits, and commands are still taken. But while
 * the journal is stopped decisions are counted instead of recorded then, so that cancellations go on.
 *
 * A halt (by command, by a fault, or by the stop word, which is read before every order) denies all new
 * orders and cancels the open ones, then and when they turn up later; cancellations always pass. A fault
 * halts its own account alone. All halts end with RESUME. After STOP there is no resuming.
 *
 * An order for a wire goes out before anybody is told of it: its records and reports, which are more lines of
 * memory than the order itself, are written at the beginning of the next poll, before anything else, and only
 * then its intent is given back. So what a crash in between keeps from the journal is what it keeps from any
 * commit that it interrupts: the next run finds the order at the venue by its id.
 *
 * Of a live venue's messages, and of how their reports share the ring with the stream, tells flow.h.
 */
#include "execution.h"
#include "execution_state.h"
#include "pw_assert.h"
#include <string.h>

/* May this event be taken now? */
static bool has_room(struct execution *x, const struct pw_event *event)
{
    switch (event->kind) {
    case PW_EVENT_SIGNAL:
    case PW_EVENT_CONSUMED:
        return journal_has_or_skips(x, 1 + journal_reserve(x));
    case PW_EVENT_INTENT:
        if (event->body.intent.action == PW_CANCEL) {
            return reports_have(x, x->reports_cancel) && journal_has_or_skips(x, 1 + journal_reserve(x));
        }
        /* The intent, what risk saw and its denial at least; a replacement tells of the old order too. */
        return reports_have(x, PW_FLOW_INTENT_EVENTS + (event->body.intent.action == PW_REPLACE)) &&
               journal_has_or_skips(x, 1 + RISK_EVENTS + 1 + journal_reserve(x));
    default:
        /* A TIME is journalled if it causes something. */
        return !x->has_market_gateway ||
               (reports_have(x, open_events(x)) && journal_has(x, 1 + open_events(x)));
    }
}

/* For a cancellation of each open order. A halt must not depend on strategy's taking reports. */
static bool has_room_to_cancel(struct execution *x)
{
    return (!x->reports_cancel || reports_have(x, open_events(x))) && journal_has(x, 1 + open_events(x));
}

/* May the gateway report what it likes? */
static bool has_room_for_message(struct execution *x)
{
    return reports_have(x, PW_FLOW_MESSAGE_EVENTS + x->stream_events) &&
           journal_has(x, PW_FLOW_MESSAGE_EVENTS + PW_REPORTS_MAX * STAMP_EVENTS + journal_reserve(x));
}

/* ---- the market ---- */

static void note_feed(struct execution *x, const struct pw_state *state)
{
    if (state->feed_idx >= PW_FEEDS_MAX) {
        return;
    }
    x->feed_up[state->feed_idx] = state->state == PW_FEED_UP;
    x->feed_states[state->feed_idx] = *state;
    for (uint32_t i = 0; i < x->instrument_cnt && state->state != PW_FEED_UP; i++) {
        if (x->instruments[i].feed_idx == state->feed_idx) {
            x->quotes[i].bid_e8 = x->quotes[i].ask_e8 = 0;
        }
    }
}

/* The gateway's turn, before anybody else's. */
static void show_market(struct execution *x, struct execution_account *account, const struct pw_event *event,
                        bool *is_kept, int64_t now_ns)
{
    if (account->gateway->on_market) {
        account->gateway->on_market(account->gateway_state, event, &x->reports);
    }
    if (event->kind == PW_EVENT_TIME && x->reports.cnt && !*is_kept) {
        pw_execution_journal(x, event);
        *is_kept = true;
    }
    pw_execution_take_reports(x, account, now_ns);
}

static void take_quote(struct execution *x, const struct pw_event *event)
{
    const struct pw_quote *quote = &event->body.quote;
    struct execution_account *account = account_of(x, event->instrument_idx);
    if (!account) {
        return;
    }
    x->quotes[event->instrument_idx].bid_e8 = quote->bid_price_e8;
    x->quotes[event->instrument_idx].ask_e8 = quote->ask_price_e8;
    pw_portfolio_quote(account->portfolio, event->instrument_idx, quote->bid_price_e8, quote->ask_price_e8);
    x->changed |= account->portfolio->rows[event->instrument_idx].changed;
}

/* What it says is newer than a rejection. */
static void take_terms(struct execution *x, const struct pw_event *event)
{
    if (event->kind == PW_EVENT_REFERENCE_PRICE) {
        x->quotes[event->instrument_idx].reference = pw_reference_of(event);
        return;
    }
    pw_rules_apply(&x->instruments[event->instrument_idx], event);
    if (event->kind == PW_EVENT_RULES && event->body.rules.tradable) {
        x->market_closed[event->instrument_idx] = false;
    }
}

/* Every gateway sees all of it: an event is the time, too. */
static void take_market(struct execution *x, const struct pw_event *event, int64_t now_ns)
{
    bool is_kept = false;
    if (event->kind != PW_EVENT_TIME) {
        x->market_cnt += (uint32_t)(event->seq - (uint32_t)x->market_cnt) + UINT64_C(1);
        pw_hop_add(x->hop, &x->clock, now_ns, event->recv_ns);
    }
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        show_market(x, &x->accounts[i], event, &is_kept, now_ns);
    }
    if (event->kind == PW_EVENT_FEED_STATE) {
        note_feed(x, &event->body.state);
    } else if (event->kind == PW_EVENT_QUOTE) {
        take_quote(x, event);
    } else if (pw_event_is_terms(event->kind) && event->instrument_idx < x->instrument_cnt) {
        take_terms(x, event);
    }
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
        x->changed = true;
        note_decision(x, event->body.intent.market_seq);
        if (event->body.intent.action == PW_CANCEL) {
            pw_execution_cancel(x, event, now_ns);
        } else {
            pw_execution_place(x, event, now_ns);
        }
        break;
    case PW_EVENT_SIGNAL:
        note_decision(x, event->body.signal.market_seq);
        pw_execution_journal(x, event);
        break;
    case PW_EVENT_CONSUMED:
        if (event->body.consumed.market_seq > 0) {
            note_decision(x, event->body.consumed.market_seq - 1);
        }
        pw_execution_journal(x, event);
        break;
    default:
        take_market(x, event, now_ns);
        break;
    }
}

/* ---- commands ---- */

static void cancel_if_halted(void *state, const struct pw_order_row *row)
{
    struct execution *x = state;
    pw_assert(row->account_idx < x->account_cnt);
    if (x->accounts[row->account_idx].halted) {
        pw_execution_cancel_open(x, row);
    }
}

static bool command_is_known(uint32_t what)
{
    return what == PW_COMMAND_HALT || what == PW_COMMAND_RESUME || what == PW_COMMAND_STOP;
}

/* only: the one account that it is for; NULL: all. */
static void take_command(struct execution *x, struct execution_account *only, enum pw_command what,
                         enum pw_reason reason, int64_t now_ns)
{
    pw_execution_journal(
        x, &(struct pw_event){.seq = x->seq++,
                              .kind = PW_EVENT_COMMAND,
                              .instrument_idx = PW_NO_INSTRUMENT,
                              .recv_ns = x->last_ns,
                              .body.state = {.state = what,
                                             .reason = reason,
                                             .account_nth = only && x->account_cnt > 1 ? only->idx + 1u : 0,
                                             .market_seq = x->market_cnt}});
    x->changed = true;
    x->stopped |= what == PW_COMMAND_STOP;
    pw_assert(command_is_known(what) && (!only || only->idx < x->account_cnt));
    bool halts = what != PW_COMMAND_RESUME || x->stopped;
    uint32_t halted = !halts ? PW_REASON_NONE : reason ? reason : PW_REASON_HALTED;
    x->halted = only ? x->halted : halted;
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        struct execution_account *account = &x->accounts[i];
        account->halted = !only || only == account ? halted : account->halted;
        account->rejections = halts ? account->rejections : 0;
        account->rejections_until_ns = halts ? account->rejections_until_ns : 0;
    }
    if (!halts) {
        memset(x->market_closed, 0, sizeof x->market_closed);
    }
    if (halts) {
        pw_orders_each_open(x->orders, cancel_if_halted, x);
        pw_execution_take_reports(x, NULL, now_ns);
    }
}

/* A stop word that was set halts at once, before the command that will say so. Without room new orders are
 * denied all the same. */
static bool obey_stop_word(struct execution *x, int64_t now_ns)
{
    uint64_t stop = atomic_load_explicit(&x->stop->stop, memory_order_relaxed);
    if (stop == 0 || x->halted || !has_room_to_cancel(x)) {
        return false;
    }
    take_command(x, NULL, PW_COMMAND_HALT, (enum pw_reason)stop, now_ns);
    return true;
}

/* A fault halts its account. */
static uint32_t obey_faults(struct execution *x, int64_t now_ns)
{
    uint32_t work = 0;
    bool owed = false;
    for (uint32_t i = 0; x->faulted && i < x->account_cnt; i++) {
        struct execution_account *account = &x->accounts[i];
        enum pw_reason reason = (enum pw_reason)account->fault;
        if (reason == PW_REASON_NONE) {
            continue;
        }
        if (!has_room_to_cancel(x)) {
            owed = true;
            break;
        }
        account->fault = PW_REASON_NONE;
        take_command(x, account, PW_COMMAND_HALT, reason, now_ns);
        work++;
    }
    x->faulted = owed;
    return work;
}

/* A clean stop leaves no order behind: when all that was on its way has been taken, those still open are
 * canceled. */
static bool cancel_at_end(struct execution *x, int64_t now_ns)
{
    if (!x->draining || x->stopped || x->orders->open_cnt == 0 || !has_room_to_cancel(x)) {
        return false;
    }
    take_command(x, NULL, PW_COMMAND_STOP, PW_REASON_HALTED, now_ns);
    return true;
}

/* Those at that host. */
static void pause_gateways(struct execution *x, uint32_t host_idx, int64_t until_ns)
{
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        struct execution_account *account = &x->accounts[i];
        if (account->gateway->pause && account->host_idx == host_idx) {
            account->gateway->pause(account->gateway_state, until_ns);
        }
    }
}

static uint32_t take_commands(struct execution *x, int64_t now_ns, bool *stalled)
{
    uint64_t there = pw_consumer_peek(&x->commands, PW_BATCH_MAX);
    uint64_t taken = 0;
    while (taken < there && has_room_to_cancel(x)) {
        const struct pw_event *event = pw_consumer_at(&x->commands, taken++);
        const struct pw_state *command = &event->body.state;
        if (command_is_known(command->state)) {
            take_command(x, NULL, (enum pw_command)command->state, (enum pw_reason)command->reason, now_ns);
        } else if (command->state == PW_COMMAND_PAUSE) {
            pause_gateways(x, command->feed_idx, event->venue_ns);
        }
    }
    if (taken) {
        pw_consumer_done(&x->commands, taken);
    }
    *stalled |= taken < there;
    return (uint32_t)taken;
}

/* ---- the venue ---- */

/* What a gateway does by itself. */
static uint32_t poll_gateway(struct execution *x, struct execution_account *account, int64_t now_ns,
                             bool *stalled)
{
    account->on_time = !account->gateway->poll || has_room_for_message(x);
    if (!account->gateway->poll || !account->on_time) {
        *stalled |= !account->on_time;
        return 0;
    }
    pw_assert(x->reports.cnt == 0 && !x->untold.row); /* all before has been told */
    uint32_t work = account->gateway->poll(account->gateway_state, now_ns, &x->reports);
    pw_execution_take_reports(x, account, now_ns);
    return work;
}

static uint32_t poll_gateways(struct execution *x, int64_t now_ns, bool *stalled)
{
    uint32_t work = 0;
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        work += poll_gateway(x, &x->accounts[i], now_ns, stalled);
    }
    return work;
}

/* Whose order entry a message came from. */
static struct execution_account *account_of_conn(struct execution *x, uint32_t conn_idx)
{
    uint32_t i = 0;
    while (i + 1 < x->account_cnt && x->accounts[i].conn_idx != conn_idx) {
        i++;
    }
    pw_assert(x->accounts[i].gateway->on_message);
    return &x->accounts[i];
}

static uint32_t take_messages(struct execution *x, int64_t now_ns, bool *stalled)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < x->line_cnt; i++) {
        struct order_line *line = &x->lines[i];
        uint64_t there = pw_consumer_peek(&line->messages, PW_BATCH_MAX);
        line->taken = 0;
        while (line->taken < there && has_room_for_message(x)) {
            const struct pw_event *frame = pw_consumer_at(&line->messages, line->taken++);
            struct execution_account *account = account_of_conn(x, frame->body.frame.feed_idx);
            account->gateway->on_message(account->gateway_state, frame,
                                         pw_consumer_payload(&line->messages, frame), &x->reports);
            pw_execution_take_reports(x, account, now_ns);
        }
        *stalled |= line->taken < there;
        all += line->taken;
    }
    return (uint32_t)all;
}

static void give_messages_back(struct execution *x)
{
    for (uint32_t i = 0; i < x->line_cnt; i++) {
        if (x->lines[i].taken) {
            pw_consumer_done(&x->lines[i].messages, x->lines[i].taken);
        }
    }
}

static bool has_messages(struct execution *x)
{
    bool has = false;
    for (uint32_t i = 0; i < x->line_cnt; i++) {
        has |= pw_consumer_peek(&x->lines[i].messages, 1) != 0;
    }
    return has;
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
    if (x->has_frames_copy) {
        pw_producer_publish(&x->frames_copy);
    }
    /* Last: but for an order just placed, what goes out is in the journal's ring. */
    for (uint32_t i = 0; i < x->line_cnt; i++) {
        pw_producer_publish(&x->lines[i].wire);
    }
}

/* Of the last poll's order, which must have left by now. */
static uint32_t tell_order(struct execution *x)
{
    if (!x->untold.row) {
        return 0;
    }
    pw_execution_tell_order(x);
    publish(x);
    pw_consumer_done(&x->in, 1);
    return 1;
}

static struct pw_poll execution_poll(void *state, int64_t now_ns)
{
    struct execution *x = state;
    struct pw_poll did = {.work = tell_order(x)};
    did.work += poll_gateways(x, now_ns, &did.stalled);
    uint32_t messages = take_messages(x, now_ns, &did.stalled);
    did.work += messages + obey_faults(x, now_ns) + obey_stop_word(x, now_ns);
    did.work += take_commands(x, now_ns, &did.stalled);
    uint64_t there = pw_consumer_peek(&x->in, PW_BATCH_MAX);
    uint64_t taken = 0;
    while (taken < there) {
        const struct pw_event *event = pw_consumer_at(&x->in, taken);
        pw_execution_tell_order(x);
        if (!has_room(x, event)) {
            break;
        }
        take(x, event, now_ns);
        journal_skips_no_more(x);
        taken++;
    }
    did.work += there == 0 && cancel_at_end(x, now_ns);
    publish(x);
    if (messages) {
        give_messages_back(x);
    }
    pw_assert(taken <= there && (taken || x->untold.row == NULL));
    if (taken) {
        pw_consumer_done(&x->in, taken - (x->untold.row != NULL));
        x->metrics.events += taken;
        did.work += (uint32_t)taken;
    }
    did.stalled |= taken < there;
    x->metrics.stalls += did.stalled;
    return did;
}

static void execution_drain(void *state)
{
    struct execution *x = state;
    x->draining = true;
}

static bool execution_pending(void *state)
{
    struct execution *x = state;
    return x->orders->open_cnt || pw_consumer_peek(&x->in, 1) || pw_consumer_peek(&x->commands, 1) ||
           has_messages(x);
}

static int64_t execution_next_ns(void *state)
{
    struct execution *x = state;
    if (x->untold.row) {
        return 0;
    }
    int64_t next_ns = INT64_MAX;
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        const struct execution_account *account = &x->accounts[i];
        int64_t at_ns =
            account->gateway->next_ns ? account->gateway->next_ns(account->gateway_state) : INT64_MAX;
        next_ns = at_ns < next_ns ? at_ns : next_ns;
    }
    return next_ns;
}

static void execution_fini(void *state)
{
    tell_order(state);
    pw_execution_housekeep(state, 0);
}

const struct pw_stage_ops pw_execution_stage = {
    .name = "execution",
    .attachment_bytes = sizeof(struct pw_execution_attachment),
    .state_bytes = pw_execution_state_bytes,
    .init = pw_execution_init,
    .poll = execution_poll,
    .next_ns = execution_next_ns,
    .housekeep = pw_execution_housekeep,
    .drain = execution_drain,
    .pending = execution_pending,
    .fini = execution_fini,
};
